//! Searching the name of a file or member.
//!
//! In names `_` separates words more often than it belongs to one, and a `/` never belongs to a number, so a name is read
//! a second time with a blank and a line end instead. What both readings find is one match.

use super::compile::DetectorSet;
use super::found::Match;
use super::material::Material;
use super::scratch::Scratch;
use crate::base::{Secret, Span};

/// The matches in a name, in order of their place. They come without surroundings, since the name itself is shown,
/// masked, as their place.
pub(super) fn scan(set: &DetectorSet, scratch: &mut Scratch, name: &[u8]) -> Vec<Match> {
    let mut found = read(set, scratch, name);
    if name.iter().any(|byte| matches!(byte, b'_' | b'/')) {
        let apart: Vec<u8> = name
            .iter()
            .map(|byte| match byte {
                b'_' => b' ',
                b'/' => b'\n',
                other => *other,
            })
            .collect();
        for again in read(set, scratch, &apart) {
            if !found.iter().any(|known| known.span.overlaps(again.span)) {
                found.push(Match { value: as_written(name, again.span).unwrap_or(again.value), ..again });
            }
        }
        found.sort_by_key(|m| (m.span, m.detector));
    }
    found
}

/// One reading, of the length of the name.
fn read(set: &DetectorSet, scratch: &mut Scratch, reading: &[u8]) -> Vec<Match> {
    let mut found = Vec::new();
    let mut each = |m: Match| found.push(Match { surroundings: String::new(), ..m });
    let mut stream = set.stream_of(Material::Name);
    stream.push(scratch, reading, &mut each);
    // A name is far too short to spend the budget of confirming.
    let _ = stream.finish(scratch, &mut each);
    found
}

fn as_written(name: &[u8], span: Span) -> Option<Secret> {
    let at = |offset: u64| usize::try_from(offset).ok();
    name.get(at(span.start.0)?..at(span.end.0)?).map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_readings_count_and_no_match_shows_the_other() {
        let set = DetectorSet::builtin().expect("built-in detectors");
        let rows: &[(&str, &[&str])] = &[
            ("PESEL_44051401359_x 44051401458.txt", &["44051401359", "44051401458"]),
            ("pesel/44051401458", &["44051401458"]),
            ("x_pesel_44051401450_", &[]),
            ("notes.txt", &[]),
        ];
        for (name, expected) in rows {
            let found = scan(&set, &mut Scratch::new(), name.as_bytes());
            let detector = |m: &&Match| set.detector(m.detector).id == "pii.pl.pesel";
            let values: Vec<_> = found.iter().filter(detector).map(|m| m.value.expose()).collect();
            assert_eq!(values, expected.iter().map(|value| value.as_bytes()).collect::<Vec<_>>(), "{name}");
            assert!(found.iter().all(|m| m.surroundings.is_empty()), "{name}");
        }
    }
}
