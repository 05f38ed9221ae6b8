//! The packed form of checked detectors: what `dlp-patterns` embeds, so that start-up parses no TOML.
//!
//! A program that starts has a few files to look at, and most detectors find nothing in them. So what the first pass is
//! built from stands apart from what a detector says, and is read from left to right without memory for each item;
//! texts, expressions and what is asked of a match are read for the detectors that find something. Byte sets, lists of
//! them, shapes, phrases, contexts and literals, which many detectors share, stand once, in tables of their own that
//! records refer to by number.

mod layout;
mod read;
mod write;

pub use layout::{AnchorHead, ContextHead, DetectorHead, PatternHead};
pub use read::{Counts, Heads, Packed, Role};
pub use write::pack;

use crate::{CounterExample, Example, Read};
use thiserror::Error;

/// Changes whenever the packed layout changes; a blob of another version is refused.
const VERSION: u32 = 9;

/// Why a packed set cannot be written or read.
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
    #[error("packed detectors are damaged")]
    Damaged,
    /// A value cannot be written or read.
    #[error("packed detectors are damaged: {0}")]
    Value(#[from] postcard::Error),
    /// There is more than the tables have numbers for.
    #[error("the detectors have more than {max} different {what}; split them into several files")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
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
    use crate::{Anchor, Detector, FileId, arrange, parse_file};

    fn detectors() -> Vec<Detector> {
        let text = r#"
[[detector]]
id = "secret.acme.key"
title = "Acme key"
description = "A key."
category = "secret"
severity = "high"
patterns = ['[a-z]{1,9}-acme_[a-z]{8}', 'acmx_[a-z]{8}', '[0-9]{11}']
context = { strong = ["acme key", "clef"], weak = ["key"], required = true }
score = { pattern = 90 }
examples = [{ text = "acmx_abcdefgh", finds = ["acmx_abcdefgh"] }]
counter_examples = [{ text = "acme_", reason = "too short" }]

[[detector]]
id = "secret.acme.other"
title = "Acme token"
description = "A token."
category = "secret"
severity = "low"
tags = ["gdpr"]
companions = ["secret.acme.key"]
specimens = ["acmx_0"]
validator = "luhn"
patterns = ['acmx_[0-9]{40}[a-z-]{0,99}x']
score = { pattern = 60, companion = 10 }
examples = [{ text = "acmx_0123456789012345678901234567890123456789x", finds = ["acmx_0123456789012345678901234567890123456789x"] }]
counter_examples = [{ text = "acme_", reason = "too short" }]
"#;
        let read = parse_file(FileId { name: "test", id_prefix: "" }, text).expect("test file");
        let mut detectors: Vec<_> = read.into_iter().map(|r| r.detector).collect();
        arrange(&mut detectors[..1]);
        detectors
    }

    fn list(texts: &[String]) -> Vec<&str> {
        texts.iter().map(String::as_str).collect()
    }

    #[test]
    fn unpacking_gives_back_what_was_packed() {
        let detectors = detectors();
        assert!(detectors[0].patterns.iter().all(|pattern| !pattern.window.is_empty()));
        let is_start = |anchor: &Anchor| matches!(anchor, Anchor::Start { .. });
        assert!(detectors[0].patterns[2].anchors.iter().all(is_start), "both kinds of anchors are packed");
        let packed = Packed::open(pack(&detectors).expect("packed")).expect("opened");
        assert_eq!(packed.len(), detectors.len());
        for (number, detector) in (0..).zip(&detectors) {
            assert_eq!(packed.id(number), detector.id);
            assert_eq!(packed.detector(number).expect("read"), *detector);
            let described = packed.description(number).expect("read");
            let regexes =
                |detector: &Detector| detector.patterns.iter().map(|pattern| pattern.regex.clone()).collect::<Vec<_>>();
            assert_eq!(regexes(&described), regexes(detector));
            assert!(described.patterns.iter().all(|pattern| pattern.anchors.is_empty() && pattern.window.is_empty()));
            assert_eq!(
                Detector { patterns: Vec::new(), ..described },
                Detector { patterns: Vec::new(), ..detector.clone() }
            );
            let role = packed.role(number).expect("read");
            assert_eq!((role.id, role.category), (detector.id.as_str(), detector.category));
            assert_eq!((&role.tags, &role.companions), (&list(&detector.tags), &list(&detector.companions)));
            let first = packed.heads(number).expect("read").detector().first_pattern;
            for (index, pattern) in (first..).zip(&detector.patterns) {
                let without_anchors = crate::Pattern { anchors: Vec::new(), ..pattern.clone() };
                assert_eq!(packed.pattern(index).expect("read"), without_anchors);
            }
        }
    }

    #[test]
    fn what_is_shared_stands_once() {
        let detectors = detectors();
        let one = pack(&detectors).expect("packed");
        let two = pack(&[detectors.clone(), detectors].concat()).expect("packed");
        assert!(two.len() < 2 * one.len() * 3 / 4, "{} of {}", two.len(), one.len());
    }

    #[test]
    fn parts_for_hashes_do_not_depend_on_neighbours() {
        let parts = |detectors: &[Detector], number| {
            let packed = Packed::open(pack(detectors).expect("packed")).expect("opened");
            let mut parts = Vec::new();
            packed.each_part(number, &mut |part: &[u8]| parts.push(part.to_vec())).expect("read");
            parts
        };
        let mut detectors = detectors();
        let alone = parts(&detectors[1..], 0);
        assert_eq!(parts(&detectors, 1), alone);
        detectors[1].context.weak.push("other".to_owned());
        assert_ne!(parts(&detectors, 1), alone);
        detectors[1].context.weak.clear();
        detectors[1].patterns[0].regex.push('?');
        assert_ne!(parts(&detectors, 1), alone);
    }

    #[test]
    fn damage_is_an_error() {
        let packed = pack(&detectors()).expect("packed");
        for len in 0..packed.len() {
            assert!(Packed::open(packed[..len].to_vec()).is_err(), "{len}");
        }
        let other_version = [&[8, 0, 0, 0], &packed[4..]].concat();
        assert!(matches!(Packed::open(other_version), Err(PackError::Version { found: 8 })));
    }

    #[test]
    fn a_damaged_record_is_an_error_and_no_panic() {
        let packed = pack(&detectors()).expect("packed");
        for at in 0..packed.len() {
            let mut damaged = packed.clone();
            damaged[at] ^= 0xff;
            let Ok(damaged) = Packed::open(damaged) else { continue };
            for number in 0..2 {
                // Whatever it gives: some damage leaves other detectors.
                let _ = damaged.detector(number);
            }
        }
    }
}
