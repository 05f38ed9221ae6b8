//! Whole documents: what is taken over, what is told.

use super::*;
use dlp_core::knowledge::{Catalogue, Detector};

fn detectors(imported: &Imported) -> Vec<Detector> {
    let mut catalogue = Catalogue::empty();
    let read =
        catalogue.add_file("import", &imported.toml).unwrap_or_else(|error| panic!("{error}\n{}", imported.toml));
    read.into_iter().map(|read| read.detector).collect()
}

fn told(imported: &Imported) -> Vec<String> {
    imported.notes.iter().map(ToString::to_string).collect()
}

fn import_toml(text: &str) -> Imported {
    import(text, None).expect("a configuration")
}

const GITLEAKS: &str = r#"
title = "ours"
[extend]
useDefault = true
disabledRules = ["generic-api-key"]

[[rules]]
id = "acme-token"
description = "Acme token"
regex = '''(?i)[\w.-]{0,50}?acme[\w.-]{0,20}=['"]?([a-z0-9]{20})(?:['"\s]|$)'''
keywords = ["acme"]
entropy = 3.0
tags = ["acme", "token"]
  [[rules.allowlists]]
  description = "known ones"
  condition = "AND"
  regexTarget = "line"
  regexes = ['''# fine$''']
  paths = ['''^tests/''']
  stopwords = ["sample"]

[[rules]]
id = "acme-key-file"
path = '''\.acme$'''

[[rules]]
id = "acme-env"
regex = '''ACME_SECRET=(\S+)'''
path = '''(?:^|/)\.env$'''

[[rules]]
id = "bare"
regex = '''[A-Za-z0-9]{32}'''
keywords = ["acmebare"]

[[rules]]
id = "looks-ahead"
regex = '''acme(?=x)'''

[[allowlists]]
description = "fixtures"
paths = ['''testdata''']
commits = ["abcdef12"]
"#;

#[test]
fn a_configuration_becomes_detectors_and_allow_entries() {
    let imported = import_toml(GITLEAKS);
    let found = detectors(&imported);
    let ids: Vec<&str> = found.iter().map(|d| d.id.as_str()).collect();
    assert_eq!(ids, ["custom.acme-token", "custom.acme-env", "custom.bare"]);
    assert_eq!((imported.rules, imported.taken, imported.allows), (5, 3, 3));
    assert_eq!(found[0].title, "Acme token");
    assert_eq!(found[0].entropy_min, 3.0);
    assert_eq!(found[0].tags, ["acme", "token"]);
    assert!(found[0].patterns[0].regex.contains("(?P<value>[a-z0-9]{20})"), "{}", found[0].patterns[0].regex);
    let told = told(&imported);
    for expected in [
        "extend: the built-in detectors run",
        "extend: lost: `disabledRules` names the default rule `generic-api-key`",
        "rule `acme-key-file`: lost: it finds files by their names alone",
        "rule `acme-env`: changed: repetitions without an end",
        "rule `bare`: changed: it has no fixed text",
        "rule `looks-ahead`: lost: it was not taken over: its regex cannot be read: look-around",
    ] {
        assert!(told.iter().any(|note| note.starts_with(expected)), "expected `{expected}` in {told:#?}");
    }
    let parts = ["require = \"all\"", "lines = [\"# fine$\"]", "words = [\"sample\"]", "except_paths = ["];
    for part in parts.into_iter().chain([
        "commits = [\"abcdef12\"]",
        "[\"custom.acme-env\", \"custom.acme-token\", \"custom.bare\", \"secret.*\"]",
    ]) {
        assert!(imported.toml.contains(part), "expected `{part}` in {}", imported.toml);
    }
}

#[test]
fn a_rule_changes_the_one_that_it_extends() {
    let base = "[[rules]]\nid = \"a\"\nregex = 'aaaa_[0-9]{8}'\ndescription = \"old\"\n[[rules]]\nid = \"b\"\nregex = 'bbbb_[0-9]{8}'\n";
    let own = "[extend]\npath = \"base.toml\"\ndisabledRules = [\"b\"]\n[[rules]]\nid = \"a\"\ndescription = \"new\"\n";
    assert_eq!(gitleaks_base(own).as_deref(), Some("base.toml"));
    let imported = import(own, Some(base)).expect("a configuration");
    let found = detectors(&imported);
    assert_eq!((found.len(), found[0].title.as_str()), (1, "new"));
    assert_eq!(found[0].patterns[0].regex, "aaaa_[0-9]{8}");
    let missing = import(own, None).expect("a configuration");
    assert!(told(&missing).iter().any(|note| note.contains("`base.toml` could not be read")), "{:?}", told(&missing));
}

#[test]
fn rules_that_serve_others_are_low_and_raise_them() {
    let rules = r#"
[[rules]]
id = "acme-secret"
regex = '''acs_[0-9a-f]{24}'''
skipReport = false
  [[rules.required]]
  id = "acme-id"
  withinLines = 5
  [[rules.required]]
  id = "aws-access-token"

[[rules]]
id = "acme-id"
regex = '''aci_[0-9a-f]{12}'''
skipReport = true
"#;
    let imported = import_toml(rules);
    let found = detectors(&imported);
    assert_eq!((found.len(), imported.taken), (2, 2));
    assert_eq!(found[0].companions, ["custom.acme-id"]);
    let of_score = |detector: &Detector| (detector.score.pattern, detector.score.companion);
    assert_eq!((of_score(&found[0]), found[1].score.pattern), ((55, 20), 50));
    let expected = [
        "rule `acme-secret`: changed: `withinLines`: companions of a detector stand within a kilobyte",
        "rule `acme-secret`: changed: `required`: without any of them its findings are low, and not lost",
        "rule `acme-id`: changed: `skipReport`: it only serves other rules; its findings are low",
        "rule `acme-secret`: lost: it goes with `custom.aws-access-token`, which is no detector of the file",
    ];
    assert_eq!(told(&imported), expected);
    let alone =
        import_toml(&rules.replace("acme-id", "elsewhere").replace("id = \"elsewhere\"\nregex", "id = \"x\"\nregex"));
    assert_eq!(of_score(&detectors(&alone)[0]), (75, 0), "what it demands cannot be found: as surely as without");
}

const YAML: &str = r#"
rules:
  - name: Acme API Key
    id: kingfisher.acme.1
    pattern: |
      (?x)
      \b acme [._-]? key \s{0,4} [=:] \s{0,4}
      (?P<TOKEN> [a-f0-9]{24} )   # the secret
      \b
    min_entropy: 3.1
    confidence: high
    categories: [api, secret]
    examples:
      - acme_key = 5f2ab8c1de90437fa6be2c14
      - nothing here
    negative_examples:
      - acme_key = short
    references:
      - https://acme.test/docs
    validation:
      type: Http
    pattern_requirements:
      min_digits: 2
      ignore_if_contains: ["deadbeef"]
      min_special_chars: 1
      special_chars: "-]^"
      checksum: {expected: "x"}
    prevalidated: false
  - name: Without a pattern
    id: np.none.1
  - name: Other
    id: np.other.1
    pattern: 'othr_([0-9a-z]{16})'
    visible: false
    depends_on_rule:
      - rule_id: kingfisher.acme.1
        variable: AKID
    confidence: sure
    prevalidated: true
    novelty: true
"#;

#[test]
fn rules_in_yaml_bring_their_examples() {
    let imported = import(YAML, None).expect("rules");
    let found = detectors(&imported);
    assert_eq!(
        found.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(),
        ["custom.kingfisher.acme.1", "custom.np.other.1"]
    );
    assert_eq!((found[0].score.pattern, found[1].score.pattern), (90, 50));
    assert_eq!(found[0].reference, "https://acme.test/docs");
    assert_eq!(
        (found[1].companions.as_slice(), found[1].score.companion),
        (&["custom.kingfisher.acme.1".to_owned()][..], 10)
    );
    assert!(imported.toml.contains("finds = [\"5f2ab8c1de90437fa6be2c14\"]"), "{}", imported.toml);
    assert!(imported.toml.contains("acme_key = short"), "{}", imported.toml);
    assert!(imported.toml.contains(r#"values = ['^[^\-\]\^]*(?:[\-\]\^][^\-\]\^]*){0,0}$']"#), "{}", imported.toml);
    assert!(!told(&imported).iter().any(|note| note.starts_with("rule `kingfisher.acme.1`: lost: `prevalidated`")));
    let told = told(&imported);
    for expected in [
        "rule `kingfisher.acme.1`: lost: example 2: nothing is found in it",
        "rule `kingfisher.acme.1`: lost: `validation`: nothing that is found is sent anywhere",
        "rule `kingfisher.acme.1`, `pattern_requirements`: lost: `checksum`: there is no counterpart",
        "rule `np.other.1`: lost: `prevalidated`: a finding is as sure as its confidence says",
        "rule `np.none.1`: lost: it has no pattern",
        "rule `np.other.1`: changed: it only serves other rules",
        "rule `np.other.1`: changed: its confidence is none of low, medium and high",
        "rule `np.other.1`: lost: `novelty`: there is no counterpart",
    ] {
        assert!(told.iter().any(|note| note == expected || note.starts_with(expected)), "{expected}: {told:#?}");
    }
}

const FREQUENT: &str = r#"
[[rules]]
id = "generic"
entropy = 3.5
keywords = ["key", "auth"]
regex = '''(?i)(?:auth|key)(?:[ \t\w.-]{0,20})[\s'"]{0,3}(?:=|:)[\s"]{0,5}([\w.=-]{10,150})(?:[\s"]|$)'''
[[rules]]
id = "any"
regex = '''"([^"\s]{20,64})"'''
"#;

#[test]
fn rules_with_frequent_words_alone_are_taken_and_told() {
    let imported = import_toml(FREQUENT);
    let told = told(&imported);
    assert_eq!((imported.rules, imported.taken), (2, 1), "{told:#?}");
    assert_eq!(detectors(&imported)[0].entropy_min, 3.5);
    for expected in ["rule `generic`: it is looked for wherever `key` ", "rule `any`: lost: it was not taken over"] {
        assert!(told.iter().any(|note| note.starts_with(expected)), "{expected}: {told:#?}");
    }
}

#[test]
fn other_documents_are_refused() {
    for text in ["", "a: 1", "[[detector]]\nid = \"x\"", "{", "rules: 3: 4"] {
        let error = import(text, None).expect_err(text);
        assert!(error.contains("expected a gitleaks configuration"), "{text}: {error}");
    }
}

#[test]
fn one_wrong_entry_costs_no_other_and_nothing_goes_in_silence() {
    let yaml = "rules:\n  - name: good\n    id: a.b\n    pattern: 'acme6_[a-z0-9]{20}'\n  - null\n  - name: again\n    id: a.b\n    \
                pattern: 'acme7_[a-z0-9]{20}'\n    pattern_requirements:\n      min_digits: 100\n      min_uppercase: 1\n";
    let imported = import(yaml, None).expect("a rule file");
    let ids: Vec<String> = detectors(&imported).into_iter().map(|detector| detector.id).collect();
    assert_eq!(ids, ["custom.a.b", "custom.a.b-2"]);
    assert!(imported.toml.contains("detectors = [\"custom.a.b-2\"]"), "{}", imported.toml);
    let expected = [
        "rule `a.b`: changed: another rule became `custom.a.b`, so this one is `custom.a.b-2`",
        "rule `a.b`: lost: `min_digits`: expected a number from 0 to 64",
        "file: lost: `rules, 2`: its value has an unexpected type",
    ];
    assert_eq!(told(&imported), expected);
}

#[test]
fn rules_with_one_id_or_none_and_groups_and_targets_that_are_not_there_are_told() {
    let imported = import_toml(
        r#"
[[rules]]
id = "twice"
regex = '''acme1_[a-z0-9]{20}'''
[[rules]]
id = "twice"
regex = '''acme2_[a-z0-9]{20}'''
[[rules]]
regex = '''acme3_[a-z0-9]{20}'''
[[rules]]
regex = '''acme4_([a-z0-9]{20})'''
secretGroup = 9
[[allowlists]]
targetRules = ["twice", "nowhere"]
regexes = ['''x''']
"#,
    );
    let patterns: Vec<String> =
        detectors(&imported).into_iter().map(|detector| detector.patterns[0].regex.clone()).collect();
    let expected = ["acme2_[a-z0-9]{20}", "acme3_[a-z0-9]{20}", "acme4_(?:[a-z0-9]{20})"];
    assert_eq!(patterns, expected);
    let expected = [
        "rule `twice`: lost: it stands there twice, and the later one counts, key by key",
        "rule `unnamed`: changed: another rule became `custom.unnamed`, so this one is `custom.unnamed-2`",
        "rule `unnamed`: changed: it has no group 9, so everything that it finds is the value",
        "allowlists 1: lost: it is for `custom.nowhere` too, which was not taken over",
    ];
    assert_eq!(told(&imported), expected);
}
