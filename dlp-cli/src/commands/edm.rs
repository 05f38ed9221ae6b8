//! `dlp edm`: from a table to an index of its records.

use crate::cli::{EdmArgs, EdmBuildArgs, EdmCommand};
use crate::commands::sort::Sorter;
use crate::error::CliError;
use crate::exit;
use crate::input::read_key;
use crate::input::{self, Opened};
use crate::output::Destination;
use crate::say;
use crate::scan::walk::STDIN;
use dlp_core::known::KnownKey;
use dlp_core::known::edm::{Indexer, Schema};

use std::io::{self, Read};
use std::path::Path;

/// Does it.
pub(crate) fn run(args: &EdmArgs) -> Result<u8, CliError> {
    match &args.command {
        EdmCommand::Build(args) => build(args),
    }
}

fn build(args: &EdmBuildArgs) -> Result<u8, CliError> {
    let wrong = |message: String| CliError::Table { path: args.table.clone(), message };
    let schema = Schema::parse(&input::read_text(&args.schema)?)
        .map_err(|error| CliError::Table { path: args.schema.clone(), message: error.to_string() })?;
    let key = KnownKey::from(read_key(&args.key_file)?);
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(CliError::no_randomness)?;
    let delimiter =
        u8::try_from(args.delimiter).map_err(|_| wrong("--delimiter: expected one ASCII character".into()))?;
    let mut table = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(open(&args.table)?);
    let places = places(&schema, table.headers().map_err(|error| wrong(said(&error)))?).map_err(wrong)?;
    let mut indexer = Indexer::new(schema, &key, salt);
    let mut sorter = Sorter::new();
    let mut row = csv::StringRecord::new();
    while table.read_record(&mut row).map_err(|error| wrong(said(&error)))? {
        let cells = places.iter().map(|at| row.get(*at).unwrap_or_default());
        sorter.add(|entries| indexer.row(cells, entries)).map_err(temporary)?;
    }
    let (rows, cells) = (indexer.rows(), sorter.len());
    let destination = Destination::open(Some(&args.output))?;
    let failed = |source| CliError::Output { path: args.output.clone(), source };
    let mut writer = indexer.writer(cells, destination).map_err(failed)?;
    sorter.merge(|entry| writer.push(entry)).map_err(failed)?;
    writer.finish().map_err(failed)?.finish()?;
    say(&format!("{rows} rows, {cells} cells"));
    Ok(exit::CLEAN)
}

fn temporary(source: io::Error) -> CliError {
    CliError::System { what: "temporary files for sorting cannot be written", source }
}

fn open(table: &Path) -> Result<Box<dyn Read>, CliError> {
    if table.as_os_str() == STDIN {
        return Ok(Box::new(io::stdin().lock()));
    }
    let (Opened::File(file) | Opened::Stream(file)) = input::open(table, "pipe its content into `dlp edm build -`")?;
    Ok(Box::new(file))
}

/// Where the columns of the schema stand in the table.
fn places(schema: &Schema, header: &csv::StringRecord) -> Result<Vec<usize>, String> {
    let find = |name: &str| header.iter().position(|cell| cell.trim_start_matches('\u{feff}').trim() == name);
    let hint = delimiter_hint(header);
    let missing = |name: &str| format!("expected a column `{name}` in the header, as the schema names it{hint}");
    schema.columns.iter().map(|column| find(&column.name).ok_or_else(|| missing(&column.name))).collect()
}

/// What to do about a header of one cell that holds what others separate cells by.
fn delimiter_hint(header: &csv::StringRecord) -> &'static str {
    match header.get(0).filter(|_| header.len() == 1) {
        Some(cell) if cell.contains(';') => "; its cells seem to be separated by `;`, so try --delimiter ';'",
        Some(cell) if cell.contains('\t') => "; its cells seem to be separated by tabs, so try --delimiter $'\\t'",
        Some(cell) if cell.contains('|') => "; its cells seem to be separated by `|`, so try --delimiter '|'",
        Some(cell) if cell.contains(',') => "; its cells seem to be separated by `,`, so leave --delimiter out",
        _ => "",
    }
}

/// What is wrong with a table, and on which line. Cells are never quoted.
fn said(error: &csv::Error) -> String {
    let line = error.position().map_or_else(String::new, |at| format!(" on line {}", at.line()));
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => format!("expected UTF-8 text{line}"),
        csv::ErrorKind::Io(error) => format!("cannot be read: {error}"),
        _ => format!("expected rows of cells, as CSV has them{line}"),
    }
}
