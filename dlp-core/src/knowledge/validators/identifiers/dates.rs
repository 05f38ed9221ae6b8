//! Dates inside identifiers. No clock is asked: a date counts when the calendar has it.

/// Whether the proleptic Gregorian calendar has this day.
pub(super) fn is_date(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=last).contains(&day)
}

/// Whether a two-digit year makes a date in the twentieth or the twenty-first century.
pub(super) fn is_short_date(year: u32, month: u32, day: u32) -> bool {
    is_date(1900 + year, month, day) || is_date(2000 + year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leap_years_and_month_lengths_hold() {
        let rows = [
            (1900, 2, 29, false),
            (2000, 2, 29, true),
            (1904, 2, 29, true),
            (1911, 4, 31, false),
            (1911, 12, 31, true),
            (1911, 13, 1, false),
            (1911, 0, 1, false),
            (1911, 1, 0, false),
        ];
        for (year, month, day, expected) in rows {
            assert_eq!(is_date(year, month, day), expected, "{year}-{month}-{day}");
        }
        assert!(is_short_date(0, 2, 29) && !is_short_date(1, 2, 29));
    }
}
