//! Values in the names of files, directories, members and sheets: found, reported, and shown to nobody.

mod support;

use dlp_core::knowledge::{generate::generate, validators};
use serde_json::{Value, json};
use std::process::Command;
use support::{Place, of_kind, records, token, zip};

/// The number of a person who does not exist.
fn pesel() -> String {
    generate("9[0-9]0[1-9]1[0-9][0-9]{5}", 3, validators::find("pl-pesel")).expect("recipe")
}

/// Values in the name of a directory, of a file, of a member and of an encrypted member.
fn place() -> Place {
    let place = Place::new();
    place.write(&format!("pesel {}/{}.txt", pesel(), token(1)), b"nothing\n");
    place.write(&format!("pesel {}/list.txt", pesel()), format!("pesel {}\n", pesel()).as_bytes());
    place.write(&format!("pesel {}/{}_scan.txt", pesel(), pesel()), b"nothing\n");
    place.write("a.zip", &zip(&format!("in/{}.txt", token(2)), format!("key {}\n", token(3)).as_bytes(), false));
    place.write("b.zip", &zip(&format!("in/x_{}_y.txt", token(4)), b"0123456789ab", true));
    place
}

fn values() -> Vec<String> {
    [1, 2, 3, 4].map(token).into_iter().chain([pesel()]).collect()
}

fn check_silence(what: &str, output: &std::process::Output) {
    let text = String::from_utf8([&output.stdout[..], &output.stderr].concat()).expect("UTF-8");
    for value in values() {
        assert!(!text.contains(&value) && !text.contains(&value[4..]), "{what} shows a value:\n{text}");
    }
}

#[test]
fn no_report_shows_a_value_in_a_name() {
    let place = place();
    for format in ["pretty", "jsonl", "sarif"] {
        for words in [&[][..], &["--detectors", "finance.*"], &["--min-confidence", "high"]] {
            let output = place.dlp(&[&["scan", "--format", format], words].concat()).output().expect("dlp runs");
            check_silence(&format!("{format} {words:?}"), &output);
        }
        let inside = format!("pesel {}", pesel());
        let output = place.dlp(&["scan", "--format", format, &inside]).output().expect("dlp runs");
        check_silence(&format!("{format} of a root"), &output);
    }
}

#[test]
fn the_rest_of_a_name_stays_as_it_is() {
    let output = place().dlp(&["scan"]).output().expect("dlp runs");
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    let mask = format!("*********{}", &pesel()[9..]);
    assert!(stdout.contains(&format!("pesel {mask}/list.txt:1:7  ")), "{stdout}");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(stderr.contains("b.zip!in/x_****") && stderr.contains("_y.txt: "), "{stderr}");
}

#[test]
fn what_stands_in_a_name_is_a_finding() {
    let records = place().records(&[]);
    support::check_schema(&records);
    let findings = of_kind(&records, "finding");
    let in_names: Vec<(&Value, &Value, &Value)> = findings
        .iter()
        .filter(|finding| finding["location"]["part"] == "file-name")
        .map(|finding| (&finding["detector"], &finding["location"]["path"], &finding["location"]["container"]))
        .collect();
    let directory = json!(format!("pesel *********{}", &pesel()[9..]));
    let people: Vec<_> = in_names.iter().filter(|(detector, ..)| *detector == "pii.pl.pesel").collect();
    let paths: Vec<_> = people.iter().map(|(_, path, _)| (*path).clone()).collect();
    let file = json!(format!("{0}/*********{1}_scan.txt", directory.as_str().expect("text"), &pesel()[9..]));
    assert_eq!(paths, [directory, file], "a directory's name is reported once: {in_names:?}");
    let keys = in_names.iter().filter(|(detector, ..)| *detector == "secret.github.pat-classic");
    assert!(keys.clone().any(|(_, path, _)| path.as_str().is_some_and(|p| p.starts_with("pesel *"))), "{in_names:?}");
    assert!(keys.clone().any(|(_, path, _)| **path == "a.zip"), "{in_names:?}");
    let ids: Vec<_> = findings.iter().map(|finding| finding["finding_id"].as_str().expect("id")).collect();
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len());
}

#[test]
fn extract_names_no_value_outside_of_the_text() {
    let place = place();
    let output = place.dlp(&["extract", "b.zip"]).output().expect("dlp runs");
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(!stderr.contains(&token(4)) && stderr.contains("in/x_***"), "{stderr}");
    let path = format!("pesel {0}/{0}_scan.txt", pesel());
    let output = place.dlp(&["extract", &path, "--format", "jsonl"]).output().expect("dlp runs");
    assert!(!String::from_utf8_lossy(&output.stdout).contains(&pesel()), "{output:?}");
    let output = place.dlp(&["extract", "a.zip", "--format", "jsonl"]).output().expect("dlp runs");
    for piece in records(&output.stdout) {
        assert!(!piece["container"].to_string().contains(&token(2)), "{piece}");
    }
}

#[test]
fn commits_show_no_value_in_a_name() {
    let place = place();
    for words in [&["init", "-q"][..], &["add", "-A"]] {
        assert!(Command::new("git").args(words).current_dir(place.root()).status().expect("git runs").success());
    }
    for format in ["pretty", "jsonl", "sarif"] {
        let output = place.dlp(&["git", "--staged", "--format", format]).output().expect("dlp runs");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        check_silence(format, &output);
    }
}
