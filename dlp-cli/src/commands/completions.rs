//! `dlp completions`: scripts that complete words on the command line.

use crate::cli::{Cli, CompletionsArgs};
use crate::error::CliError;
use crate::exit;
use clap::CommandFactory as _;
use std::io::Write as _;

/// Prints the script for a shell.
pub(crate) fn run(args: &CompletionsArgs) -> Result<u8, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "dlp", &mut script);
    std::io::stdout().lock().write_all(&script).map_err(CliError::stdout)?;
    Ok(exit::CLEAN)
}
