//! Stable ids of findings and keyed hashes of values.
//!
//! An id survives edits around the finding: it is made of the detector, the place without line numbers and offsets,
//! and the value. Because an eleven-digit number can be recovered from a plain hash in seconds, the hash is keyed, and
//! without a key the value is left out of it altogether.

use crate::base::Category;
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::borrow::Cow;
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// First field of every id's message, so that no other use of the key can yield the same hash.
const DOMAIN: &[u8] = b"dlp.finding.v1";
/// Bytes of the hash that ids and value hashes keep: 128 bits.
const HASH_LEN_BYTES: usize = 16;

/// The key of an organisation for ids and value hashes.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct IdentityKey([u8; 32]);

impl IdentityKey {
    /// A key from its 32 bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// Takes over bytes that are wiped then, so that no copy of them stays.
impl From<Zeroizing<[u8; 32]>> for IdentityKey {
    fn from(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(*bytes)
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey(..)")
    }
}

/// What a finding id is made of.
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    /// Detector id.
    pub detector: &'a str,
    /// Raw bytes of the path.
    pub path: &'a [u8],
    /// Members inside the path, outermost first.
    pub container: &'a [String],
    /// Part of the document.
    pub part: Option<&'a str>,
    /// Normalised value with a key; without one, the position of the finding among its detector's in the part.
    pub value: &'a [u8],
    /// Which occurrence of this value in the part it is, from 0.
    pub ordinal: u64,
}

/// The id: `f1_` and 26 characters of base 32.
///
/// Without a key the hash runs under the empty key, and `identity.value` must not be the value.
#[must_use]
pub fn finding_id(key: Option<&IdentityKey>, identity: &Identity<'_>) -> String {
    let mut mac = mac(key);
    field(&mut mac, DOMAIN);
    field(&mut mac, identity.detector.as_bytes());
    field(&mut mac, identity.path);
    for member in identity.container {
        field(&mut mac, member.as_bytes());
    }
    field(&mut mac, identity.part.unwrap_or_default().as_bytes());
    field(&mut mac, identity.value);
    field(&mut mac, identity.ordinal.to_string().as_bytes());
    let hash = mac.finalize().into_bytes();
    format!("f1_{}", BASE32_NOPAD.encode(&hash[..HASH_LEN_BYTES]).to_ascii_lowercase())
}

/// Keyed hash of detector and value, for suppression and grouping by value.
#[must_use]
pub fn value_hmac(key: &IdentityKey, detector: &str, normalised: &[u8]) -> String {
    let mut mac = mac(Some(key));
    mac.update(detector.as_bytes());
    mac.update(&[0]);
    mac.update(normalised);
    HEXLOWER.encode(&mac.finalize().into_bytes()[..HASH_LEN_BYTES])
}

/// The value without what people put into it for reading: numbers that are carried by people lose their separators and
/// letter case, everything else stays as it is.
pub(super) fn normalised(category: Category, value: &[u8]) -> Cow<'_, [u8]> {
    match category {
        Category::GovernmentId | Category::Finance | Category::Health => {
            let kept = value.iter().filter(|b| !b.is_ascii_whitespace() && !b"-./".contains(b));
            Cow::Owned(kept.map(u8::to_ascii_uppercase).collect())
        }
        _ => Cow::Borrowed(value),
    }
}

fn mac(key: Option<&IdentityKey>) -> Hmac<Sha256> {
    let bytes = key.map_or(&[][..], |key| &key.0);
    Hmac::<Sha256>::new_from_slice(bytes).expect("HMAC takes keys of every length")
}

/// Length before bytes, so that no two lists of fields give one message.
fn field(mac: &mut Hmac<Sha256>, bytes: &[u8]) {
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    mac.update(&len.to_be_bytes());
    mac.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> IdentityKey {
        IdentityKey::new(std::array::from_fn(|i| i as u8))
    }

    fn pesel<'a>(container: &'a [String], value: &'a [u8]) -> Identity<'a> {
        Identity {
            detector: "pii.pl.pesel",
            path: b"share/export.zip",
            container,
            part: Some("xl/worksheets/sheet1.xml"),
            value,
            ordinal: 0,
        }
    }

    #[test]
    fn the_published_vector_holds() {
        let container = ["clients.xlsx".to_owned()];
        let id = finding_id(Some(&key()), &pesel(&container, b"44051401458"));
        assert_eq!(id, "f1_oqsmxm4a3h34yez3232d6fe7gy");
    }

    #[test]
    fn every_field_and_the_key_change_the_id() {
        let container = ["clients.xlsx".to_owned()];
        let base = pesel(&container, b"1");
        let ids = [
            finding_id(None, &base),
            finding_id(Some(&key()), &base),
            finding_id(None, &Identity { detector: "pii.pl.nip", ..base }),
            finding_id(None, &Identity { path: b"share/other.zip", ..base }),
            finding_id(None, &Identity { container: &[], ..base }),
            finding_id(None, &Identity { part: None, ..base }),
            finding_id(None, &Identity { value: b"2", ..base }),
            finding_id(None, &Identity { ordinal: 1, ..base }),
        ];
        let distinct: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len());
    }

    #[test]
    fn spellings_of_one_number_are_one_value() {
        let rows = [
            (Category::Finance, "gb29 nwbk-6016.1331/9268 19", "GB29NWBK60161331926819"),
            (Category::Secret, "a-b.c", "a-b.c"),
            (Category::Pii, "jan.kowalski@example.org", "jan.kowalski@example.org"),
        ];
        for (category, value, expected) in rows {
            assert_eq!(normalised(category, value.as_bytes()).as_ref(), expected.as_bytes());
        }
    }

    #[test]
    fn debug_of_a_key_shows_no_byte() {
        assert_eq!(format!("{:?}", key()), "IdentityKey(..)");
    }
}
