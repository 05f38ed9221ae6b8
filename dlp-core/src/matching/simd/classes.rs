//! Classes of bytes that are not matched but looked over: what may be encoded, torn apart or written in another way.
//!
//! The masks of the first pass are those of patterns, and live as long as a stretch of it. These are for the readers of
//! whole texts beside it, which ask for all of them at once.

use super::words::WORD_BYTES;
use super::{Isa, portable};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// What 64 bytes are: bit `i` of each mask stands for byte `i`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ByteClasses {
    /// ASCII digits.
    pub(crate) digit: u64,
    /// ASCII letters and digits.
    pub(crate) alnum: u64,
    /// Digits of base64, both alphabets: ASCII letters and digits, `+`, `/`, `-` and `_`.
    pub(crate) base64: u64,
    /// `=`.
    pub(crate) equals: u64,
    /// Quotes of programs: `"`, `'` and `` ` ``.
    pub(crate) quote: u64,
    /// What joins two strings of a program: ASCII white space, `\`, `+`, `.`, `&`, `~`, `|` and `<`.
    pub(crate) joint: u64,
    /// Line feeds.
    pub(crate) feed: u64,
    /// ASCII capitals.
    pub(crate) upper: u64,
    /// `%` and `\`, with which characters are written in other ways.
    pub(crate) code: u64,
    /// What follows these then: hexadecimal digits, `u`, `U` and `x`.
    pub(crate) coded: u64,
    /// `&`.
    pub(crate) ampersand: u64,
    /// `#`, which follows it where a number does.
    pub(crate) hash: u64,
    /// `;`.
    pub(crate) semicolon: u64,
    /// `+`.
    pub(crate) plus: u64,
    /// No ASCII.
    pub(crate) wide: u64,
}

impl ByteClasses {
    /// Quotes.
    pub(super) const QUOTES: [u8; 3] = *b"\"'`";
    /// What hexadecimal digits may have in front of them.
    pub(super) const CODED_MARKS: [u8; 3] = *b"uUx";
    /// Bytes that join strings, besides white space from tab to carriage return.
    pub(super) const JOINTS: [u8; 8] = *b" \\+.&~|<";
    /// Digits of base64 besides letters and digits.
    pub(super) const BASE64_MARKS: [u8; 4] = *b"+/-_";
}

/// Gives the classes of each 64 bytes of a text, in order; the bits behind its end are zero.
pub(crate) fn classes_of(isa: Isa, text: &[u8], each: &mut impl FnMut(ByteClasses)) {
    let (blocks, rest) = text.as_chunks::<WORD_BYTES>();
    // Zeros are of no class.
    let mut padded = [0; WORD_BYTES];
    padded[..rest.len()].copy_from_slice(rest);
    let padded = if rest.is_empty() { &[][..] } else { &[padded][..] };
    for blocks in [blocks, padded] {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2::classify(blocks, each),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => avx512::classify(blocks, each),
            _ => portable::classify(blocks, each),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{property_config, scaled};
    use super::*;
    use proptest::prelude::*;

    /// The classes as their words say.
    fn specified(text: &[u8]) -> Vec<ByteClasses> {
        let mask = |block: &[u8], is: fn(u8) -> bool| {
            block.iter().enumerate().fold(0, |mask, (bit, byte)| mask | u64::from(is(*byte)) << bit)
        };
        let blocks = text.chunks(WORD_BYTES);
        blocks
            .map(|block| ByteClasses {
                digit: mask(block, |byte| byte.is_ascii_digit()),
                alnum: mask(block, |byte| byte.is_ascii_alphanumeric()),
                base64: mask(block, |byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)),
                equals: mask(block, |byte| byte == b'='),
                quote: mask(block, |byte| b"\"'`".contains(&byte)),
                joint: mask(block, |byte| b" \t\n\x0b\x0c\r\\+.&~|<".contains(&byte)),
                feed: mask(block, |byte| byte == b'\n'),
                upper: mask(block, |byte| byte.is_ascii_uppercase()),
                code: mask(block, |byte| b"%\\".contains(&byte)),
                coded: mask(block, |byte| byte.is_ascii_hexdigit() || b"uUx".contains(&byte)),
                ampersand: mask(block, |byte| byte == b'&'),
                hash: mask(block, |byte| byte == b'#'),
                semicolon: mask(block, |byte| byte == b';'),
                plus: mask(block, |byte| byte == b'+'),
                wide: mask(block, |byte| !byte.is_ascii()),
            })
            .collect()
    }

    fn check(text: &[u8]) {
        let expected = specified(text);
        for isa in Isa::available() {
            let mut classes = Vec::new();
            classes_of(isa, text, &mut |block| classes.push(block));
            assert_eq!(classes, expected, "{isa:?}");
        }
    }

    #[test]
    fn every_byte_value_is_classed_at_every_place() {
        let bytes: Vec<u8> = (0..=u8::MAX).chain(0..=u8::MAX).collect();
        for start in (0..WORD_BYTES).step_by(scaled(1, 21)) {
            for len in [0, 1, 63, 64, 65, 256 + start] {
                check(&bytes[start..][..len.min(bytes.len() - start)]);
            }
        }
    }

    proptest! {
        #![proptest_config(property_config(256))]

        #[test]
        fn any_text_is_classed(text in prop::collection::vec(any::<u8>(), 0..300)) {
            check(&text);
        }
    }
}
