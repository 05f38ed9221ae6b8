//! Keys in Base58Check: Bitcoin private keys (WIF) and extended private keys (BIP 32).

use super::super::Verdict;
use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Longest text that is decoded: an extended key has 111 characters, and the work grows with the square.
const TEXT_LEN_MAX: usize = 128;

/// Whether the last four bytes are the double SHA-256 of the bytes before them, as Bitcoin's developer reference has it.
pub(super) fn checksum(value: &[u8]) -> Verdict {
    let Some(bytes) = decode(value).filter(|b| b.len() > 4) else { return Verdict::Invalid };
    let (body, sum) = bytes.split_at(bytes.len() - 4);
    (sum_of(body) == sum).into()
}

/// Computes the checksum of a generated key. The last characters change, the length and the prefix stay.
pub(super) fn complete(value: &str) -> Option<String> {
    let mut bytes = decode(value.as_bytes())?;
    let body_len = bytes.len().checked_sub(4)?;
    let sum = sum_of(&bytes[..body_len]);
    bytes[body_len..].copy_from_slice(&sum);
    Some(encode(&bytes))
}

fn sum_of(body: &[u8]) -> [u8; 4] {
    let digest = Sha256::digest(Sha256::digest(body));
    [digest[0], digest[1], digest[2], digest[3]]
}

fn decode(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() > TEXT_LEN_MAX {
        return None;
    }
    let mut bytes: Vec<u8> = Vec::new();
    for character in text {
        let mut carry = ALPHABET.iter().position(|a| a == character)?;
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        while carry > 0 {
            bytes.insert(0, (carry & 0xff) as u8);
            carry >>= 8;
        }
    }
    let zeros = text.iter().take_while(|b| **b == b'1').count();
    Some([vec![0; zeros], bytes].concat())
}

fn encode(bytes: &[u8]) -> String {
    let mut digits: Vec<u8> = Vec::new();
    for byte in bytes {
        let mut carry = usize::from(*byte);
        for digit in digits.iter_mut().rev() {
            carry += usize::from(*digit) << 8;
            *digit = (carry % 58) as u8;
            carry /= 58;
        }
        while carry > 0 {
            digits.insert(0, (carry % 58) as u8);
            carry /= 58;
        }
    }
    let zeros = bytes.iter().take_while(|b| **b == 0).count();
    let text = digits.iter().map(|d| char::from(ALPHABET[usize::from(*d)]));
    std::iter::repeat_n('1', zeros).chain(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_keys_pass_and_altered_ones_fail() {
        // The WIF of Bitcoin's wiki article and the first test vector of BIP 32.
        let rows: &[(&str, bool)] = &[
            ("5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ", true),
            ("5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTK", false),
            (
                "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
                true,
            ),
            ("0OIl", false),
            ("", false),
        ];
        for (value, expected) in rows {
            assert_eq!(checksum(value.as_bytes()), Verdict::from(*expected), "{value}");
        }
        let made = complete(&format!("5J{}", "q".repeat(49))).expect("alphabet");
        assert_eq!(checksum(made.as_bytes()), Verdict::Valid, "{made}");
    }
}
