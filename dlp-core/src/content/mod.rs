//! Layer 4: from bytes to text with places, and from matches to findings.

mod extract;
mod finding;
mod kind;
mod matching_sink;
mod outcome;
mod risky;
mod sink;

pub use crate::matching::LineColumn;
pub use extract::{Extraction, Input, ReadSeek, extract};
pub use finding::{Finding, ItemReport, LocatedProblem, Location, Observer, OffsetBase};
pub use kind::Kind;
pub use matching_sink::MatchingSink;
pub use outcome::{Completeness, Outcome};
pub use risky::{RiskyFrame, RiskyParser};
pub use sink::{Flow, ItemStart, Join, MapRun, Origin, Part, Place, Relation, Role, Segment, Sink};
