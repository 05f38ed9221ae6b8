//! `dlp detectors`: what the product looks for, why it believes what it finds, and whether its data is right.

mod explain;
mod import;
mod list;
mod new;
mod test;

use crate::cli::{DetectorsArgs, DetectorsCommand};
use crate::error::CliError;

/// Lists, explains or tests.
pub(crate) fn run(args: &DetectorsArgs) -> Result<u8, CliError> {
    match &args.command {
        DetectorsCommand::List { format, choice } => list::run(*format, choice),
        DetectorsCommand::Explain { id, detector_file } => explain::run(id, detector_file),
        DetectorsCommand::New(args) => new::run(args),
        DetectorsCommand::Test { files } => test::run(files),
        DetectorsCommand::Import { files, out, force } => import::run(files, out.as_deref(), *force),
    }
}
