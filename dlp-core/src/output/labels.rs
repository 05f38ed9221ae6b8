//! The sensitivity labels that an item bears, beside each finding in it.
//!
//! Labels are findings of their own: the mark of a program in a document's properties or in the header of a mail, or the
//! marking of its author. Beside every finding of the same item, and of items inside of it, they say how its owner had
//! classified what was found. A label that is not shown by default is none.

use super::record::EmbeddedLabel;
use crate::base::{Category, ConfidenceLevel};
use crate::content::Finding;
use crate::knowledge::Detector;
use crate::matching::DetectorSet;
use std::collections::HashMap;

/// Most labels that are named for an item; a document has one or two.
const LABELS_MAX: usize = 16;

/// Bytes and digits of a label's name that is shown: `Confidential 2024`.
const NAME_BYTES_MAX: usize = 96;
const NAME_DIGITS_MAX: usize = 6;

/// What the ids of built-in labels begin with. What a pattern of somebody's own takes in beside the label is not known,
/// so that it stays masked.
const BUILT_IN: &str = "label.";

/// Characters of a GUID without braces.
const GUID_LEN: usize = 36;

/// The labels of all items of a file.
#[derive(Debug, Default)]
pub(super) struct Labels<'f> {
    of_items: HashMap<&'f [String], Vec<EmbeddedLabel>>,
}

impl<'f> Labels<'f> {
    /// Those among the findings of a file.
    pub(super) fn of(set: &DetectorSet, findings: &'f [Finding]) -> Self {
        let mut labels = Self::default();
        for finding in findings {
            let detector = set.detector(finding.detector);
            if detector.category == Category::Label && finding.confidence.level() >= ConfidenceLevel::Medium {
                labels.add(&finding.location.container, label(detector, finding));
            }
        }
        labels
    }

    fn add(&mut self, item: &'f [String], label: EmbeddedLabel) {
        let known = self.of_items.entry(item).or_default();
        if known.len() < LABELS_MAX && !known.contains(&label) {
            known.push(label);
        }
    }

    /// The labels of an item and of those that it is inside of, the innermost first.
    pub(super) fn on(&self, item: &[String]) -> Vec<EmbeddedLabel> {
        if self.of_items.is_empty() {
            return Vec::new();
        }
        let around = (0..=item.len()).rev().filter_map(|len| self.of_items.get(&item[..len]));
        around.flatten().take(LABELS_MAX).cloned().collect()
    }
}

fn label(detector: &Detector, finding: &Finding) -> EmbeddedLabel {
    let text = String::from_utf8_lossy(finding.value.expose());
    let id = guid(&text).map(str::to_ascii_lowercase);
    let is_shown = detector.id.starts_with(BUILT_IN) && is_name(&text);
    let shown = || if is_shown { text.clone().into_owned() } else { finding.value.masked(detector.reveal_last) };
    let name = if id.is_none() { Some(shown()) } else { None };
    EmbeddedLabel { scheme: scheme(&detector.id).to_owned(), id, name, level: detector.label }
}

/// Whether a label may be shown as it stands: a few words. What has many digits or an address may be somebody's.
fn is_name(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.len() <= NAME_BYTES_MAX && digits <= NAME_DIGITS_MAX && !text.contains(char::is_control) && !text.contains('@')
}

/// The GUID in a label, if it has one.
fn guid(text: &str) -> Option<&str> {
    let is_guid = |part: &[u8]| {
        part.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    let at = text.as_bytes().windows(GUID_LEN).position(is_guid)?;
    text.get(at..at + GUID_LEN)
}

/// What defines the label: the vendor of the program that wrote it, the protocol or state whose marking it is.
fn scheme(detector: &str) -> &str {
    match detector {
        id if id.starts_with("label.microsoft.") => "mip",
        "label.government.controlled-unclassified" => "cui",
        "label.government.commonwealth" => "uk",
        "label.government.technical-data"
        | "label.government.portion-mark"
        | "label.marking.classified-us"
        | "label.vendor.intelligence-community" => "us",
        "label.mail.protective-marking" => "pspf",
        "label.marking.classified-eu" => "eu",
        "label.marking.classified-pl"
        | "label.marking.classified-pl-registered"
        | "label.government.national-secret"
        | "label.government.page-banner"
        | "label.government.sensitive"
        | "label.government.word-of-a-state" => "national",
        _ => match detector.split('.').collect::<Vec<_>>()[..] {
            ["label", "vendor", vendor] => vendor,
            ["label", "marking", _] => "business",
            ["label", family, ..] => family,
            _ => "custom",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{finding, labelled_set};
    use super::*;
    use crate::base::{Confidence, SensitivityLabel};

    fn on(findings: &[Finding], item: &[&str]) -> Vec<(String, Option<String>, Option<String>)> {
        let item: Vec<String> = item.iter().map(|name| (*name).to_owned()).collect();
        let labels = Labels::of(&labelled_set(), findings).on(&item);
        labels.into_iter().map(|label| (label.scheme, label.id, label.name)).collect()
    }

    fn within(item: &[&str], mut label: Finding) -> Finding {
        label.location.container = item.iter().map(|name| (*name).to_owned()).collect();
        label
    }

    #[test]
    fn an_item_bears_its_labels_and_those_around_it() {
        let findings = [
            within(&[], finding(0, "ABC000001", 0)),
            within(&["a.docx"], finding(0, "ABC000002", 0)),
            within(&["a.docx"], finding(0, "ABC000002", 50)),
            within(&["a.docx", "b.xlsx"], finding(0, "ABC000003", 0)),
            within(&["a.docx"], finding(1, "ABC000004", 0)),
        ];
        let named = |names: &[&str]| -> Vec<_> {
            names.iter().map(|name| ("business".to_owned(), None, Some((*name).to_owned()))).collect()
        };
        let rows: [(&[&str], &[&str]); 4] = [
            (&[], &["ABC000001"]),
            (&["a.docx"], &["ABC000002", "ABC000001"]),
            (&["a.docx", "b.xlsx"], &["ABC000003", "ABC000002", "ABC000001"]),
            (&["c.docx"], &["ABC000001"]),
        ];
        for (item, expected) in rows {
            assert_eq!(on(&findings, item), named(expected), "{item:?}");
        }
    }

    #[test]
    fn what_is_shown_on_request_only_labels_nothing() {
        let mut low = finding(0, "ABC000001", 0);
        low.confidence = Confidence::from_points(40);
        assert_eq!(on(&[low], &[]), []);
        assert_eq!(on(&[finding(1, "ABC000001", 0)], &[]), []);
    }

    #[test]
    fn names_are_shown_and_numbers_are_not() {
        let rows = [
            ("Confidential \\ All Employees", Some("Confidential \\ All Employees")),
            ("TLP:AMBER+STRICT", Some("TLP:AMBER+STRICT")),
            ("ŚCIŚLE TAJNE", Some("ŚCIŚLE TAJNE")),
            ("44051401458", Some("*********58")),
            ("a@b.example", Some("*********le")),
        ];
        for (value, expected) in rows {
            let found = on(&[finding(0, value, 0)], &[]);
            assert_eq!(found[0].2.as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn a_guid_is_the_id_and_no_name() {
        let value = "MSIP_Label_11111111-2222-3333-4444-55555555ABCD_Enabled=true";
        let set = labelled_set();
        let found = label(set.detector(crate::matching::DetectorIndex(0)), &finding(0, value, 0));
        assert_eq!(found.id.as_deref(), Some("11111111-2222-3333-4444-55555555abcd"));
        assert_eq!((found.name, found.level), (None, SensitivityLabel::Internal));
    }

    #[test]
    fn every_built_in_label_has_a_scheme() {
        let catalogue = crate::knowledge::Catalogue::builtin().expect("built-in detectors");
        let labels = catalogue.detectors().filter(|detector| detector.category == Category::Label);
        let labels: Vec<String> = labels.map(|detector| detector.id).collect();
        let schemes: std::collections::BTreeSet<_> = labels.iter().map(|id| scheme(id)).collect();
        let expected = [
            "boldon-james",
            "business",
            "cui",
            "eu",
            "janusseal",
            "mail",
            "mip",
            "national",
            "pspf",
            "stanag-4774",
            "titus",
            "tlp",
            "uk",
            "us",
        ];
        assert_eq!(schemes.into_iter().collect::<Vec<_>>(), expected);
    }
}
