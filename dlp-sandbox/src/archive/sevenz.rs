//! 7z, block by block: files that are packed together share the fate of their block.

use super::Work;
use crate::trouble::Trouble;
use crate::wire::{Bounds, Format};
use crate::worker::Output;
use sevenz_rust2::{Archive, ArchiveEntry, BlockDecoder, Error, Password};
use std::io::{self, Cursor, Read, Write};

/// Threads of the engine; the worker has one.
const THREADS: u32 = 1;

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

fn trouble(error: &Error, otherwise: Trouble) -> Trouble {
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => Trouble::EncryptedMember(Format::SevenZip),
        Error::UnsupportedCompressionMethod(_) | Error::Unsupported(_) | Error::ExternalUnsupported => {
            Trouble::ArchiveMethod
        }
        _ => otherwise,
    }
}
