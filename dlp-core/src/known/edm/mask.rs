//! Hiding values of records in what is shown around another finding.
//!
//! A single cell is no finding, and still it is somebody's: the text around a number may be the rest of their row.

use super::super::words::{Word, Words};
use super::index::Index;
use super::normal::{WORDS_MAX, normal};
use super::scan::joined;
use std::ops::Range;

/// Marks the bytes of a text in which values of the table stand, in any column. The text was cut out of a longer one, so the
/// words at its ends may be parts of values: the first and the last one, and numbers beside them, are marked too.
pub(in crate::known) fn mark(index: &Index, text: &str, is_hidden: &mut [bool]) {
    let words = Words::of(text);
    for end in 0..words.len() {
        for count in 1..=joined(&words[..=end]) {
            let value = &words[end + 1 - count..=end];
            if is_cell(index, value) {
                hide(is_hidden, value[0].start..words[end].end);
            }
        }
    }
    let mut ends: [&mut dyn Iterator<Item = &Word>; 2] = [&mut words.iter(), &mut words.iter().rev()];
    for words in &mut ends {
        let mut is_first = true;
        for word in words.by_ref().take(WORDS_MAX) {
            if !is_first && !word.folded().iter().any(u8::is_ascii_digit) {
                break;
            }
            hide(is_hidden, word.start..word.end);
            is_first = false;
        }
    }
}

fn is_cell(index: &Index, words: &[Word]) -> bool {
    let columns = index.schema().columns.iter().enumerate();
    let value = |kind| normal(kind, words).filter(|value| value.is_findable(false));
    columns
        .filter_map(|(at, column)| Some((at, value(column.kind)?)))
        .any(|(at, value)| !index.find(at, &value).is_empty())
}

fn hide(is_hidden: &mut [bool], range: Range<u64>) {
    if let Some(bytes) = is_hidden.get_mut(range.start as usize..range.end as usize) {
        bytes.fill(true);
    }
}
