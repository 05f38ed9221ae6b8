//! Tokens that mostly hold something: a pair, a UUID, a document, bytes of a known length.
//!
//! What their vendors put inside is known from the tokens that they issue, and nobody promises that it stays. So a
//! token that holds it is surer than its shape, and one that does not is left as its shape says; only samples are
//! refused.

use super::super::Verdict;
use super::encoded::{decode_base64, json_inside, jwt};
use super::{base58, password};

/// What a token may hold.
pub(super) struct Content {
    /// What refuses samples.
    samples: fn(&[u8]) -> Verdict,
    is_held: fn(&[u8]) -> bool,
}

/// An API key of Elasticsearch: its id of 20 characters, a colon, 22 characters.
pub(super) static ELASTIC_KEY: Content = Content { samples: password::generic, is_held: holds_elastic_pair };

/// The text of a UUID, alone or with words beside it, in base 64.
pub(super) static UUID: Content = Content { samples: password::drawn, is_held: holds_uuid };

/// Tokens of Intercom: `tok:`, letters and digits, and a version.
pub(super) static INTERCOM: Content = Content { samples: password::opaque, is_held: holds_intercom };

/// Keys of NuGet: base 32 in which some places have fewer letters.
pub(super) static NUGET: Content = Content { samples: password::prefixed, is_held: is_nuget_key };

/// Private keys of WireGuard as its tool makes them (RFC 7748 section 5).
pub(super) static WIREGUARD: Content = Content { samples: password::opaque, is_held: is_clamped };

/// Private keys of NEAR: 64 bytes in base 58, where a public key has 32.
pub(super) static NEAR: Content =
    Content { samples: password::prefixed, is_held: |value| is_base58(value, b"ed25519:", 64) };

/// API keys of JFrog: 54 bytes in base 58.
pub(super) static JFROG_KEY: Content =
    Content { samples: password::prefixed, is_held: |value| is_base58(value, b"", 54) };

/// What Jenkins encrypts: a version, the lengths of vector and data, both.
pub(super) static JENKINS: Content = Content { samples: password::prefixed, is_held: is_jenkins_secret };

/// What Google Authenticator exports: messages of protocol buffers, each with a secret.
pub(super) static AUTHENTICATOR: Content = Content { samples: password::prefixed, is_held: holds_messages };

/// A JSON web token, behind a prefix or alone.
pub(super) static JWT: Content = Content { samples: password::opaque, is_held: holds_jwt };

/// A JSON object in base 64, in the first part.
pub(super) static JSON: Content =
    Content { samples: password::prefixed, is_held: |value| json_inside(value) == Verdict::Valid };

impl Content {
    /// Whether the token holds it; a token that does not is left open.
    pub(super) fn verdict(&self, value: &[u8]) -> Verdict {
        match (self.samples)(value) {
            Verdict::Invalid => Verdict::Invalid,
            _ if (self.is_held)(value) => Verdict::Valid,
            _ => Verdict::NotApplicable,
        }
    }
}

fn holds_elastic_pair(value: &[u8]) -> bool {
    let is_part = |part: &[u8]| part.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte));
    let bytes = decode_base64(value).unwrap_or_default();
    let [id @ .., _] = bytes.get(..21).unwrap_or_default() else { return false };
    bytes.len() == 43 && bytes[20] == b':' && is_part(id) && is_part(&bytes[21..])
}

/// Digits of the five parts of a UUID.
const UUID_PARTS: [usize; 5] = [8, 4, 4, 4, 12];

fn holds_uuid(value: &[u8]) -> bool {
    let body = value.strip_prefix(b"sec-c-").unwrap_or(value);
    let text = decode_base64(body).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let is_printable = text.bytes().all(|byte| byte.is_ascii_graphic());
    let is_uuid = |word: &str| {
        let parts: Vec<&str> = word.split('-').collect();
        parts.len() == UUID_PARTS.len()
            && parts
                .iter()
                .zip(UUID_PARTS)
                .all(|(part, len)| part.len() == len && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    is_printable && text.split([':', '|', ';', ',']).any(is_uuid)
}

fn holds_intercom(value: &[u8]) -> bool {
    let text = decode_base64(value).unwrap_or_default();
    text.strip_prefix(b"tok:").is_some_and(|rest| rest.iter().all(u8::is_ascii_graphic))
}

/// Letters that may stand at a place of a key, counted from one.
const NUGET_PLACES: [(usize, &[u8]); 6] = [
    (4, b"abcdefghijklmnop"),
    (20, b"aq"),
    (32, b"eu"),
    (33, b"bdfhjlnprtvxz357"),
    (34, b"abcdefghijklmnop"),
    (46, b"aeimquy4"),
];

fn is_nuget_key(value: &[u8]) -> bool {
    value.len() == 46 && NUGET_PLACES.iter().all(|(place, letters)| letters.contains(&value[place - 1]))
}

fn is_clamped(value: &[u8]) -> bool {
    let bytes = decode_base64(value).unwrap_or_default();
    bytes.len() == 32 && bytes[0] & 7 == 0 && bytes[31] & 0xc0 == 0x40
}

fn is_base58(value: &[u8], prefix: &[u8], len: usize) -> bool {
    let body = value.strip_prefix(prefix).unwrap_or(value);
    base58::bytes(body).is_some_and(|bytes| bytes.len() == len)
}

fn is_jenkins_secret(value: &[u8]) -> bool {
    let body = value.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}")).unwrap_or(value);
    let bytes = decode_base64(body).unwrap_or_default();
    let word = |at: usize| -> Option<usize> {
        let word: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(word)).ok()
    };
    let (Some(vector_len), Some(data_len)) = (word(1), word(5)) else { return false };
    bytes[0] == 1 && vector_len == 16 && data_len % 16 == 0 && bytes.len() == 9 + vector_len + data_len
}

/// Fields of a message that are walked over; an export has ten accounts at most.
const FIELDS_MAX: usize = 64;

/// The fields of a message with their numbers, if it is one from end to end: numbers and byte strings, as are all here.
fn fields(mut bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let (mut found, mut walked) = (Vec::new(), 0);
    while let [tag, rest @ ..] = bytes {
        let (value, behind) = number(rest)?;
        let (field, kind) = (tag >> 3, tag & 7);
        bytes = match kind {
            0 => behind,
            2 => {
                let len = usize::try_from(value).ok()?;
                found.push((field, behind.get(..len)?));
                &behind[len..]
            }
            _ => return None,
        };
        walked += 1;
        if *tag >= 0x80 || field == 0 || walked > FIELDS_MAX {
            return None;
        }
    }
    Some(found)
}

/// A number of seven bits a byte, the lowest first, and what stands behind it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let len = bytes.iter().take(9).position(|byte| *byte < 0x80)? + 1;
    let value = bytes[..len].iter().rev().fold(0, |sum, byte| sum << 7 | u64::from(byte & 0x7f));
    Some((value, &bytes[len..]))
}

fn holds_messages(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value).replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    let bytes = decode_base64(text.as_bytes()).unwrap_or_default();
    let accounts = fields(&bytes).unwrap_or_default();
    let has_secret = |account: &[u8]| fields(account).is_some_and(|found| found.iter().any(|(field, _)| *field == 1));
    accounts.iter().any(|(field, account)| *field == 1 && has_secret(account))
}

fn holds_jwt(value: &[u8]) -> bool {
    let start = value.windows(2).position(|pair| pair == b"ey");
    start.is_some_and(|start| jwt(&value[start..]) == Verdict::Valid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::{BASE64, BASE64URL_NOPAD};

    const UUID_TEXT: &str = "3f2b91c0-7d4e-4a68-9c15-e0b7a4d2f863";

    fn encoded(text: impl AsRef<[u8]>) -> String {
        BASE64.encode(text.as_ref())
    }

    /// The message of an account with a secret of ten bytes and a name, in an export.
    fn export() -> Vec<u8> {
        let account = [&[0x0a, 10][..], &[0x5a; 10], &[0x12, 3], b"ann", &[0x20, 1]].concat();
        [&[0x0a, account.len() as u8][..], &account, &[0x10, 1, 0x18, 1]].concat()
    }

    /// An export of two fields with some numbers behind it.
    fn numbered_export(numbers: usize) -> Vec<u8> {
        let account = [0x0a, 10, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a];
        [&[0x0a, 12][..], &account, &[0x12, 3], b"ann", &[0x10, 1].repeat(numbers)].concat()
    }

    fn token(header: &str) -> String {
        let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        format!("{}.{}.{}", part(header), part(r#"{"sub":"6f1c29"}"#), "q7Zr2Vd9Kx4Lw8Pb3Tn6Hc5Mf0Gs1Yj-Ue_Ba7Wi4Dz2")
    }

    fn jenkins(data_len: u8) -> String {
        format!("{{{}}}", encoded([&[1, 0, 0, 0, 16, 0, 0, 0, data_len][..], &[0x3c; 16], &[0xa7; 32]].concat()))
    }

    #[test]
    fn tokens_that_hold_what_their_vendors_put_in_are_surer() {
        let elastic = encoded("VuaCfGcBCdbkQm-e5aOx:ui2lp2axTNmsyakw9tvNnw");
        let wireguard = |last: u8| encoded([&[0x48][..], &[0x91; 30], &[last]].concat());
        let rows: &[(&Content, String, String)] = &[
            (&ELASTIC_KEY, elastic, encoded("VuaCfGcBCdbkQm-e5aO:ui2lp2axTNmsyakw9tvNnwq")),
            (&UUID, encoded(UUID_TEXT), encoded(&UUID_TEXT[1..])),
            (&UUID, format!("sec-c-{}", encoded(UUID_TEXT)), format!("sec-c-{}", encoded(UUID_TEXT.replace('-', ".")))),
            (&UUID, encoded(format!("{UUID_TEXT}|read-write")), encoded(format!("{UUID_TEXT}read-write"))),
            (&INTERCOM, encoded("tok:9f1c7a20_53be_4d86_a7c1_08e2b6d4f913:1:0"), encoded("t0k:9f1c7a20_53be_4d86:1:0")),
            (&WIREGUARD, wireguard(0x5e), wireguard(0x9e)),
            (&JENKINS, jenkins(32), jenkins(48)),
            (&AUTHENTICATOR, encoded(export()).replace('=', "%3D"), encoded(&export()[1..])),
            (&AUTHENTICATOR, encoded(numbered_export(62)), encoded(numbered_export(63))),
            (&JWT, format!("glpat-{}", token(r#"{"alg":"HS256"}"#)), format!("glpat-{}", token(r#"{"alg"="HS256"}"#))),
            (&JSON, encoded(r#"{"id":"9f1c7a2053be"}"#), encoded(r#"{"id"="9f1c7a2053be"}"#)),
            (&NEAR, format!("ed25519:{}", base58::text(&[0x9d; 64])), format!("ed25519:{}", base58::text(&[0x9d; 32]))),
            (&JFROG_KEY, base58::text(&[0x9d; 54]), base58::text(&[0x9d; 55])),
        ];
        for (content, held, other) in rows {
            assert_eq!(content.verdict(held.as_bytes()), Verdict::Valid, "{held}");
            assert_eq!(content.verdict(other.as_bytes()), Verdict::NotApplicable, "{other}");
        }
    }

    #[test]
    fn samples_are_refused() {
        for content in [&UUID, &INTERCOM, &NUGET, &WIREGUARD, &NEAR, &JENKINS, &AUTHENTICATOR, &JWT, &JSON] {
            assert_eq!(content.verdict(b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), Verdict::Invalid);
        }
        assert_eq!(ELASTIC_KEY.verdict(b"your-api-key-of-elastic"), Verdict::Invalid);
    }

    #[test]
    fn keys_of_nuget_have_fewer_letters_in_some_places() {
        let key = |at: usize, letter: u8| -> String {
            let mut key = *b"oy2gk7w3fq5hn2rt6ypabc4uvmzx7l2qebdaw3smh5gtie";
            key[19] = b'q';
            key[31] = b'u';
            key[32] = b'b';
            key[33] = b'c';
            if at > 0 {
                key[at - 1] = letter;
            }
            String::from_utf8_lossy(&key).into_owned()
        };
        assert_eq!(NUGET.verdict(key(0, 0).as_bytes()), Verdict::Valid);
        for (place, _) in NUGET_PLACES {
            assert_eq!(NUGET.verdict(key(place, b'6').as_bytes()), Verdict::NotApplicable, "{place}");
        }
    }
}
