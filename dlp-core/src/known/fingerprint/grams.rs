//! Runs of tokens, and which of them are kept.

use crate::matching::LineColumn;

/// A token with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    /// Hash of what it is.
    pub(super) hash: u64,
    /// Offset of its first byte.
    pub(super) start: u64,
    /// Offset behind its last byte.
    pub(super) end: u64,
    /// Line and column of its first character.
    pub(super) at: LineColumn,
    /// Line and column behind its last character.
    pub(super) until: LineColumn,
}

/// A kept run of tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Print {
    /// Hash of the run.
    pub(super) hash: u64,
    /// Where its first token starts.
    pub(super) start: (u64, LineColumn),
    /// What stands behind its last token.
    pub(super) end: (u64, LineColumn),
}

/// Runs of words.
pub(super) type TextGrams = Grams<5, 6, 4>;
/// Runs of tokens of code.
pub(super) type CodeGrams = Grams<14, 8, 6>;

/// What the hash of a run is multiplied by before the next token is added.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Places for the tokens of a run and the runs of a window: powers of two, so that a number leads to its place.
const TOKENS: usize = 16;
const RUNS: usize = 8;
/// Places of tokens by their hashes.
const LATEST: usize = 256;

/// Winnowing of a stream of tokens. Every word of a text comes through here, so nothing is allocated or searched for one,
/// the hash of a run is made from the one before it, and places are kept apart from hashes.
///
/// | parameter | what it is |
/// |---|---|
/// | `RUN` | tokens of a run; a shared passage that is shorter is never seen |
/// | `WINDOW` | runs of which one is kept; a shared passage of `RUN + WINDOW - 1` tokens is always seen |
/// | `DISTINCT` | different tokens that a run must have: a row of zeros is nobody's |
#[derive(Debug)]
pub(super) struct Grams<const RUN: usize, const WINDOW: usize, const DISTINCT: usize> {
    /// Hashes of the latest tokens, and where they start, by their numbers.
    hashes: [u64; TOKENS],
    starts: [(u64, LineColumn); TOKENS],
    tokens: u64,
    /// Which of them have an equal behind them, one bit each.
    repeated: u32,
    /// One more than the number of the latest token of each part of all hashes.
    latest: [u64; LATEST],
    /// Sum of the hashes of a run, each multiplied by the factor once for each token behind it.
    sum: u64,
    /// How many of its tokens have no equal behind them.
    distinct: usize,
    /// Hashes of the latest runs, and the runs, by their numbers.
    run_hashes: [u64; RUNS],
    runs: [Print; RUNS],
    count: u64,
    /// Hash and number of the least run of the window.
    least: (u64, u64),
    kept: Option<u64>,
}

impl<const RUN: usize, const WINDOW: usize, const DISTINCT: usize> Grams<RUN, WINDOW, DISTINCT> {
    /// The factor of the first token of a run.
    const FIRST_FACTOR: u64 = {
        assert!(RUN <= TOKENS && WINDOW <= RUNS, "there is room for a run and a window");
        let (mut power, mut times) = (1_u64, 1);
        while times < RUN {
            power = power.wrapping_mul(FACTOR);
            times += 1;
        }
        power
    };

    /// At the start of a text.
    pub(super) fn new() -> Self {
        let nowhere = (0, LineColumn { line: 1, column: 1 });
        Self {
            hashes: [0; TOKENS],
            starts: [nowhere; TOKENS],
            tokens: 0,
            repeated: 0,
            latest: [0; LATEST],
            sum: 0,
            distinct: 0,
            run_hashes: [0; RUNS],
            runs: [Print { hash: 0, start: nowhere, end: nowhere }; RUNS],
            count: 0,
            least: (u64::MAX, 0),
            kept: None,
        }
    }

    /// Takes the next token, and gives the run that is kept by it.
    #[inline]
    pub(super) fn push(&mut self, token: &Token) -> Option<&Print> {
        let number = self.tokens;
        if let Some(first) = number.checked_sub(RUN as u64) {
            let hash = self.hashes[place(first)];
            self.sum = self.sum.wrapping_sub(hash.wrapping_mul(Self::FIRST_FACTOR));
            self.distinct -= usize::from(self.repeated >> place(first) & 1 == 0);
        }
        match self.equal_before(token.hash) {
            Some(equal) => self.repeated |= 1 << place(equal),
            None => self.distinct += 1,
        }
        self.sum = self.sum.wrapping_mul(FACTOR).wrapping_add(token.hash);
        self.repeated &= !(1 << place(number));
        self.latest[token.hash as usize % LATEST] = number + 1;
        self.hashes[place(number)] = token.hash;
        self.starts[place(number)] = (token.start, token.at);
        self.tokens += 1;
        if self.tokens < RUN as u64 || self.distinct < DISTINCT {
            return None;
        }
        self.add((token.end, token.until))
    }

    /// Ends the text: one of a few runs is kept, however few they are.
    pub(super) fn finish(&mut self) -> Option<&Print> {
        if self.kept.is_some() || self.count == 0 { None } else { self.keep_least() }
    }

    /// Offset from which on tokens may still become part of a run that is kept.
    pub(super) fn open_since(&self) -> u64 {
        let oldest = |count: u64, len: usize| (count > 0).then(|| count.saturating_sub(len as u64));
        let run = oldest(self.count, WINDOW).map(|number| self.runs[number as usize % RUNS].start.0);
        let token = || oldest(self.tokens, RUN).map(|number| self.starts[place(number)].0);
        run.or_else(token).unwrap_or(u64::MAX)
    }

    /// The number of the latest token with a hash, of those that are in one run with the next one.
    #[inline]
    fn equal_before(&self, hash: u64) -> Option<u64> {
        let oldest = self.tokens.saturating_sub(RUN as u64 - 1);
        let number = self.latest[hash as usize % LATEST].checked_sub(1).filter(|number| *number >= oldest)?;
        if self.hashes[place(number)] == hash {
            return Some(number);
        }
        // Another token has the same place; the equal one may stand before it.
        (oldest..number).rev().find(|number| self.hashes[place(*number)] == hash)
    }

    /// Adds the run of the latest tokens to the window.
    #[inline]
    fn add(&mut self, end: (u64, LineColumn)) -> Option<&Print> {
        let hash = (self.sum ^ self.sum >> 32).wrapping_mul(FACTOR);
        let hash = hash ^ hash >> 29;
        let start = self.starts[place(self.tokens - RUN as u64)];
        let number = self.count;
        self.run_hashes[number as usize % RUNS] = hash;
        self.runs[number as usize % RUNS] = Print { hash, start, end };
        self.count += 1;
        if hash <= self.least.0 {
            self.least = (hash, number);
        } else if self.least.1 + WINDOW as u64 == number {
            self.least = self.least_of_window();
        }
        if self.count >= WINDOW as u64 { self.keep_least() } else { None }
    }

    /// The least run of the window, the latest of equals, when all of its runs are there.
    #[inline]
    fn least_of_window(&self) -> (u64, u64) {
        let mut least = (u64::MAX, 0);
        for number in self.count - WINDOW as u64..self.count {
            let hash = self.run_hashes[number as usize % RUNS];
            least = if hash <= least.0 { (hash, number) } else { least };
        }
        least
    }

    /// The least run of the window, the latest of equals, unless it was kept before.
    #[inline]
    fn keep_least(&mut self) -> Option<&Print> {
        let number = self.least.1;
        (self.kept.replace(number) != Some(number)).then(|| &self.runs[number as usize % RUNS])
    }
}

/// The place of a token.
#[inline]
fn place(number: u64) -> usize {
    number as usize % TOKENS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RUN: usize = 3;
    const WINDOW: usize = 4;
    const DISTINCT: usize = 2;

    fn kept(tokens: &[u64]) -> Vec<u64> {
        let place = LineColumn { line: 1, column: 1 };
        let mut grams = Grams::<RUN, WINDOW, DISTINCT>::new();
        let token = |(at, hash): (usize, &u64)| Token {
            hash: hash.wrapping_mul(FACTOR),
            start: at as u64,
            end: at as u64 + 1,
            at: place,
            until: place,
        };
        let mut kept: Vec<u64> = tokens
            .iter()
            .enumerate()
            .map(token)
            .filter_map(|token| grams.push(&token).copied())
            .map(|print| print.start.0)
            .collect();
        kept.extend(grams.finish().map(|print| print.start.0));
        kept
    }

    /// The same, as the definition says it.
    fn kept_by_definition(tokens: &[u64]) -> Vec<u64> {
        let hash = |run: &[u64]| {
            let step = |sum: u64, token: &u64| sum.wrapping_mul(FACTOR).wrapping_add(token.wrapping_mul(FACTOR));
            let sum = run.iter().fold(0, step);
            let hash = (sum ^ sum >> 32).wrapping_mul(FACTOR);
            hash ^ hash >> 29
        };
        let is_run = |run: &[u64]| run.iter().collect::<std::collections::BTreeSet<_>>().len() >= DISTINCT;
        let runs = tokens.windows(RUN).enumerate().filter(|(_, run)| is_run(run));
        let runs: Vec<(u64, u64)> = runs.map(|(at, run)| (hash(run), at as u64)).collect();
        let windows = runs.windows(WINDOW.min(runs.len()).max(1));
        let mut kept: Vec<u64> = Vec::new();
        for window in windows {
            let least = window.iter().min_by_key(|(hash, at)| (*hash, u64::MAX - at)).map(|(_, at)| *at);
            kept.extend(least.filter(|least| kept.last() != Some(least)));
        }
        kept
    }

    proptest! {
        #[test]
        fn runs_are_kept_as_winnowing_defines_it(tokens in prop::collection::vec(0_u64..6, 0..60)) {
            prop_assert_eq!(kept(&tokens), kept_by_definition(&tokens));
        }
    }
}
