//! Recovery phrases of wallets: BIP 39 with the English list, and Electrum's own scheme over the same list.
//!
//! Each word stands for eleven bits, its place in a list of 2,048. Behind the drawn bits stand the first bits of their
//! SHA-256, one for each 32, so one invented phrase of twelve words in sixteen passes. Electrum checks a hash of the
//! phrase instead. Phrases of other lists are left open.

use super::super::Verdict;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256, Sha512};

/// The words in order, one on each line, as BIP 39 publishes them. They are sorted.
static WORDS: &str = include_str!("bip39_english.txt");

/// Bits of a word.
const WORD_BITS: usize = 11;

/// What the hash of an Electrum phrase starts with, in hexadecimal: the kinds of wallets.
const ELECTRUM: &[&str] = &["01", "100", "101", "102"];

/// Whether the words of a phrase are of the list and agree with their checksum.
pub(super) fn mnemonic(value: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(value).to_ascii_lowercase();
    let (words, list): (Vec<&str>, Vec<&str>) = (words_of(&text).collect(), WORDS.lines().collect());
    let places: Vec<usize> = words.iter().filter_map(|word| list.binary_search(word).ok()).collect();
    // The lists of other languages share a few words with the English one; prose shares a third.
    if places.len() * 4 < words.len() {
        return Verdict::NotApplicable;
    }
    if places.len() < words.len() || !words.len().is_multiple_of(3) || !(12..=24).contains(&words.len()) {
        return Verdict::Invalid;
    }
    (checksum(&places) == 0 || is_electrum(&words.join(" "))).into()
}

/// The words of a phrase, whatever stands between them: blanks, commas, quotes, numbers.
fn words_of(phrase: &str) -> impl Iterator<Item = &str> {
    phrase.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty())
}

/// Puts the word in the last place that makes the checksum right. What stands between the words stays.
pub(super) fn complete(value: &str) -> Option<String> {
    let list: Vec<&str> = WORDS.lines().collect();
    let text = value.to_ascii_lowercase();
    let words: Vec<&str> = words_of(&text).collect();
    let mut places = words.iter().map(|word| list.binary_search(word).ok()).collect::<Option<Vec<_>>>()?;
    if !(12..=24).contains(&places.len()) {
        return None;
    }
    let wrong = checksum(&places);
    let last = places.last_mut()?;
    *last ^= wrong;
    let word = list.get(*last)?;
    let is_upper = value.bytes().all(|byte| !byte.is_ascii_lowercase());
    let word = if is_upper { word.to_ascii_uppercase() } else { (*word).to_owned() };
    let kept = value.get(..text.rfind(words.last()?)?)?;
    (checksum(&places) == 0).then(|| format!("{kept}{word}"))
}

/// The bits in which the checksum that a phrase states differs from the one that it has.
fn checksum(places: &[usize]) -> usize {
    let bit = |at: usize| places[at / WORD_BITS] >> (WORD_BITS - 1 - at % WORD_BITS) & 1;
    let drawn = places.len() * WORD_BITS * 32 / 33;
    let bytes: Vec<u8> =
        (0..drawn / 8).map(|byte| (0..8).fold(0, |sum, at| sum << 1 | bit(byte * 8 + at) as u8)).collect();
    let sum_bits = places.len() * WORD_BITS - drawn;
    let stated = (drawn..drawn + sum_bits).fold(0, |sum, at| sum << 1 | bit(at));
    stated ^ usize::from(Sha256::digest(&bytes)[0]) >> (8 - sum_bits)
}

fn is_electrum(phrase: &str) -> bool {
    let Ok(mut hash) = Hmac::<Sha512>::new_from_slice(b"Seed version") else { return false };
    hash.update(phrase.as_bytes());
    let hex = data_encoding::HEXLOWER.encode(&hash.finalize().into_bytes()[..2]);
    ELECTRUM.iter().any(|start| hex.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_agree_with_their_checksum() {
        // Test vectors of BIP 39, and of Electrum's documentation.
        let rows = [
            ("legal winner thank year wave sausage worth useful legal winner thank yellow", Verdict::Valid),
            ("legal winner thank year wave sausage worth useful legal winner thank year", Verdict::Invalid),
            (
                "void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen patrol \
                 group space point ten exist slush involve unfold",
                Verdict::Valid,
            ),
            ("wild father tree among universe such mobile favorite target dynamic credit identify", Verdict::Valid),
            ("the first letters that help you remember every word they once wrote down", Verdict::Invalid),
            (
                "aceite abdomen abeja abogado abono aborto abrazo abrir abuelo abuso acabar academia",
                Verdict::NotApplicable,
            ),
            ("LEGAL WINNER THANK YEAR WAVE SAUSAGE WORTH USEFUL LEGAL WINNER THANK YELLOW", Verdict::Valid),
            ("legal, winner, thank, year, wave, sausage, worth, useful, legal, winner, thank, yellow", Verdict::Valid),
            (
                "legal 2. winner 3. thank 4. year 5. wave 6. sausage 7. worth 8. useful 9. legal 10. winner 11. thank 12. yellow",
                Verdict::Valid,
            ),
            ("", Verdict::Invalid),
        ];
        for (phrase, expected) in rows {
            assert_eq!(mnemonic(phrase.as_bytes()), expected, "{phrase}");
        }
        for count in [12, 15, 18, 21, 24] {
            let made = complete(&vec!["orbit"; count].join(" ")).expect("words of the list");
            assert_eq!(mnemonic(made.as_bytes()), Verdict::Valid, "{made}");
        }
    }

    #[test]
    fn the_list_is_sorted_and_whole() {
        let words: Vec<&str> = WORDS.lines().collect();
        assert_eq!(words.len(), 2048);
        assert!(words.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
