//! Where the access log ends: a small file beside it with the number of its lines and the digest of the last one.
//!
//! The lines of the log hang together, but nothing in it says that the last ones are there. This file does. It is written
//! twice with each change, whole and under another name first: before the line, with the end that is and the end that will
//! be, and after it. Ended at any moment in between, the log fits one of the two. It has no key: whoever may write it and
//! the log can make both anew.

use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Bytes of the file. It takes about 300.
const HEAD_BYTES_MAX: u64 = 4 * 1024;

/// An end of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) lines: u64,
    /// Digest of the last line; empty without lines.
    pub(super) last: String,
}

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    end: End,
    /// The end that a change will lead to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<End>,
}

impl Head {
    /// Nothing is under way.
    pub(super) fn at(end: End) -> Self {
        Self { end, next: None }
    }

    /// A change is under way.
    pub(super) fn between(end: End, next: End) -> Self {
        Self { end, next: Some(next) }
    }
}

/// What is known of the end.
pub(super) enum Known {
    /// There is no file.
    Nothing,
    /// Somebody has emptied the file: the log counts as it stands.
    Accepted,
    /// It cannot be read.
    Unreadable,
    Head(Head),
}

impl Known {
    /// Whether a log may end so; what was expected and what is there when it may not.
    pub(super) fn fits(&self, got: &End) -> Result<(), String> {
        let shown = |end: &End| format!("{} lines, the last of digest {:?}", end.lines, end.last);
        match self {
            Self::Accepted => Ok(()),
            Self::Nothing if got.lines == 0 => Ok(()),
            Self::Head(head) if head.end == *got || head.next.as_ref() == Some(got) => Ok(()),
            Self::Nothing => Err(format!("expected that file, got none beside a log of {} lines", got.lines)),
            Self::Unreadable => Err("expected the end of a log in it, got something else".to_owned()),
            Self::Head(head) => Err(format!("expected {}, got {}", shown(&head.end), shown(got))),
        }
    }
}

/// The file.
#[derive(Debug)]
pub(super) struct HeadFile {
    path: PathBuf,
}

impl HeadFile {
    /// The one that belongs to a log.
    pub(super) fn beside(log: &Path) -> Self {
        Self { path: log.with_extension("head") }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn read(&self) -> io::Result<Known> {
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Known::Nothing),
            opened => opened?,
        };
        let mut bytes = Vec::new();
        file.take(HEAD_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(match serde_json::from_slice(&bytes) {
            _ if bytes.is_empty() => Known::Accepted,
            Ok(head) => Known::Head(head),
            Err(_) => Known::Unreadable,
        })
    }

    /// Puts a new file in the place of the old one, and waits until it is on the disk.
    pub(super) fn write(&self, head: &Head) -> io::Result<()> {
        let new = self.path.with_extension("head.new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec(head)?)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()
    }
}
