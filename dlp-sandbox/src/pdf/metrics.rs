//! Widths of the standard fonts, which documents may use without saying how wide their glyphs are.
//!
//! Only word gaps depend on them, so one table stands for a family: bold and italic cuts differ by a few hundredths.

/// Widths of the characters from space to tilde in thousandths of the font size: Helvetica.
const SANS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
];

/// The same for Times.
const SERIF: [u16; 95] = [
    250, 333, 408, 500, 500, 833, 778, 180, 333, 333, 500, 564, 250, 333, 250, 278, 500, 500, 500, 500, 500, 500, 500,
    500, 500, 500, 278, 278, 564, 564, 564, 444, 921, 722, 667, 667, 722, 611, 556, 722, 722, 333, 389, 722, 611, 889,
    722, 722, 556, 722, 667, 556, 611, 722, 722, 944, 722, 722, 611, 333, 278, 333, 469, 500, 333, 444, 500, 444, 500,
    444, 333, 500, 500, 278, 278, 500, 278, 778, 500, 500, 500, 500, 333, 389, 278, 500, 500, 722, 500, 500, 444, 480,
    200, 480, 541,
];

/// Every glyph of a typewriter font.
const MONOSPACE: u16 = 600;

/// Families of fonts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Family {
    Sans,
    Serif,
    Monospace,
}

impl Family {
    /// The family that a font's name speaks of.
    pub(super) fn of(font_name: &[u8]) -> Self {
        let has = |part: &[u8]| memchr::memmem::find(font_name, part).is_some();
        match () {
            () if has(b"Courier") || has(b"Mono") => Self::Monospace,
            () if has(b"Times") || has(b"Serif") => Self::Serif,
            () => Self::Sans,
        }
    }

    /// Width of a character in a font without widths of its own.
    pub(super) fn width(self, character: char) -> f64 {
        let table = match self {
            Self::Monospace => return f64::from(MONOSPACE),
            Self::Serif => &SERIF,
            Self::Sans => &SANS,
        };
        let index = u32::from(character).checked_sub(u32::from(' ')).and_then(|index| usize::try_from(index).ok());
        // Beyond ASCII, a letter is as wide as most letters.
        f64::from(index.and_then(|index| table.get(index)).copied().unwrap_or(556))
    }
}

#[cfg(test)]
mod tests {
    use super::Family;

    #[test]
    fn families_have_their_widths() {
        let check = |font: &str, character, expected: f64| {
            assert_eq!(Family::of(font.as_bytes()).width(character), expected, "{font} {character}");
        };
        check("Helvetica-Bold", ' ', 278.0);
        check("Helvetica", '0', 556.0);
        check("Helvetica", 'W', 944.0);
        check("Helvetica", '~', 584.0);
        check("Times-Roman", 'a', 444.0);
        check("Times-Roman", '~', 541.0);
        check("Courier", 'i', 600.0);
        check("Unknown", 'ä', 556.0);
        check("Unknown", '\n', 556.0);
    }
}
