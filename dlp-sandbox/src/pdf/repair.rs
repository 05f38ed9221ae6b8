//! Rebuilds the table of objects of a document whose own table lies or is missing.
//!
//! Every `number generation obj` in the bytes is an object; of several with one number the last one counts, as in an
//! incremental update. A fresh table and trailer are put behind a copy of the bytes, and the loader reads that.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Objects that one document may have; the table costs memory for each.
const OBJECTS_MAX: usize = 1_000_000;

/// A copy of the document with a table that fits, unless there is nothing to list.
pub(super) fn rebuild(bytes: &[u8]) -> Option<Vec<u8>> {
    let header = find(bytes, b"%PDF-", 0);
    let mut copy = match header {
        Some(start) => bytes[start..].to_vec(),
        None => [b"%PDF-1.7\n", bytes].concat(),
    };
    let objects = objects(&copy);
    let root = reference(&copy, b"/Root").or_else(|| catalog(&copy, &objects))?;
    let trailer = trailer(&copy, &objects, &root);
    copy.push(b'\n');
    let table_at = copy.len();
    copy.extend_from_slice(table(&objects).as_bytes());
    copy.extend_from_slice(&trailer);
    copy.extend_from_slice(format!("\nstartxref\n{table_at}\n%%EOF\n").as_bytes());
    Some(copy)
}

/// Offsets and generations of the objects by number.
type Objects = BTreeMap<u32, (usize, u16)>;

fn objects(bytes: &[u8]) -> Objects {
    let mut objects = Objects::new();
    let mut from = 0;
    while let Some(at) = find(bytes, b"obj", from) {
        from = at + 3;
        if let Some((offset, number, generation)) = object_before(bytes, at)
            && objects.len() < OBJECTS_MAX
        {
            objects.insert(number, (offset, generation));
        }
    }
    objects
}

/// Reads `number generation ` backwards from the keyword.
fn object_before(bytes: &[u8], keyword: usize) -> Option<(usize, u32, u16)> {
    let (generation, rest) = number_at_end(trim_end(&bytes[..keyword]))?;
    let trimmed = trim_end(rest);
    // Between the two numbers there must be space.
    let (number, before) = number_at_end(trimmed).filter(|_| trimmed.len() < rest.len())?;
    Some((before.len(), number, u16::try_from(generation).ok()?))
}

fn trim_end(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii_end()
}

/// The decimal number at the end and what stands before it.
fn number_at_end(bytes: &[u8]) -> Option<(u32, &[u8])> {
    /// Object numbers have up to ten digits.
    const DIGITS_MAX: usize = 10;
    let digits = bytes.iter().rev().take(DIGITS_MAX).take_while(|byte| byte.is_ascii_digit()).count();
    let (rest, number) = bytes.split_at(bytes.len() - digits);
    Some((std::str::from_utf8(number).ok()?.parse().ok()?, rest))
}

/// The last `key number generation R`.
fn reference(bytes: &[u8], key: &[u8]) -> Option<String> {
    let mut from = 0;
    let mut last = None;
    while let Some(at) = find(bytes, key, from) {
        from = at + key.len();
        let words = bytes[from..].get(..64).unwrap_or(&bytes[from..]);
        let text = String::from_utf8_lossy(words).into_owned();
        let mut words = text.split(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>').filter(|w| !w.is_empty());
        let parts = (words.next(), words.next(), words.next());
        if let (Some(number), Some(generation), Some("R")) = parts
            && let (Ok(number), Ok(generation)) = (number.parse::<u32>(), generation.parse::<u16>())
        {
            last = Some(format!("{number} {generation} R"));
        }
    }
    last
}

/// The catalogue by its type, when no trailer names it.
fn catalog(bytes: &[u8], objects: &Objects) -> Option<String> {
    /// Dictionaries of catalogues are short.
    const LOOK_BYTES: usize = 2_048;
    objects.iter().find_map(|(number, (offset, generation))| {
        let end = bytes.len().min(offset + LOOK_BYTES);
        let object = &bytes[*offset..end];
        let object = &object[..find(object, b"endobj", 0).unwrap_or(object.len())];
        find(object, b"/Catalog", 0).map(|_| format!("{number} {generation} R"))
    })
}

fn trailer(bytes: &[u8], objects: &Objects, root: &str) -> Vec<u8> {
    let size = objects.keys().next_back().map_or(1, |last| u64::from(*last) + 1);
    let mut trailer = format!("trailer\n<< /Size {size} /Root {root}").into_bytes();
    for key in ["/Info", "/Encrypt"] {
        if let Some(reference) = reference(bytes, key.as_bytes()) {
            trailer.extend_from_slice(format!(" {key} {reference}").as_bytes());
        }
    }
    if let Some(id) = identifier(bytes) {
        trailer.extend_from_slice(b" /ID ");
        trailer.extend_from_slice(id);
    }
    trailer.extend_from_slice(b" >>");
    trailer
}

/// The array behind `/ID`, which the key of an encrypted document depends on.
fn identifier(bytes: &[u8]) -> Option<&[u8]> {
    /// Two strings of 16 bytes, with every byte escaped.
    const IDENTIFIER_BYTES_MAX: usize = 256;
    let mut from = 0;
    while let Some(at) = find(bytes, b"/ID", from) {
        from = at + 3;
        let value = bytes[from..].trim_ascii_start();
        let value = &value[..value.len().min(IDENTIFIER_BYTES_MAX)];
        if value.first() == Some(&b'[')
            && let Some(end) = find(value, b"]", 0)
        {
            return Some(&value[..=end]);
        }
    }
    None
}

fn table(objects: &Objects) -> String {
    let mut table = String::from("xref\n0 1\n0000000000 65535 f \n");
    for (number, (offset, generation)) in objects {
        writeln!(table, "{number} 1\n{offset:010} {generation:05} n ").expect("writing to a string does not fail");
    }
    table
}

/// First place of the needle at or behind `from`.
pub(super) fn find(haystack: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    memchr::memmem::find(haystack.get(from..)?, needle).map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_by_their_keyword() {
        let check = |bytes: &[u8], expected: &[(u32, usize, u16)]| {
            let found: Vec<_> =
                objects(bytes).into_iter().map(|(number, (at, generation))| (number, at, generation)).collect();
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(bytes));
        };
        check(b"1 0 obj\n<<>>\nendobj", &[(1, 0, 0)]);
        check(b"junk 12 3 obj", &[(12, 5, 3)]);
        check(b"1 0 obj endobj 1 0 obj", &[(1, 15, 0)]);
        check(b"obj", &[]);
        check(b"10 obj", &[]);
        check(b"99999999999 0 obj", &[]);
    }

    #[test]
    fn references_are_read_from_any_trailer() {
        let check = |bytes: &[u8], expected: Option<&str>| assert_eq!(reference(bytes, b"/Root").as_deref(), expected);
        check(b"/Root 1 0 R", Some("1 0 R"));
        check(b"<</Root 1 0 R/Info 2 0 R>> <</Root\n7 0 R>>", Some("7 0 R"));
        check(b"/Root null", None);
        check(b"/Root", None);
    }
}
