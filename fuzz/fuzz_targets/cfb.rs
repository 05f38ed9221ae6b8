//! Compound files: older documents of Office, messages of Outlook.
#![no_main]

use dlp_fuzz::walk;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| walk(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", bytes));
