//! Packs of git, alone or in a bundle: every object, whole where it tells the place of its base in the pack.
//!
//! Objects stand behind each other, each packed on its own, so no index is needed. Most are differences to an object in
//! front of them; those are put together, as long as what they lead to may be held in memory. Differences that name
//! their base by its sum instead of its place are not put together, wherever that base is: what they add is read, and
//! it is said that the rest was not. Objects have no names here: their names are in trees, which are objects themselves
//! and scanned.

mod delta;

use super::budget::{Held, Metered};
use super::walk::{Step, Walk};
use super::{Input, Join, Origin, Part, Place, Relation, Role, Segment, plain};
use crate::base::bytes::u32_be;
use crate::base::{Problem, ProblemClass};
use delta::Fault;
use flate2::bufread::ZlibDecoder;
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::rc::Rc;

const MARK: &[u8] = b"PACK";
const HEAD_BYTES: usize = 12;
/// Behind the objects stands their sum.
const SUM_BYTES: usize = 20;
/// Kinds of objects: four that are whole, and differences to one by its place or by its sum.
const KINDS: [(u8, &str); 4] = [(1, "commit"), (2, "tree"), (3, "blob"), (4, "tag")];
const BY_PLACE: u8 = 6;
const BY_SUM: u8 = 7;

/// Walks a pack.
pub(super) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    walk.with_held(input, |walk, bytes| pack(walk, bytes, 0))
}

/// Walks a bundle: lines that say what it holds, then a pack.
pub(super) fn walk_bundle(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    walk.with_held(input, |walk, bytes| {
        let Some(end) = memchr::memmem::find(bytes, b"\n\nPACK") else {
            walk.bad_structure("the bundle holds no pack; its bytes were scanned");
            return plain::raw(walk, Input::Bytes(bytes));
        };
        let start = end + 2;
        let (part, origin) = (Part { role: Role::Property, name: "references" }, Origin::Bytes(0));
        walk.emit(&Segment { text: &bytes[..start], part, place: Place::None, join: Join::Line, origin })?;
        pack(walk, bytes, start)
    })
}

fn pack(walk: &mut Walk<'_>, bytes: &[u8], start: usize) -> Step {
    let count = u32_be(bytes, start + 8);
    let (Some(count), Some(2 | 3)) = (count, u32_be(bytes, start + MARK.len())) else {
        walk.bad_structure("the head of the pack is broken; its bytes were scanned");
        return plain::raw_at(walk, &bytes[start.min(bytes.len())..], start as u64);
    };
    let mut pack =
        Pack { bytes, known: HashMap::new(), known_bytes: 0, forgotten: HashSet::new(), said: HashSet::new() };
    let (mut at, mut read) = (start + HEAD_BYTES, 0);
    while read < count {
        walk.check_budget()?;
        let Some(next) = pack.object(walk, at)? else { break };
        (at, read) = (next, read + 1);
    }
    if read < count {
        walk.bad_structure("an object of the pack is broken; what stands behind it was scanned as raw bytes");
        return plain::raw_at(walk, &bytes[at..], at as u64);
    }
    let behind = bytes.get(at + SUM_BYTES..).unwrap_or_default();
    if behind.is_empty() { Ok(()) } else { walk.child("", Relation::Gap, Input::Bytes(behind)) }
}

struct Pack<'d, 'b> {
    bytes: &'d [u8],
    /// Objects that others may lead to, by their place.
    known: HashMap<usize, Known<'b>>,
    known_bytes: u64,
    /// Places of objects for which there was no room.
    forgotten: HashSet<usize>,
    /// Why differences were not put together, each said once.
    said: HashSet<Lack>,
}

#[derive(Clone)]
struct Known<'b> {
    name: &'static str,
    content: Rc<Content<'b>>,
}

/// The content of an object, which counts as held for as long as it is.
struct Content<'b> {
    bytes: Vec<u8>,
    _held: Held<'b>,
}

/// Why a difference is not put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Lack {
    Elsewhere,
    Room,
    Broken,
}

/// Where an object's content comes from.
enum Base {
    None(&'static str),
    At(Option<usize>),
    Elsewhere,
}

impl<'b> Pack<'_, 'b> {
    /// Walks the object at a place, and tells where the next one starts.
    fn object(&mut self, walk: &mut Walk<'b>, at: usize) -> Step<Option<usize>> {
        let Some((base, start)) = self.head(at) else { return Ok(None) };
        let Some((bytes, packed_bytes)) = self.unpack(walk, start)? else { return Ok(None) };
        let content = Content { _held: walk.budget.hold(bytes.len() as u64), bytes };
        let whole = match base {
            Base::None(name) => Ok(Known { name, content: Rc::new(content) }),
            Base::At(place) => match self.whole(walk, place, &content.bytes) {
                Ok(whole) => {
                    let bytes = whole.content.bytes.len() as u64;
                    walk.budget.charge_inflated(bytes).map_err(|hit| walk.limit(hit))?;
                    Ok(whole)
                }
                Err(lack) => Err((lack, content)),
            },
            Base::Elsewhere => Err((Lack::Elsewhere, content)),
        };
        match whole {
            Ok(whole) => self.give(walk, at, whole)?,
            Err((lack, difference)) => {
                if lack == Lack::Room {
                    self.forgotten.insert(at);
                }
                self.added(walk, lack, &difference.bytes)?;
            }
        }
        Ok(Some(start + packed_bytes))
    }

    /// Puts the object together that differs so from the one at a place.
    fn whole(&self, walk: &Walk<'b>, place: Option<usize>, difference: &[u8]) -> Result<Known<'b>, Lack> {
        let place = place.ok_or(Lack::Broken)?;
        let Some(base) = self.known.get(&place) else {
            return Err(if self.forgotten.contains(&place) { Lack::Room } else { Lack::Broken });
        };
        let bytes = delta::apply(&base.content.bytes, difference, walk.budget.room_to_hold());
        let bytes = bytes.map_err(|fault| if fault == Fault::Large { Lack::Room } else { Lack::Broken })?;
        let content = Content { _held: walk.budget.hold(bytes.len() as u64), bytes };
        Ok(Known { name: base.name, content: Rc::new(content) })
    }

    /// Kind and base of an object, and where its packed content starts.
    fn head(&self, at: usize) -> Option<(Base, usize)> {
        let mut rest = at;
        let mut next = || {
            rest += 1;
            self.bytes.get(rest - 1).copied()
        };
        let first = next()?;
        let mut byte = first;
        while byte & 0x80 != 0 {
            byte = next()?;
        }
        let base = match first >> 4 & 7 {
            BY_SUM => {
                (0..SUM_BYTES).try_for_each(|_| next().map(|_| ()))?;
                Base::Elsewhere
            }
            BY_PLACE => {
                let mut byte = next()?;
                let mut distance = usize::from(byte & 0x7F);
                while byte & 0x80 != 0 {
                    byte = next()?;
                    distance = distance.checked_add(1)?.checked_mul(128)? | usize::from(byte & 0x7F);
                }
                Base::At(at.checked_sub(distance))
            }
            kind => Base::None(KINDS.iter().find(|(known, _)| *known == kind)?.1),
        };
        Some((base, rest))
    }

    /// The content of an object and how many bytes it takes packed; nothing where it is broken.
    fn unpack(&self, walk: &mut Walk<'_>, start: usize) -> Step<Option<(Vec<u8>, usize)>> {
        let packed = self.bytes.get(start..).unwrap_or_default();
        let (budget, count, mut content) = (walk.budget, Cell::new(packed.len() as u64), Vec::new());
        let room = budget.room_to_hold();
        let mut metered = Metered::new(ZlibDecoder::new(packed), budget, &count).take(room);
        if metered.read_to_end(&mut content).is_err() {
            walk.check_budget()?;
            return Ok(None);
        }
        if metered.limit() == 0 {
            let message = "an object is larger than what may be held in memory; its beginning was read";
            walk.problem(Problem::limit("held_bytes_max", budget.limits.held_bytes_max, message));
            // The rest is unpacked to learn where it ends.
            let mut rest = metered.into_inner();
            if std::io::copy(&mut rest, &mut std::io::sink()).is_err() {
                walk.check_budget()?;
                return Ok(None);
            }
            let packed_bytes = rest.into_inner().total_in();
            return Ok(usize::try_from(packed_bytes).ok().map(|packed_bytes| (content, packed_bytes)));
        }
        let packed_bytes = metered.into_inner().into_inner().total_in();
        Ok(usize::try_from(packed_bytes).ok().map(|packed_bytes| (content, packed_bytes)))
    }

    /// Walks a whole object, and keeps it for differences to it, as long as that leaves room for what is in others.
    fn give(&mut self, walk: &mut Walk<'b>, at: usize, object: Known<'b>) -> Step {
        let name = format!("{} {at}", object.name);
        walk.child(&name, Relation::Member, Input::Bytes(&object.content.bytes))?;
        let bytes = object.content.bytes.len() as u64;
        let held_bytes_max = walk.budget.limits.held_bytes_max;
        if self.known_bytes + bytes <= held_bytes_max && walk.budget.room_to_hold() > held_bytes_max / 2 {
            self.known_bytes += bytes;
            self.known.insert(at, object);
        } else {
            self.forgotten.insert(at);
        }
        Ok(())
    }

    /// Walks what a difference adds that is not put together.
    fn added(&mut self, walk: &mut Walk<'b>, lack: Lack, difference: &[u8]) -> Step {
        if self.said.insert(lack) {
            walk.problem(match lack {
                Lack::Elsewhere => {
                    let message = "objects are told as differences to others by their sum; what these add was read";
                    Problem::new(ProblemClass::Unsupported, "delta", message)
                }
                Lack::Room => {
                    let message = "objects that others differ from may not be held in memory; what these add was read";
                    Problem::limit("held_bytes_max", walk.budget.limits.held_bytes_max, message)
                }
                Lack::Broken => {
                    let message = "objects are told as differences to what they do not fit; what these add was read";
                    Problem::new(ProblemClass::Damaged, "bad_structure", message)
                }
            });
        }
        walk.child("difference", Relation::Member, Input::Bytes(&delta::additions(difference)))
    }
}
