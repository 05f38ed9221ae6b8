//! Which tunnels are relayed unread: by host, by lists of hosts, by category of the catalogue.
//!
//! Health insurers, banks and whoever else must not be looked at come in lists that somebody keeps; the lists are read again
//! with the policies.

use crate::config::{BypassConfig, HostPattern};
use crate::names::Host;
use dlp_core::decision::AppCategory;
use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

/// Why lists of hosts cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BypassError {
    /// A file could not be read.
    #[error("bypass.lists: cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line is no host.
    #[error("bypass.lists: {}, line {line}: expected a host or *.suffix, such as bank.example or *.bank.example", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Line, from 1. What stands there is not shown: a file that was named by mistake may hold a key.
        line: usize,
    },
}

/// What is not opened.
#[derive(Debug, Default)]
pub(crate) struct Bypass {
    exact: HashSet<Host>,
    below: HashSet<String>,
    categories: Vec<AppCategory>,
    pinned: Vec<HostPattern>,
}

impl Bypass {
    /// Reads all lists.
    pub(crate) fn read(config: &BypassConfig) -> Result<Self, BypassError> {
        let mut bypass =
            Self { categories: config.categories.clone(), pinned: config.pinned.clone(), ..Self::default() };
        config.hosts.iter().cloned().for_each(|pattern| bypass.add(pattern));
        for path in &config.lists {
            let text = fs::read_to_string(path).map_err(|source| BypassError::Read { path: path.clone(), source })?;
            for (index, line) in text.lines().enumerate() {
                let entry = line.split('#').next().unwrap_or_default().trim();
                let wrong = || BypassError::Line { path: path.clone(), line: index + 1 };
                if !entry.is_empty() {
                    bypass.add(HostPattern::parse(entry).ok_or_else(wrong)?);
                }
            }
        }
        Ok(bypass)
    }

    fn add(&mut self, pattern: HostPattern) {
        match pattern {
            HostPattern::Exact(host) => drop(self.exact.insert(host)),
            HostPattern::Below(suffix) => drop(self.below.insert(suffix)),
        }
    }

    /// Whether a host of this category is relayed unread.
    pub(crate) fn covers(&self, host: &Host, category: impl FnOnce() -> AppCategory) -> bool {
        self.exact.contains(host)
            || host.name().is_some_and(|name| self.is_below(name))
            || (!self.categories.is_empty() && self.categories.contains(&category()))
    }

    /// Whether a host is relayed unread for programs that seem to pin its certificate.
    pub(crate) fn lets_pin(&self, host: &Host) -> bool {
        self.pinned.iter().any(|pattern| pattern.covers(host))
    }

    /// Whether a name lies below one of the suffixes.
    fn is_below(&self, name: &str) -> bool {
        !self.below.is_empty()
            && name.match_indices('.').any(|(dot, _)| dot > 0 && self.below.contains(&name[dot + 1..]))
    }

    /// All of it as patterns, for people who are to be warned.
    pub(crate) fn patterns(&self) -> Vec<HostPattern> {
        let below = self.below.iter().cloned().map(HostPattern::Below);
        let mut all: Vec<_> = self.exact.iter().cloned().map(HostPattern::Exact).chain(below).collect();
        all.sort();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(list: &str, settings: &str) -> Result<Bypass, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), list).unwrap();
        let text = format!("bypass.lists = [\"{}\"]\n{settings}", file.path().display());
        let config: crate::config::Config = toml::from_str(&text).unwrap();
        Bypass::read(&config.bypass).map_err(|error| error.to_string())
    }

    #[test]
    fn hosts_are_covered_by_name_suffix_and_category() {
        let list = "# banks\nbank.example  # the house bank\n\n*.health.example\n192.0.2.7\n";
        let bypass = read(list, "bypass.hosts = [\"own.example\"]\nbypass.categories = [\"webmail\"]").unwrap();
        let rows = [
            ("bank.example", AppCategory::Unlisted, true),
            ("www.bank.example", AppCategory::Unlisted, false),
            ("a.b.health.example", AppCategory::Unlisted, true),
            ("health.example", AppCategory::Unlisted, false),
            ("nothealth.example", AppCategory::Unlisted, false),
            ("192.0.2.7", AppCategory::Unlisted, true),
            ("own.example", AppCategory::Unlisted, true),
            ("mail.example", AppCategory::Webmail, true),
            ("files.example", AppCategory::Storage, false),
        ];
        for (host, category, expected) in rows {
            assert_eq!(bypass.covers(&Host::parse(host).unwrap(), || category), expected, "{host}");
        }
        assert_eq!(bypass.patterns().len(), 4);
    }

    #[test]
    fn a_wrong_line_is_not_shown() {
        let error = read("bank.example\n-----BEGIN PRIVATE KEY-----\n", "").unwrap_err();
        assert!(error.contains("line 2: expected a host or *.suffix") && !error.contains("BEGIN"), "{error}");
    }
}
