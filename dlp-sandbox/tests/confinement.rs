//! The sandbox holds, and what is not a worker is noticed.

mod support;

use dlp_core::base::Limits;
use dlp_core::content::{Completeness, Flow, Kind, RiskyFrame, RiskyParser};
use dlp_sandbox::{Attempt, Denial, SandboxLevel, SandboxedParser, WorkerCommand};
use support::{Pdf, command, document, parser, read_with};

#[test]
fn a_worker_can_do_nothing_but_its_work() {
    let parser = parser();
    let level = parser.probe().unwrap();
    assert_eq!(parser.level(), Some(level));
    if level < SandboxLevel::Full {
        println!("SKIPPED: this system grants a sandbox of level {level}; nothing was proved about the full one");
        return;
    }
    let results = parser.self_test().unwrap();
    assert_eq!(results.len(), Attempt::ALL.len());
    for (attempt, denial) in results {
        assert_ne!(denial, Denial::Allowed, "{attempt:?}");
    }
}

#[test]
fn a_required_level_is_kept() {
    let parser = parser().require(SandboxLevel::Full);
    let level = parser.probe().unwrap();
    let read = read_with(&parser, &document("text"), &Limits::inline());
    if level == SandboxLevel::Full {
        assert_eq!(read.outcome.completeness, Completeness::Complete);
    } else {
        println!("SKIPPED in part: the level is {level}, so only the refusal was seen");
        assert_eq!(read.outcome.reason, "sandbox_unavailable");
        assert!(read.texts.is_empty());
    }
}

#[test]
fn programs_that_are_no_worker_end_as_a_problem() {
    for program in ["/does/not/exist", "/bin/true", "/bin/cat"] {
        let parser = SandboxedParser::new(WorkerCommand { program: program.into(), args: Vec::new() });
        let read = read_with(&parser, &document("text"), &Limits::inline());
        let outcome = (read.outcome.completeness, read.outcome.reason);
        assert_eq!(outcome, (Completeness::Partial, "no_worker"), "{program}");
        assert!(read.texts.is_empty() && parser.level().is_none(), "{program}");
    }
}

#[test]
fn other_kinds_are_refused() {
    let parser = parser();
    assert!(parser.supports(Kind::Pdf) && !parser.supports(Kind::Zip));
    let outcome = parser.parse(Kind::Zip, b"PK", &Limits::inline(), &mut |_| Flow::Continue);
    assert_eq!((outcome.completeness, outcome.reason), (Completeness::Unsupported, "no_parser"));
}

#[test]
fn a_caller_that_stops_gets_no_more() {
    let mut pdf = Pdf::default();
    pdf.page("one").page("two").page("three");
    let mut texts = 0;
    let _ = parser().parse(Kind::Pdf, &pdf.build(), &Limits::inline(), &mut |frame| {
        texts += usize::from(matches!(frame, RiskyFrame::Text(_)));
        Flow::Stop
    });
    assert_eq!(texts, 1);
}

#[test]
fn documents_do_not_meet() {
    let parser = SandboxedParser::new(command()).spares(2);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let parser = &parser;
            scope.spawn(move || {
                for turn in 0..10 {
                    let text = format!("thread {thread} turn {turn}");
                    let read = read_with(parser, &document(&text), &Limits::inline());
                    assert_eq!(read.at("body@1"), text);
                    assert_eq!(read.texts.len(), 1, "{read:?}");
                }
            });
        }
    });
}
