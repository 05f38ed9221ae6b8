//! Detectors beside the built-in ones: the catalogue at the size that it is growing to.
//!
//! Providers are invented, from syllables and a seed; no real token has these shapes. The kinds stand in the proportion
//! of a grown catalogue: tokens with a prefix, values behind the name of a provider, and marks in documents. The
//! prefixes are as good as those that a careful author would choose: five letters or more that are no word.

use std::collections::HashSet;
use std::fmt::Write as _;

/// Detectors of the catalogue to come: about 1,450 of secrets, 360 of identifiers and 200 of labels.
pub const CATALOGUE_DETECTORS: usize = 2000;

/// Seed of the invented providers.
const SEED: u64 = 0x5eed;

/// A detector file, in the format of users' files, with so many detectors.
#[must_use]
pub fn detector_file(detectors: usize) -> String {
    let mut random = Random(SEED);
    let mut taken = HashSet::new();
    let mut file = String::new();
    while taken.len() < detectors {
        let name = format!("{}{}", random.word(), random.syllable());
        if taken.insert(name.clone()) {
            // Of twenty detectors eleven are tokens with a prefix, seven values behind a name, two marks.
            match taken.len() % 20 {
                0..11 => prefixed(&name, &mut random, &mut file),
                11..18 => named(&name, &mut random, &mut file),
                _ => mark(&name, &mut random, &mut file),
            }
        }
    }
    file
}

fn prefixed(name: &str, random: &mut Random, file: &mut String) {
    let letters = &name[..name.len().min(5)];
    let prefix = match random.below(4) {
        0 => format!("{name}_"),
        1 => format!("{name}-"),
        2 => format!("{letters}_live_"),
        _ => format!("{letters}_pat_"),
    };
    let class = ["[0-9A-Za-z]", "[0-9a-f]", "[0-9A-Za-z_-]"][random.below(3) as usize];
    let value = format!("{prefix}{class}{{{}}}", 24 + 4 * random.below(7));
    detector(name, &value, &value, file);
}

fn named(name: &str, random: &mut Random, file: &mut String) {
    let class = ["[0-9A-Za-z]", "[0-9a-f]"][random.below(2) as usize];
    let value = format!("{class}{{{}}}", 32 + 8 * random.below(3));
    let pattern =
        format!(r#"(?i:{name})[0-9A-Za-z_. -]{{0,20}}["']?[ \t]{{0,3}}[:=][ \t]{{0,3}}["']?(?P<value>{value})"#);
    detector(name, &pattern, &value, file);
}

fn mark(name: &str, random: &mut Random, file: &mut String) {
    let words = ["internal", "restricted", "confidential"][random.below(3) as usize];
    let mark = format!("{} {words}", name.to_uppercase());
    detector(name, &mark, &mark, file);
}

fn detector(name: &str, pattern: &str, value: &str, file: &mut String) {
    let text = if pattern == value { "{{value}}".to_owned() } else { format!("{name}_key = {{{{value}}}}") };
    writeln!(
        file,
        "[[detector]]\nid = \"synthetic.{name}.value\"\ntitle = \"Value of {name}\"\n\
         description = \"An invented provider, for measurements.\"\ncategory = \"secret\"\nseverity = \"low\"\n\
         patterns = ['''{pattern}''']\nscore = {{ pattern = 70 }}\n\
         examples = [{{ text = \"{text}\", generate = \"{value}\" }}]\n\
         counter_examples = [{{ text = \"{name}\", reason = \"the name alone\" }}]\n"
    )
    .expect("writing to a string succeeds");
}

/// Splitmix64: the same numbers on every machine.
pub struct Random(pub u64);

impl Random {
    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % end
    }

    /// Two syllables.
    pub fn word(&mut self) -> String {
        format!("{}{}", self.syllable(), self.syllable())
    }

    fn syllable(&mut self) -> String {
        let mut pick = |letters: &[u8]| char::from(letters[self.below(letters.len() as u64) as usize]);
        [pick(b"bdfgklmnprstvz"), pick(b"aeiouy"), pick(b"klmnrstvxz")].iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlp_core::knowledge::Catalogue;

    #[test]
    fn the_file_holds_the_detectors_it_was_asked_for_beside_the_built_in_ones() {
        let mut catalogue = Catalogue::builtin().expect("built-in detectors");
        let before = catalogue.ids().len();
        let read = catalogue.add_file("synthetic.toml", &detector_file(100)).expect("valid detectors");
        assert_eq!((read.len(), catalogue.ids().len()), (100, before + 100));
    }
}
