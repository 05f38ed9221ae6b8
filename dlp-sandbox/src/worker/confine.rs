//! Gives up what the process does not need: priority, files, memory, time.
//!
//! Each measure is tried; what the system refuses lowers the level that is reported. Descriptors that the parent
//! left open by mistake cannot be closed without unsafe code; instead the system call filter lets the worker read and
//! write its own descriptors only.

use crate::wire::Bounds;
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus,
    Scope, path_beneath_rules,
};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use std::io;
use std::path::Path;

/// Standard streams, the frames and nothing more; a few are left for the C library's start-up.
const DESCRIPTORS_MAX: u64 = 16;
/// Stack of the main thread, which only waits.
const MAIN_STACK_BYTES: u64 = 8 * 1024 * 1024;
/// Between SIGXCPU and SIGKILL. With equal limits the kernel sends SIGKILL, which would look like a lack of memory.
const CPU_GRACE_S: u64 = 2;
/// A parser is less urgent than the traffic around it.
const NICENESS: i32 = 5;

/// What every worker does before it knows its work: die with the parent, leave no dump, be the first to go when memory
/// is short.
pub(super) fn settle() -> io::Result<()> {
    let parent = rustix::process::getppid();
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if rustix::process::getppid() != parent {
        return Err(io::Error::other("the parent ended meanwhile"));
    }
    // Courtesies; a system that refuses them is no less safe. They come before the
    // process becomes undumpable, from when on its own files in /proc belong to root.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let _ = rustix::process::nice(NICENESS);
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    rustix::thread::set_no_new_privs(true)?;
    Ok(())
}

/// Lowers the resource limits; whether all of them hold.
pub(super) fn limit_resources(bounds: &Bounds) -> bool {
    limit(bounds.memory_bytes, bounds.cpu_s, DESCRIPTORS_MAX)
}

/// Lowers the resource limits for a program of the system, which opens libraries and data; whether all of them hold.
pub(super) fn limit_program(memory_bytes: u64, cpu_s: u64) -> bool {
    const PROGRAM_DESCRIPTORS_MAX: u64 = 64;
    limit(memory_bytes, cpu_s, PROGRAM_DESCRIPTORS_MAX)
}

fn limit(memory_bytes: u64, cpu_s: u64, descriptors_max: u64) -> bool {
    let limits = [
        (Resource::As, memory_bytes, memory_bytes),
        (Resource::Cpu, cpu_s, cpu_s.saturating_add(CPU_GRACE_S)),
        (Resource::Fsize, 0, 0),
        (Resource::Core, 0, 0),
        (Resource::Nofile, descriptors_max, descriptors_max),
        (Resource::Stack, MAIN_STACK_BYTES, MAIN_STACK_BYTES),
        (Resource::Memlock, 0, 0),
    ];
    // Every limit is tried, also after one has failed.
    limits.into_iter().map(|(resource, soft, hard)| lower(resource, soft, hard)).fold(true, |all, held| all & held)
}

/// No thread or process beyond those that run; to be called when the last one has been started.
pub(super) fn forbid_threads() -> bool {
    lower(Resource::Nproc, 0, 0)
}

/// Sets a limit, but never above the one that is in force.
fn lower(resource: Resource, soft: u64, hard: u64) -> bool {
    let hard = rustix::process::getrlimit(resource).maximum.map_or(hard, |present| present.min(hard));
    let limit = Rlimit { current: Some(soft.min(hard)), maximum: Some(hard) };
    rustix::process::setrlimit(resource, limit).is_ok()
}

/// Gives up every file but a program, the system's libraries and the program's data; whether the kernel took any.
pub(super) fn keep_program(program: &Path, data: &Path) -> bool {
    let libraries = ["/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"];
    let running = libraries.iter().map(Path::new).chain([program]);
    let restrict = || {
        Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(ABI::V6))?
            .handle_access(AccessNet::from_all(ABI::V6))?
            .scope(Scope::from_all(ABI::V6))?
            .create()?
            .add_rules(path_beneath_rules(running, AccessFs::ReadFile | AccessFs::ReadDir | AccessFs::Execute))?
            .add_rules(path_beneath_rules([data], AccessFs::ReadFile | AccessFs::ReadDir))?
            .restrict_self()
    };
    restrict().is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced)
}

/// Gives up every file, port and scope that the kernel can take away; whether it took any.
pub(super) fn leave_file_system() -> bool {
    let restrict = || {
        Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(ABI::V6))?
            .handle_access(AccessNet::from_all(ABI::V6))?
            .scope(Scope::from_all(ABI::V6))?
            .create()?
            .restrict_self()
    };
    restrict().is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced)
}
