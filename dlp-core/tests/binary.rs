//! Binary data: chance makes nothing that is shown, and what a program carries in its strings is found all the same.

use dlp_core::base::{Cancel, ConfidenceLevel, Limits};
use dlp_core::content::Input;
use dlp_core::inspect::{Collected, Inspector, Job};
use dlp_core::knowledge::{generate::generate, validators};
use dlp_core::matching::{DetectorSet, Scratch};

/// Random bytes of the test. Without optimisation, a sixteenth must do.
const RANDOM_BYTES: usize = if cfg!(debug_assertions) { 4 << 20 } else { 64 << 20 };

/// Ids of what is shown by default.
fn shown(bytes: &[u8]) -> Vec<String> {
    let inspector = Inspector::new(DetectorSet::builtin().expect("built-in detectors"), Limits::batch());
    let mut collected = Collected::default();
    let job = Job { name: "program", input: Input::Bytes(bytes), cancel: &Cancel::default() };
    inspector.inspect(&mut Scratch::new(), job, &mut collected);
    collected.findings.retain(|finding| finding.confidence.level() >= ConfidenceLevel::Medium);
    collected.findings.iter().map(|f| inspector.detectors().detector(f.detector).id.clone()).collect()
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn random_bytes(len: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(z ^ (z >> 31)).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// A program that carries a string: code, then strings that zero bytes end, then code.
fn program_with(string: &str) -> Vec<u8> {
    let noise = random_bytes(8192);
    [
        b"\x7fELF\x02\x01\x01\0".as_slice(),
        &noise[..4000],
        b"\0usage: %s\0",
        string.as_bytes(),
        b"\0.rodata\0",
        &noise[4000..],
    ]
    .concat()
}

fn made(recipe: &str, check: &str) -> String {
    generate(recipe, 11, validators::find(check)).expect("recipe")
}

#[test]
fn random_bytes_show_nothing() {
    assert_eq!(shown(&random_bytes(RANDOM_BYTES)), Vec::<String>::new());
}

#[test]
fn programs_show_strong_evidence_only() {
    let key_id = made("AKIA[A-Z2-7]{16}", "aws-access-key-id");
    let secret = made("[0-9A-Za-z+/]{40}", "opaque-token");
    let github = made("ghp_[0-9A-Za-z]{36}", "github-token");
    let licence =
        "This program is free software; you can redistribute it and change it under the terms of its licence. ";
    let rows: &[(String, &[&str])] = &[
        (
            format!("aws_access_key_id={key_id}\0aws_secret_access_key={secret}"),
            &["secret.aws.access-key-id", "secret.aws.secret-access-key"],
        ),
        (github, &["secret.github.pat-classic"]),
        ("postgres://app:kT9vLq2xWz7@db.acme.test/prod".to_owned(), &["secret.url.postgresql"]),
        ("jane@acme.pl\0rob@roe.pl\0al@poe.pl".to_owned(), &[]),
        ("ABC\x000604173907\x0044051401458\x00".to_owned(), &[]),
        ("2a02:898:52::1a".to_owned(), &[]),
        (format!("{licence}PESEL 44051401458. {licence}"), &["pii.pl.pesel"]),
    ];
    for (string, expected) in rows {
        assert_eq!(shown(&program_with(string)), *expected, "{}", string.escape_debug());
    }
}
