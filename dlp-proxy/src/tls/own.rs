//! TLS of the gateway's own listeners: the certificate under which clients know the proxy itself.

use super::{Protocol, provider};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
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

/// Reads the certificate chain and its key. Both versions of HTTP are offered.
pub(crate) fn server_config(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, OwnTlsError> {
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
        .with_no_client_auth()
        .with_single_cert(chain, own_key)?;
    config.alpn_protocols = [Protocol::Http2, Protocol::Http1].map(|protocol| protocol.alpn().to_vec()).to_vec();
    Ok(Arc::new(config))
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
            let got = server_config(cert, key).err().map(|error| error.to_string());
            assert_eq!(got.is_some(), expected.is_some(), "{got:?}");
            assert!(got.unwrap_or_default().starts_with(expected.unwrap_or("")), "{cert:?} {key:?}");
        }
    }
}
