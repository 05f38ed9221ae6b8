//! Opens documents that are encrypted with the empty password.
//!
//! The loader deciphers such documents by itself, and unpacks the objects that stand packed in streams as it does so,
//! however large they become. So the word of the trailer that tells of the encryption is hidden from it; the objects are
//! deciphered here, and their streams are measured before anything unpacks them.

use pdf_extract::encryption::decrypt_object;
use pdf_extract::{Document, EncryptionState, Object};
use std::borrow::Cow;

const WORD: &[u8] = b"Encrypt";
/// What the loader is told instead, as long and of no meaning.
const HIDDEN: &[u8] = b"encrypT";

/// The document with the word hidden, however it is escaped.
pub(super) fn hide(document: &[u8]) -> Cow<'_, [u8]> {
    let mut copy = Cow::Borrowed(document);
    for at in memchr::memchr_iter(b'/', document) {
        let name = at + 1;
        if matches!(document.get(name), Some(b'E' | b'#'))
            && let Some(len) = len_of_word(&document[name..])
        {
            let place = &mut copy.to_mut()[name..name + len];
            place.fill(b' ');
            place[..HIDDEN.len()].copy_from_slice(HIDDEN);
        }
    }
    copy
}

/// Bytes of the word, if a name is no other one.
fn len_of_word(name: &[u8]) -> Option<usize> {
    let digit = |at: usize| char::from(*name.get(at)?).to_digit(16);
    let mut at = 0;
    for expected in WORD {
        at += match name.get(at)? {
            byte if byte == expected => 1,
            b'#' if digit(at + 1)? << 4 | digit(at + 2)? == u32::from(*expected) => 3,
            _ => return None,
        };
    }
    let goes_on = name.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'#' | b'_' | b'-'));
    (!goes_on).then_some(at)
}

/// Deciphers the objects of a document, if it is encrypted, with the empty password. Of one that needs another, or is
/// encrypted in another way, the trailer tells afterwards as it did in the file.
pub(super) fn unlock(document: &mut Document) {
    let Some(encryption) = document.trailer.remove(HIDDEN) else { return };
    // What stands in the trailer itself is looked for as an object.
    let encryption = match encryption {
        Object::Dictionary(_) => Object::Reference(document.add_object(encryption)),
        other => other,
    };
    let dictionary = encryption.as_reference().ok();
    document.trailer.set(WORD, encryption);
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
    fn the_word_alone_is_hidden() {
        let rows: [(&[u8], &[u8]); 6] = [
            (b"<</Root 1 0 R/Encrypt 5 0 R>>", b"<</Root 1 0 R/encrypT 5 0 R>>"),
            (b"<</Encrypt<</V 1>>>>", b"<</encrypT<</V 1>>>>"),
            (b"/#45nc#72ypt 5 0 R", b"/encrypT     5 0 R"),
            (b"/EncryptMetadata false", b"/EncryptMetadata false"),
            (b"/Encryp#7", b"/Encryp#7"),
            (b"/Encrypt", b"/encrypT"),
        ];
        for (document, expected) in rows {
            assert_eq!(*hide(document), *expected, "{}", String::from_utf8_lossy(document));
        }
        assert!(matches!(hide(b"/Filter"), Cow::Borrowed(_)));
    }
}
