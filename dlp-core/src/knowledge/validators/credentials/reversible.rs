//! Passwords that programs hide with a key or a rule that is the same everywhere: what comes out has to be text.
//!
//! Who has the file has the password, so they are as open as written ones. A value that somebody made up or altered becomes
//! bytes that no keyboard types.

use super::super::Verdict;
use super::encoded::decode_base64;
use super::password;
use aes::Aes256;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXUPPER, HEXUPPER_PERMISSIVE};

/// The key with which rclone obscures passwords in its settings, from its `fs/config/obscure`.
const RCLONE_KEY: [u8; 32] = [
    0x9c, 0x93, 0x5b, 0x48, 0x73, 0x0a, 0x55, 0x4d, 0x6b, 0xfd, 0x7c, 0x63, 0xc8, 0x86, 0xa9, 0x2b, 0xd3, 0x90, 0x19,
    0x8e, 0xb8, 0x12, 0x8a, 0xfb, 0xf4, 0xde, 0x16, 0x2b, 0x8b, 0x95, 0xf6, 0x38,
];

/// Bytes of a block of AES, and of the counter in front of an obscured password.
const BLOCK_LEN: usize = 16;

/// Passwords of rclone: a counter and the password under AES-256 in counter mode, in base 64 for addresses.
pub(super) fn rclone(value: &[u8]) -> Verdict {
    let bytes = BASE64URL_NOPAD.decode(value).unwrap_or_default();
    let Some((counter, hidden)) = bytes.split_first_chunk::<BLOCK_LEN>() else { return Verdict::Invalid };
    (!hidden.is_empty() && is_typed(&counted(*counter, hidden))).into()
}

/// Obscures letters in place of a generated value, under the counter that it starts with.
pub(super) fn complete_rclone(value: &str) -> Option<String> {
    let bytes = decode_base64(value.as_bytes())?;
    let (counter, rest) = bytes.split_first_chunk::<BLOCK_LEN>()?;
    let letters: Vec<u8> = rest.iter().map(|byte| b'a' + byte % 26).collect();
    Some(BASE64URL_NOPAD.encode(&[counter.as_slice(), &counted(*counter, &letters)].concat()))
}

/// AES in counter mode, which is the same both ways.
fn counted(counter: [u8; BLOCK_LEN], bytes: &[u8]) -> Vec<u8> {
    let cipher = Aes256::new(&RCLONE_KEY.into());
    let start = u128::from_be_bytes(counter);
    let mask = |number: usize| {
        let mut block = start.wrapping_add(number as u128).to_be_bytes().into();
        cipher.encrypt_block(&mut block);
        <[u8; BLOCK_LEN]>::from(block)
    };
    let chunks = bytes.chunks(BLOCK_LEN).enumerate();
    chunks
        .flat_map(|(number, chunk)| chunk.iter().zip(mask(number)).map(|(byte, mask)| byte ^ mask).collect::<Vec<u8>>())
        .collect()
}

/// What WinSCP mixes into each byte.
const WINSCP_MAGIC: u8 = 0xa3;

/// How a hidden password of WinSCP begins: the mark of this form and its version, hidden like the rest.
const WINSCP_START: &[u8] = b"A35C";

/// Passwords in saved sessions. Those of WinSCP: behind mark and version their length, how many bytes to skip, these, and then
/// user, host and password, as in its `Security.cpp`. Those of other programs are left open: users may have keys of their own.
pub(super) fn stored_session(value: &[u8]) -> Verdict {
    if !value.starts_with(WINSCP_START) {
        return Verdict::NotApplicable;
    }
    let bytes = HEXUPPER_PERMISSIVE.decode(value).unwrap_or_default();
    let shown: Vec<u8> = bytes.iter().map(|byte| !(byte ^ WINSCP_MAGIC)).collect();
    let Some(([_, _, len, skipped], rest)) = shown.split_first_chunk::<4>() else { return Verdict::Invalid };
    let text = rest.get(usize::from(*skipped)..).and_then(|rest| rest.get(..usize::from(*len)));
    text.is_some_and(|text| !text.is_empty() && is_typed(text)).into()
}

/// Hides letters in place of a generated value.
pub(super) fn complete_stored_session(value: &str) -> Option<String> {
    let bytes = HEXUPPER_PERMISSIVE.decode(value.as_bytes()).ok()?;
    let letters = bytes.get(4..)?.iter().map(|byte| b'a' + byte % 26);
    let head = [0xff, 0, u8::try_from(bytes.len() - 4).ok()?, 0];
    let hidden: Vec<u8> = head.into_iter().chain(letters).map(|byte| !byte ^ WINSCP_MAGIC).collect();
    Some(HEXUPPER.encode(&hidden))
}

/// Passwords of FileZilla's sites, in base 64.
pub(super) fn encoded_password(value: &[u8]) -> Verdict {
    let plain = decode_base64(value).unwrap_or_default();
    (!plain.is_empty() && is_typed(&plain) && password::in_structure(value) == Verdict::Valid).into()
}

/// Encodes letters in place of a generated value.
pub(super) fn complete_encoded_password(value: &str) -> Option<String> {
    let bytes = decode_base64(value.as_bytes())?;
    let letters: Vec<u8> = bytes.iter().map(|byte| b'a' + byte % 26).collect();
    Some(BASE64.encode(&letters))
}

/// Whether it is text without control characters.
fn is_typed(plain: &[u8]) -> bool {
    str::from_utf8(plain).is_ok_and(|text| !text.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_rclone_are_deciphered() {
        // The rows of rclone's own test, each of them "potato".
        for published in ["YWFhYWFhYWFhYWFhYWFhYXMaGgIlEQ", "YmJiYmJiYmJiYmJiYmJiYp3gcEWbAw"] {
            assert_eq!(rclone(published.as_bytes()), Verdict::Valid, "{published}");
            for altered in [published.replacen('m', "n", 1).replacen('F', "G", 1), published[1..].to_owned()] {
                assert_eq!(rclone(altered.as_bytes()), Verdict::Invalid, "{altered}");
            }
        }
        let long = complete_rclone(&"Ab3_".repeat(20)).expect("base 64");
        assert_eq!(rclone(long.as_bytes()), Verdict::Valid, "{long}");
        for value in ["", "short", "YWFhYWFhYWFhYWFhYWFhYQ", "Zq8wT1nB5rXe0uYpK2mNvQ!!"] {
            assert_eq!(rclone(value.as_bytes()), Verdict::Invalid, "{value}");
        }
    }

    #[test]
    fn passwords_of_saved_sessions_are_shown() {
        let made = complete_stored_session(&format!("A35C{}", "7F".repeat(20))).expect("hexadecimal");
        assert!(made.starts_with("A35C"), "{made}");
        assert_eq!(stored_session(made.as_bytes()), Verdict::Valid, "{made}");
        // Another length, another letter that becomes none, and an end that is missing.
        for altered in
            [made.replacen("A35C4", "A35C0", 1), format!("{}5B", &made[..made.len() - 2]), made[..20].to_owned()]
        {
            assert_eq!(stored_session(altered.as_bytes()), Verdict::Invalid, "{altered}");
        }
        assert_eq!(stored_session(b"0f1e2d3c4b5a69788796a5b4c3d2e1f0"), Verdict::NotApplicable);
    }

    #[test]
    fn encoded_passwords_are_text() {
        let rows = [("UGFzczEyMyE=", true), ("xbzDs8WCdzc=", true), ("/////w==", false), ("AAEC", false), ("", false)];
        for (value, expected) in rows {
            assert_eq!(encoded_password(value.as_bytes()), Verdict::from(expected), "{value}");
        }
        let made = complete_encoded_password("Ab3/Ab3/Ab3/").expect("base 64");
        assert_eq!(encoded_password(made.as_bytes()), Verdict::Valid);
    }
}
