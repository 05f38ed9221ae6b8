//! Tokens that end in a checksum of themselves.
//!
//! Vendors add a checksum so that scanners can tell a token from a look-alike without a network. Nearly all agree on
//! CRC-32 (IEEE 802.3, reflected, as in zlib) and differ in what is summed and in how the sum is written. Each check
//! cites where its layout was published or how it was confirmed.

use super::super::Verdict;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The number in base `base`, most significant digit first, padded with `0` to `width`; bases above 36 count upper case
/// before lower case, base 36 is written in lower case.
fn positional(mut number: u32, base: u32, width: usize) -> String {
    let mut out = vec![b'0'; width];
    for place in out.iter_mut().rev() {
        *place = DIGITS[(number % base) as usize];
        number /= base;
    }
    let text = String::from_utf8_lossy(&out).into_owned();
    if base <= 36 { text.to_ascii_lowercase() } else { text }
}

/// Splits off the last `tail` bytes.
fn split_tail(value: &[u8], tail: usize) -> Option<(&[u8], &[u8])> {
    value.len().checked_sub(tail).map(|at| value.split_at(at))
}

/// The part behind the first `_`, which ends the prefix of GitHub, npm, Vercel and Cloudflare tokens.
fn after_prefix(value: &[u8]) -> Option<&[u8]> {
    let at = value.iter().position(|b| *b == b'_')?;
    value.get(at + 1..)
}

/// A token whose last six characters are the checksum of the characters between prefix and checksum, in base 62.
fn base62_tail(value: &[u8]) -> Option<bool> {
    let (body, sum) = split_tail(after_prefix(value)?, 6)?;
    Some(positional(crc32fast::hash(body), 62, 6).as_bytes() == sum)
}

/// GitHub's `ghp_`, `gho_`, `ghu_`, `ghr_`: the layout that GitHub published in April 2021. Installation tokens
/// (`ghs_`) are issued by several services and not all of them fill the checksum, so a mismatch says nothing there.
pub(super) fn github(value: &[u8]) -> Verdict {
    match base62_tail(value) {
        Some(true) => Verdict::Valid,
        Some(false) if value.starts_with(b"ghs_") => Verdict::NotApplicable,
        _ => Verdict::Invalid,
    }
}

/// npm's `npm_`: the layout of GitHub's tokens, confirmed on published samples.
pub(super) fn npm(value: &[u8]) -> Verdict {
    base62_tail(value).unwrap_or(false).into()
}

/// Vercel's `vcp_`, `vci_`, `vca_`, `vcr_`, `vck_`: same layout; a mismatch is taken as unknown, because the layout is
/// confirmed on few samples.
pub(super) fn vercel(value: &[u8]) -> Verdict {
    if base62_tail(value) == Some(true) { Verdict::Valid } else { Verdict::NotApplicable }
}

/// Completes the six check characters of the tokens above.
pub(super) fn complete_base62(value: &str) -> Option<String> {
    let (body, _) = split_tail(after_prefix(value.as_bytes())?, 6)?;
    let kept = value.get(..value.len() - 6)?;
    Some(format!("{kept}{}", positional(crc32fast::hash(body), 62, 6)))
}

/// Atlassian Cloud (`ATATT3x…`, `ATCTT3x…`) and Bitbucket app passwords (`ATBB…`): the last eight characters are the
/// checksum of all before them, as upper-case hexadecimal. Confirmed on published samples.
pub(super) fn atlassian(value: &[u8]) -> Verdict {
    let Some((body, sum)) = split_tail(value, 8) else { return Verdict::Invalid };
    (format!("{:08X}", crc32fast::hash(body)).as_bytes() == sum).into()
}

/// Completes the check characters of an Atlassian token.
pub(super) fn complete_atlassian(value: &str) -> Option<String> {
    let kept = value.get(..value.len().checked_sub(8)?)?;
    Some(format!("{kept}{:08X}", crc32fast::hash(kept.as_bytes())))
}

/// Cloudflare's `cfut_`, `cfat_`, `cfk_`: eight lower-case hexadecimal digits over the characters between prefix and
/// checksum.
pub(super) fn cloudflare(value: &[u8]) -> Verdict {
    let Some((body, sum)) = after_prefix(value).and_then(|rest| split_tail(rest, 8)) else { return Verdict::Invalid };
    (format!("{:08x}", crc32fast::hash(body)).as_bytes() == sum).into()
}

/// Completes the check characters of a Cloudflare token.
pub(super) fn complete_cloudflare(value: &str) -> Option<String> {
    let (body, _) = split_tail(after_prefix(value.as_bytes())?, 8)?;
    Some(format!("{}{:08x}", value.get(..value.len() - 8)?, crc32fast::hash(body)))
}

/// Splits a token at its last `_`.
fn split_last_underscore(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = value.iter().rposition(|b| *b == b'_')?;
    Some((&value[..at], &value[at + 1..]))
}

/// Grafana service account tokens (`glsa_`): checksum of all before the last `_`, little-endian bytes in hexadecimal.
/// Published in Grafana's source (`satokengen`).
pub(super) fn grafana(value: &[u8]) -> Verdict {
    let Some((body, sum)) = split_last_underscore(value) else { return Verdict::Invalid };
    (format!("{:08x}", crc32fast::hash(body).swap_bytes()).as_bytes() == sum).into()
}

/// Completes the check characters of a Grafana token.
pub(super) fn complete_grafana(value: &str) -> Option<String> {
    let (body, _) = split_last_underscore(value.as_bytes())?;
    let kept = value.get(..body.len())?;
    Some(format!("{kept}_{:08x}", crc32fast::hash(body).swap_bytes()))
}

/// Zuplo API keys (`zpka_`): checksum of the characters between prefix and last `_`, lower-case hexadecimal. Published
/// in Zuplo's documentation of its key format.
pub(super) fn zuplo(value: &[u8]) -> Verdict {
    let parts = split_last_underscore(value).and_then(|(head, sum)| Some((after_prefix(head)?, sum)));
    let Some((body, sum)) = parts else { return Verdict::Invalid };
    (format!("{:08x}", crc32fast::hash(body)).as_bytes() == sum).into()
}

/// Completes the check characters of a Zuplo key.
pub(super) fn complete_zuplo(value: &str) -> Option<String> {
    let (head, _) = split_last_underscore(value.as_bytes())?;
    let body = after_prefix(head)?;
    Some(format!("{}_{:08x}", value.get(..head.len())?, crc32fast::hash(body)))
}

/// Confluent Cloud secrets (`cflt`): the last six characters are the start of the base64 of the little-endian checksum
/// of the 54 characters after the prefix. Published by Confluent for secret scanning.
pub(super) fn confluent(value: &[u8]) -> Verdict {
    let (Some(body), Some(sum)) = (value.get(4..58), value.get(58..64)) else { return Verdict::Invalid };
    (confluent_sum(body).as_bytes() == sum).into()
}

fn confluent_sum(body: &[u8]) -> String {
    let mut text = data_encoding::BASE64.encode(&crc32fast::hash(body).to_le_bytes());
    text.truncate(6);
    text
}

/// Completes the check characters of a Confluent secret.
pub(super) fn complete_confluent(value: &str) -> Option<String> {
    let kept = value.get(..58)?;
    Some(format!("{kept}{}", confluent_sum(kept.get(4..)?.as_bytes())))
}

/// GitLab's routable tokens of version 01 (`….01.LLCCCCCCC`): seven base-36 digits over everything before them.
/// Published in GitLab's token documentation. Older forms of the tokens carry no checksum.
pub(super) fn gitlab_routable(value: &[u8]) -> Verdict {
    let is_versioned = value.len() > 14 && value.get(value.len() - 13..value.len() - 9) == Some(b".01.".as_slice());
    let Some((body, sum)) = split_tail(value, 7).filter(|_| is_versioned) else { return Verdict::NotApplicable };
    (positional(crc32fast::hash(body), 36, 7).as_bytes() == sum).into()
}

/// Completes the check characters of a routable token.
pub(super) fn complete_gitlab_routable(value: &str) -> Option<String> {
    let kept = value.get(..value.len().checked_sub(7)?)?;
    Some(format!("{kept}{}", positional(crc32fast::hash(kept.as_bytes()), 36, 7)))
}

/// NATS nkey seeds: 36 bytes in base32, two of prefix, 32 of seed, and the CRC-16 (XMODEM) of both, little-endian, as
/// in the project's published code.
pub(super) fn nats_nkey(value: &[u8]) -> Verdict {
    let Ok(bytes) = data_encoding::BASE32_NOPAD.decode(value) else { return Verdict::Invalid };
    let Some((body, sum)) = split_tail(&bytes, 2) else { return Verdict::Invalid };
    (crc16_xmodem(body).to_le_bytes() == sum).into()
}

/// Completes the checksum of a seed.
pub(super) fn complete_nats_nkey(value: &str) -> Option<String> {
    // The last character is part of the checksum and carries two bits that must be zero.
    let kept = value.get(..value.len().checked_sub(1)?)?;
    let mut bytes = data_encoding::BASE32_NOPAD.decode(format!("{kept}A").as_bytes()).ok()?;
    let at = bytes.len().checked_sub(2)?;
    let sum = crc16_xmodem(&bytes[..at]).to_le_bytes();
    bytes[at..].copy_from_slice(&sum);
    Some(data_encoding::BASE32_NOPAD.encode(&bytes))
}

/// CRC-16 with the polynomial 0x1021, no reflection and no start value.
fn crc16_xmodem(bytes: &[u8]) -> u16 {
    let bit = |sum: u16| if sum & 0x8000 == 0 { sum << 1 } else { (sum << 1) ^ 0x1021 };
    bytes.iter().fold(0, |sum, byte| (0..8).fold(sum ^ u16::from(*byte) << 8, |sum, _| bit(sum)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_written_as_published() {
        let hello = crc32fast::hash(b"hello");
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
        assert_eq!(positional(hello, 62, 6), "0zNvy2");
        assert_eq!(positional(hello, 36, 7), "0f01gna");
        assert_eq!(positional(crc32fast::hash(&[b'A'; 30]), 62, 6), "0uCPlr");
        assert_eq!(format!("{:08x}", hello.swap_bytes()), "86a61036");
        assert_eq!(confluent_sum(b"hello"), "hqYQNg");
        assert_eq!(crc16_xmodem(b"123456789"), 0x31c3);
    }

    type Row = (&'static str, fn(&[u8]) -> Verdict, fn(&str) -> Option<String>);

    #[test]
    fn completed_tokens_pass_and_altered_ones_fail() {
        let rows: &[(&str, Row)] = &[
            ("A".repeat(36).leak(), ("ghp_", github, complete_base62)),
            ("b7".repeat(38).leak(), ("ghr_", github, complete_base62)),
            ("Zz9".repeat(12).leak(), ("npm_", npm, complete_base62)),
            ("q1".repeat(28).leak(), ("vcp_", vercel, complete_base62)),
            ("abcDEF_-123=00000000", ("ATATT3xFfGF0", atlassian, complete_atlassian)),
            ("k3".repeat(24).leak(), ("cfut_", cloudflare, complete_cloudflare)),
            ("0123456789abcdefghijABCDEFGHIJ01_00000000", ("glsa_", grafana, complete_grafana)),
            ("0123456789abcdefghijabcdefghij01_00000000", ("zpka_", zuplo, complete_zuplo)),
            ("x/9+".repeat(15).leak(), ("cflt", confluent, complete_confluent)),
            ("2ABCDEF7".repeat(7).leak(), ("SU", nats_nkey, complete_nats_nkey)),
            (
                "aB3_-".repeat(6).leak(),
                ("glpat-", gitlab_routable, |v| complete_gitlab_routable(&format!("{v}.01.0u0000000"))),
            ),
        ];
        for (body, (prefix, verdict, complete)) in rows {
            let token = complete(&format!("{prefix}{body}")).expect("shape");
            assert_eq!(verdict(token.as_bytes()), Verdict::Valid, "{token}");
            let last = if token.ends_with('1') { "2" } else { "1" };
            let altered = format!("{}{last}", &token[..token.len() - 1]);
            assert_ne!(verdict(altered.as_bytes()), Verdict::Valid, "{altered}");
        }
    }

    #[test]
    fn layouts_without_certain_checksum_are_left_open() {
        type Row = (&'static [u8], fn(&[u8]) -> Verdict, Verdict);
        let rows: &[Row] = &[
            (concat!("ghs_", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").as_bytes(), github, Verdict::NotApplicable),
            (concat!("glpat-", "AAAAAAAAAAAAAAAAAAAA").as_bytes(), gitlab_routable, Verdict::NotApplicable),
            (b"vcp_AAAAAAAAAAAAAA", vercel, Verdict::NotApplicable),
            (b"ghp_", github, Verdict::Invalid),
            (b"", atlassian, Verdict::Invalid),
            (b"", nats_nkey, Verdict::Invalid),
        ];
        for (value, verdict, expected) in rows {
            assert_eq!(verdict(value), *expected, "{}", String::from_utf8_lossy(value));
        }
    }
}
