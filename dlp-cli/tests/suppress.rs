//! Findings that do not count, because a mark in the file or a baseline says so.

mod support;

use serde_json::{Value, json};
use support::{Place, of_kind, records, token};

/// A wanted value, one with a mark that is over, and one without a mark.
fn place() -> Place {
    let text = format!(
        "a = {} # dlp:allow secret.github -- fixture {}\n# dlp:allow secret -- old until=2020-01-31\nb = {}\n",
        token(1),
        token(9),
        token(2)
    );
    Place::with(&[("a.txt", &text), ("b.txt", "# dlp:allow secret.github -- unused\n")])
}

#[test]
fn marked_findings_do_not_count_and_are_not_lost() {
    let place = place();
    let output = place.dlp(&["scan"]).output().expect("dlp runs");
    let (stdout, stderr) = (String::from_utf8(output.stdout), String::from_utf8(output.stderr));
    let (stdout, stderr) = (stdout.expect("UTF-8"), stderr.expect("UTF-8"));
    assert_eq!(output.status.code(), Some(1));
    let lines: Vec<_> = stdout.lines().map(|line| line.split("  ").next().expect("a place")).collect();
    assert_eq!(lines, ["a.txt:3:5"], "{stdout}");
    assert!(stderr.contains("2 findings suppressed by marks"), "{stderr}");
    assert!(stderr.contains("a.txt:2: this dlp:allow does not count: its last day is over"), "{stderr}");

    let records = place.records(&[]);
    let findings = of_kind(&records, "finding");
    let marked: Vec<&Value> = findings.iter().map(|finding| &finding["suppressed"]).filter(|s| !s.is_null()).collect();
    assert_eq!((findings.len(), marked.len()), (3, 2));
    let reason = marked[0]["reason"].as_str().expect("reason");
    assert!(reason.starts_with("fixture ****") && !reason.contains(&token(9)[4..]), "{reason}");
    assert_eq!((&marked[0]["by"], &marked[0]["entry"]), (&json!("inline"), &json!("a.txt:1")));
    let counts = &records.last().expect("summary")["findings"];
    assert_eq!(
        (&counts["total"], &counts["new"], &counts["suppressed"], &counts["by_detector"]["secret.github.pat-classic"]),
        (&json!(3), &json!(1), &json!(2), &json!(1))
    );

    let sarif = place.dlp(&["scan", "--format", "sarif"]).output().expect("dlp runs").stdout;
    let log: Value = serde_json::from_slice(&sarif).expect("JSON");
    let results = log["runs"][0]["results"].as_array().expect("results").clone();
    let kinds: Vec<_> = results.iter().map(|result| result["suppressions"][0]["kind"].clone()).collect();
    assert_eq!(kinds, [json!("inSource"), json!("inSource"), json!(null)]);
}

#[test]
fn marks_can_be_ignored_and_alone_they_leave_a_clean_scan() {
    let place = place();
    let all = place.dlp(&["scan", "--no-inline-allow"]).output().expect("dlp runs");
    assert_eq!(String::from_utf8_lossy(&all.stdout).lines().count(), 3);
    place.write("a.txt", format!("// dlp:allow secret -- fixture\nx = {}\n", token(1)).as_bytes());
    assert_eq!(place.dlp(&["scan"]).output().expect("dlp runs").status.code(), Some(0));
    assert_eq!(place.dlp(&["scan", "--no-inline-allow"]).output().expect("dlp runs").status.code(), Some(1));
}

#[test]
fn marks_hold_in_staged_content() {
    let place = place();
    for words in [&["init", "-q"][..], &["add", "-A"]] {
        let status = std::process::Command::new("git").args(words).current_dir(place.root()).status();
        assert!(status.expect("git runs").success());
    }
    let output = place.dlp(&["git", "--staged", "--format", "jsonl"]).output().expect("dlp runs");
    let counts = &records(&output.stdout).last().expect("summary")["findings"].clone();
    assert_eq!((&counts["new"], &counts["suppressed"]), (&json!(1), &json!(2)));
}
