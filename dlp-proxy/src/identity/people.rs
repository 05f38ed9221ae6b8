//! The people who may use the gateway, and from when to when.
//!
//! A TOML file with a table for each person. Names that a certificate or token gives are looked up among ids and aliases,
//! without regard to the case of letters, since e-mail addresses are written in both.

use super::IdentityError;
use super::case::lowered;
use dlp_core::decision::{Actor, ActorKind};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;
use toml::value::Datetime;

/// The key that names the file.
const KEY: &str = "identity.people";

/// Why somebody who is known may not use the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Denied {
    /// No person of the list.
    Unknown,
    /// The first day has not come.
    NotBegun,
    /// The last day is over.
    Ended,
    /// Suspended in the list.
    Suspended,
    /// Taken away while the gateway ran.
    Revoked,
}

impl Denied {
    /// The code for logs, metrics and answers.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Unknown => "person_unknown",
            Self::NotBegun => "access_not_begun",
            Self::Ended => "access_ended",
            Self::Suspended => "access_suspended",
            Self::Revoked => "access_revoked",
        }
    }
}

/// Everybody, by the names that they have.
#[derive(Debug)]
pub(super) struct People {
    people: Vec<Person>,
    /// Lower-case names to places in `people`.
    by_name: HashMap<String, usize>,
}

#[derive(Debug)]
struct Person {
    actor: Actor,
    aliases: Vec<String>,
    begin: Option<Timestamp>,
    end: Option<Timestamp>,
    is_suspended: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "person")]
    people: Vec<Entry>,
}

/// A person as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    #[serde(default)]
    kind: Option<ActorKind>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    aliases: Vec<String>,
    valid_from: Option<Datetime>,
    valid_until: Option<Datetime>,
    #[serde(default)]
    suspended: bool,
}

impl People {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<Self, IdentityError> {
        let text = std::fs::read_to_string(path).map_err(|source| IdentityError::Read {
            key: KEY,
            path: path.into(),
            source,
        })?;
        Self::parse(&text).map_err(|message| IdentityError::File { key: KEY, path: path.into(), message })
    }

    /// Reads the text of a file; the error says what is wrong and where.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut all = Self { people: Vec::with_capacity(file.people.len()), by_name: HashMap::new() };
        for entry in file.people {
            let place = all.people.len();
            for name in [&entry.id].into_iter().chain(&entry.aliases) {
                if name.is_empty() {
                    return Err(format!("person \"{}\": expected a name, got an empty text", entry.id));
                }
                if name.trim() != name {
                    return Err(format!("person \"{}\": expected no white space around the name \"{name}\"", entry.id));
                }
                if all.by_name.insert(lowered(name).into_owned(), place).is_some_and(|other| other != place) {
                    return Err(format!("person \"{}\": the name \"{name}\" belongs to another person too", entry.id));
                }
            }
            all.people.push(Person::of(entry)?);
        }
        Ok(all)
    }

    /// Whether there is a person of this id.
    pub(super) fn has(&self, id: &str) -> bool {
        self.of_id(id).is_some()
    }

    /// The other names of the person of this id.
    pub(super) fn aliases(&self, id: &str) -> &[String] {
        self.of_id(id).map_or(&[], |person| &person.aliases)
    }

    fn of_id(&self, id: &str) -> Option<&Person> {
        let person = &self.people[*self.by_name.get(lowered(id).as_ref())?];
        person.actor.user.as_ref().is_some_and(|own| lowered(own) == lowered(id)).then_some(person)
    }

    /// Whom the names stand for, if they may use the gateway now. Names of several people are nobody's.
    pub(super) fn actor(&self, names: &[String], now: Timestamp) -> Result<Actor, Denied> {
        let mut places = names.iter().filter_map(|name| self.by_name.get(lowered(name).as_ref()));
        let place = *places.next().ok_or(Denied::Unknown)?;
        if places.any(|other| *other != place) {
            return Err(Denied::Unknown);
        }
        self.people[place].at(now)
    }
}

impl Person {
    fn of(entry: Entry) -> Result<Self, String> {
        let wrong = |key: &str, value: &Datetime| {
            format!(
                "person \"{}\": {key}: expected a date such as 2026-12-31, or a time with its offset such as \
                 2026-12-31T17:00:00+01:00, got {value}",
                entry.id
            )
        };
        let moment = |key: &str, value: &Option<Datetime>, days: i64| match value {
            None => Ok(None),
            Some(value) => moment_of(value, days).map(Some).ok_or_else(|| wrong(key, value)),
        };
        // A last day is a whole day.
        let (begin, end) = (moment("valid_from", &entry.valid_from, 0)?, moment("valid_until", &entry.valid_until, 1)?);
        if let (Some(begin), Some(end)) = (begin, end)
            && begin >= end
        {
            return Err(format!("person \"{}\": expected valid_until after valid_from", entry.id));
        }
        let kind = entry.kind.unwrap_or(ActorKind::Unknown);
        let actor = Actor { user: Some(entry.id), groups: entry.groups, kind };
        Ok(Self { actor, aliases: entry.aliases, begin, end, is_suspended: entry.suspended })
    }

    fn at(&self, now: Timestamp) -> Result<Actor, Denied> {
        if self.is_suspended {
            Err(Denied::Suspended)
        } else if self.begin.is_some_and(|begin| now < begin) {
            Err(Denied::NotBegun)
        } else if self.end.is_some_and(|end| now >= end) {
            Err(Denied::Ended)
        } else {
            Ok(self.actor.clone())
        }
    }
}

/// A moment as written; a date is its midnight in UTC, some days later.
fn moment_of(value: &Datetime, days: i64) -> Option<Timestamp> {
    match (value.date, value.time, value.offset) {
        (Some(_), None, None) => {
            let date: Date = value.to_string().parse().ok()?;
            let date = date.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
            Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
        }
        (Some(_), Some(_), Some(_)) => value.to_string().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, name: &str, now: &str, expected: Result<&str, Denied>) {
        let people = People::parse(text).unwrap();
        let got = people.actor(&[name.to_owned()], now.parse().unwrap());
        let got = got.map(|actor| actor.user.unwrap_or_default());
        assert_eq!(got.as_deref().map_err(|denied| *denied), expected, "{text} {name} {now}");
    }

    #[test]
    fn access_has_a_first_and_a_last_day() {
        let days = "[[person]]\nid = \"anna\"\nvalid_from = 2026-03-01\nvalid_until = 2026-03-31\n";
        check(days, "anna", "2026-02-28T23:59:59Z", Err(Denied::NotBegun));
        check(days, "anna", "2026-03-01T00:00:00Z", Ok("anna"));
        check(days, "ANNA", "2026-03-31T23:59:59Z", Ok("anna"));
        check(days, "anna", "2026-04-01T00:00:00Z", Err(Denied::Ended));
        let letters = "[[person]]\nid = \"Élodie\"\naliases = [\"łukasz@corp.example\"]\n";
        for name in ["ÉLODIE", "élodie", "ŁUKASZ@corp.example"] {
            check(letters, name, "2026-03-15T00:00:00Z", Ok("Élodie"));
        }
        check(days, "bob", "2026-03-15T00:00:00Z", Err(Denied::Unknown));
        let hours = "[[person]]\nid = \"anna\"\nvalid_until = 2026-03-31T17:00:00+02:00\n";
        check(hours, "anna", "2026-03-31T14:59:59Z", Ok("anna"));
        check(hours, "anna", "2026-03-31T15:00:00Z", Err(Denied::Ended));
    }

    #[test]
    fn names_of_two_people_are_nobodys() {
        let people = People::parse("[[person]]\nid = \"a\"\n[[person]]\nid = \"b\"\naliases = [\"b2\"]\n").unwrap();
        let of = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            people.actor(&names, Timestamp::UNIX_EPOCH).map(|actor| actor.user.unwrap_or_default())
        };
        assert_eq!(of(&["b2", "other", "b"]).as_deref(), Ok("b"));
        assert_eq!(of(&["a", "b"]), Err(Denied::Unknown));
        assert_eq!(of(&[]), Err(Denied::Unknown));
        assert!(people.has("B") && !people.has("b2"));
    }

    #[test]
    fn wrong_lists_are_refused() {
        let rows = [
            ("[[person]]\nname = \"a\"", "unknown field `name`"),
            ("[[person]]\nid = \"\"", "expected a name"),
            ("[[person]]\nid = \"a \"", "no white space"),
            ("[[person]]\nid = \"a\"\n[[person]]\nid = \"A\"", "belongs to another person"),
            ("[[person]]\nid = \"a\"\nkind = \"guest\"", "unknown variant `guest`"),
            ("[[person]]\nid = \"a\"\nvalid_until = 2026-01-01T10:00:00", "expected a date such as"),
            ("[[person]]\nid = \"a\"\nvalid_until = \"soon\"", "line 3"),
            ("[[person]]\nid = \"a\"\nvalid_from = 2026-01-02\nvalid_until = 2026-01-01", "expected valid_until after"),
        ];
        for (text, expected) in rows {
            let error = People::parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
