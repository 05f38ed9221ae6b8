//! RTF as mail programs of one family pack it: references into a dictionary that starts with common control words.

/// What the dictionary starts with, so that the first references find something.
const START: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \
\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
const DICTIONARY_BYTES: usize = 4096;
const HEADER_BYTES: usize = 16;
const PACKED: &[u8] = b"LZFu";
const PLAIN: &[u8] = b"MELA";

/// Unpacks; nothing when the bytes are not packed this way. A reference gives at most 17 bytes for 2, so the output is
/// bounded by the input.
pub(in crate::content) fn rtf_compressed(bytes: &[u8]) -> Option<Vec<u8>> {
    let kind = bytes.get(8..12)?;
    let packed = bytes.get(HEADER_BYTES..)?;
    if kind == PLAIN {
        return Some(packed.to_vec());
    }
    (kind == PACKED).then(|| unpack(packed))
}

fn unpack(packed: &[u8]) -> Vec<u8> {
    let mut dictionary = [b' '; DICTIONARY_BYTES];
    dictionary[..START.len()].copy_from_slice(START);
    let mut write = START.len();
    let mut out = Vec::new();
    let mut bytes = packed.iter().copied();
    while let Some(control) = bytes.next() {
        for bit in 0..8 {
            if control >> bit & 1 == 0 {
                let Some(byte) = bytes.next() else { return out };
                out.push(byte);
                dictionary[write] = byte;
                write = (write + 1) % DICTIONARY_BYTES;
                continue;
            }
            let (Some(high), Some(low)) = (bytes.next(), bytes.next()) else { return out };
            let reference = usize::from(high) << 8 | usize::from(low);
            let (read, len) = (reference >> 4, (reference & 0xF) + 2);
            if read == write {
                return out;
            }
            for index in 0..len {
                let byte = dictionary[(read + index) % DICTIONARY_BYTES];
                out.push(byte);
                dictionary[write] = byte;
                write = (write + 1) % DICTIONARY_BYTES;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_text_is_unpacked() {
        assert_eq!(START.len(), 207);
        let header = |kind: &[u8]| [&[0; 8][..], kind, &[0; 4]].concat();
        let packed = |bytes: &[u8]| [header(PACKED), bytes.to_vec()].concat();
        let end = (208_usize << 4).to_be_bytes()[6..].to_vec();
        // The example of the specification: `{\rtf1\ansi\ansicpg1252\pard hello world}`.
        let example = b"\x03\x00\x0a\x00rcpg125\x42\x32\x0a\xf3 hel\x09\x00 bw\x05\xb0ld}\x0a\x80\x0f\xa0";
        let rows: Vec<(Vec<u8>, Option<&[u8]>)> = vec![
            (packed(example), Some(b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n")),
            (packed(&[vec![0b10], b"a".to_vec(), end].concat()), Some(b"a")),
            (packed(b"\x00abc"), Some(b"abc")),
            (packed(b"\x01\x00"), Some(b"")),
            (packed(b"\x02x\x0c\xf5"), Some(b"xxxxxxxx")),
            ([header(PLAIN), b"{\\rtf1 x}".to_vec()].concat(), Some(b"{\\rtf1 x}")),
            (header(b"????"), None),
            (b"short".to_vec(), None),
        ];
        for (bytes, expected) in rows {
            let found = rtf_compressed(&bytes);
            assert_eq!(found.as_deref(), expected, "{:?}", found.as_deref().map(String::from_utf8_lossy));
        }
    }
}
