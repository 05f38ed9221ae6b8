//! The steps of a score, as they are kept while most matches are still thrown away.
//!
//! A number that looks like thirty kinds of numbers is judged thirty times, and its judgements are sorted before one of them
//! stays. So a step is a few bytes that say what it is about, and becomes words when its match is reported.

use super::found::Step;
use super::vocabulary::{PhraseId, Phrases, Standing};
use crate::base::Confidence;
use crate::knowledge::Context;

/// A step of a score.
#[derive(Clone, Copy, Debug)]
pub(super) struct Note {
    pub(super) step: Step,
    pub(super) detail: Detail,
    pub(super) change: i16,
}

/// Steps that nearly all scores do with.
const FIRST_MAX: usize = 6;

/// Most steps that a score has beyond them.
const REST_MAX: usize = 12;

/// The steps of a score, and what they come to. Few have so many that they need memory of their own.
#[derive(Clone, Debug)]
pub(super) struct Notes {
    first: [Note; FIRST_MAX],
    rest: Option<Box<[Note; REST_MAX]>>,
    len: u8,
    sum: i32,
}

/// What a step is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Detail {
    /// The pattern accepted the value.
    Shape,
    /// The check said something.
    Check,
    /// A phrase names the value: the list, which one of it, and where it stands.
    Phrase(PhraseList, u16, Standing),
    /// A sentence.
    Said(Sentence),
}

impl Detail {
    /// A phrase of a list, by its index.
    pub(super) fn phrase(list: PhraseList, index: usize, standing: Standing) -> Self {
        Self::Phrase(list, u16::try_from(index).unwrap_or(u16::MAX), standing)
    }
}

/// A list of phrases of a detector.
#[derive(Clone, Copy, Debug)]
pub(super) enum PhraseList {
    Strong,
    Weak,
    Negative,
}

impl PhraseList {
    pub(super) fn of(self, phrases: &Phrases) -> &[PhraseId] {
        match self {
            Self::Strong => &phrases.strong,
            Self::Weak => &phrases.weak,
            Self::Negative => &phrases.negative,
        }
    }

    /// The same as their author wrote them.
    pub(super) fn sources(self, context: &Context) -> &[String] {
        match self {
            Self::Strong => &context.strong,
            Self::Weak => &context.weak,
            Self::Negative => &context.negative,
        }
    }
}

/// What is said of a value, whatever detector found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sentence {
    /// Its shape is wider than the one that is issued.
    Wide,
    /// It is a hexadecimal number that somebody altered.
    Altered,
    /// It is the name of something in a program.
    NameOfProgram,
    /// Its column holds other numbers.
    ChanceOfColumn,
    /// It stands in binary data.
    InBinary,
    /// It was published as a specimen.
    Specimen,
    /// It lies in a range that is kept for examples.
    Reserved,
    /// It repeats itself.
    Repetition,
    /// It failed its check.
    FailedCheck,
    /// Dots stand for its rest.
    CutOff,
    /// Only its vendor is named.
    Beside,
    Pasted,
    /// It is named as an id.
    NamedId,
    /// It is named as a digest.
    NamedDigest,
    /// Its digits are a row.
    InventedDigits,
    /// It belongs to a name.
    PartOfName,
    /// Others of its kind stand nearby.
    Peers,
    /// A clock may have written it.
    Moment,
    /// It is a part of a hexadecimal number.
    Hexadecimal,
    /// It has another name.
    OtherName,
    /// Numbers that are none of its kind stand nearby.
    Strangers,
    /// Nothing names it.
    Alone,
}

/// What is said of a value that nothing names. Whoever knows what it belongs to does away with it.
pub(crate) const ALONE: &str = "neither a word that names it nor others of its kind nearby";

impl Sentence {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Wide => "letters or a length that this kind is not issued with",
            Self::Altered => "hexadecimal digits in both cases, or with others among them: an altered value",
            Self::NameOfProgram => "part of a longer name, or without a digit: what programs call something",
            Self::ChanceOfColumn => "nearly all numbers of its column fail the check that this one passes",
            Self::InBinary => "in binary data, where such values turn up by chance",
            Self::Specimen => "published specimen",
            Self::Reserved => "in a range that is kept for examples",
            Self::Repetition => "one repeated character, or characters in their order: a placeholder",
            Self::FailedCheck => "failed its check: an altered or invented value",
            Self::CutOff => "dots stand for the rest of it",
            Self::Beside => "beside the name of its vendor, without a word that says what it is",
            Self::Pasted => "alone on its lines with the name of its vendor, without a word that says what it is",
            Self::NamedId => "its name says that it is an id",
            Self::NamedDigest => "its name says that it is the digest or the number of a build",
            Self::InventedDigits => "digits in a row, as people and tables have them",
            Self::PartOfName => "part of a path or of a name",
            Self::Peers => "others of its kind nearby",
            Self::Moment => "reads like a day and a time, or like the time since 1970",
            Self::Hexadecimal => "small letters and digits of a hexadecimal number",
            Self::OtherName => "the name directly before it is another one",
            Self::Strangers => "most numbers of its length nearby do not pass",
            Self::Alone => ALONE,
        }
    }
}

/// No step.
const NONE: Note = Note { step: Step::Pattern, detail: Detail::Shape, change: 0 };

impl Default for Notes {
    fn default() -> Self {
        Self { first: [NONE; FIRST_MAX], rest: None, len: 0, sum: 0 }
    }
}

impl Notes {
    /// Adds a step. The pattern, three of its width, the check, two of the words, six of the company and five of `judge`
    /// itself make eighteen.
    pub(super) fn add(&mut self, step: Step, change: i32, detail: Detail) {
        // Points are of one byte each, and eighteen of them add up.
        let change = change.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        let at = usize::from(self.len);
        let place = match self.first.get_mut(at) {
            Some(place) => place,
            None => &mut self.rest.get_or_insert_with(|| Box::new([NONE; REST_MAX]))[at - FIRST_MAX],
        };
        *place = Note { step, detail, change };
        self.len += 1;
        self.sum += i32::from(change);
    }

    /// The steps, in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Note> {
        let rest = self.rest.as_deref().map_or(&[][..], |rest| rest);
        self.first.iter().chain(rest).take(self.len.into())
    }

    /// Number of steps.
    pub(super) fn len(&self) -> usize {
        self.len.into()
    }

    /// What they come to.
    pub(super) fn confidence(&self) -> Confidence {
        Confidence::from_points(self.sum)
    }

    /// Whether the header of its column names the value.
    pub(super) fn is_named_by_header(&self) -> bool {
        self.iter().any(|note| matches!(note.detail, Detail::Phrase(_, _, Standing::Header)))
    }

    /// Lowers the sum to at most `points`.
    pub(super) fn cap(&mut self, points: i32, sentence: Sentence) {
        let change = (points - self.sum).min(0);
        self.add(Step::Penalty, change, Detail::Said(sentence));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_small() {
        assert!(size_of::<Notes>() <= 72, "{} bytes", size_of::<Notes>());
    }

    #[test]
    fn as_many_steps_as_there_can_be_are_kept_in_their_order() {
        let mut notes = Notes::default();
        for change in 1..=(FIRST_MAX + REST_MAX) as i32 {
            notes.add(Step::Context, change, Detail::Check);
            let changes: Vec<i32> = notes.iter().map(|note| note.change.into()).collect();
            assert_eq!(changes, (1..=change).collect::<Vec<_>>());
            assert_eq!((notes.len(), notes.sum), (changes.len(), changes.iter().sum()));
        }
    }
}
