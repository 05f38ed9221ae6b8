//! Entities that a document declares for itself.
//!
//! The text of every declaration is scanned once where it stands. References are replaced only by entities that are
//! internal and plain text; what they add to a part is bounded, so entities in entities cannot grow without end.
//! Nothing outside the document is ever read. What is not replaced in its place ends as a problem.

use crate::base::{Problem, ProblemClass};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

/// Declarations of one document.
const ENTITIES_MAX: usize = 10_000;
/// Entities in entities.
const DEPTH_MAX: u32 = 16;
/// Bytes of one entity's text, the entities in it replaced.
const VALUE_BYTES_MAX: usize = 64 * 1024;
/// The entities that every document has.
const PREDEFINED: [(&str, &str); 5] = [("amp", "&"), ("lt", "<"), ("gt", ">"), ("quot", "\""), ("apos", "'")];

/// The entities of one part, and what replacing them has cost.
#[derive(Default)]
pub(in crate::content) struct Entities {
    /// Replacement text as declared.
    declared: HashMap<String, String>,
    /// Replacement text with its own references replaced; nothing where that is not possible.
    values: HashMap<String, Option<String>>,
    has_document_type: bool,
    /// Bytes that references may still add.
    room_bytes: Cell<u64>,
    bytes_max: u64,
    problem: RefCell<Option<Problem>>,
}

impl Entities {
    /// No entities yet; references may add so many bytes.
    pub(in crate::content) fn new(bytes_max: u64) -> Self {
        Self { room_bytes: Cell::new(bytes_max), bytes_max, ..Self::default() }
    }

    /// Takes the declarations of a document type, and returns the texts in them: the declarations as they are, and each
    /// replacement text with its character references resolved.
    pub(in crate::content) fn declare(&mut self, document_type: &str) -> Vec<String> {
        self.has_document_type = true;
        let mut texts = vec![document_type.to_owned()];
        let without_comments = without_comments(document_type);
        let mut rest = without_comments.as_str();
        for _ in 0..ENTITIES_MAX {
            let Some((_, declaration)) = rest.split_once("<!ENTITY") else { break };
            rest = declaration;
            let Some((name, is_parameter, behind)) = name_of(declaration) else { continue };
            let Some((literal, behind)) = literal(behind) else {
                let message = "an entity's text is outside the document; it was not read";
                self.report(Problem::new(ProblemClass::Unsupported, "xml_external_entity", message));
                continue;
            };
            rest = behind;
            let value = with_characters(literal);
            if value != literal {
                texts.push(value.clone());
            }
            // The first declaration of a name is the one that counts.
            if !is_parameter {
                self.declared.entry(name.to_owned()).or_insert(value);
            }
        }
        texts
    }

    /// The text of a reference such as `amp`; nothing when it stands for itself.
    pub(in crate::content) fn text(&mut self, name: &str) -> Option<&str> {
        if let Some(text) = predefined(name) {
            return Some(text);
        }
        if !self.has_document_type {
            return None;
        }
        self.resolve(name, 0);
        self.charged(name)
    }

    /// Resolves the references of an attribute's value, so that [`replace`](Self::replace) knows them.
    pub(in crate::content) fn prepare(&mut self, value: &str) {
        if self.has_document_type {
            for name in references(value).map(str::to_owned).collect::<Vec<_>>() {
                self.resolve(&name, 0);
            }
        }
    }

    /// The text of a reference that was prepared.
    pub(in crate::content) fn replace(&self, name: &str) -> Option<&str> {
        predefined(name).or_else(|| self.has_document_type.then(|| self.charged(name)).flatten())
    }

    /// The trouble since the last call.
    pub(in crate::content) fn take_problem(&mut self) -> Option<Problem> {
        self.problem.get_mut().take()
    }

    fn charged(&self, name: &str) -> Option<&str> {
        let Some(value) = self.values.get(name).and_then(Option::as_deref) else {
            let message = "an entity with markup, in a circle or undeclared was not put in its place";
            self.report(Problem::new(ProblemClass::Unsupported, "xml_entity", message));
            return None;
        };
        let Some(room) = self.room_bytes.get().checked_sub(value.len() as u64) else {
            let message = "entities repeat more text than the bound; their text was scanned once";
            self.report(Problem::limit("xml_entity_bytes_max", self.bytes_max, message));
            return None;
        };
        self.room_bytes.set(room);
        Some(value)
    }

    /// Keeps the first problem until it is taken.
    fn report(&self, problem: Problem) {
        self.problem.borrow_mut().get_or_insert(problem);
    }

    /// Works out the text of an entity, each one once.
    fn resolve(&mut self, name: &str, depth: u32) {
        if self.values.contains_key(name) {
            return;
        }
        // An entity that leads back to itself finds this.
        self.values.insert(name.to_owned(), None);
        let Some(declared) = self.declared.get(name).cloned().filter(|text| !text.contains('<')) else { return };
        let mut text = String::new();
        let mut rest = declared.as_str();
        while let Some((before, behind)) = rest.split_once('&') {
            let Some((inner, tail)) = behind.split_once(';') else { break };
            text.push_str(before);
            match character(inner) {
                Some(c) => text.push(c),
                None => match self.inner(inner, depth) {
                    Some(value) => text.push_str(value),
                    None => return,
                },
            }
            if text.len() > VALUE_BYTES_MAX {
                return;
            }
            rest = tail;
        }
        text.push_str(rest);
        self.values.insert(name.to_owned(), (text.len() <= VALUE_BYTES_MAX).then_some(text));
    }

    fn inner(&mut self, name: &str, depth: u32) -> Option<&str> {
        if let Some(text) = predefined(name) {
            return Some(text);
        }
        if depth >= DEPTH_MAX {
            return None;
        }
        self.resolve(name, depth + 1);
        self.values.get(name).and_then(Option::as_deref)
    }
}

/// The character of a reference such as `#65` or `#x41`.
pub(in crate::content) fn character(reference: &str) -> Option<char> {
    let number = reference.strip_prefix('#')?;
    let code = match number.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    code.ok().and_then(char::from_u32)
}

fn predefined(name: &str) -> Option<&'static str> {
    PREDEFINED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Comments may hold what looks like a declaration.
fn without_comments(document_type: &str) -> String {
    let mut text = String::new();
    let mut rest = document_type;
    while let Some((before, comment)) = rest.split_once("<!--") {
        text.push_str(before);
        rest = comment.split_once("-->").map_or("", |(_, behind)| behind);
    }
    text.push_str(rest);
    text
}

/// The name of a declaration, whether it is a parameter entity, and what follows.
fn name_of(declaration: &str) -> Option<(&str, bool, &str)> {
    let text = declaration.trim_start();
    let parameter = text.strip_prefix('%').map(str::trim_start);
    let (name, rest) = parameter.unwrap_or(text).split_once(char::is_whitespace)?;
    Some((name, parameter.is_some(), rest.trim_start()))
}

/// The quoted text at the start, and what follows.
fn literal(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    text[1..].split_once(quote)
}

/// Replaces character references, as a declaration does once.
fn with_characters(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        match behind.split_once(';').and_then(|(inner, tail)| Some((character(inner)?, tail))) {
            Some((c, tail)) => {
                out.push(c);
                rest = tail;
            }
            None => {
                out.push('&');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Names between `&` and `;`.
fn references(text: &str) -> impl Iterator<Item = &str> {
    text.split('&').skip(1).filter_map(|behind| behind.split_once(';').map(|(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_replaced_within_bounds() {
        let ten = |name: &str| format!("&{name};").repeat(10);
        let laughs: String = (1..12).map(|n| format!("<!ENTITY l{n} '{}'>", ten(&format!("l{}", n - 1)))).collect();
        let nothing: String = (1..9).map(|n| format!("<!ENTITY n{n} '{}'>", ten(&format!("n{}", n - 1)))).collect();
        let chain: String = (1..40).map(|n| format!("<!ENTITY c{n} '&c{};'>", n - 1)).collect();
        type Row = (&'static str, String, &'static str, Option<&'static str>, Option<&'static str>);
        let rows: Vec<Row> = vec![
            ("predefined", String::new(), "amp", Some("&"), None),
            ("no document type, no entities", String::new(), "a", None, None),
            ("plain", "x [<!ENTITY a \"value\">]".into(), "a", Some("value"), None),
            ("other quotes", "x [<!ENTITY a 'say \"x\"'>]".into(), "a", Some("say \"x\""), None),
            ("characters", "x [<!ENTITY a '&#52;&#x34;0'>]".into(), "a", Some("440"), None),
            ("nested", "x [<!ENTITY a '1&b;&amp;'><!ENTITY b '2'>]".into(), "a", Some("12&"), None),
            ("first counts", "x [<!ENTITY a '1'><!ENTITY a '2'>]".into(), "a", Some("1"), None),
            ("comment", "x [<!-- <!ENTITY a '1'> --><!ENTITY a '2'>]".into(), "a", Some("2"), None),
            ("undeclared", "x [<!ENTITY a '1'>]".into(), "b", None, Some("xml_entity")),
            ("markup", "x [<!ENTITY a '<w:t/>'>]".into(), "a", None, Some("xml_entity")),
            ("circle", "x [<!ENTITY a '&b;'><!ENTITY b '&a;'>]".into(), "a", None, Some("xml_entity")),
            ("external", "x [<!ENTITY a SYSTEM 'file:///x'>]".into(), "a", None, Some("xml_external_entity")),
            ("parameter", "x [<!ENTITY % a '1'>]".into(), "a", None, Some("xml_entity")),
            ("laughs", format!("x [<!ENTITY l0 'ha'>{laughs}]"), "l11", None, Some("xml_entity")),
            ("laughs about nothing", format!("x [<!ENTITY n0 ''>{nothing}]"), "n8", Some(""), None),
            ("chain", format!("x [<!ENTITY c0 ''>{chain}]"), "c39", None, Some("xml_entity")),
            ("too much", format!("x [<!ENTITY a '{}'>]", "x".repeat(1001)), "a", None, Some("xml_entity_bytes_max")),
            ("open", "x [<!ENTITY a '1".into(), "a", None, Some("xml_external_entity")),
        ];
        for (case, document_type, name, expected, problem) in rows {
            let mut entities = Entities::new(1_000);
            if !document_type.is_empty() {
                entities.declare(&document_type);
            }
            assert_eq!(entities.text(name), expected, "{case}");
            assert_eq!(entities.take_problem().map(|problem| problem.reason), problem, "{case}");
        }
    }
}
