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
    /// Its first token.
    pub(super) first: Token,
    /// Its last token.
    pub(super) last: Token,
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

/// Winnowing of a stream of tokens.
#[derive(Debug)]
pub(super) struct Grams {
    shape: Shape,
    tokens: VecDeque<Token>,
    /// Latest runs with their numbers.
    window: VecDeque<(Print, u64)>,
    count: u64,
    kept: Option<u64>,
}

impl Grams {
    /// At the start of a text.
    pub(super) fn new(shape: Shape) -> Self {
        Self { shape, tokens: VecDeque::new(), window: VecDeque::new(), count: 0, kept: None }
    }

    /// Takes the next token, and gives the run that is kept by it.
    pub(super) fn push(&mut self, token: Token) -> Option<Print> {
        self.tokens.push_back(token);
        if self.tokens.len() > self.shape.run {
            self.tokens.pop_front();
        }
        let run = self.run()?;
        self.window.push_back((run, self.count));
        self.count += 1;
        if self.window.len() > self.shape.window {
            self.window.pop_front();
        }
        (self.window.len() == self.shape.window).then(|| self.least())?
    }

    /// Ends the text: one of a few runs is kept, however few they are.
    pub(super) fn finish(&mut self) -> Option<Print> {
        if self.kept.is_some() || self.window.is_empty() { None } else { self.least() }
    }

    /// Offset from which on tokens may still become part of a run that is kept.
    pub(super) fn open_since(&self) -> u64 {
        let first = self.window.front().map(|(run, _)| run.first).or(self.tokens.front().copied());
        first.map_or(u64::MAX, |token| token.start)
    }

    fn run(&self) -> Option<Print> {
        let (first, last) = (*self.tokens.front()?, *self.tokens.back()?);
        if self.tokens.len() < self.shape.run {
            return None;
        }
        let mut hashes: Vec<u64> = self.tokens.iter().map(|token| token.hash).collect();
        // The order of tokens counts, so each is mixed in before the next.
        let mix = |hash: u64, token: &u64| (hash.rotate_left(23) ^ token).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let hash = hashes.iter().fold(0, mix);
        hashes.sort_unstable();
        hashes.dedup();
        (hashes.len() >= self.shape.distinct_min).then_some(Print { hash: hash ^ hash >> 29, first, last })
    }

    /// The least run of the window, the latest of equals, unless it was kept before.
    fn least(&mut self) -> Option<Print> {
        let (print, number) = *self.window.iter().min_by_key(|(print, number)| (print.hash, u64::MAX - number))?;
        (self.kept.replace(number) != Some(number)).then_some(print)
    }
}
