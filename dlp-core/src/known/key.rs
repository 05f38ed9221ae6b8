//! The key of an organisation for its indexes, which is never in them.

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes of a key.
const KEY_LEN: usize = 32;

/// 32 secret bytes.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct KnownKey([u8; KEY_LEN]);

impl KnownKey {
    /// A key from its bytes.
    #[must_use]
    pub fn new(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// The key of one index: its salt keeps equal values of two indexes apart.
    pub(super) fn of_index(&self, usage: &str, salt: &[u8]) -> Self {
        Self(*blake3::keyed_hash(&self.0, &[usage.as_bytes(), salt].concat()).as_bytes())
    }

    /// Keyed hash of a value in a column, 64 bits of it. BLAKE3 with a key is a pseudo-random function (its paper,
    /// section 5.1), and takes a value in one block; HMAC would take four, for every word of a text.
    pub(super) fn hash(&self, column: u8, value: &[u8]) -> u64 {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&[column]).update(value);
        let hash = hasher.finalize();
        u64::from_be_bytes(*hash.as_bytes().first_chunk().expect("32 bytes"))
    }

    /// What only holders of the key can read: AES-SIV (RFC 5297), under a key of its own.
    pub(super) fn seal(&self, text: &[u8]) -> Vec<u8> {
        self.cipher().encrypt([b""; 0], text).expect("a text is far below the cipher's limit")
    }

    /// What was sealed; `None` when it was not, or with another key.
    pub(super) fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        self.cipher().decrypt([b""; 0], sealed).ok()
    }

    fn cipher(&self) -> Aes256Siv {
        let halves = [b"authenticate", &b"encrypt"[..]].map(|half| *blake3::keyed_hash(&self.0, half).as_bytes());
        Aes256Siv::new_from_slice(&halves.concat()).expect("two halves of 32 bytes")
    }

    /// A hash that authenticates what passes through it.
    pub(super) fn authenticator(&self) -> blake3::Hasher {
        blake3::Hasher::new_keyed(&self.0)
    }
}

impl fmt::Debug for KnownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KnownKey(..)")
    }
}
