//! Stored passwords in the form `$scheme$salt$hash`: what the scheme can write.
//!
//! Their alphabet has six bits a character, and hashes have whole bytes, so the last character is one of few. Made-up hashes
//! mostly end in another one.

use super::super::Verdict;
use data_encoding::BASE64_NOPAD;

/// The alphabet of `crypt`, in the order of its values.
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Lowest and highest cost of bcrypt.
const BCRYPT_COSTS: [&str; 2] = ["04", "31"];

/// Hashes of `crypt` as its manual and the sources of the schemes have them (crypt(5); PHC string format for Argon2). Schemes that
/// end otherwise are left open, and so is the salt of bcrypt, which some programs filled with other bits.
pub(super) fn verdict(value: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(value);
    let mut parts = text.strip_prefix('$').unwrap_or_default().split('$');
    let scheme = parts.next().unwrap_or_default();
    let hash = text.rsplit('$').next().unwrap_or_default();
    match scheme {
        // Sixteen and 64 bytes: the last byte has two characters.
        "1" | "apr1" | "6" => ends_below(hash, 4),
        // 32 bytes: the last two have three.
        "5" | "y" => ends_below(hash, 16),
        "2a" | "2b" | "2x" | "2y" => {
            let [min, max] = BCRYPT_COSTS;
            parts.next().is_some_and(|cost| (min..=max).contains(&cost)).into()
        }
        "argon2i" | "argon2d" | "argon2id" => {
            text.rsplit('$').take(2).all(|part| BASE64_NOPAD.decode(part.as_bytes()).is_ok()).into()
        }
        _ => Verdict::NotApplicable,
    }
}

/// Whether the last character stands for a number below `limit`.
fn ends_below(hash: &str, limit: usize) -> Verdict {
    hash.bytes().last().is_some_and(|last| ALPHABET[..limit].contains(&last)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_end_as_their_scheme_writes_them() {
        let rows = [
            // The specimens of Drepper's specification of the SHA schemes.
            ("$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc8", Verdict::Valid),
            ("$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEcG", Verdict::Invalid),
            (
                "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO/O817G3uBnIFNjnQJuesI68OTLiBFdcbYEdFCoEOfaS35inz1",
                Verdict::Valid,
            ),
            (
                "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO/O817G3uBnIFNjnQJuesI68OTLiBFdcbYEdFCoEOfaS35inz7",
                Verdict::Invalid,
            ),
            ("$1$Zq8wT1nB$5rXe0uYpK2mNvQ7fJ3Lh40", Verdict::Valid),
            ("$1$Zq8wT1nB$5rXe0uYpK2mNvQ7fJ3Lh4z", Verdict::Invalid),
            ("$apr1$Zq8wT1nB$5rXe0uYpK2mNvQ7fJ3Lh4/", Verdict::Valid),
            ("$apr1$Zq8wT1nB$5rXe0uYpK2mNvQ7fJ3Lh45", Verdict::Invalid),
            ("$2b$12$Zq8wT1nB5rXe0uYpK2mNvO", Verdict::Valid),
            ("$2b$99$Zq8wT1nB5rXe0uYpK2mNvO", Verdict::Invalid),
            ("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWQ", Verdict::Valid),
            ("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWR", Verdict::Invalid),
            ("$9$Zq8w", Verdict::NotApplicable),
            ("{SHA}abc", Verdict::NotApplicable),
            ("", Verdict::NotApplicable),
            ("$6$", Verdict::Invalid),
        ];
        for (value, expected) in rows {
            assert_eq!(verdict(value.as_bytes()), expected, "{value}");
        }
    }
}
