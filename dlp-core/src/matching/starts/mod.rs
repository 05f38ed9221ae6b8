//! Patterns without literals, most of them numbers that people carry: which of them can start at a token.
//!
//! Questions from the cheapest to the dearest, each asked of all patterns at once. Of many tokens at a time: which two
//! bytes the token starts with and whether a digit is near, and how long its first two runs of letters and digits are.
//! Of each that is left: what stands before it and which byte stands at each of the first offsets, how long its first
//! three runs are (its shape, read from masks), which words stand near that some patterns wait for, and the rest of its
//! window. Patterns are rows of bit sets, and an answer is a set of rows; the intersection of the answers leaves the few
//! patterns whose regex is worth trying.
//!
//! All tables are read at random, so they are kept small: each distinct set stands there once, and the tables hold
//! indexes of two bytes.

mod asked;
mod build;
mod families;
#[cfg(test)]
mod tests;

use asked::Asked;
pub(super) use asked::AskedNear;
use build::Row;
pub(super) use build::{Builder, Named, Start};
use families::{Families, FamilySet};

use super::boundary::{END, left_holds};
use super::runs::{Run, Runs};
use super::simd::{Behind, RowSet, TokenFilter};
use super::spotted::{Naming, Near};
use super::vocabulary::PhraseId;
use crate::knowledge::{Boundary, ByteSet, FOLLOWERS, RUN_MIN_MAX, RUNS, SKIP_MAX, WINDOW_LEN};
use std::ops::Range;

/// Runs with each follower.
const FOLLOWED_RUNS: usize = RUNS * FOLLOWERS;

/// Lengths of a token that are told apart.
const LENGTHS: usize = RUN_MIN_MAX as usize + 1;

/// Offsets of a window that are looked at in one go, behind the first ones.
const OFFSETS_AT_ONCE: usize = 4;

/// First bytes of a token that are looked at before its runs.
const FIRST_BYTES: usize = 7;

/// Which patterns can start at a token.
#[derive(Debug, Default)]
pub(super) struct Starts {
    /// Rows of tokens that start with a digit.
    of_digits: Rows,
    /// The same for tokens that start with a letter.
    of_letters: Rows,
    /// How many bytes before a match and behind its start a phrase begins at most for which a row waits.
    named_within: (usize, usize),
    /// What every row asks of a token.
    any: Asked,
    /// What the rows that wait for no phrase ask.
    open: Asked,
    /// The rows that wait for one.
    waiting: Vec<Row>,
    /// What they have numbers of.
    sets: Vec<ByteSet>,
}

/// Rows of one kind of tokens.
#[derive(Debug, Default)]
struct Rows {
    families: Families,
    /// The rows. Those beyond one set are in groups with tables of their own.
    groups: Vec<Group>,
}

/// The tables of one group of rows.
#[derive(Debug, Default)]
struct Group {
    rows: Vec<Placed>,
    /// The distinct sets; the tables hold indexes of them.
    sets: Vec<RowSet>,
    /// By what stands before the token.
    before: Vec<u16>,
    /// By length of the token.
    lengths: Vec<u16>,
    /// By number of the run, run with its follower.
    shapes: Vec<u16>,
    /// By offset, byte.
    accepts: Vec<u16>,
    /// The rows that wait for a phrase near their match.
    waiting: RowSet,
    /// By phrase, the rows that wait for it.
    named: Vec<u16>,
    /// Rows whose window goes on behind the first bytes and each further [`OFFSETS_AT_ONCE`].
    goes_on: Vec<RowSet>,
    /// The rows with each boundary whose match starts with the token.
    of_boundary: Vec<(Boundary, RowSet)>,
}

/// What stands before a token: the byte, and whether it and a digit before it make the token go on with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Before {
    byte: u8,
    continues_number: bool,
}

impl Before {
    /// Values of [`Self::place`].
    const PLACES: usize = 512;

    fn all() -> impl Iterator<Item = Self> {
        let marks = b".:/-".iter().map(|byte| Self { byte: *byte, continues_number: true });
        (0..=255).map(|byte| Self { byte, continues_number: false }).chain(marks)
    }

    #[inline]
    pub(super) fn of(text: &[u8], at: usize) -> Self {
        let behind = |bytes: usize| at.checked_sub(bytes).map_or(END, |at| text[at]);
        let byte = behind(1);
        // No branch: which way it would go is not to be foretold.
        Self { byte, continues_number: matches!(byte, b'.' | b':' | b'/' | b'-') & behind(2).is_ascii_digit() }
    }

    fn place(self) -> usize {
        usize::from(self.continues_number) << 8 | usize::from(self.byte)
    }

    /// The same as far as is told of many tokens at once.
    fn told(self) -> Behind {
        match self.byte {
            b'_' => Behind::Rest,
            _ if self.continues_number => Behind::Rest,
            b'+' => Behind::Plus,
            _ => Behind::Other,
        }
    }

    /// Whether a match with this boundary can start behind it.
    fn lets(self, boundary: Boundary) -> bool {
        match boundary {
            Boundary::None | Boundary::Token | Boundary::Name => true,
            Boundary::Word => self.byte != b'_',
            Boundary::Identifier => self.byte != b'_' && !self.continues_number,
        }
    }
}

/// The families that what stands near leaves to the tokens of a part of a text: of letters, and of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NamedFamilies([FamilySet; 2]);

impl NamedFamilies {
    /// All there are, where it is not known what stands near.
    pub(super) const ALL: Self = Self([FamilySet::ALL; 2]);

    /// Those of tokens that start with a byte.
    #[inline(always)]
    fn of(&self, first: u8) -> FamilySet {
        self.0[usize::from(first.is_ascii_digit())]
    }

    /// With those of another part.
    #[inline(always)]
    pub(super) fn with(self, other: &Self) -> Self {
        let ([letters, digits], [other_letters, other_digits]) = (self.0, other.0);
        Self([letters.with(&other_letters), digits.with(&other_digits)])
    }
}

/// A pattern, and the bytes of it before the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Placed {
    pattern: u32,
    skip: usize,
    /// Bytes before the match and behind its start in which a phrase begins that it waits for.
    named_within: (usize, usize),
}

/// A token of a text, and what is known of it.
struct Token<'t> {
    text: &'t [u8],
    at: usize,
    before: Before,
    runs: Runs<'t>,
    first: Run,
}

impl<'t> Token<'t> {
    #[inline]
    fn new(text: &'t [u8], at: usize, runs: Runs<'t>) -> Self {
        Self { text, at, before: Before::of(text, at), runs, first: runs.run(text, at) }
    }
}

impl Starts {
    pub(super) fn is_empty(&self) -> bool {
        self.of_digits.groups.is_empty() && self.of_letters.groups.is_empty()
    }

    /// The rows that can have a token which starts with this byte.
    #[inline(always)]
    fn rows(&self, first: u8) -> &Rows {
        if first.is_ascii_digit() { &self.of_digits } else { &self.of_letters }
    }

    /// Keeps the tokens that a pattern can have, as far as is told of many at once.
    pub(super) fn filter<'t>(&'t self, text: &'t [u8], runs: Runs<'t>) -> TokenFilter<'t> {
        self.any.filter(text, runs)
    }

    /// The same where nothing is named that a pattern waits for.
    pub(super) fn filter_unnamed<'t>(&'t self, text: &'t [u8], runs: Runs<'t>) -> TokenFilter<'t> {
        self.open.filter(text, runs)
    }

    /// Whether a pattern can have a token at `at`, as far as what stands before it and its first bytes tell, and what
    /// names it.
    #[inline(always)]
    pub(super) fn takes_bytes(&self, text: &[u8], at: usize, named: &NamedFamilies) -> bool {
        !self.rows(text[at]).families.taking((text, at), Before::of(text, at), named.of(text[at])).is_empty()
    }

    /// What is left to tokens near which no phrase begins that a pattern waits for.
    #[inline(always)]
    pub(super) fn unnamed(&self) -> NamedFamilies {
        NamedFamilies([*self.of_letters.families.open(), *self.of_digits.families.open()])
    }

    /// What may name tokens that start in a part of a text near which these phrases begin.
    #[inline(always)]
    pub(super) fn named(&self, phrases: impl Iterator<Item = PhraseId>) -> NamedFamilies {
        let (letters, digits) = (&self.of_letters.families, &self.of_digits.families);
        let mut named = self.unnamed();
        for phrase in phrases {
            named = named.with(&NamedFamilies([*letters.waiting_for(phrase), *digits.waiting_for(phrase)]));
        }
        named
    }

    /// Gives the patterns whose shape and window fit the text with a token at `at`, and how far before it the match
    /// starts. Where that is the token itself, the boundary holds there; else neither it nor the bytes before the token
    /// have been looked at. Of those that wait for a phrase only those come that one near the token may name.
    #[inline(always)]
    pub(super) fn fitting(
        &self,
        (text, at, named): (&[u8], usize, &NamedFamilies),
        runs: Runs<'_>,
        near: &mut Near<'_, '_>,
        each: &mut impl FnMut(u32, usize),
    ) {
        let token = Token::new(text, at, runs);
        let Rows { families, groups } = self.rows(text[at]);
        if !families.have(
            families.taking((text, at), token.before, named.of(text[at])),
            runs.token_len(at),
            &token.first,
        ) {
            return;
        }
        for group in groups {
            let mut rows = group.of_first_bytes(text, at, token.before);
            // What is known of the words around is asked at once, what is not only for what is left at last.
            if group.keep_shape(&mut rows, &token)
                && group.keep_named(&mut rows, |_| near.known_naming(self.named_within(text, at)))
                && group.keep_window(&mut rows, &token)
                && group.keep_boundary(&mut rows, &token)
                && group.keep_named(&mut rows, |rows| near.naming(group.named_within(rows, text, at)))
            {
                rows.rows().map(|row| group.rows[row]).for_each(|row| each(row.pattern, row.skip));
            }
        }
    }

    /// The bytes of a text in which a phrase would begin that names a match with a token.
    #[inline(always)]
    fn named_within(&self, text: &[u8], at: usize) -> Range<usize> {
        let (before, behind) = self.named_reach();
        at.saturating_sub(before)..text.len().min(at + behind)
    }

    /// How many bytes before a token and behind its start a phrase begins at most that names a match with it.
    pub(super) fn named_reach(&self) -> (usize, usize) {
        let (before, behind) = self.named_within;
        (before + SKIP_MAX as usize, behind)
    }
}

impl Group {
    /// The rows that accept what stands before a token and its [first bytes](FIRST_BYTES).
    #[inline(always)]
    fn of_first_bytes(&self, text: &[u8], at: usize, before: Before) -> RowSet {
        let mut rows = *self.set(&self.before, before.place());
        // No branch for a byte: which way it would go is not to be foretold.
        for offset in 0..FIRST_BYTES {
            rows.keep([self.accepting(text, at, offset)]);
        }
        rows
    }

    /// Keeps the rows whose length and runs can be those of the token. Whether any is left.
    #[inline(always)]
    fn keep_shape(&self, rows: &mut RowSet, token: &Token<'_>) -> bool {
        let length = self.set(&self.lengths, token.runs.token_len(token.at).min(LENGTHS - 1));
        let first = self.shape(0, &token.first);
        let Some(at) = token.first.next else {
            return rows.keep([length, first]);
        };
        let second = token.runs.run(token.text, at);
        let runs = self.shape(1, &second);
        let third = second.next.map(|at| self.shape(2, &token.runs.run(token.text, at)));
        rows.keep([length, first, runs, third.unwrap_or(runs)])
    }

    /// Keeps the rows whose window fits behind the first bytes. Whether any is left.
    #[inline(always)]
    fn keep_window(&self, rows: &mut RowSet, token: &Token<'_>) -> bool {
        for (turn, goes_on) in self.goes_on.iter().enumerate() {
            if !rows.meets(goes_on) {
                return true;
            }
            let offset = FIRST_BYTES + turn * OFFSETS_AT_ONCE;
            let accepting = |next: usize| self.accepting(token.text, token.at, (offset + next).min(WINDOW_LEN - 1));
            if !rows.keep(std::array::from_fn::<_, OFFSETS_AT_ONCE, _>(accepting)) {
                return false;
            }
        }
        true
    }

    /// The rows whose run of this number can be this one.
    #[inline(always)]
    fn shape(&self, number: usize, run: &Run) -> &RowSet {
        self.set(&self.shapes, number * FOLLOWED_RUNS + place(run))
    }

    /// The rows that accept the byte at an offset from the start of a token.
    #[inline(always)]
    fn accepting(&self, text: &[u8], at: usize, offset: usize) -> &RowSet {
        let byte = text.get(at + offset).copied().unwrap_or(END);
        self.set(&self.accepts, offset << 8 | usize::from(byte))
    }

    /// The set at a place of one of the tables.
    #[inline(always)]
    fn set(&self, table: &[u16], place: usize) -> &RowSet {
        &self.sets[usize::from(table[place])]
    }

    /// Keeps the rows that wait for nothing, and those that wait for a phrase which may stand near. Whether any is left.
    #[inline(always)]
    fn keep_named<'s>(&self, rows: &mut RowSet, naming: impl FnOnce(&RowSet) -> Naming<'s>) -> bool {
        if !rows.meets(&self.waiting) {
            return true;
        }
        let mut unnamed = self.waiting;
        match naming(rows) {
            Naming::Unknown => return true,
            Naming::Nothing => {}
            naming @ Naming::Some(..) => {
                naming.phrases().for_each(|id| unnamed.remove(self.set(&self.named, id as usize)));
            }
        }
        rows.remove(&unnamed);
        !rows.is_empty()
    }

    /// The bytes of a text in which a phrase would begin for which one of these rows waits.
    fn named_within(&self, rows: &RowSet, text: &[u8], at: usize) -> Range<usize> {
        let rows = rows.rows().map(|row| &self.rows[row]);
        let (before, behind) = rows.fold((0, 0), |(before, behind), row| {
            (before.max(row.skip + row.named_within.0), behind.max(row.named_within.1.saturating_sub(row.skip)))
        });
        at.saturating_sub(before)..text.len().min(at + behind)
    }

    /// Keeps the rows that start before the token, and those whose boundary holds at it. Whether any is left.
    #[inline(always)]
    fn keep_boundary(&self, rows: &mut RowSet, token: &Token<'_>) -> bool {
        for (boundary, bounded) in &self.of_boundary {
            if rows.meets(bounded) && !left_holds(*boundary, token.text, token.at) {
                rows.remove(bounded);
            }
        }
        !rows.is_empty()
    }
}

/// Place of a run with its follower in a table of [`FOLLOWED_RUNS`].
#[inline]
fn place(run: &Run) -> usize {
    run.place * FOLLOWERS + run.follower
}
