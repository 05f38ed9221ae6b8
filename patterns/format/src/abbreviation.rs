//! Abbreviations in patterns: what stands between a name and its value, in every language that people write settings in.
//!
//! Most credentials have no shape of their own; they are found behind the name of their vendor. How a name and a value are
//! joined is the same for all of them, so it is said once, here, and patterns call it:
//!
//! | call | stands for |
//! |---|---|
//! | `(?&is)` | what joins a name and its value: ` = "`, `": "`, `>`, another field called value, ... |
//! | `(?&then)` | the same, or blanks, behind a word that says what the value is: `--acme-key VALUE` |
//! | `(?&in)` | the way from a vendor to a word in one of its settings: `_api_`, `": {"api` |
//! | `(?&key)` | the rest of a name, whatever it is, and what joins |
//! | `(?&name)` | the rest of a name that says no more than `api` or `prod`, or a setting inside; and what joins |
//! | `(?&near)` | the rest of the line, and up to the middle of the next, to a word for credentials; and what joins |
//!
//! `(?&near)` also takes a value that stands beside the name of its vendor without such a word: `acme VALUE`. The group
//! [`BESIDE`] marks it, because it says much less.
//!
//! The spelling is that of subroutine calls in other engines, which have no other meaning in ours. Detectors keep patterns
//! as they were written; anchors are derived from, and automata built of, what [`expand`] makes of them.

/// Closing marks of a name, and of what it stands in: `"name"]`, `**name**`.
const CLOSE: &str = r#"["'\x60)\]\\*]{0,3}"#;

/// Opening marks of a value, with the letters and marks that some languages put before them, or a call around it:
/// `b"`, `@"`, `\"`, `"\"`, `** `, `String::from("`, `new Secret("`.
const OPEN: &str = concat!(
    r#"(?:\\{0,3}["'\x60]{1,3}(?:\\["'])?|[bruf@$]{1,2}["'\x60]|\*{1,2}[ \t]{0,2}["'\x60]?|\\"#,
    r#"|(?:new[ ])?[a-z_][0-9a-z_.:]{0,30}\(\s{0,4}[bruf@]?["'\x60])?"#,
);

/// A type between a name and the sign: `: string`, `: &str`, `[]`.
const TYPE: &str = concat!(
    r"(?:\[[0-9]{0,3}\])?",
    r"(?::?[ \t]{0,3}&?(?:'[a-z]{1,10}[ ])?(?:nsstring|string|str|char|text|secretstr|varchar)\b[?*0-9()| a-z]{0,14})?",
);

/// Name of the group that takes part where the name of a vendor stands before a value, and no word says what that is.
pub const BESIDE: &str = "beside";

/// Signs between a name and a value on one line, and those of a block, an anchor and a type in YAML.
const SIGN: &str = r"(?:[:?.|!+=]{0,3}=>?|:(?:-|[ \t]{1,3}(?:[|>][+\-]?|[&!][!0-9a-z_\-]{1,24}))?|,|>|\|\||\?\?|<-)";

/// Ways of a setting's value to stand apart from its name: another field called value, another option, another element, what
/// a property of C# is set to, the default of a variable, the next cell of a table, the argument of a call, a value that goes
/// into a column, a word.
const APART: &[&str] = &[
    r#"(?:["']?,?\s{1,24}|["'],)["']?(?:(?:default_?)?value["']?[ \t]{0,3}[:=]|content=)[ \t]{0,4}\\?["']?"#,
    r#"["']?[ \t]{1,4}--?(?:value|body|secret(?:-string)?|data)(?:=|[ \t]{1,4})["']?"#,
    r"</(?:key|name|t[dh]|dt|b|strong|code)>:?\s{0,24}<(?:string|value|t[dh]|dd|code)(?:[ ][^<>]{0,60})?>\s{0,4}(?:<code>)?",
    r#"[ \t]{0,3}\{[ \t]{0,3}(?:get|set|init)[;a-z \t]{1,40}\}[ \t]{0,3}=[ \t]{0,3}[@$]?""#,
    r#""(?:[ ][a-z]{2,16}="string")?>\s{0,24}<value>"#,
    r#"["']?[ \t]{0,3}\{[^{}]{0,240}?\bdefault[ \t]{0,12}=[ \t]{0,3}""#,
    r#"["'\x60]?[ \t]{0,20}\|[ \t]{0,20}["'\x60]?"#,
    r#"\([ \t]{0,3}[bruf@]?["'\x60]"#,
    r#"["'\x60]?(?:,[^()\n]{0,80}?)?\)\s{1,8}values\s{0,8}\((?:[^()\n]{0,160}?,[ ]{0,4})?["']"#,
    r#"["'\x60]?[ \t]{1,2}(?:is|was)[ \t:]{1,3}["'\x60]?"#,
];

/// Words that end the name of a credential.
const WORD: &str = r"(?:key|token|secret|passw(?:or)?d|pwd|pat|auth|credentials?)";

/// From a vendor to a setting inside of it, with up to three settings in between: `"acme": {"api_`, `[acme]` and the next
/// lines, `AcmeClient({ api`.
const NESTED: &str = concat!(
    r#"[0-9a-z_.\-]{0,16}["'\x60]?[ \t]{0,3}(?:[:=]>?[ \t]{0,3}[\[{(]{0,2}|\]\[?|[{(\[]{1,2})\s{0,16}"#,
    r#"(?:[^\n{}\[\]]{0,80}[,;\n][ \t]{0,16}){0,3}?["'\x60$:@]{0,2}(?:[0-9a-z]{1,16}[_.\- ]?){0,2}?"#,
);

/// Writes a pattern out.
///
/// # Errors
/// A sentence that names an abbreviation which does not exist.
pub fn expand(pattern: &str) -> Result<String, String> {
    if !pattern.contains("(?&") {
        return Ok(pattern.to_owned());
    }
    let full = ABBREVIATIONS.iter().fold(pattern.to_owned(), |text, (short, long)| text.replace(short, &long()));
    match full.split_once("(?&") {
        Some((_, rest)) => {
            let known: Vec<&str> = ABBREVIATIONS.iter().map(|(short, _)| *short).collect();
            let name = rest.split(')').next().unwrap_or_default();
            Err(format!("expected one of {}, found `(?&{name})`: `{pattern}`", known.join(" ")))
        }
        None => Ok(full),
    }
}

/// An abbreviation and what it stands for.
type Abbreviation = (&'static str, fn() -> String);

const ABBREVIATIONS: &[Abbreviation] =
    &[("(?&is)", is), ("(?&then)", then), ("(?&in)", within), ("(?&key)", key), ("(?&name)", name), ("(?&near)", near)];

fn is() -> String {
    let apart = APART.join("|");
    format!(r"(?i:{CLOSE}(?:{TYPE}[ \t]{{0,8}}{SIGN}(?:[ \t]{{1,3}}\\[\r\n])?\s{{0,12}}{OPEN}|{apart}))")
}

fn then() -> String {
    format!(r#"(?:{}|["']?[ \t]{{1,8}}(?:- )?["'\x60]?)"#, is())
}

fn within() -> String {
    format!(r"(?i:[0-9a-z_.\- ]{{0,24}}|{NESTED})")
}

fn key() -> String {
    let is = is();
    format!(
        r#"(?i:(?:[0-9a-z_.\- ]{{0,32}}|{NESTED}{WORD}[0-9a-z_\-]{{0,16}}){is}|[0-9a-z_.\- ]{{0,24}}{WORD}["']?[ \t]{{1,8}}["'\x60]?)"#
    )
}

fn name() -> String {
    let is = is();
    let plain = r"(?:[_.\- ]?(?:api|io|com|app|prod|live|test|value|v[0-9]|new|client|sdk|init|configure|setup)){0,2}";
    format!(r"(?i:(?:{plain}|{NESTED}{WORD}[0-9a-z_\-]{{0,16}}){is})")
}

fn near() -> String {
    let word = "(?:key|token|secret|passw|pwd|auth|bearer|credential|app_?id)";
    let named = format!(r"[^\n]{{0,60}}?(?:\n[^\n]{{0,40}}?)?{word}[0-9a-z_\-]{{0,12}}");
    let beside = format!(r"(?P<{BESIDE}>)[0-9a-z_.\-]{{0,16}}?");
    let bare = r#"["'\x60]?(?:[ \t]{1,8}(?:- )?|[/(\[]|:?[ \t]{0,3}\r?\n[ \t]{0,16})["'\x60]?"#;
    format!(r"(?i:(?:{named}|{beside})(?:{}|{bare}))", is())
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_automata::meta::Regex;

    const VALUE: &str = "9f3kq07be6d4482c";

    fn finds(short: &str, text: &str) -> bool {
        let pattern = expand(&format!("(?i)acme{short}(?P<value>[0-9a-z]{{16}})")).expect("known abbreviations");
        let regex = Regex::new(&pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        let mut captures = regex.create_captures();
        regex.captures(text, &mut captures);
        captures.get_group_by_name("value").is_some_and(|span| &text[span.range()] == VALUE)
    }

    #[test]
    fn names_and_values_are_joined_in_many_ways() {
        let rows = [
            "ACME_API_KEY=@",
            "acme.api-key: '@'",
            r#"{"acmeApiKey": "@"}"#,
            r#"{\"acme_api_key\":\"@\"}"#,
            r#"{"acme": {"id": 7, "apiKey": "@"}}"#,
            "acme:\n  enabled: true\n  api_key: @",
            "acme_key: |\n  @\n",
            "app:\n  acmeKey: >-\n    @\n",
            "[acme]\nurl = x\nsecret = @",
            "provider \"acme\" {\n  token = \"@\"\n}",
            "$config['acme']['api_key'] = '@';",
            "new AcmeClient({ apiKey: '@' })",
            "acme_key: &'static str = \"@\"",
            "private readonly acmeKey: string | null = \"@\";",
            "const acmeKey string = `@`",
            "char acme_key[] = \"@\";",
            "NSString *acmeKey = @\"@\"",
            "let acme_key = String::from(\"@\")",
            "process.env.ACME_KEY || '@'",
            "${ACME_KEY:-@}",
            "client.setAcmeKey(\"@\")",
            "- name: ACME_KEY\n  value: \"@\"",
            r#"{"name": "ACME_KEY", "value": "@"}"#,
            "<property name=\"acme.key\" value=\"@\"/>",
            "<key>AcmeKey</key>\n<string>@</string>",
            "<setting name=\"AcmeKey\" serializeAs=\"String\">\n  <value>@</value>",
            "variable \"acme_key\" {\n  type = string\n  default = \"@\"\n}",
            "| acme_key | @ |",
            "tool --acme-key @ --verbose",
            "#define ACME_KEY \"@\"",
            "the acme api key is @ for now",
            "acme_key = \\\n  '@'",
            "Acme.configure(token: '@')",
            "- **acme key**: `@`",
            "**Acme API key:** @",
            "buildConfigField \"String\", \"ACME_KEY\", \"\\\"@\\\"\"",
            "acme_key: &key \"@\"",
            "acme_key: !!str @",
            r#"{"name":"x-acme-key","value":"@"}"#,
            "<meta name=\"acme-key\" content=\"@\">",
            "<tr><td>Acme key</td><td class=\"c\"><code>@</code></td></tr>",
            "gh secret set ACME_KEY --body \"@\"",
            "aws ssm put-parameter --name /app/acme_key --value @",
            "INSERT INTO settings (id, acme_key, note) VALUES (7, '@', 'x')",
            "public string AcmeKey { get; private set; } = \"@\";",
        ];
        for row in rows {
            let (head, tail) = row.rsplit_once('@').expect("mark");
            assert!(finds("(?&key)", &format!("{head}{VALUE}{tail}")), "{row}");
        }
        for row in ["ACME_API_KEY=@", "acme:\n  api_key: @"] {
            assert!(finds("(?&in)key(?&is)", &row.replace('@', VALUE)), "{row}");
        }
    }

    #[test]
    fn a_client_of_a_vendor_is_its_name() {
        for row in ["AcmeClient('@')", "acme.NewClient(\"@\")", "Acme.init('@')", "new AcmeApi(\"@\")", "acme: '@'"] {
            assert!(finds("(?&name)", &row.replace('@', VALUE)), "{row}");
        }
    }

    #[test]
    fn what_stands_beside_a_vendor_is_marked_where_no_word_names_it() {
        let named =
            ["acme key @", "acme: sent\n[DEBUG] key=@", "acme keyword here secret \"@\"", "acme.com/v1?token=@"];
        let beside =
            ["acme @", "acme: \"@\"", "acme\n@", "https://api.acme.com/@/items", "AcmeApi(@)", "acme.login('@')"];
        let rows = named.map(|row| (row, false)).into_iter().chain(beside.map(|row| (row, true)));
        let pattern = expand("(?i)acme(?&near)(?P<value>[0-9a-z]{16})").expect("known abbreviations");
        let regex = Regex::new(&pattern).expect("an expression");
        for (row, is_beside) in rows {
            let mut captures = regex.create_captures();
            regex.captures(&row.replace('@', VALUE), &mut captures);
            assert!(captures.get_group_by_name("value").is_some(), "{row}");
            assert_eq!(captures.get_group_by_name(BESIDE).is_some(), is_beside, "{row}");
        }
        for row in ["acme; x = @", "acme does not say what @ is", "acme-@"] {
            assert!(!finds("(?&near)", &row.replace('@', VALUE)), "{row}");
        }
    }

    #[test]
    fn what_merely_stands_near_is_not_joined() {
        for row in ["acme commit @", "acme/@", "acme; x = @", "acme() { return '@'; }", "acme:\n  commit: @"] {
            assert!(!finds("(?&key)", &row.replace('@', VALUE)), "{row}");
        }
    }

    #[test]
    fn unknown_abbreviations_are_mistakes() {
        let message = expand("acme(?&word)x").expect_err("unknown");
        assert!(message.contains("(?&word)"), "{message}");
    }
}
