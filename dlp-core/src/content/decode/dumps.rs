//! Bytes that a program showed line by line: `xxd`, `hexdump`, `od -t x1`, debuggers.
//!
//! A line is an offset, the bytes from there on in hexadecimal digits, and perhaps the same bytes as characters. The offset of
//! the next line tells how many bytes those of a line are, so what stands behind them is never taken for digits, and lines
//! whose offsets fit each other are hardly anything else.

use super::Derived;
use super::transfer::hex_pair;
use std::ops::Range;

/// Digits of an offset.
const OFFSET_DIGITS: Range<usize> = 4..17;
/// Bytes of a line. Programs show sixteen, and up to 256 where they are told to.
const LINE_BYTES_MAX: usize = 256;
/// Digits of the offset of a line that stands alone, groups in it, and bytes of it: what `xxd` writes for short values.
const OFFSET_DIGITS_ALONE: usize = 8;
const GROUPS_ALONE: usize = 4;
const LINE_BYTES_ALONE: usize = 16;
/// Characters between two bytes, or between the offset and the first of them.
const GAP_BYTES_MAX: usize = 4;
/// How offsets are written, the likeliest last.
const RADIXES: [u32; 3] = [10, 8, 16];
/// Zeros by which the line begins where a dump is looked for.
const MARK: &[u8] = b"00";

/// A dump: where it stands, and the bytes in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dump {
    pub(super) end: usize,
    /// The bytes in the order of their digits, and swapped in pairs where they may be words of which the low byte stands
    /// behind the high one.
    pub(super) readings: Vec<Derived>,
}

/// The dumps of a text, in order.
pub(super) fn dumps(text: &[u8]) -> Vec<Dump> {
    let mut found: Vec<Dump> = Vec::new();
    for at in memchr::memmem::find_iter(text, MARK) {
        let is_open = found.last().is_none_or(|dump| dump.end <= at);
        if is_open && (at == 0 || text[at - 1] == b'\n') {
            found.extend(dump(text, at));
        }
    }
    found
}

/// The dump that begins with a line.
fn dump(text: &[u8], start: usize) -> Option<Dump> {
    let chains = RADIXES.into_iter().filter_map(|radix| Chain::read(text, start, radix));
    let Chain { mut lines, last: line, .. } = chains.max_by_key(|chain| (chain.lines.len(), chain.full))?;
    let at = line.next;
    // The last line has no more bytes than that before it; one alone has to look like no other text.
    let len_max = lines.last().map(|(_, len)| *len).or_else(|| line.is_dump_alone(text).then_some(LINE_BYTES_ALONE))?;
    lines.push((line, len_max));
    let has_words = !lines[0].0.has_mark && lines[0].0.groups(text).all(|group| group.len() == 4);
    let mut readings = vec![Derived::default()];
    readings.extend(has_words.then(Derived::default));
    for (line, len) in &lines {
        let bytes: Vec<(usize, u8)> = line.bytes(text).into_iter().take(*len).collect();
        bytes.iter().for_each(|(place, byte)| readings[0].push(*byte, *place as u64, 2));
        if let Some(swapped) = readings.get_mut(1) {
            for word in bytes.chunks_exact(2) {
                swapped.share(&[word[1].1, word[0].1], word[0].0 as u64);
            }
        }
    }
    readings.iter_mut().for_each(|reading| reading.end(at as u64));
    Some(Dump { end: at, readings })
}

/// Lines whose offsets fit each other when they are read in one way. Small offsets fit in several, so the way counts in
/// which most lines fit, and of those the one in which most lines hold just the bytes up to the next.
struct Chain<'t> {
    /// Lines with the bytes up to the next, without the last one.
    lines: Vec<(Line<'t>, usize)>,
    last: Line<'t>,
    /// How many hold no more than these bytes.
    full: usize,
}

impl<'t> Chain<'t> {
    fn read(text: &'t [u8], start: usize, radix: u32) -> Option<Self> {
        let (mut lines, mut last, mut full) = (Vec::new(), Line::read(text, start)?, 0);
        while let Some(next) = Line::read(text, last.next) {
            let len = last.bytes(text).len();
            let Some(step) = last.step_to(&next, radix).filter(|step| *step <= len) else { break };
            full += usize::from(step == len);
            lines.push((std::mem::replace(&mut last, next), step));
        }
        Some(Self { lines, last, full })
    }
}

/// A line that may be one of a dump.
struct Line<'t> {
    offset: &'t [u8],
    /// Whether a sign stands behind the offset.
    has_mark: bool,
    /// Where the first byte stands, and where the next line.
    first: usize,
    next: usize,
}

impl<'t> Line<'t> {
    fn read(text: &'t [u8], start: usize) -> Option<Self> {
        let rest = text.get(start..)?;
        let digits = rest.iter().take(OFFSET_DIGITS.end).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let has_mark = matches!(rest.get(digits), Some(b':' | b'|' | b'h'));
        let behind = digits + usize::from(has_mark);
        let blanks = rest[behind..].iter().take(GAP_BYTES_MAX).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let is_end = matches!(rest.get(behind), None | Some(b'\r' | b'\n'));
        if !OFFSET_DIGITS.contains(&digits) || blanks == 0 && !is_end {
            return None;
        }
        let len = memchr::memchr(b'\n', rest).map_or(rest.len(), |len| len + 1);
        let (offset, first) = (&rest[..digits], start + behind + blanks);
        Some(Self { offset, has_mark, first, next: start + len })
    }

    /// Bytes up to the next line, if its offset is theirs and there are as many.
    fn step_to(&self, next: &Self, radix: u32) -> Option<usize> {
        let number = |digits: &[u8]| u64::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok();
        let step = number(next.offset)?.checked_sub(number(self.offset)?)?;
        usize::try_from(step).ok().filter(|step| (1..=LINE_BYTES_MAX).contains(step))
    }

    /// Whether it can be all of a dump: a long offset with its mark, and several groups of two bytes.
    fn is_dump_alone(&self, text: &[u8]) -> bool {
        let mut groups = self.groups(text).take_while(|group| group.len() == 4);
        self.has_mark && self.offset.len() >= OFFSET_DIGITS_ALONE && groups.nth(GROUPS_ALONE - 1).is_some()
    }

    /// The groups of digits, of two bytes or more each where they stand together.
    fn groups(&self, text: &'t [u8]) -> impl Iterator<Item = Range<usize>> {
        let mut at = self.first;
        let (line, from) = (&text[self.first.min(self.next)..self.next], self.first);
        std::iter::from_fn(move || {
            let rest = line.get(at - from..)?;
            let len = rest.iter().take(2 * LINE_BYTES_MAX).take_while(|byte| byte.is_ascii_hexdigit()).count();
            let behind = rest.get(len);
            let is_group = len >= 2 && len.is_multiple_of(2);
            if !is_group || !behind.is_none_or(|byte| matches!(byte, b' ' | b'\t' | b'-' | b'|' | b'\r' | b'\n')) {
                return None;
            }
            let group = at..at + len;
            let is_gap = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'-');
            at += len + rest[len..].iter().take(GAP_BYTES_MAX).take_while(is_gap).count();
            Some(group)
        })
    }

    /// The bytes, each with its place.
    fn bytes(&self, text: &'t [u8]) -> Vec<(usize, u8)> {
        let pairs = self.groups(text).flat_map(|group| group.step_by(2));
        pairs.filter_map(|at| Some((at, hex_pair(&text[at..])?))).take(LINE_BYTES_MAX).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::original_offset;

    fn read(text: &str) -> Vec<Vec<String>> {
        let reading = |reading: &Derived| String::from_utf8_lossy(&reading.bytes).into_owned();
        dumps(text.as_bytes()).iter().map(|dump| dump.readings.iter().map(reading).collect()).collect()
    }

    #[test]
    fn lines_of_a_dump_are_put_together() {
        let text = "card 4539 1488 0343 6467 and more";
        let rows = [
            // xxd, with the last line as it pads it.
            "00000000: 6361 7264 2034 3533 3920 3134 3838 2030  card 4539 1488 0\n\
             00000010: 3334 3320 3634 3637 2061 6e64 206d 6f72  343 6467 and mor\n\
             00000020: 65                                       e\n",
            // hexdump -C, which says where it ends.
            "00000000  63 61 72 64 20 34 35 33  39 20 31 34 38 38 20 30  |card 4539 1488 0|\n\
             00000010  33 34 33 20 36 34 36 37  20 61 6e 64 20 6d 6f 72  |343 6467 and mor|\n\
             00000020  65                                                |e|\n\
             00000021\n",
            // od -t x1, whose offsets are octal.
            "0000000 63 61 72 64 20 34 35 33 39 20 31 34 38 38 20 30\n\
             0000020 33 34 33 20 36 34 36 37 20 61 6e 64 20 6d 6f 72\n\
             0000040 65\n\
             0000041\n",
            // od -A d -t x1, whose offsets could be octal as well, and the same with lines of eight bytes.
            "0000000 63 61 72 64 20 34 35 33 39 20 31 34 38 38 20 30\n\
             0000016 33 34 33 20 36 34 36 37 20 61 6e 64 20 6d 6f 72\n\
             0000032 65\n\
             0000033\n",
            "0000000 63 61 72 64 20 34 35 33\n0000008 39 20 31 34 38 38 20 30\n0000016 33 34 33 20 36 34 36 37\n\
             0000024 20 61 6e 64 20 6d 6f 72\n0000032 65\n0000033\n",
            // xxd -c 8 -g 1, in the middle of a text.
            "The dump:\n00000000: 63 61 72 64 20 34 35 33  card 453\r\n\
             00000008: 39 20 31 34 38 38 20 30  9 1488 0\r\n00000010: 33 34 33 20 36 34 36 37  343 6467\r\n\
             00000018: 20 61 6e 64 20 6d 6f 72   and mor\r\n00000020: 65                       e\r\nand so on",
            // A debugger, and one that sets the halves apart.
            "0000000000401000 63617264 20343533 39203134 38382030\n\
             0000000000401010 33343320 36343637 20616e64 206d6f72\n\
             0000000000401020 65\n",
            "0040: 63 61 72 64 20 34 35 33-39 20 31 34 38 38 20 30\n\
             0050: 33 34 33 20 36 34 36 37-20 61 6e 64 20 6d 6f 72\n0060: 65\n",
        ];
        for dump in rows {
            assert_eq!(read(dump), [[text]], "{dump}");
        }
    }

    #[test]
    fn a_line_alone_is_read_where_it_looks_like_one() {
        let dump = "x\n00000000: 4e49 503a 2031 3233 3435 3633 3231 38\n";
        assert_eq!(read(dump), [["NIP: 1234563218"]]);
    }

    #[test]
    fn words_are_read_in_either_order() {
        let dump = "0000000 6163 6472 3420 3335 2039 3431 3838 3020\n0000010 3433 2033 3436 3736\n0000018\n";
        assert_eq!(read(dump)[0][1], "card 4539 1488 0343 6467");
    }

    #[test]
    fn what_only_looks_like_a_dump_is_none() {
        let rows = [
            "00000000 6361 7264 2034 3533 3920 3134 3838 2030  card 4539 1488 0\n",
            "00000000: 6361 7264 2034  card 4\n",
            "001 first\n002 second\n003 third\n",
            "0010 20 30\n0500 20 30\n0900 20 30\n",
            "00:1b:44:11:3a:b7\n00:1b:44:11:3a:b8\n",
            "0001 1200,50\n0002 1300,20\n",
            "2026-11-23 10:00:00\n00",
            "",
        ];
        for text in rows {
            let found: Vec<_> =
                dumps(text.as_bytes()).into_iter().filter(|dump| dump.readings[0].bytes.len() > 3).collect();
            assert_eq!(found, [], "{text}");
        }
    }

    #[test]
    fn bytes_lead_back_to_their_digits() {
        let text = "00000000: 6361 7264  card\n00000004: 3435 3339  4539\n";
        let dump = &dumps(text.as_bytes())[0];
        for (index, byte) in dump.readings[0].bytes.iter().enumerate() {
            let at = original_offset(&dump.readings[0].runs, index as u32).expect("it is inside") as usize;
            assert_eq!(hex_pair(&text.as_bytes()[at..]), Some(*byte), "{index}");
        }
        assert_eq!(dump.end, text.len());
    }
}
