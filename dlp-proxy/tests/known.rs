//! Records that the organisation indexed: they do not leave, and an index is exchanged while the gateway runs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use dlp_core::known::KnownKey;
use dlp_core::known::edm::{Indexer, Schema};
use dlp_core::known::fingerprint;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use support::{Origin, Running, TestCa, status};

const HOST: &str = "files.example";
const SCHEMA: &str = "name = \"customers\"\nsecondary_min = 1\n[[column]]\nname = \"no\"\nprimary = true\n\
                      [[column]]\nname = \"surname\"\n";

/// Writes an index of one row, and its key.
fn write(dir: &Path, row: [&str; 2]) {
    let key = KnownKey::new([5; 32]);
    let mut indexer = Indexer::new(Schema::parse(SCHEMA).unwrap(), &key, [7; 16]);
    let mut entries = Vec::new();
    indexer.row(row, &mut entries);
    entries.sort_unstable();
    let mut writer = indexer.writer(entries.len() as u64, Vec::new()).unwrap();
    entries.into_iter().for_each(|entry| writer.push(entry).unwrap());
    std::fs::write(dir.join("next.edm"), writer.finish().unwrap()).unwrap();
    std::fs::rename(dir.join("next.edm"), dir.join("customers.edm")).unwrap();
    std::fs::write(dir.join("known.key"), "05".repeat(32) + "\n").unwrap();
    std::fs::set_permissions(dir.join("known.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn upload(text: &str) -> Vec<u8> {
    format!(
        "PUT /f HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )
    .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn indexed_records_do_not_leave_and_indexes_are_exchanged() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), ["AC-11223344", "Kowalska"]);
    let known =
        format!("known.edm = [\"{0}/customers.edm\"]\nknown.key_file = \"{0}/known.key\"", dir.path().display());
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&[HOST], |_| {})).await;
    let config = format!("{known}\nresolver.override = {{ \"{HOST}\" = \"{}\" }}", origin.address);
    let gateway = Running::start(&ca, &config).await;
    let send = async |text: &str| status(&gateway.https("files.example:443", &upload(text)).await);
    let (first, second) = ("Ms Kowalska, number ac 11223344", "Ms Nowak, number ac 55667788");
    assert_eq!((send(first).await, send(second).await), (403, 200));
    let incidents = gateway.incidents();
    assert!(incidents[0].to_string().contains("edm.customers"), "{incidents:?}");
    assert!(!incidents[0].to_string().contains("11223344"), "{incidents:?}");
    let evidence = incidents[0]["findings"][0]["samples_masked"].to_string();
    assert!(evidence.contains("surname"), "{evidence}");
    let page = String::from_utf8(upload(first)).unwrap().replace("Connection", "Accept: text/html\r\nConnection");
    let page = gateway.https("files.example:443", page.as_bytes()).await;
    assert!(page.contains("surname") && !page.contains("11223344"), "{page}");

    write(dir.path(), ["AC-55667788", "Nowak"]);
    let config: dlp_proxy::config::Config = toml::from_str(&known).unwrap();
    gateway.reloader.reload(&config).unwrap();
    assert_eq!((send(first).await, send(second).await), (200, 403));

    std::fs::write(dir.path().join("broken"), "no index").unwrap();
    std::fs::rename(dir.path().join("broken"), dir.path().join("customers.edm")).unwrap();
    let error = gateway.reloader.reload(&config).unwrap_err().to_string();
    assert!(error.contains("customers.edm") && error.contains("dlp edm build"), "{error}");
    assert_eq!(send(second).await, 403, "what was in force stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_names_the_document_and_shows_nothing_of_it() {
    let plan: String = (0..120)
        .map(|n| format!("Chapter {n}: the plant in town {} begins work {} weeks later. ", n * 7 % 31, n * 3 % 17))
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let key = KnownKey::new([5; 32]);
    let (mut indexer, mut entries) = (fingerprint::Indexer::new("plans", &key, [7; 16]), Vec::new());
    assert!(indexer.document("expansion.txt", fingerprint::Kind::Text, plan.as_bytes(), &mut entries) > 0);
    entries.sort_unstable();
    let mut writer = indexer.writer(entries.len() as u64, Vec::new()).unwrap();
    entries.into_iter().for_each(|entry| writer.push(entry).unwrap());
    std::fs::write(dir.path().join("plans.fpr"), writer.finish().unwrap()).unwrap();
    std::fs::write(dir.path().join("known.key"), "05".repeat(32) + "\n").unwrap();
    std::fs::set_permissions(dir.path().join("known.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&[HOST], |_| {})).await;
    let config = format!(
        "known = {{ fingerprints = [\"{{dir}}/plans.fpr\"], key_file = \"{{dir}}/known.key\" }}\n\
         resolver.override = {{ \"{HOST}\" = \"{}\" }}",
        origin.address
    );
    let gateway = Running::start_in(dir, &ca, &config).await;
    let half = &plan[..plan.len() / 2];
    assert_eq!(status(&gateway.https("files.example:443", &upload(half)).await), 403);
    let incident = &gateway.incidents()[0];
    assert_eq!(incident["findings"][0]["detector"], "fingerprint.plans", "{incident}");
    let evidence = incident["findings"][0]["samples_masked"].to_string();
    assert!(evidence.contains("expansion.txt") && evidence.contains('%'), "{evidence}");
    assert!(!incident.to_string().contains("begins work"), "{incident}");
    assert!(origin.all().is_empty());
}
