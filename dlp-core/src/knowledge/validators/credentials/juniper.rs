//! Juniper's `$9$` secrets: a password hidden by a published substitution, without a key.
//!
//! Each letter of the password is a sum of gaps between neighbouring characters in an alphabet of 65, weighted by the
//! place of the letter. `Crypt::Juniper` published the algorithm in 2008. What does not come apart into printable text
//! is none.

use super::super::Verdict;

/// What a secret starts with.
const MAGIC: &str = "$9$";

/// The alphabet, in four families; the first character's family says how many random ones follow: 3, 2, 1 or none.
const FAMILIES: [&str; 4] = ["QzF3n6/9CAtpu0O", "B1IREhcSyrleKvMW8LXx", "7N-dVbwsY2g4oaJZGUDj", "iHkq.mPf5T"];

/// Characters of the alphabet.
const ALPHABET_LEN: usize = 65;

/// Weights of the gaps that make a letter, by its place.
const WEIGHTS: [&[usize]; 7] =
    [&[1, 4, 32], &[1, 16, 32], &[1, 8, 32], &[1, 64], &[1, 32], &[1, 4, 16, 128], &[1, 32, 64]];

/// Whether a secret comes apart into printable text.
pub(super) fn type9(value: &[u8]) -> Verdict {
    let text = std::str::from_utf8(value).ok().and_then(|text| text.strip_prefix(MAGIC));
    text.and_then(revealed).is_some_and(|plain| plain.iter().all(|byte| (0x20..0x7f).contains(byte))).into()
}

/// Hides a text of about the same length that the generated one gives.
pub(super) fn complete_type9(value: &str) -> Option<String> {
    let seed = value.strip_prefix(MAGIC)?;
    let first = seed.chars().next().filter(|first| place(*first).is_some())?;
    let extra: String = seed.chars().skip(1).take(extra_len(first)?).collect();
    let mut hidden = format!("{MAGIC}{first}{extra}");
    let mut before = first;
    for (at, letter) in seed.bytes().take(seed.len() / 3).enumerate() {
        let mut rest = usize::from(letter);
        let weights = WEIGHTS[at % WEIGHTS.len()];
        let mut gaps: Vec<usize> = weights.iter().rev().map(|weight| (rest / weight, rest %= weight).0).collect();
        gaps.reverse();
        for gap in gaps {
            before = nth((place(before)? + gap + 1) % ALPHABET_LEN)?;
            hidden.push(before);
        }
    }
    Some(hidden)
}

fn revealed(text: &str) -> Option<Vec<u8>> {
    let first = text.chars().next()?;
    let mut rest = text.get(1 + extra_len(first)?..)?;
    let mut before = place(first)?;
    let mut plain = Vec::new();
    while !rest.is_empty() {
        let weights = WEIGHTS[plain.len() % WEIGHTS.len()];
        let group = rest.get(..weights.len())?;
        let mut sum = 0;
        for (character, weight) in group.chars().zip(weights) {
            let at = place(character)?;
            sum += ((at + ALPHABET_LEN - before) % ALPHABET_LEN + ALPHABET_LEN - 1) % ALPHABET_LEN * weight;
            before = at;
        }
        plain.push((sum % 256) as u8);
        rest = &rest[weights.len()..];
    }
    (!plain.is_empty()).then_some(plain)
}

/// Where a character stands in the alphabet.
fn place(character: char) -> Option<usize> {
    FAMILIES.iter().flat_map(|family| family.chars()).position(|member| member == character)
}

fn nth(at: usize) -> Option<char> {
    FAMILIES.iter().flat_map(|family| family.chars()).nth(at)
}

/// How many random characters follow a first one.
fn extra_len(first: char) -> Option<usize> {
    FAMILIES.iter().position(|family| family.contains(first)).map(|family| 3 - family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_secrets_come_apart() {
        // The specimens of Crypt::Juniper's and juniper9-crypt's manuals.
        let rows = [
            ("$9$LbHX-wg4Z", Some("lc")),
            ("$9$FNkC3/t1IcevLuOWx", Some("hello")),
            ("$9$o1aGiPfz/Cuk.tO", Some("hello")),
            ("$9$LbHX-wg4", None),
            ("$9$", None),
            ("$9$!", None),
        ];
        for (value, plain) in rows {
            let text = value.strip_prefix(MAGIC).and_then(revealed);
            assert_eq!(text.as_deref(), plain.map(str::as_bytes), "{value}");
            assert_eq!(type9(value.as_bytes()), Verdict::from(plain.is_some()), "{value}");
        }
        assert_eq!(type9(b"$9$zzzzzzzzzzzzzzzzzz"), Verdict::Invalid);
        assert_eq!(type9("$9$\u{e9}".as_bytes()), Verdict::Invalid);
    }

    #[test]
    fn generated_secrets_come_apart() {
        for seed in ["$9$Qk3mX8vTz5wYr2bNc7dP", "$9$iHkq7mPf5TQzF3n6B1IREh", "$9$7kX8vTz5wYr2bNc7dP"] {
            let made = complete_type9(seed).expect("its alphabet");
            assert_eq!(type9(made.as_bytes()), Verdict::Valid, "{made}");
        }
        assert_eq!(complete_type9("$8$abc"), None);
    }
}
