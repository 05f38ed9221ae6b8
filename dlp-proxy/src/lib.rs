//! The inspecting forward proxy.

pub mod destination;
