//! What extractors give away, and to whom.
//!
//! An extractor walks an item and calls a [`Sink`]: it enters the item, hands out text in [`Segment`]s, enters and
//! leaves the children it finds, reports problems, and leaves with an [`Outcome`]. The sink decides what to do with
//! the text: `inspect` matches it, `dlp extract` prints it, tests collect it. Segments are borrowed, so text streams
//! through without being kept.

use super::{Kind, Outcome, SourceLines};
use crate::base::Problem;
pub use crate::text::MapRun;

/// Receives what an extractor finds. Calls nest: every `enter` is followed by one `leave`.
pub trait Sink {
    /// A new item starts: the input itself, a member, an attachment.
    fn enter(&mut self, item: &ItemStart<'_>) -> Flow;
    /// Text of the current item, in reading order within one part.
    fn text(&mut self, segment: &Segment<'_>) -> Flow;
    /// Trouble with the current item.
    fn problem(&mut self, problem: Problem);
    /// The current item ends.
    fn leave(&mut self, outcome: &Outcome);
}

/// Whether the extractor goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Flow {
    /// Go on.
    Continue,
    /// Leave the current item and go on with the next.
    SkipItem,
    /// Stop altogether: the decision has fallen.
    Stop,
}

/// The start of an item.
#[derive(Clone, Copy, Debug)]
pub struct ItemStart<'a> {
    /// Name inside its container, decoded for people; the input's own name for the outermost item. Not trusted.
    pub name: &'a str,
    /// What its content says it is.
    pub kind: Kind,
    /// How it hangs in its parent.
    pub relation: Relation,
}

/// How an item hangs in its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// The input of the job.
    Root,
    /// A member of an archive or of a compressed stream.
    Member,
    /// A file attached to a document or mail.
    Attachment,
    /// An object embedded in a document.
    Embedded,
    /// Bytes between or behind the members that a container lists.
    Gap,
    /// Content that was encoded inside text.
    Decoded,
}

/// A piece of text with its place.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Text bytes: UTF-8, or the raw bytes when the character set is unknown.
    pub text: &'a [u8],
    /// Which part of the document it belongs to. A change of part ends the matching of the part before.
    pub part: Part<'a>,
    /// Where a person finds it again.
    pub place: Place<'a>,
    /// How it follows the segment before it in the same part.
    pub join: Join,
    /// Where its bytes come from.
    pub origin: Origin<'a>,
}

impl<'a> Segment<'a> {
    /// A segment of the body without a finer place or a byte map.
    #[must_use]
    pub fn body(text: &'a [u8]) -> Self {
        Self { text, part: Part::BODY, place: Place::None, join: Join::None, origin: Origin::None }
    }
}

/// What stands between a segment and the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// Nothing: Word splits one number over several runs.
    None,
    /// A space.
    Space,
    /// A cell border, matched as a tabulator.
    Cell,
    /// A line end.
    Line,
}

impl Join {
    /// The bytes that the engine sees between the two segments.
    #[must_use]
    pub fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::None => b"",
            Self::Space => b" ",
            Self::Cell => b"\t",
            Self::Line => b"\n",
        }
    }
}

/// Part of a document: its role and, in packages, the member that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Part<'a> {
    /// Role.
    pub role: Role,
    /// Name that tells it from other parts of the role: `xl/worksheets/sheet1.xml`, `Author`, a header name. May be
    /// empty.
    pub name: &'a str,
}

impl Part<'_> {
    /// The main text.
    pub const BODY: Part<'static> = Part { role: Role::Body, name: "" };
}

/// Role of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Main text.
    Body,
    /// Page header.
    Header,
    /// Page footer.
    Footer,
    /// Footnote or endnote.
    Note,
    /// Comment or annotation.
    Comment,
    /// Speaker notes.
    SpeakerNotes,
    /// Slide master or layout.
    Layout,
    /// Hidden text, row, column, sheet or slide.
    Hidden,
    /// Deleted text that change tracking kept.
    Deleted,
    /// Chart, diagram, text box, alternative text.
    Drawing,
    /// Formula, field code, defined name.
    Formula,
    /// Form field.
    Form,
    /// Script or macro.
    Script,
    /// Hyperlink target.
    Link,
    /// Document property.
    Property,
    /// File name or path of an item.
    FileName,
    /// Comment of an archive.
    ArchiveComment,
    /// Custom XML or another data part of a package.
    Data,
    /// Text that was encoded in another text; the name of the part says how. It is handed out besides that text and
    /// does not interrupt its part.
    Decoded,
    /// Text that was recognised in a picture.
    Picture,
    /// Raw bytes of an item that no handler consumed as text.
    Raw,
}

impl Role {
    /// The word used in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Header => "header",
            Self::Footer => "footer",
            Self::Note => "note",
            Self::Comment => "comment",
            Self::SpeakerNotes => "speaker-notes",
            Self::Layout => "layout",
            Self::Hidden => "hidden",
            Self::Deleted => "deleted",
            Self::Drawing => "drawing",
            Self::Formula => "formula",
            Self::Form => "form",
            Self::Script => "script",
            Self::Link => "link",
            Self::Property => "metadata",
            Self::FileName => "file-name",
            Self::ArchiveComment => "archive-comment",
            Self::Data => "data",
            Self::Decoded => "decoded",
            Self::Picture => "picture",
            Self::Raw => "raw",
        }
    }
}

/// Where a person finds a segment again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// By line and column, which the matcher counts; the part starts in this line, counted from 1.
    Lines(u64),
    /// By line and column of the bytes that it was made from, for texts of the role [`Decoded`](Role::Decoded).
    Source(&'a SourceLines<'a>),
    /// On a page or slide, counted from 1.
    Page(u32),
    /// In a cell of a sheet.
    Cell {
        /// Name of the sheet.
        sheet: &'a str,
        /// Row, counted from 1.
        row: u32,
        /// Column, counted from 1.
        column: u32,
    },
    /// Nowhere finer than the part.
    None,
}

/// Where the bytes of a segment come from in the raw bytes of its item.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// The text is a copy of the item's bytes from this offset on.
    Bytes(u64),
    /// The text was transcoded; the runs map it back, in ascending order of text offset. The last run stands at the end
    /// of the text, so that exclusive ends map too; see [`original_offset`](crate::text::original_offset).
    Mapped(&'a [MapRun]),
    /// There is no map: offsets count the extracted text of the part.
    None,
}
