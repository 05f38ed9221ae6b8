//! The second reading of bytes: text of another width than the first reading sees.
//!
//! Programs of one large family keep their strings in UTF-16 among other bytes, tools append UTF-16 to logs in ASCII
//! and ASCII to logs in UTF-16, and a byte order mark may stand in front of anything. So while a first reading passes
//! through, runs of the other width are kept, and handed out once it has ended: a change of part in between would tear
//! apart what the first reading matches. What is kept is bounded by `held_bytes_max`.

use super::walk::{Step, Walk};
use super::{Join, Origin, Part, Place, Role, Segment};
use crate::base::Problem;
use crate::text::runs::{self, ASCII_CHARS_MIN, WIDE_CHARS_MIN};
use crate::text::{Charset, Transcoded, Transcoder};
use std::ops::Range;

/// Bytes of a run that are kept in one piece.
const PIECE_BYTES_MAX: usize = 256 * 1024;
/// Bytes that are copied behind the open ones to end a run that starts there; what follows is searched where it is.
const SEAM_BYTES: usize = 64;

/// What the second reading looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// ASCII where the first reading sees wider characters.
    Ascii,
    /// UTF-16 where the first reading sees bytes.
    Utf16,
}

/// Runs of the other width in an input that passes by.
pub(super) struct SecondReading {
    width: Width,
    /// Bytes that may start a run, and where they stand.
    open: Vec<u8>,
    open_offset: u64,
    kept: Vec<Run>,
    kept_bytes: u64,
    is_over_full: bool,
}

/// A run, or a piece of a long one.
struct Run {
    charset: Charset,
    offset: u64,
    bytes: Vec<u8>,
}

impl SecondReading {
    pub(super) fn new(width: Width) -> Self {
        Self::at(width, 0)
    }

    /// A reading of bytes that stand at a place in the item.
    pub(super) fn at(width: Width, open_offset: u64) -> Self {
        Self { width, open: Vec::new(), open_offset, kept: Vec::new(), kept_bytes: 0, is_over_full: false }
    }

    /// Takes the next bytes of the input.
    pub(super) fn push(&mut self, walk: &mut Walk<'_>, bytes: &[u8]) -> Step {
        if self.width == Width::Utf16 && memchr::memchr(0, bytes).is_none() {
            // Without a zero there is no UTF-16 of European scripts, and no run goes on.
            self.search_open(true);
            self.open_offset += bytes.len() as u64;
        } else {
            self.take(bytes);
        }
        if self.kept_bytes > walk.budget.room_to_hold() {
            self.report_overflow(walk);
            return self.hand_out(walk);
        }
        Ok(())
    }

    /// Hands out what was found, when the first reading has ended.
    pub(super) fn finish(mut self, walk: &mut Walk<'_>) -> Step {
        self.search_open(true);
        self.hand_out(walk)
    }

    /// Searches the open bytes and these. Only what may belong to a run across the border between them is copied.
    fn take(&mut self, bytes: &[u8]) {
        let seam = if self.open.is_empty() { 0 } else { bytes.len().min(SEAM_BYTES) };
        self.open.extend_from_slice(&bytes[..seam]);
        self.search_open(false);
        let Some(start) = seam.checked_sub(self.open.len()) else {
            self.open.extend_from_slice(&bytes[seam..]);
            return self.search_open(false);
        };
        let bytes = &bytes[start..];
        let done = self.search(bytes, false);
        self.open.clear();
        self.open.extend_from_slice(&bytes[done..]);
    }

    fn search_open(&mut self, last: bool) {
        let mut open = std::mem::take(&mut self.open);
        let done = self.search(&open, last);
        open.drain(..done);
        self.open = open;
    }

    /// Keeps complete runs of bytes that follow what was passed, and says how many bytes that passes.
    fn search(&mut self, bytes: &[u8], last: bool) -> usize {
        let mut at = 0;
        let run_bytes_min = self.width.run_bytes_min();
        let mut done = if last { bytes.len() } else { bytes.len().saturating_sub(run_bytes_min) };
        while let Some(mut run) = self.width.next_run(bytes, at) {
            let may_go_on = run.end + run_bytes_min > bytes.len();
            if run.len() >= PIECE_BYTES_MAX {
                // The second half starts the next piece, so that no rest is too short to be found.
                run.end = run.start + PIECE_BYTES_MAX / 2;
            } else if may_go_on && !last {
                // The byte before tells the byte order.
                done = run.start.saturating_sub(1).max(at);
                break;
            }
            self.keep(bytes, at, run.clone());
            at = run.end;
            done = done.max(at);
        }
        self.open_offset += done as u64;
        done
    }

    /// Keeps a run that was searched for from `from` on.
    fn keep(&mut self, bytes: &[u8], from: usize, run: Range<usize>) {
        if self.width == Width::Ascii {
            return self.keep_as(Charset::Utf8, bytes, run);
        }
        // One byte off, high byte first looks like low byte first; the bytes around the run can mean both. A line end
        // of other text in front of the first zero looks like a character of the run.
        // Where a piece follows another, the byte before is the end of that one.
        let has_zero_before = run.start > from && bytes[run.start - 1] == 0;
        let start = if has_zero_before { run.start - 1 } else { run.start + 1 };
        if bytes.get(run.end).is_some_and(|byte| runs::is_ascii_text(*byte)) {
            self.keep_as(Charset::Utf16Be, bytes, start..run.end + 1);
        }
        self.keep_as(Charset::Utf16Le, bytes, run);
    }

    fn keep_as(&mut self, charset: Charset, bytes: &[u8], run: Range<usize>) {
        let offset = self.open_offset + run.start as u64;
        let bytes = bytes[run].to_vec();
        self.kept_bytes += bytes.len() as u64;
        self.kept.push(Run { charset, offset, bytes });
    }

    fn report_overflow(&mut self, walk: &mut Walk<'_>) {
        if !self.is_over_full {
            let held_bytes_max = walk.budget.limits.held_bytes_max;
            let message = "text of another width exceeds what may be held; the item was scanned in pieces";
            walk.problem(Problem::limit("held_bytes_max", held_bytes_max, message));
        }
        self.is_over_full = true;
    }

    fn hand_out(&mut self, walk: &mut Walk<'_>) -> Step {
        let mut end = None;
        let mut transcoded = Transcoded::default();
        self.kept_bytes = 0;
        // The two byte orders of one run are two parts, each in one piece.
        let (big, others): (Vec<Run>, Vec<Run>) = self.kept.drain(..).partition(|run| run.charset == Charset::Utf16Be);
        for Run { charset, offset, bytes } in others.into_iter().chain(big) {
            let join = if end == Some(offset) { Join::None } else { Join::Line };
            end = Some(offset + bytes.len() as u64);
            let (name, text, origin) = if charset == Charset::Utf8 {
                ("ascii", bytes.as_slice(), Origin::Bytes(offset))
            } else {
                Transcoder::new(&charset, offset).push(&bytes, true, &mut transcoded);
                let name = if charset == Charset::Utf16Be { "utf-16be" } else { "utf-16" };
                (name, transcoded.text.as_bytes(), Origin::Mapped(&transcoded.runs))
            };
            walk.emit(&Segment { text, part: Part { role: Role::Raw, name }, place: Place::None, join, origin })?;
        }
        Ok(())
    }
}

impl Width {
    fn run_bytes_min(self) -> usize {
        match self {
            Self::Ascii => ASCII_CHARS_MIN,
            Self::Utf16 => 2 * WIDE_CHARS_MIN,
        }
    }

    /// The next run that is long enough, as far as it is kept in one piece.
    fn next_run(self, bytes: &[u8], from: usize) -> Option<Range<usize>> {
        match self {
            Self::Ascii => runs::next_ascii(bytes, from, PIECE_BYTES_MAX),
            Self::Utf16 => runs::next_wide(bytes, from, PIECE_BYTES_MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Runs as text, fed in pieces of this length.
    fn runs(width: Width, bytes: &[u8], piece: usize) -> Vec<(u64, String)> {
        let mut reading = SecondReading::new(width);
        for piece in bytes.chunks(piece) {
            reading.take(piece);
        }
        reading.search_open(true);
        let mut out = Transcoded::default();
        let text = |run: Run| {
            Transcoder::new(&run.charset, run.offset).push(&run.bytes, true, &mut out);
            (run.offset, out.text.clone())
        };
        reading.kept.into_iter().map(text).collect()
    }

    #[test]
    fn runs_are_found_in_any_pieces() {
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
        type Expected = &'static [(u64, &'static str)];
        let rows: Vec<(&str, Width, Vec<u8>, Expected)> = vec![
            ("nothing", Width::Ascii, vec![], &[]),
            ("short", Width::Ascii, b"1234567\0".to_vec(), &[]),
            (
                "ascii in utf-16",
                Width::Ascii,
                [wide("wide"), b"12345678".to_vec(), wide("e")].concat(),
                &[(8, "12345678e")],
            ),
            ("wide in ascii", Width::Utf16, [b"#%".to_vec(), vec![0x90], wide("wide")].concat(), &[(3, "wide")]),
            (
                "high byte first",
                Width::Utf16,
                [vec![1, 1], big("44051"), vec![200]].concat(),
                &[(2, "44051"), (3, "4405")],
            ),
        ];
        for (case, width, bytes, expected) in rows {
            for piece in 1..=bytes.len().max(1) {
                let found = runs(width, &bytes, piece);
                let found: Vec<(u64, &str)> = found.iter().map(|(at, text)| (*at, text.as_str())).collect();
                assert_eq!(found, expected, "{case} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn long_runs_come_in_pieces_without_gaps() {
        let bytes = vec![b'x'; 3 * PIECE_BYTES_MAX + 5];
        let mut at = 0;
        for (offset, text) in runs(Width::Ascii, &bytes, 100_000) {
            assert_eq!(offset, at);
            at += text.len() as u64;
        }
        assert_eq!(at, bytes.len() as u64);
    }

    #[test]
    fn long_runs_of_utf_16_have_each_character_once_in_either_order() {
        let text = "0123456789abcdef".repeat(PIECE_BYTES_MAX / 16 + 3);
        let bytes: Vec<u8> = [vec![0xFF, 0xFF], text.encode_utf16().flat_map(u16::to_be_bytes).collect()].concat();
        for piece in [100_000, bytes.len()] {
            let mut reading = SecondReading::new(Width::Utf16);
            bytes.chunks(piece).for_each(|piece| reading.take(piece));
            reading.search_open(true);
            let big = reading.kept.iter().filter(|run| run.charset == Charset::Utf16Be);
            let mut end = 2;
            for run in big {
                assert_eq!(run.offset, end, "in pieces of {piece}");
                end += run.bytes.len() as u64;
            }
            assert_eq!(end, bytes.len() as u64, "in pieces of {piece}");
        }
    }

    proptest! {
        #[test]
        fn any_cutting_gives_the_same_runs(
            bytes in prop::collection::vec(prop::sample::select(&b"\0\0\0\0aaaZ9\n\x01\x04\x20\xa0\xff"[..]), 0..400),
            piece in 1_usize..200, is_wide: bool,
        ) {
            let width = if is_wide { Width::Utf16 } else { Width::Ascii };
            prop_assert_eq!(runs(width, &bytes, piece), runs(width, &bytes, bytes.len().max(1)));
        }
    }
}
