//! An upload that its answer names.

use super::Client;
use super::download::hold;
use super::site::Site;
use crate::body_stream::{GatewayBody, Then};
use crate::destination::{Classified, NamedBy, key_of_address};
use crate::fault::Fault;
use crate::services::Services;
use crate::transfer::{Opening, SessionKey};
use http::Response;
use http::header::LOCATION;
use std::io::Read;
use std::time::Instant;

/// Bytes of an answer in which the name of an upload is looked for.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// What a request has opened, as far as it is known before the answer.
pub(super) struct Opened {
    /// Its beginning.
    pub(super) opening: Opening,
    /// Where the answer names it.
    pub(super) named_by: NamedBy,
}

impl Opened {
    /// Reads the name from the answer, and hands the answer back as it was.
    pub(super) async fn named(
        self,
        services: &Services,
        client: &Client,
        (classified, site): (&Classified, &Site),
        answer: Response<GatewayBody>,
    ) -> Result<Response<GatewayBody>, Fault> {
        let Self { opening, named_by } = self;
        if !answer.status().is_success() {
            return Ok(answer);
        }
        let (head, body) = answer.into_parts();
        let (name, body) = match named_by {
            NamedBy::Location => {
                let location = head.headers.get(LOCATION).and_then(|location| location.to_str().ok());
                let host = &classified.destination.host;
                (location.and_then(|location| key_of_address(host, &site.target, location)), body)
            }
            NamedBy::Pointer(pointer) => {
                let (held, then) = hold(services, body, ANSWER_BYTES_MAX).await?;
                let mut text = Vec::new();
                let is_read = !matches!(then, Then::Rest(_)) && held.clone().read_to_end(&mut text).is_ok();
                let name = if is_read { at(&text, &pointer) } else { None };
                (name, GatewayBody::looked_at(held, then))
            }
        };
        if let Some(session) = name.filter(|name| !name.is_empty()) {
            let key = SessionKey { scope: classified.scope.clone(), session };
            services.transfers.begin(&key, client.peer.ip(), opening, Instant::now());
        }
        Ok(Response::from_parts(head, body))
    }
}

/// The text at a place of a JSON document.
fn at(text: &[u8], pointer: &str) -> Option<String> {
    let document: serde_json::Value = serde_json::from_slice(text).ok()?;
    Some(document.pointer(pointer)?.as_str()?.to_owned())
}
