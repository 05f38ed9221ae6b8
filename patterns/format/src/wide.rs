//! The wide twin of a pattern: the same credential with letters and digits that its vendor does not draw.
//!
//! A vendor draws the body of a token from an alphabet: hexadecimal digits, base 32, base 58. Manuals, tickets and
//! tests show tokens that somebody typed, with the prefix of the vendor and any letters behind it, and vendors change
//! their alphabets without notice. A prefix says enough to know the credential by; the alphabet then only says how sure
//! to be. So each built-in credential whose value starts with fixed text, or stands directly behind some, has a twin that
//! takes any letters and digits where the pattern takes some of them. Behind the name of a vendor that merely stands near,
//! the twin wants a setting of that name. What is known by neither has a twin that takes hexadecimal digits in either case.
//! Values that the twin alone accepts are rated lower by matching.
//!
//! Comes in: the source of a pattern; goes out: that of its twin, abbreviations as they were. Lengths stay: other
//! lengths that are seen are written down by the detector, as `wide`.

use crate::abbreviation::expand;
use crate::file::parse_pattern;
use regex_syntax::hir::{Class, Hir, HirKind};

/// What a wide class takes.
const WIDE: &str = "[0-9A-Za-z]";

/// Fixed characters that a value must start with to be known by them.
const PREFIX_LEN_MIN: usize = 3;

/// What joins the name of a vendor and a value, directly before it: with the name, no prefix is needed.
const JOINS: &[&str] = &["(?&is)", "(?&then)", "(?&key)", "(?&name)"];

/// What lets a value stand anywhere near the name of a vendor: too little to know any letters by.
const NEAR: &str = "(?&near)";

/// What a twin wants in place of it: the name of a setting that says what the value is.
const NAMED: &str = "(?&in)(?i:key|token|secret|passw|pwd|auth|credential)(?i:[0-9a-z_]{0,12})(?&is)";

/// Hexadecimal digits in one case.
const HEX: &[&str] = &["[0-9a-f]", "[a-f0-9]", "[0-9A-F]", "[A-F0-9]"];

/// Hexadecimal digits in either case.
const EITHER_HEX: &str = "[0-9A-Fa-f]";

/// Fixed characters that a value without a start of its own must stand behind to be known by them.
const LEAD_LEN_MIN: usize = 8;

/// Most characters between fixed text and the value behind it that may be missing: a quote, a few blanks.
const GAP_LEN_MAX: u32 = 4;

/// Most members of a class that is a choice, as of kinds or regions, and counts as fixed.
const CHOICE_MAX: usize = 10;

/// Fewest members of a class that is an alphabet: one of fewer is a choice, as of versions or regions.
const ALPHABET_MIN: usize = 16;

/// Start of the group that marks the sensitive part.
const VALUE: &str = "(?P<value>";

/// The twin of a pattern, if its value is known by its start or by what stands before it and its alphabet can be widened.
pub(crate) fn twin(source: &str) -> Option<String> {
    let (head, value) = source.split_at(source.find(VALUE).map_or(0, |at| at + VALUE.len()));
    let narrow = parsed(source)?;
    let before = head.strip_suffix(VALUE).unwrap_or_default();
    let is_named = JOINS.iter().any(|join| before.ends_with(join));
    let start_len = fixed_start(value_of(&narrow).unwrap_or(&narrow)).0;
    let is_known = is_named || start_len >= PREFIX_LEN_MIN || lead_len(before) + start_len >= LEAD_LEN_MIN;
    let wide = widened(value);
    let in_place = Some(format!("{head}{wide}")).filter(|twin| parsed(twin).is_some_and(|hir| hir != narrow));
    match before.strip_suffix(NEAR) {
        _ if is_known => in_place,
        Some(name) => in_place.map(|_| format!("{name}{NAMED}{VALUE}{wide}")),
        None => Some(format!("{head}{}", in_either_case(value))).filter(|twin| twin != source),
    }
    .filter(|twin| parsed(twin).is_some_and(|hir| hir != narrow))
}

/// How many fixed characters stand directly before a value. A part that cannot be read by itself counts for none.
fn lead_len(before: &str) -> usize {
    parsed(before).map_or(0, |lead| fixed_run(&lead, Edge::End).0)
}

/// A pattern with its hexadecimal digits in either case.
fn in_either_case(pattern: &str) -> String {
    HEX.iter().fold(pattern.to_owned(), |text, hex| text.replace(&format!("{hex}{{"), &format!("{EITHER_HEX}{{")))
}

fn parsed(source: &str) -> Option<Hir> {
    parse_pattern(&expand(source).ok()?).ok()
}

/// The group that marks the sensitive part.
fn value_of(hir: &Hir) -> Option<&Hir> {
    match hir.kind() {
        HirKind::Capture(capture) if capture.name.as_deref() == Some("value") => Some(&capture.sub),
        HirKind::Capture(capture) => value_of(&capture.sub),
        HirKind::Repetition(repetition) => value_of(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().find_map(value_of),
        _ => None,
    }
}

/// How many characters a match starts with that are fixed or chosen of a few, and whether these are all of it.
fn fixed_start(hir: &Hir) -> (usize, bool) {
    fixed_run(hir, Edge::Start)
}

/// An end of a match.
#[derive(Clone, Copy)]
enum Edge {
    Start,
    End,
}

impl Edge {
    /// Whether what may be missing keeps the fixed characters on its sides together: not a gap before a value.
    fn allows(self, len_max: Option<u32>) -> bool {
        matches!(self, Self::Start) || len_max.is_some_and(|len| len <= GAP_LEN_MAX)
    }
}

/// How many characters of a match are fixed or chosen of a few, counted from an edge, and whether these are all of it.
fn fixed_run(hir: &Hir, edge: Edge) -> (usize, bool) {
    match hir.kind() {
        HirKind::Literal(literal) => (literal.0.len(), true),
        HirKind::Class(class) if (1..=CHOICE_MAX).contains(&members(class).len()) => (1, true),
        HirKind::Repetition(repetition) if repetition.min == 0 => (0, edge.allows(repetition.max)),
        HirKind::Capture(capture) => fixed_run(&capture.sub, edge),
        HirKind::Concat(parts) => match edge {
            Edge::Start => fixed_in(parts.iter(), edge),
            Edge::End => fixed_in(parts.iter().rev(), edge),
        },
        HirKind::Alternation(branches) => {
            let runs: Vec<_> = branches.iter().map(|branch| fixed_run(branch, edge)).collect();
            let len = runs.iter().map(|run| run.0).min().unwrap_or(0);
            (len, runs.iter().all(|run| run.1))
        }
        HirKind::Empty | HirKind::Look(_) => (0, true),
        _ => (0, false),
    }
}

/// The same of parts that stand behind each other, as seen from the edge.
fn fixed_in<'h>(parts: impl Iterator<Item = &'h Hir>, edge: Edge) -> (usize, bool) {
    let mut len = 0;
    for part in parts {
        let (more, is_all) = fixed_run(part, edge);
        len += more;
        if !is_all {
            return (len, false);
        }
    }
    (len, true)
}

/// The bytes of a class; of one that holds other characters, none.
fn members(class: &Class) -> Vec<u8> {
    let Class::Bytes(bytes) = class else { return Vec::new() };
    bytes.ranges().iter().flat_map(|range| range.start()..=range.end()).collect()
}

/// A pattern with its repeated alphabets widened.
fn widened(pattern: &str) -> String {
    let mut wide = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(at) = rest.find(['[', '\\']) {
        wide.push_str(&rest[..at]);
        rest = &rest[at..];
        let len = if rest.starts_with('[') { class_len(rest) } else { escape_len(rest) };
        let (class, behind) = rest.split_at(len);
        wide.push_str(if behind.starts_with('{') && is_alphabet(class) { WIDE } else { class });
        rest = behind;
    }
    wide.push_str(rest);
    wide
}

/// Length of a backslash with the character behind it.
fn escape_len(pattern: &str) -> usize {
    1 + pattern[1..].chars().next().map_or(0, char::len_utf8)
}

/// Length of the class in brackets at the start. A closing bracket behind the opening one is a member.
fn class_len(pattern: &str) -> usize {
    let bytes = pattern.as_bytes();
    let mut at = if bytes.get(1) == Some(&b'^') { 2 } else { 1 };
    let first = at;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b']' if at > first => return at + 1,
            _ => {}
        }
        at += 1;
    }
    pattern.len()
}

/// Whether a class holds letters and digits, some and not all of them, and nothing else.
fn is_alphabet(class: &str) -> bool {
    let Some(HirKind::Class(class)) = parse_pattern(class).ok().map(Hir::into_kind) else { return false };
    let members = members(&class);
    members.len() >= ALPHABET_MIN
        && members.iter().all(u8::is_ascii_alphanumeric)
        && members.iter().any(u8::is_ascii_digit)
        && members.iter().any(u8::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_known_have_a_twin() {
        let behind_setting = format!("acme{NAMED}(?P<value>[0-9A-Za-z]{{32}})");
        let rows: &[(&str, Option<&str>)] = &[
            ("acme_[0-9a-f]{32}", Some("acme_[0-9A-Za-z]{32}")),
            ("(?:ab|cd)_v1_[a-z2-7]{20}", Some("(?:ab|cd)_v1_[0-9A-Za-z]{20}")),
            ("acme-[0-9]{4}-[0-9A-F]{8}", Some("acme-[0-9]{4}-[0-9A-Za-z]{8}")),
            (r"a\.b\.c\[[0-9a-f]{8}", Some(r"a\.b\.c\[[0-9A-Za-z]{8}")),
            ("(?i)acme(?&key)(?P<value>ak_[0-9a-f]{32})", Some("(?i)acme(?&key)(?P<value>ak_[0-9A-Za-z]{32})")),
            ("(?i)acme(?&key)(?P<value>ak_[0-9a-z]{32})", None),
            ("acme(?&key)(?P<value>ak_[0-9a-f]{32})", Some("acme(?&key)(?P<value>ak_[0-9A-Za-z]{32})")),
            (
                "(?i)acme(?&key)(?P<value>(?-i:ak_[0-9a-f]{32}))",
                Some("(?i)acme(?&key)(?P<value>(?-i:ak_[0-9A-Za-z]{32}))"),
            ),
            ("acme(?&key)(?P<value>[0-9a-f]{32})", Some("acme(?&key)(?P<value>[0-9A-Za-z]{32})")),
            ("acme(?&near)(?P<value>[0-9a-f]{32})", Some(&behind_setting)),
            ("(?i)acme(?&near)(?P<value>[0-9a-z]{32})", None),
            ("acme(?&near)(?P<value>[0-9A-Za-z]{32})", None),
            ("(?i)acme[^\\n]{0,60}?(?P<value>[0-9a-f]{32})", None),
            (
                "(?i)acme[^\\n]{0,60}?(?P<value>(?-i:[0-9a-f]{32}))",
                Some("(?i)acme[^\\n]{0,60}?(?P<value>(?-i:[0-9A-Fa-f]{32}))"),
            ),
            (r"hook\.acme\.io/(?P<value>[0-9a-f]{32})", Some(r"hook\.acme\.io/(?P<value>[0-9A-Za-z]{32})")),
            ("acme_session=\"?(?P<value>[0-9a-f]{32})", Some("acme_session=\"?(?P<value>[0-9A-Za-z]{32})")),
            ("id=(?P<value>[0-9a-f]{32})", Some("id=(?P<value>[0-9A-Fa-f]{32})")),
            ("ac[opr]_[0-9a-f]{32}", Some("ac[opr]_[0-9A-Za-z]{32}")),
            ("(?:test_)?ac_[0-9a-f]{32}", Some("(?:test_)?ac_[0-9A-Za-z]{32}")),
            ("acm_[0-9A-Za-z]{32}", None),
            ("acm_[0-9A-Za-z_-]{32}", None),
            ("acme[0-9a-f]{32}", Some("acme[0-9A-Za-z]{32}")),
            ("ac[0-9a-f]{32}", Some("ac[0-9A-Fa-f]{32}")),
            ("[0-9]{4}[0-9a-f]{32}", Some("[0-9]{4}[0-9A-Fa-f]{32}")),
            ("acme[0-9]{32}", None),
            ("acme_[a-p]{32}", None),
            ("[0-9a-f]{32}-us1", Some("[0-9A-Fa-f]{32}-us1")),
            ("acme_[0-9a-f]", None),
            ("(?:acme_|x)[0-9a-f]{32}", Some("(?:acme_|x)[0-9A-Fa-f]{32}")),
        ];
        for (pattern, expected) in rows {
            assert_eq!(twin(pattern).as_deref(), *expected, "{pattern}");
        }
    }

    #[test]
    fn classes_end_where_they_do() {
        for (pattern, len) in [("[]a]b", 4), ("[^]]b", 4), (r"[\]a]b", 5), ("[a-z]{2}", 5), ("[a", 2)] {
            assert_eq!(class_len(pattern), len, "{pattern}");
        }
    }
}
