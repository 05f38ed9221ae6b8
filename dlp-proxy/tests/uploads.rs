//! What reaches the origin: clean bodies byte for byte, sensitive ones not at all.

mod support;

use support::{Origin, Running, TestCa, status};

const HOST: &str = "files.example";

async fn scene(config: &str) -> (Origin, Running) {
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&[HOST], |_| {})).await;
    let gateway =
        Running::start(&ca, &format!("{config}\nresolver.override = {{ \"{HOST}\" = \"{}\" }}", origin.address)).await;
    (origin, gateway)
}

fn with_length(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "PUT /f HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nProxy-Authorization: Basic eDp5\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut out = format!(
        "PUT /f HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    .into_bytes();
    for piece in body.chunks(7_001) {
        out.extend_from_slice(format!("{:x};note\r\n", piece.len()).as_bytes());
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

fn harmless(len: usize) -> Vec<u8> {
    b"all work and no play makes a dull day\n".iter().copied().cycle().take(len).collect()
}

fn card() -> Vec<u8> {
    b"Please charge my credit card number 4000 0100 0007 1234, Visa, expiry 12/29.\n".to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn clean_bodies_arrive_byte_for_byte() {
    for len in [0, 1, 70_000, 5 * 1024 * 1024] {
        for message in [with_length as fn(&[u8]) -> Vec<u8>, chunked] {
            let (origin, gateway) = scene("").await;
            let body = harmless(len);
            let answer = gateway.https("files.example:443", &message(&body)).await;
            assert_eq!(status(&answer), 200, "{len}: {answer}");
            assert!(answer.ends_with("ok") && answer.to_ascii_lowercase().contains("x-origin: yes"));
            assert!(!answer.to_ascii_lowercase().contains("alt-svc"), "{answer}");
            assert_eq!(origin.only_body(), body, "{len} bytes");
            let head = String::from_utf8_lossy(&origin.all()).to_ascii_lowercase();
            assert!(!head.contains("proxy-authorization"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sensitive_bodies_do_not_leave() {
    for message in [with_length as fn(&[u8]) -> Vec<u8>, chunked] {
        for padding in [0, 3 * 1024 * 1024] {
            let (origin, gateway) = scene("").await;
            let body = [harmless(padding), card()].concat();
            let answer = gateway.https("files.example:443", &message(&body)).await;
            assert_eq!(status(&answer), 403, "{answer}");
            assert_eq!(String::from_utf8_lossy(&origin.all()), "", "not one byte");
            let incidents = gateway.incidents();
            assert_eq!(incidents.len(), 1);
            let text = incidents[0].to_string();
            assert!(text.contains(HOST) && text.contains("finance."), "{text}");
            assert!(!text.contains("4000010000071234") && !text.contains("4000 0100 0007 1234"), "{text}");
            assert_eq!(incidents[0]["decision"], "block");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_counted_over_requests_where_that_is_asked_for() {
    let policy = "[policy]\nid = \"p\"\ntitle = \"P\"\nversion = 1\nstage = \"block\"\ndefault = \"allow\"\nfail_mode = \"open\"\n\
                  [[rule]]\nid = \"addresses\"\ntitle = \"Addresses\"\n\
                  what = { detectors = [\"pii.intl.email\"], confidence_min = \"low\", unique_min = 3 }\n\
                  action = { decision = \"block\", fail_mode = \"open\" }\n";
    let names = ["anna", "jan", "anna", "ewa", "jan", "olga"];
    for (setting, expected) in
        [("", [200, 200, 200, 200, 200, 200]), ("inspection.count_window = \"10m\"", [200, 200, 200, 403, 200, 403])]
    {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("p.toml"), policy).unwrap();
        let ca = TestCa::new();
        let origin = Origin::tls(ca.server(&[HOST], |_| {})).await;
        let address = origin.address;
        let config = format!(
            "resolver.override = {{ \"{HOST}\" = \"{address}\" }}\npolicy.files = [\"{{dir}}/p.toml\"]\n{setting}"
        );
        let gateway = Running::start_in(dir, &ca, &config).await;
        let mut got = Vec::new();
        for name in names {
            let body = format!("Please write to {name}@corp-mail.pl today.");
            got.push(status(&gateway.https("files.example:443", &with_length(body.as_bytes())).await));
        }
        assert_eq!(got, expected, "{setting}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_hosts_carry_nothing_away() {
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&[HOST], |_| {})).await;
    let config = format!("resolver.override = {{ \"*.evil.example\" = \"{}\" }}", origin.address);
    let gateway = Running::start(&ca, &config).await;
    let text = "credit card 4000 0100 0007 1234, Visa";
    let encoded = data_encoding::HEXLOWER.encode(text.as_bytes());
    let (one, two) = encoded.split_at(40);
    let base32 = data_encoding::BASE32_NOPAD.encode(text.as_bytes()).to_ascii_lowercase();
    let rows = [
        ("www.evil.example".to_owned(), true),
        ("d111111abcdef8-20261123.evil.example".to_owned(), true),
        ("credit-card-4000-0100-0007-1234.evil.example".to_owned(), false),
        ("credit-card.4000.0100.0007.1234.evil.example".to_owned(), false),
        (format!("{one}.{two}.evil.example"), false),
        (format!("{base32}.evil.example"), false),
        (format!("{}.{}.a.b.c.evil.example", &base32[..30], &base32[30..]), false),
        // The value is the domain.
        ("credit-card-visa-4000010000071234.example".to_owned(), false),
    ];
    for (host, is_clean) in rows {
        let tunnel = gateway.tunnel(&format!("{host}:443")).await;
        assert_eq!(tunnel.is_ok(), is_clean, "{host} {tunnel:?}");
        let plain = gateway
            .raw(format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())
            .await;
        assert_eq!(status(&plain) == 403, !is_clean, "{host} {plain}");
        if !is_clean {
            assert!(!plain.contains(&host), "{plain}");
        }
    }
    let incidents = gateway.incidents();
    assert!(incidents.iter().all(|incident| !incident.to_string().contains("0007")), "{incidents:?}");
    let refused = incidents.iter().filter(|incident| incident["decision"] == "block");
    assert_eq!(refused.count(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_of_hosts_and_methods_carry_is_recorded_and_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let policy = "[policy]\nid = \"p\"\ntitle = \"P\"\nversion = 1\nstage = \"block\"\ndefault = \"log\"\nfail_mode = \"open\"\n\
                  [[rule]]\nid = \"cards\"\ntitle = \"Cards\"\n\
                  what = { categories = [\"finance\"], unique_min = 2 }\naction = { decision = \"block\", fail_mode = \"open\" }\n";
    std::fs::write(dir.path().join("p.toml"), policy).unwrap();
    let ca = TestCa::new();
    let origin = Origin::plain().await;
    let config = format!(
        "resolver.override = {{ \"*.example\" = \"{}\" }}\npolicy.files = [\"{{dir}}/p.toml\"]\n\
         admin.request_log = \"{{dir}}/requests.jsonl\"",
        origin.address
    );
    let gateway = Running::start_in(dir, &ca, &config).await;
    let named = "credit-card-visa-4000010000071234.example";
    let two = "credit-card-visa-4000-0100-0007-1234.credit-card-visa-5300-0200-0019-5689.a.example";
    for (method, host, expected) in
        [("GET", named, 200), ("CARD-4000-0100-0007-1234", "www.example", 200), ("GET", two, 403)]
    {
        let port = origin.address.port();
        let request =
            format!("{method} http://{host}:{port}/ HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n");
        let answer = gateway.raw(request.as_bytes()).await;
        assert_eq!(status(&answer), expected, "{method} {host}: {answer}");
    }
    // Whoever asks for a name again and again is recorded once.
    let count = gateway.incidents().len();
    assert!(gateway.tunnel(&format!("{named}:443")).await.is_ok());
    assert_eq!(gateway.incidents().len(), count);
    let incidents = gateway.incidents();
    let shown: Vec<_> = incidents.iter().map(|i| (&i["request"]["method"], &i["destination"]["host"])).collect();
    let of_name = |(method, host): &(&serde_json::Value, &serde_json::Value)| *method == "GET" && *host == "*.example";
    assert!(shown.iter().any(of_name), "{shown:?}");
    assert!(shown.iter().any(|(method, _)| *method == "other"), "{shown:?}");
    // The log is written apart from the answers.
    let mut log = String::new();
    for _ in 0..200 {
        log = std::fs::read_to_string(gateway.state().join("requests.jsonl")).unwrap_or_default();
        if log.lines().count() == 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(log.lines().count(), 3, "{log}");
    let all = format!("{incidents:?}{log}");
    assert!(!all.contains("0007") && log.contains("\"rule\":\"cards\""), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_lists_what_led_to_the_decision() {
    let (_origin, gateway) = scene("").await;
    // Its check digit fits a Japanese individual number, but nothing beside it speaks for one.
    let body = [card(), b"Order 3704 0044 0532\n".to_vec()].concat();
    let answer = gateway.https("files.example:443", &with_length(&body)).await;
    assert_eq!(status(&answer), 403, "{answer}");
    let found = gateway.incidents()[0].to_string();
    assert!(found.contains("pii.jp.my-number"), "the incident has all of it: {found}");
    assert!(answer.contains("Payment card") && !answer.contains("Japanese"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_client_is_asked_for_its_body() {
    let (origin, gateway) = scene("").await;
    let mut tls = gateway.tls("files.example:443", HOST).await.unwrap();
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let head = format!("PUT /f HTTP/1.1\r\nHost: {HOST}\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    tls.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    tls.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    assert!(origin.all().is_empty(), "nothing leaves before the decision");
    tls.write_all(b"abc").await.unwrap();
    let mut answer = [0; 15];
    tls.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    assert_eq!(origin.only_body(), b"abc");
    assert!(!String::from_utf8_lossy(&origin.all()).to_ascii_lowercase().contains("expect"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_for_corporate_destinations_only() {
    let body = harmless(300_000);
    for message in [with_length as fn(&[u8]) -> Vec<u8>, chunked] {
        let (origin, gateway) = scene("inspection.gate_max = \"100KiB\"").await;
        let answer = gateway.https("files.example:443", &message(&body)).await;
        assert_eq!(status(&answer), 403, "{answer}");
        assert!(origin.all().is_empty());
        let incident = &gateway.incidents()[0];
        assert_eq!(incident["inspection"]["problems"][0]["reason"], "gate_max");
        assert_eq!((&incident["rule"], &incident["fail"]), (&"incomplete-inspection".into(), &"closed".into()));

        let corporate = "inspection.gate_max = \"100KiB\"\ntenant.corporate.hosts = [\"files.example\"]";
        let (origin, gateway) = scene(corporate).await;
        let answer = gateway.https("files.example:443", &message(&body)).await;
        assert_eq!(status(&answer), 200, "{answer}");
        assert_eq!(origin.only_body(), body);
    }
}

/// Answers with the path that was asked for.
fn own_path(head: &str) -> String {
    let path = head.split(' ').nth(1).unwrap_or_default();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{path}", path.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_get_their_own_answers() {
    let ca = TestCa::new();
    let origin = Origin::answering(ca.server(&[HOST], |_| {}), own_path).await;
    let config = format!("scan.threads = 1\nresolver.override = {{ \"{HOST}\" = \"{}\" }}", origin.address);
    let gateway = std::sync::Arc::new(Running::start(&ca, &config).await);
    let clients: Vec<_> = (10..50)
        .map(|index| {
            let gateway = gateway.clone();
            tokio::spawn(async move {
                let own = format!("/own-{index}");
                let get = format!("GET {own} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
                let is_card = index % 4 == 0;
                let put = with_length(&if is_card { card() } else { harmless(1_000 + index) });
                let put = [b"PUT ", own.as_bytes(), &put["PUT /f".len()..]].concat();
                let answer = gateway.https("files.example:443", &[get.as_bytes(), &put].concat()).await;
                assert_eq!(status(&answer), 200, "{index}: {answer}");
                assert_eq!(answer.contains("HTTP/1.1 403"), is_card, "{index}: {answer}");
                let paths: Vec<_> = answer.match_indices("/own-").map(|(at, _)| &answer[at..at + own.len()]).collect();
                assert_eq!(paths, vec![own.as_str(); if is_card { 1 } else { 2 }], "{index}: {answer}");
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(gateway.incidents().len(), 10);
    assert!(!String::from_utf8_lossy(&origin.all()).contains("4000 0100"));
    for received in origin.received() {
        let received = String::from_utf8_lossy(&received).into_owned();
        let asked: std::collections::BTreeSet<_> =
            received.match_indices("/own-").map(|(at, _)| &received[at..at + "/own-10".len()]).collect();
        assert!(asked.len() <= 1, "one connection for several clients: {asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_carries_many_requests() {
    let (origin, gateway) = scene("").await;
    let get = format!("GET /a HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let put = with_length(&harmless(10));
    let answer = gateway.https("files.example:443", &[get.as_bytes(), get.as_bytes(), &put].concat()).await;
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 3, "{answer}");
    assert_eq!(origin.received().iter().filter(|bytes| !bytes.is_empty()).count(), 1, "one origin connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_is_inspected_too() {
    let ca = TestCa::new();
    let origin = Origin::plain().await;
    let config = format!("resolver.override = {{ \"plain.example\" = \"{}\" }}", origin.address);
    let gateway = Running::start(&ca, &config).await;
    let send = |body: Vec<u8>| {
        let head = format!(
            "POST http://plain.example/up?x=1 HTTP/1.1\r\nHost: PLAIN.example.:80\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        [head.into_bytes(), body].concat()
    };
    assert_eq!(status(&gateway.raw(&send(card())).await), 403);
    assert!(origin.all().is_empty());
    assert_eq!(status(&gateway.raw(&send(harmless(50))).await), 200);
    let sent = String::from_utf8_lossy(&origin.all()).into_owned();
    assert!(sent.starts_with("POST /up?x=1 HTTP/1.1\r\n"), "{sent}");
    assert!(sent.to_ascii_lowercase().contains("host: plain.example\r\n") && !sent.contains("PLAIN"), "{sent}");
}

/// A policy that wants to see content, but lets pass what it could not see.
const OPEN_POLICY: &str = r#"
    [policy]
    id = "open"
    title = "Open"
    version = 1
    stage = "block"
    default = "log"
    fail_mode = "open"

    [[rule]]
    id = "cards"
    title = "Cards"
    severity = "high"
    what = { categories = ["finance"], confidence_min = "medium", unique_min = 1 }
    action = { decision = "block", fail_mode = "open" }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_goes_on_whole_when_the_policy_lets_it() {
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), OPEN_POLICY).unwrap();
    let config = format!("inspection.gate_max = \"100KiB\"\npolicy.files = [\"{}\"]", policy.path().display());
    let body = harmless(300_000);
    for message in [with_length as fn(&[u8]) -> Vec<u8>, chunked] {
        let (origin, gateway) = scene(&config).await;
        let answer = gateway.https("files.example:443", &message(&body)).await;
        assert_eq!(status(&answer), 200, "{answer}");
        assert_eq!(origin.only_body(), body);
        assert_eq!(gateway.incidents()[0]["decision"], "log");
        let metrics = gateway.admin("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await;
        assert!(metrics.contains("dlp_uninspected_total{reason=\"partial\"} 1"), "{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_ends_early_never_leaves() {
    let (origin, gateway) = scene("").await;
    use tokio::io::AsyncWriteExt;
    let mut tls = gateway.tls("files.example:443", HOST).await.unwrap();
    let whole = with_length(&harmless(5_000));
    tls.write_all(&whole[..whole.len() - 1]).await.unwrap();
    tls.shutdown().await.unwrap();
    let answer = support::exchange(tls, b"").await;
    assert!(answer.is_empty() || status(&answer) == 400, "{answer}");
    assert!(origin.all().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_body_leaves_no_file_behind() {
    let (_origin, gateway) = scene("inspection.ram_max = \"1KiB\"").await;
    let answer = gateway.https("files.example:443", &with_length(&harmless(200_000))).await;
    assert_eq!(status(&answer), 200, "{answer}");
    let spool = gateway.state().join("state/spool");
    assert_eq!(std::fs::read_dir(spool).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_incident_names_the_user() {
    // SHA-256 of "token"; the credentials are Base64 of "anna:token".
    let users = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(users.path(), "anna:3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0\n").unwrap();
    let ca = TestCa::new();
    let origin = Origin::plain().await;
    let config = format!(
        "identity.users = \"{}\"\nresolver.override = {{ \"plain.example\" = \"{}\" }}",
        users.path().display(),
        origin.address
    );
    let gateway = Running::start(&ca, &config).await;
    let body = card();
    let head = format!(
        "POST http://plain.example/up HTTP/1.1\r\nHost: plain.example\r\nProxy-Authorization: Basic YW5uYTp0b2tlbg==\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    assert_eq!(status(&gateway.raw(&[head.as_bytes(), &body].concat()).await), 403);
    assert_eq!(gateway.incidents()[0]["actor"]["user"], "anna");
    assert_eq!(gateway.incidents()[0]["actor"]["source"], "127.0.0.1");
}

const CARD: &str = "4000010000071234";
const PERSON: &str = "44051401359";

/// A token that no provider issued, made here so that it stands nowhere as one piece.
fn live_key() -> String {
    ["sk", "live", "aG7h8I9j0K1l2M3n4O5pQ6rS"].join("_")
}

fn jwt() -> String {
    let encode = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
    let head = encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = encode(r#"{"sub":"1234567890","name":"Ann Example","iat":1516239022}"#);
    format!("{head}.{claims}.{}", encode("a signature of thirty-two bytes."))
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_and_custom_fields_are_inspected() {
    let escaped: String = live_key().bytes().map(|byte| format!("%{byte:02X}")).collect();
    let token = live_key();
    let base64 = data_encoding::BASE64.encode(token.as_bytes());
    let base64url = data_encoding::BASE64URL_NOPAD.encode(format!("key={token}").as_bytes());
    let hex = data_encoding::HEXLOWER.encode(token.as_bytes());
    let thrice = escaped.replace('%', "%2525");
    let rows = [
        ("GET", format!("/s?x={base64url}"), String::new(), 403),
        ("GET", format!("/s?a=b&x={hex}"), String::new(), 403),
        ("GET", format!("/s?x={thrice}"), String::new(), 403),
        ("GET", format!("/in/{hex}/x"), String::new(), 403),
        ("GET", "/".into(), format!("X-Data: {base64}"), 403),
        ("GET", "/".into(), format!("Accept-Language: {token}"), 403),
        ("GET", "/".into(), format!("X-Request-Id: {token}"), 403),
        ("GET", "/".into(), format!("Sec-Ch-Ua: \"{token}\""), 403),
        ("GET", "/".into(), "If-None-Match: \"d41d8cd98f00b204e9800998ecf8427e\"".into(), 200),
        ("GET", "/".into(), "Sec-Ch-Ua-Full-Version-List: \"Chromium\";v=\"124.0.6367.118\"".into(), 200),
        ("GET", format!("/s?token={token}"), String::new(), 403),
        ("GET", format!("/s?x={escaped}"), String::new(), 403),
        ("GET", format!("/in/{token}/x"), String::new(), 403),
        ("DELETE", format!("/in/{escaped}"), String::new(), 403),
        ("GET", "/".into(), format!("X-Api-Key: {token}"), 403),
        ("GET", "/".into(), format!("Private-Token: {token}"), 403),
        ("GET", "/".into(), format!("X-Auth-Token: {token}"), 403),
        ("POST", "/".into(), format!("X-Auth-Token: {token}"), 403),
        ("GET", "/".into(), format!("Authorization: Bearer {token}"), 200),
        ("GET", "/".into(), format!("Cookie: session={token}"), 200),
        ("GET", format!("/s?token={}", jwt()), String::new(), 200),
        ("GET", "/s?q=weather".into(), "User-Agent: test".into(), 200),
    ];
    for (method, target, field, expected) in rows {
        let (origin, gateway) = scene("").await;
        let field = if field.is_empty() { field } else { format!("{field}\r\n") };
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: {HOST}\r\n{field}Content-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let answer = gateway.https("files.example:443", request.as_bytes()).await;
        assert_eq!(status(&answer), expected, "{request}: {answer}");
        assert_eq!(origin.all().is_empty(), expected == 403, "{request}");
        let incidents = gateway.incidents();
        assert_eq!(incidents.len(), usize::from(expected == 403), "{request}");
        if let Some(incident) = incidents.first() {
            let text = incident.to_string();
            assert!(!text.contains(&token) && !text.contains(&escaped), "{text}");
            assert!(text.contains("secret.stripe.secret-key"), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_path_and_the_file_names_hold_is_masked() {
    let (_origin, gateway) = scene("").await;
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"{CARD} PESEL_{PERSON}_x.txt\"\r\n\r\ncredit card number {CARD}\r\n--b--\r\n"
    );
    let request = format!(
        "POST /cards/{CARD}?card={CARD} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let answer = gateway.https("files.example:443", request.as_bytes()).await;
    assert_eq!(status(&answer), 403, "{answer}");
    let text = gateway.incidents()[0].to_string();
    assert!(!text.contains(CARD) && text.contains("/cards/"), "{text}");
    assert!(text.contains("PESEL_") && !text.contains(PERSON), "only a name is read with `_` as a blank: {text}");
    let metrics = gateway.admin("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await;
    assert!(!metrics.contains(CARD) && !metrics.contains("/cards"), "{metrics}");

    // A host that is refused whatever is asked of it: nobody looks at the request for the decision.
    let request = format!("GET /{}/x HTTP/1.1\r\nHost: mega.nz\r\nConnection: close\r\n\r\n", live_key());
    let answer = gateway.https("mega.nz:443", request.as_bytes()).await;
    assert_eq!(status(&answer), 403, "{answer}");
    let text = gateway.incidents()[1].to_string();
    assert!(!text.contains(&live_key()) && text.contains("\"path\":\"/"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_logged_goes_through_and_is_recorded() {
    let (origin, gateway) = scene("").await;
    let body = format!("grant_type=refresh_token&refresh_token={}", jwt());
    let request = format!(
        "POST /oauth/token HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let answer = gateway.https("files.example:443", request.as_bytes()).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(origin.only_body(), body.as_bytes());
    let incidents = gateway.incidents();
    assert_eq!(incidents.len(), 1);
    assert_eq!((&incidents[0]["decision"], &incidents[0]["rule"]), (&"log".into(), &"sign-in".into()));
    assert!(!incidents[0].to_string().contains(&jwt()));
    let metrics = gateway.admin("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await;
    assert!(metrics.contains("activity=\"post\",decision=\"log\"} 1"), "{metrics}");

    // A policy that only watches lets everything through, and says what it would have done.
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), OPEN_POLICY.replace("stage = \"block\"", "stage = \"monitor\"")).unwrap();
    let (origin, gateway) = scene(&format!("policy.files = [\"{}\"]", policy.path().display())).await;
    let answer = gateway.https("files.example:443", &with_length(&card())).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(origin.only_body(), card());
    let incident = &gateway.incidents()[0];
    assert_eq!((&incident["decision"], &incident["would_decide"]), (&"log".into(), &"block".into()));
    assert!(!incident.to_string().contains("4000 0100 0007 1234"), "{incident}");
}

#[tokio::test(flavor = "multi_thread")]
async fn held_bodies_have_a_total() {
    use tokio::io::AsyncWriteExt;
    let limits =
        "inspection.gate_max = \"100KiB\"\ninspection.spool_total_max = \"100KiB\"\ninspection.ram_max = \"1KiB\"";
    for message in [with_length as fn(&[u8]) -> Vec<u8>, chunked] {
        let (origin, gateway) = scene(limits).await;
        let body = harmless(70_000);
        let whole = message(&body);
        let mut slow = gateway.tls("files.example:443", HOST).await.unwrap();
        slow.write_all(&whole[..whole.len() - 1]).await.unwrap();
        slow.flush().await.unwrap();
        let metrics = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let mut held = String::new();
        for _ in 0..200 {
            held = gateway.admin(metrics).await;
            // All but the last byte, so that nobody else's bytes come between.
            if held.contains("dlp_spool_bytes 69999\n") || held.contains("dlp_spool_bytes 70000\n") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert!(!held.contains("dlp_spool_bytes 0\n"), "{held}");
        let refused = gateway.https("files.example:443", &whole).await;
        assert!(status(&refused) == 503 && refused.contains("spool_full"), "{refused}");
        assert!(refused.to_ascii_lowercase().contains("retry-after: "), "{refused}");
        assert!(origin.all().is_empty());
        slow.write_all(&whole[whole.len() - 1..]).await.unwrap();
        let answer = support::exchange(slow, b"").await;
        assert_eq!(status(&answer), 200, "{answer}");
        assert_eq!(origin.only_body(), body);
        let metrics = gateway.admin(metrics).await;
        assert!(metrics.contains("dlp_faults_total{reason=\"spool_full\"} 1"), "{metrics}");
        assert!(metrics.contains("dlp_spool_bytes 0\n"), "{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_are_exchanged_while_requests_run() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("own.toml");
    let policy = |decision: &str| {
        format!(
            "[policy]\nid = \"own\"\ntitle = \"Own\"\nversion = 1\nstage = \"block\"\ndefault = \"{decision}\"\nfail_mode = \"closed\"\n"
        )
    };
    std::fs::write(&file, policy("log")).unwrap();
    let (_origin, gateway) = scene(&format!("policy.files = [\"{}\"]", file.display())).await;
    let config: dlp_proxy::config::Config =
        toml::from_str(&format!("policy.files = [\"{}\"]", file.display())).unwrap();
    let send = async || status(&gateway.https("files.example:443", &with_length(b"good morning")).await);
    assert_eq!(send().await, 200);
    for _ in 0..20 {
        for (text, expected) in [(policy("block"), 403), ("nonsense".to_owned(), 403), (policy("log"), 200)] {
            std::fs::write(&file, &text).unwrap();
            assert_eq!(gateway.reloader.reload(&config).is_ok(), text != "nonsense");
            assert_eq!(send().await, expected, "{text}");
        }
    }
    let metrics = gateway.admin("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await;
    assert!(metrics.contains("dlp_reloads_total{reason=\"success\"} 40"), "{metrics}");
    assert!(metrics.contains("dlp_reloads_total{reason=\"failure\"} 20"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_files_are_read_again() {
    let (_origin, gateway) = scene("").await;
    let config = dlp_proxy::config::Config::default();
    let (gateway, reloads) = (&gateway, 10);
    let clients = (0..4).map(|_| async {
        let mut answered = 0;
        for _ in 0..25 {
            assert_eq!(status(&gateway.https("files.example:443", &with_length(b"good morning")).await), 200);
            answered += 1;
        }
        answered
    });
    let clients: Vec<_> = clients.collect();
    let reloading = async {
        for _ in 0..reloads {
            gateway.reloader.reload(&config).unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let [one, two, three, four] = <[_; 4]>::try_from(clients).unwrap_or_else(|_| panic!("four clients"));
    let (one, two, three, four, ()) = tokio::join!(one, two, three, four, reloading);
    assert_eq!(one + two + three + four, 100);
}
