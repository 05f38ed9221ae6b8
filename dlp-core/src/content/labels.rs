//! Sensitivity labels in properties of documents that are switched off.
//!
//! A label is a handful of properties `MSIP_Label_<id>_<attribute>`, of which `Enabled` says whether it is in force.
//! One that is not leaves its name behind, which would be taken for a label of the document.

/// What the names of these properties begin with, in any case.
const PREFIX: &str = "msip_label_";
/// The attribute that says whether a label is in force.
const SWITCH: &str = "_enabled";
/// Labels of one document: one for each organisation.
const LABELS_MAX: usize = 64;
/// What stands behind the name of a property of a label that is switched off.
const MARK: &str = " (not in force)";

/// Whether a property is one of a label.
pub(super) fn is_of_label(name: &str) -> bool {
    name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// Labels of a document that were said to be off. One that is said to be both is in force: whoever adds a property takes no
/// label off.
#[derive(Debug, Default)]
pub(super) struct SwitchedOff {
    off: Vec<String>,
    on: Vec<String>,
    /// Whether there are more labels than are remembered: then none is taken for off.
    is_crowded: bool,
}

impl SwitchedOff {
    /// Takes note of a property.
    pub(super) fn see(&mut self, name: &str, value: &str) {
        let name = name.to_ascii_lowercase();
        let Some(label) = name.strip_suffix(SWITCH).filter(|name| name.starts_with(PREFIX)) else { return };
        let is_off = matches!(value.trim().to_ascii_lowercase().as_str(), "false" | "0");
        let labels = if is_off { &mut self.off } else { &mut self.on };
        let is_known = labels.iter().any(|known| known == label);
        if labels.len() >= LABELS_MAX {
            self.is_crowded |= !is_known;
        } else if !is_known {
            labels.push(label.to_owned());
        }
    }

    /// What is said behind the name of a property: that its label is off.
    pub(super) fn mark(&self, name: &str) -> &'static str {
        if self.off.is_empty() || self.is_crowded {
            return "";
        }
        let name = name.to_ascii_lowercase();
        let is_of = |label: &String| name.strip_prefix(label.as_str()).is_some_and(|rest| rest.starts_with('_'));
        if self.off.iter().any(is_of) && !self.on.iter().any(is_of) { MARK } else { "" }
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
        labels.see("MSIP_Label_0c_Enabled", "false");
        labels.see("MSIP_Label_0c_enabled", "true");
        labels.see("MSIP_Label_0d_Enabled", "-1");
        labels.see("MSIP_Label_0e_Enabled", "0");
        let rows = [
            ("MSIP_Label_0a_Name", MARK),
            ("msip_label_0A_name", MARK),
            ("MSIP_Label_0b_Name", ""),
            ("MSIP_Label_0ab_Name", ""),
            ("MSIP_Label_0c_Name", ""),
            ("MSIP_Label_0d_Name", ""),
            ("MSIP_Label_0e_Name", MARK),
            ("title", ""),
        ];
        rows.into_iter().for_each(|(name, mark)| assert_eq!(labels.mark(name), mark, "{name}"));
        (0..LABELS_MAX).for_each(|n| labels.see(&format!("MSIP_Label_f{n}_Enabled"), "true"));
        assert_eq!(labels.mark("MSIP_Label_0a_Name"), "", "too many to be sure");
    }
}
