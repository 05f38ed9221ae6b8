//! 7z, block by block: files that are packed together share the fate of their block.

use super::copy;
use crate::trouble::Trouble;
use crate::wire::Format;
use crate::worker::Output;
use sevenz_rust2::{Archive, BlockDecoder, Error, Password};
use std::io::{self, Cursor};

/// Threads of the engine; the worker has one.
const THREADS: u32 = 1;

pub(super) fn read(document: &[u8], output: &mut Output) -> io::Result<()> {
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
    for block in 0..archive.blocks.len() {
        let decoder = BlockDecoder::new(THREADS, block, &archive, &password, &mut source);
        read_block(decoder, output)?;
    }
    Ok(())
}

fn read_block(decoder: BlockDecoder<'_, Cursor<&[u8]>>, output: &mut Output) -> io::Result<()> {
    let names: Vec<String> =
        decoder.entries().iter().filter(|entry| entry.size > 0).map(|entry| entry.name.clone()).collect();
    let (mut given, mut failed) = (0, None);
    let result = decoder.for_each_entries(&mut |entry, content| {
        if entry.size == 0 {
            return Ok(true);
        }
        given += 1;
        let mut file = output.file(&entry.name);
        let sent = copy(content, &mut file).and_then(|is_whole| {
            file.end()?;
            if is_whole { Ok(()) } else { output.trouble(Trouble::MemberBroken) }
        });
        failed = sent.err();
        Ok(failed.is_none())
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let Err(error) = result else { return Ok(()) };
    let trouble = trouble(&error, Trouble::MemberBroken);
    if names.len() == given {
        return output.trouble(trouble);
    }
    names.iter().skip(given).try_for_each(|name| output.closed(name, trouble))
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
