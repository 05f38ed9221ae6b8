//! Counts of a scan: the last record of a stream, and what the exit code is decided on.

use super::{FindingRecord, ProblemRecord, State};
use crate::base::ProblemClass;
use serde::Serialize;
use std::collections::BTreeMap;

/// Counts while a scan runs.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Reported findings.
    pub findings: FindingCounts,
    /// Problems.
    pub problems: ProblemCounts,
    /// Whether content went unread, or was only read as raw bytes because its format has no reader.
    pub incomplete: bool,
    /// Outermost files.
    pub files: u64,
    /// Files with findings that count. The findings of one come together.
    pub files_with_findings: u64,
    pub(super) latest: Option<String>,
    /// Bytes of these files.
    pub bytes: u64,
    /// Items of every depth that were read.
    pub parts: u64,
    /// Symbolic links that were met and not followed.
    pub links: u64,
}

/// Counts of findings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FindingCounts {
    /// All of them.
    pub total: u64,
    /// The new ones by severity.
    pub by_severity: BTreeMap<&'static str, u64>,
    /// The new ones by detector id.
    pub by_detector: BTreeMap<String, u64>,
    /// That count: neither suppressed nor in the baseline.
    pub new: u64,
    /// In the baseline, which do not count.
    pub known: u64,
    /// Suppressed, which do not count.
    pub suppressed: u64,
    /// Below the least confidence that is reported; in no other count, and in no line.
    pub below_threshold: u64,
}

/// Counts of problems.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProblemCounts {
    /// All of them.
    pub total: u64,
    /// By class.
    pub by_class: BTreeMap<&'static str, u64>,
}

/// Last line of a stream; without it, the stream was cut off.
#[derive(Clone, Debug, Serialize)]
pub struct SummaryRecord {
    /// Whether everything was read by a reader for its format. Not the same as the exit code: what has no reader was
    /// scanned as raw bytes, and fails a scan only on request.
    pub complete: bool,
    /// Counts of findings.
    pub findings: FindingCounts,
    /// Counts of problems.
    pub problems: ProblemCounts,
    /// Outermost files.
    pub files: u64,
    /// Files with findings that count, for people.
    #[serde(skip)]
    pub files_with_findings: u64,
    /// Bytes of these files.
    pub bytes: u64,
    /// Items of every depth.
    pub parts: u64,
    /// Symbolic links that were met and not followed.
    pub links: u64,
    /// Time from start to end, unless times were left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// What the program ends with.
    pub exit_code: u8,
    /// RFC 3339 time, unless times were left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
}

impl Tally {
    /// Counts a reported finding.
    pub fn finding(&mut self, finding: &FindingRecord) {
        let counts = &mut self.findings;
        counts.total += 1;
        match (&finding.suppressed, finding.state) {
            (Some(_), _) => counts.suppressed += 1,
            (None, State::Known) => counts.known += 1,
            (None, State::New) => {
                counts.new += 1;
                let path = &finding.location.path.text;
                if self.latest.as_ref() != Some(path) {
                    self.latest = Some(path.clone());
                    self.files_with_findings += 1;
                }
                *counts.by_severity.entry(finding.severity.as_str()).or_default() += 1;
                *counts.by_detector.entry(finding.detector.clone()).or_default() += 1;
            }
        }
    }

    /// Counts a problem.
    pub fn problem(&mut self, problem: &ProblemRecord) {
        self.problems.total += 1;
        *self.problems.by_class.entry(problem.class.as_str()).or_default() += 1;
        // Both readings of an ambiguous item were scanned.
        self.incomplete |= problem.class != ProblemClass::Ambiguous;
    }

    /// The last record. Times are the caller's.
    #[must_use]
    pub fn summary(self, exit_code: u8) -> SummaryRecord {
        SummaryRecord {
            complete: !self.incomplete,
            findings: self.findings,
            problems: self.problems,
            files: self.files,
            files_with_findings: self.files_with_findings,
            bytes: self.bytes,
            parts: self.parts,
            links: self.links,
            duration_ms: None,
            exit_code,
            finished_at: None,
        }
    }
}
