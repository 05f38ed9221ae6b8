//! Trying what was read: each draft becomes a detector and has to pass the checks of every detector, and its examples
//! have to be found. What does not pass is left out, with the reason.

use super::draft::{AllowDraft, Draft, EVERY_RULE};
use super::pattern::{Rewritten, rewrite};
use super::write::{self, Table};
use super::{Imported, Notes, Rules};
use dlp_core::knowledge::{Allow, Anchor, Catalogue, expected_per_mb};
use dlp_core::matching::{DetectorSet, Scratch};
use dlp_core::output::AllowList;
use std::collections::BTreeSet;

/// Bytes behind a keyword in which a value is looked for that nothing else tells apart.
const BEHIND_KEYWORD_BYTES: usize = 120;

/// What is said at the top of the file.
const HEAD: &str = "\
# Taken over by `dlp detectors import`. Remarks above a detector say what is not as it was.
# `dlp detectors test` runs the examples; those without any deserve some.
";

/// From what was read to a file.
pub(super) fn finish(rules: Rules) -> Imported {
    let Rules { drafts, allows, mut notes, read, .. } = rules;
    let mut imported = Imported { rules: read, toml: HEAD.to_owned(), ..Imported::default() };
    let mut ids = BTreeSet::new();
    let mut taken = Vec::new();
    for draft in drafts {
        match table(&draft, &mut notes) {
            Ok(table) => {
                ids.insert(table.id.clone());
                taken.push((draft, table));
            }
            Err(why) => notes.lost(&draft.place, format!("it was not taken over: {why}")),
        }
    }
    imported.taken = taken.len();
    for (draft, mut table) in taken {
        keep_known(&mut table.companions, &ids, &draft.place, &mut notes);
        add_examples(&draft, &mut table, &mut notes);
        write::detector(&mut imported.toml, &table);
    }
    for mut allow in allows {
        if allow.detectors.first().is_some_and(|id| id == EVERY_RULE) {
            allow.detectors.splice(0..1, ids.iter().cloned());
        }
        let (known, unknown) = allow.detectors.into_iter().partition(|id| id.contains('*') || ids.contains(id));
        let unknown: Vec<String> = unknown;
        allow.detectors = known;
        if !(unknown.is_empty() || allow.detectors.is_empty()) {
            let text = format!("it is for `{}` too, which was not taken over", unknown.join("`, `"));
            notes.lost(&allow.place, text);
        }
        if allow.detectors.is_empty() {
            notes.lost(&allow.place, "the rule that it is for was not taken over");
        } else if let Some(why) = refusal(&allow) {
            notes.lost(&allow.place, why);
        } else {
            write::allow(&mut imported.toml, &allow);
            imported.allows += 1;
        }
    }
    imported.notes = notes.0;
    imported
}

/// Leaves out the companions that are no detectors of the file.
fn keep_known(companions: &mut Vec<String>, ids: &BTreeSet<String>, place: &str, notes: &mut Notes) {
    companions.retain(|id| {
        let is_known = ids.contains(id);
        if !is_known {
            notes.lost(place, format!("it goes with `{id}`, which is no detector of the file"));
        }
        is_known
    });
}

/// Why an allow entry cannot be used.
fn refusal(draft: &AllowDraft) -> Option<String> {
    let allow = Allow { reason: draft.reason.clone(), tests: draft.tests.clone(), ..Allow::default() };
    let error = AllowList::new(&[(String::new(), allow)]).err()?.to_string();
    Some(error.split_once("allow entry: ").map_or(error.clone(), |(_, why)| why.to_owned()))
}

/// The detector of a draft, as far from the rule as it takes and no farther.
fn table(draft: &Draft, notes: &mut Notes) -> Result<Table, String> {
    let Rewritten { patterns, changes } = rewrite(&draft.regex, draft.dialect, &draft.group)?;
    let needs_keyword = !draft.keywords.is_empty() && !holds_any(&draft.regex, &draft.keywords);
    let plain = Table {
        id: draft.id.clone(),
        title: one_line(&draft.title),
        description: draft.description.clone(),
        reference: draft.reference.clone(),
        tags: draft.tags.clone(),
        patterns,
        boundary: "none",
        words: if needs_keyword { draft.keywords.clone() } else { Vec::new() },
        entropy_min: draft.entropy_min.clamp(0.0, 8.0),
        points: draft.points,
        companions: draft.companions.clone(),
        needs_companion: draft.needs_companion,
        ..Table::default()
    };
    let (mut table, how) = accepted(draft, plain)?;
    let near = "one of its keywords has to stand within 1,024 bytes, as a word, and not anywhere in the file";
    let remarks = changes.into_iter().chain(how);
    table.remarks = remarks.chain((!table.words.is_empty()).then(|| near.to_owned())).collect();
    table.remarks.iter().for_each(|remark| notes.changed(&draft.place, remark.clone()));
    if let Some((literal, hits)) = frequent(&table) {
        let text = format!(
            "it is looked for wherever `{literal}` stands, which is expected {hits:.0} times in a megabyte of mixed text; \
             a longer fixed text makes scans faster"
        );
        notes.told(&draft.place, text);
    }
    Ok(table)
}

/// Hits of a literal in a megabyte from which on it slows a scan noticeably.
const HITS_PER_MB_FREQUENT: f64 = 100.0;

/// The most frequent text that a detector is looked for by, if it is frequent.
fn frequent(table: &Table) -> Option<(String, f64)> {
    let read = catalogue(table).ok()?;
    let anchors = read.detectors().flat_map(|detector| detector.patterns).flat_map(|pattern| pattern.anchors);
    let literals = anchors.filter_map(|anchor| match anchor {
        Anchor::Literal { bytes, .. } => Some((bytes.escape_ascii().to_string(), expected_per_mb(&bytes))),
        Anchor::Start { .. } => None,
    });
    literals.filter(|(_, hits)| *hits > HITS_PER_MB_FREQUENT).max_by(|(_, a), (_, b)| a.total_cmp(b))
}

/// The first spelling that the engine takes, and what is said of it.
fn accepted(draft: &Draft, plain: Table) -> Result<(Table, Option<String>), String> {
    let refused = match check(&plain) {
        Ok(()) => return Ok((plain, None)),
        Err(why) => why,
    };
    let alone = Table { boundary: "token", ..plain.clone() };
    if check(&alone).is_ok() {
        return Ok((alone, Some("it has no fixed text, so no letter or digit may stand beside a match".to_owned())));
    }
    if !draft.keywords.is_empty() {
        let behind = Table { patterns: behind_keywords(draft, &plain.patterns), words: Vec::new(), ..plain };
        if check(&behind).is_ok() {
            let text = format!(
                "it has no fixed text, so a value has to stand within {BEHIND_KEYWORD_BYTES} bytes behind a keyword, on its \
                 line"
            );
            return Ok((behind, Some(text)));
        }
    }
    Err(refused)
}

/// The patterns, each led by the keywords.
fn behind_keywords(draft: &Draft, patterns: &[String]) -> Vec<String> {
    let words: Vec<String> = draft.keywords.iter().map(|word| regex_syntax::escape(word)).collect();
    let led = |pattern: &String| {
        let value =
            if pattern.contains("(?P<value>") { format!("(?:{pattern})") } else { format!("(?P<value>{pattern})") };
        format!("(?i:{})[^\\r\\n]{{0,{BEHIND_KEYWORD_BYTES}}}?{value}", words.join("|"))
    };
    patterns.iter().map(led).collect()
}

/// Whether a regex spells one of the keywords, so that what matches holds it.
fn holds_any(regex: &str, keywords: &[String]) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase().replace('\\', "");
    keywords.iter().any(|keyword| plain(regex).contains(&plain(keyword)))
}

/// Whether the engine takes a detector; why not.
fn check(table: &Table) -> Result<(), String> {
    compiled(table).map(drop)
}

fn compiled(table: &Table) -> Result<DetectorSet, String> {
    DetectorSet::compile(catalogue(table)?).map_err(|error| error.to_string())
}

fn catalogue(table: &Table) -> Result<Catalogue, String> {
    let mut text = String::new();
    write::detector(&mut text, table);
    let mut catalogue = Catalogue::empty();
    let name = "import";
    catalogue.add_file(name, &text).map_err(|error| {
        let message = error.to_string();
        message.split_once(&format!("`{}`: ", table.id)).map_or(message.clone(), |(_, why)| why.to_owned())
    })?;
    Ok(catalogue)
}

/// Keeps the examples that the detector finds, and those texts in which it finds nothing.
fn add_examples(draft: &Draft, table: &mut Table, notes: &mut Notes) {
    if draft.examples.is_empty() && draft.counter_examples.is_empty() {
        return;
    }
    let Ok(set) = compiled(table) else { return };
    let mut scratch = Scratch::new();
    let mut values = |text: &str| {
        let mut found: Vec<(String, u8, String)> = Vec::new();
        let _ = set.scan(&mut scratch, text.as_bytes(), &mut |m| {
            let value = String::from_utf8_lossy(m.value.expose()).into_owned();
            found.push((value, m.confidence.score(), m.confidence.level().to_string()));
        });
        found
    };
    for (index, example) in draft.examples.iter().enumerate() {
        let found = values(example);
        match found.iter().min_by_key(|(_, score, _)| *score) {
            Some((_, _, level)) => {
                let level = level.clone();
                table.examples.push((example.clone(), found.into_iter().map(|(value, ..)| value).collect(), level));
            }
            None => notes.lost(&draft.place, format!("example {}: nothing is found in it", index + 1)),
        }
    }
    for (index, counter) in draft.counter_examples.iter().enumerate() {
        if values(counter).iter().any(|(_, _, level)| level != "low") {
            notes.lost(&draft.place, format!("negative example {}: something is found in it", index + 1));
        } else {
            table.counter_examples.push(counter.clone());
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
