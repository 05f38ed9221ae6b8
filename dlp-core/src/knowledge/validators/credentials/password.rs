//! Whether a value is a secret that somebody chose or drew, or only stands where one will be.
//!
//! Source trees are full of values in secret positions that are none: references to variables, masks, placeholders of
//! manuals, sequences typed on a keyboard. Strictnesses exist by how much the place already says: `in_structure` for a
//! connection string or a header, `opaque` and `drawn` for a token under its vendor's name, `chosen` for
//! a value behind a word for password, `generic` for any assignment.

use super::super::Verdict;
use super::published::is_published;
use data_encoding::{BASE64, BASE64URL, DecodeKind};

/// Words that manuals and templates write where a secret belongs. Compared whole, in lower case; own collection.
const PLACEHOLDERS: &[&str] = &[
    "abc",
    "access",
    "admin",
    "api",
    "apikey",
    "app",
    "bar",
    "baz",
    "beispiel",
    "change",
    "changeit",
    "changeme",
    "clave",
    "cleartext",
    "client",
    "contrasena",
    "credential",
    "database",
    "db",
    "default",
    "demo",
    "dummy",
    "elastic",
    "enter",
    "example",
    "exemple",
    "fake",
    "false",
    "fixme",
    "foo",
    "foobar",
    "geheim",
    "goes",
    "grafana",
    "guest",
    "haslo",
    "hello",
    "here",
    "hidden",
    "hunter2",
    "insert",
    "invalid",
    "key",
    "kennwort",
    "keycloak",
    "letmein",
    "lorem",
    "mariadb",
    "me",
    "minio",
    "mock",
    "mongo",
    "my",
    "mypass",
    "mypassword",
    "mysecret",
    "mysql",
    "new",
    "nil",
    "none",
    "notasecret",
    "null",
    "parola",
    "pass",
    "passphrase",
    "passwd",
    "passwort",
    "password",
    "placeholder",
    "plaintext",
    "postgres",
    "przyklad",
    "pw",
    "pwd",
    "qux",
    "rabbitmq",
    "redacted",
    "redis",
    "replace",
    "root",
    "sample",
    "secret",
    "senha",
    "service",
    "secure",
    "some",
    "something",
    "string",
    "super",
    "supersecret",
    "test",
    "testing",
    "tbd",
    "the",
    "this",
    "tiger",
    "to",
    "todo",
    "token",
    "true",
    "undefined",
    "user",
    "username",
    "value",
    "wachtwoord",
    "with",
    "world",
    "xyz",
    "your",
    "yourpassword",
];

/// Starts of expressions that fetch a secret from elsewhere.
const REFERENCES: &[&str] = &[
    "${",
    "$(",
    "{{",
    "{%",
    "<%",
    "#{",
    "[[",
    "((",
    "!Ref",
    "!vault",
    "vault:",
    "op://",
    "ssm:",
    "arn:aws:",
    "process.env",
    "os.environ",
    "os.getenv",
    "System.getenv",
    "ENV[",
    "env.",
    "var.",
    "local.",
    "data.",
    "module.",
    "secrets.",
    "config.",
    "settings.",
    "self.",
    "this.",
    "ENC(",
    "ENC[",
    "keyring:",
    "file:",
    "lookup(",
    "getpass",
    "input(",
    "__",
    "--",
];

/// A password inside a structure that itself says "here is a password": only references, masks and values that are
/// placeholders as a whole are refused, so that weak passwords are found.
pub(super) fn in_structure(value: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(value);
    (!(text.is_empty() || is_reference(&text) || is_mask(&text) || is_placeholder(&text) || is_published(value))).into()
}

/// A token with its vendor's prefix, which may hold words like `test` itself: only masks, sequences and words that no
/// drawn value holds are refused.
pub(super) fn prefixed(value: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(value);
    let is_sample = is_mask(&text) || is_sequence(value) || is_written(value) || speaks_of_samples(&text);
    as_encoded(value, !is_sample && !is_published(value))
}

/// The same for tokens of capitals and digits: one without a letter beyond F is a digest or a GUID. Of drawn tokens of
/// 20 characters, one in ten million is so.
pub(super) fn prefixed_base36(value: &[u8]) -> Verdict {
    let body = value.iter().rposition(|byte| !byte.is_ascii_alphanumeric()).map_or(value, |mark| &value[mark + 1..]);
    (prefixed(value) != Verdict::Invalid && !body.iter().all(u8::is_ascii_hexdigit)).into()
}

/// A token under its vendor's name: besides, sequences and words that only samples hold are refused.
pub(super) fn opaque(value: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(value);
    let is_sample =
        is_reference(&text) || is_mask(&text) || holds_placeholder(&text) || is_sequence(value) || is_written(value);
    as_encoded(value, !is_sample && value.len() >= 8 && !is_published(value))
}

/// What is known of a value that is none, or of one that may be drawn. Made-up and altered copies have stray bits; but no
/// vendor promises that it has none.
fn as_encoded(value: &[u8], may_be_drawn: bool) -> Verdict {
    match may_be_drawn {
        false => Verdict::Invalid,
        true if has_stray_bits(value) => Verdict::Doubtful,
        true => Verdict::Valid,
    }
}

/// A token under its vendor's name of which only length and alphabet are known: besides, each of its words being
/// letters only or digits only is refused, because that is how names are made. Of drawn tokens of 32 letters and
/// digits, one in three hundred has no digit.
pub(super) fn drawn(value: &[u8]) -> Verdict {
    if is_name(&String::from_utf8_lossy(value)) { Verdict::Invalid } else { opaque(value) }
}

/// A value of an assignment whose key merely says secret, token or password: must look drawn at random, or be a
/// password of mixed characters, and must be no identifier, path, address or digest-like shape.
pub(super) fn generic(value: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(value);
    if opaque(value) == Verdict::Invalid || !(8..=150).contains(&value.len()) || has_ordinary_shape(&text) {
        return Verdict::Invalid;
    }
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = value.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let marks = value.len() - digits - letters;
    let is_mixed = letters > 0 && (digits > 0 || marks > 1);
    (is_mixed && entropy(value) >= entropy_expected(value)).into()
}

/// A password behind a word for password, in a text or a setting, where nothing else says that it is one: of eight or
/// more characters, with letters and digits, and capitals or marks besides, as rules for passwords demand. Names of
/// algorithms, addresses and values that merely stand there for reading are none.
pub(super) fn chosen(value: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(value);
    if in_structure(value) != Verdict::Valid || holds_placeholder(&text) || is_sequence(value) {
        return Verdict::Invalid;
    }
    let lower = text.to_ascii_lowercase();
    let is_algorithm = ALGORITHMS.iter().any(|name| lower.contains(name));
    // An argument in a stack trace, and a part of an address.
    let is_address = lower.contains("=0x") || is_percent_encoded(&lower);
    if is_algorithm || is_address || has_ordinary_shape(&text) || is_mail_address(&text) || is_camel_name(&text) {
        return Verdict::Invalid;
    }
    let has = |class: fn(&u8) -> bool| value.iter().any(class);
    let has_letters = has(u8::is_ascii_alphabetic) || !text.is_ascii();
    let is_mark = |byte: &u8| byte.is_ascii_punctuation() && *byte != b'_';
    let is_rich = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) || value.iter().any(is_mark);
    ((8..=64).contains(&value.len()) && has_letters && has(u8::is_ascii_digit) && is_rich).into()
}

/// Names that stand behind a word for password in programs, and that hold a digit.
const ALGORITHMS: &[&str] = &[
    "argon2", "base64", "base32", "bcrypt", "hs256", "http", "int32", "int64", "md5", "oauth2", "pbkdf2", "pkcs",
    "rs256", "scrypt", "sha1", "sha2", "sha3", "sha5", "uint8", "utf-8", "utf8", "x509",
];

/// Mostly bytes as addresses write them: `%60%7b`.
fn is_percent_encoded(text: &str) -> bool {
    text.matches('%').count() * 6 > text.len()
}

fn is_mail_address(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    !name.is_empty() && host.contains('.') && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b))
}

/// What `printf` puts a value in for: `%s`, `%q,`, `%-20s`, and by its name `%(password)s`.
fn is_format(text: &str) -> bool {
    let Some(rest) = text.trim_end_matches([',', ';', '.', ')', ']']).strip_prefix('%') else { return false };
    let rest = rest.strip_prefix('(').and_then(|named| named.split_once(')')).map_or(rest, |(_, verb)| verb);
    let verb = rest.trim_start_matches(|c: char| c.is_ascii_digit() || "-+#. *".contains(c));
    matches!(verb, "s" | "q" | "d" | "v" | "x" | "i" | "u" | "r" | "@" | "ld" | "lu" | "zu" | "p" | "T" | "w" | "c")
}

fn is_reference(text: &str) -> bool {
    let wrapped = [('%', '%'), ('<', '>'), ('{', '}'), ('[', ']')];
    text.strip_prefix('$').is_some_and(is_variable)
        || is_format(text)
        || is_type_name(text)
        || is_begun_call(text)
        || REFERENCES.iter().any(|start| text.starts_with(start))
        || ["${", "$(", "{{", "#{"].iter().any(|mark| text.contains(mark))
        || wrapped.iter().any(|(open, close)| text.starts_with(*open) && text.ends_with(*close))
        || [('(', ')'), ('[', ']')].iter().any(|(open, close)| text.contains(*open) && text.ends_with(*close))
}

/// The name of a variable behind its dollar sign, with the space or the object that it belongs to: `env:NAME`, `::port`,
/// `this->password`, `credential.Password`.
fn is_variable(name: &str) -> bool {
    let name = name.replace("->", "_").replace("::", "_");
    let name = name.strip_prefix("env:").unwrap_or(&name);
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.".contains(&b))
}

/// Where a call or a list begins whose quotes end the value: `decrypt(`, `port=(`.
fn is_begun_call(text: &str) -> bool {
    let Some(name) = text.strip_suffix(['(', '[']) else { return false };
    name.ends_with('=') || (!name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic() || b"_.".contains(&b)))
}

/// A type, as programs write it behind the name of a parameter: `status_t`, `core::PCSTR`.
fn is_type_name(text: &str) -> bool {
    let is_word = |word: &str| {
        let starts = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        starts && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let path = text.trim_end_matches([')', ',', ';', '&', '*']);
    let is_of_c =
        path.strip_suffix("_t").is_some_and(|name| is_word(name) && !name.contains(|c: char| c.is_ascii_uppercase()));
    is_of_c || (path.contains("::") && path.split("::").all(is_word))
}

/// Stars, dots, crosses, or one character that makes up more than half of a longer value.
fn is_mask(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    if ["***", "xxxx", "...", "\u{2026}", "\u{2022}\u{2022}", "redacted", "filtered", "*sensitive*"]
        .iter()
        .any(|mask| lower.contains(mask))
    {
        return true;
    }
    let mut counts = [0usize; 256];
    lower.bytes().for_each(|b| counts[usize::from(b)] += 1);
    let is_one_character = lower.len() >= 3 && counts.iter().filter(|count| **count > 0).count() == 1;
    is_one_character || lower.len() >= 4 && counts.iter().any(|count| count * 2 > lower.len())
}

/// The value's words: runs of letters and digits, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase)
}

fn is_placeholder_word(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| c.is_ascii_digit());
    let without_owner = bare.strip_prefix("my").or_else(|| bare.strip_prefix("your")).unwrap_or(bare);
    bare.is_empty() || [word, bare, without_owner].iter().any(|w| PLACEHOLDERS.contains(w)) || is_compound(bare)
}

/// Placeholders written as one word: `somethingsecret`, `testpass`.
fn is_compound(word: &str) -> bool {
    if !(6..=32).contains(&word.len()) || !word.is_ascii() {
        return false;
    }
    let mut ends = [false; 33];
    ends[0] = true;
    for at in 0..word.len() {
        if ends[at] {
            let parts = PLACEHOLDERS.iter().filter(|part| part.len() > 2 || **part == "my");
            parts.filter(|part| word[at..].starts_with(**part)).for_each(|part| ends[at + part.len()] = true);
        }
    }
    ends[word.len()]
}

/// The name of a setting and not its value: small words, or capital ones, of which the last says what is meant, as in
/// `smtp_password` and `API_KEY`.
fn is_setting(text: &str) -> bool {
    let Some((head, last)) = text.rsplit_once('_') else { return false };
    let is_one_case = |class: fn(&u8) -> bool| text.bytes().all(|byte| class(&byte) || byte == b'_');
    let ends = ["key", "pass", "passwd", "password", "pwd", "secret", "token"];
    !head.is_empty()
        && ends.contains(&&*last.to_ascii_lowercase())
        && (is_one_case(u8::is_ascii_lowercase) || is_one_case(u8::is_ascii_uppercase))
}

/// The name of a type, as behind the name of a parameter: three or more words that begin with capitals, then digits.
fn is_camel_name(text: &str) -> bool {
    let name = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let humps = name.bytes().filter(u8::is_ascii_uppercase).count();
    humps >= 3 && humps * 2 < name.len() && name.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Every word of the value is one of a placeholder, for example `my_secret_password1` or `user`; or it speaks to the
/// reader, for example `your-database-password`.
fn is_placeholder(text: &str) -> bool {
    let speaks_to_reader = ["your", "change", "replace", "insert", "enter", "put"];
    if words(text).nth(1).is_some() && words(text).next().is_some_and(|w| speaks_to_reader.contains(&w.as_str())) {
        return true;
    }
    if is_setting(text) {
        return true;
    }
    let is_digits_only = text.bytes().all(|b| b.is_ascii_digit());
    let leet = text.to_ascii_lowercase().replace('@', "a").replace('0', "o").replace('$', "s");
    !is_digits_only && (words(text).all(|w| is_placeholder_word(&w)) || PLACEHOLDERS.contains(&leet.as_str()))
}

/// One word of four or more letters, or the value without its separators, comes from a placeholder.
fn holds_placeholder(text: &str) -> bool {
    is_placeholder(text)
        || speaks_of_samples(text)
        || words(text).any(|w| w.len() >= 4 && w.bytes().all(|b| b.is_ascii_alphabetic()) && is_placeholder_word(&w))
}

/// Words that chance does not draw: four letters turn up in one token of thirty thousand.
pub(super) fn speaks_of_samples(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    SAMPLE_WORDS.iter().any(|word| lower.contains(word))
}

const SAMPLE_WORDS: &[&str] = &[
    "example",
    "placeholder",
    "changeme",
    "your_",
    "your-",
    "insert_",
    "replace_",
    "dummy",
    "fake",
    "sample",
    "redacted",
    "notreal",
    "not_real",
    "not-real",
    "notareal",
    "not_a_real",
    "not-a-real",
    "thisis",
    "this_is",
    "this-is",
    "lorem",
];

/// Fewest characters of base 64 whose padding says something: sixteen bytes are the shortest keys.
const PADDED_LEN_MIN: usize = 24;

/// A part in base 64 whose padding stands behind a letter with bits beyond the last byte. Encoders write zeros there (RFC
/// 4648 section 3.5), so somebody altered it or made it up.
fn has_stray_bits(value: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
    value.split(|byte| !is_part(byte)).filter(|part| part.len() >= PADDED_LEN_MIN).any(|part| {
        let text_len = part.iter().rposition(|byte| *byte != b'=').map_or(0, |at| at + 1);
        let (rest, groups) = part.as_rchunks::<4>();
        let is_padded = rest.is_empty() && !part[..text_len].contains(&b'=');
        let is_stray = |last: &[u8; 4]| {
            let kinds = [BASE64, BASE64URL].map(|encoding| encoding.decode(last).map_err(|error| error.kind));
            kinds.contains(&Err(DecodeKind::Trailing))
        };
        is_padded && groups.last().is_some_and(is_stray)
    })
}

/// Characters at the end of a value from which on they tell that nobody drew them.
const WRITTEN_LEN_MIN: usize = 18;

/// Somebody wrote the value: its last two thirds are words in small letters, a name in camel case, or a short text
/// again and again. Words have three vowels in ten letters, of which tokens drawn of letters alone have two; of tokens
/// of small letters and digits, one in a thousand looks so, of those with capitals one in ten million.
fn is_written(value: &[u8]) -> bool {
    if is_written_name(value) {
        return true;
    }
    let tail = &value[value.len() / 3..];
    if tail.len() < WRITTEN_LEN_MIN {
        return false;
    }
    let is_in = |class: fn(&u8) -> bool| tail.iter().all(|byte| class(byte) || matches!(byte, b'-' | b'_'));
    let capitals = tail.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let vowels = tail.iter().filter(|byte| b"aeiou".contains(&byte.to_ascii_lowercase())).count();
    let is_spoken = vowels * 10 >= tail.len() * 3;
    let is_words =
        is_spoken && (is_in(u8::is_ascii_lowercase) || (is_in(u8::is_ascii_alphabetic) && capitals * 4 <= tail.len()));
    is_words || (1..=8).any(|period| repeats(tail, period, 2))
}

/// Whether a text is another one again and again, at least so many times.
fn repeats(text: &[u8], period: usize, times: usize) -> bool {
    text.len() >= period * times && text.iter().zip(&text[period..]).all(|(a, b)| a == b)
}

/// The name of a function or a field: `searchContentUsingQuery`. Of drawn letters, half are capitals.
fn is_written_name(value: &[u8]) -> bool {
    let count = |class: fn(&u8) -> bool| value.iter().filter(|byte| class(byte)).count();
    let (capitals, vowels) = (count(u8::is_ascii_uppercase), count(|byte| b"aeiouAEIOU".contains(byte)));
    value.iter().all(u8::is_ascii_alphabetic)
        && (2..=value.len() / 5).contains(&capitals)
        && vowels * 10 >= value.len() * 3
}

/// Eight characters in ascending or descending order, a period of at most four characters, or letters and digits of
/// which most follow each other, whatever separates them.
fn is_sequence(value: &[u8]) -> bool {
    let run = |step: i16| {
        let mut longest = 1;
        let mut current = 1;
        for pair in value.windows(2) {
            let follows = i16::from(pair[1]) - i16::from(pair[0]) == step;
            current = if follows { current + 1 } else { 1 };
            longest = longest.max(current);
        }
        longest
    };
    run(1) >= 8 || run(-1) >= 8 || (1..=4).any(|period| repeats(value, period, 3)) || is_counted(value)
}

/// Letters and digits from which on an order or a period tells that nobody drew them.
const COUNTED_LEN_MIN: usize = 12;

/// The last two thirds of the letters and digits of a value are a row as somebody types it, `A3-123456-789012-34567`,
/// or a short text again and again. Of drawn ones, one pair in thirty follows.
fn is_counted(value: &[u8]) -> bool {
    let plain: Vec<u8> = value.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
    let tail = &plain[plain.len() / 3..];
    if tail.len() < COUNTED_LEN_MIN {
        return false;
    }
    let follows = |pair: &&[u8]| {
        let [before, after] = [pair[0].to_ascii_lowercase(), pair[1].to_ascii_lowercase()];
        after == before + 1 || matches!((before, after), (b'9', b'0' | b'a') | (b'z', b'a' | b'0') | (b'f', b'0'))
    };
    tail.windows(2).filter(follows).count() * 4 >= (tail.len() - 1) * 3
        || (1..=4).any(|period| repeats(tail, period, 3))
}

/// Shapes that secrets do not have and that fill source trees: UUIDs, paths, addresses, dotted or hyphenated names.
fn has_ordinary_shape(text: &str) -> bool {
    let is_uuid = text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        });
    let is_address = text.contains("://") || text.starts_with(['/', '.', '~', '#']) || text.contains("\\\\");
    is_uuid || is_address || is_name(text) || text.contains(' ')
}

/// Words of letters or of digits, joined by the marks that names have.
fn is_name(text: &str) -> bool {
    words(text).all(|w| w.bytes().all(|b| b.is_ascii_alphabetic()) || w.bytes().all(|b| b.is_ascii_digit()))
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:, ".contains(&b))
}

/// Shannon entropy in bits per byte.
fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    value.iter().for_each(|b| counts[usize::from(*b)] += 1);
    let len = value.len() as f64;
    counts.iter().filter(|c| **c > 0).map(|c| f64::from(*c) / len).map(|p| -p * p.log2()).sum()
}

/// The first percentile of the entropy of uniformly drawn text of the same length and kind, simulated; short values get
/// the demand that a password of eight mixed characters fulfils.
fn entropy_expected(value: &[u8]) -> f64 {
    let is_hex = value.iter().all(u8::is_ascii_hexdigit);
    match (value.len(), is_hex) {
        (..16, _) => 2.5,
        (..24, true) => 2.66,
        (..40, true) => 3.05,
        (_, true) => 3.41,
        (..20, false) => 3.1,
        (..32, false) => 3.4,
        (_, false) => 3.9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_take_weak_passwords_but_no_placeholders() {
        let rows = [
            ("sunshine77", true),
            ("P@ssw0rd$1", true),
            ("123456", true),
            ("$3cr-t!", true),
            ("password", false),
            ("my_secret_password1", false),
            ("your-database-password", false),
            ("changeling77", true),
            ("somethingsecret", false),
            ("Testpass123", false),
            ("CleartextPassword1", false),
            ("smtp_password", false),
            ("API_KEY", false),
            ("--password=", false),
            ("apple_tree", true),
            ("MYTOKEN1", false),
            ("newpass", false),
            ("pass%20pass", false),
            ("P@ssw0rd", false),
            ("${DB_PASSWORD}", false),
            ("$DB_PASSWORD", false),
            ("$::other_port1", false),
            ("$this->password2", false),
            ("$credential.Passw0rd", false),
            ("%DB_PASSWORD%", false),
            ("<password>", false),
            ("********", false),
            ("xxxxxxxx", false),
            ("xxx", false),
            ("process.env.PASS", false),
            ("credentials[1]", false),
            ("status_t", false),
            ("port=(", false),
            ("vault.decrypt(", false),
            ("Abc12x(", true),
            ("windows_sys::core::PCSTR)", false),
            ("Sunshine_t", true),
            ("a::77!b", true),
            ("%q,", false),
            ("%-20s", false),
            ("%(password)s", false),
            ("%(pass7x", true),
            ("%s7x", true),
            ("", false),
        ];
        for (value, expected) in rows {
            assert_eq!(in_structure(value.as_bytes()), Verdict::from(expected), "{value}");
        }
    }

    #[test]
    fn padding_stands_behind_zeros() {
        let rows = [
            ("q7Zk2mXw9bTn4vRc8sLp1g==", true),
            ("q7Zk2mXw9bTn4vRc8sLp1h==", false),
            ("q7Zk2mXw9bTn4vRc8sLp1g==:Zk2mXw9bTn4vRc8sLp1hGd6fJ3Yt5Bx", true),
            ("q7Zk2mXw9bTn4vRc8sLp1B==:Zk2mXw9bTn4vRc8sLp1hGd6fJ3Yt5Bx", false),
            ("q7Zk2mXw9bTn4vRc8sLp1hY=", true),
            ("q7Zk2mXw9bTn4vRc8sLp1-_=", false),
            ("q7Zk2mXw9bTn4vRc8sLp1h8=", true),
            // No padding, or none of base 64: nothing can be told.
            ("q7Zk2mXw9bTn4vRc8sLp1hGB", true),
            ("q7Zk2mXw9bTn4vRc8sLpB=", true),
            ("q7Zk=2mXw9bTn4vRc8sLp1B=", true),
            ("q7Zk2mXw9bTn4B==", true),
        ];
        for (value, expected) in rows {
            let verdicts = [prefixed(value.as_bytes()), opaque(value.as_bytes()), drawn(value.as_bytes())];
            let expected = if expected { Verdict::Valid } else { Verdict::Doubtful };
            assert_eq!(verdicts, [expected; 3], "{value}");
        }
    }

    #[test]
    fn tokens_must_not_be_samples() {
        let rows = [
            ("f3a91c07be6d4482", true),
            ("Zq8wT1nB5rXe0uYp", true),
            ("your-api-key-here", false),
            ("abcdefghijklmnop", false),
            ("0123456789abcdef", false),
            ("deadbeefdeadbeefdeadbeef", true),
            ("abababababab", false),
            (concat!("AKIA", "IOSFODNN7EXAMPLE"), false),
            ("short", false),
        ];
        for (value, expected) in rows {
            assert_eq!(opaque(value.as_bytes()), Verdict::from(expected), "{value}");
        }
    }

    #[test]
    fn drawn_tokens_are_no_names() {
        let rows = [
            ("f3a91c07be6d4482", true),
            ("Zq8wT1nB5rXe0uYp", true),
            ("q7-wTnBxrXe-2021", true),
            ("customerOrderHistory", false),
            ("release-2021-production", false),
            ("com.example.Service", false),
            ("1747210482993", false),
            ("your-api-key-here1x", false),
            ("${VENDOR_KEY_1}", false),
        ];
        for (value, expected) in rows {
            assert_eq!(drawn(value.as_bytes()), Verdict::from(expected), "{value}");
        }
    }

    #[test]
    fn prefixes_may_hold_words() {
        let rows = [
            (concat!("sk_", "test_Zq8wT1nB5rXe0uYpK2"), true),
            ("secret-Zq8wT1nB5rXe0uYpK2", true),
            (concat!("sk_", "live_abcdefghijklmnop"), false),
            (concat!("sk_", "live_your_key_goes_here"), false),
            ("hf_xxxxxxxxxxxxxxxxxxxx", false),
            ("hvs.some-name-of-a-setting-of-mine", false),
            ("tok_someSettingNameOfMineHere", false),
            ("tok_correcthorsebatterystaple", false),
            ("tok_abc123abc123abc123abc123", false),
            ("tok_FAKEq8wT1nB5rXe0uYpK2", false),
            ("tok_qJwTknBgrXeRuYpKmLdHsVz", true),
            ("A3-123456-789012-34567-89012-34567-89012", false),
            ("1PRK-abcd-efgh-ijkl-mnop-qrst-uvwx", false),
            ("tok_ab12ab.12ab12:ab12ab12ab12", false),
            ("tok_12345678-9012-3456-7890-123456789012", false),
        ];
        for (value, expected) in rows {
            assert_eq!(prefixed(value.as_bytes()), Verdict::from(expected), "{value}");
        }
    }

    #[test]
    fn chosen_passwords_follow_the_rules_for_passwords() {
        let rows = [
            ("Sommer2024!", true),
            ("T1ger-Lily", true),
            ("Tajne123x", true),
            ("wiosna#2024", true),
            ("Zażółć77#x", true),
            ("correcthorse", false),
            ("Passw0rd", false),
            ("Changeme1", false),
            ("your-Password1", false),
            ("short1A", false),
            ("9f86d081884c7d65", false),
            ("release-2021-Production", false),
            ("Pbkdf2Sha256", false),
            ("WIN32_ERROR", false),
            ("XmlStringMaxLen256", false),
            ("this@entry=0x447f550", false),
            ("%60%7B%7D", false),
            ("ann2@acme.test", false),
            ("3fa85f64-5717-4562-B3fc-2c963f66afa6", false),
            ("${DB_PASS1}", false),
            ("Abcdefgh12345678", false),
        ];
        for (value, expected) in rows {
            assert_eq!(chosen(value.as_bytes()), Verdict::from(expected), "{value}");
        }
    }

    #[test]
    fn tokens_of_capitals_and_digits_are_no_digests() {
        let rows = [
            (concat!("API-", "Q7ZK2M4X9R1TB8W5N3YV6PLC0D"), true),
            ("API-BD80F56CDC1441E6BF6011AB6D852875", false),
            ("API-XXXXXXXXXXXXXXXXXXXXXXXXXX", false),
        ];
        for (value, expected) in rows {
            assert_eq!(prefixed_base36(value.as_bytes()), Verdict::from(expected), "{value}");
        }
    }

    #[test]
    fn assignments_must_look_random() {
        let rows = [
            ("kT9#vLq2!xWz", true),
            ("9f86d081884c7d659a2feaa0c55ad015", true),
            ("com.example.Service", false),
            ("reset-password-form", false),
            ("/etc/ssl/private/key.pem", false),
            ("3fa85f64-5717-4562-b3fc-2c963f66afa6", false),
            ("getSecretFromVault()", false),
            ("MySecretProvider", false),
            ("https://vault.acme.test/v1/x9", false),
        ];
        for (value, expected) in rows {
            assert_eq!(generic(value.as_bytes()), Verdict::from(expected), "{value}");
        }
    }
}
