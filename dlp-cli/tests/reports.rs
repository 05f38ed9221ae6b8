//! What reports hold, in each form, and what they never hold.

mod support;

use dlp_core::knowledge::{generate::generate, validators};
use serde_json::{Value, json};
use std::fs;
use support::{Place, of_kind, token, zip};

/// Several files with several values, an archive, and a problem.
fn rich_place() -> Place {
    let place = Place::new();
    for seed in 0..40 {
        let text = format!("# file {seed}\n🔑 first = {}; second = {}\n", token(2 * seed), token(2 * seed + 1));
        place.write(&format!("d{}/f{seed}.txt", seed % 7), text.as_bytes());
    }
    place.write("backup.zip", &zip("inner/notes.txt", format!("key {}\n", token(500)).as_bytes(), false));
    place.write("vault.zip", &zip("secret.txt", b"0123456789ab", true));
    place
}

/// Every value in it.
fn values() -> Vec<String> {
    (0..80).chain([500]).map(token).collect()
}

#[test]
fn every_line_fits_the_published_schema() {
    let schema = support::dlp().args(["schema", "finding"]).output().expect("dlp runs").stdout;
    let schema: Value = serde_json::from_slice(&schema).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
    let output = rich_place().dlp(&["scan", "--format", "jsonl"]).output().expect("dlp runs");
    let records = support::records(&output.stdout);
    support::check_schema(&records);
    assert_eq!(records.first().expect("a scan line")["record"], "scan");
    assert_eq!(records.last().expect("a summary line")["record"], "summary");
    for broken in [
        json!({"schema_version": "1.0", "record": "finding"}),
        json!({"schema_version": "2.0", "record": "summary"}),
        json!({"record": "scan"}),
    ] {
        assert!(!validator.is_valid(&broken), "{broken}");
    }
}

#[test]
fn the_summary_agrees_with_the_lines() {
    let records = rich_place().records(&[]);
    let summary = records.last().expect("a summary line");
    let findings = of_kind(&records, "finding");
    let problems = of_kind(&records, "problem");
    assert_eq!(findings.len(), 81);
    assert_eq!(summary["findings"]["total"], findings.len());
    assert_eq!(summary["findings"]["by_detector"]["secret.github.pat-classic"], 81);
    assert_eq!(summary["problems"]["total"], problems.len());
    assert_eq!(summary["problems"]["by_class"]["encrypted"], 1);
    assert_eq!(
        (&summary["files"], &summary["complete"], &summary["exit_code"]),
        (&json!(42), &json!(false), &json!(1))
    );
}

#[test]
fn places_and_scores_are_right() {
    let records = rich_place().records(&["d0"]);
    let finding = of_kind(&records, "finding")[1];
    let at = &finding["location"];
    assert_eq!(at["path"], "f0.txt");
    assert_eq!((&at["line"], &at["column"], &at["end_column"]), (&json!(2), &json!(62), &json!(102)));
    let line = "# file 0\n".len();
    let start = line + "🔑 first = ".len() + 40 + "; second = ".len();
    assert_eq!((&at["byte_start"], &at["byte_end"]), (&json!(start), &json!(start + 40)));
    let changes: i64 =
        finding["reasons"].as_array().expect("array").iter().map(|r| r["change"].as_i64().expect("int")).sum();
    assert_eq!(finding["confidence"]["score"], changes.clamp(0, 100));
}

#[test]
fn members_of_archives_are_named() {
    let records = rich_place().records(&["backup.zip"]);
    let at = &of_kind(&records, "finding")[0]["location"];
    assert_eq!(at["path"], "backup.zip");
    assert_eq!(at["container"], json!(["inner/notes.txt"]));
}

#[cfg(target_os = "linux")]
#[test]
fn parts_of_one_credential_name_each_other() {
    let made =
        |recipe: &str, check: Option<&str>| generate(recipe, 3, check.and_then(validators::find)).expect("recipe");
    let id = made("AKIA[A-Z2-7]{16}", Some("aws-access-key-id"));
    let secret = made("[0-9A-Za-z+/]{40}", None);
    let text =
        format!("[default]\naws_access_key_id = {id}\nregion = eu-central-1\naws_secret_access_key = {secret}\n");
    let place = Place::with(&[("pair.txt", &text), ("half.txt", &format!("aws_secret_access_key = {secret}\n"))]);
    let records = place.records(&["--detectors", "secret.aws.*"]);
    support::check_schema(&records);
    let found = of_kind(&records, "finding");
    let rows: Vec<_> = found
        .iter()
        .map(|f| {
            (
                f["detector"].as_str().expect("an id"),
                f["related"][0]["detector"].as_str(),
                f["related"][0]["line"].as_u64(),
            )
        })
        .collect();
    let (key, access) = ("secret.aws.access-key-id", "secret.aws.secret-access-key");
    assert_eq!(rows, [(access, None, None), (key, Some(access), Some(4)), (access, Some(key), Some(2))]);
    let score = |at: usize| found[at]["confidence"]["score"].as_u64().expect("a score");
    assert!(score(2) > score(0), "half of a pair is lower: {} and {}", score(0), score(2));
    let sarif = place.dlp(&["scan", "pair.txt", "--format", "sarif"]).output().expect("dlp runs").stdout;
    let log: Value = serde_json::from_slice(&sarif).expect("JSON");
    let lines: Vec<_> = log["runs"][0]["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|result| result["relatedLocations"][0]["physicalLocation"]["region"]["startLine"].clone())
        .collect();
    assert_eq!(lines, [4, 2]);
}

#[test]
fn documents_are_read_in_the_worker_that_the_command_carries() {
    let place = Place::new();
    place.write("offer.pdf", &support::pdf(&format!("token {}", token(7))));
    let records = place.records(&[]);
    let findings = of_kind(&records, "finding");
    let pages: Vec<_> = findings.iter().map(|f| &f["location"]["page"]).collect();
    assert_eq!(pages.first(), Some(&&json!(1)), "{records:?}");
    assert_eq!(records.last().expect("summary")["complete"], true, "{records:?}");
    let text = place.dlp(&["extract", "offer.pdf"]).output().expect("dlp runs");
    assert_eq!(text.status.code(), Some(0), "{text:?}");
    assert!(String::from_utf8_lossy(&text.stdout).contains(&token(7)));
}

#[test]
fn no_report_holds_a_value() {
    let place = rich_place();
    for format in ["pretty", "jsonl", "sarif"] {
        let output = place.dlp(&["scan", "--format", format, "--min-confidence", "low"]).output().expect("dlp runs");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).expect("UTF-8");
        assert!(text.contains("backup.zip"), "{format} reports nothing");
        for value in values() {
            assert!(!text.contains(&value) && !text.contains(&value[4..30]), "{format} holds a value");
        }
    }
}

#[test]
fn two_runs_and_any_number_of_threads_give_the_same_bytes() {
    let place = rich_place();
    for format in ["pretty", "jsonl", "sarif"] {
        let run = |jobs: &str| {
            let words = ["scan", "--no-timestamps", "--format", format, "--jobs", jobs];
            place.dlp(&words).output().expect("dlp runs").stdout
        };
        let first = run("1");
        assert!(!first.is_empty());
        for jobs in ["1", "4", "9"] {
            assert_eq!(String::from_utf8(run(jobs)), String::from_utf8(first.clone()), "{format} {jobs}");
        }
    }
}

#[test]
fn records_come_sorted() {
    let records = rich_place().records(&[]);
    let places: Vec<(Vec<String>, u64)> = of_kind(&records, "finding")
        .iter()
        .map(|finding| {
            let at = &finding["location"];
            let path = at["path"].as_str().expect("string").split('/').map(str::to_owned).collect();
            (path, at["byte_start"].as_u64().expect("int"))
        })
        .collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn ids_do_not_depend_on_lines_thresholds_or_neighbours() {
    let place = Place::with(&[("a.txt", &format!("key {}\n", token(1)))]);
    let id = |place: &Place, words: &[&str]| of_kind(&place.records(words), "finding")[0]["finding_id"].clone();
    let before = id(&place, &[]);
    place.write("a.txt", format!("\n\nmoved down: {}\n", token(1)).as_bytes());
    place.write("b.txt", format!("{}\n", token(2)).as_bytes());
    assert_eq!(id(&place, &[]), before);
    assert_eq!(id(&place, &["--min-confidence", "low"]), before);
}

#[test]
fn reproducible_output_has_no_run_id_and_no_times() {
    let place = Place::with(&[("a.txt", "x")]);
    for (words, present) in [(&["--no-timestamps"][..], false), (&[], true)] {
        let output = place.dlp(&[&["scan", "--format", "jsonl"], words].concat()).output().expect("dlp runs");
        let records = support::records(&output.stdout);
        assert_eq!(records[0].get("scan_id").is_some(), present);
        assert_eq!(records[0].get("started_at").is_some(), present);
        assert_eq!(records[1].get("duration_ms").is_some(), present);
    }
}

#[test]
fn sarif_has_the_shape_that_code_hosts_take() {
    let output = rich_place().dlp(&["scan", "--format", "sarif"]).output().expect("dlp runs");
    let log: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&log["version"], log["runs"].as_array().map(Vec::len)), (&json!("2.1.0"), Some(1)));
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    for rule in rules {
        let severity: f64 = rule["properties"]["security-severity"].as_str().expect("string").parse().expect("number");
        assert!(severity > 0.0 && severity <= 10.0);
        assert_eq!(rule["properties"]["tags"][0], "security");
    }
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), 81);
    for result in results {
        let index = result["ruleIndex"].as_u64().expect("index") as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let physical = &result["locations"][0]["physicalLocation"];
        let uri = physical["artifactLocation"]["uri"].as_str().expect("uri");
        assert!(!uri.starts_with('/') && physical["region"]["startLine"].as_u64() >= Some(1), "{result}");
        assert!(physical["region"].get("snippet").is_none() && physical.get("contextRegion").is_none());
        let prints = &result["partialFingerprints"];
        assert!(prints["dlpFindingId/v1"].as_str().is_some_and(|id| id.starts_with("f1_")));
        assert_eq!(prints.get("primaryLocationLineHash").is_some(), uri != "backup.zip", "{result}");
    }
    let notification = &run["invocations"][0]["toolExecutionNotifications"][0];
    assert!(notification["message"]["text"].as_str().is_some_and(|text| text.starts_with("encrypted")), "{run}");
    assert_eq!(run["invocations"][0]["exitCode"], 1);
}

#[test]
fn sarif_columns_count_utf16_units() {
    let place = Place::with(&[("a.txt", &format!("🔑🔑 {}\n", token(1)))]);
    let output = place.dlp(&["scan", "--format", "sarif"]).output().expect("dlp runs");
    let log: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let region = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"];
    assert_eq!((&region["startColumn"], &region["endColumn"]), (&json!(6), &json!(46)));
}

#[test]
fn a_report_file_appears_whole_and_is_not_scanned_itself() {
    let place = rich_place();
    let output = place.dlp(&["scan", "--format", "jsonl", "--output", "report.jsonl"]).output().expect("dlp runs");
    assert!(output.stdout.is_empty());
    let records = support::records(&fs::read(place.path("report.jsonl")).expect("report"));
    assert_eq!(records.last().expect("summary")["files"], 42);
    let names = fs::read_dir(place.root()).expect("directory").flatten().map(|e| e.file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().starts_with(".dlp")), "a temporary file was left");
}

#[cfg(unix)]
#[test]
fn a_report_into_a_pipe_or_through_a_link_replaces_neither() {
    use std::os::unix::fs::FileTypeExt as _;
    let place = Place::with(&[("a.txt", &format!("{}\n", token(1)))]);
    assert!(std::process::Command::new("mkfifo").arg(place.path("pipe")).status().expect("mkfifo").success());
    let reader = std::thread::spawn({
        let pipe = place.path("pipe");
        move || fs::read_to_string(pipe).expect("the report")
    });
    assert_eq!(place.dlp(&["scan", "a.txt", "--output", "pipe"]).output().expect("dlp runs").status.code(), Some(1));
    assert!(reader.join().expect("reader").starts_with("a.txt:1:1"));
    assert!(fs::symlink_metadata(place.path("pipe")).expect("pipe").file_type().is_fifo());

    place.write("out/report.txt", b"old");
    std::os::unix::fs::symlink("out/report.txt", place.path("link")).expect("link");
    assert_eq!(place.dlp(&["scan", "a.txt", "--output", "link"]).output().expect("dlp runs").status.code(), Some(1));
    assert!(fs::symlink_metadata(place.path("link")).expect("link").is_symlink());
    assert!(fs::read_to_string(place.path("out/report.txt")).expect("report").starts_with("a.txt:1:1"));
}

#[test]
fn roots_are_sorted_and_taken_once() {
    let text = format!("{}\n", token(1));
    let place = Place::with(&[("b/x.txt", &text), ("a/x.txt", &text), ("c.txt", &text)]);
    let records = place.records(&["c.txt", "b", "a", "b"]);
    let findings = of_kind(&records, "finding");
    let paths: Vec<_> = findings.iter().map(|f| f["location"]["path"].as_str().expect("path")).collect();
    assert_eq!(paths, ["a/x.txt", "b/x.txt", "c.txt"]);
}

#[test]
fn hidden_and_ignored_files_are_scanned_and_git_directories_are_not() {
    let text = format!("{}\n", token(1));
    let place =
        Place::with(&[(".gitignore", ".env\n"), (".env", &text), ("sub/.git/config", &text), (".hidden/x", &text)]);
    let paths = |words: &[&str]| -> Vec<String> {
        let records = place.records(words);
        of_kind(&records, "finding").iter().map(|f| f["location"]["path"].as_str().expect("path").to_owned()).collect()
    };
    assert_eq!(paths(&[]), [".env", ".hidden/x"]);
    assert_eq!(paths(&["--include-git"]), [".env", ".hidden/x", "sub/.git/config"]);
    assert_eq!(paths(&["--exclude", ".hidden/"]), [".env"]);
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_in_a_tree_and_are_on_the_command_line() {
    let place = Place::with(&[("real/a.txt", &format!("{}\n", token(1)))]);
    std::os::unix::fs::symlink(place.path("real"), place.path("link")).expect("link");
    std::os::unix::fs::symlink(place.root(), place.path("real/loop")).expect("link");
    std::os::unix::fs::symlink("nowhere", place.path("dangling")).expect("link");
    let records = place.records(&[]);
    support::check_schema(&records);
    assert_eq!((of_kind(&records, "finding").len(), &records.last().expect("summary")["links"]), (1, &json!(3)));
    let records = place.records(&["link"]);
    assert_eq!((of_kind(&records, "finding").len(), &records.last().expect("summary")["links"]), (1, &json!(1)));
    let output = place.dlp(&["scan"]).output().expect("dlp runs");
    assert!(String::from_utf8_lossy(&output.stderr).ends_with("3 symbolic links were not followed\n"), "{output:?}");
}

#[test]
fn what_is_not_shown_is_counted() {
    let place = Place::with(&[("a.txt", "card 4111 1111 1111 1111\n"), ("b.txt", "nothing here\n")]);
    let output = place.dlp(&["scan"]).output().expect("dlp runs");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{output:?}");
    let expected = "1 finding below medium is not shown (--min-confidence low)\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
    let records = place.records(&[]);
    support::check_schema(&records);
    assert_eq!(records.last().expect("summary")["findings"]["below_threshold"], 1);
    let records = place.records(&["--min-confidence", "low"]);
    let counts = &records.last().expect("summary")["findings"];
    assert_eq!((&counts["below_threshold"], &counts["total"]), (&json!(0), &json!(1)));
}

#[cfg(unix)]
#[test]
fn hostile_names_cannot_act_on_a_terminal_or_forge_a_line() {
    use std::os::unix::ffi::OsStrExt as _;
    let place = Place::new();
    let names: [&[u8]; 5] =
        [b"line\nfeed:1:1  low", b"esc\x1b[2J", "bidi\u{202e}txt.exe".as_bytes(), b"raw\xff\xfe", b"=cmd|'a'!b"];
    for (seed, name) in names.iter().enumerate() {
        let path = place.root().join(std::ffi::OsStr::from_bytes(name));
        fs::write(path, format!("{}\n", token(seed as u64))).expect("file");
    }
    let pretty = place.dlp(&["scan"]).output().expect("dlp runs");
    insta::assert_snapshot!(String::from_utf8(pretty.stdout).expect("UTF-8"));
    let records = place.records(&[]);
    let raw = of_kind(&records, "finding").into_iter().find(|f| f["location"].get("path_b64").is_some());
    assert_eq!(raw.expect("the name that is not UTF-8")["location"]["path_b64"], "cmF3//4=");
    let sarif = place.dlp(&["scan", "--format", "sarif"]).output().expect("dlp runs");
    let text = String::from_utf8(sarif.stdout).expect("UTF-8");
    assert!(!text.contains('\u{202e}') && text.contains("bidi%E2%80%AEtxt.exe"));
}

#[test]
fn colour_is_for_terminals_and_for_those_who_force_it() {
    let place = Place::with(&[("a.txt", &format!("{}\n", token(1)))]);
    let coloured = |variable: &str, value: &str| {
        let mut command = place.dlp(&["scan"]);
        command.env_remove("NO_COLOR").env(variable, value);
        command.output().expect("dlp runs").stdout.contains(&0x1b)
    };
    assert!(!coloured("TERM", "xterm"));
    assert!(!coloured("NO_COLOR", "1"));
    assert!(coloured("CLICOLOR_FORCE", "1"));
}
