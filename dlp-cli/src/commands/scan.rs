//! `dlp scan`: files, directories, standard input.

use crate::baseline::Baseline;
use crate::cli::{DetectorChoice, Format, ReportArgs, ScanArgs};
use crate::engine;
use crate::error::CliError;
use crate::output::{Destination, Reporter, Setup};
use crate::say;
use crate::scan::examine::{Examiner, masked_name};
use crate::scan::pipeline::{self, Work};
use crate::scan::walk::Roots;
use dlp_core::output::SourceRecord;
use dlp_core::output::sarif::percent_encode;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread::available_parallelism;

/// Scans and reports.
pub(crate) fn run(args: &ScanArgs) -> Result<u8, CliError> {
    refuse_languages_as_path(args)?;
    let roots = Roots::check(args)?;
    let baseline = Baseline::load(&args.report)?;
    let risky = engine::risky_parser_with(&args.ocr)?;
    let mut engine = engine::engine_with(&args.detectors, &args.known)?;
    engine.inspector = engine.inspector.with_risky_parser(risky);
    if args.disguised {
        engine.inspector = engine.inspector.with_disguises();
    }
    engine.allow_below(roots.base());
    let destination = Destination::open(args.report.output.as_deref())?;
    let own_report = destination.file().and_then(|file| file.metadata().ok()).and_then(|m| pipeline::id_of(&m));
    let own = own_report.into_iter().chain(baseline.files.iter().copied()).collect();
    let reveal = reveals(&args.report, &destination)?;
    let mask = |name: &str| if reveal { name.to_owned() } else { masked_name(&engine.names, name) };
    let setup = Setup {
        args: &args.report,
        set: engine.inspector.detectors(),
        source: source(&roots, &mask),
        options: options(args, &mask),
        baseline: &baseline,
        prefix: mask(&prefix(roots.base())),
        root_uri: root_uri(roots.base(), &mask),
    };
    let mut reporter = Reporter::start(setup, destination)?;
    let work = Work {
        examiner: Examiner::new((&engine, &baseline), &args.detectors, &args.report, reveal),
        file_bytes_max: args.max_file_size,
        workers: workers(args.jobs),
        own,
    };
    pipeline::run(&work, &roots, &mut reporter)?;
    if reporter.tally.files == 0 && reporter.tally.problems.total == 0 {
        let excluded = if args.exclude.is_empty() { "" } else { " that --exclude leaves" };
        say(&format!("nothing was scanned: there is no file{excluded}"));
    }
    reporter.finish()
}

/// Values are shown to the person at the terminal who asked for them, and to nobody else.
pub(crate) fn reveals(args: &ReportArgs, destination: &Destination) -> Result<bool, CliError> {
    if args.reveal && !(args.format == Format::Pretty && destination.is_terminal()) {
        return Err(CliError::Reveal);
    }
    Ok(args.reveal)
}

/// The options of every scan that change its results.
pub(crate) fn detector_options(choice: &DetectorChoice, report: &ReportArgs) -> BTreeMap<String, Value> {
    let level: dlp_core::base::ConfidenceLevel = report.min_confidence.into();
    let mut options = BTreeMap::from([("min_confidence".to_owned(), json!(level))]);
    if !choice.detectors.is_empty() {
        options.insert("detectors".to_owned(), json!(choice.detectors));
    }
    if !choice.profile.is_empty() {
        options.insert("profile".to_owned(), json!(choice.profile));
    }
    options
}

fn options(args: &ScanArgs, mask: &dyn Fn(&str) -> String) -> BTreeMap<String, Value> {
    let mut options = detector_options(&args.detectors, &args.report);
    if !args.exclude.is_empty() {
        options.insert("exclude".to_owned(), json!(args.exclude.iter().map(|glob| mask(glob)).collect::<Vec<_>>()));
    }
    if args.include_git {
        options.insert("include_git".to_owned(), json!(true));
    }
    if let Some(max) = args.max_file_size {
        options.insert("max_file_size".to_owned(), json!(max));
    }
    options
}

fn source(roots: &Roots, mask: &dyn Fn(&str) -> String) -> SourceRecord {
    let kind = if roots.is_stdin() { "stdin" } else { "dir" };
    SourceRecord { kind, root: mask(&roots.base().to_string_lossy()), range: None }
}

/// What makes a path in a report one that can be opened from here.
fn prefix(base: &Path) -> String {
    if base == Path::new(".") {
        return String::new();
    }
    let base = base.to_string_lossy();
    let base = base.strip_prefix("./").unwrap_or(&base);
    if base.ends_with('/') { base.to_owned() } else { format!("{base}/") }
}

/// The root as a URI, symbolic links resolved, values in its name masked.
pub(crate) fn root_uri(base: &Path, mask: &dyn Fn(&str) -> String) -> Option<String> {
    let root = base.canonicalize().ok()?;
    let text = mask(root.to_str()?);
    let slash = if text.ends_with('/') { "" } else { "/" };
    Some(format!("file://{}{slash}", percent_encode(text.as_bytes())))
}

fn workers(jobs: Option<u16>) -> usize {
    jobs.map_or_else(|| available_parallelism().map_or(1, NonZeroUsize::get), usize::from)
}

/// `--ocr eng` reads like an option with its value, and means every language and a file called eng.
fn refuse_languages_as_path(args: &ScanArgs) -> Result<(), CliError> {
    let (Some([]), [first, ..]) = (args.ocr.ocr.as_deref(), args.paths.as_slice()) else { return Ok(()) };
    let name = first.to_string_lossy();
    let is_language = |word: &str| word.len() >= 3 && word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    if first.exists() || !name.split(['+', ',']).all(is_language) {
        return Ok(());
    }
    Err(CliError::OcrLanguages(name.replace('+', ",")))
}
