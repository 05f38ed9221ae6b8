//! The automaton of a branch, followed through all its states at once.
//!
//! Shapes and what stands behind a literal are read from it, because runs and literals cross the parts of an expression:
//! what the syntax tree keeps apart, the automaton has side by side.

use super::byte_set::ByteSet;
use regex_automata::nfa::thompson::{Config, NFA, State, WhichCaptures};
use regex_automata::util::primitives::StateID;
use regex_syntax::hir::Hir;

/// A set of states that take a byte or end a match, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct States(Vec<StateID>);

impl States {
    pub(super) fn extend(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
        self.0.sort_unstable();
        self.0.dedup();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// An automaton that is in several states at once. Assertions of place are passed over, which only adds matches.
pub(super) struct Automaton(NFA);

impl Automaton {
    /// The automaton of a branch, unless it is too large to be built.
    pub(super) fn new(branch: &Hir) -> Option<Self> {
        let config = Config::new().utf8(false).which_captures(WhichCaptures::None);
        NFA::compiler().configure(config).build_from_hir(branch).ok().map(Self)
    }

    /// Every state that a match can be in.
    pub(super) fn everywhere(&self) -> States {
        let mut seen = vec![false; self.0.states().len()];
        let mut open = self.start().0;
        let mut states = States::default();
        while let Some(state) = open.pop() {
            if std::mem::replace(&mut seen[state.as_usize()], true) {
                continue;
            }
            states.0.push(state);
            each_transition(self.0.state(state), &mut |_, _, next| {
                if !seen[next.as_usize()] {
                    open.extend(self.rest(vec![next]).0);
                }
            });
        }
        states.0.sort_unstable();
        states
    }

    pub(super) fn start(&self) -> States {
        self.rest(vec![self.0.start_anchored()])
    }

    /// The states behind one byte that passes.
    pub(super) fn step(&self, from: &States, passes: impl Fn(u8) -> bool) -> States {
        let mut to = Vec::new();
        for state in &from.0 {
            each_transition(self.0.state(*state), &mut |start, end, next| {
                if (start..=end).any(&passes) {
                    to.push(next);
                }
            });
        }
        self.rest(to)
    }

    /// The states behind any number of bytes that pass.
    pub(super) fn closure(&self, mut from: States, passes: impl Fn(u8) -> bool) -> States {
        loop {
            let mut more = self.step(&from, &passes);
            more.extend(&from);
            if more == from {
                return from;
            }
            from = more;
        }
    }

    /// Where states that take nothing lead to.
    fn rest(&self, mut open: Vec<StateID>) -> States {
        let mut seen = vec![false; self.0.states().len()];
        let mut states = States::default();
        while let Some(state) = open.pop() {
            if std::mem::replace(&mut seen[state.as_usize()], true) {
                continue;
            }
            match self.0.state(state) {
                State::Look { next, .. } | State::Capture { next, .. } => open.push(*next),
                State::Union { alternates } => open.extend(alternates.iter()),
                State::BinaryUnion { alt1, alt2 } => open.extend([*alt1, *alt2]),
                State::Fail => {}
                _ => states.0.push(state),
            }
        }
        states.0.sort_unstable();
        states
    }

    /// The bytes that some state takes.
    pub(super) fn bytes(&self, at: &States) -> ByteSet {
        let mut bytes = ByteSet::default();
        for state in &at.0 {
            each_transition(self.0.state(*state), &mut |start, end, _| {
                (start..=end).for_each(|byte| bytes.insert(byte));
            });
        }
        bytes
    }

    pub(super) fn is_match(&self, at: &States) -> bool {
        at.0.iter().any(|state| matches!(self.0.state(*state), State::Match { .. }))
    }
}

fn each_transition(state: &State, each: &mut dyn FnMut(u8, u8, StateID)) {
    match state {
        State::ByteRange { trans } => each(trans.start, trans.end, trans.next),
        State::Sparse(sparse) => sparse.transitions.iter().for_each(|trans| each(trans.start, trans.end, trans.next)),
        State::Dense(dense) => (0..=255u8)
            .filter_map(|byte| dense.matches_byte(byte).map(|next| (byte, next)))
            .for_each(|(byte, next)| each(byte, byte, next)),
        _ => {}
    }
}
