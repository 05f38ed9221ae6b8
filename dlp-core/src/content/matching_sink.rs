//! The sink that matches: text with places goes in, findings with locations come out.
//!
//! Each part of each item is one stream of the engine. The sink remembers where the segments of the part began, as far
//! back as undecided matches reach, and leads a match back to page, cell, line and original bytes.

mod part;
mod told;

use super::decode::JOINED;
use super::{
    Completeness, Finding, Flow, ItemReport, ItemStart, Kind, LocatedProblem, Location, Observer, OffsetBase, Outcome,
    Place, Role, Segment, Sink,
};
use crate::base::{
    CONFIRM_STEPS_PER_BYTE_MAX, CONFIRM_STEPS_PER_PATTERN_MAX, Category, ConfidenceLevel, Limits, Problem, ProblemClass,
};
use crate::known::Known;
use crate::matching::{DetectorIndex, DetectorSet, LineColumn, Match, Material, Scratch};
use part::{OpenPart, OwnedPlace};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use told::{Key, Plain, PlainPlace, is_surer, key};

/// Memory of what was found in decoded text that waits for the end of its item. More is told at once, although the text may
/// give it, too.
const DECODED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Matches what an extractor hands out.
pub struct MatchingSink<'a> {
    set: &'a DetectorSet,
    known: Known,
    scratch: &'a mut Scratch,
    limits: &'a Limits,
    observer: &'a mut dyn Observer,
    items: Vec<OpenItem>,
    matches: Vec<Match>,
    flow: Flow,
    text_bytes: u64,
    problems: u64,
    outcome: Outcome,
}

/// An item that has been entered and not yet left.
struct OpenItem {
    name: String,
    kind: Kind,
    findings: u64,
    low_findings: u64,
    outcome: Outcome,
    /// Where values were found as they stand, so that what decoding finds again is not reported twice.
    plain: Plain,
    /// What was found in decoded text, until it is known what the text itself gives.
    decoded: Vec<(Match, Location)>,
    /// Memory of their texts.
    decoded_bytes: usize,
    /// What was found in decoded text and told at once, and how surely.
    told: HashMap<Key, ConfidenceLevel>,
    /// Items inside leave it open, so that what is embedded in a text does not tear it apart.
    part: Option<OpenPart<'static>>,
}

impl<'a> MatchingSink<'a> {
    /// A sink for one job.
    pub fn new(
        set: &'a DetectorSet,
        scratch: &'a mut Scratch,
        limits: &'a Limits,
        observer: &'a mut dyn Observer,
    ) -> Self {
        Self {
            set,
            known: Known::default(),
            scratch,
            limits,
            observer,
            items: Vec::new(),
            matches: Vec::new(),
            flow: Flow::Continue,
            text_bytes: 0,
            problems: 0,
            outcome: Outcome::COMPLETE,
        }
    }

    /// Looks for what the organisation knows too.
    #[must_use]
    pub fn with_known(self, known: &Known) -> Self {
        Self { known: known.clone(), ..self }
    }

    /// Ends the job: the worse of the extractor's outcome and what matching itself left out, and the bytes matched.
    #[must_use]
    pub fn finish(mut self, extracted: Outcome) -> (Outcome, u64) {
        if self.known.has_failed() {
            let message = "an index of known data could not be read any more; what it knows may be in there";
            self.problem(Problem::new(ProblemClass::Unreadable, "known_index", message));
        }
        (extracted.worse(self.outcome), self.text_bytes)
    }

    /// The open part of the current item.
    fn take_part(&mut self) -> Option<OpenPart<'static>> {
        self.items.last_mut()?.part.take()
    }

    fn put_part(&mut self, part: OpenPart<'static>) {
        if let Some(item) = self.items.last_mut() {
            item.part = Some(part);
        }
    }

    fn finish_part(&mut self) {
        let Some(mut part) = self.take_part() else { return };
        let matches = &mut self.matches;
        let scan = std::mem::replace(&mut part.scan, self.set.stream());
        let end = scan.finish(self.scratch, &mut |found| matches.push(found));
        if let Some(known) = part.known.take() {
            known.finish(&mut |found| matches.push(found));
        }
        self.report_matches(&part);
        self.report_degraded(&end.degraded);
    }

    /// Says which detectors were not tried everywhere.
    fn report_degraded(&mut self, degraded: &[DetectorIndex]) {
        let Some(first) = degraded.first() else { return };
        let (max, first, more) = (CONFIRM_STEPS_PER_BYTE_MAX, &self.set.detector(*first).id, degraded.len() - 1);
        let others = if more > 0 { format!(" and {more} more detectors") } else { String::new() };
        let message = format!(
            "so much of the text begins like a match that {first}{others} left places out: for each byte of 64 KiB, one \
             pattern may take {CONFIRM_STEPS_PER_PATTERN_MAX} steps and all together {max}"
        );
        self.problem(Problem::limit("confirm_steps_per_byte_max", max, message));
    }

    /// Searches a name, which is there as a whole and reads differently from text.
    fn name(&mut self, segment: &Segment<'_>) {
        let part = OpenPart::of(segment, self.set.stream());
        self.matches = self.set.scan_name(self.scratch, segment.text);
        if let Some(mut known) = self.known.scan() {
            let matches = &mut self.matches;
            known.push(segment.text, &mut |found| matches.push(found));
            known.finish(&mut |found| matches.push(found));
        }
        self.text_bytes += segment.text.len() as u64;
        self.report_matches(&part);
    }

    /// Searches a text that was encoded in the text of the open part, which goes on behind it.
    fn decoded(&mut self, segment: &Segment<'_>) {
        // Lines of what it was made from are at hand here, and counted for what is found alone.
        let place = if matches!(segment.place, Place::Source(_)) { Place::None } else { segment.place };
        let part = OpenPart::of(&Segment { place, ..*segment }, self.set.stream());
        let matches = &mut self.matches;
        let end = self.set.scan(self.scratch, segment.text, &mut |found| matches.push(found));
        if let Some(mut known) = self.known.scan() {
            known.push(segment.text, &mut |found| matches.push(found));
            known.finish(&mut |found| matches.push(found));
        }
        self.text_bytes += segment.text.len() as u64;
        self.report_degraded(&end.degraded);
        let is_joined = segment.part.name.ends_with(JOINED);
        for found in std::mem::take(&mut self.matches) {
            // What was not torn apart stands in the text itself, where more around it has a say.
            let run = part.run_of(found.span).copied();
            if is_joined && run.is_some() {
                continue;
            }
            let found = if is_joined { found.joined() } else { found };
            let mut location = self.locate(&part, &found);
            if let Place::Source(lines) = segment.place {
                location.start = lines.at(location.span.start.0);
                location.end = lines.at(location.span.end.0);
            }
            // Whoever only counts may let the text go meanwhile. What is put together from parts is no sure finding as
            // long as it is not known what the text itself gives.
            if self.observer.only_counts() && !is_joined && run.is_none_or(|run| run.stride != 1) {
                self.tell(found, location);
                continue;
            }
            let bytes = found.value.expose().len() + found.surroundings.len();
            let has_room = |item: &&mut OpenItem| {
                let sum = item.decoded_bytes + bytes + item.decoded.len() * size_of::<(Match, Location)>();
                sum < DECODED_BYTES_MAX
            };
            if let Some(item) = self.items.last_mut().filter(has_room) {
                item.decoded.push((found, location));
                item.decoded_bytes += bytes;
            } else {
                self.tell(found, location);
            }
        }
    }

    /// Reports what decoding made, once for each place as far as these are remembered, and again what is surer.
    fn tell(&mut self, found: Match, location: Location) {
        let max = self.limits.findings_max;
        let is_new = self.items.last_mut().is_none_or(|item| {
            let has_room = (item.told.len() as u64) < max;
            is_surer(&mut item.told, (key(&found, &location), found.confidence.level()), has_room)
        });
        if is_new {
            self.report(found, location);
        }
    }

    /// Reports what only decoding found, of all that it found at one place the surest.
    fn report_decoded(&mut self) {
        let Some(item) = self.items.last_mut() else { return };
        if item.decoded.is_empty() {
            return;
        }
        let (mut decoded, mut plain) = (std::mem::take(&mut item.decoded), std::mem::take(&mut item.plain));
        plain.sort();
        let by_start = plain.by_start();
        let holds_whole =
            |found: &Match, location: &Location| is_joined(location) && self.holds_whole(&by_start, (found, location));
        decoded.retain(|(found, location)| !plain.knows(found, location) && !holds_whole(found, location));
        // Of equally sure ones, the first.
        let mut surest = HashMap::new();
        for (found, location) in &decoded {
            is_surer(&mut surest, (key(found, location), found.confidence.level()), true);
        }
        for (found, location) in decoded {
            if let Entry::Occupied(best) = surest.entry(key(&found, &location))
                && *best.get() == found.confidence.level()
            {
                // Taken out, so that it is reported once.
                best.remove();
                self.report(found, location);
            }
        }
    }

    /// Whether what was put together holds a value that stood there whole, with bytes that are none of it.
    fn holds_whole(&self, by_start: &[PlainPlace], (found, location): (&Match, &Location)) -> bool {
        if location.offset_base != OffsetBase::File {
            return false;
        }
        let (span, category) = (location.span, self.set.detector(found.detector).category);
        let first = by_start.partition_point(|(.., place)| place.start < span.start);
        by_start[first..].iter().take_while(|(.., place)| place.start < span.end).any(|(known, level, place)| {
            place.end <= span.end
                && *level >= found.confidence.level()
                && self.set.detector(*known).category == category
        })
    }

    fn report_matches(&mut self, part: &OpenPart<'_>) {
        for found in std::mem::take(&mut self.matches) {
            let location = self.locate(part, &found);
            let max = self.limits.findings_max;
            if let Some(item) = self.items.last_mut() {
                item.plain.add(&found, &location, max);
            }
            self.report(found, location);
        }
    }

    fn report(&mut self, found: Match, location: Location) {
        let found = self.without_records(found);
        if self.count_finding(found.confidence.level())
            && self.observer.finding(Finding::of(location, found)) == Flow::Stop
        {
            self.flow = Flow::Stop;
        }
    }

    /// Hides the cells of records around a value. What an index says of its own findings stays.
    fn without_records(&self, found: Match) -> Match {
        let detector = self.set.detector(found.detector);
        let is_known = matches!(detector.category, Category::Edm | Category::DocumentFingerprint);
        if !self.known.has_records() || is_known {
            return found;
        }
        Match { surroundings: self.known.without_values(&found.surroundings), ..found }
    }

    /// Counts a finding of the current item; beyond the bound it is left out, which is said once. Low ones are counted
    /// apart: a column of plain numbers holds any number of them, and must not hide what stands behind it.
    fn count_finding(&mut self, level: ConfidenceLevel) -> bool {
        if self.observer.takes_any_number_of(level) {
            return true;
        }
        let max = self.limits.findings_max;
        let Some(item) = self.items.last_mut() else { return true };
        let (count, kind) = match level {
            ConfidenceLevel::Low => (&mut item.low_findings, "findings of low confidence"),
            ConfidenceLevel::Medium | ConfidenceLevel::High => (&mut item.findings, "findings"),
        };
        *count += 1;
        let count = *count;
        if count == max + 1 {
            let message = format!("more than {max} {kind} in one item; the rest is not listed");
            self.problem(Problem::limit("findings_max", max, message));
        }
        count <= max
    }

    fn locate(&self, part: &OpenPart<'_>, found: &Match) -> Location {
        let mut location = self.here();
        location.part = part_label(part.role, &part.name);
        match part.mark_at(found.span.start.0).map(|mark| &mark.place) {
            Some(OwnedPlace::Lines(first)) => {
                let shifted = |at: LineColumn| LineColumn { line: at.line + first - 1, ..at };
                location.start = Some(shifted(found.start));
                location.end = Some(shifted(found.end));
            }
            Some(OwnedPlace::Page(page)) => location.page = Some(*page),
            Some(OwnedPlace::Cell { sheet, name }) => location.cell = Some((sheet.clone(), name.clone())),
            Some(OwnedPlace::Source(_) | OwnedPlace::None) | None => {}
        }
        (location.span, location.offset_base) = match part.original(found.span) {
            Some(span) => (span, OffsetBase::File),
            None => (found.span, OffsetBase::Text),
        };
        if let Some(OwnedPlace::Source(lines)) = part.mark_at(found.span.start.0).map(|mark| &mark.place) {
            location.start = lines.at(location.span.start.0);
            location.end = lines.at(location.span.end.0);
        }
        location
    }

    /// The current item, without a place in it.
    fn here(&self) -> Location {
        Location { container: self.items.iter().skip(1).map(|item| item.name.clone()).collect(), ..Location::default() }
    }

    fn worsen(&mut self, outcome: Outcome) {
        self.outcome = self.outcome.worse(outcome);
        if let Some(item) = self.items.last_mut() {
            item.outcome = item.outcome.worse(outcome);
        }
    }
}

impl Sink for MatchingSink<'_> {
    fn enter(&mut self, item: &ItemStart<'_>) -> Flow {
        self.items.push(OpenItem {
            name: item.name.to_owned(),
            kind: item.kind,
            findings: 0,
            low_findings: 0,
            outcome: Outcome::COMPLETE,
            plain: Plain::default(),
            decoded: Vec::new(),
            decoded_bytes: 0,
            told: HashMap::new(),
            part: None,
        });
        self.flow
    }

    fn text(&mut self, segment: &Segment<'_>) -> Flow {
        if segment.part.role == Role::FileName {
            self.name(segment);
            return self.flow;
        }
        if segment.part.role == Role::Decoded {
            self.decoded(segment);
            return self.flow;
        }
        let is_same = |part: &OpenPart<'static>| part.role == segment.part.role && part.name == segment.part.name;
        let open = match self.take_part() {
            Some(part) if is_same(&part) => Some(part),
            Some(part) => {
                self.put_part(part);
                self.finish_part();
                None
            }
            None => None,
        };
        let mut part = open.unwrap_or_else(|| {
            let material = if segment.part.role == Role::Raw { Material::Binary } else { Material::Text };
            OpenPart::new(segment.part, self.set.stream_of(material), self.known.scan())
        });
        let matches = &mut self.matches;
        part.push(self.scratch, segment, &mut |found| matches.push(found));
        self.text_bytes += segment.text.len() as u64;
        if !self.matches.is_empty() {
            self.report_matches(&part);
        }
        let settled = part.forget_decided();
        self.put_part(part);
        if self.observer.settled(settled) == Flow::Stop {
            self.flow = Flow::Stop;
        }
        self.flow
    }

    fn problem(&mut self, problem: Problem) {
        let max = self.limits.problems_max;
        self.worsen(Outcome::of(&problem));
        self.problems += 1;
        let location = self.here();
        if self.problems <= max {
            self.observer.problem(LocatedProblem { problem, location });
        } else if self.problems == max + 1 {
            let message = format!("more than {max} problems in one input; the rest is not listed");
            let problem = Problem::limit("problems_max", max, message);
            self.observer.problem(LocatedProblem { problem, location: Location::default() });
        }
    }

    fn leave(&mut self, outcome: &Outcome) {
        self.finish_part();
        self.report_decoded();
        let container: Vec<_> = self.here().container;
        let Some(item) = self.items.pop() else { return };
        let outcome = outcome.worse(item.outcome);
        if outcome.completeness > Completeness::Complete {
            self.worsen(outcome);
        }
        self.observer.item(ItemReport {
            container,
            kind: item.kind,
            completeness: outcome.completeness,
            reason: outcome.reason,
        });
    }
}

/// Whether it was put together from parts.
fn is_joined(location: &Location) -> bool {
    location.part.as_deref().is_some_and(|part| part.ends_with(JOINED))
}

/// What a part is called in reports; the main text of a plain file has no name.
fn part_label(role: Role, name: &str) -> Option<String> {
    match (role, name) {
        (Role::Body, "") => None,
        (Role::Body, name) => Some(name.to_owned()),
        (role, "") => Some(role.as_str().to_owned()),
        (role, name) => Some(format!("{}:{name}", role.as_str())),
    }
}
