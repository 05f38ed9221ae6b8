//! The parent's side of the work: gives documents to workers, checks what comes back, and continues after a crash.
//!
//! A crash, a hang or a lack of memory costs a page, not the document: the next worker takes the page that killed its
//! predecessor with a simpler reading and goes on behind it. After [`WORKERS_PER_DOCUMENT_MAX`] workers, the last of
//! which reads nothing but bytes, the document is given up with what was found.

use crate::ending;
use crate::level::SandboxLevel;
use crate::ocr::Tesseract;
use crate::pool::Pool;
use crate::process::{Exchange, Silence, Worker, WorkerCommand};
use crate::trouble::{Trouble, output_limit};
use crate::wire::{
    Attempt, Bounds, Format, Frame, Job, NAME_BYTES_MAX, PICTURES_MAX, PIECE_BYTES_MAX, Request, Start, TEXT_BYTES_MAX,
    WirePart, encode,
};
use dlp_core::base::{HANDED_OUT_BYTES_FREE, Limits, Problem, ProblemClass};
use dlp_core::content::{
    FileContent, Flow, Join, Kind, Origin, Outcome, Part, PictureReader, Place, RiskyFrame, RiskyParser, Role, Segment,
};
use std::borrow::Cow;
use std::io::{self, Read};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// Workers that one document may cost.
const WORKERS_PER_DOCUMENT_MAX: u32 = 4;
/// A worker that waited may have died meanwhile, for example when memory was short; so often another one is taken.
const FRESH_WORKERS_MAX: u32 = 3;
/// Time in which an idle worker must have confined itself.
const BEGIN_WALL_MAX: Duration = Duration::from_secs(10);
/// Problems that a worker may report for one document; an honest one has a few for each bad page.
const TROUBLES_MAX: u32 = 10_000;

/// Runs risky parsers in sandboxed worker processes, one document each.
///
/// Workers are started with the first document. Dropping the parser ends those that wait.
#[derive(Debug)]
pub struct SandboxedParser {
    command: WorkerCommand,
    required: SandboxLevel,
    spares: usize,
    pool: OnceLock<Option<Pool>>,
    reached: AtomicU8,
    tesseract: Option<Tesseract>,
}

/// What the self-test found about one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The system refused, and the worker went on.
    Refused,
    /// The system ended the worker.
    Killed,
    /// The attempt came through: the sandbox has a hole.
    Allowed,
}

impl SandboxedParser {
    /// A parser whose workers are started by this command.
    #[must_use]
    pub fn new(command: WorkerCommand) -> Self {
        Self {
            command,
            required: SandboxLevel::None,
            spares: 1,
            pool: OnceLock::new(),
            reached: AtomicU8::new(LEVEL_UNKNOWN),
            tesseract: None,
        }
    }

    /// A parser whose workers are the running executable, see [`run_worker_if_asked`](crate::run_worker_if_asked).
    ///
    /// # Errors
    /// The system does not tell the path of the running executable.
    pub fn current_exe() -> io::Result<Self> {
        Ok(Self::new(WorkerCommand::current_exe()?))
    }

    /// Refuses to read documents in a sandbox weaker than this. The default accepts any.
    #[must_use]
    pub fn require(mut self, level: SandboxLevel) -> Self {
        self.required = level;
        self
    }

    /// Recognises the text of pictures, too.
    #[must_use]
    pub fn with_ocr(mut self, tesseract: Tesseract) -> Self {
        self.tesseract = Some(tesseract);
        self
    }

    /// How many workers wait ahead of the documents; one more is always in the making. The default is 1.
    #[must_use]
    pub fn spares(mut self, count: usize) -> Self {
        self.spares = count;
        self
    }

    /// The confinement that the latest worker reached; nothing before the first.
    #[must_use]
    pub fn level(&self) -> Option<SandboxLevel> {
        level_of(self.reached.load(Ordering::Relaxed))
    }

    /// Starts a worker, asks for its confinement and ends it; for health reports at start.
    ///
    /// # Errors
    /// No worker can be started, or it does not answer.
    pub fn probe(&self) -> io::Result<SandboxLevel> {
        let bounds = Bounds::of(&Limits::inline());
        let request = Request { bounds, job: Job::Pdf { document_bytes: 0, start: Start::BytesOnly, pictures: false } };
        self.begin(&request, Instant::now() + BEGIN_WALL_MAX).map(|(_, level)| level)
    }

    /// Lets a worker attempt each thing that its sandbox must refuse, one process for each.
    ///
    /// # Errors
    /// No worker can be started, or it does not answer.
    pub fn self_test(&self) -> io::Result<Vec<(Attempt, Denial)>> {
        Attempt::ALL.into_iter().map(|attempt| Ok((attempt, self.attempt(attempt)?))).collect()
    }

    fn attempt(&self, attempt: Attempt) -> io::Result<Denial> {
        let bounds = Bounds::of(&Limits::inline());
        let deadline = Instant::now() + BEGIN_WALL_MAX;
        let (mut worker, _) = self.begin(&Request { bounds, job: Job::Attempt(attempt) }, deadline)?;
        let mut exchange = Exchange { outgoing: &[], deadline, frame_bytes_max: bounds.frame_bytes_max() };
        match worker.next_frame(&mut exchange).map(postcard::from_bytes::<Frame<'_>>) {
            Ok(Ok(Frame::Attempted(true))) => Ok(Denial::Allowed),
            Ok(Ok(Frame::Attempted(false))) => Ok(Denial::Refused),
            Err(Silence::Closed) => Ok(Denial::Killed),
            _ => Err(io::Error::other("the worker did not answer the self-test")),
        }
    }

    /// A worker that has taken the request and reported its confinement.
    fn begin(&self, request: &Request, deadline: Instant) -> io::Result<(Worker, SandboxLevel)> {
        let message = encode(request).map_err(io::Error::other)?;
        for _ in 0..FRESH_WORKERS_MAX {
            let mut worker = self.fresh_worker()?;
            let frame_bytes_max = request.bounds.frame_bytes_max();
            let mut exchange = Exchange { outgoing: &message, deadline, frame_bytes_max };
            let first = worker.next_frame(&mut exchange).map(postcard::from_bytes::<Frame<'_>>);
            if let Ok(Ok(Frame::Begin(level))) = first {
                self.reached.store(level as u8, Ordering::Relaxed);
                return Ok((worker, level));
            }
        }
        Err(io::Error::other("no worker reported for duty"))
    }

    fn fresh_worker(&self) -> io::Result<Worker> {
        let pool = self.pool.get_or_init(|| Pool::start(self.command.clone(), self.spares).ok());
        pool.as_ref().ok_or_else(|| io::Error::other("no thread to start workers"))?.take()
    }
}

/// Marks that no worker has reported yet.
const LEVEL_UNKNOWN: u8 = u8::MAX;

fn level_of(stored: u8) -> Option<SandboxLevel> {
    SandboxLevel::of_number(stored)
}

impl RiskyParser for SandboxedParser {
    fn supports(&self, kind: Kind) -> bool {
        kind == Kind::Pdf || format_of(kind).is_some()
    }

    fn parse(
        &self,
        kind: Kind,
        document: &[u8],
        limits: &Limits,
        each: &mut dyn FnMut(RiskyFrame<'_>) -> Flow,
    ) -> Outcome {
        let document_bytes = document.len() as u64;
        let limits = &of_document(limits, document_bytes);
        let mut reading = Reading::new(limits, each);
        if let Some(format) = format_of(kind) {
            let end = self.read_once(document, Job::Archive { document_bytes, format }, &mut reading);
            reading.conclude(end);
            return reading.outcome;
        }
        if !self.supports(kind) {
            let message = format!("There is no sandboxed parser for {}.", kind.as_str());
            reading.problem(Problem::new(ProblemClass::Unsupported, "no_parser", message));
            return reading.outcome;
        }
        let pictures = self.tesseract.is_some();
        let mut start = Start::Beginning;
        for worker in 1..=WORKERS_PER_DOCUMENT_MAX {
            let end = self.read_once(document, Job::Pdf { document_bytes, start, pictures }, &mut reading);
            let last = worker + 1 >= WORKERS_PER_DOCUMENT_MAX;
            let again = reading.conclude(end);
            match next_start(start, reading.stage, last) {
                Some(next) if again => start = next,
                _ => break,
            }
        }
        reading.outcome
    }

    fn pictures(&self) -> Option<&dyn PictureReader> {
        self.tesseract.is_some().then_some(self)
    }
}

impl PictureReader for SandboxedParser {
    fn read(&self, picture: &[u8], limits: &Limits) -> Result<String, Problem> {
        match &self.tesseract {
            Some(tesseract) => tesseract.read(&self.command, self.required, picture, limits),
            None => Ok(String::new()),
        }
    }
}

/// Bounds for a document of this length: pages that share a description would give any amount of text.
fn of_document(limits: &Limits, document_bytes: u64) -> Limits {
    let honest = limits.ratio_max.saturating_mul(document_bytes).max(HANDED_OUT_BYTES_FREE);
    Limits { worker_output_max: limits.worker_output_max.min(honest), ..limits.clone() }
}

/// The archives that workers unpack. One is read by one worker: where its engine dies, the rest cannot be reached.
fn format_of(kind: Kind) -> Option<Format> {
    Some(match kind {
        Kind::SevenZip => Format::SevenZip,
        Kind::Rar => Format::Rar,
        Kind::Cabinet => Format::Cabinet,
        _ => return None,
    })
}

/// How far a worker has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It loads the document and reads what is not on pages.
    Document,
    /// It reads this page.
    Page(u32),
    /// It scans the bytes.
    Bytes,
}

/// Where the next worker starts after one has died; nowhere when the simplest reading has failed.
fn next_start(before: Start, stage: Stage, last: bool) -> Option<Start> {
    match (before, stage) {
        (_, Stage::Bytes) => None,
        (_, Stage::Document) => Some(Start::BytesOnly),
        _ if last => Some(Start::BytesOnly),
        // The simple reading of a page died as well: skip the page.
        (Start::Page(first), Stage::Page(page)) if first == page => Some(Start::Page(page.saturating_add(1))),
        (_, Stage::Page(page)) => Some(Start::Page(page)),
    }
}

/// How one worker's work ended.
enum End {
    /// Everything was said.
    Finished,
    /// The caller wants no more.
    Stopped,
    /// No worker could be had; another try would not help.
    Unavailable(Problem),
    /// A bound that holds for all workers of the document together was reached.
    Exhausted(Problem),
    /// The worker died; another one may go on.
    Died(Problem),
}

impl SandboxedParser {
    fn read_once(&self, document: &[u8], job: Job, reading: &mut Reading<'_>) -> End {
        reading.stage = Stage::Document;
        let bounds = Bounds::of(reading.limits);
        let (mut worker, level) = match self.begin(&Request { bounds, job }, reading.deadline) {
            Ok(begun) => begun,
            Err(error) => return End::Unavailable(no_worker(&error)),
        };
        if level < self.required {
            return End::Unavailable(weak_sandbox(level, self.required));
        }
        let frame_bytes_max = bounds.frame_bytes_max();
        let mut exchange = Exchange { outgoing: document, deadline: reading.deadline, frame_bytes_max };
        loop {
            let end = match worker.next_frame(&mut exchange) {
                Ok(bytes) => match opened(bytes) {
                    Some(name) => match reading.take_file(&name, &mut worker, &mut exchange) {
                        Ok(end) => end,
                        Err(Died) => return reading.autopsy(worker),
                    },
                    None => reading.take(bytes),
                },
                Err(Silence::Deadline) => Some(End::Exhausted(ending::wall_time(reading.limits))),
                Err(Silence::Oversized) => Some(End::Exhausted(lying_worker())),
                Err(Silence::Closed) => return reading.autopsy(worker),
            };
            if let Some(end) = end {
                return end;
            }
            exchange.deadline = reading.deadline;
        }
    }
}

/// The worker closed its output in the middle of a file.
struct Died;

/// The name of the file that a frame begins.
fn opened(bytes: &[u8]) -> Option<String> {
    match postcard::from_bytes::<Frame<'_>>(bytes) {
        Ok(Frame::Open { name }) => Some(name.to_owned()),
        _ => None,
    }
}

fn no_worker(error: &io::Error) -> Problem {
    Problem::new(ProblemClass::Unreadable, "no_worker", format!("No parser process could be started: {error}."))
}

fn weak_sandbox(reached: SandboxLevel, required: SandboxLevel) -> Problem {
    let message =
        format!("The system grants a sandbox of level {reached}, {required} is required; nothing was parsed.");
    Problem::new(ProblemClass::Unreadable, "sandbox_unavailable", message)
}

fn lying_worker() -> Problem {
    Problem::new(
        ProblemClass::ParserPanic,
        "worker_protocol",
        "The parser process sent what no honest one sends, and was stopped.",
    )
}

/// One document on its way through one or several workers.
struct Reading<'a> {
    limits: &'a Limits,
    each: &'a mut dyn FnMut(RiskyFrame<'_>) -> Flow,
    outcome: Outcome,
    deadline: Instant,
    stage: Stage,
    text_bytes: u64,
    child_bytes: u64,
    troubles: u32,
    pictures: u32,
}

impl<'a> Reading<'a> {
    fn new(limits: &'a Limits, each: &'a mut dyn FnMut(RiskyFrame<'_>) -> Flow) -> Self {
        Self {
            limits,
            each,
            outcome: Outcome::COMPLETE,
            deadline: Instant::now() + limits.worker_wall_max,
            stage: Stage::Document,
            text_bytes: 0,
            child_bytes: 0,
            troubles: 0,
            pictures: 0,
        }
    }

    fn problem(&mut self, problem: Problem) {
        self.outcome = self.outcome.worse(Outcome::of(&problem));
        // A caller that wants no more says so with the next frame as well.
        let _ = self.give(RiskyFrame::Problem(problem));
    }

    /// Hands a frame to the caller. The time that the caller takes is not the worker's.
    fn give(&mut self, frame: RiskyFrame<'_>) -> Flow {
        let before = Instant::now();
        let flow = (self.each)(frame);
        self.deadline += before.elapsed();
        flow
    }

    /// Reports how a worker ended; whether another one may go on.
    fn conclude(&mut self, end: End) -> bool {
        match end {
            End::Finished | End::Stopped => false,
            End::Unavailable(problem) | End::Exhausted(problem) => {
                self.problem(problem);
                false
            }
            End::Died(problem) => {
                self.problem(problem);
                true
            }
        }
    }

    fn autopsy(&self, worker: Worker) -> End {
        match worker.end() {
            Ok((status, words)) => End::Died(ending::problem(status, &words, self.limits)),
            Err(error) => End::Unavailable(no_worker(&error)),
        }
    }

    /// Checks one frame and hands it on; an end if nothing more is to be taken.
    fn take(&mut self, bytes: &[u8]) -> Option<End> {
        match postcard::from_bytes::<Frame<'_>>(bytes) {
            Ok(Frame::Page(page)) => self.enter(Stage::Page(page)),
            Ok(Frame::Bytes) => self.enter(Stage::Bytes),
            Ok(Frame::Text { part, name, page, continued, text }) => {
                let text = match self.admit_text(name, text) {
                    Ok(text) => text,
                    Err(end) => return Some(end),
                };
                let segment = Segment {
                    text: text.as_bytes(),
                    part: Part { role: role_of(part), name },
                    place: page.map_or(Place::None, Place::Page),
                    join: if continued { Join::None } else { Join::Line },
                    origin: Origin::None,
                };
                stopped(self.give(RiskyFrame::Text(segment)))
            }
            Ok(Frame::Child { name, bytes }) => self.take_child(name, bytes),
            Ok(Frame::Picture { page, bytes }) => self.take_picture(page, bytes),
            Ok(Frame::Closed { name, trouble }) => self.take_closed(name, trouble),
            Ok(Frame::Trouble(trouble)) => self.take_trouble(trouble),
            Ok(Frame::End) => Some(End::Finished),
            Ok(Frame::Begin(_) | Frame::Attempted(_) | Frame::Open { .. } | Frame::More { .. } | Frame::Close)
            | Err(_) => Some(End::Exhausted(lying_worker())),
        }
    }

    /// Hands on a file whose pieces follow. What the caller leaves of it is passed over.
    fn take_file(&mut self, name: &str, worker: &mut Worker, exchange: &mut Exchange<'_>) -> Result<Option<End>, Died> {
        if name.len() > NAME_BYTES_MAX {
            return Ok(Some(End::Exhausted(lying_worker())));
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        let room = self.limits.inflated_bytes_max.saturating_sub(self.child_bytes);
        let mut file =
            StreamedFile { worker, exchange, limits: self.limits, left, room, piece: Vec::new(), at: 0, end: None };
        let flow = (self.each)(RiskyFrame::File { name, content: FileContent::new(&mut file) });
        if flow == Flow::Continue {
            let _ = io::copy(&mut file, &mut io::sink());
        }
        self.child_bytes = self.limits.inflated_bytes_max.saturating_sub(file.room);
        self.deadline = Instant::now() + file.left;
        match file.end {
            Some(FileEnd::Whole) | None => Ok(stopped(flow)),
            Some(FileEnd::Broken(end)) => Ok(Some(end)),
            Some(FileEnd::Died) => Err(Died),
        }
    }

    fn enter(&mut self, stage: Stage) -> Option<End> {
        self.stage = stage;
        None
    }

    /// Counts a text and makes it valid.
    fn admit_text<'t>(&mut self, name: &str, text: &'t [u8]) -> Result<Cow<'t, str>, End> {
        if text.len() > TEXT_BYTES_MAX || name.len() > NAME_BYTES_MAX {
            return Err(End::Exhausted(lying_worker()));
        }
        self.text_bytes = self.text_bytes.saturating_add(text.len() as u64);
        if self.text_bytes > self.limits.worker_output_max {
            return Err(End::Exhausted(output_limit(self.limits)));
        }
        Ok(String::from_utf8_lossy(text))
    }

    fn take_child(&mut self, name: &str, bytes: &[u8]) -> Option<End> {
        let bounds = Bounds::of(self.limits);
        self.child_bytes = self.child_bytes.saturating_add(bytes.len() as u64);
        if bytes.len() as u64 > bounds.child_bytes || name.len() > NAME_BYTES_MAX {
            return Some(End::Exhausted(lying_worker()));
        }
        if self.child_bytes > self.limits.inflated_bytes_max {
            return Some(End::Exhausted(inflated_limit(self.limits)));
        }
        stopped(self.give(RiskyFrame::Child { name, bytes }))
    }

    fn take_picture(&mut self, page: u32, bytes: &[u8]) -> Option<End> {
        self.pictures += 1;
        if bytes.len() as u64 > Bounds::of(self.limits).child_bytes || self.pictures > PICTURES_MAX {
            return Some(End::Exhausted(lying_worker()));
        }
        stopped(self.give(RiskyFrame::Picture { page, bytes }))
    }

    fn take_closed(&mut self, name: &str, trouble: Trouble) -> Option<End> {
        if name.len() > NAME_BYTES_MAX {
            return Some(End::Exhausted(lying_worker()));
        }
        let problem = trouble.into_problem(self.limits);
        self.outcome = self.outcome.worse(Outcome::of(&problem));
        stopped(self.give(RiskyFrame::Closed { name, problem }))
    }

    fn take_trouble(&mut self, trouble: Trouble) -> Option<End> {
        self.troubles += 1;
        if self.troubles > TROUBLES_MAX {
            return Some(End::Exhausted(lying_worker()));
        }
        let problem = trouble.into_problem(self.limits);
        self.outcome = self.outcome.worse(Outcome::of(&problem));
        stopped(self.give(RiskyFrame::Problem(problem)))
    }
}

/// A file that comes piece by piece.
struct StreamedFile<'r, 'e> {
    worker: &'r mut Worker,
    exchange: &'r mut Exchange<'e>,
    limits: &'r Limits,
    /// Time that the worker has left; that of the caller does not count.
    left: Duration,
    /// Bytes that may still come.
    room: u64,
    piece: Vec<u8>,
    at: usize,
    end: Option<FileEnd>,
}

/// How a file ended.
enum FileEnd {
    Whole,
    /// And with it the work of the worker.
    Broken(End),
    Died,
}

impl StreamedFile<'_, '_> {
    /// Waits for the next piece, or the end.
    fn next_piece(&mut self) {
        let before = Instant::now();
        self.exchange.deadline = before + self.left;
        let frame = match self.worker.next_frame(self.exchange) {
            Ok(bytes) => postcard::from_bytes::<Frame<'_>>(bytes).ok(),
            Err(silence) => {
                self.end = Some(match silence {
                    Silence::Deadline => FileEnd::Broken(End::Exhausted(ending::wall_time(self.limits))),
                    Silence::Oversized => FileEnd::Broken(End::Exhausted(lying_worker())),
                    Silence::Closed => FileEnd::Died,
                });
                return;
            }
        };
        match frame {
            Some(Frame::More { bytes }) if bytes.len() as u64 > self.room => {
                self.end = Some(FileEnd::Broken(End::Exhausted(inflated_limit(self.limits))));
            }
            Some(Frame::More { bytes }) if (1..=PIECE_BYTES_MAX).contains(&bytes.len()) => {
                self.room -= bytes.len() as u64;
                self.piece.clear();
                self.piece.extend_from_slice(bytes);
                self.at = 0;
            }
            Some(Frame::Close) => self.end = Some(FileEnd::Whole),
            _ => self.end = Some(FileEnd::Broken(End::Exhausted(lying_worker()))),
        }
        self.left = self.left.saturating_sub(before.elapsed());
    }
}

impl Read for StreamedFile<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            match self.end {
                None => self.next_piece(),
                Some(FileEnd::Whole) => return Ok(0),
                Some(FileEnd::Broken(_) | FileEnd::Died) => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let mut rest = &self.piece[self.at..];
        let len = rest.read(buf)?;
        self.at += len;
        Ok(len)
    }
}

fn inflated_limit(limits: &Limits) -> Problem {
    let max = limits.inflated_bytes_max;
    let message = format!("The files in the document unpack to more than {max} bytes.");
    Problem::limit("inflated_bytes_max", max, message)
}

fn stopped(flow: Flow) -> Option<End> {
    (flow != Flow::Continue).then_some(End::Stopped)
}

fn role_of(part: WirePart) -> Role {
    match part {
        WirePart::Body => Role::Body,
        WirePart::Comment => Role::Comment,
        WirePart::Form => Role::Form,
        WirePart::Link => Role::Link,
        WirePart::Property => Role::Property,
        WirePart::Script => Role::Script,
        WirePart::Data => Role::Data,
        WirePart::Raw => Role::Raw,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome_of(frames: &[&[u8]], limits: &Limits) -> (Option<&'static str>, usize) {
        let mut given = 0;
        let mut each = |_: RiskyFrame<'_>| {
            given += 1;
            Flow::Continue
        };
        let mut reading = Reading::new(limits, &mut each);
        let mut reason = None;
        for frame in frames {
            match reading.take(frame) {
                Some(End::Exhausted(problem)) => reason = Some(problem.reason),
                Some(End::Finished) => reason = Some("finished"),
                _ => {}
            }
        }
        (reason, given)
    }

    #[test]
    fn hostile_frames_end_the_worker() {
        let limits = Limits { worker_output_max: 8, ..Limits::inline() };
        let text = |text: &'static [u8]| {
            encode(&Frame::Text { part: WirePart::Body, name: "", page: None, continued: false, text }).unwrap()[4..]
                .to_vec()
        };
        let check = |frames: &[&[u8]], expected| assert_eq!(outcome_of(frames, &limits), expected);
        check(&[&[99, 1, 2, 3]], (Some("worker_protocol"), 0));
        check(&[&[]], (Some("worker_protocol"), 0));
        check(&[&encode(&Frame::Begin(SandboxLevel::Full)).unwrap()[4..]], (Some("worker_protocol"), 0));
        check(&[&text(b"12345678")], (None, 1));
        check(&[&text(b"1234"), &text(b"12345")], (Some("worker_output_max"), 1));
        check(&[&encode(&Frame::End).unwrap()[4..]], (Some("finished"), 0));
        let long_name = "n".repeat(NAME_BYTES_MAX + 1);
        check(&[&encode(&Frame::Child { name: &long_name, bytes: b"" }).unwrap()[4..]], (Some("worker_protocol"), 0));
    }

    #[test]
    fn a_crash_costs_a_page() {
        let check = |before, stage, last, expected| assert_eq!(next_start(before, stage, last), expected);
        check(Start::Beginning, Stage::Page(3), false, Some(Start::Page(3)));
        check(Start::Page(3), Stage::Page(3), false, Some(Start::Page(4)));
        check(Start::Page(3), Stage::Page(5), false, Some(Start::Page(5)));
        check(Start::Beginning, Stage::Document, false, Some(Start::BytesOnly));
        check(Start::Page(3), Stage::Page(4), true, Some(Start::BytesOnly));
        check(Start::Beginning, Stage::Bytes, false, None);
        check(Start::BytesOnly, Stage::Bytes, false, None);
        check(Start::BytesOnly, Stage::Document, false, Some(Start::BytesOnly));
    }

    #[test]
    fn levels_survive_their_storage() {
        assert_eq!(level_of(SandboxLevel::Full as u8), Some(SandboxLevel::Full));
        assert_eq!(level_of(LEVEL_UNKNOWN), None);
    }
}
