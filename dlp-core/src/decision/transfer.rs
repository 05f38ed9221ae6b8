//! One attempt to move data: who, by which channel, where to, doing what, and what the item holds.

use super::words::words;
use super::{DetectorSummary, classify};
use crate::base::{ProblemClass, SensitivityLabel};
use crate::content::Completeness;

words! {
    /// Working relation of a person.
    ActorKind {
        /// Employed.
        Employee = "employee",
        /// Working under a contract for somebody else.
        Contractor = "contractor",
        /// A program.
        Service = "service",
        /// Not identified, or not in any directory.
        Unknown = "unknown",
    }
}

words! {
    /// The road that data takes.
    Channel {
        /// An upload by a browser.
        WebUpload = "web-upload",
        /// A form.
        FormPost = "form-post",
        /// A call of a program.
        ApiUpload = "api-upload",
        /// Text typed for a model or a chat.
        ChatPrompt = "chat-prompt",
        /// A message on an open connection.
        Websocket = "websocket",
        /// A push to a repository.
        GitPush = "git-push",
        /// A commit on the way into a repository.
        GitCommit = "git-commit",
        /// A file at rest on a share.
        ShareScan = "share-scan",
        /// A run of the command line tool.
        Cli = "cli",
    }
}

words! {
    /// What the request does at its destination.
    Activity {
        /// Looks at something.
        Browse = "browse",
        /// Signs in.
        Login = "login",
        /// Fetches content.
        Download = "download",
        /// Removes something.
        Delete = "delete",
        /// Brings content in.
        Upload = "upload",
        /// Changes content that is already there.
        Edit = "edit",
        /// Opens content to other people.
        Share = "share",
        /// Publishes text, or sends a body of unknown purpose.
        Post = "post",
        /// Asks a model.
        Prompt = "prompt",
        /// Changes settings.
        Admin = "admin",
    }
}

words! {
    /// Whose account stands behind a destination, from trusted to not.
    Zone {
        /// An account of the organisation.
        Corporate = "corporate",
        /// Not known. Policies treat it as personal unless they say otherwise.
        Unknown = "unknown",
        /// A private account, or an application that has only such.
        Personal = "personal",
    }
}

words! {
    /// What a destination is for.
    AppCategory {
        /// Cloud storage.
        Storage = "storage",
        /// Sending files.
        Transfer = "transfer",
        /// Publishing text.
        Paste = "paste",
        /// Code hosting.
        Code = "code",
        /// Package registries.
        Package = "package",
        /// Chat.
        Chat = "chat",
        /// Mail in a browser.
        Webmail = "webmail",
        /// Generative models.
        Genai = "genai",
        /// Other services.
        Saas = "saas",
        /// A host that no catalogue names.
        Unlisted = "unlisted",
    }
}

words! {
    /// How much of the content a gateway can see.
    Visibility {
        /// All of it.
        Clear = "clear",
        /// All of it behind a decodable framing.
        Encoded = "encoded",
        /// Nothing: clients refuse interception.
        Pinned = "pinned",
        /// Nothing: clients encrypt before they send.
        Opaque = "opaque",
    }
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Name, as the identity source spells it; `None` when nobody was identified.
    pub user: Option<String>,
    /// Groups. Without a user they count as missing.
    pub groups: Vec<String>,
    /// Working relation.
    pub kind: ActorKind,
}

impl Actor {
    /// Somebody who was not identified.
    #[must_use]
    pub fn unknown() -> Self {
        Self { user: None, groups: Vec::new(), kind: ActorKind::Unknown }
    }
}

/// Where data goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Catalogue id of the application, for example `dropbox`.
    pub app: Option<String>,
    /// Its name for people.
    pub app_name: Option<String>,
    /// What it is for.
    pub category: AppCategory,
    /// How much of the content can be seen.
    pub visibility: Visibility,
    /// Whose account.
    pub zone: Zone,
    /// The account, tenant or bucket that the request names.
    pub account: Option<String>,
    /// Host name: lower case, without port and trailing dot.
    pub host: String,
}

impl Destination {
    /// A host that no catalogue names.
    #[must_use]
    pub fn unlisted(host: impl Into<String>) -> Self {
        Self {
            app: None,
            app_name: None,
            category: AppCategory::Unlisted,
            visibility: Visibility::Clear,
            zone: Zone::Unknown,
            account: None,
            host: host.into(),
        }
    }
}

/// What is known before any byte of content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferHead {
    /// Who.
    pub actor: Actor,
    /// By which road.
    pub channel: Channel,
    /// Where to.
    pub destination: Destination,
    /// Doing what.
    pub activity: Activity,
}

/// How the inspection of an item ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The worst outcome.
    pub completeness: Completeness,
    /// Everything that went wrong. One outcome can hide another behind it, so both are judged.
    pub problems: Vec<InspectionProblem>,
}

/// One kind of trouble during an inspection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectionProblem {
    /// Kind.
    pub class: ProblemClass,
    /// Machine-readable reason, for example `zip_aes` or the name of a bound.
    pub reason: String,
}

impl Inspection {
    /// Nothing was left out.
    #[must_use]
    pub fn complete() -> Self {
        Self { completeness: Completeness::Complete, problems: Vec::new() }
    }

    /// Whether content went unread. The readings of `ambiguous` items were scanned. Of an `unsupported` item only the
    /// raw bytes were, which say nothing of what an archive without a reader holds: a transfer cannot be taken back, so
    /// here, unlike in a scan, it counts as unread.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        use Completeness::{Ambiguous, Complete, Damaged, Encrypted, Partial, Unsupported};
        match self.completeness {
            Partial | Damaged | Encrypted | Unsupported => true,
            Complete | Ambiguous => {
                self.problems.iter().any(|p| p.class.is_incomplete() || p.class == ProblemClass::Unsupported)
            }
        }
    }
}

/// What moves, without any of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Names that the request gives it. Not trusted.
    pub names: Vec<String>,
    /// Size in bytes, where known.
    pub size_bytes: Option<u64>,
    /// Findings, counted per detector.
    pub findings: Vec<DetectorSummary>,
    /// How the inspection ended.
    pub inspection: Inspection,
}

impl Item {
    /// The label that its findings imply.
    #[must_use]
    pub fn label(&self) -> SensitivityLabel {
        classify(&self.findings).label
    }
}

/// One attempt to move data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// What was known first.
    pub head: TransferHead,
    /// What moves.
    pub item: Item,
}
