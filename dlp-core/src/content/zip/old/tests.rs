//! Archives in the old methods are made here, as no program of today makes them; the `zip` crate reads them as well.

use super::Old;
use crate::base::{Cancel, Limits};
use crate::content::{Extraction, Flow, Input, ItemStart, Outcome, Segment, Sink, extract};
use std::collections::HashMap;
use std::io::Read;

/// Bits, the lowest one of each byte first.
#[derive(Default)]
struct Packer {
    bytes: Vec<u8>,
    bits: usize,
}

impl Packer {
    fn put(&mut self, number: usize, len: usize) {
        for bit in 0..len {
            if self.bits.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.last_mut().expect("one was pushed");
            *last |= ((number >> bit & 1) as u8) << (self.bits % 8);
            self.bits += 1;
        }
    }

    /// A code whose highest bit comes first.
    fn put_code(&mut self, (code, len): (usize, usize)) {
        (0..len).rev().for_each(|bit| self.put(code >> bit & 1, 1));
    }
}

/// The table of an encoder of shrink.
struct Table {
    codes: HashMap<Vec<u8>, usize>,
    /// What stands before each code from 257 on, where it is taken.
    prefixes: Vec<Option<usize>>,
}

impl Table {
    fn add(&mut self, prefix: usize, text: Vec<u8>) -> bool {
        let Some(free) = self.prefixes.iter().position(Option::is_none) else { return false };
        self.prefixes[free] = Some(prefix);
        // What goes on from a code that was freed cannot be used.
        if prefix < 256 || prefix != free + 257 && self.prefixes[prefix - 257].is_some() {
            self.codes.insert(text, free + 257);
        }
        true
    }

    fn thin_out(&mut self) {
        let used: Vec<usize> = self.prefixes.iter().flatten().copied().collect();
        for (index, prefix) in self.prefixes.iter_mut().enumerate() {
            *prefix = prefix.filter(|_| used.contains(&(index + 257)));
        }
        let prefixes = &self.prefixes;
        self.codes.retain(|_, code| *code < 256 || prefixes[*code - 257].is_some());
    }
}

fn shrink(text: &[u8]) -> Vec<u8> {
    let mut table = Table { codes: HashMap::new(), prefixes: vec![None; 8192 - 257] };
    table.codes.extend((0..=255_u8).map(|byte| (vec![byte], usize::from(byte))));
    let (mut out, mut bits, mut at) = (Packer::default(), 9, 0);
    while at < text.len() {
        let longest = (1..=text.len() - at).take_while(|len| table.codes.contains_key(&text[at..at + len])).last();
        let end = at + longest.expect("each byte has a code");
        let code = table.codes[&text[at..end]];
        while code >> bits > 0 {
            out.put(256, bits);
            out.put(1, bits);
            bits += 1;
        }
        out.put(code, bits);
        let Some(longer) = text.get(at..=end) else { break };
        if !table.add(code, longer.to_vec()) {
            out.put(256, bits);
            out.put(2, bits);
            table.thin_out();
            table.add(code, longer.to_vec());
        }
        at = end;
    }
    out.bytes
}

/// The distance and length of an earlier copy of what stands here.
fn earlier(
    text: &[u8],
    at: usize,
    distance_max: usize,
    lens: std::ops::RangeInclusive<usize>,
) -> Option<(usize, usize)> {
    let start = at.saturating_sub(distance_max);
    let found = memchr::memmem::rfind(&text[start..at + 2.min(text.len() - at)], text.get(at..at + 3)?)?;
    let distance = at - start - found;
    let pairs = text[at..].iter().zip(&text[at - distance..]);
    let len = pairs.take(*lens.end()).take_while(|(a, b)| a == b).count();
    lens.contains(&len).then_some((distance, len))
}

fn reduce(text: &[u8], factor: usize) -> Vec<u8> {
    let (mut marked, mut at, len_mask) = (Vec::new(), 0, 0xFF >> factor);
    while at < text.len() {
        if let Some((distance, len)) = earlier(text, at, 256 << factor, 4..=200) {
            let (high, low) = ((distance - 1) >> 8, (distance - 1) & 0xFF);
            marked.extend([144, (high << (8 - factor) | (len - 3).min(len_mask)) as u8]);
            marked.extend((len - 3).checked_sub(len_mask).map(|more| more as u8));
            marked.push(low as u8);
            at += len;
        } else {
            marked.push(text[at]);
            marked.extend((text[at] == 144).then_some(0));
            at += 1;
        }
    }
    let mut sets = vec![Vec::new(); 256];
    for pair in marked.windows(2) {
        let set: &mut Vec<u8> = &mut sets[usize::from(pair[0])];
        if set.len() < 32 && !set.contains(&pair[1]) {
            set.push(pair[1]);
        }
    }
    let mut out = Packer::default();
    for set in sets.iter().rev() {
        out.put(set.len(), 6);
        set.iter().for_each(|byte| out.put((*byte).into(), 8));
    }
    let mut previous = 0_u8;
    for byte in marked {
        let set = &sets[usize::from(previous)];
        match set.iter().position(|follower| *follower == byte) {
            Some(index) => {
                out.put(0, 1);
                out.put(
                    index,
                    [1, 1, 1, 2, 2, 3, 3, 3, 3].get(set.len()).copied().unwrap_or(4 + usize::from(set.len() > 16)),
                );
            }
            None if set.is_empty() => out.put(byte.into(), 8),
            None => out.put(usize::from(byte) << 1 | 1, 9),
        }
        previous = byte;
    }
    out.bytes
}

/// Codes by the steps of APPNOTE, and how their lengths are written.
fn codes(code_bits: &[usize]) -> (Vec<(usize, usize)>, Vec<u8>) {
    let mut order: Vec<usize> = (0..code_bits.len()).collect();
    order.sort_by_key(|number| code_bits[*number]);
    let (mut code, mut increment, mut last_len) = (0, 0, 0);
    let mut codes = vec![(0, 0); code_bits.len()];
    for number in order.into_iter().rev() {
        code += increment;
        if code_bits[number] != last_len {
            last_len = code_bits[number];
            increment = 1 << (16 - last_len);
        }
        codes[number] = (code >> (16 - last_len), last_len);
    }
    let runs = code_bits.chunk_by(|a, b| a == b).flat_map(|run| run.chunks(16));
    let written: Vec<u8> = runs.map(|run| ((run.len() - 1) << 4 | (run[0] - 1)) as u8).collect();
    (codes, [&[(written.len() - 1) as u8], written.as_slice()].concat())
}

fn implode(text: &[u8], flags: usize) -> Vec<u8> {
    let (low_bits, has_byte_codes) = (6 + (flags >> 1 & 1), flags & 4 != 0);
    let len_min = 2 + usize::from(has_byte_codes);
    let of_64: Vec<usize> = (0..64).map(|number| [6, 6, 5, 6, 7, 6, 7, 6][number / 8]).collect();
    let of_256: Vec<usize> =
        (0..256).map(|number| [8, 9, 8, 8, 7, 8, 8, 9, 8, 8, 8, 8, 8, 8, 8, 8][number / 16]).collect();
    let ((bytes, bytes_written), (others, others_written)) = (codes(&of_256), codes(&of_64));
    let mut out = Packer::default();
    let tables = [has_byte_codes.then_some(bytes_written), Some(others_written.clone()), Some(others_written)];
    tables.into_iter().flatten().flatten().for_each(|byte| out.put(byte.into(), 8));
    let mut at = 0;
    while at < text.len() {
        if let Some((distance, len)) = earlier(text, at, 64 << low_bits, len_min + 1..=300) {
            out.put(0, 1);
            out.put((distance - 1) & ((1 << low_bits) - 1), low_bits);
            out.put_code(others[(distance - 1) >> low_bits]);
            out.put_code(others[(len - len_min).min(63)]);
            if let Some(more) = (len - len_min).checked_sub(63) {
                out.put(more, 8);
            }
            at += len;
        } else {
            out.put(1, 1);
            match has_byte_codes {
                true => out.put_code(bytes[usize::from(text[at])]),
                false => out.put(text[at].into(), 8),
            }
            at += 1;
        }
    }
    out.bytes
}

/// An archive of one member.
fn archive(method: u16, flags: u16, (data, size, sum): (&[u8], usize, u32)) -> Vec<u8> {
    let mut fields = [20, flags, method, 0, 0x21].map(u16::to_le_bytes).concat();
    fields.extend([sum, data.len() as u32, size as u32].map(u32::to_le_bytes).concat());
    fields.extend([5_u16, 0].map(u16::to_le_bytes).concat());
    let local = [b"PK\x03\x04", fields.as_slice(), b"a.txt", data].concat();
    let central = [b"PK\x01\x02\x14\0", fields.as_slice(), &[0; 14], b"a.txt"].concat();
    let end = [central.len() as u32, local.len() as u32].map(u32::to_le_bytes).concat();
    [&local, &central, &b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..], &end, &[0, 0]].concat()
}

/// Words that come again and again, and bytes of all values, so that tables fill and are thinned out.
fn text(words: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    };
    let mut text = b"PESEL 44051401458 ".to_vec();
    for word in 0..words {
        let number = next() % 400;
        text.extend(format!("word{} {} ", number * number, next() % 7).bytes());
        text.extend((word % 50 == 0).then_some(word as u8).into_iter().chain((word % 90 == 0).then_some(144)));
    }
    text
}

/// What every method makes of a text, with the flags that say how.
fn packed(text: &[u8]) -> Vec<(u16, u16, Vec<u8>)> {
    let reduced = (1..=4).map(|factor| (factor + 1, 0, reduce(text, factor.into())));
    let imploded = [0, 2, 4, 6].map(|flags| (6, flags, implode(text, flags.into())));
    std::iter::once((1, 0, shrink(text))).chain(reduced).chain(imploded).collect()
}

#[derive(Default)]
struct Body(Vec<u8>, Vec<&'static str>);

impl Sink for Body {
    fn enter(&mut self, _: &ItemStart<'_>) -> Flow {
        Flow::Continue
    }
    fn text(&mut self, segment: &Segment<'_>) -> Flow {
        if segment.part.role == crate::content::Role::Body {
            self.0.extend(segment.text);
        }
        Flow::Continue
    }
    fn problem(&mut self, problem: crate::base::Problem) {
        self.1.push(problem.reason);
    }
    fn leave(&mut self, _: &Outcome) {}
}

fn walk(bytes: &[u8]) -> Body {
    let (limits, cancel, mut body) = (Limits::inline(), Cancel::default(), Body::default());
    extract("a.zip", Input::Bytes(bytes), Extraction { limits: &limits, cancel: &cancel, risky: None }, &mut body);
    body
}

#[test]
fn members_are_read_to_their_end() {
    for words in [0, 1, 40, 3_000] {
        let text = text(words);
        for (method, flags, data) in packed(&text) {
            let case = format!("method {method}, flags {flags}, {} bytes", text.len());
            let bytes = archive(method, flags, (&data, text.len(), crc32fast::hash(&text)));
            let mut read = Vec::new();
            let mut others = zip::ZipArchive::new(std::io::Cursor::new(&bytes)).expect("an archive");
            others.by_index(0).expect("a member").read_to_end(&mut read).expect("the other reader takes it");
            assert!(read == text, "{case}: the other reader");
            let mut read = Vec::new();
            Old::new(data.as_slice(), (method, flags), text.len() as u64).read_to_end(&mut read).expect("it is whole");
            assert!(read == text, "{case}: {} bytes", read.len());
        }
    }
}

#[test]
fn archives_are_complete_and_lies_are_told() {
    let text = text(40);
    let text: Vec<u8> = text.into_iter().filter(|byte| (32..127).contains(byte)).collect();
    let sum = crc32fast::hash(&text);
    for (method, flags, data) in packed(&text) {
        let seen = walk(&archive(method, flags, (&data, text.len(), sum)));
        assert_eq!((seen.0 == text, seen.1), (true, vec![]), "{method}");
        // A size that is too small hides nothing, one that is too large is seen, and so is a cut.
        let seen = walk(&archive(method, flags, (&data, 9, sum)));
        assert_eq!((seen.0.starts_with(&text), seen.1.len()), (true, 0), "{method}: {:?}", seen.1);
        let seen = walk(&archive(method, flags, (&data, text.len() + 100, sum)));
        assert_eq!((seen.0.starts_with(&text), seen.1), (true, vec!["truncated"]), "{method}");
        let cut = &data[..data.len() - 40];
        let seen = walk(&archive(method, flags, (cut, text.len(), sum)));
        assert_eq!((seen.0.starts_with(&text[..60]), seen.1), (true, vec!["truncated"]), "{method}");
        let seen = walk(&archive(method, flags, (&data, text.len(), sum ^ 1)));
        assert_eq!((seen.0 == text, seen.1), (true, vec!["crc"]), "{method}");
    }
}

#[test]
fn what_is_no_data_ends_in_an_error() {
    let rows: [(u16, &[u8]); 6] = [
        (1, b"\xff\xff\xff"),
        (1, b"\x00\x03\x12"),
        (2, b"\xff\xff"),
        (6, b"\x00\x00"),
        (6, b"\xff\xff\xff\xff"),
        (6, b"\x03\xf0\xf0\xf0\xf0\x03\xf0\xf0\xf0\xf0\x02"),
    ];
    for (method, data) in rows {
        let read = Old::new(data, (method, 0), 100).read_to_end(&mut Vec::new());
        assert!(read.is_err(), "{method} {data:?}: {read:?}");
    }
    // Any bytes come to an end.
    let mut noise: Vec<u8> = text(300).iter().map(|byte| byte.wrapping_mul(167)).collect();
    for method in 1..=6 {
        for start in 0..40 {
            noise.rotate_left(start * 7);
            let _ = Old::new(noise.as_slice(), (method, start as u16), 1 << 40).read_to_end(&mut Vec::new());
        }
    }
}

#[test]
fn tables_are_thinned_out_no_more_than_they_fill() {
    // Each order of two codes makes nothing, and costs as much as thousands of codes.
    for (orders, bytes, is_taken) in [(500, 1, true), (2_000, 1, false), (2_000, 16_000, true)] {
        let mut data = Packer::default();
        (0..bytes).for_each(|_| data.put(65, 9));
        (0..orders).for_each(|_| [256, 2].into_iter().for_each(|code| data.put(code, 9)));
        let read = Old::new(data.bytes.as_slice(), (1, 0), bytes).read_to_end(&mut Vec::new());
        assert_eq!(read.is_ok(), is_taken, "{orders} orders, {bytes} bytes: {read:?}");
    }
}
