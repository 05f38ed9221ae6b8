//! What was found where, and how surely: a place is told once, and again where something is surer.

use crate::base::{ConfidenceLevel, Span};
use crate::content::{Location, OffsetBase};
use crate::knowledge::MATCH_LEN_MAX;
use crate::matching::{DetectorIndex, Match};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A detector and what it found: by its place in the item, or by its value where that is not known.
pub(super) type Key = (DetectorIndex, OffsetBase, u64);

pub(super) fn key(found: &Match, location: &Location) -> Key {
    let place = match location.offset_base {
        OffsetBase::File => location.span.start.0,
        OffsetBase::Text => hash(found),
    };
    (found.detector, location.offset_base, place)
}

/// Whether nothing as sure is known by this key. Then it is remembered, a new one only where there is room.
pub(super) fn is_surer(
    known: &mut HashMap<Key, ConfidenceLevel>,
    (key, level): (Key, ConfidenceLevel),
    has_room: bool,
) -> bool {
    match known.entry(key) {
        Entry::Occupied(best) if *best.get() >= level => return false,
        Entry::Occupied(mut best) => {
            best.insert(level);
        }
        Entry::Vacant(place) if has_room => {
            place.insert(level);
        }
        Entry::Vacant(_) => {}
    }
    true
}

/// What a detector found in original bytes, and how surely.
pub(super) type PlainPlace = (DetectorIndex, ConfidenceLevel, Span);

/// What was found in texts as they stand.
#[derive(Default)]
pub(super) struct Plain {
    places: Vec<PlainPlace>,
    /// Values whose texts lead back to no bytes.
    values: HashMap<Key, ConfidenceLevel>,
}

impl Plain {
    pub(super) fn add(&mut self, found: &Match, location: &Location, max: u64) {
        let level = found.confidence.level();
        match location.offset_base {
            OffsetBase::File if (self.places.len() as u64) < max => {
                self.places.push((found.detector, level, location.span));
            }
            OffsetBase::Text => {
                let has_room = (self.values.len() as u64) < max;
                is_surer(&mut self.values, (key(found, location), level), has_room);
            }
            OffsetBase::File => {}
        }
    }

    /// Sorts the places by detector and start, as they are looked for.
    pub(super) fn sort(&mut self) {
        self.places.sort_unstable_by_key(|(detector, _, span)| (*detector, span.start));
    }

    /// The places by their start.
    pub(super) fn by_start(&self) -> Vec<PlainPlace> {
        let mut places = self.places.clone();
        places.sort_unstable_by_key(|(.., span)| span.start);
        places
    }

    /// Whether the detector found it in a text as it stands, at least as surely.
    pub(super) fn knows(&self, found: &Match, location: &Location) -> bool {
        let value = || self.values.get(&key(found, location));
        match location.offset_base {
            OffsetBase::File => self.has_place(found, location),
            OffsetBase::Text => value().is_some_and(|level| *level >= found.confidence.level()),
        }
    }

    /// Whether the detector found something at the place that is at least as sure. Places are sorted by detector and
    /// start; long ones may begin far before.
    fn has_place(&self, found: &Match, location: &Location) -> bool {
        let (detector, span) = (found.detector, location.span);
        let from = span.start.0.saturating_sub(MATCH_LEN_MAX as u64);
        let first = self.places.partition_point(|(known, _, place)| (*known, place.start.0) < (detector, from));
        let near = self.places[first..].iter();
        near.take_while(|(known, _, place)| *known == detector && place.start.0 < span.end.0)
            .any(|(_, level, place)| *level >= found.confidence.level() && place.end.0 > span.start.0)
    }
}

/// A value in groups is the same as in one.
fn hash(found: &Match) -> u64 {
    let mut hasher = DefaultHasher::new();
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
    let bytes = found.value.expose();
    // What has no letters and digits is compared as it stands.
    match bytes.iter().filter(|byte| is_part(byte)).copied().collect::<Vec<u8>>() {
        parts if parts.is_empty() => bytes.hash(&mut hasher),
        parts => parts.hash(&mut hasher),
    }
    hasher.finish()
}
