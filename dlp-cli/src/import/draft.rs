//! What a foreign rule says, in our words, before anybody knows whether it works.

use super::pattern::{Dialect, Group};
use dlp_core::knowledge::AllowTests;

/// Points of a rule that says nothing of its confidence: medium.
pub(super) const POINTS_DEFAULT: i16 = 75;

/// Points of a rule whose values are for other rules only: low.
pub(super) const POINTS_HELPER: i16 = 50;

/// Stands for the ids of all rules of the file, where a list is for all of them. Detectors of other files are not
/// meant.
pub(super) const EVERY_RULE: &str = "";

/// A rule that may become a detector.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// The rule's own name, for notes.
    pub(super) place: String,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) reference: String,
    pub(super) tags: Vec<String>,
    /// The regex as its author wrote it.
    pub(super) regex: String,
    pub(super) dialect: Dialect,
    pub(super) group: Group,
    /// Texts of which one has to be near.
    pub(super) keywords: Vec<String>,
    pub(super) entropy_min: f64,
    pub(super) points: i16,
    /// Ids of the rules that it depends on.
    pub(super) companions: Vec<String>,
    /// Whether it is worth reporting beside them only.
    pub(super) needs_companion: bool,
    pub(super) examples: Vec<String>,
    pub(super) counter_examples: Vec<String>,
}

/// An allow entry.
#[derive(Clone, Debug)]
pub(super) struct AllowDraft {
    /// The list's own name, for notes.
    pub(super) place: String,
    pub(super) reason: String,
    pub(super) detectors: Vec<String>,
    pub(super) tests: AllowTests,
    pub(super) all: bool,
}

/// A detector id of a rule's name: lower-case words, in the family `custom`.
pub(super) fn id_of(name: &str) -> String {
    let kebab = |word: &str| -> String {
        let plain: String =
            word.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
        plain.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
    };
    let words: Vec<String> = name.split('.').map(kebab).filter(|word| !word.is_empty()).collect();
    let rest = if words.first().is_some_and(|word| word == "custom") { &words[1..] } else { &words[..] };
    if rest.is_empty() { "custom.unnamed".to_owned() } else { format!("custom.{}", rest.join(".")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_ids() {
        let rows = [
            ("aws-access-token", "custom.aws-access-token"),
            ("np.aws.1", "custom.np.aws.1"),
            ("My Rule_2", "custom.my-rule-2"),
            ("custom.acme", "custom.acme"),
            ("..", "custom.unnamed"),
            ("Schlüssel", "custom.schl-ssel"),
        ];
        for (name, expected) in rows {
            assert_eq!(id_of(name), expected);
        }
    }
}
