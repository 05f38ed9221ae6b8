//! The packed form of checked detectors: what `dlp-patterns` embeds, so that start-up parses no TOML.

use crate::{CounterExample, Detector, Example, Read};
use thiserror::Error;

/// Changes whenever the packed layout changes; a blob of another version is refused.
const VERSION: u32 = 2;

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
    Ok(postcard::to_stdvec(&(VERSION, detectors))?)
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
    Ok(postcard::from_bytes(rest)?)
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
