//! Private keys in PEM armour, in every spelling in which they travel.
//!
//! RFC 7468 describes the armour, RFC 5958 and RFC 8017 what is inside; OpenSSH's `PROTOCOL.key` and RFC 9580 (OpenPGP)
//! have their own contents. Copies in JSON, YAML and source code carry escaped line breaks, quotes and plus signs of
//! string joins, so those are taken out before decoding. A body cut off by an editor or a chat stays open, a body that
//! is no base64 or no key structure is refused.

use super::super::Verdict;
use super::encoded::decode_base64;
use super::{key_file, rsa};
use data_encoding::BASE64;

/// Fewest base64 characters of a body: an Ed25519 key in PKCS#8 has 64.
const BODY_LEN_MIN: usize = 60;

/// Whether the armour holds the beginning of a key.
pub(super) fn pem(value: &[u8]) -> Verdict {
    let Some(armour) = Armour::split(value) else { return Verdict::Invalid };
    let headers_end = armour.body.windows(8).any(|w| w == b"DEK-Info" || w == b"ENCRYPTE");
    let Some(body) = base64_body(armour.body).filter(|b| b.len() >= BODY_LEN_MIN) else { return Verdict::Invalid };
    let Some(bytes) = decode_base64(&body) else { return Verdict::Invalid };
    match armour.label {
        b"OPENSSH PRIVATE KEY" => bytes.starts_with(b"openssh-key-v1\0").into(),
        b"PGP PRIVATE KEY BLOCK" => pgp(armour.body, &bytes),
        // A legacy encrypted body is ciphertext, which has no structure to check.
        _ if headers_end => Verdict::Valid,
        _ if rsa::is_inconsistent(&bytes) => Verdict::Invalid,
        _ => der_sequence(&bytes),
    }
}

/// Packets of OpenPGP begin with a set bit. Whoever altered a body or cut it off left its checksum as it was; a block without
/// one is as good as one with it.
fn pgp(body: &[u8], bytes: &[u8]) -> Verdict {
    match bytes.first().is_some_and(|tag| tag & 0x80 != 0) {
        true if key_file::pgp_sum(body, bytes) == Some(false) => Verdict::NotApplicable,
        is_packet => is_packet.into(),
    }
}

/// Turns a generated block into one whose body has the structure that its label promises.
pub(super) fn complete_pem(value: &str) -> Option<String> {
    let armour = Armour::split(value.as_bytes())?;
    let mut bytes = decode_base64(&base64_body(armour.body)?)?;
    let len = bytes.len();
    match armour.label {
        b"OPENSSH PRIVATE KEY" => bytes.get_mut(..15)?.copy_from_slice(b"openssh-key-v1\0"),
        b"PGP PRIVATE KEY BLOCK" => *bytes.first_mut()? = 0x95,
        _ => {
            let content = u16::try_from(len.checked_sub(4)?).ok()?.to_be_bytes();
            bytes.get_mut(..7)?.copy_from_slice(&[0x30, 0x82, content[0], content[1], 2, 1, 0]);
        }
    }
    let text = String::from_utf8_lossy(armour.body);
    let escape = ["\\n", "<br>"].into_iter().find(|end| text.contains(end)).unwrap_or("\n");
    let encoded = BASE64.encode(&bytes);
    let lines: Vec<&str> = encoded.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let (begin, end) = value.split_once(&*text)?;
    Some(format!("{begin}{escape}{}{escape}{end}", lines.join(escape)))
}

/// The label and what stands between the armour's lines. The end line may be cut off.
struct Armour<'a> {
    label: &'a [u8],
    body: &'a [u8],
}

impl<'a> Armour<'a> {
    fn split(value: &'a [u8]) -> Option<Self> {
        let after_begin = value.get(find(value, b"BEGIN ")? + 6..)?;
        let label_end = find(after_begin, b"-----")?;
        let rest = &after_begin[label_end + 5..];
        let body = &rest[..find(rest, b"-----END").unwrap_or(rest.len())];
        Some(Self { label: &after_begin[..label_end], body })
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}

/// The base64 characters of a body without line breaks, escapes, quotes, headers and the OpenPGP checksum; `None` when
/// another character shows that it is no key.
fn base64_body(body: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(body);
    let ends = ["\\\\n", "\\n", "\\u000a", "<br>", "<br/>", "<br />"];
    let unescaped = ends.iter().fold(text.into_owned(), |text, end| text.replace(end, "\n")).replace("\\r", "");
    let mut kept = Vec::new();
    for line in unescaped.lines() {
        let line = without_join(line.trim()).trim_matches(|c: char| c.is_whitespace() || "\"',>#|\\".contains(c));
        let is_header = line.contains(": ") || (line.starts_with('=') && line.len() == 5);
        if !is_header {
            kept.extend(line.bytes().filter(|b| !b.is_ascii_whitespace() && *b != b'\\'));
        }
    }
    let is_base64 = |b: &u8| b.is_ascii_alphanumeric() || b"+/=".contains(b);
    kept.iter().all(is_base64).then_some(kept)
}

/// Takes off the plus sign that joins the line's string literal to the next one. Base64 has plus signs of its own, so
/// only one behind a quote or a space counts.
fn without_join(line: &str) -> &str {
    line.strip_suffix('+').filter(|rest| rest.ends_with(['"', '\'', ' '])).unwrap_or(line)
}

/// A DER SEQUENCE (X.690 section 8.1) whose length fits: more content than announced is refused, less is a cut-off
/// copy.
fn der_sequence(bytes: &[u8]) -> Verdict {
    let [0x30, first, rest @ ..] = bytes else { return Verdict::Invalid };
    let length_len = match first {
        0x00..=0x7f => 0,
        0x81..=0x83 => usize::from(first & 0x0f),
        _ => return Verdict::Invalid,
    };
    let Some((length, content)) = rest.split_at_checked(length_len) else { return Verdict::NotApplicable };
    let announced = match length_len {
        0 => usize::from(*first),
        _ => length.iter().fold(0, |sum, b| sum << 8 | usize::from(*b)),
    };
    match content.len().cmp(&announced) {
        std::cmp::Ordering::Equal => Verdict::Valid,
        std::cmp::Ordering::Less => Verdict::NotApplicable,
        std::cmp::Ordering::Greater => Verdict::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(label: &str, body: &str) -> String {
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----")
    }

    fn der(len: usize) -> String {
        let mut bytes = vec![0x30, 0x82, (len >> 8) as u8, len as u8];
        bytes.resize(4 + len, 0x5a);
        BASE64.encode(&bytes)
    }

    #[test]
    fn keys_are_told_from_placeholders() {
        let good = block("RSA PRIVATE KEY", &der(300));
        let openssh =
            block("OPENSSH PRIVATE KEY", &BASE64.encode(&[b"openssh-key-v1\0".as_slice(), &[9; 90]].concat()));
        // Lines that start and end with a plus sign of the base64 itself.
        let joined_by_plus = BASE64
            .encode(&[&[0x30, 0x82, 0x00, 0x5f], [0xfb, 0xef, 0xbe].repeat(32).as_slice()].concat()[..99])
            .replacen("++++", "+\n+++", 3);
        let pgp = BASE64.encode(&[0x95; 48]);
        let legacy = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n".to_owned() + &"Ab3/".repeat(40);
        let rows = [
            (good.clone(), Verdict::Valid),
            (good.replace('\n', "\\n"), Verdict::Valid),
            (good.replace('\n', "\\\\n"), Verdict::Valid),
            (good.replace('\n', "<br>"), Verdict::Valid),
            (good.replace('\n', "<br />\n"), Verdict::Valid),
            (good.replace('\n', "\" +\n  \""), Verdict::Valid),
            (block("PRIVATE KEY", &joined_by_plus), Verdict::Valid),
            (openssh, Verdict::Valid),
            (block("RSA PRIVATE KEY", &legacy), Verdict::Valid),
            (block("PRIVATE KEY", &der(900)[..120]), Verdict::NotApplicable),
            (block("PGP PRIVATE KEY BLOCK", &pgp), Verdict::Valid),
            (block("PGP PRIVATE KEY BLOCK", &format!("{pgp}\n=qnVo")), Verdict::Valid),
            (block("PGP PRIVATE KEY BLOCK", &format!("{pgp}\n=qnVA")), Verdict::NotApplicable),
            (block("PGP PRIVATE KEY BLOCK", &pgp.replace("lZWV", "AAAA")), Verdict::Invalid),
            (block("PRIVATE KEY", &"anything".repeat(12)), Verdict::Invalid),
            (block("PRIVATE KEY", "..."), Verdict::Invalid),
            (block("PRIVATE KEY", "anything"), Verdict::Invalid),
            (block("OPENSSH PRIVATE KEY", &der(300)), Verdict::Invalid),
            ("-----BEGIN OPENSSH PRIVATE KEY----------END OPENSSH PRIVATE KEY-----".to_owned(), Verdict::Invalid),
            (String::new(), Verdict::Invalid),
        ];
        for (value, expected) in rows {
            assert_eq!(pem(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn generated_blocks_become_keys() {
        let body = "Ab3/".repeat(80);
        for label in ["RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK", "ENCRYPTED PRIVATE KEY"] {
            for text in [block(label, &body), block(label, &body).replace('\n', "\\n")] {
                let made = complete_pem(&text).expect("block");
                assert_eq!(pem(made.as_bytes()), Verdict::Valid, "{made}");
            }
        }
    }
}
