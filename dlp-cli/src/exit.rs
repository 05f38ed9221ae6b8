//! Exit codes, and which one wins when several apply: 2, then 1, then 3, then 0.

use crate::error::CliError;
use dlp_core::base::ProblemClass;
use std::collections::BTreeSet;

/// Nothing found, everything read.
pub(crate) const CLEAN: u8 = 0;
/// At least one finding.
pub(crate) const FINDINGS: u8 = 1;
/// Usage, configuration or output error.
pub(crate) const USAGE: u8 = 2;
/// No finding, but some content was not read.
pub(crate) const INCOMPLETE: u8 = 3;
/// A signal's number is added to it.
pub(crate) const SIGNAL_BASE: u8 = 128;

/// Problem classes that do not make a scan incomplete, because the user said so.
#[derive(Clone, Debug, Default)]
pub(crate) struct Allowance {
    accepted: BTreeSet<&'static str>,
    /// Whether formats without a reader count too.
    strict: bool,
}

/// Classes of content that went unread.
const CLASSES: &[ProblemClass] = &[
    ProblemClass::Unreadable,
    ProblemClass::Encrypted,
    ProblemClass::Damaged,
    ProblemClass::Limit,
    ProblemClass::Timeout,
    ProblemClass::ParserPanic,
    ProblemClass::Decode,
];

impl Allowance {
    /// From the values of `--allow-incomplete`: `None` when the flag is absent, no words for every class; and from
    /// `--fail-on-incomplete`.
    pub(crate) fn parse(words: Option<&[String]>, strict: bool) -> Result<Self, CliError> {
        let Some(words) = words else { return Ok(Self { strict, ..Self::default() }) };
        let known = || CLASSES.iter().map(|class| class.as_str());
        if words.is_empty() {
            return Ok(Self { accepted: known().collect(), strict });
        }
        let find = |word: &String| {
            known().find(|class| class == word).ok_or_else(|| CliError::ProblemClass {
                word: word.clone(),
                expected: known().collect::<Vec<_>>().join(", "),
            })
        };
        Ok(Self { accepted: words.iter().map(find).collect::<Result<_, _>>()?, strict })
    }

    /// The code of a scan with this many findings and these problem classes.
    pub(crate) fn exit_code<'a>(&self, findings: u64, mut classes: impl Iterator<Item = &'a str>) -> u8 {
        let unread =
            |class: &str| known_incomplete(class) || (self.strict && class == ProblemClass::Unsupported.as_str());
        let counts = |class: &str| unread(class) && !self.accepted.contains(class);
        match (findings, classes.any(counts)) {
            (1.., _) => FINDINGS,
            (0, true) => INCOMPLETE,
            (0, false) => CLEAN,
        }
    }
}

fn known_incomplete(word: &str) -> bool {
    CLASSES.iter().any(|class| class.as_str() == word && class.is_incomplete())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_win_over_problems_and_allowed_problems_count_as_none() {
        let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        type Row = (Option<&'static [&'static str]>, u64, &'static [&'static str], u8);
        let rows: &[Row] = &[
            (None, 0, &[], CLEAN),
            (None, 0, &["unsupported", "ambiguous"], CLEAN),
            (None, 0, &["encrypted"], INCOMPLETE),
            (None, 2, &[], FINDINGS),
            (None, 2, &["encrypted"], FINDINGS),
            (Some(&[]), 0, &["encrypted", "limit"], CLEAN),
            (Some(&["encrypted"]), 0, &["encrypted"], CLEAN),
            (Some(&["encrypted"]), 0, &["encrypted", "limit"], INCOMPLETE),
        ];
        for (allowed, findings, classes, expected) in rows {
            let allowed = allowed.map(words);
            let allowance = Allowance::parse(allowed.as_deref(), false).expect("known classes");
            assert_eq!(allowance.exit_code(*findings, classes.iter().copied()), *expected, "{allowed:?} {classes:?}");
        }
    }

    #[test]
    fn on_request_formats_without_a_reader_fail_a_scan() {
        let strict = Allowance::parse(None, true).expect("no classes");
        let rows: &[(u64, &[&str], u8)] = &[
            (0, &[], CLEAN),
            (0, &["unsupported"], INCOMPLETE),
            (0, &["ambiguous"], CLEAN),
            (0, &["encrypted"], INCOMPLETE),
            (1, &["unsupported"], FINDINGS),
        ];
        for (findings, classes, expected) in rows {
            assert_eq!(strict.exit_code(*findings, classes.iter().copied()), *expected, "{findings} {classes:?}");
        }
    }

    #[test]
    fn unknown_classes_are_refused_with_the_known_ones() {
        let error = Allowance::parse(Some(&["encripted".to_owned()]), false).expect_err("unknown").to_string();
        assert!(error.contains("encripted") && error.contains("encrypted"), "{error}");
    }
}
