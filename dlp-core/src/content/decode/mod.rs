//! Decoders of bytes that were encoded as text, with maps back to the encoded bytes.

mod derived;
pub(super) mod transfer;

pub(super) use derived::{Derived, compose};
