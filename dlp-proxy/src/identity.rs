//! Who is behind a request: nobody in particular, or a user with a token of their own.
//!
//! The users file holds a digest of each token, so that reading it gives nobody access. Tokens are random and long,
//! which is why one round of SHA-256 is enough.

use crate::config::{AnonymousAccess, IdentityConfig};
use crate::fault::Fault;
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::PathBuf;

/// Why the users file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsersError {
    /// It could not be read.
    #[error("identity.users: cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line is wrong.
    #[error("identity.users: {}, line {line}: expected name:sha256 with 64 hexadecimal digits", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
    },
}

/// Tells who sent a request.
#[derive(Debug)]
pub(crate) struct Identity {
    allow_anonymous: bool,
    users: HashMap<String, [u8; 32]>,
    realm: String,
}

impl Identity {
    /// Reads the users file, if there is one.
    pub(crate) fn new(config: &IdentityConfig) -> Result<Self, UsersError> {
        let users = match &config.users {
            None => HashMap::new(),
            Some(path) => {
                let text =
                    std::fs::read_to_string(path).map_err(|source| UsersError::Read { path: path.clone(), source })?;
                parse_users(&text).map_err(|line| UsersError::Line { path: path.clone(), line })?
            }
        };
        let allow_anonymous = config.anonymous == AnonymousAccess::Allow;
        Ok(Self { allow_anonymous, users, realm: config.realm.clone() })
    }

    /// Whether users without credentials are served.
    pub(crate) fn allows_anonymous(&self) -> bool {
        self.allow_anonymous
    }

    /// The user of a request, or `None` for an anonymous one that is allowed. Wrong credentials are never anonymous.
    pub(crate) fn identify(&self, headers: &HeaderMap) -> Result<Option<String>, Fault> {
        let refused = || Fault::Unauthenticated { realm: self.realm.clone() };
        match headers.get(header::PROXY_AUTHORIZATION) {
            None if self.allow_anonymous => Ok(None),
            None => Err(refused()),
            // Without users there is nothing to check against, and clients may send credentials out of habit.
            Some(_) if self.users.is_empty() && self.allow_anonymous => Ok(None),
            Some(value) => self.check(value.as_bytes()).map(Some).ok_or_else(refused),
        }
    }

    fn check(&self, credentials: &[u8]) -> Option<String> {
        let (scheme, encoded) = credentials.split_at_checked(6)?;
        let decoded = scheme.eq_ignore_ascii_case(b"basic ").then(|| BASE64.decode(encoded.trim_ascii()).ok())??;
        let text = String::from_utf8(decoded).ok()?;
        let (user, token) = text.split_once(':')?;
        let expected = self.users.get(user)?;
        // Digests are compared, so the time of the comparison says nothing about the token.
        (Sha256::digest(token.as_bytes()).as_slice() == expected).then(|| user.to_owned())
    }
}

/// Names and digests; `Err` is the number of the wrong line.
fn parse_users(text: &str) -> Result<HashMap<String, [u8; 32]>, usize> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let entries = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(|(number, line)| {
        let (name, digest) = line.split_once(':').ok_or(number)?;
        let digest = HEXLOWER_PERMISSIVE.decode(digest.trim().as_bytes()).map_err(|_| number)?;
        let digest = digest.try_into().map_err(|_| number)?;
        if name.is_empty() { Err(number) } else { Ok((name.to_owned(), digest)) }
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(allow_anonymous: bool) -> Identity {
        let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(b"token"));
        let users = parse_users(&format!("# users\n\nanna:{digest}\n")).unwrap();
        Identity { allow_anonymous, users, realm: "r".into() }
    }

    fn check(identity: &Identity, credentials: Option<&str>, expected: Option<Option<&str>>) {
        let mut headers = HeaderMap::new();
        if let Some(text) = credentials {
            headers.insert(header::PROXY_AUTHORIZATION, text.parse().unwrap());
        }
        let got = identity.identify(&headers).ok();
        assert_eq!(got.as_ref().map(|user| user.as_deref()), expected, "{credentials:?}");
    }

    #[test]
    fn tokens_prove_who_it_is() {
        let basic = |text: &str| format!("Basic {}", BASE64.encode(text.as_bytes()));
        for allow_anonymous in [true, false] {
            let identity = identity(allow_anonymous);
            check(&identity, Some(&basic("anna:token")), Some(Some("anna")));
            check(&identity, Some(&basic("anna:token").replace("Basic", "bASIC")), Some(Some("anna")));
            check(&identity, Some(&basic("anna:wrong")), None);
            check(&identity, Some(&basic("bob:token")), None);
            check(&identity, Some("Bearer x"), None);
            check(&identity, Some("Basic !"), None);
            check(&identity, None, allow_anonymous.then_some(None));
        }
    }

    #[test]
    fn wrong_lines_are_numbered() {
        for (text, expected) in [("a:00", 1), ("# x\nanna", 2), (&format!(":{}", "0".repeat(64)), 1)] {
            assert_eq!(parse_users(text), Err(expected), "{text:?}");
        }
    }
}
