//! The records of the JSON Lines stream, and the vocabulary that every other output shares with it.
//!
//! Field names and their order are a published contract (`dlp schema finding`): a field is added with a new minor
//! version, and removed or given another meaning with a new major one.

use crate::base::{Category, ConfidenceLevel, ProblemClass, SensitivityLabel, Severity};
use data_encoding::BASE64;
use serde::Serialize;
use std::collections::BTreeMap;

/// Path of a scanned file, object or request, as reports show it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ItemPath {
    /// Relative to the root of the scan, with `/`. Bytes that are not UTF-8 are U+FFFD here.
    #[serde(rename = "path")]
    pub text: String,
    /// The raw bytes in base 64, when they are not UTF-8.
    #[serde(rename = "path_b64", skip_serializing_if = "Option::is_none")]
    pub raw_base64: Option<String>,
}

impl ItemPath {
    /// A path from its raw bytes.
    #[must_use]
    pub fn from_bytes(raw: &[u8]) -> Self {
        match std::str::from_utf8(raw) {
            Ok(text) => Self { text: text.to_owned(), raw_base64: None },
            Err(_) => Self { text: String::from_utf8_lossy(raw).into_owned(), raw_base64: Some(BASE64.encode(raw)) },
        }
    }
}

/// First line of a stream: what is scanned, and with what.
#[derive(Clone, Debug, Serialize)]
pub struct ScanRecord {
    /// The program.
    pub tool: ToolRecord,
    /// The detectors in use.
    pub detector_set: DetectorSetRecord,
    /// Where the input comes from.
    pub source: SourceRecord,
    /// RFC 3339 time, unless times were left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// Options that change results, by name.
    pub options: BTreeMap<String, serde_json::Value>,
}

/// A program and its version.
#[derive(Clone, Debug, Serialize)]
pub struct ToolRecord {
    /// Name.
    pub name: &'static str,
    /// Semantic version.
    pub version: &'static str,
}

/// A set of detectors.
#[derive(Clone, Debug, Serialize)]
pub struct DetectorSetRecord {
    /// Hash over every detector in the set.
    pub hash: String,
    /// How many there are.
    pub detectors: usize,
}

/// Where the input of a scan comes from.
#[derive(Clone, Debug, Serialize)]
pub struct SourceRecord {
    /// `dir`, `stdin`, `git-staged` or `git-range`.
    pub kind: &'static str,
    /// What paths are relative to, as it was given.
    pub root: String,
    /// Revision range, for `git-range`.
    pub range: Option<String>,
}

/// A finding.
#[derive(Clone, Debug, Serialize)]
pub struct FindingRecord {
    /// Stable across runs; see [`finding_id`](super::finding_id).
    pub finding_id: String,
    /// Detector id.
    pub detector: String,
    /// Detector's name for people.
    pub detector_name: String,
    /// Kind of sensitive data.
    pub category: Category,
    /// How bad a leak is.
    pub severity: Severity,
    /// How sure.
    pub confidence: ConfidenceRecord,
    /// Steps of the score.
    pub reasons: Vec<ReasonRecord>,
    /// Offline check.
    pub validator: Option<ValidatorRecord>,
    /// Place.
    pub location: LocationRecord,
    /// The value as people see it.
    pub masked: String,
    /// Characters of the normalised value.
    pub value_len: usize,
    /// Keyed hash of detector and value, when there is a key.
    pub value_hmac: Option<String>,
    /// Surrounding text, every finding in it masked.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub context_masked: String,
    /// Sensitivity labels.
    pub labels: LabelsRecord,
    /// Laws and programmes.
    pub tags: Vec<String>,
    /// Other parts of the same credential that stand near, the nearest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<RelatedRecord>,
    /// Why the finding does not count, when it does not.
    pub suppressed: Option<Suppression>,
    /// Whether a baseline knows it.
    pub state: State,
    /// Where it stands in the history, for scans of repositories.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<GitRecord>,
}

impl FindingRecord {
    /// Whether it is to be acted on: neither suppressed nor in the baseline.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.suppressed.is_none() && self.state == State::New
    }
}

/// Another part of the same credential, in the same file, member and part.
#[derive(Clone, Debug, Serialize)]
pub struct RelatedRecord {
    /// Detector id.
    pub detector: String,
    /// First line.
    pub line: Option<u64>,
    /// First byte.
    pub byte_start: u64,
    /// One past the last byte.
    pub byte_end: u64,
}

/// Score and level.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ConfidenceRecord {
    /// 0 to 100.
    pub score: u8,
    /// `low`, `medium` or `high`.
    pub level: ConfidenceLevel,
}

/// One step of the score.
#[derive(Clone, Debug, Serialize)]
pub struct ReasonRecord {
    /// Kind of evidence.
    pub step: &'static str,
    /// For people.
    pub detail: String,
    /// Points.
    pub change: i32,
}

/// What the offline check said.
#[derive(Clone, Debug, Serialize)]
pub struct ValidatorRecord {
    /// Name of the check.
    pub name: String,
    /// `valid`, `invalid`, `doubtful` or `not-applicable`.
    pub result: &'static str,
}

/// A place in a file. `line` and `column` count from 1, columns in Unicode scalar values, ends are exclusive.
#[derive(Clone, Debug, Serialize)]
pub struct LocationRecord {
    /// The outermost file.
    #[serde(flatten)]
    pub path: ItemPath,
    /// Members inside it, outermost first.
    pub container: Vec<String>,
    /// Part of a document.
    pub part: Option<String>,
    /// Page or slide.
    pub page: Option<u32>,
    /// Sheet name.
    pub sheet: Option<String>,
    /// Cell such as `B2`.
    pub cell: Option<String>,
    /// Header of the column, in delimited text whose first line names data; none where a cell has a line end in it.
    pub column_name: Option<String>,
    /// Row, in delimited text with a header, which is not counted; none where a cell has a line end in it.
    pub row: Option<u64>,
    /// Path inside a JSON document.
    pub json_path: Option<String>,
    /// First line.
    pub line: Option<u64>,
    /// First column.
    pub column: Option<u64>,
    /// Last line.
    pub end_line: Option<u64>,
    /// One past the last column.
    pub end_column: Option<u64>,
    /// First byte.
    pub byte_start: u64,
    /// One past the last byte.
    pub byte_end: u64,
    /// What the bytes count: `file` or `text`.
    pub offset_base: &'static str,
}

/// Sensitivity that a finding implies, and labels that the item bears.
#[derive(Clone, Debug, Serialize)]
pub struct LabelsRecord {
    /// What this finding alone implies.
    pub computed: SensitivityLabel,
    /// Labels found in the item and in what it is inside of, the innermost first.
    pub embedded: Vec<EmbeddedLabel>,
}

/// A label that an item bears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EmbeddedLabel {
    /// What defines it: `mip`, `titus`, `tlp`, `business` and others.
    pub scheme: String,
    /// Its GUID, where it has one.
    pub id: Option<String>,
    /// Its name or text, where that was found.
    pub name: Option<String>,
    /// Sensitivity that it stands for.
    pub level: SensitivityLabel,
}

/// Why a finding does not count.
#[derive(Clone, Debug, Serialize)]
pub struct Suppression {
    /// `baseline`, `inline` or `allowlist`.
    pub by: &'static str,
    /// The reason that was given.
    pub reason: String,
    /// Last day, as `YYYY-MM-DD`.
    pub until: Option<String>,
    /// The entry or line that says so.
    pub entry: String,
}

/// Whether a finding was seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Not in the baseline.
    New,
    /// In the baseline.
    Known,
}

/// A place in the history of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GitRecord {
    /// The commit, or null for content that is only staged.
    pub commit: Option<String>,
    /// The object that holds the content.
    pub blob: String,
}

/// Trouble with an item.
#[derive(Clone, Debug, Serialize)]
pub struct ProblemRecord {
    /// Kind of trouble.
    pub class: ProblemClass,
    /// Machine-readable reason, for example `zip_aes`.
    pub reason: String,
    /// Name of the bound that was reached.
    pub limit: Option<&'static str>,
    /// Its configured value.
    pub value: Option<u64>,
    /// Place.
    pub location: LocationRecord,
    /// For people.
    pub message: String,
    /// Bytes that went unread, where that is known.
    pub bytes_unscanned: Option<u64>,
    /// Where it stands in the history, for scans of repositories.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<GitRecord>,
}
