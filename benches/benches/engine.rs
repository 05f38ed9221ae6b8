//! The engine over each corpus with every built-in detector, stage by stage and as a whole, beside a search for an absent
//! byte as the yardstick. Each stage does what those before it do.
//!
//! Built corpora are used when they are there, else small ones from this repository; the names of the benches tell. A
//! run whose finding count differs between its iterations fails: a fast engine that misses is no engine.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dlp_benches::corpora::Corpus;
use dlp_core::matching::{DetectorSet, Scratch, Stage};
use std::hint::black_box;

/// Bytes scanned in one iteration: a slice of a corpus, so that a bench ends in seconds.
const SLICE_BYTES: usize = 16 * 1024 * 1024;
/// A byte that no UTF-8 text holds.
const NEEDLE: u8 = 0xf5;

fn count(set: &DetectorSet, scratch: &mut Scratch, text: &[u8]) -> usize {
    let mut found = 0;
    let end = set.scan(scratch, text, &mut |_| found += 1);
    let _ = black_box(end);
    found
}

fn engine(criterion: &mut Criterion) {
    let set = DetectorSet::builtin().expect("built-in detectors");
    let mut scratch = Scratch::new();
    let mut group = criterion.benchmark_group("engine");
    group.sample_size(10);
    for corpus in Corpus::ALL {
        let (name, text) = text_of(corpus);
        let expected = count(&set, &mut scratch, &text);
        let absent = memchr::memchr(NEEDLE, &text);
        group.throughput(Throughput::Bytes(text.len() as u64));
        for (stage, label) in [(Stage::Masks, "masks"), (Stage::Candidates, "candidates")] {
            let expected = set.stage(stage, &mut scratch, &text);
            group.bench_function(BenchmarkId::new(label, &name), |bencher| {
                bencher.iter(|| assert_eq!(set.stage(stage, &mut scratch, black_box(&text)), expected));
            });
        }
        group.bench_function(BenchmarkId::new("scan", &name), |bencher| {
            bencher.iter(|| assert_eq!(count(&set, &mut scratch, black_box(&text)), expected));
        });
        group.bench_function(BenchmarkId::new("absent byte", &name), |bencher| {
            bencher.iter(|| assert_eq!(memchr::memchr(NEEDLE, black_box(&text)), absent));
        });
    }
    group.finish();
}

/// A slice of the built corpus or the quick one, without the needle, and a name that says which.
fn text_of(corpus: Corpus) -> (String, Vec<u8>) {
    let (kind, mut text) = match corpus.load() {
        Ok(text) => ("", text),
        Err(_) => (" (quick)", corpus.quick().expect("this repository can be read")),
    };
    text.truncate(SLICE_BYTES);
    text.iter_mut().filter(|byte| **byte == NEEDLE).for_each(|byte| *byte ^= 1);
    (format!("{}{kind}", corpus.name()), text)
}

fn start(criterion: &mut Criterion) {
    criterion.bench_function("start", |bencher| {
        bencher.iter(|| {
            let set = DetectorSet::builtin().expect("built-in detectors");
            count(&set, &mut Scratch::new(), b"nothing here")
        });
    });
}

criterion_group!(benches, engine, start);
criterion_main!(benches);
