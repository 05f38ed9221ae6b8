//! Values and what belongs to them: a secret and its id, a card and its expiry date.
//!
//! A secret access key opens something only with its id, and most secrets of such pairs have no shape of their own. So
//! a detector names its companions, and when one of theirs stands near, the value is raised, and each finding says
//! which others belong to it. What stands alone stays as it is: half of a pair is a leak too.
//!
//! So it is with people: a number of which many have the shape is somebody's when their name and day of birth stand
//! beside it. A government's number is raised by two different kinds of such data in one record.
//!
//! [`Joining`] stands between a sink and its observer. It holds back findings of detectors that take part in a pair,
//! until nothing can stand near them any more; all others pass at once.

use super::{Finding, Flow, ItemReport, LocatedProblem, Observer, Related};
use crate::base::{Category, Confidence, ConfidenceLevel, Span};
use crate::knowledge::{Role, glob_matches};
use crate::matching::{ALONE, DetectorIndex, DetectorSet, Reason, Step};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::OnceLock;

/// Bytes between two parts that belong together: ten lines of settings.
const NEAR_BYTES: u64 = 1024;

/// Bytes of a record of a person: a few lines of a form, a row of a table.
const RECORD_BYTES: u64 = 300;

/// What a record of a person has beside a number of theirs, and how many kinds of it say that it is one. Telephone
/// numbers are one kind, however they are written.
const PERSON: [&[&str]; 4] = [
    &["pii.intl.person-name"],
    &["pii.intl.birth-date"],
    &["pii.intl.postal-address"],
    &["pii.intl.phone", "pii.intl.phone-national"],
];
const PERSON_KINDS_MIN: usize = 2;

/// Data of people around, for each number of this kind, from which the number is hardly theirs: of a column of other numbers
/// some pass a check, while a column of theirs has one for each of them.
const PEOPLE_EACH_MAX: usize = 2;

/// What detectors of the numbers of companies have, whose numbers are nobody's.
const COMPANY_TAG: &str = "company";

/// Points of a number in such a record: what is just too little by itself is shown.
const PERSON_POINTS: i32 = 18;

/// The most that it gets to by that: shown, but never as sure.
const PERSON_POINTS_MAX: i32 = 84;

/// Findings that are held back at once; beyond it the oldest goes with what is known of it.
const HELD_MAX: usize = 512;

/// Parts that one finding names.
const RELATED_MAX: usize = 8;

/// A companion below this is hardly one: a specimen, or a number that happens to fit.
const COMPANION_POINTS_MIN: u8 = 45;

/// The place of a kind in [`PERSON`].
type PersonKind = usize;

/// Which detectors of a set belong together.
#[derive(Debug, Default)]
struct Pairs {
    /// Detectors that have companions, with these.
    companions: BTreeMap<DetectorIndex, Vec<DetectorIndex>>,
    /// Companions, with the detectors that they belong to.
    owners: BTreeMap<DetectorIndex, Vec<DetectorIndex>>,
    /// Numbers that governments give, and what names the person beside them.
    numbers: BTreeSet<DetectorIndex>,
    person: BTreeMap<DetectorIndex, PersonKind>,
}

impl Pairs {
    /// The pairs of a set.
    fn of(set: &DetectorSet) -> Self {
        let mut pairs = Self::default();
        let roles: Vec<(DetectorIndex, Role<'_>)> = (0..).map(DetectorIndex).zip(set.roles()).collect();
        for (owner, role) in roles.iter().filter(|(_, role)| !role.companions.is_empty()) {
            let names = |id: &str| role.companions.iter().any(|glob| glob_matches(glob, id));
            for (companion, _) in roles.iter().filter(|(index, other)| index != owner && names(other.id)) {
                pairs.companions.entry(*owner).or_default().push(*companion);
                pairs.owners.entry(*companion).or_default().push(*owner);
            }
        }
        let is_number = |role: &Role<'_>| {
            let is_of_company = role.tags.contains(&COMPANY_TAG);
            role.category == Category::GovernmentId && role.companions.is_empty() && !is_of_company
        };
        pairs.numbers.extend(roles.iter().filter(|(_, role)| is_number(role)).map(|(index, _)| *index));
        let kind = |role: &Role<'_>| PERSON.iter().position(|ids| ids.contains(&role.id));
        pairs.person.extend(roles.iter().filter_map(|(index, role)| Some((*index, kind(role)?))));
        if pairs.person.values().collect::<BTreeSet<_>>().len() < PERSON_KINDS_MIN {
            pairs.numbers.clear();
        }
        pairs
    }

    fn takes_part(&self, detector: DetectorIndex) -> bool {
        self.companions.contains_key(&detector)
            || self.owners.contains_key(&detector)
            || !self.numbers.is_empty() && (self.numbers.contains(&detector) || self.person.contains_key(&detector))
    }

    fn is_pair(&self, owner: DetectorIndex, companion: DetectorIndex) -> bool {
        self.companions.get(&owner).is_some_and(|companions| companions.contains(&companion))
    }
}

/// The pairs of a set, told when something is found: most runs of the program find nothing.
#[derive(Debug, Default)]
pub(crate) struct PairsOnce(OnceLock<Pairs>);

/// What is remembered of a finding that was let go.
struct Seen {
    related: Related,
    is_companion: bool,
}

/// An observer that joins what belongs together and hands it on.
pub(crate) struct Joining<'a> {
    set: &'a DetectorSet,
    pairs: &'a PairsOnce,
    inner: &'a mut dyn Observer,
    held: VecDeque<Finding>,
    /// Of the part that is passing, those that are held included.
    seen: VecDeque<Seen>,
}

impl<'a> Joining<'a> {
    /// An observer before another one. Ends with [`finish`](Self::finish).
    pub(crate) fn new(set: &'a DetectorSet, pairs: &'a PairsOnce, inner: &'a mut dyn Observer) -> Self {
        Self { set, pairs, inner, held: VecDeque::new(), seen: VecDeque::new() }
    }

    fn pairs(&self) -> &'a Pairs {
        self.pairs.0.get_or_init(|| Pairs::of(self.set))
    }

    /// Hands on what is still held.
    pub(crate) fn finish(mut self) {
        let _ = self.release(usize::MAX);
    }

    /// Hands on the oldest ones.
    fn release(&mut self, count: usize) -> Flow {
        let mut flow = Flow::Continue;
        for mut finding in self.held.drain(..count.min(self.held.len())).collect::<Vec<_>>() {
            self.join(&mut finding);
            if self.inner.finding(finding) == Flow::Stop {
                flow = Flow::Stop;
            }
        }
        flow
    }

    /// Names the others that stand near, and raises a value that has a companion there.
    fn join(&self, finding: &mut Finding) {
        let (detector, span) = (finding.detector, finding.location.span);
        let near = self.seen.iter().filter(|seen| distance(seen.related.span, span) <= NEAR_BYTES);
        let mut others: Vec<&Seen> = near
            .filter(|seen| {
                let other = seen.related.detector;
                let is_companion = seen.is_companion && self.pairs().is_pair(detector, other);
                is_companion || self.pairs().is_pair(other, detector)
            })
            .collect();
        others.sort_by_key(|seen| (distance(seen.related.span, span), seen.related.span.start));
        others.truncate(RELATED_MAX);
        let companion = others.iter().find(|seen| self.pairs().is_pair(detector, seen.related.detector));
        if let Some(companion) = companion {
            let change = i32::from(self.set.detector(detector).score.companion);
            let detail = format!("beside its {}", self.set.detector(companion.related.detector).title);
            finding.reasons.push(Reason { step: Step::Context, detail: detail.into(), change });
            let sum = finding.reasons.iter().map(|reason| reason.change).sum();
            finding.confidence = Confidence::from_points(sum);
        }
        finding.related = others.into_iter().map(|seen| seen.related).collect();
        self.join_person(finding);
    }

    /// Raises a number of a person in whose record two kinds of data of them stand, and names these.
    fn join_person(&self, finding: &mut Finding) {
        let sum: i32 = finding.reasons.iter().map(|reason| reason.change).sum();
        let change = PERSON_POINTS.min(PERSON_POINTS_MAX - sum);
        // Where something speaks against the value, those around it say no more.
        let speaks_against = |reason: &Reason| reason.step == Step::Penalty && reason.detail != ALONE;
        let is_doubtful = finding.reasons.iter().any(speaks_against);
        if !self.pairs().numbers.contains(&finding.detector) || is_doubtful || change <= 0 {
            return;
        }
        let span = finding.location.span;
        let is_near = |seen: &&Seen| distance(seen.related.span, span) <= RECORD_BYTES;
        let mut kinds: BTreeMap<PersonKind, &Seen> = BTreeMap::new();
        for seen in self.seen.iter().filter(is_near).filter(|seen| seen.is_companion) {
            if let Some(kind) = self.pairs().person.get(&seen.related.detector) {
                kinds.entry(*kind).or_insert(seen);
            }
        }
        if kinds.len() < PERSON_KINDS_MIN || self.are_mostly_without(finding) {
            return;
        }
        let title = |seen: &&Seen| self.set.detector(seen.related.detector).title.as_str();
        let titles: Vec<&str> = kinds.values().map(title).collect();
        let detail = format!("in the record of a person: {}", titles.join(", "));
        finding.reasons.push(Reason { step: Step::Context, detail: detail.into(), change });
        finding.confidence = Confidence::from_points(sum + change);
        finding.related.extend(kinds.into_values().map(|seen| seen.related));
    }

    /// Whether most people around a number have none of its kind.
    fn are_mostly_without(&self, number: &Finding) -> bool {
        let span = number.location.span;
        let near = || self.seen.iter().filter(|seen| distance(seen.related.span, span) <= NEAR_BYTES);
        let numbers = near().filter(|seen| seen.related.detector == number.detector).count();
        let mut people = [0; PERSON.len()];
        for seen in near().filter(|seen| seen.is_companion) {
            if let Some(kind) = self.pairs().person.get(&seen.related.detector) {
                people[*kind] += 1;
            }
        }
        let least = people.into_iter().filter(|count| *count > 0).min().unwrap_or(0);
        least > PEOPLE_EACH_MAX * numbers
    }

    /// How many of those that are held nothing can join that begins at an offset or behind it.
    fn decided_before(&self, offset: u64) -> usize {
        let is_behind = |held: &&Finding| held.location.span.end.0.saturating_add(NEAR_BYTES) < offset;
        self.held.iter().take_while(is_behind).count()
    }
}

/// Bytes between two spans; 0 when they touch.
fn distance(a: Span, b: Span) -> u64 {
    let (first, second) = if a.start <= b.start { (a, b) } else { (b, a) };
    second.start.0.saturating_sub(first.end.0)
}

/// Whether two findings stand in the same text.
fn is_same_part(a: &Finding, b: &Finding) -> bool {
    let (a, b) = (&a.location, &b.location);
    a.offset_base == b.offset_base && a.part == b.part && a.container == b.container
}

impl Observer for Joining<'_> {
    fn finding(&mut self, finding: Finding) -> Flow {
        if !self.pairs().takes_part(finding.detector) {
            return self.inner.finding(finding);
        }
        let mut flow = Flow::Continue;
        if self.held.back().is_some_and(|last| !is_same_part(last, &finding)) {
            flow = self.release(usize::MAX);
            self.seen.clear();
        }
        let start = finding.location.span.start.0;
        let decided = self.decided_before(start).max((self.held.len() + 1).saturating_sub(HELD_MAX));
        if decided > 0 && self.release(decided) == Flow::Stop {
            flow = Flow::Stop;
        }
        let oldest = self.held.front().map_or(start, |held| held.location.span.start.0);
        while self.seen.front().is_some_and(|seen| seen.related.span.end.0.saturating_add(NEAR_BYTES) < oldest) {
            self.seen.pop_front();
        }
        let line = finding.location.start.map(|place| place.line);
        self.seen.push_back(Seen {
            related: Related { detector: finding.detector, span: finding.location.span, line },
            is_companion: finding.confidence.score() >= COMPANION_POINTS_MIN,
        });
        self.held.push_back(finding);
        flow
    }

    fn settled(&mut self, offset: u64) -> Flow {
        let decided = self.decided_before(offset);
        if decided > 0 { self.release(decided) } else { Flow::Continue }
    }

    fn problem(&mut self, problem: LocatedProblem) {
        self.inner.problem(problem);
    }

    fn item(&mut self, item: ItemReport) {
        let _ = self.release(usize::MAX);
        self.seen.clear();
        self.inner.item(item);
    }

    fn only_counts(&self) -> bool {
        self.inner.only_counts()
    }

    fn takes_any_number_of(&self, level: ConfidenceLevel) -> bool {
        self.inner.takes_any_number_of(level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Cancel, Limits};
    use crate::content::{Extraction, Input, MatchingSink, extract};
    use crate::knowledge::Catalogue;
    use crate::matching::Scratch;

    /// Keeps the findings.
    #[derive(Default)]
    struct Kept(Vec<Finding>);

    impl Observer for Kept {
        fn finding(&mut self, finding: Finding) -> Flow {
            self.0.push(finding);
            Flow::Continue
        }

        fn problem(&mut self, problem: LocatedProblem) {
            panic!("no problem was expected: {problem:?}");
        }

        fn item(&mut self, _item: ItemReport) {}
    }

    const DETECTORS: &str = r#"
[[detector]]
id = "test.acme.id"
title = "Acme id"
description = ""
category = "secret"
severity = "low"
patterns = ['AID[0-9]{6}']
score = { pattern = 60 }

[[detector]]
id = "test.acme.secret"
title = "Acme secret"
description = ""
category = "secret"
severity = "high"
patterns = ['acme_[0-9]{6}']
score = { pattern = 62, companion = 25 }
companions = ["test.acme.id"]
"#;

    /// What is found in a text, joined.
    fn joined(set: &DetectorSet, text: &str) -> Vec<Finding> {
        let (pairs, limits, cancel) = (PairsOnce::default(), Limits::batch(), Cancel::default());
        let (mut kept, mut scratch) = (Kept::default(), Scratch::new());
        let mut joining = Joining::new(set, &pairs, &mut kept);
        let mut sink = MatchingSink::new(set, &mut scratch, &limits, &mut joining);
        let extraction = Extraction { limits: &limits, cancel: &cancel, risky: None };
        let outcome = extract("a.txt", Input::Bytes(text.as_bytes()), extraction, &mut sink);
        let _ = sink.finish(outcome);
        joining.finish();
        kept.0
    }

    fn found(text: &str) -> Vec<(String, u8, usize)> {
        let mut catalogue = Catalogue::empty();
        catalogue.add_file("test", DETECTORS).expect("detectors");
        let set = DetectorSet::compile(catalogue).expect("set");
        let mut findings = joined(&set, text);
        findings.sort_by_key(|finding| finding.location.span.start);
        let row = |finding: &Finding| {
            let sum: i32 = finding.reasons.iter().map(|reason| reason.change).sum();
            assert_eq!(finding.confidence, Confidence::from_points(sum), "the reasons sum to the score");
            let value = String::from_utf8_lossy(finding.value.expose()).into_owned();
            (value, finding.confidence.score(), finding.related.len())
        };
        findings.iter().map(row).collect()
    }

    #[test]
    fn a_secret_is_raised_by_the_id_near_it() {
        let (id, secret) = ("AID394857", "acme_572943");
        let far = ". ".repeat(600);
        let near = ". ".repeat(200);
        type Row = (String, Vec<(&'static str, u8, usize)>);
        let rows: Vec<Row> = vec![
            (secret.to_owned(), vec![(secret, 62, 0)]),
            (id.to_owned(), vec![(id, 60, 0)]),
            (format!("id = {id}\nsecret = {secret}"), vec![(id, 60, 1), (secret, 87, 1)]),
            (format!("secret = {secret}\nid = {id}"), vec![(secret, 87, 1), (id, 60, 1)]),
            (format!("{id}{near}{secret}"), vec![(id, 60, 1), (secret, 87, 1)]),
            (format!("{id}{far}{secret}"), vec![(id, 60, 0), (secret, 62, 0)]),
            (format!("{secret}{far}{id} {secret}"), vec![(secret, 62, 0), (id, 60, 1), (secret, 87, 1)]),
        ];
        for (text, expected) in rows {
            let found = found(&text);
            let found: Vec<_> =
                found.iter().map(|(value, score, related)| (value.as_str(), *score, *related)).collect();
            assert_eq!(found, expected, "{text:.60}");
        }
    }

    #[test]
    fn a_number_is_raised_in_the_record_of_a_person() {
        let set = DetectorSet::builtin().expect("built-in detectors");
        let level = |text: &str, id: &str| {
            let findings = joined(&set, text);
            let found = findings.iter().find(|finding| set.detector(finding.detector).id == id).expect("it is found");
            let is_named = found.reasons.iter().any(|reason| reason.detail.starts_with("in the record of a person"));
            (is_named, found.related.len(), found.confidence.level() >= ConfidenceLevel::Medium)
        };
        let name = "Full name: Anna Kowalska\n";
        let rows = [
            ("44051401359".to_owned(), (false, 0, false)),
            (format!("{name}44051401359"), (false, 0, false)),
            (format!("{name}Date of birth: 14.05.1944\n44051401359"), (true, 2, true)),
            (format!("{name}Date of birth: 14.05.1944\n{}44051401359", ". ".repeat(400)), (false, 0, false)),
            (format!("{name}Telephone: 600 123 456\n\n44051401359"), (true, 2, true)),
            (format!("{name}Telephone: +48 600 123 456\n\n44051401359"), (true, 2, true)),
            ("Telephone: +48 600 123 456, Telephone: 600 123 456\n\n44051401359".to_owned(), (false, 0, false)),
        ];
        rows.iter().for_each(|(text, expected)| assert_eq!(level(text, "pii.pl.pesel"), *expected, "{text}"));
        let person = format!("{name}Date of birth: 14.05.1944\n");
        // The number of a company is nobody's, and one that is set aside for examples is none, whoever stands beside it.
        let rows = [("REGON: 730459176", "pii.pl.regon"), ("SSN: 078-05-1120", "pii.us.ssn")];
        for (text, id) in rows {
            assert!(!level(&format!("{person}{text}"), id).0, "{text}");
        }
    }

    #[test]
    fn a_card_and_an_illness_are_surer_beside_what_belongs_to_them() {
        let set = DetectorSet::builtin().expect("built-in detectors");
        let level = |text: &str, id: &str| {
            let findings = joined(&set, text);
            findings
                .iter()
                .find(|finding| set.detector(finding.detector).id == id)
                .map(|finding| finding.confidence.level())
        };
        let (medium, high) = (Some(ConfidenceLevel::Medium), Some(ConfidenceLevel::High));
        let rows = [
            ("paid with 4539148803436467 in May", "finance.card.pan", medium),
            ("paid with 4539148803436467, valid thru 12/29", "finance.card.pan", high),
            ("4539148803436467 CVV: 123", "finance.card.pan", high),
            ("patient of ward 3, diagnosis: type 2 diabetes", "health.terms", medium),
            ("Patient name: Anna Kowalska\nDiagnosis: type 2 diabetes", "health.terms", high),
        ];
        rows.iter().for_each(|(text, id, expected)| assert_eq!(level(text, id), *expected, "{text}"));
    }

    #[test]
    fn a_number_among_people_who_have_none_is_not_theirs() {
        let set = DetectorSet::builtin().expect("built-in detectors");
        let raised = |numbers: &[&str]| {
            let record = |number: &&str| format!("Full name: Anna Kowalska\nDate of birth: 14.05.1944\n{number}\n\n");
            let text: String = numbers.iter().map(record).collect();
            let findings = joined(&set, &text);
            let is_raised = |finding: &&Finding| {
                finding.reasons.iter().any(|reason| reason.detail.starts_with("in the record of a person"))
            };
            findings.iter().filter(is_raised).count()
        };
        assert_eq!(raised(&["44051401359", "02070803628"]), 2);
        assert_eq!(raised(&["44051401359", "12345"]), 1);
        assert_eq!(raised(&["12345", "44051401359", "12345", "12345"]), 0);
        assert_eq!(raised(&["ref: 44051401359"]), 0, "its own name is another one");
        assert_eq!(raised(&["number: 44051401359"]), 1);
    }

    #[test]
    fn nothing_is_lost_however_many_there_are() {
        let text: String =
            (0..2_000).map(|n| format!("AID{:06} acme_{:06}\n", 100_000 + n * 7, 100_000 + n * 13)).collect();
        let found = found(&text);
        assert_eq!(found.len(), 4_000);
        assert!(found.iter().all(|(_, _, related)| (1..=RELATED_MAX).contains(related)));
    }
}
