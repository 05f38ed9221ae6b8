//! Sensitivity labels in properties of documents that are switched off.
//!
//! A label is a handful of properties `MSIP_Label_<id>_<attribute>`, of which `Enabled` says whether it is in force. One
//! that is not leaves its name behind, which would be taken for a label of the document.

/// What the names of these properties begin with, in any case.
const PREFIX: &str = "msip_label_";
/// The attribute that says whether a label is in force.
const SWITCH: &str = "_enabled";
/// Labels of one document: one for each organisation.
const LABELS_MAX: usize = 64;
/// What stands behind the name of a property of a label that is switched off.
const MARK: &str = " (not in force)";

/// Labels of a document that were said to be off.
#[derive(Debug, Default)]
pub(super) struct SwitchedOff(Vec<String>);

impl SwitchedOff {
    /// Takes note of a property.
    pub(super) fn see(&mut self, name: &str, value: &str) {
        let name = name.to_ascii_lowercase();
        let Some(label) = name.strip_suffix(SWITCH).filter(|name| name.starts_with(PREFIX)) else { return };
        let is_on = matches!(value.trim().to_ascii_lowercase().as_str(), "true" | "1");
        if !is_on && self.0.len() < LABELS_MAX {
            self.0.push(label.to_owned());
        }
    }

    /// What is said behind the name of a property: that its label is off.
    pub(super) fn mark(&self, name: &str) -> &'static str {
        if self.0.is_empty() {
            return "";
        }
        let name = name.to_ascii_lowercase();
        let is_of = |label: &String| name.strip_prefix(label.as_str()).is_some_and(|rest| rest.starts_with('_'));
        if self.0.iter().any(is_of) { MARK } else { "" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_of_labels_that_are_off_are_marked() {
        let mut labels = SwitchedOff::default();
        labels.see("MSIP_Label_0a_Enabled", "False");
        labels.see("MSIP_Label_0b_Enabled", " True");
        labels.see("Enabled", "false");
        let rows = [
            ("MSIP_Label_0a_Name", MARK),
            ("msip_label_0A_name", MARK),
            ("MSIP_Label_0b_Name", ""),
            ("MSIP_Label_0ab_Name", ""),
            ("title", ""),
        ];
        rows.into_iter().for_each(|(name, mark)| assert_eq!(labels.mark(name), mark, "{name}"));
    }
}
