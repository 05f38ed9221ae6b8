//! Tells clients that pin certificates from those that trust the gateway's authority.
//!
//! A client that refuses the handshake at one host again and again, and never finishes one, does not want the certificate of
//! anybody else, or does not know the authority. Which of the two it is nobody can tell from here; that it is so is worth a
//! word, and for hosts that were named for it, a tunnel that is not opened.

use crate::names::Host;
use http::HeaderValue;
use moka::sync::Cache;
use std::time::Duration;

/// Refusals after which a client seems to pin.
const REFUSALS: u32 = 3;
/// Time in which they have to come.
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
    refused: Cache<Pair, u32>,
}

impl Pinning {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self::within(WITHIN)
    }

    fn within(time: Duration) -> Self {
        Self { refused: Cache::builder().max_capacity(PAIRS_MAX).time_to_live(time).build() }
    }

    /// Takes note of a refusal; true when it makes the client one that seems to pin.
    pub(crate) fn refused(&self, pair: &Pair) -> bool {
        let count = self.refused.get(pair).unwrap_or_default().saturating_add(1);
        self.refused.insert(pair.clone(), count);
        count == REFUSALS
    }

    /// Takes note of a handshake that was finished.
    pub(crate) fn accepted(&self, pair: &Pair) {
        if self.refused.contains_key(pair) {
            self.refused.invalidate(pair);
        }
    }

    /// Whether the client seems to pin.
    pub(crate) fn is_suspected(&self, pair: &Pair) -> bool {
        self.refused.get(pair).is_some_and(|count| count >= REFUSALS)
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
        let pinning = Pinning::new();
        let (app, other) = (pair("a.example", "App/1.2 (x)"), pair("a.example", "Other/1"));
        assert_eq!([pinning.refused(&app), pinning.refused(&app)], [false, false]);
        pinning.accepted(&app);
        assert_eq!([(); 4].map(|()| pinning.refused(&app)), [false, false, true, false]);
        assert!(pinning.is_suspected(&pair("a.example", "App/9")) && !pinning.is_suspected(&other));
        assert!(!pinning.is_suspected(&pair("b.example", "App/1.2")));
    }

    #[test]
    fn a_suspicion_ends() {
        let pinning = Pinning::within(Duration::from_millis(20));
        let app = pair("a.example", "App");
        assert_eq!((0..REFUSALS).filter(|_| pinning.refused(&app)).count(), 1);
        assert!(pinning.is_suspected(&app));
        std::thread::sleep(Duration::from_millis(40));
        assert!(!pinning.is_suspected(&app));
    }
}
