//! The sink that matches: text with places goes in, findings with locations come out.
//!
//! Each part of each item is one stream of the engine. The sink remembers where the segments of the part began, as far
//! back as undecided matches reach, and leads a match back to page, cell, line and original bytes.

use super::decode::JOINED;
use super::source_lines::LineStarts;
use super::{
    Completeness, Finding, Flow, ItemReport, ItemStart, Kind, LocatedProblem, Location, MapRun, Observer, OffsetBase,
    Origin, Outcome, Part, Place, Role, Segment, Sink,
};
use crate::base::{
    CONFIRM_STEPS_PER_BYTE_MAX, CONFIRM_STEPS_PER_PATTERN_MAX, Category, ConfidenceLevel, Limits, Problem,
    ProblemClass, Span,
};
use crate::knowledge::MATCH_LEN_MAX;
use crate::known::{Known, KnownScan};
use crate::matching::{DetectorIndex, DetectorSet, LineColumn, Match, Material, Scratch, StreamScan};
use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

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

/// The part whose text is passing.
struct OpenPart<'m> {
    role: Role,
    name: String,
    scan: StreamScan,
    known: Option<KnownScan>,
    len: u64,
    /// Where the last cell of a sheet stood.
    grid: Option<Grid>,
    marks: VecDeque<Mark<'m>>,
}

/// Keeps the columns of a sheet apart, so that each of its rows has as many fields as the first one, though empty cells
/// are not handed out.
#[derive(Clone, Copy)]
struct Grid {
    first_row: u32,
    first_column: u32,
    /// Of the first row.
    last_column: u32,
    row: u32,
    column: u32,
}

/// Where a segment began, and what leads back from it.
struct Mark<'m> {
    text_start: u64,
    place: OwnedPlace,
    origin: MarkOrigin<'m>,
}

#[derive(PartialEq, Eq)]
enum OwnedPlace {
    Lines(u64),
    Page(u32),
    Cell { sheet: String, name: String },
    Source(LineStarts),
    None,
}

enum MarkOrigin<'m> {
    Bytes(u64),
    /// A map of its own where the text goes on, and that of the segment where it is all there is.
    Mapped(Cow<'m, [MapRun]>),
    None,
}

impl<'m> MarkOrigin<'m> {
    fn of(origin: Origin<'m>) -> Self {
        match origin {
            Origin::Bytes(start) => Self::Bytes(start),
            Origin::Mapped(runs) => Self::Mapped(Cow::Borrowed(runs)),
            Origin::None => Self::None,
        }
    }

    fn into_owned(self) -> MarkOrigin<'static> {
        match self {
            Self::Bytes(start) => MarkOrigin::Bytes(start),
            Self::Mapped(runs) => MarkOrigin::Mapped(Cow::Owned(runs.into_owned())),
            Self::None => MarkOrigin::None,
        }
    }
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
        plain.places.sort_unstable_by_key(|(detector, _, span)| (*detector, span.start));
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

impl OpenPart<'static> {
    fn push(&mut self, scratch: &mut Scratch, segment: &Segment<'_>, each: &mut dyn FnMut(Match)) {
        let before = self.grid;
        self.grid = Grid::moved(before, segment.place);
        if self.len > 0 {
            let join = Grid::join(before, self.grid).map_or(Cow::Borrowed(segment.join.as_bytes()), Cow::Owned);
            self.search(scratch, &join, each);
            self.len += join.len() as u64;
        }
        self.mark(segment, MarkOrigin::of(segment.origin).into_owned());
        self.search(scratch, segment.text, each);
        self.len += segment.text.len() as u64;
    }
}

impl<'m> OpenPart<'m> {
    /// A part that is one segment.
    fn of(segment: &Segment<'m>, scan: StreamScan) -> Self {
        let mut part = Self::new(segment.part, scan, None);
        part.mark(segment, MarkOrigin::of(segment.origin));
        part
    }

    fn new(part: Part<'_>, scan: StreamScan, known: Option<KnownScan>) -> Self {
        Self { role: part.role, name: part.name.to_owned(), scan, known, len: 0, grid: None, marks: VecDeque::new() }
    }

    fn search(&mut self, scratch: &mut Scratch, text: &[u8], each: &mut dyn FnMut(Match)) {
        self.scan.push(scratch, text, each);
        if let Some(known) = &mut self.known {
            known.push(text, each);
        }
    }

    /// Remembers where the segment begins, unless it simply continues the one before.
    fn mark(&mut self, segment: &Segment<'_>, origin: MarkOrigin<'m>) {
        let place = match segment.place {
            Place::Lines(first) => OwnedPlace::Lines(first.max(1)),
            Place::Page(page) => OwnedPlace::Page(page),
            Place::Cell { sheet, row, column } => {
                OwnedPlace::Cell { sheet: sheet.to_owned(), name: cell_name(row, column) }
            }
            Place::Source(lines) => source_range(segment.origin)
                .and_then(|range| lines.starts(range))
                .map_or(OwnedPlace::None, OwnedPlace::Source),
            Place::None => OwnedPlace::None,
        };
        let continues = self.marks.back().is_some_and(|last| {
            last.place == place
                && match (&last.origin, &origin) {
                    (MarkOrigin::Bytes(a), MarkOrigin::Bytes(b)) => self.len - last.text_start == b.wrapping_sub(*a),
                    (MarkOrigin::None, MarkOrigin::None) => true,
                    _ => false,
                }
        });
        if !continues {
            self.marks.push_back(Mark { text_start: self.len, place, origin });
        }
    }

    /// Drops marks that no undecided match can need, and gives the byte of the item before which no more matches begin; 0
    /// where that is not known.
    fn forget_decided(&mut self) -> u64 {
        let known = self.known.as_ref().map_or(u64::MAX, KnownScan::safe_until);
        let safe = self.scan.safe_until().min(known);
        while self.marks.get(1).is_some_and(|next| next.text_start <= safe) {
            self.marks.pop_front();
        }
        self.mark_at(safe).and_then(|mark| mark.original(safe)).unwrap_or(0)
    }

    fn mark_at(&self, offset: u64) -> Option<&Mark<'m>> {
        let after = self.marks.partition_point(|mark| mark.text_start <= offset);
        self.marks.get(after.checked_sub(1)?)
    }

    /// The run that all of a span lies in: original bytes that stand together, copied where its stride is 1.
    fn run_of(&self, span: Span) -> Option<&MapRun> {
        let Mark { text_start, origin: MarkOrigin::Mapped(runs), .. } = self.mark_at(span.start.0)? else {
            return None;
        };
        let start_of = |run: &MapRun| text_start + u64::from(run.text_start);
        let next = runs.partition_point(|run| start_of(run) <= span.start.0);
        let is_whole = runs.get(next).is_none_or(|run| start_of(run) >= span.end.0);
        runs.get(next.checked_sub(1)?).filter(|_| is_whole)
    }

    /// The span in the raw bytes of the item, when both ends lead back.
    fn original(&self, span: Span) -> Option<Span> {
        let start = self.mark_at(span.start.0)?.original(span.start.0)?;
        let last = span.end.0.saturating_sub(1).max(span.start.0);
        let end = self.mark_at(last)?.original_end(last)?;
        (start < end).then(|| Span::new(start, end))
    }
}

impl Grid {
    /// Empty cells in a row that are kept; a row with more gaps tells no columns.
    const GAP_MAX: u32 = 64;

    /// The grid with the cell that follows; `None` where no cell does.
    fn moved(before: Option<Self>, place: Place<'_>) -> Option<Self> {
        let Place::Cell { row, column, .. } = place else { return None };
        Some(match before {
            None => Self { first_row: row, first_column: column, last_column: column, row, column },
            Some(grid) if row == grid.first_row => Self { last_column: column, column, ..grid },
            Some(grid) => Self { row, column, ..grid },
        })
    }

    /// What separates the last cell from the next one: a tabulator for each border, also of the empty cells between.
    /// `None` where they follow each other in another way than from left to right, row by row.
    fn join(before: Option<Self>, after: Option<Self>) -> Option<Vec<u8>> {
        let (before, after) = (before?, after?);
        let tabs =
            |from: u32, to: u32| Some(vec![b'\t'; to.checked_sub(from).filter(|gap| *gap <= Self::GAP_MAX)? as usize]);
        if before.row == after.row {
            return tabs(before.column, after.column).filter(|tabs| !tabs.is_empty());
        }
        let mut join = tabs(before.column, before.last_column)?;
        join.push(b'\n');
        join.extend(tabs(after.first_column, after.column)?);
        Some(join)
    }
}

impl Mark<'_> {
    fn original(&self, offset: u64) -> Option<u64> {
        match &self.origin {
            MarkOrigin::Bytes(start) => Some(start + (offset - self.text_start)),
            MarkOrigin::Mapped(runs) => {
                let (run, within) = self.run_at(runs, offset)?;
                Some(run.original_at(within))
            }
            MarkOrigin::None => None,
        }
    }

    /// One past the original bytes of the text byte at `offset`.
    fn original_end(&self, offset: u64) -> Option<u64> {
        match &self.origin {
            MarkOrigin::Bytes(_) => self.original(offset).map(|at| at + 1),
            MarkOrigin::Mapped(runs) => {
                let (run, within) = self.run_at(runs, offset)?;
                let is_alone = run.stride > 0 && run.group <= 1;
                Some(if is_alone { run.original_at(within + 1) } else { self.next_place(runs, offset) })
            }
            MarkOrigin::None => None,
        }
    }

    fn run_at<'r>(&self, runs: &'r [MapRun], offset: u64) -> Option<(&'r MapRun, u64)> {
        let within = offset - self.text_start;
        let after = runs.partition_point(|run| u64::from(run.text_start) <= within);
        let run = runs.get(after.checked_sub(1)?)?;
        Some((run, within - u64::from(run.text_start)))
    }

    /// Where the bytes stand that do not share the place of this one: those of the next group, or of the next run; of a
    /// last run, one byte behind its own start.
    fn next_place(&self, runs: &[MapRun], offset: u64) -> u64 {
        let within = offset - self.text_start;
        let after = runs.partition_point(|run| u64::from(run.text_start) <= within);
        let next = runs.get(after);
        let Some(run) = after.checked_sub(1).and_then(|own| runs.get(own)) else { return 0 };
        let behind = (within - u64::from(run.text_start) + 1).next_multiple_of(u64::from(run.group.max(1)));
        match next {
            Some(next) if run.stride == 0 || u64::from(run.text_start) + behind >= next.text_start.into() => {
                next.original_start
            }
            None if run.stride == 0 => run.original_start + 1,
            _ => run.original_at(behind),
        }
    }
}

/// A detector and what it found: by its place in the item, or by its value where that is not known.
type Key = (DetectorIndex, OffsetBase, u64);

fn key(found: &Match, location: &Location) -> Key {
    let place = match location.offset_base {
        OffsetBase::File => location.span.start.0,
        OffsetBase::Text => hash(found),
    };
    (found.detector, location.offset_base, place)
}

/// Whether nothing as sure is known by this key. Then it is remembered, a new one only where there is room.
fn is_surer(known: &mut HashMap<Key, ConfidenceLevel>, (key, level): (Key, ConfidenceLevel), has_room: bool) -> bool {
    match known.entry(key) {
        Entry::Occupied(best) if *best.get() >= level => return false,
        Entry::Occupied(mut best) => {
            best.insert(level);
        }
        Entry::Vacant(place) if has_room => {
            place.insert(level);
        }
        Entry::Vacant(_) => {}
    }
    true
}

/// Whether it was put together from parts.
fn is_joined(location: &Location) -> bool {
    location.part.as_deref().is_some_and(|part| part.ends_with(JOINED))
}

/// What a detector found in original bytes, and how surely.
type PlainPlace = (DetectorIndex, ConfidenceLevel, Span);

/// What was found in texts as they stand.
#[derive(Default)]
struct Plain {
    places: Vec<PlainPlace>,
    /// Values whose texts lead back to no bytes.
    values: HashMap<Key, ConfidenceLevel>,
}

impl Plain {
    fn add(&mut self, found: &Match, location: &Location, max: u64) {
        let level = found.confidence.level();
        match location.offset_base {
            OffsetBase::File if (self.places.len() as u64) < max => {
                self.places.push((found.detector, level, location.span));
            }
            OffsetBase::Text => {
                let has_room = (self.values.len() as u64) < max;
                is_surer(&mut self.values, (key(found, location), level), has_room);
            }
            OffsetBase::File => {}
        }
    }

    fn by_start(&self) -> Vec<PlainPlace> {
        let mut places = self.places.clone();
        places.sort_unstable_by_key(|(.., span)| span.start);
        places
    }

    /// Whether the detector found it in a text as it stands, at least as surely.
    fn knows(&self, found: &Match, location: &Location) -> bool {
        let value = || self.values.get(&key(found, location));
        match location.offset_base {
            OffsetBase::File => self.has_place(found, location),
            OffsetBase::Text => value().is_some_and(|level| *level >= found.confidence.level()),
        }
    }

    /// Whether the detector found something at the place that is at least as sure. Places are sorted by detector and
    /// start; long ones may begin far before.
    fn has_place(&self, found: &Match, location: &Location) -> bool {
        let (detector, span) = (found.detector, location.span);
        let from = span.start.0.saturating_sub(MATCH_LEN_MAX as u64);
        let first = self.places.partition_point(|(known, _, place)| (*known, place.start.0) < (detector, from));
        let near = self.places[first..].iter();
        near.take_while(|(known, _, place)| *known == detector && place.start.0 < span.end.0)
            .any(|(_, level, place)| *level >= found.confidence.level() && place.end.0 > span.start.0)
    }
}

/// A value in groups is the same as in one.
fn hash(found: &Match) -> u64 {
    let mut hasher = DefaultHasher::new();
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
    let bytes = found.value.expose();
    // What has no letters and digits is compared as it stands.
    match bytes.iter().filter(|byte| is_part(byte)).copied().collect::<Vec<u8>>() {
        parts if parts.is_empty() => bytes.hash(&mut hasher),
        parts => parts.hash(&mut hasher),
    }
    hasher.finish()
}

/// The bytes of the item that a mapped text was made from.
fn source_range(origin: Origin<'_>) -> Option<Range<u64>> {
    match origin {
        Origin::Mapped([first, .., last]) => Some(first.original_start..last.original_start),
        _ => None,
    }
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

/// `B2` for row 2, column 2.
fn cell_name(row: u32, column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = column;
    while rest > 0 {
        rest -= 1;
        letters.push((b'A' + (rest % 26) as u8) as char);
        rest /= 26;
    }
    letters.iter().rev().collect::<String>() + &row.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_sheet_have_as_many_fields_as_the_first_one() {
        type Cells = &'static [(u32, u32)];
        let rows: &[(Cells, Option<&str>)] = &[
            (&[(3, 2), (3, 3)], Some("\t")),
            (&[(3, 2), (3, 5)], Some("\t\t\t")),
            (&[(3, 2), (3, 4), (4, 2)], Some("\n")),
            (&[(3, 2), (3, 4), (4, 2), (5, 4)], Some("\t\t\n\t\t")),
            (&[(3, 2), (3, 4), (4, 2), (4, 3), (9, 2)], Some("\t\n")),
            (&[(3, 2), (3, 2)], None),
            (&[(3, 2), (3, 200)], None),
            (&[(3, 2), (4, 1)], None),
            (&[(3, 2)], None),
        ];
        for (cells, expected) in rows {
            let (mut before, mut grid) = (None, None);
            for (row, column) in *cells {
                before = grid;
                grid = Grid::moved(grid, Place::Cell { sheet: "", row: *row, column: *column });
            }
            let join = Grid::join(before, grid);
            assert_eq!(join.as_deref(), expected.map(str::as_bytes), "{cells:?}");
        }
    }

    #[test]
    fn cells_are_named_as_in_a_sheet() {
        for (row, column, expected) in [(2, 2, "B2"), (1, 26, "Z1"), (1, 27, "AA1"), (9, 703, "AAA9")] {
            assert_eq!(cell_name(row, column), expected);
        }
    }
}
