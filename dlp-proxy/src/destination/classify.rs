//! From a request head to what it is about.

use super::account::{Evidence, Learn, Tenancy};
use super::catalogue::{App, Catalogue, Endpoint, NamedBy};
use super::file::{AccountModel, BodyForm, EndpointRole, HostRole};
use super::request::{Parsed, RequestHead, compared_host};
use super::session::{self, SessionPart};
use dlp_core::decision::{Activity, Channel, Destination, Zone};

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classified {
    /// Where it goes.
    pub destination: Destination,
    /// What it does there.
    pub activity: Activity,
    /// By which road.
    pub channel: Channel,
    /// The call, when the catalogue knows it.
    pub endpoint: Option<EndpointMatch>,
    /// Id of the template in which a refusal is written; `None` leaves it to the protocol.
    pub answer: Option<String>,
    /// The piece of an upload that it brings, or the upload that it is about.
    pub session: Option<SessionPart>,
    /// Whether the service is known by its host, and the end of an upload to it shows.
    pub is_gated: bool,
    /// Whether uploads to the service get their names from answers.
    pub is_named_by_answer: bool,
    /// Within what uploads are named: the application, all of whose hosts are one service, elsewhere the host.
    pub scope: String,
    /// What the answer to this request proves about the account.
    pub learn: Vec<Learn>,
}

/// A call that the catalogue knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointMatch {
    /// Its id in the file of the application.
    pub id: String,
    /// What it means for the transfer it belongs to.
    pub role: Option<EndpointRole>,
    /// How content lies in its body.
    pub body: Option<BodyForm>,
    /// Names of the fields of the body that list the pieces of the upload that it completes.
    pub parts: Vec<String>,
    /// Names of the fields of the body that name uploads that it completes.
    pub ends: Vec<String>,
    /// Where the answer names the upload that it opens.
    pub named_by: Option<NamedBy>,
}

impl EndpointMatch {
    fn of(endpoint: &Endpoint) -> Self {
        let Endpoint { id, role, body, parts, ends, named_by, .. } = endpoint;
        let (parts, ends, named_by) = (parts.clone(), ends.clone(), named_by.clone());
        Self { id: id.clone(), role: *role, body: *body, parts, ends, named_by }
    }
}

impl Catalogue {
    /// Says what a request is about. `tenancy` holds the accounts of the organisation.
    #[must_use]
    pub fn classify(&self, head: &RequestHead<'_>, tenancy: &Tenancy) -> Classified {
        let request = Parsed::new(head);
        let (app, host_role) = match self.by_host(&request.host) {
            Some((app, role)) => (Some(app), Some(role)),
            None => (self.by_shape(&request), None),
        };
        let is_listed = host_role.is_some();
        let endpoint = app.and_then(|app| endpoint_of(app, is_listed, &request));
        let activity = activity_of(&request, host_role, endpoint);
        let account = account_of(app, is_listed, &request, tenancy);
        Classified {
            channel: channel_of(&request, activity),
            destination: destination(app, request.host.clone(), account),
            activity,
            answer: endpoint.and_then(|e| e.answer.clone()).or_else(|| app.and_then(|app| app.answer.clone())),
            session: session_of(&request, activity, endpoint).map(|part| {
                let tells_end = part.tells_end || app.is_some_and(|app| ends_visibly(app, endpoint));
                let ends_by_call = tells_end && app.is_some_and(|app| app.endpoints.iter().any(Endpoint::is_the_end));
                // Of a request that the service has no upload in parts for, its own words prove nothing.
                let is_listed = is_listed && endpoint.is_some_and(Endpoint::names_session);
                SessionPart { tells_end, ends_by_call, is_listed, ..part }
            }),
            is_named_by_answer: app.is_some_and(|app| app.endpoints.iter().any(|endpoint| endpoint.named_by.is_some())),
            is_gated: is_listed && app.is_some_and(|app| app.endpoints.iter().any(Endpoint::tells_the_end)),
            scope: app.filter(|_| is_listed).map_or_else(|| request.host.clone(), |app| app.id.clone()),
            endpoint: endpoint.map(EndpointMatch::of),
            learn: app.map_or_else(Vec::new, |app| learns_of(app, &request)),
        }
    }

    /// The destination as far as its host alone tells, for the moment before a tunnel is opened.
    #[must_use]
    pub fn destination_of_host(&self, host: &str, tenancy: &Tenancy) -> Destination {
        let headers = http::HeaderMap::new();
        let head = RequestHead { method: "CONNECT", host, target: "", headers: &headers, learnt: &[] };
        let request = Parsed::new(&head);
        let app = self.by_host(&request.host).map(|(app, _)| app);
        destination(app, compared_host(host), account_of(app, true, &request, tenancy))
    }
}

/// The session, as the endpoint tells, else by what requests of all kinds say of themselves.
fn session_of(request: &Parsed<'_>, activity: Activity, endpoint: Option<&Endpoint>) -> Option<SessionPart> {
    match endpoint {
        Some(endpoint) if endpoint.names_session() => endpoint.session(request),
        _ if is_passive(activity) => None,
        _ => session::general(request),
    }
}

/// Whether the end of an upload at this endpoint shows: here, or at another endpoint of the application.
fn ends_visibly(app: &App, endpoint: Option<&Endpoint>) -> bool {
    endpoint.is_some_and(|endpoint| endpoint.names_session() && endpoint.body != Some(BodyForm::MultipartForm))
        && app.endpoints.iter().any(Endpoint::tells_the_end)
}

struct Account {
    zone: Zone,
    name: Option<String>,
}

fn destination(app: Option<&App>, host: String, account: Account) -> Destination {
    let mut destination = Destination::unlisted(host);
    destination.zone = account.zone;
    destination.account = account.name;
    if let Some(app) = app {
        destination.app = Some(app.id.clone());
        destination.app_name = Some(app.name.clone());
        destination.category = app.category;
        destination.visibility = app.visibility;
    }
    destination
}

/// The zone, by the first of these that applies: the host is ours; a piece of evidence names an account of ours; the
/// application has private accounts only, or no account of ours was ever configured for one that has both; unknown.
fn account_of(app: Option<&App>, is_listed: bool, request: &Parsed<'_>, tenancy: &Tenancy) -> Account {
    if tenancy.owns_host(&request.host) {
        return Account { zone: Zone::Corporate, name: None };
    }
    // A protocol says nothing about whoever runs the server, and a client chooses what its request looks like.
    let Some(app) = app.filter(|_| is_listed) else { return Account { zone: Zone::Unknown, name: None } };
    let in_request = app.identities.iter().filter_map(|identity| identity.evidence(request));
    let mut evidence: Vec<Evidence> = in_request.collect();
    evidence.extend(request.learnt.iter().filter(|e| proves_for(app, e)).cloned());
    if let Some(own) = evidence.iter().find(|evidence| tenancy.owns(evidence)) {
        return Account { zone: Zone::Corporate, name: Some(own.value.clone()) };
    }
    let zone = match app.account {
        AccountModel::Personal => Zone::Personal,
        AccountModel::Mixed if !could_be_ours(app, tenancy) => Zone::Personal,
        AccountModel::Mixed | AccountModel::Business | AccountModel::SelfHosted => Zone::Unknown,
    };
    Account { zone, name: evidence.into_iter().next().map(|evidence| evidence.value) }
}

/// Whether learnt evidence is of a kind that decides for this application.
fn proves_for(app: &App, evidence: &Evidence) -> bool {
    app.learns.iter().any(|(_, learn)| learn.kind() == evidence.kind)
}

fn could_be_ours(app: &App, tenancy: &Tenancy) -> bool {
    let kinds = app.identities.iter().map(|identity| identity.kind);
    kinds.chain(app.learns.iter().map(|(_, learn)| learn.kind())).any(|kind| tenancy.has_any(kind))
}

fn learns_of(app: &App, request: &Parsed<'_>) -> Vec<Learn> {
    let asked = app.learns.iter().filter(|(conditions, _)| {
        request.path.is_plain && request.method_override.is_none() && conditions.hold(request, &request.method)
    });
    asked.map(|(_, learn)| learn.clone()).collect()
}

/// The first call of the application that fits. A tunnelled method counts, unless it makes the request look harmless.
/// On a host that only speaks the protocol, a body makes every request one that brings content.
fn endpoint_of<'c>(app: &'c App, is_listed: bool, request: &Parsed<'_>) -> Option<&'c Endpoint> {
    let fits = |method: &str| app.endpoints.iter().find(|endpoint| endpoint.conditions.hold(request, method));
    let by_override = request.method_override.as_deref().and_then(fits);
    let found = by_override.filter(|endpoint| !is_passive(endpoint.activity)).or_else(|| fits(&request.method))?;
    // What servers may read in another way, a spelling or a tunnelled method, is no proof of a harmless call.
    let is_plain = request.path.is_plain && request.method_override.is_none() && !request.opens_websocket();
    let is_known = is_listed || !request.has_body();
    (is_plain && is_known || !is_passive(found.activity)).then_some(found)
}

fn is_passive(activity: Activity) -> bool {
    matches!(activity, Activity::Browse | Activity::Download | Activity::Delete | Activity::Login)
}

fn activity_of(request: &Parsed<'_>, host_role: Option<HostRole>, endpoint: Option<&Endpoint>) -> Activity {
    if let Some(endpoint) = endpoint {
        return endpoint.activity;
    }
    if host_role == Some(HostRole::Login) {
        return Activity::Login;
    }
    let by_override = request.method_override.as_deref().map(|method| by_method(request, method, host_role));
    let by_itself = by_method(request, &request.method, host_role);
    match by_override {
        Some(activity) if !is_passive(activity) => activity,
        _ => by_itself,
    }
}

/// What a request of no known call does, by its method and the form of its body.
fn by_method(request: &Parsed<'_>, method: &str, host_role: Option<HostRole>) -> Activity {
    match method {
        "PUT" | "PATCH" => Activity::Upload,
        "POST" if sends_file(request) => Activity::Upload,
        "POST" => Activity::Post,
        "COPY" | "MOVE" | "MKCOL" | "PROPPATCH" | "LOCK" | "ACL" | "MKCALENDAR" => Activity::Edit,
        // A body in any other request is content of unknown purpose; an open connection brings it later.
        _ if request.has_body() || request.opens_websocket() => Activity::Post,
        "DELETE" | "UNLOCK" => Activity::Delete,
        _ if host_role == Some(HostRole::Download) => Activity::Download,
        _ => Activity::Browse,
    }
}

/// Whether the body is likely a file and not a form or a call.
fn sends_file(request: &Parsed<'_>) -> bool {
    let media_type = request.media_type();
    let is_call = matches!(
        media_type.as_str(),
        "" | "application/json" | "application/x-www-form-urlencoded" | "text/plain" | "text/xml" | "application/xml"
    );
    let is_call = is_call || media_type.ends_with("+json") || media_type.ends_with("+xml");
    let names_file = ["content-range", "x-file-name", "x-filename", "upload-offset", "content-disposition"];
    !is_call || names_file.iter().any(|name| request.headers.contains_key(*name))
}

fn channel_of(request: &Parsed<'_>, activity: Activity) -> Channel {
    let media_type = request.media_type();
    let is_browser = request.headers.contains_key("sec-fetch-mode") || request.headers.contains_key("origin");
    match activity {
        Activity::Prompt => Channel::ChatPrompt,
        _ if request.opens_websocket() => Channel::Websocket,
        _ if request.path.text.ends_with("/git-receive-pack") => Channel::GitPush,
        _ if media_type == "application/x-www-form-urlencoded" => Channel::FormPost,
        _ if is_browser => Channel::WebUpload,
        _ => Channel::ApiUpload,
    }
}

#[cfg(test)]
mod tests;
