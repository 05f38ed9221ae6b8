//! Whether bytes are a message or a mailbox.

use super::header::{line_len, split, trim_end};
use std::ops::Range;

/// Fields that messages have. Two of them make a message, with nothing but fields before.
const FIELDS: [&str; 22] = [
    "bcc",
    "cc",
    "content-transfer-encoding",
    "content-type",
    "date",
    "delivered-to",
    "dkim-signature",
    "from",
    "in-reply-to",
    "message-id",
    "mime-version",
    "received",
    "references",
    "reply-to",
    "return-path",
    "sender",
    "subject",
    "to",
    "x-mailer",
    "x-mozilla-status",
    "x-originating-ip",
    "x-priority",
];
/// Lines that are looked at.
const LINES_MAX: usize = 200;
/// Digits of a length in front of a stored message.
const LENGTH_DIGITS_MAX: usize = 12;

/// Whether the bytes begin with the header of a message.
pub(in crate::content) fn is_message(head: &[u8]) -> bool {
    let head = &head[stored_range(head).start..];
    let mut known: Vec<&str> = Vec::new();
    let mut at = 0;
    for _ in 0..LINES_MAX {
        let len = line_len(&head[at..]);
        let line = trim_end(&head[at..at + len]);
        let is_folded = matches!(line.first(), Some(b' ' | b'\t')) && at > 0;
        match split(line) {
            _ if line.is_empty() => break,
            _ if is_folded => {}
            Some((name, _)) => {
                let field = FIELDS.iter().find(|field| name.eq_ignore_ascii_case(field.as_bytes()));
                known.extend(field.filter(|field| !known.contains(field)).into_iter().copied());
            }
            // A line of another kind ends the header too, but then more has to speak for it.
            None => return known.len() >= 3,
        }
        at += len;
    }
    known.len() >= 2
}

/// Whether the bytes begin with the line that separates the messages of a mailbox.
pub(in crate::content) fn is_mailbox(head: &[u8]) -> bool {
    let len = line_len(head);
    is_separator(trim_end(&head[..len])) && is_message(&head[len..])
}

/// A line such as `From jan@example.com Mon Jan  1 12:00:00 2024`.
pub(super) fn is_separator(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else { return false };
    let digits = rest.iter().filter(|byte| byte.is_ascii_digit()).count();
    rest.iter().filter(|byte| **byte == b' ').count() >= 2 && digits >= 4
}

/// Where the message lies, when the first line is its length.
pub(super) fn stored_range(bytes: &[u8]) -> Range<usize> {
    let len = line_len(&bytes[..bytes.len().min(2 * LENGTH_DIGITS_MAX)]);
    let line = bytes[..len].trim_ascii();
    let number = std::str::from_utf8(line).ok().filter(|_| line.len() <= LENGTH_DIGITS_MAX);
    match number.and_then(|number| number.parse::<usize>().ok()) {
        Some(message_len) => len..(len.saturating_add(message_len)).min(bytes.len()),
        None => 0..bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_by_their_fields() {
        let rows: [(&str, bool, bool); 14] = [
            ("From: a@b\nTo: c@d\n\nbody", true, false),
            ("from: a@b\r\nsubject: x\r\n\r\nbody", true, false),
            ("X-Any: x\n folded\nReceived: y\n\tfolded\nDate: z\n\n", true, false),
            ("120\nFrom: a@b\nTo: c@d\n\nbody", true, false),
            ("From a@b Mon Jan  1 12:00:00 2024\nFrom: a@b\nTo: c@d\n\nbody", false, true),
            ("From a@b Mon Jan  1 12:00:00 2024\nonly text", false, false),
            ("From here to there it is 20 km\nFrom: a\nTo: b\n", false, false),
            ("From: a\nand text", false, false),
            ("From: a\nTo: b\nand text", false, false),
            ("From: a\nTo: b\nSubject: c\nand text", true, false),
            ("key: value\nother: value\n", false, false),
            ("Subject: x\nSubject: y\n", false, false),
            ("", false, false),
            ("text", false, false),
        ];
        for (bytes, message, mailbox) in rows {
            assert_eq!((is_message(bytes.as_bytes()), is_mailbox(bytes.as_bytes())), (message, mailbox), "{bytes}");
        }
    }
}
