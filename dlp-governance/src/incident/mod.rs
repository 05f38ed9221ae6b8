//! Incidents: what happened, to whom, why, and what was done, without any of the content.
//!
//! [`Incident::new`] projects a [`Transfer`](dlp_core::decision::Transfer) and its
//! [`Decision`](dlp_core::decision::Decision) onto a record that can be kept, shown and sent: masks instead of values, a
//! path without its query, names without control characters. [`IncidentLog`] appends records to a file, one JSON object
//! a line.
//!
//! Review, evidence and delivery to other systems build on this record and are not here.

mod log;
mod printable;
mod record;

pub use log::{IncidentLog, IncidentLogError};
pub use record::{
    Actor, Decided, Destination, Detection, Incident, IncidentId, Inspected, Item, Problem, Request, RequestFacts,
};

#[cfg(test)]
mod tests;
