//! Following a text, read as words and as code: which fingerprints it has, and of which documents.

use super::super::words::{Word, Words};
use super::code::{Code, CodeToken};
use super::grams::{CodeGrams, Print, TextGrams};
use super::index::{Index, Kind};
use crate::base::{Confidence, Secret, Span};
use crate::matching::{DetectorIndex, LineColumn, Match, Reason, Step};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// An index and its detector.
type Collection = (DetectorIndex, Index);

/// Bytes that are taken at once.
const PIECE_BYTES: usize = 16 * 1024;
/// Fewest fingerprints that are reported: two agree by chance in a library's worth of text.
const PRINTS_MIN: u64 = 3;
/// Least part of a document that is reported, in per cent, unless a passage is long.
const PERCENT_MIN: u64 = 8;
/// Part of a document from which on it is likely, in per cent.
const PERCENT_MEDIUM: u64 = 25;
/// Part of a document from which on it is sure, in per cent.
const PERCENT_HIGH: u64 = 75;
/// Fingerprints of a passage of some 300 characters, which stand in the text one behind the other. Code of one style shares
/// as many by chance, but not together.
const PASSAGE_PRINTS: u64 = 12;
/// Fingerprints of a passage that may be others: boilerplate in it is not in the index.
const GAP_MAX: u64 = 2;
/// Bytes behind which the page or cell of a passage's start is forgotten: what leads back to it takes memory.
const PLACE_BYTES: u64 = 1024 * 1024;
/// Places of the two readings of a text.
const WORDS: usize = 0;
const STATEMENTS: usize = 1;
/// Points of these.
const POINTS: [i32; 3] = [45, 75, 90];

/// What was seen of a document.
#[derive(Debug)]
struct Seen {
    /// Different fingerprints.
    found: u64,
    /// Of the words and of the code: the number of the latest fingerprint, and how many form a passage with it.
    passages: [(u64, u64); 2],
    /// Fingerprints of the longest passage.
    longest: u64,
    start: (u64, LineColumn),
    end: (u64, LineColumn),
}

/// A text in view of one collection.
#[derive(Debug)]
struct Follow {
    text: TextGrams,
    code: CodeGrams,
    /// Fingerprints of the words and of the code so far.
    counts: [u64; 2],
    /// By number of the document. It cannot grow beyond the index.
    seen: HashMap<u32, Seen, Spread>,
    /// Fingerprints that the index has.
    prints: HashSet<u64, Spread>,
    /// Where the first of them starts.
    seen_since: u64,
    /// Kept runs that were not looked up yet.
    waiting: Vec<Print>,
    /// Their fingerprints, and whether the index may have them.
    asked: Vec<(u64, bool)>,
}

/// Hashes numbers that nobody outside chooses, as fingerprints and numbers of documents are, by one multiplication.
type Spread = BuildHasherDefault<Spreader>;

#[derive(Debug, Default)]
struct Spreader(u64);

impl Hasher for Spreader {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64((*byte).into()));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }
}

/// Whether a text is read in a way: some collection has a document that was.
fn is_read(collections: &[Collection], kind: Kind) -> bool {
    collections.iter().any(|(_, index)| index.has(kind))
}

fn follow_word(follows: &mut [Follow], collections: &[Collection], word: &Word) {
    for (follow, (_, index)) in follows.iter_mut().zip(collections) {
        if let Some(print) = follow.text.push(&index.hashes.word(word)) {
            follow.waiting.push(*print);
        }
    }
}

fn follow_code(follows: &mut [Follow], collections: &[Collection], token: &CodeToken) {
    for (follow, (_, index)) in follows.iter_mut().zip(collections) {
        if let Some(print) = follow.code.push(&index.hashes.code(token)) {
            follow.waiting.push(*print);
        }
    }
}

/// Looks up what waits, so that nothing does between two pieces.
fn settle(follows: &mut [Follow], collections: &[Collection], reading: usize) {
    for (follow, (_, index)) in follows.iter_mut().zip(collections) {
        follow.settle(index, reading);
    }
}

/// The state of a text.
#[derive(Debug)]
pub(in crate::known) struct Scan {
    words: Words,
    code: Code,
    follows: Vec<Follow>,
    offset: u64,
}

impl Scan {
    pub(in crate::known) fn new(collections: &[Collection]) -> Self {
        let follow = |_| Follow {
            text: TextGrams::new(),
            code: CodeGrams::new(),
            counts: [0; 2],
            seen: HashMap::default(),
            prints: HashSet::default(),
            seen_since: u64::MAX,
            waiting: Vec::new(),
            asked: Vec::new(),
        };
        Self { words: Words::new(), code: Code::new(), follows: collections.iter().map(follow).collect(), offset: 0 }
    }

    pub(in crate::known) fn push(&mut self, collections: &[Collection], bytes: &[u8]) {
        let Self { words, code, follows, .. } = self;
        let [reads_words, reads_code] = [Kind::Text, Kind::Code].map(|kind| is_read(collections, kind));
        for piece in bytes.chunks(PIECE_BYTES) {
            if reads_words {
                words.push(piece, &mut |word| follow_word(follows, collections, word));
                settle(follows, collections, WORDS);
            }
            if reads_code {
                code.push(piece, &mut |token| follow_code(follows, collections, token));
                settle(follows, collections, STATEMENTS);
            }
        }
        self.offset += bytes.len() as u64;
    }

    pub(in crate::known) fn finish(mut self, collections: &[Collection], each: &mut dyn FnMut(Match)) {
        let Self { words, code, follows, .. } = &mut self;
        words.finish(&mut |word| follow_word(follows, collections, word));
        for follow in follows.iter_mut() {
            follow.waiting.extend(follow.text.finish());
        }
        settle(follows, collections, WORDS);
        code.finish(&mut |token| follow_code(follows, collections, token));
        for follow in follows.iter_mut() {
            follow.waiting.extend(follow.code.finish());
        }
        settle(follows, collections, STATEMENTS);
        for (follow, (detector, index)) in self.follows.iter_mut().zip(collections) {
            follow.report(*detector, index, each);
        }
    }

    /// Offset before which nothing undecided stands. A document is known when the text ends; by then the place of a
    /// start that lies far back is told in bytes of the text alone.
    pub(in crate::known) fn safe_until(&self) -> u64 {
        let far_back = self.offset.saturating_sub(PLACE_BYTES);
        let since = |follow: &Follow| {
            let open = follow.text.open_since().min(follow.code.open_since());
            follow.seen_since.max(far_back).min(open)
        };
        self.follows.iter().map(since).min().unwrap_or(u64::MAX)
    }
}

impl Follow {
    /// Looks up what waits.
    fn settle(&mut self, index: &Index, reading: usize) {
        let (mut waiting, mut asked) = (std::mem::take(&mut self.waiting), std::mem::take(&mut self.asked));
        // The filter is asked about all of them at once, so that the processor fetches its places together.
        let hashes = waiting.iter().map(|print| index.hashes.of(print));
        asked.extend(hashes.map(|hash| (hash, index.store.may_hold(hash))));
        for (at, (hash, may_be)) in asked.drain(..).enumerate() {
            if may_be {
                self.count(index, (&waiting[at], hash), (reading, at as u64 + 1));
            }
        }
        self.counts[reading] += waiting.len() as u64;
        waiting.clear();
        (self.waiting, self.asked) = (waiting, asked);
    }

    /// Counts a fingerprint for the documents that have it; it is so many ahead of those counted in this reading.
    fn count(&mut self, index: &Index, (print, hash): (&Print, u64), (reading, ahead): (usize, u64)) {
        let number = self.counts[reading] + ahead;
        let Print { start, end, .. } = *print;
        let is_new = !self.prints.contains(&hash);
        let seen = &mut self.seen;
        let is_known = index.store.each_owner_of(hash, &mut |owner| {
            let seen = seen.entry(owner).or_insert(Seen { found: 0, passages: [(0, 0); 2], longest: 0, start, end });
            let (latest, len) = &mut seen.passages[reading];
            *len = if *len > 0 && number <= *latest + 1 + GAP_MAX { *len + 1 } else { 1 };
            *latest = number;
            seen.longest = seen.longest.max(*len);
            seen.found += u64::from(is_new);
            seen.start = seen.start.min(start);
            seen.end = seen.end.max(end);
        });
        if is_known {
            self.prints.insert(hash);
            self.seen_since = self.seen_since.min(start.0);
        }
    }

    /// Reports the documents of which enough was seen.
    fn report(&self, detector: DetectorIndex, index: &Index, each: &mut dyn FnMut(Match)) {
        let mut seen: Vec<_> = self.seen.iter().collect();
        seen.sort_unstable_by_key(|(number, _)| **number);
        for (number, seen) in seen {
            let Some(document) = index.documents().get(*number as usize) else { continue };
            let (found, all) = (seen.found, u64::from(document.prints).max(1));
            let percent = found * 100 / all;
            // A document of a few fingerprints is there when all of them are.
            let is_passage = seen.longest.min(found) >= PASSAGE_PRINTS;
            let is_enough = found >= PRINTS_MIN.min(all) && (percent >= PERCENT_MIN || is_passage);
            if !is_enough {
                continue;
            }
            let points = match percent {
                PERCENT_HIGH.. if found >= PRINTS_MIN => POINTS[2],
                PERCENT_MEDIUM.. => POINTS[1],
                _ if is_passage => POINTS[1],
                _ => POINTS[0],
            };
            let detail = format!("{percent} % of `{}`: {found} of its {all} fingerprints", document.name);
            each(Match {
                detector,
                span: Span::new(seen.start.0, seen.end.0),
                // The passage is not kept; the document's name tells findings apart.
                value: Secret::new(document.name.as_bytes()),
                confidence: Confidence::from_points(points),
                reasons: vec![Reason { step: Step::Pattern, detail: detail.clone().into(), change: points }],
                validator: None,
                start: seen.start.1,
                end: seen.end.1,
                surroundings: detail,
                cell: None,
            });
        }
    }
}
