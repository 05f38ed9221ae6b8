//! Rules of other scanners into a detector file, with a word on everything that is not as it was.

use crate::error::CliError;
use crate::import::{self, Imported, NoteKind};
use crate::output::Destination;
use crate::{exit, input, say};
use dlp_core::output::escape;
use dlp_core::output::pretty::plural;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

/// Imports the files into one. Ends with 3 when something was lost.
pub(super) fn run(files: &[PathBuf], out: Option<&Path>) -> Result<u8, CliError> {
    let mut destination = Destination::open(out)?;
    let mut is_complete = true;
    for path in files {
        let text = input::read_text(path)?;
        let base = import::gitleaks_base(&text).and_then(|base| read_beside(path, &base));
        let imported = import::import(&text, base.as_deref())
            .map_err(|message| CliError::Import { path: path.clone(), message })?;
        let written = destination.write_all(imported.toml.as_bytes());
        written.map_err(|source| destination.failed(source))?;
        is_complete &= !imported.notes.iter().any(|note| note.kind == NoteKind::Lost);
        tell(path, &imported);
    }
    destination.finish()?;
    Ok(if is_complete { exit::CLEAN } else { exit::INCOMPLETE })
}

/// The configuration that another one extends. Its path counts from the working directory, or else from beside it. A path
/// that leads elsewhere is not followed: what is wrong with a file is told with a line of it, and rules of strangers shall
/// not choose the file.
fn read_beside(path: &Path, base: &str) -> Option<String> {
    if !Path::new(base).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return None;
    }
    let beside = path.parent().map(|folder| folder.join(base));
    std::iter::once(PathBuf::from(base)).chain(beside).find_map(|path| input::read_text(&path).ok())
}

fn tell(path: &Path, imported: &Imported) {
    let name = escape(&path.display().to_string()).into_owned();
    for note in &imported.notes {
        say(&format!("{name}: {}", escape(&note.to_string())));
    }
    let rules = plural(imported.rules as u64, "rule");
    let allows = match imported.allows {
        0 => String::new(),
        1 => ", 1 allow entry".to_owned(),
        count => format!(", {count} allow entries"),
    };
    say(&format!("{name}: {rules}, {} taken over{allows}", imported.taken));
}
