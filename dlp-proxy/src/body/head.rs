//! Content in the head of a request: file names, arguments in header fields, the path and the query of the URL.
//!
//! `Authorization` and `Cookie` are left out: they are what the site itself gave the client to show, and a session that
//! looks like a token is no leak to the site that opened it. So are fields of a fixed grammar
//! that look like it, and the parameters of signed URLs, which are made for the very object that they lead to. Every
//! other field and parameter is content, whatever its name: `X-Api-Key` and `?token=` are where a client can put
//! anything.

use super::entity::{Declared, walk_entity};
use super::fields;
use super::joined::{Origin, walk_joined};
use super::walk::{View, Walk};
use super::{BodyReport, BodySetup, form, multipart, nested};
use data_encoding::{BASE32_NOPAD, BASE64, HEXLOWER_PERMISSIVE};
use dlp_core::content::{Input, Observer};
use http::request::Parts;
use std::io::Cursor;

/// Fields that are not inspected: credentials for the site itself and for the gateway, and what has a fixed grammar.
const PLUMBING: [&str; 35] = [
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-md5",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "dnt",
    "expect",
    "host",
    "keep-alive",
    "max-forwards",
    "origin",
    "pragma",
    "priority",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "te",
    "traceparent",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "upgrade-insecure-requests",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-security-token",
    "x-amz-trailer",
    "x-client-data",
    "x-forwarded-for",
    "x-request-id",
];

/// Starts of names that all have a fixed grammar.
const PLUMBING_STARTS: [&str; 4] = ["accept", "access-control-", "if-", "sec-"];

/// Fields that are left out whatever they hold: credentials for the site itself and for the gateway.
const CREDENTIALS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "x-amz-security-token"];
/// Fields that hold a host or numbers by their nature, and are read by whoever receives them.
const NUMERIC: [&str; 10] = [
    "content-length",
    "content-md5",
    "content-range",
    "date",
    "host",
    "max-forwards",
    "range",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
];
/// Letters of such a field: a unit, or a day, a month and a zone. Hosts are inspected as such, and digests are what they are.
const NUMERIC_LETTERS_MAX: usize = 16;
const DIGESTS: [&str; 3] = ["content-md5", "host", "x-amz-content-sha256"];
/// Longest value of a field of fixed grammar that is taken for what it should be.
const PLAIN_VALUE_BYTES_MAX: usize = 256;
/// Digits of such a value that are taken for what it should hold: versions of browsers and weights of languages have as many.
/// So shorter numbers of persons in these fields are not seen.
const PLAIN_VALUE_DIGITS_MAX: usize = 8;
/// Digits from which on a name is looked at, of a host, a method or a field: those of the shortest numbers of persons,
/// as in `AB123456C`.
pub(crate) const NAME_DIGITS_MIN: usize = 6;
/// Letters and digits in a row from which on a word is none.
const WORD_BYTES_MAX: usize = 20;
/// Fields that hold words, so that a long row of letters and digits in them is something else.
const WORDY: [&str; 9] = [
    "cache-control",
    "connection",
    "dnt",
    "keep-alive",
    "pragma",
    "priority",
    "te",
    "trailer",
    "upgrade-insecure-requests",
];

/// Rounds of undoing escapes, in values that were escaped more than once.
const ESCAPE_ROUNDS_MAX: usize = 3;
/// Shortest value that is tried as base 64 or hexadecimal. Shorter ones hold nothing that a detector is sure of.
const ENCODED_CHARS_MIN: usize = 16;
/// Labels at the end of a host that are its domain at least.
const DOMAIN_LABELS: usize = 2;
/// Values of one head that are decoded.
const DECODED_VALUES_MAX: usize = 256;

/// Parameters of signed URLs (AWS Signature 4 and 2, Google, Azure, CloudFront), in lower case.
const SIGNATURE_PARAMETERS: [&str; 10] = [
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
    "awsaccesskeyid",
    "signature",
    "x-goog-credential",
    "x-goog-signature",
    "googleaccessid",
    "sig",
    "key-pair-id",
];

/// Query parameters and JSON members that name a file.
const NAME_KEYS: [&str; 5] = ["name", "filename", "file_name", "title", "path"];

/// Inspects what a request head carries besides its body, and collects file names.
pub fn inspect_head(head: &Parts, mut setup: BodySetup<'_>, observer: &mut dyn Observer) -> BodyReport {
    let mut walk = Walk::new(setup.reborrowed(), observer);
    walk_names(&mut walk, head);
    walk_url(&mut walk, head);
    walk_header(&mut walk, head);
    walk_spread(&mut walk, head);
    walk.finish()
}

/// Inspects the name of a host, of which whoever answers for its domain reads every label.
pub fn inspect_host(name: &str, mut setup: BodySetup<'_>, observer: &mut dyn Observer) -> BodyReport {
    let mut walk = Walk::new(setup.reborrowed(), observer);
    let labels: Vec<&str> = name.split('.').collect();
    walk.within("host".to_owned(), |walk| {
        walk.examine("", Input::Bytes(labels.join(" ").as_bytes()), View::Plain);
        walk.examine("", Input::Bytes(name.replace(['.', '-', '_'], " ").as_bytes()), View::Again);
    });
    walk.within("host, decoded".to_owned(), |walk| {
        // What is longer than a label is spread over several; a domain of any number of labels stands behind it.
        let spread: Vec<_> =
            (2..=labels.len().saturating_sub(DOMAIN_LABELS)).map(|end| labels[..end].concat()).collect();
        walk_disguised(walk, labels.iter().copied().chain(spread.iter().map(String::as_str)));
    });
    walk.within("host, joined".to_owned(), |walk| walk_joined(walk, &labels, Origin::Client));
    walk.finish()
}

/// The path of the URL with its escapes undone, as it is inspected.
#[must_use]
pub fn decoded_path(head: &Parts) -> String {
    String::from_utf8_lossy(&form::percent_decoded(head.uri.path().as_bytes())).into_owned()
}

/// The method, and the names of fields. Nobody checks that they are ones that exist; those that are have few digits, and no
/// long words.
fn walk_names(walk: &mut Walk<'_>, head: &Parts) {
    let has_value = |name: &&str| {
        name.bytes().filter(u8::is_ascii_digit).count() >= NAME_DIGITS_MIN
            || name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word.len() >= ENCODED_CHARS_MIN)
    };
    let names = std::iter::once(head.method.as_str()).chain(head.headers.keys().map(http::HeaderName::as_str));
    let names: Vec<&str> = names.filter(has_value).collect();
    if names.is_empty() {
        return;
    }
    let text = names.join("\n");
    walk.within("names".to_owned(), |walk| {
        walk.examine("", Input::Bytes(text.as_bytes()), View::Plain);
        walk.examine("", Input::Bytes(text.replace(['-', '_'], " ").as_bytes()), View::Again);
    });
}

fn walk_url(walk: &mut Walk<'_>, head: &Parts) {
    let path = decoded_path(head);
    note_path_name(walk, &path);
    if path.len() > 1 {
        walk.within("url path".to_owned(), |walk| {
            walk.examine("", Input::Bytes(path.as_bytes()), View::Plain);
            // What a browser writes for a space in a form, others write in a path.
            if path.contains('+') {
                walk.examine("", Input::Bytes(path.replace('+', " ").as_bytes()), View::Again);
            }
        });
    }
    let segments = head.uri.path().split('/');
    walk.within("url path, decoded".to_owned(), |walk| walk_disguised(walk, segments.clone()));
    let pieces: Vec<_> = segments.map(|segment| form::percent_decoded(segment.as_bytes())).collect();
    walk.within("url path, joined".to_owned(), |walk| walk_joined(walk, &pieces, Origin::Client));
    if let Some(query) = head.uri.query() {
        let kept: Vec<&str> = query.split('&').filter(|pair| !is_signature(pair_name(pair))).collect();
        let kept = kept.join("&");
        note_query_names(walk, &kept);
        walk.within("url query".to_owned(), |walk| {
            let _ = fields::walk_fields(walk, &mut Cursor::new(kept.as_bytes()), form::open);
        });
        let values = kept.split('&').map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value));
        walk.within("url query, decoded".to_owned(), |walk| walk_disguised(walk, values.clone()));
        let pieces: Vec<_> = values.map(|value| form::form_decoded(value.as_bytes())).collect();
        walk.within("url query, joined".to_owned(), |walk| walk_joined(walk, &pieces, Origin::Client));
    }
}

fn pair_name(pair: &str) -> &str {
    pair.split('=').next().unwrap_or("")
}

/// The last segment of a path names a file when it has an extension.
fn note_path_name(walk: &mut Walk<'_>, path: &str) {
    let last = path.rsplit('/').next().unwrap_or("");
    let extension = last.rsplit_once('.').map_or("", |(_, extension)| extension);
    if (1..=8).contains(&extension.len()) && extension.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        walk.file_name(last);
    }
}

fn note_query_names(walk: &mut Walk<'_>, query: &str) {
    for pair in query.split('&') {
        let Some((name, value)) = pair.split_once('=') else { continue };
        if NAME_KEYS.contains(&name.to_ascii_lowercase().as_str()) {
            let value = form::percent_decoded(value.replace('+', " ").as_bytes());
            let value = String::from_utf8_lossy(&value);
            walk.file_name(value.rsplit('/').next().unwrap_or(""));
        }
    }
}

fn walk_header(walk: &mut Walk<'_>, head: &Parts) {
    for (name, value) in &head.headers {
        let name = name.as_str();
        let value = value.as_bytes();
        if walk.is_over() || CREDENTIALS.contains(&name) {
            continue;
        }
        if carries_content(name) || !is_plain(name, value) {
            note_header_names(walk, name, value);
            walk.within(format!("header {name}"), |walk| walk_value(walk, name, value));
        }
        if let Ok(text) = std::str::from_utf8(value) {
            // Where it has a grammar, each word may be the value.
            let words = words_of_base64(text).filter(|word| word.len() < text.len());
            let values = std::iter::once(text).chain(words);
            walk.within(format!("header {name}, decoded"), |walk| walk_disguised(walk, values));
        }
    }
}

fn words_of_base64(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '/' | '-' | '_'));
    let words = words.map(|word| word.trim_matches('/'));
    // A hyphen is a digit of one alphabet, and stands between words of the other.
    words.flat_map(|word| std::iter::once(word).chain(word.split('-').filter(move |part| part.len() < word.len())))
}

/// Values that were spread over fields or cookies.
fn walk_spread(walk: &mut Walk<'_>, head: &Parts) {
    let is_content = |name: &str| !CREDENTIALS.contains(&name) && !NUMERIC.contains(&name);
    let own = head.headers.iter().filter(|(name, _)| is_content(name.as_str()) && carries_content(name.as_str()));
    let pieces: Vec<_> = own.map(|(_, value)| form::percent_decoded(value.as_bytes())).collect();
    walk.within("headers, joined".to_owned(), |walk| walk_joined(walk, &pieces, Origin::Client));
    let lines = head.headers.get_all(http::header::COOKIE).iter();
    let crumbs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let values = crumbs.map(|crumb| match crumb.iter().position(|byte| *byte == b'=') {
        Some(at) => form::percent_decoded(&crumb[at + 1..]),
        None => form::percent_decoded(crumb.trim_ascii()),
    });
    let pieces: Vec<_> = values.collect();
    walk.within("cookies, joined".to_owned(), |walk| walk_joined(walk, &pieces, Origin::Site));
}

fn carries_content(name: &str) -> bool {
    !PLUMBING.contains(&name) && !PLUMBING_STARTS.iter().any(|start| name.starts_with(start))
}

/// Whether a field of fixed grammar holds no more than its grammar allows; nobody checks that, so what does not look
/// like it is content.
fn is_plain(name: &str, value: &[u8]) -> bool {
    if CREDENTIALS.contains(&name) {
        return true;
    }
    let is_short = value.len() <= PLAIN_VALUE_BYTES_MAX;
    if NUMERIC.contains(&name) {
        let is_expected = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:,=*/+ []".contains(byte);
        let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
        let is_worded = letters > NUMERIC_LETTERS_MAX && !DIGESTS.contains(&name);
        return is_short && !is_worded && value.iter().all(is_expected);
    }
    let is_wordy = WORDY.contains(&name) || name.starts_with("accept") || name.starts_with("sec-fetch-");
    let longest = || value.split(|byte| !byte.is_ascii_alphanumeric()).map(<[u8]>::len).max().unwrap_or(0);
    is_short
        && value.iter().filter(|byte| byte.is_ascii_digit()).count() <= PLAIN_VALUE_DIGITS_MAX
        && (!is_wordy || longest() < WORD_BYTES_MAX)
}

/// Inspects values once more with what was done to them undone: escapes of escapes, base 64, 32 and 16. Only what
/// reads as text counts, and only what no other view has shown.
fn walk_disguised<'v>(walk: &mut Walk<'_>, values: impl Iterator<Item = &'v str>) {
    for value in values.filter(|value| value.len() >= ENCODED_CHARS_MIN).take(DECODED_VALUES_MAX) {
        if walk.is_over() {
            return;
        }
        let mut text = form::percent_decoded(value.as_bytes());
        for _ in 1..ESCAPE_ROUNDS_MAX {
            let again = form::percent_decoded(&text);
            if again == text {
                break;
            }
            text = again;
            walk.examine("", Input::Bytes(&text), View::Again);
        }
        for decoded in [hexadecimal(&text), base32(&text), nested::decode_value(&text)].into_iter().flatten() {
            if is_text(&decoded) {
                walk.examine("", Input::Bytes(&decoded), View::Again);
            }
        }
    }
}

fn hexadecimal(text: &[u8]) -> Option<Vec<u8>> {
    HEXLOWER_PERMISSIVE.decode(text.trim_ascii()).ok()
}

fn base32(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.trim_ascii();
    let len = digits.iter().rposition(|byte| *byte != b'=')? + 1;
    BASE32_NOPAD.decode(&digits[..len].to_ascii_uppercase()).ok()
}

/// Whether bytes are text throughout; what random characters decode to is not.
fn is_text(bytes: &[u8]) -> bool {
    let is_printable = |c: char| !c.is_control() || matches!(c, '\t' | '\r' | '\n');
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(is_printable))
}

fn is_signature(name: &str) -> bool {
    SIGNATURE_PARAMETERS.iter().any(|own| name.eq_ignore_ascii_case(own))
}

fn note_header_names(walk: &mut Walk<'_>, name: &str, value: &[u8]) {
    let text = String::from_utf8_lossy(value);
    match name {
        "content-disposition" => {
            for file_name in multipart::file_names(&text) {
                walk.file_name(&file_name);
            }
        }
        "dropbox-api-arg" => {
            let argument: serde_json::Value = serde_json::from_slice(value).unwrap_or_default();
            let path = argument.get("path").or_else(|| argument.pointer("/commit/path"));
            let path = path.and_then(serde_json::Value::as_str).unwrap_or("");
            walk.file_name(path.rsplit('/').next().unwrap_or(""));
        }
        "slug" | "x-file-name" | "x-filename" | "x-bz-file-name" => {
            let decoded = form::percent_decoded(value);
            walk.file_name(String::from_utf8_lossy(&decoded).rsplit('/').next().unwrap_or(""));
        }
        "upload-metadata" => {
            for (key, value) in tus_metadata(&text) {
                if NAME_KEYS.contains(&key.to_ascii_lowercase().as_str()) {
                    walk.file_name(&value);
                }
            }
        }
        _ => {}
    }
}

/// `key base64,key base64` of the tus protocol.
fn tus_metadata(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(',').filter_map(|pair| pair.trim().split_once(' '));
    let decoded = pairs.filter_map(|(key, value)| Some((key.to_owned(), BASE64.decode(value.trim().as_bytes()).ok()?)));
    decoded.map(|(key, value)| (key, String::from_utf8_lossy(&value).into_owned())).collect()
}

/// Inspects one value: tus metadata decoded, the rest by what it looks like, with escapes undone.
fn walk_value(walk: &mut Walk<'_>, name: &str, value: &[u8]) {
    let text = if name == "upload-metadata" {
        let pairs = tus_metadata(&String::from_utf8_lossy(value));
        pairs.iter().map(|(key, value)| format!("{key}: {value}\n")).collect::<String>().into_bytes()
    } else if name == "dropbox-api-arg" {
        value.to_vec()
    } else {
        form::percent_decoded(value)
    };
    walk_entity(walk, &Declared::default(), &mut Cursor::new(text));
}
