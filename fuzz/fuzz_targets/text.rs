//! Text in any character set, and what is encoded in it.
#![no_main]

use dlp_fuzz::walk_whole;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| walk_whole(bytes));
