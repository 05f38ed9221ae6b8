//! `dlp detectors`, `dlp extract`, `dlp gateway`, `dlp completions`, and the help.

mod support;

use support::{Place, dlp, records, token, zip};

const OWN: &str = r#"
[[detector]]
id = "custom.acme.badge"
title = "Acme badge number"
description = "Identifies a person inside Acme."
category = "custom"
severity = "low"
patterns = ['ACME-[0-9]{6}']
score = { pattern = 70, strong = 20 }
context = { strong = ["badge"] }
examples = [{ text = "badge ACME-123456", finds = ["ACME-123456"], level = "high" }]
counter_examples = [{ text = "ACME-12", reason = "too short" }]
"#;

#[test]
fn own_detectors_find_are_listed_explained_and_tested() {
    let place = Place::with(&[("own.toml", OWN), ("staff.txt", "badge: ACME-654321\n")]);
    let output = place.dlp(&["scan", "staff.txt", "--detector-file", "own.toml"]).output().expect("dlp runs");
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(stdout.starts_with("staff.txt:1:8  low  custom.acme.badge"), "{stdout}");
    let list = place.dlp(&["detectors", "list", "--detector-file", "own.toml", "--format", "jsonl"]).output();
    let ids: Vec<_> = records(&list.expect("dlp runs").stdout).iter().map(|r| r["id"].clone()).collect();
    assert!(ids.contains(&"custom.acme.badge".into()) && ids.contains(&"secret.github.pat-classic".into()));
    let explain = place.dlp(&["detectors", "explain", "custom.acme.badge", "--detector-file", "own.toml"]).output();
    insta::assert_snapshot!(String::from_utf8(explain.expect("dlp runs").stdout).expect("UTF-8"));
    assert_eq!(place.dlp(&["detectors", "test", "own.toml"]).output().expect("dlp runs").status.code(), Some(0));
}

#[test]
fn failing_examples_are_reported() {
    let rows = [
        ("finds = [\"ACME-123456\"]", "finds = [\"ACME-999999\"]", "but found 1 value that `finds` does not name"),
        ("text = \"badge ACME-123456\"", "text = \"ACME\"", "expected 1 value with high confidence, but found nothing"),
        ("text = \"ACME-12\"", "text = \"ACME-121212\"", "expected silence"),
        ("pattern = 70", "pattern = 10", "expected 1 value with high confidence, but 0 reached it; scores: 30"),
    ];
    for (from, to, expected) in rows {
        let place = Place::with(&[("own.toml", &OWN.replace(from, to))]);
        let output = place.dlp(&["detectors", "test", "own.toml"]).output().expect("dlp runs");
        let stdout = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "{to}");
        let line = if from == "text = \"ACME-12\"" { 12 } else { 11 };
        assert!(stdout.starts_with(&format!("own.toml:{line}: custom.acme.badge: ")), "{to}: {stdout}");
        assert!(stdout.contains(expected), "{to}: {stdout}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "1 detector, 2 texts, 1 failure\n");
    }
}

#[test]
fn a_wrong_example_is_shown_with_its_own_line() {
    for (from, to, line) in [("finds = [\"ACME-123456\"], ", "", 11), ("reason = \"too short\"", "reason = \"\"", 12)] {
        let place = Place::with(&[("own.toml", &OWN.replace(from, to))]);
        let output = place.dlp(&["detectors", "test", "own.toml"]).output().expect("dlp runs");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(&format!("own.toml:{line}: ")), "{stderr}");
    }
}

#[test]
fn what_a_person_wrote_is_overwritten_by_force_only() {
    let rules = "[[rules]]\nid = \"a\"\nregex = 'aaaa_[0-9]{8}'\n";
    for words in [["detectors", "new", "custom.acme.badge"], ["detectors", "import", "rules.toml"]] {
        let place = Place::with(&[("mine.toml", "# mine\n"), ("rules.toml", rules)]);
        let run = |more: &[&str]| place.dlp(&[&words, more].concat()).output().expect("dlp runs");
        let refused = run(&["--out", "mine.toml"]);
        let stderr = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains("exists already") && stderr.contains("--force"), "{stderr}");
        assert_eq!(std::fs::read_to_string(place.path("mine.toml")).expect("kept"), "# mine\n");
        assert_eq!(run(&["--out", "mine.toml", "--force"]).status.code(), Some(0));
        assert!(std::fs::read_to_string(place.path("mine.toml")).expect("written").contains("[[detector]]"));
    }
}

#[test]
fn new_detectors_in_the_place_of_built_in_ones_are_said() {
    let place = Place::new();
    let taken = place.dlp(&["detectors", "new", "pii.pl.pesel"]).output().expect("dlp runs");
    assert_eq!(taken.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&taken.stderr).contains("already taken"), "{taken:?}");
    let words = ["detectors", "new", "custom.acme.key", "--pattern", "glpat-[A-Za-z0-9_-]{20}", "--out", "a.toml"];
    let new = place.dlp(&words).output().expect("dlp runs");
    let stderr = String::from_utf8_lossy(&new.stderr).into_owned();
    assert!(new.status.code() == Some(0) && stderr.contains("built-in secret.gitlab."), "{stderr}");
    let test = place.dlp(&["detectors", "test", "a.toml"]).output().expect("dlp runs");
    let stdout = String::from_utf8_lossy(&test.stdout).into_owned();
    assert!(stdout.contains("reported by secret.gitlab."), "{stdout}");
}

#[test]
fn explanations_show_samples_and_mistyped_ids_get_a_hint() {
    let output = dlp().args(["detectors", "explain", "secret.github.pat-classic"]).output().expect("dlp runs");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!stdout.contains("{{value}}") && !stdout.contains("\\\""), "{stdout}");
    for (typed, meant) in [("secret.github.pat-clasic", "secret.github.pat-classic"), ("pii.pl.pesle", "pii.pl.pesel")]
    {
        let output = dlp().args(["detectors", "explain", typed]).output().expect("dlp runs");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(stderr.contains(&format!("did you mean `{meant}`")), "{stderr}");
    }
    let output = dlp().args(["scan", "--ocr", "eng", "."]).output().expect("dlp runs");
    assert!(String::from_utf8_lossy(&output.stderr).contains("--ocr=eng"), "{output:?}");
}

#[test]
fn unknown_detectors_are_an_error() {
    let output = dlp().args(["detectors", "explain", "secret.nobody.key"]).output().expect("dlp runs");
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("dlp detectors list") && stderr.contains("--detector-file"), "{stderr}");
}

#[test]
fn without_files_every_built_in_detector_is_tested() {
    let listed = dlp().args(["detectors", "list"]).output().expect("dlp runs");
    let count = String::from_utf8_lossy(&listed.stdout).lines().count();
    let output = dlp().args(["detectors", "test"]).output().expect("dlp runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(count > 0 && stderr.starts_with(&format!("{count} detectors, ")), "{stderr}");
    let failures = String::from_utf8_lossy(&output.stdout).lines().count();
    assert!(stderr.trim_end().ends_with(&format!(" {failures} failures")), "{stderr}");
    assert_eq!(output.status.code(), Some(i32::from(failures > 0)));
}

#[test]
fn extract_prints_what_a_scan_would_see() {
    let place = Place::with(&[("a.txt", "first\nsecond\n")]);
    place.write("b.zip", &zip("inner/notes.txt", b"inside the archive", false));
    place.write("locked.zip", &zip("secret.txt", b"0123456789ab", true));
    let rows =
        [("a.txt", "first\nsecond", 0, ""), ("b.zip", "inside the archive", 0, ""), ("locked.zip", "", 3, "encrypted")];
    for (file, text, code, stderr) in rows {
        let output = place.dlp(&["extract", file]).output().expect("dlp runs");
        assert_eq!(output.status.code(), Some(code), "{file}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(text), "{file}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(stderr), "{file}: {output:?}");
        assert_eq!(said.lines().count(), usize::from(code != 0), "one line for one problem: {said}");
    }
    let output = place.dlp(&["extract", "b.zip", "--format", "jsonl"]).output().expect("dlp runs");
    let pieces = records(&output.stdout);
    let piece = pieces.iter().find(|piece| piece["text"] == "inside the archive").expect("the member's text");
    assert_eq!(piece["container"], serde_json::json!(["inner/notes.txt"]));
    assert_eq!(place.dlp(&["extract", "missing"]).output().expect("dlp runs").status.code(), Some(2));
    assert_eq!(place.dlp(&["extract", "."]).output().expect("dlp runs").status.code(), Some(2));
    let piped = dlp().args(["extract", "-"]).write_stdin("from a pipe").output().expect("dlp runs");
    assert_eq!(String::from_utf8_lossy(&piped.stdout).trim_end(), "from a pipe");
}

#[test]
fn the_configuration_of_the_gateway_can_be_checked() {
    let place = Place::with(&[("good.toml", "[listen]\nproxy = [\"127.0.0.1:0\"]\n"), ("bad.toml", "[listne]\n")]);
    for (file, code, expected) in
        [("good.toml", 0, "valid"), ("bad.toml", 2, "listne"), ("missing.toml", 2, "missing.toml")]
    {
        let words = ["gateway", "run", "--check", "--state-dir", "state", "--config", file];
        let output = place.dlp(&words).output().expect("dlp runs");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{file}: {stderr}");
        assert!(stderr.contains(expected), "{file}: {stderr}");
    }
}

#[test]
fn completions_exist_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = dlp().args(["completions", shell]).output().expect("dlp runs");
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8_lossy(&output.stdout).contains("detectors"), "{shell}");
    }
}

#[test]
fn profiles_choose_detectors() {
    let place = Place::with(&[("a.txt", "PESEL: 06031739070, card number 4000 0100 0007 1234\n")]);
    let found = |profile: &str| {
        let records = place.records(&["--profile", profile]);
        let findings = support::of_kind(&records, "finding").into_iter();
        findings.map(|finding| finding["detector"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("pci-dss"), ["finance.card.pan"]);
    assert_eq!(found("pl"), ["pii.pl.pesel", "finance.card.pan"]);
    let output = place.dlp(&["scan", "--profile", "gpdr"]).output().expect("dlp runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("expected ccpa, gdpr"), "{output:?}");
}

#[test]
fn the_help_is_the_manual() {
    for words in [
        &["--help"][..],
        &["scan", "--help"],
        &["git", "--help"],
        &["extract", "--help"],
        &["redact", "--help"],
        &["edm", "build", "--help"],
        &["fingerprint", "build", "--help"],
        &["gateway", "run", "--help"],
    ] {
        let output = dlp().args(words).env("COLUMNS", "100").output().expect("dlp runs");
        insta::assert_snapshot!(words.join(" "), String::from_utf8(output.stdout).expect("UTF-8"));
    }
}

#[test]
fn the_statistics_count_what_was_read() {
    let place = Place::with(&[("a.txt", "four"), ("b.txt", &token(1))]);
    let output = place.dlp(&["scan", "--stats"]).output().expect("dlp runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("2 files, 2 items, 0.0 MB"), "{stderr}");
    let output = place.dlp(&["scan", "--stats", "a.txt"]).output().expect("dlp runs");
    assert!(String::from_utf8_lossy(&output.stderr).contains("1 file, 1 item, 0.0 MB"), "{output:?}");
}

/// What other scanners call a configuration, with a rule that has no counterpart.
const GITLEAKS: &str = r#"
[[rules]]
id = "acme-badge"
description = "Acme badge"
regex = '''ACME-([0-9]{6,})'''
keywords = ["acme-"]
[[rules]]
id = "acme-files"
path = '''\.acme$'''
[[allowlists]]
description = "printed on the poster"
stopwords = ["123456"]
[[allowlists]]
description = "lines that say so"
regexTarget = "line"
regexes = ['''# public$''']
"#;

#[test]
fn rules_of_other_scanners_are_taken_over() {
    let files = [("rules.toml", GITLEAKS), ("a.txt", "ACME-777123 ACME-123456\nACME-888123 # public\n")];
    let place = Place::with(&files);
    let import = place.dlp(&["detectors", "import", "rules.toml", "--out", "own.toml"]).output().expect("dlp runs");
    let stderr = String::from_utf8(import.stderr).expect("UTF-8");
    assert_eq!(import.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("rules.toml: rule `acme-files`: lost: "), "{stderr}");
    assert!(stderr.ends_with("rules.toml: 2 rules, 1 taken over, 2 allow entries\n"), "{stderr}");

    let scan = ["a.txt", "--detectors", "custom.*", "--detector-file", "own.toml"];
    let all = place.records(&scan);
    support::check_schema(&all);
    let found: Vec<_> = support::of_kind(&all, "finding")
        .iter()
        .map(|f| (f["masked"].clone(), f["suppressed"]["reason"].clone()))
        .collect();
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!((&found[0].0, &found[0].1), (&"*****3".into(), &serde_json::Value::Null));
    assert_eq!(found[1].1, "printed on the poster");
    assert_eq!(found[2].1, "lines that say so");

    let refused = place.dlp(&["scan", "a.txt", "--detector-file", "rules.toml"]).output().expect("dlp runs");
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && message.contains("dlp detectors import rules.toml"), "{message}");
    let tested = place.dlp(&["detectors", "test", "own.toml"]).output().expect("dlp runs");
    assert!(String::from_utf8_lossy(&tested.stderr).starts_with("1 detector without examples"));
}

#[test]
fn a_new_detector_passes_its_tests_as_it_stands() {
    let rows: [&[&str]; 4] = [
        &[],
        &["--pattern", "BADGE[0-9]{6}", "--word", "badge", "--title", "Badge of 'Acme'"],
        &["--pattern", r"acme_key\s?=\s?(?P<value>[a-z]{4}[0-9]{12})"],
        &["--pattern", r#"id="[A-Z]{3}[0-9]{5}""#],
    ];
    for words in rows {
        let place = Place::new();
        let new = [&["detectors", "new", "custom.acme.badge", "--out", "own.toml"], words].concat();
        let output = place.dlp(&new).output().expect("dlp runs");
        assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
        let tested = place.dlp(&["detectors", "test", "own.toml"]).output().expect("dlp runs");
        assert_eq!(tested.status.code(), Some(0), "{words:?}: {tested:?}");
    }
    for (words, expected) in [
        (["custom.acme.x", "--pattern", "a+"], "upper bound"),
        (["acme", "--pattern", "ACME-[0-9]{6}"], "lower-case words joined"),
    ] {
        let output = Place::new().dlp(&[&["detectors", "new"][..], &words].concat()).output().expect("dlp runs");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && stderr.contains(expected), "{words:?}: {stderr}");
    }
}
