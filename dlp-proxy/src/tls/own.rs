//! TLS of the gateway's own listeners: the certificate under which clients know the proxy itself.

use super::{Protocol, provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why TLS of the gateway's own listeners cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnTlsError {
    /// A file is unusable.
    #[error("{key}: cannot use {}: {message}", path.display())]
    File {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Expected and got.
        message: String,
    },
    /// Certificate and key do not belong together, or are of a kind that is not spoken.
    #[error("tls.cert and tls.key cannot be used together: {0}")]
    Tls(#[from] rustls::Error),
}

/// Reads the certificate chain and its key. Both versions of HTTP are offered. With `client_ca` clients may show a
/// certificate that it vouches for; whether they have to is a question of identity.
pub(crate) fn server_config(
    cert: &Path,
    key: &Path,
    client_ca: Option<&Path>,
) -> Result<Arc<ServerConfig>, OwnTlsError> {
    let error = |key, path: &Path| {
        let path = path.to_owned();
        move |message: String| OwnTlsError::File { key, path, message }
    };
    let chain = CertificateDer::pem_file_iter(cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|e| error("tls.cert", cert)(e.to_string()))?;
    if chain.is_empty() {
        return Err(error("tls.cert", cert)("expected at least one certificate in PEM".into()));
    }
    let own_key = PrivateKeyDer::from_pem_file(key).map_err(|e| error("tls.key", key)(e.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_client_cert_verifier(client_verifier(client_ca)?)
        .with_single_cert(chain, own_key)?;
    config.alpn_protocols = [Protocol::Http2, Protocol::Http1].map(|protocol| protocol.alpn().to_vec()).to_vec();
    Ok(Arc::new(config))
}

fn client_verifier(ca: Option<&Path>) -> Result<Arc<dyn ClientCertVerifier>, OwnTlsError> {
    let Some(path) = ca else { return Ok(WebPkiClientVerifier::no_client_auth()) };
    let error = |message: String| OwnTlsError::File { key: "tls.client_ca", path: path.to_owned(), message };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| error(e.to_string()))? {
        let certificate = certificate.map_err(|e| error(e.to_string()))?;
        roots.add(certificate).map_err(|e| error(e.to_string()))?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).allow_unauthenticated();
    verifier.build().map_err(|_| error("expected at least one CA certificate in PEM".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_needs_its_own_key() {
        let dir = tempfile::tempdir().unwrap();
        let pair = || rcgen::generate_simple_self_signed(vec!["gw.example".into()]).unwrap();
        let (one, other) = (pair(), pair());
        let file = |name: &str, text: String| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let cert = file("cert.pem", one.cert.pem());
        let key = file("key.pem", one.signing_key.serialize_pem());
        let foreign = file("other.pem", other.signing_key.serialize_pem());
        let empty = file("empty.pem", String::new());
        let rows = [
            (&cert, &key, None),
            (&cert, &foreign, Some("tls.cert and tls.key")),
            (&empty, &key, Some("tls.cert")),
            (&cert, &empty, Some("tls.key")),
            (&dir.path().join("none"), &key, Some("tls.cert")),
        ];
        for (cert, key, expected) in rows {
            let got = server_config(cert, key, None).err().map(|error| error.to_string());
            assert_eq!(got.is_some(), expected.is_some(), "{got:?}");
            assert!(got.unwrap_or_default().starts_with(expected.unwrap_or("")), "{cert:?} {key:?}");
        }
        assert!(server_config(&cert, &key, Some(&cert)).is_ok());
        let error = server_config(&cert, &key, Some(&empty)).unwrap_err().to_string();
        assert!(error.starts_with("tls.client_ca"), "{error}");
    }
}
