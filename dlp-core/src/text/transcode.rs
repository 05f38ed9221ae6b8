//! Transcoding to UTF-8 in pieces, with runs that map every text byte back to its original byte.

use super::{Charset, CodePage};
use encoding_rs::{Decoder, DecoderResult, Encoding};

/// A run of transcoded text with a constant step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapRun {
    /// Offset of the run in the segment's text.
    pub text_start: u32,
    /// Offset of the run in the item's raw bytes.
    pub original_start: u64,
    /// Raw bytes for each group of text bytes: 4 for ASCII in UTF-32, 2 in UTF-16, 1 for ASCII in an 8-bit set, 0 when all
    /// of the run shares one place, as the bytes of one character do.
    pub stride: u8,
    /// Text bytes that share a place, before the next ones stand one stride behind: 3 in base64, of which four characters
    /// give three bytes, else 1.
    pub group: u8,
}

impl MapRun {
    /// Where so many text bytes behind the start of the run come from.
    #[must_use]
    pub fn original_at(&self, within: u64) -> u64 {
        self.original_start + within / u64::from(self.group.max(1)) * u64::from(self.stride)
    }
}

/// The original offset of a text offset. For the end of a span pass its exclusive end: the last run of a segment always
/// marks the end of the text.
#[must_use]
pub fn original_offset(runs: &[MapRun], text_offset: u32) -> Option<u64> {
    let index = runs.partition_point(|run| run.text_start <= text_offset).checked_sub(1)?;
    let run = runs.get(index)?;
    Some(run.original_at(u64::from(text_offset - run.text_start)))
}

/// A transcoded piece.
#[derive(Debug, Default)]
pub struct Transcoded {
    /// UTF-8 text.
    pub text: String,
    /// Ascending runs; the last one stands at the end of the text.
    pub runs: Vec<MapRun>,
}

impl Transcoded {
    /// Appends a character that was read from `original_len` bytes at `original`.
    pub(crate) fn push(&mut self, c: char, original: u64, original_len: u8) {
        self.go_on(original, if c.is_ascii() { original_len } else { 0 });
        self.text.push(c);
    }

    /// Appends characters of ASCII, each of which was read from `stride` bytes from `original` on.
    pub(crate) fn push_ascii(&mut self, ascii: &[u8], original: u64, stride: u8) {
        if !ascii.is_empty() {
            self.go_on(original, stride);
            self.text.push_str(std::str::from_utf8(ascii).expect("ASCII is UTF-8"));
        }
    }

    /// Starts a run at the end of the text, unless the last one goes on with this original.
    fn go_on(&mut self, original: u64, stride: u8) {
        let text_start = self.text.len() as u32;
        let extends = self.runs.last().is_some_and(|run| {
            stride != 0
                && run.stride == stride
                && run.original_start + u64::from(text_start - run.text_start) * u64::from(stride) == original
        });
        if !extends {
            self.runs.push(MapRun { text_start, original_start: original, stride, group: 1 });
        }
    }

    /// Marks the end of the text, which stands at `original`.
    pub(crate) fn end(&mut self, original: u64) {
        self.runs.push(MapRun { text_start: self.text.len() as u32, original_start: original, stride: 1, group: 1 });
    }

    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.runs.clear();
    }
}

/// Transcodes one text piece by piece.
pub struct Transcoder {
    decoder: Inner,
    /// Raw offset of the next byte that has not become a character.
    offset: u64,
    /// Bytes of a character that the piece before cut.
    pending: Vec<u8>,
}

enum Inner {
    Utf16 {
        big_endian: bool,
    },
    Utf32 {
        big_endian: bool,
    },
    Single(CodePage),
    /// Sets with characters of several bytes, fed byte by byte so that each character's bytes are known.
    Multi(Decoder),
    Utf8,
}

impl Transcoder {
    /// A transcoder whose next byte stands at `offset` of the item.
    #[must_use]
    pub fn new(charset: &Charset, offset: u64) -> Self {
        let decoder = match charset {
            Charset::Utf8 => Inner::Utf8,
            Charset::Utf16Le => Inner::Utf16 { big_endian: false },
            Charset::Utf16Be => Inner::Utf16 { big_endian: true },
            Charset::Utf32Le => Inner::Utf32 { big_endian: false },
            Charset::Utf32Be => Inner::Utf32 { big_endian: true },
            Charset::Single(page) => Inner::Single(page.clone()),
            Charset::Multi(encoding) => Inner::Multi(Encoding::new_decoder_without_bom_handling(encoding)),
        };
        Self { decoder, offset, pending: Vec::new() }
    }

    /// Moves to another raw offset; nothing may be pending.
    pub fn seek(&mut self, offset: u64) {
        self.offset = offset;
    }

    /// Whether bytes of an unfinished character are kept.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Transcodes the next bytes; `out` is cleared first. A piece must be shorter than 1 GiB.
    pub fn push(&mut self, bytes: &[u8], last: bool, out: &mut Transcoded) {
        out.clear();
        match &mut self.decoder {
            Inner::Single(page) => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    let (ascii, behind) = rest.split_at(Encoding::ascii_valid_up_to(rest));
                    out.push_ascii(ascii, self.offset, 1);
                    self.offset += ascii.len() as u64;
                    rest = behind;
                    if let Some((byte, behind)) = rest.split_first() {
                        out.push(page.char(*byte), self.offset, 1);
                        self.offset += 1;
                        rest = behind;
                    }
                }
            }
            Inner::Utf16 { big_endian } => {
                let big_endian = *big_endian;
                self.push_utf16(bytes, last, big_endian, out);
            }
            Inner::Utf32 { big_endian } => {
                let big_endian = *big_endian;
                self.push_utf32(bytes, last, big_endian, out);
            }
            Inner::Multi(_) => self.push_multi(bytes, last, out),
            Inner::Utf8 => self.push_utf8(bytes, last, out),
        }
        out.end(self.offset);
    }

    fn push_utf16(&mut self, bytes: &[u8], last: bool, big_endian: bool, out: &mut Transcoded) {
        self.pending.extend_from_slice(bytes);
        let pending = std::mem::take(&mut self.pending);
        let unit = |at: usize| {
            let pair = [*pending.get(at)?, *pending.get(at + 1)?];
            Some(if big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) })
        };
        let mut at = 0;
        let mut ascii = Vec::new();
        while let Some(first) = unit(at) {
            ascii_units(&pending[at..], big_endian, &mut ascii);
            if !ascii.is_empty() {
                out.push_ascii(&ascii, self.offset, 2);
                self.offset += 2 * ascii.len() as u64;
                at += 2 * ascii.len();
                continue;
            }
            let second = unit(at + 2);
            if (0xD800..0xDC00).contains(&first) && second.is_none() && !last {
                break;
            }
            let (c, len) = decode_unit(first, second);
            out.push(c, self.offset, len);
            self.offset += u64::from(len);
            at += usize::from(len);
        }
        if last {
            self.offset += (pending.len() - at) as u64;
        } else {
            self.pending.extend_from_slice(&pending[at..]);
        }
    }

    fn push_utf32(&mut self, bytes: &[u8], last: bool, big_endian: bool, out: &mut Transcoded) {
        const UNIT_BYTES: usize = 4;
        self.pending.extend_from_slice(bytes);
        let pending = std::mem::take(&mut self.pending);
        let units = pending.chunks_exact(UNIT_BYTES);
        let rest = units.remainder();
        for unit in units {
            let unit = [unit[0], unit[1], unit[2], unit[3]];
            let code = if big_endian { u32::from_be_bytes(unit) } else { u32::from_le_bytes(unit) };
            out.push(char::from_u32(code).unwrap_or('\u{fffd}'), self.offset, UNIT_BYTES as u8);
            self.offset += UNIT_BYTES as u64;
        }
        if last {
            self.offset += rest.len() as u64;
        } else {
            self.pending.extend_from_slice(rest);
        }
    }

    fn push_multi(&mut self, bytes: &[u8], last: bool, out: &mut Transcoded) {
        let Inner::Multi(decoder) = &mut self.decoder else { return };
        for &byte in bytes {
            self.pending.push(byte);
            let mut slot = [0_u8; 16];
            let mut fed: &[u8] = &[byte];
            // Malformed bytes can be handed back by the decoder once, so two rounds are enough; four is a safe bound.
            for _ in 0..4 {
                let (result, read, written) = decoder.decode_to_utf8_without_replacement(fed, &mut slot, false);
                fed = fed.get(read..).unwrap_or_default();
                let text = std::str::from_utf8(&slot[..written]).unwrap_or_default();
                let broken = matches!(result, DecoderResult::Malformed(..));
                let chars = text.chars().chain(broken.then_some('\u{fffd}'));
                // Bytes that are handed back belong to the next character.
                let taken = self.pending.len() - fed.len();
                if share(chars, taken, self.offset, out) {
                    self.offset += taken as u64;
                    self.pending.drain(..taken);
                }
                if fed.is_empty() && !broken {
                    break;
                }
            }
        }
        if last && !self.pending.is_empty() {
            out.push('\u{fffd}', self.offset, self.pending.len().min(255) as u8);
            self.offset += self.pending.len() as u64;
            self.pending.clear();
        }
    }

    fn push_utf8(&mut self, bytes: &[u8], last: bool, out: &mut Transcoded) {
        self.pending.extend_from_slice(bytes);
        let pending = std::mem::take(&mut self.pending);
        let cut = if last { pending.len() } else { super::utf8_cut(&pending) };
        for chunk in pending[..cut].utf8_chunks() {
            for c in chunk.valid().chars() {
                out.push(c, self.offset, c.len_utf8() as u8);
                self.offset += c.len_utf8() as u64;
            }
            if !chunk.invalid().is_empty() {
                out.push('\u{fffd}', self.offset, chunk.invalid().len() as u8);
                self.offset += chunk.invalid().len() as u64;
            }
        }
        self.pending.extend_from_slice(&pending[cut..]);
    }
}

/// Hands out characters that share so many bytes at `offset`; false if there are none.
fn share(mut chars: impl Iterator<Item = char>, len: usize, offset: u64, out: &mut Transcoded) -> bool {
    let Some(first) = chars.next() else { return false };
    out.push(first, offset, len.min(255) as u8);
    for c in chars {
        out.push(c, offset, 0);
    }
    true
}

/// The characters of ASCII that UTF-16 starts with.
fn ascii_units(bytes: &[u8], big_endian: bool, ascii: &mut Vec<u8>) {
    let (high, low) = if big_endian { (0, 1) } else { (1, 0) };
    let is_other = |pair: &[u8]| (pair[high] != 0) | !pair[low].is_ascii();
    let units = bytes.chunks_exact(2);
    let len = units.clone().position(is_other).unwrap_or(units.len());
    ascii.clear();
    ascii.extend(bytes[..2 * len].chunks_exact(2).map(|pair| pair[low]));
}

/// One UTF-16 character and the bytes it takes. Lone surrogates become U+FFFD.
fn decode_unit(first: u16, second: Option<u16>) -> (char, u8) {
    if let Some(c) = char::from_u32(u32::from(first)) {
        return (c, 2);
    }
    match second {
        Some(second) if first < 0xDC00 && (0xDC00..0xE000).contains(&second) => {
            let code = 0x1_0000 + ((u32::from(first) - 0xD800) << 10) + (u32::from(second) - 0xDC00);
            (char::from_u32(code).unwrap_or('\u{fffd}'), 4)
        }
        _ => ('\u{fffd}', 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn transcode(charset: &Charset, bytes: &[u8], piece: usize) -> (String, Vec<(char, u64)>) {
        let mut transcoder = Transcoder::new(charset, 0);
        let (mut text, mut places, mut out) = (String::new(), Vec::new(), Transcoded::default());
        let mut pieces = bytes.chunks(piece.max(1)).peekable();
        while let Some(next) = pieces.next() {
            transcoder.push(next, pieces.peek().is_none(), &mut out);
            for (at, c) in out.text.char_indices() {
                places.push((c, original_offset(&out.runs, at as u32).expect("every character has a run")));
            }
            text.push_str(&out.text);
        }
        (text, places)
    }

    fn utf16(text: &str, big_endian: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|u| if big_endian { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    }

    proptest! {
        #[test]
        fn utf16_maps_back(text in "\\PC{0,60}", piece in 1_usize..9, big_endian: bool) {
            let bytes = utf16(&text, big_endian);
            let charset = if big_endian { Charset::Utf16Be } else { Charset::Utf16Le };
            let (decoded, places) = transcode(&charset, &bytes, piece);
            prop_assert_eq!(&decoded, &text);
            for (c, offset) in places {
                let own = utf16(&c.to_string(), big_endian);
                prop_assert!(bytes[offset as usize..].starts_with(&own), "{:?} at {}", c, offset);
            }
        }

        #[test]
        fn utf32_maps_back(text in "\\PC{0,40}", piece in 1_usize..11, big_endian: bool) {
            let write = if big_endian { u32::to_be_bytes } else { u32::to_le_bytes };
            let bytes: Vec<u8> = text.chars().flat_map(|c| write(u32::from(c))).collect();
            let charset = if big_endian { Charset::Utf32Be } else { Charset::Utf32Le };
            let (decoded, places) = transcode(&charset, &bytes, piece);
            prop_assert_eq!(&decoded, &text);
            for (index, (_, offset)) in places.into_iter().enumerate() {
                prop_assert_eq!(offset, 4 * index as u64);
            }
        }

        #[test]
        fn eight_bit_maps_back(bytes in proptest::collection::vec(any::<u8>(), 0..80), piece in 1_usize..9) {
            let page = CodePage::from_encoding(encoding_rs::WINDOWS_1250).expect("a single-byte set");
            let (_, places) = transcode(&Charset::Single(page.clone()), &bytes, piece);
            for (c, offset) in places {
                prop_assert_eq!(page.char(bytes[offset as usize]), c);
            }
        }

        #[test]
        fn shift_jis_maps_back(text in "[ -}あ-んア-ン日本漢字]{0,40}", piece in 1_usize..7) {
            let (bytes, _, lossy) = encoding_rs::SHIFT_JIS.encode(&text);
            prop_assume!(!lossy && !text.contains('\\'));
            let (decoded, places) = transcode(&Charset::Multi(encoding_rs::SHIFT_JIS), &bytes, piece);
            prop_assert_eq!(&decoded, &text);
            for (c, offset) in places {
                let c = c.to_string();
                let (own, _, _) = encoding_rs::SHIFT_JIS.encode(&c);
                prop_assert!(bytes[offset as usize..].starts_with(&own));
            }
        }

        #[test]
        fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), piece in 1_usize..70) {
            for charset in [Charset::Utf8, Charset::Utf16Le, Charset::Utf16Be, Charset::Utf32Le, Charset::Utf32Be,
                            Charset::Multi(encoding_rs::GBK),
                            Charset::Multi(encoding_rs::ISO_2022_JP), Charset::Multi(encoding_rs::EUC_KR)] {
                let (_, places) = transcode(&charset, &bytes, piece);
                prop_assert!(places.is_sorted_by_key(|place| place.1));
            }
        }
    }

    #[test]
    fn what_follows_a_broken_character_has_its_own_place() {
        let rows: [(&str, &'static Encoding, &[u8]); 2] =
            [("shift_jis", encoding_rs::SHIFT_JIS, b"a\x934b"), ("gbk", encoding_rs::GBK, b"a\x81 b")];
        for (case, encoding, bytes) in rows {
            for piece in 1..=bytes.len() {
                let (_, places) = transcode(&Charset::Multi(encoding), bytes, piece);
                let expected = [('a', 0), ('\u{fffd}', 1), (char::from(bytes[2]), 2), ('b', 3)];
                assert_eq!(places, expected, "{case} in pieces of {piece}");
            }
        }
    }
}
