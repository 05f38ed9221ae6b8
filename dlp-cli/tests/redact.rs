//! `dlp redact`: from files and standard input, back with the key, clean in the next scan.

mod support;

use std::fs;
use support::{Place, of_kind};

const CSV: &str = "name,pesel,card,paid\nDoe,44051401359,4000 0100 0007 1234,yes\nRoe,06031739070,,no\n";

fn place() -> Place {
    let place = Place::with(&[("customers.csv", CSV), ("plain.txt", "PESEL: 06031739070\n")]);
    let key = [&b"0123456789abcdef"[..], b"0123456789abcdef"].concat();
    place.write("key", &key);
    #[cfg(unix)]
    fs::set_permissions(place.path("key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("permissions");
    place
}

#[test]
fn every_method_leaves_nothing_to_find() {
    for method in ["mask", "token", "hash", "format"] {
        let place = place();
        let words = ["redact", "customers.csv", "--method", method, "--key-file", "key", "--output", "clean/out.csv"];
        fs::create_dir(place.path("clean")).expect("folder");
        let run = place.dlp(&words).assert().code(0);
        let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(said.contains("redacted: 3") && said.contains("pii.pl.pesel"), "{said}");
        assert!(!said.contains("44051401359"), "{said}");
        let clean = fs::read_to_string(place.path("clean/out.csv")).expect("output");
        assert_eq!(clean.lines().map(|line| line.split(',').count()).collect::<Vec<_>>(), [4, 4, 4], "{clean}");
        assert!(!clean.contains("06031739070"), "{clean}");
        let records = place.records(&["clean"]);
        assert!(of_kind(&records, "finding").is_empty(), "{method}: {records:?}");
    }
}

#[test]
fn tokens_come_back_with_the_key() {
    let place = place();
    let words = ["redact", "customers.csv", "--method", "token", "--key-file", "key", "--output", "tokens.csv"];
    place.dlp(&words).assert().code(0);
    let words = ["redact", "--restore", "--key-file", "key", "tokens.csv"];
    let run = place.dlp(&words).assert().code(0);
    let normal = CSV.replace("4000 0100 0007 1234", "4000010000071234");
    assert_eq!(String::from_utf8_lossy(&run.get_output().stdout), normal);
    place.write("key", &[b'x'; 32]);
    let run = place.dlp(&words).assert().code(3);
    let tokens = fs::read(place.path("tokens.csv")).expect("tokens");
    assert_eq!(run.get_output().stdout, tokens, "tokens of another key stay");
    assert!(String::from_utf8_lossy(&run.get_output().stderr).contains("not restored: 3"));
}

#[test]
fn standard_input_is_taken_and_masked() {
    let run = place().dlp(&["redact"]).write_stdin("PESEL: 06031739070\n").assert().code(0);
    assert_eq!(String::from_utf8_lossy(&run.get_output().stdout), "PESEL: ***********\n");
}

#[test]
fn what_is_known_and_what_stands_encoded_is_replaced() {
    let place = place();
    place.write(
        "customers.toml",
        b"name = \"customers\"\nsecondary_min = 0\n[[column]]\nname = \"no\"\nprimary = true\n",
    );
    place.write("numbers.csv", b"no\nAC-11223344\n");
    let words = ["edm", "build", "--schema", "customers.toml", "--key-file", "key", "numbers.csv", "-o", "numbers.edm"];
    place.dlp(&words).assert().code(0);
    place.write(
        "mail.txt",
        b"number AC-11223344, auth cGVzZWw6IDA2MDMxNzM5MDcwIQ==, jane%40acme.pl\nbody bnVtYmVyIEFDLTExMjIzMzQ0IGFnYWlu\n",
    );
    let run = place.dlp(&["redact", "mail.txt", "--edm", "numbers.edm", "--known-key", "key"]).assert().code(0);
    let clean = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(
        !clean.contains("11223344")
            && !clean.contains("cGVzZWw6")
            && !clean.contains("bnVtYmVy")
            && said.contains("encoded"),
        "{clean}{said}"
    );
    place.write("clean/mail.txt", clean.as_bytes());
    let records = place.records(&["clean", "--edm", "numbers.edm", "--known-key", "key"]);
    assert!(of_kind(&records, "finding").is_empty(), "{records:?}");
}

#[test]
fn every_cell_of_a_known_row_is_replaced() {
    let place = place();
    let schema = "name = \"customers\"\nsecondary_min = 1\n[[column]]\nname = \"no\"\nprimary = true\n\
                  [[column]]\nname = \"surname\"\n[[column]]\nname = \"city\"\n";
    place.write("customers.toml", schema.as_bytes());
    place.write("rows.csv", "no,surname,city\nAC-11223344,Brzęczyk,Radomsko\nAC-55667788,Other,Elsewhere\n".as_bytes());
    let words = ["edm", "build", "--schema", "customers.toml", "--key-file", "key", "rows.csv", "-o", "rows.edm"];
    place.dlp(&words).assert().code(0);
    let rows = [
        ("AC-11223344 Brzęczyk from Radomsko", "*********** ******** from ********"),
        ("Brzęczyk, Radomsko: AC-11223344; Other stays", "********, ********: ***********; Other stays"),
        ("Brzęczyk alone stays", "Brzęczyk alone stays"),
    ];
    for (text, expected) in rows {
        let words = ["redact", "--edm", "rows.edm", "--known-key", "key"];
        let run = place.dlp(&words).write_stdin(text).assert().code(0);
        assert_eq!(String::from_utf8_lossy(&run.get_output().stdout), expected, "{text}");
    }
}

#[test]
fn broken_json_is_said_and_taken_as_text() {
    let place = place();
    place.write("broken.json", b"{\"pesel\": \"06031739070\",}\n");
    let run = place.dlp(&["redact", "broken.json"]).assert().code(0);
    assert_eq!(String::from_utf8_lossy(&run.get_output().stdout), "{\"pesel\": \"***********\",}\n");
    assert!(String::from_utf8_lossy(&run.get_output().stderr).contains("no JSON from byte 24 on"));
}

#[test]
fn what_cannot_be_done_is_said() {
    let place = place();
    place.write("legacy.txt", b"caf\xe9 PESEL 06031739070");
    let rows: &[(&[&str], &str)] = &[
        (&["redact", "--method", "token", "plain.txt"], "--key-file"),
        (&["redact", "--restore", "plain.txt"], "--key-file"),
        (&["redact", "legacy.txt"], "expected UTF-8 text, found other bytes at offset 3"),
        (&["redact", "missing.txt"], "missing.txt"),
        (&["redact", "--restore", "--key-file", "plain.txt", "plain.txt"], "key"),
    ];
    for (words, expected) in rows {
        let run = place.dlp(words).assert().code(2);
        let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(said.contains(expected), "{words:?}: {said}");
        assert!(!said.contains("06031739070"), "{said}");
    }
}
