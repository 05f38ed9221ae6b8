//! Findings counted per detector, without the values.
//!
//! A policy asks "how many different card numbers, at least of medium confidence", never "which". The [`Summariser`]
//! takes findings while an inspection runs, tells equal values apart by digest, and hands out numbers and masks.

use crate::base::{Category, Confidence, ConfidenceLevel, Limits, Secret, SensitivityLabel, Severity};
use crate::content::Finding;
use dlp_detector_format::Detector;
use std::collections::{BTreeMap, HashMap};

/// Masked samples kept of one detector: enough for a reviewer to see what it is about.
pub const SAMPLES_MAX: usize = 5;

/// Shortest value that is masked in a text around it: shorter ones stand in ordinary words.
pub(crate) const MASKED_LEN_MIN: usize = 4;

/// Different values kept to mask them in texts. More of them in one transfer make its names worthless anyway.
const MASKED_VALUES_MAX: usize = 1_000;

/// Stands for a text that cannot be masked completely.
const NOT_SHOWN: &str = "(not shown)";

/// What one detector found in an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectorSummary {
    /// Id, for example `pii.pl.pesel`.
    pub detector: String,
    /// Name for people.
    pub title: String,
    /// Kind of data.
    pub category: Category,
    /// How bad a leak is.
    pub severity: Severity,
    /// Label that one finding implies.
    pub label: SensitivityLabel,
    /// Laws and programmes.
    pub tags: Vec<String>,
    /// Findings, repetitions included.
    pub count: u64,
    /// Different values.
    pub unique: UniqueValues,
    /// Highest confidence.
    pub confidence_max: Confidence,
    /// Whether it was found in the item itself, and whether in files inside of it, at least at medium.
    pub places: Places,
    /// Up to [`SAMPLES_MAX`] different masks; of records and documents of one's own, which columns or document it was.
    pub samples_masked: Vec<String>,
}

/// Numbers of different values by the best confidence level each was found with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UniqueValues {
    /// Seen at low only.
    pub low: u64,
    /// Seen at medium at best.
    pub medium: u64,
    /// Seen at high.
    pub high: u64,
}

/// Where something was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// In the item itself: the text of a mail, a document.
    pub outside: bool,
    /// In a file inside of it: an attachment, a member of an archive.
    pub inside: bool,
}

impl UniqueValues {
    /// Different values of at least this level.
    #[must_use]
    pub fn at_least(self, level: ConfidenceLevel) -> u64 {
        match level {
            ConfidenceLevel::Low => self.low + self.medium + self.high,
            ConfidenceLevel::Medium => self.medium + self.high,
            ConfidenceLevel::High => self.high,
        }
    }

    /// Counts one value.
    pub fn add(&mut self, level: ConfidenceLevel) {
        match level {
            ConfidenceLevel::Low => self.low += 1,
            ConfidenceLevel::Medium => self.medium += 1,
            ConfidenceLevel::High => self.high += 1,
        }
    }
}

/// Counts findings of one transfer. Holds digests of values, and, when texts are to be masked, the values themselves;
/// both only until [`Summariser::finish`].
#[derive(Clone, Debug)]
pub struct Summariser {
    detectors: BTreeMap<String, Tally>,
    values_left: u64,
    texts: Vec<String>,
    /// Values, as long as there are texts in which to mask them.
    masked: Option<Vec<(Secret, u8)>>,
}

#[derive(Clone, Debug)]
struct Tally {
    summary: DetectorSummary,
    /// The best confidence of each value that is told apart.
    values: HashMap<[u8; 32], Confidence>,
}

impl Summariser {
    /// A counter that tells up to `findings_max` values apart; beyond it each finding counts as a new value, which
    /// can only make a decision stronger.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self { detectors: BTreeMap::new(), values_left: limits.findings_max, texts: Vec::new(), masked: None }
    }

    /// As [`Summariser::new`], with texts that will be shown beside the numbers, such as file names and the path: a
    /// value that is found anywhere in the transfer is masked in them.
    #[must_use]
    pub fn with_texts(limits: &Limits, texts: Vec<String>) -> Self {
        Self { texts, masked: Some(Vec::new()), ..Self::new(limits) }
    }

    /// Masks the values found so far in one more text, for texts that are known only at the end. Beyond
    /// 1,000 different values nothing of the text is shown.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        let Some(values) = &self.masked else { return text.to_owned() };
        if values.len() >= MASKED_VALUES_MAX {
            return NOT_SHOWN.to_owned();
        }
        values.iter().fold(text.to_owned(), |mut text, (value, reveal_last)| {
            mask_in(&mut text, value, *reveal_last);
            text
        })
    }

    /// Counts a finding of `detector`.
    pub fn add(&mut self, detector: &Detector, finding: &Finding) {
        let tally = self
            .detectors
            .entry(detector.id.clone())
            .or_insert_with(|| Tally { summary: empty_summary(detector), values: HashMap::new() });
        self.texts.iter_mut().for_each(|text| mask_in(text, &finding.value, detector.reveal_last));
        let summary = &mut tally.summary;
        summary.count += 1;
        summary.confidence_max = summary.confidence_max.max(finding.confidence);
        if finding.confidence.level() >= ConfidenceLevel::Medium {
            let is_inside = !finding.location.container.is_empty();
            summary.places.inside |= is_inside;
            summary.places.outside |= !is_inside;
        }
        sample(&mut summary.samples_masked, detector, finding);

        let digest = *blake3::hash(&canonical(detector.category, finding.value.expose())).as_bytes();
        if tally.take((digest, finding.confidence), &mut self.values_left)
            && let Some(values) = self.masked.as_mut().filter(|values| values.len() < MASKED_VALUES_MAX)
        {
            values.push((finding.value.clone(), detector.reveal_last));
        }
    }

    /// The numbers so far without the texts, to be put together with those of other transfers.
    #[must_use]
    pub fn counts(&self) -> Self {
        let Self { detectors, values_left, .. } = self;
        Self { detectors: detectors.clone(), values_left: *values_left, texts: Vec::new(), masked: None }
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.detectors.is_empty()
    }

    /// Adds what was counted in another transfer. A value that both have counts once, at its better level.
    pub fn absorb(&mut self, other: &Self) {
        for (id, more) in &other.detectors {
            let known = self.detectors.entry(id.clone()).or_insert_with(|| Tally {
                summary: DetectorSummary {
                    count: 0,
                    unique: UniqueValues::default(),
                    samples_masked: Vec::new(),
                    ..more.summary.clone()
                },
                values: HashMap::new(),
            });
            known.absorb(more, &mut self.values_left);
        }
    }

    /// Forgets each value that another transfer does not have, with all that it added. What is beyond the bound is not told
    /// apart, and is forgotten too.
    pub fn keep_common(&mut self, other: &Self) {
        self.detectors.retain(|id, tally| other.detectors.get(id).is_some_and(|known| tally.keep_common(known)));
    }

    /// The summaries, by detector id.
    #[must_use]
    pub fn finish(self) -> Vec<DetectorSummary> {
        self.finish_with_texts().0
    }

    /// The summaries, by detector id, and the texts with their values masked, in the order in which they were given.
    #[must_use]
    pub fn finish_with_texts(self) -> (Vec<DetectorSummary>, Vec<String>) {
        let summarise = |tally: Tally| {
            let mut summary = tally.summary;
            tally.values.values().for_each(|confidence| summary.unique.add(confidence.level()));
            summary
        };
        (self.detectors.into_values().map(summarise).collect(), self.texts)
    }
}

impl Tally {
    fn absorb(&mut self, more: &Self, values_left: &mut u64) {
        let summary = &mut self.summary;
        summary.count += more.summary.count;
        summary.confidence_max = summary.confidence_max.max(more.summary.confidence_max);
        summary.places.inside |= more.summary.places.inside;
        summary.places.outside |= more.summary.places.outside;
        let UniqueValues { low, medium, high } = more.summary.unique;
        summary.unique.low += low;
        summary.unique.medium += medium;
        summary.unique.high += high;
        for sample in &more.summary.samples_masked {
            if summary.samples_masked.len() < SAMPLES_MAX && !summary.samples_masked.contains(sample) {
                summary.samples_masked.push(sample.clone());
            }
        }
        for (digest, confidence) in &more.values {
            self.take((*digest, *confidence), values_left);
        }
    }

    /// Takes a value. Whether it is a new one that is told apart from now on.
    fn take(&mut self, (digest, confidence): ([u8; 32], Confidence), values_left: &mut u64) -> bool {
        match self.values.get_mut(&digest) {
            Some(best) => *best = confidence.max(*best),
            None if *values_left == 0 => self.summary.unique.add(confidence.level()),
            None => {
                *values_left -= 1;
                self.values.insert(digest, confidence);
                return true;
            }
        }
        false
    }

    /// Keeps the values that both have; whether there are any. How often each was found is not known, but that it was.
    fn keep_common(&mut self, other: &Self) -> bool {
        let (summary, values) = (&mut self.summary, &mut self.values);
        values.retain(|digest, _| other.values.contains_key(digest));
        summary.count = values.len() as u64;
        summary.unique = UniqueValues::default();
        summary.confidence_max = values.values().copied().max().unwrap_or_default();
        summary.samples_masked.retain(|sample| other.summary.samples_masked.contains(sample));
        !values.is_empty()
    }
}

fn empty_summary(detector: &Detector) -> DetectorSummary {
    DetectorSummary {
        detector: detector.id.clone(),
        title: detector.title.clone(),
        category: detector.category,
        severity: detector.severity,
        label: detector.label,
        tags: detector.tags.clone(),
        count: 0,
        unique: UniqueValues::default(),
        confidence_max: Confidence::default(),
        places: Places::default(),
        samples_masked: Vec::new(),
    }
}

fn mask_in(text: &mut String, value: &Secret, reveal_last: u8) {
    if let Ok(found) = std::str::from_utf8(value.expose())
        && found.len() >= MASKED_LEN_MIN
        && text.contains(found)
    {
        *text = text.replace(found, &value.masked(reveal_last));
    }
}

fn sample(samples: &mut Vec<String>, detector: &Detector, finding: &Finding) {
    if samples.len() < SAMPLES_MAX {
        // What was found of an index is told by names of columns and documents, which stand where other findings have
        // the text around them; a mask of it would tell nothing.
        let is_known = detector.patterns.is_empty() && !finding.context_masked.is_empty();
        let masked = if is_known { finding.context_masked.clone() } else { finding.value.masked(detector.reveal_last) };
        if !samples.contains(&masked) {
            samples.push(masked);
        }
    }
}

/// The form in which two spellings of one value are equal: `4111 1111 …` is `4111-1111-…`. Credentials are compared as
/// they stand, since every byte of them counts.
fn canonical(category: Category, value: &[u8]) -> Vec<u8> {
    if matches!(category, Category::Secret | Category::SourceCode) {
        return value.to_vec();
    }
    let is_mail = value.contains(&b'@');
    let separates = |b: &u8| !is_mail && matches!(b, b' ' | b'-' | b'.' | b'/' | b'\t' | b'\r' | b'\n');
    value.iter().filter(|b| !separates(b)).map(u8::to_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Location;
    use crate::matching::DetectorIndex;
    use dlp_detector_format::{FileId, parse_file};

    fn detector(id: &str, category: &str) -> Detector {
        let (family, name) = id.rsplit_once('.').expect("dotted id");
        let text = format!(
            "[[detector]]\nid = '{family}.{name}'\ntitle = 't'\ndescription = 'd'\ncategory = '{category}'\n\
             severity = 'high'\npatterns = ['acme-[0-9]{{4}}']\nscore = {{ pattern = 70 }}\n\
             examples = [{{ text = 'acme-1234', finds = ['acme-1234'] }}]\n\
             counter_examples = [{{ text = 'x', reason = 'r' }}]\n"
        );
        let read = parse_file(FileId { name: "test", id_prefix: "" }, &text).expect("test detector");
        read.into_iter().next().expect("one").detector
    }

    fn finding(value: &str, points: i32) -> Finding {
        Finding {
            related: Vec::new(),
            detector: DetectorIndex(0),
            confidence: Confidence::from_points(points),
            reasons: Vec::new(),
            validator: None,
            value: Secret::new(value.as_bytes()),
            context_masked: String::new(),
            cell: None,
            location: Location::default(),
        }
    }

    fn check(category: &str, findings: &[(&str, i32)], expected: (u64, UniqueValues)) {
        let detector = detector("test.acme.number", category);
        let mut summariser = Summariser::new(&Limits::inline());
        findings.iter().for_each(|(value, points)| summariser.add(&detector, &finding(value, *points)));
        let summaries = summariser.finish();
        assert_eq!((summaries[0].count, summaries[0].unique), expected, "{findings:?}");
    }

    #[test]
    fn values_count_once_at_their_best_level() {
        let unique = |low, medium, high| UniqueValues { low, medium, high };
        check("finance", &[("4111 1111", 90), ("4111-1111", 70), ("41111111", 10)], (3, unique(0, 0, 1)));
        check("finance", &[("4111 1111", 70), ("4111 1112", 10)], (2, unique(1, 1, 0)));
        check(
            "pii",
            &[("Jan@acme.example", 70), ("jan@acme.example", 70), ("j.an@acme.example", 70)],
            (3, unique(0, 2, 0)),
        );
        check("secret", &[("aBc", 90), ("abc", 90), ("a-bc", 90)], (3, unique(0, 0, 3)));
    }

    #[test]
    fn beyond_the_bound_findings_count_as_new_values() {
        let detector = detector("test.acme.number", "finance");
        let limits = Limits { findings_max: 2, ..Limits::inline() };
        let mut summariser = Summariser::new(&limits);
        for value in ["1", "2", "3", "3", "1"] {
            summariser.add(&detector, &finding(value, 90));
        }
        let summary = summariser.finish().remove(0);
        assert_eq!((summary.count, summary.unique.high), (5, 4), "3 and its repetition count twice, 1 once");
    }

    #[test]
    fn values_of_several_transfers_count_once() {
        let detector = detector("test.acme.number", "finance");
        let counted = |limit, values: &[(&str, i32)]| {
            let mut one = Summariser::new(&Limits { findings_max: limit, ..Limits::inline() });
            values.iter().for_each(|(value, points)| one.add(&detector, &finding(value, *points)));
            one.counts()
        };
        let rows = [(10, 4, (1, 2)), (2, 5, (1, 3))];
        for (limit, count, (medium, high)) in rows {
            let mut all = Summariser::new(&Limits { findings_max: limit, ..Limits::inline() });
            assert!(all.is_empty());
            for one in [&[("1", 70), ("2", 70)][..], &[("2", 90)], &[("3", 90)]] {
                all.absorb(&counted(10, one));
            }
            if limit == 2 {
                all.absorb(&counted(10, &[("3", 90)]));
            }
            let summary = all.finish().remove(0);
            assert_eq!((summary.count, summary.unique), (count, UniqueValues { low: 0, medium, high }), "{limit}");
        }
    }

    #[test]
    fn values_that_another_transfer_does_not_have_are_forgotten() {
        let detector = detector("test.acme.number", "finance");
        let counted = |values: &[(&str, i32)]| {
            let mut one = Summariser::new(&Limits { findings_max: 2, ..Limits::inline() });
            values.iter().for_each(|(value, points)| one.add(&detector, &finding(value, *points)));
            one
        };
        let (one, two, three) = (("4000 1111", 90), ("4000 2222", 50), ("4000 3333", 90));
        let rows = [
            (&[one, two][..], &[two, three][..], Some((two.1, "4000 2222"))),
            (&[one, two], &[one], Some((one.1, "4000 1111"))),
            (&[two, two, one], &[two], Some((two.1, "4000 2222"))),
            // The third one is beyond the bound.
            (&[one, two, three], &[one], Some((one.1, "4000 1111"))),
            (&[one], &[two], None),
            (&[one], &[], None),
        ];
        for (first, second, expected) in rows {
            let mut all = counted(first);
            all.keep_common(&counted(second));
            let left = all.finish().pop();
            let expected = expected.map(|(points, value)| {
                let mask = Secret::new(value.as_bytes()).masked(detector.reveal_last);
                (1, 1, Confidence::from_points(points), vec![mask])
            });
            let left = left.map(|left| {
                let values = left.unique.at_least(ConfidenceLevel::Low);
                (left.count, values, left.confidence_max, left.samples_masked)
            });
            assert_eq!(left, expected, "{first:?} {second:?}");
        }
    }

    #[test]
    fn values_are_masked_in_texts_beside_them() {
        let detector = detector("test.acme.number", "government-id");
        let texts = ["44051401458.pdf", "/in/44051401458/a-44051401458.pdf", "other.pdf"];
        let mut summariser = Summariser::with_texts(&Limits::inline(), texts.map(str::to_owned).to_vec());
        summariser.add(&detector, &finding("44051401458", 90));
        summariser.add(&detector, &finding("pdf", 10));
        assert_eq!(
            summariser.mask("late-44051401458"),
            format!("late-{}", Secret::new(b"44051401458").masked(detector.reveal_last))
        );
        let (_, texts) = summariser.finish_with_texts();
        let mask = Secret::new(b"44051401458").masked(detector.reveal_last);
        assert_eq!(texts, [format!("{mask}.pdf"), format!("/in/{mask}/a-{mask}.pdf"), "other.pdf".to_owned()]);
    }

    #[test]
    fn samples_are_masked_and_bounded() {
        let detector = detector("test.acme.number", "secret");
        let mut summariser = Summariser::new(&Limits::inline());
        for index in 0..20 {
            summariser.add(&detector, &finding(&format!("synthetic-value-{index:04}"), 90));
        }
        let summary = summariser.finish().remove(0);
        assert_eq!(summary.samples_masked.len(), SAMPLES_MAX);
        assert!(summary.samples_masked.iter().all(|s| !s.contains("synthetic")), "{:?}", summary.samples_masked);
    }
}
