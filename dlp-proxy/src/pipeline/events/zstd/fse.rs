//! Tables of finite state entropy: how often each symbol is, and the states that follow from it (RFC 8878 4.1).

use super::bits::{Backward, Forward};

/// The largest table that there may be, as a power of two.
const LOG_MAX: u32 = 9;

/// The states of one kind of symbol.
#[derive(Clone, Debug)]
pub(super) struct Table {
    log: u32,
    states: Vec<State>,
}

/// A symbol, and the bits that lead to the next state.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    symbol: u8,
    bits: u8,
    base: u16,
}

/// A place in a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walker<'t> {
    table: &'t Table,
    at: usize,
}

impl Table {
    /// One symbol again and again.
    pub(super) fn of_one(symbol: u8) -> Self {
        Self { log: 0, states: vec![State { symbol, ..State::default() }] }
    }

    /// Reads how often each symbol is, and how many bytes say so. None when no table has such counts.
    pub(super) fn read(bytes: &[u8], log_max: u32, symbol_max: u8) -> Option<(Self, usize)> {
        let mut bits = Forward::new(bytes);
        let log = bits.take(4) + 5;
        if log > log_max.min(LOG_MAX) {
            return None;
        }
        let (mut left, mut counts) = (1_i32 << log, Vec::new());
        while left > 0 {
            let count = next_count(&mut bits, left);
            left -= count.abs();
            counts.push(count as i16);
            let mut zeros = if count == 0 { 3 } else { 0 };
            while zeros == 3 {
                zeros = bits.take(2);
                counts.extend((0..zeros).map(|_| 0));
                bits.taken_bytes()?;
            }
            if counts.len() > usize::from(symbol_max) + 1 {
                return None;
            }
        }
        Some((Self::of_counts(&counts, log)?, bits.taken_bytes()?))
    }

    /// The states for such counts; -1 is less than one. None when they do not add up.
    pub(super) fn of_counts(counts: &[i16], log: u32) -> Option<Self> {
        let size = 1_usize << log;
        if counts.iter().map(|count| usize::from(count.unsigned_abs())).sum::<usize>() != size {
            return None;
        }
        let mut states = vec![State::default(); size];
        let rare = (0_u8..).zip(counts).filter(|(_, count)| **count < 0);
        let mut end = size;
        for (symbol, _) in rare {
            end -= 1;
            states[end].symbol = symbol;
        }
        spread(&mut states, counts, end);
        let mut next: Vec<u32> = counts.iter().map(|count| u32::from(count.unsigned_abs())).collect();
        for state in &mut states {
            let number = &mut next[usize::from(state.symbol)];
            let bits = log - number.ilog2();
            (state.bits, state.base) = (bits as u8, ((*number << bits) - size as u32) as u16);
            *number += 1;
        }
        Some(Self { log, states })
    }

    /// Begins where the bits say.
    pub(super) fn walk(&self, bits: &mut Backward<'_>) -> Walker<'_> {
        Walker { table: self, at: bits.take(self.log) as usize }
    }
}

/// How often the next symbol is, of so many that are left: a number that takes a bit less when it is small.
fn next_count(bits: &mut Forward<'_>, left: i32) -> i32 {
    let width = (left + 1).ilog2() + 1;
    let low = (1 << (width - 1)) - 1;
    let spare = (1 << width) - 1 - (left + 1);
    let number = bits.take(width) as i32;
    let number = if number & low < spare {
        bits.give_back();
        number & low
    } else if number > low {
        number - spare
    } else {
        number
    };
    number - 1
}

/// Spreads the symbols over the states before `end`.
fn spread(states: &mut [State], counts: &[i16], end: usize) {
    let (size, mut at) = (states.len(), 0);
    let step = (size >> 1) + (size >> 3) + 3;
    for (symbol, count) in (0_u8..).zip(counts) {
        for _ in 0..(*count).max(0) {
            states[at].symbol = symbol;
            at = (at + step) & (size - 1);
            while at >= end {
                at = (at + step) & (size - 1);
            }
        }
    }
}

impl Walker<'_> {
    pub(super) fn symbol(&self) -> u8 {
        self.table.states[self.at].symbol
    }

    pub(super) fn go_on(&mut self, bits: &mut Backward<'_>) {
        let State { bits: count, base, .. } = self.table.states[self.at];
        self.at = usize::from(base) + bits.take(count.into()) as usize;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_that_make_no_table_are_refused() {
        assert!(Table::of_counts(&[16, 15, -1], 5).is_some());
        assert!(Table::of_counts(&[16, 15], 5).is_none() && Table::of_counts(&[33], 5).is_none());
        // A table of 32 states, all of the first symbol: the highest number of six bits.
        assert_eq!(Table::read(&[0xf0, 0x03], 9, 10).map(|(_, used)| used), Some(2));
        assert!(Table::read(&[0x0f, 0], 9, 10).is_none(), "too large");
        assert!(Table::read(&[], 9, 10).is_none() && Table::read(&[0x10; 2], 9, 10).is_none(), "cut");
        let many = [0x10, 0xfe, 0xff, 0xff, 0, 0, 0, 0];
        assert!(Table::read(&many, 9, 5).is_none(), "more symbols than there are");
    }
}
