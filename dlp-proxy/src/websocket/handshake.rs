//! The switch from HTTP/1.1 to WebSocket: what a client may ask for, and whether the origin has agreed to it.
//!
//! Of the extensions only `permessage-deflate` (RFC 7692) is passed on, with the parameters that are known. The origin
//! has to prove that it has understood the handshake, or nothing of the connection is switched.

use data_encoding::BASE64;
use http::header::{
    CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use ring::digest;

/// Joined to the key before it is hashed (RFC 6455 1.3).
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The one extension that can be read.
const DEFLATE: &str = "permessage-deflate";
/// Bytes of a key.
const KEY_BYTES: usize = 16;

/// How messages are compressed, if the two sides agreed on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deflate {
    /// Whether a message of the client may refer to the one before.
    pub(crate) client_keeps_context: bool,
    /// Whether one of the origin may.
    pub(crate) server_keeps_context: bool,
}

/// Whether a request wants to switch to WebSocket.
pub(crate) fn is_wished(headers: &HeaderMap) -> bool {
    let mut wishes = headers.get_all(UPGRADE).iter();
    wishes.next().is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket")) && wishes.next().is_none()
}

/// Whether the wish is one that can be granted (RFC 6455 4.2.1): everything that both sides look at is there once.
pub(crate) fn is_proper(parts: &Parts) -> bool {
    let headers = &parts.headers;
    let key = only(headers, &SEC_WEBSOCKET_KEY).and_then(|key| BASE64.decode(key.as_bytes()).ok());
    parts.version == Version::HTTP_11
        && parts.method == Method::GET
        && is_wished(headers)
        && has_token(headers, &CONNECTION, "upgrade")
        && only(headers, &SEC_WEBSOCKET_VERSION) == Some("13")
        && key.is_some_and(|key| key.len() == KEY_BYTES)
        && !headers.contains_key(TRANSFER_ENCODING)
        && headers.get(CONTENT_LENGTH).is_none_or(|length| length == "0")
}

/// Sets the fields that switch, which concern one connection and were taken away with those that do. Extensions that
/// nobody here can read are left out.
pub(crate) fn ask(received: &HeaderMap, passed_on: &mut HeaderMap) {
    passed_on.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    passed_on.insert(UPGRADE, HeaderValue::from_static("websocket"));
    passed_on.remove(SEC_WEBSOCKET_EXTENSIONS);
    let offers: Vec<String> =
        extensions(received).into_iter().filter(|offer| offer.deflate().is_some()).map(|o| o.0).collect();
    if let Ok(offers) = HeaderValue::try_from(offers.join(", "))
        && !offers.is_empty()
    {
        passed_on.insert(SEC_WEBSOCKET_EXTENSIONS, offers);
    }
}

/// What an origin has agreed to; none when its answer is not the one to this request.
pub(crate) fn agreed(asked: &HeaderMap, answer: &HeaderMap) -> Option<Option<Deflate>> {
    let key = only(asked, &SEC_WEBSOCKET_KEY)?;
    let is_proven = only(answer, &SEC_WEBSOCKET_ACCEPT) == Some(proof(key).as_str());
    if !is_proven || !is_wished(answer) || !has_token(answer, &CONNECTION, "upgrade") {
        return None;
    }
    match extensions(answer).as_slice() {
        [] => Some(None),
        [chosen] if !extensions(asked).is_empty() => chosen.deflate().map(Some),
        _ => None,
    }
}

/// The fields of the answer that switch, to be set anew.
pub(crate) fn confirm(answer: &mut HeaderMap) {
    answer.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    answer.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// What proves that a key was read (RFC 6455 4.2.2).
fn proof(key: &str) -> String {
    let joined = format!("{key}{MAGIC}");
    BASE64.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, joined.as_bytes()).as_ref())
}

/// The value of a field that stands once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut lines = headers.get_all(name).iter();
    let first = lines.next()?.to_str().ok()?;
    lines.next().is_none().then_some(first.trim())
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|word| word.trim().eq_ignore_ascii_case(token))
}

/// One element of the list of extensions.
struct Extension(String);

fn extensions(headers: &HeaderMap) -> Vec<Extension> {
    let lines = headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter();
    // A value that is no text makes an extension that nobody knows.
    let texts = lines.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned());
    let elements = texts.flat_map(|text| text.split(',').map(|element| element.trim().to_owned()).collect::<Vec<_>>());
    elements.filter(|element| !element.is_empty()).map(Extension).collect()
}

impl Extension {
    /// The terms of compression, if it is that and all its parameters are known.
    fn deflate(&self) -> Option<Deflate> {
        let mut words = self.0.split(';').map(str::trim);
        if !words.next()?.eq_ignore_ascii_case(DEFLATE) {
            return None;
        }
        let mut deflate = Deflate { client_keeps_context: true, server_keeps_context: true };
        for word in words {
            let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            let is_window = value.is_none_or(|bits| matches!(bits.trim_matches('"').parse(), Ok(8..=15u8)));
            match name.to_ascii_lowercase().as_str() {
                "client_no_context_takeover" if value.is_none() => deflate.client_keeps_context = false,
                "server_no_context_takeover" if value.is_none() => deflate.server_keeps_context = false,
                "client_max_window_bits" | "server_max_window_bits" if is_window => {}
                _ => return None,
            }
        }
        Some(deflate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    fn headers(fields: &[(&str, &str)]) -> HeaderMap {
        fields.iter().fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
            headers
        })
    }

    #[test]
    fn the_proof_is_that_of_the_standard() {
        assert_eq!(proof(KEY), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_switch_needs_everything_once() {
        let base = [
            ("upgrade", "WebSocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", KEY),
        ];
        let check = |method: &str, version, change: &[(&str, &str)], expected| {
            let kept = base.iter().filter(|(name, _)| !change.iter().any(|(other, _)| other == name));
            let fields: Vec<_> = kept.chain(change.iter().filter(|(_, value)| !value.is_empty())).copied().collect();
            let mut request = Request::builder().method(method).version(version).body(()).unwrap();
            *request.headers_mut() = headers(&fields);
            assert_eq!(is_proper(&request.into_parts().0), expected, "{method} {change:?}");
        };
        check("GET", Version::HTTP_11, &[], true);
        check("GET", Version::HTTP_11, &[("content-length", "0")], true);
        check("POST", Version::HTTP_11, &[], false);
        check("GET", Version::HTTP_10, &[], false);
        check("GET", Version::HTTP_2, &[], false);
        for change in [
            [("upgrade", "h2c"), ("x", "")],
            [("upgrade", "websocket"), ("upgrade", "h2c")],
            [("connection", "keep-alive"), ("x", "")],
            [("sec-websocket-version", "8"), ("x", "")],
            [("sec-websocket-version", "13"), ("sec-websocket-version", "13")],
            [("sec-websocket-key", "c2hvcnQ="), ("x", "")],
            [("sec-websocket-key", KEY), ("sec-websocket-key", KEY)],
            [("sec-websocket-key", ""), ("x", "")],
            [("content-length", "3"), ("x", "")],
            [("transfer-encoding", "chunked"), ("x", "")],
        ] {
            check("GET", Version::HTTP_11, &change, false);
        }
    }

    #[test]
    fn only_compression_is_negotiated() {
        let rows: [(&[&str], Option<&str>); 6] = [
            (&["permessage-deflate; client_max_window_bits"], Some("permessage-deflate; client_max_window_bits")),
            (
                &["x-mux, permessage-deflate;server_max_window_bits=\"10\" , permessage-deflate"],
                Some("permessage-deflate;server_max_window_bits=\"10\", permessage-deflate"),
            ),
            (&["permessage-deflate; new_parameter", "permessage-bzip2"], None),
            (&["permessage-deflate; client_max_window_bits=7"], None),
            (&["permessage-deflate; client_max_window_bits=+9"], Some("permessage-deflate; client_max_window_bits=+9")),
            (&[], None),
        ];
        for (offers, expected) in rows {
            let fields: Vec<_> = offers.iter().map(|offer| ("sec-websocket-extensions", *offer)).collect();
            let received = headers(&fields);
            let mut passed_on = received.clone();
            ask(&received, &mut passed_on);
            let got = passed_on.get(SEC_WEBSOCKET_EXTENSIONS).map(|value| value.to_str().unwrap());
            assert_eq!(got, expected, "{offers:?}");
        }
    }

    #[test]
    fn an_origin_has_to_have_understood() {
        let accept = proof(KEY);
        let keeps = |client_keeps_context, server_keeps_context| {
            Some(Some(Deflate { client_keeps_context, server_keeps_context }))
        };
        let offer = "permessage-deflate";
        let check = |offer: &str, change: &[(&str, &str)], expected| {
            let base = [("upgrade", "websocket"), ("connection", "Upgrade"), ("sec-websocket-accept", accept.as_str())];
            let kept = base.iter().filter(|(name, _)| !change.iter().any(|(other, _)| other == name));
            let fields: Vec<_> = kept.chain(change.iter().filter(|(_, value)| !value.is_empty())).copied().collect();
            let mut asked = headers(&[("sec-websocket-key", KEY)]);
            if !offer.is_empty() {
                asked.insert(SEC_WEBSOCKET_EXTENSIONS, offer.parse().unwrap());
            }
            assert_eq!(agreed(&asked, &headers(&fields)), expected, "{offer} {change:?}");
        };
        let with = "sec-websocket-extensions";
        check("", &[], Some(None));
        check(offer, &[], Some(None));
        check(offer, &[(with, "permessage-deflate")], keeps(true, true));
        check(
            offer,
            &[(with, "permessage-deflate; client_no_context_takeover; server_max_window_bits=9")],
            keeps(false, true),
        );
        check(offer, &[(with, "permessage-deflate; server_no_context_takeover")], keeps(true, false));
        check("", &[(with, "permessage-deflate")], None);
        check(offer, &[(with, "x-mux")], None);
        check(offer, &[(with, "permessage-deflate, x-mux")], None);
        check(offer, &[("sec-websocket-accept", "AAAA")], None);
        check(offer, &[("upgrade", "")], None);
        check(offer, &[("connection", "close")], None);
    }
}
