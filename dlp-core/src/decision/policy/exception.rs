//! Dated exceptions: they lift one rule for named people or places, between approval and expiry.

use super::condition::{WhereCondition, WhoCondition};
use crate::decision::TransferHead;
use serde::Deserialize;
use std::time::{Duration, SystemTime};

/// Longest life of an exception. A longer need is a change of the rule, or is approved anew each quarter.
const LIFE_MAX: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// A checked exception.
#[derive(Clone, Debug)]
pub(super) struct Exception {
    pub(super) id: String,
    pub(super) reason: String,
    approved_at: SystemTime,
    expires_at: SystemTime,
    who: WhoCondition,
    place: WhereCondition,
}

/// An exception as it stands in the file. Who asked and who approved is checked here and kept in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExceptionToml {
    pub(super) id: String,
    reason: String,
    requested_by: String,
    approved_by: String,
    approved_at: toml::value::Datetime,
    expires_at: toml::value::Datetime,
    #[serde(default)]
    who: WhoCondition,
    #[serde(default, rename = "where")]
    place: WhereCondition,
}

impl Exception {
    /// Whether it counts at this time. `expires_at` is the first moment at which it does not.
    pub(super) fn is_live(&self, now: SystemTime) -> bool {
        self.approved_at <= now && now < self.expires_at
    }

    /// Whether the transfer is one that it was made for.
    pub(super) fn covers(&self, head: &TransferHead) -> bool {
        self.who.holds(&head.actor, false) && self.place.holds(&head.destination, false)
    }
}

impl ExceptionToml {
    pub(super) fn check(self) -> Result<Exception, String> {
        let approved_at = instant("approved_at", &self.approved_at)?;
        let expires_at = instant("expires_at", &self.expires_at)?;
        let life = expires_at.duration_since(approved_at).unwrap_or_default();
        if self.reason.trim().is_empty() {
            return Err("expected a `reason`, found none".to_owned());
        }
        if self.requested_by.eq_ignore_ascii_case(&self.approved_by) {
            return Err(format!(
                "expected two different people, found `{}` as requester and approver",
                self.approved_by
            ));
        }
        if life.is_zero() || life > LIFE_MAX {
            let days = LIFE_MAX.as_secs() / 86_400;
            return Err(format!("expected `expires_at` after `approved_at` and at most {days} days later"));
        }
        if self.who.is_empty() && self.place.is_empty() {
            return Err("expected at least one condition in `who` or `where`, found none".to_owned());
        }
        let Self { id, reason, who, place, .. } = self;
        Ok(Exception { id, reason, approved_at, expires_at, who, place })
    }
}

fn instant(key: &str, datetime: &toml::value::Datetime) -> Result<SystemTime, String> {
    let text = datetime.to_string();
    let timestamp: jiff::Timestamp = text
        .parse()
        .map_err(|_| format!("expected `{key}` with time and offset such as 2026-01-10T09:00:00Z, found {text}"))?;
    Ok(timestamp.into())
}
