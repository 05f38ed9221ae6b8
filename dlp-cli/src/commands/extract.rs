//! `dlp extract`: the text that a scan would see.

use crate::cli::{DetectorChoice, ExtractArgs, ExtractFormat};
use crate::engine;
use crate::error::CliError;
use crate::exit;
use crate::input::{self, Opened};
use crate::say;
use crate::scan::examine::masked_name;
use crate::scan::stop::within;
use crate::scan::walk::STDIN;
use dlp_core::base::{Limits, Problem};
use dlp_core::content::{
    Completeness, Extraction, Flow, Input, ItemStart, Join, Outcome, Place, RiskyParser, Role, Segment, Sink, extract,
};
use dlp_core::matching::DetectorSet;
use dlp_core::output::{escape, escape_lines};
use serde_json::json;
use std::collections::HashMap;
use std::io::{self, BufWriter, IsTerminal as _, Write};

/// Names that are remembered.
const NAMES_MAX: usize = 1024;

/// Prints the text.
pub(crate) fn run(args: &ExtractArgs) -> Result<u8, CliError> {
    let names = engine::engine(&DetectorChoice::default())?.names;
    let path = masked_name(&names, &args.file.to_string_lossy());
    let out = BufWriter::new(io::stdout().lock());
    let mut printer = Printer::new(out, args.format, io::stdout().is_terminal(), path, names);
    let outcome = walk(args, &mut printer)?;
    let has_unread_pictures = printer.has_pictures && args.ocr.ocr.is_none();
    let said = printer.finish()?;
    if has_unread_pictures {
        say("text in pictures is read with --ocr only");
    }
    if outcome.completeness == Completeness::Complete {
        return Ok(exit::CLEAN);
    }
    if !said {
        say(&format!("{}: {}", outcome.completeness, outcome.reason));
    }
    Ok(exit::INCOMPLETE)
}

fn walk(args: &ExtractArgs, printer: &mut Printer<impl Write>) -> Result<Outcome, CliError> {
    let name = args.file.to_string_lossy();
    let risky = engine::risky_parser_with(&args.ocr)?;
    if args.file.as_os_str() == STDIN {
        return Ok(read(&name, Input::Stream(&mut io::stdin().lock()), &*risky, printer));
    }
    Ok(match input::open(&args.file, "pipe its content into `dlp extract -`")? {
        Opened::File(mut file) => read(&name, Input::Seekable(&mut file), &*risky, printer),
        Opened::Stream(mut pipe) => read(&name, Input::Stream(&mut pipe), &*risky, printer),
    })
}

fn read(name: &str, input: Input<'_>, risky: &dyn RiskyParser, printer: &mut Printer<impl Write>) -> Outcome {
    let limits = Limits::batch();
    within(limits.wall_time_max, |cancel| {
        extract(name, input, Extraction { limits: &limits, cancel, risky: Some(risky) }, printer)
    })
}

/// Writes segments as they come.
struct Printer<W: Write> {
    out: W,
    format: ExtractFormat,
    /// Whether characters that a terminal would obey are shown as escapes; pipes get the bytes as they are.
    escapes: bool,
    /// Masks names: the text is what was asked for, the names around it are not.
    names: DetectorSet,
    masked: HashMap<String, String>,
    path: String,
    /// Masked names of the open items, the file itself first.
    container: Vec<String>,
    /// Part of the segment before, in the same item.
    part: Option<String>,
    /// Whether any text was written.
    started: bool,
    /// Texts in the bytes of a file that is none.
    runs: Runs,
    /// Whether a picture was among the items.
    has_pictures: bool,
    problems: Vec<String>,
    failed: Option<io::Error>,
}

impl<W: Write> Printer<W> {
    /// A printer that has written nothing. `path`: the masked name of the file.
    fn new(out: W, format: ExtractFormat, escapes: bool, path: String, names: DetectorSet) -> Self {
        Self {
            out,
            format,
            escapes,
            names,
            masked: HashMap::new(),
            path,
            container: Vec::new(),
            part: None,
            started: false,
            runs: Runs::default(),
            has_pictures: false,
            problems: Vec::new(),
            failed: None,
        }
    }

    /// Ends the text and says what is missing from it. Whether there was anything to say.
    fn finish(mut self) -> Result<bool, CliError> {
        self.end_runs();
        if self.started && self.format == ExtractFormat::Text && self.failed.is_none() {
            self.failed = self.out.write_all(b"\n").err();
        }
        let flushed = self.out.flush();
        if let Some(error) = self.failed.or(flushed.err()) {
            return Err(CliError::stdout(error));
        }
        self.problems.iter().for_each(|line| say(line));
        Ok(!self.problems.is_empty())
    }

    fn write(&mut self, segment: &Segment<'_>) -> io::Result<()> {
        match self.format {
            ExtractFormat::Text => self.write_text(segment),
            ExtractFormat::Jsonl => self.write_json(segment),
        }
    }

    /// A name, masked. Names come again with every segment, so what they look like is remembered.
    fn shown(&mut self, name: &str) -> String {
        if self.masked.len() >= NAMES_MAX {
            self.masked.clear();
        }
        if !self.masked.contains_key(name) {
            self.masked.insert(name.to_owned(), masked_name(&self.names, name));
        }
        self.masked[name].clone()
    }

    /// Inside a part, segments are joined as the engine joins them; a new part starts on a new line.
    fn write_text(&mut self, segment: &Segment<'_>) -> io::Result<()> {
        if segment.part.role == Role::Raw {
            if segment.join != Join::None {
                self.end_runs();
            }
            let runs = self.runs.push(segment.text);
            return self.write_lines(&runs);
        }
        let part = part_name(segment);
        let between: &[u8] = match &self.part {
            Some(before) if *before == part => segment.join.as_bytes(),
            _ if self.started => b"\n",
            _ => b"",
        };
        self.out.write_all(between)?;
        self.part = Some(part);
        self.started = true;
        if self.escapes {
            let text = String::from_utf8_lossy(segment.text);
            return self.out.write_all(escape_lines(&text).as_bytes());
        }
        self.out.write_all(segment.text)
    }

    /// Writes the run with which raw bytes end.
    fn end_runs(&mut self) {
        let mut ended = String::new();
        self.runs.end_into(&mut ended);
        if self.failed.is_none() {
            self.failed = self.write_lines(&ended).err();
        }
    }

    /// Writes lines that belong to no other text.
    fn write_lines(&mut self, lines: &str) -> io::Result<()> {
        let lines = lines.trim_end_matches('\n');
        if lines.is_empty() {
            return Ok(());
        }
        if self.started {
            self.out.write_all(b"\n")?;
        }
        (self.part, self.started) = (None, true);
        let lines = if self.escapes { escape_lines(lines) } else { lines.into() };
        self.out.write_all(lines.as_bytes())
    }

    fn write_json(&mut self, segment: &Segment<'_>) -> io::Result<()> {
        let (page, sheet, row, column) = match segment.place {
            Place::Page(page) => (Some(page), None, None, None),
            Place::Cell { sheet, row, column } => (None, Some(sheet), Some(row), Some(column)),
            Place::Lines(_) | Place::Source(_) | Place::None => (None, None, None, None),
        };
        let line = json!({
            "record": "text",
            "path": self.path,
            "container": self.container.get(1..).unwrap_or_default(),
            "role": segment.part.role.as_str(),
            "part": self.shown(segment.part.name),
            "page": page,
            "sheet": sheet.map(|sheet| self.shown(sheet)),
            "row": row,
            "column": column,
            "join": String::from_utf8_lossy(segment.join.as_bytes()),
            "text": String::from_utf8_lossy(segment.text),
        });
        serde_json::to_writer(&mut self.out, &line)?;
        self.out.write_all(b"\n")
    }
}

impl<W: Write> Sink for Printer<W> {
    fn enter(&mut self, item: &ItemStart<'_>) -> Flow {
        self.end_runs();
        self.has_pictures |= item.kind.is_picture();
        self.part = None;
        self.container.push(masked_name(&self.names, item.name));
        Flow::Continue
    }

    fn text(&mut self, segment: &Segment<'_>) -> Flow {
        match self.write(segment) {
            Ok(()) => Flow::Continue,
            Err(error) => {
                self.failed = Some(error);
                Flow::Stop
            }
        }
    }

    fn problem(&mut self, problem: Problem) {
        let inside: Vec<_> = self.container.iter().skip(1).map(|name| escape(name)).collect();
        let (inside, blank) = (inside.join("!"), if inside.is_empty() { "" } else { ": " });
        let outcome = Outcome::of(&problem).completeness;
        self.problems.push(format!("{outcome}: {inside}{blank}{}", escape(&problem.message)));
    }

    fn leave(&mut self, _outcome: &Outcome) {
        self.end_runs();
        self.part = None;
        self.container.pop();
    }
}

/// Runs of characters in bytes that are no text: what a scan sees of them is what people can read of them.
#[derive(Debug, Default)]
struct Runs {
    /// The run that may go on in the next bytes.
    open: String,
}

impl Runs {
    /// Characters from which on a run is shown. Shorter ones are chance.
    const CHARACTERS_MIN: usize = 4;
    /// Bytes of a run after which it is shown without its end.
    const OPEN_BYTES_MAX: usize = 64 * 1024;

    /// The runs that end in these bytes, each on its line.
    fn push(&mut self, bytes: &[u8]) -> String {
        let mut ended = String::new();
        for character in String::from_utf8_lossy(bytes).chars() {
            if (character.is_control() && character != '\t') || character == char::REPLACEMENT_CHARACTER {
                self.end_into(&mut ended);
            } else {
                self.open.push(character);
            }
            if self.open.len() > Self::OPEN_BYTES_MAX {
                self.end_into(&mut ended);
            }
        }
        ended
    }

    fn end_into(&mut self, ended: &mut String) {
        if self.open.trim().chars().count() >= Self::CHARACTERS_MIN {
            ended.push_str(&self.open);
            ended.push('\n');
        }
        self.open.clear();
    }
}

fn part_name(segment: &Segment<'_>) -> String {
    format!("{}:{}", segment.part.role.as_str(), segment.part.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlp_core::base::Cancel;

    #[test]
    fn bytes_that_are_no_text_are_shown_as_what_people_read_in_them() {
        let names = engine::engine(&DetectorChoice::default()).expect("engine").names;
        let mut out = Vec::new();
        let mut printer = Printer::new(&mut out, ExtractFormat::Text, false, "a".to_owned(), names);
        let (limits, cancel) = (Limits::batch(), Cancel::default());
        let extraction = Extraction { limits: &limits, cancel: &cancel, risky: None };
        extract("a", Input::Bytes(b"\0\x01\xFFab\0first run\x02\x03cde\0\xFE\0last run"), extraction, &mut printer);
        printer.finish().expect("writing to memory succeeds");
        assert_eq!(String::from_utf8_lossy(&out), "first run\nlast run\n");
    }

    #[test]
    fn terminals_get_escapes_and_pipes_the_bytes() {
        let names = engine::engine(&DetectorChoice::default()).expect("engine").names;
        for (escapes, expected) in [(true, "a\tb\\u{1b}[2J\nnext\n"), (false, "a\tb\u{1b}[2J\nnext\n")] {
            let mut out = Vec::new();
            let path = "a.txt".to_owned();
            let mut printer = Printer::new(&mut out, ExtractFormat::Text, escapes, path, names.clone());
            let (limits, cancel) = (Limits::batch(), Cancel::default());
            let extraction = Extraction { limits: &limits, cancel: &cancel, risky: None };
            extract("a.txt", Input::Bytes(b"a\tb\x1b[2J\nnext"), extraction, &mut printer);
            printer.finish().expect("writing to memory succeeds");
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }
}
