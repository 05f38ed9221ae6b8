//! Documents written by hand, and a parser that collects what is found in them.
#![allow(dead_code, reason = "each test file uses its own part of this")]

use dlp_core::base::{Limits, Problem};
use dlp_core::content::{Flow, Kind, Outcome, Place, RiskyFrame, RiskyParser};
use dlp_sandbox::{SandboxedParser, WorkerCommand};
use std::io::{Read as _, Write};

/// A parser whose workers are this crate's own binary.
pub(crate) fn parser() -> SandboxedParser {
    SandboxedParser::new(command())
}

/// The command that starts this crate's own binary.
pub(crate) fn command() -> WorkerCommand {
    WorkerCommand { program: env!("CARGO_BIN_EXE_dlp-parse-worker").into(), args: Vec::new() }
}

/// What a document held: `role[:name][@page]` and text, children, problems.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) outcome: Outcome,
    pub(crate) texts: Vec<(String, String)>,
    pub(crate) children: Vec<(String, Vec<u8>)>,
    /// Names of files that could not be read, and why.
    pub(crate) closed: Vec<(String, &'static str)>,
    pub(crate) problems: Vec<Problem>,
}

impl Read {
    /// Everything that was found at a place.
    pub(crate) fn at(&self, place: &str) -> String {
        let texts = self.texts.iter().filter(|(at, _)| at == place).map(|(_, text)| text.trim());
        texts.collect::<Vec<_>>().join("\n")
    }

    /// Whether any text holds this.
    pub(crate) fn has(&self, needle: &str) -> bool {
        self.texts.iter().any(|(_, text)| text.contains(needle))
    }

    pub(crate) fn reasons(&self) -> Vec<&'static str> {
        self.problems.iter().map(|problem| problem.reason).collect()
    }
}

pub(crate) fn read(document: &[u8]) -> Read {
    read_with(&parser(), document, &Limits::inline())
}

pub(crate) fn read_with(parser: &SandboxedParser, document: &[u8], limits: &Limits) -> Read {
    read_kind(parser, Kind::Pdf, document, limits)
}

pub(crate) fn read_kind(parser: &SandboxedParser, kind: Kind, document: &[u8], limits: &Limits) -> Read {
    let (mut texts, mut children, mut closed, mut problems) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let outcome = parser.parse(kind, document, limits, &mut |frame| {
        match frame {
            RiskyFrame::Text(segment) => {
                let mut at = segment.part.role.as_str().to_owned();
                if !segment.part.name.is_empty() {
                    at = format!("{at}:{}", segment.part.name);
                }
                if let Place::Page(page) = segment.place {
                    at = format!("{at}@{page}");
                }
                texts.push((at, String::from_utf8(segment.text.to_vec()).expect("text is UTF-8")));
            }
            RiskyFrame::Child { name, bytes } => children.push((name.to_owned(), bytes.to_vec())),
            RiskyFrame::File { name, mut content } => {
                let mut bytes = Vec::new();
                content.read_to_end(&mut bytes).expect("the worker sends all of it");
                children.push((name.to_owned(), bytes));
            }
            RiskyFrame::Closed { name, problem } => closed.push((name.to_owned(), problem.reason)),
            RiskyFrame::Picture { page, bytes } => children.push((format!("picture@{page}"), bytes.to_vec())),
            RiskyFrame::Problem(problem) => problems.push(problem),
        }
        Flow::Continue
    });
    Read { outcome, texts, children, closed, problems }
}

/// Writes a document object by object.
#[derive(Default)]
pub(crate) struct Pdf {
    objects: Vec<Vec<u8>>,
    pages: Vec<usize>,
    trailer: String,
    catalog: String,
}

/// The catalogue and the page tree come first.
const RESERVED: usize = 2;

impl Pdf {
    /// Adds an object and returns its number.
    pub(crate) fn object(&mut self, body: impl AsRef<[u8]>) -> usize {
        self.objects.push(body.as_ref().to_vec());
        RESERVED + self.objects.len()
    }

    /// Number of the object that is added next.
    pub(crate) fn next(&self) -> usize {
        RESERVED + self.objects.len() + 1
    }

    pub(crate) fn stream(&mut self, dictionary: &str, content: impl AsRef<[u8]>) -> usize {
        let content = content.as_ref();
        let head = format!("<< {dictionary} /Length {} >>\nstream\n", content.len());
        self.object([head.as_bytes(), content, b"\nendstream"].concat())
    }

    /// A page with this description and these resources.
    pub(crate) fn page_with(&mut self, resources: &str, description: &str, more: &str) -> usize {
        let contents = self.stream("", description);
        self.page_of(contents, resources, more)
    }

    pub(crate) fn page_of(&mut self, contents: usize, resources: &str, more: &str) -> usize {
        let page = self.object(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {contents} 0 R /Resources << {resources} >> \
             {more} >>"
        ));
        self.pages.push(page);
        page
    }

    /// A page of this object.
    pub(crate) fn page_object(&mut self, body: &str) -> usize {
        let page = self.object(body);
        self.pages.push(page);
        page
    }

    /// A page that shows one line in a standard font.
    pub(crate) fn page(&mut self, text: &str) -> &mut Self {
        self.page_with(FONTS, &format!("BT /F1 12 Tf 50 700 Td ({text}) Tj ET"), "");
        self
    }

    /// A page whose text no reading understands, with more operators in front: the engine has to try it.
    pub(crate) fn riddle(&mut self, resources: &str, operators: &str) -> usize {
        let font = "/Font << /F2 << /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts \
                    [<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X >>] >> >>";
        let codes = "0101".repeat(40);
        let description = format!("{operators}\nBT /F2 12 Tf 50 700 Td <{codes}> Tj ET");
        self.page_with(&format!("{font} {resources}"), &description, "")
    }

    /// Replaces a piece of an object.
    pub(crate) fn amend(&mut self, number: usize, from: &str, to: &str) {
        let object = &mut self.objects[number - RESERVED - 1];
        let body = String::from_utf8(object.clone()).expect("an object in ASCII");
        assert!(body.contains(from), "{body}");
        *object = body.replace(from, to).into_bytes();
    }

    pub(crate) fn trailer(&mut self, entries: &str) -> &mut Self {
        self.trailer.push_str(entries);
        self
    }

    pub(crate) fn catalog(&mut self, entries: &str) -> &mut Self {
        self.catalog.push_str(entries);
        self
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let kids: String = self.pages.iter().map(|page| format!("{page} 0 R ")).collect();
        let catalog = format!("<< /Type /Catalog /Pages 2 0 R {} >>", self.catalog);
        let tree = format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", self.pages.len());
        let mut bytes = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
        let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", RESERVED + self.objects.len() + 1);
        let bodies = [catalog.into_bytes(), tree.into_bytes()].into_iter().chain(self.objects.iter().cloned());
        for (number, body) in (1..).zip(bodies) {
            table.push_str(&format!("{:010} 00000 n \n", bytes.len()));
            bytes.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
            bytes.extend_from_slice(&body);
            bytes.extend_from_slice(b"\nendobj\n");
        }
        let at = bytes.len();
        let size = RESERVED + self.objects.len() + 1;
        let trailer = format!("trailer\n<< /Size {size} /Root 1 0 R {} >>\nstartxref\n{at}\n%%EOF\n", self.trailer);
        [bytes, table.into_bytes(), trailer.into_bytes()].concat()
    }
}

/// Resources of pages with plain text.
pub(crate) const FONTS: &str = "/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>";

pub(crate) fn document(text: &str) -> Vec<u8> {
    let mut pdf = Pdf::default();
    pdf.page(text);
    pdf.build()
}

pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("writing to memory");
    encoder.finish().expect("writing to memory")
}

/// One byte that unpacks to so many MiB of itself.
pub(crate) fn bomb(byte: u8, mib: usize) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    let run = vec![byte; 1024 * 1024];
    for _ in 0..mib {
        encoder.write_all(&run).expect("writing to memory");
    }
    encoder.finish().expect("writing to memory")
}
