//! Example values made from a recipe, so that no file of the project holds a text that looks like a live credential.
//!
//! A recipe is a regular expression of literals, classes and bounded repetitions. The choices come from a small
//! deterministic generator seeded by the caller, so a test sees the same values in every run; a validator's `complete`
//! then computes check characters.

use super::validators::Check;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Why a recipe gives no value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The recipe is no regular expression.
    #[error("recipe `{recipe}` cannot be read: {message}")]
    Syntax {
        /// The recipe.
        recipe: String,
        /// What the parser said.
        message: String,
    },
    /// The recipe made bytes that are not UTF-8.
    #[error("recipe `{recipe}` makes bytes that are not UTF-8")]
    NotText {
        /// The recipe.
        recipe: String,
    },
}

/// Makes a value. With a check that can complete values, its check characters are right.
///
/// # Errors
/// When the recipe cannot be read or makes no text.
pub fn generate(recipe: &str, seed: u64, check: Option<&Check>) -> Result<String, GenerateError> {
    let hir = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build()
        .parse(recipe)
        .map_err(|error| GenerateError::Syntax { recipe: recipe.to_owned(), message: error.to_string() })?;
    let mut bytes = Vec::new();
    write(&hir, &mut Choices(seed ^ 0x9e37_79b9_7f4a_7c15), &mut bytes);
    let value = String::from_utf8(bytes).map_err(|_| GenerateError::NotText { recipe: recipe.to_owned() })?;
    Ok(check.and_then(|c| c.complete).and_then(|complete| complete(&value)).unwrap_or(value))
}

/// SplitMix64 (Steele, Lea, Flood 2014): every seed gives a full-period sequence.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }
}

fn write(hir: &Hir, choices: &mut Choices, out: &mut Vec<u8>) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.extend_from_slice(&literal.0),
        HirKind::Class(class) => out.push(pick(class, choices)),
        HirKind::Capture(capture) => write(&capture.sub, choices, out),
        HirKind::Concat(subs) => subs.iter().for_each(|sub| write(sub, choices, out)),
        HirKind::Alternation(subs) => write(&subs[choices.below(subs.len() as u64) as usize], choices, out),
        HirKind::Repetition(repetition) => {
            let spread = repetition.max.unwrap_or(repetition.min) - repetition.min;
            let count = u64::from(repetition.min) + choices.below(u64::from(spread) + 1);
            (0..count).for_each(|_| write(&repetition.sub, choices, out));
        }
    }
}

fn pick(class: &Class, choices: &mut Choices) -> u8 {
    let members: Vec<u8> = match class {
        Class::Bytes(bytes) => bytes.iter().flat_map(|r| r.start()..=r.end()).collect(),
        Class::Unicode(chars) => {
            chars.iter().flat_map(|r| r.start()..=r.end()).filter_map(|c| u8::try_from(c).ok()).collect()
        }
    };
    members.get(choices.below(members.len() as u64) as usize).copied().unwrap_or(b'?')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_the_recipe_and_the_seed() {
        let recipe = "ab[0-9]{6}(x|y)";
        let one = generate(recipe, 1, None).expect("recipe");
        assert_eq!(one, generate(recipe, 1, None).expect("recipe"));
        assert_ne!(one, generate(recipe, 2, None).expect("recipe"));
        assert!(one.starts_with("ab") && one.len() == 9, "{one}");
        assert!(generate("[", 1, None).is_err());
    }
}
