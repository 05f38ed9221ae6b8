//! The header of a part: field lines, their parameters, and the names they give.

use super::super::form::percent_decoded;
use super::transfer;

/// Fields that describe a part and carry nothing of its sender.
const STRUCTURAL: [&str; 5] =
    ["content-disposition", "content-type", "content-transfer-encoding", "content-encoding", "content-length"];

/// The header of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct PartHead {
    /// Names in lower case and values, in order.
    pub(in super::super) fields: Vec<(String, String)>,
    /// Name of the form field.
    pub(in super::super) name: Option<String>,
    /// File names that receivers may read, the most authoritative last.
    pub(in super::super) file_names: Vec<String>,
    /// The header did not end within its bound.
    pub(in super::super) is_cut: bool,
}

impl PartHead {
    /// Reads a header off the first bytes of a part, and says where its content starts. Without an empty line the part
    /// is all content.
    pub(in super::super) fn read(first: &[u8], is_whole: bool) -> (Self, u64) {
        let Some((block_end, body_start)) = block_of(first) else {
            return (Self { is_cut: !is_whole, ..Self::default() }, 0);
        };
        let fields = fields_of(&String::from_utf8_lossy(&first[..block_end]));
        let mut head = Self { fields, ..Self::default() };
        let disposition = head.value("content-disposition").unwrap_or("").to_owned();
        let content_type = head.value("content-type").unwrap_or("").to_owned();
        head.name = parameter(&disposition, "name").map(|name| unescaped_by_browser(&name));
        head.file_names = parameter(&content_type, "name").into_iter().collect();
        head.file_names.extend(file_names(&disposition));
        (head, body_start as u64)
    }

    /// The first value of a field.
    pub(in super::super) fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// How the part is called in the path of a finding.
    pub(super) fn label(&self, number: usize) -> String {
        let mut label = "part".to_owned();
        match &self.name {
            Some(name) => label.push_str(&format!(" \"{}\"", shown(name))),
            None if self.file_names.is_empty() => label.push_str(&format!(" {number}")),
            None => {}
        }
        if let Some(name) = self.file_names.last() {
            label.push_str(&format!(" {}", shown(name)));
        }
        label
    }

    /// Text of the header that a sender chooses: names, and fields that are not structure.
    pub(super) fn text(&self) -> String {
        let mut lines: Vec<String> = self.name.iter().chain(&self.file_names).cloned().collect();
        lines.dedup();
        let free = self.fields.iter().filter(|(name, _)| !STRUCTURAL.contains(&name.as_str()));
        lines.extend(free.map(|(name, value)| format!("{name}: {value}")));
        lines.join("\n")
    }
}

/// End of the header block and start of the content behind the empty line.
fn block_of(first: &[u8]) -> Option<(usize, usize)> {
    match first {
        [b'\r', b'\n', ..] => return Some((0, 2)),
        [b'\n', ..] => return Some((0, 1)),
        _ => {}
    }
    memchr::memchr_iter(b'\n', first).find_map(|at| match &first[at + 1..] {
        [b'\r', b'\n', ..] => Some((at + 1, at + 3)),
        [b'\n', ..] => Some((at + 1, at + 2)),
        _ => None,
    })
}

/// Field lines, with folded ones joined. A line without a colon is kept as a value without a name.
fn fields_of(block: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in block.lines() {
        match (line.starts_with([' ', '\t']), fields.last_mut()) {
            (true, Some((_, value))) => {
                value.push(' ');
                value.push_str(line.trim());
            }
            _ => {
                let (name, value) = line.split_once(':').unwrap_or(("", line));
                fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
    }
    fields
}

/// All file names in a `Content-Disposition` value: `filename`, then `filename*` (RFC 8187), which wins.
pub(in super::super) fn file_names(disposition: &str) -> Vec<String> {
    let mut names = Vec::new();
    let parameters = parameters(disposition);
    for (key, value) in &parameters {
        if key == "filename" {
            names.push(unescaped_by_browser(&transfer::decode_words(value)));
        }
    }
    names.extend(continued(&parameters));
    for (key, value) in &parameters {
        if key == "filename*" {
            names.push(extended_value(value));
        }
    }
    names.retain(|name| !name.is_empty());
    names.dedup();
    names
}

/// `filename*0="a"; filename*1="b"` (RFC 2231), joined by number.
fn continued(parameters: &[(String, String)]) -> Option<String> {
    let mut pieces: Vec<(u32, String)> = Vec::new();
    for (key, value) in parameters {
        let Some(rest) = key.strip_prefix("filename*") else { continue };
        let number = rest.strip_suffix('*').unwrap_or(rest);
        if let Ok(number) = number.parse() {
            let text = if rest.ends_with('*') { extended_value(value) } else { value.clone() };
            pieces.push((number, text));
        }
    }
    pieces.sort_by_key(|(number, _)| *number);
    (!pieces.is_empty()).then(|| pieces.into_iter().map(|(_, text)| text).collect())
}

/// `charset'language'percent-encoded`; without the two quotes all of it is text.
fn extended_value(value: &str) -> String {
    let mut fields = value.splitn(3, '\'');
    let (charset, text) = match (fields.next(), fields.next(), fields.next()) {
        (Some(charset), Some(_), Some(text)) => (charset, text),
        _ => ("utf-8", value),
    };
    let bytes = percent_decoded(text.as_bytes());
    match std::str::from_utf8(&bytes) {
        Ok(text) if !charset.eq_ignore_ascii_case("iso-8859-1") => text.to_owned(),
        _ => bytes.iter().copied().map(char::from).collect(),
    }
}

/// Browsers write quotes and line ends in names as percent escapes, and nothing else.
fn unescaped_by_browser(name: &str) -> String {
    name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

/// One parameter of a header value.
pub(super) fn parameter(value: &str, wanted: &str) -> Option<String> {
    parameters(value).into_iter().find(|(key, _)| key == wanted).map(|(_, value)| value)
}

/// Parameters of a header value, keys in lower case. Quoted strings may hold semicolons.
fn parameters(value: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = value.split_once(';').map_or("", |(_, rest)| rest);
    while !rest.trim_start().is_empty() {
        let (key, behind) = match rest.find(['=', ';']) {
            Some(at) if rest.as_bytes()[at] == b'=' => (&rest[..at], &rest[at + 1..]),
            Some(at) => {
                rest = &rest[at + 1..];
                continue;
            }
            None => break,
        };
        let (text, tail) = parameter_value(behind.trim_start());
        found.push((key.trim().to_ascii_lowercase(), text));
        rest = tail.split_once(';').map_or("", |(_, tail)| tail);
    }
    found
}

/// A token or a quoted string, and what follows it.
fn parameter_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim().to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => match characters.clone().next() {
                // Old browsers send paths with bare backslashes, so only what needs an escape is unescaped.
                Some((_, next @ ('"' | '\\'))) => {
                    characters.next();
                    value.push(next);
                }
                _ => value.push(character),
            },
            _ => value.push(character),
        }
    }
    (value, "")
}

/// A name as it may stand in a path: without control characters, and not too long.
fn shown(name: &str) -> String {
    name.chars().take(120).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_decoded() {
        let rows: [(&str, &[&str]); 12] = [
            ("form-data; name=\"f\"; filename=\"a b.txt\"", &["a b.txt"]),
            ("form-data; filename=plain.txt; name=f", &["plain.txt"]),
            ("attachment; filename=\"e.txt\"; filename*=UTF-8''%e2%82%ac.txt", &["e.txt", "€.txt"]),
            ("attachment; filename*=iso-8859-1'en'%A3.txt", &["£.txt"]),
            ("form-data; filename=\"a%22b\"", &["a\"b"]),
            ("form-data; filename=\"a\\\"b; c\"", &["a\"b; c"]),
            ("form-data; filename=\"C:\\dir\\x.txt\"", &["C:\\dir\\x.txt"]),
            ("attachment; filename*0=\"long-\"; filename*1=\"name.txt\"", &["long-name.txt"]),
            ("attachment; filename=\"=?UTF-8?B?xbx1cmF3LnR4dA==?=\"", &["żuraw.txt"]),
            ("attachment; FileName = x ; y", &["x"]),
            ("form-data; name=\"filename=x\"", &[]),
            ("", &[]),
        ];
        for (value, expected) in rows {
            assert_eq!(file_names(value), expected, "{value}");
        }
    }

    #[test]
    fn headers_end_at_the_empty_line() {
        let rows: [(&str, u64, usize); 7] = [
            ("A: 1\r\nB: 2\r\n\r\nbody", 14, 2),
            ("A: 1\nB: 2\n\nbody", 11, 2),
            ("A: 1\r\n folded\r\n\r\n", 17, 1),
            ("\r\nbody", 2, 0),
            ("\nbody", 1, 0),
            ("no header at all", 0, 0),
            ("", 0, 0),
        ];
        for (first, start, count) in rows {
            let (head, body_start) = PartHead::read(first.as_bytes(), true);
            assert_eq!((body_start, head.fields.len()), (start, count), "{first:?}");
        }
        assert!(PartHead::read(b"A: 1\r\n", false).0.is_cut);
    }

    #[test]
    fn labels_name_the_part() {
        let rows = [
            ("Content-Disposition: form-data; name=\"file\"; filename=\"report.zip\"\n\n", "part \"file\" report.zip"),
            ("Content-Disposition: form-data; name=\"note\"\n\n", "part \"note\""),
            ("Content-Disposition: attachment; filename=a.txt\n\n", "part a.txt"),
            ("Content-Type: text/plain; name=b.txt\n\n", "part b.txt"),
            ("\n", "part 5"),
        ];
        for (first, expected) in rows {
            assert_eq!(PartHead::read(first.as_bytes(), true).0.label(5), expected);
        }
    }
}
