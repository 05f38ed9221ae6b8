//! Credentials where people put them: the example values of every detector, in each way of writing a setting.
//!
//! Detectors show a few ways themselves. Here the name and the value of an example are taken apart and put into all of
//! them, because a key that is found in JSON and missed in a call is a key that leaks.

use dlp_core::base::{Cancel, ConfidenceLevel, Limits};
use dlp_core::content::Input;
use dlp_core::inspect::{Collected, Inspector, Job};
use dlp_core::knowledge::{Example, builtin_examples, generate::generate, validators};
use dlp_core::matching::{DetectorSet, Scratch};

/// A way of writing a setting.
struct Context {
    name: &'static str,
    /// With `@S` for the name as `ACME_API_KEY`, `@s` as `acme_api_key`, `@k` as `acme-api-key`, `@d` as `acme.api.key`,
    /// `@c` as `acmeApiKey`, `@P` as `AcmeApiKey`, `@H` as `Acme-Api-Key`, and `@@` for the value.
    text: &'static str,
    /// The least share of values that has to be found in it, in percent, and the share at medium confidence or above.
    least: [usize; 2],
}

const fn context(name: &'static str, text: &'static str, found: usize, shown: usize) -> Context {
    Context { name, text, least: [found, shown] }
}

const CONTEXTS: &[Context] = &[
    context("environment file", "@S=@@\n", 91, 89),
    context("quoted environment file", "export @S=\"@@\"\n", 90, 89),
    context("YAML", "app:\n  @s: @@\n  other: 1\n", 90, 89),
    context("YAML block", "@s: |\n  @@\nother: 1\n", 89, 88),
    context("YAML folded block", "app:\n  @c: >-\n    @@\n", 88, 87),
    context("YAML list of variables", "env:\n  - name: @S\n    value: @@\n", 89, 88),
    context("JSON", "{\"@c\": \"@@\", \"other\": 1}\n", 89, 88),
    context("JSON in a string", "{\\\"@s\\\":\\\"@@\\\"}\n", 90, 89),
    context("TOML", "[app]\n@s = \"@@\"\n", 91, 89),
    context("INI", "[app]\n@k = @@\n", 87, 86),
    context("Java properties", "@d=@@\n", 85, 84),
    context("Java option", "java -D@d=@@ -jar app.jar\n", 82, 79),
    context("Java option of a variable", "JAVA_OPTS=\"-Xmx1g -D@c=@@\"\n", 85, 82),
    context("call of a setter", "client.set@P(\"@@\");\n", 85, 84),
    context("call of a setter, simple quotes", "  config->set_@s('@@')\n", 89, 88),
    context("call with a name and a value", "options.put(\"@d\", \"@@\");\n", 85, 84),
    context("builder", "  .@c(\"@@\")\n  .build()\n", 88, 87),
    context("subscript", "os.environ['@S'] = '@@'\n", 90, 89),
    context("named argument", "Client(@s=\"@@\", region=\"eu\")\n", 91, 89),
    context("constant", "private static final String @S = \"@@\";\n", 90, 89),
    context("short declaration", "@c := \"@@\"\n", 89, 88),
    context("hash rocket", "  :@s => '@@',\n", 90, 89),
    context("define", "define('@S', '@@');\n", 90, 89),
    context("XML element", "<config>\n  <@c>@@</@c>\n</config>\n", 88, 87),
    context("XML attribute", "<service @c=\"@@\" region=\"eu\"/>\n", 89, 88),
    context("XML key and value", "<add key=\"@P\" value=\"@@\" />\n", 91, 90),
    context("property list", "<key>@P</key>\n<string>@@</string>\n", 89, 88),
    context("setx", "setx @S @@\n", 86, 85),
    context("setx for the machine", "setx /M @S \"@@\"\n", 86, 85),
    context("PowerShell", "$env:@S = \"@@\"\n", 90, 89),
    context("batch file", "set @S=@@\r\n", 90, 89),
    context("Dockerfile", "FROM scratch\nENV @S @@\n", 90, 89),
    context("Dockerfile with a sign", "FROM scratch\nENV @S=@@\n", 92, 91),
    context("option and value", "tool --@k @@ --verbose\n", 83, 82),
    context("option with a sign", "tool --@k=@@ --verbose\n", 87, 85),
    context("header", "X-@H: @@\r\n", 88, 87),
    context("header of a command", "curl -H 'X-@H: @@' https://api.example.com/\n", 90, 89),
    context("query", "https://api.example.com/v1?@s=@@&page=2\n", 91, 90),
    context("form", "user=ann&@s=@@\n", 90, 89),
    context("CSV", "name,@s\nann,@@\n", 89, 88),
    context("CSV with more columns", "id,name,@s,region\n1,ann,@@,eu\n", 89, 88),
    context("Markdown table", "| name | value |\n|---|---|\n| @S | `@@` |\n", 89, 88),
    context("log", "2026-03-01 12:00:00 INFO using @s=@@ for request\n", 90, 89),
];

/// Each way is tried with every third detector, the next way with the next third.
const DETECTORS_STEP: usize = 3;

#[test]
fn credentials_are_found_in_every_way_of_writing_a_setting() {
    let inspector = Inspector::new(DetectorSet::builtin().expect("built-in detectors"), Limits::batch());
    let settings = settings(&inspector);
    assert!(settings.len() > 1_000, "only {} examples are a name and a value", settings.len());
    let mut scratch = Scratch::new();
    let mut failures = Vec::new();
    for (index, context) in CONTEXTS.iter().enumerate() {
        let mut reached = [0, 0];
        let mut missed = Vec::new();
        let chosen: Vec<_> = settings.iter().skip(index % DETECTORS_STEP).step_by(DETECTORS_STEP).collect();
        for setting in &chosen {
            match best(&inspector, &mut scratch, (setting, &context.fill(setting))) {
                Some(level) => {
                    reached[0] += 1;
                    reached[1] += usize::from(level >= ConfidenceLevel::Medium);
                }
                None => missed.push(setting.detector.as_str()),
            }
        }
        let share = reached.map(|count| count * 100 / chosen.len());
        println!("{:34} {:3} % found, {:3} % shown", context.name, share[0], share[1]);
        if share.iter().zip(context.least).any(|(share, least)| *share < least) {
            failures
                .push(format!("{}: expected {:?} %, found {share:?}; missed: {missed:?}", context.name, context.least));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// An example that is a name and a value.
struct Setting {
    detector: String,
    /// The words of the name, in lower case.
    words: Vec<String>,
    value: String,
}

/// The first such example of each credential.
fn settings(inspector: &Inspector) -> Vec<Setting> {
    let examples = builtin_examples().expect("built-in examples");
    let secrets = examples.iter().filter(|(id, ..)| id.starts_with("secret.") && !id.contains(".generic."));
    secrets.filter_map(|(id, examples, _)| examples.iter().find_map(|e| setting(inspector, id, e))).collect()
}

fn setting(inspector: &Inspector, id: &str, example: &Example) -> Option<Setting> {
    let (before, behind) = example.text.split_once("{{value}}").filter(|_| !example.generate.is_empty())?;
    if !example.finds.is_empty() || before.contains('\n') || behind.trim().len() > 3 {
        return None;
    }
    let name = before.trim_end_matches([' ', '"', '\'', '=', ':', ']', '>', '{']);
    let is_name = |c: &char| c.is_ascii_alphanumeric() || "_-.".contains(*c);
    let name: String = name.chars().rev().take_while(is_name).collect::<Vec<_>>().into_iter().rev().collect();
    let words = words(name.trim_matches(|c: char| !c.is_ascii_alphanumeric()));
    let detector = inspector.detectors().detectors().find(|detector| detector.id == id)?;
    let check = detector.validator.as_ref().and_then(|validator| validators::find(&validator.name));
    let value = generate(&example.generate, 11, check).ok().filter(|value| !value.contains(['\n', ' ', '"']))?;
    (name.len() > 2).then(|| Setting { detector: id.to_owned(), words, value })
}

/// `acmeApiKey`, `ACME_API_KEY`, `acme-api-key` are three words each.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() || (was_small && c.is_ascii_uppercase()) {
            words.push(String::new());
        }
        if c.is_ascii_alphanumeric() {
            words.last_mut().expect("there is one").push(c.to_ascii_lowercase());
        }
        was_small = c.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

impl Context {
    fn fill(&self, Setting { words, value, .. }: &Setting) -> String {
        let capital = |word: &String| word[..1].to_ascii_uppercase() + &word[1..];
        let capitals: Vec<String> = words.iter().map(capital).collect();
        let first = words.first().map_or("", String::as_str);
        self.text
            .replace("@@", value)
            .replace("@S", &words.join("_").to_ascii_uppercase())
            .replace("@s", &words.join("_"))
            .replace("@k", &words.join("-"))
            .replace("@d", &words.join("."))
            .replace("@c", &(first.to_owned() + &capitals[1..].concat()))
            .replace("@P", &capitals.concat())
            .replace("@H", &capitals.join("-"))
    }
}

/// The best confidence of a finding that names what the value opens and holds most of it.
fn best(inspector: &Inspector, scratch: &mut Scratch, (setting, text): (&Setting, &str)) -> Option<ConfidenceLevel> {
    let mut collected = Collected::default();
    let job = Job { name: "example.txt", input: Input::Bytes(text.as_bytes()), cancel: &Cancel::default() };
    inspector.inspect(scratch, job, &mut collected);
    let names_it = |id: &str| id == setting.detector || (id.starts_with("secret.") && !id.contains(".generic."));
    let holds = |found: &[u8]| {
        let found = String::from_utf8_lossy(found);
        setting.value.contains(&*found) || found.contains(&setting.value)
    };
    let named = collected.findings.iter().filter(|finding| {
        names_it(&inspector.detectors().detector(finding.detector).id) && holds(finding.value.expose())
    });
    named.map(|finding| finding.confidence.level()).max()
}
