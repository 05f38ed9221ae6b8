//! ZIP archives of any make.
#![no_main]

use dlp_fuzz::walk;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| walk(b"PK\x03\x04", bytes));
