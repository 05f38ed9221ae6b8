//! gzip: members one behind the other, zero padding, and whatever stands behind them.

use super::budget::{Counted, Metered};
use super::frames::{self, Frames, Gzip};
use super::walk::{Item, Step, Walk, with_reader};
use super::{Join, Origin, Part, Place, Role, Segment};
use flate2::bufread::GzDecoder;
use std::cell::Cell;
use std::io::{BufReader, Read};

/// File names: what the suffix of a packed file becomes.
const SUFFIXES: [(&str, &str); 2] = [(".gz", ""), (".tgz", ".tar")];
const BUFFER_BYTES: usize = 32 * 1024;

/// Walks a gzip stream: its content is one child.
pub(super) fn walk(walk: &mut Walk<'_>, item: Item<'_, '_>) -> Step {
    let header = GzDecoder::new(item.head);
    let text_of = |field: Option<&[u8]>| field.map(|bytes| super::names::decode(bytes, false).primary);
    let stored_name = text_of(header.header().and_then(|header| header.filename()));
    let comment = text_of(header.header().and_then(|header| header.comment()));
    // Programs of their own keep what they want in the extra field.
    let extra = text_of(header.header().and_then(|header| header.extra()));
    for comment in [comment, extra].into_iter().flatten() {
        walk.emit(&Segment {
            text: comment.as_bytes(),
            part: Part { role: Role::ArchiveComment, name: "" },
            place: Place::None,
            join: Join::Line,
            origin: Origin::None,
        })?;
    }
    let name = stored_name.filter(|name| !name.is_empty()).unwrap_or_else(|| inner_name(item.name, &SUFFIXES));
    with_reader(item.input, |reader| members(walk, &name, reader))
}

fn members(walk: &mut Walk<'_>, name: &str, reader: &mut dyn Read) -> Step {
    let (budget, count) = (walk.budget, Cell::new(0));
    let buffered = BufReader::with_capacity(BUFFER_BYTES, Counted::new(reader, &count));
    frames::walk(walk, name, Metered::new(Frames::<_, Gzip>::new(buffered), budget, &count))
}

/// The name of the content: `file.txt.gz` holds `file.txt`.
pub(super) fn inner_name(name: &str, suffixes: &[(&str, &str)]) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let lower = base.to_ascii_lowercase();
    let stripped = |suffix: &str, instead: &str| {
        lower.ends_with(suffix).then(|| format!("{}{instead}", &base[..base.len() - suffix.len()]))
    };
    let inner = suffixes.iter().find_map(|(suffix, instead)| stripped(suffix, instead));
    inner.unwrap_or_else(|| base.to_owned())
}
