//! WebSocket (RFC 6455): messages of the client are inspected before they leave.
//!
//! [`handshake`] decides whether a request may switch and what may be negotiated, [`frame`] reads frames, [`message`]
//! puts messages together and undoes their compression (RFC 7692), [`relay`] moves bytes between the two sides. The bytes
//! that arrive are those that were sent: frames are passed on as they came, whole messages at a time. What a message
//! means is decided elsewhere.

pub(crate) mod frame;
pub(crate) mod handshake;
pub(crate) mod message;
pub(crate) mod relay;
