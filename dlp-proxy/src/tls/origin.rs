//! TLS towards origins: which roots are trusted, and what a failure is called.
//!
//! Nothing here can switch verification off. The gateway's own CA is never a root, even where it stands in the system
//! store because users trust it, and a root that is past its end is dropped, because the verifier knows no dates of
//! roots.

use super::{Protocol, crl, provider};
use crate::config::{HostPattern, OwnCertificate, UpstreamConfig};
use crate::names::Host;
use crate::secret_file::{self, SecretError};
use rustls::client::{ResolvesClientCert, Resumption, WebPkiServerVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, ClientConfig, RootCertStore, SignatureScheme};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    /// A revocation list is unusable.
    #[error("upstream.crls: cannot use {}: {message}", path.display())]
    Crl {
        /// The file.
        path: PathBuf,
        /// Expected and got.
        message: String,
    },
    /// A certificate that is to be shown to origins is unusable.
    #[error("upstream.client_certificates: cannot use {}: {message}", path.display())]
    Own {
        /// The file.
        path: PathBuf,
        /// Expected and got.
        message: String,
    },
    /// The private key of one cannot be used.
    #[error(transparent)]
    Key(#[from] SecretError),
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

/// The client side of TLS for each origin.
#[derive(Clone, Debug)]
pub(crate) struct OriginConfigs {
    /// For most: no certificate is shown.
    plain: OriginTls,
    /// For those that are shown one.
    showing: Vec<(Vec<HostPattern>, OriginTls)>,
}

impl OriginConfigs {
    /// How TLS is spoken with this origin.
    pub(crate) fn of(&self, host: &Host) -> &OriginTls {
        self.showing_to(host).unwrap_or(&self.plain)
    }

    /// Whether there is a certificate for this origin.
    pub(crate) fn has_one_for(&self, host: &Host) -> bool {
        self.showing_to(host).is_some()
    }

    fn showing_to(&self, host: &Host) -> Option<&OriginTls> {
        let covers = |(hosts, _): &&(Vec<HostPattern>, OriginTls)| hosts.iter().any(|pattern| pattern.covers(host));
        self.showing.iter().find(covers).map(|(_, tls)| tls)
    }
}

/// Sets the client side up. `own` certificates are never trusted.
pub(crate) fn client_configs(
    settings: &UpstreamConfig,
    own: &[CertificateDer<'static>],
) -> Result<OriginConfigs, RootsError> {
    let verifier = verifier(settings, own)?;
    let builder = || {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
        Ok::<_, RootsError>(builder.with_webpki_verifier(verifier.clone()))
    };
    let show = |shown: &OwnCertificate| {
        let error = |path: &Path, message: String| RootsError::Own { path: path.to_owned(), message };
        let chain = CertificateDer::pem_file_iter(&shown.cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let chain = chain.map_err(|e| error(&shown.cert, e.to_string()))?;
        let key = secret_file::read("upstream.client_certificates", &shown.key, 1)?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|e| error(&shown.key, e.to_string()))?;
        let config = builder()?.with_client_auth_cert(chain, key).map_err(|e| error(&shown.cert, e.to_string()))?;
        Ok::<_, RootsError>((shown.hosts.clone(), offers(&config)))
    };
    let showing = settings.client_certificates.iter().map(show).collect::<Result<_, _>>()?;
    Ok(OriginConfigs { plain: offers(&builder()?.with_no_client_auth()), showing })
}

/// The same settings by what is offered.
fn offers(config: &ClientConfig) -> OriginTls {
    let offering = |protocols: &[Protocol]| {
        let mut config = config.clone();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.alpn().to_vec()).collect();
        Arc::new(config)
    };
    use Protocol::{Http1, Http2};
    OriginTls { http1: offering(&[Http1]), both: offering(&[Http2, Http1]), http2: offering(&[Http2]) }
}

/// Notes that an origin has asked for a certificate, and shows none.
#[derive(Debug, Default)]
pub(crate) struct Asked(AtomicBool);

impl Asked {
    /// The same settings for one handshake that is only made to find out, and where the answer will stand.
    pub(crate) fn noted_by(config: &ClientConfig) -> (Arc<ClientConfig>, Arc<Self>) {
        let asked = Arc::new(Self::default());
        let mut config = config.clone();
        config.client_auth_cert_resolver = asked.clone();
        // A session that is gone on with asks for nothing.
        config.resumption = Resumption::disabled();
        (Arc::new(config), asked)
    }

    /// Whether it has.
    pub(crate) fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Who vouches for origins, and what was taken back.
fn verifier(
    settings: &UpstreamConfig,
    own: &[CertificateDer<'static>],
) -> Result<Arc<WebPkiServerVerifier>, RootsError> {
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
    let mut crls = Vec::new();
    for path in &settings.crls {
        crls.extend(crl::read(path).map_err(|message| RootsError::Crl { path: path.clone(), message })?);
    }
    // The lists are of some authorities; most have none here. A list that has run out does not know who was revoked since.
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .with_crls(crls)
        .enforce_revocation_expiration()
        .allow_unknown_revocation_status();
    let path = || settings.crls.first().cloned().unwrap_or_default();
    verifier.build().map_err(|error| RootsError::Crl { path: path(), message: error.to_string() })
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
        other if is_caused_by(other, &webpki::Error::UnsupportedCriticalExtension) => {
            ("cert_critical_extension", "The certificate of the server has a critical extension that is not known.")
        }
        E::ExpiredRevocationList | E::ExpiredRevocationListContext { .. } => (
            "revocation_list_expired",
            "The gateway's revocation list for this server's authority has run out, so it cannot tell whether the \
             certificate is still good.",
        ),
        // An authority where a server should be, as self-signed certificates often are.
        other if is_caused_by(other, &webpki::Error::CaUsedAsEndEntity) => (
            "cert_of_authority",
            "The server shows the certificate of an authority as its own; it needs one that the authority has signed.",
        ),
        _ => ("cert_invalid", "The certificate of the server is not valid. The log of the gateway names the cause."),
    }
}

/// Whether the cause is one for which the TLS library has no name of its own.
fn is_caused_by(error: &CertificateError, cause: &webpki::Error) -> bool {
    let CertificateError::Other(other) = error else { return false };
    other.0.downcast_ref::<webpki::Error>() == Some(cause)
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
        assert_eq!(client_configs(&settings, own).is_ok(), is_accepted, "{pem}");
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
