//! `dlp schema`: the published schemas.

use crate::cli::{SchemaArgs, SchemaName};
use crate::error::CliError;
use crate::exit;
use dlp_core::output::schema;
use std::io::Write as _;

/// Prints a schema.
pub(crate) fn run(args: &SchemaArgs) -> Result<u8, CliError> {
    let text = match args.name {
        SchemaName::Finding => schema::RECORD,
    };
    std::io::stdout().lock().write_all(text.as_bytes()).map_err(CliError::stdout)?;
    Ok(exit::CLEAN)
}
