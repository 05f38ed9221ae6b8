//! Binary property lists, in which programs of Apple keep settings, messages and web pages.
//!
//! A file is a row of objects and a table of where each begins; lists and dictionaries name others by their number in that
//! table. Every value is handed out behind the name under which it stands, with the path of names that leads to it as its
//! part; data that is a file is walked. Archives of objects (`NSKeyedArchiver`) name their values by a number of their own,
//! which is followed. What no other object names is read behind them. Apple publishes the format as `CFBinaryPList.c`.

use super::walk::{Step, Walk};
use super::{Input, Join, Origin, Part, Place, Relation, Role, Segment, cells, plain, recognise};
use crate::base::bytes::array;
use crate::base::{PLIST_DEPTH_MAX, Problem, ProblemClass};
use crate::text::is_utf8;
use jiff::Span;
use jiff::civil::date;

/// Bytes at the end: six that say nothing, then widths of offsets and numbers, and what there is.
const TRAILER_BYTES: usize = 32;
/// Data from this length on is an item; shorter data only if it is a file.
const ITEM_BYTES_MIN: usize = 256;
/// Bytes of a path; the names of deeper places are left out of it.
const PATH_BYTES_MAX: usize = 256;
/// The name of what an archive was made of.
const ARCHIVE_ROOT: &str = "$top";
/// Where what nothing names is said to stand.
const UNNAMED: &str = "objects";

/// Walks a property list.
pub(super) fn walk(walk: &mut Walk<'_>, input: Input<'_>) -> Step {
    walk.with_held(input, |walk, bytes| match List::open(bytes) {
        Some(list) => Reading::new(list).all(walk),
        None => {
            walk.bad_structure("the list does not say where its objects stand; its bytes were scanned");
            plain::raw(walk, Input::Bytes(bytes))
        }
    })
}

/// The bytes of a list, and how they are cut into objects.
#[derive(Clone, Copy)]
struct List<'b> {
    bytes: &'b [u8],
    /// The table of places.
    table: &'b [u8],
    place_bytes: usize,
    number_bytes: usize,
    count: usize,
    top: usize,
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Object<'b> {
    Nothing,
    Integer(i128),
    Real(f64),
    /// Seconds since 2001.
    Date(f64),
    /// With the place where it stands.
    Data(&'b [u8], usize),
    /// UTF-8, of which ASCII is a part.
    Text(&'b [u8]),
    /// UTF-16, the highest byte first.
    Wide(&'b [u8]),
    /// The number of an object in an archive.
    Uid(u64),
    Group(Group<'b>),
}

/// The objects of a list, or the names and objects of a dictionary, as their numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Group<'b> {
    names: Option<&'b [u8]>,
    values: &'b [u8],
}

impl<'b> List<'b> {
    fn open(bytes: &'b [u8]) -> Option<Self> {
        let trailer: [u8; TRAILER_BYTES] = array(bytes, bytes.len().checked_sub(TRAILER_BYTES)?)?;
        let (place_bytes, number_bytes) = (usize::from(trailer[6]), usize::from(trailer[7]));
        let number = |at: usize| usize::try_from(u64::from_be_bytes(array(&trailer, at)?)).ok();
        let (count, top, table_at) = (number(8)?, number(16)?, number(24)?);
        if !(1..=8).contains(&place_bytes) || !(1..=8).contains(&number_bytes) || top >= count {
            return None;
        }
        let table = bytes.get(table_at..table_at.checked_add(count.checked_mul(place_bytes)?)?)?;
        Some(Self { bytes, table, place_bytes, number_bytes, count, top })
    }

    /// Where an object begins.
    fn place(&self, index: usize) -> Option<usize> {
        let place = self.table.chunks_exact(self.place_bytes).nth(index)?;
        usize::try_from(big_endian(place)).ok()
    }

    fn object(&self, index: usize) -> Option<Object<'b>> {
        let place = self.place(index)?;
        let (marker, rest) = self.bytes.get(place..)?.split_first()?;
        let low = usize::from(marker & 0xF);
        Some(match marker >> 4 {
            0x0 => Object::Nothing,
            0x1 => Object::Integer(integer(rest.get(..1_usize.checked_shl(low as u32)?)?)?),
            0x2 if low == 2 => Object::Real(f64::from(f32::from_be_bytes(array(rest, 0)?))),
            0x2 => Object::Real(f64::from_be_bytes(array(rest, 0)?)),
            0x3 => Object::Date(f64::from_be_bytes(array(rest, 0)?)),
            0x8 => Object::Uid(u64::try_from(big_endian(rest.get(..low + 1)?)).ok()?),
            kind => {
                let (count, rest) = counted(low, rest)?;
                let numbers = |from: usize| {
                    let bytes = count.checked_mul(self.number_bytes)?;
                    rest.get(from.checked_mul(bytes)?..from.checked_add(1)?.checked_mul(bytes)?)
                };
                match kind {
                    0x4 => Object::Data(rest.get(..count)?, self.bytes.len() - rest.len()),
                    0x5 | 0x7 => Object::Text(rest.get(..count)?),
                    0x6 => Object::Wide(rest.get(..count.checked_mul(2)?)?),
                    0xA..=0xC => Object::Group(Group { names: None, values: numbers(0)? }),
                    0xD => Object::Group(Group { names: Some(numbers(0)?), values: numbers(1)? }),
                    _ => return None,
                }
            }
        })
    }

    /// The text of a string.
    fn text(&self, index: usize) -> Option<String> {
        match self.object(index)? {
            Object::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            Object::Wide(bytes) => Some(wide(bytes)),
            _ => None,
        }
    }

    fn len(&self, group: &Group<'_>) -> usize {
        group.values.len() / self.number_bytes
    }

    /// The number of an object that stands at a place of a list.
    fn number(&self, numbers: &[u8], index: usize) -> Option<usize> {
        let number = numbers.chunks_exact(self.number_bytes).nth(index)?;
        usize::try_from(big_endian(number)).ok()
    }
}

/// How many bytes, characters or objects there are: in the marker, or in a number behind it.
fn counted(low: usize, rest: &[u8]) -> Option<(usize, &[u8])> {
    const IN_NUMBER: usize = 0xF;
    if low != IN_NUMBER {
        return Some((low, rest));
    }
    let (marker, rest) = rest.split_first().filter(|(marker, _)| *marker >> 4 == 1)?;
    let (number, rest) = rest.split_at_checked(1_usize.checked_shl(u32::from(marker & 0xF))?)?;
    Some((usize::try_from(integer(number)?).ok()?, rest))
}

/// A number without a sign; those of more than sixteen bytes are cut.
fn big_endian(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// A whole number. Only those of eight bytes and more have a sign.
fn integer(bytes: &[u8]) -> Option<i128> {
    match bytes.len() {
        8 => Some(i128::from(i64::from_be_bytes(array(bytes, 0)?))),
        1 | 2 | 4 | 16 => Some(big_endian(bytes).cast_signed()),
        _ => None,
    }
}

fn wide(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The day of a date, if it is one that people write.
fn day(seconds: f64) -> Option<String> {
    const SECONDS_A_DAY: f64 = 86_400.0;
    let seconds = Some(seconds).filter(|seconds| seconds.is_finite())?;
    let days = Span::new().try_days((seconds / SECONDS_A_DAY).floor() as i64).ok()?;
    date(2001, 1, 1).checked_add(days).ok().map(|day| day.to_string())
}

/// A group that is open.
struct Frame<'b> {
    group: Group<'b>,
    next: usize,
    path: String,
    /// The last name on the way to it, under which its values stand if they have none.
    name: String,
}

/// A list on its way out.
struct Reading<'b> {
    list: List<'b>,
    /// Objects that were handed out or opened.
    is_seen: Vec<bool>,
    /// The objects of an archive, by the numbers that stand for them.
    archived: Option<&'b [u8]>,
    open: Vec<Frame<'b>>,
    /// Numbers that were followed: no more than the file has bytes, unless groups share them.
    followed: usize,
    is_broken: bool,
    is_too_deep: bool,
}

impl<'b> Reading<'b> {
    fn new(list: List<'b>) -> Self {
        let is_seen = vec![false; list.count];
        Self { list, is_seen, archived: None, open: Vec::new(), followed: 0, is_broken: false, is_too_deep: false }
    }

    fn all(&mut self, walk: &mut Walk<'_>) -> Step {
        let top = self.list.top;
        if let Some((archived, root)) = self.archive() {
            // Values stand in no order there, so they are read where they are named.
            self.archived = Some(archived);
            self.tree(walk, root, ARCHIVE_ROOT)?;
        }
        self.tree(walk, top, "")?;
        for index in 0..self.list.count {
            if !self.is_seen[index] {
                self.tree(walk, index, UNNAMED)?;
            }
        }
        self.finish(walk)
    }

    /// Says what is wrong with the list.
    fn finish(&self, walk: &mut Walk<'_>) -> Step {
        if self.is_shared() {
            let message = "objects of the list share their bytes; not all of them were read";
            walk.problem(Problem::new(ProblemClass::Ambiguous, "overlap", message));
        }
        if self.is_too_deep {
            let message = "lists stand deeper in each other than the bound; their values were read without their names";
            walk.problem(Problem::limit("plist_depth_max", PLIST_DEPTH_MAX as u64, message));
        }
        if self.is_broken {
            walk.bad_structure("objects of the list do not fit together; its bytes were scanned as well");
        }
        if self.is_broken || self.is_shared() { plain::raw_at(walk, self.list.bytes, 0) } else { Ok(()) }
    }

    /// The objects of an archive, and the one that it was made of, if the list is an archive.
    fn archive(&self) -> Option<(&'b [u8], usize)> {
        // An archive has four names.
        const LOOKED: usize = 16;
        let Object::Group(top) = self.list.object(self.list.top)? else { return None };
        let names = top.names?;
        let find = |wanted: &str| {
            let is_wanted = |index: &usize| {
                self.list.number(names, *index).and_then(|name| self.list.text(name)).is_some_and(|name| name == wanted)
            };
            let index = (0..self.list.len(&top).min(LOOKED)).find(is_wanted)?;
            self.list.number(top.values, index)
        };
        find("$archiver")?;
        let (objects, root) = (find("$objects")?, find(ARCHIVE_ROOT)?);
        match self.list.object(objects)? {
            Object::Group(Group { names: None, values }) => Some((values, root)),
            _ => None,
        }
    }

    /// Whether more numbers were followed than an honest list has.
    fn is_shared(&self) -> bool {
        self.followed > self.list.bytes.len()
    }

    /// Hands out an object and all below it.
    fn tree(&mut self, walk: &mut Walk<'_>, root: usize, path: &str) -> Step {
        self.value(walk, root, (path, ""))?;
        self.open(walk, root, path.to_owned(), String::new())?;
        while let Some(frame) = self.open.last_mut() {
            let (group, index) = (frame.group, frame.next);
            frame.next += 1;
            if index >= self.list.len(&group) {
                self.open.pop();
                continue;
            }
            let Some((own_name, value)) = self.entry(&group, index) else { continue };
            if self.is_seen.get(value) == Some(&false) {
                let Some(frame) = self.open.last() else { break };
                let path = joined(&frame.path, own_name.as_deref().unwrap_or(&index.to_string()));
                let name = own_name.unwrap_or_else(|| frame.name.clone());
                self.open(walk, value, path, name)?;
            }
        }
        Ok(())
    }

    /// Opens an object that is a group, and hands out the values in it that are none.
    fn open(&mut self, walk: &mut Walk<'_>, index: usize, path: String, name: String) -> Step {
        let Some(group) = self.group(index).filter(|_| !self.is_seen[index] && !self.is_shared()) else {
            return Ok(());
        };
        if self.open.len() >= PLIST_DEPTH_MAX {
            self.is_too_deep = true;
            return Ok(());
        }
        walk.check_budget()?;
        self.is_seen[index] = true;
        self.followed += 2 * self.list.len(&group);
        let is_archived = self.archived == Some(group.values);
        for index in 0..self.list.len(&group) {
            let Some((own_name, value)) = self.entry(&group, index) else { continue };
            // What an archive holds was read where it is named.
            if !is_archived || !self.is_seen[value] {
                self.value(walk, value, (&path, own_name.as_deref().unwrap_or(&name)))?;
            }
        }
        self.open.push(Frame { group, next: 0, path, name });
        Ok(())
    }

    /// An object that is a group. A dictionary of an archive is two lists in another dictionary.
    fn group(&mut self, index: usize) -> Option<Group<'b>> {
        let Object::Group(group) = self.list.object(index)? else { return None };
        if self.archived.is_none() || group.names.is_none() {
            return Some(group);
        }
        match (self.inner(&group, "NS.keys"), self.inner(&group, "NS.objects")) {
            (Some((names_at, names)), Some((values_at, values))) if names.len() == values.len() => {
                self.is_seen[names_at] = true;
                self.is_seen[values_at] = true;
                Some(Group { names: Some(names), values })
            }
            _ => Some(group),
        }
    }

    /// The list that stands under a name in a dictionary of an archive, and its number.
    fn inner(&mut self, group: &Group<'b>, wanted: &str) -> Option<(usize, &'b [u8])> {
        // Beside such lists stands the class.
        const LOOKED: usize = 4;
        let mut entries = (0..self.list.len(group).min(LOOKED)).filter_map(|index| self.entry(group, index));
        let (_, list) = entries.find(|(name, _)| name.as_deref() == Some(wanted))?;
        match self.list.object(list)? {
            Object::Group(Group { names: None, values }) => Some((list, values)),
            _ => None,
        }
    }

    /// The name and the object at a place of a group.
    fn entry(&mut self, group: &Group<'b>, index: usize) -> Option<(Option<String>, usize)> {
        let name = group.names.and_then(|names| self.followed(names, index));
        let value = self.followed(group.values, index)?;
        let text = name.and_then(|name| {
            self.is_seen[name] = true;
            self.list.text(name)
        });
        Some((text, value))
    }

    /// The object that a number leads to, through the objects of an archive. None leads out of the list.
    fn followed(&mut self, numbers: &[u8], index: usize) -> Option<usize> {
        let number = self.list.number(numbers, index).filter(|number| *number < self.list.count);
        self.is_broken |= number.is_none();
        let number = number?;
        let (Some(archived), Some(Object::Uid(uid))) = (self.archived, self.list.object(number)) else {
            return Some(number);
        };
        self.is_seen[number] = true;
        let archived = usize::try_from(uid).ok().and_then(|uid| self.list.number(archived, uid));
        archived.filter(|number| *number < self.list.count).or(Some(number))
    }

    /// Hands out a value that is no group, behind its name.
    fn value(&mut self, walk: &mut Walk<'_>, index: usize, (path, name): (&str, &str)) -> Step {
        let Some(object) = self.list.object(index) else {
            self.is_broken = true;
            return Ok(());
        };
        let text = match object {
            Object::Group(_) | Object::Nothing => return Ok(()),
            Object::Integer(number) => number.to_string(),
            Object::Real(number) => number.to_string(),
            Object::Uid(number) => number.to_string(),
            Object::Date(seconds) => day(seconds).unwrap_or_default(),
            Object::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Object::Wide(bytes) => wide(bytes),
            Object::Data(bytes, _) if bytes.len() >= ITEM_BYTES_MIN || recognise::has_signature(bytes) => {
                // A value that several names lead to is one item.
                return match std::mem::replace(&mut self.is_seen[index], true) {
                    true => Ok(()),
                    false => walk.child(&joined(path, name), Relation::Embedded, Input::Bytes(bytes)),
                };
            }
            Object::Data(bytes, _) if is_utf8(bytes) && !bytes.contains(&0) => {
                String::from_utf8_lossy(bytes).into_owned()
            }
            Object::Data(bytes, at) => {
                self.is_seen[index] = true;
                return plain::raw_at(walk, bytes, at as u64);
            }
        };
        let text = cells::shown(&text, std::mem::replace(&mut self.is_seen[index], true)).to_owned();
        let part = Part { role: Role::Body, name: path };
        if name.is_empty() {
            let place = Place::None;
            return walk.emit(&Segment { text: text.as_bytes(), part, place, join: Join::Line, origin: Origin::None });
        }
        cells::value(walk, (name, &text), (part, Place::None, Join::Line))
    }
}

/// A path with one more name, unless it is as long as paths may be.
fn joined(path: &str, name: &str) -> String {
    match path {
        "" => name[..name.floor_char_boundary(PATH_BYTES_MAX)].to_owned(),
        path if path.len() + name.len() >= PATH_BYTES_MAX => path.to_owned(),
        path => format!("{path}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_days_are_what_they_say() {
        let rows: [(&[u8], Option<i128>); 6] = [
            (&[0xFF], Some(255)),
            (&[0xFF, 0xFF], Some(65_535)),
            (&[0xFF; 4], Some(4_294_967_295)),
            (&[0xFF; 8], Some(-1)),
            (&[0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], Some(u64::MAX.into())),
            (&[1, 2, 3], None),
        ];
        for (bytes, expected) in rows {
            assert_eq!(integer(bytes), expected, "{bytes:?}");
        }
        let rows = [
            (0.0, Some("2001-01-01")),
            (86_399.0, Some("2001-01-01")),
            (-1.0, Some("2000-12-31")),
            (-499_132_800.0, Some("1985-03-09")),
            (f64::NAN, None),
            (f64::INFINITY, None),
            (1e300, None),
        ];
        for (seconds, expected) in rows {
            assert_eq!(day(seconds).as_deref(), expected, "{seconds}");
        }
    }

    #[test]
    fn paths_end_at_their_bound() {
        assert_eq!(joined("", "a"), "a");
        assert_eq!(joined("a", "0"), "a/0");
        let long = "x".repeat(PATH_BYTES_MAX);
        assert_eq!(joined("a", &long), "a");
        assert_eq!(joined("", &format!("{long}x")), long);
    }
}
