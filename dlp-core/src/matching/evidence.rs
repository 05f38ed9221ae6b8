//! From a span to a score: validator, context words, what stands around, degenerate values, specimens, each as a reason
//! with its points.

use super::company::{self, Company};
use super::compile::{CompiledDetector, CompiledPattern, DetectorSet};
use super::confirm::Accepted;
use super::context::Widths;
use super::found::{DetectorIndex, Reason, Step, ValidatorResult};
use super::key_name::{self, Told};
use super::material::{self, Material};
use super::moment::{self, Moment};
use super::notes::{Detail, Notes, PhraseList, Sentence};
use super::own_name::OwnName;
use super::pasted;
use super::scratch::{Candidate, Scratch};
use super::spotted::Classified;
use super::table::Table;
use super::vocabulary::Standing;
use crate::base::{Category, Confidence, ConfidenceLevel};
use crate::knowledge::validators::{Check, Verdict};
use crate::knowledge::{Detector, Failure};
use std::borrow::Cow;
use std::ops::Range;

/// A credential that fails its check is almost always an altered copy: it stays, at low.
const FAILED_CHECK_POINTS: i32 = 30;

/// What a value costs that is not written as its issuer writes it, where nobody promises that it is.
const DOUBTFUL_POINTS: i32 = 10;

/// What a shape costs that is wider than the one that is issued.
const WIDE_POINTS: i32 = 10;

/// A hexadecimal number with something else among its digits is one that somebody altered: it stays, at low.
const ALTERED_POINTS: i32 = 45;

/// Fewest characters of which nine in ten are hexadecimal digits by design alone.
const ALTERED_LEN_MIN: usize = 12;

/// A published specimen stays visible to audits, at low.
const SPECIMEN_POINTS: i32 = 40;

/// A range that is kept for examples is not proof of one: test data is drawn from it, and people copy it with the rest of a
/// record. It is shown, but never as sure.
const RESERVED_POINTS: i32 = 84;

/// A credential that is mostly one repeated character is a placeholder: it stays, at low.
const REPETITION_POINTS: i32 = 20;

/// A credential of which the rest was left out opens nothing: it stays, at low.
const CUT_OFF_POINTS: i32 = 45;

/// What names an id or a digest behind the name of a vendor is no secret of that vendor: it stays, at low.
const NAMED_ID_POINTS: i32 = 45;

/// What stands beside the name of a vendor may be anything of that vendor's: it stays, at low.
const BESIDE_POINTS: i32 = 55;

/// A drawn value alone with the name of a vendor on its lines was pasted there: it is shown, but not as sure as one with a
/// word that says what it is.
const PASTED_POINTS: i32 = 64;

/// A number among others of its shape that fail the check passes by chance: it stays, at low.
const STRANGERS_POINTS: i32 = 40;

/// A sure value that reads like a moment is shown, but not as sure.
const MOMENT_POINTS: i32 = 70;

/// What chance makes of random bytes stays visible to those who ask for everything.
const BINARY_POINTS: i32 = 40;

/// A credential shorter than this may well consist of few different bytes.
const DEGENERATE_LEN_MIN: usize = 8;

/// A match with its score, before overlaps are resolved.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) detector: DetectorIndex,
    /// Offsets of the value: in the ground when it is judged, in the stream from then on.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) confidence: Confidence,
    pub(super) notes: Notes,
    pub(super) checked: Option<(&'static Check, Verdict)>,
    /// Number of its column, in a table.
    pub(super) column: Option<u16>,
}

impl Judged {
    /// The reasons in words.
    pub(super) fn reasons(&self, set: &DetectorSet) -> Vec<Reason> {
        let detector = &set.compiled(self.detector).data;
        let words = |detail| match detail {
            Detail::Shape => joined(["shape of ", &detector.title, ""]),
            Detail::Check => self
                .checked
                .map_or(Cow::Borrowed(""), |(check, verdict)| joined([check.name, " check ", verdict_word(verdict)])),
            Detail::Phrase(list, index, standing) => {
                let source = list.sources(&detector.context).get(usize::from(index)).map_or("", String::as_str);
                let place = match standing {
                    Standing::Beside => "` nearby",
                    Standing::Header => "` in the header of its column",
                };
                joined(["word `", source, place])
            }
            Detail::Said(sentence) => Cow::Borrowed(sentence.text()),
        };
        let mut reasons = Vec::with_capacity(self.notes.len());
        let all = self.notes.iter();
        reasons.extend(all.map(|note| Reason {
            step: note.step,
            detail: words(note.detail),
            change: note.change.into(),
        }));
        reasons
    }

    /// Whether it fails the check of a form that nothing else has.
    pub(super) fn is_altered(&self) -> bool {
        self.checked.is_some_and(|(check, verdict)| verdict == Verdict::Invalid && check.is_marked)
    }

    /// Whether its check proves it.
    pub(super) fn is_proven(&self) -> bool {
        is_proven(self.checked)
    }

    /// What the check said, for reports.
    pub(super) fn validator(&self) -> Option<ValidatorResult> {
        self.checked.map(|(check, verdict)| ValidatorResult { name: check.name, verdict })
    }
}

/// Parts of a text as one.
fn joined(parts: [&str; 3]) -> Cow<'static, str> {
    let mut text = String::with_capacity(parts.iter().map(|part| part.len()).sum());
    parts.into_iter().for_each(|part| text.push_str(part));
    text.into()
}

/// The bytes that are searched, and what they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground<'t> {
    pub(super) text: &'t [u8],
    pub(super) material: Material,
    /// What the headers of its columns say.
    pub(super) table: Option<&'t Table>,
}

/// Whether words may stand near that a match at a place needs: asked before the pattern is tried, since most lack theirs.
pub(super) fn may_be_named(set: &DetectorSet, scratch: &mut Scratch, ground: Ground<'_>, place: Candidate) -> bool {
    let (start, number) = place;
    let pattern = &set.patterns()[number as usize];
    let detector = set.compiled(pattern.detector);
    let Some(widths) = detector.demands_within.filter(|_| pattern.is_whole_value) else { return true };
    let Scratch { spotted, masks, tokens, .. } = scratch;
    let known = Classified { text: ground.text, masks, tokens, vocabulary: set.vocabulary(), table: ground.table };
    spotted.may_name(known, (start, pattern.len_max), (widths, &detector.phrases))
}

/// Judges a span that a pattern accepted; `None` when it is no finding at all.
pub(super) fn judge(
    set: &DetectorSet,
    scratch: &mut Scratch,
    ground: Ground<'_>,
    (pattern, accepted): (u32, &Accepted),
) -> Option<Judged> {
    let text = ground.text;
    let pattern = &set.patterns()[pattern as usize];
    let index = pattern.detector;
    let detector = set.compiled(index);
    let value = &text[accepted.value.clone()];
    let is_repetition = is_repetition(detector, value);
    if lacks_entropy(detector, value) || (is_repetition && failure(&detector.data) == Failure::Drop) {
        return None;
    }
    let checked = detector.check.map(|check| (check, (check.verdict)(value)));
    let is_failed = checked.is_some_and(|(_, verdict)| verdict == Verdict::Invalid);
    if is_failed && failure(&detector.data) == Failure::Drop {
        return None;
    }
    let mut score = Notes::default();
    score.add(Step::Pattern, i32::from(detector.data.score.pattern), Detail::Shape);
    let is_wide = pattern.is_wide && !is_proven(checked);
    if is_wide {
        score.add(Step::Penalty, -WIDE_POINTS, Detail::Said(Sentence::Wide));
    }
    if let Some((_, verdict)) = checked {
        let points = match verdict {
            Verdict::Valid => i32::from(detector.data.score.validator),
            Verdict::Doubtful => -DOUBTFUL_POINTS,
            Verdict::Invalid | Verdict::NotApplicable => 0,
        };
        score.add(Step::Validator, points, Detail::Check);
    }
    let named = add_context((set, detector), scratch, ground, accepted, &mut score)?;
    if is_wide {
        cap_wide(text, accepted, &mut score);
    }
    if detector.data.category != Category::Secret {
        add_own_name((set, detector), (&mut scratch.own_name, text), (accepted, named), &mut score);
        if named == Named::No {
            add_company(set, scratch, ground, (index, accepted), &mut score);
        }
    }
    cap_column(ground, (accepted, checked), &mut score);
    cap_binary(ground, pattern, (accepted, named), &mut score);
    if let Some((points, sentence)) = specimen(detector, value) {
        score.cap(points, sentence);
    }
    if is_repetition {
        score.cap(REPETITION_POINTS, Sentence::Repetition);
    }
    if is_failed {
        score.cap(FAILED_CHECK_POINTS, Sentence::FailedCheck);
    }
    if detector.data.category == Category::Secret {
        cap_secret((text, accepted), detector, (is_proven(checked), is_wide), &mut score);
    }
    Some(Judged {
        detector: index,
        start: accepted.value.start as u64,
        end: accepted.value.end as u64,
        confidence: score.confidence(),
        notes: score,
        checked,
        column: ground.table.and_then(|table| table.column_of(text, &accepted.value)),
    })
}

/// Keeps a number at low that passes its check as others in its column do by chance.
fn cap_column(
    ground: Ground<'_>,
    (accepted, checked): (&Accepted, Option<(&'static Check, Verdict)>),
    score: &mut Notes,
) {
    let is_number = company::is_digits(&ground.text[accepted.value.clone()]);
    if let (Some((check, Verdict::Valid)), Some(table), true) = (checked, ground.table, is_number)
        && company::is_chance_of_column(check, (table, ground.text), &accepted.value)
    {
        score.cap(STRANGERS_POINTS, Sentence::ChanceOfColumn);
    }
}

/// Keeps what its surroundings say is no whole credential, or none at all, at low.
fn cap_secret(
    (text, accepted): (&[u8], &Accepted),
    detector: &CompiledDetector,
    (is_proven, is_wide): (bool, bool),
    score: &mut Notes,
) {
    if accepted.is_beside && !is_proven {
        cap_beside((text, accepted), is_wide, score);
    }
    let behind = &text[accepted.whole.end.max(accepted.value.end)..];
    if !is_proven && CUT_OFF.iter().any(|mark| behind.starts_with(mark)) {
        score.cap(CUT_OFF_POINTS, Sentence::CutOff);
    }
    let value = &text[accepted.value.clone()];
    match key_name::told(&text[accepted.whole.start..accepted.value.start], value, &detector.data.id) {
        Some(Told::Id) => score.cap(NAMED_ID_POINTS, Sentence::NamedId),
        Some(Told::Digest) if !is_proven => score.cap(NAMED_ID_POINTS, Sentence::NamedDigest),
        _ => {}
    }
}

/// Keeps what stands beside the name of its vendor at low, unless it was pasted there in the shape that is issued.
fn cap_beside((text, accepted): (&[u8], &Accepted), is_wide: bool, score: &mut Notes) {
    if !is_wide && pasted::is_pasted(text, &accepted.whole, &accepted.value) {
        score.cap(PASTED_POINTS, Sentence::Pasted);
    } else {
        score.cap(BESIDE_POINTS, Sentence::Beside);
    }
}

/// What stands for the rest of a value.
const CUT_OFF: &[&[u8]] = &[b"...", "\u{2026}".as_bytes()];

/// Keeps a shape beyond what is issued at low, whatever words are near, where something other than a secret has it.
fn cap_wide(text: &[u8], accepted: &Accepted, score: &mut Notes) {
    if is_altered_hex(&text[accepted.value.clone()]) {
        score.cap(ALTERED_POINTS, Sentence::Altered);
    }
    if is_in_name(text, accepted) {
        score.cap(ALTERED_POINTS, Sentence::NameOfProgram);
    }
}

/// Whether a value that is known by its start goes on a name in a program, or is one: `shared_ptr_access`. Of drawn values,
/// one in some hundred is without a digit.
fn is_in_name(text: &[u8], accepted: &Accepted) -> bool {
    let value = accepted.value.clone();
    let goes_on = value.start.checked_sub(1).is_some_and(|before| text[before] == b'_');
    accepted.whole.start == value.start && (goes_on || !text[value].iter().any(u8::is_ascii_digit))
}

/// Whether a check proves a value whatever its shape: one that a value can be made to pass, as by a sum in its end.
fn is_proven(checked: Option<(&Check, Verdict)>) -> bool {
    checked.is_some_and(|(check, verdict)| verdict == Verdict::Valid && check.complete.is_some())
}

/// What a failed check means; a credential without a check is kept at low when it is doubtful.
pub(super) fn failure(detector: &Detector) -> Failure {
    let is_secret = detector.category == Category::Secret;
    let default = if is_secret { Failure::Low } else { Failure::Drop };
    detector.validator.as_ref().map_or(default, |validator| validator.failure)
}

fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "passed",
        Verdict::Invalid => "failed",
        Verdict::Doubtful => "is doubtful",
        Verdict::NotApplicable => "does not apply",
    }
}

/// Whether words near a value say what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Yes,
    No,
}

/// Looks for words around the match. `None` when a required word is missing.
fn add_context(
    (set, detector): (&DetectorSet, &CompiledDetector),
    scratch: &mut Scratch,
    ground: Ground<'_>,
    accepted: &Accepted,
    score: &mut Notes,
) -> Option<Named> {
    if detector.phrases.is_empty() {
        return Some(Named::No);
    }
    let context = &detector.data.context;
    let Scratch { spotted, masks, tokens, own_name, .. } = scratch;
    let known = Classified { text: ground.text, masks, tokens, vocabulary: set.vocabulary(), table: ground.table };
    let nearby = spotted.around(known, &accepted.value, Widths::of(context));
    if !nearby.may_name(&detector.phrases) {
        return (!context.required).then_some(Named::No);
    }
    let mut named = Named::Yes;
    let points = &detector.data.score;
    let found = |list: PhraseList| {
        nearby
            .first_of(&detector.phrases, list.of(&detector.phrases))
            .map(|(index, at)| Detail::phrase(list, index, at))
    };
    if let Some(phrase) = found(PhraseList::Strong) {
        score.add(Step::Context, i32::from(points.strong), phrase);
    } else if context.required {
        return None;
    } else if let Some(phrase) = found(PhraseList::Weak) {
        score.add(Step::Context, i32::from(points.weak), phrase);
    } else {
        named = Named::No;
    }
    if let Some(phrase) = found(PhraseList::Negative) {
        let negative = PhraseList::Negative.of(&detector.phrases);
        let names = [PhraseList::Strong, PhraseList::Weak].map(|list| list.of(&detector.phrases));
        // What its own name says counts for more than the names of its neighbours, which may be anything.
        let mut is_told = || {
            own_name.read((ground.text, accepted.value.start), set.vocabulary());
            names.into_iter().any(|list| own_name.is_one_of(list, negative))
        };
        if detector.data.category == Category::Secret || !is_told() {
            score.add(Step::Penalty, i32::from(points.negative), phrase);
        }
    }
    Some(named)
}

/// Looks at the name that stands directly before a value. Of one that no word names it says what the value is not; a word
/// that stands farther away, where a shape is all that there is, belongs to the value between them, if the name is one that
/// other numbers have. Numbers of accounts are named by the bank's beside them.
fn add_own_name(
    (set, detector): (&DetectorSet, &CompiledDetector),
    (own_name, text): (&mut OwnName, &[u8]),
    (accepted, named): (&Accepted, Named),
    score: &mut Notes,
) {
    let data = &detector.data;
    let (place, vocabulary) = ((text, accepted.value.start), set.vocabulary());
    let phrases = [PhraseList::Strong, PhraseList::Weak].map(|list| list.of(&detector.phrases));
    match named {
        Named::No
            if data.category == Category::GovernmentId && own_name.read(place, vocabulary).is_another(phrases) =>
        {
            score.add(Step::Penalty, 0, Detail::Said(Sentence::OtherName));
        }
        Named::Yes
            if detector.check.is_none()
                && data.category != Category::Finance
                && data.context.required
                && !score.is_named_by_header()
                && own_name.read(place, vocabulary).follows_value(text)
                && own_name.is_of_other_number(phrases) =>
        {
            score.cap(STRANGERS_POINTS, Sentence::OtherName);
        }
        _ => {}
    }
}

/// Looks at what stands around a value that no word names.
fn add_company(
    set: &DetectorSet,
    scratch: &mut Scratch,
    ground: Ground<'_>,
    (index, accepted): (DetectorIndex, &Accepted),
    score: &mut Notes,
) {
    let text = ground.text;
    let detector = set.compiled(index);
    let span = &accepted.value;
    let value = &text[span.clone()];
    let is_checked = detector.check.is_some();
    let is_number = is_checked && company::is_digits(value);
    if is_checked && (company::is_invented(value) || company::is_stretch(text, span)) {
        score.cap(STRANGERS_POINTS, Sentence::InventedDigits);
    }
    if is_number && ground.material != Material::Name && company::is_part_of_name(text, span) {
        score.cap(STRANGERS_POINTS, Sentence::PartOfName);
    }
    if is_checked && company::is_hexadecimal(value) {
        score.cap(STRANGERS_POINTS, Sentence::Hexadecimal);
    }
    if is_checked {
        cap_moment(text, span, score);
    }
    let alone = i32::from(detector.data.score.alone);
    // Company only ever lowers a score, and what is low already stays so.
    let is_low = score.confidence().level() == ConfidenceLevel::Low;
    if is_low || !is_number && alone == 0 {
        return;
    }
    let is_plain = value.contains(&b'@') || value.iter().all(u8::is_ascii_alphanumeric);
    match company::around(set, scratch, text, (index, span.clone())) {
        Company::Peers if !company::signs_change(text, span) => {
            score.add(Step::Context, 0, Detail::Said(Sentence::Peers));
        }
        Company::Strangers if is_number => {
            score.cap(STRANGERS_POINTS, Sentence::Strangers);
        }
        _ if is_plain => {
            score.add(Step::Penalty, alone, Detail::Said(Sentence::Alone));
        }
        _ => {}
    }
}

/// Lowers what binary data may have by chance, unless it stands in a text.
fn cap_binary(ground: Ground<'_>, pattern: &CompiledPattern, (accepted, named): (&Accepted, Named), score: &mut Notes) {
    let bits = u32::from(pattern.chance_bits) + if named == Named::No { 0 } else { material::WORD_BITS };
    let is_by_chance = ground.material == Material::Binary && bits < material::BITS_MIN;
    if is_by_chance && !material::is_in_text(ground.text, accepted.whole.clone()) {
        score.cap(BINARY_POINTS, Sentence::InBinary);
    }
}

/// Lowers what a clock may have written: a value that would be sure is shown, where it stands alone.
fn cap_moment(text: &[u8], span: &Range<usize>, score: &mut Notes) {
    let is_sure = score.confidence().level() == ConfidenceLevel::High;
    match moment::of(text, span) {
        Moment::None => {}
        Moment::Perhaps if is_sure => score.cap(MOMENT_POINTS, Sentence::Moment),
        Moment::Perhaps | Moment::AmongOthers => score.cap(STRANGERS_POINTS, Sentence::Moment),
    }
}

/// Credentials of one repeated byte, or mostly of one, are masks and placeholders; those in the order of their bytes
/// are tables of a program.
fn is_repetition(detector: &CompiledDetector, value: &[u8]) -> bool {
    if detector.data.category != Category::Secret || value.len() < DEGENERATE_LEN_MIN {
        return false;
    }
    // No placeholder is written in zeros, and files are filled up with them.
    let most = byte_counts(value).into_iter().skip(1).max().unwrap_or(0);
    most * 2 > value.len() || value.is_sorted()
}

/// Whether a value ends in what was a hexadecimal number before somebody altered it.
fn is_altered_hex(value: &[u8]) -> bool {
    let start = value.iter().rposition(|byte| !byte.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
    let run = &value[start..];
    let digits = run.iter().filter(|byte| byte.is_ascii_hexdigit()).count();
    let is_mixed = run.iter().any(u8::is_ascii_lowercase) && run.iter().any(u8::is_ascii_uppercase);
    run.len() >= ALTERED_LEN_MIN && digits * 10 >= run.len() * 9 && (is_mixed || digits < run.len())
}

fn lacks_entropy(detector: &CompiledDetector, value: &[u8]) -> bool {
    let demanded = f64::from(detector.data.entropy_min);
    demanded > 0.0 && shannon_bits(&byte_counts(value), value.len()) < demanded
}

fn byte_counts(value: &[u8]) -> [usize; 256] {
    let mut counts = [0; 256];
    value.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    counts
}

/// Shannon entropy of the byte distribution, in bits per byte.
fn shannon_bits(counts: &[usize; 256], total: usize) -> f64 {
    let total = total.max(1) as f64;
    counts.iter().filter(|count| **count > 0).map(|count| *count as f64 / total).map(|p| -p * p.log2()).sum()
}

/// What a value comes to at most that was published as a specimen, or lies in a range of them. Specimens are compared without
/// separators and case; `#` in one stands for any digit, so that it is a range.
fn specimen(detector: &CompiledDetector, value: &[u8]) -> Option<(i32, Sentence)> {
    if detector.specimens.is_empty() {
        return None;
    }
    let told_len = value.iter().filter(|byte| is_told(byte)).count();
    let first = detector.specimens.partition_point(|specimen| specimen.told.len() < told_len);
    let as_long = detector.specimens[first..].iter().take_while(|specimen| specimen.told.len() == told_len);
    let like = as_long.filter(|specimen| specimen.is_like(value));
    let caps = like.map(|specimen| match specimen.told.contains(&b'#') {
        true => (RESERVED_POINTS, Sentence::Reserved),
        false => (SPECIMEN_POINTS, Sentence::Specimen),
    });
    caps.min_by_key(|(points, _)| *points)
}

/// A published specimen, or a range of them.
#[derive(Debug)]
pub(super) struct Specimen {
    /// What tells it, a `#` for any digit.
    told: Box<[u8]>,
}

impl Specimen {
    fn new(written: &str) -> Self {
        Self { told: written.bytes().filter(|byte| is_told(byte) || *byte == b'#').collect() }
    }

    /// Those of a detector, the shortest first.
    pub(super) fn all(written: &[String]) -> Vec<Self> {
        let mut all: Vec<Self> = written.iter().map(|written| Self::new(written)).collect();
        all.sort_by_key(|specimen| specimen.told.len());
        all
    }

    /// Whether a value of which as many bytes tell something is it.
    fn is_like(&self, value: &[u8]) -> bool {
        let told = value.iter().filter(|byte| is_told(byte));
        self.told.iter().zip(told).all(|(expected, byte)| match expected {
            b'#' => byte.is_ascii_digit(),
            _ => byte.eq_ignore_ascii_case(expected),
        })
    }
}

/// Whether a byte of a value tells it from others: separators do not.
fn is_told(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::{Specimen, is_told};

    #[test]
    fn specimens_are_compared_without_separators_and_may_be_ranges() {
        let rows = [
            ("078-05-1120", "078 05 1120", true),
            ("078-05-1120", "078-05-1121", false),
            ("078-05-1120", "078-05-112", false),
            ("078-05-1120", "078-05-11200", false),
            ("AB123456C", "ab 12 34 56 c", true),
            ("+1 ### 555 01##", "+1 (201) 555-0123", true),
            ("+1 ### 555 01##", "+12015550199", true),
            ("+1 ### 555 01##", "+1 201 555 0200", false),
            ("+1 ### 555 01##", "+1 201 555 012", false),
            ("+1 ### 555 01##", "+1 201 555 012x", false),
            ("##", "", false),
        ];
        for (specimen, value, expected) in rows {
            let (specimen, told) = (Specimen::new(specimen), value.bytes().filter(is_told).count());
            let is_like = specimen.told.len() == told && specimen.is_like(value.as_bytes());
            assert_eq!(is_like, expected, "{specimen:?} {value}");
        }
    }
}
