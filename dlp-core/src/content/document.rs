//! Formats that this process does not parse: those that a worker reads, and those that are only recognised.

use super::budget::Metered;
use super::walk::{Break, Step, Walk};
use super::{FileContent, Flow, Input, Kind, Outcome, Place, Relation, RiskyFrame, pdf, picture, plain};
use crate::base::{Problem, ProblemClass};
use std::cell::Cell;

/// Whether a parser for risky formats reads this kind.
pub(super) fn is_parsed(walk: &Walk<'_>, kind: Kind) -> bool {
    walk.extraction.risky.is_some_and(|parser| parser.supports(kind))
}

/// Hands a document to the parser for risky formats, or scans its raw bytes when there is none.
pub(super) fn walk(walk: &mut Walk<'_>, kind: Kind, input: Input<'_>) -> Step {
    if is_parsed(walk, kind) {
        walk.with_held(input, |walk, bytes| match kind {
            Kind::SevenZip | Kind::Rar | Kind::Cabinet if !walk.is_root() => {
                walk.unless_known(bytes, |walk| parse(walk, kind, bytes))
            }
            _ => parse(walk, kind, bytes),
        })
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
    let mut frames = Frames { kind, input_bytes: bytes.len() as u64, output_bytes: 0 };
    let mut ended = None;
    let outcome = parser.parse(kind, bytes, limits, &mut |frame| {
        let step = frames.take(walk, frame);
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
    let end = end(kind, bytes);
    match outcome {
        Outcome::COMPLETE if kind == Kind::Pdf => pdf::between(walk, bytes)?,
        Outcome::COMPLETE => {}
        // A parser that failed may have missed text that stands in plain bytes.
        _ => plain::raw(walk, Input::Bytes(&bytes[..end]))?,
    }
    match &bytes[end..] {
        _ if kind == Kind::Pdf => pdf::around(walk, bytes),
        rest if rest.iter().any(|byte| *byte != 0) => walk.child("", Relation::Gap, Input::Bytes(rest)),
        _ => Ok(()),
    }
}

/// Where a document ends, for formats that tell.
fn end(kind: Kind, bytes: &[u8]) -> usize {
    const SEVEN_ZIP_HEADER_BYTES: u64 = 32;
    let number = |at: usize| bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
    let end = match kind {
        Kind::Pdf => return pdf::end(bytes),
        Kind::SevenZip => number(12)
            .zip(number(20))
            .and_then(|(offset, len)| offset.checked_add(len).and_then(|end| end.checked_add(SEVEN_ZIP_HEADER_BYTES))),
        Kind::Cabinet => number(8).map(|field| field & u64::from(u32::MAX)),
        _ => None,
    };
    end.and_then(|end| usize::try_from(end).ok()).filter(|end| *end <= bytes.len()).unwrap_or(bytes.len())
}

/// What a parser hands out, which is not trusted: text goes to the sink, children under the budget of the job.
struct Frames {
    kind: Kind,
    input_bytes: u64,
    output_bytes: u64,
}

impl Frames {
    fn take(&mut self, walk: &mut Walk<'_>, frame: RiskyFrame<'_>) -> Step {
        match frame {
            RiskyFrame::Text(segment) => {
                walk.budget.add_parsed(segment.text.len() as u64);
                walk.emit(&segment)
            }
            RiskyFrame::Child { name, bytes } => {
                self.charge(walk, bytes.len() as u64)?;
                walk.child(name, self.relation(), Input::Bytes(bytes))
            }
            RiskyFrame::File { name, content } => self.file(walk, name, content),
            RiskyFrame::Closed { name, problem } => walk.closed_child(name, Kind::Binary, problem),
            RiskyFrame::Picture { page, bytes } => picture::read(walk, bytes, Place::Page(page)),
            RiskyFrame::Problem(problem) => {
                walk.problem(problem);
                Ok(())
            }
        }
    }

    fn relation(&self) -> Relation {
        if self.kind == Kind::Pdf { Relation::Attachment } else { Relation::Member }
    }

    /// A file that comes piece by piece. One that is ended by a bound of its own says nothing of those behind it: the
    /// parser passes over what is left of it, and it does not count in the ratio of the document.
    fn file(&mut self, walk: &mut Walk<'_>, name: &str, content: FileContent<'_>) -> Step {
        let (budget, input) = (walk.budget, Cell::new(self.input_bytes));
        let mut metered = Metered::new(content, budget, &input);
        walk.child(name, self.relation(), Input::Stream(&mut metered))?;
        if metered.is_cut() {
            return walk.check_budget();
        }
        self.output_bytes += metered.output_bytes();
        budget.check_ratio(self.input_bytes, self.output_bytes).map_err(|hit| walk.limit(hit))
    }

    /// Children were unpacked, if not here.
    fn charge(&mut self, walk: &mut Walk<'_>, bytes: u64) -> Step {
        self.output_bytes += bytes;
        let budget = walk.budget;
        let charged =
            budget.charge_inflated(bytes).and_then(|()| budget.check_ratio(self.input_bytes, self.output_bytes));
        charged.map_err(|hit| walk.limit(hit))
    }
}
