//! Excerpts, reformatted and renamed copies are found; boilerplate and other texts are not.

use super::super::{Entry, IndexError, Known, KnownKey};
use super::*;
use crate::base::ConfidenceLevel;
use crate::knowledge::Catalogue;
use crate::matching::{DetectorSet, Match};
use std::fmt::Write as _;

fn key() -> KnownKey {
    KnownKey::new([3; 32])
}

/// A text of different words.
fn prose(seed: u64, words: usize) -> String {
    let word = |n: u64| format!("w{:x}", (seed * 7919 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40);
    (0..words as u64).map(word).collect::<Vec<_>>().join(" ")
}

const CODE: &str = "fn settle(ledger: &mut Ledger, rate: f64) -> Result<u64, Fault> {\n    let mut total = 0;\n    \
    for entry in ledger.entries.iter().filter(|e| e.open) {\n        if entry.amount > 100 && !entry.frozen {\n            \
    total += (entry.amount as f64 * rate) as u64; // interest\n        } else {\n            \
    return Err(Fault::Frozen(entry.id));\n        }\n    }\n    while total > ledger.limit {\n        total -= ledger.step(total)?;\n    }\n    \
    match ledger.close(total) {\n        Some(receipt) => Ok(receipt.number + total % 7),\n        None => Err(Fault::Closed),\n    }\n}\n";

fn build(documents: &[(&str, Kind, String)], common: &[String]) -> Vec<u8> {
    let mut indexer = Indexer::new("contracts", &key(), [1; 16]);
    let mut entries: Vec<Entry> = Vec::new();
    for (name, kind, text) in documents {
        indexer.document(name, *kind, text.as_bytes(), &mut entries);
    }
    common.iter().for_each(|text| indexer.common(Kind::Text, text.as_bytes(), &mut entries));
    entries.sort_unstable();
    let mut writer = indexer.writer(entries.len() as u64, Vec::new()).expect("memory");
    entries.into_iter().for_each(|entry| writer.push(entry).expect("sorted"));
    writer.finish().expect("memory")
}

fn scan(index: Vec<u8>, text: &str, piece_len: usize) -> Vec<Match> {
    let index = Index::parse(index, &key()).expect("index");
    let mut catalogue = Catalogue::empty();
    catalogue.add_detector("index", index.detector()).expect("free id");
    let known = Known::new(&DetectorSet::compile(catalogue).expect("set"), Vec::new(), vec![index]);
    let (mut found, mut scan) = (Vec::new(), known.scan().expect("something is known"));
    text.as_bytes().chunks(piece_len).for_each(|piece| scan.push(piece, &mut |m| found.push(m)));
    scan.finish(&mut |m| found.push(m));
    found
}

fn documents() -> Vec<(&'static str, Kind, String)> {
    vec![
        ("offer.docx", Kind::Text, prose(1, 600)),
        ("plan.txt", Kind::Text, prose(2, 400)),
        ("settle.rs", Kind::Code, CODE.to_owned()),
    ]
}

/// Name of the document, per cent, level.
fn seen(text: &str) -> Vec<(String, u64, ConfidenceLevel)> {
    let found = scan(build(&documents(), &[]), text, 4096);
    let facts = |m: &Match| {
        let name = String::from_utf8_lossy(m.value.expose()).into_owned();
        let percent = m.reasons[0].detail.split(' ').next().expect("a number").parse().expect("a number");
        (name, percent, m.confidence.level())
    };
    found.iter().map(facts).collect()
}

#[test]
fn excerpts_and_copies_are_found_with_their_share() {
    let words = prose(1, 600);
    let words: Vec<&str> = words.split(' ').collect();
    let whole = words.join(" ").to_uppercase().replace(' ', ",\n\n  ");
    let [(name, percent, level)] = &seen(&whole)[..] else { panic!("one document") };
    assert_eq!((name.as_str(), *percent, *level), ("offer.docx", 100, ConfidenceLevel::High));
    // A tenth of the document inside of another text.
    let excerpt = format!("{} {} {}", prose(8, 300), words[200..260].join(" "), prose(9, 300));
    let [(name, percent, level)] = &seen(&excerpt)[..] else { panic!("one document: {:?}", seen(&excerpt)) };
    assert!(name == "offer.docx" && (7..=11).contains(percent), "{percent}");
    assert_eq!(*level, ConfidenceLevel::Medium);
    assert_eq!(seen(&format!("{} {}", prose(8, 300), prose(9, 300))), []);
    assert_eq!(seen(&words[100..107].join(" ")), [], "seven words are nobody's");
}

#[test]
fn renamed_and_reformatted_code_is_found() {
    let renamed = ["settle", "ledger", "rate", "total", "entry", "amount", "receipt", "Fault"]
        .iter()
        .enumerate()
        .fold(CODE.to_owned(), |code, (n, name)| code.replace(name, &format!("v{n}")));
    let reformatted = renamed.replace("    ", "\t").replace(" {\n", "\n{\n").replace("// interest", "/* x */");
    let [(name, percent, level)] = &seen(&reformatted)[..] else { panic!("{:?}", seen(&reformatted)) };
    assert!(name == "settle.rs" && *percent >= 75, "{percent}");
    assert_eq!(*level, ConfidenceLevel::High);
    let other = "fn main() {\n    let args: Vec<String> = std::env::args().collect();\n    println!(\"{}\", args.len());\n    \
        let file = File::open(&args[1]).unwrap();\n    for line in BufReader::new(file).lines() {\n        process(line);\n    }\n}\n";
    assert_eq!(seen(other), []);
}

#[test]
fn what_many_share_or_was_given_as_common_counts_for_none() {
    let footer = prose(50, 60);
    let licence = prose(51, 80);
    let texts: Vec<String> = (10..20).map(|n| format!("{licence} {} {footer}", prose(n, 200))).collect();
    let documents: Vec<_> = texts.iter().map(|text| ("contract", Kind::Text, text.clone())).collect();
    let index = build(&documents, std::slice::from_ref(&licence));
    assert!(scan(index.clone(), &footer, 4096).is_empty());
    assert!(scan(index.clone(), &licence, 4096).is_empty());
    let found = scan(index, &texts[3], 4096);
    assert_eq!(found.len(), 1);
    assert!(found[0].reasons[0].detail.starts_with("100 %"), "{:?}", found[0].reasons);
}

#[test]
fn cutting_changes_nothing_and_other_keys_are_refused() {
    let mut text = prose(8, 50);
    write!(text, "\nżółć\n{}\n{CODE}", prose(1, 200)).expect("memory");
    let whole = scan(build(&documents(), &[]), &text, text.len());
    assert_eq!(whole.len(), 2);
    assert_eq!(whole[0].start.line, 3, "{:?}", whole[0]);
    for piece_len in [1, 5, 64] {
        assert_eq!(scan(build(&documents(), &[]), &text, piece_len), whole, "{piece_len}");
    }
    let error = Index::parse(build(&documents(), &[]), &KnownKey::new([4; 32])).expect_err("another key");
    assert_eq!(error, IndexError::Key);
}
