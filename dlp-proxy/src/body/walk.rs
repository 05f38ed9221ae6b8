//! The state of one walk through a body: where we are, what was said so far, and the way to the inspector.
//!
//! Findings travel through a [`Relay`], which puts the path of the part before their own container path, maps places
//! in generated views back to the field they came from, and lets the raw view report only what is new.

use super::field_index::FieldIndex;
use super::{BodyReport, BodySetup, Opaque};
use dlp_core::base::{ConfidenceLevel, Problem, ProblemClass};
use dlp_core::content::{
    Completeness, Finding, Flow, Input, ItemReport, LocatedProblem, Location, Observer, Outcome, ReadSeek,
};
use dlp_core::inspect::Job;
use dlp_core::matching::DetectorIndex;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, SeekFrom};

/// Distinct values that are remembered to report them once; beyond it the raw view may repeat a finding.
const TALLY_VALUES_MAX: usize = 100_000;

/// How the bytes given to the inspector relate to the bytes of the part.
#[derive(Clone, Copy)]
pub(super) enum View<'v> {
    /// They are the part.
    Plain,
    /// They were made from fields, documents in which are opened afterwards; the index leads back.
    Fields(&'v RefCell<FieldIndex>),
    /// They were made from one field, of which nothing is opened afterwards.
    Field(&'v RefCell<FieldIndex>),
    /// They were made from short parts of a form; the index leads back to the part.
    Parts(&'v RefCell<FieldIndex>),
    /// They were seen before in a decoded form: only findings that are new count.
    Again,
    /// They were put together from pieces that may not belong together: only findings that are sure count, of detectors that
    /// have found nothing before.
    Joined {
        /// Only values that consist of digits for the most part.
        of_digits: bool,
    },
}

/// The walk through one body.
pub(super) struct Walk<'a> {
    pub(super) setup: BodySetup<'a>,
    observer: &'a mut dyn Observer,
    path: Vec<String>,
    report: BodyReport,
    tally: Tally,
    /// Names of files, to report each once; one more than the bound at most.
    names_seen: HashSet<String>,
    pub(super) decoded_bytes: u64,
    pub(super) parts: u64,
    /// Documents in values that were opened.
    pub(super) documents: u64,
    /// Bytes that runs of fields may still take, in all forms of the body.
    pub(super) form_runs_left: u64,
    pub(super) multipart_depth: u32,
    pub(super) json_nesting: u32,
    /// What is read may have been read before in another way, so only findings that are new count.
    is_repeating: bool,
    /// Findings in files that the inspector has decoded in the text of fields, of which it does not know the field. They wait
    /// until the fields were opened, and are reported when nothing of the kind was found then.
    deferred: Vec<Finding>,
}

/// Findings that wait; more are reported at once, perhaps twice.
const DEFERRED_MAX: usize = 1_000;

impl<'a> Walk<'a> {
    pub(super) fn new(setup: BodySetup<'a>, observer: &'a mut dyn Observer) -> Self {
        let form_runs_left = setup.limits.form_runs_bytes_max;
        Self {
            setup,
            observer,
            path: Vec::new(),
            report: BodyReport::default(),
            tally: Tally::default(),
            names_seen: HashSet::new(),
            decoded_bytes: 0,
            parts: 0,
            documents: 0,
            form_runs_left,
            multipart_depth: 0,
            json_nesting: 0,
            is_repeating: false,
            deferred: Vec::new(),
        }
    }

    pub(super) fn finish(mut self) -> BodyReport {
        debug_assert!(self.deferred.is_empty(), "whoever reads fields takes out what waits for them");
        if self.setup.cancel.is_tripped() {
            self.report.outcome =
                self.report.outcome.worse(Outcome { completeness: Completeness::Partial, reason: "wall_time_max" });
        }
        if self.report.outcome.completeness == Completeness::Encrypted {
            self.report.opaque.get_or_insert(Opaque::Encrypted);
        }
        self.report
    }

    /// Whether the rest need not be read: the decision has fallen, or time ran out.
    pub(super) fn is_over(&self) -> bool {
        self.report.stopped || self.setup.cancel.is_tripped()
    }

    /// Runs `inside` with one more step on the path.
    pub(super) fn within(&mut self, step: String, inside: impl FnOnce(&mut Self)) {
        self.path.push(step);
        inside(self);
        self.path.pop();
    }

    pub(super) fn is_too_deep(&self) -> bool {
        self.path.len() >= self.setup.limits.layer_depth_max as usize
    }

    /// What waits until fields were opened.
    pub(super) fn take_deferred(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.deferred)
    }

    /// Reports of what has waited all that was not found again.
    pub(super) fn report_deferred(&mut self, waiting: Vec<Finding>) {
        for mut finding in waiting {
            // Also when time has run out: it was found before.
            if self.report.stopped {
                return;
            }
            if !self.tally.has(&finding) {
                self.tally.add(&finding, false);
                prefix(&self.path, &mut finding.location.container);
                self.report.stopped |= self.observer.finding(finding) == Flow::Stop;
            }
        }
    }

    /// Runs `inside` so that findings which were there before count once.
    pub(super) fn repeating(&mut self, inside: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.is_repeating, true);
        inside(self);
        self.is_repeating = outer;
    }

    /// Runs `inside` with an empty tally, so that a raw view in it looks at the findings of its own part only.
    pub(super) fn scoped(&mut self, inside: impl FnOnce(&mut Self)) {
        if self.is_repeating {
            return inside(self);
        }
        let fresh = Tally { hasher: self.tally.hasher.clone(), ..Tally::default() };
        let outer = std::mem::replace(&mut self.tally, fresh);
        inside(self);
        let inner = std::mem::replace(&mut self.tally, outer);
        self.tally.merge(inner);
    }

    pub(super) fn problem(&mut self, problem: Problem) {
        self.report.outcome = self.report.outcome.worse(Outcome::of(&problem));
        let location = Location { container: self.path.clone(), ..Location::default() };
        self.observer.problem(LocatedProblem { problem, location });
    }

    /// Reports that the bytes could not be read back; the error's text names no content.
    pub(super) fn unreadable(&mut self, error: &io::Error) {
        let message = format!("The spooled body could not be read: {}.", error.kind());
        self.problem(Problem::new(ProblemClass::Unreadable, "spool_io", message));
    }

    pub(super) fn opaque(&mut self, opaque: Opaque) {
        self.report.opaque.get_or_insert(opaque);
    }

    pub(super) fn file_name(&mut self, name: &str) {
        let limit = self.setup.limits.file_names_max;
        if name.is_empty() || !self.names_seen.insert(name.to_owned()) {
            return;
        }
        match self.names_seen.len() {
            count if count <= limit => self.report.file_names.push(name.to_owned()),
            count if count == limit + 1 => {
                let message = "The body names more files than its bound; rules on names see the first ones only.";
                self.problem(Problem::limit("file_names_max", limit as u64, message));
            }
            _ => {
                self.names_seen.remove(name);
            }
        }
    }

    /// Gives one input to the inspector.
    pub(super) fn examine(&mut self, name: &str, mut input: Input<'_>, view: View<'_>) {
        if self.is_over() {
            return;
        }
        let mut relay = Relay {
            observer: &mut *self.observer,
            path: &self.path,
            deferred: &mut self.deferred,
            is_again: self.is_repeating || matches!(view, View::Again | View::Joined { .. }),
            view,
            tally: &mut self.tally,
            stopped: &mut self.report.stopped,
        };
        let job = Job { name, input: reborrowed(&mut input), cancel: self.setup.cancel };
        let inspected = self.setup.examiner.examine(job, &mut relay);
        self.report.outcome = self.report.outcome.worse(inspected.outcome);
        self.report.label = self.report.label.max(inspected.label);
        self.report.text_bytes = self.report.text_bytes.saturating_add(inspected.text_bytes);
    }

    /// Gives a whole seekable input to the inspector, from its start.
    pub(super) fn examine_from_start(&mut self, name: &str, body: &mut dyn ReadSeek, view: View<'_>) {
        match body.seek(SeekFrom::Start(0)) {
            Ok(_) => self.examine(name, Input::Seekable(body), view),
            Err(error) => self.unreadable(&error),
        }
    }
}

/// The same input for as long as the walk is borrowed.
fn reborrowed<'s>(input: &'s mut Input<'_>) -> Input<'s> {
    match input {
        Input::Bytes(bytes) => Input::Bytes(bytes),
        Input::Seekable(body) => Input::Seekable(&mut **body),
        Input::Stream(stream) => Input::Stream(&mut **stream),
    }
}

/// Passes findings on with their full place.
struct Relay<'r> {
    observer: &'r mut dyn Observer,
    path: &'r [String],
    deferred: &'r mut Vec<Finding>,
    view: View<'r>,
    /// Only findings that are new count.
    is_again: bool,
    tally: &'r mut Tally,
    stopped: &'r mut bool,
}

impl Relay<'_> {
    fn place(&self, location: &mut Location) {
        if let View::Fields(index) | View::Field(index) | View::Parts(index) = self.view
            && location.container.is_empty()
        {
            index.borrow().place(location);
        }
        if let View::Parts(index) = self.view {
            let part = location.part.take().or_else(|| index.borrow().only_path());
            location.container.splice(0..0, part);
        }
        prefix(self.path, &mut location.container);
    }
}

impl Observer for Relay<'_> {
    fn finding(&mut self, mut finding: Finding) -> Flow {
        if let View::Joined { of_digits } = self.view
            && (!is_sure(&finding, of_digits) || self.tally.detectors.contains(&finding.detector))
        {
            return Flow::Continue;
        }
        if self.is_again && self.tally.take(&finding) {
            return Flow::Continue;
        }
        let is_in_file = matches!(self.view, View::Fields(_)) && !finding.location.container.is_empty();
        if is_in_file && self.deferred.len() < DEFERRED_MAX {
            self.deferred.push(finding);
            return Flow::Continue;
        }
        self.tally.add(&finding, self.is_again);
        self.place(&mut finding.location);
        let flow = self.observer.finding(finding);
        *self.stopped |= flow == Flow::Stop;
        flow
    }

    fn problem(&mut self, mut problem: LocatedProblem) {
        self.place(&mut problem.location);
        self.observer.problem(problem);
    }

    fn item(&mut self, mut item: ItemReport) {
        prefix(self.path, &mut item.container);
        self.observer.item(item);
    }

    fn only_counts(&self) -> bool {
        self.observer.only_counts()
    }
}

/// Whether a finding in pieces that were put together is no accident.
fn is_sure(finding: &Finding, of_digits: bool) -> bool {
    let value = finding.value.expose();
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    finding.confidence.level() == ConfidenceLevel::High && (!of_digits || 2 * digits > value.len())
}

fn prefix(path: &[String], container: &mut Vec<String>) {
    container.splice(0..0, path.iter().cloned());
}

/// Counts values that were reported, by a keyed hash, so that it holds no value.
#[derive(Default)]
struct Tally {
    hasher: RandomState,
    counts: HashMap<u64, Count>,
    /// Detectors of all of them.
    detectors: HashSet<DetectorIndex>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    reported: u32,
    met_again: u32,
}

impl Tally {
    fn key(&self, finding: &Finding) -> u64 {
        self.hasher.hash_one((finding.detector, &finding.value))
    }

    /// Whether the value was reported.
    fn has(&self, finding: &Finding) -> bool {
        self.counts.contains_key(&self.key(finding))
    }

    fn add(&mut self, finding: &Finding, again: bool) {
        self.detectors.insert(finding.detector);
        let key = self.key(finding);
        if self.counts.len() < TALLY_VALUES_MAX || self.counts.contains_key(&key) {
            let count = self.counts.entry(key).or_default();
            count.reported += 1;
            count.met_again += u32::from(again);
        }
    }

    /// Whether the raw view meets a value that the structured view reported and that it has not met yet.
    fn take(&mut self, finding: &Finding) -> bool {
        let key = self.key(finding);
        match self.counts.get_mut(&key) {
            Some(count) if count.met_again < count.reported => {
                count.met_again += 1;
                true
            }
            _ => false,
        }
    }

    fn merge(&mut self, inner: Self) {
        self.detectors.extend(inner.detectors);
        for (key, count) in inner.counts {
            if self.counts.len() < TALLY_VALUES_MAX || self.counts.contains_key(&key) {
                self.counts.entry(key).or_default().reported += count.reported;
            }
        }
    }
}
