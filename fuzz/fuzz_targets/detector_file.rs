//! Any text is a detector file or a clear error; a file that loads also compiles and scans.
#![no_main]

use dlp_core::knowledge::Catalogue;
use dlp_core::matching::{DetectorSet, Scratch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut catalogue = Catalogue::empty();
    if catalogue.add_file("fuzz.toml", text).is_ok() {
        if let Ok(set) = DetectorSet::compile(catalogue) {
            let _ = set.scan(&mut Scratch::new(), text.as_bytes(), &mut |_| {});
        }
    }
});
