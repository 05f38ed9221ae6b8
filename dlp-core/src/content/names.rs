//! Names and comments in archives, whose character set is rarely stated.

use crate::text::CodePage;

/// Readings of a name. The primary one is shown; the others are scanned too.
pub(super) struct Names {
    pub(super) primary: String,
    pub(super) others: Vec<String>,
}

/// Decodes a name: UTF-8 where stated or valid, else the DOS sets that ZIP tools write. Windows in Central Europe
/// writes 852, the standard says 437, so both readings are kept.
pub(super) fn decode(bytes: &[u8], stated_utf8: bool) -> Names {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Names { primary: text.to_owned(), others: Vec::new() };
    }
    if stated_utf8 {
        return Names { primary: String::from_utf8_lossy(bytes).into_owned(), others: Vec::new() };
    }
    let mut readings = vec![CodePage::cp852().decode(bytes), CodePage::cp437().decode(bytes)];
    readings.extend(CodePage::from_encoding(encoding_rs::WINDOWS_1250).map(|page| page.decode(bytes)));
    let primary = readings.remove(0);
    readings.retain(|reading| *reading != primary);
    readings.dedup();
    Names { primary, others: readings }
}
