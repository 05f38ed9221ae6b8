//! Machine-readable zones of passports, cards and visas: ICAO Doc 9303.

use super::sums::sum_731;

/// Longest zone: three lines of thirty or two of forty-four.
const ZONE_LEN_MAX: usize = 90;

/// A whole zone. Line ends and blanks are skipped; what remains tells the format by its length.
pub(super) fn machine_readable_zone(value: &[u8]) -> Option<bool> {
    let mut zone = [0; ZONE_LEN_MAX];
    let mut len = 0;
    for byte in value.iter().filter(|byte| !byte.is_ascii_whitespace()) {
        *zone.get_mut(len)? = *byte;
        len += 1;
    }
    match len {
        90 => card(&zone),
        88 => booklet(zone.get(44..88)?, zone[0] == b'V'),
        72 => booklet(zone.get(36..72)?, zone[0] == b'V'),
        _ => None,
    }
}

/// Second line of a passport, a two-line card or a visa. Visas have no composite check.
fn booklet(line: &[u8], visa: bool) -> Option<bool> {
    let fields = checked(line, 0..9)? && checked(line, 13..19)? && checked(line, 21..27)?;
    if visa {
        return Some(fields);
    }
    let last = line.len() - 1;
    let composite = sum_731(&line[..10])? + shifted(&[&line[13..20]], 10)? + shifted(&[&line[21..last]], 17)?;
    let optional = line.len() != 44 || checked(line, 28..42)?;
    Some(fields && optional && composite % 10 == value(line[last])?)
}

/// Three-line card.
fn card(zone: &[u8; ZONE_LEN_MAX]) -> Option<bool> {
    let (first, second) = (&zone[..30], &zone[30..60]);
    let number = first[14] == b'<' || checked(first, 5..14)?;
    let fields = number && checked(second, 0..6)? && checked(second, 8..14)?;
    let parts: [&[u8]; 4] = [&first[5..30], &second[..7], &second[8..15], &second[18..29]];
    Some(fields && shifted(&parts, 0)? % 10 == value(second[29])?)
}

/// Whether the character after a field is its check digit; an empty optional field may have a filler there.
fn checked(line: &[u8], field: std::ops::Range<usize>) -> Option<bool> {
    let check = *line.get(field.end)?;
    Some(sum_731(line.get(field)?)? == value(check)?)
}

/// The sum of parts that are read as one text starting at a place of the weights 7, 3, 1.
fn shifted(parts: &[&[u8]], start: usize) -> Option<u32> {
    let mut sum = 0;
    for (byte, at) in parts.iter().copied().flatten().zip(start..) {
        sum += value(*byte)? * [7, 3, 1].get(at % 3)?;
    }
    Some(sum)
}

fn value(byte: u8) -> Option<u32> {
    if byte == b'<' { Some(0) } else { super::compact::letter_value(byte).map(u32::from) }
}
