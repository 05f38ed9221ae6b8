//! Databases of SQLite: the rows of every table, files in blobs, and what was deleted and still stands there.
//!
//! Nothing is executed. The statements that made the tables are text like any other, and name the columns. A row is
//! handed out as cells; the names of the columns come again every few rows, so that they stand near each value. An
//! index repeats values of its table, and only what it holds alone is handed out. Pages and bytes that nothing leads to
//! are items of their own. A write-ahead log is a file of its own and scanned as raw bytes.

mod columns;
mod file;
mod record;

use super::walk::{Step, Walk};
use super::{Input, Join, Origin, Part, Place, Relation, Role, Segment, document, recognise, strings};
use crate::base::{Problem, ProblemClass, SQLITE_SCHEMA_ENTRIES_MAX};
use crate::text::{Charset, is_utf8};
use columns::{Columns, NAME_BYTES_MAX};
use file::{Cell, Chain, Database, Rest};
use record::Value;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, SeekFrom};

/// The table of tables, and the page where it starts.
const SCHEMA: &str = "sqlite_schema";
const SCHEMA_PAGE: u32 = 1;
/// What rows are called that no table leads to.
const FREE: &str = "(deleted)";
/// Bytes of rows after which the names of the columns come again. Context reaches this far.
const HEADER_DISTANCE_BYTES: usize = 768;
/// Bytes of names that come again; wider tables have their first names only.
const HEADER_BYTES_MAX: usize = 256;
/// Blobs from this length on are items; shorter ones are only if they are files.
const BLOB_BYTES_MIN: usize = 256;
/// Values of long rows from this length on are items that are read as they come, texts too.
const VALUE_BYTES_MAX: usize = 1024 * 1024;
/// Bytes behind the last value of a long row that are looked at to see whether there are any.
const BEHIND_BYTES_MAX: usize = 4 * 1024;
/// Bytes that no cell covers are handed out when there are so many of them.
const GAPS_BYTES_MAX: usize = 1024 * 1024;
/// Values of one table that its indexes are compared with. Those of more are handed out again.
const REMEMBERED_MAX: usize = 1024 * 1024;

/// Walks a database.
pub(super) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    walk.with_seekable(input, |walk, reader| match Database::open(reader) {
        Ok(Some(file)) => Reading { charset: charset(&file), file }.all(walk),
        Ok(None) => {
            let _ = reader.seek(SeekFrom::Start(0));
            document::unsupported(walk, "sqlite", Input::Seekable(reader))
        }
        Err(error) => Err(walk.read_failed(&error)),
    })
}

fn charset(file: &Database<'_>) -> Charset {
    match file.encoding {
        2 => Charset::Utf16Le,
        3 => Charset::Utf16Be,
        _ => Charset::Utf8,
    }
}

struct Reading<'d> {
    file: Database<'d>,
    charset: Charset,
}

/// A table, or an index, as the schema describes it.
struct Entry {
    is_table: bool,
    table: String,
    page: u32,
    statement: String,
}

impl Reading<'_> {
    fn all(&mut self, walk: &mut Walk<'_>) -> Step {
        let entries = self.schema(walk)?;
        let mut indexes: HashMap<&str, Vec<&Entry>> = HashMap::new();
        for index in entries.iter().filter(|entry| !entry.is_table) {
            indexes.entry(&index.table).or_default().push(index);
        }
        for entry in entries.iter().filter(|entry| entry.is_table) {
            let mut rows = Rows::new(&entry.table, Columns::of(&entry.statement));
            // A broken schema may name a table twice; its indexes come with the first one.
            let indexes = indexes.remove(entry.table.as_str()).unwrap_or_default();
            rows.remembers = !indexes.is_empty();
            self.tree(walk, entry.page, &mut |reading, walk, cell| rows.row(reading, walk, cell))?;
            rows.is_index = true;
            for index in indexes {
                self.tree(walk, index.page, &mut |reading, walk, cell| rows.row(reading, walk, cell))?;
            }
        }
        self.unreached(walk)
    }

    /// Walks the table of tables, and keeps in mind what it leads to.
    fn schema(&mut self, walk: &mut Walk<'_>) -> Step<Vec<Entry>> {
        let (mut entries, mut is_over) = (Vec::new(), false);
        let mut schema = Rows::new(SCHEMA, Columns::default());
        self.tree(walk, SCHEMA_PAGE, &mut |reading, walk, cell| {
            match reading.entry(&cell.payload) {
                Some(entry) if entries.len() < SQLITE_SCHEMA_ENTRIES_MAX => entries.push(entry),
                Some(_) if !is_over => {
                    is_over = true;
                    let message = "the database has more tables than the bound; the rest was read without their names";
                    walk.problem(Problem::limit(
                        "sqlite_schema_entries_max",
                        SQLITE_SCHEMA_ENTRIES_MAX as u64,
                        message,
                    ));
                }
                _ => {}
            }
            schema.row(reading, walk, cell)
        })?;
        Ok(entries)
    }

    /// Walks what no table leads to: deleted rows, and bytes that are no rows.
    fn unreached(&mut self, walk: &mut Walk<'_>) -> Step {
        let is_broken = self.file.is_broken;
        let mut rows = Rows::new(FREE, Columns::default());
        let mut next = self.file.next_unread(SCHEMA_PAGE);
        while let Some(page) = next {
            if self.file.is_tree(page) {
                self.tree(walk, page, &mut |reading, walk, cell| rows.row(reading, walk, cell))?;
            } else {
                self.file.keep_page(page);
                if self.file.gaps.len() > GAPS_BYTES_MAX {
                    walk.check_budget()?;
                    self.give_gaps(walk)?;
                }
            }
            next = self.file.next_unread(page);
        }
        // What was deleted may lead anywhere; that alone is no damage.
        if is_broken {
            let message = "pages of the database do not fit together; what could be read was scanned";
            walk.bad_structure(message);
        }
        if self.file.is_shared {
            let message = "cells share their bytes; pages with more of them than they hold were scanned as raw bytes";
            walk.problem(Problem::new(ProblemClass::Ambiguous, "overlap", message));
        }
        self.give_gaps(walk)?;
        self.file.failed.take().map_or(Ok(()), |error| Err(walk.read_failed(&error)))
    }

    /// Walks the bytes that no cell covers, so far.
    fn give_gaps(&mut self, walk: &mut Walk<'_>) -> Step {
        let gaps = std::mem::take(&mut self.file.gaps);
        if gaps.is_empty() { Ok(()) } else { walk.child("", Relation::Gap, Input::Bytes(&gaps)) }
    }

    /// Walks the cells of a tree in order.
    fn tree(
        &mut self,
        walk: &mut Walk<'_>,
        root: u32,
        each: &mut dyn FnMut(&mut Self, &mut Walk<'_>, Cell) -> Step,
    ) -> Step {
        // Each page is taken once, so the stack holds no more than there are pointers.
        let mut waiting = vec![root];
        while let Some(page) = waiting.pop() {
            walk.check_budget()?;
            let (cells, below) = self.file.read_tree_page(page);
            waiting.extend(below);
            for cell in cells {
                each(self, walk, cell)?;
            }
            if self.file.gaps.len() > GAPS_BYTES_MAX {
                self.give_gaps(walk)?;
            }
        }
        Ok(())
    }

    /// What a row of the schema describes; views and triggers have no pages.
    fn entry(&self, payload: &[u8]) -> Option<Entry> {
        let (values, _) = record::values(payload);
        let [Value::Text(kind), Value::Text(_), Value::Text(table), Value::Integer(page), rest @ ..] =
            values.as_slice()
        else {
            return None;
        };
        let statement = rest.first().map_or_else(String::new, |value| match value {
            Value::Text(text) => self.charset.decode(text),
            _ => String::new(),
        });
        let page = u32::try_from(*page).ok().filter(|page| *page > SCHEMA_PAGE)?;
        // The name comes again with every row.
        let mut table = self.charset.decode(table);
        table.truncate(table.floor_char_boundary(NAME_BYTES_MAX));
        Some(Entry { is_table: self.charset.decode(kind) == "table", table, page, statement })
    }
}

/// Rows of a table on their way out.
struct Rows<'t> {
    table: &'t str,
    columns: Columns,
    header: String,
    /// Bytes since the names of the columns were handed out.
    distance: usize,
    /// Rows so far, for those whose own number is none to show.
    count: u32,
    /// Whether an index will repeat the values.
    remembers: bool,
    is_index: bool,
    seen: HashSet<u64>,
}

/// A row on its way out.
struct Row<'r> {
    number: u32,
    /// The number that the table itself knows it by.
    id: Option<i64>,
    /// How its next text is joined to what came before.
    join: Join,
    charset: &'r Charset,
    /// Bytes that are no text.
    kept: &'r mut Vec<u8>,
}

impl<'t> Rows<'t> {
    fn new(table: &'t str, columns: Columns) -> Self {
        let mut header = columns.names.join("\t");
        header.truncate(header.floor_char_boundary(HEADER_BYTES_MAX));
        let (distance, seen) = (HEADER_DISTANCE_BYTES, HashSet::new());
        Self { table, columns, header, distance, count: 0, remembers: false, is_index: false, seen }
    }

    fn row(&mut self, reading: &mut Reading<'_>, walk: &mut Walk<'_>, cell: Cell) -> Step {
        self.count = self.count.saturating_add(1);
        let row = cell.row_id.and_then(|number| u32::try_from(number).ok()).unwrap_or(self.count);
        self.names(walk)?;
        if let Some(rest) = cell.rest {
            return self.long_row(reading, walk, (row, cell.row_id), (cell.payload, rest));
        }
        let (values, behind) = record::values(&cell.payload);
        match behind {
            Some(behind) => reading.file.keep(behind),
            None => {
                reading.file.is_broken = true;
                reading.file.keep(&cell.payload);
            }
        }
        let Reading { file, charset } = reading;
        let mut row = Row { number: row, id: cell.row_id, join: Join::Line, charset, kept: &mut file.gaps };
        (1_u32..).zip(values).try_for_each(|(column, value)| self.value(walk, &mut row, column, value))
    }

    /// Hands out a value, unless an index repeats it. The number of a row stands in none of its values where it is its key.
    fn value(&mut self, walk: &mut Walk<'_>, row: &mut Row<'_>, column: u32, value: Value<'_>) -> Step {
        let is_row_id = self.columns.row_id.is_some_and(|index| index + 1 == column as usize) && !self.is_index;
        let value = match (value, row.id) {
            (Value::Null, Some(number)) if is_row_id => Value::Integer(number),
            (value, _) => value,
        };
        if self.is_repeated(&value) {
            return Ok(());
        }
        if let Some(text) = self.shown(walk, row, column, &value)? {
            self.text(walk, &text, Place::Cell { sheet: self.table, row: row.number, column }, row.join)?;
            row.join = Join::Cell;
        }
        Ok(())
    }

    /// A row whose values are read one after the other.
    fn long_row(
        &mut self,
        reading: &mut Reading<'_>,
        walk: &mut Walk<'_>,
        (number, id): (u32, Option<i64>),
        (beginning, rest): (Vec<u8>, Rest),
    ) -> Step {
        let charset = reading.charset.clone();
        let header_bytes = record::varint(&beginning).map_or(0, |(header_bytes, _)| header_bytes);
        let mut chain = Chain::new(&mut reading.file, beginning, rest);
        let header = chain.next_bytes(usize::try_from(header_bytes).unwrap_or(0).min(VALUE_BYTES_MAX));
        let kinds = record::kinds(&header).unwrap_or_default();
        let mut is_broken = kinds.is_empty();
        let mut kept = Vec::new();
        let mut row = Row { number, id, join: Join::Line, charset: &charset, kept: &mut kept };
        for (column, kind) in (1_u32..).zip(kinds) {
            let Some(len) = record::len_of(kind).and_then(|len| usize::try_from(len).ok()) else {
                is_broken = true;
                break;
            };
            if len >= VALUE_BYTES_MAX {
                let name = self.name_of(number, column);
                let mut value = Read::take(&mut chain, len as u64);
                walk.child(&name, Relation::Embedded, Input::Stream(&mut value))?;
                // What a handler did not read belongs to no other value.
                let _ = io::copy(&mut value, &mut io::sink());
                continue;
            }
            let bytes = chain.next_bytes(len);
            let Some((value, _)) = record::value(kind, &bytes) else {
                is_broken = true;
                break;
            };
            self.value(walk, &mut row, column, value)?;
        }
        // What stands behind the last value, or cannot be any.
        let behind = chain.next_bytes(BEHIND_BYTES_MAX);
        let step = if behind.is_empty() {
            Ok(())
        } else {
            let mut behind = io::Cursor::new(behind).chain(chain);
            walk.child("", Relation::Gap, Input::Stream(&mut behind))
        };
        reading.file.is_broken |= is_broken;
        reading.file.gaps.append(&mut kept);
        step
    }

    /// Hands out the names of the columns, where they were long ago.
    fn names(&mut self, walk: &mut Walk<'_>) -> Step {
        if self.distance >= HEADER_DISTANCE_BYTES && !self.header.is_empty() {
            let header = std::mem::take(&mut self.header);
            self.text(walk, header.as_bytes(), Place::None, Join::Line)?;
            self.header = header;
            self.distance = 0;
        }
        Ok(())
    }

    /// What a value is called that is an item.
    fn name_of(&self, row: u32, column: u32) -> String {
        let column = self.columns.names.get(column as usize - 1);
        format!("{} {row} {}", self.table, column.map_or("blob", String::as_str))
    }

    /// Whether an index repeats a value of its table. Numbers are short, so they are not told apart.
    fn is_repeated(&mut self, value: &Value<'_>) -> bool {
        let (Value::Text(bytes) | Value::Blob(bytes)) = value else { return self.is_index };
        if !self.remembers {
            return false;
        }
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let hash = hasher.finish();
        if self.is_index {
            return self.seen.contains(&hash);
        }
        if self.seen.len() < REMEMBERED_MAX {
            self.seen.insert(hash);
        }
        false
    }

    /// The text of a value. Blobs that are no text are walked or kept.
    fn shown(&self, walk: &mut Walk<'_>, row: &mut Row<'_>, column: u32, value: &Value<'_>) -> Step<Option<Vec<u8>>> {
        let charset = row.charset;
        Ok(match value {
            Value::Null => None,
            Value::Integer(number) => Some(number.to_string().into_bytes()),
            Value::Real(number) => Some(number.to_string().into_bytes()),
            // UTF-8 without zeros is what it seems.
            Value::Text(bytes) if *charset == Charset::Utf8 && !bytes.contains(&0) => Some(bytes.to_vec()),
            Value::Text(bytes) => Some(strings::decode(bytes, charset).into_bytes()),
            Value::Blob(bytes) if bytes.len() >= BLOB_BYTES_MIN || recognise::has_signature(bytes) => {
                walk.child(&self.name_of(row.number, column), Relation::Embedded, Input::Bytes(bytes))?;
                None
            }
            Value::Blob(bytes) if is_utf8(bytes) && !bytes.contains(&0) => Some(bytes.to_vec()),
            Value::Blob(bytes) => {
                row.kept.extend_from_slice(bytes);
                row.kept.push(b'\n');
                None
            }
        })
    }

    fn text(&mut self, walk: &mut Walk<'_>, text: &[u8], place: Place<'_>, join: Join) -> Step {
        self.distance += text.len() + 1;
        let part = Part { role: Role::Body, name: self.table };
        walk.emit(&Segment { text, part, place, join, origin: Origin::None })
    }
}
