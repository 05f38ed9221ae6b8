//! The soundness of the first pass: whatever a pattern of a built-in detector matches holds one of its anchors, fits
//! its window, and has the stretch of bytes that is demanded. Texts are made from the syntax tree; assertions of place
//! are passed over, so that more texts are made than the pattern matches, and the law is tested more strictly than it must
//! hold.

use dlp_detector_format::{
    Anchor, Boundary, ByteSet, KEY_RUN_BEFORE, KEY_RUN_BEHIND, KEY_RUN_LEN, Packed, Pattern, RUN_LEN_MAX, SHAPE_RUNS,
    Shape, expand, follower, is_key_byte, run_place,
};
use regex_syntax::hir::{Class, Hir, HirKind};

/// Texts for each pattern.
const TEXTS: u64 = 60;
/// Turns of a repetition beyond the demanded ones, apart from texts with the most.
const TURNS_MORE_MAX: u64 = 40;

#[test]
fn what_a_pattern_matches_holds_an_anchor_and_fits_its_window() {
    let packed = Packed::open(dlp_patterns::detectors()).expect("built-in detectors");
    let (mut texts, mut demanding) = (0, 0);
    for detector in (0..packed.len() as u32).map(|number| packed.detector(number).expect("it was packed")) {
        for (number, pattern) in detector.patterns.iter().enumerate() {
            let hir = parse(&expand(&pattern.regex).expect("known abbreviations"));
            demanding += u64::from(pattern.demand.is_some());
            for seed in 0..TEXTS {
                let mut text = Vec::new();
                generate(&hir, &mut Random((seed << 32) | (number as u64 + 1)), &mut text);
                let shown = || format!("{} `{}` matches `{}`", detector.id, pattern.regex, text.escape_ascii());
                assert!(
                    pattern.anchors.iter().any(|anchor| holds(anchor, detector.boundary, &text)),
                    "{}: no anchor",
                    shown()
                );
                assert!(fits(pattern, detector.boundary, &text), "{}: outside of its window", shown());
                let lacks = pattern.demand.as_ref().and_then(|demand| demand.lacks(&text));
                assert!(lacks.is_none(), "{}: without its demand", shown());
                texts += 1;
            }
        }
    }
    assert!(texts > 800 * TEXTS && 3 * demanding * TEXTS > texts, "{texts} {demanding}");
}

/// Where key runs begin.
fn key_runs(text: &[u8]) -> impl Iterator<Item = usize> {
    text.windows(KEY_RUN_LEN).enumerate().filter(|(_, run)| run.iter().all(|byte| is_key_byte(*byte))).map(|(at, _)| at)
}

fn parse(pattern: &str) -> Hir {
    let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
    parser.parse(pattern).expect("built-in patterns can be read")
}

fn holds(anchor: &Anchor, boundary: Boundary, text: &[u8]) -> bool {
    match anchor {
        Anchor::Literal { bytes, before_min, before_max, between, after, needs_key_run, .. } => {
            (*before_min..=*before_max).any(|before| {
                let (before, between) = (before as usize, between.unwrap_or_default());
                let found = text.get(before..before + bytes.len());
                let goes_on = |behind: &[u8]| {
                    let rest = text.get(before + bytes.len()..).unwrap_or_default().iter().chain(behind).chain(b"\n");
                    after.iter().zip(rest).all(|(set, byte)| set.contains(*byte))
                };
                let has_key =
                    || key_runs(text).any(|run| run + KEY_RUN_BEFORE >= before && run <= before + KEY_RUN_BEHIND);
                found.is_some_and(|found| found.eq_ignore_ascii_case(bytes))
                    && (!needs_key_run || has_key())
                    && text[..before].iter().all(|byte| between.contains(*byte))
                    && followed(boundary).iter().all(|behind| goes_on(behind))
            })
        }
        Anchor::Start { skip_min, skip_max, run_min, digit_within, shape } => (*skip_min..=*skip_max).any(|skip| {
            let Some((skipped, rest)) = text.split_at_checked(skip as usize) else { return false };
            let run = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            let is_skipped = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"\\%".contains(byte);
            let has_digit = |within: u32| rest.iter().take(within as usize + 1).any(u8::is_ascii_digit);
            skipped.iter().all(is_skipped)
                && run >= *run_min as usize
                && digit_within.is_none_or(has_digit)
                && followed(boundary).iter().all(|behind| has_shape(shape, &[rest, behind].concat()))
        }),
    }
}

/// What may stand behind a match, and must not change whether it is found.
fn followed(boundary: Boundary) -> &'static [&'static [u8]] {
    match boundary {
        Boundary::None | Boundary::Token | Boundary::Name => {
            &[b"", b" x", b" 1", b"_", b"-x", b", 12", b".5", b"\n\n1"]
        }
        Boundary::Word => &[b"", b" x", b" 1", b"-x", b", 12", b".5"],
        Boundary::Identifier => &[b"", b" x", b" 1", b"-x", b". 1", b", 12", b"/x", b":x", b",1234"],
    }
}

/// Whether the first runs of letters and of digits are those of a shape.
fn has_shape(shape: &Shape, text: &[u8]) -> bool {
    let byte = |at: usize| text.get(at).copied().unwrap_or(b'\n');
    let mut at = 0;
    for number in 0..SHAPE_RUNS {
        let is_digit = byte(at).is_ascii_digit();
        let of_run = |byte: u8| if is_digit { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() };
        let len = (at..).take_while(|at| of_run(byte(*at))).count();
        if len == 0 || len >= RUN_LEN_MAX {
            return shape.holds(number, if len == 0 { 0 } else { run_place(byte(at), len) }, 0);
        }
        if !shape.holds(number, run_place(byte(at), len), follower(byte(at + len), byte(at + len + 1))) {
            return false;
        }
        at += len + usize::from(!byte(at + len).is_ascii_alphanumeric());
    }
    true
}

/// The text and whatever its boundary lets follow. Behind that one byte, and where there is no boundary, nothing may be
/// demanded.
fn fits(pattern: &Pattern, boundary: Boundary, text: &[u8]) -> bool {
    let window = &pattern.window;
    let followers: ByteSet = (0..=255u8).filter(|byte| !byte.is_ascii_alphanumeric()).collect();
    let follows = |set: &ByteSet| followers.bytes().all(|byte| set.contains(byte));
    let known_max = text.len() + usize::from(boundary != Boundary::None);
    window.len() <= known_max
        && window.iter().zip(text).all(|(set, byte)| set.contains(*byte))
        && window.get(text.len()).is_none_or(follows)
}

/// Appends a text of the expression.
fn generate(hir: &Hir, random: &mut Random, text: &mut Vec<u8>) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(l) => text.extend_from_slice(&l.0),
        HirKind::Class(Class::Bytes(class)) => {
            let range = &class.ranges()[random.below(class.ranges().len() as u64) as usize];
            text.push(range.start() + random.below(u64::from(range.end() - range.start()) + 1) as u8);
        }
        HirKind::Class(Class::Unicode(class)) => {
            let range = &class.ranges()[random.below(class.ranges().len() as u64) as usize];
            let span = u64::from(range.end() as u32 - range.start() as u32) + 1;
            let member = char::from_u32(range.start() as u32 + random.below(span) as u32).unwrap_or(range.start());
            text.extend_from_slice(member.encode_utf8(&mut [0; 4]).as_bytes());
        }
        HirKind::Capture(capture) => generate(&capture.sub, random, text),
        HirKind::Concat(subs) => subs.iter().for_each(|sub| generate(sub, random, text)),
        HirKind::Alternation(subs) => generate(&subs[random.below(subs.len() as u64) as usize], random, text),
        HirKind::Repetition(repetition) => {
            let min = u64::from(repetition.min);
            let max = u64::from(repetition.max.expect("patterns are bounded"));
            let turns = match random.below(4) {
                0 => min,
                1 => max,
                _ => min + random.below(TURNS_MORE_MAX.min(max - min) + 1),
            };
            (0..turns).for_each(|_| generate(&repetition.sub, random, text));
        }
    }
}

/// Splitmix: the same texts in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % end
    }
}
