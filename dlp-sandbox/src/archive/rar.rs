//! RAR of every age. Members of a solid archive are unpacked in order, those that cannot be read are named.

use super::Work;
use crate::trouble::Trouble;
use crate::wire::{Bounds, Format, WirePart};
use crate::worker::{At, Output, OutputFile};
use rars::{
    Archive, ArchiveMember, ArchiveReadOptions, ArchiveReader, Error, ErrorKind, ExtractionDecision,
    ExtractionErrorAction,
};
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

/// Headers of one archive, and their bytes.
const HEADERS_MAX: u64 = 1_000_000;
const HEADER_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What the older and the newer form start with.
const OLD: &[u8] = b"Rar!\x1a\x07\x00";
const NEW: &[u8] = b"Rar!\x1a\x07\x01\x00";

pub(super) fn read(document: Vec<u8>, bounds: &Bounds, output: &mut Output) -> io::Result<()> {
    let options = ArchiveReadOptions::new()
        .with_max_header_count(HEADERS_MAX)
        .with_max_header_bytes(HEADER_BYTES_MAX)
        .with_max_reader_workspace_bytes(bounds.memory_bytes / 2)
        .with_rar50_dictionary_size_limit(bounds.memory_bytes / 4);
    if has_encrypted_headers(&document) {
        return output.trouble(Trouble::EncryptedNames(Format::Rar));
    }
    let document_bytes = document.len() as u64;
    let archive = match ArchiveReader::read_owned_with_options(document, options) {
        Ok(archive) => archive,
        Err(error) => return output.trouble(trouble(&error, Trouble::ArchiveStructure)),
    };
    match archive.comment_with_options(options) {
        Ok(comment) => {
            let comment = comment.unwrap_or_default();
            output.text(At::part(WirePart::Comment, "archive"), &String::from_utf8_lossy(&comment))?;
        }
        Err(error) => output.trouble(trouble(&error, Trouble::MemberBroken))?,
    }
    let work = Work::new(document_bytes, bounds);
    Extraction::new(output, work).run(&archive, options)
}

/// Whether not even names can be read without a password.
fn has_encrypted_headers(document: &[u8]) -> bool {
    const OLD_FLAGS: usize = 10;
    const OLD_ENCRYPTED: u8 = 0x80;
    const NEW_ENCRYPTION: u8 = 4;
    if document.starts_with(OLD) {
        return document.get(OLD_FLAGS).is_some_and(|flags| flags & OLD_ENCRYPTED != 0);
    }
    // Behind a sum stand the length of the header, in as many bytes as it needs, and its kind.
    let Some(header) = document.strip_prefix(NEW).and_then(|rest| rest.get(4..)) else { return false };
    let length_bytes = header.iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
    header.get(length_bytes) == Some(&NEW_ENCRYPTION)
}

/// Members on their way to the parent. The engine writes into one of them at a time.
struct Extraction<'o> {
    output: &'o mut Output,
    open: Rc<RefCell<Open>>,
    failed: Option<io::Error>,
}

/// The member that the engine writes into, and what writing may still cost.
struct Open {
    file: Option<OutputFile>,
    taken_bytes: u64,
    work: Work,
    /// Whether what stands behind a member may need its content.
    is_solid: bool,
    /// Whether the engine was told to leave the member, since nobody takes the rest of it.
    is_left: bool,
}

impl Open {
    /// Takes bytes of a member; those that nobody takes are passed over as long as others need them.
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = self.work.member_bytes_max.saturating_sub(self.taken_bytes);
        let len = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        if let Some(file) = &mut self.file {
            file.write_all(&bytes[..len])?;
        }
        self.taken_bytes += len as u64;
        let passed = (bytes.len() - len) as u64;
        self.is_left = passed > 0 && !(self.is_solid && self.work.may_pass(passed));
        if self.is_left { Err(io::Error::other("nobody takes the rest of the member")) } else { Ok(()) }
    }
}

impl<'o> Extraction<'o> {
    fn new(output: &'o mut Output, work: Work) -> Self {
        let open = Open { file: None, taken_bytes: 0, work, is_solid: false, is_left: false };
        Self { output, open: Rc::new(RefCell::new(open)), failed: None }
    }

    fn run(self, archive: &Archive, options: ArchiveReadOptions<'_>) -> io::Result<()> {
        let this = RefCell::new(self);
        let is_solid = archive.members().any(|member| member.is_solid());
        this.borrow_mut().open.borrow_mut().is_solid = is_solid;
        let mut named = 0;
        let result = archive.extract_with_control_and_errors(
            options,
            |member| {
                named += 1;
                Ok(this.borrow_mut().decide(member, is_solid))
            },
            |_, error| {
                this.borrow_mut().report(error);
                Ok(ExtractionErrorAction::Continue)
            },
        );
        let mut this = this.into_inner();
        let is_left = this.open.borrow().is_left;
        this.send_open();
        match result {
            Err(error) if !is_left => this.report(&error),
            _ => {}
        }
        // The engine gives up at once where members depend on each other.
        for member in archive.members().skip(named) {
            let is_encrypted = member.meta.is_encrypted;
            let trouble = match is_encrypted {
                true => Trouble::EncryptedMember(Format::Rar),
                false if is_left => Trouble::PassedOver,
                false => Trouble::MemberBroken,
            };
            this.say(|output| output.closed(&name(&member), trouble));
        }
        this.failed.map_or(Ok(()), Err)
    }

    /// What becomes of a member.
    fn decide(&mut self, member: &ArchiveMember, is_solid: bool) -> ExtractionDecision {
        self.send_open();
        if self.failed.is_some() {
            return ExtractionDecision::Stop;
        }
        let (meta, name) = (&member.meta, name(member));
        if meta.is_directory || meta.is_redirection {
            self.say(|output| output.child(&name, b""));
            return ExtractionDecision::Skip;
        }
        let trouble = match () {
            () if meta.is_encrypted => Some(Trouble::EncryptedMember(Format::Rar)),
            () if meta.is_split_before || meta.is_split_after => Some(Trouble::MultiVolume),
            () => None,
        };
        let Some(trouble) = trouble else {
            let mut open = self.open.borrow_mut();
            (open.file, open.taken_bytes, open.is_left) = (Some(self.output.file(&name)), 0, false);
            return ExtractionDecision::Extract(Box::new(Writer(Rc::clone(&self.open))));
        };
        self.say(|output| output.closed(&name, trouble));
        // What comes behind it may need its content.
        let mut open = self.open.borrow_mut();
        (open.taken_bytes, open.is_left) = (open.work.member_bytes_max, false);
        match is_solid {
            true => ExtractionDecision::Extract(Box::new(Writer(Rc::clone(&self.open)))),
            false => ExtractionDecision::Skip,
        }
    }

    fn report(&mut self, error: &Error) {
        self.send_open();
        if std::mem::take(&mut self.open.borrow_mut().is_left) {
            return;
        }
        let trouble = trouble(error, Trouble::MemberBroken);
        self.say(|output| output.trouble(trouble));
    }

    fn send_open(&mut self) {
        let file = self.open.borrow_mut().file.take();
        if let Some(file) = file {
            self.say(|_| file.end());
        }
    }

    /// Says something, unless the parent has stopped listening.
    fn say(&mut self, say: impl FnOnce(&mut Output) -> io::Result<()>) {
        if self.failed.is_none() {
            self.failed = say(self.output).err();
        }
    }
}

/// Writes into the open member.
struct Writer(Rc<RefCell<Open>>);

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().take(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn name(member: &ArchiveMember) -> String {
    String::from_utf8_lossy(&member.meta.name).into_owned()
}

fn trouble(error: &Error, otherwise: Trouble) -> Trouble {
    match error.kind() {
        ErrorKind::PasswordRequired | ErrorKind::BadPassword => Trouble::EncryptedMember(Format::Rar),
        ErrorKind::UnsupportedFeature | ErrorKind::UnsupportedFormat => Trouble::ArchiveMethod,
        ErrorKind::ResourceLimit => Trouble::ArchiveMemory,
        _ => otherwise,
    }
}
