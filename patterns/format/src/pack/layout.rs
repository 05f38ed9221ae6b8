//! What stands where in a packed set.
//!
//! The version and the ends of all sections, four bytes each with the least first, and then the sections.

use crate::Boundary;
use serde::{Deserialize, Serialize};

/// The parts of a packed set. Of two that hold items of different lengths, the first one holds where each ends.
#[derive(Clone, Copy)]
pub(super) enum Section {
    /// Byte sets.
    Sets,
    /// Lists of sets, as their numbers.
    ListEnds,
    Lists,
    /// Shapes.
    Shapes,
    /// Texts of literals.
    LiteralEnds,
    Literals,
    /// By literal, its [place](crate::WindowPlace): offset and bucket.
    Places,
    /// Phrases.
    PhraseEnds,
    Phrases,
    /// [Contexts](ContextHead).
    ContextEnds,
    Contexts,
    /// By detector, its id.
    IdEnds,
    Ids,
    /// By detector, what the first pass is built from: a [`DetectorHead`], and for each pattern a [`PatternHead`] with its
    /// [anchors](AnchorHead).
    HeadEnds,
    Heads,
    /// By detector, what it says.
    BodyEnds,
    Bodies,
    /// By pattern of all detectors, what it says, and a [`PatternLists`].
    PatternEnds,
    Patterns,
}

/// How many there are.
pub(super) const SECTIONS: usize = Section::Patterns as usize + 1;

/// Bytes of a number of a table.
pub(super) const NUMBER_BYTES: usize = 4;

/// Bytes before the first section.
pub(super) const HEADER_BYTES: usize = NUMBER_BYTES * (1 + SECTIONS);

/// Bytes of a set.
pub(super) const SET_BYTES: usize = 32;

/// Bytes of the number of a set in a list.
pub(super) const ITEM_BYTES: usize = 2;

/// Bytes of a place; a bucket of `NO_BUCKET` says that there is none.
pub(super) const PLACE_BYTES: usize = 2;
pub(super) const NO_BUCKET: u8 = u8::MAX;

/// What the first pass asks of a detector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectorHead {
    /// What may stand beside a match.
    pub boundary: Boundary,
    /// Number of its context.
    pub context: u32,
    /// Number of its first pattern among those of all detectors.
    pub first_pattern: u32,
    /// How many patterns it has.
    pub patterns: u32,
}

/// What the first pass asks of a pattern.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PatternHead {
    /// Number of its window among the lists.
    pub window: u32,
    /// Longest match in bytes.
    pub len_max: u32,
    /// How many anchors it has.
    pub anchors: u32,
}

/// An [`Anchor`](crate::Anchor) whose parts are numbers of the tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of an anchor")]
pub enum AnchorHead {
    /// A literal.
    Literal { literal: u32, before_min: u32, before_max: u32, between: Option<u32>, after: u32, needs_key_run: bool },
    /// The start of a token.
    Start { skip_min: u32, skip_max: u32, run_min: u32, digit_within: Option<u32>, shape: u32 },
}

/// A [`Context`](crate::Context) whose phrases are numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ContextHead {
    /// Words that name this kind of data.
    pub strong: Vec<u32>,
    /// Words that fit this and other kinds.
    pub weak: Vec<u32>,
    /// Words that speak against it.
    pub negative: Vec<u32>,
    /// Bytes before the match that are searched.
    pub before_bytes: u16,
    /// Bytes after the match that are searched.
    pub after_bytes: u16,
    /// Whether a match without a strong word is dropped.
    pub required: bool,
}

/// The lists of a pattern: its window, the classes of its program, and the set of its demand.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct PatternLists {
    pub(super) window: u32,
    pub(super) steps: u32,
    pub(super) demand: u32,
}
