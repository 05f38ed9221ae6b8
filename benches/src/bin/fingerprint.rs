//! Document fingerprints, measured: rates, bytes for each fingerprint, recall and false matches.
//!
//! `cargo run --release -p dlp-benches --bin fingerprint -- 2000` invents that many documents and source files, indexes
//! them, and looks for a tenth of each, for a copy with other case, punctuation and line ends, for code with other names
//! and layout, and for anything in unrelated texts and in the files that are named behind the number. A run that finds
//! less than it must fails.

use dlp_benches::clock::thread_cpu;
use dlp_core::base::ConfidenceLevel;
use dlp_core::knowledge::Catalogue;
use dlp_core::known::fingerprint::{Index, Indexer, Kind};
use dlp_core::known::{Known, KnownKey};
use dlp_core::matching::DetectorSet;
use std::fmt::Write as _;

/// Documents, and as many source files, unless another number is given.
const DOCUMENTS: u64 = 1_000;
/// Words of a document.
const WORDS: u64 = 1_500;
/// Words of the language. Frequent ones come often, as in every language.
const VOCABULARY: f64 = 30_000.0;
/// Statements of a source file.
const STATEMENTS: u64 = 120;
/// Least share of copies that are found.
const RECALL_MIN: f64 = 0.99;

fn main() -> std::process::ExitCode {
    let documents = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(DOCUMENTS);
    match run(documents) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(message) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "error: {message}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(documents: u64) -> Result<(), String> {
    let known = index(documents)?;
    let texts = 0..documents;
    let tenth = |number| cut(&prose(number), 10);
    let reformatted = |number| prose(number).to_uppercase().replace(". ", "!\r\n\r\n  ").replace(' ', "  ");
    let renamed = |number| code(number, "other").replace('\n', "\n\n\t").replace(" = ", "=");
    let copies: [(&str, &dyn Fn(u64) -> String); 5] = [
        ("a whole document", &prose),
        ("a tenth of a document", &tenth),
        ("a document in another layout", &reformatted),
        ("a source file", &|number| code(number, "name")),
        ("a source file with other names and layout", &renamed),
    ];
    for (what, copy) in copies {
        let found = texts.clone().filter(|number| level(&known, copy(*number).as_bytes()).is_some()).count() as f64;
        let recall = found / documents as f64;
        line(&format!("{what}: found {:.2} %", recall * 100.0));
        if recall < RECALL_MIN {
            return Err(format!("{what}: expected at least {:.0} %", RECALL_MIN * 100.0));
        }
    }
    unrelated(&known, documents)
}

/// Makes the index and says how fast.
fn index(documents: u64) -> Result<Known, String> {
    let said = |error: std::io::Error| error.to_string();
    let texts: Vec<(Kind, String)> =
        (0..documents).flat_map(|number| [(Kind::Text, prose(number)), (Kind::Code, code(number, "name"))]).collect();
    let megabytes = texts.iter().map(|(_, text)| text.len()).sum::<usize>() as f64 / 1e6;
    let key = KnownKey::new([1; 32]);
    let start = thread_cpu();
    let mut indexer = Indexer::new("bench", &key, [2; 16]);
    let mut entries = Vec::new();
    for (number, (kind, text)) in texts.iter().enumerate() {
        let _ = indexer.document(&format!("document {number}"), *kind, text.as_bytes(), &mut entries);
    }
    entries.sort_unstable();
    let prints = entries.len() as f64;
    let mut writer = indexer.writer(entries.len() as u64, Vec::new()).map_err(said)?;
    entries.into_iter().try_for_each(|entry| writer.push(entry)).map_err(said)?;
    let bytes = writer.finish().map_err(said)?;
    let seconds = (thread_cpu() - start).as_secs_f64();
    line(&format!("{} documents of {megabytes:.1} MB, {prints} fingerprints", texts.len()));
    line(&format!(
        "indexed at {:.1} MB per CPU second, {:.2} bytes a fingerprint",
        megabytes / seconds,
        bytes.len() as f64 / prints
    ));
    let index = Index::parse(bytes, &key).map_err(|error| error.to_string())?;
    let mut catalogue = Catalogue::empty();
    catalogue.add_detector("bench", index.detector()).map_err(|error| error.to_string())?;
    let set = DetectorSet::compile(catalogue).map_err(|error| error.to_string())?;
    Ok(Known::new(&set, Vec::new(), vec![index]))
}

/// Follows texts that were never indexed, written in the same language and in the same style of code.
fn unrelated(known: &Known, documents: u64) -> Result<(), String> {
    let numbers = || (1..=4 * documents).map(|number| number << 32);
    let prose = follow(known, "prose", numbers().map(prose).collect());
    let code = follow(known, "code", numbers().map(|number| code(number, "name")).collect());
    let files: Result<Vec<_>, _> = std::env::args_os().skip(2).map(std::fs::read).collect();
    let files = follow(known, "files", files.map_err(|error| error.to_string())?);
    if prose + code + files == 0 { Ok(()) } else { Err("expected no false match at medium".to_owned()) }
}

/// Follows texts, says how fast, and gives the number of those with a finding of medium confidence or more.
fn follow(known: &Known, what: &str, texts: Vec<impl AsRef<[u8]>>) -> usize {
    let megabytes = texts.iter().map(|text| text.as_ref().len()).sum::<usize>() as f64 / 1e6;
    if texts.is_empty() {
        return 0;
    }
    let start = thread_cpu();
    let levels: Vec<_> = texts.iter().filter_map(|text| level(known, text.as_ref())).collect();
    let seconds = (thread_cpu() - start).as_secs_f64();
    let sure = levels.iter().filter(|level| **level >= ConfidenceLevel::Medium).count();
    line(&format!("followed {megabytes:.1} MB of unrelated {what} at {:.1} MB per CPU second", megabytes / seconds));
    line(&format!("false: {sure} of {} texts at medium, {} at low", texts.len(), levels.len() - sure));
    sure
}

/// The surest finding in a text.
fn level(known: &Known, text: &[u8]) -> Option<ConfidenceLevel> {
    let mut best = None;
    let mut scan = known.scan()?;
    let mut keep = |found: dlp_core::matching::Match| best = best.max(Some(found.confidence.level()));
    scan.push(text, &mut keep);
    scan.finish(&mut keep);
    best
}

/// One part of so many of a text, from its middle.
fn cut(text: &str, parts: usize) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let len = words.len() / parts;
    words[words.len() / 2..words.len() / 2 + len].join(" ")
}

/// Sentences.
fn prose(number: u64) -> String {
    let mut random = Random(number);
    let mut text = String::new();
    for at in 1..=WORDS {
        let end = if at % 14 == 0 { ". " } else { " " };
        write!(text, "{}{end}", random.word()).expect("writing to a string succeeds");
    }
    text
}

/// Statements. The same number makes the same statements, with names that begin as `prefix`.
fn code(number: u64, prefix: &str) -> String {
    let mut random = Random(number ^ 0x5bd1_e995);
    let mut text = String::new();
    for _ in 0..STATEMENTS {
        let [a, b, c] = [0; 3].map(|_: u8| random.expression(prefix, 2));
        let name = random.name(prefix);
        let statement = match random.next() % 6 {
            0 => format!("if {a} {{ {name} = {b}; }} else {{ {c}; }}\n"),
            1 => format!("for {name} in {a} {{ {b}; }}\n"),
            2 => format!("let {name} = {a};\n"),
            3 => format!("while {a} {{ {name} = {b}; }}\n"),
            4 => format!("return {a};\n"),
            _ => format!("{name} = {a};\n"),
        };
        text.push_str(&statement);
    }
    text
}

/// Numbers without order, the same ones in each run (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn name(&mut self, prefix: &str) -> String {
        format!("{prefix}_{}", self.next() % 40)
    }

    /// An expression of names, numbers, operators, calls and indexes.
    fn expression(&mut self, prefix: &str, depth: u32) -> String {
        const OPERATORS: [&str; 10] = ["+", "-", "*", "/", "%", "<", ">", "&&", "||", "=="];
        if depth == 0 {
            return if self.next().is_multiple_of(4) { (self.next() % 100).to_string() } else { self.name(prefix) };
        }
        let [left, right] = [0; 2].map(|_: u8| self.expression(prefix, depth - 1));
        match self.next() % 6 {
            0 => format!("{}({left}, {right})", self.name(prefix)),
            1 => format!("{left}[{right}]"),
            2 => format!("!{left}.{}({right})", self.name(prefix)),
            3 => format!("({left})"),
            at => format!("{left} {} {right}", OPERATORS[(self.next() + at) as usize % OPERATORS.len()]),
        }
    }

    /// A word: the second most frequent one comes half as often as the first, and so on.
    fn word(&mut self) -> String {
        let part = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        format!("w{}", VOCABULARY.powf(part) as u64)
    }
}

fn line(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{text}");
}
