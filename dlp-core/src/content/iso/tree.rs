//! The trees of names in an image: directories of records, with long names in the extensions of Rock Ridge.

use super::{Descriptor, Image, SECTOR_BYTES};
use crate::base::{ISO_DIRECTORY_BYTES_MAX, Problem, bytes::u32_le};
use crate::content::names;
use crate::content::walk::{Step, Walk};
use crate::text::Charset;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Where the record of the root directory stands in a descriptor.
const ROOT: Range<usize> = 156..190;
const RECORD_BYTES: usize = 33;
const IS_DIRECTORY: u8 = 0x02;
/// The file goes on in the next record.
const GOES_ON: u8 = 0x80;

/// How names are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// Short ones in capitals, with long ones beside them where Rock Ridge is in use.
    Plain,
    /// In two bytes each.
    Wide,
}

/// A file of an image.
pub(super) struct File {
    /// Its path in the tree that names it best.
    pub(super) name: String,
    /// Its paths in other trees.
    pub(super) others: Vec<String>,
    /// Where its bytes lie, mostly in one range.
    pub(super) ranges: Vec<Range<u64>>,
    /// Whether a record says that it is packed.
    pub(super) is_packed: bool,
}

impl File {
    pub(super) fn bytes(&self) -> u64 {
        self.ranges.iter().map(|range| range.end - range.start).sum()
    }
}

/// Adds the files of a tree. Those that another tree led to are named once more.
pub(super) fn files(
    walk: &mut Walk<'_>,
    image: &mut Image<'_>,
    descriptor: &Descriptor,
    files: &mut Vec<File>,
) -> Step {
    let known: HashMap<Vec<Range<u64>>, usize> =
        files.iter().enumerate().map(|(index, file)| (file.ranges.clone(), index)).collect();
    let items_max = walk.budget.limits.items_max;
    let (mut seen, mut directory_bytes) = (HashSet::new(), 0_u64);
    let mut waiting = Vec::new();
    waiting.extend(Record::read(&descriptor.bytes[ROOT], descriptor.names).map(|root| (String::new(), root)));
    while let Some((path, directory)) = waiting.pop() {
        walk.check_budget()?;
        if !seen.insert(directory.range.start) {
            continue;
        }
        // Directories in many places of one run of records share their bytes, and honest ones do not.
        directory_bytes += directory.range.end - directory.range.start;
        if directory_bytes > image.len {
            image.shared(walk);
            return Ok(());
        }
        let mut open: Option<File> = None;
        for record in records(walk, image, &directory, descriptor.names)? {
            if files.len() as u64 >= items_max {
                let message = "the image has more files than the bound; the rest was scanned as raw bytes";
                walk.problem(Problem::limit("items_max", items_max, message));
                return Ok(());
            }
            let name = format!("{path}{}", record.name);
            if let Some(target) = &record.target {
                walk.emit_name(&name)?;
                walk.emit_name(target)?;
            } else if record.is_directory {
                walk.emit_name(&name)?;
                waiting.push((format!("{name}/"), record));
            } else {
                let goes_on = record.goes_on;
                let mut file = open.take().unwrap_or_else(|| File::new(name, record.is_packed));
                file.ranges.push(record.range);
                if goes_on {
                    open = Some(file);
                } else {
                    add(files, &known, file, descriptor.names);
                }
            }
        }
        if let Some(file) = open {
            add(files, &known, file, descriptor.names);
        }
    }
    Ok(())
}

impl File {
    fn new(name: String, is_packed: bool) -> Self {
        Self { name, others: Vec::new(), ranges: Vec::new(), is_packed }
    }
}

fn add(files: &mut Vec<File>, known: &HashMap<Vec<Range<u64>>, usize>, file: File, names: Names) {
    // Files without content lie nowhere.
    let before = known.get(&file.ranges).filter(|_| file.bytes() > 0).and_then(|index| files.get_mut(*index));
    match before {
        Some(before) if before.name == file.name => {}
        Some(before) => {
            // Wide names are whole; plain ones may be cut to eight letters.
            let other = if names == Names::Wide { std::mem::replace(&mut before.name, file.name) } else { file.name };
            before.others.push(other);
        }
        None => files.push(file),
    }
}

/// The records of a directory, but for itself and the one above it.
fn records(walk: &mut Walk<'_>, image: &mut Image<'_>, directory: &Record, names: Names) -> Step<Vec<Record>> {
    let len = directory.range.end - directory.range.start;
    if len > ISO_DIRECTORY_BYTES_MAX {
        let message = "a directory of the image is larger than the bound; the rest of it was scanned as raw bytes";
        walk.problem(Problem::limit("iso_directory_bytes_max", ISO_DIRECTORY_BYTES_MAX, message));
    }
    let bytes = image.read(walk, directory.range.start, len.min(ISO_DIRECTORY_BYTES_MAX))?;
    let mut found = Vec::new();
    for sector in bytes.chunks(SECTOR_BYTES as usize) {
        let mut at = 0;
        // Records do not cross sectors; zeros fill up what is left.
        while let Some(record) = sector.get(at..).and_then(|rest| rest.get(..usize::from(*rest.first()?))) {
            at += record.len().max(1);
            let Some(mut read) = Record::read(record, names) else { break };
            if let Some(place) = read.more.take() {
                let more = image.read(walk, place.start, place.end - place.start)?;
                read.extensions(&more);
            }
            // The directory itself is named by a zero, the one above it by a one.
            if !matches!(read.name.as_str(), "\0" | "\u{1}") {
                found.push(read);
            }
        }
    }
    Ok(found)
}

/// A record of a directory.
struct Record {
    name: String,
    range: Range<u64>,
    is_directory: bool,
    goes_on: bool,
    is_packed: bool,
    /// What a link leads to.
    target: Option<String>,
    /// Where more extensions of it stand.
    more: Option<Range<u64>>,
    /// Whether its name came from an extension, of which there may be several.
    is_extended: bool,
}

impl Record {
    fn read(bytes: &[u8], names: Names) -> Option<Self> {
        let number = |at: usize| u32_le(bytes, at).map(u64::from);
        let start = (number(2)? + u64::from(*bytes.get(1)?)) * SECTOR_BYTES;
        let flags = *bytes.get(25)?;
        let name_bytes = usize::from(*bytes.get(32)?);
        let name = bytes.get(RECORD_BYTES..RECORD_BYTES + name_bytes)?;
        let text = match names {
            Names::Wide if name_bytes > 1 => Charset::Utf16Be.decode(name),
            _ => names::decode(name, false).primary,
        };
        let mut record = Self {
            name: text.rsplit_once(';').map_or(text.as_str(), |(name, _version)| name).to_owned(),
            range: start..start + number(10)?,
            is_directory: flags & IS_DIRECTORY != 0,
            goes_on: flags & GOES_ON != 0,
            is_packed: false,
            target: None,
            more: None,
            is_extended: false,
        };
        // Names fill up to even lengths of records.
        let behind = (RECORD_BYTES + name_bytes).next_multiple_of(2);
        if names == Names::Plain {
            record.extensions(bytes.get(behind..).unwrap_or_default());
        }
        Some(record)
    }

    /// Reads extensions: a mark of two letters, a length, a version, the content.
    fn extensions(&mut self, bytes: &[u8]) {
        const HEAD_BYTES: usize = 4;
        const FLAGS_BYTES: usize = 5;
        let mut rest = bytes;
        while let Some((entry, behind)) = rest.get(2).and_then(|len| rest.split_at_checked(usize::from(*len))) {
            if entry.len() < HEAD_BYTES {
                return;
            }
            rest = behind;
            let text = || names::decode(entry.get(FLAGS_BYTES..).unwrap_or_default(), true).primary;
            match &entry[..2] {
                b"NM" if entry.get(HEAD_BYTES).is_some_and(|flags| flags & 0x06 == 0) => {
                    if !std::mem::replace(&mut self.is_extended, true) {
                        self.name.clear();
                    }
                    self.name.push_str(&text());
                }
                b"SL" => {
                    self.target.get_or_insert_default().push_str(&link(entry.get(FLAGS_BYTES..).unwrap_or_default()))
                }
                b"ZF" => self.is_packed = true,
                b"CE" => {
                    let number =
                        |at: usize| Some(u64::from(u32::from_le_bytes(entry.get(at..at + 4)?.try_into().ok()?)));
                    self.more = number(4).zip(number(12)).zip(number(20)).map(|((sector, offset), len)| {
                        let start = sector * SECTOR_BYTES + offset.min(SECTOR_BYTES);
                        start..start + len.min(SECTOR_BYTES)
                    });
                }
                _ => {}
            }
        }
    }
}

/// The path in components of a link: flags, a length, a name.
fn link(components: &[u8]) -> String {
    let mut parts = Vec::new();
    let mut rest = components;
    while let Some(([flags, len], behind)) = rest.split_first_chunk::<2>() {
        let Some((name, behind)) = behind.split_at_checked(usize::from(*len)) else { break };
        rest = behind;
        parts.push(match flags & 0x0E {
            0x02 => ".".to_owned(),
            0x04 => "..".to_owned(),
            0x08 => String::new(),
            _ => names::decode(name, true).primary,
        });
    }
    parts.join("/")
}
