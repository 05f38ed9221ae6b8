//! Any chunking of any bytes gives the matches of the whole, and the same account of what was left untried; so does every
//! instruction set. With the built-in detectors, and with parts of them.
#![no_main]

use arbitrary::Arbitrary;
use dlp_core::knowledge::Catalogue;
use dlp_core::matching::{DetectorSet, Isa, Match, ScanEnd, Scratch};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

/// Parts of the catalogue by family and by country, each compiled for every instruction set; the first is all of it.
static SETS: LazyLock<Vec<Vec<DetectorSet>>> = LazyLock::new(|| PARTS.iter().map(|part| compiled(part)).collect());

const PARTS: &[&str] = &["*", "secret.*", "pii.*", "finance.*", "health.*", "label.*", "pii.intl.*", "secret.g*"];

fn compiled(part: &str) -> Vec<DetectorSet> {
    let catalogue = || {
        let mut catalogue = Catalogue::builtin().expect("built-in detectors");
        catalogue.select(&[part.to_owned()]).expect("a part with detectors");
        catalogue
    };
    Isa::available().map(|isa| DetectorSet::compile_for(isa, catalogue())).collect()
}

#[derive(Arbitrary, Debug)]
struct Case {
    part: u8,
    text: Vec<u8>,
    repeat: u8,
    cuts: Vec<u16>,
}

fuzz_target!(|case: Case| {
    let text = case.text.repeat(usize::from(case.repeat) + 1);
    let sets = &SETS[usize::from(case.part) % PARTS.len()];
    let [first, others @ ..] = sets.as_slice() else { return };
    let expected = whole(first, &text);
    assert_eq!(in_pieces(first, &text, &case.cuts), expected);
    others.iter().for_each(|set| assert_eq!(whole(set, &text), expected));
});

fn whole(set: &DetectorSet, text: &[u8]) -> (Vec<Match>, ScanEnd) {
    let mut found = Vec::new();
    let end = set.scan(&mut Scratch::new(), text, &mut |m| found.push(m));
    (found, end)
}

fn in_pieces(set: &DetectorSet, text: &[u8], cuts: &[u16]) -> (Vec<Match>, ScanEnd) {
    let (mut scratch, mut found) = (Scratch::new(), Vec::new());
    let mut stream = set.stream();
    let mut rest = text;
    for cut in cuts.iter().cycle().take_while(|_| !cuts.is_empty()) {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at(usize::from(*cut).clamp(1, rest.len()));
        stream.push(&mut scratch, now, &mut |m| found.push(m));
        rest = later;
    }
    stream.push(&mut scratch, rest, &mut |m| found.push(m));
    let end = stream.finish(&mut scratch, &mut |m| found.push(m));
    (found, end)
}
