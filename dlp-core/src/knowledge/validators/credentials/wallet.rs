//! Keys of wallets that carry a proof of themselves: keys of Antelope, key pairs of Solana, seed words of Monero.

use super::super::Verdict;
use super::{base58, password};
use ed25519_compact::{KeyPair, Seed};
use ripemd::{Digest, Ripemd160};

/// Bytes of a private key on either curve of Antelope.
const ANTELOPE_KEY_LEN: usize = 32;

/// Private keys of EOS and other chains of Antelope: behind `PVT_K1_` or `PVT_R1_` base 58 of the key and the first four
/// bytes of RIPEMD-160 over the key and the name of its curve, as the `eosio` libraries write them.
pub(super) fn antelope(value: &[u8]) -> Verdict {
    let Some((curve, bytes)) = antelope_parts(value) else { return Verdict::Invalid };
    let Some((key, sum)) = bytes.split_last_chunk::<4>() else { return Verdict::Invalid };
    (key.len() == ANTELOPE_KEY_LEN && antelope_sum(key, curve) == *sum).into()
}

/// Computes the checksum of a generated key.
pub(super) fn complete_antelope(value: &str) -> Option<String> {
    let (curve, mut bytes) = antelope_parts(value.as_bytes())?;
    bytes.resize(ANTELOPE_KEY_LEN, 0x5a);
    let sum = antelope_sum(&bytes, curve);
    bytes.extend_from_slice(&sum);
    Some(format!("PVT_{}_{}", String::from_utf8_lossy(curve), base58::text(&bytes)))
}

fn antelope_parts(value: &[u8]) -> Option<(&[u8], Vec<u8>)> {
    let (curve, body) = value.strip_prefix(b"PVT_")?.split_at_checked(2)?;
    Some((curve, base58::bytes(body.strip_prefix(b"_")?)?))
}

fn antelope_sum(key: &[u8], curve: &[u8]) -> [u8; 4] {
    let digest = Ripemd160::new().chain_update(key).chain_update(curve).finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

/// Bytes of a key pair: the seed and its public key.
const PAIR_LEN: usize = 64;

/// Key pairs of Solana, as a list of bytes or in base 58: the second half is the public key of the first one (RFC 8032). Other
/// things have 64 bytes too, so one that does not fit is refused only as a list, which nothing else is written as.
pub(super) fn solana(value: &[u8]) -> Verdict {
    if value.starts_with(b"[") {
        return is_pair(&list(value)).into();
    }
    match base58::bytes(value) {
        _ if password::prefixed(value) == Verdict::Invalid => Verdict::Invalid,
        Some(bytes) if is_pair(&bytes) => Verdict::Valid,
        _ => Verdict::NotApplicable,
    }
}

/// Writes the public key behind the seed of a generated pair.
pub(super) fn complete_solana(value: &str) -> Option<String> {
    let is_list = value.starts_with('[');
    let bytes = if is_list { list(value.as_bytes()) } else { base58::bytes(value.as_bytes())? };
    let seed: [u8; 32] = bytes.get(..32)?.try_into().ok()?;
    let pair = [seed, public_key(seed)].concat();
    Some(match is_list {
        true => format!("{pair:?}"),
        false => base58::text(&pair),
    })
}

/// The numbers of a list, each of which fits a byte; none of one that holds others.
fn list(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let numbers = text.trim_matches(['[', ']']).split(',').take(PAIR_LEN + 1);
    numbers.map(|number| number.trim().parse().ok()).collect::<Option<Vec<u8>>>().unwrap_or_default()
}

fn is_pair(bytes: &[u8]) -> bool {
    let Some((seed, public)) = bytes.split_first_chunk::<32>() else { return false };
    bytes.len() == PAIR_LEN && public_key(*seed) == *public
}

fn public_key(seed: [u8; 32]) -> [u8; 32] {
    *KeyPair::from_seed(Seed::new(seed)).pk
}

/// Words of a seed of Monero, without the one that checks them.
const MONERO_WORDS: usize = 24;

/// Letters that tell the words of the English list apart.
const MONERO_PREFIX_LEN: usize = 3;

/// Seeds of Monero: the 25th word is the one of the others that CRC-32 over their first three letters points at, as in
/// Monero's `electrum-words`. The list itself is not needed.
pub(super) fn monero(value: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(value).to_ascii_lowercase();
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    (words.len() == MONERO_WORDS + 1 && check_word(&words[..MONERO_WORDS]) == Some(words[MONERO_WORDS])).into()
}

/// Puts the word that checks behind the words of a generated seed.
pub(super) fn complete_monero(value: &str) -> Option<String> {
    let words: Vec<&str> = value.split_ascii_whitespace().take(MONERO_WORDS).collect();
    let last = check_word(&words)?;
    Some(format!("{} {last}", words.join(" ")))
}

fn check_word<'w>(words: &[&'w str]) -> Option<&'w str> {
    let prefixes: String = words.iter().map(|word| word.get(..MONERO_PREFIX_LEN).unwrap_or(word)).collect();
    let place = crc32fast::hash(prefixes.as_bytes()) as usize % MONERO_WORDS;
    words.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_antelope_end_in_their_checksum() {
        // The vector of RIPEMD-160's authors for the digest itself.
        let digest = Ripemd160::digest(b"abc");
        assert_eq!(digest[..4], [0x8e, 0xb2, 0x08, 0xf7]);
        for curve in ["K1", "R1"] {
            let made = complete_antelope(&format!("PVT_{curve}_{}", "q".repeat(50))).expect("alphabet");
            assert_eq!(antelope(made.as_bytes()), Verdict::Valid, "{made}");
            let other = made.replace(curve, if curve == "K1" { "R1" } else { "K1" });
            assert_eq!(antelope(other.as_bytes()), Verdict::Invalid, "{other}");
        }
        for value in ["PVT_K1_", "PVT_K1", "PVT", "", "PVT_K1_0OIl", "PVT_K1_abc"] {
            assert_eq!(antelope(value.as_bytes()), Verdict::Invalid, "{value}");
        }
    }

    #[test]
    fn the_second_half_of_a_pair_is_the_public_key_of_the_first() {
        // The first test of RFC 8032 section 7.1.
        let hex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).expect("hexadecimal");
        let mut pair = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        pair.extend(hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"));
        let mut altered = pair.clone();
        altered[3] ^= 1;
        assert_eq!(solana(format!("{pair:?}").as_bytes()), Verdict::Valid);
        assert_eq!(solana(format!("{altered:?}").as_bytes()), Verdict::Invalid);
        assert_eq!(solana(base58::text(&pair).as_bytes()), Verdict::Valid);
        assert_eq!(solana(base58::text(&altered).as_bytes()), Verdict::NotApplicable);
        assert_eq!(solana("1".repeat(88).as_bytes()), Verdict::Invalid);
        for value in ["[]", "[1, 2, 256]", "[", "[-1]"] {
            assert_eq!(solana(value.as_bytes()), Verdict::Invalid, "{value}");
        }
        let shapes = [format!("[{}7]", "12, ".repeat(63)), base58::text(&[7; 64])];
        for shape in shapes {
            let made = complete_solana(&shape).expect("shape");
            assert_eq!(solana(made.as_bytes()), Verdict::Valid, "{made}");
        }
    }

    #[test]
    fn the_last_word_of_a_seed_checks_the_others() {
        let shape = ["lamp", "orbit", "velvet", "candy", "drift"].repeat(5).join(" ");
        let made = complete_monero(&shape).expect("words");
        assert_eq!(monero(made.as_bytes()), Verdict::Valid, "{made}");
        assert_eq!(monero(made.replacen("orbit", "quick", 1).as_bytes()), Verdict::Invalid);
        assert_eq!(monero(made.rsplit_once(' ').expect("words").0.as_bytes()), Verdict::Invalid);
        assert_eq!(monero("zażółć ".repeat(25).as_bytes()), Verdict::Valid, "the words are all one");
        assert_eq!(monero(b""), Verdict::Invalid);
    }
}
