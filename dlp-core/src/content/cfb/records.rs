//! Records of workbooks: cutting a stream into them, and strings that go on from one record into the next.

use super::file::u16_at;
use crate::text::Charset;

/// The record that continues the one before.
pub(super) const CONTINUE: u16 = 0x003C;
const HEADER_BYTES: usize = 4;

/// A record and where it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'d> {
    pub(super) at: usize,
    pub(super) id: u16,
    pub(super) data: &'d [u8],
}

/// The records of a stream.
pub(super) struct Records<'d> {
    stream: &'d [u8],
    at: usize,
}

impl<'d> Records<'d> {
    pub(super) fn new(stream: &'d [u8]) -> Self {
        Self { stream, at: 0 }
    }

    /// Takes the records that continue the last one.
    pub(super) fn continued(&mut self) -> Vec<&'d [u8]> {
        let mut pieces = Vec::new();
        while u16_at(self.stream, self.at) == Some(CONTINUE) {
            let Some(record) = self.next() else { break };
            pieces.push(record.data);
        }
        pieces
    }
}

impl<'d> Iterator for Records<'d> {
    type Item = Record<'d>;

    fn next(&mut self) -> Option<Record<'d>> {
        let at = self.at;
        let (id, len) = (u16_at(self.stream, at)?, u16_at(self.stream, at + 2)?);
        let rest = self.stream.get(at + HEADER_BYTES..)?;
        let data = &rest[..usize::from(len).min(rest.len())];
        self.at = at + HEADER_BYTES + data.len();
        Some(Record { at, id, data })
    }
}

/// Bytes that go on in records that continue.
pub(super) struct Pieces<'d> {
    pieces: Vec<&'d [u8]>,
    index: usize,
    at: usize,
}

impl<'d> Pieces<'d> {
    pub(super) fn new(first: &'d [u8], continued: Vec<&'d [u8]>) -> Self {
        let mut pieces = vec![first];
        pieces.extend(continued);
        Self { pieces, index: 0, at: 0 }
    }

    /// What is left of the current piece; of the next one when it is used up.
    fn rest(&mut self) -> &'d [u8] {
        while let Some(piece) = self.pieces.get(self.index) {
            if self.at < piece.len() {
                return &piece[self.at..];
            }
            (self.index, self.at) = (self.index + 1, 0);
        }
        &[]
    }

    fn is_at_start_of_piece(&self) -> bool {
        self.at == 0 && self.index > 0
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.rest().first()?;
        self.at += 1;
        Some(byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from(self.u16()?) | u32::from(self.u16()?) << 16)
    }

    fn skip(&mut self, mut len: usize) {
        while len > 0 {
            let step = self.rest().len().min(len);
            if step == 0 {
                return;
            }
            self.at += step;
            len -= step;
        }
    }

    /// A string with its length in characters, formats and phonetic text behind it.
    pub(super) fn rich_string(&mut self) -> Option<String> {
        let chars = usize::from(self.u16()?);
        let options = self.byte()?;
        let runs = if options & 8 != 0 { usize::from(self.u16()?) } else { 0 };
        let extra = if options & 4 != 0 { self.u32()? as usize } else { 0 };
        let text = self.characters(chars, options & 1 != 0);
        self.skip(4 * runs);
        self.skip(extra);
        Some(text)
    }

    /// Characters; where they go on in the next record, a byte says anew how wide they are.
    pub(super) fn characters(&mut self, mut chars: usize, mut is_wide: bool) -> String {
        let mut units = Vec::new();
        while chars > 0 {
            let rest = self.rest();
            if rest.is_empty() {
                break;
            }
            if self.is_at_start_of_piece() && !units.is_empty() {
                is_wide = rest[0] & 1 != 0;
                self.at += 1;
                continue;
            }
            let width = if is_wide { 2 } else { 1 };
            let count = (rest.len() / width).min(chars);
            if count == 0 {
                // Half a character at the end of a record.
                self.at += 1;
                continue;
            }
            let bytes = &rest[..count * width];
            match is_wide {
                true => units.extend(bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]))),
                false => units.extend(bytes.iter().map(|byte| u16::from(*byte))),
            }
            self.at += bytes.len();
            chars -= count;
        }
        String::from_utf16_lossy(&units)
    }
}

/// A string of a record: in new files with a byte that says how wide its characters are.
pub(super) fn string(bytes: &[u8], chars: usize, charset: Option<&Charset>) -> String {
    match charset {
        Some(charset) => charset.decode(&bytes[..chars.min(bytes.len())]),
        None => {
            let Some((options, rest)) = bytes.split_first() else { return String::new() };
            Pieces::new(rest, Vec::new()).characters(chars, options & 1 != 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_go_on_in_the_next_record() {
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        type Row = (&'static str, Vec<Vec<u8>>, Vec<&'static str>);
        let rows: Vec<Row> = vec![
            ("narrow", vec![b"\x03\0\0abc".to_vec()], vec!["abc"]),
            ("wide", vec![[b"\x02\0\x01".to_vec(), wide("żó")].concat()], vec!["żó"]),
            ("two", vec![b"\x01\0\0a\x01\0\0b".to_vec()], vec!["a", "b"]),
            ("formats", vec![b"\x01\0\x08\x01\0a1234\x01\0\0b".to_vec()], vec!["a", "b"]),
            ("phonetic", vec![b"\x01\0\x04\x02\0\0\0a12\x01\0\0b".to_vec()], vec!["a", "b"]),
            ("split, same width", vec![b"\x04\0\0ab".to_vec(), b"\0cd\x01\0\0e".to_vec()], vec!["abcd", "e"]),
            ("split, wider", vec![b"\x03\0\0ab".to_vec(), [b"\x01".to_vec(), wide("ż")].concat()], vec!["abż"]),
            ("split between strings", vec![b"\x01\0\0a".to_vec(), b"\x01\0\0b".to_vec()], vec!["a", "b"]),
            ("cut", vec![b"\x09\0\0ab".to_vec()], vec!["ab"]),
        ];
        for (case, pieces, expected) in rows {
            let (first, rest) = pieces.split_first().expect("there is a piece");
            let mut pieces = Pieces::new(first, rest.iter().map(Vec::as_slice).collect());
            let found: Vec<String> = expected.iter().filter_map(|_| pieces.rich_string()).collect();
            assert_eq!(found, expected, "{case}");
        }
    }
}
