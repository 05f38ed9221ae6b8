//! Short texts whose format states their character set, which writers do not always keep to.
//!
//! Where the bytes look like text of another width than stated, that reading is given besides the stated one. Offsets
//! are left to others: such texts are values of properties, which have none.

use crate::text::{self, Charset};

/// The text in the stated set, and on a line of its own as what it looks like, if that differs.
pub(super) fn decode(bytes: &[u8], stated: &Charset) -> String {
    let mut text = stated.decode(bytes);
    if let Some(other) = other_reading(bytes, stated) {
        text.push('\n');
        text.push_str(&other);
    }
    text
}

/// The text as what it looks like, if that is of another width or byte order than stated.
pub(super) fn other_reading(bytes: &[u8], stated: &Charset) -> Option<String> {
    // A single character proves nothing.
    const BYTES_MIN: usize = 4;
    let trimmed = bytes.strip_suffix(b"\0").filter(|rest| !rest.contains(&0)).unwrap_or(bytes);
    let seen = text::detect(trimmed, true).filter(|_| trimmed.len() >= BYTES_MIN)?;
    let differs = match (seen.charset.is_wide(), stated.is_wide()) {
        (true, _) => seen.charset != *stated || seen.bom_len > 0,
        // Characters of the Far East in UTF-16 may pass for letters of older sets, and hardly ever for UTF-8.
        (false, true) => seen.charset == Charset::Utf8,
        (false, false) => false,
    };
    differs.then(|| seen.charset.decode(&trimmed[seen.bom_len..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn another_width_is_seen() {
        let check = |bytes: &[u8], stated: Charset, expected: Option<&str>| {
            assert_eq!(other_reading(bytes, &stated).as_deref(), expected, "{bytes:?} as {stated:?}");
        };
        let (little, big) = (u16::to_le_bytes, u16::to_be_bytes);
        check(&wide("Łąka 12", little), Charset::Utf8, Some("Łąka 12"));
        check(&wide("Łąka 12", big), Charset::Utf8, Some("Łąka 12"));
        check(&wide("Łąka 12", big), Charset::Utf16Le, Some("Łąka 12"));
        check(&wide("Łąka 12", little), Charset::Utf16Le, None);
        check("Łąka 12".as_bytes(), Charset::Utf16Le, Some("Łąka 12"));
        check(b"plain\0", Charset::Utf16Le, Some("plain"));
        check(b"plain", Charset::Utf8, None);
        check(&wide("日本語の文章", little), Charset::Utf16Le, None);
        check(b"a\0", Charset::Utf8, None);
        check(b"", Charset::Utf8, None);
    }
}
