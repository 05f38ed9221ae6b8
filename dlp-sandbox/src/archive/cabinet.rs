//! Cabinets: folders, each one stream of blocks, and files that are ranges of a folder.

use super::Member;
use crate::trouble::Trouble;
use crate::wire::Bounds;
use crate::worker::Output;
use dlp_core::base::bytes::{u16_le as u16_at, u32_le as u32_at};
use flate2::{Decompress, FlushDecompress, Status};
use lzxd::{Lzxd, WindowSize};
use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::Range;

const HEADER_BYTES: usize = 36;
const FOLDER_BYTES: usize = 8;
const FILE_BYTES: usize = 16;
const BLOCK_HEAD_BYTES: usize = 8;
/// Flags of the header: cabinets before and behind this one, and room for extra bytes.
const HAS_PREVIOUS: u16 = 1;
const HAS_NEXT: u16 = 2;
const HAS_RESERVE: u16 = 4;
/// A flag of a file: its name is UTF-8.
const NAME_IS_UTF8: u16 = 0x80;
/// From this number on a folder is said to lie in other cabinets too.
const FIRST_ELSEWHERE: u16 = 0xFFFD;
/// How often the bytes of a cabinet may be unpacked, all folders together. Honest ones lie behind each other.
const PACKED_READINGS_MAX: usize = 4;
/// What a block unpacks to at most.
const BLOCK_BYTES_MAX: usize = 64 * 1024;
/// What a block of deflate may look back at.
const HISTORY_BYTES: usize = 32 * 1024;

pub(super) fn read(document: &[u8], bounds: &Bounds, output: &mut Output) -> io::Result<()> {
    let Some(mut cabinet) = Cabinet::open(document) else { return output.trouble(Trouble::ArchiveStructure) };
    if cabinet.is_broken {
        output.trouble(Trouble::ArchiveStructure)?;
    }
    let mut rest = Rest::new(std::mem::take(&mut cabinet.read), bounds);
    let mut work = Work { packed_bytes_left: document.len().saturating_mul(PACKED_READINGS_MAX), is_shared: false };
    let (runs, elsewhere) = runs(&cabinet);
    for run in runs {
        cabinet.run(run, &mut work, &mut rest, output)?;
    }
    if work.is_shared {
        output.trouble(Trouble::Overlap)?;
    }
    for file in elsewhere {
        let is_elsewhere = file.folder >= FIRST_ELSEWHERE;
        let trouble = if is_elsewhere { Trouble::MultiVolume } else { Trouble::MemberBroken };
        output.closed(&file.name, trouble)?;
    }
    rest.send(document, output)
}

/// Blocks that are unpacked together, and the files in what comes out: all folders that start at one place.
struct Run<'c> {
    folder: Folder,
    files: Vec<&'c File>,
    is_shared: bool,
}

/// The folders by where they start, and the files of folders that are not there. Folders with files come first, so
/// that those without cost nothing where they name blocks that were unpacked.
fn runs<'c>(cabinet: &'c Cabinet<'_>) -> (Vec<Run<'c>>, Vec<&'c File>) {
    let mut runs: Vec<Run<'c>> = Vec::new();
    let mut by_start = HashMap::new();
    let by_folder: Vec<usize> = cabinet
        .folders
        .iter()
        .map(|folder| {
            let index = *by_start.entry((folder.start, folder.method)).or_insert(runs.len());
            match runs.get_mut(index) {
                Some(run) => {
                    run.folder.blocks = run.folder.blocks.max(folder.blocks);
                    run.is_shared = true;
                }
                None => runs.push(Run { folder: *folder, files: Vec::new(), is_shared: false }),
            }
            index
        })
        .collect();
    let mut elsewhere = Vec::new();
    for file in &cabinet.files {
        match by_folder.get(usize::from(file.folder)).and_then(|index| runs.get_mut(*index)) {
            Some(run) => run.files.push(file),
            None => elsewhere.push(file),
        }
    }
    runs.sort_by_key(|run| run.files.is_empty());
    (runs, elsewhere)
}

/// What unpacking may still cost: folders may start inside of others, and thousands of them may.
struct Work {
    packed_bytes_left: usize,
    is_shared: bool,
}

struct Cabinet<'d> {
    bytes: &'d [u8],
    /// Extra bytes in front of each block.
    block_reserve_bytes: usize,
    folders: Vec<Folder>,
    files: Vec<File>,
    /// Bytes of the lists, which were read.
    read: Vec<Range<usize>>,
    is_broken: bool,
}

/// What no file covers: bytes between the parts of the cabinet, behind packed blocks, and in folders.
struct Rest {
    read: Vec<Range<usize>>,
    /// Where blocks that were unpacked start.
    starts: HashSet<usize>,
    unpacked: Member,
    bounds: Bounds,
}

impl Rest {
    fn new(read: Vec<Range<usize>>, bounds: &Bounds) -> Self {
        Self { read, starts: HashSet::new(), unpacked: Member::new(String::new(), bounds), bounds: *bounds }
    }

    /// Keeps what the ranges leave out of the cabinet, up to the end that its header states: what stands behind that is
    /// not its own.
    fn send(mut self, document: &[u8], output: &mut Output) -> io::Result<()> {
        const END_FIELD: usize = 8;
        let stated = u32_at(document, END_FIELD).map_or(0, |end| end as usize);
        let end = if stated > document.len() { document.len() } else { stated };
        self.read.sort_unstable_by_key(|range| range.start);
        let mut between = Member::new(String::new(), &self.bounds);
        let mut at = 0;
        for range in self.read.into_iter().chain(std::iter::once(end..end)) {
            if let Some(gap) = document.get(at..range.start.min(end)).filter(|gap| gap.iter().any(|byte| *byte != 0)) {
                between.push(gap);
                between.push(b"\n");
            }
            at = at.max(range.end);
        }
        for rest in [between, self.unpacked] {
            if rest.bytes.iter().any(|byte| *byte != 0) {
                rest.send(output)?;
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Folder {
    start: usize,
    blocks: u16,
    method: u16,
}

struct File {
    name: String,
    folder: u16,
    start: u64,
    end: u64,
}

impl<'d> Cabinet<'d> {
    /// Reads the lists of folders and files, as far as they are there.
    fn open(bytes: &'d [u8]) -> Option<Self> {
        let header = bytes.get(..HEADER_BYTES)?;
        let (folders, files, flags) = (u16_at(header, 26)?, u16_at(header, 28)?, u16_at(header, 30)?);
        let mut at = HEADER_BYTES;
        let mut read = std::iter::once(0..HEADER_BYTES).collect::<Vec<_>>();
        let (mut folder_reserve_bytes, mut block_reserve_bytes) = (0, 0);
        if flags & HAS_RESERVE != 0 {
            let (header_bytes, sizes) = (u16_at(bytes, at)?, bytes.get(at + 2..at + 4)?);
            (folder_reserve_bytes, block_reserve_bytes) = (usize::from(sizes[0]), usize::from(sizes[1]));
            read.push(at..at + 4);
            at += 4 + usize::from(header_bytes);
        }
        let names = 2 * (usize::from(flags & HAS_PREVIOUS != 0) + usize::from(flags & HAS_NEXT != 0));
        for _ in 0..names {
            at += text(bytes, at)?.len() + 1;
        }
        let mut cabinet =
            Self { bytes, block_reserve_bytes, folders: Vec::new(), files: Vec::new(), read, is_broken: false };
        for index in 0..usize::from(folders) {
            let at = at + index * (FOLDER_BYTES + folder_reserve_bytes);
            cabinet.folders.push(folder(bytes, at)?);
            cabinet.read.push(at..at + FOLDER_BYTES);
        }
        let mut at = u32_at(header, 16)? as usize;
        for _ in 0..files {
            let Some((file, len)) = file(bytes, at) else {
                cabinet.is_broken = true;
                break;
            };
            cabinet.files.push(file);
            cabinet.read.push(at..at + len);
            at += len;
        }
        Some(cabinet)
    }

    /// Unpacks the blocks, unless they hold nothing new or were read too often.
    fn run(&self, run: Run<'_>, work: &mut Work, rest: &mut Rest, output: &mut Output) -> io::Result<()> {
        work.is_shared |= run.is_shared;
        if work.packed_bytes_left == 0 || run.files.is_empty() && rest.starts.contains(&run.folder.start) {
            work.is_shared = true;
            return run.files.iter().try_for_each(|file| output.closed(&file.name, Trouble::Overlap));
        }
        let before = rest.read.len();
        self.folder(&run.folder, run.files, rest, output)?;
        let read = &rest.read[before..];
        let packed_bytes: usize = read.iter().map(ExactSizeIterator::len).sum();
        work.packed_bytes_left = work.packed_bytes_left.saturating_sub(packed_bytes);
        rest.starts.extend(read.iter().map(|range| range.start));
        Ok(())
    }

    /// Unpacks a folder once and sends its files as they end. What no file covers joins the rest.
    fn folder(&self, folder: &Folder, mut files: Vec<&File>, rest: &mut Rest, output: &mut Output) -> io::Result<()> {
        files.sort_by_key(|file| file.start);
        let mut waiting = files.into_iter().peekable();
        let mut open: Vec<(u64, Member)> = Vec::new();
        let mut blocks = Blocks::new(self, folder);
        // Where this block starts, and up to where bytes belong to files or to the rest.
        let (mut at, mut covered) = (0_u64, 0_u64);
        let ended = loop {
            let block = match blocks.next(&mut rest.read) {
                Ok(Some(block)) => block,
                Ok(None) => break None,
                Err(trouble) => break Some(trouble),
            };
            let end = at + block.len() as u64;
            let part = |from: u64, to: u64| &block[from.saturating_sub(at) as usize..(to.min(end) - at) as usize];
            for (file_end, member) in &mut open {
                member.push(part(at, *file_end));
            }
            while let Some(file) = waiting.next_if(|file| file.start < end) {
                if file.start > covered.max(at) {
                    rest.unpacked.push(part(covered.max(at), file.start));
                }
                covered = covered.max(file.end);
                let mut member = Member::new(file.name.clone(), &rest.bounds);
                member.push(part(file.start, file.end.max(file.start)));
                open.push((file.end, member));
            }
            if covered < end {
                rest.unpacked.push(part(covered.max(at), end));
                rest.unpacked.push(b"\n");
            }
            (at, covered) = (end, covered.max(end));
            for (_, member) in open.extract_if(.., |(file_end, _)| *file_end <= at) {
                member.send(output)?;
            }
        };
        if let Some(trouble) = ended.filter(|_| open.is_empty() && waiting.peek().is_none()) {
            return output.trouble(trouble);
        }
        for (_, member) in open {
            member.send(output)?;
            output.trouble(ended.unwrap_or(Trouble::MemberBroken))?;
        }
        // Empty files at the end need no block.
        waiting.try_for_each(|file| match ended {
            None if file.start == file.end && file.start <= at => output.child(&file.name, b""),
            _ => output.closed(&file.name, ended.unwrap_or(Trouble::MemberBroken)),
        })
    }
}

/// The blocks of a folder, unpacked one after the other.
struct Blocks<'d> {
    bytes: &'d [u8],
    reserve_bytes: usize,
    at: usize,
    left: u16,
    method: Method,
}

enum Method {
    Stored,
    /// Each block is a deflate stream that looks back at the block before.
    Deflate {
        history: Vec<u8>,
    },
    Lzx(Box<Lzxd>),
    Unknown,
}

impl<'d> Blocks<'d> {
    fn new(cabinet: &Cabinet<'d>, folder: &Folder) -> Self {
        let method = match folder.method & 0xF {
            0 => Method::Stored,
            1 => Method::Deflate { history: Vec::new() },
            3 => {
                window(folder.method >> 8 & 0x1F).map_or(Method::Unknown, |size| Method::Lzx(Box::new(Lzxd::new(size))))
            }
            _ => Method::Unknown,
        };
        let (bytes, reserve_bytes) = (cabinet.bytes, cabinet.block_reserve_bytes);
        Self { bytes, reserve_bytes, at: folder.start, left: folder.blocks, method }
    }

    /// The next block. Its bytes that were read join the others.
    fn next(&mut self, read: &mut Vec<Range<usize>>) -> Result<Option<Vec<u8>>, Trouble> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let head = self.bytes.get(self.at..self.at + BLOCK_HEAD_BYTES).ok_or(Trouble::MemberBroken)?;
        let (packed_bytes, len) = (u16_at(head, 4).unwrap_or(0), u16_at(head, 6).unwrap_or(0));
        let from = self.at + BLOCK_HEAD_BYTES + self.reserve_bytes;
        let packed = self.bytes.get(from..from + usize::from(packed_bytes)).ok_or(Trouble::MemberBroken)?;
        self.at = from + packed.len();
        // A block without a length goes on in the next cabinet.
        if len == 0 {
            return Err(Trouble::MultiVolume);
        }
        let (block, packed_bytes) = self.method.unpack(packed, usize::from(len))?;
        read.extend([
            from - self.reserve_bytes - BLOCK_HEAD_BYTES..from - self.reserve_bytes,
            from..from + packed_bytes,
        ]);
        Ok(Some(block))
    }
}

impl Method {
    /// The content of a block, and how many of its bytes that took.
    fn unpack(&mut self, packed: &[u8], len: usize) -> Result<(Vec<u8>, usize), Trouble> {
        match self {
            Self::Stored => Ok((packed.to_vec(), packed.len())),
            Self::Deflate { history } => {
                const MARK: &[u8] = b"CK";
                let packed = packed.strip_prefix(MARK).ok_or(Trouble::MemberBroken)?;
                let (block, packed_bytes) = inflate(history, packed).ok_or(Trouble::MemberBroken)?;
                history.extend_from_slice(&block);
                history.drain(..history.len().saturating_sub(HISTORY_BYTES));
                Ok((block, MARK.len() + packed_bytes))
            }
            Self::Lzx(decoder) => {
                let block = decoder.decompress_next(packed, len).map_err(|_| Trouble::MemberBroken)?;
                Ok((block.to_vec(), packed.len()))
            }
            Self::Unknown => Err(Trouble::ArchiveMethod),
        }
    }
}

/// Unpacks a stream that looks back at what came before it, and tells its length. A stored block in front gives the
/// decoder that history.
fn inflate(history: &[u8], packed: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut decoder = Decompress::new(false);
    let mut unpacked = Vec::with_capacity(HISTORY_BYTES + BLOCK_BYTES_MAX);
    if let Some(len) = u16::try_from(history.len()).ok().filter(|len| *len > 0) {
        let stored = [&[0][..], &len.to_le_bytes(), &(!len).to_le_bytes(), history].concat();
        decoder.decompress_vec(&stored, &mut unpacked, FlushDecompress::None).ok()?;
    }
    let before = decoder.total_in();
    let status = decoder.decompress_vec(packed, &mut unpacked, FlushDecompress::Finish).ok()?;
    let packed_bytes = usize::try_from(decoder.total_in() - before).ok()?;
    (status == Status::StreamEnd).then(|| (unpacked.split_off(history.len()), packed_bytes))
}

fn window(bits: u16) -> Option<WindowSize> {
    Some(match bits {
        15 => WindowSize::KB32,
        16 => WindowSize::KB64,
        17 => WindowSize::KB128,
        18 => WindowSize::KB256,
        19 => WindowSize::KB512,
        20 => WindowSize::MB1,
        21 => WindowSize::MB2,
        _ => return None,
    })
}

fn folder(bytes: &[u8], at: usize) -> Option<Folder> {
    Some(Folder { start: u32_at(bytes, at)? as usize, blocks: u16_at(bytes, at + 4)?, method: u16_at(bytes, at + 6)? })
}

/// A file, and the length of its entry.
fn file(bytes: &[u8], at: usize) -> Option<(File, usize)> {
    let (len, start) = (u64::from(u32_at(bytes, at)?), u64::from(u32_at(bytes, at + 4)?));
    let (folder, flags) = (u16_at(bytes, at + 8)?, u16_at(bytes, at + 14)?);
    let raw = text(bytes, at + FILE_BYTES)?;
    let name = match std::str::from_utf8(raw) {
        Ok(name) => name.to_owned(),
        Err(_) if flags & NAME_IS_UTF8 != 0 => String::from_utf8_lossy(raw).into_owned(),
        Err(_) => encoding_rs::WINDOWS_1250.decode(raw).0.into_owned(),
    };
    Some((File { name, folder, start, end: start + len }, FILE_BYTES + raw.len() + 1))
}

/// A text up to its zero.
fn text(bytes: &[u8], at: usize) -> Option<&[u8]> {
    const TEXT_BYTES_MAX: usize = 4 * 1024;
    let rest = bytes.get(at..)?;
    let len = rest.iter().take(TEXT_BYTES_MAX).position(|byte| *byte == 0)?;
    Some(&rest[..len])
}
