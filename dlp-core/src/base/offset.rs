//! Offsets and spans as types of their own, so that coordinates of different texts cannot be mixed up by accident.

use std::fmt;
use std::io::{self, SeekFrom};

/// Byte offset into the text or the bytes that the owner of the value names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteOffset(pub u64);

/// Half-open range `start..end` of byte offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: ByteOffset,
    /// One past the last byte.
    pub end: ByteOffset,
}

impl Span {
    /// A span from plain numbers. `end` is raised to `start` when it is smaller.
    #[must_use]
    pub fn new(start: u64, end: u64) -> Self {
        Self { start: ByteOffset(start), end: ByteOffset(end.max(start)) }
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(self) -> u64 {
        self.end.0 - self.start.0
    }

    /// Whether it holds no byte.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether every byte of `other` lies in this span.
    #[must_use]
    pub fn contains(self, other: Span) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Whether the two spans share a byte.
    #[must_use]
    pub fn overlaps(self, other: Span) -> bool {
        self.start < other.end && other.start < self.end
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start.0, self.end.0)
    }
}

/// Where a reader of so many bytes stands after it was told to go somewhere; beyond its end is a place as well.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for a place before the beginning, and beyond what a number tells.
pub fn seek_target(to: SeekFrom, at: u64, len: u64) -> io::Result<u64> {
    let target = match to {
        SeekFrom::Start(offset) => Some(offset),
        SeekFrom::End(delta) => len.checked_add_signed(delta),
        SeekFrom::Current(delta) => at.checked_add_signed(delta),
    };
    target.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}
