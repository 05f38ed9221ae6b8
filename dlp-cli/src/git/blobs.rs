//! Contents by id, from one `git cat-file --batch` that serves all of them.

use super::cannot_run;
use crate::error::CliError;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running `git cat-file --batch`.
pub(crate) struct Blobs {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// A content that is being read. What is left unread is skipped when the next one is asked for.
pub(crate) struct Blob<'a> {
    /// Its length.
    pub(crate) bytes: u64,
    reader: io::Take<&'a mut BufReader<ChildStdout>>,
}

impl Blobs {
    /// Starts it.
    pub(crate) fn start() -> Result<Self, CliError> {
        let mut command = Command::new("git");
        command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(cannot_run)?;
        let requests = child.stdin.take().expect("standard input is piped");
        let answers = BufReader::new(child.stdout.take().expect("standard output is piped"));
        Ok(Self { child, requests, answers })
    }

    /// Asks for a content. `None` when the store does not have it, as in a partial clone.
    pub(crate) fn open(&mut self, id: &str) -> io::Result<Option<Blob<'_>>> {
        writeln!(self.requests, "{id}")?;
        let mut header = String::new();
        self.answers.read_line(&mut header)?;
        let words: Vec<&str> = header.trim_end().split(' ').collect();
        match words[..] {
            [_, "blob", bytes] => {
                let bytes = bytes.parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
                Ok(Some(Blob { bytes, reader: (&mut self.answers).take(bytes) }))
            }
            [_, "missing"] => Ok(None),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Ends it.
    pub(crate) fn finish(self) {
        let Self { mut child, requests, answers } = self;
        drop((requests, answers));
        // Its exit code says nothing that the answers have not said.
        let _ = child.wait();
    }
}

impl Blob<'_> {
    /// Skips what is left, and the line feed behind it.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        io::copy(&mut self.reader, &mut io::sink())?;
        self.reader.into_inner().read_exact(&mut [0])
    }
}

impl Read for Blob<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}
