//! Messages of Outlook in an attachment.
#![no_main]

use dlp_fuzz::walk;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| walk(b"\x78\x9f\x3e\x22", bytes));
