//! The text of documents, sheets and slides, with its places and roles.

use super::styles::Styles;
use crate::content::decode::transfer;
use crate::content::walk::{Step, Walk};
use crate::content::xml::attributes::Attributes;
use crate::content::xml::data::plain_number;
use crate::content::xml::side::Side;
use crate::content::xml::{Element, Visit};
use crate::content::{Input, Join, Origin, Part, Place, Relation, Role, Segment};
use std::collections::HashSet;

/// Blanks that one element stands for at most.
const BLANKS_MAX: usize = 64;
/// Comments of cells that are kept until their sheet ends.
const NOTED_BYTES_MAX: usize = 1024 * 1024;
/// Deletions that are told from what was inserted. The text of others is handed out as what is shown.
const DELETIONS_MAX: usize = 16 * 1024;
/// Digits that a value must have to be handed out beside what is shown.
const VALUE_BYTES_MIN: usize = 4;

/// Reads one part.
pub(super) struct Prose<'p> {
    name: &'p str,
    /// Role of text that no element gives another one.
    base: Role,
    styles: Styles,
    /// Roles of open elements that have one, innermost last, with the depth of their element.
    roles: Vec<(usize, Role)>,
    depth: usize,
    /// Open paragraphs, headings and the like: outside them, blanks mean nothing.
    texts: usize,
    join: Join,
    attributes: Attributes,
    changes: Changes,
    side: Side,
    page: Option<u32>,
    is_spreadsheet: bool,
    /// The properties of a document in one file are open.
    is_meta: bool,
    sheet: Option<Sheet>,
    /// A property or a file whose text is open.
    taken: Option<Taken>,
}

/// What was tracked of changes.
#[derive(Default)]
struct Changes {
    /// The change that is described.
    region: String,
    /// Changes that deleted something.
    deletions: HashSet<String>,
    /// Deletions that are open: the text that comes was deleted. They may overlap each other and insertions.
    open: HashSet<String>,
}

/// The sheet that is open.
struct Sheet {
    name: String,
    row: u32,
    column: u32,
    /// Rows and columns that the open row and cell stand for.
    rows: u32,
    columns: u32,
    /// Tables in cells.
    inner: usize,
    /// Text of the open cell, and its value.
    shown: String,
    value: Option<String>,
    noted: Vec<(u32, u32, String)>,
    noted_bytes: usize,
}

/// Text that is collected until its element ends.
struct Taken {
    depth: usize,
    text: String,
    /// Name of a property; a file has none.
    property: Option<String>,
}

impl<'p> Prose<'p> {
    pub(super) fn new(name: &'p str) -> Self {
        // What stands on master pages is shown on every page.
        let base = if name.ends_with("styles.xml") { Role::Layout } else { Role::Body };
        Self {
            name,
            base,
            styles: Styles::default(),
            roles: Vec::new(),
            depth: 0,
            texts: 0,
            join: Join::Line,
            attributes: Attributes::default(),
            changes: Changes::default(),
            side: Side::default(),
            page: None,
            is_spreadsheet: false,
            is_meta: false,
            sheet: None,
            taken: None,
        }
    }

    /// Hands out what stands beside the text.
    pub(super) fn finish(mut self, walk: &mut Walk<'_>) -> Step {
        self.end_sheet(walk)?;
        self.flush_side(walk)
    }

    fn flush_side(&mut self, walk: &mut Walk<'_>) -> Step {
        let place = self.page.map_or(Place::None, Place::Page);
        self.side.flush(walk, self.name, place)
    }

    fn role(&self) -> Role {
        let innermost = self.roles.last().map_or(self.base, |(_, role)| *role);
        if !self.changes.open.is_empty() && innermost == self.base { Role::Deleted } else { innermost }
    }

    /// What is inside the element that starts has this role.
    fn open_role(&mut self, role: Role) {
        self.roles.push((self.depth, role));
        if !self.is_in_line(role) {
            self.side.open(role);
        }
    }

    /// Whether text of the role is handed out where it stands.
    fn is_in_line(&self, role: Role) -> bool {
        role == self.base || role == Role::Hidden && self.sheet.is_some()
    }

    /// Text to where the innermost role wants it.
    fn push(&mut self, walk: &mut Walk<'_>, text: &str) -> Step {
        let role = self.role();
        if self.is_in_line(role) {
            return self.main(walk, role, text);
        }
        match &mut self.sheet {
            Some(sheet) if role == Role::Comment => sheet.note(text),
            _ => self.side.push(role, text),
        }
        if self.side.is_full() { self.flush_side(walk) } else { Ok(()) }
    }

    fn main(&mut self, walk: &mut Walk<'_>, role: Role, text: &str) -> Step {
        let join = std::mem::replace(&mut self.join, Join::None);
        let place = match (&mut self.sheet, self.page) {
            (Some(sheet), _) => {
                sheet.shown.push_str(text);
                Place::Cell { sheet: &sheet.name, row: sheet.row, column: sheet.column }
            }
            (None, Some(page)) => Place::Page(page),
            (None, None) => Place::None,
        };
        let name = if role == Role::Body { "" } else { self.name };
        let part = Part { role, name };
        walk.emit(&Segment { text: text.as_bytes(), part, place, join, origin: Origin::None })
    }

    /// The next piece follows at least this far away.
    fn separate(&mut self, join: Join) {
        let rank = |join: Join| match join {
            Join::None => 0,
            Join::Space => 1,
            Join::Cell => 2,
            Join::Line => 3,
        };
        if self.is_in_line(self.role()) {
            if rank(join) > rank(self.join) {
                self.join = join;
            }
        } else {
            self.side.push(self.role(), std::str::from_utf8(join.as_bytes()).unwrap_or(" "));
        }
    }

    /// Texts that stand in attributes. What cells of a sheet hold is handed out in its place.
    fn add_attributes(&mut self, element: &Element<'_>) {
        // How something looks is said in words, too.
        if element.local_name().ends_with("-properties") {
            return;
        }
        let is_cell = self.sheet.is_some() && is_cell(element.local_name());
        let side = &mut self.side;
        let is_sheet_name = self.is_spreadsheet && element.local_name() == "table";
        self.attributes.each_new(element, |name, value| match name {
            "href" if is_inside(value) => {}
            "name" if is_sheet_name => {}
            "value" | "string-value" | "date-value" | "time-value" if is_cell => {}
            // Conditions of number formats are no text of people.
            "condition" if element.local_name() == "map" => {}
            _ => side.add(role_of(name), value),
        });
    }

    /// Deleted text that is still shown stands in its paragraph, between marks that name the change.
    fn mark_change(&mut self, element: &Element<'_>) {
        let id = |name| element.attribute(name).unwrap_or_default();
        let changes = &mut self.changes;
        match element.local_name() {
            "changed-region" => changes.region = id("id"),
            "deletion" if changes.deletions.len() < DELETIONS_MAX => {
                changes.deletions.insert(std::mem::take(&mut changes.region));
            }
            "change-start" if changes.deletions.contains(&id("change-id")) => {
                changes.open.insert(id("change-id"));
                self.side.open(Role::Deleted);
            }
            "change-end" => {
                changes.open.remove(&id("change-id"));
            }
            _ => {}
        }
    }

    fn start_sheet(&mut self, walk: &mut Walk<'_>, element: &Element<'_>) -> Step {
        if self.styles.hides(element.attribute("style-name")) {
            self.open_role(Role::Hidden);
        }
        self.separate(Join::Line);
        let name = element.attribute("name").unwrap_or_default();
        match &mut self.sheet {
            Some(sheet) => sheet.inner += 1,
            None if self.is_spreadsheet => {
                if !name.is_empty() {
                    walk.emit_name(&name)?;
                }
                self.sheet = Some(Sheet::new(name));
            }
            None => {}
        }
        Ok(())
    }

    fn end_sheet(&mut self, walk: &mut Walk<'_>) -> Step {
        match &mut self.sheet {
            Some(sheet) if sheet.inner > 0 => {
                sheet.inner -= 1;
                return Ok(());
            }
            Some(_) => {}
            None => return Ok(()),
        }
        let Some(sheet) = self.sheet.take() else { return Ok(()) };
        sheet.hand_out(walk, self.name)
    }

    fn start_row(&mut self, element: &Element<'_>) {
        if matches!(element.attribute("visibility").as_deref(), Some("collapse" | "filter")) {
            self.open_role(Role::Hidden);
        }
        if let Some(sheet) = self.sheet.as_mut().filter(|sheet| sheet.inner == 0) {
            (sheet.row, sheet.column) = (sheet.row.saturating_add(sheet.rows), 0);
            (sheet.rows, sheet.columns) = (repeated(element, "number-rows-repeated"), 1);
        }
    }

    fn start_cell(&mut self, element: &Element<'_>) {
        let Some(sheet) = self.sheet.as_mut().filter(|sheet| sheet.inner == 0) else { return };
        sheet.column = sheet.column.saturating_add(sheet.columns);
        sheet.columns = repeated(element, "number-columns-repeated");
        sheet.shown.clear();
        let names = ["value", "string-value", "date-value", "time-value"];
        sheet.value = names.iter().find_map(|name| element.attribute(name));
    }

    /// What a cell holds beside what it shows: formats cut digits off.
    fn end_cell(&mut self, walk: &mut Walk<'_>) -> Step {
        let value = self.sheet.as_mut().filter(|sheet| sheet.inner == 0).and_then(Sheet::hidden_value);
        if let Some(value) = value {
            self.separate(Join::Cell);
            let role = if self.role() == Role::Hidden { Role::Hidden } else { self.base };
            self.main(walk, role, &value)?;
        }
        self.separate(Join::Cell);
        Ok(())
    }

    fn start_page(&mut self, element: &Element<'_>) {
        self.page = Some(self.page.unwrap_or(0) + 1);
        self.separate(Join::Line);
        if self.styles.hides(element.attribute("style-name")) {
            self.open_role(Role::Hidden);
        }
    }

    /// The role of what stands in an element.
    fn role_of(&self, element: &Element<'_>) -> Option<Role> {
        Some(match element.local_name() {
            "annotation" => Role::Comment,
            "note" | "footnote" | "endnote" => Role::Note,
            "tracked-changes" => Role::Deleted,
            "header" | "header-left" | "header-first" => Role::Header,
            "footer" | "footer-left" | "footer-first" => Role::Footer,
            "notes" => Role::SpeakerNotes,
            "hidden-text" | "hidden-paragraph" | "conditional-text" => Role::Hidden,
            "title" | "desc" => Role::Drawing,
            "script" | "module" | "library" => Role::Script,
            "p" | "h" | "span" if self.styles.hides(element.attribute("style-name")) => Role::Hidden,
            _ => return None,
        })
    }

    /// Properties and files of a document in one file.
    fn start_taken(&mut self, element: &Element<'_>) -> bool {
        let property = match element.local_name() {
            "binary-data" => None,
            "user-defined" => Some(element.attribute("name").unwrap_or_default()),
            name if self.taken.is_none() && (self.is_meta || is_property(name)) => Some(name.to_owned()),
            _ => return false,
        };
        self.taken = Some(Taken { depth: self.depth, text: String::new(), property });
        true
    }

    fn end_taken(&mut self, walk: &mut Walk<'_>) -> Step {
        let Some(taken) = self.taken.take_if(|taken| taken.depth == self.depth) else { return Ok(()) };
        match taken.property {
            Some(name) if !taken.text.trim().is_empty() => {
                let role = if self.role() == Role::Comment { Role::Comment } else { Role::Property };
                self.side.add(role, &format!("{name}: {}", taken.text.trim()));
                Ok(())
            }
            Some(_) => Ok(()),
            None => {
                let file = transfer::base64(taken.text.as_bytes(), 0).bytes;
                walk.child("object", Relation::Embedded, Input::Bytes(&file))
            }
        }
    }
}

impl Visit for Prose<'_> {
    fn start(&mut self, walk: &mut Walk<'_>, element: &Element<'_>) -> Step {
        self.depth += 1;
        let name = element.local_name();
        self.add_attributes(element);
        if self.side.is_full() {
            self.flush_side(walk)?;
        }
        if self.start_taken(element) {
            return Ok(());
        }
        self.is_meta |= name == "meta";
        self.styles.start(element);
        if let Some(role) = self.role_of(element) {
            self.open_role(role);
            self.texts += usize::from(role == Role::Script || role == Role::Drawing);
        }
        match name {
            "p" | "h" => {
                // The first paragraph of a cell stands beside the cell before it.
                if self.sheet.as_ref().is_none_or(|sheet| !sheet.shown.is_empty()) {
                    self.separate(Join::Line);
                }
                self.texts += 1;
            }
            "s" => {
                let blanks = element.attribute("c").and_then(|count| count.parse().ok()).unwrap_or(1);
                self.push(walk, &" ".repeat(BLANKS_MAX.min(blanks)))?;
            }
            "tab" | "tab-stop" if self.texts > 0 => self.separate(Join::Cell),
            "line-break" => self.separate(Join::Line),
            "spreadsheet" => self.is_spreadsheet = true,
            "table" => self.start_sheet(walk, element)?,
            "table-row" => self.start_row(element),
            name if is_cell(name) => self.start_cell(element),
            "page" => self.start_page(element),
            "changed-region" | "deletion" | "change-start" | "change-end" => self.mark_change(element),
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, walk: &mut Walk<'_>, text: &str) -> Step {
        if let Some(taken) = &mut self.taken {
            taken.text.push_str(text);
            return Ok(());
        }
        if self.texts > 0 {
            return self.push(walk, text);
        }
        if !text.trim().is_empty() {
            self.side.add(Role::Data, text);
        }
        Ok(())
    }

    fn end(&mut self, walk: &mut Walk<'_>, local_name: &str) -> Step {
        self.end_taken(walk)?;
        match local_name {
            "p" | "h" => self.texts = self.texts.saturating_sub(1),
            name if is_cell(name) => self.end_cell(walk)?,
            "table-row" => self.separate(Join::Line),
            "table" => self.end_sheet(walk)?,
            "meta" => self.is_meta = false,
            "page" => self.flush_side(walk)?,
            _ => {}
        }
        if let Some((_, role)) = self.roles.pop_if(|(depth, _)| *depth >= self.depth) {
            self.texts = self.texts.saturating_sub(usize::from(role == Role::Script || role == Role::Drawing));
            self.side.end_paragraph();
        }
        if matches!(local_name, "p" | "h") && self.sheet.is_none() {
            self.separate(Join::Line);
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }
}

fn is_cell(local_name: &str) -> bool {
    matches!(local_name, "table-cell" | "covered-table-cell")
}

impl Sheet {
    fn new(name: String) -> Self {
        Self {
            name,
            row: 0,
            column: 0,
            rows: 1,
            columns: 1,
            inner: 0,
            shown: String::new(),
            value: None,
            noted: Vec::new(),
            noted_bytes: 0,
        }
    }

    /// The value of the cell, unless the text shows it.
    fn hidden_value(&mut self) -> Option<String> {
        let value = plain_number(&self.value.take()?);
        let is_shown = value.len() < VALUE_BYTES_MIN || self.shown.contains(&value);
        (!is_shown).then_some(value)
    }

    /// Adds to the comment of this cell.
    fn note(&mut self, text: &str) {
        self.noted_bytes += text.len();
        match self.noted.last_mut() {
            Some((row, column, note)) if (*row, *column) == (self.row, self.column) => note.push_str(text),
            _ if self.noted_bytes < NOTED_BYTES_MAX => self.noted.push((self.row, self.column, text.to_owned())),
            // Beyond the bound the cell is lost, the text is not.
            _ => {
                if let Some((_, _, note)) = self.noted.last_mut() {
                    note.push('\n');
                    note.push_str(text);
                }
            }
        }
    }

    /// Hands out the comments.
    fn hand_out(self, walk: &mut Walk<'_>, part: &str) -> Step {
        let part = Part { role: Role::Comment, name: part };
        for (row, column, note) in &self.noted {
            let place = Place::Cell { sheet: &self.name, row: *row, column: *column };
            walk.emit(&Segment { text: note.as_bytes(), part, place, join: Join::Line, origin: Origin::None })?;
        }
        Ok(())
    }
}

fn repeated(element: &Element<'_>, name: &str) -> u32 {
    element.attribute(name).and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// What an attribute is to people.
fn role_of(attribute: &str) -> Role {
    match attribute {
        "href" => Role::Link,
        "formula" | "condition" | "expression" | "command" => Role::Formula,
        "string-value" | "string-value-if-true" | "string-value-if-false" => Role::Hidden,
        "label" | "value" | "current-value" | "help-text" | "title" | "desc" | "description" => Role::Form,
        _ => Role::Data,
    }
}

/// Targets that lie in the document itself.
fn is_inside(target: &str) -> bool {
    ["#", "Pictures/", "./", "Object", "Thumbnails/", "media/"].iter().any(|prefix| target.starts_with(prefix))
}

/// Elements of a document's properties; the creator and date of a comment are some too.
fn is_property(local_name: &str) -> bool {
    matches!(
        local_name,
        "creator"
            | "initial-creator"
            | "subject"
            | "keyword"
            | "generator"
            | "printed-by"
            | "creator-initials"
            | "sender-initials"
            | "publisher"
            | "contributor"
            | "language"
            | "date"
    )
}
