//! Requests and what they are recognised as: the examples of every file, and those that belong to no file.

use super::*;
use crate::destination::catalogue::parse;
use crate::destination::file::{CounterExampleToml, ExampleToml, FileToml};
use crate::destination::{AccountKind, CatalogueFile};
use dlp_core::decision::{AppCategory, Visibility};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The accounts that the examples of all files take for the organisation's.
fn example_tenancy() -> Tenancy {
    let list = |entries: &[&str]| entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>();
    Tenancy {
        sharepoint: list(&["contoso"]),
        entra_tenants: list(&["11111111-2222-3333-4444-555555555555"]),
        google_domains: list(&["corp.example"]),
        dropbox_teams: list(&["dbtid:corp"]),
        box_enterprises: list(&["contoso", "4711"]),
        s3_buckets: list(&["corp-backup"]),
        aws_accounts: list(&["111122223333"]),
        aws_key_accounts: Vec::new(),
        azure_accounts: list(&["corpstore"]),
        gcp_buckets: list(&["corp-bucket"]),
        b2_buckets: list(&["b2corp"]),
        github_owners: list(&["contoso"]),
        hosts: list(&[
            "corp.example",
            "contoso.egnyte.com",
            "contoso.sharefile.com",
            "contoso.quatrix.it",
            "contoso.files.com",
        ]),
    }
}

fn header_map(headers: &BTreeMap<String, String>) -> HeaderMap {
    let line = |(name, value): (&String, &String)| {
        (HeaderName::try_from(name).expect("header name"), HeaderValue::try_from(value).expect("header value"))
    };
    headers.iter().map(line).collect()
}

fn classify(tenancy: &Tenancy, method: &str, url: &str, headers: &[(&str, &str)]) -> Classified {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    static BUILTIN: OnceLock<Catalogue> = OnceLock::new();
    let catalogue = BUILTIN.get_or_init(Catalogue::builtin);
    classify_with(catalogue, tenancy, (method, url, &header_map(&headers)), &[])
}

fn classify_with(
    catalogue: &Catalogue,
    tenancy: &Tenancy,
    (method, url, headers): (&str, &str, &HeaderMap),
    learnt: &[Evidence],
) -> Classified {
    let (_, rest) = url.split_once("://").expect("absolute URL");
    let at = rest.find('/').unwrap_or(rest.len());
    let (host, target) = rest.split_at(at);
    catalogue.classify(&RequestHead { method, host, target, headers, learnt }, tenancy)
}

fn builtin_files() -> Vec<(&'static str, FileToml)> {
    let read = |(id, text): &(&'static str, &'static str)| {
        let file = CatalogueFile { name: id, text };
        (*id, parse(file).unwrap_or_else(|error| panic!("{error}")))
    };
    dlp_patterns::destinations().iter().map(read).collect()
}

#[test]
fn every_example_of_every_file_is_recognised() {
    let (catalogue, tenancy) = (Catalogue::builtin(), example_tenancy());
    for (id, file) in builtin_files() {
        for example in file.example {
            check_example(&catalogue, &tenancy, id, &example.into_inner());
        }
        for example in file.counter_example {
            let CounterExampleToml { method, url, headers, reason } = example.into_inner();
            let found = classify_with(&catalogue, &tenancy, (&method, &url, &header_map(&headers)), &[]);
            assert_ne!(found.destination.app.as_deref(), Some(id), "{method} {url}: {reason}");
            assert_ne!(found.destination.zone, Zone::Corporate, "{method} {url}: {reason}");
        }
    }
}

fn check_example(catalogue: &Catalogue, tenancy: &Tenancy, id: &str, example: &ExampleToml) {
    let ExampleToml { method, url, headers, activity, role, zone, account } = example;
    let found = classify_with(catalogue, tenancy, (method, url, &header_map(headers)), &[]);
    let found_role = found.endpoint.as_ref().and_then(|endpoint| endpoint.role);
    let destination = &found.destination;
    let place = format!("{id}: {method} {url}");
    assert_eq!(destination.app.as_deref(), Some(id), "{place}");
    assert_eq!((found.activity, found_role, destination.zone), (*activity, *role, *zone), "{place}: {found:?}");
    assert_eq!(destination.account, *account, "{place}");
}

#[test]
fn every_file_states_what_a_reviewer_needs() {
    for (id, file) in builtin_files() {
        assert_eq!(file.app.id, id, "the file is named after the application");
        assert!(!file.host.is_empty() || !file.shape.is_empty(), "{id}: no host and no shape can never match");
        assert!(!file.example.is_empty() && !file.counter_example.is_empty(), "{id}: examples of both kinds");
        let refuses_companies = file.app.visibility == Visibility::Opaque && file.app.account == AccountModel::Business;
        assert!(!refuses_companies, "{id}: opaque and for companies only would never be let through");
    }
}

#[test]
fn the_applications_of_the_mission_are_listed() {
    let catalogue = Catalogue::builtin();
    let rows = [
        ("www.dropbox.com", "dropbox", Visibility::Clear, Zone::Personal),
        ("drive.google.com", "google-drive", Visibility::Clear, Zone::Personal),
        ("api.onedrive.com", "onedrive", Visibility::Clear, Zone::Personal),
        ("contoso-my.sharepoint.com", "sharepoint", Visibility::Clear, Zone::Unknown),
        ("upload.box.com", "box", Visibility::Clear, Zone::Personal),
        ("b.s3.eu-west-1.amazonaws.com", "amazon-s3", Visibility::Clear, Zone::Unknown),
        ("wetransfer.com", "wetransfer", Visibility::Clear, Zone::Personal),
        ("g.api.mega.co.nz", "mega", Visibility::Opaque, Zone::Personal),
    ];
    for (host, app, visibility, zone) in rows {
        let destination = catalogue.destination_of_host(host, &Tenancy::default());
        assert_eq!(destination.app.as_deref(), Some(app), "{host}");
        assert_eq!((destination.visibility, destination.zone), (visibility, zone), "{host}");
    }
}

type Lines<'a> = &'a [(&'a str, &'a str)];

#[test]
fn unlisted_hosts_are_unknown_and_judged_by_method_and_body() {
    let form = ("content-type", "application/x-www-form-urlencoded");
    let rows: &[(&str, &str, Lines<'_>, Activity, Channel)] = &[
        ("GET", "https://example.net/", &[], Activity::Browse, Channel::ApiUpload),
        ("HEAD", "https://example.net/", &[], Activity::Browse, Channel::ApiUpload),
        ("GET", "https://example.net/", &[("content-length", "0")], Activity::Browse, Channel::ApiUpload),
        ("GET", "https://example.net/", &[("content-length", "5")], Activity::Post, Channel::ApiUpload),
        ("GET", "https://example.net/", &[("transfer-encoding", "chunked")], Activity::Post, Channel::ApiUpload),
        ("DELETE", "https://example.net/a", &[("content-length", "5")], Activity::Post, Channel::ApiUpload),
        ("BREW", "https://example.net/a", &[("content-length", "5")], Activity::Post, Channel::ApiUpload),
        ("PUT", "https://example.net/a", &[], Activity::Upload, Channel::ApiUpload),
        ("put", "https://example.net/a", &[], Activity::Upload, Channel::ApiUpload),
        ("POST", "https://example.net/a", &[form], Activity::Post, Channel::FormPost),
        ("POST", "https://example.net/a", &[("content-type", "application/json")], Activity::Post, Channel::ApiUpload),
        ("POST", "https://example.net/a", &[("content-type", "application/zip")], Activity::Upload, Channel::ApiUpload),
        (
            "POST",
            "https://example.net/a",
            &[("content-type", "multipart/form-data; boundary=x"), ("sec-fetch-mode", "cors")],
            Activity::Upload,
            Channel::WebUpload,
        ),
        ("GET", "https://example.net/a", &[("upgrade", "websocket")], Activity::Post, Channel::Websocket),
        (
            "POST",
            "https://example.net/a",
            &[form, ("x-http-method-override", "PUT")],
            Activity::Upload,
            Channel::FormPost,
        ),
        (
            "POST",
            "https://example.net/a",
            &[form, ("x-http-method-override", "GET")],
            Activity::Post,
            Channel::FormPost,
        ),
        ("POST", "https://example.net/a?$httpMethod=PUT", &[form], Activity::Upload, Channel::FormPost),
        // The shape of a protocol makes nothing harmless on a host that nobody vouches for.
        (
            "DELETE",
            "https://example.net/a",
            &[("tus-resumable", "1.0.0"), ("content-length", "5")],
            Activity::Post,
            Channel::ApiUpload,
        ),
    ];
    for (method, url, headers, activity, channel) in rows {
        let found = classify(&example_tenancy(), method, url, headers);
        assert_eq!((found.activity, found.channel), (*activity, *channel), "{method} {url} {headers:?}");
        assert_eq!(found.destination.zone, Zone::Unknown, "{method} {url}");
    }
    let plain = classify(&example_tenancy(), "PUT", "https://example.net/a", &[]);
    assert_eq!((plain.destination.app, plain.destination.category), (None, AppCategory::Unlisted));
}

#[test]
fn a_private_account_of_a_mixed_application_is_personal_until_a_company_has_one() {
    let url = "https://content.dropboxapi.com/2/files/upload";
    let rows = [(Tenancy::default(), Zone::Personal), (example_tenancy(), Zone::Unknown)];
    for (tenancy, zone) in rows {
        assert_eq!(classify(&tenancy, "POST", url, &[]).destination.zone, zone);
    }
}

#[test]
fn answers_prove_accounts() {
    let catalogue = Catalogue::builtin();
    let tenancy = example_tenancy();
    let who = |method: &str, url: &str| classify(&tenancy, method, url, &[]).learn;
    let rows = [
        ("POST", "https://api.dropboxapi.com/2/users/get_current_account", r#"{"team":{"id":"dbtid:corp"}}"#, true),
        ("POST", "https://api.dropboxapi.com/2/users/get_current_account", r#"{"team":{"id":"dbtid:other"}}"#, false),
        ("GET", "https://api.box.com/2.0/users/me", r#"{"enterprise":{"id":4711}}"#, true),
        (
            "GET",
            "https://www.googleapis.com/drive/v3/about?fields=user",
            r#"{"user":{"emailAddress":"a@corp.example"}}"#,
            true,
        ),
        (
            "GET",
            "https://www.googleapis.com/drive/v3/about",
            r#"{"user":{"emailAddress":"a@corp.example.evil.test"}}"#,
            false,
        ),
        ("GET", "https://www.googleapis.com/oauth2/v3/userinfo", r#"{"hd":"corp.example"}"#, true),
    ];
    for (method, url, body, is_ours) in rows {
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        let learnt: Vec<_> = who(method, url).iter().filter_map(|learn| learn.evidence(&body)).collect();
        assert_eq!(learnt.len(), 1, "{url}");
        let again = classify_with(&catalogue, &tenancy, (method, url, &HeaderMap::new()), &learnt);
        let zone = if is_ours { Zone::Corporate } else { Zone::Unknown };
        assert_eq!(again.destination.zone, zone, "{url} {body}");
    }
    assert!(who("GET", "https://api.dropboxapi.com/2/users/get_current_account").is_empty(), "another method");
    assert!(who("POST", "https://api.dropboxapi.com/x/../2/users/get_current_account").is_empty(), "not plain");
}

#[test]
fn evidence_of_one_application_decides_nothing_for_another() {
    let learnt = [Evidence { kind: AccountKind::DropboxTeam, value: "dbtid:corp".to_owned() }];
    let rows = [
        ("https://content.dropboxapi.com/2/files/upload", Zone::Corporate),
        ("https://upload.box.com/a", Zone::Unknown),
    ];
    for (url, zone) in rows {
        let found = classify_with(&Catalogue::builtin(), &example_tenancy(), ("POST", url, &HeaderMap::new()), &learnt);
        assert_eq!(found.destination.zone, zone, "{url}");
    }
}

#[test]
fn repeated_credentials_prove_nothing() {
    let token = "Bearer e30.eyJ0aWQiOiIxMTExMTExMS0yMjIyLTMzMzMtNDQ0NC01NTU1NTU1NTU1NTUifQ.c2ln";
    let mut headers = HeaderMap::new();
    headers.append("authorization", HeaderValue::from_static(token));
    let url = "https://graph.microsoft.com/v1.0/me/drive/items/1/content";
    let zone = |headers: &HeaderMap| {
        classify_with(&Catalogue::builtin(), &example_tenancy(), ("PUT", url, headers), &[]).destination.zone
    };
    assert_eq!(zone(&headers), Zone::Corporate);
    headers.append("authorization", HeaderValue::from_static("Bearer EwBopaque"));
    assert_eq!(zone(&headers), Zone::Unknown);
}

#[test]
fn refusals_are_shaped_for_the_client() {
    let rows = [
        ("https://content.dropboxapi.com/2/files/upload", Some("dropbox-409")),
        ("https://graph.microsoft.com/v1.0/me/drive/items/1/content", Some("graph-403")),
        ("https://b.s3.amazonaws.com/a", Some("s3-403")),
        ("https://upload.box.com/api/2.0/files/content", Some("box-403")),
        ("https://slack.com/api/chat.update", Some("slack")),
        ("https://files.slack.com/upload/v1/a", Some("problem")),
        ("https://example.net/", None),
    ];
    for (url, answer) in rows {
        assert_eq!(classify(&Tenancy::default(), "PUT", url, &[]).answer.as_deref(), answer, "{url}");
    }
}

#[test]
fn no_look_alike_of_any_listed_host_is_recognised() {
    let catalogue = Catalogue::builtin();
    let app_of = |host: &str| catalogue.destination_of_host(host, &example_tenancy()).app;
    for (id, file) in builtin_files() {
        for host in file.host {
            let host = host.into_inner();
            let (name, is_suffix) = match (&host.exact, &host.suffix) {
                (Some(exact), _) => (exact.clone(), false),
                (_, Some(suffix)) => (suffix.clone(), true),
                _ => continue,
            };
            assert_eq!(app_of(&name).as_deref(), Some(id), "{name}");
            assert_eq!(app_of(&format!("{}.:443", name.to_uppercase())).as_deref(), Some(id), "{name}");
            let look_alikes = [format!("{name}.evil.example"), format!("{}.example", name.replace('.', "-"))];
            for look_alike in look_alikes {
                assert_eq!(app_of(&look_alike), None, "{look_alike}");
            }
            if is_suffix {
                assert_eq!(app_of(&format!("any.sub.{name}")).as_deref(), Some(id), "{name}");
            }
            // Below a longer name the rest may be listed for another reason.
            if name.matches('.').count() == 1 {
                assert_eq!(app_of(&format!("evil{name}")), None, "evil{name}");
                assert_eq!(app_of(&format!("evil-{name}")), None, "evil-{name}");
            }
        }
    }
}

#[test]
fn accounts_of_the_organisation_are_read_from_configuration() {
    let tenancy: Tenancy = toml::from_str("sharepoint = ['contoso']\nhosts = ['corp.example']").expect("tenancy");
    assert_eq!((tenancy.sharepoint.len(), tenancy.hosts.len()), (1, 1));
    let error = toml::from_str::<Tenancy>("sharepiont = ['contoso']").expect_err("misspelt").to_string();
    assert!(error.contains("sharepiont") && error.contains("`sharepoint`"), "{error}");
}

/// A small generator, so that every run tries the same requests.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).expect("below a usize")
    }

    /// The text with a few characters replaced, added or taken away.
    fn damaged(&mut self, text: &str) -> String {
        const ODD: &[char] = &['%', '.', '/', '\\', ':', '?', '#', '&', '=', '2', 'F', 'e', ' ', '\0', 'ż', '{', '*'];
        let mut chars: Vec<char> = text.chars().collect();
        for _ in 0..1 + self.below(4) {
            let (at, odd) = (self.below(chars.len() + 1), ODD[self.below(ODD.len())]);
            match self.below(3) {
                0 => chars.insert(at, odd),
                1 if at < chars.len() => chars[at] = odd,
                _ if at < chars.len() => drop(chars.remove(at)),
                _ => {}
            }
        }
        chars.into_iter().collect()
    }
}

#[test]
fn damaged_requests_are_classified_and_prove_no_account_by_accident() {
    let (catalogue, tenancy, headers) = (Catalogue::builtin(), example_tenancy(), HeaderMap::new());
    let rows = [
        ("s3.eu-central-1.amazonaws.com", "/private-stash/corp-backup/a?X-Amz-Credential=AKIA/2"),
        ("private-stash.s3.amazonaws.com", "/corp-backup/a"),
        ("fabrikam-my.sharepoint.com", "/personal/contoso/_api/web/Files/Add(url='a')"),
        ("storage.googleapis.com", "/upload/storage/v1/b/stash/o?name=corp-bucket"),
        ("dropbox.com.evil.example", "/2/files/upload"),
        ("contoso.egnyte.com.evil.example", "/a/%2e%2e/b"),
    ];
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for _ in 0..500 {
        for (host, target) in rows {
            let target = dice.damaged(target);
            let damaged_host = dice.damaged(host);
            for host in [host, &damaged_host] {
                let head = RequestHead { method: "PUT", host, target: &target, headers: &headers, learnt: &[] };
                let found = catalogue.classify(&head, &tenancy);
                assert_ne!(found.destination.zone, Zone::Corporate, "{host} {target}");
                assert_eq!(found.activity, Activity::Upload, "{host} {target}");
            }
        }
    }
}
