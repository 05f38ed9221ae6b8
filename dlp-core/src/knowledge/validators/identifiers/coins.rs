//! Addresses of cryptocurrencies: base58check, bech32 and the mixed-case checksum of Ethereum.

use super::keccak::keccak_256;
use sha2::{Digest, Sha256};

const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// Bytes of an address: version, 20 bytes of hash, four of checksum.
const ADDRESS_LEN: usize = 25;

/// Bitcoin address: base58check of version 0 or 5, or segregated witness (BIP 173, BIP 350).
pub(super) fn bitcoin(value: &[u8]) -> Option<bool> {
    if value.len() > 3 && value[..3].eq_ignore_ascii_case(b"bc1") {
        return segwit(value, b"bc");
    }
    Some(matches!(base58check(value)?, 0x00 | 0x05))
}

/// Litecoin address.
pub(super) fn litecoin(value: &[u8]) -> Option<bool> {
    if value.len() > 4 && value[..4].eq_ignore_ascii_case(b"ltc1") {
        return segwit(value, b"ltc");
    }
    Some(matches!(base58check(value)?, 0x30 | 0x32))
}

/// Dogecoin address.
pub(super) fn dogecoin(value: &[u8]) -> Option<bool> {
    Some(matches!(base58check(value)?, 0x1e | 0x16))
}

/// Tron address.
pub(super) fn tron(value: &[u8]) -> Option<bool> {
    Some(base58check(value)? == 0x41)
}

/// XRP account: base58check in an alphabet of its own.
pub(super) fn xrp(value: &[u8]) -> Option<bool> {
    const ALPHABET: &[u8] = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";
    Some(base58check_of(ALPHABET, value)? == 0x00)
}

/// Monero address, also with a payment id: blocks of eleven characters for eight bytes, Keccak-256 over all but the
/// last four bytes.
pub(super) fn monero(value: &[u8]) -> Option<bool> {
    /// Bytes of an address with a payment id.
    const LEN_MAX: usize = 77;
    let len = match value.len() {
        95 => 69,
        106 => LEN_MAX,
        _ => return None,
    };
    let mut bytes = [0; LEN_MAX];
    for (block, slot) in value.chunks(11).zip(bytes[..len].chunks_mut(8)) {
        let number = block.iter().try_fold(0u128, |number, character| {
            Some(number * 58 + BASE58.iter().position(|known| known == character)? as u128)
        })?;
        let tail = &number.to_be_bytes()[16 - slot.len()..];
        if number >> (8 * slot.len()) != 0 {
            return Some(false);
        }
        slot.copy_from_slice(tail);
    }
    let (body, checksum) = bytes[..len].split_at(len - 4);
    Some(matches!(body[0], 18 | 19 | 42) && keccak_256(body)?[..4] == *checksum)
}

/// Solana account: base58 of exactly 32 bytes; it has no checksum.
pub(super) fn solana(value: &[u8]) -> Option<bool> {
    let mut bytes = [0u8; 32];
    for character in value {
        let mut carry = BASE58.iter().position(|known| known == character)?;
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry != 0 {
            return Some(false);
        }
    }
    let classes = [u8::is_ascii_digit, u8::is_ascii_uppercase, u8::is_ascii_lowercase];
    let mixed = classes.iter().all(|class| value.iter().any(class));
    Some(mixed && bytes[0] != 0)
}

/// The version byte of a 25-byte address whose double SHA-256 checksum holds.
fn base58check(value: &[u8]) -> Option<u8> {
    base58check_of(BASE58, value)
}

/// The same in another order of the alphabet.
fn base58check_of(alphabet: &[u8], value: &[u8]) -> Option<u8> {
    let mut bytes = [0u8; ADDRESS_LEN];
    for character in value {
        let mut carry = alphabet.iter().position(|known| known == character)?;
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry != 0 {
            return None;
        }
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let ones = value.iter().take_while(|byte| alphabet.first() == Some(byte)).count();
    let checksum = Sha256::digest(Sha256::digest(&bytes[..21]));
    (zeros == ones && checksum[..4] == bytes[21..]).then_some(bytes[0])
}

/// A bech32 address: constant 1 for witness version 0, the one of bech32m above it; program lengths of BIP 141.
fn segwit(value: &[u8], prefix: &[u8]) -> Option<bool> {
    if value.iter().any(u8::is_ascii_uppercase) && value.iter().any(u8::is_ascii_lowercase) {
        return Some(false);
    }
    let high = prefix.iter().map(|byte| byte >> 5);
    let low = prefix.iter().map(|byte| byte & 31);
    let head = high.chain([0]).chain(low).fold(1, polymod);
    let data = value.get(prefix.len() + 1..)?;
    let mut sum = head;
    for byte in data {
        sum = polymod(sum, BECH32.iter().position(|known| *known == byte.to_ascii_lowercase())? as u8);
    }
    let version = BECH32.iter().position(|known| *known == data[0].to_ascii_lowercase())?;
    let program_len = data.len().checked_sub(7)? * 5 / 8;
    Some(match version {
        0 => sum == 1 && matches!(program_len, 20 | 32),
        1..=16 => sum == 0x2bc8_30a3 && (2..=40).contains(&program_len),
        _ => false,
    })
}

fn polymod(sum: u32, value: u8) -> u32 {
    const GENERATORS: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let top = sum >> 25;
    let shifted = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
    GENERATORS.iter().enumerate().filter(|(bit, _)| top >> bit & 1 == 1).fold(shifted, |sum, (_, g)| sum ^ g)
}

/// Ethereum address with mixed case, EIP-55: a letter is upper case where the hash of the lower-case text has a digit
/// of eight or more. `None` when all letters have one case, which carries no checksum.
pub(super) fn ethereum(value: &[u8]) -> Option<bool> {
    let hex: [u8; 40] = value.strip_prefix(b"0x")?.try_into().ok()?;
    if !(hex.iter().any(u8::is_ascii_uppercase) && hex.iter().any(u8::is_ascii_lowercase)) {
        return None;
    }
    let hash = keccak_256(&hex.map(|byte| byte.to_ascii_lowercase()))?;
    let nibble = |at: usize| hash[at / 2] >> if at.is_multiple_of(2) { 4 } else { 0 } & 15;
    Some(
        hex.iter()
            .enumerate()
            .all(|(at, byte)| byte.is_ascii_digit() || byte.is_ascii_uppercase() == (nibble(at) >= 8)),
    )
}
