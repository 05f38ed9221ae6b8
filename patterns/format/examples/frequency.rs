//! Builds `src/anchor/frequency.bin`, by which anchors are chosen, from text.
//!
//! `cargo run -p dlp-detector-format --example frequency -- OUT source=DIR prose=DIR binary=DIR`
//!
//! Each part counts equally, whatever its size: source code; prose in several languages, markup included; machine code;
//! and, generated here, logs and tables full of digits. Files are read as they stand, in the order of their names,
//! until a part has 64 MiB. The layout of the result is told in `src/anchor/frequency.rs`.

use dlp_detector_format::symbol;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Values of a [`symbol`].
const SYMBOLS: usize = 64;
/// Bytes of a part that are read.
const PART_BYTES_MAX: usize = 64 << 20;
/// Bytes of the generated part.
const LOG_BYTES: usize = 8 << 20;
/// Quadgrams that are kept: the most frequent ones.
const QUADGRAMS: usize = 16_384;
/// Parts whose quadgrams count: words are made of letters, and only these hold words.
const WORD_PARTS: [&str; 2] = ["source", "prose"];

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [out, parts @ ..] = arguments.as_slice() else {
        return Err(io::Error::other("expected OUT and parts such as source=DIR"));
    };
    let mut model = Model::new();
    for part in parts {
        let (name, folder) = part.split_once('=').ok_or_else(|| io::Error::other("expected NAME=DIR"))?;
        let mut text = Vec::new();
        read_all(Path::new(folder), &mut text)?;
        model.add(&text, WORD_PARTS.contains(&name));
    }
    model.add(&logs(), false);
    fs::write(out, model.finish())
}

fn read_all(folder: &Path, text: &mut Vec<u8>) -> io::Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    entries.sort();
    for path in entries.into_iter().filter(|path| !path.is_symlink()) {
        if text.len() > PART_BYTES_MAX {
            break;
        }
        if path.is_dir() {
            read_all(&path, text)?;
        } else {
            text.extend(fs::read(&path)?);
        }
    }
    Ok(())
}

struct Model {
    /// Sum over the parts of the relative frequency of each pair of symbols.
    pairs: Vec<f64>,
    /// Greatest frequency per megabyte of each four symbols in a part that holds words.
    quadgrams: Vec<f32>,
    parts: f64,
}

impl Model {
    fn new() -> Self {
        Self { pairs: vec![0.0; SYMBOLS * SYMBOLS], quadgrams: vec![0.0; 1 << 24], parts: 0.0 }
    }

    fn add(&mut self, text: &[u8], holds_words: bool) {
        let mut pairs = vec![0u64; SYMBOLS * SYMBOLS];
        let mut quadgrams = vec![0u32; if holds_words { 1 << 24 } else { 0 }];
        let mut last = 0usize;
        for byte in text {
            last = (last << 6 | usize::from(symbol(*byte))) & 0xff_ffff;
            pairs[last & 0xfff] += 1;
            if let Some(count) = quadgrams.get_mut(last) {
                *count += 1;
            }
        }
        let len = text.len().max(1) as f64;
        self.pairs.iter_mut().zip(pairs).for_each(|(sum, count)| *sum += count as f64 / len);
        let per_mb = quadgrams.into_iter().map(|count| (f64::from(count) * 1e6 / len) as f32);
        self.quadgrams.iter_mut().zip(per_mb).for_each(|(most, here)| *most = most.max(here));
        self.parts += 1.0;
    }

    fn finish(self) -> Vec<u8> {
        let rows: Vec<f64> = self.pairs.chunks(SYMBOLS).map(|row| row.iter().sum()).collect();
        let mut out: Vec<u8> = rows.iter().map(|sum| eighths(sum / self.parts)).collect();
        for (row, sum) in self.pairs.chunks(SYMBOLS).zip(rows) {
            // A pair that was never seen counts as if seen once in a hundred million bytes.
            out.extend(row.iter().map(|pair| eighths((pair / self.parts + 1e-8) / (sum / self.parts + 1e-8))));
        }
        let mut frequent: Vec<usize> = (0..self.quadgrams.len()).filter(|i| self.quadgrams[*i] > 1.0).collect();
        frequent.sort_by(|a, b| self.quadgrams[*b].total_cmp(&self.quadgrams[*a]));
        frequent.truncate(QUADGRAMS);
        frequent.sort_unstable();
        out.extend(frequent.iter().flat_map(|i| [(*i >> 16) as u8, (*i >> 8) as u8, *i as u8]));
        out.extend(frequent.iter().map(|i| eighths(f64::from(self.quadgrams[*i]) / 1e6)));
        out
    }
}

/// Minus the binary logarithm, in eighths of a bit.
fn eighths(probability: f64) -> u8 {
    (-probability.log2() * 8.0).round().clamp(0.0, 255.0) as u8
}

/// Tables of dates, addresses, amounts and hexadecimal ids, the same in each run.
fn logs() -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut next = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut text = Vec::with_capacity(LOG_BYTES + 512);
    while text.len() < LOG_BYTES {
        let (month, day, hour, minute) = (1 + next(12), 1 + next(28), next(24), next(60));
        let line = match next(4) {
            0 => format!(
                "2024-{month:02}-{day:02} {hour:02}:{minute:02}:{:02},{},{}.{:02},{:.6},+48 {} {} {}\n",
                next(60),
                next(1_000_000_000),
                next(100_000),
                next(100),
                next(1_000_000) as f64 / 997.0,
                500 + next(300),
                100 + next(900),
                100 + next(900),
            ),
            1 => format!(
                "{}.{}.{}.{} - - [{day:02}/Oct/2024:{hour:02}:{minute:02}:{:02} +0000] \"GET /item/{} HTTP/1.1\" 200 {}\n",
                next(256),
                next(256),
                next(256),
                next(256),
                next(60),
                next(10_000_000),
                next(100_000),
            ),
            2 => format!(
                "{{\"ts\":{},\"id\":\"{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}\",\"amount\":{},\"ok\":true}}\n",
                1_700_000_000 + next(50_000_000),
                next(1 << 32),
                next(1 << 16),
                next(1 << 12),
                next(1 << 12),
                next(1 << 48),
                next(1_000_000),
            ),
            _ => format!(
                "{}\t{}\t-{}.{}\t{:.8}\t{day:02}.{month:02}.{}\n",
                next(100_000_000_000),
                next(10_000),
                next(100),
                next(1000),
                next(1_000_000) as f64 / 1e6,
                1950 + next(75)
            ),
        };
        text.extend_from_slice(line.as_bytes());
    }
    text
}
