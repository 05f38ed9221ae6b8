//! Errors that end a command. Each is one line: what failed, on what, what to do next.

use crate::exit;
use dlp_core::decision::redact::RedactError;
use dlp_core::knowledge::{CatalogueError, ProfileError};
use dlp_core::known::IndexError;
use dlp_core::matching::CompileError;
use dlp_core::output::AllowError;
use dlp_governance::files::KeyError;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why a command cannot go on.
#[derive(Debug, Error)]
pub(crate) enum CliError {
    /// A path on the command line does not exist or cannot be looked at.
    #[error("{}: {source}; nothing was scanned, check the path", .path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that the command needs cannot be read.
    #[error("{}: cannot be read: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something else than a file where a file is expected.
    #[error("{}: expected a regular file, found a {kind}; {hint}", .path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
        /// What to do instead.
        hint: &'static str,
    },
    /// The report cannot be written to its file.
    #[error("{}: report cannot be written: {source}; choose another place for --output", .path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file would be overwritten that may hold a person's work.
    #[error("{}: exists already; choose another name for --out, or overwrite it with --force", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A new detector has the id of a built-in one.
    #[error("{id}: this id is already taken by a built-in detector; choose another, such as custom.{id}")]
    IdTaken {
        /// The id.
        id: String,
    },
    /// Standard output fails for another reason than a reader that went away.
    #[error("standard output cannot be written: {0}")]
    Stdout(io::Error),
    /// Whoever read standard output went away. Not shown.
    #[error("standard output was closed")]
    ReaderGone {
        /// What the command would have ended with, as far as it got.
        exit_code: u8,
    },
    /// The system gives no threads.
    #[error("threads cannot be started: {0}; try a smaller --jobs")]
    Threads(rayon::ThreadPoolBuildError),
    /// Detectors cannot be loaded.
    #[error(transparent)]
    Detectors(#[from] CatalogueError),
    /// An allow entry cannot be used.
    #[error(transparent)]
    Allow(#[from] AllowError),
    /// There is no such profile.
    #[error("--profile {0}")]
    Profile(#[from] ProfileError),
    /// Detectors cannot be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The choice of detectors leaves out all that it takes.
    #[error("--detectors: no detector is left, and nothing would be found; globs with `!` leave out what others take")]
    NothingToLookFor,
    /// A glob is wrong.
    #[error("--exclude {glob}: {message}")]
    Glob {
        /// The glob.
        glob: String,
        /// What is wrong with it.
        message: String,
    },
    /// A baseline cannot be used.
    #[error("{}: {message}", .path.display())]
    Baseline {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        message: String,
    },
    /// A key cannot be used.
    #[error("{}: {source}", .path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        source: KeyError,
    },
    /// An index cannot be used.
    #[error("{}: {source}", .path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: IndexError,
    },
    /// A table cannot be indexed.
    #[error("{}: {message}", .path.display())]
    Table {
        /// The table or its schema.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        message: String,
    },
    /// Rules of another scanner stand where detectors are expected.
    #[error("{0}: these are rules of another scanner; `dlp detectors import {0} --out detectors.toml` makes detectors of them", .path.display())]
    ForeignRules {
        /// The file.
        path: PathBuf,
    },
    /// Rules of another scanner cannot be read.
    #[error("{}: {message}", .path.display())]
    Import {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A new detector cannot be written.
    #[error("--pattern: {message}")]
    NewDetector {
        /// What is wrong.
        message: String,
    },
    /// A collection has no proper name.
    #[error("--name {0}: expected lower-case letters, digits and hyphens, like contracts")]
    CollectionName(String),
    /// A text cannot be redacted.
    #[error("{path}: {source}; redact what `dlp extract` prints of documents, and convert other texts to UTF-8")]
    Redact {
        /// The file as the user wrote it.
        path: String,
        /// What is wrong with it.
        source: RedactError,
    },
    /// Tokens need a key.
    #[error(
        "--method token: expected --key-file FILE with 32 bytes; make one with `head -c 32 /dev/urandom`, chmod 600"
    )]
    NoRedactKey,
    /// A file for a key is not there.
    #[error(
        "{}: there is no such file; expected 32 bytes, make them with `head -c 32 /dev/urandom`, chmod 600",
        .path.display()
    )]
    NoKeyFile {
        /// The file.
        path: PathBuf,
    },
    /// Values would leave the terminal.
    #[error("--reveal: values are shown on a terminal only, in the pretty format; leave it out, or do not redirect")]
    Reveal,
    /// A problem class does not exist.
    #[error("--allow-incomplete {word}: expected one of {expected}")]
    ProblemClass {
        /// The word.
        word: String,
        /// The classes.
        expected: String,
    },
    /// There is no detector with this id.
    #[error(
        "there is no detector `{id}`{}; `dlp detectors list` shows the ids, and --detector-file FILE adds those of a file",
        .nearest.as_ref().map_or_else(String::new, |nearest| format!(", did you mean `{nearest}`?"))
    )]
    NoDetector {
        /// The id.
        id: String,
        /// The id that is spelled most like it, when one is.
        nearest: Option<String>,
    },
    /// The languages of --ocr were taken for a path.
    #[error("{0}: no such file or directory; --ocr takes its languages behind a sign of equality: --ocr={0}")]
    OcrLanguages(String),
    /// There is no repository.
    #[error("git finds no repository here; change into one, or use `dlp scan` for files and directories")]
    NoRepository,
    /// A range has no two ends.
    #[error("--range {text}: expected two ends, like origin/main..HEAD; for one commit, COMMIT~1..COMMIT")]
    Range {
        /// What was given.
        text: String,
    },
    /// An end of a range is no commit here.
    #[error(
        "--range {range}: there is no commit `{end}` here; fetch it, or give a base that exists, such as HEAD~1..HEAD"
    )]
    NoCommit {
        /// The end, as the user wrote it.
        end: String,
        /// The range.
        range: String,
    },
    /// git failed.
    #[error("git {what}: {message}")]
    Git {
        /// The subcommand.
        what: &'static str,
        /// What it said.
        message: String,
    },
    /// A hook of somebody else stands in the way.
    #[error("{}: another hook is installed there and stays as it is; add the line `{line}` to it", .path.display())]
    ForeignHook {
        /// The hook.
        path: PathBuf,
        /// What it should run.
        line: &'static str,
    },
    /// Text in pictures cannot be recognised.
    #[error("{0}; {advice}", advice = .0.advice())]
    Ocr(dlp_sandbox::OcrError),
    /// Something of the operating system failed.
    #[error("{what}: {source}")]
    System {
        /// What was attempted.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The user asked to stop.
    #[error("stopped by {name}; the report is cut off")]
    Stopped {
        /// Name of the signal.
        name: &'static str,
        /// Its number.
        number: u8,
    },
}

impl CliError {
    /// The system gives no random numbers.
    pub(crate) fn no_randomness(error: getrandom::Error) -> Self {
        Self::System { what: "no random numbers", source: io::Error::other(error) }
    }

    /// Standard output failed: quietly when its reader went away.
    pub(crate) fn stdout(source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone { exit_code: exit::CLEAN },
            _ => Self::Stdout(source),
        }
    }

    /// The code that the program ends with.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::ReaderGone { exit_code } => *exit_code,
            Self::Stopped { number, .. } => exit::SIGNAL_BASE + number,
            _ => exit::USAGE,
        }
    }

    /// Whether it is worth a line on standard error.
    pub(crate) fn is_quiet(&self) -> bool {
        matches!(self, Self::ReaderGone { .. })
    }
}
