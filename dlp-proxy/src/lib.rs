//! Placeholder.

pub mod answer;
pub mod body;
