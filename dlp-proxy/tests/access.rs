//! Who may use the gateway, and that the end of somebody's access cuts what they are at.
#![allow(clippy::unwrap_used)]

mod support;

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use ring::hmac;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use support::{Origin, Running, TestCa, exchange, find, status};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;

const HOST: &str = "files.example";
const UNREAD: &str = "pinned.example";
const TOKEN: &str = "token of the admin";
/// Within which a connection has to end.
const AT_ONCE: Duration = Duration::from_secs(1);

fn write_secret(path: &Path, text: &str) {
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
}

/// A directory with users `anna` and `bob`, whose tokens are their names twice, and these people.
fn directory(people: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let line = |name: &str| format!("{name}:{}\n", HEXLOWER.encode(&Sha256::digest(format!("{name}{name}"))));
    std::fs::write(dir.path().join("users"), line("anna") + &line("bob")).unwrap();
    std::fs::write(dir.path().join("people.toml"), people).unwrap();
    write_secret(&dir.path().join("token"), TOKEN);
    dir
}

fn config(origin: &Origin, more: &str) -> String {
    format!(
        "identity.anonymous = \"deny\"\nidentity.users = \"{{dir}}/users\"\nidentity.people = \"{{dir}}/people.toml\"\n\
         admin.token_file = \"{{dir}}/token\"\nbypass.hosts = [\"{UNREAD}\"]\n\
         resolver.override = {{ \"{HOST}\" = \"{0}\", \"{UNREAD}\" = \"{0}\" }}\n{more}\n",
        origin.address
    )
}

const BOTH: &str = "[[person]]\nid = \"anna\"\nkind = \"contractor\"\n[[person]]\nid = \"bob\"\n";

async fn scene(people: &str) -> (TestCa, Origin, Running) {
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&[HOST, UNREAD], |_| {})).await;
    let gateway = Running::start_in(directory(people), &ca, &config(&origin, "")).await;
    (ca, origin, gateway)
}

fn basic(name: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{name}:{name}{name}").as_bytes()))
}

/// Asks for a tunnel; the answer, when there is none.
async fn tunnel<T: AsyncRead + AsyncWrite + Unpin>(mut io: T, host: &str, credentials: &str) -> Result<T, String> {
    let field = if credentials.is_empty() { String::new() } else { format!("Proxy-Authorization: {credentials}\r\n") };
    let connect = format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n{field}\r\n");
    io.write_all(connect.as_bytes()).await.unwrap();
    io.flush().await.unwrap();
    let mut head = Vec::new();
    while find(&head, b"\r\n\r\n").is_none() {
        head.push(io.read_u8().await.unwrap());
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    if status(&head) == 200 { Ok(io) } else { Err(head) }
}

async fn tunnel_of(gateway: &Running, name: &str) -> Result<TcpStream, String> {
    tunnel(TcpStream::connect(gateway.proxy).await.unwrap(), HOST, &basic(name)).await
}

/// The reason of the refusal, and the status.
async fn refusal(gateway: &Running, name: &str) -> Option<(u16, String)> {
    let head = tunnel_of(gateway, name).await.err()?;
    let reason = head.lines().find_map(|line| line.strip_prefix("x-dlp-reason: ")).unwrap_or_default();
    Some((status(&head), reason.to_owned()))
}

async fn call(gateway: &Running, path: &str, token: &str, body: &str) -> (u16, serde_json::Value) {
    let length = body.len();
    let method = if body.is_empty() { "GET" } else { "POST" };
    let request = format!(
        "{method} /v1/access{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    let answer = gateway.admin(&request).await;
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    (status(&answer), serde_json::from_str(body).unwrap_or_default())
}

async fn revoke(gateway: &Running, person: &str) -> (u16, serde_json::Value) {
    let body = json!({ "person": person, "reason": "the contract has ended" }).to_string();
    call(gateway, "/revoke", TOKEN, &body).await
}

/// Waits until a connection ends, and how long that took.
async fn end_of<T: AsyncRead + Unpin>(mut io: T) -> Duration {
    let begin = Instant::now();
    let mut piece = vec![0; 64 * 1024];
    let reading = async { while io.read(&mut piece).await.is_ok_and(|count| count > 0) {} };
    tokio::time::timeout(Duration::from_secs(10), reading).await.expect("the connection ended");
    begin.elapsed()
}

fn records(gateway: &Running) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(gateway.state().join("state/access.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What is open when somebody's access ends.
#[derive(Clone, Copy, Debug)]
enum At {
    Nothing,
    Idle,
    Upload,
    Unread,
    PlainUpload,
}

/// Opens a connection of a user and leaves it in the middle of something.
async fn busy(gateway: &Running, name: &str, at: At) -> Box<dyn Duplex> {
    let tcp = TcpStream::connect(gateway.proxy).await.unwrap();
    // That the gateway asks for the body says that it has begun to read it.
    let upload = |target: &str| {
        format!("PUT {target} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n")
    };
    match at {
        At::Nothing => Box::new(tunnel(tcp, HOST, &basic(name)).await.unwrap()),
        At::Idle | At::Upload => {
            let io = tunnel(tcp, HOST, &basic(name)).await.unwrap();
            let mut tls = gateway.tls_over(io, HOST, &[]).await.unwrap();
            if matches!(at, At::Upload) {
                begin_upload(&mut tls, &format!("{}\r\n", upload("/f"))).await;
            }
            Box::new(tls)
        }
        At::Unread => {
            let io = tunnel(tcp, UNREAD, &basic(name)).await.unwrap();
            let mut roots = RootCertStore::empty();
            let origin_ca = gateway.state().join("origin-ca.pem");
            roots.add(CertificateDer::from_pem_file(origin_ca).unwrap()).unwrap();
            Box::new(connector(roots, None).connect(ServerName::try_from(UNREAD).unwrap(), io).await.unwrap())
        }
        At::PlainUpload => {
            let mut tcp = tcp;
            let field = format!("Proxy-Authorization: {}\r\n", basic(name));
            begin_upload(&mut tcp, &format!("{}{field}\r\n", upload(&format!("http://{HOST}/f")))).await;
            Box::new(tcp)
        }
    }
}

/// Sends a head, waits until its body is asked for, and sends the first bytes of that.
async fn begin_upload<T: AsyncRead + AsyncWrite + Unpin>(io: &mut T, head: &str) {
    io.write_all(head.as_bytes()).await.unwrap();
    io.flush().await.unwrap();
    let mut answer = Vec::new();
    while find(&answer, b"\r\n\r\n").is_none() {
        answer.push(io.read_u8().await.unwrap());
    }
    assert_eq!(status(&String::from_utf8_lossy(&answer)), 100);
    io.write_all(b"the beginning").await.unwrap();
    io.flush().await.unwrap();
}

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

type Shown = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn connector(roots: RootCertStore, shown: Option<Shown>) -> TlsConnector {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let config = match shown {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
        None => builder.with_no_client_auth(),
    };
    TlsConnector::from(Arc::new(config))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_cuts_whatever_is_open_at_once() {
    for at in [At::Nothing, At::Idle, At::Upload, At::Unread, At::PlainUpload] {
        let (ca, origin, gateway) = scene(BOTH).await;
        let hers = busy(&gateway, "anna", at).await;
        let his = busy(&gateway, "bob", At::Idle).await;
        let ended = tokio::spawn(end_of(hers));
        let begin = Instant::now();
        let (code, answer) = revoke(&gateway, "anna").await;
        assert_eq!((code, &answer["connections_cut"]), (200, &json!(1)), "{at:?}: {answer}");
        ended.await.unwrap();
        assert!(begin.elapsed() < AT_ONCE, "{at:?}: {:?}", begin.elapsed());
        assert_eq!(refusal(&gateway, "anna").await, Some((403, "access_revoked".into())), "{at:?}");
        assert!(find(&origin.all(), b"the beginning").is_none());

        // The other one works on, in the same tunnel.
        let request = format!("PUT /g HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfine");
        assert_eq!(status(&exchange(his, request.as_bytes()).await), 200, "{at:?}");
        let record = records(&gateway).pop().unwrap();
        let shown = [&record["record"], &record["change"], &record["person"], &record["reason"]];
        assert_eq!(shown, ["access", "revoked", "anna", "the contract has ended"]);
        let metrics = gateway.admin("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        assert!(metrics.contains("dlp_access_cuts_total{reason=\"access_revoked\"} 1"), "{metrics}");
        drop(ca);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_allowed_and_has_not_left_stays() {
    const BODY_BYTES: usize = 32 << 20;
    // An origin that takes a little and waits.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (taken, begun, go_on) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (count, told, wait) = (taken.clone(), begun.clone(), go_on.clone());
    let origin = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut piece = vec![0; 64 * 1024];
        let mut has_waited = false;
        while let Ok(bytes @ 1..) = stream.read(&mut piece).await {
            if count.fetch_add(bytes, Ordering::SeqCst) > 100_000 && !std::mem::replace(&mut has_waited, true) {
                told.notify_one();
                wait.notified().await;
            }
        }
    });
    let config = format!(
        "identity.users = \"{{dir}}/users\"\nadmin.token_file = \"{{dir}}/token\"\n\
         resolver.override = {{ \"{HOST}\" = \"{address}\" }}"
    );
    let gateway = Running::start_in(directory(""), &TestCa::new(), &config).await;
    let mut client = TcpStream::connect(gateway.proxy).await.unwrap();
    let head = format!(
        "PUT http://{HOST}/f HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: text/plain\r\n\
         Proxy-Authorization: {}\r\nContent-Length: {BODY_BYTES}\r\n\r\n",
        basic("anna")
    );
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(&vec![b'x'; BODY_BYTES]).await.unwrap();
    begun.notified().await;
    let ended = tokio::spawn(end_of(client));
    assert_eq!(revoke(&gateway, "anna").await.1["connections_cut"], 1);
    assert!(ended.await.unwrap() < AT_ONCE);
    go_on.notify_one();
    tokio::time::timeout(Duration::from_secs(10), origin).await.expect("the origin's connection ended").unwrap();
    // What lay in the buffers of the sockets has left.
    let taken = taken.load(Ordering::SeqCst);
    assert!(taken < BODY_BYTES, "{taken} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_outlives_a_restart_and_can_be_taken_back() {
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&[HOST, UNREAD], |_| {})).await;
    let first = Running::start_in(directory(BOTH), &ca, &config(&origin, "")).await;
    assert_eq!(revoke(&first, " ANNA\n").await.0, 200);
    let dir = first.stopped().await;
    let gateway = Running::start_in(dir, &ca, &config(&origin, "")).await;
    assert_eq!(refusal(&gateway, "anna").await, Some((403, "access_revoked".into())));
    assert_eq!(call(&gateway, "", TOKEN, "").await.1["revoked"], json!({ "anna": "the contract has ended" }));
    let restore = r#"{"person": "anna", "reason": "a new contract"}"#;
    assert_eq!(call(&gateway, "/restore", TOKEN, restore).await.0, 200);
    assert_eq!(refusal(&gateway, "anna").await, None);
    assert_eq!(call(&gateway, "/restore", TOKEN, restore).await.0, 404);
    let changes: Vec<_> =
        records(&gateway).iter().map(|record| record["change"].as_str().unwrap().to_owned()).collect();
    assert_eq!(changes, ["revoked", "restored"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_need_their_token_and_a_person() {
    let (_ca, _origin, gateway) = scene(BOTH).await;
    let person = r#"{"person": "anna"}"#;
    let rows = [
        ("/revoke", "another token of an admin", person, 401),
        ("/revoke", "", person, 401),
        ("/revoke", TOKEN, r#"{"person": "carol"}"#, 404),
        ("/revoke", TOKEN, r#"{"person": " "}"#, 400),
        ("/revoke", TOKEN, r#"{"user": "anna"}"#, 400),
        ("/revoke", TOKEN, &format!("{{\"person\": \"{}\"}}", "x".repeat(5_000)), 400),
        ("/other", TOKEN, person, 404),
        ("", "wrong", "", 401),
    ];
    for (path, token, body, expected) in rows {
        let (code, answer) = call(&gateway, path, token, body).await;
        assert_eq!(code, expected, "{path} {body}: {answer}");
        assert!(answer["error"].is_string(), "{answer}");
    }
    let _open = busy(&gateway, "anna", At::Idle).await;
    assert_eq!(call(&gateway, "", TOKEN, "").await.1, json!({ "revoked": {}, "connected": { "anna": 1 } }));
    let without = Running::start(&TestCa::new(), "").await;
    assert_eq!(call(&without, "/revoke", TOKEN, person).await.0, 403);
}

/// The configuration with the files as they are now.
fn reread(gateway: &Running) -> dlp_proxy::config::Config {
    let mut config = dlp_proxy::config::Config::default();
    config.identity.anonymous = dlp_proxy::config::AnonymousAccess::Deny;
    config.identity.users = Some(gateway.state().join("users"));
    config.identity.people = Some(gateway.state().join("people.toml"));
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_the_files_again_cuts_too() {
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&[HOST, UNREAD], |_| {})).await;
    let changes = [
        ("people.toml", "[[person]]\nid = \"bob\"\n".to_owned(), (403, "person_unknown")),
        ("people.toml", BOTH.replace("kind", "suspended = true\nkind"), (403, "access_suspended")),
        ("users", "# nobody\n".to_owned(), (407, "unauthenticated")),
    ];
    for (file, text, expected) in changes {
        let gateway = Running::start_in(directory(BOTH), &ca, &config(&origin, "")).await;
        let ended = tokio::spawn(end_of(busy(&gateway, "anna", At::Upload).await));
        std::fs::write(gateway.state().join(file), text).unwrap();
        gateway.reloader.reload(&reread(&gateway)).unwrap();
        assert!(ended.await.unwrap() < AT_ONCE, "{file}");
        assert_eq!(refusal(&gateway, "anna").await, Some((expected.0, expected.1.into())), "{file}");
        assert_eq!(records(&gateway).pop().unwrap()["change"], "ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_moment_cuts_by_itself() {
    let (_ca, _origin, gateway) = scene("[[person]]\nid = \"anna\"\n").await;
    let open = busy(&gateway, "anna", At::Idle).await;
    // Only now is there a last moment, however long the beginning has taken.
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_millis(500);
    let people = format!("[[person]]\nid = \"anna\"\nvalid_until = {end:.3}\n");
    std::fs::write(gateway.state().join("people.toml"), people).unwrap();
    gateway.reloader.reload(&reread(&gateway)).unwrap();
    end_of(open).await;
    let late = jiff::Timestamp::now().duration_since(end);
    assert!(!late.is_negative() && late.unsigned_abs() < AT_ONCE, "{late:?}");
    assert_eq!(refusal(&gateway, "anna").await, Some((403, "access_ended".into())));
    // It is cut first and written down then.
    let begin = Instant::now();
    while records(&gateway).is_empty() && begin.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let record = records(&gateway).pop().unwrap();
    assert_eq!([&record["change"], &record["reason"]], ["ended", "access_ended"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_say_who_it_is_for_a_time() {
    let (_ca, _origin, gateway) = scene(BOTH).await;
    let set = async |person: &str, ttl_s: u64| {
        let body = json!({ "address": "127.0.0.1", "person": person, "ttl_s": ttl_s }).to_string();
        call(&gateway, "/address", TOKEN, &body).await.0
    };
    let ask = async || {
        let tcp = TcpStream::connect(gateway.proxy).await.unwrap();
        tunnel(tcp, HOST, "").await.map_err(|head| status(&head))
    };
    assert_eq!(ask().await.err(), Some(407));
    assert_eq!(set("carol", 60).await, 404);
    assert_eq!(set("anna", 86_401).await, 400, "longer than a day");
    assert_eq!(call(&gateway, "/address", TOKEN, r#"{"address": "here"}"#).await.0, 400);
    assert_eq!(set("anna", 60).await, 200);
    let hers = ask().await.unwrap();
    assert_eq!(call(&gateway, "", TOKEN, "").await.1["connected"], json!({ "anna": 1 }));
    // Said again, it goes on; said of somebody else, it ends.
    assert_eq!(set("anna", 3600).await, 200);
    assert_eq!(call(&gateway, "", TOKEN, "").await.1["connected"], json!({ "anna": 1 }));
    let ended = tokio::spawn(end_of(hers));
    assert_eq!(set("bob", 1).await, 200);
    assert!(ended.await.unwrap() < AT_ONCE);
    // Bob's second runs out by itself.
    end_of(ask().await.unwrap()).await;
    assert_eq!(ask().await.err(), Some(407));
    // Credentials go before addresses.
    assert_eq!(set("anna", 60).await, 200);
    let _his = tunnel_of(&gateway, "bob").await.unwrap();
    assert_eq!(call(&gateway, "", TOKEN, "").await.1["connected"], json!({ "bob": 1 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_tokens_say_who_it_is() {
    const SECRET: &str = "a secret of thirty-two bytes or more";
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&[HOST, UNREAD], |_| {})).await;
    let dir = directory("[[person]]\nid = \"anna\"\naliases = [\"anna@corp.example\"]\n");
    write_secret(&dir.path().join("secret"), SECRET);
    let more = "identity.jwt = { secret = \"{dir}/secret\", issuer = \"https://id.example\", audience = \"gw\" }";
    let gateway = Running::start_in(dir, &ca, &config(&origin, more)).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let token = |subject: &str, expires: u64, secret: &str| {
        let part = |value: serde_json::Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let claims = json!({ "iss": "https://id.example", "aud": "gw", "sub": subject, "exp": expires });
        let message = format!("{}.{}", part(json!({ "alg": "HS256" })), part(claims));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        format!("Bearer {message}.{}", BASE64URL_NOPAD.encode(hmac::sign(&key, message.as_bytes()).as_ref()))
    };
    let rows = [
        (token("anna@corp.example", now + 60, SECRET), 200),
        (token("anna@corp.example", now - 60, SECRET), 407),
        (token("anna@corp.example", now + 60, "another secret of thirty-two bytes"), 407),
        (token("carol@corp.example", now + 60, SECRET), 403),
        (basic("anna"), 200),
        (String::new(), 407),
    ];
    for (credentials, expected) in rows {
        let tcp = TcpStream::connect(gateway.proxy).await.unwrap();
        let code = tunnel(tcp, HOST, &credentials).await.map_or_else(|head| status(&head), |_| 200);
        assert_eq!(code, expected, "{credentials}");
    }
    // A tunnel lasts no longer than the token that opened it.
    let tcp = TcpStream::connect(gateway.proxy).await.unwrap();
    let open = tunnel(tcp, HOST, &token("anna@corp.example", now + 3, SECRET)).await.unwrap();
    end_of(open).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_certificates_say_who_it_is() {
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&[HOST, UNREAD], |_| {})).await;
    let dir = directory("[[person]]\nid = \"anna\"\naliases = [\"anna@corp.example\"]\n");
    let own = rcgen::generate_simple_self_signed(vec!["gw.example".into()]).unwrap();
    let authority = || {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "people of the organisation");
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), Issuer::new(params, key))
    };
    let ((authority_pem, issuer), (_, foreign)) = (authority(), authority());
    let file = |name: &str, text: String| std::fs::write(dir.path().join(name), text).unwrap();
    file("gw.pem", own.cert.pem());
    file("gw.key", own.signing_key.serialize_pem());
    file("clients.pem", authority_pem);
    let more = "listen.proxy_tls = [\"127.0.0.1:0\"]\n\
         tls = { cert = \"{dir}/gw.pem\", key = \"{dir}/gw.key\", client_ca = \"{dir}/clients.pem\" }";
    let gateway = Running::start_in(dir, &ca, &config(&origin, more)).await;
    let shown = |mail: &str, issuer: &Issuer<'_, KeyPair>| -> Shown {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::Rfc822Name(mail.try_into().unwrap())];
        let leaf = params.signed_by(&key, issuer).unwrap();
        (vec![leaf.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
    };
    let connect = async |shown: Option<Shown>| {
        let mut roots = RootCertStore::empty();
        roots.add(own.cert.der().clone()).unwrap();
        let tcp = TcpStream::connect(gateway.proxy_tls.unwrap()).await.unwrap();
        connector(roots, shown).connect(ServerName::try_from("gw.example").unwrap(), tcp).await
    };
    let ask = async |shown| match connect(shown).await {
        Ok(tls) => tunnel(tls, HOST, "").await.map_or_else(|head| status(&head), |_| 200),
        Err(_) => 0,
    };
    assert_eq!(ask(Some(shown("Anna@corp.example", &issuer))).await, 200);
    assert_eq!(ask(Some(shown("carol@corp.example", &issuer))).await, 403);
    assert_eq!(ask(None).await, 407);
    let open = tunnel(connect(Some(shown("anna@corp.example", &issuer))).await.unwrap(), HOST, "").await.unwrap();
    // Of an authority that is not asked, nothing is taken: the handshake fails when the client next reads.
    let mut refused = connect(Some(shown("anna@corp.example", &foreign))).await;
    if let Ok(tls) = &mut refused {
        let _ = tls.write_all(b"CONNECT files.example:443 HTTP/1.1\r\nHost: files.example:443\r\n\r\n").await;
        assert!(tls.read_u8().await.is_err());
    }
    let ended = tokio::spawn(end_of(open));
    assert_eq!(revoke(&gateway, "anna").await.1["connections_cut"], 1);
    assert!(ended.await.unwrap() < AT_ONCE);
    assert_eq!(ask(Some(shown("anna@corp.example", &issuer))).await, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_certificate_is_refused_and_cuts_what_it_has_opened() {
    let ca = TestCa::new();
    let origin = Origin::tls(ca.server(&[HOST, UNREAD], |_| {})).await;
    let dir = directory("[[person]]\nid = \"anna@corp.example\"\n");
    let own = rcgen::generate_simple_self_signed(vec!["gw.example".into()]).unwrap();
    let file = |name: &str, text: String| std::fs::write(dir.path().join(name), text).unwrap();
    file("gw.pem", own.cert.pem());
    file("gw.key", own.signing_key.serialize_pem());
    file("clients.pem", ca.pem.clone());
    file("revoked.pem", ca.crl(1));
    let more = "listen.proxy_tls = [\"127.0.0.1:0\"]\ntls = { cert = \"{dir}/gw.pem\", key = \"{dir}/gw.key\", \
         client_ca = \"{dir}/clients.pem\", client_crls = [\"{dir}/revoked.pem\"] }";
    let gateway = Running::start_in(dir, &ca, &config(&origin, more)).await;
    let connect = async |serial: u64| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.serial_number = Some(serial.into());
        params.subject_alt_names = vec![SanType::Rfc822Name("anna@corp.example".try_into().unwrap())];
        let leaf = params.signed_by(&key, ca.issuer()).unwrap();
        let shown = (vec![leaf.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into());
        let mut roots = RootCertStore::empty();
        roots.add(own.cert.der().clone()).unwrap();
        let tcp = TcpStream::connect(gateway.proxy_tls.unwrap()).await.unwrap();
        let name = ServerName::try_from("gw.example").unwrap();
        let mut tls = connector(roots, Some(shown)).connect(name, tcp).await.ok()?;
        // A certificate that is refused shows when something is read.
        let connect = format!("CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n");
        tls.write_all(connect.as_bytes()).await.ok()?;
        let mut head = Vec::new();
        while find(&head, b"\r\n\r\n").is_none() {
            head.push(tls.read_u8().await.ok()?);
        }
        head.starts_with(b"HTTP/1.1 200").then_some(tls)
    };
    let open = connect(2).await.expect("a certificate on no list");
    assert!(connect(1).await.is_none(), "a revoked certificate opens nothing");

    // The list is read again with the configuration.
    let ended = tokio::spawn(end_of(open));
    std::fs::write(gateway.state().join("revoked.pem"), ca.crl(2)).unwrap();
    let text = config(&origin, more).replace("{dir}", &gateway.state().display().to_string());
    gateway.reloader.reload(&toml::from_str(&text).unwrap()).unwrap();
    assert!(ended.await.unwrap() < AT_ONCE);
    assert!(connect(2).await.is_none());
    assert!(connect(1).await.is_some(), "the new list counts alone");
}
