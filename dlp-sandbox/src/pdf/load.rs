//! Loads a document: as it is, or repaired, or not at all.

use super::unlock::{hide, unlock};
use super::{folded, repair};
use crate::trouble::Trouble;
use pdf_extract::{Document, Error, LoadOptions};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A document and how it was come by.
pub(super) struct Pdf {
    pub(super) document: Document,
    /// Its table of objects was rebuilt from a scan.
    pub(super) repaired: bool,
    /// It opened without a password although it is encrypted.
    pub(super) was_encrypted: bool,
    /// Why objects in streams were left out, when there are more than a document of its size may have.
    pub(super) unfolding: Option<Trouble>,
}

/// What became of the loading.
pub(super) enum Loaded {
    Document(Box<Pdf>),
    /// It needs a key.
    Locked(Trouble),
    Broken,
}

/// Loads the bytes. A document that loads without a single page is repaired too: tables that point to the wrong place
/// are the usual reason.
pub(super) fn load(bytes: &[u8]) -> Loaded {
    match attempt(bytes) {
        Some(Loaded::Document(pdf)) if pdf.document.page_iter().next().is_some() => Loaded::Document(pdf),
        Some(locked @ Loaded::Locked(_)) => locked,
        other => match repair::rebuild(bytes).and_then(|rebuilt| attempt(&rebuilt)) {
            Some(Loaded::Document(pdf)) => Loaded::Document(Box::new(Pdf { repaired: true, ..*pdf })),
            Some(locked @ Loaded::Locked(_)) => locked,
            _ => other.unwrap_or(Loaded::Broken),
        },
    }
}

fn attempt(bytes: &[u8]) -> Option<Loaded> {
    let (bytes, stand_in) = hide(bytes);
    let load = || {
        let options = LoadOptions::with_filter(folded::disguise);
        let mut document = Document::load_mem_with_options(&bytes, options)?;
        unlock(&mut document, stand_in);
        Ok::<_, Error>(document)
    };
    match catch_unwind(AssertUnwindSafe(load)).ok()? {
        Ok(document) if document.trailer.get(b"Encrypt").is_ok() => Some(Loaded::Locked(lock_of(&document))),
        Ok(mut document) => {
            let was_encrypted = document.was_encrypted();
            let unfold = || folded::unfold(&mut document, bytes.len() as u64);
            let unfolding = catch_unwind(AssertUnwindSafe(unfold)).ok()?;
            Some(Loaded::Document(Box::new(Pdf { document, repaired: false, was_encrypted, unfolding })))
        }
        Err(_) => None,
    }
}

/// The standard handler asks for a password; all others that exist work with certificates or licence servers.
fn lock_of(document: &Document) -> Trouble {
    let filter = document.trailer.get_deref(b"Encrypt", document).and_then(|encrypt| encrypt.as_dict());
    match filter.and_then(|encrypt| encrypt.get(b"Filter")).and_then(|name| name.as_name()) {
        Ok(name) => handler(name),
        Err(_) => Trouble::UnknownEncryption,
    }
}

fn handler(name: &[u8]) -> Trouble {
    match name {
        b"Standard" => Trouble::UserPassword,
        b"Adobe.PubSec" | b"Adobe.PPKLite" | b"Entrust.PPKEF" => Trouble::PublicKey,
        _ => Trouble::UnknownEncryption,
    }
}

#[cfg(test)]
mod tests {
    use super::super::bombs;
    use super::*;
    use pdf_extract::{Dictionary, EncryptionState, EncryptionVersion, Object, Permissions, Stream, StringFormat};
    use std::io::Write;

    fn bomb() -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![b' '; 24 << 20]).unwrap();
        encoder.finish().unwrap()
    }

    fn dictionary(entries: Vec<(&str, Object)>) -> Dictionary {
        Dictionary::from_iter(entries)
    }

    /// A document with a page whose description is a bomb, and another one where objects should be packed.
    fn encrypted(user_password: &str) -> Vec<u8> {
        let name = |name: &str| Object::Name(name.as_bytes().to_vec());
        let mut document = Document::with_version("1.7");
        let packed =
            |kind| vec![("Type", name(kind)), ("Filter", name("FlateDecode")), ("N", 1.into()), ("First", 4.into())];
        let contents = document.add_object(Stream::new(dictionary(packed("Any")), bomb()));
        document.add_object(Stream::new(dictionary(packed("ObjStx")), bomb()));
        let page = document.add_object(dictionary(vec![("Type", name("Page")), ("Contents", contents.into())]));
        let kids = Object::Array(vec![page.into()]);
        let pages = vec![("Type", name("Pages")), ("Kids", kids), ("Count", 1.into())];
        let pages = document.add_object(dictionary(pages));
        let root = document.add_object(dictionary(vec![("Type", name("Catalog")), ("Pages", pages.into())]));
        document.trailer.set("Root", root);
        let id = Object::String(vec![7; 16], StringFormat::Hexadecimal);
        document.trailer.set("ID", Object::Array(vec![id.clone(), id]));
        let version = EncryptionVersion::V2 {
            document: &document,
            owner_password: "owner",
            user_password,
            key_length: 128,
            permissions: Permissions::all(),
        };
        let state = EncryptionState::try_from(version).unwrap();
        document.encrypt(&state).unwrap();
        let mut bytes = Vec::new();
        document.save_to(&mut bytes).unwrap();
        // The writer leaves out what it takes for packed objects, so their name is written by hand.
        let at = bytes.windows(7).position(|window| window == b"/ObjStx").unwrap();
        bytes[at + 6] = b'm';
        bytes
    }

    #[test]
    fn what_is_deciphered_is_measured_before_it_is_unpacked() {
        let bytes = encrypted("");
        assert!(matches!(bombs::search(&bytes, 64 << 20), bombs::Search::Honest), "nothing shows before");
        let Some(Loaded::Document(mut pdf)) = attempt(&bytes) else { panic!("it opens") };
        assert_eq!((pdf.was_encrypted, pdf.unfolding), (true, Some(Trouble::ObjectBytes)));
        let len = bytes.len() as u64;
        assert_eq!(bombs::defuse(&mut pdf.document, len, 64 << 20), Some(Trouble::StreamTooLarge));
        let content = |object: &Object| object.as_stream().map_or(0, |stream| stream.content.len());
        // The table of objects is a stream as well.
        assert!(pdf.document.objects.values().map(content).sum::<usize>() < 1_000);
        assert_eq!(bombs::defuse(&mut pdf.document, len, 64 << 20), None);
        assert!(matches!(attempt(&encrypted("user")), Some(Loaded::Locked(Trouble::UserPassword))));
    }

    #[test]
    fn what_only_looks_encrypted_is_not() {
        let plain = |entry: &[u8]| {
            let mut document = Document::with_version("1.7");
            let page = document.add_object(dictionary(vec![("Type", Object::Name(b"Page".to_vec()))]));
            let pages = vec![("Kids", Object::Array(vec![page.into()])), ("Count", 1.into())];
            let pages = document.add_object(dictionary(pages));
            let root = document.add_object(dictionary(vec![("Pages", pages.into())]));
            document.trailer.set("Root", root);
            document.trailer.set("Mark", 1);
            let mut bytes = Vec::new();
            document.save_to(&mut bytes).unwrap();
            let at = memchr::memmem::find(&bytes, b"/Mark 1").expect("it was set");
            bytes.splice(at..at + 7, entry.iter().copied());
            bytes
        };
        for entry in [&b"/encrypA 1 0 R"[..], b"/encrypT<</V 1>>", b"/#65ncrypA null", b"/Encrypt null"] {
            let Some(Loaded::Document(pdf)) = attempt(&plain(entry)) else { panic!("it opens") };
            assert!(!pdf.was_encrypted && pdf.document.page_iter().count() == 1);
        }
        assert!(matches!(attempt(&plain(b"/Encrypt<</V 1>>")), Some(Loaded::Locked(_))));
    }
}
