//! Tells clients that pin certificates from those that trust the gateway's authority.
//!
//! A client that refuses the handshake at one host again and again, and never finishes one, does not want the certificate of
//! anybody else, or does not know the authority. Which of the two it is nobody can tell from here; that it is so is worth a
//! word, and for hosts that were named for it, a tunnel that is not opened.

use crate::names::Host;
use http::HeaderValue;
use moka::sync::Cache;
use std::time::{Duration, Instant};

/// Refusals after which a client seems to pin.
const REFUSALS: u32 = 3;
/// Time after the first in which they have to come.
const WITHIN: Duration = Duration::from_secs(600);
/// Pairs of hosts and kinds of clients that are remembered.
const PAIRS_MAX: u64 = 10_000;
/// Bytes of the name of a kind of client. It is chosen by the client.
const CLIENT_BYTES_MAX: usize = 32;

/// A kind of client at a host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pair {
    host: Host,
    client: String,
}

impl Pair {
    /// A client by what it calls itself, without its version.
    pub(crate) fn new(host: &Host, user_agent: Option<&HeaderValue>) -> Self {
        let name = user_agent.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let name = name.split(['/', ' ', '(']).next().unwrap_or_default();
        let name = name.chars().filter(char::is_ascii_graphic).take(CLIENT_BYTES_MAX).collect();
        Self { host: host.clone(), client: name }
    }

    /// What the client calls itself.
    pub(crate) fn client(&self) -> &str {
        &self.client
    }
}

/// What clients have refused lately.
#[derive(Debug)]
pub(crate) struct Pinning {
    refused: Cache<Pair, Refused>,
}

/// Refusals that belong together.
#[derive(Clone, Copy, Debug)]
struct Refused {
    /// The first of them.
    since: Instant,
    count: u32,
}

impl Refused {
    fn is_over(self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= WITHIN
    }
}

impl Pinning {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        // The instants decide; the cache only makes room, later.
        Self { refused: Cache::builder().max_capacity(PAIRS_MAX).time_to_live(WITHIN).build() }
    }

    /// Takes note of a refusal; true when it makes the client one that seems to pin.
    pub(crate) fn refused(&self, pair: &Pair, now: Instant) -> bool {
        let counted = self.refused.entry_by_ref(pair).and_upsert_with(|before| {
            match before.map(moka::Entry::into_value).filter(|refused| !refused.is_over(now)) {
                Some(refused) => Refused { count: refused.count.saturating_add(1), ..refused },
                None => Refused { since: now, count: 1 },
            }
        });
        counted.into_value().count == REFUSALS
    }

    /// Takes note of a handshake that was finished.
    pub(crate) fn accepted(&self, pair: &Pair) {
        if self.refused.contains_key(pair) {
            self.refused.invalidate(pair);
        }
    }

    /// Whether the client seems to pin.
    pub(crate) fn is_suspected(&self, pair: &Pair, now: Instant) -> bool {
        self.refused.get(pair).is_some_and(|refused| refused.count >= REFUSALS && !refused.is_over(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(host: &str, agent: &'static str) -> Pair {
        Pair::new(&Host::parse(host).unwrap(), Some(&HeaderValue::from_static(agent)))
    }

    #[test]
    fn three_refusals_without_a_success_are_a_suspicion() {
        let (pinning, now) = (Pinning::new(), Instant::now());
        let (app, other) = (pair("a.example", "App/1.2 (x)"), pair("a.example", "Other/1"));
        assert_eq!([(); 2].map(|()| pinning.refused(&app, now)), [false, false]);
        pinning.accepted(&app);
        assert_eq!([(); 4].map(|()| pinning.refused(&app, now)), [false, false, true, false]);
        assert!(pinning.is_suspected(&pair("a.example", "App/9"), now) && !pinning.is_suspected(&other, now));
        assert!(!pinning.is_suspected(&pair("b.example", "App/1.2"), now));
    }

    #[test]
    fn refusals_count_within_ten_minutes_of_the_first() {
        let rows: [(&[u64], bool); 5] = [
            (&[0, 1, 2], true),
            (&[0, 300, 599], true),
            (&[0, 300, 600], false),
            // Each within ten minutes of the one before.
            (&[0, 540, 1080], false),
            (&[0, 540, 700, 701, 702], true),
        ];
        for (seconds, expected) in rows {
            let (pinning, begin, app) = (Pinning::new(), Instant::now(), pair("a.example", "App"));
            let at = |second: &u64| begin + Duration::from_secs(*second);
            let suspicions = seconds.iter().filter(|second| pinning.refused(&app, at(second))).count();
            assert_eq!(suspicions, usize::from(expected), "{seconds:?}");
            assert_eq!(pinning.is_suspected(&app, at(seconds.last().unwrap())), expected, "{seconds:?}");
        }
    }

    #[test]
    fn a_suspicion_ends() {
        let (pinning, begin, app) = (Pinning::new(), Instant::now(), pair("a.example", "App"));
        assert_eq!((0..REFUSALS).filter(|_| pinning.refused(&app, begin)).count(), 1);
        let last = WITHIN - Duration::from_secs(1);
        assert!(pinning.is_suspected(&app, begin + last) && !pinning.is_suspected(&app, begin + WITHIN));
    }

    #[test]
    fn refusals_at_the_same_time_are_all_counted() {
        let (pinning, now, app) = (Pinning::new(), Instant::now(), pair("a.example", "App"));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..1_000).filter(|_| pinning.refused(&app, now)).count());
            }
        });
        assert_eq!(pinning.refused.get(&app).unwrap().count, 8_000);
    }
}
