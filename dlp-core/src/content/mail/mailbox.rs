//! Mailboxes: messages behind lines that start with `From `.
//!
//! They are read one message after the other, so a mailbox may be larger than memory; a single message may not.

use super::header::{line_len, trim_end};
use super::sniff::is_separator;
use crate::base::Problem;
use crate::content::walk::{Step, Walk, with_reader};
use crate::content::{Input, Join, Origin, Part, Place, Relation, Role, Segment};
use std::io::Read;

/// Bytes that are read at once.
const CHUNK_BYTES: u64 = 256 * 1024;
/// Longest line that separates messages.
const SEPARATOR_BYTES_MAX: usize = 1024;

/// Walks every message as a child.
pub(in crate::content) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    with_reader(input, |reader| messages(walk, reader))
}

fn messages(walk: &mut Walk<'_>, reader: &mut dyn Read) -> Step {
    let mut open = Vec::new();
    let mut searched = 0;
    let mut mailbox = Mailbox::default();
    loop {
        let result = (&mut *reader).take(CHUNK_BYTES).read_to_end(&mut open);
        let is_last = !matches!(result, Ok(len) if len > 0);
        while let Some(end) = next_message(&open, searched, is_last) {
            mailbox.message(walk, &open[..end])?;
            open.drain(..end);
            searched = 0;
        }
        // A separator that is not complete is looked for again.
        searched = open.len().saturating_sub(SEPARATOR_BYTES_MAX);
        if open.len() as u64 > walk.budget.room_to_hold() {
            let held_bytes_max = walk.budget.limits.held_bytes_max;
            let message = "a message is larger than what may be held; it was read in pieces";
            walk.problem(Problem::limit("held_bytes_max", held_bytes_max, message));
            mailbox.message(walk, &std::mem::take(&mut open))?;
            searched = 0;
        }
        if is_last {
            let step = if open.is_empty() { Ok(()) } else { mailbox.message(walk, &open) };
            return match result {
                Err(error) => step.and(Err(walk.read_failed(&error))),
                Ok(_) => step,
            };
        }
    }
}

/// Where the second message of these bytes starts.
fn next_message(bytes: &[u8], from: usize, is_last: bool) -> Option<usize> {
    let starts = memchr::memmem::find_iter(&bytes[from..], b"\nFrom ").map(|at| from + at + 1);
    starts.into_iter().find(|start| {
        let len = line_len(&bytes[*start..]);
        let is_whole = is_last || *start + len < bytes.len();
        let blank_before = bytes[..*start].ends_with(b"\n\n") || bytes[..*start].ends_with(b"\n\r\n");
        is_whole && blank_before && is_separator(trim_end(&bytes[*start..*start + len]))
    })
}

/// Numbers the messages.
#[derive(Default)]
struct Mailbox {
    messages: u64,
    offset: u64,
}

impl Mailbox {
    fn message(&mut self, walk: &mut Walk<'_>, bytes: &[u8]) -> Step {
        self.messages += 1;
        let separator = if bytes.starts_with(b"From ") { line_len(bytes) } else { 0 };
        let part = Part { role: Role::Property, name: "separator" };
        let (text, origin) = (&bytes[..separator], Origin::Bytes(self.offset));
        walk.emit(&Segment { text, part, place: Place::None, join: Join::Line, origin })?;
        self.offset += bytes.len() as u64;
        let name = format!("message {}", self.messages);
        walk.child(&name, Relation::Member, Input::Bytes(&bytes[separator..]))
    }
}
