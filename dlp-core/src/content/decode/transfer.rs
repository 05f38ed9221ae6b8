//! Transfer encodings of mail: base64, quoted-printable, uuencode. None of them fails: what is no code is passed over
//! or stands for itself.

use super::Derived;

/// No digit of base64.
const NO_DIGIT: u8 = 0xFF;
/// The values of base64 digits, both alphabets.
const SEXTETS: [u8; 256] = sextets();

const fn sextets() -> [u8; 256] {
    let mut table = [NO_DIGIT; 256];
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut value = 0;
    while value < digits.len() {
        table[digits[value] as usize] = value as u8;
        value += 1;
    }
    table[b'-' as usize] = 62;
    table[b'_' as usize] = 63;
    table
}

/// The value of a base64 digit.
#[inline]
pub(in crate::content) fn sextet(byte: u8) -> Option<u8> {
    let value = SEXTETS[usize::from(byte)];
    (value != NO_DIGIT).then_some(value)
}

/// Decodes base64 whose first byte stands at `offset`. Padding ends a group, not the text; other bytes are passed over.
pub(in crate::content) fn base64(source: &[u8], offset: u64) -> Derived {
    let mut out = Derived { bytes: Vec::with_capacity(source.len() / 4 * 3), runs: Vec::new() };
    let (mut group, mut len, mut start) = (0_u32, 0, 0);
    for (at, byte) in source.iter().enumerate() {
        let Some(value) = sextet(*byte) else {
            if *byte == b'=' && len > 0 {
                end_group(&mut out, group, len, start);
                (group, len) = (0, 0);
            }
            continue;
        };
        if len == 0 {
            start = offset + at as u64;
        }
        group = group << 6 | u32::from(value);
        len += 1;
        if len == 4 {
            out.group(&group.to_be_bytes()[1..], start);
            (group, len) = (0, 0);
        }
    }
    end_group(&mut out, group, len, start);
    out.end(offset + source.len() as u64);
    out
}

/// A group that was left unfinished; one digit alone is no byte.
fn end_group(out: &mut Derived, group: u32, digits: u32, start: u64) {
    if digits >= 2 {
        let bytes = (group << (6 * (4 - digits))).to_be_bytes();
        out.share(&bytes[1..digits as usize], start);
    }
}

/// Decodes quoted-printable. A `=` that begins no code stands for itself.
pub(in crate::content) fn quoted_printable(source: &[u8], offset: u64) -> Derived {
    let mut out = Derived { bytes: Vec::with_capacity(source.len()), runs: Vec::new() };
    let mut at = 0;
    while at < source.len() {
        let rest = &source[at..];
        let plain = memchr::memchr(b'=', rest).unwrap_or(rest.len());
        out.copy(&rest[..plain], offset + at as u64);
        at += plain;
        let Some(code) = rest.get(plain + 1..) else { break };
        if let Some(byte) = hex_pair(code) {
            out.push(byte, offset + at as u64, 3);
            at += 3;
        } else if let Some(len) = soft_break(code) {
            at += 1 + len;
        } else {
            out.copy(b"=", offset + at as u64);
            at += 1;
        }
    }
    out.end(offset + source.len() as u64);
    out
}

/// The byte of two hexadecimal digits.
pub(in crate::content) fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    Some((digit(0)? * 16 + digit(1)?) as u8)
}

/// Length of a line end that does not count, blanks before it included.
fn soft_break(code: &[u8]) -> Option<usize> {
    let blanks = code.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    match &code[blanks..] {
        [b'\r', b'\n', ..] => Some(blanks + 2),
        [b'\n' | b'\r', ..] => Some(blanks + 1),
        [] => Some(blanks),
        _ => None,
    }
}

/// A file in uuencode.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::content) struct Uuencoded<'s> {
    pub(in crate::content) name: &'s [u8],
    pub(in crate::content) content: Derived,
    /// Bytes of the source that it takes.
    pub(in crate::content) len: usize,
}

/// Decodes a file that starts with `begin 644 name`.
pub(in crate::content) fn uuencode(source: &[u8], offset: u64) -> Option<Uuencoded<'_>> {
    let mut lines = source.split_inclusive(|byte| *byte == b'\n');
    let first = lines.next()?;
    let rest = first.strip_prefix(b"begin ")?.trim_ascii_end();
    let (mode, name) = rest.split_at(rest.iter().position(|byte| *byte == b' ')?);
    if !(3..=4).contains(&mode.len()) || !mode.iter().all(|byte| (b'0'..=b'7').contains(byte)) {
        return None;
    }
    let mut content = Derived::default();
    let mut len = first.len();
    for line in lines {
        let text = line.trim_ascii_end();
        if text == b"end" {
            len += line.len();
            break;
        }
        if !uu_line(text, offset + len as u64, &mut content) {
            break;
        }
        len += line.len();
    }
    content.end(offset + len as u64);
    Some(Uuencoded { name: name.trim_ascii(), content, len })
}

/// Decodes one line; false when it is none.
fn uu_line(line: &[u8], offset: u64, out: &mut Derived) -> bool {
    let value = |byte: u8| (b' '..=b'`').contains(&byte).then(|| (byte - b' ') & 0x3F);
    let Some((count, digits)) = line.split_first() else { return true };
    let Some(count) = value(*count).map(usize::from) else { return false };
    if digits.len() < (count * 4).div_ceil(3) && digits.len() + 3 < count.div_ceil(3) * 4 {
        return false;
    }
    let mut left = count;
    for (index, group) in digits.chunks(4).enumerate() {
        let mut bits = 0_u32;
        for at in 0..4 {
            let Some(value) = value(group.get(at).copied().unwrap_or(b' ')) else { return false };
            bits = bits << 6 | u32::from(value);
        }
        let bytes = &bits.to_be_bytes()[1..][..left.min(3)];
        out.group(bytes, offset + 1 + 4 * index as u64);
        left -= bytes.len();
    }
    true
}

/// A file in yEnc, or a part of one: its name and its bytes.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::content) struct Yencoded<'s> {
    pub(in crate::content) name: &'s [u8],
    pub(in crate::content) bytes: Vec<u8>,
    /// Bytes of the source up to its end.
    pub(in crate::content) len: usize,
}

/// Decodes a file that starts with `=ybegin`, up to its `=yend` or the end of the source. Every byte stands for itself less 42,
/// except for line ends and those behind a `=`.
pub(in crate::content) fn yenc(source: &[u8]) -> Option<Yencoded<'_>> {
    const SHIFT: u8 = 42;
    const ESCAPED_SHIFT: u8 = 64;
    let line_end = |rest: &[u8]| memchr::memchr(b'\n', rest).map_or(rest.len(), |len| len + 1);
    let (first, mut rest) = source.split_at(line_end(source));
    let name = first.strip_prefix(b"=ybegin ").and_then(|fields| {
        let at = memchr::memmem::find(fields, b" name=")?;
        Some(fields[at + b" name=".len()..].trim_ascii())
    })?;
    if rest.starts_with(b"=ypart ") {
        rest = &rest[line_end(rest)..];
    }
    let mut bytes = Vec::new();
    let (mut is_line_start, mut at) = (true, 0);
    while let Some(byte) = rest.get(at) {
        if is_line_start && rest[at..].starts_with(b"=yend") {
            break;
        }
        is_line_start = *byte == b'\n';
        match (byte, rest.get(at + 1)) {
            (b'\r' | b'\n', _) => {}
            (b'=', Some(escaped)) => {
                bytes.push(escaped.wrapping_sub(SHIFT).wrapping_sub(ESCAPED_SHIFT));
                at += 1;
            }
            (byte, _) => bytes.push(byte.wrapping_sub(SHIFT)),
        }
        at += 1;
    }
    Some(Yencoded { name, bytes, len: source.len() - rest.len() + at.min(rest.len()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::original_offset;

    #[test]
    fn yenc_gives_every_byte() {
        let content: Vec<u8> = (0..=255).chain(*b"PESEL 44051401458").collect();
        let mut code = Vec::new();
        for line in content.chunks(50) {
            for byte in line.iter().map(|byte| byte.wrapping_add(42)) {
                let is_critical = matches!(byte, 0 | b'\n' | b'\r' | b'=');
                code.extend(if is_critical { vec![b'=', byte.wrapping_add(64)] } else { vec![byte] });
            }
            code.extend(b"\r\n");
        }
        let begin: &[u8] = b"=ybegin line=50 size=273 name=a file.bin\r\n";
        let rows = [
            [begin, &code, b"=yend size=273 crc32=0\r\nafter"].concat(),
            [&b"=ybegin part=1 line=50 size=273 name=a file.bin\n=ypart begin=1 end=273\n"[..], &code].concat(),
        ];
        for source in rows {
            let found = yenc(&source).expect("a file");
            assert_eq!((found.name, &found.bytes), (&b"a file.bin"[..], &content));
            assert!(source[found.len..].is_empty() || source[found.len..].starts_with(b"=yend"));
        }
        assert_eq!((yenc(b"=ybegin line=9\nx"), yenc(b"text"), yenc(b"")), (None, None, None));
    }

    #[test]
    fn base64_takes_every_variant() {
        let rows: [(&str, &str); 10] = [
            ("", ""),
            ("UEVTRUw=", "PESEL"),
            ("UEVTRUw", "PESEL"),
            ("UEVT\r\nRUw=", "PESEL"),
            ("U E!V#T*RUw=", "PESEL"),
            ("UEVTRUw=UEVTRUw=", "PESELPESEL"),
            ("UA==", "P"),
            ("U", ""),
            ("8J-YgA", "😀"),
            ("8J+YgA", "😀"),
        ];
        for (source, expected) in rows {
            let derived = base64(source.as_bytes(), 10);
            assert_eq!(String::from_utf8_lossy(&derived.bytes), expected, "{source}");
            assert_eq!(original_offset(&derived.runs, derived.bytes.len() as u32), Some(10 + source.len() as u64));
        }
        let derived = base64(b"UE\nVTRUw=", 10);
        assert_eq!([0, 2, 3].map(|at| original_offset(&derived.runs, at)), [Some(10), Some(10), Some(15)]);
    }

    #[test]
    fn quoted_printable_keeps_what_is_no_code() {
        let rows: [(&str, &str); 9] = [
            ("", ""),
            ("plain", "plain"),
            ("z=C5=82y", "zły"),
            ("z=c5=82y", "zły"),
            ("4405=\r\n1401458", "44051401458"),
            ("4405=  \n1401458", "44051401458"),
            ("a=b", "a=b"),
            ("a=", "a"),
            ("a==41", "a=A"),
        ];
        for (source, expected) in rows {
            let derived = quoted_printable(source.as_bytes(), 0);
            assert_eq!(String::from_utf8_lossy(&derived.bytes), expected, "{source}");
        }
        let derived = quoted_printable(b"a=41=\nB", 100);
        assert_eq!(
            [0, 1, 2, 3].map(|at| original_offset(&derived.runs, at)),
            [Some(100), Some(101), Some(106), Some(107)]
        );
    }

    #[test]
    fn uuencode_ends_where_its_lines_do() {
        type Row = (&'static str, Option<(&'static str, &'static str, usize)>);
        let rows: [Row; 5] = [
            ("begin 644 a.txt\n#0V%T\n`\nend\nrest", Some(("a.txt", "Cat", 28))),
            ("begin 644 a b\n$0V%T<P\n \nend", Some(("a b", "Cats", 27))),
            ("begin 644 a\n#0V%T\nno line of this kind\n", Some(("a", "Cat", 18))),
            ("begin here\n", None),
            ("begin 644", None),
        ];
        for (source, expected) in rows {
            let found = uuencode(source.as_bytes(), 0);
            let found = found.as_ref().map(|found| {
                (
                    std::str::from_utf8(found.name).unwrap_or(""),
                    String::from_utf8_lossy(&found.content.bytes),
                    found.len,
                )
            });
            let found = found.as_ref().map(|(name, text, len)| (*name, &**text, *len));
            assert_eq!(found, expected, "{source}");
        }
    }
}
