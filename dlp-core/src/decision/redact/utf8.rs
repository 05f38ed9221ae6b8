//! Whether a stream is UTF-8, wherever it is cut.

use super::RedactError;

/// Bytes of an unfinished character.
const REST_MAX: usize = 3;

/// The state of the check.
#[derive(Debug, Default)]
pub(super) struct Check {
    rest: Vec<u8>,
    /// Offset behind the last whole character.
    at: u64,
}

impl Check {
    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), RedactError> {
        let mut bytes = bytes;
        while !self.rest.is_empty() && !bytes.is_empty() {
            self.rest.push(bytes[0]);
            bytes = &bytes[1..];
            match std::str::from_utf8(&self.rest) {
                Ok(_) => {
                    self.at += self.rest.len() as u64;
                    self.rest.clear();
                }
                Err(error) if error.error_len().is_some() => return Err(RedactError::NotUtf8 { at: self.at }),
                Err(_) => {}
            }
        }
        match std::str::from_utf8(bytes) {
            Ok(_) => self.at += bytes.len() as u64,
            Err(error) => {
                self.at += error.valid_up_to() as u64;
                let rest = &bytes[error.valid_up_to()..];
                if error.error_len().is_some() || rest.len() > REST_MAX {
                    return Err(RedactError::NotUtf8 { at: self.at });
                }
                self.rest = rest.to_vec();
            }
        }
        // A zero is no text: it stands in UTF-16 and in programs.
        match memchr::memchr(0, bytes) {
            Some(zero) => Err(RedactError::NotUtf8 { at: self.at.saturating_sub((bytes.len() - zero) as u64) }),
            None => Ok(()),
        }
    }

    /// Ends the stream.
    pub(super) fn finish(&self) -> Result<(), RedactError> {
        if self.rest.is_empty() { Ok(()) } else { Err(RedactError::NotUtf8 { at: self.at }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_judged_the_same_wherever_it_is_cut() {
        let rows: &[(&[u8], bool)] = &[
            ("zażółć 護照 🦀".as_bytes(), true),
            (b"plain", true),
            (b"", true),
            (b"caf\xe9 au lait", false),
            (b"\xff\xfea\0b\0", false),
            (b"a\0b", false),
            ("ż".as_bytes().split_at(1).0, false),
        ];
        for (bytes, expected) in rows {
            for cut in 0..=bytes.len() {
                let mut check = Check::default();
                let result =
                    check.push(&bytes[..cut]).and_then(|()| check.push(&bytes[cut..])).and_then(|()| check.finish());
                assert_eq!(result.is_ok(), *expected, "{} cut at {cut}", bytes.escape_ascii());
            }
        }
    }
}
