//! The beginning and the end of a piece, and its digest.

use sha2::{Digest, Sha256};
use std::io::{self, Read, Seek, SeekFrom};
use zeroize::Zeroizing;

/// Bytes of an edge. Values that people lose are shorter than a page; a longer match across a border needs both pieces.
pub(crate) const EDGE_BYTES: usize = 8 * 1024;
/// Bytes that a piece takes beside its edges, so that pieces without content are bounded too.
pub(super) const PIECE_BYTES: usize = 512;

/// What is kept of a piece.
#[derive(Clone)]
pub(crate) struct Edges {
    len: u64,
    /// Tells whether a piece that is sent again is the same.
    digest: [u8; 32],
    /// The whole of a small piece, or its first bytes.
    start: Zeroizing<Vec<u8>>,
    /// The last bytes of a piece that is not kept whole.
    end: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Edges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edges").field("len", &self.len).finish_non_exhaustive()
    }
}

impl Edges {
    /// Reads the edges of a body.
    ///
    /// # Errors
    /// When the held body cannot be read.
    pub(crate) fn read(body: &mut (impl Read + Seek)) -> io::Result<Self> {
        let len = body.seek(SeekFrom::End(0))?;
        let digest = digest_of(body)?;
        let is_whole = len <= 2 * EDGE_BYTES as u64;
        let mut take = |from: u64, count: usize| {
            let mut bytes = Zeroizing::new(vec![0; count]);
            body.seek(SeekFrom::Start(from))?;
            body.read_exact(&mut bytes).map(|()| bytes)
        };
        if is_whole {
            let start = take(0, usize::try_from(len).unwrap_or(0))?;
            return Ok(Self { len, digest, start, end: Zeroizing::default() });
        }
        let (start, end) = (take(0, EDGE_BYTES)?, take(len - EDGE_BYTES as u64, EDGE_BYTES)?);
        Ok(Self { len, digest, start, end })
    }

    /// Length of the piece.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Whether both are of the same bytes.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.len == other.len && self.digest == other.digest
    }

    /// Whether all of it is here.
    pub(super) fn is_whole(&self) -> bool {
        self.start.len() as u64 == self.len
    }

    /// Bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        PIECE_BYTES + self.start.len() + self.end.len()
    }

    /// Forgets what no border needs any more: of a piece that is kept whole all or nothing.
    pub(super) fn forget(&mut self, is_start_judged: bool, is_end_judged: bool) {
        let is_all_judged = is_start_judged && is_end_judged;
        if is_all_judged || is_start_judged && !self.is_whole() {
            self.start = Zeroizing::default();
        }
        if is_end_judged {
            self.end = Zeroizing::default();
        }
    }

    /// Its first bytes.
    pub(super) fn start(&self) -> &[u8] {
        &self.start
    }

    /// Its last bytes.
    pub(super) fn end(&self) -> &[u8] {
        if self.is_whole() { &self.start } else { &self.end }
    }

    /// What is known of the bytes directly before an offset inside the piece.
    pub(super) fn end_before(&self, offset: u64) -> &[u8] {
        let cut = |bytes: &'_ [u8], start: u64| {
            usize::try_from(offset.saturating_sub(start)).map_or(0, |n| n.min(bytes.len()))
        };
        let end_start = self.len - self.end.len() as u64;
        if self.is_whole() || offset <= self.start.len() as u64 {
            return &self.start[..cut(&self.start, 0)];
        }
        if offset > end_start { &self.end[..cut(&self.end, end_start)] } else { &[] }
    }

    /// The texts across the borders: with each of what may lie before, and with what lies behind. A border alone is none.
    pub(super) fn joints(&self, before: &[Vec<u8>], after: &[u8]) -> Vec<Vec<u8>> {
        let mut joints = Vec::new();
        let behind = if self.is_whole() { after } else { &[] };
        for before in before.iter().filter(|before| !before.is_empty()) {
            joints.push([before, &self.start[..], behind].concat());
        }
        if !after.is_empty() && (joints.is_empty() || !self.is_whole()) {
            joints.push([self.end(), after].concat());
        }
        joints
    }
}

fn digest_of(body: &mut (impl Read + Seek)) -> io::Result<[u8; 32]> {
    body.seek(SeekFrom::Start(0))?;
    let mut hasher = Sha256::new();
    let mut buffer = Zeroizing::new(vec![0; 64 * 1024]);
    loop {
        match body.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().into()),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
