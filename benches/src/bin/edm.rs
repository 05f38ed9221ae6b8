//! Exact data match, measured: bytes for each cell, rate of building and of following a text, and false matches.
//!
//! `cargo run --release -p dlp-benches --bin edm -- 1000000` makes a table of that many rows, indexes it, and follows a
//! text of other rows and one of the table's own; a run whose counts are wrong fails.

use dlp_core::base::ConfidenceLevel;
use dlp_core::knowledge::Catalogue;
use dlp_core::known::edm::{Index, Indexer, Schema};
use dlp_core::known::{Known, KnownKey};
use dlp_core::matching::DetectorSet;
use std::time::Instant;

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
    let start = Instant::now();
    let bytes = build(rows, &key).map_err(|error| error.to_string())?;
    let built = start.elapsed().as_secs_f64();
    let index = Index::parse(bytes.clone(), &key).map_err(|error| error.to_string())?;
    let cells = index.cells();
    line(&format!("{rows} rows, {cells} cells, {:.2} bytes a cell", bytes.len() as f64 / cells as f64));
    line(&format!("built at {:.2} million cells a second", cells as f64 / built / 1e6));
    let mut catalogue = Catalogue::empty();
    catalogue.add_detector("bench", index.schema().detector()).map_err(|error| error.to_string())?;
    let set = DetectorSet::compile(catalogue).map_err(|error| error.to_string())?;
    let known = Known::new(&set, vec![index], Vec::new());
    let text: String = (0..rows)
        .map(|row| row_of(if row % KNOWN_EVERY == 0 { row } else { row + 7 * rows }).join("; ") + "\n")
        .collect();
    let start = Instant::now();
    let (mut high, mut low) = (0, 0);
    let mut scan = known.scan().ok_or("nothing is known")?;
    let mut count = |found: dlp_core::matching::Match| match found.confidence.level() {
        ConfidenceLevel::High => high += 1,
        _ => low += 1,
    };
    scan.push(text.as_bytes(), &mut count);
    scan.finish(&mut count);
    let seconds = start.elapsed().as_secs_f64();
    line(&format!("followed {:.1} MB at {:.1} MB/s", text.len() as f64 / 1e6, text.len() as f64 / 1e6 / seconds));
    let expected = rows.div_ceil(KNOWN_EVERY);
    line(&format!(
        "{high} rows found of {expected}, {low} values without their row, {} false",
        high.max(expected) - expected
    ));
    if high == expected { Ok(()) } else { Err(format!("expected {expected} rows, found {high}")) }
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
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn complain(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "error: {text}");
}
