//! From findings to records: order, ids, masks.
//!
//! Ids count occurrences inside a part, so a file's findings are projected together, and before any of them is filtered
//! by confidence: the id of a finding must not depend on what else the user wants to see.

use super::identity::{IdentityKey, finding_id, normalised, value_hmac};
use super::labels::Labels;
use super::{
    ConfidenceRecord, FindingRecord, GitRecord, Identity, ItemPath, LabelsRecord, LocationRecord, ProblemRecord,
    ReasonRecord, RelatedRecord, State, ValidatorRecord,
};
use crate::content::{Finding, LocatedProblem, Location};
use crate::knowledge::Detector;
use crate::knowledge::validators::Verdict;
use crate::matching::{DetectorSet, TableCell, ValidatorResult};
use std::collections::HashMap;

/// The file whose findings are projected.
#[derive(Clone, Copy)]
pub struct FileSubject<'a> {
    /// Path as reports show it.
    pub path: &'a ItemPath,
    /// Raw bytes of the path.
    pub path_raw: &'a [u8],
    /// Place in a repository's history.
    pub git: Option<&'a GitRecord>,
    /// Key for ids and value hashes.
    pub key: Option<&'a IdentityKey>,
}

/// Sorts the findings of one file and turns each into its record. The records run parallel to the findings.
/// The findings must come from the set.
pub fn project(subject: FileSubject<'_>, set: &DetectorSet, findings: &mut [Finding]) -> Vec<FindingRecord> {
    let mut records = Vec::with_capacity(findings.len());
    project_each(subject, set, findings, &mut |_, record| records.push(record));
    records
}

/// The same, one after the other, for those who keep few of the records.
pub fn project_each(
    subject: FileSubject<'_>,
    set: &DetectorSet,
    findings: &mut [Finding],
    each: &mut dyn FnMut(&Finding, FindingRecord),
) {
    let detector_of = |finding: &Finding| set.detector(finding.detector);
    findings.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| detector_of(a).id.cmp(&detector_of(b).id)));
    let labels = Labels::of(set, findings);
    let mut numbering = Numbering::default();
    for finding in findings.iter() {
        let related = finding.related.iter().map(|related| RelatedRecord {
            detector: set.detector(related.detector).id.clone(),
            line: related.line,
            byte_start: related.span.start.0,
            byte_end: related.span.end.0,
        });
        let record = record(subject, detector_of(finding), finding, &mut numbering);
        let computed = record.labels.computed;
        let labels = LabelsRecord { computed, embedded: labels.on(&finding.location.container) };
        each(finding, FindingRecord { related: related.collect(), labels, ..record });
    }
}

/// The record of a problem.
#[must_use]
pub fn problem(path: &ItemPath, located: &LocatedProblem) -> ProblemRecord {
    let problem = &located.problem;
    ProblemRecord {
        class: problem.class,
        reason: problem.reason.to_owned(),
        limit: problem.limit.map(|limit| limit.name),
        value: problem.limit.map(|limit| limit.value),
        location: location(path, &located.location, None),
        message: problem.message.clone(),
        bytes_unscanned: None,
        git: None,
    }
}

fn order(finding: &Finding) -> (&[String], Option<&str>, u64) {
    let location = &finding.location;
    (&location.container, location.part.as_deref(), location.span.start.0)
}

fn record(
    subject: FileSubject<'_>,
    detector: &Detector,
    finding: &Finding,
    numbering: &mut Numbering,
) -> FindingRecord {
    let value = normalised(detector.category, finding.value.expose());
    FindingRecord {
        finding_id: numbering.id(subject, detector, finding, &value),
        detector: detector.id.clone(),
        detector_name: detector.title.clone(),
        category: detector.category,
        severity: detector.severity,
        confidence: ConfidenceRecord { score: finding.confidence.score(), level: finding.confidence.level() },
        reasons: finding
            .reasons
            .iter()
            .map(|r| ReasonRecord { step: r.step.as_str(), detail: r.detail.clone().into_owned(), change: r.change })
            .collect(),
        validator: finding.validator.as_ref().map(validator),
        location: location(subject.path, &finding.location, finding.cell.as_ref()),
        masked: finding.value.masked(detector.reveal_last),
        value_len: String::from_utf8_lossy(&value).chars().count(),
        value_hmac: subject.key.map(|key| value_hmac(key, &detector.id, &value)),
        context_masked: finding.context_masked.clone(),
        labels: LabelsRecord { computed: detector.label, embedded: Vec::new() },
        tags: detector.tags.clone(),
        related: Vec::new(),
        suppressed: None,
        state: State::New,
        git: subject.git.cloned(),
    }
}

fn validator(result: &ValidatorResult) -> ValidatorRecord {
    let word = match result.verdict {
        Verdict::Valid => "valid",
        Verdict::Invalid => "invalid",
        Verdict::Doubtful => "doubtful",
        Verdict::NotApplicable => "not-applicable",
    };
    ValidatorRecord { name: result.name.to_owned(), result: word }
}

fn location(path: &ItemPath, location: &Location, in_table: Option<&TableCell>) -> LocationRecord {
    let (sheet, cell) = location.cell.clone().unzip();
    LocationRecord {
        path: path.clone(),
        container: location.container.clone(),
        part: location.part.clone(),
        page: location.page,
        sheet,
        cell,
        column_name: in_table.and_then(|place| place.column_name.as_deref()).map(str::to_owned),
        row: in_table.map(|place| place.row),
        json_path: None,
        line: location.start.map(|place| place.line),
        column: location.start.map(|place| place.column),
        end_line: location.end.map(|place| place.line),
        end_column: location.end.map(|place| place.column),
        byte_start: location.span.start.0,
        byte_end: location.span.end.0,
        offset_base: location.offset_base.as_str(),
    }
}

/// Counts the findings of each part while ids are given out.
#[derive(Default)]
struct Numbering {
    part: (Vec<String>, Option<String>),
    of_detector: HashMap<u32, u64>,
    of_value: HashMap<(u32, Vec<u8>), u64>,
}

impl Numbering {
    fn id(&mut self, subject: FileSubject<'_>, detector: &Detector, finding: &Finding, value: &[u8]) -> String {
        self.enter_part(&finding.location);
        let index = finding.detector.0;
        let (value, ordinal) = match subject.key {
            Some(_) => (value.to_vec(), count(self.of_value.entry((index, value.to_vec())).or_default())),
            None => (count(self.of_detector.entry(index).or_default()).to_string().into_bytes(), 0),
        };
        let identity = Identity {
            detector: &detector.id,
            path: subject.path_raw,
            container: &finding.location.container,
            part: finding.location.part.as_deref(),
            value: &value,
            ordinal,
        };
        finding_id(subject.key, &identity)
    }

    /// Findings come sorted by part, so one part's counters are enough.
    fn enter_part(&mut self, location: &Location) {
        if self.part.0 != location.container || self.part.1 != location.part {
            self.part = (location.container.clone(), location.part.clone());
            self.of_detector.clear();
            self.of_value.clear();
        }
    }
}

/// The counter's value before it is raised.
fn count(counter: &mut u64) -> u64 {
    let before = *counter;
    *counter += 1;
    before
}

#[cfg(test)]
mod tests {
    use super::super::sample::{finding, records, set};
    use super::*;
    use crate::content::OffsetBase;

    fn ids(key: Option<&IdentityKey>, mut findings: Vec<Finding>) -> Vec<String> {
        let path = ItemPath::from_bytes(b"a.txt");
        let subject = FileSubject { path: &path, path_raw: b"a.txt", git: None, key };
        project(subject, &set(), &mut findings).into_iter().map(|record| record.finding_id).collect()
    }

    #[test]
    fn findings_are_ordered_by_item_part_place_and_detector() {
        let mut member = finding(0, "ABC000001", 0);
        member.location.container = vec!["m.txt".to_owned()];
        let mut comment = finding(0, "ABC000002", 0);
        comment.location.part = Some("comment".to_owned());
        let order: Vec<(Vec<String>, Option<String>, u64, String)> = records(vec![
            member,
            comment,
            finding(1, "ABC000003", 5),
            finding(0, "ABC000004", 5),
            finding(1, "ABC000005", 1),
        ])
        .into_iter()
        .map(|r| (r.location.container, r.location.part, r.location.byte_start, r.detector))
        .collect();
        assert!(order.is_sorted(), "{order:?}");
        assert_eq!(order[1].3, "test.account");
    }

    #[test]
    fn with_a_key_an_id_follows_the_value_and_without_one_its_position() {
        let key = IdentityKey::new([7; 32]);
        let (one, two) = ("ABC000001", "ABC000002");
        let before = ids(Some(&key), vec![finding(0, one, 0)]);
        let after = ids(Some(&key), vec![finding(0, two, 0), finding(0, one, 20), finding(0, one, 40)]);
        assert_eq!(after[1], before[0]);
        assert_ne!(after[2], after[1], "the second occurrence has an id of its own");
        let unkeyed = ids(None, vec![finding(0, one, 0), finding(1, one, 20)]);
        assert_eq!(unkeyed, ids(None, vec![finding(0, two, 3), finding(1, two, 9)]));
        assert_ne!(unkeyed[0], unkeyed[1]);
    }

    #[test]
    fn values_are_masked_and_hashed_with_a_key_only() {
        let record = &records(vec![finding(0, "ABC 000-001", 0)])[0];
        assert_eq!((record.masked.as_str(), record.value_len), ("*********01", 9));
        assert_eq!(record.value_hmac, None);
        let text = serde_json::to_string(record).expect("JSON");
        assert!(!text.contains("ABC"), "{text}");
    }

    #[test]
    fn problems_name_their_limit_and_place() {
        let located = LocatedProblem {
            problem: crate::base::Problem::limit("depth_max", 8, "too deep"),
            location: Location {
                container: vec!["a.zip".to_owned()],
                offset_base: OffsetBase::Text,
                ..Location::default()
            },
        };
        let record = problem(&ItemPath::from_bytes(b"x\xff"), &located);
        assert_eq!((record.limit, record.value), (Some("depth_max"), Some(8)));
        assert_eq!((record.location.path.text.as_str(), record.location.offset_base), ("x\u{fffd}", "text"));
        assert_eq!(record.location.path.raw_base64.as_deref(), Some("eP8="));
    }
}
