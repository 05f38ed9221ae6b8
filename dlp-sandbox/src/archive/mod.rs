//! Reads one archive inside a worker and hands its members to the parent, which inspects them like any other file.
//!
//! 7z and RAR are read by engines, cabinets by a reader of our own, because their members stand in one stream that is
//! to be unpacked once. Every member is named, also those that cannot be read; a broken one costs itself and what is
//! packed together with it. Bounds on all members together are the parent's, which knows what else the job holds.

mod cabinet;
mod rar;
mod sevenz;

use crate::trouble::Trouble;
use crate::wire::{Bounds, Format, PIECE_BYTES_MAX};
use crate::worker::Output;
use std::io;

/// Bytes that the parent does not take, and that are unpacked for what stands behind them, and those for each byte of a
/// large archive.
pub(crate) const PASSED_BYTES_FREE: u64 = 128 * 1024 * 1024;
pub(crate) const PASSED_RATIO_MAX: u64 = 16;

/// Reads the archive and sends what is in it.
pub(crate) fn read(document: Vec<u8>, format: Format, bounds: &Bounds, output: &mut Output) -> io::Result<()> {
    match format {
        Format::SevenZip => sevenz::read(&document, bounds, output),
        Format::Rar => rar::read(document, bounds, output),
        Format::Cabinet => cabinet::read(&document, bounds, output),
    }
}

/// Bytes of a member of a cabinet as they come, up to what may be handed over: several may be open at once.
#[derive(Debug)]
struct Member {
    name: String,
    bytes: Vec<u8>,
    bytes_max: u64,
    is_cut: bool,
}

impl Member {
    fn new(name: String, bounds: &Bounds) -> Self {
        Self { name, bytes: Vec::new(), bytes_max: bounds.child_bytes, is_cut: false }
    }

    fn push(&mut self, bytes: &[u8]) {
        let room = self.bytes_max.saturating_sub(self.bytes.len() as u64);
        let len = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        self.is_cut |= len < bytes.len();
        self.bytes.extend_from_slice(&bytes[..len]);
    }

    fn send(self, output: &mut Output) -> io::Result<()> {
        output.child(&self.name, &self.bytes)?;
        if self.is_cut { output.trouble(Trouble::MemberCut) } else { Ok(()) }
    }
}

/// What unpacking may still cost that nobody takes.
struct Work {
    member_bytes_max: u64,
    passed_bytes_left: u64,
}

impl Work {
    fn new(document_bytes: u64, bounds: &Bounds) -> Self {
        Self {
            // The parent meets its bound with the piece behind it.
            member_bytes_max: bounds.member_bytes_taken(document_bytes).saturating_add(PIECE_BYTES_MAX as u64),
            passed_bytes_left: PASSED_RATIO_MAX.saturating_mul(document_bytes).max(PASSED_BYTES_FREE),
        }
    }

    /// Whether so many bytes may be unpacked for what stands behind them.
    fn may_pass(&mut self, bytes: u64) -> bool {
        let left = self.passed_bytes_left.checked_sub(bytes);
        self.passed_bytes_left = left.unwrap_or(self.passed_bytes_left);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlp_core::base::Limits;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn what_nobody_takes_is_passed_up_to_a_bound() {
        let bounds = Bounds::of(&Limits::inline());
        // Bytes of the archive, those that a member may have, and those that may be passed.
        let rows = [(12_000, 16 * MIB, 128 * MIB), (MIB, 200 * MIB, 128 * MIB), (10 * MIB, 256 * MIB, 160 * MIB)];
        for (document_bytes, taken, passed) in rows {
            let mut work = Work::new(document_bytes, &bounds);
            assert_eq!(work.member_bytes_max, taken + PIECE_BYTES_MAX as u64, "{document_bytes}");
            assert!(work.may_pass(passed - 9) && !work.may_pass(10) && work.may_pass(9), "{document_bytes}");
            assert!(work.may_pass(0) && !work.may_pass(1), "{document_bytes}");
        }
    }
}
