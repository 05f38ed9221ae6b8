//! From findings to a decision.
//!
//! [`Summariser`] counts findings per detector and forgets the values. [`classify`] says how sensitive an item is.
//! A [`Transfer`] is one attempt to move data: who, by which channel, where to, what. A [`Policy`] holds ordered rules
//! and answers with a [`Decision`] and its reasons, first from the head of a request alone
//! ([`Policies::decide_head`]), then from the whole ([`Policies::decide`]).
//!
//! Everything here is pure: the time is a parameter, the same inputs always give the same decision, and neither a
//! decision nor a reason ever holds a matched value. [`redact`] carries one kind of
//! decision out, on text. Recognising destinations belongs to the gateway, carrying other decisions out belongs to
//! whoever moves the bytes.

mod action;
mod classify;
mod policy;
pub mod redact;
mod summary;
mod transfer;
mod words;

pub use action::{Action, Decision, FailMode, HeadDecision, Stage};
pub use classify::{Classification, classify};
pub use policy::{Policies, Policy, PolicyError};
pub(crate) use summary::MASKED_LEN_MIN;
pub use summary::{DetectorSummary, Places, SAMPLES_MAX, Summariser, UniqueValues};
pub use transfer::{
    Activity, Actor, ActorKind, AppCategory, Channel, Destination, Inspection, InspectionProblem, Item, Transfer,
    TransferHead, Visibility, Zone,
};
