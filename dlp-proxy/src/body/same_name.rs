//! Values of one name in JSON, put together: the messages of a conversation, the lines of a comment.
//!
//! Whoever receives them reads them one behind the other, so a value may begin in one and end in the next. Of each name the
//! texts are put together as they are and with a blank between them; of a long one its beginning and its end, since what lies
//! within was inspected with the rest. As with pieces of a form, only findings that are sure count.

use super::fields::{Field, Fields};
use super::json;
use super::walk::{View, Walk};
use dlp_core::base::Cancel;
use dlp_core::content::{Input, ReadSeek};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufReader, Read, SeekFrom};

/// Names of which something is known at a time. Where there are more, one takes the place of that which came last the
/// longest ago.
const NAMES_MAX: usize = 64;
/// Bytes of a text that may belong to what stands in the one before or after it: those of the longest value that people write.
const EDGE_BYTES: usize = 128;
/// Bytes of a name that are inspected together.
const LINE_BYTES: usize = 1024;

/// Inspects what the values of each name are together.
pub(super) fn walk_same_names(walk: &mut Walk<'_>, body: &mut dyn ReadSeek) -> io::Result<()> {
    body.seek(SeekFrom::Start(0))?;
    let fields = json::open(Box::new(BufReader::new(body)), walk.setup.limits);
    let mut text = JoinedText::new(fields, walk.setup.cancel);
    walk.within("values of one name, joined".to_owned(), |walk| {
        walk.examine("", Input::Stream(&mut text), View::Joined { of_digits: false });
    });
    Ok(())
}

/// What the values of one name are together.
#[derive(Clone, Debug, Default)]
struct Name {
    name: String,
    hash: u64,
    /// Number of the field that had it last.
    last: u64,
    values: usize,
    joined: Vec<u8>,
    spaced: Vec<u8>,
}

/// The text of all names, a line for each that is full.
struct JoinedText<'f> {
    fields: Option<Box<dyn Fields + 'f>>,
    names: Vec<Name>,
    hasher: RandomState,
    /// Number of texts so far.
    count: u64,
    text: Vec<u8>,
    taken: usize,
    cancel: &'f Cancel,
}

impl<'f> JoinedText<'f> {
    fn new(fields: Box<dyn Fields + 'f>, cancel: &'f Cancel) -> Self {
        let names = vec![Name::default(); NAMES_MAX];
        Self { fields: Some(fields), names, hasher: RandomState::new(), count: 0, text: Vec::new(), taken: 0, cancel }
    }

    /// Fills the buffer; empty at the end.
    fn refill(&mut self) {
        self.text.clear();
        self.taken = 0;
        while self.text.is_empty() && !self.cancel.is_tripped() {
            let Some(fields) = &mut self.fields else { return };
            // How the fields end is told by those who read them for themselves.
            match fields.next_field() {
                Ok(Some(field)) if field.is_text => self.push(&field),
                Ok(Some(_number)) => {}
                Ok(None) | Err(_) => {
                    self.fields = None;
                    let Self { names, text, .. } = self;
                    names.iter_mut().for_each(|name| name.end(text));
                }
            }
        }
    }

    fn push(&mut self, field: &Field) {
        let at = self.place_of(&field.label);
        let (name, text) = (&mut self.names[at], &mut self.text);
        name.values += usize::from(field.is_first);
        let value = &field.value;
        if field.is_first && field.is_last && value.len() <= 2 * EDGE_BYTES {
            return name.add(value, true, text);
        }
        if field.is_first {
            name.add(&value[..value.len().min(EDGE_BYTES)], true, text);
        }
        name.line(text, 0);
        name.add(&value[value.len().saturating_sub(EDGE_BYTES)..], false, text);
    }

    /// The place of a name, where that of another one ends if need be.
    fn place_of(&mut self, label: &str) -> usize {
        let hash = self.hasher.hash_one(label);
        let known = self.names.iter().position(|name| name.hash == hash && name.name == label);
        let oldest = || (0..NAMES_MAX).min_by_key(|at| self.names[*at].last).unwrap_or(0);
        let at = known.unwrap_or_else(oldest);
        let name = &mut self.names[at];
        if known.is_none() {
            name.end(&mut self.text);
            label.clone_into(&mut name.name);
            name.hash = hash;
        }
        self.count += 1;
        name.last = self.count;
        at
    }
}

impl Name {
    fn add(&mut self, piece: &[u8], is_apart: bool, text: &mut Vec<u8>) {
        self.joined.extend_from_slice(piece);
        if is_apart && !self.spaced.is_empty() {
            self.spaced.push(b' ');
        }
        self.spaced.extend_from_slice(piece);
        if self.spaced.len() > LINE_BYTES {
            self.line(text, EDGE_BYTES);
        }
    }

    /// Gives what has come, but for so many bytes that are kept. One value alone was inspected already, and nothing is found
    /// with certainty that is without a digit.
    fn line(&mut self, text: &mut Vec<u8>, kept: usize) {
        for view in [&mut self.joined, &mut self.spaced] {
            if self.values > 1 && view.iter().any(u8::is_ascii_digit) {
                text.extend_from_slice(view);
                text.push(b'\n');
            }
            view.drain(..view.len().saturating_sub(kept));
        }
    }

    fn end(&mut self, text: &mut Vec<u8>) {
        self.line(text, 0);
        self.values = 0;
    }
}

impl Read for JoinedText<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.text.len() {
            self.refill();
        }
        let len = (&self.text[self.taken..]).read(buffer)?;
        self.taken += len;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::BodyLimits;

    fn lines(json: &str) -> Vec<String> {
        let (limits, cancel) = (BodyLimits::default(), Cancel::default());
        let fields = json::open(Box::new(json.as_bytes()), &limits);
        let mut text = String::new();
        JoinedText::new(fields, &cancel).read_to_string(&mut text).unwrap();
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    #[test]
    fn values_of_one_name_are_lines() {
        let long = "x".repeat(300);
        let edge = "x".repeat(EDGE_BYTES);
        let rows: [(String, Vec<String>); 5] = [
            (r#"[{"a":"12","b":"u"},{"a":"34","b":"v"}]"#.to_owned(), vec!["12 34".into(), "1234".into()]),
            (r#"{"a":"12","b":"34"}"#.to_owned(), vec![]),
            (r#"[{"a":"one"},{"a":"two"}]"#.to_owned(), vec![]),
            (r#"[{"a":12},{"a":34}]"#.to_owned(), vec![]),
            (
                format!(r#"[{{"a":"1{long}2"}},{{"a":"3"}}]"#),
                vec![format!("{}2 3", &edge[1..]), format!("{}23", &edge[1..])],
            ),
        ];
        for (json, expected) in rows {
            assert_eq!(lines(&json), expected, "{json}");
        }
    }

    #[test]
    fn as_many_names_as_there_is_room_for_are_told_apart() {
        // What a record holds together is a text without a name.
        const NAMED: usize = NAMES_MAX - 1;
        let record = |value: usize| {
            let fields: Vec<_> = (0..NAMED).map(|name| format!("\"n{name}\":\"{value}{name:02}\"")).collect();
            format!("{{{}}}", fields.join(","))
        };
        let lines = lines(&format!("[{},{}]", record(1), record(2)));
        for name in 0..NAMED {
            assert!(lines.contains(&format!("1{name:02} 2{name:02}")), "{name}");
        }
    }

    #[test]
    fn long_rows_are_cut_where_they_overlap() {
        let values: Vec<_> = (0..500).map(|number| format!("\"v{number:03}\"")).collect();
        let lines = lines(&format!("{{\"a\":[{}]}}", values.join(",")));
        assert!(lines.iter().all(|line| line.len() <= LINE_BYTES + EDGE_BYTES));
        for number in 0..499 {
            let (now, next) = (format!("v{number:03}"), format!("v{:03}", number + 1));
            for pair in [format!("{now}{next}"), format!("{now} {next}")] {
                assert!(lines.iter().any(|line| line.contains(&pair)), "{pair}");
            }
        }
    }
}
