//! Signed tokens (RFC 7515, RFC 7519), sent as Bearer credentials.
//!
//! The configured key alone decides which algorithm is taken: what a token says of its algorithm has to be the same word,
//! and is never a choice. Issuer, audience and end are required; a token without an end would be a password that nobody
//! can change.

use super::IdentityError;
use crate::config::JwtConfig;
use crate::secret_file;
use data_encoding::BASE64URL_NOPAD;
use ring::hmac;
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::path::Path;
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// Bytes of a token. A request head has no room for many more.
const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a shared secret, as many as its algorithm makes use of (RFC 7518 3.2).
const SECRET_BYTES_MIN: usize = 32;
/// Seconds by which a token may begin too early for our clock. None may end late: access ends at once.
const LEEWAY_S: i64 = 30;

/// What a valid token says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// Whom it names.
    pub(super) subject: String,
    /// Groups that it names.
    pub(super) groups: Vec<String>,
    /// When it runs out, in seconds since 1970.
    pub(super) expires: i64,
}

/// Verifies tokens of one issuer.
#[derive(Debug)]
pub(super) struct TokenVerifier {
    key: Key,
    issuer: String,
    audience: String,
    user_claim: String,
    groups_claim: String,
}

/// A key and the one algorithm that it is for.
enum Key {
    Shared(hmac::Key),
    Public { name: &'static str, algorithm: &'static dyn VerificationAlgorithm, bytes: Vec<u8> },
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Key").field(&self.algorithm()).finish()
    }
}

impl Key {
    fn algorithm(&self) -> &'static str {
        match self {
            Self::Shared(_) => "HS256",
            Self::Public { name, .. } => name,
        }
    }

    fn shared(path: &Path) -> Result<Self, IdentityError> {
        let secret = secret_file::read("identity.jwt.secret", path, SECRET_BYTES_MIN)?;
        Ok(Self::Shared(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())))
    }

    fn public(path: &Path) -> Result<Self, IdentityError> {
        let key = "identity.jwt.key";
        let bytes = std::fs::read(path).map_err(|source| IdentityError::Read { key, path: path.into(), source })?;
        Self::of_pem(&bytes).ok_or_else(|| IdentityError::File {
            key,
            path: path.into(),
            message: "expected a public key in PEM: RSA of 2048 to 8192 bits, P-256 or Ed25519".into(),
        })
    }

    fn of_pem(bytes: &[u8]) -> Option<Self> {
        let pem = Pem::iter_from_buffer(bytes).next()?.ok().filter(|pem| pem.label == "PUBLIC KEY")?;
        let (_, info) = SubjectPublicKeyInfo::from_der(&pem.contents).ok()?;
        let bytes = info.subject_public_key.data.to_vec();
        let (name, algorithm): (_, &'static dyn VerificationAlgorithm) = match info.parsed() {
            Ok(PublicKey::RSA(key)) if (2048..=8192).contains(&key.key_size()) => {
                ("RS256", &signature::RSA_PKCS1_2048_8192_SHA256)
            }
            Ok(PublicKey::EC(point)) if point.key_size() == 256 => ("ES256", &signature::ECDSA_P256_SHA256_FIXED),
            _ if info.algorithm.algorithm.to_id_string() == "1.3.101.112" => ("EdDSA", &signature::ED25519),
            _ => return None,
        };
        Some(Self::Public { name, algorithm, bytes })
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Shared(key) => hmac::verify(key, message, signature).is_ok(),
            Self::Public { algorithm, bytes, .. } => {
                UnparsedPublicKey::new(*algorithm, bytes).verify(message, signature).is_ok()
            }
        }
    }
}

/// The head of a token.
#[derive(Deserialize)]
struct Head {
    alg: String,
    /// What must be understood, which nothing is.
    crit: Option<Value>,
}

impl TokenVerifier {
    /// Reads the key. The configuration has made sure that there is one.
    pub(super) fn read(config: &JwtConfig) -> Result<Self, IdentityError> {
        let key = match (&config.key, &config.secret) {
            (Some(path), _) => Key::public(path)?,
            (None, Some(path)) => Key::shared(path)?,
            (None, None) => {
                let message = "expected identity.jwt.key or identity.jwt.secret".into();
                return Err(IdentityError::File { key: "identity.jwt", path: "".into(), message });
            }
        };
        let (issuer, audience) = (config.issuer.clone(), config.audience.clone());
        let (user_claim, groups_claim) = (config.user_claim.clone(), config.groups_claim.clone());
        Ok(Self { key, issuer, audience, user_claim, groups_claim })
    }

    /// What a token says, if it is valid at `now`, in seconds since 1970.
    pub(super) fn verify(&self, token: &str, now: i64) -> Option<Token> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (head, claims) = message.split_once('.')?;
        let decode = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).ok();
        let head: Head = serde_json::from_slice(&decode(head)?).ok()?;
        let is_ours = head.alg == self.key.algorithm() && head.crit.is_none();
        if !is_ours || !self.key.verifies(message.as_bytes(), &decode(signature)?) {
            return None;
        }
        self.accept(&serde_json::from_slice(&decode(claims)?).ok()?, now)
    }

    fn accept(&self, claims: &Map<String, Value>, now: i64) -> Option<Token> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let is_for_us = match claims.get("aud")? {
            Value::String(one) => *one == self.audience,
            Value::Array(many) => many.iter().any(|one| one.as_str() == Some(&self.audience)),
            _ => false,
        };
        let begins = claims.get("nbf").map_or(Some(0), seconds)?;
        let expires = seconds(claims.get("exp")?)?;
        let is_valid =
            is_for_us && text("iss") == Some(&self.issuer) && now < expires && now.saturating_add(LEEWAY_S) >= begins;
        let subject = text(&self.user_claim).filter(|subject| !subject.is_empty())?;
        let groups = claims.get(&self.groups_claim).map_or_else(Vec::new, groups);
        is_valid.then(|| Token { subject: subject.to_owned(), groups, expires })
    }
}

/// The groups of a list, or the only one. What is no text names none.
fn groups(value: &Value) -> Vec<String> {
    let all = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    all.iter().filter_map(Value::as_str).filter(|group| !group.is_empty()).map(str::to_owned).collect()
}

/// A point in time (RFC 7519 2), whose fractions do not matter.
fn seconds(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().filter(|seconds| seconds.abs() < 1e15).map(|seconds| seconds as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PublicKeyData, SigningKey};
    use serde_json::json;

    const NOW: i64 = 1_800_000_000;
    const SECRET: &[u8] = b"a secret of thirty-two bytes or more";

    fn verifier(key: Key) -> TokenVerifier {
        let (issuer, audience) = ("https://id.example".into(), "dlp-proxy".into());
        TokenVerifier { key, issuer, audience, user_claim: "sub".into(), groups_claim: "groups".into() }
    }

    fn shared() -> Key {
        Key::Shared(hmac::Key::new(hmac::HMAC_SHA256, SECRET))
    }

    fn signed(head: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let message = format!("{}.{}", part(head), part(claims));
        format!("{message}.{}", BASE64URL_NOPAD.encode(&sign(message.as_bytes())))
    }

    fn by_secret(message: &[u8]) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), message).as_ref().to_vec()
    }

    fn claims() -> Value {
        json!({ "iss": "https://id.example", "aud": "dlp-proxy", "sub": "anna", "exp": NOW + 600 })
    }

    #[test]
    fn groups_are_named_in_a_list_or_alone() {
        let rows = [
            (json!(["finance", "", 7, "board"]), vec!["finance", "board"]),
            (json!("finance"), vec!["finance"]),
            (json!({ "a": "finance" }), vec![]),
            (Value::Null, vec![]),
        ];
        for (value, expected) in rows {
            let mut claims = claims();
            claims["groups"] = value.clone();
            let token = signed(&json!({ "alg": "HS256" }), &claims, by_secret);
            assert_eq!(verifier(shared()).verify(&token, NOW).unwrap().groups, expected, "{value}");
        }
    }

    #[test]
    fn claims_decide() {
        let rows: [(&str, Value, bool); 16] = [
            ("aud", json!("dlp-proxy"), true),
            ("aud", json!(["other", "dlp-proxy"]), true),
            ("aud", json!(["other"]), false),
            ("aud", Value::Null, false),
            ("iss", json!("https://evil.example"), false),
            ("iss", Value::Null, false),
            ("sub", json!(""), false),
            ("sub", json!(7), false),
            ("exp", json!(NOW + 1), true),
            ("exp", json!(NOW), false),
            ("exp", json!(NOW as f64 + 1.5), true),
            ("exp", Value::Null, false),
            ("exp", json!("never"), false),
            ("nbf", json!(NOW + LEEWAY_S), true),
            ("nbf", json!(NOW + LEEWAY_S + 1), false),
            ("nbf", json!("soon"), false),
        ];
        for (name, value, expected) in rows {
            let mut claims = claims();
            claims[name] = value;
            let token = signed(&json!({ "alg": "HS256" }), &claims, by_secret);
            assert_eq!(verifier(shared()).verify(&token, NOW).is_some(), expected, "{claims}");
        }
    }

    #[test]
    fn the_key_chooses_the_algorithm() {
        let good = signed(&json!({ "alg": "HS256", "typ": "JWT" }), &claims(), by_secret);
        let expected = Token { subject: "anna".into(), groups: Vec::new(), expires: NOW + 600 };
        assert_eq!(verifier(shared()).verify(&good, NOW), Some(expected));
        for head in [json!({ "alg": "none" }), json!({ "alg": "HS512" }), json!({ "alg": "HS256", "crit": ["b64"] })] {
            assert_eq!(verifier(shared()).verify(&signed(&head, &claims(), by_secret), NOW), None, "{head}");
        }
        let unsigned = signed(&json!({ "alg": "none" }), &claims(), |_| Vec::new());
        for token in [&unsigned, &good[..good.len() - 2], "a.b", "a.b.c", "", &good.replace('.', "=.")] {
            assert_eq!(verifier(shared()).verify(token, NOW), None, "{token}");
        }
    }

    #[test]
    fn public_keys_verify_and_are_no_secrets() {
        for (algorithm, name) in [(&PKCS_ECDSA_P256_SHA256, "ES256"), (&PKCS_ED25519, "EdDSA")] {
            let pair = KeyPair::generate_for(algorithm).unwrap();
            let pem = pair.public_key_pem();
            let key = || Key::of_pem(pem.as_bytes()).unwrap();
            assert_eq!(key().algorithm(), name);
            let sign = |message: &[u8]| {
                let signature = pair.sign(message).unwrap();
                if name == "ES256" { fixed(&signature) } else { signature }
            };
            let token = signed(&json!({ "alg": name }), &claims(), sign);
            assert!(verifier(key()).verify(&token, NOW).is_some(), "{name}");
            let other = KeyPair::generate_for(algorithm).unwrap();
            let foreign = Key::of_pem(other.public_key_pem().as_bytes()).unwrap();
            assert!(verifier(foreign).verify(&token, NOW).is_none(), "{name}");
            // The public key is known to everybody, so it must not pass for a secret.
            let by_public = |message: &[u8]| {
                hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, pair.der_bytes()), message).as_ref().to_vec()
            };
            let token = signed(&json!({ "alg": "HS256" }), &claims(), by_public);
            assert!(verifier(key()).verify(&token, NOW).is_none(), "{name}");
        }
        let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        assert!(Key::of_pem(p384.public_key_pem().as_bytes()).is_none());
        assert!(Key::of_pem(b"no key").is_none());
    }

    #[test]
    fn rsa_keys_are_long_enough_and_verify() {
        let key = Key::of_pem(RSA_2048.as_bytes()).unwrap();
        assert_eq!(key.algorithm(), "RS256");
        let signature = data_encoding::BASE64.decode(RSA_SIGNATURE.as_bytes()).unwrap();
        assert!(key.verifies(b"a message", &signature) && !key.verifies(b"another message", &signature));
        assert!(Key::of_pem(RSA_1024.as_bytes()).is_none());
    }

    const RSA_2048: &str = "-----BEGIN PUBLIC KEY-----\n\
         MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAq8eOUKbDY5bBAJzOfKIP\n\
         Zsh4DaCe3qrc1VkXHCfd4EnJw0sWfGi+a/cE6lnlhrQXqNQ27tqPcf6hD6dSRcEo\n\
         TJ4uMKhLEMuTsc3sMOIV/4qvYON5xmkNUt3eustxs9h6wnM7RGKueVyFrqDBitH+\n\
         6XksHqYjwrARqKvlRtOBp+Z+5wv8LkbasUHLkRg6NJXSLafaqmsQTKWuQyEodUFU\n\
         OE1O7pFaXff0cGw1AaJe6bCUMPjMy4ipnO0gmTH/EVAiFua+X7jzoiM0Zes0WUSR\n\
         NGLetNrK7N8FEtTI7RBaqrC6Kn/P6DVybvNKSZ2/M0SrQy0/IqvdPtFlNZaetckn\n\
         bQIDAQAB\n\
         -----END PUBLIC KEY-----\n";
    /// Of `a message`, by the private half.
    const RSA_SIGNATURE: &str = "LfIJoy1ED2iZFVf+U46riIUkr1zl9NNQJDHHI12c75Fi16YUMZbv+AmkCV7j0cyswn165U2ryngZOeLKuLbPq8Evhk+9ZIf8\
         Qts+9e9QdJ5Kvr+rFxxkxAFLc5WMKyv/8RrHSFPVfgztFU7+so4nVCnu2H8xuLlfIWyYZFM0rPLS1DFMykr7z7d1Ey6PSaVp\
         m7oJWAeJa69NoIH+mUxsalidkdyLtGw0uTm1HAEnvLR9QguWAPt9pBodkgZvqLcpPmaw4sP/LyemwuKbtoQIwrE1j+HQJGIh\
         Z7r7O1kmJLnz4/J1EofhzZ0itKH/FnXXmjldyiyfoon8d7aHDV9nYw==";
    const RSA_1024: &str = "-----BEGIN PUBLIC KEY-----\n\
         MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDYH/abRctE2iy1h7gyliS5RzSu\n\
         not4FeMBlEG7IQk/pRhNBwfczuk7t17BoL8klG178hwvob+HcakSf8qsxEDDTMWK\n\
         l4KYfYPr1VOXtF3seq6W0r9dx1i06OJcE/GquiM8sL8fj1Z8rDuz8FI+rciMqAlJ\n\
         B31vqEmq7aI6RfdVDQIDAQAB\n\
         -----END PUBLIC KEY-----\n";

    /// The two numbers of a signature without their DER (RFC 7518 3.4).
    fn fixed(der: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = &der[2..];
        for _ in 0..2 {
            let length = rest[1] as usize;
            let number = &rest[2..2 + length];
            let number = if number.len() > 32 { &number[number.len() - 32..] } else { number };
            out.extend(std::iter::repeat_n(0, 32 - number.len()));
            out.extend_from_slice(number);
            rest = &rest[2 + length..];
        }
        out
    }
}
