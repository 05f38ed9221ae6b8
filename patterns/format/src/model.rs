//! What a detector is, once its file has been read and checked.

use crate::{Anchor, ByteSet, Category, Demand, Program, SensitivityLabel, Severity};
use serde::{Deserialize, Serialize};

/// Data that recognises one kind of sensitive data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detector {
    /// Path-first id, for example `pii.pl.pesel`.
    pub id: String,
    /// Name for people.
    pub title: String,
    /// What it is, what it opens or reveals, in a few sentences.
    pub description: String,
    /// What to do when one has leaked. Empty when nothing can be done.
    pub remedy: String,
    /// Where the format is published.
    pub reference: String,
    /// Kind of sensitive data.
    pub category: Category,
    /// How bad a leak is.
    pub severity: Severity,
    /// Sensitivity that one finding alone implies for the item that holds it.
    pub label: SensitivityLabel,
    /// Laws and programmes: `gdpr`, `pci-dss`, ...
    pub tags: Vec<String>,
    /// Alternatives; a match of any of them is a match of the detector. Packed apart, see [`pack`](crate::pack).
    #[serde(skip)]
    pub patterns: Vec<Pattern>,
    /// What may stand beside a match.
    pub boundary: Boundary,
    /// Offline check of the matched value.
    pub validator: Option<Validator>,
    /// Supporting words near a match. Packed apart.
    #[serde(skip)]
    pub context: Context,
    /// How evidence adds up to a confidence.
    pub score: Score,
    /// Lowest Shannon entropy in bits per byte that the value must have. Zero for no demand.
    pub entropy_min: f32,
    /// Values that are published specimens or placeholders: kept, but as low. `#` stands for any digit; values of such
    /// a range are kept, but never as high.
    pub specimens: Vec<String>,
    /// Ids of detectors, in which `*` stands for any characters, whose values belong to this one's: the id of a
    /// secret, the expiry date of a card.
    pub companions: Vec<String>,
    /// How many characters the mask leaves visible at the end of the value.
    pub reveal_last: u8,
}

/// One regular expression of a detector, with what was derived from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pattern {
    /// The expression as it was written, abbreviations included: [`expand`](crate::expand) writes them out. ASCII
    /// classes by default. The group named `value` is the sensitive part; without it, the match.
    pub regex: String,
    /// Anchors, any of which must be present in a match: the soundness of the first pass rests on them. Packed apart,
    /// see [`pack`](crate::pack).
    #[serde(skip)]
    pub anchors: Vec<Anchor>,
    /// Longest match in bytes.
    pub len_max: u32,
    /// The bytes that can stand at each of the first offsets of a match, up to [`WINDOW_LEN`](crate::WINDOW_LEN);
    /// beyond its length, any can. It includes what the boundary lets stand behind the shortest match, and is a gate
    /// before the regex. Packed apart.
    #[serde(skip)]
    pub window: Vec<ByteSet>,
    /// What every match holds, if little text does: a gate before the regex.
    pub demand: Option<Demand>,
    /// How unlikely a match is in random bytes: one in `2^chance_bits` places.
    pub chance_bits: u8,
    /// What does as well as the regex, where there is such a thing.
    pub program: Option<Program>,
    /// Numbers of digits, one bit each: a match that begins with a token of so many digits and nothing else is that token.
    pub whole_numbers: u32,
    /// Whether it takes more than what is issued: other letters, other lengths. Its matches are rated lower.
    pub is_wide: bool,
}

/// What may stand directly beside a match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Boundary {
    /// Anything: the pattern states its own edges.
    None,
    /// Nothing that would continue a token: letters and digits on either side. For credentials.
    #[default]
    Token,
    /// As `Token`, and a match may start inside of a name in camel case or behind `-D`, but not end where a value in
    /// base 64 or with dashes goes on. For credentials that are found behind a name: the default of patterns that all
    /// call an [abbreviation](crate::expand).
    Name,
    /// As `Token`, and no digit group, decimal fraction, hexadecimal run or identifier that continues the value
    /// beyond a separator. For numbers that people carry.
    Identifier,
    /// Nothing that would continue a word: letters of any script, digits, underscore. For markings.
    Word,
}

/// An offline check, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validator {
    /// Name in the validator table of dlp-core.
    pub name: String,
    /// What a failed check means.
    pub failure: Failure,
}

/// What happens to a match that fails its validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// The match is dropped. Default of everything but credentials.
    Drop,
    /// The match is kept at low confidence. Default of credentials, whose published copies are often altered.
    Low,
}

/// Supporting words near a match. Words are compared whole, without case and diacritics; a trailing `*` accepts up to
/// four more letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Context {
    /// Words that name this kind of data.
    pub strong: Vec<String>,
    /// Words that fit this and other kinds.
    pub weak: Vec<String>,
    /// Words that speak against it.
    pub negative: Vec<String>,
    /// Bytes before the match that are searched.
    pub before_bytes: u16,
    /// Bytes after the match that are searched.
    pub after_bytes: u16,
    /// Whether a match without a strong word is dropped.
    pub required: bool,
}

/// Points, 0 to 100 in sum after clamping: low 0-59, medium 60-84, high 85-100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// For the pattern alone.
    pub pattern: i16,
    /// Added when a companion stands near.
    pub companion: i16,
    /// Added when the validator accepts the value.
    pub validator: i16,
    /// Added for a strong word.
    pub strong: i16,
    /// Added for a weak word when there is no strong one.
    pub weak: i16,
    /// Added (it is below zero) for a word that speaks against it.
    pub negative: i16,
    /// Added (it is below zero) for a value without separators that no word names and that has no others of its kind
    /// nearby: a check digit alone lets one in ten pass, and one address is everyday business.
    pub alone: i16,
}

/// A text in which the detector must fire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The text. `{{value}}` stands for a value generated from `generate`.
    pub text: String,
    /// The values that must be found, in order. Empty with a generated value means: that value.
    pub finds: Vec<String>,
    /// Recipe of the value: literals, classes `[a-z0-9]`, counts `{n}`; the validator completes check digits.
    pub generate: String,
    /// Lowest level at which it must be shown: `low`, `medium` or `high`.
    pub level: String,
    /// The content, for files that are no text; then there is neither a text nor a list of values, and any value counts.
    pub bytes: Vec<u8>,
}

/// A text in which the detector must not fire at medium or above.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterExample {
    /// The text; empty for a file that is none.
    pub text: String,
    /// The content, for files that are no text.
    pub bytes: Vec<u8>,
    /// Why nothing may be found in it.
    pub reason: String,
}

impl CounterExample {
    /// What is searched.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        if self.bytes.is_empty() { self.text.as_bytes() } else { &self.bytes }
    }
}
