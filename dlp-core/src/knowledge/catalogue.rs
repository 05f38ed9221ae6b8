//! The catalogue: the detectors chosen for a run, built-in ones and those of users.
//!
//! A catalogue is data that has been checked; compiling it gives a [`DetectorSet`](crate::matching::DetectorSet).

use super::profile::Profile;
use super::{pattern, validators};
use dlp_detector_format::{
    Allow, Detector, Examples, FileId, FormatError, PackError, Packed, Read, pack, parse_allow, parse_file,
    unpack_examples,
};
use std::sync::Arc;
use thiserror::Error;

/// Why detectors cannot be taken into a catalogue.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// Detectors cannot be packed or read: a broken build, or more of them than there is room for.
    #[error("detectors cannot be read: {0}")]
    Packed(#[from] PackError),
    /// A detector file is wrong.
    #[error(transparent)]
    File(#[from] FormatError),
    /// A detector names a validator that does not exist.
    #[error("{file}: detector `{detector}`: unknown validator `{found}`; expected one of: {expected}")]
    Validator {
        /// File as the caller named it.
        file: String,
        /// Detector id.
        detector: String,
        /// The unknown name.
        found: String,
        /// The known names.
        expected: String,
    },
    /// A pattern is too large to compile.
    #[error("{file}: detector `{detector}`: {message}")]
    Pattern {
        /// File as the caller named it.
        file: String,
        /// Detector id.
        detector: String,
        /// What the compiler said.
        message: String,
    },
    /// Two detectors have the same id.
    #[error("{file}: detector id `{id}` is already taken; choose another")]
    Duplicate {
        /// File as the caller named it.
        file: String,
        /// The id.
        id: String,
    },
    /// There are no numbers of a country.
    #[error(
        "--profile {code}: no detector is about numbers of the country `{code}`; `dlp detectors list` shows the ids"
    )]
    NoCountry {
        /// Its code.
        code: String,
    },
    /// A selection matches nothing.
    #[error("no detector matches `{glob}`; `dlp detectors list` shows the ids")]
    NoMatch {
        /// The selection.
        glob: String,
    },
}

/// Detectors that have been checked, sorted by id. They stay packed until something is asked of them.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    entries: Vec<Entry>,
    allows: Vec<(String, Allow)>,
}

/// A detector of a packed set.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) packed: Arc<Packed>,
    pub(crate) number: u32,
}

impl Entry {
    /// All detectors of a packed set.
    fn all(packed: Packed) -> impl Iterator<Item = Self> {
        let (count, packed) = (packed.len() as u32, Arc::new(packed));
        (0..count).map(move |number| Self { packed: Arc::clone(&packed), number })
    }

    /// Those of checked detectors.
    fn pack(detectors: &[Detector]) -> Result<impl Iterator<Item = Self>, PackError> {
        Ok(Self::all(Packed::open(pack(detectors)?)?))
    }

    /// Its id.
    pub(crate) fn id(&self) -> &str {
        self.packed.id(self.number)
    }

    fn detector(&self) -> Detector {
        self.packed.detector(self.number).expect(PACKED)
    }
}

/// Why reading what was packed cannot fail: this build packed it, and its tests read all of it.
pub(crate) const PACKED: &str = "what was packed can be read";

impl Catalogue {
    /// A catalogue without detectors.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// The built-in detectors. Their files were checked when the product was built.
    ///
    /// # Errors
    /// [`CatalogueError::Packed`] when the build is broken.
    pub fn builtin() -> Result<Self, CatalogueError> {
        Ok(Self { entries: Entry::all(Packed::open(dlp_patterns::detectors())?).collect(), allows: Vec::new() })
    }

    /// Adds the detectors and allow entries of a user's file and hands back the detectors, examples included.
    ///
    /// # Errors
    /// With file, line and expectation, when the file or one of its detectors is wrong; then nothing is added.
    pub fn add_file(&mut self, name: &str, text: &str) -> Result<Vec<Read>, CatalogueError> {
        let file = FileId { name, id_prefix: "" };
        let (read, allows) = (parse_file(file, text)?, parse_allow(file, text)?);
        for (index, Read { detector, .. }) in read.iter().enumerate() {
            let earlier = read[..index].iter().map(|r| r.detector.id.as_str());
            check(name, detector, earlier.chain(self.ids()))?;
        }
        let detectors: Vec<Detector> = read.iter().map(|r| r.detector.clone()).collect();
        self.add(&detectors)?;
        self.allows.extend(allows.into_iter().map(|allow| (name.to_owned(), allow)));
        Ok(read)
    }

    /// Adds a detector that has no patterns, because something else finds for it.
    ///
    /// # Errors
    /// [`CatalogueError::Duplicate`] when its id is taken; `name` says where the second one comes from.
    pub fn add_detector(&mut self, name: &str, detector: Detector) -> Result<(), CatalogueError> {
        check(name, &detector, self.ids())?;
        self.add(&[detector])
    }

    fn add(&mut self, detectors: &[Detector]) -> Result<(), CatalogueError> {
        self.entries.extend(Entry::pack(detectors)?);
        self.entries.sort_by(|a, b| a.id().cmp(b.id()));
        Ok(())
    }

    /// Keeps the detectors that match one of the globs. `*` stands for any characters: `secret.*`, `pii.pl.*`; a `!`
    /// before a glob leaves out what it matches, of all detectors when nothing else is chosen.
    ///
    /// # Errors
    /// [`CatalogueError::NoMatch`] for the first glob that matches nothing, which is most likely a typing error.
    pub fn select(&mut self, globs: &[String]) -> Result<(), CatalogueError> {
        self.select_with(&[], globs)
    }

    /// Keeps the detectors of profiles, and those that match one of the globs.
    ///
    /// # Errors
    /// [`CatalogueError::NoMatch`] for the first glob that matches nothing, [`CatalogueError::NoCountry`] for a
    /// country.
    pub fn select_with(&mut self, profiles: &[Profile], globs: &[String]) -> Result<(), CatalogueError> {
        let has = |holds: &dyn Fn(&str) -> bool| self.ids().any(holds);
        let (left_out, chosen): (Vec<&str>, Vec<&str>) =
            globs.iter().map(String::as_str).partition(|glob| glob.starts_with('!'));
        let left_out: Vec<&str> = left_out.into_iter().map(|glob| glob.trim_start_matches('!')).collect();
        if let Some(glob) = chosen.iter().chain(&left_out).find(|glob| !has(&|id| glob_matches(glob, id))) {
            return Err(CatalogueError::NoMatch { glob: (*glob).to_owned() });
        }
        if let Some(empty) = profiles.iter().find(|profile| !has(&|id| profile.is_own(id))) {
            return Err(CatalogueError::NoCountry { code: empty.name.clone() });
        }
        let is_chosen = |id: &str| {
            let has_no_choice = profiles.is_empty() && chosen.is_empty();
            has_no_choice
                || profiles.iter().any(|profile| profile.holds(id))
                || chosen.iter().any(|glob| glob_matches(glob, id))
        };
        let is_left_out = |id: &str| left_out.iter().any(|glob| glob_matches(glob, id));
        self.entries.retain(|entry| is_chosen(entry.id()) && !is_left_out(entry.id()));
        Ok(())
    }

    /// The detectors, sorted by id. Each is read when its turn comes.
    pub fn detectors(&self) -> impl ExactSizeIterator<Item = Detector> + '_ {
        self.entries.iter().map(Entry::detector)
    }

    /// Their ids.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries.iter().map(Entry::id)
    }

    /// The allow entries of users' files, each with the name of its file.
    #[must_use]
    pub fn allows(&self) -> &[(String, Allow)] {
        &self.allows
    }

    /// Gives away what it holds.
    pub(crate) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }
}

/// Refuses a detector that cannot stand beside others with these ids, or cannot be compiled.
fn check<'a>(
    file: &str,
    detector: &Detector,
    mut earlier: impl Iterator<Item = &'a str>,
) -> Result<(), CatalogueError> {
    let file = file.to_owned();
    if earlier.any(|other| other == detector.id) {
        return Err(CatalogueError::Duplicate { file, id: detector.id.clone() });
    }
    if let Some(validator) = detector.validator.as_ref().filter(|v| validators::find(&v.name).is_none()) {
        let mut names: Vec<_> = validators::all().map(|check| check.name).collect();
        names.sort_unstable();
        return Err(CatalogueError::Validator {
            file,
            detector: detector.id.clone(),
            found: validator.name.clone(),
            expected: names.join(", "),
        });
    }
    for source in &detector.patterns {
        pattern::Compiled::check(&source.regex).map_err(|error| CatalogueError::Pattern {
            file: file.clone(),
            detector: detector.id.clone(),
            message: error.to_string(),
        })?;
    }
    Ok(())
}

/// Examples and counter-examples of the built-in detectors.
///
/// # Errors
/// [`CatalogueError::Packed`] when the build is broken.
pub fn builtin_examples() -> Result<Vec<Examples>, CatalogueError> {
    Ok(unpack_examples(dlp_patterns::examples())?)
}

/// Whether the glob, in which `*` stands for any characters, matches the whole id.
pub(crate) fn glob_matches(glob: &str, id: &str) -> bool {
    let Some((head, tail)) = glob.split_once('*') else { return glob == id };
    let Some(rest) = id.strip_prefix(head) else { return false };
    (0..=rest.len()).any(|at| rest.is_char_boundary(at) && glob_matches(tail, &rest[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_before_a_glob_leaves_detectors_out() {
        let rows: [(&[&str], &str, &str); 3] = [
            (&["!pii.intl.email"], "pii.pl.pesel", "pii.intl.email"),
            (&["pii.*", "!pii.intl.*"], "pii.pl.pesel", "pii.intl.email"),
            (&["!pii.*", "pii.*", "secret.*"], "secret.url.userinfo", "pii.pl.pesel"),
        ];
        for (globs, kept, left_out) in rows {
            let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
            let mut catalogue = Catalogue::builtin().expect("built-in detectors");
            catalogue.select(&globs).expect("all of them match");
            let has = |id: &str| catalogue.ids().any(|known| known == id);
            assert!(has(kept) && !has(left_out), "{globs:?}");
        }
        let mut catalogue = Catalogue::builtin().expect("built-in detectors");
        let error = catalogue.select(&["!pii.nowhere".to_owned()]).expect_err("nothing matches");
        assert!(error.to_string().contains("pii.nowhere"), "{error}");
    }

    #[test]
    fn globs_select_by_whole_id() {
        let rows = [
            ("secret.*", "secret.github.pat", true),
            ("*.pl.*", "pii.pl.pesel", true),
            ("pii.pl.pesel", "pii.pl.pesel", true),
            ("pii.pl", "pii.pl.pesel", false),
            ("*pesel", "pii.pl.pesel", true),
            ("*", "x.y", true),
        ];
        for (glob, id, expected) in rows {
            assert_eq!(glob_matches(glob, id), expected, "{glob} {id}");
        }
    }

    #[test]
    fn every_builtin_detector_passes_the_checks_of_user_detectors() {
        let builtin = Catalogue::builtin().expect("built-in detectors");
        assert_eq!(builtin.detectors().len(), builtin.ids().len());
        for (id, detector) in builtin.ids().zip(builtin.detectors()) {
            assert_eq!(id, detector.id);
            check("built-in", &detector, std::iter::empty()).expect("valid built-in detector");
        }
        assert!(builtin.ids().is_sorted() && builtin.ids().len() > 1_000);
    }

    #[test]
    fn a_selection_without_match_is_an_error() {
        let mut catalogue = Catalogue::builtin().expect("built-in detectors");
        let error = catalogue.select(&["secret.githb.*".to_owned()]).expect_err("nothing matches");
        assert!(error.to_string().contains("secret.githb.*"), "{error}");
    }
}
