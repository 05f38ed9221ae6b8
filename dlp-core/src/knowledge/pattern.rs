//! Compiling a detector's pattern into a regex that is searched at one place of a text.

use regex_automata::meta::{Config, Regex};
use regex_automata::util::syntax;
use thiserror::Error;

/// A pattern that cannot be compiled: its program is too large.
#[derive(Debug, Error)]
#[error("pattern cannot be compiled: {0}")]
pub(crate) struct PatternError(String);

/// Bytes that the program of one pattern may take. A pattern over it is refused when its detector is loaded.
const PROGRAM_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes that the lazy automaton of one pattern may take in each thread.
const LAZY_BYTES_MAX: usize = 512 * 1024;

fn syntax() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false)
}

/// Compiles one pattern: ASCII classes, leftmost-first, meant for anchored searches.
///
/// # Errors
/// When the program is larger than `PROGRAM_BYTES_MAX`.
pub(crate) fn compile(pattern: &str) -> Result<Regex, PatternError> {
    let config = Config::new()
        .utf8_empty(false)
        .nfa_size_limit(Some(PROGRAM_BYTES_MAX))
        .hybrid_cache_capacity(LAZY_BYTES_MAX)
        .dfa(false);
    Regex::builder().configure(config).syntax(syntax()).build(pattern).map_err(|error| PatternError(error.to_string()))
}
