//! The methods of archives from before 1993: shrink (1), reduce (2 to 5) and implode (6), as APPNOTE describes them.
//!
//! Each takes bits, the lowest one of a byte first, and makes bytes one step after the other. None marks its end: a member
//! ends where its stated size is reached and no whole byte is left, so a size that is too small hides nothing, and the
//! check of the sum tells that it was wrong. A step makes as many bytes as shrink has codes at most, and what is kept to look
//! back at is bounded by [`WINDOW_BYTES`].

mod bits;
mod implode;
mod reduce;
mod shrink;

use bits::Bits;
use implode::Implode;
use reduce::Reduce;
use shrink::Shrink;
use std::io::{self, BufRead, Read};

/// What implode and reduce look back at, at most.
const WINDOW_BYTES: usize = 8 * 1024;
/// Bytes that are decoded ahead.
const AHEAD_BYTES: usize = 16 * 1024;

/// Whether a method is one of these.
pub(super) fn is_old(method: u16) -> bool {
    matches!(method, 1..=6)
}

/// Decodes one member.
pub(in crate::content) struct Old<R> {
    bits: Bits<R>,
    method: Method,
    made: Made,
    /// What the header says that the member has.
    size_bytes: u64,
    taken_bytes: u64,
    state: State,
}

enum Method {
    Shrink(Box<Shrink>),
    Reduce(Box<Reduce>),
    /// Its tables stand in front of the data, so they are read with it.
    ReduceUnread(u8),
    Implode(Box<Implode>),
    ImplodeUnread(u16),
}

#[derive(Clone, Copy)]
enum State {
    Open,
    Ended,
    Failed(io::ErrorKind),
}

/// What was decoded: what is still to be handed out, and the bytes before it as far as codes refer to them.
#[derive(Default)]
struct Made {
    bytes: Vec<u8>,
    taken: usize,
}

impl Made {
    fn push(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Repeats what stands so far back; zeros stand before the beginning.
    fn repeat(&mut self, distance: usize, len: usize) {
        for _ in 0..len {
            let byte = self.bytes.len().checked_sub(distance).map_or(0, |at| self.bytes[at]);
            self.bytes.push(byte);
        }
    }

    fn waiting(&self) -> usize {
        self.bytes.len() - self.taken
    }

    fn take(&mut self, buf: &mut [u8]) -> usize {
        let len = buf.len().min(self.waiting());
        buf[..len].copy_from_slice(&self.bytes[self.taken..self.taken + len]);
        self.taken += len;
        len
    }

    /// Forgets what no code can refer to.
    fn forget(&mut self) {
        let old = self.taken.saturating_sub(WINDOW_BYTES);
        if old > AHEAD_BYTES {
            self.bytes.drain(..old);
            self.taken -= old;
        }
    }
}

impl<R: BufRead> Old<R> {
    /// A decoder of a member with this method, flags and size.
    pub(super) fn new(reader: R, (method, flags): (u16, u16), size_bytes: u64) -> Self {
        let method = match method {
            1 => Method::Shrink(Box::default()),
            6 => Method::ImplodeUnread(flags),
            factor => Method::ReduceUnread((factor - 1) as u8),
        };
        Self { bits: Bits::new(reader), method, made: Made::default(), size_bytes, taken_bytes: 0, state: State::Open }
    }

    fn fill(&mut self) {
        self.made.forget();
        while matches!(self.state, State::Open) && self.made.waiting() < AHEAD_BYTES {
            self.state = match self.step() {
                Ok(true) => State::Open,
                Ok(false) => State::Ended,
                Err(error) => State::Failed(error.kind()),
            };
        }
    }

    fn made_bytes(&self) -> u64 {
        self.taken_bytes + self.made.waiting() as u64
    }

    /// Decodes one code; false at the end.
    fn step(&mut self) -> io::Result<bool> {
        if self.made_bytes() >= self.size_bytes && self.bits.is_at_end()? {
            return Ok(false);
        }
        let went_on = match &mut self.method {
            Method::Shrink(shrink) => shrink.step(&mut self.bits, &mut self.made)?,
            Method::Reduce(reduce) => reduce.step(&mut self.bits, &mut self.made)?,
            Method::Implode(implode) => implode.step(&mut self.bits, &mut self.made)?,
            Method::ReduceUnread(factor) => {
                self.method = Method::Reduce(Box::new(Reduce::read(*factor, &mut self.bits)?));
                true
            }
            Method::ImplodeUnread(flags) => {
                self.method = Method::Implode(Box::new(Implode::read(*flags, &mut self.bits)?));
                true
            }
        };
        if !went_on && self.made_bytes() < self.size_bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(went_on)
    }
}

impl<R: BufRead> Read for Old<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.made.waiting() == 0 {
            self.fill();
        }
        let len = self.made.take(buf);
        self.taken_bytes += len as u64;
        match self.state {
            // What was decoded is handed out first; the next call fails.
            State::Failed(kind) if len == 0 && !buf.is_empty() => Err(kind.into()),
            _ => Ok(len),
        }
    }
}

fn broken(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests;
