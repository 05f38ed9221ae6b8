//! A form that a policy wants explained: the browser shows a page, the person says why, and the form goes on.
//!
//! A refused request that a person looks at and that is small is kept for a while, and its page has a field for the reason.
//! What the page sends goes to the same site, to a path that the gateway answers itself, so it comes by the same tunnel and
//! from the same person. The reason is written down with the incident, values in it masked, and then the request that was
//! kept is sent as it was. It is sent once; another one needs another reason.
//!
//! This asks people to think, and holds nobody back who programs: scripts of the site are kept from the page, programs are
//! offered nothing, but whoever pretends to be a person can write anything. What must not leave is no case for `coach`.

use super::forward::{self, Content, Outgoing};
use super::gate::Held;
use super::outcome::{self, Verdict};
use super::site::Site;
use super::{Client, download, inspection, recent, route};
use crate::answer::{self, Again, AnswerRequest, Explain, Refusal};
use crate::body;
use crate::body_stream::GatewayBody;
use crate::fault::Fault;
use crate::http::client_body::ClientBody;
use crate::names::Authority;
use crate::request_log::Entry;
use crate::services::Services;
use data_encoding::BASE64URL_NOPAD;
use dlp_core::decision::{Action, Actor, Decision, Summariser, Transfer};
use http::request::Parts;
use http::{Method, Response};
use http_body_util::{BodyExt, Limited};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::time::timeout;

/// Where explanations are sent, at whatever site.
pub(crate) const PATH: &str = "/.well-known/dlp-gateway/explain";
/// Bytes of a request that is kept.
const KEPT_BYTES_MAX: u64 = 256 * 1024;
/// Requests that are kept at a time, in total and of one address, and for how long. All of them may be in memory.
const KEPT_MAX: usize = 256;
const KEPT_PER_IP_MAX: usize = 16;
const KEPT_FOR: Duration = Duration::from_secs(15 * 60);
/// Characters of an explanation.
const REASON_CHARS_MIN: usize = 10;
const REASON_CHARS_MAX: usize = 500;
/// Bytes of the form that brings it, each of whose characters may take twelve.
const FORM_BYTES_MAX: usize = 8 * 1024;
/// Time for that form.
const FORM_TIMEOUT: Duration = Duration::from_secs(10);

/// What is kept until somebody explains it.
#[derive(Debug, Default)]
pub(crate) struct Coaching {
    shelf: Mutex<Shelf>,
}

/// Requests by their secret names.
#[derive(Debug, Default)]
struct Shelf {
    kept: HashMap<String, Kept>,
    /// What was sent, and by whom: people press twice.
    sent: HashMap<String, Sent>,
}

/// Whose a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owner {
    peer: IpAddr,
    user: Option<String>,
    authority: Authority,
    is_tls: bool,
}

#[derive(Debug)]
struct Sent {
    since: Instant,
    owner: Owner,
}

/// What there is under a name.
#[derive(Debug)]
enum Found {
    Kept(Box<Kept>),
    Sent,
    Nothing,
}

/// A request, and why it did not go on.
#[derive(Debug)]
struct Kept {
    since: Instant,
    peer: IpAddr,
    parts: Parts,
    site: Site,
    held: Held,
    transfer: Transfer,
    /// What tells its values apart from those of other requests.
    counts: Option<Summariser>,
    answer: Option<String>,
    path_masked: Option<String>,
    refusal: Refusal,
}

impl Coaching {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a request under a secret name. When there are too many, of the address or at all, the oldest goes.
    fn keep(&self, name: String, request: Kept) {
        let mut shelf = self.shelf();
        shelf.sent.remove(&name);
        let kept = &mut shelf.kept;
        kept.retain(|_, kept| kept.since.elapsed() < KEPT_FOR);
        let own = |kept: &&Kept| kept.peer == request.peer;
        if kept.values().filter(own).count() >= KEPT_PER_IP_MAX {
            remove_oldest(kept, own);
        } else if kept.len() >= KEPT_MAX {
            remove_oldest(kept, |_| true);
        }
        kept.insert(name, request);
    }

    /// Takes what was kept for its owner.
    fn take(&self, name: &str, owner: &Owner) -> Found {
        let mut shelf = self.shelf();
        if shelf.sent.get(name).is_some_and(|sent| sent.owner == *owner && sent.since.elapsed() < KEPT_FOR) {
            return Found::Sent;
        }
        let is_theirs = |kept: &Kept| kept.owner() == *owner && kept.since.elapsed() < KEPT_FOR;
        match shelf.kept.get(name).is_some_and(is_theirs) {
            true => shelf.kept.remove(name).map_or(Found::Nothing, |kept| Found::Kept(Box::new(kept))),
            false => Found::Nothing,
        }
    }

    /// Remembers for a while that it is being sent. There are no more than could be kept in that time at once.
    fn note_sent(&self, name: String, owner: Owner) {
        let sent = &mut self.shelf().sent;
        sent.retain(|_, sent| sent.since.elapsed() < KEPT_FOR);
        let oldest = sent.iter().min_by_key(|(_, sent)| sent.since).map(|(name, _)| name.clone());
        if let Some(oldest) = oldest.filter(|_| sent.len() >= KEPT_MAX) {
            sent.remove(&oldest);
        }
        sent.insert(name, Sent { since: Instant::now(), owner });
    }
}

impl Kept {
    fn owner(&self) -> Owner {
        let Self { peer, transfer, site, .. } = self;
        let user = transfer.head.actor.user.clone();
        Owner { peer: *peer, user, authority: site.authority.clone(), is_tls: site.is_tls }
    }

    fn verdict(&self, decision: Decision, peer: SocketAddr) -> Verdict {
        let (transfer, answer) = (self.transfer.clone(), self.answer.clone());
        Verdict { transfer, decision, answer, peer, path_masked: self.path_masked.clone() }
    }

    /// Sends it as it came.
    async fn send(
        &self,
        services: &Arc<Services>,
        client: &Client,
        verdict: &Verdict,
    ) -> Result<Response<GatewayBody>, Fault> {
        let route = route(services, client, &self.site).await?;
        let content = Held::whole(self.held.spooled.clone()).into();
        let outgoing = Outgoing { parts: &self.parts, site: &self.site, content, is_answer_read: false };
        let answer = forward::forward(services, client, &route, outgoing).await?;
        let mut entry = Entry::default();
        download::judged(services, (verdict, &mut entry), (&self.parts, &self.site), answer).await
    }

    /// The page once more, and everything stays as it was.
    fn asked_again(
        self: Box<Self>,
        services: &Services,
        name: String,
        (parts, site): (&Parts, &Site),
        again: Again,
    ) -> Response<GatewayBody> {
        let explain = self.refusal.explain.clone().map(|explain| Explain { again: Some(again), ..explain });
        let page = outcome::respond(&Refusal { explain, ..self.refusal.clone() }, parts, site);
        services.coaching.keep(name, *self);
        page.map(GatewayBody::full)
    }
}

fn remove_oldest(kept: &mut HashMap<String, Kept>, counts: impl Fn(&&Kept) -> bool) {
    let counting = kept.iter().filter(|(_, kept)| counts(kept));
    if let Some(oldest) = counting.min_by_key(|(_, kept)| kept.since).map(|(name, _)| name.clone()) {
        kept.remove(&oldest);
    }
}

/// What is said about a request that was stopped; when it can be explained, with a field for that.
pub(super) fn offer(
    services: &Services,
    (parts, site): (&Parts, &Site),
    (verdict, content, counts): (&Verdict, &Content, Option<Summariser>),
    refusal: Refusal,
) -> Refusal {
    let Content::Held(held) = content else { return refusal };
    let is_explainable = verdict.decision.action == Action::Coach
        && held.is_whole()
        && held.spooled.len() <= KEPT_BYTES_MAX
        && answer::is_for_a_person(&AnswerRequest::of(parts));
    let mut secret = [0; 32];
    if !is_explainable || getrandom::fill(&mut secret).is_err() {
        return refusal;
    }
    let name = BASE64URL_NOPAD.encode(&secret);
    let explain = Explain { path: PATH.to_owned(), token: name.clone(), again: None };
    let refusal = Refusal { explain: Some(explain), ..refusal };
    let kept = Kept {
        since: Instant::now(),
        peer: verdict.peer.ip(),
        parts: parts.clone(),
        site: site.clone(),
        held: Held::whole(held.spooled.clone()),
        transfer: verdict.transfer.clone(),
        counts,
        answer: verdict.answer.clone(),
        path_masked: verdict.path_masked.clone(),
        refusal: refusal.clone(),
    };
    services.coaching.keep(name, kept);
    refusal
}

/// Whether a request brings an explanation.
pub(super) fn is_explanation(parts: &Parts, site: &Site) -> bool {
    parts.method == Method::POST && site.target == PATH
}

/// Sends what was kept, when it is explained.
pub(super) async fn explained(
    services: &Arc<Services>,
    client: &Client,
    (parts, site): (&Parts, &Site),
    (actor, body): (Actor, ClientBody),
) -> Result<Response<GatewayBody>, Fault> {
    let collected = timeout(FORM_TIMEOUT, Limited::new(body, FORM_BYTES_MAX).collect()).await;
    let form = collected.map_err(|_| Fault::BodyStalled)?.map_err(|_| Fault::BodyBroken)?.to_bytes();
    let name = field(&form, "token").unwrap_or_default();
    let owner = Owner {
        peer: client.peer.ip(),
        user: actor.user.clone(),
        authority: site.authority.clone(),
        is_tls: site.is_tls,
    };
    let mut kept = match services.coaching.take(&name, &owner) {
        Found::Kept(kept) => kept,
        Found::Sent => return Err(Fault::AlreadyExplained),
        Found::Nothing => return Err(Fault::NothingToExplain),
    };
    let reason = field(&form, "reason").unwrap_or_default();
    let reason: String = reason.trim().chars().take(REASON_CHARS_MAX).collect();
    if reason.chars().count() < REASON_CHARS_MIN {
        return Ok(kept.asked_again(services, name, (parts, site), Again::TooShort));
    }
    // The policies may have become stricter since.
    kept.transfer.head.actor = actor;
    let decision = services.rules.now().policies.decide(&kept.transfer, SystemTime::now());
    let is_allowed = decision.action <= Action::Coach;
    let masked = inspection::masked_text(services, reason).await;
    let decision = if is_allowed { released(decision, &kept.refusal.incident_id, &masked) } else { decision };
    let verdict = kept.verdict(decision, client.peer);
    if let Some(refusal) = outcome::conclude(services, &verdict, &kept.parts, &kept.site).await {
        return Ok(refusal.map(GatewayBody::full));
    }
    services.coaching.note_sent(name.clone(), owner);
    recent::remember(services, (client.peer.ip(), &kept.transfer), kept.counts.as_ref());
    match kept.send(services, client, &verdict).await {
        Err(fault) if fault.is_before_sending() => {
            Ok(kept.asked_again(services, name, (parts, site), Again::NotReached))
        }
        answer => answer,
    }
}

/// A decision that stops nothing any more, and says why.
fn released(mut decision: Decision, incident: &str, reason: &str) -> Decision {
    decision.action = decision.action.min(Action::Log);
    decision.reasons.push(format!("Released by an explanation to {incident}: {reason}"));
    decision
}

/// A field of a form.
fn field(form: &[u8], name: &str) -> Option<String> {
    let pairs = form.split(|byte| *byte == b'&').filter_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        Some((&pair[..at], &pair[at + 1..]))
    });
    let value = pairs.filter(|(key, _)| *key == name.as_bytes()).map(|(_, value)| value).next()?;
    String::from_utf8(body::form_decoded(value)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_names() {
        let rows = [
            ("token=a&reason=b+c%20d", "reason", Some("b c d")),
            ("xtoken=a&token=b&token=c", "token", Some("b")),
            ("token", "token", None),
            ("reason=%ff", "reason", None),
            ("", "token", None),
        ];
        for (form, name, expected) in rows {
            assert_eq!(field(form.as_bytes(), name).as_deref(), expected, "{form}");
        }
    }
}
