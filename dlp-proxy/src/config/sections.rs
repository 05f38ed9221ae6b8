//! The tables of the configuration file, with each key's meaning, unit and default.

use super::names::{HostPattern, OverrideName, OverrideTarget, ParentName};
use super::units;
use crate::destination::{RestrictValues, Tenancy};
use crate::names::Host;
use dlp_core::decision::{AppCategory, Destination, Zone};
use ipnet::IpNet;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;
use std::time::Duration;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// `[listen]`: sockets of the gateway itself.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListenConfig {
    /// Addresses of the HTTP proxy. Default `["127.0.0.1:8080"]`.
    #[serde(deserialize_with = "units::addresses")]
    pub proxy: Vec<SocketAddr>,
    /// Addresses of the HTTP proxy spoken inside TLS, as HTTP/1.1 or HTTP/2. Needs `tls.cert` and `tls.key`. Default
    /// none.
    #[serde(deserialize_with = "units::addresses")]
    pub proxy_tls: Vec<SocketAddr>,
    /// Addresses of the ICAP server. Default none.
    #[serde(deserialize_with = "units::addresses")]
    pub icap: Vec<SocketAddr>,
    /// Address of health, metrics, CA and PAC. Default `"127.0.0.1:9090"`. Never reachable through the proxy.
    #[serde(deserialize_with = "units::address")]
    pub admin: SocketAddr,
}

impl Default for ListenConfig {
    fn default() -> Self {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self { proxy: vec![local(8080)], proxy_tls: Vec::new(), icap: Vec::new(), admin: local(9090) }
    }
}

/// `[tls]`: the certificate of `listen.proxy_tls`, under which clients know the proxy itself.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// Certificate chain in PEM, for the name or address by which clients call the proxy. Default none.
    pub cert: Option<PathBuf>,
    /// Private key of the certificate in PEM. Default none.
    pub key: Option<PathBuf>,
    /// PEM file of the CAs whose client certificates say who a client is. Default none.
    pub client_ca: Option<PathBuf>,
    /// Revocation lists of these CAs in PEM. When there are any, each CA needs one that has not run out. Default none.
    pub client_crls: Vec<PathBuf>,
}

/// `[icap]`: the ICAP server, for proxies that open TLS themselves.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IcapConfig {
    /// Networks of the proxies that may connect. They are believed about who their clients are. Default
    /// `["127.0.0.0/8", "::1/128"]`.
    #[serde(deserialize_with = "units::networks")]
    pub peers: Vec<IpNet>,
    /// Connections at a time; clients are told. Default 512.
    pub connections: NonZeroU32,
    /// What becomes of downloads: `"pass"` or `"inspect"`. Default `"pass"`.
    pub respmod: Downloads,
}

impl Default for IcapConfig {
    fn default() -> Self {
        let local = ["127.0.0.0/8", "::1/128"].map(|net| net.parse().expect("these are networks"));
        Self {
            peers: local.to_vec(),
            connections: NonZeroU32::new(512).expect("512 is not 0"),
            respmod: Downloads::Pass,
        }
    }
}

/// What becomes of what origins send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Downloads {
    /// It is let through.
    Pass,
    /// It is held and inspected like uploads, and the policy decides about it as a download.
    Inspect,
}

/// `[ca]`: the CA that signs the certificates shown to clients. Both files are created at first start.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CaConfig {
    /// Certificate in PEM. Default `ca.pem` in the state directory.
    pub cert: Option<PathBuf>,
    /// Private key in PEM, mode 0600. Default `ca.key` in the state directory.
    pub key: Option<PathBuf>,
}

/// `[resolver]`: name resolution.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResolverConfig {
    /// `override`: `host[:port]` or `*.suffix[:port]` to `ip:port`. The verified name stays the original. An exact
    /// host beats a suffix, a longer suffix a shorter one, a named port all ports. Example:
    /// `"content.example:443" = "127.0.0.1:18443"`.
    #[serde(rename = "override", deserialize_with = "units::address_table")]
    pub overrides: BTreeMap<OverrideName, OverrideTarget>,
}

/// `[upstream]`: connections to origins.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UpstreamConfig {
    /// PEM files of CAs that are trusted besides the system's. Default none.
    pub extra_roots: Vec<PathBuf>,
    /// Whether the system's CAs are trusted. Default `true`.
    pub use_system_roots: bool,
    /// Revocation lists in PEM. An origin whose certificate stands on one is refused. Default none.
    pub crls: Vec<PathBuf>,
    /// Certificates that the gateway shows to origins that ask for one. Default none.
    pub client_certificates: Vec<OwnCertificate>,
    /// Whether private and loopback addresses may be reached by name or address. Cloud metadata addresses and the
    /// gateway's own listeners stay out of reach. Default `false`.
    pub allow_private: bool,
    /// Time to connect to one address, and again for the TLS handshake. Default `"5s"`.
    #[serde(deserialize_with = "units::duration")]
    pub connect_timeout: Duration,
    /// Time from the sent request to the head of the answer. Default `"120s"`.
    #[serde(deserialize_with = "units::duration")]
    pub answer_timeout: Duration,
    /// Another proxy, `"host:port"`, that is asked by CONNECT for every connection. It resolves names. Default none.
    pub parent: Option<ParentName>,
    /// File with one line `user:password`, mode 0600, sent to the parent as Basic credentials. Default none.
    pub parent_credentials: Option<PathBuf>,
    /// Hosts, or `*.suffix` for all names below, that are dialled without the parent. Default none.
    pub parent_except: Vec<HostPattern>,
}

impl Default for UpstreamConfig {
    fn default() -> Self {
        Self {
            extra_roots: Vec::new(),
            use_system_roots: true,
            crls: Vec::new(),
            client_certificates: Vec::new(),
            allow_private: false,
            connect_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(120),
            parent: None,
            parent_credentials: None,
            parent_except: Vec::new(),
        }
    }
}

/// `[[upstream.client_certificates]]`: a certificate that is shown to some origins.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnCertificate {
    /// The origins: hosts, or `*.suffix` for all names below.
    pub hosts: Vec<HostPattern>,
    /// Certificate chain in PEM.
    pub cert: PathBuf,
    /// Its private key in PEM, mode 0600.
    pub key: PathBuf,
}

/// `[state]`: where the gateway writes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StateConfig {
    /// Directory of CA, spool and incidents. Default `$STATE_DIRECTORY`, else `$XDG_STATE_HOME/dlp`, else
    /// `~/.local/state/dlp`.
    pub dir: Option<PathBuf>,
}

/// `[policy]`: policy files.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyConfig {
    /// Policy files; with none the built-in policy applies. Default none.
    pub files: Vec<PathBuf>,
}

/// `[known]`: records and documents that the organisation indexed as its own.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KnownConfig {
    /// Indexes of records, made by `dlp edm build`. Default none.
    pub edm: Vec<PathBuf>,
    /// Indexes of documents, made by `dlp fingerprint build`. Default none.
    pub fingerprints: Vec<PathBuf>,
    /// Key of the indexes: 32 bytes or 64 hexadecimal digits, mode 0600. Default none.
    pub key_file: Option<PathBuf>,
}

impl KnownConfig {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.edm.is_empty() && self.fingerprints.is_empty()
    }
}

/// `[identity]`: who may use the gateway.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// Whether users without credentials are served: `"allow"` or `"deny"`. Default `"allow"`.
    pub anonymous: AnonymousAccess,
    /// File with one `name:sha256` line for each user, the SHA-256 of the user's token in hexadecimal. Users send
    /// name and token as Basic proxy credentials. Default none.
    pub users: Option<PathBuf>,
    /// TOML file with a `[[person]]` table for everybody who may use the gateway. Default none.
    pub people: Option<PathBuf>,
    /// `[identity.jwt]`: signed tokens. Default none.
    pub jwt: Option<JwtConfig>,
    /// Shown when credentials are asked for. Default `"DLP gateway"`.
    pub realm: String,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self { anonymous: AnonymousAccess::Allow, users: None, people: None, jwt: None, realm: "DLP gateway".into() }
    }
}

/// `[identity.jwt]`: signed tokens, sent as Bearer proxy credentials.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwtConfig {
    /// Public key of the issuer in PEM: RSA (RS256), P-256 (ES256) or Ed25519 (EdDSA). Default none.
    pub key: Option<PathBuf>,
    /// File with a secret shared with the issuer (HS256), at least 32 bytes, mode 0600. Default none.
    pub secret: Option<PathBuf>,
    /// The claim `iss` that tokens must have.
    pub issuer: String,
    /// The claim `aud` that tokens must have.
    pub audience: String,
    /// The claim that names the user. Default `"sub"`.
    #[serde(default = "subject")]
    pub user_claim: String,
    /// The claim that names groups, in a list or one alone. Default `"groups"`.
    #[serde(default = "groups")]
    pub groups_claim: String,
}

fn subject() -> String {
    "sub".into()
}

fn groups() -> String {
    "groups".into()
}

/// What happens to users without credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnonymousAccess {
    /// They are served as `anonymous`.
    Allow,
    /// They are asked for credentials.
    Deny,
}

/// `[limits]`: bounds of connections and requests.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Client connections in total. When all are taken, the oldest one without a request in progress makes room; when
    /// all are busy, more wait in the socket's queue. Default 20000.
    pub connections: NonZeroU32,
    /// Client connections of one address. When all are taken, the oldest one without a request in progress makes room;
    /// when all are busy, more are closed. Default 512.
    pub connections_per_ip: NonZeroU32,
    /// Certificates for hosts not seen lately that one address may ask for at once. Default 1000.
    pub new_hosts_burst: NonZeroU32,
    /// The same by the minute, for longer. Default 600.
    pub new_hosts_per_minute: NonZeroU32,
    /// Time for a request head from its first byte, and for the client's TLS handshake. Default `"10s"`.
    #[serde(deserialize_with = "units::duration")]
    pub header_timeout: Duration,
    /// Time that a connection may wait for its next request. Default `"75s"`.
    #[serde(deserialize_with = "units::duration")]
    pub idle_timeout: Duration,
    /// Time without a body byte from the client, and by which a body may stay behind 512 bytes a second. Default `"60s"`.
    #[serde(deserialize_with = "units::duration")]
    pub body_stall_upload: Duration,
    /// Time without a byte of an answer's body from the origin, and time in which a client takes nothing of what is sent to it. Default `"5m"`.
    #[serde(deserialize_with = "units::duration")]
    pub body_stall_download: Duration,
    /// Largest message on a WebSocket, which is held for inspection. A larger one closes the connection with code 1009.
    /// Default `"16MiB"`.
    #[serde(deserialize_with = "units::size")]
    pub websocket_message: u64,
    /// Time after which tunnels that are not intercepted, and WebSockets, are cut. Default `"8h"`.
    #[serde(deserialize_with = "units::duration")]
    pub tunnel_lifetime: Duration,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            connections: NonZeroU32::new(20_000).expect("20,000 is not 0"),
            connections_per_ip: NonZeroU32::new(512).expect("512 is not 0"),
            new_hosts_burst: NonZeroU32::new(1_000).expect("1,000 is not 0"),
            new_hosts_per_minute: NonZeroU32::new(600).expect("600 is not 0"),
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            body_stall_upload: Duration::from_secs(60),
            body_stall_download: Duration::from_secs(300),
            websocket_message: 16 * MIB,
            tunnel_lifetime: Duration::from_secs(8 * 3600),
        }
    }
}

/// `[inspection]`: how bodies are inspected.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InspectionConfig {
    /// Largest body that is held for inspection. A larger one is over the limit, and the policy decides. Default
    /// `"64MiB"`.
    #[serde(deserialize_with = "units::size")]
    pub gate_max: u64,
    /// `[[inspection.modes]]`: how bodies for some destinations are inspected; the first that fits counts. Default none,
    /// which is `"auto"` everywhere.
    pub modes: Vec<ModeRule>,
    /// Largest upload of several requests whose pieces are kept until it ends, to be judged as a whole. Of a larger one
    /// the whole counts as not inspected, and the policy decides. All of them together take up to half of
    /// `spool_total_max`. Default `"1GiB"`.
    #[serde(deserialize_with = "units::size")]
    pub transfer_max: u64,
    /// What happens to a body that is larger, by the zone of the destination. Default
    /// `{ personal = "refuse", unknown = "refuse", corporate = "stream" }`.
    pub large: LargeBodies,
    /// What becomes of the bodies of answers: `"pass"` or `"inspect"`. Default `"pass"`.
    pub downloads: Downloads,
    /// Part of a held body that stays in memory; the rest goes to an encrypted file without a name. Default `"1MiB"`.
    #[serde(deserialize_with = "units::size")]
    pub ram_max: u64,
    /// All held bodies together, in memory and on disk. What would exceed it is refused with status 503. Default
    /// `"4GiB"`.
    #[serde(deserialize_with = "units::size")]
    pub spool_total_max: u64,
    /// Time for one inspection, waiting for a thread included. Default `"60s"`.
    #[serde(deserialize_with = "units::duration")]
    pub decision_timeout: Duration,
    /// Time over which values that a user sends to one destination in several requests are counted together. Default
    /// none: each request counts for itself.
    #[serde(deserialize_with = "units::some_duration")]
    pub count_window: Option<Duration>,
    /// Languages in which tesseract, which must be installed, recognises text in images and in the pictures of PDF
    /// pages, such as `["eng", "pol"]`; none leaves pictures unread. Default `[]`.
    pub ocr: Vec<String>,
}

impl Default for InspectionConfig {
    fn default() -> Self {
        Self {
            gate_max: 64 * MIB,
            modes: Vec::new(),
            transfer_max: 1024 * MIB,
            large: LargeBodies::default(),
            downloads: Downloads::Pass,
            ram_max: MIB,
            spool_total_max: 4096 * MIB,
            decision_timeout: Duration::from_secs(60),
            count_window: None,
            ocr: Vec::new(),
        }
    }
}

impl InspectionConfig {
    /// How bodies for this destination are inspected.
    #[must_use]
    pub fn mode(&self, destination: &Destination) -> InspectionMode {
        self.modes.iter().find(|rule| rule.covers(destination)).map_or(InspectionMode::Auto, |rule| rule.mode)
    }
}

/// How bodies are inspected before they leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InspectionMode {
    /// A body is held up to `inspection.gate_max`, and `inspection.large` says what happens to a larger one. Pieces of an
    /// upload of several requests to a service that the catalogue knows are judged as `Commit` has it, others as
    /// `Strict` has it.
    Auto,
    /// A body is held whole, and none leaves while it is inspected. Pieces are as in `Auto`.
    Gate,
    /// Text and bytes without a structure leave while they are inspected, from `inspection.ram_max` on; the rest is held as
    /// in `Auto`.
    Pipelined,
    /// A piece leaves when nothing was found in it; what cannot be judged by a piece alone waits for the end of the upload,
    /// which is let through only when the whole was judged.
    Commit,
    /// A body is held whole. A piece that cannot be judged by itself is not let through, and what is counted is counted over
    /// the pieces so far.
    Strict,
}

/// `[[inspection.modes]]`: a mode, and the destinations that it is for. What is not named holds for all of them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModeRule {
    /// The mode.
    pub mode: InspectionMode,
    /// Zones. Default all.
    #[serde(default)]
    pub zones: Vec<Zone>,
    /// Applications, by the ids of the catalogue. Default all.
    #[serde(default)]
    pub apps: Vec<String>,
    /// Categories of the catalogue. Default all.
    #[serde(default)]
    pub categories: Vec<AppCategory>,
    /// Hosts, or `*.suffix` for all names below. Default all.
    #[serde(default)]
    pub hosts: Vec<HostPattern>,
}

impl ModeRule {
    fn covers(&self, destination: &Destination) -> bool {
        let Self { zones, apps, categories, hosts, .. } = self;
        let is_app = |app: &String| apps.contains(app);
        (zones.is_empty() || zones.contains(&destination.zone))
            && (apps.is_empty() || destination.app.as_ref().is_some_and(is_app))
            && (categories.is_empty() || categories.contains(&destination.category))
            && (hosts.is_empty()
                || Host::parse(&destination.host).is_ok_and(|host| hosts.iter().any(|p| p.covers(&host))))
    }
}

/// `inspection.large`: bodies above `inspection.gate_max`, by the zone of their destination.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LargeBodies {
    /// Private accounts. Default `"refuse"`.
    pub personal: LargeMode,
    /// Accounts of which nothing is known. Default `"refuse"`.
    pub unknown: LargeMode,
    /// The organisation's accounts. Default `"stream"`.
    pub corporate: LargeMode,
}

impl Default for LargeBodies {
    fn default() -> Self {
        Self { personal: LargeMode::Refuse, unknown: LargeMode::Refuse, corporate: LargeMode::Stream }
    }
}

impl LargeBodies {
    /// What happens to one for a destination in this zone.
    #[must_use]
    pub fn of(&self, zone: Zone) -> LargeMode {
        match zone {
            Zone::Corporate => self.corporate,
            Zone::Personal => self.personal,
            Zone::Unknown => self.unknown,
        }
    }
}

/// What happens to a body that is too large to be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LargeMode {
    /// It counts as not inspected, and the policy decides about that.
    Refuse,
    /// Text and bytes without a structure leave while they are inspected, a hold-back behind; the rest is as with
    /// `refuse`.
    Stream,
}

/// `[scan]`: threads that inspect.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScanConfig {
    /// Threads; 0 means one less than there are cores, and two where there are two. Idle ones help with long bodies. Default 0.
    pub threads: u16,
    /// Bodies that may leave while they are inspected, each on a thread of its own and with 3 MiB in memory; more count as
    /// too large. Default 64.
    pub streams: NonZeroU16,
    /// Bodies that may wait for a thread; more are an overload, and the policy decides. Default 1024.
    pub queue: NonZeroU16,
}

impl Default for ScanConfig {
    fn default() -> Self {
        let streams = NonZeroU16::new(64).expect("64 is not 0");
        Self { threads: 0, streams, queue: NonZeroU16::new(1024).expect("1024 is not 0") }
    }
}

/// `[bypass]`: hosts that are never intercepted.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BypassConfig {
    /// Hosts, or `*.suffix` for all names below. Their tunnels are relayed unread and counted. Default none.
    pub hosts: Vec<HostPattern>,
    /// Files that name more of them, one a line; `#` begins a remark. Read again with the policies. Default none.
    pub lists: Vec<PathBuf>,
    /// Categories of the catalogue whose hosts are relayed unread too, such as `"webmail"`. Default none.
    pub categories: Vec<AppCategory>,
    /// Hosts that are relayed unread from the moment on when clients seem to pin their certificate. Default none.
    pub pinned: Vec<HostPattern>,
}

/// `[tenant]`: what belongs to the organisation.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TenantConfig {
    /// `[tenant.corporate]`: accounts and hosts of the organisation, which make a destination corporate. Default none.
    pub corporate: Tenancy,
    /// `[tenant.restrict]`: what services are told about accounts that may be used, by the names of the catalogue. Default
    /// none.
    pub restrict: RestrictValues,
}

/// `[portal]`: what answer pages say.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PortalConfig {
    /// Whom to ask, printed on pages. Example: `"it-security@example.com"`. Default empty.
    pub contact: String,
}

/// `[connect]`: CONNECT requests.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectConfig {
    /// Ports that may be reached. Default `[443, 8443, 80]`.
    pub allowed_ports: Vec<NonZeroU16>,
}

impl Default for ConnectConfig {
    fn default() -> Self {
        Self { allowed_ports: [443, 8443, 80].into_iter().filter_map(NonZeroU16::new).collect() }
    }
}

/// `[admin]`: operation.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdminConfig {
    /// Names by which the listener may be called besides `localhost` and its addresses: hosts, or `*.suffix` for all
    /// names below. Requests for other names are refused. Example: `["gw.corp.example"]`. Default none.
    pub hosts: Vec<HostPattern>,
    /// File with the token that the calls under `/v1/` need, at least 16 bytes, mode 0600. Without it they are not
    /// served. Default none.
    pub token_file: Option<PathBuf>,
    /// File that gets a line of JSON for each request, without paths and content. Default none.
    pub request_log: Option<PathBuf>,
    /// Time for requests in flight after a stop signal. Default `"30s"`.
    #[serde(deserialize_with = "units::duration")]
    pub drain_timeout: Duration,
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self { hosts: Vec::new(), token_file: None, request_log: None, drain_timeout: Duration::from_secs(30) }
    }
}
