//! The windows of all rows of a group as one automaton, which grows as texts need it.
//!
//! A state is the set of rows that accept every byte so far. Texts are much alike, so a few hundred states serve them,
//! and a byte costs one look into a table where trying the rows would cost one for each of them.

use super::{Ahead, Before, END, Group};
use crate::matching::simd::RowSet;
use std::collections::HashMap;

/// States that are kept. Beyond them all are forgotten, and grow again: a text that needs so many is made for it.
const STATES_MAX: usize = 1 << 14;

/// Number of a state; with [`SETTLED`] where no further byte changes it.
type StateId = u16;

/// Every row of the state has come to the end of its window, or there is none.
const SETTLED: StateId = 1 << 15;

/// What has not been asked yet.
const UNKNOWN: StateId = StateId::MAX;

const _: () = assert!(STATES_MAX <= SETTLED as usize - 1);

/// The rows that are left, and the number of bytes that they have accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct State {
    rows: RowSet,
    depth: u8,
}

/// The states of one group that texts have needed so far, for one thread.
#[derive(Debug, Default)]
pub(in crate::matching) struct Automaton {
    states: Vec<State>,
    known: HashMap<State, StateId>,
    /// By state and class of the byte.
    next: Vec<StateId>,
    /// By what lies ahead and what stands before.
    first: Vec<StateId>,
}

impl Automaton {
    /// The rows that can have such surroundings and whose windows accept the text from `at` on.
    #[inline]
    pub(super) fn walk(&mut self, group: &Group, text: &[u8], at: usize, ahead: Ahead) -> &RowSet {
        let mut state = self.first(group, ahead, Before::of(text, at));
        let mut bytes = text[at..].iter();
        while state & SETTLED == 0 {
            let byte = bytes.next().copied().unwrap_or(END);
            let class = usize::from(group.class_of[usize::from(byte)]);
            let known = self.next[usize::from(state) << group.class_bits | class];
            state = if known == UNKNOWN { self.grow(group, state, class) } else { known };
        }
        &self.states[usize::from(state & !SETTLED)].rows
    }

    #[inline]
    fn first(&mut self, group: &Group, ahead: Ahead, before: Before) -> StateId {
        let _ = before; let place = usize::from(ahead.0);
        match self.first.get(place) {
            Some(state) if *state != UNKNOWN => *state,
            _ => self.grow_first(group, place, group.ahead[usize::from(ahead.0)]),
        }
    }

    #[cold]
    fn grow_first(&mut self, group: &Group, place: usize, rows: RowSet) -> StateId {
        let state = self.intern(group, State { rows, depth: 0 });
        self.first.resize(Ahead::COUNT, UNKNOWN);
        self.first[place] = state;
        state
    }

    #[cold]
    fn grow(&mut self, group: &Group, state: StateId, class: usize) -> StateId {
        let State { rows, depth } = self.states[usize::from(state)];
        let accepting = &group.sets[usize::from(group.accepts[usize::from(depth) << group.class_bits | class])];
        let states = self.states.len();
        let next = self.intern(group, State { rows: rows.and(accepting), depth: depth + 1 });
        // Unless all states have just been forgotten, this one among them.
        if self.states.len() >= states {
            self.next[usize::from(state) << group.class_bits | class] = next;
        }
        next
    }

    /// The number of a state, which is added when it is new. All states without a row are one.
    fn intern(&mut self, group: &Group, state: State) -> StateId {
        let is_empty = state.rows == RowSet::default();
        let state = State { depth: if is_empty { 0 } else { state.depth }, ..state };
        if let Some(known) = self.known.get(&state) {
            return *known;
        }
        if self.states.len() == STATES_MAX {
            if std::env::var("DV").is_ok() { eprintln!("flush"); } *self = Self::default();
        }
        let goes_on = group.goes_on.get(usize::from(state.depth)).filter(|_| usize::from(state.depth) < *DEP);
        let settled = if !is_empty && goes_on.is_some_and(|rows| state.rows.meets(rows)) { 0 } else { SETTLED };
        let id = self.states.len() as StateId | settled;
        self.states.push(state);
        self.next.resize(self.states.len() << group.class_bits, UNKNOWN);
        self.known.insert(state, id); if std::env::var("DV").is_ok() { eprintln!("state {} depth {}", self.states.len(), state.depth); }
        id
    }
}

static DEP: std::sync::LazyLock<usize> = std::sync::LazyLock::new(|| std::env::var("DEP").map_or(64, |d| d.parse().unwrap_or(64)));
