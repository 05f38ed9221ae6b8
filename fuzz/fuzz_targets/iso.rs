//! Images of disks: what is too short for one gets an empty area in front.
#![no_main]

use dlp_fuzz::walk_whole;
use libfuzzer_sys::fuzz_target;

const FRONT_BYTES: usize = 32 * 1024;

fuzz_target!(|bytes: &[u8]| {
    let mut whole = vec![0; FRONT_BYTES];
    whole.extend_from_slice(bytes);
    if let Some(mark) = whole.get_mut(FRONT_BYTES + 1..FRONT_BYTES + 6) {
        mark.copy_from_slice(b"CD001");
    }
    walk_whole(&whole);
});
