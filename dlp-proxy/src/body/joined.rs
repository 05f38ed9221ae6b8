//! Values that were spread over several places of a head, which are segments of the path, parameters, fields, cookies, or
//! over the fields of a form.
//!
//! Pieces that follow each other are put together, every run of a few of them once, since nobody knows which belong
//! together. What is put together at random looks like many things, so only findings that are sure count here; of cookies,
//! which are full of tokens that a site has made, only what consists of digits for the most part.
//!
//! How many pieces a run has, and how long they are, is part of what is looked for, as the threat model says. That there are
//! more runs than are looked at is a problem, for policy to decide upon.

use super::fields::{Field, Fields};
use super::walk::{View, Walk};
use dlp_core::base::{Cancel, Problem};
use dlp_core::content::Input;
use std::collections::VecDeque;
use std::io::{self, Read};

/// Bytes of a piece. A longer one is long enough to be found by itself, in part at least.
pub(super) const PIECE_BYTES_MAX: usize = 256;
/// Pieces that are put together. A value in more of them is in pieces of a few characters.
const RUN_MAX: usize = 8;
/// Shortest run that is looked at. Nothing shorter is found with certainty.
const RUN_BYTES_MIN: usize = 9;

/// Whose pieces they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The client's.
    Client,
    /// For the most part what a site gave the client to show.
    Site,
}

/// Inspects runs of pieces.
pub(super) fn walk_joined<P: AsRef<[u8]>>(walk: &mut Walk<'_>, pieces: &[P], origin: Origin) {
    // Cookies are looked at here alone.
    let bytes_max = walk.setup.limits.joined_bytes_max;
    let Runs { text, is_cut } = runs(pieces, if origin == Origin::Site { 1 } else { 2 }, bytes_max);
    if !text.is_empty() {
        let view = View::Joined { of_digits: origin == Origin::Site };
        walk.examine("", Input::Bytes(&text), view);
    }
    if is_cut {
        let message = "The head has so many pieces that values spread over the last ones are not seen.";
        walk.problem(Problem::limit("joined_bytes_max", bytes_max as u64, message));
    }
}

/// Inspects runs of fields that follow each other in a form, however many there are.
pub(super) fn walk_joined_fields(walk: &mut Walk<'_>, fields: Box<dyn Fields + '_>) {
    let mut runs = FieldRuns::new(fields, walk.form_runs_left, walk.setup.cancel);
    walk.examine("", Input::Stream(&mut runs), View::Joined { of_digits: false });
    let FieldRuns { left, is_cut, .. } = runs;
    walk.form_runs_left = left;
    if is_cut {
        let message = "The forms have so many short fields that values spread over the last ones are not seen.";
        walk.problem(Problem::limit("form_runs_bytes_max", walk.setup.limits.form_runs_bytes_max, message));
    }
}

/// The runs of the fields of a form, one a line.
struct FieldRuns<'f> {
    fields: Box<dyn Fields + 'f>,
    /// The values before the next one, as many as a run may have beside it.
    latest: VecDeque<Vec<u8>>,
    text: Vec<u8>,
    taken: usize,
    /// Bytes that may still be handed out.
    left: u64,
    /// Whether there are runs for which they were too few.
    is_cut: bool,
    cancel: &'f Cancel,
}

impl<'f> FieldRuns<'f> {
    fn new(fields: Box<dyn Fields + 'f>, left: u64, cancel: &'f Cancel) -> Self {
        Self { fields, latest: VecDeque::new(), text: Vec::new(), taken: 0, left, is_cut: false, cancel }
    }

    /// Fills the buffer with the runs that the next value ends; empty at the end.
    fn refill(&mut self) {
        self.text.clear();
        self.taken = 0;
        // How the fields end is told by those who read them for themselves.
        while self.text.is_empty()
            && !self.is_cut
            && !self.cancel.is_tripped()
            && let Ok(Some(field)) = self.fields.next_field()
        {
            self.push(field);
            match self.left.checked_sub(self.text.len() as u64) {
                Some(left) => self.left = left,
                None => {
                    self.is_cut = true;
                    self.text.clear();
                }
            }
        }
    }

    fn push(&mut self, Field { value, is_first, is_last, .. }: Field) {
        if value.is_empty() {
            return;
        }
        if value.len() > PIECE_BYTES_MAX || !is_first || !is_last {
            return self.latest.clear();
        }
        for begin in 0..self.latest.len() {
            let before = self.latest.range(begin..);
            // Nothing that is found with certainty is without a digit, and most fields of large forms are words.
            let has_digit = before.clone().chain([&value]).flatten().any(u8::is_ascii_digit);
            if has_digit && before.clone().map(Vec::len).sum::<usize>() + value.len() >= RUN_BYTES_MIN {
                before.for_each(|piece| self.text.extend_from_slice(piece));
                self.text.extend_from_slice(&value);
                self.text.push(b'\n');
            }
        }
        self.latest.push_back(value);
        if self.latest.len() >= RUN_MAX {
            self.latest.pop_front();
        }
    }
}

impl Read for FieldRuns<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.text.len() {
            self.refill();
        }
        let len = (&self.text[self.taken..]).read(buffer)?;
        self.taken += len;
        Ok(len)
    }
}

/// Pieces that were put together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Runs {
    /// One a line.
    text: Vec<u8>,
    /// Whether there are more.
    is_cut: bool,
}

/// Every run of at least so many pieces, until they take so many bytes.
fn runs<P: AsRef<[u8]>>(pieces: &[P], shortest: usize, bytes_max: usize) -> Runs {
    let pieces: Vec<&[u8]> = pieces.iter().map(AsRef::as_ref).filter(|piece| !piece.is_empty()).collect();
    let mut text = Vec::new();
    for stretch in pieces.split(|piece| piece.len() > PIECE_BYTES_MAX) {
        for begin in 0..stretch.len() {
            let longest = (stretch.len() - begin).min(RUN_MAX);
            for count in shortest..=longest {
                let run = stretch[begin..begin + count].concat();
                if run.len() < RUN_BYTES_MIN {
                    continue;
                }
                if text.len() + run.len() >= bytes_max {
                    return Runs { text, is_cut: true };
                }
                text.extend_from_slice(&run);
                text.push(b'\n');
            }
        }
    }
    Runs { text, is_cut: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_is_a_line() {
        let long = "x".repeat(PIECE_BYTES_MAX + 1);
        let rows: [(&[&str], &str); 6] = [
            (&["alone, but long enough"], ""),
            (&["abcde", "fghij", "", "klm"], "abcdefghij\nabcdefghijklm\n"),
            (&["abcdefghi", "j"], "abcdefghij\n"),
            (&["abcde", &long, "fghij"], ""),
            (&["a", "b"], ""),
            (&[], ""),
        ];
        for (pieces, expected) in rows {
            let got = runs(pieces, 2, 1_000);
            assert_eq!((String::from_utf8(got.text).unwrap().as_str(), got.is_cut), (expected, false), "{pieces:?}");
        }
        assert_eq!(runs(&["abcdefghi", "j"], 1, 1_000).text, b"abcdefghi\nabcdefghij\n");
    }

    #[test]
    fn the_fields_of_a_form_make_the_same_runs() {
        let limits = crate::body::BodyLimits::default();
        let long = "x".repeat(PIECE_BYTES_MAX + 1);
        let many: Vec<String> = (0..40).map(|number| format!("piece{number}")).collect();
        let rows: [Vec<&str>; 4] = [
            vec!["alone, but long enough"],
            vec!["abcde", "fgh1j", "", "klm"],
            vec!["abcd2", &long, "fghij", "klmn3"],
            many.iter().map(String::as_str).collect(),
        ];
        for pieces in rows {
            let form: String = pieces.iter().map(|piece| format!("a={piece}&")).collect();
            let fields = crate::body::form::open(Box::new(form.as_bytes()), &limits);
            let cancel = Cancel::default();
            let mut read = FieldRuns::new(fields, 1 << 20, &cancel);
            let mut text = String::new();
            read.read_to_string(&mut text).unwrap();
            let expected = String::from_utf8(runs(&pieces, 2, 1 << 20).text).unwrap();
            let sorted = |text: &str| {
                let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
                lines.sort();
                lines
            };
            assert_eq!(sorted(&text), sorted(&expected), "{pieces:?}");
        }
    }

    #[test]
    fn runs_of_a_form_need_a_digit_room_and_time() {
        let limits = crate::body::BodyLimits::default();
        let tripped = Cancel::default();
        tripped.trip();
        // Three runs, of 10, 10 and 15 bytes with a line end each.
        let rows = [
            ("a=abcd1&b=efgh2&c=ijkl3", 38, false, 38, false),
            ("a=abcd1&b=efgh2&c=ijkl3", 37, false, 11, true),
            ("a=abcde&b=fghij&c=klmno", 0, false, 0, false),
            ("a=abcd1&b=efgh2&c=ijkl3", 38, true, 0, false),
        ];
        for (form, left, is_tripped, expected, is_cut) in rows {
            let fields = crate::body::form::open(Box::new(form.as_bytes()), &limits);
            let in_time = Cancel::default();
            let mut read = FieldRuns::new(fields, left, if is_tripped { &tripped } else { &in_time });
            let mut text = String::new();
            read.read_to_string(&mut text).unwrap();
            assert_eq!((text.len(), read.is_cut), (expected, is_cut), "{form} {left} {is_tripped}");
        }
    }

    #[test]
    fn runs_that_are_left_out_are_told() {
        // Two pieces of 200 bytes are runs of 200, 400 and 200 bytes, with a line end each.
        let rows: [(usize, usize, usize, bool); 4] =
            [(2, 803, 803, false), (2, 802, 602, true), (2, 200, 0, true), (1_000, 512 << 10, 523_182, true)];
        for (count, bytes_max, expected, is_cut) in rows {
            let got = runs(&vec!["x".repeat(200); count], 1, bytes_max);
            assert_eq!((got.text.len(), got.is_cut), (expected, is_cut), "{count} {bytes_max}");
        }
    }
}
