//! Layer 1: from bytes in any character set to UTF-8 that can be mapped back.

mod charset;
mod codepage;
pub(crate) mod count;
pub(crate) mod delimited;
mod fold;
pub(crate) mod runs;
mod transcode;

pub(crate) use charset::doubts;
pub use charset::{Charset, Detected, detect, guess_eight_bit, is_likely_unit, is_utf8, utf8_cut, utf8_dominates};
pub use codepage::CodePage;
pub(crate) use fold::push_folded;
pub use transcode::{MapRun, Transcoded, Transcoder, original_offset};
