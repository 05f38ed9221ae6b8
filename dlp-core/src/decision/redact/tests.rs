//! Laws: what was redacted is found no more, what was tokenised comes back, structure stays, and cutting changes
//! nothing.

use super::*;
use crate::knowledge::{Example, builtin_examples, generate::generate, validators};
use std::sync::OnceLock;

const ALL: [Method; 4] = [Method::Mask, Method::Token, Method::Hash, Method::Format];

/// Compiling the whole catalogue takes a while, so one set serves all.
fn set() -> &'static DetectorSet {
    static SET: OnceLock<DetectorSet> = OnceLock::new();
    SET.get_or_init(|| DetectorSet::builtin().expect("built-in detectors"))
}

fn key() -> RedactKey {
    RedactKey::new(std::array::from_fn(|at| at as u8))
}

fn redaction(method: Method, format: TextFormat) -> Redaction {
    Redaction { method, format, confidence_min: ConfidenceLevel::Medium }
}

fn redact(redaction: Redaction, text: &str, piece_len: usize) -> String {
    let (key, mut scratch, mut out) = (key(), Scratch::new(), Vec::new());
    let mut redactor = Redactor::new(set(), &mut scratch, redaction, &key);
    for piece in text.as_bytes().chunks(piece_len) {
        redactor.push(piece, &mut out).expect("UTF-8");
    }
    let _ = redactor.finish(&mut out).expect("UTF-8");
    String::from_utf8(out).expect("UTF-8 stays UTF-8")
}

fn restore(text: &str, piece_len: usize) -> (String, Restored) {
    let (key, mut out) = (key(), Vec::new());
    let mut restorer = Restorer::new(&key);
    text.as_bytes().chunks(piece_len).for_each(|piece| restorer.push(piece, &mut out));
    let restored = restorer.finish(&mut out);
    (String::from_utf8(out).expect("UTF-8"), restored)
}

/// Ids of what is found at medium or above.
fn found(text: &str) -> Vec<&'static str> {
    let mut ids = Vec::new();
    let _ = set().scan(&mut Scratch::new(), text.as_bytes(), &mut |m| {
        if m.confidence.level() >= ConfidenceLevel::Medium {
            ids.push(set().detector(m.detector).id.as_str());
        }
    });
    ids
}

/// Texts of every detector that is not about labels: those are no values of people.
fn examples() -> Vec<String> {
    let all = builtin_examples().expect("examples");
    let texts = all.into_iter().filter(|(id, ..)| !id.starts_with("label."));
    texts.flat_map(|(_, examples, _)| examples.into_iter().map(|e| e.text)).filter(|t| !t.contains("{{")).collect()
}

#[test]
fn what_was_redacted_is_found_no_more() {
    let mut failures = Vec::new();
    for text in examples() {
        for method in ALL {
            let result = redact(redaction(method, TextFormat::Text), &text, 4096);
            let left = found(&result);
            if !left.is_empty() {
                failures.push(format!("{method:?} {left:?}: {text:?} -> {result:?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
}

/// A text of every detector, labels and made-up credentials among them. Credentials differ by the seed.
fn texts_of_all(seed: u64) -> Vec<(String, String)> {
    let check = |id: &str| {
        let detector = set().detectors().find(|detector| detector.id == id)?;
        validators::find(&detector.validator.as_ref()?.name)
    };
    let all = builtin_examples().expect("examples");
    let text = |id: &str, example: &Example| match example.generate.as_str() {
        "" => example.text.clone(),
        recipe => example.text.replace("{{value}}", &generate(recipe, seed, check(id)).expect("recipe")),
    };
    let of_text = |example: &&Example| example.bytes.is_empty();
    let firsts = all.iter().filter_map(|(id, examples, _)| Some((id, examples.iter().find(of_text)?)));
    let texts = firsts.map(|(id, example)| (id.clone(), text(id, example)));
    texts.filter(|(_, text)| !text.contains('\0')).collect()
}

/// Redacts an example of every detector by one method as a text, and one in four of them as a string of JSON and as a
/// cell too: what is found in a result hardly depends on the structure around it, and all of them would take long.
fn check_all(method: Method) {
    let (mut failures, mut tried) = (Vec::new(), 0);
    for (index, (id, text)) in texts_of_all(5).into_iter().enumerate() {
        let json = serde_json::json!({ "id": 1, "note": text, "list": [text] }).to_string();
        let csv = format!("id;note;count\n1;\"{}\";2\n", text.replace('"', "\"\""));
        let ways = [(TextFormat::Text, text), (TextFormat::Json, json), (TextFormat::Csv, csv)];
        let count = if ALL[index % ALL.len()] == method { ways.len() } else { 1 };
        for (format, text) in ways.into_iter().take(count) {
            tried += 1;
            let result = redact(redaction(method, format), &text, 4096);
            let left = found(&result);
            if !left.is_empty() {
                failures.push(format!("{id}, {format:?}: {left:?} in {result:?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {tried} fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn masks_leave_nothing_of_any_detector() {
    check_all(Method::Mask);
}

#[test]
fn tokens_leave_nothing_of_any_detector() {
    check_all(Method::Token);
}

#[test]
fn hashes_leave_nothing_of_any_detector() {
    check_all(Method::Hash);
}

#[test]
fn kept_layouts_leave_nothing_of_any_detector() {
    check_all(Method::Format);
}

/// A pattern that reaches for the last value of a line would pass over the ones before.
#[test]
fn of_two_values_in_a_line_none_stays() {
    let mut failures = Vec::new();
    for ((id, first), (_, second)) in texts_of_all(5).into_iter().zip(texts_of_all(6)) {
        let json = serde_json::json!([first, second, first]).to_string();
        let result = redact(redaction(Method::Mask, TextFormat::Json), &json, 4096);
        let left = found(&result);
        if !left.is_empty() {
            failures.push(format!("{id}: {left:?} in {result:?}"));
        }
    }
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
}

/// Letters and digits: what spellings of a value have in common.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

#[test]
fn tokens_come_back_wherever_the_text_is_cut() {
    for text in examples().iter().step_by(7) {
        let tokens = redact(redaction(Method::Token, TextFormat::Text), text, 13);
        for piece_len in [1, 7, 4096] {
            let (restored, counts) = restore(&tokens, piece_len);
            assert_eq!(plain(&restored), plain(text));
            assert_eq!(counts.left, 0, "{tokens}");
        }
    }
}

#[test]
fn cutting_changes_nothing() {
    let text = examples().join("\n");
    let text = &text[..text.floor_char_boundary(20_000)];
    let whole = redact(redaction(Method::Mask, TextFormat::Text), text, text.len());
    for piece_len in [1, 97, 4096] {
        assert!(redact(redaction(Method::Mask, TextFormat::Text), text, piece_len) == whole, "{piece_len}");
    }
}

#[test]
fn json_stays_json_and_comes_back() {
    let text = r#"{"name": "Jane \"J\" Doe", "pesel": 44051401359, "card": "4000 0100 0007 1234",
        "list": [{"PESEL": "06031739070"}, null, true], "note": "tel.\u0020+48 512 345 678\nIBAN DE73507501468807293814"}"#;
    for method in ALL {
        let result = redact(redaction(method, TextFormat::Json), text, 11);
        let parsed: serde_json::Value = serde_json::from_str(&result).unwrap_or_else(|e| panic!("{e}: {result}"));
        assert_eq!(parsed["name"], "Jane \"J\" Doe");
        assert!(!result.contains("44051401359") && !result.contains("06031739070"), "{result}");
        assert_eq!(found(&result), Vec::<&str>::new(), "{result}");
    }
    let tokens = redact(redaction(Method::Token, TextFormat::Json), text, 11);
    // A value comes back in its normal spelling.
    let normal = text.replace("4000 0100 0007 1234", "4000010000071234");
    for piece_len in [1, 3, 4096] {
        assert_eq!(plain(&restore(&tokens, piece_len).0), plain(&normal));
    }
}

#[test]
fn equal_values_are_equal_however_they_are_spelled() {
    let rows: &[&[&str]] = &[
        &["PESEL: 06031739070", "PESEL: 06 0317 39070", "PESEL: cGVzZWwgMDYwMzE3MzkwNzA="],
        &["IBAN DE73507501468807293814", "IBAN DE73 5075 0146 8807 2938 14", "IBAN de73 5075 0146 8807 2938 14"],
        &["card 4000 0100 0007 1234", "card 4000-0100-0007-1234"],
        &["mail jane.doe@acme.pl, joe@acme.pl", "mail Jane.Doe@Acme.pl, joe@acme.pl"],
    ];
    for texts in rows {
        let hashes: Vec<_> =
            texts.iter().map(|text| redact(redaction(Method::Hash, TextFormat::Text), text, 4096)).collect();
        assert!(hashes.iter().all(|hash| hash.contains("{{dlp-hash:") && *hash == hashes[0]), "{hashes:#?}");
        // A token gives code back as it was, so it is compared between spellings in the clear.
        let clear = texts.iter().filter(|text| !text.ends_with('='));
        let tokens: Vec<_> = clear.map(|text| redact(redaction(Method::Token, TextFormat::Text), text, 4096)).collect();
        assert!(tokens.iter().all(|token| token.contains("{{dlp:") && *token == tokens[0]), "{tokens:#?}");
    }
}

/// Texts with values that are encoded, and the part of each that may not stay.
const ENCODED: &[(&str, &str)] = &[
    ("auth cGVzZWw6IDA2MDMxNzM5MDcwIQ== end", "cGVzZWw6IDA2"),
    ("x 706573656c3a2030363033313733393037302121 y", "30363033"),
    ("https://acme.pl/?mail=jane.doe%40acme.pl&pesel=0603173907%30", "%40"),
    ("<td>PESEL</td><td>&#48;&#54;031739070</td>", "031739070"),
    ("PESEL: \\u0030\\u0036031739070", "031739070"),
    ("twice Y0dWelpXdzZJREEyTURNeE56TTVNRGN3SVE9PQ== end", "Y0dWel"),
    (r#"x = "c2VlIDEy" + "MDMwNS00MzIxIGJlbG93LCBhbmQgbW9yZSB3b3Jkcw==""#, "MDMwNS00"),
];

#[test]
fn what_stands_encoded_is_replaced_and_comes_back_as_it_was() {
    for (text, gone) in ENCODED {
        for method in ALL {
            let result = redact(redaction(method, TextFormat::Text), text, 7);
            assert!(!result.contains(gone), "{method:?}: {result}");
            assert_eq!(inspected(&result), Vec::<String>::new(), "{method:?}: {result}");
        }
        let tokens = redact(redaction(Method::Token, TextFormat::Text), text, 4096);
        assert_eq!(&restore(&tokens, 5).0, text, "{tokens}");
    }
}

#[test]
fn what_stands_encoded_far_behind_is_replaced_wherever_the_text_is_cut() {
    let line = "lorem ipsum dolor sit amet consectetur adipiscing elit\n";
    let text: String = ENCODED.iter().map(|(text, _)| format!("{}{text}\n", line.repeat(900))).collect();
    let whole = redact(redaction(Method::Mask, TextFormat::Text), &text, text.len());
    assert_eq!(inspected(&whole), Vec::<String>::new());
    for piece_len in [97, 64 * 1024] {
        assert!(redact(redaction(Method::Mask, TextFormat::Text), &text, piece_len) == whole, "{piece_len}");
    }
}

/// What a scan finds at medium or above, decoded texts included.
fn inspected(text: &str) -> Vec<String> {
    use crate::content::{Extraction, Input, MatchingSink, extract};
    let (limits, cancel, mut scratch) = (crate::base::Limits::batch(), crate::base::Cancel::default(), Scratch::new());
    let mut collected = crate::inspect::Collected::default();
    let mut sink = MatchingSink::new(set(), &mut scratch, &limits, &mut collected);
    let extraction = Extraction { limits: &limits, cancel: &cancel, risky: None };
    let _ = extract("redacted.txt", Input::Bytes(text.as_bytes()), extraction, &mut sink);
    let sure = collected.findings.iter().filter(|finding| finding.confidence.level() >= ConfidenceLevel::Medium);
    sure.map(|finding| set().detector(finding.detector).id.clone()).collect()
}

#[test]
fn json_that_is_none_is_told_and_taken_as_text() {
    let rows = [
        (r#"{"pesel": 06031739070}"#, Some(21), r#"{"pesel": "***********"}"#),
        (r#"{"pesel": "06031739070""#, Some(23), r#"{"pesel": "***********""#),
        ("PESEL: 06031739070", Some(5), "PESEL: ***********"),
        (r#"{"pesel": "06031739070"}"#, None, r#"{"pesel": "***********"}"#),
    ];
    for (text, broken_at, expected) in rows {
        for piece_len in [1, 4096] {
            let (key, mut scratch, mut out) = (key(), Scratch::new(), Vec::new());
            let mut redactor = Redactor::new(set(), &mut scratch, redaction(Method::Mask, TextFormat::Json), &key);
            for piece in text.as_bytes().chunks(piece_len) {
                redactor.push(piece, &mut out).expect("UTF-8");
            }
            let redacted = redactor.finish(&mut out).expect("UTF-8");
            assert_eq!(redacted.broken_at, broken_at, "{text}");
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }
}

#[test]
fn numbers_that_could_be_parts_of_a_value_stay() {
    for text in ["3.0\n4.6122367.151584.26\n7.1", "issue #41657\n31848625 fix"] {
        assert_eq!(redact(redaction(Method::Mask, TextFormat::Text), text, 4096), text);
    }
    let result = redact(redaction(Method::Mask, TextFormat::Text), "Card number: 4000 0100 00\n07 1234\n", 4096);
    assert!(!result.contains("1234"), "{result}");
}

#[test]
fn rows_keep_their_fields() {
    let text = "name,pesel,gps,phone\nDoe,44051401359,\"GPS: 52.2297, 21.0122\",+48 512 345 678\n\
                Roe,06031739070,,+48 601 234 567\n";
    for method in ALL {
        let result = redact(redaction(method, TextFormat::Csv), text, 4096);
        let commas = |text: &str| text.lines().map(|line| line.matches(',').count()).collect::<Vec<_>>();
        assert_eq!(commas(&result), commas(text), "{result}");
        assert!(!result.contains("06031739070") && !result.contains("21.0122"), "{result}");
    }
}

#[test]
fn cells_of_credentials_are_replaced() {
    let value = |n: u64| crate::knowledge::generate::generate("[0-9a-f]{40}", n, None).expect("recipe");
    let values: Vec<String> = (0..900).map(value).collect();
    let lines: String = values.iter().enumerate().map(|(n, value)| format!("{n},{value},a\n")).collect();
    let text = format!("id,sendbird_api_token,region\n{lines}");
    assert!(inspected(&text).len() >= values.len());
    for piece_len in [97, text.len()] {
        let result = redact(redaction(Method::Mask, TextFormat::Csv), &text, piece_len);
        assert!(values.iter().all(|value| !result.contains(value)), "{piece_len}");
        assert_eq!(inspected(&result), Vec::<String>::new());
    }
}

#[test]
fn layouts_are_kept_where_a_check_tells_genuine_from_drawn() {
    let text = "PESEL: 06031739070, card 4000 0100 0007 1234.";
    let result = redact(redaction(Method::Format, TextFormat::Text), text, 4096);
    let layout = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "0");
    assert_eq!(layout(&result), layout(text));
    assert!(!result.contains("06031739070") && !result.contains("0007 1234"), "{result}");
    // The same value gives the same one again, another key another one.
    assert_eq!(result, redact(redaction(Method::Format, TextFormat::Text), text, 3));
}

#[test]
fn what_would_be_taken_for_a_key_is_spelled_in_another_way() {
    let values = (0..20).map(|seed| generate("[0-9A-Za-z]{64}", seed, None).expect("recipe"));
    let mut others = 0;
    for value in values {
        let text = format!("set PINGONE_CLIENT_SECRET={value}");
        let tokens = redact(redaction(Method::Token, TextFormat::Text), &text, 4096);
        others += usize::from(!tokens.contains('~'));
        assert_eq!(found(&tokens), Vec::<&str>::new(), "{tokens}");
        assert_eq!(restore(&tokens, 4096), (text, Restored { values: 1, left: 0 }));
    }
    assert!(others > 0);
}

#[test]
fn tokens_of_another_key_and_altered_ones_stay() {
    let tokens = redact(redaction(Method::Token, TextFormat::Text), "PESEL 06031739070", 4096);
    let other = RedactKey::new([9; 32]);
    let mut out = Vec::new();
    let mut restorer = Restorer::new(&other);
    restorer.push(tokens.as_bytes(), &mut out);
    assert_eq!(restorer.finish(&mut out), Restored { values: 0, left: 1 });
    assert_eq!(out, tokens.as_bytes());
    let altered = tokens.replacen("pii.pl.pesel", "pii.pl.nip", 1);
    assert_eq!(restore(&altered, 4096), (altered.clone(), Restored { values: 0, left: 1 }));
    let unrelated = "{{dlp}} {{ dlp }} {{dlp-hash:a.b:bcdf}} {{dlp:";
    assert_eq!(restore(unrelated, 1), (unrelated.to_owned(), Restored::default()));
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let (key, mut scratch) = (key(), Scratch::new());
    let mut redactor = Redactor::new(set(), &mut scratch, redaction(Method::Mask, TextFormat::Text), &key);
    assert_eq!(redactor.push(b"ab\xff", &mut Vec::new()), Err(RedactError::NotUtf8 { at: 2 }));
}
