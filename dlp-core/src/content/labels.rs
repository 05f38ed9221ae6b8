//! Sensitivity labels in properties of documents that are not in force, and markings that labels promise.
//!
//! A label is a handful of properties `MSIP_Label_<id>_<attribute>`, of which `Enabled` says whether it is in force.
//! One that is not leaves its name behind, which would be taken for a label of the document. Newer documents have a part for
//! their labels, which decides for each organisation that it has an element for: what properties of the same organisation
//! say beside it is stale. `ContentBits` says which markings a label put into the text.

/// What the names of these properties begin with, in any case.
const PREFIX: &str = "msip_label_";
/// The attribute that says whether a label is in force.
const SWITCH: &str = "_enabled";
/// The attribute that says whose label it is.
const SITE: &str = "_siteid";
/// The attribute that says which markings belong to the label.
const BITS: &str = "_contentbits";
/// Its bits for a text in headers and in footers.
const HEADER_BIT: u32 = 1;
const FOOTER_BIT: u32 = 2;
/// Labels of one document: one for each organisation.
const LABELS_MAX: usize = 64;
/// What stands behind the name of a property of a label that is switched off.
const MARK: &str = " (not in force)";

/// Whether a property is one of a label.
pub(super) fn is_of_label(name: &str) -> bool {
    name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// Which parts of a document have a text where markings stand.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Margins {
    pub(super) header: bool,
    pub(super) footer: bool,
}

/// Labels of a document that were said to be off. One that is said to be both is in force: whoever adds a property takes no
/// label off.
#[derive(Debug, Default)]
pub(super) struct SwitchedOff {
    off: Vec<String>,
    on: Vec<String>,
    /// Labels in properties, with the organisation of each.
    sites: Vec<(String, String)>,
    /// Organisations that the label part has an element for, with the label that is in force there.
    part: Vec<(String, Option<String>)>,
    /// Labels with their markings.
    bits: Vec<(String, u32)>,
    /// Whether there are more labels than are remembered: then none is taken for off.
    is_crowded: bool,
}

impl SwitchedOff {
    /// Takes note of a property.
    pub(super) fn see(&mut self, name: &str, value: &str) {
        let name = name.to_ascii_lowercase();
        if let Some(label) = name.strip_suffix(SITE).filter(|name| name.starts_with(PREFIX)) {
            self.is_crowded |= !add(&mut self.sites, (label.to_owned(), guid(value)));
        }
        if let Some(label) = name.strip_suffix(BITS).filter(|name| name.starts_with(PREFIX)) {
            self.is_crowded |= !add(&mut self.bits, (label.to_owned(), value.trim().parse().unwrap_or(0)));
        }
        let Some(label) = name.strip_suffix(SWITCH).filter(|name| name.starts_with(PREFIX)) else { return };
        let is_off = matches!(value.trim().to_ascii_lowercase().as_str(), "false" | "0");
        let labels = if is_off { &mut self.off } else { &mut self.on };
        self.is_crowded |= !add(labels, label.to_owned());
    }

    /// Takes note of an element of the label part: whose it is, and the label that is in force there, with its markings.
    pub(super) fn see_element(&mut self, site: &str, label: Option<&str>, bits: Option<&str>) {
        let label = label.map(guid);
        let bits = bits.and_then(|bits| bits.trim().parse().ok());
        if let (Some(label), Some(bits)) = (&label, bits) {
            self.is_crowded |= !add(&mut self.bits, (format!("{PREFIX}{label}"), bits));
        }
        self.is_crowded |= !add(&mut self.part, (guid(site), label));
    }

    /// What is said behind the name of a property: that its label is off.
    pub(super) fn mark(&self, name: &str) -> &'static str {
        if self.off.is_empty() && self.part.is_empty() || self.is_crowded {
            return "";
        }
        let name = name.to_ascii_lowercase();
        let is_of = |label: &String| name.strip_prefix(label.as_str()).is_some_and(|rest| rest.starts_with('_'));
        let is_off = self.off.iter().any(is_of) && !self.on.iter().any(is_of);
        let is_stale = || self.sites.iter().any(|(label, site)| is_of(label) && self.is_stale(label, site));
        if is_off || is_stale() { MARK } else { "" }
    }

    /// Whether the label part has another label for the organisation, or none any more.
    fn is_stale(&self, label: &str, site: &str) -> bool {
        let mut elements = self.part.iter().filter(|(known, _)| known == site).peekable();
        let is_it = |id: &String| label.strip_prefix(PREFIX) == Some(id.as_str());
        elements.peek().is_some() && !elements.any(|(_, id)| id.as_ref().is_some_and(is_it))
    }

    /// Labels in force that put a text into headers or footers, of which the document has none, each in a line.
    pub(super) fn stripped(&self, margins: Margins) -> Vec<String> {
        let missing = [(HEADER_BIT, margins.header, "header"), (FOOTER_BIT, margins.footer, "footer")];
        let mut lines = Vec::new();
        for (label, bits) in &self.bits {
            // An element of the label part is in force; a property is unless it is said to be off.
            let name = format!("{label}{BITS}");
            for (bit, _, place) in missing.iter().filter(|(bit, is_there, _)| bits & bit != 0 && !is_there) {
                if self.mark(&name).is_empty() {
                    let label = label.trim_start_matches(PREFIX);
                    lines.push(format!("MSIP_Label_{label}_ContentBits: {bit}, but the document has no {place}"));
                }
            }
        }
        lines.dedup();
        lines
    }
}

/// Adds what is not in a list yet, and tells whether it is now.
fn add<T: PartialEq>(list: &mut Vec<T>, item: T) -> bool {
    let is_known = list.contains(&item);
    let has_room = list.len() < LABELS_MAX;
    if has_room && !is_known {
        list.push(item);
    }
    has_room || is_known
}

/// A GUID as it is compared: writers put it in braces and capitals, or not.
fn guid(text: &str) -> String {
    text.trim().trim_start_matches('{').trim_end_matches('}').to_ascii_lowercase()
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

    #[test]
    fn elements_beyond_the_bound_switch_no_label_off() {
        for (others, expected) in [(LABELS_MAX - 1, MARK), (LABELS_MAX, "")] {
            let mut labels = SwitchedOff::default();
            (0..others).for_each(|n| labels.see_element("aaaa", Some(&format!("{{f{n}}}")), None));
            labels.see_element("aaaa", Some("{0A}"), None);
            for label in ["0a", "0b"] {
                labels.see(&format!("MSIP_Label_{label}_SiteId"), "aaaa");
            }
            assert_eq!(labels.mark("MSIP_Label_0a_Name"), "", "{others}");
            assert_eq!(labels.mark("MSIP_Label_0b_Name"), expected, "{others}");
        }
    }

    #[test]
    fn the_label_part_decides_for_its_organisations() {
        let part = [("{AAAA}", Some("{0A}")), ("bbbb", None)];
        let rows = [("0a", "aaaa", ""), ("0b", "{aaaa}", MARK), ("0c", "BBBB", MARK), ("0d", "cccc", "")];
        for (label, site, expected) in rows {
            let mut labels = SwitchedOff::default();
            part.iter().for_each(|(site, label)| labels.see_element(site, *label, None));
            labels.see(&format!("MSIP_Label_{label}_Enabled"), "true");
            labels.see(&format!("MSIP_Label_{label}_SiteId"), site);
            assert_eq!(labels.mark(&format!("MSIP_Label_{label}_Name")), expected, "{label}");
        }
    }

    #[test]
    fn markings_that_are_not_there_are_told() {
        let header = "MSIP_Label_0a_ContentBits: 1, but the document has no header";
        let footer = "MSIP_Label_0a_ContentBits: 2, but the document has no footer";
        type Row<'a> = (&'a str, &'a str, (bool, bool), &'a [&'a str]);
        let rows: [Row<'_>; 8] = [
            ("true", "3", (false, false), &[header, footer]),
            ("true", "3", (true, false), &[footer]),
            ("true", "3", (true, true), &[]),
            ("true", "9", (false, false), &[header]),
            ("true", "8", (false, false), &[]),
            ("true", "x", (false, false), &[]),
            ("false", "3", (false, false), &[]),
            ("true", " 2 ", (true, false), &[footer]),
        ];
        for (enabled, bits, (header, footer), expected) in rows {
            let mut labels = SwitchedOff::default();
            labels.see("MSIP_Label_0A_Enabled", enabled);
            labels.see("MSIP_Label_0A_ContentBits", bits);
            assert_eq!(labels.stripped(Margins { header, footer }), expected, "{enabled} {bits}");
        }
        let mut labels = SwitchedOff::default();
        labels.see_element("aaaa", Some("{0A}"), Some("2"));
        labels.see_element("bbbb", None, Some("1"));
        assert_eq!(labels.stripped(Margins::default()), [footer]);
    }
}
