//! Standard output, or a file that appears when it is complete.

use crate::error::CliError;
use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Where a report is written.
pub(crate) enum Destination {
    /// Standard output.
    Stdout(BufWriter<Stdout>),
    /// A file under a temporary name, and the name that it gets.
    File(BufWriter<NamedTempFile>, PathBuf),
    /// A pipe or device that exists already and must not be replaced by a file.
    Device(BufWriter<File>, PathBuf),
}

impl Destination {
    /// Opens the destination.
    pub(crate) fn open(output: Option<&Path>) -> Result<Self, CliError> {
        let Some(path) = output else { return Ok(Self::Stdout(BufWriter::new(io::stdout()))) };
        let failed = |source| CliError::Output { path: path.to_owned(), source };
        match fs::metadata(path) {
            Ok(there) if there.is_dir() => Err(failed(io::ErrorKind::IsADirectory.into())),
            Ok(there) if !there.is_file() => {
                let device = File::options().write(true).open(path).map_err(failed)?;
                Ok(Self::Device(BufWriter::new(device), path.to_owned()))
            }
            // The file behind a link is replaced, and the link stays.
            Ok(_) => Self::beside(path.canonicalize().map_err(failed)?, failed),
            Err(_) => Self::beside(path.to_owned(), failed),
        }
    }

    /// Opens the destination of what a person goes on to write by hand: a file that exists is overwritten by force
    /// only.
    pub(crate) fn open_new(output: Option<&Path>, force: bool) -> Result<Self, CliError> {
        match output {
            Some(path) if !force && path.is_file() => Err(CliError::Exists { path: path.to_owned() }),
            _ => Self::open(output),
        }
    }

    /// A file under a temporary name beside its later place.
    fn beside(path: PathBuf, failed: impl Fn(io::Error) -> CliError) -> Result<Self, CliError> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut temporary = tempfile::Builder::new();
        temporary.prefix(".dlp-report-").permissions(readable_like_other_files());
        let file = temporary.tempfile_in(folder).map_err(failed)?;
        Ok(Self::File(BufWriter::new(file), path))
    }

    /// Whether a person reads it as it is written.
    pub(crate) fn is_terminal(&self) -> bool {
        match self {
            Self::Stdout(_) => io::stdout().is_terminal(),
            Self::File(..) | Self::Device(..) => false,
        }
    }

    /// The file under its temporary name, for whoever must not scan it.
    pub(crate) fn file(&self) -> Option<&File> {
        match self {
            Self::Stdout(_) | Self::Device(..) => None,
            Self::File(file, _) => Some(file.get_ref().as_file()),
        }
    }

    /// The error of a failed write.
    pub(crate) fn failed(&self, source: io::Error) -> CliError {
        match self {
            Self::Stdout(_) => CliError::stdout(source),
            Self::File(_, path) | Self::Device(_, path) => CliError::Output { path: path.clone(), source },
        }
    }

    /// Writes what is buffered and gives the file its name.
    pub(crate) fn finish(mut self) -> Result<(), CliError> {
        self.flush().map_err(|source| self.failed(source))?;
        match self {
            Self::Stdout(_) | Self::Device(..) => Ok(()),
            Self::File(file, path) => {
                let failed = |source| CliError::Output { path: path.clone(), source };
                let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
                file.persist(&path).map(drop).map_err(|error| failed(error.error))
            }
        }
    }
}

/// Reports hold no values, so they get the permissions that the user's mask gives, and not those of a secret file.
fn readable_like_other_files() -> Permissions {
    #[cfg(unix)]
    {
        std::os::unix::fs::PermissionsExt::from_mode(0o666)
    }
    #[cfg(not(unix))]
    {
        let mut permissions = std::fs::metadata(".").map(|m| m.permissions()).expect("the working directory exists");
        permissions.set_readonly(false);
        permissions
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::File(out, _) => out.write(bytes),
            Self::Device(out, _) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::File(out, _) => out.flush(),
            Self::Device(out, _) => out.flush(),
        }
    }
}
