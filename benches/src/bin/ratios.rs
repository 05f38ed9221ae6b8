//! Measures the engine over the four corpora and prints the figures as Markdown.
//!
//! For each size of catalogue, corpus and instruction set: throughput in CPU time of one thread, its ratio to a search for
//! an absent byte on the same buffer in the same process, findings by level, work spent on confirming, and detectors that
//! ran out of it. Then the stages before the patterns by themselves, the growth with the catalogue, and start-up, in
//! processes of its own. Each figure is the best of several runs, whose findings must agree.
#![expect(clippy::print_stdout, reason = "a program that reports to a person")]

use clap::Parser;
use dlp_benches::clock::{best_of, thread_cpu};
use dlp_benches::corpora::Corpus;
use dlp_benches::synthetic::{CATALOGUE_DETECTORS, detector_file};
use dlp_core::base::ConfidenceLevel;
use dlp_core::knowledge::Catalogue;
use dlp_core::matching::{DetectorSet, Isa, Scratch, Stage};
use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;
use std::process::Command;
use std::time::Duration;

/// Measures the engine over the four corpora.
#[derive(Parser)]
struct Arguments {
    /// Small corpora from this repository, two runs of each: for a check that takes seconds
    #[arg(long)]
    quick: bool,
    /// Runs of each measurement, of which the best counts
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Only this corpus: source, prose, logs or binary
    #[arg(long)]
    corpus: Option<String>,
    /// Only so many bytes of each corpus
    #[arg(long)]
    bytes: Option<usize>,
    /// Only the built-in detectors and the widest instruction set
    #[arg(long)]
    brief: bool,
    /// Measure the start with this many detectors in this process, and print CPU seconds and memory
    #[arg(long, hide = true)]
    start: Option<usize>,
}

/// The first run builds the patterns that the text calls for, so one says little.
const QUICK_RUNS: usize = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    if let Some(detectors) = arguments.start {
        return start(detectors);
    }
    let runs = if arguments.quick { QUICK_RUNS } else { arguments.runs };
    let builtin = Catalogue::builtin()?.ids().len();
    let sizes = if arguments.brief { vec![builtin] } else { vec![builtin, CATALOGUE_DETECTORS] };
    let is_meant = |corpus: &Corpus| arguments.corpus.as_ref().is_none_or(|name| name == corpus.name());
    let (mut growth, mut stages) = (Vec::new(), Vec::new());
    println!(
        "| corpus | detectors | instructions | MB per CPU second | of absent byte | low / medium / high | steps per byte | degraded |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for corpus in Corpus::ALL.into_iter().filter(is_meant) {
        let mut text = if arguments.quick { corpus.quick()? } else { corpus.load()? };
        text.truncate(arguments.bytes.unwrap_or(text.len()));
        let (absent, text) = absent_byte(text, runs);
        let mut best = Vec::new();
        for &size in &sizes {
            for isa in Isa::available().filter(|isa| !arguments.brief || *isa == Isa::detect()) {
                let time = row(corpus, &text, absent, &Row { isa, size, runs })?;
                if isa == Isa::detect() {
                    best.push(time);
                }
            }
        }
        for isa in Isa::available() {
            stages.push(stage_row(corpus, &text, absent, &Row { isa, size: builtin, runs })?);
        }
        if let [builtin, all] = best.as_slice() {
            growth.push((corpus, 100.0 * (all.as_secs_f64() / builtin.as_secs_f64() - 1.0)));
        }
    }
    if arguments.brief {
        return Ok(());
    }
    println!(
        "\n| corpus | instructions | masks: GB per CPU second, of absent byte, marked bytes | candidates: the same, places to try |"
    );
    println!("|---|---|---|---|");
    stages.iter().for_each(|row| println!("{row}"));
    println!("\nCost of {} detectors over that of {}:", sizes[1], sizes[0]);
    growth.iter().for_each(|(corpus, percent)| println!("- {}: {percent:+.1} %", corpus.name()));
    println!("\n| start with detectors | CPU ms to read | CPU ms to compile | peak memory of the process, MB |");
    println!("|---|---|---|---|");
    sizes.into_iter().try_for_each(|size| start_row(size, runs))
}

/// One measurement.
struct Row {
    isa: Isa,
    size: usize,
    runs: usize,
}

/// What a scan found; equal in each run.
#[derive(Debug, Default, PartialEq)]
struct Found {
    levels: [usize; 3],
    steps: u64,
    degraded: usize,
}

fn row(corpus: Corpus, text: &[u8], absent: Duration, row: &Row) -> Result<Duration, Box<dyn Error>> {
    let set = DetectorSet::compile_for(row.isa, catalogue(row.size)?);
    let mut scratch = Scratch::new();
    let (time, found) = best_of(row.runs, || scan(&set, &mut scratch, black_box(text)));
    let [low, medium, high] = found.levels;
    println!(
        "| {} | {} | {:?} | {:.0} | {:.3} | {low} / {medium} / {high} | {:.2} | {} |",
        corpus.name(),
        row.size,
        row.isa,
        text.len() as f64 / 1e6 / time.as_secs_f64(),
        absent.as_secs_f64() / time.as_secs_f64(),
        found.steps as f64 / text.len() as f64,
        found.degraded
    );
    Ok(time)
}

/// The stages before the patterns.
fn stage_row(corpus: Corpus, text: &[u8], absent: Duration, row: &Row) -> Result<String, Box<dyn Error>> {
    let set = DetectorSet::compile_for(row.isa, catalogue(row.size)?);
    let mut scratch = Scratch::new();
    let mut line = format!("| {} | {:?} |", corpus.name(), row.isa);
    for stage in [Stage::Masks, Stage::Candidates] {
        let (time, count) = best_of(row.runs, || set.stage(stage, &mut scratch, black_box(text)));
        let rate = text.len() as f64 / 1e9 / time.as_secs_f64();
        let share = count as f64 / text.len() as f64;
        write!(line, " {rate:.2}, {:.3}, {share:.4} |", absent.as_secs_f64() / time.as_secs_f64())?;
    }
    Ok(line)
}

fn scan(set: &DetectorSet, scratch: &mut Scratch, text: &[u8]) -> Found {
    let mut levels = [0; 3];
    let end = set.scan(scratch, text, &mut |found| {
        levels[match found.confidence.level() {
            ConfidenceLevel::Low => 0,
            ConfidenceLevel::Medium => 1,
            ConfidenceLevel::High => 2,
        }] += 1;
    });
    Found { levels, steps: end.steps, degraded: end.degraded.len() }
}

/// The yardstick. Text holds no byte 0 as it is; in binaries a byte that is rare there is replaced where it stands.
fn absent_byte(mut text: Vec<u8>, runs: usize) -> (Duration, Vec<u8>) {
    const NEEDLE: u8 = 0xf5;
    text.iter_mut().filter(|byte| **byte == NEEDLE).for_each(|byte| *byte ^= 1);
    let (time, found) = best_of(runs.max(3), || memchr::memchr(NEEDLE, black_box(&text)));
    assert_eq!(found, None, "the needle was replaced");
    (time, text)
}

/// The built-in detectors, and as many invented ones as are missing.
fn catalogue(size: usize) -> Result<Catalogue, Box<dyn Error>> {
    let mut catalogue = Catalogue::builtin()?;
    let missing = size.saturating_sub(catalogue.ids().len());
    if missing > 0 {
        catalogue.add_file("synthetic.toml", &detector_file(missing))?;
    }
    Ok(catalogue)
}

fn start_row(size: usize, runs: usize) -> Result<(), Box<dyn Error>> {
    let mut best: Option<Vec<f64>> = None;
    for _ in 0..runs.max(3) {
        let output = Command::new(std::env::current_exe()?).args(["--start", &size.to_string()]).output()?;
        let text = String::from_utf8(output.stdout)?;
        let figures = text.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
        best = Some(match best {
            Some(best) => best.iter().zip(&figures).map(|(a, b)| a.min(*b)).collect(),
            None => figures,
        });
    }
    let mut line = format!("| {size} |");
    for (figure, digits) in best.unwrap_or_default().iter().zip([1, 1, 1]) {
        write!(line, " {figure:.digits$} |")?;
    }
    println!("{line}");
    Ok(())
}

/// Reads and compiles in this process, and prints what that took.
fn start(size: usize) -> Result<(), Box<dyn Error>> {
    let begin = thread_cpu();
    let catalogue = catalogue(size)?;
    let read = thread_cpu();
    let set = DetectorSet::compile(catalogue)?;
    let compiled = thread_cpu();
    let found = scan(&set, &mut Scratch::new(), b"nothing here");
    assert_eq!(found.levels, [0; 3], "found something in nothing");
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!("{} {} {}", ms(read - begin), ms(compiled - read), peak_mb()?);
    Ok(())
}

/// Peak of resident memory, from the kernel's account of this process.
fn peak_mb() -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM in the status")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024.0 / 1e6)
}
