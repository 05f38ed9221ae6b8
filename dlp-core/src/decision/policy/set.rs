//! Several policies in force at once.

use super::{Policy, stronger};
use crate::decision::{Decision, HeadDecision, Transfer, TransferHead};
use std::time::SystemTime;

/// The policies in force, in order. There is always at least one.
#[derive(Clone, Debug)]
pub struct Policies {
    first: Policy,
    others: Vec<Policy>,
}

impl Policies {
    /// Policies in the order in which ties are resolved. None given means the built-in one.
    #[must_use]
    pub fn new(policies: Vec<Policy>) -> Self {
        let mut policies = policies.into_iter();
        match policies.next() {
            Some(first) => Self { first, others: policies.collect() },
            None => Self { first: Policy::builtin(), others: Vec::new() },
        }
    }

    /// The built-in policy alone.
    #[must_use]
    pub fn builtin() -> Self {
        Self::new(Vec::new())
    }

    /// The policies, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Policy> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The strongest decision of all policies about a transfer at the time `now`.
    #[must_use]
    pub fn decide(&self, transfer: &Transfer, now: SystemTime) -> Decision {
        let first = self.first.decide(transfer, now);
        self.others.iter().map(|policy| policy.decide(transfer, now)).fold(first, stronger)
    }

    /// What the head alone decides: a block of any policy is final, since nothing is stronger; otherwise the content
    /// is needed as soon as one policy needs it.
    #[must_use]
    pub fn decide_head(&self, head: &TransferHead, now: SystemTime) -> HeadDecision {
        let first = self.first.decide_head(head, now);
        self.others.iter().map(|policy| policy.decide_head(head, now)).fold(first, head_stronger)
    }
}

fn head_stronger(first: HeadDecision, second: HeadDecision) -> HeadDecision {
    use crate::decision::Action::Block;
    use HeadDecision::{Final, Inspect};
    match (first, second) {
        (Final(first), Final(second)) => Final(stronger(first, second)),
        (Final(decision), Inspect) | (Inspect, Final(decision)) if decision.action == Block => Final(decision),
        _ => Inspect,
    }
}
