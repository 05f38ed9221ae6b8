//! A worker on its own: one document from standard input, frames to standard output, then the end.
//!
//! The product's programs bring the worker along under a hidden argument. This one serves deployments that prefer a
//! small separate executable, and the tests of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    dlp_sandbox::worker_main()
}
