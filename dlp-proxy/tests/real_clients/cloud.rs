//! A fake cloud: an HTTPS origin on loopback that answers for any host, in either version of HTTP, and records every byte
//! that reaches it.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) version: Version,
    pub(crate) body: Vec<u8>,
}

type Log = Arc<Mutex<Vec<Received>>>;
/// Numbers of uploads of several requests: no two have the same.
type Sessions = Arc<AtomicUsize>;

/// The running origin. It answers until it is dropped.
pub(crate) struct Cloud {
    pub(crate) address: SocketAddr,
    /// Certificate of the authority that signs the origin's leaves.
    pub(crate) authority_pem: String,
    received: Log,
    _runtime: Runtime,
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
        let acceptor = TlsAcceptor::from(Arc::new(config(AnyHost { issuer: Issuer::new(params, key) })));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("free port");
        let (address, received) = (listener.local_addr().expect("address"), Log::default());
        let (log, sessions) = (Arc::clone(&received), Sessions::default());
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, acceptor.clone(), (Arc::clone(&log), Arc::clone(&sessions))));
            }
        });
        Self { address, authority_pem, received, _runtime: runtime }
    }

    /// Everything that has arrived since the last call.
    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.received.lock().expect("no panic in the origin"))
    }
}

fn config(resolver: AnyHost) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = [&b"h2"[..], b"http/1.1"].map(<[u8]>::to_vec).to_vec();
    config
}

/// Serves one connection until the client closes it. A broken connection simply ends.
async fn serve(stream: TcpStream, acceptor: TlsAcceptor, (log, sessions): (Log, Sessions)) {
    let Ok(tls) = acceptor.accept(stream).await else { return };
    let is_http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
    let service = service_fn(move |request| receive(request, (Arc::clone(&log), Arc::clone(&sessions))));
    let _ended = if is_http2 {
        http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(tls), service).await
    } else {
        http1::Builder::new().serve_connection(TokioIo::new(tls), service).await
    };
}

/// Records a request from its head on and piece by piece, so that a cut body is seen as well, and answers a whole one.
async fn receive(
    request: Request<Incoming>,
    (log, sessions): (Log, Sessions),
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, mut body) = request.into_parts();
    let host =
        head.uri.host().map(str::to_owned).or_else(|| head.headers.get("host")?.to_str().ok().map(str::to_owned));
    let path = head.uri.path_and_query().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let index = {
        let mut all = log.lock().expect("no panic in the origin");
        all.push(Received { version: head.version, body: Vec::new() });
        all.len() - 1
    };
    while let Some(frame) = body.frame().await {
        if let (Ok(data), Some(request)) =
            (frame?.into_data(), log.lock().expect("no panic in the origin").get_mut(index))
        {
            request.body.extend_from_slice(&data);
        }
    }
    let session = sessions.fetch_add(1, Ordering::Relaxed);
    Ok(answer(&host.unwrap_or_default(), &path, session))
}

/// Answers as the service whose client asks would, as far as the client checks it.
fn answer(host: &str, path: &str, session: usize) -> Response<Full<Bytes>> {
    if path.ends_with("?uploads") {
        let started =
            format!("<InitiateMultipartUploadResult><UploadId>u{session}</UploadId></InitiateMultipartUploadResult>");
        return content("application/xml", started);
    }
    if path.contains("?uploadId=") {
        let done = "<CompleteMultipartUploadResult><ETag>none</ETag></CompleteMultipartUploadResult>";
        return content("application/xml", done.to_owned());
    }
    let json = match path.split('?').next().unwrap_or_default() {
        "/2/files/upload" | "/2/files/upload_session/finish" => {
            r#"{"name":"f","id":"id:a4ayc_80_OEAAAAAAAAAXw","client_modified":"2026-01-01T00:00:00Z","server_modified":"2026-01-01T00:00:00Z","rev":"a1c10ce0dd78","size":1,"path_lower":"/f","path_display":"/f","is_downloadable":true}"#
        }
        "/2/files/upload_session/start" => {
            return content("application/json", format!(r#"{{"session_id":"s{session}"}}"#));
        }
        "/2/files/upload_session/append_v2" => "null",
        "/upload/drive/v3/files" => r#"{"id":"1","name":"f"}"#,
        "/api/files.getUploadURLExternal" => {
            r#"{"ok":true,"upload_url":"https://files.slack.com/upload/v1/one","file_id":"F1"}"#
        }
        "/api/files.completeUploadExternal" => r#"{"ok":true,"files":[{"id":"F1","title":"f"}]}"#,
        _ => "",
    };
    let mut answer = content("application/json", json.to_owned());
    if path.contains("uploadType=resumable") && !path.contains("upload_id=") {
        let address = HeaderValue::try_from(format!("https://{host}{path}&upload_id={session}")).expect("a field");
        answer.headers_mut().insert("location", address);
    }
    answer
}

fn content(kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::from(text));
    answer.headers_mut().insert("content-type", HeaderValue::from_static(kind));
    answer.headers_mut().insert("etag", HeaderValue::from_static("\"none\""));
    answer
}
