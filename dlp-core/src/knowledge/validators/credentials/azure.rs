//! Azure keys that carry a four-character signature and a Marvin32 checksum.
//!
//! Since 2022 many Azure services issue keys whose base64 text holds the service's signature at a fixed place and whose
//! last four bytes are the Marvin32 hash of the bytes before them, seeded by eight ASCII characters. Layout and seeds
//! are published with Microsoft's `security-utilities` project. Keys from before that have neither, so a key without a
//! known signature is left open.

use super::super::Verdict;
use super::encoded::decode_base64;
use super::password;
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL};

/// One family of keys: the signature, where it stands, and the seeds under which its keys are made.
struct Family {
    signature: &'static [u8],
    at: usize,
    seeds: &'static [&'static [u8; 8]],
}

/// Keys of 64 bytes hold the signature in characters 77 to 80, keys of 32 bytes in 34 to 37, of 39 bytes in 43 to 46,
/// of 40 bytes in 45 to 48.
const FAMILIES: &[Family] = &[
    Family { signature: b"+ASt", at: 76, seeds: &[b"Default0"] },
    Family { signature: b"+ABa", at: 76, seeds: &[b"AbAcct00"] },
    Family { signature: b"+AMC", at: 76, seeds: &[b"Classic0"] },
    Family {
        signature: b"ACDb",
        at: 76,
        seeds: &[b"MastRO00", b"MastRW00", b"SystRO00", b"SystRW00", b"SysAll00", b"Resour00"],
    },
    Family { signature: b"APIM", at: 76, seeds: &[b"Tenant00", b"Gatewy00", b"GitKey00", b"IoTHub00"] },
    Family { signature: b"+ASb", at: 33, seeds: &[b"Send0000", b"Manage00", b"Listen00"] },
    Family { signature: b"+AEh", at: 33, seeds: &[b"Send0000", b"Manage00", b"Listen00"] },
    Family { signature: b"+ARm", at: 33, seeds: &[b"Send0000", b"Manage00", b"Listen00"] },
    Family { signature: b"AIoT", at: 33, seeds: &[b"IoTHub00", b"DpsKey00", b"Device00"] },
    Family { signature: b"AZEG", at: 33, seeds: &[b"Default0"] },
    Family { signature: b"+ACR", at: 42, seeds: &[b"ACRDflt0"] },
    Family { signature: b"AzFu", at: 44, seeds: &[b"Functi00", b"System00", b"Master00"] },
    Family { signature: b"AzSe", at: 42, seeds: &[b"Query000", b"PAdmin00"] },
];

fn family(value: &[u8]) -> Option<&'static Family> {
    FAMILIES.iter().find(|f| value.get(f.at..f.at + 4) == Some(f.signature))
}

/// Whether the last four bytes of a signed key are the Marvin32 hash of the rest.
pub(super) fn signed_key(value: &[u8]) -> Verdict {
    let Some(family) = family(value) else { return Verdict::NotApplicable };
    let Some(bytes) = decode_base64(value).filter(|b| b.len() > 4) else { return Verdict::Invalid };
    let (body, sum) = bytes.split_at(bytes.len() - 4);
    family.seeds.iter().any(|seed| marvin32(u64::from_be_bytes(**seed), body).to_le_bytes() == *sum).into()
}

/// Completes the checksum of a signed key.
pub(super) fn complete_signed_key(value: &str) -> Option<String> {
    let seed = family(value.as_bytes())?.seeds.first()?;
    let mut bytes = decode_base64(value.as_bytes())?;
    let body_len = bytes.len().checked_sub(4)?;
    let sum = marvin32(u64::from_be_bytes(**seed), &bytes[..body_len]);
    bytes[body_len..].copy_from_slice(&sum.to_le_bytes());
    Some(match value.ends_with('=') {
        // Function keys stand in addresses.
        true if value.get(44..48) == Some("AzFu") => BASE64URL.encode(&bytes),
        true => BASE64.encode(&bytes),
        false => BASE64_NOPAD.encode(&bytes),
    })
}

/// Characters of a common annotated key before its checksum: sixty bytes.
const CASK_BODY_LEN: usize = 80;

/// Digits of the checksum of common annotated keys.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The common annotated key: behind sixty bytes in base64, which hold a mark, the date and the letters of the service,
/// stand four characters of their hash. Keys of the first months hold it in base64.
pub(super) fn common_annotated_key(value: &[u8]) -> Verdict {
    let Some(stated) = value.get(CASK_BODY_LEN..CASK_BODY_LEN + 4) else { return Verdict::Invalid };
    let Some(sum) = cask_sum(&value[..CASK_BODY_LEN]) else { return Verdict::Invalid };
    (stated == cask_digits(sum) || BASE64.encode(&sum[..3]).as_bytes() == stated).into()
}

/// Writes the checksum behind a generated key.
pub(super) fn complete_common_annotated_key(value: &str) -> Option<String> {
    let body = value.get(..CASK_BODY_LEN)?;
    let digits = cask_digits(cask_sum(body.as_bytes())?);
    Some(format!("{body}{}{}", String::from_utf8_lossy(&digits), value.get(CASK_BODY_LEN + 4..)?))
}

fn cask_sum(body: &[u8]) -> Option<[u8; 4]> {
    let bytes = BASE64.decode(body).ok()?;
    Some(marvin32(u64::from_be_bytes(*b"Default0"), &bytes).to_le_bytes())
}

/// The first four digits of the hash in base 62, which has at most six; fewer are filled up behind.
fn cask_digits(sum: [u8; 4]) -> [u8; 4] {
    let mut rest = u32::from_be_bytes(sum);
    let mut digits = Vec::new();
    while rest > 0 {
        digits.insert(0, BASE62[(rest % 62) as usize]);
        rest /= 62;
    }
    digits.resize(digits.len().max(4), b'0');
    [digits[0], digits[1], digits[2], digits[3]]
}

/// Access keys of Azure Cache for Redis: the last four of 32 bytes are the hash of the others. Some are made otherwise and
/// have a hash that nobody published, so one that does not fit is left open.
pub(super) fn redis_key(value: &[u8]) -> Verdict {
    if password::prefixed(value) == Verdict::Invalid {
        return Verdict::Invalid;
    }
    let bytes = decode_base64(value).unwrap_or_default();
    let Some((body, sum)) = bytes.split_last_chunk::<4>() else { return Verdict::NotApplicable };
    valid_or_open(marvin32(u64::from_be_bytes(*b"Access00"), body).to_le_bytes() == *sum)
}

/// Writes the hash at the end of a generated key. Its mark stands before it, so it stays.
pub(super) fn complete_redis_key(value: &str) -> Option<String> {
    let mut bytes = decode_base64(value.as_bytes())?;
    let body_len = bytes.len().checked_sub(4)?;
    let sum = marvin32(u64::from_be_bytes(*b"Access00"), &bytes[..body_len]);
    bytes[body_len..].copy_from_slice(&sum.to_le_bytes());
    Some(BASE64.encode(&bytes))
}

/// Digits of the checksum of client secrets.
const BASE66: &[u8; 66] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890.-_~";

/// Characters of the checksum at the end of a client secret.
const ENTRA_SUM_LEN: usize = 3;

/// Client secrets of Entra ID with the mark `8Q~`: the last three characters are the first digits of the hash of the others.
/// Not promised by a published page, so one that does not fit is left open, as are those with other marks.
pub(super) fn entra_secret(value: &[u8]) -> Verdict {
    match value.split_last_chunk::<ENTRA_SUM_LEN>() {
        _ if password::prefixed(value) == Verdict::Invalid => Verdict::Invalid,
        Some((body, sum)) if value.get(3..6) == Some(b"8Q~") => valid_or_open(entra_sum(body) == *sum),
        _ => Verdict::NotApplicable,
    }
}

fn entra_sum(body: &[u8]) -> [u8; ENTRA_SUM_LEN] {
    let sum = marvin32(u64::from_be_bytes(*b"AadPwd00"), body);
    [5, 4, 3].map(|place| BASE66[(sum / 66_u32.pow(place) % 66) as usize])
}

fn valid_or_open(is_held: bool) -> Verdict {
    if is_held { Verdict::Valid } else { Verdict::NotApplicable }
}

/// Marvin32 of Microsoft's .NET runtime: two 32-bit lanes, little-endian words, `0x80` closes the message.
fn marvin32(seed: u64, data: &[u8]) -> u32 {
    let mut state = (seed as u32, (seed >> 32) as u32);
    let words = data.chunks_exact(4);
    let mut last = [0u8; 4];
    let rest = words.remainder();
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()] = 0x80;
    for word in words {
        state.0 = state.0.wrapping_add(u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        mix(&mut state);
    }
    state.0 = state.0.wrapping_add(u32::from_le_bytes(last));
    mix(&mut state);
    mix(&mut state);
    state.0 ^ state.1
}

fn mix((p0, p1): &mut (u32, u32)) {
    *p1 ^= *p0;
    *p0 = p0.rotate_left(20).wrapping_add(*p1);
    *p1 = p1.rotate_left(9) ^ *p0;
    *p0 = p0.rotate_left(27).wrapping_add(*p1);
    *p1 = p1.rotate_left(19);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marvin_matches_the_published_vectors() {
        let sixty: Vec<u8> = (0..60).collect();
        assert_eq!(marvin32(u64::from_be_bytes(*b"Default0"), &sixty), 0xe6e5_aa35);
        let rows: &[(&[u8], u64)] = &[
            (&[], 0x30ed_35c1_00cd_3c7d),
            (&[0xaf], 0x48e7_3fc7_7d75_ddc1),
            (&[0xe7, 0x0f], 0xb5f6_e1fc_485d_bff8),
            (&[0x37, 0xf4, 0x95], 0xf0b0_7c78_9b8c_f7e8),
        ];
        for (data, both) in rows {
            let folded = (*both >> 32) as u32 ^ *both as u32;
            assert_eq!(marvin32(0x004f_b61a_001b_dbcc, data), folded, "{data:?}");
        }
    }

    #[test]
    fn common_annotated_keys_end_in_their_checksum() {
        let body = format!("{}JQQJ99AL{}AZDO", "k3".repeat(26), "Ab".repeat(8));
        let key = complete_common_annotated_key(&format!("{body}0000")).expect("shape");
        assert_eq!((common_annotated_key(key.as_bytes()), key.len()), (Verdict::Valid, 84), "{key}");
        assert_eq!(common_annotated_key(key.replacen("k3", "k4", 1).as_bytes()), Verdict::Invalid);
        assert_eq!(common_annotated_key(b"short"), Verdict::Invalid);
        for (sum, expected) in [(0, *b"0000"), (61, *b"z000"), (62, *b"1000"), (u32::MAX, *b"4gfF")] {
            assert_eq!(cask_digits(u32::to_be_bytes(sum)), expected, "{sum}");
        }
    }

    #[test]
    fn signed_keys_are_checked_and_old_ones_left_open() {
        let storage = complete_signed_key(&format!("{}+AStAAAAAA==", "Ab3/".repeat(19))).expect("shape");
        let bus = complete_signed_key(&format!("{}+ASbAAAAAA=", "k".repeat(33))).expect("shape");
        for key in [&storage, &bus] {
            assert_eq!(signed_key(key.as_bytes()), Verdict::Valid, "{key}");
            assert_eq!(signed_key(key.replacen("3/", "4/", 1).replacen("kk", "kj", 1).as_bytes()), Verdict::Invalid);
        }
        assert_eq!(signed_key(format!("{}==", "Ab3/".repeat(21)).as_bytes()), Verdict::NotApplicable);
        assert_eq!(signed_key(b""), Verdict::NotApplicable);
    }

    #[test]
    fn soft_sums_prove_and_never_refuse() {
        let shape = ["Zq8wT1nB5rXe0uYpK2mNvQ7sLd3fGhJk4", "AzCa", "BxY9w1="].concat();
        let made = complete_redis_key(&shape).expect("base64");
        assert_eq!((redis_key(made.as_bytes()), made.get(33..37)), (Verdict::Valid, Some("AzCa")), "{made}");
        assert_eq!(redis_key(made.replacen("T1n", "T2n", 1).as_bytes()), Verdict::NotApplicable);
        assert_eq!(redis_key(b""), Verdict::NotApplicable);

        let body = ["Kx78Q", "~mW2rT9zPq4vNb6yLd8sHf1gJc3aUe5o"].concat();
        let sum = entra_sum(body.as_bytes());
        let secret = format!("{body}{}", String::from_utf8_lossy(&sum));
        assert_eq!((entra_secret(secret.as_bytes()), secret.len()), (Verdict::Valid, 40), "{secret}");
        for other in [secret.replace("mW2", "mW3"), secret.replace("8Q~", "7Q~"), "Kx".to_owned()] {
            assert_eq!(entra_secret(other.as_bytes()), Verdict::NotApplicable, "{other}");
        }
        assert_eq!(entra_secret(b"xxx8Q~xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), Verdict::Invalid);
    }
}
