//! A directory to scan, values to find in it, and the command to run on it.

#![allow(dead_code, reason = "each test file uses its own part")]

use assert_cmd::Command;
use dlp_core::knowledge::{generate::generate, validators};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A published specimen that detectors know as one is reported as low only, so tests use generated values.
pub(crate) fn token(seed: u64) -> String {
    generate("ghp_[0-9A-Za-z]{36}", seed, validators::find("github-token")).expect("recipe")
}

/// A directory that is gone after the test.
pub(crate) struct Place {
    root: TempDir,
}

impl Place {
    /// An empty directory.
    pub(crate) fn new() -> Self {
        Self { root: TempDir::new().expect("temporary directory") }
    }

    /// A directory with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let place = Self::new();
        files.iter().for_each(|(name, text)| place.write(name, text.as_bytes()));
        place
    }

    /// The directory.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Writes a file, and the directories that lead to it.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file has a parent")).expect("directory");
        fs::write(path, bytes).expect("file");
    }

    /// `dlp` with these words, run in the directory.
    pub(crate) fn dlp(&self, words: &[&str]) -> Command {
        let mut command = dlp();
        command.current_dir(self.root()).args(words);
        command
    }

    /// The records of a JSON Lines scan of the directory.
    pub(crate) fn records(&self, words: &[&str]) -> Vec<Value> {
        let words = [&["scan", "--format", "jsonl", "--no-timestamps"], words].concat();
        records(&self.dlp(&words).output().expect("dlp runs").stdout)
    }
}

/// `dlp`, with an environment of its own.
pub(crate) fn dlp() -> Command {
    let mut command = Command::cargo_bin("dlp").expect("built binary");
    command.env_remove("CLICOLOR_FORCE").env("NO_COLOR", "1").timeout(std::time::Duration::from_secs(120));
    command
}

/// Each line as JSON.
pub(crate) fn records(stdout: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

/// Fails when a record does not fit the schema that the command publishes.
pub(crate) fn check_schema(records: &[Value]) {
    let schema = dlp().args(["schema", "finding"]).output().expect("dlp runs").stdout;
    let schema: Value = serde_json::from_slice(&schema).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
    for record in records {
        let errors: Vec<String> = validator.iter_errors(record).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}\n{record}");
    }
}

/// The records of one kind.
pub(crate) fn of_kind<'a>(records: &'a [Value], kind: &str) -> Vec<&'a Value> {
    records.iter().filter(|record| record["record"] == kind).collect()
}

/// A ZIP archive with one stored member; with `encrypted`, the flag that says its bytes need a password.
pub(crate) fn zip(name: &str, bytes: &[u8], encrypted: bool) -> Vec<u8> {
    let flags: u16 = u16::from(encrypted);
    let (name_len, len) = (name.len() as u16, bytes.len() as u32);
    let shared = [
        &20u16.to_le_bytes()[..],
        &flags.to_le_bytes(),
        &[0; 6],
        &crc32(bytes).to_le_bytes(),
        &len.to_le_bytes(),
        &len.to_le_bytes(),
        &name_len.to_le_bytes(),
        &[0; 2],
    ]
    .concat();
    let local = [b"PK\x03\x04", &shared[..], name.as_bytes(), bytes].concat();
    let central = [b"PK\x01\x02\x14\x00", &shared[..], &[0; 14], name.as_bytes()].concat();
    let end = [
        b"PK\x05\x06\0\0\0\0\x01\0\x01\0",
        &(central.len() as u32).to_le_bytes()[..],
        &(local.len() as u32).to_le_bytes(),
        &[0; 2],
    ]
    .concat();
    [local, central, end].concat()
}

/// A PDF document with one line of text on one page.
pub(crate) fn pdf(text: &str) -> Vec<u8> {
    let content = format!("BT /F1 12 Tf 72 700 Td ({text}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    let mut file = "%PDF-1.4\n".to_owned();
    let mut places = String::new();
    for (index, object) in objects.iter().enumerate() {
        places.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let table = file.len();
    let trailer = format!("trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n");
    format!("{file}xref\n0 6\n0000000000 65535 f \n{places}{trailer}").into_bytes()
}

/// CRC-32 as ZIP uses it, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}
