//! What can be exchanged while the gateway runs: policies, users, what is not opened, the certificates of the proxy itself,
//! revocation lists for origins, and indexes of what is known.
//!
//! A decision is made under one set of rules. A request whose head was decided before an exchange and whose body after it
//! meets the new rules with its body, which is what whoever revokes something wants.

use crate::bypass::Bypass;
use crate::config::{Config, UpstreamConfig};
use crate::gateway::{StartError, inspection_with, seconds_of};
use crate::identity::Identity;
use crate::services::{InspectionServices, Services};
use crate::tls::origin::{OriginConfigs, client_configs};
use crate::tls::own;
use dlp_core::decision::{Policies, Policy};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;
use tokio_rustls::TlsAcceptor;

/// One set of rules, read and checked as a whole.
pub(crate) struct Rules {
    /// Policies in force.
    pub(crate) policies: Policies,
    /// Who sends.
    pub(crate) identity: Identity,
    /// What is not opened.
    pub(crate) bypass: Bypass,
    /// TLS of the proxy itself, where it is offered.
    pub(crate) own_tls: Option<TlsAcceptor>,
    /// When the certificate for it ends.
    pub(crate) own_not_after: Option<SystemTime>,
}

impl Rules {
    /// Reads everything that the configuration names.
    pub(crate) fn from_files(config: &Config) -> Result<Self, StartError> {
        let read = |path: &PathBuf| {
            let text =
                fs::read_to_string(path).map_err(|source| StartError::PolicyFile { path: path.clone(), source })?;
            Ok(Policy::from_toml(&path.display().to_string(), &text)?)
        };
        let policies = config.policy.files.iter().map(read).collect::<Result<Vec<_>, StartError>>()?;
        let own_tls = match (&config.tls.cert, &config.tls.key) {
            (Some(cert), Some(key)) => {
                let client_ca = config.tls.client_ca.as_deref();
                Some(TlsAcceptor::from(own::server_config((cert, key), client_ca, &config.tls.client_crls)?))
            }
            _ => None,
        };
        let own_not_after = config.tls.cert.as_deref().and_then(own::not_after);
        let revoked = own::revoked_clients(&config.tls.client_crls)?;
        let identity = Identity::new(&config.identity)?.without(revoked);
        Ok(Self {
            policies: Policies::new(policies),
            identity,
            bypass: Bypass::read(&config.bypass)?,
            own_tls,
            own_not_after,
        })
    }
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rules").field("policies", &self.policies).finish_non_exhaustive()
    }
}

/// Something of which there is one at any moment, and another one later.
#[derive(Debug)]
pub(crate) struct Exchangeable<T>(RwLock<Arc<T>>);

impl<T> Exchangeable<T> {
    /// Begins with this one.
    pub(crate) fn new(first: T) -> Self {
        Self(RwLock::new(Arc::new(first)))
    }

    /// The one of this moment.
    pub(crate) fn now(&self) -> Arc<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another one in its place.
    pub(crate) fn exchange(&self, next: T) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }
}

/// Exchanges the rules of a running gateway.
#[derive(Clone, Debug)]
pub struct Reloader(Arc<Services>);

impl Reloader {
    pub(crate) fn new(services: Arc<Services>) -> Self {
        Self(services)
    }

    /// Reads the policies, users, certificates, lists and indexes that a configuration names, and puts them in force together. Says whether
    /// anything else differs from the configuration that the gateway was started with, which takes a restart.
    ///
    /// # Errors
    /// When anything is wrong; then all stays as it was.
    pub fn reload(&self, config: &Config) -> Result<bool, StartError> {
        let read = self.read(config);
        let services = &self.0;
        services.metrics.count_reload(read.is_ok());
        let (rules, inspection, origins) = read?;
        services.metrics.own_not_after.set(rules.own_not_after.map_or(0, seconds_of));
        services.rules.exchange(rules);
        if let Some(inspection) = inspection {
            services.inspection.exchange(inspection);
        }
        services.upstream.exchange_tls(origins);
        services.request_log.open_anew();
        // Whoever is not let in any more is not kept in either.
        services.access.sweep(&services.rules);
        let running = &services.config;
        let same_else = Config {
            policy: running.policy.clone(),
            identity: running.identity.clone(),
            known: running.known.clone(),
            tls: running.tls.clone(),
            bypass: running.bypass.clone(),
            upstream: UpstreamConfig { crls: running.upstream.crls.clone(), ..config.upstream.clone() },
            ..config.clone()
        };
        Ok(same_else != *running)
    }

    /// Detectors are compiled anew only where indexes bring some, or brought some.
    fn read(&self, config: &Config) -> Result<(Rules, Option<InspectionServices>, OriginConfigs), StartError> {
        config.check()?;
        let rules = Rules::from_files(config)?;
        let upstream = UpstreamConfig { crls: config.upstream.crls.clone(), ..self.0.config.upstream.clone() };
        let origins = client_configs(&upstream, self.0.mint.ca_chain())?;
        let now = self.0.inspection.now();
        let is_known = !config.known.is_empty() || now.has_known;
        let inspection = is_known.then(|| inspection_with(&config.known, now.limits.clone(), now.risky.clone()));
        Ok((rules, inspection.transpose()?, origins))
    }
}
