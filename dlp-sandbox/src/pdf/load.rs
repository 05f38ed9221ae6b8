//! Loads a document: as it is, or repaired, or not at all.

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
    let options = || LoadOptions::with_filter(folded::disguise);
    let loaded = catch_unwind(AssertUnwindSafe(|| Document::load_mem_with_options(bytes, options()))).ok()?;
    match loaded {
        Ok(document) if document.trailer.get(b"Encrypt").is_ok() => Some(Loaded::Locked(lock_of(&document))),
        Ok(mut document) => {
            let was_encrypted = document.was_encrypted();
            let unfold = || folded::unfold(&mut document, bytes.len() as u64);
            let unfolding = catch_unwind(AssertUnwindSafe(unfold)).ok()?;
            Some(Loaded::Document(Box::new(Pdf { document, repaired: false, was_encrypted, unfolding })))
        }
        Err(Error::InvalidPassword) => Some(Loaded::Locked(Trouble::UserPassword)),
        Err(Error::UnsupportedSecurityHandler(name)) => Some(Loaded::Locked(handler(&name))),
        Err(Error::Decryption(_)) => Some(Loaded::Locked(Trouble::UnknownEncryption)),
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
