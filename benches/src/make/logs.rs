//! The digit-heavy corpus: logs and tables from a seed, the worst text for detectors of numbers.
//!
//! Timestamps, addresses, floats, ids and amounts, and a mail address in some lines. Ids are short or drawn without
//! check digits, so few are valid identifiers; one in ten of the long ones is one by chance, as in real tables.

use super::{WANTED_BYTES, write};
use crate::synthetic::Random;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// Files of the corpus: small enough to be read at once, large enough that opening them does not count.
const FILE_BYTES: usize = 4 * 1024 * 1024;

pub(super) fn build(folder: &Path) -> io::Result<()> {
    let files = WANTED_BYTES.div_ceil(FILE_BYTES as u64);
    (0..files)
        .try_for_each(|number| write(&folder.join(format!("part-{number:03}.log")), &text(number + 1, FILE_BYTES)))
}

/// So many bytes of lines; a quarter of it each a web server's log, CSV, JSON lines and a table of floats.
#[must_use]
pub fn text(seed: u64, len: usize) -> Vec<u8> {
    let mut random = Random(seed);
    let mut text = String::with_capacity(len + 256);
    for (number, line) in [access, record, event, floats].into_iter().enumerate() {
        while text.len() < len * (number + 1) / 4 {
            line(&mut random, &mut text).expect("writing to a string succeeds");
        }
    }
    text.truncate(len);
    text.into_bytes()
}

fn access(random: &mut Random, text: &mut String) -> std::fmt::Result {
    let [a, b, c, d] = [(); 4].map(|()| random.below(256));
    let [hour, minute, second] = [24, 60, 60].map(|end| random.below(end));
    let (day, size, id) = (random.below(28) + 1, random.below(200_000), random.below(1_000_000));
    writeln!(
        text,
        "{a}.{b}.{c}.{d} - - [{day:02}/Mar/2026:{hour:02}:{minute:02}:{second:02} +0100] \
         \"GET /orders/{id}/items?page={} HTTP/1.1\" 200 {size} \"-\" \"client/{}.{}.{}\" {}.{:03}",
        random.below(40),
        a % 9,
        b % 20,
        c % 99,
        random.below(4),
        random.below(1000)
    )
}

fn record(random: &mut Random, text: &mut String) -> std::fmt::Result {
    let number = random.below(10_000_000_000);
    let (name, city) = (random.word(), random.word());
    let mail = if random.below(8) == 0 { format!("{name}@{city}.example") } else { String::new() };
    writeln!(
        text,
        "{number:010},{:04}-{:02}-{:02},{name},{city},{mail},{}.{:02},{:.6},{:.6},{}",
        1950 + random.below(76),
        random.below(12) + 1,
        random.below(28) + 1,
        random.below(100_000),
        random.below(100),
        random.below(180_000_000) as f64 / 1e6 - 90.0,
        random.below(360_000_000) as f64 / 1e6 - 180.0,
        random.below(1_000_000)
    )
}

fn event(random: &mut Random, text: &mut String) -> std::fmt::Result {
    writeln!(
        text,
        "{{\"ts\":{}.{:06},\"trace\":\"{:016x}\",\"span\":\"{:08x}\",\"level\":\"info\",\"ms\":{:.3},\"user_id\":{},\
         \"msg\":\"{} {}\"}}",
        1_760_000_000 + random.below(20_000_000),
        random.below(1_000_000),
        random.below(u64::MAX),
        random.below(1 << 32),
        random.below(1_000_000) as f64 / 1000.0,
        random.below(1_000_000),
        random.word(),
        random.word()
    )
}

fn floats(random: &mut Random, text: &mut String) -> std::fmt::Result {
    for _ in 0..12 {
        write!(text, "{:.9}\t", random.below(1 << 50) as f64 / f64::from(1 << 30))?;
    }
    writeln!(text, "{}", random.below(1 << 40))
}
