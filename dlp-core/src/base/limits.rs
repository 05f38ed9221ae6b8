//! Every bound on work in one place, each with its default and its reason.
//!
//! Reaching a bound is never silent: it ends as a [`Problem`](super::Problem) of class `limit` and the item as
//! `partial`. Two profiles exist: [`Limits::inline`] for the gateway, where a transfer waits, and [`Limits::batch`] for
//! scans of shares and directories.

use std::time::Duration;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// Steps of confirming, one for each byte that an automaton looks at, for each byte of text, measured over blocks of
/// 64 KiB. Honest text takes less than one, a table of nothing but numbers some thirty; a text made of beginnings of
/// matches is left at this many.
pub const CONFIRM_STEPS_PER_BYTE_MAX: u64 = 256;

/// The same for one pattern alone: each byte of a block may belong to eight beginnings of it.
pub const CONFIRM_STEPS_PER_PATTERN_MAX: u64 = 8;

/// What the decoder of one stream may keep to look back at. The strongest usual settings of xz and zstd ask for 64 and 128
/// MiB.
pub const DICTIONARY_BYTES_MAX: u64 = 128 * MIB;

/// Copies of one archive in a job that are opened in any case. Copies of copies are how a small file becomes a large one.
pub const COPIES_OPENED_FREE: u32 = 16;

/// Bytes of further copies that are opened for each byte of the input. Builds keep the same library in many places, but
/// those that stand there are no larger than the whole.
pub const COPIES_RATIO_FREE: u64 = 4;

/// Archives of one job whose copies are known again. More of them are opened each time.
pub const ARCHIVES_REMEMBERED_MAX: usize = 65_536;

/// Encodings in encodings of one text that are decoded.
pub const DECODING_DEPTH_MAX: u32 = 5;

/// Bytes that decoding may make of each byte of text, all encodings together. One encoding makes less than two.
pub const DECODED_RATIO_MAX: u64 = 8;

/// Decompressed bytes that every job may make, however small its input is.
pub const INFLATED_BYTES_FREE: u64 = 64 * MIB;

/// Decompressed bytes for each byte of the input that every job may make, so that large archives are read to their end.
pub const INFLATED_RATIO_FREE: u64 = 4;

/// Unpacked bytes that every job may hold in memory, however small its input is.
pub const HELD_BYTES_FREE: u64 = 32 * MIB;

/// Unpacked bytes that may be held for each byte that they were unpacked from. Databases and tables of numbers pack to a
/// tenth; what packs much denser is held for nobody's sake.
pub const HELD_RATIO_MAX: u64 = 16;

/// Text that every job may hand out, however little its input and what was unpacked of it are.
pub const HANDED_OUT_BYTES_FREE: u64 = 64 * MIB;

/// Text that may be handed out for each byte of the input and of what was unpacked of it. What is encoded in a text gives
/// [`DECODED_RATIO_MAX`] at most; cells that share a long text, and entries that share a content, any number.
pub const HANDED_OUT_RATIO_MAX: u64 = 16;

/// Groups in groups of an RTF document that are told apart; deeper ones are read like the one around them. Word writes a
/// few dozen.
pub const RTF_GROUPS_MAX: usize = 10_000;

/// Multiparts in multiparts of one message. Forwarded messages are items of their own and do not count.
pub const MIME_DEPTH_MAX: usize = 64;

/// Parts of one message that are told apart. Mailing list digests hold a few hundred.
pub const MIME_PARTS_MAX: usize = 10_000;
/// Boundaries of one multipart that end its parts. Each line of the body is compared with each of them.
pub const MIME_BOUNDARIES_MAX: usize = 16;

/// Directories of one image. Files of several pages have one for each.
pub const IMAGE_DIRECTORIES_MAX: usize = 4_096;

/// Bytes of one packed text of an image: descriptions have thousands, and it is copied on its way.
pub const IMAGE_PACKED_TEXT_BYTES_MAX: u64 = 16 * MIB;

/// Tables and indexes of one database that are kept in mind. The pages of others are read as well, but as if no table led
/// to them.
pub const SQLITE_SCHEMA_ENTRIES_MAX: usize = 16_384;

/// Blocks of one store of Outlook that are told apart, eight kibibytes of content each at most, in the newest stores 64. The list of them is held in
/// memory.
pub const PST_BLOCKS_MAX: usize = 1 << 20;

/// Properties of one object in a store of Outlook, and pieces of the tree that leads to them. Messages have a few hundred.
pub const PST_PROPERTIES_MAX: usize = 65_536;

/// Groups in groups of one property list whose values are read with their names. Settings have some ten.
pub const PLIST_DEPTH_MAX: usize = 512;

/// Values of one page of Parquet that are written as differences: those that differ by nothing take no bytes. Programs
/// write some twenty thousand to a page.
pub const PARQUET_PAGE_VALUES_MAX: usize = 1 << 20;

/// Values in one block of Avro that take no bytes.
pub const AVRO_EMPTY_VALUES_MAX: usize = 65_536;

/// Bytes in one stream of Snappy that are marked as to be skipped, kept to be scanned. Programs write padding there.
pub const SNAPPY_SKIPPED_BYTES_MAX: usize = 16 * MIB as usize;

/// Bytes of the headers before one entry of a tar archive, which are held in memory: names of some hundred bytes, and the
/// attributes of a file, of which Linux takes 64 KiB each.
pub const TAR_HEADERS_BYTES_MAX: u64 = 4 * MIB;

/// Bytes of one directory in the image of a disk; a record has some forty.
pub const ISO_DIRECTORY_BYTES_MAX: u64 = 16 * MIB;

/// Memory that the findings of one input may take which a report shows; each has the text around it, and takes some 3 KB.
pub const FINDINGS_BYTES_MAX: usize = 256 * MIB as usize;

/// Memory of those that it does not show, which are kept for the ids of others: some fifty thousand. More are counted.
pub const HIDDEN_FINDINGS_BYTES_MAX: usize = 32 * MIB as usize;

/// Bounds of one inspection job. All children of an item share the same budget.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Containers in containers. Mail, archive, document and embedded sheet are already four.
    pub depth_max: u32,
    /// Items (files and members) of one job. Source archives exceed ten thousand.
    pub items_max: u64,
    /// Decompressed bytes of one job in total. Members are streamed, so a bomb costs time, not memory. Small inputs may
    /// make `ratio_max` times their size and at least [`INFLATED_BYTES_FREE`], large ones [`INFLATED_RATIO_FREE`] times.
    pub inflated_bytes_max: u64,
    /// Decompressed bytes of one member.
    pub member_bytes_max: u64,
    /// Output to input ratio of one member, judged after `ratio_grace_bytes`. Deflate ends at about 1,032 to 1; logs, the
    /// densest of what people keep, stay below 100. Above it is what was made to be large, in either profile.
    pub ratio_max: u64,
    /// Output below which the ratio is not judged, so that small honest files with long runs pass.
    pub ratio_grace_bytes: u64,
    /// Bytes of one nested container that may be held in memory because its format needs seeking; fewer where it is
    /// packed denser than [`HELD_RATIO_MAX`].
    pub held_bytes_max: u64,
    /// Time for one job.
    pub wall_time_max: Duration,
    /// Findings kept of one item, and as many of low confidence; beyond it they are counted only. A kept one takes up to
    /// 3 KB of memory. Not for observers that take any number.
    pub findings_max: u64,
    /// Problems kept of one job; beyond it they are counted only.
    pub problems_max: u64,
    /// Bytes of a member name that are shown and scanned.
    pub name_bytes_max: usize,
    /// Nesting of XML elements in documents.
    pub xml_depth_max: u32,
    /// Bytes that references to entities may add to one XML part.
    pub xml_entity_bytes_max: u64,
    /// Bytes of one document's shared string table.
    pub shared_strings_bytes_max: u64,
    /// Rounds of sums that the known password of workbooks goes through in one job. Programs write 100,000 for each
    /// document, which take some thirty milliseconds.
    pub password_rounds_max: u64,
    /// Processor time of a worker process.
    pub worker_cpu_max: Duration,
    /// Address space of a worker process in bytes.
    pub worker_memory_max: u64,
    /// Wall time of a worker process.
    pub worker_wall_max: Duration,
    /// Text that a worker process may return for one document, in bytes.
    pub worker_output_max: u64,
    /// Pages of one document that a worker reads one by one; those behind them are left to the scan of its bytes.
    pub pages_max: u32,
    /// Pictures of one job in which text is recognised, where that was asked for. Each takes a second or more.
    pub ocr_pictures_max: u64,
    /// Pixels of one picture in which text is recognised. A page at 600 dots an inch has 35 million.
    pub ocr_pixels_max: u64,
    /// Wall and processor time of recognising the text of one picture.
    pub ocr_time_max: Duration,
}

impl Limits {
    /// For the gateway: a transfer waits for the answer.
    #[must_use]
    pub fn inline() -> Self {
        Self {
            depth_max: 16,
            items_max: 20_000,
            inflated_bytes_max: GIB,
            member_bytes_max: 256 * MIB,
            ratio_max: 200,
            ratio_grace_bytes: 16 * MIB,
            held_bytes_max: 64 * MIB,
            wall_time_max: Duration::from_secs(30),
            findings_max: 10_000,
            problems_max: 1_000,
            name_bytes_max: 4 * KIB as usize,
            xml_depth_max: 1_000,
            xml_entity_bytes_max: MIB,
            shared_strings_bytes_max: 128 * MIB,
            password_rounds_max: 4_000_000,
            worker_cpu_max: Duration::from_secs(10),
            worker_memory_max: GIB,
            worker_wall_max: Duration::from_secs(30),
            worker_output_max: 64 * MIB,
            pages_max: 5_000,
            ocr_pictures_max: 20,
            ocr_pixels_max: 25_000_000,
            ocr_time_max: Duration::from_secs(10),
        }
    }

    /// For scans of shares and directories: nobody waits, everything is to be read.
    #[must_use]
    pub fn batch() -> Self {
        Self {
            depth_max: 24,
            items_max: 1_000_000,
            inflated_bytes_max: 64 * GIB,
            member_bytes_max: 16 * GIB,
            held_bytes_max: GIB,
            wall_time_max: Duration::from_secs(3_600),
            findings_max: 100_000,
            problems_max: 100_000,
            shared_strings_bytes_max: GIB,
            password_rounds_max: 100_000_000,
            worker_cpu_max: Duration::from_secs(60),
            worker_memory_max: 2 * GIB,
            worker_wall_max: Duration::from_secs(120),
            worker_output_max: GIB,
            pages_max: 50_000,
            ocr_pictures_max: 10_000,
            ocr_pixels_max: 100_000_000,
            ocr_time_max: Duration::from_secs(60),
            ..Self::inline()
        }
    }
}
