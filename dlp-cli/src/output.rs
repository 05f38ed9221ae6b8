//! Where a report goes, and which projection writes it.
//!
//! A report to a file is written under a temporary name beside it and renamed when it is complete, so that nobody reads
//! half a report. On standard output, a reader that goes away ends the scan without a word.

mod destination;
mod reporter;

pub(crate) use destination::Destination;
pub(crate) use reporter::{Reported, Reporter, Setup};
