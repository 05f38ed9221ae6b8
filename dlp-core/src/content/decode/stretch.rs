//! What stands beside what in a stretch of text, as masks: one bit for each byte.
//!
//! Each mask is one loop over the words of the stretch that neither branches nor looks at a byte, so that it becomes
//! arithmetic of vectors. What the bits mean stands at [`Places`](super::Places).

use super::runs::VALUE_CHARS_MIN;
use crate::matching::{ByteClasses, Isa, Task, classes_of};

/// Bytes of a block: one for each bit of a word.
pub(super) const BLOCK_BYTES: usize = 64;
/// Blocks that are read together: few enough for their masks to stay in the fastest cache.
const STRETCH_BLOCKS: usize = 64;
/// The same and the last two blocks of the stretch before.
const CLASS_WORDS: usize = STRETCH_BLOCKS + 2;

/// Letters and digits from which a group is too long for a part of a value: see `chains`.
const LONG_GROUP: u32 = super::chains::GROUP_CHARS_MAX as u32 + 1;

/// A word of one class for each block.
type Words = [u64; CLASS_WORDS];
/// A word of one mask for each block.
type Mask = [u64; STRETCH_BLOCKS];

/// Reads texts, stretch by stretch.
pub(super) struct Stretch {
    isa: Isa,
    classes: Classes,
}

/// The classes of [`ByteClasses`], each in words of its own.
struct Classes {
    digit: Words,
    alnum: Words,
    base64: Words,
    equals: Words,
    quote: Words,
    joint: Words,
    feed: Words,
    upper: Words,
    code: Words,
    coded: Words,
    ampersand: Words,
    hash: Words,
    semicolon: Words,
    plus: Words,
    wide: Words,
}

/// What is marked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    Digits,
    Words,
    Strong,
    Apart,
    Runs,
    Borders,
    Feeds,
    Breaks,
    Escapes,
    Quoted,
    QuotedEnds,
    Wide,
}

const MARKS: usize = Mark::Wide as usize + 1;

/// The masks of a text, one word for every 64 bytes: in one piece of memory, which most texts are short for. Before the first
/// word of each stands one that is of no account, and behind the last there is room for those of a stretch.
#[derive(Default)]
pub(super) struct Masks {
    words: Vec<u64>,
    blocks: usize,
}

/// The same of a stretch, in the order of [`Mark`].
struct Marks<'m>([&'m mut Mask; MARKS]);

impl Masks {
    /// Makes room for a text of so many blocks.
    fn fit(&mut self, blocks: usize) {
        self.blocks = blocks;
        let len = MARKS * self.stride();
        if self.words.len() < len {
            self.words.resize(len, 0);
        }
    }

    fn stride(&self) -> usize {
        1 + self.blocks + STRETCH_BLOCKS
    }

    /// The words of a mask.
    pub(super) fn of(&self, mark: Mark) -> &[u64] {
        let first = mark as usize * self.stride() + 1;
        self.words.get(first..first + self.blocks).unwrap_or_default()
    }

    /// The same, to be added to.
    pub(super) fn of_mut(&mut self, mark: Mark) -> &mut [u64] {
        let first = mark as usize * self.stride() + 1;
        self.words.get_mut(first..first + self.blocks).unwrap_or_default()
    }

    /// The words of two masks, the second of which is to be added to.
    pub(super) fn two_of(&mut self, marks: [Mark; 2]) -> [&mut [u64]; 2] {
        let (blocks, stride) = (self.blocks, self.stride());
        let places = marks.map(|mark| mark as usize * stride + 1..mark as usize * stride + 1 + blocks);
        self.words.get_disjoint_mut(places).expect("two masks have no word in common")
    }

    /// Those of the stretch before whose first word so many stand.
    fn stretch(&mut self, at: usize) -> Marks<'_> {
        let stride = self.stride();
        let mut masks = self.words.chunks_exact_mut(stride).map(|mask| mask[at..].first_chunk_mut());
        Marks(std::array::from_fn(|_| masks.next().flatten().expect("there is room for a stretch in each mask")))
    }
}

impl Marks<'_> {
    #[inline(always)]
    fn of(&mut self, mark: Mark) -> &mut Mask {
        self.0[mark as usize]
    }
}

impl Default for Stretch {
    fn default() -> Self {
        Self { isa: Isa::detect(), classes: Classes::NONE }
    }
}

impl Stretch {
    /// Fills the masks of a text.
    pub(super) fn read(&mut self, text: &[u8], masks: &mut Masks) {
        masks.fit(text.len().div_ceil(BLOCK_BYTES));
        self.classes.all().into_iter().for_each(|words| words[..2].fill(0));
        // The last block of a stretch is marked with the next one, which has a say in it: so each begins with the word of
        // the block before, the first one with that of no account.
        let mut first = 0;
        for stretch in text.chunks(STRETCH_BLOCKS * BLOCK_BYTES) {
            let mut at = 2;
            classes_of(self.isa, stretch, &mut |block| {
                self.classes.put(at, &block);
                at += 1;
            });
            self.isa.run(Marking { classes: &self.classes, marks: masks.stretch(first), blocks: at - 2 });
            first += at - 2;
            self.classes.all().into_iter().for_each(|words| words.copy_within(at - 2..at, 0));
        }
        self.classes.all().into_iter().for_each(|words| words[2] = 0);
        self.isa.run(Marking { classes: &self.classes, marks: masks.stretch(first), blocks: 1 });
    }
}

impl Classes {
    const NONE: Self = {
        let none = [0; CLASS_WORDS];
        Self {
            digit: none,
            alnum: none,
            base64: none,
            equals: none,
            quote: none,
            joint: none,
            feed: none,
            upper: none,
            code: none,
            coded: none,
            ampersand: none,
            hash: none,
            semicolon: none,
            plus: none,
            wide: none,
        }
    };

    #[inline(always)]
    fn put(&mut self, at: usize, block: &ByteClasses) {
        assert!(at < CLASS_WORDS, "a stretch has so many blocks");
        self.digit[at] = block.digit;
        self.alnum[at] = block.alnum;
        self.base64[at] = block.base64;
        self.equals[at] = block.equals;
        self.quote[at] = block.quote;
        self.joint[at] = block.joint;
        self.feed[at] = block.feed;
        self.upper[at] = block.upper;
        self.code[at] = block.code;
        self.coded[at] = block.coded;
        self.ampersand[at] = block.ampersand;
        self.hash[at] = block.hash;
        self.semicolon[at] = block.semicolon;
        self.plus[at] = block.plus;
        self.wide[at] = block.wide;
    }

    fn all(&mut self) -> [&mut Words; 15] {
        let Self {
            digit,
            alnum,
            base64,
            equals,
            quote,
            joint,
            feed,
            upper,
            code,
            coded,
            ampersand,
            hash,
            semicolon,
            plus,
            wide,
        } = self;
        [digit, alnum, base64, equals, quote, joint, feed, upper, code, coded, ampersand, hash, semicolon, plus, wide]
    }
}

/// Finds what stands beside what.
struct Marking<'s> {
    classes: &'s Classes,
    marks: Marks<'s>,
    /// Words that count: texts may be short.
    blocks: usize,
}

impl Task for Marking<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { classes, mut marks, blocks } = self;
        each((marks.of(Mark::Digits), blocks), |at| classes.base64[at]);
        each((marks.of(Mark::Words), blocks), |at| classes.base64[at] | classes.equals[at]);
        each((marks.of(Mark::Strong), blocks), |at| classes.digit[at] | classes.upper[at]);
        each((marks.of(Mark::Feeds), blocks), |at| classes.feed[at]);
        each((marks.of(Mark::Wide), blocks), |at| classes.wide[at]);
        apart(classes, (marks.of(Mark::Apart), blocks));
        each((marks.of(Mark::Runs), blocks), |at| {
            let [before, now, next] = around(&classes.base64, at);
            now & !(now << 1 | before >> 63) & row_starts::<{ VALUE_CHARS_MIN as u32 }>(now, next)
        });
        let is_part = |at: usize| classes.base64[at] | classes.equals[at] | classes.joint[at] & !classes.feed[at];
        each((marks.of(Mark::Borders), blocks), |at| {
            let behind_part = is_part(at) << 1 | is_part(at - 1) >> 63;
            classes.quote[at] & behind_part & ahead(&classes.joint, at, 1)
        });
        each((marks.of(Mark::Breaks), blocks), |at| {
            let behind_part = is_part(at) << 1 | is_part(at - 1) >> 63;
            classes.feed[at] & behind_part & near(around(&classes.digit, at))
        });
        each((marks.of(Mark::Escapes), blocks), |at| {
            let coded = classes.code[at] & ahead(&classes.coded, at, 1);
            // A blank of a form between two words, or UTF-7.
            let plus = classes.plus[at] & ahead(&classes.base64, at, 1);
            coded | plus | classes.ampersand[at] & (ahead(&classes.hash, at, 1) | name_ends(&classes.semicolon, at))
        });
        each((marks.of(Mark::Quoted), blocks), |at| {
            let digits = |at: usize| classes.digit[at] | classes.upper[at] & classes.coded[at];
            classes.equals[at] & (digits(at) >> 1 | digits(at + 1) << 63)
        });
        each((marks.of(Mark::QuotedEnds), blocks), |at| classes.equals[at] & ahead(&classes.joint, at, 1));
    }
}

/// Fills a mask, whose words stand behind the first of the classes.
#[inline(always)]
fn each((mask, blocks): (&mut Mask, usize), word: impl Fn(usize) -> u64) {
    for (index, marked) in mask.iter_mut().take(blocks).enumerate() {
        *marked = word(index + 1);
    }
}

/// The words before, at and behind a place.
#[inline(always)]
fn around(words: &Words, at: usize) -> [u64; 3] {
    [words[at - 1], words[at], words[at + 1]]
}

/// What stands so many bytes behind each byte of a word.
#[inline(always)]
fn ahead(words: &Words, at: usize, bytes: u32) -> u64 {
    words[at] >> bytes | words[at + 1] << (64 - bytes)
}

/// What stands so many bytes before each byte of a word.
#[inline(always)]
fn back(words: &Words, at: usize, bytes: u32) -> u64 {
    words[at] << bytes | words[at - 1] >> (64 - bytes)
}

/// Where rows of so many bits begin: nine, or twelve.
#[inline(always)]
fn row_starts<const LEN: u32>(now: u64, next: u64) -> u64 {
    let join = |[now, next]: [u64; 2], by: u32| [now & (now >> by | next << (64 - by)), next & next >> by];
    let eight = join(join(join([now, next], 1), 2), 4);
    eight[0] & (eight[0] >> (LEN - 8) | eight[1] << (64 - (LEN - 8)))
}

/// Digits behind which something else stands, and near it another digit, where a pair of hexadecimal digits or a group of
/// a value may end. Names with digits in them and fractions do not count: most digits of logs are such.
#[inline(always)]
fn apart(classes: &Classes, (mask, blocks): (&mut Mask, usize)) {
    let mut long = [0; CLASS_WORDS];
    for (at, long) in long.iter_mut().take(blocks + 2).enumerate() {
        let next = classes.alnum.get(at + 1).copied().unwrap_or(0);
        *long = row_starts::<LONG_GROUP>(classes.alnum[at], next);
    }
    let digit = &classes.digit;
    each((mask, blocks), |at| {
        let follows = (2..=6).fold(0, |any, bytes| any | ahead(digit, at, bytes));
        digit[at] & !ahead(digit, at, 1) & follows & (ends_group(classes, &long, at) | in_pair(classes, at))
    });
}

/// Where a group of a value may end: neither it nor what follows one byte behind it is too long, and no small letter goes on
/// with it.
#[inline(always)]
fn ends_group(classes: &Classes, long: &Words, at: usize) -> u64 {
    let (next, second) = (ahead(&classes.alnum, at, 1), ahead(&classes.alnum, at, 2));
    let small = next & !(ahead(&classes.upper, at, 1) | ahead(&classes.digit, at, 1));
    let is_long = back(long, at, LONG_GROUP - 1) | !next & second & ahead(long, at, 2);
    !small & !is_long
}

/// Which digits may be the first or the second of a pair of hexadecimal digits that no other digit stands beside.
#[inline(always)]
fn in_pair(classes: &Classes, at: usize) -> u64 {
    let Classes { digit, alnum, upper, coded, .. } = classes;
    // Small letters may mark what is hexadecimal, before it or behind.
    let ends = |bytes: u32| !ahead(alnum, at, bytes) | !(ahead(digit, at, bytes) | ahead(upper, at, bytes));
    let second = back(coded, at, 1) & !back(digit, at, 2) & ends(1);
    let first = !back(digit, at, 1) & ahead(coded, at, 1) & ends(2);
    second | first
}

/// Where the names of entities may begin: up to the longest name before a semicolon.
#[inline(always)]
fn name_ends(semicolon: &Words, at: usize) -> u64 {
    let join = |[now, next]: [u64; 2], by: u32| [now | now >> by | next << (64 - by), next | next >> by];
    let ends = [semicolon[at], semicolon[at + 1]];
    // The longest name, and what stands around it.
    join(join(join(join(join(ends, 1), 2), 4), 8), 3)[0]
}

/// Where a bit of a mask stands at most 64 places away; the words beside it are those before and behind.
#[inline(always)]
fn near([before, now, next]: [u64; 3]) -> u64 {
    let before = [1, 2, 4, 8, 16, 32].into_iter().fold(before, |mask, by| mask | mask >> by);
    let next = next | next.wrapping_neg();
    if now == 0 { before | next } else { u64::MAX }
}
