//! Names of hosts that carry something: whoever answers for a domain reads every name below it that is asked for, so a value
//! can leave as `4000-0100-….evil.example` without a request. Such a name is judged before anybody is asked for it.

use super::inspection::{self, Inspected};
use super::outcome::{self, Verdict};
use super::site::Site;
use crate::body::NAME_DIGITS_MIN;
use crate::names::{Authority, Host};
use crate::services::Services;
use bytes::Bytes;
use dlp_core::decision::{Activity, Actor, Channel, HeadDecision, Transfer, TransferHead};
use http::Response;
use http::request::Parts;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Length from which on a label is looked at, the shortest that holds a credential or anything encoded.
const LABEL_BYTES_MIN: usize = 16;
/// Stands for the other labels of a domain that is itself what was found.
const NOT_SHOWN: &str = "*";
/// Time in which a name that is let through is recorded once for whoever asks for it.
const TOLD_FOR: Duration = Duration::from_secs(3600);
/// Names with who asked for them that are remembered; more are recorded again.
const TOLD_MAX: usize = 10_000;

/// Which names that carry something were let through of late, and for whom, as hashes.
#[derive(Debug, Default)]
pub(crate) struct ToldNames {
    told: Mutex<HashMap<u64, Instant>>,
    hasher: RandomState,
}

impl ToldNames {
    /// Whether nothing was said of this yet.
    fn is_news(&self, who: &str, name: &str, now: Instant) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let word = self.hasher.hash_one((who, name));
        let is_late = |at: &Instant| now.saturating_duration_since(*at) < TOLD_FOR;
        if told.get(&word).is_some_and(is_late) {
            return false;
        }
        if told.len() >= TOLD_MAX {
            told.retain(|_, at| is_late(at));
        }
        if told.len() >= TOLD_MAX {
            told.clear();
        }
        told.insert(word, now);
        true
    }
}

/// A request that names a host which may not be asked for.
#[derive(Debug)]
pub(crate) struct Refused {
    /// What it is told.
    pub(crate) answer: Response<Bytes>,
    pub(super) verdict: Verdict,
}

/// The answer to a request that names a host which may not be asked for. What is found and let through is recorded.
pub(crate) async fn refusal(
    services: &Services,
    (authority, is_tls): (&Authority, bool),
    (actor, peer): (Actor, SocketAddr),
    parts: &Parts,
) -> Option<Refused> {
    let Host::Name(name) = &authority.host else { return None };
    if !may_carry(name) {
        return None;
    }
    let tenancy = &services.config.tenant.corporate;
    let destination = services.catalogue.destination_of_host(name, tenancy);
    let head = TransferHead { actor, channel: Channel::WebUpload, destination, activity: Activity::Browse };
    let policies = &services.rules.now().policies;
    if matches!(policies.decide_head(&head, SystemTime::now()), HeadDecision::Final(_)) {
        return None;
    }
    let Inspected { item, .. } = inspection::inspect_host(services, name.clone()).await;
    let mut decision = policies.decide(&Transfer { head: head.clone(), item: item.clone() }, SystemTime::now());
    let shown = if inspection::is_telling(&item) { shown_end(services, name).await } else { name.clone() };
    let mut transfer = Transfer { head, item };
    transfer.head.destination.host.clone_from(&shown);
    decision.reasons.iter_mut().for_each(|reason| *reason = reason.replace(name, &shown));
    let path_masked = Some("/".to_owned());
    let verdict = Verdict { transfer, decision, answer: None, peer, path_masked };
    if !verdict.is_incident() {
        return None;
    }
    let address = peer.ip().to_string();
    let who = verdict.transfer.head.actor.user.as_deref().unwrap_or(&address);
    if !verdict.is_refused() && !services.told_names.is_news(who, name, Instant::now()) {
        return None;
    }
    let authority = Authority { host: Host::Name(shown), port: authority.port };
    let site = Site { authority, is_tls, target: "/".to_owned() };
    let answer = outcome::conclude(services, &verdict, parts, &site).await?;
    Some(Refused { answer, verdict })
}

/// A name as it is shown: what holds something is not shown, in whatever incident or log it stands.
pub(super) async fn shown(services: &Services, name: &str) -> String {
    if !may_carry(name) || !inspection::is_telling_host(services, name).await {
        return name.to_owned();
    }
    shown_end(services, name).await
}

/// What is shown of a name in which something was found.
async fn shown_end(services: &Services, name: &str) -> String {
    // Below such an end everybody may choose a name, as often as they like: it may be half of what was found.
    if let Some(suffix) = private_suffix(name) {
        return format!("{NOT_SHOWN}.{suffix}");
    }
    let end = registered_domain(name).to_owned();
    match (
        digits_in(&end) >= NAME_DIGITS_MIN || inspection::is_telling_host(services, &end).await,
        end.rsplit_once('.'),
    ) {
        (false, _) => end,
        (true, Some((_, top))) => format!("{NOT_SHOWN}.{top}"),
        (true, None) => NOT_SHOWN.to_owned(),
    }
}

fn may_carry(name: &str) -> bool {
    digits_in(name) >= NAME_DIGITS_MIN || name.split('.').any(|label| label.len() >= LABEL_BYTES_MIN)
}

fn digits_in(name: &str) -> usize {
    name.bytes().filter(u8::is_ascii_digit).count()
}

/// The part of a name that somebody registered, with which all names below it are theirs. Under which ends names are
/// registered tells the Public Suffix List.
pub(super) fn registered_domain(name: &str) -> &str {
    let is_address = name.starts_with('[') || name.parse::<IpAddr>().is_ok();
    psl::domain_str(name).filter(|_| !is_address).unwrap_or(name)
}

/// The end of a name under which somebody who is no registry gives names away, such as `github.io`.
fn private_suffix(name: &str) -> Option<&str> {
    let suffix = psl::suffix(name.as_bytes()).filter(|suffix| suffix.typ() == Some(psl::Type::Private))?;
    std::str::from_utf8(suffix.as_bytes()).ok().filter(|suffix| suffix.len() < name.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_are_not_looked_at() {
        let rows = [
            ("www.files.example", false),
            ("s3.eu-central-1.amazonaws.com", false),
            ("40001.00007.a.example", true),
            ("xr695714a.a.example", true),
            ("img12345.a.example", false),
            ("abcdefghijklmnop.example", true),
        ];
        for (name, expected) in rows {
            assert_eq!(may_carry(name), expected, "{name}");
        }
    }

    #[test]
    fn the_end_of_a_name_is_shown() {
        let rows = [
            ("a.b.evil.example", "evil.example"),
            ("evil.example", "evil.example"),
            ("a", "a"),
            ("4000.0100.evil.co.uk", "evil.co.uk"),
            ("4000.evil.com.pl", "evil.com.pl"),
            ("4000.evil.github.io", "evil.github.io"),
            ("co.uk", "co.uk"),
            ("192.0.2.17", "192.0.2.17"),
        ];
        for (name, expected) in rows {
            assert_eq!(registered_domain(name), expected);
        }
    }

    #[test]
    fn names_that_are_given_away_are_known() {
        let rows = [
            ("akia.z7qwerty.github.io", Some("github.io")),
            ("half.duckdns.org", Some("duckdns.org")),
            ("github.io", None),
            ("a.evil.co.uk", None),
            ("evil.example", None),
            ("192.0.2.17", None),
        ];
        for (name, expected) in rows {
            assert_eq!(private_suffix(name), expected, "{name}");
        }
    }

    #[test]
    fn a_name_that_is_let_through_is_told_once_an_hour() {
        let (told, start) = (ToldNames::default(), Instant::now());
        let rows = [
            ("anna", "a.example", 0, true),
            ("anna", "a.example", 1, false),
            ("bob", "a.example", 1, true),
            ("anna", "b.example", 1, true),
            ("anna", "a.example", 3599, false),
            ("anna", "a.example", 3600, true),
            ("anna", "a.example", 3601, false),
        ];
        for (who, name, seconds, expected) in rows {
            assert_eq!(
                told.is_news(who, name, start + Duration::from_secs(seconds)),
                expected,
                "{who} {name} {seconds}"
            );
        }
        assert!((0..3 * TOLD_MAX).all(|number| told.is_news("anna", &number.to_string(), start)));
        assert!(told.told.lock().unwrap().len() <= TOLD_MAX);
    }
}
