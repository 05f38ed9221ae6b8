//! From the text of a policy file to a checked policy.

use super::condition::{ChannelCondition, WhatCondition, WhereCondition, WhoCondition};
use super::exception::ExceptionToml;
use super::home::Home;
use super::{Policy, PolicyError, Rule};
use crate::base::Severity;
use crate::decision::{Action, FailMode, Stage};
use data_encoding::HEXLOWER;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileToml {
    policy: Spanned<HeadToml>,
    #[serde(default)]
    rule: Vec<Spanned<RuleToml>>,
    #[serde(default)]
    home: Vec<Spanned<Home>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadToml {
    /// Stable id, kebab-case.
    id: String,
    /// Name for people.
    title: String,
    /// Counted up with each change. Default 1.
    #[serde(default = "first_version")]
    version: u32,
    /// Upper bound for every rule. Default `block`.
    stage: Option<Stage>,
    /// Decision when no rule holds. Default `log`.
    default: Option<Action>,
    /// Decision when inspection is incomplete. Default `closed`.
    fail_mode: Option<FailMode>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleToml {
    id: String,
    title: String,
    stage: Option<Stage>,
    severity: Option<Severity>,
    missing: Option<Missing>,
    #[serde(default)]
    who: WhoCondition,
    what: Option<WhatCondition>,
    #[serde(default, rename = "where")]
    place: WhereCondition,
    #[serde(default)]
    channel: ChannelCondition,
    action: ActionToml,
    #[serde(default)]
    exception: Vec<Spanned<ExceptionToml>>,
}

/// What the `not_` form of a condition answers when the fact it asks for is missing.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Missing {
    Match,
    NoMatch,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActionToml {
    decision: Action,
    fail_mode: Option<FailMode>,
    message: Option<String>,
}

fn first_version() -> u32 {
    1
}

/// Names a place in a file for messages.
struct Place<'a> {
    file: &'a str,
    text: &'a str,
}

impl Place<'_> {
    fn error(&self, start: usize, part: String, message: String) -> PolicyError {
        let line = 1 + self.text[..start.min(self.text.len())].matches('\n').count();
        PolicyError::Part { file: self.file.to_owned(), line, part, message }
    }
}

pub(super) fn parse(name: &str, text: &str) -> Result<Policy, PolicyError> {
    let parsed: FileToml = toml::from_str(text)
        .map_err(|error| PolicyError::Syntax { file: name.to_owned(), message: error.to_string() })?;
    let place = Place { file: name, text };
    let start = parsed.policy.span().start;
    let head = parsed.policy.into_inner();
    check_id(&head.id).map_err(|message| place.error(start, "policy".to_owned(), message))?;

    let mut ids = BTreeSet::new();
    let mut rules = Vec::with_capacity(parsed.rule.len());
    for spanned in parsed.rule {
        rules.push(rule(&place, &mut ids, spanned)?);
    }
    let mut homes = Vec::with_capacity(parsed.home.len());
    for spanned in parsed.home {
        let start = spanned.span().start;
        let home = spanned.into_inner();
        home.check().map_err(|message| place.error(start, "home".to_owned(), message))?;
        homes.push(home);
    }
    Ok(Policy {
        id: head.id,
        title: head.title,
        version: head.version,
        hash: format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(text.as_bytes()))),
        stage: head.stage.unwrap_or(Stage::Block),
        default: head.default.unwrap_or(Action::Log),
        fail_mode: head.fail_mode.unwrap_or(FailMode::Closed),
        rules,
        homes,
    })
}

fn rule(place: &Place<'_>, ids: &mut BTreeSet<String>, spanned: Spanned<RuleToml>) -> Result<Rule, PolicyError> {
    let start = spanned.span().start;
    let raw = spanned.into_inner();
    let name = format!("rule `{}`", raw.id);
    check_id(&raw.id)
        .and_then(|()| claim(ids, &raw.id))
        .and_then(|()| raw.what.as_ref().map_or(Ok(()), WhatCondition::check))
        .map_err(|message| place.error(start, name.clone(), message))?;

    let mut exceptions = Vec::with_capacity(raw.exception.len());
    for spanned in raw.exception {
        let start = spanned.span().start;
        let exception = spanned.into_inner();
        let part = format!("{name}, exception `{}`", exception.id);
        let checked = claim(ids, &exception.id).and_then(|()| exception.check());
        exceptions.push(checked.map_err(|message| place.error(start, part, message))?);
    }
    Ok(Rule {
        id: raw.id,
        title: raw.title,
        stage: raw.stage.unwrap_or(Stage::Block),
        severity: raw.severity.unwrap_or(Severity::Medium),
        who: raw.who,
        what: raw.what,
        place: raw.place,
        channel: raw.channel,
        missing_matches: raw.missing == Some(Missing::Match),
        action: raw.action.decision,
        fail_mode: raw.action.fail_mode,
        message: raw.action.message,
        exceptions,
    })
}

fn check_id(id: &str) -> Result<(), String> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !id.is_empty() && id.bytes().all(allowed) {
        return Ok(());
    }
    Err(format!("expected an id of lower-case letters, digits and `-`, found `{id}`"))
}

fn claim(ids: &mut BTreeSet<String>, id: &str) -> Result<(), String> {
    if ids.insert(id.to_owned()) { Ok(()) } else { Err(format!("expected an id used once, found `{id}` again")) }
}
