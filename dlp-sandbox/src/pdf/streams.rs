//! Unpacks streams within a bound, and says when not all of a stream could be unpacked.
//!
//! Writers are careless: checksums and headers are missing, ends cut by a byte. None of this loses text, so none of it
//! is a loss here. Data that breaks off before its end is: what came out until then is kept, and marked as torn.
//! Predictors are left to the loader once the size is known, because they do not change it much.

use super::objects;
use flate2::{Decompress, FlushDecompress, Status};
use pdf_extract::{Dictionary, Document, Object, Stream};
use std::borrow::Cow;
use std::slice::Iter;

/// Filters in a row. One is usual, two occur, more is an attempt to hide or to blow up.
const FILTERS_MAX: usize = 8;
/// Bytes that a stream of text, fonts or pictures may unpack to for each of its own, and up to which that is not
/// judged. Page descriptions of real documents stay below 30; deflate can give 1,032, and twice that a million.
pub(crate) const STREAM_RATIO_MAX: u64 = 200;
const STREAM_BYTES_FREE: u64 = 16 * 1024 * 1024;
/// Unpacked bytes of all streams of one document in one reading.
pub(crate) const UNPACKED_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// What came of unpacking.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unpacked {
    /// The whole content.
    Bytes(Vec<u8>),
    /// The content up to where the packing is broken.
    Torn(Vec<u8>),
    /// It would be larger than the bound.
    TooLarge,
    /// The filter is for images, or not known.
    Opaque,
}

impl Unpacked {
    /// What can be read of it.
    pub(super) fn readable(self) -> Option<Vec<u8>> {
        match self {
            Self::Bytes(bytes) | Self::Torn(bytes) => Some(bytes),
            Self::TooLarge | Self::Opaque => None,
        }
    }

    fn whole(bytes: Vec<u8>, is_whole: bool, bytes_max: u64) -> Self {
        match is_whole {
            _ if bytes.len() as u64 > bytes_max => Self::TooLarge,
            true => Self::Bytes(bytes),
            false => Self::Torn(bytes),
        }
    }
}

/// How much a stream may unpack to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    bytes_max: u64,
    /// For each packed byte that was looked at, so that a bomb is known long before its end.
    ratio_max: u64,
}

impl Room {
    /// Any number of bytes up to the bound.
    fn any(bytes_max: u64) -> Self {
        Self { bytes_max, ratio_max: u64::MAX }
    }

    /// What packed bytes may honestly unpack to.
    pub(super) fn honest(packed_bytes: u64, bytes_max: u64) -> Self {
        let by_ratio = STREAM_RATIO_MAX.saturating_mul(packed_bytes);
        Self { bytes_max: bytes_max.min(by_ratio.max(STREAM_BYTES_FREE)), ratio_max: STREAM_RATIO_MAX }
    }

    /// Bytes that may have come of so many.
    fn behind(self, taken_bytes: u64) -> u64 {
        self.bytes_max.min(self.ratio_max.saturating_mul(taken_bytes).max(STREAM_BYTES_FREE))
    }
}

/// A filter with the only parameter that unpacking depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    name: Vec<u8>,
    /// Codes of `LZWDecode` grow one code early, as they do unless stated otherwise.
    early_change: bool,
}

impl Filter {
    pub(super) fn new(name: Vec<u8>) -> Self {
        Self { name, early_change: true }
    }

    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// Whether what it packs is a file of JPEG.
    pub(super) fn is_photo(&self) -> bool {
        matches!(self.name.as_slice(), b"DCTDecode" | b"DCT")
    }

    /// Whether the filter packs pictures, which hold no text.
    pub(super) fn is_for_images(&self) -> bool {
        matches!(
            self.name.as_slice(),
            b"DCTDecode" | b"DCT" | b"JPXDecode" | b"CCITTFaxDecode" | b"CCF" | b"JBIG2Decode"
        )
    }
}

/// Unpacks a stream of a document.
pub(super) fn unpack(document: &Document, stream: &Stream, bytes_max: u64) -> Unpacked {
    unpack_within(document, stream, Room::honest(stream.content.len() as u64, bytes_max))
}

/// Unpacks an embedded file, whose ratio the parent judges with its own bounds.
pub(super) fn unpack_file(document: &Document, stream: &Stream, bytes_max: u64) -> Unpacked {
    unpack_within(document, stream, Room::any(bytes_max))
}

fn unpack_within(document: &Document, stream: &Stream, room: Room) -> Unpacked {
    let filters = filters(document, &stream.dict);
    let unpacked = unpack_counted(&filters, &stream.content, room, &mut 0);
    if !has_predictor(document, &stream.dict) {
        return unpacked;
    }
    match (unpacked, stream.decompressed_content()) {
        (Unpacked::Bytes(_), Ok(bytes)) => Unpacked::Bytes(bytes),
        (Unpacked::Bytes(bytes), Err(_)) => Unpacked::Torn(bytes),
        (other, _) => other,
    }
}

/// How a picture is packed, by the last of its filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// Its samples stand in a row.
    Samples,
    /// It is a file of JPEG or JPEG 2000.
    Jpeg,
    /// As fax machines send it.
    Fax,
    /// In a way that nothing here knows.
    Unknown,
}

/// How a picture is packed.
pub(super) fn packing(document: &Document, dictionary: &Dictionary) -> Packing {
    let filters = filters(document, dictionary);
    let (last, before) = filters.split_last().map_or((None, &[][..]), |(last, before)| (Some(last), before));
    match last {
        _ if before.iter().any(Filter::is_for_images) => Packing::Unknown,
        Some(Filter { name, .. }) if matches!(name.as_slice(), b"DCTDecode" | b"DCT" | b"JPXDecode") => Packing::Jpeg,
        Some(Filter { name, .. }) if matches!(name.as_slice(), b"CCITTFaxDecode" | b"CCF") => Packing::Fax,
        Some(filter) if filter.is_for_images() => Packing::Unknown,
        _ => Packing::Samples,
    }
}

/// A picture with its last filter still on it.
pub(super) fn below_picture(document: &Document, stream: &Stream, bytes_max: u64) -> Option<Vec<u8>> {
    let filters = filters(document, &stream.dict);
    unpack_found(filters.split_last()?.1, &stream.content, bytes_max).readable()
}

/// The parameters of the last filter.
pub(super) fn parameters_of_last<'a>(document: &'a Document, dictionary: &'a Dictionary) -> Option<&'a Dictionary> {
    let parameters = objects::get(document, dictionary, b"DecodeParms")?;
    let parameters = match parameters {
        Object::Array(all) => objects::resolve(document, all.last()?)?,
        single => single,
    };
    parameters.as_dict().ok()
}

/// Unpacks bytes that were found without a document.
pub(super) fn unpack_found(filters: &[Filter], packed: &[u8], bytes_max: u64) -> Unpacked {
    unpack_counted(filters, packed, Room::honest(packed.len() as u64, bytes_max), &mut 0)
}

/// Unpacks bytes through a row of filters, and counts what comes out of each, or goes in where that is more: much may
/// mean nothing.
pub(super) fn unpack_counted(filters: &[Filter], packed: &[u8], room: Room, unpacked_bytes: &mut u64) -> Unpacked {
    if filters.len() > FILTERS_MAX {
        return Unpacked::TooLarge;
    }
    let mut bytes = Cow::Borrowed(packed);
    let mut is_torn = false;
    for filter in filters {
        let (unpacked, taken) = unpack_one(filter, &bytes, room);
        let given = match &unpacked {
            Unpacked::Bytes(bytes) | Unpacked::Torn(bytes) => bytes.len() as u64,
            Unpacked::TooLarge => room.behind(taken as u64),
            Unpacked::Opaque => 0,
        };
        *unpacked_bytes = unpacked_bytes.saturating_add(given.max(taken as u64));
        bytes = Cow::Owned(match unpacked {
            Unpacked::Bytes(bytes) => bytes,
            Unpacked::Torn(bytes) => {
                is_torn = true;
                bytes
            }
            other => return other,
        });
    }
    let bytes = bytes.into_owned();
    if is_torn { Unpacked::Torn(bytes) } else { Unpacked::Bytes(bytes) }
}

/// What a filter makes of packed bytes, and how many of them it looked at.
fn unpack_one(filter: &Filter, packed: &[u8], room: Room) -> (Unpacked, usize) {
    let bytes_max = room.bytes_max;
    let mut rest = packed.iter();
    let unpacked = match filter.name.as_slice() {
        b"FlateDecode" | b"Fl" => return inflate(packed, room),
        b"LZWDecode" | b"LZW" => unpack_lzw(&mut rest, filter.early_change, bytes_max),
        b"ASCII85Decode" | b"A85" => from_base_85(&mut rest, bytes_max),
        b"ASCIIHexDecode" | b"AHx" => Unpacked::whole(hex_bytes(&mut rest), true, bytes_max),
        b"RunLengthDecode" | b"RL" => return (run_lengths(packed, bytes_max), 0),
        b"Crypt" => Unpacked::Bytes(packed.to_vec()),
        _ => Unpacked::Opaque,
    };
    (unpacked, packed.len() - rest.len())
}

/// The filters in the order in which they unpack. What stands in their place and is no name is a filter that nobody
/// knows, or a file elsewhere.
pub(super) fn filters(document: &Document, dictionary: &Dictionary) -> Vec<Filter> {
    let filter = objects::get(document, dictionary, b"Filter").or_else(|| objects::get(document, dictionary, b"F"));
    let name = |object: &Object| {
        let name = objects::resolve(document, object).and_then(|name| name.as_name().ok());
        Filter::new(name.unwrap_or_default().to_vec())
    };
    let mut filters = match filter {
        None | Some(Object::Null) => Vec::new(),
        Some(Object::Array(names)) => names.iter().map(name).collect(),
        Some(single) => vec![name(single)],
    };
    for (index, filter) in filters.iter_mut().enumerate() {
        filter.early_change = parameter(document, dictionary, index, b"EarlyChange") != Some(0);
    }
    filters
}

fn has_predictor(document: &Document, dictionary: &Dictionary) -> bool {
    let predictor = |index| parameter(document, dictionary, index, b"Predictor");
    (0..FILTERS_MAX).any(|index| predictor(index).is_some_and(|predictor| predictor > 1))
}

/// A number among the parameters of the filter with this index.
fn parameter(document: &Document, dictionary: &Dictionary, index: usize, key: &[u8]) -> Option<i64> {
    let parameters = match objects::get(document, dictionary, b"DecodeParms")? {
        Object::Array(all) => objects::resolve(document, all.get(index)?)?,
        single => single,
    };
    objects::get(document, parameters.as_dict().ok()?, key)?.as_i64().ok()
}

/// Deflate data with its header, without its checksum when that is missing, without its header when that is missing. A
/// checksum that is there and wrong tells of damage.
fn inflate(packed: &[u8], room: Room) -> (Unpacked, usize) {
    const HEADER_BYTES: usize = 2;
    const CHECKSUM_BYTES: usize = 4;
    if packed.trim_ascii().is_empty() {
        return (Unpacked::Bytes(Vec::new()), 0);
    }
    let bytes_max = room.bytes_max;
    let with_header = Inflated::of(packed, true, room);
    let mut taken = with_header.taken;
    if with_header.is_too_much {
        return (Unpacked::TooLarge, taken);
    }
    if with_header.is_whole {
        return (Unpacked::whole(with_header.bytes, true, bytes_max), taken);
    }
    let body = packed.get(HEADER_BYTES..).unwrap_or_default();
    let skipped = Inflated::of(body, false, room);
    taken += skipped.taken;
    if skipped.is_too_much {
        return (Unpacked::TooLarge, taken);
    }
    if skipped.is_whole && skipped.bytes.len() >= with_header.bytes.len() {
        return (Unpacked::whole(skipped.bytes, body.len() - skipped.taken < CHECKSUM_BYTES, bytes_max), taken);
    }
    let bare = Inflated::of(packed, false, room);
    taken += bare.taken;
    if bare.is_whole && with_header.bytes.is_empty() {
        return (Unpacked::whole(bare.bytes, true, bytes_max), taken);
    }
    let longest = [with_header, skipped].into_iter().max_by_key(|inflated| inflated.bytes.len());
    (Unpacked::whole(longest.map_or_else(Vec::new, |longest| longest.bytes), false, bytes_max), taken)
}

/// What comes out of deflate data.
struct Inflated {
    bytes: Vec<u8>,
    /// Packed bytes that were looked at.
    taken: usize,
    /// Whether the data ends there.
    is_whole: bool,
    /// Whether there is more than there is room for.
    is_too_much: bool,
}

impl Inflated {
    fn of(packed: &[u8], has_header: bool, room: Room) -> Self {
        const STEP_BYTES: usize = 32 * 1024;
        let mut state = Decompress::new(has_header);
        let mut bytes = Vec::new();
        let mut step = vec![0; STEP_BYTES];
        let (mut is_whole, mut is_too_much) = (false, false);
        while !is_too_much {
            let (taken, given) = (state.total_in(), state.total_out());
            let rest = usize::try_from(taken).ok().and_then(|taken| packed.get(taken..)).unwrap_or_default();
            let status = state.decompress(rest, &mut step, FlushDecompress::None);
            let new = usize::try_from(state.total_out() - given).unwrap_or(0);
            bytes.extend_from_slice(&step[..new.min(STEP_BYTES)]);
            is_too_much = bytes.len() as u64 > room.behind(state.total_in());
            match status {
                Ok(Status::StreamEnd) => {
                    is_whole = true;
                    break;
                }
                Ok(_) if new > 0 || state.total_in() > taken => {}
                _ => break,
            }
        }
        Self { bytes, taken: usize::try_from(state.total_in()).unwrap_or(packed.len()), is_whole, is_too_much }
    }
}

/// LZW as in PDF: codes of 9 to 12 bits, high bit first.
fn unpack_lzw(packed: &mut Iter<'_, u8>, early_change: bool, bytes_max: u64) -> Unpacked {
    const CLEAR: usize = 256;
    const END: usize = 257;
    const CODES_MAX: usize = 4_096;
    // Where in the output each code's text was seen; the first 258 codes are bytes and marks.
    let mut seen: Vec<(usize, usize)> = Vec::new();
    let mut bytes = Vec::new();
    let mut last: Option<(usize, usize)> = None;
    let (mut bits, mut bit_count) = (0_usize, 0_u32);
    loop {
        // The table is one entry behind the writer's.
        let next = END + 1 + seen.len() + usize::from(last.is_some()) + usize::from(early_change);
        let width = (usize::BITS - next.min(CODES_MAX - 1).leading_zeros()).max(9);
        while bit_count < width {
            let Some(byte) = packed.next() else { return Unpacked::whole(bytes, false, bytes_max) };
            bits = (bits << 8 | usize::from(*byte)) & 0xFF_FFFF;
            bit_count += 8;
        }
        bit_count -= width;
        let code = bits >> bit_count & ((1 << width) - 1);
        let start = bytes.len();
        match code {
            END => return Unpacked::whole(bytes, true, bytes_max),
            CLEAR => {
                seen.clear();
                last = None;
                continue;
            }
            0..CLEAR => bytes.push(code as u8),
            _ => {
                // The newest text is the one before and the byte behind it, which is being written just now.
                let newest = last.map(|(start, len)| (start, len + 1));
                let text = seen.get(code - END - 1).copied().or(newest.filter(|_| code - END - 1 == seen.len()));
                let Some((from, len)) = text else { return Unpacked::whole(bytes, false, bytes_max) };
                for at in from..from + len {
                    bytes.push(bytes[at]);
                }
            }
        }
        if let Some((start, len)) = last
            && seen.len() + END + 1 < CODES_MAX
        {
            seen.push((start, len + 1));
        }
        last = Some((start, bytes.len() - start));
        if bytes.len() as u64 > bytes_max {
            return Unpacked::TooLarge;
        }
    }
}

/// Groups of five characters for four bytes, up to `~>`.
fn from_base_85(text: &mut Iter<'_, u8>, bytes_max: u64) -> Unpacked {
    let mut bytes = Vec::new();
    let mut group: Vec<u32> = Vec::with_capacity(5);
    let start = text.as_slice().trim_ascii_start();
    *text = start.strip_prefix(b"<~").unwrap_or(start).iter();
    for byte in text {
        match byte {
            b'~' => {
                push_group(&group, &mut bytes);
                return Unpacked::whole(bytes, true, bytes_max);
            }
            b'z' if group.is_empty() => bytes.extend_from_slice(&[0; 4]),
            b'!'..=b'u' => group.push(u32::from(byte - b'!')),
            0 | 9 | 10 | 12 | 13 | b' ' => {}
            _ => return Unpacked::whole(bytes, false, bytes_max),
        }
        if group.len() == 5 {
            push_group(&group, &mut bytes);
            group.clear();
        }
        if bytes.len() as u64 > bytes_max {
            return Unpacked::TooLarge;
        }
    }
    push_group(&group, &mut bytes);
    Unpacked::whole(bytes, false, bytes_max)
}

/// A group of less than five is filled up with the highest digit, and gives a byte less than it has characters.
fn push_group(group: &[u32], bytes: &mut Vec<u8>) {
    const HIGHEST: u32 = 84;
    let Some(len) = group.len().checked_sub(1) else { return };
    let digits = group.iter().copied().chain(std::iter::repeat(HIGHEST)).take(5);
    let value = digits.fold(0_u32, |value, digit| value.wrapping_mul(85).wrapping_add(digit));
    bytes.extend_from_slice(&value.to_be_bytes()[..len.min(4)]);
}

/// Hexadecimal digits up to `>`; anything else between them is skipped.
pub(super) fn from_hex(text: &[u8]) -> Vec<u8> {
    hex_bytes(&mut text.iter())
}

fn hex_bytes(text: &mut Iter<'_, u8>) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let digits: Vec<u8> = text.take_while(|byte| **byte != b'>').filter_map(digit).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4) | pair.get(1).copied().unwrap_or(0)).collect()
}

fn run_lengths(packed: &[u8], bytes_max: u64) -> Unpacked {
    /// Marks the end of the data.
    const END: u8 = 128;
    let mut bytes = Vec::new();
    let mut rest = packed;
    while let Some((length, tail)) = rest.split_first() {
        let count = usize::from(*length);
        rest = match *length {
            END => break,
            0..END => {
                let run = tail.get(..=count).unwrap_or(tail);
                bytes.extend_from_slice(run);
                if run.len() <= count {
                    return Unpacked::whole(bytes, false, bytes_max);
                }
                &tail[run.len()..]
            }
            _ => {
                let Some((byte, tail)) = tail.split_first() else {
                    return Unpacked::whole(bytes, false, bytes_max);
                };
                bytes.resize(bytes.len() + 257 - count, *byte);
                tail
            }
        };
        if bytes.len() as u64 > bytes_max {
            return Unpacked::TooLarge;
        }
    }
    Unpacked::whole(bytes, true, bytes_max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn unpacked(filter: &str, packed: &[u8], bytes_max: u64) -> Unpacked {
        unpack_one(&Filter::new(filter.as_bytes().to_vec()), packed, Room::any(bytes_max)).0
    }

    #[test]
    fn filters_unpack_within_their_bound() {
        let check = |filter: &str, packed: &[u8], expected| {
            assert_eq!(unpacked(filter, packed, 16), expected, "{filter} {packed:?}");
        };
        let (bytes, torn) = (|text: &[u8]| Unpacked::Bytes(text.to_vec()), |text: &[u8]| Unpacked::Torn(text.to_vec()));
        check("ASCIIHexDecode", b"41 42 4>zz", bytes(b"AB@"));
        check("RunLengthDecode", &[1, b'a', b'b', 254, b'c', 128, 9], bytes(b"abccc"));
        check("RunLengthDecode", &[129, b'c'], Unpacked::TooLarge);
        check("RunLengthDecode", &[5, b'a'], torn(b"a"));
        check("RunLengthDecode", &[255], torn(b""));
        check("DCTDecode", b"", Unpacked::Opaque);
        check("Unheard", b"text", Unpacked::Opaque);
        check("ASCII85Decode", b"87cURD]~>", bytes(b"Hello"));
        check("ASCII85Decode", b"<~87cU\nRD]~>", bytes(b"Hello"));
        check("ASCII85Decode", b"z~>", bytes(&[0; 4]));
        check("ASCII85Decode", b"87cURD]", torn(b"Hello"));
        check("ASCII85Decode", b"87cUR\xFF", torn(b"Hell"));
        check("ASCII85Decode", b"zzzzz~>", Unpacked::TooLarge);
        // The example of the standard.
        check("LZWDecode", &[0x80, 0x0B, 0x60, 0x50, 0x22, 0x0C, 0x0C, 0x85, 0x01], bytes(b"-----A---B"));
        check("LZWDecode", &[0x80, 0x0B, 0x60, 0x50, 0x22, 0x0C], torn(b"-----A"));
        check("LZWDecode", &[0x80, 0x5F, 0xFF], torn(b""));
    }

    #[test]
    fn long_lzw_data_changes_its_widths_where_the_writer_does() {
        // A writer without a table beyond single bytes: its codes grow all the same, until it clears the table.
        for early_change in [true, false] {
            let text: Vec<u8> = (0..9_000_u32).map(|at| (at * 7 % 251) as u8).collect();
            let (mut packed, mut bits, mut count) = (Vec::new(), 0_u64, 0_u32);
            let mut put = |code: u64, width: u32| {
                (bits, count) = (bits << width | code, count + width);
                while count >= 8 {
                    count -= 8;
                    packed.push((bits >> count) as u8);
                    bits &= (1 << count) - 1;
                }
            };
            for block in text.chunks(3_800) {
                put(256, 9);
                for (index, byte) in block.iter().enumerate() {
                    let next = 258 + index + usize::from(early_change);
                    put(u64::from(*byte), (usize::BITS - next.leading_zeros()).max(9));
                }
                // The clearing code comes in the width that the table has then.
                let next = 258 + block.len() + usize::from(early_change);
                put(256, (usize::BITS - next.leading_zeros()).max(9));
            }
            put(257, 9);
            put(0, 7);
            let filter = Filter { name: b"LZWDecode".to_vec(), early_change };
            assert!(
                unpack_one(&filter, &packed, Room::any(10_000)).0 == Unpacked::Bytes(text),
                "early change {early_change}"
            );
        }
    }

    #[test]
    fn a_bomb_is_known_before_its_end() {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..64 {
            encoder.write_all(&[0; 1 << 20]).unwrap();
        }
        let packed = encoder.finish().unwrap();
        let mut unpacked_bytes = 0;
        let filters = [Filter::new(b"FlateDecode".to_vec())];
        // Bytes of something else behind it make the whole look honest.
        let padded = [&packed[..], &vec![b' '; 4 << 20]].concat();
        let room = Room::honest(padded.len() as u64, 64 << 20);
        assert_eq!(unpack_counted(&filters, &padded, room, &mut unpacked_bytes), Unpacked::TooLarge);
        assert!((STREAM_BYTES_FREE..STREAM_BYTES_FREE + (1 << 20)).contains(&unpacked_bytes), "{unpacked_bytes}");
        // Files are judged by those who take them.
        assert!(matches!(unpack_counted(&filters, &packed, Room::any(65 << 20), &mut 0), Unpacked::Bytes(_)));
    }

    #[test]
    fn torn_deflate_data_gives_what_stands_before_the_tear() {
        let text: Vec<u8> = (0..20_000_u32).flat_map(|number| number.to_string().into_bytes()).collect();
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&text).unwrap();
        let packed = encoder.finish().unwrap();
        let whole = |packed: &[u8]| unpacked("FlateDecode", packed, 1 << 20) == Unpacked::Bytes(text.clone());
        assert!(whole(&packed), "as it should be");
        assert!(whole(&packed[2..]), "without header");
        assert!(whole(&packed[..packed.len() - 4]), "without checksum");
        assert!(whole(&[&packed[..], b"\r\njunk"].concat()), "junk behind it");
        let half = packed.len() / 2;
        let mut damaged = packed.clone();
        damaged[half..half + 64].fill(0xFF);
        let wrong = [&packed[..packed.len() - 1], &[!packed[packed.len() - 1]]].concat();
        for (case, packed) in [("cut", &packed[..half]), ("damaged", &damaged[..]), ("wrong checksum", &wrong[..])] {
            let Unpacked::Torn(bytes) = unpacked("FlateDecode", packed, 1 << 20) else { panic!("{case} is not torn") };
            assert!(bytes.len() > text.len() / 4, "{case}: {} bytes", bytes.len());
            assert!(text.starts_with(&bytes[..text.len() / 4]), "{case}");
        }
        assert_eq!(unpacked("FlateDecode", b"", 9), Unpacked::Bytes(vec![]));
        assert_eq!(unpacked("FlateDecode", &packed, 9), Unpacked::TooLarge);
        assert!(matches!(unpacked("FlateDecode", b"no deflate data at all", 9), Unpacked::Torn(_)));
    }
}
