//! Tokens and hashes: `{{dlp:<detector>:<letters>}}`, `{{dlp-hash:<detector>:<letters>}}`.
//!
//! A token is the value under AES-SIV (RFC 5297), which is deterministic and tells when a token was altered; the
//! detector's id is authenticated with it. Tokens are written in sixteen lower-case consonants, because digits and
//! capitals would now and then make a number that a detector takes for genuine. Braces mark a placeholder in most
//! languages of templates, and detectors of credentials know them as one. Their spelling stands in `stand_in` of
//! matching, which passes over them.

use super::key::RedactKey;
use crate::matching::stand_in::{END, GROUP_ENDS, GROUP_LETTERS, HASH, HASH_LEN, LETTERS, NUMBER_TOKEN, START, TOKEN};
use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;

/// The token of a value, in the spellings that it may have: the first one is meant, unless it is found again.
pub(super) fn seal(
    key: &RedactKey,
    detector: &str,
    value: &[u8],
    is_number: bool,
) -> impl Iterator<Item = Vec<u8>> + use<> {
    let sealed = cipher(key).encrypt([detector.as_bytes()], value).expect("a value is far below the cipher's limit");
    spellings(if is_number { NUMBER_TOKEN } else { TOKEN }, detector.to_owned(), sealed)
}

/// The value of a token: the text between its start and its end. `None` for another key, or an altered token.
pub(super) fn open(key: &RedactKey, inside: &[u8]) -> Option<Vec<u8>> {
    let colon = inside.iter().position(|byte| *byte == b':')?;
    let (detector, letters) = (&inside[..colon], &inside[colon + 1..]);
    let halves: Option<Vec<u8>> = letters
        .iter()
        .filter(|byte| !GROUP_ENDS.contains(byte))
        .map(|byte| LETTERS.iter().position(|letter| letter == byte).map(|half| half as u8))
        .collect();
    let halves = halves.filter(|halves| halves.len().is_multiple_of(2))?;
    let sealed: Vec<u8> = halves.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    cipher(key).decrypt([detector], &sealed).ok()
}

/// The hash of a value, in the spellings that it may have.
pub(super) fn hash(key: &RedactKey, detector: &str, value: &[u8]) -> impl Iterator<Item = Vec<u8>> + use<> {
    let hash = key.derive("dlp.redact.hash.v1", &[detector.as_bytes(), value]);
    spellings(HASH, detector.to_owned(), hash[..HASH_LEN].to_vec())
}

fn cipher(key: &RedactKey) -> Aes256Siv {
    let halves = [b"authenticate", &b"encrypt"[..]].map(|half| key.derive("dlp.redact.token.v1", &[half]));
    Aes256Siv::new_from_slice(&halves.concat()).expect("two halves of 32 bytes")
}

fn spellings(kind: &'static str, detector: String, bytes: Vec<u8>) -> impl Iterator<Item = Vec<u8>> + use<> {
    GROUP_ENDS.into_iter().map(move |group_end| write(kind, &detector, &bytes, group_end))
}

fn write(kind: &str, detector: &str, bytes: &[u8], group_end: u8) -> Vec<u8> {
    let mut text = format!("{START}{kind}{detector}:").into_bytes();
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    for (at, half) in halves.enumerate() {
        if at > 0 && at.is_multiple_of(GROUP_LETTERS) {
            text.push(group_end);
        }
        text.push(LETTERS[usize::from(half)]);
    }
    text.extend_from_slice(END.as_bytes());
    text
}
