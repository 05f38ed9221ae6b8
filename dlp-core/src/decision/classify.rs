//! How sensitive an item is, judged by what was found in it.

use super::DetectorSummary;
use crate::base::{ConfidenceLevel, SensitivityLabel};

/// The label of an item, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classification {
    /// The highest label that a finding of at least medium confidence implies; `public` without one.
    pub label: SensitivityLabel,
    /// One sentence for each detector that implies this label.
    pub reasons: Vec<String>,
}

/// Classifies an item by its findings.
#[must_use]
pub fn classify(findings: &[DetectorSummary]) -> Classification {
    let counted = || findings.iter().filter(|f| f.unique.at_least(ConfidenceLevel::Medium) > 0);
    let label = counted().map(|f| f.label).max().unwrap_or(SensitivityLabel::Public);
    let reasons = counted().filter(|f| f.label == label).map(|f| describe(label, f)).collect();
    Classification { label, reasons }
}

fn describe(label: SensitivityLabel, finding: &DetectorSummary) -> String {
    let unique = finding.unique.at_least(ConfidenceLevel::Medium);
    let level = finding.confidence_max.level();
    format!("label {label}: {}, {unique} distinct, confidence {level}", finding.detector)
}

#[cfg(test)]
mod tests {
    use super::super::UniqueValues;
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
            samples_masked: Vec::new(),
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
