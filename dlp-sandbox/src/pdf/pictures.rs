//! Pictures of a document as files that others can read.
//!
//! Pictures packed as JPEG and JPEG 2000 are files already, fax pictures become TIFF with a header in front. Everything
//! else is unpacked to its samples and written as a grey picture of the plain form PGM: letters stand out by their
//! brightness.

use super::objects;
use super::streams::{self, Packing, Unpacked};
use pdf_extract::{Dictionary, Document, Object, Stream};

/// The picture as a file of at most so many bytes; nothing when it is packed in another way, larger, or broken.
pub(super) fn file(document: &Document, stream: &Stream, bytes_max: u64) -> Option<Vec<u8>> {
    let bytes = match streams::packing(document, &stream.dict) {
        Packing::Samples => grey(document, stream, bytes_max)?,
        Packing::Jpeg => streams::below_picture(document, stream, bytes_max)?,
        Packing::Fax => fax(document, stream, bytes_max)?,
        Packing::Unknown => return None,
    };
    (bytes.len() as u64 <= bytes_max).then_some(bytes)
}

/// Width and height.
fn size(document: &Document, dictionary: &Dictionary) -> Option<(usize, usize)> {
    let number = |long: &[u8], short: &[u8]| {
        let object = objects::get(document, dictionary, long).or_else(|| objects::get(document, dictionary, short))?;
        usize::try_from(object.as_i64().ok()?).ok().filter(|number| *number > 0)
    };
    Some((number(b"Width", b"W")?, number(b"Height", b"H")?))
}

/// A fax picture in a TIFF file of one strip.
fn fax(document: &Document, stream: &Stream, bytes_max: u64) -> Option<Vec<u8>> {
    const SHORT: u16 = 3;
    const LONG: u16 = 4;
    const FAX_3: u32 = 3;
    const FAX_4: u32 = 4;
    let data = streams::below_picture(document, stream, bytes_max)?;
    let (width, height) = size(document, &stream.dict)?;
    let last = streams::parameters_of_last(document, &stream.dict);
    let number = |key: &[u8]| objects::get(document, last?, key)?.as_i64().ok();
    let flag = |key: &[u8]| last.and_then(|last| objects::get(document, last, key)?.as_bool().ok()).unwrap_or(false);
    let k = number(b"K").unwrap_or(0);
    let columns = number(b"Columns").unwrap_or(1_728);
    let lines = if flag(b"EncodedByteAlign") { 4_u32 } else { 0 } | u32::from(k > 0);
    let numbers: [(u16, u16, u32); 9] = [
        (256, LONG, u32::try_from(columns).unwrap_or(u32::try_from(width).ok()?)),
        (257, LONG, u32::try_from(height).ok()?),
        (258, SHORT, 1),
        (259, SHORT, if k < 0 { FAX_4 } else { FAX_3 }),
        // Zero is white in a fax picture, unless stated otherwise.
        (262, SHORT, u32::from(flag(b"BlackIs1") != is_inverted(document, &stream.dict))),
        (273, LONG, 8 + 2 + 9 * 12 + 4),
        (278, LONG, u32::try_from(height).ok()?),
        (279, LONG, u32::try_from(data.len()).ok()?),
        (if k < 0 { 293 } else { 292 }, LONG, if k < 0 { 0 } else { lines }),
    ];
    let mut file = b"II*\0\x08\0\0\0".to_vec();
    file.extend_from_slice(&u16::try_from(numbers.len()).ok()?.to_le_bytes());
    for (tag, kind, value) in numbers {
        file.extend_from_slice(&tag.to_le_bytes());
        file.extend_from_slice(&kind.to_le_bytes());
        file.extend_from_slice(&1_u32.to_le_bytes());
        file.extend_from_slice(&value.to_le_bytes());
    }
    file.extend_from_slice(&[0; 4]);
    file.extend_from_slice(&data);
    Some(file)
}

/// Whether the values of the samples are turned around.
fn is_inverted(document: &Document, dictionary: &Dictionary) -> bool {
    let bounds = objects::array(document, dictionary, b"Decode");
    let first = bounds.first().and_then(|bound| objects::resolve(document, bound)?.as_float().ok());
    first.is_some_and(|first| first > 0.5)
}

/// A grey picture of the samples.
fn grey(document: &Document, stream: &Stream, bytes_max: u64) -> Option<Vec<u8>> {
    let (width, height) = size(document, &stream.dict)?;
    let pixels = width.checked_mul(height).filter(|pixels| *pixels as u64 <= bytes_max)?;
    let samples = match streams::unpack(document, stream, bytes_max) {
        Unpacked::Bytes(bytes) | Unpacked::Torn(bytes) => bytes,
        Unpacked::TooLarge | Unpacked::Opaque => return None,
    };
    let is_mask =
        objects::get(document, &stream.dict, b"ImageMask").is_some_and(|mask| matches!(mask.as_bool(), Ok(true)));
    let bits = objects::get(document, &stream.dict, b"BitsPerComponent").and_then(|bits| bits.as_i64().ok());
    let bits = if is_mask {
        1
    } else {
        usize::try_from(bits.unwrap_or(8)).ok().filter(|bits| [1, 2, 4, 8, 16].contains(bits))?
    };
    let space = if is_mask { Space::Grey } else { Space::of(document, &stream.dict)? };
    let row_bytes = width.checked_mul(space.components())?.checked_mul(bits)?.div_ceil(8);
    let invert = if is_inverted(document, &stream.dict) { u8::MAX } else { 0 };
    let mut file = format!("P5\n{width} {height}\n255\n").into_bytes();
    file.reserve(pixels);
    let mut row = Vec::with_capacity(width * space.components());
    for packed in samples.chunks(row_bytes).take(height) {
        row.clear();
        row.extend((0..width * space.components()).map(|index| sample(packed, index, bits)));
        file.extend(row.chunks(space.components()).map(|pixel| space.brightness(pixel, bits) ^ invert));
    }
    // What is missing at the end is paper.
    file.resize(file.len().max(format!("P5\n{width} {height}\n255\n").len() + pixels), u8::MAX);
    Some(file)
}

/// A sample of a row: its highest eight bits where it has more.
fn sample(row: &[u8], index: usize, bits: usize) -> u8 {
    let byte = |at: usize| row.get(at).copied().unwrap_or(u8::MAX);
    match bits {
        8 => byte(index),
        16 => byte(index * 2),
        bits => byte(index * bits / 8) >> (8 - bits - index * bits % 8) & ((1 << bits) - 1),
    }
}

/// What samples mean.
#[derive(Debug, PartialEq, Eq)]
enum Space {
    Grey,
    Colours,
    Inks,
    /// Brightness by number.
    Palette(Vec<u8>),
}

impl Space {
    fn of(document: &Document, dictionary: &Dictionary) -> Option<Self> {
        Self::of_object(document, objects::get(document, dictionary, b"ColorSpace")?, 0)
    }

    fn of_object(document: &Document, space: &Object, depth: u32) -> Option<Self> {
        /// Palettes of profiles of plain spaces.
        const DEPTH_MAX: u32 = 4;
        if depth > DEPTH_MAX {
            return None;
        }
        let (name, parts) = match space {
            Object::Name(name) => (name.as_slice(), &[][..]),
            Object::Array(parts) => (objects::resolve(document, parts.first()?)?.as_name().ok()?, parts.as_slice()),
            _ => return None,
        };
        let part = |index: usize| objects::resolve(document, parts.get(index)?);
        match name {
            b"DeviceGray" | b"CalGray" | b"G" => Some(Self::Grey),
            b"DeviceRGB" | b"CalRGB" | b"RGB" => Some(Self::Colours),
            b"DeviceCMYK" | b"CMYK" => Some(Self::Inks),
            b"ICCBased" => match objects::get(document, &part(1)?.as_stream().ok()?.dict, b"N")?.as_i64().ok()? {
                1 => Some(Self::Grey),
                3 => Some(Self::Colours),
                4 => Some(Self::Inks),
                _ => None,
            },
            b"Indexed" | b"I" => {
                /// A palette has at most 256 colours of four components.
                const PALETTE_BYTES_MAX: u64 = 1_024;
                let base = Self::of_object(document, part(1)?, depth + 1)?;
                let colours = match part(3)? {
                    Object::String(bytes, _) => bytes.clone(),
                    Object::Stream(stream) => streams::unpack(document, stream, PALETTE_BYTES_MAX).readable()?,
                    _ => return None,
                };
                let components = base.components();
                Some(Self::Palette(colours.chunks_exact(components).map(|colour| base.brightness(colour, 8)).collect()))
            }
            _ => None,
        }
    }

    fn components(&self) -> usize {
        match self {
            Self::Grey | Self::Palette(_) => 1,
            Self::Colours => 3,
            Self::Inks => 4,
        }
    }

    /// How bright a pixel is, 255 being white.
    fn brightness(&self, pixel: &[u8], bits: usize) -> u8 {
        let full = |sample: u8| if bits < 8 { sample * (u8::MAX / ((1 << bits) - 1)) } else { sample };
        match (self, pixel) {
            (Self::Palette(colours), [index]) => colours.get(usize::from(*index)).copied().unwrap_or(u8::MAX),
            (Self::Grey, [grey]) => full(*grey),
            (Self::Colours, [red, green, blue]) => {
                // The shares of the eye's sensitivity, in 256ths.
                let weighed = 77 * u32::from(full(*red)) + 150 * u32::from(full(*green)) + 29 * u32::from(full(*blue));
                u8::try_from(weighed / 256).unwrap_or(u8::MAX)
            }
            (Self::Inks, [cyan, magenta, yellow, black]) => {
                let ink = [cyan, magenta, yellow].iter().map(|ink| u32::from(full(**ink))).sum::<u32>() / 3;
                u8::MAX - u8::try_from(ink + u32::from(full(*black))).unwrap_or(u8::MAX)
            }
            _ => u8::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pdf_extract::{Dictionary, StringFormat};

    fn picture(space: Object, bits: i64, samples: &[u8]) -> Option<Vec<u8>> {
        let mut dictionary = Dictionary::new();
        dictionary.set("Width", 2);
        dictionary.set("Height", 1);
        dictionary.set("BitsPerComponent", bits);
        dictionary.set("ColorSpace", space);
        let file = file(&Document::new(), &Stream::new(dictionary, samples.to_vec()), 1_024)?;
        Some(file.strip_prefix(b"P5\n2 1\n255\n").expect("a grey picture").to_vec())
    }

    #[test]
    fn samples_become_brightness() {
        let named = |name: &str| Object::Name(name.as_bytes().to_vec());
        let check = |space: Object, bits, samples: &[u8], expected: Option<&[u8]>| {
            assert_eq!(picture(space, bits, samples).as_deref(), expected, "{samples:?} of {bits} bits");
        };
        check(named("DeviceGray"), 8, &[0, 200], Some(&[0, 200]));
        check(named("DeviceGray"), 1, &[0b1000_0000], Some(&[255, 0]));
        check(named("DeviceGray"), 2, &[0b0110_0000], Some(&[85, 170]));
        check(named("DeviceGray"), 16, &[9, 0, 8, 255], Some(&[9, 8]));
        check(named("DeviceRGB"), 8, &[255, 255, 255, 0, 0, 0], Some(&[255, 0]));
        check(named("DeviceCMYK"), 8, &[0, 0, 0, 0, 0, 0, 0, 255], Some(&[255, 0]));
        check(named("DeviceGray"), 8, &[1], Some(&[1, 255]));
        check(named("Unheard"), 8, &[1, 2], None);
        check(named("DeviceGray"), 3, &[1, 2], None);
        let palette = Object::String(vec![0, 0, 0, 255, 255, 255], StringFormat::Literal);
        let indexed = Object::Array(vec![named("Indexed"), named("DeviceRGB"), Object::Integer(1), palette]);
        check(indexed, 1, &[0b0100_0000], Some(&[0, 255]));
    }
}
