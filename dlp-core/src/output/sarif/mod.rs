//! SARIF 2.1.0, as code hosts read it.
//!
//! A log is collected while a scan runs, because SARIF is one JSON document: at most [`RESULTS_MAX`] results are kept,
//! the worst ones, and a notification says how many were left out. Results hold masks only; there are no snippets.
//!
//! Hosts match alerts between runs by `primaryLocationLineHash`, which is computed over the whole file: whoever
//! collects passes the [`LineFacts`] of a finding in a text file, and nothing for members of archives and documents.
//! Those get our own fingerprint alone, point at the outer file, and name the member as a logical location.

mod line_hash;

pub use line_hash::{LineFacts, Range, line_facts};

use super::{FindingRecord, LocationRecord, ProblemRecord, RelatedRecord, State, SummaryRecord, escape};
use crate::base::{Category, ConfidenceLevel, Severity};
use crate::knowledge::Detector;
use crate::matching::DetectorSet;
use serde_json::{Map, Value, json};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Results that code hosts show; the ones beyond it are counted in a notification.
pub const RESULTS_MAX: usize = 5_000;
/// Notifications kept; the count of all stands in the last one.
const NOTIFICATIONS_MAX: usize = 1_000;
/// Longest rule description that code hosts take.
const DESCRIPTION_CHARS_MAX: usize = 1_024;
/// Tags of one rule that code hosts show.
const TAGS_MAX: usize = 10;

/// What a log says about the run besides its results.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Name of the tool.
    pub tool: &'a str,
    /// Semantic version of the tool.
    pub version: &'a str,
    /// Id of the run; empty in reproducible output.
    pub id: &'a str,
    /// `file:` URI of the scan's root, ending in `/`, when there is one.
    pub root_uri: Option<&'a str>,
}

/// Collects a log.
#[derive(Debug, Default)]
pub struct Log {
    results: Vec<(FindingRecord, Option<LineFacts>)>,
    left_out: u64,
    problems: Vec<ProblemRecord>,
    problems_left_out: u64,
}

impl Log {
    /// Adds a finding, with what is known of its line.
    pub fn finding(&mut self, finding: FindingRecord, line: Option<LineFacts>) {
        self.results.push((finding, line));
        if self.results.len() >= 2 * RESULTS_MAX {
            self.keep_worst();
        }
    }

    /// Adds a problem.
    pub fn problem(&mut self, problem: ProblemRecord) {
        if self.problems.len() < NOTIFICATIONS_MAX {
            self.problems.push(problem);
        } else {
            self.problems_left_out += 1;
        }
    }

    /// The finished document. Rules are the detectors that found something.
    #[must_use]
    pub fn finish(mut self, run: Run<'_>, set: &DetectorSet, summary: &SummaryRecord) -> Value {
        self.keep_worst();
        self.results.sort_by(|a, b| place_order(&a.0).cmp(&place_order(&b.0)));
        let rules = self.rules(set);
        let index: BTreeMap<&str, usize> = rules.iter().enumerate().map(|(i, d)| (d.id.as_str(), i)).collect();
        let results: Vec<Value> = self.results.iter().map(|(f, line)| result(f, line.as_ref(), &index)).collect();
        let mut one = json!({
            "tool": { "driver": {
                "name": run.tool,
                "version": run.version,
                "semanticVersion": run.version,
                "rules": rules.into_iter().map(rule).collect::<Vec<_>>(),
            }},
            "automationDetails": { "id": format!("{}/{}", run.tool, run.id) },
            "columnKind": "utf16CodeUnits",
            "invocations": [{
                "executionSuccessful": summary.exit_code <= 1,
                "exitCode": summary.exit_code,
                "toolExecutionNotifications": self.notifications(),
            }],
            "results": results,
        });
        if let Some(uri) = run.root_uri {
            one["originalUriBaseIds"] = json!({ "%SRCROOT%": { "uri": uri } });
        }
        json!({ "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [one] })
    }

    /// Drops all but the worst results: highest severity, then confidence, then first in place.
    fn keep_worst(&mut self) {
        let worst_first = |f: &FindingRecord| (Reverse(f.severity), Reverse(f.confidence.score));
        self.results.sort_by(|(a, _), (b, _)| {
            worst_first(a).cmp(&worst_first(b)).then_with(|| place_order(a).cmp(&place_order(b)))
        });
        self.left_out += self.results.len().saturating_sub(RESULTS_MAX) as u64;
        self.results.truncate(RESULTS_MAX);
    }

    fn rules<'d>(&self, set: &'d DetectorSet) -> Vec<&'d Detector> {
        let used: std::collections::BTreeSet<&str> = self.results.iter().map(|(f, _)| f.detector.as_str()).collect();
        let mut rules: Vec<_> = set.detectors().filter(|d| used.contains(d.id.as_str())).collect();
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        rules
    }

    fn notifications(&self) -> Vec<Value> {
        let mut list: Vec<Value> = self.problems.iter().map(notification).collect();
        for (count, noun) in [(self.left_out, "results"), (self.problems_left_out, "problems")] {
            if count > 0 {
                let text = format!("{count} more {noun} are not in this log; the JSON Lines output has all of them");
                list.push(json!({ "level": "warning", "message": { "text": text } }));
            }
        }
        list
    }
}

fn place_order(finding: &FindingRecord) -> (&str, &[String], Option<&str>, u64, &str) {
    let location = &finding.location;
    (&location.path.text, &location.container, location.part.as_deref(), location.byte_start, &finding.detector)
}

fn rule(detector: &Detector) -> Value {
    let remedy = if detector.remedy.is_empty() {
        "Remove the data, or move the file to a store that is approved for it."
    } else {
        &detector.remedy
    };
    let mut tags = vec!["security".to_owned(), detector.category.as_str().to_owned()];
    tags.extend(detector.tags.iter().cloned());
    tags.truncate(TAGS_MAX);
    let mut rule = json!({
        "id": detector.id,
        "name": rule_name(&detector.id),
        "shortDescription": { "text": cut(&detector.title) },
        "fullDescription": { "text": cut(&detector.description) },
        "help": { "text": cut(remedy), "markdown": cut(remedy) },
        "defaultConfiguration": { "level": level(detector.severity) },
        "properties": {
            "security-severity": security_severity(detector.severity),
            "precision": precision(detector),
            "tags": tags,
        },
    });
    if detector.reference.starts_with("https://") {
        rule["helpUri"] = json!(detector.reference);
    }
    rule
}

fn result(finding: &FindingRecord, line: Option<&LineFacts>, rule_index: &BTreeMap<&str, usize>) -> Value {
    let mut fingerprints = Map::new();
    fingerprints.insert("dlpFindingId/v1".to_owned(), json!(finding.finding_id));
    if let Some(facts) = line {
        fingerprints.insert("primaryLocationLineHash".to_owned(), json!(facts.hash));
    }
    let mut result = json!({
        "ruleId": finding.detector,
        "ruleIndex": rule_index.get(finding.detector.as_str()),
        "level": level(finding.severity),
        "rank": f64::from(finding.confidence.score),
        "message": { "text": message(finding) },
        "locations": [place(&finding.location, line)],
        "partialFingerprints": fingerprints,
    });
    if !finding.related.is_empty() {
        result["relatedLocations"] = finding.related.iter().map(|related| related_place(finding, related)).collect();
    }
    if let Some(suppressed) = &finding.suppressed {
        let kind = if suppressed.by == "inline" { "inSource" } else { "external" };
        result["suppressions"] =
            json!([{ "kind": kind, "status": "accepted", "justification": escape(&suppressed.reason) }]);
    } else if finding.state == State::Known {
        result["suppressions"] =
            json!([{ "kind": "external", "status": "accepted", "justification": "in the baseline" }]);
    }
    result
}

/// Title, check, mask, and the way inside, because hosts show the outer file only.
fn message(finding: &FindingRecord) -> String {
    let mut text = finding.detector_name.clone();
    if let Some(check) = &finding.validator {
        write!(text, " ({} check: {})", check.name, check.result).expect("writing to a string succeeds");
    }
    let shown = match finding.category {
        Category::DocumentFingerprint => finding.context_masked.clone(),
        Category::Edm => format!("{}, {}", finding.masked, finding.context_masked),
        _ => finding.masked.clone(),
    };
    write!(text, ": {shown}").expect("writing to a string succeeds");
    if let Some(inside) = inside(&finding.location) {
        write!(text, " in {inside}").expect("writing to a string succeeds");
    }
    if let Some(commit) = finding.git.as_ref().and_then(|git| git.commit.as_deref()) {
        write!(text, " (commit {commit})").expect("writing to a string succeeds");
    }
    text
}

fn place(location: &LocationRecord, line: Option<&LineFacts>) -> Value {
    let mut physical = json!({ "artifactLocation": artifact(location), "region": region(location, line) });
    let mut place = Map::new();
    if let Some(inside) = inside(location) {
        // Lines of what is encoded in a file are its own, those inside a member are not.
        if location.line.is_none() || !location.container.is_empty() {
            physical["region"] = json!({ "startLine": 1 });
        }
        let name = format!("{}!{inside}", escape(&location.path.text));
        place.insert("logicalLocations".to_owned(), json!([{ "fullyQualifiedName": name, "kind": "member" }]));
    }
    place.insert("physicalLocation".to_owned(), physical);
    Value::Object(place)
}

/// Where another part of the same credential stands.
fn related_place(finding: &FindingRecord, related: &RelatedRecord) -> Value {
    let location = LocationRecord { line: related.line, end_line: related.line, ..finding.location.clone() };
    let mut related_place = place(&location, None);
    related_place["message"] = json!({ "text": related.detector });
    related_place
}

/// Relative paths hang under the root; absolute ones are `file:` URIs of their own.
fn artifact(location: &LocationRecord) -> Value {
    let path = &location.path;
    if path.text.starts_with('/') {
        return json!({ "uri": format!("file://{}", percent_encode(path.text.as_bytes())) });
    }
    json!({ "uri": percent_encode(path.text.as_bytes()), "uriBaseId": "%SRCROOT%" })
}

/// Columns are given where the line is at hand to count UTF-16 units in; otherwise the whole lines are marked.
fn region(location: &LocationRecord, facts: Option<&LineFacts>) -> Value {
    let start = location.line.unwrap_or(1);
    let end = location.end_line.unwrap_or(start);
    match facts.and_then(|facts| facts.columns_utf16) {
        Some((first, last)) => json!({ "startLine": start, "startColumn": first, "endLine": end, "endColumn": last }),
        None => json!({ "startLine": start, "endLine": end }),
    }
}

/// Members, then sheet and cell, page or part.
fn inside(location: &LocationRecord) -> Option<String> {
    let mut steps: Vec<String> = location.container.iter().map(|member| escape(member).into_owned()).collect();
    match (&location.sheet, &location.cell, location.page, &location.part) {
        (Some(sheet), Some(cell), _, _) => steps.extend([escape(sheet).into_owned(), cell.clone()]),
        (_, _, Some(page), _) => steps.push(format!("page {page}")),
        (_, _, _, Some(part)) => steps.push(escape(part).into_owned()),
        _ => {}
    }
    (!steps.is_empty()).then(|| steps.join("!"))
}

fn notification(problem: &ProblemRecord) -> Value {
    let text = match inside(&problem.location) {
        Some(inside) => format!("{}: {} ({inside})", problem.class, escape(&problem.message)),
        None => format!("{}: {}", problem.class, escape(&problem.message)),
    };
    json!({
        "level": if problem.class.is_incomplete() { "error" } else { "note" },
        "message": { "text": text },
        "locations": [{ "physicalLocation": { "artifactLocation": artifact(&problem.location) } }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Informational => "note",
    }
}

/// One number inside each band that code hosts document; 9.0 itself is in none.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Informational => "0.1",
    }
}

/// How often a finding of the detector is right, judged by what it demands.
fn precision(detector: &Detector) -> &'static str {
    let alone = crate::base::Confidence::from_points(i32::from(detector.score.pattern)).level();
    match (&detector.validator, detector.context.required || detector.score.strong > 0, alone) {
        (Some(_), true, _) => "very-high",
        (Some(_), false, _) => "high",
        (None, _, ConfidenceLevel::High | ConfidenceLevel::Medium) => "medium",
        (None, _, ConfidenceLevel::Low) => "low",
    }
}

/// `secret.github.pat-classic` as `SecretGithubPatClassic`.
fn rule_name(id: &str) -> String {
    id.split(['.', '-'])
        .flat_map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            [first.to_ascii_uppercase(), rest.to_owned()]
        })
        .collect()
}

fn cut(text: &str) -> String {
    text.chars().take(DESCRIPTION_CHARS_MAX).collect()
}

/// Percent-encodes all but unreserved characters and `/` (RFC 3986, section 2.3).
#[must_use]
pub fn percent_encode(path: &[u8]) -> String {
    path.iter().fold(String::with_capacity(path.len()), |mut out, &byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a string succeeds");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::super::Tally;
    use super::super::sample::{finding, records, set};
    use super::*;

    const RUN: Run<'_> = Run { tool: "dlp", version: "1.2.3", id: "r", root_uri: None };

    #[test]
    fn the_worst_results_are_kept_and_the_others_counted() {
        let mut log = Log::default();
        let more = 2 * RESULTS_MAX as u64 + 10;
        let findings = (0..more).map(|at| finding((at % 2) as u32, "ABC123456", at * 10)).collect();
        for record in records(findings) {
            log.finding(record, None);
        }
        let document = log.finish(RUN, &set(), &Tally::default().summary(1));
        let run = &document["runs"][0];
        let results = run["results"].as_array().expect("results");
        assert_eq!(results.len(), RESULTS_MAX);
        assert!(results.iter().all(|result| result["ruleId"] == "test.account"), "the severe ones stay");
        assert_eq!(run["tool"]["driver"]["rules"].as_array().map(Vec::len), Some(1));
        let text = run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].as_str().expect("text");
        assert!(text.starts_with(&format!("{} more results", more - RESULTS_MAX as u64)), "{text}");
    }

    #[test]
    fn members_point_at_the_outer_file_and_name_the_way_inside() {
        let mut log = Log::default();
        let mut record = records(vec![finding(0, "ABC123456", 3)]).remove(0);
        record.location.container = vec!["in\n.xlsx".to_owned()];
        (record.location.sheet, record.location.cell) = (Some("S".to_owned()), Some("B2".to_owned()));
        log.finding(record, None);
        let document = log.finish(RUN, &set(), &Tally::default().summary(1));
        let result = &document["runs"][0]["results"][0];
        let place = &result["locations"][0];
        assert_eq!(place["logicalLocations"][0]["fullyQualifiedName"], "a.txt!in\\n.xlsx!S!B2");
        assert_eq!(place["physicalLocation"]["region"], json!({ "startLine": 1 }));
        assert_eq!(
            result["message"]["text"],
            "Title of test.account (check check: valid): *******56 in in\\n.xlsx!S!B2"
        );
    }

    #[test]
    fn names_and_paths_take_the_shape_that_hosts_expect() {
        assert_eq!(rule_name("secret.github.pat-classic"), "SecretGithubPatClassic");
        let rows =
            [("a b/ż.txt", "a%20b/%C5%BC.txt"), ("x\n\u{1b}#?", "x%0A%1B%23%3F"), ("a/b-c_d~e.f", "a/b-c_d~e.f")];
        for (path, expected) in rows {
            assert_eq!(percent_encode(path.as_bytes()), expected);
        }
    }
}
