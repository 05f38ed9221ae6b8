//! The key of an organisation for its indexes, which is never in them.

use super::sip::Sip;
use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

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

    /// A pseudo-random function for one use of this key: SipHash, since a value takes BLAKE3 five times as long, and a
    /// text has one at each word.
    pub(super) fn function(&self, usage: &[u8]) -> Sip {
        Sip::new(self.secret(usage))
    }

    /// Secret bytes for one use of this key. BLAKE3 with a key is a pseudo-random function (its paper, section 5.1) of any
    /// length.
    pub(super) fn secret<const LEN: usize>(&self, usage: &[u8]) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        blake3::Hasher::new_keyed(&self.0).update(usage).finalize_xof().fill(&mut bytes);
        bytes
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

/// Takes over bytes that are wiped then, so that no copy of them stays.
impl From<Zeroizing<[u8; KEY_LEN]>> for KnownKey {
    fn from(bytes: Zeroizing<[u8; KEY_LEN]>) -> Self {
        Self(*bytes)
    }
}

impl fmt::Debug for KnownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KnownKey(..)")
    }
}
