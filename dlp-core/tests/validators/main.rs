//! Every check of identifiers against an implementation that others wrote: python-stdnum, asked about the same values. What it
//! does not have is compared with the formulas of `formulas.py`, or says in `ALONE` why there is nothing to compare with.
//!
//! For each check some thousand values are made: random ones of its shape, all that differ in the check characters (so
//! that right ones are among them without anybody's arithmetic), and those that were found right with a mistake in them.
//! Both must give the same verdict on each. Where they differ on purpose, the row says so, and why; a difference that
//! shows up no more fails as well. `scripts/test.sh` installs the package; without it the test says that it is skipped.

#![allow(clippy::print_stdout)]

mod rows;
mod shapes;

use dlp_core::base::Category;
use dlp_core::knowledge::validators::{Verdict, find};
use dlp_core::matching::DetectorSet;
use rows::{ALONE, Difference, ROWS, Row, Side};
use shapes::Random;
use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

/// Values of each shape.
const VALUES: usize = 2_000;
/// Right values of each shape that get a mistake.
const MISSES: usize = 400;
/// Disagreements that are shown of each check.
const SHOWN: usize = 6;

/// A value with both verdicts.
struct Judged<'a> {
    row: &'a Row,
    value: String,
    ours: bool,
    theirs: bool,
}

#[test]
fn checks_agree_with_an_independent_implementation() {
    let Some(python) = python() else { return };
    let judged = judge(&python);
    let mut complaints = Vec::new();
    for row in ROWS {
        let of_row = || judged.iter().filter(|one| std::ptr::eq(one.row, row));
        let both = of_row().filter(|one| one.ours && one.theirs).count();
        if both < row.agreed_min {
            complaints.push(format!("{} = {}: only {both} values are right for both", row.ours, row.theirs));
        }
        let open: Vec<_> = of_row().filter(|one| one.ours != one.theirs && !is_explained(one)).collect();
        if !open.is_empty() {
            let shown: Vec<_> = open.iter().take(SHOWN).map(|one| format!("{} {}", sign(one), one.value)).collect();
            complaints.push(format!("{} = {}: {} differ: {}", row.ours, row.theirs, open.len(), shown.join(", ")));
        }
        for difference in row.differs {
            if !of_row().any(|one| shows(one, difference)) {
                complaints.push(format!("{} = {}: no value differs because {}", row.ours, row.theirs, difference.why));
            }
        }
    }
    let values = judged.len();
    println!("{values} values of {} pairs of checks were judged by both", ROWS.len());
    assert!(complaints.is_empty(), "+ ours accepts, - theirs accepts\n{}", complaints.join("\n"));
}

#[test]
fn every_check_is_compared_or_says_why_not() {
    let set = DetectorSet::builtin().expect("built-in detectors");
    let of_people = set.detectors().filter(|detector| detector.category != Category::Secret);
    let names: BTreeSet<&str> =
        of_people.filter_map(|detector| Some(detector.validator.as_ref()?.name.as_str())).collect();
    let is_compared = |name: &str| ROWS.iter().any(|row| row.ours == name);
    let is_alone = |name: &str| ALONE.iter().any(|(alone, _)| *alone == name);
    let unknown: Vec<_> = names.iter().filter(|name| !is_compared(name) && !is_alone(name)).collect();
    assert!(unknown.is_empty(), "neither a row nor a reason: {unknown:?}");
    let idle: Vec<_> = ALONE.iter().filter(|(name, _)| is_compared(name) || find(name).is_none()).collect();
    assert!(idle.is_empty(), "a reason that is none: {idle:?}");
}

fn is_explained(one: &Judged<'_>) -> bool {
    one.row.differs.iter().any(|difference| shows(one, difference))
}

fn shows(one: &Judged<'_>, difference: &Difference) -> bool {
    let side = if one.ours { Side::Ours } else { Side::Theirs };
    one.ours != one.theirs && side == difference.side && (difference.when)(&one.value)
}

fn sign(one: &Judged<'_>) -> char {
    if one.ours { '+' } else { '-' }
}

/// A Python that has the package. Where the environment demands it, its absence is a failure.
fn python() -> Option<String> {
    let program = std::env::var("DLP_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let asked = Command::new(&program).args(["-c", "import stdnum"]).stderr(Stdio::null()).status();
    if asked.is_ok_and(|status| status.success()) {
        return Some(program);
    }
    assert!(std::env::var_os("DLP_REQUIRE_CLIENTS").is_none(), "{program} has no python-stdnum");

    println!("SKIPPED: {program} has no python-stdnum; scripts/test.sh installs it");
    None
}

/// Every value with both verdicts.
fn judge(python: &str) -> Vec<Judged<'static>> {
    let mut judged = Vec::new();
    for row in ROWS {
        let check = find(row.ours).unwrap_or_else(|| panic!("no check `{}`", row.ours));
        let ours = |value: &str| (check.verdict)(value.as_bytes()) == Verdict::Valid;
        let mut random = Random::of(row.ours);
        for shape in row.shapes {
            let values = shapes::values(shape, VALUES, &mut random);
            let right: Vec<_> = values.iter().filter(|value| ours(value)).collect();
            let misses: Vec<_> = right
                .iter()
                .cycle()
                .take(if right.is_empty() { 0 } else { MISSES })
                .map(|v| shapes::near_miss(v, &mut random))
                .collect();
            let all = values.iter().cloned().chain(misses);
            judged.extend(all.map(|value| Judged { row, ours: ours(&value), value, theirs: false }));
        }
    }
    let verdicts = ask(python, &judged);
    assert_eq!(verdicts.len(), judged.len(), "a verdict for each value");
    judged.iter_mut().zip(verdicts).for_each(|(one, theirs)| one.theirs = theirs);
    judged
}

/// The verdicts of the others.
fn ask(python: &str, judged: &[Judged<'_>]) -> Vec<bool> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/validators/reference.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it ran a moment ago");
    let questions: String = judged.iter().map(|one| format!("{}\t{}\n", one.row.theirs, one.value)).collect();
    let mut input = child.stdin.take().expect("it is piped");
    let writer = std::thread::spawn(move || input.write_all(questions.as_bytes()));
    let output = child.wait_with_output().expect("it ends when its input does");
    writer.join().expect("no panic").expect("it reads everything");
    assert!(output.status.success(), "it ends well");
    output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(|line| line == b"1").collect()
}
