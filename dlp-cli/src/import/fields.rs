//! A table of a foreign document, whose fields are taken out one by one, so that what is left over can be told.

use serde_json::{Map, Value};

/// What is left of a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    map: Map<String, Value>,
    wrong: Vec<String>,
}

impl Fields {
    /// The fields of a table; `None` for any other value.
    pub(super) fn of(value: Value) -> Option<Self> {
        match value {
            Value::Object(map) => Some(Self { map, wrong: Vec::new() }),
            _ => None,
        }
    }

    /// Whether a field is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    /// A text.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.take(key, |value| match value {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    }

    /// Texts, also when there is one alone; empty without the field.
    pub(super) fn texts(&mut self, key: &str) -> Vec<String> {
        let texts = self.take(key, |value| match value {
            Value::String(text) => Some(vec![text]),
            Value::Array(items) => items
                .into_iter()
                .map(|item| match item {
                    Value::String(text) => Some(text),
                    Value::Number(number) => Some(number.to_string()),
                    _ => None,
                })
                .collect(),
            Value::Null => Some(Vec::new()),
            _ => None,
        });
        texts.unwrap_or_default()
    }

    /// A number.
    pub(super) fn number(&mut self, key: &str) -> Option<f64> {
        self.take(key, |value| value.as_f64())
    }

    /// A flag; absent means no.
    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        self.take(key, |value| value.as_bool())
    }

    /// Tables, also when there is one alone; empty without the field.
    pub(super) fn tables(&mut self, key: &str) -> Vec<Fields> {
        let tables = self.take(key, |value| match value {
            Value::Array(items) => items.into_iter().map(Fields::of).collect(),
            one => Fields::of(one).map(|fields| vec![fields]),
        });
        tables.unwrap_or_default()
    }

    /// Takes every field of another table that is given there.
    pub(super) fn override_with(&mut self, other: Fields) {
        self.map.extend(other.map);
    }

    /// Fields that were not of the expected type.
    pub(super) fn wrong(&self) -> impl Iterator<Item = &str> {
        self.wrong.iter().map(String::as_str)
    }

    /// Fields that nobody took.
    pub(super) fn left(&self) -> impl Iterator<Item = &str> {
        self.map.keys().map(String::as_str)
    }

    fn take<T>(&mut self, key: &str, read: impl Fn(Value) -> Option<T>) -> Option<T> {
        let read = read(self.map.remove(key)?);
        if read.is_none() {
            self.wrong.push(key.to_owned());
        }
        read
    }
}
