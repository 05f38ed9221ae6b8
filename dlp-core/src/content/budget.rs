//! The work budget of one job, shared by all its items, and the readers that charge it.
//!
//! Sizes in headers are claims, so nothing is charged or reserved for them: the budget counts bytes that were really
//! produced. A reader that meets a bound ends with an I/O error and leaves the bound in the budget, where the walk
//! picks it up: decoders in between may wrap or swallow the error, but not the note.

use crate::base::{
    COPIES_RATIO_FREE, Cancel, HANDED_OUT_BYTES_FREE, HANDED_OUT_RATIO_MAX, HELD_BYTES_FREE, HELD_RATIO_MAX,
    INFLATED_BYTES_FREE, INFLATED_RATIO_FREE, Limit, Limits, Problem, ProblemClass,
};
use std::cell::Cell;
use std::io::{self, Read};

/// Containers of the largest allowed size that may be held in memory at the same time, one inside the other.
const HELD_CONTAINERS_MAX: u64 = 4;

/// What is left of a job's bounds.
pub(super) struct Budget<'a> {
    pub(super) limits: &'a Limits,
    pub(super) cancel: &'a Cancel,
    items: Cell<u64>,
    /// Bytes of the input, as far as they are known.
    source_bytes: Cell<u64>,
    inflated_bytes: Cell<u64>,
    /// Bytes that parsers in other processes made of the input.
    parsed_bytes: Cell<u64>,
    handed_out_bytes: Cell<u64>,
    held_bytes: Cell<u64>,
    /// What the decoder that was read last had taken in and given.
    decoded: Cell<(u64, u64)>,
    /// Bytes of archives that were opened although copies of them were.
    copied_bytes: Cell<u64>,
    pictures: Cell<u64>,
    password_rounds: Cell<u64>,
    /// A bound that a reader met and nobody has reported yet.
    hit: Cell<Option<Hit>>,
    /// A bound of the whole job is used up: nothing more may be entered.
    exhausted: Cell<bool>,
}

/// A bound that was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hit {
    Bound(Limit),
    Cancelled,
}

impl Hit {
    /// The problem that people see.
    pub(super) fn problem(self) -> Problem {
        match self {
            Self::Bound(limit) => {
                let message =
                    format!("reading stopped at the bound {} = {}; the rest was not read", limit.name, limit.value);
                Problem::limit(limit.name, limit.value, message)
            }
            Self::Cancelled => {
                Problem::new(ProblemClass::Timeout, "wall_time_max", "the job was stopped before everything was read")
            }
        }
    }
}

impl<'a> Budget<'a> {
    pub(super) fn new(limits: &'a Limits, cancel: &'a Cancel) -> Self {
        Self {
            limits,
            cancel,
            items: Cell::new(0),
            source_bytes: Cell::new(0),
            inflated_bytes: Cell::new(0),
            parsed_bytes: Cell::new(0),
            handed_out_bytes: Cell::new(0),
            held_bytes: Cell::new(0),
            decoded: Cell::new((0, 0)),
            copied_bytes: Cell::new(0),
            pictures: Cell::new(0),
            password_rounds: Cell::new(0),
            hit: Cell::new(None),
            exhausted: Cell::new(false),
        }
    }

    /// Counts an item or a part of a document.
    pub(super) fn take_item(&self) -> Result<(), Hit> {
        self.items.set(self.items.get() + 1);
        if self.items.get() > self.limits.items_max {
            return Err(self.exhaust("items_max", self.limits.items_max));
        }
        Ok(())
    }

    /// Counts a picture whose text is to be recognised; false when there are too many.
    pub(super) fn take_picture(&self) -> bool {
        self.pictures.set(self.pictures.get() + 1);
        self.pictures.get() <= self.limits.ocr_pictures_max
    }

    /// Counts rounds of sums that a password goes through; false, with the bound left as met, when there are too many.
    pub(super) fn take_password_rounds(&self, rounds: u32) -> bool {
        let max = self.limits.password_rounds_max;
        let sum = self.password_rounds.get().saturating_add(u64::from(rounds));
        if sum > max {
            self.hit.set(Some(Hit::Bound(Limit { name: "password_rounds_max", value: max })));
            return false;
        }
        self.password_rounds.set(sum);
        true
    }

    /// Checks the token that stops the job from outside.
    pub(super) fn check_cancel(&self) -> Result<(), Hit> {
        if self.cancel.is_tripped() {
            self.exhausted.set(true);
            return Err(Hit::Cancelled);
        }
        Ok(())
    }

    /// Whether a bound of the whole job is used up.
    pub(super) fn is_exhausted(&self) -> bool {
        self.exhausted.get()
    }

    /// The bound that a reader met since the last call.
    pub(super) fn take_hit(&self) -> Option<Hit> {
        self.hit.take()
    }

    /// Room in bytes for one more held container.
    pub(super) fn room_to_hold(&self) -> u64 {
        let total = self.limits.held_bytes_max.saturating_mul(HELD_CONTAINERS_MAX);
        let honest = HELD_RATIO_MAX.saturating_mul(self.source_bytes.get()).max(HELD_BYTES_FREE);
        total.min(honest).saturating_sub(self.held_bytes.get()).min(self.limits.held_bytes_max)
    }

    /// Room in bytes for a table of strings, which is held beside what it was read from.
    pub(super) fn room_for_strings(&self) -> u64 {
        self.room_to_hold().min(self.limits.shared_strings_bytes_max)
    }

    /// The bound that so many more held bytes would pass, of what is being read now.
    pub(super) fn bound_of_holding(&self, bytes: u64) -> Option<Limit> {
        let max = self.limits.held_bytes_max;
        let sum = self.held_bytes.get().saturating_add(bytes);
        if bytes > max || sum > max.saturating_mul(HELD_CONTAINERS_MAX) {
            return Some(Limit { name: "held_bytes_max", value: max });
        }
        let source = self.source_bytes.get();
        let by_decoder = match self.decoded.get() {
            (_, 0) => u64::MAX,
            (taken, _) => HELD_RATIO_MAX.saturating_mul(taken).max(INFLATED_RATIO_FREE.saturating_mul(source)),
        };
        let honest = HELD_RATIO_MAX.saturating_mul(source).min(by_decoder).max(HELD_BYTES_FREE);
        (sum > honest).then_some(Limit { name: "held_ratio_max", value: HELD_RATIO_MAX })
    }

    /// Counts a further copy of an archive; false when there were too many.
    pub(super) fn take_copy(&self, bytes: u64) -> bool {
        let sum = self.copied_bytes.get().saturating_add(bytes);
        let is_free = sum <= COPIES_RATIO_FREE.saturating_mul(self.source_bytes.get());
        if is_free {
            self.copied_bytes.set(sum);
        }
        is_free
    }

    /// Counts held bytes until the guard is dropped.
    pub(super) fn hold(&self, bytes: u64) -> Held<'_> {
        self.held_bytes.set(self.held_bytes.get() + bytes);
        Held { counter: &self.held_bytes, bytes }
    }

    /// The counter of the bytes that the input has.
    pub(super) fn source_bytes(&self) -> &Cell<u64> {
        &self.source_bytes
    }

    /// Charges decompressed bytes to the job.
    pub(super) fn charge_inflated(&self, bytes: u64) -> Result<(), Hit> {
        self.inflated_bytes.set(self.inflated_bytes.get().saturating_add(bytes));
        // The multiplications below are left to jobs that are past the free bytes.
        if self.inflated_bytes.get() > INFLATED_BYTES_FREE.min(self.limits.inflated_bytes_max) {
            let max = self.inflated_bytes_max();
            if self.inflated_bytes.get() > max {
                return Err(self.exhaust("inflated_bytes_max", max));
            }
        }
        self.check_cancel()
    }

    /// Decompressed bytes that an input of this size may make: a small one is no bomb of any size, and what large ones
    /// honestly hold is read.
    fn inflated_bytes_max(&self) -> u64 {
        let (limits, source) = (self.limits, self.source_bytes.get());
        let by_ratio = limits.ratio_max.saturating_mul(source).max(INFLATED_BYTES_FREE);
        by_ratio.min(limits.inflated_bytes_max).max(INFLATED_RATIO_FREE.saturating_mul(source))
    }

    /// Counts bytes that a parser in another process made, which has bounds of its own.
    pub(super) fn add_parsed(&self, bytes: u64) {
        self.parsed_bytes.set(self.parsed_bytes.get().saturating_add(bytes));
    }

    /// Charges text that is handed out. Formats that name a content many times would make any amount of text of a small
    /// input.
    pub(super) fn charge_handed_out(&self, bytes: u64) -> Result<(), Hit> {
        let sum = self.handed_out_bytes.get().saturating_add(bytes);
        self.handed_out_bytes.set(sum);
        if sum <= HANDED_OUT_BYTES_FREE {
            return Ok(());
        }
        let made = self.source_bytes.get().saturating_add(self.inflated_bytes.get());
        let of_made = HANDED_OUT_RATIO_MAX.saturating_mul(made.saturating_add(self.parsed_bytes.get()));
        let max = of_made.max(self.inflated_bytes_max()).max(HANDED_OUT_BYTES_FREE);
        if sum > max { Err(self.exhaust("handed_out_bytes_max", max)) } else { Ok(()) }
    }

    /// Whether so much output of so much input is honest.
    pub(super) fn check_ratio(&self, input_bytes: u64, output_bytes: u64) -> Result<(), Hit> {
        let limits = self.limits;
        let allowed = limits.ratio_max.saturating_mul(input_bytes.max(1));
        if output_bytes > limits.ratio_grace_bytes && output_bytes > allowed {
            return Err(Hit::Bound(Limit { name: "ratio_max", value: limits.ratio_max }));
        }
        Ok(())
    }

    fn exhaust(&self, name: &'static str, value: u64) -> Hit {
        self.exhausted.set(true);
        Hit::Bound(Limit { name, value })
    }
}

/// Pieces of one file that are unpacked one by one: each of them may be small, and all together a bomb.
#[derive(Default)]
pub(super) struct Pieces {
    packed_bytes: u64,
    unpacked_bytes: u64,
}

impl Pieces {
    /// Counts a piece.
    pub(super) fn take(&mut self, budget: &Budget<'_>, packed_bytes: usize, unpacked_bytes: usize) -> Result<(), Hit> {
        self.packed_bytes += packed_bytes as u64;
        self.unpacked_bytes += unpacked_bytes as u64;
        budget.check_ratio(self.packed_bytes, self.unpacked_bytes)
    }
}

/// Held bytes, given back on drop.
pub(super) struct Held<'a> {
    counter: &'a Cell<u64>,
    bytes: u64,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.counter.set(self.counter.get().saturating_sub(self.bytes));
    }
}

/// Counts the bytes that a decoder takes in.
pub(super) struct Counted<'c, R> {
    inner: R,
    count: &'c Cell<u64>,
}

impl<'c, R> Counted<'c, R> {
    pub(super) fn new(inner: R, count: &'c Cell<u64>) -> Self {
        Self { inner, count }
    }
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buf)?;
        self.count.set(self.count.get() + len as u64);
        Ok(len)
    }
}

/// The output of a decoder under the budget: total bytes, bytes of this member, ratio to what went in.
pub(super) struct Metered<'b, 'a, R> {
    inner: R,
    budget: &'b Budget<'a>,
    input_bytes: &'b Cell<u64>,
    output_bytes: u64,
    failed: Option<Hit>,
}

impl<'b, 'a, R: Read> Metered<'b, 'a, R> {
    pub(super) fn new(inner: R, budget: &'b Budget<'a>, input_bytes: &'b Cell<u64>) -> Self {
        Self { inner, budget, input_bytes, output_bytes: 0, failed: None }
    }

    /// Whether a bound ended the member.
    pub(super) fn is_cut(&self) -> bool {
        self.failed.is_some()
    }

    /// Bytes that were read of it.
    pub(super) fn output_bytes(&self) -> u64 {
        self.output_bytes
    }

    pub(super) fn into_inner(self) -> R {
        self.inner
    }

    fn charge(&mut self, bytes: u64) -> Result<(), Hit> {
        let limits = self.budget.limits;
        self.output_bytes += bytes;
        self.budget.decoded.set((self.input_bytes.get(), self.output_bytes));
        self.budget.charge_inflated(bytes)?;
        if self.output_bytes > limits.member_bytes_max {
            return Err(Hit::Bound(Limit { name: "member_bytes_max", value: limits.member_bytes_max }));
        }
        self.budget.check_ratio(self.input_bytes.get(), self.output_bytes)
    }

    fn fail(&self, hit: Hit) -> io::Error {
        self.budget.hit.set(Some(hit));
        io::Error::other("a bound of the job was reached")
    }
}

impl<R: Read> Read for Metered<'_, '_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(hit) = self.failed {
            return Err(self.fail(hit));
        }
        let len = self.inner.read(buf)?;
        match self.charge(len as u64) {
            Ok(()) => Ok(len),
            Err(hit) => {
                self.failed = Some(hit);
                Err(self.fail(hit))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(limits: &Limits, input_bytes: u64, output_bytes: u64) -> Option<&'static str> {
        let cancel = Cancel::default();
        let budget = Budget::new(limits, &cancel);
        let input = Cell::new(input_bytes);
        let mut metered = Metered::new(io::repeat(b'x').take(output_bytes), &budget, &input);
        let result = io::copy(&mut metered, &mut io::sink());
        let hit = budget.take_hit();
        assert_eq!(result.is_err(), hit.is_some());
        match hit? {
            Hit::Bound(limit) => Some(limit.name),
            Hit::Cancelled => Some("cancelled"),
        }
    }

    #[test]
    fn each_bound_has_its_name() {
        let limits = Limits {
            inflated_bytes_max: 3_000_000,
            member_bytes_max: 2_000_000,
            ratio_max: 100,
            ratio_grace_bytes: 1_000_000,
            ..Limits::inline()
        };
        let rows = [
            (1_000_000, 1_500_000, None),
            (100, 900_000, None),
            (100, 1_500_000, Some("ratio_max")),
            (1_000_000, 2_500_000, Some("member_bytes_max")),
        ];
        for (input, output, expected) in rows {
            assert_eq!(run(&limits, input, output), expected, "{input} -> {output}");
        }
        let small = Limits { inflated_bytes_max: 1_000, ..limits };
        assert_eq!(run(&small, 1_000, 2_000), Some("inflated_bytes_max"));
    }

    #[test]
    fn pieces_are_judged_together() {
        const MIB: usize = 1024 * 1024;
        let (limits, cancel) = (Limits::batch(), Cancel::default());
        let budget = Budget::new(&limits, &cancel);
        let many = |packed: usize| {
            let mut pieces = Pieces::default();
            (0..64).take_while(|_| pieces.take(&budget, packed, MIB).is_ok()).count()
        };
        assert_eq!(many(1_000), 16, "as many as any file may have");
        assert_eq!(many(MIB / 100), 64);
    }

    #[test]
    fn totals_grow_with_the_input() {
        const MIB: u64 = 1024 * 1024;
        let (limits, cancel) = (Limits::inline(), Cancel::default());
        let rows = [(100, 64 * MIB), (MIB, 200 * MIB), (100 * MIB, 1024 * MIB), (1024 * MIB, 4096 * MIB)];
        for (source, max) in rows {
            let budget = Budget::new(&limits, &cancel);
            budget.source_bytes().set(source);
            assert_eq!(budget.charge_inflated(max), Ok(()), "{source}");
            let Err(Hit::Bound(limit)) = budget.charge_inflated(1) else { panic!("{source} has no end") };
            assert_eq!((limit.name, limit.value, budget.is_exhausted()), ("inflated_bytes_max", max, true), "{source}");
        }
    }

    #[test]
    fn text_is_bounded_by_what_it_is_made_of() {
        const MIB: u64 = 1024 * 1024;
        let (limits, cancel) = (Limits::inline(), Cancel::default());
        // Bytes of the input, unpacked, made by parsers; text that may be handed out.
        let rows = [
            (100, 0, 0, 64 * MIB),
            (MIB, 0, 0, 200 * MIB),
            (MIB, 50 * MIB, 0, 16 * 51 * MIB),
            (MIB, 0, 60 * MIB, 16 * 61 * MIB),
            (100 * MIB, 0, 0, 1600 * MIB),
        ];
        for (source, inflated, parsed, max) in rows {
            let budget = Budget::new(&limits, &cancel);
            budget.source_bytes().set(source);
            budget.charge_inflated(inflated).expect("it is free");
            budget.add_parsed(parsed);
            assert_eq!(budget.charge_handed_out(max), Ok(()), "{source} {inflated} {parsed}");
            let Err(Hit::Bound(limit)) = budget.charge_handed_out(1) else { panic!("{source} has no end") };
            assert_eq!((limit.name, limit.value), ("handed_out_bytes_max", max), "{source} {inflated} {parsed}");
        }
    }

    #[test]
    fn what_is_packed_densely_is_not_held() {
        const MIB: u64 = 1024 * 1024;
        let (limits, cancel) = (Limits::batch(), Cancel::default());
        // Bytes of the input, what the decoder took and gave, what is to be held.
        let rows = [
            (100, 0, 0, 32 * MIB, None),
            (100, 0, 0, 33 * MIB, Some("held_ratio_max")),
            (40 * MIB, 0, 0, 600 * MIB, None),
            (40 * MIB, 40 * MIB, 600 * MIB, 600 * MIB, None),
            (40 * MIB, MIB, 33 * MIB, 33 * MIB, None),
            (4 * MIB, MIB, 33 * MIB, 33 * MIB, Some("held_ratio_max")),
            (4 * MIB, 3 * MIB, 33 * MIB, 33 * MIB, None),
            (1024 * MIB, 900 * MIB, 1025 * MIB, 1025 * MIB, Some("held_bytes_max")),
        ];
        for (source, taken, given, bytes, expected) in rows {
            let budget = Budget::new(&limits, &cancel);
            budget.source_bytes().set(source);
            budget.decoded.set((taken, given));
            let bound = budget.bound_of_holding(bytes).map(|limit| limit.name);
            assert_eq!(bound, expected, "{source} {taken} {given} {bytes}");
        }
    }

    #[test]
    fn held_bytes_come_back() {
        let (limits, cancel) = (Limits { held_bytes_max: 100, ..Limits::inline() }, Cancel::default());
        let budget = Budget::new(&limits, &cancel);
        budget.source_bytes().set(400);
        let _outer = budget.hold(350);
        {
            let _inner = budget.hold(50);
            assert_eq!(budget.room_to_hold(), 0);
        }
        assert_eq!(budget.room_to_hold(), 50);
    }
}
