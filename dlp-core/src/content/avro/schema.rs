//! The schema of a file: types that lead to each other by number.

use serde_json::Value;
use std::collections::HashMap;

/// Types of one schema.
const TYPES_MAX: usize = 100_000;

/// A schema. The first type is that of a record of the file.
#[derive(Debug)]
pub(super) struct Schema {
    types: Vec<Type>,
    root: usize,
    name: String,
}

/// A type; numbers lead to other types.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Type {
    Null,
    Boolean,
    Integer,
    Float,
    Double,
    /// Also texts, which are bytes in UTF-8.
    Bytes,
    Fixed(usize),
    Enumeration(Vec<String>),
    /// Arrays and maps.
    List {
        element: usize,
        has_keys: bool,
    },
    Union(Vec<usize>),
    Record(Vec<(String, usize)>),
}

impl Schema {
    /// Stands for the type of the file's records.
    pub(super) const ROOT: usize = usize::MAX;

    /// Reads a schema in JSON.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let json: Value = serde_json::from_slice(text).ok()?;
        let mut parsing = Parsing::default();
        let root = parsing.read(&json, "")?;
        let name = json.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self { types: parsing.types, root, name })
    }

    pub(super) fn get(&self, at: usize) -> Option<&Type> {
        self.types.get(if at == Self::ROOT { self.root } else { at })
    }

    /// What the records are called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

#[derive(Default)]
struct Parsing {
    types: Vec<Type>,
    names: HashMap<String, usize>,
}

impl Parsing {
    /// Reads a type; the depth of JSON is bounded by its parser.
    fn read(&mut self, json: &Value, space: &str) -> Option<usize> {
        match json {
            Value::String(name) => self.named(name, space),
            Value::Array(branches) => {
                let branches: Option<Vec<usize>> = branches.iter().map(|branch| self.read(branch, space)).collect();
                self.add(Type::Union(branches?))
            }
            Value::Object(object) => {
                let text = |key: &str| object.get(key).and_then(Value::as_str);
                match text("type") {
                    Some("record" | "error" | "enum" | "fixed") => self.define(json, space),
                    Some("array") => self.list(object.get("items")?, false, space),
                    Some("map") => self.list(object.get("values")?, true, space),
                    // A type with more said about it.
                    _ => self.read(object.get("type")?, space),
                }
            }
            _ => None,
        }
    }

    fn add(&mut self, kind: Type) -> Option<usize> {
        self.types.push(kind);
        (self.types.len() <= TYPES_MAX).then(|| self.types.len() - 1)
    }

    fn list(&mut self, element: &Value, has_keys: bool, space: &str) -> Option<usize> {
        let element = self.read(element, space)?;
        self.add(Type::List { element, has_keys })
    }

    fn named(&mut self, name: &str, space: &str) -> Option<usize> {
        let kind = match name {
            "null" => Type::Null,
            "boolean" => Type::Boolean,
            "int" | "long" => Type::Integer,
            "float" => Type::Float,
            "double" => Type::Double,
            "bytes" | "string" => Type::Bytes,
            _ => return self.names.get(&full_name(name, space)).or_else(|| self.names.get(name)).copied(),
        };
        self.add(kind)
    }

    /// Reads a type with a name, under which others may lead to it, also those inside of it.
    fn define(&mut self, json: &Value, space: &str) -> Option<usize> {
        let text = |key: &str| json.get(key).and_then(Value::as_str);
        let own = full_name(text("name")?, text("namespace").unwrap_or(space));
        let space = own.rsplit_once('.').map_or("", |(space, _)| space).to_owned();
        let at = self.add(Type::Null)?;
        self.names.insert(own, at);
        self.types[at] = match text("type")? {
            "fixed" => Type::Fixed(usize::try_from(json.get("size")?.as_u64()?).ok()?),
            "enum" => {
                let symbols = json.get("symbols")?.as_array()?.iter();
                Type::Enumeration(symbols.map(|symbol| symbol.as_str().unwrap_or_default().to_owned()).collect())
            }
            _ => {
                let member = |parsing: &mut Self, field: &Value| {
                    Some((field.get("name")?.as_str()?.to_owned(), parsing.read(field.get("type")?, &space)?))
                };
                let members: Option<Vec<_>> =
                    json.get("fields")?.as_array()?.iter().map(|field| member(self, field)).collect();
                Type::Record(members?)
            }
        };
        Some(at)
    }
}

fn full_name(name: &str, space: &str) -> String {
    if space.is_empty() || name.contains('.') { name.to_owned() } else { format!("{space}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_lead_to_each_other() {
        let check = |text: &str, expected: Option<Vec<Type>>| {
            assert_eq!(Schema::parse(text.as_bytes()).map(|schema| schema.types), expected, "{text}");
        };
        check(r#""string""#, Some(vec![Type::Bytes]));
        check(r#"{"type": "long", "logicalType": "date"}"#, Some(vec![Type::Integer]));
        let list = r#"{"type": "record", "name": "n.List", "fields": [{"name": "next", "type": ["null", "List"]}]}"#;
        check(list, Some(vec![Type::Record(vec![("next".to_owned(), 2)]), Type::Null, Type::Union(vec![1, 0])]));
        check(
            r#"{"type": "map", "values": {"type": "fixed", "name": "f", "size": 3}}"#,
            Some(vec![Type::Fixed(3), Type::List { element: 0, has_keys: true }]),
        );
        for broken in ["", "{}", r#""unknown""#, r#"{"type": "record", "name": "a"}"#, r#"{"type": {"type": 3}}"#] {
            check(broken, None);
        }
    }
}
