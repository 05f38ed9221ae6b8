//! What the fuzz targets of the content parsers have in common: a walk over hostile bytes, and a sink that holds the walk
//! to its contract.

use dlp_core::base::{Cancel, Limits, Problem};
use dlp_core::content::{Extraction, Flow, Input, ItemStart, Outcome, Segment, Sink, extract};
use std::io::Cursor;

/// Walks bytes that a parser takes for its own: the front is put before those that do not start with it. Memory and a
/// reader that cannot seek have to give the same end.
pub fn walk(front: &[u8], bytes: &[u8]) {
    let whole = if bytes.starts_with(front) { bytes.to_vec() } else { [front, bytes].concat() };
    walk_whole(&whole);
}

/// Walks bytes that start like one of several kinds; of others, the first byte chooses the front.
pub fn walk_one_of(fronts: &[&[u8]], bytes: &[u8]) {
    if fronts.iter().any(|front| bytes.starts_with(front)) {
        return walk_whole(bytes);
    }
    if let Some((choice, rest)) = bytes.split_first() {
        walk(fronts[usize::from(*choice) % fronts.len()], rest);
    }
}

/// Walks bytes as they are, from memory, a seekable reader and a stream.
pub fn walk_whole(bytes: &[u8]) {
    let limits = Limits { inflated_bytes_max: 1 << 22, held_bytes_max: 1 << 20, items_max: 256, ..Limits::inline() };
    for input in [Input::Bytes(bytes), Input::Seekable(&mut Cursor::new(bytes)), Input::Stream(&mut &*bytes)] {
        let mut sink = Checked::default();
        let cancel = Cancel::default();
        let extraction = Extraction { limits: &limits, cancel: &cancel, risky: None };
        let outcome = extract("input", input, extraction, &mut sink);
        sink.end(outcome, &limits);
    }
}

/// Walks bytes as a part of a package: a ZIP archive with one stored member besides what tells its kind.
pub fn walk_part(others: &[(&str, &[u8])], name: &str, bytes: &[u8]) {
    let members: Vec<(&str, &[u8])> = others.iter().copied().chain([(name, bytes)]).collect();
    walk_whole(&stored_zip(&members));
}

/// A ZIP archive of stored members.
pub fn stored_zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let start = archive.len() as u32;
        let len = content.len() as u32;
        // Version, flags, method, time, date, sum, two sizes, two lengths.
        let mut fields = [10_u16, 0, 0, 0, 0].map(u16::to_le_bytes).concat();
        fields.extend([crc32fast::hash(content), len, len].map(u32::to_le_bytes).concat());
        fields.extend([name.len() as u16, 0].map(u16::to_le_bytes).concat());
        archive.extend([b"PK\x03\x04", fields.as_slice(), name.as_bytes(), content].concat());
        let rest = [&[0; 10][..], &start.to_le_bytes()].concat();
        directory.extend([b"PK\x01\x02\x0a\0", fields.as_slice(), &rest, name.as_bytes()].concat());
    }
    let (count, start) = ((members.len() as u16).to_le_bytes(), (archive.len() as u32).to_le_bytes());
    let size = (directory.len() as u32).to_le_bytes();
    archive.extend(directory);
    archive.extend([b"PK\x05\x06\0\0\0\0", &count[..], &count, &size, &start, &[0, 0]].concat());
    archive
}

/// Holds a walk to its contract: what is entered is left, in order, and no trouble is lost on the way up.
#[derive(Default)]
struct Checked {
    /// The worst trouble of each open item.
    open: Vec<Outcome>,
    items: u64,
    last: Option<Outcome>,
}

impl Checked {
    fn raise(&mut self, outcome: Outcome) {
        let item = self.open.last_mut().expect("trouble belongs to an item");
        *item = item.worse(outcome);
    }

    fn end(self, outcome: Outcome, limits: &Limits) {
        assert!(self.open.is_empty(), "an item was not left");
        assert!(self.items <= limits.items_max, "more items than allowed");
        let last = self.last.expect("there is an outermost item");
        assert_eq!(last.completeness, outcome.completeness, "the end tells something else than the outermost item");
    }
}

impl Sink for Checked {
    fn enter(&mut self, _: &ItemStart<'_>) -> Flow {
        self.open.push(Outcome::COMPLETE);
        self.items += 1;
        Flow::Continue
    }

    fn text(&mut self, segment: &Segment<'_>) -> Flow {
        assert!(!self.open.is_empty() && !segment.text.is_empty(), "text comes inside an item");
        Flow::Continue
    }

    fn problem(&mut self, problem: Problem) {
        self.raise(Outcome::of(&problem));
    }

    fn leave(&mut self, outcome: &Outcome) {
        let known = self.open.pop().expect("only what was entered is left");
        assert!(outcome.completeness >= known.completeness, "trouble was lost: {known:?}, {outcome:?}");
        if self.open.is_empty() {
            self.last = Some(*outcome);
        } else {
            self.raise(*outcome);
        }
    }
}
