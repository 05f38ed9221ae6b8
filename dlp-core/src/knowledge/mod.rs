//! Layer 2: what is known about sensitive data: the catalogue of detectors, and the validators that they name.

pub mod validators;
