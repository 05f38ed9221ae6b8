//! What went wrong before or beside a policy decision, and what the client is told.
//!
//! A fault is no policy refusal: the request was malformed, names a place that is out of reach, or its origin failed.
//! Each has a status, a code for logs and metrics, and one sentence; [`answer`](crate::answer) gives it its shape.

use crate::answer::{self, AnswerRequest, CertificateTrouble, GatewayError};
use crate::http::head::Violation;
use crate::identity::Denied;
use crate::names::NameError;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

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
    /// The client has asked for too many hosts that need a new certificate.
    TooManyHosts,
    /// The users of one connection have shown too many proofs of who they are.
    TooManyProofs,
    /// The bodies that are held take all the place there is.
    SpoolFull,
    /// The messages that have not come whole take all the memory there is for them.
    MessagesFull,
    /// A protocol switch that cannot be inspected.
    Upgrade,
    /// Who is it?
    Unauthenticated {
        /// Shown by the client when it asks.
        realm: String,
        /// Kinds of credentials that are taken.
        schemes: &'static [&'static str],
    },
    /// An explanation of what has been sent because of another one.
    AlreadyExplained,
    /// An explanation of something that is not kept, or not for this person.
    NothingToExplain,
    /// Somebody who is known may not use the gateway.
    Access(Denied),
    /// The name does not resolve.
    Resolve,
    /// No address of the origin accepted a connection.
    Connect,
    /// The parent proxy answered a CONNECT with this status, or with nothing that can be read.
    Parent(u16),
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
    /// The origin wants to see a certificate, and there is none for it.
    ClientCertificate,
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
            Self::BadAuthority(_) => {
                (S::BAD_REQUEST, "authority", "The host or port of the target is not well formed.")
            }
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
            Self::TooManyHosts => {
                (S::SERVICE_UNAVAILABLE, "too_many_hosts", "Too many new hosts were asked for in a short time.")
            }
            Self::TooManyProofs => {
                (S::SERVICE_UNAVAILABLE, "too_many_proofs", "Too many users share this connection; open another one.")
            }
            Self::SpoolFull => (S::SERVICE_UNAVAILABLE, "spool_full", "The gateway holds too much data right now."),
            Self::MessagesFull => {
                (S::SERVICE_UNAVAILABLE, "messages_full", "The gateway holds too many unfinished messages right now.")
            }
            Self::Upgrade => (S::NOT_IMPLEMENTED, "upgrade", "This protocol upgrade cannot be inspected."),
            Self::Unauthenticated { .. } => {
                (S::PROXY_AUTHENTICATION_REQUIRED, "unauthenticated", "The gateway needs to know who you are.")
            }
            Self::AlreadyExplained => (S::CONFLICT, "already_explained", "This was sent with its reason before."),
            Self::NothingToExplain => {
                (S::FORBIDDEN, "nothing_to_explain", "Nothing waits for this explanation any more.")
            }
            Self::Access(denied) => (S::FORBIDDEN, denied.reason(), "There is no access through this gateway now."),
            Self::Resolve => (S::BAD_GATEWAY, "dns_failure", "The host name could not be resolved."),
            Self::Connect => (S::BAD_GATEWAY, "connect_failed", "The server could not be reached."),
            Self::Parent(407) => {
                (S::BAD_GATEWAY, "parent_authentication", "The next proxy does not accept the gateway's credentials.")
            }
            Self::Parent(_) => (S::BAD_GATEWAY, "parent_refused", "The next proxy opened no connection to the server."),
            Self::Timeout => (S::GATEWAY_TIMEOUT, "upstream_timeout", "The server did not answer in time."),
            Self::Handshake => (S::BAD_GATEWAY, "tls_handshake", "No secure connection to the server could be made."),
            Self::Certificate { reason, message } => (S::BAD_GATEWAY, reason, message),
            Self::ClientCertificate => (
                S::BAD_GATEWAY,
                "client_certificate",
                "The server asks for a certificate of the client, which the gateway cannot show.",
            ),
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

    /// Whether it came before anything was sent to the origin.
    pub(crate) fn is_before_sending(&self) -> bool {
        matches!(self, Self::Resolve | Self::Connect | Self::Parent(_) | Self::Handshake | Self::Certificate { .. })
    }

    /// Whether what follows on the connection cannot be trusted to be a request.
    fn ends_connection(&self) -> bool {
        use Fault::{Access, BodyBroken, BodyStalled, Framing, Internal, Misdirected, SpoolFull, TooManyProofs};
        let is_ours = matches!(self, SpoolFull | TooManyProofs | Internal);
        is_ours || matches!(self, Access(_) | Framing(_) | BodyBroken | BodyStalled | Misdirected)
    }

    /// The answer. `contact` says whom to ask; `host` is what the request was for, empty when that is not known.
    pub(crate) fn respond(&self, request: &AnswerRequest<'_>, host: &str, contact: &str) -> Response<Bytes> {
        let mut response = answer::error(&self.for_clients(host), contact, request);
        response.headers_mut().insert(REASON_HEADER, HeaderValue::from_static(self.reason()));
        if self.ends_connection() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// The kind of error that people are told about.
    fn for_clients(&self, host: &str) -> GatewayError {
        let (status, reason, _) = self.parts();
        let host = host.to_owned();
        match self {
            Self::Unauthenticated { realm, schemes } => {
                GatewayError::AuthenticationRequired { realm: realm.clone(), schemes }
            }
            Self::AlreadyExplained => GatewayError::AlreadySent,
            Self::NothingToExplain => GatewayError::Forbidden { reason: "nothing_to_explain" },
            Self::Access(denied) => GatewayError::NoAccess { reason: denied.reason() },
            Self::Misdirected => GatewayError::Misdirected { host },
            Self::Certificate { reason, .. } => {
                GatewayError::UpstreamCertificate { host, trouble: certificate_trouble(reason) }
            }
            Self::Timeout => GatewayError::UpstreamTimeout { host },
            Self::Resolve
            | Self::Connect
            | Self::Parent(_)
            | Self::Handshake
            | Self::ClientCertificate
            | Self::BadAnswer => GatewayError::UpstreamUnreachable { host, reason },
            Self::Port(_) | Self::OwnListener => GatewayError::OutOfReach { host, reason },
            Self::TooManyHosts | Self::TooManyProofs | Self::SpoolFull => GatewayError::Busy { reason },
            Self::PrivateAddress => GatewayError::PrivateAddress { host },
            _ if status == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => GatewayError::HeadTooLarge,
            Self::Internal => GatewayError::Internal { reason },
            _ => GatewayError::BadRequest { status: status.as_u16(), reason },
        }
    }
}

/// The trouble with this code.
fn certificate_trouble(reason: &str) -> CertificateTrouble {
    use CertificateTrouble::{Authority, Expired, Invalid, NotYetValid, UnknownIssuer, WrongName};
    [Expired, NotYetValid, UnknownIssuer, WrongName, Authority]
        .into_iter()
        .find(|t| t.as_str() == reason)
        .unwrap_or(Invalid)
}

impl From<NameError> for Fault {
    fn from(error: NameError) -> Self {
        Self::BadAuthority(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, Method};

    #[test]
    fn every_fault_keeps_its_status_and_code() {
        let rows = [
            (Fault::Certificate { reason: "cert_expired", message: "" }, 502, "cert_expired", false),
            (Fault::Certificate { reason: "cert_revoked", message: "" }, 502, "cert_revoked", false),
            (Fault::ClientCertificate, 502, "client_certificate", false),
            (Fault::Misdirected, 421, "name_mismatch", true),
            (Fault::Access(Denied::Ended), 403, "access_ended", true),
            (Fault::OwnListener, 403, "own_listener", false),
            (Fault::Upgrade, 501, "upgrade", true),
            (Fault::BodyStalled, 408, "body_stalled", true),
            (Fault::Timeout, 504, "upstream_timeout", false),
            (Fault::TooManyHosts, 503, "too_many_hosts", false),
            (Fault::TooManyProofs, 503, "too_many_proofs", true),
            (Fault::SpoolFull, 503, "spool_full", true),
            (Fault::Method, 405, "method", true),
            (Fault::Internal, 500, "internal", true),
        ];
        let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("application/json"))]);
        for (fault, status, reason, closes) in rows {
            let request = AnswerRequest { method: &Method::GET, path: "/", headers: &headers };
            let answer = fault.respond(&request, "a.example", "ask@example");
            let got = (answer.status().as_u16(), answer.headers()[REASON_HEADER].to_str().unwrap());
            assert_eq!(got, (status, reason));
            assert_eq!(answer.headers().contains_key(header::CONNECTION), closes, "{fault:?}");
            let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
            assert_eq!(body["status"], status, "{fault:?}: RFC 9457 wants the status of the answer");
        }
    }
}
