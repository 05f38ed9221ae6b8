//! Layer 3: a compiled set of detectors over text.

mod found;

pub use found::{DetectorIndex, Match, Reason, Step, ValidatorResult};
