//! Phrases by their place in text that is not plain ASCII, as folding finds them.
//!
//! A part of the text near letters of other scripts is read once, whoever asks, and not with the window of each value
//! beside it: where one field in ten has a letter with a diacritic, most windows do.

use super::context::{char_at, is_letter_or_digit, starts_any_part};
use super::vocabulary::{GLUED_BYTES_MAX, Key, MARKS_MAX, PhraseId, Vocabulary};
use crate::text::push_folded;
use std::ops::Range;

/// A folded word, and where it stands in the text.
#[derive(Clone, Copy, Debug)]
struct Word {
    /// Where its bytes begin among those that were folded, and end.
    folded: usize,
    folded_end: usize,
    start: usize,
    end: usize,
}

/// The folded words from a place on, reused from place to place.
#[derive(Debug, Default)]
pub(super) struct AnyWords {
    /// Each followed by a space, but for one that has not been read to its end.
    folded: Vec<u8>,
    /// Those that have.
    words: Vec<Word>,
    glued: Vec<u8>,
}

/// How far a text has been folded.
#[derive(Clone, Copy, Debug)]
struct Progress {
    at: usize,
    previous: char,
    /// The word that has not ended: where it begins among what was folded, and in the text.
    open: Option<(usize, usize)>,
    /// Bytes since the last word.
    marks: usize,
}

impl AnyWords {
    /// Gives the phrases that begin in a part of the text, each with where it stands.
    pub(super) fn read(
        &mut self,
        vocabulary: &Vocabulary,
        (text, part): (&[u8], Range<usize>),
        each: &mut dyn FnMut(PhraseId, Range<usize>),
    ) {
        let start = char_start(text, part.start);
        let before = char_before(text, start);
        let mut progress = self.begin(start);
        // A run of letters that begins in the part is read to its end, as far as it may be a phrase.
        let run_max = part.end + GLUED_BYTES_MAX;
        while progress.at < part.end || progress.open.is_some() && progress.at < run_max {
            if !self.step(text, &mut progress) {
                break;
            }
        }
        let (begins, continues_run) = (first_start(text, start, before), is_letter_or_digit(before));
        let is_start = |word: &Word| word.start >= begins && word.start < part.end;
        let may_know = |word: &&Word| is_start(word) && vocabulary.may_know(Key::of(&self.folded[word.folded..]));
        let known = self.words.iter().filter(may_know);
        let enough = known.map(|word| word.folded + vocabulary.undecided(&self.folded[word.folded..])).max();
        if let Some(enough) = enough {
            while self.folded.len() < enough && progress.marks < MARKS_MAX && self.step(text, &mut progress) {}
        }
        for (index, word) in self.words.iter().enumerate().filter(|(_, word)| is_start(word)) {
            vocabulary.begin(&self.folded[word.folded..], &mut |phrase, count| {
                if let Some(last) = self.words.get(index + count - 1) {
                    each(phrase, word.start..last.end);
                }
            });
        }
        // A run that goes on beyond what was read is too long to be a phrase.
        let open = progress.open.map(|(_, start)| start);
        let is_whole = |run: &Range<usize>| {
            run.start < part.end && !(continues_run && run.start == start) && open != Some(run.end)
        };
        self.read_glued(vocabulary, is_whole, each);
    }

    /// Where a phrase ends of which so many folded bytes tell, if it stands at a place where a word begins: `told` gives of
    /// the folded words from there how many it has.
    pub(super) fn end_of(
        text: &[u8],
        at: usize,
        enough: usize,
        told: impl FnOnce(&[u8]) -> Option<usize>,
    ) -> Option<usize> {
        let mut words = Self::default();
        let mut progress = words.begin(at);
        while words.folded.len() < enough && progress.marks < MARKS_MAX && words.step(text, &mut progress) {}
        let count = told(&words.folded)?;
        words.words.get(count.checked_sub(1)?).map(|word| word.end)
    }

    /// Forgets what was folded, to begin at a place.
    fn begin(&mut self, at: usize) -> Progress {
        self.folded.clear();
        self.words.clear();
        Progress { at, previous: ' ', open: None, marks: 0 }
    }

    /// Folds the next character, and the small letters of ASCII behind it. False where the text ends.
    #[inline]
    fn step(&mut self, text: &[u8], progress: &mut Progress) -> bool {
        let at = progress.at;
        if at >= text.len() {
            self.end_word(progress);
            return false;
        }
        let (c, len) = char_at(text, at);
        if is_letter_or_digit(c) {
            if progress.open.is_some() && starts_any_part(progress.previous, c, &text[at + len..]) {
                self.end_word(progress);
            }
            progress.open.get_or_insert((self.folded.len(), at));
            progress.marks = 0;
            if c.is_ascii() {
                self.folded.push(text[at].to_ascii_lowercase())
            } else {
                push_folded(c, &mut self.folded)
            }
        } else {
            self.end_word(progress);
            progress.marks += len;
        }
        (progress.previous, progress.at) = (c, at + len);
        if c.is_ascii_alphabetic() {
            self.add_small_letters(text, progress);
        }
        true
    }

    /// Folds the small letters that go on a word behind a letter of ASCII.
    #[inline]
    fn add_small_letters(&mut self, text: &[u8], progress: &mut Progress) {
        let rest = &text[progress.at..];
        let len = rest.iter().position(|byte| !byte.is_ascii_lowercase()).unwrap_or(rest.len());
        if let Some(last) = rest[..len].last() {
            self.folded.extend_from_slice(&rest[..len]);
            (progress.previous, progress.at) = (char::from(*last), progress.at + len);
        }
    }

    fn end_word(&mut self, progress: &mut Progress) {
        if let Some((folded, start)) = progress.open.take() {
            self.words.push(Word { folded, folded_end: self.folded.len(), start, end: progress.at });
            self.folded.push(b' ');
        }
    }

    /// Gives the phrases of one word that runs of letters are which were split.
    fn read_glued(
        &mut self,
        vocabulary: &Vocabulary,
        is_whole: impl Fn(&Range<usize>) -> bool,
        each: &mut dyn FnMut(PhraseId, Range<usize>),
    ) {
        let Self { folded, words, glued } = self;
        for run in words.chunk_by(|one, next| one.end == next.start) {
            let [first, .., last] = run else { continue };
            let run = first.start..last.end;
            if !is_whole(&run) || run.len() > GLUED_BYTES_MAX {
                continue;
            }
            glued.clear();
            glued.extend(folded[first.folded..last.folded_end].iter().filter(|byte| **byte != b' '));
            glued.push(b' ');
            vocabulary.begin(glued, &mut |phrase, _| each(phrase, run.clone()));
        }
    }
}

/// Where the first word may begin of a part that is read from a place on: behind the rest of a word that begins before it.
fn first_start(text: &[u8], start: usize, before: char) -> usize {
    if start >= text.len() {
        return start;
    }
    let (c, len) = char_at(text, start);
    let goes_on = [before, c].into_iter().all(is_letter_or_digit) && !starts_any_part(before, c, &text[start + len..]);
    if goes_on { start + 1 } else { start }
}

/// Whether folding the text on one side of a place alone sees other words there than the text has: the place is within a run
/// of letters and digits, or within a character.
pub(super) fn cuts_word(text: &[u8], at: usize) -> bool {
    if at == 0 || at >= text.len() {
        return false;
    }
    let [before, behind] = [text[at - 1], text[at]];
    if before.is_ascii() && behind.is_ascii() {
        return before.is_ascii_alphanumeric() && behind.is_ascii_alphanumeric();
    }
    char_start(text, at) != at || is_letter_or_digit(char_before(text, at)) && is_letter_or_digit(char_at(text, at).0)
}

/// Where the first character begins that does not begin before a place.
fn char_start(text: &[u8], at: usize) -> usize {
    let over = lead_before(text, at).map(|lead| lead + char_at(text, lead).1);
    over.filter(|end| *end > at).unwrap_or(at)
}

/// The character that ends at a place where one begins; a space at the start of the text.
fn char_before(text: &[u8], at: usize) -> char {
    let c = lead_before(text, at).map(|lead| (lead, char_at(text, lead)));
    c.filter(|(lead, (_, len))| lead + len == at).map_or(' ', |(_, (c, _))| c)
}

/// The last byte before a place, of those that a character there may have, that can begin one.
fn lead_before(text: &[u8], at: usize) -> Option<usize> {
    let is_lead = |at: &usize| text[*at] & 0xc0 != 0x80;
    (at.saturating_sub(char::MAX_LEN_UTF8)..at).rev().find(is_lead)
}
