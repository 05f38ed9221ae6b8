//! What a table holds: which columns are looked for, how their values are compared, and when a row counts as found.

use super::super::words::Word;
use super::super::{FindingDetector, finding_detector};
use super::normal;
use crate::base::{Category, SensitivityLabel, Severity};
use crate::knowledge::Detector;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Most columns of a schema: a row's found cells are bits of one number.
const COLUMNS_MAX: usize = 64;
/// Widest window.
const WINDOW_BYTES_MAX: u64 = 4096;

/// A table.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Name in findings, `edm.<name>`: lower-case letters, digits and hyphens.
    pub name: String,
    /// Name for people.
    #[serde(default)]
    pub title: String,
    /// How bad it is when a row leaks.
    #[serde(default = "default_severity")]
    pub severity: Severity,
    /// Sensitivity of what holds a row.
    #[serde(default = "default_label")]
    pub label: SensitivityLabel,
    /// Cells of the same row that must stand around a primary value, for a finding of high confidence.
    #[serde(default = "default_secondary_min")]
    pub secondary_min: u32,
    /// Bytes on either side of a primary value in which the other cells are looked for.
    #[serde(default = "default_window")]
    pub window_bytes: u64,
    /// Rows from which on a value is common: it cannot be found by itself, and counts beside two others only.
    #[serde(default = "default_common")]
    pub common_rows: u32,
    /// Columns that are indexed, by the names in the table's header.
    #[serde(rename = "column")]
    pub columns: Vec<Column>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Name in the header of the table.
    pub name: String,
    /// How values are compared.
    #[serde(default)]
    pub kind: Kind,
    /// Whether it is looked for everywhere, and not only near another one. It should tell rows apart.
    #[serde(default)]
    pub primary: bool,
}

/// How values are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Letters and digits, without separators, case and diacritics: names, numbers of all sorts, e-mail addresses.
    #[default]
    Text,
    /// Digits without leading zeros.
    Number,
    /// The last nine digits, whatever country code or trunk prefix stands before them.
    Phone,
    /// A day as `1911-03-12`, `12.03.1911` or `12/03/1911`.
    Date,
    /// A day as `03/12/1911`, month first.
    DateUs,
}

/// What is wrong with a schema.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// It is no TOML, or has unknown keys.
    #[error("{0}")]
    Syntax(String),
    /// It contradicts itself.
    #[error("{0}")]
    Content(String),
}

fn default_severity() -> Severity {
    Severity::High
}

fn default_label() -> SensitivityLabel {
    SensitivityLabel::Regulated
}

fn default_secondary_min() -> u32 {
    2
}

fn default_window() -> u64 {
    300
}

fn default_common() -> u32 {
    50
}

impl Schema {
    /// Reads a schema from TOML.
    ///
    /// # Errors
    /// [`SchemaError`] with what was expected and what was found.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        let schema: Self = toml::from_str(text).map_err(|error| SchemaError::Syntax(error.to_string()))?;
        schema.check().map_err(SchemaError::Content)?;
        Ok(schema)
    }

    fn check(&self) -> Result<(), String> {
        let in_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if self.name.is_empty() || !self.name.bytes().all(in_name) {
            return Err(format!(
                "name: expected lower-case letters, digits and hyphens, like `customers`, found `{}`",
                self.name
            ));
        }
        if self.columns.is_empty() || self.columns.len() > COLUMNS_MAX {
            return Err(format!("expected 1 to {COLUMNS_MAX} [[column]] tables, found {}", self.columns.len()));
        }
        if let Some(twice) =
            self.columns.iter().enumerate().find(|(at, c)| self.columns[..*at].iter().any(|o| o.name == c.name))
        {
            return Err(format!("column `{}` stands there twice", twice.1.name));
        }
        if !self.columns.iter().any(|column| column.primary) {
            return Err("expected at least one [[column]] with `primary = true`: a value that is looked for".to_owned());
        }
        let others = self.columns.len() as u32 - 1;
        if self.secondary_min > others {
            let of_default =
                if self.secondary_min == default_secondary_min() { " (or none: it is the default)" } else { "" };
            return Err(format!(
                "secondary_min: expected at most {others}, as many as there are other columns, found {}{of_default}; add \
                 columns, or write `secondary_min = {others}`",
                self.secondary_min
            ));
        }
        if !(1..=WINDOW_BYTES_MAX).contains(&self.window_bytes) {
            return Err(format!("window_bytes: expected 1 to {WINDOW_BYTES_MAX}, found {}", self.window_bytes));
        }
        Ok(())
    }

    /// Id of the detector whose findings these are.
    #[must_use]
    pub fn detector_id(&self) -> String {
        format!("edm.{}", self.name)
    }

    /// The detector: without patterns, since the index finds.
    #[must_use]
    pub fn detector(&self) -> Detector {
        let title =
            if self.title.is_empty() { format!("Record of the table {}", self.name) } else { self.title.clone() };
        finding_detector(FindingDetector {
            id: self.detector_id(),
            title,
            description: "Cells of one row of a table that the organisation indexed.",
            category: Category::Edm,
            severity: self.severity,
            label: self.label,
        })
    }

    /// The value of a cell as it is hashed, if it is one that can be found.
    pub(super) fn cell(&self, column: usize, words: &[Word]) -> Option<normal::Normal> {
        let Column { kind, primary, .. } = self.columns[column];
        normal::normal(kind, words).filter(|value| value.is_findable(primary))
    }
}
