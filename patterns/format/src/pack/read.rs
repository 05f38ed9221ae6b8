//! Reads a packed set, as far as it is asked for.

use super::layout::{
    AnchorHead, ContextHead, DetectorHead, HEADER_BYTES, ITEM_BYTES, NO_BUCKET, NUMBER_BYTES, PLACE_BYTES, PatternHead,
    PatternLists, SECTIONS, SET_BYTES, Section,
};
use super::{PackError, VERSION};
use crate::anchor::{RUNS, SHAPE_RUNS};
use crate::{
    Anchor, Boundary, ByteSet, Category, Context, Detector, Pattern, Score, SensitivityLabel, Severity, Shape,
    Validator, WindowPlace,
};
use serde::Deserialize;
use std::borrow::Cow;
use std::ops::Range;

/// Packed detectors. Opening them reads nothing but where what stands.
#[derive(Clone, Debug)]
pub struct Packed {
    bytes: Cow<'static, [u8]>,
    sections: [Range<usize>; SECTIONS],
}

impl Packed {
    /// Opens what [`pack`](super::pack) wrote.
    ///
    /// # Errors
    /// When the version differs or bytes are missing.
    pub fn open(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self, PackError> {
        let bytes = bytes.into();
        let found = number(&bytes, 0)?;
        if found as u32 != VERSION {
            return Err(PackError::Version { found: found as u32 });
        }
        let mut start = HEADER_BYTES;
        let mut sections: [Range<usize>; SECTIONS] = std::array::from_fn(|_| 0..0);
        for (index, section) in (1..).zip(&mut sections) {
            let end = number(&bytes, index)?;
            *section = bytes.get(start..end).map(|_| start..end).ok_or(PackError::Damaged)?;
            start = end;
        }
        if start == bytes.len() { Ok(Self { bytes, sections }) } else { Err(PackError::Damaged) }
    }

    /// How many detectors there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.section(Section::IdEnds).len() / NUMBER_BYTES
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many there are of what detectors share.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let count = |section: Section| self.section(section).len() / NUMBER_BYTES;
        Counts {
            literals: count(Section::LiteralEnds),
            phrases: count(Section::PhraseEnds),
            contexts: count(Section::ContextEnds),
            lists: count(Section::ListEnds),
            sets: self.section(Section::Sets).len() / SET_BYTES,
        }
    }

    /// The id of a detector, empty where there is no such detector.
    #[must_use]
    pub fn id(&self, number: u32) -> &str {
        let id = self.record(Section::IdEnds, Section::Ids, number).unwrap_or_default();
        std::str::from_utf8(id).unwrap_or_default()
    }

    /// What the first pass asks of a detector.
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn heads(&self, number: u32) -> Result<Heads<'_>, PackError> {
        let mut rest = self.record(Section::HeadEnds, Section::Heads, number)?;
        Ok(Heads { detector: take(&mut rest)?, rest })
    }

    /// A detector, all of it.
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn detector(&self, number: u32) -> Result<Detector, PackError> {
        let mut detector = self.without_patterns(number)?;
        let mut heads = self.heads(number)?;
        let first = heads.detector().first_pattern;
        for index in 0..heads.detector().patterns {
            let head = heads.pattern()?;
            let mut pattern = self.pattern(first.saturating_add(index))?;
            for _ in 0..head.anchors {
                pattern.anchors.push(self.anchor(heads.anchor()?)?);
            }
            detector.patterns.push(pattern);
        }
        Ok(detector)
    }

    /// What a detector says: of its patterns the expressions, without what is derived from them.
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn description(&self, number: u32) -> Result<Detector, PackError> {
        let mut detector = self.without_patterns(number)?;
        let DetectorHead { first_pattern, patterns, .. } = self.heads(number)?.detector;
        for index in 0..patterns {
            let (_, pattern) = self.written(first_pattern.saturating_add(index))?;
            detector.patterns.push(Pattern { demand: None, program: None, ..pattern });
        }
        Ok(detector)
    }

    fn without_patterns(&self, number: u32) -> Result<Detector, PackError> {
        let mut detector: Detector = postcard::from_bytes(self.record(Section::BodyEnds, Section::Bodies, number)?)?;
        let ContextHead { strong, weak, negative, before_bytes, after_bytes, required } =
            self.context(self.heads(number)?.detector.context)?;
        let phrases = |numbers: Vec<u32>| {
            numbers.into_iter().map(|number| self.phrase(number).map(str::to_owned)).collect::<Result<_, _>>()
        };
        let (strong, weak, negative) = (phrases(strong)?, phrases(weak)?, phrases(negative)?);
        detector.context = Context { strong, weak, negative, before_bytes, after_bytes, required };
        Ok(detector)
    }

    /// What a detector has to do with others.
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn role(&self, number: u32) -> Result<Role<'_>, PackError> {
        Ok(postcard::from_bytes(self.record(Section::BodyEnds, Section::Bodies, number)?)?)
    }

    /// A pattern by its number among those of all detectors, without its anchors.
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn pattern(&self, number: u32) -> Result<Pattern, PackError> {
        let (lists, mut pattern) = self.written(number)?;
        pattern.window = self.list(lists.window)?;
        let steps = pattern.program.iter_mut().flatten();
        steps.zip(self.list(lists.steps)?).for_each(|(step, bytes)| step.bytes = bytes);
        if let Some(demand) = &mut pattern.demand {
            demand.bytes = self.list(lists.demand)?.into_iter().next().ok_or(PackError::Damaged)?;
        }
        Ok(pattern)
    }

    /// A pattern as it stands in its record, and the lists that it has.
    fn written(&self, number: u32) -> Result<(PatternLists, Pattern), PackError> {
        Ok(postcard::from_bytes(self.record(Section::PatternEnds, Section::Patterns, number)?)?)
    }

    /// What a detector says, and its patterns, for hashes: the same whatever it was packed with.
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn each_part(&self, number: u32, each: &mut dyn FnMut(&[u8])) -> Result<(), PackError> {
        each(self.record(Section::BodyEnds, Section::Bodies, number)?);
        let DetectorHead { context, first_pattern, patterns, .. } = self.heads(number)?.detector;
        for pattern in 0..patterns {
            let record = self.record(Section::PatternEnds, Section::Patterns, first_pattern.saturating_add(pattern))?;
            // The numbers of its lists are those of this pack; what the lists hold comes from the expression.
            let (PatternLists { .. }, written) = postcard::take_from_bytes(record)?;
            each(written);
        }
        let ContextHead { strong, weak, negative, before_bytes, after_bytes, required } = self.context(context)?;
        each(&[before_bytes.to_le_bytes(), after_bytes.to_le_bytes(), [required.into(), 0]].concat());
        for list in [strong, weak, negative] {
            each(&(list.len() as u64).to_le_bytes());
            for phrase in list {
                each(self.phrase(phrase)?.as_bytes());
            }
        }
        Ok(())
    }

    /// A set of bytes.
    ///
    /// # Errors
    /// When there is no such set.
    pub fn set(&self, number: u32) -> Result<ByteSet, PackError> {
        let bytes = fixed(self.section(Section::Sets), number, SET_BYTES)?;
        let word = |word: usize| std::array::from_fn(|byte| bytes[word * size_of::<u64>() + byte]);
        Ok(ByteSet::from_words(std::array::from_fn(|index| u64::from_le_bytes(word(index)))))
    }

    /// A list of sets.
    ///
    /// # Errors
    /// When there is no such list, or no set that it names.
    pub fn list(&self, number: u32) -> Result<Vec<ByteSet>, PackError> {
        let (items, _) = self.record(Section::ListEnds, Section::Lists, number)?.as_chunks::<ITEM_BYTES>();
        items.iter().map(|item| self.set(u16::from_le_bytes(*item).into())).collect()
    }

    /// A shape.
    ///
    /// # Errors
    /// When there is no such shape.
    pub fn shape(&self, number: u32) -> Result<Shape, PackError> {
        let bytes = fixed(self.section(Section::Shapes), number, SHAPE_RUNS * RUNS * size_of::<u16>())?;
        let (followers, _) = bytes.as_chunks();
        Ok(Shape::from_followers(followers.iter().map(|followers| u16::from_le_bytes(*followers))))
    }

    /// A literal, and its place if it has one.
    ///
    /// # Errors
    /// When there is no such literal.
    pub fn literal(&self, number: u32) -> Result<(&[u8], Option<WindowPlace>), PackError> {
        let text = self.record(Section::LiteralEnds, Section::Literals, number)?;
        let place = fixed(self.section(Section::Places), number, PLACE_BYTES)?;
        let (offset, bucket) = (place[0], place[1]);
        Ok((text, (bucket != NO_BUCKET).then_some(WindowPlace { offset, bucket })))
    }

    /// A phrase.
    ///
    /// # Errors
    /// When there is no such phrase.
    pub fn phrase(&self, number: u32) -> Result<&str, PackError> {
        let phrase = self.record(Section::PhraseEnds, Section::Phrases, number)?;
        std::str::from_utf8(phrase).map_err(|_| PackError::Damaged)
    }

    /// A context.
    ///
    /// # Errors
    /// When there is no such context.
    pub fn context(&self, number: u32) -> Result<ContextHead, PackError> {
        Ok(postcard::from_bytes(self.record(Section::ContextEnds, Section::Contexts, number)?)?)
    }

    fn anchor(&self, head: AnchorHead) -> Result<Anchor, PackError> {
        Ok(match head {
            AnchorHead::Literal { literal, before_min, before_max, between, after, needs_key_run } => {
                let (text, window) = self.literal(literal)?;
                Anchor::Literal {
                    bytes: text.to_vec(),
                    before_min,
                    before_max,
                    between: between.map(|set| self.set(set)).transpose()?,
                    after: self.list(after)?,
                    needs_key_run,
                    window,
                }
            }
            AnchorHead::Start { skip_min, skip_max, run_min, digit_within, shape } => {
                Anchor::Start { skip_min, skip_max, run_min, digit_within, shape: self.shape(shape)? }
            }
        })
    }

    fn section(&self, section: Section) -> &[u8] {
        &self.bytes[self.sections[section as usize].clone()]
    }

    /// An item of a section, where another one tells the ends of its items.
    fn record(&self, ends: Section, items: Section, index: u32) -> Result<&[u8], PackError> {
        let (ends, index) = (self.section(ends), index as usize);
        let start = index.checked_sub(1).map_or(Ok(0), |before| number(ends, before))?;
        self.section(items).get(start..number(ends, index)?).ok_or(PackError::Damaged)
    }
}

/// What a detector has to do with others: the fields of a [`Detector`] up to its companions, in their order, with their
/// texts where they stand.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs, dead_code, reason = "the fields are those of a detector, some to be passed over")]
pub struct Role<'p> {
    pub id: &'p str,
    pub title: &'p str,
    description: &'p str,
    remedy: &'p str,
    reference: &'p str,
    pub category: Category,
    severity: Severity,
    label: SensitivityLabel,
    #[serde(borrow)]
    pub tags: Vec<&'p str>,
    boundary: Boundary,
    validator: Option<Validator>,
    score: Score,
    entropy_min: f32,
    #[serde(borrow)]
    specimens: Vec<&'p str>,
    #[serde(borrow)]
    pub companions: Vec<&'p str>,
}

/// How much of what there is.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "each is the number of what it is called by")]
pub struct Counts {
    pub literals: usize,
    pub phrases: usize,
    pub contexts: usize,
    pub lists: usize,
    pub sets: usize,
}

/// Reads what the first pass asks of a detector: each pattern, and behind it its anchors.
#[derive(Clone, Debug)]
pub struct Heads<'p> {
    detector: DetectorHead,
    rest: &'p [u8],
}

impl Heads<'_> {
    /// The detector.
    #[must_use]
    pub fn detector(&self) -> &DetectorHead {
        &self.detector
    }

    /// The next pattern, once the anchors of the one before are read.
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn pattern(&mut self) -> Result<PatternHead, PackError> {
        take(&mut self.rest)
    }

    /// The next anchor.
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn anchor(&mut self) -> Result<AnchorHead, PackError> {
        take(&mut self.rest)
    }
}

fn take<'p, T: Deserialize<'p>>(rest: &mut &'p [u8]) -> Result<T, PackError> {
    let (value, behind) = postcard::take_from_bytes(rest)?;
    *rest = behind;
    Ok(value)
}

/// An item of a table of items that are equally long.
fn fixed(table: &[u8], index: u32, len: usize) -> Result<&[u8], PackError> {
    let start = index as usize * len;
    table.get(start..start + len).ok_or(PackError::Damaged)
}

fn number(table: &[u8], index: usize) -> Result<usize, PackError> {
    let bytes = fixed(table, index as u32, NUMBER_BYTES)?;
    Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize)
}
