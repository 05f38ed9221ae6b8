//! A form goes on after the person has said why.
#![allow(clippy::unwrap_used)]

mod support;

use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest, Sha256};
use support::{Origin, Running, TestCa, exchange, find, status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HOST: &str = "files.example";
const FORM: &str = "note=Please+charge+my+credit+card+4000+0100+0007+1234";
const PAGE: &str = "Accept: text/html,application/xhtml+xml\r\nSec-Fetch-Dest: document\r\n";

fn policy(decision: &str) -> String {
    format!(
        "[policy]\nid = \"p\"\ntitle = \"P\"\nversion = 1\nstage = \"block\"\ndefault = \"log\"\nfail_mode = \"open\"\n\
         [[rule]]\nid = \"cards\"\ntitle = \"Cards\"\nseverity = \"high\"\n\
         what = {{ categories = [\"finance\"], confidence_min = \"medium\", unique_min = 1 }}\n\
         action = {{ decision = \"{decision}\", fail_mode = \"open\" }}\n"
    )
}

async fn scene() -> (Origin, Running) {
    scene_with(&policy("coach"), "").await
}

async fn scene_with(policy: &str, setting: &str) -> (Origin, Running) {
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&[HOST, "other.example"], |_| {})).await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("policy.toml"), policy).unwrap();
    let line = |name: &str| format!("{name}:{}\n", HEXLOWER.encode(&Sha256::digest(name)));
    std::fs::write(dir.path().join("users"), line("anna") + &line("bob")).unwrap();
    let config = format!(
        "policy.files = [\"{{dir}}/policy.toml\"]\nidentity.users = \"{{dir}}/users\"\n\
         resolver.override = {{ \"{HOST}\" = \"{0}\", \"other.example\" = \"{0}\" }}\n{setting}",
        origin.address
    );
    let gateway = Running::start_in(dir, &ca, &config).await;
    (origin, gateway)
}

/// Posts a form as a user, in a tunnel of its own.
async fn post(gateway: &Running, (user, host): (&str, &str), (path, fields): (&str, &str), form: &str) -> String {
    let mut tcp = TcpStream::connect(gateway.proxy).await.unwrap();
    let credentials = BASE64.encode(format!("{user}:{user}").as_bytes());
    let connect =
        format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\nProxy-Authorization: Basic {credentials}\r\n\r\n");
    tcp.write_all(connect.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while find(&head, b"\r\n\r\n").is_none() {
        head.push(tcp.read_u8().await.unwrap());
    }
    let tls = gateway.tls_over(tcp, host, &[]).await.unwrap();
    let kind = "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\nCookie: session=1";
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\n{fields}{kind}\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    exchange(tls, request.as_bytes()).await
}

const EXPLAIN: &str = "/.well-known/dlp-gateway/explain";

async fn explain(gateway: &Running, who: (&str, &str), token: &str, reason: &str) -> String {
    post(gateway, who, (EXPLAIN, PAGE), &format!("token={token}&reason={reason}")).await
}

fn token_in(page: &str) -> Option<&str> {
    page.split("name=\"token\" value=\"").nth(1)?.split('"').next()
}

const ANNA: (&str, &str) = ("anna", HOST);
const REASON: &str = "The+customer+4000010000071234+asked+for+it";

#[tokio::test(flavor = "multi_thread")]
async fn a_form_goes_on_once_when_it_is_explained() {
    let (origin, gateway) = scene().await;
    let page = post(&gateway, ANNA, ("/pay?x=1", PAGE), FORM).await;
    assert_eq!(status(&page), 403);
    assert!(page.contains("content-security-policy: sandbox allow-forms;") && !page.contains("0007"), "{page}");
    let token = token_in(&page).expect("a field for the reason");

    let again = explain(&gateway, ANNA, token, "too+short").await;
    assert_eq!((status(&again), token_in(&again)), (403, Some(token)), "{again}");
    assert!(again.contains("too short") && !page.contains("too short"), "{again}");
    assert!(origin.all().is_empty());

    assert_eq!(status(&explain(&gateway, ANNA, token, REASON).await), 200);
    let sent = String::from_utf8(origin.all()).unwrap();
    assert!(sent.starts_with("POST /pay?x=1 HTTP/1.1\r\n") && sent.ends_with(FORM), "{sent}");
    assert!(sent.to_ascii_lowercase().contains("cookie: session=1"), "{sent}");

    let twice = explain(&gateway, ANNA, token, REASON).await;
    assert!(status(&twice) == 409 && twice.contains("x-dlp-reason: already_explained"), "{twice}");
    let theirs = explain(&gateway, ("bob", HOST), token, REASON).await;
    assert!(status(&theirs) == 403 && theirs.contains("x-dlp-reason: nothing_to_explain"), "{theirs}");
    let incidents = gateway.incidents();
    assert_eq!(incidents.len(), 2);
    assert_eq!([&incidents[0]["decision"], &incidents[1]["decision"]], ["coach", "log"]);
    let reasons = incidents[1]["reasons"].to_string();
    let first = incidents[0]["incident_id"].as_str().unwrap();
    assert!(reasons.contains(first) && reasons.contains("asked for it") && !reasons.contains("40000100"), "{reasons}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_explained_counts_with_what_follows() {
    let policy = "[policy]\nid = \"p\"\ntitle = \"P\"\nversion = 1\nstage = \"block\"\ndefault = \"log\"\nfail_mode = \"open\"\n\
                  [[rule]]\nid = \"many\"\ntitle = \"Many\"\n\
                  what = { detectors = [\"pii.intl.email\"], confidence_min = \"low\", unique_min = 3 }\n\
                  action = { decision = \"block\", fail_mode = \"open\" }\n\
                  [[rule]]\nid = \"some\"\ntitle = \"Some\"\n\
                  what = { detectors = [\"pii.intl.email\"], confidence_min = \"low\", unique_min = 2 }\n\
                  action = { decision = \"coach\", fail_mode = \"open\" }\n";
    for (setting, expected) in [("", 200), ("inspection.count_window = \"10m\"", 403)] {
        let (_origin, gateway) = scene_with(policy, setting).await;
        let page = post(&gateway, ANNA, ("/", PAGE), "one=anna@corp-mail.pl&two=jan@corp-mail.pl").await;
        let token = token_in(&page).expect("a field for the reason");
        assert_eq!(status(&explain(&gateway, ANNA, token, REASON).await), 200);
        let next = post(&gateway, ANNA, ("/", PAGE), "one=ewa@corp-mail.pl").await;
        assert_eq!((status(&next), token_in(&next)), (expected, None), "{setting}: {next}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_explains_it_and_nothing_else_is_sent() {
    let (origin, gateway) = scene().await;
    let page = post(&gateway, ANNA, ("/pay", PAGE), FORM).await;
    let token = token_in(&page).expect("a field for the reason");
    for (who, token) in [(("bob", HOST), token), (("anna", "other.example"), token), (ANNA, "x"), (ANNA, "")] {
        let refused = explain(&gateway, who, token, REASON).await;
        assert!(status(&refused) == 403 && refused.contains("x-dlp-reason: nothing_to_explain"), "{who:?}: {refused}");
    }
    // The policy has become stricter since.
    std::fs::write(gateway.state().join("policy.toml"), policy("block")).unwrap();
    let mut config = dlp_proxy::config::Config::default();
    config.policy.files = vec![gateway.state().join("policy.toml")];
    config.identity.users = Some(gateway.state().join("users"));
    gateway.reloader.reload(&config).unwrap();
    let refused = explain(&gateway, ANNA, token, REASON).await;
    assert!(status(&refused) == 403 && token_in(&refused).is_none(), "{refused}");
    // It was not sent, and nobody is told that it was.
    let again = explain(&gateway, ANNA, token, REASON).await;
    assert!(status(&again) == 403 && again.contains("x-dlp-reason: nothing_to_explain"), "{again}");
    assert!(origin.all().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_are_offered_nothing_and_people_not_everything() {
    let (origin, gateway) = scene().await;
    let script = "Accept: */*\r\nOrigin: https://files.example\r\nSec-Fetch-Dest: empty\r\nSec-Fetch-Mode: cors\r\n";
    for fields in ["", "Accept: application/json\r\n", script] {
        let answer = post(&gateway, ANNA, ("/pay", fields), FORM).await;
        assert!(status(&answer) == 403 && !answer.contains("token"), "{fields}: {answer}");
    }
    // The oldest of an address makes room.
    let first = post(&gateway, ANNA, ("/pay", PAGE), FORM).await;
    for _ in 0..16 {
        assert!(token_in(&post(&gateway, ANNA, ("/pay", PAGE), FORM).await).is_some());
    }
    let refused = explain(&gateway, ANNA, token_in(&first).unwrap(), REASON).await;
    assert!(refused.contains("x-dlp-reason: nothing_to_explain"), "{refused}");
    let large = format!("{FORM}&more={}", "x".repeat(1 << 20));
    let answer = post(&gateway, ANNA, ("/pay", PAGE), &large).await;
    assert!(status(&answer) == 403 && token_in(&answer).is_none());
    assert!(origin.all().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_stays_when_its_site_cannot_be_reached() {
    // Nothing else of the tests takes a port at this address.
    let address = tokio::net::TcpListener::bind("127.0.7.3:0").await.unwrap().local_addr().unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("policy.toml"), policy("coach")).unwrap();
    let config =
        format!("policy.files = [\"{{dir}}/policy.toml\"]\nresolver.override = {{ \"{HOST}\" = \"{address}\" }}");
    let gateway = Running::start_in(dir, &TestCa::new(), &config).await;
    let post = async |path: &str, form: &str| {
        let kind = "Content-Type: application/x-www-form-urlencoded\r\nConnection: close";
        let head = format!("POST http://{HOST}{path} HTTP/1.1\r\nHost: {HOST}\r\n{PAGE}{kind}");
        gateway.raw(format!("{head}\r\nContent-Length: {}\r\n\r\n{form}", form.len()).as_bytes()).await
    };
    let page = post("/pay", FORM).await;
    let token = token_in(&page).expect("a field for the reason");
    let explanation = format!("token={token}&reason={REASON}");
    for _ in 0..2 {
        let again = post(EXPLAIN, &explanation).await;
        assert_eq!((status(&again), token_in(&again)), (403, Some(token)), "{again}");
        assert!(again.contains("could not be reached"), "{again}");
    }
    let origin = Origin::plain_at(address).await;
    assert_eq!(status(&post(EXPLAIN, &explanation).await), 200);
    assert!(origin.all().ends_with(FORM.as_bytes()));
    assert!(post(EXPLAIN, &explanation).await.contains("x-dlp-reason: already_explained"));
}
