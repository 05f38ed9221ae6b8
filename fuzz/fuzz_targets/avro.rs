//! Records of Avro.
#![no_main]

use dlp_fuzz::walk;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| walk(b"Obj\x01", bytes));
