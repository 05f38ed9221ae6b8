//! Numbers that are nobody's: files of them hold no finding that is shown, and columns of them none that a header makes.

use dlp_core::base::{Cancel, ConfidenceLevel, Limits};
use dlp_core::content::{Finding, Input};
use dlp_core::inspect::{Collected, Inspector, Job};
use dlp_core::matching::{DetectorSet, Scratch};
use std::fmt::Write as _;

/// Lines of a file.
const LINES: u64 = 1_000;

/// Numbers without order, the same ones in each run (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// From zero to one.
    fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }
}

fn lines(seed: u64, mut line: impl FnMut(u64, &mut Random) -> String) -> String {
    let mut random = Random(seed);
    (0..LINES).fold(String::new(), |mut text, number| {
        writeln!(text, "{}", line(number, &mut random)).expect("writing to a string succeeds");
        text
    })
}

fn uuid(random: &mut Random) -> String {
    let hex = format!("{:016x}{:016x}", random.next(), random.next());
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

fn moment(number: u64) -> String {
    let (days, second) = (number * 997 / 86_400, number * 997 % 86_400);
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!("2023-{:02}-{:02}T{hour:02}:{minute:02}:{:02}", 1 + days / 28 % 12, 1 + days % 28, second % 60)
}

fn files() -> Vec<(&'static str, String)> {
    let epoch = |number: u64| 1_500_000_000 + number * 37;
    vec![
        ("floats", lines(1, |_, r| format!("{} {:.9} {:.7e}", r.part(), r.part() * 1e3, r.part() * 1e9))),
        (
            "columns of floats",
            format!("x,y,z\n{}", lines(2, |_, r| format!("{},{:.6},{:.2}", r.part(), r.part() * 90.0, r.part()))),
        ),
        ("coordinates", lines(3, |_, r| format!("[{}, {}],", r.part() * 360.0 - 180.0, r.part() * 180.0 - 90.0))),
        (
            "paths of a drawing",
            lines(4, |_, r| {
                format!("M{:.3},{:.3}C{:.3},{:.3}", r.part() * 999.0, r.part() * 999.0, r.part(), r.part())
            }),
        ),
        ("UUIDs", lines(5, |_, r| uuid(r))),
        ("UUIDs in JSON", lines(6, |_, r| format!("{{\"id\":\"{}\",\"n\":{}}}", uuid(r), r.below(1 << 40)))),
        ("hashes", lines(7, |_, r| format!("{:016x}{:016x}{:08x} file", r.next(), r.next(), r.next() as u32))),
        ("seconds", lines(8, |n, _| epoch(n).to_string())),
        ("milliseconds", lines(9, |n, r| (epoch(n) * 1_000 + r.below(1_000)).to_string())),
        (
            "seconds and nanoseconds",
            format!("ts,ns\n{}", lines(10, |n, r| format!("{},{}{:09}", epoch(n), epoch(n), r.below(1_000_000_000)))),
        ),
        (
            "microseconds of a log",
            lines(11, |n, r| format!("{}{:06} worker {} done", epoch(n), r.below(1_000_000), n % 8)),
        ),
        (
            "moments of a log",
            lines(12, |n, r| format!("{}.{:06}Z INFO took {:.3} ms", moment(n), r.below(1_000_000), r.part() * 1e3)),
        ),
        ("moments without separators", lines(13, |n, _| moment(n).replace(['-', 'T', ':'], ""))),
        (
            "days and times of day",
            lines(15, |_, r| {
                let (day, month, year) = (1 + r.below(28), 1 + r.below(12), r.below(100));
                format!("{day:02}{month:02}{year:02}-{:02}{:02}", r.below(24), r.below(60))
            }),
        ),
        ("file times of Windows", lines(16, |n, _| ((epoch(n) + 11_644_473_600) * 10_000_000).to_string())),
        ("commits cut short", lines(17, |n, r| format!("{:09x} mend what {n} says", r.next() >> 28))),
        (
            "ids of processes",
            lines(18, |n, r| format!("span={:016x} pid={} tid={}", r.next(), 10_000 + n * 7, r.below(1 << 47))),
        ),
        (
            "versions of candidates",
            lines(19, |_, r| {
                let part = |r: &mut Random| {
                    let digits = 1 + r.below(6) as u32;
                    r.below(10_u64.pow(digits))
                };
                format!("{}.{}.{}-rc{}\n{}.{}.{}", part(r), part(r), part(r), r.below(9), part(r), part(r), part(r))
            }),
        ),
        (
            "amounts with commas",
            lines(20, |_, r| {
                let part = |r: &mut Random| format!("{},{}", r.below(20_000), r.below(100_000_000));
                format!("{};-{};{};-{}", part(r), part(r), part(r), part(r))
            }),
        ),
        ("versions", lines(14, |n, r| format!("package{n}=={}.{}.{}", r.below(30), r.below(99), r.below(20_000)))),
    ]
}

fn findings(inspector: &Inspector, text: &str) -> Vec<Finding> {
    let mut collected = Collected::default();
    let job = Job { name: "benign.csv", input: Input::Bytes(text.as_bytes()), cancel: &Cancel::default() };
    inspector.inspect(&mut Scratch::default(), job, &mut collected);
    collected.findings
}

/// The detectors of the findings that are at least so sure.
fn at_least<'i>(inspector: &'i Inspector, findings: &[Finding], level: ConfidenceLevel) -> Vec<&'i str> {
    let sure = findings.iter().filter(|finding| finding.confidence.level() >= level);
    sure.map(|finding| inspector.detectors().detector(finding.detector).id.as_str()).collect()
}

fn inspector() -> Inspector {
    Inspector::new(DetectorSet::builtin().expect("built-in detectors"), Limits::batch())
}

#[test]
fn floats_uuids_moments_hashes_and_versions_are_nobodys() {
    let inspector = inspector();
    for (what, text) in files() {
        let shown = at_least(&inspector, &findings(&inspector, &text), ConfidenceLevel::Medium).join(" ");
        assert_eq!(shown, "", "{what}");
    }
}

#[test]
fn random_digits_are_hardly_ever_shown_and_never_sure() {
    let inspector = inspector();
    for count in 8..20 {
        let found = findings(&inspector, &lines(count, |_, random| random.digits(count as usize)));
        assert_eq!(at_least(&inspector, &found, ConfidenceLevel::High), [""; 0], "{count} digits");
        let shown = at_least(&inspector, &found, ConfidenceLevel::Medium);
        assert!(shown.len() as u64 * 100 <= LINES, "{count} digits: {shown:?}");
    }
}

#[test]
fn a_header_makes_no_identifiers_of_random_numbers() {
    let inspector = inspector();
    for (header, count) in [("routing", 9), ("account", 9), ("pesel", 11), ("nip", 10), ("cnp", 13), ("steuer-id", 11)]
    {
        let rows = lines(count as u64, |number, random| format!("{number},{},open", random.digits(count)));
        let found = findings(&inspector, &format!("id,{header},state\n{rows}"));
        let shown = at_least(&inspector, &found, ConfidenceLevel::Medium);
        assert!(shown.len() as u64 * 100 <= LINES, "{header}: {} of {LINES}", shown.len());
    }
}

#[test]
fn a_column_of_valid_numbers_stays_sure() {
    let inspector = inspector();
    let valid = |random: &mut Random| {
        let body = format!("{}{}", 21 + random.below(12), random.digits(6));
        let sum: u64 = body.bytes().zip([3, 7, 1].into_iter().cycle()).map(|(d, w)| u64::from(d - b'0') * w).sum();
        format!("{body}{}", (10 - sum % 10) % 10)
    };
    // One in ten was mistyped.
    let rows = lines(1, |number, random| match number % 10 {
        7 => format!("{number},{},open", random.digits(9)),
        _ => format!("{number},{},open", valid(random)),
    });
    let found = findings(&inspector, &format!("id,routing,state\n{rows}"));
    let ids = at_least(&inspector, &found, ConfidenceLevel::High);
    let right = ids.iter().filter(|id| **id == "finance.routing.us-aba").count();
    assert!(right as u64 >= LINES * 85 / 100, "{right} of {LINES}");
}

#[test]
fn rows_of_nonsense_hide_no_number_of_a_person() {
    let inspector = inspector();
    let rows: [(&str, &str, &[&str], &str); 2] = [
        (
            "card number",
            "4539148803436467",
            &["4539148803430000", "4539148803430037", "4539148803430074"],
            "finance.card.pan",
        ),
        ("iban pesel", "44051401458", &["44051401459", "44051401450", "44051401451"], "pii.pl.pesel"),
    ];
    for (header, value, nonsense, expected) in rows {
        let before: String = nonsense.iter().enumerate().map(|(id, other)| format!("{},{other}\n", id + 10)).collect();
        let found = findings(&inspector, &format!("id,{header}\n{before}20,{value}\n{before}"));
        let sure = at_least(&inspector, &found, ConfidenceLevel::Medium);
        assert!(sure.contains(&expected), "{header}: {sure:?}");
    }
}
