//! Keys in files of their own kinds that say more than their shape: key files of PuTTY, secret parts of JSON web keys,
//! passwords of Group Policy.

use super::super::Verdict;
use super::encoded::decode_base64;
use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use data_encoding::{BASE64, HEXLOWER};
use hmac::{Hmac, Mac};
use sha1::{Digest, Sha1};
use sha2::Sha256;

/// Key files of PuTTY, versions 2 and 3: the authentication code at their end covers all of the rest, as PuTTY's manual has it
/// in its appendix on the format. A file behind a passphrase is left open, one that was cut off too, one of version 1, whose
/// code is another, and one with letters beyond ASCII in its comment, which may have been read in another set.
pub(super) fn ppk(value: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(value);
    let Some(file) = KeyFile::read(&text) else { return Verdict::NotApplicable };
    if file.encryption != "none" || !file.comment.is_ascii() || !matches!(file.version, 2 | 3) {
        return Verdict::NotApplicable;
    }
    (HEXLOWER.encode(&file.code()) == file.stated.to_ascii_lowercase()).into()
}

/// Writes the code at the end of a generated file.
pub(super) fn complete_ppk(value: &str) -> Option<String> {
    let file = KeyFile::read(value)?;
    Some(value.replace(file.stated, &HEXLOWER.encode(&file.code())))
}

/// What a key file says.
struct KeyFile<'t> {
    version: u8,
    algorithm: &'t str,
    encryption: &'t str,
    comment: &'t str,
    public: Vec<u8>,
    private: Vec<u8>,
    stated: &'t str,
}

impl<'t> KeyFile<'t> {
    fn read(text: &'t str) -> Option<Self> {
        let mut lines = text.lines().map(|line| line.trim_end_matches('\r'));
        let (version, algorithm) = lines.next()?.strip_prefix("PuTTY-User-Key-File-")?.split_once(": ")?;
        let mut field = |name: &str| lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let (encryption, comment) = (field("Encryption")?, field("Comment")?);
        let (public, private) = (blob(text, "Public-Lines: ")?, blob(text, "Private-Lines: ")?);
        let stated = text.rsplit_once("Private-MAC: ")?.1.trim();
        Some(Self { version: version.parse().ok()?, algorithm, encryption, comment, public, private, stated })
    }

    /// Version 2 keys the code with a digest of a fixed text, version 3 not at all.
    fn code(&self) -> Vec<u8> {
        let parts = [
            self.algorithm.as_bytes(),
            self.encryption.as_bytes(),
            self.comment.as_bytes(),
            &self.public,
            &self.private,
        ];
        let text: Vec<u8> = parts.iter().flat_map(|part| [&length(part), *part].concat()).collect();
        match self.version {
            2 => code_of::<Hmac<Sha1>>(&Sha1::digest(b"putty-private-key-file-mac-key"), &text),
            _ => code_of::<Hmac<Sha256>>(&[], &text),
        }
    }
}

fn code_of<M: Mac + KeyInit>(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut code = <M as KeyInit>::new_from_slice(key).expect("an HMAC takes keys of any length");
    code.update(text);
    code.finalize().into_bytes().to_vec()
}

fn length(part: &[u8]) -> [u8; 4] {
    u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// The bytes behind a field that says on how many lines they stand.
fn blob(text: &str, field: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(field)?;
    let mut lines = rest.lines();
    let count = lines.next()?.trim().parse().ok()?;
    let body: String = lines.take(count).map(str::trim).collect();
    decode_base64(body.as_bytes())
}

/// Bytes of the secret part of a key on P-256, Ed25519 or X25519, P-384, X448, Ed448, and P-521 (RFC 7518, RFC 8037).
const CURVE_LENS: &[usize] = &[32, 48, 56, 57, 66];

/// Bytes of the secret part of an RSA key of 512 bits; one of 8,192 has sixteen times as many.
const RSA_LEN_MIN: usize = 64;

/// Bytes by which the secret part of an RSA key is shorter than its modulus now and then.
const RSA_LEN_LESS: usize = 2;

/// The secret part of a JSON web key: it has the length of a key, and no bits are left behind its last byte. What was
/// altered by hand mostly has some.
pub(super) fn jwk(value: &[u8]) -> Verdict {
    let Ok(bytes) = data_encoding::BASE64URL_NOPAD.decode(value) else { return Verdict::NotApplicable };
    let is_of_rsa = bytes.len() >= RSA_LEN_MIN - RSA_LEN_LESS && (bytes.len() + RSA_LEN_LESS) % 64 <= RSA_LEN_LESS;
    match CURVE_LENS.contains(&bytes.len()) || is_of_rsa {
        true => Verdict::Valid,
        false => Verdict::NotApplicable,
    }
}

/// Makes the last character of a generated part one that ends on a whole byte.
pub(super) fn complete_jwk(value: &str) -> Option<String> {
    let bytes = decode_base64(value.as_bytes())?;
    Some(data_encoding::BASE64URL_NOPAD.encode(&bytes))
}

/// The key with which Windows encrypts passwords in Group Policy Preferences, which Microsoft published in MS-GPPREF,
/// section 2.2.1.1.4.
const POLICY_KEY: [u8; 32] = [
    0x4e, 0x99, 0x06, 0xe8, 0xfc, 0xb6, 0x6c, 0xc9, 0xfa, 0xf4, 0x93, 0x10, 0x62, 0x0f, 0xfe, 0xe8, 0xf4, 0x96, 0xe8,
    0x06, 0xcc, 0x05, 0x79, 0x90, 0x20, 0x9b, 0x09, 0xa4, 0x33, 0xb6, 0x6c, 0x1b,
];

/// Bytes of a block of AES.
const BLOCK_LEN: usize = 16;

/// Letters and signs of the scripts of Europe and of their neighbours stand below: one of a hundred million values that are
/// deciphered by chance is text of them.
const LETTER_MAX: char = '\u{2100}';

/// A password of Group Policy Preferences: deciphered with the published key (AES-256, chained from zeros), it is text in
/// UTF-16 with its padding. Text in other scripts cannot be told from what a changed value becomes, and is left open.
pub(super) fn group_policy(value: &[u8]) -> Verdict {
    let bytes = decode_base64(value).filter(|bytes| !bytes.is_empty() && bytes.len().is_multiple_of(BLOCK_LEN));
    let plain = bytes.and_then(|bytes| without_padding(decipher(&bytes))).filter(|plain| !plain.is_empty());
    let Some(plain) = plain.filter(|plain| plain.len().is_multiple_of(2)) else { return Verdict::Invalid };
    let units: Vec<u16> = plain.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    match String::from_utf16(&units) {
        Ok(text) if text.chars().all(|c| c < LETTER_MAX && !c.is_control()) => Verdict::Valid,
        Ok(_) => Verdict::NotApplicable,
        Err(_) => Verdict::Invalid,
    }
}

/// Enciphers letters in place of a generated value, as many as fit.
pub(super) fn complete_group_policy(value: &str) -> Option<String> {
    let len = decode_base64(value.as_bytes())?.len() / BLOCK_LEN * BLOCK_LEN;
    let letters = value.bytes().filter(u8::is_ascii_alphanumeric).take(len.checked_sub(2)? / 2);
    let mut plain: Vec<u8> = letters.flat_map(|letter| [letter, 0]).collect();
    let padding = len - plain.len();
    plain.resize(len, u8::try_from(padding).ok()?);
    Some(BASE64.encode(&encipher(&plain)))
}

fn without_padding(mut plain: Vec<u8>) -> Option<Vec<u8>> {
    let count = usize::from(*plain.last()?);
    let kept = plain.len().checked_sub(count)?;
    let is_padding = (1..=BLOCK_LEN).contains(&count) && plain[kept..].iter().all(|byte| usize::from(*byte) == count);
    plain.truncate(kept);
    is_padding.then_some(plain)
}

fn decipher(bytes: &[u8]) -> Vec<u8> {
    let cipher = Aes256::new(&POLICY_KEY.into());
    let mut last = [0; BLOCK_LEN];
    let mut plain = Vec::with_capacity(bytes.len());
    for chunk in bytes.as_chunks::<BLOCK_LEN>().0 {
        let mut block = (*chunk).into();
        cipher.decrypt_block(&mut block);
        plain.extend(block.iter().zip(last).map(|(byte, last)| byte ^ last));
        last = *chunk;
    }
    plain
}

fn encipher(plain: &[u8]) -> Vec<u8> {
    let cipher = Aes256::new(&POLICY_KEY.into());
    let mut last = [0; BLOCK_LEN];
    let mut bytes = Vec::with_capacity(plain.len());
    for chunk in plain.as_chunks::<BLOCK_LEN>().0 {
        let mut mixed = *chunk;
        mixed.iter_mut().zip(last).for_each(|(byte, last)| *byte ^= last);
        let mut block = mixed.into();
        cipher.encrypt_block(&mut block);
        last = block.into();
        bytes.extend_from_slice(&last);
    }
    bytes
}

/// Whether the checksum behind the body of an OpenPGP block, CRC-24 as RFC 9580 has it, is that of its bytes. `None` when
/// there is none, as the standard allows.
pub(super) fn pgp_sum(body: &[u8], bytes: &[u8]) -> Option<bool> {
    let text = String::from_utf8_lossy(body).replace("\\n", "\n").replace("\\r", "");
    let line = text.lines().map(str::trim).find(|line| line.len() == 5 && line.starts_with('='))?;
    let stated = BASE64.decode(&line.as_bytes()[1..]).ok()?;
    Some(stated == crc24(bytes).to_be_bytes()[1..])
}

fn crc24(bytes: &[u8]) -> u32 {
    const START: u32 = 0x00b7_04ce;
    const POLYNOMIAL: u32 = 0x0186_4cfb;
    bytes.iter().fold(START, |sum, byte| {
        let sum = sum ^ u32::from(*byte) << 16;
        (0..8).fold(sum, |sum, _| if sum & 0x0080_0000 == 0 { sum << 1 } else { sum << 1 ^ POLYNOMIAL })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_file(version: u8, encryption: &str, comment: &str) -> String {
        let code = if version == 2 { "0".repeat(40) } else { "0".repeat(64) };
        format!(
            "PuTTY-User-Key-File-{version}: ssh-ed25519\nEncryption: {encryption}\nComment: {comment}\nPublic-Lines: 2\n\
             AAAAC3NzaC1lZDI1NTE5AAAAIJ3Z\nq0mvYx1nP5d8s2rT\nPrivate-Lines: 1\n{}\nPrivate-MAC: {code}",
            "Zq8w".repeat(12)
        )
    }

    #[test]
    fn key_files_end_in_a_code_of_the_rest() {
        for version in [2, 3] {
            let made = complete_ppk(&key_file(version, "none", "laptop")).expect("a key file");
            assert_eq!(ppk(made.as_bytes()), Verdict::Valid, "{made}");
            assert_eq!(ppk(made.replace('\n', "\r\n").as_bytes()), Verdict::Valid);
            for (old, new) in [("laptop", "desktop"), ("Zq8w", "Zq9w"), ("-ed25519", "-rsa"), ("q0mv", "q1mv")] {
                assert_eq!(ppk(made.replacen(old, new, 1).as_bytes()), Verdict::Invalid, "{old}");
            }
        }
        assert_eq!(ppk(key_file(3, "aes256-cbc", "laptop").as_bytes()), Verdict::NotApplicable);
        assert_eq!(ppk(key_file(1, "none", "laptop").as_bytes()), Verdict::NotApplicable);
        assert_eq!(ppk(key_file(3, "none", "żółw").as_bytes()), Verdict::NotApplicable);
        for value in ["", "PuTTY-User-Key-File-2: x", "PuTTY-User-Key-File-x: y\nEncryption: none\nComment: z"] {
            assert_eq!(ppk(value.as_bytes()), Verdict::NotApplicable, "{value}");
        }
    }

    #[test]
    fn secret_parts_have_the_length_of_a_key() {
        let part = |len: usize| data_encoding::BASE64URL_NOPAD.encode(&vec![0xa5; len]);
        // The key of RFC 7515, appendix A.3.
        let published = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";
        assert_eq!(jwk(published.as_bytes()), Verdict::Valid);
        let rows = [(32, true), (48, true), (57, true), (66, true), (127, true), (256, true), (512, true)];
        let others = [(33, false), (40, false), (60, false), (100, false), (250, false)];
        for (len, is_key) in rows.into_iter().chain(others) {
            let expected = if is_key { Verdict::Valid } else { Verdict::NotApplicable };
            assert_eq!(jwk(part(len).as_bytes()), expected, "{len}");
        }
        // One bit behind the last byte.
        let altered = format!("{}J", &published[..42]);
        assert_eq!(jwk(altered.as_bytes()), Verdict::NotApplicable);
        assert_eq!(complete_jwk(&altered).as_deref(), Some(published));
    }

    #[test]
    fn passwords_of_group_policy_are_deciphered() {
        // The worked example of manuals on this file, whose password is "Local*P4ssword!".
        let published = "j1Uyj3Vx8TY9LtLZil2uAuZkFQA/4latT76ZwgdHdhw";
        assert_eq!(group_policy(published.as_bytes()), Verdict::Valid);
        // Its first block becomes any text, its last one has another padding.
        assert_ne!(group_policy(published.replace("j1U", "j2U").as_bytes()), Verdict::Valid);
        assert_eq!(group_policy(published.replace("dhw", "dhA").as_bytes()), Verdict::Invalid);
        for value in ["", "AAAA", "Zq8wT1nB5rXe0uYpK2mNvQ==", "not base64"] {
            assert_eq!(group_policy(value.as_bytes()), Verdict::Invalid, "{value}");
        }
        for shape in ["Ab3/".repeat(11), "Ab3/".repeat(16)] {
            let made = complete_group_policy(&shape).expect("long enough");
            assert_eq!(group_policy(made.as_bytes()), Verdict::Valid, "{made}");
        }
    }

    #[test]
    fn the_sum_behind_a_block_is_read_where_there_is_one() {
        assert_eq!(crc24(b"123456789"), 0x0021_cf02);
        let rows = [
            ("AAAA\n=Ic8C\n", Some(true)),
            ("AAAA\\n=Ic8C\\n", Some(true)),
            ("AAAA\n=Ic8D\n", Some(false)),
            ("AAAA\n", None),
            ("AAAA\n====\n", None),
        ];
        for (body, expected) in rows {
            assert_eq!(pgp_sum(body.as_bytes(), b"123456789"), expected, "{body}");
        }
    }
}
