//! `dlp fingerprint`: from documents and source code to an index of their passages.

use crate::cli::{FingerprintArgs, FingerprintBuildArgs, FingerprintCommand};
use crate::commands::sort::Sorter;
use crate::engine;
use crate::error::CliError;
use crate::exit;
use crate::input::read_key;
use crate::output::Destination;
use crate::say;
use crate::scan::stop::within;
use dlp_core::base::{Limits, Problem};
use dlp_core::content::{Extraction, Flow, Input, ItemStart, Outcome, RiskyParser, Role, Segment, Sink, extract};
use dlp_core::known::KnownKey;
use dlp_core::known::fingerprint::{Indexer, Kind};
use dlp_core::output::pretty::plural;
use ignore::WalkBuilder;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Longest text of one document that is indexed: some thirty thousand pages.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Endings of source code.
#[rustfmt::skip]
const CODE_ENDINGS: &[&str] = &[
    "bash", "c", "cc", "cpp", "cs", "cxx", "dart", "go", "groovy", "h", "hpp", "java", "jl", "js", "jsx", "kt", "lua", "m",
    "mjs", "mm", "php", "pl", "pm", "ps1", "py", "r", "rb", "rs", "scala", "sh", "sql", "swift", "ts", "tsx", "vb", "zig",
];

/// Does it.
pub(crate) fn run(args: &FingerprintArgs) -> Result<u8, CliError> {
    match &args.command {
        FingerprintCommand::Build(args) => build(args),
    }
}

fn build(args: &FingerprintBuildArgs) -> Result<u8, CliError> {
    let in_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if args.name.is_empty() || !args.name.bytes().all(in_name) {
        return Err(CliError::CollectionName(args.name.clone()));
    }
    let key = KnownKey::from(read_key(&args.key_file)?);
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(CliError::no_randomness)?;
    let mut reader = Reader::new()?;
    let mut indexer = Indexer::new(&args.name, &key, salt);
    let mut sorter = Sorter::new();
    let (mut too_short, mut bytes) = (0, 0);
    for (name, path) in files(&args.paths)? {
        let text = reader.read(&path)?;
        bytes += text.len();
        let mut prints = 0;
        sorter.add(|entries| prints = indexer.document(&name, kind(&path), &text, entries)).map_err(temporary)?;
        too_short += usize::from(prints == 0);
    }
    for (_, path) in files(&args.common)? {
        let text = reader.read(&path)?;
        sorter.add(|entries| indexer.common(kind(&path), &text, entries)).map_err(temporary)?;
    }
    let documents = indexer.documents();
    let failed = |source| CliError::Output { path: args.output.clone(), source };
    let mut writer = indexer.writer(sorter.len(), Destination::open(Some(&args.output))?).map_err(failed)?;
    sorter.merge(|entry| writer.push(entry)).map_err(failed)?;
    writer.finish().map_err(failed)?.finish()?;
    let counts = [(documents, "document"), (bytes, "byte")].map(|(count, noun)| plural(count as u64, noun));
    say(&format!("{} of text", counts.join(", ")));
    if documents == 0 {
        say("nothing to recognise: the index is empty, and no scan will find anything with it");
    }
    if too_short > 0 {
        say(&format!("{too_short} of them too short to be recognised"));
    }
    Ok(reader.exit_code())
}

fn temporary(source: std::io::Error) -> CliError {
    CliError::System { what: "temporary files for sorting cannot be written", source }
}

/// Files with their names below what the user gave, sorted. What belongs to git is no document.
fn files(paths: &[PathBuf]) -> Result<Vec<(String, PathBuf)>, CliError> {
    let mut files = Vec::new();
    for root in paths {
        std::fs::metadata(root).map_err(|source| CliError::Path { path: root.clone(), source })?;
        let walk = WalkBuilder::new(root)
            .standard_filters(false)
            .filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git")
            .sort_by_file_name(Ord::cmp)
            .build();
        for entry in walk {
            let entry =
                entry.map_err(|error| CliError::Path { path: root.clone(), source: std::io::Error::other(error) })?;
            if entry.path().is_file() {
                let below = entry.path().strip_prefix(root).ok().filter(|path| !path.as_os_str().is_empty());
                let name = below.or_else(|| entry.path().file_name().map(Path::new)).unwrap_or(entry.path());
                files.push((name.to_string_lossy().into_owned(), entry.path().to_owned()));
            }
        }
    }
    Ok(files)
}

fn kind(path: &Path) -> Kind {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let is_code = ending.is_some_and(|ending| CODE_ENDINGS.contains(&ending.as_str()));
    if is_code { Kind::Code } else { Kind::Text }
}

/// Reads the text of documents, as a scan would see it.
struct Reader {
    limits: Limits,
    risky: std::sync::Arc<dyn RiskyParser>,
    incomplete: u64,
}

impl Reader {
    fn new() -> Result<Self, CliError> {
        Ok(Self { limits: Limits::batch(), risky: engine::risky_parser()?, incomplete: 0 })
    }

    fn read(&mut self, path: &Path) -> Result<Vec<u8>, CliError> {
        let mut file = File::open(path).map_err(|source| CliError::Read { path: path.to_owned(), source })?;
        let mut text = Text::default();
        within(self.limits.wall_time_max, |cancel| {
            let extraction = Extraction { limits: &self.limits, cancel, risky: Some(&*self.risky) };
            extract(&path.to_string_lossy(), Input::Seekable(&mut file), extraction, &mut text)
        });
        if text.is_incomplete {
            self.incomplete += 1;
            say(&format!("{}: not read completely; what was read is indexed", path.display()));
        }
        Ok(text.bytes)
    }

    fn exit_code(&self) -> u8 {
        if self.incomplete > 0 { exit::INCOMPLETE } else { exit::CLEAN }
    }
}

/// Text of all parts of a document, names of files apart.
#[derive(Default)]
struct Text {
    bytes: Vec<u8>,
    is_incomplete: bool,
}

impl Sink for Text {
    fn enter(&mut self, _item: &ItemStart<'_>) -> Flow {
        Flow::Continue
    }

    fn text(&mut self, segment: &Segment<'_>) -> Flow {
        if segment.part.role == Role::FileName {
            return Flow::Continue;
        }
        if self.bytes.len() + segment.text.len() > DOCUMENT_BYTES_MAX {
            self.is_incomplete = true;
            return Flow::Stop;
        }
        self.bytes.extend_from_slice(segment.join.as_bytes());
        self.bytes.extend_from_slice(segment.text);
        Flow::Continue
    }

    fn problem(&mut self, problem: Problem) {
        self.is_incomplete |= problem.class.is_incomplete();
    }

    fn leave(&mut self, _outcome: &Outcome) {}
}
