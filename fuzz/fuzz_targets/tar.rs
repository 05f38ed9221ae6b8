//! tar archives. A block that is no header gets the mark of one.
#![no_main]

use dlp_fuzz::walk_whole;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut block = bytes.to_vec();
    if block.len() >= 512 {
        block[257..262].copy_from_slice(b"ustar");
    }
    walk_whole(&block);
});
