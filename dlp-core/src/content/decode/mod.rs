//! Decoders of bytes that were encoded as text, with maps back to the encoded bytes.

mod derived;
pub(super) mod escapes;
mod rtf_compressed;
pub(super) mod runs;
pub(super) mod transfer;

pub(super) use derived::{Derived, compose};
pub(super) use rtf_compressed::rtf_compressed;
