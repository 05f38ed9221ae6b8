//! Destinations: which application a request talks to, whose account it uses, and what it does there.
//!
//! In comes the head of a request ([`RequestHead`]), out comes a [`Classified`]: the destination as policies see it
//! (application, category, zone, account), the activity, the endpoint with its role in a transfer, and the shape in
//! which a refusal has to be written so that the client stops.
//!
//! The knowledge is data, one TOML file for each application under `patterns/destination/`; the code here knows no
//! application. Two rules keep a client from talking itself past the policy. What is not recognised is unlisted, and
//! its zone unknown, which policies treat as personal. And a request counts as harmless only when the catalogue names
//! it in a plain spelling: a body of unknown purpose is at least a `post`, an encoded slash or a dot segment never
//! proves an account.
//!
//! Names are compared here, not checked: that the host of the request is the one that the connection was made for is
//! the business of the listener.

mod account;
mod catalogue;
mod classify;
mod file;
mod request;
mod restrict;
mod session;
mod template;

pub use account::{AccountKind, Evidence, Learn, Tenancy};
pub use catalogue::{Catalogue, CatalogueError, CatalogueFile, NamedBy};
pub use classify::{Classified, EndpointMatch};
pub use file::{AccountModel, BodyForm, EndpointRole, HostRole};
pub use request::RequestHead;
pub use restrict::{RestrictError, RestrictValues, Restrictions};
pub(crate) use session::key_of_address;
pub use session::{Position, SessionPart};
