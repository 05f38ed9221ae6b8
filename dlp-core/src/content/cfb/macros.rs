//! Macros: the packed source of their modules.

use std::ops::Range;

/// What every module of source begins with.
const BEGIN: &[u8] = b"Attribut";
const CHUNK_BYTES: usize = 4096;

/// The source in a stream of a module. It stands behind compiled code, whose length another stream says; the source is
/// told by how it begins instead.
pub(super) fn source(stream: &[u8]) -> Option<Vec<u8>> {
    memchr::memchr_iter(1, stream).filter(|start| starts_container(stream, *start)).find_map(|start| {
        let source = unpack(&stream[start + 1..]);
        source.starts_with(BEGIN).then_some(source)
    })
}

/// Whether a container may start here: its first chunk has a header of a known shape.
fn starts_container(stream: &[u8], start: usize) -> bool {
    // The first token group cannot refer to anything, so the text begins as it is.
    let text = stream.get(start + 4..start + 12);
    stream.get(start + 2).is_some_and(|high| high >> 4 & 7 == 3) && text.is_some_and(|text| BEGIN.starts_with(text))
}

/// Unpacks chunks until one is broken. A chunk gives at most 4096 bytes.
pub(super) fn unpack(mut packed: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let [low, high, rest @ ..] = packed {
        let header = u16::from_le_bytes([*low, *high]);
        let len = (usize::from(header & 0xFFF) + 1).min(rest.len());
        if header >> 12 & 7 != 3 {
            break;
        }
        let (chunk, behind) = rest.split_at(len);
        if header & 0x8000 == 0 {
            out.extend_from_slice(chunk);
        } else {
            unpack_chunk(chunk, &mut out);
        }
        packed = behind;
    }
    out
}

fn unpack_chunk(chunk: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let mut bytes = chunk.iter().copied();
    while let Some(flags) = bytes.next() {
        for bit in 0..8 {
            if out.len() - start >= CHUNK_BYTES {
                return;
            }
            if flags >> bit & 1 == 0 {
                let Some(byte) = bytes.next() else { return };
                out.push(byte);
                continue;
            }
            let (Some(low), Some(high)) = (bytes.next(), bytes.next()) else { return };
            let token = u16::from_le_bytes([low, high]);
            let Some(range) = reference(token, start, out.len()) else { return };
            for at in range {
                out.push(out[at]);
            }
        }
    }
}

/// The bytes that a token repeats. The further the chunk has come, the more bits say how far back.
fn reference(token: u16, start: usize, end: usize) -> Option<Range<usize>> {
    let done = end - start;
    let bits = (4..12).find(|bits| 1 << bits >= done).unwrap_or(12);
    let len = usize::from(token & (0xFFFF >> bits)) + 3;
    let back = usize::from(token >> (16 - bits)) + 1;
    let from = end.checked_sub(back).filter(|from| *from >= start)?;
    Some(from..from + len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_unpacked() {
        // The first example of the specification that repeats something.
        let example: &[u8] =
            b"\x2f\xb0\x00#aaabcde\x82f\x00\x70aghij\x018\x08akl\x00\x30mnop\x06q\x02\x70\x04\x10rstuv\x10wxyz\x00\x3c";
        assert_eq!(unpack(example), b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa");
        let plain = [&b"compiled\x01"[..], &[0x13, 0xB0, 0], b"Attribut", &[0], b"e VB_Nam", &[0], b"e"].concat();
        assert_eq!(source(&plain).as_deref(), Some(&b"Attribute VB_Name"[..]));
        assert_eq!(source(b"\x01\x13\xb0\0nothing"), None);
        assert_eq!(source(b""), None);
        assert_eq!(unpack(b"\x05\xb0\xff"), b"");
    }
}
