//! Remembers what was handed out, so that the byte scan only adds what is new.

/// Letters and digits of everything handed out, in order.
#[derive(Debug, Default)]
pub(super) struct Seen {
    folded: String,
}

/// Kept text. Beyond it the byte scan repeats itself, which costs time and nothing else.
const KEPT_BYTES_MAX: usize = 16 * 1024 * 1024;

impl Seen {
    /// Keeps a text.
    pub(super) fn add(&mut self, text: &str) {
        if self.folded.len() + text.len() <= KEPT_BYTES_MAX {
            self.folded.push_str(&fold(text));
            self.folded.push('\n');
        }
    }

    /// The lines that hold something new.
    pub(super) fn news(&self, text: &str) -> String {
        let mut news = String::new();
        for line in text.lines() {
            let folded = fold(line);
            if !folded.is_empty() && memchr::memmem::find(self.folded.as_bytes(), folded.as_bytes()).is_none() {
                news.push_str(line.trim());
                news.push('\n');
            }
        }
        news
    }
}

fn fold(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn only_news_pass() {
        let mut seen = Seen::default();
        seen.add("Hello  World 1234");
        let check = |text: &str, expected: &str| assert_eq!(seen.news(text), expected);
        check("HelloWorld", "");
        check("World, 1234\nother", "other\n");
        check("- -", "");
        check("4Hello", "4Hello\n");
    }
}
