//! Answers that the gateway gives itself: refusals and its own errors, each in a shape that the client understands.
//!
//! In comes a [`Refusal`] or a [`GatewayError`] and what is known of the request; out goes a complete response. A
//! person who navigates gets a page; a program gets the destination's own error format where the catalogue names one,
//! since clients then stop instead of repeating the upload; everything else gets JSON, XML or text by what the request
//! accepts. Status codes that make clients retry (408, 425, 429, 5xx, 401) never carry a refusal.
//!
//! Values appear masked only: callers give masks, and nothing of the request is shown without escaping.

mod error;
mod language;
mod page;
mod refusal;
mod request;
mod shape;
mod template;

pub use error::{CertificateTrouble, GatewayError, error};
pub use language::Language;
pub use refusal::{Again, Detected, Explain, Refusal, is_for_a_person, refusal};
pub use request::AnswerRequest;
