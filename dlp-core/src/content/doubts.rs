//! The other reading of a text in an older character set, where its words may begin and end elsewhere.
//!
//! Older sets have letters where those of Windows have quotes, dashes and spaces, and no statistic tells them apart in
//! a short text. A value between such signs would be a part of a word, and lost without a trace. So a text in which
//! such a byte touches a letter or digit is handed out once more with the signs of Windows; what both readings show
//! counts once.

use super::decode::Derived;
use super::walk::{Step, Walk};
use super::{MapRun, Origin, Place, SourceLines, views};
use crate::matching::LineCounter;
use crate::text::{Charset, Transcoded, Transcoder, doubts};
use encoding_rs::WINDOWS_1252;

/// What reports call such a reading.
pub(super) const NAME: &str = "windows-1252";
/// Bytes of a piece that are read again with the next: what may belong to a value, and words near it.
const CARRIED_BYTES: usize = 4 * 1024;

/// A text that passes in pieces.
pub(super) struct Doubts {
    /// The end of the piece before, and the place where it begins.
    carried: Vec<u8>,
    lines: LineCounter,
    /// Where the next piece is expected.
    end: u64,
}

impl Doubts {
    pub(super) fn new() -> Self {
        Self { carried: Vec::new(), lines: LineCounter::new(), end: 0 }
    }

    /// Looks at the next bytes of a text in this set, which stand at `offset` and at this place in its lines.
    pub(super) fn push(
        &mut self,
        walk: &mut Walk<'_>,
        charset: &Charset,
        piece: (&[u8], u64),
        at: LineCounter,
    ) -> Step {
        let (bytes, offset) = piece;
        if self.end != offset || self.carried.is_empty() {
            self.carried.clear();
            self.lines = at;
        }
        let start = offset - self.carried.len() as u64;
        self.end = offset + bytes.len() as u64;
        self.carried.extend_from_slice(bytes);
        let passed = self.carried.len().saturating_sub(CARRIED_BYTES);
        let step = hand_out(walk, charset, (&self.carried, start), self.lines);
        self.lines.advance(of_windows(&self.carried[..passed], 0).text.as_bytes());
        self.carried.drain(..passed);
        step
    }
}

/// Hands out the other reading of bytes that stand at this offset, if there is one.
fn hand_out(walk: &mut Walk<'_>, charset: &Charset, (bytes, start): (&[u8], u64), lines: LineCounter) -> Step {
    if doubts(charset, bytes).next().is_none() {
        return Ok(());
    }
    let Transcoded { text, runs } = of_windows(bytes, start);
    let source = SourceLines::new(text.as_bytes(), Origin::Mapped(&runs), lines);
    let whole = Derived { bytes: text.clone().into_bytes(), runs: whole(text.len()) };
    views::made_from(walk, NAME, whole, (Origin::Mapped(&runs), Place::Source(&source)))
}

/// The other reading of a text that was decoded from a message, if there is one, with a map to these bytes.
pub(super) fn other_reading(charset: &Charset, bytes: &[u8]) -> Option<Derived> {
    doubts(charset, bytes).next()?;
    let Transcoded { text, runs } = of_windows(bytes, 0);
    Some(Derived { bytes: text.into_bytes(), runs })
}

fn of_windows(bytes: &[u8], start: u64) -> Transcoded {
    let mut out = Transcoded::default();
    Transcoder::new(&Charset::from_encoding(WINDOWS_1252), start).push(bytes, true, &mut out);
    out
}

/// The map of a text to itself.
fn whole(len: usize) -> Vec<MapRun> {
    let end = u32::try_from(len).unwrap_or(u32::MAX);
    [0, end].map(|at| MapRun { text_start: at, original_start: at.into(), stride: 1, group: 1 }).to_vec()
}
