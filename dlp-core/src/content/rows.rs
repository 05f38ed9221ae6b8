//! Rows of delimited text as settings: `acme_key: value`, with the name from the first line and the value from a cell
//! far below it.
//!
//! Credentials without a shape of their own are known by the name before them, and in a table no name stands before a
//! cell: lists of keys that a console wrote, exports of password managers. So where the first line of a text names a
//! column of credentials, the cells of that column, and those that say whose they are, are handed out once more behind
//! their names. Other tables cost the look at their first line. Cells with line ends in them are left out with their
//! row.

use super::decode::Derived;
use crate::matching::LineCounter;
use crate::text::delimited::{DELIMITERS, NAME_BYTES_MAX, fields, trimmed};
use crate::text::original_offset;
use memchr::memchr;
use std::ops::Range;

/// The name of this reading in reports.
pub(crate) const ROWS: &str = "table";

/// Bytes of a line that are looked at.
const LINE_BYTES_MAX: usize = 8 * 1024;
/// Columns of a table, and those that are handed out.
const COLUMNS_MAX: usize = 256;
const NAMED_COLUMNS_MAX: usize = 12;
/// Bytes of a cell that can be a credential.
const CELL_BYTES_MIN: usize = 3;

/// Parts of names of columns that hold credentials, in lower case and without marks between words.
const CREDENTIALS: &[&str] = &[
    "key",
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "credential",
    "kennwort",
    "passwort",
    "haslo",
];

/// The same of columns that say whose they are.
const OWNERS: &[&str] = &["user", "login", "mail", "account", "url", "uri", "website", "host", "location"];
/// A word of them that many other words end with.
const OWNER_WORD: &[u8] = b"id";

/// A table that passes by, line by line.
pub(crate) struct Rows {
    state: State,
    /// Where the bytes that wait stand, and the line that they begin.
    start: u64,
    at: LineCounter,
    /// The beginning of a line that was cut.
    waiting: Vec<u8>,
    /// Whether what comes is the rest of a line that was too long.
    is_rest: bool,
}

enum State {
    /// Nothing was seen yet.
    Start,
    /// It is no such table.
    Other,
    Table(Header),
}

struct Header {
    delimiter: u8,
    columns: usize,
    /// The place of a column among all, and its name.
    named: Vec<(usize, Vec<u8>)>,
}

/// Rows that were read, with the bytes that they were made from.
pub(crate) struct RowsText<'t> {
    pub(super) content: Derived,
    /// The lines, and where they stand.
    pub(super) lines: &'t [u8],
    pub(super) start: u64,
    pub(super) at: LineCounter,
}

impl RowsText<'_> {
    /// The text.
    pub(crate) fn text(&self) -> &[u8] {
        &self.content.bytes
    }

    /// The bytes that a span of it was made from.
    pub(crate) fn origin(&self, span: Range<u64>) -> Range<u64> {
        let place = |at: u64| original_offset(&self.content.runs, u32::try_from(at).unwrap_or(u32::MAX));
        let start = place(span.start).unwrap_or(self.start);
        start..place(span.end).unwrap_or(start)
    }
}

impl Rows {
    /// For a text whose first byte stands at `start`.
    pub(crate) fn new(start: u64) -> Self {
        Self { state: State::Start, start, at: LineCounter::at_line(1), waiting: Vec::new(), is_rest: false }
    }

    /// Takes the next bytes, and hands out what their rows say.
    pub(crate) fn push<E>(
        &mut self,
        bytes: &[u8],
        is_end: bool,
        out: &mut dyn FnMut(RowsText<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if matches!(self.state, State::Start) {
            self.state = Header::of(bytes).map_or(State::Other, State::Table);
        }
        let State::Table(header) = &self.state else { return Ok(()) };
        self.waiting.extend_from_slice(bytes);
        let whole =
            if is_end { self.waiting.len() } else { memchr::memrchr(b'\n', &self.waiting).map_or(0, |at| at + 1) };
        // A line that is too long for a row is not waited for.
        let whole = if self.waiting.len() - whole > LINE_BYTES_MAX { self.waiting.len() } else { whole };
        let lines = &self.waiting[..whole];
        let mut content = Derived::default();
        let mut start = self.start;
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            if !std::mem::replace(&mut self.is_rest, !line.ends_with(b"\n")) {
                header.row(line, start, &mut content);
            }
            start += line.len() as u64;
        }
        let (at, from) = (self.at, self.start);
        self.at.advance(lines);
        self.start = start;
        let handed_out = if content.bytes.is_empty() {
            Ok(())
        } else {
            content.end(start);
            out(RowsText { content, lines, start: from, at })
        };
        self.waiting.drain(..whole);
        handed_out
    }
}

impl Header {
    /// The header of a table that names credentials, if a text begins with one: names on the first line, and as many
    /// cells on the second.
    fn of(text: &[u8]) -> Option<Self> {
        let first = &text[..memchr(b'\n', &text[..text.len().min(LINE_BYTES_MAX)])?];
        let second = &text[first.len() + 1..];
        let second = &second[..second.len().min(LINE_BYTES_MAX)];
        let second = &second[..memchr(b'\n', second).unwrap_or(second.len())];
        let first = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
        DELIMITERS.into_iter().find_map(|delimiter| Self::with(delimiter, first, second))
    }

    fn with(delimiter: u8, first: &[u8], second: &[u8]) -> Option<Self> {
        let count = |line| cells(line, delimiter).take(COLUMNS_MAX + 1).count();
        // Nearly every text ends here.
        let is_table = cells(first, delimiter).take(COLUMNS_MAX).all(|name| is_name(&first[name]))
            && (2..=COLUMNS_MAX).contains(&count(first))
            && count(second) == count(first);
        if !is_table {
            return None;
        }
        let names: Vec<_> = cells(first, delimiter).map(|cell| &first[cell]).collect();
        let holds = |name: &[u8], words: &[&str]| {
            let plain: Vec<u8> =
                name.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect();
            words.iter().any(|word| memchr::memmem::find(&plain, word.as_bytes()).is_some())
        };
        let has_word =
            |name: &[u8]| name.split(|b| !b.is_ascii_alphanumeric()).any(|w| w.eq_ignore_ascii_case(OWNER_WORD));
        let columns = names.len();
        let (credentials, others): (Vec<_>, Vec<_>) =
            names.into_iter().enumerate().partition(|(_, name)| holds(name, CREDENTIALS));
        if credentials.is_empty() {
            return None;
        }
        // Where there are many, it is the owners that are left out.
        let owners = others.into_iter().filter(|(_, name)| holds(name, OWNERS) || has_word(name));
        let named = credentials.into_iter().chain(owners).take(NAMED_COLUMNS_MAX);
        let mut named: Vec<_> = named.map(|(at, name)| (at, name.to_vec())).collect();
        named.sort_unstable();
        Some(Self { delimiter, columns, named })
    }

    /// Appends what a row says. The header itself says nothing new.
    fn row(&self, line: &[u8], start: u64, out: &mut Derived) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > LINE_BYTES_MAX {
            return;
        }
        let found: Vec<Range<usize>> = cells(line, self.delimiter).take(self.columns + 1).collect();
        if found.len() != self.columns {
            return;
        }
        let is_header = self.named.iter().all(|(at, name)| line[found[*at].clone()].ends_with(name));
        let told = self.named.iter().filter(|(at, _)| found[*at].len() >= CELL_BYTES_MIN);
        if is_header {
            return;
        }
        for (at, name) in told {
            let cell = found[*at].clone();
            let source = start + cell.start as u64;
            out.share(name, source);
            out.share(b": ", source);
            out.copy(&line[cell.clone()], source);
            out.share(b"\n", start + cell.end as u64);
        }
        out.share(b"\n", start + line.len() as u64);
    }
}

/// The cells of a line, without quotes around them.
fn cells(line: &[u8], delimiter: u8) -> impl Iterator<Item = Range<usize>> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    fields(line, delimiter).map(|field| trimmed(line, field))
}

/// Whether a cell may name a column: a few words.
fn is_name(cell: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b" _-./()".contains(byte) || !byte.is_ascii();
    cell.len() <= NAME_BYTES_MAX && cell.iter().all(is_part) && cell.first().is_none_or(|byte| !byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    /// What the rows of a text say, when it comes in pieces of a length.
    fn told(text: &str, len: usize) -> String {
        let mut told = String::new();
        let mut rows = Rows::new(0);
        let pieces = text.as_bytes().chunks(len);
        let last = pieces.len().saturating_sub(1);
        for (index, piece) in pieces.enumerate() {
            let _ = rows.push(piece, index == last, &mut |rows| {
                told += &String::from_utf8(rows.content.bytes).expect("cells are cut at ASCII");
                Ok::<(), Infallible>(())
            });
        }
        told
    }

    #[test]
    fn cells_of_credentials_stand_behind_their_names() {
        let rows = [
            ("name,acme_key\nann,v1234\n", "acme_key: v1234\n\n"),
            ("name;Acme Key\r\nann;v1234\r\nben;v5678", "Acme Key: v1234\n\nAcme Key: v5678\n\n"),
            ("\u{feff}user\tapi_token\nann\tv1234\n", "user: ann\napi_token: v1234\n\n"),
            (
                "url,password,note\n\"https://x.example/a,b\",\"v 12\",x\n",
                "url: https://x.example/a,b\npassword: v 12\n\n",
            ),
            ("id,password\n1,v1234\n2,\n3,v5678,x\n", "password: v1234\n\n\n"),
            ("paid,key\nv1,v1234\n", "key: v1234\n\n"),
            ("user_id,key\nv_1,v1234\n", "user_id: v_1\nkey: v1234\n\n"),
            ("name,city\nann,oslo\n", ""),
            ("password\nv1234\n", ""),
            ("the key, in short\nis here\n", ""),
            ("let key = f(a, b);\nx(c, d)\n", ""),
            ("key,", ""),
            ("", ""),
        ];
        for (text, expected) in rows {
            assert_eq!(told(text, text.len().max(1)), expected, "{text:?}");
        }
    }

    #[test]
    fn many_owners_hide_no_credential() {
        let owners: Vec<String> = (0..NAMED_COLUMNS_MAX).map(|number| format!("mail{number}")).collect();
        let cells = ["ann"; NAMED_COLUMNS_MAX].join(",");
        let told = told(&format!("{},password\n{cells},v1234\n", owners.join(",")), 4096);
        assert!(told.contains("password: v1234\n") && told.contains("mail0: ann\n"), "{told}");
    }

    #[test]
    fn a_row_that_is_too_long_is_passed_over_as_a_whole() {
        let long = "x".repeat(2 * LINE_BYTES_MAX);
        let text = format!("name,acme_key\nann,v1234\n{long},none\nben,v5678\n");
        for len in [text.len(), 4096, 1000] {
            assert_eq!(told(&text, len), "acme_key: v1234\n\nacme_key: v5678\n\n", "{len}");
        }
    }

    #[test]
    fn rows_do_not_depend_on_pieces_behind_the_first() {
        let text = format!("name,acme_key\nann,v1234\n{}", "ben,v5678\ncaro,v9012\n".repeat(20));
        let whole = told(&text, text.len());
        for len in 26..90 {
            assert_eq!(told(&text, len), whole, "{len}");
        }
    }

    #[test]
    fn values_lead_back_to_their_cells() {
        let text = b"name,acme_key\nann,v1234\nben,\"v5678\"\n";
        let mut rows = Rows::new(100);
        let _ = rows.push(text, true, &mut |rows| {
            let of = |value: &str| {
                let told = String::from_utf8_lossy(&rows.content.bytes).into_owned();
                let at = told.find(value).expect("a cell") as u64;
                let Range { start, end } = rows.origin(at..at + value.len() as u64);
                text[start as usize - 100..end as usize - 100].to_vec()
            };
            assert_eq!((of("v1234"), of("v5678")), (b"v1234".to_vec(), b"v5678".to_vec()));
            Ok::<(), Infallible>(())
        });
    }
}
