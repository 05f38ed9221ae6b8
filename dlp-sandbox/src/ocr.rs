//! Text recognition by tesseract, a program that distributions ship.
//!
//! The parent's side: finds the program and its languages once, then starts one process for each picture. The picture
//! goes in and the text comes out through pipes, so nothing of either is written to disk. Every process starts as this
//! product's own worker, which gives up its rights (see `worker::picture`) and turns into tesseract: it reads its own
//! libraries and language data and nothing else, and has no network.

use crate::ending;
use crate::level::SandboxLevel;
use crate::process::{Exchange, Silence, WorkerCommand};
use dlp_core::base::{Limits, Problem, ProblemClass};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

/// Text of one picture. A page of the smallest print has a few thousand words.
const TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Tells a word of the page from its writing direction; no language.
const DIRECTION_DATA: &str = "osd";

/// The program that recognises text in pictures, with the languages that it is to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tesseract {
    program: PathBuf,
    data: PathBuf,
    languages: String,
}

/// Why text in pictures cannot be recognised.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OcrError {
    /// The program is not there.
    #[error("expected the program tesseract in the search path to recognise text in pictures, and found none")]
    NotFound,
    /// The program does not run.
    #[error("{} does not list its languages: {reason}", program.display())]
    Broken {
        /// What was started.
        program: PathBuf,
        /// What came of it.
        reason: String,
    },
    /// A language is not there.
    #[error("expected language data of tesseract for {language:?}, got {}", if installed.is_empty() { "none" } else { installed })]
    Language {
        /// What was asked for.
        language: String,
        /// What there is.
        installed: String,
    },
}

impl OcrError {
    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::NotFound | Self::Broken { .. } => {
                "install it, on Debian with `apt install tesseract-ocr tesseract-ocr-pol`".to_owned()
            }
            Self::Language { language, .. } => {
                format!("install it, on Debian with `apt install tesseract-ocr-{language}`, or name another")
            }
        }
    }
}

impl Tesseract {
    /// Finds the program in a search path, such as the environment's `PATH`. Without languages, it reads all that are
    /// installed; each one costs time.
    ///
    /// # Errors
    /// The program or a language is not there.
    pub fn find(search_path: Option<OsString>, languages: &[String]) -> Result<Self, OcrError> {
        let folders = search_path.as_deref().map(std::env::split_paths).into_iter().flatten();
        let program = folders
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join("tesseract"))
            .find_map(|program| program.canonicalize().ok().filter(|program| program.is_file()))
            .ok_or(OcrError::NotFound)?;
        let (data, installed) = Self::installed(&program)?;
        let missing = languages.iter().find(|language| !installed.contains(language));
        if let Some(language) = missing.cloned().or_else(|| installed.is_empty().then(|| "eng".to_owned())) {
            return Err(OcrError::Language { language, installed: installed.join(", ") });
        }
        let languages = if languages.is_empty() { installed.join("+") } else { languages.join("+") };
        Ok(Self { program, data, languages })
    }

    /// The languages that it reads, with `+` between them.
    #[must_use]
    pub fn languages(&self) -> &str {
        &self.languages
    }

    /// Where the language data lies, and its names.
    fn installed(program: &Path) -> Result<(PathBuf, Vec<String>), OcrError> {
        let broken = |reason: String| OcrError::Broken { program: program.to_owned(), reason };
        let output = Command::new(program).arg("--list-langs").stdin(Stdio::null()).output();
        let output = output.map_err(|error| broken(error.to_string()))?;
        let text = String::from_utf8_lossy(if output.stdout.is_empty() { &output.stderr } else { &output.stdout });
        listed(&text).ok_or_else(|| broken("its answer names no folder".to_owned()))
    }

    /// Recognises the text of a picture in a process of its own.
    pub(crate) fn read(
        &self,
        command: &WorkerCommand,
        required: SandboxLevel,
        picture: &[u8],
        limits: &Limits,
    ) -> Result<String, Problem> {
        let request = PictureRequest {
            cpu_s: limits.ocr_time_max.as_secs().max(1),
            memory_bytes: limits.worker_memory_max,
            required,
            tesseract: self.clone(),
        };
        let mut worker = command.with(request.to_args()).spawn_silent().map_err(|error| no_worker(&error))?;
        let deadline = Instant::now() + limits.ocr_time_max;
        let mut exchange = Exchange { outgoing: picture, deadline, frame_bytes_max: TEXT_BYTES_MAX };
        let text = worker.answer(&mut exchange).map_err(|silence| match silence {
            Silence::Oversized => {
                let message = "a picture gave more text than the bound; it was not read";
                Problem::limit("ocr_text_bytes_max", TEXT_BYTES_MAX as u64, message)
            }
            Silence::Closed | Silence::Deadline => too_slow(limits),
        })?;
        let (status, _) = worker.end().map_err(|error| no_worker(&error))?;
        if status.success() {
            return Ok(String::from_utf8_lossy(&text).into_owned());
        }
        Err(failed(status, limits))
    }
}

/// Reads what the program says of its languages: a line with the folder, then a name a line.
fn listed(text: &str) -> Option<(PathBuf, Vec<String>)> {
    let mut lines = text.lines();
    let data = lines.next()?.split('"').nth(1).map(PathBuf::from).filter(|data| data.is_absolute())?;
    let is_language = |name: &&str| !name.is_empty() && *name != DIRECTION_DATA && !name.contains(['/', '+']);
    Some((data, lines.map(str::trim).filter(is_language).map(str::to_owned).collect()))
}

fn failed(status: ExitStatus, limits: &Limits) -> Problem {
    match status.code() {
        Some(PictureRequest::NOT_CONFINED) => Problem::new(
            ProblemClass::Unreadable,
            "sandbox_unavailable",
            "The system grants a weaker sandbox than is required; no text was recognised.",
        ),
        Some(PictureRequest::NOT_STARTED) => Problem::new(
            ProblemClass::Unreadable,
            "no_worker",
            "The program that recognises text could not be started.",
        ),
        // It says so of pictures that it cannot open, also of those whose memory it cannot have.
        Some(_) => Problem::new(
            ProblemClass::Unsupported,
            "ocr_format",
            "The program that recognises text does not read this picture.",
        ),
        None => match ending::problem(status, &[], limits) {
            problem if problem.reason == "worker_cpu_max" => too_slow(limits),
            problem => problem,
        },
    }
}

fn too_slow(limits: &Limits) -> Problem {
    let seconds = limits.ocr_time_max.as_secs();
    let message = format!("The text of a picture was not recognised within {seconds} seconds.");
    Problem::limit("ocr_time_max", seconds, message)
}

fn no_worker(error: &std::io::Error) -> Problem {
    let message = format!("No process could be started to recognise text: {error}.");
    Problem::new(ProblemClass::Unreadable, "no_worker", message)
}

/// What a process is told that turns into tesseract. It goes over the command line, because standard input is the
/// picture's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PictureRequest {
    pub(crate) cpu_s: u64,
    pub(crate) memory_bytes: u64,
    pub(crate) required: SandboxLevel,
    pub(crate) tesseract: Tesseract,
}

impl PictureRequest {
    const ARGUMENT: &str = "__read-picture";
    /// Exit codes of a process that did not become tesseract, which itself knows 0 and 1.
    pub(crate) const NOT_CONFINED: i32 = 96;
    pub(crate) const NOT_STARTED: i32 = 97;

    fn to_args(&self) -> Vec<OsString> {
        let Tesseract { program, data, languages } = &self.tesseract;
        let numbers = [self.cpu_s.to_string(), self.memory_bytes.to_string(), (self.required as u8).to_string()];
        let mut args = vec![Self::ARGUMENT.into()];
        args.extend(numbers.map(OsString::from));
        args.extend([program.into(), data.into(), languages.into()]);
        args
    }

    /// The request among a process's arguments, if it is there.
    pub(crate) fn of_args(args: impl Iterator<Item = OsString>) -> Option<Self> {
        let mut args = args.skip_while(|argument| argument != Self::ARGUMENT).skip(1);
        let mut number = || args.next()?.to_str()?.parse::<u64>().ok();
        let (cpu_s, memory_bytes, required) = (number()?, number()?, number()?);
        let required = SandboxLevel::of_number(u8::try_from(required).ok()?)?;
        let (program, data) = (args.next()?.into(), args.next()?.into());
        let languages = args.next()?.into_string().ok()?;
        Some(Self { cpu_s, memory_bytes, required, tesseract: Tesseract { program, data, languages } })
    }

    /// What tesseract itself is started with.
    pub(crate) fn command(&self) -> Command {
        let Tesseract { program, data, languages } = &self.tesseract;
        let mut command = Command::new(program);
        command.arg("stdin").arg("stdout").arg("--tessdata-dir").arg(data).args(["-l", languages]);
        // Threads are forbidden in there.
        command.env_clear().env("OMP_THREAD_LIMIT", "1").env("LC_ALL", "C.UTF-8");
        command
    }

    pub(crate) fn program(&self) -> &Path {
        &self.tesseract.program
    }

    pub(crate) fn data(&self) -> &Path {
        &self.tesseract.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_read_from_the_programs_answer() {
        let check = |text: &str, expected: Option<&[&str]>| {
            let languages = listed(text).map(|(_, languages)| languages);
            assert_eq!(languages, expected.map(|all| all.iter().map(|name| (*name).to_owned()).collect()), "{text:?}");
        };
        check("List of available languages in \"/data/\" (3):\neng\nosd\npol\n", Some(&["eng", "pol"]));
        check("List of available languages in \"/data/\" (1):\nscript/Latin\n", Some(&[]));
        check("List of available languages (2):\neng\n", None);
        check("", None);
    }

    #[test]
    fn a_request_survives_the_command_line() {
        let tesseract = Tesseract { program: "/a/b".into(), data: "/c d/".into(), languages: "eng+pol".into() };
        let request = PictureRequest { cpu_s: 5, memory_bytes: 6, required: SandboxLevel::Reduced, tesseract };
        let args = ["program".into(), "__parse-worker".into()].into_iter().chain(request.to_args());
        assert_eq!(PictureRequest::of_args(args).unwrap(), request);
        assert!(PictureRequest::of_args(["program".into(), "__parse-worker".into()].into_iter()).is_none());
    }

    #[test]
    fn what_is_missing_is_named() {
        let nowhere = Tesseract::find(Some("/does/not/exist".into()), &[]).unwrap_err();
        assert!(nowhere.advice().contains("apt install tesseract-ocr"), "{}", nowhere.advice());
        assert!(matches!(nowhere, OcrError::NotFound));
        assert!(matches!(Tesseract::find(None, &[]), Err(OcrError::NotFound)));
    }
}
