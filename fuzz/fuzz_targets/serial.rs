//! ar, cpio and rpm.
#![no_main]

use dlp_fuzz::walk_one_of;
use libfuzzer_sys::fuzz_target;

const FRONTS: [&[u8]; 8] =
    [b"!<arch>\n", b"!<thin>\n", b"070701", b"070702", b"070707", b"\xc7\x71", b"\x71\xc7", b"\xed\xab\xee\xdb"];

fuzz_target!(|bytes: &[u8]| walk_one_of(&FRONTS, bytes));
