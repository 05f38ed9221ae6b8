//! The key of a redaction, and the keys for each use that are derived from it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bytes of a key.
const KEY_LEN: usize = 32;

/// 32 secret bytes. Tokens are restored with the key that made them; hashes made with one key can be compared.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct RedactKey([u8; KEY_LEN]);

impl RedactKey {
    /// A key from its bytes.
    #[must_use]
    pub fn new(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// HMAC-SHA-256 of a message for one use; uses never share a result.
    pub(super) fn derive(&self, usage: &str, parts: &[&[u8]]) -> [u8; KEY_LEN] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of every length");
        mac.update(usage.as_bytes());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// Takes over bytes that are wiped then, so that no copy of them stays.
impl From<Zeroizing<[u8; KEY_LEN]>> for RedactKey {
    fn from(bytes: Zeroizing<[u8; KEY_LEN]>) -> Self {
        Self(*bytes)
    }
}

impl fmt::Debug for RedactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedactKey(..)")
    }
}
