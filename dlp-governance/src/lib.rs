//! State that outlives a request.
//!
//! Today: [`incident`], the record of each transfer that a policy stopped or questioned, and the file it goes to;
//! [`files`], keys and indexes that an organisation made once and that every door reads.
//! Deciding belongs to dlp-core, moving bytes to the gateway. Time is always passed in.

#![forbid(unsafe_code)]

pub mod files;
pub mod incident;
