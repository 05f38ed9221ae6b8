//! Which anchors patterns get, and what their authors are told when they get none.

use super::*;
use crate::Boundary;

fn anchors(pattern: &str, has_boundary: bool) -> Result<Vec<Anchor>, String> {
    let boundary = if has_boundary { Boundary::Token } else { Boundary::None };
    derive(&crate::file::parse_pattern(pattern).expect("test pattern"), boundary, true).map(|derived| derived.anchors)
}

/// Each anchor as `literal@min-max`, or `+skip-skip run digit` for a start.
fn shown(pattern: &str, has_boundary: bool) -> Vec<String> {
    let show = |anchor| match anchor {
        Anchor::Literal { bytes, before_min, before_max, between, .. } => {
            assert_eq!(between.is_some(), before_max > 0, "{pattern}");
            format!("{}@{before_min}-{before_max}", bytes.escape_ascii())
        }
        Anchor::Start { skip_min, skip_max, run_min, digit_within, .. } => {
            format!("+{skip_min}-{skip_max} {run_min} {digit_within:?}")
        }
    };
    anchors(pattern, has_boundary).expect("anchors").into_iter().map(show).collect()
}

#[test]
fn each_branch_gets_its_rarest_anchor() {
    let rows: &[(&str, &[&str])] = &[
        ("ghp_[0-9A-Za-z]{36}", &["ghp_@0-0"]),
        ("(?i)bearer [a-z]{4}", &["bearer @0-0"]),
        ("[a-z0-9.%]{1,64}@[a-z]{2,9}", &["@@1-64"]),
        ("AKIA[A-Z]{16}|ASIA[A-Z]{16}", &["akia@0-0", "asia@0-0"]),
        ("gh[ps]_[a-z]{9}", &["ghp_@0-0", "ghs_@0-0"]),
        ("(?:secret_)?[a-z]{4}-zyxt", &["-zyxt@4-11"]),
        ("key[a-z]{2}xq-zzq", &["xq-zzq@5-5"]),
        ("xq_(?:live|test)_[0-9]{4}", &["xq_live_@0-0", "xq_test_@0-0"]),
        ("new-?user[a-z]{9}", &["new-user@0-0", "newuser@0-0"]),
        // Parts of numbers are no literals where a token start will do, nor are digits spelled out.
        ("100-[0-9]{2}-[0-9]{4}", &["+0-0 3 Some(0)"]),
        (r"\+48 ?[0-9]{9}", &["+1-1 2 Some(0)"]),
        (r"\(0[0-9]{2}\) ?[0-9]{7}", &["+1-1 3 Some(0)"]),
        ("no[0-9]{9}", &["+0-0 11 Some(2)"]),
        ("[0-9]{11}|xqz_[a-z]{3}", &["+0-0 11 Some(0)", "xqz_@0-0"]),
    ];
    for (pattern, expected) in rows {
        assert_eq!(shown(pattern, true), *expected, "{pattern}");
    }
}

#[test]
fn digits_are_spelled_out_where_nothing_else_is_left() {
    let expected: Vec<String> = (0..10).map(|digit| format!("xq{digit}@0-0")).collect();
    assert_eq!(shown("xq[0-9]{4}", false), expected);
}

#[test]
fn between_holds_both_cases_and_nothing_else() {
    let found = anchors("[a-c]{1,3}X?-zyxt", true).expect("anchors");
    let [Anchor::Literal { between: Some(between), .. }] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(between.bytes().collect::<Vec<_>>(), b"Xabc");
}

#[test]
fn refusals_name_the_anchor_and_what_to_do() {
    let rows: &[(&str, bool, &[&str])] = &[
        (
            "key[a-z]{9}",
            false,
            &["`key`", "times in a megabyte", "at most 100", "longer", "rarer prefix", "`boundary`"],
        ),
        ("(?:key|xqzt)[a-z]{9}", false, &["`key`"]),
        ("[0-9]{11}", false, &["literal of at least 3 bytes", "`boundary` other than `none`"]),
        ("sk[a-z]{11}", false, &["literal of at least 3 bytes"]),
        ("[+*/<>=&|-]{5}[0-9]{9}", true, &["starts with an ASCII letter or digit", "at most 4 marks"]),
        ("[A-Za-z]{2}[a-z .-]{3,9}", true, &["tokens in a megabyte", "Demand fixed text, a digit"]),
    ];
    for (pattern, has_boundary, words) in rows {
        let message = anchors(pattern, *has_boundary).expect_err(pattern);
        for word in *words {
            assert!(message.contains(word), "`{pattern}`: expected `{word}` in: {message}");
        }
    }
}
