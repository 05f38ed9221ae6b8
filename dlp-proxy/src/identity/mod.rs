//! Who is behind a request, and whether they may use the gateway at this moment.
//!
//! A [`Proof`] is what a connection or request has shown: a certificate, a token, a name with a token of its own, or
//! nothing. It is kept for as long as a connection lives, and [`Identity::actor`] can be asked again and again what it is
//! worth: people come and go, tokens run out, and files are read again. `access` asks, and cuts what has lost its ground.

mod case;
pub(crate) mod certificate;
mod jwt;
mod people;
mod users;

pub(crate) use case::folded;
pub(crate) use people::Denied;

use crate::config::{AnonymousAccess, IdentityConfig};
use crate::fault::Fault;
use crate::secret_file::SecretError;
use crate::tls::crl::{CertificateId, Revoked};
use dlp_core::decision::{Actor, ActorKind};
use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use jwt::{Token, TokenVerifier};
use people::People;
use std::net::IpAddr;
use std::path::PathBuf;
use users::Users;

/// Why nobody could be identified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// A file could not be read.
    #[error("{key}: cannot read {}: {source}", path.display())]
    Read {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What stands in a file is wrong.
    #[error("{key}: {}: {message}", path.display())]
    File {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Expected and got.
        message: String,
    },
    /// A secret cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// What has been shown of who it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Proof {
    /// Nothing.
    Nobody,
    /// A name with the token that belongs to it, as a digest.
    Basic {
        /// The name.
        user: String,
        /// Digest of the token.
        digest: [u8; 32],
    },
    /// A signed token.
    Token {
        /// Whom it names.
        subject: String,
        /// Groups that it names, for policies.
        groups: Vec<String>,
        /// When it runs out, in seconds since 1970.
        expires: i64,
    },
    /// A client certificate that the listener has verified.
    Certificate {
        /// Names of one kind that it gives its holder.
        names: Vec<String>,
        /// When it runs out, in seconds since 1970.
        expires: i64,
        /// Which one it is.
        id: CertificateId,
    },
    /// Somebody who knows has said whose machine the client's address is. Whether that still holds, `access` knows.
    Address {
        /// The name.
        user: String,
        /// The address.
        address: IpAddr,
    },
    /// A proxy that is believed has said so.
    Told {
        /// The name.
        user: String,
    },
}

impl Proof {
    /// The names that it proves.
    pub(crate) fn names(&self) -> &[String] {
        match self {
            Self::Nobody => &[],
            Self::Basic { user, .. } | Self::Address { user, .. } | Self::Told { user } => std::slice::from_ref(user),
            Self::Token { subject, .. } => std::slice::from_ref(subject),
            Self::Certificate { names, .. } => names,
        }
    }

    /// The name that goes with it, for people who read about it; empty when there is none.
    pub(crate) fn name(&self) -> &str {
        self.names().first().map_or("", String::as_str)
    }

    /// Whether it loses its worth by the clock alone, whoever it is of.
    pub(crate) fn knows_time(&self) -> bool {
        match self {
            Self::Token { .. } | Self::Certificate { .. } | Self::Address { .. } => true,
            Self::Nobody | Self::Basic { .. } | Self::Told { .. } => false,
        }
    }

    /// Whether it is a token that stands for the same user at least as long as the other, which it then replaces.
    pub(crate) fn renews(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Token { subject, expires, .. }, Self::Token { subject: old_subject, expires: old_expires, .. }) => {
                subject == old_subject && expires >= old_expires
            }
            _ => self == other,
        }
    }
}

/// Tells who sends.
#[derive(Debug)]
pub(crate) struct Identity {
    allow_anonymous: bool,
    users: Users,
    tokens: Option<TokenVerifier>,
    people: Option<People>,
    /// Client certificates that were taken back.
    revoked: Revoked,
    realm: String,
}

impl Identity {
    /// Reads every file that the configuration names.
    pub(crate) fn new(config: &IdentityConfig) -> Result<Self, IdentityError> {
        Ok(Self {
            allow_anonymous: config.anonymous == AnonymousAccess::Allow,
            users: config.users.as_deref().map(Users::read).transpose()?.unwrap_or_default(),
            tokens: config.jwt.as_ref().map(TokenVerifier::read).transpose()?,
            people: config.people.as_deref().map(People::read).transpose()?,
            revoked: Revoked::default(),
            realm: config.realm.clone(),
        })
    }

    /// The same, without the holders of these certificates.
    pub(crate) fn without(self, revoked: Revoked) -> Self {
        Self { revoked, ..self }
    }

    /// Whether any proof may lose its worth by the clock alone, since people come and go.
    pub(crate) fn knows_time(&self) -> bool {
        self.people.is_some()
    }

    /// The names of whom a proof stands for: those that are proven, the person's id, and its aliases.
    pub(crate) fn names<'a>(&'a self, proof: &'a Proof, actor: &'a Actor) -> impl Iterator<Item = &'a str> {
        let id = actor.user.as_deref();
        let aliases = self.people.as_ref().zip(id).map_or(&[][..], |(people, id)| people.aliases(id));
        proof.names().iter().chain(aliases).map(String::as_str).chain(id)
    }

    /// Whether anybody of this name can exist. Without a list of people nobody knows all names.
    pub(crate) fn may_know(&self, name: &str) -> bool {
        self.people.as_ref().is_none_or(|people| people.has(name))
    }

    /// What the credentials of a request prove. Wrong credentials are never anonymous.
    pub(crate) fn prove(&self, headers: &HeaderMap, now: Timestamp) -> Result<Proof, Fault> {
        let mut fields = headers.get_all(header::PROXY_AUTHORIZATION).iter();
        match (fields.next(), fields.next()) {
            (None, _) => Ok(Proof::Nobody),
            // Without anything to check against, clients may send credentials out of habit.
            (Some(_), _) if self.users.is_empty() && self.tokens.is_none() && self.allow_anonymous => Ok(Proof::Nobody),
            (Some(value), None) => self.check(value, now).ok_or_else(|| self.unauthenticated()),
            (Some(_), Some(_)) => Err(self.unauthenticated()),
        }
    }

    fn check(&self, value: &HeaderValue, now: Timestamp) -> Option<Proof> {
        let (scheme, credentials) = value.to_str().ok()?.split_once(' ')?;
        let credentials = credentials.trim();
        if scheme.eq_ignore_ascii_case("basic") {
            self.users.check(credentials)
        } else if scheme.eq_ignore_ascii_case("bearer") {
            let token = self.tokens.as_ref()?.verify(credentials, now.as_second())?;
            let Token { subject, groups, expires } = token;
            Some(Proof::Token { subject, groups, expires })
        } else {
            None
        }
    }

    /// Who a proof stands for at this moment, if they may use the gateway.
    pub(crate) fn actor(&self, proof: &Proof, now: Timestamp) -> Result<Actor, Fault> {
        let is_over = |expires: i64| expires <= now.as_second();
        let names = match proof {
            Proof::Nobody if self.allow_anonymous => {
                return Ok(Actor { user: None, groups: Vec::new(), kind: ActorKind::Unknown });
            }
            Proof::Basic { user, digest } if self.users.holds(user, digest) => std::slice::from_ref(user),
            Proof::Token { subject, expires, .. } if self.tokens.is_some() && !is_over(*expires) => {
                std::slice::from_ref(subject)
            }
            Proof::Certificate { id, .. } if self.revoked.has(id) => return Err(Fault::Access(Denied::Revoked)),
            Proof::Certificate { names, expires, .. } if !is_over(*expires) => names,
            Proof::Address { user, .. } | Proof::Told { user } => std::slice::from_ref(user),
            _ => return Err(self.unauthenticated()),
        };
        let mut actor = match &self.people {
            Some(people) => people.actor(names, now).map_err(Fault::Access)?,
            None => {
                let user = Some(names.first().ok_or_else(|| self.unauthenticated())?.clone());
                Actor { user, groups: Vec::new(), kind: ActorKind::Unknown }
            }
        };
        if let Proof::Token { groups, .. } = proof {
            let new = groups.iter().filter(|group| !actor.groups.contains(group)).cloned().collect::<Vec<_>>();
            actor.groups.extend(new);
        }
        Ok(actor)
    }

    /// The answer to whoever has proven nothing.
    pub(crate) fn unauthenticated(&self) -> Fault {
        let schemes: &[&str] = match (self.users.is_empty(), &self.tokens) {
            (true, Some(_)) => &["Bearer"],
            (false, Some(_)) => &["Basic", "Bearer"],
            (_, None) => &["Basic"],
        };
        Fault::Unauthenticated { realm: self.realm.clone(), schemes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64;

    /// Anna, whose token is `token`.
    fn identity(allow_anonymous: bool, people: Option<&str>) -> Identity {
        let people = people.map(|text| People::parse(text).unwrap());
        Identity {
            allow_anonymous,
            users: Users::of("anna", "token"),
            tokens: None,
            people,
            revoked: Revoked::default(),
            realm: "r".into(),
        }
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", BASE64.encode(text.as_bytes()))
    }

    fn check(identity: &Identity, credentials: &[&str], expected: Result<Option<&str>, &str>) {
        let mut headers = HeaderMap::new();
        for text in credentials {
            headers.append(header::PROXY_AUTHORIZATION, text.parse().unwrap());
        }
        let now = Timestamp::now();
        let got = identity.prove(&headers, now).and_then(|proof| identity.actor(&proof, now));
        let got = got.as_ref().map(|actor| actor.user.as_deref()).map_err(Fault::reason);
        assert_eq!(got, expected, "{credentials:?}");
    }

    #[test]
    fn tokens_prove_who_it_is() {
        for allow_anonymous in [true, false] {
            let identity = identity(allow_anonymous, None);
            let anna = basic("anna:token");
            check(&identity, &[&anna], Ok(Some("anna")));
            check(&identity, &[&anna.replace("Basic", "bASIC")], Ok(Some("anna")));
            check(&identity, &[&anna, &anna], Err("unauthenticated"));
            for wrong in [&basic("anna:wrong"), &basic("bob:token"), "Bearer x", "Basic !", "Basic", "Digest x"] {
                check(&identity, &[wrong], Err("unauthenticated"));
            }
            check(&identity, &[], if allow_anonymous { Ok(None) } else { Err("unauthenticated") });
        }
    }

    #[test]
    fn people_bound_what_a_proof_is_worth() {
        let anna = basic("anna:token");
        let rows = [
            ("[[person]]\nid = \"anna\"", Ok(Some("anna"))),
            ("[[person]]\nid = \"a.nowak\"\naliases = [\"Anna\"]", Ok(Some("a.nowak"))),
            ("[[person]]\nid = \"bob\"", Err("person_unknown")),
            ("[[person]]\nid = \"anna\"\nsuspended = true", Err("access_suspended")),
            ("[[person]]\nid = \"anna\"\nvalid_until = 2020-01-01", Err("access_ended")),
            ("[[person]]\nid = \"anna\"\nvalid_from = 2999-01-01", Err("access_not_begun")),
        ];
        for (people, expected) in rows {
            check(&identity(false, Some(people)), &[&anna], expected);
        }
    }

    #[test]
    fn what_was_proven_is_worth_nothing_when_its_ground_has_gone() {
        let now = Timestamp::now();
        let identity = identity(false, None);
        let names = vec!["anna@corp.example".to_owned()];
        let rows = [
            (Users::proof("anna", "token"), true),
            (Users::proof("anna", "an old token"), false),
            (Proof::Certificate { names: names.clone(), expires: now.as_second() + 60, id: [0; 32] }, true),
            (Proof::Certificate { names, expires: now.as_second(), id: [0; 32] }, false),
            (Proof::Certificate { names: Vec::new(), expires: now.as_second() + 60, id: [0; 32] }, false),
            (Proof::Token { subject: "anna".into(), groups: Vec::new(), expires: now.as_second() + 60 }, false),
            (Proof::Nobody, false),
        ];
        for (proof, expected) in rows {
            assert_eq!(identity.actor(&proof, now).is_ok(), expected, "{proof:?}");
        }
    }
}
