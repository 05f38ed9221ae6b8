//! Services are told whose accounts may be used, whatever the client says.
#![allow(clippy::unwrap_used)]

mod support;

use support::{Origin, Running, TestCa, status};

const GOOGLE: &str = "mail.google.com";
const OTHER: &str = "files.example";

async fn scene() -> (Origin, Running) {
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&[GOOGLE, OTHER], |_| {})).await;
    let config = format!(
        "tenant.restrict = {{ google_domains = [\"corp.example\"] }}\n\
         resolver.override = {{ \"{GOOGLE}\" = \"{0}\", \"{OTHER}\" = \"{0}\" }}",
        origin.address
    );
    let gateway = Running::start(&ca, &config).await;
    (origin, gateway)
}

/// Values of the field in what the origin received.
fn values(origin: &Origin) -> Vec<String> {
    let all = String::from_utf8_lossy(&origin.all()).into_owned();
    let lines = all.lines().filter_map(|line| line.split_once(": "));
    let is_twin = |name: &str| name.to_ascii_lowercase().replace('_', "-") == "x-googapps-allowed-domains";
    lines.filter(|(name, _)| is_twin(name)).map(|(_, value)| value.to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_origin_reads_the_organisations_value_once() {
    let own = "X-GoogApps-Allowed-Domains: evil.example\r\nx_googapps_allowed_domains: evil.example\r\n";
    let switch = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let rows = [
        (GOOGLE, "Connection: close\r\n".to_owned(), &["corp.example"][..]),
        (GOOGLE, format!("Connection: close\r\n{own}"), &["corp.example"]),
        (GOOGLE, format!("Connection: close, X-GoogApps-Allowed-Domains\r\n{own}"), &["corp.example"]),
        (GOOGLE, format!("Connection: Upgrade, close\r\n{switch}{own}"), &["corp.example"]),
        (OTHER, "Connection: close\r\n".to_owned(), &[]),
    ];
    for (host, fields, expected) in rows {
        let (origin, gateway) = scene().await;
        let request = format!("GET /a HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n");
        let answer = gateway.https(&format!("{host}:443"), request.as_bytes()).await;
        assert_eq!(status(&answer), 200, "{fields}: {answer}");
        assert_eq!(values(&origin), expected, "{host} {fields}");
    }
}
