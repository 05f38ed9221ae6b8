//! Findings that were there before: a file of their ids, so that a scan can be about what is new.
//!
//! The file holds no value, only hashes under a key. Whoever has the key can try out all numbers of persons in minutes,
//! so the key of an organisation stays in a file of its own (`--key-file`). Without one, a random salt is kept in the
//! baseline itself: enough for credentials, which nobody can try out, and said to be no more than that in the help.

use crate::cli::ReportArgs;
use crate::error::CliError;
use crate::input;
use crate::output::Destination;
use crate::scan::pipeline::{FileId, id_of};
use dlp_core::base::Category;
use dlp_core::output::{FindingRecord, IdentityKey, value_hmac};
use dlp_governance::files::{KEY_LEN, Key};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

/// Version of the file's format.
const SCHEMA_VERSION: &str = "1.0";

/// What was there before, and the key by which it is known again.
#[derive(Default)]
pub(crate) struct Baseline {
    /// The key for ids and value hashes; none when neither a baseline nor a key was asked for.
    pub(crate) key: Option<IdentityKey>,
    /// Files that are no content: the baseline itself, and the one that will be replaced.
    pub(crate) files: Vec<FileId>,
    salt: Option<String>,
    known: BTreeSet<String>,
    /// Detectors and hashes of values, each also with the name of the file that held it.
    known_values: BTreeSet<(String, String, Option<String>)>,
}

/// The file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema_version: String,
    /// The key in hexadecimal, unless it is kept apart.
    salt: Option<String>,
    /// A hash of nothing, which tells whether a key is the right one.
    key_check: String,
    findings: Vec<Entry>,
}

/// A finding in it.
#[derive(Deserialize, Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    path: String,
    detector: String,
    finding_id: String,
    value_hmac: Option<String>,
}

impl Entry {
    /// The entry of a finding.
    pub(crate) fn of(finding: &FindingRecord) -> Self {
        Self {
            path: finding.location.path.text.clone(),
            detector: finding.detector.clone(),
            finding_id: finding.finding_id.clone(),
            value_hmac: finding.value_hmac.clone(),
        }
    }
}

impl Baseline {
    /// Reads what the user named, and makes a salt when a first baseline is to be written.
    pub(crate) fn load(args: &ReportArgs) -> Result<Self, CliError> {
        let mut baseline = Self::default();
        let mut key = args.key_file.as_deref().map(input::read_key).transpose()?;
        if let Some(path) = &args.baseline {
            let document = read(path)?;
            match (&document.salt, &key) {
                (Some(_), Some(_)) => return Err(wrong(path, "it has a salt of its own; leave --key-file out")),
                (None, None) => return Err(wrong(path, "it was made with a key; give it with --key-file")),
                (Some(salt), None) => {
                    key = Some(from_hex(salt).ok_or_else(|| wrong(path, "its salt is not 64 hexadecimal digits"))?);
                }
                (None, Some(_)) => {}
            }
            if key.as_ref().is_some_and(|key| key_check(&IdentityKey::from(key.clone())) != document.key_check) {
                return Err(wrong(path, "it was made with another key"));
            }
            baseline.salt = document.salt;
            for Entry { path, detector, finding_id, value_hmac } in document.findings {
                baseline.known.insert(finding_id);
                if let Some(hash) = value_hmac {
                    baseline.known_values.insert((detector.clone(), hash.clone(), Some(file_name(&path).to_owned())));
                    baseline.known_values.insert((detector, hash, None));
                }
            }
        }
        if key.is_none() && args.write_baseline.is_some() {
            let mut fresh = Key::default();
            getrandom::fill(&mut fresh[..]).map_err(CliError::no_randomness)?;
            baseline.salt = Some(to_hex(&fresh[..]));
            key = Some(fresh);
        }
        baseline.key = key.map(IdentityKey::from);
        let files = args.baseline.iter().chain(&args.write_baseline).chain(&args.key_file);
        baseline.files = files.filter_map(|path| std::fs::metadata(path).ok()).filter_map(|m| id_of(&m)).collect();
        Ok(baseline)
    }

    /// Whether a finding was there before. A file that was moved is no news: a credential is known wherever it stands
    /// now, because whoever opens something with it can do so already; anything else is known in a file of the same
    /// name, because a copy of personal data in another file is a leak of its own.
    pub(crate) fn knows(&self, finding: &FindingRecord) -> bool {
        let is_known = |hash: &String| {
            let name = file_name(&finding.location.path.text).to_owned();
            let name = Some(name).filter(|_| finding.category != Category::Secret);
            self.known_values.contains(&(finding.detector.clone(), hash.clone(), name))
        };
        self.known.contains(&finding.finding_id)
            || (!self.known_values.is_empty() && finding.value_hmac.as_ref().is_some_and(is_known))
    }

    /// Writes findings as the next baseline.
    pub(crate) fn write(&self, path: &Path, mut findings: Vec<Entry>) -> Result<(), CliError> {
        findings.sort();
        let key_check = self.key.as_ref().map(key_check).unwrap_or_default();
        let document =
            Document { schema_version: SCHEMA_VERSION.to_owned(), salt: self.salt.clone(), key_check, findings };
        let mut destination = Destination::open(Some(path))?;
        let written = serde_json::to_writer_pretty(&mut destination, &document)
            .map_err(std::io::Error::from)
            .and_then(|()| destination.write_all(b"\n"));
        written.map_err(|source| destination.failed(source))?;
        destination.finish()
    }
}

/// The last name of a path.
fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn read(path: &Path) -> Result<Document, CliError> {
    let document: Document = serde_json::from_str(&input::read_text(path)?)
        .map_err(|error| wrong(path, &format!("it is no baseline: {error}; write one with --write-baseline")))?;
    if document.schema_version != SCHEMA_VERSION {
        let message = format!("expected schema_version {SCHEMA_VERSION}, found `{}`", document.schema_version);
        return Err(wrong(path, &message));
    }
    Ok(document)
}

fn wrong(path: &Path, message: &str) -> CliError {
    CliError::Baseline { path: path.to_owned(), message: message.to_owned() }
}

fn key_check(key: &IdentityKey) -> String {
    value_hmac(key, "dlp.baseline.v1", b"")
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Key> {
    if text.len() != 2 * KEY_LEN || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = Key::default();
    for (index, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_they_are_read() {
        let key = Key::new(std::array::from_fn(|index| (index * 7) as u8));
        assert_eq!(from_hex(&to_hex(&key[..])), Some(key));
        for wrong in ["", "00", &"0".repeat(63), &"g".repeat(64), &"ż".repeat(32)] {
            assert_eq!(from_hex(wrong), None, "{wrong}");
        }
    }
}
