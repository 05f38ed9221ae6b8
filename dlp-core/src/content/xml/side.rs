//! Texts that stand beside the main text: emitted after it, so that they do not tear apart what surrounds them.

use crate::content::walk::{Step, Walk};
use crate::content::{Join, Origin, Part, Place, Role, Segment};

/// Bytes that are kept before they are handed out early.
const BYTES_MAX: usize = 1024 * 1024;

/// Side texts of one part.
#[derive(Default)]
pub(in crate::content) struct Side {
    texts: Vec<(Role, String)>,
    /// Texts before this one belong to closed paragraphs.
    paragraph_start: usize,
    bytes: usize,
}

impl Side {
    /// Starts a new text of the role.
    pub(in crate::content) fn open(&mut self, role: Role) {
        self.texts.push((role, String::new()));
    }

    /// Appends to the last text of the role in this paragraph, or starts one.
    pub(in crate::content) fn push(&mut self, role: Role, text: &str) {
        self.bytes += text.len();
        match self.texts[self.paragraph_start..].iter_mut().rev().find(|(held, _)| *held == role) {
            Some((_, held)) => held.push_str(text),
            None => self.texts.push((role, text.to_owned())),
        }
    }

    /// Ends a paragraph: what follows joins none of the texts so far.
    pub(in crate::content) fn end_paragraph(&mut self) {
        self.paragraph_start = self.texts.len();
    }

    /// Adds a text on its own.
    pub(in crate::content) fn add(&mut self, role: Role, text: &str) {
        self.open(role);
        self.push(role, text);
    }

    /// Adds text that belongs to no element that is known; `continues` says that it goes on in the same element.
    pub(in crate::content) fn stray(&mut self, text: &str, continues: &mut bool) {
        if std::mem::replace(continues, true) {
            self.push(Role::Data, text);
        } else if text.trim().is_empty() {
            *continues = false;
        } else {
            self.add(Role::Data, text);
        }
    }

    /// Whether enough came together to be handed out.
    pub(in crate::content) fn is_full(&self) -> bool {
        self.bytes > BYTES_MAX
    }

    /// Hands out everything, grouped by role.
    pub(in crate::content) fn flush(&mut self, walk: &mut Walk<'_>, name: &str, place: Place<'_>) -> Step {
        self.texts.sort_by_key(|(role, _)| *role as u8);
        for (role, text) in self.texts.drain(..).filter(|(_, text)| !text.trim().is_empty()) {
            let part = Part { role, name };
            walk.emit(&Segment { text: text.as_bytes(), part, place, join: Join::Line, origin: Origin::None })?;
        }
        (self.bytes, self.paragraph_start) = (0, 0);
        Ok(())
    }
}
