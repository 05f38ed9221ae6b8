//! A sink that remembers, and builders for containers.

use dlp_core::base::{Cancel, Limits, Problem};
use dlp_core::content::{
    Completeness, Extraction, Flow, Input, ItemStart, Kind, Origin, Outcome, Place, Relation, RiskyParser, Role,
    Segment, Sink, extract,
};
use std::collections::BTreeMap;
use std::io::{Cursor, Write};

/// An item that was entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) path: String,
    pub(crate) kind: Kind,
    pub(crate) relation: Relation,
    pub(crate) outcome: Option<Outcome>,
}

/// Everything that a sink was told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) items: Vec<Item>,
    /// Text by item path, role and part name, joined as the engine would see it.
    pub(crate) text: BTreeMap<(String, &'static str, String), String>,
    /// Cells with their text.
    pub(crate) cells: Vec<(String, u32, u32, String)>,
    pub(crate) pages: Vec<(u32, String)>,
    pub(crate) reasons: Vec<&'static str>,
    open: Vec<usize>,
    pub(crate) outcome: Option<Outcome>,
    /// Bytes of the largest segment.
    pub(crate) segment_bytes_max: usize,
}

impl Seen {
    /// Whether any text holds this.
    pub(crate) fn holds(&self, text: &str) -> bool {
        self.text.values().any(|held| held.contains(text))
    }

    /// The text of a role, all items and parts together.
    pub(crate) fn role(&self, role: Role) -> String {
        let texts = self.text.iter().filter(|((_, held, _), _)| *held == role.as_str());
        texts.map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn completeness(&self) -> Completeness {
        self.outcome.expect("the job ended").completeness
    }
}

impl Sink for Seen {
    fn enter(&mut self, item: &ItemStart<'_>) -> Flow {
        let parent = self.open.last().map(|index| format!("{}/", self.items[*index].path)).unwrap_or_default();
        self.open.push(self.items.len());
        let path = format!("{parent}{}", item.name);
        self.items.push(Item { path, kind: item.kind, relation: item.relation, outcome: None });
        Flow::Continue
    }

    fn text(&mut self, segment: &Segment<'_>) -> Flow {
        let item = &self.items[*self.open.last().expect("text comes inside an item")];
        let key = (item.path.clone(), segment.part.role.as_str(), segment.part.name.to_owned());
        let text = String::from_utf8_lossy(segment.text);
        let held = self.text.entry(key).or_default();
        if !held.is_empty() {
            held.push_str(std::str::from_utf8(segment.join.as_bytes()).expect("joins are ASCII"));
        }
        held.push_str(&text);
        match segment.place {
            Place::Cell { sheet, row, column } => self.cells.push((sheet.to_owned(), row, column, text.into_owned())),
            Place::Page(page) => self.pages.push((page, text.into_owned())),
            Place::Lines(_) | Place::Source(_) | Place::None => {}
        }
        if let Origin::Mapped(runs) = segment.origin {
            assert!(runs.is_sorted_by_key(|run| (run.text_start, run.original_start)), "runs ascend");
            assert_eq!(
                runs.last().map(|run| run.text_start as usize),
                Some(segment.text.len()),
                "the last run is the end"
            );
        }
        self.segment_bytes_max = self.segment_bytes_max.max(segment.text.len());
        Flow::Continue
    }

    fn problem(&mut self, problem: Problem) {
        assert!(!self.open.is_empty(), "a problem belongs to an item: {problem:?}");
        self.reasons.push(problem.reason);
    }

    fn leave(&mut self, outcome: &Outcome) {
        let index = self.open.pop().expect("leave follows enter");
        self.items[index].outcome = Some(*outcome);
    }
}

/// Bounds for tests.
pub(crate) fn limits() -> Limits {
    Limits::inline()
}

/// Walks bytes in memory.
pub(crate) fn walk(name: &str, bytes: &[u8]) -> Seen {
    walk_with(name, bytes, &limits(), None)
}

/// Walks bytes in memory with bounds and a parser.
pub(crate) fn walk_with(name: &str, bytes: &[u8], limits: &Limits, risky: Option<&dyn RiskyParser>) -> Seen {
    let in_memory = walk_input(name, Input::Bytes(bytes), limits, risky);
    let seeking = walk_input(name, Input::Seekable(&mut Cursor::new(bytes)), limits, risky);
    assert_eq!(in_memory.text, seeking.text, "memory and file give the same text");
    assert_eq!(in_memory.outcome, seeking.outcome, "memory and file give the same outcome");
    in_memory
}

/// Walks any input.
pub(crate) fn walk_input(name: &str, input: Input<'_>, limits: &Limits, risky: Option<&dyn RiskyParser>) -> Seen {
    let cancel = Cancel::default();
    let mut seen = Seen::default();
    let outcome = extract(name, input, Extraction { limits, cancel: &cancel, risky }, &mut seen);
    assert!(seen.open.is_empty(), "every item is left");
    assert!(seen.items.iter().all(|item| item.outcome.is_some()), "every item has an outcome");
    seen.outcome = Some(outcome);
    seen
}

/// Walks bytes that come once.
pub(crate) fn stream(name: &str, bytes: &[u8]) -> Seen {
    walk_input(name, Input::Stream(&mut &bytes[..]), &limits(), None)
}

/// A deflated ZIP.
pub(crate) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    zip_with(members, zip::CompressionMethod::Deflated)
}

/// A ZIP with one method.
pub(crate) fn zip_with(members: &[(&str, &[u8])], method: zip::CompressionMethod) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in members {
        writer.start_file(*name, options).expect("memory takes every file");
        writer.write_all(bytes).expect("memory takes every byte");
    }
    writer.finish().expect("memory takes the end").into_inner()
}

/// A gzip member.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("memory takes every byte");
    encoder.finish().expect("memory takes the end")
}

/// A bzip2 stream in small blocks.
pub(crate) fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes every byte");
    encoder.finish().expect("memory takes the end")
}

/// An xz stream.
pub(crate) fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut options = lzma_rust2::XzOptions::default();
    options.lzma_options.dict_size = 1 << 20;
    let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).expect("the options are right");
    writer.write_all(bytes).expect("memory takes every byte");
    writer.finish().expect("memory takes the end")
}

/// A tar archive.
pub(crate) fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append_data(&mut header, name, *bytes).expect("memory takes every file");
    }
    builder.into_inner().expect("memory takes the end")
}

/// Every place of a signature.
pub(crate) fn places(bytes: &[u8], signature: &[u8]) -> Vec<usize> {
    (0..bytes.len()).filter(|at| bytes[*at..].starts_with(signature)).collect()
}

/// Changes bytes at a distance from each place of a signature.
pub(crate) fn patch(bytes: &mut [u8], signature: &[u8], distance: usize, new: &[u8]) {
    for at in places(bytes, signature) {
        bytes[at + distance..at + distance + new.len()].copy_from_slice(new);
    }
}

pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).expect("writing to memory");
    writer.finish().expect("writing to memory")
}

/// Bytes from hexadecimal digits.
pub(crate) fn from_hex(digits: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("they are digits");
    (0..digits.len()).step_by(2).map(pair).collect()
}
