//! What `git push` sends (gitprotocol-pack, gitformat-pack): commands in lines, then a pack of compressed objects.
//!
//! Commits, tags, trees and files are unpacked and inspected one by one. An object that is told as a difference to another
//! one of the pack is put together and inspected as it will be; the base may be told in the same way, or come later. A base
//! that the push leaves out is at the other side already, and not known here: then what the difference adds is inspected.

mod delta;

use super::unpacked::{CHUNK_BYTES, Unpacked};
use super::walk::{View, Walk};
use delta::{added_by, applied};
use dlp_core::base::{Problem, ProblemClass};
use dlp_core::content::{Input, ReadSeek};
use flate2::bufread::ZlibDecoder;
use ring::digest::{Algorithm, Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use std::collections::{HashMap, VecDeque};
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::rc::Rc;

/// How a pack of the versions that exist begins.
const MAGICS: [&[u8; 8]; 2] = [b"PACK\0\0\0\x02", b"PACK\0\0\0\x03"];
/// Bytes of one line of commands (gitprotocol-common).
const LINE_BYTES_MAX: usize = 65_520;
/// Bytes of all commands together.
const COMMANDS_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of one difference, of what it stands on and of what it makes, which are held.
const DELTA_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes of objects that are held because differences may stand on them. Others are read again.
const HELD_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Differences on top of each other, as many as git itself makes at most.
const CHAIN_MAX: usize = 4_095;
/// Kinds of objects that are differences.
const OFFSET_DELTA: u8 = 6;
const REFERENCE_DELTA: u8 = 7;

/// Whether the first bytes of a body are those of a push.
pub(super) fn looks_like_push(first: &[u8]) -> bool {
    let at = memchr::memmem::find(first, b"PACK\0\0\0");
    at.is_some_and(|at| {
        MAGICS.iter().any(|magic| first[at..].starts_with(*magic)) && (at == 0 || is_flush(&first[..at]))
    })
}

fn is_flush(commands: &[u8]) -> bool {
    commands.ends_with(b"0000") && commands.len() >= 8
}

/// Inspects a push. `false` says that it is none from end to end, and asks for a raw scan.
pub(super) fn walk_push(walk: &mut Walk<'_>, body: &mut dyn ReadSeek) -> bool {
    let rewound = body.seek(SeekFrom::Start(0)).map_err(Stop::Io);
    let read = rewound.and_then(|_| read_push(walk, body));
    match read {
        Ok(()) => true,
        Err(Stop::Bound) => true,
        Err(Stop::Io(error)) => {
            tracing::debug!(%error, "a push could not be read");
            let message =
                "The push is no pack that can be read to its end; what could be read and the raw bytes were inspected.";
            walk.problem(Problem::new(ProblemClass::Damaged, "git_pack", message));
            false
        }
    }
}

/// Why the reading ends before the push does.
enum Stop {
    /// A bound was reached, and has been reported.
    Bound,
    /// It is broken.
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn broken() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

fn read_push(walk: &mut Walk<'_>, body: &mut dyn ReadSeek) -> Result<(), Stop> {
    let mut input = BufReader::with_capacity(CHUNK_BYTES, body);
    let commands = read_commands(&mut input)?;
    walk.within("commands".to_owned(), |walk| walk.examine("", Input::Bytes(&commands), View::Plain));
    if input.fill_buf()?.is_empty() {
        // It takes branches away.
        return Ok(());
    }
    let mut head = [0; 12];
    input.read_exact(&mut head)?;
    if !MAGICS.iter().any(|magic| head.starts_with(*magic)) {
        return Err(broken().into());
    }
    let count = u32::from_be_bytes([head[8], head[9], head[10], head[11]]);
    let limit = walk.setup.limits.documents_max;
    let mut pack = Pack::new(input, uses_sha256(&commands));
    for number in 0..u64::from(count) {
        if walk.is_over() {
            return Err(Stop::Bound);
        }
        if number >= limit {
            walk.problem(Problem::limit("documents_max", limit, "The push holds more objects than are inspected."));
            return Err(Stop::Bound);
        }
        pack.read_object(walk, number)?;
    }
    // The digest of the pack, and nothing else.
    let mut rest = Vec::new();
    (&mut pack.input).take(64).read_to_end(&mut rest)?;
    if !matches!(rest.len(), 20 | 32) {
        return Err(broken().into());
    }
    pack.read_later(walk)
}

/// The lines before the pack, without their lengths. The input stands before the pack afterwards.
fn read_commands<R: Read + Seek>(input: &mut BufReader<R>) -> io::Result<Vec<u8>> {
    let mut commands = Vec::new();
    loop {
        let mut start = [0; 4];
        if input.fill_buf()?.is_empty() {
            return Ok(commands);
        }
        input.read_exact(&mut start)?;
        if &start == b"PACK" {
            input.seek_relative(-4)?;
            return Ok(commands);
        }
        let length = std::str::from_utf8(&start).ok().and_then(|digits| usize::from_str_radix(digits, 16).ok());
        match length.ok_or_else(broken)? {
            0..4 => {}
            length if length > LINE_BYTES_MAX || commands.len() > COMMANDS_BYTES_MAX => return Err(broken()),
            length => {
                let end = commands.len() + length - 4;
                input.take(length as u64 - 4).read_to_end(&mut commands)?;
                if commands.len() != end {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                commands.push(b'\n');
            }
        }
    }
}

/// Whether objects are named by SHA-256: the client says so, or its first command names one.
fn uses_sha256(commands: &[u8]) -> bool {
    let first = commands.split(|byte| *byte == b' ').next().unwrap_or_default();
    memchr::memmem::find(commands, b"object-format=sha256").is_some()
        || first.len() == 64 && first.iter().all(u8::is_ascii_hexdigit)
}

/// What an object is told by.
enum Told {
    /// Itself, and what kind it is.
    Whole(u8),
    /// A difference to the object at this place of the same pack.
    ToPlace(u64),
    /// A difference to the object of this name.
    ToName(Name),
}

/// The digest that names an object.
type Name = Vec<u8>;

/// An object as it is after all differences.
#[derive(Clone)]
struct Object {
    kind: u8,
    content: Rc<[u8]>,
}

/// What is to be had at a place.
enum Resolved {
    Object(Object),
    /// It is a difference, perhaps over others, to something that was not in the pack so far.
    Missing(Name),
    /// It is too large to be held, which has been reported.
    TooLarge,
}

/// A pack that is being read.
struct Pack<'b> {
    input: BufReader<&'b mut dyn ReadSeek>,
    digest: &'static Algorithm,
    /// Objects by their places, the latest that fit.
    held: HashMap<u64, Object>,
    order: VecDeque<u64>,
    held_bytes: usize,
    places: HashMap<Name, u64>,
    /// Places that lead to a name that was not there, and who waits for it.
    missing: HashMap<u64, Name>,
    waiting: HashMap<Name, Vec<(u64, u64)>>,
    /// Places and numbers of objects whose base came behind them.
    later: Vec<(u64, u64)>,
}

impl<'b> Pack<'b> {
    fn new(input: BufReader<&'b mut dyn ReadSeek>, is_sha256: bool) -> Self {
        Self {
            input,
            digest: if is_sha256 { &SHA256 } else { &SHA1_FOR_LEGACY_USE_ONLY },
            held: HashMap::new(),
            order: VecDeque::new(),
            held_bytes: 0,
            places: HashMap::new(),
            missing: HashMap::new(),
            waiting: HashMap::new(),
            later: Vec::new(),
        }
    }

    /// Inspects the next object. The input stands behind it afterwards.
    fn read_object(&mut self, walk: &mut Walk<'_>, number: u64) -> Result<(), Stop> {
        let place = self.input.stream_position()?;
        let told = self.read_head(place)?;
        let content = inflate(walk, &mut self.input)?;
        let end = self.input.stream_position()?;
        let Told::Whole(kind) = told else {
            self.read_difference(walk, (place, number), (told, content))?;
            if self.input.stream_position()? != end {
                self.input.seek(SeekFrom::Start(end))?;
            }
            return Ok(());
        };
        let len = content.len_bytes();
        let mut content = content.into_reader()?;
        let is_small = len <= HELD_BYTES_MAX as u64;
        let mut kept = Vec::new();
        let mut name = name_context(self.digest, kind, len);
        let mut piece = vec![0; CHUNK_BYTES];
        loop {
            let count = content.read(&mut piece)?;
            if count == 0 {
                break;
            }
            name.update(&piece[..count]);
            if is_small {
                kept.extend_from_slice(&piece[..count]);
            }
        }
        walk.within(title(number), |walk| walk.examine_from_start("", &mut content, View::Plain));
        if is_small {
            self.hold(place, Object { kind, content: kept.into() });
        }
        self.note(name.finish().as_ref().to_vec(), place);
        Ok(())
    }

    /// Inspects what a difference makes of its base; without the base, what it adds.
    fn read_difference(
        &mut self,
        walk: &mut Walk<'_>,
        (place, number): (u64, u64),
        (told, delta): (Told, Unpacked),
    ) -> Result<(), Stop> {
        let Some(delta) = held_content(walk, delta)? else { return Ok(()) };
        let base = match told {
            Told::Whole(_) => return Err(broken().into()),
            Told::ToPlace(base) => self.resolve(walk, base)?,
            Told::ToName(name) => match self.places.get(&name).copied() {
                Some(base) => self.resolve(walk, base)?,
                None => Resolved::Missing(name),
            },
        };
        match base {
            Resolved::Object(base) => {
                let object = apply(walk, &base, &delta)?;
                self.inspect(walk, (place, number), object);
                return Ok(());
            }
            Resolved::Missing(name) => {
                self.missing.insert(place, name.clone());
                self.waiting.entry(name).or_default().push((place, number));
            }
            Resolved::TooLarge => {}
        }
        let added = added_by(&delta).ok_or_else(broken)?;
        walk.within(title(number), |walk| walk.examine_from_start("", &mut Cursor::new(added), View::Plain));
        Ok(())
    }

    /// Inspects differences again whose base came behind them; what they add was seen before.
    fn read_later(&mut self, walk: &mut Walk<'_>) -> Result<(), Stop> {
        while let Some((place, number)) = self.later.pop() {
            if walk.is_over() {
                return Err(Stop::Bound);
            }
            if let Resolved::Object(object) = self.resolve(walk, place)? {
                walk.repeating(|walk| self.inspect(walk, (place, number), object));
            }
        }
        Ok(())
    }

    fn inspect(&mut self, walk: &mut Walk<'_>, (place, number): (u64, u64), object: Object) {
        let mut content = Cursor::new(&object.content[..]);
        walk.within(title(number), |walk| walk.examine_from_start("", &mut content, View::Plain));
        let mut name = name_context(self.digest, object.kind, object.content.len() as u64);
        name.update(&object.content);
        self.hold(place, object);
        self.note(name.finish().as_ref().to_vec(), place);
    }

    /// The object at a place, which is read again when it is not held. Moves the input.
    fn resolve(&mut self, walk: &mut Walk<'_>, place: u64) -> Result<Resolved, Stop> {
        let (mut deltas, mut deltas_bytes, mut at) = (Vec::new(), 0, place);
        let mut object = loop {
            if let Some(held) = self.held.get(&at) {
                break held.clone();
            }
            if let Some(name) = self.missing.get(&at).filter(|name| !self.places.contains_key(*name)) {
                return Ok(Resolved::Missing(name.clone()));
            }
            self.input.seek(SeekFrom::Start(at))?;
            let told = self.read_head(at)?;
            let content = inflate(walk, &mut self.input)?;
            let Some(content) = held_content(walk, content)? else { return Ok(Resolved::TooLarge) };
            at = match told {
                Told::Whole(kind) => break Object { kind, content: content.into() },
                Told::ToPlace(base) => base,
                Told::ToName(name) => match self.places.get(&name) {
                    Some(base) => *base,
                    None => return Ok(Resolved::Missing(name)),
                },
            };
            deltas_bytes += content.len() as u64;
            if deltas.len() >= CHAIN_MAX || deltas_bytes > DELTA_BYTES_MAX {
                let message = "Changes in the push stand on too many others.";
                walk.problem(Problem::limit("git_chain_max", CHAIN_MAX as u64, message));
                return Ok(Resolved::TooLarge);
            }
            deltas.push(content);
        };
        for delta in deltas.iter().rev() {
            object = apply(walk, &object, delta)?;
        }
        self.hold(place, object.clone());
        Ok(Resolved::Object(object))
    }

    /// Kind, length and base of the object at this place. The input stands before its compressed bytes afterwards.
    fn read_head(&mut self, place: u64) -> Result<Told, Stop> {
        let input = &mut self.input;
        let first = byte(input)?;
        let mut last = first;
        while last & 0x80 != 0 {
            last = byte(input)?;
        }
        match first >> 4 & 7 {
            kind @ 1..=4 => Ok(Told::Whole(kind)),
            OFFSET_DELTA => {
                let mut last = byte(input)?;
                let mut back = u64::from(last & 0x7f);
                while last & 0x80 != 0 {
                    last = byte(input)?;
                    let more = back.checked_add(1).and_then(|back| back.checked_mul(128)).ok_or_else(broken)?;
                    back = more | u64::from(last & 0x7f);
                }
                let base = place.checked_sub(back).filter(|base| *base < place);
                Ok(Told::ToPlace(base.ok_or_else(broken)?))
            }
            REFERENCE_DELTA => {
                let mut name = vec![0; self.digest.output_len()];
                input.read_exact(&mut name)?;
                Ok(Told::ToName(name))
            }
            _ => Err(broken().into()),
        }
    }

    /// Keeps an object for differences to it, in the room of those that came first.
    fn hold(&mut self, place: u64, object: Object) {
        let len = object.content.len();
        if len > HELD_BYTES_MAX || self.held.contains_key(&place) {
            return;
        }
        self.held_bytes += len;
        self.held.insert(place, object);
        self.order.push_back(place);
        while self.held_bytes > HELD_BYTES_MAX {
            let Some(oldest) = self.order.pop_front() else { return };
            self.held_bytes -= self.held.remove(&oldest).map_or(0, |object| object.content.len());
        }
    }

    /// Remembers where the object of a name is, and who waits for it.
    fn note(&mut self, name: Name, place: u64) {
        self.later.extend(self.waiting.remove(&name).unwrap_or_default());
        self.places.entry(name).or_insert(place);
    }
}

fn title(number: u64) -> String {
    format!("git object {}", number + 1)
}

/// The digest that names an object, before its content.
fn name_context(digest: &'static Algorithm, kind: u8, len: u64) -> Context {
    let word = ["", "commit", "tree", "blob", "tag"].get(usize::from(kind)).copied().unwrap_or_default();
    let mut context = Context::new(digest);
    context.update(format!("{word} {len}\0").as_bytes());
    context
}

/// Content that is held to be worked with; none when it is too large, which is reported.
fn held_content(walk: &mut Walk<'_>, content: Unpacked) -> Result<Option<Vec<u8>>, Stop> {
    if content.len_bytes() > DELTA_BYTES_MAX {
        let message = "A change in the push, or what it changes, is too large to be read.";
        walk.problem(Problem::limit("git_delta_bytes_max", DELTA_BYTES_MAX, message));
        return Ok(None);
    }
    let mut held = Vec::new();
    content.into_reader()?.read_to_end(&mut held)?;
    Ok(Some(held))
}

/// The object that a difference makes of its base. What is made counts as decoded.
fn apply(walk: &mut Walk<'_>, base: &Object, delta: &[u8]) -> Result<Object, Stop> {
    let content = applied(&base.content, delta, DELTA_BYTES_MAX as usize).ok_or_else(broken)?;
    walk.decoded_bytes += content.len() as u64;
    if walk.decoded_bytes > walk.setup.limits.decoded_bytes_max {
        return Err(over_bound(walk));
    }
    Ok(Object { kind: base.kind, content: content.into() })
}

fn over_bound(walk: &mut Walk<'_>) -> Stop {
    let limit = walk.setup.limits.decoded_bytes_max;
    walk.problem(Problem::limit("decoded_bytes_max", limit, "The push is larger than its bound."));
    Stop::Bound
}

fn byte(input: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    input.read_exact(&mut byte)?;
    Ok(byte[0])
}

/// The content of one object. The input stands behind it afterwards.
fn inflate(walk: &mut Walk<'_>, input: &mut impl BufRead) -> Result<Unpacked, Stop> {
    let limit = walk.setup.limits.decoded_bytes_max;
    let mut content = Unpacked::new(walk.setup.limits, limit.saturating_sub(walk.decoded_bytes));
    let mut decoder = ZlibDecoder::new(input);
    let mut piece = vec![0; CHUNK_BYTES];
    loop {
        let count = decoder.read(&mut piece)?;
        if count == 0 {
            walk.decoded_bytes += content.len_bytes();
            return Ok(content);
        }
        if !content.push(&piece[..count])? {
            return Err(over_bound(walk));
        }
        if walk.is_over() {
            return Err(Stop::Bound);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_is_told_by_its_pack() {
        let rows: [(&[u8], bool); 5] = [
            (b"PACK\0\0\0\x02\0\0\0\x01", true),
            (b"0006ab0000PACK\0\0\0\x02", true),
            (b"some PACK\0\0\0\x02", false),
            (b"0006ab0000PACK\0\0\0\x07", false),
            (b"0006ab0000", false),
        ];
        for (first, expected) in rows {
            assert_eq!(looks_like_push(first), expected, "{first:?}");
        }
    }
}
