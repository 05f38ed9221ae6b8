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
pub(super) fn run(files: &[PathBuf], out: Option<&Path>, force: bool) -> Result<u8, CliError> {
    let is_out = |path: &&PathBuf| out.is_some_and(|out| is_same(path, out));
    if let Some(path) = files.iter().find(is_out) {
        let message = "expected --out to name another file than the one that is imported".to_owned();
        return Err(CliError::Import { path: path.clone(), message });
    }
    let mut destination = Destination::open_new(out, force)?;
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

/// Whether two paths lead to one file that exists.
fn is_same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// The configuration that another one extends. Its path counts from the working directory, or else from beside it. A
/// path that leads elsewhere is not followed: what is wrong with a file is told with a line of it, and rules of
/// strangers shall not choose the file.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_not_overwritten() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("rules.toml");
        let rules = "[[rules]]\nid = \"a\"\nregex = 'aaaa_[0-9]{8}'\n";
        std::fs::write(&path, rules).expect("writable");
        let other = folder.path().join(".").join("rules.toml");
        let error = run(std::slice::from_ref(&path), Some(&other), true).expect_err("one file");
        assert!(error.to_string().contains("another file"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).expect("still there"), rules);
    }
}
