//! Compressed streams in frames: one behind the other, with padding, frames to be skipped, and whatever stands behind.

use super::budget::Metered;
use super::walk::{Step, Walk};
use super::zstd::ZstdFrame;
use super::{Input, Relation};
use flate2::bufread::GzDecoder;
use lz4_flex::frame::FrameDecoder;
use std::io::{self, BufRead, Read};

/// Bytes of frames to be skipped that are kept. Programs write a few there.
const SKIPPED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Marks of frames of lz4, and of its older form.
const LZ4: [u8; 4] = [0x04, 0x22, 0x4D, 0x18];
const OLD_LZ4: [u8; 4] = [0x02, 0x21, 0x4C, 0x18];
/// What a block of the older form unpacks to at most.
const OLD_BLOCK_BYTES: usize = 8 * 1024 * 1024;
/// Frames to be skipped bear one of sixteen marks.
const SKIPPABLE: [u8; 3] = [0x2A, 0x4D, 0x18];

/// A format of frames.
pub(super) trait Format<R> {
    type Decoder: Read;
    /// Bytes by which a frame starts.
    const MARKS: &'static [&'static [u8]];
    /// Whether zeros may stand between frames.
    const IS_PADDED: bool;

    fn open(reader: R) -> io::Result<Self::Decoder>;
    fn close(decoder: Self::Decoder) -> R;
}

/// Members of gzip.
pub(super) struct Gzip;
/// Frames of zstd.
pub(super) struct Zstd;
/// Frames of lz4, the older ones too.
pub(super) struct Lz4;

impl<R: BufRead> Format<R> for Gzip {
    type Decoder = GzDecoder<R>;
    const MARKS: &'static [&'static [u8]] = &[&[0x1F]];
    const IS_PADDED: bool = true;

    fn open(reader: R) -> io::Result<Self::Decoder> {
        Ok(GzDecoder::new(reader))
    }

    fn close(decoder: Self::Decoder) -> R {
        decoder.into_inner()
    }
}

impl<R: BufRead> Format<R> for Zstd {
    type Decoder = ZstdFrame<R>;
    const MARKS: &'static [&'static [u8]] = &[&[0x28, 0xB5, 0x2F, 0xFD]];
    const IS_PADDED: bool = false;

    fn open(reader: R) -> io::Result<Self::Decoder> {
        ZstdFrame::open(reader)
    }

    fn close(decoder: Self::Decoder) -> R {
        decoder.into_inner()
    }
}

impl<R: BufRead> Format<R> for Lz4 {
    type Decoder = Lz4Decoder<R>;
    const MARKS: &'static [&'static [u8]] = &[&LZ4, &OLD_LZ4];
    const IS_PADDED: bool = false;

    fn open(mut reader: R) -> io::Result<Self::Decoder> {
        if reader.fill_buf()?.first() != Some(&OLD_LZ4[0]) {
            return Ok(Lz4Decoder::Frame(FrameDecoder::new(reader)));
        }
        let mut mark = [0; OLD_LZ4.len()];
        reader.read_exact(&mut mark)?;
        Ok(Lz4Decoder::Old(OldLz4 { reader, packed: Vec::new(), content: Vec::new(), at: 0 }))
    }

    fn close(decoder: Self::Decoder) -> R {
        match decoder {
            Lz4Decoder::Frame(decoder) => decoder.into_inner(),
            Lz4Decoder::Old(decoder) => decoder.reader,
        }
    }
}

/// A decoder of either form of lz4.
pub(super) enum Lz4Decoder<R: Read> {
    Frame(FrameDecoder<R>),
    Old(OldLz4<R>),
}

/// The older form: blocks behind their length up to the end of the file or the next frame.
pub(super) struct OldLz4<R> {
    reader: R,
    packed: Vec<u8>,
    content: Vec<u8>,
    at: usize,
}

impl<R: BufRead> Read for Lz4Decoder<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Frame(decoder) => decoder.read(buf),
            Self::Old(decoder) => decoder.read(buf),
        }
    }
}

impl<R: BufRead> OldLz4<R> {
    /// Unpacks the next block; false when there is none.
    fn next_block(&mut self) -> io::Result<bool> {
        let bytes = self.reader.fill_buf()?;
        if bytes.is_empty() || [LZ4, OLD_LZ4].iter().any(|mark| bytes.starts_with(mark)) {
            return Ok(false);
        }
        let mut len = [0; 4];
        self.reader.read_exact(&mut len)?;
        let len = u32::from_le_bytes(len);
        if len as usize > lz4_flex::block::get_maximum_output_size(OLD_BLOCK_BYTES) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a block is longer than any"));
        }
        self.packed.clear();
        (&mut self.reader).take(len.into()).read_to_end(&mut self.packed)?;
        if self.packed.len() < len as usize {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.content.resize(OLD_BLOCK_BYTES, 0);
        let len = lz4_flex::block::decompress_into(&self.packed, &mut self.content)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        self.content.truncate(len);
        self.at = 0;
        Ok(true)
    }
}

impl<R: BufRead> Read for OldLz4<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.at == self.content.len() {
            if !self.next_block()? {
                return Ok(0);
            }
        }
        let mut rest = &self.content[self.at..];
        let len = rest.read(buf)?;
        self.at += len;
        Ok(len)
    }
}

/// The content of all frames as one stream. Ends before bytes that are no frame.
pub(super) struct Frames<R, F: Format<R>> {
    state: State<R, F>,
    skipped: Vec<u8>,
}

enum State<R, F: Format<R>> {
    Between(R),
    Inside(Box<F::Decoder>),
    /// Moved out while the state changes; afterwards only on an error.
    Ended(Option<R>),
}

impl<R: BufRead, F: Format<R>> Frames<R, F> {
    pub(super) fn new(reader: R) -> Self {
        Self { state: State::Between(reader), skipped: Vec::new() }
    }

    /// The reader, when the frames ended in order, and what stood in frames to be skipped.
    pub(super) fn into_rest(self) -> (Option<R>, Vec<u8>) {
        let rest = match self.state {
            State::Ended(rest) => rest,
            State::Between(reader) => Some(reader),
            State::Inside(_) => None,
        };
        (rest, self.skipped)
    }

    /// Steps over padding and frames to be skipped, and opens the next frame, if there is one.
    fn next_frame(&mut self, mut reader: R) -> io::Result<State<R, F>> {
        loop {
            let bytes = reader.fill_buf()?;
            if bytes.is_empty() {
                return Ok(State::Ended(Some(reader)));
            }
            let padding = if F::IS_PADDED { bytes.iter().take_while(|byte| **byte == 0).count() } else { 0 };
            if padding > 0 {
                reader.consume(padding);
                continue;
            }
            // A mark that the buffer cuts is known by its beginning; a wrong one fails in the decoder.
            let starts = |mark: &[u8]| bytes.starts_with(&mark[..mark.len().min(bytes.len())]);
            if F::MARKS.iter().any(|mark| starts(mark)) {
                return Ok(State::Inside(Box::new(F::open(reader)?)));
            }
            if !F::IS_PADDED && bytes[0] & 0xF0 == 0x50 && bytes.get(1..4).is_some_and(|mark| mark == SKIPPABLE) {
                self.skip(&mut reader)?;
                continue;
            }
            return Ok(State::Ended(Some(reader)));
        }
    }

    fn skip(&mut self, reader: &mut R) -> io::Result<()> {
        let mut head = [0; 8];
        reader.read_exact(&mut head)?;
        let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let room = SKIPPED_BYTES_MAX.saturating_sub(self.skipped.len());
        let mut content = (&mut *reader).take(u64::from(len));
        (&mut content).take(room as u64).read_to_end(&mut self.skipped)?;
        let left = io::copy(&mut content, &mut io::sink())?;
        match left {
            0 => Ok(()),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "frames to be skipped hold more than the bound")),
        }
    }
}

impl<R: BufRead, F: Format<R>> Read for Frames<R, F> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        // Empty frames are legal, so this goes on until bytes come; every round consumes a header at least.
        loop {
            match std::mem::replace(&mut self.state, State::Ended(None)) {
                State::Between(reader) => self.state = self.next_frame(reader)?,
                State::Ended(rest) => {
                    self.state = State::Ended(rest);
                    return Ok(0);
                }
                State::Inside(mut decoder) => match decoder.read(buf) {
                    Ok(0) => self.state = State::Between(F::close(*decoder)),
                    result => {
                        self.state = State::Inside(decoder);
                        return result;
                    }
                },
            }
        }
    }
}

/// Walks the content of frames as one child, and what stands between and behind them as others.
pub(super) fn walk<R: BufRead, F: Format<R>>(
    walk: &mut Walk<'_>,
    name: &str,
    mut metered: Metered<'_, '_, Frames<R, F>>,
) -> Step {
    walk.child(name, Relation::Member, Input::Stream(&mut metered))?;
    let is_cut = metered.is_cut();
    walk_rest(walk, metered.into_inner(), is_cut)
}

/// Walks what stands between and behind frames that were read, unless a bound cut them.
pub(super) fn walk_rest<R: BufRead, F: Format<R>>(walk: &mut Walk<'_>, frames: Frames<R, F>, is_cut: bool) -> Step {
    let (rest, skipped) = frames.into_rest();
    if !skipped.is_empty() {
        walk.child("", Relation::Gap, Input::Bytes(&skipped))?;
    }
    let Some(mut rest) = rest.filter(|_| !is_cut) else { return Ok(()) };
    if rest.fill_buf().is_ok_and(|bytes| !bytes.is_empty()) {
        walk.child("", Relation::Gap, Input::Stream(&mut rest))?;
    }
    Ok(())
}
