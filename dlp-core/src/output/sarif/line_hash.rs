//! The line hash by which code hosts recognise an alert again, and columns in UTF-16 units.
//!
//! The hash is a rolling polynomial over the 100 UTF-16 units that start at the line, blanks and tabs left out and line
//! ends unified; equal hashes of one file are numbered in line order. So indentation never matters, and a line keeps its
//! hash while it is further than 100 units from a change.

use std::collections::HashMap;

/// UTF-16 units that one hash covers.
const WINDOW_LEN: usize = 100;
/// Base of the polynomial.
const BASE: u64 = 37;

/// What a result needs to know of the line it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineFacts {
    /// `primaryLocationLineHash`: hash in hexadecimal, colon, number among equal hashes.
    pub hash: String,
    /// First column and one past the last in UTF-16 units, when the file is UTF-8.
    pub columns_utf16: Option<(u64, u64)>,
}

/// Where a finding stands, in scalar columns: `(line, column)` of its start and end, all from 1.
pub type Range = ((u64, u64), (u64, u64));

/// The facts for each range, in the order given; `None` for a line that the file does not have.
#[must_use]
pub fn line_facts(file: &[u8], ranges: &[Range]) -> Vec<Option<LineFacts>> {
    let text = String::from_utf8_lossy(file);
    let hashes = line_hashes(&text);
    let places = ranges.iter().flat_map(|(start, end)| [*start, *end]);
    let columns = std::str::from_utf8(file).map(|file| columns_utf16(file, places.collect())).unwrap_or_default();
    let column = |place| columns.get(&place).copied();
    ranges
        .iter()
        .map(|(start, end)| {
            let hash = hashes.get(usize::try_from(start.0).ok()?.checked_sub(1)?)?.clone();
            Some(LineFacts { hash, columns_utf16: column(*start).zip(column(*end)) })
        })
        .collect()
}

/// The columns in UTF-16 units of places in scalar columns, those of lines that the file has. Each line is walked once,
/// however many places stand on it.
fn columns_utf16(file: &str, mut places: Vec<(u64, u64)>) -> HashMap<(u64, u64), u64> {
    places.retain(|(line, column)| *line > 0 && *column > 0);
    places.sort_unstable();
    places.dedup();
    let (lines, mut columns) = (split_lines(file), HashMap::with_capacity(places.len()));
    for of_line in places.chunk_by(|a, b| a.0 == b.0) {
        let line = usize::try_from(of_line[0].0 - 1).ok().and_then(|index| lines.get(index));
        let Some(line) = line else { continue };
        let units = utf16_units(line.chars(), of_line.iter().map(|(_, column)| *column));
        columns.extend(of_line.iter().copied().zip(units));
    }
    columns
}

/// The columns in UTF-16 units of ascending scalar columns of a line, none of which lies behind its end.
fn utf16_units(mut line: impl Iterator<Item = char>, columns: impl Iterator<Item = u64>) -> impl Iterator<Item = u64> {
    let (mut at, mut units) = (1, 1);
    columns.map(move |column| {
        let passed = line.by_ref().take(usize::try_from(column - at).unwrap_or(usize::MAX));
        units += passed.map(|c| c.len_utf16() as u64).sum::<u64>();
        at = column;
        units
    })
}

/// The hashes of all lines, in line order.
fn line_hashes(text: &str) -> Vec<String> {
    let (mut units, starts) = reduced(text);
    units.extend([0; WINDOW_LEN]);
    let mut seen: HashMap<u64, u32> = HashMap::new();
    starts
        .iter()
        .map(|&start| {
            let window = &units[start..start + WINDOW_LEN];
            let hash = window.iter().fold(0u64, |h, &unit| h.wrapping_mul(BASE).wrapping_add(u64::from(unit)));
            let count = seen.entry(hash).or_default();
            *count += 1;
            format!("{hash:x}:{count}")
        })
        .collect()
}

/// The units without blanks and tabs and with CR and CRLF as LF, an end marker, and where each line starts among them.
fn reduced(text: &str) -> (Vec<u16>, Vec<usize>) {
    const SPACE: u16 = 0x20;
    const TAB: u16 = 0x09;
    const LF: u16 = 0x0a;
    const CR: u16 = 0x0d;
    const END: u16 = 0xffff;
    let mut units = Vec::with_capacity(text.len() + 1 + WINDOW_LEN);
    let mut starts = Vec::new();
    let (mut after_cr, mut line_start) = (false, true);
    for unit in text.encode_utf16().chain([END]) {
        if unit == SPACE || unit == TAB || (after_cr && unit == LF) {
            after_cr = false;
            continue;
        }
        after_cr = unit == CR;
        let unit = if unit == CR { LF } else { unit };
        if line_start {
            starts.push(units.len());
        }
        line_start = unit == LF;
        units.push(unit);
    }
    (units, starts)
}

/// Lines end at LF, CRLF or CR.
fn split_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.find(['\n', '\r']) {
        lines.push(&rest[..end]);
        let len = if rest[end..].starts_with("\r\n") { 2 } else { 1 };
        rest = &rest[end + len..];
    }
    lines.push(rest);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_vectors_hold() {
        let rows: &[(&[u8], &[&str])] = &[
            (b"", &["c129715d7a2bc9a3:1"]),
            (b"password = hunter2", &["1aef569db79b5493:1"]),
            (b"password = hunter2\n", &["9ec9dafbafa24c39:1", "c129715d7a2bc9a3:1"]),
            (
                b"key = 1\r\n\r\n  key = 1\n",
                &["8c0d299dd2c4657:1", "cfbf3885cd57ae3a:1", "e830550ae8b9bf8:1", "c129715d7a2bc9a3:1"],
            ),
            (b"a\r \nb\n", &["818c3a85b988abe4:1", "bf4c4d48992e2ca5:1", "ade70578248be16f:1", "c129715d7a2bc9a3:1"]),
            (
                b"a\nb\na\nb\n",
                &[
                    "4d95462eefa6f789:1",
                    "dbaba92b0130b202:1",
                    "81b8d8db678b2bbe:1",
                    "ade70578248be16f:1",
                    "c129715d7a2bc9a3:1",
                ],
            ),
            (b"\t\n   \n", &["5b5d4caf73a13177:1", "3c5bef55b72b93c9:1", "c129715d7a2bc9a3:1"]),
            ("ż = 🔑\n".as_bytes(), &["c7020240d7928ffc:1", "c129715d7a2bc9a3:1"]),
            ("\u{feff}key = 1\n".as_bytes(), &["85f6e9e1bc60fb3b:1", "c129715d7a2bc9a3:1"]),
            (b"caf\xe9 = 1\nkey = 2\n", &["f7ba9e5850ba8048:1", "7b73c5a1713b3025:1", "c129715d7a2bc9a3:1"]),
        ];
        for (content, expected) in rows {
            assert_eq!(line_hashes(&String::from_utf8_lossy(content)), *expected, "{content:?}");
        }
    }

    #[test]
    fn equal_lines_are_numbered() {
        let hashes = line_hashes(&"x\n".repeat(120));
        assert_eq!(hashes.len(), 121);
        assert_eq!((&*hashes[0], &*hashes[70]), ("c0fe7b2700d6c254:1", "c0fe7b2700d6c254:71"));
        assert_eq!(hashes[71], "c0fe7b2700fbb0cd:1");
        assert_eq!((&*hashes[119], &*hashes[120]), ("828973aa50c68d6d:1", "c129715d7a2bc9a3:1"));
    }

    #[test]
    fn columns_count_utf16_units() {
        let file = "a\r\n🔑🔑 ż=1\n".as_bytes();
        let facts = line_facts(file, &[((2, 4), (2, 7)), ((9, 1), (9, 2))]);
        assert_eq!(facts[0].as_ref().expect("line 2").columns_utf16, Some((6, 9)));
        assert_eq!(facts[1], None);
        let latin = line_facts(b"caf\xe9 = 1\n", &[((1, 1), (1, 2))]);
        assert_eq!(latin[0].as_ref().expect("line 1").columns_utf16, None);
    }

    #[test]
    fn a_line_is_walked_once_for_all_its_columns() {
        let line = "🔑 card ".repeat(1_000);
        let walked = std::cell::Cell::new(0);
        let chars = line.chars().inspect(|_| walked.set(walked.get() + 1));
        let columns = (1..=7_001).step_by(7).chain([9_000]);
        let units: Vec<u64> = utf16_units(chars, columns).collect();
        assert_eq!((units[1], units[1_000], units[1_001]), (9, 8_001, 8_001));
        assert_eq!(walked.get(), 7_000);
        // Findings come in any order, overlap, and stand on several lines.
        let ranges = [((2, 3), (2, 5)), ((1, 8), (2, 2)), ((1, 1), (1, 8)), ((1, 0), (1, 8)), ((2, 90), (2, 91))];
        let facts = line_facts(format!("{line}\nż🔑ź\n").as_bytes(), &ranges);
        let columns: Vec<_> = facts.iter().flatten().map(|facts| facts.columns_utf16).collect();
        assert_eq!(columns, [Some((4, 5)), Some((9, 2)), Some((1, 9)), None, Some((5, 5))]);
    }
}
