//! The pages that people see: one frame, used by refusals and errors.
//!
//! A page explains in plain words what happened, shows what was found without showing it, and says what to do next.
//! It loads nothing, runs no script, and works on a phone, in dark mode, without colour, and with a screen reader.

use super::Language;
use super::error::GatewayError;
use super::refusal::{Again, Detected, Explain, Refusal};
use super::shape::escaped;

/// Kinds of findings that are listed; the rest is counted.
const FINDINGS_MAX: usize = 12;
/// Masked values that are listed of each kind.
const MASKED_MAX: usize = 3;

/// Colours keep a contrast of at least 4.5 to 1 in both schemes (WCAG 2.2, level AA).
const STYLE: &str = include_str!("page.css");
/// A shield, drawn so that no image has to be loaded.
const MARK: &str = "<svg aria-hidden=\"true\" viewBox=\"0 0 24 24\" width=\"20\" height=\"20\"><path fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.75\" stroke-linejoin=\"round\" d=\"M12 2.75 4.5 5.5v5.75c0 4.6 3.1 8.4 7.5 10 4.4-1.6 7.5-5.4 7.5-10V5.5z\"/></svg>";

/// The page of a refusal.
pub(super) fn refusal(refusal: &Refusal, language: Language) -> String {
    let words = language.words();
    let place = refusal.app.as_deref().unwrap_or(&refusal.host);
    let strong = format!("<strong>{}</strong>", escaped(place));
    let lead = if refusal.findings.is_empty() { words.blocked_place } else { words.blocked_lead };
    let mut main = format!("<p class=\"lead\">{}</p>\n", escaped(lead).replace("{}", &strong));
    main.push_str(&findings(refusal, language));
    // The reasons are written for whoever reads incidents. The list of findings says the same in plain words; without
    // it the first reason is all there is to say.
    if let Some(reason) = refusal.reasons.first().filter(|_| refusal.findings.is_empty()) {
        main.push_str(&section(words.why_heading, &format!("<p>{}</p>\n", escaped(reason))));
    }
    main.push_str(&section(words.next_heading, &next_steps(refusal, language)));
    if let Some(explain) = &refusal.explain {
        main.push_str(&section(words.explain_heading, &explain_form(explain, language)));
    }
    let destination = match &refusal.app {
        Some(app) => format!("{app} ({})", refusal.host),
        None => refusal.host.clone(),
    };
    let details = [
        (words.destination, destination.as_str()),
        (words.rule, &refusal.rule_title),
        (words.incident, &refusal.incident_id),
        (words.time, &refusal.time),
    ];
    main.push_str(&section(words.details_heading, &definition_list(&details)));
    frame(language, words.blocked_title, &main)
}

/// The page of an error of the gateway.
pub(super) fn error(error: &GatewayError, contact: &str, language: Language) -> String {
    let words = language.words();
    let (title, explanation) = error.words(words);
    let mut main = format!("<p class=\"lead\">{}</p>\n<p>{}</p>\n", escaped(explanation), escaped(words.error_lead));
    if !contact.is_empty() {
        main.push_str(&format!("<p>{}</p>\n", contact_sentence(words.ask_about_error, contact)));
    }
    let details = [(words.host, error.host()), (words.code, error.code())];
    main.push_str(&section(words.details_heading, &definition_list(&details)));
    frame(language, title, &main)
}

fn findings(refusal: &Refusal, language: Language) -> String {
    let words = language.words();
    if refusal.findings.is_empty() {
        return String::new();
    }
    let mut items: String =
        refusal.findings.iter().take(FINDINGS_MAX).map(|found| finding(found, words.times)).collect();
    let hidden = refusal.findings.len().saturating_sub(FINDINGS_MAX);
    if hidden > 0 {
        items.push_str(&format!("<li>{}</li>\n", words.more.replace("{}", &hidden.to_string())));
    }
    let list = format!("<ul class=\"found\">\n{items}</ul>\n<p class=\"note\">{}</p>\n", escaped(words.found_note));
    section(words.found_heading, &list)
}

fn finding(found: &Detected, times: &str) -> String {
    let count = times.replace("{}", &found.count.to_string());
    let masked: String =
        found.masked.iter().take(MASKED_MAX).map(|mask| format!(" <code>{}</code>", escaped(mask))).collect();
    let values = if masked.is_empty() { masked } else { format!("<span class=\"values\">{masked}</span>") };
    format!(
        "<li><span class=\"kind\">{}</span> <span class=\"count\">{}</span>{values}</li>\n",
        escaped(&found.title),
        escaped(&count)
    )
}

fn next_steps(refusal: &Refusal, language: Language) -> String {
    let words = language.words();
    let step = if refusal.findings.is_empty() { words.next_place } else { words.next_step };
    let mut steps = format!("<p>{}</p>\n", escaped(step));
    if let Some(url) = refusal.release_url.as_deref().filter(|url| is_web_address(url)) {
        steps.push_str(&format!(
            "<p><a class=\"button\" href=\"{}\">{}</a></p>\n",
            escaped(url),
            escaped(words.release)
        ));
    }
    if !refusal.contact.is_empty() {
        steps.push_str(&format!("<p>{}</p>\n", contact_sentence(words.ask, &refusal.contact)));
    }
    steps
}

/// A field for the reason, whose length is checked where it arrives.
fn explain_form(explain: &Explain, language: Language) -> String {
    let words = language.words();
    let (path, name) = (escaped(&explain.path), escaped(&explain.token));
    let why = explain.again.map(|again| match again {
        Again::TooShort => words.explain_short,
        Again::NotReached => words.explain_not_reached,
    });
    let alert = why.map(|why| format!("<p role=\"alert\">{}</p>\n", escaped(why))).unwrap_or_default();
    let (label, send) = (escaped(words.explain_label), escaped(words.explain_send));
    format!(
        "<form method=\"post\" action=\"{path}\" accept-charset=\"utf-8\">\n\
         <input type=\"hidden\" name=\"token\" value=\"{name}\">\n{alert}<p><label for=\"reason\">{label}</label></p>\n\
         <p><textarea id=\"reason\" name=\"reason\" rows=\"3\" minlength=\"10\" maxlength=\"500\" required></textarea></p>\n\
         <p><button class=\"button\" type=\"submit\">{send}</button></p>\n</form>\n"
    )
}

/// A link may lead to web pages only.
fn is_web_address(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// An address of mail or of a page becomes a link; anything else stays text.
fn contact_sentence(sentence: &str, contact: &str) -> String {
    let text = escaped(contact);
    let is_mail = contact.contains('@') && !contact.contains([' ', '?', '&', '<', ':']);
    let shown = if is_mail {
        format!("<a href=\"mailto:{text}\">{text}</a>")
    } else if is_web_address(contact) && !contact.contains(' ') {
        format!("<a href=\"{text}\">{text}</a>")
    } else {
        format!("<strong>{text}</strong>")
    };
    escaped(sentence).replace("{}", &shown)
}

fn section(heading: &str, content: &str) -> String {
    format!("<section>\n<h2>{}</h2>\n{content}</section>\n", escaped(heading))
}

/// Names and values; pairs without a value are left out.
fn definition_list(pairs: &[(&str, &str)]) -> String {
    let rows: String = pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escaped(name), escaped(value)))
        .collect();
    format!("<dl>\n{rows}</dl>\n")
}

fn frame(language: Language, title: &str, main: &str) -> String {
    let (tag, title, sender) = (language.tag(), escaped(title), escaped(language.words().sender));
    format!(
        "<!doctype html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <p class=\"sender\">{MARK}{sender}</p>\n<h1>{title}</h1>\n{main}</main>\n</body>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// The colours of the light and of the dark scheme.
    fn schemes() -> Vec<HashMap<&'static str, [f64; 3]>> {
        let blocks = STYLE.split(":root {").skip(1).map(|rest| rest.split('}').next().unwrap());
        blocks
            .map(|block| {
                let pairs = block.split(';').filter_map(|pair| pair.trim().split_once(": #"));
                pairs.map(|(name, hex)| (name, channels(hex))).collect()
            })
            .collect()
    }

    fn channels(hex: &str) -> [f64; 3] {
        [0, 2, 4].map(|at| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0)
    }

    /// Relative luminance of WCAG 2.2.
    fn luminance(channels: [f64; 3]) -> f64 {
        let linear = channels.map(|c| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    #[test]
    fn text_has_contrast_in_both_schemes() {
        let schemes = schemes();
        assert_eq!(schemes.len(), 2);
        for scheme in schemes {
            for text in ["--ink", "--soft", "--link", "--mark"] {
                for ground in ["--card", "--tint"] {
                    let (a, b) = (luminance(scheme[text]), luminance(scheme[ground]));
                    let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                    assert!(contrast >= 4.5, "{text} on {ground}: {contrast:.2}");
                }
            }
        }
    }

    #[test]
    fn contacts_become_links_when_they_are_addresses() {
        let rows = [
            ("a@b.example", "<a href=\"mailto:a@b.example\">a@b.example</a>"),
            ("https://help.example", "<a href=\"https://help.example\">https://help.example</a>"),
            ("the help desk, room 4", "<strong>the help desk, room 4</strong>"),
            ("javascript:x@y", "<strong>javascript:x@y</strong>"),
            ("a@b.example?subject=x", "<strong>a@b.example?subject=x</strong>"),
        ];
        for (contact, expected) in rows {
            assert_eq!(contact_sentence("Ask {}.", contact), format!("Ask {expected}."));
        }
    }
}
