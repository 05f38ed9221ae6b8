//! Policies: ordered rules, the first that holds decides, exceptions lift a rule for a time.
//!
//! The evaluation, in order:
//! 1. Credentials that go to their own service are set aside, see `home`.
//! 2. Rules are tried from top to bottom. The first whose conditions hold and that no live exception lifts gives the
//!    candidate; without one the policy's default does.
//! 3. When inspection was incomplete, a second candidate comes from the fail mode of the first rule whose conditions
//!    *other than what* hold, since what could not be read might have fulfilled that one too.
//! 4. The stage caps both, the stronger one is taken.
//! 5. Across policies the strongest wins; on a tie the first policy. An `allow` of one policy never lifts a block of
//!    another.

mod condition;
mod exception;
mod file;
mod home;
mod set;

pub use set::Policies;

use super::{Action, Decision, DetectorSummary, FailMode, HeadDecision, Stage, Transfer, TransferHead};
use crate::base::Severity;
use condition::{ChannelCondition, WhatCondition, WhereCondition, WhoCondition};
use exception::Exception;
use home::{Home, away_from_home};
use std::time::SystemTime;
use thiserror::Error;

/// Name of the pack that is in force when nothing is configured.
const BUILTIN_PACK: &str = "personal-cloud";

/// Message id of decisions that come from a fail mode: what a rule would say of findings does not apply there.
const INCOMPLETE_MESSAGE: &str = "incomplete-inspection";

/// Rule id of such decisions. The rule that lent its fail mode found nothing, so the decision is not in its name.
const INCOMPLETE_RULE: &str = "incomplete-inspection";

/// Why a policy file cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The TOML itself is wrong: syntax, an unknown key, a word that is not on the list. The text shows line, column,
    /// a caret and the allowed words.
    #[error("{file}: {message}")]
    Syntax {
        /// Name of the file as the caller gave it.
        file: String,
        /// Rendered excerpt with caret.
        message: String,
    },
    /// The file is readable, but a part of it contradicts itself.
    #[error("{file}:{line}: {part}: {message}")]
    Part {
        /// Name of the file as the caller gave it.
        file: String,
        /// 1-based line where the part starts.
        line: usize,
        /// Which part, for example ``rule `secrets` ``.
        part: String,
        /// What was expected and what was found.
        message: String,
    },
}

/// An ordered list of rules with its default.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Stable id.
    pub id: String,
    /// Name for people.
    pub title: String,
    /// Counted up by whoever changes it.
    pub version: u32,
    /// SHA-256 of the file, as `sha256:` and 64 hex digits.
    pub hash: String,
    stage: Stage,
    default: Action,
    fail_mode: FailMode,
    rules: Vec<Rule>,
    homes: Vec<Home>,
}

#[derive(Clone, Debug)]
struct Rule {
    id: String,
    title: String,
    stage: Stage,
    severity: Severity,
    who: WhoCondition,
    what: Option<WhatCondition>,
    place: WhereCondition,
    channel: ChannelCondition,
    /// What the `not_` form of a condition answers when the fact it asks for is missing.
    missing_matches: bool,
    action: Action,
    fail_mode: Option<FailMode>,
    message: Option<String>,
    exceptions: Vec<Exception>,
}

/// An action before the stage, with where it comes from.
struct Candidate<'p> {
    rule: Option<&'p Rule>,
    action: Action,
    fail: Option<FailMode>,
    reasons: Vec<String>,
}

impl Policy {
    /// Reads a policy file. `name` is used in messages only.
    ///
    /// # Errors
    /// [`PolicyError::Syntax`] for wrong TOML, unknown keys or words; [`PolicyError::Part`] for the first rule or
    /// exception that contradicts itself.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, PolicyError> {
        file::parse(name, text)
    }

    /// The policy in force when nothing is configured: sensitive data does not go to personal cloud storage.
    #[must_use]
    pub fn builtin() -> Self {
        let (name, text) = dlp_patterns::policies()
            .iter()
            .find(|(name, _)| *name == BUILTIN_PACK)
            .expect("the pack is part of the source tree, which a test checks");
        Self::from_toml(&format!("patterns/policy/{name}.toml"), text).expect("a test reads every built-in pack")
    }

    /// Decides about a transfer at the time `now`.
    #[must_use]
    pub fn decide(&self, transfer: &Transfer, now: SystemTime) -> Decision {
        let mut lifted = Lifted::default();
        let found = self.candidate(transfer, now, &mut lifted);
        let mut decision = self.decision(found, &transfer.head);
        if transfer.item.inspection.is_incomplete() {
            let failed = self.fail_candidate(transfer, now, &mut lifted);
            decision = stronger(decision, self.decision(failed, &transfer.head));
        }
        lifted.note_in(&mut decision);
        decision
    }

    /// Decides from the head alone, as far as that is possible.
    #[must_use]
    pub fn decide_head(&self, head: &TransferHead, now: SystemTime) -> HeadDecision {
        let mut lifted = Lifted::default();
        for rule in &self.rules {
            let holds = rule.holds_for_head(head);
            if !holds || lifted.lifts(rule, head, now) {
                continue;
            }
            if rule.what.is_some() {
                return HeadDecision::Inspect;
            }
            let mut decision = self.decision(Candidate::of_rule(rule), head);
            lifted.note_in(&mut decision);
            return HeadDecision::Final(decision);
        }
        let mut decision = self.decision(self.default_candidate(), head);
        lifted.note_in(&mut decision);
        HeadDecision::Final(decision)
    }

    fn candidate<'p>(&'p self, transfer: &Transfer, now: SystemTime, lifted: &mut Lifted) -> Candidate<'p> {
        let (findings, notes) = away_from_home(&self.homes, transfer);
        let mut candidate = self.first_that_holds((transfer, &findings), now, lifted);
        candidate.reasons.extend(notes);
        candidate
    }

    fn first_that_holds<'p>(
        &'p self,
        (transfer, findings): (&Transfer, &[DetectorSummary]),
        now: SystemTime,
        lifted: &mut Lifted,
    ) -> Candidate<'p> {
        for rule in &self.rules {
            if !rule.holds_for_head(&transfer.head) {
                continue;
            }
            let matched = rule.what.as_ref().map_or(Some(Vec::new()), |what| what.matched(&transfer.item, findings));
            let Some(what_reasons) = matched else { continue };
            if !lifted.lifts(rule, &transfer.head, now) {
                let mut candidate = Candidate::of_rule(rule);
                candidate.reasons.extend(what_reasons);
                return candidate;
            }
        }
        self.default_candidate()
    }

    fn fail_candidate<'p>(&'p self, transfer: &Transfer, now: SystemTime, lifted: &mut Lifted) -> Candidate<'p> {
        let holds = |rule: &&Rule| rule.holds_for_head(&transfer.head) && !lifted.lifts(rule, &transfer.head, now);
        let rule = self.rules.iter().find(holds);
        let mode = rule.and_then(|rule| rule.fail_mode).unwrap_or(self.fail_mode);
        let inspection = &transfer.item.inspection;
        let mut causes: Vec<&str> = inspection.problems.iter().map(|p| p.reason.as_str()).collect();
        causes.dedup();
        let causes = if causes.is_empty() { String::new() } else { format!(" ({})", causes.join(", ")) };
        let of_rule = rule.filter(|rule| rule.fail_mode.is_some()).map(|rule| format!(" of rule `{}`", rule.id));
        let of_rule = of_rule.unwrap_or_default();
        let outcome = inspection.completeness;
        let reason = format!("inspection was incomplete: {outcome}{causes}; fail mode {mode}{of_rule}");
        Candidate { rule, action: mode.action(), fail: Some(mode), reasons: vec![reason] }
    }

    fn default_candidate(&self) -> Candidate<'_> {
        let reason = format!("no rule of policy `{}` applies; its default is {}", self.id, self.default);
        Candidate { rule: None, action: self.default, fail: None, reasons: vec![reason] }
    }

    fn title_of(&self, candidate: &Candidate<'_>) -> String {
        match (candidate.fail, candidate.rule) {
            (Some(_), _) => "Content that could not be inspected".to_owned(),
            (None, Some(rule)) => rule.title.clone(),
            (None, None) => self.title.clone(),
        }
    }

    /// Caps a candidate by the stages and writes it out.
    fn decision(&self, candidate: Candidate<'_>, head: &TransferHead) -> Decision {
        let stage = candidate.rule.map_or(self.stage, |rule| rule.stage.min(self.stage));
        let action = stage.cap(candidate.action);
        let title = self.title_of(&candidate);
        let mut reasons = candidate.reasons;
        reasons.push(condition::describe_destination(head));
        reasons.push(condition::describe_actor(&head.actor));
        if action != candidate.action {
            reasons.push(format!("stage {stage} turns {} into {action}", candidate.action));
        }
        Decision {
            action,
            would_decide: candidate.action,
            policy: self.id.clone(),
            policy_version: self.version,
            rule: match candidate.fail {
                Some(_) => Some(INCOMPLETE_RULE.to_owned()),
                None => candidate.rule.map(|rule| rule.id.clone()),
            },
            title,
            severity: candidate.rule.map_or(Severity::Informational, |rule| rule.severity),
            message: match candidate.fail {
                Some(_) => Some(INCOMPLETE_MESSAGE.to_owned()),
                None => candidate.rule.and_then(|rule| rule.message.clone()),
            },
            fail: candidate.fail,
            exceptions: Vec::new(),
            reasons,
        }
    }
}

impl Rule {
    /// Whether every condition but *what* holds.
    fn holds_for_head(&self, head: &TransferHead) -> bool {
        let missing = self.missing_matches;
        self.who.holds(&head.actor, missing)
            && self.place.holds(&head.destination, missing)
            && self.channel.holds(head.channel, head.activity)
    }
}

impl<'p> Candidate<'p> {
    fn of_rule(rule: &'p Rule) -> Self {
        let reason = format!("rule `{}`: {}", rule.id, rule.title);
        Self { rule: Some(rule), action: rule.action, fail: None, reasons: vec![reason] }
    }
}

/// The exceptions that lifted a rule during one evaluation.
#[derive(Default)]
struct Lifted(Vec<(String, String)>);

impl Lifted {
    fn lifts(&mut self, rule: &Rule, head: &TransferHead, now: SystemTime) -> bool {
        let live = |exception: &&Exception| exception.is_live(now) && exception.covers(head);
        let Some(exception) = rule.exceptions.iter().find(live) else { return false };
        if !self.0.iter().any(|(id, _)| *id == exception.id) {
            let note = format!("exception `{}` lifts rule `{}`: {}", exception.id, rule.id, exception.reason);
            self.0.push((exception.id.clone(), note));
        }
        true
    }

    fn note_in(self, decision: &mut Decision) {
        for (id, note) in self.0 {
            decision.exceptions.push(id);
            decision.reasons.push(note);
        }
    }
}

/// The stronger of two decisions of one policy, with the reasons of both; the first wins a tie.
fn stronger(first: Decision, second: Decision) -> Decision {
    let (mut winner, loser) = if second.action > first.action { (second, first) } else { (first, second) };
    winner.would_decide = winner.would_decide.max(loser.would_decide);
    for reason in loser.reasons {
        if !winner.reasons.contains(&reason) {
            winner.reasons.push(reason);
        }
    }
    winner
}

#[cfg(test)]
mod tests;
