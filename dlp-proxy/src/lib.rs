//! The gateway.
pub mod answer;
pub mod body;
mod body_stream;
pub mod config;
pub mod destination;
mod fault;
mod http;
pub mod names;
mod spool;
mod tls;
mod upstream;
