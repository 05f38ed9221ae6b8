//! Staged changes and ranges, read from the index and the store of a real repository.

mod support;

use serde_json::Value;
use std::process::Command;
use support::{Place, of_kind, records, token};

/// A repository with one commit of one file.
fn repository() -> Place {
    let place = Place::with(&[("kept.txt", &format!("one\nold = {}\nthree\n", token(1)))]);
    git(&place, &["init", "-q", "-b", "main"]);
    commit(&place, "first");
    place
}

fn git(place: &Place, words: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"])
        .args(["-c", "protocol.file.allow=always"])
        .args(words)
        .current_dir(place.root())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn commit(place: &Place, message: &str) {
    git(place, &["add", "-A"]);
    git(place, &["commit", "-q", "--no-verify", "-m", message]);
}

/// Paths and lines of the findings.
fn found(place: &Place, words: &[&str]) -> Vec<(String, Option<u64>)> {
    let words = [&["git", "--format", "jsonl", "--no-timestamps"], words].concat();
    let output = place.dlp(&words).output().expect("dlp runs");
    let records = records(&output.stdout);
    support::check_schema(&records);
    let summary = records.last().expect("summary");
    assert_eq!(summary["exit_code"].as_i64(), output.status.code().map(i64::from));
    of_kind(&records, "finding").iter().map(|f| path_and_line(f)).collect()
}

fn path_and_line(finding: &Value) -> (String, Option<u64>) {
    let at = &finding["location"];
    (at["path"].as_str().expect("path").to_owned(), at["line"].as_u64())
}

fn at(path: &str, line: u64) -> (String, Option<u64>) {
    (path.to_owned(), Some(line))
}

#[test]
fn findings_stand_on_added_lines_unless_whole_files_are_asked_for() {
    let place = repository();
    place.write("kept.txt", format!("one\nold = {}\nthree\nnew = {}\n", token(1), token(2)).as_bytes());
    place.write("fresh.txt", format!("a = {}\n", token(3)).as_bytes());
    git(&place, &["add", "-A"]);
    assert_eq!(found(&place, &["--staged"]), [at("fresh.txt", 1), at("kept.txt", 4)]);
    assert_eq!(
        found(&place, &["--staged", "--whole-files"]),
        [at("fresh.txt", 1), at("kept.txt", 2), at("kept.txt", 4)]
    );
}

#[test]
fn the_index_counts_and_not_the_work_tree() {
    let place = repository();
    place.write("staged.txt", format!("{}\n", token(2)).as_bytes());
    git(&place, &["add", "staged.txt"]);
    place.write("staged.txt", b"cleaned up after staging\n");
    place.write("unstaged.txt", format!("{}\n", token(3)).as_bytes());
    assert_eq!(found(&place, &["--staged"]), [at("staged.txt", 1)]);
}

#[test]
fn renames_deletions_binaries_and_odd_names() {
    let place = repository();
    git(&place, &["mv", "kept.txt", "moved.txt"]);
    place.write("blob.bin", format!("\0\0\x01{}\0", token(4)).as_bytes());
    place.write("odd\n+name \u{202e}.txt", format!("{}\n", token(5)).as_bytes());
    place.write("diff.patch", format!("diff --git a/x b/x\n@@ -1 +90 @@\n+{}\n", token(6)).as_bytes());
    git(&place, &["add", "-A"]);
    let paths: Vec<String> = found(&place, &["--staged"]).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["blob.bin", "diff.patch", "moved.txt", "odd\n+name \u{202e}.txt"]);
    git(&place, &["commit", "-q", "--no-verify", "-m", "second"]);
    git(&place, &["rm", "-q", "moved.txt"]);
    assert_eq!(found(&place, &["--staged"]), []);
}

#[test]
fn submodules_and_links_are_no_content_of_ours() {
    let inner = repository();
    let place = repository();
    git(&place, &["submodule", "add", "-q", inner.root().to_str().expect("UTF-8"), "module"]);
    let paths: Vec<String> = found(&place, &["--staged"]).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, Vec::<String>::new());
}

#[test]
fn the_first_commit_and_an_empty_index_work() {
    let place = Place::with(&[("a.txt", &format!("{}\n", token(1)))]);
    git(&place, &["init", "-q"]);
    assert_eq!(found(&place, &["--staged"]), []);
    git(&place, &["add", "-A"]);
    assert_eq!(found(&place, &["--staged"]), [at("a.txt", 1)]);
}

#[test]
fn the_configuration_of_a_user_changes_nothing() {
    let place = repository();
    place.write("kept.txt", format!("one\nold = {}\nthree\nfour\nnew = {}\n", token(1), token(2)).as_bytes());
    place.write("sub/x.txt", b"x\n");
    git(&place, &["add", "-A"]);
    for (key, value) in [
        ("diff.context", "50"),
        ("diff.interHunkContext", "50"),
        ("diff.noprefix", "true"),
        ("diff.mnemonicPrefix", "true"),
        ("diff.renames", "copies"),
        ("diff.relative", "true"),
        ("diff.external", "false"),
        ("color.ui", "always"),
        ("core.abbrev", "5"),
        ("core.quotePath", "false"),
        ("diff.algorithm", "patience"),
    ] {
        git(&place, &["config", key, value]);
    }
    assert_eq!(found(&place, &["--staged"]), [at("kept.txt", 5)]);
}

#[test]
fn paths_for_people_can_be_opened_from_a_subdirectory() {
    let place = repository();
    place.write("sub/deep/new.txt", format!("{}\n", token(2)).as_bytes());
    git(&place, &["add", "-A"]);
    let mut command = place.dlp(&["git", "--staged"]);
    let output = command.current_dir(place.path("sub/deep")).output().expect("dlp runs");
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(stdout.starts_with("../../sub/deep/new.txt:1:1  critical"), "{stdout}");
}

#[test]
fn a_range_is_scanned_commit_by_commit() {
    let place = repository();
    place.write("second.txt", format!("{}\n", token(2)).as_bytes());
    commit(&place, "second");
    place.write("third.txt", format!("{}\n", token(3)).as_bytes());
    commit(&place, "third");
    assert_eq!(found(&place, &["--range", "HEAD~2..HEAD"]), [at("second.txt", 1), at("third.txt", 1)]);
    assert_eq!(found(&place, &["--range", "HEAD~1..HEAD"]), [at("third.txt", 1)]);
    git(&place, &["rm", "-q", "second.txt"]);
    commit(&place, "fourth");
    assert_eq!(found(&place, &["--range", "HEAD~3..HEAD"]), [at("second.txt", 1), at("third.txt", 1)], "it was there");
    assert_eq!(found(&place, &["--range", "HEAD~1.."]), []);
    assert_eq!(found(&place, &["--range", "HEAD~2...HEAD"]), [at("third.txt", 1)]);
}

#[test]
fn a_wrong_range_is_named_as_it_was_typed_with_the_next_step() {
    let place = repository();
    let rows = [
        ("HEAD", "expected two ends, like origin/main..HEAD"),
        ("--output=x..y", "expected two ends"),
        ("origin/main..HEAD", "there is no commit `origin/main` here; fetch it"),
        ("HEAD..nowhere", "there is no commit `nowhere` here; fetch it"),
        ("origin/main...HEAD", "there is no commit `origin/main` here; fetch it"),
        ("HEAD:kept.txt..HEAD", "there is no commit `HEAD:kept.txt` here"),
        ("0123456789012345678901234567890123456789..HEAD", "there is no commit `0123"),
    ];
    for (range, expected) in rows {
        let output = place.dlp(&["git", &format!("--range={range}")]).output().expect("dlp runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{range}: {stderr}");
        assert!(stderr.starts_with(&format!("error: --range {range}: ")), "{range}: {stderr}");
        assert!(stderr.contains(expected) && !stderr.contains("^{"), "{range}: {stderr}");
    }
}

/// More commits than git is asked about at once.
#[test]
fn long_ranges_lose_nothing() {
    let place = repository();
    for seed in 0..70 {
        place.write("one.txt", format!("{}\n", token(100 + seed)).as_bytes());
        commit(&place, "next");
    }
    assert_eq!(found(&place, &["--range", "HEAD~70..HEAD"]), vec![at("one.txt", 1); 70]);
}

#[test]
fn a_merge_adds_what_none_of_its_parents_has() {
    let place = repository();
    git(&place, &["checkout", "-q", "-b", "side"]);
    place.write("side.txt", format!("{}\n", token(2)).as_bytes());
    commit(&place, "side");
    git(&place, &["checkout", "-q", "main"]);
    place.write("main.txt", format!("{}\n", token(3)).as_bytes());
    commit(&place, "main");
    git(&place, &["merge", "-q", "--no-ff", "--no-commit", "side"]);
    place.write("kept.txt", format!("one\nold = {}\nthree\nslipped in = {}\n", token(1), token(4)).as_bytes());
    commit(&place, "merge");
    assert_eq!(found(&place, &["--range", "HEAD^1..HEAD"]), [at("side.txt", 1), at("kept.txt", 4)]);
    assert_eq!(found(&place, &["--range", "main~1..main"]).len(), 2);
}

#[test]
fn commits_are_named_in_every_report() {
    let place = repository();
    place.write("sub/new.txt", format!("{}\n", token(2)).as_bytes());
    commit(&place, "second");
    let head = Command::new("git").args(["rev-parse", "HEAD"]).current_dir(place.root()).output().expect("git runs");
    let head = String::from_utf8(head.stdout).expect("UTF-8").trim().to_owned();
    let report = |format: &str| {
        let words = ["git", "--range", "HEAD~1..HEAD", "--format", format];
        let output = place.dlp(&words).current_dir(place.path("sub")).output().expect("dlp runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let pretty = report("pretty");
    let opened = pretty.split(":1:1").next().expect("a place");
    assert_eq!(opened, format!("{}:sub/new.txt", &head[..12]));
    let shown = Command::new("git").args(["show", opened]).current_dir(place.root()).output().expect("git runs");
    assert!(String::from_utf8_lossy(&shown.stdout).contains(&token(2)));
    assert_eq!(of_kind(&records(report("jsonl").as_bytes()), "finding")[0]["git"]["commit"], *head);
    assert!(report("sarif").contains(&format!("(commit {head})")));
}

#[test]
fn a_new_branch_is_everything_that_no_remote_has() {
    let origin = repository();
    let place = Place::new();
    git(&place, &["clone", "-q", origin.root().to_str().expect("UTF-8"), "."]);
    place.write("new.txt", format!("{}\n", token(2)).as_bytes());
    commit(&place, "new");
    assert_eq!(found(&place, &["--range", &format!("{}..HEAD", "0".repeat(40))]), [at("new.txt", 1)]);
}

#[test]
fn a_change_of_mode_adds_nothing_and_equal_changes_of_two_files_are_two() {
    let old = format!("old = {}\n", token(1));
    let place = Place::with(&[("a.txt", &old), ("b.txt", &old), ("run.sh", &old)]);
    git(&place, &["init", "-q", "-b", "main"]);
    commit(&place, "first");
    let new = format!("{old}new = {}\n", token(2));
    place.write("a.txt", new.as_bytes());
    place.write("b.txt", new.as_bytes());
    git(&place, &["add", "-A"]);
    git(&place, &["update-index", "--chmod=+x", "run.sh"]);
    assert_eq!(found(&place, &["--staged"]), [at("a.txt", 2), at("b.txt", 2)]);
    assert_eq!(found(&place, &["--staged", "--whole-files"]).len(), 4);
}

#[test]
fn an_empty_range_is_said() {
    let place = repository();
    for range in ["HEAD..HEAD".to_owned(), format!("HEAD..{}", "0".repeat(40))] {
        let output = place.dlp(&["git", "--range", &range]).output().expect("dlp runs");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("nothing was scanned"), "{output:?}");
    }
}

#[test]
fn outside_a_repository_the_error_names_the_next_step() {
    let place = Place::new();
    let mut command = place.dlp(&["git", "--staged"]);
    let output = command.env("GIT_CEILING_DIRECTORIES", "/").output().expect("dlp runs");
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.starts_with("error: git ") && stderr.contains("`dlp scan`"), "{stderr}");
}

#[test]
fn the_hook_is_installed_refuses_commits_and_respects_others() {
    let place = repository();
    assert_eq!(place.dlp(&["hook", "install"]).output().expect("dlp runs").status.code(), Some(0));
    assert_eq!(place.dlp(&["hook", "install"]).output().expect("dlp runs").status.code(), Some(0));
    place.write("leak.txt", format!("{}\n", token(2)).as_bytes());
    git(&place, &["add", "-A"]);
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_dlp")).parent().expect("folder").to_owned();
    let path = std::env::join_paths(
        std::iter::once(folder).chain(std::env::split_paths(&std::env::var_os("PATH").expect("PATH"))),
    );
    let committed = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "-q", "-m", "leak"])
        .current_dir(place.root())
        .env("PATH", path.expect("PATH"))
        .output()
        .expect("git runs");
    assert!(!committed.status.success(), "{committed:?}");
    assert!(String::from_utf8_lossy(&committed.stderr).contains("secret.github.pat-classic"), "{committed:?}");
    place.write(".git/hooks/pre-commit", b"#!/bin/sh\nmake lint\n");
    let output = place.dlp(&["hook", "install"]).output().expect("dlp runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr.contains("dlp git --staged") && stderr.contains("pre-commit"), "{stderr}");
}
