//! Objects that stand packed in streams: unfolded here, within bounds that the loader does not know.
//!
//! The loader unpacks such a stream as soon as it has read its dictionary. So it is told, object by object, that this is
//! a stream like any other, and what it left is unfolded in the same way and with the same order of precedence, as far
//! as the document is large enough for it.

use super::streams::{Unpacked, unpack};
use crate::trouble::Trouble;
use pdf_extract::xref::XrefEntry;
use pdf_extract::{Document, Object, ObjectId, ObjectStream, Stream};
use std::collections::BTreeMap;

/// The type of streams with objects, and what the loader is told instead.
const TYPE: &[u8] = b"ObjStm";
const DISGUISE: &[u8] = b"ObjStm ";

/// Unpacked bytes of objects that every document may have, and for each of its own.
pub(crate) const UNFOLDED_BYTES_FREE: u64 = 4 * 1024 * 1024;
pub(crate) const UNFOLDED_RATIO_MAX: u64 = 16;
/// Objects in streams that every document may have, each of which takes some hundred bytes of memory; and bytes of the
/// document for each of them beyond. Packed dictionaries of real documents take ten or more.
pub(crate) const OBJECTS_FREE: u64 = 50_000;
const OBJECT_BYTES_MIN: u64 = 8;

/// Keeps the loader from unpacking an object it has read. To be given to it as its filter.
pub(super) fn disguise(id: ObjectId, object: &mut Object) -> Option<(ObjectId, Object)> {
    if let Object::Stream(stream) = object
        && stream.dict.has_type(TYPE)
    {
        stream.dict.set("Type", Object::Name(DISGUISE.to_vec()));
    }
    Some((id, Object::Null))
}

/// Unfolds the objects of a document with so many bytes; says so if there are more than it may have.
pub(super) fn unfold(document: &mut Document, document_bytes: u64) -> Option<Trouble> {
    let mut room = Room {
        bytes: UNFOLDED_RATIO_MAX.saturating_mul(document_bytes).max(UNFOLDED_BYTES_FREE),
        objects: (document_bytes / OBJECT_BYTES_MIN).max(OBJECTS_FREE),
    };
    let container = |entry: &XrefEntry| match entry {
        XrefEntry::Compressed { container, .. } => Some(*container),
        _ => None,
    };
    let entries = document.reference_table.entries.iter();
    let containers: BTreeMap<u32, u32> = entries.filter_map(|(id, entry)| Some((*id, container(entry)?))).collect();
    let is_disguised = |object: &&Object| matches!(object, Object::Stream(stream) if stream.dict.has_type(DISGUISE));
    let streams: Vec<ObjectId> =
        document.objects.iter().filter(|(_, object)| is_disguised(object)).map(|(id, _)| *id).collect();
    let (mut unfolded, mut trouble) = (BTreeMap::new(), None);
    for id in streams {
        if let Some(Object::Stream(stream)) = document.objects.get_mut(&id) {
            stream.dict.set("Type", Object::Name(TYPE.to_vec()));
        }
        let Some(Object::Stream(stream)) = document.objects.get(&id) else { continue };
        let objects = match room.objects_of(document, stream) {
            Ok(objects) => objects,
            Err(bound) => {
                trouble = Some(bound);
                continue;
            }
        };
        for (object, value) in objects.into_iter().filter(|((number, _), _)| belongs(&containers, *number, id)) {
            unfolded.insert(object, value);
        }
    }
    for (id, object) in unfolded {
        document.objects.entry(id).or_insert(object);
    }
    trouble
}

/// Whether the object with this number is the one in this stream: older ones may stand in others.
fn belongs(containers: &BTreeMap<u32, u32>, number: u32, stream: ObjectId) -> bool {
    containers.get(&number).is_none_or(|container| *container == stream.0)
}

/// What may still be unfolded.
struct Room {
    bytes: u64,
    objects: u64,
}

impl Room {
    /// The objects of a stream, if there is room for them.
    fn objects_of(&mut self, document: &Document, stream: &Stream) -> Result<BTreeMap<ObjectId, Object>, Trouble> {
        let content = match unpack(document, stream, self.bytes) {
            Unpacked::Bytes(bytes) | Unpacked::Torn(bytes) => bytes,
            Unpacked::TooLarge => return Err(Trouble::ObjectBytes),
            Unpacked::Opaque => return Ok(BTreeMap::new()),
        };
        let first =
            stream.dict.get(b"First").and_then(Object::as_i64).ok().and_then(|first| usize::try_from(first).ok());
        let index = content.get(..first.unwrap_or(0)).unwrap_or_default();
        let objects = index.split(u8::is_ascii_whitespace).filter(|number| !number.is_empty()).count() as u64 / 2;
        self.bytes = self.bytes.checked_sub(content.len() as u64).ok_or(Trouble::ObjectBytes)?;
        self.objects = self.objects.checked_sub(objects).ok_or(Trouble::Objects)?;
        let mut dictionary = stream.dict.clone();
        for key in [&b"Filter"[..], b"DecodeParms"] {
            dictionary.remove(key);
        }
        let unfolded = ObjectStream::new(&mut Stream::new(dictionary, content));
        Ok(unfolded.map_or_else(|_| BTreeMap::new(), |unfolded| unfolded.objects))
    }
}
