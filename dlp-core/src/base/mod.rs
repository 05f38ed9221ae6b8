//! Layer 0: the small types that every other layer speaks.

pub mod bytes;
mod cancel;
mod limits;
mod offset;
mod problem;
mod secret;

pub use cancel::Cancel;
pub use dlp_detector_format::{Category, SensitivityLabel, Severity};
pub use limits::{
    ARCHIVES_REMEMBERED_MAX, AVRO_EMPTY_VALUES_MAX, CONFIRM_STEPS_PER_BYTE_MAX, CONFIRM_STEPS_PER_PATTERN_MAX,
    COPIES_OPENED_FREE, COPIES_RATIO_FREE, DECODED_RATIO_MAX, DECODING_DEPTH_MAX, DICTIONARY_BYTES_MAX,
    FINDINGS_BYTES_MAX, HANDED_OUT_BYTES_FREE, HANDED_OUT_RATIO_MAX, HELD_BYTES_FREE, HELD_RATIO_MAX,
    HIDDEN_FINDINGS_BYTES_MAX, IMAGE_DIRECTORIES_MAX, IMAGE_PACKED_TEXT_BYTES_MAX, INFLATED_BYTES_FREE,
    INFLATED_RATIO_FREE, ISO_DIRECTORY_BYTES_MAX, Limits, MIME_BOUNDARIES_MAX, MIME_DEPTH_MAX, MIME_PARTS_MAX,
    PARQUET_PAGE_VALUES_MAX, PLIST_DEPTH_MAX, PST_BLOCKS_MAX, PST_PROPERTIES_MAX, RTF_GROUPS_MAX,
    SNAPPY_SKIPPED_BYTES_MAX, SQLITE_SCHEMA_ENTRIES_MAX, TAR_HEADERS_BYTES_MAX,
};
pub use offset::{ByteOffset, Span, seek_target};
pub use problem::{Limit, Problem, ProblemClass};
pub(crate) use secret::MASK_LEN_MAX;
pub use secret::Secret;

mod confidence;
pub use confidence::{Confidence, ConfidenceLevel};
