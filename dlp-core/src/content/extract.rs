//! The entry of extraction: bytes in, a [`Sink`](super::Sink) called with items, text and outcomes.

use super::budget::Budget;
use super::walk::Walk;
use super::{Outcome, RiskyParser, Sink};
use crate::base::{Cancel, Limits};
use std::io::{Read, Seek};

/// Something to read from. Formats with a directory at their end need `Seekable` or `Bytes`; a `Stream` of such a
/// format is held in memory up to `held_bytes_max`.
pub enum Input<'a> {
    /// Everything is in memory.
    Bytes(&'a [u8]),
    /// A file or spool.
    Seekable(&'a mut dyn ReadSeek),
    /// Bytes that come once.
    Stream(&'a mut dyn Read),
}

/// A reader that can seek.
pub trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// What extraction needs besides the input: bounds, a way to stop, and the parser for risky formats.
#[derive(Clone, Copy)]
pub struct Extraction<'a> {
    /// Bounds of the job.
    pub limits: &'a Limits,
    /// Stops the job from outside.
    pub cancel: &'a Cancel,
    /// Runs parsers that can crash; without it such documents end as `unsupported`.
    pub risky: Option<&'a dyn RiskyParser>,
}

/// Walks one input: recognises its kind, hands its text to the sink, descends into what it contains.
///
/// Broken input is no error: what can be read is handed out, and the outcome says what was not.
pub fn extract(name: &str, input: Input<'_>, extraction: Extraction<'_>, sink: &mut dyn Sink) -> Outcome {
    let budget = Budget::new(extraction.limits, extraction.cancel);
    Walk::new(&budget, extraction, sink).root(name, input)
}
