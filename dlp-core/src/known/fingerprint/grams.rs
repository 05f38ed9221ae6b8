//! Runs of tokens, and which of them are kept.

use crate::matching::LineColumn;
use std::collections::VecDeque;

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

/// Winnowing of a stream of tokens. Every word of a text comes through here, so nothing is allocated for one, and the hash
/// of a run is made from the one before it.
#[derive(Debug)]
pub(super) struct Grams {
    shape: Shape,
    /// Latest tokens.
    tokens: VecDeque<Token>,
    /// Sum of their hashes, each multiplied by the factor once for each token behind it.
    sum: u64,
    /// The factor of the first token of a run.
    first_factor: u64,
    /// How many of the tokens have no equal behind them.
    distinct: usize,
    /// Latest runs with their numbers.
    window: VecDeque<(Print, u64)>,
    count: u64,
    /// Hash and number of the least run of the window.
    least: (u64, u64),
    kept: Option<u64>,
}

impl Grams {
    /// At the start of a text.
    pub(super) fn new(shape: Shape) -> Self {
        let first_factor = (1..shape.run).fold(1, |power: u64, _| power.wrapping_mul(FACTOR));
        Self {
            shape,
            tokens: VecDeque::with_capacity(shape.run + 1),
            sum: 0,
            first_factor,
            distinct: 0,
            window: VecDeque::with_capacity(shape.window + 1),
            count: 0,
            least: (u64::MAX, 0),
            kept: None,
        }
    }

    /// Takes the next token, and gives the run that is kept by it.
    pub(super) fn push(&mut self, token: Token) -> Option<Print> {
        if self.tokens.len() == self.shape.run
            && let Some(first) = self.tokens.pop_front()
        {
            self.sum = self.sum.wrapping_sub(first.hash.wrapping_mul(self.first_factor));
            self.distinct -= usize::from(!self.holds(first.hash));
        }
        self.distinct += usize::from(!self.holds(token.hash));
        self.sum = self.sum.wrapping_mul(FACTOR).wrapping_add(token.hash);
        self.tokens.push_back(token);
        if self.tokens.len() < self.shape.run || self.distinct < self.shape.distinct_min {
            return None;
        }
        self.add()
    }

    /// Ends the text: one of a few runs is kept, however few they are.
    pub(super) fn finish(&mut self) -> Option<Print> {
        if self.kept.is_some() || self.window.is_empty() { None } else { self.keep_least() }
    }

    /// Offset from which on tokens may still become part of a run that is kept.
    pub(super) fn open_since(&self) -> u64 {
        let first = self.window.front().map(|(run, _)| run.start.0);
        first.or(self.tokens.front().map(|token| token.start)).unwrap_or(u64::MAX)
    }

    fn holds(&self, hash: u64) -> bool {
        self.tokens.iter().any(|token| token.hash == hash)
    }

    /// Adds the run of the latest tokens to the window.
    fn add(&mut self) -> Option<Print> {
        let (first, last) = (self.tokens.front()?, self.tokens.back()?);
        let hash = (self.sum ^ self.sum >> 32).wrapping_mul(FACTOR);
        let hash = hash ^ hash >> 29;
        let print = Print { hash, start: (first.start, first.at), end: (last.end, last.until) };
        let number = self.count;
        self.count += 1;
        let leaves = (self.window.len() == self.shape.window).then(|| self.window.pop_front()).flatten();
        self.window.push_back((print, number));
        if hash <= self.least.0 {
            self.least = (hash, number);
        } else if leaves.is_some_and(|(_, number)| number == self.least.1) {
            // The latest of equals.
            let runs = self.window.iter().map(|(print, number)| (print.hash, *number));
            self.least = runs.min_by_key(|(hash, number)| (*hash, u64::MAX - number))?;
        }
        if self.window.len() == self.shape.window { self.keep_least() } else { None }
    }

    /// The least run of the window, the latest of equals, unless it was kept before.
    fn keep_least(&mut self) -> Option<Print> {
        let number = self.least.1;
        if self.kept.replace(number) == Some(number) {
            return None;
        }
        let first = self.window.front()?.1;
        self.window.get(usize::try_from(number - first).ok()?).map(|(print, _)| *print)
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
            .filter_map(|token| grams.push(token))
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
