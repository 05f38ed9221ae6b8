//! Reads a body that passes by, on a thread of its own, and decides about it. Idle threads of the pool help it search.
//!
//! Findings come from the engine a bounded way behind what it has read, so only what lies farther back is let go, and only
//! as far as the decision has been made again about everything found. Kinds that cannot be judged from front to back are
//! left at once, and so is a body that ends like an archive: their inspection is incomplete, and the policy decides.

use super::Passing;
use crate::body::{self, BodySetup, PartInspector};
use crate::pipeline::gate::FIRST_BYTES;
use crate::pipeline::inspection::{self, Tally};
use crate::pipeline::outcome::Verdict;
use crate::pipeline::recent;
use bytes::Bytes;
use dlp_core::base::{Cancel, ProblemClass};
use dlp_core::content::{Completeness, Finding, Flow, Input, ItemReport, Kind, LocatedProblem, Observer};
use dlp_core::decision::{Action, Summariser, Transfer};
use dlp_core::inspect::{Inspector, Job};
use dlp_core::matching::{GIVEN_WITHIN_BYTES, Scratch};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::rc::Rc;
use tokio::sync::{mpsc, watch};

/// Bytes of a character in the widest character set, UTF-32, that is a single byte of the text which the engine searches.
const BYTES_PER_TEXT_BYTE_MAX: u64 = 4;
/// Bytes that have been read and were not shown to the engine: a piece of its reader and more.
const READ_AHEAD_BYTES: u64 = 512 * 1024;
/// Bytes that stay behind what was read: the engine has decided about what lies farther back, in every character set.
pub(super) const HOLD_BACK_BYTES: u64 = BYTES_PER_TEXT_BYTE_MAX * GIVEN_WITHIN_BYTES as u64 + READ_AHEAD_BYTES;
/// Bytes between two decisions, when something new was found.
const DECIDED_EVERY_BYTES: u64 = 256 * 1024;
/// Bytes at the end in which an archive has its directory: the record and the longest comment.
const TAIL_BYTES: usize = 22 + 65_535;
/// Starts the record of an archive's directory.
const DIRECTORY_END: &[u8] = b"PK\x05\x06";

/// What comes to the watcher.
pub(super) enum Feed {
    /// More of the body.
    Data(Bytes),
    /// The body is complete.
    End,
}

/// Reads one body.
pub(super) struct Watcher {
    /// The request.
    pub(super) passing: Passing,
    /// The body.
    pub(super) feed: mpsc::UnboundedReceiver<Feed>,
    /// How far the body may leave.
    pub(super) released: watch::Sender<u64>,
}

impl Watcher {
    /// Works until the decision has fallen. None when the body broke off, so that there is nothing to decide.
    pub(super) fn run(self) -> Option<Verdict> {
        let Self { passing, feed, released } = self;
        let inspection = passing.services.inspection.now();
        let inspector = &inspection.stream_inspector;
        let path = body::decoded_path(&passing.parts);
        let tally = Tally::new(inspector.detectors(), Summariser::with_texts(inspector.limits(), vec![path.clone()]));
        let mut scratch = passing.services.pool.scratch();
        let found = Rc::new(RefCell::new(Found { tally, is_new: false, verdict: None, passing: &passing }));
        let cancel = Cancel::default();
        let mut source = Source::new(feed, released, found.clone());
        let first = source.first_bytes().ok()?;

        found.borrow_mut().tally.name(&mut scratch, &path);
        let is_readable =
            body::is_one_piece(&passing.parts.headers, &first) && is_readable(inspector, &mut scratch, &first);
        let mut examiner = PartInspector { inspector, scratch: &mut scratch };
        let mut setup = BodySetup { examiner: &mut examiner, limits: &inspection.limits, cancel: &cancel };
        let mut observer = Shared(found.clone());
        let of_head = body::inspect_head(&passing.parts, setup.reborrowed(), &mut observer);
        let report = if is_readable {
            let of_body = body::inspect_passing(&passing.parts.headers, &mut source, setup, &mut observer);
            of_head.join(of_body)
        } else {
            found.borrow_mut().tally.note(inspection::problem(ProblemClass::Limit, "gate_max"));
            of_head
        };
        if source.is_broken {
            return None;
        }
        let is_like_archive = source.is_like_archive();
        let read = source.consumed;
        drop((observer, source));
        let mut found = Rc::try_unwrap(found).ok()?.into_inner();
        if let Some(refused) = found.verdict.take() {
            return Some(refused);
        }
        report.file_names.iter().for_each(|name| found.tally.name(&mut scratch, name));
        let is_whole = is_readable && !is_like_archive;
        if is_like_archive {
            found.tally.note(inspection::problem(ProblemClass::Unsupported, "archive_in_passing"));
        }
        let size =
            if is_readable { Some(read) } else { super::super::forward::declared_length(&passing.parts.headers) };
        let mut inspected = found.tally.finish(report, size);
        if !is_whole {
            inspected.item.inspection.completeness = Completeness::Partial;
        }
        Some(passing.verdict(inspected))
    }
}

/// Whether content that begins so can be inspected from front to back.
pub(in crate::pipeline) fn is_readable(inspector: &Inspector, scratch: &mut Scratch, first: &[u8]) -> bool {
    let mut kind = RootKind(None);
    let job = Job { name: "", input: Input::Bytes(first), cancel: &Cancel::default() };
    inspector.inspect(scratch, job, &mut kind);
    matches!(kind.0, Some(Kind::Text | Kind::Binary))
}

impl Passing {
    /// Decides about what was found.
    pub(super) fn verdict(&self, inspected: inspection::Inspected) -> Verdict {
        let transfer = Transfer { head: self.head.clone(), item: inspected.item };
        let from = (self.peer.ip(), transfer);
        let (transfer, decision) = recent::decide(&self.services, from, inspected.counts.as_ref());
        let path_masked = Some(inspected.path_masked);
        Verdict { transfer, decision, answer: self.answer.clone(), peer: self.peer, path_masked }
    }
}

/// What was found so far.
struct Found<'a> {
    tally: Tally<'a>,
    is_new: bool,
    /// The decision that ends the body before its end.
    verdict: Option<Verdict>,
    passing: &'a Passing,
}

impl Found<'_> {
    /// Decides as if the body ended here. True when it has to.
    fn is_refused(&mut self, read: u64) -> bool {
        if std::mem::take(&mut self.is_new) {
            let verdict = self.passing.verdict(self.tally.clone().finish(body::BodyReport::default(), Some(read)));
            if verdict.decision.action >= Action::Coach {
                self.verdict = Some(verdict);
            }
        }
        self.verdict.is_some()
    }
}

struct Shared<'a>(Rc<RefCell<Found<'a>>>);

impl Observer for Shared<'_> {
    fn finding(&mut self, finding: Finding) -> Flow {
        let found = &mut *self.0.borrow_mut();
        found.is_new = true;
        found.tally.finding(finding)
    }

    fn problem(&mut self, located: LocatedProblem) {
        self.0.borrow_mut().tally.problem(located);
    }

    fn item(&mut self, _item: ItemReport) {}

    fn only_counts(&self) -> bool {
        true
    }
}

/// Tells what an input is, and nothing else.
struct RootKind(Option<Kind>);

impl Observer for RootKind {
    fn finding(&mut self, _finding: Finding) -> Flow {
        Flow::Continue
    }

    fn problem(&mut self, _problem: LocatedProblem) {}

    fn item(&mut self, item: ItemReport) {
        if item.container.is_empty() {
            self.0 = Some(item.kind);
        }
    }
}

/// The body as the engine reads it. With each piece that is asked for, all before it has been searched.
struct Source<'a> {
    feed: mpsc::UnboundedReceiver<Feed>,
    released: watch::Sender<u64>,
    found: Rc<RefCell<Found<'a>>>,
    pieces: VecDeque<Bytes>,
    consumed: u64,
    decided_at: u64,
    /// The latest pieces, as many as may hold the directory of an archive.
    tail: VecDeque<Bytes>,
    tail_len: usize,
    is_ended: bool,
    /// The body broke off, or nobody waits for it any more.
    is_broken: bool,
}

impl<'a> Source<'a> {
    fn new(feed: mpsc::UnboundedReceiver<Feed>, released: watch::Sender<u64>, found: Rc<RefCell<Found<'a>>>) -> Self {
        Self {
            feed,
            released,
            found,
            pieces: VecDeque::new(),
            consumed: 0,
            decided_at: 0,
            tail: VecDeque::new(),
            tail_len: 0,
            is_ended: false,
            is_broken: false,
        }
    }

    /// Waits for the bytes that tell the kind. They are read again afterwards.
    fn first_bytes(&mut self) -> io::Result<Vec<u8>> {
        let mut first = Vec::with_capacity(FIRST_BYTES);
        while first.len() < FIRST_BYTES
            && let Some(piece) = self.receive()?
        {
            first.extend_from_slice(&piece);
            self.pieces.push_back(piece);
        }
        first.truncate(FIRST_BYTES);
        Ok(first)
    }

    /// The next piece; none at the end.
    fn receive(&mut self) -> io::Result<Option<Bytes>> {
        match self.feed.blocking_recv() {
            _ if self.is_ended => Ok(None),
            Some(Feed::Data(piece)) => {
                self.keep_tail(piece.clone());
                Ok(Some(piece))
            }
            Some(Feed::End) => {
                self.is_ended = true;
                Ok(None)
            }
            None => {
                self.is_broken = true;
                Err(io::ErrorKind::ConnectionAborted.into())
            }
        }
    }

    fn keep_tail(&mut self, piece: Bytes) {
        self.tail_len += piece.len();
        self.tail.push_back(piece);
        while let Some(first) = self.tail.front()
            && self.tail_len - first.len() >= TAIL_BYTES
        {
            self.tail_len -= first.len();
            self.tail.pop_front();
        }
    }

    /// Whether the body ends in the directory of an archive.
    fn is_like_archive(&self) -> bool {
        let tail: Vec<u8> = self.tail.iter().flat_map(|piece| piece.iter().copied()).collect();
        let tail = &tail[tail.len().saturating_sub(TAIL_BYTES)..];
        memchr::memmem::find(tail, DIRECTORY_END).is_some()
    }

    /// Decides again when enough has come, and lets go what lies far enough back.
    fn let_go(&mut self) -> io::Result<()> {
        if self.consumed - self.decided_at < DECIDED_EVERY_BYTES {
            return Ok(());
        }
        if self.found.borrow_mut().is_refused(self.consumed) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.decided_at = self.consumed;
        self.released.send_replace(self.consumed.saturating_sub(HOLD_BACK_BYTES));
        Ok(())
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.let_go()?;
        while self.pieces.front().is_none_or(Bytes::is_empty) {
            self.pieces.pop_front();
            if self.pieces.is_empty() {
                let Some(piece) = self.receive()? else { return Ok(0) };
                self.pieces.push_back(piece);
            }
        }
        let Some(piece) = self.pieces.front_mut() else { return Ok(0) };
        let count = piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&piece.split_to(count));
        self.consumed += count as u64;
        Ok(count)
    }
}
