//! Opens documents that are encrypted with the empty password.
//!
//! The loader deciphers such documents by itself, and unpacks the objects that stand packed in streams as it does so,
//! however large they become. So the word of the trailer that tells of the encryption is hidden from it; the objects are
//! deciphered here, and their streams are measured before anything unpacks them.
//!
//! Trailers are not searched for: the word is hidden wherever what tells of encryption stands behind it, outside of
//! streams, which are the content of pages and files.

use memchr::memmem;
use pdf_extract::encryption::decrypt_object;
use pdf_extract::{Document, EncryptionState, Object};
use std::borrow::Cow;

const WORD: &[u8; 7] = b"Encrypt";
/// Bytes behind the word in which its value is looked for. Comments may be longer, and hold the word themselves.
const VALUE_WITHIN_BYTES: usize = 1_024;

/// What the loader is told instead: a name as long and of no meaning, which the document does not have itself.
pub(super) type StandIn = [u8; WORD.len()];

/// The document with the word hidden, however it is escaped, and what stands in its place.
pub(super) fn hide(document: &[u8]) -> (Cow<'_, [u8]>, StandIn) {
    let (mut copy, stand_in) = (Cow::Borrowed(document), stand_in(document));
    // Where no name is left the word stays, and the loader deciphers.
    let Some(stand_in) = stand_in else { return (copy, *WORD) };
    let mut stream = next_stream(document, 0);
    for at in memchr::memchr_iter(b'/', document) {
        while let Some((start, end)) = stream
            && end <= at
        {
            stream = next_stream(document, end.max(start));
        }
        let name = at + 1;
        if stream.is_none_or(|(start, _)| at < start)
            && let Some((len, _)) = name_like(&document[name..], WORD)
            && tells_of_encryption(&document[name + len..])
        {
            let place = &mut copy.to_mut()[name..name + len];
            place.fill(b' ');
            place[..stand_in.len()].copy_from_slice(&stand_in);
        }
    }
    (copy, stand_in)
}

/// A name that the document does not have.
fn stand_in(document: &[u8]) -> Option<StandIn> {
    let mut stand_in = *b"encryp?";
    let mut is_taken = [false; 256];
    for at in memchr::memchr_iter(b'/', document) {
        let found = name_like(&document[at + 1..], &stand_in);
        found.into_iter().for_each(|(_, last)| is_taken[usize::from(last)] = true);
    }
    stand_in[WORD.len() - 1] = (b'A'..=b'Z').find(|last| !is_taken[usize::from(*last)])?;
    Some(stand_in)
}

/// Where the next stream begins and ends from a place on; nothing where none is whole.
fn next_stream(document: &[u8], from: usize) -> Option<(usize, usize)> {
    const BEGIN: &[u8] = b"stream";
    let is_begin = |at: &usize| {
        document[from..*at].trim_ascii_end().ends_with(b">>")
            && matches!(document.get(at + BEGIN.len()), Some(b'\r' | b'\n'))
    };
    let start = memmem::find_iter(&document[from..], BEGIN).map(|at| from + at).find(is_begin)? + BEGIN.len();
    memmem::find(&document[start..], b"endstream").map(|len| (start, start + len))
}

/// Bytes of a name that is this one, however it is escaped, and its last character; `?` stands for any.
fn name_like(name: &[u8], word: &[u8]) -> Option<(usize, u8)> {
    if !matches!(name.first(), Some(b'#')) && name.first() != word.first() {
        return None;
    }
    let digit = |at: usize| char::from(*name.get(at)?).to_digit(16);
    let (mut at, mut last) = (0, 0);
    for expected in word {
        let (byte, len) = match *name.get(at)? {
            b'#' => (u8::try_from(digit(at + 1)? << 4 | digit(at + 2)?).ok()?, 3),
            byte => (byte, 1),
        };
        if byte != *expected && *expected != b'?' {
            return None;
        }
        (at, last) = (at + len, byte);
    }
    let goes_on = name.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'#' | b'_' | b'-'));
    (!goes_on).then_some((at, last))
}

/// Whether a value begins here that the entry of a trailer has: a dictionary, the reference to one, or none at all.
fn tells_of_encryption(behind: &[u8]) -> bool {
    let (window, beyond) = behind.split_at(behind.len().min(VALUE_WITHIN_BYTES));
    let number = |bytes| {
        let value: &[u8] = without_blanks(bytes);
        let len = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (len > 0).then(|| &value[len..])
    };
    let value = without_blanks(window);
    if value.is_empty() {
        return !beyond.is_empty();
    }
    let is_reference = || Some(without_blanks(number(number(value)?)?).starts_with(b"R"));
    value.starts_with(b"<<") || value.starts_with(b"null") || is_reference().unwrap_or(false)
}

/// What stands behind blanks and comments.
fn without_blanks(mut bytes: &[u8]) -> &[u8] {
    loop {
        let len = bytes.iter().take_while(|byte| matches!(byte, b'\0' | b'\t' | b'\n' | 12 | b'\r' | b' ')).count();
        bytes = &bytes[len..];
        if bytes.first() != Some(&b'%') {
            return bytes;
        }
        bytes = &bytes[memchr::memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len())..];
    }
}

/// Deciphers the objects of a document, if it is encrypted, with the empty password. Of one that needs another, or is
/// encrypted in another way, the trailer tells afterwards as it did in the file.
pub(super) fn unlock(document: &mut Document, stand_in: StandIn) {
    let Some(encryption) = document.trailer.remove(&stand_in) else { return };
    if encryption.is_null() {
        return;
    }
    // What stands in the trailer itself is looked for as an object.
    let encryption = match encryption {
        Object::Dictionary(_) => Object::Reference(document.add_object(encryption)),
        other => other,
    };
    let dictionary = encryption.as_reference().ok();
    document.trailer.set(*WORD, encryption);
    if document.authenticate_password("").is_err() {
        return;
    }
    let Ok(state) = EncryptionState::decode(document, "") else { return };
    for (id, object) in document.objects.iter_mut().filter(|(id, _)| Some(**id) != dictionary) {
        // A broken object costs itself.
        let _ = decrypt_object(&state, *id, object);
    }
    document.trailer.remove(WORD);
    if let Some(dictionary) = dictionary {
        document.objects.remove(&dictionary);
    }
    document.encryption_state = Some(state);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_a_trailer_is_hidden() {
        let rows: [(&[u8], &[u8]); 12] = [
            (b"<</Root 1 0 R/Encrypt 5 0 R>>", b"<</Root 1 0 R/encrypA 5 0 R>>"),
            (b"<</Encrypt<</V 1>>>>", b"<</encrypA<</V 1>>>>"),
            (b"/Encrypt null", b"/encrypA null"),
            (b"/#45nc#72ypt 5 0 R", b"/encrypA     5 0 R"),
            (b"/Encrypt%5\n5\0 0%\rR", b"/encrypA%5\n5\0 0%\rR"),
            (b"/Encrypt 5 0 R /encrypA/encryp#42", b"/encrypC 5 0 R /encrypA/encryp#42"),
            (b"/EncryptMetadata false", b"/EncryptMetadata false"),
            (b"/Encryp#7", b"/Encryp#7"),
            (b"(C:/Encrypt/a and /#45ncrypt 5 of 6)", b"(C:/Encrypt/a and /#45ncrypt 5 of 6)"),
            (b"/Encrypt", b"/Encrypt"),
            (
                b"<<>>\nstream\n/Encrypt 5 0 R endstream/Encrypt 5 0 R",
                b"<<>>\nstream\n/Encrypt 5 0 R endstream/encrypA 5 0 R",
            ),
            (b"(a stream\n) <<>>stream\n/Encrypt 5 0 R", b"(a stream\n) <<>>stream\n/encrypA 5 0 R"),
        ];
        for (document, expected) in rows {
            assert_eq!(*hide(document).0, *expected, "{}", String::from_utf8_lossy(document));
        }
        assert!(matches!(hide(b"/Filter").0, Cow::Borrowed(_)));
        let all: Vec<u8> = (b'A'..=b'Z').flat_map(|last| [b"/encryp", &[last][..], b" "].concat()).collect();
        let all = [&all[..], b"/Encrypt 5 0 R"].concat();
        assert_eq!(*hide(&all).0, *all);
    }
}
