//! From checked detectors to bytes.

use super::layout::{
    AnchorHead, ContextHead, DetectorHead, HEADER_BYTES, NO_BUCKET, PLACE_BYTES, PatternHead, PatternLists, SECTIONS,
    Section,
};
use super::{PackError, VERSION};
use crate::anchor::SHAPE_RUNS;
use crate::{Anchor, ByteSet, Context, Detector, Distinct, Pattern, Shape, WindowPlace};
use serde::Serialize;

/// Most sets: their numbers in lists have two bytes.
const SETS_MAX: usize = 1 << 16;

/// Packs checked detectors.
///
/// # Errors
/// When there is more of something than its numbers allow.
pub fn pack(detectors: &[Detector]) -> Result<Vec<u8>, PackError> {
    let mut writer = Writer::default();
    for detector in detectors {
        writer.add(detector)?;
    }
    writer.finish()
}

/// Items one behind the other, and where each ends.
#[derive(Default)]
struct Records {
    ends: Vec<u8>,
    items: Vec<u8>,
}

impl Records {
    fn end(&mut self) {
        self.ends.extend((self.items.len() as u32).to_le_bytes());
    }

    fn push(&mut self, item: &[u8]) {
        self.items.extend_from_slice(item);
        self.end();
    }

    fn write(&mut self, value: &impl Serialize) -> Result<(), PackError> {
        self.items.extend(postcard::to_stdvec(value)?);
        Ok(())
    }
}

#[derive(Default)]
struct Writer {
    sets: Distinct<ByteSet>,
    lists: Distinct<Vec<u32>>,
    shapes: Distinct<Shape>,
    literals: Distinct<(Vec<u8>, Option<WindowPlace>)>,
    phrases: Distinct<String>,
    contexts: Distinct<ContextHead>,
    ids: Records,
    heads: Records,
    bodies: Records,
    patterns: Records,
    pattern_count: u32,
}

impl Writer {
    fn add(&mut self, detector: &Detector) -> Result<(), PackError> {
        let head = DetectorHead {
            boundary: detector.boundary,
            context: self.context(&detector.context),
            first_pattern: self.pattern_count,
            patterns: detector.patterns.len() as u32,
        };
        self.pattern_count += head.patterns;
        self.heads.write(&head)?;
        for pattern in &detector.patterns {
            self.add_pattern(pattern)?;
        }
        self.heads.end();
        self.bodies.write(detector)?;
        self.bodies.end();
        self.ids.push(detector.id.as_bytes());
        Ok(())
    }

    fn context(&mut self, context: &Context) -> u32 {
        let Context { strong, weak, negative, before_bytes, after_bytes, required } = context;
        let [strong, weak, negative] = [strong, weak, negative]
            .map(|phrases| phrases.iter().map(|phrase| self.phrases.number(phrase)).collect::<Vec<_>>());
        self.contexts.number(&ContextHead {
            strong,
            weak,
            negative,
            before_bytes: *before_bytes,
            after_bytes: *after_bytes,
            required: *required,
        })
    }

    fn add_pattern(&mut self, pattern: &Pattern) -> Result<(), PackError> {
        let steps: Vec<ByteSet> = pattern.program.iter().flatten().map(|step| step.bytes).collect();
        let demand: Vec<ByteSet> = pattern.demand.iter().map(|demand| demand.bytes).collect();
        let lists =
            PatternLists { window: self.list(&pattern.window), steps: self.list(&steps), demand: self.list(&demand) };
        self.heads.write(&PatternHead {
            window: lists.window,
            len_max: pattern.len_max,
            anchors: pattern.anchors.len() as u32,
        })?;
        for anchor in &pattern.anchors {
            let head = self.anchor(anchor);
            self.heads.write(&head)?;
        }
        self.patterns.write(&(lists, pattern))?;
        self.patterns.end();
        Ok(())
    }

    fn anchor(&mut self, anchor: &Anchor) -> AnchorHead {
        match anchor {
            Anchor::Literal { bytes, before_min, before_max, between, after, needs_key_run, window } => {
                AnchorHead::Literal {
                    literal: self.literals.number(&(bytes.clone(), *window)),
                    before_min: *before_min,
                    before_max: *before_max,
                    between: between.as_ref().map(|set| self.sets.number(set)),
                    after: self.list(after),
                    needs_key_run: *needs_key_run,
                }
            }
            Anchor::Start { skip_min, skip_max, run_min, digit_within, shape } => AnchorHead::Start {
                skip_min: *skip_min,
                skip_max: *skip_max,
                run_min: *run_min,
                digit_within: *digit_within,
                shape: self.shapes.number(shape),
            },
        }
    }

    fn list(&mut self, sets: &[ByteSet]) -> u32 {
        let numbers: Vec<u32> = sets.iter().map(|set| self.sets.number(set)).collect();
        self.lists.number(&numbers)
    }

    fn finish(self) -> Result<Vec<u8>, PackError> {
        if self.sets.values().len() > SETS_MAX {
            return Err(PackError::TooMany { what: "sets of bytes", max: SETS_MAX });
        }
        let mut sections: [Vec<u8>; SECTIONS] = Default::default();
        let mut put = |section: Section, bytes: Vec<u8>| sections[section as usize] = bytes;
        let mut put_records = |ends: Section, items: Section, records: Records| {
            put(ends, records.ends);
            put(items, records.items);
        };
        put_records(Section::ListEnds, Section::Lists, lists(self.lists.values()));
        put_records(
            Section::LiteralEnds,
            Section::Literals,
            records(self.literals.values().iter().map(|(text, _)| text)),
        );
        put_records(Section::PhraseEnds, Section::Phrases, records(self.phrases.values()));
        put_records(Section::IdEnds, Section::Ids, self.ids);
        put_records(Section::HeadEnds, Section::Heads, self.heads);
        put_records(Section::BodyEnds, Section::Bodies, self.bodies);
        put_records(Section::PatternEnds, Section::Patterns, self.patterns);
        let mut contexts = Records::default();
        for context in self.contexts.values() {
            contexts.write(context)?;
            contexts.end();
        }
        put_records(Section::ContextEnds, Section::Contexts, contexts);
        put(Section::Sets, self.sets.values().iter().flat_map(|set| *set.words()).flat_map(u64::to_le_bytes).collect());
        let followers = |shape: &Shape| (0..SHAPE_RUNS).flat_map(|run| shape.runs(run).to_vec()).collect::<Vec<_>>();
        put(Section::Shapes, self.shapes.values().iter().flat_map(followers).flat_map(u16::to_le_bytes).collect());
        put(Section::Places, self.literals.values().iter().flat_map(|(_, place)| place_bytes(*place)).collect());
        joined(&sections)
    }
}

/// The version, where each section ends, and the sections.
fn joined(sections: &[Vec<u8>; SECTIONS]) -> Result<Vec<u8>, PackError> {
    let mut end = HEADER_BYTES;
    let mut bytes = VERSION.to_le_bytes().to_vec();
    for section in sections {
        end += section.len();
        let end = u32::try_from(end).map_err(|_| PackError::TooMany { what: "bytes", max: u32::MAX as usize })?;
        bytes.extend(end.to_le_bytes());
    }
    sections.iter().for_each(|section| bytes.extend(section));
    Ok(bytes)
}

fn records(items: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Records {
    let mut records = Records::default();
    items.into_iter().for_each(|item| records.push(item.as_ref()));
    records
}

/// Lists of numbers, of two bytes each.
fn lists(lists: &[Vec<u32>]) -> Records {
    let bytes = |list: &Vec<u32>| list.iter().flat_map(|set| (*set as u16).to_le_bytes()).collect::<Vec<u8>>();
    records(lists.iter().map(bytes))
}

fn place_bytes(place: Option<WindowPlace>) -> [u8; PLACE_BYTES] {
    place.map_or([0, NO_BUCKET], |place| [place.offset, place.bucket])
}
