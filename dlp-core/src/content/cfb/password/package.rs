//! Encrypted packages of Office Open XML: the streams `EncryptionInfo` and `EncryptedPackage`.
//!
//! Newer files tell in XML how they are encrypted ("agile"), older ones in a record ("standard").

use super::wide_password;
use crate::base::bytes::{array, u16_le, u32_le};
use crate::content::budget::Budget;
use aes::cipher::{Array, BlockCipherDecrypt, BlockSizeUser, KeyInit};
use aes::{Aes128, Aes192, Aes256, Block};
use data_encoding::BASE64;
use quick_xml::events::{BytesStart, Event};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// Bytes of one block of AES; the last one is filled.
pub(in crate::content::cfb) const BLOCK_BYTES: usize = 16;
/// Rounds of a sum that make guessing slow. Programs write 100,000; more of them cost the reader, too.
const SPINS_MAX: u32 = 1 << 18;
const STANDARD_SPINS: u32 = 50_000;
/// In front of the encrypted bytes stands how many they are.
const LENGTH_BYTES: usize = 8;
/// Bytes that are chained to each other; each such piece begins anew.
const PIECE_BYTES: usize = 4096;
/// What a package starts with: it is a ZIP.
const PACKAGE_START: &[u8] = b"PK\x03\x04";
/// What fills sums that are shorter than what is made of them.
const FILLING: u8 = 0x36;
/// What tells the keys apart that are made of one password.
const FOR_VERIFIER: &[u8] = b"\xfe\xa7\xd2\x76\x3b\x4b\x9e\x79";
const FOR_SUM: &[u8] = b"\xd7\xaa\x0f\x6d\x30\x61\x34\x4e";
const FOR_KEY: &[u8] = b"\x14\x6e\x0b\xe7\xab\xac\xd0\xd6";

/// A package that was opened.
pub(in crate::content::cfb) struct Package {
    pub(in crate::content::cfb) content: Vec<u8>,
    /// What stands behind the stated length.
    pub(in crate::content::cfb) rest: Vec<u8>,
    /// Whether it is shorter than stated.
    pub(in crate::content::cfb) is_cut: bool,
}

/// The package, if the password opens it and it is one. The job pays for the rounds.
pub(in crate::content::cfb) fn open(info: &[u8], package: &[u8], budget: &Budget<'_>) -> Option<Package> {
    let stated = array(package, 0).map(u64::from_le_bytes)?;
    let encrypted = &package[LENGTH_BYTES..];
    let mut content = match (u16_le(info, 0)?, u16_le(info, 2)?) {
        (4, 4) => {
            let agile = Agile::read(info.get(8..)?)?;
            budget.take_password_rounds(agile.spins).then(|| agile.open(encrypted))??
        }
        (2..=4, 2) => {
            let standard = Standard::read(info)?;
            budget.take_password_rounds(STANDARD_SPINS).then(|| standard.open(encrypted))??
        }
        _ => return None,
    };
    if !content.starts_with(PACKAGE_START) {
        return None;
    }
    let is_cut = stated > content.len() as u64;
    let len = usize::try_from(stated).map_or(content.len(), |len| len.min(content.len()));
    let rest = content.split_off(len);
    Some(Package { content, rest, is_cut })
}

/// What an agile file says of itself.
struct Agile {
    content: Recipe,
    key: Recipe,
    spins: u32,
    verifier: Vec<u8>,
    sum: Vec<u8>,
    encrypted_key: Vec<u8>,
}

/// How something is encrypted.
struct Recipe {
    salt: Vec<u8>,
    key_bytes: usize,
    hash: Hash,
}

impl Agile {
    fn read(xml: &[u8]) -> Option<Self> {
        let mut reader = quick_xml::Reader::from_str(std::str::from_utf8(xml).ok()?);
        let mut content = None;
        // Each event takes bytes of the stream, or is its end.
        loop {
            match reader.read_event().ok()? {
                Event::Start(tag) | Event::Empty(tag) => match tag.local_name().into_inner() {
                    "keyData" => content = Some(Recipe::of(&tag)?),
                    "encryptedKey" => return Self::of(content?, &tag),
                    _ => {}
                },
                Event::Eof => return None,
                _ => {}
            }
        }
    }

    fn of(content: Recipe, tag: &BytesStart<'_>) -> Option<Self> {
        let spins = attribute(tag, "spinCount")?.parse().ok().filter(|spins| *spins <= SPINS_MAX)?;
        Some(Self {
            content,
            key: Recipe::of(tag)?,
            spins,
            verifier: code(tag, "encryptedVerifierHashInput")?,
            sum: code(tag, "encryptedVerifierHashValue")?,
            encrypted_key: code(tag, "encryptedKeyValue")?,
        })
    }

    fn open(&self, encrypted: &[u8]) -> Option<Vec<u8>> {
        let Recipe { salt, key_bytes, hash } = &self.key;
        let password = hash.spun(&[salt, &wide_password()], self.spins);
        let open = |purpose: &[u8], bytes: &[u8]| {
            let key = filled(hash.of(&[&password, purpose]), *key_bytes);
            Cipher::new(&key)?.chained(&filled(salt.clone(), BLOCK_BYTES), bytes)
        };
        let (verifier, sum) = (open(FOR_VERIFIER, &self.verifier)?, open(FOR_SUM, &self.sum)?);
        if !sum.starts_with(&hash.of(&[&verifier])) {
            return None;
        }
        let key = open(FOR_KEY, &self.encrypted_key)?;
        let cipher = Cipher::new(key.get(..*key_bytes)?)?;
        let mut content = Vec::with_capacity(encrypted.len());
        for (number, piece) in (0_u32..).zip(encrypted.chunks(PIECE_BYTES)) {
            let start = self.content.hash.of(&[&self.content.salt, &number.to_le_bytes()]);
            content.extend(cipher.chained(&filled(start, BLOCK_BYTES), piece)?);
        }
        Some(content)
    }
}

impl Recipe {
    fn of(tag: &BytesStart<'_>) -> Option<Self> {
        let is_known =
            attribute(tag, "cipherAlgorithm")? == "AES" && attribute(tag, "cipherChaining")? == "ChainingModeCBC";
        let hash = match attribute(tag, "hashAlgorithm")?.as_str() {
            "SHA1" | "SHA-1" => Hash::Sha1,
            "SHA256" | "SHA-256" => Hash::Sha256,
            "SHA384" | "SHA-384" => Hash::Sha384,
            "SHA512" | "SHA-512" => Hash::Sha512,
            _ => return None,
        };
        let key_bits: usize = attribute(tag, "keyBits")?.parse().ok()?;
        is_known.then_some(Self { salt: code(tag, "saltValue")?, key_bytes: key_bits / 8, hash })
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = tag.attributes().flatten().find(|attribute| attribute.key.local_name().into_inner() == name)?;
    Some(attribute.value.into_owned())
}

fn code(tag: &BytesStart<'_>, name: &str) -> Option<Vec<u8>> {
    BASE64.decode(attribute(tag, name)?.as_bytes()).ok()
}

/// What a standard file says of itself.
struct Standard<'d> {
    salt: &'d [u8],
    key_bytes: usize,
    verifier: &'d [u8],
    sum: &'d [u8],
}

impl<'d> Standard<'d> {
    fn read(info: &'d [u8]) -> Option<Self> {
        const HEADER_AT: usize = 12;
        const AES: [u32; 3] = [0x660E, 0x660F, 0x6610];
        let header_bytes = u32_le(info, 8)? as usize;
        let algorithm = u32_le(info, HEADER_AT + 8)?;
        let key_bytes = u32_le(info, HEADER_AT + 16)? as usize / 8;
        let rest = info.get(HEADER_AT.checked_add(header_bytes)?..)?;
        let salt_bytes = u32_le(rest, 0)? as usize;
        let (salt, rest) = rest[4..].split_at_checked(salt_bytes)?;
        let (verifier, rest) = rest.split_at_checked(BLOCK_BYTES)?;
        let sum = rest.get(4..4 + 2 * BLOCK_BYTES)?;
        AES.contains(&algorithm).then_some(Self { salt, key_bytes, verifier, sum })
    }

    fn open(&self, encrypted: &[u8]) -> Option<Vec<u8>> {
        let hash = Hash::Sha1;
        let password = hash.spun(&[self.salt, &wide_password()], STANDARD_SPINS);
        let password = hash.of(&[&password, &[0; 4]]);
        // The key is made as CryptDeriveKey makes it.
        let half = |byte: u8| {
            let mut block = [byte; 64];
            block.iter_mut().zip(&password).for_each(|(byte, part)| *byte ^= part);
            hash.of(&[&block])
        };
        let key = [half(0x36), half(0x5C)].concat();
        let cipher = Cipher::new(key.get(..self.key_bytes)?)?;
        let (verifier, sum) = (cipher.unchained(self.verifier), cipher.unchained(self.sum));
        sum.starts_with(&hash.of(&[&verifier])).then(|| cipher.unchained(encrypted))
    }
}

/// Sums that keys are made of.
#[derive(Clone, Copy)]
enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn of(self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Sha1 => sum::<Sha1>(parts).to_vec(),
            Self::Sha256 => sum::<Sha256>(parts).to_vec(),
            Self::Sha384 => sum::<Sha384>(parts).to_vec(),
            Self::Sha512 => sum::<Sha512>(parts).to_vec(),
        }
    }

    fn spun(self, parts: &[&[u8]], spins: u32) -> Vec<u8> {
        match self {
            Self::Sha1 => spun::<Sha1>(parts, spins),
            Self::Sha256 => spun::<Sha256>(parts, spins),
            Self::Sha384 => spun::<Sha384>(parts, spins),
            Self::Sha512 => spun::<Sha512>(parts, spins),
        }
    }
}

fn sum<D: Digest>(parts: &[&[u8]]) -> Array<u8, D::OutputSize> {
    parts.iter().fold(D::new(), |digest, part| digest.chain_update(part)).finalize()
}

fn spun<D: Digest>(parts: &[&[u8]], spins: u32) -> Vec<u8> {
    let first = sum::<D>(parts);
    (0..spins).fold(first, |last, number| sum::<D>(&[&number.to_le_bytes(), &last])).to_vec()
}

/// Bytes cut or filled to a length.
fn filled(mut bytes: Vec<u8>, len: usize) -> Vec<u8> {
    bytes.resize(len.min(2 * BLOCK_BYTES), FILLING);
    bytes
}

/// AES with a key of any of its lengths.
enum Cipher {
    Short(Box<Aes128>),
    Middle(Box<Aes192>),
    Long(Box<Aes256>),
}

impl Cipher {
    fn new(key: &[u8]) -> Option<Self> {
        Some(match key.len() {
            16 => Self::Short(Box::new(Aes128::new_from_slice(key).ok()?)),
            24 => Self::Middle(Box::new(Aes192::new_from_slice(key).ok()?)),
            32 => Self::Long(Box::new(Aes256::new_from_slice(key).ok()?)),
            _ => return None,
        })
    }

    /// Blocks, each on its own. A piece of a block at the end is left out.
    fn unchained(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes[..bytes.len() - bytes.len() % BLOCK_BYTES].to_vec();
        match self {
            Self::Short(cipher) => each_block(&**cipher, &mut out),
            Self::Middle(cipher) => each_block(&**cipher, &mut out),
            Self::Long(cipher) => each_block(&**cipher, &mut out),
        }
        out
    }

    /// Blocks that are chained, from a start of the length of one.
    fn chained(&self, start: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
        let mut out = self.unchained(bytes);
        let before = start.get(..BLOCK_BYTES)?.iter().chain(bytes);
        out.iter_mut().zip(before).for_each(|(byte, before)| *byte ^= before);
        Some(out)
    }
}

fn each_block<C: BlockCipherDecrypt + BlockSizeUser<BlockSize = <Aes128 as BlockSizeUser>::BlockSize>>(
    cipher: &C,
    bytes: &mut [u8],
) {
    for chunk in bytes.chunks_exact_mut(BLOCK_BYTES) {
        let mut block = Block::default();
        block.copy_from_slice(chunk);
        cipher.decrypt_block(&mut block);
        chunk.copy_from_slice(&block);
    }
}
