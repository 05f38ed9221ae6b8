//! From a decided match to what is reported: value, line and column, surroundings with every value in them masked.

use super::compile::DetectorSet;
use super::evidence::Judged;
use super::found::Match;
use super::lines::LineCounter;
use super::table::Table;
use crate::base::{MASK_LEN_MAX, Secret, Span};
use memchr::{memchr2, memrchr2};

/// Bytes of the surroundings shown on either side of a match.
pub(super) const SURROUNDINGS_BYTES: usize = 75;

/// A part of a stream: its bytes and the offset of the first one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window<'t> {
    pub(super) text: &'t [u8],
    pub(super) base: u64,
}

impl Window<'_> {
    /// The bytes of a span, as far as they are in the window.
    pub(super) fn slice(&self, span: Span) -> &[u8] {
        let at =
            |offset: u64| usize::try_from(offset.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.text.len());
        &self.text[at(span.start.0)..at(span.end.0)]
    }
}

/// Completes a match. `lines` has passed everything before it; `masked` are the spans that may not be shown.
pub(super) fn complete(
    (set, table): (&DetectorSet, Option<&Table>),
    window: Window<'_>,
    (judged, lines): (&Judged, LineCounter),
    masked: impl Iterator<Item = Span> + Clone,
) -> Match {
    let span = Span::new(judged.start, judged.end);
    let mut end = lines;
    end.advance(window.slice(span));
    let value = Secret::new(window.slice(span));
    let surroundings = surroundings(window, span, (&value, set.detector(judged.detector).reveal_last), masked);
    Match {
        detector: judged.detector,
        span,
        value,
        confidence: judged.confidence,
        reasons: judged.reasons(set),
        validator: judged.validator(),
        start: lines.place(),
        end: end.place(),
        surroundings,
        cell: table.zip(judged.column).map(|(table, column)| table.place(column, lines.place().line)),
    }
}

/// The text around a match on its own line, every value in it masked, control characters replaced.
fn surroundings(
    window: Window<'_>,
    span: Span,
    (value, reveal_last): (&Secret, u8),
    masked: impl Iterator<Item = Span> + Clone,
) -> String {
    let before = Span::new(span.start.0.saturating_sub(SURROUNDINGS_BYTES as u64), span.start.0);
    let after = Span::new(span.end.0, span.end.0 + SURROUNDINGS_BYTES as u64);
    let mut shown = String::with_capacity(2 * SURROUNDINGS_BYTES + MASK_LEN_MAX);
    with_masked(window, (before, masked.clone()), |head| {
        let line = memrchr2(b'\n', b'\r', head.as_bytes()).map_or(0, |end| end + 1);
        shown.push_str(&head[line..]);
    });
    value.push_mask(reveal_last, &mut shown);
    with_masked(window, (after, masked), |tail| {
        let line = memchr2(b'\n', b'\r', tail.as_bytes()).unwrap_or(tail.len());
        shown.push_str(&tail[..line]);
    });
    // All are looked at, since as many at once as a vector holds are sooner seen than the first one of them.
    if shown.bytes().fold(true, |all, byte| all & matches!(byte, b' '..=b'~')) {
        return shown;
    }
    if shown.chars().all(is_safe) {
        return shown;
    }
    shown.chars().map(|c| if is_safe(c) { c } else { '\u{fffd}' }).collect()
}

/// Shows the bytes of a span, of so many at most, with those of other values starred.
fn with_masked(window: Window<'_>, (span, masked): (Span, impl Iterator<Item = Span>), show: impl FnOnce(&str)) {
    let start = span.start.0.max(window.base);
    let bytes = window.slice(span);
    let mut starred = [0; SURROUNDINGS_BYTES];
    let starred = &mut starred[..bytes.len()];
    starred.copy_from_slice(bytes);
    for hidden in masked {
        let [from, to] =
            [hidden.start, hidden.end].map(|offset| offset.0.saturating_sub(start).min(bytes.len() as u64));
        if from < to {
            starred[from as usize..to as usize].fill(b'*');
        }
    }
    match str::from_utf8(starred) {
        Ok(text) => show(text.trim_matches('\u{fffd}')),
        Err(_) => show(String::from_utf8_lossy(starred).trim_matches('\u{fffd}')),
    }
}

/// Neither control nor direction characters, so that a report cannot be disguised.
fn is_safe(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
