//! Policies as tables: files that cannot be used, conditions, stages, exceptions, fail modes, and the built-in pack.

use super::*;
use crate::base::{Category, Confidence, ConfidenceLevel, ProblemClass, SensitivityLabel};
use crate::content::Completeness;
use crate::decision::{
    Activity, Actor, ActorKind, AppCategory, Channel, Destination, DetectorSummary, Inspection, InspectionProblem,
    Item, Places, UniqueValues, Visibility, Zone,
};
use proptest::prelude::*;
use std::time::Duration;

/// 2026-01-20T00:00:00Z.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_768_867_200)
}

fn summary(category: Category, label: SensitivityLabel, level: ConfidenceLevel, unique: u64) -> DetectorSummary {
    let points = match level {
        ConfidenceLevel::Low => 40,
        ConfidenceLevel::Medium => 70,
        ConfidenceLevel::High => 95,
    };
    let mut values = UniqueValues::default();
    (0..unique).for_each(|_| values.add(level));
    DetectorSummary {
        detector: format!("{category}.test.{label}"),
        title: "Test".to_owned(),
        category,
        severity: Severity::High,
        label,
        tags: vec!["gdpr".to_owned()],
        count: unique,
        unique: values,
        confidence_max: Confidence::from_points(points),
        places: Places::default(),
        samples_masked: vec!["****".to_owned()],
    }
}

/// A clean upload by a contractor to a private Dropbox; tests change what they are about.
fn upload() -> Transfer {
    Transfer {
        head: TransferHead {
            actor: Actor {
                user: Some("Jan".to_owned()),
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
            names: vec!["a.txt".to_owned()],
            size_bytes: Some(100),
            findings: Vec::new(),
            inspection: Inspection::complete(),
        },
    }
}

fn with(change: impl FnOnce(&mut Transfer)) -> Transfer {
    let mut transfer = upload();
    change(&mut transfer);
    transfer
}

fn to_zone(zone: Zone) -> impl Fn(&mut Transfer) {
    move |t| t.head.destination.zone = zone
}

fn policy(rules: &str) -> Policy {
    let text = format!("[policy]\nid = 'test'\ntitle = 'Test'\n{rules}");
    Policy::from_toml("test.toml", &text).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn mistakes_are_named_with_their_place() {
    let rule = "[[rule]]\nid = 'a'\ntitle = 'A'\n";
    let exception = |keys: &str| {
        format!("{rule}action = {{ decision = 'block' }}\n[[rule.exception]]\nid = 'ex'\nreason = 'r'\n{keys}")
    };
    let dated = |approved: &str, expires: &str| {
        exception(&format!(
            "requested_by = 'a'\napproved_by = 'b'\napproved_at = {approved}\nexpires_at = {expires}\nwho = {{ users = ['c'] }}"
        ))
    };
    let rows = [
        (format!("{rule}action = {{ decision = 'blokc' }}"), &["test.toml", "line 7", "blokc", "`block`"][..]),
        (
            format!("{rule}action = {{ decision = 'block' }}\nwhen = 1"),
            &["line 8", "unknown field `when`", "`channel`"],
        ),
        (format!("{rule}where = {{ zone = ['personal'] }}\naction = {{ decision = 'block' }}"), &["`zone`", "`zones`"]),
        (format!("{rule}where = {{ zones = ['mine'] }}\naction = {{ decision = 'block' }}"), &["`mine`", "`personal`"]),
        (rule.to_owned(), &["missing field `action`"]),
        (
            format!("{rule}what = {{}}\naction = {{ decision = 'log' }}"),
            &["test.toml:4", "rule `a`", "at least one condition"],
        ),
        (
            format!("{rule}what = {{ unique_min = 0 }}\naction = {{ decision = 'log' }}"),
            &["`unique_min` of at least 1"],
        ),
        (
            format!("{rule}what = {{ unique_min = 9, unique_max = 3 }}\naction = {{ decision = 'log' }}"),
            &["`unique_max` of at least `unique_min` = 9, found 3"],
        ),
        (rule.replace("'a'", "'A b'") + "action = { decision = 'log' }", &["lower-case letters", "`A b`"]),
        (
            format!("{rule}action = {{ decision = 'log' }}\n{rule}action = {{ decision = 'log' }}"),
            &["test.toml:8", "used once"],
        ),
        (
            exception(
                "requested_by = 'a'\napproved_by = 'A'\napproved_at = 2026-01-10T00:00:00Z\nexpires_at = 2026-01-11T00:00:00Z",
            ),
            &["test.toml:8", "exception `ex`", "two different people"],
        ),
        (
            exception(
                "requested_by = 'a'\napproved_by = 'b'\napproved_at = 2026-01-10T00:00:00Z\nexpires_at = 2026-01-11T00:00:00Z",
            ),
            &["at least one condition in `who` or `where`"],
        ),
        (dated("2026-01-10", "2026-01-11T00:00:00Z"), &["time and offset", "2026-01-10"]),
        (dated("2026-01-10T00:00:00Z", "2026-01-09T00:00:00Z"), &["after `approved_at`"]),
        (dated("2026-01-10T00:00:00Z", "2026-06-10T00:00:00Z"), &["at most 90 days"]),
    ];
    for (rules, expected) in rows {
        let text = format!("[policy]\nid = 'test'\ntitle = 'Test'\n{rules}");
        let message = Policy::from_toml("test.toml", &text).expect_err(&rules).to_string();
        for piece in expected {
            assert!(message.contains(piece), "{rules}\nexpected {piece} in\n{message}");
        }
    }
}

/// Whether a rule with these conditions blocks the transfer.
fn check(conditions: &str, transfer: &Transfer, expected: bool) {
    let rules = format!("[[rule]]\nid = 'r'\ntitle = 'R'\n{conditions}\naction = {{ decision = 'block' }}\n");
    let decision = policy(&rules).decide(transfer, now());
    assert_eq!(decision.action == Action::Block, expected, "{conditions}: {decision:?}");
    assert_eq!(decision.rule.is_some(), expected, "{conditions}");
}

#[test]
fn conditions_on_people_and_places() {
    let nobody = with(|t| t.head.actor = Actor::unknown());
    let rows = [
        ("", &upload(), true),
        ("who = { type = ['contractor', 'unknown'] }", &upload(), true),
        ("who = { type = ['employee'] }", &upload(), false),
        ("who = { not_type = ['contractor'] }", &upload(), false),
        ("who = { users = ['JAN'] }", &upload(), true),
        ("who = { users = ['eva'] }", &upload(), false),
        ("who = { not_users = ['eva'] }", &upload(), true),
        ("who = { groups = ['staff', 'Vendors'] }", &upload(), true),
        ("who = { groups_all = ['staff', 'vendors'] }", &upload(), false),
        ("who = { not_groups = ['vendors'] }", &upload(), false),
        ("who = { users = ['jan'] }", &nobody, false),
        ("who = { not_users = ['jan'] }", &nobody, false),
        ("who = { not_groups = ['jan'] }", &nobody, false),
        ("missing = 'match'\nwho = { not_users = ['jan'] }", &nobody, true),
        ("missing = 'match'\nwho = { not_groups = ['jan'] }", &nobody, true),
        ("missing = 'match'\nwho = { users = ['jan'] }", &nobody, false),
        ("where = { zones = ['personal'] }", &upload(), true),
        ("where = { not_zones = ['corporate', 'unknown'] }", &upload(), true),
        ("where = { categories = ['paste'] }", &upload(), false),
        ("where = { apps = ['dropbox'] }", &upload(), true),
        ("where = { not_apps = ['dropbox'] }", &upload(), false),
        ("where = { apps = ['dropbox'], zones = ['corporate'] }", &upload(), false),
        ("where = { hosts = ['dropboxapi.com'] }", &upload(), true),
        ("where = { hosts = ['boxapi.com'] }", &upload(), false),
        ("where = { accounts = ['x'] }", &upload(), false),
        ("where = { not_accounts = ['x'] }", &upload(), false),
        ("where = { visibility = ['opaque'] }", &upload(), false),
        ("channel = { any = ['api-upload'], activities = ['upload'] }", &upload(), true),
        ("channel = { not_any = ['api-upload'] }", &upload(), false),
        ("channel = { not_activities = ['browse'] }", &upload(), true),
    ];
    for (conditions, transfer, expected) in rows {
        check(conditions, transfer, expected);
    }
}

#[test]
fn conditions_on_the_item() {
    use Category::{Finance, Pii};
    use ConfidenceLevel::{High, Low, Medium};
    use SensitivityLabel::{Internal, Regulated};
    let found = with(|t| {
        t.item.findings = vec![
            summary(Finance, Regulated, High, 3),
            summary(Finance, Internal, Medium, 4),
            summary(Pii, Regulated, Low, 50),
        ];
    });
    let rows = [
        ("what = { categories = ['finance'] }", true),
        ("what = { categories = ['secret'] }", false),
        ("what = { categories = ['finance'], unique_min = 7 }", true),
        ("what = { categories = ['finance'], unique_min = 8 }", false),
        ("what = { categories = ['finance'], unique_max = 6 }", false),
        ("what = { categories = ['finance'], unique_max = 7 }", true),
        ("what = { categories = ['finance'], confidence_min = 'high', unique_min = 4 }", false),
        ("what = { categories = ['finance'], label_min = 'confidential', unique_min = 4 }", false),
        ("what = { categories = ['pii'] }", false),
        ("what = { categories = ['pii'], confidence_min = 'low', unique_min = 50 }", true),
        ("what = { not_categories = ['finance'] }", false),
        ("what = { detectors = ['finance.*'], not_detectors = ['*.internal'], unique_min = 4 }", false),
        ("what = { tags = ['gdpr'] }", true),
        ("what = { not_tags = ['gdpr'] }", false),
        ("what = { inspection = 'complete' }", true),
        ("what = { inspection = 'incomplete' }", false),
        ("what = { size_min_bytes = 100, size_max_bytes = 100 }", true),
        ("what = { size_min_bytes = 101 }", false),
        ("what = { size_max_bytes = 99, tags = ['gdpr'] }", false),
    ];
    for (conditions, expected) in rows {
        check(conditions, &found, expected);
    }
    let of_unknown_size = with(|t| t.item.size_bytes = None);
    check("what = { size_max_bytes = 99 }", &of_unknown_size, false);
}

#[test]
fn the_first_rule_that_holds_decides() {
    let rules = "[[rule]]\nid = 'first'\ntitle = 'F'\nwhere = { apps = ['box'] }\naction = { decision = 'allow' }\n\
                 [[rule]]\nid = 'second'\ntitle = 'S'\naction = { decision = 'coach', message = 'why' }\n\
                 [[rule]]\nid = 'third'\ntitle = 'T'\naction = { decision = 'block' }\n";
    let decision = policy(rules).decide(&upload(), now());
    assert_eq!((decision.action, decision.rule.as_deref()), (Action::Coach, Some("second")));
    assert_eq!(decision.message.as_deref(), Some("why"));
    let to_box = with(|t| t.head.destination.app = Some("box".to_owned()));
    assert_eq!(policy(rules).decide(&to_box, now()).action, Action::Allow);
}

#[test]
fn stages_cap_decisions_and_keep_what_would_have_been() {
    let rows = [
        ("monitor", "block", "block", Action::Log),
        ("block", "monitor", "block", Action::Log),
        ("coach", "block", "quarantine", Action::Coach),
        ("coach", "block", "log", Action::Log),
        ("block", "block", "redact", Action::Redact),
        ("monitor", "block", "allow", Action::Log),
    ];
    for (policy_stage, rule_stage, action, expected) in rows {
        let text = format!(
            "[policy]\nid = 'test'\ntitle = 'T'\nstage = '{policy_stage}'\n[[rule]]\nid = 'r'\ntitle = 'R'\n\
             stage = '{rule_stage}'\naction = {{ decision = '{action}' }}\n"
        );
        let decision = Policy::from_toml("test.toml", &text).expect("policy").decide(&upload(), now());
        assert_eq!(decision.action, expected, "{text}");
        assert_eq!(decision.would_decide.as_str(), action, "{text}");
    }
}

#[test]
fn exceptions_count_between_approval_and_expiry_for_whom_they_name() {
    let rules = "[[rule]]\nid = 'r'\ntitle = 'R'\naction = { decision = 'block' }\n[[rule.exception]]\nid = 'ex-1'\n\
                 reason = 'audit'\nrequested_by = 'a'\napproved_by = 'b'\napproved_at = 2026-01-10T00:00:00Z\n\
                 expires_at = 2026-01-20T00:00:00Z\nwho = { users = ['jan'] }\n";
    let second = Duration::from_secs(1);
    let eva = with(|t| t.head.actor.user = Some("eva".to_owned()));
    let rows = [
        (now() - second, upload(), true),
        (now(), upload(), false),
        (now() - Duration::from_secs(10 * 86_400), upload(), true),
        (now() - Duration::from_secs(10 * 86_400) - second, upload(), false),
        (now() - second, eva, false),
    ];
    for (time, transfer, lifted) in rows {
        let decision = policy(rules).decide(&transfer, time);
        let expected = if lifted { (Action::Log, vec!["ex-1".to_owned()]) } else { (Action::Block, Vec::new()) };
        assert_eq!((decision.action, decision.exceptions.clone()), expected, "{time:?} {decision:?}");
        let HeadDecision::Final(head) = policy(rules).decide_head(&transfer.head, time) else { panic!("no content") };
        assert_eq!((head.action, head.exceptions), expected, "{time:?}");
    }
}

#[test]
fn the_strongest_policy_wins_and_all_reasons_are_kept() {
    let one = |id: &str, action: &str| {
        let text = format!(
            "[policy]\nid = '{id}'\ntitle = 'T'\n[[rule]]\nid = 'rule-{id}'\ntitle = 'R'\naction = {{ decision = '{action}' }}\n"
        );
        Policy::from_toml("test.toml", &text).expect("policy")
    };
    let rows = [
        (vec![one("a", "allow"), one("b", "block")], "b", Action::Block),
        (vec![one("a", "block"), one("b", "allow")], "a", Action::Block),
        (vec![one("a", "coach"), one("b", "coach")], "a", Action::Coach),
        (vec![], "personal-cloud", Action::Log),
    ];
    for (policies, winner, action) in rows {
        let set = Policies::new(policies);
        let decision = set.decide(&upload(), now());
        assert_eq!((decision.policy.as_str(), decision.action), (winner, action));
        for policy in set.iter().filter(|policy| policy.id != "personal-cloud") {
            let named = format!("rule-{}", policy.id);
            assert!(decision.reasons.iter().any(|reason| reason.contains(&named)), "{named}: {:?}", decision.reasons);
        }
    }
}

#[test]
fn one_policy_that_needs_content_is_enough_unless_another_blocks() {
    let needs = "[[rule]]\nid = 'c'\ntitle = 'C'\nwhat = { tags = ['gdpr'] }\naction = { decision = 'block' }\n";
    let blocks = "[[rule]]\nid = 'b'\ntitle = 'B'\naction = { decision = 'block' }\n";
    let passes = "[[rule]]\nid = 'p'\ntitle = 'P'\naction = { decision = 'allow' }\n";
    let rows = [
        (vec![needs, passes], None),
        (vec![passes, needs], None),
        (vec![needs, blocks], Some(Action::Block)),
        (vec![blocks, needs], Some(Action::Block)),
        (vec![passes, passes], Some(Action::Allow)),
    ];
    for (rules, expected) in rows {
        let set = Policies::new(rules.iter().map(|rules| policy(rules)).collect());
        let found = match set.decide_head(&upload().head, now()) {
            HeadDecision::Final(decision) => Some(decision.action),
            HeadDecision::Inspect => None,
        };
        assert_eq!(found, expected, "{rules:?}");
    }
}

fn builtin(transfer: &Transfer) -> Decision {
    Policies::builtin().decide(transfer, now())
}

#[test]
fn every_builtin_pack_is_readable() {
    for (id, text) in dlp_patterns::policies() {
        let policy = Policy::from_toml(id, text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(policy.id, *id);
        assert!(policy.hash.starts_with("sha256:") && policy.hash.len() == 71, "{}", policy.hash);
    }
    assert_eq!(Policy::builtin().id, BUILTIN_PACK);
}

#[test]
fn the_builtin_policy_judges_findings() {
    use Category::{Custom, Finance, GovernmentId, Health, Label, Pii, Secret, SourceCode};
    use ConfidenceLevel::{High, Low, Medium};
    use SensitivityLabel::{Confidential, Internal, Public, Regulated};
    let rows = [
        (summary(Secret, Confidential, Medium, 1), Some("secrets")),
        (summary(Secret, Confidential, Low, 100), None),
        (summary(Secret, Internal, High, 1), Some("secrets")),
        (summary(GovernmentId, Regulated, Medium, 1), Some("identifiers")),
        (summary(Finance, Regulated, High, 1), Some("identifiers")),
        (summary(Finance, Internal, High, 100), None),
        (summary(Health, Regulated, Medium, 1), Some("identifiers")),
        (summary(Label, Confidential, Medium, 1), Some("marked-documents")),
        (summary(Label, Internal, High, 5), None),
        (summary(Pii, Regulated, High, 9), None),
        (summary(Pii, Regulated, Medium, 10), Some("contact-lists")),
        (summary(Pii, Regulated, Low, 1_000), None),
        (summary(Pii, Public, High, 1_000), None),
        (summary(SourceCode, Confidential, Medium, 1), Some("company-content")),
        (summary(Custom, Internal, High, 9), None),
    ];
    for (finding, rule) in rows {
        for zone in [Zone::Personal, Zone::Unknown, Zone::Corporate] {
            let mut transfer = with(to_zone(zone));
            transfer.item.findings = vec![finding.clone()];
            let decision = builtin(&transfer);
            let expected = match (zone, rule) {
                (Zone::Corporate, _) => (Action::Log, Some("corporate")),
                (_, Some(rule)) => (Action::Block, Some(rule)),
                (_, None) => (Action::Log, None),
            };
            assert_eq!((decision.action, decision.rule.as_deref()), expected, "{zone} {finding:?}");
            assert_eq!(decision.fail, None);
        }
    }
}

#[test]
fn ten_contacts_of_several_kinds_make_a_list() {
    let mut mail = summary(Category::Pii, SensitivityLabel::Regulated, ConfidenceLevel::High, 6);
    mail.detector = "pii.intl.email".to_owned();
    let mut phone = mail.clone();
    phone.detector = "pii.intl.phone".to_owned();
    phone.unique = UniqueValues { low: 3, medium: 4, high: 0 };
    let transfer = with(|t| t.item.findings = vec![mail, phone]);
    let decision = builtin(&transfer);
    assert_eq!(decision.rule.as_deref(), Some("contact-lists"));
    assert_eq!(
        decision.reasons,
        [
            "rule `contact-lists`: Lists of personal data",
            "pii.intl.email: 6 distinct, confidence high, label regulated",
            "pii.intl.phone: 4 distinct, confidence high, label regulated",
            "upload to Dropbox (content.dropboxapi.com), zone personal",
            "by contractor Jan",
        ]
    );
}

#[test]
fn the_builtin_policy_is_closed_where_content_went_unread() {
    use Completeness::{Ambiguous, Complete, Damaged, Encrypted, Partial, Unsupported};
    let rows = [
        (Complete, None, false),
        (Unsupported, Some(ProblemClass::Unsupported), true),
        (Ambiguous, Some(ProblemClass::Ambiguous), false),
        (Ambiguous, Some(ProblemClass::Unsupported), true),
        (Ambiguous, Some(ProblemClass::Limit), true),
        (Partial, None, true),
        (Damaged, Some(ProblemClass::Damaged), true),
        (Encrypted, Some(ProblemClass::Encrypted), true),
        (Complete, Some(ProblemClass::ParserPanic), true),
        (Complete, Some(ProblemClass::Timeout), true),
    ];
    for (completeness, class, is_incomplete) in rows {
        for zone in [Zone::Personal, Zone::Unknown, Zone::Corporate] {
            let mut transfer = with(to_zone(zone));
            let problems = class.map(|class| InspectionProblem { class, reason: "zip_aes".to_owned() });
            transfer.item.inspection = Inspection { completeness, problems: problems.into_iter().collect() };
            let decision = builtin(&transfer);
            let blocks = is_incomplete && zone != Zone::Corporate;
            assert_eq!(decision.action == Action::Block, blocks, "{zone} {completeness} {class:?}: {decision:?}");
            assert_eq!(decision.fail, blocks.then_some(FailMode::Closed), "{zone} {completeness} {class:?}");
            if blocks {
                assert_eq!(decision.rule.as_deref(), Some("incomplete-inspection"), "no rule found anything");
                assert!(decision.reasons[0].contains("fail mode closed of rule `secrets`"), "{:?}", decision.reasons);
            }
        }
    }
}

#[test]
fn an_incomplete_inspection_does_not_hide_what_was_found() {
    let transfer = with(|t| {
        t.item.findings = vec![summary(Category::Secret, SensitivityLabel::Confidential, ConfidenceLevel::High, 1)];
        t.item.inspection.completeness = Completeness::Encrypted;
    });
    let decision = builtin(&transfer);
    assert_eq!((decision.rule.as_deref(), decision.fail), (Some("secrets"), None));
    assert!(decision.reasons.iter().any(|reason| reason.contains("inspection was incomplete: encrypted")));
}

#[test]
fn the_builtin_policy_decides_from_the_head_where_it_can() {
    let opaque = |t: &mut Transfer| t.head.destination.visibility = Visibility::Opaque;
    let doing = |activity| move |t: &mut Transfer| t.head.activity = activity;
    let rows = [
        (with(opaque), Some((Action::Block, "opaque-destination"))),
        (with(|t| (opaque(t), doing(Activity::Browse)(t)).0), Some((Action::Block, "opaque-destination"))),
        (with(|t| (opaque(t), to_zone(Zone::Unknown)(t)).0), Some((Action::Block, "opaque-destination"))),
        (with(|t| (opaque(t), to_zone(Zone::Corporate)(t)).0), Some((Action::Log, "corporate"))),
        (with(to_zone(Zone::Corporate)), Some((Action::Log, "corporate"))),
        (with(doing(Activity::Browse)), None),
        (with(doing(Activity::Download)), None),
        (with(doing(Activity::Login)), Some((Action::Allow, "no-content"))),
        (with(doing(Activity::Upload)), None),
        (with(doing(Activity::Post)), None),
        (with(doing(Activity::Share)), None),
        (with(doing(Activity::Edit)), None),
        (with(doing(Activity::Prompt)), None),
        (with(|t| t.head.destination = Destination::unlisted("example.net")), None),
    ];
    for (transfer, expected) in rows {
        let found = match Policies::builtin().decide_head(&transfer.head, now()) {
            HeadDecision::Final(decision) => Some((decision.action, decision.rule)),
            HeadDecision::Inspect => None,
        };
        let expected = expected.map(|(action, rule)| (action, Some(rule.to_owned())));
        assert_eq!(found, expected, "{:?}", transfer.head);
    }
}

/// A finding of this detector, in a request to a host that no catalogue names unless an application is given.
fn credential(detector: &str, level: ConfidenceLevel, unique: u64) -> DetectorSummary {
    let found = summary(Category::Secret, SensitivityLabel::Confidential, level, unique);
    DetectorSummary { detector: detector.to_owned(), ..found }
}

/// What a request with credentials leads to: host, activity, size, findings; then action and rule.
type CredentialRow = (&'static str, Activity, u64, Vec<DetectorSummary>, Action, Option<&'static str>);

fn check_credentials(rows: Vec<CredentialRow>) {
    for (host, activity, size, findings, action, rule) in rows {
        let transfer = with(|t| {
            t.head.destination = Destination::unlisted(host);
            t.head.activity = activity;
            t.item.size_bytes = (size != UNKNOWN_SIZE).then_some(size);
            t.item.findings = findings;
        });
        let decision = builtin(&transfer);
        let shown = format!("{host} {activity} {size} {:?}", transfer.item.findings);
        assert_eq!((decision.action, decision.rule.as_deref()), (action, rule), "{shown}\n{:?}", decision.reasons);
    }
}

/// Stands for a size that nobody knows.
const UNKNOWN_SIZE: u64 = u64::MAX;

fn github_token() -> DetectorSummary {
    credential("secret.github.pat-classic", ConfidenceLevel::High, 1)
}

fn jwt(unique: u64) -> DetectorSummary {
    credential("secret.jwt.token", ConfidenceLevel::High, unique)
}

fn card(level: ConfidenceLevel) -> DetectorSummary {
    summary(Category::Finance, SensitivityLabel::Regulated, level, 1)
}

#[test]
fn the_builtin_policy_lets_credentials_go_home() {
    use Action::{Allow, Block, Log};
    use Activity::{Browse, Post, Share, Upload};
    let stripe = || credential("secret.stripe.secret-key", ConfidenceLevel::High, 1);
    let refresh = credential("secret.google.oauth-refresh-token", ConfidenceLevel::High, 1);
    check_credentials(vec![
        ("api.github.com", Post, 200, vec![github_token()], Log, None),
        ("github.com", Browse, 0, vec![github_token()], Allow, Some("no-content")),
        ("github.com", Upload, 200, vec![github_token()], Block, Some("secrets")),
        ("github.com", Share, 200, vec![github_token()], Block, Some("secrets")),
        ("github.com", Post, 70_000, vec![github_token()], Block, Some("secrets")),
        ("github.com", Post, UNKNOWN_SIZE, vec![github_token()], Block, Some("secrets")),
        ("github.com.evil.example", Post, 200, vec![github_token()], Block, Some("secrets")),
        ("evilgithub.com", Post, 200, vec![github_token()], Block, Some("secrets")),
        ("collect.example", Post, 200, vec![github_token()], Block, Some("secrets")),
        ("collect.example", Browse, 0, vec![github_token()], Block, Some("values-in-head")),
        ("github.com", Post, 200, vec![github_token(), stripe()], Block, Some("secrets")),
        ("oauth2.googleapis.com", Post, 300, vec![refresh], Log, None),
        ("api.stripe.com", Post, 300, vec![stripe()], Log, None),
    ]);
}

#[test]
fn the_builtin_policy_lets_people_sign_in() {
    use Action::{Allow, Block, Log};
    use Activity::{Browse, Login, Post, Upload};
    let password = credential("secret.login.pair", ConfidenceLevel::Medium, 1);
    let private_key = credential("secret.private-key.pem", ConfidenceLevel::High, 1);
    let (high, medium) = (card(ConfidenceLevel::High), card(ConfidenceLevel::Medium));
    check_credentials(vec![
        ("login.example", Post, 300, vec![jwt(1)], Log, Some("sign-in")),
        ("login.example", Login, 300, vec![jwt(1)], Allow, Some("no-content")),
        ("login.example", Post, 300, vec![password], Log, Some("sign-in")),
        ("login.example", Post, 20_000, vec![jwt(1)], Block, Some("unnamed-secrets")),
        ("login.example", Post, 300, vec![jwt(5)], Block, Some("unnamed-secrets")),
        ("login.example", Upload, 300, vec![jwt(1)], Block, Some("unnamed-secrets")),
        ("login.example", Browse, 0, vec![jwt(1)], Allow, Some("no-content")),
        ("login.example", Post, 300, vec![private_key], Block, Some("secrets")),
        ("login.example", Post, 300, vec![jwt(1), high.clone()], Block, Some("identifiers")),
        ("shop.example", Browse, 0, vec![medium], Allow, Some("no-content")),
        ("shop.example", Browse, 0, vec![high], Block, Some("values-in-head")),
    ]);
    let to_paste = with(|t| {
        t.head.destination.category = AppCategory::Paste;
        t.head.activity = Post;
        t.item.findings = vec![jwt(1)];
    });
    assert_eq!(builtin(&to_paste).rule.as_deref(), Some("unnamed-secrets"), "a listed destination");
}

#[test]
fn a_home_names_one_provider_and_its_hosts() {
    let rows = [
        ("detectors = []\nhosts = ['a.example']", "at least one entry"),
        ("detectors = ['secret.a.*']\nhosts = []", "at least one entry"),
        ("detectors = ['secret.*']\nhosts = ['a.example']", "one provider"),
        ("detectors = ['*']\nhosts = ['a.example']", "one provider"),
        ("detectors = ['pii.*']\nhosts = ['a.example']", "one provider"),
        ("detectors = ['secret.a.*']", "missing field `hosts`"),
    ];
    for (keys, expected) in rows {
        let text = format!("[policy]\nid = 'test'\ntitle = 'T'\n[[home]]\n{keys}\n");
        let message = Policy::from_toml("test.toml", &text).expect_err(keys).to_string();
        assert!(message.contains(expected), "{keys}: {message}");
    }
}

#[test]
fn every_home_of_the_builtin_policy_has_detectors() {
    let set = crate::matching::DetectorSet::builtin().expect("the built-in detectors compile");
    for home in &Policy::builtin().homes {
        for glob in home.detectors() {
            let is_known = set.detectors().any(|detector| condition::glob_matches(glob, &detector.id));
            assert!(is_known, "no detector matches `{glob}`");
        }
    }
}

fn any_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}

prop_compose! {
    fn any_summary()(
        category in any_of(Category::ALL),
        label in any_of(SensitivityLabel::ALL),
        level in any_of(&[ConfidenceLevel::Low, ConfidenceLevel::Medium, ConfidenceLevel::High]),
        unique in 1u64..15,
        number in 0u8..4,
    ) -> DetectorSummary {
        DetectorSummary { detector: format!("{category}.d{number}"), ..summary(category, label, level, unique) }
    }
}

prop_compose! {
    fn any_transfer()(
        findings in proptest::collection::vec(any_summary(), 0..6),
        zone in any_of(Zone::ALL),
        category in any_of(AppCategory::ALL),
        visibility in any_of(Visibility::ALL),
        activity in any_of(Activity::ALL),
        completeness in any_of(&[Completeness::Complete, Completeness::Partial, Completeness::Ambiguous]),
        kind in any_of(ActorKind::ALL),
    ) -> Transfer {
        with(|t| {
            t.item.findings = findings;
            t.item.inspection.completeness = completeness;
            t.head.destination.zone = zone;
            t.head.destination.category = category;
            t.head.destination.visibility = visibility;
            t.head.activity = activity;
            t.head.actor.kind = kind;
        })
    }
}

proptest! {
    #[test]
    fn more_findings_never_weaken_a_builtin_decision(transfer in any_transfer(), added in any_summary()) {
        let before = builtin(&transfer).action;
        let mut more = transfer.clone();
        more.item.findings.push(added);
        prop_assert!(builtin(&more).action >= before);

        let mut deeper = transfer;
        if let Some(finding) = deeper.item.findings.first_mut() {
            finding.unique.add(ConfidenceLevel::High);
            finding.confidence_max = Confidence::from_points(95);
            prop_assert!(builtin(&deeper).action >= before);
        }
    }

    #[test]
    fn a_final_head_decision_stands_whatever_the_content(transfer in any_transfer()) {
        let policies = Policies::builtin();
        if let HeadDecision::Final(head) = policies.decide_head(&transfer.head, now()) {
            let whole = policies.decide(&transfer, now());
            prop_assert!(whole.action == head.action || whole.fail.is_some(), "{head:?} {whole:?}");
            prop_assert!(whole.action == head.action || head.action < Action::Coach && whole.action == Action::Log);
        }
    }

    #[test]
    fn decisions_repeat_and_explain_themselves(transfer in any_transfer()) {
        let decision = builtin(&transfer);
        prop_assert_eq!(&decision, &builtin(&transfer));
        prop_assert!(!decision.reasons.is_empty());
    }
}
