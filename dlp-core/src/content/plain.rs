//! Text and raw bytes, in constant memory.
//!
//! UTF-8 passes through as it is. Each chunk is looked at on its own: where a text changes its character set half way,
//! what is not UTF-8 is transcoded and the rest still passes. Bytes of an unknown format are handed out raw. Both have
//! a [second reading](super::second): UTF-16 inside bytes and bytewise text, ASCII inside UTF-16 and UTF-32.

use super::doubts::Doubts;
use super::rows::{ROWS, Rows, RowsText};
use super::sealed::Evenness;
use super::second::{SecondReading, Width};
use super::walk::{Break, Step, Walk, with_reader};
use super::{Input, Join, Origin, Part, Place, Role, Segment, SourceLines};
use crate::base::{Problem, ProblemClass};
use crate::text::{self, Charset, Detected, Transcoded, Transcoder};
use std::io::Read;

/// Bytes that are read and handed out at once.
const CHUNK_BYTES: usize = 128 * 1024;

/// Walks a text in the character set that its first bytes tell.
pub(super) fn text(walk: &mut Walk<'_>, detected: Option<Detected>, input: Input<'_>) -> Step {
    let (charset, skip) = detected.map_or((Charset::Utf8, 0), |detected| (detected.charset, detected.bom_len));
    let mut second = SecondReading::new(if charset.is_wide() { Width::Ascii } else { Width::Utf16 });
    let mut scan = TextScan::new(charset, skip);
    let mut rows = Rows::new(skip as u64);
    let step = chunks(walk, input, &mut |walk, bytes, last| {
        let start = scan.offset;
        let consumed = scan.push(walk, bytes, last)?;
        if scan.transcoder.is_none() {
            let mark = if start == 0 { skip.min(consumed) } else { 0 };
            rows.push(&bytes[mark..consumed], last, &mut |rows| hand_out(walk, &rows))?;
        }
        second.push(walk, &bytes[..consumed])?;
        Ok(consumed)
    });
    finish(walk, second, step)
}

/// Hands out the bytes of an item that nothing recognised, and says if they are as even as encrypted ones.
pub(super) fn unknown(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    let mut evenness = Evenness::new();
    let step = watched(walk, input, &mut |bytes| evenness.push(bytes));
    if evenness.is_all() {
        let message =
            "all bytes are as even as encrypted or packed ones, and nothing tells how; raw bytes were scanned";
        walk.problem(Problem::new(ProblemClass::Unsupported, "opaque_high_entropy", message));
    }
    step
}

/// Hands out the bytes of an item as they are, then once more the texts in UTF-16 inside them.
pub(super) fn raw(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    watched(walk, input, &mut |_| {})
}

fn watched(walk: &mut Walk<'_>, input: Input<'_>, watch: &mut dyn FnMut(&[u8])) -> Step {
    let mut offset = 0_u64;
    let mut second = SecondReading::new(Width::Utf16);
    let step = chunks(walk, input, &mut |walk, bytes, _| {
        let (part, origin) = (Part { role: Role::Raw, name: "" }, Origin::Bytes(offset));
        walk.emit(&Segment { text: bytes, part, place: Place::None, join: Join::None, origin })?;
        second.push(walk, bytes)?;
        offset += bytes.len() as u64;
        watch(bytes);
        Ok(bytes.len())
    });
    finish(walk, second, step)
}

/// Hands out the rows of a table as settings.
fn hand_out(walk: &mut Walk<'_>, rows: &RowsText<'_>) -> Step {
    let lines = SourceLines::new(rows.lines, Origin::Bytes(rows.start), rows.at);
    walk.emit(&Segment {
        text: &rows.content.bytes,
        part: Part { role: Role::Decoded, name: ROWS },
        place: Place::Source(&lines),
        join: Join::None,
        origin: Origin::Mapped(&rows.content.runs),
    })
}

/// Hands out raw bytes that stand at a place in the item, then the texts in UTF-16 inside them.
pub(super) fn raw_at(walk: &mut Walk<'_>, bytes: &[u8], start: u64) -> Step {
    let mut offset = start;
    let mut second = SecondReading::at(Width::Utf16, start);
    let mut join = Join::Line;
    let step = slices(walk, bytes, &mut |walk, bytes, _| {
        let (part, origin) = (Part { role: Role::Raw, name: "" }, Origin::Bytes(offset));
        let join = std::mem::replace(&mut join, Join::None);
        walk.emit(&Segment { text: bytes, part, place: Place::None, join, origin })?;
        second.push(walk, bytes)?;
        offset += bytes.len() as u64;
        Ok(bytes.len())
    });
    finish(walk, second, step)
}

/// Hands out the second reading, also of an input that broke off.
fn finish(walk: &mut Walk<'_>, second: SecondReading, step: Step) -> Step {
    if step != Err(Break::Job) {
        second.finish(walk)?;
    }
    step
}

/// Takes a chunk and says how many of its bytes it consumed; the rest comes again with the next chunk.
type Push<'p> = dyn FnMut(&mut Walk<'_>, &[u8], bool) -> Step<usize> + 'p;

/// Feeds an input chunk by chunk.
fn chunks(walk: &mut Walk<'_>, input: Input<'_>, push: &mut Push<'_>) -> Step {
    match input {
        Input::Bytes(bytes) => slices(walk, bytes, push),
        input => with_reader(input, |reader| pieces(walk, reader, push)),
    }
}

/// In memory nothing is copied.
fn slices(walk: &mut Walk<'_>, bytes: &[u8], push: &mut Push<'_>) -> Step {
    let mut at = 0;
    while at < bytes.len() {
        let end = bytes.len().min(at + CHUNK_BYTES);
        let consumed = push(walk, &bytes[at..end], end == bytes.len())?;
        // Only the last few bytes of a chunk may be left for the next one, so this moves on.
        at += consumed.max(1);
    }
    Ok(())
}

fn pieces(walk: &mut Walk<'_>, reader: &mut dyn Read, push: &mut Push<'_>) -> Step {
    let mut buffer = Vec::with_capacity(CHUNK_BYTES);
    loop {
        let room = (CHUNK_BYTES - buffer.len()) as u64;
        let result = reader.take(room).read_to_end(&mut buffer);
        let last = buffer.len() < CHUNK_BYTES;
        if !buffer.is_empty() {
            let consumed = push(walk, &buffer, last)?;
            buffer.drain(..if last { buffer.len() } else { consumed.max(1) });
        }
        if let Err(error) = result {
            return Err(walk.read_failed(&error));
        }
        if last {
            return Ok(());
        }
    }
}

/// A text on its way through.
struct TextScan {
    charset: Charset,
    /// Bytes of a byte order mark that are still to be skipped.
    skip: usize,
    offset: u64,
    transcoder: Option<Transcoder>,
    transcoded: Transcoded,
    doubts: Doubts,
}

impl TextScan {
    fn new(charset: Charset, skip: usize) -> Self {
        Self { charset, skip, offset: 0, transcoder: None, transcoded: Transcoded::default(), doubts: Doubts::new() }
    }

    fn push(&mut self, walk: &mut Walk<'_>, bytes: &[u8], last: bool) -> Step<usize> {
        let skipped = std::mem::take(&mut self.skip).min(bytes.len());
        self.offset += skipped as u64;
        let bytes = &bytes[skipped..];
        let cut = if last { bytes.len() } else { text::utf8_cut(bytes) };
        if self.passes(&bytes[..cut]) {
            let origin = Origin::Bytes(self.offset);
            walk.emit(&Segment { place: Place::Lines(1), origin, ..Segment::body(&bytes[..cut]) })?;
            self.offset += cut as u64;
            return Ok(skipped + cut);
        }
        self.transcode(walk, bytes, last)?;
        Ok(skipped + bytes.len())
    }

    /// Whether a chunk needs no transcoding.
    fn passes(&self, bytes: &[u8]) -> bool {
        match &self.charset {
            charset if charset.is_wide() => false,
            _ if self.transcoder.as_ref().is_some_and(Transcoder::is_pending) => false,
            Charset::Multi(_) if bytes.contains(&0x1B) => false,
            _ => text::is_utf8(bytes) || text::utf8_dominates(bytes),
        }
    }

    fn transcode(&mut self, walk: &mut Walk<'_>, bytes: &[u8], last: bool) -> Step {
        if self.charset == Charset::Utf8 {
            self.charset = text::guess_eight_bit(bytes);
        }
        let transcoder = self.transcoder.get_or_insert_with(|| Transcoder::new(&self.charset, self.offset));
        if !transcoder.is_pending() {
            transcoder.seek(self.offset);
        }
        transcoder.push(bytes, last, &mut self.transcoded);
        let start = self.offset;
        self.offset += bytes.len() as u64;
        let (origin, lines) = (Origin::Mapped(&self.transcoded.runs), walk.views.lines());
        walk.emit(&Segment { place: Place::Lines(1), origin, ..Segment::body(self.transcoded.text.as_bytes()) })?;
        self.doubts.push(walk, &self.charset, (bytes, start), lines)
    }
}
