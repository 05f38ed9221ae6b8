//! Tokens whose base64 holds text or bytes in a published order: which service, for whom, and then what was drawn.
//!
//! A prefix in base64 promises what is inside. Copies that were altered, and values that somebody made up behind the
//! right prefix, break it. Each layout is a row of parts; the same row checks a value and completes a generated one.

use super::super::Verdict;
use super::encoded::decode_base64;
use data_encoding::BASE64;

/// What a token holds: literal text in front of the base64, and the parts of what is encoded.
pub(super) struct Layout {
    prefixes: &'static [&'static str],
    parts: &'static [Part],
}

/// A part of the encoded bytes.
enum Part {
    /// These bytes.
    Text(&'static [u8]),
    /// Bytes of a kind, at least and at most so many. A kind does not hold the first byte of the part behind it.
    Run(Kind, usize, usize),
}

#[derive(Clone, Copy)]
enum Kind {
    Digit,
    Alphanumeric,
    /// Digits and capitals without I, L, O and U: Crockford's base 32.
    Ulid,
    Any,
}

/// JFrog reference tokens: `reftkn:`, a version, the second at which it was made, and 20 to 40 letters and digits.
pub(super) static JFROG_REFERENCE: Layout = Layout {
    prefixes: &[""],
    parts: &[
        Part::Text(b"reftkn:"),
        Part::Run(Kind::Digit, 2, 2),
        Part::Text(b":"),
        Part::Run(Kind::Digit, 10, 10),
        Part::Text(b":"),
        Part::Run(Kind::Alphanumeric, 20, 40),
    ],
};

/// Tokens of Atlassian's Data Center products: the id in twelve digits, a colon, twenty drawn bytes. Bitbucket puts its
/// letters in front.
pub(super) static ATLASSIAN_DATA_CENTER: Layout = Layout {
    prefixes: &["BBDC-", ""],
    parts: &[Part::Run(Kind::Digit, 12, 12), Part::Text(b":"), Part::Run(Kind::Any, 20, 20)],
};

/// WorkOS keys: `key_`, a ULID, a comma, and what was drawn.
pub(super) static WORKOS: Layout = Layout {
    prefixes: &["sk_live_", "sk_test_"],
    parts: &[
        Part::Text(b"key_"),
        Part::Run(Kind::Ulid, 26, 26),
        Part::Text(b","),
        Part::Run(Kind::Alphanumeric, 8, 64),
    ],
};

/// Long-lived keys of Amazon Bedrock: `BedrockAPIKey-`, four characters, `-at-`, the account in twelve digits, a colon,
/// what was drawn.
pub(super) static BEDROCK: Layout = Layout {
    prefixes: &["ABSK"],
    parts: &[
        Part::Text(b"BedrockAPIKey-"),
        Part::Run(Kind::Alphanumeric, 4, 4),
        Part::Text(b"-at-"),
        Part::Run(Kind::Digit, 12, 12),
        Part::Text(b":"),
        Part::Run(Kind::Any, 16, 256),
    ],
};

/// SMTP passwords of Amazon SES: the version, 04, and an HMAC of 32 bytes, as the service's manual makes them.
pub(super) static SES_SMTP: Layout =
    Layout { prefixes: &[""], parts: &[Part::Text(&[4]), Part::Run(Kind::Any, 32, 32)] };

impl Layout {
    /// Whether what a value encodes has the parts in order, and nothing behind them.
    pub(super) fn verdict(&self, value: &[u8]) -> Verdict {
        let body = self.prefixes.iter().find_map(|prefix| value.strip_prefix(prefix.as_bytes()));
        let Some(bytes) = body.and_then(decode_base64) else { return Verdict::Invalid };
        let rest = self.parts.iter().try_fold(bytes.as_slice(), |rest, part| part.take(rest));
        rest.is_some_and(<[u8]>::is_empty).into()
    }

    /// Puts the parts into a generated value, which keeps its length as far as the parts allow.
    pub(super) fn complete(&self, value: &str) -> Option<String> {
        let prefix = self.prefixes.iter().find(|prefix| value.starts_with(**prefix))?;
        let seed = decode_base64(value.get(prefix.len()..)?.as_bytes())?;
        let demanded: usize = self.parts.iter().map(|part| part.lens().0).sum();
        let mut spare = seed.len().checked_sub(demanded)?;
        let mut bytes = Vec::with_capacity(seed.len());
        for part in self.parts {
            let (min, max) = part.lens();
            let len = min + spare.min(max - min);
            spare -= len - min;
            let drawn = seed.iter().cycle().skip(bytes.len()).take(len);
            match part {
                Part::Text(text) => bytes.extend_from_slice(text),
                Part::Run(kind, ..) => bytes.extend(drawn.map(|byte| kind.byte(*byte))),
            }
        }
        let encoded = BASE64.encode(&bytes);
        let end = if value.ends_with('=') { encoded.len() } else { encoded.trim_end_matches('=').len() };
        Some(format!("{prefix}{}", &encoded[..end]))
    }
}

impl Part {
    /// What is left behind the part, if it stands at the start.
    fn take<'b>(&self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        match self {
            Self::Text(text) => bytes.strip_prefix(*text),
            Self::Run(kind, min, max) => {
                let len = bytes.iter().take(*max).take_while(|byte| kind.holds(**byte)).count();
                (len >= *min).then(|| &bytes[len..])
            }
        }
    }

    /// Fewest and most bytes.
    fn lens(&self) -> (usize, usize) {
        match self {
            Self::Text(text) => (text.len(), text.len()),
            Self::Run(_, min, max) => (*min, *max),
        }
    }
}

impl Kind {
    const ULID: &'static [u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    fn holds(self, byte: u8) -> bool {
        match self {
            Self::Digit => byte.is_ascii_digit(),
            Self::Alphanumeric => byte.is_ascii_alphanumeric(),
            Self::Ulid => Self::ULID.contains(&byte),
            Self::Any => true,
        }
    }

    /// A byte of the kind, chosen by another.
    fn byte(self, seed: u8) -> u8 {
        match self {
            Self::Digit => b'0' + seed % 10,
            Self::Alphanumeric => b'a' + seed % 26,
            Self::Ulid => Self::ULID[usize::from(seed % 32)],
            Self::Any => seed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_their_prefix_promises() {
        let rows: &[(&Layout, String, Vec<u8>)] = &[
            (&JFROG_REFERENCE, String::new(), b"reftkn:01:1790000000:q7Zk2mXw9bTn4vRc8sLp1hGd6fJ".to_vec()),
            (&ATLASSIAN_DATA_CENTER, "BBDC-".to_owned(), [b"100200300400:".as_slice(), &[0xa7; 20]].concat()),
            (&ATLASSIAN_DATA_CENTER, String::new(), [b"100200300400:".as_slice(), &[0x11; 20]].concat()),
            (&WORKOS, "sk_test_".to_owned(), b"key_01J9ZKQ4N8W6T2RXYVBCDEFGH3,q7Zk2mXw9bTn4vRc8".to_vec()),
            (&BEDROCK, "ABSK".to_owned(), b"BedrockAPIKey-q7zk-at-123456789012:q7Zk2mXw9bTn4vRc8sLp1hGd6fJ".to_vec()),
            (&SES_SMTP, String::new(), [[4].as_slice(), &[0x5c; 32]].concat()),
        ];
        for (layout, prefix, bytes) in rows {
            let token = |bytes: &[u8]| format!("{prefix}{}", BASE64.encode(bytes));
            let shown = String::from_utf8_lossy(bytes);
            assert_eq!(layout.verdict(token(bytes).as_bytes()), Verdict::Valid, "{shown}");
            let mut altered = bytes.clone();
            altered[0] ^= 0x40;
            let longer = [bytes.as_slice(), &[0xfe; 300]].concat();
            for broken in [altered.as_slice(), &bytes[1..], &bytes[..12], &longer] {
                assert_eq!(layout.verdict(token(broken).as_bytes()), Verdict::Invalid, "{shown}");
            }
            assert_eq!(layout.verdict(b"?"), Verdict::Invalid);
        }
    }

    #[test]
    fn generated_values_are_completed() {
        let rows: &[(&Layout, &str, usize)] = &[
            (&JFROG_REFERENCE, "cmVmdGtu", 56),
            (&ATLASSIAN_DATA_CENTER, "BBDC-", 44),
            (&ATLASSIAN_DATA_CENTER, "", 44),
            (&WORKOS, "sk_live_", 76),
            (&BEDROCK, "ABSK", 132),
            (&SES_SMTP, "", 44),
        ];
        for (layout, prefix, len) in rows {
            let generated = format!("{prefix}{}", "k3Zq".repeat(len / 4));
            let made = layout.complete(&generated).expect("base 64");
            assert_eq!((layout.verdict(made.as_bytes()), made.len()), (Verdict::Valid, generated.len()), "{made}");
            assert_eq!(layout.complete("k3Zq"), None);
        }
    }
}
