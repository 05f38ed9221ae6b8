//! Images of disks (ISO 9660), with the names of Joliet and Rock Ridge.
//!
//! Several trees of names lead to the same files, so the files of all trees are walked once each, under the best name
//! that any tree has; other names are scanned as well. What no file covers (the area in front, the trees themselves,
//! what fills up sectors, what no tree leads to) is one item at the end. Sizes are claims: files may share bytes, but
//! together they are bounded by the length of the image.

mod tree;

use super::walk::{Break, Step, Walk};
use super::{Input, Join, Origin, Part, Place, ReadSeek, Relation, Role, Segment, plain};
use crate::base::{Problem, ProblemClass, bytes::u32_le};
use crate::text::Charset;
use std::io::{self, Read, SeekFrom};
use std::ops::Range;
use tree::{File, Names, Trees};

/// Bytes of a sector. Images with others were never in use.
const SECTOR_BYTES: u64 = 2_048;
/// The sector from which on descriptors stand.
const FIRST_DESCRIPTOR: u64 = 16;
/// Descriptors of one image. Honest ones have three or four.
const DESCRIPTORS_MAX: u64 = 64;
const PRIMARY: u8 = 1;
const SUPPLEMENTARY: u8 = 2;
const LAST: u8 = 255;
const MARK: &[u8] = b"CD001";
/// Texts of a descriptor, by their place.
const TEXTS: [(Range<usize>, &str); 9] = [
    (8..40, "system"),
    (40..72, "volume"),
    (190..318, "volume-set"),
    (318..446, "publisher"),
    (446..574, "preparer"),
    (574..702, "application"),
    (702..739, "copyright-file"),
    (739..776, "abstract-file"),
    (776..813, "bibliography-file"),
];
/// Times the length of the image that its files may have together: some images name a file twice.
const SHARED_MAX: u64 = 4;

/// Walks an image.
pub(super) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    walk.with_seekable(input, image)
}

fn image(walk: &mut Walk<'_>, reader: &mut dyn ReadSeek) -> Step {
    let len = reader.seek(SeekFrom::End(0)).map_err(|error| walk.read_failed(&error))?;
    let mut image = Image { reader, len, directory_bytes: 0 };
    let (descriptors, behind) = image.descriptors(walk)?;
    let mut trees = Trees::new(walk);
    for descriptor in &descriptors {
        texts(walk, descriptor)?;
        tree::files(walk, &mut image, descriptor, &mut trees)?;
    }
    // An image may end in the middle of what no tree leads to.
    if descriptors.iter().any(|descriptor| descriptor.stated_bytes() > len) {
        image.cut(walk)?;
    }
    let mut covered = Vec::new();
    let mut given_bytes = 0_u64;
    for file in &trees.files {
        // Every file is called by all directories above it, so short records may have long names.
        let names = file.others.iter().chain(std::iter::once(&file.name));
        let name_bytes = names.map(|name| trees.path_bytes(name) as u64).sum();
        given_bytes = given_bytes.saturating_add(file.bytes()).saturating_add(name_bytes);
        if given_bytes > len.saturating_mul(SHARED_MAX) {
            image.shared(walk);
            break;
        }
        image.file(walk, &trees, file)?;
        covered.extend_from_slice(&file.ranges);
    }
    // Behind one another, these would look like an image again.
    let front = 0..FIRST_DESCRIPTOR * SECTOR_BYTES;
    image.gaps(walk, std::slice::from_ref(&front))?;
    covered.push(0..behind);
    image.rest(walk, covered)
}

/// A descriptor of a tree of names.
struct Descriptor {
    bytes: Vec<u8>,
    names: Names,
}

impl Descriptor {
    /// What the image has bytes by its own account.
    fn stated_bytes(&self) -> u64 {
        const SECTORS: usize = 80;
        u32_le(&self.bytes, SECTORS).map_or(0, |sectors| u64::from(sectors) * SECTOR_BYTES)
    }

    fn charset(&self) -> Charset {
        if self.names == Names::Wide { Charset::Utf16Be } else { Charset::Utf8 }
    }
}

/// Hands out what a descriptor says about the image.
fn texts(walk: &mut Walk<'_>, descriptor: &Descriptor) -> Step {
    for (range, name) in TEXTS {
        let text = super::strings::decode(&descriptor.bytes[range], &descriptor.charset());
        let text = text.trim_matches(['\0', ' ']);
        if text.is_empty() {
            continue;
        }
        let text = format!("{name}: {text}");
        let (part, place) = (Part { role: Role::Property, name }, Place::None);
        walk.emit(&Segment { text: text.as_bytes(), part, place, join: Join::Line, origin: Origin::None })?;
    }
    Ok(())
}

/// An image that is being read.
struct Image<'r> {
    reader: &'r mut dyn ReadSeek,
    len: u64,
    /// Bytes of directories that were read, with what their records have elsewhere.
    directory_bytes: u64,
}

impl Image<'_> {
    /// The descriptors of trees, and where the last descriptor ends. All of them are scanned as raw bytes, too.
    fn descriptors(&mut self, walk: &mut Walk<'_>) -> Step<(Vec<Descriptor>, u64)> {
        let mut found = Vec::new();
        let mut at = FIRST_DESCRIPTOR * SECTOR_BYTES;
        for _ in 0..DESCRIPTORS_MAX {
            let bytes = self.read(walk, at, SECTOR_BYTES)?;
            if bytes.len() as u64 != SECTOR_BYTES {
                self.cut(walk)?;
                return Ok((found, at));
            }
            if bytes[1..6] != *MARK {
                break;
            }
            plain::raw_at(walk, &bytes, at)?;
            at += SECTOR_BYTES;
            let names = match bytes[0] {
                PRIMARY => Names::Plain,
                SUPPLEMENTARY if is_joliet(&bytes[88..120]) => Names::Wide,
                SUPPLEMENTARY => Names::Plain,
                LAST => {
                    if found.is_empty() {
                        walk.bad_structure("the image names no directory; its bytes were scanned");
                    }
                    return Ok((found, at));
                }
                _ => continue,
            };
            found.push(Descriptor { bytes, names });
        }
        walk.bad_structure("the list of descriptors of the image has no end");
        Ok((found, at))
    }

    /// Bytes at a place, fewer where the image ends.
    fn read(&mut self, walk: &mut Walk<'_>, at: u64, len: u64) -> Step<Vec<u8>> {
        let mut bytes = Vec::new();
        let read =
            self.reader.seek(SeekFrom::Start(at)).and_then(|_| (&mut *self.reader).take(len).read_to_end(&mut bytes));
        read.map(|_| bytes).map_err(|error| walk.read_failed(&error))
    }

    /// Bytes of a directory, or of what a record of one has elsewhere.
    fn read_directory(&mut self, walk: &mut Walk<'_>, range: Range<u64>) -> Step<Vec<u8>> {
        let len = range.end - range.start;
        let bytes = self.read(walk, range.start, len)?;
        self.directory_bytes += bytes.len() as u64;
        if (bytes.len() as u64) < len {
            self.cut(walk)?;
        }
        Ok(bytes)
    }

    /// Whether more was read of directories than the image has.
    fn is_shared(&self) -> bool {
        self.directory_bytes > self.len
    }

    /// Says that the image ends before its structure does.
    fn cut(&self, walk: &mut Walk<'_>) -> Step {
        match walk.read_failed(&io::ErrorKind::UnexpectedEof.into()) {
            Break::Item => Ok(()),
            Break::Job => Err(Break::Job),
        }
    }

    /// Says that files or directories share their bytes.
    fn shared(&self, walk: &mut Walk<'_>) {
        let message = "files of the image share their bytes; the rest was scanned as raw bytes";
        walk.problem(Problem::new(ProblemClass::Ambiguous, "overlap", message));
    }

    /// Walks a file, as far as the image reaches.
    fn file(&mut self, walk: &mut Walk<'_>, trees: &Trees, file: &File) -> Step {
        for name in &file.others {
            tree::emit_name(walk, &trees.path(name))?;
        }
        let (stated, len) = (file.bytes(), self.len);
        let ranges: Vec<Range<u64>> =
            file.ranges.iter().map(|range| range.start.min(len)..range.end.min(len)).collect();
        let present: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        if file.is_packed {
            let message = "a file of the image is packed in a way that is not read; its bytes were scanned";
            walk.problem(Problem::new(ProblemClass::Unsupported, "zisofs", message));
        }
        walk.child(&trees.path(&file.name), Relation::Member, Input::Stream(&mut Pieces::new(self.reader, ranges)))?;
        if present < stated {
            self.cut(walk)?;
        }
        Ok(())
    }

    /// Walks what no file covers, if it is more than zeros.
    fn rest(&mut self, walk: &mut Walk<'_>, mut covered: Vec<Range<u64>>) -> Step {
        covered.sort_unstable_by_key(|range| range.start);
        let (mut gaps, mut at) = (Vec::new(), 0);
        for range in covered.into_iter().chain(std::iter::once(self.len..self.len)) {
            if at < range.start.min(self.len) {
                gaps.push(at..range.start.min(self.len));
            }
            at = at.max(range.end);
        }
        self.gaps(walk, &gaps)
    }

    fn gaps(&mut self, walk: &mut Walk<'_>, gaps: &[Range<u64>]) -> Step {
        if all_zero(walk, &mut Pieces::new(self.reader, gaps.to_vec()))? {
            return Ok(());
        }
        walk.child("", Relation::Gap, Input::Stream(&mut Pieces::new(self.reader, gaps.to_vec())))
    }
}

/// The marks of the three levels of Joliet.
fn is_joliet(escapes: &[u8]) -> bool {
    [b"%/@", b"%/C", b"%/E"].iter().any(|escape| escapes.starts_with(*escape))
}

fn all_zero(walk: &mut Walk<'_>, reader: &mut dyn Read) -> Step<bool> {
    const CHUNK_BYTES: usize = 64 * 1024;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        walk.check_budget()?;
        let len = reader.read(&mut chunk).map_err(|error| walk.read_failed(&error))?;
        if len == 0 {
            return Ok(true);
        }
        if chunk[..len].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
    }
}

/// Ranges of a reader, one behind the other.
struct Pieces<'r> {
    reader: &'r mut dyn ReadSeek,
    waiting: std::vec::IntoIter<Range<u64>>,
    left: u64,
}

impl<'r> Pieces<'r> {
    fn new(reader: &'r mut dyn ReadSeek, ranges: Vec<Range<u64>>) -> Self {
        Self { reader, waiting: ranges.into_iter(), left: 0 }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.left == 0 {
            let Some(range) = self.waiting.next() else { return Ok(0) };
            self.reader.seek(SeekFrom::Start(range.start))?;
            self.left = range.end.saturating_sub(range.start);
        }
        let len = (&mut *self.reader).take(self.left).read(buf)?;
        // A reader that ends early has nothing behind that either.
        self.left = if len == 0 { 0 } else { self.left - len as u64 };
        Ok(len)
    }
}
