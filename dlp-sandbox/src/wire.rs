//! What parent and worker say to each other.
//!
//! A message is a length (`u32`, little endian) and a postcard value. The parent sends one [`Request`] and, once the
//! worker has reported its confinement, the bytes of the document. The worker answers with [`Frame`]s. The request is
//! trusted, the frames are not: they come from a process that has read a hostile document, so nothing in them is a
//! sentence that people read, every enumeration is closed, and sizes are checked before bytes are kept.

use crate::level::SandboxLevel;
use crate::trouble::Trouble;
use dlp_core::base::Limits;
use serde::{Deserialize, Serialize, Serializer};

/// Bytes of the length in front of a message.
pub(crate) const PREFIX_BYTES: usize = 4;
/// A request holds a few numbers.
pub(crate) const REQUEST_BYTES_MAX: usize = 256;
/// Text is cut into pieces of this size, so that the parent's buffer stays small.
pub(crate) const TEXT_BYTES_MAX: usize = 256 * 1024;
/// Files longer than this go in pieces of this size.
pub(crate) const PIECE_BYTES_MAX: usize = 1024 * 1024;
/// What a frame may hold besides its text or child: names and numbers.
pub(crate) const FRAME_OVERHEAD_BYTES: usize = 16 * 1024;
/// Bytes of the name of a property, form field or embedded file.
pub(crate) const NAME_BYTES_MAX: usize = 4 * 1024;

/// Pictures that are handed over for one document; a scanned book has a thousand pages.
pub(crate) const PICTURES_MAX: u32 = 20_000;

/// What the worker is to do.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) bounds: Bounds,
    pub(crate) job: Job,
}

/// The work of one process.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Job {
    /// Read a PDF document of this length, and hand out its pictures if they are wanted.
    Pdf { document_bytes: u64, start: Start, pictures: bool },
    /// Unpack an archive of this length.
    Archive { document_bytes: u64, format: Format },
    /// Try something that the sandbox must refuse.
    Attempt(Attempt),
}

/// Formats of archives that workers read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Format {
    SevenZip,
    Rar,
    Cabinet,
}

/// Where to start; a document that cost one worker its life is continued by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Start {
    /// At the beginning.
    Beginning,
    /// At this page, which is read without the engine that died on it.
    Page(u32),
    /// Only what the byte scan finds: no parser but our own touches the document.
    BytesOnly,
}

/// Bounds that the worker needs to know; see [`Limits`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Bounds {
    pub(crate) cpu_s: u64,
    pub(crate) memory_bytes: u64,
    pub(crate) output_bytes: u64,
    pub(crate) child_bytes: u64,
    pub(crate) stream_bytes: u64,
    pub(crate) pages: u32,
    pub(crate) member_bytes: u64,
    pub(crate) ratio_max: u64,
    pub(crate) ratio_grace_bytes: u64,
}

/// Decompressed bytes of one stream inside a document that the worker holds at once. A page description of this size
/// holds a million words; bigger ones are bombs.
const STREAM_BYTES_MAX: u64 = 64 * 1024 * 1024;

impl Bounds {
    pub(crate) fn of(limits: &Limits) -> Self {
        Self {
            cpu_s: limits.worker_cpu_max.as_secs().max(1),
            memory_bytes: limits.worker_memory_max,
            output_bytes: limits.worker_output_max,
            child_bytes: limits.held_bytes_max.min(limits.member_bytes_max).min(limits.worker_memory_max / 4),
            stream_bytes: STREAM_BYTES_MAX.min(limits.member_bytes_max),
            pages: limits.pages_max,
            member_bytes: limits.member_bytes_max,
            ratio_max: limits.ratio_max,
            ratio_grace_bytes: limits.ratio_grace_bytes,
        }
    }

    /// Bytes of a member, in an archive of this length, behind which the parent takes no more of it.
    pub(crate) fn member_bytes_taken(&self, document_bytes: u64) -> u64 {
        let by_ratio = self.ratio_max.saturating_mul(document_bytes.max(1)).max(self.ratio_grace_bytes);
        self.member_bytes.min(by_ratio)
    }

    /// Bytes of the largest frame that an honest worker sends.
    pub(crate) fn frame_bytes_max(&self) -> usize {
        usize::try_from(self.child_bytes)
            .unwrap_or(usize::MAX)
            .max(PIECE_BYTES_MAX)
            .saturating_add(FRAME_OVERHEAD_BYTES)
    }
}

/// Things that a confined worker cannot do, for the self-test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Attempt {
    /// Open a file for reading.
    ReadFile,
    /// Create a file.
    CreateFile,
    /// List a directory.
    ListDirectory,
    /// Open a TCP connection.
    Connect,
    /// Run another program.
    Execute,
    /// Start a thread.
    SpawnThread,
    /// Send a signal to the parent.
    SignalParent,
    /// Lift its own limits.
    RaiseLimits,
    /// Write to a descriptor other than its output.
    WriteElsewhere,
}

impl Attempt {
    /// All of them.
    pub const ALL: [Attempt; 9] = [
        Self::ReadFile,
        Self::CreateFile,
        Self::ListDirectory,
        Self::Connect,
        Self::Execute,
        Self::SpawnThread,
        Self::SignalParent,
        Self::RaiseLimits,
        Self::WriteElsewhere,
    ];
}

/// What the worker found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Frame<'a> {
    /// The worker is confined and ready for the document.
    Begin(SandboxLevel),
    /// The worker turns to this page.
    Page(u32),
    /// The worker turns to the byte scan, its last work.
    Bytes,
    /// Text.
    Text {
        part: WirePart,
        name: &'a str,
        page: Option<u32>,
        /// It follows the text before without a gap.
        continued: bool,
        #[serde(serialize_with = "as_bytes")]
        text: &'a [u8],
    },
    /// An embedded file.
    Child {
        name: &'a str,
        #[serde(serialize_with = "as_bytes")]
        bytes: &'a [u8],
    },
    /// A file begins whose pieces follow, one after the other, up to its end.
    Open { name: &'a str },
    /// A piece of the file that is open.
    More {
        #[serde(serialize_with = "as_bytes")]
        bytes: &'a [u8],
    },
    /// The file that is open ends.
    Close,
    /// A picture on a page, as a file.
    Picture {
        page: u32,
        #[serde(serialize_with = "as_bytes")]
        bytes: &'a [u8],
    },
    /// A file that is only named.
    Closed { name: &'a str, trouble: Trouble },
    /// Something went wrong, and the worker goes on.
    Trouble(Trouble),
    /// An attempt of the self-test: whether it came through.
    Attempted(bool),
    /// Everything was said.
    End,
}

/// Parts of a document that a worker may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum WirePart {
    Body,
    Comment,
    Form,
    Link,
    Property,
    Script,
    Data,
    Raw,
}

/// Without this, serde would write a slice number by number.
fn as_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// A message as it goes over the pipe.
pub(crate) fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, postcard::Error> {
    let mut bytes = postcard::to_extend(message, vec![0; PREFIX_BYTES])?;
    let len = u32::try_from(bytes.len() - PREFIX_BYTES).map_err(|_| postcard::Error::SerializeBufferFull)?;
    bytes[..PREFIX_BYTES].copy_from_slice(&len.to_le_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_survive_the_pipe() {
        let frame =
            Frame::Text { part: WirePart::Property, name: "Author", page: Some(3), continued: true, text: b"A\xFFB" };
        let bytes = encode(&frame).unwrap();
        assert_eq!(bytes[..4], u32::try_from(bytes.len() - 4).unwrap().to_le_bytes());
        let Frame::Text { part, name, page, continued, text } = postcard::from_bytes(&bytes[4..]).unwrap() else {
            panic!("another frame came back");
        };
        assert_eq!((part, name, page, continued, text), (WirePart::Property, "Author", Some(3), true, &b"A\xFFB"[..]));
    }

    #[test]
    fn requests_fit_their_bound() {
        let bounds = Bounds {
            cpu_s: u64::MAX,
            memory_bytes: u64::MAX,
            output_bytes: u64::MAX,
            child_bytes: u64::MAX,
            stream_bytes: u64::MAX,
            pages: u32::MAX,
            member_bytes: u64::MAX,
            ratio_max: u64::MAX,
            ratio_grace_bytes: u64::MAX,
        };
        let request = Request {
            bounds,
            job: Job::Pdf { document_bytes: u64::MAX, start: Start::Page(u32::MAX), pictures: true },
        };
        assert!(encode(&request).unwrap().len() <= REQUEST_BYTES_MAX + PREFIX_BYTES);
    }
}
