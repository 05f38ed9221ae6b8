//! The text in the pixels of pictures, where somebody recognises it.
//!
//! In: a picture as a file, from an image or a page. The size that its header states is judged before anything is
//! started for it: what is too small to be read is passed over, what is larger than the bound is named. How text is
//! recognised is left to the [`PictureReader`](super::PictureReader) behind the parser for risky formats; without one,
//! nothing happens here.

use super::walk::{Step, Walk};
use super::{Join, Origin, Part, Place, Role, Segment};
use crate::base::{Problem, bytes::array};

/// Letters need some twelve pixels in height to be told apart, and a value has several side by side. What is smaller
/// are bullets, lines and counting pixels.
const WIDTH_MIN: u64 = 40;
const HEIGHT_MIN: u64 = 12;

/// Recognises and hands out the text of a picture.
pub(super) fn read(walk: &mut Walk<'_>, picture: &[u8], place: Place<'_>) -> Step {
    let Some(reader) = walk.extraction.risky.and_then(|parser| parser.pictures()) else { return Ok(()) };
    let limits = walk.budget.limits;
    if let Some(size) = Size::of(picture) {
        if size.width < WIDTH_MIN || size.height < HEIGHT_MIN {
            return Ok(());
        }
        if size.width.saturating_mul(size.height) > limits.ocr_pixels_max {
            let message = "a picture has more pixels than the bound; its text was not recognised";
            walk.problem(Problem::limit("ocr_pixels_max", limits.ocr_pixels_max, message));
            return Ok(());
        }
    }
    walk.check_budget()?;
    if !walk.budget.take_picture() {
        let message = "there are more pictures than the bound; the text of this one was not recognised";
        walk.problem(Problem::limit("ocr_pictures_max", limits.ocr_pictures_max, message));
        return Ok(());
    }
    match reader.read(picture, limits) {
        Ok(text) => {
            let (part, join) = (Part { role: Role::Picture, name: "" }, Join::Line);
            walk.emit(&Segment { text: text.trim().as_bytes(), part, place, join, origin: Origin::None })
        }
        Err(problem) => {
            walk.problem(problem);
            Ok(())
        }
    }
}

/// Width and height in pixels, as the header states them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    width: u64,
    height: u64,
}

impl Size {
    /// The size of a picture; nothing for forms that state it elsewhere, which what recognises the text bounds itself.
    fn of(picture: &[u8]) -> Option<Self> {
        match picture {
            [0x89, b'P', b'N', b'G', ..] => Self::at(picture, &[16..20, 20..24], true),
            [b'G', b'I', b'F', b'8', ..] => Self::at(picture, &[6..8, 8..10], false),
            [0xFF, 0xD8, ..] => Self::of_jpeg(picture),
            [b'B', b'M', ..] => Self::of_bitmap(picture),
            [b'P', b'4' | b'5' | b'6', ..] => Self::of_pnm(picture),
            _ => None,
        }
    }

    fn at(picture: &[u8], fields: &[std::ops::Range<usize>; 2], is_big: bool) -> Option<Self> {
        let number = |range: &std::ops::Range<usize>| {
            let bytes = picture.get(range.clone())?;
            let shifted = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
            Some(if is_big { bytes.iter().fold(0, shifted) } else { bytes.iter().rev().fold(0, shifted) })
        };
        Some(Self { width: number(&fields[0])?, height: number(&fields[1])? })
    }

    /// The segment that starts a frame holds the size.
    fn of_jpeg(picture: &[u8]) -> Option<Self> {
        let mut at = 2;
        while let Some([0xFF, marker, high, low]) = picture.get(at..at + 4) {
            match marker {
                // Tables of codes have numbers among those of frames.
                0xC4 | 0xC8 | 0xCC => {}
                0xC0..=0xCF => {
                    return Self::at(picture, &[at + 7..at + 9, at + 5..at + 7], true);
                }
                0xFF => {
                    at += 1;
                    continue;
                }
                _ => {}
            }
            at += 2 + usize::from(u16::from_be_bytes([*high, *low])).max(2);
        }
        None
    }

    /// A height below zero says that the first line stands first.
    fn of_bitmap(picture: &[u8]) -> Option<Self> {
        let number = |at: usize| array(picture, at).map(|bytes| u64::from(i32::from_le_bytes(bytes).unsigned_abs()));
        Some(Self { width: number(18)?, height: number(22)? })
    }

    fn of_pnm(picture: &[u8]) -> Option<Self> {
        const HEADER_BYTES: usize = 64;
        let header = picture.get(2..picture.len().min(HEADER_BYTES))?;
        let mut numbers = header.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).map(|word| {
            let digits = std::str::from_utf8(word).ok()?;
            digits.parse().ok()
        });
        Some(Self { width: numbers.next()??, height: numbers.next()?? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_tell_the_size() {
        let check = |picture: &[u8], expected: Option<(u64, u64)>| {
            let size = expected.map(|(width, height)| Size { width, height });
            assert_eq!(Size::of(picture), size, "{picture:?}");
        };
        check(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xE0\x08", Some((640, 480)));
        check(b"GIF89a\x80\x02\xE0\x01", Some((640, 480)));
        check(b"P5 640 480 255\n", Some((640, 480)));
        check(b"P4\n640\n480\n", Some((640, 480)));
        let tables = b"\xFF\xD8\xFF\xE0\0\x04ab\xFF\xC4\0\x03x\xFF\xFF\xC2\0\x0B\x08\x01\xE0\x02\x80\x03";
        check(tables, Some((640, 480)));
        check(b"\xFF\xD8\xFF\xE0\0\0", None);
        check(b"\x89PNG\r\n", None);
        check(b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x80\x02\0\0\x20\xFE\xFF\xFF", Some((640, 480)));
        check(b"P5 many 480 255\n", None);
        check(b"II*\0", None);
        check(b"", None);
    }
}
