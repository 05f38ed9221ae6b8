//! Temporary files that nobody but this process can read, not even from the disk.
//!
//! A file has no name, so that a crash leaves nothing behind, and each has a random key that exists in memory only.
//! The content lies in chunks of 64 KiB, each sealed under its number as nonce, with AES-256-GCM where the processor has
//! instructions for it and with ChaCha20-Poly1305 elsewhere: a chunk that was changed, moved or cut off is an error and
//! never other content.

use bytes::Bytes;
use dlp_core::base::seek_target;
use ring::aead::{AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use zeroize::{Zeroize, Zeroizing};

/// Plain bytes of a chunk.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;

/// A file that is being written. It holds one content after the other; see [`SealedWriter::end_content`].
#[derive(Debug)]
pub(crate) struct SealedWriter {
    file: Arc<File>,
    key: Arc<LessSafeKey>,
    /// The chunk that is not full yet.
    chunk: Vec<u8>,
    chunks: u32,
    /// Bytes on the disk.
    written: u64,
    /// Where the content begins that is being written: its first chunk, and the place of that on the disk.
    begin: (u32, u64),
}

/// A content that was written. Clones share the file.
#[derive(Clone, Debug)]
pub(crate) struct SealedFile {
    file: Arc<File>,
    key: Arc<LessSafeKey>,
    len: u64,
    begin: (u32, u64),
}

/// Reads a file from any place.
#[derive(Debug)]
pub(crate) struct SealedReader {
    file: SealedFile,
    position: u64,
    /// The chunk read last, and its number.
    chunk: Option<(u32, Zeroizing<Vec<u8>>)>,
}

impl SealedWriter {
    /// An empty file in `dir`, or in the system's directory for temporary files.
    pub(crate) fn create(dir: Option<&Path>) -> io::Result<Self> {
        let file = match dir {
            Some(dir) => tempfile::tempfile_in(dir)?,
            None => tempfile::tempfile()?,
        };
        let (file, key) = (Arc::new(file), Arc::new(random_key()?));
        Ok(Self { file, key, chunk: Vec::with_capacity(CHUNK_BYTES), chunks: 0, written: 0, begin: (0, 0) })
    }

    /// Appends.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let taken = bytes.len().min(CHUNK_BYTES - self.chunk.len());
            self.chunk.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if self.chunk.len() == CHUNK_BYTES {
                self.seal_chunk()?;
            }
        }
        Ok(())
    }

    /// Ends the file.
    pub(crate) fn finish(mut self) -> io::Result<SealedFile> {
        self.end_content()
    }

    /// Ends one content, which can be read from now on; what comes next is another one in the same file.
    pub(crate) fn end_content(&mut self) -> io::Result<SealedFile> {
        let len = u64::from(self.chunks - self.begin.0) * CHUNK_BYTES as u64 + self.chunk.len() as u64;
        if !self.chunk.is_empty() {
            self.seal_chunk()?;
        }
        let begin = std::mem::replace(&mut self.begin, (self.chunks, self.written));
        Ok(SealedFile { file: self.file.clone(), key: self.key.clone(), len, begin })
    }

    fn seal_chunk(&mut self) -> io::Result<()> {
        let nonce = nonce_of(self.chunks);
        self.chunks = self.chunks.checked_add(1).ok_or(io::ErrorKind::FileTooLarge)?;
        let tag = self.key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut self.chunk).map_err(|_| sealing())?;
        (&*self.file).write_all(&self.chunk)?;
        (&*self.file).write_all(tag.as_ref())?;
        self.written += (self.chunk.len() + tag.as_ref().len()) as u64;
        self.chunk.clear();
        Ok(())
    }
}

impl SealedFile {
    /// The plain bytes of one chunk; none behind the last.
    pub(crate) fn chunk(&self, number: u32) -> io::Result<Zeroizing<Vec<u8>>> {
        let start = u64::from(number) * CHUNK_BYTES as u64;
        let plain_len = usize::try_from(self.len.saturating_sub(start)).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        if plain_len == 0 {
            return Ok(Zeroizing::default());
        }
        let tag_len = algorithm().tag_len();
        let mut bytes = Zeroizing::new(vec![0; plain_len + tag_len]);
        let (first, place) = self.begin;
        let nonce = nonce_of(first.checked_add(number).ok_or(io::ErrorKind::FileTooLarge)?);
        self.file.read_exact_at(&mut bytes, place + u64::from(number) * (CHUNK_BYTES + tag_len) as u64)?;
        self.key.open_in_place(nonce, Aad::empty(), &mut bytes).map_err(|_| sealing())?;
        bytes.truncate(plain_len);
        Ok(bytes)
    }

    /// The plain bytes of up to `count` chunks, read at once; none behind the last.
    pub(crate) fn chunks(&self, first: u32, count: u32) -> io::Result<Vec<Bytes>> {
        let numbers = first..first.saturating_add(count);
        let chunks = numbers.map(|number| Ok(Bytes::from_owner(self.chunk(number)?)));
        chunks.take_while(|chunk: &io::Result<Bytes>| !chunk.as_ref().is_ok_and(Bytes::is_empty)).collect()
    }

    /// Cuts the file off, as a disk that fails may.
    #[cfg(test)]
    pub(crate) fn cut(&self, len: u64) {
        self.file.set_len(len).unwrap();
    }

    /// Reads from the start.
    pub(crate) fn reader(&self) -> SealedReader {
        SealedReader { file: self.clone(), position: 0, chunk: None }
    }
}

impl Clone for SealedReader {
    fn clone(&self) -> Self {
        Self { position: self.position, ..self.file.reader() }
    }
}

impl Read for SealedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.file.len {
            return Ok(0);
        }
        let chunk_bytes = CHUNK_BYTES as u64;
        let number = u32::try_from(self.position / chunk_bytes).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let chunk = match &mut self.chunk {
            Some((own, chunk)) if *own == number => chunk,
            other => &other.insert((number, self.file.chunk(number)?)).1,
        };
        let mut rest = &chunk[(self.position % chunk_bytes) as usize..];
        let count = rest.read(buffer)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for SealedReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = seek_target(to, self.position, self.file.len)?;
        Ok(self.position)
    }
}

fn random_key() -> io::Result<LessSafeKey> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let key = UnboundKey::new(algorithm(), &bytes).map_err(|_| sealing());
    bytes.zeroize();
    Ok(LessSafeKey::new(key?))
}

/// The faster of the two on this processor. Both have keys and tags of the same length.
fn algorithm() -> &'static Algorithm {
    #[cfg(target_arch = "x86_64")]
    let has_instructions = is_x86_feature_detected!("aes") && is_x86_feature_detected!("pclmulqdq");
    #[cfg(target_arch = "aarch64")]
    let has_instructions = std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let has_instructions = false;
    if has_instructions { &AES_256_GCM } else { &CHACHA20_POLY1305 }
}

/// A number is used once, because a chunk is written once and each file has its own key.
fn nonce_of(chunk: u32) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[..4].copy_from_slice(&chunk.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

fn sealing() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a held body could not be sealed or is not what was written")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(content: &[u8], piece: usize) -> SealedFile {
        let mut writer = SealedWriter::create(None).unwrap();
        content.chunks(piece).for_each(|part| writer.push(part).unwrap());
        writer.finish().unwrap()
    }

    #[test]
    fn content_comes_back_and_the_disk_holds_none_of_it() {
        for len in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 200_000] {
            for piece in [999, CHUNK_BYTES, 150_000] {
                let content: Vec<u8> = b"the quick brown fox ".iter().copied().cycle().take(len).collect();
                let file = sealed(&content, piece);
                assert_eq!(file.len, len as u64);
                let mut reader = file.reader();
                let mut back = Vec::new();
                reader.read_to_end(&mut back).unwrap();
                assert!(back == content, "{len} bytes in pieces of {piece}");
                let start = len.min(CHUNK_BYTES + 7) as u64;
                reader.seek(SeekFrom::Start(start)).unwrap();
                back.clear();
                reader.clone().read_to_end(&mut back).unwrap();
                assert!(back == content[start as usize..], "{len} bytes from {start}");

                let mut disk = vec![0; file.file.metadata().unwrap().len() as usize];
                file.file.read_exact_at(&mut disk, 0).unwrap();
                assert!(!disk.windows(9).any(|window| window == b"brown fox"));
            }
        }
    }

    #[test]
    fn one_file_holds_several_contents() {
        let lens = [3 * CHUNK_BYTES, 1, 0, CHUNK_BYTES + 5, 7];
        let mut writer = SealedWriter::create(None).unwrap();
        let contents: Vec<Vec<u8>> = (b'a'..).zip(lens).map(|(byte, len)| vec![byte; len]).collect();
        let ended = |content: &Vec<u8>| {
            writer.push(content).unwrap();
            writer.end_content().unwrap()
        };
        let files: Vec<SealedFile> = contents.iter().map(ended).collect();
        for (content, file) in contents.iter().zip(files) {
            let mut back = Vec::new();
            file.reader().read_to_end(&mut back).unwrap();
            assert!(back == *content, "{} bytes", content.len());
        }
    }

    #[test]
    fn what_was_changed_moved_or_cut_off_is_an_error() {
        type Damage = fn(&File);
        let stride = (CHUNK_BYTES + 16) as u64;
        let damages: [Damage; 3] = [
            |file| {
                let mut byte = [0];
                file.read_exact_at(&mut byte, 70_000).unwrap();
                file.write_all_at(&[byte[0] ^ 1], 70_000).unwrap();
            },
            |file| {
                let mut first = vec![0; CHUNK_BYTES + 16];
                file.read_exact_at(&mut first, 0).unwrap();
                file.write_all_at(&first, (CHUNK_BYTES + 16) as u64).unwrap();
            },
            |file| file.set_len((CHUNK_BYTES + 16) as u64 + 10).unwrap(),
        ];
        for damage in damages {
            let file = sealed(&vec![b'a'; 2 * CHUNK_BYTES], CHUNK_BYTES);
            assert_eq!(file.file.metadata().unwrap().len(), 2 * stride);
            damage(&file.file);
            assert!(file.chunk(0).is_ok() && file.chunk(1).is_err());
        }
    }
}
