//! A value is found wherever it stands: over the edges of the blocks that a scan works by, first and last in a text,
//! behind bytes that are no text, beside what stands for another value.

use dlp_core::base::{Category, Confidence, ConfidenceLevel};
use dlp_core::knowledge::{Detector, Example, builtin_examples, generate::generate};
use dlp_core::matching::{DetectorIndex, DetectorSet, Match, Scratch};

/// One in so many examples: debug builds are slow. They are chosen by their length, so that new examples do not change
/// which of the others are tried.
const ONE_IN: usize = if cfg!(debug_assertions) { 11 } else { 1 };

/// What is cut at 64 KiB, and what a stream collects before it searches.
const EDGES: [usize; 2] = [64 * 1024, 256 * 1024];

/// Chunks of the stream that is compared with the whole text.
const CHUNK_BYTES: usize = 50_021;

/// Detector, start in the text, value, confidence.
type Found = (u32, u64, Vec<u8>, Confidence);

/// Texts of examples of the detectors that are tried.
fn texts(set: &DetectorSet, is_tried: fn(&Detector) -> bool) -> Vec<String> {
    let expand = |example: &Example| {
        let value = (!example.generate.is_empty()).then(|| generate(&example.generate, 7, None).expect("recipe"));
        value.map_or(example.text.clone(), |value| example.text.replace("{{value}}", &value))
    };
    let examples = builtin_examples().expect("built-in examples");
    let tried = examples.iter().filter(|(id, ..)| set.detectors().any(|d| d.id == *id && is_tried(d)));
    let texts = tried.flat_map(|(_, examples, _)| examples.iter().map(expand));
    texts.filter(|text| text.len() % ONE_IN == 0).collect()
}

fn whole(set: &DetectorSet, scratch: &mut Scratch, text: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    let end = set.scan(scratch, text, &mut |m| {
        found.push((m.detector.0, m.span.start.0, m.value.expose().to_vec(), m.confidence));
    });
    assert!(end.degraded.is_empty(), "{:?}", end.degraded);
    found
}

fn in_chunks(set: &DetectorSet, scratch: &mut Scratch, text: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut each = |m: Match| {
        found.push((m.detector.0, m.span.start.0, m.value.expose().to_vec(), m.confidence));
    };
    let mut stream = set.stream();
    text.chunks(CHUNK_BYTES).for_each(|chunk| stream.push(scratch, chunk, &mut each));
    let end = stream.finish(scratch, &mut each);
    assert!(end.degraded.is_empty(), "{:?}", end.degraded);
    found
}

/// The text of an example with its first value `before` bytes before an edge, and where the example begins.
fn over_edge(text: &str, value_at: u64, (edge, before): (usize, usize)) -> (Vec<u8>, usize) {
    let begin = edge - before - value_at as usize;
    let mut moved = vec![b'\n'; begin];
    moved.extend_from_slice(text.as_bytes());
    moved.extend_from_slice(b"\n\n\n");
    (moved, begin)
}

#[test]
fn values_over_the_edges_of_blocks_are_found() {
    let set = DetectorSet::builtin().expect("built-in detectors");
    let mut scratch = Scratch::new();
    let mut compared = 0;
    for (number, text) in texts(&set, |_| true).iter().enumerate() {
        let expected = whole(&set, &mut scratch, format!("\n\n{text}\n\n\n").as_bytes());
        let Some((_, start, value, _)) = expected.first() else { continue };
        let befores = [0, 1, value.len() / 2, value.len() - 1, value.len()];
        let place = (EDGES[number % EDGES.len()], befores[number % befores.len()]);
        let (moved, begin) = over_edge(text, start - 2, place);
        let by = begin as u64 - 2;
        let expected: Vec<Found> = expected.into_iter().map(|(d, at, value, c)| (d, at + by, value, c)).collect();
        assert_eq!(whole(&set, &mut scratch, &moved), expected, "{text} at {place:?}");
        assert_eq!(in_chunks(&set, &mut scratch, &moved), expected, "{text} at {place:?}, in chunks");
        compared += expected.len();
    }
    assert!(compared > 50, "{compared}");
}

#[test]
fn values_at_the_ends_and_behind_other_bytes_are_found() {
    let set = DetectorSet::builtin().expect("built-in detectors");
    let mut scratch = Scratch::new();
    // A marking has its line to itself, so it is none beside other bytes.
    let is_value = |f: &Found| set.detector(DetectorIndex(f.0)).category != Category::Label;
    let mut found = |text: &str| -> Vec<_> {
        let found = whole(&set, &mut scratch, text.as_bytes());
        found.into_iter().filter(is_value).map(|f| (f.0, f.2, f.3)).collect()
    };
    let mut compared = 0;
    // The start of a line is behind no other bytes.
    let starts_anywhere = |d: &Detector| {
        !d.patterns.iter().any(|p| ["(?m)", "(?im)", "(?:^"].iter().any(|start| p.regex.contains(start)))
    };
    for text in texts(&set, starts_anywhere) {
        let alone = found(&text);
        compared += alone.len();
        // Behind a letter of its own script, a label is another word; a password may go on with letters of any script.
        let letter = if text.is_ascii() { "\u{53f7}" } else { "" };
        for (before, behind) in [("\0", "\0"), ("\0\0\0", ""), ("\u{feff}", "\r\n"), (letter, "")] {
            assert_eq!(found(&format!("{before}{text}{behind}")), alone, "{before:?}{text}{behind:?}");
        }
    }
    assert!(compared > 50, "{compared}");
}

#[test]
fn braces_and_tokens_take_no_name_from_a_value() {
    let set = DetectorSet::builtin().expect("built-in detectors");
    let mut scratch = Scratch::new();
    let token = "{{dlp:pii.pl.pesel:bcdf~ghjk~lmnp~qrst~bcdf}}";
    let rows = ["PESEL: @ 24211483694", "NIP @ 5526201168", "SSN: @ 464-72-4014", "social security number @ 464724014"];
    for text in rows {
        let mut confidence = |between: &str| {
            let found = whole(&set, &mut scratch, text.replace("@ ", between).as_bytes());
            found.iter().map(|f| f.3).max()
        };
        let named = confidence("");
        assert!(named.is_some_and(|named| named.level() > ConfidenceLevel::Low), "{text}");
        for between in ["{{dlp ", "{{dlp}} ", "{{dlp:x}} ", "{{dlp_env}} ", &format!("{token} ")] {
            assert_eq!(confidence(between), named, "{text} {between}");
        }
    }
    let mut level = |text: &str| whole(&set, &mut scratch, text.as_bytes()).first().map(|found| found.3.level());
    assert_eq!(level("PESEL 24211483694"), Some(ConfidenceLevel::High));
    assert_eq!(level(&format!("{token} 24211483694")), Some(ConfidenceLevel::Low));
}
