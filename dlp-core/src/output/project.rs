//! From findings to records: order, ids, masks.
//!
//! Ids count occurrences inside a part, so a file's findings are projected together, and before any of them is filtered
//! by confidence: the id of a finding must not depend on what else the user wants to see.

use super::identity::{IdentityKey, finding_id, normalised, value_hmac};
use super::{
    ConfidenceRecord, FindingRecord, GitRecord, Identity, ItemPath, LabelsRecord, LocationRecord, ProblemRecord,
    ReasonRecord, State, ValidatorRecord,
};
use crate::content::{Finding, LocatedProblem, Location};
use crate::knowledge::Detector;
use crate::matching::{DetectorSet, ValidatorResult};
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
    let detector_of = |finding: &Finding| set.detector(finding.detector);
    findings.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| detector_of(a).id.cmp(&detector_of(b).id)));
    let mut numbering = Numbering::default();
    findings.iter().map(|finding| record(subject, detector_of(finding), finding, &mut numbering)).collect()
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
        location: location(path, &located.location),
        message: problem.message.clone(),
        bytes_unscanned: None,
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
            .map(|r| ReasonRecord { step: r.step.as_str(), detail: r.detail.clone(), change: r.change })
            .collect(),
        validator: finding.validator.as_ref().map(validator),
        location: location(subject.path, &finding.location),
        masked: finding.value.masked(detector.reveal_last),
        value_len: String::from_utf8_lossy(&value).chars().count(),
        value_hmac: subject.key.map(|key| value_hmac(key, &detector.id, &value)),
        context_masked: finding.context_masked.clone(),
        labels: LabelsRecord { computed: detector.label, embedded: Vec::new() },
        tags: detector.tags.clone(),
        suppressed: None,
        state: State::New,
        git: subject.git.cloned(),
    }
}

fn validator(result: &ValidatorResult) -> ValidatorRecord {
    let word = match result.valid {
        Some(true) => "valid",
        Some(false) => "invalid",
        None => "not-applicable",
    };
    ValidatorRecord { name: result.name.clone(), result: word }
}

fn location(path: &ItemPath, location: &Location) -> LocationRecord {
    let (sheet, cell) = location.cell.clone().unzip();
    LocationRecord {
        path: path.clone(),
        container: location.container.clone(),
        part: location.part.clone(),
        page: location.page,
        sheet,
        cell,
        column_name: None,
        row: None,
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
