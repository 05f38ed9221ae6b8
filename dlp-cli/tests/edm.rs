//! `dlp edm build` and `dlp scan --edm`: a table is indexed, its records are found, and no value is in the index.

mod support;

use std::fs;
use support::{Place, check_schema, of_kind};

const SCHEMA: &str = "name = \"customers\"\nsecondary_min = 2\n[[column]]\nname = \"no\"\nprimary = true\n\
                      [[column]]\nname = \"surname\"\n[[column]]\nname = \"born\"\nkind = \"date\"\n";
const TABLE: &str =
    "surname,no,born,rest\nKowalska,AC-11223344,12.03.1911,x\n\"Żuk, Łucja\",AC-55667788,1915-07-01,y\n";

fn place() -> Place {
    let place = Place::with(&[("customers.toml", SCHEMA), ("customers.csv", TABLE)]);
    place.write("known.key", &[5; 32]);
    #[cfg(unix)]
    fs::set_permissions(place.path("known.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("permissions");
    let words = [
        "edm",
        "build",
        "--schema",
        "customers.toml",
        "--key-file",
        "known.key",
        "customers.csv",
        "-o",
        "customers.edm",
    ];
    let run = place.dlp(&words).assert().code(0);
    assert_eq!(String::from_utf8_lossy(&run.get_output().stderr), "2 rows, 6 cells\n");
    place
}

#[test]
fn records_of_the_table_are_found_and_nothing_of_it_is_in_the_index() {
    let place = place();
    place.write("share/mail.txt", "Dear Ms Kowalska, your number ac 11223344.\nBorn on 1911-03-12.\n".as_bytes());
    place.write("share/other.txt", b"Number AC-11223344 of Zuk Lucja, 1 July 1915\n");
    let index = fs::read(place.path("customers.edm")).expect("index");
    assert!(!String::from_utf8_lossy(&index).contains("Kowalska"));
    let words = ["share", "--edm", "customers.edm", "--known-key", "known.key", "--detectors", "finance.card.pan"];
    let records = place.records(&words);
    check_schema(&records);
    let findings = of_kind(&records, "finding");
    assert_eq!(findings.len(), 1, "{records:?}");
    assert_eq!(findings[0]["detector"], "edm.customers");
    assert_eq!(findings[0]["confidence"]["level"], "high");
    assert_eq!((&findings[0]["location"]["line"], &findings[0]["location"]["column"]), (&1.into(), &31.into()));
    assert_eq!(findings[0]["context_masked"], "columns `no`, `surname`, `born` of one row");
    for format in ["pretty", "sarif"] {
        let run = place.dlp(&[&["scan"], &words[..], &["--format", format]].concat()).assert().code(1);
        let report = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
        assert!(report.contains("columns `no`, `surname`, `born` of one row"), "{format}: {report}");
        assert!(!report.contains("Kowalska"), "{report}");
    }
    let low = place.records(&[&words[..], &["--min-confidence", "low"]].concat());
    assert_eq!(of_kind(&low, "finding").len(), 2, "{low:?}");
}

#[test]
fn what_cannot_be_done_is_said() {
    let place = place();
    place.write("wrong.key", &[6; 32]);
    #[cfg(unix)]
    fs::set_permissions(place.path("wrong.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("permissions");
    place.write("other.csv", b"a,b\n1,2\n");
    place.write("semicolons.csv", b"surname;no;born\na;b;c\n");
    place.write("latin.csv", b"surname,no,born\n\xffecret,AC-1,2\n");
    let build = |table: &'static str| {
        vec!["edm", "build", "--schema", "customers.toml", "--key-file", "known.key", "-o", "x", table]
    };
    let rows = [
        (vec!["scan", "--edm", "customers.edm", "--known-key", "wrong.key", "."], "the key does not fit"),
        (vec!["scan", "--edm", "customers.csv", "--known-key", "known.key", "."], "expected an index made by"),
        (vec!["scan", "--edm", "customers.edm", "."], "--known-key"),
        (build("other.csv"), "expected a column `no` in the header"),
        (build("semicolons.csv"), "try --delimiter ';'"),
        (build("latin.csv"), "expected UTF-8 text"),
        (build("missing.csv"), "missing.csv"),
    ];
    for (words, expected) in rows {
        let run = place.dlp(&words).assert().code(2);
        let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(said.contains(expected) && !said.contains("ecret"), "{words:?}: {said}");
    }
}
