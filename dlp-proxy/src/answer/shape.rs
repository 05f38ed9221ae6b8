//! The shape of an answer, and the header fields that all answers carry.

use super::AnswerRequest;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_LENGTH,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};

/// Pages load nothing and run nothing; their style stands in them.
const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Pages with a form. A sandbox keeps scripts of the site, which has the same name, from reading and sending it. Where the
/// answer to the form leads is the site's business, and browsers would hold `form-action` against it.
const FORM_POLICY: &str =
    "sandbox allow-forms; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

/// What kind of text the client can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Html,
    Json,
    Xml,
    Text,
}

/// Chooses a shape by what the request says of its sender.
pub(super) fn choose(request: &AnswerRequest<'_>) -> Shape {
    let accept = request.field("accept").to_ascii_lowercase();
    if is_navigation(request, &accept) {
        return Shape::Html;
    }
    let sent = request.field("content-type").to_ascii_lowercase();
    let speaks = |word: &str| accept.contains(word) || sent.contains(word);
    let is_script = request.origin().is_some() || !request.field("sec-fetch-mode").is_empty();
    if speaks("json") || is_script && !accept.contains("xml") {
        Shape::Json
    } else if speaks("/xml") || speaks("+xml") {
        Shape::Xml
    } else {
        Shape::Text
    }
}

/// Whether a person looks at the answer.
fn is_navigation(request: &AnswerRequest<'_>, accept: &str) -> bool {
    match request.field("sec-fetch-dest") {
        "document" | "iframe" | "frame" => true,
        // Browsers leave the field out where the page came without TLS. A form that uploads sends `Origin` like a
        // script, but asks for the media types of a page, of which no script names the second.
        "" => {
            accept.trim_start().starts_with("text/html")
                && (request.origin().is_none() || accept.contains("application/xhtml+xml"))
        }
        _ => false,
    }
}

/// A response before the common fields.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: String,
    pub(super) fields: Vec<(HeaderName, String)>,
}

impl Answer {
    pub(super) fn new(status: u16, content_type: &'static str, body: String) -> Self {
        Self { status, content_type, body, fields: Vec::new() }
    }

    pub(super) fn html(status: u16, body: String) -> Self {
        Self::page(status, body, PAGE_POLICY)
    }

    /// A page with a form.
    pub(super) fn form(status: u16, body: String) -> Self {
        Self::page(status, body, FORM_POLICY)
    }

    fn page(status: u16, body: String, policy: &str) -> Self {
        Self::new(status, "text/html; charset=utf-8", body)
            .with(CONTENT_SECURITY_POLICY, policy)
            .with(REFERRER_POLICY, "no-referrer")
            .with(X_FRAME_OPTIONS, "DENY")
    }

    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.fields.push((name, value.to_owned()));
        self
    }

    /// The complete response.
    pub(super) fn into_response(self, request: &AnswerRequest<'_>) -> Response<Bytes> {
        let body = Bytes::from(self.body);
        let length = HeaderValue::from(body.len());
        let mut response = Response::new(if request.method == Method::HEAD { Bytes::new() } else { body });
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::FORBIDDEN);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(CONTENT_LENGTH, length);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        for (name, value) in self.fields {
            // A value that cannot stand in a header is left out rather than spoiling the answer.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.append(name, value);
            }
        }
        if let Some(origin) = request.origin() {
            // Without these fields a browser hides status and body from the page's script.
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            headers.insert(VARY, HeaderValue::from_static("Origin"));
        }
        response
    }
}

/// Text for HTML and XML, in content and in quoted attributes. Control characters that XML forbids are replaced.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' => out.push(character),
            _ if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            // Marks that turn the reading direction could make a name look like another.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    #[test]
    fn the_shape_follows_the_sender() {
        let rows: [(&[(&str, &str)], Shape); 12] = [
            (&[("sec-fetch-dest", "document"), ("accept", "text/html,*/*")], Shape::Html),
            (&[("sec-fetch-dest", "document"), ("origin", "https://a.example")], Shape::Html),
            (&[("accept", "text/html,application/xhtml+xml,application/xml;q=0.9")], Shape::Html),
            (&[("accept", "text/html"), ("origin", "https://a.example")], Shape::Json),
            (&[("accept", "text/html,application/xhtml+xml,*/*;q=0.8"), ("origin", "http://a.example")], Shape::Html),
            (&[("sec-fetch-dest", "empty"), ("sec-fetch-mode", "cors"), ("accept", "*/*")], Shape::Json),
            (&[("accept", "application/json, text/plain")], Shape::Json),
            (&[("content-type", "application/json; charset=utf-8"), ("accept", "*/*")], Shape::Json),
            (&[("content-type", "application/vnd.api+json")], Shape::Json),
            (&[("accept", "application/xml")], Shape::Xml),
            (&[("accept", "*/*"), ("user-agent", "curl/8")], Shape::Text),
            (&[], Shape::Text),
        ];
        for (fields, expected) in rows {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            let request = AnswerRequest { method: &Method::POST, path: "/", headers: &headers };
            assert_eq!(choose(&request), expected, "{fields:?}");
        }
    }

    #[test]
    fn markup_in_values_stays_text() {
        assert_eq!(escaped("<b>\"a\" & 'b'\u{0}\u{202e}"), "&lt;b&gt;&quot;a&quot; &amp; &#39;b&#39;\u{fffd}\u{fffd}");
    }
}
