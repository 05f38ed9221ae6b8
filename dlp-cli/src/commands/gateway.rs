//! `dlp gateway`: the same gateway that `dlp-proxy` runs.

use crate::cli::{GatewayArgs, GatewayCommand};
use crate::error::CliError;
use crate::input;
use std::process::ExitCode;

/// Runs the gateway until it is asked to end, or checks its configuration.
///
/// The configuration is opened by its name once more there, so it has to be a file and not a pipe.
pub(crate) fn run(args: GatewayArgs) -> Result<ExitCode, CliError> {
    match args.command {
        GatewayCommand::Run(args) => {
            if let Some(path) = args.config.as_deref().filter(|path| path.exists()) {
                input::check_waits_for_nobody(path, "write the configuration to a file")?;
            }
            Ok(dlp_proxy::cli::run(args))
        }
    }
}
