//! Private keys of RSA: their modulus is the product of their primes (RFC 8017, 3.2).
//!
//! An altered letter in the middle of a body leaves every length right. Only what is read as such a key from end to end is
//! judged; keys of other kinds, and what was cut off, are left to the walk over their structure.

/// Tags of DER (X.690, 8.3, 8.7 and 8.9).
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// Bytes of the largest modulus that is multiplied, 4,096 bits, and the zero that may stand before it.
const MODULUS_LEN_MAX: usize = 513;

/// Whether bytes are such a key, alone or in PKCS #8 (RFC 5958), whose modulus is not the product of its primes.
pub(super) fn is_inconsistent(bytes: &[u8]) -> bool {
    let Some([modulus, first, second]) = numbers(bytes) else { return false };
    modulus.len() <= MODULUS_LEN_MAX && product(first, second) != limbs(modulus)
}

/// Modulus and primes.
fn numbers(bytes: &[u8]) -> Option<[&[u8]; 3]> {
    let (_, inside) = integer(element(bytes, SEQUENCE)?.0)?;
    let key = match element(inside, SEQUENCE) {
        Some((_, behind)) => integer(element(element(behind, OCTETS)?.0, SEQUENCE)?.0)?.1,
        None => inside,
    };
    let (modulus, rest) = integer(key)?;
    let (_public, rest) = integer(rest)?;
    let (_private, rest) = integer(rest)?;
    let (first, rest) = integer(rest)?;
    let (second, mut rest) = integer(rest)?;
    // Three numbers more stand behind the primes; keys of DSA have five in all, which are others.
    for _ in 0..3 {
        (_, rest) = integer(rest)?;
    }
    Some([modulus, first, second])
}

fn integer(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    element(bytes, INTEGER)
}

/// The content of the element that stands at the start, and what stands behind it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [found, first, rest @ ..] = bytes else { return None };
    let (len, rest) = match first {
        0x00..=0x7f => (usize::from(*first), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x0f))?;
            (digits.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    if *found == tag { rest.split_at_checked(len) } else { None }
}

/// A number in 32 bits each, the lowest first, without zeros at its end.
fn limbs(number: &[u8]) -> Vec<u32> {
    let limb = |chunk: &[u8]| chunk.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    trimmed(number.rchunks(4).map(limb).collect())
}

fn trimmed(mut limbs: Vec<u32>) -> Vec<u32> {
    let len = limbs.iter().rposition(|limb| *limb != 0).map_or(0, |last| last + 1);
    limbs.truncate(len);
    limbs
}

/// The product of two numbers, as schools teach it. Factors of a modulus that is judged are no longer than it.
fn product(first: &[u8], second: &[u8]) -> Vec<u32> {
    if first.len().max(second.len()) > MODULUS_LEN_MAX {
        return Vec::new();
    }
    let (first, second) = (limbs(first), limbs(second));
    let mut sums = vec![0_u32; first.len() + second.len()];
    for (at, a) in first.iter().enumerate() {
        let mut carry = 0_u64;
        for (sum, b) in sums[at..].iter_mut().zip(second.iter().chain(std::iter::repeat(&0))) {
            carry += u64::from(*sum) + u64::from(*a) * u64::from(*b);
            *sum = carry as u32;
            carry >>= 32;
        }
    }
    trimmed(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let head = match content.len() {
            len @ 0..=0x7f => vec![tag, len as u8],
            len => vec![tag, 0x82, (len >> 8) as u8, len as u8],
        };
        [head, content.to_vec()].concat()
    }

    /// A key with these numbers, in PKCS #1 and in PKCS #8.
    fn keys(modulus: &[u8], primes: [&[u8]; 2]) -> [Vec<u8>; 2] {
        let numbers = [&[0][..], modulus, &[1, 0, 1], &[0x5a; 100], primes[0], primes[1], &[3], &[5], &[7]];
        let key = der(SEQUENCE, &numbers.map(|number| der(INTEGER, number)).concat());
        let wrapped = [der(INTEGER, &[0]), der(SEQUENCE, &[6, 1, 42, 5, 0]), der(OCTETS, &key)].concat();
        [key, der(SEQUENCE, &wrapped)]
    }

    #[test]
    fn the_modulus_is_the_product_of_the_primes() {
        let (p, q) = (0xffff_ffff_ffff_ffc5_u64, 0xffff_ffff_ffff_ff53_u64);
        let n = (u128::from(p) * u128::from(q)).to_be_bytes();
        let (padded, altered) = ([&[0][..], &n].concat(), [&n[..7], &[n[7] ^ 4], &n[8..]].concat());
        let (p, q) = (p.to_be_bytes(), q.to_be_bytes());
        let rows = [(padded.as_slice(), false), (&n[..], false), (&altered, true), (&n[1..], true), (&[], true)];
        for (modulus, expected) in rows {
            for key in keys(modulus, [&p, &q]) {
                assert_eq!(is_inconsistent(&key), expected, "{modulus:02x?}");
                assert!(!is_inconsistent(&key[..key.len() - 1]), "cut off");
            }
        }
        let long = [0xa7; MODULUS_LEN_MAX + 1];
        assert!(keys(&long, [&p, &q]).iter().all(|key| !is_inconsistent(key)), "too long to be judged");
        assert!(keys(&n, [&long, &q]).iter().all(|key| is_inconsistent(key)));
        let dsa = der(
            SEQUENCE,
            &[&[0][..], &n, &p, &[0x5a; 16], &[0x3c; 16], &q].map(|number| der(INTEGER, number)).concat(),
        );
        assert!(!is_inconsistent(&dsa), "numbers of DSA");
        assert!(!is_inconsistent(&[]) && !is_inconsistent(&der(SEQUENCE, b"no key")));
    }
}
