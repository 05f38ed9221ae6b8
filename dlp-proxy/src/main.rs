//! The gateway as a program of its own.

use clap::Parser;
use std::process::ExitCode;

/// Inspecting HTTP(S) forward proxy: holds uploads until they were inspected, and refuses what the policy forbids
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    #[command(flatten)]
    args: dlp_proxy::cli::Args,
}

fn main() -> ExitCode {
    if let Some(code) = dlp_sandbox::run_worker_if_asked() {
        return code;
    }
    dlp_proxy::cli::run(Cli::parse().args)
}
