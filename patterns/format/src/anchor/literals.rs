//! Literals that each match of a branch must hold, at every position where the syntax tree demands some.

use super::byte_set::ByteSet;
use super::walk::sequences;
use super::{LITERAL_LEN_MIN, class_bytes};
use regex_syntax::hir::{Class, Hir, HirKind, Repetition};
use std::cmp::Reverse;

/// Longest part of a literal that is used: more bytes select hardly better and cost table space.
const LITERAL_LEN_MAX: usize = 24;

/// Most literals of which one must be present, through words side by side.
const LITERALS_MAX: usize = 64;

/// Most bytes of a class that is spelled out. Classes of digits are spelled out only where nothing else is left, since
/// numbers stand everywhere.
const CLASS_MAX: usize = 8;
const DIGITS_MAX: usize = 10;

/// Most literals that come of spelling out classes.
const CLASS_LITERALS_MAX: usize = 16;

/// Turns of a repetition that are spelled out.
const TURNS_MAX: u32 = 8;

/// Distance between the least and the greatest place of a literal beyond which it is no anchor.
pub(super) const SPREAD_MAX: usize = 512;

/// Literals of which one must be present, with their place behind the start of the match.
#[derive(Clone, Debug)]
pub(super) struct Required {
    pub(super) literals: Vec<Vec<u8>>,
    pub(super) place: Place,
}

/// How far behind the start of a match something stands, and the bytes that can stand between.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) between: ByteSet,
}

impl Place {
    pub(super) fn spread(&self) -> usize {
        self.max - self.min
    }

    /// The place behind an expression that stands here. `None` when it is too far spread for an anchor.
    fn behind(mut self, hir: &Hir) -> Option<Self> {
        self.min += hir.properties().minimum_len()?;
        self.max += hir.properties().maximum_len()?;
        add_bytes(hir, &mut self.between);
        (self.spread() <= SPREAD_MAX).then_some(self)
    }

    fn or(mut self, other: Self) -> Self {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.between.extend(other.between);
        self
    }
}

/// How literals are searched.
pub(super) struct Search<'a> {
    /// Which of several sets to take where the tree forks: lower is better.
    pub(super) cost: &'a dyn Fn(&Required) -> f64,
    /// Whether classes of digits are spelled out too.
    pub(super) spells_digits: bool,
}

impl Search<'_> {
    /// The cheapest set of literals of which each match of the branch holds one; of equals the one whose place is known
    /// best, then the one with the longest literals.
    pub(super) fn cheapest(&self, hir: &Hir, place: Place) -> Option<Required> {
        let len = |required: &Required| required.literals.iter().map(Vec::len).min().unwrap_or(0);
        let rank = |required: &Required| (required.place.spread(), required.place.max, Reverse(len(required)));
        let found = self.candidates(hir, place).into_iter().map(|required| ((self.cost)(&required), required));
        let by_cost = |(a_cost, a): &(f64, Required), (b_cost, b): &(f64, Required)| {
            a_cost.total_cmp(b_cost).then_with(|| rank(a).cmp(&rank(b)))
        };
        found.min_by(by_cost).filter(|(cost, _)| cost.is_finite()).map(|(_, required)| required)
    }

    /// The sets at every position.
    fn candidates(&self, hir: &Hir, place: Place) -> Vec<Required> {
        match hir.kind() {
            HirKind::Concat(subs) => self.in_sequence(subs, place),
            HirKind::Capture(capture) => self.candidates(&capture.sub, place),
            HirKind::Repetition(repetition) => {
                let mut found = self.spelled(std::slice::from_ref(hir), place);
                if repetition.min > 0 {
                    found.extend(self.candidates(&repetition.sub, place));
                }
                found
            }
            HirKind::Alternation(subs) => self.in_alternatives(subs, place).into_iter().collect(),
            HirKind::Literal(_) | HirKind::Class(_) => self.spelled(std::slice::from_ref(hir), place),
            HirKind::Empty | HirKind::Look(_) => Vec::new(),
        }
    }

    fn in_sequence(&self, subs: &[Hir], place: Place) -> Vec<Required> {
        let mut found = Vec::new();
        let mut place = Some(place);
        for (index, sub) in subs.iter().enumerate() {
            let Some(here) = place else { break };
            found.extend(self.spelled(&subs[index..], here));
            found.extend(self.candidates(sub, here));
            place = here.behind(sub);
        }
        found
    }

    /// One set from every alternative; places widen to cover all of them.
    fn in_alternatives(&self, subs: &[Hir], place: Place) -> Option<Required> {
        let chosen: Vec<Required> = subs.iter().map(|sub| self.cheapest(sub, place)).collect::<Option<_>>()?;
        let all = chosen.into_iter().reduce(|mut all, required| {
            all.place = all.place.or(required.place);
            all.literals.extend(required.literals);
            all
        })?;
        usable(all.literals).map(|literals| Required { literals, place: all.place })
    }

    /// The literals that a sequence begins with, as far as each of its parts leads: one set for each part.
    fn spelled(&self, subs: &[Hir], place: Place) -> Vec<Required> {
        let mut found = Vec::new();
        let mut parts = vec![Part::default()];
        for sub in subs {
            parts = self.append(parts, sub);
            let literals = usable(parts.iter().map(|part| part.bytes.clone()).collect());
            found.extend(literals.map(|literals| Required { literals, place }));
            if parts.iter().all(|part| part.is_cut) {
                break;
            }
        }
        found
    }

    fn append(&self, parts: Vec<Part>, hir: &Hir) -> Vec<Part> {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => parts,
            HirKind::Literal(l) => {
                l.0.iter().fold(parts, |parts, byte| append_one_of(parts, &[byte.to_ascii_lowercase()]))
            }
            HirKind::Class(class) => match self.spelled_out(class) {
                Some(members) if parts.len() * members.len() <= CLASS_LITERALS_MAX || members.len() == 1 => {
                    append_one_of(parts, &members)
                }
                _ => cut(parts),
            },
            HirKind::Capture(capture) => self.append(parts, &capture.sub),
            HirKind::Concat(subs) => subs.iter().fold(parts, |parts, sub| self.append(parts, sub)),
            HirKind::Alternation(subs) => {
                let forks = subs.iter().flat_map(|sub| self.append(parts.clone(), sub)).collect();
                merged(forks).unwrap_or_else(|| cut(parts))
            }
            HirKind::Repetition(repetition) => self.append_turns(parts, repetition),
        }
    }

    fn append_turns(&self, parts: Vec<Part>, repetition: &Repetition) -> Vec<Part> {
        let (min, max) = (repetition.min, repetition.max);
        if (min, max) == (0, Some(1)) {
            let forks = parts.iter().cloned().chain(self.append(parts.clone(), &repetition.sub)).collect();
            return merged(forks).unwrap_or_else(|| cut(parts));
        }
        let parts = (0..min.min(TURNS_MAX)).fold(parts, |parts, _| self.append(parts, &repetition.sub));
        if max == Some(min) && min <= TURNS_MAX { parts } else { cut(parts) }
    }

    /// The lower-case members of a class that is small enough.
    fn spelled_out(&self, class: &Class) -> Option<Vec<u8>> {
        let folded: ByteSet = class_bytes(class)?.bytes().map(|byte| byte.to_ascii_lowercase()).collect();
        let members: Vec<u8> = folded.bytes().collect();
        let has_digits = members.iter().any(u8::is_ascii_digit);
        let most = match (has_digits, self.spells_digits) {
            (false, _) => CLASS_MAX,
            (true, true) => DIGITS_MAX,
            (true, false) => 1,
        };
        (1..=most).contains(&members.len()).then_some(members)
    }
}

/// Sorted, without those that hold another at their start; `None` when one is too short or they are too many.
fn usable(mut literals: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    literals.sort();
    literals.dedup_by(|later, earlier| later.starts_with(earlier));
    let is_long = |literal: &Vec<u8>| literal.len() >= LITERAL_LEN_MIN || literal == b"@";
    (literals.len() <= LITERALS_MAX && literals.iter().all(is_long)).then_some(literals)
}

/// A literal under construction.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    bytes: Vec<u8>,
    /// What follows is not known, so that it cannot grow.
    is_cut: bool,
}

fn append_one_of(parts: Vec<Part>, bytes: &[u8]) -> Vec<Part> {
    let grown = parts.into_iter().flat_map(|part| {
        let count = if part.is_cut { 1 } else { bytes.len() };
        bytes.iter().take(count).map(move |byte| {
            let mut part = part.clone();
            part.is_cut |= part.bytes.len() >= LITERAL_LEN_MAX;
            if !part.is_cut {
                part.bytes.push(*byte);
            }
            part
        })
    });
    let mut grown: Vec<Part> = grown.collect();
    grown.dedup();
    grown
}

fn cut(parts: Vec<Part>) -> Vec<Part> {
    parts.into_iter().map(|part| Part { is_cut: true, ..part }).collect()
}

fn merged(mut parts: Vec<Part>) -> Option<Vec<Part>> {
    parts.sort();
    parts.dedup();
    (parts.len() <= LITERALS_MAX).then_some(parts)
}

/// Adds each byte that a match of the expression can hold.
fn add_bytes(hir: &Hir, set: &mut ByteSet) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(l) => l.0.iter().for_each(|byte| set.insert(*byte)),
        HirKind::Class(class @ Class::Bytes(_)) => set.extend(class_bytes(class).unwrap_or(ByteSet::ALL)),
        HirKind::Class(Class::Unicode(characters)) => {
            sequences(characters).flatten().for_each(|bytes| set.extend(bytes))
        }
        HirKind::Capture(capture) => add_bytes(&capture.sub, set),
        HirKind::Repetition(repetition) => add_bytes(&repetition.sub, set),
        HirKind::Concat(subs) | HirKind::Alternation(subs) => subs.iter().for_each(|sub| add_bytes(sub, set)),
    }
}
