//! Streams of snappy.
#![no_main]

use dlp_fuzz::walk;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| walk(b"\xff\x06\0\0sNaPpY", bytes));
