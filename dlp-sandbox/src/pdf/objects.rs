//! Small steps through a document's objects, none of which can loop or fail loudly.

use pdf_extract::{Dictionary, Document, Object, Stream, decode_text_string};

/// What a reference leads to; the object itself otherwise. Circles lead nowhere.
pub(super) fn resolve<'a>(document: &'a Document, object: &'a Object) -> Option<&'a Object> {
    document.dereference(object).ok().map(|(_, object)| object)
}

/// A value of a dictionary, through references.
pub(super) fn get<'a>(document: &'a Document, dictionary: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
    resolve(document, dictionary.get(key).ok()?)
}

/// A dictionary in a dictionary.
pub(super) fn dictionary<'a>(document: &'a Document, parent: &'a Dictionary, key: &[u8]) -> Option<&'a Dictionary> {
    as_dictionary(get(document, parent, key)?)
}

/// An array in a dictionary; nothing as an empty one.
pub(super) fn array<'a>(document: &'a Document, parent: &'a Dictionary, key: &[u8]) -> &'a [Object] {
    get(document, parent, key).and_then(|object| object.as_array().ok()).map_or(&[], Vec::as_slice)
}

/// A stream in a dictionary.
pub(super) fn stream<'a>(document: &'a Document, parent: &'a Dictionary, key: &[u8]) -> Option<&'a Stream> {
    get(document, parent, key)?.as_stream().ok()
}

/// A name in a dictionary.
pub(super) fn name<'a>(document: &'a Document, parent: &'a Dictionary, key: &[u8]) -> Option<&'a [u8]> {
    get(document, parent, key)?.as_name().ok()
}

/// A dictionary, also that of a stream.
pub(super) fn as_dictionary(object: &Object) -> Option<&Dictionary> {
    match object {
        Object::Dictionary(dictionary) => Some(dictionary),
        Object::Stream(stream) => Some(&stream.dict),
        _ => None,
    }
}

/// The text of a string, name or number, as people would read it.
pub(super) fn text(object: &Object) -> Option<String> {
    match object {
        Object::String(bytes, _) => {
            Some(decode_text_string(object).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned()))
        }
        Object::Name(name) => Some(String::from_utf8_lossy(name).into_owned()),
        Object::Integer(number) => Some(number.to_string()),
        Object::Real(number) => Some(number.to_string()),
        _ => None,
    }
}
