//! Scanning files: find them, read them on several threads, report them in order.
//!
//! ```text
//! walk (sorted) -> bounded queue -> workers, one scratch each -> bounded queue -> back in order -> report
//! ```
//!
//! [`walk`] finds files, [`content`] reads one, [`examine`] makes a report of it, [`pipeline`] keeps many going within
//! bounds, [`handback`] brings the reports together, [`stop`] listens for signals and watches the time.

mod content;
pub(crate) mod examine;
mod handback;
mod members;
pub(crate) mod pipeline;
pub(crate) mod stop;
pub(crate) mod walk;
