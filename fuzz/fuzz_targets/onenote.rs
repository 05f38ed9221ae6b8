//! Notebooks of OneNote.
#![no_main]

use dlp_fuzz::walk;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| walk(b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", bytes));
