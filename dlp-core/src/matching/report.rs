//! From a decided match to what is reported: value, line and column, surroundings with every value in them masked.

use super::compile::DetectorSet;
use super::evidence::Judged;
use super::found::Match;
use super::lines::LineCounter;
use super::table::Table;
use crate::base::{Secret, Span};

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
    (judged, lines): (Judged, LineCounter),
    masked: &[Span],
) -> Match {
    let span = Span::new(judged.start, judged.end);
    let mut end = lines;
    end.advance(window.slice(span));
    let value = Secret::new(window.slice(span));
    let own_mask = value.masked(set.detector(judged.detector).reveal_last);
    Match {
        detector: judged.detector,
        span,
        value,
        confidence: judged.confidence,
        reasons: judged.reasons(set),
        validator: judged.validator(),
        start: lines.place(),
        end: end.place(),
        surroundings: surroundings(window, span, (&own_mask, masked)),
        cell: table.zip(judged.column).map(|(table, column)| table.place(column, lines.place().line)),
    }
}

/// The text around a match on its own line, every value in it masked, control characters replaced.
fn surroundings(window: Window<'_>, span: Span, (own_mask, masked): (&str, &[Span])) -> String {
    let before = Span::new(span.start.0.saturating_sub(SURROUNDINGS_BYTES as u64), span.start.0);
    let after = Span::new(span.end.0, span.end.0 + SURROUNDINGS_BYTES as u64);
    let mut shown = String::new();
    let head = masked_text(window, before, masked);
    shown.push_str(head.rsplit(['\n', '\r']).next().unwrap_or_default());
    shown.push_str(own_mask);
    let tail = masked_text(window, after, masked);
    shown.push_str(tail.split(['\n', '\r']).next().unwrap_or_default());
    if shown.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return shown;
    }
    shown.chars().map(|c| if is_safe(c) { c } else { '\u{fffd}' }).collect()
}

/// The bytes of a span with those of other values starred.
fn masked_text(window: Window<'_>, span: Span, masked: &[Span]) -> String {
    let start = span.start.0.max(window.base);
    let mut starred = window.slice(span).to_vec();
    let at = |offset: u64| usize::try_from(offset.saturating_sub(start)).unwrap_or(usize::MAX).min(starred.len());
    let hidden: Vec<_> = masked.iter().map(|m| at(m.start.0)..at(m.end.0)).collect();
    hidden.into_iter().filter(|range| !range.is_empty()).for_each(|range| starred[range].fill(b'*'));
    String::from_utf8_lossy(&starred).trim_matches('\u{fffd}').to_owned()
}

/// Neither control nor direction characters, so that a report cannot be disguised.
fn is_safe(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
