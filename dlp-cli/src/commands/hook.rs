//! `dlp hook`: making git call us.

use crate::cli::{HookArgs, HookCommand};
use crate::error::CliError;
use crate::{exit, git, say};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// What the hook runs.
const LINE: &str = "dlp git --staged";
/// By which we know our own hook again.
const MARK: &str = "# Installed by `dlp hook install`.";

/// Installs the hook.
pub(crate) fn run(args: &HookArgs) -> Result<u8, CliError> {
    match args.command {
        HookCommand::Install => install(),
    }
}

fn install() -> Result<u8, CliError> {
    let folder = git::output("rev-parse", &["--git-path", "hooks"])?;
    let folder = PathBuf::from(os_string(folder.trim_ascii_end()));
    let path = folder.join("pre-commit");
    match fs::read(&path) {
        Ok(there) if !there.windows(MARK.len()).any(|text| text == MARK.as_bytes()) => {
            return Err(CliError::ForeignHook { path, line: LINE });
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => return Err(CliError::Read { path, source }),
    }
    write(&folder, &path).map_err(|source| CliError::Output { path: path.clone(), source })?;
    say(&format!("{}: runs `{LINE}` before each commit", path.display()));
    Ok(exit::CLEAN)
}

/// Written beside it and renamed, so that git never runs half a script.
fn write(folder: &Path, path: &Path) -> std::io::Result<()> {
    use std::io::Write as _;
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".dlp-hook-").permissions(executable()?).tempfile_in(folder)?;
    write!(file, "#!/bin/sh\n{MARK}\nexec {LINE}\n")?;
    file.persist(path)?;
    Ok(())
}

#[cfg(unix)]
fn executable() -> std::io::Result<fs::Permissions> {
    Ok(std::os::unix::fs::PermissionsExt::from_mode(0o777))
}

#[cfg(not(unix))]
fn executable() -> std::io::Result<fs::Permissions> {
    Ok(fs::metadata(".")?.permissions())
}

#[cfg(unix)]
fn os_string(bytes: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_owned())
}

#[cfg(not(unix))]
fn os_string(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}
