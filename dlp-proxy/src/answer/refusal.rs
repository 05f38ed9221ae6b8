//! The refusal of a request by policy.

use super::shape::{self, Answer, Shape};
use super::{AnswerRequest, Language, page, template};
use bytes::Bytes;
use http::Response;

/// Why a request was refused. Every field may be shown to the user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// Number under which the incident is found again.
    pub incident_id: String,
    /// Title of the rule that decided.
    pub rule_title: String,
    /// What led to the decision, one sentence each.
    pub reasons: Vec<String>,
    /// What was found; empty when the destination itself is refused.
    pub findings: Vec<Detected>,
    /// Name of the destination application, when it is known.
    pub app: Option<String>,
    /// Host that the request was for.
    pub host: String,
    /// Whom to ask: an address or a sentence.
    pub contact: String,
    /// Name of the answer template that the destination catalogue gives, for example `dropbox-409`.
    pub template: Option<String>,
    /// Where the user can explain the transfer and release it, when the rule allows that.
    pub release_url: Option<String>,
    /// How the user can explain the request in a form, when it is kept for that.
    pub explain: Option<Explain>,
    /// When it happened, as text for people and for templates that carry a time (RFC 3339).
    pub time: String,
}

/// A field for a reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explain {
    /// Path of the site that takes the reason.
    pub path: String,
    /// Secret name of what is kept.
    pub token: String,
    /// Why it is asked for again.
    pub again: Option<Again>,
}

/// Why somebody is asked for a reason once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// The one that came was too short.
    TooShort,
    /// The site could not be reached, and nothing was sent.
    NotReached,
}

/// One kind of finding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detected {
    /// Title of the detector.
    pub title: String,
    /// How often it was found.
    pub count: u64,
    /// Some of the values, masked by the caller.
    pub masked: Vec<String>,
}

/// Whether the answer to a request is looked at by a person.
#[must_use]
pub fn is_for_a_person(request: &AnswerRequest<'_>) -> bool {
    shape::choose(request) == Shape::Html
}

/// Answers a refused request: a page for a person who navigates, else the destination's own error format, else what
/// the client can read.
#[must_use]
pub fn refusal(refusal: &Refusal, request: &AnswerRequest<'_>) -> Response<Bytes> {
    let language = Language::of(request);
    let shape = shape::choose(request);
    // Programs that a template is made for never ask for a page, but people visit the same hosts.
    // Services that git talks to have interfaces with errors of their own, which git does not read.
    let named = match shape {
        Shape::Html => None,
        _ if template::is_push(request) => Some(template::git_push(refusal, language)),
        _ => template::by_name(refusal, request, language),
    };
    let answer = named.unwrap_or_else(|| match shape {
        Shape::Html if refusal.explain.is_some() => Answer::form(403, page::refusal(refusal, language)),
        Shape::Html => Answer::html(403, page::refusal(refusal, language)),
        Shape::Json => template::problem(refusal, language),
        Shape::Xml => template::xml(refusal, language),
        Shape::Text => template::text(refusal, language),
    });
    answer.into_response(request)
}
