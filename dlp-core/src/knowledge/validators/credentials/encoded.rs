//! Tokens that are encoded documents: JSON in base64, JSON web tokens, macaroons, `user:password` pairs.

use super::super::Verdict;
use super::password;
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};
use serde_json::Value;

/// Decodes base64 in either alphabet, with or without padding; a cut-off last group loses its bytes.
pub(super) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut text: Vec<u8> = text.to_vec();
    while text.last() == Some(&b'=') {
        text.pop();
    }
    if text.len() % 4 == 1 {
        text.pop();
    }
    for byte in &mut text {
        *byte = match *byte {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        };
    }
    let mut spec = BASE64_NOPAD.specification();
    spec.check_trailing_bits = false;
    spec.encoding().ok()?.decode(&text).ok()
}

fn json_object(text: &[u8]) -> Option<Value> {
    let decoded = decode_base64(text)?;
    serde_json::from_slice::<Value>(&decoded).ok().filter(Value::is_object)
}

/// A token whose part that starts with `eyJ` must be base64 of a JSON object, as 1Password, Grafana, Sentry and
/// Cloudflare document it. Everything before `eyJ` is prefix, `.` and `_` may end the part.
pub(super) fn json_inside(value: &[u8]) -> Verdict {
    let Some(start) = value.windows(3).position(|w| w == b"eyJ") else { return Verdict::Invalid };
    let body = &value[start..];
    let whole = json_object(body);
    let until = |mark: u8| body.iter().position(|b| *b == mark).and_then(|end| json_object(&body[..end]));
    (whole.is_some() || until(b'.').is_some() || until(b'_').is_some()).into()
}

/// A JSON web token (RFC 7519 section 3): the header is a JSON object with `alg`, the payload is a JSON object, and the
/// signature is as long as the algorithm makes it (RFC 7518 section 3.1), for a token without it opens nothing. Five
/// parts make an encrypted token (RFC 7516), whose header names `enc` and whose payload cannot be read.
pub(super) fn jwt(value: &[u8]) -> Verdict {
    let parts: Vec<&[u8]> = value.split(|b| *b == b'.').collect();
    let Some(header) = parts.first().and_then(|part| json_object(part)) else { return Verdict::Invalid };
    match parts.len() {
        5 => header.get("enc").is_some_and(Value::is_string).into(),
        2 | 3 => {
            let signature = parts.get(2).copied().unwrap_or_default();
            let is_signed = |alg: &Value| alg.as_str().is_some_and(|alg| signature.len() >= signature_len_min(alg));
            (header.get("alg").is_some_and(is_signed) && json_object(parts[1]).is_some()).into()
        }
        _ => Verdict::Invalid,
    }
}

/// How a JSON web token begins, in base64: `{"alg":`, `{"typ":`, `{"kid":`, `{"enc":`.
const JWT_STARTS: [&[u8]; 4] = [b"eyJhbGciOi", b"eyJ0eXAiOi", b"eyJraWQiOi", b"eyJlbmMiOi"];

/// Tokens of any kind behind the word `Bearer`. One that begins as a JSON web token and is none was altered or cut off.
pub(super) fn bearer(value: &[u8]) -> Verdict {
    let is_of_jwt = JWT_STARTS.iter().any(|start| value.starts_with(start)) && value.contains(&b'.');
    if is_of_jwt && jwt(value) == Verdict::Invalid { Verdict::Invalid } else { password::opaque(value) }
}

/// Characters of the shortest signature that an algorithm makes, in base64 without padding. RSA keys have 2,048 bits or
/// more.
fn signature_len_min(algorithm: &str) -> usize {
    match algorithm {
        "HS256" => 43,
        "HS384" => 64,
        "HS512" | "ES256" | "ES256K" | "EdDSA" => 86,
        "ES384" => 128,
        "ES512" => 176,
        _ if algorithm.starts_with("RS") || algorithm.starts_with("PS") => 342,
        _ => 0,
    }
}

/// Characters of parts that hold 8 and 32 bytes in base 64 without padding.
const PART_LENS: [usize; 2] = [11, 43];

/// Tokens of drawn bytes in base 64, in parts with `.` or `~` between them. The last character of a part has bits beyond its
/// last byte, which encoders leave zero (RFC 4648 section 3.5). Parts of other lengths are left open.
pub(super) fn whole_parts(value: &[u8]) -> Verdict {
    let drawn = password::drawn(value);
    if drawn == Verdict::Invalid {
        return drawn;
    }
    let parts: Vec<&[u8]> = value.split(|b| b".~".contains(b)).filter(|part| PART_LENS.contains(&part.len())).collect();
    match parts.iter().all(|part| BASE64URL_NOPAD.decode(part).is_ok()) {
        _ if parts.is_empty() => Verdict::NotApplicable,
        true => drawn,
        false => Verdict::Doubtful,
    }
}

/// PyPI tokens: behind `pypi-` a macaroon in the binary format version 2 (byte 02), whose first field is the location
/// (type 01) `pypi.org` or `test.pypi.org`, as the warehouse project documents it.
pub(super) fn pypi(value: &[u8]) -> Verdict {
    let bytes = value.strip_prefix(b"pypi-").and_then(decode_base64).unwrap_or_default();
    let location = |name: &[u8]| {
        let len = [u8::try_from(name.len()).unwrap_or(0)];
        bytes.starts_with(&[&[2, 1], len.as_slice(), name].concat())
    };
    (bytes.len() > 32 && (location(b"pypi.org") || location(b"test.pypi.org"))).into()
}

/// HTTP Basic credentials (RFC 7617): base64 of `user:password` in printable text, with a password that is neither
/// empty nor a placeholder. JSON is the header of a token, whatever stands before it.
pub(super) fn basic(value: &[u8]) -> Verdict {
    let Some(pair) = decode_base64(value).and_then(|bytes| String::from_utf8(bytes).ok()) else {
        return Verdict::Invalid;
    };
    let is_printable = pair.chars().all(|c| !c.is_control());
    let is_json = pair.starts_with("{\"");
    let secret = pair.split_once(':').map(|(_, secret)| secret).filter(|_| is_printable && !is_json);
    secret
        .is_some_and(|secret| !secret.is_empty() && password::in_structure(secret.as_bytes()) != Verdict::Invalid)
        .into()
}

/// Makes a generated value decode to `user:password`, by putting a colon in place of its sixth byte.
pub(super) fn complete_basic(value: &str) -> Option<String> {
    let mut bytes: Vec<u8> = decode_base64(value.as_bytes())?.iter().map(|b| b'a' + b % 26).collect();
    *bytes.get_mut(5)? = b':';
    Some(data_encoding::BASE64.encode(&bytes))
}

/// Discord bot tokens: the first part is base64 of the application id, a snowflake of 17 to 20 digits in 64 bits, as
/// Discord's reference documents it.
pub(super) fn discord(value: &[u8]) -> Verdict {
    let first = value.split(|b| *b == b'.').next().unwrap_or_default();
    let id = decode_base64(first).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let is_snowflake = (17..=20).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit());
    (is_snowflake && id.parse::<u64>().is_ok()).into()
}

/// Puts an application id in front of a generated token.
pub(super) fn complete_discord(value: &str) -> Option<String> {
    let (first, rest) = value.split_once('.')?;
    let digits: Vec<u8> = first.bytes().take(17).map(|b| b'0' + b % 10).collect();
    let id = format!("1{}", String::from_utf8_lossy(&digits));
    Some(format!("{}.{rest}", BASE64URL_NOPAD.encode(id.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64;

    fn b64(text: &str) -> String {
        BASE64URL_NOPAD.encode(text.as_bytes())
    }

    #[test]
    fn parts_end_with_their_last_byte() {
        let part = "q7Zk2mXw9bTn4vRc8sLp1hGd6fJ3Yt5BxKe0uVi-_Qo";
        let altered = part.replace("Qo", "Qp");
        let rows = [
            (format!("Zk2mXw9bTnQ.{part}"), Verdict::Valid),
            (format!("Zk2mXw9bTnR.{part}"), Verdict::Doubtful),
            (format!("Zk2mXw9bTnQ.{altered}"), Verdict::Doubtful),
            (format!("sha256~{part}"), Verdict::Valid),
            (format!("sha256~{altered}"), Verdict::Doubtful),
            (format!("{altered}7.{altered}8"), Verdict::NotApplicable),
            (format!("your-key-here.{part}"), Verdict::Invalid),
        ];
        for (value, expected) in rows {
            assert_eq!(whole_parts(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn json_web_tokens_are_told_from_dotted_text() {
        let cut = format!("{}.{}.c2ln", b64(r#"{"alg":"HS256"}"#), b64(r#"{"sub":"1"}"#));
        let signed = format!("{cut}{}", "x".repeat(39));
        let encrypted = format!("{}.a.b.c.d", b64(r#"{"alg":"dir","enc":"A128GCM"}"#));
        let no_algorithm = format!("{}.{}.c2ln", b64(r#"{"typ":"JWT"}"#), b64(r#"{"sub":"1"}"#));
        let rows = [
            (signed.as_str(), Verdict::Valid),
            (cut.as_str(), Verdict::Invalid),
            (encrypted.as_str(), Verdict::Valid),
            (no_algorithm.as_str(), Verdict::Invalid),
            ("eyJhbGciOi.eyJzdWIi.x", Verdict::Invalid),
            ("a.b.c", Verdict::Invalid),
            ("", Verdict::Invalid),
        ];
        for (value, expected) in rows {
            assert_eq!(jwt(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn bearers_may_carry_anything_but_altered_web_tokens() {
        let signed = |header: &str| format!("{}.{}.{}", b64(header), b64(r#"{"sub":"1"}"#), "q7Zk2mX".repeat(7));
        let token = signed(r#"{"alg":"HS256"}"#);
        let rows = [
            (token.clone(), Verdict::Valid),
            (token.replacen("WIiO", "WIhO", 1), Verdict::Invalid),
            (token[..token.len() - 9].to_owned(), Verdict::Invalid),
            (signed(r#"{"typ":"JWT"}"#), Verdict::Invalid),
            // A signed cookie, and tokens of no form.
            (format!("{}.aRq7Zk.{}", b64(r#"{"user_id":"9f1c7a20"}"#), "q7Zk2mX".repeat(4)), Verdict::Valid),
            ("q7Zk2mXw9bTn4vRc8sLp1hGd6fJ3Yt5BxKe0uVi".to_owned(), Verdict::Valid),
            ("YOUR_ACCESS_TOKEN".to_owned(), Verdict::Invalid),
        ];
        for (value, expected) in rows {
            assert_eq!(bearer(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn promised_json_is_decoded() {
        let object = b64(r#"{"o":"1","n":"x","k":"y"}"#);
        let rows = [
            (format!("glc_{object}"), Verdict::Valid),
            (format!("sntrys_{object}_c2lnbmF0dXJl"), Verdict::Valid),
            (format!("sk.{object}.c2ln"), Verdict::Valid),
            ("ops_eyJzaWduSW5B".to_owned(), Verdict::Invalid),
            (String::new(), Verdict::Invalid),
        ];
        for (value, expected) in rows {
            assert_eq!(json_inside(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn pairs_need_a_password() {
        let rows = [
            ("deploy:Tr0ub4dor-and-3", Verdict::Valid),
            ("deploy:", Verdict::Invalid),
            ("deploy", Verdict::Invalid),
            ("user:password", Verdict::Invalid),
            ("user:${PASSWORD}", Verdict::Invalid),
            (r#"{"alg":"HS256","typ":"JWT"}"#, Verdict::Invalid),
        ];
        for (pair, expected) in rows {
            assert_eq!(basic(BASE64.encode(pair.as_bytes()).as_bytes()), expected, "{pair}");
        }
        let made = complete_basic(&BASE64.encode(b"some bytes that are long")).expect("base64");
        assert_eq!(basic(made.as_bytes()), Verdict::Valid, "{made}");
    }

    #[test]
    fn macaroons_and_snowflakes_are_read() {
        let mut macaroon = vec![2, 1, 8];
        macaroon.extend_from_slice(b"pypi.org");
        macaroon.extend_from_slice(&[7; 40]);
        let token = format!("pypi-{}", BASE64URL_NOPAD.encode(&macaroon));
        assert_eq!(pypi(token.as_bytes()), Verdict::Valid);
        assert_eq!(pypi(b"pypi-AgEIcHlwaS5vcmc"), Verdict::Invalid);
        let bot = complete_discord("MTIzNDU2Nzg5MDEyMzQ1Njc4.abcdef.0123456789").expect("shape");
        assert_eq!(discord(bot.as_bytes()), Verdict::Valid, "{bot}");
        assert_eq!(discord(b"NotASnowflakeAtAll.abcdef.01234"), Verdict::Invalid);
    }
}
