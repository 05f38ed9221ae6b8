//! Refusals in the error formats of destinations, by the name that the catalogue gives, and the general formats.
//!
//! Each row was chosen so that the service's own clients show the message and stop.

use super::refusal::{Detected, Refusal};
use super::shape::{self, Answer};
use super::{AnswerRequest, Language, page};
use http::HeaderName;
use serde_json::{Value, json};

const JSON: &str = "application/json; charset=utf-8";
const XML: &str = "application/xml; charset=utf-8";
/// Longest message in a git packet.
const MESSAGE_BYTES_MAX: usize = 4_000;
const TEXT: &str = "text/plain; charset=utf-8";

/// The answer of a named template; `None` when the refusal names none that is known.
pub(super) fn by_name(refusal: &Refusal, request: &AnswerRequest<'_>, language: Language) -> Option<Answer> {
    let name = refusal.template.as_deref()?;
    let message = message(refusal, language);
    json_of(name, &message, refusal, request, language)
        .map(|(status, body)| Answer::new(status, JSON, body.to_string()))
        .or_else(|| xml_of(name, &message, refusal))
        .or_else(|| other_of(name, request, refusal, language))
}

/// Masked values that are shown for one kind of finding.
const MASKS_MAX: usize = 3;
/// Kinds of findings that are shown in one line.
const KINDS_MAX: usize = 4;

/// A line for people: what was decided, and what was found, masked.
fn message(refusal: &Refusal, language: Language) -> String {
    let mut message = decision(refusal, language);
    if !refusal.findings.is_empty() {
        let found: Vec<String> = refusal.findings.iter().take(KINDS_MAX).map(|found| shown(found, language)).collect();
        let more = if refusal.findings.len() > KINDS_MAX { ", \u{2026}" } else { "" };
        message.push_str(&format!(" {}: {}{more}.", language.words().found_heading, found.join(", ")));
    }
    message
}

/// How often something was found, and some of it, masked.
fn shown(found: &Detected, language: Language) -> String {
    let times = language.words().times.replace("{}", &found.count.to_string());
    match found.masked.len() {
        0 => format!("{times} {}", found.title),
        _ => format!("{times} {} ({})", found.title, masks(found).join(", ")),
    }
}

fn masks(found: &Detected) -> &[String] {
    &found.masked[..found.masked.len().min(MASKS_MAX)]
}

/// One sentence for people, without anything that was found.
fn decision(refusal: &Refusal, language: Language) -> String {
    let sentence = language.words().message;
    let mut message = sentence.replace("{incident}", &refusal.incident_id).replace("{rule}", &refusal.rule_title);
    if let Some(url) = &refusal.release_url {
        message = format!("{message} {url}");
    }
    message
}

fn json_of(
    name: &str,
    message: &str,
    refusal: &Refusal,
    request: &AnswerRequest<'_>,
    language: Language,
) -> Option<(u16, Value)> {
    let (incident, time) = (&refusal.incident_id, &refusal.time);
    let body = match name {
        "dropbox-409" => return Some((409, dropbox(message, request, language))),
        "graph-403" => json!({ "error": { "code": "accessDenied", "message": message,
            "innerError": { "request-id": incident, "date": time } } }),
        "sharepoint-403" => json!({ "error": { "code": "-2147024891, System.UnauthorizedAccessException",
            "message": { "lang": "en-US", "value": message } } }),
        "google-403" | "gemini" => json!({ "error": { "code": 403, "message": message, "status": "PERMISSION_DENIED",
            "errors": [{ "domain": "global", "reason": "forbidden", "message": message }] } }),
        "box-403" => json!({ "type": "error", "status": 403, "code": "forbidden_by_policy", "message": message,
            "request_id": incident }),
        "b2-403" => json!({ "status": 403, "code": "access_denied", "message": message }),
        "yandex-403" => json!({ "error": "ForbiddenError", "message": message, "description": message }),
        "discord-403" => json!({ "message": message, "code": 50013 }),
        "telegram-403" => json!({ "ok": false, "error_code": 403, "description": format!("Forbidden: {message}") }),
        "github-403" => json!({ "message": message, "documentation_url": refusal.release_url }),
        "openai" => json!({ "error": { "message": message, "type": "invalid_request_error", "param": null,
            "code": "policy_violation" } }),
        "anthropic" => json!({ "type": "error", "error": { "type": "permission_error", "message": message } }),
        "connect" => json!({ "code": "permission_denied", "message": message }),
        "owa" => json!({ "error": { "code": "ErrorAccessDenied", "message": message } }),
        // These services report errors of their interface with status 200.
        "pcloud" => return Some((200, json!({ "result": 2003, "error": message }))),
        "slack" => return Some((200, json!({ "ok": false, "error": "restricted_action", "detail": message }))),
        _ => return None,
    };
    Some((403, body))
}

/// The call that ends an upload session wraps the path error once more.
fn dropbox(message: &str, request: &AnswerRequest<'_>, language: Language) -> Value {
    let reason = json!({ ".tag": "disallowed_name" });
    let error = if request.path.ends_with("/upload_session/finish") {
        json!({ ".tag": "path", "path": reason })
    } else {
        json!({ ".tag": "path", "reason": reason })
    };
    json!({ "error_summary": "path/disallowed_name/..", "error": error,
        "user_message": { "locale": language.tag(), "text": message } })
}

fn xml_of(name: &str, message: &str, refusal: &Refusal) -> Option<Answer> {
    let (message, incident) = (shape::escaped(message), shape::escaped(&refusal.incident_id));
    let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    let answer = match name {
        "s3-403" => {
            let body = format!(
                "{declaration}<Error><Code>AccessDenied</Code><Message>{message}</Message><RequestId>{incident}</RequestId><HostId>{incident}</HostId></Error>"
            );
            Answer::new(403, XML, body).with(HeaderName::from_static("x-amz-request-id"), &refusal.incident_id)
        }
        "azure-403" => {
            let body =
                format!("{declaration}<Error><Code>AuthorizationFailure</Code><Message>{message}</Message></Error>");
            Answer::new(403, XML, body).with(HeaderName::from_static("x-ms-error-code"), "AuthorizationFailure")
        }
        "dav-403" => {
            let body = format!(
                "{declaration}<d:error xmlns:d=\"DAV:\" xmlns:s=\"http://sabredav.org/ns\"><s:exception>Sabre\\DAV\\Exception\\Forbidden</s:exception><s:message>{message}</s:message></d:error>"
            );
            Answer::new(403, XML, body)
        }
        _ => return None,
    };
    Some(answer)
}

fn other_of(name: &str, request: &AnswerRequest<'_>, refusal: &Refusal, language: Language) -> Option<Answer> {
    let answer = match name {
        "tus-403" => text(refusal, language).with(HeaderName::from_static("tus-resumable"), "1.0.0"),
        "git-err" if request.path.ends_with("/info/refs") => git(&message(refusal, language)),
        "git-err" => text(refusal, language),
        "grpc" => grpc(&message(refusal, language)),
        "problem" => problem(refusal, language),
        "html" => Answer::html(403, page::refusal(refusal, language)),
        _ => return None,
    };
    Some(answer)
}

/// An advertisement that consists of an error packet; git prints its text and stops.
fn git(message: &str) -> Answer {
    let service = "# service=git-receive-pack\n";
    // A packet holds 65,516 bytes; a message is never near that, but its length must fit four digits.
    let shown = message.floor_char_boundary(MESSAGE_BYTES_MAX);
    let error = format!("ERR {}", &message[..shown]);
    let packet = |text: &str| format!("{:04x}{text}", text.len() + 4);
    let body = format!("{}0000{}", packet(service), packet(&error));
    Answer::new(200, "application/x-git-receive-pack-advertisement", body)
}

/// Whether git sends objects. It shows nothing of an answer that is not its own.
pub(super) fn is_push(request: &AnswerRequest<'_>) -> bool {
    request.field("content-type").trim() == "application/x-git-receive-pack-request"
}

/// The result of a push that was not taken (gitprotocol-pack): lines that git shows as `remote:`, and in the other band
/// the report that nothing was unpacked.
pub(super) fn git_push(refusal: &Refusal, language: Language) -> Answer {
    let packet = |text: &str| format!("{:04x}{text}", text.len() + 4);
    let mut body = String::new();
    for line in lines(refusal, language) {
        let shown = &line[..line.floor_char_boundary(MESSAGE_BYTES_MAX)];
        body.push_str(&packet(&format!("\u{2}{shown}\n")));
    }
    let report = format!("{}0000", packet("unpack refused by policy\n"));
    body.push_str(&packet(&format!("\u{1}{report}")));
    body.push_str("0000");
    Answer::new(200, "application/x-git-receive-pack-result", body)
}

/// A response without messages whose header carries the status: 7 is `PERMISSION_DENIED`.
fn grpc(message: &str) -> Answer {
    let mut encoded = String::new();
    for byte in message.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    Answer::new(200, "application/grpc", String::new())
        .with(HeaderName::from_static("grpc-status"), "7")
        .with(HeaderName::from_static("grpc-message"), &encoded)
}

/// Problem details for HTTP interfaces, RFC 9457.
pub(super) fn problem(refusal: &Refusal, language: Language) -> Answer {
    let mut body = json!({
        "type": "about:blank",
        "title": language.words().blocked_title,
        "status": 403,
        "detail": decision(refusal, language),
        "instance": format!("urn:incident:{}", refusal.incident_id),
        "incident": refusal.incident_id,
        "rule": refusal.rule_title,
        "findings": refusal.findings.iter().map(finding).collect::<Vec<_>>(),
        "contact": refusal.contact,
    });
    if let Some(url) = &refusal.release_url {
        body["release"] = json!(url);
    }
    Answer::new(403, "application/problem+json", body.to_string())
}

fn finding(found: &Detected) -> Value {
    json!({ "title": found.title, "count": found.count, "masked": masks(found) })
}

/// An error document for clients that read XML.
pub(super) fn xml(refusal: &Refusal, language: Language) -> Answer {
    let field = |name: &str, text: &str| format!("<{name}>{}</{name}>", shape::escaped(text));
    let fields = [
        field("Code", "AccessDenied"),
        field("Message", &message(refusal, language)),
        field("Incident", &refusal.incident_id),
        field("Contact", &refusal.contact),
    ];
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>{}</Error>\n", fields.concat());
    Answer::new(403, XML, body)
}

/// Lines for terminals.
pub(super) fn text(refusal: &Refusal, language: Language) -> Answer {
    let body: String = lines(refusal, language).iter().map(|line| format!("{line}\n")).collect();
    Answer::new(403, TEXT, body)
}

/// What was decided, what was found, masked, and whom to ask; no line has characters that a terminal would obey.
fn lines(refusal: &Refusal, language: Language) -> Vec<String> {
    let words = language.words();
    let mut lines = vec![decision(refusal, language)];
    lines.extend(refusal.findings.iter().map(|found| format!("  {}", shown(found, language))));
    if !refusal.contact.is_empty() {
        lines.push(words.ask.replace("{}", &refusal.contact));
    }
    lines.iter().map(|line| printable(line)).collect()
}

/// A line without control characters, which terminals would obey.
fn printable(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
