//! Names that hold values: `leavers/44051401359.pdf` shows a person's number in every report that names the file.
//!
//! Names of files, directories, members and sheets are searched like content. [`scan_name`] gives what a name holds,
//! for reporting; [`NameMask`] stars these values, and the values that were found in the content, wherever they stand
//! in a name. The rest of a name stays as it is, so that people find the file again.
//!
//! A value that is less than probable stays readable unless a check confirmed it: years and version numbers look like
//! much, and a report in which every second name is starred points at nothing.

use super::ItemPath;
use crate::base::ConfidenceLevel;
use crate::content::{Finding, Location, OffsetBase, Role};
use crate::decision::MASKED_LEN_MIN;
use crate::knowledge::validators::Verdict;
use crate::matching::{DetectorSet, Match, Scratch};
use aho_corasick::{AhoCorasick, MatchKind};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What a name holds. Locations count bytes of the name and say `file-name` as their part.
#[must_use]
pub fn scan_name(set: &DetectorSet, scratch: &mut Scratch, name: &str) -> Vec<Finding> {
    set.scan_name(scratch, name.as_bytes()).into_iter().map(finding).collect()
}

fn finding(found: Match) -> Finding {
    let location = Location {
        part: Some(Role::FileName.as_str().to_owned()),
        span: found.span,
        offset_base: OffsetBase::Text,
        ..Location::default()
    };
    Finding::of(location, found)
}

/// Values that are looked for one by one in less time than it takes to build an automaton for them.
const FEW: usize = 32;

/// Collects values and then masks them in names.
#[derive(Default)]
pub struct NameMask {
    /// Values with their masks; sorted, so that equal input gives equal bytes.
    values: BTreeMap<String, String>,
    search: Option<AhoCorasick>,
}

impl std::fmt::Debug for NameMask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NameMask({} values)", self.values.len())
    }
}

impl NameMask {
    /// Remembers what was found; of values that are hardly probable, only those that a check confirmed.
    pub fn learn<'f>(&mut self, set: &DetectorSet, findings: impl IntoIterator<Item = &'f Finding>) {
        for finding in findings {
            let confirmed = finding.validator.as_ref().is_some_and(|result| result.verdict == Verdict::Valid);
            if finding.confidence.level() < ConfidenceLevel::Medium && !confirmed {
                continue;
            }
            let Ok(value) = std::str::from_utf8(finding.value.expose()) else { continue };
            if value.len() >= MASKED_LEN_MIN && !self.values.contains_key(value) {
                let mask = finding.value.masked(set.detector(finding.detector).reveal_last);
                self.values.insert(value.to_owned(), mask);
                self.search = None;
            }
        }
    }

    /// The text with the values in it masked; borrowed when it holds none.
    pub fn mask<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        // Names that hold none of a few values are what nearly all files have, and need no automaton.
        if self.search.is_none() && self.values.len() <= FEW && !self.values.keys().any(|value| text.contains(value)) {
            return Cow::Borrowed(text);
        }
        if self.search.is_none() {
            let built = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(self.values.keys());
            self.search = built.ok();
        }
        let Some(search) = &self.search else {
            // More values than an automaton holds: one after the other is slow and right.
            let masked = self.values.iter().fold(text.to_owned(), |text, (value, mask)| text.replace(value, mask));
            return if masked == text { Cow::Borrowed(text) } else { Cow::Owned(masked) };
        };
        if !search.is_match(text) {
            return Cow::Borrowed(text);
        }
        let masks: Vec<&String> = self.values.values().collect();
        let mut masked = String::with_capacity(text.len());
        search.replace_all_with(text, &mut masked, |found, _, out| {
            out.push_str(masks[found.pattern().as_usize()]);
            true
        });
        Cow::Owned(masked)
    }

    /// The path for reports. Raw bytes would show what is masked, so a masked path goes without them.
    #[must_use]
    pub fn path(&mut self, path: &ItemPath) -> ItemPath {
        match self.mask(&path.text) {
            Cow::Borrowed(_) => path.clone(),
            Cow::Owned(text) => ItemPath { text, raw_base64: None },
        }
    }

    /// Masks members, part and sheet.
    pub fn location(&mut self, location: &mut Location) {
        let sheet = location.cell.as_mut().map(|(sheet, _)| sheet);
        for name in location.container.iter_mut().chain(&mut location.part).chain(sheet) {
            if let Cow::Owned(masked) = self.mask(name) {
                *name = masked;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{finding, set};
    use super::*;
    use crate::base::Span;

    fn masked(name: &str) -> String {
        let set = set();
        let mut mask = NameMask::default();
        mask.learn(&set, &scan_name(&set, &mut Scratch::new(), name));
        mask.mask(name).into_owned()
    }

    #[test]
    fn only_the_value_in_a_name_is_masked() {
        let rows = [
            ("ABC123456.pdf", "*******56.pdf"),
            ("a/ABC123456/b-ABC123456.pdf", "a/*******56/b-*******56.pdf"),
            ("scan_ABC123456_final.pdf", "scan_*******56_final.pdf"),
            ("żółć ABC123456 🔑", "żółć *******56 🔑"),
            ("report-2024.pdf", "report-2024.pdf"),
            ("", ""),
        ];
        for (name, expected) in rows {
            assert_eq!(masked(name), expected);
        }
    }

    #[test]
    fn findings_in_names_say_where_they_stand() {
        let found = scan_name(&set(), &mut Scratch::new(), "x_ABC123456_y");
        assert!(!found.is_empty());
        for finding in found {
            assert_eq!(finding.location.part.as_deref(), Some("file-name"));
            assert_eq!((finding.location.span, finding.value.expose()), (Span::new(2, 11), &b"ABC123456"[..]));
        }
    }

    #[test]
    fn surroundings_hide_what_another_reading_gave() {
        let found = scan_name(&set(), &mut Scratch::new(), "ABC654321 x_ABC123456_y");
        assert_eq!(found.len(), 2);
        for finding in found {
            assert!(!finding.context_masked.contains("ABC"), "{}", finding.context_masked);
        }
    }

    #[test]
    fn values_of_the_content_are_masked_in_every_name() {
        let mut mask = NameMask::default();
        let weak =
            Finding { confidence: crate::base::Confidence::from_points(10), validator: None, ..finding(0, "pages", 0) };
        mask.learn(&set(), &[finding(0, "ABC123456", 0), finding(0, "pdf", 0), weak]);
        let mut location = Location {
            container: vec!["ABC123456.zip".to_owned(), "pages.pdf".to_owned()],
            part: Some("metadata:ABC123456".to_owned()),
            cell: Some(("ABC123456".to_owned(), "B2".to_owned())),
            ..Location::default()
        };
        mask.location(&mut location);
        assert_eq!(location.container, ["*******56.zip", "pages.pdf"]);
        assert_eq!(location.part.as_deref(), Some("metadata:*******56"));
        assert_eq!(location.cell, Some(("*******56".to_owned(), "B2".to_owned())));
        let path = ItemPath::from_bytes(b"ABC123456\xff");
        assert_eq!(mask.path(&path), ItemPath { text: "*******56\u{fffd}".to_owned(), raw_base64: None });
    }
}
