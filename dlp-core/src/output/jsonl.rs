//! JSON Lines: one object a line, UTF-8, line feeds only.
//!
//! Order: one `scan` line, `finding` and `problem` lines, one `summary` line. A line stays below 1 MiB because each of
//! its texts is bounded where it is made: names by `name_bytes_max`, depth by `depth_max`, contexts by their window.

use super::{FindingRecord, ProblemRecord, ScanRecord, SummaryRecord};
use serde::Serialize;
use std::io::{self, Write};

/// Version of the record format: major.minor.
pub const SCHEMA_VERSION: &str = "1.0";

/// A record of any kind.
#[derive(Clone, Copy, Debug)]
pub enum Record<'a> {
    /// First line.
    Scan(&'a ScanRecord),
    /// A finding.
    Finding(&'a FindingRecord),
    /// A problem.
    Problem(&'a ProblemRecord),
    /// Last line.
    Summary(&'a SummaryRecord),
}

#[derive(Serialize)]
struct Line<'a, T> {
    schema_version: &'static str,
    record: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scan_id: Option<&'a str>,
    #[serde(flatten)]
    body: &'a T,
}

/// Writes one record as a line. `scan_id` is left out of reproducible output.
///
/// # Errors
/// When the writer fails.
pub fn write(out: &mut dyn Write, scan_id: Option<&str>, record: Record<'_>) -> io::Result<()> {
    match record {
        Record::Scan(body) => line(out, scan_id, "scan", body),
        Record::Finding(body) => line(out, scan_id, "finding", body),
        Record::Problem(body) => line(out, scan_id, "problem", body),
        Record::Summary(body) => line(out, scan_id, "summary", body),
    }
}

fn line<T: Serialize>(out: &mut dyn Write, scan_id: Option<&str>, record: &'static str, body: &T) -> io::Result<()> {
    let line = Line { schema_version: SCHEMA_VERSION, record, scan_id, body };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}
