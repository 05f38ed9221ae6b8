//! Users with a token of their own, sent as Basic credentials.
//!
//! The users file holds a digest of each token, so that reading it gives nobody access. Tokens are random and long,
//! which is why one round of SHA-256 is enough.

use super::{IdentityError, Proof};
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::Path;

/// The key that names the file.
const KEY: &str = "identity.users";

/// Names, each with the digest of its token.
#[derive(Debug, Default)]
pub(super) struct Users(HashMap<String, [u8; 32]>);

impl Users {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<Self, IdentityError> {
        let text = std::fs::read_to_string(path).map_err(|source| IdentityError::Read {
            key: KEY,
            path: path.into(),
            source,
        })?;
        Self::parse(&text).map_err(|line| IdentityError::File {
            key: KEY,
            path: path.into(),
            message: format!("line {line}: expected name:sha256 with 64 hexadecimal digits"),
        })
    }

    /// Names and digests; `Err` is the number of the wrong line.
    fn parse(text: &str) -> Result<Self, usize> {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        let entries = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(|(number, line)| {
            let (name, digest) = line.split_once(':').ok_or(number)?;
            let digest = HEXLOWER_PERMISSIVE.decode(digest.trim().as_bytes()).map_err(|_| number)?;
            let digest = digest.try_into().map_err(|_| number)?;
            if name.is_empty() { Err(number) } else { Ok((name.to_owned(), digest)) }
        });
        entries.collect::<Result<_, _>>().map(Self)
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the user still has the token of this digest.
    pub(super) fn holds(&self, user: &str, digest: &[u8; 32]) -> bool {
        self.0.get(user) == Some(digest)
    }

    /// The user of Basic credentials.
    pub(super) fn check(&self, encoded: &str) -> Option<Proof> {
        let text = String::from_utf8(BASE64.decode(encoded.as_bytes()).ok()?).ok()?;
        let (user, token) = text.split_once(':')?;
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        // Digests are compared, so the time of the comparison says nothing about the token.
        self.holds(user, &digest).then(|| Proof::Basic { user: user.to_owned(), digest })
    }

    #[cfg(test)]
    pub(super) fn of(user: &str, token: &str) -> Self {
        Self(HashMap::from([(user.to_owned(), Sha256::digest(token.as_bytes()).into())]))
    }

    #[cfg(test)]
    pub(super) fn proof(user: &str, token: &str) -> Proof {
        Proof::Basic { user: user.to_owned(), digest: Sha256::digest(token.as_bytes()).into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_lines_are_numbered() {
        for (text, expected) in [("a:00", 1), ("# x\nanna", 2), (&format!(":{}", "0".repeat(64)), 1)] {
            assert_eq!(Users::parse(text).err(), Some(expected), "{text:?}");
        }
        let line = format!("# users\n\nanna:{}\n", "0".repeat(64));
        assert!(Users::parse(&line).unwrap().holds("anna", &[0; 32]));
    }
}
