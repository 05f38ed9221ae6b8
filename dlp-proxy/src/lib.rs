//! The gateway.
pub mod config;
mod http;
pub mod names;
mod tls;
