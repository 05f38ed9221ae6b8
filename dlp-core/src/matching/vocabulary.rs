//! The words that say what a value is: every phrase of every detector once, found by the letters it begins with.
//!
//! A phrase is kept folded: lower-case words without diacritics, each followed by a space. Where a text has been split
//! into such words, a look at four bytes tells whether a phrase may begin at one of them.

use super::any_words::AnyWords;
use super::context::{AsciiClass, CAPITALISED_LETTERS, Folded, starts_part};
use super::simd::{CASE_BITS, CASE_BITS_OF_EIGHT, MULTIPLIER};
#[cfg(test)]
use dlp_detector_format::Context;
use std::cell::LazyCell;

/// Letters that `*` at the end of a phrase accepts, for inflected languages.
const INFLECTION_LETTERS_MAX: usize = 4;

/// Bytes of folded words behind a phrase by which its last word is seen to end.
const INFLECTED_LEN: usize = INFLECTION_LETTERS_MAX + 1;

/// Marks between two words of a phrase: more than a window has.
pub(super) const MARKS_MAX: usize = 1024;

/// Bytes of a run of letters and digits that may be a phrase when its parts are glued: longer ones are none.
pub(super) const GLUED_BYTES_MAX: usize = 256;

/// Bytes of a word that its key holds.
pub(super) const KEY_BYTES: usize = 4;

/// Bits of a hash that address [`Vocabulary::known`]: 8 KiB.
const HASH_BITS: u32 = 16;

/// Number of a phrase.
pub(super) type PhraseId = u32;

/// All phrases.
#[derive(Debug)]
pub(super) struct Vocabulary {
    phrases: Vec<Phrase>,
    /// A bit for the hash of each key.
    known: Box<[u64; 1 << (HASH_BITS - 6)]>,
    /// Where the phrases that begin with each key are.
    by_key: Box<[Slot]>,
    /// The phrases by their key: those of one stand side by side.
    heads: Box<[Head]>,
    /// Open phrases shorter than a key, which any word may begin with.
    short: Box<[Head]>,
    /// Whether a phrase begins with a digit.
    has_numbers: bool,
    /// Whether a detector finds nothing without this phrase or others of its list.
    demanded: Vec<bool>,
}

/// A place of the table of keys, which are found by going on from the place of their hash.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    key: Key,
    /// The range of its phrases; empty where there is no key.
    first: u32,
    end: u32,
}

impl Slot {
    fn is_empty(self) -> bool {
        self.first == self.end
    }
}

/// What a phrase demands of the words that it begins with.
#[derive(Clone, Copy, Debug)]
struct Head {
    phrase: PhraseId,
    /// Up to eight first letters, in lower case, and the bits that tell them.
    letters: u64,
    told: u64,
    /// Letters of the word; 0 where it may go on.
    len: u32,
    /// Whether the phrase is that word, all of whose letters are told.
    is_all: bool,
    /// Up to four first letters of the second word, and the bits that tell them; of no bit where there is none.
    second: u32,
    second_told: u32,
}

impl Head {
    /// Of a phrase's folded words.
    fn of(phrase: PhraseId, words: &[u8]) -> Self {
        const TOLD_MAX: usize = size_of::<u64>();
        let end = words.iter().position(|byte| *byte == b' ');
        let word = &words[..end.unwrap_or(words.len())];
        let told = word.len().min(TOLD_MAX);
        let mut letters = [0; TOLD_MAX];
        letters[..told].copy_from_slice(&word[..told]);
        let behind = end.map_or(&[][..], |end| &words[end + 1..]);
        let second = behind.iter().take(KEY_BYTES).take_while(|byte| **byte != b' ').count();
        Self {
            phrase,
            second: Key::of(behind).0,
            second_told: u32::MAX.checked_shr(32 - 8 * second as u32).unwrap_or(0),
            letters: u64::from_le_bytes(letters),
            told: u64::MAX.checked_shr(64 - 8 * told as u32).unwrap_or(0),
            len: if end.is_some() { word.len() as u32 } else { 0 },
            is_all: word.len() <= TOLD_MAX && end.is_some_and(|end| end + 1 == words.len()),
        }
    }

    /// Whether a word of a length, where that is known, that begins with eight bytes of ASCII may begin so, in any case.
    #[inline]
    fn may_begin(self, eight: u64, len: Option<usize>) -> bool {
        let is_as_long = self.len == 0 || len.is_none_or(|len| len == self.len as usize);
        (eight ^ self.letters) & self.told & !CASE_BITS_OF_EIGHT == 0 && is_as_long
    }

    /// Whether a word that begins with four bytes of ASCII may be the second, in any case.
    #[inline]
    fn may_go_on(self, four: u32) -> bool {
        (four ^ self.second) & self.second_told & !CASE_BITS == 0
    }
}

/// Folded words.
#[derive(Debug)]
struct Phrase {
    /// Each followed by a space, the last one only when it has no inflection.
    words: Box<[u8]>,
    is_open: bool,
}

/// The first bytes of a word, with spaces behind a shorter one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u32);

impl Key {
    /// Of folded words from the start of one.
    pub(super) fn of(words: &[u8]) -> Self {
        let len = words.iter().take(KEY_BYTES).take_while(|byte| **byte != b' ').count();
        Self(u32::from_le_bytes(std::array::from_fn(|place| if place < len { words[place] } else { b' ' })))
    }

    /// Of a word of ASCII letters, by its first four bytes in one case and how many of them belong to it.
    #[inline]
    pub(super) fn of_letters(bytes: u32, len: usize) -> Self {
        const KEPT: [u32; KEY_BYTES + 1] = [0, 0xff, 0xffff, 0x00ff_ffff, u32::MAX];
        let kept = KEPT[len];
        Self(bytes & kept | 0x2020_2020 & !kept)
    }

    #[inline]
    fn hash(self) -> usize {
        (self.0.wrapping_mul(MULTIPLIER) >> (u32::BITS - HASH_BITS)) as usize
    }
}

impl Vocabulary {
    /// Whether a phrase may begin with a word.
    #[inline]
    pub(super) fn may_know(&self, key: Key) -> bool {
        let hash = key.hash();
        self.known[hash >> 6] >> (hash & 63) & 1 == 1 || !self.short.is_empty()
    }

    /// Whether a phrase begins with a digit.
    pub(super) fn has_numbers(&self) -> bool {
        self.has_numbers
    }

    /// Whether a detector finds nothing without this phrase or others of its list.
    pub(super) fn is_demanded(&self, phrase: PhraseId) -> bool {
        self.demanded[phrase as usize]
    }

    /// The phrases that may begin with a word.
    #[inline]
    fn candidates(&self, key: Key) -> impl Iterator<Item = &Head> {
        let known = if self.may_know(key) { self.of_key(key) } else { &[] };
        known.iter().chain(&self.short)
    }

    #[inline]
    fn of_key(&self, key: Key) -> &[Head] {
        let mask = self.by_key.len() - 1;
        let slots = (0..).map(|step| &self.by_key[(key.hash() + step) & mask]);
        let mut slots = slots.skip_while(|slot| slot.key != key && !slot.is_empty());
        slots.next().map_or(&[], |slot| &self.heads[slot.first as usize..slot.end as usize])
    }

    fn phrase(&self, head: &Head) -> &Phrase {
        &self.phrases[head.phrase as usize]
    }

    /// How many bytes of folded words tell which phrases they begin with: more than there are where they end within one.
    pub(super) fn undecided(&self, words: &[u8]) -> usize {
        let phrases = self.candidates(Key::of(words)).map(|head| &self.phrase(head).words);
        let open = phrases.filter(|phrase| words.iter().zip(phrase.iter()).all(|(word, phrase)| word == phrase));
        open.map(|phrase| phrase.len() + INFLECTED_LEN).max().unwrap_or(0)
    }

    /// Gives the phrases that folded words begin with, and how many of them each has.
    pub(super) fn begin(&self, words: &[u8], each: &mut dyn FnMut(PhraseId, usize)) {
        let found = self.candidates(Key::of(words)).map(|head| (head.phrase, self.phrase(head)));
        found.filter(|(_, phrase)| phrase.begins(words)).for_each(|(id, phrase)| each(id, phrase.count()));
    }

    /// Gives the phrases that stand in folded words.
    pub(super) fn spell(&self, folded: &[u8], each: &mut dyn FnMut(PhraseId)) {
        let mut previous = b' ';
        for (at, byte) in folded.iter().enumerate() {
            if previous == b' ' && *byte != b' ' {
                let words = &folded[at..];
                let found = self.candidates(Key::of(words)).filter(|head| self.phrase(head).begins(words));
                found.for_each(|head| each(head.phrase));
            }
            previous = *byte;
        }
    }

    /// Gives the phrases that stand in ASCII text from `at` on, where a word of letters begins, of a length that is known or
    /// not, with the place where each ends.
    pub(super) fn read(
        &self,
        (text, at): (&[u8], usize),
        (key, len): (Key, Option<usize>),
        each: &mut impl FnMut(PhraseId, usize),
    ) {
        let Some(eight) = text[at..].first_chunk().map(|eight| u64::from_le_bytes(*eight)) else {
            return self.read_slowly((text, at), key, each);
        };
        let second = LazyCell::new(|| len.map_or(Second::Untold, |len| Second::behind(text, at + len)));
        for head in self.candidates(key).filter(|head| head.may_begin(eight, len)) {
            match len {
                Some(len) if head.is_all => each(head.phrase, at + len),
                _ if head.second_told != 0 && !second.may_be_of(head) => {}
                _ => self.read_one((text, at), head, each),
            }
        }
    }

    /// The same near the end of the text.
    #[cold]
    fn read_slowly(&self, (text, at): (&[u8], usize), key: Key, each: &mut impl FnMut(PhraseId, usize)) {
        self.candidates(key).for_each(|head| self.read_one((text, at), head, each));
    }

    fn read_one(&self, (text, at): (&[u8], usize), head: &Head, each: &mut impl FnMut(PhraseId, usize)) {
        if let Some(end) = self.phrase(head).end_in(text, at) {
            each(head.phrase, end);
        }
    }

    /// Gives the phrases of one word that a run of ASCII letters and digits is when its parts are glued.
    pub(super) fn read_glued(&self, run: &[u8], each: &mut dyn FnMut(PhraseId)) {
        let head: Vec<u8> = run.iter().take(KEY_BYTES).map(u8::to_ascii_lowercase).collect();
        let found = self.candidates(Key::of(&head)).filter(|head| self.phrase(head).is_glued(run));
        found.for_each(|head| each(head.phrase));
    }
}

/// The second word of a text, by its first four bytes.
enum Second {
    Begins(u32),
    /// There is none.
    None,
    /// It is not known.
    Untold,
}

impl Second {
    /// The word behind one that ends at a place. What is not ASCII may be a letter or a mark.
    fn behind(text: &[u8], end: usize) -> Self {
        let mut places = end..text.len().min(end + MARKS_MAX);
        let is_word = |at: &usize| !text[*at].is_ascii() || AsciiClass::of(text[*at]) != AsciiClass::Mark;
        let Some(at) = places.find(is_word) else { return Self::None };
        text[at..]
            .first_chunk()
            .filter(|four| four.is_ascii())
            .map_or(Self::Untold, |four| Self::Begins(u32::from_le_bytes(*four)))
    }

    fn may_be_of(&self, head: &Head) -> bool {
        match self {
            Self::Begins(four) => head.may_go_on(*four),
            Self::None => false,
            Self::Untold => true,
        }
    }
}

impl Phrase {
    fn new(source: &str) -> Self {
        let is_open = source.ends_with('*');
        let folded = Folded::of(source.trim_end_matches('*').as_bytes());
        let words = folded.strip_suffix(b" ").filter(|_| is_open).unwrap_or(&folded);
        Self { words: words.into(), is_open }
    }

    /// Whether folded words begin with it.
    fn begins(&self, words: &[u8]) -> bool {
        let Some(rest) = words.strip_prefix(&*self.words) else { return false };
        !self.is_open || rest.iter().position(|byte| *byte == b' ').is_some_and(|more| more <= INFLECTION_LETTERS_MAX)
    }

    /// Number of its words.
    fn count(&self) -> usize {
        self.words.iter().filter(|byte| **byte == b' ').count() + usize::from(self.is_open)
    }

    /// Where it ends when it stands in text from `at` on, where a word of ASCII begins.
    fn end_in(&self, text: &[u8], at: usize) -> Option<usize> {
        self.end_in_ascii(text, at).unwrap_or_else(|NotAscii| {
            let words_len = self.words.len() + INFLECTED_LEN;
            AnyWords::end_of(text, at, words_len, |words| self.begins(words).then(|| self.count()))
        })
    }

    /// The same where nothing but ASCII is looked at.
    fn end_in_ascii(&self, text: &[u8], at: usize) -> Result<Option<usize>, NotAscii> {
        let (mut at, mut last) = (at, AsciiClass::Mark);
        let mut words = self.words.iter().peekable();
        while let Some(byte) = words.next() {
            if *byte != b' ' {
                let continues = last == AsciiClass::Mark || !word_ends(text, at, last)?;
                if !continues || text.get(at).is_none_or(|letter| letter.to_ascii_lowercase() != *byte) {
                    return Ok(None);
                }
                (last, at) = (class_at(text, at)?, at + 1);
            } else if !word_ends(text, at, last)? {
                return Ok(None);
            } else if words.peek().is_some() {
                let mut places = at..text.len().min(at + MARKS_MAX);
                let Some(next) = places.find(|at| class_at(text, *at) != Ok(AsciiClass::Mark)) else { return Ok(None) };
                (last, at) = (AsciiClass::Mark, next);
                class_at(text, at)?;
            }
        }
        let mut more = 0;
        while self.is_open && !word_ends(text, at, last)? {
            (last, at, more) = (class_at(text, at)?, at + 1, more + 1);
            if more > INFLECTION_LETTERS_MAX {
                return Ok(None);
            }
        }
        Ok(Some(at))
    }

    /// Whether a run of ASCII letters and digits is it, whatever parts it has.
    fn is_glued(&self, run: &[u8]) -> bool {
        let word = self.words.strip_suffix(b" ").unwrap_or(&self.words);
        let more_max = if self.is_open { INFLECTION_LETTERS_MAX } else { 0 };
        run.len() >= word.len() && run.len() - word.len() <= more_max && run[..word.len()].eq_ignore_ascii_case(word)
    }
}

/// A byte that is not ASCII, of which one cannot tell by itself what it is to a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct NotAscii;

/// What stands at a place is to a word; behind the end of the text nothing.
#[inline]
fn class_at(text: &[u8], at: usize) -> Result<AsciiClass, NotAscii> {
    match text.get(at) {
        Some(byte) if !byte.is_ascii() => Err(NotAscii),
        byte => Ok(byte.map_or(AsciiClass::Mark, |byte| AsciiClass::of(*byte))),
    }
}

/// Whether a word whose last byte is of a class ends at a place.
#[inline]
fn word_ends(text: &[u8], at: usize, last: AsciiClass) -> Result<bool, NotAscii> {
    let class = class_at(text, at)?;
    if class == AsciiClass::Upper && last == AsciiClass::Upper {
        let behind = &text[at + 1..text.len().min(at + 1 + CAPITALISED_LETTERS)];
        if !behind.is_ascii() {
            return Err(NotAscii);
        }
    }
    Ok(class == AsciiClass::Mark || starts_part(text, at, last))
}

/// Collects phrases.
#[derive(Debug, Default)]
pub(super) struct Builder {
    phrases: Vec<Phrase>,
    demanded: Vec<bool>,
}

impl Builder {
    /// The phrases of a context.
    #[cfg(test)]
    pub(super) fn phrases(&mut self, context: &Context) -> Phrases {
        let [strong, weak, negative] = [&context.strong, &context.weak, &context.negative]
            .map(|list| list.iter().map(|source| self.phrase(source)).collect::<Vec<_>>());
        if context.required {
            self.demand(&strong);
        }
        Phrases::new([strong, weak, negative])
    }

    /// Remembers that a detector finds nothing without one of these.
    pub(super) fn demand(&mut self, phrases: &[PhraseId]) {
        phrases.iter().for_each(|id| self.demanded[*id as usize] = true);
    }

    /// Adds a phrase, and gives its number. The same one under two numbers is found as both.
    pub(super) fn phrase(&mut self, source: &str) -> PhraseId {
        let id = self.phrases.len() as PhraseId;
        self.phrases.push(Phrase::new(source));
        self.demanded.push(false);
        id
    }

    /// Number of phrases.
    pub(super) fn len(&self) -> usize {
        self.phrases.len()
    }

    pub(super) fn build(self) -> Vocabulary {
        let mut known = Box::new([0; _]);
        let mut keyed: Vec<(Key, PhraseId)> = Vec::with_capacity(self.phrases.len());
        let mut short = Vec::new();
        for (id, phrase) in (0..).zip(&self.phrases) {
            if phrase.words.is_empty() {
                continue;
            }
            if phrase.is_open && phrase.words.len() < KEY_BYTES {
                short.push(Head::of(id, &phrase.words));
                continue;
            }
            let key = Key::of(&phrase.words);
            known[key.hash() >> 6] |= 1 << (key.hash() & 63);
            keyed.push((key, id));
        }
        keyed.sort_unstable();
        let has_numbers = self.phrases.iter().any(|phrase| phrase.words.first().is_some_and(u8::is_ascii_digit));
        let keys = keyed.chunk_by(|(one, _), (other, _)| one == other);
        let mut slots = vec![Slot::default(); (2 * keys.clone().count() + 1).next_power_of_two()].into_boxed_slice();
        let mask = slots.len() - 1;
        let mut heads = Vec::with_capacity(keyed.len());
        for of_key in keys {
            let key = of_key[0].0;
            let place = (0..).map(|step| (key.hash() + step) & mask).find(|at| slots[*at].is_empty());
            let first = heads.len() as u32;
            heads.extend(of_key.iter().map(|(_, id)| Head::of(*id, &self.phrases[*id as usize].words)));
            slots[place.expect("more slots than keys")] = Slot { key, first, end: heads.len() as u32 };
        }
        let (heads, short) = (heads.into(), short.into());
        Vocabulary { phrases: self.phrases, known, heads, by_key: slots, short, has_numbers, demanded: self.demanded }
    }
}

/// The phrases of one detector, list by list, in the order in which they were given.
#[derive(Debug)]
pub(super) struct Phrases {
    pub(super) strong: Vec<PhraseId>,
    pub(super) weak: Vec<PhraseId>,
    pub(super) negative: Vec<PhraseId>,
    /// Of all of them.
    any: Signature,
    /// Of the strong ones.
    any_strong: Signature,
}

impl Phrases {
    /// Strong ones, weak ones, and those that speak against it.
    pub(super) fn new([strong, weak, negative]: [Vec<PhraseId>; 3]) -> Self {
        let mut any = Signature::default();
        let mut any_strong = Signature::default();
        [&strong, &weak, &negative].into_iter().flatten().for_each(|id| any.insert(*id));
        strong.iter().for_each(|id| any_strong.insert(*id));
        Self { strong, weak, negative, any, any_strong }
    }

    /// Whether a phrase is one of the strong ones.
    #[inline]
    pub(super) fn is_strong(&self, phrase: PhraseId) -> bool {
        self.any_strong.may_hold(phrase) && self.strong.contains(&phrase)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.any == Signature::default()
    }
}

/// A few bits of each phrase of a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Signature(u128);

impl Signature {
    fn insert(&mut self, id: PhraseId) {
        self.0 |= Self::bit(id);
    }

    fn may_hold(self, id: PhraseId) -> bool {
        self.0 & Self::bit(id) != 0
    }

    fn bit(id: PhraseId) -> u128 {
        1 << (id.wrapping_mul(MULTIPLIER) >> (u32::BITS - 7))
    }
}

/// Where a phrase stands that names a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// In the text beside it.
    Beside,
    /// In the header of its column.
    Header,
}

/// The phrases that stand around a value.
#[derive(Debug, Default)]
pub(super) struct Nearby {
    ids: Vec<PhraseId>,
    /// Those that only the header of a column has.
    headers: Vec<PhraseId>,
    any: Signature,
}

impl Nearby {
    pub(super) fn clear(&mut self) {
        self.ids.clear();
        self.headers.clear();
        self.any = Signature::default();
    }

    pub(super) fn insert(&mut self, id: PhraseId) {
        self.ids.push(id);
        self.any.insert(id);
    }

    /// Adds a phrase that the header of the value's column has.
    pub(super) fn insert_header(&mut self, id: PhraseId) {
        self.headers.push(id);
        self.any.insert(id);
    }

    /// Whether some phrase of a detector may be among them.
    #[inline]
    pub(super) fn may_name(&self, phrases: &Phrases) -> bool {
        self.any.0 & phrases.any.0 != 0
    }

    /// Index of the first phrase of a list that is among them, and where it stands. The list is one of the phrases of a
    /// detector; most that are nearby are none of these.
    pub(super) fn first_of(&self, phrases: &Phrases, list: &[PhraseId]) -> Option<(usize, Standing)> {
        let first = |ids: &[PhraseId]| {
            let told = ids.iter().filter(|id| phrases.any.may_hold(**id));
            told.filter_map(|id| list.iter().position(|of| of == id)).min()
        };
        let beside = first(&self.ids).map(|index| (index, Standing::Beside));
        beside.or_else(|| first(&self.headers).map(|index| (index, Standing::Header)))
    }

    #[cfg(test)]
    pub(super) fn holds(&self, id: PhraseId) -> bool {
        self.ids.contains(&id)
    }
}
