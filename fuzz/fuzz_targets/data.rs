//! Tables, records, packs of git, notebooks and stores of mail, alone and behind what they start with.
#![no_main]

use dlp_fuzz::walk_one_of;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let fronts: [&[u8]; 7] = [
        b"PAR1",
        b"Obj\x01",
        b"PACK\0\0\0\x02",
        b"# v2 git bundle\n",
        b"!BDN",
        b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3",
        b"\xff\x06\0\0sNaPpY",
    ];
    walk_one_of(&fronts, bytes);
});
