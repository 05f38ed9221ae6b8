//! What a value is called where it stands: the name before its colon or equals sign, the key of its field, its element.
//!
//! A word that names values counts over some distance, because forms and prose put other things between them. Where the
//! value has a name of its own and that is another one, the word belongs to its neighbour: in `phone: +48 600 123 456,
//! ref: 123456789` the second number is no telephone number. Names that only say that something is a number leave it open.

use super::context::Folded;
use super::vocabulary::{PhraseId, Vocabulary};
use std::ops::Range;

/// Bytes between a name and its value: signs, quotes and blanks.
const SIGNS_MAX: usize = 16;

/// Bytes of a name.
const NAME_BYTES_MAX: usize = 64;

/// Bytes before a name in which the value of another one is looked for.
const BEFORE_BYTES: usize = 256;

/// Digits of a value that a word nearby may name.
const VALUE_DIGITS_MIN: usize = 6;

/// Words that say of a value that it is one, that it tells somebody apart, or which of several it is.
#[rustfmt::skip]
const OPEN_WORDS: &[&str] = &[
    "id", "ids", "no", "nr", "num", "number", "numer", "nummer", "numero", "value", "val", "text", "data", "code",
    "kod", "content", "field", "identifier", "identification", "identity", "document", "doc", "personal", "person",
    "national", "citizen", "tax", "social", "insurance", "home", "work", "mobile", "cell", "office", "private",
    "main", "primary", "secondary", "first", "second", "other", "contact", "day", "evening", "dom", "praca", "privat",
    "business",
];

/// Words of names that numbers of other things have, besides the phrases of detectors.
#[rustfmt::skip]
const OTHER_WORDS: &[&str] = &[
    "ref", "reference", "order", "orders", "invoice", "ticket", "case", "item", "items", "product", "sku", "amount",
    "total", "sum", "price", "quantity", "qty", "count", "size", "length", "offset", "index", "line", "page", "row",
    "version", "build", "port", "batch", "serial", "seq", "sequence", "transaction", "receipt", "shipment", "parcel",
    "tracking", "article", "catalog", "catalogue", "session", "request", "timestamp", "epoch", "hash", "checksum",
    "zamowienie", "zamowienia", "faktura", "faktury", "kwota", "suma", "cena", "ilosc", "pozycja", "partia", "wersja",
    "bestellung", "rechnung", "betrag", "menge", "commande", "facture", "montant", "pedido", "factura", "importe",
    "ordine", "fattura", "importo",
];

/// Words that say of a name that it is one of numbers.
const NUMBER_WORDS: &[&str] = &["id", "ids", "no", "nr", "num", "code", "kod"];

/// The name of a value, if it has one of its own, and what it says: read once for all detectors that accept the value.
#[derive(Debug, Default)]
pub(super) struct OwnName {
    /// Where the value begins.
    at: Option<usize>,
    name: Option<Range<usize>>,
    folded: Vec<u8>,
    /// The phrases in it.
    phrases: Vec<PhraseId>,
    /// Whether it leaves open what the value is.
    is_open: bool,
    follows_value: Option<bool>,
}

impl OwnName {
    /// Another text follows.
    pub(super) fn forget(&mut self) {
        self.at = None;
    }

    /// Of the value that begins at a place.
    pub(super) fn read(&mut self, (text, at): (&[u8], usize), vocabulary: &Vocabulary) -> &mut Self {
        if self.at.replace(at) == Some(at) {
            return self;
        }
        self.name = name_of(text, at);
        self.folded = self.name.clone().map_or_else(Vec::new, |name| Folded::of(&text[name]));
        self.phrases.clear();
        vocabulary.spell(&self.folded, &mut |phrase| self.phrases.push(phrase));
        let has_letter = |word: &&[u8]| word.iter().any(u8::is_ascii_lowercase);
        let is_open = self.words().filter(has_letter).all(|word| is_among(word, OPEN_WORDS));
        self.is_open = is_open;
        self.follows_value = None;
        self
    }

    fn words(&self) -> impl Iterator<Item = &[u8]> {
        self.folded.split(|byte| *byte == b' ')
    }

    fn has(&self, phrases: &[PhraseId]) -> bool {
        self.phrases.iter().any(|phrase| phrases.contains(phrase))
    }

    /// Whether it is none of these phrases and does not leave open what the value is.
    pub(super) fn is_another(&self, phrases: [&[PhraseId]; 2]) -> bool {
        !self.is_open && !phrases.into_iter().any(|list| self.has(list))
    }

    /// Whether other numbers have it and these phrases do not: persons and places before their numbers are told apart by
    /// names that say nothing about what these are.
    pub(super) fn is_of_other_number(&self, phrases: [&[PhraseId]; 2]) -> bool {
        let is_of_number = |word: &[u8]| is_among(word, OTHER_WORDS) || is_among(word, NUMBER_WORDS);
        self.is_another(phrases) && (!self.phrases.is_empty() || self.words().any(is_of_number))
    }

    /// Whether it has one of some phrases and none of others.
    pub(super) fn is_one_of(&self, phrases: &[PhraseId], others: &[PhraseId]) -> bool {
        self.has(phrases) && !self.has(others)
    }

    /// Whether another value stands before it, which words before that may name.
    pub(super) fn follows_value(&mut self, text: &[u8]) -> bool {
        let Some(name) = &self.name else { return false };
        *self.follows_value.get_or_insert_with(|| has_value(&text[name.start.saturating_sub(BEFORE_BYTES)..name.start]))
    }
}

fn is_among(word: &[u8], words: &[&str]) -> bool {
    words.iter().any(|other| other.as_bytes() == word)
}

/// Whether a value stands in a text, that a word nearby may name.
fn has_value(text: &[u8]) -> bool {
    let runs = text.split(|byte| !matches!(byte, b'0'..=b'9' | b' ' | b'-' | b'.' | b'/' | b'(' | b')'));
    let digits = |word: &[u8]| word.iter().filter(|byte| byte.is_ascii_digit()).count();
    let digits_of =
        |run: &[u8]| run.split(|byte| *byte == b' ').filter(|word| !is_date(word)).map(digits).sum::<usize>();
    runs.map(digits_of).any(|digits| digits >= VALUE_DIGITS_MIN)
}

/// A day, with its year in front or at the end.
fn is_date(word: &[u8]) -> bool {
    let word = word.trim_ascii_end();
    let word = word.strip_suffix(b".").unwrap_or(word);
    let mut parts = word.split(|byte| matches!(byte, b'-' | b'.' | b'/'));
    let mut number = || {
        let part = parts.next().filter(|part| (1..=4).contains(&part.len()))?;
        part.iter().try_fold(0, |number: u32, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')))
    };
    let (Some(first), Some(middle), Some(last)) = (number(), number(), number()) else { return false };
    let is_year = |number: u32| (1900..2100).contains(&number);
    let is_day = |day: u32, month: u32| (1..=31).contains(&day) && (1..=12).contains(&month);
    let is_whole = parts.next().is_none();
    is_whole
        && (is_year(first) && is_day(last, middle) || is_year(last) && (is_day(first, middle) || is_day(middle, first)))
}

/// The name before a value, on its line: `name: value`, `"name": "value"`, `name = value`, `<name>value`.
fn name_of(text: &[u8], at: usize) -> Option<Range<usize>> {
    let head = &text[at.saturating_sub(SIGNS_MAX + NAME_BYTES_MAX)..at];
    let start = at - head.len();
    let signs = head.iter().rev().take(SIGNS_MAX).take_while(|byte| is_sign(**byte)).count();
    let end = head.len() - signs;
    let is_field = head[end..].iter().any(|byte| matches!(byte, b':' | b'='));
    let is_element = head[end..] == *b">";
    if !is_field && !is_element {
        return None;
    }
    let is_letter = |at: usize| head.get(at).is_some_and(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii());
    let is_end = |at: usize| {
        ends_name(head[at], is_element) && !(head[at] == b'\'' && is_letter(at + 1) && is_letter(at.wrapping_sub(1)))
    };
    let name_len = (0..end).rev().take_while(|at| !is_end(*at)).count();
    let name = &head[end - name_len..end];
    let blanks = name.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let is_whole = name_len < end || start == 0;
    (blanks < name_len && is_whole).then(|| start + end - name_len + blanks..start + end)
}

fn ends_name(byte: u8, is_element: bool) -> bool {
    if is_element {
        return matches!(byte, b'<' | b'\n' | b'\r' | b'/');
    }
    matches!(
        byte,
        b',' | b';'
            | b'{'
            | b'}'
            | b'|'
            | b'"'
            | b'\''
            | b'`'
            | b'<'
            | b'>'
            | b'&'
            | b'?'
            | b'('
            | b')'
            | b'['
            | b']'
            | b'\n'
            | b'\r'
            | b'\t'
    )
}

fn is_sign(byte: u8) -> bool {
    matches!(byte, b':' | b'=' | b'>' | b' ' | b'\t' | b'"' | b'\'' | b'`' | b'\\' | b'[' | b'(')
}

#[cfg(test)]
mod tests {
    use super::super::vocabulary::Builder;
    use super::*;
    use dlp_detector_format::Context;

    /// The name of the value in a text, with what tells its phrases.
    fn name_in(text: &[u8], vocabulary: &Vocabulary) -> OwnName {
        let mut name = OwnName::default();
        let at = text.iter().position(|byte| *byte == b'@').expect("mark");
        name.read((text, at), vocabulary);
        name
    }

    #[test]
    fn what_has_another_name_is_told() {
        let rows = [
            ("phone: +48 600 123 456, ref: @", true, true),
            (r#"{"phone": "+48 600 123 456", "order_no": "@"}"#, true, true),
            (r#"{"phone": "+48 600 123 456", "orderNo":@}"#, true, true),
            ("<phone>600123456</phone><account>@</account>", true, true),
            ("phone=600123456&amount=@", true, true),
            ("Phone: 600123456\nPESEL: @", true, true),
            ("Phone (private): @", false, false),
            ("phone: @", false, false),
            ("my phone: @", false, false),
            ("<phone>@</phone>", false, false),
            ("600123456 phone of Ann's: @", false, false),
            (r#"["phone's: 600123456","phone's: @"]"#, false, true),
            (r#"{"phone": {"home": "600123456", "work": "@"}}"#, false, true),
            (r#"{"phone": {"number": "@"}}"#, false, false),
            ("phone of Ann: 12\nof Bob: @", true, false),
            ("phone, @", false, false),
            ("phone 600123456, @", false, false),
            ("phone: 600123456\n@", false, false),
            (": @", false, false),
            ("@", false, false),
        ];
        for (text, expected, follows) in rows {
            let mut builder = Builder::default();
            let phrases = builder.phrases(&Context { strong: vec!["phone".to_owned()], ..Context::default() });
            let mut name = name_in(text.as_bytes(), &builder.build());
            assert_eq!(name.is_another([&phrases.strong, &phrases.weak]), expected, "{text}");
            assert_eq!(name.follows_value(text.as_bytes()), follows, "{text}");
        }
    }

    #[test]
    fn names_of_persons_are_none_of_other_numbers() {
        let rows = [
            ("phones\nJan: 600 123 456\nEwa: @", false),
            ("phones\nJohn Smith: 600 123 456\nMary Jones: @", false),
            ("phones\nhome: 600 123 456\ndesk: @", false),
            ("phone: 600 123 456, ref: @", true),
            (r#"{"phone": "600 123 456", "orderNo": @}"#, true),
            (r#"{"phone": "600 123 456", "shop_id": @}"#, true),
            ("phone: 600 123 456\nAmount due: @", true),
            ("phone: 600 123 456\nPESEL: @", true),
            ("phone: 600 123 456\norder phone: @", false),
        ];
        for (text, expected) in rows {
            let mut builder = Builder::default();
            let [phrases, _] = ["phone", "pesel"]
                .map(|phrase| builder.phrases(&Context { strong: vec![phrase.to_owned()], ..Context::default() }));
            let name = name_in(text.as_bytes(), &builder.build());
            assert_eq!(name.is_of_other_number([&phrases.strong, &phrases.weak]), expected, "{text}");
        }
    }

    #[test]
    fn dates_are_no_values() {
        let rows = [
            ("phones, 2026-11-23\nref: @", false),
            ("phones, 23.11.2026.\nref: @", false),
            ("phones 11/23/2026 12\nref: @", false),
            ("phones 2026-13-23\nref: @", true),
            ("phone 12345/67/8901\nref: @", true),
            ("phone 2026-11-23 600 123 456\nref: @", true),
        ];
        for (text, expected) in rows {
            let mut name = name_in(text.as_bytes(), &Builder::default().build());
            assert_eq!(name.follows_value(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_name_that_says_what_its_value_is_is_told() {
        let rows = [
            (r#"{"order": "20394857", "phone": "@"}"#, true),
            ("order 20394857\nphone = @", true),
            ("phone of the order: @", false),
            ("phone, order: @", false),
            ("order: 7 phone @", false),
        ];
        for (text, expected) in rows {
            let mut builder = Builder::default();
            let lists = ["phone", "order"].map(|phrase| vec![phrase.to_owned()]);
            let [strong, negative] = lists;
            let phrases = builder.phrases(&Context { strong, negative, ..Context::default() });
            let name = name_in(text.as_bytes(), &builder.build());
            assert_eq!(name.is_one_of(&phrases.strong, &phrases.negative), expected, "{text}");
        }
    }

    #[test]
    fn a_name_that_is_cut_is_none() {
        let text = format!("{}: 600123456", "long ".repeat(40));
        assert_eq!(name_of(text.as_bytes(), text.len() - 9), None);
    }
}
