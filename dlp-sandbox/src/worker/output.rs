//! Frames on their way to the parent.

use crate::trouble::Trouble;
use crate::wire::{Bounds, Frame, NAME_BYTES_MAX, PIECE_BYTES_MAX, TEXT_BYTES_MAX, WirePart, encode};
use std::fs::File;
use std::io::{self, Write};
use std::rc::Rc;

/// Writes frames, each at once: what was said before a crash is not lost.
#[derive(Debug)]
pub(crate) struct Output {
    frames: Rc<File>,
    text_bytes_left: u64,
    child_bytes_max: u64,
}

/// Where a text belongs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    pub(crate) part: WirePart,
    pub(crate) name: &'a str,
    pub(crate) page: Option<u32>,
}

impl<'a> At<'a> {
    /// A part outside the pages.
    pub(crate) fn part(part: WirePart, name: &'a str) -> Self {
        Self { part, name, page: None }
    }

    /// Text of a page.
    pub(crate) fn page(part: WirePart, page: u32) -> Self {
        Self { part, name: "", page: Some(page) }
    }
}

impl Output {
    pub(crate) fn new(frames: File, bounds: &Bounds) -> Self {
        Self { frames: Rc::new(frames), text_bytes_left: bounds.output_bytes, child_bytes_max: bounds.child_bytes }
    }

    pub(crate) fn send(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        send(&self.frames, frame)
    }

    /// Sends text in pieces. Past the bound of the whole document, that is said once and the rest is dropped.
    pub(crate) fn text(&mut self, at: At<'_>, text: &str) -> io::Result<()> {
        let name = front(at.name, NAME_BYTES_MAX);
        let mut rest = text;
        let mut continued = false;
        while !rest.trim().is_empty() && self.text_bytes_left > 0 {
            let piece = front(rest, TEXT_BYTES_MAX);
            rest = &rest[piece.len()..];
            let Some(left) = self.text_bytes_left.checked_sub(piece.len() as u64) else {
                self.text_bytes_left = 0;
                return self.trouble(Trouble::Output);
            };
            self.text_bytes_left = left;
            self.send(&Frame::Text { part: at.part, name, page: at.page, continued, text: piece.as_bytes() })?;
            continued = true;
        }
        Ok(())
    }

    /// Whether more text may be sent.
    pub(crate) fn is_full(&self) -> bool {
        self.text_bytes_left == 0
    }

    pub(crate) fn child(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() as u64 > self.child_bytes_max {
            return self.trouble(Trouble::ChildTooLarge);
        }
        self.send(&Frame::Child { name: front(name, NAME_BYTES_MAX), bytes })
    }

    /// A file whose bytes come one after the other.
    pub(crate) fn file(&self, name: &str) -> OutputFile {
        let name = front(name, NAME_BYTES_MAX).to_owned();
        let piece_bytes_max = usize::try_from(self.child_bytes_max).unwrap_or(usize::MAX).clamp(1, PIECE_BYTES_MAX);
        OutputFile { frames: Rc::clone(&self.frames), name, piece_bytes_max, held: Vec::new(), is_open: false }
    }

    /// Names a file that cannot be read.
    pub(crate) fn closed(&mut self, name: &str, trouble: Trouble) -> io::Result<()> {
        self.send(&Frame::Closed { name: front(name, NAME_BYTES_MAX), trouble })
    }

    pub(crate) fn trouble(&mut self, trouble: Trouble) -> io::Result<()> {
        self.send(&Frame::Trouble(trouble))
    }
}

fn send(mut frames: &File, frame: &Frame<'_>) -> io::Result<()> {
    frames.write_all(&encode(frame).map_err(io::Error::other)?)
}

/// A file on its way: whole where it is short, else in pieces, so that neither process holds it. Until it has ended,
/// nothing else may be sent.
#[derive(Debug)]
pub(crate) struct OutputFile {
    frames: Rc<File>,
    name: String,
    piece_bytes_max: usize,
    held: Vec<u8>,
    is_open: bool,
}

impl OutputFile {
    /// Sends the end of it.
    pub(crate) fn end(mut self) -> io::Result<()> {
        if !self.is_open {
            return send(&self.frames, &Frame::Child { name: &self.name, bytes: &self.held });
        }
        self.send_held()?;
        send(&self.frames, &Frame::Close)
    }

    fn send_held(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.is_open, true) {
            send(&self.frames, &Frame::Open { name: &self.name })?;
        }
        send(&self.frames, &Frame::More { bytes: &self.held })?;
        self.held.clear();
        Ok(())
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.held.len() == self.piece_bytes_max {
            self.send_held()?;
        }
        let len = bytes.len().min(self.piece_bytes_max - self.held.len());
        self.held.extend_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The longest front of at most `max` bytes that ends between two characters.
fn front(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

#[cfg(test)]
mod tests {
    use super::front;

    #[test]
    fn front_never_splits_a_character() {
        let check = |text, max, expected| assert_eq!(front(text, max), expected);
        check("abc", 5, "abc");
        check("abc", 2, "ab");
        check("aß", 2, "a");
        check("ß", 1, "");
    }
}
