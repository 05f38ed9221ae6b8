//! Directories of TIFF: the tags of a TIFF file, and of EXIF in other images.
//!
//! Values that are text are handed out by name. Directories and values lie anywhere. Each directory is queued and read
//! once, up to a number of them. Entries, places of directories, and what values give may each share bytes with others,
//! but together they are bounded by the length of the image, which no honest one exceeds.

use super::{Image, iptc};
use crate::base::{IMAGE_DIRECTORIES_MAX, Problem, bytes};
use crate::content::walk::{Step, Walk};
use crate::content::{Input, Relation, strings};
use crate::text::Charset;
use std::collections::HashSet;
use std::ops::Range;

const ENTRY_BYTES: usize = 12;
/// Bytes of the place of a directory.
const PLACE_BYTES: usize = 4;
/// Bytes of one value of each type, from type 1 on.
const TYPE_BYTES: [usize; 13] = [1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];
const ASCII: u16 = 2;
/// Tags that lead to more directories; one of them to the place where a picture was taken.
const DIRECTORIES: [u16; 4] = [0x014A, 0x8769, PLACE, 0xA005];
const PLACE: u16 = 0x8825;
const XMP: u16 = 0x02BC;
const IPTC: u16 = 0x83BB;
const RESOURCES: u16 = 0x8649;
/// Texts that start with the name of their character set.
const CODED: [u16; 3] = [0x9286, 0x001B, 0x001C];
const CODE_BYTES: usize = 8;
/// Texts in UTF-16 that one system's file properties write.
const WIDE: [u16; 5] = [0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F];
const NAMES: [(u16, &str); 22] = [
    (0x010D, "document-name"),
    (0x010E, "image-description"),
    (0x010F, "make"),
    (0x0110, "model"),
    (0x011D, "page-name"),
    (0x0131, "software"),
    (0x0132, "date"),
    (0x013B, "artist"),
    (0x013C, "host-computer"),
    (0x8298, "copyright"),
    (0x9003, "date-taken"),
    (0x9004, "date-digitized"),
    (0x9286, "user-comment"),
    (0x9C9B, "title"),
    (0x9C9C, "comment"),
    (0x9C9D, "author"),
    (0x9C9E, "keywords"),
    (0x9C9F, "subject"),
    (0xA420, "image-id"),
    (0xA430, "owner"),
    (0xA431, "serial-number"),
    (0xA435, "lens-serial-number"),
];

/// Walks the directories in a range, inside which all offsets count.
pub(super) fn walk(walk: &mut Walk<'_>, image: &mut Image<'_>, range: Range<usize>) -> Step {
    let Some(is_big) = is_big(&image.bytes[range.clone()]) else { return Ok(()) };
    let reading = Reading { bytes: &image.bytes[range.clone()], start: range.start, is_big };
    let mut queue = Queue { room_bytes: range.len(), ..Queue::default() };
    queue.push(walk, reading.u32(4).unwrap_or(0), false);
    while let Some((at, is_place)) = queue.waiting.pop() {
        reading.directory(walk, image, at, &mut queue)?;
        if let Some(place) = is_place.then(|| reading.place(at)).flatten() {
            image.known_text(walk, "gps", &place)?;
        }
    }
    Ok(())
}

/// Directories that were found, and how much more may be read to find others.
#[derive(Default)]
struct Queue {
    /// Where they start, and whether they hold a place on earth.
    waiting: Vec<(usize, bool)>,
    seen: HashSet<usize>,
    /// Bytes of entries and of places of directories that are still to come. Each has bytes of its own.
    room_bytes: usize,
    is_full: bool,
}

impl Queue {
    fn push(&mut self, walk: &mut Walk<'_>, at: usize, is_place: bool) {
        if at == 0 || self.is_full || self.seen.contains(&at) {
            return;
        }
        if self.seen.len() == IMAGE_DIRECTORIES_MAX {
            let message = "the image has more directories than the bound; the rest was scanned as raw bytes";
            walk.problem(Problem::limit("image_directories_max", IMAGE_DIRECTORIES_MAX as u64, message));
            self.is_full = true;
            return;
        }
        self.seen.insert(at);
        self.waiting.push((at, is_place));
    }

    /// Takes room for something of this length; false when there is no more.
    fn take(&mut self, walk: &mut Walk<'_>, image: &mut Image<'_>, len: usize) -> bool {
        let room = self.room_bytes.checked_sub(len);
        self.room_bytes = room.unwrap_or(0);
        if room.is_none() {
            image.shared(walk);
        }
        room.is_some()
    }
}

fn is_big(bytes: &[u8]) -> Option<bool> {
    match bytes.get(..4)? {
        b"II*\0" => Some(false),
        b"MM\0*" => Some(true),
        _ => None,
    }
}

struct Reading<'d> {
    bytes: &'d [u8],
    /// Where these bytes lie in the image.
    start: usize,
    is_big: bool,
}

/// An entry of a directory.
struct Entry {
    tag: u16,
    kind: u16,
    value: Range<usize>,
}

impl Reading<'_> {
    fn directory(&self, walk: &mut Walk<'_>, image: &mut Image<'_>, at: usize, queue: &mut Queue) -> Step {
        let Some(count) = self.u16(at) else { return Ok(()) };
        let first = at + 2;
        let behind = first + usize::from(count) * ENTRY_BYTES;
        queue.push(walk, self.u32(behind).unwrap_or(0), false);
        for at in (first..behind.min(self.bytes.len())).step_by(ENTRY_BYTES) {
            walk.check_budget()?;
            if !queue.take(walk, image, ENTRY_BYTES.min(self.bytes.len() - at)) {
                break;
            }
            let Some(entry) = self.entry(at) else { continue };
            if DIRECTORIES.contains(&entry.tag) {
                self.below(walk, image, &entry, queue);
            } else {
                self.value(walk, image, &entry)?;
            }
        }
        Ok(())
    }

    /// Queues the directories that an entry leads to.
    fn below(&self, walk: &mut Walk<'_>, image: &mut Image<'_>, entry: &Entry, queue: &mut Queue) {
        // A single place stands in the entry, which has taken its room.
        let is_inside = entry.value.len() <= PLACE_BYTES;
        for at in entry.value.clone().step_by(PLACE_BYTES) {
            if queue.is_full || !is_inside && !queue.take(walk, image, PLACE_BYTES) {
                break;
            }
            queue.push(walk, self.u32(at).unwrap_or(0), entry.tag == PLACE);
        }
    }

    fn entry(&self, at: usize) -> Option<Entry> {
        let (tag, kind, count) = (self.u16(at)?, self.u16(at + 2)?, self.u32(at + 4)?);
        let len = count.checked_mul(*TYPE_BYTES.get(usize::from(kind).checked_sub(1)?)?)?;
        // Short values stand in the entry itself.
        let from = if len <= 4 { at + 8 } else { self.u32(at + 8)? };
        let value = from..from.checked_add(len)?;
        self.bytes.get(value.clone())?;
        Some(Entry { tag, kind, value })
    }

    fn value(&self, walk: &mut Walk<'_>, image: &mut Image<'_>, entry: &Entry) -> Step {
        let range = self.start + entry.value.start..self.start + entry.value.end;
        if [IPTC, RESOURCES].contains(&entry.tag) {
            return match image.may_search(walk, range.len()) {
                true if entry.tag == IPTC => iptc::walk(walk, image, range),
                true => iptc::walk_resources(walk, image, range),
                false => Ok(()),
            };
        }
        let is_wide = WIDE.contains(&entry.tag);
        let is_coded = CODED.contains(&entry.tag) && entry.value.len() > CODE_BYTES;
        let is_text = entry.kind == ASCII || entry.tag == XMP || is_wide || is_coded;
        if !is_text || range.is_empty() || !image.claim(walk, std::slice::from_ref(&range)) {
            return Ok(());
        }
        let bytes = &self.bytes[entry.value.clone()];
        let known = NAMES.iter().find(|(tag, _)| *tag == entry.tag);
        let name = known.map_or_else(|| format!("tag {:04x}", entry.tag), |(_, name)| (*name).to_owned());
        match () {
            () if entry.tag == XMP => walk.child("xmp", Relation::Embedded, Input::Bytes(bytes)),
            () if is_wide => {
                image.known_text(walk, &name, &strings::decode(bytes, &Charset::Utf16Le).replace('\0', "\n"))
            }
            () if is_coded => self.coded(walk, image, &name, bytes),
            () => image.text(walk, &name, bytes),
        }
    }

    /// Latitude and longitude in degrees, of a directory that holds them in degrees, minutes and seconds.
    fn place(&self, at: usize) -> Option<String> {
        const TAGS: [(u16, u8, u16); 2] = [(1, b'S', 2), (3, b'W', 4)];
        let entries: Vec<Entry> =
            (0..usize::from(self.u16(at)?)).filter_map(|index| self.entry(at + 2 + index * ENTRY_BYTES)).collect();
        let find = |tag: u16| entries.iter().find(|entry| entry.tag == tag).map(|entry| entry.value.clone());
        let degrees = TAGS.iter().filter_map(|(side, negative, angle)| {
            let angle = find(*angle)?;
            let part = |index: usize| {
                let at = angle.start + 8 * index;
                let (numerator, denominator) = (self.u32(at)? as f64, self.u32(at + 4)? as f64);
                Some(numerator / if denominator == 0.0 { 1.0 } else { denominator })
            };
            let size = part(0)? + part(1)? / 60.0 + part(2)? / 3600.0;
            let is_negative = find(*side).is_some_and(|side| self.bytes[side].first() == Some(negative));
            Some(format!("{:.6}", if is_negative { -size } else { size }))
        });
        let degrees: Vec<String> = degrees.collect();
        (degrees.len() == TAGS.len()).then(|| degrees.join(", "))
    }

    /// A text behind the name of its set.
    fn coded(&self, walk: &mut Walk<'_>, image: &mut Image<'_>, name: &str, bytes: &[u8]) -> Step {
        let (code, text) = bytes.split_at(CODE_BYTES);
        let charset = match code {
            b"UNICODE\0" if self.is_big => Charset::Utf16Be,
            b"UNICODE\0" => Charset::Utf16Le,
            b"JIS\0\0\0\0\0" => Charset::from_encoding(encoding_rs::ISO_2022_JP),
            // Some programs forget the name.
            b"ASCII\0\0\0" | b"\0\0\0\0\0\0\0\0" => return image.text(walk, name, text),
            _ => return image.text(walk, name, bytes),
        };
        image.known_text(walk, name, &strings::decode(text, &charset).replace('\0', "\n"))
    }

    fn u16(&self, at: usize) -> Option<u16> {
        if self.is_big { bytes::u16_be(self.bytes, at) } else { bytes::u16_le(self.bytes, at) }
    }

    fn u32(&self, at: usize) -> Option<usize> {
        let number = if self.is_big { bytes::u32_be(self.bytes, at) } else { bytes::u32_le(self.bytes, at) };
        usize::try_from(number?).ok()
    }
}
