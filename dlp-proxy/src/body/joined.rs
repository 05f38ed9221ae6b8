//! Values that were spread over several places of a head: segments of the path, parameters, fields, cookies.
//!
//! Pieces that follow each other are put together, every run of a few of them once, since nobody knows which belong
//! together. What is put together at random looks like many things, so only findings that are sure count here; of cookies,
//! which are full of tokens that a site has made, only what consists of digits for the most part.

use super::walk::{View, Walk};
use dlp_core::content::Input;

/// Pieces of one head that are looked at.
const PIECES_MAX: usize = 64;
/// Bytes of a piece. A longer one is long enough to be found by itself, in part at least.
const PIECE_BYTES_MAX: usize = 256;
/// Pieces that are put together. A value in more of them is in pieces of a few characters.
const RUN_MAX: usize = 8;
/// Bytes of all runs of one kind. Heads of browsers take a tenth of it.
const RUNS_BYTES_MAX: usize = 32 * 1024;
/// Shortest run that is looked at. Nothing shorter is found with certainty.
const RUN_BYTES_MIN: usize = 9;

/// Whose pieces they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The client's.
    Client,
    /// For the most part what a site gave the client to show.
    Site,
}

/// Inspects runs of pieces.
pub(super) fn walk_joined<P: AsRef<[u8]>>(walk: &mut Walk<'_>, pieces: &[P], origin: Origin) {
    // Cookies are looked at here alone.
    let text = runs(pieces, if origin == Origin::Site { 1 } else { 2 });
    if !text.is_empty() {
        let view = View::Joined { of_digits: origin == Origin::Site };
        walk.examine("", Input::Bytes(&text), view);
    }
}

/// Every run of at least so many pieces, one a line.
fn runs<P: AsRef<[u8]>>(pieces: &[P], shortest: usize) -> Vec<u8> {
    let pieces: Vec<&[u8]> = pieces.iter().map(AsRef::as_ref).filter(|piece| !piece.is_empty()).collect();
    let mut text = Vec::new();
    for stretch in pieces.split(|piece| piece.len() > PIECE_BYTES_MAX) {
        let stretch = &stretch[..stretch.len().min(PIECES_MAX)];
        for begin in 0..stretch.len() {
            let longest = (stretch.len() - begin).min(RUN_MAX);
            for count in shortest..=longest {
                let run = stretch[begin..begin + count].concat();
                if run.len() >= RUN_BYTES_MIN && text.len() + run.len() < RUNS_BYTES_MAX {
                    text.extend_from_slice(&run);
                    text.push(b'\n');
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_is_a_line() {
        let long = "x".repeat(PIECE_BYTES_MAX + 1);
        let rows: [(&[&str], &str); 6] = [
            (&["alone, but long enough"], ""),
            (&["abcde", "fghij", "", "klm"], "abcdefghij\nabcdefghijklm\n"),
            (&["abcdefghi", "j"], "abcdefghij\n"),
            (&["abcde", &long, "fghij"], ""),
            (&["a", "b"], ""),
            (&[], ""),
        ];
        for (pieces, expected) in rows {
            assert_eq!(String::from_utf8(runs(pieces, 2)).unwrap(), expected, "{pieces:?}");
        }
        assert_eq!(runs(&["abcdefghi", "j"], 1), b"abcdefghi\nabcdefghij\n");
    }

    #[test]
    fn many_pieces_are_bounded() {
        let pieces = vec!["0123456789"; 10_000];
        assert!(runs(&pieces, 1).len() <= RUNS_BYTES_MAX);
    }
}
