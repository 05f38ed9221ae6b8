//! A worker that gives up its rights and turns into tesseract, to recognise the text of one picture.
//!
//! It keeps what a program of the system needs to start: to read and run its libraries and itself, to read the language
//! data. It keeps no way to write a file, to reach a network or another process, or to start one: what was given up
//! stays given up behind `exec`. Its filter refuses instead of killing, because libraries ask for things out of
//! curiosity and go on without them.

use super::confine;
use super::filter;
use crate::level::SandboxLevel;
use crate::ocr::PictureRequest;
use std::os::unix::process::CommandExt;
use std::process::ExitCode;

/// Gives up its rights and becomes tesseract; comes back only if that failed.
pub(super) fn become_tesseract(request: &PictureRequest) -> ExitCode {
    let not_confined = ExitCode::from(PictureRequest::NOT_CONFINED as u8);
    if confine::settle().is_err() {
        return not_confined;
    }
    let limited = confine::limit_program(request.memory_bytes, request.cpu_s);
    let landlocked = confine::keep_program(request.program(), request.data());
    let limited = confine::forbid_threads() && limited;
    let filtered = filter::install_for_program();
    if SandboxLevel::of(limited, landlocked, filtered) < request.required {
        return not_confined;
    }
    let _error = request.command().exec();
    ExitCode::from(PictureRequest::NOT_STARTED as u8)
}
