//! Names in upper and lower case.
//!
//! Two questions have two answers. Who is let in by a name that a token or certificate gives? Only whoever it surely
//! names: letters of one alphabet in two cases are one, and nothing becomes a letter of ASCII that was none, because the
//! Kelvin sign and the Turkish dotless i have been used to pass for somebody else. Who is kept out by a name that was
//! revoked? Everybody whom it could mean.

use std::borrow::Cow;

/// A name as it is looked up among those who may come in.
pub(super) fn lowered(name: &str) -> Cow<'_, str> {
    if name.is_ascii() && !name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Borrowed(name);
    }
    let lower = |letter: char| {
        let is_safe = letter.is_ascii() || letter.to_lowercase().all(|lower| !lower.is_ascii());
        let lowered = is_safe.then(|| letter.to_lowercase());
        lowered.into_iter().flatten().chain((!is_safe).then_some(letter))
    };
    // A sigma at the end of a word is the same letter.
    Cow::Owned(name.chars().flat_map(lower).map(|letter| if letter == 'ς' { 'σ' } else { letter }).collect())
}

/// A name as it is looked up among those who are revoked: `ß` is `ss`, and the dotless i is an i.
pub(crate) fn folded(name: &str) -> String {
    name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_let_in_is_meant_and_whoever_could_be_meant_is_kept_out() {
        // Two names, whether one lets the other in, and whether one keeps the other out.
        let rows = [
            ("anna", "ANNA", true, true),
            ("élodie", "ÉLODIE", true, true),
            ("łukasz", "ŁUKASZ", true, true),
            ("ольга", "ОЛЬГА", true, true),
            ("νίκος", "ΝΊΚΟΣ", true, true),
            ("strauß", "STRAUSS", false, true),
            ("mike", "mıke", false, true),
            ("kim", "\u{212a}im", false, true),
            ("anna", "аnna", false, false),
            ("anna", "ana", false, false),
        ];
        for (one, other, lets_in, keeps_out) in rows {
            assert_eq!(lowered(one) == lowered(other), lets_in, "{one} {other}");
            assert_eq!(folded(one) == folded(other), keeps_out, "{one} {other}");
        }
    }
}
