//! Compressed streams.
#![no_main]

use dlp_fuzz::walk_one_of;
use libfuzzer_sys::fuzz_target;

const FRONTS: [&[u8]; 9] = [
    b"\x1f\x8b\x08",
    b"BZh91AY&SY",
    b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd",
    b"\x04\x22\x4d\x18",
    b"\x02\x21\x4c\x18",
    b"LZIP\x01",
    b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x1f\x9d",
];

fuzz_target!(|bytes: &[u8]| walk_one_of(&FRONTS, bytes));
