//! The format of a destination file, as serde sees it. Unknown keys and words end here, with line and caret.

use super::account::AccountKind;
use dlp_core::decision::{Activity, AppCategory, Visibility, Zone};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// Whose accounts an application has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountModel {
    /// Private ones only.
    Personal,
    /// Those of organisations, not necessarily ours.
    Business,
    /// Both, on the same hosts.
    Mixed,
    /// Whoever runs the server.
    SelfHosted,
}

/// What a host of an application is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostRole {
    /// Signing in. Bodies sent there are credentials of the service itself.
    Login,
    /// Calls of programs.
    Api,
    /// Content on its way in.
    Upload,
    /// Pages.
    Web,
    /// Content on its way out.
    Download,
    /// Clients that keep folders equal.
    Sync,
}

/// What a request means for the transfer it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointRole {
    /// A whole file in one request.
    Single,
    /// Creates a session.
    Open,
    /// A piece.
    Part,
    /// Completes a session.
    Commit,
    /// Gives a session up; always let through.
    Abort,
    /// Asks whether an upload would be taken.
    Probe,
    /// Adds content by its digest.
    HashOnly,
    /// Tells the service to fetch an address.
    ServerFetch,
    /// Holds other calls.
    Batch,
}

/// How the content lies in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyForm {
    /// The content itself.
    Raw,
    /// RFC 7578.
    MultipartForm,
    /// RFC 2387: metadata, then content.
    MultipartRelated,
    /// A form.
    Urlencoded,
    /// JSON.
    Json,
    /// JSON with content in base 64.
    JsonBase64,
    /// XML.
    Xml,
    /// Chunks with signatures.
    AwsChunked,
    /// Encrypted by the client.
    Opaque,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileToml {
    pub(super) app: AppToml,
    #[serde(default)]
    pub(super) host: Vec<Spanned<HostToml>>,
    #[serde(default)]
    pub(super) identity: Vec<Spanned<IdentityToml>>,
    #[serde(default)]
    pub(super) learn: Vec<Spanned<LearnToml>>,
    #[serde(default)]
    pub(super) endpoint: Vec<Spanned<EndpointToml>>,
    #[serde(default)]
    pub(super) shape: Vec<Spanned<ShapeToml>>,
    #[serde(default)]
    pub(super) tenant_header: Vec<Spanned<TenantHeaderToml>>,
    #[serde(default)]
    #[cfg_attr(not(test), allow(dead_code, reason = "read by the test of all examples"))]
    pub(super) example: Vec<Spanned<ExampleToml>>,
    #[serde(default)]
    #[cfg_attr(not(test), allow(dead_code, reason = "read by the test of all examples"))]
    pub(super) counter_example: Vec<Spanned<CounterExampleToml>>,
}

/// A field by which the service is told whose accounts are ours.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantHeaderToml {
    /// Its name.
    pub(super) name: String,
    /// Its value in the configuration.
    pub(super) value: String,
    #[serde(default)]
    pub(super) form: TenantHeaderForm,
    /// All entries that it may have; empty when they are ids of somebody.
    #[serde(default)]
    pub(super) one_of: Vec<String>,
    /// What each entry begins with.
    #[serde(default)]
    pub(super) prefix: String,
    /// Entries at most.
    #[serde(default = "entries_max")]
    pub(super) max: usize,
    /// A value without which it means nothing.
    pub(super) with: Option<String>,
    /// A value that must not be set beside it.
    pub(super) without: Option<String>,
    pub(super) host: Vec<String>,
}

fn entries_max() -> usize {
    64
}

/// How the entries stand in a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TenantHeaderForm {
    /// With commas between them.
    #[default]
    List,
    /// In base 64 of the JSON that Google wants.
    GoogleResources,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppToml {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) category: AppCategory,
    pub(super) account: AccountModel,
    pub(super) visibility: Visibility,
    pub(super) answer: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HostToml {
    pub(super) exact: Option<String>,
    pub(super) suffix: Option<String>,
    pub(super) pattern: Option<String>,
    pub(super) role: HostRole,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentityToml {
    pub(super) from: String,
    pub(super) proves: AccountKind,
    #[serde(default)]
    pub(super) host: Vec<String>,
    #[serde(default)]
    pub(super) path: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LearnToml {
    pub(super) method: Vec<String>,
    #[serde(default)]
    pub(super) host: Vec<String>,
    pub(super) path: Vec<String>,
    pub(super) from: String,
    pub(super) proves: AccountKind,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointToml {
    pub(super) id: String,
    #[serde(default)]
    pub(super) method: Vec<String>,
    #[serde(default)]
    pub(super) host: Vec<String>,
    pub(super) path: Vec<String>,
    /// Parameters with a glob for their value; `*` means present.
    #[serde(default)]
    pub(super) query: BTreeMap<String, String>,
    /// Header lines with a glob for their value.
    #[serde(default)]
    pub(super) header: BTreeMap<String, String>,
    pub(super) activity: Activity,
    pub(super) role: Option<EndpointRole>,
    pub(super) body: Option<BodyForm>,
    /// Where the upload is named, of which the request is a piece.
    pub(super) session: Option<String>,
    /// Where the offset of the piece stands.
    pub(super) offset: Option<String>,
    /// Where its number stands.
    pub(super) number: Option<String>,
    /// Where its name stands.
    pub(super) part: Option<String>,
    /// Names of the fields of the body in which a call that completes an upload lists its pieces.
    #[serde(default)]
    pub(super) parts: Vec<String>,
    /// Names of the fields of the body in which a call that completes uploads names them.
    #[serde(default)]
    pub(super) ends: Vec<String>,
    /// Where the answer to a call that opens an upload names it: `location`, or a pointer into JSON.
    pub(super) named_by: Option<String>,
    pub(super) answer: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShapeToml {
    #[serde(default)]
    pub(super) method: Vec<String>,
    #[serde(default)]
    pub(super) path: Vec<String>,
    #[serde(default)]
    pub(super) query: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) header: BTreeMap<String, String>,
}

/// A request that must be recognised. Zones hold for the accounts that the test of all examples configures.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(test), allow(dead_code, reason = "read by the test of all examples"))]
pub(super) struct ExampleToml {
    pub(super) method: String,
    pub(super) url: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) activity: Activity,
    pub(super) role: Option<EndpointRole>,
    pub(super) zone: Zone,
    pub(super) account: Option<String>,
}

/// A request that must not be recognised as this application.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(test), allow(dead_code, reason = "read by the test of all examples"))]
pub(super) struct CounterExampleToml {
    pub(super) method: String,
    pub(super) url: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) reason: String,
}
