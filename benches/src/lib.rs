//! Corpora for the benches, made from this repository and from a seed, so that every machine measures the same bytes.

use std::fmt::Write as _;
use std::path::Path;

/// Size of each corpus in bytes: past the caches of most machines, small enough for a quick run.
pub const CORPUS_BYTES: usize = 16 * 1024 * 1024;

/// Source text: this repository's own files, repeated.
///
/// # Panics
/// When the repository cannot be read, since a bench without its corpus measures nothing.
#[must_use]
pub fn source() -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("benches stands in the workspace");
    let mut once = Vec::new();
    for folder in ["dlp-core/src/matching", "dlp-core/src/base", "patterns/format/src"] {
        let mut files: Vec<_> = std::fs::read_dir(root.join(folder))
            .expect("source folder")
            .map(|entry| entry.expect("entry").path())
            .filter(|path| path.is_file())
            .collect();
        files.sort();
        files.iter().for_each(|file| once.extend(std::fs::read(file).expect("source file")));
    }
    repeat(&once)
}

/// A log of numbers, dates, addresses and float columns, in which next to nothing is an identifier.
#[must_use]
pub fn digits() -> Vec<u8> {
    let mut text = String::new();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    while text.len() < CORPUS_BYTES {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let (a, b, c) = (state % 1_000_000, (state >> 20) % 100_000, (state >> 40) % 60);
        writeln!(
            text,
            "2026-03-{:02} 10:{c:02}:07.{b:05} 10.0.{}.{} GET /v{}/x{a} {}.{b} {a}",
            a % 28 + 1,
            b % 250,
            c,
            c % 9,
            b
        )
        .expect("writing to a string succeeds");
    }
    text.truncate(CORPUS_BYTES);
    text.into_bytes()
}

fn repeat(once: &[u8]) -> Vec<u8> {
    once.iter().copied().cycle().take(CORPUS_BYTES).collect()
}
