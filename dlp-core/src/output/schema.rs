//! The published JSON Schema (2020-12) of the JSON Lines stream.
//!
//! It is written by hand, because it is a promise to readers and not a picture of our types; a test of the command line
//! holds real output against it.

/// Schema of one line: a `scan`, `finding`, `problem` or `summary` record. Printed by `dlp schema finding`.
pub const RECORD: &str = include_str!("schema/record.schema.json");

#[cfg(test)]
mod tests {
    #[test]
    fn the_schema_is_json_of_the_named_draft() {
        let schema: serde_json::Value = serde_json::from_str(super::RECORD).expect("JSON");
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        for record in ["scan", "finding", "problem", "summary"] {
            assert!(schema["$defs"][record].is_object(), "{record}");
        }
    }
}
