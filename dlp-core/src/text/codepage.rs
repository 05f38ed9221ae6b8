//! Character sets with one byte for each character, as tables of their upper half.
//!
//! The WHATWG sets come from encoding_rs. The others are written down here: 437 is what ZIP names are in by the
//! standard, 852 is what Windows in Central Europe really writes there, and old texts of Polish computers are in Mazovia or, from
//! those of Apple, in the set of Central Europe.

use encoding_rs::Encoding;

/// Upper halves, bytes 0x80 to 0xFF in order.
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
const CP852: &str = "ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×čáíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐└┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{ad}˝˛ˇ˘§÷¸°¨˙űŘř■\u{a0}";
const MAC_CE: &str = "ÄĀāÉĄÖÜáąČäčĆćéŹźĎíďĒēĖóėôöõúĚěü†°Ę£§•¶ß®©™ę¨≠ģĮįĪ≤≥īĶ∂∑łĻļĽľĹĺŅņŃ¬√ńŇ∆«»…\u{a0}ňŐÕőŌ–—“”‘’÷◊ōŔŕŘ‹›řŖŗŠ‚„šŚśÁŤťÍŽžŪÓÔūŮÚůŰűŲųÝýķŻŁżĢˇ";
const MAZOVIA: &str = "ÇüéâäàąçêëèïîćÄĄĘęłôöĆûùŚÖÜ¢Ł¥śƒŹŻóÓńŃźż¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// A set with one byte for each character.
#[derive(Clone, PartialEq, Eq)]
pub struct CodePage {
    name: &'static str,
    high: Box<[char; 128]>,
}

impl CodePage {
    /// The original IBM PC set.
    #[must_use]
    pub fn cp437() -> Self {
        Self::from_table("cp437", CP437)
    }

    /// The DOS set of Central Europe.
    #[must_use]
    pub fn cp852() -> Self {
        Self::from_table("cp852", CP852)
    }

    /// The set of Apple for Central Europe.
    #[must_use]
    pub fn mac_central_europe() -> Self {
        Self::from_table("x-mac-ce", MAC_CE)
    }

    /// The DOS set of Polish makers before 852.
    #[must_use]
    pub fn mazovia() -> Self {
        Self::from_table("mazovia", MAZOVIA)
    }

    /// A single-byte set of encoding_rs; `None` for sets with longer characters.
    #[must_use]
    pub fn from_encoding(encoding: &'static Encoding) -> Option<Self> {
        if !encoding.is_single_byte() {
            return None;
        }
        let mut high = Box::new(['\u{fffd}'; 128]);
        for (slot, byte) in high.iter_mut().zip(0x80_u8..=0xFF) {
            let bytes = [byte];
            let (text, _) = encoding.decode_without_bom_handling(&bytes);
            *slot = text.chars().next().unwrap_or('\u{fffd}');
        }
        Some(Self { name: encoding.name(), high })
    }

    /// The name of the set.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The character of a byte.
    #[must_use]
    pub fn char(&self, byte: u8) -> char {
        match byte.checked_sub(0x80) {
            Some(index) => self.high[usize::from(index)],
            None => char::from(byte),
        }
    }

    /// Decodes a whole string.
    #[must_use]
    pub fn decode(&self, bytes: &[u8]) -> String {
        bytes.iter().map(|&byte| self.char(byte)).collect()
    }

    fn from_table(name: &'static str, table: &str) -> Self {
        let mut high = Box::new(['\u{fffd}'; 128]);
        for (slot, c) in high.iter_mut().zip(table.chars()) {
            *slot = c;
        }
        Self { name, high }
    }
}

impl std::fmt::Debug for CodePage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CodePage({})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_full_and_decode_polish_names() {
        assert_eq!(CP437.chars().count(), 128);
        assert!([CP852, MAC_CE, MAZOVIA].iter().all(|table| table.chars().count() == 128));
        let rows: [(&[u8], CodePage, &str); 5] = [
            (b"za\xbe\xa2\x88\x86 g\xa9\x98l\xa5 ja\xab\xe4", CodePage::cp852(), "zażółć gęślą jaźń"),
            (b"za\xfd\x97\xb8\x8d g\xab\xe6l\x88 ja\x90\xc4", CodePage::mac_central_europe(), "zażółć gęślą jaźń"),
            (b"za\xa7\xa2\x92\x8d g\x91\x9el\x86 ja\xa6\xa4", CodePage::mazovia(), "zażółć gęślą jaźń"),
            (b"caf\x82", CodePage::cp437(), "café"),
            (
                b"za\xbf\xf3\xb3\xe6",
                CodePage::from_encoding(encoding_rs::WINDOWS_1250).expect("a single-byte set"),
                "zażółć",
            ),
        ];
        for (bytes, page, expected) in rows {
            assert_eq!(page.decode(bytes), expected, "{page:?}");
        }
    }
}
