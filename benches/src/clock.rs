//! CPU time of the calling thread. On a shared machine wall time measures the neighbours.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// CPU time that this thread has used.
#[must_use]
pub fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // Both are non-negative: the clock starts at zero with the thread.
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The least CPU time of `runs` runs and the result of the last; each run must give the same result.
///
/// # Panics
/// When two runs differ: a fast engine that misses is no engine.
pub fn best_of<T: PartialEq + std::fmt::Debug>(runs: usize, mut work: impl FnMut() -> T) -> (Duration, T) {
    let mut timed = || {
        let start = thread_cpu();
        let result = work();
        (thread_cpu() - start, result)
    };
    let (mut best, first) = timed();
    for _ in 1..runs {
        let (time, result) = timed();
        assert_eq!(result, first, "runs over the same bytes differ");
        best = best.min(time);
    }
    (best, first)
}
