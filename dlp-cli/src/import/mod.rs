//! Rules of other scanners as detectors of our own: gitleaks configurations, and rule files of Kingfisher and Nosey
//! Parker.
//!
//! ```text
//! file -> fields -> drafts, allow entries -> patterns rewritten -> each tried as a detector -> TOML, notes
//! ```
//!
//! What comes out is a detector file like any other, to be read, corrected and kept; nothing is translated behind
//! anybody's back at scan time. Each difference from the rule is a [`Note`]: what was left out, and what finds
//! something else than before. Reading takes fields out of a document one by one, and whatever nobody took is noted
//! too, so that a key that we have never heard of is not lost in silence. No file is opened here: whoever calls passes
//! texts in.

mod draft;
mod fields;
mod gitleaks;
mod pattern;
mod rule_yaml;
mod trial;
mod write;

pub(crate) use gitleaks::base as gitleaks_base;
pub(crate) use write::quoted;

use draft::{AllowDraft, Draft, id_of};
use fields::Fields;
use std::collections::BTreeSet;
use std::fmt;

/// What was taken over, ready to be written.
#[derive(Debug, Default)]
pub(crate) struct Imported {
    /// The detector file.
    pub(crate) toml: String,
    /// Rules that were read.
    pub(crate) rules: usize,
    /// Rules that became detectors.
    pub(crate) taken: usize,
    /// Allow entries that were written.
    pub(crate) allows: usize,
    /// What is not as it was, in order.
    pub(crate) notes: Vec<Note>,
}

/// Something that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    /// The rule or list that it is about.
    pub(crate) place: String,
    /// How bad it is.
    pub(crate) kind: NoteKind,
    /// What it is.
    pub(crate) text: String,
}

/// How far the result is from the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NoteKind {
    /// Something has no counterpart, and is gone.
    Lost,
    /// Something finds a little more, or a little less, than before.
    Changed,
    /// Something worth knowing.
    Told,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            NoteKind::Lost => "lost: ",
            NoteKind::Changed => "changed: ",
            NoteKind::Told => "",
        };
        write!(f, "{}: {kind}{}", self.place, self.text)
    }
}

/// The notes of a file while it is read.
#[derive(Debug, Default)]
struct Notes(Vec<Note>);

impl Notes {
    fn add(&mut self, place: &str, kind: NoteKind, text: impl Into<String>) {
        self.0.push(Note { place: place.to_owned(), kind, text: text.into() });
    }

    fn lost(&mut self, place: &str, text: impl Into<String>) {
        self.add(place, NoteKind::Lost, text);
    }

    fn changed(&mut self, place: &str, text: impl Into<String>) {
        self.add(place, NoteKind::Changed, text);
    }

    fn told(&mut self, place: &str, text: impl Into<String>) {
        self.add(place, NoteKind::Told, text);
    }

    /// Notes the keys that nobody took.
    fn leftovers(&mut self, place: &str, fields: Fields) {
        for key in fields.wrong() {
            self.lost(place, format!("`{key}`: its value has an unexpected type"));
        }
        for key in fields.left() {
            self.lost(place, format!("`{key}`: there is no counterpart"));
        }
    }
}

/// What one document gave, before patterns are tried.
#[derive(Debug, Default)]
struct Rules {
    drafts: Vec<Draft>,
    allows: Vec<AllowDraft>,
    notes: Notes,
    /// Rules that were read, whether they can become detectors or not.
    read: usize,
    /// Ids that were given to rules.
    ids: BTreeSet<String>,
}

impl Rules {
    /// An id of its own for a rule of this name. Rules that share one are told apart by a number.
    fn id_for(&mut self, name: &str, place: &str) -> String {
        let plain = id_of(name);
        let numbered = (2..).map(|number| format!("{plain}-{number}"));
        let id = std::iter::once(plain.clone()).chain(numbered).find(|id| !self.ids.contains(id));
        let id = id.expect("numbers do not run out");
        if id != plain {
            self.notes.changed(place, format!("another rule became `{plain}`, so this one is `{id}`"));
        }
        self.ids.insert(id.clone());
        id
    }
}

/// Takes over one document. `base` is the text of the configuration that a gitleaks one extends.
///
/// # Errors
/// A sentence when it is neither format.
pub(crate) fn import(text: &str, base: Option<&str>) -> Result<Imported, String> {
    let rules = match (gitleaks::parse(text), rule_yaml::parse(text)) {
        (Ok(fields), _) => gitleaks::rules(fields, base)?,
        (_, Ok(fields)) => rule_yaml::rules(fields),
        (Err(toml), Err(yaml)) => {
            return Err(format!(
                "expected a gitleaks configuration in TOML or Kingfisher rules in YAML; as TOML: {toml}; as YAML: {yaml}"
            ));
        }
    };
    Ok(trial::finish(rules))
}

/// Whether a text is one of the documents that [`import`] takes.
pub(crate) fn is_foreign(text: &str) -> bool {
    gitleaks::parse(text).is_ok() || rule_yaml::parse(text).is_ok()
}

#[cfg(test)]
mod tests;
