//! What the benches share: corpora to scan, a detector file of the final catalogue's size, and a clock that a busy
//! machine does not disturb.
//!
//! | module | what it gives |
//! |---|---|
//! | [`corpora`] | the four corpora as one buffer each: built ones, or small ones made from this repository |
//! | [`make`] | builds the corpora from public packages and a seed |
//! | [`synthetic`] | detectors beside the built-in ones, so that speed is measured at the size to come |
//! | [`clock`] | CPU time of the thread, best of several runs |

#![forbid(unsafe_code)]

pub mod clock;
pub mod corpora;
pub mod make;
pub mod synthetic;
