//! Whose account a request uses: evidence in the request, what earlier answers proved, and the accounts that belong
//! to the organisation.
//!
//! Only facts that decide where data lands count as evidence: the bucket in the address, the tenant in the host, the
//! tenant for which a token was issued and without which the service refuses the call. What a client can add without
//! consequence (`Referer`, `Origin`, an unknown header) proves nothing.

use super::file::LearnToml;
use super::request::Parsed;
use super::template::{Kind, Template};
use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use serde::Deserialize;
use std::fmt;

macro_rules! account_kinds {
    ($($(#[$meta:meta])* $variant:ident = $word:literal in $field:ident,)+) => {
        /// What a piece of evidence names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
        pub enum AccountKind { $($(#[$meta])* #[serde(rename = $word)] $variant,)+ }

        impl AccountKind {
            /// The word used in destination files.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        /// Accounts of the organisation, by kind. An empty list means that no account of the kind is corporate.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Tenancy {
            $($(#[$meta])* pub $field: Vec<String>,)+
            /// Hosts of the organisation, each with everything below it, for example `files.corp.example`.
            pub hosts: Vec<String>,
        }

        impl Tenancy {
            fn list(&self, kind: AccountKind) -> &[String] {
                match kind { $(AccountKind::$variant => &self.$field,)+ }
            }
        }
    };
}

account_kinds! {
    /// First label of `<tenant>.sharepoint.com`.
    SharepointTenant = "sharepoint-tenant" in sharepoint,
    /// Directory id for which a Microsoft token was issued.
    EntraTenant = "entra-tenant" in entra_tenants,
    /// Domain of a Google Workspace account.
    GoogleDomain = "google-domain" in google_domains,
    /// Dropbox team, `dbtid:...`.
    DropboxTeam = "dropbox-team" in dropbox_teams,
    /// Box enterprise: its id, or its label in `<label>.app.box.com`.
    BoxEnterprise = "box-enterprise" in box_enterprises,
    /// S3 bucket.
    S3Bucket = "s3-bucket" in s3_buckets,
    /// AWS account that must own the bucket for the call to succeed (`x-amz-expected-bucket-owner`).
    AwsAccount = "aws-account" in aws_accounts,
    /// AWS account that issued the access key. It says who writes, not to whose bucket: list an account here only when
    /// its own policies forbid writing to foreign buckets.
    AwsKeyAccount = "aws-key-account" in aws_key_accounts,
    /// Azure storage account.
    AzureAccount = "azure-account" in azure_accounts,
    /// Google Cloud Storage bucket.
    GcsBucket = "gcs-bucket" in gcp_buckets,
    /// Backblaze B2 bucket id.
    B2Bucket = "b2-bucket" in b2_buckets,
    /// Owner of repositories on github.com.
    GithubOwner = "github-owner" in github_owners,
}

impl fmt::Display for AccountKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Tenancy {
    /// Whether the account is one of the organisation's.
    #[must_use]
    pub fn owns(&self, evidence: &Evidence) -> bool {
        self.list(evidence.kind).iter().any(|own| own.eq_ignore_ascii_case(&evidence.value))
    }

    /// Whether any account of the kind is the organisation's.
    #[must_use]
    pub fn has_any(&self, kind: AccountKind) -> bool {
        !self.list(kind).is_empty()
    }

    /// Whether the host is one of the organisation's, at label borders.
    #[must_use]
    pub fn owns_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|own| {
            let own = own.trim_end_matches('.').to_ascii_lowercase();
            !own.is_empty() && (host == own || host.strip_suffix(&own).is_some_and(|rest| rest.ends_with('.')))
        })
    }
}

/// One fact about an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Evidence {
    /// What it names.
    pub kind: AccountKind,
    /// The name.
    pub value: String,
}

/// Where in a request head evidence stands.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) kind: AccountKind,
    hosts: Vec<Template>,
    paths: Vec<Template>,
    selector: Selector,
}

#[derive(Clone, Debug)]
enum Selector {
    /// A named piece of the host template.
    Host(String),
    /// A named piece of the path template.
    Path(String),
    /// A header that stands once.
    Header(String),
    /// A JSON pointer into the payload of a bearer token that is a JWT.
    Jwt(String),
    /// The account inside the access key id of an AWS signature.
    AccessKey,
}

impl Identity {
    /// Builds the selector from its words, for example `path:bucket`, or says what is wrong.
    pub(super) fn new(kind: AccountKind, from: &str, hosts: &[String], paths: &[String]) -> Result<Self, String> {
        let hosts = templates(Kind::Host, hosts)?;
        let paths = templates(Kind::Path, paths)?;
        let selector = match from.split_once(':') {
            Some(("host", name)) if !hosts.is_empty() && hosts.iter().all(|t| t.has_capture(name)) => {
                Selector::Host(name.to_owned())
            }
            Some(("path", name)) if !paths.is_empty() && paths.iter().all(|t| t.has_capture(name)) => {
                Selector::Path(name.to_owned())
            }
            Some(("host" | "path", name)) => return Err(format!("expected `{{{name}}}` in each template of `{from}`")),
            Some(("header", name)) => Selector::Header(name.to_ascii_lowercase()),
            Some(("jwt", pointer)) if pointer.starts_with('/') => Selector::Jwt(pointer.to_owned()),
            None if from == "access-key" => Selector::AccessKey,
            _ => {
                return Err(format!(
                    "expected `host:NAME`, `path:NAME`, `header:NAME`, `jwt:/POINTER` or `access-key`, found `{from}`"
                ));
            }
        };
        Ok(Self { kind, hosts, paths, selector })
    }

    /// The evidence in this request, if there is any.
    pub(super) fn evidence(&self, request: &Parsed<'_>) -> Option<Evidence> {
        let (host, path) = (request.host.as_str(), &request.path);
        let applies = |templates: &[Template], text: &str| {
            templates.is_empty() || templates.iter().any(|template| template.matches(text))
        };
        if !applies(&self.hosts, host) || !applies(&self.paths, &path.text) {
            return None;
        }
        let value = match &self.selector {
            Selector::Host(name) => self.hosts.iter().find_map(|t| t.capture(host, name))?.to_owned(),
            // A path that servers read in different ways names no bucket that can be relied on.
            Selector::Path(_) if !path.is_plain => return None,
            Selector::Path(name) => self.paths.iter().find_map(|t| t.capture(&path.text, name))?.to_owned(),
            Selector::Header(name) => request.header(name)?.trim().to_owned(),
            Selector::Jwt(pointer) => jwt_claim(request.header("authorization")?, pointer)?,
            Selector::AccessKey => access_key_account(&access_key(request)?)?,
        };
        Some(Evidence { kind: self.kind, value })
    }
}

pub(super) fn templates(kind: Kind, texts: &[String]) -> Result<Vec<Template>, String> {
    texts.iter().map(|text| Template::new(kind, text)).collect()
}

/// A claim of an unverified token. The service verifies it: a forged one is refused there, so it decides nothing for
/// other services.
fn jwt_claim(authorization: &str, pointer: &str) -> Option<String> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    let payload = scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().split('.').nth(1)).flatten()?;
    let payload = BASE64URL_NOPAD.decode(payload.trim_end_matches('=').as_bytes()).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    Some(claims.pointer(pointer)?.as_str()?.to_owned())
}

/// The access key id of an AWS signature version 4, in the header or in the query of a presigned address.
fn access_key(request: &Parsed<'_>) -> Option<String> {
    let credential = match request.header("authorization") {
        Some(value) => value.strip_prefix("AWS4-HMAC-SHA256")?.split_once("Credential=")?.1.to_owned(),
        None => request.query_value("X-Amz-Credential")?.into_owned(),
    };
    Some(credential.split('/').next()?.to_owned())
}

/// The account number inside an access key id: 40 bits of base 32 behind the four-letter prefix, shifted by seven.
/// Keys issued before 2019 hold none and give a number that is no account of anybody.
fn access_key_account(key: &str) -> Option<String> {
    let body = key.get(4..).filter(|body| body.len() == 16)?;
    let bytes = BASE32_NOPAD.decode(body.as_bytes()).ok()?;
    let number = bytes.iter().take(6).fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    Some(format!("{:012}", (number & 0x7fff_ffff_ff80) >> 7))
}

/// An answer that proves an account: whoever passes answers on reads it and remembers the evidence for the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learn {
    kind: AccountKind,
    pointer: String,
    is_mail_address: bool,
}

impl Learn {
    pub(super) fn new(raw: &LearnToml) -> Result<Self, String> {
        let (pointer, is_mail_address) = match raw.from.split_once(':') {
            Some(("resp.body", pointer)) => (pointer, false),
            Some(("resp.mail_domain", pointer)) => (pointer, true),
            _ => ("", false),
        };
        if !pointer.starts_with('/') {
            return Err(format!("expected `resp.body:/POINTER` or `resp.mail_domain:/POINTER`, found `{}`", raw.from));
        }
        Ok(Self { kind: raw.proves, pointer: pointer.to_owned(), is_mail_address })
    }

    pub(super) fn kind(&self) -> AccountKind {
        self.kind
    }

    /// The evidence in the JSON body of the answer.
    #[must_use]
    pub fn evidence(&self, body: &serde_json::Value) -> Option<Evidence> {
        let value = match body.pointer(&self.pointer)? {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Number(number) => number.to_string(),
            _ => return None,
        };
        let value = if self.is_mail_address { value.rsplit_once('@')?.1.to_owned() } else { value };
        Some(Evidence { kind: self.kind, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_numbers_are_read_from_access_keys() {
        let rows = [
            (concat!("ASIA", "QNZGKIQY56JQ7WML"), Some("029608264753")),
            (concat!("ASIA", "QNZGKIQY56JQ7WM"), None),
            (concat!("AKIA", "0000000000000000"), None),
            ("żółć", None),
        ];
        for (key, expected) in rows {
            assert_eq!(access_key_account(key).as_deref(), expected, "{key}");
        }
    }

    #[test]
    fn claims_are_read_from_tokens_that_have_them() {
        let token = |payload: &str| format!("e30.{}.c2ln", BASE64URL_NOPAD.encode(payload.as_bytes()));
        let rows = [
            (format!("Bearer {}", token(r#"{"tid":"t-1"}"#)), Some("t-1")),
            (format!("bearer {}", token(r#"{"tid":"t-1"}"#)), Some("t-1")),
            (format!("Basic {}", token(r#"{"tid":"t-1"}"#)), None),
            (format!("Bearer {}", token(r#"{"tid":7}"#)), None),
            (format!("Bearer {}", token("no json")), None),
            ("Bearer EwBopaque".to_owned(), None),
            (String::new(), None),
        ];
        for (authorization, expected) in rows {
            assert_eq!(jwt_claim(&authorization, "/tid").as_deref(), expected, "{authorization}");
        }
    }

    #[test]
    fn own_hosts_end_at_label_borders() {
        let tenancy = Tenancy { hosts: vec!["Corp.example.".to_owned(), String::new()], ..Tenancy::default() };
        let rows = [("corp.example", true), ("a.corp.example", true), ("evilcorp.example", false), ("x.test", false)];
        for (host, expected) in rows {
            assert_eq!(tenancy.owns_host(host), expected, "{host}");
        }
    }
}
