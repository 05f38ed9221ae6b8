//! The detector file format.
//!
//! Detectors are data: TOML files under `patterns/`, one for each provider, country or vendor. This crate turns such a
//! file into checked [`Detector`] values, derives the anchors that the first pass of the engine looks for from each
//! pattern's syntax tree, and packs the result. It stands below `dlp-patterns` so that the same code runs twice: at
//! build time over the built-in files (their mistakes are compile errors, and start-up only unpacks), and at run time
//! over the files of a user (whose mistakes are errors with line, column and the allowed words).
//!
//! It knows nothing of matching, validators' arithmetic or files: it takes text and gives data.

#![forbid(unsafe_code)]

mod abbreviation;
mod allow;
mod anchor;
mod chance;
mod distinct;
mod error;
mod file;
mod model;
mod pack;
mod program;
mod scale;
mod wide;

pub use abbreviation::{BESIDE, expand};
pub use allow::{Allow, AllowTests};
pub use anchor::{
    Anchor, Arrangement, BUCKETS, ByteSet, Demand, FOLLOWERS, KEY_RUN_BEFORE, KEY_RUN_BEHIND, KEY_RUN_LEN,
    LITERAL_LEN_MIN, MATCH_LEN_MAX, OPEN_BUCKETS, RUN_LEN_MAX, RUN_MIN_MAX, RUNS, SHAPE_RUNS, SKIP_MAX, Shape,
    WHOLE_NUMBER_LENS, WINDOW_BYTES, WINDOW_LEN, WindowPlace, arrange, expected_per_mb, follower, is_key_byte,
    run_place, symbol, symbol_probability,
};
pub use distinct::Distinct;
pub use error::FormatError;
pub use file::{ExampleLines, FileId, Read, parse_allow, parse_file};
pub use model::{Boundary, Context, CounterExample, Detector, Example, Failure, Pattern, Score, Validator};
pub use pack::{
    AnchorHead, ContextHead, Counts, DetectorHead, Examples, Heads, PackError, Packed, PatternHead, Role, pack,
    pack_examples, unpack_examples,
};
pub use program::{Program, Step as ProgramStep, run as run_program};
pub use scale::{Category, SensitivityLabel, Severity};
