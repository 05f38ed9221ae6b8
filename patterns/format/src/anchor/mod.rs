//! Anchors: what the first pass looks for, derived from a pattern's syntax tree.
//!
//! An anchor is a condition that every match of the pattern fulfils, so looking only where an anchor is present loses
//! nothing. Each alternation branch gets its own: either literals at a known distance from the start of the match, or
//! the start of a token. Which of them is chosen by the hits that each is expected to have in mixed text, because hits
//! are what the first pass pays for; a branch whose best anchor stands everywhere is refused, in words for its author.
//! Literals are compared without ASCII case, which only adds hits.

mod after;
mod arrange;
mod automaton;
mod byte_set;
mod choice;
mod demand;
mod frequency;
mod key_run;
mod literals;
mod shape;
mod start;
mod walk;
pub(crate) mod whole_number;
mod window;

pub use arrange::{Arrangement, BUCKETS, OPEN_BUCKETS, WINDOW_BYTES, WindowPlace, arrange};
pub use byte_set::ByteSet;
pub use demand::Demand;
pub use frequency::{expected_per_mb, symbol, symbol_probability};
pub use key_run::{KEY_RUN_BEFORE, KEY_RUN_BEHIND, KEY_RUN_LEN, is_key_byte};
pub use shape::{FOLLOWERS, RUN_LEN_MAX, RUNS, SHAPE_RUNS, Shape, follower, run_place};
pub use start::{RUN_MIN_MAX, SKIP_MAX};
pub use whole_number::WHOLE_NUMBER_LENS;

use crate::Boundary;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Longest match in bytes that a pattern may have. Larger than a PEM-encoded RSA-8192 private key; it bounds what the
/// stream scan carries over from one chunk to the next.
pub const MATCH_LEN_MAX: usize = 16 * 1024;

/// Shortest literal that is used as an anchor, apart from the rare byte `@`. Two-byte literals stand everywhere in
/// text.
pub const LITERAL_LEN_MIN: usize = 3;

/// Offsets from the start of a match for which the possible bytes are told.
pub const WINDOW_LEN: usize = 32;

/// A condition that each match of a pattern fulfils.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The match holds these bytes, in any ASCII case, `before_min..=before_max` bytes after its start.
    Literal {
        /// Lower-case bytes.
        bytes: Vec<u8>,
        /// Least distance from the start of the match.
        before_min: u32,
        /// Greatest distance from the start of the match.
        before_max: u32,
        /// The bytes that can stand between the start of the match and the literal; `None` when `before_max` is 0.
        between: Option<ByteSet>,
        /// The bytes that can stand at each of the first offsets behind the literal, as far as they are told.
        after: Vec<ByteSet>,
        /// Whether a key run begins near, from [`KEY_RUN_BEFORE`] bytes before the literal to [`KEY_RUN_BEHIND`] behind
        /// its start: [`KEY_RUN_LEN`] letters, digits, `-` and `_` without a break.
        needs_key_run: bool,
        /// Where the first pass looks for it, once that is [arranged](arrange).
        window: Option<WindowPlace>,
    },
    /// The match starts `skip_min..=skip_max` bytes before the start of a token: an unbroken run of ASCII letters and
    /// digits, of which an escape that a boundary lets pass is no part. The bytes skipped are none of these, nor the
    /// `\` or `%` of an escape. The detector's boundary is judged at the start of the match.
    Start {
        /// Fewest bytes before the token.
        skip_min: u32,
        /// Most bytes before the token, at most [`SKIP_MAX`].
        skip_max: u32,
        /// The token has at least this many bytes: 1 to [`RUN_MIN_MAX`].
        run_min: u32,
        /// A digit stands at most this many bytes after the start of the token, when the pattern demands one.
        digit_within: Option<u32>,
        /// How long its first runs of letters and digits can be, and what follows them.
        shape: Shape,
    },
}

/// What is derived from a pattern for the first pass.
#[derive(Debug)]
pub(crate) struct Derived {
    pub(crate) anchors: Vec<Anchor>,
    pub(crate) window: Vec<ByteSet>,
    pub(crate) demand: Option<Demand>,
}

/// Derives anchors and window of a pattern, or says in the author's terms why there are none.
pub(crate) fn derive(hir: &Hir, boundary: Boundary, is_built_in: bool) -> Result<Derived, String> {
    let hits_max = if is_built_in { choice::HITS_PER_MB_MAX } else { choice::OWN_HITS_PER_MB_MAX };
    let mut anchors = Vec::new();
    for branch in branches(hir) {
        anchors.extend(choice::anchors(branch, boundary, hits_max)?);
    }
    let window = window::derive(hir, boundary != Boundary::None);
    let demand = demand::derive(hir, &anchors);
    Ok(Derived { anchors, window, demand })
}

/// The top-level alternatives of a pattern, looking through groups.
fn branches(hir: &Hir) -> Vec<&Hir> {
    match hir.kind() {
        HirKind::Capture(capture) => branches(&capture.sub),
        HirKind::Alternation(subs) => subs.iter().flat_map(branches).collect(),
        _ => vec![hir],
    }
}

/// The bytes of a class. `None` when it holds characters of several bytes.
pub(crate) fn class_bytes(class: &Class) -> Option<ByteSet> {
    match class {
        Class::Bytes(bytes) => Some(bytes.iter().flat_map(|range| range.start()..=range.end()).collect()),
        Class::Unicode(chars) if chars.is_ascii() => {
            Some(chars.iter().flat_map(|range| range.start() as u8..=range.end() as u8).collect())
        }
        Class::Unicode(_) => None,
    }
}

#[cfg(test)]
mod tests;
