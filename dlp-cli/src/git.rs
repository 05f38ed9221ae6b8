//! What changed in a repository, read from git's own store by running `git`.
//!
//! [`changes`] lists the changed files and the lines that were added to them; [`blobs`] reads their contents. Nothing
//! is read from the work tree: what will be committed may differ from what lies there.

pub(crate) mod blobs;
pub(crate) mod changes;

use crate::error::CliError;
use std::process::{Command, Output};

/// Which difference is scanned.
#[derive(Clone, Debug)]
pub(crate) enum Difference {
    /// What is staged, against the last commit.
    Staged,
    /// Two revisions, `A..B`.
    Range(String),
}

impl Difference {
    /// A range as the user typed it. Words that git would take for an option are refused.
    pub(crate) fn range(text: &str) -> Result<Self, CliError> {
        if text.starts_with('-') || !text.contains("..") {
            let message = format!("expected a range like A..B, found `{text}`");
            return Err(CliError::Git { what: "diff", message });
        }
        Ok(Self::Range(text.to_owned()))
    }

    /// The word of `git diff` that selects it.
    fn selector(&self) -> &str {
        match self {
            Self::Staged => "--cached",
            Self::Range(range) => range,
        }
    }
}

/// Runs git to its end and gives what it printed.
pub(crate) fn output(what: &'static str, args: &[&str]) -> Result<Vec<u8>, CliError> {
    let Output { status, stdout, stderr } = Command::new("git").arg(what).args(args).output().map_err(cannot_run)?;
    if status.success() {
        return Ok(stdout);
    }
    let message = String::from_utf8_lossy(&stderr);
    let first = message.lines().next().unwrap_or("failed without a message").to_owned();
    Err(CliError::Git { what, message: dlp_core::output::escape(&first).into_owned() })
}

fn cannot_run(source: std::io::Error) -> CliError {
    CliError::System { what: "git cannot be run; is it installed and on the PATH?", source }
}
