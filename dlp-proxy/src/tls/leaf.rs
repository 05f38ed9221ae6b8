//! Certificates for clients: one host each, short-lived, made on first use and cached.
//!
//! What a client can make the gateway do here is bounded: the cache has a size, and each address a budget of leaves for
//! hosts that are not in it.
//!
//! One host per leaf means that a browser never takes a connection to one host for a connection to another. The leaf
//! key is not the CA key and lives as long as the process.

use super::ca::{Ca, CaError, at, random_serial};
use super::{Protocol, provider};
use crate::config::LimitsConfig;
use crate::names::Host;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Life of a leaf. Seven days is short enough to need no revocation.
const VALIDITY: Duration = Duration::from_secs(7 * 24 * 3600 - BACKDATED.as_secs());
/// How far the start lies in the past, for clients whose clock is late.
const BACKDATED: Duration = Duration::from_secs(3600);
/// Leaves kept.
const CACHE_ENTRIES_MAX: u64 = 10_000;
/// Age at which a leaf is made anew, far from the end of its life.
const CACHE_AGE_MAX: Duration = Duration::from_secs(24 * 3600);
/// Time before its end at which a leaf is made anew. Clients whose clock is ahead see it end earlier.
const RENEWED_BEFORE_END: Duration = Duration::from_secs(24 * 3600);
/// Addresses whose budget is remembered. One that is forgotten starts with a full one.
const BUDGETS_MAX: u64 = 10_000;
/// Longest common name (X.520 ub-common-name).
const COMMON_NAME_LEN_MAX: usize = 64;

/// Makes and keeps leaves.
pub(crate) struct LeafMint {
    ca: Arc<Ca>,
    key: KeyPair,
    signing_key: Arc<dyn rustls::sign::SigningKey>,
    cache: moka::sync::Cache<Host, Minted>,
    budgets: Budgets,
}

/// A leaf in the form in which it is served.
#[derive(Clone)]
struct Minted {
    http1: Arc<ServerConfig>,
    http2: Arc<ServerConfig>,
    not_after: SystemTime,
}

impl LeafMint {
    /// A mint with a fresh leaf key.
    pub(crate) fn new(ca: Arc<Ca>, limits: &LimitsConfig) -> Result<Self, CaError> {
        let crypto = |error: String| CaError::Crypto(error);
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(|e| crypto(e.to_string()))?;
        let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let signing_key = provider().key_provider.load_private_key(der).map_err(|e| crypto(e.to_string()))?;
        let cache = moka::sync::Cache::builder().max_capacity(CACHE_ENTRIES_MAX).time_to_live(CACHE_AGE_MAX).build();
        Ok(Self { ca, key, signing_key, cache, budgets: Budgets::new(limits) })
    }

    /// The certificates of the CA, from the one that signs.
    pub(crate) fn ca_chain(&self) -> &[CertificateDer<'static>] {
        self.ca.chain()
    }

    /// The TLS configuration that shows a leaf for this host and takes one version of HTTP. Simultaneous first visits
    /// make one leaf.
    pub(crate) fn server_config(&self, host: &Host, protocol: Protocol) -> Result<Arc<ServerConfig>, Arc<CaError>> {
        let minted = self.minted_at(host, SystemTime::now())?;
        Ok(match protocol {
            Protocol::Http1 => minted.http1,
            Protocol::Http2 => minted.http2,
        })
    }

    /// Whether a client at this address may have a leaf for the host: there is one, or its budget allows a new one.
    pub(crate) fn admits(&self, host: &Host, client: IpAddr) -> bool {
        let is_there = self.cache.get(host).is_some_and(|minted| self.is_fresh(&minted, SystemTime::now()));
        is_there || self.budgets.take(client, Instant::now())
    }

    fn minted_at(&self, host: &Host, now: SystemTime) -> Result<Minted, Arc<CaError>> {
        // Wall time can move while the age in the cache does not: a host that slept, a clock that was set.
        if self.cache.get(host).is_some_and(|minted| !self.is_fresh(&minted, now)) {
            self.cache.invalidate(host);
        }
        self.cache.try_get_with_by_ref(host, || self.build(host, now))
    }

    /// Whether the leaf can be shown for a while. At the end of the CA's life no leaf can live longer than the CA.
    fn is_fresh(&self, minted: &Minted, now: SystemTime) -> bool {
        now + RENEWED_BEFORE_END < minted.not_after || now < minted.not_after && minted.not_after == self.ca.not_after()
    }

    fn build(&self, host: &Host, now: SystemTime) -> Result<Minted, CaError> {
        if now >= self.ca.not_after() {
            return Err(CaError::Expired);
        }
        let mut chain = vec![self.mint(host, now)?];
        chain.extend_from_slice(self.ca.chain());
        let certified = CertifiedKey::new(chain, self.signing_key.clone());
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| CaError::Crypto(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        // No resumption: a session must not outlive the policy and the identity under which it began.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        let speaking = |protocol: Protocol| {
            let mut config = config.clone();
            config.alpn_protocols = vec![protocol.alpn().to_vec()];
            Arc::new(config)
        };
        let (http1, http2) = (speaking(Protocol::Http1), speaking(Protocol::Http2));
        Ok(Minted { http1, http2, not_after: self.end_of_leaf(now) })
    }

    fn end_of_leaf(&self, now: SystemTime) -> SystemTime {
        (now + VALIDITY).min(self.ca.not_after())
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
        params.not_after = at(self.end_of_leaf(now));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&self.key, self.ca.issuer()).map_err(crypto)?;
        Ok(certificate.der().clone())
    }
}

/// How many new leaves each address may still ask for: a bucket of tokens that fills up with time.
struct Budgets {
    burst: f64,
    per_second: f64,
    by_client: moka::sync::Cache<IpAddr, Arc<Mutex<Budget>>>,
}

struct Budget {
    tokens: f64,
    counted_at: Instant,
}

impl Budgets {
    fn new(limits: &LimitsConfig) -> Self {
        let (burst, per_minute) = (limits.new_hosts_burst.get(), limits.new_hosts_per_minute.get());
        let by_client = moka::sync::Cache::builder().max_capacity(BUDGETS_MAX).build();
        Self { burst: burst.into(), per_second: f64::from(per_minute) / 60.0, by_client }
    }

    /// Takes one token, if there is one.
    fn take(&self, client: IpAddr, now: Instant) -> bool {
        let full = || Arc::new(Mutex::new(Budget { tokens: self.burst, counted_at: now }));
        let budget = self.by_client.get_with(subscriber(client), full);
        let mut budget = budget.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(budget.counted_at).as_secs_f64();
        budget.tokens = (budget.tokens + passed * self.per_second).min(self.burst);
        budget.counted_at = now;
        let has_one = budget.tokens >= 1.0;
        if has_one {
            budget.tokens -= 1.0;
        }
        has_one
    }
}

/// What stands for one client: an IPv4 address, or the /64 that IPv6 subscribers choose their addresses from.
fn subscriber(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
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
        (dir, LeafMint::new(Arc::new(ca), &LimitsConfig::default()).unwrap())
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
    fn a_leaf_is_made_anew_before_it_ends() {
        let (_dir, mint) = mint();
        let host = Host::parse("a.example").unwrap();
        let start = SystemTime::now();
        let day = Duration::from_secs(24 * 3600);
        let config_at = |now| mint.minted_at(&host, now).map(|minted| minted.http1);
        let first = config_at(start).unwrap();
        let rows = [(start + day, true), (start + 5 * day, true), (start + 6 * day, false), (start + 60 * day, false)];
        for (now, is_first) in rows {
            let config = config_at(now).unwrap();
            assert_eq!(Arc::ptr_eq(&config, &first), is_first, "{:?}", now.duration_since(start));
            assert!(mint.cache.get(&host).unwrap().not_after > now);
        }
        let end = mint.ca.not_after();
        let last = config_at(end - day / 2).unwrap();
        assert!(Arc::ptr_eq(&last, &config_at(end - day / 4).unwrap()), "no leaf outlives the CA");
        assert!(matches!(*config_at(end).unwrap_err(), CaError::Expired));
    }

    #[test]
    fn new_hosts_are_rationed_by_client() {
        let few = |count| std::num::NonZeroU32::new(count).unwrap();
        let limits = LimitsConfig { new_hosts_burst: few(3), new_hosts_per_minute: few(60), ..LimitsConfig::default() };
        let budgets = Budgets::new(&limits);
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let rows = [
            ("192.0.2.1", 0, true),
            ("192.0.2.1", 0, true),
            ("::ffff:192.0.2.1", 0, true),
            ("192.0.2.1", 0, false),
            ("192.0.2.2", 0, true),
            ("2001:db8::1", 0, true),
            ("2001:db8::2", 0, true),
            ("2001:db8::3", 0, true),
            ("2001:db8::4", 0, false),
            ("2001:db8:0:1::4", 0, true),
            ("192.0.2.1", 900, false),
            ("192.0.2.1", 1_100, true),
            ("192.0.2.1", 1_200, false),
            ("192.0.2.1", 60_000, true),
        ];
        for (client, ms, expected) in rows {
            assert_eq!(budgets.take(client.parse().unwrap(), at(ms)), expected, "{client} at {ms}");
        }
    }

    #[test]
    fn simultaneous_visits_share_one_leaf() {
        let (_dir, mint) = mint();
        let host = Host::parse("a.example").unwrap();
        let configs: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..16).map(|_| scope.spawn(|| mint.server_config(&host, Protocol::Http1).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(configs.iter().all(|config| Arc::ptr_eq(config, &configs[0])));
    }
}
