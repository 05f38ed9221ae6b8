//! Running text: documents, headers, notes, comments, slides, drawings and charts, whose elements bear the same names.

use crate::content::walk::{Step, Walk};
use crate::content::xml::attributes::Attributes;
use crate::content::xml::side::Side;
use crate::content::xml::{Element, Visit};
use crate::content::{Join, Origin, Part, Place, Role, Segment};

/// Bytes around a deletion that are handed out with it: the longest numbers with their separators.
const AROUND_BYTES: usize = 48;

/// Collects the text of one part.
pub(super) struct Prose<'p> {
    role: Role,
    name: &'p str,
    place: Place<'p>,
    /// How the next piece of text follows.
    join: Join,
    /// Where text goes while an element that holds text is open.
    target: Option<Role>,
    /// The run that is open is hidden.
    is_hidden_run: bool,
    /// Open paragraph properties: tab stops in them are no tabs.
    properties_depth: u32,
    /// A cell of a table is open and has no paragraph yet.
    is_cell_start: bool,
    /// The element that is open measures a drawing.
    is_measure: bool,
    /// The last text stands in no known element.
    is_stray: bool,
    /// Something that can be seen was handed out.
    has_text: bool,
    attributes: Attributes,
    former: Former,
    side: Side,
}

/// What a paragraph said before it was changed, as far as it stands around a deletion: a number of which some digits
/// were replaced is a number in both versions.
#[derive(Default)]
struct Former {
    /// The last of it.
    before: String,
    /// Bytes that still belong to the deletion in front of them.
    behind: usize,
    /// The text that comes was inserted.
    is_insertion: bool,
}

impl<'p> Prose<'p> {
    pub(super) fn new(role: Role, name: &'p str, place: Place<'p>) -> Self {
        Self {
            role,
            name,
            place,
            join: Join::Line,
            target: None,
            is_hidden_run: false,
            properties_depth: 0,
            is_cell_start: false,
            is_measure: false,
            is_stray: false,
            has_text: false,
            attributes: Attributes::default(),
            former: Former::default(),
            side: Side::default(),
        }
    }

    /// Hands out what stands beside the text.
    pub(super) fn finish(mut self, walk: &mut Walk<'_>) -> Step {
        self.side.flush(walk, self.name, self.place)
    }

    fn flush_if_full(&mut self, walk: &mut Walk<'_>) -> Step {
        if self.side.is_full() { self.side.flush(walk, self.name, self.place) } else { Ok(()) }
    }

    /// Whether the part has a text of its own.
    pub(super) fn has_text(&self) -> bool {
        self.has_text
    }

    fn main(&mut self, walk: &mut Walk<'_>, text: &str) -> Step {
        self.has_text |= !text.trim().is_empty();
        let part = Part { role: self.role, name: if self.role == Role::Body { "" } else { self.name } };
        let join = std::mem::replace(&mut self.join, Join::None);
        walk.emit(&Segment { text: text.as_bytes(), part, place: self.place, join, origin: Origin::None })
    }

    /// The next piece follows at least this far away.
    fn separate(&mut self, join: Join) {
        let rank = |join: Join| match join {
            Join::None => 0,
            Join::Space => 1,
            Join::Cell => 2,
            Join::Line => 3,
        };
        if rank(join) > rank(self.join) {
            self.join = join;
        }
    }

    fn add_attributes(&mut self, element: &Element<'_>) {
        let side = &mut self.side;
        self.attributes.each_new(element, |name, value| side.add(role_of(element.local_name(), name), value));
    }

    fn symbol(&mut self, walk: &mut Walk<'_>, element: &Element<'_>) -> Step {
        let code = element.attribute("char").and_then(|hex| u32::from_str_radix(&hex, 16).ok());
        // Symbol fonts sit in a private area whose lower byte is the character.
        let code = code.map(|code| if (0xF000..=0xF0FF).contains(&code) { code - 0xF000 } else { code });
        match code.and_then(char::from_u32) {
            Some(c) => self.main(walk, c.encode_utf8(&mut [0; 4])),
            None => Ok(()),
        }
    }

    /// Elements that hold text, and where it belongs.
    fn target_of(&self, local_name: &str) -> Option<Role> {
        match local_name {
            "t" | "text" => Some(if self.is_hidden_run { Role::Hidden } else { self.role }),
            "delText" => Some(Role::Deleted),
            "instrText" | "delInstrText" | "f" => Some(Role::Formula),
            "v" => Some(self.role),
            _ => None,
        }
    }
}

impl Visit for Prose<'_> {
    fn start(&mut self, walk: &mut Walk<'_>, element: &Element<'_>) -> Step {
        let name = element.local_name();
        self.is_stray = false;
        self.is_measure = is_measure(name);
        if let Some(target) = self.target_of(name) {
            self.target = Some(target);
            if matches!(name, "v" | "text") {
                self.separate(Join::Line);
            }
            return Ok(());
        }
        match name {
            // The first paragraph of a cell stands beside the cell before it.
            "p" if std::mem::take(&mut self.is_cell_start) => {}
            "p" | "comment" | "threadedComment" | "pt" => self.separate(Join::Line),
            "tc" => self.is_cell_start = true,
            "r" => self.is_hidden_run = false,
            "pPr" | "tabs" => self.properties_depth += 1,
            "ins" | "moveTo" if self.properties_depth == 0 => self.former.is_insertion = true,
            "vanish" | "webHidden" | "specVanish" if self.properties_depth == 0 => self.is_hidden_run = element.is_on(),
            "tab" | "ptab" if self.properties_depth == 0 => self.separate(Join::Cell),
            "br" | "cr" => self.separate(Join::Line),
            "noBreakHyphen" => self.main(walk, "-")?,
            "sym" => self.symbol(walk, element)?,
            "sld" if element.attribute("show").as_deref() == Some("0") => self.role = Role::Hidden,
            _ => {}
        }
        self.add_attributes(element);
        self.flush_if_full(walk)
    }

    fn text(&mut self, walk: &mut Walk<'_>, text: &str) -> Step {
        match self.target {
            Some(role) if role == self.role => {
                self.former.stay(text, &mut self.side);
                self.main(walk, text)
            }
            Some(Role::Deleted) => {
                self.former.delete(text, &mut self.side);
                self.flush_if_full(walk)
            }
            Some(role) => {
                self.side.push(role, text);
                self.flush_if_full(walk)
            }
            None if self.is_measure => Ok(()),
            None => {
                self.side.stray(text, &mut self.is_stray);
                self.flush_if_full(walk)
            }
        }
    }

    fn end(&mut self, _: &mut Walk<'_>, local_name: &str) -> Step {
        (self.is_stray, self.is_measure) = (false, false);
        match local_name {
            "t" | "text" | "delText" | "instrText" | "delInstrText" | "v" | "f" => self.target = None,
            "pPr" | "tabs" => self.properties_depth = self.properties_depth.saturating_sub(1),
            "r" => self.is_hidden_run = false,
            "tc" => (self.join, self.is_cell_start) = (Join::Cell, false),
            "ins" | "moveTo" => self.former.is_insertion = false,
            "p" => {
                self.separate(Join::Line);
                self.side.end_paragraph();
                self.former = Former::default();
            }
            "tr" => self.join = Join::Line,
            _ => {}
        }
        Ok(())
    }
}

impl Former {
    /// Text that stands in the paragraph now.
    fn stay(&mut self, text: &str, side: &mut Side) {
        if self.is_insertion {
            return;
        }
        let behind = text.ceil_char_boundary(self.behind.min(text.len()));
        if behind > 0 {
            side.push(Role::Deleted, &text[..behind]);
        }
        self.behind -= behind.min(self.behind);
        self.keep(text);
    }

    /// Text that was deleted.
    fn delete(&mut self, text: &str, side: &mut Side) {
        if self.behind == 0 {
            side.add(Role::Deleted, &self.before);
        }
        side.push(Role::Deleted, text);
        self.behind = AROUND_BYTES;
        self.keep(text);
    }

    fn keep(&mut self, text: &str) {
        self.before.push_str(text);
        let surplus = self.before.len().saturating_sub(AROUND_BYTES);
        self.before.drain(..self.before.floor_char_boundary(surplus));
    }
}

/// What an attribute is to people.
fn role_of(element: &str, attribute: &str) -> Role {
    match (element, attribute) {
        ("hyperlink" | "hlinkClick" | "hlinkHover", _) => Role::Link,
        ("instr", _) | (_, "instr") => Role::Formula,
        (_, "descr" | "title" | "alt" | "string") | ("tblCaption" | "tblDescription", _) => Role::Drawing,
        ("listItem" | "listEntry" | "default" | "result" | "statusText" | "helpText" | "alias" | "tag", _) => {
            Role::Form
        }
        (_, "author" | "initials") => Role::Comment,
        _ => Role::Data,
    }
}

/// Elements whose text is a length, a share or an identifier of a drawing.
fn is_measure(local_name: &str) -> bool {
    let shares = ["pctWidth", "pctHeight", "pctPosHOffset", "pctPosVOffset"];
    matches!(local_name, "posOffset" | "align" | "Anchor" | "Row" | "Column" | "tableStyleId")
        || shares.contains(&local_name)
}
