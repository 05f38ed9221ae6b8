//! Fields that tell a service which accounts are the organisation's, so that the service itself turns others away.
//!
//! Which field goes to which hosts is data of the catalogue, what it says is configured. A client's own field of that name,
//! in any spelling that a server could take for it, goes first, or it could widen what the organisation allows; so do its
//! fields of other names that say the same, since a service may listen to those instead.

use super::catalogue::{Catalogue, TenantHeader};
use super::file::TenantHeaderForm;
use crate::config::HostPattern;
use data_encoding::BASE64URL;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::collections::BTreeMap;

/// Values as configured: lists under the names that the catalogue has for them.
pub type RestrictValues = BTreeMap<String, Vec<String>>;

/// Why the values cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("tenant.restrict.{key}: {message}")]
pub struct RestrictError {
    /// The name of the value.
    pub key: String,
    /// Expected and got.
    pub message: String,
}

/// The fields that are set.
#[derive(Clone, Debug, Default)]
pub struct Restrictions {
    fields: Vec<Field>,
    /// What clients may not say themselves: the fields that are set, and those that could stand in for them.
    stripped: Vec<TenantHeader>,
}

#[derive(Clone, Debug)]
struct Field {
    header: TenantHeader,
    content: HeaderValue,
}

impl Restrictions {
    /// Fits the values into the fields of the catalogue.
    ///
    /// # Errors
    /// When a value has no field, is not what its field takes, or lacks or contradicts another.
    pub fn new(catalogue: &Catalogue, values: &RestrictValues) -> Result<Self, RestrictError> {
        let known = || catalogue.tenant_headers();
        for key in values.keys() {
            if !known().any(|header| header.value == *key) {
                let mut names: Vec<&str> = known().map(|header| header.value.as_str()).collect();
                names.sort_unstable();
                let message = format!("expected one of {}", names.join(", "));
                return Err(RestrictError { key: key.clone(), message });
            }
        }
        let field = |header: &TenantHeader| {
            let list = values.get(&header.value)?;
            let content = content_of(header, list, values);
            let error = |message| RestrictError { key: header.value.clone(), message };
            Some(content.map(|content| Field { header: header.clone(), content }).map_err(error))
        };
        let fields: Vec<Field> = known().filter_map(field).collect::<Result<_, _>>()?;
        let stripped = with_related(&fields, &known().collect::<Vec<_>>());
        Ok(Self { fields, stripped })
    }

    /// Puts the fields of a host into a request for it, in place of what the client sent.
    pub(crate) fn apply(&self, host: &str, headers: &mut HeaderMap) {
        let theirs: Vec<HeaderName> =
            headers.keys().filter(|name| self.is_stripped(host, name.as_str())).cloned().collect();
        for name in theirs {
            headers.remove(name);
        }
        for (name, content) in self.of_host(host) {
            headers.insert(name.clone(), content.clone());
        }
    }

    /// The same for a head as it came, all other lines of which stay as they are. None when nothing is to be changed.
    pub(crate) fn apply_to_lines(&self, host: &str, head: &[u8]) -> Option<Vec<u8>> {
        let is_theirs = |line: &&[u8]| {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
            std::str::from_utf8(name).is_ok_and(|name| self.is_stripped(host, name.trim()))
        };
        let lines = head.strip_suffix(b"\r\n")?;
        let kept: Vec<&[u8]> = lines.split_inclusive(|byte| *byte == b'\n').filter(|line| !is_theirs(line)).collect();
        let mut changed = kept.concat();
        for (name, content) in self.of_host(host) {
            changed.extend_from_slice(&[name.as_str().as_bytes(), b": ", content.as_bytes(), b"\r\n"].concat());
        }
        changed.extend_from_slice(b"\r\n");
        (changed != head).then_some(changed)
    }

    fn is_stripped(&self, host: &str, name: &str) -> bool {
        let is_twin = |header: &&TenantHeader| name.replace('_', "-").eq_ignore_ascii_case(header.name.as_str());
        self.stripped.iter().filter(is_twin).any(|header| header.covers(host))
    }

    fn of_host(&self, host: &str) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        let fields = self.fields.iter().filter(move |field| field.header.covers(host));
        fields.map(|field| (&field.header.name, &field.content))
    }

    /// Where nothing can be set, because tunnels to those hosts are not opened.
    #[must_use]
    pub fn gaps(&self, bypassed: &[HostPattern]) -> Vec<String> {
        let gap = |field: &Field| {
            let pattern = bypassed.iter().find(|pattern| field.header.overlaps(pattern))?;
            let (shown, key) = (shown(pattern), &field.header.value);
            Some(format!(
                "bypass.hosts has {shown}, where tenant.restrict.{key} cannot be set: the tunnels are not opened"
            ))
        };
        self.fields.iter().filter_map(gap).collect()
    }
}

/// The fields that are set, with all that are related to them or to each other.
fn with_related(fields: &[Field], known: &[&TenantHeader]) -> Vec<TenantHeader> {
    let is_set = |header: &&TenantHeader| fields.iter().any(|field| field.header.value == header.value);
    let (mut family, mut rest): (Vec<&TenantHeader>, Vec<_>) = known.iter().copied().partition(is_set);
    // Each turn moves at least one, so there are at most as many as there are fields.
    loop {
        let is_related = |header: &&TenantHeader| family.iter().any(|own| own.is_related(header));
        let (related, others): (Vec<&TenantHeader>, Vec<_>) = rest.into_iter().partition(is_related);
        if related.is_empty() {
            return family.into_iter().cloned().collect();
        }
        family.extend(related);
        rest = others;
    }
}

fn shown(pattern: &HostPattern) -> String {
    match pattern {
        HostPattern::Exact(host) => format!("\"{host}\""),
        HostPattern::Below(suffix) => format!("\"*.{suffix}\""),
    }
}

/// The content of a field, or what is wrong with its value.
fn content_of(header: &TenantHeader, list: &[String], values: &RestrictValues) -> Result<HeaderValue, String> {
    if list.is_empty() || list.len() > header.max {
        return Err(format!("expected 1 to {} entries, got {}", header.max, list.len()));
    }
    let is_entry = |entry: &&String| {
        !entry.is_empty() && entry.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b',' | b'"' | b'\\'))
    };
    if let Some(wrong) = list.iter().find(|entry| !is_entry(entry)) {
        return Err(format!(
            "expected ids or names without spaces, commas and quotes, got \"{}\"",
            wrong.escape_debug()
        ));
    }
    if let Some(wrong) = list.iter().find(|entry| !header.one_of.is_empty() && !header.one_of.contains(entry)) {
        return Err(format!("expected one of {}, got \"{wrong}\"", header.one_of.join(", ")));
    }
    if let Some(wrong) = list.iter().find(|entry| !entry.starts_with(&header.prefix) || **entry == header.prefix) {
        return Err(format!("expected an id such as {}..., got \"{wrong}\"", header.prefix));
    }
    if let Some(missing) = header.with.as_ref().filter(|other| !values.contains_key(*other)) {
        return Err(format!("needs tenant.restrict.{missing}"));
    }
    if let Some(other) = header.without.as_ref().filter(|other| values.contains_key(*other)) {
        return Err(format!("cannot stand beside tenant.restrict.{other}"));
    }
    let text = match header.form {
        TenantHeaderForm::List => list.join(","),
        TenantHeaderForm::GoogleResources => {
            BASE64URL.encode(serde_json::json!({ "resources": list, "options": "strict" }).to_string().as_bytes())
        }
    };
    HeaderValue::try_from(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> RestrictValues {
        toml::from_str(text).unwrap()
    }

    fn sent(config: &str, host: &str, own: &[(&'static str, &str)]) -> Vec<(String, String)> {
        let restrictions = Restrictions::new(&Catalogue::builtin(), &values(config)).unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in own {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        restrictions.apply(host, &mut headers);
        let mut all: Vec<_> =
            headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        all.sort();
        all
    }

    #[test]
    fn each_service_gets_its_own_fields_and_no_other() {
        const RESOURCES: &str = "eyJvcHRpb25zIjoic3RyaWN0IiwicmVzb3VyY2VzIjpbIm9yZ2FuaXphdGlvbnMvMTIzIl19";
        type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)]);
        let rows: [Row; 20] = [
            (
                "google_domains = ['corp.example', 'b.example']",
                "mail.google.com",
                &[("x-googapps-allowed-domains", "corp.example,b.example")],
            ),
            ("google_domains = ['corp.example']", "google.com", &[("x-googapps-allowed-domains", "corp.example")]),
            ("google_domains = ['corp.example']", "evilgoogle.com", &[]),
            ("google_domains = ['corp.example']", "google.com.evil.example", &[]),
            (
                "google_resources = ['organizations/123']",
                "storage.googleapis.com",
                &[("x-goog-allowed-resources", RESOURCES)],
            ),
            ("youtube = ['Strict']", "www.youtube.com", &[("youtube-restrict", "Strict")]),
            ("zoom_policy = ['p1']", "acme.zoom.us", &[("x-zoomapps-policy", "p1")]),
            (
                "microsoft_tenants = ['a']\nmicrosoft_context = ['b']",
                "login.microsoftonline.us",
                &[("restrict-access-context", "b"), ("restrict-access-to-tenants", "a")],
            ),
            (
                "microsoft_tenants = ['a', 'b']\nmicrosoft_context = ['a']",
                "login.windows.net",
                &[("restrict-access-context", "a"), ("restrict-access-to-tenants", "a,b")],
            ),
            (
                "microsoft_policy = ['tenant:policy']",
                "login.live.com",
                &[("sec-restrict-tenant-access-policy", "tenant:policy")],
            ),
            (
                "microsoft_consumer = ['restrict-msa']",
                "login.live.com",
                &[("sec-restrict-tenant-access-policy", "restrict-msa")],
            ),
            ("microsoft_consumer = ['restrict-msa']", "login.microsoftonline.com", &[]),
            ("dropbox_teams = ['dbtid:A']", "content.dropboxapi.com", &[("x-dropbox-allowed-team-ids", "dbtid:A")]),
            (
                "slack_requester = ['T1']\nslack_workspaces = ['T1', 'E2']",
                "acme.slack.com",
                &[("x-slack-allowed-workspaces", "T1,E2"), ("x-slack-allowed-workspaces-requester", "T1")],
            ),
            ("github_enterprises = ['1', '2']", "api.github.com", &[("sec-github-allowed-enterprise", "1,2")]),
            ("github_enterprises = ['1']", "gist.github.com", &[]),
            ("chatgpt_workspaces = ['w']", "chatgpt.com", &[("chatgpt-allowed-workspace-id", "w")]),
            ("claude_organizations = ['o']", "claude.ai", &[("anthropic-allowed-org-ids", "o")]),
            ("claude_organizations = ['o']", "chatgpt.com", &[]),
            ("", "mail.google.com", &[]),
        ];
        for (config, host, expected) in rows {
            let got = sent(config, host, &[]);
            let got: Vec<_> = got.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(got, expected, "{config} {host}");
        }
    }

    #[test]
    fn a_clients_own_field_goes_in_every_spelling() {
        let own = [
            ("x-googapps-allowed-domains", "evil.example"),
            ("x-googapps-allowed-domains", "consumer_accounts"),
            ("x_googapps_allowed_domains", "evil.example"),
            ("x-googapps_allowed-domains", "evil.example"),
            ("x-other", "stays"),
        ];
        let expected = [("x-googapps-allowed-domains", "corp.example"), ("x-other", "stays")];
        let got = sent("google_domains = ['corp.example']", "drive.google.com", &own);
        assert_eq!(got, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(sent("google_domains = ['corp.example']", "other.example", &own).len(), own.len());
    }

    #[test]
    fn a_head_as_it_came_keeps_its_other_lines() {
        let config = values("google_domains = ['corp.example']");
        let restrictions = Restrictions::new(&Catalogue::builtin(), &config).unwrap();
        let check = |host: &str, lines: &str, expected: Option<&str>| {
            let on_wire = |text: &str| format!("GET / HTTP/1.1\r\n{text}\r\n").into_bytes();
            let got = restrictions.apply_to_lines(host, &on_wire(lines));
            assert_eq!(got, expected.map(on_wire), "{host} {lines}");
        };
        let set = "x-googapps-allowed-domains: corp.example\r\n";
        check(
            "mail.google.com",
            "Host:  a\r\nX_GoogApps-Allowed-Domains : evil\r\nB: c\r\n",
            Some(&format!("Host:  a\r\nB: c\r\n{set}")),
        );
        check("mail.google.com", "", Some(set));
        check("mail.google.com", set, None);
        check("other.example", "X-GoogApps-Allowed-Domains: evil\r\n", None);
    }

    #[test]
    fn a_client_cannot_say_the_same_in_another_field() {
        let own = [("sec-restrict-tenant-access-policy", "theirs"), ("restrict-access-to-tenants", "theirs")];
        let rows = [
            ("microsoft_tenants = ['a']\nmicrosoft_context = ['a']", "login.microsoftonline.com", 2),
            ("microsoft_tenants = ['a']\nmicrosoft_context = ['a']", "login.live.com", 0),
            ("microsoft_policy = ['a:b']", "login.windows.net", 1),
            ("microsoft_consumer = ['restrict-msa']", "login.microsoft.com", 0),
        ];
        for (config, host, expected) in rows {
            let got = sent(config, host, &own);
            let left = got.iter().filter(|(_, value)| value == "theirs").map(|(name, _)| name.as_str());
            let left: Vec<_> =
                left.filter(|name| *name != "restrict-access-to-tenants" || host != "login.live.com").collect();
            assert!(left.is_empty(), "{config} {host}: {left:?}");
            let set = got.iter().filter(|(_, value)| value != "theirs").count();
            assert_eq!(set, expected, "{config} {host}");
        }
    }

    #[test]
    fn values_that_do_not_fit_are_refused() {
        let rows = [
            ("gogle_domains = ['a']", "tenant.restrict.gogle_domains: expected one of asana_domains, asana_requester"),
            ("google_domains = []", "expected 1 to"),
            ("slack_requester = ['T1', 'T2']\nslack_workspaces = ['T1']", "expected 1 to 1 entries, got 2"),
            ("slack_workspaces = ['T1']", "tenant.restrict.slack_workspaces: needs tenant.restrict.slack_requester"),
            ("microsoft_tenants = ['a']", "needs tenant.restrict.microsoft_context"),
            ("microsoft_policy = ['a:b']\nmicrosoft_consumer = ['restrict-msa']", "cannot stand beside"),
            ("dropbox_teams = ['acme']", "expected an id such as dbtid:..., got \"acme\""),
            ("dropbox_teams = ['dbtid:']", "expected an id such as dbtid:..., got \"dbtid:\""),
            ("youtube = ['strict']", "expected one of Strict, Moderate, got \"strict\""),
            ("google_domains = ['a, b']", "without spaces"),
            ("google_domains = [\"a\\r\\nx: y\"]", "got \"a\\r\\nx: y\""),
        ];
        for (config, expected) in rows {
            let error = Restrictions::new(&Catalogue::builtin(), &values(config)).unwrap_err().to_string();
            assert!(error.contains(expected), "{config}: {error}");
        }
    }

    #[test]
    fn hosts_that_are_not_opened_are_told() {
        let config = values("google_domains = ['corp.example']\nslack_requester = ['T']\nslack_workspaces = ['T']");
        let restrictions = Restrictions::new(&Catalogue::builtin(), &config).unwrap();
        let rows = [
            ("mail.google.com", 1),
            ("*.google.com", 1),
            ("*.mail.google.com", 1),
            ("*.com", 3),
            ("slack.com", 2),
            ("*.bank.example", 0),
            ("192.0.2.1", 0),
        ];
        for (pattern, expected) in rows {
            let config: crate::config::Config = toml::from_str(&format!("bypass.hosts = [\"{pattern}\"]")).unwrap();
            let gaps = restrictions.gaps(&config.bypass.hosts);
            assert_eq!(gaps.len(), expected, "{pattern}: {gaps:?}");
        }
    }
}
