//! Holds a body until the decision: small ones in memory, the rest in a file without a name.
//!
//! The file has no name from the start, so that a crash leaves nothing behind, and only this process can read it.

use bytes::Bytes;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::AsyncWriteExt;

/// Takes a body while it arrives.
#[derive(Debug)]
pub(crate) struct Spool {
    dir: PathBuf,
    ram_max: usize,
    memory: Vec<u8>,
    file: Option<tokio::fs::File>,
    len: u64,
}

impl Spool {
    /// An empty spool that goes to a file in `dir` above `ram_max` bytes.
    pub(crate) fn new(dir: &Path, ram_max: u64) -> Self {
        let ram_max = usize::try_from(ram_max).unwrap_or(usize::MAX);
        Self { dir: dir.into(), ram_max, memory: Vec::new(), file: None, len: 0 }
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Appends.
    pub(crate) async fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.len += bytes.len() as u64;
        if self.file.is_none() && self.memory.len() + bytes.len() <= self.ram_max {
            self.memory.extend_from_slice(bytes);
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let dir = self.dir.clone();
                let made = tokio::task::spawn_blocking(move || tempfile::tempfile_in(dir)).await??;
                let file = none.insert(tokio::fs::File::from_std(made));
                file.write_all(&std::mem::take(&mut self.memory)).await?;
                file
            }
        };
        file.write_all(bytes).await
    }

    /// Ends the body.
    pub(crate) async fn finish(self) -> io::Result<Spooled> {
        let held = match self.file {
            None => Held::Memory(self.memory.into()),
            Some(mut file) => {
                file.flush().await?;
                Held::File(Arc::new(file.into_std().await))
            }
        };
        Ok(Spooled { held, len: self.len, position: 0 })
    }
}

/// A held body. Clones read the same bytes, each at its own position.
#[derive(Clone, Debug)]
pub(crate) struct Spooled {
    held: Held,
    len: u64,
    position: u64,
}

#[derive(Clone, Debug)]
enum Held {
    Memory(Bytes),
    File(Arc<File>),
}

/// Where a held body lies, for whoever sends it.
#[derive(Debug)]
pub(crate) enum Stored {
    /// In memory.
    Memory(Bytes),
    /// In a file, positioned at its start.
    File(File),
}

impl Spooled {
    /// Length in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Gives the body away to be sent. Nothing else may read it at the same time, because the file has one position.
    pub(crate) fn into_stored(self) -> Stored {
        match self.held {
            Held::Memory(bytes) => Stored::Memory(bytes),
            Held::File(file) => match rewound(&file) {
                Ok(file) => Stored::File(file),
                // The reader then finds fewer bytes than announced and cuts the message off.
                Err(_) => Stored::Memory(Bytes::new()),
            },
        }
    }
}

fn rewound(file: &File) -> io::Result<File> {
    let mut own = file.try_clone()?;
    own.seek(SeekFrom::Start(0))?;
    Ok(own)
}

impl Read for Spooled {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = match &self.held {
            Held::Memory(bytes) => {
                let start = usize::try_from(self.position).unwrap_or(usize::MAX).min(bytes.len());
                let mut rest = &bytes[start..];
                rest.read(buf)?
            }
            Held::File(file) => file.read_at(buf, self.position)?,
        };
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Spooled {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(delta) => self.len.checked_add_signed(delta),
            SeekFrom::Current(delta) => self.position.checked_add_signed(delta),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(body: &[u8], piece: usize, ram_max: u64) {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(dir.path(), ram_max);
        for part in body.chunks(piece) {
            spool.push(part).await.unwrap();
        }
        let mut spooled = spool.finish().await.unwrap();
        assert_eq!(spooled.len(), body.len() as u64);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "the file has no name");
        let mut all = Vec::new();
        spooled.clone().read_to_end(&mut all).unwrap();
        assert_eq!(all, body);
        spooled.seek(SeekFrom::End(-3)).unwrap();
        let mut tail = Vec::new();
        spooled.read_to_end(&mut tail).unwrap();
        assert_eq!(tail, body[body.len() - 3..]);
        assert!(spooled.seek(SeekFrom::End(-(body.len() as i64) - 1)).is_err());
    }

    #[tokio::test]
    async fn bodies_come_back_as_they_went_in() {
        let body: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
        check(&body, 7_000, 1 << 20).await;
        check(&body, 7_000, 100_000).await;
        check(&body, 300_000, 1).await;
        check(&body[..10], 3, 10).await;
        check(&body[..10], 3, 9).await;
    }
}
