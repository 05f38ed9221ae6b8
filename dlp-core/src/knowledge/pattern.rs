//! A detector's pattern, compiled for searches that are anchored at one place of a text.
//!
//! The automaton is built lazily, state by state, as texts need them: most patterns are never tried, and of those that
//! are, a few states suffice. It is walked here and not by the library's own search, because the walk must count its
//! steps: a text made of beginnings costs as many steps as the longest match for each of them, and the budget that
//! bounds this needs the true number.

use dlp_detector_format::{BESIDE, ByteSet};
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::meta::{self, Regex};
use regex_automata::nfa::thompson::{self, NFA};
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, Input, MatchKind, PatternID};
use regex_syntax::hir::{Class, Hir, HirKind, Look};
use std::fmt::Display;
use std::ops::Range;
use std::sync::OnceLock;
use thiserror::Error;

/// A pattern that cannot be compiled: its program is too large.
#[derive(Debug, Error)]
#[error("pattern cannot be compiled: {0}")]
pub(crate) struct PatternError(String);

/// Bytes that the program of one pattern may take. A pattern over it is refused when its detector is loaded.
const PROGRAM_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes that the lazy automaton of one pattern may take in each thread.
const LAZY_BYTES_MAX: usize = 512 * 1024;

/// The greatest number of turns of a repetition from which it counts as any number.
const TURNS_COUNTED_MAX: u32 = 1000;

/// Name of the group that marks the sensitive part.
const VALUE_GROUP: &str = "value";

/// Turns of a repetition up to which the loose automaton counts them.
const LOOSE_TURNS_MAX: u32 = 3;

/// Bytes after which the loose automaton is given up: where it has not decided until then, the exact one may have.
const LOOSE_BYTES_MAX: usize = 1024;

/// ASCII classes, leftmost-first, anchored.
///
/// Patterns with wide gaps, as between the name of a program and its password, have an automaton with a state for each
/// byte of each gap, which takes long to build and long to walk as long as it is new. Most places where such a pattern
/// is tried hold no match whatever the width of the gaps, and a *loose* automaton that does not count tells so with a
/// few states. It accepts all that the exact one does, which is built when the loose one has accepted something.
#[derive(Debug)]
pub(crate) struct Compiled {
    hir: Hir,
    has_value: bool,
    loose: Option<DFA>,
    exact: OnceLock<Option<DFA>>,
    library: OnceLock<Option<Regex>>,
}

/// How expressions begin whose matches begin with a line, or else with one byte of some.
const LINE_STARTS: &str = "(?m)(?:^|";

/// The bytes that a match begins with which does not begin with a line; `None` where it may begin with any. Most places with
/// the rest of what begins such an expression are none, and it takes an expression to ask for the start of a line.
pub(crate) fn unless_line(source: &str) -> Option<ByteSet> {
    source.strip_prefix(LINE_STARTS)?;
    let hir = syntax::parse_with(&dlp_detector_format::expand(source).ok()?, &syntax_config()).ok()?;
    let HirKind::Concat(items) = hir.kind() else { return None };
    let HirKind::Alternation(starts) = items.first()?.kind() else { return None };
    match starts.as_slice() {
        [line, class] if *line.kind() == HirKind::Look(Look::StartLF) => match class.kind() {
            HirKind::Class(Class::Bytes(class)) => {
                Some(class.iter().flat_map(|range| range.start()..=range.end()).collect())
            }
            _ => None,
        },
        _ => None,
    }
}

/// Whether the sensitive part of a match may be less than all of it.
pub(crate) fn may_have_value(source: &str) -> bool {
    source.contains("<value>") || source.contains("(?&")
}

/// Memory of one pattern in one thread.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    loose: Option<Cache>,
    exact: Option<Cache>,
    value: Option<meta::Cache>,
}

impl Memory {
    /// Bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        let automata = [&self.loose, &self.exact].into_iter().flatten().map(Cache::memory_usage).sum::<usize>();
        automata + self.value.as_ref().map_or(0, meta::Cache::memory_usage)
    }
}

/// The sensitive part of a match.
#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) range: Range<usize>,
    /// Whether the name of its vendor stands before it, and no word says what it is.
    pub(crate) is_beside: bool,
}

impl Compiled {
    /// Compiles one pattern. The greatest number of turns of a repetition is not counted from [`TURNS_COUNTED_MAX`] on:
    /// whoever searches bounds the match.
    ///
    /// # Errors
    /// When the program is larger than `PROGRAM_BYTES_MAX`; that of the exact automaton only shows in [`Self::check`].
    pub(crate) fn new(source: &str) -> Result<Self, PatternError> {
        let written = dlp_detector_format::expand(source).map_err(PatternError)?;
        let parsed = syntax::parse_with(&written, &syntax_config()).map_err(|error| PatternError(error.to_string()))?;
        let hir = relax(parsed, TURNS_COUNTED_MAX - 1);
        let loose = relax(hir.clone(), LOOSE_TURNS_MAX);
        let loose = if loose == hir { None } else { Some(automaton(&loose)?) };
        let has_value = written.contains("<value>");
        Ok(Self { hir, has_value, loose, exact: OnceLock::new(), library: OnceLock::new() })
    }

    /// Whether a pattern can be compiled.
    ///
    /// # Errors
    /// When its program is larger than `PROGRAM_BYTES_MAX`.
    pub(crate) fn check(source: &str) -> Result<(), PatternError> {
        automaton(&Self::new(source)?.hir).map(|_| ())
    }

    /// The end of the match that starts at `range.start` and ends within the range, if there is one. `steps` grows by
    /// the bytes that were looked at. What stands around the range counts for `^`, `$` and `\b`.
    pub(crate) fn end(&self, memory: &mut Memory, text: &[u8], range: Range<usize>, steps: &mut u64) -> Option<usize> {
        if let Some(loose) = &self.loose {
            let cache = memory.loose.get_or_insert_with(|| loose.create_cache());
            let near = range.start..range.end.min(range.start + LOOSE_BYTES_MAX);
            let is_undecided = near.end < range.end;
            match (Walk { automaton: loose, is_any_enough: true }).end(cache, text, near, steps) {
                Ok(Walked::Dead(None)) => return None,
                Ok(Walked::Through(None)) if !is_undecided => return None,
                _ => {}
            }
        }
        let exact = self.exact.get_or_init(|| automaton(&self.hir).ok()).as_ref()?;
        let cache = memory.exact.get_or_insert_with(|| exact.create_cache());
        match (Walk { automaton: exact, is_any_enough: false }).end(cache, text, range.clone(), steps) {
            Ok(Walked::Dead(end) | Walked::Through(end)) => end,
            // The automaton outgrew its memory: the slower engine of the library needs none.
            Err(GaveUp) => {
                *steps += range.len() as u64;
                let regex = self.library_regex()?;
                let cache = memory.value.get_or_insert_with(|| regex.create_cache());
                Some(regex.search_with(cache, &anchored(text, range))?.end())
            }
        }
    }

    /// The sensitive part of a match: the group named `value`, or the match when there is none.
    pub(crate) fn value(&self, memory: &mut Memory, text: &[u8], whole: Range<usize>) -> Value {
        let all = Value { range: whole.clone(), is_beside: false };
        if !self.has_value {
            return all;
        }
        let Some(regex) = self.library_regex() else { return all };
        let Some(group) = regex.group_info().to_index(PatternID::ZERO, VALUE_GROUP) else { return all };
        let cache = memory.value.get_or_insert_with(|| regex.create_cache());
        let mut captures = regex.create_captures();
        regex.search_captures_with(cache, &anchored(text, whole), &mut captures);
        let is_beside = captures.get_group_by_name(BESIDE).is_some();
        captures.get_group(group).map_or(all, |span| Value { range: span.range(), is_beside })
    }

    /// The library's regex, for what the automaton does not tell.
    fn library_regex(&self) -> Option<&Regex> {
        let build = || {
            let config = meta::Config::new()
                .utf8_empty(false)
                .nfa_size_limit(Some(2 * PROGRAM_BYTES_MAX))
                .hybrid_cache_capacity(LAZY_BYTES_MAX)
                .dfa(false);
            Regex::builder().configure(config).build_from_hir(&self.hir).ok()
        };
        self.library.get_or_init(build).as_ref()
    }
}

/// The automaton of an expression, without states.
fn automaton(hir: &Hir) -> Result<DFA, PatternError> {
    let error = |error: &dyn Display| PatternError(error.to_string());
    let config = DFA::config()
        .match_kind(MatchKind::LeftmostFirst)
        .cache_capacity(LAZY_BYTES_MAX)
        .skip_cache_capacity_check(true);
    let program = thompson::Config::new().utf8(false).nfa_size_limit(Some(PROGRAM_BYTES_MAX));
    let program = NFA::compiler().configure(program).build_from_hir(hir).map_err(|e| error(&e))?;
    DFA::builder().configure(config).build_from_nfa(program).map_err(|e| error(&e))
}

/// A walk over a text.
struct Walk<'a> {
    automaton: &'a DFA,
    /// Whether any match will do, not the one that the pattern prefers.
    is_any_enough: bool,
}

impl Walk<'_> {
    /// The end of the match, or of any if that is enough.
    fn end(&self, cache: &mut Cache, text: &[u8], range: Range<usize>, steps: &mut u64) -> Result<Walked, GaveUp> {
        let before = range.start.checked_sub(1).map(|at| text[at]);
        let config = start::Config::new().anchored(Anchored::Yes).look_behind(before);
        let mut state = self.automaton.start_state(cache, &config).map_err(|_| GaveUp)?;
        let mut end = None;
        for at in range.clone() {
            state = self.automaton.next_state(cache, state, text[at]).map_err(|_| GaveUp)?;
            if state.is_tagged() {
                if state.is_match() {
                    // Matches are reported one byte late, so that the byte behind them can be looked at.
                    end = Some(at);
                    if self.is_any_enough {
                        *steps += (at - range.start + 1) as u64;
                        return Ok(Walked::Dead(end));
                    }
                } else {
                    *steps += (at - range.start + 1) as u64;
                    return if state.is_dead() { Ok(Walked::Dead(end)) } else { Err(GaveUp) };
                }
            }
        }
        *steps += range.len() as u64;
        let last = match text.get(range.end) {
            Some(byte) => self.automaton.next_state(cache, state, *byte),
            None => self.automaton.next_eoi_state(cache, state),
        };
        Ok(Walked::Through(if last.map_err(|_| GaveUp)?.is_match() { Some(range.end) } else { end }))
    }
}

/// How a walk ended, and the end of the match that it found.
enum Walked {
    /// Nothing behind can change it.
    Dead(Option<usize>),
    /// At the end of the range.
    Through(Option<usize>),
}

/// The automaton cannot go on.
struct GaveUp;

/// Opens repetitions of more turns than are counted upwards, and demands one of their turns at most where none of them
/// are counted. To count thousands of turns takes as many states, which an automaton that is built as it goes would
/// build again and again; the longest match is a bound that costs nothing.
fn relax(hir: Hir, counted_max: u32) -> Hir {
    let relax = |hir| relax(hir, counted_max);
    match hir.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Repetition(mut repetition) => {
            repetition.max = repetition.max.filter(|max| *max <= counted_max);
            if counted_max == LOOSE_TURNS_MAX && repetition.max.is_none() {
                repetition.min = repetition.min.min(1);
            }
            repetition.sub = Box::new(relax(*repetition.sub));
            Hir::repetition(repetition)
        }
        HirKind::Capture(mut capture) => {
            capture.sub = Box::new(relax(*capture.sub));
            Hir::capture(capture)
        }
        HirKind::Concat(subs) => Hir::concat(subs.into_iter().map(relax).collect()),
        HirKind::Alternation(subs) => Hir::alternation(subs.into_iter().map(relax).collect()),
    }
}

fn syntax_config() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false)
}

fn anchored(text: &[u8], range: Range<usize>) -> Input<'_> {
    Input::new(text).range(range).anchored(Anchored::Yes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_ends_where_the_library_ends() {
        let patterns = [
            "ab+",
            "a|ab|abc",
            "(?:ab)*c?",
            "a.{0,3}?b",
            "a.{0,3}b",
            r"\bab\b",
            "ab$",
            "(?m)ab$",
            "^ab",
            "[a-c]{2,4}",
            "(?s)a.*c",
            "ab(?P<value>c*)",
            "a[^\\n]{0,4}b",
            "a[^\\n]{0,4}?[bc]",
            "a(?: b?){0,5}c{4}",
            "[a-c]{4,6}$",
            "(?:ab){1,4}c?",
        ];
        let texts = ["", "ab", "abc", "abbb", "abab", "xab", "ab\n", "abcabc", "a  b", "aab", "ab cab", "abccc"];
        for pattern in patterns {
            let compiled = Compiled::new(pattern).expect("test pattern");
            let library = compiled.library_regex().expect("test pattern");
            let mut memory = Memory::default();
            for text in texts.map(str::as_bytes) {
                for start in 0..=text.len() {
                    for end in start..=text.len() {
                        let found = compiled.end(&mut memory, text, start..end, &mut 0);
                        let expected = library.search(&anchored(text, start..end)).map(|m| m.end());
                        assert_eq!(found, expected, "{pattern} {text:?} {start}..{end}");
                    }
                }
            }
        }
    }

    #[test]
    fn long_repetitions_are_open_and_short_ones_are_counted() {
        let rows = [
            ("ab{1,999}c", 999, true),
            ("ab{1,999}c", 1000, false),
            ("ab{1,1000}c", 1000, true),
            ("ab{1,1000}c", 5000, true),
            ("ab{2,1000}c", 1, false),
            ("(?:a(?P<value>b{1,2000}))c", 3000, true),
            ("x|a(?:b{0,2000}?c)", 3000, true),
            // Farther than the loose automaton looks.
            ("a(?:b{1,900}-?){0,4}c", 3000, true),
            ("a(?:b{1,900}-?){0,4}c", 3601, false),
        ];
        for (pattern, turns, expected) in rows {
            let text = format!("a{}c", "b".repeat(turns));
            let compiled = Compiled::new(pattern).expect("test pattern");
            let end = compiled.end(&mut Memory::default(), text.as_bytes(), 0..text.len(), &mut 0);
            assert_eq!(end, expected.then_some(text.len()), "{pattern} {turns}");
        }
    }

    #[test]
    fn what_begins_a_match_within_a_line_is_told() {
        let rows = [
            (r"(?m)(?:^|[^\t\n\x20-\x7e])\s{0,4}ab", Some(0x7f..=0xff)),
            (r"(?m)(?:^|[;,])ab", None),
            (r"(?m)(?:^|;+)ab", None),
            (r"(?m)(?:^|;)?ab", None),
            (r"(?m)^ab", None),
            (r"(?:^|;)ab", None),
        ];
        for (pattern, told) in rows {
            let found = unless_line(pattern);
            let Some(mut told) = told else {
                let is_short = found.is_none_or(|bytes| bytes.bytes().eq(*b",;"));
                assert!(is_short, "{pattern} {found:?}");
                continue;
            };
            let bytes = found.expect(pattern);
            assert!(told.all(|byte| bytes.contains(byte)) && !bytes.contains(b' ') && bytes.contains(0), "{pattern}");
        }
    }

    #[test]
    fn steps_are_counted_to_the_byte_that_decides() {
        let compiled = Compiled::new("ab{1,100}c").expect("test pattern");
        let text = [b"a".as_slice(), &[b'b'; 50], b"xyz"].concat();
        let mut steps = 0;
        assert_eq!(compiled.end(&mut Memory::default(), &text, 0..text.len(), &mut steps), None);
        assert_eq!(steps, 52);
    }
}
