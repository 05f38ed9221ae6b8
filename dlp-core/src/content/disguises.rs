//! Texts read backwards and with their letters moved on: what nobody but a person who hides something writes.
//!
//! [`Disguises`] stands between an extractor and its sink. It hands every text on, and then twice more, as the second
//! readings of other ways of writing are: each line from its end to its beginning, and each letter thirteen places further
//! (ROT13). Any text can be read so, and all of it has to be matched three times; so it is for audits that ask for it. What
//! goes on in the next piece of a long text is read up to the end of its own.

use super::{Flow, ItemStart, MapRun, Origin, Outcome, Part, Role, Segment, Sink};
use crate::base::Problem;
use crate::text::original_offset;

/// A sink that hands every text on in disguises too.
pub(crate) struct Disguises<'s> {
    inner: &'s mut dyn Sink,
}

impl<'s> Disguises<'s> {
    pub(crate) fn new(inner: &'s mut dyn Sink) -> Self {
        Self { inner }
    }

    /// Hands a reading of a segment out.
    fn reading(&mut self, segment: &Segment<'_>, name: &str, text: &[u8], origin: Origin<'_>) -> Flow {
        self.inner.text(&Segment { text, part: Part { role: Role::Decoded, name }, origin, ..*segment })
    }
}

impl Sink for Disguises<'_> {
    fn enter(&mut self, item: &ItemStart<'_>) -> Flow {
        self.inner.enter(item)
    }

    fn text(&mut self, segment: &Segment<'_>) -> Flow {
        let mut flow = self.inner.text(segment);
        if matches!(segment.part.role, Role::FileName | Role::Raw | Role::Decoded) {
            return flow;
        }
        if flow == Flow::Continue {
            flow = self.reading(segment, "rot13", &moved(segment.text), segment.origin);
        }
        if flow == Flow::Continue {
            let (text, starts) = turned(segment.text);
            let runs = runs(&starts, text.len(), segment.origin);
            let origin = runs.as_deref().map_or(Origin::None, Origin::Mapped);
            flow = self.reading(segment, "reversed", &text, origin);
        }
        flow
    }

    fn problem(&mut self, problem: Problem) {
        self.inner.problem(problem);
    }

    fn leave(&mut self, outcome: &Outcome) {
        self.inner.leave(outcome);
    }
}

/// Each letter thirteen places further in its alphabet.
fn moved(text: &[u8]) -> Vec<u8> {
    let move_on = |byte: u8, first: u8| first + (byte - first + 13) % 26;
    let letter = |byte: &u8| match byte {
        b'a'..=b'z' => move_on(*byte, b'a'),
        b'A'..=b'Z' => move_on(*byte, b'A'),
        other => *other,
    };
    text.iter().map(letter).collect()
}

/// Each line from its last character to its first, and where the lines begin.
fn turned(text: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let (mut out, mut starts) = (Vec::with_capacity(text.len()), Vec::new());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        starts.push(out.len());
        let (words, end) = line.split_at(line.len() - usize::from(line.ends_with(b"\n")));
        match str::from_utf8(words) {
            Ok(words) => out.extend(words.chars().rev().collect::<String>().into_bytes()),
            Err(_) => out.extend(words.iter().rev()),
        }
        out.extend_from_slice(end);
    }
    (out, starts)
}

/// The map of a text whose lines were turned: all of a line leads to the line.
fn runs(starts: &[usize], len: usize, origin: Origin<'_>) -> Option<Vec<MapRun>> {
    let run = |start: usize, stride: u8| {
        let text_start = u32::try_from(start).ok()?;
        let original_start = match origin {
            Origin::Bytes(first) => first + start as u64,
            Origin::Mapped(outer) => original_offset(outer, text_start)?,
            Origin::None => return None,
        };
        Some(MapRun { text_start, original_start, stride, group: 1 })
    };
    let lines = starts.iter().map(|start| run(*start, 0));
    lines.chain([run(len, 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_moved_and_lines_turned() {
        assert_eq!(moved(b"Gur pneq 4539, \xc5\xbc"), b"The card 4539, \xc5\xbc");
        let rows: [(&str, &str, &[usize]); 4] = [
            ("", "", &[]),
            ("abc", "cba", &[0]),
            ("abc\n\nżół\n", "cba\n\nłóż\n", &[0, 4, 5]),
            ("ab\r\ncd", "\rba\ndc", &[0, 4]),
        ];
        for (text, expected, starts) in rows {
            let (found, found_starts) = turned(text.as_bytes());
            assert_eq!(
                (String::from_utf8_lossy(&found).as_ref(), found_starts.as_slice()),
                (expected, starts),
                "{text}"
            );
        }
        assert_eq!(turned(b"a\xffb\n").0, b"b\xffa\n");
    }

    #[test]
    fn lines_lead_back_to_themselves() {
        let (text, starts) = turned(b"one\ntwo\n");
        let map = runs(&starts, text.len(), Origin::Bytes(100)).expect("a map");
        let places = [0, 3, 4, 6, 8].map(|at| original_offset(&map, at));
        assert_eq!(places, [Some(100), Some(100), Some(104), Some(104), Some(108)]);
        let outer = [
            MapRun { text_start: 0, original_start: 7, stride: 2, group: 1 },
            MapRun { text_start: 8, original_start: 23, stride: 1, group: 1 },
        ];
        let map = runs(&starts, text.len(), Origin::Mapped(&outer)).expect("a map");
        assert_eq!([2, 5, 8].map(|at| original_offset(&map, at)), [Some(7), Some(15), Some(23)]);
        assert_eq!(runs(&starts, text.len(), Origin::None), None);
    }
}
