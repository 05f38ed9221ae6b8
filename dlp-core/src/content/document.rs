//! Formats that this process does not parse: those that a worker reads, and those that are only recognised.

use super::walk::{Break, Step, Walk};
use super::{Flow, Input, Kind, Outcome, Relation, RiskyFrame, plain};
use crate::base::{Problem, ProblemClass};

/// Hands a document to the parser for risky formats, or scans its raw bytes when there is none.
pub(super) fn walk(walk: &mut Walk<'_>, kind: Kind, input: Input<'_>) -> Step {
    match walk.extraction.risky.filter(|parser| parser.supports(kind)) {
        Some(_) => walk.with_held(input, |walk, bytes| parse(walk, kind, bytes)),
        None => unsupported(walk, kind.as_str(), input),
    }
}

/// Scans the raw bytes of a format that has no handler.
pub(super) fn unsupported(walk: &mut Walk<'_>, format: &str, input: Input<'_>) -> Step {
    let message = format!("no handler for the format {format}; raw bytes were scanned");
    walk.problem(Problem::new(ProblemClass::Unsupported, "format", message));
    plain::raw(walk, input)
}

fn parse(walk: &mut Walk<'_>, kind: Kind, bytes: &[u8]) -> Step {
    let Some(parser) = walk.extraction.risky else { return Ok(()) };
    let limits = walk.budget.limits;
    let mut ended = None;
    let outcome = parser.parse(kind, bytes, limits, &mut |frame| {
        let step = take(walk, frame);
        match step {
            Ok(()) => Flow::Continue,
            Err(reason) => {
                ended = Some(reason);
                if reason == Break::Job { Flow::Stop } else { Flow::SkipItem }
            }
        }
    });
    walk.raise(outcome);
    if let Some(reason) = ended {
        return Err(reason);
    }
    match outcome {
        Outcome::COMPLETE => Ok(()),
        // A parser that failed may have missed text that stands in plain bytes.
        _ => plain::raw(walk, Input::Bytes(bytes)),
    }
}

/// One frame of a parser, which is not trusted: text goes to the sink, children under the budget of the job.
fn take(walk: &mut Walk<'_>, frame: RiskyFrame<'_>) -> Step {
    match frame {
        RiskyFrame::Text(segment) => walk.emit(&segment),
        RiskyFrame::Child { name, bytes } => walk.child(name, Relation::Attachment, Input::Bytes(bytes)),
        RiskyFrame::Problem(problem) => {
            walk.problem(problem);
            Ok(())
        }
    }
}
