//! Decodes request bodies and hands every part to the inspector.
//!
//! ```text
//! spooled body -> aws-chunked -> content codings -> multipart | JSON | XML | form | push | whole -> parts -> inspector
//! ```
//!
//! In comes the request head and a seekable copy of the body as the client sent it; out go findings with the path of
//! the part they stand in, problems, and one [`BodyReport`]. Layers that change bytes write into a spool, so that the
//! layer below can seek and memory stays bounded; layers that only cut (multipart) read ranges of it. The structured
//! view always leaves something to fall back to: when a format is broken, or the declared type lies, the raw bytes
//! are inspected too, and findings that both views see are reported once.
//!
//! The forwarded bytes are the business of others: nothing here changes the body. What a file *is* (archive, document,
//! text) is told by the inspector from its content.

mod chunked;
mod coding;
mod entity;
mod field_index;
mod fields;
mod form;
mod git;
mod head;
mod joined;
mod json;
mod limits;
mod messages;
mod multipart;
mod nested;
pub(crate) mod pieces;
mod report;
mod same_name;
mod unpacked;
mod walk;
mod xml;

pub(crate) use form::form_decoded;
pub(crate) use head::NAME_DIGITS_MIN;
pub use head::{decoded_path, inspect_head, inspect_host};
pub use limits::BodyLimits;
pub use report::{BodyReport, Opaque};

use dlp_core::base::Cancel;
use dlp_core::content::{Input, Observer, ReadSeek};
use dlp_core::inspect::{Inspected, Inspector, Job};
use dlp_core::matching::Scratch;
use http::HeaderMap;

/// What body decoding needs besides the body.
pub struct BodySetup<'a> {
    /// Inspects one part; a [`PartInspector`] in production.
    pub examiner: &'a mut dyn Examine,
    /// Bounds of the decoding.
    pub limits: &'a BodyLimits,
    /// Stops the work from outside.
    pub cancel: &'a Cancel,
}

impl BodySetup<'_> {
    /// The same setup for one more call.
    pub fn reborrowed(&mut self) -> BodySetup<'_> {
        BodySetup { examiner: &mut *self.examiner, limits: self.limits, cancel: self.cancel }
    }
}

/// Inspects the content of one part. The seam between decoding and inspection.
pub trait Examine {
    /// Inspects one input; see [`Inspector::inspect`].
    fn examine(&mut self, job: Job<'_>, observer: &mut dyn Observer) -> Inspected;
}

/// The inspector with the memory of the thread that it runs on.
pub struct PartInspector<'a> {
    /// Detectors and bounds.
    pub inspector: &'a Inspector,
    /// Memory that is reused from part to part.
    pub scratch: &'a mut Scratch,
}

impl Examine for PartInspector<'_> {
    fn examine(&mut self, job: Job<'_>, observer: &mut dyn Observer) -> Inspected {
        self.inspector.inspect(self.scratch, job, observer)
    }
}

/// Whether a body with this head and these first bytes is one piece that can be inspected from front to back: no coding,
/// no framing of its own, none of the formats with parts or fields.
#[must_use]
pub fn is_one_piece(head: &HeaderMap, first: &[u8]) -> bool {
    entity::Declared::of_request(head).is_one_piece(first)
}

/// Inspects a request body of one piece while it passes by; see [`is_one_piece`].
pub fn inspect_passing(
    head: &HeaderMap,
    body: &mut dyn std::io::Read,
    mut setup: BodySetup<'_>,
    observer: &mut dyn Observer,
) -> BodyReport {
    let mut walk = walk::Walk::new(setup.reborrowed(), observer);
    let name = entity::Declared::of_request(head).name;
    walk.examine(&name, Input::Stream(body), walk::View::Plain);
    walk.finish()
}

/// Inspects a request body. `head` is the request's header; `body` the bytes as sent, without transfer framing.
///
/// Broken input is no error: what can be read is inspected, and the report says what was not.
pub fn inspect(
    head: &HeaderMap,
    body: &mut dyn ReadSeek,
    mut setup: BodySetup<'_>,
    observer: &mut dyn Observer,
) -> BodyReport {
    let mut walk = walk::Walk::new(setup.reborrowed(), observer);
    entity::walk_entity(&mut walk, &entity::Declared::of_request(head), body);
    walk.finish()
}
