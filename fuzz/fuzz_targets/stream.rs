//! Any chunking of any bytes gives the matches of the whole, and the same account of what was left untried, with the
//! built-in detectors.
#![no_main]

use arbitrary::Arbitrary;
use dlp_core::matching::{DetectorSet, Scratch};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static SET: LazyLock<DetectorSet> = LazyLock::new(|| DetectorSet::builtin().expect("built-in detectors"));

#[derive(Arbitrary, Debug)]
struct Case {
    text: Vec<u8>,
    repeat: u8,
    cuts: Vec<u16>,
}

fuzz_target!(|case: Case| {
    let text = case.text.repeat(usize::from(case.repeat) + 1);
    let mut scratch = Scratch::new();
    let mut whole = Vec::new();
    let whole_end = SET.scan(&mut scratch, &text, &mut |found| whole.push(found));

    let mut pieces = Vec::new();
    let mut stream = SET.stream();
    let mut rest = text.as_slice();
    for cut in case.cuts.iter().cycle().take_while(|_| !case.cuts.is_empty()) {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at(usize::from(*cut).clamp(1, rest.len()));
        stream.push(&mut scratch, now, &mut |found| pieces.push(found));
        rest = later;
    }
    stream.push(&mut scratch, rest, &mut |found| pieces.push(found));
    let pieces_end = stream.finish(&mut scratch, &mut |found| pieces.push(found));
    assert_eq!(whole, pieces);
    assert_eq!(whole_end, pieces_end);
});
