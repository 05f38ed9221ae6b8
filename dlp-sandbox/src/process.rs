//! One worker process as its parent sees it: started, fed, listened to, killed and reaped.
//!
//! The document goes in through a pipe. A sealed memory file would spare one copy only if the worker could map it,
//! and mapping a file is not possible without unsafe code; the parsers want the bytes in memory of their own anyway.
//! A pipe also works for workers that were started before the document was there.

use crate::wire::PREFIX_BYTES;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Bytes that one read takes from the pipe.
const READ_BYTES: usize = 64 * 1024;
/// A wider pipe saves switches between the processes; systems may refuse it.
const PIPE_BYTES: usize = 1024 * 1024;
/// How much of the worker's last words is kept.
const STDERR_BYTES_MAX: u64 = 4 * 1024;
/// A worker that closed its output is about to end.
const EXIT_GRACE: Duration = Duration::from_secs(2);

/// How a worker is started: a program that calls [`worker_main`](crate::worker_main) when it sees these arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerCommand {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl WorkerCommand {
    /// The running executable under its hidden argument, see [`run_worker_if_asked`](crate::run_worker_if_asked).
    ///
    /// # Errors
    /// The system does not tell the path of the running executable.
    pub fn current_exe() -> io::Result<Self> {
        Ok(Self { program: std::env::current_exe()?, args: vec![crate::WORKER_ARGUMENT.into()] })
    }

    /// Starts a worker. Its environment holds two settings only: no backtrace on abort, which would make system calls
    /// that the filter forbids and so hide the cause, and one allocation arena, because arenas eat address space.
    pub(crate) fn spawn(&self) -> io::Result<Worker> {
        self.spawn_with(Stdio::piped())
    }

    /// Starts a worker whose last words nobody hears.
    pub(crate) fn spawn_silent(&self) -> io::Result<Worker> {
        self.spawn_with(Stdio::null())
    }

    /// The same command with more arguments.
    pub(crate) fn with(&self, args: Vec<OsString>) -> Self {
        Self { program: self.program.clone(), args: self.args.iter().cloned().chain(args).collect() }
    }

    fn spawn_with(&self, stderr: Stdio) -> io::Result<Worker> {
        let mut child = Command::new(&self.program)
            .args(&self.args)
            .env_clear()
            .env("RUST_BACKTRACE", "0")
            .env("MALLOC_ARENA_MAX", "1")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut worker =
            Worker { child: Reaped(child), stdin: None, stdout: None, stderr: None, inbox: Inbox::default() };
        (worker.stdin, worker.stdout, worker.stderr) = pipes;
        worker.prepare_pipes()?;
        Ok(worker)
    }
}

/// A running worker. Dropping it kills and reaps it.
#[derive(Debug)]
pub(crate) struct Worker {
    child: Reaped,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    inbox: Inbox,
}

/// Why no further frame came.
#[derive(Debug)]
pub(crate) enum Silence {
    /// The worker closed its output.
    Closed,
    /// The deadline passed.
    Deadline,
    /// The worker announced a frame larger than allowed.
    Oversized,
}

/// What is still to be sent, and until when an answer is awaited.
pub(crate) struct Exchange<'a> {
    pub(crate) outgoing: &'a [u8],
    pub(crate) deadline: Instant,
    pub(crate) frame_bytes_max: usize,
}

impl Worker {
    fn prepare_pipes(&self) -> io::Result<()> {
        if let Some(stdin) = &self.stdin {
            rustix::io::ioctl_fionbio(stdin, true)?;
            // A narrower pipe is slower, not wrong.
            let _ = rustix::pipe::fcntl_setpipe_size(stdin, PIPE_BYTES);
        }
        if let Some(stdout) = &self.stdout {
            rustix::io::ioctl_fionbio(stdout, true)?;
        }
        if let Some(stderr) = &self.stderr {
            rustix::io::ioctl_fionbio(stderr, true)?;
        }
        Ok(())
    }

    /// The next frame, while what is outgoing is sent on the side. The outgoing slice shrinks as it is sent.
    pub(crate) fn next_frame(&mut self, exchange: &mut Exchange<'_>) -> Result<&[u8], Silence> {
        loop {
            match self.inbox.frame_len(exchange.frame_bytes_max) {
                Err(()) => return Err(Silence::Oversized),
                Ok(Some(len)) => return Ok(self.inbox.take(len)),
                Ok(None) => self.pump(exchange)?,
            }
        }
    }

    /// Everything that a program answers to everything that it is told, up to a bound.
    pub(crate) fn answer(&mut self, exchange: &mut Exchange<'_>) -> Result<Vec<u8>, Silence> {
        loop {
            if exchange.outgoing.is_empty() {
                self.stdin = None;
            }
            match self.pump(exchange) {
                Ok(()) if self.inbox.bytes.len() > exchange.frame_bytes_max => return Err(Silence::Oversized),
                Ok(()) => {}
                Err(Silence::Closed) => return Ok(std::mem::take(&mut self.inbox.bytes)),
                Err(silence) => return Err(silence),
            }
        }
    }

    /// Waits once and moves whatever can be moved.
    fn pump(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Silence> {
        let (readable, writable) = self.wait(exchange)?;
        if writable {
            self.send(exchange);
        }
        if readable { self.receive() } else { Ok(()) }
    }

    fn wait(&self, exchange: &Exchange<'_>) -> Result<(bool, bool), Silence> {
        let left = exchange.deadline.checked_duration_since(Instant::now()).ok_or(Silence::Deadline)?;
        let stdout = self.stdout.as_ref().ok_or(Silence::Closed)?;
        let mut descriptors = vec![PollFd::new(stdout, PollFlags::IN)];
        if let Some(stdin) = self.stdin.as_ref().filter(|_| !exchange.outgoing.is_empty()) {
            descriptors.push(PollFd::new(stdin, PollFlags::OUT));
        }
        match poll(&mut descriptors, Some(&timespec(left))) {
            Ok(0) => Err(Silence::Deadline),
            Err(Errno::INTR) => Ok((false, false)),
            Err(_) => Err(Silence::Closed),
            Ok(_) => {
                let ready = |index: usize| descriptors.get(index).is_some_and(|fd| !fd.revents().is_empty());
                Ok((ready(0), ready(1)))
            }
        }
    }

    /// Sends a piece. A worker that stopped listening is noticed when its output closes.
    fn send(&mut self, exchange: &mut Exchange<'_>) {
        let Some(stdin) = &mut self.stdin else { return };
        match stdin.write(exchange.outgoing) {
            Ok(len) => exchange.outgoing = &exchange.outgoing[len..],
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(_) => self.stdin = None,
        }
    }

    fn receive(&mut self) -> Result<(), Silence> {
        let Some(stdout) = &mut self.stdout else { return Err(Silence::Closed) };
        match self.inbox.fill(stdout) {
            Ok(0) => Err(Silence::Closed),
            Ok(_) => Ok(()),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(()),
            Err(_) => Err(Silence::Closed),
        }
    }

    /// Waits a moment for a worker that closed its output, and reads its last words.
    pub(crate) fn end(mut self) -> io::Result<(ExitStatus, Vec<u8>)> {
        self.stdin = None;
        self.stdout = None;
        let status = self.child.await_exit(EXIT_GRACE)?;
        let mut words = Vec::new();
        if let Some(stderr) = self.stderr.take() {
            // What cannot be read is not needed: the words only refine the reason.
            let _ = stderr.take(STDERR_BYTES_MAX).read_to_end(&mut words);
        }
        Ok((status, words))
    }
}

fn timespec(duration: Duration) -> Timespec {
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    Timespec { tv_sec: seconds, tv_nsec: i64::from(duration.subsec_nanos()) }
}

/// A child that is never left behind.
#[derive(Debug)]
struct Reaped(Child);

impl Reaped {
    /// The exit status; past the grace the child is killed, which then is its status.
    fn await_exit(&mut self, grace: Duration) -> io::Result<ExitStatus> {
        if let Some(status) = self.0.try_wait()? {
            return Ok(status);
        }
        let ended = rustix::process::Pid::from_raw(i32::try_from(self.0.id()).unwrap_or(0))
            .and_then(|pid| rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok())
            .is_some_and(|pidfd| {
                poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&timespec(grace))).is_ok_and(|ready| ready > 0)
            });
        if !ended {
            self.0.kill()?;
        }
        self.0.wait()
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        // Both fail only if the child is gone and reaped already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Bytes received and not yet handed out.
#[derive(Debug, Default)]
struct Inbox {
    bytes: Vec<u8>,
    start: usize,
}

impl Inbox {
    /// Length of the frame at the front if it is complete; an error if it is announced too large.
    fn frame_len(&self, max: usize) -> Result<Option<usize>, ()> {
        let pending = &self.bytes[self.start..];
        let Some((prefix, rest)) = pending.split_first_chunk::<PREFIX_BYTES>() else { return Ok(None) };
        let len = usize::try_from(u32::from_le_bytes(*prefix)).map_err(|_| ())?;
        if len > max { Err(()) } else { Ok((rest.len() >= len).then_some(len)) }
    }

    fn take(&mut self, len: usize) -> &[u8] {
        let from = self.start + PREFIX_BYTES;
        self.start = from + len;
        &self.bytes[from..self.start]
    }

    /// Memory follows what arrived, never what was announced.
    fn fill(&mut self, source: &mut impl Read) -> io::Result<usize> {
        self.bytes.drain(..self.start);
        self.start = 0;
        let len = self.bytes.len();
        self.bytes.resize(len + READ_BYTES, 0);
        let result = source.read(&mut self.bytes[len..]);
        self.bytes.truncate(len + result.as_ref().copied().unwrap_or(0));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inbox_hands_out_whole_frames_only() {
        let mut inbox = Inbox::default();
        assert_eq!(inbox.frame_len(10), Ok(None));
        inbox.fill(&mut &[3, 0, 0][..]).unwrap();
        assert_eq!(inbox.frame_len(10), Ok(None));
        inbox.fill(&mut &[0, b'a', b'b', b'c', 11, 0, 0, 0][..]).unwrap();
        assert_eq!(inbox.frame_len(10), Ok(Some(3)));
        assert_eq!(inbox.take(3), b"abc");
        assert_eq!(inbox.frame_len(10), Err(()));
    }

    #[test]
    fn a_missing_program_is_an_error() {
        let command = WorkerCommand { program: "/does/not/exist".into(), args: Vec::new() };
        assert_eq!(command.spawn().unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
