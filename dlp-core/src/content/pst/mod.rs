//! Stores of Outlook (`.pst`, `.ost`): every message with its attachments, and what no message leads to.
//!
//! Nodes are found through their tree, whatever folder they lie in, so messages that no folder shows are read as well.
//! A message is an item of its own with the same properties as one that was saved alone, see `mapi`. Tables, folders
//! and blocks that no node leads to are raw bytes at the end. The password of a store keeps programs out, not readers:
//! it encodes nothing.

mod cipher;
mod file;
mod heap;

use super::walk::{Break, Step, Walk};
use super::{Input, ItemStart, Kind, ReadSeek, Relation};
use super::{mapi, plain, strings};
use crate::base::{PST_BLOCKS_MAX, PST_PROPERTIES_MAX, Problem, ProblemClass};
use crate::text::Charset;
use cipher::Cipher;
use file::{Data, Node, Store, Unread};
use heap::{Property, Value};
use std::collections::{BTreeMap, HashSet};
use std::io::{self, SeekFrom};

/// Kinds of nodes, by the lowest bits of their number.
const KIND_BITS: u32 = 0x1F;
const FOLDER: u32 = 0x02;
const MESSAGE: u32 = 0x04;
const ATTACHMENT: u32 = 0x05;
const HIDDEN_MESSAGE: u32 = 0x08;
/// The node of the store itself.
const STORE_NODE: u32 = 0x21;
/// Properties that say in which set strings of bytes are.
const CODE_PAGES: [u16; 2] = [0x3FFD, 0x3FDE];
const SUBJECT: u16 = 0x0037;

/// Walks a store.
pub(super) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    walk.with_seekable(input, store)
}

fn store(walk: &mut Walk<'_>, reader: &mut dyn ReadSeek) -> Step {
    let budget = walk.budget;
    let Some(store) = Store::open(reader, budget).map_err(|error| walk.read_failed(&error))? else {
        reader.seek(SeekFrom::Start(0)).map_err(|error| walk.read_failed(&error))?;
        walk.bad_structure("the store names no blocks; its bytes were scanned");
        return plain::raw(walk, Input::Seekable(reader));
    };
    if store.cipher == Cipher::Unknown {
        let message = "the store is encrypted with keys of its user; its text was not read";
        walk.problem(Problem::new(ProblemClass::Encrypted, "pst", message));
    }
    Reading { store, raw_bytes: 0 }.all(walk)
}

struct Reading<'r> {
    store: Store<'r>,
    /// Raw bytes that were handed out.
    raw_bytes: u64,
}

impl Reading<'_> {
    fn all(&mut self, walk: &mut Walk<'_>) -> Step {
        for node in std::mem::take(&mut self.store.nodes) {
            walk.check_budget()?;
            match node.number & KIND_BITS {
                MESSAGE | HIDDEN_MESSAGE => self.message(walk, node)?,
                FOLDER => self.own_properties(walk, node)?,
                _ if node.number == STORE_NODE => self.own_properties(walk, node)?,
                _ => {}
            }
        }
        // What no message led to: tables, and what was deleted but for its block.
        let unread = plain::raw(walk, Input::Stream(&mut Unread::new(&mut self.store)));
        if self.store.is_broken {
            walk.bad_structure("blocks of the store do not fit together; what could be read was scanned");
        }
        if self.store.is_shared() {
            let message = "messages or blocks share their bytes; not all of them were read";
            walk.problem(Problem::new(ProblemClass::Ambiguous, "overlap", message));
        }
        if self.store.is_cut {
            let message = "the store has more blocks than the bound; the others were not read";
            walk.problem(Problem::limit("pst_blocks_max", PST_BLOCKS_MAX as u64, message));
        }
        unread
    }

    fn own_properties(&mut self, walk: &mut Walk<'_>, node: Node) -> Step {
        let data = self.data(walk, node)?;
        let Some(properties) = properties(walk, &data) else { return Ok(()) };
        let below = self.below(walk, node)?;
        self.properties(walk, &properties, &below)
    }

    /// Walks a message as an item of its own.
    fn message(&mut self, walk: &mut Walk<'_>, node: Node) -> Step {
        let data = self.data(walk, node)?;
        let Some(properties) = properties(walk, &data) else {
            return self.raw_data(walk, &data);
        };
        let _held = walk.budget.hold(data.bytes);
        let below = self.below(walk, node)?;
        let charset = charset(&properties);
        let subject = properties.iter().find(|property| property.number == SUBJECT);
        let subject = match subject {
            Some(property) => self.text(walk, property, &below, &charset)?.map(|text| subject_of(&text).to_owned()),
            None => None,
        };
        let name = subject.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| format!("message {}", node.number));
        walk.inner(ItemStart { name: &name, kind: Kind::Msg, relation: Relation::Member }, |walk| {
            if walk.is_too_deep() {
                walk.problem_of_depth();
                return self.raw_data(walk, &data);
            }
            self.properties(walk, &properties, &below)?;
            let values = value_nodes(&properties);
            for (number, node) in &below {
                match number & KIND_BITS {
                    ATTACHMENT => self.attachment(walk, *node, &charset)?,
                    // Values that are long have nodes of their own, which were read.
                    _ if values.contains(number) => {}
                    // Tables: recipients, and lists of the attachments.
                    _ => self.raw(walk, *node)?,
                }
            }
            Ok(())
        })
    }

    fn attachment(&mut self, walk: &mut Walk<'_>, node: Node, charset: &Charset) -> Step {
        let data = self.data(walk, node)?;
        let Some(properties) = properties(walk, &data) else { return self.raw(walk, node) };
        let below = self.below(walk, node)?;
        let find = |number: &u16| properties.iter().find(|property| property.number == *number);
        let mut name = None;
        for property in mapi::ATTACHED_NAMES.iter().filter_map(find) {
            let text = self.text(walk, property, &below, charset)?;
            name = name.or(text.filter(|text| !text.is_empty()));
        }
        let name = name.unwrap_or_else(|| "attachment".to_owned());
        self.properties(walk, &properties, &below)?;
        let Some(content) = find(&mapi::ATTACHED) else { return Ok(()) };
        match heap::object_node(content).and_then(|number| below.get(&number)) {
            Some(inner) => self.message(walk, *inner),
            None => {
                let bytes = self.bytes(walk, content, &below)?;
                let _held = walk.budget.hold(data.bytes + bytes.len() as u64);
                walk.child(&name, Relation::Attachment, Input::Bytes(&bytes))
            }
        }
    }

    /// Hands out properties that are text, and bodies with looks.
    fn properties(&mut self, walk: &mut Walk<'_>, properties: &[Property<'_>], below: &BTreeMap<u32, Node>) -> Step {
        let charset = charset(properties);
        for property in properties.iter().filter(|property| property.number != mapi::ATTACHED) {
            if let Some(text) = self.text(walk, property, below, &charset)? {
                let text = if property.number == SUBJECT { subject_of(&text) } else { &text };
                mapi::text(walk, property.number, text)?;
            } else if mapi::is_body(property.number, property.kind) {
                let bytes = self.bytes(walk, property, below)?;
                mapi::body(walk, property.number, &bytes)?;
            } else if !matches!(property.value, Value::Number(_)) {
                let bytes = self.bytes(walk, property, below)?;
                raw_value(walk, &bytes)?;
            }
        }
        Ok(())
    }

    fn text(
        &mut self,
        walk: &mut Walk<'_>,
        property: &Property<'_>,
        below: &BTreeMap<u32, Node>,
        charset: &Charset,
    ) -> Step<Option<String>> {
        let charset = match property.kind {
            mapi::WIDE_TEXT => &Charset::Utf16Le,
            mapi::BYTE_TEXT => charset,
            _ => return Ok(None),
        };
        let bytes = self.bytes(walk, property, below)?;
        Ok(Some(strings::decode(&bytes, charset).trim_end_matches('\0').to_owned()))
    }

    fn bytes(&mut self, walk: &mut Walk<'_>, property: &Property<'_>, below: &BTreeMap<u32, Node>) -> Step<Vec<u8>> {
        match property.value {
            Value::Number(_) => Ok(Vec::new()),
            Value::Bytes(bytes) => Ok(bytes.to_vec()),
            Value::Node(number) => match below.get(&number) {
                Some(node) => Ok(self.data(walk, *node)?.blocks.concat()),
                None => {
                    self.store.is_broken = true;
                    Ok(Vec::new())
                }
            },
        }
    }

    fn raw(&mut self, walk: &mut Walk<'_>, node: Node) -> Step {
        let data = self.data(walk, node)?;
        self.raw_data(walk, &data)
    }

    /// Hands out the blocks of a node as one run of bytes: what stands in them may go over their ends.
    fn raw_data(&mut self, walk: &mut Walk<'_>, data: &Data) -> Step {
        let _held = walk.budget.hold(2 * data.bytes);
        let start = self.raw_bytes;
        self.raw_bytes += data.bytes + 1;
        plain::raw_at(walk, &data.blocks.concat(), start)
    }

    fn data(&mut self, walk: &mut Walk<'_>, node: Node) -> Step<Data> {
        let bytes_max = walk.budget.room_to_hold();
        let data = self.store.data(node, bytes_max).map_err(|error| failed(walk, &error))?;
        if data.is_cut && !self.store.is_shared() {
            let message = "a value of the store is larger than what may be held in memory; its beginning was read";
            walk.problem(Problem::limit("held_bytes_max", walk.budget.limits.held_bytes_max, message));
        }
        Ok(data)
    }

    fn below(&mut self, walk: &mut Walk<'_>, node: Node) -> Step<BTreeMap<u32, Node>> {
        self.store.below(node).map_err(|error| failed(walk, &error))
    }
}

/// The properties that the data of a node holds.
fn properties<'d>(walk: &mut Walk<'_>, data: &'d Data) -> Option<Vec<Property<'d>>> {
    let properties = heap::properties(data)?;
    if properties.is_cut {
        let message = "an object of the store has more properties than the bound; the others were not read";
        walk.problem(Problem::limit("pst_properties_max", PST_PROPERTIES_MAX as u64, message));
    }
    Some(properties.list)
}

fn failed(walk: &mut Walk<'_>, error: &io::Error) -> Break {
    walk.read_failed(error)
}

/// Hands out a value that is neither text nor a body, unless it is too short to hold anything.
fn raw_value(walk: &mut Walk<'_>, bytes: &[u8]) -> Step {
    // Identifiers and dates are as long as this.
    const NUMBER_BYTES: usize = 16;
    if bytes.len() <= NUMBER_BYTES { Ok(()) } else { plain::raw_at(walk, bytes, 0) }
}

/// The nodes that hold values of properties.
fn value_nodes(properties: &[Property<'_>]) -> HashSet<u32> {
    let node = |property: &Property<'_>| match property.value {
        Value::Node(number) => Some(number),
        _ => None,
    };
    properties.iter().filter_map(node).collect()
}

/// The set of strings of bytes.
fn charset(properties: &[Property<'_>]) -> Charset {
    let page = properties.iter().find_map(|property| match property.value {
        Value::Number(page) if CODE_PAGES.contains(&property.number) => Charset::from_code_page(page),
        _ => None,
    });
    page.unwrap_or_else(|| Charset::from_encoding(encoding_rs::WINDOWS_1252))
}

/// Subjects may start with a mark and the length of what was put before them, as `RE: `.
fn subject_of(text: &str) -> &str {
    match text.strip_prefix('\u{1}') {
        Some(rest) => rest.char_indices().nth(1).map_or("", |(at, _)| &rest[at..]),
        None => text,
    }
}
