//! TLS of the gateway's own listeners: the certificate under which clients know the proxy itself.

use super::crl::{self, Revoked};
use super::{Protocol, provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

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
/// certificate that it vouches for and no list revokes; whether they have to is a question of identity.
pub(crate) fn server_config(
    (cert, key): (&Path, &Path),
    client_ca: Option<&Path>,
    client_crls: &[PathBuf],
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
        .with_client_cert_verifier(client_verifier(client_ca, client_crls)?)
        .with_single_cert(chain, own_key)?;
    config.alpn_protocols = [Protocol::Http2, Protocol::Http1].map(|protocol| protocol.alpn().to_vec()).to_vec();
    Ok(Arc::new(config))
}

/// When the first certificate of a PEM file ends, as far as that can be read.
pub(crate) fn not_after(path: &Path) -> Option<SystemTime> {
    let der = CertificateDer::pem_file_iter(path).ok()?.next()?.ok()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).ok()?;
    let seconds = u64::try_from(certificate.validity().not_after.timestamp()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

fn client_verifier(ca: Option<&Path>, crls: &[PathBuf]) -> Result<Arc<dyn ClientCertVerifier>, OwnTlsError> {
    let Some(path) = ca else { return Ok(WebPkiClientVerifier::no_client_auth()) };
    let error = |message: String| OwnTlsError::File { key: "tls.client_ca", path: path.to_owned(), message };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| error(e.to_string()))? {
        let certificate = certificate.map_err(|e| error(e.to_string()))?;
        roots.add(certificate).map_err(|e| error(e.to_string()))?;
    }
    if roots.is_empty() {
        return Err(error("expected at least one CA certificate in PEM".into()));
    }
    // A list that has run out does not know who was revoked since.
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .with_crls(revocation_lists(crls)?)
        .only_check_end_entity_revocation()
        .enforce_revocation_expiration()
        .allow_unauthenticated();
    let unusable = |message: String| OwnTlsError::File {
        key: "tls.client_crls",
        path: crls.first().cloned().unwrap_or_default(),
        message,
    };
    verifier.build().map_err(|e| unusable(e.to_string()))
}

fn revocation_lists(paths: &[PathBuf]) -> Result<Vec<CertificateRevocationListDer<'static>>, OwnTlsError> {
    let read = |path: &PathBuf| {
        let file_error = |message: String| OwnTlsError::File { key: "tls.client_crls", path: path.clone(), message };
        crl::read(path).map_err(file_error)
    };
    Ok(paths.iter().map(read).collect::<Result<Vec<_>, _>>()?.concat())
}

/// Which client certificates the lists revoke, for connections that are open already.
pub(crate) fn revoked_clients(paths: &[PathBuf]) -> Result<Revoked, OwnTlsError> {
    Ok(Revoked::by(&revocation_lists(paths)?))
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
            let got = server_config((cert.as_path(), key.as_path()), None, &[]).err().map(|error| error.to_string());
            assert_eq!(got.is_some(), expected.is_some(), "{got:?}");
            assert!(got.unwrap_or_default().starts_with(expected.unwrap_or("")), "{cert:?} {key:?}");
        }
        assert!(server_config((&cert, &key), Some(&cert), &[]).is_ok());
        let error = server_config((&cert, &key), Some(&empty), &[]).unwrap_err().to_string();
        assert!(error.starts_with("tls.client_ca"), "{error}");
    }
}
