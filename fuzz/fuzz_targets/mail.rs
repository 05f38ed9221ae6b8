//! Messages and mailboxes.
#![no_main]

use dlp_fuzz::walk_one_of;
use libfuzzer_sys::fuzz_target;

const FRONTS: [&[u8]; 3] = [
    b"From: a\nTo: b\n",
    b"From: a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n",
    b"From a@b Thu Jan  1 00:00:00 1970\nFrom: a\nTo: b\n",
];

fuzz_target!(|bytes: &[u8]| walk_one_of(&FRONTS, bytes));
