//! From a configuration to a running gateway, and to its end.
//!
//! Everything that can be wrong shows before the first connection is accepted: [`Gateway::bind`] reads every file,
//! compiles the detectors and takes every socket, and [`check`] does the same without touching the system.

use crate::access::Access;
use crate::access::log::AccessLogError;
use crate::admin::Admin;
use crate::admission::Admission;
use crate::body::BodyLimits;
use crate::bypass::BypassError;
use crate::config::{Config, ConfigError, KnownConfig};
use crate::destination::{Catalogue, RestrictError, Restrictions};
use crate::icap;
use crate::identity::IdentityError;
use crate::known::{self, KnownError};
use crate::message_room::MessageRoom;
use crate::metrics::Metrics;
use crate::pipeline::coaching::Coaching;
use crate::pipeline::host::ToldNames;
use crate::pipeline::recent::Recent;
use crate::request_log::RequestLog;
use crate::rules::{Exchangeable, Reloader, Rules};
use crate::scan_pool::ScanPool;
use crate::secret_file::{self, SecretError};
use crate::server::{self, Entry};
use crate::services::{InspectionServices, Services};
use crate::sockets::Sockets;
use crate::spool::SpoolPlace;
use crate::state_lock::{StateLock, StateLockError};
use crate::tls::ca::{Ca, CaError};
use crate::tls::leaf::LeafMint;
use crate::tls::origin::{RootsError, client_configs};
use crate::tls::own::OwnTlsError;
use crate::tls::pinning::Pinning;
use crate::transfer::Transfers;
use crate::upstream::{AddressGuard, Parent, Resolver, Upstream};
use dlp_core::base::Limits;
use dlp_core::content::RiskyParser;
use dlp_core::decision::PolicyError;
use dlp_core::inspect::Inspector;
use dlp_core::knowledge::CatalogueError;
use dlp_core::matching::CompileError;
use dlp_governance::incident::{IncidentLog, IncidentLogError};
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Name of the incident log in the state directory.
const INCIDENTS: &str = "incidents.jsonl";
/// Name of the log of changes of access in the state directory.
const ACCESS: &str = "access.jsonl";
/// Name of the directory for held bodies in the state directory.
const SPOOL: &str = "spool";

/// Bytes of the token of the admin listener. Whoever has it ends anybody's work.
const ADMIN_TOKEN_BYTES_MIN: usize = 16;

/// Time for a body that leaves while it is inspected.
const STREAM_TIME_MAX: Duration = Duration::from_secs(12 * 3600);
/// Bytes that its inspection may keep: text of another width among its bytes.
const STREAM_HELD_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// What a gateway is made of.
pub struct Setup {
    /// The configuration.
    pub config: Config,
    /// The directory that the gateway writes to, see [`Config::state_dir`].
    pub state_dir: PathBuf,
    /// Runs parsers that can crash; without it such documents count as not inspected.
    pub risky: Option<Arc<dyn RiskyParser>>,
    /// Listening sockets that are there already.
    pub sockets: Sockets,
}

/// Why the gateway did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no usable CA.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// Lists of hosts that are not opened cannot be used.
    #[error(transparent)]
    Bypass(#[from] BypassError),
    /// Origins could not be verified.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// The proxy has no usable certificate.
    #[error(transparent)]
    OwnTls(#[from] OwnTlsError),
    /// What services are to be told cannot be sent.
    #[error(transparent)]
    Restrict(#[from] RestrictError),
    /// Nobody could be identified.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A secret cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Nobody could tell who is revoked.
    #[error(transparent)]
    Access(#[from] AccessLogError),
    /// A policy file could not be read.
    #[error("policy.files: cannot read {}: {source}", path.display())]
    PolicyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A policy file is wrong.
    #[error("policy.files: {0}")]
    Policy(#[from] PolicyError),
    /// An index of what is known, or its key, cannot be used.
    #[error(transparent)]
    Known(#[from] KnownError),
    /// Text in pictures cannot be recognised.
    #[error("inspection.ocr: {0}; {advice}", advice = .0.advice())]
    Ocr(#[from] dlp_sandbox::OcrError),
    /// The detector of an index cannot be added.
    #[error("known: {0}")]
    Catalogue(#[from] CatalogueError),
    /// The built-in detectors do not compile.
    #[error("the detectors cannot be compiled: {0}")]
    Detectors(#[from] CompileError),
    /// Incidents could not be written.
    #[error(transparent)]
    Incidents(#[from] IncidentLogError),
    /// The state directory cannot be used.
    #[error("cannot use the state directory {}: {source}; set state.dir or use --state-dir", path.display())]
    State {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The log of requests cannot be written.
    #[error("admin.request_log: cannot write {}: {source}", path.display())]
    RequestLog {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The state directory belongs to somebody else.
    #[error(transparent)]
    Locked(#[from] StateLockError),
    /// A socket could not be had.
    #[error("cannot listen on {address}: {}", advice(source, key))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The key that names it.
        key: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A socket that a service manager has handed over cannot be used.
    #[error("a socket handed over by the service manager is no listening TCP socket: {0}")]
    Inherited(io::Error),
    /// A socket that a service manager has handed over is nobody's.
    #[error(
        "the service manager has handed over a socket for {address}, which no key of [listen] names; name it there, or take it out of the .socket unit"
    )]
    Unclaimed {
        /// Its address.
        address: SocketAddr,
    },
    /// No threads.
    #[error("cannot start threads for inspection: {0}")]
    Threads(io::Error),
}

/// What happened to a socket, and what to do about it.
fn advice(error: &io::Error, key: &str) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!("address in use; stop the other program or set {key}"),
        io::ErrorKind::PermissionDenied => format!("permission denied; set {key} to a port above 1023"),
        io::ErrorKind::AddrNotAvailable => format!("no such address on this host; set {key}"),
        _ => format!("{error}; set {key}"),
    }
}

/// A gateway that has its sockets and serves nobody yet.
pub struct Gateway {
    services: Arc<Services>,
    proxies: Vec<(TcpListener, Entry)>,
    icap: Vec<TcpListener>,
    admin: TcpListener,
    addresses: Addresses,
    admin_address: SocketAddr,
    admin_token_digest: Option<[u8; 32]>,
    ca_pem: String,
    ca_path: PathBuf,
    lock: StateLock,
}

/// Where clients come in.
#[derive(Clone, Debug)]
struct Addresses {
    proxy: Vec<SocketAddr>,
    proxy_tls: Vec<SocketAddr>,
    icap: Vec<SocketAddr>,
}

/// Parts that come from files alone.
struct Read {
    admin_token_digest: Option<[u8; 32]>,
    parent: Option<Parent>,
    catalogue: Catalogue,
    restrictions: Restrictions,
    rules: Rules,
}

impl Gateway {
    /// Reads, compiles and binds everything.
    ///
    /// # Errors
    /// When anything that the configuration names cannot be used.
    pub async fn bind(setup: Setup) -> Result<Self, StartError> {
        let Setup { config, state_dir, risky, mut sockets } = setup;
        let read = Read::from_files(&config)?;
        for gap in read.restrictions.gaps(&read.rules.bypass.patterns()) {
            tracing::warn!("{gap}");
        }
        create_private(&state_dir)?;
        let lock = StateLock::take(&state_dir)?;
        let plain = sockets.listen(&config.listen.proxy, "listen.proxy").await?;
        let tls_listeners = sockets.listen(&config.listen.proxy_tls, "listen.proxy_tls").await?;
        let icap = sockets.listen(&config.listen.icap, "listen.icap").await?;
        let admin = sockets.listen(&[config.listen.admin], "listen.admin").await?.remove(0);
        sockets.finish()?;
        let addresses = Addresses {
            proxy: addresses_of(&plain)?,
            proxy_tls: addresses_of(&tls_listeners)?,
            icap: addresses_of(&icap)?,
        };
        let admin_address = address_of(&admin)?;

        let spool_dir = state_dir.join(SPOOL);
        create_private(&spool_dir)?;
        let (ca_path, ca_key) = ca_paths(&config, &state_dir);
        let ca = Arc::new(Ca::load_or_create(&ca_path, &ca_key)?);
        let tls = client_configs(&config.upstream, ca.chain())?;
        let own: Vec<_> = addresses
            .proxy
            .iter()
            .chain(&addresses.proxy_tls)
            .chain(&addresses.icap)
            .copied()
            .chain([admin_address])
            .collect();
        let resolver = Resolver::new(&config.resolver, AddressGuard::new(config.upstream.allow_private, own));
        let (scan, held) = (&config.scan, &config.inspection);
        let metrics = Arc::new(Metrics::new());
        metrics.ca_not_after.set(seconds_of(ca.not_after()));
        metrics.own_not_after.set(read.rules.own_not_after.map_or(0, seconds_of));
        let services = Services {
            catalogue: read.catalogue,
            restrictions: read.restrictions,
            access: Access::open(&state_dir.join(ACCESS), metrics.clone())?,
            rules: Exchangeable::new(read.rules),
            inspection: Exchangeable::new(inspection_services(&config.known, &spool_dir, risky)?),
            watched: Arc::new(Semaphore::new(scan.streams.get().into())),
            pool: ScanPool::start(scan.threads.into(), scan.queue.get().into()).map_err(StartError::Threads)?,
            coaching: Coaching::default(),
            recent: Recent::new(held.count_window),
            told_names: ToldNames::default(),
            pinning: Pinning::new(),
            transfers: Transfers::new(held.spool_total_max / 2, metrics.transfers_open.clone()),
            messages: MessageRoom::new(config.limits.websocket_message),
            spool: SpoolPlace::new(&spool_dir, held.ram_max, held.spool_total_max, metrics.spool_bytes.clone()),
            mint: LeafMint::new(ca.clone(), &config.limits)?,
            upstream: Upstream::new(resolver, read.parent, tls, &config.upstream),
            request_log: request_log(&config, &metrics)?,
            incidents: Arc::new(Mutex::new(IncidentLog::open(&state_dir.join(INCIDENTS))?)),
            metrics,
            drain: CancellationToken::new(),
            tasks: TaskTracker::new(),
            config,
        };
        let (services, ca_pem) = (Arc::new(services), ca.pem().to_owned());
        let proxies = entries(plain, tls_listeners);
        let admin_token_digest = read.admin_token_digest;
        Ok(Self { services, proxies, icap, admin, addresses, admin_address, admin_token_digest, ca_pem, ca_path, lock })
    }

    /// Addresses of the proxy, with the ports that the system chose where the configuration says 0.
    #[must_use]
    pub fn proxy_addresses(&self) -> &[SocketAddr] {
        &self.addresses.proxy
    }

    /// Addresses of the proxy inside TLS.
    #[must_use]
    pub fn proxy_tls_addresses(&self) -> &[SocketAddr] {
        &self.addresses.proxy_tls
    }

    /// Addresses of the ICAP server.
    #[must_use]
    pub fn icap_addresses(&self) -> &[SocketAddr] {
        &self.addresses.icap
    }

    /// Exchanges policies and users while the gateway runs.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        Reloader::new(self.services.clone())
    }

    /// Address of health, metrics, CA and PAC.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// Where the certificate lies that clients have to trust.
    #[must_use]
    pub fn ca_path(&self) -> &Path {
        &self.ca_path
    }

    /// Serves until `shutdown` resolves, then lets requests in flight end within `admin.drain_timeout`.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let services = self.services;
        let admission = Admission::new(&services.config.limits, services.metrics.clone());
        for (listener, entry) in self.proxies {
            services.tasks.spawn(server::accept(services.clone(), listener, entry, admission.clone()));
        }
        for listener in self.icap {
            services.tasks.spawn(icap::accept(services.clone(), listener));
        }
        let admin = Admin {
            metrics: services.metrics.clone(),
            ca_pem: self.ca_pem,
            proxy: self.addresses.proxy.first().copied(),
            proxy_tls: self.addresses.proxy_tls.first().copied(),
            hosts: services.config.admin.hosts.clone(),
            drain: services.drain.clone(),
            services: services.clone(),
            token_digest: self.admin_token_digest,
        };
        let admin_task = tokio::spawn(admin.serve(self.admin));
        let watching = tokio::spawn(Access::watch(services.clone()));
        shutdown.await;
        services.drain.cancel();
        services.tasks.close();
        let limit = services.config.admin.drain_timeout;
        if tokio::time::timeout(limit, services.tasks.wait()).await.is_err() {
            tracing::warn!(connections = services.tasks.len(), "connections were cut after admin.drain_timeout");
        }
        let closing = services.clone();
        if tokio::task::spawn_blocking(move || closing.request_log.close()).await.is_err() {
            tracing::error!("the log of requests could not be closed");
        }
        // Whoever takes the directory next finds nobody who writes to it.
        drop(self.lock);
        admin_task.abort();
        watching.abort();
    }
}

impl Read {
    fn from_files(config: &Config) -> Result<Self, StartError> {
        config.check()?;
        let token = config.admin.token_file.as_deref();
        let token = token.map(|path| secret_file::read("admin.token_file", path, ADMIN_TOKEN_BYTES_MIN)).transpose()?;
        let admin_token_digest = token.map(|token| Sha256::digest(token.as_bytes()).into());
        let parent = Parent::read(&config.upstream)?;
        let catalogue = Catalogue::builtin();
        let restrictions = Restrictions::new(&catalogue, &config.tenant.restrict)?;
        let rules = Rules::from_files(config)?;
        Ok(Self { admin_token_digest, parent, catalogue, restrictions, rules })
    }
}

/// Serves until `shutdown` resolves.
///
/// # Errors
/// When the gateway cannot start, see [`Gateway::bind`].
pub async fn run(setup: Setup, shutdown: impl Future<Output = ()>) -> Result<(), StartError> {
    Gateway::bind(setup).await?.serve(shutdown).await;
    Ok(())
}

/// Reads everything that the configuration names, but takes no socket and writes nothing. What it returns are warnings.
///
/// # Errors
/// What would keep the gateway from starting, as far as files tell.
pub fn check(config: &Config, state_dir: &Path) -> Result<Vec<String>, StartError> {
    let read = Read::from_files(config)?;
    let (cert, key) = ca_paths(config, state_dir);
    let own = match cert.exists() || key.exists() {
        true => Ca::load_or_create(&cert, &key)?.chain().to_vec(),
        false => Vec::new(),
    };
    client_configs(&config.upstream, &own)?;
    known::detectors(&config.known)?;
    Ok(read.restrictions.gaps(&read.rules.bypass.patterns()))
}

fn inspection_services(
    known: &KnownConfig,
    spool_dir: &Path,
    risky: Option<Arc<dyn RiskyParser>>,
) -> Result<InspectionServices, StartError> {
    let limits = BodyLimits { spool_dir: Some(spool_dir.to_owned()), ..BodyLimits::default() };
    inspection_with(known, limits, risky)
}

/// What inspections need, with the indexes as their files are now.
pub(crate) fn inspection_with(
    known: &KnownConfig,
    limits: BodyLimits,
    risky: Option<Arc<dyn RiskyParser>>,
) -> Result<InspectionServices, StartError> {
    let has_known = !known.is_empty();
    let (detectors, known) = known::detectors(known)?;
    let stream_inspector = Inspector::new(detectors.clone(), stream_limits()).with_known(known.clone());
    let inspector = Inspector::new(detectors, Limits::inline()).with_known(known);
    let inspector = match &risky {
        Some(parser) => inspector.with_risky_parser(parser.clone()),
        None => inspector,
    };
    Ok(InspectionServices { inspector, stream_inspector, limits, risky, has_known })
}

/// A body that passes takes as long as its sender, who is watched for stalling, and is never held.
fn stream_limits() -> Limits {
    Limits { wall_time_max: STREAM_TIME_MAX, held_bytes_max: STREAM_HELD_BYTES_MAX, ..Limits::inline() }
}

fn ca_paths(config: &Config, state_dir: &Path) -> (PathBuf, PathBuf) {
    let or_default = |path: &Option<PathBuf>, name: &str| path.clone().unwrap_or_else(|| state_dir.join(name));
    (or_default(&config.ca.cert, "ca.pem"), or_default(&config.ca.key, "ca.key"))
}

fn request_log(config: &Config, metrics: &Metrics) -> Result<RequestLog, StartError> {
    let path = config.admin.request_log.as_deref();
    let opened = RequestLog::open(path, metrics.request_lines_lost.clone(), jiff::Timestamp::now);
    opened.map_err(|source| StartError::RequestLog { path: path.unwrap_or(Path::new("")).into(), source })
}

/// Seconds since 1970.
pub(crate) fn seconds_of(time: SystemTime) -> i64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

fn create_private(dir: &Path) -> Result<(), StartError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|source| StartError::State { path: dir.into(), source })
}

/// All listeners of the proxy with how clients come in there.
fn entries(plain: Vec<TcpListener>, tls: Vec<TcpListener>) -> Vec<(TcpListener, Entry)> {
    let plain = plain.into_iter().map(|listener| (listener, Entry::Plain));
    plain.chain(tls.into_iter().map(|listener| (listener, Entry::Tls))).collect()
}

fn addresses_of(listeners: &[TcpListener]) -> Result<Vec<SocketAddr>, StartError> {
    listeners.iter().map(address_of).collect()
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
    listener.local_addr().map_err(|source| StartError::Listen { address: unknown, key: "listen", source })
}
