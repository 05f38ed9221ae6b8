//! Layer 6: what was found, as other programs and people read it.
//!
//! Every output is a pure projection: findings, problems and counts come in, text goes out. Nothing here decides what
//! is reported, opens a file or knows the time; the caller passes times and ids in. Two rules hold for all of them:
//!
//! * No raw value leaves. Records are built from masks and keyed hashes; the one way to a value is
//!   [`pretty::finding`] with a revealed value, which only a terminal gets. The words of sensitivity labels are no such
//!   value: they say what an item is, and stand beside its findings.
//! * The same input gives the same bytes. Findings are ordered by path, container, part, start and detector, and maps
//!   are sorted.
//!
//! Text from outside (names of files and members) is untrusted and escaped for its format: JSON does that by itself,
//! [`escape()`] does it for terminals.

mod allow;
mod escape;
mod identity;
mod inline;
pub mod jsonl;
mod labels;
mod names;
mod peer_marks;
pub mod pretty;
mod project;
mod record;
#[cfg(test)]
mod sample;
pub mod sarif;
pub mod schema;
mod tally;

pub use allow::{AllowError, AllowList, AllowSubject};
pub use escape::{escape, escape_lines};
pub use identity::{Identity, IdentityKey, finding_id, value_hmac};
pub use inline::{InlineAllow, InlineMarks, InlineVerdict, Marked, text_of_marks};
pub use names::{NameMask, scan_name};
pub use project::{FileSubject, problem, project, project_each};
pub use record::{
    ConfidenceRecord, DetectorSetRecord, EmbeddedLabel, FindingRecord, GitRecord, ItemPath, LabelsRecord,
    LocationRecord, ProblemRecord, ReasonRecord, RelatedRecord, ScanRecord, SourceRecord, State, Suppression,
    ToolRecord, ValidatorRecord,
};
pub use tally::{FindingCounts, ProblemCounts, SummaryRecord, Tally};
