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
    Completeness, Extraction, Flow, Input, ItemStart, Outcome, Place, RiskyParser, Segment, Sink, extract,
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
    let said = printer.finish()?;
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
            problems: Vec::new(),
            failed: None,
        }
    }

    /// Ends the text and says what is missing from it. Whether there was anything to say.
    fn finish(mut self) -> Result<bool, CliError> {
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
        self.part = None;
        self.container.pop();
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
