//! Parts without running text: properties, relationships, and every other XML part of a package.

use super::attributes::Attributes;
use super::{Element, Visit};
use crate::content::labels::{SwitchedOff, is_of_label};
use crate::content::walk::{Step, Walk};
use crate::content::{Join, Origin, Part, Place, Role, Segment};

/// Attribute values up to this length are switches and units.
const VALUE_BYTES_MIN: usize = 4;
/// Properties of labels that wait for the one that switches them off, and bytes of each; others are handed out at once.
const WAITING_MAX: usize = 512;
const WAITING_BYTES_MAX: usize = 1024;

fn emit(walk: &mut Walk<'_>, role: Role, name: &str, text: &str) -> Step {
    let part = Part { role, name };
    walk.emit(&Segment { text: text.as_bytes(), part, place: Place::None, join: Join::Line, origin: Origin::None })
}

/// Document properties as lines `Name: value`.
#[derive(Default)]
pub(in crate::content) struct Properties {
    /// Name of the custom property that is open.
    custom: Option<String>,
    /// Open elements, innermost last.
    open: Vec<String>,
    /// Text since the last tag; references split it into several events.
    value: String,
    attributes: Attributes,
    labels: SwitchedOff,
    /// Names and values of properties of labels, which may be switched off further down.
    waiting: Vec<(String, String)>,
}

impl Visit for Properties {
    fn start(&mut self, walk: &mut Walk<'_>, element: &Element<'_>) -> Step {
        self.flush(walk)?;
        let name = element.local_name();
        if matches!(name, "property" | "user-defined") {
            self.custom = element.attribute("name");
        } else if name == "label" {
            for (attribute, value) in element.attributes() {
                emit(walk, Role::Property, &format!("label.{attribute}"), &format!("{attribute}: {value}"))?;
            }
            let (tenant, bits) = (element.attribute("siteId"), element.attribute("contentBits"));
            let label = label_in_force(element);
            if let Some(tenant) = &tenant {
                self.labels.see_element(tenant, label.as_deref(), bits.as_deref());
            }
            if let Some(label) = label {
                let tenant = tenant.as_deref().unwrap_or_default().trim();
                let line = format!("label id=\"{label}\" enabled=\"1\" siteId=\"{tenant}\"");
                emit(walk, Role::Property, name, &line)?;
            }
        }
        let mut said = Vec::new();
        self.attributes.each_new(element, |_, value| said.push(value.to_owned()));
        self.open.push(name.to_owned());
        said.iter().try_for_each(|value| emit(walk, Role::Property, name, value))
    }

    fn text(&mut self, _: &mut Walk<'_>, text: &str) -> Step {
        self.value.push_str(text);
        Ok(())
    }

    fn end(&mut self, walk: &mut Walk<'_>, local_name: &str) -> Step {
        let step = self.flush(walk);
        self.open.pop();
        if matches!(local_name, "property" | "user-defined") {
            self.custom = None;
        }
        step
    }

    fn finish(&mut self, walk: &mut Walk<'_>) -> Step {
        std::mem::take(&mut self.waiting).iter().try_for_each(|(name, value)| self.hand_out(walk, name, value))
    }
}

impl Properties {
    /// Properties of a document of which other parts told about labels.
    pub(in crate::content) fn after(labels: SwitchedOff) -> Self {
        Self { labels, ..Self::default() }
    }

    /// What was told about labels so far.
    pub(in crate::content) fn into_labels(self) -> SwitchedOff {
        self.labels
    }

    /// Hands out the value that is complete, under the name of the innermost element that has one.
    fn flush(&mut self, walk: &mut Walk<'_>) -> Step {
        let value = std::mem::take(&mut self.value);
        if value.trim().is_empty() {
            return Ok(());
        }
        let name = match &self.custom {
            Some(name) => name.as_str(),
            None => self.open.iter().rev().map(String::as_str).find(|name| !is_type(name)).unwrap_or(""),
        };
        self.labels.see(name, &value);
        let is_short = name.len() + value.len() <= WAITING_BYTES_MAX;
        if is_of_label(name) && is_short && self.waiting.len() < WAITING_MAX {
            self.waiting.push((name.to_owned(), value));
            return Ok(());
        }
        self.hand_out(walk, name, &value)
    }

    fn hand_out(&self, walk: &mut Walk<'_>, name: &str, value: &str) -> Step {
        emit(walk, Role::Property, name, &format!("{name}{}: {value}", self.labels.mark(name)))
    }
}

/// The id of a sensitivity label of the label part (`labelList`), unless it is none any more: switched off, or taken off,
/// when the element stays with the tenant's id in the place of the label's.
fn label_in_force(element: &Element<'_>) -> Option<String> {
    let is_set = |name: &str| element.attribute(name).is_some_and(|value| matches!(value.trim(), "1" | "true"));
    let id = element.attribute("id")?.trim().to_owned();
    let is_in_force = is_set("enabled") && !is_set("removed");
    is_in_force.then_some(id)
}

/// Elements that state the type of a value, not its name.
fn is_type(local_name: &str) -> bool {
    matches!(local_name, "lpstr" | "lpwstr" | "vector" | "variant" | "i4" | "bool" | "filetime" | "r8" | "bstr")
}

/// Targets outside the package.
pub(in crate::content) struct Relationships<'n>(pub(in crate::content) &'n str);

impl Visit for Relationships<'_> {
    fn start(&mut self, walk: &mut Walk<'_>, element: &Element<'_>) -> Step {
        match element.attribute("TargetMode") {
            Some(mode) if mode == "External" => {
                emit(walk, Role::Link, self.0, &element.attribute("Target").unwrap_or_default())
            }
            _ => Ok(()),
        }
    }

    fn text(&mut self, walk: &mut Walk<'_>, text: &str) -> Step {
        if text.trim().is_empty() { Ok(()) } else { emit(walk, Role::Data, self.0, text) }
    }

    fn end(&mut self, _: &mut Walk<'_>, _: &str) -> Step {
        Ok(())
    }
}

/// All texts and attribute values of a part.
pub(in crate::content) struct Generic<'n> {
    name: &'n str,
    join: Join,
}

impl<'n> Generic<'n> {
    pub(in crate::content) fn new(name: &'n str) -> Self {
        Self { name, join: Join::Line }
    }

    fn emit(&mut self, walk: &mut Walk<'_>, text: &str) -> Step {
        let part = Part { role: Role::Data, name: self.name };
        let join = std::mem::replace(&mut self.join, Join::None);
        walk.emit(&Segment { text: text.as_bytes(), part, place: Place::None, join, origin: Origin::None })
    }
}

impl Visit for Generic<'_> {
    fn start(&mut self, walk: &mut Walk<'_>, element: &Element<'_>) -> Step {
        self.join = Join::Line;
        for (_, value) in element.attributes() {
            if value.len() >= VALUE_BYTES_MIN {
                self.emit(walk, &value)?;
                self.join = Join::Line;
            }
        }
        Ok(())
    }

    fn text(&mut self, walk: &mut Walk<'_>, text: &str) -> Step {
        if text.trim().is_empty() { Ok(()) } else { self.emit(walk, text) }
    }

    fn end(&mut self, _: &mut Walk<'_>, _: &str) -> Step {
        self.join = Join::Line;
        Ok(())
    }
}

/// A number as people see it: files store long integers with an exponent.
pub(in crate::content) fn plain_number(stored: &str) -> String {
    if !stored.contains(['e', 'E']) {
        return stored.to_owned();
    }
    match stored.trim().parse::<f64>() {
        Ok(number) if number.abs() < 1e21 => number.to_string(),
        _ => stored.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_in_full() {
        let rows = [
            ("4.4051401358E10", "44051401358"),
            ("44051401358", "44051401358"),
            ("0.1", "0.1"),
            ("1E-3", "0.001"),
            ("1e300", "1e300"),
            ("e", "e"),
        ];
        for (stored, expected) in rows {
            assert_eq!(plain_number(stored), expected);
        }
    }
}
