//! A line of JSON for each request and each tunnel that was not opened: who, where to, what was decided, how it ended.
//!
//! It says nothing of what was sent: no path, no query, no field, no body. Lines are written by a thread of their own, which
//! requests never wait for; when it does not keep up, lines are lost and counted. The file is opened anew when the
//! configuration is read again, so that whoever rotates logs can move it away first: that is a flag and no message, so that a
//! full queue does not lose it. When the gateway ends, what waits is written first.

use crossbeam_channel::{Receiver, Sender, bounded};
use dlp_core::decision::{Action, Activity, Zone};
use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Lines that may wait.
const WAITING_MAX: usize = 4096;
/// Time for lines that wait when the gateway ends. A disk that takes longer does not hold it up.
const CLOSING_MAX: Duration = Duration::from_secs(5);

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
    /// Part of it in which the gateway waited for the client or the origin.
    #[serde(skip)]
    pub(crate) waited: Duration,
}

/// Where lines go.
#[derive(Debug)]
pub(crate) struct RequestLog {
    queue: Option<Queue>,
    lost: Counter,
    now: fn() -> Timestamp,
}

/// The way to the thread that writes.
#[derive(Debug)]
struct Queue {
    /// None when the log is closed.
    work: Mutex<Option<Sender<Work>>>,
    waiting: Receiver<Work>,
    is_to_open_anew: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
}

#[derive(Debug)]
enum Work {
    Line(Box<Entry>),
    /// Look at the flag.
    Wake,
}

impl RequestLog {
    /// Opens the file; without one nothing is written. `now` is the clock of the lines.
    pub(crate) fn open(path: Option<&Path>, lost: Counter, now: fn() -> Timestamp) -> io::Result<Self> {
        let Some(path) = path else { return Ok(Self { queue: None, lost, now }) };
        let (queue, writer) = queue(path, WAITING_MAX, lost.clone())?;
        let thread = std::thread::Builder::new().name("request-log".into()).spawn(|| writer.write_all())?;
        *queue.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(Self { queue: Some(queue), lost, now })
    }

    /// Whether anybody reads what is written.
    pub(crate) fn is_kept(&self) -> bool {
        self.queue.is_some()
    }

    /// Writes a line, if there is room for it.
    pub(crate) fn write(&self, entry: Entry) {
        let Some(queue) = &self.queue else { return };
        let entry = Entry { time: format!("{:.3}", (self.now)()), ..entry };
        if !queue.send(Work::Line(Box::new(entry))) {
            self.lost.inc();
        }
    }

    /// Goes on in a new file when the old one was moved away.
    pub(crate) fn open_anew(&self) {
        let Some(queue) = &self.queue else { return };
        queue.is_to_open_anew.store(true, Ordering::Release);
        // There is no room when the thread has lines to write, and it looks at the flag before each of them.
        queue.send(Work::Wake);
    }

    /// Waits until the lines that wait are written. Later ones are lost and counted.
    pub(crate) fn close(&self) {
        let Some(queue) = &self.queue else { return };
        drop(queue.work.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = queue.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        if queue.ended.recv_timeout(CLOSING_MAX).is_err_and(|error| error.is_timeout()) {
            let lines = queue.waiting.len();
            self.lost.inc_by(u64::try_from(lines).unwrap_or(u64::MAX));
            tracing::error!(lines, "the log of requests could not be written to its end");
        } else if thread.join().is_err() {
            tracing::error!("the log of requests ended early");
        }
    }
}

impl Queue {
    /// Whether there was room.
    fn send(&self, work: Work) -> bool {
        let sender = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        sender.as_ref().is_some_and(|sender| sender.try_send(work).is_ok())
    }
}

/// What the thread works with.
struct Writer {
    waiting: Receiver<Work>,
    is_to_open_anew: Arc<AtomicBool>,
    path: PathBuf,
    out: BufWriter<File>,
    lost: Counter,
    /// Dropped at the end.
    _alive: Sender<()>,
}

/// Both ends of a queue of so many lines.
fn queue(path: &Path, waiting_max: usize, lost: Counter) -> io::Result<(Queue, Writer)> {
    let out = BufWriter::new(append(path)?);
    let (work, waiting) = bounded(waiting_max);
    let (alive, ended) = bounded(0);
    let is_to_open_anew = Arc::new(AtomicBool::new(false));
    let writer = Writer {
        waiting: waiting.clone(),
        is_to_open_anew: is_to_open_anew.clone(),
        path: path.to_owned(),
        out,
        lost,
        _alive: alive,
    };
    let (work, thread) = (Mutex::new(Some(work)), Mutex::new(None));
    Ok((Queue { work, waiting, is_to_open_anew, thread, ended }, writer))
}

impl Writer {
    /// Writes until nobody sends any more. Lines are on their way to the system whenever none waits.
    fn write_all(mut self) {
        while let Ok(work) = self.waiting.recv() {
            if self.is_to_open_anew.swap(false, Ordering::Acquire)
                && let Err(error) = self.open_anew()
            {
                tracing::error!(%error, log = %self.path.display(), "the log of requests could not be opened anew; it goes on in the old file");
            }
            let done = match work {
                Work::Line(entry) => line(&entry).and_then(|line| self.out.write_all(&line)),
                Work::Wake => Ok(()),
            };
            let flushed = if self.waiting.is_empty() { self.out.flush() } else { Ok(()) };
            if let Err(error) = done.and(flushed) {
                self.lost.inc();
                tracing::error!(%error, log = %self.path.display(), "the log of requests could not be written");
            }
        }
    }

    fn open_anew(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.out = BufWriter::new(append(&self.path)?);
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn epoch() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn entry(host: usize) -> Entry {
        Entry { host: host.to_string(), ..Entry::default() }
    }

    /// What stands in a log, as times and hosts.
    fn lines(path: &Path) -> Vec<(String, String)> {
        let text = fs::read_to_string(path).unwrap();
        let values = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let shown = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        values.map(|value| (shown(&value["time"]), shown(&value["host"]))).collect()
    }

    #[test]
    fn closing_waits_for_every_line_and_counts_later_ones() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let lost = Counter::default();
        let log = RequestLog::open(Some(&path), lost.clone(), epoch).unwrap();
        (0..1_000).for_each(|host| log.write(entry(host)));
        log.close();
        log.write(entry(1_000));
        log.close();
        let expected = (0..1_000).map(|host| ("1970-01-01T00:00:00.000Z".to_owned(), host.to_string()));
        assert_eq!((lines(&path), lost.get()), (expected.collect(), 1));
    }

    #[test]
    fn a_full_queue_loses_lines_but_not_the_new_file() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("log"), dir.path().join("log.1"));
        let lost = Counter::default();
        let (queue, writer) = queue(&path, 2, lost.clone()).unwrap();
        let log = RequestLog { queue: Some(queue), lost: lost.clone(), now: epoch };
        (0..3).for_each(|host| log.write(entry(host)));
        fs::rename(&path, &moved).unwrap();
        log.open_anew();
        // Nobody writes yet; this only ends the queue.
        log.close();
        writer.write_all();
        assert_eq!((lines(&moved).len(), lines(&path).len(), lost.get()), (0, 2, 1));
    }

    #[test]
    fn an_idle_log_opens_anew_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("log"), dir.path().join("log.1"));
        let log = RequestLog::open(Some(&path), Counter::default(), epoch).unwrap();
        fs::rename(&path, &moved).unwrap();
        log.open_anew();
        log.close();
        assert!(path.exists() && lines(&moved).is_empty());
    }
}
