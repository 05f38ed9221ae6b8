//! The columns of a table, by the statement that made it. It is looked at and never run.

/// Columns that are named. SQLite itself stops at 32,767, and usually at 2,000.
const COLUMNS_MAX: usize = 2_000;
/// Bytes of a name. It comes again with every file of its column, and is whole in the statement.
pub(super) const NAME_BYTES_MAX: usize = 256;

/// What a statement says about the columns.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) names: Vec<String>,
    /// The column whose value is the number of the row.
    pub(super) row_id: Option<usize>,
}

impl Columns {
    /// Reads `CREATE TABLE name (column kind ..., ...)`.
    pub(super) fn of(statement: &str) -> Self {
        let Some((_, list)) = statement.split_once('(') else { return Self::default() };
        let mut columns = Self::default();
        for definition in split(list) {
            let Some((mut name, rest)) = name(definition) else { continue };
            if ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"].contains(&name.to_ascii_uppercase().as_str()) {
                break;
            }
            let kind = rest.trim_start().to_ascii_uppercase();
            if kind.starts_with("INTEGER") && kind.contains("PRIMARY KEY") {
                columns.row_id = Some(columns.names.len());
            }
            name.truncate(name.floor_char_boundary(NAME_BYTES_MAX));
            columns.names.push(name);
        }
        columns
    }
}

/// The first definitions up to the closing bracket, apart at commas outside of brackets and quotes.
fn split(list: &str) -> Vec<&str> {
    let (mut depth, mut quote, mut start) = (0_u32, None, 0);
    let mut parts = Vec::new();
    for (at, c) in list.char_indices() {
        match (quote, c) {
            (Some(end), _) => quote = quote.filter(|_| c != end),
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '[') => quote = Some(']'),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => {
                parts.push(&list[start..at]);
                return parts;
            }
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(&list[start..at]);
                start = at + 1;
                if parts.len() == COLUMNS_MAX {
                    return parts;
                }
            }
            _ => {}
        }
    }
    parts.push(&list[start..]);
    parts
}

/// The name at the front of a definition, and what stands behind it.
fn name(definition: &str) -> Option<(String, &str)> {
    let definition = definition.trim_start();
    let first = definition.chars().next()?;
    let end = match first {
        '"' | '\'' | '`' => Some(first),
        '[' => Some(']'),
        _ => None,
    };
    let (name, rest) = match end {
        Some(end) => definition[1..].split_once(end)?,
        None => definition.split_once(char::is_whitespace).unwrap_or((definition, "")),
    };
    (!name.is_empty()).then(|| (name.to_owned(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_name_columns() {
        let rows: [(&str, &[&str], Option<usize>); 6] = [
            ("CREATE TABLE t (a, b TEXT)", &["a", "b"], None),
            ("CREATE TABLE t(id INTEGER PRIMARY KEY, b)", &["id", "b"], Some(0)),
            (
                "CREATE TABLE t(\"first, last\" text, [x y] decimal(9,2), `z` integer primary key)",
                &["first, last", "x y", "z"],
                Some(2),
            ),
            ("CREATE TABLE t(a int, PRIMARY KEY (a)) WITHOUT ROWID", &["a"], None),
            ("CREATE TABLE t(a DEFAULT ')', b", &["a", "b"], None),
            ("CREATE TABLE t AS", &[], None),
        ];
        for (statement, names, row_id) in rows {
            let found = Columns::of(statement);
            assert_eq!(
                (found.names.iter().map(String::as_str).collect::<Vec<_>>(), found.row_id),
                (names.to_vec(), row_id),
                "{statement}"
            );
        }
    }
}
