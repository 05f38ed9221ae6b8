//! A gateway, an origin that records what it receives, and a client that speaks raw bytes, all on loopback.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use dlp_proxy::config::Config;
use dlp_proxy::{Gateway, Setup};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    RevokedCertParams, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::io::{Cursor, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Time after which a test waits no longer.
const PATIENCE: Duration = Duration::from_secs(120);

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Numbers the authorities of one test program.
fn next_number() -> usize {
    static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// A CA of the origin side.
pub struct TestCa {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

impl TestCa {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        // Two authorities of one name would differ by signature only.
        let name = format!("origin CA {}", next_number());
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A revocation list with this serial number, in PEM.
    pub fn crl(&self, serial: u64) -> String {
        crl(&self.issuer, serial)
    }

    /// The same one, which has run out.
    pub fn expired_crl(&self, serial: u64) -> String {
        crl_until(&self.issuer, serial, date_time_ymd(2025, 2, 1))
    }

    /// The CA, for whatever else is to be signed.
    pub fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.issuer
    }

    /// A server configuration with a leaf for these names.
    pub fn server(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
        let certified = rustls::sign::CertifiedKey::new(vec![leaf.der().clone()], key);
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
        Arc::new(config)
    }
}

/// A revocation list with this serial number, in PEM.
pub fn crl(issuer: &Issuer<'_, KeyPair>, serial: u64) -> String {
    crl_until(issuer, serial, date_time_ymd(2099, 1, 1))
}

fn crl_until(issuer: &Issuer<'_, KeyPair>, serial: u64, next_update: time::OffsetDateTime) -> String {
    let revoked = RevokedCertParams {
        serial_number: serial.into(),
        revocation_time: date_time_ymd(2026, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2025, 1, 1),
        next_update,
        crl_number: 1_u64.into(),
        issuing_distribution_point: None,
        revoked_certs: vec![revoked],
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    params.signed_by(issuer).unwrap().pem().unwrap()
}

/// What an origin answers to a request, by its head.
pub type Answer = fn(&str) -> String;

fn ok(_head: &str) -> String {
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAlt-Svc: h3=\":443\"\r\nX-Origin: yes\r\n\r\nok".to_owned()
}

/// An origin that keeps every byte, and answers every request with `200 ok` if it is not told to answer otherwise.
pub struct Origin {
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Origin {
    pub async fn tls(config: Arc<ServerConfig>) -> Self {
        Self::answering(config, ok).await
    }

    pub async fn answering(config: Arc<ServerConfig>, answer: Answer) -> Self {
        Self::start(Some(TlsAcceptor::from(config)), answer).await
    }

    pub async fn plain() -> Self {
        Self::start(None, ok).await
    }

    async fn start(acceptor: Option<TlsAcceptor>, answer: Answer) -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").await.unwrap(), acceptor, answer)
    }

    /// One that begins when everybody knows its address already.
    pub async fn plain_at(address: SocketAddr) -> Self {
        Self::start_on(TcpListener::bind(address).await.unwrap(), None, ok)
    }

    fn start_on(listener: TcpListener, acceptor: Option<TlsAcceptor>, answer: Answer) -> Self {
        let address = listener.local_addr().unwrap();
        let received: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let log = received.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, log) = (acceptor.clone(), log.clone());
                let index = {
                    let mut log = log.lock().unwrap();
                    log.push(Vec::new());
                    log.len() - 1
                };
                tokio::spawn(async move {
                    match acceptor {
                        Some(acceptor) => {
                            if let Ok(tls) = acceptor.accept(stream).await {
                                answer_all(tls, (&log, index), answer).await;
                            }
                        }
                        None => answer_all(stream, (&log, index), answer).await,
                    }
                });
            }
        });
        Self { address, received }
    }

    /// Everything received, connection by connection, without TLS.
    pub fn received(&self) -> Vec<Vec<u8>> {
        self.received.lock().unwrap().clone()
    }

    /// All bytes of all connections.
    pub fn all(&self) -> Vec<u8> {
        self.received().concat()
    }

    /// The body of the only request.
    pub fn only_body(&self) -> Vec<u8> {
        let all = self.all();
        let end = find(&all, b"\r\n\r\n").expect("a complete head") + 4;
        let head = String::from_utf8_lossy(&all[..end]).to_ascii_lowercase();
        if head.contains("transfer-encoding: chunked") { dechunk(&all[end..]) } else { all[end..].to_vec() }
    }
}

type Log<'a> = (&'a Mutex<Vec<Vec<u8>>>, usize);

async fn answer_all<T: AsyncRead + AsyncWrite + Unpin>(mut io: T, (log, index): Log<'_>, answer: Answer) {
    let mut buffer = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        while let Some(length) = complete_request(&buffer) {
            let request: Vec<u8> = buffer.drain(..length).collect();
            let head = &request[..find(&request, b"\r\n\r\n").unwrap()];
            if io.write_all(answer(&String::from_utf8_lossy(head)).as_bytes()).await.is_err()
                || io.flush().await.is_err()
            {
                return;
            }
        }
        match io.read(&mut piece).await {
            Ok(count) if count > 0 => {
                buffer.extend_from_slice(&piece[..count]);
                log.lock().unwrap()[index].extend_from_slice(&piece[..count]);
            }
            _ => return,
        }
    }
}

/// Length of the first request, if it is complete.
fn complete_request(bytes: &[u8]) -> Option<usize> {
    let end = find(bytes, b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    if head.contains("transfer-encoding: chunked") {
        return Some(end + find(&bytes[end..], b"0\r\n\r\n")? + 5);
    }
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length:")).map_or(0, |v| v.trim().parse().unwrap());
    (bytes.len() >= end + length).then_some(end + length)
}

fn dechunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let end = find(bytes, b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return out;
        }
        out.extend_from_slice(&bytes[end + 2..end + 2 + size]);
        bytes = &bytes[end + 2 + size + 2..];
    }
}

pub fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// A running gateway. It stops when dropped.
pub struct Running {
    pub proxy: SocketAddr,
    pub proxy_tls: Option<SocketAddr>,
    pub icap: Option<SocketAddr>,
    pub admin: SocketAddr,
    pub dir: tempfile::TempDir,
    pub reloader: dlp_proxy::Reloader,
    ca: PathBuf,
    stop: oneshot::Sender<()>,
    serving: tokio::task::JoinHandle<()>,
}

impl Running {
    /// Starts with a configuration; `{dir}` stands for the state directory. The origin's CA is trusted.
    pub async fn start(origin_ca: &TestCa, config: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), origin_ca, config).await
    }

    /// The same in a directory that holds files already.
    pub async fn start_in(dir: tempfile::TempDir, origin_ca: &TestCa, config: &str) -> Self {
        let root = dir.path().join("origin-ca.pem");
        std::fs::write(&root, &origin_ca.pem).unwrap();
        let base = "listen.proxy = [\"127.0.0.1:0\"]\nlisten.admin = \"127.0.0.1:0\"\n";
        let text = format!(
            "{base}upstream.use_system_roots = false\nupstream.extra_roots = [\"{}\"]\n{}",
            root.display(),
            config.replace("{dir}", &dir.path().display().to_string())
        );
        let config: Config = toml::from_str(&text).unwrap();
        let setup =
            Setup { config, state_dir: dir.path().join("state"), risky: None, sockets: dlp_proxy::Sockets::default() };
        let gateway = Gateway::bind(setup).await.unwrap();
        let (proxy, admin, ca) = (gateway.proxy_addresses()[0], gateway.admin_address(), gateway.ca_path().to_owned());
        let reloader = gateway.reloader();
        let icap = gateway.icap_addresses().first().copied();
        let proxy_tls = gateway.proxy_tls_addresses().first().copied();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(gateway.serve(async {
            let _ = stopped.await;
        }));
        Self { proxy, proxy_tls, icap, admin, reloader, dir, ca, stop, serving }
    }

    /// Stops it, and gives its directory back.
    pub async fn stopped(self) -> tempfile::TempDir {
        drop(self.stop);
        tokio::time::timeout(PATIENCE, self.serving).await.expect("the gateway ended").unwrap();
        self.dir
    }

    /// Sends raw bytes to the proxy port and reads until the end.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        exchange(TcpStream::connect(self.proxy).await.unwrap(), bytes).await
    }

    /// Sends a request to the admin port.
    pub async fn admin(&self, request: &str) -> String {
        exchange(TcpStream::connect(self.admin).await.unwrap(), request.as_bytes()).await
    }

    /// Opens a tunnel; `Err` is the answer of the proxy.
    pub async fn tunnel(&self, authority: &str) -> Result<TcpStream, String> {
        let mut stream = TcpStream::connect(self.proxy).await.unwrap();
        let connect = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        stream.write_all(connect.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while find(&head, b"\r\n\r\n").is_none() {
            let mut byte = [0];
            if stream.read(&mut byte).await.unwrap() == 0 {
                break;
            }
            head.push(byte[0]);
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        if text.starts_with("HTTP/1.1 200") { Ok(stream) } else { Err(text) }
    }

    /// Opens a tunnel and speaks TLS with the gateway, whose CA is the only one that is trusted.
    pub async fn tls(&self, authority: &str, server_name: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = self.tunnel(authority).await.expect("an open tunnel");
        self.tls_over(stream, server_name, &[]).await
    }

    /// Opens a tunnel in which these protocols are offered.
    pub async fn tls_offering(&self, authority: &str, alpn: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = self.tunnel(authority).await.expect("an open tunnel");
        self.tls_over(stream, authority.split(':').next().unwrap(), alpn).await
    }

    /// Speaks TLS with the gateway over an open tunnel.
    pub async fn tls_over<T: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: T,
        server_name: &str,
        alpn: &[&str],
    ) -> std::io::Result<TlsStream<T>> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(&self.ca).unwrap() {
            roots.add(certificate.unwrap()).unwrap();
        }
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from(server_name.to_owned()).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// Sends raw bytes through an intercepted tunnel and reads until the end.
    pub async fn https(&self, authority: &str, bytes: &[u8]) -> String {
        let host = authority.split(':').next().unwrap();
        exchange(self.tls(authority, host).await.unwrap(), bytes).await
    }

    /// The certificate that clients have to trust.
    pub fn ca(&self) -> &Path {
        &self.ca
    }

    /// Lines of the incident log.
    pub fn incidents(&self) -> Vec<serde_json::Value> {
        let path = self.dir.path().join("state/incidents.jsonl");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn state(&self) -> &Path {
        self.dir.path()
    }
}

/// Writes, then reads until the peer closes. A connection that is kept open is an error of the test.
pub async fn exchange<T: AsyncRead + AsyncWrite + Unpin>(io: T, bytes: &[u8]) -> String {
    let (mut read, mut write) = tokio::io::split(io);
    let mut out = Vec::new();
    let sending = async {
        // The gateway may answer and stop reading before everything was sent.
        let _ = write.write_all(bytes).await;
        let _ = write.flush().await;
    };
    let reading = async {
        let mut piece = vec![0; 16 * 1024];
        while let Ok(count) = read.read(&mut piece).await {
            if count == 0 {
                break;
            }
            out.extend_from_slice(&piece[..count]);
        }
    };
    tokio::time::timeout(PATIENCE, async { tokio::join!(sending, reading) }).await.expect("the connection ended");
    String::from_utf8_lossy(&out).into_owned()
}

/// Status code of an answer.
pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

/// Bytes that do not compress, so that a cut lies where it should.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(step).collect()
}

/// An archive with one text, the end of which lies in its second half.
pub fn archive(text: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("letter.txt", zip::write::SimpleFileOptions::default()).unwrap();
    let words = noise(60_000)
        .into_iter()
        .map(|byte| format!("{} ", char::from(b'a' + byte % 26)).repeat(1 + usize::from(byte % 3)));
    zip.write_all(words.collect::<String>().as_bytes()).unwrap();
    zip.write_all(text.as_bytes()).unwrap();
    zip.finish().unwrap().into_inner()
}
