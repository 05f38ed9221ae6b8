//! The catalogue: destination files, checked, and an index by host.
//!
//! The most specific entry wins: an exact host, then the longest suffix, then a host pattern, then the shape of the
//! request. Two applications may not claim the same exact host or suffix.

use super::account::{Identity, Learn, templates};
use super::file::{
    AccountModel, AppToml, BodyForm, EndpointRole, EndpointToml, FileToml, HostRole, HostToml, IdentityToml, LearnToml,
    ShapeToml, TenantHeaderForm, TenantHeaderToml,
};
use super::request::{Parsed, compared_host};
use super::session::{SessionPart, SessionRule, SessionWords};
use super::template::{Kind, Template};
use crate::config::HostPattern;
use dlp_core::decision::{Activity, AppCategory, Visibility};
use http::HeaderName;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use thiserror::Error;
use toml::Spanned;

/// Why a destination file cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// The TOML itself is wrong: syntax, an unknown key, a word that is not on the list. The text shows line, column,
    /// a caret and the allowed words.
    #[error("{file}: {message}")]
    Syntax {
        /// Name of the file as the caller gave it.
        file: String,
        /// Rendered excerpt with caret.
        message: String,
    },
    /// The file is readable, but a part of it cannot be used.
    #[error("{file}:{line}: {message}")]
    Part {
        /// Name of the file as the caller gave it.
        file: String,
        /// 1-based line where the part starts.
        line: usize,
        /// What was expected and what was found.
        message: String,
    },
    /// Two applications claim the same hosts.
    #[error("{file}: host `{host}` is claimed by `{app}` and by `{other}`; expected one of them to be more specific")]
    Clash {
        /// Name of the second file.
        file: String,
        /// The host or suffix.
        host: String,
        /// Application of the second file.
        app: String,
        /// Application that claimed it first.
        other: String,
    },
}

/// A destination file.
#[derive(Clone, Copy, Debug)]
pub struct CatalogueFile<'a> {
    /// Name for messages.
    pub name: &'a str,
    /// Its TOML.
    pub text: &'a str,
}

/// All known destinations. Immutable; share it behind an `Arc`.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    apps: Vec<App>,
    exact: HashMap<String, Claim>,
    suffixes: HashMap<String, Claim>,
    patterns: Vec<(Template, Claim)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Claim {
    app: usize,
    role: HostRole,
}

/// One application.
#[derive(Clone, Debug)]
pub(super) struct App {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) category: AppCategory,
    pub(super) account: AccountModel,
    pub(super) visibility: Visibility,
    pub(super) answer: Option<String>,
    pub(super) identities: Vec<Identity>,
    pub(super) learns: Vec<(Conditions, Learn)>,
    pub(super) endpoints: Vec<Endpoint>,
    shapes: Vec<Conditions>,
    tenant_headers: Vec<TenantHeader>,
}

/// A field by which a service is told whose accounts are ours.
#[derive(Clone, Debug)]
pub(super) struct TenantHeader {
    pub(super) name: HeaderName,
    pub(super) value: String,
    pub(super) form: TenantHeaderForm,
    pub(super) one_of: Vec<String>,
    pub(super) prefix: String,
    pub(super) max: usize,
    pub(super) with: Option<String>,
    pub(super) without: Option<String>,
    hosts: Vec<(String, Template)>,
}

impl TenantHeader {
    /// Whether it goes to the host.
    pub(super) fn covers(&self, host: &str) -> bool {
        self.hosts.iter().any(|(_, template)| template.matches(host))
    }

    /// Whether the two say the same thing in other words: one needs or excludes the other.
    pub(super) fn is_related(&self, other: &Self) -> bool {
        let names =
            |one: &Self, other: &Self| [&one.with, &one.without].into_iter().flatten().any(|v| *v == other.value);
        names(self, other) || names(other, self)
    }

    /// Whether any host is of both.
    pub(super) fn overlaps(&self, pattern: &HostPattern) -> bool {
        let overlaps = |(text, template): &(String, Template)| match pattern {
            HostPattern::Exact(host) => template.matches(&host.to_string()),
            HostPattern::Below(suffix) => {
                let own = text.trim_start_matches("**.");
                let is_below = own.strip_suffix(suffix.as_str()).is_some_and(|head| head.ends_with('.'));
                is_below || template.matches(&format!("any.{suffix}"))
            }
        };
        self.hosts.iter().any(overlaps)
    }
}

/// A call that the application is known to offer.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) id: String,
    pub(super) conditions: Conditions,
    pub(super) activity: Activity,
    pub(super) role: Option<EndpointRole>,
    pub(super) body: Option<BodyForm>,
    session: Option<SessionRule>,
    pub(super) parts: Vec<String>,
    pub(super) ends: Vec<String>,
    pub(super) named_by: Option<NamedBy>,
    pub(super) answer: Option<String>,
}

/// Where the answer to a call that opens an upload names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// The field `Location`: the upload is named by its address.
    Location,
    /// This place in the answer's JSON.
    Pointer(String),
}

impl Endpoint {
    /// The piece of an upload that a request to this endpoint brings.
    pub(super) fn session(&self, request: &Parsed<'_>) -> Option<SessionPart> {
        self.session.as_ref()?.read(request, &self.conditions.paths)
    }

    /// Whether it says where uploads are named.
    pub(super) fn names_session(&self) -> bool {
        self.session.is_some()
    }

    /// Whether an upload cannot end without a request that this endpoint recognises as its end.
    pub(super) fn tells_the_end(&self) -> bool {
        self.is_the_end() || self.session.as_ref().is_some_and(SessionRule::states_total)
    }

    /// Whether a call to it ends an upload.
    pub(super) fn is_the_end(&self) -> bool {
        self.role == Some(EndpointRole::Commit) && (self.names_session() || !self.ends.is_empty())
    }
}

/// Conditions on a request head; all must hold, an empty list holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    methods: Vec<String>,
    hosts: Vec<Template>,
    paths: Vec<Template>,
    query: Vec<(String, Glob)>,
    headers: Vec<(String, Glob)>,
}

/// A value in which `*` stands for any run of characters, compared without case.
#[derive(Clone, Debug)]
struct Glob(String);

impl Glob {
    fn matches(&self, text: &str) -> bool {
        let text = text.trim().to_ascii_lowercase();
        let mut pieces = self.0.split('*');
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else { return false };
        let pieces: Vec<_> = pieces.collect();
        let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
        for piece in middle {
            let Some((_, after)) = rest.split_once(piece) else { return false };
            rest = after;
        }
        rest.ends_with(last)
    }
}

impl Conditions {
    pub(super) fn hold(&self, request: &Parsed<'_>, method: &str) -> bool {
        let any = |templates: &[Template], text: &str| {
            templates.is_empty() || templates.iter().any(|template| template.matches(text))
        };
        let header = |(name, glob): &(String, Glob)| {
            let mut lines = request.headers.get_all(name).iter();
            lines.any(|line| line.to_str().is_ok_and(|line| glob.matches(line)))
        };
        let query = |(name, glob): &(String, Glob)| request.query_value(name).is_some_and(|value| glob.matches(&value));
        (self.methods.is_empty() || self.methods.iter().any(|known| known == method))
            && any(&self.hosts, &request.host)
            && any(&self.paths, &request.path.text)
            && self.query.iter().all(query)
            && self.headers.iter().all(header)
    }
}

impl Catalogue {
    /// The destinations that ship with the product.
    #[must_use]
    pub fn builtin() -> Self {
        Self::load(&[]).expect("a test reads every built-in destination file")
    }

    /// The built-in destinations with files of an operator: a file replaces the built-in one of the same `app.id`.
    ///
    /// # Errors
    /// The first mistake, with file, line and what was expected.
    pub fn load(files: &[CatalogueFile<'_>]) -> Result<Self, CatalogueError> {
        let own = files.iter().map(|file| parse(*file).map(|parsed| (*file, parsed)));
        let own: Vec<_> = own.collect::<Result<_, _>>()?;
        let mut catalogue = Self::default();
        for (id, text) in dlp_patterns::destinations() {
            let name = format!("patterns/destination/{id}.toml");
            let file = CatalogueFile { name: &name, text };
            let parsed = parse(file)?;
            if !own.iter().any(|(_, replacing)| replacing.app.id == parsed.app.id) {
                catalogue.add(file, parsed)?;
            }
        }
        for (file, parsed) in own {
            catalogue.add(file, parsed)?;
        }
        Ok(catalogue)
    }

    /// Every field by which a service can be told whose accounts are ours.
    pub(super) fn tenant_headers(&self) -> impl Iterator<Item = &TenantHeader> {
        self.apps.iter().flat_map(|app| &app.tenant_headers)
    }

    /// The application that a host belongs to, with the role of the host.
    pub(super) fn by_host(&self, host: &str) -> Option<(&App, HostRole)> {
        let claim = self.exact.get(host).or_else(|| self.by_suffix(host)).or_else(|| self.by_pattern(host))?;
        Some((&self.apps[claim.app], claim.role))
    }

    fn by_suffix(&self, host: &str) -> Option<&Claim> {
        let borders = std::iter::once(0).chain(host.match_indices('.').map(|(at, _)| at + 1));
        borders.filter_map(|start| self.suffixes.get(&host[start..])).next()
    }

    fn by_pattern(&self, host: &str) -> Option<&Claim> {
        self.patterns.iter().find(|(pattern, _)| pattern.matches(host)).map(|(_, claim)| claim)
    }

    /// The protocol that a request to an unlisted host speaks, as far as its shape tells.
    pub(super) fn by_shape(&self, request: &Parsed<'_>) -> Option<&App> {
        self.apps.iter().find(|app| app.shapes.iter().any(|shape| shape.hold(request, &request.method)))
    }

    fn add(&mut self, file: CatalogueFile<'_>, parsed: FileToml) -> Result<(), CatalogueError> {
        let app = self.apps.len();
        let id = parsed.app.id.clone();
        if self.apps.iter().any(|known| known.id == id) {
            let message = format!("expected each `app.id` once, found `{id}` again");
            return Err(Line { file, start: 0 }.error(message));
        }
        for spanned in parsed.host {
            let line = Line::of(file, &spanned);
            let host = spanned.into_inner();
            self.claim(file, &line, (&id, host), app)?;
        }
        self.apps.push(App::new(
            file,
            parsed.app,
            Parts {
                identities: parsed.identity,
                learns: parsed.learn,
                endpoints: parsed.endpoint,
                shapes: parsed.shape,
                tenant_headers: parsed.tenant_header,
            },
        )?);
        Ok(())
    }

    fn claim(
        &mut self,
        file: CatalogueFile<'_>,
        line: &Line<'_>,
        (id, host): (&str, HostToml),
        app: usize,
    ) -> Result<(), CatalogueError> {
        let claim = Claim { app, role: host.role };
        let (map, name) = match (host.exact, host.suffix, host.pattern) {
            (Some(exact), None, None) => (&mut self.exact, exact),
            (None, Some(suffix), None) => (&mut self.suffixes, suffix),
            (None, None, Some(pattern)) => {
                let template = Template::new(Kind::Host, &pattern).map_err(|message| line.error(message))?;
                self.patterns.push((template, claim));
                return Ok(());
            }
            _ => return Err(line.error("expected exactly one of `exact`, `suffix`, `pattern`".to_owned())),
        };
        if name != compared_host(&name) || name.starts_with('.') || !name.contains('.') || !name.is_ascii() {
            return Err(line.error(format!(
                "expected a host name in lower case, as A-labels, without port and outer dots, found `{name}`"
            )));
        }
        match map.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(claim);
                Ok(())
            }
            Entry::Occupied(entry) => Err(CatalogueError::Clash {
                file: file.name.to_owned(),
                host: entry.key().clone(),
                app: id.to_owned(),
                other: self.apps.get(entry.get().app).map_or(id, |other| &other.id).to_owned(),
            }),
        }
    }
}

/// The tables of a file beside `app` and `host`.
struct Parts {
    identities: Vec<Spanned<IdentityToml>>,
    learns: Vec<Spanned<LearnToml>>,
    endpoints: Vec<Spanned<EndpointToml>>,
    shapes: Vec<Spanned<ShapeToml>>,
    tenant_headers: Vec<Spanned<TenantHeaderToml>>,
}

impl App {
    fn new(file: CatalogueFile<'_>, raw: AppToml, parts: Parts) -> Result<Self, CatalogueError> {
        Ok(Self {
            id: raw.id,
            name: raw.name,
            category: raw.category,
            account: raw.account,
            visibility: raw.visibility,
            answer: raw.answer,
            identities: built(file, parts.identities, |raw| {
                Identity::new(raw.proves, &raw.from, &raw.host, &raw.path)
            })?,
            learns: built(file, parts.learns, learn)?,
            endpoints: built(file, parts.endpoints, endpoint)?,
            shapes: built(file, parts.shapes, shape)?,
            tenant_headers: built(file, parts.tenant_headers, tenant_header)?,
        })
    }
}

fn learn(raw: LearnToml) -> Result<(Conditions, Learn), String> {
    let learn = Learn::new(&raw)?;
    let conditions = Conditions {
        methods: methods(raw.method)?,
        hosts: templates(Kind::Host, &raw.host)?,
        paths: templates(Kind::Path, &raw.path)?,
        ..Conditions::default()
    };
    Ok((conditions, learn))
}

fn endpoint(raw: EndpointToml) -> Result<Endpoint, String> {
    if raw.path.is_empty() {
        return Err(format!("endpoint `{}`: expected at least one `path`", raw.id));
    }
    let conditions = Conditions {
        methods: methods(raw.method)?,
        hosts: templates(Kind::Host, &raw.host)?,
        paths: templates(Kind::Path, &raw.path)?,
        query: globs(raw.query),
        headers: globs(raw.header),
    };
    let EndpointToml { id, activity, role, body, answer, session, offset, number, part, parts, ends, named_by, .. } =
        raw;
    let words = SessionWords {
        session: session.as_deref(),
        offset: offset.as_deref(),
        number: number.as_deref(),
        part: part.as_deref(),
    };
    let wrong = |message: String| format!("endpoint `{id}`: {message}");
    let session = SessionRule::new(words, &conditions.paths).map_err(wrong)?;
    let is_commit = role == Some(EndpointRole::Commit);
    let completes_named = is_commit && session.is_some();
    if !parts.is_empty() && !completes_named {
        return Err(wrong("expected `role = \"commit\"` and `session` beside `parts`".to_owned()));
    }
    let completes_listed = is_commit && session.is_none();
    if !ends.is_empty() && !completes_listed {
        return Err(wrong("expected `role = \"commit\"` and no `session` beside `ends`".to_owned()));
    }
    let named_by = named_by.map(|word| named_by_word(&word, role)).transpose().map_err(wrong)?;
    Ok(Endpoint { id, conditions, activity, role, body, session, parts, ends, named_by, answer })
}

fn named_by_word(word: &str, role: Option<EndpointRole>) -> Result<NamedBy, String> {
    match word {
        _ if role != Some(EndpointRole::Open) => Err("expected `role = \"open\"` beside `named_by`".to_owned()),
        "location" => Ok(NamedBy::Location),
        pointer if pointer.starts_with('/') => Ok(NamedBy::Pointer(pointer.to_owned())),
        _ => Err(format!("expected `location` or a JSON pointer in `named_by`, found `{word}`")),
    }
}

fn tenant_header(raw: TenantHeaderToml) -> Result<TenantHeader, String> {
    let TenantHeaderToml { name, value, form, one_of, prefix, max, with, without, host } = raw;
    let name = HeaderName::try_from(&name).map_err(|_| format!("expected the name of a field, found `{name}`"))?;
    if host.is_empty() || name.as_str().contains('_') {
        return Err(format!("tenant_header `{name}`: expected a name without `_` and at least one `host`"));
    }
    let template = |text: String| Template::new(Kind::Host, &text).map(|template| (text, template));
    let hosts = host.into_iter().map(template).collect::<Result<_, _>>()?;
    Ok(TenantHeader { name, value, form, one_of, prefix, max, with, without, hosts })
}

fn shape(raw: ShapeToml) -> Result<Conditions, String> {
    if raw.method.is_empty() && raw.path.is_empty() && raw.query.is_empty() && raw.header.is_empty() {
        return Err("expected at least one of `method`, `path`, `query`, `header` in `shape`".to_owned());
    }
    Ok(Conditions {
        methods: methods(raw.method)?,
        hosts: Vec::new(),
        paths: templates(Kind::Path, &raw.path)?,
        query: globs(raw.query),
        headers: globs(raw.header),
    })
}

fn methods(words: Vec<String>) -> Result<Vec<String>, String> {
    match words.iter().find(|word| word.is_empty() || !word.bytes().all(|b| b.is_ascii_uppercase())) {
        Some(word) => Err(format!("expected a method in upper case, found `{word}`")),
        None => Ok(words),
    }
}

fn globs(map: std::collections::BTreeMap<String, String>) -> Vec<(String, Glob)> {
    map.into_iter().map(|(name, glob)| (name, Glob(glob.to_ascii_lowercase()))).collect()
}

/// A place in a file for messages.
struct Line<'a> {
    file: CatalogueFile<'a>,
    start: usize,
}

impl<'a> Line<'a> {
    fn of<T>(file: CatalogueFile<'a>, spanned: &Spanned<T>) -> Self {
        Self { file, start: spanned.span().start }
    }

    fn error(&self, message: String) -> CatalogueError {
        let text = self.file.text;
        let line = 1 + text[..self.start.min(text.len())].matches('\n').count();
        CatalogueError::Part { file: self.file.name.to_owned(), line, message }
    }
}

fn built<T, U>(
    file: CatalogueFile<'_>,
    parts: Vec<Spanned<T>>,
    build: impl Fn(T) -> Result<U, String>,
) -> Result<Vec<U>, CatalogueError> {
    let one = |spanned: Spanned<T>| {
        let line = Line::of(file, &spanned);
        build(spanned.into_inner()).map_err(|message| line.error(message))
    };
    parts.into_iter().map(one).collect()
}

pub(super) fn parse(file: CatalogueFile<'_>) -> Result<FileToml, CatalogueError> {
    toml::from_str(file.text)
        .map_err(|error| CatalogueError::Syntax { file: file.name.to_owned(), message: error.to_string() })
}

#[cfg(test)]
mod tests;
