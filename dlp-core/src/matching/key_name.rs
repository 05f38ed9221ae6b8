//! What the name directly before a value says that it is, where it is no secret: an id, or a number that tells builds apart.
//!
//! Vendors are known by their names, and so are the ids and files that have to do with them: `acme_organization_id`,
//! `acme_build`. Comes in: the bytes of a match before its value, and the value; goes out: what they say, if they do. The
//! last word of the name counts, as a word of its own: `release_token` names a token.

/// What a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It tells things apart.
    Id,
    /// It is the digest of a file or a state of one.
    Digest,
}

/// Words that end the name of something that tells things apart.
const ID_WORDS: &[&[u8]] = &[b"id", b"ids", b"uuid", b"guid"];

/// Words that end the name of a digest.
const DIGEST_WORDS: &[&[u8]] = &[
    b"asset",
    b"build",
    b"bundle",
    b"checksum",
    b"chunk",
    b"commit",
    b"digest",
    b"etag",
    b"fingerprint",
    b"hash",
    b"image",
    b"integrity",
    b"md",
    b"ref",
    b"release",
    b"rev",
    b"revision",
    b"sha",
    b"version",
];

/// A key that finds something in a cache is a digest of it.
const DIGEST_KEYS: &[&[u8]] = &[b"cache_key", b"cache-key", b"cache.key", b"cacheKey", b"CacheKey", b"CACHE_KEY"];

/// Lengths of digests as hexadecimal digits: MD5, SHA-1, SHA-2.
const DIGEST_LENS: &[usize] = &[32, 40, 56, 64, 96, 128];

/// Bytes between a name and its value that are looked over: signs, quotes and blanks.
const SIGNS_MAX: usize = 16;

/// Words between a name and its value that only say that it is one: other fields and options, elements, accessors.
const CARRIERS: &[&[u8]] =
    &[b"body", b"code", b"content", b"data", b"dd", b"default", b"get", b"set", b"string", b"td", b"th", b"value"];
const CARRIERS_MAX: usize = 4;

/// What the name at the end of `label` says of the value behind it. A detector whose own id ends in the word looks for
/// what is so named.
pub(super) fn told(label: &[u8], value: &[u8], detector_id: &str) -> Option<Told> {
    let name = name_of(label)?;
    let is_own = |word: &[u8]| detector_id.as_bytes().ends_with(word);
    if ID_WORDS.iter().any(|word| ends_in_word(name, word)) && !is_own(b"id") {
        return Some(Told::Id);
    }
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let name = &name[..name.len() - digits];
    let is_digest = DIGEST_WORDS.iter().any(|word| ends_in_word(name, word) && !is_own(word))
        || DIGEST_KEYS.iter().any(|key| name.ends_with(key));
    (is_digest && is_digest_like(value)).then_some(Told::Digest)
}

/// The name in front of the signs before a value, and of words that are no names of values.
fn name_of(label: &[u8]) -> Option<&[u8]> {
    let mut rest = label;
    for _ in 0..=CARRIERS_MAX {
        let signs = rest.iter().rev().take_while(|byte| !byte.is_ascii_alphanumeric()).count();
        if signs > SIGNS_MAX || signs == rest.len() {
            return None;
        }
        let name = &rest[..rest.len() - signs];
        let word_len = name.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let (before, word) = name.split_at(name.len() - word_len);
        if before.is_empty() || !CARRIERS.iter().any(|carrier| word.eq_ignore_ascii_case(carrier)) {
            return Some(name);
        }
        rest = before;
    }
    None
}

/// Whether a name ends in a word, as a word of its own: `organization_id`, `groupId`.
fn ends_in_word(name: &[u8], word: &[u8]) -> bool {
    let letters = name.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (before, run) = name.split_at(name.len() - letters);
    let is_alone = before.last().is_some_and(|byte| b"_-.".contains(byte));
    let Some(start) = run.len().checked_sub(word.len()) else { return false };
    let (head, last) = run.split_at(start);
    let is_hump = last[0].is_ascii_uppercase() && head.last().is_some_and(u8::is_ascii_lowercase);
    last.eq_ignore_ascii_case(word) && (head.is_empty() && is_alone || is_hump)
}

fn is_digest_like(value: &[u8]) -> bool {
    DIGEST_LENS.contains(&value.len()) && value.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_a_name_counts() {
        let digest = "9f86d081884c7d659a2feaa0c55ad015";
        let rows = [
            ("acme_organization_id: ", "Zq8wT1nB5rXe0uYp", Some(Told::Id)),
            ("acmeGroupId = \"", digest, Some(Told::Id)),
            ("acme_grid: ", digest, None),
            ("acme_id_token: ", digest, None),
            ("acme_build: ", digest, Some(Told::Digest)),
            ("\"acmeRelease\": \"", digest, Some(Told::Digest)),
            ("ACME_SHA1=", digest, Some(Told::Digest)),
            ("acme_image_md5=", digest, Some(Told::Digest)),
            ("acme_cache_key: ", digest, Some(Told::Digest)),
            ("<meta name=\"acme-build\" content=\"", digest, Some(Told::Digest)),
            ("{\"name\":\"ACME_CLIENT_ID\",\"value\":\"", digest, Some(Told::Id)),
            ("<td>Acme version</td><td><code>", digest, None),
            ("<td>acme_version</td><td><code>", digest, Some(Told::Digest)),
            ("AcmeRevision { get; set; } = \"", digest, Some(Told::Digest)),
            ("acme_key { get; set; } = \"", digest, None),
            ("acme_build value value value value value: ", digest, None),
            ("value: ", digest, None),
            ("acme_build: ", "9f86d081884c7d659a2feaa0c55ad01", None),
            ("acme_build: ", "zf86d081884c7d659a2feaa0c55ad015", None),
            ("acme_release_token: ", digest, None),
            ("acme_rebuild: ", digest, None),
            ("acme_api_key: ", digest, None),
            ("acme_build                    ", digest, None),
            ("", digest, None),
        ];
        for (label, value, expected) in rows {
            assert_eq!(told(label.as_bytes(), value.as_bytes(), "secret.acme.key"), expected, "{label}{value}");
        }
    }

    #[test]
    fn a_detector_looks_for_what_it_is_named_after() {
        let value = b"9f86d081884c7d659a2feaa0c55ad015";
        assert_eq!(told(b"api_hash: ", value, "secret.acme.api-hash"), None);
        assert_eq!(told(b"client_id: ", value, "secret.acme.client-id"), None);
        assert_eq!(told(b"api_hash: ", value, "secret.acme.api-key"), Some(Told::Digest));
    }
}
