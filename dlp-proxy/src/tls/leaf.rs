//! Certificates for clients: one host each, short-lived, made on first use and cached.
//!
//! One host per leaf means that a browser never takes a connection to one host for a connection to another. The leaf
//! key is not the CA key and lives as long as the process.

use super::ca::{Ca, CaError, at, random_serial};
use super::{ALPN_HTTP1, provider};
use crate::names::Host;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Life of a leaf. Seven days is short enough to need no revocation.
const VALIDITY: Duration = Duration::from_secs(7 * 24 * 3600 - BACKDATED.as_secs());
/// How far the start lies in the past, for clients whose clock is late.
const BACKDATED: Duration = Duration::from_secs(3600);
/// Leaves kept.
const CACHE_ENTRIES_MAX: u64 = 10_000;
/// Age at which a leaf is made anew, far from the end of its life.
const CACHE_AGE_MAX: Duration = Duration::from_secs(24 * 3600);
/// Longest common name (X.520 ub-common-name).
const COMMON_NAME_LEN_MAX: usize = 64;

/// Makes and keeps leaves.
pub(crate) struct LeafMint {
    ca: Arc<Ca>,
    key: KeyPair,
    signing_key: Arc<dyn rustls::sign::SigningKey>,
    cache: moka::sync::Cache<Host, Arc<ServerConfig>>,
}

impl LeafMint {
    /// A mint with a fresh leaf key.
    pub(crate) fn new(ca: Arc<Ca>) -> Result<Self, CaError> {
        let crypto = |error: String| CaError::Crypto(error);
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(|e| crypto(e.to_string()))?;
        let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let signing_key = provider().key_provider.load_private_key(der).map_err(|e| crypto(e.to_string()))?;
        let cache = moka::sync::Cache::builder().max_capacity(CACHE_ENTRIES_MAX).time_to_live(CACHE_AGE_MAX).build();
        Ok(Self { ca, key, signing_key, cache })
    }

    /// The TLS configuration that shows a leaf for this host. Simultaneous first visits make one leaf.
    pub(crate) fn server_config(&self, host: &Host) -> Result<Arc<ServerConfig>, Arc<CaError>> {
        self.cache.try_get_with_by_ref(host, || self.build(host))
    }

    fn build(&self, host: &Host) -> Result<Arc<ServerConfig>, CaError> {
        let mut chain = vec![self.mint(host, SystemTime::now())?];
        chain.extend_from_slice(self.ca.chain());
        let certified = CertifiedKey::new(chain, self.signing_key.clone());
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| CaError::Crypto(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols = vec![ALPN_HTTP1.to_vec()];
        // No resumption: a session must not outlive the policy and the identity under which it began.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }

    fn mint(&self, host: &Host, now: SystemTime) -> Result<CertificateDer<'static>, CaError> {
        let crypto = |error: rcgen::Error| CaError::Crypto(error.to_string());
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        let bare = host.bare();
        if bare.len() <= COMMON_NAME_LEN_MAX {
            params.distinguished_name.push(DnType::CommonName, bare.as_str());
        }
        params.subject_alt_names = vec![match host {
            Host::Name(name) => SanType::DnsName(name.as_str().try_into().map_err(crypto)?),
            Host::Address(ip) => SanType::IpAddress(*ip),
        }];
        params.serial_number = Some(random_serial()?);
        params.not_before = at(now - BACKDATED);
        params.not_after = at((now + VALIDITY).min(self.ca.not_after()));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&self.key, self.ca.issuer()).map_err(crypto)?;
        Ok(certificate.der().clone())
    }
}

impl std::fmt::Debug for LeafMint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LeafMint").field("cached", &self.cache.entry_count()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use x509_parser::prelude::GeneralName;

    fn mint() -> (tempfile::TempDir, LeafMint) {
        let dir = tempfile::tempdir().unwrap();
        let ca = Ca::load_or_create(&dir.path().join("ca.pem"), &dir.path().join("ca.key")).unwrap();
        (dir, LeafMint::new(Arc::new(ca)).unwrap())
    }

    #[test]
    fn a_leaf_names_one_host_and_is_short_lived() {
        let (_dir, mint) = mint();
        for text in ["a.example", "192.0.2.1", "[2001:db8::1]", &format!("{}.example", "x".repeat(60))] {
            let host = Host::parse(text).unwrap();
            let der = mint.mint(&host, SystemTime::now()).unwrap();
            let (_, leaf) = x509_parser::parse_x509_certificate(&der).unwrap();
            let names = &leaf.subject_alternative_name().unwrap().unwrap().value.general_names;
            match (&host, names.as_slice()) {
                (Host::Name(name), [GeneralName::DNSName(got)]) => assert_eq!(got, name),
                (Host::Address(_), [GeneralName::IPAddress(_)]) => {}
                other => panic!("{other:?}"),
            }
            let validity = leaf.validity();
            let life = validity.not_after.timestamp() - validity.not_before.timestamp();
            assert!(life <= 7 * 24 * 3600, "{life}");
            assert!(validity.is_valid() && !leaf.is_ca());
            assert!(leaf.extended_key_usage().unwrap().unwrap().value.server_auth);
            assert_ne!(leaf.public_key().raw, {
                let (_, ca) = x509_parser::parse_x509_certificate(&mint.ca.chain()[0]).unwrap();
                ca.public_key().raw.to_vec()
            });
        }
    }

    #[test]
    fn serials_never_repeat() {
        let (_dir, mint) = mint();
        let serials: HashSet<_> = (0..200)
            .map(|_| {
                let der = mint.mint(&Host::parse("a.example").unwrap(), SystemTime::now()).unwrap();
                x509_parser::parse_x509_certificate(&der).unwrap().1.raw_serial().to_vec()
            })
            .collect();
        assert_eq!(serials.len(), 200);
    }

    #[test]
    fn simultaneous_visits_share_one_leaf() {
        let (_dir, mint) = mint();
        let host = Host::parse("a.example").unwrap();
        let configs: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(|| mint.server_config(&host).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(configs.iter().all(|config| Arc::ptr_eq(config, &configs[0])));
    }
}
