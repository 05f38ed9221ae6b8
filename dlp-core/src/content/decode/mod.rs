//! Decoders of bytes that were encoded as text, with maps back to the encoded bytes.

mod bare;
mod brotli;
mod chains;
mod derived;
mod dumps;
pub(super) mod escapes;
mod others;
mod places;
mod rtf_compressed;
pub(super) mod runs;
mod stretch;
mod torn;
pub(super) mod transfer;
mod wide;

pub(super) use derived::{Derived, compose};
pub(super) use others::{Given, Inflated, JOINED, Made, Other, inflate, others};
pub(super) use places::Places;
pub(super) use rtf_compressed::rtf_compressed;

/// Bytes that mean nothing, the same in each run.
#[cfg(test)]
fn noise() -> impl FnMut() -> u8 {
    let mut state = 9_u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    }
}
