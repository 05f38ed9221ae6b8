//! Bounds of body decoding, each with its default and its reason.
//!
//! They bound what happens before the content reaches the inspector; what the inspector does with a part is bounded
//! by its own [`dlp_core::base::Limits`]. Reaching one ends as a problem of class `limit` that carries the field's
//! name.

use std::path::PathBuf;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// Bounds of decoding one body.
#[derive(Clone, Debug, PartialEq)]
pub struct BodyLimits {
    /// Content codings on top of each other. Honest clients use one; two happens by accident.
    pub coding_layers_max: usize,
    /// Output to input ratio of one coding, judged after `coding_grace_bytes`.
    pub coding_ratio_max: u64,
    /// Output below which the ratio is not judged.
    pub coding_grace_bytes: u64,
    /// Decoded bytes of one body, all layers and parts together. They lie in the spool while they are inspected.
    pub decoded_bytes_max: u64,
    /// Window that a zstd frame may ask for; RFC 9659 allows 8 MiB for HTTP.
    pub zstd_window_bytes_max: u64,
    /// Layers of any kind in each other: part, coding, JSON string, encoded string.
    pub layer_depth_max: u32,
    /// Multiparts in multiparts.
    pub multipart_depth_max: u32,
    /// Parts of one body; the rest is inspected in one piece.
    pub parts_max: u64,
    /// Header block of one part.
    pub part_header_bytes_max: u64,
    /// Nesting of JSON arrays and objects.
    pub json_depth_max: usize,
    /// JSON tokens of one document.
    pub json_tokens_max: u64,
    /// JSON documents in strings of JSON documents.
    pub json_nesting_max: u32,
    /// Nesting of XML elements.
    pub xml_depth_max: usize,
    /// Documents in values (JSON in strings, base64, `data:` URIs) that are opened; the rest is scanned as text.
    pub documents_max: u64,
    /// Bytes of one JSON string or form value that are held to decode it; the rest is inspected as text in pieces.
    pub held_value_bytes_max: usize,
    /// Characters from which a value that is base64 throughout is decoded.
    pub base64_chars_min: usize,
    /// Bytes of a text field of a form that are inspected together with the field's name.
    pub field_bytes_max: u64,
    /// Bytes of all runs of pieces of one kind that are put together in a head. A byte is in up to 36 of them, so this is
    /// 14 KiB of small pieces, where servers commonly take heads of 8 KiB.
    pub joined_bytes_max: usize,
    /// Bytes of the runs of all forms in one body: those of some 440 KiB of small fields. A field is in 35 runs, so this is a
    /// bound on time.
    pub form_runs_bytes_max: u64,
    /// Deflated streams that are read one behind the other where nobody said that there are any.
    pub deflated_streams_max: u64,
    /// Different file names of one body that are given to rules. A part can have two.
    pub file_names_max: usize,
    /// Decoded bytes kept in memory before the spool moves to a file.
    pub spool_memory_bytes: usize,
    /// Directory of the spool's sealed files without names; the system's one for temporary files when absent.
    pub spool_dir: Option<PathBuf>,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            coding_layers_max: 3,
            coding_ratio_max: 200,
            coding_grace_bytes: 64 * MIB,
            decoded_bytes_max: 2 * GIB,
            zstd_window_bytes_max: 8 * MIB,
            layer_depth_max: 12,
            multipart_depth_max: 3,
            parts_max: 1_000,
            part_header_bytes_max: 16 * KIB,
            json_depth_max: 128,
            json_tokens_max: 1_000_000,
            json_nesting_max: 3,
            xml_depth_max: 256,
            documents_max: 10_000,
            held_value_bytes_max: 64 << 20,
            base64_chars_min: 256,
            field_bytes_max: 64 * KIB,
            joined_bytes_max: 512 << 10,
            form_runs_bytes_max: 16 << 20,
            deflated_streams_max: 10_000,
            file_names_max: 2_000,
            spool_memory_bytes: 1 << 20,
            spool_dir: None,
        }
    }
}
