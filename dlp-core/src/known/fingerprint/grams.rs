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

/// How runs are made and kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Tokens of a run. A shared passage that is shorter is never seen.
    pub(super) run: usize,
    /// Runs of which one is kept. A shared passage of `run + window - 1` tokens is always seen.
    pub(super) window: usize,
    /// Different tokens that a run must have: a row of zeros is nobody's.
    pub(super) distinct_min: usize,
}

/// Words of a text.
pub(super) const TEXT: Shape = Shape { run: 5, window: 6, distinct_min: 4 };
/// Tokens of code.
pub(super) const CODE: Shape = Shape { run: 14, window: 8, distinct_min: 6 };

/// What the hash of a run is multiplied by before the next token is added.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Places for the tokens of a run and the runs of a window: powers of two, so that a number leads to its place.
const TOKENS: usize = 16;
const RUNS: usize = 8;

/// Winnowing of a stream of tokens. Every word of a text comes through here, so nothing is allocated for one, the hash of a
/// run is made from the one before it, and places are kept apart from hashes.
#[derive(Debug)]
pub(super) struct Grams {
    shape: Shape,
    /// Hashes of the latest tokens, and where they start, by their numbers.
    hashes: [u64; TOKENS],
    starts: [(u64, LineColumn); TOKENS],
    tokens: u64,
    /// Sum of their hashes, each multiplied by the factor once for each token behind it.
    sum: u64,
    /// The factor of the first token of a run.
    first_factor: u64,
    /// How many of the tokens have no equal behind them.
    distinct: usize,
    /// Hashes of the latest runs, and the runs, by their numbers.
    run_hashes: [u64; RUNS],
    runs: [Print; RUNS],
    count: u64,
    /// Hash and number of the least run of the window.
    least: (u64, u64),
    kept: Option<u64>,
}

impl Grams {
    /// At the start of a text.
    pub(super) fn new(shape: Shape) -> Self {
        assert!(shape.run <= TOKENS && shape.window <= RUNS, "there is room for a run and a window");
        let first_factor = (1..shape.run).fold(1, |power: u64, _| power.wrapping_mul(FACTOR));
        let nowhere = (0, LineColumn { line: 1, column: 1 });
        Self {
            shape,
            hashes: [0; TOKENS],
            starts: [nowhere; TOKENS],
            tokens: 0,
            sum: 0,
            first_factor,
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
        let run = self.shape.run as u64;
        if self.tokens >= run {
            let first = self.hashes[(self.tokens - run) as usize % TOKENS];
            self.sum = self.sum.wrapping_sub(first.wrapping_mul(self.first_factor));
            self.distinct -= usize::from(!self.holds(first, run - 1));
        }
        self.distinct += usize::from(!self.holds(token.hash, run - 1));
        self.sum = self.sum.wrapping_mul(FACTOR).wrapping_add(token.hash);
        let at = self.tokens as usize % TOKENS;
        (self.hashes[at], self.starts[at]) = (token.hash, (token.start, token.at));
        self.tokens += 1;
        if self.tokens < run || self.distinct < self.shape.distinct_min {
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
        let oldest = |count: u64, len: usize| (count > 0).then(|| count.saturating_sub(len as u64) as usize);
        let run = oldest(self.count, self.shape.window).map(|number| self.runs[number % RUNS].start.0);
        let token = || oldest(self.tokens, self.shape.run).map(|number| self.starts[number % TOKENS].0);
        run.or_else(token).unwrap_or(u64::MAX)
    }

    /// Whether one of so many latest tokens has a hash.
    fn holds(&self, hash: u64, latest: u64) -> bool {
        let from = self.tokens.saturating_sub(latest);
        (from..self.tokens).fold(false, |any, number| any | (self.hashes[number as usize % TOKENS] == hash))
    }

    /// Adds the run of the latest tokens to the window.
    fn add(&mut self, end: (u64, LineColumn)) -> Option<&Print> {
        let hash = (self.sum ^ self.sum >> 32).wrapping_mul(FACTOR);
        let hash = hash ^ hash >> 29;
        let start = self.starts[(self.tokens - self.shape.run as u64) as usize % TOKENS];
        let (number, window) = (self.count, self.shape.window as u64);
        self.run_hashes[number as usize % RUNS] = hash;
        self.runs[number as usize % RUNS] = Print { hash, start, end };
        self.count += 1;
        if hash <= self.least.0 {
            self.least = (hash, number);
        } else if self.least.1 + window == number {
            // The latest of equals.
            let latest = (self.least.1 + 1..self.count).map(|number| (self.run_hashes[number as usize % RUNS], number));
            self.least = latest.min_by_key(|(hash, number)| (*hash, u64::MAX - number))?;
        }
        if self.count >= window { self.keep_least() } else { None }
    }

    /// The least run of the window, the latest of equals, unless it was kept before.
    #[inline]
    fn keep_least(&mut self) -> Option<&Print> {
        let number = self.least.1;
        (self.kept.replace(number) != Some(number)).then(|| &self.runs[number as usize % RUNS])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SMALL: Shape = Shape { run: 3, window: 4, distinct_min: 2 };

    fn kept(tokens: &[u64]) -> Vec<u64> {
        let place = LineColumn { line: 1, column: 1 };
        let mut grams = Grams::new(SMALL);
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
        let is_run = |run: &[u64]| run.iter().collect::<std::collections::BTreeSet<_>>().len() >= SMALL.distinct_min;
        let runs = tokens.windows(SMALL.run).enumerate().filter(|(_, run)| is_run(run));
        let runs: Vec<(u64, u64)> = runs.map(|(at, run)| (hash(run), at as u64)).collect();
        let windows = runs.windows(SMALL.window.min(runs.len()).max(1));
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
