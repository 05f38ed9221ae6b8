//! The prose corpus: what people wrote for people, without markup.
//!
//! Debian packages are taken through apt, at the versions of the machine's release; without apt the corpus is too small
//! and the build of it fails.

use super::{packages, run, write};
use crate::corpora::files_of;
use std::fs;
use std::io;
use std::path::Path;

/// A handbook in more than ten languages, help pages in two, the reference of a language.
const DEBIAN_PACKAGES: &[&str] = &["debian-handbook", "libreoffice-help-de", "libreoffice-help-pl", "python3-doc"];

pub(super) fn build(folder: &Path) -> io::Result<()> {
    for package in packages()? {
        let mut text = Vec::new();
        for path in files_of(&package.folder)? {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("md") => text.extend(fs::read(&path)?),
                Some("rs") => documentation_comments(&fs::read(&path)?, &mut text),
                _ => {}
            }
        }
        write(&folder.join("crates").join(package.id).with_extension("txt"), &text)?;
    }
    let unpacked = folder.join("unpacked");
    DEBIAN_PACKAGES.iter().try_for_each(|package| debian(package, folder, &unpacked))
}

/// The lines behind `///` and `//!`.
fn documentation_comments(source: &[u8], text: &mut Vec<u8>) {
    for line in source.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii_start();
        if let Some(comment) = line.strip_prefix(b"///").or_else(|| line.strip_prefix(b"//!")) {
            text.extend(comment.strip_prefix(b" ").unwrap_or(comment));
            text.push(b'\n');
        }
    }
}

/// The pages of a package and of the packages that it only points to.
fn debian(package: &str, folder: &Path, unpacked: &Path) -> io::Result<()> {
    let name = if package == "python3-doc" { pointed_to(package, folder)? } else { package.to_owned() };
    fs::create_dir_all(unpacked)?;
    run("apt-get", &["download", "-qq", &name], unpacked)?;
    for archive in files_of(unpacked)? {
        run("dpkg-deb", &["-x", &archive.to_string_lossy(), "content"], unpacked)?;
        for path in files_of(&unpacked.join("content"))? {
            if path.extension().is_some_and(|extension| extension == "html") {
                let relative = path.strip_prefix(unpacked).map_err(io::Error::other)?;
                let text = without_markup(&fs::read(&path)?);
                write(&folder.join(package).join(relative).with_extension("txt"), &text)?;
            }
        }
    }
    fs::remove_dir_all(unpacked)
}

/// The one package that a package without content depends on.
fn pointed_to(package: &str, folder: &Path) -> io::Result<String> {
    let output = run("apt-cache", &["depends", "--important", package], folder)?;
    let output = String::from_utf8_lossy(&output);
    let mut names = output.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    let found = names.find(|name| name.starts_with("python") && name.ends_with("-doc"));
    found.map(str::to_owned).ok_or_else(|| io::Error::other(format!("{package} points to no package")))
}

/// The text of a page: tags and scripts left out, runs of white space made one.
fn without_markup(page: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(page.len() / 2);
    let mut rest = page;
    while let Some(open) = memchr::memchr(b'<', rest) {
        push_words(&rest[..open], &mut text);
        rest = &rest[open..];
        let end: &[u8] = match rest.get(1..4) {
            Some(b"scr") => b"</script>",
            Some(b"sty") => b"</style>",
            Some(b"!--") => b"-->",
            _ => b">",
        };
        let Some(close) = memchr::memmem::find(rest, end) else { return text };
        rest = &rest[close + end.len()..];
    }
    push_words(rest, &mut text);
    text
}

fn push_words(from: &[u8], text: &mut Vec<u8>) {
    for byte in from {
        let byte = if byte.is_ascii_whitespace() && *byte != b'\n' { b' ' } else { *byte };
        let is_repeated = byte.is_ascii_whitespace() && text.last().is_none_or(u8::is_ascii_whitespace);
        if !is_repeated {
            text.push(byte);
        }
    }
}
