//! Second readings of texts: what is encoded in them, and characters written in other ways.
//!
//! Each text that passes is looked at once. What is found is handed out as a part of its own, with a map back to the
//! original bytes, and looked at again, because encodings nest. Encoded files are walked as children. A run of digits
//! that the end of a piece cuts waits for the next piece. All of it is bounded by what it was made from.

use super::decode::{Derived, Given, Inflated, JOINED, Made, Other, Places, compose, inflate, others, runs};
use super::neighbours::{Block, Neighbours};
use super::walk::{Step, Walk};
use super::{Input, Join, MapRun, Origin, Part, Place, Relation, Role, Segment, SourceLines, names, recognise};
use crate::base::{DECODED_RATIO_MAX, DECODING_DEPTH_MAX, Problem};
use crate::matching::LineCounter;
use std::borrow::Cow;
use std::ops::Range;

/// Decoded bytes that every text may make, however short it is.
const DECODED_BYTES_FREE: u64 = 1024 * 1024;
/// Readings longer than this wait until the text they were made from is looked at, so that its places, which take one and a
/// half times its bytes, are gone when theirs are looked for.
const LARGE_BYTES_MIN: usize = 1024 * 1024;
/// Pieces shorter than this are whole texts; longer ones may be cut by their reader.
const CUT_BYTES_MIN: usize = 32 * 1024;
/// Digits at the end of a piece from which a run waits for more.
const CUT_DIGITS_MIN: usize = 8;

/// What second readings have cost, and what waits for more.
#[derive(Default)]
pub(super) struct Views {
    /// Decoders around the text that is looked at.
    depth: u32,
    looked_bytes: u64,
    decoded_bytes: u64,
    is_spent: bool,
    is_too_deep: bool,
    pending: Option<Pending>,
    followed: Option<Followed>,
    neighbours: Neighbours,
    /// Memory for the places of texts, as many as were read inside of each other.
    places: Vec<Places>,
    /// Whether the reader opens files in uuencode itself.
    pub(super) skips_uuencode: bool,
}

impl Views {
    /// Drops what waits, and ends the part.
    pub(super) fn forget(&mut self) {
        self.pending = None;
        self.followed = None;
        let _ = self.neighbours.end();
    }

    fn decoded_max(&self) -> u64 {
        self.looked_bytes.saturating_mul(DECODED_RATIO_MAX).max(DECODED_BYTES_FREE)
    }

    /// Bytes that may still be decoded.
    fn room(&self) -> u64 {
        self.decoded_max().saturating_sub(self.decoded_bytes)
    }

    /// The place behind the text that passed last, if its lines are counted.
    pub(super) fn lines(&self) -> LineCounter {
        self.followed.as_ref().map_or_else(LineCounter::new, |followed| followed.lines)
    }

    /// Where a text begins whose lines are counted, as the matcher counts them, and passes over it.
    fn follow(&mut self, segment: &Segment<'_>) -> Option<LineCounter> {
        let Place::Lines(first) = segment.place else { return None };
        let part = segment.part;
        let is_same = |followed: &Followed| followed.role == part.role && followed.name == part.name;
        let mut lines = match self.followed.take_if(|followed| is_same(followed)) {
            Some(mut followed) => {
                followed.lines.advance(segment.join.as_bytes());
                followed.lines
            }
            None => LineCounter::at_line(first.max(1)),
        };
        let start = lines;
        lines.advance(segment.text);
        self.followed = Some(Followed { role: part.role, name: part.name.to_owned(), lines });
        Some(start)
    }
}

/// The part that passes, and the place behind it.
struct Followed {
    role: Role,
    name: String,
    lines: LineCounter,
}

/// The end of a piece, which may go on in the next one.
struct Pending {
    role: Role,
    name: String,
    start: u64,
    /// Where it begins, if lines are counted.
    lines: Option<LineCounter>,
    text: Vec<u8>,
}

/// Looks at a text that was handed out.
pub(super) fn look(walk: &mut Walk<'_>, segment: &Segment<'_>) -> Step {
    // Names are short and shown as they are; bytes of programs are no texts that somebody encoded.
    if matches!(segment.part.role, Role::FileName | Role::Raw | Role::Decoded) {
        return Ok(());
    }
    // Texts with a place among the bytes of their item have their rows in them.
    if matches!(segment.origin, Origin::None) {
        let ended = walk.views.neighbours.pass(segment);
        look_at_block(walk, ended)?;
    }
    let lines = walk.views.follow(segment);
    let (text, origin, lines) = match take_pending(walk, segment)? {
        Waiting::Joined(waited) => (Cow::Owned(waited.text), Origin::Bytes(waited.start), waited.lines),
        Waiting::Nothing => (Cow::Borrowed(segment.text), segment.origin, lines),
        Waiting::Longer => return Ok(()),
    };
    let kept = match origin {
        Origin::Bytes(start) if text.len() >= CUT_BYTES_MIN => {
            keep_cut_run(walk, segment.part, &Beginning { start, lines }, &text)
        }
        _ => text.len(),
    };
    let place = if lines.is_some() { Place::None } else { segment.place };
    look_at_lines(walk, &text[..kept], &Source { origin, chain: "", part: None, place }, lines)
}

/// Looks at what waits, because no more will come.
pub(super) fn finish(walk: &mut Walk<'_>) -> Step {
    let ended = walk.views.neighbours.end();
    look_at_block(walk, ended)?;
    finish_run(walk)
}

/// Looks at a run of digits that waits for more.
fn finish_run(walk: &mut Walk<'_>) -> Step {
    let Some(Pending { start, lines, text, .. }) = walk.views.pending.take() else { return Ok(()) };
    look_at_lines(
        walk,
        &text,
        &Source { origin: Origin::Bytes(start), chain: "", part: None, place: Place::None },
        lines,
    )
}

/// Looks at rows of a table as one text.
fn look_at_block(walk: &mut Walk<'_>, block: Option<Block>) -> Step {
    let Some(block) = block else { return Ok(()) };
    look_at(walk, block.text.as_bytes(), &Source { origin: Origin::None, chain: "", part: None, place: block.place() })
}

/// Looks at a text that begins at this place in its lines, if they are counted.
fn look_at_lines(walk: &mut Walk<'_>, text: &[u8], source: &Source<'_>, lines: Option<LineCounter>) -> Step {
    let Some(start) = lines else { return look_at(walk, text, source) };
    let lines = SourceLines::new(text, source.origin, start);
    look_at(walk, text, &Source { place: Place::Source(&lines), ..*source })
}

/// Hands out a text that a reader made from another one, which stands at this place.
pub(super) fn made_from(
    walk: &mut Walk<'_>,
    kind: &'static str,
    content: Derived,
    (origin, place): (Origin<'_>, Place<'_>),
) -> Step {
    let other = Other { kind, content, made: Made::Text, part: None };
    view(walk, other, &Source { origin, chain: "", part: None, place })
}

/// What waited for this piece.
enum Waiting {
    Nothing,
    /// It goes on with this piece and ends in it: both together.
    Joined(Pending),
    /// It goes on with all of this piece and waits for the next.
    Longer,
}

/// What waits, joined with the piece that goes on with it.
fn take_pending(walk: &mut Walk<'_>, segment: &Segment<'_>) -> Step<Waiting> {
    let room = walk.budget.room_to_hold();
    let Some(pending) = &mut walk.views.pending else { return Ok(Waiting::Nothing) };
    let goes_on = pending.role == segment.part.role
        && pending.name == segment.part.name
        && segment.join == Join::None
        && matches!(segment.origin, Origin::Bytes(start) if start == pending.start + pending.text.len() as u64);
    if !goes_on {
        finish_run(walk)?;
        return Ok(Waiting::Nothing);
    }
    pending.text.extend_from_slice(segment.text);
    if runs::goes_on_through(segment.text) && (pending.text.len() as u64) < room {
        return Ok(Waiting::Longer);
    }
    Ok(walk.views.pending.take().map_or(Waiting::Nothing, Waiting::Joined))
}

/// Keeps a run at the end of a text for the next piece, and says how much of the text is whole.
fn keep_cut_run(walk: &mut Walk<'_>, part: Part<'_>, beginning: &Beginning, text: &[u8]) -> usize {
    let cut = runs::cut_run(text);
    if text.len() - cut < CUT_DIGITS_MIN || text.len() as u64 > walk.budget.room_to_hold() {
        return text.len();
    }
    walk.views.pending = Some(Pending {
        role: part.role,
        name: part.name.to_owned(),
        start: beginning.start + cut as u64,
        lines: beginning.lines.map(|mut lines| {
            lines.advance(&text[..cut]);
            lines
        }),
        text: text[cut..].to_vec(),
    });
    cut
}

/// Where a text begins: its first byte in the item, and in its lines if they are counted.
struct Beginning {
    start: u64,
    lines: Option<LineCounter>,
}

/// Where a text comes from.
#[derive(Clone, Copy)]
struct Source<'s> {
    origin: Origin<'s>,
    /// Where a person finds it.
    place: Place<'s>,
    /// The decoders that made it.
    chain: &'s str,
    /// The bytes that were decoded, where the others are their surroundings.
    part: Option<&'s Range<usize>>,
}

fn look_at(walk: &mut Walk<'_>, text: &[u8], source: &Source<'_>) -> Step {
    walk.views.looked_bytes += if source.chain.is_empty() { text.len() as u64 } else { 0 };
    let mut places = walk.views.places.pop().unwrap_or_default();
    places.read(text);
    let given = Given { text, places: &places, is_mended: source.chain.ends_with(JOINED), part: source.part };
    let mut later: Vec<Other<'static>> = Vec::new();
    let step = others(given, &mut |other| match other.made {
        Made::Characters | Made::Text | Made::Inlined(_) if other.content.bytes.len() > LARGE_BYTES_MIN => {
            if is_admitted(walk, &other) {
                let Other { kind, content, part, .. } = other;
                later.push(Other { kind, content, made: Made::Text, part });
            }
            Ok(())
        }
        Made::Characters | Made::Text | Made::Inlined(_) => view(walk, other, source),
        Made::File(Some(_)) if walk.views.skips_uuencode => Ok(()),
        Made::File(name) => {
            let name = name.map(|name| names::decode(name, false).primary);
            child(walk, name.as_deref().unwrap_or(other.kind), &other.content.bytes)
        }
        Made::Deflated => deflated(walk, &other, source),
    });
    if text.len() > LARGE_BYTES_MIN {
        places = Places::default();
    }
    walk.views.places.push(places);
    step?;
    later.into_iter().try_for_each(|other| charged_view(walk, other, source))
}

/// Hands out what was deflated before it was encoded.
fn deflated(walk: &mut Walk<'_>, other: &Other<'_>, source: &Source<'_>) -> Step {
    walk.check_budget()?;
    let Inflated { kind, content, is_cut, is_too_deep } = inflate(&other.content, walk.views.room());
    if is_too_deep {
        say_too_deep(walk);
    }
    // Inflating is the work, whatever comes of it; one byte more says that there was no room.
    let is_charged = charge(walk, content.bytes.len() + usize::from(is_cut));
    match () {
        () if !is_charged => Ok(()),
        () if recognise::has_signature(&content.bytes) => charged_child(walk, other.kind, &content.bytes),
        () if runs::is_text(&content.bytes) => {
            charged_view(walk, Other { kind, content, made: Made::Text, part: None }, source)
        }
        () => Ok(()),
    }
}

/// A file that was encoded in a text.
fn child(walk: &mut Walk<'_>, kind: &str, bytes: &[u8]) -> Step {
    if charge(walk, bytes.len()) { charged_child(walk, kind, bytes) } else { Ok(()) }
}

fn charged_child(walk: &mut Walk<'_>, kind: &str, bytes: &[u8]) -> Step {
    // What is inside counts its own decoders; the depth of items bounds it.
    let depth = std::mem::take(&mut walk.views.depth);
    let step = walk.child(kind, Relation::Decoded, Input::Bytes(bytes));
    walk.views.depth = depth;
    step
}

/// Hands out a text that was made from another one, and looks at it in turn.
fn view(walk: &mut Walk<'_>, other: Other<'_>, source: &Source<'_>) -> Step {
    if is_admitted(walk, &other) { charged_view(walk, other, source) } else { Ok(()) }
}

/// Whether a text that was made from another one may be handed out, for which it is charged.
fn is_admitted(walk: &mut Walk<'_>, other: &Other<'_>) -> bool {
    // Surroundings are copied, not decoded.
    let decoded_len = other.part.as_ref().map_or(other.content.bytes.len(), Range::len);
    !is_deepest(walk) && charge(walk, decoded_len)
}

/// Whether no more may be decoded inside of what is open, which is said.
fn is_deepest(walk: &mut Walk<'_>) -> bool {
    let is_deepest = walk.views.depth >= DECODING_DEPTH_MAX;
    if is_deepest {
        say_too_deep(walk);
    }
    is_deepest
}

/// Says once that something was not decoded.
fn say_too_deep(walk: &mut Walk<'_>) {
    if !std::mem::replace(&mut walk.views.is_too_deep, true) {
        let message = "encodings nest deeper than the bound; the innermost was not decoded";
        walk.problem(Problem::limit("decoding_depth_max", DECODING_DEPTH_MAX.into(), message));
    }
}

fn charged_view(walk: &mut Walk<'_>, other: Other<'_>, source: &Source<'_>) -> Step {
    let Other { kind, content: Derived { bytes, runs }, part: new, .. } = other;
    if is_deepest(walk) {
        return Ok(());
    }
    // The map is handed over, so that one of each depth is held.
    let runs = match source.origin {
        Origin::Bytes(start) => Some(shifted(runs, start)),
        Origin::Mapped(outer) => {
            let composed = compose(&runs, outer);
            drop(runs);
            Some(composed)
        }
        Origin::None => None,
    };
    let chain = if source.chain.is_empty() { kind.to_owned() } else { format!("{} > {kind}", source.chain) };
    let origin = runs.as_deref().map_or(Origin::None, Origin::Mapped);
    let part = Part { role: Role::Decoded, name: &chain };
    walk.emit(&Segment { text: &bytes, part, place: source.place, join: Join::Line, origin })?;
    walk.views.depth += 1;
    let step = look_at(walk, &bytes, &Source { origin, chain: &chain, place: source.place, part: new.as_ref() });
    walk.views.depth -= 1;
    step
}

fn shifted(mut runs: Vec<MapRun>, start: u64) -> Vec<MapRun> {
    runs.iter_mut().for_each(|run| run.original_start += start);
    runs
}

/// Counts decoded bytes; false when there were too many for the texts they come from.
fn charge(walk: &mut Walk<'_>, len: usize) -> bool {
    let views = &mut walk.views;
    views.decoded_bytes += len as u64;
    if views.decoded_bytes <= views.decoded_max() {
        return true;
    }
    if !std::mem::replace(&mut walk.views.is_spent, true) {
        let message = "decoding a text gave more than the bound allows for its length; the rest was not decoded";
        walk.problem(Problem::limit("decoded_ratio_max", DECODED_RATIO_MAX, message));
    }
    false
}
