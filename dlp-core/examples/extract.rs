//! Prints the text that extraction finds in a file: `cargo run -p dlp-core --example extract -- FILE`.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use dlp_core::base::{Cancel, Limits, Problem};
use dlp_core::content::{Extraction, Flow, Input, ItemStart, Outcome, Segment, Sink, extract};
use std::io::Write;

struct Print {
    out: std::io::BufWriter<std::io::Stdout>,
    verbose: bool,
}

impl Sink for Print {
    fn enter(&mut self, item: &ItemStart<'_>) -> Flow {
        if self.verbose {
            eprintln!("> {} {} {:?}", item.name, item.kind, item.relation);
        }
        Flow::Continue
    }

    fn text(&mut self, segment: &Segment<'_>) -> Flow {
        let prefix = if self.verbose {
            format!("[{} {}]", segment.part.role.as_str(), segment.part.name)
        } else {
            String::new()
        };
        let written = self
            .out
            .write_all(segment.join.as_bytes())
            .and_then(|()| self.out.write_all(prefix.as_bytes()))
            .and_then(|()| self.out.write_all(segment.text));
        if written.is_ok() { Flow::Continue } else { Flow::Stop }
    }

    fn problem(&mut self, problem: Problem) {
        eprintln!("! {} {}: {}", problem.class, problem.reason, problem.message);
    }

    fn leave(&mut self, outcome: &Outcome) {
        if self.verbose {
            eprintln!("< {} {}", outcome.completeness, outcome.reason);
        }
    }
}

fn main() -> std::io::Result<()> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let verbose = args.first().is_some_and(|arg| arg == "-v");
    let path = args.pop().unwrap_or_default();
    let mut file = std::fs::File::open(&path)?;
    let (limits, cancel) = (Limits::batch(), Cancel::default());
    let mut sink = Print { out: std::io::BufWriter::new(std::io::stdout()), verbose };
    let extraction = Extraction { limits: &limits, cancel: &cancel, risky: None };
    let outcome = extract(&path, Input::Seekable(&mut file), extraction, &mut sink);
    sink.out.flush()?;
    eprintln!("{} {}", outcome.completeness, outcome.reason);
    Ok(())
}
