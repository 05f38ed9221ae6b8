//! Who is talked to, and about what: names, certificates, addresses, the admin listener.
#![allow(clippy::unwrap_used)]

mod support;

use rcgen::{CertificateParams, date_time_ymd};
use support::{Origin, Running, TestCa, exchange, status};

const GET: &str = "GET / HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n";
const UPLOAD: &str = "POST /up HTTP/1.1\r\nHost: site.example\r\nContent-Length: 6\r\nConnection: close\r\n\r\nabcdef";

async fn scene(config: &str) -> (Origin, Running) {
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&["site.example"], |_| {})).await;
    let overrides = format!("resolver.override = {{ \"site.example\" = \"{}\" }}", origin.address);
    let gateway = Running::start(&ca, &format!("{config}\n{overrides}")).await;
    (origin, gateway)
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_origin_certificates_give_a_page_and_send_nothing() {
    type Change = fn(&mut CertificateParams);
    let nothing: Change = |_| {};
    let rows: [(&str, &[&str], bool, Change); 16] = [
        ("cert_of_authority", &["site.example"], true, |p| {
            p.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        }),
        ("cert_expired", &["site.example"], true, |p| p.not_after = date_time_ymd(2020, 1, 1)),
        ("cert_not_yet_valid", &["site.example"], true, |p| p.not_before = date_time_ymd(2400, 1, 1)),
        ("cert_wrong_name", &["other.example"], true, nothing),
        ("cert_wrong_name", &["*.example.org"], true, nothing),
        ("cert_wrong_name", &["*.example"], true, nothing),
        ("cert_wrong_name", &["*.site.example"], true, nothing),
        ("cert_wrong_name", &["s*.example"], true, nothing),
        ("cert_wrong_name", &["127.0.0.1"], true, nothing),
        ("cert_wrong_name", &[], true, |p| {
            p.distinguished_name.push(rcgen::DnType::CommonName, "site.example");
        }),
        ("cert_wrong_name", &[], true, |p| {
            let uri = rcgen::SanType::URI("https://site.example/".try_into().unwrap());
            p.subject_alt_names.push(uri);
        }),
        ("cert_expired", &["site.example"], true, |p| {
            p.not_before = date_time_ymd(2030, 1, 1);
            p.not_after = date_time_ymd(2020, 1, 1);
        }),
        ("cert_critical_extension", &["site.example"], true, |p| {
            let mut unknown = rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99_999, 1], vec![5, 0]);
            unknown.set_criticality(true);
            p.custom_extensions.push(unknown);
        }),
        ("cert_bad_encoding", &["site.example"], true, |p| {
            // Another list of names, whose length lies.
            p.subject_alt_names.clear();
            let names = vec![0x30, 0x20, 0x82, 0x0c];
            p.custom_extensions.push(rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 17], names));
        }),
        ("cert_unknown_issuer", &["site.example"], false, nothing),
        ("cert_wrong_purpose", &["site.example"], true, |p| {
            p.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        }),
    ];
    for (reason, names, is_trusted, change) in rows {
        let (trusted, stranger) = (TestCa::new(), TestCa::new());
        let signer = if is_trusted { &trusted } else { &stranger };
        let origin = Origin::tls(signer.server(names, change)).await;
        let config = format!("resolver.override = {{ \"site.example\" = \"{}\" }}", origin.address);
        let gateway = Running::start(&trusted, &config).await;
        let browser = GET.replace("\r\n\r\n", "\r\nAccept: text/html\r\nSec-Fetch-Dest: document\r\n\r\n");
        for request in [browser.as_str(), UPLOAD] {
            let answer = gateway.https("site.example:443", request.as_bytes()).await;
            assert_eq!(status(&answer), 502, "{reason}: {answer}");
            assert!(answer.to_ascii_lowercase().contains(&format!("x-dlp-reason: {reason}\r\n")), "{reason}: {answer}");
        }
        let page = gateway.https("site.example:443", browser.as_bytes()).await;
        assert!(page.contains("text/html") && page.contains("site.example"), "{page}");
        assert_eq!(String::from_utf8_lossy(&origin.all()), "");
        let metrics = gateway.admin("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        assert!(metrics.contains(&format!("dlp_faults_total{{reason=\"{reason}\"}} 3\n")), "{reason}: {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_origin_is_a_502() {
    let ca = TestCa::new();
    // Nothing else of the tests takes a port at this address.
    let free = tokio::net::TcpListener::bind("127.0.7.2:0").await.unwrap().local_addr().unwrap();
    let gateway = Running::start(&ca, &format!("resolver.override = {{ \"site.example\" = \"{free}\" }}")).await;
    let answer = gateway.https("site.example:443", UPLOAD.as_bytes()).await;
    assert!(status(&answer) == 502 && answer.contains("connect_failed"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_names_of_a_tunnel_must_agree() {
    let (origin, gateway) = scene("").await;
    for (host, expected) in
        [("site.example", 200), ("SITE.example:443", 200), ("other.example", 421), ("site.example:80", 421)]
    {
        let request = GET.replace("site.example", host);
        let answer = gateway.https("site.example:443", request.as_bytes()).await;
        assert_eq!(status(&answer), expected, "{host}: {answer}");
    }
    assert!(!String::from_utf8_lossy(&origin.all()).contains("other.example"));
    assert!(gateway.tls("site.example:443", "other.example").await.is_err(), "another server name");
    assert!(gateway.tls("site.example:443", "127.0.0.1").await.is_err(), "no server name");
    let inner = b"CONNECT site.example:443 HTTP/1.1\r\nHost: site.example:443\r\n\r\n";
    assert_eq!(status(&gateway.https("site.example:443", inner).await), 405);
    let upgrade = GET.replace("Connection: close", "Connection: Upgrade\r\nUpgrade: websocket");
    assert_eq!(status(&gateway.https("site.example:443", upgrade.as_bytes()).await), 501);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_tls_and_http_are_spoken_in_tunnels() {
    let (origin, gateway) = scene("").await;
    for bytes in [b"\x00\x01binary".as_slice(), b"\x16\x03\x01\x00\x05nohello", b"ehlo mail.example\r\n"] {
        let stream = gateway.tunnel("site.example:443").await.unwrap();
        assert_eq!(exchange(stream, bytes).await, "", "{bytes:?}");
    }
    assert!(origin.all().is_empty());

    let plain = Origin::plain().await;
    let config = format!("resolver.override = {{ \"site.example\" = \"{}\" }}", plain.address);
    let gateway = Running::start(&TestCa::new(), &config).await;
    let request = GET.replace("site.example", "site.example:443");
    let stream = gateway.tunnel("site.example:443").await.unwrap();
    let answer = exchange(stream, request.as_bytes()).await;
    assert_eq!(status(&answer), 200, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bypassed_hosts_keep_their_own_certificate() {
    let (origin, gateway) = scene("bypass.hosts = [\"site.example\"]").await;
    let refused = gateway.tls("site.example:443", "site.example").await;
    assert!(refused.is_err(), "the origin's certificate is not from the gateway's CA");
    assert!(origin.all().is_empty());
    let metrics = gateway.admin("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await;
    assert!(metrics.contains("dlp_bypassed_bytes_total"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_listener_is_out_of_reach() {
    let ca = TestCa::new();
    // An override can name any address, so it must not open this one either.
    for config in ["", "upstream.allow_private = true"] {
        let gateway = Running::start(&ca, config).await;
        let port = gateway.admin.port();
        for host in ["127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]", "[::1]", "2130706433", "127.1"] {
            let authority = format!("{host}:{port}");
            let request =
                format!("GET http://{authority}/metrics HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
            let answer = gateway.raw(request.as_bytes()).await;
            // [::1] is no address of this listener, so with private addresses allowed it may just not answer.
            assert!(matches!(status(&answer), 400 | 403 | 502), "{config} {authority}: {answer}");
            assert!(!answer.contains("dlp_connections"), "{answer}");
            assert!(gateway.tunnel(&authority).await.is_err(), "{config} {authority}");
        }
        let own = format!("127.0.0.1:{port}");
        let request = format!("GET http://{own}/healthz HTTP/1.1\r\nHost: {own}\r\nConnection: close\r\n\r\n");
        let answer = gateway.raw(request.as_bytes()).await;
        assert!(status(&answer) == 403 && answer.contains("own_listener"), "{answer}");
    }
}

/// A gateway whose admin listener has a port at every address, and which may connect to that port.
async fn bind_with_admin_on(port: u16, dir: &std::path::Path) -> Result<dlp_proxy::Gateway, dlp_proxy::StartError> {
    let text = format!(
        "listen.proxy = [\"127.0.0.1:0\"]\nlisten.admin = \"0.0.0.0:{port}\"\nupstream.allow_private = true\n\
         upstream.use_system_roots = false\nupstream.extra_roots = [\"{{dir}}/origin.pem\"]\n\
         connect.allowed_ports = [{port}, 443]\nresolver.override = {{ \"site.example:443\" = \"127.0.0.1:{port}\" }}"
    );
    let config = toml::from_str(&text.replace("{dir}", &dir.display().to_string())).unwrap();
    let setup =
        dlp_proxy::Setup { config, state_dir: dir.join("state"), risky: None, sockets: dlp_proxy::Sockets::default() };
    dlp_proxy::Gateway::bind(setup).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_port_list_and_an_override_do_not_open_the_admin_listener() {
    let ca = TestCa::new();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("origin.pem"), &ca.pem).unwrap();
    // Every address has to have this port free, and others take ports meanwhile.
    let mut tries = 0;
    let (port, gateway) = loop {
        let port = std::net::TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
        match bind_with_admin_on(port, dir.path()).await {
            Ok(gateway) => break (port, gateway),
            Err(error) => assert!(tries < 20, "{error}"),
        }
        tries += 1;
    };
    let proxy = gateway.proxy_addresses()[0];
    tokio::spawn(gateway.serve(std::future::pending()));
    for authority in [
        format!("127.0.0.1:{port}"),
        format!("127.0.0.9:{port}"),
        format!("localhost:{port}"),
        "site.example:443".into(),
    ] {
        let stream = tokio::net::TcpStream::connect(proxy).await.unwrap();
        let request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        let answer = exchange(stream, request.as_bytes()).await;
        assert!(status(&answer) == 403 && answer.contains("own_listener"), "{authority}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_and_other_ports_are_refused() {
    let (_origin, gateway) = scene("").await;
    let rows = [
        ("127.0.0.1:443", 403, "upstream.allow_private"),
        ("10.0.0.1:443", 403, "upstream.allow_private"),
        ("[::1]:443", 403, "upstream.allow_private"),
        ("169.254.169.254:80", 403, "upstream.allow_private"),
        ("site.example:22", 403, "connect.allowed_ports"),
        ("2130706433:443", 400, "not valid"),
        ("user@site.example:443", 400, "not valid"),
        ("site.example:0443", 400, "not valid"),
    ];
    for (authority, expected, words) in rows {
        let request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        let refusal = gateway.raw(request.as_bytes()).await;
        assert_eq!(status(&refusal), expected, "{authority}: {refusal}");
        assert!(expected == 400 || refusal.contains(words) && !refusal.contains("not reachable"), "{refusal}");
        assert!(refusal.to_ascii_lowercase().contains("connection: close"), "{refusal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_prove_who_they_are() {
    // SHA-256 of "token".
    let digest = "3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0";
    let users = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(users.path(), format!("anna:{digest}\n")).unwrap();
    let config = format!("identity.anonymous = \"deny\"\nidentity.users = \"{}\"", users.path().display());
    let (_origin, gateway) = scene(&config).await;
    let refusal = gateway.tunnel("site.example:443").await.expect_err("no credentials");
    assert_eq!(status(&refusal), 407);
    assert!(refusal.to_ascii_lowercase().contains("proxy-authenticate: basic realm="), "{refusal}");
    // Base64 of "anna:token" and "anna:other".
    for (credentials, expected) in [("YW5uYTp0b2tlbg==", 200), ("YW5uYTpvdGhlcg==", 407)] {
        let request = format!(
            "CONNECT site.example:443 HTTP/1.1\r\nHost: site.example:443\r\nProxy-Authorization: Basic {credentials}\r\n\r\n\0"
        );
        assert_eq!(status(&gateway.raw(request.as_bytes()).await), expected, "{credentials}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_listener_tells_health_metrics_ca_and_pac() {
    let (_origin, gateway) = scene("").await;
    gateway.https("site.example:443", UPLOAD.as_bytes()).await;
    let pac = format!("PROXY {}", gateway.proxy);
    let rows = [
        ("/healthz", 200, "ok"),
        ("/readyz", 200, "ready"),
        ("/ca.pem", 200, "-----BEGIN CERTIFICATE-----"),
        ("/proxy.pac", 200, pac.as_str()),
        ("/metrics", 200, "dlp_inspected_bytes_total 6"),
        ("/metrics", 200, "dlp_inspection_seconds_bucket"),
        ("/metrics", 200, "dlp_requests_total{app=\"other\""),
        ("/metrics", 200, "dlp_connections_accepted_total 1"),
        ("/", 404, "not found"),
        ("/ca.key", 404, "not found"),
        ("/v1/status", 404, "not found"),
    ];
    for (path, code, part) in rows {
        let answer =
            gateway.admin(&format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")).await;
        assert!(status(&answer) == code && answer.contains(part), "{path}: {answer}");
    }
    let posted = gateway
        .admin("POST /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(status(&posted), 405);
    assert_eq!(status(&gateway.raw(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await), 400);
}

/// An origin that gives these bytes to every request and closes; the second field counts connections.
async fn scripted(answer: &'static [u8]) -> (std::net::SocketAddr, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = count.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            tokio::spawn(async move {
                let mut piece = [0; 4096];
                let _ = stream.read(&mut piece).await;
                let _ = stream.write_all(answer).await;
            });
        }
    });
    (address, count)
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_answers_never_reach_another_request() {
    let ok = "HTTP/1.1 200 OK\r\n";
    let rows: [(&[u8], &str, u16); 16] = [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "GET", 200),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nX-Poison: 1\r\nContent-Length: 0\r\n\r\n", "GET", 200),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HEAD", 200),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "GET", 502),
        (b"garbage\r\n\r\n", "GET", 502),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", "GET", 502),
        (b"HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 2\r\n\r\nok", "GET", 502),
        (b"", "GET", 502),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", "GET", 502),
        (b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok", "GET", 502),
        (b"HTTP/1.1 200 OK\r\nX : b\r\nContent-Length: 2\r\n\r\nok", "GET", 502),
        (b"HTTP/1.1 99 No\r\nContent-Length: 0\r\n\r\n", "GET", 502),
        (b"<html>no status line</html>", "GET", 502),
        (b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nX-Poison: 1\r\nContent-Length: 0\r\n\r\n", "GET", 204),
        (b"HTTP/1.1 304 Not Modified\r\n\r\nHTTP/1.1 200 OK\r\nX-Poison: 1\r\n\r\n", "GET", 304),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n           HTTP/1.1 200 OK\r\nX-Poison: 1\r\nContent-Length: 0\r\n\r\n", "GET", 200),
    ];
    for (answer, method, expected) in rows {
        let (address, connections) = scripted(answer).await;
        let config = format!("resolver.override = {{ \"plain.example\" = \"{address}\" }}");
        let gateway = Running::start(&TestCa::new(), &config).await;
        let first = format!("{method} http://plain.example/1 HTTP/1.1\r\nHost: plain.example\r\n\r\n");
        let second = first.replace("/1 HTTP", "/2 HTTP").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
        let got = gateway.raw(format!("{first}{second}").as_bytes()).await;
        let shown = String::from_utf8_lossy(answer);
        let codes: Vec<_> =
            got.match_indices("HTTP/1.1 ").map(|(at, _)| got[at + 9..at + 12].parse::<u16>().unwrap()).collect();
        assert_eq!(codes[0], expected, "{shown:?}: {got}");
        assert!(codes[1..].iter().all(|code| *code == expected || *code == 502), "{shown:?}: {got}");
        assert!(!got.contains("X-Poison"), "{got}");
        let opened = connections.load(std::sync::atomic::Ordering::SeqCst);
        assert!(opened <= codes.len() + 1, "{shown:?}: {opened} connections");
        if method == "HEAD" {
            assert!(!got.contains("ok\r\n") && got.starts_with(ok), "{got}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_host_is_not_even_looked_for() {
    let (_origin, gateway) = scene("").await;
    // No override: looking the name up would end with another answer.
    let get = "GET / HTTP/1.1\r\nHost: mega.nz\r\nAccept: text/html\r\nConnection: close\r\n\r\n";
    let answer = gateway.https("mega.nz:443", get.as_bytes()).await;
    assert!(status(&answer) == 403 && answer.contains("text/html"), "{answer}");
    assert_eq!(gateway.incidents().len(), 1);
    assert_eq!(gateway.incidents()[0]["decision"], "block");
    assert_eq!(gateway.incidents()[0]["destination"]["app"], "mega");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_without_a_request_make_room_for_new_ones() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let heads = ["", "GET / HT", "GET http://site.example/ HTTP/1.1\r\nHost: site.ex"];
    for limit in ["connections_per_ip", "connections"] {
        for head in heads {
            let (_origin, gateway) = scene(&format!("limits.{limit} = 4")).await;
            // A transfer that is under way keeps its place. It is when it is asked for the body.
            let mut upload = gateway.tls("site.example:443", "site.example").await.unwrap();
            let asking = UPLOAD.replace("\r\nConnection", "\r\nExpect: 100-continue\r\nConnection");
            upload.write_all(&asking.as_bytes()[..asking.len() - 6]).await.unwrap();
            let mut interim = [0; 25];
            upload.read_exact(&mut interim).await.unwrap();
            upload.write_all(&UPLOAD.as_bytes()[UPLOAD.len() - 6..UPLOAD.len() - 1]).await.unwrap();
            upload.flush().await.unwrap();
            let mut silent = Vec::new();
            for _ in 0..12 {
                let mut stream = tokio::net::TcpStream::connect(gateway.proxy).await.unwrap();
                stream.write_all(head.as_bytes()).await.unwrap();
                silent.push(stream);
            }
            // Open tunnels in which nothing is said are no better.
            silent.push(gateway.tunnel("site.example:443").await.unwrap());
            silent.push(gateway.tunnel("site.example:443").await.unwrap());
            for _ in 0..6 {
                let answer = gateway.https("site.example:443", GET.as_bytes()).await;
                assert_eq!(status(&answer), 200, "{limit} {head:?}: {answer}");
            }
            let first = silent[0].read(&mut [0]).await;
            assert!(matches!(first, Ok(0) | Err(_)), "the oldest one was closed: {first:?}");
            upload.write_all(&UPLOAD.as_bytes()[UPLOAD.len() - 1..]).await.unwrap();
            let answer = exchange(upload, b"").await;
            assert_eq!(status(&answer), 200, "{limit} {head:?}: {answer}");
            let metrics = gateway.admin("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await;
            assert!(!metrics.contains("dlp_connections_shed_total 0\n"), "{metrics}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_listener_answers_to_its_own_names_only() {
    let (_origin, gateway) = scene("admin.hosts = [\"gw.corp.example\", \"*.mon.example\"]").await;
    let port = gateway.admin.port();
    let rows = [
        ("127.0.0.1", 200),
        ("127.0.0.1:9090", 200),
        ("localhost", 200),
        ("LOCALHOST.", 200),
        ("[::1]:9090", 200),
        ("gw.corp.example", 200),
        ("a.mon.example:9090", 200),
        ("rebound.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("192.0.2.7", 421),
        ("", 421),
        ("a, localhost", 421),
        ("localhost\r\nHost: evil.example", 421),
    ];
    for (host, expected) in rows {
        for path in ["/metrics", "/ca.pem", "/proxy.pac", "/healthz"] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            let answer = gateway.admin(&request).await;
            assert_eq!(status(&answer), expected, "{host:?} {path}: {answer}");
            assert!(expected == 200 || !answer.contains("dlp_") && !answer.contains("BEGIN"), "{answer}");
        }
    }
    let absolute =
        format!("GET http://evil.example:{port}/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&gateway.admin(&absolute).await), 421);
    assert_eq!(status(&gateway.admin("GET /metrics HTTP/1.0\r\n\r\n").await), 421);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_cannot_ask_for_certificates_without_end() {
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&["*.site.example"], |_| {})).await;
    let overrides = format!("resolver.override = {{ \"*.site.example\" = \"{}\" }}", origin.address);
    let limits = "limits.new_hosts_burst = 3\nlimits.new_hosts_per_minute = 1";
    let gateway = Running::start(&ca, &format!("{limits}\n{overrides}")).await;
    for name in ["a", "b", "a", "c", "a", "b"] {
        let host = format!("{name}.site.example");
        let request = GET.replace("site.example", &host);
        assert_eq!(status(&gateway.https(&format!("{host}:443"), request.as_bytes()).await), 200, "{name}");
    }
    let refusal = gateway.tunnel("d.site.example:443").await.expect_err("over the budget");
    assert!(status(&refusal) == 503 && refusal.contains("too_many_hosts"), "{refusal}");
    let known = gateway.https("a.site.example:443", GET.replace("site.example", "a.site.example").as_bytes()).await;
    assert_eq!(status(&known), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_reach_clients_that_ask_for_them() {
    let answer =
        "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 42\r\n\r\n";
    let (address, _) = scripted(answer.as_bytes()).await;
    let config = format!("resolver.override = {{ \"plain.example\" = \"{address}\" }}");
    let gateway = Running::start(&TestCa::new(), &config).await;
    for (te, expected) in [("TE: trailers\r\nConnection: TE, close", true), ("Connection: close", false)] {
        let request = format!("GET http://plain.example/ HTTP/1.1\r\nHost: plain.example\r\n{te}\r\n\r\n");
        let got = gateway.raw(request.as_bytes()).await;
        assert_eq!(status(&got), 200, "{got}");
        assert_eq!(got.to_ascii_lowercase().contains("x-sum: 42"), expected, "{te}: {got}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_stops_coming_is_cut_off() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart").await;
        std::future::pending::<()>().await;
    });
    let config =
        format!("limits.body_stall_download = \"200ms\"\nresolver.override = {{ \"plain.example\" = \"{address}\" }}");
    let gateway = Running::start(&TestCa::new(), &config).await;
    let started = std::time::Instant::now();
    let got = gateway.raw(b"GET http://plain.example/ HTTP/1.1\r\nHost: plain.example\r\n\r\n").await;
    assert!(got.ends_with("part") && status(&got) == 200, "{got}");
    assert!(started.elapsed() < std::time::Duration::from_secs(10));
    let metrics = gateway.admin("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await;
    assert!(metrics.contains("dlp_faults_total{reason=\"answer_stalled\"} 1"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_is_a_line_that_tells_nothing_of_its_content() {
    let (_origin, gateway) = scene("admin.request_log = \"{dir}/requests.jsonl\"").await;
    let path = gateway.state().join("requests.jsonl");
    let lines = async |count: usize| {
        for _ in 0..200 {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            if text.lines().count() >= count {
                return text
                    .lines()
                    .map(|line| serde_json::from_str(line).unwrap())
                    .collect::<Vec<serde_json::Value>>();
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("{count} lines");
    };
    let get = "GET /secret-path?q=secret HTTP/1.1\r\nHost: site.example\r\nCookie: secret\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&gateway.https("site.example:443", get.as_bytes()).await), 200);
    assert_eq!(
        status(&gateway.https("mega.nz:443", b"GET / HTTP/1.1\r\nHost: mega.nz\r\nConnection: close\r\n\r\n").await),
        403
    );
    let wrong = "GET / HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&gateway.https("site.example:443", wrong.as_bytes()).await), 421);
    let found = lines(3).await;
    let rows = [("site.example", 200, "allow"), ("mega.nz", 403, "block"), ("", 421, "")];
    for (line, (host, status, decision)) in found.iter().zip(rows) {
        let text = |name: &str| line[name].as_str().unwrap_or_default();
        assert_eq!((text("host"), line["status"].as_u64(), text("decision")), (host, Some(status), decision), "{line}");
        assert!(line["client"] == "127.0.0.1" && !line.to_string().contains("secret"), "{line}");
    }
    assert_eq!(found[2]["reason"], "name_mismatch");
    // Whoever rotates it moves it away and has the configuration read again.
    std::fs::rename(&path, gateway.state().join("old.jsonl")).unwrap();
    gateway.reloader.reload(&dlp_proxy::config::Config::default()).unwrap();
    let _ = gateway.https("site.example:443", get.as_bytes()).await;
    assert_eq!(lines(1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_of_its_answer_is_cut_off() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    // An origin that sends as long as somebody takes it, and says how much that was.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sending = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut piece = [0; 4096];
        let _ = stream.read(&mut piece).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n").await.unwrap();
        let mut sent = 0;
        while stream.write_all(&piece).await.is_ok() {
            sent += piece.len();
        }
        sent
    });
    let config =
        format!("limits.body_stall_download = \"300ms\"\nresolver.override = {{ \"plain.example\" = \"{address}\" }}");
    let gateway = Running::start(&TestCa::new(), &config).await;
    let mut client = tokio::net::TcpStream::connect(gateway.proxy).await.unwrap();
    client.write_all(b"GET http://plain.example/ HTTP/1.1\r\nHost: plain.example\r\n\r\n").await.unwrap();
    let sent = tokio::time::timeout(std::time::Duration::from_secs(30), sending).await.expect("it is cut off").unwrap();
    assert!(sent < 100 << 20, "{sent} bytes were taken for somebody who reads nothing");
    drop(client);
}
