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

/// Tokens of HashiCorp Vault: of services a signed message, of batches a ciphertext behind the number of its key.
pub(super) static VAULT: Content = Content { samples: password::prefixed, is_held: holds_vault_token };

/// Macaroons of Fly.io, as MessagePack, one or more behind each other.
pub(super) static FLY: Content = Content { samples: password::prefixed, is_held: holds_fly_macaroons };

/// Sessions of Telegram as Telethon writes them: data centre, address, port, and a key of 256 bytes.
pub(super) static TELEGRAM_SESSION: Content = Content { samples: password::drawn, is_held: holds_telegram_session };

impl Content {
    /// Whether the token holds it; a token that does not is left open.
    pub(super) fn verdict(&self, value: &[u8]) -> Verdict {
        match (self.samples)(value) {
            Verdict::Invalid => Verdict::Invalid,
            _ if (self.is_held)(value) => Verdict::Valid,
            Verdict::Doubtful => Verdict::Doubtful,
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

/// Bytes of the code over a token of Vault.
const VAULT_CODE_LEN: usize = 32;

/// A token of a service holds a version, a code of 32 bytes and the message that it is over; one of a batch the number of the
/// key, in four bytes, and the version of the cipher.
fn holds_vault_token(value: &[u8]) -> bool {
    let bytes = |prefix: &[u8]| value.strip_prefix(prefix).and_then(decode_base64);
    if let Some(bytes) = bytes(b"hvb.") {
        return matches!(bytes.as_slice(), [0, _, _, _, 1 | 2, ..]) && bytes.len() > VAULT_CODE_LEN;
    }
    let bytes = bytes(b"hvs.").unwrap_or_default();
    let found = fields(&bytes).unwrap_or_default();
    bytes.starts_with(&[0x08])
        && matches!(found.as_slice(), [(2, code), (3, message)] if code.len() == VAULT_CODE_LEN && !message.is_empty())
}

/// Marks of macaroons, in front of each of them.
const FLY_MARKS: [&[u8]; 3] = [b"fm2_", b"fm1r_", b"fm1a_"];

fn holds_fly_macaroons(value: &[u8]) -> bool {
    let text = value.strip_prefix(b"FlyV1").map_or(value, <[u8]>::trim_ascii_start);
    let body = |token: &[u8]| FLY_MARKS.iter().find_map(|mark| token.strip_prefix(*mark)).and_then(decode_base64);
    text.split(|byte| *byte == b',').all(|token| body(token).is_some_and(|bytes| is_message_pack(&bytes)))
}

/// Values of a macaroon that are walked over; one has some dozens.
const VALUES_MAX: usize = 4_096;

/// Whether bytes are one list of four or more values in MessagePack, from end to end.
fn is_message_pack(bytes: &[u8]) -> bool {
    let is_list = matches!(bytes.first(), Some(0x94..=0x9f));
    let (mut rest, mut open) = (bytes, 1_u64);
    for _ in 0..VALUES_MAX {
        if open == 0 {
            return is_list && rest.is_empty();
        }
        let Some((inner, behind)) = message_pack_value(rest) else { return false };
        (rest, open) = (behind, open - 1 + inner);
    }
    false
}

/// How many values the first one holds, and what stands behind its head and its own bytes.
fn message_pack_value(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (head, rest) = bytes.split_first()?;
    // The number of elements or bytes in so many bytes, the highest first.
    let sized = |len: usize| {
        let (number, behind) = rest.split_at_checked(len)?;
        Some((number.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)), behind))
    };
    let skip = |(len, behind): (u64, &'_ [u8])| -> Option<usize> {
        let len = usize::try_from(len).ok()?;
        (len <= behind.len()).then_some(bytes.len() - behind.len() + len)
    };
    let own = |more: usize| (more <= rest.len()).then_some(1 + more);
    let (inner, len) = match head {
        0x80..=0x8f => (2 * u64::from(head & 0x0f), own(0)?),
        0x90..=0x9f => (u64::from(head & 0x0f), own(0)?),
        0xa0..=0xbf => (0, own(usize::from(head & 0x1f))?),
        0xc4 | 0xd9 => (0, skip(sized(1)?)?),
        0xc5 | 0xda => (0, skip(sized(2)?)?),
        0xc6 | 0xdb => (0, skip(sized(4)?)?),
        0xcc | 0xd0 => (0, own(1)?),
        0xcd | 0xd1 => (0, own(2)?),
        0xca | 0xce | 0xd2 => (0, own(4)?),
        0xcb | 0xcf | 0xd3 => (0, own(8)?),
        0xdc => (sized(2)?.0, own(2)?),
        0xdd => (sized(4)?.0, own(4)?),
        0xde => (2 * sized(2)?.0, own(2)?),
        0xc0 | 0xc2 | 0xc3 | 0x00..=0x7f | 0xe0..=0xff => (0, own(0)?),
        _ => return None,
    };
    Some((inner, &bytes[len..]))
}

/// Ports of Telegram's servers.
const TELEGRAM_PORTS: [u16; 3] = [80, 443, 5_222];

/// Bytes of the addresses of the servers, and of the key that client and server share.
const TELEGRAM_ADDRESS_LENS: [usize; 2] = [4, 16];
const TELEGRAM_KEY_LEN: usize = 256;

fn holds_telegram_session(value: &[u8]) -> bool {
    let bytes = value.strip_prefix(b"1").and_then(decode_base64).unwrap_or_default();
    let Some((head, [high, low])) =
        bytes.len().checked_sub(TELEGRAM_KEY_LEN).and_then(|at| bytes[..at].split_last_chunk())
    else {
        return false;
    };
    matches!(head, [1..=5, address @ ..] if TELEGRAM_ADDRESS_LENS.contains(&address.len()))
        && TELEGRAM_PORTS.contains(&u16::from_be_bytes([*high, *low]))
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

    /// A token of a service of Vault with a code of so many bytes.
    fn vault(code_len: u8) -> String {
        let code = vec![0xa7; usize::from(code_len)];
        let message = [&[0x0a, 24][..], b"q7Zr2Vd9Kx4Lw8Pb3Tn6Hc5M"].concat();
        let token = [&[0x08, 1, 0x12, code_len][..], &code, &[0x1a, message.len() as u8], &message].concat();
        format!("hvs.{}", BASE64URL_NOPAD.encode(&token))
    }

    /// A macaroon: key and random bytes, the place, what it is bound by, the signature. The list says how many follow.
    fn macaroon(values: u8) -> String {
        let nonce = [&[0x93, 0xc4, 16][..], &[0x3c; 16], &[0xc4, 4], &[9; 4], &[0xc3]].concat();
        let caveats = [0x92, 0x0c, 0xcd, 0x1f, 0x90, 0xd9, 3, b'f', b'l', b'y', 0xde, 0, 1, 0xa1, b'k', 0xff];
        let place = [&[0xda, 0, 9][..], b"fly/api-x"].concat();
        let token = [&[0x90 | values][..], &nonce, &place, &caveats[..], &[0xc0, 0xc4, 32], &[0xa7; 32]].concat();
        BASE64.encode(&token)
    }

    /// A session with a data centre, a server and a port.
    fn telegram(centre: u8, port: u16) -> String {
        let key: Vec<u8> = (0..=255_u8).map(|n| n.wrapping_mul(97).wrapping_add(13)).collect();
        let session = [&[centre, 149, 154, 167, 51][..], &port.to_be_bytes(), &key].concat();
        format!("1{}", data_encoding::BASE64URL.encode(&session))
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
            (&VAULT, vault(32), vault(31)),
            (&VAULT, format!("hvb.AAAAAQL{}", "q7Zr2Vd9Kx4L".repeat(8)), format!("hvb.{}", "q7Zr2Vd9Kx4L".repeat(8))),
            // The list, one value in it and the bytes behind it: nothing may be left.
            (&FLY, format!("fm2_{}", macaroon(7)), format!("fm2_{}", macaroon(8))),
            (
                &FLY,
                format!("FlyV1 fm2_{0},fm1r_{0}", macaroon(7)),
                format!("FlyV1 fm2_{},{}", macaroon(7), macaroon(6)),
            ),
            (&TELEGRAM_SESSION, telegram(4, 443), telegram(6, 443)),
            (&TELEGRAM_SESSION, telegram(2, 80), telegram(2, 81)),
            (&JFROG_KEY, base58::text(&[0x9d; 54]), base58::text(&[0x9d; 55])),
        ];
        for (content, held, other) in rows {
            assert_eq!(content.verdict(held.as_bytes()), Verdict::Valid, "{held}");
            assert_eq!(content.verdict(other.as_bytes()), Verdict::NotApplicable, "{other}");
        }
    }

    #[test]
    fn samples_are_refused() {
        let all = [&UUID, &INTERCOM, &NUGET, &WIREGUARD, &NEAR, &JENKINS, &AUTHENTICATOR, &JWT, &JSON];
        for content in all.into_iter().chain([&VAULT, &FLY, &TELEGRAM_SESSION]) {
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
