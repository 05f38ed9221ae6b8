//! Marks in a file by which people say that a finding is wanted: `dlp:allow secret.github -- test fixture`.
//!
//! ```text
//! token = "..."  # dlp:allow secret.github.pat-classic -- revoked, kept for the parser's test until=2030-01-31
//!
//! // dlp:allow pii.pl -- published example of the registry
//! let number = "...";
//! ```
//!
//! A mark names detectors or families of them, with commas between, and gives a reason, because whoever reads it in a
//! year has to judge it. One that is written wrong is void, and says so beside the finding that it was meant for.
//! It holds for its own line, and for the next one when nothing but the start of a comment stands before it. Marks
//! speak to scans of files that their authors may change; the gateway does not look at them. Marks of other scanners count
//! too, for credentials.

use super::peer_marks::PeerMarks;
use crate::text::detect;
use std::borrow::Cow;

/// What introduces a mark.
const MARK: &[u8] = b"dlp:allow";
/// Longest line that is searched for marks.
const LINE_LEN_MAX: usize = 4096;
/// First bytes of a file that tell how its letters are written.
const HEAD_BYTES: usize = 4096;
/// Characters of a reason that reports show.
const REASON_CHARS_MAX: usize = 200;

/// A mark that holds for a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlineAllow {
    /// Why, as it stands in the file. Not masked.
    pub reason: String,
    /// Last day, as `YYYY-MM-DD`.
    pub until: Option<String>,
    /// The line of the mark, from 1.
    pub line: u64,
}

/// The finding that a mark is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Marked<'a> {
    /// The line on which it starts, from 1.
    pub line: u64,
    /// The line on which it ends; the same for most.
    pub last_line: u64,
    /// Detector id.
    pub detector: &'a str,
    /// Whether it is a credential, which is what marks of other scanners are about.
    pub is_secret: bool,
}

/// What the marks around a finding say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InlineVerdict {
    /// There is none for its detector.
    None,
    /// It is wanted.
    Allowed(InlineAllow),
    /// There is one that does not count.
    Void {
        /// The line of the mark, from 1.
        line: u64,
        /// Why it does not.
        why: &'static str,
    },
}

/// The lines of a file, for looking at several findings.
pub struct InlineMarks<'t> {
    lines: Vec<&'t [u8]>,
    /// Ids of every detector, by which wrong names are told from those of other detectors.
    ids: Vec<&'t str>,
    peers: PeerMarks,
}

impl<'t> InlineMarks<'t> {
    /// The marks of a file; `None` when there is not a single one, which is nearly always. `ids` are those of every
    /// detector there is, chosen or not.
    #[must_use]
    pub fn of(file: &'t [u8], ids: impl Iterator<Item = &'t str>) -> Option<Self> {
        let has_own = memchr::memmem::find(file, MARK).is_some();
        if !has_own && !PeerMarks::may_stand_in(file) {
            return None;
        }
        let lines = lines(file);
        let peers = PeerMarks::of(file, &lines, LINE_LEN_MAX);
        (has_own || !peers.is_empty()).then(|| Self { lines, ids: ids.collect(), peers })
    }

    /// What holds for a finding. `today` is written `YYYY-MM-DD`.
    #[must_use]
    pub fn verdict(&self, marked: Marked<'_>, today: &str) -> InlineVerdict {
        let own = self.own(marked, today);
        let peer = || {
            let on = |line| self.peers.on(line).filter(|_| marked.is_secret);
            on(marked.line).or_else(|| on(marked.last_line))
        };
        match (&own, peer()) {
            (InlineVerdict::Allowed(_), _) | (_, None) => own,
            (_, Some((mark, line))) => {
                InlineVerdict::Allowed(InlineAllow { reason: format!("marked {mark}"), until: None, line })
            }
        }
    }

    fn own(&self, Marked { line, last_line, detector, .. }: Marked<'_>, today: &str) -> InlineVerdict {
        let own = match self.on(line, detector, today, false) {
            InlineVerdict::Allowed(allowed) => return InlineVerdict::Allowed(allowed),
            InlineVerdict::None if last_line > line => self.on(last_line, detector, today, false),
            own => own,
        };
        if matches!(own, InlineVerdict::Allowed(_)) {
            return own;
        }
        match (self.on(line.saturating_sub(1), detector, today, true), own) {
            (InlineVerdict::None, own) => own,
            (above, _) => above,
        }
    }

    fn on(&self, line: u64, detector: &str, today: &str, alone: bool) -> InlineVerdict {
        let index = usize::try_from(line).ok().and_then(|line| line.checked_sub(1));
        let Some(text) = index.and_then(|index| self.lines.get(index)) else { return InlineVerdict::None };
        let text = &text[..text.len().min(LINE_LEN_MAX)];
        let places: Vec<usize> = memchr::memmem::find_iter(text, MARK).collect();
        let is_behind_text = |at: usize| text[..at].iter().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
        if places.first().is_none_or(|first| alone && is_behind_text(*first)) {
            return InlineVerdict::None;
        }
        let ends = places.iter().skip(1).copied().chain(std::iter::once(text.len()));
        let mut verdict = InlineVerdict::None;
        for (at, end) in places.iter().zip(ends) {
            let mark = without_what_follows(&text[..*at], &text[at + MARK.len()..end]);
            match (self.one(mark, detector, today, line), &verdict) {
                (allowed @ InlineVerdict::Allowed(_), _) => return allowed,
                (void @ InlineVerdict::Void { .. }, InlineVerdict::None) => verdict = void,
                _ => {}
            }
        }
        verdict
    }

    /// What one mark says.
    fn one(&self, mark: &[u8], detector: &str, today: &str, line: u64) -> InlineVerdict {
        let mark = &*String::from_utf8_lossy(mark);
        if mark.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return InlineVerdict::None;
        }
        let (named, reason) = mark.split_once("--").map_or((mark, None), |(named, reason)| (named, Some(reason)));
        let judged = match self.concerns(named, reason.is_some(), detector) {
            Ok(false) => return InlineVerdict::None,
            Ok(true) => judged(reason.unwrap_or_default(), today),
            Err(why) => Err(why),
        };
        match judged {
            Ok((reason, until)) => InlineVerdict::Allowed(InlineAllow { reason, until, line }),
            Err(why) => InlineVerdict::Void { line, why },
        }
    }

    /// Whether a mark names the detector; an error when it is not to be understood, since it may have been meant to.
    fn concerns(&self, named: &str, has_reason: bool, detector: &str) -> Result<bool, &'static str> {
        let named = if has_reason { named } else { without_comment_end(named) };
        let names: Vec<&str> = named.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        if names.is_empty() {
            return Err("it names no detector; write `dlp:allow <detector> -- <reason>`");
        }
        if names.iter().any(|name| covers(name, detector)) {
            return Ok(true);
        }
        if names.contains(&"*") {
            return Err("it names all detectors at once; name those that are meant, or the first word of their ids");
        }
        let mut first_words = names.iter().map(|name| name.split_whitespace().next().unwrap_or_default());
        if !first_words.clone().all(|name| self.ids.iter().any(|id| covers(name, id))) {
            return Err("it names a detector that does not exist; `dlp detectors list` shows the ids");
        }
        match (first_words.any(|name| covers(name, detector)), has_reason) {
            (false, _) => Ok(false),
            (true, true) => Err("more than a name stands before `--`; separate detectors by commas"),
            (true, false) => Err("no ` -- ` stands before its reason; write `dlp:allow <detector> -- <reason>`"),
        }
    }
}

/// What begins a comment behind which a line may go on, and what ends it.
const COMMENTS: [(&[u8], &[u8]); 2] = [(b"/*", b"*/"), (b"<!--", b"-->")];

/// A mark up to the end of its comment, if that began on its line: elsewhere such signs are part of a path or an arrow.
fn without_what_follows<'t>(before: &[u8], mark: &'t [u8]) -> &'t [u8] {
    let opens = |(begin, end): (&[u8], &[u8])| {
        let begun = memchr::memmem::rfind(before, begin)?;
        let is_over = memchr::memmem::find(&before[begun..], end).is_some();
        memchr::memmem::find(mark, end).filter(|_| !is_over)
    };
    let end = COMMENTS.into_iter().filter_map(opens).min();
    &mark[..end.unwrap_or(mark.len())]
}

/// Without what ends a comment, and what begins one at its end.
fn without_comment_end(text: &str) -> &str {
    text.trim().trim_end_matches(['*', '/', '-', '>', '}', '#', ';', ' ', '\t'])
}

/// Whether `named` is the detector or a family that it belongs to, with or without `.*`.
fn covers(named: &str, detector: &str) -> bool {
    let named = named.strip_suffix(".*").unwrap_or(named);
    let rest = detector.strip_prefix(named);
    !named.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The reason without what ends a comment, and the last day.
fn judged(text: &str, today: &str) -> Result<(String, Option<String>), &'static str> {
    let text = without_comment_end(text);
    let (before, until) = match text.split_once("until=") {
        Some((before, after)) => (before, Some(after.split_whitespace().next().unwrap_or_default())),
        None => (text, None),
    };
    let reason: String = before.trim().chars().take(REASON_CHARS_MAX).collect();
    if reason.is_empty() {
        return Err("it gives no reason; write `dlp:allow <detector> -- <reason>`");
    }
    match until {
        Some(day) if !is_day(day) => Err("its last day is no date; write `until=YYYY-MM-DD`"),
        Some(day) if day < today => Err("its last day is over"),
        until => Ok((reason, until.map(str::to_owned))),
    }
}

/// Days written so compare as texts do.
fn is_day(text: &str) -> bool {
    let number = |range: std::ops::Range<usize>| text.get(range).and_then(|digits| digits.parse::<u8>().ok());
    let shape = text
        .bytes()
        .enumerate()
        .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    text.len() == 10
        && shape
        && number(5..7).is_some_and(|month| (1..=12).contains(&month))
        && number(8..10).is_some_and(|day| (1..=31).contains(&day))
}

/// The text of a file as its marks are read: one of two or four bytes a letter, as Windows saves them, as UTF-8. Lines stay
/// as they are.
#[must_use]
pub fn text_of_marks(file: &[u8]) -> Cow<'_, [u8]> {
    let head = &file[..file.len().min(HEAD_BYTES)];
    match detect(head, head.len() == file.len()) {
        Some(detected) if detected.charset.is_wide() => {
            Cow::Owned(detected.charset.decode(&file[detected.bom_len..]).into_bytes())
        }
        _ => Cow::Borrowed(file),
    }
}

/// Lines end at LF, CRLF or CR, as the engine counts them.
fn lines(file: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = file;
    while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
        lines.push(&rest[..end]);
        let len = if rest[end..].starts_with(b"\r\n") { 2 } else { 1 };
        rest = &rest[end + len..];
    }
    lines.push(rest);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: &str = "2026-03-01";

    fn verdict(file: &str, line: u64) -> InlineVerdict {
        verdict_over(file, line, line)
    }

    fn verdict_over(file: &str, line: u64, last_line: u64) -> InlineVerdict {
        let ids = ["secret.github.pat-classic", "pii.pl.pesel", "pii.pl.nip"];
        let marks = InlineMarks::of(file.as_bytes(), ids.into_iter());
        let marked = Marked { line, last_line, detector: "secret.github.pat-classic", is_secret: true };
        marks.map_or(InlineVerdict::None, |marks| marks.verdict(marked, TODAY))
    }

    #[test]
    fn marks_of_other_scanners_count_for_credentials() {
        let file = "x # gitleaks:allow\ny # dlp:allow secret.github -- test # gitleaks:allow\nz # dlp:allow nothing # ggignore";
        assert_eq!(verdict(file, 1), allowed("marked gitleaks:allow", None, 1));
        assert_eq!(verdict(file, 2), allowed("test # gitleaks:allow", None, 2));
        assert_eq!(verdict(file, 3), allowed("marked ggignore", None, 3));
        let marks = InlineMarks::of(file.as_bytes(), std::iter::empty()).expect("marks");
        let person = Marked { line: 1, last_line: 1, detector: "pii.pl.pesel", is_secret: false };
        assert_eq!(marks.verdict(person, TODAY), InlineVerdict::None);
    }

    fn allowed(reason: &str, until: Option<&str>, line: u64) -> InlineVerdict {
        InlineVerdict::Allowed(InlineAllow { reason: reason.to_owned(), until: until.map(str::to_owned), line })
    }

    #[test]
    fn a_mark_names_a_detector_and_a_reason() {
        let none = InlineVerdict::None;
        let rows = [
            ("x # dlp:allow secret.github.pat-classic -- test", 1, allowed("test", None, 1)),
            ("x # dlp:allow secret.github -- test", 1, allowed("test", None, 1)),
            ("x /* dlp:allow secret.* -- a test */", 1, allowed("a test", None, 1)),
            ("<!-- dlp:allow secret -- test -->\nx", 2, allowed("test", None, 1)),
            ("\r\n  // dlp:allow secret -- test\r\nx", 3, allowed("test", None, 2)),
            ("x # dlp:allow secret -- test until=2026-03-01", 1, allowed("test", Some("2026-03-01"), 1)),
            ("x # dlp:allow pii.pl.pesel, secret -- test", 1, allowed("test", None, 1)),
            ("x # dlp:allow secret.github.*,pii -- test", 1, allowed("test", None, 1)),
            ("/* dlp:allow secret -- a test */ x = \"y\";", 1, allowed("a test", None, 1)),
            ("<!-- dlp:allow secret -- test --> <b>x</b>", 1, allowed("test", None, 1)),
            ("x # dlp:allow pii -- test # dlp:allow secret -- other", 1, allowed("other", None, 1)),
            ("x # dlp:allow secret -- test # dlp:allow pii -- other", 1, allowed("test", None, 1)),
            ("x # dlp:allow secret # dlp:allow secret -- other", 1, allowed("other", None, 1)),
            ("x # dlp:allow pii -- test", 1, none.clone()),
            ("x # dlp:allow pii.pl, pii.pl.nip -- test", 1, none.clone()),
            ("x # dlp:allow pii.pl.pesel sample", 1, none.clone()),
            ("x # dlp:allowed values", 1, none.clone()),
            ("y # dlp:allow secret -- test\nx", 2, none.clone()),
            ("# dlp:allow secret -- test\n\nx", 3, none.clone()),
            ("x\n# dlp:allow secret -- test", 1, none.clone()),
            ("x", 1, none),
        ];
        for (file, line, expected) in rows {
            assert_eq!(verdict(file, line), expected, "{file:?}");
        }
    }

    #[test]
    fn marks_are_read_as_windows_saves_them() {
        let text = "# dlp:allow secret -- żółw\r\nx\r\n";
        let units = || text.encode_utf16();
        let little: Vec<u8> = [0xff, 0xfe].into_iter().chain(units().flat_map(u16::to_le_bytes)).collect();
        let big: Vec<u8> = [0xfe, 0xff].into_iter().chain(units().flat_map(u16::to_be_bytes)).collect();
        for file in [little, big, text.as_bytes().to_vec()] {
            let read = text_of_marks(&file);
            let marks = InlineMarks::of(&read, std::iter::empty()).expect("a mark");
            let marked = Marked { line: 2, last_line: 2, detector: "secret.github.pat-classic", is_secret: true };
            assert_eq!(marks.verdict(marked, TODAY), allowed("żółw", None, 1));
        }
    }

    #[test]
    fn a_mark_behind_the_last_line_of_a_value_counts() {
        let file = "x = 'ab\ncd' # dlp:allow secret -- test\ny # gitleaks:allow";
        assert_eq!(verdict_over(file, 1, 2), allowed("test", None, 2));
        assert_eq!(verdict_over(file, 1, 1), InlineVerdict::None);
        assert_eq!(verdict_over("x\ny # gitleaks:allow", 1, 2), allowed("marked gitleaks:allow", None, 2));
        assert!(matches!(verdict_over("x\ny # dlp:allow secret", 1, 2), InlineVerdict::Void { line: 2, .. }));
    }

    #[test]
    fn a_mark_that_does_not_count_says_why() {
        let rows = [
            ("x # dlp:allow secret", "reason"),
            ("x # dlp:allow secret --", "reason"),
            ("x /* dlp:allow secret */", "reason"),
            ("x # dlp:allow secret sample", "no ` -- `"),
            ("x # dlp:allow secret sample -- why", "commas"),
            ("x # dlp:allow secret pii -- why", "commas"),
            ("x # dlp:allow secrt -- why", "does not exist"),
            ("x # dlp:allow secret.git -- why", "does not exist"),
            ("x # dlp:allow pii, secrt -- why", "does not exist"),
            ("x # dlp:allow: secret -- why", "does not exist"),
            ("x # dlp:allow -- why", "names no detector"),
            ("x # dlp:allow pii -- why # dlp:allow secret", "reason"),
            ("x <!-- dlp:allow secret -->", "reason"),
            ("x # dlp:allow", "names no detector"),
            ("x # dlp:allow , -- why", "names no detector"),
            ("x # dlp:allow * -- all", "all detectors"),
            ("x # dlp:allow secret -- until=2030-01-01", "reason"),
            ("x # dlp:allow secret -- fixtures of tests/*/data until=2020-01-01", "last day"),
            ("x # dlp:allow secret -- old --> new until=2020-01-01", "last day"),
            ("x # dlp:allow secret -- test until=2026-02-28", "over"),
            ("x # dlp:allow secret -- test until=soon", "date"),
            ("x # dlp:allow secret -- test until=2026-13-01", "date"),
            ("x # dlp:allow secret -- test until=2026-3-1", "date"),
        ];
        for (file, expected) in rows {
            let InlineVerdict::Void { line: 1, why } = verdict(file, 1) else { panic!("{file}") };
            assert!(why.contains(expected), "{file}: {why}");
        }
    }
}
