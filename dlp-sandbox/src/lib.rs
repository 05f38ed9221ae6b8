//! Runs parsers that can crash, hang or exhaust memory on hostile documents in single-use worker processes.
//!
//! In: a document in memory. Out: text with places, embedded files and problems, through
//! [`RiskyParser`](dlp_core::content::RiskyParser). No PDF engine survives every file: form objects that draw
//! themselves overflow the stack, two kilobytes unpack to gigabytes, fan-outs never end. So each document gets a
//! process of its own that can do nothing but read its input and write its answer, and whatever happens there ends as a
//! typed problem of that document.
//!
//! Two sides live here. [`SandboxedParser`] is the parent: it keeps workers ready, treats what they say as hostile,
//! keeps the clock, and reaps them. The `worker` module is the child: it gives up its rights, then reads the document.
//! Programs carry the worker along: their `main` starts with
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     if let Some(code) = dlp_sandbox::run_worker_if_asked() {
//!         return code;
//!     }
//!     // The program itself.
//!     ExitCode::SUCCESS
//! }
//! ```
//!
//! Text in pictures is recognised by [`Tesseract`], a program of the system, which runs in a sandbox of its own.
//!
//! Left to others: recognising the kind of a document, entering embedded files, and scanning the document's raw bytes.
#![forbid(unsafe_code)]

mod archive;
mod ending;
mod level;
mod ocr;
mod parser;
mod pdf;
mod pool;
mod process;
mod trouble;
mod wire;
mod worker;

pub use level::SandboxLevel;
pub use ocr::{OcrError, Tesseract};
pub use parser::{Denial, SandboxedParser};
pub use process::WorkerCommand;
pub use wire::Attempt;
pub use worker::{WORKER_ARGUMENT, run_worker_if_asked, worker_main};
