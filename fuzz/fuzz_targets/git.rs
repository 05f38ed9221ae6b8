//! Packs and bundles of git.
#![no_main]

use dlp_fuzz::walk_one_of;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| walk_one_of(&[b"PACK\0\0\0\x02", b"# v2 git bundle\n"], bytes));
