//! Remembers what was handed out, so that the byte scan only adds what is new.
//!
//! Text is compared by its letters and digits alone: readings differ in spaces. Every eighth byte of the kept text is
//! the start of an indexed gram, so a stretch of fifteen bytes or more that is contained somewhere holds one of them
//! whole, and is found by eight look-ups instead of a search through everything.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Bytes of an indexed gram, and the distance between two.
const GRAM_BYTES: usize = 8;
/// Stretches of this length hold an indexed gram wherever they lie.
const STRETCH_BYTES_MIN: usize = 2 * GRAM_BYTES - 1;
/// Kept text. Beyond it the byte scan repeats itself, which costs time and nothing else.
const KEPT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Places kept for one gram; more only for fillers such as dotted lines.
const PLACES_MAX: usize = 16;
/// Searches for stretches that are too short for the index.
const SEARCHES_MAX: u32 = 2_000;

/// Letters and digits of everything handed out, in order.
#[derive(Debug, Default)]
pub(super) struct Seen {
    folded: Vec<u8>,
    indexed: usize,
    places: HashMap<[u8; GRAM_BYTES], Vec<u32>>,
    searches: u32,
    has_losses: bool,
}

impl Seen {
    /// Keeps a text.
    pub(super) fn add(&mut self, text: &str) {
        if self.folded.len() + text.len() > KEPT_BYTES_MAX {
            return;
        }
        self.folded.extend_from_slice(fold(text).as_bytes());
        self.folded.push(b'\n');
        while let Some(gram) = self.folded.get(self.indexed..).and_then(|rest| rest.first_chunk::<GRAM_BYTES>()) {
            let place = u32::try_from(self.indexed).expect("the kept text is bounded far below 4 GiB");
            match self.places.entry(*gram) {
                Entry::Occupied(mut places) if places.get().len() < PLACES_MAX => places.get_mut().push(place),
                Entry::Occupied(_) => {}
                Entry::Vacant(places) => {
                    places.insert(vec![place]);
                }
            }
            self.indexed += GRAM_BYTES;
        }
    }

    /// Notes that a page was reported to have lost something.
    pub(super) fn lose(&mut self) {
        self.has_losses = true;
    }

    /// Whether a page was reported to have lost something.
    pub(super) fn has_losses(&self) -> bool {
        self.has_losses
    }

    /// The lines that hold something new.
    pub(super) fn news(&mut self, text: &str) -> String {
        let mut news = String::new();
        if self.holds(fold(text).as_bytes()) {
            return news;
        }
        for line in text.lines() {
            if !self.holds(fold(line).as_bytes()) {
                news.push_str(line.trim());
                news.push('\n');
            }
        }
        news
    }

    fn holds(&mut self, stretch: &[u8]) -> bool {
        if stretch.is_empty() {
            return true;
        }
        if stretch.len() < STRETCH_BYTES_MIN {
            self.searches = self.searches.saturating_add(1);
            return self.searches <= SEARCHES_MAX && memchr::memmem::find(&self.folded, stretch).is_some();
        }
        stretch.windows(GRAM_BYTES).take(GRAM_BYTES).enumerate().any(|(offset, gram)| {
            let places = <[u8; GRAM_BYTES]>::try_from(gram).ok().and_then(|gram| self.places.get(&gram));
            places.is_some_and(|places| places.iter().any(|place| self.holds_at(*place, offset, stretch)))
        })
    }

    fn holds_at(&self, place: u32, offset: usize, stretch: &[u8]) -> bool {
        let start = usize::try_from(place).ok().and_then(|place| place.checked_sub(offset));
        start.and_then(|start| self.folded.get(start..)).is_some_and(|rest| rest.starts_with(stretch))
    }
}

fn fold(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_news_pass() {
        let mut seen = Seen::default();
        seen.add("Hello  World 1234");
        let mut check = |text: &str, expected: &str| assert_eq!(seen.news(text), expected);
        check("HelloWorld", "");
        check("World, 1234\nother", "other\n");
        check("- -", "");
        check("4Hello", "4Hello\n");
    }

    #[test]
    fn long_stretches_are_found_at_every_offset() {
        let text: String = (0..200).map(|number| format!("{} ", number * 7_919)).collect();
        let mut seen = Seen::default();
        seen.add("x");
        seen.add(&text);
        let folded = fold(&text);
        for start in 0..folded.len() - STRETCH_BYTES_MIN {
            assert_eq!(seen.news(&folded[start..start + STRETCH_BYTES_MIN]), "", "at {start}");
        }
        assert_eq!(seen.searches, 0);
        assert_eq!(seen.news("a stretch that nobody has seen"), "a stretch that nobody has seen\n");
    }
}
