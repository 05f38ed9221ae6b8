//! Errors of detector files, each with the place and what was expected there.

use thiserror::Error;

/// Why a detector file cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The TOML itself is wrong: syntax, an unknown key, a word that is not on the list. The text shows line, column,
    /// a caret and the allowed words.
    #[error("{file}: {message}")]
    Syntax {
        /// Name of the file as the caller gave it.
        file: String,
        /// Rendered excerpt with caret.
        message: String,
    },
    /// The file is readable, but one detector contradicts itself.
    #[error("{file}:{line}: detector `{detector}`: {message}")]
    Detector {
        /// Name of the file as the caller gave it.
        file: String,
        /// 1-based line where the detector's table starts.
        line: usize,
        /// Id of the detector, as far as it is known.
        detector: String,
        /// What was expected and what was found.
        message: String,
    },
    /// An allow entry contradicts itself.
    #[error("{file}:{line}: allow entry: {message}")]
    Allow {
        /// Name of the file as the caller gave it.
        file: String,
        /// 1-based line where the entry's table starts.
        line: usize,
        /// What was expected and what was found.
        message: String,
    },
}
