//! The texts of members of an archive once more, for the marks around what was found in them.
//!
//! Marks are looked for where something was found, which is in few files. So an archive is unpacked a second time,
//! without searching it, and only the plain text of the members in question is kept.

use dlp_core::base::{Cancel, Problem};
use dlp_core::content::{Extraction, Flow, Input, ItemStart, Outcome, Part, Segment, Sink, extract};
use dlp_core::inspect::Inspector;
use dlp_core::output::NameMask;
use std::collections::{BTreeMap, BTreeSet};

/// Text of all members together that is kept.
const TEXT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The texts of the wanted members. Members are known by the names that reports show; where two have one name, neither
/// has a text.
pub(super) fn texts(
    inspector: &Inspector,
    (name, bytes): (&str, &[u8]),
    wanted: BTreeSet<Vec<String>>,
    mask: NameMask,
) -> impl Iterator<Item = (Vec<String>, Vec<u8>)> {
    let mut keeper = Keeper { wanted, mask, path: Vec::new(), texts: BTreeMap::new(), left: TEXT_BYTES_MAX };
    let cancel = Cancel::default();
    let extraction = Extraction { limits: inspector.limits(), cancel: &cancel, risky: inspector.risky_parser() };
    extract(name, Input::Bytes(bytes), extraction, &mut keeper);
    keeper.texts.into_iter().filter_map(|(member, kept)| Some((member, kept.text?)))
}

/// Keeps texts while an archive is walked.
struct Keeper {
    wanted: BTreeSet<Vec<String>>,
    mask: NameMask,
    /// Names of the open items, the input's own name first.
    path: Vec<String>,
    texts: BTreeMap<Vec<String>, Kept>,
    left: usize,
}

#[derive(Default)]
struct Kept {
    /// None when it is not to be used.
    text: Option<Vec<u8>>,
    is_closed: bool,
}

impl Keeper {
    fn member(&self) -> &[String] {
        self.path.get(1..).unwrap_or_default()
    }
}

impl Sink for Keeper {
    fn enter(&mut self, item: &ItemStart<'_>) -> Flow {
        let name = self.mask.mask(item.name).into_owned();
        self.path.push(name);
        if let Some(other) = self.texts.get_mut(self.path.get(1..).unwrap_or_default()).filter(|kept| kept.is_closed) {
            other.text = None;
        }
        Flow::Continue
    }

    fn text(&mut self, segment: &Segment<'_>) -> Flow {
        let member = self.member().to_vec();
        if segment.part != Part::BODY || !self.wanted.contains(&member) {
            return Flow::Continue;
        }
        let kept = self.texts.entry(member).or_insert_with(|| Kept { text: Some(Vec::new()), is_closed: false });
        if let Some(text) = &mut kept.text {
            if !text.is_empty() {
                text.extend_from_slice(segment.join.as_bytes());
            }
            text.extend_from_slice(segment.text);
            match self.left.checked_sub(segment.text.len()) {
                Some(left) => self.left = left,
                None => kept.text = None,
            }
        }
        Flow::Continue
    }

    fn problem(&mut self, _problem: Problem) {}

    fn leave(&mut self, _outcome: &Outcome) {
        let member = self.member().to_vec();
        if let Some(kept) = self.texts.get_mut(&member) {
            kept.is_closed = true;
        }
        self.path.pop();
    }
}
