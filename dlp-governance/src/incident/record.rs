//! The incident record. Field names are the contract of the JSON form, `"record": "incident"`.

use super::printable::printable;
use dlp_core::base::SensitivityLabel;
use dlp_core::decision::{Decision, DetectorSummary, Transfer};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Version of the record's form: major changes take fields away or change what they mean.
const SCHEMA_VERSION: &str = "1.0";

/// Names kept of one transfer; archives with more are recognisable by the first.
const NAMES_MAX: usize = 20;

/// Random name of an incident: `inc-` and 26 characters of base 32, from 128 bits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(String);

impl IncidentId {
    /// A new id.
    ///
    /// # Errors
    /// When the operating system has no random bytes to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0u8; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self::from_bytes(bytes))
    }

    /// The id of given bytes, for callers that bring their own randomness.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let number = u128::from_be_bytes(bytes);
        let digit = |index: u32| char::from(ALPHABET[(number >> (5 * index) & 31) as usize]);
        Self(["inc-"].into_iter().flat_map(str::chars).chain((0..26).rev().map(digit)).collect())
    }

    /// The text form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a request was, beyond what the decision needed to know. Method and path are as the client sent them.
#[derive(Clone, Copy, Debug)]
pub struct RequestFacts<'a> {
    /// HTTP method, or another verb of the channel.
    pub method: &'a str,
    /// Path; a query or fragment behind it is cut off, since both carry tokens.
    pub path: &'a str,
    /// Address that the request came from, without port.
    pub source: Option<&'a str>,
}

/// One incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// `1.0`.
    pub schema_version: String,
    /// `incident`.
    pub record: String,
    /// Random id, also shown to the user.
    pub incident_id: IncidentId,
    /// When it was decided, RFC 3339 in UTC with milliseconds.
    pub time: String,
    /// What was decided, by which rule, why.
    #[serde(flatten)]
    pub decided: Decided,
    /// Who.
    pub actor: Actor,
    /// By which road, for example `api-upload`.
    pub channel: String,
    /// Doing what, for example `upload`.
    pub activity: String,
    /// Where to.
    pub destination: Destination,
    /// The request.
    pub request: Request,
    /// What was to move.
    pub item: Item,
    /// Label that the findings imply.
    pub label: SensitivityLabel,
    /// What was found, by detector.
    pub findings: Vec<Detection>,
    /// How completely the content was read.
    pub inspection: Inspected,
}

/// The decision in a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// `allow`, `log`, `coach`, `redact`, `quarantine` or `block`.
    pub decision: String,
    /// What would have been decided without stages.
    pub would_decide: String,
    /// Id of the policy.
    pub policy: String,
    /// Version of the policy.
    pub policy_version: u32,
    /// Id of the rule; null for the policy's default.
    pub rule: Option<String>,
    /// Title of the rule.
    pub title: String,
    /// Severity of the rule.
    pub severity: String,
    /// Fail mode, when incomplete inspection decided; else null.
    pub fail: Option<String>,
    /// Ids of exceptions that were used.
    pub exceptions: Vec<String>,
    /// Reasons for people.
    pub reasons: Vec<String>,
}

/// The person in a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Name; null when nobody was identified.
    pub user: Option<String>,
    /// `employee`, `contractor`, `service` or `unknown`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Groups.
    pub groups: Vec<String>,
    /// Address the request came from.
    pub source: Option<String>,
}

/// The destination in a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// Catalogue id; null for a host that no catalogue names.
    pub app: Option<String>,
    /// Name for people.
    pub app_name: Option<String>,
    /// `storage`, `transfer`, ...
    pub category: String,
    /// `corporate`, `unknown` or `personal`.
    pub zone: String,
    /// Account, tenant or bucket, when the request names one.
    pub account: Option<String>,
    /// Host name.
    pub host: String,
}

/// The request in a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Method.
    pub method: String,
    /// Path without query.
    pub path: String,
}

/// The item in a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// File names, the first 20, control characters escaped.
    pub names: Vec<String>,
    /// Size in bytes, where known.
    pub size_bytes: Option<u64>,
}

/// What one detector found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detection {
    /// Detector id.
    pub detector: String,
    /// Name for people.
    pub title: String,
    /// Kind of data.
    pub category: String,
    /// How bad a leak is.
    pub severity: String,
    /// Label that one finding implies.
    pub label: SensitivityLabel,
    /// Laws and programmes.
    pub tags: Vec<String>,
    /// Findings, repetitions included.
    pub count: u64,
    /// Different values, at any level.
    pub unique: u64,
    /// Highest confidence, 0 to 100.
    pub confidence_max: u8,
    /// Up to five masks.
    pub samples_masked: Vec<String>,
}

/// How the inspection ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspected {
    /// Whether every byte was accounted for.
    pub complete: bool,
    /// `complete`, `partial`, `encrypted`, ...
    pub outcome: String,
    /// What went wrong.
    pub problems: Vec<Problem>,
}

/// One kind of trouble.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `encrypted`, `damaged`, `limit`, ...
    pub class: String,
    /// Machine-readable reason.
    pub reason: String,
}

impl Incident {
    /// Writes down what was decided about a transfer.
    #[must_use]
    pub fn new(
        id: IncidentId,
        time: Timestamp,
        transfer: &Transfer,
        decision: &Decision,
        request: RequestFacts<'_>,
    ) -> Self {
        let (head, item) = (&transfer.head, &transfer.item);
        Self {
            schema_version: SCHEMA_VERSION.to_owned(),
            record: "incident".to_owned(),
            incident_id: id,
            time: format!("{time:.3}"),
            decided: Decided::of(decision),
            actor: Actor::of(&head.actor, request.source),
            channel: head.channel.to_string(),
            activity: head.activity.to_string(),
            destination: Destination::of(&head.destination),
            request: Request { method: printable(request.method), path: printable(without_query(request.path)) },
            item: Item {
                names: item.names.iter().take(NAMES_MAX).map(|name| printable(name)).collect(),
                size_bytes: item.size_bytes,
            },
            label: item.label(),
            findings: item.findings.iter().map(Detection::of).collect(),
            inspection: Inspected::of(&item.inspection),
        }
    }
}

fn without_query(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

impl Decided {
    fn of(decision: &Decision) -> Self {
        Self {
            decision: decision.action.to_string(),
            would_decide: decision.would_decide.to_string(),
            policy: decision.policy.clone(),
            policy_version: decision.policy_version,
            rule: decision.rule.clone(),
            title: decision.title.clone(),
            severity: decision.severity.to_string(),
            fail: decision.fail.map(|mode| mode.to_string()),
            exceptions: decision.exceptions.clone(),
            reasons: decision.reasons.iter().map(|reason| printable(reason)).collect(),
        }
    }
}

impl Actor {
    fn of(actor: &dlp_core::decision::Actor, source: Option<&str>) -> Self {
        Self {
            user: actor.user.as_deref().map(printable),
            kind: actor.kind.to_string(),
            groups: actor.groups.iter().map(|group| printable(group)).collect(),
            source: source.map(printable),
        }
    }
}

impl Destination {
    fn of(destination: &dlp_core::decision::Destination) -> Self {
        Self {
            app: destination.app.clone(),
            app_name: destination.app_name.clone(),
            category: destination.category.to_string(),
            zone: destination.zone.to_string(),
            account: destination.account.as_deref().map(printable),
            host: printable(without_query(&destination.host)),
        }
    }
}

impl Detection {
    fn of(summary: &DetectorSummary) -> Self {
        Self {
            detector: summary.detector.clone(),
            title: summary.title.clone(),
            category: summary.category.to_string(),
            severity: summary.severity.to_string(),
            label: summary.label,
            tags: summary.tags.clone(),
            count: summary.count,
            unique: summary.unique.at_least(dlp_core::base::ConfidenceLevel::Low),
            confidence_max: summary.confidence_max.score(),
            samples_masked: summary
                .samples_masked
                .iter()
                .take(dlp_core::decision::SAMPLES_MAX)
                .map(|mask| printable(mask))
                .collect(),
        }
    }
}

impl Inspected {
    fn of(inspection: &dlp_core::decision::Inspection) -> Self {
        let problem = |p: &dlp_core::decision::InspectionProblem| Problem {
            class: p.class.to_string(),
            reason: printable(&p.reason),
        };
        Self {
            complete: !inspection.is_incomplete(),
            outcome: inspection.completeness.to_string(),
            problems: inspection.problems.iter().map(problem).collect(),
        }
    }
}
