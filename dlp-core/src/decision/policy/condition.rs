//! Conditions of a rule. Between dimensions: and. Inside a list: or. Each list has a `not_` twin.
//!
//! A condition on a fact that is missing (no user, no application) is false, in its `not_` form too, unless the rule
//! says `missing = "match"`: an unknown thing is neither on a list nor known to be off it.

use crate::base::{Category, ConfidenceLevel, SensitivityLabel};
use crate::decision::{
    Activity, Actor, ActorKind, AppCategory, Channel, Destination, DetectorSummary, Item, TransferHead, Visibility,
    Zone,
};
use serde::Deserialize;

/// Who acts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WhoCondition {
    #[serde(rename = "type")]
    kind: Vec<ActorKind>,
    not_type: Vec<ActorKind>,
    users: Vec<String>,
    not_users: Vec<String>,
    groups: Vec<String>,
    not_groups: Vec<String>,
    groups_all: Vec<String>,
}

/// Where data goes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WhereCondition {
    zones: Vec<Zone>,
    not_zones: Vec<Zone>,
    categories: Vec<AppCategory>,
    not_categories: Vec<AppCategory>,
    visibility: Vec<Visibility>,
    not_visibility: Vec<Visibility>,
    apps: Vec<String>,
    not_apps: Vec<String>,
    accounts: Vec<String>,
    not_accounts: Vec<String>,
    hosts: Vec<String>,
    not_hosts: Vec<String>,
}

/// By which road, doing what.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ChannelCondition {
    any: Vec<Channel>,
    not_any: Vec<Channel>,
    activities: Vec<Activity>,
    not_activities: Vec<Activity>,
}

/// What the item holds. The keys up to `unique_max` select findings and count their distinct values.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WhatCondition {
    detectors: Vec<String>,
    not_detectors: Vec<String>,
    categories: Vec<Category>,
    not_categories: Vec<Category>,
    tags: Vec<String>,
    not_tags: Vec<String>,
    label_min: Option<SensitivityLabel>,
    confidence_min: Option<ConfidenceLevel>,
    unique_min: Option<u64>,
    unique_max: Option<u64>,
    inspection: Option<InspectionWord>,
    size_min_bytes: Option<u64>,
    size_max_bytes: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum InspectionWord {
    Complete,
    Incomplete,
}

/// Whether a fact fulfils a list and its `not_` twin.
fn listed<T: PartialEq>(list: &[T], not_list: &[T], fact: &T) -> bool {
    (list.is_empty() || list.contains(fact)) && !not_list.contains(fact)
}

/// As [`listed`] for words, where the fact can be missing and `matches` compares a list entry with it.
fn listed_word(
    (list, not_list): (&[String], &[String]),
    fact: Option<&str>,
    missing_matches: bool,
    matches: fn(&str, &str) -> bool,
) -> bool {
    let on = |list: &[String], fact: &str| list.iter().any(|entry| matches(entry, fact));
    match fact {
        Some(fact) => (list.is_empty() || on(list, fact)) && !on(not_list, fact),
        None => list.is_empty() && (not_list.is_empty() || missing_matches),
    }
}

impl WhoCondition {
    pub(super) fn is_empty(&self) -> bool {
        let lists = [&self.users, &self.not_users, &self.groups, &self.not_groups, &self.groups_all];
        self.kind.is_empty() && self.not_type.is_empty() && lists.iter().all(|list| list.is_empty())
    }

    pub(super) fn holds(&self, actor: &Actor, missing_matches: bool) -> bool {
        let users = (self.users.as_slice(), self.not_users.as_slice());
        listed(&self.kind, &self.not_type, &actor.kind)
            && listed_word(users, actor.user.as_deref(), missing_matches, str::eq_ignore_ascii_case)
            && self.groups_hold(actor, missing_matches)
    }

    fn groups_hold(&self, actor: &Actor, missing_matches: bool) -> bool {
        let member = |group: &String| actor.groups.iter().any(|own| own.eq_ignore_ascii_case(group));
        if actor.user.is_none() {
            let asks = !self.groups.is_empty() || !self.groups_all.is_empty();
            return !asks && (self.not_groups.is_empty() || missing_matches);
        }
        (self.groups.is_empty() || self.groups.iter().any(member))
            && self.groups_all.iter().all(member)
            && !self.not_groups.iter().any(member)
    }
}

impl WhereCondition {
    pub(super) fn is_empty(&self) -> bool {
        let words = [&self.apps, &self.not_apps, &self.accounts, &self.not_accounts, &self.hosts, &self.not_hosts];
        self.zones.is_empty()
            && self.not_zones.is_empty()
            && self.categories.is_empty()
            && self.not_categories.is_empty()
            && self.visibility.is_empty()
            && self.not_visibility.is_empty()
            && words.iter().all(|list| list.is_empty())
    }

    pub(super) fn holds(&self, destination: &Destination, missing_matches: bool) -> bool {
        let apps = (self.apps.as_slice(), self.not_apps.as_slice());
        let accounts = (self.accounts.as_slice(), self.not_accounts.as_slice());
        let hosts = (self.hosts.as_slice(), self.not_hosts.as_slice());
        listed(&self.zones, &self.not_zones, &destination.zone)
            && listed(&self.categories, &self.not_categories, &destination.category)
            && listed(&self.visibility, &self.not_visibility, &destination.visibility)
            && listed_word(apps, destination.app.as_deref(), missing_matches, |entry, app| entry == app)
            && listed_word(accounts, destination.account.as_deref(), missing_matches, str::eq_ignore_ascii_case)
            && listed_word(hosts, Some(&destination.host), missing_matches, host_matches)
    }
}

impl ChannelCondition {
    pub(super) fn holds(&self, channel: Channel, activity: Activity) -> bool {
        listed(&self.any, &self.not_any, &channel) && listed(&self.activities, &self.not_activities, &activity)
    }
}

impl WhatCondition {
    /// Says what is wrong with the bounds, if anything.
    pub(super) fn check(&self) -> Result<(), String> {
        let selects = self.selects_findings();
        let bounds = (self.unique_min.unwrap_or(1), self.unique_max);
        let sizes = (self.size_min_bytes.unwrap_or(0), self.size_max_bytes);
        let asks_more = self.inspection.is_some() || self.size_min_bytes.is_some() || self.size_max_bytes.is_some();
        match (bounds, sizes) {
            _ if !selects && !asks_more => Err("expected at least one condition in `what`, found none".to_owned()),
            ((0, _), _) => Err("expected `unique_min` of at least 1, found 0".to_owned()),
            ((min, Some(max)), _) if max < min => {
                Err(format!("expected `unique_max` of at least `unique_min` = {min}, found {max}"))
            }
            (_, (min, Some(max))) if max < min => {
                Err(format!("expected `size_max_bytes` of at least `size_min_bytes` = {min}, found {max}"))
            }
            _ => Ok(()),
        }
    }

    /// Reasons when the item, with these of its findings, fulfils the condition.
    pub(super) fn matched(&self, item: &Item, findings: &[DetectorSummary]) -> Option<Vec<String>> {
        let mut reasons = Vec::new();
        if let Some(word) = self.inspection {
            let complete = !item.inspection.is_incomplete();
            if complete != (word == InspectionWord::Complete) {
                return None;
            }
            reasons.push(format!("inspection ended {}", item.inspection.completeness));
        }
        if !self.size_holds(item.size_bytes) {
            return None;
        }
        if self.selects_findings() {
            reasons.extend(self.findings_matched(findings)?);
        }
        Some(reasons)
    }

    fn selects_findings(&self) -> bool {
        let words = [&self.detectors, &self.not_detectors, &self.tags, &self.not_tags];
        words.iter().any(|list| !list.is_empty())
            || !self.categories.is_empty()
            || !self.not_categories.is_empty()
            || self.label_min.is_some()
            || self.confidence_min.is_some()
            || self.unique_min.is_some()
            || self.unique_max.is_some()
    }

    /// An unknown size fulfils no condition on the size.
    fn size_holds(&self, size_bytes: Option<u64>) -> bool {
        match size_bytes {
            Some(size) => {
                self.size_min_bytes.is_none_or(|min| size >= min) && self.size_max_bytes.is_none_or(|max| size <= max)
            }
            None => self.size_min_bytes.is_none() && self.size_max_bytes.is_none(),
        }
    }

    fn findings_matched(&self, findings: &[DetectorSummary]) -> Option<Vec<String>> {
        let level = self.confidence_min.unwrap_or_default();
        let selected: Vec<_> = findings.iter().filter(|f| self.selects(f) && f.unique.at_least(level) > 0).collect();
        let unique = selected.iter().fold(0u64, |sum, f| sum.saturating_add(f.unique.at_least(level)));
        let within = unique >= self.unique_min.unwrap_or(1) && self.unique_max.is_none_or(|max| unique <= max);
        within.then(|| selected.into_iter().map(|f| describe_finding(f, level)).collect())
    }

    fn selects(&self, finding: &DetectorSummary) -> bool {
        let tagged = |tags: &[String]| tags.iter().any(|tag| finding.tags.contains(tag));
        let detectors = (self.detectors.as_slice(), self.not_detectors.as_slice());
        listed(&self.categories, &self.not_categories, &finding.category)
            && listed_word(detectors, Some(&finding.detector), false, glob_matches)
            && (self.tags.is_empty() || tagged(&self.tags))
            && !tagged(&self.not_tags)
            && self.label_min.is_none_or(|min| finding.label >= min)
    }
}

/// Host `entry` itself and everything below it, at label borders.
pub(super) fn host_matches(entry: &str, host: &str) -> bool {
    let Some(before) = host.len().checked_sub(entry.len()) else { return false };
    let (Some(head), Some(tail)) = (host.get(..before), host.get(before..)) else { return false };
    tail.eq_ignore_ascii_case(entry) && (head.is_empty() || head.ends_with('.'))
}

/// Glob in which `*` stands for any run of characters. Linear in the product of both lengths.
pub(super) fn glob_matches(glob: &str, text: &str) -> bool {
    let mut pieces = glob.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let pieces: Vec<_> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

fn describe_finding(finding: &DetectorSummary, level: ConfidenceLevel) -> String {
    let unique = finding.unique.at_least(level);
    let label = finding.label;
    format!("{}: {unique} distinct, confidence {}, label {label}", finding.detector, finding.confidence_max.level())
}

/// One sentence on the destination.
pub(super) fn describe_destination(head: &TransferHead) -> String {
    let destination = &head.destination;
    let host = printable(&destination.host);
    let app = destination.app_name.as_deref().unwrap_or("unlisted destination");
    let account = destination.account.as_deref().map_or(String::new(), |a| format!(", account {}", printable(a)));
    let sight = match destination.visibility {
        Visibility::Clear | Visibility::Encoded => String::new(),
        hidden => format!(", content {hidden}"),
    };
    format!("{} to {app} ({host}), zone {}{account}{sight}", head.activity, destination.zone)
}

/// One sentence on the person.
pub(super) fn describe_actor(actor: &Actor) -> String {
    match (&actor.user, actor.kind) {
        (Some(user), ActorKind::Unknown) => format!("by {}, of unknown relation", printable(user)),
        (Some(user), kind) => format!("by {} {}", kind, printable(user)),
        (None, _) => "by an unidentified user".to_owned(),
    }
}

/// Text from outside with control and direction characters made visible.
fn printable(text: &str) -> String {
    let is_direction = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let escape = |c: char| if c.is_control() || is_direction(c) { '\u{fffd}' } else { c };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_ids() {
        let rows = [
            ("pii.pl.*", "pii.pl.pesel", true),
            ("pii.pl.*", "pii.plx.pesel", false),
            ("pii.*.phone", "pii.intl.phone", true),
            ("pii.*.phone", "pii.intl.phone-extra", false),
            ("*", "anything", true),
            ("a*a", "a", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("secret.aws.key", "secret.aws.key", true),
            ("secret.aws.key", "secret.aws.key2", false),
        ];
        for (glob, text, expected) in rows {
            assert_eq!(glob_matches(glob, text), expected, "{glob} {text}");
        }
    }

    #[test]
    fn hosts_match_at_label_borders() {
        let rows = [
            ("corp.example", "corp.example", true),
            ("corp.example", "files.corp.example", true),
            ("corp.example", "evilcorp.example", false),
            ("corp.example", "corp.example.evil.test", false),
            ("CORP.example", "a.corp.example", true),
            ("ż.example", "x", false),
        ];
        for (entry, host, expected) in rows {
            assert_eq!(host_matches(entry, host), expected, "{entry} {host}");
        }
    }

    #[test]
    fn outside_text_cannot_forge_lines() {
        assert_eq!(printable("a\nb\u{202e}c"), "a\u{fffd}b\u{fffd}c");
    }
}
