//! One frame of zstd as a stream.
//!
//! A decoder of zstd keeps a window of what it made and hands out what stands before it, so nothing comes out of a frame until
//! its window is full, and the budget sees nothing of it meanwhile. Here the window itself is bounded: a large one is filled
//! only by data that is not packed like a bomb. Where a frame ends early, because of that or because it is broken, the
//! window is handed out before the error.

use crate::base::DICTIONARY_BYTES_MAX;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::{self, Read};

/// Bytes that are made before somebody looks at how many there are.
const STEP_BYTES: usize = 256 * 1024;
/// Bytes of a window that any frame may fill.
const WINDOW_BYTES_FREE: u64 = 16 * 1024 * 1024;
/// Bytes of a larger one for each byte that was taken in. What people keep stays below 100, zeros give thousands.
const WINDOW_RATIO_MAX: u64 = 200;
/// A block that is the last one and holds nothing, and a sum that nobody compares.
const NOTHING: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

/// Reads a frame, and leaves the reader behind it.
pub(super) struct ZstdFrame<R> {
    decoder: FrameDecoder,
    reader: R,
    /// Bytes that were made, and those of them that were handed out.
    made_bytes: u64,
    given_bytes: u64,
    /// Why the frame ended before its end.
    failed: Option<io::ErrorKind>,
}

impl<R: Read> ZstdFrame<R> {
    /// Reads the header of a frame.
    pub(super) fn open(mut reader: R) -> io::Result<Self> {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(DICTIONARY_BYTES_MAX);
        decoder.init(&mut reader).map_err(io::Error::other)?;
        Ok(Self { decoder, reader, made_bytes: 0, given_bytes: 0, failed: None })
    }

    pub(super) fn into_inner(self) -> R {
        self.reader
    }

    /// Makes more; where that fails, ends the frame, so that what it has made can be had.
    fn make(&mut self) {
        let step = BlockDecodingStrategy::UptoBytes(STEP_BYTES);
        let made = match self.decoder.decode_blocks(&mut self.reader, step) {
            Ok(_) => {
                self.made_bytes += STEP_BYTES as u64;
                !self.is_window_too_dense()
            }
            Err(_) => false,
        };
        if made || self.decoder.is_finished() {
            return;
        }
        self.failed =
            Some(if self.is_window_too_dense() { io::ErrorKind::OutOfMemory } else { io::ErrorKind::InvalidData });
        // Fails only where the decoder is beyond help; then nothing comes out.
        let _ = self.decoder.decode_blocks(&NOTHING[..], BlockDecodingStrategy::All);
    }

    fn is_window_too_dense(&self) -> bool {
        let allowed = WINDOW_RATIO_MAX.saturating_mul(self.decoder.bytes_read_from_source()).max(WINDOW_BYTES_FREE);
        self.made_bytes.saturating_sub(self.given_bytes) > WINDOW_BYTES_FREE && self.made_bytes > allowed
    }
}

impl<R: Read> Read for ZstdFrame<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        // Each round takes in a block or ends the frame.
        loop {
            let len = self.decoder.read(buf)?;
            if len > 0 {
                self.given_bytes += len as u64;
                return Ok(len);
            }
            match self.failed {
                Some(kind) => return Err(kind.into()),
                None if self.decoder.is_finished() => return Ok(0),
                None => self.make(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: u32 = 0;
    const RUN: u32 = 1;

    /// A frame with a window of 128 MiB and these blocks: type, size and bytes of each.
    fn frame(blocks: &[(u32, u32, &[u8])], is_whole: bool) -> Vec<u8> {
        let mut frame = b"\x28\xb5\x2f\xfd\x00\x88".to_vec();
        for (index, (kind, size, bytes)) in blocks.iter().enumerate() {
            let last = u32::from(is_whole && index + 1 == blocks.len());
            frame.extend(&(size << 3 | kind << 1 | last).to_le_bytes()[..3]);
            frame.extend(*bytes);
        }
        frame
    }

    fn read(frame: &[u8]) -> (u64, Option<io::ErrorKind>) {
        let mut stream = ZstdFrame::open(frame).expect("the header is whole");
        let (mut len, mut buf) = (0, vec![0; 64 * 1024]);
        loop {
            match stream.read(&mut buf) {
                Ok(0) => return (len, None),
                Ok(read) => len += read as u64,
                Err(error) => return (len, Some(error.kind())),
            }
        }
    }

    #[test]
    fn a_window_is_not_filled_with_what_is_packed_too_densely() {
        let zeros = vec![(RUN, 128 * 1024, &b"\0"[..]); 2_000];
        let (len, error) = read(&frame(&zeros, true));
        assert_eq!(error, Some(io::ErrorKind::OutOfMemory));
        assert!((WINDOW_BYTES_FREE..WINDOW_BYTES_FREE + 2 * STEP_BYTES as u64).contains(&len), "{len}");
        // As many bytes of which each was taken in.
        let bytes = vec![7; 64 * 1024];
        let (len, error) = read(&frame(&vec![(RAW, 64 * 1024, bytes.as_slice()); 400], true));
        assert_eq!((len, error), (400 * 64 * 1024, None));
        // A few dense ones.
        assert_eq!(read(&frame(&zeros[..9], true)), (9 * 128 * 1024, None));
    }

    #[test]
    fn what_a_broken_frame_has_made_is_handed_out() {
        let text = (RAW, 9, &b"some text"[..]);
        let broken = Some(io::ErrorKind::InvalidData);
        assert_eq!(read(&frame(&[text, text], true)), (18, None));
        assert_eq!(read(&frame(&[text, text], false)), (18, broken), "it breaks off");
        assert_eq!(read(&frame(&[text, (3, 9, b"")], false)), (9, broken), "there is no such block");
    }
}
