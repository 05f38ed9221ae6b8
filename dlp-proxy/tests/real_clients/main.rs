//! The gateway in front of real clients: clean files arrive byte for byte, sensitive ones not at all.
#![allow(clippy::print_stdout)]

mod clients;
mod cloud;
mod documents;
mod gateway;

use clients::{CLIENTS, curl};
use cloud::{Cloud, Received};
use gateway::Gateway;
use http::Version;
use std::path::PathBuf;

/// Bytes that a call ahead of the content has in common with it by chance at most.
const OF_FILE: usize = 8;

/// A file with the name that its test knows it by.
struct Sample {
    name: &'static str,
    bytes: Vec<u8>,
    /// Detector that must be named, and a value that must never be.
    finds: Option<(&'static str, String)>,
}

impl Sample {
    fn write(&self, gateway: &Gateway) -> PathBuf {
        let path = gateway.folder().join(self.name);
        std::fs::write(&path, &self.bytes).expect("sample file");
        path
    }
}

fn clean_samples() -> Vec<Sample> {
    // Not as even as encrypted bytes, which are named as not read.
    let noise: Vec<u8> = (0..300_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8 | 1).collect();
    let letter = vec!["Dear colleagues,".to_owned(), "the minutes are attached.".to_owned()];
    [
        ("note.txt", "Lunch is at noon.\r\nZażółć gęślą jaźń.\n".as_bytes().to_vec()),
        ("noise.bin", noise),
        ("letter.zip", documents::zip(&[("letter.docx", &documents::docx(&letter))])),
        ("letter.pdf", documents::pdf(&letter)),
    ]
    .into_iter()
    .map(|(name, bytes)| Sample { name, bytes, finds: None })
    .collect()
}

fn sensitive_samples() -> Vec<Sample> {
    let (token, pesels, cards) = (documents::github_token(), documents::pesels(20), documents::cards(5));
    let value = |line: &String| line.rsplit(": ").next().expect("label and value").to_owned();
    vec![
        Sample {
            name: "settings.env",
            bytes: format!("NAME=site\nGITHUB_TOKEN={token}\n").into_bytes(),
            finds: Some(("secret.github.pat-classic", token)),
        },
        Sample {
            name: "people.zip",
            finds: Some(("pii.pl.pesel", value(&pesels[0]))),
            bytes: documents::zip(&[("people.docx", &documents::docx(&pesels))]),
        },
        Sample {
            name: "cards.pdf",
            finds: Some(("finance.card.pan", value(&cards[0]))),
            bytes: documents::pdf(&cards),
        },
    ]
}

#[test]
fn clean_files_arrive_byte_for_byte() {
    let cloud = Cloud::start();
    let gateway = Gateway::start(&cloud);
    for client in CLIENTS {
        for sample in clean_samples() {
            let Some(answer) = (client.upload)(&gateway, &sample.write(&gateway)) else { break };
            let place = format!("{}, {}", client.name, sample.name);
            assert!(answer.is_success, "{place}: {}\n{}", answer.text, gateway.log());
            let arrived = cloud.take();
            let is_whole = |body: &[u8]| body.windows(sample.bytes.len()).any(|window| window == sample.bytes);
            assert!(arrived.iter().any(|r| is_whole(&r.body)), "{place}: {} requests", arrived.len());
            let is_other = |version: Version| arrived.iter().any(|request| request.version != version);
            assert!(!client.version.is_some_and(is_other), "{place}: {arrived:?}");
        }
    }
    assert!(gateway.incidents().is_empty(), "{:?}", gateway.incidents());
}

#[test]
fn sensitive_files_are_refused_and_not_one_byte_of_them_leaves() {
    let cloud = Cloud::start();
    let gateway = Gateway::start(&cloud);
    for client in CLIENTS {
        for sample in sensitive_samples() {
            let before = gateway.incidents().len();
            let Some(answer) = (client.upload)(&gateway, &sample.write(&gateway)) else { break };
            let place = format!("{}, {}", client.name, sample.name);
            assert!(!answer.is_success, "{place}: {}", answer.text);
            let bodies: Vec<_> = cloud.take().into_iter().filter(|r| !r.body.is_empty()).collect();
            let is_of_file =
                |body: &[u8]| body.windows(OF_FILE).any(|piece| sample.bytes.windows(OF_FILE).any(|of| of == piece));
            let has_leaked = |request: &Received| !client.asks_first || is_of_file(&request.body);
            assert!(!bodies.iter().any(has_leaked), "{place}: {bodies:?}");
            let (detector, value) = sample.finds.as_ref().expect("a sensitive sample finds something");
            let incidents = gateway.incidents().split_off(before);
            let said = serde_json::to_string(&incidents).expect("JSON");
            assert!(said.contains(detector) && said.contains(gateway::USER), "{place}: {said}");
            let log = gateway.log();
            for text in [&answer.text, &said, &log] {
                assert!(!text.contains(value.as_str()), "{place}: the value is shown in {text}");
            }
        }
    }
}

#[test]
fn storage_of_the_organisation_is_allowed() {
    let cloud = Cloud::start();
    let gateway = Gateway::start(&cloud);
    let sample = &sensitive_samples()[1];
    let file = format!("@{}", sample.write(&gateway).display());
    let url =
        "https://acme-my.sharepoint.com/personal/me/_api/web/getfolderbyserverrelativeurl('x')/files/add(url='f')";
    let Some(answer) = curl(&gateway, &["--data-binary", &file, url]) else { return };
    assert!(answer.text.contains("status 200"), "{}\n{}", answer.text, gateway.log());
    assert_eq!(cloud.take().pop().expect("a request").body, sample.bytes);
}

#[test]
fn end_to_end_encrypted_storage_is_refused_by_its_name() {
    let cloud = Cloud::start();
    let gateway = Gateway::start(&cloud);
    let Some(answer) = curl(&gateway, &["https://mega.nz/"]) else { return };
    assert!(answer.text.contains("status 403"), "{}", answer.text);
    assert!(cloud.take().is_empty());
    assert_eq!(gateway.incidents().len(), 1, "{}", gateway.log());
}

#[test]
fn the_admin_listener_cannot_be_reached_through_the_proxy() {
    let cloud = Cloud::start();
    let gateway = Gateway::start(&cloud);
    let proxy = gateway.proxy_url();
    let port = gateway.admin.rsplit(':').next().expect("port").to_owned();
    for host in ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433"] {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{port}/metrics");
            let Some(answer) = curl(&gateway, &["--proxy", &proxy, &url]) else { return };
            assert!(!answer.text.contains("status 200") && !answer.text.contains("# TYPE"), "{url}: {}", answer.text);
        }
    }
    let Some(direct) = curl(&gateway, &["--noproxy", "*", &format!("http://{}/healthz", gateway.admin)]) else {
        return;
    };
    assert!(direct.text.contains("status 200"), "{}", direct.text);
}

#[test]
fn a_broken_upstream_certificate_gives_an_error_page() {
    let (cloud, other) = (Cloud::start(), Cloud::start());
    let gateway = Gateway::start_trusting(&cloud, &other.authority_pem);
    let url = "https://content.dropboxapi.com/";
    let Some(answer) = curl(&gateway, &["--header", "Accept: text/html", url]) else { return };
    assert!(answer.text.contains("status 502"), "{}", answer.text);
    assert!(answer.text.contains("<html") && answer.text.contains("cert_unknown_issuer"), "{}", answer.text);
    assert!(cloud.take().is_empty());
}
