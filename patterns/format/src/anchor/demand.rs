//! The stretch that a match cannot do without: so many bytes of a set without a break, somewhere behind its start.
//!
//! Most credentials are found by the name of their vendor, which any text may have, and most places with such a name lack
//! what a credential is made of: thirty-two hexadecimal digits, say, within the next two hundred bytes. That is seen by
//! looking at a few bytes, one in thirty-two where none fits, where an automaton has to be built first and then walked.

use super::byte_set::ByteSet;
use super::{Anchor, WINDOW_LEN, class_bytes, frequency};
use memchr::{memchr, memchr2, memchr3};
use regex_syntax::hir::{Hir, HirKind};
use serde::{Deserialize, Serialize};

/// Least reduction, as a binary logarithm, by which a demand is worth asking about.
const BITS_MIN: f64 = 3.0;

/// Most alternatives and neighbours that are joined to one stretch: longer expressions are looked at from their beginning.
const ITEMS_MAX: usize = 64;

/// The share of bytes of mixed text from which a set is not joined with more.
const COMMON: f64 = 0.9;

/// What every match holds: at least `len` bytes of a set without a break, which begin `from..=to` bytes after its start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// The set. Packed apart, see [`pack`](crate::pack).
    #[serde(skip)]
    pub bytes: ByteSet,
    /// Fewest bytes.
    pub len: u32,
    /// Least distance from the start of the match.
    pub from: u32,
    /// Greatest distance from the start of the match.
    pub to: u32,
}

impl Demand {
    /// The number of bytes that were looked at, if a match that starts with `text` lacks the stretch.
    #[must_use]
    pub fn lacks(&self, text: &[u8]) -> Option<usize> {
        let len = self.len as usize;
        let text = &text[..text.len().min(self.to as usize + len)];
        if let (1, Some(few)) = (len, Few::of(&self.bytes)) {
            let text = text.get(self.from as usize..).unwrap_or_default();
            return if few.stand_in(text) { None } else { Some(text.len()) };
        }
        let (mut from, mut looks) = (self.from as usize, 0);
        while let Some(stretch) = text.get(from..from + len) {
            // From its end: where a byte does not belong, no stretch goes over it, whatever stands before it.
            let at = stretch.iter().rposition(|byte| !self.bytes.contains(*byte))?;
            looks += len - at;
            from += at + 1;
        }
        Some(looks)
    }
}

/// A set of few bytes, any of which is found faster than all are looked at.
enum Few {
    One(u8),
    Two(u8, u8),
    Three(u8, u8, u8),
}

impl Few {
    fn of(set: &ByteSet) -> Option<Self> {
        let mut bytes = set.bytes();
        match (bytes.next(), bytes.next(), bytes.next(), bytes.next()) {
            (Some(one), None, ..) => Some(Self::One(one)),
            (Some(one), Some(two), None, _) => Some(Self::Two(one, two)),
            (Some(one), Some(two), Some(three), None) => Some(Self::Three(one, two, three)),
            _ => None,
        }
    }

    fn stand_in(&self, text: &[u8]) -> bool {
        let found = match *self {
            Self::One(one) => memchr(one, text),
            Self::Two(one, two) => memchr2(one, two, text),
            Self::Three(one, two, three) => memchr3(one, two, three, text),
        };
        found.is_some()
    }
}

/// The demand of an expression that the fewest places with one of its anchors fulfil, if they are few.
pub(super) fn derive(hir: &Hir, anchors: &[Anchor]) -> Option<Demand> {
    let end = |anchor: &Anchor| match anchor {
        Anchor::Literal { bytes, before_min, .. } => *before_min as usize + bytes.len(),
        Anchor::Start { .. } => 0,
    };
    let search = Search { known: anchors.iter().map(end).min().unwrap_or(0) };
    let Found { stretch: Stretch { bytes, len }, at, bits } = search.find(hir, Distance::default())?;
    (bits >= BITS_MIN).then_some(Demand { bytes, len: len as u32, from: at.min as u32, to: at.max as u32 })
}

/// Distances from the start of a match.
#[derive(Clone, Copy, Debug, Default)]
struct Distance {
    min: usize,
    max: usize,
}

impl Distance {
    /// That behind an expression. `None` when it can be any.
    fn behind(self, hir: &Hir) -> Option<Self> {
        let properties = hir.properties();
        Some(Self { min: self.min + properties.minimum_len()?, max: self.max + properties.maximum_len()? })
    }
}

/// Bytes of a set without a break, as many as there are at least.
#[derive(Clone, Copy, Debug, Default)]
struct Stretch {
    bytes: ByteSet,
    len: usize,
}

impl Stretch {
    /// All of an expression.
    fn of(hir: &Hir) -> Self {
        let each = |subs: &[Hir], join: fn(usize, usize) -> usize| {
            let stretches = subs.iter().map(Self::of);
            stretches.reduce(|all, next| all.with(next.bytes, join(all.len, next.len))).unwrap_or_default()
        };
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Self::default(),
            HirKind::Literal(literal) => Self { bytes: literal.0.iter().copied().collect(), len: literal.0.len() },
            HirKind::Class(class) => {
                let len = hir.properties().minimum_len().unwrap_or(1);
                Self { bytes: class_bytes(class).unwrap_or(ByteSet::ALL), len }
            }
            HirKind::Capture(capture) => Self::of(&capture.sub),
            HirKind::Concat(subs) => each(subs, |all, next| all + next),
            HirKind::Alternation(subs) => each(subs, usize::min),
            HirKind::Repetition(repetition) => {
                let turn = Self::of(&repetition.sub);
                Self { bytes: turn.bytes, len: turn.len * repetition.min as usize }
            }
        }
    }

    /// With other bytes in it, and another length.
    fn with(mut self, bytes: ByteSet, len: usize) -> Self {
        self.bytes.extend(bytes);
        Self { bytes: self.bytes, len }
    }
}

/// A stretch, where it begins, and in how few of the places that are tried, as a binary logarithm.
#[derive(Clone, Copy, Debug)]
struct Found {
    stretch: Stretch,
    at: Distance,
    bits: f64,
}

impl Found {
    /// The rarer one of two that every match holds.
    fn rarer(self, other: Self) -> Self {
        if other.bits > self.bits { other } else { self }
    }
}

/// A search for what is worth asking about.
struct Search {
    /// Bytes from the start of the match up to the end of its anchor.
    known: usize,
}

impl Search {
    fn found(&self, stretch: Stretch, at: Distance) -> Found {
        let asked = match at.max - at.min {
            // The window of the pattern has told.
            0 => (at.min + stretch.len).saturating_sub(WINDOW_LEN),
            _ if at.min < self.known => 0,
            _ => stretch.len,
        };
        let of_byte = if asked == 0 { 0.0 } else { -frequency::probability(&stretch.bytes).log2() };
        Found { stretch, at, bits: asked as f64 * of_byte - ((at.max - at.min + 1) as f64).log2() }
    }

    /// What matches hold of which each has one of two.
    fn either(&self, one: &Found, other: &Found) -> Found {
        let stretch = one.stretch.with(other.stretch.bytes, one.stretch.len.min(other.stretch.len));
        let at = Distance { min: one.at.min.min(other.at.min), max: one.at.max.max(other.at.max) };
        self.found(stretch, at)
    }

    /// The rarest stretch of an expression that begins so far from the start of the match.
    fn find(&self, hir: &Hir, at: Distance) -> Option<Found> {
        let whole = self.found(Stretch::of(hir), at);
        let inner = match hir.kind() {
            HirKind::Capture(capture) => self.find(&capture.sub, at),
            HirKind::Concat(_) => self.find_in_row(hir, at),
            HirKind::Alternation(subs) if subs.len() <= ITEMS_MAX => {
                let each: Option<Vec<Found>> = subs.iter().map(|sub| self.find(sub, at)).collect();
                each?.into_iter().reduce(|one, other| self.either(&one, &other))
            }
            HirKind::Repetition(repetition) if repetition.min > 0 => self.find(&repetition.sub, at),
            _ => None,
        };
        Some(inner.map_or(whole, |inner| whole.rarer(inner)))
    }

    /// The rarest stretch of expressions that stand side by side, or of one of them.
    fn find_in_row(&self, hir: &Hir, at: Distance) -> Option<Found> {
        let mut items = Vec::new();
        flatten(hir, &mut items);
        items.truncate(ITEMS_MAX);
        let stretches: Vec<Stretch> = items.iter().map(|item| Stretch::of(item)).collect();
        let (mut at, mut best) = (at, None);
        for (first, item) in items.iter().enumerate() {
            let joined = stretches[first..].iter().scan(Stretch::default(), |stretch, next| {
                *stretch = stretch.with(next.bytes, stretch.len + next.len);
                // Of bytes that nearly all text is made of, more tell no more.
                (frequency::probability(&stretch.bytes) < COMMON).then(|| self.found(*stretch, at))
            });
            best = best.into_iter().chain(self.find(item, at)).chain(joined).reduce(Found::rarer);
            at = at.behind(item)?;
        }
        best
    }
}

/// The expressions that stand side by side, looking through groups.
fn flatten<'h>(hir: &'h Hir, items: &mut Vec<&'h Hir>) {
    match hir.kind() {
        HirKind::Capture(capture) => flatten(&capture.sub, items),
        HirKind::Concat(subs) => subs.iter().for_each(|sub| flatten(sub, items)),
        _ => items.push(hir),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::parse_pattern;
    use crate::{Boundary, expand};

    fn of(pattern: &str) -> Option<Demand> {
        let hir = parse_pattern(&expand(pattern).expect("known abbreviations")).expect("test pattern");
        crate::anchor::derive(&hir, Boundary::Token, false).expect("anchors").demand
    }

    fn told(pattern: &str) -> Option<(String, u32, u32, u32)> {
        of(pattern).map(|demand| {
            let bytes: Vec<u8> = demand.bytes.bytes().collect();
            (String::from_utf8_lossy(&bytes).into_owned(), demand.len, demand.from, demand.to)
        })
    }

    #[test]
    fn the_rarest_stretch_is_demanded() {
        let told_as = |bytes: &str, len, from, to| Some((bytes.to_owned(), len, from, to));
        let hex = "0123456789abcdef";
        let rows = [
            ("acme.{0,40}(?P<value>[0-9a-f]{32})", told_as(hex, 32, 4, 44)),
            ("acme.{0,40}[0-9]{3}[a-f]{5,9}[0-9]{4}", told_as(hex, 12, 4, 44)),
            ("acme.{2,3}(?:[0-9]{8}|[0-9]{4}-?[0-9]{4}Z)", told_as("-0123456789Z", 8, 6, 7)),
            ("acme.{1,2}(?:[0-9]{9}|[a-f]{12}) ?", told_as(hex, 9, 5, 6)),
            ("acme.{0,9}(?:[0-9]{8}:){2}x", told_as("0123456789:x", 19, 4, 13)),
            // What is known of places with the anchor already.
            ("acme.{0,9}(?:[0-9]{8})?", None),
            ("acme[0-9]{28}", None),
            ("acme[0-9]{60}", told_as("0123456789", 60, 4, 4)),
            ("(?:acme|acme_api).{3,9}", None),
        ];
        for (pattern, expected) in rows {
            assert_eq!(told(pattern), expected, "{pattern}");
        }
        let behind_name = of("(?i)acme(?&key)(?P<value>[0-9a-z]{24})").expect("a demand");
        assert_eq!((behind_name.len, behind_name.from), (24, 5));
    }

    #[test]
    fn a_stretch_is_found_where_it_may_begin_alone() {
        let demand = Demand { bytes: (b'0'..=b'9').collect(), len: 3, from: 2, to: 4 };
        let rows = [
            ("ab123", true),
            ("abc123", true),
            ("abcd123", true),
            ("abcde123", false),
            ("123abc", false),
            ("012345", true),
            ("ab12a123", false),
            ("ab12", false),
            ("", false),
        ];
        for (text, holds) in rows {
            assert_eq!(demand.lacks(text.as_bytes()).is_none(), holds, "{text}");
        }
        assert_eq!(demand.lacks(b"ab..x..12"), Some(1), "most bytes need no look");
        for bytes in ["{", "{=", "{=;", "{=;:"] {
            let demand = Demand { bytes: bytes.bytes().collect(), len: 1, from: 2, to: 4 };
            for byte in bytes.chars() {
                let rows = [("abcd", Some(2)), ("abcd_", Some(3)), ("{{abcde", Some(3)), ("{", Some(0)), ("", Some(0))];
                rows.iter()
                    .for_each(|(text, lacks)| assert_eq!(demand.lacks(text.as_bytes()), *lacks, "{bytes} {text}"));
                for held in [2, 3, 4] {
                    let text = format!("{}{byte}abc", "a".repeat(held));
                    assert_eq!(demand.lacks(text.as_bytes()), None, "{bytes} {text}");
                }
                assert_eq!(demand.lacks(format!("abcde{byte}").as_bytes()), Some(3), "{bytes} {byte}");
            }
        }
    }
}
