//! A line of JSON for each request and each tunnel that was not opened: who, where to, what was decided, how it ended.
//!
//! It says nothing of what was sent: no path, no query, no field, no body. Lines are written by a thread of their own, which
//! requests never wait for; when it does not keep up, lines are lost and counted. The file is opened anew when the
//! configuration is read again, so that whoever rotates logs can move it away first.

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use dlp_core::decision::{Action, Activity, Zone};
use prometheus_client::metrics::counter::Counter;
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Lines that may wait.
const WAITING_MAX: usize = 4096;

/// One line.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Entry {
    /// When the request was answered, or the tunnel ended (RFC 3339).
    pub(crate) time: String,
    /// Address of the client.
    pub(crate) client: Option<IpAddr>,
    /// Who it is, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    /// Method of the request.
    pub(crate) method: String,
    /// Host that it was for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) host: String,
    /// Application of the catalogue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) app: Option<String>,
    /// What it does there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) activity: Option<Activity>,
    /// Whose account it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) zone: Option<Zone>,
    /// What was decided; absent when it did not come to that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decision: Option<Action>,
    /// The rule that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rule: Option<String>,
    /// Status of the answer; none for a tunnel that was not opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// Why the gateway answered in place of the origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// Bytes of a tunnel that was not opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<u64>,
    /// Time until the head of the answer, or the end of the tunnel.
    pub(crate) duration_ms: u64,
}

/// Where lines go.
#[derive(Debug)]
pub(crate) struct RequestLog {
    work: Option<Sender<Work>>,
    lost: Counter,
}

#[derive(Debug)]
enum Work {
    Line(Box<Entry>),
    OpenAnew,
}

impl RequestLog {
    /// Opens the file; without one nothing is written.
    pub(crate) fn open(path: Option<&Path>, lost: Counter) -> io::Result<Self> {
        let Some(path) = path else { return Ok(Self { work: None, lost }) };
        let file = append(path)?;
        let (work, waiting) = bounded(WAITING_MAX);
        let (path, lost_too) = (path.to_owned(), lost.clone());
        std::thread::Builder::new()
            .name("request-log".into())
            .spawn(move || write_all(&waiting, (path, file), &lost_too))?;
        Ok(Self { work: Some(work), lost })
    }

    /// Whether anybody reads what is written.
    pub(crate) fn is_kept(&self) -> bool {
        self.work.is_some()
    }

    /// Writes a line, if there is room for it.
    pub(crate) fn write(&self, entry: Entry) {
        let entry = Entry { time: format!("{:.3}", jiff::Timestamp::now()), ..entry };
        self.send(Work::Line(Box::new(entry)));
    }

    /// Goes on in a new file when the old one was moved away.
    pub(crate) fn open_anew(&self) {
        self.send(Work::OpenAnew);
    }

    fn send(&self, work: Work) {
        let Some(sender) = &self.work else { return };
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = sender.try_send(work) {
            self.lost.inc();
        }
    }
}

/// Writes until nobody sends any more. Lines are on their way to the system whenever none waits.
fn write_all(waiting: &Receiver<Work>, (path, file): (PathBuf, File), lost: &Counter) {
    let mut out = BufWriter::new(file);
    while let Ok(work) = waiting.recv() {
        let done = match work {
            Work::Line(entry) => line(&entry).and_then(|line| out.write_all(&line)),
            Work::OpenAnew => out.flush().and_then(|()| append(&path)).map(|file| out = BufWriter::new(file)),
        };
        let flushed = if waiting.is_empty() { out.flush() } else { Ok(()) };
        if let Err(error) = done.and(flushed) {
            lost.inc();
            tracing::error!(%error, log = %path.display(), "the log of requests could not be written");
        }
    }
}

fn line(entry: &Entry) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    Ok(line)
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}
