//! The way from a place in the text view of fields back to the field.

use super::fields::PATH_BYTES_MAX;
use dlp_core::base::Span;
use dlp_core::content::{Location, OffsetBase};
use std::collections::VecDeque;

/// Bytes of field paths that are kept to place findings. The inspector reports a finding soon after it has read it, so
/// the latest fields are enough; a finding whose field was forgotten keeps its place in the view.
const INDEX_BYTES_MAX: usize = 4 << 20;
/// Leads from offsets in the text view back to fields.
#[derive(Default)]
pub(super) struct FieldIndex {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Text that was handed out before the buffer that is being filled.
    text_before: u64,
    /// The view is one value, whose lines are the value's lines.
    keeps_lines: bool,
    label_chars: u64,
}

struct Entry {
    label_start: u64,
    value_start: u64,
    path: String,
}

impl FieldIndex {
    /// The index of a view that is one value behind a label; places count from the value's start.
    pub(super) fn of_value(label: &[u8]) -> Self {
        let label_chars = String::from_utf8_lossy(label).chars().count() as u64;
        let mut index = Self { keeps_lines: true, label_chars, ..Self::default() };
        index.push("", 0, label.len() as u64);
        index
    }

    /// Says that the buffer was handed out.
    pub(super) fn advance(&mut self, len_bytes: u64) {
        self.text_before += len_bytes;
    }

    /// Adds a field by the offsets of its label and its value in the buffer that is being filled.
    pub(super) fn push(&mut self, path: &str, label_start: u64, value_start: u64) {
        let path = path[..path.floor_char_boundary(PATH_BYTES_MAX)].to_owned();
        self.bytes += path.len() + size_of::<Entry>();
        let before = self.text_before;
        self.entries.push_back(Entry { label_start: before + label_start, value_start: before + value_start, path });
        while self.bytes > INDEX_BYTES_MAX {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.path.len() + size_of::<Entry>();
        }
    }

    /// Replaces a place in the view by the field and the offset in its value.
    pub(super) fn place(&self, location: &mut Location) {
        if self.keeps_lines {
            return self.place_in_value(location);
        }
        location.start = None;
        location.end = None;
        location.offset_base = OffsetBase::Text;
        // A finding may begin in the field before: the field is that of its last byte.
        let last = location.span.end.0.saturating_sub(1);
        let behind = self.entries.partition_point(|entry| entry.label_start <= last);
        if let Some(entry) = behind.checked_sub(1).and_then(|at| self.entries.get(at)) {
            location.part = Some(entry.path.clone());
            location.span = shifted(location.span, entry.value_start);
        }
    }

    /// The path of the field, where there is one alone.
    pub(super) fn only_path(&self) -> Option<String> {
        let only = self.entries.front().filter(|_| self.entries.len() == 1)?;
        Some(only.path.clone())
    }

    fn place_in_value(&self, location: &mut Location) {
        let value_start = self.entries.front().map_or(0, |entry| entry.value_start);
        location.span = shifted(location.span, value_start);
        for place in [&mut location.start, &mut location.end].into_iter().flatten() {
            if place.line == 1 {
                place.column = place.column.saturating_sub(self.label_chars).max(1);
            }
        }
    }
}

fn shifted(span: Span, by: u64) -> Span {
    Span::new(span.start.0.saturating_sub(by), span.end.0.saturating_sub(by))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lead_back_to_the_field() {
        let mut index = FieldIndex::default();
        index.push("/a", 1, 3);
        index.push("/b", 17, 20);
        let mut location = Location { span: Span::new(21, 25), ..Location::default() };
        index.place(&mut location);
        assert_eq!((location.part.as_deref(), location.span), (Some("/b"), Span::new(1, 5)));
        let mut before = Location { span: Span::new(0, 1), ..Location::default() };
        index.place(&mut before);
        assert_eq!(before.part, None);
    }
}
