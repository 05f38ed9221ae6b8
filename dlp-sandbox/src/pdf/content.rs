//! The plain reading: interprets a page's description just far enough to get its text in order.
//!
//! It follows form objects with a bound on depth and number, so drawings that draw themselves end. It places words by
//! the start and width of shown strings, without kerning tables or clipping. It also counts how much text the page
//! shows, which the yield of the engine is measured by.

use super::fonts::{Font, Shown, without_font};
use super::matrix::Matrix;
use super::objects;
use super::streams::{Unpacked, unpack};
use super::tokens::{Token, Tokens};
use pdf_extract::{Dictionary, Document, Object, ObjectId, Stream};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Forms in forms.
const FORM_DEPTH_MAX: u32 = 16;
/// Forms drawn by one page. Maps and plans draw thousands.
const FORMS_MAX: u32 = 10_000;
/// Tokens read for one page, forms repeated. The biggest honest pages have a few million.
const TOKENS_MAX: u64 = 20_000_000;
/// Operands of one operator; arrays of the operator `TJ` can be long.
const OPERANDS_MAX: usize = 100_000;
/// Saved graphics states.
const STATES_MAX: usize = 1_000;

/// What a page holds.
#[derive(Debug, Default)]
pub(super) struct PageText {
    pub(super) text: String,
    /// Codes that the page shows, in its forms too.
    pub(super) codes: usize,
    /// Text that annotations draw over the page: what a form field shows.
    pub(super) appearances: String,
    /// What some codes mean was guessed.
    pub(super) guessed: bool,
    /// Bytes of its description, those of forms not counted.
    pub(super) description_bytes: u64,
    /// Images that it draws.
    pub(super) images: usize,
    /// Those of them that have objects of their own.
    pub(super) pictures: Vec<ObjectId>,
    /// A stream was larger than the bound.
    pub(super) too_large: bool,
    /// A stream was packed with a filter that is not read.
    pub(super) opaque: bool,
    /// A stream breaks off, or is missing where the page asks for one.
    pub(super) torn: bool,
    /// It was left before its end.
    pub(super) too_much: bool,
    /// A form draws itself or nests too deep; an engine without guard would not survive it.
    pub(super) circular: bool,
}

/// Fonts of a document that were read already, by the place of their dictionary.
pub(super) type Fonts = BTreeMap<*const Dictionary, Rc<Font>>;

/// Fonts kept; documents put together from many others have thousands.
const FONTS_MAX: usize = 4_096;

/// Reads a page.
pub(super) fn read(document: &Document, page: &Dictionary, fonts: &mut Fonts, stream_bytes_max: u64) -> PageText {
    let mut reader =
        Reader { document, stream_bytes_max, found: PageText::default(), fonts, forms: 0, tokens: 0, last_end: None };
    let description = reader.description(page);
    let resources = inherited(document, page, b"Resources").and_then(objects::as_dictionary);
    reader.found.description_bytes = description.len() as u64;
    reader.run(&description, resources, Matrix::IDENTITY, 0);
    let (text, codes) = (std::mem::take(&mut reader.found.text), reader.found.codes);
    reader.draw_annotations(page);
    reader.found.appearances = std::mem::replace(&mut reader.found.text, text);
    reader.found.codes = codes;
    reader.found
}

/// A value of the page or of a node above it.
fn inherited<'a>(document: &'a Document, page: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
    /// Levels of a page tree; balanced trees of a million pages have a few.
    const LEVELS_MAX: usize = 64;
    let above = |node: &&'a Dictionary| objects::dictionary(document, node, b"Parent");
    std::iter::successors(Some(page), above).take(LEVELS_MAX).find_map(|node| objects::get(document, node, key))
}

struct Reader<'a, 'f> {
    document: &'a Document,
    stream_bytes_max: u64,
    found: PageText,
    fonts: &'f mut Fonts,
    forms: u32,
    tokens: u64,
    /// Where the last shown string ended on the page, and its size.
    last_end: Option<(f64, f64, f64)>,
}

/// Graphics and text state.
#[derive(Clone)]
struct State {
    page: Matrix,
    text: Matrix,
    line: Matrix,
    font: Option<Rc<Font>>,
    size: f64,
    leading: f64,
    scaling: f64,
    character_space: f64,
    word_space: f64,
}

impl State {
    fn new(page: Matrix) -> Self {
        Self {
            page,
            text: Matrix::IDENTITY,
            line: Matrix::IDENTITY,
            font: None,
            size: 1.0,
            leading: 0.0,
            scaling: 1.0,
            character_space: 0.0,
            word_space: 0.0,
        }
    }

    fn next_line(&mut self, x: f64, y: f64) {
        self.line = Matrix::shift(x, y).then(&self.line);
        self.text = self.line;
    }

    fn advance(&mut self, thousandths: f64) {
        let step = thousandths / 1_000.0 * self.size * self.scaling;
        self.text = Matrix::shift(step, 0.0).then(&self.text);
    }
}

/// What operators work on.
enum Operand {
    Number(f64),
    Text(Vec<u8>),
    Name(Vec<u8>),
}

impl<'a> Reader<'a, '_> {
    /// The streams of the page's description in a row.
    fn description(&mut self, page: &'a Dictionary) -> Vec<u8> {
        let streams: Vec<&Stream> = match page.get(b"Contents").ok() {
            None | Some(Object::Null) => Vec::new(),
            Some(contents) => match objects::resolve(self.document, contents) {
                Some(Object::Array(parts)) => parts.iter().filter_map(|part| self.part(part)).collect(),
                Some(_) | None => self.part(contents).into_iter().collect(),
            },
        };
        let mut description = Vec::new();
        for stream in streams {
            description.extend_from_slice(&self.unpacked(stream));
            description.push(b'\n');
            if description.len() as u64 > self.stream_bytes_max {
                self.found.too_large = true;
                break;
            }
        }
        description
    }

    /// A stream of the description. One that is not there is a loss: its object may be too broken to be loaded.
    fn part(&mut self, part: &'a Object) -> Option<&'a Stream> {
        let stream = objects::resolve(self.document, part).and_then(|part| part.as_stream().ok());
        self.found.torn |= stream.is_none();
        stream
    }

    fn unpacked(&mut self, stream: &Stream) -> Vec<u8> {
        let unpacked = unpack(self.document, stream, self.stream_bytes_max);
        match unpacked {
            Unpacked::Bytes(_) => {}
            Unpacked::Torn(_) => self.found.torn = true,
            Unpacked::TooLarge => self.found.too_large = true,
            Unpacked::Opaque => self.found.opaque = true,
        }
        unpacked.readable().unwrap_or_default()
    }

    fn run(&mut self, description: &[u8], resources: Option<&'a Dictionary>, page: Matrix, depth: u32) {
        let mut tokens = Tokens::new(description);
        let mut operands: Vec<Operand> = Vec::new();
        let mut states = Vec::new();
        let mut state = State::new(page);
        while let Some(token) = tokens.next() {
            self.tokens += 1;
            if self.tokens > TOKENS_MAX {
                self.found.too_much = true;
                return;
            }
            let operand = match token {
                Token::Number(number) => Operand::Number(number),
                Token::Text(text) | Token::Hex(text) => Operand::Text(text),
                Token::Name(name) => Operand::Name(name),
                Token::Open | Token::Close | Token::Dictionary => continue,
                Token::Word(word) => {
                    match word {
                        b"ID" => tokens.skip_image_data(),
                        b"q" if states.len() < STATES_MAX => states.push(state.clone()),
                        b"Q" => state = states.pop().unwrap_or(state),
                        b"Do" => self.draw(&operands, resources, &state, depth),
                        b"Tf" => self.choose_font(&operands, resources, &mut state),
                        word => self.operate(word, &operands, &mut state),
                    }
                    operands.clear();
                    continue;
                }
            };
            if operands.len() < OPERANDS_MAX {
                operands.push(operand);
            }
        }
    }

    /// Operators that move or show text.
    fn operate(&mut self, operator: &[u8], operands: &[Operand], state: &mut State) {
        let number = |index: usize| match operands.get(index) {
            Some(Operand::Number(number)) => *number,
            _ => 0.0,
        };
        match operator {
            b"BT" => {
                state.line = Matrix::IDENTITY;
                state.text = Matrix::IDENTITY;
            }
            b"cm" => state.page = matrix(operands).then(&state.page),
            b"Tm" => {
                state.line = matrix(operands);
                state.text = state.line;
            }
            b"Td" => state.next_line(number(0), number(1)),
            b"TD" => {
                state.leading = -number(1);
                state.next_line(number(0), number(1));
            }
            b"T*" => state.next_line(0.0, -state.leading),
            b"TL" => state.leading = number(0),
            b"Tz" => state.scaling = number(0) / 100.0,
            b"Tc" => state.character_space = number(0),
            b"Tw" => state.word_space = number(0),
            b"Tj" | b"TJ" => self.show_all(operands, state),
            b"'" => {
                state.next_line(0.0, -state.leading);
                self.show_all(operands, state);
            }
            b"\"" => {
                (state.word_space, state.character_space) = (number(0), number(1));
                state.next_line(0.0, -state.leading);
                self.show_all(operands.get(2..).unwrap_or(&[]), state);
            }
            b"EI" => self.found.images += 1,
            _ => {}
        }
    }

    fn show_all(&mut self, operands: &[Operand], state: &mut State) {
        for operand in operands {
            match operand {
                Operand::Text(bytes) => self.show(bytes, state),
                Operand::Number(thousandths) => state.advance(-thousandths),
                Operand::Name(_) => {}
            }
        }
    }

    fn show(&mut self, bytes: &[u8], state: &mut State) {
        let shown = state.font.as_ref().map_or_else(|| without_font(bytes), |font| font.show(bytes));
        self.found.codes += shown.codes;
        self.found.guessed |= shown.guessed;
        let start = state.text.then(&state.page);
        let em = state.size * state.font.as_ref().map_or(1.0, |font| font.em());
        self.separate(&start, em * start.stretch());
        self.found.text.push_str(&shown.text);
        state.advance(width(&shown, state));
        let end = state.text.then(&state.page);
        self.last_end = Some((end.e, end.f, em * end.stretch()));
    }

    /// Puts between two shown strings what a reader sees between them.
    fn separate(&mut self, start: &Matrix, size: f64) {
        let Some((x, y, last_size)) = self.last_end else { return };
        let size = size.abs().max(last_size.abs()).max(f64::MIN_POSITIVE);
        let (right, up) = ((start.e - x) / size, (start.f - y).abs() / size);
        // A fifth of an em is narrower than any space and wider than any kerning; half an em up or down is a new line,
        // while smaller shifts are exponents.
        let separator = match () {
            () if up > 0.5 => '\n',
            () if right > 0.2 => ' ',
            // Back to the left on the same line: columns drawn out of order, or shadows.
            () if right < -1.0 => '\n',
            () => return,
        };
        if !self.found.text.ends_with([' ', '\n']) {
            self.found.text.push(separator);
        }
    }

    fn choose_font(&mut self, operands: &[Operand], resources: Option<&'a Dictionary>, state: &mut State) {
        if let Some(Operand::Number(size)) = operands.get(1) {
            state.size = *size;
        }
        let Some(Operand::Name(name)) = operands.first() else { return };
        let fonts = resources.and_then(|resources| objects::dictionary(self.document, resources, b"Font"));
        let font = fonts.and_then(|fonts| objects::dictionary(self.document, fonts, name));
        state.font = font.map(|font| self.font(font));
    }

    fn font(&mut self, font: &Dictionary) -> Rc<Font> {
        if self.fonts.len() >= FONTS_MAX {
            self.fonts.clear();
        }
        let known = self.fonts.entry(std::ptr::from_ref(font));
        Rc::clone(known.or_insert_with(|| Rc::new(Font::of(self.document, font))))
    }

    fn draw(&mut self, operands: &[Operand], resources: Option<&'a Dictionary>, state: &State, depth: u32) {
        let Some(Operand::Name(name)) = operands.first() else { return };
        let objects_drawn = resources.and_then(|resources| objects::dictionary(self.document, resources, b"XObject"));
        // A name that the resources do not list draws nothing.
        let Some(drawn) = objects_drawn.and_then(|all| all.get(name).ok()) else { return };
        let Some(form) = self.part(drawn) else { return };
        if objects::name(self.document, &form.dict, b"Subtype") == Some(b"Image") {
            self.found.images += 1;
            self.found.pictures.extend(drawn.as_reference().ok());
            return;
        }
        self.draw_form(form, resources, &state.page, depth);
    }

    /// Every state of every annotation, shown or not.
    fn draw_annotations(&mut self, page: &'a Dictionary) {
        for annotation in objects::array(self.document, page, b"Annots") {
            let annotation = objects::resolve(self.document, annotation).and_then(objects::as_dictionary);
            let normal = annotation
                .and_then(|annotation| objects::dictionary(self.document, annotation, b"AP"))
                .and_then(|appearance| objects::get(self.document, appearance, b"N"));
            self.last_end = None;
            match normal {
                Some(Object::Stream(form)) => self.draw_form(form, None, &Matrix::IDENTITY, 0),
                Some(Object::Dictionary(states)) => {
                    for (_, state) in states {
                        if let Some(Object::Stream(form)) = objects::resolve(self.document, state) {
                            self.draw_form(form, None, &Matrix::IDENTITY, 0);
                        }
                    }
                }
                _ => continue,
            }
            self.found.text.push('\n');
        }
    }

    fn draw_form(&mut self, form: &'a Stream, resources: Option<&'a Dictionary>, page: &Matrix, depth: u32) {
        self.forms += 1;
        if depth >= FORM_DEPTH_MAX || self.forms > FORMS_MAX {
            self.found.circular |= depth >= FORM_DEPTH_MAX;
            self.found.too_much = true;
            return;
        }
        let placed = Matrix::of(objects::array(self.document, &form.dict, b"Matrix")).then(page);
        let own = objects::dictionary(self.document, &form.dict, b"Resources").or(resources);
        let description = self.unpacked(form);
        self.run(&description, own, placed, depth + 1);
    }
}

/// Width of a shown string in thousandths of the font size, with the spacing that the state adds.
fn width(shown: &Shown, state: &State) -> f64 {
    let size = if state.size == 0.0 { 1.0 } else { state.size };
    let spacing = state.character_space * shown.codes as f64 + state.word_space * shown.spaces as f64;
    shown.width + spacing * 1_000.0 / size
}

fn matrix(operands: &[Operand]) -> Matrix {
    let number = |index: usize, otherwise: f64| match operands.get(index) {
        Some(Operand::Number(number)) => *number,
        _ => otherwise,
    };
    Matrix {
        a: number(0, 1.0),
        b: number(1, 0.0),
        c: number(2, 0.0),
        d: number(3, 1.0),
        e: number(4, 0.0),
        f: number(5, 0.0),
    }
}

/// The page dictionaries of a document by number. A document whose tree leads nowhere still has its page objects.
pub(super) fn pages(document: &Document) -> (Vec<ObjectId>, bool) {
    let pages: Vec<ObjectId> = document.page_iter().collect();
    if !pages.is_empty() {
        return (pages, true);
    }
    let is_page = |object: &Object| objects::as_dictionary(object).is_some_and(|object| object.has_type(b"Page"));
    (document.objects.iter().filter(|(_, object)| is_page(object)).map(|(id, _)| *id).collect(), false)
}
