//! Office Open XML packages: documents, workbooks, presentations.
//!
//! Parts are streamed one after the other, the main text first. What a part is follows from its path; parts that no
//! rule knows go through a generic reader, so that nothing in a package is skipped. Files that are embedded are walked
//! as children.

mod binary;
mod prose;
mod styles;
mod workbook;

use super::labels::{Margins, SwitchedOff};
use super::walk::{Failing, Step, Walk, read_head};
use super::xml;
use super::xml::data::{Generic, Properties, Relationships};
use super::zip::{self, Directory, Entry};
use super::{Input, Join, Kind, Origin, Outcome, Place, ReadSeek, Relation, Role, Segment, names, recognise};
use binary::Aside;
use prose::Prose;
use std::io::{Cursor, Read};
use styles::Styles;
use workbook::{Sheet, Strings, Tables, Workbook};

/// What a part is, in the order in which parts are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Route {
    Workbook,
    SharedStrings,
    Styles,
    Slide(u32),
    /// Running text with its role.
    Prose(Rank),
    Sheet,
    Properties,
    Relationships,
    Generic,
    Embedded,
}

/// Roles of running text in reading order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Body,
    Header,
    Footer,
    Note,
    Comment,
    SpeakerNotes(u32),
    Drawing,
    Layout,
}

impl Rank {
    fn role(self) -> Role {
        match self {
            Self::Body => Role::Body,
            Self::Header => Role::Header,
            Self::Footer => Role::Footer,
            Self::Note => Role::Note,
            Self::Comment => Role::Comment,
            Self::SpeakerNotes(_) => Role::SpeakerNotes,
            Self::Drawing => Role::Drawing,
            Self::Layout => Role::Layout,
        }
    }
}

/// Walks a package whose directory was read.
pub(super) fn walk(walk: &mut Walk<'_>, kind: Kind, reader: &mut dyn ReadSeek, directory: &Directory) -> Step {
    let members = zip::members(walk, directory)?;
    let is_in_records = kind == Kind::Xlsx && is_in_records(&members);
    let package = (kind, is_in_records);
    let mut parts: Vec<Part<'_>> = members.iter().map(|member| Part::new(package, member.entry, member.next)).collect();
    parts.sort_by(|a, b| (a.route, &a.path).cmp(&(b.route, &b.path)));
    let mut package = Package::default();
    for part in &parts {
        package.read(walk, reader, part)?;
    }
    package.strings.finish(walk)?;
    if kind == Kind::Docx {
        package.tell_stripped(walk)?;
    }
    zip::uncovered(walk, reader, directory, &members)
}

/// Whether the workbook of a package is a binary one; in others, what bears the suffix of its parts is a file.
fn is_in_records(members: &[zip::Member<'_>]) -> bool {
    let plain = |byte: &u8| if *byte == b'\\' { b'/' } else { byte.to_ascii_lowercase() };
    let has = |path: &str| members.iter().any(|member| member.entry.name.iter().map(plain).eq(path.bytes()));
    has("xl/workbook.bin") && !has("xl/workbook.xml")
}

/// A part with its route.
struct Part<'e> {
    path: String,
    route: Route,
    entry: &'e Entry,
    next: u64,
}

impl<'e> Part<'e> {
    fn new(package: (Kind, bool), entry: &'e Entry, next: u64) -> Self {
        let path = names::decode(&entry.name, entry.is_utf8()).primary;
        Self { route: route(package, &path), path, entry, next }
    }
}

/// What later parts need of earlier ones.
#[derive(Default)]
struct Package {
    workbook: Workbook,
    strings: Strings,
    styles: Styles,
    labels: SwitchedOff,
    margins: Margins,
}

impl Package {
    /// Tells of labels that put a text into every header or footer of a document that has none. What could not be read may
    /// have one.
    fn tell_stripped(&self, walk: &mut Walk<'_>) -> Step {
        if walk.outcome() != Outcome::COMPLETE {
            return Ok(());
        }
        self.labels.stripped(self.margins).iter().try_for_each(|line| {
            let part = super::Part { role: Role::Property, name: "label" };
            let (text, join, origin) = (line.as_bytes(), Join::Line, Origin::None);
            walk.emit(&Segment { text, part, place: Place::None, join, origin })
        })
    }

    fn read(&mut self, walk: &mut Walk<'_>, reader: &mut dyn ReadSeek, part: &Part<'_>) -> Step {
        if part.path.ends_with('/') {
            return Ok(());
        }
        let member = zip::Member { entry: part.entry, next: part.next };
        if part.route == Route::Embedded {
            return zip::embedded(walk, reader, &member);
        }
        // A broken part does not end the document: its trouble is reported and the next part is read.
        match zip::with_part(walk, reader, &member, |walk, content| self.visit(walk, content, part)) {
            Err(super::walk::Break::Job) => Err(super::walk::Break::Job),
            _ => Ok(()),
        }
    }

    fn visit(&mut self, walk: &mut Walk<'_>, content: &mut dyn Read, part: &Part<'_>) -> Step {
        let path = part.path.as_str();
        if is_binary(path) {
            return self.visit_binary(walk, content, part);
        }
        match part.route {
            Route::Workbook => {
                xml::visit(walk, content, path, &mut self.workbook)?;
                if path.ends_with(".rels") { Ok(()) } else { self.workbook.finish(walk) }
            }
            Route::SharedStrings => xml::visit(walk, content, path, &mut self.strings),
            Route::Styles => xml::visit(walk, content, path, &mut self.styles),
            Route::Sheet => self.visit_sheet(walk, content, path),
            Route::Slide(number) => visit_prose(walk, content, path, (Role::Body, Place::Page(number))).0,
            Route::Prose(Rank::SpeakerNotes(number)) => {
                visit_prose(walk, content, path, (Role::SpeakerNotes, Place::Page(number))).0
            }
            Route::Prose(rank) => {
                let (step, has_text) = visit_prose(walk, content, path, (rank.role(), Place::None));
                self.margins.header |= has_text && rank == Rank::Header;
                self.margins.footer |= has_text && rank == Rank::Footer;
                step
            }
            Route::Properties => {
                let mut properties = Properties::after(std::mem::take(&mut self.labels));
                let step = xml::visit(walk, content, path, &mut properties);
                self.labels = properties.into_labels();
                step
            }
            Route::Relationships => xml::visit(walk, content, path, &mut Relationships(path)),
            Route::Generic | Route::Embedded => xml::visit(walk, content, path, &mut Generic::new(path)),
        }
    }

    /// A part of a binary workbook, or a file that bears the name of one.
    fn visit_binary(&mut self, walk: &mut Walk<'_>, content: &mut dyn Read, part: &Part<'_>) -> Step {
        let path = part.path.as_str();
        let head = read_head(content);
        let mut failing = Failing(head.result.err());
        let content = &mut Cursor::new(head.bytes.as_slice()).chain(&mut failing).chain(content);
        if recognise::by_signature(&head.bytes).is_some() {
            return walk.child(path, Relation::Embedded, Input::Stream(content));
        }
        match part.route {
            Route::Workbook => {
                binary::visit(walk, content, path, &mut self.workbook)?;
                self.workbook.finish(walk)
            }
            Route::SharedStrings => binary::visit(walk, content, path, &mut self.strings),
            Route::Styles => binary::visit(walk, content, path, &mut self.styles),
            Route::Sheet => binary::visit(walk, content, path, &mut self.sheet(path)),
            Route::Prose(rank) => binary::visit(walk, content, path, &mut Aside::new(path, rank.role())),
            _ => binary::visit(walk, content, path, &mut Aside::new(path, Role::Data)),
        }
    }

    fn visit_sheet(&mut self, walk: &mut Walk<'_>, content: &mut dyn Read, path: &str) -> Step {
        let mut sheet = self.sheet(path);
        let step = xml::visit(walk, content, path, &mut sheet);
        sheet.finish(walk)?;
        step
    }

    /// The sheet in a part.
    fn sheet<'s>(&'s mut self, path: &'s str) -> Sheet<'s> {
        if self.workbook.counts_from_1904() {
            self.styles.formats().count_from_1904();
        }
        let (name, hidden) = self.workbook.sheet(path).map_or((path, false), |(_, name, hidden)| (name, hidden));
        let role = if hidden { Role::Hidden } else { Role::Body };
        Sheet::new(name, path, role, Tables { strings: &mut self.strings, styles: &self.styles })
    }
}

/// Walks a part of running text; whether it has some.
fn visit_prose(
    walk: &mut Walk<'_>,
    content: &mut dyn Read,
    path: &str,
    (role, place): (Role, Place<'_>),
) -> (Step, bool) {
    let mut prose = Prose::new(role, path, place);
    let step = xml::visit(walk, content, path, &mut prose);
    let has_text = prose.has_text();
    (prose.finish(walk).and(step), has_text)
}

/// What a path holds in a package of a kind, whose workbook may be in records. Case and the direction of slashes differ
/// between writers.
fn route((kind, is_in_records): (Kind, bool), path: &str) -> Route {
    let path = path.to_ascii_lowercase().replace('\\', "/");
    let file = path.rsplit('/').next().unwrap_or_default();
    if matches!(path.as_str(), "xl/workbook.xml" | "xl/_rels/workbook.xml.rels")
        || matches!(path.as_str(), "xl/workbook.bin" | "xl/_rels/workbook.bin.rels")
    {
        return Route::Workbook;
    }
    if path.ends_with(".rels") {
        return Route::Relationships;
    }
    let folder = |name: &str| path.contains(&format!("/{name}/"));
    if is_binary(&path) && is_in_records {
        return binary_route(&path);
    }
    if !path.ends_with(".xml") && !path.ends_with(".vml") {
        return Route::Embedded;
    }
    if path.starts_with("docprops/") || path.starts_with("docmetadata/") {
        return Route::Properties;
    }
    if folder("charts") || folder("diagrams") || folder("drawings") {
        return Route::Prose(Rank::Drawing);
    }
    if file.starts_with("comments") || folder("comments") || folder("threadedcomments") {
        return Route::Prose(Rank::Comment);
    }
    match kind {
        Kind::Docx => word_route(file),
        Kind::Xlsx if file == "sharedstrings.xml" => Route::SharedStrings,
        Kind::Xlsx if file == "styles.xml" => Route::Styles,
        Kind::Xlsx if folder("worksheets") || folder("macrosheets") => Route::Sheet,
        Kind::Pptx => slide_route(&folder, file),
        _ => Route::Generic,
    }
}

/// Whether a part may hold the records of a binary workbook.
fn is_binary(path: &str) -> bool {
    path.len() > 4 && path.is_char_boundary(path.len() - 4) && path[path.len() - 4..].eq_ignore_ascii_case(".bin")
}

/// What a part of a binary workbook holds, by its path in small letters. Other parts bear the same suffix: macros,
/// settings of printers, objects.
fn binary_route(path: &str) -> Route {
    match path.trim_start_matches('/').rsplit_once('/') {
        Some(("xl", "sharedstrings.bin")) => Route::SharedStrings,
        Some(("xl", "styles.bin")) => Route::Styles,
        Some(("xl" | "xl/comments", file)) if file.starts_with("comments") => Route::Prose(Rank::Comment),
        Some(("xl/worksheets" | "xl/macrosheets", _)) => Route::Sheet,
        Some(("xl/pivotcache", _)) => Route::Generic,
        _ => Route::Embedded,
    }
}

fn word_route(file: &str) -> Route {
    let families = [
        ("document", Rank::Body),
        ("header", Rank::Header),
        ("footer", Rank::Footer),
        ("footnotes", Rank::Note),
        ("endnotes", Rank::Note),
    ];
    let rank = families.iter().find(|(prefix, _)| file.starts_with(prefix)).map(|(_, rank)| *rank);
    rank.map_or(Route::Generic, Route::Prose)
}

fn slide_route(folder: &dyn Fn(&str) -> bool, file: &str) -> Route {
    if folder("slides") {
        Route::Slide(number(file))
    } else if folder("notesslides") {
        Route::Prose(Rank::SpeakerNotes(number(file)))
    } else if ["slidelayouts", "slidemasters", "notesmasters", "handoutmasters"].iter().any(|name| folder(name)) {
        Route::Prose(Rank::Layout)
    } else {
        Route::Generic
    }
}

/// The number in a file name such as `slide12.xml`; writers number slides in order.
fn number(file: &str) -> u32 {
    let digits: String = file.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}
