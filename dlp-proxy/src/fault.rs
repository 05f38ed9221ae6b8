//! What went wrong before or beside a policy decision, and what the client is told.
//!
//! A fault is no policy refusal: the request was malformed, names a place that is out of reach, or its origin failed.
//! Each has a status, a code for logs and metrics, and one sentence. Browsers get a small page, everybody else text.

use crate::http::head::Violation;
use crate::names::NameError;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

/// Name of the field that carries the code of a fault.
pub(crate) const REASON_HEADER: &str = "x-dlp-reason";

/// Something that ends a request without the origin's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The head or the framing has more than one reading.
    Framing(Violation),
    /// The authority of the target cannot be used.
    BadAuthority(NameError),
    /// A request that only makes sense to an origin server came to the proxy port.
    NotForProxy,
    /// The form of the target does not fit the place.
    BadTarget,
    /// Only http and https are spoken.
    Scheme,
    /// CONNECT inside a tunnel, TRACE.
    Method,
    /// The port is not on the list.
    Port(u16),
    /// The request names another host than its connection.
    Misdirected,
    /// The address belongs to the gateway itself.
    OwnListener,
    /// The address is private, local or reserved.
    PrivateAddress,
    /// A protocol switch that cannot be inspected.
    Upgrade,
    /// Who is it?
    Unauthenticated {
        /// Shown by the client when it asks.
        realm: String,
    },
    /// The name does not resolve.
    Resolve,
    /// No address of the origin accepted a connection.
    Connect,
    /// The origin did not accept or answer in time.
    Timeout,
    /// The handshake with the origin failed.
    Handshake,
    /// The origin's certificate was refused.
    Certificate {
        /// Code.
        reason: &'static str,
        /// Sentence.
        message: &'static str,
    },
    /// The origin broke off or answered nonsense.
    BadAnswer,
    /// The body ended early or its framing broke.
    BodyBroken,
    /// The body stopped coming.
    BodyStalled,
    /// The gateway failed.
    Internal,
}

impl Fault {
    /// Status, code and sentence.
    pub(crate) fn parts(&self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::Framing(violation) => (violation.status, violation.reason, violation.message),
            Self::BadAuthority(_) => (S::BAD_REQUEST, "authority", "The host or port of the target is not well formed."),
            Self::NotForProxy => {
                (S::BAD_REQUEST, "not_for_proxy", "This is a proxy: send absolute http:// targets or CONNECT.")
            }
            Self::BadTarget => (S::BAD_REQUEST, "target_form", "The form of the request target does not fit here."),
            Self::Scheme => (S::BAD_REQUEST, "scheme", "Only http:// targets are taken here; use CONNECT for https."),
            Self::Method => (S::METHOD_NOT_ALLOWED, "method", "This method is not served here."),
            Self::Port(_) => (S::FORBIDDEN, "port", "This port may not be reached through the gateway."),
            Self::Misdirected => {
                (S::MISDIRECTED_REQUEST, "name_mismatch", "The request names another host than its connection.")
            }
            Self::OwnListener => (S::FORBIDDEN, "own_listener", "The gateway does not lead to itself."),
            Self::PrivateAddress => {
                (S::FORBIDDEN, "private_address", "The host has a private or reserved address, which is out of reach.")
            }
            Self::Upgrade => (S::NOT_IMPLEMENTED, "upgrade", "This protocol upgrade cannot be inspected."),
            Self::Unauthenticated { .. } => {
                (S::PROXY_AUTHENTICATION_REQUIRED, "unauthenticated", "The gateway needs to know who you are.")
            }
            Self::Resolve => (S::BAD_GATEWAY, "dns_failure", "The host name could not be resolved."),
            Self::Connect => (S::BAD_GATEWAY, "connect_failed", "The server could not be reached."),
            Self::Timeout => (S::GATEWAY_TIMEOUT, "upstream_timeout", "The server did not answer in time."),
            Self::Handshake => (S::BAD_GATEWAY, "tls_handshake", "No secure connection to the server could be made."),
            Self::Certificate { reason, message } => (S::BAD_GATEWAY, reason, message),
            Self::BadAnswer => (S::BAD_GATEWAY, "bad_answer", "The server broke off or gave no valid answer."),
            Self::BodyBroken => (S::BAD_REQUEST, "body_broken", "The request body is incomplete or malformed."),
            Self::BodyStalled => (S::REQUEST_TIMEOUT, "body_stalled", "The request body stopped coming."),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, "internal", "The gateway could not handle this request."),
        }
    }

    /// The code for logs and metrics.
    pub(crate) fn reason(&self) -> &'static str {
        self.parts().1
    }

    /// Whether what follows on the connection cannot be trusted to be a request.
    fn ends_connection(&self) -> bool {
        matches!(self, Self::Framing(_) | Self::BodyBroken | Self::BodyStalled | Self::Misdirected | Self::Internal)
    }

    /// The answer; `request` are the fields of the request, `contact` whom to ask.
    pub(crate) fn respond(&self, request: &HeaderMap, contact: &str) -> Response<Bytes> {
        let (status, reason, message) = self.parts();
        let (content_type, body) = if wants_page(request) {
            ("text/html; charset=utf-8", page(status, reason, message, contact))
        } else {
            ("text/plain; charset=utf-8", format!("dlp gateway: {message} ({reason})\n"))
        };
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(REASON_HEADER, HeaderValue::from_static(reason));
        if let Self::Unauthenticated { realm } = self {
            let quoted: String = realm.chars().filter(|c| c.is_ascii_graphic() && !"\"\\".contains(*c) || *c == ' ').collect();
            if let Ok(value) = HeaderValue::from_str(&format!("Basic realm=\"{quoted}\", charset=\"UTF-8\"")) {
                headers.insert(header::PROXY_AUTHENTICATE, value);
            }
        }
        if self.ends_connection() {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Whether somebody looks at the answer: a navigation, not a script.
fn wants_page(request: &HeaderMap) -> bool {
    let accept = request.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    accept.starts_with("text/html") && !request.contains_key(header::ORIGIN)
}

/// A page of at least 513 bytes, because browsers replace shorter error pages by their own.
fn page(status: StatusCode, reason: &str, message: &str, contact: &str) -> String {
    let ask = match contact {
        "" => "Ask your administrator if you need this.".to_owned(),
        contact => format!("Questions: {}", escape(contact)),
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{code} - DLP gateway</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <style>body{{font:16px/1.5 system-ui,sans-serif;margin:10vh auto;max-width:40rem;padding:0 1rem;color:#222}}\
         h1{{font-size:1.4rem}}code{{background:#eee;padding:.1rem .3rem}}</style>\n</head>\n<body>\n\
         <h1>The gateway could not complete this request</h1>\n<p>{message}</p>\n\
         <p>Status {code}, reason <code>{reason}</code>.</p>\n<p>{ask}</p>\n\
         <p>This page comes from the data loss prevention gateway of your organisation, not from the site.</p>\n\
         </body>\n</html>\n",
        code = status.as_u16(),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

impl From<NameError> for Fault {
    fn from(error: NameError) -> Self {
        Self::BadAuthority(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_a_page_and_programs_a_line() {
        let mut browser = HeaderMap::new();
        browser.insert(header::ACCEPT, HeaderValue::from_static("text/html,application/xhtml+xml"));
        let answer = Fault::Certificate { reason: "cert_expired", message: "Over." }.respond(&browser, "a<b@example");
        assert_eq!(answer.status(), 502);
        assert!(answer.body().len() > 512);
        let text = String::from_utf8_lossy(answer.body());
        assert!(text.contains("cert_expired") && text.contains("a&lt;b@example") && !text.contains("a<b"));

        let answer = Fault::Resolve.respond(&HeaderMap::new(), "");
        assert_eq!(answer.body().as_ref(), b"dlp gateway: The host name could not be resolved. (dns_failure)\n");
        assert_eq!(answer.headers()[REASON_HEADER], "dns_failure");
        assert!(!answer.headers().contains_key(header::CONNECTION));
    }

    #[test]
    fn the_challenge_cannot_be_broken_out_of() {
        let fault = Fault::Unauthenticated { realm: "a\" b\r\n".into() };
        let answer = fault.respond(&HeaderMap::new(), "");
        assert_eq!(answer.headers()[header::PROXY_AUTHENTICATE], "Basic realm=\"a b\", charset=\"UTF-8\"");
    }
}
