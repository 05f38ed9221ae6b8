//! Findings made by hand, for the tests of the projections.

use super::{FileSubject, FindingRecord, ItemPath, project};
use crate::base::{Confidence, Secret, Span};
use crate::content::{Finding, Location};
use crate::knowledge::Catalogue;
use crate::knowledge::validators::Verdict;
use crate::matching::{DetectorIndex, DetectorSet, LineColumn, Reason, Step, ValidatorResult};

/// A set of two detectors: `test.badge` and `test.account`, in this order.
pub(super) fn set() -> DetectorSet {
    compiled(&(detector("test.account", "finance", "high") + &detector("test.badge", "custom", "low")))
}

fn compiled(text: &str) -> DetectorSet {
    let mut catalogue = Catalogue::empty();
    catalogue.add_file("sample.toml", text).expect("valid detectors");
    DetectorSet::compile(catalogue).expect("a set")
}

fn detector(id: &str, category: &str, severity: &str) -> String {
    format!(
        r#"[[detector]]
id = "{id}"
title = "Title of {id}"
description = "What it is."
category = "{category}"
severity = "{severity}"
reveal_last = {}
patterns = ['[A-Z]{{3}}[0-9]{{6}}']
score = {{ pattern = 70 }}
examples = [{{ text = "ABC123456", finds = ["ABC123456"] }}]
counter_examples = [{{ text = "ABC", reason = "short" }}]
"#,
        if category == "label" { 90 } else { 2 },
    )
}

/// A set of an ordinary detector, `test.account`, and one of labels, `label.marking.badge`.
pub(super) fn labelled_set() -> DetectorSet {
    let rows = [("label.marking.badge", "label"), ("test.account", "finance")];
    compiled(&rows.map(|(id, category)| detector(id, category, "low")).concat())
}

/// A finding of a detector of [`set`] at a byte of a plain file.
pub(super) fn finding(detector: u32, value: &str, start: u64) -> Finding {
    let at = |column| Some(LineColumn { line: 1, column });
    Finding {
        related: Vec::new(),
        detector: DetectorIndex(detector),
        confidence: Confidence::from_points(70),
        reasons: vec![Reason { step: Step::Pattern, detail: "shape".into(), change: 70 }],
        validator: Some(ValidatorResult { name: "check", verdict: Verdict::Valid }),
        value: Secret::new(value.as_bytes()),
        context_masked: String::new(),
        cell: None,
        location: Location {
            span: Span::new(start, start + value.len() as u64),
            start: at(start + 1),
            end: at(start + 1 + value.len() as u64),
            ..Location::default()
        },
    }
}

/// The records of findings in `a.txt`, without a key.
pub(super) fn records(mut findings: Vec<Finding>) -> Vec<FindingRecord> {
    let path = ItemPath::from_bytes(b"a.txt");
    project(FileSubject { path: &path, path_raw: b"a.txt", git: None, key: None }, &set(), &mut findings)
}
