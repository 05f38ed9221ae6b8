//! One row for each cause of an exit code, and for each pair of causes.

mod support;

use std::io::Read as _;
use std::process::Stdio;
use support::{Place, dlp, token, zip};

/// A directory with the named ingredients.
fn place(ingredients: &[&str]) -> Place {
    let place = Place::with(&[("readme.txt", "nothing to see\n")]);
    for ingredient in ingredients {
        match *ingredient {
            "finding" => place.write("config.env", format!("TOKEN={}\n", token(1)).as_bytes()),
            "disguised" => {
                let turned: String = format!("TOKEN={}", token(1)).chars().rev().collect();
                place.write("notes.txt", turned.as_bytes());
            }
            "encrypted" => place.write("vault.zip", &zip("secret.txt", b"0123456789ab", true)),
            "pipe" => make_pipe(&place),
            "unsupported" => place.write("old.squashfs", b"hsqs\x00\x04 and some bytes"),
            "large" => place.write("large.txt", &[b'x'; 4096]),
            other => panic!("no ingredient {other}"),
        }
    }
    place
}

fn make_pipe(place: &Place) {
    let made = std::process::Command::new("mkfifo").arg(place.path("pipe")).status().expect("mkfifo");
    assert!(made.success());
}

#[test]
fn each_cause_and_each_pair_has_its_code() {
    let rows: &[(&[&str], &[&str], i32)] = &[
        (&[], &[], 0),
        (&["finding"], &[], 1),
        (&["finding"], &["--min-confidence", "high"], 1),
        (&["finding"], &["--detectors", "pii.*"], 0),
        (&["finding"], &["--exclude", "*.env"], 0),
        (&["disguised"], &[], 0),
        (&["disguised"], &["--disguised"], 1),
        (&["encrypted"], &[], 3),
        (&["encrypted"], &["--allow-incomplete"], 0),
        (&["encrypted"], &["--allow-incomplete=encrypted"], 0),
        (&["encrypted"], &["--allow-incomplete=limit"], 3),
        (&["encrypted", "finding"], &[], 1),
        (&["encrypted", "finding"], &["--allow-incomplete"], 1),
        (&["encrypted"], &["--fail-on-incomplete"], 3),
        (&["unsupported"], &[], 0),
        (&["unsupported"], &["--fail-on-incomplete"], 3),
        (&["unsupported", "finding"], &["--fail-on-incomplete"], 1),
        (&[], &["--fail-on-incomplete"], 0),
        (&[], &["--fail-on-incomplete", "--allow-incomplete"], 2),
        (&["pipe"], &[], 0),
        (&["large"], &[], 0),
        (&["large"], &["--max-file-size", "1K"], 3),
        (&["large", "finding"], &["--max-file-size", "1K"], 1),
        (&["finding"], &["no-such-path"], 2),
        (&["encrypted"], &["no-such-path"], 2),
        (&["finding"], &["--no-such-flag"], 2),
        (&["finding"], &["--detectors", "secret.githb.*"], 2),
        (&["finding"], &["--detector-file", "missing.toml"], 2),
        (&["finding"], &["--output", "no/such/place.txt"], 2),
        (&["finding"], &["--allow-incomplete=typo"], 2),
        (&["finding"], &["--exclude", "[a"], 2),
        (&["finding"], &["--exclude", ""], 2),
        (&["finding"], &["--detectors", "!*"], 2),
        (&["finding"], &["--detectors", "secret.*,!secret.*"], 2),
        (&["finding"], &["--reveal"], 2),
        (&["finding"], &["--jobs", "0"], 2),
    ];
    for (ingredients, words, code) in rows {
        for format in ["pretty", "jsonl", "sarif"] {
            let words = [&["scan", "--format", format], *words].concat();
            let output = place(ingredients).dlp(&words).output().expect("dlp runs");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(*code), "{ingredients:?} {words:?}\n{stderr}");
        }
    }
}

#[test]
fn errors_are_one_line_that_names_the_thing_and_the_next_step() {
    let rows: &[(&[&str], &[&str])] = &[
        (&["no-such-path"], &["no-such-path", "check the path"]),
        (&["--detectors", "secret.githb.*"], &["secret.githb.*", "dlp detectors list"]),
        (&["--output", "no/such/place.txt"], &["no/such/place.txt", "--output"]),
        (&["--allow-incomplete=typo"], &["typo", "encrypted"]),
        (&["--reveal"], &["--reveal", "terminal"]),
    ];
    for (words, expected) in rows {
        let output = place(&[]).dlp(&[&["scan"], *words].concat()).output().expect("dlp runs");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        for word in *expected {
            assert!(stderr.contains(word), "{words:?}: expected `{word}` in: {stderr}");
        }
    }
}

#[test]
fn a_wrong_detector_file_is_shown_with_place_and_allowed_words() {
    let place = place(&[]);
    place.write(
        "own.toml",
        br#"[[detector]]
id = "secret.acme.key"
title = "Acme key"
description = "A key."
category = "secret"
severity = "hihg"
"#,
    );
    let output = place.dlp(&["scan", "--detector-file", "own.toml"]).output().expect("dlp runs");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2));
    for word in ["own.toml", "line 6", "hihg", "critical"] {
        assert!(stderr.contains(word), "expected `{word}` in: {stderr}");
    }
}

#[test]
fn problems_without_findings_are_named_on_standard_error() {
    let output = place(&["encrypted"]).dlp(&["scan"]).output().expect("dlp runs");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(stderr.contains("vault.zip") && stderr.contains("encrypted"), "{stderr}");
    assert!(stderr.contains("--allow-incomplete"), "{stderr}");
    assert!(output.stdout.is_empty());
}

#[test]
fn formats_without_a_reader_are_named_and_counted_in_every_report() {
    let place = place(&[]);
    for index in 0..25 {
        place.write(&format!("old{index:02}.squashfs"), b"hsqs\x00\x04 and some bytes");
    }
    let output = place.dlp(&["scan"]).output().expect("dlp runs");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    let named = stderr.lines().filter(|line| line.contains(".squashfs: ")).count();
    assert_eq!((output.status.code(), named), (Some(0), 20), "{stderr}");
    for expected in ["unsupported: old00.squashfs: ", "and 5 more", "25 problems: unsupported", "--fail-on-incomplete"]
    {
        assert!(stderr.contains(expected), "expected `{expected}` in: {stderr}");
    }
    let output = place.dlp(&["scan", "--format", "jsonl"]).output().expect("dlp runs");
    let records = support::records(&output.stdout);
    assert_eq!(support::of_kind(&records, "problem").len(), 25);
    let summary = records.last().expect("summary");
    assert_eq!((&summary["complete"], &summary["exit_code"]), (&false.into(), &0.into()));
    assert!(String::from_utf8_lossy(&output.stderr).contains("25 problems: unsupported"), "{output:?}");
}

#[test]
fn a_scan_of_nothing_says_so() {
    let empty = Place::new();
    let rows: &[(&Place, &[&str], bool)] = &[
        (&empty, &["scan"], true),
        (&place(&[]), &["scan", "--exclude", "*"], true),
        (&place(&[]), &["scan"], false),
        (&place(&["pipe"]), &["scan", "--exclude", "*.txt"], false),
    ];
    for (place, words, expected) in rows {
        let output = place.dlp(words).output().expect("dlp runs");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(0), "{words:?}: {stderr}");
        assert_eq!(stderr.starts_with("nothing was scanned"), *expected, "{words:?}: {stderr}");
    }
}

/// Opening a pipe that nobody writes into would wait for ever.
#[cfg(unix)]
#[test]
fn pipes_are_refused_where_a_file_is_needed() {
    let place = place(&["pipe"]);
    let rows: &[(&[&str], &str)] = &[
        (&["extract", "pipe"], "dlp extract -"),
        (&["scan", "--detector-file", "pipe"], "name a file"),
        (&["detectors", "test", "pipe"], "name a file"),
        (&["detectors", "explain", "x", "--detector-file", "pipe"], "name a file"),
        (&["gateway", "run", "--check", "--config", "pipe"], "to a file"),
    ];
    for (words, hint) in rows {
        let output = place.dlp(words).timeout(std::time::Duration::from_secs(20)).output().expect("dlp runs");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{words:?}: {stderr}");
        assert!(stderr.starts_with("error: pipe: ") && stderr.contains(hint), "{words:?}: {stderr}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn descriptors_that_are_open_already_are_read() {
    let text = format!("token: {}\n", token(3));
    let read = dlp().args(["extract", "/dev/stdin"]).write_stdin(text.clone()).output().expect("dlp runs");
    assert_eq!((read.status.code(), String::from_utf8_lossy(&read.stdout).trim_end()), (Some(0), text.trim_end()));
    let binary = env!("CARGO_BIN_EXE_dlp");
    let script = format!("'{binary}' extract <(echo from a shell)");
    let read =
        assert_cmd::Command::new("bash").args(["-c", &script]).timeout(std::time::Duration::from_secs(20)).output();
    assert_eq!(String::from_utf8_lossy(&read.expect("bash runs").stdout).trim_end(), "from a shell");
}

#[test]
fn errors_of_every_command_begin_alike() {
    let place = place(&[]);
    place.write("bad.toml", b"[listne]\n");
    for words in [
        &["scan", "no-such-path"][..],
        &["scan", "--no-such-flag"],
        &["extract", "no-such-path"],
        &["git", "--range", "wrong"],
        &["detectors", "explain", "no.such"],
        &["gateway", "run", "--check", "--config", "bad.toml"],
    ] {
        let output = place.dlp(words).output().expect("dlp runs");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(stderr.starts_with("error: "), "{words:?}: {stderr}");
    }
}

#[test]
fn a_clean_scan_is_quiet() {
    let output = place(&[]).dlp(&["scan"]).output().expect("dlp runs");
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn a_pipe_on_the_command_line_is_a_gap_and_is_not_waited_for() {
    let output = place(&["pipe"]).dlp(&["scan", "pipe"]).output().expect("dlp runs");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

/// Reading this file fails for every user, root included.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_read_is_a_gap() {
    let output = dlp().args(["scan", "/proc/self/mem", "--format", "jsonl"]).output().expect("dlp runs");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let records = support::records(&output.stdout);
    assert_eq!(records.last().expect("summary")["problems"]["by_class"]["unreadable"], 1, "{records:?}");
}

#[test]
fn standard_input_is_scanned() {
    let text = format!("first\ntoken: {}\n", token(3));
    let output = dlp().args(["scan", "-"]).write_stdin(text).output().expect("dlp runs");
    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(stdout.starts_with("-:2:8  critical  secret.github.pat-classic"), "{stdout}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    for seed in 0..2_000 {
        place.write(&format!("{seed}.txt"), format!("TOKEN={}\n", token(seed)).as_bytes());
    }
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_dlp"))
        .args(["scan", "--format", "jsonl"])
        .current_dir(place.root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("dlp runs");
    let mut stdout = child.stdout.take().expect("piped");
    stdout.read_exact(&mut [0; 64]).expect("some output");
    drop(stdout);
    let output = child.wait_with_output().expect("dlp ends");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_with_130_and_leaves_no_report() {
    let place = Place::new();
    place.write("big.txt", "some words and numbers 12345 in a line\n".repeat(2_000_000).as_bytes());
    let child = std::process::Command::new(env!("CARGO_BIN_EXE_dlp"))
        .args(["scan", "--output", "report.txt"])
        .current_dir(place.root())
        .stderr(Stdio::piped())
        .spawn()
        .expect("dlp runs");
    let id = child.id().to_string();
    for _ in 0..200 {
        std::thread::sleep(std::time::Duration::from_millis(20));
        let names = std::fs::read_dir(place.root()).expect("directory").flatten();
        if names.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with(".dlp-report-")) {
            break;
        }
    }
    std::thread::sleep(std::time::Duration::from_millis(100));
    let sent = std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill");
    assert!(sent.success(), "the scan was over before it could be stopped");
    let output = child.wait_with_output().expect("dlp ends");
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    let left: Vec<_> = std::fs::read_dir(place.root()).expect("directory").flatten().map(|e| e.file_name()).collect();
    assert_eq!(left, ["big.txt"]);
}

#[test]
fn what_recognition_of_text_lacks_is_named() {
    let place = place(&[]);
    for command in ["scan", "extract"] {
        let path = if command == "scan" { place.path("") } else { place.path("readme.txt") };
        let ended = dlp().arg(command).arg("--ocr").arg(path).env("PATH", "/does/not/exist").output().expect("dlp");
        let words = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "{words}");
        assert!(words.contains("tesseract") && words.contains("apt install tesseract-ocr"), "{words}");
    }
}
