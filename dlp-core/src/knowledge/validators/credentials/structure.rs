//! Keys with arithmetic inside: AWS access key ids, keys of swarms, BitLocker recovery keys, Cisco type 7 passwords.

use super::super::Verdict;
use super::password;
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};

/// AWS access key ids issued since 2019 hold the account number: the sixteen characters are base32, and bits 7 to 46 of
/// the first six bytes are the account, which has at most twelve digits. Published by A. Vaughan, 2023. Older ids,
/// whose first character is below Q, hold none. Those of manuals say `EXAMPLE`.
pub(super) fn aws_access_key_id(value: &[u8]) -> Verdict {
    let Some(body) = value.get(value.len().saturating_sub(16)..).filter(|b| b.len() == 16) else {
        return Verdict::Invalid;
    };
    let Ok(bytes) = data_encoding::BASE32_NOPAD.decode(body) else { return Verdict::Invalid };
    if body.windows(7).any(|part| part == b"EXAMPLE") {
        return Verdict::Invalid;
    }
    if !matches!(body[0], b'Q'..=b'Z' | b'2'..=b'7') {
        return Verdict::NotApplicable;
    }
    let number = bytes.iter().take(6).fold(0u64, |sum, b| sum << 8 | u64::from(*b));
    ((number & 0x7fff_ffff_ff80) >> 7 <= 999_999_999_999).into()
}

/// Writes a plausible account number into a generated id.
pub(super) fn complete_aws_access_key_id(value: &str) -> Option<String> {
    let at = value.len().checked_sub(16)?;
    let mut bytes = data_encoding::BASE32_NOPAD.decode(value.get(at..)?.as_bytes()).ok()?;
    // 0x8f keeps the first character above Q and the account below twelve nines.
    *bytes.first_mut()? = 0x8f;
    *bytes.get_mut(1)? = 0x2a;
    Some(format!("{}{}", value.get(..at)?, data_encoding::BASE32_NOPAD.encode(&bytes)))
}

/// Digits of the two parts of a token with which machines join a swarm, each the greatest number that the bytes of it can be:
/// a SHA-256, and 16 drawn bytes.
const SWARM_PARTS_MAX: [&[u8]; 2] =
    [b"6dp5qcb22im238nr3wvp0ic7q99w035jmy2iw7i6n43d37jtof", b"f5lxx1zz5pnorynqglhzmsp33"];

/// Keys of a Docker swarm, as its source writes them: `SWMTKN-1-` and two numbers in base 36, or `SWMKEY-1-` and 32 bytes in
/// base 64 without padding.
pub(super) fn swarm_key(value: &[u8]) -> Verdict {
    if password::prefixed(value) == Verdict::Invalid {
        return Verdict::Invalid;
    }
    let is_issued = match value.strip_prefix(b"SWMTKN-1-") {
        // Digits of base 36 are in the order of ASCII.
        Some(parts) => parts.split(|byte| *byte == b'-').zip(SWARM_PARTS_MAX).all(|(part, max)| part <= max),
        None => value.get(9..).is_some_and(|body| BASE64_NOPAD.decode(body).is_ok()),
    };
    issued_or_doubtful(is_issued)
}

/// The token in the address of a space of Google Chat: 32 bytes in base 64 for addresses, whose padding may be escaped.
pub(super) fn chat_token(value: &[u8]) -> Verdict {
    let body = value.strip_suffix(b"%3D").or_else(|| value.strip_suffix(b"=")).unwrap_or(value);
    match password::prefixed(body) {
        Verdict::Invalid => Verdict::Invalid,
        _ => issued_or_doubtful(BASE64URL_NOPAD.decode(body).is_ok_and(|bytes| bytes.len() == 32)),
    }
}

fn issued_or_doubtful(is_issued: bool) -> Verdict {
    if is_issued { Verdict::Valid } else { Verdict::Doubtful }
}

/// BitLocker recovery passwords: eight groups of six digits, each divisible by 11 with a quotient of 16 bits
/// (MS-FVE, key protectors).
pub(super) fn bitlocker(value: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(value);
    let is_group = |g: &str| g.len() == 6 && g.parse::<u32>().is_ok_and(|n| n % 11 == 0 && n / 11 < 65_536);
    (text.split('-').count() == 8 && text.split('-').all(is_group)).into()
}

/// Makes every group divisible by 11.
pub(super) fn complete_bitlocker(value: &str) -> Option<String> {
    let group = |g: &str| g.parse::<u32>().ok().map(|n| format!("{:06}", n % 65_536 * 11));
    Some(value.split('-').map(group).collect::<Option<Vec<_>>>()?.join("-"))
}

/// Cisco type 7 passwords are the text XORed with a published key from a two-digit offset on; the result must be
/// printable. The key stands in many analyses of IOS since 1995.
pub(super) fn cisco_type7(value: &[u8]) -> Verdict {
    const KEY: &[u8; 53] = b"dsfd;kfoA,.iyewrkldJKDHSUBsgvca69834ncxv9873254k;fg87";
    let text = String::from_utf8_lossy(value);
    let Some((offset, body)) = text.split_at_checked(2) else { return Verdict::Invalid };
    let Ok(bytes) = data_encoding::HEXUPPER_PERMISSIVE.decode(body.as_bytes()) else { return Verdict::Invalid };
    let Some(offset) = offset.parse::<usize>().ok().filter(|o| *o < 16) else { return Verdict::Invalid };
    let key = KEY.iter().cycle().skip(offset);
    let is_printable = bytes.iter().zip(key).all(|(b, k)| matches!(b ^ k, 0x20..=0x7e));
    (is_printable && !bytes.is_empty()).into()
}

/// What the Data Protection API of Windows encrypts, in hexadecimal: version 1 and the id of its provider
/// (df9d8cd0-1501-11d1-8c7a-00c04fc297eb), as analyses of its blobs have them since 2001.
pub(super) fn data_protection_blob(value: &[u8]) -> Verdict {
    const START: &[u8] = b"01000000D08C9DDF0115D1118C7A00C04FC297EB";
    value.get(..START.len()).is_some_and(|start| start.eq_ignore_ascii_case(START)).into()
}

/// Structure in front and a key, a ciphertext or a certificate behind, of which half the bytes are above ASCII.
/// Programs hold the same structures as constants, before text or nothing; of drawn bytes, one body in a thousand has
/// so few.
pub(super) fn binary_body(value: &[u8]) -> Verdict {
    let body = &value[value.len() / 2..];
    (body.iter().filter(|byte| **byte >= 0x80).count() * 5 >= body.len()).into()
}

/// Fewest codes of a list.
const CODES_MIN: usize = 5;

/// A list of codes: all of one shape, nearly all different, and digits in more than half of them. Numbers and marks of
/// the list itself do not count.
pub(super) fn code_list(value: &[u8]) -> Verdict {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let words = value.split(|byte| !is_part(byte)).map(|word| word.strip_prefix(b"-").unwrap_or(word));
    let codes: Vec<&[u8]> = words.filter(|word| word.len() > 2).collect();
    let dashes = |code: &[u8]| -> Vec<usize> {
        code.iter().enumerate().filter(|(_, b)| **b == b'-').map(|(at, _)| at).collect()
    };
    let is_like = |a: &[u8], b: &[u8]| a.len() == b.len() && dashes(a) == dashes(b);
    let mut different = codes.clone();
    different.sort_unstable();
    different.dedup();
    let with_digits = codes.iter().filter(|code| code.iter().any(u8::is_ascii_digit)).count();
    let is_list = codes.len() >= CODES_MIN
        && codes.windows(2).all(|pair| is_like(pair[0], pair[1]))
        && different.len() * 4 >= codes.len() * 3
        && with_digits * 2 > codes.len();
    is_list.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_follow_their_published_layout() {
        type Row = (fn(&[u8]) -> Verdict, &'static str, Verdict);
        let rows: &[Row] = &[
            (aws_access_key_id, concat!("AKIA", "RZPUZDIKAAAAAAAA"), Verdict::Valid),
            (aws_access_key_id, concat!("AKIA", "7777777777777777"), Verdict::Invalid),
            (aws_access_key_id, concat!("AKIA", "I44QH8DHBEXAMPLE"), Verdict::Invalid),
            (aws_access_key_id, concat!("AKIA", "A4AQHADHBABCDEFG"), Verdict::NotApplicable),
            (aws_access_key_id, concat!("AKIA", "IESZCNJ3OEXAMPLE"), Verdict::Invalid),
            (aws_access_key_id, "", Verdict::Invalid),
            // The token of Docker's manual, and both parts at and beyond their greatest numbers.
            (
                swarm_key,
                "SWMTKN-1-49nj1cmql0jkz5s954yi3oex3nedyz0fb0xx14ie39trti4wxv-8vxv8rssmk743ojnwacrr2e7c",
                Verdict::Valid,
            ),
            (
                swarm_key,
                "SWMTKN-1-6dp5qcb22im238nr3wvp0ic7q99w035jmy2iw7i6n43d37jtof-f5lxx1zz5pnorynqglhzmsp33",
                Verdict::Valid,
            ),
            (
                swarm_key,
                "SWMTKN-1-6dp5qcb22im238nr3wvp0ic7q99w035jmy2iw7i6n43d37jtog-8vxv8rssmk743ojnwacrr2e7c",
                Verdict::Doubtful,
            ),
            (
                swarm_key,
                "SWMTKN-1-49nj1cmql0jkz5s954yi3oex3nedyz0fb0xx14ie39trti4wxv-f5lxx1zz5pnorynqglhzmsp34",
                Verdict::Doubtful,
            ),
            (swarm_key, concat!("SWMKEY-1-", "7c37Cc8654o6p38HnroywCi19pllOnGtbdZEgtKxZu8"), Verdict::Valid),
            (swarm_key, concat!("SWMKEY-1-", "7c37Cc8654o6p38HnroywCi19pllOnGtbdZEgtKxZu9"), Verdict::Doubtful),
            (swarm_key, "SWMKEY-1-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", Verdict::Invalid),
            (chat_token, "7c37Cc8654o6p38HnroywCi19pllOnGtbdZEgtKxZ_8%3D", Verdict::Valid),
            (chat_token, "7c37Cc8654o6p38HnroywCi19pllOnGtbdZEgtKxZ_9%3D", Verdict::Doubtful),
            (chat_token, "7c37Cc8654o6p38HnroywCi19pllOnGtbdZEgtKxZ-8", Verdict::Valid),
            (chat_token, "your-token-of-the-space-goes-here-and-nowhere", Verdict::Invalid),
            (bitlocker, "000011-000022-000033-000044-720885-000066-000077-000088", Verdict::Valid),
            (bitlocker, "000012-000022-000033-000044-720885-000066-000077-000088", Verdict::Invalid),
            (bitlocker, "000011-000022", Verdict::Invalid),
            (code_list, "1. 4f1a-9b22\n2. 77c0-1d3e\n3. a41b-0c9d\n4. 5e6f-8a7b\n5. 2d3c-4b5a", Verdict::Valid),
            (code_list, "\"12345678\", \"23456781\", \"87654321\", \"11223344\", \"99887766\"", Verdict::Valid),
            (code_list, "12345678, 23456781", Verdict::Invalid),
            (code_list, "1111 1111 1111 1111 1111 1111", Verdict::Invalid),
            (code_list, "list show copy save drop", Verdict::Invalid),
            (code_list, "1234 5678 90123 45 6789 0000", Verdict::Invalid),
            (code_list, "", Verdict::Invalid),
            (cisco_type7, "02050D480809", Verdict::Valid),
            (cisco_type7, "99050D480809", Verdict::Invalid),
            (cisco_type7, "02FFFFFFFFFF", Verdict::Invalid),
            (cisco_type7, "", Verdict::Invalid),
            (data_protection_blob, "01000000d08c9ddf0115d1118c7a00c04fc297eb01", Verdict::Valid),
            (data_protection_blob, "01000000d08c9ddf0115d1118c7a00c04fc297ec01", Verdict::Invalid),
            (data_protection_blob, "01000000", Verdict::Invalid),
        ];
        for (check, value, expected) in rows {
            assert_eq!(check(value.as_bytes()), *expected, "{value}");
        }
        let made = complete_aws_access_key_id(concat!("AKIA", "ABCDEFGHIJKLMNOP")).expect("base32");
        assert_eq!(aws_access_key_id(made.as_bytes()), Verdict::Valid, "{made}");
        let made = complete_bitlocker("123456-234567-345678-456789-567890-678901-789012-890123").expect("digits");
        assert_eq!(bitlocker(made.as_bytes()), Verdict::Valid, "{made}");
    }

    #[test]
    fn keys_have_bytes_that_text_has_not() {
        let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70];
        let drawn: Vec<u8> = (0..40u8).map(|n| n.wrapping_mul(97).wrapping_add(13)).collect();
        let rows =
            [(drawn.as_slice(), true), (&b"')  # the header of a key, in DER, then"[..], false), (&[0; 40], false)];
        for (body, expected) in rows {
            assert_eq!(binary_body(&[&head, body].concat()), Verdict::from(expected), "{body:02x?}");
        }
    }
}
