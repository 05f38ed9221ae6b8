//! Values written in ways that anybody can reverse: how many of them are found as if they stood there plainly.

use crate::support::*;
use data_encoding::{BASE32, BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use dlp_core::base::{Cancel, ConfidenceLevel, Limits};
use dlp_core::content::Input;
use dlp_core::inspect::{Collected, Inspector, Job};
use dlp_core::knowledge::{generate::generate, validators};
use dlp_core::matching::{DetectorSet, Scratch};
use std::collections::BTreeSet;
use std::io::Write as _;

/// Least share of values that must be found, in one hundredth.
const FOUND_PERCENT_MIN: usize = 96;

/// The same of each way of writing.
const FOUND_OF_EACH_PERCENT_MIN: usize = 90;

/// Ways that fall below it: nothing reads the characters of mainframes, and a word of look-alike letters alone is a word of
/// their script.
const FOUND_OF_FEW: [&str; 2] = ["EBCDIC", "look-alike letters"];

/// A label and a value that a detector finds.
struct Case {
    label: &'static str,
    value: String,
}

fn cases() -> Vec<Case> {
    let token = generate("ghp_[0-9A-Za-z]{36}", 5, validators::find("github-token")).expect("recipe");
    let values = [
        ("PESEL", "24211483694"),
        ("NIP", "5526201168"),
        ("SSN", "464724014"),
        ("BSN (burgerservicenummer)", "641985034"),
        ("CPF", "58523388346"),
        ("Aadhaar", "371642936210"),
        ("AHV-Nummer", "7562379046810"),
        ("Credit card", "4145494381563561"),
        ("Amex card number", "342138043891899"),
        ("IBAN", "PL78166589990419187173823783"),
        ("Codice fiscale", "FRRRML88C50G791Y"),
        ("Rentenversicherungsnummer (RVNR)", "36011178Q132"),
        ("Social insurance number (SIN)", "502406812"),
        ("Teudat Zehut", "347637837"),
        ("NIE", "X4780640K"),
        ("ИНН (INN)", "221191052864"),
        ("Visa card number", "4532015112830366"),
        ("OIB", "78029415369"),
        ("CNP (cod numeric personal)", "1240105356831"),
        ("token", &token),
    ];
    values.into_iter().map(|(label, value)| Case { label, value: value.to_owned() }).collect()
}

/// A way of writing: takes the label and the value, gives the bytes of a file.
type Evasion = (&'static str, fn(&str, &str) -> Vec<u8>);

fn each(value: &str, write: impl Fn(char) -> String) -> String {
    value.chars().map(write).collect()
}

/// The value in groups of four with something between them.
fn grouped(value: &str, separator: &str) -> String {
    let groups: Vec<&str> = (0..value.len()).step_by(4).map(|at| &value[at..value.len().min(at + 4)]).collect();
    groups.join(separator)
}

/// The value in groups of three with something between them.
fn in_threes(value: &str, separator: &str) -> String {
    let groups: Vec<&str> = (0..value.len()).step_by(3).map(|at| &value[at..value.len().min(at + 3)]).collect();
    groups.join(separator)
}

/// The value in pairs with something between them.
fn in_pairs(value: &str, separator: &str) -> String {
    let groups: Vec<&str> = (0..value.len()).step_by(2).map(|at| &value[at..value.len().min(at + 2)]).collect();
    groups.join(separator)
}

fn in_groups_of_one(value: &str, separator: &str) -> String {
    value.split("").filter(|character| !character.is_empty()).collect::<Vec<_>>().join(separator)
}

/// The value in two halves with something between them.
fn halves(value: &str, between: &str) -> String {
    let (first, second) = value.split_at(value.len() / 2);
    format!("{first}{between}{second}")
}

fn said(label: &str, value: &str) -> Vec<u8> {
    format!("Please note the {label}: {value} of our client.\n").into_bytes()
}

/// A sentence that is encoded as a whole.
fn sentence(label: &str, value: &str) -> String {
    format!("{label}: {value}")
}

fn stands_for(value: &str, alike: &[(char, char)]) -> String {
    each(value, |c| alike.iter().find(|(plain, _)| *plain == c).map_or(c, |(_, other)| *other).to_string())
}

fn digits_from(value: &str, zero: u32) -> String {
    each(value, |c| {
        let digit = c.to_digit(10).and_then(|digit| char::from_u32(zero + digit));
        digit.unwrap_or(c).to_string()
    })
}

fn utf16(text: &str, is_big: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|unit| if is_big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

fn utf32(text: &str, is_big: bool) -> Vec<u8> {
    let code = |c: char| if is_big { u32::from(c).to_be_bytes() } else { u32::from(c).to_le_bytes() };
    text.chars().flat_map(code).collect()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// Deflated without the header and the sum of zlib.
fn bare(bytes: &[u8]) -> Vec<u8> {
    let packed = zlib(bytes);
    packed[2..packed.len() - 4].to_vec()
}

/// As mainframes write it, for the characters of the cases.
fn ebcdic(text: &str) -> Vec<u8> {
    let code = |byte: u8| match byte {
        b'0'..=b'9' => byte - b'0' + 0xF0,
        b'A'..=b'I' => byte - b'A' + 0xC1,
        b'J'..=b'R' => byte - b'J' + 0xD1,
        b'S'..=b'Z' => byte - b'S' + 0xE2,
        b'a'..=b'i' => byte - b'a' + 0x81,
        b'j'..=b'r' => byte - b'j' + 0x91,
        b's'..=b'z' => byte - b's' + 0xA2,
        b':' => 0x7A,
        b'.' => 0x4B,
        b'-' => 0x60,
        b'(' => 0x4D,
        b')' => 0x5D,
        b'_' => 0x6D,
        b'\n' => 0x15,
        _ => 0x40,
    };
    text.bytes().map(code).collect()
}

/// Lines of offsets and digits, so many bytes together.
fn dumped(bytes: &[u8], together: usize) -> Vec<u8> {
    let line = |(index, line): (usize, &[u8])| {
        let groups: Vec<String> = line.chunks(together).map(|group| HEXLOWER.encode(group)).collect();
        format!("{:08x}: {}\n", 16 * index, groups.join(" "))
    };
    bytes.chunks(16).enumerate().map(line).collect::<String>().into_bytes()
}

fn uuencoded(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(if value == 0 { b'`' } else { value + b' ' });
    let mut text = "begin 644 note.txt\n".to_owned();
    for line in bytes.chunks(45) {
        text.push(digit(line.len() as u8));
        for group in line.chunks(3) {
            let at = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
            let bits = at(0) << 16 | at(1) << 8 | at(2);
            text.extend([18, 12, 6, 0].map(|shift| digit((bits >> shift & 63) as u8)));
        }
        text.push('\n');
    }
    text + "`\nend\n"
}

fn utf7(text: &str) -> String {
    format!("+{}-", data_encoding::BASE64_NOPAD.encode(&utf16(text, true)))
}

fn filled(text: &str) -> String {
    format!("{}\n{text}\n{}\n", "A line of plain text stands here.\n".repeat(4), "Another line, behind it.\n".repeat(4))
}

fn pairs(text: &str, before: &str, between: &str) -> String {
    let pairs: Vec<String> = text.bytes().map(|byte| format!("{before}{byte:02x}")).collect();
    pairs.join(between)
}

const CYRILLIC: [(char, char); 19] = [
    ('A', 'А'),
    ('B', 'В'),
    ('C', 'С'),
    ('E', 'Е'),
    ('H', 'Н'),
    ('I', 'І'),
    ('K', 'К'),
    ('M', 'М'),
    ('N', 'Ν'),
    ('O', 'О'),
    ('P', 'Р'),
    ('S', 'Ѕ'),
    ('T', 'Т'),
    ('X', 'Х'),
    ('Y', 'Υ'),
    ('a', 'а'),
    ('e', 'е'),
    ('o', 'о'),
    ('p', 'р'),
];

#[rustfmt::skip]
const EVASIONS: &[Evasion] = &[
    ("zero-width", |l, v| said(l, &each(v, |c| format!("{c}\u{200B}")))),
    ("word joiner", |l, v| said(l, &grouped(v, "\u{2060}"))),
    ("soft hyphen", |l, v| said(l, &halves(v, "\u{AD}"))),
    ("bidi marks", |l, v| said(l, &format!("\u{202D}{}\u{202C}", halves(v, "\u{200E}")))),
    ("variation selectors", |l, v| said(l, &each(v, |c| format!("{c}\u{FE0F}")))),
    ("combining marks", |l, v| said(l, &each(v, |c| format!("{c}\u{332}")))),
    ("full-width", |l, v| said(l, &each(v, |c| char::from_u32(u32::from(c) + 0xFEE0).unwrap_or(c).to_string()))),
    ("arabic digits", |l, v| said(l, &digits_from(v, 0x660))),
    ("devanagari digits", |l, v| said(l, &digits_from(v, 0x966))),
    ("mathematical digits", |l, v| said(l, &digits_from(v, 0x1D7CE))),
    ("superscript digits", |l, v| said(l, &stands_for(v, &[('0', '⁰'), ('1', '¹'), ('2', '²'), ('3', '³'), ('4', '⁴'), ('5', '⁵'), ('6', '⁶'), ('7', '⁷'), ('8', '⁸'), ('9', '⁹')]))),
    ("circled digits", |l, v| said(l, &stands_for(v, &[('0', '⓪'), ('1', '①'), ('2', '②'), ('3', '③'), ('4', '④'), ('5', '⑤'), ('6', '⑥'), ('7', '⑦'), ('8', '⑧'), ('9', '⑨')]))),
    ("look-alike letters", |l, v| said(&stands_for(l, &CYRILLIC), &stands_for(v, &CYRILLIC))),
    ("no-break spaces", |l, v| said(l, &grouped(v, "\u{A0}"))),
    ("thin spaces", |l, v| said(l, &grouped(v, "\u{202F}"))),
    ("dashes", |l, v| said(l, &grouped(v, "\u{2013}"))),
    ("dots", |l, v| said(l, &grouped(v, "."))),
    ("slashes", |l, v| said(l, &grouped(v, "/"))),
    ("middle dots", |l, v| said(l, &grouped(v, "·"))),
    ("bullets", |l, v| said(l, &grouped(v, " • "))),
    ("underscores", |l, v| said(l, &grouped(v, "_"))),
    ("asterisks", |l, v| said(l, &grouped(v, "*"))),
    ("blanks, threes", |l, v| said(l, &in_threes(v, " "))),
    ("dots, threes", |l, v| said(l, &in_threes(v, "."))),
    ("hyphens, threes", |l, v| said(l, &in_threes(v, "-"))),
    ("colons", |l, v| said(l, &grouped(v, ":"))),
    ("hashes", |l, v| said(l, &in_threes(v, "#"))),
    ("apostrophes", |l, v| said(l, &grouped(v, "'"))),
    ("hyphens and blanks", |l, v| said(l, &grouped(v, " - "))),
    ("brackets", |l, v| said(l, &format!("({})", grouped(v, ") (")))),
    ("ideographic spaces", |l, v| said(l, &grouped(v, "\u{3000}"))),
    ("blanks, pairs", |l, v| said(l, &in_pairs(v, " "))),
    ("colons, pairs", |l, v| said(l, &in_pairs(v, ":"))),
    ("lines of groups", |l, v| said(l, &grouped(v, "\n"))),
    ("lines of groups of Windows", |l, v| said(l, &in_threes(v, "\r\n"))),
    ("lines of characters", |l, v| said(l, &in_groups_of_one(v, "\n"))),
    ("hyphens at line ends", |l, v| said(l, &grouped(v, "-\n"))),
    ("soft line ends of mail", |l, v| said(l, &halves(v, "=\n"))),
    ("base64 alone", |l, v| said(l, &BASE64.encode(v.as_bytes()))),
    ("base64 for addresses alone", |l, v| said(l, &BASE64URL_NOPAD.encode(v.as_bytes()))),
    ("base64 of base64 alone", |l, v| said(l, &BASE64.encode(BASE64.encode(v.as_bytes()).as_bytes()))),
    ("base64 of UTF-16 alone", |l, v| said(l, &BASE64.encode(&utf16(v, false)))),
    ("base32 alone", |l, v| said(l, &BASE32.encode(v.as_bytes()))),
    ("hexadecimal alone", |l, v| said(l, &HEXLOWER.encode(v.as_bytes()))),
    ("upper hexadecimal alone, marked", |l, v| said(l, &format!("0x{}", HEXUPPER.encode(v.as_bytes())))),
    ("hex with blanks alone", |l, v| said(l, &pairs(v, "", " "))),
    ("bengali digits", |l, v| said(l, &digits_from(v, 0x9E6))),
    ("thai digits", |l, v| said(l, &digits_from(v, 0xE50))),
    ("double blanks", |l, v| said(l, &grouped(v, "  "))),
    ("a blank each", |l, v| said(l, each(v, |c| format!("{c} ")).trim())),
    ("a hyphen each", |l, v| said(l, each(v, |c| format!("{c}-")).trim_end_matches('-'))),
    ("base64", |l, v| said("data", &BASE64.encode(sentence(l, v).as_bytes()))),
    ("base64 for addresses", |l, v| said("data", &BASE64URL_NOPAD.encode(sentence(l, v).as_bytes()))),
    ("base64 of UTF-16", |l, v| said("data", &BASE64.encode(&utf16(&sentence(l, v), false)))),
    ("base64 of gzip", |l, v| said("data", &BASE64.encode(&gzip(sentence(l, v).as_bytes())))),
    ("base64 of bare deflate", |l, v| said("data", &BASE64.encode(&bare(sentence(l, v).as_bytes())))),
    ("base64 of zlib", |l, v| said("data", &BASE64.encode(&zlib(sentence(l, v).as_bytes())))),
    ("base64 in lines", |l, v| data_encoding::BASE64_MIME.encode(filled(&sentence(l, v)).as_bytes()).into_bytes()),
    ("base64 in quotes of mail", |l, v| {
        let lines = data_encoding::BASE64_MIME.encode(filled(&sentence(l, v)).as_bytes());
        lines.lines().map(|line| format!("> {line}\n")).collect::<String>().into_bytes()
    }),
    ("base32", |l, v| said("data", &BASE32.encode(sentence(l, v).as_bytes()))),
    ("hexadecimal", |l, v| said("data", &HEXLOWER.encode(sentence(l, v).as_bytes()))),
    ("upper hexadecimal", |l, v| said("data", &HEXUPPER.encode(sentence(l, v).as_bytes()))),
    ("hex with blanks", |l, v| said("data", &pairs(&sentence(l, v), "", " "))),
    ("hex with colons", |l, v| said("data", &pairs(&sentence(l, v), "", ":"))),
    ("hex with commas", |l, v| said("data", &pairs(&sentence(l, v), "", ","))),
    ("hex of C", |l, v| said("data", &pairs(&sentence(l, v), "0x", ", "))),
    ("hex of UTF-16", |l, v| said("data", &HEXLOWER.encode(&utf16(&sentence(l, v), false)))),
    ("escapes in hex", |l, v| said("data", &pairs(&sentence(l, v), "\\x", ""))),
    ("escapes in octal", |l, v| said("data", &each(&sentence(l, v), |c| format!("\\{:03o}", u32::from(c))))),
    ("escapes of JSON", |l, v| said("data", &each(&sentence(l, v), |c| format!("\\u{:04x}", u32::from(c))))),
    ("percent", |l, v| said("data", &each(&sentence(l, v), |c| format!("%{:02X}", u32::from(c))))),
    ("entities", |l, v| said("data", &each(&sentence(l, v), |c| format!("&#{};", u32::from(c))))),
    ("entities in hex", |l, v| said("data", &each(&sentence(l, v), |c| format!("&#x{:x};", u32::from(c))))),
    ("quoted-printable", |l, v| said("data", &each(&sentence(l, v), |c| format!("={:02X}", u32::from(c))))),
    ("uuencode", |l, v| uuencoded(sentence(l, v).as_bytes()).into_bytes()),
    ("a dump", |l, v| dumped(sentence(l, v).as_bytes(), 2)),
    ("a dump of single bytes", |l, v| dumped(sentence(l, v).as_bytes(), 1)),
    ("UTF-7", |l, v| said(l, &utf7(v))),
    ("UTF-16", |l, v| utf16(&filled(&sentence(l, v)), false)),
    ("UTF-16, high byte first", |l, v| utf16(&filled(&sentence(l, v)), true)),
    ("UTF-32", |l, v| utf32(&filled(&sentence(l, v)), false)),
    ("UTF-32, high byte first", |l, v| utf32(&filled(&sentence(l, v)), true)),
    ("EBCDIC", |l, v| ebcdic(&filled(&sentence(l, v)))),
    ("put together with plus", |l, v| format!("var x = \"{l}: \" + \"{}\";\n", halves(v, "\" + \"")).into_bytes()),
    ("put together in quotes", |l, v| format!("x = '{l}: {}'\n", halves(v, "' + '")).into_bytes()),
    ("put together beside", |l, v| format!("x = (\"{l}: \" \"{}\")\n", halves(v, "\" \"")).into_bytes()),
    ("put together in PHP", |l, v| format!("$x = '{l}: ' . '{}';\n", halves(v, "' . '")).into_bytes()),
    ("put together in Lua", |l, v| format!("x = \"{l}: \" .. \"{}\"\n", halves(v, "\" .. \"")).into_bytes()),
    ("put together in BASIC", |l, v| format!("x = \"{l}: \" & \"{}\"\n", halves(v, "\" & \"")).into_bytes()),
    ("put together over lines", |l, v| format!("x = \"{l}: {}\"\n", halves(v, "\"\n    + \"")).into_bytes()),
    ("line ends of C", |l, v| format!("x = \"{l}: {}\"\n", halves(v, "\\\n")).into_bytes()),
    ("two lines", |l, v| said(l, &halves(v, "\n"))),
    ("two lines of Windows", |l, v| said(l, &halves(v, "\r\n"))),
    ("two lines, moved in", |l, v| said(l, &halves(v, " \n    "))),
    ("two lines of a quote", |l, v| format!("> Please note the {l}: {}\n> of our client.\n", halves(v, "\n> ")).into_bytes()),
    ("cells of Markdown", |l, v| format!("| {l} | {} |\n", grouped(v, " | ")).into_bytes()),
    ("cells of HTML", |l, v| format!("<html><table><tr><td>{l}</td><td>{}</td></tr></table>", grouped(v, "</td><td>")).into_bytes()),
    ("cells of CSV", |l, v| format!("{l};{}\n", grouped(v, ";")).into_bytes()),
    ("cells of tabs", |l, v| format!("{l}\t{}\n", grouped(v, "\t")).into_bytes()),
    ("a list of JSON", |l, v| format!("{{\"{l}\": [\"{}\"]}}\n", grouped(v, "\", \"")).into_bytes()),
    ("elements of HTML", |l, v| format!("<html><p>{l}: {}</p>", grouped(v, "</b><b>")).into_bytes()),
];

/// Ids of detectors that find something by default.
fn detectors(inspector: &Inspector, bytes: &[u8]) -> BTreeSet<String> {
    let mut collected = Collected::default();
    let job = Job { name: "note.txt", input: Input::Bytes(bytes), cancel: &Cancel::default() };
    inspector.inspect(&mut Scratch::new(), job, &mut collected);
    let sure = collected.findings.iter().filter(|finding| finding.confidence.level() >= ConfidenceLevel::Medium);
    sure.map(|finding| inspector.detectors().detector(finding.detector).id.clone()).collect()
}

/// Values as people write them, whose own separators take part: labels, values, and what stands in their place.
const OWN_SEPARATORS: [(&str, &str); 10] = [
    ("EIN", "35-1248942"),
    ("Henkilötunnus", "020304-434R"),
    ("CNIC", "31472-4064713-8"),
    ("NIP", "282-848-32-39"),
    ("AHV-Nummer", "756.6256.8087.99"),
    ("CPF", "211.205.028-10"),
    ("IBAN", "GB63 EVGA 2938 2383 8367 73"),
    ("Rentenversicherungsnummer", "55 181004 N 577"),
    ("SEDOL", "5490822"),
    ("IČO", "04405137"),
];

#[test]
fn other_signs_in_the_place_of_separators_hide_nothing() {
    let inspector = Inspector::new(DetectorSet::builtin().expect("built-in detectors"), Limits::inline());
    let mut missed = Vec::new();
    for (label, value) in OWN_SEPARATORS {
        let plain = detectors(&inspector, &said(label, value));
        assert!(!plain.is_empty(), "{label} is found as it stands");
        let is_separator = |c: char| matches!(c, ' ' | '-' | '.');
        for sign in ["*", "·", " • ", "|", "  ", "#", "~"] {
            let written =
                if value.contains(is_separator) { value.replace(is_separator, sign) } else { in_threes(value, sign) };
            if detectors(&inspector, &said(label, &written)).is_disjoint(&plain) {
                missed.push(written);
            }
        }
    }
    assert!(missed.is_empty(), "missed: {missed:?}");
}

#[test]
fn what_anybody_can_reverse_is_found() {
    let inspector = Inspector::new(DetectorSet::builtin().expect("built-in detectors"), Limits::inline());
    let (mut tried, mut found, mut missed, mut too_low) = (0, 0, Vec::new(), false);
    for (name, write) in EVASIONS {
        let mut misses = Vec::new();
        let all = cases();
        let most = all.len() - all.len() * FOUND_OF_EACH_PERCENT_MIN / 100;
        for Case { label, value } in all {
            let plain = detectors(&inspector, &said(label, &value));
            assert!(!plain.is_empty(), "{label} is found as it stands");
            let bytes = write(label, &value);
            tried += 1;
            match detectors(&inspector, &bytes).is_disjoint(&plain) {
                false => found += 1,
                true => misses.push(label),
            }
        }
        if !misses.is_empty() {
            too_low |= misses.len() > most && !FOUND_OF_FEW.contains(name);
            missed.push(format!("{name}: {}", misses.join(", ")));
        }
    }
    let percent = found * 100 / tried;
    let report = format!("{found} of {tried} found, missed:\n{}", missed.join("\n"));
    assert!(percent >= FOUND_PERCENT_MIN && !too_low, "{report}");
}
