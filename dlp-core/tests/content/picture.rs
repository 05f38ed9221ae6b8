//! Text in pictures, with a reader that recognises what the tests tell it.

use crate::support::*;
use dlp_core::base::{Cancel, ConfidenceLevel, Limits, Problem, ProblemClass};
use dlp_core::content::{Completeness, Flow, Input, Kind, Outcome, PictureReader, RiskyFrame, RiskyParser, Role};
use dlp_core::inspect::{Collected, Inspector, Job};
use dlp_core::matching::{DetectorSet, Scratch};

/// Finds one word in every picture, and two pictures on the pages of every document.
struct Reader {
    pages: Vec<(u32, Vec<u8>)>,
}

impl RiskyParser for Reader {
    fn supports(&self, kind: Kind) -> bool {
        kind == Kind::Pdf
    }

    fn parse(&self, _: Kind, _: &[u8], _: &Limits, each: &mut dyn FnMut(RiskyFrame<'_>) -> Flow) -> Outcome {
        for (page, bytes) in &self.pages {
            if each(RiskyFrame::Picture { page: *page, bytes }) != Flow::Continue {
                break;
            }
        }
        Outcome::COMPLETE
    }

    fn pictures(&self) -> Option<&dyn PictureReader> {
        Some(self)
    }
}

impl PictureReader for Reader {
    fn read(&self, picture: &[u8], _: &Limits) -> Result<String, Problem> {
        if picture[6..10] == [0x81, 0x02, 0xE0, 0x01] {
            return Ok("card 4000 0100 0007 1234\n".to_owned());
        }
        if picture.ends_with(b"unreadable") {
            return Err(Problem::new(ProblemClass::Unsupported, "ocr_format", "not read"));
        }
        Ok("recognised-marker\n".to_owned())
    }
}

/// The front of a picture of this size.
fn gif(width: u16, height: u16) -> Vec<u8> {
    [&b"GIF89a"[..], &width.to_le_bytes(), &height.to_le_bytes(), b"\0\0\0\x3b"].concat()
}

#[test]
fn pictures_are_read_within_their_bounds() {
    let reader = Reader { pages: Vec::new() };
    let limits = Limits { ocr_pixels_max: 1_000_000, ocr_pictures_max: 2, ..limits() };
    let check = |case: &str, bytes: &[u8], count: usize, reasons: &[&str]| {
        let seen = walk_with("a", bytes, &limits, Some(&reader));
        assert_eq!(seen.role(Role::Picture).matches("recognised-marker").count(), count, "{case}: {:?}", seen.text);
        assert_eq!(seen.reasons, reasons, "{case}");
        assert_eq!(seen.completeness() == Completeness::Complete, reasons.is_empty(), "{case}");
    };
    let page = gif(800, 600);
    check("a page", &page, 1, &[]);
    check("a bullet", &gif(16, 16), 0, &[]);
    check("a line", &gif(800, 2), 0, &[]);
    check("too many pixels", &gif(2_000, 2_000), 0, &["ocr_pixels_max"]);
    check("a picture that is not read", &[&gif(800, 600)[..10], b"unreadable"].concat(), 0, &["ocr_format"]);
    let three = zip(&[("a.gif", &page), ("b.gif", &page), ("c.gif", &page)]);
    check("too many pictures", &three, 2, &["ocr_pictures_max"]);
    assert!(!walk("a", &page).holds("recognised-marker"), "nobody recognises anything unless asked to");
}

#[test]
fn pictures_of_pages_have_their_pages() {
    let reader = Reader { pages: vec![(1, gif(800, 600)), (7, gif(16, 16)), (9, gif(800, 600))] };
    let seen = walk_with("a.pdf", b"%PDF-1.7\n%%EOF\n", &limits(), Some(&reader));
    let pages: Vec<u32> = seen.pages.iter().map(|(page, _)| *page).collect();
    assert_eq!((pages, seen.completeness()), (vec![1, 9], Completeness::Complete));
}

#[test]
fn a_value_in_groups_is_found_once_in_a_picture() {
    let detectors = DetectorSet::builtin().expect("built-in detectors");
    let reader = std::sync::Arc::new(Reader { pages: Vec::new() });
    let inspector = Inspector::new(detectors, limits()).with_risky_parser(reader);
    let picture = gif(641, 480);
    let mut collected = Collected::default();
    let job = Job { name: "a.gif", input: Input::Bytes(&picture), cancel: &Cancel::default() };
    let _ = inspector.inspect(&mut Scratch::new(), job, &mut collected);
    let sure = collected.findings.iter().filter(|finding| finding.confidence.level() >= ConfidenceLevel::Medium);
    let found: Vec<_> = sure.map(|finding| (finding.detector, finding.location.part.clone())).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].1.as_deref(), Some("picture"));
}
