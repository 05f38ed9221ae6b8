//! The commands, one module each.

pub(crate) mod completions;
pub(crate) mod detectors;
pub(crate) mod edm;
pub(crate) mod extract;
pub(crate) mod fingerprint;
pub(crate) mod gateway;
pub(crate) mod git;
pub(crate) mod hook;
pub(crate) mod redact;
pub(crate) mod scan;
pub(crate) mod schema;
mod sort;
