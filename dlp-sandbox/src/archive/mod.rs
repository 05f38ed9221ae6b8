//! Reads one archive inside a worker and hands its members to the parent, which inspects them like any other file.
//!
//! 7z and RAR are read by engines, cabinets by a reader of our own, because their members stand in one stream that is
//! to be unpacked once. Every member is named, also those that cannot be read; a broken one costs itself and what is
//! packed together with it. Bounds on all members together are the parent's, which knows what else the job holds.

mod cabinet;
mod rar;
mod sevenz;

pub(crate) use sevenz::{PASSED_BYTES_FREE, PASSED_RATIO_MAX};

use crate::trouble::Trouble;
use crate::wire::{Bounds, Format};
use crate::worker::Output;
use std::io;

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
