//! `dlp fingerprint build` and `dlp scan --fingerprints`: excerpts of indexed documents are found, with their names.

mod support;

use std::fs;
use support::{Place, check_schema, of_kind};

/// A text of different words.
fn prose(seed: u64, words: u64) -> String {
    let word = |n: u64| format!("w{:x}", (seed * 7919 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40);
    (0..words).map(word).collect::<Vec<_>>().join(" ")
}

fn place() -> Place {
    let place = Place::with(&[
        ("contracts/2026/offer.txt", &prose(1, 600)),
        ("contracts/plan.txt", &prose(2, 400)),
        ("contracts/note.txt", "two words"),
    ]);
    place.write("known.key", &[5; 32]);
    #[cfg(unix)]
    fs::set_permissions(place.path("known.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("permissions");
    let words = [
        "fingerprint",
        "build",
        "--key-file",
        "known.key",
        "--name",
        "contracts",
        "contracts",
        "-o",
        "contracts.dlpfp",
    ];
    let run = place.dlp(&words).assert().code(0);
    let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(said.starts_with("3 documents,") && said.contains("1 of them too short"), "{said}");
    place
}

#[test]
fn an_excerpt_is_found_with_its_share_and_its_source() {
    let place = place();
    let offer = prose(1, 600);
    let excerpt: Vec<&str> = offer.split(' ').skip(100).take(70).collect();
    place.write("share/mail.txt", format!("{}\n{}\n{}", prose(7, 200), excerpt.join(",\n"), prose(8, 200)).as_bytes());
    place.write("share/other.txt", prose(9, 500).as_bytes());
    let index = fs::read(place.path("contracts.dlpfp")).expect("index");
    assert!(!String::from_utf8_lossy(&index).contains(excerpt[0]), "the index holds no text");
    let records = place.records(&["share", "--fingerprints", "contracts.dlpfp", "--known-key", "known.key"]);
    check_schema(&records);
    let findings: Vec<_> =
        of_kind(&records, "finding").into_iter().filter(|f| f["detector"] == "fingerprint.contracts").collect();
    assert_eq!(findings.len(), 1, "{records:?}");
    assert_eq!(findings[0]["location"]["path"], "mail.txt", "{:?}", findings[0]["location"]);
    assert_eq!(findings[0]["category"], "document-fingerprint");
    assert!(findings[0].to_string().contains("% of `2026/offer.txt`"), "{}", findings[0]);
    assert!(findings[0]["context_masked"].to_string().contains("% of `2026/offer.txt`"), "{}", findings[0]);
    assert!(!String::from_utf8_lossy(&index).contains("offer"), "the names of documents are encrypted");
    for format in ["pretty", "sarif"] {
        let words =
            ["scan", "share", "--fingerprints", "contracts.dlpfp", "--known-key", "known.key", "--format", format];
        let run = place.dlp(&words).assert().code(1);
        let report = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
        assert!(report.contains("% of `2026/offer.txt`"), "{format}: {report}");
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let place = place();
    let rows: &[(&[&str], &str)] = &[
        (&["scan", "--known-key", "known.key", "."], "--fingerprints <FILE>"),
        (&["fingerprint", "build", "--key-file", "known.key", "-o", "x", "missing"], "missing"),
        (
            &["fingerprint", "build", "--key-file", "known.key", "--name", "My Docs", "-o", "x", "contracts"],
            "--name My Docs",
        ),
        (&["scan", "--fingerprints", "contracts.dlpfp", "."], "--known-key"),
        (&["scan", "--fingerprints", "contracts/plan.txt", "--known-key", "known.key", "."], "dlp fingerprint build"),
    ];
    for (words, expected) in rows {
        let run = place.dlp(words).assert().code(2);
        let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(said.contains(expected), "{words:?}: {said}");
    }
}
