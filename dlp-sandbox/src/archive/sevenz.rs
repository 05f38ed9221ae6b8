//! 7z, block by block: files that are packed together share the fate of their block.

use crate::trouble::Trouble;
use crate::wire::{Bounds, Format, PIECE_BYTES_MAX};
use crate::worker::Output;
use sevenz_rust2::{Archive, ArchiveEntry, BlockDecoder, Error, Password};
use std::io::{self, Cursor, Read, Write};

/// Threads of the engine; the worker has one.
const THREADS: u32 = 1;
/// Bytes that the parent does not take, and that are unpacked for what stands behind them, and those for each byte of a
/// large archive.
pub(crate) const PASSED_BYTES_FREE: u64 = 128 * 1024 * 1024;
pub(crate) const PASSED_RATIO_MAX: u64 = 16;

pub(super) fn read(document: &[u8], bounds: &Bounds, output: &mut Output) -> io::Result<()> {
    let (password, mut source) = (Password::empty(), Cursor::new(document));
    let archive = match Archive::read(&mut source, &password) {
        Ok(archive) => archive,
        Err(Error::PasswordRequired | Error::MaybeBadPassword(_)) => {
            return output.trouble(Trouble::EncryptedNames(Format::SevenZip));
        }
        Err(error) => return output.trouble(trouble(&error, Trouble::ArchiveStructure)),
    };
    for entry in archive.files.iter().filter(|entry| !entry.has_stream || entry.size == 0) {
        output.child(&entry.name, b"")?;
    }
    let mut work = Work::new(document.len() as u64, bounds);
    for block in 0..archive.blocks.len() {
        let decoder = BlockDecoder::new(THREADS, block, &archive, &password, &mut source);
        read_block(decoder, &mut work, output)?;
    }
    Ok(())
}

fn read_block(decoder: BlockDecoder<'_, Cursor<&[u8]>>, work: &mut Work, output: &mut Output) -> io::Result<()> {
    let names: Vec<String> =
        decoder.entries().iter().filter(|entry| entry.size > 0).map(|entry| entry.name.clone()).collect();
    let (mut given, mut failed, mut is_left) = (0, None, false);
    let result = decoder.for_each_entries(&mut |entry, content| {
        if entry.size == 0 {
            return Ok(true);
        }
        given += 1;
        match send(entry, content, work, output) {
            // Nothing has to be unpacked for nothing.
            Ok(rest_bytes) => is_left = given < names.len() && !work.may_pass(rest_bytes),
            Err(error) => failed = Some(error),
        }
        Ok(failed.is_none() && !is_left)
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let trouble = match &result {
        _ if is_left => Trouble::PassedOver,
        Ok(_) => return Ok(()),
        Err(error) => trouble(error, Trouble::MemberBroken),
    };
    if names.len() == given {
        return output.trouble(trouble);
    }
    names.iter().skip(given).try_for_each(|name| output.closed(name, trouble))
}

/// Hands over as much of a member as the parent takes, and says how many of its bytes are left.
fn send(entry: &ArchiveEntry, content: &mut dyn Read, work: &Work, output: &mut Output) -> io::Result<u64> {
    const BUFFER_BYTES: usize = 64 * 1024;
    let (mut buffer, mut file, mut sent_bytes) = (vec![0; BUFFER_BYTES], output.file(&entry.name), 0);
    let is_broken = loop {
        if sent_bytes > work.member_bytes_max {
            break false;
        }
        match content.read(&mut buffer) {
            Ok(0) => break false,
            Ok(len) => {
                file.write_all(&buffer[..len])?;
                sent_bytes += len as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break true,
        }
    };
    file.end()?;
    if is_broken {
        output.trouble(Trouble::MemberBroken)?;
    }
    Ok(entry.size.saturating_sub(sent_bytes))
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

fn trouble(error: &Error, otherwise: Trouble) -> Trouble {
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => Trouble::EncryptedMember(Format::SevenZip),
        Error::UnsupportedCompressionMethod(_) | Error::Unsupported(_) | Error::ExternalUnsupported => {
            Trouble::ArchiveMethod
        }
        _ => otherwise,
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
