//! The first stages of a scan by themselves, for whoever measures them.

use super::budget::BLOCK_BYTES;
use super::candidates;
use super::compile::DetectorSet;
use super::evidence::Ground;
use super::material::Material;
use super::scratch::Scratch;
use std::ops::Range;

/// How far a text is taken by [`DetectorSet::stage`]. Each stage does what those before it do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The kernel alone: all masks are filled.
    Masks,
    /// Places where a pattern may start are chosen. What a scan does then is to try the patterns there.
    Candidates,
}

impl DetectorSet {
    /// Takes a whole text through the first stages of a scan, block by block as a scan does. Gives how many bytes the
    /// kernel marked for literals, or how many places with a pattern are left to try.
    pub fn stage(&self, stage: Stage, scratch: &mut Scratch, text: &[u8]) -> usize {
        scratch.fit(self);
        let blocks = (0..text.len()).step_by(BLOCK_BYTES).map(|start| start..text.len().min(start + BLOCK_BYTES));
        blocks.map(|block| self.stage_of(stage, scratch, text, block)).sum()
    }

    fn stage_of(&self, stage: Stage, scratch: &mut Scratch, text: &[u8], block: Range<usize>) -> usize {
        match stage {
            Stage::Masks => {
                let seen = candidates::classify_for(self, scratch, text, &block);
                scratch.masks.marked(block.start - seen.start..block.end - seen.start)
            }
            Stage::Candidates => {
                candidates::find(self, scratch, Ground { text, material: Material::Text, table: None }, block);
                scratch.candidates.len()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Catalogue;
    use crate::matching::Isa;
    use crate::matching::simd::{Masks, classify};

    #[test]
    fn stages_see_each_byte_once() {
        let line = b"AWS_ACCESS_KEY_ID of 4111 1111 1111 1111, tel. +48 601 234 567, mail a@example.org\n";
        for len in [0, 1, 63, BLOCK_BYTES - 1, BLOCK_BYTES, 2 * BLOCK_BYTES + 77] {
            let text: Vec<u8> = line.iter().copied().cycle().take(len).collect();
            let mut counts = Vec::new();
            for isa in Isa::available() {
                let set = DetectorSet::compile_for(isa, Catalogue::builtin().expect("built-in detectors"));
                let mut masks = Masks::default();
                classify(isa, set.literals().table(), &text, 0..len, &mut masks);
                let mut scratch = Scratch::new();
                let marked = set.stage(Stage::Masks, &mut scratch, &text);
                assert_eq!(marked, masks.marked(0..len), "{len} {isa:?}");
                counts.push((marked, set.stage(Stage::Candidates, &mut scratch, &text)));
            }
            assert!(counts.iter().all(|count| *count == counts[0]), "{len} {counts:?}");
            assert!(len < line.len() || (counts[0].0 > 0 && counts[0].1 > 0), "{len} {counts:?}");
        }
    }
}
