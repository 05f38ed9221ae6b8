//! Layer 2: what is known about sensitive data: the catalogue of detectors, and the validators that they name.

mod catalogue;
pub mod generate;
pub(crate) mod pattern;
mod profile;
pub mod validators;

pub use catalogue::{Catalogue, CatalogueError, builtin_examples};
pub(crate) use catalogue::{Entry, PACKED, glob_matches};
pub(crate) use dlp_detector_format::Role;
pub use dlp_detector_format::{
    Allow, AllowTests, Anchor, Boundary, ByteSet, Context, CounterExample, Demand, Detector, Example, Examples,
    FOLLOWERS, Failure, FormatError, MATCH_LEN_MAX, Pattern, Program, RUN_LEN_MAX, RUN_MIN_MAX, RUNS, Read, SHAPE_RUNS,
    SKIP_MAX, Score, Shape, Validator, WHOLE_NUMBER_LENS, WINDOW_LEN, expected_per_mb, follower, run_place,
    run_program,
};
pub use profile::{Profile, ProfileError};
