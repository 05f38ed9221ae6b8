//! Devices, networks and vehicles.

use super::compact::{Compact, alnum, digit, digits, two};
use super::sums::luhn;
use std::net::{Ipv4Addr, Ipv6Addr};

/// IMEI, 3GPP TS 23.003: reporting body and Luhn.
pub(super) fn imei(value: &[u8]) -> Option<bool> {
    let d = digits::<15>(value)?;
    let body = matches!(two(&d, 0), 1 | 10 | 30 | 33 | 35 | 44 | 45 | 49..=54 | 86 | 91 | 98 | 99);
    Some(body && luhn(&d))
}

/// SIM card number (ICCID), ITU-T E.118: industry code 89 and Luhn.
pub(super) fn iccid(value: &[u8]) -> Option<bool> {
    let d = Compact::digits(value)?;
    Some(matches!(d.len(), 19 | 20) && d.starts_with(&[8, 9]) && luhn(&d))
}

/// Vehicle identification number, ISO 3779, with the check character of 49 CFR 565 in ninth place.
pub(super) fn vin(value: &[u8]) -> Option<bool> {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let c = alnum::<17>(value)?;
    let sum = c.iter().zip(WEIGHTS).try_fold(0, |sum, (byte, weight)| {
        let value = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'H' => byte - b'A' + 1,
            b'J'..=b'N' | b'P' | b'R' => byte - b'J' + 1,
            b'S'..=b'Z' => byte - b'S' + 2,
            _ => return None,
        };
        Some(sum + u32::from(value) * weight)
    })?;
    let check = b"0123456789X".get((sum % 11) as usize) == Some(&c[8]);
    // One letter before a number of sixteen digits is what programs count with.
    let mixed = c.iter().filter(|byte| byte.is_ascii_uppercase()).count() > 1
        && c[13..].iter().all(|byte| digit(*byte).is_some());
    Some(check && mixed)
}

/// Addresses that everybody knows and nobody has.
const PUBLIC_RESOLVERS: &[[u8; 4]] =
    &[[1, 0, 0, 1], [1, 1, 1, 1], [8, 8, 4, 4], [8, 8, 8, 8], [9, 9, 9, 9], [149, 112, 112, 112], [208, 67, 222, 222]];

/// Public IPv4 address: the special-purpose blocks of RFC 6890 name nobody.
pub(super) fn ipv4(value: &[u8]) -> Option<bool> {
    let address: Ipv4Addr = std::str::from_utf8(value).ok()?.parse().ok()?;
    let [a, b, c, d] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        // A network, or what looks like a version, names no machine.
        || d == 0
        || PUBLIC_RESOLVERS.contains(&[a, b, c, d])
        || matches!((a, b, c), (0 | 224.., ..) | (100, 64..=127, _) | (192, 0, 0) | (198, 18 | 19, _));
    Some(!special)
}

/// Public IPv6 address: global unicast that is not set aside for documentation.
pub(super) fn ipv6(value: &[u8]) -> Option<bool> {
    let address: Ipv6Addr = std::str::from_utf8(value).ok()?.parse().ok()?;
    let segments = address.segments();
    let documentation = (segments[0] == 0x2001 && segments[1] == 0xdb8) || segments[0] & 0xfff0 == 0x3ff0;
    let local = matches!(segments[0], 0 | 0xfc00..=0xfdff | 0xfe80..);
    // `fd::` in `std::os::fd::AsFd` is a path of names: an address has digits, on more than one place.
    let is_path = segments.iter().filter(|segment| **segment != 0).count() < 2;
    Some(!documentation && !local && !is_path && value.iter().any(u8::is_ascii_digit))
}

/// MAC address, IEEE 802: neither one repeated digit nor the documentation and virtual router blocks of RFC 7042.
pub(super) fn mac(value: &[u8]) -> Option<bool> {
    let c = alnum::<12>(value)?;
    let varied = c.windows(2).any(|pair| pair[0] != pair[1]);
    Some(c.iter().all(u8::is_ascii_hexdigit) && varied && !c.starts_with(b"00005E"))
}

/// MEID, 3GPP2 S.R0048: fourteen hexadecimal digits, with Luhn's test to the base sixteen when a fifteenth follows.
pub(super) fn meid(value: &[u8]) -> Option<bool> {
    let c = Compact::alnum(value)?;
    if !c.iter().all(u8::is_ascii_hexdigit) || !c.first()?.is_ascii_uppercase() {
        return Some(false);
    }
    let varied = c.windows(2).any(|pair| pair[0] != pair[1]);
    let sum = c.iter().rev().zip([1u32, 2].iter().cycle()).try_fold(0, |sum, (byte, weight)| {
        let product = u32::from(super::compact::letter_value(*byte)?) * weight;
        Some(sum + product / 16 + product % 16)
    })?;
    match c.len() {
        14 => Some(varied),
        15 => Some(varied && sum.is_multiple_of(16)),
        _ => None,
    }
}

/// IMSI, ITU-T E.212: a mobile country code that the plan assigns to a geographic area.
pub(super) fn imsi(value: &[u8]) -> Option<bool> {
    let d = Compact::digits(value)?;
    Some(matches!(d.len(), 14 | 15) && (202..=750).contains(&super::compact::number(&d[..3])))
}
