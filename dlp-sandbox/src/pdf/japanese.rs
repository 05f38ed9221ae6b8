//! Characters of the collection Adobe-Japan1, which fonts of Japanese name by numbers of their own.
//!
//! A font without a map to Unicode that is written in these numbers shows nothing else. Most of them stand in the order
//! of JIS X 0208, row by row (Adobe Technical Note 5078), so the character set gives the characters; what comes later
//! in the collection (variants, rare names) stays unknown.

use encoding_rs::EUC_JP;

/// The ordering that a font states.
pub(super) const ORDERING: &[u8] = b"Japan1";

/// First number, how many, and the character of the first; those behind follow one another.
const IN_A_ROW: [(u32, u32, u32); 3] = [(1, 95, 0x20), (231, 95, 0x20), (327, 63, 0xFF61)];

/// First number, how many, and row and cell of JIS X 0208.
const IN_CELLS: [(u32, u32, u32, u32); 18] = [
    (633, 94, 1, 1),
    (727, 14, 2, 1),
    (741, 8, 2, 26),
    (749, 7, 2, 42),
    (756, 15, 2, 60),
    (771, 8, 2, 82),
    (779, 1, 2, 94),
    (780, 10, 3, 16),
    (790, 26, 3, 33),
    (816, 26, 3, 65),
    (842, 83, 4, 1),
    (925, 86, 5, 1),
    (1_011, 24, 6, 1),
    (1_035, 24, 6, 33),
    (1_059, 33, 7, 1),
    (1_092, 33, 7, 49),
    (1_125, 2_965, 16, 1),
    (4_090, 3_388, 48, 1),
];

/// The character with this number.
pub(super) fn character(number: u32) -> Option<char> {
    const CELLS: u32 = 94;
    let in_a_row = IN_A_ROW.iter().find(|(first, len, _)| (*first..first + len).contains(&number));
    if let Some((first, _, character)) = in_a_row {
        return char::from_u32(character + number - first);
    }
    let (first, _, row, cell) = IN_CELLS.iter().find(|(first, len, ..)| (*first..first + len).contains(&number))?;
    let cells = cell - 1 + number - first;
    let byte = |number: u32| u8::try_from(0xA0 + number).ok();
    let pair = [byte(row + cells / CELLS)?, byte(1 + cells % CELLS)?];
    let (text, has_errors) = EUC_JP.decode_without_bom_handling(&pair);
    text.chars().next().filter(|_| !has_errors)
}

#[cfg(test)]
mod tests {
    use super::character;

    #[test]
    fn numbers_are_characters_in_the_order_of_jis() {
        // The ends of rows, and characters whose numbers the technical note shows.
        let rows = [
            (1, Some(' ')),
            (34, Some('A')),
            (264, Some('A')),
            (633, Some('\u{3000}')),
            (780, Some('０')),
            (842, Some('ぁ')),
            (843, Some('あ')),
            (926, Some('ア')),
            (1_011, Some('Α')),
            (1_125, Some('亜')),
            (4_089, Some('腕')),
            (4_090, Some('弌')),
            (7_477, Some('瑤')),
            (7_478, None),
            (0, None),
            (20_000, None),
        ];
        for (number, expected) in rows {
            assert_eq!(character(number), expected, "{number}");
        }
    }
}
