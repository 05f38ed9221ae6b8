//! Rule files of Kingfisher and Nosey Parker: YAML with a list of rules, each with a pattern, examples and a
//! confidence.
//!
//! What validates a finding by asking its vendor has no counterpart on purpose: nothing that is found is sent anywhere.

use super::draft::{Draft, POINTS_DEFAULT, POINTS_HELPER, id_of};
use super::fields::Fields;
use super::pattern::{Dialect, Group};
use super::{AllowDraft, Rules};
use dlp_core::knowledge::AllowTests;
use serde_json::Value;

/// Points of the three confidences.
const POINTS: [(&str, i16); 3] = [("low", 50), ("medium", POINTS_DEFAULT), ("high", 90)];

/// The group that holds the secret, when a rule names one.
const SECRET_GROUP: &str = "TOKEN";

/// What counts as a special character where a rule names none.
const SPECIAL_CHARS: &str = r##"!@#$%^&*()_+-=[]{}|;:'",.<>?/\`~"##;

/// Characters of a class that a rule may demand.
const CHARS_MAX: f64 = 64.0;

/// The document as fields, when it looks like a rule file.
pub(super) fn parse(text: &str) -> Result<Fields, String> {
    let value: Value = serde_saphyr::from_str(text).map_err(|error| first_line(&error.to_string()))?;
    let fields = Fields::of(value).ok_or("expected a mapping")?;
    fields.has("rules").then_some(fields).ok_or_else(|| "it has no `rules`".to_owned())
}

/// The rest of the message draws the place with a caret, over several lines.
fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

/// Reads a rule file.
pub(super) fn rules(mut fields: Fields) -> Rules {
    let mut rules = Rules::default();
    let all = fields.tables("rules");
    rules.read = all.len();
    all.into_iter().for_each(|fields| rule(&mut rules, fields));
    rules.notes.leftovers("file", fields);
    rules
}

fn rule(rules: &mut Rules, mut fields: Fields) {
    let name = fields.text("name");
    let own_id = fields.text("id").or_else(|| name.clone()).unwrap_or_default();
    let place = format!("rule `{own_id}`");
    let Some(regex) = fields.text("pattern").filter(|pattern| !pattern.trim().is_empty()) else {
        rules.notes.lost(&place, "it has no pattern");
        return;
    };
    let id = rules.id_for(&own_id, &place);
    let confidence = fields.text("confidence");
    let points = confidence.as_deref().map_or(Some(POINTS_DEFAULT), |word| {
        POINTS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)).map(|(_, points)| *points)
    });
    if points.is_none() {
        rules.notes.changed(&place, "its confidence is none of low, medium and high; it is taken for medium");
    }
    let mut draft = Draft {
        place: place.clone(),
        id,
        title: name.unwrap_or_else(|| own_id.clone()),
        description: fields.text("description").unwrap_or_else(|| format!("Taken over from the rule `{own_id}`.")),
        reference: fields.texts("references").into_iter().next().unwrap_or_default(),
        tags: fields.texts("categories"),
        regex,
        dialect: Dialect::Rust,
        group: Group::NamedOrFirst(SECRET_GROUP),
        keywords: Vec::new(),
        entropy_min: fields.number("min_entropy").unwrap_or_default(),
        points: points.unwrap_or(POINTS_DEFAULT),
        companions: companions(rules, &place, &mut fields),
        needs_companion: false,
        examples: fields.texts("examples"),
        counter_examples: [fields.texts("negative_examples"), fields.texts("counter_examples")].concat(),
    };
    draft.tags.extend(fields.texts("tags"));
    if fields.flag("visible") == Some(false) {
        rules.notes.changed(&place, "it only serves other rules; its findings are low");
        draft.points = draft.points.min(POINTS_HELPER);
    }
    for (key, why) in [
        ("validation", "nothing that is found is sent anywhere"),
        ("revocation", "nothing that is found is sent anywhere"),
    ] {
        if !fields.tables(key).is_empty() {
            rules.notes.lost(&place, format!("`{key}`: {why}"));
        }
    }
    for requirements in fields.tables("pattern_requirements") {
        demands(rules, requirements, &draft);
    }
    if fields.flag("prevalidated") == Some(true) {
        rules.notes.lost(&place, "`prevalidated`: a finding is as sure as its confidence says");
    }
    rules.notes.leftovers(&place, fields);
    rules.drafts.push(draft);
}

/// The rules whose values belong to this one's: here a value nearby makes a finding surer, and a missing one does not
/// lose it.
fn companions(rules: &mut Rules, place: &str, fields: &mut Fields) -> Vec<String> {
    let mut ids = Vec::new();
    for mut needed in fields.tables("depends_on_rule") {
        ids.extend(needed.text("rule_id").map(|name| id_of(&name)));
        // The name under which a validation asks for the value.
        needed.text("variable");
        rules.notes.leftovers(&format!("{place}, `depends_on_rule`"), needed);
    }
    if !ids.is_empty() {
        rules
            .notes
            .changed(place, "what it depends on raises its findings where it stands near, and need not stand there");
    }
    ids
}

/// What a value must and must not hold besides its pattern.
fn demands(rules: &mut Rules, mut fields: Fields, draft: &Draft) {
    let words: Vec<String> = fields.texts("ignore_if_contains").into_iter().filter(|word| !word.is_empty()).collect();
    let mut tests = vec![(words, Vec::new())];
    let special = fields.text("special_chars").unwrap_or_else(|| SPECIAL_CHARS.to_owned());
    let special = special.chars().map(|c| regex_syntax::escape(&c.to_string())).collect::<String>();
    let classes =
        [("min_digits", "0-9"), ("min_uppercase", "A-Z"), ("min_lowercase", "a-z"), ("min_special_chars", &special)];
    // Without so many characters of a class: any number of others, and fewer of them.
    for (key, class) in classes {
        let min = fields.number(key).filter(|min| *min != 0.0);
        let fewer = min.filter(|min| (1.0..=CHARS_MAX).contains(min)).map(|min| min as u32 - 1);
        if min.is_some() && fewer.is_none() {
            rules.notes.lost(&draft.place, format!("`{key}`: expected a number from 0 to {CHARS_MAX}"));
        }
        tests.extend(
            fewer.map(|fewer| (Vec::new(), vec![format!("^[^{class}]*(?:[{class}][^{class}]*){{0,{fewer}}}$")])),
        );
    }
    for (words, values) in tests.into_iter().filter(|(words, values)| !(words.is_empty() && values.is_empty())) {
        rules.allows.push(AllowDraft {
            place: draft.place.clone(),
            reason: format!("what {} demands of a value", draft.place),
            detectors: vec![draft.id.clone()],
            tests: AllowTests { words, values, ..AllowTests::default() },
            all: false,
        });
    }
    rules.notes.leftovers(&format!("{}, `pattern_requirements`", draft.place), fields);
}
