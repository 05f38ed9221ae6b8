//! The window of a pattern: which bytes can stand at each of the first offsets of a match.

use super::byte_set::ByteSet;
use super::{WINDOW_LEN, class_bytes};
use regex_syntax::hir::{Hir, HirKind};

/// Offsets from the start as a bit set; bit [`WINDOW_LEN`] says that the window's end was reached.
type Offsets = u64;

/// The window of a whole pattern, so that it holds for each of its branches. Where a boundary is demanded, one place
/// behind the shortest match is known too: what the boundary lets follow. Without one anything can, and it is cut there.
pub(super) fn derive(hir: &Hir, has_boundary: bool) -> Vec<ByteSet> {
    let mut window = [ByteSet::default(); WINDOW_LEN];
    let ends = walk(hir, 1, &mut window);
    let first_end = (ends.trailing_zeros() as usize).min(WINDOW_LEN);
    if !has_boundary {
        return window[..first_end].to_vec();
    }
    if let Some(at_end) = window.get_mut(first_end) {
        // Every boundary refuses a letter or digit here, and none refuses more in all cases.
        at_end.extend((0..=255u8).filter(|byte| !byte.is_ascii_alphanumeric()).collect());
    }
    window[..(first_end + 1).min(WINDOW_LEN)].to_vec()
}

/// Walks an expression from each offset of a set, notes the bytes that can stand at each offset, and gives the offsets
/// at which it can end. Offsets behind the window's end are dropped.
fn walk(hir: &Hir, from: Offsets, window: &mut [ByteSet; WINDOW_LEN]) -> Offsets {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => from,
        HirKind::Literal(l) => l.0.iter().fold(from, |at, byte| {
            note(window, at, [*byte].into_iter().collect());
            shift(at)
        }),
        HirKind::Class(class) => match class_bytes(class) {
            Some(bytes) => {
                note(window, from, bytes);
                shift(from)
            }
            None => {
                (1..=4)
                    .fold((0, from), |(ends, at), _| {
                        note(window, at, ByteSet::ALL);
                        (ends | shift(at), shift(at))
                    })
                    .0
            }
        },
        HirKind::Capture(capture) => walk(&capture.sub, from, window),
        HirKind::Concat(subs) => subs.iter().fold(from, |at, sub| walk(sub, at, window)),
        HirKind::Alternation(subs) => subs.iter().fold(0, |ends, sub| ends | walk(sub, from, window)),
        HirKind::Repetition(repetition) => {
            let max = repetition.max.unwrap_or(u32::MAX).min(repetition.min.saturating_add(WINDOW_LEN as u32));
            let (mut at, mut ends) = (from, if repetition.min == 0 { from } else { 0 });
            for count in 1..=max {
                at = walk(&repetition.sub, at, window);
                if count >= repetition.min {
                    ends |= at;
                }
                if at == 0 {
                    break;
                }
            }
            ends
        }
    }
}

fn shift(offsets: Offsets) -> Offsets {
    (offsets << 1) & (Offsets::MAX >> (63 - WINDOW_LEN))
}

fn note(window: &mut [ByteSet; WINDOW_LEN], offsets: Offsets, bytes: ByteSet) {
    let noted = window.iter_mut().enumerate().filter(|(offset, _)| offsets >> offset & 1 == 1);
    noted.for_each(|(_, set)| set.extend(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(pattern: &str, has_boundary: bool) -> Vec<ByteSet> {
        derive(&crate::file::parse_pattern(pattern).expect("test pattern"), has_boundary)
    }

    #[test]
    fn windows_hold_the_bytes_of_every_alignment() {
        let window = window("[0-9]{3}[- ]?[0-9]{2}[A-Z]", true);
        let rows = ["0", "0", "0", "0- ", "0", "0A", "A- "];
        assert_eq!(window.len(), rows.len());
        for (offset, (set, members)) in window.iter().zip(rows).enumerate() {
            for byte in *b"0A- " {
                assert_eq!(set.contains(byte), members.as_bytes().contains(&byte), "{offset} {}", byte as char);
            }
        }
    }

    #[test]
    fn windows_end_with_the_shortest_match_and_its_boundary() {
        let rows =
            [("[0-9]{3,9}", true, 4), ("[0-9]{3,9}", false, 3), ("[0-9]{40}", true, 32), ("a[^b]{0,99}c", false, 2)];
        for (pattern, has_boundary, len) in rows {
            assert_eq!(window(pattern, has_boundary).len(), len, "{pattern} {has_boundary}");
        }
        assert!(window("[0-9]{3,9}", true)[3].contains(b'\n'));
        assert!(!window("[0-9]{3,9}", true)[3].contains(b'x'));
    }
}
