//! No input crashes, hangs or exhausts an inspection, whatever it claims to be.
#![no_main]

use dlp_core::base::{Cancel, Limits};
use dlp_core::content::Input;
use dlp_core::inspect::{Collected, Inspector, Job};
use dlp_core::matching::{DetectorSet, Scratch};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static INSPECTOR: LazyLock<Inspector> = LazyLock::new(|| {
    let limits = Limits { inflated_bytes_max: 1 << 22, held_bytes_max: 1 << 20, items_max: 256, ..Limits::inline() };
    Inspector::new(DetectorSet::builtin().expect("built-in detectors"), limits)
});

fuzz_target!(|bytes: &[u8]| {
    let cancel = Cancel::default();
    let mut collected = Collected::default();
    let job = Job { name: "input", input: Input::Bytes(bytes), cancel: &cancel };
    let inspected = INSPECTOR.inspect(&mut Scratch::new(), job, &mut collected);
    let worst = collected.items.iter().map(|item| item.completeness).max();
    assert!(worst.is_none_or(|worst| worst <= inspected.outcome.completeness), "an outcome was lost");
});
