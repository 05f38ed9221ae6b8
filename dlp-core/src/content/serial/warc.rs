//! WARC: requests and answers of the web in a row, each behind fields like those of mail.
//!
//! An answer has fields of its own in front of its body, whose pieces are put together; a packed body is recognised
//! like any other file. Fields are handed out as text of the archive.

use super::{Tape, truncated};
use crate::base::{Problem, ProblemClass};
use crate::content::walk::{Step, Walk, with_reader};
use crate::content::{Input, Join, Origin, Part, Place, Relation, Role, Segment};
use std::io::{self, BufRead, Read};

const MARK: &[u8] = b"WARC/";
const WEB_MARK: &[u8] = b"HTTP/";
/// Bytes of the fields in front of a record or body. Servers themselves take no more than some ten thousand.
const FIELDS_BYTES_MAX: u64 = 64 * 1024;
/// Bytes of the line in front of a piece of a body.
const PIECE_LINE_BYTES_MAX: u64 = 1_024;

/// Walks an archive.
pub(in crate::content) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    with_reader(input, |reader| {
        let mut tape = Tape::new(reader);
        loop {
            let fields = Fields::read(walk, &mut tape.reader)?;
            if fields.bytes.is_empty() {
                return Ok(());
            }
            let len = fields.get("content-length").and_then(|len| len.parse().ok());
            let Some(len) = len.filter(|_| fields.is_whole && fields.bytes.starts_with(MARK)) else {
                // In front of what follows, these fields would begin an archive again.
                fields.emit(walk)?;
                return tape.rest(walk, &[]);
            };
            fields.emit(walk)?;
            record(walk, &mut tape, &fields, len)?;
        }
    })
}

/// Walks the content of a record, which has so many bytes.
fn record(walk: &mut Walk<'_>, tape: &mut Tape<'_>, fields: &Fields, len: u64) -> Step {
    let name = fields.get("warc-target-uri").or(fields.get("warc-filename")).unwrap_or_default();
    let name = name.trim_matches(['<', '>']);
    let mut content = (&mut tape.reader).take(len);
    if is_web(&mut content) {
        let head = Fields::read(walk, &mut content)?;
        head.emit(walk)?;
        if head.get("content-encoding").is_some_and(|encoding| encoding.eq_ignore_ascii_case("br")) {
            let message = "a page is packed with brotli, which is not unpacked here; its bytes were scanned";
            walk.problem(Problem::new(ProblemClass::Unsupported, "brotli", message));
        }
        if head.get("transfer-encoding").is_some_and(|encoding| encoding.eq_ignore_ascii_case("chunked")) {
            let mut pieces = Pieces::new(&mut content);
            walk.child(name, Relation::Member, Input::Stream(&mut pieces))?;
            emit_header(walk, &pieces.beside)?;
        } else {
            walk.child(name, Relation::Member, Input::Stream(&mut content))?;
        }
    } else {
        walk.child(name, Relation::Member, Input::Stream(&mut content))?;
    }
    let drained = io::copy(&mut content, &mut io::sink());
    match (drained, content.limit()) {
        (Err(error), _) => Err(walk.read_failed(&error)),
        (Ok(_), 0) => Ok(()),
        (Ok(_), _) => Err(truncated(walk)),
    }
}

fn is_web(content: &mut impl BufRead) -> bool {
    content.fill_buf().is_ok_and(|bytes| bytes.starts_with(WEB_MARK))
}

/// Steps over blanks and ends of lines.
fn skip_blanks(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let bytes = reader.fill_buf()?;
        let (len, blanks) = (bytes.len(), bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count());
        reader.consume(blanks);
        if blanks < len || len == 0 {
            return Ok(());
        }
    }
}

/// Fields in lines, up to an empty one.
struct Fields {
    bytes: Vec<u8>,
    /// Whether the empty line was there.
    is_whole: bool,
}

impl Fields {
    fn read(walk: &mut Walk<'_>, reader: &mut impl BufRead) -> Step<Self> {
        // Records end with empty lines, and some archives with many of them.
        skip_blanks(reader).map_err(|error| walk.read_failed(&error))?;
        let mut fields = Self { bytes: Vec::new(), is_whole: false };
        let mut reader = reader.take(FIELDS_BYTES_MAX);
        loop {
            let mut line = Vec::new();
            let len = reader.read_until(b'\n', &mut line).map_err(|error| walk.read_failed(&error))?;
            let is_empty = line.trim_ascii().is_empty();
            fields.is_whole = len > 0 && is_empty;
            fields.bytes.append(&mut line);
            if len == 0 || is_empty {
                return Ok(fields);
            }
        }
    }

    /// The value of a field.
    fn get(&self, name: &str) -> Option<&str> {
        let lines = self.bytes.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
        let mut fields = lines.filter_map(|line| line.split_once(':'));
        fields.find(|(known, _)| known.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    fn emit(&self, walk: &mut Walk<'_>) -> Step {
        emit_header(walk, &self.bytes)
    }
}

fn emit_header(walk: &mut Walk<'_>, bytes: &[u8]) -> Step {
    let text = String::from_utf8_lossy(bytes);
    let (part, place) = (Part { role: Role::Header, name: "" }, Place::None);
    let text = text.trim_end().as_bytes();
    walk.emit(&Segment { text, part, place, join: Join::Line, origin: Origin::None })
}

/// A body in pieces: a line with the length of each, in hexadecimal digits. What does not keep to that passes as it is.
/// What lines hold besides (extensions behind a length, anything between a piece and the end of its line) is kept
/// beside the body, which may be packed.
struct Pieces<R> {
    inner: R,
    left: u64,
    state: State,
    /// Bytes that pass before anything else.
    extra: Vec<u8>,
    given: usize,
    /// What lines hold besides.
    beside: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The line of a piece comes next.
    Line,
    /// Inside a piece; behind it stands an empty line.
    Piece,
    /// Behind the last piece, or where no line was understood.
    Rest,
}

impl<R: BufRead> Pieces<R> {
    fn new(inner: R) -> Self {
        Self { inner, left: 0, state: State::Line, extra: Vec::new(), given: 0, beside: Vec::new() }
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        (&mut self.inner).take(PIECE_LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        Ok(line)
    }

    fn give(&mut self, extra: &[u8]) {
        self.extra.clear();
        self.extra.extend_from_slice(extra);
        self.given = 0;
    }

    /// Keeps bytes beside the body; those that are too many for that pass with it.
    fn put_aside(&mut self, bytes: &[u8]) {
        let is_blank = bytes.trim_ascii().is_empty();
        if (self.beside.len() + bytes.len()) as u64 > FIELDS_BYTES_MAX {
            self.give(bytes);
        } else if !is_blank {
            self.beside.extend_from_slice(bytes);
        }
    }

    /// Reads the line of a piece, with what stands behind its length.
    fn start(&mut self) -> io::Result<()> {
        let line = self.line()?;
        let end = line.iter().position(|byte| *byte == b';').unwrap_or(line.len());
        let (digits, extension) = line.split_at(end);
        let digits = std::str::from_utf8(digits.trim_ascii()).ok();
        (self.left, self.state) = match digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
            Some(len) => {
                self.put_aside(extension);
                (len, if len > 0 { State::Piece } else { State::Rest })
            }
            None => {
                self.give(&line);
                (0, State::Rest)
            }
        };
        Ok(())
    }
}

impl<R: BufRead> Read for Pieces<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.given < self.extra.len() {
                let len = (&self.extra[self.given..]).read(buf)?;
                self.given += len;
                return Ok(len);
            }
            match self.state {
                State::Rest => return self.inner.read(buf),
                State::Piece if self.left > 0 => {
                    let len = (&mut self.inner).take(self.left).read(buf)?;
                    self.left = if len == 0 { 0 } else { self.left - len as u64 };
                    return Ok(len);
                }
                State::Piece => {
                    let line = self.line()?;
                    self.put_aside(&line);
                    self.state = State::Line;
                }
                State::Line => self.start()?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    #[test]
    fn pieces_are_put_together() {
        let check = |body: &str, expected: &str, beside: &str| {
            let mut pieces = Pieces::new(BufReader::new(body.as_bytes()));
            let mut text = String::new();
            pieces.read_to_string(&mut text).expect("text");
            assert_eq!(text, expected, "{body:?}");
            assert_eq!(String::from_utf8_lossy(&pieces.beside), beside, "{body:?}");
        };
        check("4\r\nabcd\r\n3\r\nefg\r\n0\r\n\r\n", "abcdefg\r\n", "");
        check("4\r\nabcd\r\n3;x=y\r\nefg\r\n0;last\r\n\r\n", "abcdefg\r\n", ";x=y\r\n;last\r\n");
        check("5\r\nhelloSECRET\r\n0\r\n\r\n", "hello\r\n", "SECRET\r\n");
        check("5\nhello\n1\n!\n0\n", "hello!", "");
        check("A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", "0123456789Trailer: x\r\n\r\n", "");
        check("no length\r\nrest", "no length\r\nrest", "");
        check("ff\r\ncut", "cut", "");
        check("", "", "");
        let long = format!(";{}", "x".repeat(1_000));
        let lines = format!("1{long}\na\n").repeat(80);
        let mut pieces = Pieces::new(BufReader::new(lines.as_bytes()));
        let mut text = String::new();
        pieces.read_to_string(&mut text).expect("text");
        assert_eq!(text.matches('x').count() + pieces.beside.iter().filter(|byte| **byte == b'x').count(), 80_000);
    }
}
