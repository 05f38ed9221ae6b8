//! The contract for parsers that can crash, hang or exhaust memory on hostile input.
//!
//! dlp-core only states it. `dlp-sandbox` implements it with a worker process for each document, and the binaries pass
//! the implementation in. Without one, such documents end as `unsupported` with their raw bytes scanned.

use super::{Flow, Kind, Outcome, Segment};
use crate::base::{Limits, Problem};
use std::fmt;
use std::io::{self, Read};

/// Runs parsers of formats that cannot be read safely in this process.
pub trait RiskyParser: Send + Sync {
    /// Whether this parser takes documents of the kind.
    fn supports(&self, kind: Kind) -> bool;

    /// Reads one document and hands out what it holds while it is read, so that everything before a crash is kept.
    /// The caller treats the frames as hostile and enters children itself, under its own budget.
    fn parse(
        &self,
        kind: Kind,
        document: &[u8],
        limits: &Limits,
        each: &mut dyn FnMut(RiskyFrame<'_>) -> Flow,
    ) -> Outcome;

    /// What recognises text in pictures, where that was asked for. A parser that has it hands out the pictures of its
    /// documents, too.
    fn pictures(&self) -> Option<&dyn PictureReader> {
        None
    }
}

/// Recognises text in pictures.
pub trait PictureReader: Send + Sync {
    /// The text in a picture: a file of JPEG, PNG, TIFF, GIF, WebP, BMP or PNM.
    ///
    /// # Errors
    /// What kept it from being read.
    fn read(&self, picture: &[u8], limits: &Limits) -> Result<String, Problem>;
}

/// The bytes of a file while it is read.
pub struct FileContent<'a>(&'a mut dyn Read);

impl<'a> FileContent<'a> {
    /// What this reader gives.
    pub fn new(reader: &'a mut dyn Read) -> Self {
        Self(reader)
    }
}

impl Read for FileContent<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl fmt::Debug for FileContent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileContent")
    }
}

/// Something that a risky parser found.
#[derive(Debug)]
pub enum RiskyFrame<'a> {
    /// Text with its place.
    Text(Segment<'a>),
    /// An embedded file.
    Child {
        /// Its name, not trusted.
        name: &'a str,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// An embedded file that comes piece by piece. What is left unread of it is passed over.
    File {
        /// Its name, not trusted.
        name: &'a str,
        /// Its bytes.
        content: FileContent<'a>,
    },
    /// An embedded file that is named and cannot be read.
    Closed {
        /// Its name, not trusted.
        name: &'a str,
        /// Why.
        problem: Problem,
    },
    /// A picture on a page, whose text the caller may have recognised.
    Picture {
        /// The page.
        page: u32,
        /// A file that [`PictureReader::read`] takes.
        bytes: &'a [u8],
    },
    /// Trouble; also what an abnormal end of the worker is reported as.
    Problem(Problem),
}
