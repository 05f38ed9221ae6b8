//! Packs of git, alone or in a bundle: every object, whole where its base is in the pack.
//!
//! Objects stand behind each other, each packed on its own, so no index is needed. Most are differences to an object in
//! front of them, by its place, or to any object, by its sum; those are put together, as long as what they lead to may
//! be held in memory. A pack that is sent may differ from objects that the other side has: of such differences what they
//! add is read, and of those that differ from these in turn, and it is said that the rest was not. Objects have no names here: their names are in trees, which are
//! objects themselves and scanned.
//!
//! Not all objects that others differ from are held at once: the oldest are forgotten, and put together again from the pack
//! when they are asked for. That work counts as unpacking, so it is bounded.

mod delta;

use super::budget::{Held, Metered};
use super::walk::{Step, Walk};
use super::{Input, Join, Origin, Part, Place, Relation, Role, Segment, plain};
use crate::base::bytes::u32_be;
use crate::base::{Problem, ProblemClass};
use delta::Fault;
use flate2::bufread::ZlibDecoder;
use sha1::{Digest, Sha1};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
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
/// Differences in a row that lead to one object. Programs stop at 50, and at 250 where they are told to pack well.
const DELTA_CHAIN_MAX: usize = 4_096;
/// Memory that a difference takes while it waits, beside its bytes.
const WAITING_BYTES: u64 = 256;

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
    let mut pack = Pack {
        bytes,
        room: walk.budget.room_to_hold(),
        known: HashMap::new(),
        known_bytes: 0,
        order: VecDeque::new(),
        forgotten: HashSet::new(),
        sums: None,
        waiting: BTreeMap::new(),
        awaited: HashSet::new(),
        lost: HashMap::new(),
        said: HashSet::new(),
    };
    let (mut at, mut read) = (start + HEAD_BYTES, 0);
    while read < count {
        walk.check_budget()?;
        let Some(next) = pack.object(walk, at)? else { break };
        (at, read) = (next, read + 1);
    }
    pack.without_base(walk)?;
    if read < count {
        walk.bad_structure("an object of the pack is broken; what stands behind it was scanned as raw bytes");
        return plain::raw_at(walk, &bytes[at..], at as u64);
    }
    let behind = bytes.get(at + SUM_BYTES..).unwrap_or_default();
    if behind.is_empty() { Ok(()) } else { walk.child("", Relation::Gap, Input::Bytes(behind)) }
}

/// The sum that names an object.
type Sum = [u8; SUM_BYTES];

struct Pack<'d, 'b> {
    bytes: &'d [u8],
    /// What may be held when nothing of the pack is.
    room: u64,
    /// Objects that others may lead to, by their place.
    known: HashMap<usize, Known<'b>>,
    known_bytes: u64,
    /// Their places, the oldest first.
    order: VecDeque<usize>,
    /// Places of objects that were known, and can be put together again.
    forgotten: HashSet<usize>,
    /// Places of objects by their sum, from the first difference on that names one.
    sums: Option<HashMap<Sum, usize>>,
    /// Differences to an object that has not come yet, with their places.
    waiting: BTreeMap<Awaited, Vec<(usize, Content<'b>)>>,
    /// The places of these.
    awaited: HashSet<usize>,
    /// Places of objects that are not known, and why.
    lost: HashMap<usize, Lack>,
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
    Chain,
    Broken,
}

/// What a difference waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Awaited {
    /// The object with this sum.
    Sum(Sum),
    /// The object at this place, which waits itself.
    Place(usize),
}

/// Where an object's content comes from.
enum Base {
    None(&'static str),
    At(Option<usize>),
    Named(Sum),
}

impl<'b> Pack<'_, 'b> {
    /// Walks the object at a place, and tells where the next one starts.
    fn object(&mut self, walk: &mut Walk<'b>, at: usize) -> Step<Option<usize>> {
        let Some((base, start)) = self.head(at) else { return Ok(None) };
        let Some((bytes, packed_bytes)) = self.unpack(walk, start)? else { return Ok(None) };
        let content = Content { _held: walk.budget.hold(bytes.len() as u64), bytes };
        let whole = match base {
            Base::None(name) => Some(Known { name, content: Rc::new(content) }),
            Base::At(Some(place)) if self.awaited.contains(&place) => {
                self.wait(walk, at, Awaited::Place(place), content).map(|()| None)?
            }
            Base::At(place) => self.put_together(walk, at, place, content)?,
            Base::Named(sum) => match self.place_of(&sum) {
                Some(place) => self.put_together(walk, at, Some(place), content)?,
                None => self.wait(walk, at, Awaited::Sum(sum), content).map(|()| None)?,
            },
        };
        if let Some(whole) = whole {
            self.give(walk, at, whole)?;
        }
        Ok(Some(start + packed_bytes))
    }

    /// Lets a difference wait for its base, as long as that leaves room for what is in others.
    fn wait(&mut self, walk: &mut Walk<'b>, at: usize, base: Awaited, difference: Content<'b>) -> Step {
        let bytes = difference.bytes;
        if walk.budget.room_to_hold() <= self.room / 2 {
            return self.added(walk, at, Lack::Room, &bytes);
        }
        let content = Content { _held: walk.budget.hold(bytes.len() as u64 + WAITING_BYTES), bytes };
        self.awaited.insert(at);
        self.waiting.entry(base).or_default().push((at, content));
        Ok(())
    }

    /// The object that differs so from the one at a place; else what the difference adds is walked.
    fn put_together(
        &mut self,
        walk: &mut Walk<'b>,
        at: usize,
        place: Option<usize>,
        difference: Content<'b>,
    ) -> Step<Option<Known<'b>>> {
        match self.whole(walk, place, &difference.bytes)? {
            Ok(whole) => Ok(Some(whole)),
            Err(lack) => {
                self.added(walk, at, lack, &difference.bytes)?;
                Ok(None)
            }
        }
    }

    /// Where the object with a sum is, if it has come.
    fn place_of(&mut self, sum: &Sum) -> Option<usize> {
        self.sums().get(sum).copied()
    }

    /// Places by sums. They are taken of the objects so far when the first is asked for, or before the first is forgotten.
    fn sums(&mut self) -> &mut HashMap<Sum, usize> {
        let known = &self.known;
        self.sums.get_or_insert_with(|| known.iter().map(|(at, object)| (sum_of(object), *at)).collect())
    }

    /// Walks what differences add whose base has not come.
    fn without_base(&mut self, walk: &mut Walk<'b>) -> Step {
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let mut left: Vec<_> = waiting.flat_map(|(base, all)| all.into_iter().map(move |one| (base, one))).collect();
        left.sort_unstable_by_key(|(_, (at, _))| *at);
        left.into_iter().try_for_each(|(base, (at, difference))| {
            let lack = match base {
                Awaited::Place(place) => self.lack_of(place),
                Awaited::Sum(_) => Lack::Elsewhere,
            };
            self.added(walk, at, lack, &difference.bytes)
        })
    }

    /// Why the object at a place is not known.
    fn lack_of(&self, place: usize) -> Lack {
        self.lost.get(&place).copied().unwrap_or(Lack::Broken)
    }

    /// Puts the object together that differs so from the one at a place.
    fn whole(&mut self, walk: &mut Walk<'b>, place: Option<usize>, difference: &[u8]) -> Step<Result<Known<'b>, Lack>> {
        let Some(place) = place else { return Ok(Err(Lack::Broken)) };
        let base = match self.known.get(&place) {
            Some(known) => known.clone(),
            None if self.forgotten.contains(&place) => match self.again(walk, place)? {
                Ok(known) => known,
                Err(lack) => return Ok(Err(lack)),
            },
            None => return Ok(Err(self.lack_of(place))),
        };
        edited(walk, &base, difference)
    }

    /// Puts an object together that was forgotten, from the nearest one that is known or whole.
    fn again(&mut self, walk: &mut Walk<'b>, place: usize) -> Step<Result<Known<'b>, Lack>> {
        let (mut differences, mut at) = (Vec::new(), place);
        let mut object = loop {
            if let Some(known) = self.known.get(&at) {
                break known.clone();
            }
            let Some((base, start)) = self.head(at) else { return Ok(Err(Lack::Broken)) };
            let Some((bytes, _)) = self.unpack(walk, start)? else { return Ok(Err(Lack::Broken)) };
            let content = Content { _held: walk.budget.hold(bytes.len() as u64), bytes };
            let below = match base {
                Base::None(name) => break Known { name, content: Rc::new(content) },
                Base::At(place) => place,
                Base::Named(sum) => self.place_of(&sum),
            };
            differences.push(content);
            match below {
                Some(_) if differences.len() > DELTA_CHAIN_MAX => return Ok(Err(Lack::Chain)),
                Some(below) => at = below,
                None => return Ok(Err(Lack::Broken)),
            }
        };
        while let Some(difference) = differences.pop() {
            object = match edited(walk, &object, &difference.bytes)? {
                Ok(object) => object,
                Err(lack) => return Ok(Err(lack)),
            };
        }
        self.keep(walk, place, object.clone());
        Ok(Ok(object))
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
                let mut sum = [0; SUM_BYTES];
                sum.iter_mut().try_for_each(|byte| next().map(|next| *byte = next))?;
                Base::Named(sum)
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

    /// Walks a whole object, and then those that waited for it.
    fn give(&mut self, walk: &mut Walk<'b>, at: usize, object: Known<'b>) -> Step {
        let mut ready = vec![(at, object)];
        while let Some((at, object)) = ready.pop() {
            let name = format!("{} {at}", object.name);
            walk.child(&name, Relation::Member, Input::Bytes(&object.content.bytes))?;
            let waiting = self.waiting_for(at, &object);
            self.keep(walk, at, object);
            for (place, difference) in waiting {
                let whole = self.put_together(walk, place, Some(at), difference)?;
                ready.extend(whole.map(|whole| (place, whole)));
            }
        }
        Ok(())
    }

    /// Differences that waited for the object at a place.
    fn waiting_for(&mut self, at: usize, object: &Known<'_>) -> Vec<(usize, Content<'b>)> {
        self.awaited.remove(&at);
        let mut waiting = self.waiting.remove(&Awaited::Place(at)).unwrap_or_default();
        if let Some(sums) = &mut self.sums {
            let sum = sum_of(object);
            sums.insert(sum, at);
            waiting.extend(self.waiting.remove(&Awaited::Sum(sum)).unwrap_or_default());
        }
        waiting
    }

    /// Keeps an object for differences to it, in place of older ones where they leave no room for what is in others.
    fn keep(&mut self, walk: &Walk<'b>, at: usize, object: Known<'b>) {
        let bytes = object.content.bytes.len() as u64;
        if self.known.insert(at, object).is_none() {
            self.known_bytes += bytes;
            self.order.push_back(at);
        }
        let half = self.room / 2;
        while self.known_bytes > walk.budget.limits.held_bytes_max || walk.budget.room_to_hold() <= half {
            // Sums are taken while the content is there.
            self.sums();
            let Some(oldest) = self.order.pop_front() else { return };
            if let Some(known) = self.known.remove(&oldest) {
                self.known_bytes -= known.content.bytes.len() as u64;
            }
            self.forgotten.insert(oldest);
        }
    }

    /// Walks what the difference at a place adds, which is not put together.
    fn added(&mut self, walk: &mut Walk<'b>, at: usize, lack: Lack, difference: &[u8]) -> Step {
        self.awaited.remove(&at);
        self.lost.insert(at, lack);
        if self.said.insert(lack) {
            walk.problem(match lack {
                Lack::Elsewhere => {
                    let message =
                        "objects are told as differences to others that are not here; what these add was read";
                    Problem::new(ProblemClass::Unsupported, "delta", message)
                }
                Lack::Room => {
                    let message = "objects that others differ from may not be held in memory; what these add was read";
                    Problem::limit("held_bytes_max", walk.budget.limits.held_bytes_max, message)
                }
                Lack::Chain => {
                    let message =
                        "more differences in a row lead to an object than the bound; what those behind it add was read";
                    Problem::limit("delta_chain_max", DELTA_CHAIN_MAX as u64, message)
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

/// The object that differs so from another.
fn edited<'b>(walk: &mut Walk<'b>, base: &Known<'b>, difference: &[u8]) -> Step<Result<Known<'b>, Lack>> {
    let bytes = match delta::apply(&base.content.bytes, difference, walk.budget.room_to_hold()) {
        Ok(bytes) => bytes,
        Err(Fault::Large) => return Ok(Err(Lack::Room)),
        Err(Fault::Broken) => return Ok(Err(Lack::Broken)),
    };
    walk.budget.charge_inflated(bytes.len() as u64).map_err(|hit| walk.limit(hit))?;
    let content = Content { _held: walk.budget.hold(bytes.len() as u64), bytes };
    Ok(Ok(Known { name: base.name, content: Rc::new(content) }))
}

/// The sum that other objects and trees name an object by.
fn sum_of(object: &Known<'_>) -> Sum {
    let bytes = &object.content.bytes;
    let head = format!("{} {}\0", object.name, bytes.len());
    Sha1::new().chain_update(head).chain_update(bytes).finalize().into()
}
