//! The gateway.
pub mod answer;
pub mod body;
mod body_stream;
pub mod config;
pub mod destination;
mod fault;
mod http;
mod identity;
mod metrics;
pub mod names;
mod pipeline;
mod scan_pool;
mod server;
mod services;
mod spool;
mod tls;
mod tunnel;
mod upstream;
