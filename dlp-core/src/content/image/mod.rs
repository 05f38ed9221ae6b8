//! Images: what is written about them and behind them. Pixels are scanned as raw bytes, and handed to `picture`.
//!
//! Walkers of segments (`jpeg`, `png`, `gif`, `webp`) say where comments, EXIF, XMP and IPTC lie and where the image
//! ends; `tiff` reads the directories of EXIF and of TIFF files, `iptc` the records of press agencies. Each text is
//! handed out with its name. Everything else up to the end is raw, and what stands behind the end is an item of its
//! own, except more images of that kind: cameras write several into one file.

mod gif;
mod iptc;
mod jpeg;
mod png;
mod tiff;
mod webp;

use super::walk::{Step, Walk};
use super::{
    Input, Join, Kind, Origin, Part, Place, Relation, Role, Segment, budget::Metered, picture, plain, strings,
};
use crate::base::{IMAGE_PACKED_TEXT_BYTES_MAX, Problem, ProblemClass, bytes};
use crate::text::{self, Charset};
use flate2::bufread::ZlibDecoder;
use std::cell::Cell;
use std::io::Read;
use std::ops::Range;

/// Something written about an image.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    kind: PieceKind,
    /// What it is called; known only where the format has names.
    name: String,
    /// Where it lies, in one or several runs.
    ranges: Vec<Range<usize>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PieceKind {
    Text,
    /// Text packed with zlib.
    Packed,
    /// A TIFF directory.
    Exif,
    Xmp,
    /// Resources of one image program, with IPTC among them.
    Resources,
}

impl Piece {
    fn new(kind: PieceKind, name: impl Into<String>, range: Range<usize>) -> Self {
        Self { kind, name: name.into(), ranges: vec![range] }
    }
}

/// What a walker found in an image.
#[derive(Debug, Default, PartialEq, Eq)]
struct Layout {
    pieces: Vec<Piece>,
    /// Where the image ends, counted as its start is.
    end: usize,
}

/// Walks an image.
pub(super) fn walk(walk: &mut Walk<'_>, kind: Kind, input: Input<'_>) -> Step {
    walk.with_held(input, |walk, bytes| {
        let mut start = 0;
        loop {
            let layout = layout(kind, bytes, start);
            Image::new(bytes, layout.end - start).walk(walk, start, &layout)?;
            picture::read(walk, &bytes[start..layout.end], Place::None)?;
            start = layout.end;
            match bytes.get(start..) {
                Some(rest) if is_start(kind, rest) => {}
                Some(rest) if rest.iter().any(|byte| *byte != 0) => {
                    return walk.child("", Relation::Gap, Input::Bytes(rest));
                }
                _ => return Ok(()),
            }
        }
    })
}

/// Where the first image of a file ends.
pub(super) fn end(kind: Kind, bytes: &[u8]) -> usize {
    layout(kind, bytes, 0).end
}

/// Whether a kind is an image.
pub(super) fn is_image(kind: Kind) -> bool {
    kind.is_picture()
}

/// Walks the segments of an image that starts at a place. The end is always behind the start.
fn layout(kind: Kind, bytes: &[u8], start: usize) -> Layout {
    let whole = Layout { pieces: Vec::new(), end: bytes.len() };
    match kind {
        Kind::Jpeg => jpeg::layout(bytes, start),
        Kind::Png => png::layout(bytes, start),
        Kind::Gif => gif::layout(bytes, start).unwrap_or(whole),
        Kind::Webp => webp::layout(bytes, start).unwrap_or(whole),
        Kind::Bmp => bmp_end(bytes, start).map_or(whole, |end| Layout { pieces: Vec::new(), end }),
        // Directories point anywhere, so a TIFF file has no end.
        Kind::Tiff => Layout { pieces: vec![Piece::new(PieceKind::Exif, "tiff", start..bytes.len())], ..whole },
        _ => whole,
    }
}

/// Whether the bytes are a bitmap: besides two letters, a head of one of a few lengths.
pub(super) fn is_bitmap(bytes: &[u8]) -> bool {
    const HEADS: [u32; 8] = [12, 16, 40, 52, 56, 64, 108, 124];
    let head = bytes::u32_le(bytes, 14).filter(|head| HEADS.contains(head));
    bytes.starts_with(b"BM") && head.is_some() && bytes::u32_le(bytes, 6) == Some(0)
}

/// Where a bitmap says that it ends. Some programs leave that out.
fn bmp_end(bytes: &[u8], start: usize) -> Option<usize> {
    const HEAD_BYTES: usize = 26;
    let len = u32_le(bytes, start + 2).filter(|len| *len >= HEAD_BYTES)?;
    start.checked_add(len).filter(|end| *end <= bytes.len())
}

fn is_start(kind: Kind, bytes: &[u8]) -> bool {
    match kind {
        Kind::Jpeg => bytes.starts_with(jpeg::START),
        Kind::Png => bytes.starts_with(png::START),
        _ => false,
    }
}

/// An image whose pieces are being read.
struct Image<'d> {
    bytes: &'d [u8],
    /// Bytes of the image itself, which others of its kind may follow.
    own_bytes: usize,
    /// What was handed out as text.
    read: Vec<Range<usize>>,
    given_bytes: usize,
    /// Bytes of the runs in which records were looked for.
    searched_bytes: usize,
    /// Whether it was said that values share their bytes.
    is_shared: bool,
}

impl<'d> Image<'d> {
    fn new(bytes: &'d [u8], own_bytes: usize) -> Self {
        Self { bytes, own_bytes, read: Vec::new(), given_bytes: 0, searched_bytes: 0, is_shared: false }
    }

    fn walk(mut self, walk: &mut Walk<'_>, start: usize, layout: &Layout) -> Step {
        for piece in &layout.pieces {
            self.piece(walk, piece)?;
        }
        self.read.sort_unstable_by_key(|range| range.start);
        let mut at = start;
        for range in std::mem::take(&mut self.read) {
            if range.start > at {
                plain::raw_at(walk, &self.bytes[at..range.start], at as u64)?;
            }
            at = at.max(range.end);
        }
        plain::raw_at(walk, self.bytes.get(at..layout.end).unwrap_or_default(), at as u64)
    }

    fn piece(&mut self, walk: &mut Walk<'_>, piece: &Piece) -> Step {
        let Some(first) = piece.ranges.first() else { return Ok(()) };
        match piece.kind {
            PieceKind::Exif => return tiff::walk(walk, self, first.clone()),
            // Pieces lie apart, so each is searched once.
            PieceKind::Resources => return iptc::walk_resources(walk, self, first.clone()),
            PieceKind::Packed => return self.packed(walk, &piece.name, first.clone()),
            PieceKind::Text | PieceKind::Xmp => {}
        }
        let bytes: Vec<u8> =
            piece.ranges.iter().filter_map(|range| self.bytes.get(range.clone())).flatten().copied().collect();
        if !self.claim(walk, &piece.ranges) {
            return Ok(());
        }
        match piece.kind {
            PieceKind::Xmp => walk.child("xmp", Relation::Embedded, Input::Bytes(&bytes)),
            _ => self.text(walk, &piece.name, &bytes),
        }
    }

    /// A packed text. What stands behind its end stays in the raw scan.
    fn packed(&mut self, walk: &mut Walk<'_>, name: &str, range: Range<usize>) -> Step {
        let bytes = self.bytes.get(range.clone()).unwrap_or_default();
        let (unpacked, packed_bytes) = unpack(walk, bytes);
        if !self.claim(walk, std::slice::from_ref(&(range.start..range.start + packed_bytes))) {
            return Ok(());
        }
        self.text(walk, name, &unpacked)
    }

    /// Takes bytes out of the raw scan; false when so many values share their bytes that no honest image has them.
    fn claim(&mut self, walk: &mut Walk<'_>, ranges: &[Range<usize>]) -> bool {
        self.given_bytes += ranges.iter().map(ExactSizeIterator::len).sum::<usize>();
        if self.given_bytes > self.own_bytes {
            self.shared(walk);
            return false;
        }
        self.read.extend_from_slice(ranges);
        true
    }

    /// Whether records may be looked for in so many bytes more. They stay in the raw scan but for the values found.
    fn may_search(&mut self, walk: &mut Walk<'_>, len: usize) -> bool {
        self.searched_bytes += len;
        if self.searched_bytes > self.own_bytes {
            self.shared(walk);
        }
        self.searched_bytes <= self.own_bytes
    }

    /// Says once that values share their bytes.
    fn shared(&mut self, walk: &mut Walk<'_>) {
        if !std::mem::replace(&mut self.is_shared, true) {
            let message = "values share their bytes; the rest of them was scanned as raw bytes";
            walk.problem(Problem::new(ProblemClass::Ambiguous, "overlap", message));
        }
    }

    /// Hands out a text in whatever set it is.
    fn text(&mut self, walk: &mut Walk<'_>, name: &str, bytes: &[u8]) -> Step {
        // Texts are often filled up with zeros, and several stand with zeros between them.
        let charset = if text::is_utf8(bytes) { Charset::Utf8 } else { text::guess_eight_bit(bytes) };
        self.known_text(walk, name, &strings::decode(bytes, &charset).replace('\0', "\n"))
    }

    fn known_text(&mut self, walk: &mut Walk<'_>, name: &str, text: &str) -> Step {
        let text = text.trim();
        if text.is_empty() {
            return Ok(());
        }
        let (part, place) = (Part { role: Role::Property, name }, Place::None);
        let text = format!("{name}: {text}");
        walk.emit(&Segment { text: text.as_bytes(), part, place, join: Join::Line, origin: Origin::None })
    }
}

/// What packed text holds, as far as it can be read and may be held, and how many bytes it takes.
fn unpack(walk: &mut Walk<'_>, packed: &[u8]) -> (Vec<u8>, usize) {
    let (budget, input_bytes) = (walk.budget, Cell::new(packed.len() as u64));
    let room = budget.room_to_hold().min(IMAGE_PACKED_TEXT_BYTES_MAX);
    let mut metered = Metered::new(ZlibDecoder::new(packed), budget, &input_bytes).take(room);
    let mut bytes = Vec::new();
    if let Err(error) = metered.read_to_end(&mut bytes) {
        // A bound of the job ends it with the next text; other trouble ends the text only.
        let _ = walk.read_failed(&error);
    } else if metered.limit() == 0 {
        let (name, max) = match walk.budget.limits.held_bytes_max {
            held if held < IMAGE_PACKED_TEXT_BYTES_MAX => ("held_bytes_max", held),
            _ => ("image_packed_text_bytes_max", IMAGE_PACKED_TEXT_BYTES_MAX),
        };
        walk.problem(Problem::limit(name, max, "packed text is longer than what may be held; its end was not read"));
    }
    let taken = metered.into_inner().into_inner().total_in();
    (bytes, usize::try_from(taken).map_or(packed.len(), |taken| taken.min(packed.len())))
}

fn u16_be(bytes: &[u8], at: usize) -> Option<usize> {
    bytes::u16_be(bytes, at).map(usize::from)
}

fn u32_be(bytes: &[u8], at: usize) -> Option<usize> {
    bytes::u32_be(bytes, at).and_then(|number| usize::try_from(number).ok())
}

fn u32_le(bytes: &[u8], at: usize) -> Option<usize> {
    bytes::u32_le(bytes, at).and_then(|number| usize::try_from(number).ok())
}
