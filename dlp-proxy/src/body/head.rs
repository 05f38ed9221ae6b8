//! Content in the head of a request: file names, arguments in header fields, the path and the query of the URL.
//!
//! Header fields that carry the sender's credentials for the destination, or that describe the connection, are left
//! out: a token on its way to the service that issued it is no leak.

use super::entity::{Declared, walk_entity};
use super::fields;
use super::walk::{View, Walk};
use super::{BodyReport, BodySetup, form, multipart};
use data_encoding::BASE64;
use dlp_core::content::{Input, Observer};
use http::request::Parts;
use std::io::Cursor;

/// Fields that carry content although their names do not start with `x-`.
const CONTENT_FIELDS: [&str; 8] = [
    "content-disposition",
    "content-description",
    "dropbox-api-arg",
    "slug",
    "upload-metadata",
    "destination",
    "subject",
    "title",
];

/// Starts of fields in which a sender stores text of its own, whatever the rest of the name is.
const METADATA_STARTS: [&str; 4] = ["x-amz-meta-", "x-ms-meta-", "x-goog-meta-", "x-bz-info-"];

/// Words in names of fields and query parameters that mark credentials and signatures.
const CREDENTIAL_WORDS: [&str; 17] = [
    "token",
    "auth",
    "authorization",
    "signature",
    "sig",
    "credential",
    "credentials",
    "key",
    "apikey",
    "secret",
    "session",
    "sessionid",
    "sid",
    "csrf",
    "xsrf",
    "cookie",
    "csrftoken",
];

/// Fields of that form that describe the request and carry nothing of its sender.
const PLUMBING: [&str; 10] = [
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-trailer",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-requested-with",
    "x-request-id",
    "x-client-data",
];

/// Query parameters and JSON members that name a file.
const NAME_KEYS: [&str; 5] = ["name", "filename", "file_name", "title", "path"];

/// Inspects what a request head carries besides its body, and collects file names.
pub fn inspect_head(head: &Parts, mut setup: BodySetup<'_>, observer: &mut dyn Observer) -> BodyReport {
    let mut walk = Walk::new(setup.reborrowed(), observer);
    walk_url(&mut walk, head);
    walk_header(&mut walk, head);
    walk.finish()
}

fn walk_url(walk: &mut Walk<'_>, head: &Parts) {
    let path = form::percent_decoded(head.uri.path().as_bytes());
    let path = String::from_utf8_lossy(&path).into_owned();
    note_path_name(walk, &path);
    if path.len() > 1 {
        walk.within("url path".to_owned(), |walk| walk.examine("", Input::Bytes(path.as_bytes()), View::Plain));
    }
    if let Some(query) = head.uri.query() {
        let kept: Vec<&str> = query.split('&').filter(|pair| !is_credential_name(pair_name(pair))).collect();
        let kept = kept.join("&");
        note_query_names(walk, &kept);
        walk.within("url query".to_owned(), |walk| {
            let _ = fields::walk_fields(walk, &mut Cursor::new(kept.as_bytes()), form::open);
        });
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
        if walk.is_over() || !carries_content(name) {
            continue;
        }
        let value = value.as_bytes();
        note_header_names(walk, name, value);
        walk.within(format!("header {name}"), |walk| walk_value(walk, name, value));
    }
}

fn carries_content(name: &str) -> bool {
    let is_metadata = METADATA_STARTS.iter().any(|start| name.starts_with(start));
    let is_free = name.starts_with("x-") && !PLUMBING.contains(&name) && !is_credential_name(name);
    is_metadata || is_free || CONTENT_FIELDS.contains(&name)
}

/// Whether one of the words of a name, as in `X-Api-Key`, `access_token` or `sessionId`, marks a credential.
fn is_credential_name(name: &str) -> bool {
    words(name).iter().any(|word| CREDENTIAL_WORDS.contains(&word.as_str()))
}

/// Splits a name at what is no letter or digit, and where a capital follows a small letter.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for character in name.chars() {
        let is_start = !character.is_ascii_alphanumeric() || was_small && character.is_ascii_uppercase();
        if is_start {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| character.is_ascii_alphanumeric()) {
            word.push(character.to_ascii_lowercase());
        }
        was_small = character.is_ascii_lowercase();
    }
    words
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_told_by_the_words_of_a_name() {
        let rows = [
            ("access_token", true),
            ("X-Amz-Signature", true),
            ("sessionId", true),
            ("x-api-key", true),
            ("key", true),
            ("author", false),
            ("tokenize", false),
            ("keyword", false),
            ("q", false),
            ("", false),
        ];
        for (name, expected) in rows {
            assert_eq!(is_credential_name(name), expected, "{name}");
        }
        assert!(carries_content("x-amz-meta-secret-note"));
        assert!(!carries_content("x-auth-token") && !carries_content("authorization"));
    }
}
