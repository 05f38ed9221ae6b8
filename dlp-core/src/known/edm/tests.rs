//! The law of the row: cells of one row are found together, cells of different rows are not.

use super::super::{IndexError, Known, KnownKey};
use super::*;
use crate::base::ConfidenceLevel;
use crate::knowledge::Catalogue;
use crate::matching::{DetectorSet, Match};

const SCHEMA: &str = r#"
    name = "customers"
    secondary_min = 2
    common_rows = 3
    [[column]]
    name = "number"
    primary = true
    [[column]]
    name = "name"
    [[column]]
    name = "city"
    [[column]]
    name = "born"
    kind = "date"
    [[column]]
    name = "phone"
    kind = "phone"
"#;

const ROWS: &[[&str; 5]] = &[
    ["AC-11223344", "Jane Doe", "Warszawa", "12.03.1911", "+48 512 345 678"],
    ["AC-55667788", "Łucja Żuk", "Warszawa", "1915-07-01", "022 123 45 67"],
    ["AC-99001122", "Rob Roe", "Warszawa", "", ""],
    ["AC-33445566", "Al Poe", "Warszawa", "01.01.1918", ""],
    ["123", "Too Short", "Radom", "02.02.1919", "600100200"],
];

fn key() -> KnownKey {
    KnownKey::new(std::array::from_fn(|at| at as u8))
}

fn built() -> Vec<u8> {
    let schema = Schema::parse(SCHEMA).expect("schema");
    let mut indexer = Indexer::new(schema, &key(), [7; 16]);
    let mut entries = Vec::new();
    ROWS.iter().for_each(|row| indexer.row(row.iter().copied(), &mut entries));
    entries.sort_unstable();
    let mut writer = indexer.writer(entries.len() as u64, Vec::new()).expect("memory");
    entries.into_iter().for_each(|entry| writer.push(entry).expect("sorted"));
    writer.finish().expect("memory")
}

fn known() -> Known {
    let index = Index::parse(built(), &key()).expect("index");
    let mut catalogue = Catalogue::empty();
    catalogue.add_detector("index", index.schema().detector()).expect("free id");
    Known::new(&DetectorSet::compile(catalogue).expect("set"), vec![index], Vec::new())
}

fn scan(text: &str, piece_len: usize) -> Vec<Match> {
    let mut found = Vec::new();
    let mut scan = known().scan().expect("something is known");
    for piece in text.as_bytes().chunks(piece_len) {
        scan.push(piece, &mut |m| found.push(m));
    }
    scan.finish(&mut |m| found.push(m));
    found
}

#[test]
fn a_row_is_found_by_its_own_cells_only() {
    use ConfidenceLevel::{High, Low};
    let rows: &[(&str, &[(&str, ConfidenceLevel)])] = &[
        ("Customer AC-11223344, Jane Doe, born 1911-03-12.", &[("AC-11223344", High)]),
        ("jane doe | 512345678 | ac 11223344", &[("ac 11223344", High)]),
        ("AC-11223344 Lucja Zuk, born 01.07.1915", &[("AC-11223344", Low)]),
        ("AC-11223344 alone", &[("AC-11223344", Low)]),
        // A common value counts beside two others only: the primary one and a rare one.
        ("AC-11223344 Warszawa", &[("AC-11223344", Low)]),
        ("AC-11223344 Warszawa, tel. 512-345-678", &[("AC-11223344", High)]),
        ("Jane Doe from Warszawa, born 12.03.1911", &[]),
        ("AC-11223345 Jane Doe 12.03.1911", &[]),
        ("123 Too Short, Radom", &[]),
        ("Łucja Żuk\tAC\u{2011}55667788\t22 123 45 67", &[("AC\u{2011}55667788", High)]),
    ];
    for (text, expected) in rows {
        let found = scan(text, text.len());
        let shown: Vec<_> = found
            .iter()
            .map(|m| (std::str::from_utf8(m.value.expose()).expect("UTF-8"), m.confidence.level()))
            .collect();
        assert_eq!(&shown, expected, "{text}: {:?}", found.iter().map(|m| &m.reasons).collect::<Vec<_>>());
    }
}

#[test]
fn words_of_a_cell_may_stand_eight_bytes_apart() {
    use ConfidenceLevel::{High, Low};
    let rows =
        [(" ", High), ("\n       ", High), ("@$$-", High), (" . . . .", High), (" . . . . ", Low), (" or ", Low)];
    for (gap, expected) in rows {
        let found = scan(&format!("AC-11223344, tel. 512 345 678: Jane{gap}Doe"), 4096);
        let levels: Vec<_> = found.iter().map(|m| m.confidence.level()).collect();
        assert_eq!(levels, [expected], "{gap:?}");
    }
}

#[test]
fn cells_beyond_the_window_do_not_count() {
    let gap = "x ".repeat(200);
    let found = scan(&format!("Jane Doe 12.03.1911 {gap} AC-11223344"), 4096);
    assert_eq!(found[0].confidence.level(), ConfidenceLevel::Low);
}

#[test]
fn cutting_changes_nothing() {
    let text = format!(
        "{}\nAC-11223344;Jane Doe;12.03.1911\n{}AC-55667788 Łucja Żuk 22 123 45 67",
        "ż. ".repeat(400),
        "y ".repeat(900)
    );
    let whole = scan(&text, text.len());
    assert_eq!(whole.len(), 2);
    assert_eq!((whole[0].start.line, whole[0].start.column), (2, 1));
    for piece_len in [1, 2, 7, 64] {
        assert_eq!(scan(&text, piece_len), whole, "{piece_len}");
    }
}

#[test]
fn neither_reasons_nor_the_index_hold_a_value() {
    let found = scan("Customer AC-11223344, Jane Doe, born 1911-03-12.", 64);
    let said = format!("{:?}", found[0]).to_lowercase();
    let bytes = String::from_utf8_lossy(&built()).to_lowercase();
    for value in ["11223344", "jane", "doe", "1911"] {
        assert!(!said.contains(value) && !bytes.contains(value), "{value}: {said}");
    }
}

#[test]
fn other_keys_altered_files_and_other_files_are_refused() {
    let bytes = built();
    assert_eq!(Index::parse(bytes.clone(), &KnownKey::new([1; 32])).expect_err("key"), IndexError::Key);
    for at in [9, bytes.len() / 2, bytes.len() - 1] {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        assert!(Index::parse(altered, &key()).is_err(), "{at}");
    }
    for len in [0, 7, 40, bytes.len() - 1] {
        assert_eq!(
            Index::parse(bytes[..len].to_vec(), &key()).expect_err("cut"),
            IndexError::NotAnIndex { expected: "dlp edm build" },
            "{len}"
        );
    }
}

/// A file that goes away after so many reads.
struct Vanishing(Vec<u8>, std::sync::atomic::AtomicI64);

impl super::super::Source for Vanishing {
    fn len_bytes(&self) -> u64 {
        self.0.len_bytes()
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> std::io::Result<()> {
        match self.1.fetch_sub(1, std::sync::atomic::Ordering::Relaxed) {
            ..=0 => Err(std::io::ErrorKind::NotFound.into()),
            _ => self.0.read_at(at, into),
        }
    }
}

#[test]
fn an_index_that_goes_away_is_no_empty_one() {
    let open = |reads: i64| Index::open(std::sync::Arc::new(Vanishing(built(), reads.into())), &key());
    assert_eq!(open(2).expect_err("gone"), IndexError::Unreadable(std::io::ErrorKind::NotFound));
    let index = open(6).expect("it is there long enough");
    let value = Schema::parse(SCHEMA).expect("schema").cell(0, &super::super::words::Words::of("AC-11223344"));
    assert!(!index.has_failed());
    let _ = index.find(0, &value.expect("a value"));
    assert!(index.find(0, &value.expect("a value")).is_empty() && index.has_failed());
}

#[test]
fn schemas_say_what_is_wrong_with_them() {
    let rows = [
        ("name = \"Customers\"\n[[column]]\nname = \"a\"\nprimary = true", "lower-case"),
        ("name = \"a\"\nsecondary_min = 0\n[[column]]\nname = \"a\"", "primary = true"),
        ("name = \"a\"\n[[column]]\nname = \"a\"\nprimary = true", "secondary_min: expected at most 0"),
        ("name = \"a\"\n[[column]]\nname = \"a\"\nprimary = true\n[[column]]\nname = \"a\"", "twice"),
        ("name = \"a\"\ncolumns = []", "unknown field"),
    ];
    for (text, expected) in rows {
        let error = Schema::parse(text).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn what_is_shown_around_other_findings_holds_no_cell() {
    let rows = [
        (
            "see Jane Doe from Warszawa about it, born 12.03.1911 or so",
            "*** ******** from ******** about it, born ********** or **",
        ),
        ("an invoice of AC-55667788 and of others", "** invoice of *********** and of ******"),
        ("345 678 is the rest of a number that was 0000", "*** *** is the rest of a number that was ****"),
        ("", ""),
    ];
    for (text, expected) in rows {
        assert_eq!(known().without_values(text), expected, "{text}");
    }
}
