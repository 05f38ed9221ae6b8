//! The beginning of a detector of one's own: a file that passes its tests as it stands, and says at each key what it is
//! for.

use crate::cli::NewArgs;
use crate::error::CliError;
use crate::exit;
use crate::import::quoted;
use crate::output::Destination;
use crate::say;
use dlp_core::knowledge::generate::generate;
use dlp_core::knowledge::{Catalogue, CatalogueError};
use dlp_core::matching::{DetectorSet, Scratch};
use std::io::Write as _;

/// What is looked for until its author says what.
const SAMPLE_PATTERN: &str = "ACME-[0-9]{8}";

/// Writes the file.
pub(super) fn run(args: &NewArgs) -> Result<u8, CliError> {
    let builtin = Catalogue::builtin()?;
    if builtin.ids().any(|id| id == args.id) {
        return Err(CliError::IdTaken { id: args.id.clone() });
    }
    let draft = text(args, &example(args)?);
    check(&draft)?;
    warn_of_others(args, builtin, &draft)?;
    let mut destination = Destination::open_new(args.out.as_deref(), args.force)?;
    let written = destination.write_all(draft.as_bytes());
    written.map_err(|source| destination.failed(source))?;
    destination.finish()?;
    Ok(exit::CLEAN)
}

/// Says so when a built-in detector takes what this one is for: of two findings in one place the better one stays.
fn warn_of_others(args: &NewArgs, mut all: Catalogue, draft: &str) -> Result<(), CliError> {
    let Ok(made) = generate(pattern(args), 1, None) else { return Ok(()) };
    let text = args.word.first().map_or_else(|| made.clone(), |word| format!("{word}: {made}"));
    all.add_file("the new detector", draft)?;
    let set = DetectorSet::compile(all)?;
    let mut found = Vec::new();
    let _ = set.scan(&mut Scratch::new(), text.as_bytes(), &mut |m| found.push(set.detector(m.detector).id.clone()));
    if let Some(other) = found.first().filter(|_| !found.contains(&args.id)) {
        let id = &args.id;
        say(&format!(
            "{id}: what it looks for is reported by the built-in {other}; `!{other}` in --detectors leaves that out"
        ));
    }
    Ok(())
}

fn pattern(args: &NewArgs) -> &str {
    args.pattern.as_deref().unwrap_or(SAMPLE_PATTERN)
}

/// Whether the detector can be used, in the words in which a scan would say it.
fn check(text: &str) -> Result<DetectorSet, CatalogueError> {
    let mut catalogue = Catalogue::empty();
    catalogue.add_file("the new detector", text)?;
    DetectorSet::compile(catalogue).map_err(|error| unreachable!("a checked catalogue compiles: {error}"))
}

/// An example that the pattern makes itself. Where it marks a part of its match as the value, that part is named.
fn example(args: &NewArgs) -> Result<String, CliError> {
    let (pattern, lead) = (pattern(args), args.word.first().map_or_else(String::new, |word| format!("{word}: ")));
    if !pattern.contains("(?P<value>") {
        let text = quoted(&format!("{lead}{{{{value}}}}"));
        return Ok(format!("{{ text = {text}, generate = {}, level = \"medium\" }}", quoted(pattern)));
    }
    let set = check(&text(args, "{ text = \"x\", finds = [\"x\"] }"))?;
    let made = generate(pattern, 1, None).map_err(|error| CliError::NewDetector { message: error.to_string() })?;
    let made = format!("{lead}{made}");
    let mut values = Vec::new();
    let _ = set.scan(&mut Scratch::new(), made.as_bytes(), &mut |found| {
        values.push(quoted(&String::from_utf8_lossy(found.value.expose())));
    });
    Ok(format!("{{ text = {}, finds = [{}], level = \"medium\" }}", quoted(&made), values.join(", ")))
}

fn text(args: &NewArgs, example: &str) -> String {
    let words: Vec<String> = args.word.iter().map(|word| quoted(word)).collect();
    let title = args.title.as_deref().unwrap_or("Name of the number, key or marking");
    let (id, title, pattern, words) = (quoted(&args.id), quoted(title), quoted(pattern(args)), words.join(", "));
    format!(
        "\
# A detector of your own. `dlp detectors test FILE` runs its examples,
# `dlp scan --detector-file FILE` uses it.

[[detector]]
id = {id}
title = {title}
# What it is, and what whoever has it can do with it.
description = \"\"
# What to do when it leaked.
remedy = \"\"
# pii, government-id, finance, health, secret, source-code, label or custom
category = \"custom\"
# How bad a leak is: informational, low, medium, high or critical
severity = \"medium\"
# Regular expressions without look-around; repetitions need an upper bound. (?P<value>...) marks the sensitive part.
patterns = [{pattern}]
# What may not stand directly beside a match: letters and digits (token), also further groups of digits (identifier),
# letters of any script (word); none leaves it to the pattern.
boundary = \"token\"
# Words near a match that speak for it (strong, weak) or against it (negative).
context = {{ strong = [{words}], before_bytes = 80, after_bytes = 40 }}
# Points from 0 to 100: below 60 is low, from 85 on high. They add up.
score = {{ pattern = 60, strong = 25 }}
# Texts in which it has to find something, at this level or higher; `generate` makes a value from a pattern.
examples = [
  {example},
]
# Texts in which it must find nothing, and why.
counter_examples = [
  {{ text = \"a text without one\", reason = \"nothing of the kind stands in it\" }},
]
"
    )
}
