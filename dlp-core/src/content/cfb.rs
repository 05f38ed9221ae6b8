//! Compound files: old Office documents, and the wrapper around encrypted new ones.
//!
//! Only the directory is searched, for the stream names that say what the file is. Its texts are found by the raw scan.

use super::walk::{Step, Walk};
use super::{Input, document};
use crate::base::{Problem, ProblemClass};

/// Directory names of an encrypted Office Open XML document.
const ENCRYPTED_STREAMS: [&str; 2] = ["EncryptionInfo", "EncryptedPackage"];
/// A directory entry: name of 64 bytes, then its length in bytes, terminator included.
const ENTRY_BYTES: usize = 128;
/// Only the object types storage, stream and root storage occur.
const OBJECT_TYPES: [u8; 3] = [1, 2, 5];

/// Walks a compound file.
pub(super) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    walk.with_held(input, |walk, bytes| {
        if ENCRYPTED_STREAMS.iter().all(|name| has_stream(bytes, name)) {
            let message = "the document is encrypted; its content was not read";
            walk.problem(Problem::new(ProblemClass::Encrypted, "ooxml_encrypted", message));
            return Ok(());
        }
        document::walk(walk, super::Kind::Cfb, Input::Bytes(bytes))
    })
}

/// Whether a directory entry bears the name. Entries are found by their shape, so a broken chain of sectors hides none.
fn has_stream(bytes: &[u8], name: &str) -> bool {
    let wide: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    memchr::memmem::find_iter(bytes, &wide).any(|at| {
        let Some(entry) = bytes.get(at..at + ENTRY_BYTES) else { return false };
        at % ENTRY_BYTES == 0
            && usize::from(u16::from_le_bytes([entry[64], entry[65]])) == wide.len()
            && OBJECT_TYPES.contains(&entry[66])
    })
}
