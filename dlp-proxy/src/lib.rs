//! Placeholder.

pub mod body;
