//! Sites that are not opened, or only in a way of their own: lists, categories, pinned and revoked certificates, and those that
//! ask for one.
#![allow(clippy::unwrap_used)]

mod support;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use support::{Origin, Running, TestCa, find, status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HOST: &str = "site.example";
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n";

fn overridden(origin: &Origin, hosts: &[&str]) -> String {
    let rows: Vec<_> = hosts.iter().map(|host| format!("\"{host}\" = \"{}\"", origin.address)).collect();
    format!("resolver.override = {{ {} }}\n", rows.join(", "))
}

/// Whether the metrics come to hold a line: a client may know of its refusal before the gateway does.
async fn metric(gateway: &Running, line: &str) -> bool {
    for _ in 0..200 {
        let metrics = gateway.admin("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await;
        if metrics.lines().any(|found| found == line) {
            return true;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_categories_are_not_opened() {
    let ca = TestCa::new();
    let hosts = [HOST, "www.bank.example", "mail.google.com", "other.example"];
    let origin = Origin::tls(ca.server(&hosts, |_| {})).await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("banks"), "# ours\n*.bank.example\n").unwrap();
    let config = overridden(&origin, &hosts)
        + "bypass = { lists = [\"{dir}/banks\"], categories = [\"webmail\"], hosts = [\"site.example\"] }";
    let gateway = Running::start_in(dir, &ca, &config).await;
    for (host, is_opened) in
        [(HOST, false), ("www.bank.example", false), ("mail.google.com", false), ("other.example", true)]
    {
        let shown = gateway.tls(&format!("{host}:443"), host).await;
        assert_eq!(shown.is_ok(), is_opened, "{host}: a certificate of the gateway's CA");
    }
    // Read again, the list has another entry.
    std::fs::write(gateway.state().join("banks"), "other.example\n").unwrap();
    let mut read = dlp_proxy::config::Config::default();
    read.bypass.lists = vec![gateway.state().join("banks")];
    gateway.reloader.reload(&read).unwrap();
    assert!(gateway.tls("other.example:443", "other.example").await.is_err());
    assert!(gateway.tls("www.bank.example:443", "www.bank.example").await.is_ok());
}

/// Opens a tunnel as a program, and refuses the certificate in it as one does that trusts the origin's CA alone.
async fn pinning(gateway: &Running, ca: &TestCa, agent: &str) -> std::io::Result<String> {
    let mut tcp = TcpStream::connect(gateway.proxy).await.unwrap();
    let connect = format!("CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\nUser-Agent: {agent}\r\n\r\n");
    tcp.write_all(connect.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while find(&head, b"\r\n\r\n").is_none() {
        head.push(tcp.read_u8().await.unwrap());
    }
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.pem.as_bytes()).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let mut tls = connector.connect(HOST.try_into().unwrap(), tcp).await?;
    tls.write_all(GET).await?;
    let mut answer = Vec::new();
    while find(&answer, b"\r\n\r\n").is_none() {
        answer.push(tls.read_u8().await?);
    }
    Ok(String::from_utf8(answer).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_pins_is_told_and_let_through_where_that_is_allowed() {
    for (setting, expected) in [("", false), ("bypass.pinned = [\"site.example\"]", true)] {
        let ca = TestCa::new();
        let origin = Origin::tls(ca.server(&[HOST], |_| {})).await;
        let gateway = Running::start(&ca, &(overridden(&origin, &[HOST]) + setting)).await;
        for version in ["1", "2", "3"] {
            assert!(pinning(&gateway, &ca, &format!("Drive/{version}")).await.is_err(), "opened at first");
        }
        assert!(metric(&gateway, "dlp_pinning_suspected_total 1").await);
        assert_eq!(pinning(&gateway, &ca, "Drive/4").await.is_ok_and(|got| status(&got) == 200), expected, "{setting}");
        assert!(pinning(&gateway, &ca, "Other/1").await.is_err(), "another program is opened");
        assert_eq!(status(&gateway.https("site.example:443", GET).await), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_of_pinned_certificates_are_read_again() {
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&[HOST], |_| {})).await;
    let gateway = Running::start(&ca, &overridden(&origin, &[HOST])).await;
    for _ in 0..3 {
        assert!(pinning(&gateway, &ca, "Drive/1").await.is_err());
    }
    assert!(metric(&gateway, "dlp_pinning_suspected_total 1").await);
    for (setting, expected) in [("pinned = [\"site.example\"]", true), ("", false)] {
        let read = toml::from_str(&format!("[bypass]\n{setting}")).unwrap();
        gateway.reloader.reload(&read).unwrap();
        assert_eq!(pinning(&gateway, &ca, "Drive/1").await.is_ok(), expected, "{setting}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_whose_certificate_was_revoked_is_refused() {
    let ca = TestCa::new();
    let rows = [
        (ca.crl(7), Some("cert_revoked")),
        (ca.crl(8), None),
        (ca.expired_crl(8), Some("revocation_list_expired")),
        (TestCa::new().expired_crl(8), None),
    ];
    for (list, expected) in rows {
        let origin = Origin::tls(ca.server(&[HOST], |params| params.serial_number = Some(7_u64.into()))).await;
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("list.pem"), list).unwrap();
        let config = overridden(&origin, &[HOST]) + "upstream.crls = [\"{dir}/list.pem\"]";
        let gateway = Running::start_in(dir, &ca, &config).await;
        let answer = gateway.https("site.example:443", GET).await;
        let reason = answer.split_once("x-dlp-reason: ").and_then(|(_, rest)| rest.lines().next());
        assert_eq!((status(&answer), reason), (if expected.is_some() { 502 } else { 200 }, expected), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn revocation_lists_for_origins_are_exchanged() {
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&[HOST], |params| params.serial_number = Some(7_u64.into()))).await;
    let dir = tempfile::tempdir().unwrap();
    let (list, crls) = (dir.path().join("list.pem"), "upstream.crls = [\"{dir}/list.pem\"]");
    std::fs::write(&list, ca.crl(8)).unwrap();
    let read = toml::from_str(&crls.replace("{dir}", &dir.path().display().to_string())).unwrap();
    let gateway = Running::start_in(dir, &ca, &(overridden(&origin, &[HOST]) + crls)).await;
    for (next, is_read, expected) in [
        (ca.crl(8), true, 200),
        (ca.crl(7), true, 502),
        ("no list".to_owned(), false, 502),
        (ca.expired_crl(8), true, 502),
        (ca.crl(8), true, 200),
    ] {
        std::fs::write(&list, &next).unwrap();
        assert_eq!(gateway.reloader.reload(&read).is_ok(), is_read, "{next}");
        let answer = gateway.https("site.example:443", GET).await;
        assert_eq!(status(&answer), expected, "{next} {answer}");
    }
}

/// TLS of an origin that wants a certificate of this CA.
fn wanting(ca: &TestCa, version: &'static rustls::SupportedProtocolVersion) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.pem.as_bytes()).unwrap()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![HOST.to_owned()]).unwrap().signed_by(&key, ca.issuer()).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    Arc::new(config)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_asks_for_a_certificate_gets_the_configured_one() {
    let ca = TestCa::new();
    let dir = || {
        let dir = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec!["gw.example".to_owned()]).unwrap().signed_by(&key, ca.issuer()).unwrap();
        std::fs::write(dir.path().join("own.pem"), own.pem()).unwrap();
        std::fs::write(dir.path().join("own.key"), key.serialize_pem()).unwrap();
        std::fs::set_permissions(dir.path().join("own.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
        dir
    };
    let shown = |host: &str| {
        format!(
            "upstream.client_certificates = [{{ hosts = [\"{host}\"], cert = \"{{dir}}/own.pem\", key = \"{{dir}}/own.key\" }}]"
        )
    };
    let rows = [(shown(HOST), 200), (shown("other.example"), 502), (String::new(), 502)];
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        for (setting, expected) in &rows {
            let origin = Origin::tls(wanting(&ca, version)).await;
            let gateway = Running::start_in(dir(), &ca, &(overridden(&origin, &[HOST]) + setting)).await;
            let answer = gateway.https("site.example:443", GET).await;
            assert_eq!(status(&answer), *expected, "{version:?} {setting}: {answer}");
            let is_told = answer.contains("x-dlp-reason: client_certificate");
            assert_eq!(is_told, *expected == 502, "{version:?} {setting}: {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_stops_the_start() {
    let rows = [
        ("bypass.lists = [\"{dir}/none\"]", "bypass.lists: cannot read"),
        ("upstream.crls = [\"{dir}/empty\"]", "upstream.crls: cannot use"),
        (
            "upstream.client_certificates = [{ hosts = [\"a.example\"], cert = \"{dir}/empty\", key = \"{dir}/empty\" }]",
            "upstream.client_certificates",
        ),
    ];
    for (setting, expected) in rows {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("empty"), "").unwrap();
        let text = setting.replace("{dir}", &dir.path().display().to_string());
        let config = toml::from_str(&text).unwrap();
        let error = dlp_proxy::check(&config, dir.path()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
