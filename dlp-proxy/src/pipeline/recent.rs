//! Values that were let through of late, so that one by one in small requests they are counted like those of a list.
//!
//! Rules count values in what is judged together: a body, or an upload. With `inspection.count_window` they are counted over
//! what a sender brought to the same destination in that time, too. Of what was let through, and of nothing else, digests of
//! values and a few of their masks are kept; each value counts once, however often it is sent.

use super::host::registered_domain;
use crate::services::Services;
use dlp_core::base::Limits;
use dlp_core::decision::{Action, Decision, DetectorSummary, Item, Summariser, Transfer};
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Parts of the window, each of which is forgotten as a whole, when the window is over for the last value in it.
const SLOTS: u32 = 4;
/// Senders with a destination that are remembered. The one that was heard of longest ago makes room.
const SENDERS_MAX: usize = 1_000;
/// Values of one of them in a part of the window that are told apart. Beyond it each one counts as new.
const VALUES_MAX: u64 = 1_024;

/// Who sends to which destination.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Sender {
    /// The user, or the address of whoever says no name.
    who: String,
    /// The application, or the domain that somebody registered: all hosts below it are theirs.
    scope: String,
}

impl Sender {
    fn of(client: IpAddr, transfer: &Transfer) -> Self {
        let (actor, destination) = (&transfer.head.actor, &transfer.head.destination);
        Self {
            who: actor.user.clone().unwrap_or_else(|| client.to_string()),
            scope: destination.app.clone().unwrap_or_else(|| registered_domain(&destination.host).to_owned()),
        }
    }
}

/// What a sender brought of late, oldest first, each part with its begin.
type Slots = VecDeque<(Instant, Summariser)>;

/// A sender that is remembered.
#[derive(Debug)]
struct Known {
    /// When it sent last.
    heard: Instant,
    /// Its own lock: nobody else waits while it is judged.
    slots: Arc<Mutex<Slots>>,
}

/// What was let through of late.
#[derive(Debug)]
pub(crate) struct Recent {
    /// None when each request counts for itself.
    window: Option<Duration>,
    senders: Mutex<HashMap<Sender, Known>>,
}

impl Recent {
    /// Counts over so much time.
    pub(crate) fn new(window: Option<Duration>) -> Self {
        Self { window, senders: Mutex::default() }
    }

    /// What is kept of a sender, for which the one that was heard of longest ago may have to make room.
    fn slots_of(&self, sender: Sender, now: Instant) -> Arc<Mutex<Slots>> {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        if !senders.contains_key(&sender) && senders.len() >= SENDERS_MAX {
            let oldest = senders.iter().min_by_key(|(_, known)| known.heard).map(|(sender, _)| sender.clone());
            oldest.and_then(|oldest| senders.remove(&oldest));
        }
        let known = senders.entry(sender).or_insert_with(|| Known { heard: now, slots: Arc::default() });
        known.heard = known.heard.max(now);
        known.slots.clone()
    }

    /// Judges what a sender brings by what it is together with the rest, and remembers it if it may pass. Nothing else of
    /// that sender is judged meanwhile, or two that come at once would both be the first.
    fn judge<R>(
        &self,
        (sender, window, now): (Sender, Duration, Instant),
        counts: &Summariser,
        refuse: impl FnOnce(Vec<DetectorSummary>) -> Option<R>,
    ) -> Option<R> {
        let slots = self.slots_of(sender, now);
        let mut slots = slots.lock().unwrap_or_else(PoisonError::into_inner);
        let part = window / SLOTS;
        let age = |begin: Instant| now.saturating_duration_since(begin);
        while slots.front().is_some_and(|(begin, _)| age(*begin) >= window + part) {
            slots.pop_front();
        }
        if !slots.is_empty() {
            let mut together = fresh();
            slots.iter().for_each(|(_, known)| together.absorb(known));
            together.absorb(counts);
            if let Some(refused) = refuse(together.finish()) {
                return Some(refused);
            }
        }
        if slots.back().is_none_or(|(begin, _)| age(*begin) >= part) {
            slots.push_back((now, fresh()));
        }
        if let Some((_, current)) = slots.back_mut() {
            current.absorb(counts);
        }
        None
    }
}

fn fresh() -> Summariser {
    Summariser::new(&Limits { findings_max: VALUES_MAX, ..Limits::inline() })
}

/// Decides about what leaves: by itself, and by what it is together with what went before it.
pub(super) fn decide(
    services: &Services,
    (client, transfer): (IpAddr, Transfer),
    counts: Option<&Summariser>,
) -> (Transfer, Decision) {
    let decision_of = |transfer: &Transfer| services.rules.now().policies.decide(transfer, SystemTime::now());
    let decision = decision_of(&transfer);
    let recent = &services.recent;
    let (Some(window), Some(counts)) = (recent.window, counts.filter(|_| decision.action < Action::Coach)) else {
        return (transfer, decision);
    };
    let sender = Sender::of(client, &transfer);
    let refused = recent.judge((sender, window, Instant::now()), counts, |findings| {
        let item = Item { findings, ..transfer.item.clone() };
        let together = Transfer { item, ..transfer.clone() };
        let decision = decision_of(&together);
        (decision.action >= Action::Coach).then_some((together, decision))
    });
    refused.unwrap_or((transfer, decision))
}

/// Remembers what was let through in spite of its decision, with an explanation.
pub(super) fn remember(services: &Services, (client, transfer): (IpAddr, &Transfer), counts: Option<&Summariser>) {
    if let (Some(window), Some(counts)) = (services.recent.window, counts) {
        let from = (Sender::of(client, transfer), window, Instant::now());
        let _: Option<()> = services.recent.judge(from, counts, |_| None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(100);

    fn sender(who: &str) -> Sender {
        Sender { who: who.to_owned(), scope: "a.example".to_owned() }
    }

    #[test]
    fn what_went_before_counts_as_long_as_the_window_is() {
        let recent = Recent::new(Some(WINDOW));
        let begin = Instant::now();
        // Whether something went before, by who sends and when.
        let rows = [
            ("anna", 0, false),
            ("anna", 10, true),
            ("jan", 20, false),
            ("anna", 50, true),
            ("anna", 149, true),
            ("anna", 300, false),
            // Late in a part of the window, and as long as that value counts.
            ("ewa", 0, false),
            ("ewa", 24, true),
            ("ewa", 123, true),
            ("olga", 0, false),
            ("olga", 125, false),
        ];
        for (who, seconds, expected) in rows {
            let mut is_asked = false;
            let now = begin + Duration::from_secs(seconds);
            let refused = recent.judge((sender(who), WINDOW, now), &fresh(), |_| {
                is_asked = true;
                None::<()>
            });
            assert_eq!((is_asked, refused), (expected, None), "{who} {seconds}");
        }
    }

    #[test]
    fn what_is_refused_does_not_count_and_what_is_kept_is_bounded() {
        let recent = Recent::new(Some(WINDOW));
        let now = Instant::now();
        assert_eq!(recent.judge((sender("anna"), WINDOW, now), &fresh(), |_| Some(())), None);
        for seconds in 1..90 {
            let later = now + Duration::from_secs(seconds);
            assert_eq!(recent.judge((sender("anna"), WINDOW, later), &fresh(), |_| Some(())), Some(()));
        }
        // Of the refused ones nothing is left.
        assert_eq!(
            recent.judge((sender("anna"), WINDOW, now + Duration::from_secs(126)), &fresh(), |_| Some(())),
            None
        );
        for number in 0..2 * SENDERS_MAX {
            recent.judge((sender(&number.to_string()), WINDOW, now), &fresh(), |_| None::<()>);
        }
        for seconds in 0..90 {
            recent.judge((sender("jan"), WINDOW, now + Duration::from_secs(seconds)), &fresh(), |_| None::<()>);
        }
        let senders = recent.senders.lock().unwrap();
        assert_eq!(senders.len(), SENDERS_MAX);
        assert!(senders[&sender("jan")].slots.lock().unwrap().len() <= SLOTS as usize + 2);
    }

    #[test]
    fn nobody_waits_for_another_sender() {
        let recent = Recent::new(Some(WINDOW));
        let judge = |who| recent.judge((sender(who), WINDOW, Instant::now()), &fresh(), |_| None::<()>);
        judge("anna");
        let mut is_judged = false;
        recent.judge((sender("anna"), WINDOW, Instant::now()), &fresh(), |_| {
            // With one lock for all, this would wait for itself.
            std::thread::scope(|scope| scope.spawn(|| judge("jan")).join().unwrap());
            is_judged = true;
            None::<()>
        });
        assert!(is_judged);
    }
}
