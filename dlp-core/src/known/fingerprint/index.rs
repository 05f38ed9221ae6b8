//! The index of documents: a store of fingerprints, with the documents' names, sealed, in its header.

use super::super::key::KnownKey;
use super::super::sip::Sip;
use super::super::store::{Entry, IndexError, Magic, Source, Store, StoreWriter};
use super::super::words::{Word, WordHash, Words};
use super::super::{FindingDetector, finding_detector};
use super::code::{Code, CodeToken, Vocabulary};
use super::grams::{CodeGrams, Print, TextGrams, Token};
use crate::base::{Category, SensitivityLabel, Severity};
use crate::knowledge::Detector;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;

const MAGIC: &Magic = b"DLPFPR1\n";
/// What makes such indexes.
const MADE_BY: &str = "dlp fingerprint build";
/// Use of the organisation's key.
const USAGE: &str = "dlp.fingerprint.v1";
/// Changes when a text gives other fingerprints.
const VERSION: u32 = 4;
/// Use of an index's key for what it holds.
const PRINTS: &[u8] = b"prints";
/// Documents that may share a fingerprint in any case, before it is boilerplate.
const SHARED_MIN: usize = 3;
/// Of one hundred documents, those that may share one.
const SHARED_PERCENT: usize = 5;

/// Owner of the fingerprints of documents that are common: what they have is boilerplate.
pub const COMMON_OWNER: u32 = u32::MAX;

/// How a document is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Words.
    Text,
    /// Source code.
    Code,
}

/// A document in an index.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Document {
    /// Name for people.
    pub name: String,
    /// Fingerprints that count.
    pub prints: u32,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Header {
    version: u32,
    name: String,
    salt: String,
    /// How documents were read.
    kinds: Vec<Kind>,
    /// The documents as JSON, sealed with the index's key, in hexadecimal digits: a name can tell as much as a text.
    documents: String,
}

/// Turns documents into entries.
pub struct Indexer {
    name: String,
    key: KnownKey,
    salt: String,
    hashes: Hashes,
    documents: Vec<Document>,
    kinds: Vec<Kind>,
}

impl Indexer {
    /// An indexer. `name` names the collection in findings; the salt must be random.
    #[must_use]
    pub fn new(name: &str, key: &KnownKey, salt: [u8; 16]) -> Self {
        let salt = data_encoding::HEXLOWER.encode(&salt);
        let key = key.of_index(USAGE, salt.as_bytes());
        Self { name: name.to_owned(), hashes: Hashes::new(&key), key, salt, documents: Vec::new(), kinds: Vec::new() }
    }

    /// The entries of the next document. How many there are; none when it is too short.
    pub fn document(&mut self, name: &str, kind: Kind, text: &[u8], entries: &mut Vec<Entry>) -> usize {
        let owner = self.documents.len() as u32;
        self.documents.push(Document { name: name.to_owned(), prints: 0 });
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
        self.add(kind, text, owner, entries)
    }

    /// The entries of a document that is common, like a licence or an empty form: what it has counts for none.
    pub fn common(&self, kind: Kind, text: &[u8], entries: &mut Vec<Entry>) {
        self.add(kind, text, COMMON_OWNER, entries);
    }

    fn add(&self, kind: Kind, text: &[u8], owner: u32, entries: &mut Vec<Entry>) -> usize {
        let hashes: BTreeSet<u64> = self.hashes.prints(kind, text).iter().map(|print| self.hashes.of(print)).collect();
        entries.extend(hashes.iter().map(|hash| Entry { hash: *hash, owner }));
        hashes.len()
    }

    /// Documents so far.
    #[must_use]
    pub fn documents(&self) -> usize {
        self.documents.len()
    }

    /// Starts to write the index of at most `entries` entries.
    ///
    /// # Errors
    /// When `out` fails.
    pub fn writer<W: Write>(self, entries: u64, out: W) -> io::Result<IndexWriter<W>> {
        let store = StoreWriter::start(MAGIC, &self.key, entries, out)?;
        let shared_max = SHARED_MIN.max(self.documents.len() * SHARED_PERCENT / 100);
        let (version, documents) = (VERSION, String::new());
        let header = Header { version, name: self.name, salt: self.salt, kinds: self.kinds, documents };
        Ok(IndexWriter { store, header, documents: self.documents, key: self.key, shared_max, same: Vec::new() })
    }
}

/// Writes an index, entry by entry.
pub struct IndexWriter<W> {
    store: StoreWriter<W>,
    header: Header,
    documents: Vec<Document>,
    key: KnownKey,
    shared_max: usize,
    /// Entries of the latest hash, which are written when the next one shows that they are all.
    same: Vec<Entry>,
}

impl<W: Write> IndexWriter<W> {
    /// Takes the next entry, in order.
    ///
    /// # Errors
    /// When the output fails, or entries are out of order.
    pub fn push(&mut self, entry: Entry) -> io::Result<()> {
        if self.same.last().is_some_and(|last| last.hash != entry.hash) {
            self.write()?;
        }
        self.same.push(entry);
        Ok(())
    }

    /// Writes what stands behind the entries.
    ///
    /// # Errors
    /// When the output fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.write()?;
        self.header.documents = data_encoding::HEXLOWER.encode(&self.key.seal(&serde_json::to_vec(&self.documents)?));
        self.store.finish(&self.header)
    }

    /// Writes the entries of one hash, unless they are boilerplate.
    fn write(&mut self) -> io::Result<()> {
        let same = std::mem::take(&mut self.same);
        if same.len() > self.shared_max || same.iter().any(|entry| entry.owner == COMMON_OWNER) {
            return Ok(());
        }
        for entry in same {
            if let Some(document) = self.documents.get_mut(entry.owner as usize) {
                document.prints += 1;
            }
            self.store.push(entry)?;
        }
        Ok(())
    }
}

/// An index, ready to be looked up.
#[derive(Clone)]
pub struct Index {
    pub(super) store: Store,
    name: Arc<str>,
    kinds: Arc<[Kind]>,
    documents: Arc<[Document]>,
    pub(super) hashes: Arc<Hashes>,
}

impl Index {
    /// Reads an index from memory.
    ///
    /// # Errors
    /// [`IndexError`] for another file, another key, or another version.
    pub fn parse(bytes: Vec<u8>, key: &KnownKey) -> Result<Self, IndexError> {
        Self::open(Arc::new(bytes), key)
    }

    /// Opens an index, which stays where it is.
    ///
    /// # Errors
    /// [`IndexError`] for another file, another key, or another version, and when it cannot be read.
    pub fn open(source: Arc<dyn Source>, key: &KnownKey) -> Result<Self, IndexError> {
        let (store, header, key) = Store::open(source, MAGIC, MADE_BY, |header: &Header| {
            if header.version != VERSION {
                return Err(IndexError::Version { expected: VERSION, found: header.version });
            }
            Ok(key.of_index(USAGE, header.salt.as_bytes()))
        })?;
        let documents = documents(&key, &header).ok_or(IndexError::NotAnIndex { expected: MADE_BY })?;
        let hashes = Hashes::new(&key).into();
        Ok(Self { store, name: header.name.into(), kinds: header.kinds.into(), documents: documents.into(), hashes })
    }

    /// Id of the detector whose findings these are.
    #[must_use]
    pub fn detector_id(&self) -> String {
        format!("fingerprint.{}", self.name)
    }

    /// The detector: without patterns, since the index finds.
    #[must_use]
    pub fn detector(&self) -> Detector {
        finding_detector(FindingDetector {
            id: self.detector_id(),
            title: format!("Document of the collection {}", self.name),
            description: "Passages of a document that the organisation indexed as confidential.",
            category: Category::DocumentFingerprint,
            severity: Severity::High,
            label: SensitivityLabel::Confidential,
        })
    }

    /// The documents.
    #[must_use]
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// Whether it has documents that were read in a way; a text need not be read otherwise.
    pub(super) fn has(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Whether the index could not be read after it was opened.
    pub(in crate::known) fn has_failed(&self) -> bool {
        self.store.has_failed()
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Index({}, {} documents)", self.name, self.documents.len())
    }
}

/// The documents that a header seals.
fn documents(key: &KnownKey, header: &Header) -> Option<Vec<Document>> {
    let sealed = data_encoding::HEXLOWER.decode(header.documents.as_bytes()).ok()?;
    serde_json::from_slice(&key.open(&sealed)?).ok()
}

/// How tokens and runs of them become fingerprints under a key.
///
/// A text has millions of tokens, and one run of four is kept. So tokens have a hash that is fast and under which two of
/// them are seldom equal for anybody who does not know its secret; what is kept goes through a pseudo-random function.
/// The two together are one, as far as tokens have hashes of their own (J. L. Carter, M. N. Wegman, 1981).
#[derive(Debug)]
pub(super) struct Hashes {
    words: WordHash,
    vocabulary: Vocabulary,
    prints: Sip,
}

impl Hashes {
    fn new(key: &KnownKey) -> Self {
        Self { words: WordHash::new(key), vocabulary: Vocabulary::new(key), prints: key.function(PRINTS) }
    }

    /// A word as a token.
    #[inline]
    pub(super) fn word(&self, word: &Word) -> Token {
        let Word { start, end, at, until, .. } = *word;
        Token { hash: self.words.of(word), start, end, at, until }
    }

    /// A token of code.
    #[inline]
    pub(super) fn code(&self, token: &CodeToken) -> Token {
        token.hashed(&self.vocabulary)
    }

    /// What an index holds of a run.
    #[inline]
    pub(super) fn of(&self, print: &Print) -> u64 {
        self.prints.hash(&print.hash.to_le_bytes())
    }

    /// The kept runs of a whole text.
    fn prints(&self, kind: Kind, text: &[u8]) -> Vec<Print> {
        let mut prints = Vec::new();
        match kind {
            Kind::Text => {
                let (mut grams, mut words) = (TextGrams::new(), Words::new());
                let mut take = |word: &Word| prints.extend(grams.push(&self.word(word)));
                words.push(text, &mut take);
                words.finish(&mut take);
                prints.extend(grams.finish());
            }
            Kind::Code => {
                let (mut grams, mut code) = (CodeGrams::new(), Code::new());
                let mut take = |token: &CodeToken| prints.extend(grams.push(&self.code(token)));
                code.push(text, &mut take);
                code.finish(&mut take);
                prints.extend(grams.finish());
            }
        }
        prints
    }
}
