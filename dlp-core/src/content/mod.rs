//! Layer 4: from bytes to text with places, and from matches to findings.

mod budget;
mod cfb;
mod document;
mod extract;
mod finding;
mod gzip;
mod kind;
mod names;
mod ooxml;
mod outcome;
mod plain;
mod recognise;
mod risky;
mod sink;
mod tarball;
mod walk;
mod zip;

pub use extract::{Extraction, Input, ReadSeek, extract};
pub use finding::{Finding, ItemReport, LineColumn, LocatedProblem, Location, OffsetBase};
pub use kind::Kind;
pub use outcome::{Completeness, Outcome};
pub use risky::{RiskyFrame, RiskyParser};
pub use sink::{Flow, ItemStart, Join, MapRun, Origin, Part, Place, Relation, Role, Segment, Sink};
