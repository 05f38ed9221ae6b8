//! Sequences of a block: how many literals come, and what is repeated then (RFC 8878 3.1.1.3.2, 3.1.1.4).

use super::bits::Backward;
use super::fse::Table;
use std::sync::LazyLock;

/// One kind of number that sequences consist of.
struct Kind {
    /// The table where a block brings none.
    usual: &'static LazyLock<Table>,
    log_max: u32,
    /// The highest code that there is.
    code_max: u8,
}

const LITERALS: Kind = Kind { usual: &USUAL_LITERALS, log_max: 9, code_max: 35 };
const OFFSETS: Kind = Kind { usual: &USUAL_OFFSETS, log_max: 8, code_max: 31 };
const MATCHES: Kind = Kind { usual: &USUAL_MATCHES, log_max: 9, code_max: 52 };

static USUAL_LITERALS: LazyLock<Table> = LazyLock::new(|| {
    usual(
        &[
            4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1,
            -1,
        ],
        6,
    )
});
static USUAL_OFFSETS: LazyLock<Table> = LazyLock::new(|| {
    usual(&[1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1], 5)
});
static USUAL_MATCHES: LazyLock<Table> = LazyLock::new(|| {
    usual(
        &[
            1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
            1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
        ],
        6,
    )
});

fn usual(counts: &[i16], log: u32) -> Table {
    Table::of_counts(counts, log).expect("the counts of the standard add up")
}

/// From this code of a length on, its base and the bits that are added to it.
const LITERALS_FROM: u8 = 16;
const LITERAL_LENGTHS: [(u32, u32); 20] = [
    (16, 1),
    (18, 1),
    (20, 1),
    (22, 1),
    (24, 2),
    (28, 2),
    (32, 3),
    (40, 3),
    (48, 4),
    (64, 6),
    (128, 7),
    (256, 8),
    (512, 9),
    (1024, 10),
    (2048, 11),
    (4096, 12),
    (8192, 13),
    (16_384, 14),
    (32_768, 15),
    (65_536, 16),
];
const MATCHES_FROM: u8 = 32;
const MATCH_LENGTHS: [(u32, u32); 21] = [
    (35, 1),
    (37, 1),
    (39, 1),
    (41, 1),
    (43, 2),
    (47, 2),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 5),
    (131, 7),
    (259, 8),
    (515, 9),
    (1027, 10),
    (2051, 11),
    (4099, 12),
    (8195, 13),
    (16_387, 14),
    (32_771, 15),
    (65_539, 16),
];
/// The shortest match.
const MATCH_MIN: u32 = 3;

/// What sequences take over from those of the block before.
#[derive(Debug)]
pub(super) struct Sequences {
    literals: Option<Table>,
    offsets: Option<Table>,
    matches: Option<Table>,
    /// The offsets that were used last.
    latest: [usize; 3],
}

/// One sequence.
#[derive(Clone, Copy, Debug)]
struct Sequence {
    literals: u32,
    matched: u32,
    /// One, two and three stand for those that were used last.
    offset: u32,
}

/// What a block is made into.
pub(super) struct Made<'m> {
    /// What was made in front of the block and within it.
    pub(super) history: &'m mut Vec<u8>,
    /// As far back as may be repeated.
    pub(super) window: usize,
    /// Bytes that the history may have after this block.
    pub(super) len_max: usize,
}

impl Default for Sequences {
    fn default() -> Self {
        Self { literals: None, offsets: None, matches: None, latest: [1, 4, 8] }
    }
}

impl Sequences {
    /// Runs the sequences of a block over its literals. None when they are broken.
    pub(super) fn run(&mut self, bytes: &[u8], literals: &[u8], mut made: Made<'_>) -> Option<()> {
        let (count, bytes) = count_of(bytes)?;
        if count == 0 {
            return (bytes.is_empty() && made.push(literals)).then_some(());
        }
        let bytes = self.read_tables(bytes)?;
        let Self { literals: Some(lengths), offsets: Some(offsets), matches: Some(matches), latest } = self else {
            return None;
        };
        let mut bits = Backward::new(bytes)?;
        let mut walkers = (lengths.walk(&mut bits), offsets.walk(&mut bits), matches.walk(&mut bits));
        let mut rest = literals;
        for number in 1..=count {
            let (length, offset, matched) = &mut walkers;
            let sequence = Sequence::read((length.symbol(), offset.symbol(), matched.symbol()), &mut bits)?;
            if number < count {
                length.go_on(&mut bits);
                matched.go_on(&mut bits);
                offset.go_on(&mut bits);
            }
            let (now, later) = rest.split_at_checked(sequence.literals as usize)?;
            rest = later;
            let is_whole = made.push(now) && made.repeat(sequence.offset(latest)?, sequence.matched as usize);
            if !is_whole || bits.left() < 0 {
                return None;
            }
        }
        (bits.left() == 0 && made.push(rest)).then_some(())
    }

    /// Reads the tables that a block brings; gives what stands behind them.
    fn read_tables<'b>(&mut self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let (&modes, mut rest) = bytes.split_first()?;
        if modes & 3 != 0 {
            return None;
        }
        let tables = [
            (&mut self.literals, LITERALS, modes >> 6),
            (&mut self.offsets, OFFSETS, modes >> 4 & 3),
            (&mut self.matches, MATCHES, modes >> 2 & 3),
        ];
        for (table, kind, mode) in tables {
            rest = kind.read(table, mode, rest)?;
        }
        Some(rest)
    }
}

impl Kind {
    fn read<'b>(&self, table: &mut Option<Table>, mode: u8, bytes: &'b [u8]) -> Option<&'b [u8]> {
        match mode {
            0 => {
                *table = Some((**self.usual).clone());
                Some(bytes)
            }
            1 => {
                let (&code, rest) = bytes.split_first()?;
                *table = Some(Table::of_one(code)).filter(|_| code <= self.code_max);
                table.is_some().then_some(rest)
            }
            2 => {
                let (read, len) = Table::read(bytes, self.log_max, self.code_max)?;
                *table = Some(read);
                bytes.get(len..)
            }
            // The one of the block before.
            _ => table.is_some().then_some(bytes),
        }
    }
}

/// How many sequences there are, and what follows.
fn count_of(bytes: &[u8]) -> Option<(u32, &[u8])> {
    match bytes {
        [first @ 0..=127, rest @ ..] => Some((u32::from(*first), rest)),
        [255, low, high, rest @ ..] => Some((u32::from(*low) + (u32::from(*high) << 8) + 0x7f00, rest)),
        [first @ 128..=254, low, rest @ ..] => Some((((u32::from(*first) - 128) << 8) + u32::from(*low), rest)),
        _ => None,
    }
}

impl Sequence {
    fn read((literals, offset, matched): (u8, u8, u8), bits: &mut Backward<'_>) -> Option<Self> {
        if offset > OFFSETS.code_max {
            return None;
        }
        let offset = (1 << offset) + bits.take(offset.into());
        let matched = match matched.checked_sub(MATCHES_FROM) {
            None => u32::from(matched) + MATCH_MIN,
            Some(at) => with_bits(*MATCH_LENGTHS.get(usize::from(at))?, bits),
        };
        let literals = match literals.checked_sub(LITERALS_FROM) {
            None => literals.into(),
            Some(at) => with_bits(*LITERAL_LENGTHS.get(usize::from(at))?, bits),
        };
        Some(Self { literals, matched, offset })
    }

    /// How far back the match is; none for a place that there is not.
    fn offset(self, latest: &mut [usize; 3]) -> Option<usize> {
        let [first, second, third] = *latest;
        // Without literals before it the one used last would only lengthen the match before.
        let number = self.offset + u32::from(self.literals == 0 && self.offset <= 3);
        let offset = match number {
            1 => return Some(first),
            2 => second,
            3 => third,
            4 if self.offset == 3 => first.checked_sub(1)?,
            _ => (self.offset - 3) as usize,
        };
        *latest = [offset, first, if number == 2 { third } else { second }];
        Some(offset)
    }
}

fn with_bits((base, count): (u32, u32), bits: &mut Backward<'_>) -> u32 {
    base + bits.take(count)
}

impl Made<'_> {
    /// False when it would be more than a block may have.
    fn push(&mut self, literals: &[u8]) -> bool {
        let has_room = self.history.len() + literals.len() <= self.len_max;
        if has_room {
            self.history.extend_from_slice(literals);
        }
        has_room
    }

    /// Repeats what was made so far back; what comes of it may be repeated in turn.
    fn repeat(&mut self, offset: usize, len: usize) -> bool {
        let end = self.history.len();
        if offset == 0 || offset > end.min(self.window) || end + len > self.len_max {
            return false;
        }
        let (start, mut left) = (end - offset, len);
        while left > 0 {
            let count = left.min(self.history.len() - start);
            self.history.extend_from_within(start..start + count);
            left -= count;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_may_repeat_itself() {
        let rows: [(usize, usize, Option<&[u8]>); 6] = [
            (1, 5, Some(b"abcccccc")),
            (2, 5, Some(b"abcbcbcb")),
            (3, 2, Some(b"abcab")),
            (4, 1, None),
            (0, 1, None),
            (3, 8, None),
        ];
        for (offset, len, expected) in rows {
            let mut history = b"abc".to_vec();
            let mut made = Made { history: &mut history, window: 3, len_max: 10 };
            assert_eq!(made.repeat(offset, len), expected.is_some(), "{offset} {len}");
            assert_eq!(history, expected.unwrap_or(b"abc"));
        }
    }

    #[test]
    fn offsets_that_were_used_last_have_short_names() {
        // Literals and offset as they are written, the offset that is meant, and what is known afterwards.
        let rows = [
            ((1, 1), Some(10), [10, 20, 30]),
            ((1, 2), Some(20), [20, 10, 30]),
            ((1, 3), Some(30), [30, 10, 20]),
            ((1, 4), Some(1), [1, 10, 20]),
            ((0, 1), Some(20), [20, 10, 30]),
            ((0, 2), Some(30), [30, 10, 20]),
            ((0, 3), Some(9), [9, 10, 20]),
            ((0, 4), Some(1), [1, 10, 20]),
            ((0, 103), Some(100), [100, 10, 20]),
        ];
        for ((literals, offset), expected, after) in rows {
            let mut latest = [10, 20, 30];
            let got = Sequence { literals, matched: 3, offset }.offset(&mut latest);
            assert_eq!((got, latest), (expected, after), "{literals} {offset}");
        }
    }
}
