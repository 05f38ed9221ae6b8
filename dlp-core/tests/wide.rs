//! Shapes beyond what is issued: other letters and other lengths behind a known prefix or name count less, and hexadecimal
//! numbers that somebody altered least.

use dlp_core::base::{Cancel, ConfidenceLevel, Limits};
use dlp_core::content::Input;
use dlp_core::inspect::{Collected, Inspector, Job};
use dlp_core::knowledge::generate::generate;
use dlp_core::matching::DetectorSet;

/// Texts with a recipe of the value, the detector that has to find it, and how sure.
const ROWS: &[(&str, &str, &str, ConfidenceLevel)] = &[
    // As issued, with letters of another alphabet, and altered.
    ("{}", "pul-[0-9a-f]{40}", "secret.pulumi.access-token", ConfidenceLevel::High),
    ("{}", "pul-([2-9][A-M][g-m]){13}[2-9]", "secret.pulumi.access-token", ConfidenceLevel::Medium),
    ("{}", "pul-([2-9][A-F][a-f]){13}[2-9]", "secret.pulumi.access-token", ConfidenceLevel::Low),
    ("{}", "pul-[0-9a-f]{39}g", "secret.pulumi.access-token", ConfidenceLevel::Low),
    // Behind its vendor's name, where no prefix tells.
    ("datadog_api_key = \"{}\"", "[0-9a-f]{32}", "secret.datadog.api-key", ConfidenceLevel::Medium),
    ("datadog_api_key = \"{}\"", "([2-9][A-M][g-m]){10}[2-9]n", "secret.datadog.api-key", ConfidenceLevel::Medium),
    // Of another length.
    ("{}", "waka_([2-9][A-M][g-m]){14}", "secret.wakatime.api-key", ConfidenceLevel::High),
    ("{}", "ucat_([2-9][A-M][g-m]){10}", "secret.upcloud.api-token", ConfidenceLevel::Medium),
    // What programs call something.
    ("{}", "ptr_([2-9][A-M][g-m]){12}", "secret.portainer.access-token", ConfidenceLevel::Medium),
    ("shared_{}", "ptr_([2-9][A-M][g-m]){12}", "secret.portainer.access-token", ConfidenceLevel::Low),
    ("{}", "ptr_[a-z]{10}_[a-z]{12}_[a-z]{12}", "secret.portainer.access-token", ConfidenceLevel::Low),
    // Words that name such a value prove no more of it.
    ("scale: use the api key {}", "live_[g-z]{32}", "secret.scale.api-key", ConfidenceLevel::Low),
    ("scaleapi = my_{}", "live_([2-9][A-M][g-m]){10}[2-9]n", "secret.scale.api-key", ConfidenceLevel::Low),
    ("scale: use the api key {}", "live_([2-9][A-F][a-f]){10}[2-9]a", "secret.scale.api-key", ConfidenceLevel::Low),
    ("scaleapi = {}", "live_([2-9][A-M][g-m]){10}[2-9]n", "secret.scale.api-key", ConfidenceLevel::Medium),
    // Behind fixed text, and behind a setting of its vendor where the vendor merely has to be near.
    (
        "https://hooks.zapier.com/hooks/catch/123456/{}",
        "[0-9][A-M]{3}[g-m]{6}",
        "secret.zapier.webhook",
        ConfidenceLevel::Medium,
    ),
    ("airbrake_project_key = \"{}\"", "([2-9][A-M][g-m]){13}[2-9]", "secret.airbrake.api-key", ConfidenceLevel::Medium),
    ("{}", "([2-9][A-F]){16}-us7", "secret.mailchimp.api-key", ConfidenceLevel::Medium),
    // A sum in its end proves a value whatever its letters.
    ("{}", "ghp_[0-9A-Za-z]{36}", "secret.github.pat-classic", ConfidenceLevel::High),
];

#[test]
fn shapes_beyond_what_is_issued_count_less() {
    let inspector = Inspector::new(DetectorSet::builtin().expect("built-in detectors"), Limits::batch());
    let mut scratch = dlp_core::matching::Scratch::new();
    for (text, recipe, id, level) in ROWS {
        let detector = inspector.detectors().detectors().find(|detector| detector.id == *id).expect("a detector");
        let check = detector.validator.as_ref().and_then(|v| dlp_core::knowledge::validators::find(&v.name));
        let value = generate(recipe, 5, check).expect("a recipe");
        let text = text.replace("{}", &value);
        let mut collected = Collected::default();
        let job = Job { name: "example.txt", input: Input::Bytes(text.as_bytes()), cancel: &Cancel::default() };
        inspector.inspect(&mut scratch, job, &mut collected);
        let found: Vec<_> = collected
            .findings
            .iter()
            .map(|finding| (inspector.detectors().detector(finding.detector).id.as_str(), finding.confidence.level()))
            .collect();
        assert!(found.contains(&(*id, *level)), "{recipe}: expected {id} at {level}, found {found:?}");
    }
}
