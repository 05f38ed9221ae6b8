//! gzip: members one behind the other, zero padding, and whatever stands behind them.

use super::budget::{Counted, Metered};
use super::walk::{Item, Step, Walk, with_reader};
use super::{Input, Join, Origin, Part, Place, Relation, Role, Segment};
use flate2::bufread::GzDecoder;
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};

/// File names: what the suffix of a packed file becomes.
const SUFFIXES: [(&str, &str); 2] = [(".gz", ""), (".tgz", ".tar")];
const BUFFER_BYTES: usize = 32 * 1024;

/// Walks a gzip stream: its content is one child.
pub(super) fn walk(walk: &mut Walk<'_>, item: Item<'_, '_>) -> Step {
    let header = GzDecoder::new(item.head);
    let text_of = |field: Option<&[u8]>| field.map(|bytes| super::names::decode(bytes, false).primary);
    let stored_name = text_of(header.header().and_then(|header| header.filename()));
    let comment = text_of(header.header().and_then(|header| header.comment()));
    if let Some(comment) = comment {
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
    let mut metered = Metered::new(Members::new(buffered), budget, &count);
    walk.child(name, Relation::Member, Input::Stream(&mut metered))?;
    if metered.is_cut() {
        return Ok(());
    }
    let Some(mut rest) = metered.into_inner().into_rest() else { return Ok(()) };
    if rest.fill_buf().is_ok_and(|bytes| !bytes.is_empty()) {
        walk.child("", Relation::Gap, Input::Stream(&mut rest))?;
    }
    Ok(())
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

/// The content of all members as one stream. Ends before bytes that are no member.
struct Members<R> {
    state: State<R>,
}

enum State<R> {
    Between(R),
    Inside(Box<GzDecoder<R>>),
    /// Moved out while the state changes; afterwards only on an error.
    Ended(Option<R>),
}

impl<R: BufRead> Members<R> {
    fn new(reader: R) -> Self {
        Self { state: State::Between(reader) }
    }

    /// The reader, when the members ended in order.
    fn into_rest(self) -> Option<R> {
        match self.state {
            State::Ended(rest) => rest,
            State::Between(reader) => Some(reader),
            State::Inside(_) => None,
        }
    }

    /// Steps over padding and opens the next member, if there is one.
    fn next_member(mut reader: R) -> io::Result<State<R>> {
        loop {
            let bytes = reader.fill_buf()?;
            let padding = bytes.iter().take_while(|byte| **byte == 0).count();
            match bytes.get(padding) {
                Some(0x1F) => {
                    reader.consume(padding);
                    return Ok(State::Inside(Box::new(GzDecoder::new(reader))));
                }
                Some(_) => return Ok(State::Ended(Some(reader))),
                None if bytes.is_empty() => return Ok(State::Ended(Some(reader))),
                None => reader.consume(padding),
            }
        }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        // Empty members are legal, so this goes on until bytes come; every round consumes a header at least.
        loop {
            match std::mem::replace(&mut self.state, State::Ended(None)) {
                State::Between(reader) => self.state = Self::next_member(reader)?,
                State::Ended(rest) => {
                    self.state = State::Ended(rest);
                    return Ok(0);
                }
                State::Inside(mut decoder) => match decoder.read(buf) {
                    Ok(0) => self.state = State::Between(decoder.into_inner()),
                    result => {
                        self.state = State::Inside(decoder);
                        return result;
                    }
                },
            }
        }
    }
}
