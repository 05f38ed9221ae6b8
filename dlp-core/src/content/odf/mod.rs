//! OpenDocument and its forerunner of StarOffice: packages of XML parts, or all of it in one XML file.
//!
//! Text, sheets and slides share their elements, so one reader takes them all. The styles that stand in front of a text
//! say what of it is hidden. Parts that no rule knows go through the generic reader; files inside are walked as
//! children.

mod prose;
mod styles;

use super::walk::{Break, Step, Walk, with_reader};
use super::xml::data::{Generic, Properties};
use super::zip::{self, Directory};
use super::{Input, ReadSeek, names, xml};
use prose::Prose;
use std::io::Read;

/// Bytes in which the root of a flat document starts.
const ROOT_BYTES: usize = 4 * 1024;

/// Whether a text is a document in one file.
pub(super) fn is_flat(head: &[u8]) -> bool {
    let head = &head[..head.len().min(ROOT_BYTES)];
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    let is_xml = text.starts_with(b"<?xml") || text.starts_with(b"<office:document");
    is_xml && memchr::memmem::find(text, b"<office:document").is_some()
}

/// Walks a document in one file.
pub(super) fn walk_flat(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    with_reader(input, |reader| visit_prose(walk, reader, ""))
}

/// Walks a package whose directory was read.
pub(super) fn walk(walk: &mut Walk<'_>, reader: &mut dyn ReadSeek, directory: &Directory) -> Step {
    let members = zip::members(walk, directory)?;
    if zip::has_encrypted_parts(walk, reader, &members)? {
        return zip::walk_members(walk, reader, directory, &members);
    }
    for member in &members {
        let path = names::decode(&member.entry.name, member.entry.is_utf8()).primary;
        if path.ends_with('/') {
            continue;
        }
        let step = match Route::of(&path) {
            Route::Embedded => zip::embedded(walk, reader, member),
            route => zip::with_part(walk, reader, member, |walk, content| route.visit(walk, content, &path)).map(drop),
        };
        // A broken part does not end the document: its trouble is reported and the next part is read.
        if step == Err(Break::Job) {
            return step;
        }
    }
    zip::uncovered(walk, reader, directory, &members)
}

/// How a part is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Prose,
    Properties,
    Generic,
    Embedded,
}

impl Route {
    fn of(path: &str) -> Self {
        let file = path.rsplit('/').next().unwrap_or_default();
        match file {
            "content.xml" | "styles.xml" => Self::Prose,
            "meta.xml" => Self::Properties,
            _ if path.starts_with("Basic/") || path.starts_with("Scripts/") => match file.rsplit_once('.') {
                Some((_, "xml" | "xlb" | "xdl")) => Self::Prose,
                _ => Self::Embedded,
            },
            _ if file.ends_with(".xml") || file.ends_with(".rdf") => Self::Generic,
            _ => Self::Embedded,
        }
    }

    fn visit(self, walk: &mut Walk<'_>, content: &mut dyn Read, path: &str) -> Step {
        match self {
            Self::Prose => visit_prose(walk, content, path),
            Self::Properties => xml::visit(walk, content, path, &mut Properties::default()),
            Self::Generic | Self::Embedded => xml::visit(walk, content, path, &mut Generic::new(path)),
        }
    }
}

fn visit_prose(walk: &mut Walk<'_>, content: &mut dyn Read, path: &str) -> Step {
    let mut prose = Prose::new(path);
    let step = xml::visit(walk, content, path, &mut prose);
    prose.finish(walk)?;
    step
}
