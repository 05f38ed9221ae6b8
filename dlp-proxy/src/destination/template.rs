//! Templates of hosts and paths, as they stand in destination files.
//!
//! | piece | in a path | in a host |
//! |---|---|---|
//! | `*` | part of one segment | part of one label |
//! | `**` | the rest, slashes included | any number of labels |
//! | `{name}` | one whole segment or a part of it, kept under the name | the same of a label |
//! | `{name**}` | several segments | several labels |
//!
//! A template always describes the whole host or path, never a part, and ignores the case of ASCII letters.

use regex::bytes::{Regex, RegexBuilder};

/// Longest template; files of users are no place for programs.
const TEMPLATE_LEN_MAX: usize = 256;

/// A compiled template.
#[derive(Clone, Debug)]
pub(super) struct Template(Regex);

/// What a template describes, which decides what a piece may run over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Host,
    Path,
}

impl Template {
    /// Compiles a template, or says what is wrong with it.
    pub(super) fn new(kind: Kind, text: &str) -> Result<Self, String> {
        if text.len() > TEMPLATE_LEN_MAX {
            return Err(format!("expected a template of at most {TEMPLATE_LEN_MAX} bytes, found {}", text.len()));
        }
        if kind == Kind::Path && !text.starts_with('/') {
            return Err(format!("expected a path that starts with `/`, found `{text}`"));
        }
        let (one, many) = match kind {
            Kind::Host => ("[a-z0-9_-]", "[a-z0-9_.-]"),
            Kind::Path => ("[^/]", "."),
        };
        let mut pattern = String::from("^");
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            rest = match c {
                '*' if rest.starts_with("**") => push(&mut pattern, &format!("{many}*"), &rest[2..]),
                '*' => push(&mut pattern, &format!("{one}*"), &rest[1..]),
                '{' => {
                    let (name, after) = capture_name(rest)?;
                    let (name, run) = name.strip_suffix("**").map_or((name, one), |name| (name, many));
                    push(&mut pattern, &format!("(?P<{name}>{run}+)"), after)
                }
                _ => push(&mut pattern, &regex::escape(&rest[..c.len_utf8()]), &rest[c.len_utf8()..]),
            };
        }
        pattern.push('$');
        // Bytes instead of characters: the same language for these pieces, compiled in a fraction of the time.
        let mut builder = RegexBuilder::new(&pattern);
        let compiled = builder.unicode(false).case_insensitive(true).dot_matches_new_line(true).build();
        compiled.map(Self).map_err(|error| format!("template `{text}` cannot be compiled: {error}"))
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.0.is_match(text.as_bytes())
    }

    /// The text that the piece `{name}` stands for, when the template matches.
    pub(super) fn capture<'t>(&self, text: &'t str, name: &str) -> Option<&'t str> {
        text.get(self.0.captures(text.as_bytes())?.name(name)?.range())
    }

    pub(super) fn has_capture(&self, name: &str) -> bool {
        self.0.capture_names().flatten().any(|known| known == name)
    }
}

fn push<'t>(pattern: &mut String, piece: &str, rest: &'t str) -> &'t str {
    pattern.push_str(piece);
    rest
}

fn capture_name(rest: &str) -> Result<(&str, &str), String> {
    let (name, after) = rest[1..].split_once('}').ok_or_else(|| format!("expected `}}` after `{rest}`"))?;
    let plain = name.strip_suffix("**").unwrap_or(name);
    if plain.is_empty() || !plain.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
        return Err(format!("expected a name of lower-case letters in `{{{name}}}`"));
    }
    Ok((name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_describe_the_whole_text() {
        let rows = [
            (Kind::Host, "*.example.com", "a.example.com", true),
            (Kind::Host, "*.example.com", "a.b.example.com", false),
            (Kind::Host, "**.example.com", "a.b.example.com", true),
            (Kind::Host, "a.example.com", "a-example.com", false),
            (Kind::Host, "a.example.com", "a.example.com.evil.test", false),
            (Kind::Host, "f*.example.com", "f001.example.com", true),
            (Kind::Path, "/upload/**", "/upload/a/b", true),
            (Kind::Path, "/upload/**", "/x/upload/a", false),
            (Kind::Path, "/files/*/content", "/files/12/content", true),
            (Kind::Path, "/files/*/content", "/files/1/2/content", false),
            (Kind::Path, "/root:/**:/content", "/root:/a/b.txt:/content", true),
            (Kind::Path, "/A", "/a", true),
            (Kind::Path, "/a.b", "/axb", false),
        ];
        for (kind, template, text, expected) in rows {
            let compiled = Template::new(kind, template).expect(template);
            assert_eq!(compiled.matches(text), expected, "{template} {text}");
        }
    }

    #[test]
    fn captures_are_read() {
        let bucket = Template::new(Kind::Host, "{bucket**}.s3.{region}.amazonaws.com").expect("template");
        let rows = [
            ("corp.s3.eu-west-1.amazonaws.com", Some("corp")),
            ("my.corp.s3.eu-west-1.amazonaws.com", Some("my.corp")),
            ("corp.s3.evil.s3.eu-west-1.amazonaws.com", Some("corp.s3.evil")),
            ("s3.eu-west-1.amazonaws.com", None),
        ];
        for (host, expected) in rows {
            assert_eq!(bucket.capture(host, "bucket"), expected, "{host}");
        }
    }

    #[test]
    fn broken_templates_are_refused() {
        let rows = [
            (Kind::Path, "upload", "starts with `/`"),
            (Kind::Path, "/a/{b", "expected `}`"),
            (Kind::Path, "/a/{B}", "lower-case"),
            (Kind::Host, "{}", "lower-case"),
            (Kind::Path, "/{a}/{a}", "cannot be compiled"),
        ];
        for (kind, template, expected) in rows {
            let message = Template::new(kind, template).expect_err(template);
            assert!(message.contains(expected), "{template}: {message}");
        }
    }
}
