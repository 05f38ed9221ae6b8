//! The closed list of what a worker may complain about, and what people are told.
//!
//! A worker sends a variant and a number, never a sentence: after a takeover it could otherwise put content or lies
//! into logs and reports.

use crate::archive::{PASSED_BYTES_FREE, PASSED_RATIO_MAX};
use crate::pdf::{
    DESCRIBED_BYTES_FREE, DESCRIBED_RATIO_MAX, OBJECTS_FREE, STREAM_RATIO_MAX, UNFOLDED_BYTES_FREE, UNFOLDED_RATIO_MAX,
    UNPACKED_BYTES_MAX,
};
use crate::wire::{Bounds, Format, PICTURES_MAX};
use dlp_core::base::{Limits, Problem, ProblemClass};
use serde::{Deserialize, Serialize};

/// Trouble inside a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Trouble {
    /// The document cannot be opened without its user password.
    UserPassword,
    /// The document is encrypted for certificates.
    PublicKey,
    /// The document is encrypted in a way that nothing here knows.
    UnknownEncryption,
    /// The structure could not be loaded.
    Structure,
    /// No page could be found although the document was loaded.
    NoPages,
    /// The parser panicked on this page.
    PagePanic(u32),
    /// The parser panicked outside the pages.
    DocumentPanic,
    /// The page shows text that could not be turned into characters.
    UnreadableText(u32),
    /// No page holds text, only images; whether their text was asked for.
    ImageOnly { with_ocr: bool },
    /// A picture on this page is packed in a way that nothing here hands on.
    Picture(u32),
    /// There are more pictures than may be handed over.
    Pictures,
    /// There are more pages than are read.
    Pages,
    /// There are more objects in streams than a document of this size may have.
    Objects,
    /// Objects in streams take more bytes than a document of this size may have of them.
    ObjectBytes,
    /// Pages are drawn by more than they may have together.
    Descriptions,
    /// A stream was larger than may be held.
    StreamTooLarge,
    /// All streams together were larger than what is looked at.
    Streams,
    /// An embedded file was larger than may be handed over.
    ChildTooLarge,
    /// A stream uses a filter that is not read.
    UnknownFilter,
    /// The page draws with a stream whose filter is not read.
    PageFilter(u32),
    /// A stream breaks off before its end.
    BrokenStream,
    /// A stream that the page draws with breaks off or is missing.
    PageBroken(u32),
    /// There was more text than may be handed over.
    Output,
    /// Structures nest or repeat beyond the bounds of the reading.
    Work,
    /// The list of an archive's members is broken.
    ArchiveStructure,
    /// Members and their names need a password.
    EncryptedNames(Format),
    /// A member needs a password.
    EncryptedMember(Format),
    /// A member breaks off or its check sum differs.
    MemberBroken,
    /// A member is packed in a way that is not read.
    ArchiveMethod,
    /// Parts of the archive share their bytes.
    Overlap,
    /// A member goes on in another file.
    MultiVolume,
    /// A member was larger than may be handed over; its beginning was.
    MemberCut,
    /// Unpacking asks for more memory than there may be.
    ArchiveMemory,
    /// A member stands behind others that are larger than their bounds, and for it too much of them would be unpacked.
    PassedOver,
}

impl Trouble {
    /// What the report says.
    pub(crate) fn into_problem(self, limits: &Limits) -> Problem {
        match self {
            Self::UserPassword => {
                encrypted("pdf_user_password", "The document opens with a password only; its text was not read.")
            }
            Self::PublicKey => {
                encrypted("pdf_public_key", "The document is encrypted for certificates; its text was not read.")
            }
            Self::UnknownEncryption => {
                encrypted("pdf_encryption", "The document's encryption is not known; its text was not read.")
            }
            Self::Structure => {
                damaged("pdf_structure", "The document's structure is broken; only what a byte scan finds was read.")
            }
            Self::NoPages => damaged("pdf_no_pages", "The document's page tree leads to no page."),
            Self::DocumentPanic => panicked("The PDF engine failed on a structure outside the pages.".to_owned()),
            Self::UnknownFilter => {
                unread_filter("A stream with text or a file uses a compression that is not read.".to_owned())
            }
            Self::BrokenStream => {
                damaged("pdf_stream", "A stream breaks off before its end; what stands before the break was read.")
            }
            Self::PagePanic(_)
            | Self::UnreadableText(_)
            | Self::ImageOnly { .. }
            | Self::Picture(_)
            | Self::PageFilter(_)
            | Self::PageBroken(_) => self.of_page(limits),
            Self::ArchiveStructure
            | Self::EncryptedNames(_)
            | Self::EncryptedMember(_)
            | Self::MemberBroken
            | Self::ArchiveMethod
            | Self::Overlap
            | Self::MultiVolume => self.of_archive(limits),
            Self::Pages
            | Self::Objects
            | Self::ObjectBytes
            | Self::Descriptions
            | Self::StreamTooLarge
            | Self::Streams => self.of_size(limits),
            Self::Pictures
            | Self::ChildTooLarge
            | Self::Output
            | Self::Work
            | Self::MemberCut
            | Self::ArchiveMemory
            | Self::PassedOver => self.limit(limits),
        }
    }

    /// Trouble on one page, or on all of them alike.
    fn of_page(self, limits: &Limits) -> Problem {
        match self {
            Self::PagePanic(page) => {
                panicked(format!("The PDF engine failed on page {page}; a simpler reading took its place."))
            }
            Self::UnreadableText(page) => Problem::new(
                ProblemClass::Decode,
                "unreadable_text",
                format!("Page {page} shows text whose characters could not be recovered."),
            ),
            Self::ImageOnly { with_ocr } => {
                let message = match with_ocr {
                    true => "The pages hold images that nothing here reads, and no text.",
                    false => "The pages hold images and no text; text in images is read with OCR only, which is off.",
                };
                Problem::new(ProblemClass::Unsupported, "image_only", message)
            }
            Self::Picture(page) => Problem::new(
                ProblemClass::Unsupported,
                "ocr_format",
                format!("A picture on page {page} is packed in a way that is not read; its text was not recognised."),
            ),
            Self::PageFilter(page) => {
                unread_filter(format!("Page {page} is drawn by a stream whose compression is not read."))
            }
            Self::PageBroken(page) => Problem::new(
                ProblemClass::Damaged,
                "pdf_stream",
                format!("A stream of page {page} is missing or breaks off; what stands before the break was read."),
            ),
            _ => self.limit(limits),
        }
    }

    fn of_archive(self, limits: &Limits) -> Problem {
        match self {
            Self::ArchiveStructure => {
                damaged("bad_structure", "The archive's list of members is broken; what could be read was scanned.")
            }
            Self::EncryptedNames(format) => encrypted(
                format.encrypted_names(),
                "The archive opens with a password only; not even the names of its members were read.",
            ),
            Self::EncryptedMember(format) => {
                encrypted(format.encrypted(), "A member of the archive needs a password; it was not read.")
            }
            Self::MemberBroken => {
                damaged("bad_data", "A member of the archive is broken; what stands before the break was read.")
            }
            Self::ArchiveMethod => Problem::new(
                ProblemClass::Unsupported,
                "archive_method",
                "A member of the archive is packed in a way that is not read.",
            ),
            Self::Overlap => Problem::new(
                ProblemClass::Ambiguous,
                "overlap",
                "Parts of the archive share their bytes; they were read once.",
            ),
            Self::MultiVolume => Problem::new(
                ProblemClass::Unreadable,
                "multi_volume",
                "A member of the archive goes on in another file; what lies there was not read.",
            ),
            _ => self.limit(limits),
        }
    }

    fn limit(self, limits: &Limits) -> Problem {
        let bounds = Bounds::of(limits);
        match self {
            Self::ChildTooLarge => Problem::limit(
                "held_bytes_max",
                bounds.child_bytes,
                format!("An embedded file is larger than the {} bytes that may be held.", bounds.child_bytes),
            ),
            Self::MemberCut => Problem::limit(
                "held_bytes_max",
                bounds.child_bytes,
                format!(
                    "A member is larger than the {} bytes that may be held; the rest of it was not read.",
                    bounds.child_bytes
                ),
            ),
            Self::ArchiveMemory => Problem::limit(
                "worker_memory_max",
                bounds.memory_bytes,
                format!("Unpacking asks for more memory than the {} bytes of a worker allow.", bounds.memory_bytes),
            ),
            Self::PassedOver => Problem::limit(
                "passed_bytes_max",
                PASSED_BYTES_FREE,
                format!(
                    "It is packed behind members over their bounds, of which more than {PASSED_BYTES_FREE} bytes, or \
                     {PASSED_RATIO_MAX} times the archive's own, would have to be unpacked; it was not read."
                ),
            ),
            Self::Output => output_limit(limits),
            Self::Pictures => Problem::limit(
                "ocr_pictures_max",
                u64::from(PICTURES_MAX),
                "The document has more pictures than the bound; the text of the rest was not recognised.",
            ),
            Self::Work => Problem::limit(
                "worker_cpu_max",
                limits.worker_cpu_max.as_secs(),
                "The document repeats or nests its drawing beyond what may be followed.",
            ),
            _ => self.of_size(limits),
        }
    }

    /// A document of PDF that is larger, once unpacked, than one of its size may be.
    fn of_size(self, limits: &Limits) -> Problem {
        let bounds = Bounds::of(limits);
        match self {
            Self::Pages => Problem::limit(
                "pages_max",
                u64::from(limits.pages_max),
                format!("The document has more than {} pages; the rest were scanned as bytes.", limits.pages_max),
            ),
            Self::Objects => Problem::limit(
                "pdf_objects_max",
                OBJECTS_FREE,
                format!(
                    "The document packs more than {OBJECTS_FREE} objects, and more than its size allows; some of \
                     them were not read."
                ),
            ),
            Self::ObjectBytes => Problem::limit(
                "pdf_object_bytes_max",
                UNFOLDED_BYTES_FREE,
                format!(
                    "Packed objects of the document take more than {UNFOLDED_BYTES_FREE} bytes, or {UNFOLDED_RATIO_MAX} \
                     times its own; some of them were not read."
                ),
            ),
            Self::Descriptions => Problem::limit(
                "pdf_described_bytes_max",
                DESCRIBED_BYTES_FREE,
                format!(
                    "The pages are drawn by more than {DESCRIBED_BYTES_FREE} bytes, or {DESCRIBED_RATIO_MAX} times the \
                     document's own; the rest were scanned as bytes."
                ),
            ),
            Self::Streams => Problem::limit(
                "pdf_unpacked_bytes_max",
                UNPACKED_BYTES_MAX,
                format!(
                    "The streams of the document together unpack to more than {UNPACKED_BYTES_MAX} bytes; not all of \
                     them were read."
                ),
            ),
            _ => Problem::limit(
                "member_bytes_max",
                bounds.stream_bytes,
                format!(
                    "A stream of the document unpacks to more than {} bytes, or {STREAM_RATIO_MAX} times its own.",
                    bounds.stream_bytes
                ),
            ),
        }
    }
}

impl Format {
    fn encrypted(self) -> &'static str {
        match self {
            Self::SevenZip => "7z",
            Self::Rar => "rar",
            Self::Cabinet => "cab",
        }
    }

    fn encrypted_names(self) -> &'static str {
        match self {
            Self::SevenZip => "7z_headers",
            Self::Rar => "rar_headers",
            Self::Cabinet => "cab",
        }
    }
}

/// There was more text than a worker may return.
pub(crate) fn output_limit(limits: &Limits) -> Problem {
    Problem::limit(
        "worker_output_max",
        limits.worker_output_max,
        format!("The document holds more than {} bytes of text; the rest was not read.", limits.worker_output_max),
    )
}

fn encrypted(reason: &'static str, message: &str) -> Problem {
    Problem::new(ProblemClass::Encrypted, reason, message)
}

fn unread_filter(message: String) -> Problem {
    Problem::new(ProblemClass::Unsupported, "pdf_filter", message)
}

fn damaged(reason: &'static str, message: &str) -> Problem {
    Problem::new(ProblemClass::Damaged, reason, message)
}

fn panicked(message: String) -> Problem {
    Problem::new(ProblemClass::ParserPanic, "engine_panic", message)
}
