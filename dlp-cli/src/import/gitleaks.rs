//! gitleaks configurations: rules, allowlists of the whole file and of a rule, and what they extend.
//!
//! Keys are those of its documentation, in today's and in older spellings. Its default rules are not part of a
//! configuration; the built-in detectors run in their place.

use super::draft::{AllowDraft, Draft, EVERY_RULE, POINTS_DEFAULT, POINTS_HELPER, id_of};
use super::fields::Fields;
use super::pattern::{Dialect, Group, from_go};
use super::{Notes, Rules};
use dlp_core::knowledge::AllowTests;
use serde_json::Value;
use std::collections::HashMap;

/// The document as fields, when it looks like a configuration.
pub(super) fn parse(text: &str) -> Result<Fields, String> {
    let value: Value = toml::from_str(text).map_err(|error| error.to_string())?;
    let fields = Fields::of(value).ok_or("expected a table")?;
    let is_one = ["rules", "allowlist", "allowlists", "extend", "whitelist"].iter().any(|key| fields.has(key));
    is_one.then_some(fields).ok_or_else(|| "it has neither `rules`, `allowlists` nor `extend`".to_owned())
}

/// The path of the configuration that a text extends, if it is a gitleaks one and names one.
pub(crate) fn base(text: &str) -> Option<String> {
    parse(text).ok()?.tables("extend").first_mut()?.text("path")
}

/// Reads a configuration, with the text of the one that it extends.
pub(super) fn rules(mut fields: Fields, base: Option<&str>) -> Result<Rules, String> {
    let mut rules = Rules::default();
    let mut extended = Vec::new();
    let mut has_default = false;
    for mut extend in fields.tables("extend") {
        has_default |= extend.flag("useDefault").unwrap_or(false);
        let path = extend.text("path");
        let disabled = extend.texts("disabledRules");
        if has_default {
            rules.notes.told("extend", "the built-in detectors run in place of the default rules of gitleaks");
        }
        match (path, base) {
            (Some(_), Some(text)) => {
                let mut of_base = parse(text).map_err(|error| format!("the extended configuration: {error}"))?;
                extended = of_base.tables("rules");
                if !of_base.tables("extend").is_empty() {
                    rules.notes.lost("extend", "the extended configuration extends another one; import that one too");
                }
                allowlists(&mut rules, &mut of_base, None, false);
                of_base.texts("title");
                rules.notes.leftovers("extended configuration", of_base);
            }
            (Some(path), None) => rules.notes.lost("extend", format!("`{path}` could not be read")),
            (None, _) => {}
        }
        disable(&mut rules.notes, &mut extended, &disabled);
        rules.notes.leftovers("extend", extend);
    }
    merge(&mut rules.notes, &mut extended, fields.tables("rules"));
    allowlists(&mut rules, &mut fields, None, has_default);
    rules.read = extended.len();
    extended.into_iter().for_each(|fields| rule(&mut rules, fields));
    for harmless in ["title", "description", "minVersion"] {
        fields.texts(harmless);
    }
    rules.notes.leftovers("configuration", fields);
    Ok(rules)
}

fn name_of(fields: &Fields) -> String {
    let name = fields.peek("id").filter(|name| !name.trim().is_empty());
    name.unwrap_or_else(|| "unnamed".to_owned())
}

/// Takes disabled rules out of the extended ones; what disables a default rule names nothing here.
fn disable(notes: &mut Notes, rules: &mut Vec<Fields>, disabled: &[String]) {
    for name in disabled {
        let before = rules.len();
        rules.retain(|rule| name_of(rule) != *name);
        if rules.len() == before {
            let text = format!(
                "`disabledRules` names the default rule `{name}`; leave its detector out with --detectors '!ID'"
            );
            notes.lost("extend", text);
        }
    }
}

/// A rule that the extended configuration has too changes that one, key by key. Of two rules of one file with one id
/// gitleaks keeps the later one; rules without an id have nothing to share.
fn merge(notes: &mut Notes, rules: &mut Vec<Fields>, own: Vec<Fields>) {
    let extended = rules.len();
    let mut places: HashMap<String, usize> = HashMap::new();
    places.extend(rules.iter().enumerate().map(|(place, rule)| (name_of(rule), place)));
    for rule in own {
        let name = name_of(&rule);
        match places.get(&name) {
            Some(place) if rule.peek("id").is_some_and(|id| !id.trim().is_empty()) => {
                if *place >= extended {
                    notes
                        .lost(&format!("rule `{name}`"), "it stands there twice, and the later one counts, key by key");
                }
                rules[*place].override_with(rule);
            }
            _ => {
                places.insert(name, rules.len());
                rules.push(rule);
            }
        }
    }
}

fn rule(rules: &mut Rules, mut fields: Fields) {
    let name = name_of(&fields);
    let place = format!("rule `{name}`");
    let id = rules.id_for(&name, &place);
    fields.text("id");
    let title = fields.text("description").unwrap_or_else(|| name.clone());
    let regex = fields.text("regex").filter(|regex| !regex.is_empty());
    let path = fields.text("path").filter(|path| !path.is_empty());
    let number = fields.number("secretGroup").filter(|number| *number > 0.0);
    let draft = Draft {
        place: place.clone(),
        id: id.clone(),
        title,
        description: format!("Taken over from the gitleaks rule `{name}`."),
        reference: String::new(),
        tags: fields.texts("tags"),
        regex: regex.clone().unwrap_or_default(),
        dialect: Dialect::Go,
        group: number.map_or(Group::First, |number| Group::Number(number as u32)),
        keywords: fields.texts("keywords"),
        entropy_min: fields.number("entropy").unwrap_or_default(),
        points: points(&mut rules.notes, &place, &mut fields),
        companions: companions(&mut rules.notes, &place, &mut fields),
        needs_companion: true,
        examples: Vec::new(),
        counter_examples: Vec::new(),
    };
    allowlists(rules, &mut fields, Some((&place, &id)), false);
    match (regex, path) {
        (None, Some(_)) => rules.notes.lost(&place, "it finds files by their names alone; a detector finds values"),
        (None, None) => {
            rules.notes.lost(
                &place,
                "it has no regex, and so changes a default rule of gitleaks that is not part of the file",
            );
        }
        (Some(_), path) => {
            rules.drafts.push(draft);
            rules.allows.extend(path.map(|path| AllowDraft {
                place: place.clone(),
                reason: format!("the rule `{name}` is for some files only"),
                detectors: vec![id],
                tests: AllowTests { except_paths: vec![from_go(&path)], ..AllowTests::default() },
                all: false,
            }));
        }
    }
    rules.notes.leftovers(&place, fields);
}

/// A rule that is not reported only serves others.
fn points(notes: &mut Notes, place: &str, fields: &mut Fields) -> i16 {
    if fields.flag("skipReport") != Some(true) {
        return POINTS_DEFAULT;
    }
    notes.changed(place, "`skipReport`: it only serves other rules; its findings are low");
    POINTS_HELPER
}

/// The rules that must find something too. What they find nearby raises a finding to what it would be without them;
/// alone it is kept, and low.
fn companions(notes: &mut Notes, place: &str, fields: &mut Fields) -> Vec<String> {
    let mut ids = Vec::new();
    for mut required in fields.tables("required") {
        ids.extend(required.text("id").map(|name| id_of(&name)));
        for key in ["withinLines", "withinColumns"] {
            if required.number(key).is_some() {
                notes.changed(place, format!("`{key}`: companions of a detector stand within a kilobyte"));
            }
        }
        notes.leftovers(&format!("{place}, `required`"), required);
    }
    match ids.len() {
        0 => {}
        1 => notes.changed(place, "`required`: without it its findings are low, and not lost"),
        _ => notes.changed(place, "`required`: without any of them its findings are low, and not lost"),
    }
    ids
}

/// The allowlists of the file, or of a rule, given by its place and the id of its detector.
fn allowlists(rules: &mut Rules, fields: &mut Fields, rule: Option<(&str, &str)>, has_default: bool) {
    for key in ["allowlists", "allowlist", "whitelist"] {
        for (index, list) in fields.tables(key).into_iter().enumerate() {
            let place =
                rule.map_or_else(|| format!("{key} {}", index + 1), |(rule, _)| format!("{rule}, {key} {}", index + 1));
            let detectors = match rule {
                Some((_, id)) => vec![id.to_owned()],
                None if has_default => vec![EVERY_RULE.to_owned(), "secret.*".to_owned()],
                None => vec![EVERY_RULE.to_owned()],
            };
            allowlist(rules, list, (place, detectors));
        }
    }
}

fn allowlist(rules: &mut Rules, mut fields: Fields, (place, mut detectors): (String, Vec<String>)) {
    let all = match fields.text("condition").unwrap_or_default().to_ascii_uppercase().as_str() {
        "AND" | "&&" => true,
        "" | "OR" | "||" => false,
        other => {
            rules.notes.lost(&place, format!("`condition`: expected AND or OR, found `{other}`"));
            return;
        }
    };
    let targets = fields.texts("targetRules");
    if !targets.is_empty() {
        detectors = targets.iter().map(|name| id_of(name)).collect();
    }
    let each_from_go = |regexes: Vec<String>| regexes.iter().map(|regex| from_go(regex)).collect::<Vec<_>>();
    let regexes = each_from_go(fields.texts("regexes"));
    let mut tests = AllowTests {
        paths: each_from_go([fields.texts("paths"), fields.texts("files")].concat()),
        words: fields.texts("stopwords").into_iter().filter(|word| !word.is_empty()).collect(),
        commits: fields.texts("commits"),
        ..AllowTests::default()
    };
    match fields.text("regexTarget").unwrap_or_default().as_str() {
        "" | "secret" => tests.values = regexes,
        "line" => tests.lines = regexes,
        "match" => {
            rules.notes.changed(&place, "`regexTarget = \"match\"` is asked of the whole line");
            tests.lines = regexes;
        }
        other => rules.notes.lost(&place, format!("`regexTarget`: expected secret, match or line, found `{other}`")),
    }
    let reason = fields.text("description").filter(|text| !text.trim().is_empty());
    let reason = reason.unwrap_or_else(|| format!("taken over from {place}"));
    rules.notes.leftovers(&place, fields);
    if tests == AllowTests::default() {
        rules.notes.lost(&place, "it is empty");
        return;
    }
    rules.allows.push(AllowDraft { place, reason, detectors, tests, all });
}
