//! Exact data match, measured: bytes for each cell, rate of building, opening and following a text, and false matches.
//!
//! `cargo run --release -p dlp-benches --bin edm -- 1000000` makes a table of that many rows, indexes it in a temporary
//! file, and follows a text of other rows and some of the table's own, then a text of other rows alone. The entries are
//! sorted in memory here, and in runs of bounded size by `dlp edm build`. A run whose counts are wrong fails.

use dlp_benches::clock::thread_cpu;
use dlp_core::base::ConfidenceLevel;
use dlp_core::knowledge::Catalogue;
use dlp_core::known::edm::{Index, Indexer, Schema};
use dlp_core::known::{Known, KnownKey, Source};
use dlp_core::matching::DetectorSet;
use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

const SCHEMA: &str = "name = \"bench\"\nsecondary_min = 2\n[[column]]\nname = \"no\"\nprimary = true\n[[column]]\n\
                      name = \"surname\"\n[[column]]\nname = \"city\"\n[[column]]\nname = \"born\"\nkind = \"date\"\n";
/// Rows unless another number is given.
const ROWS: u64 = 200_000;
/// Every so many rows of the text stand in the table.
const KNOWN_EVERY: u64 = 100;

fn main() -> std::process::ExitCode {
    let rows = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(ROWS);
    match run(rows) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(message) => {
            complain(&message);
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(rows: u64) -> Result<(), String> {
    let key = KnownKey::new([1; 32]);
    let start = thread_cpu();
    let bytes = build(rows, &key).map_err(|error| error.to_string())?;
    let built = (thread_cpu() - start).as_secs_f64();
    let file = file(&bytes).map_err(|error| error.to_string())?;
    let len = bytes.len();
    drop(bytes);
    let start = thread_cpu();
    let index = Index::open(Arc::new(file), &key).map_err(|error| error.to_string())?;
    let opened = (thread_cpu() - start).as_secs_f64();
    let cells = index.cells();
    line(&format!("{rows} rows, {cells} cells, {:.2} bytes a cell in the file", len as f64 / cells as f64));
    line(&format!("built at {:.2} million cells a CPU second", cells as f64 / built / 1e6));
    line(&format!("opened at {:.2} million cells a CPU second", cells as f64 / opened / 1e6));
    let mut catalogue = Catalogue::empty();
    catalogue.add_detector("bench", index.schema().detector()).map_err(|error| error.to_string())?;
    let set = DetectorSet::compile(catalogue).map_err(|error| error.to_string())?;
    let known = Known::new(&set, vec![index], Vec::new());
    let text: String = (0..rows)
        .map(|row| row_of(if row % KNOWN_EVERY == 0 { row } else { row + 7 * rows }).join("; ") + "\n")
        .collect();
    let (high, low) = follow(&known, &text)?;
    let expected = rows.div_ceil(KNOWN_EVERY);
    line(&format!("{high} rows found of {expected}, {low} values without their row"));
    if (high, low) != (expected, 0) {
        return Err(format!("expected {expected} rows and no value without one, found {high} and {low}"));
    }
    let unrelated: String = (0..rows).map(|row| row_of(row + 9 * rows).join("; ") + "\n").collect();
    let (high, low) = follow(&known, &unrelated)?;
    line(&format!("of {rows} rows of another table, {high} found and {low} values without their row"));
    if high == 0 { Ok(()) } else { Err("expected no row of another table".to_owned()) }
}

/// Follows a text, says how fast, and counts findings of high confidence and others.
fn follow(known: &Known, text: &str) -> Result<(u64, u64), String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).count() as f64;
    let (mut high, mut low) = (0, 0);
    let mut scan = known.scan().ok_or("nothing is known")?;
    let mut count = |found: dlp_core::matching::Match| match found.confidence.level() {
        ConfidenceLevel::High => high += 1,
        _ => low += 1,
    };
    let start = thread_cpu();
    scan.push(text.as_bytes(), &mut count);
    scan.finish(&mut count);
    let seconds = (thread_cpu() - start).as_secs_f64();
    let megabytes = text.len() as f64 / 1e6;
    let (rate, words) = (megabytes / seconds, words / seconds / 1e6);
    line(&format!("followed {megabytes:.1} MB at {rate:.1} MB per CPU second, {words:.2} million words a CPU second"));
    Ok((high, low))
}

/// An index on disk, without a name.
struct IndexFile(File, u64);

impl Source for IndexFile {
    fn len_bytes(&self) -> u64 {
        self.1
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(into, at)
    }
}

fn file(bytes: &[u8]) -> io::Result<IndexFile> {
    let path = std::env::temp_dir().join(format!("dlp-bench-{}.edm", std::process::id()));
    let mut file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(IndexFile(file, bytes.len() as u64))
}

fn build(rows: u64, key: &KnownKey) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut indexer = Indexer::new(Schema::parse(SCHEMA)?, key, [2; 16]);
    let mut entries = Vec::new();
    for row in 0..rows {
        indexer.row(row_of(row).iter().map(String::as_str), &mut entries);
    }
    entries.sort_unstable();
    let mut writer = indexer.writer(entries.len() as u64, Vec::new())?;
    for entry in entries {
        writer.push(entry)?;
    }
    Ok(writer.finish()?)
}

/// A row like those of customers: numbers that differ, names and towns that come again.
fn row_of(row: u64) -> [String; 4] {
    let mixed = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
    let born = format!("{:04}-{:02}-{:02}", 1900 + mixed % 20, 1 + mixed / 20 % 12, 1 + mixed / 240 % 28);
    [format!("AC-{row:010}"), format!("surname{}", mixed % 50_000), format!("town{}", mixed / 7 % 900), born]
}

fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "error: {text}");
}
