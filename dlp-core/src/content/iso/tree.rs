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

/// A name and the directory that it stands in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    directory: usize,
    name: String,
}

/// A file of an image.
pub(super) struct File {
    /// Its name in the tree that names it best.
    pub(super) name: Name,
    /// Its names in other trees.
    pub(super) others: Vec<Name>,
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

/// A directory as part of paths.
struct Directory {
    parent: usize,
    name: String,
    /// Bytes of its path, with the slash at its end.
    path_bytes: usize,
}

/// What the trees of an image lead to. Each name is kept once, so all of them together are no longer than the records
/// that they were read from.
pub(super) struct Trees {
    /// The first one is the root of every tree, and the only one without a name.
    directories: Vec<Directory>,
    pub(super) files: Vec<File>,
    path_bytes_max: usize,
}

/// The place of the root among directories.
const ROOT_DIRECTORY: usize = 0;

impl Trees {
    pub(super) fn new(walk: &Walk<'_>) -> Self {
        let root = Directory { parent: ROOT_DIRECTORY, name: String::new(), path_bytes: 0 };
        Self { directories: vec![root], files: Vec::new(), path_bytes_max: walk.budget.limits.name_bytes_max }
    }

    /// Bytes of the path of a name.
    pub(super) fn path_bytes(&self, name: &Name) -> usize {
        self.directories[name.directory].path_bytes + name.name.len()
    }

    /// The path of a name.
    pub(super) fn path(&self, name: &Name) -> String {
        let mut parts = vec![name.name.as_str()];
        let mut at = name.directory;
        while at != ROOT_DIRECTORY {
            parts.push(&self.directories[at].name);
            at = self.directories[at].parent;
        }
        parts.reverse();
        parts.join("/")
    }

    /// Adds a directory. Where a path gets longer than names may be it stops growing, and what is below keeps what
    /// there is of it: this bounds the depth of the tree as well.
    fn enter(&mut self, Name { directory: parent, name }: Name) -> usize {
        let path_bytes = self.directories[parent].path_bytes + name.len() + 1;
        if path_bytes > self.path_bytes_max {
            return parent;
        }
        self.directories.push(Directory { parent, name, path_bytes });
        self.directories.len() - 1
    }

    fn add(&mut self, known: &HashMap<Vec<Range<u64>>, usize>, file: File, names: Names) {
        // Files without content lie nowhere.
        let index = known.get(&file.ranges).filter(|_| file.bytes() > 0).copied();
        let Some(before) = index.and_then(|index| self.files.get(index)) else {
            self.files.push(file);
            return;
        };
        if self.path(&before.name) == self.path(&file.name) {
            return;
        }
        let before = &mut self.files[index.expect("it was just looked up")];
        // Wide names are whole; plain ones may be cut to eight letters.
        let other = if names == Names::Wide { std::mem::replace(&mut before.name, file.name) } else { file.name };
        before.others.push(other);
    }
}

/// Adds the files of a tree. Those that another tree led to are named once more.
pub(super) fn files(walk: &mut Walk<'_>, image: &mut Image<'_>, descriptor: &Descriptor, trees: &mut Trees) -> Step {
    let indexed = trees.files.iter().enumerate();
    let known = indexed.map(|(index, file)| (file.ranges.clone(), index)).collect();
    let root = Record::read(&descriptor.bytes[ROOT], descriptor.names).filter(|root| root.is_directory);
    let Some(root) = root else {
        walk.bad_structure("the image has no root directory; its bytes were scanned");
        return Ok(());
    };
    let mut seen = HashSet::new();
    let mut waiting = vec![(ROOT_DIRECTORY, root.range)];
    while let Some((directory, range)) = waiting.pop() {
        walk.check_budget()?;
        if !seen.insert(range.start) {
            continue;
        }
        let records = records(walk, image, &range, descriptor.names)?;
        // Directories in many places of one run of records share their bytes, and honest ones do not.
        if image.is_shared() {
            image.shared(walk);
            return Ok(());
        }
        let mut open: Option<File> = None;
        for record in records {
            let items_max = walk.budget.limits.items_max;
            if (trees.files.len() + seen.len() + waiting.len()) as u64 > items_max {
                let message = "the image has more files than the bound; the rest was scanned as raw bytes";
                walk.problem(Problem::limit("items_max", items_max, message));
                return Ok(());
            }
            let name = Name { directory, name: record.name };
            if let Some(target) = &record.target {
                emit_name(walk, &trees.path(&name))?;
                emit_name(walk, target)?;
            } else if record.is_directory {
                emit_name(walk, &trees.path(&name))?;
                waiting.push((trees.enter(name), record.range));
            } else {
                let mut file = open.take().unwrap_or_else(|| File::new(name, record.is_packed));
                file.ranges.push(record.range);
                if record.goes_on {
                    open = Some(file);
                } else {
                    trees.add(&known, file, descriptor.names);
                }
            }
        }
        if let Some(file) = open {
            trees.add(&known, file, descriptor.names);
        }
    }
    Ok(())
}

impl File {
    fn new(name: Name, is_packed: bool) -> Self {
        Self { name, others: Vec::new(), ranges: Vec::new(), is_packed }
    }
}

/// Hands out a path as far as names may reach.
pub(super) fn emit_name(walk: &mut Walk<'_>, path: &str) -> Step {
    let path = walk.clip_name(path);
    walk.emit_name(path)
}

/// The records of a directory, but for itself and the one above it. Ends early when directories share their bytes.
fn records(walk: &mut Walk<'_>, image: &mut Image<'_>, range: &Range<u64>, names: Names) -> Step<Vec<Record>> {
    let len = range.end - range.start;
    if len > ISO_DIRECTORY_BYTES_MAX {
        let message = "a directory of the image is larger than the bound; the rest of it was scanned as raw bytes";
        walk.problem(Problem::limit("iso_directory_bytes_max", ISO_DIRECTORY_BYTES_MAX, message));
    }
    let mut found = Vec::new();
    let bytes = image.read_directory(walk, range.start..range.start + len.min(ISO_DIRECTORY_BYTES_MAX))?;
    let (mut is_named, mut is_broken) = (false, false);
    for sector in bytes.chunks(SECTOR_BYTES as usize) {
        let mut rest = sector;
        // Records do not cross sectors; zeros fill up what is left.
        while let Some(len) = rest.first().copied().filter(|len| *len > 0) {
            let split = rest.split_at_checked(usize::from(len));
            let Some((mut read, behind)) =
                split.and_then(|(record, behind)| Record::read(record, names).zip(Some(behind)))
            else {
                is_broken = true;
                break;
            };
            rest = behind;
            if let Some(place) = read.more.take() {
                read.extensions(&image.read_directory(walk, place)?);
            }
            if image.is_shared() {
                return Ok(found);
            }
            // The directory itself is named by a zero, the one above it by a one.
            match read.name.as_str() {
                "\0" => is_named = true,
                "\u{1}" => {}
                _ => found.push(read),
            }
        }
    }
    if is_broken || !is_named {
        walk.bad_structure("a directory of the image is broken; what it leads to was scanned as raw bytes");
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
