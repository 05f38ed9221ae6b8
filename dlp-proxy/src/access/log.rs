//! The file of changes of access: one JSON object a line, appended, never rewritten.
//!
//! It is record and memory in one: who was revoked and not restored since is read from it at the start. A line that cannot
//! be read stops the start, since it may be the one that took somebody's access away; only what follows the last line end,
//! which nobody was told is kept, is taken out.
//!
//! Each line names the digest of the line before it, so that none can be changed, taken out or put in between unseen, and a
//! second file, see [`head`], names the last one. Who may write both can still make all of it anew: copies elsewhere are the
//! protection against that. A file that has
//! grown long is put aside under a number, and a new one begins with a line that names the digest of the last line of the
//! old one, and everybody who is revoked; so the old ones are record alone, and can be moved away.

mod head;

use crate::identity::folded;
use crate::secret_file::shared_mode;
use data_encoding::HEXLOWER;
use head::{End, Head, HeadFile, Known};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Bytes of the file, which is read whole at the start. A change takes about 300.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Bytes after which it is put aside.
const PART_BYTES: u64 = 16 * 1024 * 1024;

/// Why changes of access cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessLogError {
    /// The file cannot be opened, read or written.
    #[error("cannot use the access log {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody other than the owner can read or change the file.
    #[error("the access log {path} has mode {mode:04o}, expected 0600; run: chmod 600 {path}", path = path.display())]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// There is no room for more.
    #[error("the access log {} is full: expected at most {bytes_max} bytes; restore those who are not needed any more", path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// Bytes that it can have.
        bytes_max: u64,
    },
    /// A line is no record.
    #[error("the access log {}, line {line}: expected a change of access, got {message}; nobody can tell who is revoked", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// The file does not end where it ended.
    #[error(
        "the access log {log} does not end as {head} says: {message}; nobody can tell who is revoked. Put both back from one copy; or look through the log, and let it count as it stands: `: > {head}`",
        log = path.display(), head = head.display()
    )]
    End {
        /// The file.
        path: PathBuf,
        /// The file that says where it ends.
        head: PathBuf,
        /// Expected and got.
        message: String,
    },
}

/// What happened to somebody's access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Change {
    /// Taken away by somebody.
    Revoked,
    /// Given back by somebody.
    Restored,
    /// Ended by a date, a file or a token while there were connections.
    Ended,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    record: String,
    time: String,
    change: Change,
    person: String,
    reason: String,
    connections_cut: usize,
    /// Digest of the line before. Lines that were written before there were digests have none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    previous: String,
}

impl Record {
    /// A change of this moment.
    pub(crate) fn new(change: Change, person: &str, reason: &str, connections_cut: usize) -> Self {
        let (record, person, reason) = ("access".into(), person.into(), reason.into());
        Self { record, time: time(), change, person, reason, connections_cut, previous: String::new() }
    }
}

/// How that begins.
const CONTINUATION: &[u8] = b"{\"record\":\"access-continued\",";

/// The first line of a file that goes on where another one ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Continuation {
    record: String,
    time: String,
    /// Number of the file before.
    continues: u32,
    previous: String,
    revoked: BTreeMap<String, String>,
}

fn time() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

/// The open file.
#[derive(Debug)]
pub(crate) struct AccessLog {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines. A write that failed may have left more.
    len_bytes: u64,
    bounds: Bounds,
    told: Told,
    head: HeadFile,
}

/// What the lines of a file say together.
#[derive(Clone, Debug, Default)]
struct Told {
    revoked: BTreeMap<String, String>,
    /// Digest of the last line; empty without lines.
    last: String,
    lines: u64,
    /// Number under which this file will be put aside.
    part: u32,
    /// Bytes of the line that it begins with, when it continues another file.
    first_len: u64,
    /// Whether a line has named the digest of the one before it.
    is_chained: bool,
}

/// How long a file may be.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    file_max: u64,
    part: u64,
}

impl AccessLog {
    /// Opens the file, creating it for its owner alone when there is none, and reads who is revoked.
    pub(super) fn open(path: &Path) -> Result<Self, AccessLogError> {
        Self::open_within(path, Bounds { file_max: FILE_BYTES_MAX, part: PART_BYTES })
    }

    fn open_within(path: &Path, bounds: Bounds) -> Result<Self, AccessLogError> {
        let failed = |source| AccessLogError::Io { path: path.into(), source };
        let file = options().read(true).create(true).open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(failed(io::Error::other("expected a regular file")));
        }
        if metadata.len() > bounds.file_max {
            return Err(AccessLogError::Full { path: path.into(), bytes_max: bounds.file_max });
        }
        if let Some(mode) = shared_mode(&metadata) {
            return Err(AccessLogError::Mode { path: path.into(), mode });
        }
        let mut bytes = Vec::new();
        (&file).take(bounds.file_max).read_to_end(&mut bytes).map_err(failed)?;
        // What follows the last line end may be torn anywhere, inside a character too, and goes with the next append.
        bytes.truncate(bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
        let told =
            Told::by(&bytes).map_err(|(line, message)| AccessLogError::Line { path: path.into(), line, message })?;
        let head = HeadFile::beside(path);
        let known = match head.read().map_err(failed)? {
            Known::Nothing if told.is_old() => {
                tracing::warn!(log = %path.display(), "the access log is from before its end was kept; it counts as it stands");
                Known::Accepted
            }
            known => known,
        };
        if let Err(message) = known.fits(&told.end()) {
            return Err(AccessLogError::End { path: path.into(), head: head.path().into(), message });
        }
        // A change that was under way is decided now.
        head.write(&Head::at(told.end())).map_err(failed)?;
        Ok(Self { path: path.into(), file, len_bytes: bytes.len() as u64, bounds, told, head })
    }

    /// Who is revoked, see [`key_of`], with the reason.
    pub(super) fn revoked(&self) -> &BTreeMap<String, String> {
        &self.told.revoked
    }

    /// Appends a line and waits until it is on the disk.
    pub(super) fn append(&mut self, record: &Record) -> Result<(), AccessLogError> {
        // A file that begins with a long line has room for as much behind it.
        if self.len_bytes >= self.bounds.part.max(2 * self.told.first_len) {
            self.put_aside()?;
        }
        let record = Record { previous: self.told.last.clone(), ..record.clone() };
        let line = self.line(&record)?;
        let len_bytes = self.len_bytes + line.len() as u64;
        // A longer file would stop the next start.
        if len_bytes > self.bounds.file_max {
            return Err(AccessLogError::Full { path: self.path.clone(), bytes_max: self.bounds.file_max });
        }
        let end = End { lines: self.told.lines + 1, last: digest(&line) };
        self.announce(&end)?;
        let written = self.file.set_len(self.len_bytes).and_then(|()| self.file.write_all(&line));
        let written = written.and_then(|()| self.file.sync_data());
        if let Err(error) = written.and_then(|()| self.head.write(&Head::at(end.clone()))) {
            // Whoever asked is told that it is not kept. If this fails too, the next append takes it out.
            let _ = self.file.set_len(self.len_bytes);
            return Err(self.failed(error));
        }
        self.len_bytes = len_bytes;
        self.told.take(&record);
        self.told.go_to(end);
        Ok(())
    }

    /// Says where the log will end, before it does: ended in between, the next start takes it as it was or as it will be.
    fn announce(&self, end: &End) -> Result<(), AccessLogError> {
        self.head.write(&Head::between(self.told.end(), end.clone())).map_err(|error| self.failed(error))
    }

    /// Gives the file its number, and begins a new one. There is a file under the name at any moment: who finds none takes
    /// everybody for admitted.
    fn put_aside(&mut self) -> Result<(), AccessLogError> {
        // Half a line at its end was never told to be kept.
        self.file.set_len(self.len_bytes).map_err(|error| self.failed(error))?;
        let aside = self.path.with_extension(format!("{:06}.jsonl", self.told.part));
        self.link(&aside).map_err(|error| self.failed(error))?;
        let first = Continuation {
            record: "access-continued".into(),
            time: time(),
            continues: self.told.part,
            previous: self.told.last.clone(),
            revoked: self.told.revoked.clone(),
        };
        let line = self.line(&first)?;
        let end = End { lines: 1, last: digest(&line) };
        self.announce(&end)?;
        let new = self.path.with_extension("new");
        let begin = || {
            let mut file = options().create(true).open(&new)?;
            file.set_len(0)?;
            file.write_all(&line)?;
            file.sync_all()?;
            fs::rename(&new, &self.path)?;
            File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
            Ok(file)
        };
        self.file = begin().map_err(|error| self.failed(error))?;
        self.len_bytes = line.len() as u64;
        self.told.first_len = self.len_bytes;
        self.told.go_to(end.clone());
        self.told.part = self.told.part.saturating_add(1);
        self.told.is_chained = true;
        self.head.write(&Head::at(end)).map_err(|error| self.failed(error))
    }

    /// A second name for the file. It has it already when the process ended between the two steps.
    fn link(&self, aside: &Path) -> io::Result<()> {
        match fs::hard_link(&self.path, aside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let is_same = fs::metadata(aside)?.ino() == self.file.metadata()?.ino();
                if is_same { Ok(()) } else { Err(io::Error::other(format!("{} is another file", aside.display()))) }
            }
            linked => linked,
        }
    }

    fn line(&self, record: &impl Serialize) -> Result<Vec<u8>, AccessLogError> {
        let mut line = serde_json::to_vec(record).map_err(|error| self.failed(error.into()))?;
        line.push(b'\n');
        Ok(line)
    }

    fn failed(&self, source: io::Error) -> AccessLogError {
        AccessLogError::Io { path: self.path.clone(), source }
    }
}

/// How every file here is opened for writing.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true).mode(0o600);
    options
}

fn digest(line: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(line))
}

/// What a name is known by here: letters in both cases are one, and white space around it does not count.
pub(super) fn key_of(name: &str) -> String {
    folded(name.trim())
}

impl Told {
    /// What all of these lines say; an error is the line and what is wrong with it.
    fn by(lines: &[u8]) -> Result<Self, (usize, String)> {
        let mut told = Self { part: 1, ..Self::default() };
        for (index, bytes) in lines.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let wrong = |message: String| (index + 1, message);
            match index == 0 && bytes.starts_with(CONTINUATION) {
                true => {
                    told.begin(serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?, bytes.len())
                }
                false => told
                    .follow(serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?)
                    .map_err(wrong)?,
            }
            told.go_to(End { lines: told.lines + 1, last: digest(bytes) });
        }
        Ok(told)
    }

    /// Whether there are lines, all of them from before lines named the ones before them: then nobody kept their end either.
    fn is_old(&self) -> bool {
        self.lines > 0 && !self.is_chained
    }

    fn end(&self) -> End {
        End { lines: self.lines, last: self.last.clone() }
    }

    fn go_to(&mut self, end: End) {
        (self.lines, self.last) = (end.lines, end.last);
    }

    /// The first line of a file that goes on where another one ends.
    fn begin(&mut self, first: Continuation, len: usize) {
        self.part = first.continues.saturating_add(1);
        self.first_len = len as u64;
        self.revoked = first.revoked;
        self.is_chained = true;
    }

    /// A change. Lines without a digest are older than all that have one.
    fn follow(&mut self, record: Record) -> Result<(), String> {
        let is_old = record.previous.is_empty() && !self.is_chained;
        if !is_old && record.previous != self.last {
            return Err("one that does not follow the line before it".to_owned());
        }
        self.is_chained |= !record.previous.is_empty();
        self.take(&record);
        Ok(())
    }

    fn take(&mut self, record: &Record) {
        let person = key_of(&record.person);
        match record.change {
            Change::Revoked => drop(self.revoked.insert(person, record.reason.clone())),
            Change::Restored => drop(self.revoked.remove(&person)),
            Change::Ended => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_was_revoked_stays_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.jsonl");
        let changes =
            [(Change::Revoked, "Anna"), (Change::Revoked, "bob"), (Change::Ended, "carol"), (Change::Restored, "BOB")];
        for (change, person) in changes {
            AccessLog::open(&path).unwrap().append(&Record::new(change, person, "why", 1)).unwrap();
        }
        let names: Vec<String> = AccessLog::open(&path).unwrap().revoked().keys().cloned().collect();
        assert_eq!(names, ["anna"]);
    }

    #[test]
    fn half_a_line_goes_and_a_wrong_one_stops() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.jsonl");
        AccessLog::open(&path).unwrap().append(&Record::new(Change::Revoked, "anna", "", 0)).unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        let head = std::fs::read(path.with_extension("head")).unwrap();
        let torn = "{\"record\":\"access\",\"person\":\"Zoë".as_bytes();
        let bob = serde_json::to_vec(&Record::new(Change::Revoked, "bob", "", 0)).unwrap();
        for tail in [&b"{\"record\":"[..], &torn[..torn.len() - 1], &bob] {
            std::fs::write(&path, [whole.as_bytes(), tail].concat()).unwrap();
            std::fs::write(path.with_extension("head"), &head).unwrap();
            let mut log = AccessLog::open(&path).unwrap();
            assert_eq!(log.revoked().len(), 1, "{tail:?}");
            log.append(&Record::new(Change::Revoked, "carol", "", 0)).unwrap();
            let names: Vec<String> = AccessLog::open(&path).unwrap().revoked().keys().cloned().collect();
            assert_eq!(names, ["anna", "carol"], "{tail:?}");
        }
        std::fs::write(&path, format!("{whole}{{\"record\":\n{whole}")).unwrap();
        let error = AccessLog::open(&path).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(AccessLog::open(&path).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn lines_hang_together() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.jsonl");
        let mut log = AccessLog::open(&path).unwrap();
        for person in ["anna", "bob", "carol"] {
            log.append(&Record::new(Change::Revoked, person, "", 0)).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let old = |person| serde_json::to_string(&Record::new(Change::Revoked, person, "", 0)).unwrap() + "\n";
        let check = |lines: &[&str], expected: Result<usize, &str>| {
            std::fs::write(&path, lines.concat()).unwrap();
            // What the lines say of each other, and not where they end.
            std::fs::write(path.with_extension("head"), "").unwrap();
            let got = AccessLog::open(&path).map(|log| log.revoked().len()).map_err(|error| error.to_string());
            match expected {
                Ok(count) => assert_eq!(got, Ok(count), "{lines:?}"),
                Err(line) => assert!(got.as_ref().unwrap_err().contains(line), "{lines:?}: {got:?}"),
            }
        };
        check(&lines, Ok(3));
        check(&[lines[0], lines[2]], Err("line 2"));
        check(&[lines[1], lines[0], lines[2]], Err("line 1"));
        check(&[lines[0], &lines[1].replace("bob", "bo"), lines[2]], Err("line 3"));
        check(&[&lines.concat(), &old("dan")], Err("line 4"));
        check(&[&old("dan"), &old("eve")], Ok(2));
        // Whoever begins to use digests in an old file goes on with them.
        let old_lines = old("dan");
        std::fs::write(&path, &old_lines).unwrap();
        std::fs::write(path.with_extension("head"), "").unwrap();
        AccessLog::open(&path).unwrap().append(&Record::new(Change::Revoked, "eve", "", 0)).unwrap();
        assert_eq!(AccessLog::open(&path).unwrap().revoked().len(), 2);
        let both = std::fs::read_to_string(&path).unwrap();
        check(&[&both.replacen("dan", "din", 1)], Err("line 2"));
    }

    #[test]
    fn a_log_ends_where_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.jsonl");
        let head = path.with_extension("head");
        let mut log = AccessLog::open(&path).unwrap();
        for person in ["anna", "bob"] {
            log.append(&Record::new(Change::Revoked, person, "", 0)).unwrap();
        }
        let (text, known) = (std::fs::read_to_string(&path).unwrap(), std::fs::read_to_string(&head).unwrap());
        let first = text.split_inclusive('\n').next().unwrap();
        let more = Record { previous: log.told.last.clone(), ..Record::new(Change::Restored, "bob", "", 0) };
        let more = serde_json::to_string(&more).unwrap() + "\n";
        let at = |lines: u64, text: &str| End { lines, last: digest(text.as_bytes()) };
        let last = &text[first.len()..];
        let under_way = serde_json::to_string(&Head::between(at(1, first), at(2, last))).unwrap();
        let rows: [(String, Option<&str>, Option<usize>); 11] = [
            (text.clone(), Some(&known), Some(2)),
            // The end changed, taken out, emptied, and put in.
            (text.replace("bob", "bo"), Some(&known), None),
            (first.to_owned(), Some(&known), None),
            (String::new(), Some(&known), None),
            (format!("{text}{more}"), Some(&known), None),
            // Ended while a line was written: before it was there, and after; and nothing else is taken for that.
            (first.to_owned(), Some(&under_way), Some(1)),
            (text.clone(), Some(&under_way), Some(2)),
            (format!("{text}{more}"), Some(&under_way), None),
            // Without the other file nobody knows; with an empty one somebody has looked.
            (text.clone(), None, None),
            (text.clone(), Some(""), Some(2)),
            (text.clone(), Some("{\"lines\":"), None),
        ];
        for (text, known, expected) in rows {
            std::fs::write(&path, &text).unwrap();
            match known {
                Some(known) => std::fs::write(&head, known).unwrap(),
                None => std::fs::remove_file(&head).unwrap(),
            }
            let opened = AccessLog::open(&path);
            assert_eq!(opened.as_ref().ok().map(|log| log.revoked().len()), expected, "{text} {known:?}");
            if let Err(error) = opened {
                let (error, command) = (error.to_string(), format!("`: > {}`", head.display()));
                assert!(error.contains(&command), "{error}");
            }
        }
        // What was taken as it stands counts from then on.
        std::fs::write(&path, &text).unwrap();
        std::fs::write(&head, "").unwrap();
        AccessLog::open(&path).unwrap();
        std::fs::write(&path, first).unwrap();
        assert!(AccessLog::open(&path).is_err());
    }

    #[test]
    fn a_log_of_an_older_version_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.jsonl");
        let old = |person| serde_json::to_string(&Record::new(Change::Revoked, person, "", 0)).unwrap() + "\n";
        std::fs::write(&path, old("dan") + &old("eve")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(AccessLog::open(&path).unwrap().revoked().len(), 2);
        // From then on its end is kept.
        std::fs::write(&path, old("dan")).unwrap();
        assert!(AccessLog::open(&path).is_err());
    }

    #[test]
    fn a_long_log_is_put_aside_and_nobody_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.jsonl");
        let bounds = Bounds { file_max: 100_000, part: 2_000 };
        let mut log = AccessLog::open_within(&path, bounds).unwrap();
        log.append(&Record::new(Change::Revoked, "anna", "left", 0)).unwrap();
        for turn in 0..40 {
            // Every other one by a process that has just begun.
            if turn % 2 == 0 {
                log = AccessLog::open_within(&path, bounds).unwrap();
            }
            let change = if turn % 3 == 0 { Change::Ended } else { Change::Revoked };
            log.append(&Record::new(change, &format!("p{}", turn % 4), "", 1)).unwrap();
        }
        let mut names: Vec<String> =
            std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert!(names.len() > 3 && names[0] == "access.000001.jsonl", "{names:?}");
        assert!(!names.contains(&"access.new".to_owned()), "{names:?}");
        names.retain(|name| name.ends_with(".jsonl"));
        let revoked: Vec<String> = AccessLog::open_within(&path, bounds).unwrap().revoked().keys().cloned().collect();
        assert_eq!(revoked, ["anna", "p0", "p1", "p2", "p3"]);
        // Each file names the last line of the one before.
        for pair in names.windows(2) {
            let (before, after) = (folder.path().join(&pair[0]), folder.path().join(&pair[1]));
            let before = std::fs::read_to_string(before).unwrap();
            let last = before.split_inclusive('\n').next_back().unwrap();
            let after = std::fs::read_to_string(after).unwrap();
            assert!(after.lines().next().unwrap().contains(&digest(last.as_bytes())), "{pair:?}");
        }
        // Ended between the two steps: the number is taken already, by the same file.
        let log = AccessLog::open_within(&path, bounds).unwrap();
        std::fs::hard_link(&path, path.with_extension(format!("{:06}.jsonl", log.told.part))).unwrap();
        let mut log = AccessLog::open_within(&path, Bounds { part: 1, ..bounds }).unwrap();
        while log.told.first_len != log.len_bytes {
            log.put_aside().unwrap();
        }
        assert_eq!(AccessLog::open_within(&path, bounds).unwrap().revoked().len(), 5);
    }

    #[test]
    fn a_full_log_takes_no_more_and_opens_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.jsonl");
        let record = Record::new(Change::Revoked, "anna", "", 0);
        let mut log = AccessLog::open(&path).unwrap();
        log.append(&record).unwrap();
        log.append(&record).unwrap();
        let bounds = Bounds { file_max: log.len_bytes, part: u64::MAX };
        let mut log = AccessLog::open_within(&path, bounds).unwrap();
        assert!(log.append(&record).unwrap_err().to_string().contains("is full"));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), bounds.file_max);
        assert_eq!(AccessLog::open_within(&path, bounds).unwrap().revoked().len(), 1);
        let error =
            AccessLog::open_within(&path, Bounds { file_max: bounds.file_max - 1, ..bounds }).unwrap_err().to_string();
        assert!(error.contains("is full"), "{error}");
    }
}
