//! One job on its way through items: entering, leaving, problems, and the way down into children.
//!
//! Handlers report trouble through [`Walk::problem`], which also raises the outcome of the item they are in; a child's
//! outcome raises its parent's. The depth of the walk is bounded by `depth_max`, so recursion is too; every level keeps
//! its buffers on the heap.

use super::banners::{self, Banners};
use super::budget::{Budget, Counted, Hit};
use super::copies::Copies;
use super::recognise::{self, HEAD_BYTES};
use super::shelf::Shelf;
use super::views::Views;
use super::zip::{self, OtherVolume, SumMismatch};
use super::{
    Extraction, Flow, Input, ItemStart, Join, Kind, Origin, Outcome, Part, Place, ReadSeek, Relation, Role, Segment,
    Sink,
};
use super::{
    avro, cfb, cms, document, git, gzip, html, image, iso, mail, metafile, names, odf, onenote, ooxml, packed, parquet,
    pdf, plain, plist, pst, rtf, sealed, serial, sqlite, tarball, tnef, views,
};
use crate::base::{DICTIONARY_BYTES_MAX, Limit, Problem, ProblemClass};
use crate::text::Detected;
use std::io::{self, Cursor, Read, SeekFrom};

/// Why a handler ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Break {
    /// Leave the current item and go on with the next.
    Item,
    /// Leave everything.
    Job,
}

/// Result of a step of a handler.
pub(super) type Step<T = ()> = Result<T, Break>;

/// One job.
pub(super) struct Walk<'a> {
    pub(super) budget: &'a Budget<'a>,
    pub(super) extraction: Extraction<'a>,
    sink: &'a mut dyn Sink,
    /// Outcome of the item that is open.
    outcome: Outcome,
    pub(super) views: Views,
    pub(super) banners: Banners,
    pub(super) copies: Copies,
    /// Items that are open.
    depth: u32,
    /// Whether it was said in the open item that names in it are longer than the bound.
    has_clipped: bool,
}

/// A recognised input: its first bytes, and a reader that starts with them.
pub(super) struct Item<'i, 'd> {
    pub(super) name: &'i str,
    pub(super) relation: Relation,
    pub(super) head: &'i [u8],
    /// Whether `head` is all there is.
    pub(super) whole: bool,
    /// The character set of a text, once it was recognised.
    pub(super) charset: Option<Detected>,
    pub(super) input: Input<'d>,
}

impl<'i, 'd> Item<'i, 'd> {
    /// The same item with another way to read it.
    fn with<'e>(&self, input: Input<'e>) -> Item<'i, 'e> {
        let Self { name, relation, head, whole, .. } = *self;
        Item { name, relation, head, whole, charset: self.charset.clone(), input }
    }

    /// Takes the reader out.
    fn take_input(&mut self) -> Input<'d> {
        std::mem::replace(&mut self.input, Input::Bytes(&[]))
    }
}

impl<'a> Walk<'a> {
    pub(super) fn new(budget: &'a Budget<'a>, extraction: Extraction<'a>, sink: &'a mut dyn Sink) -> Self {
        Self {
            budget,
            extraction,
            sink,
            outcome: Outcome::COMPLETE,
            views: Views::default(),
            banners: Banners::default(),
            copies: Copies::default(),
            depth: 0,
            has_clipped: false,
        }
    }

    /// Walks the input of the job.
    pub(super) fn root(&mut self, name: &str, input: Input<'_>) -> Outcome {
        let source = self.budget.source_bytes();
        let _ = match input {
            Input::Stream(reader) => {
                let mut counted = Counted::new(reader, source);
                self.child(name, Relation::Root, Input::Stream(&mut counted))
            }
            Input::Bytes(bytes) => {
                source.set(bytes.len() as u64);
                self.child(name, Relation::Root, Input::Bytes(bytes))
            }
            Input::Seekable(reader) => {
                // What cannot be sought is told when it is read.
                source.set(reader.seek(SeekFrom::End(0)).unwrap_or(0));
                let _ = reader.seek(SeekFrom::Start(0));
                self.child(name, Relation::Root, Input::Seekable(reader))
            }
        };
        self.outcome
    }

    /// Walks an item inside the current one. Only a [`Break::Job`] comes back as an error.
    pub(super) fn child(&mut self, name: &str, relation: Relation, input: Input<'_>) -> Step {
        // Problems belong to items, so the first one is entered whatever happened before.
        if self.depth > 0 {
            views::finish(self)?;
            self.check_budget()?;
        }
        if let Err(hit) = self.budget.take_item() {
            return Err(self.limit(hit));
        }
        let name = self.clip_name(name);
        match input {
            Input::Bytes(bytes) => {
                let head = &bytes[..bytes.len().min(HEAD_BYTES)];
                let whole = head.len() == bytes.len();
                self.recognised(Item { name, relation, head, whole, charset: None, input: Input::Bytes(bytes) })
            }
            Input::Seekable(reader) => {
                let head = read_head(reader);
                if let Err(error) = reader.seek(SeekFrom::Start(0)).and(head.result) {
                    return self.unreadable(name, relation, &error);
                }
                let (bytes, whole) = (head.bytes, head.whole);
                let input = Input::Seekable(reader);
                self.recognised(Item { name, relation, head: &bytes, whole, charset: None, input })
            }
            Input::Stream(reader) => {
                let head = read_head(reader);
                let mut failing = Failing(head.result.err());
                let mut chained = Cursor::new(head.bytes.as_slice()).chain(&mut failing).chain(reader);
                let (whole, input) = (head.whole, Input::Stream(&mut chained));
                self.recognised(Item { name, relation, head: &head.bytes, whole, charset: None, input })
            }
        }
    }

    /// Hands text to the sink.
    pub(super) fn emit(&mut self, segment: &Segment<'_>) -> Step {
        if segment.text.is_empty() {
            return Ok(());
        }
        self.check_budget()?;
        if let Err(hit) = self.budget.charge_handed_out(segment.text.len() as u64) {
            return Err(self.limit(hit));
        }
        match self.sink.text(segment) {
            Flow::Continue => {
                banners::look(self, segment)?;
                views::look(self, segment)
            }
            Flow::SkipItem => Err(Break::Item),
            Flow::Stop => Err(Break::Job),
        }
    }

    /// Reports trouble with the current item.
    pub(super) fn problem(&mut self, problem: Problem) {
        self.raise(Outcome::of(&problem));
        self.sink.problem(problem);
    }

    /// Reports that the structure of the current item is broken.
    pub(super) fn bad_structure(&mut self, message: &'static str) {
        self.problem(Problem::new(ProblemClass::Damaged, "bad_structure", message));
    }

    /// Raises the outcome of the current item to what a parser said of it.
    pub(super) fn raise(&mut self, outcome: Outcome) {
        self.copies.note(outcome);
        self.outcome = self.outcome.worse(outcome);
    }

    /// The outcome of the current item so far.
    pub(super) fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// How many items are open.
    pub(super) fn depth(&self) -> u32 {
        self.depth
    }

    /// Whether the current item is the input of the job.
    pub(super) fn is_root(&self) -> bool {
        self.depth <= 1
    }

    /// Reports a bound as the end of the current item.
    pub(super) fn limit(&mut self, hit: Hit) -> Break {
        self.problem(hit.problem());
        if self.budget.is_exhausted() { Break::Job } else { Break::Item }
    }

    /// Reports a failed read: the bound that a reader met, or else the damage that the decoder found.
    pub(super) fn read_failed(&mut self, error: &io::Error) -> Break {
        if let Some(hit) = self.budget.take_hit() {
            return self.limit(hit);
        }
        if error.get_ref().is_some_and(|inner| inner.is::<OtherVolume>()) {
            let message = "the rest of the member lies in another file of a split archive; it was not read";
            self.problem(zip::other_volume(message));
            return Break::Item;
        }
        let is_sum = error.get_ref().is_some_and(|inner| inner.is::<SumMismatch>());
        let (class, reason, message) = match error.kind() {
            _ if is_sum => (ProblemClass::Damaged, "crc", "the check sum differs from what was read"),
            io::ErrorKind::UnexpectedEof => (ProblemClass::Damaged, "truncated", "ends before its structure does"),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
                (ProblemClass::Damaged, "bad_data", "the compressed or packed data is broken")
            }
            io::ErrorKind::OutOfMemory => {
                let message = "the stream asks for more memory to look back at than the bound; it was not unpacked";
                self.problem(Problem::limit("dictionary_bytes_max", DICTIONARY_BYTES_MAX, message));
                return Break::Item;
            }
            _ => (ProblemClass::Unreadable, "read_error", "reading failed"),
        };
        self.problem(Problem::new(class, reason, message));
        Break::Item
    }

    /// An item that is only named and cannot be opened.
    pub(super) fn closed_child(&mut self, name: &str, kind: Kind, problem: Problem) -> Step {
        self.check_budget()?;
        if let Err(hit) = self.budget.take_item() {
            return Err(self.limit(hit));
        }
        let name = self.clip_name(name);
        self.within(ItemStart { name, kind, relation: Relation::Member }, |walk| {
            walk.problem(problem);
            Ok(())
        })
    }

    /// Ends the job when a bound of the whole job is used up or the job was stopped.
    pub(super) fn check_budget(&mut self) -> Step {
        if let Err(hit) = self.budget.check_cancel() {
            self.problem(hit.problem());
            return Err(Break::Job);
        }
        if self.budget.is_exhausted() { Err(Break::Job) } else { Ok(()) }
    }

    fn recognised(&mut self, mut item: Item<'_, '_>) -> Step {
        let kind = recognise::kind(&mut item);
        if kind == Kind::Zip {
            return self.package(item);
        }
        if kind == Kind::Cfb {
            return self.compound(item);
        }
        let start = ItemStart { name: item.name, kind, relation: item.relation };
        self.within(start, |walk| {
            if walk.is_too_deep() && is_container(kind) {
                walk.problem_of_depth();
                return plain::raw(walk, item.input);
            }
            if let Some(family) = sealed::family(item.head) {
                walk.problem(Problem::new(ProblemClass::Encrypted, family, "encrypted data; its content was not read"));
            }
            if kind == Kind::Binary && names::is_of_volume(item.name) {
                let message = "the file is called like the middle of a split archive; its bytes were scanned";
                walk.problem(zip::other_volume(message));
            }
            match kind {
                Kind::Pdf | Kind::Html | Kind::Rtf | Kind::Mail | Kind::Mailbox => walk.twice(kind, item),
                Kind::Text if !item.whole => walk.twice(kind, item),
                kind if image::is_image(kind) => walk.twice(kind, item),
                _ => walk.handle(kind, item),
            }
        })
    }

    /// A document or script can be an archive too: archives are read from their end. Both readings are walked.
    fn twice(&mut self, kind: Kind, mut item: Item<'_, '_>) -> Step {
        match item.take_input() {
            Input::Bytes(bytes) => {
                let first = self.handle(kind, item.with(Input::Bytes(bytes)));
                let behind = self.behind(kind, bytes);
                self.second(first, behind, &mut Cursor::new(bytes))
            }
            Input::Seekable(reader) if is_held(kind) => {
                let mut behind = None;
                let first = self.with_held(Input::Seekable(&mut *reader), |walk, bytes| {
                    behind = walk.behind(kind, bytes);
                    walk.handle(kind, item.with(Input::Bytes(bytes)))
                });
                self.second(first, behind, reader)
            }
            Input::Seekable(reader) => {
                let first = self.handle(kind, item.with(Input::Seekable(reader)));
                self.second(first, None, reader)
            }
            input @ Input::Stream(_) if is_held(kind) => {
                self.with_held(input, |walk, bytes| walk.twice(kind, item.with(Input::Bytes(bytes))))
            }
            input @ Input::Stream(_) => self.handle(kind, item.with(input)),
        }
    }

    /// Where the bytes begin that the handler of a kind walks as an item of their own.
    fn behind(&self, kind: Kind, bytes: &[u8]) -> Option<u64> {
        match kind {
            Kind::Pdf => document::is_parsed(self, kind).then(|| pdf::end(bytes) as u64),
            kind => image::is_image(kind).then(|| image::end(kind, bytes) as u64),
        }
    }

    /// The second reading; one that lies in the bytes from `behind` on was walked already.
    fn second(&mut self, first: Step, behind: Option<u64>, reader: &mut dyn ReadSeek) -> Step {
        if first == Err(Break::Job) || !recognise::tail_holds_directory(reader) {
            return first;
        }
        let mut directory = zip::Directory::read(reader, self.budget.limits);
        if !directory.is_behind_prefix() {
            return first;
        }
        let prefix_bytes = directory.know_prefix();
        let is_walked = behind.is_some_and(|behind| prefix_bytes >= behind);
        let message = "the file is an archive as well; both readings were scanned";
        self.problem(Problem::new(ProblemClass::Ambiguous, "polyglot", message));
        if is_walked {
            return first;
        }
        self.within(ItemStart { name: "", kind: Kind::Zip, relation: Relation::Gap }, |walk| {
            zip::walk(walk, reader, &directory, Relation::Gap)
        })
    }

    fn handle(&mut self, kind: Kind, item: Item<'_, '_>) -> Step {
        match kind {
            Kind::Text => plain::text(self, item.charset, item.input),
            Kind::Gzip => gzip::walk(self, item),
            Kind::Bzip2
            | Kind::Xz
            | Kind::Lzip
            | Kind::Lzma
            | Kind::Zstd
            | Kind::Lz4
            | Kind::Compress
            | Kind::Snappy => packed::walk(self, kind, item),
            Kind::Brotli => packed::walk_brotli(self, item),
            Kind::Tar => tarball::walk(self, item.input),
            Kind::Tnef => tnef::walk(self, item.input),
            Kind::Cms => cms::walk(self, item.input),
            Kind::Sqlite => sqlite::walk(self, item.input),
            Kind::Parquet => parquet::walk(self, item.input),
            Kind::Avro => avro::walk(self, item.input),
            Kind::PropertyList => plist::walk(self, item.input),
            Kind::GitPack => git::walk(self, item.input),
            Kind::GitBundle => git::walk_bundle(self, item.input),
            Kind::OneNote => onenote::walk(self, item.input),
            Kind::Pst => pst::walk(self, item.input),
            kind if image::is_image(kind) => image::walk(self, kind, item.input),
            Kind::Metafile => metafile::walk(self, item.input),
            Kind::Ar => serial::walk_ar(self, item.input),
            Kind::Cpio => serial::walk_cpio(self, item.input),
            Kind::Rpm => serial::walk_rpm(self, item.input),
            Kind::Warc => serial::walk_warc(self, item.input),
            Kind::Iso => iso::walk(self, item.input),
            Kind::OpenDocument => odf::walk_flat(self, item.input),
            Kind::Html => html::walk(self, item.charset, item.input),
            Kind::Rtf => rtf::walk(self, item.input),
            Kind::Mail => mail::walk(self, item.input),
            Kind::Mailbox => mail::walk_mailbox(self, item.input),
            Kind::Other(name) => document::unsupported(self, name, item.input),
            Kind::Binary => plain::unknown(self, item.input),
            _ => document::walk(self, kind, item.input),
        }
    }

    /// A ZIP file: what it is to people depends on its members, so its directory is read before it is entered.
    fn package(&mut self, item: Item<'_, '_>) -> Step {
        let Item { name, relation, .. } = item;
        match item.input {
            Input::Bytes(bytes) => self.held_archive(name, relation, bytes),
            Input::Seekable(reader) => self.archive(name, relation, reader, None),
            Input::Stream(reader) => {
                let held = self.read_held(reader);
                if let Some(limit) = held.cut {
                    return self.within(ItemStart { name, kind: Kind::Zip, relation }, |walk| {
                        walk.held_too_much(limit, Input::Stream(&mut Cursor::new(held.bytes).chain(reader)))
                    });
                }
                let budget = self.budget;
                let _guard = budget.hold(held.bytes.len() as u64);
                self.held_archive(name, relation, &held.bytes)?;
                if let Some(error) = held.error {
                    let _ = self.read_failed(&error);
                }
                Ok(())
            }
        }
    }

    /// A compound file: what it is to people depends on its streams, so its directory is read before it is entered.
    fn compound(&mut self, item: Item<'_, '_>) -> Step {
        let Item { name, relation, .. } = item;
        let start = |kind| ItemStart { name, kind, relation };
        let (reader, held): (&mut dyn Read, Held) = match item.input {
            Input::Bytes(bytes) => return self.within(start(cfb::kind(bytes)), |walk| walk.compound_bytes(bytes)),
            Input::Seekable(reader) => {
                let held = self.read_held(reader);
                (reader, held)
            }
            Input::Stream(reader) => {
                let held = self.read_held(reader);
                (reader, held)
            }
        };
        if let Some(limit) = held.cut {
            return self.within(start(Kind::Cfb), |walk| {
                walk.held_too_much(limit, Input::Stream(&mut Cursor::new(held.bytes).chain(reader)))
            });
        }
        let budget = self.budget;
        let _guard = budget.hold(held.bytes.len() as u64);
        self.within(start(cfb::kind(&held.bytes)), |walk| {
            walk.compound_bytes(&held.bytes)?;
            held.error.map_or(Ok(()), |error| Err(walk.read_failed(&error)))
        })
    }

    fn compound_bytes(&mut self, bytes: &[u8]) -> Step {
        if self.is_too_deep() {
            self.problem_of_depth();
            return plain::raw(self, Input::Bytes(bytes));
        }
        cfb::walk(self, bytes)
    }

    /// Walks a document that lies in the current item and is no run of bytes.
    pub(super) fn inner(&mut self, start: ItemStart<'_>, handler: impl FnOnce(&mut Self) -> Step) -> Step {
        self.check_budget()?;
        if let Err(hit) = self.budget.take_item() {
            return Err(self.limit(hit));
        }
        let name = self.clip_name(start.name);
        self.within(ItemStart { name, ..start }, handler)
    }

    fn held_archive(&mut self, name: &str, relation: Relation, bytes: &[u8]) -> Step {
        self.archive(name, relation, &mut Cursor::new(bytes), Some(bytes))
    }

    /// An archive; where it is held in memory, these are its bytes.
    fn archive(&mut self, name: &str, relation: Relation, reader: &mut dyn ReadSeek, held: Option<&[u8]>) -> Step {
        let directory = zip::Directory::read(reader, self.budget.limits);
        let kind = directory.kind();
        self.within(ItemStart { name, kind, relation }, |walk| {
            if walk.is_too_deep() {
                walk.problem_of_depth();
                return plain::raw(walk, Input::Seekable(reader));
            }
            match kind {
                Kind::Zip => match held.filter(|_| !walk.is_root()) {
                    Some(bytes) => walk.unless_known(bytes, |walk| zip::walk(walk, reader, &directory, relation)),
                    None => zip::walk(walk, reader, &directory, relation),
                },
                Kind::OpenDocument => odf::walk(walk, reader, &directory),
                _ => ooxml::walk(walk, kind, reader, &directory),
            }
        })
    }

    /// Runs a handler that needs all bytes at once. What exceeds the bound is scanned raw instead.
    pub(super) fn with_held(&mut self, input: Input<'_>, handler: impl FnOnce(&mut Self, &[u8]) -> Step) -> Step {
        let (reader, held): (&mut dyn Read, Held) = match input {
            Input::Bytes(bytes) => return handler(self, bytes),
            Input::Seekable(reader) => {
                let held = self.read_held(reader);
                (reader, held)
            }
            Input::Stream(reader) => {
                let held = self.read_held(reader);
                (reader, held)
            }
        };
        if let Some(limit) = held.cut {
            return self.held_too_much(limit, Input::Stream(&mut Cursor::new(held.bytes).chain(reader)));
        }
        let budget = self.budget;
        let _guard = budget.hold(held.bytes.len() as u64);
        handler(self, &held.bytes)?;
        held.error.map_or(Ok(()), |error| Err(self.read_failed(&error)))
    }

    /// Runs a handler that needs to read at any place. What comes once is held: as it is, or packed where it was packed too
    /// densely for that.
    pub(super) fn with_seekable(
        &mut self,
        input: Input<'_>,
        handler: impl FnOnce(&mut Self, &mut dyn ReadSeek) -> Step,
    ) -> Step {
        let reader = match input {
            Input::Bytes(bytes) => return handler(self, &mut Cursor::new(bytes)),
            Input::Seekable(reader) => return handler(self, reader),
            Input::Stream(reader) => reader,
        };
        let held = self.read_held(reader);
        let budget = self.budget;
        if held.cut.is_none() {
            let _guard = budget.hold(held.bytes.len() as u64);
            handler(self, &mut Cursor::new(&held.bytes))?;
            return held.error.map_or(Ok(()), |error| Err(self.read_failed(&error)));
        }
        let (mut shelf, rest) = (Shelf::default(), held.bytes);
        match self.fill(&mut shelf, &mut Cursor::new(rest).chain(&mut *reader)) {
            (Some(limit), _) => self.held_too_much(limit, Input::Stream(&mut shelf.chain(reader))),
            (None, error) => {
                let _guard = budget.hold(shelf.packed_bytes());
                handler(self, &mut shelf)?;
                error.map_or(Ok(()), |error| Err(self.read_failed(&error)))
            }
        }
    }

    /// Packs all of an input, or says which bound it would pass.
    fn fill(&self, shelf: &mut Shelf, reader: &mut dyn Read) -> (Option<Limit>, Option<io::Error>) {
        let mut step = Vec::new();
        loop {
            step.clear();
            let read = (&mut *reader).take(16 * Shelf::piece_bytes() as u64).read_to_end(&mut step);
            shelf.put(&step);
            if let Some(limit) = self.budget.bound_of_holding(shelf.packed_bytes()) {
                return (Some(limit), None);
            }
            if read.is_err() || step.is_empty() {
                return (None, read.err());
            }
        }
    }

    fn held_too_much(&mut self, limit: Limit, input: Input<'_>) -> Step {
        let message = match limit.name {
            "held_bytes_max" => {
                "larger than what may be held in memory for a format that needs seeking; raw bytes were scanned"
            }
            _ => "packed too densely to be held in memory for a format that needs seeking; raw bytes were scanned",
        };
        self.problem(Problem::limit(limit.name, limit.value, message));
        plain::raw(self, input)
    }

    /// Reads what may be held. How much that is shows as the input is read.
    fn read_held(&self, reader: &mut (impl Read + ?Sized)) -> Held {
        const STEP_BYTES: u64 = 1024 * 1024;
        let mut held = Held { bytes: Vec::new(), cut: None, error: None };
        loop {
            let before = held.bytes.len();
            held.cut = self.budget.bound_of_holding(before as u64);
            let room = self.budget.limits.held_bytes_max.saturating_add(1).saturating_sub(before as u64);
            if held.cut.is_some() {
                return held;
            }
            held.error = (&mut *reader).take(room.min(STEP_BYTES)).read_to_end(&mut held.bytes).err();
            if held.error.is_some() || held.bytes.len() == before {
                return held;
            }
        }
    }

    pub(super) fn is_too_deep(&self) -> bool {
        self.depth > self.budget.limits.depth_max
    }

    pub(super) fn problem_of_depth(&mut self) {
        let depth_max = u64::from(self.budget.limits.depth_max);
        self.problem(Problem::limit("depth_max", depth_max, "nested deeper than the bound; raw bytes were scanned"));
    }

    /// Runs a handler between `enter` and `leave`, and hands its outcome on to the parent.
    fn within(&mut self, start: ItemStart<'_>, handler: impl FnOnce(&mut Self) -> Step) -> Step {
        let parent = std::mem::replace(&mut self.outcome, Outcome::COMPLETE);
        let parent_has_clipped = std::mem::replace(&mut self.has_clipped, false);
        let parent_banners = std::mem::take(&mut self.banners);
        self.depth += 1;
        let step = match self.sink.enter(&start) {
            Flow::Continue => {
                let handled = self.announce(&start).and_then(|()| handler(self));
                handled.and_then(|()| views::finish(self)).and_then(|()| banners::finish(self))
            }
            Flow::SkipItem => Err(Break::Item),
            Flow::Stop => Err(Break::Job),
        };
        // What waits for more belongs to this item.
        self.views.forget();
        self.banners = parent_banners;
        if let Some(hit) = self.budget.take_hit() {
            self.problem(hit.problem());
        }
        self.depth -= 1;
        let outcome = std::mem::replace(&mut self.outcome, parent);
        self.sink.leave(&outcome);
        self.outcome = self.outcome.worse(outcome);
        self.has_clipped = parent_has_clipped;
        match step {
            Err(Break::Job) => Err(Break::Job),
            _ => Ok(()),
        }
    }

    /// Hands out the name of a member: names carry data too.
    fn announce(&mut self, start: &ItemStart<'_>) -> Step {
        self.check_budget()?;
        if start.relation == Relation::Root || start.relation == Relation::Gap {
            return Ok(());
        }
        self.emit_name(start.name)
    }

    /// The part of a name that is shown and scanned. What is left out is a problem of the item around it.
    pub(super) fn clip_name<'n>(&mut self, name: &'n str) -> &'n str {
        let len_max = self.budget.limits.name_bytes_max;
        let clipped = &name[..name.floor_char_boundary(len_max)];
        // An archive may hold thousands of such names, and each problem names the items around it.
        if clipped.len() < name.len() && self.depth > 0 && !std::mem::replace(&mut self.has_clipped, true) {
            let message = "names are longer than the bound; the rest of them was not read";
            self.problem(Problem::limit("name_bytes_max", len_max as u64, message));
        }
        clipped
    }

    /// Hands out a reading of a member's name.
    pub(super) fn emit_name(&mut self, name: &str) -> Step {
        self.emit(&Segment {
            text: name.as_bytes(),
            part: Part { role: Role::FileName, name: "" },
            place: Place::None,
            join: Join::Line,
            origin: Origin::None,
        })
    }

    fn unreadable(&mut self, name: &str, relation: Relation, error: &io::Error) -> Step {
        self.within(ItemStart { name, kind: Kind::Binary, relation }, |walk| {
            let message = format!("reading failed: {}", error.kind());
            let hit = walk.budget.take_hit().map(Hit::problem);
            walk.problem(hit.unwrap_or_else(|| Problem::new(ProblemClass::Unreadable, "read_error", message)));
            Ok(())
        })
    }
}

/// Kinds whose bytes are held, and whose end is told from what stands behind it.
fn is_held(kind: Kind) -> bool {
    kind == Kind::Pdf || image::is_image(kind)
}

/// Kinds whose handlers go down into children.
fn is_container(kind: Kind) -> bool {
    !matches!(kind, Kind::Text | Kind::Html | Kind::Other(_) | Kind::Binary)
}

/// The first bytes of a reader.
pub(super) struct Head {
    pub(super) bytes: Vec<u8>,
    whole: bool,
    pub(super) result: io::Result<u64>,
}

pub(super) fn read_head(reader: &mut (impl Read + ?Sized)) -> Head {
    let mut bytes = Vec::with_capacity(HEAD_BYTES);
    let result = reader.take(HEAD_BYTES as u64).read_to_end(&mut bytes).map(|len| len as u64);
    let whole = result.is_ok() && bytes.len() < HEAD_BYTES;
    Head { bytes, whole, result }
}

/// Returns the error of a read ahead when its place comes, then nothing.
pub(super) struct Failing(pub(super) Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// What was read of an input into memory.
struct Held {
    bytes: Vec<u8>,
    /// The bound beyond which there is more than may be held.
    cut: Option<Limit>,
    error: Option<io::Error>,
}

/// Runs a function on the reader of any input.
pub(super) fn with_reader<T>(input: Input<'_>, read: impl FnOnce(&mut dyn Read) -> T) -> T {
    match input {
        Input::Bytes(mut bytes) => read(&mut bytes),
        Input::Seekable(reader) => read(reader),
        Input::Stream(reader) => read(reader),
    }
}
