//! What the inspection of a body says to policy.

use dlp_core::base::SensitivityLabel;
use dlp_core::content::Outcome;

/// The result of one body or one request head. Findings, problems and items went to the observer on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct BodyReport {
    /// The worst outcome of all layers and parts.
    pub outcome: Outcome,
    /// The highest label of all parts.
    pub label: SensitivityLabel,
    /// Bytes of text that were matched.
    pub text_bytes: u64,
    /// Names of files that the head or the parts give, in order, without repetition. Not trusted.
    pub file_names: Vec<String>,
    /// Why content could not be looked into, when that is so. Rules treat it as `on_opaque`.
    pub opaque: Option<Opaque>,
    /// The observer asked to stop, so the rest was not read.
    pub stopped: bool,
}

/// Why content stayed closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Opaque {
    /// The content coding is unknown; its encoded bytes were scanned as they are.
    Coding,
    /// Something inside is encrypted.
    Encrypted,
}

impl Opaque {
    /// The word used in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Coding => "opaque_coding",
            Self::Encrypted => "encrypted",
        }
    }
}

impl Default for BodyReport {
    fn default() -> Self {
        Self {
            outcome: Outcome::COMPLETE,
            label: SensitivityLabel::Public,
            text_bytes: 0,
            file_names: Vec::new(),
            opaque: None,
            stopped: false,
        }
    }
}

impl BodyReport {
    /// Joins the reports of a head and its body: the worse outcome, the higher label, all file names.
    pub fn join(mut self, other: Self) -> Self {
        self.outcome = self.outcome.worse(other.outcome);
        self.label = self.label.max(other.label);
        self.text_bytes = self.text_bytes.saturating_add(other.text_bytes);
        for name in other.file_names {
            if !self.file_names.contains(&name) {
                self.file_names.push(name);
            }
        }
        self.opaque = self.opaque.or(other.opaque);
        self.stopped |= other.stopped;
        self
    }
}
