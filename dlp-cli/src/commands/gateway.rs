//! `dlp gateway`: the same gateway that `dlp-proxy` runs.

use crate::cli::{GatewayArgs, GatewayCommand};
use std::process::ExitCode;

/// Runs the gateway until it is asked to end, or checks its configuration.
pub(crate) fn run(args: GatewayArgs) -> ExitCode {
    match args.command {
        GatewayCommand::Run(args) => dlp_proxy::cli::run(args),
    }
}
