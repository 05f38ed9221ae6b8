//! The shape of a start: how long the first runs of letters and digits of a match can be, and what can follow each.
//!
//! Numbers in text differ first by their lengths: `653453.317990915` is no national number, and that can be told without
//! looking at a single digit. A shape is read from masks of letters and digits, a few instructions for each run, so it
//! is the cheapest thing that can be asked of a token. Derived from the pattern's automaton, so that runs which cross
//! several parts of an expression, optional marks and alternatives are all counted.

use super::automaton::{Automaton, States};
use super::byte_set::ByteSet;
use crate::Boundary;
use regex_syntax::hir::Hir;

/// Runs that are told.
pub const SHAPE_RUNS: usize = 3;

/// Lengths that are told apart: the greatest stands for itself and whatever is longer.
pub const RUN_LEN_MAX: usize = 31;

/// Places in a table of runs: the first for no run, where no letter or digit stands.
pub const RUNS: usize = 1 + RunKind::ALL.len() * RUN_LEN_MAX;

/// What a run is made of and begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RunKind {
    Digits,
    Capital,
    Small,
}

impl RunKind {
    const ALL: [Self; 3] = [Self::Digits, Self::Capital, Self::Small];

    fn begins_with(self, byte: u8) -> bool {
        match self {
            Self::Digits => byte.is_ascii_digit(),
            Self::Capital => byte.is_ascii_uppercase(),
            Self::Small => byte.is_ascii_lowercase(),
        }
    }

    fn goes_on_with(self, byte: u8) -> bool {
        match self {
            Self::Digits => byte.is_ascii_digit(),
            Self::Capital | Self::Small => byte.is_ascii_alphabetic(),
        }
    }
}

/// Kinds of what follows a run, see [`follower`].
pub const FOLLOWERS: usize = 16;

/// For each of the first runs, the followers of each kind and length, one bit each.
///
/// A run is an unbroken run of digits or of letters; between two runs stands at most one mark. Its *place* and
/// *follower* are those of [`run_place`] and [`follower`]; place 0 with any follower says that no run stands there. What
/// stands behind a run of [`RUN_LEN_MAX`] or more is not told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape(Vec<u16>);

impl Default for Shape {
    /// The shape of everything.
    fn default() -> Self {
        Self(vec![u16::MAX; SHAPE_RUNS * RUNS])
    }
}

impl Shape {
    /// A shape that holds where it is told to: of the number of a run, the run and its follower.
    #[must_use]
    pub fn from_fn(holds: impl Fn(usize, usize, usize) -> bool) -> Self {
        let place = |place: usize| {
            let followers = (0..FOLLOWERS).filter(|follower| holds(place / RUNS, place % RUNS, *follower));
            followers.fold(0, |all, follower| all | 1 << follower)
        };
        Self((0..SHAPE_RUNS * RUNS).map(place).collect())
    }

    /// A shape that was packed: of each run number, for each run its followers.
    pub(crate) fn from_followers(followers: impl Iterator<Item = u16>) -> Self {
        Self(followers.collect())
    }

    /// For each run of a number, counted from 0, the followers that it can have, one bit each.
    #[must_use]
    pub fn runs(&self, number: usize) -> &[u16] {
        self.0.get(number * RUNS..(number + 1) * RUNS).unwrap_or(&[])
    }

    /// Whether run number `number`, counted from 0, can be `run` with this follower.
    #[must_use]
    pub fn holds(&self, number: usize, run: usize, follower: usize) -> bool {
        self.followers(number, run) >> follower & 1 == 1
    }

    /// The followers that run number `number` can have when it is `run`, one bit each.
    #[must_use]
    pub fn followers(&self, number: usize, run: usize) -> u16 {
        self.0.get(number * RUNS + run).copied().unwrap_or(0)
    }
}

/// The place of a run in a table: by its first byte, which is a letter or digit, and its length, at least 1.
#[inline]
#[must_use]
pub fn run_place(first: u8, len: usize) -> usize {
    usize::from(BYTES[usize::from(first)].run_kind) * RUN_LEN_MAX + len.min(RUN_LEN_MAX)
}

/// What follows a run of letters or of digits, told by two bytes.
#[inline]
#[must_use]
pub fn follower(first: u8, second: u8) -> usize {
    let first = BYTES[usize::from(first)];
    usize::from(first.follower + (BYTES[usize::from(second)].behind_mark & first.tells_behind))
}

/// Followers that end a number in no text: a letter, a digit.
const LETTER: u8 = 0;
const DIGIT: u8 = 1;
/// An underscore.
const UNDERSCORE: u8 = 2;
/// Any other mark; one more when a digit stands behind it.
const MARK: u8 = 3;
/// A space; one more when a digit stands behind it, two more when a letter does.
const SPACE: u8 = 5;
/// The marks inside numbers; each has two places, the second for when a digit stands behind it.
const NUMBER_MARKS: [u8; 4] = *b"-./:";
const NUMBER_MARK: u8 = 8;

/// What a byte is to a shape.
#[derive(Clone, Copy)]
struct Byte {
    run_kind: u8,
    follower: u8,
    /// Which of the bits of `behind_mark` count behind it.
    tells_behind: u8,
    /// A digit 1, a letter 2.
    behind_mark: u8,
}

/// Tables instead of questions, because shapes are read for every token with a digit.
static BYTES: [Byte; 256] = {
    let mut bytes = [Byte { run_kind: RunKind::Digits as u8, follower: MARK, tells_behind: 1, behind_mark: 0 }; 256];
    let mut value = 0;
    while value < bytes.len() {
        let byte = value as u8;
        if byte.is_ascii_digit() {
            bytes[value] = Byte { run_kind: RunKind::Digits as u8, follower: DIGIT, tells_behind: 0, behind_mark: 1 };
        } else if byte.is_ascii_alphabetic() {
            let kind = if byte.is_ascii_uppercase() { RunKind::Capital } else { RunKind::Small };
            bytes[value] = Byte { run_kind: kind as u8, follower: LETTER, tells_behind: 0, behind_mark: 2 };
        }
        value += 1;
    }
    bytes[b'_' as usize].follower = UNDERSCORE;
    bytes[b'_' as usize].tells_behind = 0;
    bytes[b' ' as usize].follower = SPACE;
    bytes[b' ' as usize].tells_behind = 3;
    let mut mark = 0;
    while mark < NUMBER_MARKS.len() {
        bytes[NUMBER_MARKS[mark] as usize].follower = NUMBER_MARK + 2 * mark as u8;
        mark += 1;
    }
    bytes
};

/// Whether a match with this boundary can end before a follower.
fn can_end(boundary: Boundary, follower: usize) -> bool {
    let follower = follower as u8;
    let is_number_part = follower > NUMBER_MARK && (follower - NUMBER_MARK) % 2 == 1;
    match (boundary, follower) {
        (Boundary::None, _) => true,
        (_, LETTER | DIGIT) => false,
        (Boundary::Token | Boundary::Name, _) => true,
        (_, UNDERSCORE) => false,
        (Boundary::Word, _) => true,
        (Boundary::Identifier, _) => !is_number_part,
    }
}

/// The shape of a branch whose token starts behind `skip_min..=skip_max` marks. That of everything when the automaton
/// cannot be built.
pub(super) fn derive(branch: &Hir, boundary: Boundary, (skip_min, skip_max): (u32, u32)) -> Shape {
    let Some(automaton) = Automaton::new(branch) else { return Shape::default() };
    let mut deriver = Deriver { automaton, boundary, shape: Shape(vec![0; SHAPE_RUNS * RUNS]) };
    let marks = |byte: u8| !byte.is_ascii_alphanumeric();
    let mut at = deriver.automaton.start();
    let mut entries = Entries::default();
    for skip in 0..=skip_max {
        if skip >= skip_min {
            entries.behind_mark.extend(&at);
        }
        at = deriver.automaton.step(&at, marks);
    }
    // A match that starts with a token has no run before it.
    for number in 0..SHAPE_RUNS {
        entries = deriver.run(number, &entries, number > 0);
    }
    deriver.shape
}

/// Where the automaton can be when a run begins, by what stands before the run.
#[derive(Default)]
struct Entries {
    behind_mark: States,
    behind_letters: States,
    behind_digits: States,
    /// The match can have ended before, so that anything may stand here.
    is_free: bool,
}

struct Deriver {
    automaton: Automaton,
    boundary: Boundary,
    shape: Shape,
}

impl Deriver {
    /// Notes each run that can begin at the entries, and gives the entries of the next one.
    fn run(&mut self, number: usize, entries: &Entries, may_be_none: bool) -> Entries {
        let mut next = Entries { is_free: entries.is_free, ..Entries::default() };
        if entries.is_free {
            self.shape.0[number * RUNS..(number + 1) * RUNS].fill(u16::MAX);
            return next;
        }
        if may_be_none {
            // Two marks in a row: whether the match goes on or has ended, nothing more is told.
            self.shape.0[number * RUNS] = u16::MAX;
        }
        for kind in RunKind::ALL {
            let mut from = entries.behind_mark.clone();
            from.extend(if kind == RunKind::Digits { &entries.behind_letters } else { &entries.behind_digits });
            let mut at = self.automaton.step(&from, |byte| kind.begins_with(byte));
            for len in 1..=RUN_LEN_MAX {
                if len == RUN_LEN_MAX {
                    at = self.automaton.closure(at, |byte| kind.goes_on_with(byte));
                }
                if at.is_empty() {
                    break;
                }
                let place = number * RUNS + kind as usize * RUN_LEN_MAX + len;
                let followers = self.followers(&at, &mut next);
                // Behind a run that is longer than can be told, nothing is read.
                self.shape.0[place] = if len == RUN_LEN_MAX && followers != 0 { u16::MAX } else { followers };
                let is_digits = kind == RunKind::Digits;
                let behind = if is_digits { &mut next.behind_digits } else { &mut next.behind_letters };
                behind.extend(&at);
                at = self.automaton.step(&at, |byte| kind.goes_on_with(byte));
            }
        }
        next
    }

    /// What can follow a run behind which the automaton is in one of these states.
    fn followers(&self, at: &States, next: &mut Entries) -> u16 {
        let mut followers = 0;
        for kind in [|byte: u8| byte.is_ascii_alphabetic(), |byte: u8| byte.is_ascii_digit()] {
            if let Some(first) = self.automaton.bytes(at).bytes().find(|byte| kind(*byte)) {
                followers |= 1 << follower(first, first);
            }
        }
        for mark in b"_ -./:," {
            let is_other = *mark == b',';
            let is_mark =
                |byte: u8| byte == *mark || is_other && !byte.is_ascii_alphanumeric() && !b"_ -./:".contains(&byte);
            let behind = self.automaton.step(at, is_mark);
            next.is_free |= self.automaton.is_match(&behind);
            let bytes = if self.automaton.is_match(&behind) { ByteSet::ALL } else { self.automaton.bytes(&behind) };
            bytes.bytes().for_each(|second| followers |= 1 << follower(*mark, second));
            next.behind_mark.extend(&behind);
        }
        if self.automaton.is_match(at) {
            next.is_free = true;
            let ends = (0..FOLLOWERS).filter(|follower| can_end(self.boundary, *follower));
            followers |= ends.fold(0, |all, follower| all | 1 << follower);
        }
        followers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the shape of a pattern holds for a text that starts with its token.
    fn holds(pattern: &str, boundary: Boundary, text: &str) -> bool {
        let hir = crate::file::parse_pattern(pattern).expect("test pattern");
        let shape = derive(&hir, boundary, (0, 0));
        let byte = |at: usize| text.as_bytes().get(at).copied().unwrap_or(b'\n');
        let mut at = 0;
        (0..SHAPE_RUNS).all(|number| {
            let is_of_run = |byte: u8| match text.as_bytes().get(at) {
                Some(first) if first.is_ascii_digit() => byte.is_ascii_digit(),
                _ => byte.is_ascii_alphabetic(),
            };
            let len = (at..).take_while(|at| is_of_run(byte(*at))).count();
            let place = if len == 0 { 0 } else { run_place(byte(at), len) };
            let follower = follower(byte(at + len), byte(at + len + 1));
            at += len + usize::from(!byte(at + len).is_ascii_alphanumeric());
            shape.holds(number, place, follower)
        })
    }

    #[test]
    fn shapes_tell_lengths_marks_and_what_follows() {
        use Boundary::{Identifier, Token};
        let rows = [
            ("[0-9]{11}", Identifier, "44051401359", true),
            ("[0-9]{11}", Identifier, "44051401359, and", true),
            ("[0-9]{11}", Identifier, "44051401359.5", false),
            ("[0-9]{11}", Token, "44051401359.5", true),
            ("[0-9]{11}", Identifier, "44051401359_x", false),
            ("[0-9]{11}", Identifier, "440514013590", false),
            ("[0-9]{11}", Identifier, "4405140135", false),
            ("[0-9]{11}", Identifier, "4405140135a", false),
            ("[0-9]{3}-?[0-9]{2}-?[0-9]{4}", Identifier, "123-45-6789", true),
            ("[0-9]{3}-?[0-9]{2}-?[0-9]{4}", Identifier, "123456789", true),
            ("[0-9]{3}-?[0-9]{2}-?[0-9]{4}", Identifier, "123-456789", true),
            ("[0-9]{3}-[0-9]{2}-[0-9]{4}", Identifier, "123-4-56789", false),
            ("[0-9]{3}-[0-9]{2}-[0-9]{4}", Identifier, "123-45-67890", false),
            ("[0-9]{3}-?[0-9]{2}-?[0-9]{4}", Identifier, "123 45 6789", false),
            ("[A-Z]{2} ?[0-9]{6}", Identifier, "AB 123456", true),
            ("[A-Z]{2} ?[0-9]{6}", Identifier, "AB123456", true),
            ("[A-Z]{2} ?[0-9]{6}", Identifier, "AB text", false),
            ("[A-Z]{2} ?[0-9]{6}", Identifier, "ab123456", false),
            ("[a-z0-9]{8}", Token, "ab12cd34", true),
            ("[a-z0-9]{8}", Token, "abc", false),
            ("[0-9]{40}", Token, "1234567890123456789012345678901234567890", true),
            ("[0-9]{3}(?:x|[)] ?y)", Token, "123) y", true),
            ("[0-9]{3}(?:x|[)] ?y)", Token, "123x", true),
            ("[0-9]{2}(?: |\\xC2\\xA0)?[0-9]{2}", Identifier, "12\u{a0}34", true),
        ];
        for (pattern, boundary, text, expected) in rows {
            assert_eq!(holds(pattern, boundary, text), expected, "{pattern} {boundary:?} {text}");
        }
    }

    #[test]
    fn followers_are_told_by_two_bytes() {
        let rows: &[(&str, &[&str])] = &[
            ("a", &["a", "Z1", "z-"]),
            ("1", &["1", "9a"]),
            ("_", &["_", "_1"]),
            (",\n", &["\n\n", ",x", "\u{142}", "+-"]),
            (",1", &[",9", "(1"]),
            (" \n", &[" ,"]),
            (" 1", &[" 9"]),
            (" a", &[" Z"]),
            ("-\n", &["-x"]),
            ("-1", &["-0"]),
            (".\n", &[". "]),
            (".1", &[".0"]),
            ("/\n", &["/a"]),
            ("/1", &["/0"]),
            (":\n", &["::"]),
            (":1", &[":0"]),
        ];
        let told = |text: &str| follower(text.as_bytes()[0], text.as_bytes().get(1).copied().unwrap_or(b'\n'));
        let places: std::collections::BTreeSet<usize> = rows.iter().map(|(text, _)| told(text)).collect();
        assert_eq!(places, (0..FOLLOWERS).collect());
        for (text, others) in rows {
            others.iter().for_each(|other| assert_eq!(told(text), told(other), "{text:?} {other:?}"));
        }
    }
}
