//! The record keeps no value, and the log keeps every record that it acknowledged.

use super::*;
use dlp_core::base::{Category, Confidence, Limits, ProblemClass, Secret, SensitivityLabel, Severity};
use dlp_core::content::{Completeness, Finding, Location};
use dlp_core::decision::{
    Activity, Actor, ActorKind, AppCategory, Channel, Destination, Inspection, InspectionProblem, Item, Policies,
    SAMPLES_MAX, Summariser, Transfer, TransferHead, Visibility, Zone,
};
use dlp_core::matching::DetectorIndex;
use dlp_detector_format::{Detector, FileId, parse_file};
use jiff::Timestamp;
use proptest::prelude::*;
use std::time::SystemTime;

pub(super) fn now() -> Timestamp {
    "2026-01-20T10:20:30.123456Z".parse().expect("timestamp")
}

fn detector() -> Detector {
    let text = "[[detector]]\nid = 'secret.acme.key'\ntitle = 'Acme key'\ndescription = 'd'\ncategory = 'secret'\n\
                severity = 'critical'\npatterns = ['acme_[0-9a-z]{16}']\nscore = { pattern = 90 }\n\
                examples = [{ text = '{{value}}', generate = 'acme_[0-9a-z]{16}' }]\n\
                counter_examples = [{ text = 'acme_', reason = 'too short' }]\n";
    let read = parse_file(FileId { name: "test", id_prefix: "" }, text).expect("test detector");
    read.into_iter().next().expect("one").detector
}

fn finding(value: &str) -> Finding {
    Finding {
        related: Vec::new(),
        detector: DetectorIndex(0),
        confidence: Confidence::from_points(90),
        reasons: Vec::new(),
        validator: None,
        value: Secret::new(value.as_bytes()),
        context_masked: String::new(),
        cell: None,
        location: Location::default(),
    }
}

fn transfer(values: &[String]) -> Transfer {
    let mut summariser = Summariser::new(&Limits::inline());
    values.iter().for_each(|value| summariser.add(&detector(), &finding(value)));
    Transfer {
        head: TransferHead {
            actor: Actor {
                user: Some("jan".to_owned()),
                groups: vec!["vendors".to_owned()],
                kind: ActorKind::Contractor,
            },
            channel: Channel::ApiUpload,
            destination: Destination {
                app: Some("dropbox".to_owned()),
                app_name: Some("Dropbox".to_owned()),
                category: AppCategory::Storage,
                visibility: Visibility::Clear,
                zone: Zone::Personal,
                account: None,
                host: "content.dropboxapi.com".to_owned(),
            },
            activity: Activity::Upload,
        },
        item: Item {
            names: vec!["a\u{1b}[31m.txt".to_owned()],
            size_bytes: Some(42),
            findings: summariser.finish(),
            inspection: Inspection::complete(),
        },
    }
}

pub(super) fn incident(values: &[String]) -> Incident {
    let transfer = transfer(values);
    let decision = Policies::builtin().decide(&transfer, SystemTime::UNIX_EPOCH);
    let request = RequestFacts {
        method: "POST",
        path: "/2/files/upload?access_token=synthetic-token#part",
        source: Some("10.0.0.7"),
    };
    Incident::new(IncidentId::from_bytes([7; 16]), now(), &transfer, &decision, request)
}

#[test]
fn the_record_has_its_published_form() {
    let found = serde_json::to_value(incident(&["acme_0123456789abcdef".to_owned()])).expect("JSON");
    let expected = serde_json::json!({
        "schema_version": "1.0",
        "record": "incident",
        "incident_id": "inc-070w3ge1r70w3ge1r70w3ge1r7",
        "time": "2026-01-20T10:20:30.123Z",
        "decision": "block",
        "would_decide": "block",
        "policy": "personal-cloud",
        "policy_version": 2,
        "rule": "secrets",
        "title": "Credentials",
        "severity": "critical",
        "fail": null,
        "exceptions": [],
        "reasons": [
            "rule `secrets`: Credentials",
            "secret.acme.key: 1 distinct, confidence high, label confidential",
            "upload to Dropbox (content.dropboxapi.com), zone personal",
            "by contractor jan",
        ],
        "actor": {"user": "jan", "type": "contractor", "groups": ["vendors"], "source": "10.0.0.7"},
        "channel": "api-upload",
        "activity": "upload",
        "destination": {
            "app": "dropbox", "app_name": "Dropbox", "category": "storage", "zone": "personal",
            "account": null, "host": "content.dropboxapi.com",
        },
        "request": {"method": "POST", "path": "/2/files/upload"},
        "item": {"names": ["a\\u{1b}[31m.txt"], "size_bytes": 42},
        "label": "confidential",
        "findings": [{
            "detector": "secret.acme.key", "title": "Acme key", "category": "secret", "severity": "critical",
            "label": "confidential", "tags": [], "count": 1, "unique": 1, "confidence_max": 90,
            "samples_masked": [found["findings"][0]["samples_masked"][0]],
        }],
        "inspection": {"complete": true, "outcome": "complete", "problems": []},
    });
    assert_eq!(found, expected);
    let mask = found["findings"][0]["samples_masked"][0].as_str().expect("mask");
    assert!(mask.starts_with("*****"), "{mask}");
}

#[test]
fn records_are_read_back_as_written() {
    let written = incident(&["acme_0123456789abcdef".to_owned()]);
    let line = serde_json::to_string(&written).expect("JSON");
    assert_eq!(serde_json::from_str::<Incident>(&line).expect("record"), written);
}

#[test]
fn incomplete_inspection_is_stated() {
    let mut transfer = transfer(&[]);
    let problem = InspectionProblem { class: ProblemClass::Encrypted, reason: "zip_aes".to_owned() };
    transfer.item.inspection = Inspection { completeness: Completeness::Encrypted, problems: vec![problem] };
    let decision = Policies::builtin().decide(&transfer, SystemTime::UNIX_EPOCH);
    let request = RequestFacts { method: "PUT", path: "/a", source: None };
    let incident = Incident::new(IncidentId::from_bytes([0; 16]), now(), &transfer, &decision, request);
    assert_eq!(incident.decided.fail.as_deref(), Some("closed"));
    assert!(!incident.inspection.complete);
    assert_eq!(incident.inspection.problems, [Problem { class: "encrypted".to_owned(), reason: "zip_aes".to_owned() }]);
    assert_eq!(incident.label, SensitivityLabel::Public);
}

#[test]
fn names_and_samples_are_bounded() {
    let values: Vec<_> = (0..50).map(|index| format!("acme_0123456789ab{index:04}")).collect();
    let mut transfer = transfer(&values);
    transfer.item.names = (0..50).map(|index| format!("{index}.txt")).collect();
    transfer.item.findings[0].samples_masked = vec!["****".to_owned(); 50];
    let decision = Policies::builtin().decide(&transfer, SystemTime::UNIX_EPOCH);
    let request = RequestFacts { method: "PUT", path: "/a", source: None };
    let incident = Incident::new(IncidentId::from_bytes([0; 16]), now(), &transfer, &decision, request);
    assert_eq!((incident.item.names.len(), incident.findings[0].samples_masked.len()), (20, SAMPLES_MAX));
    assert_eq!((incident.findings[0].count, incident.findings[0].unique), (50, 50));
    assert_eq!((incident.findings[0].category.as_str(), Category::Secret.as_str()), ("secret", "secret"));
    assert_eq!(incident.findings[0].severity, Severity::Critical.as_str());
}

#[test]
fn ids_differ_and_have_one_form() {
    let ids: std::collections::HashSet<_> = (0..100).map(|_| IncidentId::random().expect("random bytes")).collect();
    assert_eq!(ids.len(), 100);
    for id in ids {
        let digits = id.as_str().strip_prefix("inc-").expect("prefix");
        assert!(digits.len() == 26 && digits.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()), "{id}");
    }
    let rows = [([0; 16], "inc-00000000000000000000000000"), ([255; 16], "inc-7zzzzzzzzzzzzzzzzzzzzzzzzz")];
    for (bytes, expected) in rows {
        assert_eq!(IncidentId::from_bytes(bytes).as_str(), expected);
    }
}

proptest! {
    #[test]
    fn no_record_holds_a_value(values in proptest::collection::vec("acme_[0-9a-z]{16}", 1..8)) {
        let line = serde_json::to_string(&incident(&values)).expect("JSON");
        for value in &values {
            prop_assert!(!line.contains(value.as_str()));
            // Not even most of one: a mask shows at most a quarter.
            prop_assert!(!line.contains(&value[value.len() / 2..]), "{value} in {line}");
        }
        prop_assert!(!line.contains("synthetic-token"));
    }
}
