//! What lies outside the objects of a PDF document.
//!
//! Readers look for objects and skip the rest, so anything can stand in front of the header, between objects and behind
//! the end mark. What stands in front or behind is an item of its own, which may be of any kind; what stands in between
//! is handed out raw. Objects themselves, those of later revisions too, are the parser's.

use super::walk::{Step, Walk};
use super::{Input, Join, Origin, Part, Place, Relation, Role, Segment};
use memchr::memmem::{find, rfind};
use std::ops::Range;

/// Prefix in which readers accept the header.
pub(super) const HEAD_BYTES: usize = 1024;
const HEADER: &[u8] = b"%PDF-";
const END_MARK: &[u8] = b"%%EOF";
/// Gaps that are handed out; a text of many lines between objects is one.
const GAPS_MAX: usize = 100_000;
/// Bytes of a gap that are handed out at once.
const PIECE_BYTES: usize = 128 * 1024;
/// Bytes behind the data of a stream in which its object ends.
const OBJECT_END_BYTES: usize = 64;

/// Whether the bytes, which may start with something else, hold a PDF: its header at the start of a line, and an
/// object.
pub(super) fn is_behind_prefix(head: &[u8]) -> bool {
    let Some(at) = find(&head[..head.len().min(HEAD_BYTES)], HEADER) else { return false };
    let is_line = at == 0 || matches!(head[at - 1], b'\n' | b'\r');
    let has_version = head.get(at + HEADER.len()).is_some_and(u8::is_ascii_digit);
    let has_object = memchr::memmem::find_iter(head, b"obj").any(|at| {
        let number = head[..at].trim_ascii_end();
        number.len() < at && number.last().is_some_and(u8::is_ascii_digit)
    });
    is_line && has_version && has_object
}

/// Where the document ends: behind its last end mark, or with the bytes when it has none.
pub(super) fn end(bytes: &[u8]) -> usize {
    rfind(bytes, END_MARK).map_or(bytes.len(), |at| at + END_MARK.len())
}

/// Hands out what stands between the objects of a document.
pub(super) fn between(walk: &mut Walk<'_>, bytes: &[u8]) -> Step {
    let start = start(bytes);
    for gap in gaps(bytes.get(start..end(bytes)).unwrap_or_default()) {
        let part = Part { role: Role::Raw, name: "between-objects" };
        let mut join = Join::Line;
        for at in gap.clone().step_by(PIECE_BYTES) {
            let (from, to) = (start + at, start + gap.end.min(at + PIECE_BYTES));
            let origin = Origin::Bytes(from as u64);
            walk.emit(&Segment { text: &bytes[from..to], part, place: Place::None, join, origin })?;
            join = Join::None;
        }
    }
    Ok(())
}

/// Walks what stands in front of a document and behind it.
pub(super) fn around(walk: &mut Walk<'_>, bytes: &[u8]) -> Step {
    let start = start(bytes);
    for (name, side) in [("in-front", &bytes[..start]), ("behind", &bytes[end(bytes).max(start)..])] {
        if side.iter().any(|byte| !is_space(*byte)) {
            walk.child(name, Relation::Gap, Input::Bytes(side))?;
        }
    }
    Ok(())
}

fn start(bytes: &[u8]) -> usize {
    find(&bytes[..bytes.len().min(HEAD_BYTES)], HEADER).unwrap_or(0)
}

/// Stretches between header and end mark that are neither objects nor the tables that list them.
fn gaps(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut structure = Structure::new(bytes);
    let mut gaps = Vec::new();
    let mut open: Option<Range<usize>> = None;
    let mut at = 0;
    while at < bytes.len() {
        if gaps.len() == GAPS_MAX {
            // What is left when there are too many is one gap.
            gaps.push(at..bytes.len());
            return gaps;
        }
        if is_space(bytes[at]) {
            at += 1;
        } else if let Some(end) = structure.end_of_piece(at) {
            gaps.extend(open.take());
            at = end;
        } else {
            let start = open.map_or(at, |gap| gap.start);
            at += bytes[at..].iter().take_while(|byte| !is_space(**byte)).count();
            open = Some(start..at);
        }
    }
    gaps.extend(open);
    gaps
}

/// Finds the pieces of file structure in one pass: no search starts twice over the same bytes.
struct Structure<'b> {
    bytes: &'b [u8],
    object_ends: Ahead<'b>,
    streams: Ahead<'b>,
    stream_ends: Ahead<'b>,
    /// A dictionary without end was met; there is no end for others either.
    has_open_dictionary: bool,
}

impl<'b> Structure<'b> {
    fn new(bytes: &'b [u8]) -> Self {
        Self {
            bytes,
            object_ends: Ahead::new(bytes, b"endobj"),
            streams: Ahead::new(bytes, b"stream"),
            stream_ends: Ahead::new(bytes, b"endstream"),
            has_open_dictionary: false,
        }
    }

    /// Where the piece of file structure ends that starts here.
    fn end_of_piece(&mut self, at: usize) -> Option<usize> {
        let rest = &self.bytes[at..];
        let behind = |word: &[u8]| rest.strip_prefix(word);
        if is_binary_mark(rest) {
            return Some(at + line_len(rest));
        }
        let is_version = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
        let tail = behind(END_MARK)
            .or_else(|| behind(HEADER).map(|rest| &rest[rest.iter().take_while(|byte| is_version(byte)).count()..]))
            .or_else(|| behind(b"endobj"))
            .or_else(|| behind(b"xref").map(|rest| &rest[table_len(rest)..]))
            .or_else(|| behind(b"startxref").map(|rest| &rest[number_len(rest)..]));
        if let Some(tail) = tail {
            return Some(self.bytes.len() - tail.len());
        }
        if rest.starts_with(b"trailer") {
            return Some(self.end_of_dictionary(at + b"trailer".len()));
        }
        self.end_of_object(at)
    }

    /// Behind a dictionary with those inside it; here when there is none.
    fn end_of_dictionary(&mut self, from: usize) -> usize {
        let mut at = from + space_len(&self.bytes[from..]);
        let mut depth = 0_u32;
        while let Some(pair) = self.bytes.get(at..at + 2).filter(|_| !self.has_open_dictionary) {
            match pair {
                b"<<" => (at, depth) = (at + 2, depth + 1),
                b">>" => (at, depth) = (at + 2, depth.saturating_sub(1)),
                _ if depth == 0 => return from,
                _ => at += 1,
            }
            if depth == 0 {
                return at;
            }
        }
        self.has_open_dictionary |= depth > 0;
        from
    }

    /// From `number generation obj` to `endobj`. The data of a stream may hold any word.
    fn end_of_object(&mut self, from: usize) -> Option<usize> {
        let mut at = from;
        for _ in 0..2 {
            let number = digits_len(&self.bytes[at..]);
            let gap = space_len(&self.bytes[at + number..]);
            if number == 0 || gap == 0 {
                return None;
            }
            at += number + gap;
        }
        self.bytes[at..].strip_prefix(b"obj")?;
        let end = self.object_ends.next(at);
        let data = self.streams.next(at).filter(|data| end.is_none_or(|end| *data < end));
        let data_end = data.and_then(|data| self.stream_ends.next(data));
        let Some(data_end) = data_end else { return end };
        let behind = self.object_ends.next(data_end).filter(|end| *end <= data_end + OBJECT_END_BYTES);
        Some(behind.unwrap_or(data_end))
    }
}

/// The next place of a word, for places that are asked for in ascending order.
struct Ahead<'b> {
    bytes: &'b [u8],
    word: &'static [u8],
    /// The first place that is not behind the last question; nothing when there is none.
    found: Option<usize>,
}

impl<'b> Ahead<'b> {
    fn new(bytes: &'b [u8], word: &'static [u8]) -> Self {
        Self { bytes, word, found: find(bytes, word) }
    }

    /// Behind the first such word at or after `from`.
    fn next(&mut self, from: usize) -> Option<usize> {
        if self.found? < from {
            self.found = self.bytes.get(from..).and_then(|rest| find(rest, self.word)).map(|at| from + at);
        }
        self.found.map(|at| at + self.word.len())
    }
}

/// The second line of most documents: a comment of a few bytes that are no ASCII.
fn is_binary_mark(bytes: &[u8]) -> bool {
    const MARK_BYTES_MAX: usize = 16;
    let line = &bytes[..line_len(&bytes[..bytes.len().min(MARK_BYTES_MAX + 1)])];
    line.first() == Some(&b'%') && line.len() <= MARK_BYTES_MAX && !line.iter().any(u8::is_ascii_alphanumeric)
}

fn line_len(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| !matches!(byte, b'\n' | b'\r')).count()
}

/// Numbers, and the letters of used and free entries.
fn table_len(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_digit() || is_space(**byte) || matches!(byte, b'n' | b'f')).count()
}

fn number_len(bytes: &[u8]) -> usize {
    let space = space_len(bytes);
    space + digits_len(&bytes[space..])
}

fn digits_len(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn space_len(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| is_space(**byte)).count()
}

fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_what_is_no_object() {
        let rows: [(&str, &[&str]); 15] = [
            ("", &[]),
            ("%PDF-1.7\n%\u{e2}\u{e3}\n1 0 obj\n<<>>\nendobj\nxref\n0 1\n0000000000 65535 f \n", &[]),
            ("1 0 obj 5 endobj trailer << /A << /B 1 >> >> startxref\n12\n%%EOF", &[]),
            ("1 0 obj 5 endobj some text\nin lines 2 0 obj endobj", &["some text\nin lines"]),
            ("% a comment\n1 0 obj endobj", &["% a comment"]),
            ("1 0 obj <</Length 6>> stream\nendobj\nendstream endobj behind", &["behind"]),
            ("1 0 obj << >> stream\nx\nendstream\n2 0 obj endobj", &[]),
            ("1 0 obj << /Never (ends)", &["1 0 obj << /Never (ends)"]),
            ("%%EOF text %%EOF", &["text"]),
            ("xref 44 x 1 0 obj endobj", &["x"]),
            ("trailer << /Open", &["<< /Open"]),
            ("trailer text", &["text"]),
            ("startxref text", &["text"]),
            ("44051401458", &["44051401458"]),
            ("%PDF-1.7 text", &["text"]),
        ];
        for (text, expected) in rows {
            let bytes = text.as_bytes();
            let found: Vec<_> = gaps(bytes).into_iter().map(|gap| String::from_utf8_lossy(&bytes[gap])).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn hostile_structure_takes_one_pass() {
        let size = 1_000_000;
        for piece in
            ["1 0 obj ", "1 0 obj stream ", "1 0 obj stream endstream ", "trailer << ", "% %", "xref 1 ", "<< "]
        {
            let bytes = piece.repeat(size / piece.len());
            let covered: usize = gaps(bytes.as_bytes()).iter().map(|gap| gap.len()).sum();
            assert!(covered <= bytes.len(), "{piece}");
        }
    }

    #[test]
    fn gaps_have_a_bound_and_the_rest_is_one() {
        let bytes = b"a 1 0 obj endobj ".repeat(GAPS_MAX + 3);
        let gaps = gaps(&bytes);
        assert_eq!((gaps.len(), gaps.last().map(|gap| gap.end)), (GAPS_MAX + 1, Some(bytes.len())));
    }

    #[test]
    fn headers_behind_something_are_found() {
        let rows: [(&[u8], bool); 6] = [
            (b"%PDF-1.4\n1 0 obj", true),
            (b"line\n%PDF-1.4\n1 0 obj", true),
            (b"see %PDF-1.4\n1 0 obj", false),
            (b"line\n%PDF-x\n1 0 obj", false),
            (b"line\n%PDF-1.4 is the header of an object", false),
            (b"line", false),
        ];
        for (head, expected) in rows {
            assert_eq!(is_behind_prefix(head), expected, "{}", String::from_utf8_lossy(head));
        }
    }
}
