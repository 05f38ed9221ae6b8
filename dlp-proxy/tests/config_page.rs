//! The page about the configuration names every key that there is, no other, and the defaults that hold.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use dlp_proxy::config::Config;
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../docs/GATEWAY.md");

/// Key and default of each row of the tables; a default is TOML, or absent.
fn rows() -> Vec<(&'static str, Option<&'static str>)> {
    let cells = PAGE.lines().filter_map(|line| line.strip_prefix("| `"));
    cells
        .map(|row| {
            let columns: Vec<_> = row.split(" | ").collect();
            let [key, _, default, _] = columns[..] else { panic!("expected four columns in {row}") };
            let default = (default != "none").then(|| default.strip_prefix('`').unwrap().strip_suffix('`').unwrap());
            (key.strip_suffix('`').unwrap(), default)
        })
        .collect()
}

/// The keys that a table takes, from what it answers to one that does not exist.
fn keys_of(table: &str) -> Vec<String> {
    let dot = if table.is_empty() { "" } else { "." };
    let error = toml::from_str::<Config>(&format!("{table}{dot}no-such-key = 1")).unwrap_err().to_string();
    let expected = error.split_once(", expected ").expect("an unknown key is refused with those that exist").1;
    expected.split('`').skip(1).step_by(2).map(|key| format!("{table}{dot}{key}")).collect()
}

#[test]
fn every_key_is_on_the_page_and_no_other() {
    let tables = keys_of("").into_iter().flat_map(|table| keys_of(&table));
    let is_table = |key: &str| ["tenant.corporate", "identity.jwt"].contains(&key);
    let expected: BTreeSet<String> =
        tables.flat_map(|key| if is_table(&key) { keys_of(&key) } else { vec![key] }).collect();
    let found: BTreeSet<String> = rows().into_iter().map(|(key, _)| key.to_owned()).collect();
    assert!(expected.len() > 40, "{expected:?}");
    assert_eq!(found, expected);
}

#[test]
fn the_defaults_on_the_page_hold() {
    for (key, default) in rows() {
        let Some(default) = default else { continue };
        let line = format!("{key} = {default}");
        let config: Config = toml::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(config, Config::default(), "{line}");
    }
}

#[test]
fn the_samples_on_the_page_are_taken() {
    let samples = PAGE.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut count = 0;
    for sample in samples {
        let config: Config = toml::from_str(sample).unwrap_or_else(|error| panic!("{sample}: {error}"));
        config.check().unwrap();
        assert_ne!(config, Config::default());
        count += 1;
    }
    assert_eq!(count, 2);
}
