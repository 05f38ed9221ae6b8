//! Which two runs a token may begin with.
//!
//! Of numbers in text most have a length, or a mark behind it, that no pattern has; and where each run alone would do,
//! the two together often do not: `1024.` begins many numbers, and `.5` goes on many, but not the same. The answer for
//! all rows at once is one bit, looked up by both runs.

use super::{FOLLOWED_RUNS, place};
use crate::knowledge::{FOLLOWERS, RUNS, Shape};
use crate::matching::runs::Run;
use std::collections::HashSet;

/// Words of a set of runs.
const WORDS: usize = RUNS.div_ceil(64);

/// For each first run with its follower, the second runs that a row can have, one bit each.
#[derive(Debug)]
pub(super) struct Couples(Box<[[u64; WORDS]; FOLLOWED_RUNS]>);

impl Default for Couples {
    fn default() -> Self {
        Self(Box::new([[0; WORDS]; FOLLOWED_RUNS]))
    }
}

impl Couples {
    /// Those of some shapes.
    pub(super) fn of<'s>(shapes: impl Iterator<Item = &'s Shape>) -> Self {
        let distinct: HashSet<&Shape> = shapes.collect();
        let mut couples = Self::default();
        distinct.into_iter().for_each(|shape| couples.add(shape));
        couples
    }

    fn add(&mut self, shape: &Shape) {
        let mut seconds = [0; WORDS];
        for run in (0..RUNS).filter(|run| shape.followers(1, *run) != 0) {
            seconds[run / 64] |= 1 << (run % 64);
        }
        for first in 0..RUNS {
            let followers = shape.followers(0, first);
            for follower in (0..FOLLOWERS).filter(|follower| followers >> follower & 1 == 1) {
                let known = &mut self.0[first * FOLLOWERS + follower];
                known.iter_mut().zip(seconds).for_each(|(known, more)| *known |= more);
            }
        }
    }

    /// Whether a row has these two runs; where nothing is known of the second, whether one has the first.
    #[inline(always)]
    pub(super) fn holds(&self, first: &Run, second: Option<usize>) -> bool {
        let seconds = &self.0[place(first)];
        match second {
            Some(run) => seconds[run / 64] >> (run % 64) & 1 == 1,
            None => seconds.iter().any(|word| *word != 0),
        }
    }
}
