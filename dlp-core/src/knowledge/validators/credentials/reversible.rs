//! Passwords that programs hide with a key or a rule that is the same everywhere: what comes out has to be text.
//!
//! Who has the file has the password, so they are as open as written ones. A value that somebody made up or altered becomes
//! bytes that no keyboard types.

use super::super::Verdict;
use super::encoded::decode_base64;
use super::password;
use aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER, HEXUPPER_PERMISSIVE};
use des::Des;
use md5::{Digest as _, Md5};
use sha2::{Digest as _, Sha256};

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

/// Passwords in saved sessions. Those of SecureCRT and mRemoteNG are proven where the key is the one that everybody has, and
/// left open where it may be the user's own.
pub(super) fn stored_session(value: &[u8]) -> Verdict {
    match value {
        _ if value.starts_with(WINSCP_START) => winscp(value),
        _ if is_of_securecrt(value) || is_of_mremoteng(value) => Verdict::Valid,
        _ => Verdict::NotApplicable,
    }
}

/// Passwords of WinSCP: behind mark and version their length, how many bytes to skip, these, and then user, host and
/// password, as in its `Security.cpp`.
fn winscp(value: &[u8]) -> Verdict {
    let bytes = HEXUPPER_PERMISSIVE.decode(value).unwrap_or_default();
    let shown: Vec<u8> = bytes.iter().map(|byte| !(byte ^ WINSCP_MAGIC)).collect();
    let Some(([_, _, len, skipped], rest)) = shown.split_first_chunk::<4>() else { return Verdict::Invalid };
    let text = rest.get(usize::from(*skipped)..).and_then(|rest| rest.get(..usize::from(*len)));
    text.is_some_and(|text| !text.is_empty() && is_typed(text)).into()
}

/// Passwords of SecureCRT, version 2: under AES-256 in CBC mode, with the hash of no passphrase as the key and without a
/// vector, the length in four bytes, the password, and its SHA-256. Analyses of its files have it since 2020.
fn is_of_securecrt(value: &[u8]) -> bool {
    let plain =
        HEXLOWER.decode(value).ok().and_then(|bytes| chained::<Aes256>(&Sha256::digest(b""), &[0; BLOCK_LEN], &bytes));
    let Some((len, rest)) = plain.as_deref().and_then(<[u8]>::split_first_chunk::<4>) else { return false };
    let len = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX);
    let Some((password, rest)) = rest.split_at_checked(len) else { return false };
    rest.starts_with(&Sha256::digest(password))
}

/// What mRemoteNG hides passwords with where nobody chose another word.
const MREMOTENG_WORD: &[u8] = b"mR3m";

/// Passwords of mRemoteNG before 1.75: the vector, and the password under AES-128 in CBC mode with the MD5 of a word that is
/// the same everywhere. Later ones derive the key by a thousand rounds of hashing, too much for one value among many.
fn is_of_mremoteng(value: &[u8]) -> bool {
    let bytes = BASE64.decode(value).unwrap_or_default();
    let Some((vector, hidden)) = bytes.split_first_chunk::<BLOCK_LEN>() else { return false };
    let Some(plain) = chained::<Aes128>(&Md5::digest(MREMOTENG_WORD), vector, hidden) else { return false };
    // As many bytes are filled up as the last one says (RFC 5652, 6.3).
    let filled = plain.last().map_or(0, |last| usize::from(*last));
    let Some((password, filling)) = plain.len().checked_sub(filled).and_then(|at| plain.split_at_checked(at)) else {
        return false;
    };
    (1..=BLOCK_LEN).contains(&filling.len())
        && filling.iter().all(|byte| usize::from(*byte) == filled)
        && !password.is_empty()
        && is_typed(password)
}

/// What was hidden block by block, each mixed with the one before it; `None` when it is no number of blocks.
fn chained<C: BlockCipherDecrypt + KeyInit>(key: &[u8], vector: &[u8], hidden: &[u8]) -> Option<Vec<u8>> {
    let cipher = C::new_from_slice(key).ok()?;
    let block_len = C::block_size();
    if hidden.is_empty() || !hidden.len().is_multiple_of(block_len) {
        return None;
    }
    let mut before = vector;
    let mut plain = Vec::with_capacity(hidden.len());
    for chunk in hidden.chunks_exact(block_len) {
        let mut block = Block::<C>::try_from(chunk).ok()?;
        cipher.decrypt_block(&mut block);
        plain.extend(block.iter().zip(before).map(|(byte, mixed)| byte ^ mixed));
        before = chunk;
    }
    Some(plain)
}

/// The key with which VNC hides passwords, bits in the order of DES: the published one has those of each byte turned round.
const VNC_KEY: [u8; 8] = [0xe8, 0x4a, 0xd6, 0x60, 0xc4, 0x72, 0x1a, 0xe0];

/// Passwords of VNC: eight characters, filled up with zeros, as one block of DES. `UltraVNC` writes a byte of its own behind.
pub(super) fn vnc(value: &[u8]) -> Verdict {
    let Some(mut block) = vnc_block(value) else { return Verdict::Invalid };
    Des::new(&VNC_KEY.into()).decrypt_block(&mut block);
    let typed_len = block.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    (typed_len > 0 && is_typed(&block[..typed_len])).into()
}

/// Hides letters in place of a generated value.
pub(super) fn complete_vnc(value: &str) -> Option<String> {
    let mut block = vnc_block(value.as_bytes())?;
    block.iter_mut().for_each(|byte| *byte = b'a' + *byte % 26);
    Des::new(&VNC_KEY.into()).encrypt_block(&mut block);
    let made = HEXLOWER.encode(&block);
    let mut digits = made.chars();
    // Commas stay, and what stands behind the eight bytes.
    Some(value.chars().map(|c| if c == ',' { c } else { digits.next().unwrap_or(c) }).collect())
}

/// The first eight bytes of digits that commas may set apart, as the registry writes them.
fn vnc_block(value: &[u8]) -> Option<Block<Des>> {
    let digits: Vec<u8> = value.iter().copied().filter(|byte| *byte != b',').take(2 * VNC_KEY.len()).collect();
    let bytes = HEXUPPER_PERMISSIVE.decode(&digits).ok()?;
    Block::<Des>::try_from(bytes.as_slice()).ok()
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
    fn passwords_of_vnc_are_deciphered() {
        // "password", as many descriptions of the form have it.
        for published in ["dbd83cfd727a1458", "DBD83CFD727A1458", "db,d8,3c,fd,72,7a,14,58", "dbd83cfd727a145800"] {
            assert_eq!(vnc(published.as_bytes()), Verdict::Valid, "{published}");
        }
        for other in ["dbd83cfd727a1459", "0123456789abcdef", "dbd83cfd727a14", "", "no digits at all"] {
            assert_eq!(vnc(other.as_bytes()), Verdict::Invalid, "{other}");
        }
        for generated in ["0123456789abcdef", "01,23,45,67,89,ab,cd,ef", "0123456789abcdef00"] {
            let made = complete_vnc(generated).expect("eight bytes");
            assert_eq!((vnc(made.as_bytes()), made.len()), (Verdict::Valid, generated.len()), "{made}");
        }
    }

    /// Hides a text block by block, as the programs do.
    fn hidden<C: BlockCipherEncrypt + KeyInit>(key: &[u8], vector: &[u8], plain: &[u8]) -> Vec<u8> {
        let cipher = C::new_from_slice(key).expect("a key of this cipher");
        let (mut before, mut out) = (vector.to_vec(), Vec::new());
        for chunk in plain.chunks_exact(BLOCK_LEN) {
            let mixed: Vec<u8> = chunk.iter().zip(&before).map(|(byte, before)| byte ^ before).collect();
            let mut block = Block::<C>::try_from(mixed.as_slice()).expect("one block");
            cipher.encrypt_block(&mut block);
            before = block.to_vec();
            out.extend_from_slice(&before);
        }
        out
    }

    #[test]
    fn sessions_under_the_key_that_everybody_has_are_proven() {
        let password = b"Tr0ub4dor-and-3";
        let mut plain = [&15_u32.to_le_bytes()[..], password, &Sha256::digest(password)].concat();
        plain.resize(64, 0x5a);
        let crt = HEXLOWER.encode(&hidden::<Aes256>(&Sha256::digest(b""), &[0; BLOCK_LEN], &plain));
        let own = HEXLOWER.encode(&hidden::<Aes256>(&Sha256::digest(b"own"), &[0; BLOCK_LEN], &plain));
        let remote = |word: &[u8], text: &[u8]| {
            let vector = [0x3c; BLOCK_LEN];
            BASE64.encode(&[&vector[..], &hidden::<Aes128>(&Md5::digest(word), &vector, text)].concat())
        };
        let rows = [
            (crt.clone(), Verdict::Valid),
            (crt.replacen(&crt[..1], "0", 1), Verdict::NotApplicable),
            (own, Verdict::NotApplicable),
            (remote(MREMOTENG_WORD, b"Tr0ub4dor-and-3\x01"), Verdict::Valid),
            (remote(MREMOTENG_WORD, b"Tr0ub4dor-and\x02\x02\x03"), Verdict::NotApplicable),
            (remote(MREMOTENG_WORD, &[16; 16]), Verdict::NotApplicable),
            (remote(b"own", b"Tr0ub4dor-and-3\x01"), Verdict::NotApplicable),
        ];
        for (value, expected) in rows {
            assert_eq!(stored_session(value.as_bytes()), expected, "{value}");
        }
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
