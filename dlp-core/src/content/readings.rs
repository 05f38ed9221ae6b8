//! What is encoded in a text, for those who have to replace it where it stands.
//!
//! [`readings`] gives all that `views` hands out of one text, with the bytes that each reading was made from. Of a code
//! like base64 no character can be exchanged alone, so such a reading tells the whole run.

use super::decode::{Derived, Given, Inflated, JOINED, Made, Places, compose, inflate, others, runs};
use super::{MapRun, recognise};
use crate::base::{DECODED_RATIO_MAX, DECODING_DEPTH_MAX};
use crate::text::original_offset;
use std::convert::Infallible;
use std::ops::Range;

/// Decoded bytes that every text may make, however short it is.
const DECODED_BYTES_FREE: usize = 1024 * 1024;

/// A text that was made from a part of another one.
pub(crate) struct Reading {
    /// The text, or the file.
    pub(crate) bytes: Vec<u8>,
    /// The run of code that it stands in; `None` when it was made character by character.
    pub(crate) whole: Option<Range<u64>>,
    /// Whether it is a file and no text.
    pub(crate) is_file: bool,
    /// Whether it is parts put together, so that more has to speak for what is found in it. What was decoded from those
    /// was hardly put together by chance.
    pub(crate) is_mended: bool,
    map: Vec<MapRun>,
}

impl Reading {
    /// The bytes that a span of the reading was made from: those of the run of code, where there is one.
    pub(crate) fn origin(&self, span: Range<u64>) -> Range<u64> {
        self.whole.clone().unwrap_or_else(|| {
            let start = place(&self.map, span.start).unwrap_or(0);
            start..behind(&self.map, span.end).unwrap_or(start)
        })
    }
}

/// The place in the source of a byte of the text.
fn place(map: &[MapRun], at: u64) -> Option<u64> {
    original_offset(map, u32::try_from(at).unwrap_or(u32::MAX))
}

/// Where the places end of the bytes that a span ends with. Many bytes can share one, and codes in a code have runs of
/// their own that do: so it is the next place that is another one.
fn behind(map: &[MapRun], end: u64) -> Option<u64> {
    let end = end_of_group(map, end);
    let (last, next) = (place(map, end.saturating_sub(1))?, place(map, end)?);
    let first = map.partition_point(|run| u64::from(run.text_start) < end);
    let mut later = map[first..].iter().map(|run| run.original_start);
    if next > last { Some(next) } else { later.find(|start| *start > last).or(Some(next)) }
}

/// Where a span ends that takes all bytes of a place that it takes one of.
fn end_of_group(map: &[MapRun], end: u64) -> u64 {
    let next = map.partition_point(|run| u64::from(run.text_start) < end);
    let Some(run) = next.checked_sub(1).and_then(|last| map.get(last)) else { return end };
    let behind = map.get(next).map(|next| u64::from(next.text_start));
    if run.stride == 0 {
        return behind.unwrap_or(end);
    }
    let start = u64::from(run.text_start);
    let whole = start + (end - start).next_multiple_of(u64::from(run.group.max(1)));
    behind.map_or(whole, |behind| whole.min(behind))
}

/// The map of what was made of a text with a map of its own. What ends inside of a place there ends behind that place.
fn led_back(content: &Derived, outer: &[MapRun]) -> Vec<MapRun> {
    let mut map = compose(&content.runs, outer);
    if let (Some(last), Some(end)) = (map.last_mut(), content.runs.last()) {
        last.original_start = behind(outer, end.original_start).unwrap_or(last.original_start);
    }
    map
}

/// Every reading of a text, and whether some were left out because a bound was reached.
pub(crate) fn readings(text: &[u8]) -> (Vec<Reading>, bool) {
    let room = text.len().saturating_mul(DECODED_RATIO_MAX as usize).max(DECODED_BYTES_FREE);
    let mut look = Look { readings: Vec::new(), room, is_partial: false };
    look.at(text, None, 0);
    (look.readings, look.is_partial)
}

/// Where the end of a text may cut a run of code: the offset at which the run starts.
pub(crate) fn cut_run(text: &[u8]) -> usize {
    runs::cut_run(text)
}

struct Look {
    readings: Vec<Reading>,
    room: usize,
    is_partial: bool,
}

/// How a reading was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Character by character.
    Characters,
    /// Character by character, from what was torn apart.
    Mended,
    /// From a run of code.
    Run,
    /// From a run of code, and it is a file.
    File,
}

/// The reading that is looked at, when it is not the text itself.
struct Outer<'o> {
    map: &'o [MapRun],
    whole: Option<&'o Range<u64>>,
    /// Whether what was torn apart in it is joined.
    is_mended: bool,
    /// The bytes that were decoded, where the others are their surroundings.
    part: Option<&'o Range<usize>>,
}

impl Look {
    fn at(&mut self, text: &[u8], outer: Option<&Outer<'_>>, depth: u32) {
        let is_mended = outer.is_some_and(|outer| outer.is_mended);
        let part = outer.and_then(|outer| outer.part);
        let given = Given { text, places: &Places::of(text), is_mended, part };
        let _ = others(given, &mut |other| {
            let part = other.part;
            match other.made {
                Made::Characters if other.kind == JOINED => self.add((other.content, part), outer, Form::Mended, depth),
                Made::Characters => self.add((other.content, part), outer, Form::Characters, depth),
                Made::Text => self.add((other.content, part), outer, Form::Run, depth),
                Made::Inlined(inlined) => {
                    let mut content = other.content;
                    // No character of the code can be exchanged alone.
                    content.unite(&inlined);
                    self.add((content, part), outer, Form::Characters, depth);
                }
                Made::File(_) => self.add((other.content, part), outer, Form::File, depth),
                Made::Deflated => self.inflate(&other.content, outer, depth),
            }
            Ok::<(), Infallible>(())
        });
    }

    fn inflate(&mut self, content: &Derived, outer: Option<&Outer<'_>>, depth: u32) {
        let Inflated { content, is_cut, is_too_deep, .. } = inflate(content, self.room as u64);
        // Inflating is the work, whatever comes of it.
        self.room -= content.bytes.len();
        self.is_partial |= is_cut || is_too_deep;
        if recognise::has_signature(&content.bytes) {
            self.add_charged((content, None), outer, Form::File, depth);
        } else if runs::is_text(&content.bytes) {
            self.add_charged((content, None), outer, Form::Run, depth);
        }
    }

    /// Adds a reading, and looks at it in turn.
    fn add(
        &mut self,
        (content, part): (Derived, Option<Range<usize>>),
        outer: Option<&Outer<'_>>,
        form: Form,
        depth: u32,
    ) {
        // Surroundings are copied, not decoded.
        let decoded_len = part.as_ref().map_or(content.bytes.len(), Range::len);
        match self.room.checked_sub(decoded_len).filter(|_| depth < DECODING_DEPTH_MAX) {
            Some(room) => {
                self.room = room;
                self.add_charged((content, part), outer, form, depth);
            }
            None => self.is_partial = true,
        }
    }

    fn add_charged(
        &mut self,
        (content, part): (Derived, Option<Range<usize>>),
        outer: Option<&Outer<'_>>,
        form: Form,
        depth: u32,
    ) {
        if depth >= DECODING_DEPTH_MAX {
            self.is_partial = true;
            return;
        }
        let map = outer.map_or_else(|| content.runs.clone(), |outer| led_back(&content, outer.map));
        let all = || Some(map.first()?.original_start..map.last()?.original_start);
        let inherited = outer.and_then(|outer| outer.whole.cloned());
        let whole = inherited.or_else(|| all().filter(|_| matches!(form, Form::Run | Form::File)));
        let is_file = form == Form::File;
        if !is_file {
            self.at(
                &content.bytes,
                Some(&Outer { map: &map, whole: whole.as_ref(), is_mended: form == Form::Mended, part: part.as_ref() }),
                depth + 1,
            );
        }
        let is_mended = form == Form::Mended;
        self.readings.push(Reading { bytes: content.bytes, whole, is_file, is_mended, map });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_lead_back_to_what_has_to_be_replaced() {
        let rows: &[(&str, &str, &str)] = &[
            ("mail=jane%40acme.pl&x", "jane@acme.pl", "jane%40acme.pl"),
            ("a &#52;&#52;051401359 b", "44051401359", "&#52;&#52;051401359"),
            ("key cGVzZWw6IDQ0MDUxNDAxMzU5IQ== end", "44051401359", "cGVzZWw6IDQ0MDUxNDAxMzU5IQ=="),
            ("pesel: NDQwNTE0MDEzNTk= end", "44051401359", "NDQwNTE0MDEzNTk="),
            ("pesel: eCA0NDA1MTQwMTM1OSB5 end", "44051401359", "eCA0NDA1MTQwMTM1OSB5"),
            ("pesel: TkRRd05URTBNREV6TlRrPQ== end", "44051401359", "TkRRd05URTBNREV6TlRrPQ=="),
            ("x 706573656c3a2034343035313430313335392121 y", "44051401359", "706573656c3a2034343035313430313335392121"),
        ];
        for (text, value, expected) in rows {
            let (readings, is_partial) = readings(text.as_bytes());
            let found: Vec<_> = readings
                .iter()
                .filter_map(|reading| {
                    let start = memchr::memmem::find(&reading.bytes, value.as_bytes())? as u64;
                    let origin = reading.origin(start..start + value.len() as u64);
                    Some(&text[origin.start as usize..origin.end as usize])
                })
                .collect();
            assert!(found.contains(expected) && !found.contains(&"") && !is_partial, "{text}: {found:?}");
        }
    }

    #[test]
    fn what_stands_in_nested_codes_leads_back_to_the_outer_one() {
        let base64 = |text: &str| data_encoding::BASE64.encode(text.as_bytes());
        let base32 = |text: &str| data_encoding::BASE32.encode(text.as_bytes());
        let hex = |text: &str| data_encoding::HEXLOWER.encode(text.as_bytes());
        let entity = |text: &str| text.chars().map(|c| format!("&#{};", u32::from(c))).collect::<String>();
        let percent = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let value = "44051401458";
        let (text, number) = (format!("PESEL {value} ok"), format!("PESEL {} ok", entity(value)));
        let wide: String = text.chars().map(|c| if c.is_ascii_digit() { widened(c) } else { c }).collect();
        let rows = [
            base64(&wide),
            base32(&wide),
            hex(&wide),
            base64(&number),
            base64(&percent(&text)),
            hex(&number),
            base32(&base32(&text)),
            hex(&base32(&text)),
            base32(&hex(&text)),
            base64(&base64(&text)),
            base64(&base32(&base64(&text))),
            hex(&base32(&number)),
        ];
        for code in rows {
            for text in [code.clone(), format!("x {code} y"), format!("x {code}\n# words behind it 123")] {
                let trimmed = code.trim_end_matches('=');
                let (start, len) = (text.find(&code).expect("it holds the code") as u64, trimmed.len() as u64);
                let origins: Vec<_> = origins(&text, value);
                assert!(!origins.is_empty(), "{text}");
                for origin in origins {
                    assert!(origin.start == start && origin.end >= start + len, "{text}: {origin:?}");
                    assert!(origin.end <= start + code.len() as u64, "{text}: {origin:?}");
                }
            }
        }
    }

    /// A digit in the width of East Asian letters.
    fn widened(digit: char) -> char {
        char::from_u32(u32::from(digit) + 0xfee0).expect("a digit has such a letter")
    }

    /// Where the readings that hold a value say that it stands.
    fn origins(text: &str, value: &str) -> Vec<Range<u64>> {
        let (readings, _) = readings(text.as_bytes());
        let origin = |reading: &Reading| {
            let start = memchr::memmem::find(&reading.bytes, value.as_bytes())? as u64;
            Some(reading.origin(start..start + value.len() as u64))
        };
        readings.iter().filter_map(origin).collect()
    }

    #[test]
    fn codes_beside_each_other_are_each_read_once() {
        let line = |n: u32| format!("row {}\n", data_encoding::BASE64.encode(format!("value {n:05} of it").as_bytes()));
        let text: String = (0..1_000).map(line).collect();
        let (readings, is_partial) = readings(text.as_bytes());
        assert_eq!((readings.len(), is_partial), (1_000, false));
    }

    #[test]
    fn what_is_inflated_costs_whether_it_can_be_read_or_not() {
        use std::io::Write as _;
        // Some 100 KB of zeros each, which are neither text nor a file.
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&[0; 100_000]).expect("memory");
        let line = data_encoding::BASE64.encode(&encoder.finish().expect("memory"));
        for (count, expected) in [(5, false), (15, true)] {
            let (readings, is_partial) = readings(vec![line.as_str(); count].join(" ; ").as_bytes());
            assert_eq!((readings.len(), is_partial), (0, expected), "{count}");
        }
    }
}
