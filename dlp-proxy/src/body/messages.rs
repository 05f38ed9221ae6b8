//! Messages in envelopes, as gRPC for browsers and Connect send them in one body: a byte of flags, four of length, and then
//! the message, compressed if the flags say so.

use super::entity::{Declared, walk_entity};
use super::unpacked::{self, Window};
use super::walk::Walk;
use dlp_core::base::{Problem, ProblemClass};
use dlp_core::content::ReadSeek;
use std::io::{self, SeekFrom};

/// Flags and length.
const ENVELOPE_BYTES: u64 = 5;
/// Flag of a message that is compressed.
const COMPRESSED: u8 = 1;
/// Messages of one body.
const MESSAGES_MAX: u64 = 10_000;

/// Whether bodies of this type consist of messages.
pub(super) fn is_of_messages(media_type: &str) -> bool {
    media_type == "application/grpc" || is_text_of_messages(media_type) || {
        let starts = ["application/grpc+", "application/grpc-web", "application/connect+"];
        starts.iter().any(|start| media_type.starts_with(start))
    }
}

/// Whether they stand there in base 64.
pub(super) fn is_text_of_messages(media_type: &str) -> bool {
    media_type.starts_with("application/grpc-web-text")
}

/// Walks each message; the raw bytes are left to the caller, since a message need not be text.
pub(super) fn walk_messages(walk: &mut Walk<'_>, declared: &Declared, body: &mut dyn ReadSeek) {
    match walk_all(walk, declared, body) {
        Ok(None) => {}
        Ok(Some(problem)) => walk.problem(problem),
        Err(error) => walk.unreadable(&error),
    }
}

fn walk_all(walk: &mut Walk<'_>, declared: &Declared, body: &mut dyn ReadSeek) -> io::Result<Option<Problem>> {
    let end = unpacked::len_of(body)?;
    let (mut start, mut number) = (0, 0);
    while start < end && !walk.is_over() {
        if number == MESSAGES_MAX {
            let message = "The body has more messages than its bound; the rest was scanned raw.";
            return Ok(Some(Problem::limit("messages_max", MESSAGES_MAX, message)));
        }
        let Some((flags, message_end)) = envelope(body, start, end)? else {
            let message = "The body is not the messages that its type says; the raw bytes were scanned.";
            return Ok(Some(Problem::new(ProblemClass::Damaged, "messages", message)));
        };
        let coding = (flags & COMPRESSED != 0).then(|| declared.message_coding.clone());
        let inner = Declared { codings: coding.into_iter().collect(), ..Declared::default() };
        let mut message = Window::new(body, start + ENVELOPE_BYTES, message_end);
        walk.within(format!("message {number}"), |walk| walk_entity(walk, &inner, &mut message));
        (start, number) = (message_end, number + 1);
    }
    Ok(None)
}

/// Flags and end of the message that begins here; none when there is no such message.
fn envelope(body: &mut dyn ReadSeek, start: u64, end: u64) -> io::Result<Option<(u8, u64)>> {
    if end - start < ENVELOPE_BYTES {
        return Ok(None);
    }
    let mut envelope = [0; ENVELOPE_BYTES as usize];
    body.seek(SeekFrom::Start(start))?;
    body.read_exact(&mut envelope)?;
    let [flags, length @ ..] = envelope;
    let message_end = start + ENVELOPE_BYTES + u64::from(u32::from_be_bytes(length));
    Ok((message_end <= end).then_some((flags, message_end)))
}
