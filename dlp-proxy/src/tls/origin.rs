//! TLS towards origins: which roots are trusted, and what a failure is called.
//!
//! Nothing here can switch verification off. The gateway's own CA is never a root, even where it stands in the system
//! store because users trust it, and a root that is past its end is dropped, because the verifier knows no dates of
//! roots.

use super::{Protocol, provider};
use crate::config::UpstreamConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::path::PathBuf;
use std::sync::Arc;

/// Why origins could not be verified at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootsError {
    /// A file of `upstream.extra_roots` is unusable.
    #[error("upstream.extra_roots: cannot use {}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Expected and got.
        message: String,
    },
    /// Nothing would be trusted.
    #[error("no root certificate is available; install the system's CA certificates or set upstream.extra_roots")]
    Empty,
    /// The TLS library refused the settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// The client side of TLS for all origins, by the versions of HTTP that are offered to them.
#[derive(Clone, Debug)]
pub(crate) struct OriginTls {
    /// HTTP/1.1 alone.
    pub(crate) http1: Arc<ClientConfig>,
    /// Both versions, HTTP/2 first.
    pub(crate) both: Arc<ClientConfig>,
    /// HTTP/2 alone.
    pub(crate) http2: Arc<ClientConfig>,
}

/// Sets the client side up. `own` certificates are never trusted.
pub(crate) fn client_config(
    settings: &UpstreamConfig,
    own: &[CertificateDer<'static>],
) -> Result<OriginTls, RootsError> {
    let mut roots = RootCertStore::empty();
    let mut add = |der: CertificateDer<'static>| is_usable_root(&der, own) && roots.add(der).is_ok();
    for path in &settings.extra_roots {
        let file_error = |message: String| RootsError::File { path: path.clone(), message };
        let certificates = CertificateDer::pem_file_iter(path).map_err(|e| file_error(e.to_string()))?;
        let mut count = 0;
        for certificate in certificates {
            count += usize::from(add(certificate.map_err(|e| file_error(e.to_string()))?));
        }
        if count == 0 {
            return Err(file_error("expected at least one valid CA certificate in PEM".into()));
        }
    }
    if settings.use_system_roots {
        let native = rustls_native_certs::load_native_certs();
        for error in &native.errors {
            tracing::warn!(%error, "a system root certificate could not be loaded");
        }
        for certificate in native.certs {
            add(certificate);
        }
    }
    if roots.is_empty() {
        return Err(RootsError::Empty);
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let offering = |protocols: &[Protocol]| {
        let mut config = config.clone();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.alpn().to_vec()).collect();
        Arc::new(config)
    };
    use Protocol::{Http1, Http2};
    Ok(OriginTls { http1: offering(&[Http1]), both: offering(&[Http2, Http1]), http2: offering(&[Http2]) })
}

/// Neither our own CA nor past its end.
fn is_usable_root(der: &CertificateDer<'_>, own: &[CertificateDer<'_>]) -> bool {
    let Ok((_, certificate)) = x509_parser::parse_x509_certificate(der) else { return false };
    !own.iter().any(|mine| mine.as_ref() == der.as_ref()) && certificate.validity().is_valid()
}

/// A certificate problem as the client is told: a code and a sentence.
pub(crate) fn describe_certificate(error: &CertificateError) -> (&'static str, &'static str) {
    use CertificateError as E;
    match error {
        E::Expired | E::ExpiredContext { .. } => ("cert_expired", "The certificate of the server has expired."),
        E::NotValidYet | E::NotValidYetContext { .. } => {
            ("cert_not_yet_valid", "The certificate of the server is not valid yet.")
        }
        E::UnknownIssuer => {
            ("cert_unknown_issuer", "The certificate of the server was issued by an authority that is not trusted.")
        }
        E::NotValidForName | E::NotValidForNameContext { .. } => {
            ("cert_wrong_name", "The certificate of the server belongs to another host name.")
        }
        E::Revoked => ("cert_revoked", "The certificate of the server has been revoked."),
        E::BadSignature => ("cert_bad_signature", "The signature of the server's certificate is wrong."),
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => {
            ("cert_wrong_purpose", "The certificate of the server is not made for servers.")
        }
        E::BadEncoding => ("cert_bad_encoding", "The certificate of the server is malformed."),
        E::UnhandledCriticalExtension => {
            ("cert_critical_extension", "The certificate of the server has a critical extension that is not known.")
        }
        E::UnknownRevocationStatus | E::ExpiredRevocationList | E::ExpiredRevocationListContext { .. } => {
            ("cert_revocation_unknown", "It is not known whether the certificate of the server has been revoked.")
        }
        other if is_of_authority(other) => (
            "cert_of_authority",
            "The server shows the certificate of an authority as its own; it needs one that the authority has signed.",
        ),
        _ => ("cert_invalid", "The certificate of the server is not valid. The log of the gateway names the cause."),
    }
}

/// Whether an authority was shown where a server should be, as self-signed certificates often do.
fn is_of_authority(error: &CertificateError) -> bool {
    let CertificateError::Other(other) = error else { return false };
    other.0.downcast_ref::<webpki::Error>() == Some(&webpki::Error::CaUsedAsEndEntity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};

    fn root(change: impl FnOnce(&mut CertificateParams)) -> rcgen::Certificate {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut params);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap()
    }

    fn check(pem: &str, own: &[CertificateDer<'static>], is_accepted: bool) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), pem).unwrap();
        let settings = UpstreamConfig {
            extra_roots: vec![file.path().into()],
            use_system_roots: false,
            ..UpstreamConfig::default()
        };
        assert_eq!(client_config(&settings, own).is_ok(), is_accepted, "{pem}");
    }

    #[test]
    fn unusable_roots_are_refused() {
        let valid = root(|_| {});
        check(&valid.pem(), &[], true);
        check(&valid.pem(), &[valid.der().clone()], false);
        check(&root(|params| params.not_after = date_time_ymd(2020, 1, 1)).pem(), &[], false);
        check("no certificate", &[], false);
    }
}
