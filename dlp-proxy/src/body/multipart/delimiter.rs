//! Where the parts of a multipart body begin and end.
//!
//! A delimiter is a line of two dashes, the boundary, perhaps two more dashes, and blanks (RFC 2046 section 5.1.1).
//! Lines may end in CRLF or LF, since some receivers accept both. The body is searched in one pass with a fixed
//! buffer; the result is ranges.

use dlp_core::content::ReadSeek;
use memchr::memmem::Finder;
use std::io::{self, Read, SeekFrom};

/// Longest boundary, RFC 2046.
const BOUNDARY_BYTES_MAX: usize = 70;
/// Blanks that may follow a boundary on its line.
const PADDING_BYTES_MAX: usize = 256;
/// Bytes searched at once.
const BUFFER_BYTES: usize = 64 * 1024;
/// Bytes before a delimiter that belong to it: its line end.
const LINE_END_BYTES: usize = 2;

/// A range of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) start: u64,
    pub(super) end: u64,
    /// A part with a header; otherwise preamble, epilogue, or what lies beyond the bound.
    pub(super) is_part: bool,
}

/// The structure of a multipart body.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Ranges that cover the body, but for delimiters.
    pub(super) segments: Vec<Segment>,
    /// At least one delimiter was found.
    pub(super) has_delimiter: bool,
    /// The closing delimiter was found.
    pub(super) is_closed: bool,
    /// Parts follow the closing delimiter.
    pub(super) has_parts_behind_end: bool,
    /// A line starts like a delimiter but goes on with other text.
    pub(super) has_near_delimiter: bool,
    /// There are more parts than were asked for.
    pub(super) is_over_limit: bool,
    /// The body uses another boundary than its type declares.
    pub(super) is_boundary_wrong: bool,
}

/// Whether bytes can be a boundary.
pub(super) fn is_boundary(bytes: &[u8]) -> bool {
    let is_inner = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    (1..=BOUNDARY_BYTES_MAX).contains(&bytes.len()) && bytes.iter().all(is_inner) && !bytes.ends_with(b" ")
}

/// Reads the boundary off a body that starts with a delimiter and a header line.
pub(in super::super) fn sniff_boundary(first: &[u8]) -> Option<Vec<u8>> {
    let first = first.trim_ascii_start();
    let line_end = memchr::memchr(b'\n', first)?;
    let boundary = first.get(2..line_end)?.trim_ascii_end();
    let next = first.get(line_end + 1..)?;
    let is_header = next.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"));
    let is_delimiter = first.starts_with(b"--") && is_boundary(boundary) && is_header;
    is_delimiter.then(|| boundary.to_vec())
}

/// Finds the parts of a body. Beyond `parts_max` the rest is one segment.
///
/// # Errors
/// The body could not be read.
pub(super) fn find(body: &mut dyn ReadSeek, boundary: &[u8], parts_max: u64) -> io::Result<Found> {
    let mut builder = Builder::new(parts_max);
    let len = search(body, boundary, |delimiter| builder.accept(delimiter))?;
    Ok(builder.finish(len))
}

/// A line that is a delimiter, or nearly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Delimiter {
    /// First byte of its line end before it.
    start: u64,
    /// First byte behind its line.
    end: u64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Opening,
    Closing,
    Near,
}

/// Searches a body for delimiters, and returns its length.
fn search(body: &mut dyn ReadSeek, boundary: &[u8], mut accept: impl FnMut(Delimiter)) -> io::Result<u64> {
    body.seek(SeekFrom::Start(0))?;
    let needle = [b"--", boundary].concat();
    let finder = Finder::new(&needle);
    let lookahead = needle.len() + PADDING_BYTES_MAX;
    let mut buffer: Vec<u8> = Vec::with_capacity(BUFFER_BYTES + lookahead);
    let (mut base, mut from) = (0_u64, 0_usize);
    loop {
        let read = Read::take(&mut *body, BUFFER_BYTES as u64).read_to_end(&mut buffer)?;
        let is_end = read == 0;
        // A match nearer to the edge waits for more bytes.
        let until = if is_end { buffer.len() } else { buffer.len().saturating_sub(lookahead) };
        while let Some(found) = buffer.get(from..).and_then(|rest| finder.find(rest)) {
            let at = from + found;
            if at >= until && !is_end {
                break;
            }
            from = at + needle.len();
            if let Some(delimiter) = delimiter_at(&buffer, at, needle.len(), base) {
                from = usize::try_from(delimiter.end - base).unwrap_or(from).max(from);
                accept(delimiter);
            }
        }
        if is_end {
            return Ok(base + buffer.len() as u64);
        }
        // What is searched is dropped, but for the line end that a delimiter may need before it.
        from = from.max(until);
        let drop = from.saturating_sub(LINE_END_BYTES).min(buffer.len());
        buffer.drain(..drop);
        from -= drop;
        base += drop as u64;
    }
}

/// Judges a match; `None` when it stands inside a line.
fn delimiter_at(buffer: &[u8], at: usize, needle_len: usize, base: u64) -> Option<Delimiter> {
    let before = &buffer[..at];
    let line_end = match before {
        [] if base == 0 => 0,
        [.., b'\r', b'\n'] => 2,
        [.., b'\n'] => 1,
        _ => return None,
    };
    let rest = &buffer[at + needle_len..];
    let (dashes, kind) = if rest.starts_with(b"--") { (2, Kind::Closing) } else { (0, Kind::Opening) };
    // The bound keeps the end of the line within the bytes that were waited for, wherever the buffer ends.
    let padding = rest[dashes..].iter().take(PADDING_BYTES_MAX - dashes - LINE_END_BYTES);
    let blank = padding.take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let tail = &rest[dashes + blank..];
    let (kind, line_len) = match tail {
        [b'\r', b'\n', ..] => (kind, 2),
        [b'\n', ..] => (kind, 1),
        [] | [b'\r'] => (kind, tail.len()),
        _ => (Kind::Near, 0),
    };
    let end = base + (at + needle_len + dashes + blank + line_len) as u64;
    Some(Delimiter { start: base + (at - line_end) as u64, end, kind })
}

/// Turns delimiters into segments.
struct Builder {
    found: Found,
    parts_left: u64,
    start: u64,
    is_part: bool,
}

impl Builder {
    fn new(parts_max: u64) -> Self {
        Self { found: Found::default(), parts_left: parts_max, start: 0, is_part: false }
    }

    fn accept(&mut self, delimiter: Delimiter) {
        if delimiter.kind == Kind::Near {
            self.found.has_near_delimiter = true;
            return;
        }
        if self.found.is_over_limit {
            self.found.is_closed |= delimiter.kind == Kind::Closing;
            return;
        }
        let is_opening = delimiter.kind == Kind::Opening;
        self.found.has_parts_behind_end |= self.found.is_closed && is_opening;
        self.close(delimiter.start);
        self.found.has_delimiter = true;
        self.found.is_closed |= !is_opening;
        if is_opening && self.parts_left == 0 {
            self.found.is_over_limit = true;
        }
        self.is_part = is_opening && !self.found.is_over_limit;
        self.parts_left = self.parts_left.saturating_sub(u64::from(self.is_part));
        self.start = delimiter.end;
    }

    fn close(&mut self, end: u64) {
        let end = end.max(self.start);
        if self.is_part || end > self.start {
            self.found.segments.push(Segment { start: self.start, end, is_part: self.is_part });
        }
    }

    fn finish(mut self, len: u64) -> Found {
        if self.found.has_delimiter {
            self.close(len);
        }
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::{Cursor, Seek};

    fn parts(body: &[u8], parts_max: u64) -> (Vec<(String, bool)>, Found) {
        let found = find(&mut Cursor::new(body), b"b", parts_max).unwrap();
        let text = |segment: &Segment| {
            let range = segment.start as usize..segment.end as usize;
            (String::from_utf8_lossy(&body[range]).into_owned(), segment.is_part)
        };
        (found.segments.iter().map(text).collect(), found)
    }

    fn check(body: &str, expected: &[(&str, bool)], flags: &str) {
        let (found_parts, found) = parts(body.as_bytes(), 3);
        let shown: Vec<_> = found_parts.iter().map(|(text, is_part)| (text.as_str(), *is_part)).collect();
        assert_eq!(shown, expected, "{body:?}");
        let said = [
            (found.has_delimiter, 'd'),
            (found.is_closed, 'c'),
            (found.has_parts_behind_end, 'b'),
            (found.has_near_delimiter, 'n'),
            (found.is_over_limit, 'l'),
        ];
        let said: String = said.iter().filter(|(is_set, _)| *is_set).map(|(_, letter)| letter).collect();
        assert_eq!(said, flags, "{body:?}");
    }

    #[test]
    fn delimiters_cut_the_body() {
        check("--b\r\nA\r\n--b\r\nB\r\n--b--\r\n", &[("A", true), ("B", true)], "dc");
        check("--b\nA\n--b\nB\n--b--\n", &[("A", true), ("B", true)], "dc");
        check("pre\r\n--b\r\nA\r\n--b--\r\nepi", &[("pre", false), ("A", true), ("epi", false)], "dc");
        check("--b \t\r\nA\r\n--b-- \r\n", &[("A", true)], "dc");
        check("--b\r\nA\r\n--b--", &[("A", true)], "dc");
        check("--b\r\nA", &[("A", true)], "d");
        check("--b\r\n--b--", &[("", true)], "dc");
        check("--b\r\nx --b\r\n--b--", &[("x --b", true)], "dc");
        check("--b\r\nA\r\n--bc\r\n--b--", &[("A\r\n--bc", true)], "dcn");
        check("--b\r\nA\r\n--b--x\r\n--b--", &[("A\r\n--b--x", true)], "dcn");
        check("--b\r\nA\r\n--b--\r\ne\r\n--b\r\nB", &[("A", true), ("e", false), ("B", true)], "dcb");
        check("--b\r\nA\r\n\r\n--b--", &[("A\r\n", true)], "dc");
        check(
            "--b\r\n1\r\n--b\r\n2\r\n--b\r\n3\r\n--b\r\n4\r\n--b\r\n5\r\n--b--",
            &[("1", true), ("2", true), ("3", true), ("4\r\n--b\r\n5\r\n--b--", false)],
            "dcl",
        );
        check("no delimiter", &[], "");
        check("", &[], "");
    }

    #[test]
    fn boundaries_are_read_off_the_body() {
        let rows: [(&str, Option<&str>); 6] = [
            ("--xyz\r\nContent-Type: a/b\r\n\r\n", Some("xyz")),
            ("\r\n--xyz\ncontent-disposition: form-data\n\n", Some("xyz")),
            ("--\r\nContent-Type: a/b\r\n", None),
            ("--xyz\r\nHello", None),
            ("--xyz", None),
            ("xyz\r\nContent-Type: a", None),
        ];
        for (first, expected) in rows {
            assert_eq!(sniff_boundary(first.as_bytes()).as_deref(), expected.map(str::as_bytes), "{first:?}");
        }
    }

    #[test]
    fn a_delimiter_is_found_wherever_the_buffer_ends() {
        for preamble_len in BUFFER_BYTES - 300..BUFFER_BYTES + 10 {
            let body = [&vec![b'.'; preamble_len][..], b"\r\n--b\r\nA\r\n--b--"].concat();
            let (found, _) = parts(&body, 3);
            assert_eq!(found[1], ("A".to_owned(), true), "{preamble_len}");
            assert_eq!(found[0].0.len(), preamble_len);
        }
    }

    #[test]
    fn endless_padding_is_judged_alike_wherever_the_buffer_ends() {
        for (blanks, parts_expected) in [(250, 1), (300, 0), (2 * BUFFER_BYTES, 0)] {
            for preamble_len in [0, BUFFER_BYTES - 300, BUFFER_BYTES - 10] {
                let padding = " ".repeat(blanks);
                let body = [&vec![b'.'; preamble_len][..], b"\r\n--b", padding.as_bytes(), b"\r\nA\r\n--b--"].concat();
                let (found, _) = parts(&body, 3);
                let count = found.iter().filter(|(_, is_part)| *is_part).count();
                assert_eq!(count, parts_expected, "{blanks} {preamble_len}");
            }
        }
    }

    #[test]
    fn a_huge_preamble_is_searched_with_a_fixed_buffer() {
        /// A body that is never in memory: dots, then a short multipart.
        struct Huge {
            position: u64,
            dots: u64,
            tail: &'static [u8],
        }
        impl Read for Huge {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if self.position < self.dots {
                    let len = buffer.len().min((self.dots - self.position) as usize);
                    buffer[..len].fill(b'.');
                    self.position += len as u64;
                    return Ok(len);
                }
                let rest = &self.tail[(self.position - self.dots) as usize..];
                let len = rest.len().min(buffer.len());
                buffer[..len].copy_from_slice(&rest[..len]);
                self.position += len as u64;
                Ok(len)
            }
        }
        impl Seek for Huge {
            fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
                let SeekFrom::Start(offset) = to else { return Err(io::ErrorKind::Unsupported.into()) };
                self.position = offset;
                Ok(offset)
            }
        }
        let dots = 32 << 20;
        let mut body = Huge { position: 0, dots, tail: b"\r\n--b\r\nA\r\n--b--" };
        let found = find(&mut body, b"b", 3).unwrap();
        let segment = |start, end, is_part| Segment { start, end, is_part };
        assert_eq!(found.segments, [segment(0, dots, false), segment(dots + 7, dots + 8, true)]);
    }

    proptest! {
        #[test]
        fn random_parts_are_read_back(
            texts in proptest::collection::vec("[a-z\r\n-]{0,40}", 1..6),
            preamble in "[a-z\r\n]{0,10}",
            has_crlf: bool,
        ) {
            let line_end = if has_crlf { "\r\n" } else { "\n" };
            // Boundaries are chosen so that the parts cannot hold them, as senders do.
            let mut body = preamble.clone();
            for text in &texts {
                body.push_str(&format!("{line_end}--B0UND{line_end}{text}"));
            }
            body.push_str(&format!("{line_end}--B0UND--{line_end}"));
            let found = find(&mut Cursor::new(body.as_bytes()), b"B0UND", 100).unwrap();
            let read: Vec<&str> = found.segments.iter().filter(|segment| segment.is_part)
                .map(|segment| &body[segment.start as usize..segment.end as usize]).collect();
            // With bare line feeds a carriage return at the end of a text belongs to the line end.
            let expected: Vec<&str> = texts.iter().map(|text| if has_crlf { text.as_str() } else { text.strip_suffix('\r').unwrap_or(text) }).collect();
            prop_assert_eq!(read, expected);
            prop_assert!(found.is_closed);
        }

        #[test]
        fn segments_cover_the_body_in_order(body in proptest::collection::vec(proptest::sample::select(b"-b\r\n x".to_vec()), 0..120)) {
            let (_, found) = parts(&body, 2);
            let mut last = 0;
            for segment in &found.segments {
                prop_assert!(last <= segment.start && segment.start <= segment.end && segment.end <= body.len() as u64);
                last = segment.end;
            }
        }
    }
}
