//! Content inspection: finds secrets, personal data and classification labels in any bytes.
//!
//! The road of a byte is walked in [`inspect`]. Below it stand the layers, each of which uses only those before it in
//! this list: [`base`], [`text`], [`knowledge`], [`matching`], [`known`], [`content`], [`inspect`], [`decision`],
//! [`output`].
//!
//! The crate opens no file and no socket, has no clock and no global state: one process can hold two inspectors with
//! different detectors.

pub mod base;
pub mod content;
pub mod decision;
pub mod inspect;
pub mod knowledge;
pub mod known;
pub mod matching;
pub mod output;
pub mod text;
