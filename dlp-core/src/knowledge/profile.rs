//! Profiles: the detectors that a law or a country asks for.

use super::catalogue::glob_matches;
use serde::Deserialize;
use thiserror::Error;

/// States in which European numbers are met: the members of the European Economic Area.
#[rustfmt::skip]
const EUROPEAN: &[&str] = &[
    "at", "be", "bg", "cy", "cz", "de", "dk", "ee", "es", "fi", "fr", "gr", "hr", "hu", "ie", "is", "it", "li", "lt", "lu",
    "lv", "mt", "nl", "no", "pl", "pt", "ro", "se", "si", "sk",
];
/// What every country meets.
const INTERNATIONAL: &[&str] =
    &["pii.intl.*", "finance.iban", "finance.card.*", "health.terms", "health.record-number"];
/// Numbers of patients and doctors, whose ids name no country.
const HEALTH: &[(&str, &[&str])] = &[
    ("au", &["health.ihi", "health.medicare"]),
    ("ca", &["health.ohip"]),
    ("de", &["health.lanr"]),
    ("gb", &["health.nhs"]),
    ("nz", &["health.nhi"]),
    ("us", &["health.dea", "health.mbi", "health.npi"]),
];
/// Other names that people give a profile, and its own.
const ALIASES: &[(&str, &str)] = &[("pci", "pci-dss"), ("uk", "gb"), ("el", "gr")];
/// What none of them asks for.
const TECHNICAL: &[&str] = &["pii.intl.host-name"];

/// A choice of detectors with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What `--profile` takes.
    pub name: String,
    /// For people.
    pub title: String,
    detectors: Vec<String>,
    except: Vec<String>,
    /// How many of the globs, from the first on, are the profile's own and no common ground.
    own: usize,
}

/// Why there is no such profile.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// Nothing has this name.
    #[error("{}: expected {expected}, or a country code of two letters such as pl", if name.is_empty() { "a name is missing" } else { name })]
    Unknown {
        /// The name.
        name: String,
        /// The names that there are.
        expected: String,
    },
    /// The build is broken.
    #[error("{name}: {message}")]
    File {
        /// The profile.
        name: String,
        /// What is wrong with its file.
        message: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileToml {
    title: String,
    #[allow(dead_code, reason = "for readers of the file")]
    description: String,
    detectors: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
}

impl Profile {
    /// The profile with a name: of a law, or of a country by its code.
    ///
    /// # Errors
    /// [`ProfileError::Unknown`] with the names that there are.
    pub fn named(name: &str) -> Result<Self, ProfileError> {
        let name = name.trim().to_ascii_lowercase();
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, name)| (*name).to_owned());
        let name = &alias.unwrap_or(name);
        let known = dlp_patterns::profiles();
        if let Some((_, text)) = known.iter().find(|(known, _)| known == name) {
            return Self::parse(name, text);
        }
        if name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Ok(Self::of_country(name));
        }
        let expected = known.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        Err(ProfileError::Unknown { name: name.to_owned(), expected })
    }

    fn parse(name: &str, text: &str) -> Result<Self, ProfileError> {
        let ProfileToml { title, detectors, except, .. } = toml::from_str(text)
            .map_err(|error| ProfileError::File { name: name.to_owned(), message: error.to_string() })?;
        Ok(Self { name: name.to_owned(), title, own: detectors.len(), detectors, except })
    }

    /// The country's own numbers and accounts, and what is international.
    fn of_country(code: &str) -> Self {
        let health = HEALTH.iter().find(|(country, _)| *country == code).map_or(&[][..], |(_, ids)| *ids);
        let own = [format!("pii.{code}.*"), format!("finance.account.{code}-*")];
        let own: Vec<String> = own.into_iter().chain(health.iter().map(|id| (*id).to_owned())).collect();
        let european: &[&str] = if EUROPEAN.contains(&code) { &["pii.eu.*", "health.ehic"] } else { &[] };
        let common = INTERNATIONAL.iter().chain(european).map(|glob| (*glob).to_owned());
        Self {
            name: code.to_owned(),
            title: format!("Numbers and documents of the country {code}"),
            own: own.len(),
            detectors: own.into_iter().chain(common).collect(),
            except: TECHNICAL.iter().map(|glob| (*glob).to_owned()).collect(),
        }
    }

    /// Whether a detector belongs to it.
    #[must_use]
    pub fn holds(&self, id: &str) -> bool {
        let any = |globs: &[String]| globs.iter().any(|glob| glob_matches(glob, id));
        any(&self.detectors) && !any(&self.except)
    }

    /// Whether a detector is one that the profile has beyond the common ground.
    pub(super) fn is_own(&self, id: &str) -> bool {
        self.detectors.iter().take(self.own).any(|glob| glob_matches(glob, id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::{Catalogue, CatalogueError};

    fn ids(name: &str) -> Vec<String> {
        let mut catalogue = Catalogue::builtin().expect("built-in detectors");
        catalogue.select_with(&[Profile::named(name).expect(name)], &[]).expect(name);
        catalogue.ids().map(str::to_owned).collect()
    }

    #[test]
    fn profiles_hold_what_they_are_for() {
        let rows: &[(&str, &[&str], &[&str])] = &[
            (
                "gdpr",
                &["pii.pl.pesel", "pii.us.ssn", "health.icd-10", "finance.card.pan"],
                &["secret.github.pat-classic", "finance.product.isbn"],
            ),
            ("rodo", &["pii.pl.nip", "finance.account.pl-nrb", "pii.eu.vat"], &["pii.us.ssn", "pii.intl.host-name"]),
            (
                "pci-dss",
                &["finance.card.pan", "finance.card.track", "finance.card.security-code"],
                &["finance.iban", "pii.pl.pesel"],
            ),
            ("hipaa", &["health.record-number", "pii.us.ssn", "pii.intl.phone"], &["pii.pl.pesel", "pii.us.ein"]),
            ("ccpa", &["pii.us.driver-licence"], &["pii.de.tax-id"]),
            ("lgpd", &["pii.br.cpf"], &["pii.us.ssn"]),
            ("de", &["pii.de.tax-id", "finance.account.de-konto", "pii.eu.vat", "pii.intl.phone"], &["pii.pl.pesel"]),
            ("pci", &["finance.card.pan"], &["finance.iban"]),
            ("uk", &["pii.gb.nino", "health.nhs", "health.record-number"], &["health.npi", "pii.us.ssn"]),
            ("us", &["health.npi", "pii.us.ssn", "finance.account.us-account"], &["pii.eu.vat"]),
        ];
        for (name, inside, outside) in rows {
            let ids = ids(name);
            for id in *inside {
                assert!(ids.iter().any(|known| known == id), "{name} lacks {id}");
            }
            for id in *outside {
                assert!(!ids.iter().any(|known| known == id), "{name} has {id}");
            }
        }
    }

    #[test]
    fn every_glob_of_every_file_matches_a_detector() {
        let catalogue = Catalogue::builtin().expect("built-in detectors");
        for (name, _) in dlp_patterns::profiles() {
            let profile = Profile::named(name).expect(name);
            for glob in profile.detectors.iter().chain(&profile.except) {
                let is_used = catalogue.ids().any(|id| glob_matches(glob, id));
                assert!(is_used, "{name}: {glob}");
            }
        }
    }

    #[test]
    fn unknown_names_and_countries_are_refused() {
        let error = Profile::named("gpdr").expect_err("a typing error").to_string();
        assert!(error.contains("gdpr") && error.contains("country"), "{error}");
        let mut catalogue = Catalogue::builtin().expect("built-in detectors");
        let profile = Profile::named("zz").expect("two letters");
        assert!(matches!(catalogue.select_with(&[profile], &[]), Err(CatalogueError::NoCountry { .. })));
    }
}
