//! Images.
#![no_main]

use dlp_fuzz::walk_one_of;
use libfuzzer_sys::fuzz_target;

const FRONTS: [&[u8]; 6] =
    [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"MM\0*", b"RIFF\xff\0\0\0WEBPVP8X"];

fuzz_target!(|bytes: &[u8]| walk_one_of(&FRONTS, bytes));
