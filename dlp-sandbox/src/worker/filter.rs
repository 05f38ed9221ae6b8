//! The system call filter: what a parser needs to compute, and nothing else.
//!
//! Two filters hold at once, and the stricter answer wins. The first refuses a few calls that libraries make out of
//! curiosity (the allocator looks for the overcommit policy, the standard library counts processors): killing on these
//! would kill honest documents. The second lists everything that is allowed and ends the process on anything else.

use rustix::fd::{AsRawFd, RawFd};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use std::collections::BTreeMap;
use std::fs::File;

/// Calls without a condition.
const ALLOWED: &[i64] = &[
    libc::SYS_close,
    libc::SYS_ppoll,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fstat,
    libc::SYS_openat,
    libc::SYS_statx,
    libc::SYS_newfstatat,
];

/// What a program of the system needs besides: to be started, to find its libraries, to read its data.
const ALLOWED_FOR_PROGRAM: &[i64] = &[
    libc::SYS_execve,
    libc::SYS_read,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_lseek,
    libc::SYS_fcntl,
    libc::SYS_faccessat,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_set_tid_address,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sysinfo,
    libc::SYS_uname,
];
#[cfg(target_arch = "x86_64")]
const ALLOWED_FOR_PROGRAM_HERE: &[i64] = &[libc::SYS_access, libc::SYS_arch_prctl];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_FOR_PROGRAM_HERE: &[i64] = &[];

/// Calls that only exist on this processor.
#[cfg(target_arch = "x86_64")]
const ALLOWED_HERE: &[i64] = &[libc::SYS_poll];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_HERE: &[i64] = &[];

/// Calls that fail instead of ending the process.
const REFUSED: &[i64] = &[libc::SYS_openat, libc::SYS_statx, libc::SYS_newfstatat, libc::SYS_sched_getaffinity];

const STDIN: RawFd = 0;
const STDOUT: RawFd = 1;
const STDERR: RawFd = 2;

/// Installs both filters on all threads of the process; whether they hold.
pub(super) fn install(frames: &File) -> bool {
    let programs = TargetArch::try_from(std::env::consts::ARCH)
        .and_then(|arch| Ok([refusals(arch)?, permissions(arch, frames.as_raw_fd())?]));
    // The permissions come last, because they forbid to install anything further.
    programs.is_ok_and(|programs| programs.iter().all(|program| seccompiler::apply_filter_all_threads(program).is_ok()))
}

/// Installs a filter for the program that this process turns into: everything that is not listed fails.
pub(super) fn install_for_program() -> bool {
    let program = TargetArch::try_from(std::env::consts::ARCH).and_then(program_permissions);
    program.is_ok_and(|program| seccompiler::apply_filter(&program).is_ok())
}

fn program_permissions(arch: TargetArch) -> Result<BpfProgram, BackendError> {
    let lists = [ALLOWED, ALLOWED_HERE, ALLOWED_FOR_PROGRAM, ALLOWED_FOR_PROGRAM_HERE];
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        lists.into_iter().flatten().map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_tgkill, vec![own_process()?]);
    // Its limits may be asked for and not changed: the third argument is what they are set to.
    let unchanged = SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)?;
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![unchanged])?]);
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    SeccompFilter::new(rules, refuse, SeccompAction::Allow, arch)?.try_into()
}

fn refusals(arch: TargetArch) -> Result<BpfProgram, BackendError> {
    let rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let refuse = SeccompAction::Errno(libc::EACCES.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?.try_into()
}

fn permissions(arch: TargetArch, frames: RawFd) -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.iter().chain(ALLOWED_HERE).map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_read, vec![descriptor_is(STDIN)?]);
    for call in [libc::SYS_write, libc::SYS_writev] {
        rules.insert(call, vec![descriptor_is(frames)?, descriptor_is(STDOUT)?, descriptor_is(STDERR)?]);
    }
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(call, vec![not_executable()?]);
    }
    rules.insert(libc::SYS_tgkill, vec![own_process()?]);
    SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, arch)?.try_into()
}

/// A thread may only signal its own process: that is how an abort ends it.
fn own_process() -> Result<SeccompRule, BackendError> {
    let id = u64::from(std::process::id());
    SeccompRule::new(vec![SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, id)?])
}

fn descriptor_is(descriptor: RawFd) -> Result<SeccompRule, BackendError> {
    let number = u64::from(descriptor.unsigned_abs());
    SeccompRule::new(vec![SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, number)?])
}

/// The protection is the third argument of both calls.
fn not_executable() -> Result<SeccompRule, BackendError> {
    let executable = u64::from(libc::PROT_EXEC.unsigned_abs());
    SeccompRule::new(vec![SeccompCondition::new(2, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(executable), 0)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_processors_get_a_program() {
        for arch in [TargetArch::x86_64, TargetArch::aarch64] {
            assert!(!refusals(arch).unwrap().is_empty());
            assert!(!permissions(arch, 3).unwrap().is_empty());
            assert!(!program_permissions(arch).unwrap().is_empty());
        }
    }

    #[test]
    fn nothing_dangerous_is_listed() {
        let dangerous = [
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_clone,
            libc::SYS_clone3,
            libc::SYS_socket,
            libc::SYS_connect,
            libc::SYS_ptrace,
            libc::SYS_ioctl,
            libc::SYS_prctl,
            libc::SYS_seccomp,
            libc::SYS_kill,
            libc::SYS_prlimit64,
        ];
        for call in dangerous {
            assert!(!ALLOWED.contains(&call) && !ALLOWED_HERE.contains(&call), "call {call}");
            let is_listed = ALLOWED_FOR_PROGRAM.contains(&call) || ALLOWED_FOR_PROGRAM_HERE.contains(&call);
            assert!(!is_listed || call == libc::SYS_execve, "call {call}");
        }
        assert!(REFUSED.iter().all(|call| ALLOWED.contains(call)), "a refusal needs a permission beneath it");
    }
}
