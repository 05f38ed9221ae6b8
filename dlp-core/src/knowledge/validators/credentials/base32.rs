//! Keys in base32 that hold a checksum: Stellar seeds and the former personal access tokens of Azure DevOps.
//!
//! Both shapes are nothing but letters and digits, so the checksum is what tells them from any other text.

use super::super::Verdict;
use data_encoding::BASE32_NOPAD;

/// Bytes of a Stellar seed: version, key, checksum.
const STELLAR_LEN: usize = 35;

/// Bytes before the checksum of a Stellar seed.
const STELLAR_BODY_LEN: usize = 33;

/// The version byte of a secret seed, which makes it start with `S`.
const STELLAR_SEED_VERSION: u8 = 0x90;

/// Bytes of an Azure DevOps token.
const DEVOPS_LEN: usize = 32;

/// Where the bytes of the checksum stand in a token, the least significant first; the others are summed.
const DEVOPS_SUM_AT: [usize; 4] = [22, 8, 7, 2];

/// What the checksum of a token is combined with, for users and for applications.
const DEVOPS_MASKS: [u32; 2] = [0xe0b9_692d, 0x1019_f92e];

/// A Stellar secret seed (SEP-23): the last two bytes are the CRC-16 of the bytes before them, little-endian.
pub(super) fn stellar_seed(value: &[u8]) -> Verdict {
    let Some(bytes) = decode(value, STELLAR_LEN) else { return Verdict::Invalid };
    let (body, sum) = bytes.split_at(STELLAR_BODY_LEN);
    (body[0] == STELLAR_SEED_VERSION && crc16(body).to_le_bytes() == *sum).into()
}

/// Sets version and checksum of a generated seed.
pub(super) fn complete_stellar_seed(value: &str) -> Option<String> {
    let mut bytes = decode(value.as_bytes(), STELLAR_LEN)?;
    bytes[0] = STELLAR_SEED_VERSION;
    let sum = crc16(&bytes[..STELLAR_BODY_LEN]);
    bytes[STELLAR_BODY_LEN..].copy_from_slice(&sum.to_le_bytes());
    Some(BASE32_NOPAD.encode(&bytes))
}

/// A personal access token of Azure DevOps as issued until 2024, in lower case: four of its bytes are the CRC-32 of the
/// others. Published with Microsoft's `security-utilities` project.
pub(super) fn devops_token(value: &[u8]) -> Verdict {
    let Some(bytes) = decode(value, DEVOPS_LEN) else { return Verdict::Invalid };
    let found = u32::from_le_bytes(DEVOPS_SUM_AT.map(|at| bytes[at]));
    let sum = devops_sum(&bytes);
    DEVOPS_MASKS.iter().any(|mask| sum ^ mask == found).into()
}

/// Sets the checksum of a generated token.
pub(super) fn complete_devops_token(value: &str) -> Option<String> {
    let mut bytes = decode(value.as_bytes(), DEVOPS_LEN)?;
    let sum = devops_sum(&bytes) ^ DEVOPS_MASKS[0];
    for (at, byte) in DEVOPS_SUM_AT.into_iter().zip(sum.to_le_bytes()) {
        bytes[at] = byte;
    }
    Some(BASE32_NOPAD.encode(&bytes).to_ascii_lowercase())
}

fn devops_sum(bytes: &[u8]) -> u32 {
    let kept = bytes.iter().enumerate().filter(|(at, _)| !is_unsummed(*at));
    crc32fast::hash(&kept.map(|(_, byte)| *byte).collect::<Vec<u8>>())
}

fn is_unsummed(at: usize) -> bool {
    DEVOPS_SUM_AT.contains(&at)
}

/// The bytes of a text in base32 of either case, when they are as many as expected.
fn decode(value: &[u8], len: usize) -> Option<Vec<u8>> {
    let bytes = BASE32_NOPAD.decode(&value.to_ascii_uppercase()).ok()?;
    (bytes.len() == len).then_some(bytes)
}

/// CRC-16/XMODEM: polynomial 0x1021, start 0, not reflected.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum: u16, byte| {
        (0..8).fold(sum ^ u16::from(*byte) << 8, |sum, _| sum << 1 ^ if sum >> 15 == 1 { 0x1021 } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_matches_the_published_vector() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
    }

    #[test]
    fn completed_seeds_pass_and_altered_or_public_ones_fail() {
        let seed = complete_stellar_seed(&format!("S{}", "A7QXB".repeat(11))).expect("shape");
        let altered = format!("{}{}", &seed[..20], seed[20..].replacen('7', "6", 1));
        let rows = [
            (seed.as_str(), Verdict::Valid),
            (altered.as_str(), Verdict::Invalid),
            ("GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7", Verdict::Invalid),
            (&seed[..48], Verdict::Invalid),
            ("", Verdict::Invalid),
        ];
        for (value, expected) in rows {
            assert_eq!(stellar_seed(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn completed_tokens_pass_and_altered_ones_fail() {
        let body = format!("{}a", &"x7qb2".repeat(11)[..51]);
        let token = complete_devops_token(&body).expect("shape");
        let rows = [
            (token.clone(), Verdict::Valid),
            (token.to_ascii_uppercase(), Verdict::Valid),
            (format!("y{}", &token[1..]), Verdict::Invalid),
            (token[..48].to_owned(), Verdict::Invalid),
            ("a".repeat(52), Verdict::Invalid),
            (body, Verdict::Invalid),
        ];
        for (value, expected) in rows {
            assert_eq!(devops_token(value.as_bytes()), expected, "{value}");
        }
    }
}
