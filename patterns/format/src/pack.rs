//! The packed form of checked detectors: what `dlp-patterns` embeds, so that start-up parses no TOML.
//!
//! The byte sets of windows and anchors are few and large, so each distinct one stands once in a table, and whole
//! lists of them, which many patterns share, stand once as lists of its entries.

use crate::{Anchor, ByteSet, CounterExample, Detector, Example, Pattern, Read, Shape};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use thiserror::Error;

/// Changes whenever the packed layout changes; a blob of another version is refused.
const VERSION: u32 = 8;

/// Why a packed set cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PackError {
    /// The bytes were packed by another version of this crate.
    #[error("packed detectors have version {found}, expected {VERSION}; rebuild dlp-patterns")]
    Version {
        /// Version found.
        found: u32,
    },
    /// The bytes are not what `pack` wrote.
    #[error("packed detectors are damaged: {0}")]
    Damaged(#[from] postcard::Error),
}

/// Packs checked detectors.
///
/// # Errors
/// Only when a value cannot be written, which no checked detector causes.
pub fn pack(detectors: &[Detector]) -> Result<Vec<u8>, PackError> {
    let mut sets = Interned::default();
    let mut windows = Interned::default();
    let mut shapes = Interned::default();
    let mut uses = Uses::default();
    for pattern in detectors.iter().flat_map(|detector| &detector.patterns) {
        let mut list = |listed: &[ByteSet]| -> u32 {
            let list: Vec<u32> = listed.iter().map(|set| sets.index(set)).collect();
            windows.index(&list)
        };
        uses.windows.push(list(&pattern.window));
        let steps: Vec<ByteSet> = pattern.program.iter().flatten().map(|step| step.bytes).collect();
        uses.steps.push(list(&steps));
        uses.demands.extend(pattern.demand.as_ref().map(|demand| list(&[demand.bytes])));
        for anchor in &pattern.anchors {
            match anchor {
                Anchor::Literal { between, after, .. } => {
                    uses.after.push(list(after));
                    uses.between.push(between.as_ref().map(|set| list(&[*set])));
                }
                Anchor::Start { shape, .. } => uses.shapes.push(shapes.index(shape)),
            }
        }
    }
    Ok(postcard::to_stdvec(&(VERSION, sets.values, windows.values, shapes.values, uses, detectors))?)
}

/// Reads what [`pack`] wrote.
///
/// # Errors
/// When the version differs or the bytes are damaged.
pub fn unpack(bytes: &[u8]) -> Result<Vec<Detector>, PackError> {
    let (found, rest) = postcard::take_from_bytes::<u32>(bytes)?;
    if found != VERSION {
        return Err(PackError::Version { found });
    }
    let (sets, windows, shapes, uses, mut detectors): Packed = postcard::from_bytes(rest)?;
    let windows: Vec<Vec<ByteSet>> = windows
        .iter()
        .map(|window| window.iter().map(|index| sets.get(*index as usize).copied()).collect())
        .collect::<Option<_>>()
        .ok_or(postcard::Error::SerdeDeCustom)?;
    let tables = Tables { windows, shapes };
    let mut uses = Using {
        windows: uses.windows.into_iter(),
        between: uses.between.into_iter(),
        after: uses.after.into_iter(),
        steps: uses.steps.into_iter(),
        demands: uses.demands.into_iter(),
        shapes: uses.shapes.into_iter(),
    };
    for pattern in detectors.iter_mut().flat_map(|detector| &mut detector.patterns) {
        tables.restore(pattern, &mut uses).ok_or(postcard::Error::SerdeDeCustom)?;
    }
    Ok(detectors)
}

/// Writes what a checked detector says, without what is derived from its expressions: for hashes, not to be read again.
///
/// # Errors
/// Those of the writer.
pub fn write_detector(detector: &Detector, out: impl std::io::Write) -> Result<(), PackError> {
    postcard::to_io(detector, out)?;
    Ok(())
}

/// What stands behind the version.
type Packed = (Vec<ByteSet>, Vec<Vec<u32>>, Vec<Shape>, Uses, Vec<Detector>);

/// Which window each pattern has, which set each demand and each literal anchor, which shape each start, in their order.
#[derive(Default, Serialize, Deserialize)]
struct Uses {
    windows: Vec<u32>,
    between: Vec<Option<u32>>,
    after: Vec<u32>,
    steps: Vec<u32>,
    demands: Vec<u32>,
    shapes: Vec<u32>,
}

/// Uses that have not been restored yet.
struct Using {
    windows: std::vec::IntoIter<u32>,
    between: std::vec::IntoIter<Option<u32>>,
    after: std::vec::IntoIter<u32>,
    steps: std::vec::IntoIter<u32>,
    demands: std::vec::IntoIter<u32>,
    shapes: std::vec::IntoIter<u32>,
}

/// The distinct values.
struct Tables {
    windows: Vec<Vec<ByteSet>>,
    shapes: Vec<Shape>,
}

impl Tables {
    /// Puts window, sets and shapes of a pattern back. `None` when the tables lack them.
    fn restore(&self, pattern: &mut Pattern, uses: &mut Using) -> Option<()> {
        pattern.window = self.windows.get(uses.windows.next()? as usize)?.clone();
        let classes = self.windows.get(uses.steps.next()? as usize)?;
        let steps = pattern.program.iter_mut().flatten();
        steps.zip(classes).for_each(|(step, bytes)| step.bytes = *bytes);
        if let Some(demand) = &mut pattern.demand {
            demand.bytes = *self.windows.get(uses.demands.next()? as usize)?.first()?;
        }
        for anchor in &mut pattern.anchors {
            match anchor {
                Anchor::Literal { between, after, .. } => {
                    *after = self.windows.get(uses.after.next()? as usize)?.clone();
                    *between = match uses.between.next()? {
                        Some(index) => Some(*self.windows.get(index as usize)?.first()?),
                        None => None,
                    };
                }
                Anchor::Start { shape, .. } => *shape = self.shapes.get(uses.shapes.next()? as usize)?.clone(),
            }
        }
        Some(())
    }
}

/// Distinct values in the order of their first use.
struct Interned<T> {
    values: Vec<T>,
    places: HashMap<T, u32>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self { values: Vec::new(), places: HashMap::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Interned<T> {
    fn index(&mut self, value: &T) -> u32 {
        if let Some(place) = self.places.get(value) {
            return *place;
        }
        let place = self.values.len() as u32;
        self.values.push(value.clone());
        self.places.insert(value.clone(), place);
        place
    }
}

/// The examples of one detector.
pub type Examples = (String, Vec<Example>, Vec<CounterExample>);

/// Packs the examples of detectors, apart from the detectors because only tests and `dlp detectors` need them.
///
/// # Errors
/// Only when a value cannot be written, which no checked file causes.
pub fn pack_examples(read: &[Read]) -> Result<Vec<u8>, PackError> {
    let rows: Vec<_> = read.iter().map(|r| (&r.detector.id, &r.examples, &r.counter_examples)).collect();
    Ok(postcard::to_stdvec(&(VERSION, rows))?)
}

/// Reads what [`pack_examples`] wrote: `(detector id, examples, counter-examples)`.
///
/// # Errors
/// When the version differs or the bytes are damaged.
pub fn unpack_examples(bytes: &[u8]) -> Result<Vec<Examples>, PackError> {
    let (found, rest) = postcard::take_from_bytes::<u32>(bytes)?;
    if found != VERSION {
        return Err(PackError::Version { found });
    }
    Ok(postcard::from_bytes(rest)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FileId, parse_file};

    fn detectors() -> Vec<Detector> {
        let text = r#"
[[detector]]
id = "secret.acme.key"
title = "Acme key"
description = "A key."
category = "secret"
severity = "high"
patterns = ['[a-z]{1,9}-acme_[a-z]{8}', 'acmx_[a-z]{8}', '[0-9]{11}']
score = { pattern = 90 }
examples = [{ text = "acmx_abcdefgh", finds = ["acmx_abcdefgh"] }]
counter_examples = [{ text = "acme_", reason = "too short" }]
"#;
        let read = parse_file(FileId { name: "test", id_prefix: "" }, text).expect("test file");
        read.into_iter().map(|r| r.detector).collect()
    }

    #[test]
    fn unpacking_gives_back_windows_and_sets() {
        let detectors = detectors();
        assert!(detectors[0].patterns.iter().all(|pattern| !pattern.window.is_empty()));
        assert_eq!(unpack(&pack(&detectors).expect("packed")).expect("unpacked"), detectors);
    }

    #[test]
    fn damage_is_an_error() {
        let packed = pack(&detectors()).expect("packed");
        for len in 0..packed.len() {
            assert!(unpack(&packed[..len]).is_err(), "{len}");
        }
        let other_version = [&[9], &packed[1..]].concat();
        assert!(matches!(unpack(&other_version), Err(PackError::Version { found: 9 })));
    }
}
