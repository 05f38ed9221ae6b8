//! The gateway: an explicit forward proxy that opens TLS, recognises the destination, and lets a body go only after it
//! was inspected and the policy decided.
//!
//! A connection runs through these modules in this order:
//!
//! ```text
//! server (accept, limits) -> http (framing has one reading) -> tunnel (CONNECT, names, TLS both ways)
//!     -> pipeline (who, where to, decide on the head, hold the body, inspect, decide)
//!         -> destination, body, answer (what is it, what does it hold, how to refuse)
//!     -> upstream (resolve once, guard addresses, dial, send)
//! ```
//!
//! `tls` holds the CA, the leaves and the verification of origins; `services` is what all connections share; `gateway`
//! builds it from a [`config::Config`]; `identity` says who sends, `access` cuts whoever may not any more; `admin` serves
//! health, metrics and the calls that end access on a socket that the proxy never dials.
#![forbid(unsafe_code)]

mod access;
mod admin;
mod admission;
pub mod answer;
pub mod body;
mod body_stream;
mod bypass;
pub mod cli;
pub mod config;
pub mod destination;
mod fault;
mod gateway;
mod http;
mod icap;
mod identity;
mod known;
mod message_room;
mod metrics;
pub mod names;
mod pipeline;
mod read_ahead;
mod request_log;
mod rules;
mod scan_pool;
mod sealed_file;
mod secret_file;
mod server;
mod services;
mod slow_reader;
mod sockets;
mod spool;
mod state_lock;
mod tls;
mod transfer;
mod tunnel;
mod upstream;
mod websocket;

pub use access::log::AccessLogError;
pub use bypass::BypassError;
pub use gateway::{Gateway, Setup, StartError, check, run};
pub use identity::IdentityError;
pub use known::KnownError;
pub use rules::Reloader;
pub use secret_file::SecretError;
pub use sockets::Sockets;
pub use state_lock::StateLockError;
pub use tls::ca::CaError;
pub use tls::origin::RootsError;
pub use tls::own::OwnTlsError;
