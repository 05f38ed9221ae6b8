//! Reduce: bytes as places in the set of those that often follow the one before, and then repetitions.

use super::Made;
use super::bits::Bits;
use std::io::{self, BufRead};

/// Begins a repetition, or stands for itself.
const MARK: u8 = 144;
const FOLLOWERS_LEN_BITS: u32 = 6;
const REPEATED_MIN: usize = 3;

pub(super) struct Reduce {
    /// One of four: how many bits of a repetition are its length.
    factor: u8,
    followers: Vec<Vec<u8>>,
    previous: u8,
    open: Repetition,
}

/// What was read of a repetition.
#[derive(Clone, Copy)]
enum Repetition {
    No,
    Marked,
    Long { first: u8, len: usize },
    Placed { first: u8, len: usize },
}

impl Reduce {
    /// Reads the sets, which stand in front, that of the highest byte first.
    pub(super) fn read(factor: u8, bits: &mut Bits<impl BufRead>) -> io::Result<Self> {
        let mut followers = vec![Vec::new(); 256];
        for set in followers.iter_mut().rev() {
            for _ in 0..bits.need(FOLLOWERS_LEN_BITS)? {
                set.push(bits.need(8)? as u8);
            }
        }
        Ok(Self { factor, followers, previous: 0, open: Repetition::No })
    }

    pub(super) fn step(&mut self, bits: &mut Bits<impl BufRead>, made: &mut Made) -> io::Result<bool> {
        let Some(byte) = self.byte(bits)? else { return Ok(false) };
        self.previous = byte;
        self.open = self.went_on(byte, made);
        Ok(true)
    }

    fn byte(&self, bits: &mut Bits<impl BufRead>) -> io::Result<Option<u8>> {
        let followers = &self.followers[usize::from(self.previous)];
        if followers.is_empty() {
            return Ok(bits.take(8)?.map(|byte| byte as u8));
        }
        match bits.take(1)? {
            Some(0) => {
                let len = (followers.len() - 1).max(1).ilog2() + 1;
                // A set of five has places for eight; what stands at none is nothing that a program writes.
                Ok(bits.take(len)?.map(|index| followers.get(index as usize).copied().unwrap_or(0)))
            }
            Some(_) => Ok(bits.take(8)?.map(|byte| byte as u8)),
            None => Ok(None),
        }
    }

    fn went_on(&self, byte: u8, made: &mut Made) -> Repetition {
        match self.open {
            Repetition::No if byte == MARK => Repetition::Marked,
            Repetition::No => {
                made.push(byte);
                Repetition::No
            }
            Repetition::Marked if byte == 0 => {
                made.push(MARK);
                Repetition::No
            }
            Repetition::Marked => {
                let len_max = usize::from(u8::MAX >> self.factor);
                let len = usize::from(byte) & len_max;
                if len == len_max {
                    Repetition::Long { first: byte, len }
                } else {
                    Repetition::Placed { first: byte, len }
                }
            }
            Repetition::Long { first, len } => Repetition::Placed { first, len: len + usize::from(byte) },
            Repetition::Placed { first, len } => {
                let high = usize::from(first) >> (8 - self.factor);
                made.repeat(256 * high + usize::from(byte) + 1, len + REPEATED_MIN);
                Repetition::No
            }
        }
    }
}
