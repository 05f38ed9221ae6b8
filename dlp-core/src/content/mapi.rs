//! Properties of messages as one family of mail programs numbers them, wherever they are stored.

use super::decode::rtf_compressed;
use super::walk::{Step, Walk};
use super::{Input, Join, Origin, Part, Place, Relation, Role, Segment};

/// Kinds of values.
pub(super) const BYTE_TEXT: u16 = 0x001E;
pub(super) const WIDE_TEXT: u16 = 0x001F;
pub(super) const OBJECT: u16 = 0x000D;
pub(super) const BINARY: u16 = 0x0102;
/// The content of an attachment.
pub(super) const ATTACHED: u16 = 0x3701;
/// Names of an attachment, the best first.
pub(super) const ATTACHED_NAMES: [u16; 3] = [0x3707, 0x3704, 0x3001];
const BODY: u16 = 0x1000;
const BODY_RTF: u16 = 0x1009;
const BODY_HTML: u16 = 0x1013;
/// Names of properties that people know.
const NAMES: [(u16, &str); 16] = [
    (0x0037, "subject"),
    (0x0042, "sent-for"),
    (0x007D, "headers"),
    (0x0C1A, "sender"),
    (0x0C1F, "sender-address"),
    (0x0E02, "bcc"),
    (0x0E03, "cc"),
    (0x0E04, "to"),
    (0x0E1D, "normalized-subject"),
    (0x1000, "body"),
    (0x3001, "name"),
    (0x3003, "address"),
    (0x39FE, "smtp-address"),
    (0x3704, "file"),
    (0x3707, "file"),
    (0x5D01, "sender-smtp-address"),
];

/// Hands out a property that is text.
pub(super) fn text(walk: &mut Walk<'_>, number: u16, text: &str) -> Step {
    let name = NAMES.iter().find(|(known, _)| *known == number);
    let name = name.map_or_else(|| format!("property {number:04x}"), |(_, name)| (*name).to_owned());
    let labelled = format!("{name}: {text}");
    let (part, text) = match number {
        BODY => (Part::BODY, text),
        _ => (Part { role: Role::Property, name: &name }, labelled.as_str()),
    };
    walk.emit(&Segment { text: text.as_bytes(), part, place: Place::None, join: Join::Line, origin: Origin::None })
}

/// Whether a property is a body with its looks.
pub(super) fn is_body(number: u16, kind: u16) -> bool {
    matches!(number, BODY_RTF | BODY_HTML) && kind == BINARY
}

/// Walks a body with its looks: markup, or packed RTF.
pub(super) fn body(walk: &mut Walk<'_>, number: u16, bytes: &[u8]) -> Step {
    match number {
        BODY_HTML => walk.child("body.html", Relation::Embedded, Input::Bytes(bytes)),
        _ => match rtf_compressed(bytes) {
            Some(rtf) => walk.child("body.rtf", Relation::Embedded, Input::Bytes(&rtf)),
            None => walk.child("body.rtf", Relation::Embedded, Input::Bytes(bytes)),
        },
    }
}
