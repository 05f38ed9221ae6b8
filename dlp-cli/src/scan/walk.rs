//! Finding files: every regular file below the roots, sorted, with no filter of its own.
//!
//! Symbolic links are not followed, because what they point at is either in the tree already or was not asked for; only
//! a link on the command line itself is. They are counted. Pipes, sockets and devices hold nothing at rest and are
//! reported as skipped.

use crate::cli::ScanArgs;
use crate::error::CliError;
use dlp_core::base::{Problem, ProblemClass};
use dlp_core::output::ItemPath;
use ignore::overrides::{Override, OverrideBuilder};
use ignore::{DirEntry, WalkBuilder};
use std::fs;
use std::path::{Path, PathBuf};

/// The argument that stands for standard input.
pub(crate) const STDIN: &str = "-";

/// Something to read, or a reason why not.
#[derive(Debug)]
pub(crate) enum Found {
    /// A regular file.
    File(Named),
    /// Standard input.
    Stdin(Named),
    /// A symbolic link, which is not followed.
    Link,
    /// Something that cannot be read.
    Trouble(Box<(Named, Problem)>),
}

/// A file with its names.
#[derive(Debug)]
pub(crate) struct Named {
    /// To open it with.
    pub(crate) open: PathBuf,
    /// Whether a symbolic link in the last place is followed.
    pub(crate) follow: bool,
    /// As reports show it.
    pub(crate) shown: ItemPath,
    /// Raw bytes of the shown path.
    pub(crate) raw: Vec<u8>,
}

/// What is walked: the roots, sorted, and what paths in reports are relative to.
#[derive(Debug)]
pub(crate) struct Roots {
    paths: Vec<PathBuf>,
    /// The one directory that was given, when it was only one; paths are relative to it.
    base: Option<PathBuf>,
    include_git: bool,
    excluded: Override,
}

impl Roots {
    /// Looks at every path before anything is scanned, so that a typing error is not found after an hour.
    pub(crate) fn check(args: &ScanArgs) -> Result<Self, CliError> {
        for path in args.paths.iter().filter(|path| !is_stdin(path)) {
            fs::metadata(path).map_err(|source| CliError::Path { path: path.clone(), source })?;
        }
        let base = match &*args.paths {
            [one] if !is_stdin(one) && one.is_dir() => Some(one.clone()),
            _ => None,
        };
        let excluded = excluded(base.as_deref().unwrap_or(Path::new(".")), &args.exclude)?;
        let mut paths = args.paths.clone();
        paths.sort();
        paths.dedup();
        Ok(Self { paths, base, include_git: args.include_git, excluded })
    }

    /// What paths are relative to, as the user gave it.
    pub(crate) fn base(&self) -> &Path {
        self.base.as_deref().unwrap_or(Path::new("."))
    }

    /// Whether standard input is among them.
    pub(crate) fn has_stdin(&self) -> bool {
        self.paths.iter().any(|path| is_stdin(path))
    }

    /// Whether standard input is all there is.
    pub(crate) fn is_stdin(&self) -> bool {
        self.paths.iter().all(|path| is_stdin(path))
    }

    /// Every file, in order. `None` from `each` ends the walk.
    pub(crate) fn each(&self, each: &mut dyn FnMut(Found) -> Option<()>) -> Option<()> {
        for path in &self.paths {
            if is_stdin(path) {
                let shown = ItemPath::from_bytes(STDIN.as_bytes());
                let named = Named { open: path.clone(), follow: false, shown, raw: STDIN.into() };
                each(Found::Stdin(named))?;
            } else {
                self.below(path, each)?;
            }
        }
        Some(())
    }

    fn below(&self, root: &Path, each: &mut dyn FnMut(Found) -> Option<()>) -> Option<()> {
        let include_git = self.include_git;
        let walk = WalkBuilder::new(root)
            .standard_filters(false)
            .follow_links(false)
            .overrides(self.excluded.clone())
            .filter_entry(move |entry| include_git || !is_git_directory(entry))
            .sort_by_file_name(Ord::cmp)
            .build();
        for entry in walk {
            let found = match entry {
                Ok(entry) => self.found(&entry),
                Err(error) => Some(self.unreadable(root, &error)),
            };
            if let Some(found) = found {
                each(found)?;
            }
        }
        Some(())
    }

    fn found(&self, entry: &DirEntry) -> Option<Found> {
        let given = entry.depth() == 0;
        let named = self.named(entry.path(), given);
        let kind = if given { fs::metadata(entry.path()).ok().map(|m| m.file_type()) } else { entry.file_type() };
        match kind {
            Some(kind) if kind.is_file() => Some(Found::File(named)),
            Some(kind) if kind.is_symlink() => Some(Found::Link),
            Some(kind) if kind.is_dir() => None,
            Some(_) => Some(special(named, given)),
            None => {
                let problem = Problem::new(ProblemClass::Unreadable, "changed", "it vanished while the scan ran");
                Some(Found::Trouble(Box::new((named, problem))))
            }
        }
    }

    fn unreadable(&self, root: &Path, error: &ignore::Error) -> Found {
        let path = path_of(error).unwrap_or(root);
        let message = match error.io_error() {
            Some(error) => format!("the directory cannot be read: {}", error.kind()),
            None => "the directory cannot be read".to_owned(),
        };
        let problem = Problem::new(ProblemClass::Unreadable, "walk", message);
        Found::Trouble(Box::new((self.named(path, false), problem)))
    }

    fn named(&self, path: &Path, follow: bool) -> Named {
        let shown = self.base.as_ref().and_then(|base| path.strip_prefix(base).ok()).unwrap_or(path);
        let shown = shown.strip_prefix(".").unwrap_or(shown);
        let raw = raw_bytes(shown);
        Named { open: path.to_owned(), follow, shown: ItemPath::from_bytes(&raw), raw }
    }
}

/// A pipe, socket or device: passed by in a tree, but a gap when it was asked for.
fn special(named: Named, given: bool) -> Found {
    let class = if given { ProblemClass::Unreadable } else { ProblemClass::Unsupported };
    let message = "a pipe, socket or device is not read; give its content on standard input";
    Found::Trouble(Box::new((named, Problem::new(class, "special_file", message))))
}

/// Globs of the user, relative to the base.
fn excluded(base: &Path, globs: &[String]) -> Result<Override, CliError> {
    let failed =
        |glob: &str, error: ignore::Error| CliError::Glob { glob: glob.to_owned(), message: error.to_string() };
    let mut builder = OverrideBuilder::new(base);
    for glob in globs {
        if glob.trim().is_empty() {
            let message = "is empty, as a variable may be that is not set, and would leave out everything".to_owned();
            return Err(CliError::Glob { glob: "''".to_owned(), message });
        }
        builder.add(&format!("!{glob}")).map_err(|error| failed(glob, error))?;
    }
    builder.build().map_err(|error| failed("", error))
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == STDIN
}

fn is_git_directory(entry: &DirEntry) -> bool {
    entry.depth() > 0 && entry.file_name() == ".git" && entry.file_type().is_some_and(|kind| kind.is_dir())
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        ignore::Error::Loop { child, .. } => Some(child),
        _ => None,
    }
}

#[cfg(unix)]
fn raw_bytes(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt as _;
    path.as_os_str().as_bytes().to_owned()
}

#[cfg(not(unix))]
fn raw_bytes(path: &Path) -> Vec<u8> {
    path.to_string_lossy().replace('\\', "/").into_bytes()
}
