//! Databases of SQLite, page by page as the tests write them.

use crate::support::*;
use dlp_core::content::{Completeness, Input, Kind, Role};

const PAGE: usize = 512;

enum Value {
    Null,
    Integer(i64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

fn text(text: &str) -> Value {
    Value::Text(text.as_bytes().to_vec())
}

/// A number in the format's own lengths.
fn varint(number: u64) -> Vec<u8> {
    let mut bytes = vec![(number & 0x7F) as u8];
    let mut rest = number >> 7;
    while rest > 0 {
        bytes.insert(0, (rest & 0x7F) as u8 | 0x80);
        rest >>= 7;
    }
    bytes
}

fn payload(values: &[Value]) -> Vec<u8> {
    let (mut kinds, mut content) = (Vec::new(), Vec::new());
    for value in values {
        let (kind, bytes) = match value {
            Value::Null => (0, Vec::new()),
            Value::Integer(number) => (6, number.to_be_bytes().to_vec()),
            Value::Text(bytes) => (13 + 2 * bytes.len() as u64, bytes.clone()),
            Value::Blob(bytes) => (12 + 2 * bytes.len() as u64, bytes.clone()),
        };
        kinds.extend(varint(kind));
        content.extend(bytes);
    }
    [varint(kinds.len() as u64 + 1), kinds, content].concat()
}

/// A row of a table, whose payload fits into its cell.
fn row(number: u64, values: &[Value]) -> Vec<u8> {
    let payload = payload(values);
    [varint(payload.len() as u64), varint(number), payload].concat()
}

/// A page of a tree with these cells, the first of them at its end.
fn page(kind: u8, start: usize, cells: &[Vec<u8>], right: Option<u32>) -> Vec<u8> {
    let mut bytes = vec![0; PAGE];
    bytes[start] = kind;
    bytes[start + 3..start + 5].copy_from_slice(&(cells.len() as u16).to_be_bytes());
    let mut list = start + 8;
    if let Some(right) = right {
        bytes[start + 8..start + 12].copy_from_slice(&right.to_be_bytes());
        list += 4;
    }
    let mut end = PAGE;
    for cell in cells {
        let at = end - cell.len();
        bytes[at..end].copy_from_slice(cell);
        bytes[list..list + 2].copy_from_slice(&(at as u16).to_be_bytes());
        (list, end) = (list + 2, at);
    }
    bytes
}

fn leaf(cells: &[Vec<u8>]) -> Vec<u8> {
    page(0x0D, 0, cells, None)
}

fn schema(entries: &[(&str, &str, u64, &str)]) -> Vec<Vec<u8>> {
    let row = |(number, (kind, table, page, statement)): (usize, &(&str, &str, u64, &str))| {
        let name = if *kind == "table" { *table } else { "i" };
        row(number as u64 + 1, &[text(kind), text(name), text(table), Value::Integer(*page as i64), text(statement)])
    };
    entries.iter().enumerate().map(row).collect()
}

/// A database with this schema and these pages behind its first one.
fn database(schema: &[Vec<u8>], pages: &[Vec<u8>]) -> Vec<u8> {
    let mut first = page(0x0D, 100, schema, None);
    first[..16].copy_from_slice(b"SQLite format 3\0");
    first[16..18].copy_from_slice(&(PAGE as u16).to_be_bytes());
    first[56..60].copy_from_slice(&1_u32.to_be_bytes());
    [first, pages.concat()].concat()
}

/// A database with a tree, a long value and an index.
pub(crate) fn sample() -> Vec<u8> {
    let schema = schema(&[("table", "t", 2, "CREATE TABLE t (a, b)"), ("index", "t", 5, "CREATE INDEX i ON t (a)")]);
    let long =
        [varint(900), varint(1), payload(&[text("x"), Value::Blob(vec![b'y'; 200])]), 6_u32.to_be_bytes().to_vec()];
    let interior = page(0x05, 0, &[[3_u32.to_be_bytes().to_vec(), varint(1)].concat()], Some(4));
    let entries = page(0x0A, 0, &[[varint(4), payload(&[text("x")])].concat()], None);
    let pages =
        [interior, leaf(&[long.concat()]), leaf(&[row(2, &[text("z"), Value::Null])]), entries, vec![b'y'; PAGE]];
    database(&schema, &pages)
}

const PEOPLE: &str = "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, pesel, photo)";

#[test]
fn rows_come_with_their_table_and_the_names_of_columns() {
    let schema = schema(&[("table", "people", 2, PEOPLE)]);
    let rows = [
        row(7, &[Value::Null, text("Anna Nowak"), Value::Integer(44_051_401_458), Value::Null]),
        row(9, &[Value::Null, text("Jan"), text("44051401458"), Value::Blob(b"short text".to_vec())]),
    ];
    let bytes = database(&schema, &[leaf(&rows)]);
    for seen in [walk("a.db", &bytes), stream("a.db", &bytes)] {
        assert_eq!(
            (seen.items[0].kind, seen.completeness()),
            (Kind::Sqlite, Completeness::Complete),
            "{:?}",
            seen.reasons
        );
        let body = &seen.text[&(String::from("a.db"), "body", String::from("people"))];
        assert_eq!(body, "id\tname\tpesel\tphoto\n7\tAnna Nowak\t44051401458\n9\tJan\t44051401458\tshort text");
        assert!(seen.cells.contains(&("people".to_owned(), 7, 3, "44051401458".to_owned())), "{:?}", seen.cells);
        assert!(seen.role(Role::Body).contains("CREATE TABLE people"));
    }
}

#[test]
fn trees_long_values_and_files_are_followed() {
    let long = format!("{}secret-marker", "x".repeat(900));
    let whole = payload(&[Value::Null, text(&long)]);
    // The usable size is the page; the local part follows from the payload's length.
    let (min, max) = ((PAGE - 12) * 32 / 255 - 23, PAGE - 35);
    let fitting = min + (whole.len() - min) % (PAGE - 4);
    let local = if fitting <= max { fitting } else { min };
    let cell = [varint(whole.len() as u64), varint(1), whole[..local].to_vec(), 5_u32.to_be_bytes().to_vec()].concat();
    let chained: Vec<Vec<u8>> = whole[local..]
        .chunks(PAGE - 4)
        .enumerate()
        .map(|(index, chunk)| {
            let next = if local + (index + 1) * (PAGE - 4) < whole.len() { 6 + index as u32 } else { 0 };
            let mut page = [&next.to_be_bytes()[..], chunk].concat();
            page.resize(PAGE, 0);
            page
        })
        .collect();
    let file = gzip(b"packed-marker");
    let interior = page(0x05, 0, &[[3_u32.to_be_bytes().to_vec(), varint(1)].concat()], Some(4));
    let second = leaf(&[row(2, &[Value::Null, Value::Blob(file)])]);
    let schema = schema(&[("table", "t", 2, "CREATE TABLE t (id integer primary key, file)")]);
    let bytes = database(&schema, &[vec![interior, leaf(&[cell]), second], chained].concat());
    let seen = walk("a.db", &bytes);
    assert_eq!(seen.completeness(), Completeness::Complete, "{:?}", seen.reasons);
    assert!(seen.cells.contains(&("t".to_owned(), 1, 2, long)), "{:?}", seen.cells);
    assert!(seen.items.iter().any(|item| item.path.ends_with("t 2 file")), "{:?}", seen.items);
    assert!(seen.holds("packed-marker"));
}

#[test]
fn indexes_give_what_they_alone_hold() {
    let index = |value: &str| {
        let payload = payload(&[text(value), Value::Integer(1)]);
        [varint(payload.len() as u64), payload].concat()
    };
    let schema = schema(&[("table", "t", 2, "CREATE TABLE t (a)"), ("index", "t", 3, "CREATE INDEX i ON t (a)")]);
    let entries = page(0x0A, 0, &[index("as in the table"), index("hidden-marker")], None);
    let seen = walk("a.db", &database(&schema, &[leaf(&[row(1, &[text("as in the table")])]), entries]));
    let body = seen.role(Role::Body);
    assert_eq!((body.matches("as in the table").count(), body.matches("hidden-marker").count()), (1, 1), "{body}");
}

#[test]
fn what_was_deleted_is_read() {
    let schema = schema(&[("table", "t", 2, "CREATE TABLE t (a)")]);
    let mut table = leaf(&[row(1, &[text("kept")])]);
    table[300..314].copy_from_slice(b"freed-marker-1");
    let dropped = leaf(&[row(5, &[text("dropped-marker"), Value::Integer(44_051_401_458)])]);
    let mut unused = vec![0; PAGE];
    unused[100..113].copy_from_slice(b"unused-marker");
    let seen = walk("a.db", &database(&schema, &[table, dropped, unused]));
    assert_eq!(seen.completeness(), Completeness::Complete, "{:?}", seen.reasons);
    for marker in ["kept", "freed-marker-1", "dropped-marker\t44051401458", "unused-marker"] {
        assert!(seen.holds(marker), "{marker}: {:?}", seen.text);
    }
}

#[test]
fn broken_databases_end_and_say_so() {
    let schema_of = |page| schema(&[("table", "t", page, "CREATE TABLE t (a)")]);
    let loop_back = page(0x05, 0, &[[2_u32.to_be_bytes().to_vec(), varint(1)].concat()], Some(2));
    let endless = [varint(5_000), varint(1), payload(&[text("secret-marker")]), vec![b'x'; 400]].concat();
    let mut cells = leaf(&[row(1, &[text("secret-marker")])]);
    cells[3..5].copy_from_slice(&u16::MAX.to_be_bytes());
    let whole = database(&schema_of(2), &[leaf(&[row(1, &[text("secret-marker")])])]);
    let rows = [
        ("a page that is not there", database(&schema_of(99), &[b"secret-marker".to_vec()])),
        ("a tree in a circle", database(&schema_of(2), &[loop_back, leaf(&[row(1, &[text("secret-marker")])])])),
        ("a value longer than the file", database(&schema_of(2), &[leaf(&[endless])])),
        ("more cells than bytes", database(&schema_of(2), &[cells])),
        ("cut", whole[..whole.len() - 4].to_vec()),
    ];
    for (case, bytes) in rows {
        let seen = walk("a.db", &bytes);
        assert!(seen.holds("secret-"), "{case}: {:?}", seen.text);
        assert_eq!(seen.completeness(), Completeness::Damaged, "{case}: {:?}", seen.reasons);
    }
    let mut odd = whole;
    odd[16] = 3;
    let seen = walk("a.db", &odd);
    assert_eq!(seen.completeness(), Completeness::Unsupported);
    assert!(seen.role(Role::Raw).contains("secret-marker"));
}

#[test]
fn what_a_database_repeats_is_read_once() {
    let schema_of = |page| schema(&[("table", "t", page, "CREATE TABLE t (a)")]);
    // Every pointer of the page leads to its only cell.
    let cell = row(1, &[text("secret-marker, and more of it")]);
    let shared = |kind: u8, cell: &[u8], right: Option<u32>| {
        let mut page = page(kind, 0, &[cell.to_vec()], right);
        let (list, count) = if right.is_some() { (12, 200_u16) } else { (8, 200) };
        let at = [page[list], page[list + 1]];
        page[3..5].copy_from_slice(&count.to_be_bytes());
        page[list..list + 2 * usize::from(count)].chunks_exact_mut(2).for_each(|place| place.copy_from_slice(&at));
        page
    };
    let below = [3_u32.to_be_bytes().to_vec(), varint(1)].concat();
    let rows = [
        ("rows", database(&schema_of(2), &[shared(0x0D, &cell, None)])),
        ("pages", database(&schema_of(2), &[shared(0x05, &below, Some(3)), leaf(std::slice::from_ref(&cell))])),
    ];
    for (case, bytes) in rows {
        let seen = walk("a.db", &bytes);
        assert!(seen.reasons.contains(&"overlap"), "{case}: {:?}", seen.reasons);
        assert!(seen.cells.len() < 30, "{case}: {}", seen.cells.len());
        assert!(seen.holds("secret-marker"), "{case}");
    }
    // What belongs to a table that is there twice comes with the first one.
    let twice = schema(&[("table", "t", 2, "-"), ("table", "t", 3, "-"), ("index", "t", 4, "-")]);
    let entry = [varint(9), payload(&[text("indexed")])].concat();
    let pages = [leaf(&[row(1, &[text("first")])]), leaf(&[row(1, &[text("second")])]), page(0x0A, 0, &[entry], None)];
    let seen = walk("a.db", &database(&twice, &pages));
    assert_eq!(seen.completeness(), Completeness::Complete, "{:?}", seen.reasons);
    assert!(["first", "second", "indexed"].iter().all(|value| seen.role(Role::Body).contains(value)));
}

#[test]
fn rows_and_schemas_have_bounds() {
    // More values than a row of this format can have, each of them nothing.
    let nothing = [varint(40_003), vec![0; 40_000], b"behind-marker".to_vec()].concat();
    let (min, len) = ((PAGE - 12) * 32 / 255 - 23, nothing.len());
    let fitting = min + (len - min) % (PAGE - 4);
    let local = if fitting <= PAGE - 35 { fitting } else { min };
    let cell = [varint(len as u64), varint(1), nothing[..local].to_vec(), 3_u32.to_be_bytes().to_vec()].concat();
    let chained = nothing[local..].chunks(PAGE - 4).zip(4_u32..).map(|(chunk, next)| {
        let mut page = [&next.to_be_bytes()[..], chunk].concat();
        page.resize(PAGE, 0);
        page
    });
    let pages = [vec![leaf(&[cell])], chained.collect()].concat();
    let table = schema(&[("table", "t", 2, "CREATE TABLE t (a)")]);
    let seen = walk("a.db", &database(&table, &pages));
    assert_eq!(seen.completeness(), Completeness::Damaged, "{:?}", seen.reasons);
    assert!(seen.holds("behind-marker"), "{:?}", seen.text);
    // Long names of columns do not come again with each of their files.
    let statement = format!("CREATE TABLE t ({} BLOB)", "n".repeat(300));
    let file = leaf(&[row(1, &[Value::Blob(gzip(b"packed-marker"))])]);
    let seen = walk("a.db", &database(&schema(&[("table", "t", 2, &statement)]), &[file]));
    let item = seen.items.iter().find(|item| item.path.contains("nnn")).expect("the file is an item");
    assert!(item.path.len() < 290 && seen.holds("packed-marker"), "{}", item.path);
}

#[test]
fn a_schema_of_too_many_tables_is_named() {
    let entry = |number: u64| row(number, &[text("table"), text("t"), text("t"), Value::Integer(9_999_999)]);
    let cells: Vec<Vec<u8>> = (0..12).map(entry).collect();
    // The limit is 16,384; a page of the schema has twelve entries.
    let count = 16_384 / 12 + 1;
    let leaves = 60;
    let interiors = usize::div_ceil(count, leaves);
    let first: Vec<Vec<u8>> = (0..3).map(|at| [(2 + at as u32).to_be_bytes().to_vec(), varint(1)].concat()).collect();
    let spread = |children: Vec<u32>| {
        let (last, others) = children.split_last().expect("a page has children");
        let cells: Vec<Vec<u8>> =
            others.iter().map(|child| [child.to_be_bytes().to_vec(), varint(1)].concat()).collect();
        page(0x05, 0, &cells, Some(*last))
    };
    let (middle, below) = (2_u32, 5_u32);
    let mut pages: Vec<Vec<u8>> = (0..3_u32)
        .map(|part| spread((0..interiors as u32).filter(|at| at % 3 == part).map(|at| below + at).collect()))
        .collect();
    let start = below + interiors as u32;
    for at in 0..interiors as u32 {
        pages.push(spread((0..leaves as u32).map(|leaf| start + at * leaves as u32 + leaf).collect()));
    }
    pages.extend(vec![leaf(&cells); interiors * leaves]);
    let mut bytes = database(&[], &pages);
    let root = page(0x05, 100, &first[..2], Some(middle + 2));
    bytes[100..PAGE].copy_from_slice(&root[100..]);
    let seen = walk("a.db", &bytes);
    assert!(seen.reasons.contains(&"sqlite_schema_entries_max"), "{:?}", seen.reasons);
}

#[test]
fn bytes_that_no_value_covers_are_read() {
    let payload = [payload(&[text("x")]), b"behind-marker".to_vec()].concat();
    let cell = [varint(payload.len() as u64), varint(1), payload].concat();
    let mut bytes = database(&schema(&[("table", "t", 2, "CREATE TABLE t (a)")]), &[leaf(&[cell])]);
    bytes[72..88].copy_from_slice(b"reserved-markers");
    let seen = walk("a.db", &bytes);
    for marker in ["behind-marker", "reserved-marker"] {
        assert!(seen.holds(marker), "{marker}: {:?}", seen.text);
    }
}

#[test]
fn bytes_that_pages_reserve_are_read() {
    let mut page = page(0x0D, 0, &[], None);
    page[PAGE - 32..PAGE - 18].copy_from_slice(b"reserve-marker");
    let mut bytes = database(&schema(&[("table", "t", 2, "CREATE TABLE t (a)")]), &[page]);
    bytes[20] = 32;
    let seen = walk("a.db", &bytes);
    assert!(seen.holds("reserve-marker"), "{:?}", seen.text);
}

#[test]
fn texts_in_another_encoding_than_stated_are_read() {
    let marker = "wide-marker";
    let wide: Vec<u8> = marker.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = marker.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (case, encoding, value) in [
        ("UTF-16 in UTF-8", 1_u32, wide.clone()),
        ("UTF-8 in UTF-16", 2, marker.as_bytes().to_vec()),
        ("high byte first where the low one should be", 2, big),
        ("as stated", 2, wide),
    ] {
        let statement = text("CREATE TABLE t (a)");
        let entry = row(1, &[text("table"), text("t"), text("t"), Value::Integer(2), statement]);
        let mut bytes = database(&[entry], &[leaf(&[row(1, &[Value::Text(value)])])]);
        bytes[56..60].copy_from_slice(&encoding.to_be_bytes());
        let seen = walk("a.db", &bytes);
        assert!(seen.holds(marker), "{case}: {:?}", seen.text);
    }
}

/// A cell whose payload goes on in pages from this one on, and these.
fn chained(number: u64, payload: &[u8], first: u32) -> (Vec<u8>, Vec<Vec<u8>>) {
    let (min, len) = ((PAGE - 12) * 32 / 255 - 23, payload.len());
    let fitting = min + (len - min) % (PAGE - 4);
    let local = if fitting <= PAGE - 35 { fitting } else { min };
    let cell = [varint(len as u64), varint(number), payload[..local].to_vec(), first.to_be_bytes().to_vec()].concat();
    let pages = payload[local..].chunks(PAGE - 4).zip(first + 1..).map(|(chunk, next)| {
        let mut page = [&next.to_be_bytes()[..], chunk].concat();
        page.resize(PAGE, 0);
        page
    });
    (cell, pages.collect())
}

#[test]
fn long_values_are_read_as_they_come() {
    const LONG: usize = 3_000_000;
    let mut file = vec![b'.'; LONG];
    file[LONG - 12..].copy_from_slice(b" file-marker");
    let archive = zip_with(&[("inner.txt", &file)], zip::CompressionMethod::Stored);
    let long = format!("text-start {} text-end", "many words ".repeat(200_000));
    let values = [
        text("short-marker"),
        Value::Blob(archive),
        Value::Integer(44),
        text(&long),
        Value::Blob(b"blob-end".to_vec()),
    ];
    let payload = [payload(&values), b"behind-marker".to_vec()].concat();
    let (cell, pages) = chained(1, &payload, 3);
    let table = schema(&[("table", "t", 2, "CREATE TABLE t (a, b, c, d, e)")]);
    let bytes = database(&table, &[vec![leaf(&[cell])], pages.clone()].concat());
    let seen = walk("a.db", &bytes);
    assert_eq!(seen.completeness(), Completeness::Complete, "{:?}", seen.reasons);
    for marker in ["short-marker", "file-marker", "text-start", "text-end", "blob-end", "behind-marker"] {
        assert!(seen.holds(marker), "{marker}");
    }
    let paths: Vec<&str> = seen.items.iter().map(|item| item.path.as_str()).collect();
    for path in ["a.db/t 1 b/inner.txt", "a.db/t 1 d"] {
        assert!(paths.contains(&path), "{paths:?}");
    }
    // The number of a row stands in none of its values.
    let (cell, pages) = chained(44_051_401_458, &self::payload(&[Value::Null, text(&long)]), 3);
    let keyed = schema(&[("table", "t", 2, "CREATE TABLE t (pesel INTEGER PRIMARY KEY, note)")]);
    let seen = walk("a.db", &database(&keyed, &[vec![leaf(&[cell])], pages].concat()));
    assert!(seen.role(Role::Body).contains("44051401458") && seen.holds("text-end"), "{:?}", seen.reasons);
    // Neither the file nor its values have to be held where the file can be sought.
    let bounds = dlp_core::base::Limits { held_bytes_max: 100_000, ..limits() };
    let small = [payload_of_text(), vec![]].concat();
    let (cell, pages) = chained(1, &small, 3);
    let bytes = database(&table, &[vec![leaf(&[cell])], pages].concat());
    let seen = walk_input("a.db", Input::Seekable(&mut std::io::Cursor::new(&bytes)), &bounds, None);
    assert_eq!((seen.reasons.as_slice(), seen.holds("text-end")), (&[][..], true));
    // A chain that breaks off.
    let cut = walk("a.db", &bytes[..bytes.len() - 40 * PAGE]);
    assert_eq!((cut.completeness(), cut.holds("text-start")), (Completeness::Damaged, true));
}

fn payload_of_text() -> Vec<u8> {
    payload(&[text(&format!("text-start {} text-end", "many words ".repeat(200_000)))])
}

#[test]
fn densely_packed_databases_are_read_out_of_archives() {
    // Rows of blanks, which deflate packs to less than a thirtieth: more than may be held as it is.
    let rows = (0..4_000_u64).map(|number| leaf(&[row(number, &[text(&format!("row-{number}-marker{:430}", ""))])]));
    let table = schema(&[("table", "t", 2, "CREATE TABLE t (a)")]);
    let bytes = database(&table, &rows.collect::<Vec<_>>());
    let archive = zip(&[("a.db", &bytes)]);
    assert!(bytes.len() > 2_000_000 && archive.len() < bytes.len() / 30, "{}", archive.len());
    let walk = |held_bytes_max| {
        let bounds = dlp_core::base::Limits { held_bytes_max, ..limits() };
        walk_input("a.zip", Input::Bytes(&archive), &bounds, None)
    };
    let seen = walk(300_000);
    assert_eq!(seen.reasons, [""; 0]);
    let found = seen.role(Role::Body).matches("-marker").count();
    assert_eq!((found, seen.holds("row-3999-marker")), (4_000, true));
    // What is packed does not fit either, and is scanned as it comes.
    let seen = walk(30_000);
    assert_eq!((seen.completeness(), seen.reasons.first()), (Completeness::Partial, Some(&"held_bytes_max")));
    assert!(seen.role(Role::Raw).contains("row-3999-marker"));
}
