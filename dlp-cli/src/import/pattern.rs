//! A regex of another scanner, rewritten as a pattern of ours without losing its author's spelling.
//!
//! Ours have an end (the stream scan holds as much text as the longest match), mark the sensitive part by the name
//! `value`, and are searched from their rarest text on. So repetitions without an end get one, groups are renamed, and
//! an optional beginning that says nothing of the value is cut. All three are edits at the places that the syntax tree
//! tells; everything else stays as it was written.

use dlp_core::knowledge::MATCH_LEN_MAX;
use regex_syntax::ast::{self, Ast, GroupKind, RepetitionKind, RepetitionRange, Span, Visitor};
use std::ops::Range;

/// How the regex is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// RE2, as Go reads it.
    Go,
    /// As the regex crate reads it.
    Rust,
}

/// The part that is the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// The first group, or everything when there is none.
    First,
    /// A group by its number.
    Number(u32),
    /// A group of this name, or the first one.
    NamedOrFirst(&'static str),
}

/// Turns that a repetition without an end may get, the most generous first.
const TURNS_MAX: [u32; 6] = [12_000, 4_096, 1_000, 255, 64, 16];

/// What became of a regex.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rewritten {
    /// One pattern, or one for each alternative with a group of its own.
    pub(super) patterns: Vec<String>,
    /// What finds something else than before.
    pub(super) changes: Vec<String>,
}

/// Rewrites a regex.
///
/// # Errors
/// A sentence when there is no such pattern of ours.
pub(super) fn rewrite(source: &str, dialect: Dialect, group: &Group) -> Result<Rewritten, String> {
    let text = if dialect == Dialect::Go { from_go(source) } else { source.to_owned() };
    let tree = ast::parse::Parser::new()
        .parse(&text)
        .map_err(|error| format!("its regex cannot be read: {}", error.kind()))?;
    let found = Found::of(&tree)?;
    let mut changes = Vec::new();
    let branches = branches(&tree, &found);
    let chosen: Vec<Option<Span>> = branches.iter().map(|branch| found.chosen(group, branch.span())).collect();
    if let Group::Number(number) = group
        && !found.groups.iter().any(|found| found.index == *number)
    {
        changes.push(format!("it has no group {number}, so everything that it finds is the value"));
    }
    let groups_left = found.groups.len() - chosen.iter().flatten().count();
    if groups_left > 0 && matches!(group, Group::First) && !chosen.iter().all(Option::is_none) {
        changes.push("it has several groups, of which the first is the value".to_owned());
    }
    let bound = |turns: u32| -> Result<Vec<String>, String> {
        let branches = branches.iter().zip(&chosen);
        branches.map(|(branch, chosen)| Edits::new(&text, &found, (branch, *chosen), turns).apply()).collect()
    };
    let flags = leading_flags(&tree).map_or("", |span| &text[span.start.offset..span.end.offset]);
    for turns in TURNS_MAX {
        let patterns: Vec<String> = bound(turns)?;
        let patterns: Vec<String> = patterns
            .into_iter()
            .enumerate()
            .map(|(index, pattern)| if index == 0 { pattern } else { format!("{flags}{pattern}") })
            .collect();
        if patterns.iter().map(|pattern| len_max(pattern)).collect::<Result<Vec<_>, _>>()?.iter().all(|fits| *fits) {
            if found.unbounded.iter().any(|place| branches.iter().any(|b| holds(b.span(), &place.op))) {
                changes.push(format!("repetitions without an end go up to {turns} turns"));
            }
            return Ok(Rewritten { patterns, changes });
        }
    }
    Err(format!("its matches can be longer than {MATCH_LEN_MAX} bytes however its repetitions are held"))
}

/// Whether the longest match fits, or why the pattern cannot be read without Unicode classes.
fn len_max(pattern: &str) -> Result<bool, String> {
    let parsed = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern);
    let tree = parsed.map_err(|error| {
        let kind = match error {
            regex_syntax::Error::Parse(error) => error.kind().to_string(),
            regex_syntax::Error::Translate(error) => error.kind().to_string(),
            other => other.to_string(),
        };
        format!("its regex means nothing to bytes: {kind}")
    })?;
    Ok(tree.properties().maximum_len().is_some_and(|len| len <= MATCH_LEN_MAX))
}

/// What the edits need of a syntax tree.
#[derive(Default)]
struct Found {
    unbounded: Vec<Unbounded>,
    groups: Vec<CaptureGroup>,
}

struct Unbounded {
    op: Span,
    min: u32,
    greedy: bool,
}

struct CaptureGroup {
    index: u32,
    name: Option<String>,
    span: Span,
    /// Its parenthesis with whatever names it.
    head: Range<usize>,
}

impl Found {
    fn of(tree: &Ast) -> Result<Self, String> {
        struct Walk(Found);
        impl Visitor for Walk {
            type Output = Found;
            type Err = String;

            fn finish(self) -> Result<Found, String> {
                Ok(self.0)
            }

            fn visit_pre(&mut self, tree: &Ast) -> Result<(), String> {
                self.0.add(tree);
                Ok(())
            }
        }
        ast::visit(tree, Walk(Self::default()))
    }

    fn add(&mut self, tree: &Ast) {
        match tree {
            Ast::Repetition(repetition) => {
                let min = match &repetition.op.kind {
                    RepetitionKind::ZeroOrMore => 0,
                    RepetitionKind::OneOrMore => 1,
                    RepetitionKind::Range(RepetitionRange::AtLeast(min)) => *min,
                    _ => return,
                };
                self.unbounded.push(Unbounded { op: repetition.op.span, min, greedy: repetition.greedy });
            }
            Ast::Group(group) => {
                let start = group.span.start.offset;
                let (index, name, end) = match &group.kind {
                    GroupKind::CaptureIndex(index) => (*index, None, start + 1),
                    GroupKind::CaptureName { name, .. } => {
                        (name.index, Some(name.name.clone()), name.span.end.offset + 1)
                    }
                    GroupKind::NonCapturing(_) => return,
                };
                self.groups.push(CaptureGroup { index, name, span: group.span, head: start..end });
            }
            _ => {}
        }
    }

    /// The group that holds the value, of those in a branch.
    fn chosen(&self, group: &Group, branch: &Span) -> Option<Span> {
        let mut inside = self.groups.iter().filter(|g| holds(branch, &g.span));
        let first = inside.clone().min_by_key(|g| g.index).map(|g| g.span);
        match group {
            Group::First => first,
            Group::Number(number) => inside.find(|g| g.index == *number).map(|g| g.span),
            Group::NamedOrFirst(name) => inside.find(|g| g.name.as_deref() == Some(*name)).map(|g| g.span).or(first),
        }
    }
}

fn holds(outer: &Span, inner: &Span) -> bool {
    outer.start.offset <= inner.start.offset && inner.end.offset <= outer.end.offset
}

/// The alternatives of a regex that mark their values by groups of their own; otherwise the regex itself.
fn branches<'t>(tree: &'t Ast, found: &Found) -> Vec<&'t Ast> {
    match tree {
        Ast::Alternation(alternation) if !found.groups.is_empty() => alternation.asts.iter().collect(),
        _ => vec![tree],
    }
}

/// Flags at the very start, which hold for every alternative.
fn leading_flags(tree: &Ast) -> Option<Span> {
    match tree {
        Ast::Flags(flags) => Some(flags.span),
        Ast::Concat(concat) => leading_flags(concat.asts.first()?),
        Ast::Alternation(alternation) => leading_flags(alternation.asts.first()?),
        _ => None,
    }
}

/// Replacements in a part of a text.
struct Edits<'t> {
    text: &'t str,
    part: Range<usize>,
    replacements: Vec<(Range<usize>, String)>,
}

impl<'t> Edits<'t> {
    fn new(text: &'t str, found: &Found, (branch, chosen): (&Ast, Option<Span>), turns: u32) -> Self {
        let span = branch.span();
        let mut replacements = Vec::new();
        for Unbounded { op, min, greedy } in found.unbounded.iter().filter(|place| holds(span, &place.op)) {
            let lazy = if *greedy { "" } else { "?" };
            replacements.push((op.start.offset..op.end.offset, format!("{{{min},{}}}{lazy}", turns.max(*min))));
        }
        for group in found.groups.iter().filter(|group| holds(span, &group.span)) {
            let head = if Some(group.span) == chosen { "(?P<value>" } else { "(?:" };
            replacements.push((group.head.clone(), head.to_owned()));
        }
        let cut = chosen.map_or(0..0, |chosen| optional_beginning(branch, &chosen));
        if !cut.is_empty() {
            replacements.retain(|(range, _)| range.end <= cut.start || cut.end <= range.start);
            replacements.push((cut, String::new()));
        }
        replacements.sort_by_key(|(range, _)| range.start);
        Self { text, part: span.start.offset..span.end.offset, replacements }
    }

    fn apply(self) -> Result<String, String> {
        let (mut out, mut at) = (String::new(), self.part.start);
        for (range, replacement) in self.replacements {
            out.push_str(self.text.get(at..range.start).ok_or("its regex nests in a way that cannot be edited")?);
            out.push_str(&replacement);
            at = range.end;
        }
        out.push_str(&self.text[at..self.part.end]);
        Ok(out)
    }
}

/// What may be left out before the value: where it matches nothing, the rest is found all the same.
fn optional_beginning(branch: &Ast, chosen: &Span) -> Range<usize> {
    let Ast::Concat(concat) = branch else { return 0..0 };
    let behind_flags = concat.asts.iter().skip_while(|part| matches!(part, Ast::Flags(_)));
    let optional: Vec<&Span> = behind_flags
        .take_while(|part| may_be_nothing(part))
        .map(Ast::span)
        .take_while(|span| !holds(span, chosen))
        .collect();
    match (optional.first(), optional.last()) {
        (Some(first), Some(last)) => first.start.offset..last.end.offset,
        _ => 0..0,
    }
}

fn may_be_nothing(part: &Ast) -> bool {
    let Ast::Repetition(repetition) = part else { return false };
    match &repetition.op.kind {
        RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore => true,
        RepetitionKind::Range(
            RepetitionRange::AtLeast(min) | RepetitionRange::Exactly(min) | RepetitionRange::Bounded(min, _),
        ) => *min == 0,
        RepetitionKind::OneOrMore => false,
    }
}

/// Writes what Go reads otherwise so that both read the same: `\Q..\E`, braces that count nothing, and brackets and
/// doubled marks inside classes, which are sets and operators here and plain characters there.
pub(super) fn from_go(source: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(source.len()), source);
    while let Some(c) = rest.chars().next() {
        let used = match c {
            '\\' if rest.starts_with(r"\Q") => {
                let body = &rest[2..];
                let (literal, used) = body.split_once(r"\E").map_or((body, rest.len()), |(l, _)| (l, l.len() + 4));
                out.push_str(&regex_syntax::escape(literal));
                used
            }
            '\\' => copy(&mut out, rest, 1 + rest[1..].chars().next().map_or(0, char::len_utf8)),
            '[' => class_from_go(&mut out, rest),
            '{' if !counts(rest) => {
                out.push_str(r"\{");
                1
            }
            c => copy(&mut out, rest, c.len_utf8()),
        };
        rest = &rest[used..];
    }
    out
}

fn copy(out: &mut String, rest: &str, len: usize) -> usize {
    out.push_str(&rest[..len]);
    len
}

/// Whether a brace opens a count: `{3}`, `{3,}`, `{3,5}`.
fn counts(rest: &str) -> bool {
    let Some((inside, _)) = rest[1..].split_once('}') else { return false };
    let (min, max) = inside.split_once(',').unwrap_or((inside, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !min.is_empty() && is_number(min) && is_number(max)
}

/// Copies a class and gives its length.
fn class_from_go(out: &mut String, rest: &str) -> usize {
    let mut at = if rest.starts_with("[^") { 2 } else { 1 };
    out.push_str(&rest[..at]);
    let first = at;
    while let Some(c) = rest[at..].chars().next() {
        let tail = &rest[at..];
        match c {
            ']' if at > first => {
                out.push(c);
                return at + 1;
            }
            ']' => out.push_str(r"\]"),
            '\\' => {
                at += copy(out, tail, 1 + tail[1..].chars().next().map_or(0, char::len_utf8));
                continue;
            }
            '[' if tail.starts_with("[:") && tail.contains(":]") => {
                at += copy(out, tail, tail.find(":]").map_or(1, |end| end + 2));
                continue;
            }
            '[' => out.push_str(r"\["),
            '&' | '~' => out.extend(['\\', c]),
            '-' if tail[1..].starts_with('-') => {
                out.push_str(r"-\-");
                at += 2;
                continue;
            }
            c => out.push(c),
        }
        at += c.len_utf8();
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(source: &str, group: Group) -> Result<Vec<String>, String> {
        rewrite(source, Dialect::Go, &group).map(|rewritten| rewritten.patterns)
    }

    #[test]
    fn patterns_keep_their_spelling_where_they_can() {
        let rows: &[(&str, Group, &[&str])] = &[
            ("acme_[a-z]{8}", Group::First, &["acme_[a-z]{8}"]),
            ("acme_[a-z]+", Group::First, &["acme_[a-z]{1,12000}"]),
            (r"acme_(\w{8})\b", Group::First, &[r"acme_(?P<value>\w{8})\b"]),
            ("(acme)_([a-z]{8})", Group::Number(2), &["(?:acme)_(?P<value>[a-z]{8})"]),
            ("(?P<a>acme)_(?P<TOKEN>[a-z]{8})", Group::NamedOrFirst("TOKEN"), &["(?:acme)_(?P<value>[a-z]{8})"]),
            (r"(?i)[\w.-]{0,50}?acme=([a-z]{8})", Group::First, &["(?i)acme=(?P<value>[a-z]{8})"]),
            (
                "(?i)a=([a-z]{8})|b=([0-9]{8})",
                Group::First,
                &["(?i)a=(?P<value>[a-z]{8})", "(?i)b=(?P<value>[0-9]{8})"],
            ),
            ("acme_[a-z]{8,}?x*?", Group::First, &["acme_[a-z]{8,4096}?x{0,4096}?"]),
            (r"\Qa.b\E[a-z]{3}", Group::First, &[r"a\.b[a-z]{3}"]),
            (r"acme{[a-z]{3}}", Group::First, &[r"acme\{[a-z]{3}}"]),
            (r"acme[[a&&b]{3}[[:alpha:]]", Group::First, &[r"acme[\[a\&\&b]{3}[[:alpha:]]"]),
            (r"acme[]a]{3}", Group::First, &[r"acme[\]a]{3}"]),
        ];
        for (source, group, expected) in rows {
            let expected: Vec<String> = expected.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(patterns(source, group.clone()), Ok(expected), "{source}");
        }
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        let rows = [
            ("acme(?=x)", "look-around"),
            ("acme_(a", "unclosed group"),
            (r"(a)\1", "backreferences"),
            (r"acme\p{Greek}", "Unicode"),
            ("((a{1000}){1000}){1000}acme", "longer than"),
        ];
        for (source, expected) in rows {
            let message = patterns(source, Group::First).expect_err(source);
            assert!(message.contains(expected), "{source}: {message}");
        }
    }

    #[test]
    fn changes_are_told() {
        let rows = [
            ("acme_[a-z]{8}", None),
            ("acme_[a-z]+", Some("without an end")),
            ("(acme)_([a-z]{8})", Some("several groups")),
            (r"[\w]*acme=([a-z]{8})", Some("without an end")),
        ];
        for (source, expected) in rows {
            let changes = rewrite(source, Dialect::Go, &Group::First).expect(source).changes;
            assert_eq!(!changes.is_empty(), expected.is_some(), "{source}: {changes:?}");
            assert!(expected.is_none_or(|text| changes[0].contains(text)), "{source}: {changes:?}");
        }
    }
}
