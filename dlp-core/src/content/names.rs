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

/// Whether a file is called like the middle of a split archive: `a.7z.002`, `a.z01`, `a.r00`. Nothing in it tells.
pub(super) fn is_of_volume(name: &str) -> bool {
    const ARCHIVES: [&str; 9] = ["7z", "zip", "rar", "tar", "tgz", "gz", "bz2", "xz", "zst"];
    const DIGITS: usize = 3;
    let Some((stem, ending)) = name.rsplit_once('.') else { return false };
    let is_number = |text: &str, len: usize| text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_archive = |known: &&str| stem.rsplit_once('.').is_some_and(|(_, ending)| ending.eq_ignore_ascii_case(known));
    match ending.as_bytes() {
        [b'z' | b'Z' | b'r' | b'R', ..] => is_number(&ending[1..], DIGITS - 1),
        _ => is_number(ending, DIGITS) && ARCHIVES.iter().any(is_archive),
    }
}

#[cfg(test)]
mod tests {
    use super::is_of_volume;

    #[test]
    fn volumes_are_called_by_numbers() {
        for name in ["a.7z.002", "dir/a.ZIP.001", "b.tar.gz.010", "a.z01", "a.r99", "a.Z02"] {
            assert!(is_of_volume(name), "{name}");
        }
        for name in ["a.002", "a.7z", "a.7z.02", "a.z1", "a.rar", "a.r0x", "a.zoo", "", "7z.002x", "a.\u{17c}01"] {
            assert!(!is_of_volume(name), "{name}");
        }
    }
}
