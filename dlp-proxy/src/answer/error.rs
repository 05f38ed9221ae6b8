//! The gateway's own errors: what went wrong between the client, the gateway and the site.

use super::language::{Language, Words};
use super::shape::{self, Answer, Shape};
use super::{AnswerRequest, page};
use bytes::Bytes;
use http::Response;
use http::header::{CONNECTION, PROXY_AUTHENTICATE, RETRY_AFTER};
use serde_json::json;

/// Seconds after which a busy gateway may be asked again.
const BUSY_RETRY_SECONDS: &str = "60";

/// Something that the gateway could not or would not do, other than by policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GatewayError {
    /// The request is malformed, names two hosts, breaks off, or asks for what is not served.
    BadRequest {
        /// 400, or the status of the 4xx class or 501 that says more.
        status: u16,
        /// Machine-readable reason, for example `host_missing`.
        reason: &'static str,
    },
    /// 407: the client has to say who it is.
    AuthenticationRequired {
        /// Shown in the challenge.
        realm: String,
        /// Kinds of credentials that are taken, `Basic` or `Bearer`, one challenge each.
        schemes: &'static [&'static str],
    },
    /// 409: a form was explained, and sent, before.
    AlreadySent,
    /// 403 of the gateway's own pages and of its administration.
    Forbidden {
        /// Machine-readable reason, for example `not_admin`.
        reason: &'static str,
    },
    /// 403: who it is, is known; they may not use the gateway, not yet or not any more.
    NoAccess {
        /// Machine-readable reason, for example `access_ended`.
        reason: &'static str,
    },
    /// 403: the site's address is private or reserved.
    PrivateAddress {
        /// Host of the site.
        host: String,
    },
    /// 403: the gateway does not lead there, whatever the site says.
    OutOfReach {
        /// Host of the site.
        host: String,
        /// Machine-readable reason, for example `port`.
        reason: &'static str,
    },
    /// 421: the request names another host than its connection.
    Misdirected {
        /// Host that the request names.
        host: String,
    },
    /// 431: the header is too large.
    HeadTooLarge,
    /// 502: the site's certificate does not prove its identity.
    UpstreamCertificate {
        /// Host of the site.
        host: String,
        /// What is wrong with it.
        trouble: CertificateTrouble,
    },
    /// 502: no connection to the site.
    UpstreamUnreachable {
        /// Host of the site.
        host: String,
        /// Machine-readable reason, for example `connect_refused`.
        reason: &'static str,
    },
    /// 500: the gateway itself failed.
    Internal {
        /// Machine-readable reason, for example `internal`.
        reason: &'static str,
    },
    /// 503: the gateway has more to do than it can; another try may succeed.
    Busy {
        /// Machine-readable reason, for example `spool_full`.
        reason: &'static str,
    },
    /// 504: the site did not answer in time.
    UpstreamTimeout {
        /// Host of the site.
        host: String,
    },
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CertificateTrouble {
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// Nobody who is trusted vouches for it.
    UnknownIssuer,
    /// It belongs to another name.
    WrongName,
    /// It is that of an authority, and no server's.
    Authority,
    /// It was withdrawn, is malformed, or its signature is wrong.
    Invalid,
}

impl CertificateTrouble {
    /// The code shown to users and written to events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "cert_expired",
            Self::NotYetValid => "cert_not_yet_valid",
            Self::UnknownIssuer => "cert_unknown_issuer",
            Self::WrongName => "cert_wrong_name",
            Self::Authority => "cert_of_authority",
            Self::Invalid => "cert_invalid",
        }
    }
}

impl GatewayError {
    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::BadRequest { status, .. } => *status,
            Self::Forbidden { .. } | Self::NoAccess { .. } | Self::PrivateAddress { .. } | Self::OutOfReach { .. } => {
                403
            }
            Self::AuthenticationRequired { .. } => 407,
            Self::AlreadySent => 409,
            Self::Misdirected { .. } => 421,
            Self::HeadTooLarge => 431,
            Self::UpstreamCertificate { .. } | Self::UpstreamUnreachable { .. } => 502,
            Self::Internal { .. } => 500,
            Self::Busy { .. } => 503,
            Self::UpstreamTimeout { .. } => 504,
        }
    }

    /// The code shown to users and written to events.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadRequest { reason, .. }
            | Self::Internal { reason }
            | Self::Forbidden { reason }
            | Self::NoAccess { reason }
            | Self::Busy { reason }
            | Self::OutOfReach { reason, .. }
            | Self::UpstreamUnreachable { reason, .. } => reason,
            Self::PrivateAddress { .. } => "private_address",
            Self::AuthenticationRequired { .. } => "authentication_required",
            Self::AlreadySent => "already_explained",
            Self::Misdirected { .. } => "name_mismatch",
            Self::HeadTooLarge => "head_too_large",
            Self::UpstreamCertificate { trouble, .. } => trouble.as_str(),
            Self::UpstreamTimeout { .. } => "upstream_timeout",
        }
    }

    /// The host that the error is about; empty when it is about none.
    pub(super) fn host(&self) -> &str {
        match self {
            Self::Misdirected { host }
            | Self::PrivateAddress { host }
            | Self::OutOfReach { host, .. }
            | Self::UpstreamCertificate { host, .. }
            | Self::UpstreamUnreachable { host, .. }
            | Self::UpstreamTimeout { host } => host,
            _ => "",
        }
    }

    /// Title and explanation.
    pub(super) fn words(&self, words: &'static Words) -> (&'static str, &'static str) {
        let errors = &words.errors;
        match self {
            Self::BadRequest { .. } => errors.bad_request,
            Self::AuthenticationRequired { .. } => errors.authentication,
            Self::AlreadySent => errors.already_sent,
            Self::Forbidden { .. } => errors.forbidden,
            Self::NoAccess { .. } => errors.no_access,
            Self::PrivateAddress { .. } => errors.private_address,
            Self::OutOfReach { reason: "own_listener", .. } => errors.own_listener,
            Self::OutOfReach { .. } => errors.port,
            Self::Misdirected { .. } => errors.misdirected,
            Self::HeadTooLarge => errors.head_too_large,
            Self::UpstreamCertificate { .. } => errors.certificate,
            Self::UpstreamUnreachable { .. } => errors.unreachable,
            Self::Internal { .. } => errors.internal,
            Self::Busy { .. } => errors.busy,
            Self::UpstreamTimeout { .. } => errors.timeout,
        }
    }
}

/// Answers with an error of the gateway. `contact` says whom to ask; it may be empty.
#[must_use]
pub fn error(error: &GatewayError, contact: &str, request: &AnswerRequest<'_>) -> Response<Bytes> {
    let language = Language::of(request);
    let (title, detail) = error.words(language.words());
    let (status, code, host) = (error.status(), error.code(), error.host());
    let mut answer = match shape::choose(request) {
        Shape::Html => Answer::html(status, page::error(error, contact, language)),
        Shape::Json => {
            let body = json!({ "type": "about:blank", "title": title, "status": status, "detail": detail, "code": code, "host": host });
            Answer::new(status, "application/problem+json", body.to_string())
        }
        Shape::Xml => {
            let host = shape::escaped(host);
            let body = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{title}. {detail}</Message><Host>{host}</Host></Error>\n"
            );
            Answer::new(status, "application/xml; charset=utf-8", body)
        }
        Shape::Text => Answer::new(status, "text/plain; charset=utf-8", format!("{title}. {detail} ({code})\n")),
    };
    if let GatewayError::AuthenticationRequired { realm, schemes } = error {
        let realm: String = realm.chars().filter(|c| !matches!(c, '"' | '\\') && !c.is_control()).collect();
        for scheme in *schemes {
            // Only Basic has characters whose encoding the client has to know (RFC 7617 2.1).
            let charset = if *scheme == "Basic" { ", charset=\"UTF-8\"" } else { "" };
            answer = answer.with(PROXY_AUTHENTICATE, &format!("{scheme} realm=\"{realm}\"{charset}"));
        }
    }
    if matches!(error, GatewayError::BadRequest { .. } | GatewayError::HeadTooLarge) {
        // What follows on such a connection cannot be told apart from the rest of the bad request.
        answer = answer.with(CONNECTION, "close");
    }
    if let GatewayError::Busy { .. } = error {
        answer = answer.with(RETRY_AFTER, BUSY_RETRY_SECONDS);
    }
    answer.into_response(request)
}
