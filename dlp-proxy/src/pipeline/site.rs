//! Which origin a request is for, from its target and the place where it arrived.
//!
//! Policy, certificate and connection must mean the same host. So inside a tunnel the `Host` field has to repeat the
//! name for which the tunnel was opened, and everything else is misdirected. A target with an authority would overrule the
//! field (RFC 9112 3.2.2); where the two name two hosts, the request is refused, because nobody honest sends it.

use crate::fault::Fault;
use crate::http::head;
use crate::names::Authority;
use crate::upstream::Route;
use crate::websocket::handshake;
use http::header::{HOST, UPGRADE};
use http::request::Parts;
use http::{Method, uri};
use hyper::ext::Protocol;

/// Where a request arrived.
#[derive(Debug)]
pub(crate) enum Place {
    /// On the proxy port itself.
    Proxy,
    /// Inside a tunnel to this origin.
    Tunnel {
        /// The origin.
        authority: Authority,
        /// Whether the tunnel carries TLS.
        is_tls: bool,
        /// Its checked addresses; none when its host is refused anyway.
        route: Option<Route>,
    },
}

/// The origin of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// Host and port.
    pub(crate) authority: Authority,
    /// Whether the origin speaks TLS.
    pub(crate) is_tls: bool,
    /// Path and query.
    pub(crate) target: String,
}

impl Site {
    /// Finds the origin, or says why the request is for none.
    pub(crate) fn of(place: &Place, parts: &Parts) -> Result<Self, Fault> {
        if parts.method == Method::CONNECT && parts.extensions.get::<Protocol>().is_some() {
            return Err(Fault::Upgrade);
        }
        if parts.method == Method::TRACE || parts.method == Method::CONNECT {
            return Err(Fault::Method);
        }
        refuse_upgrade(parts)?;
        match place {
            Place::Proxy => Self::of_proxy_request(parts),
            Place::Tunnel { authority, is_tls, .. } => Self::of_tunnel_request(authority, *is_tls, parts),
        }
    }

    fn of_proxy_request(parts: &Parts) -> Result<Self, Fault> {
        let (Some(scheme), Some(authority)) = (parts.uri.scheme(), parts.uri.authority()) else {
            return Err(Fault::NotForProxy);
        };
        if *scheme != uri::Scheme::HTTP {
            return Err(Fault::Scheme);
        }
        let authority = Authority::parse(authority.as_str(), Some(80))?;
        let is_own = |text: &str| Authority::parse(text, Some(80)).is_ok_and(|named| named == authority);
        // One that is empty says nothing.
        if host_of(parts).is_some_and(|host| !host.is_empty() && !is_own(host)) {
            return Err(Fault::Framing(head::HOST_DIFFERS));
        }
        Ok(Self { authority, is_tls: false, target: target_of(parts)? })
    }

    fn of_tunnel_request(own: &Authority, is_tls: bool, parts: &Parts) -> Result<Self, Fault> {
        let (scheme, default_port) = if is_tls { (uri::Scheme::HTTPS, 443) } else { (uri::Scheme::HTTP, 80) };
        let is_own = |text: &str| Authority::parse(text, Some(default_port)).is_ok_and(|named| named == *own);
        if parts.uri.scheme().is_some_and(|named| *named != scheme) {
            return Err(Fault::Misdirected);
        }
        if parts.uri.authority().is_some_and(|named| !is_own(named.as_str())) {
            return Err(Fault::Misdirected);
        }
        let is_said_before = parts.uri.authority().is_some();
        let may_be = |host: &str| is_own(host) || host.is_empty() && is_said_before;
        if host_of(parts).is_some_and(|host| !may_be(host)) {
            return Err(Fault::Misdirected);
        }
        Ok(Self { authority: own.clone(), is_tls, target: target_of(parts)? })
    }

    /// The value of `Host`, for requests whose own has to be replaced.
    pub(crate) fn host_field(&self) -> String {
        let default_port = if self.is_tls { 443 } else { 80 };
        if self.authority.port == default_port { self.authority.host.to_string() } else { self.authority.to_string() }
    }
}

/// What the `Host` field says; something that no host is called where it is no text.
fn host_of(parts: &Parts) -> Option<&str> {
    parts.headers.get(HOST).map(|value| value.to_str().unwrap_or("*"))
}

/// Path and query, or `*` for OPTIONS.
fn target_of(parts: &Parts) -> Result<String, Fault> {
    match parts.uri.path_and_query().map(uri::PathAndQuery::as_str) {
        Some("*") if parts.method != Method::OPTIONS => Err(Fault::BadTarget),
        Some(target) if target.starts_with('/') || target == "*" => Ok(target.to_owned()),
        Some(target) if target.starts_with('?') => Ok(format!("/{target}")),
        None | Some("") => Ok("/".to_owned()),
        Some(_) => Err(Fault::BadTarget),
    }
}

/// Protocols that nobody here can read are not switched to. An offer of HTTP/2 without TLS is no wish: clients go on
/// without it when it is left out.
fn refuse_upgrade(parts: &Parts) -> Result<(), Fault> {
    if handshake::is_wished(&parts.headers) {
        return if handshake::is_proper(parts) { Ok(()) } else { Err(Fault::Upgrade) };
    }
    let wishes = parts.headers.get_all(UPGRADE).iter();
    let is_unknown = |value: &http::HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"h2c");
    if wishes.into_iter().any(is_unknown) { Err(Fault::Upgrade) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn parts(method: &str, uri: &str, host: &str) -> Parts {
        let request = Request::builder().method(method).uri(uri).header(HOST, host);
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_proxy_port_takes_absolute_http_targets() {
        let rows = [
            ("GET", "http://A.example/x?y", Ok("a.example:80 /x?y")),
            ("GET", "http://a.example:81", Ok("a.example:81 /")),
            ("GET", "http://[::1]:81/", Ok("[::1]:81 /")),
            ("GET", "/metrics", Err("not_for_proxy")),
            ("OPTIONS", "*", Err("not_for_proxy")),
            ("GET", "https://a.example/", Err("scheme")),
            ("GET", "ftp://a.example/", Err("scheme")),
            ("GET", "http://u:p@a.example/", Err("authority")),
            ("GET", "http://2130706433/", Err("authority")),
            ("GET", "http://a.example:0/", Err("authority")),
            ("TRACE", "http://a.example/", Err("method")),
        ];
        for (method, uri, expected) in rows {
            let host = if uri.contains("://[") { "[::1]:81" } else { "" };
            let got = Site::of(&Place::Proxy, &parts(method, uri, host));
            let got = got.map(|site| format!("{} {}", site.authority, site.target)).map_err(|fault| fault.reason());
            assert_eq!(got.as_deref().map_err(|reason| *reason), expected, "{method} {uri}");
        }
    }

    #[test]
    fn a_request_that_names_two_hosts_is_refused() {
        let rows = [
            ("http://a.example/", "A.example.:80", Ok(())),
            ("http://a.example:81/", "a.example:81", Ok(())),
            ("http://a.example/", "", Ok(())),
            ("http://a.example/", "b.example", Err("host_differs")),
            ("http://a.example:81/", "a.example", Err("host_differs")),
            ("http://a.example/", "a.example:443", Err("host_differs")),
        ];
        for (uri, host, expected) in rows {
            let got = Site::of(&Place::Proxy, &parts("GET", uri, host));
            assert_eq!(got.map(drop).map_err(|fault| fault.reason()), expected, "{uri} {host}");
        }
    }

    #[test]
    fn a_tunnel_takes_requests_for_its_own_host_only() {
        let own = Authority::parse("a.example:443", None).unwrap();
        let rows = [
            ("/x", "a.example", Ok(())),
            ("/x", "A.Example.:443", Ok(())),
            ("/x", "b.example", Err("name_mismatch")),
            ("/x", "a.example:80", Err("name_mismatch")),
            ("/x", "a.example:444", Err("name_mismatch")),
            ("https://a.example/x", "a.example", Ok(())),
            ("https://a.example/x", "", Ok(())),
            ("/x", "", Err("name_mismatch")),
            ("https://a.example/x", "b.example", Err("name_mismatch")),
            ("https://b.example/x", "a.example", Err("name_mismatch")),
            ("http://a.example:443/x", "a.example", Err("name_mismatch")),
            ("*", "a.example", Err("target_form")),
        ];
        for (uri, host, expected) in rows {
            let got = Site::of_tunnel_request(&own, true, &parts("GET", uri, host));
            assert_eq!(got.map(drop).map_err(|fault| fault.reason()), expected, "{uri} {host}");
        }
    }

    #[test]
    fn unknown_protocols_are_not_switched_to() {
        for (value, expected) in [("h2c", Ok(())), ("websocket", Err("upgrade")), ("h2c, foo", Err("upgrade"))] {
            let mut parts = parts("GET", "http://a.example/", "a.example");
            parts.headers.insert(UPGRADE, value.parse().unwrap());
            assert_eq!(refuse_upgrade(&parts).map_err(|fault| fault.reason()), expected, "{value}");
        }
    }
}
