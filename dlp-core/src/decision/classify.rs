//! How sensitive an item is, judged by what was found in it.

use super::DetectorSummary;
use crate::base::{Category, ConfidenceLevel, SensitivityLabel};

/// The label of an item, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classification {
    /// The highest label that a finding of at least medium confidence implies; `public` without one.
    pub label: SensitivityLabel,
    /// One sentence for each detector that implies this label, and what the item's own labels do not agree with.
    pub reasons: Vec<String>,
}

/// Classifies an item by its findings.
#[must_use]
pub fn classify(findings: &[DetectorSummary]) -> Classification {
    let counted = || findings.iter().filter(|f| f.unique.at_least(ConfidenceLevel::Medium) > 0);
    let label = counted().map(|f| f.label).max().unwrap_or(SensitivityLabel::Public);
    let reasons = counted().filter(|f| f.label == label).map(|f| describe(label, f));
    let reasons = reasons.chain(mismatch(findings)).chain(conflict(findings)).chain(mislabelled(findings)).collect();
    Classification { label, reasons }
}

/// The findings that say how the owner labelled the item, with the highest last.
fn owners(findings: &[DetectorSummary]) -> Vec<&DetectorSummary> {
    let is_label =
        |f: &&DetectorSummary| f.category == Category::Label && f.unique.at_least(ConfidenceLevel::Medium) > 0;
    let mut labels: Vec<_> = findings.iter().filter(is_label).collect();
    labels.sort_by_key(|f| f.label);
    labels
}

/// A label of the item that is lower than one of a file inside of it: a mail bears at least the label of its attachments.
fn mismatch(findings: &[DetectorSummary]) -> Option<String> {
    let labels = owners(findings);
    let outside = labels.iter().rfind(|label| label.places.outside)?;
    let inside = labels.iter().rfind(|label| label.places.inside).filter(|inside| inside.label > outside.label)?;
    let (low, high) = (outside.label, inside.label);
    Some(format!("label_mismatch: {} says {low}, {} in a file inside says {high}", outside.detector, inside.detector))
}

/// Labels that the item bears and that do not say the same: the highest counts. What is inside of it is something else.
fn conflict(findings: &[DetectorSummary]) -> Option<String> {
    let labels = owners(findings);
    let mut labels = labels.into_iter().filter(|label| label.places.outside || !label.places.inside);
    let lowest = labels.next()?;
    let highest = labels.next_back()?;
    let (low, high) = (lowest.label, highest.label);
    (low != high).then(|| format!("label_conflict: {} says {low}, {} says {high}", lowest.detector, highest.detector))
}

/// A label lower than what the item surely holds.
fn mislabelled(findings: &[DetectorSummary]) -> Option<String> {
    let label = owners(findings).last()?.label;
    let sure = findings.iter().filter(|f| f.category != Category::Label && f.unique.high > 0);
    let held = sure.max_by_key(|f| f.label).filter(|f| f.label > label)?;
    Some(format!("mislabelled: bears a label that says {label}, but {} implies {}", held.detector, held.label))
}

fn describe(label: SensitivityLabel, finding: &DetectorSummary) -> String {
    let unique = finding.unique.at_least(ConfidenceLevel::Medium);
    let level = finding.confidence_max.level();
    format!("label {label}: {}, {unique} distinct, confidence {level}", finding.detector)
}

#[cfg(test)]
mod tests {
    use super::super::{Places, UniqueValues};
    use super::*;
    use crate::base::{Category, Confidence, Severity};

    fn summary(detector: &str, label: SensitivityLabel, points: i32) -> DetectorSummary {
        let confidence = Confidence::from_points(points);
        let mut unique = UniqueValues::default();
        unique.add(confidence.level());
        DetectorSummary {
            detector: detector.to_owned(),
            title: detector.to_owned(),
            category: Category::Pii,
            severity: Severity::High,
            label,
            tags: Vec::new(),
            count: 1,
            unique,
            confidence_max: confidence,
            places: Places { outside: true, inside: false },
            samples_masked: Vec::new(),
        }
    }

    #[test]
    fn labels_that_disagree_are_named() {
        use SensitivityLabel::{Confidential, Internal, Regulated};
        let labelled = |detector: &str, label, points| DetectorSummary {
            category: Category::Label,
            ..summary(detector, label, points)
        };
        let inside =
            |summary: DetectorSummary, outside| DetectorSummary { places: Places { outside, inside: true }, ..summary };
        let mismatch = "label_mismatch: l.a says internal, l.b in a file inside says confidential";
        let card = |points| summary("pii.card", Regulated, points);
        let conflict = "label_conflict: l.a says internal, l.b says confidential";
        let mislabelled = "mislabelled: bears a label that says internal, but pii.card implies regulated";
        let rows = [
            (vec![labelled("l.a", Internal, 90), labelled("l.b", Confidential, 90)], vec![conflict]),
            (vec![labelled("l.a", Internal, 90), labelled("l.b", Confidential, 59)], vec![]),
            (vec![labelled("l.a", Internal, 90), inside(labelled("l.b", Confidential, 90), false)], vec![mismatch]),
            (vec![labelled("l.a", Internal, 90), inside(labelled("l.b", Confidential, 90), true)], vec![conflict]),
            (vec![labelled("l.b", Confidential, 90), inside(labelled("l.a", Internal, 90), false)], vec![]),
            (vec![inside(labelled("l.b", Confidential, 90), false)], vec![]),
            (vec![labelled("l.a", Internal, 90), card(90)], vec![mislabelled]),
            (vec![labelled("l.a", Internal, 90), card(70)], vec![]),
            (vec![labelled("l.a", Regulated, 90), card(90)], vec![]),
            (vec![card(90)], vec![]),
        ];
        for (findings, expected) in rows {
            let reasons = classify(&findings).reasons;
            let named: Vec<_> = reasons.iter().filter(|reason| !reason.starts_with("label ")).collect();
            assert_eq!(named, expected, "{findings:?}");
        }
    }

    type Row<'a> = (&'a str, SensitivityLabel, i32);

    fn check(findings: &[Row<'_>], label: SensitivityLabel, reasons: &[&str]) {
        let findings: Vec<_> = findings.iter().map(|(d, l, p)| summary(d, *l, *p)).collect();
        let result = classify(&findings);
        assert_eq!(result.label, label, "{findings:?}");
        assert_eq!(result.reasons, reasons, "{findings:?}");
    }

    #[test]
    fn the_highest_label_of_medium_confidence_counts() {
        use SensitivityLabel::{Confidential, Internal, Public, Regulated};
        check(&[], Public, &[]);
        check(&[("a", Regulated, 59)], Public, &[]);
        check(&[("a", Regulated, 60)], Regulated, &["label regulated: a, 1 distinct, confidence medium"]);
        check(
            &[("a", Internal, 99), ("b", Confidential, 85), ("c", Regulated, 0)],
            Confidential,
            &["label confidential: b, 1 distinct, confidence high"],
        );
    }
}
