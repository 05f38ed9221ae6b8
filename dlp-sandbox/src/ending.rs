//! Reads the end of a worker: what its exit status says about the document.

use dlp_core::base::{Limits, Problem, ProblemClass};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// What the standard library writes before it aborts on a failed allocation. Aborts for other reasons (a stack
/// overflow, a crash in a destructor) end with the same signal, so this is the only way to tell them apart without
/// an allocator of our own.
const ALLOCATION_MESSAGE: &[u8] = b"memory allocation of";

/// The problem behind a worker that ended before it said so.
pub(crate) fn problem(status: ExitStatus, stderr: &[u8], limits: &Limits) -> Problem {
    match status.signal() {
        Some(libc::SIGXCPU) => cpu_time(limits),
        // Not our kill: the caller reports its own deadline itself. What remains is the kernel short of memory.
        Some(libc::SIGKILL) => memory(limits),
        Some(libc::SIGABRT) if contains(stderr, ALLOCATION_MESSAGE) => memory(limits),
        Some(libc::SIGSYS) => Problem::new(
            ProblemClass::ParserPanic,
            "sandbox_violation",
            "The parser asked the system for something that its sandbox forbids and was stopped.",
        ),
        Some(signal) => Problem::new(
            ProblemClass::ParserPanic,
            "engine_crash",
            format!("The parser crashed with signal {signal}{}.", signal_name(signal)),
        ),
        None => Problem::new(
            ProblemClass::ParserPanic,
            "engine_crash",
            format!("The parser ended early with status {}.", status.code().unwrap_or(-1)),
        ),
    }
}

/// The parent's deadline passed.
pub(crate) fn wall_time(limits: &Limits) -> Problem {
    let seconds = limits.worker_wall_max.as_secs();
    Problem::limit("worker_wall_max", seconds, format!("The parser did not finish within {seconds} seconds."))
}

fn cpu_time(limits: &Limits) -> Problem {
    let seconds = limits.worker_cpu_max.as_secs();
    Problem::limit("worker_cpu_max", seconds, format!("The parser used up its {seconds} seconds of processor time."))
}

fn memory(limits: &Limits) -> Problem {
    let bytes = limits.worker_memory_max;
    Problem::limit("worker_memory_max", bytes, format!("The parser needed more than its {bytes} bytes of memory."))
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        libc::SIGABRT => " (SIGABRT)",
        libc::SIGSEGV => " (SIGSEGV)",
        libc::SIGBUS => " (SIGBUS)",
        libc::SIGILL => " (SIGILL)",
        libc::SIGFPE => " (SIGFPE)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_has_its_reason() {
        let limits = Limits::inline();
        let check = |raw: i32, stderr: &[u8], class, reason| {
            let problem = problem(ExitStatus::from_raw(raw), stderr, &limits);
            assert_eq!((problem.class, problem.reason), (class, reason), "raw status {raw}");
        };
        check(libc::SIGXCPU, b"", ProblemClass::Limit, "worker_cpu_max");
        check(libc::SIGKILL, b"", ProblemClass::Limit, "worker_memory_max");
        check(libc::SIGABRT, b"memory allocation of 9 bytes failed", ProblemClass::Limit, "worker_memory_max");
        check(libc::SIGABRT, b"thread has overflowed its stack", ProblemClass::ParserPanic, "engine_crash");
        check(libc::SIGSEGV, b"", ProblemClass::ParserPanic, "engine_crash");
        check(libc::SIGSYS, b"", ProblemClass::ParserPanic, "sandbox_violation");
        check(0, b"", ProblemClass::ParserPanic, "engine_crash");
        check(101 << 8, b"", ProblemClass::ParserPanic, "engine_crash");
        assert_eq!(wall_time(&limits).reason, "worker_wall_max");
    }
}
