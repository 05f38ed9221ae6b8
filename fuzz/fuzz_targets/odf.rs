//! Parts of OpenDocument, and documents in one file: the first byte chooses.
#![no_main]

use dlp_fuzz::{walk, walk_part};
use libfuzzer_sys::fuzz_target;

const PARTS: [&str; 4] = ["content.xml", "styles.xml", "meta.xml", "META-INF/manifest.xml"];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else { return };
    match PARTS.get(usize::from(*choice) % (PARTS.len() + 1)) {
        Some(part) => walk_part(&[("mimetype", b"application/vnd.oasis.opendocument.text")], part, rest),
        None => walk(b"<office:document ", rest),
    }
});
