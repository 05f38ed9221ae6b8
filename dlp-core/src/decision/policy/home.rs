//! Credentials on their way to whoever issued them.
//!
//! A token that is sent to the service that it opens is used, not given away. A policy lists which detectors are at
//! home at which hosts; at home a finding counts for no rule. Only for what a client does with its own token: small
//! requests that neither upload nor publish, because a host that issues tokens may store files for anybody, too.

use super::condition::{glob_matches, host_matches};
use crate::decision::{Activity, DetectorSummary, Transfer};
use serde::Deserialize;

/// Activities in which a credential is used. All others bring content in, or open it to people.
const USES: [Activity; 7] = [
    Activity::Browse,
    Activity::Login,
    Activity::Download,
    Activity::Delete,
    Activity::Post,
    Activity::Prompt,
    Activity::Admin,
];

/// Largest request that is taken for the use of a credential, in bytes; a bigger one carries other things as well.
const USE_SIZE_MAX_BYTES: u64 = 64 * 1024;

/// Detectors and the hosts at which their findings are at home.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Home {
    /// Detector ids, with `*` for any run of characters.
    detectors: Vec<String>,
    /// Hosts, each with everything below it.
    hosts: Vec<String>,
}

impl Home {
    /// Says what is wrong with the entry, if anything.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.detectors.is_empty() || self.hosts.is_empty() {
            return Err("expected at least one entry in `detectors` and in `hosts`".to_owned());
        }
        if let Some(host) = self.hosts.iter().find(|host| !is_host(host)) {
            return Err(format!("expected hosts such as `api.github.com`, lower case and with a dot, found `{host}`"));
        }
        match self.detectors.iter().find(|glob| !glob.starts_with("secret.") || glob.as_str() == "secret.*") {
            Some(glob) => Err(format!("expected detectors of one provider such as `secret.github.*`, found `{glob}`")),
            None => Ok(()),
        }
    }

    /// The detectors, for the test that compares them with what there is.
    #[cfg(test)]
    pub(super) fn detectors(&self) -> &[String] {
        &self.detectors
    }

    fn covers(&self, finding: &DetectorSummary, host: &str) -> bool {
        self.hosts.iter().any(|entry| host_matches(entry, host))
            && self.detectors.iter().any(|glob| glob_matches(glob, &finding.detector))
    }
}

/// Whether an entry is a plain host name of two labels at least. A whole top-level domain, a pattern or an address is
/// nobody's home.
fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len())
            && label.bytes().all(is_letter)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or("");
    text.len() <= 253
        && text.contains('.')
        && text.split('.').all(is_label)
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}

/// The findings that are left for rules, and a sentence for each one that is at home.
pub(super) fn away_from_home(homes: &[Home], transfer: &Transfer) -> (Vec<DetectorSummary>, Vec<String>) {
    let (head, item) = (&transfer.head, &transfer.item);
    let is_use = USES.contains(&head.activity) && item.size_bytes.is_some_and(|size| size <= USE_SIZE_MAX_BYTES);
    let host = &head.destination.host;
    let is_home = |f: &DetectorSummary| is_use && homes.iter().any(|home| home.covers(f, host));
    let (home, away): (Vec<_>, Vec<_>) = item.findings.iter().cloned().partition(is_home);
    let notes = home.iter().map(|f| format!("{}: sent to its own service", f.detector)).collect();
    (away, notes)
}
