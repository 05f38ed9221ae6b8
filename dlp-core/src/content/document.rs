//! Formats that this process does not parse: those that a worker reads, and those that are only recognised.

use super::walk::{Break, Step, Walk};
use super::{Flow, Input, Kind, Outcome, Relation, RiskyFrame, pdf, plain};
use crate::base::{Problem, ProblemClass};

/// Whether a parser for risky formats reads this kind.
pub(super) fn is_parsed(walk: &Walk<'_>, kind: Kind) -> bool {
    walk.extraction.risky.is_some_and(|parser| parser.supports(kind))
}

/// Hands a document to the parser for risky formats, or scans its raw bytes when there is none.
pub(super) fn walk(walk: &mut Walk<'_>, kind: Kind, input: Input<'_>) -> Step {
    if is_parsed(walk, kind) {
        walk.with_held(input, |walk, bytes| parse(walk, kind, bytes))
    } else {
        unsupported(walk, kind.as_str(), input)
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
    let end = if kind == Kind::Pdf { pdf::end(bytes) } else { bytes.len() };
    match outcome {
        Outcome::COMPLETE if kind == Kind::Pdf => pdf::between(walk, bytes)?,
        Outcome::COMPLETE => {}
        // A parser that failed may have missed text that stands in plain bytes.
        _ => plain::raw(walk, Input::Bytes(&bytes[..end]))?,
    }
    if kind == Kind::Pdf { pdf::around(walk, bytes) } else { Ok(()) }
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
