//! The `dlp` command.
//!
//! `main` sets the edge of the process: what a panic may print, how errors look, what exit code leaves. [`run`] is the
//! table of contents.

#![forbid(unsafe_code)]

mod baseline;
mod cli;
mod commands;
mod engine;
mod error;
mod exit;
mod git;
mod import;
mod input;
mod output;
mod scan;

use clap::Parser;
use cli::{Cli, Command};
use error::CliError;
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = dlp_sandbox::run_worker_if_asked() {
        return code;
    }
    std::panic::set_hook(Box::new(say_where));
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            if !error.is_quiet() {
                say(&format!("error: {error}"));
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, CliError> {
    let code = match cli.command {
        Command::Scan(args) => commands::scan::run(&args)?,
        Command::Extract(args) => commands::extract::run(&args)?,
        Command::Redact(args) => commands::redact::run(&args)?,
        Command::Git(args) => commands::git::run(&args)?,
        Command::Hook(args) => commands::hook::run(&args)?,
        Command::Edm(args) => commands::edm::run(&args)?,
        Command::Fingerprint(args) => commands::fingerprint::run(&args)?,
        Command::Detectors(args) => commands::detectors::run(&args)?,
        Command::Gateway(args) => return commands::gateway::run(args),
        Command::Schema(args) => commands::schema::run(&args)?,
        Command::Completions(args) => commands::completions::run(&args)?,
    };
    Ok(ExitCode::from(code))
}

/// A panic's message may quote the text that was being read, so only its place is shown.
fn say_where(info: &std::panic::PanicHookInfo<'_>) {
    let place = info.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
    say(&format!("error: internal error{place}; please report it"));
}

/// Talk goes to standard error; when nobody listens there, there is nobody left to tell.
pub(crate) fn say(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}
