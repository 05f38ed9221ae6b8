//! A fake cloud: an HTTPS origin on loopback that answers for any host and records every byte that reaches it.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
}

/// The running origin. It answers until the process ends; every connection has a thread of its own.
pub(crate) struct Cloud {
    pub(crate) address: SocketAddr,
    /// Certificate of the authority that signs the origin's leaves.
    pub(crate) authority_pem: String,
    received: Arc<Mutex<Vec<Received>>>,
}

/// Mints a leaf for the name that the client asks for.
#[derive(Debug)]
struct AnyHost {
    issuer: Issuer<'static, KeyPair>,
}

impl ResolvesServerCert for AnyHost {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let key = KeyPair::generate().ok()?;
        let params = CertificateParams::new(vec![hello.server_name()?.to_owned()]).ok()?;
        let leaf: CertificateDer<'static> = params.signed_by(&key, &self.issuer).ok()?.der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).ok()?;
        let key = rustls::crypto::ring::sign::any_supported_type(&key).ok()?;
        Some(Arc::new(CertifiedKey::new(vec![leaf], key)))
    }
}

impl Cloud {
    /// Starts an origin on a free port.
    pub(crate) fn start() -> Self {
        let key = KeyPair::generate().expect("key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(
            rcgen::DnType::CommonName,
            format!("Test authority {}", key.serialized_der().iter().map(|b| u64::from(*b)).sum::<u64>()),
        );
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_pem = params.self_signed(&key).expect("certificate").pem();
        let resolver = AnyHost { issuer: Issuer::new(params, key) };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(resolver));
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").expect("free port");
        let cloud = Self { address: listener.local_addr().expect("address"), authority_pem, received: Arc::default() };
        let received = Arc::clone(&cloud.received);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, received) = (Arc::clone(&config), Arc::clone(&received));
                thread::spawn(move || serve(stream, config, &received));
            }
        });
        cloud
    }

    /// Everything that has arrived since the last call.
    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.received.lock().expect("no panic in the origin"))
    }
}

/// Serves one connection until the client closes it. A broken connection simply ends.
fn serve(stream: TcpStream, config: Arc<ServerConfig>, received: &Mutex<Vec<Received>>) {
    let Ok(connection) = ServerConnection::new(config) else { return };
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    while let Some(request) = read_request(&mut reader, received) {
        let answer = answer(&request);
        if reader.get_mut().write_all(answer.as_bytes()).and_then(|()| reader.get_mut().flush()).is_err() {
            return;
        }
    }
}

/// Reads a request and records it as soon as its head is complete, so that a cut body is seen as well.
fn read_request(reader: &mut impl BufRead, received: &Mutex<Vec<Received>>) -> Option<Received> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|n| *n > 0)?;
    let mut words = first.split_whitespace();
    let path = words.nth(1)?.to_owned();
    let (mut length, mut is_chunked) = (0usize, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "transfer-encoding" => is_chunked = value.contains("chunked"),
            _ => {}
        }
    }
    let index = {
        let mut all = received.lock().expect("no panic in the origin");
        all.push(Received { path, body: Vec::new() });
        all.len() - 1
    };
    let mut body = Vec::new();
    let whole = if is_chunked { read_chunks(reader, &mut body) } else { read_exactly(reader, length, &mut body) };
    let mut all = received.lock().expect("no panic in the origin");
    let request = all.get_mut(index)?;
    request.body = body;
    whole.then(|| request.clone())
}

fn read_exactly(reader: &mut impl BufRead, length: usize, body: &mut Vec<u8>) -> bool {
    reader.take(length as u64).read_to_end(body).is_ok_and(|n| n == length)
}

fn read_chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> bool {
    loop {
        let mut size = String::new();
        if reader.read_line(&mut size).is_err() {
            return false;
        }
        let Ok(length) = usize::from_str_radix(size.trim(), 16) else { return false };
        let mut end = String::new();
        if !read_exactly(reader, length, body) || reader.read_line(&mut end).is_err() {
            return false;
        }
        if length == 0 {
            return true;
        }
    }
}

/// Answers as the service whose client asks would, as far as the client checks it.
fn answer(request: &Received) -> String {
    let json = match request.path.as_str() {
        "/2/files/upload" => {
            r#"{"name":"f","id":"id:a4ayc_80_OEAAAAAAAAAXw","client_modified":"2026-01-01T00:00:00Z","server_modified":"2026-01-01T00:00:00Z","rev":"a1c10ce0dd78","size":1,"path_lower":"/f","path_display":"/f","is_downloadable":true}"#
        }
        _ => "",
    };
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: \"none\"\r\nContent-Length: {}\r\n\r\n{json}",
        json.len()
    )
}
