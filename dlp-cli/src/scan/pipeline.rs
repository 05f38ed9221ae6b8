//! Many files at once, reported in the order in which they were found, within bounds.
//!
//! A ticket is taken for each file when it is found and given back when it is reported. So a file that takes an hour
//! holds up at most [`IN_FLIGHT_MAX`] others that wait behind it in memory, and the walk stops until it is done.

use super::content::{Content, Memory};
use super::examine::{Examiner, FileReport, Subject, TEXT_BYTES_MAX, Workspace};
use super::handback::{Giver, Taker, handback};
use super::stop::{Signals, Watch};
use super::walk::{Found, Named, Roots};
use crate::error::CliError;
use crate::output::Reporter;
use crate::say;
use crossbeam_channel::{Receiver, Sender, bounded};
use dlp_core::base::{Cancel, Problem, ProblemClass};
use dlp_core::content::Input;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _, Seek as _};
use std::time::Duration;

/// Files between being found and being reported.
const IN_FLIGHT_MAX: usize = 512;
/// How often signals and deadlines are looked at while nothing arrives.
const TICK: Duration = Duration::from_millis(50);

/// What all workers share.
pub(crate) struct Work<'a> {
    /// Reads files.
    pub(crate) examiner: Examiner<'a>,
    /// Files over this size are not read.
    pub(crate) file_bytes_max: Option<u64>,
    /// Threads.
    pub(crate) workers: usize,
    /// The report that is being written and other files of our own, which are not to be read.
    pub(crate) own: Vec<FileId>,
}

/// A file's identity, whatever its name is.
pub(crate) type FileId = (u64, u64);

/// Scans everything below the roots.
pub(crate) fn run(work: &Work<'_>, roots: &Roots, reporter: &mut Reporter<'_>) -> Result<(), CliError> {
    // A read from a terminal cannot be called back, so a signal ends such a scan in the way the system does it.
    let signals = if roots.has_stdin() { Signals::default() } else { Signals::listen()? };
    let watch = Watch::new(work.workers, work.examiner.time_max());
    let (tickets_in, tickets_out) = bounded::<()>(IN_FLIGHT_MAX);
    let (jobs_in, jobs_out) = bounded::<(u64, Found)>(IN_FLIGHT_MAX);
    let (giver, taker) = handback(IN_FLIGHT_MAX);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(work.workers)
        .thread_name(|worker| format!("scan-{worker}"))
        .build()
        .map_err(CliError::Threads)?;
    std::thread::scope(|threads| {
        threads.spawn(move || walk(roots, &tickets_in, &jobs_in));
        pool.in_place_scope(|scope| {
            for worker in 0..work.workers {
                let (jobs, giver, watch) = (jobs_out.clone(), giver.clone(), &watch);
                scope.spawn(move |_| work.serve(&jobs, &giver, (worker, watch)));
            }
            drop((jobs_out, giver));
            let result = report_in_order(&taker, &tickets_out, (&signals, &watch), reporter);
            if result.is_err() {
                watch.stop_all();
            }
            drop((tickets_out, taker));
            result
        })
    })
}

fn walk(roots: &Roots, tickets: &Sender<()>, jobs: &Sender<(u64, Found)>) {
    let mut number = 0;
    roots.each(&mut |found| {
        tickets.send(()).ok()?;
        jobs.send((number, found)).ok()?;
        number += 1;
        Some(())
    });
}

fn report_in_order(
    taker: &Taker,
    tickets: &Receiver<()>,
    (signals, watch): (&Signals, &Watch),
    reporter: &mut Reporter<'_>,
) -> Result<(), CliError> {
    let progress = progress();
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    loop {
        let goes_on = taker.take(TICK, &mut |number, report| drop(waiting.insert(number, report)));
        signals.check()?;
        watch.tick();
        while let Some(report) = waiting.remove(&next) {
            next += 1;
            tickets.recv().expect("a ticket was taken for every file");
            progress.inc(u64::from(report.is_file));
            if report.shows() {
                progress.suspend(|| report_file(reporter, report))?;
            } else {
                count(reporter, &report);
            }
        }
        if !goes_on {
            return Ok(());
        }
    }
}

fn count(reporter: &mut Reporter<'_>, report: &FileReport) {
    reporter.tally.files += u64::from(report.is_file);
    reporter.tally.bytes += report.bytes;
    reporter.tally.parts += report.parts;
    reporter.tally.links += u64::from(report.is_link);
    reporter.tally.findings.below_threshold += report.below_threshold;
}

/// Reports what one file gave.
pub(crate) fn report_file(reporter: &mut Reporter<'_>, report: FileReport) -> Result<(), CliError> {
    count(reporter, &report);
    report.in_path.into_iter().try_for_each(|finding| reporter.finding_in_path(finding))?;
    report.findings.into_iter().try_for_each(|finding| reporter.finding(finding))?;
    report.problems.into_iter().try_for_each(|problem| reporter.problem(problem))?;
    report.notes.iter().for_each(|note| say(note));
    reporter.end_of_file()
}

/// On standard error, and only when that is a terminal.
fn progress() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} files: {pos}, {elapsed}").expect("the template is valid");
    ProgressBar::new_spinner().with_style(style)
}

impl Work<'_> {
    fn serve(&self, jobs: &Receiver<(u64, Found)>, giver: &Giver, (worker, watch): (usize, &Watch)) {
        let (mut workspace, mut memory) = (Workspace::default(), Memory::default());
        for (number, found) in jobs {
            let cancel = watch.start(worker);
            let report = match found {
                Found::File(named) => self.file(&mut workspace, &mut memory, &named, &cancel),
                Found::Stdin(named) => self.stdin(&mut workspace, &named, &cancel),
                Found::Link => FileReport { is_link: true, ..FileReport::default() },
                Found::Trouble(trouble) => {
                    let (named, problem) = *trouble;
                    self.examiner.trouble(&mut workspace, named.subject(), problem)
                }
            };
            watch.end(worker);
            if giver.give(number, report, jobs.is_empty()).is_none() {
                return;
            }
        }
    }

    fn file(&self, workspace: &mut Workspace, memory: &mut Memory, named: &Named, cancel: &Cancel) -> FileReport {
        let (mut file, metadata) = match open(named) {
            Ok(opened) => opened,
            Err(problem) => return self.trouble(workspace, named, problem),
        };
        if id_of(&metadata).is_some_and(|id| self.own.contains(&id)) {
            return FileReport::default();
        }
        if let Some(max) = self.file_bytes_max.filter(|max| metadata.len() > *max) {
            let message = format!("the file has {} bytes, more than --max-file-size allows", metadata.len());
            return self.trouble(workspace, named, Problem::limit("max_file_size", max, message));
        }
        let mut content = match Content::of(memory, &mut file, metadata.len()) {
            Ok(content) => content,
            Err(error) => return self.trouble(workspace, named, unreadable(error)),
        };
        let mut report = self.examiner.examine(workspace, named.subject(), (content.input(), cancel), &|_| true);
        report.bytes = metadata.len();
        if self.examiner.wants_text() && !report.findings.is_empty() && metadata.len() <= TEXT_BYTES_MAX {
            self.add_text(&mut report, &named.shown.text, content);
        }
        report
    }

    /// A file that cannot be read again keeps its findings; marks and line hashes are missing.
    fn add_text(&self, report: &mut FileReport, name: &str, content: Content<'_>) {
        match content {
            Content::Whole(text) => self.examiner.add_text(report, name, text),
            Content::Pieces(file) => {
                if let Ok(text) = read_again(file) {
                    self.examiner.add_text(report, name, &text);
                }
            }
        }
    }

    /// A file that is not read counts as a file all the same.
    fn trouble(&self, workspace: &mut Workspace, named: &Named, problem: Problem) -> FileReport {
        FileReport { is_file: true, ..self.examiner.trouble(workspace, named.subject(), problem) }
    }

    fn stdin(&self, workspace: &mut Workspace, named: &Named, cancel: &Cancel) -> FileReport {
        let kept = self.examiner.wants_text().then(Vec::new);
        let mut input = Counted { inner: io::stdin().lock(), bytes: 0, kept };
        let stream = Input::Stream(&mut input);
        let mut report = self.examiner.examine(workspace, named.subject(), (stream, cancel), &|_| true);
        report.bytes = input.bytes;
        if let Some(text) = input.kept.filter(|_| !report.findings.is_empty()) {
            self.examiner.add_text(&mut report, &named.shown.text, &text);
        }
        report
    }
}

impl Named {
    fn subject(&self) -> Subject<'_> {
        Subject { path: &self.shown, path_raw: &self.raw, git: None, reports_path: true }
    }
}

/// Counts what is read, because a stream has no size, and keeps it while it is not too much, because a stream is not
/// read again.
struct Counted<R> {
    inner: R,
    bytes: u64,
    kept: Option<Vec<u8>>,
}

impl<R: io::Read> io::Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes += read as u64;
        self.kept = self.kept.take().filter(|_| self.bytes <= TEXT_BYTES_MAX);
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(&buffer[..read]);
        }
        Ok(read)
    }
}

fn open(named: &Named) -> Result<(File, Metadata), Problem> {
    let file = open_options(named.follow).open(&named.open).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_file() {
        return Ok((file, metadata));
    }
    Err(Problem::new(ProblemClass::Unreadable, "changed", "it was a file when it was found and is none now"))
}

fn unreadable(error: io::Error) -> Problem {
    Problem::new(ProblemClass::Unreadable, "open", format!("the file cannot be read: {}", error.kind()))
}

/// Between the walk and the opening, a file may have become a link or a pipe: neither is followed or waited for.
#[cfg(unix)]
fn open_options(follow: bool) -> OpenOptions {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt as _;
    let link = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    let mut options = OpenOptions::new();
    options.read(true).custom_flags((OFlags::NONBLOCK | link).bits() as i32);
    options
}

#[cfg(not(unix))]
fn open_options(_follow: bool) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    options
}

/// Device and number of the file on it.
#[cfg(unix)]
pub(crate) fn id_of(metadata: &Metadata) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
pub(crate) fn id_of(_metadata: &Metadata) -> Option<FileId> {
    None
}

fn read_again(file: &mut File) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    file.rewind()?;
    file.take(TEXT_BYTES_MAX).read_to_end(&mut text)?;
    Ok(text)
}
