//! Stopping a job from outside: the core has no clock, so whoever has one trips the token.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A token that is checked once per chunk. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks the job to stop. It ends its open items as `partial` with reason `wall_time_max`.
    pub fn trip(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the job has been asked to stop.
    #[must_use]
    pub fn is_tripped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
