//! The window of a pattern: which bytes can stand at each of the first offsets of a match.

use super::WINDOW_LEN;
use super::byte_set::ByteSet;
use super::walk::{Counts, Taken, Walk};
use regex_syntax::hir::Hir;

/// The bytes that can stand at each of the first offsets.
type Window = [ByteSet; WINDOW_LEN];

/// Most bytes of a character in UTF-8.
const CHARACTER_BYTES_MAX: usize = 4;

/// The window of a whole pattern, so that it holds for each of its branches. Where a boundary is demanded, one place
/// behind the shortest match is known too: what the boundary lets follow. Without one anything can, and it is cut
/// there.
pub(super) fn derive(hir: &Hir, has_boundary: bool) -> Vec<ByteSet> {
    let mut window = Window::default();
    let step = |from, taken| step(&mut window, from, taken);
    let ends = Walk { turns_max: WINDOW_LEN as u32 + 1, step }.walk(hir, 1);
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

/// Takes a byte or character at each offset of a set, notes what can stand there, and gives the offsets behind it.
/// Those behind the window's end are dropped.
fn step(window: &mut Window, from: Counts, taken: Taken) -> Counts {
    match taken {
        Taken::Byte(bytes) => {
            note(window, from, bytes);
            shift(from)
        }
        Taken::Character => {
            let (mut at, mut ends) = (from, 0);
            for _ in 0..CHARACTER_BYTES_MAX {
                note(window, at, ByteSet::ALL);
                at = shift(at);
                ends |= at;
            }
            ends
        }
    }
}

/// One byte on. The last offset kept is [`WINDOW_LEN`], which says that the window's end was reached.
fn shift(offsets: Counts) -> Counts {
    (offsets << 1) & (Counts::MAX >> (63 - WINDOW_LEN))
}

fn note(window: &mut Window, offsets: Counts, bytes: ByteSet) {
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
    fn characters_of_several_bytes_are_spelled_out() {
        // The bytes of a no-break space are read as the character, because they stand as an alternative of one.
        let window = window("[0-9](?: |\\xC2\\xA0)[0-9]{2}", true);
        let rows: [&[u8]; 5] = [b"0", b" \xC2", b"0\xA0", b"0", b"0-"];
        assert_eq!(window.len(), rows.len());
        for (offset, (set, members)) in window.iter().zip(rows).enumerate() {
            for byte in *b"0 -x\xC2\xA0\xC3" {
                let expected = members.contains(&byte) || (offset == 4 && !byte.is_ascii_alphanumeric());
                assert_eq!(set.contains(byte), expected, "{offset} {byte:x}");
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
