//! The configuration: one TOML file with safe defaults, parsed once into types that cannot be wrong.
//!
//! Unknown keys and bad values are refused with line, column and caret. Without any file the gateway listens on
//! `127.0.0.1:8080`, allows anonymous users and applies the built-in policy. Relative paths in a file are relative to
//! that file.

mod names;
mod sections;
mod units;

pub use names::{HostPattern, OverrideName, OverrideTarget, ParentName};
pub use sections::{
    AdminConfig, AnonymousAccess, BypassConfig, CaConfig, ConnectConfig, Downloads, IcapConfig, IdentityConfig,
    InspectionConfig, InspectionMode, JwtConfig, KnownConfig, LargeBodies, LargeMode, LimitsConfig, ListenConfig,
    ModeRule, OwnCertificate, PolicyConfig, PortalConfig, ResolverConfig, ScanConfig, StateConfig, TenantConfig,
    TlsConfig, UpstreamConfig,
};

use serde::Deserialize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Everything that can be configured. Each field is one table of the file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Sockets of the gateway itself.
    pub listen: ListenConfig,
    /// Certificate of the proxy itself.
    pub tls: TlsConfig,
    /// ICAP server.
    pub icap: IcapConfig,
    /// Interception CA.
    pub ca: CaConfig,
    /// Name resolution.
    pub resolver: ResolverConfig,
    /// Connections to origins.
    pub upstream: UpstreamConfig,
    /// Where the gateway writes.
    pub state: StateConfig,
    /// Policy files.
    pub policy: PolicyConfig,
    /// What the organisation indexed as its own.
    pub known: KnownConfig,
    /// Who may use the gateway.
    pub identity: IdentityConfig,
    /// Bounds of connections and requests.
    pub limits: LimitsConfig,
    /// How bodies are inspected.
    pub inspection: InspectionConfig,
    /// Threads that inspect.
    pub scan: ScanConfig,
    /// Hosts that are never intercepted.
    pub bypass: BypassConfig,
    /// What belongs to the organisation.
    pub tenant: TenantConfig,
    /// What answer pages say.
    pub portal: PortalConfig,
    /// CONNECT requests.
    pub connect: ConnectConfig,
    /// Operation.
    pub admin: AdminConfig,
}

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is something else than a file.
    #[error("cannot read the configuration {}: expected a regular file", path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
    },
    /// The file is no TOML, or a key or value is wrong. The message has line, column and caret.
    #[error("the configuration {} is wrong\n{source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// Values that do not fit together.
    #[error("the configuration is wrong: {key}: {message}")]
    Invalid {
        /// The key.
        key: &'static str,
        /// Expected and got.
        message: String,
    },
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, has unknown keys or wrong values.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let kind = std::fs::metadata(path).map_err(|source| ConfigError::Read { path: path.into(), source })?;
        if !kind.is_file() {
            // Reading a pipe would wait for somebody to write to it, and a device has no end.
            return Err(ConfigError::NoFile { path: path.into() });
        }
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.into(), source })?;
        let mut config: Self = toml::from_str(&text)
            .map_err(|source| ConfigError::Parse { path: path.into(), source: Box::new(source) })?;
        config.resolve_paths(path.parent().unwrap_or(Path::new("")));
        config.check()?;
        Ok(config)
    }

    /// Values that do not fit together, which no single value shows.
    ///
    /// # Errors
    /// When a key contradicts another.
    pub fn check(&self) -> Result<(), ConfigError> {
        let invalid = |key, message: &str| Err(ConfigError::Invalid { key, message: message.to_owned() });
        if self.listen.proxy.is_empty() {
            return invalid("listen.proxy", "expected at least one address, got an empty list");
        }
        if self.tls.cert.is_some() != self.tls.key.is_some() {
            return invalid("tls.cert", "tls.cert and tls.key belong together; set both or none");
        }
        if !self.listen.proxy_tls.is_empty() && self.tls.cert.is_none() {
            return invalid("listen.proxy_tls", "needs tls.cert and tls.key, a certificate for the name of the proxy");
        }
        if self.ca.cert.is_some() != self.ca.key.is_some() {
            return invalid("ca.cert", "ca.cert and ca.key belong together; set both or none");
        }
        if self.tls.client_ca.is_some() && self.listen.proxy_tls.is_empty() {
            return invalid("tls.client_ca", "needs listen.proxy_tls, where clients show their certificates");
        }
        if !self.tls.client_crls.is_empty() && self.tls.client_ca.is_none() {
            return invalid("tls.client_crls", "needs tls.client_ca, whose certificates they revoke");
        }
        if self.identity.anonymous == AnonymousAccess::Deny && !self.identifies() {
            return invalid(
                "identity.anonymous",
                "\"deny\" needs identity.users, identity.jwt, tls.client_ca, admin.token_file or listen.icap, or nobody could use the gateway",
            );
        }
        if let Some(jwt) = &self.identity.jwt {
            if jwt.key.is_some() == jwt.secret.is_some() {
                return invalid("identity.jwt", "expected either identity.jwt.key or identity.jwt.secret");
            }
            if [&jwt.issuer, &jwt.audience, &jwt.user_claim].iter().any(|text| text.is_empty()) {
                return invalid("identity.jwt", "expected issuer, audience and user_claim, got an empty text");
            }
        }
        let parent = &self.upstream;
        if parent.parent.is_none() && (parent.parent_credentials.is_some() || !parent.parent_except.is_empty()) {
            return invalid("upstream.parent", "parent_credentials and parent_except mean nothing without it");
        }
        if self.known.is_empty() != self.known.key_file.is_none() {
            return invalid("known.key_file", "indexes and their key belong together; set both or none");
        }
        if self.inspection.spool_total_max < self.inspection.gate_max {
            return invalid(
                "inspection.spool_total_max",
                "expected at least inspection.gate_max, or it could not be held",
            );
        }
        let known = |app: &String| dlp_patterns::destinations().iter().any(|(id, _)| id == app);
        let mut named = self.inspection.modes.iter().flat_map(|rule| &rule.apps);
        if let Some(app) = named.find(|app| !known(app)) {
            let message = format!("expected ids of the catalogue in apps, found `{app}`");
            return Err(ConfigError::Invalid { key: "inspection.modes", message });
        }
        if !self.upstream.use_system_roots && self.upstream.extra_roots.is_empty() {
            return invalid(
                "upstream.use_system_roots",
                "false needs upstream.extra_roots, or no origin could be trusted",
            );
        }
        Ok(())
    }

    /// Whether there is any way to tell who a client is.
    fn identifies(&self) -> bool {
        let Self { identity, tls, listen, admin, .. } = self;
        let by_files = [&identity.users, &tls.client_ca, &admin.token_file].iter().any(|path| path.is_some());
        by_files || identity.jwt.is_some() || !listen.icap.is_empty()
    }

    /// The directory that the gateway writes to; `environment` looks up a variable.
    ///
    /// # Errors
    /// When neither the configuration nor the environment names a place.
    pub fn state_dir(&self, environment: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, ConfigError> {
        let variable = |name| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let from_environment = || {
            // systemd passes several directories separated by colons; the first is ours.
            let given = variable("STATE_DIRECTORY").map(|all| first_of_list(&all));
            given
                .or_else(|| variable("XDG_STATE_HOME").map(|dir| dir.join("dlp")))
                .or_else(|| variable("HOME").map(|dir| dir.join(".local/state/dlp")))
        };
        self.state.dir.clone().or_else(from_environment).ok_or(ConfigError::Invalid {
            key: "state.dir",
            message: "not set, and none of STATE_DIRECTORY, XDG_STATE_HOME and HOME is; set it or use --state-dir"
                .into(),
        })
    }

    /// Makes relative paths relative to the file.
    fn resolve_paths(&mut self, base: &Path) {
        let (ca, tls, identity) = (&mut self.ca, &mut self.tls, &mut self.identity);
        let own = [&mut ca.cert, &mut ca.key, &mut tls.cert, &mut tls.key, &mut tls.client_ca];
        let parent = self.upstream.parent_credentials.iter_mut();
        let who = [&mut identity.users, &mut identity.people, &mut self.admin.token_file, &mut self.state.dir];
        let log = self.admin.request_log.iter_mut();
        let tokens = identity.jwt.iter_mut().flat_map(|jwt| [&mut jwt.key, &mut jwt.secret]);
        let single = own.into_iter().chain(who).chain(tokens).chain([&mut self.known.key_file]);
        let lists = self.upstream.extra_roots.iter_mut().chain(&mut self.policy.files);
        let lists = lists.chain(&mut self.known.edm).chain(&mut self.known.fingerprints);
        let lists = lists.chain(&mut tls.client_crls).chain(&mut self.upstream.crls).chain(&mut self.bypass.lists);
        let shown = self.upstream.client_certificates.iter_mut().flat_map(|own| [&mut own.cert, &mut own.key]);
        for path in single.flatten().chain(lists).chain(parent).chain(shown).chain(log) {
            *path = base.join(&path);
        }
    }
}

fn first_of_list(all: &Path) -> PathBuf {
    let text = all.to_string_lossy();
    text.split(':').next().map_or_else(|| all.to_path_buf(), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn parse(text: &str) -> Result<Config, String> {
        toml::from_str::<Config>(text).map_err(|error| error.to_string())
    }

    #[test]
    fn an_empty_file_is_the_default() {
        let config = parse("").unwrap();
        assert_eq!(config, Config::default());
        assert_eq!(config.listen.proxy, ["127.0.0.1:8080".parse().unwrap()]);
        assert_eq!(config.listen.admin, "127.0.0.1:9090".parse().unwrap());
        assert_eq!(config.inspection.gate_max, 64 * 1024 * 1024);
        config.check().unwrap();
    }

    #[test]
    fn every_value_is_typed() {
        let text = r#"
            listen.proxy = ["0.0.0.0:3128", "[::1]:3128"]
            limits.header_timeout = "1500ms"
            inspection.gate_max = "1GiB"
            connect.allowed_ports = [443]
            bypass.hosts = ["*.bank.example", "login.example"]
            resolver.override = { "*.dropbox.example:443" = "127.0.0.1:18443", "a.example" = "[::1]:1" }
        "#;
        let config = parse(text).unwrap();
        assert_eq!(config.listen.proxy.len(), 2);
        assert_eq!(config.limits.header_timeout, Duration::from_millis(1500));
        assert_eq!(config.inspection.gate_max, 1 << 30);
        assert_eq!(config.resolver.overrides.len(), 2);
    }

    #[test]
    fn wrong_files_are_pointed_at() {
        let rows = [
            (
                "[listen]\nproxi = []",
                "line 2, column 1",
                "unknown field `proxi`, expected one of `proxy`, `proxy_tls`, `icap`, `admin`",
            ),
            ("[listen]\nadmin = \"9090\"", "line 2, column 9", "expected address:port"),
            ("[listen]\nproxy = [\"localhost:8080\"]", "line 2, column 9", "got \"localhost:8080\""),
            ("[resolver.override]\n\"a.example\" = \"127.0.0.1\"", "line 2", "expected address:port"),
            ("[inspection]\ngate_max = \"64 apples\"", "line 2, column 12", "expected a size such as \"64MiB\""),
            ("[limits]\nidle_timeout = \"soon\"", "line 2, column 16", "expected a duration such as \"10s\""),
            ("[connect]\nallowed_ports = [0]", "line 2, column 18", "nonzero"),
            ("[upstream]\nparent = \"http://a:1\"", "line 2, column 10", "expected host:port without a scheme"),
            ("[upstream]\nparent = \"a.example\"", "line 2, column 10", "got \"a.example\""),
            ("[bypass]\nhosts = [\"a b\"]", "line 2, column 9", "expected a host or *.suffix"),
            ("[resolver.override]\n\"127.1\" = \"127.0.0.1:1\"", "line 2", "expected host[:port] or *.suffix[:port]"),
            (
                "[identity]\nanonymous = \"maybe\"",
                "line 2, column 13",
                "unknown variant `maybe`, expected `allow` or `deny`",
            ),
            ("nonsense", "line 1, column 9", "key with no value"),
        ];
        for (text, place, message) in rows {
            let error = parse(text).unwrap_err();
            assert!(error.contains(place) && error.contains(message) && error.contains('^'), "{text:?} gave\n{error}");
        }
    }

    #[test]
    fn contradictions_name_the_key() {
        let rows = [
            ("listen.proxy = []", "listen.proxy"),
            ("ca.cert = \"ca.pem\"", "ca.cert"),
            ("tls.key = \"key.pem\"", "tls.cert"),
            ("listen.proxy_tls = [\"127.0.0.1:1\"]", "listen.proxy_tls"),
            ("identity.anonymous = \"deny\"", "identity.anonymous"),
            ("upstream.parent_credentials = \"file\"", "upstream.parent"),
            ("tls.client_ca = \"ca.pem\"", "tls.client_ca"),
            ("tls.client_crls = [\"ca.crl\"]", "tls.client_crls"),
            ("identity.jwt = { issuer = \"i\", audience = \"a\" }", "identity.jwt"),
            ("identity.jwt = { issuer = \"i\", audience = \"a\", key = \"k\", secret = \"s\" }", "identity.jwt"),
            ("identity.jwt = { issuer = \"\", audience = \"a\", key = \"k\" }", "identity.jwt"),
            ("known.edm = [\"a.edm\"]", "known.key_file"),
            ("known.key_file = \"a.key\"", "known.key_file"),
            ("upstream.use_system_roots = false", "upstream.use_system_roots"),
            ("inspection.spool_total_max = \"1MiB\"", "inspection.spool_total_max"),
        ];
        for (text, expected) in rows {
            match parse(text).unwrap().check() {
                Err(ConfigError::Invalid { key, .. }) => assert_eq!(key, expected),
                other => panic!("{text:?} gave {other:?}"),
            }
        }
    }

    #[test]
    fn only_a_file_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        for path in [&pipe, dir.path()] {
            let error = Config::load(path).unwrap_err().to_string();
            assert!(error.contains("expected a regular file"), "{error}");
        }
    }

    #[test]
    fn the_state_directory_has_an_order() {
        type Variables = &'static [(&'static str, &'static str)];
        let rows: [(&str, Variables, Option<&str>); 5] = [
            ("state.dir = \"/s\"", &[("STATE_DIRECTORY", "/a")], Some("/s")),
            ("", &[("STATE_DIRECTORY", "/a:/b"), ("HOME", "/h")], Some("/a")),
            ("", &[("XDG_STATE_HOME", "/x"), ("HOME", "/h")], Some("/x/dlp")),
            ("", &[("XDG_STATE_HOME", ""), ("HOME", "/h")], Some("/h/.local/state/dlp")),
            ("", &[], None),
        ];
        for (text, environment, expected) in rows {
            let lookup = |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v));
            let got = parse(text).unwrap().state_dir(lookup).ok();
            assert_eq!(got, expected.map(PathBuf::from), "{text:?} {environment:?}");
        }
    }
}
