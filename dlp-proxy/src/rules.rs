//! What can be exchanged while the gateway runs: policies and users.
//!
//! A decision is made under one set of rules. A request whose head was decided before an exchange and whose body after it
//! meets the new rules with its body, which is what whoever revokes something wants.

use crate::config::Config;
use crate::gateway::StartError;
use crate::identity::Identity;
use crate::services::Services;
use dlp_core::decision::{Policies, Policy};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

/// One set of rules, read and checked as a whole.
#[derive(Debug)]
pub(crate) struct Rules {
    /// Policies in force.
    pub(crate) policies: Policies,
    /// Who sends.
    pub(crate) identity: Identity,
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
        Ok(Self { policies: Policies::new(policies), identity: Identity::new(&config.identity)? })
    }
}

/// The rules in force.
#[derive(Debug)]
pub(crate) struct Exchangeable(RwLock<Arc<Rules>>);

impl Exchangeable {
    /// Begins with these.
    pub(crate) fn new(rules: Rules) -> Self {
        Self(RwLock::new(Arc::new(rules)))
    }

    /// Those of this moment.
    pub(crate) fn now(&self) -> Arc<Rules> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn exchange(&self, rules: Rules) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }
}

/// Exchanges the rules of a running gateway.
#[derive(Clone, Debug)]
pub struct Reloader(Arc<Services>);

impl Reloader {
    pub(crate) fn new(services: Arc<Services>) -> Self {
        Self(services)
    }

    /// Reads the policies and users that a configuration names, and puts them in force together. Says whether anything
    /// else differs from the configuration that the gateway was started with, which takes a restart.
    ///
    /// # Errors
    /// When anything is wrong; then all stays as it was.
    pub fn reload(&self, config: &Config) -> Result<bool, StartError> {
        let rules = config.check().map_err(StartError::from).and_then(|()| Rules::from_files(config));
        let services = &self.0;
        services.metrics.count_reload(rules.is_ok());
        services.rules.exchange(rules?);
        // Whoever is not let in any more is not kept in either.
        services.access.sweep(&services.rules);
        let running = &services.config;
        let same_else = Config { policy: running.policy.clone(), identity: running.identity.clone(), ..config.clone() };
        Ok(same_else != *running)
    }
}
