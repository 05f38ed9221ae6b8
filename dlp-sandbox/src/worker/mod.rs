//! The child's side: gives up its rights, reads one document, reports, ends.
//!
//! The order matters. First what every worker does alike while it waits for work; then the request, which brings the
//! bounds; then resource limits and landlock, which restrict the threads made afterwards; then the parser's thread
//! with its deep stack, which installs the system call filter itself, when all that starting a thread needs is done.
//! Only then is the document read.

mod confine;
mod filter;
mod output;
mod picture;
mod selftest;

pub(crate) use output::{At, Output, OutputFile};

use crate::level::SandboxLevel;
use crate::ocr::PictureRequest;
use crate::pdf::Asked;
use crate::wire::{Frame, Job, PREFIX_BYTES, REQUEST_BYTES_MAX, Request};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::process::ExitCode;

/// First argument that turns a program of this product into a worker.
pub const WORKER_ARGUMENT: &str = "__parse-worker";

/// Parsers recurse; with less, honest documents overflow, and no stack is deep enough for hostile ones.
const PARSER_STACK_BYTES: usize = 64 * 1024 * 1024;

/// Runs the worker if this process was started as one: to be called first of all in `main`, before arguments are
/// parsed and threads are started. The program ends with the returned code.
#[must_use]
pub fn run_worker_if_asked() -> Option<ExitCode> {
    let asked = std::env::args_os().nth(1).is_some_and(|argument| argument == WORKER_ARGUMENT);
    asked.then(worker_main)
}

/// Reads one request from standard input, answers it on standard output, and returns.
#[must_use]
pub fn worker_main() -> ExitCode {
    if let Some(request) = PictureRequest::of_args(std::env::args_os()) {
        return picture::become_tesseract(&request);
    }
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve() -> io::Result<()> {
    // The message of a panic may quote the document, and the parent only wants to know that there was one.
    std::panic::set_hook(Box::new(|_| {}));
    let frames = take_over_stdout()?;
    confine::settle()?;
    let request = read_request(&mut io::stdin().lock())?;
    let limited = confine::limit_resources(&request.bounds);
    let landlocked = confine::leave_file_system();
    let worker = Confined { frames, request, limited, landlocked };
    let parser = std::thread::Builder::new().stack_size(PARSER_STACK_BYTES).spawn(move || worker.work())?;
    parser.join().map_err(|_| io::Error::other("the parser's thread panicked"))?
}

/// Frames go through a descriptor of their own; what a parser might print must not mix with them.
fn take_over_stdout() -> io::Result<File> {
    let frames = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(File::options().write(true).open("/dev/null")?)?;
    Ok(File::from(frames))
}

fn read_request(input: &mut impl Read) -> io::Result<Request> {
    let mut prefix = [0; PREFIX_BYTES];
    input.read_exact(&mut prefix)?;
    let len = u32::from_le_bytes(prefix) as usize;
    if len > REQUEST_BYTES_MAX {
        return Err(io::Error::other("expected a request of a few bytes"));
    }
    let mut bytes = vec![0; len];
    input.read_exact(&mut bytes)?;
    postcard::from_bytes(&bytes).map_err(io::Error::other)
}

/// What the parser's thread starts with.
struct Confined {
    frames: File,
    request: Request,
    limited: bool,
    landlocked: bool,
}

impl Confined {
    fn work(self) -> io::Result<()> {
        let limited = confine::forbid_threads() && self.limited;
        let filtered = filter::install(&self.frames);
        let mut output = Output::new(self.frames, &self.request.bounds);
        output.send(&Frame::Begin(SandboxLevel::of(limited, self.landlocked, filtered)))?;
        match self.request.job {
            Job::Attempt(attempt) => {
                let through = selftest::attempt(attempt);
                output.send(&Frame::Attempted(through))
            }
            Job::Pdf { document_bytes, start, pictures } => {
                let document = read_document(document_bytes)?;
                crate::pdf::read(&document, Asked { start, pictures }, &self.request.bounds, &mut output)?;
                output.send(&Frame::End)
            }
            Job::Archive { document_bytes, format } => {
                let document = read_document(document_bytes)?;
                crate::archive::read(document, format, &self.request.bounds, &mut output)?;
                output.send(&Frame::End)
            }
        }
    }
}

fn read_document(len: u64) -> io::Result<Vec<u8>> {
    let capacity = usize::try_from(len).map_err(io::Error::other)?;
    let mut document = Vec::with_capacity(capacity);
    io::stdin().lock().take(len).read_to_end(&mut document)?;
    if document.len() == capacity { Ok(document) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
