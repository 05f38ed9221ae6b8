//! Keys in Base58Check: Bitcoin private keys (WIF), extended private keys (BIP 32), seeds of the XRP Ledger.

use super::super::Verdict;
use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// The alphabet of the XRP Ledger.
const ALPHABET_XRP: &[u8; 58] = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";

/// Longest text that is decoded: an extended key has 111 characters, and the work grows with the square.
const TEXT_LEN_MAX: usize = 128;

/// Whether the last four bytes are the double SHA-256 of the bytes before them, as Bitcoin's developer reference has
/// it.
pub(super) fn checksum(value: &[u8]) -> Verdict {
    let Some(bytes) = decode(value, ALPHABET).filter(|b| b.len() > 4) else { return Verdict::Invalid };
    let (body, sum) = bytes.split_at(bytes.len() - 4);
    (sum_of(body) == sum).into()
}

/// A family seed of the XRP Ledger: its own alphabet, one byte 21 for secp256k1 or three bytes 01 E1 4B for Ed25519,
/// sixteen bytes, and the checksum (XRPL documentation, base58 encodings).
pub(super) fn xrp_seed(value: &[u8]) -> Verdict {
    let Some(bytes) = decode(value, ALPHABET_XRP) else { return Verdict::Invalid };
    let Some((body, sum)) = bytes.split_last_chunk::<4>() else { return Verdict::Invalid };
    let is_seed = matches!(body, [0x21, rest @ ..] | [0x01, 0xe1, 0x4b, rest @ ..] if rest.len() == 16);
    (is_seed && sum_of(body) == *sum).into()
}

/// Computes the checksum of a generated seed.
pub(super) fn complete_xrp_seed(value: &str) -> Option<String> {
    let mut bytes = decode(value.as_bytes(), ALPHABET_XRP)?;
    let body_len = bytes.len().checked_sub(4)?;
    let head: &[u8] = if value.starts_with("sEd") { &[0x01, 0xe1, 0x4b] } else { &[0x21] };
    bytes.get_mut(..head.len())?.copy_from_slice(head);
    let sum = sum_of(&bytes[..body_len]);
    bytes[body_len..].copy_from_slice(&sum);
    Some(encode(&bytes, ALPHABET_XRP))
}

/// Computes the checksum of a generated key. The last characters change, the length and the prefix stay.
pub(super) fn complete(value: &str) -> Option<String> {
    let mut bytes = decode(value.as_bytes(), ALPHABET)?;
    let body_len = bytes.len().checked_sub(4)?;
    let sum = sum_of(&bytes[..body_len]);
    bytes[body_len..].copy_from_slice(&sum);
    Some(encode(&bytes, ALPHABET))
}

/// The bytes of a text in the alphabet of Bitcoin.
pub(super) fn bytes(text: &[u8]) -> Option<Vec<u8>> {
    decode(text, ALPHABET)
}

/// A text for bytes in the alphabet of Bitcoin.
pub(super) fn text(bytes: &[u8]) -> String {
    encode(bytes, ALPHABET)
}

fn sum_of(body: &[u8]) -> [u8; 4] {
    let digest = Sha256::digest(Sha256::digest(body));
    [digest[0], digest[1], digest[2], digest[3]]
}

fn decode(text: &[u8], alphabet: &[u8; 58]) -> Option<Vec<u8>> {
    if text.len() > TEXT_LEN_MAX {
        return None;
    }
    let mut bytes: Vec<u8> = Vec::new();
    for character in text {
        let mut carry = alphabet.iter().position(|a| a == character)?;
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
    let zeros = text.iter().take_while(|b| **b == alphabet[0]).count();
    Some([vec![0; zeros], bytes].concat())
}

fn encode(bytes: &[u8], alphabet: &[u8; 58]) -> String {
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
    let text = digits.iter().map(|d| char::from(alphabet[usize::from(*d)]));
    std::iter::repeat_n(char::from(alphabet[0]), zeros).chain(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_of_the_xrp_ledger_have_their_own_alphabet() {
        // The master seed of the XRP Ledger's documentation, made of the passphrase "masterpassphrase".
        let rows = [
            ("snoPBrXtMeMyMHUVTgbuqAfg1SUTb", true),
            ("snoPBrXtMeMyMHUVTgbuqAfg1SUTa", false),
            ("s", false),
            ("", false),
        ];
        for (value, expected) in rows {
            assert_eq!(xrp_seed(value.as_bytes()), Verdict::from(expected), "{value}");
        }
        for shape in [format!("s{}", "h".repeat(28)), format!("sEd{}", "T".repeat(28))] {
            let made = complete_xrp_seed(&shape).expect("alphabet");
            assert_eq!((xrp_seed(made.as_bytes()), made.len()), (Verdict::Valid, shape.len()), "{made}");
        }
    }

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
