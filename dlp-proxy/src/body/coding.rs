//! Content codings: gzip, deflate, brotli and zstd, each decoded into a spool under a bound.
//!
//! A coding stops exactly behind its last byte, so that what follows it can be inspected as it stands. Members and
//! frames that follow each other are one stream.

use super::BodyLimits;
use super::unpacked::{CHUNK_BYTES, Unpacked};
use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use dlp_core::base::{Cancel, Problem, ProblemClass};
use dlp_core::content::{ReadSeek, starts_zlib};
use dlp_core::text::is_likely_unit;
use flate2::{Decompress, FlushDecompress, Status};
use ruzstd::decoding::StreamingDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Window of deflate, 32 KiB.
const WINDOW_BITS: u8 = 15;
/// Fewest bytes that are tried as deflated. A value of nine letters takes as many.
const DEFLATED_BYTES_MIN: usize = 11;
/// What is inflated of them, and what has to come of a stream that goes on behind the bytes that are tried.
const INFLATED_SAMPLE_BYTES: usize = 1024;
const INFLATED_BYTES_MIN: usize = 32;
/// Bytes that may stand before a stream in the frame of zlib: its length, as programs write it, or a mark of their own.
const PREFIX_BYTES_MAX: usize = 8;
/// Layers of what is deflated again and again that are looked through for what is known. What inflates that often and has still
/// not come to an end is no chance: it is taken for deflated, and each layer counts for `layer_depth_max`.
const DEFLATED_LAYERS_MAX: u32 = 4;
/// zstd frame, RFC 8878 section 3.1.1.
pub(super) const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A coding that can be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    /// Reads one token of `Content-Encoding`; `Ok(None)` changes nothing, `Err` is unknown.
    pub(super) fn parse(token: &str) -> Result<Option<Self>, ()> {
        Ok(match token.to_ascii_lowercase().as_str() {
            "" | "identity" => None,
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "br" => Some(Self::Brotli),
            "zstd" => Some(Self::Zstd),
            _ => return Err(()),
        })
    }

    fn damage_reason(self) -> &'static str {
        match self {
            Self::Gzip => "coding_gzip",
            Self::Deflate => "coding_deflate",
            Self::Brotli => "coding_br",
            Self::Zstd => "coding_zstd",
        }
    }
}

/// What a decoder made of a body.
pub(super) struct Decoded {
    /// The decoded bytes, perhaps only the first part of them.
    pub(super) spool: Unpacked,
    /// Encoded bytes that were used.
    pub(super) consumed: u64,
    /// What went wrong, if anything.
    pub(super) problem: Option<Problem>,
}

/// What bounds a decoding.
#[derive(Clone, Copy)]
pub(super) struct Bounds<'a> {
    pub(super) limits: &'a BodyLimits,
    /// Decoded bytes that the whole body may still make.
    pub(super) room_bytes: u64,
    pub(super) cancel: &'a Cancel,
}

/// Whether bytes look deflated, with or without the frame of zlib.
pub(super) fn looks_deflated(first: &[u8]) -> bool {
    deflated_at(first).is_some()
}

/// Where deflated bytes begin: they inflate, at least so far, to what is text, begins like something known, or looks
/// deflated itself. Neither format has a mark, and of random bytes hardly a few inflate.
pub(super) fn deflated_at(first: &[u8]) -> Option<usize> {
    deflated_within(first, DEFLATED_LAYERS_MAX)
}

fn deflated_within(first: &[u8], layers: u32) -> Option<usize> {
    // What is text throughout is no stream of bits.
    if first.len() < DEFLATED_BYTES_MIN || std::str::from_utf8(first).is_ok() {
        return None;
    }
    let is_deflated = |at: usize, has_frame: bool| {
        if has_frame && !starts_zlib(&first[at..]) {
            return false;
        }
        let Some(sample) = inflated_sample(&first[at..], has_frame) else { return false };
        layers == 0 || is_sample_of_content(&sample) || deflated_within(&sample, layers - 1).is_some()
    };
    if is_deflated(0, true) || is_deflated(0, false) {
        return Some(0);
    }
    (1..=PREFIX_BYTES_MAX).find(|at| first.len() - at >= DEFLATED_BYTES_MIN && is_deflated(*at, true))
}

/// The first bytes that some bytes inflate to, if they do and there are enough to judge by.
fn inflated_sample(first: &[u8], has_frame: bool) -> Option<Vec<u8>> {
    let mut inflated = vec![0; INFLATED_SAMPLE_BYTES];
    let mut decompress = Decompress::new(has_frame);
    let status = decompress.decompress(first, &mut inflated, FlushDecompress::None).ok()?;
    inflated.truncate(usize::try_from(decompress.total_out()).unwrap_or(0));
    let is_long = inflated.len() >= INFLATED_BYTES_MIN || status == Status::StreamEnd;
    (is_long && !inflated.is_empty()).then_some(inflated)
}

/// Whether the first bytes of something are text, of which the last character may be cut, or begin like an archive,
/// a document or another compressed file.
fn is_sample_of_content(sample: &[u8]) -> bool {
    const STARTS: [&[u8]; 7] =
        [b"PK\x03\x04", &GZIP_MAGIC, b"%PDF", b"\xd0\xcf\x11\xe0", b"7z\xbc\xaf", b"\xfd7zXZ", &ZSTD_MAGIC];
    let text = match std::str::from_utf8(sample) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&sample[..error.valid_up_to()]).ok(),
        Err(_) => None,
    };
    let units = sample.as_chunks::<2>().0;
    let wide = |of: fn([u8; 2]) -> u16| is_mostly(units.iter().map(|unit| is_likely_unit(of(*unit))));
    STARTS.iter().any(|start| sample.starts_with(start))
        || text.is_some_and(|text| is_mostly(text.chars().map(is_shown)))
        || sample.len() >= INFLATED_BYTES_MIN && (wide(u16::from_le_bytes) || wide(u16::from_be_bytes))
}

/// Whether a character is one of a text.
fn is_shown(c: char) -> bool {
    !c.is_control() || matches!(c, '\t' | '\r' | '\n' | '\u{c}')
}

/// Whether characters are those of a text, in which one now and then, such as a NUL before it, is none.
fn is_mostly(are: impl Iterator<Item = bool>) -> bool {
    let (mut all, mut others) = (0, 0);
    are.for_each(|is| (all, others) = (all + 1, others + usize::from(!is)));
    all > others && others <= 1 + all / 16
}

/// Decodes a body from its start.
///
/// # Errors
/// The body could not be read, or the spool not written.
pub(super) fn decode(coding: Coding, body: &mut dyn ReadSeek, bounds: Bounds<'_>) -> io::Result<Decoded> {
    let decoded = run(body, bounds, |source, output| match coding {
        Coding::Gzip => gzip(source, output),
        Coding::Deflate => inflate(Decompress::new(true), source, output),
        Coding::Brotli => brotli(source, output),
        Coding::Zstd => zstd(source, output),
    })?;
    if coding == Coding::Deflate && decoded.problem.is_some() && decoded.spool.len_bytes() == 0 {
        // RFC 9110 means zlib, but some clients send bare deflate.
        let bare = run(body, bounds, |source, output| inflate(Decompress::new(false), source, output))?;
        if bare.spool.len_bytes() > 0 {
            return Ok(bare.named(coding));
        }
    }
    Ok(decoded.named(coding))
}

impl Decoded {
    /// Gives a format error its coding's reason.
    fn named(mut self, coding: Coding) -> Self {
        if let Some(problem) = &mut self.problem
            && problem.reason == "coding"
        {
            problem.reason = coding.damage_reason();
        }
        self
    }
}

fn run(
    body: &mut dyn ReadSeek,
    bounds: Bounds<'_>,
    work: impl FnOnce(&mut Source<'_>, &mut Output<'_>) -> Result<(), Stop>,
) -> io::Result<Decoded> {
    body.seek(SeekFrom::Start(0))?;
    let consumed = Rc::new(Cell::new(0));
    let inner = BufReader::with_capacity(CHUNK_BYTES, body);
    let mut source = Source { inner, consumed: Rc::clone(&consumed), failure: None };
    let spool = Unpacked::new(bounds.limits, bounds.room_bytes);
    let buffer = vec![0; CHUNK_BYTES];
    let mut output = Output { spool, buffer, bounds, consumed: Rc::clone(&consumed) };
    // Decoders are foreign code on hostile bytes; a panic in one costs this layer, not the transfer's task.
    let ended = catch_unwind(AssertUnwindSafe(|| work(&mut source, &mut output))).unwrap_or(Err(Stop::Panic));
    if let Some(error) = source.failure.take() {
        return Err(error);
    }
    let problem = match ended {
        Ok(()) => None,
        Err(Stop::Io(error)) => return Err(error),
        Err(stop) => Some(stop.into_problem(bounds.limits)),
    };
    Ok(Decoded { spool: output.spool, consumed: consumed.get(), problem })
}

/// Why a decoder ended early.
enum Stop {
    Format,
    Ratio,
    Size,
    Window,
    Cancelled,
    Panic,
    Io(io::Error),
}

impl Stop {
    fn into_problem(self, limits: &BodyLimits) -> Problem {
        match self {
            Self::Ratio => Problem::limit(
                "coding_ratio_max",
                limits.coding_ratio_max,
                "The body expands more than its bound allows; only its first part was inspected.",
            ),
            Self::Size => Problem::limit(
                "decoded_bytes_max",
                limits.decoded_bytes_max,
                "The decoded body is larger than its bound; only its first part was inspected.",
            ),
            Self::Window => Problem::limit(
                "zstd_window_bytes_max",
                limits.zstd_window_bytes_max,
                "The zstd frame asks for a larger window than HTTP allows; it was not decoded.",
            ),
            Self::Cancelled => {
                Problem::new(ProblemClass::Timeout, "wall_time_max", "Time ran out while the body was decoded.")
            }
            Self::Panic => {
                Problem::new(ProblemClass::ParserPanic, "coding_panic", "A decoder crashed on the body's coding.")
            }
            Self::Format | Self::Io(_) => Problem::new(
                ProblemClass::Damaged,
                "coding",
                "The content coding is broken; what could be decoded and the raw bytes were inspected.",
            ),
        }
    }
}

/// Encoded bytes, counted as a decoder uses them.
struct Source<'a> {
    inner: BufReader<&'a mut dyn ReadSeek>,
    consumed: Rc<Cell<u64>>,
    /// A read error of the body itself, which decoders would report as broken format.
    failure: Option<io::Error>,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let len = available.len().min(buffer.len());
        buffer[..len].copy_from_slice(&available[..len]);
        self.consume(len);
        Ok(len)
    }
}

impl BufRead for Source<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.inner.fill_buf() {
            Ok(available) => Ok(available),
            Err(error) => {
                let kind = error.kind();
                self.failure = Some(error);
                Err(kind.into())
            }
        }
    }

    fn consume(&mut self, len: usize) {
        self.inner.consume(len);
        self.consumed.set(self.consumed.get() + len as u64);
    }
}

/// Decoded bytes under their bounds.
struct Output<'a> {
    spool: Unpacked,
    /// Where decoders write; kept, because a body can consist of very many short members.
    buffer: Vec<u8>,
    bounds: Bounds<'a>,
    consumed: Rc<Cell<u64>>,
}

impl Output<'_> {
    /// Takes what a decoder wrote into the buffer, and judges the bounds.
    fn take(&mut self, len: usize) -> Result<(), Stop> {
        if self.bounds.cancel.is_tripped() {
            return Err(Stop::Cancelled);
        }
        if !self.spool.push(&self.buffer[..len]).map_err(Stop::Io)? {
            return Err(Stop::Size);
        }
        let limits = self.bounds.limits;
        let allowed = self.consumed.get().saturating_mul(limits.coding_ratio_max);
        if self.spool.len_bytes() > allowed.max(limits.coding_grace_bytes) {
            return Err(Stop::Ratio);
        }
        Ok(())
    }

    /// Takes all that a decoder makes.
    fn drain(&mut self, mut decoder: impl Read) -> Result<(), Stop> {
        loop {
            match decoder.read(&mut self.buffer) {
                Ok(0) => return Ok(()),
                Ok(len) => self.take(len)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Stop::Format),
            }
        }
    }
}

/// gzip members up to the first bytes that start none.
fn gzip(source: &mut Source<'_>, output: &mut Output<'_>) -> Result<(), Stop> {
    loop {
        inflate(Decompress::new_gzip(WINDOW_BITS), source, output)?;
        let next = source.fill_buf().map_err(Stop::Io)?;
        // A member that straddles the buffer shows one byte of its magic; the decoder then tells.
        if next.is_empty() || !next.starts_with(&GZIP_MAGIC[..next.len().min(GZIP_MAGIC.len())]) {
            return Ok(());
        }
    }
}

/// One deflate stream in its wrapper. What was decoded before an error is kept, so that the place of buffer edges does
/// not decide what is inspected.
fn inflate(mut decoder: Decompress, source: &mut Source<'_>, output: &mut Output<'_>) -> Result<(), Stop> {
    loop {
        let input = source.fill_buf().map_err(Stop::Io)?;
        let at_end = input.is_empty();
        let (in_before, out_before) = (decoder.total_in(), decoder.total_out());
        let flush = if at_end { FlushDecompress::Finish } else { FlushDecompress::None };
        let status = decoder.decompress(input, &mut output.buffer, flush);
        let used = usize::try_from(decoder.total_in() - in_before).map_err(|_| Stop::Format)?;
        let made = usize::try_from(decoder.total_out() - out_before).map_err(|_| Stop::Format)?;
        source.consume(used);
        output.take(made)?;
        match status {
            Ok(Status::StreamEnd) => return Ok(()),
            // At the end of the input this is a stream that is cut off; before it, a decoder that does not move.
            Ok(_) if used == 0 && made == 0 => return Err(Stop::Format),
            Ok(_) => {}
            Err(_) => return Err(Stop::Format),
        }
    }
}

/// zstd frames, skippable ones included, up to the first bytes that start none.
fn zstd(source: &mut Source<'_>, output: &mut Output<'_>) -> Result<(), Stop> {
    let window_max = output.bounds.limits.zstd_window_bytes_max;
    loop {
        match StreamingDecoder::new_with_max_window_size(&mut *source, window_max) {
            Ok(decoder) => output.drain(decoder)?,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                let skipped = io::copy(&mut (&mut *source).take(u64::from(length)), &mut io::sink());
                skipped.map_err(Stop::Io)?;
                output.take(0)?;
            }
            Err(FrameDecoderError::WindowSizeTooBig { .. }) => return Err(Stop::Window),
            Err(_) => return Err(Stop::Format),
        }
        let next = source.fill_buf().map_err(Stop::Io)?;
        if next.is_empty() || !starts_zstd_frame(next) {
            return Ok(());
        }
    }
}

/// Whether bytes start a zstd frame or a skippable one (magic 0x184D2A50 to 0x184D2A5F, little-endian).
fn starts_zstd_frame(bytes: &[u8]) -> bool {
    match bytes {
        [first, 0x2a, 0x4d, 0x18, ..] => first & 0xf0 == 0x50,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => true,
        _ => bytes.len() < ZSTD_MAGIC.len() && ZSTD_MAGIC.starts_with(bytes),
    }
}

/// One brotli stream (RFC 7932) without the large-window extension.
fn brotli(source: &mut Source<'_>, output: &mut Output<'_>) -> Result<(), Stop> {
    let alloc = StandardAlloc::default();
    let mut state = BrotliState::new_strict(alloc, StandardAlloc::default(), StandardAlloc::default());
    let mut total_out = 0;
    loop {
        let input = source.fill_buf().map_err(Stop::Io)?;
        let at_end = input.is_empty();
        let (mut input_len, mut input_offset) = (input.len(), 0);
        let (mut output_len, mut output_offset) = (output.buffer.len(), 0);
        let result = BrotliDecompressStream(
            &mut input_len,
            &mut input_offset,
            input,
            &mut output_len,
            &mut output_offset,
            &mut output.buffer,
            &mut total_out,
            &mut state,
        );
        source.consume(input_offset);
        output.take(output_offset)?;
        match result {
            BrotliResult::ResultSuccess => return Ok(()),
            BrotliResult::ResultFailure => return Err(Stop::Format),
            BrotliResult::NeedsMoreInput if at_end => return Err(Stop::Format),
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
        }
    }
}
