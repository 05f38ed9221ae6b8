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

    /// A text that stays where it is.
    pub(super) fn peek(&self, key: &str) -> Option<String> {
        as_text(self.map.get(key)?.clone())
    }

    /// A text.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.take(key, as_text)
    }

    /// Texts, also when there is one alone; empty without the field.
    pub(super) fn texts(&mut self, key: &str) -> Vec<String> {
        let texts = self.take(key, |value| match value {
            Value::String(text) => Some(vec![text]),
            Value::Array(items) => items.into_iter().map(as_text).collect(),
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

    /// Tables, also when there is one alone; empty without the field. What stands among them and is none is noted by its
    /// place, and the others are kept.
    pub(super) fn tables(&mut self, key: &str) -> Vec<Fields> {
        let items = match self.map.remove(key) {
            Some(Value::Array(items)) => items,
            Some(one @ Value::Object(_)) => vec![one],
            Some(_) => {
                self.wrong.push(key.to_owned());
                Vec::new()
            }
            None => Vec::new(),
        };
        let mut tables = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            match Self::of(item) {
                Some(fields) => tables.push(fields),
                None => self.wrong.push(format!("{key}, {}", index + 1)),
            }
        }
        tables
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

fn as_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
