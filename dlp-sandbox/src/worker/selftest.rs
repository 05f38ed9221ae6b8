//! Attempts that the sandbox must defeat. They run inside a confined worker that never gets a document.

use crate::wire::Attempt;
use rustix::process::{Resource, Rlimit, Signal};
use std::fs::File;
use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;

/// Tries it; whether it came through. Most attempts do not come back.
pub(super) fn attempt(attempt: Attempt) -> bool {
    match attempt {
        Attempt::ReadFile => File::open("/etc/hostname").is_ok() || File::open("/dev/null").is_ok(),
        Attempt::CreateFile => File::create("/tmp/worker-self-test").is_ok(),
        Attempt::ListDirectory => std::fs::read_dir("/").is_ok(),
        // Nobody listens on the discard port; a refused connection is still an open socket.
        Attempt::Connect => connects(),
        Attempt::Execute => Command::new("/bin/true").spawn().is_ok(),
        Attempt::SpawnThread => std::thread::Builder::new().spawn(|| {}).is_ok(),
        Attempt::SignalParent => {
            rustix::process::getppid().is_some_and(|parent| rustix::process::kill_process(parent, Signal::CONT).is_ok())
        }
        Attempt::RaiseLimits => {
            let unlimited = Rlimit { current: Some(0), maximum: Some(0) };
            rustix::process::setrlimit(Resource::Core, unlimited).is_ok()
        }
        Attempt::WriteElsewhere => writes_elsewhere(),
    }
}

fn connects() -> bool {
    const DISCARD_PORT: u16 = 9;
    match TcpStream::connect((Ipv4Addr::LOCALHOST, DISCARD_PORT)) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
    }
}

/// Standard input is a pipe's reading end; the filter must stop the write before the pipe can refuse it.
fn writes_elsewhere() -> bool {
    use std::os::fd::AsFd;
    let Ok(copy) = std::io::stdin().as_fd().try_clone_to_owned() else { return false };
    File::from(copy).write(b"x").is_ok()
}
