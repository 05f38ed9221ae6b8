//! Files that old documents wrap as objects: the packages of the first OLE, and its headers around other objects.

use super::names;

/// Longest name in a header that is believed.
const NAME_BYTES_MAX: usize = 4 * 1024;

/// A file that was wrapped.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrapped<'d> {
    pub(super) name: String,
    pub(super) bytes: &'d [u8],
}

/// The object behind a header of the first OLE: version, kind, class, topic, item, then the data with its length.
pub(super) fn object(data: &[u8]) -> Option<Wrapped<'_>> {
    const EMBEDDED: u32 = 2;
    let mut reader = Reader(data);
    let _version = reader.u32()?;
    if reader.u32()? != EMBEDDED {
        return None;
    }
    let class = reader.counted()?;
    let (_topic, _item) = (reader.counted()?, reader.counted()?);
    let len = reader.u32()? as usize;
    let bytes = &reader.0[..len.min(reader.0.len())];
    let class = names::decode(class.split(|byte| *byte == 0).next()?, false).primary;
    if class.eq_ignore_ascii_case("Package")
        && let Some(inner) = package(bytes)
    {
        return Some(inner);
    }
    Some(Wrapped { name: class, bytes })
}

/// A package: its name, the path it came from, then the file. `native` streams have their length in front.
pub(super) fn package(data: &[u8]) -> Option<Wrapped<'_>> {
    const MARK: u16 = 2;
    const FILE: u32 = 3;
    let mut reader = Reader(data);
    if reader.u16()? != MARK {
        reader = Reader(data.get(4..)?);
        if reader.u16()? != MARK {
            return None;
        }
    }
    let name = reader.terminated()?;
    let _path = reader.terminated()?;
    if reader.u32()? >> 16 != FILE {
        return None;
    }
    let _temporary = reader.counted()?;
    let len = reader.u32()? as usize;
    let bytes = &reader.0[..len.min(reader.0.len())];
    Some(Wrapped { name: names::decode(name, false).primary, bytes })
}

/// Takes fields from the front.
struct Reader<'d>(&'d [u8]);

impl<'d> Reader<'d> {
    fn u16(&mut self) -> Option<u16> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u16::from_le_bytes(*bytes))
    }

    fn u32(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*bytes))
    }

    /// A string with its length in front.
    fn counted(&mut self) -> Option<&'d [u8]> {
        let len = self.u32()? as usize;
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    /// A string up to its zero.
    fn terminated(&mut self) -> Option<&'d [u8]> {
        let len = self.0.iter().take(NAME_BYTES_MAX).position(|byte| *byte == 0)?;
        let bytes = &self.0[..len];
        self.0 = &self.0[len + 1..];
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(bytes: &[u8]) -> Vec<u8> {
        [&(bytes.len() as u32).to_le_bytes()[..], bytes].concat()
    }

    fn packed(name: &[u8], bytes: &[u8]) -> Vec<u8> {
        [b"\x02\0", name, b"\0C:\\x\0", &[0, 0, 3, 0], &counted(b"C:\\t\0"), &counted(bytes)].concat()
    }

    #[test]
    fn wrapped_files_are_unwrapped() {
        let header = [&[1, 5, 0, 0, 2, 0, 0, 0][..], &counted(b"Package\0"), &counted(b""), &counted(b"")].concat();
        let document =
            [&[1, 5, 0, 0, 2, 0, 0, 0][..], &counted(b"Word.Document.8\0"), &counted(b""), &counted(b"")].concat();
        let linked = [&[1, 5, 0, 0, 1, 0, 0, 0][..], &counted(b"Package\0")].concat();
        let file = |name: &str, bytes: &'static [u8]| Some(Wrapped { name: name.to_owned(), bytes });
        let native = [&99_u32.to_le_bytes()[..], &packed(b"a.txt", b"file")].concat();
        let rows: Vec<(Vec<u8>, Option<Wrapped<'_>>)> = vec![
            ([header.clone(), counted(&packed(b"a.txt", b"file"))].concat(), file("a.txt", b"file")),
            ([header, counted(b"strange")].concat(), file("Package", b"strange")),
            ([document, counted(b"data")].concat(), file("Word.Document.8", b"data")),
            (linked, None),
            (vec![1, 5], None),
        ];
        for (bytes, expected) in &rows {
            assert_eq!(&object(bytes), expected);
        }
        assert_eq!(package(&native), file("a.txt", b"file"));
        assert_eq!(package(b"\x02\0a\0"), None);
    }
}
