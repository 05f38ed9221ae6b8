//! From what the user chose to an inspector that looks for it.

use crate::cli::{DetectorChoice, KnownArgs, OcrArgs};
use crate::error::CliError;
use crate::import;
use crate::input;
use crate::input::read_key;
use dlp_core::base::Limits;
use dlp_core::content::RiskyParser;
use dlp_core::inspect::Inspector;
use dlp_core::knowledge::{Catalogue, CatalogueError, FormatError, Profile, Read};
use dlp_core::known::{IndexError, Known, KnownKey, Source, edm, fingerprint};
use dlp_core::matching::DetectorSet;
use dlp_core::output::AllowList;
use dlp_sandbox::{SandboxedParser, Tesseract};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What looks into content, and what looks into names.
pub(crate) struct Engine {
    /// For content: the chosen detectors.
    pub(crate) inspector: Inspector,
    /// For names, which reports show: every detector, chosen or not.
    pub(crate) names: DetectorSet,
    /// Findings that the user's files say do not count.
    pub(crate) allows: AllowList,
}

/// The engine for a choice of detectors, with the bounds of a scan that nobody waits for.
pub(crate) fn engine(choice: &DetectorChoice) -> Result<Engine, CliError> {
    engine_with(choice, &KnownArgs::default())
}

/// The same, with what the organisation knows to be its own.
pub(crate) fn engine_with(choice: &DetectorChoice, known: &KnownArgs) -> Result<Engine, CliError> {
    let Chosen { detectors, known, allows } = chosen(choice, known)?;
    let inspector = inspector(detectors)?.with_known(known);
    let names = if choice.is_all() {
        inspector.detectors().clone()
    } else {
        let all = DetectorChoice { detectors: Vec::new(), profile: Vec::new(), ..choice.clone() };
        DetectorSet::compile(catalogue(&all)?)?
    };
    Ok(Engine { inspector, names, allows })
}

impl Engine {
    /// Makes paths in allow entries relative to the directory of their file, where `root`, which paths of findings are
    /// relative to, lies in it. Elsewhere they are relative to `root`.
    pub(crate) fn allow_below(&mut self, root: &Path) {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        self.allows.set_ways(|file| way(Path::new(file), &root));
    }
}

/// The way from the directory of a file down to a directory in it, `a/b/`; empty when it is the same or lies elsewhere.
fn way(file: &Path, root: &Path) -> String {
    let directory = file.canonicalize().ok().and_then(|file| file.parent().map(Path::to_owned));
    let below = directory.and_then(|directory| root.strip_prefix(directory).map(Path::to_owned).ok());
    let names = below.iter().flat_map(|below| below.iter());
    names.map(|name| format!("{}/", name.to_string_lossy())).collect()
}

/// The chosen detectors, what the organisation knows to be its own, and the values that are allowed.
pub(crate) struct Chosen {
    pub(crate) detectors: DetectorSet,
    pub(crate) known: Known,
    pub(crate) allows: AllowList,
}

/// Reads what the command line names.
pub(crate) fn chosen(choice: &DetectorChoice, known: &KnownArgs) -> Result<Chosen, CliError> {
    let key = known.known_key.as_deref().map(read_key).transpose()?.map(KnownKey::from);
    let records = indexes(&known.edm, key.as_ref(), edm::Index::open)?;
    let documents = indexes(&known.fingerprints, key.as_ref(), fingerprint::Index::open)?;
    let mut chosen = catalogue(choice)?;
    let of_records = known.edm.iter().zip(records.iter().map(|index| index.schema().detector()));
    let of_documents = known.fingerprints.iter().zip(documents.iter().map(fingerprint::Index::detector));
    for (path, detector) in of_records.chain(of_documents) {
        chosen.add_detector(&path.display().to_string(), detector)?;
    }
    if chosen.ids().len() == 0 {
        return Err(CliError::NothingToLookFor);
    }
    let allows = AllowList::new(chosen.allows())?;
    let detectors = DetectorSet::compile(chosen)?;
    let known = Known::new(&detectors, records, documents);
    Ok(Chosen { detectors, known, allows })
}

/// The indexes that the user names. Without a key there are none: the command line demands it.
fn indexes<I>(
    paths: &[PathBuf],
    key: Option<&KnownKey>,
    open: impl Fn(Arc<dyn Source>, &KnownKey) -> Result<I, IndexError>,
) -> Result<Vec<I>, CliError> {
    let Some(key) = key else { return Ok(Vec::new()) };
    let read = |path: &PathBuf| {
        open(input::open_index(path)?, key).map_err(|source| CliError::Index { path: path.clone(), source })
    };
    paths.iter().map(read).collect()
}

/// The chosen detectors.
pub(crate) fn catalogue(choice: &DetectorChoice) -> Result<Catalogue, CliError> {
    catalogue_with_examples(choice).map(|(catalogue, _)| catalogue)
}

/// The chosen detectors, and what the user's files hold.
pub(crate) fn catalogue_with_examples(choice: &DetectorChoice) -> Result<(Catalogue, Vec<Read>), CliError> {
    let mut catalogue = Catalogue::builtin()?;
    let read = add_files(&mut catalogue, &choice.detector_file)?;
    if !choice.is_all() {
        // A comma at the end is no mistake.
        let names = choice.profile.iter().enumerate().filter(|(at, name)| *at == 0 || !name.trim().is_empty());
        let profiles = names.map(|(_, name)| Profile::named(name)).collect::<Result<Vec<_>, _>>()?;
        catalogue.select_with(&profiles, &choice.detectors)?;
    }
    Ok((catalogue, read))
}

/// The inspector for a catalogue.
pub(crate) fn with_catalogue(catalogue: Catalogue) -> Result<Inspector, CliError> {
    inspector(DetectorSet::compile(catalogue)?)
}

fn inspector(detectors: DetectorSet) -> Result<Inspector, CliError> {
    // The process ends soon after its scan, and to free the detectors piece by piece would only delay that.
    std::mem::forget(detectors.clone());
    Ok(Inspector::new(detectors, Limits::batch()).with_risky_parser(risky_parser()?))
}

/// The parser for documents that can crash their reader: a worker process for each, started when the first one comes.
pub(crate) fn risky_parser() -> Result<Arc<dyn RiskyParser>, CliError> {
    Ok(Arc::new(SandboxedParser::current_exe().map_err(no_program)?))
}

/// The same, which recognises text in pictures if the user wants it.
pub(crate) fn risky_parser_with(ocr: &OcrArgs) -> Result<Arc<dyn RiskyParser>, CliError> {
    let Some(languages) = &ocr.ocr else { return risky_parser() };
    let languages: Vec<String> = languages.iter().filter(|language| !language.is_empty()).cloned().collect();
    let tesseract = Tesseract::find(std::env::var_os("PATH"), &languages).map_err(CliError::Ocr)?;
    let parser = SandboxedParser::current_exe().map_err(no_program)?;
    Ok(Arc::new(parser.with_ocr(tesseract)))
}

fn no_program(source: std::io::Error) -> CliError {
    CliError::System { what: "the worker program is not to be found", source }
}

/// Adds detector files of the user, and hands back what they hold.
pub(crate) fn add_files(catalogue: &mut Catalogue, files: &[PathBuf]) -> Result<Vec<Read>, CliError> {
    let mut all = Vec::new();
    for path in files {
        all.extend(add_file(catalogue, path)?);
    }
    Ok(all)
}

/// Adds a detector file of the user, and hands back what it holds.
pub(crate) fn add_file(catalogue: &mut Catalogue, path: &Path) -> Result<Vec<Read>, CliError> {
    let text = input::read_text(path)?;
    let added = catalogue.add_file(&path.display().to_string(), &text);
    if matches!(added, Err(CatalogueError::File(FormatError::Syntax { .. }))) && import::is_foreign(&text) {
        return Err(CliError::ForeignRules { path: path.to_owned() });
    }
    Ok(added?)
}
