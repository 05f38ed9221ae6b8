//! The calls that end somebody's access and give it back, and that say whose machine has an address.
//!
//! They need the token of `admin.token_file`: a page in a browser on the same machine reaches the listener too, and must
//! not end anybody's work.

use super::respond;
use crate::access::{self, ADDRESS_TTL_MAX};
use crate::services::Services;
use bytes::Bytes;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Bytes of a call.
const CALL_BYTES_MAX: usize = 4 * 1024;
/// Time for a call to arrive.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Where the calls are.
const PATH: &str = "/v1/access";

/// Whose access, and why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    #[serde(deserialize_with = "trimmed")]
    person: String,
    #[serde(default)]
    reason: String,
}

/// A name as people are listed: white space that was pasted with it would make it somebody else's.
fn trimmed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(String::deserialize(deserializer)?.trim().to_owned())
}

/// Whose an address is, and for how many seconds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AddressCall {
    address: IpAddr,
    #[serde(deserialize_with = "trimmed")]
    person: String,
    ttl_s: u64,
}

/// Whether a path belongs to these calls.
pub(super) fn owns(path: &str) -> bool {
    path.strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers a call.
pub(super) async fn answer(
    services: &Arc<Services>,
    token_digest: Option<&[u8; 32]>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let Some(token_digest) = token_digest else {
        return refuse(StatusCode::FORBIDDEN, "set admin.token_file to use these calls");
    };
    if !is_authorized(request.headers(), token_digest) {
        let mut refused = refuse(StatusCode::UNAUTHORIZED, "expected the token of admin.token_file as Bearer token");
        refused.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return refused;
    }
    let (parts, body) = request.into_parts();
    let is_restoring = match (parts.method, parts.uri.path().strip_prefix(PATH)) {
        (Method::GET, Some("")) => return overview(services),
        (Method::POST, Some("/revoke")) => false,
        (Method::POST, Some("/restore")) => true,
        (Method::POST, Some("/address")) => {
            return match read_call(body, "{\"address\": \"...\", \"person\": \"...\", \"ttl_s\": 0}").await {
                Ok(call) => set_address(services.clone(), call).await,
                Err(message) => refuse(StatusCode::BAD_REQUEST, &message),
            };
        }
        _ => {
            return refuse(
                StatusCode::NOT_FOUND,
                "expected GET /v1/access, or POST /v1/access/revoke, /restore or /address",
            );
        }
    };
    match read_call::<Call>(body, "{\"person\": \"...\", \"reason\": \"...\"}").await {
        Ok(call) if call.person.is_empty() => refuse(StatusCode::BAD_REQUEST, "person is empty"),
        Ok(call) => change(services.clone(), call, is_restoring).await,
        Err(message) => refuse(StatusCode::BAD_REQUEST, &message),
    }
}

fn is_authorized(headers: &HeaderMap, token_digest: &[u8; 32]) -> bool {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token =
        value.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    // Digests are compared, so the time of the comparison says nothing about the token.
    token.is_some_and(|(_, token)| Sha256::digest(token.trim().as_bytes()).as_slice() == token_digest)
}

async fn read_call<T: DeserializeOwned>(body: Incoming, expected: &str) -> Result<T, String> {
    let collected = timeout(CALL_TIMEOUT, Limited::new(body, CALL_BYTES_MAX).collect()).await;
    let bytes = match collected {
        Ok(Ok(collected)) => collected.to_bytes(),
        _ => return Err(format!("expected {expected} of at most {CALL_BYTES_MAX} bytes")),
    };
    serde_json::from_slice(&bytes).map_err(|error| format!("expected {expected}: {error}"))
}

/// Cutting whoever had the address before is written down, which waits for the disk.
async fn set_address(services: Arc<Services>, call: AddressCall) -> Response<Full<Bytes>> {
    let setting = tokio::task::spawn_blocking(move || {
        let AddressCall { address, person, ttl_s } = &call;
        if *ttl_s > ADDRESS_TTL_MAX.as_secs() {
            return refuse(StatusCode::BAD_REQUEST, "expected ttl_s of at most 86400, a day");
        }
        if *ttl_s > 0 && (person.is_empty() || !services.rules.now().identity.may_know(person)) {
            return refuse(StatusCode::NOT_FOUND, "identity.people lists nobody with this id");
        }
        let set = services.access.set_address(&services.rules, *address, (person, Duration::from_secs(*ttl_s)));
        match set {
            Ok(()) => tell(StatusCode::OK, &json!({ "address": address, "person": person, "ttl_s": ttl_s })),
            Err(access::Full) => refuse(StatusCode::INSUFFICIENT_STORAGE, "too many addresses are known"),
        }
    });
    let failed = |_| refuse(StatusCode::INTERNAL_SERVER_ERROR, "the change failed; the log of the gateway says why");
    setting.await.unwrap_or_else(failed)
}

/// Writing waits for the disk, so it happens beside the other connections.
async fn change(services: Arc<Services>, call: Call, is_restoring: bool) -> Response<Full<Bytes>> {
    let changing = tokio::task::spawn_blocking(move || {
        let Call { person, reason } = &call;
        let changed = match is_restoring {
            true => services.access.restore(person, reason),
            false if !services.rules.now().identity.may_know(person) => None,
            false => Some(services.access.revoke(&services.rules, person, reason)),
        };
        (changed, call)
    });
    let Ok((changed, call)) = changing.await else {
        return refuse(StatusCode::INTERNAL_SERVER_ERROR, "the change failed; the log of the gateway says why");
    };
    match changed {
        None if is_restoring => refuse(StatusCode::NOT_FOUND, "nobody of this name is revoked"),
        None => refuse(StatusCode::NOT_FOUND, "identity.people lists nobody with this id"),
        Some(changed) if changed.is_kept => {
            tell(StatusCode::OK, &json!({ "person": call.person, "connections_cut": changed.connections }))
        }
        Some(_) if is_restoring => {
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "nothing was changed, because the access log cannot be written")
        }
        Some(_) => refuse(
            StatusCode::INTERNAL_SERVER_ERROR,
            "revoked until the next start only, because the access log cannot be written",
        ),
    }
}

fn overview(services: &Services) -> Response<Full<Bytes>> {
    tell(StatusCode::OK, &json!({ "revoked": services.access.revoked(), "connected": services.access.connected() }))
}

fn refuse(status: StatusCode, message: &str) -> Response<Full<Bytes>> {
    tell(status, &json!({ "error": message }))
}

fn tell(status: StatusCode, value: &Value) -> Response<Full<Bytes>> {
    respond(status, "application/json", format!("{value}\n"))
}
