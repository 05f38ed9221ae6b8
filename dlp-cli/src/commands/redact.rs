//! `dlp redact`: a text without the values in it, and back.

use crate::cli::{RedactArgs, RedactFormat, RedactMethod};
use crate::engine;
use crate::error::CliError;
use crate::exit;
use crate::input;
use crate::input::read_key;
use crate::output::Destination;
use crate::say;
use crate::scan::walk::STDIN;
use dlp_core::base::ConfidenceLevel;
use dlp_core::decision::redact::{Method, RedactKey, Redacted, Redaction, Redactor, Restored, Restorer, TextFormat};
use dlp_core::matching::{DetectorSet, Scratch};
use dlp_governance::files::Key;
use std::io::{self, Read, Write as _};
use std::path::Path;

/// Bytes that are read at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Why a layout was not kept.
const NO_LAYOUT: &str = "nothing in their layout passes for invented, or they stood encoded";

/// Redacts, or restores.
pub(crate) fn run(args: &RedactArgs) -> Result<u8, CliError> {
    if args.restore { restore(args) } else { redact(args) }
}

fn redact(args: &RedactArgs) -> Result<u8, CliError> {
    let key = key(args)?;
    let engine::Chosen { detectors: set, known, .. } = engine::chosen(&args.detectors, &args.known)?;
    // The process ends soon, and to free the detectors piece by piece would only delay that.
    std::mem::forget(set.clone());
    let redaction =
        Redaction { method: method(args.method), format: format(args), confidence_min: args.min_confidence.into() };
    let mut scratch = Scratch::new();
    let mut redactor = Redactor::new(&set, &mut scratch, redaction, &key).with_known(&known);
    let failed = |source| CliError::Redact { path: args.file.display().to_string(), source };
    let mut destination = Destination::open(args.output.as_deref())?;
    pass(args, &mut destination, |bytes, out| redactor.push(bytes, out).map_err(failed))?;
    let mut out = Vec::new();
    let redacted = redactor.finish(&mut out).map_err(failed)?;
    destination.write_all(&out).map_err(|source| destination.failed(source))?;
    destination.finish()?;
    Ok(report(args, &set, &redacted))
}

fn restore(args: &RedactArgs) -> Result<u8, CliError> {
    let key = key(args)?;
    let mut restorer = Restorer::new(&key);
    let mut destination = Destination::open(args.output.as_deref())?;
    pass(args, &mut destination, |bytes, out| {
        restorer.push(bytes, out);
        Ok(())
    })?;
    let mut out = Vec::new();
    let Restored { values, left } = restorer.finish(&mut out);
    destination.write_all(&out).map_err(|source| destination.failed(source))?;
    destination.finish()?;
    say(&format!("restored: {values}"));
    if left == 0 {
        return Ok(exit::CLEAN);
    }
    say(&format!("not restored: {left}; they were made with another key, or altered"));
    Ok(exit::INCOMPLETE)
}

/// Reads the input to its end, and writes what becomes of it.
fn pass(
    args: &RedactArgs,
    destination: &mut Destination,
    mut each: impl FnMut(&[u8], &mut Vec<u8>) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let mut input = open(&args.file)?;
    let mut piece = vec![0; PIECE_BYTES];
    let mut out = Vec::new();
    loop {
        let len = match input.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(CliError::Read { path: args.file.clone(), source }),
        };
        each(&piece[..len], &mut out)?;
        destination.write_all(&out).map_err(|source| destination.failed(source))?;
        out.clear();
    }
}

fn open(file: &Path) -> Result<Box<dyn Read>, CliError> {
    if file.as_os_str() == STDIN {
        return Ok(Box::new(io::stdin().lock()));
    }
    let (input::Opened::File(file) | input::Opened::Stream(file)) =
        input::open(file, "pipe its content into `dlp redact -`")?;
    Ok(Box::new(file))
}

/// The user's key, or one for this run alone.
fn key(args: &RedactArgs) -> Result<RedactKey, CliError> {
    match &args.key_file {
        Some(path) => Ok(read_key(path)?.into()),
        None if args.method == RedactMethod::Token => Err(CliError::NoRedactKey),
        None => {
            let mut fresh = Key::default();
            getrandom::fill(&mut fresh[..]).map_err(CliError::no_randomness)?;
            Ok(fresh.into())
        }
    }
}

fn method(method: RedactMethod) -> Method {
    match method {
        RedactMethod::Mask => Method::Mask,
        RedactMethod::Token => Method::Token,
        RedactMethod::Hash => Method::Hash,
        RedactMethod::Format => Method::Format,
    }
}

fn format(args: &RedactArgs) -> TextFormat {
    let ending = args.file.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    match (args.format, ending.as_deref()) {
        (RedactFormat::Json, _) | (RedactFormat::Auto, Some("json" | "jsonl" | "ndjson")) => TextFormat::Json,
        (RedactFormat::Csv, _) | (RedactFormat::Auto, Some("csv" | "tsv")) => TextFormat::Csv,
        (RedactFormat::Auto | RedactFormat::Text, _) => TextFormat::Text,
    }
}

/// Says what was replaced, by detector.
fn report(args: &RedactArgs, set: &DetectorSet, redacted: &Redacted) -> u8 {
    let total: u64 = redacted.values.values().sum();
    say(&format!("redacted: {total}"));
    for (detector, count) in &redacted.values {
        say(&format!("{count:>7}  {}", set.detector(*detector).id));
    }
    if redacted.encoded > 0 {
        say(&format!("{} of them stood encoded, and went with the code around them", redacted.encoded));
    }
    if redacted.masked_instead > 0 {
        let why = match args.method {
            RedactMethod::Token => "too long for a token, or a token would be taken for a value there",
            RedactMethod::Hash => "a hash would be taken for a value there",
            RedactMethod::Mask | RedactMethod::Format => NO_LAYOUT,
        };
        say(&format!("{} of them masked: {why}", redacted.masked_instead));
    }
    if let Some(at) = redacted.broken_at {
        say(&format!("no JSON from byte {at} on: what follows was taken as text, and numbers got no quotes"));
    }
    if redacted.left > 0 {
        let (left, level) = (redacted.left, ConfidenceLevel::from(args.min_confidence).as_str());
        let noun = if left == 1 { "finding" } else { "findings" };
        say(&format!("{left} {noun} below {level} left (--min-confidence low takes them too)"));
    }
    report_gaps(set, redacted)
}

/// Says what may have stayed, and where.
fn report_gaps(set: &DetectorSet, redacted: &Redacted) -> u8 {
    let mut gaps = Vec::new();
    if let Some(first) = redacted.degraded.first() {
        let more = redacted.degraded.len() - 1;
        gaps.push(format!("{} and {more} more detectors left places out", set.detector(*first).id));
    }
    if let Some(at) = redacted.unread_at {
        gaps.push(format!(
            "an encoded file at byte {at} could not be read completely and stayed, perhaps more behind it"
        ));
    }
    if redacted.late > 0 {
        gaps.push(format!("{} known documents begin where the text was written already", redacted.late));
    }
    gaps.iter().for_each(|gap| say(&format!("incomplete: {gap}")));
    if gaps.is_empty() { exit::CLEAN } else { exit::INCOMPLETE }
}
