//! What clients and people get when the gateway answers itself.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use dlp_proxy::answer::{
    Again, AnswerRequest, CertificateTrouble, Detected, Explain, GatewayError, Refusal, error, refusal,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};

fn found(title: &str, count: u64, masked: &[&str]) -> Detected {
    Detected { title: title.to_owned(), count, masked: masked.iter().map(|&mask| mask.to_owned()).collect() }
}

fn sample() -> Refusal {
    Refusal {
        incident_id: "INC-2026-004217".to_owned(),
        rule_title: "Customer data stays in approved storage".to_owned(),
        reasons: vec![
            "14 values that identify customers, 10 or more are not allowed here.".to_owned(),
            "The account at the destination is personal.".to_owned(),
        ],
        findings: vec![
            found("PESEL number", 12, &["*******1458", "*******0032", "*******9917", "*******5555"]),
            found("Payment card number", 2, &["************1881"]),
        ],
        app: Some("Dropbox".to_owned()),
        host: "content.dropboxapi.com".to_owned(),
        contact: "it-security@corp.example".to_owned(),
        template: None,
        release_url: None,
        explain: None,
        time: "2026-03-02T09:14:55Z".to_owned(),
    }
}

fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

fn answer_to(fields: &[(&'static str, &'static str)], what: &Refusal) -> Response<bytes::Bytes> {
    refusal(what, &AnswerRequest { method: &Method::POST, path: "/2/files/upload", headers: &headers(fields) })
}

fn text(response: &Response<bytes::Bytes>) -> String {
    String::from_utf8(response.body().to_vec()).unwrap()
}

fn head_and_body(response: &Response<bytes::Bytes>) -> String {
    let fields: String = response
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    format!("{}\n{fields}\n{}", response.status(), text(response))
}

const NAVIGATION: [(&str, &str); 2] = [("sec-fetch-dest", "document"), ("accept", "text/html")];

#[test]
fn a_person_gets_a_page_in_each_language() {
    for language in ["en", "pl", "de"] {
        let fields = [NAVIGATION[0], NAVIGATION[1], ("accept-language", language)];
        let mut what = sample();
        if language == "de" {
            what.release_url = Some("https://gateway.corp.example/c/abc".to_owned());
        }
        let response = answer_to(&fields, &what);
        assert_eq!(response.status(), 403);
        assert!(response.body().len() > 512);
        insta::assert_snapshot!(format!("page_{language}"), head_and_body(&response));
    }
}

#[test]
fn a_page_without_findings_speaks_of_the_place() {
    let what = Refusal { findings: Vec::new(), app: None, reasons: Vec::new(), ..sample() };
    let page = text(&answer_to(&NAVIGATION, &what));
    assert!(page.contains("<strong>content.dropboxapi.com</strong>"));
    assert!(page.contains("Use a destination that your organisation has approved."));
    assert!(!page.contains("What was found"));
}

#[test]
fn nothing_that_is_shown_can_become_markup() {
    let evil = "<script>alert(1)</script>\"'&";
    let what = Refusal {
        incident_id: evil.to_owned(),
        rule_title: evil.to_owned(),
        reasons: vec![evil.to_owned()],
        findings: vec![found(evil, 1, &[evil])],
        app: Some(evil.to_owned()),
        host: evil.to_owned(),
        contact: evil.to_owned(),
        release_url: Some("javascript:alert(1)".to_owned()),
        explain: Some(Explain {
            path: "/<p>".to_owned(),
            token: "\"><script>".to_owned(),
            again: Some(Again::TooShort),
        }),
        time: evil.to_owned(),
        template: None,
    };
    let page = text(&answer_to(&NAVIGATION, &what));
    assert!(!page.contains("<script") && !page.contains("javascript:"), "{page}");
    for template in ["s3-403", "azure-403", "dav-403", "dropbox-409", "google-403", "problem", "tus-403"] {
        let body = text(&answer_to(&[], &Refusal { template: Some(template.to_owned()), ..what.clone() }));
        let is_json = serde_json::from_str::<serde_json::Value>(&body).is_ok();
        assert!(is_json || !body.contains("<script") || template == "tus-403", "{template}: {body}");
    }
}

#[test]
fn each_destination_gets_its_own_error_format() {
    let names = [
        "dropbox-409",
        "graph-403",
        "sharepoint-403",
        "google-403",
        "box-403",
        "s3-403",
        "azure-403",
        "b2-403",
        "dav-403",
        "tus-403",
        "pcloud",
        "yandex-403",
        "slack",
        "discord-403",
        "telegram-403",
        "github-403",
        "git-err",
        "openai",
        "anthropic",
        "gemini",
        "owa",
        "connect",
        "grpc",
        "problem",
    ];
    let mut all = String::new();
    for name in names {
        let path = if name == "git-err" { "/corp/repo.git/info/refs" } else { "/2/files/upload" };
        let fields = headers(&[]);
        let request = AnswerRequest { method: &Method::POST, path, headers: &fields };
        let response = refusal(&Refusal { template: Some(name.to_owned()), ..sample() }, &request);
        let retried = [401, 407, 408, 425, 429];
        assert!(!retried.contains(&response.status().as_u16()) && response.status().as_u16() < 500, "{name}");
        all.push_str(&format!("== {name}\n{}\n", head_and_body(&response)));
    }
    insta::assert_snapshot!("templates", all);
}

#[test]
fn a_person_gets_the_page_where_programs_get_a_template() {
    for template in ["dropbox-409", "problem", "s3-403"] {
        let what = Refusal { template: Some(template.to_owned()), ..sample() };
        let response = answer_to(&NAVIGATION, &what);
        assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8", "{template}");
        assert_eq!(response.status(), 403, "{template}");
    }
}

#[test]
fn an_unknown_template_falls_back_to_what_the_client_reads() {
    let what = Refusal { template: Some("no-such-template".to_owned()), ..sample() };
    assert_eq!(answer_to(&[], &what).headers()["content-type"], "text/plain; charset=utf-8");
}

#[test]
fn the_end_of_a_dropbox_session_has_its_own_error() {
    let what = Refusal { template: Some("dropbox-409".to_owned()), ..sample() };
    let fields = headers(&[]);
    let path = "/2/files/upload_session/finish";
    let response = refusal(&what, &AnswerRequest { method: &Method::POST, path, headers: &fields });
    let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(body.pointer("/error/path/.tag").unwrap(), "disallowed_name");
}

#[test]
fn other_clients_get_what_they_can_read() {
    let rows: [(&[(&str, &str)], &str); 5] = [
        (&NAVIGATION, "text/html; charset=utf-8"),
        (&[("accept", "application/json")], "application/problem+json"),
        (&[("origin", "https://app.example"), ("accept", "*/*")], "application/problem+json"),
        (&[("accept", "application/xml")], "application/xml; charset=utf-8"),
        (&[("user-agent", "curl/8.5")], "text/plain; charset=utf-8"),
    ];
    let mut all = String::new();
    for (fields, expected) in rows {
        let response = answer_to(fields, &sample());
        assert_eq!(response.headers()["content-type"], expected);
        assert_eq!(response.headers()["content-length"], response.body().len().to_string().as_str());
        if expected != "text/html; charset=utf-8" {
            all.push_str(&format!("{}\n", head_and_body(&response)));
        }
    }
    insta::assert_snapshot!("shapes", all);
}

#[test]
fn scripts_of_pages_may_read_the_answer() {
    let response = answer_to(&[("origin", "https://app.example")], &sample());
    assert_eq!(response.headers()["access-control-allow-origin"], "https://app.example");
    assert_eq!(response.headers()["access-control-allow-credentials"], "true");
    assert_eq!(response.headers()["vary"], "Origin");
    assert!(!answer_to(&[], &sample()).headers().contains_key("access-control-allow-origin"));
}

#[test]
fn head_requests_get_no_body() {
    let response = refusal(&sample(), &AnswerRequest { method: &Method::HEAD, path: "/", headers: &headers(&[]) });
    assert!(response.body().is_empty());
    assert_ne!(response.headers()["content-length"], "0");
}

#[test]
fn errors_of_the_gateway_have_their_status_and_words() {
    let host = || "files.example".to_owned();
    let rows = [
        (GatewayError::BadRequest { status: 400, reason: "host_missing" }, 400),
        (GatewayError::BadRequest { status: 408, reason: "body_stalled" }, 408),
        (
            GatewayError::AuthenticationRequired { realm: "DLP \"gateway\"".to_owned(), schemes: &["Basic", "Bearer"] },
            407,
        ),
        (GatewayError::Forbidden { reason: "not_admin" }, 403),
        (GatewayError::NoAccess { reason: "access_ended" }, 403),
        (GatewayError::PrivateAddress { host: host() }, 403),
        (GatewayError::OutOfReach { host: host(), reason: "port" }, 403),
        (GatewayError::OutOfReach { host: host(), reason: "own_listener" }, 403),
        (GatewayError::Misdirected { host: host() }, 421),
        (GatewayError::HeadTooLarge, 431),
        (GatewayError::UpstreamCertificate { host: host(), trouble: CertificateTrouble::Expired }, 502),
        (GatewayError::UpstreamUnreachable { host: host(), reason: "connect_refused" }, 502),
        (GatewayError::UpstreamTimeout { host: host() }, 504),
        (GatewayError::Internal { reason: "internal" }, 500),
        (GatewayError::Busy { reason: "spool_full" }, 503),
    ];
    let mut all = String::new();
    for (what, status) in rows {
        for fields in [&[("accept", "application/json")][..], &[("accept", "text/xml")], &[]] {
            let request = AnswerRequest { method: &Method::GET, path: "/", headers: &headers(fields) };
            let response = error(&what, "it-security@corp.example", &request);
            assert_eq!(response.status(), status, "{what:?}");
            all.push_str(&format!("{}\n", head_and_body(&response)));
        }
    }
    insta::assert_snapshot!("errors", all);
}

#[test]
fn a_certificate_error_is_a_page_for_people() {
    let what =
        GatewayError::UpstreamCertificate { host: "files.example".to_owned(), trouble: CertificateTrouble::WrongName };
    let fields = headers(&NAVIGATION);
    let response =
        error(&what, "it-security@corp.example", &AnswerRequest { method: &Method::GET, path: "/", headers: &fields });
    assert!(response.body().len() > 512);
    insta::assert_snapshot!("error_page", text(&response));
}

#[test]
fn a_push_is_refused_in_bands_that_git_shows() {
    let fields = headers(&[("content-type", "application/x-git-receive-pack-request"), ("accept", "*/*")]);
    let request = AnswerRequest { method: &Method::POST, path: "/corp/repo.git/git-receive-pack", headers: &fields };
    for template in [Some("git-err".to_owned()), Some("github-403".to_owned()), None] {
        let response = refusal(&Refusal { template, ..sample() }, &request);
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/x-git-receive-pack-result");
        let (mut rest, mut bands) = (&response.body()[..], Vec::new());
        while !rest.starts_with(b"0000") {
            let len = usize::from_str_radix(std::str::from_utf8(&rest[..4]).unwrap(), 16).unwrap();
            bands.push((rest[4], String::from_utf8(rest[5..len].to_vec()).unwrap()));
            rest = &rest[len..];
        }
        assert_eq!(rest, b"0000");
        let report = bands.pop().unwrap();
        assert_eq!(report, (1, "001dunpack refused by policy\n0000".to_owned()));
        assert!(bands.iter().all(|(band, line)| *band == 2 && line.ends_with('\n')), "{bands:?}");
        assert!(bands.len() > 1 && bands[0].1.contains(&sample().incident_id), "{bands:?}");
    }
}
