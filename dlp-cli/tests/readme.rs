//! What the README shows works as it stands there.

mod support;

use support::{Place, of_kind};

/// The fenced blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).expect("README");
    let fence = format!("```{language}\n");
    let starts = readme.split(&fence).skip(1);
    starts.map(|rest| rest.split("```").next().expect("text before the fence").to_owned()).collect()
}

#[test]
fn the_detector_passes_its_own_examples_and_finds() {
    let samples: Vec<String> = blocks("toml").into_iter().filter(|block| block.contains("[[detector]]")).collect();
    let [sample] = &samples[..] else { panic!("expected one detector, found {}", samples.len()) };
    let place = Place::with(&[("acme.toml", sample), ("mail.txt", "Customer AC-11223344 called.\n")]);
    let output = place.dlp(&["detectors", "test", "acme.toml"]).output().expect("dlp runs");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "1 detector, 3 texts, 0 failures\n");
    let records = place.records(&["mail.txt", "--detector-file", "acme.toml", "--detectors", "custom.*"]);
    assert_eq!(of_kind(&records, "finding").len(), 1, "{records:?}");
}

#[test]
fn the_sample_values_fire_as_it_says() {
    let block = blocks("sh").into_iter().find(|block| block.contains("4000 0100")).expect("the sample values");
    let mut count = 0;
    for line in block.lines() {
        let (text, words) = line.strip_prefix("echo '").and_then(|rest| rest.split_once("' | dlp ")).expect("a pipe");
        let words: Vec<&str> = words.split(' ').collect();
        let output = support::dlp().args(words).write_stdin(format!("{text}\n")).output().expect("dlp runs");
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.code() == Some(1) && stdout.contains("finance.card.pan"), "{line}: {output:?}");
        count += 1;
    }
    assert_eq!(count, 2);
}

#[test]
fn it_says_how_many_detectors_there_are() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).expect("README");
    let output = support::dlp().args(["detectors", "list"]).output().expect("dlp runs");
    let count = String::from_utf8_lossy(&output.stdout).lines().count();
    let said = format!("With all {},{:03} detectors", count / 1000, count % 1000);
    assert!(readme.contains(&said), "expected {said:?}");
}

#[test]
fn the_first_command_finds_nothing() {
    assert!(blocks("sh")[0].starts_with("cargo run --release --bin dlp -- scan docs "));
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");
    let output = support::dlp().args(["scan", docs]).output().expect("dlp runs");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn the_line_of_a_report_looks_as_it_says() {
    let place = Place::with(&[("src/billing.txt", "card 4000 0100 0007 1234\n")]);
    let output = place.dlp(&["scan"]).output().expect("dlp runs");
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(blocks("text").contains(&stdout), "{stdout}");
}

#[test]
fn the_gateway_takes_its_configuration() {
    let samples: Vec<String> = blocks("toml").into_iter().filter(|block| block.contains("[listen]")).collect();
    let [sample] = &samples[..] else { panic!("expected one configuration, found {}", samples.len()) };
    let place = Place::with(&[("gateway.toml", &sample.replace("0.0.0.0:3128", "127.0.0.1:0"))]);
    let words = ["gateway", "run", "--check", "--state-dir", "state", "--config", "gateway.toml"];
    let output = place.dlp(&words).output().expect("dlp runs");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn the_allow_entry_is_taken_and_allows() {
    let samples: Vec<String> = blocks("toml").into_iter().filter(|block| block.contains("[[allow]]")).collect();
    let [sample] = &samples[..] else { panic!("expected one allow entry, found {}", samples.len()) };
    let text = format!("x = {}\n", support::token(1));
    let sample = sample.replace("secret.aws.*", "secret.github.*");
    let place = Place::with(&[("allow.toml", &sample), ("docs/a.txt", &text), ("src/a.txt", &text)]);
    let records = place.records(&["docs", "src", "--detector-file", "allow.toml"]);
    let found = of_kind(&records, "finding");
    let allowed: Vec<_> =
        found.iter().map(|f| (f["location"]["path"].clone(), f["suppressed"]["by"].clone())).collect();
    assert_eq!(allowed, [("docs/a.txt".into(), "allowlist".into()), ("src/a.txt".into(), serde_json::Value::Null)]);
}
