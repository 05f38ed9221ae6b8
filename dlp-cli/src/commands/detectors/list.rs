//! The detectors, one a line.

use crate::cli::{DetectorChoice, ListFormat};
use crate::engine;
use crate::error::CliError;
use crate::exit;
use dlp_core::knowledge::Detector;
use serde_json::json;
use std::io::{self, BufWriter, Write};

/// Prints the list.
pub(super) fn run(format: ListFormat, choice: &DetectorChoice) -> Result<u8, CliError> {
    let catalogue = engine::catalogue(choice)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let width = catalogue.ids().map(str::len).max().unwrap_or_default();
    catalogue
        .detectors()
        .try_for_each(|detector| line(&mut out, format, width, &detector))
        .and_then(|()| out.flush())
        .map_err(CliError::stdout)?;
    Ok(exit::CLEAN)
}

fn line(out: &mut dyn Write, format: ListFormat, width: usize, d: &Detector) -> io::Result<()> {
    match format {
        ListFormat::Pretty => {
            writeln!(out, "{:<width$}  {:<13}  {:<13}  {}", d.id, d.category, d.severity, d.title)
        }
        ListFormat::Jsonl => {
            let line = json!({
                "record": "detector",
                "id": d.id,
                "title": d.title,
                "description": d.description,
                "category": d.category,
                "severity": d.severity,
                "label": d.label,
                "tags": d.tags,
                "validator": d.validator.as_ref().map(|v| &v.name),
                "reference": d.reference,
            });
            writeln!(out, "{line}")
        }
    }
}
