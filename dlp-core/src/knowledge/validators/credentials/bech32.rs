//! Keys in Bech32 (BIP 173): age identities, Nostr and Sui private keys.

use super::super::Verdict;

const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Characters of the checksum.
const SUM_LEN: usize = 6;

/// Whether the checksum over the human-readable part and the data is right, in one letter case.
pub(super) fn checksum(value: &[u8]) -> Verdict {
    let lower = value.to_ascii_lowercase();
    let is_one_case = lower == value || value.to_ascii_uppercase() == value;
    let parsed = split(&lower).filter(|_| is_one_case);
    parsed.is_some_and(|(prefix, data)| data.len() > SUM_LEN && polymod(prefix, &data) == 1).into()
}

/// Computes the checksum of a generated key, keeping its letter case.
pub(super) fn complete(value: &str) -> Option<String> {
    let lower = value.to_ascii_lowercase();
    let (prefix, mut data) = split(lower.as_bytes())?;
    let body_len = data.len().checked_sub(SUM_LEN)?;
    data[body_len..].fill(0);
    let sum = polymod(prefix, &data) ^ 1;
    for (place, digit) in data[body_len..].iter_mut().enumerate() {
        *digit = (sum >> (5 * (SUM_LEN - 1 - place)) & 31) as u8;
    }
    let text: String = data.iter().map(|d| char::from(ALPHABET[usize::from(*d)])).collect();
    let made = format!("{}1{text}", String::from_utf8_lossy(prefix));
    Some(if value == lower { made } else { made.to_ascii_uppercase() })
}

/// The human-readable part, and the digits behind the last `1`.
fn split(lower: &[u8]) -> Option<(&[u8], Vec<u8>)> {
    let at = lower.iter().rposition(|b| *b == b'1')?;
    let digit = |b: &u8| ALPHABET.iter().position(|a| a == b).map(|d| d as u8);
    let data = lower[at + 1..].iter().map(digit).collect::<Option<Vec<u8>>>()?;
    Some((&lower[..at], data))
}

/// The BCH remainder of BIP 173 over the expanded prefix and the data.
fn polymod(prefix: &[u8], data: &[u8]) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let high = prefix.iter().map(|b| b >> 5);
    let low = prefix.iter().map(|b| b & 31);
    let mut sum: u32 = 1;
    for value in high.chain([0]).chain(low).chain(data.iter().copied()) {
        let top = sum >> 25;
        sum = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
        for (bit, generator) in GENERATOR.iter().enumerate() {
            if top >> bit & 1 == 1 {
                sum ^= generator;
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_bip_173() {
        let rows: &[(&str, bool)] = &[
            ("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", true),
            ("split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", true),
            ("split1checkupstagehandshakeupstreamerranterredcaperred2y9e3x", false),
            ("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxW", false),
            ("1", false),
            ("", false),
        ];
        for (value, expected) in rows {
            assert_eq!(checksum(value.as_bytes()), Verdict::from(*expected), "{value}");
        }
        let made = complete(&format!("AGE-SECRET-KEY-1{}", "QZ".repeat(29))).expect("alphabet");
        assert_eq!(checksum(made.as_bytes()), Verdict::Valid, "{made}");
    }
}
