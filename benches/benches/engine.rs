//! The engine over whole corpora with every built-in detector, beside a search for an absent byte as the yardstick.
//!
//! A run whose finding count differs between its iterations fails: a fast engine that misses is no engine.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dlp_core::matching::{DetectorSet, Scratch};
use std::hint::black_box;

fn count(set: &DetectorSet, scratch: &mut Scratch, text: &[u8]) -> usize {
    let mut found = 0;
    set.scan(scratch, text, &mut |_| found += 1);
    found
}

fn engine(criterion: &mut Criterion) {
    let set = DetectorSet::builtin().expect("built-in detectors");
    let mut scratch = Scratch::new();
    let mut group = criterion.benchmark_group("engine");
    group.sample_size(10);
    for (name, text) in [("source", dlp_benches::source()), ("digits", dlp_benches::digits())] {
        let expected = count(&set, &mut scratch, &text);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(BenchmarkId::new("scan", name), |bencher| {
            bencher.iter(|| assert_eq!(count(&set, &mut scratch, black_box(&text)), expected));
        });
        group.bench_function(BenchmarkId::new("absent byte", name), |bencher| {
            bencher.iter(|| assert_eq!(memchr::memchr(0, black_box(&text)), None));
        });
    }
    group.finish();
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
