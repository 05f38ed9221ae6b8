//! Encrypted workbooks of 1997 to 2003: the record `FILEPASS`, behind which the content of records is encrypted.
//!
//! Three ways occur: bytes that are turned and crossed with a pattern, RC4 with a sum of MD5, and RC4 as CryptoAPI has
//! it, with SHA-1. The heads of records stay as they are, and so do a few records.

use super::{PASSWORD, wide_password};
use crate::base::bytes::{u16_le, u32_le};
use crate::content::cfb::excel::id::{BOF, BOUNDSHEET, FILEPASS};
use crate::content::cfb::records::Records;
use md5::{Digest as _, Md5};
use sha1::{Digest as _, Sha1};

const HEADER_BYTES: usize = 4;
/// Bytes after which RC4 begins anew with another key.
const BLOCK_BYTES: usize = 1024;
const VERIFIER_BYTES: usize = 16;
/// Records that are never encrypted besides the first two: those of shared workbooks, and the head of the interface.
const PLAIN_RECORDS: [u16; 5] = [0x00E1, 0x0138, 0x0194, 0x0195, 0x0196];
/// Of a sheet's record, where the sheet stands.
const PLAIN_SHEET_BYTES: usize = 4;

/// The stream in plain bytes, if the password opens it. `at` is where the record of the password stands. No record of a
/// password is left in it.
pub(in crate::content::cfb) fn open(stream: &[u8], at: usize, data: &[u8]) -> Option<Vec<u8>> {
    let mut cipher = Cipher::of(data)?;
    let mut opened = stream.to_vec();
    for record in Records::new(stream).skip_while(|record| record.at < at) {
        let kept = match record.id {
            FILEPASS => {
                // The record says nothing any more; without its number it is passed over.
                opened[record.at..record.at + 2].fill(0);
                continue;
            }
            BOF => continue,
            id if PLAIN_RECORDS.contains(&id) => continue,
            BOUNDSHEET => PLAIN_SHEET_BYTES.min(record.data.len()),
            _ => 0,
        };
        let start = record.at + HEADER_BYTES;
        let end = start + record.data.len();
        for (at, byte) in (start + kept..end).zip(&mut opened[start + kept..end]) {
            *byte = cipher.open(*byte, at, record.data.len());
        }
    }
    Some(opened)
}

enum Cipher {
    /// The pattern of bytes.
    Crossed([u8; 16]),
    Stream(Keys),
}

impl Cipher {
    /// The way of a file that the password opens.
    fn of(data: &[u8]) -> Option<Self> {
        match (u16_le(data, 0)?, u16_le(data, 2)?, u16_le(data, 4)) {
            (0, key, Some(verifier)) => (verifier == sum_of_password()).then(|| Self::Crossed(pattern(key))),
            (1, 1, Some(1)) => Keys::md5(data.get(6..)?).map(Self::Stream),
            (1, 2..=4, Some(2)) => Keys::sha1(data.get(6..)?).map(Self::Stream),
            _ => None,
        }
    }

    /// A byte in plain, by its place in the stream and the length of its record.
    fn open(&mut self, byte: u8, at: usize, record_bytes: usize) -> u8 {
        match self {
            // The pattern is entered where the record ends, and followed from its start.
            Self::Crossed(pattern) => (byte ^ pattern[(at + record_bytes) % 16]).rotate_right(5),
            Self::Stream(keys) => byte ^ keys.byte(at),
        }
    }
}

/// The sum that old files keep of a password.
fn sum_of_password() -> u16 {
    let len = [PASSWORD.len() as u8];
    let turned = |sum: u16| (sum << 1 & 0x7FFF) | (sum >> 14 & 1);
    len.iter().chain(PASSWORD.as_bytes()).rev().fold(0, |sum, byte| turned(sum) ^ u16::from(*byte)) ^ 0xCE4B
}

/// The pattern that bytes are crossed with: the password, filled to sixteen bytes, crossed with the key of the file.
fn pattern(key: u16) -> [u8; 16] {
    const FILLING: [u8; 1] = [0xBB];
    let mut pattern = [0; 16];
    let bytes = PASSWORD.bytes().chain(FILLING);
    for ((place, byte), key) in pattern.iter_mut().zip(bytes).zip(key.to_le_bytes().iter().cycle()) {
        *place = (byte ^ key).rotate_right(1);
    }
    pattern
}

/// Keys for the blocks of a stream.
struct Keys {
    sum: Sum,
    /// The block whose bytes are known.
    block: Option<usize>,
    bytes: Vec<u8>,
}

/// What the key of a block is made of.
enum Sum {
    Md5([u8; 5]),
    Sha1 { password: Vec<u8>, key_bytes: usize },
}

impl Keys {
    /// By the salt, the verifier and its sum.
    fn md5(data: &[u8]) -> Option<Self> {
        let (salt, rest) = data.split_at_checked(16)?;
        let password = Md5::digest(wide_password());
        let salted = [&password[..5], salt].concat().repeat(16);
        let mut base = [0; 5];
        base.copy_from_slice(&Md5::digest(salted)[..5]);
        let mut keys = Self { sum: Sum::Md5(base), block: None, bytes: Vec::new() };
        let opened = keys.verifier(rest.get(..2 * VERIFIER_BYTES)?);
        let (verifier, sum) = opened.split_at(VERIFIER_BYTES);
        (Md5::digest(verifier)[..] == *sum).then_some(keys)
    }

    /// By the header of CryptoAPI, behind it the verifier.
    fn sha1(data: &[u8]) -> Option<Self> {
        const RC4: u32 = 0x6801;
        const HEADER_AT: usize = 8;
        const SUM_BYTES: usize = 20;
        let header_bytes = u32_le(data, 4)? as usize;
        let key_bits = u32_le(data, HEADER_AT + 16).map(|bits| if bits == 0 { 40 } else { bits })?;
        let rest =
            data.get(HEADER_AT.checked_add(header_bytes)?..).filter(|_| u32_le(data, HEADER_AT + 8) == Some(RC4))?;
        let (salt, rest) = rest.get(4..)?.split_at_checked(u32_le(rest, 0)? as usize)?;
        let verifier = [rest.get(..VERIFIER_BYTES)?, rest.get(VERIFIER_BYTES + 4..)?.get(..SUM_BYTES)?].concat();
        let password = Sha1::new().chain_update(salt).chain_update(wide_password()).finalize().to_vec();
        let sum = Sum::Sha1 { password, key_bytes: (key_bits as usize / 8).clamp(1, 16) };
        let mut keys = Self { sum, block: None, bytes: Vec::new() };
        let opened = keys.verifier(&verifier);
        let (verifier, sum) = opened.split_at(VERIFIER_BYTES);
        (Sha1::digest(verifier)[..] == *sum).then_some(keys)
    }

    fn verifier(&mut self, bytes: &[u8]) -> Vec<u8> {
        bytes.iter().enumerate().map(|(at, byte)| byte ^ self.byte(at)).collect()
    }

    /// The byte that one at a place of the stream is crossed with.
    fn byte(&mut self, at: usize) -> u8 {
        let block = at / BLOCK_BYTES;
        if self.block != Some(block) {
            self.bytes = rc4(&self.sum.key(block as u32), BLOCK_BYTES);
            self.block = Some(block);
        }
        self.bytes[at % BLOCK_BYTES]
    }
}

impl Sum {
    fn key(&self, block: u32) -> Vec<u8> {
        match self {
            Self::Md5(base) => Md5::new().chain_update(base).chain_update(block.to_le_bytes()).finalize().to_vec(),
            Self::Sha1 { password, key_bytes } => {
                let sum = Sha1::new().chain_update(password).chain_update(block.to_le_bytes()).finalize();
                let mut key = sum[..*key_bytes].to_vec();
                // Keys of forty bits are filled with zeros.
                if key.len() == 5 {
                    key.resize(16, 0);
                }
                key
            }
        }
    }
}

/// The first bytes of the stream of RC4 with a key.
fn rc4(key: &[u8], len: usize) -> Vec<u8> {
    let mut state: [u8; 256] = std::array::from_fn(|index| index as u8);
    let mut other = 0_u8;
    for index in 0..256 {
        other = other.wrapping_add(state[index]).wrapping_add(key[index % key.len()]);
        state.swap(index, usize::from(other));
    }
    let (mut one, mut other) = (0_u8, 0_u8);
    let mut next = || {
        one = one.wrapping_add(1);
        other = other.wrapping_add(state[usize::from(one)]);
        state.swap(usize::from(one), usize::from(other));
        let sum = state[usize::from(one)].wrapping_add(state[usize::from(other)]);
        state[usize::from(sum)]
    };
    (0..len).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_bytes_are_those_of_the_specification() {
        // RFC 6229, keys of 40 and 128 bits, offset 0.
        let rows: [(&[u8], &[u8]); 2] = [
            (&[1, 2, 3, 4, 5], b"\xb2\x39\x63\x05\xf0\x3d\xc0\x27"),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], b"\x9a\xc7\xcc\x9a\x60\x9d\x1e\xf7"),
        ];
        for (key, expected) in rows {
            assert_eq!(rc4(key, 8), expected, "{key:?}");
        }
    }
}
