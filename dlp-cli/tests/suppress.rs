//! Findings that do not count, because a mark in the file or a baseline says so.

mod support;

use rars::{ArchiveVersion, Builder};
use serde_json::{Value, json};
use sevenz_rust2::encoder_options::Lzma2Options;
use sevenz_rust2::{ArchiveEntry, ArchiveWriter};
use std::io::Cursor;
use support::{Place, of_kind, records, token, zip};

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
    support::check_schema(&records);
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
fn a_mark_that_is_written_wrong_says_so() {
    for mark in ["secrt -- why", "pii.pl.pe -- why", "-- why", "secret.github sample", "* -- all", "secret"] {
        let place = Place::with(&[("a.txt", &format!("x = {} # dlp:allow {mark}\n", token(1)))]);
        let output = place.dlp(&["scan"]).output().expect("dlp runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{mark}: {stderr}");
        assert!(stderr.contains("a.txt:1: this dlp:allow does not count: "), "{mark}: {stderr}");
    }
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

/// Two values, and a baseline of them.
fn with_baseline(words: &[&str]) -> Place {
    let place = Place::with(&[("a.txt", &format!("x = {}\n", token(1))), ("b.txt", &format!("y = {}\n", token(2)))]);
    place.write("key", &[7; 32]);
    private(&place, "key");
    let words = [&["scan", "--write-baseline", "known.json"], words].concat();
    let output = place.dlp(&words).output().expect("dlp runs");
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(0), false), "written as asked, and shown");
    place
}

#[cfg(unix)]
fn private(place: &Place, name: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(place.path(name), std::fs::Permissions::from_mode(0o600)).expect("mode");
}

#[test]
fn a_baseline_leaves_what_is_new() {
    for key in [&[][..], &["--key-file", "key"]] {
        let place = with_baseline(key);
        let words = [&["scan", "--baseline", "known.json"], key].concat();
        let output = place.dlp(&words).output().expect("dlp runs");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "2 findings known from the baseline\n");
        place.write("a.txt", format!("moved\nx = {}\nz = {}\n", token(1), token(3)).as_bytes());
        let output = place.dlp(&words).output().expect("dlp runs");
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stdout).starts_with("a.txt:3:5  "), "{output:?}");
        let output = place.dlp(&[&words[..], &["--format", "jsonl"]].concat()).output().expect("dlp runs");
        let records = records(&output.stdout);
        support::check_schema(&records);
        let states: Vec<_> = of_kind(&records, "finding").iter().map(|finding| finding["state"].clone()).collect();
        assert_eq!(states, ["known", "new", "known"]);
    }
}

#[test]
fn a_baseline_holds_hashes_under_a_key() {
    let (one, two, keyed) = (with_baseline(&[]), with_baseline(&[]), with_baseline(&["--key-file", "key"]));
    let read = |place: &Place| std::fs::read_to_string(place.path("known.json")).expect("baseline");
    assert_ne!(read(&one), read(&two), "each has a salt of its own");
    for text in [read(&one), read(&keyed)] {
        assert!(!text.contains(&token(1)) && !text.contains(&token(1)[4..]), "{text}");
    }
    let document: Value = serde_json::from_str(&read(&keyed)).expect("JSON");
    assert_eq!((&document["salt"], document["findings"].as_array().map(Vec::len)), (&json!(null), Some(2)));
    assert!(document["findings"][0]["value_hmac"].as_str().is_some_and(|hash| hash.len() == 32));
    assert!(!read(&keyed).contains("0707"), "the key stays out of it");
}

#[cfg(unix)]
#[test]
fn keys_and_baselines_that_do_not_fit_are_refused() {
    let place = with_baseline(&["--key-file", "key"]);
    let salted = with_baseline(&[]);
    std::fs::copy(salted.path("known.json"), place.path("salted.json")).expect("copy");
    place.write("other", &[8; 32]);
    place.write("short", b"abc");
    private(&place, "other");
    private(&place, "short");
    place.write("open", &[7; 32]);
    place.write("text.json", b"{}");
    let rows: &[(&[&str], &str)] = &[
        (&["--baseline", "known.json"], "--key-file"),
        (&["--baseline", "known.json", "--key-file", "other"], "another key"),
        (&["--baseline", "salted.json", "--key-file", "key"], "leave --key-file out"),
        (&["--baseline", "text.json"], "no baseline"),
        (&["--baseline", "missing.json"], "missing.json"),
        (&["--key-file", "short"], "32 bytes"),
        (&["--key-file", "open"], "chmod 600"),
    ];
    for (words, expected) in rows {
        let output = place.dlp(&[&["scan"], *words].concat()).output().expect("dlp runs");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{words:?}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains(expected), "{words:?}: {stderr}");
    }
}

#[test]
fn marks_of_other_scanners_are_accepted() {
    let lines = [
        format!("a = {} # gitleaks:allow", token(1)),
        format!("b = {} // trufflehog:ignore", token(2)),
        format!("c = {} # pragma: allowlist secret", token(3)),
        format!("# pragma: allowlist nextline secret\nd = {}", token(4)),
        format!("e = {} # nosecretary", token(5)),
    ];
    let place = Place::with(&[("a.txt", &lines.join("\n")), ("b.txt", "PESEL: 44051401359 # gitleaks:allow\n")]);
    let all = place.records(&[]);
    let counts = &all.last().expect("summary")["findings"];
    assert_eq!((&counts["suppressed"], &counts["new"]), (&json!(4), &json!(2)), "{counts}");
    let first = &of_kind(&all, "finding")[0]["suppressed"];
    assert_eq!((&first["by"], &first["reason"]), (&json!("inline"), &json!("marked gitleaks:allow")));
    let counts = &place.records(&["--no-inline-allow"]).last().expect("summary")["findings"].clone();
    assert_eq!((&counts["suppressed"], &counts["new"]), (&json!(0), &json!(6)), "{counts}");
}

#[test]
fn marks_hold_on_standard_input_and_in_members() {
    let text = format!("x = {} # dlp:allow secret -- fixture\ny = {}\n", token(1), token(2));
    let place = Place::with(&[("a.txt", &text)]);
    let output = place.dlp(&["scan", "-"]).write_stdin(text.clone()).output().expect("dlp runs");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(stdout.lines().count() == 1 && stdout.contains(":2:5  "), "{stdout}");

    let name = format!("{}.txt", token(3));
    let archives = [
        (zip("in/a.txt", text.as_bytes(), false), "!in/a.txt:1"),
        (zip("b.zip", &zip("deep.txt", text.as_bytes(), false), false), "!b.zip!deep.txt:1"),
        (zip(&name, text.as_bytes(), false), ".txt:1"),
    ];
    for (archive, entry) in archives {
        place.write("c.zip", &archive);
        for (words, stdin) in [(&["scan", "c.zip"][..], &b""[..]), (&["scan", "-"], &archive)] {
            let words = [words, &["--format", "jsonl", "--detectors", "secret.github.*"]].concat();
            let output = place.dlp(&words).write_stdin(stdin).output().expect("dlp runs");
            let all = records(&output.stdout);
            let mut found = of_kind(&all, "finding");
            found.retain(|finding| finding["location"]["line"].is_u64());
            let said: Vec<_> = found.iter().map(|finding| finding["suppressed"]["entry"].as_str()).collect();
            assert!(matches!(said[..], [Some(said), None] if said.ends_with(entry)), "{words:?}: {said:?}");
            assert!(said.iter().flatten().all(|said| !said.contains(&token(3))), "{said:?}");
        }
    }
}

#[test]
fn a_baseline_survives_a_moved_file() {
    let place = Place::with(&[("a.txt", &format!("x = {}\nPESEL: 44051401359\n", token(1)))]);
    place.dlp(&["scan", "--write-baseline", "known.json"]).output().expect("dlp runs");
    let rows = [("sub/a.txt", 0, 2), ("other.txt", 1, 1)];
    for (name, new, known) in rows {
        let text = std::fs::read(place.path("a.txt")).expect("the file");
        std::fs::remove_file(place.path("a.txt")).expect("it is gone");
        place.write(name, &text);
        let all = place.records(&["--baseline", "known.json"]);
        let counts = &all.last().expect("summary")["findings"];
        assert_eq!((&counts["new"], &counts["known"]), (&json!(new), &json!(known)), "{name}: {counts}");
        std::fs::remove_file(place.path(name)).expect("it is gone");
        place.write("a.txt", &text);
    }
}

#[test]
fn a_mark_counts_for_what_is_encoded_on_its_line() {
    let encoded =
        |n: u64| format!("token = {}", token(n)).bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let text = format!("a\nx {} # dlp:allow secret.github -- fixture\ny {}\n", encoded(1), encoded(2));
    let place = Place::with(&[("a.txt", &text)]);
    let output = place.dlp(&["scan"]).output().expect("dlp runs");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<_> = stdout.lines().map(|line| line.split("  ").next().expect("a place")).collect();
    assert_eq!(lines, ["a.txt!decoded:percent:3:27"], "{stdout}");
    let sarif = place.dlp(&["scan", "--format", "sarif"]).output().expect("dlp runs").stdout;
    let log: Value = serde_json::from_slice(&sarif).expect("JSON");
    let region = |at: usize| &log["runs"][0]["results"][at]["locations"][0]["physicalLocation"]["region"]["startLine"];
    assert_eq!((region(0), region(1)), (&json!(2), &json!(3)));
}

/// A cabinet with one file that is not compressed.
fn cabinet(name: &str, content: &[u8]) -> Vec<u8> {
    let u16 = |number: usize| (number as u16).to_le_bytes().to_vec();
    let u32 = |number: usize| (number as u32).to_le_bytes().to_vec();
    let file =
        [u32(content.len()), u32(0), u16(0), u16(0), u16(0), u16(0x20), name.as_bytes().to_vec(), vec![0]].concat();
    let (files_at, data_at) = (36 + 8, 36 + 8 + file.len());
    let folder = [u32(data_at), u16(1), u16(0)].concat();
    let data = [u32(0), u16(content.len()), u16(content.len()), content.to_vec()].concat();
    let size = data_at + data.len();
    let head = [b"MSCF".to_vec(), u32(0), u32(size), u32(0), u32(files_at), u32(0), vec![3, 1], u16(1), u16(1)];
    [head.concat(), u16(0), u16(7), u16(0), folder, file, data].concat()
}

fn rar(version: ArchiveVersion, name: &str, content: &[u8]) -> Vec<u8> {
    let mut builder = Builder::new(version);
    builder.add_bytes(name.into(), content.to_vec(), None, None).expect("memory takes it");
    builder.to_bytes().expect("memory takes it")
}

fn sevenz(name: &str, content: &[u8]) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).expect("memory takes it");
    writer.set_content_methods(vec![Lzma2Options::from_level(1).into()]);
    writer.push_archive_entry(ArchiveEntry::new_file(name), Some(content)).expect("memory takes it");
    writer.finish().expect("memory takes it").into_inner()
}

#[test]
fn marks_hold_in_archives_that_a_worker_reads() {
    let text = format!("x = {} # dlp:allow secret -- fixture\ny = {}\n", token(1), token(2));
    let (name, content) = ("in/a.txt", text.as_bytes());
    let rows = [
        ("c.cab", cabinet(name, content)),
        ("c5.rar", rar(ArchiveVersion::Rar50, name, content)),
        ("c4.rar", rar(ArchiveVersion::Rar29, name, content)),
        ("c.7z", sevenz(name, content)),
        // A container in a container.
        ("c7.rar", rar(ArchiveVersion::Rar50, "c.7z", &sevenz(name, content))),
    ];
    for (archive, bytes) in rows {
        let place = Place::new();
        place.write(archive, &bytes);
        let all = place.records(&["--detectors", "secret.github.*"]);
        let found = of_kind(&all, "finding");
        let said: Vec<_> = found.iter().map(|finding| finding["suppressed"]["entry"].as_str()).collect();
        assert!(matches!(said[..], [Some(said), None] if said.ends_with("a.txt:1")), "{archive}: {said:?}: {all:?}");
        let all = place.records(&["--detectors", "secret.github.*", "--no-inline-allow"]);
        let found = of_kind(&all, "finding");
        assert!(found.len() == 2 && found.iter().all(|finding| finding["suppressed"].is_null()), "{archive}: {all:?}");
    }
}

#[test]
fn paths_of_allow_entries_start_at_the_directory_of_their_file() {
    let allow = "[[allow]]\nreason = \"fixtures\"\npaths = ['^web/tests/']\n";
    let text = format!("x = {}\n", token(1));
    let place = Place::with(&[("dlp.toml", allow), ("web/tests/a.txt", &text), ("b/web/tests/a.txt", &text)]);
    // What is scanned, the file, and how many of the findings are allowed.
    let rows = [
        (".", "dlp.toml", 1),
        ("web", "dlp.toml", 1),
        ("web/tests", "dlp.toml", 1),
        ("web/tests/a.txt", "dlp.toml", 1),
        ("b", "dlp.toml", 0),
        (".", "other/dlp.toml", 1),
        ("b", "other/dlp.toml", 1),
    ];
    place.write("other/dlp.toml", allow.as_bytes());
    for (path, file, expected) in rows {
        let words = ["scan", path, "--format", "jsonl", "--detector-file", file, "--detectors", "secret.github.*"];
        let all = records(&place.dlp(&words).output().expect("dlp runs").stdout);
        let found = of_kind(&all, "finding");
        let allowed = found.iter().filter(|finding| finding["suppressed"]["by"] == "allowlist").count();
        assert_eq!(allowed, expected, "{path} {file}");
    }
}
