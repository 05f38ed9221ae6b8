//! Files that hold credentials among other things: whether a key is in a keystore, and whose a registry or a dump is.
//!
//! A store of trusted certificates looks like one of keys but for its entries, and most registries and dumps are
//! nobody's secret. So the entries are walked as far as the value reaches: a key that is seen proves it, an end without
//! one refutes it, and a value that was cut off before either is left open.
//!
//! JKS and JCEKS as `sun.security.provider.JavaKeyStore` of OpenJDK writes them, BKS as Bouncy Castle does, PKCS#12 as
//! in RFC 7292, registries as in the format specification of M. Suhanov, dumps as `minidumpapiset.h` describes them.

use super::super::Verdict;

/// Entries of a store that are walked.
const ENTRIES_MAX: usize = 4_096;

/// Bytes that are read from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u16(&mut self) -> Option<usize> {
        self.take(2).map(|bytes| usize::from(bytes[0]) << 8 | usize::from(bytes[1]))
    }

    fn u32(&mut self) -> Option<usize> {
        self.take(4).map(|bytes| bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
    }

    /// A text behind its length.
    fn text(&mut self) -> Option<&'a [u8]> {
        let len = self.u16()?;
        self.take(len)
    }

    /// Bytes behind their length.
    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.u32()?;
        self.take(len)
    }
}

/// JKS and JCEKS: magic, version, number of entries, and the entries, each with its kind.
pub(super) fn java_keystore(value: &[u8]) -> Verdict {
    walk_java(&mut Reader(value)).unwrap_or(Verdict::NotApplicable)
}

/// `None` where the value ends too early.
fn walk_java(reader: &mut Reader<'_>) -> Option<Verdict> {
    reader.take(4)?;
    let version = reader.u32()?;
    let count = reader.u32()?;
    for _ in 0..count.min(ENTRIES_MAX) {
        match reader.u32()? {
            // A private key, or a secret one.
            1 | 3 => return Some(Verdict::Valid),
            2 => {}
            _ => return Some(Verdict::Invalid),
        }
        reader.text()?;
        reader.take(8)?;
        if version == 2 {
            reader.text()?;
        }
        reader.bytes()?;
    }
    Some(Verdict::Invalid)
}

/// BKS: version, salt, iterations, and entries up to one of kind 0.
pub(super) fn bouncy_keystore(value: &[u8]) -> Verdict {
    walk_bouncy(&mut Reader(value)).unwrap_or(Verdict::NotApplicable)
}

fn walk_bouncy(reader: &mut Reader<'_>) -> Option<Verdict> {
    reader.take(4)?;
    reader.bytes()?;
    reader.take(4)?;
    for _ in 0..ENTRIES_MAX {
        match reader.u8()? {
            // A key, a secret, a sealed key.
            2..=4 => return Some(Verdict::Valid),
            1 => {}
            _ => return Some(Verdict::Invalid),
        }
        reader.text()?;
        reader.take(8)?;
        for _ in 0..reader.u32()?.min(ENTRIES_MAX) {
            reader.text()?;
            reader.bytes()?;
        }
        reader.text()?;
        reader.bytes()?;
    }
    Some(Verdict::Invalid)
}

/// The arc of PKCS#7, and that of the bags of PKCS#12.
const PKCS7: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07";
const BAGS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01";

/// PKCS#12: whether one of its safes has a key. Safes under a password hold certificates, because keys have one of
/// their own; a file of such safes alone is a store of certificates.
pub(super) fn pkcs12(value: &[u8]) -> Verdict {
    let Some(safes) = safes(value) else { return Verdict::NotApplicable };
    let mut rest = safes;
    for _ in 0..ENTRIES_MAX {
        if rest.is_empty() || rest.starts_with(&[0, 0]) {
            return Verdict::Invalid;
        }
        let Some(safe) = Element::of(&mut rest) else { return Verdict::NotApplicable };
        match holds_key(safe.content) {
            Some(true) => return Verdict::Valid,
            Some(false) if safe.is_whole => {}
            // Programs that leave certificates in the clear write them behind the keys.
            Some(false) => return Verdict::Invalid,
            None if safe.is_whole => {}
            None => return Verdict::NotApplicable,
        }
    }
    Verdict::NotApplicable
}

/// The safes of a PKCS#12 file, as far as they are there. `None` for a signed one, and for pieces of open length.
fn safes(value: &[u8]) -> Option<&[u8]> {
    let mut rest = Element::of(&mut &*value)?.content;
    Element::of(&mut rest)?;
    let mut info = Element::of(&mut rest)?.content;
    let kind = Element::of(&mut info)?;
    let mut explicit = Element::of(&mut info)?.content;
    let octets = Element::of(&mut explicit)?;
    let is_data = kind.content.strip_prefix(PKCS7) == Some(&[1]) && octets.tag == 4;
    is_data.then(|| Element::of(&mut &*octets.content)).flatten().map(|safes| safes.content)
}

/// Whether a safe in the clear holds a key; `None` when it is under a password.
fn holds_key(mut info: &[u8]) -> Option<bool> {
    let kind = Element::of(&mut info)?;
    if kind.content.strip_prefix(PKCS7) != Some(&[1]) {
        return None;
    }
    let octets = Element::of(&mut Element::of(&mut info)?.content)?;
    let mut bags = Element::of(&mut &*octets.content)?.content;
    while let Some(bag) = Element::of(&mut bags) {
        let kind = Element::of(&mut &*bag.content).and_then(|kind| kind.content.strip_prefix(BAGS));
        // A key, one under a password, a secret.
        if matches!(kind, Some([1 | 2 | 5])) {
            return Some(true);
        }
    }
    Some(false)
}

/// An element of BER, as far as it is there.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    is_whole: bool,
}

impl<'a> Element<'a> {
    /// The next element. One of open length reaches to the end.
    fn of(rest: &mut &'a [u8]) -> Option<Self> {
        let [tag, first, behind @ ..] = *rest else { return None };
        let (length, content) = match first {
            0..=0x7f => (usize::from(*first), behind),
            0x80 => (usize::MAX, behind),
            0x81..=0x84 => {
                let (length, content) = behind.split_at_checked(usize::from(first & 0x0f))?;
                (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), content)
            }
            _ => return None,
        };
        let (content, behind) = content.split_at(length.min(content.len()));
        *rest = behind;
        Some(Self { tag: *tag, content, is_whole: content.len() == length })
    }
}

/// Keys at the top of the registries that hold accounts, secrets of the machine, and what opens both: of each of these,
/// the names all stand in the registry that has them.
const HIVES: &[&[&[u8]]] =
    &[&[b"SAM", b"Domains"], &[b"Policy", b"RXACT"], &[b"Policy", b"Secrets"], &[b"ControlSet001", b"Select"]];

/// Names of files that registries bear at their start.
const HIVE_NAMES: &[&[u8]] = &[b"\\SAM", b"\\SECURITY", b"\\SYSTEM"];

/// Bytes of the head of a registry, and of the head of each of its parts.
const HIVE_HEAD_BYTES: usize = 4_096;
const BIN_HEAD_BYTES: usize = 32;

/// A registry: whether its name or the names of its first keys say that accounts are in it.
pub(super) fn registry_hive(value: &[u8]) -> Verdict {
    let wide = value.get(48..112).unwrap_or_default();
    let name: Vec<u8> = wide.chunks_exact(2).map(|pair| pair[0]).take_while(|byte| *byte != 0).collect();
    if HIVE_NAMES.iter().any(|known| name.to_ascii_uppercase().ends_with(known)) {
        return Verdict::Valid;
    }
    let keys = first_keys(value.get(HIVE_HEAD_BYTES + BIN_HEAD_BYTES..).unwrap_or_default());
    HIVES.iter().any(|known| known.iter().all(|name| keys.contains(name))).into()
}

/// The names of the keys in the first cells of a registry.
fn first_keys(cells: &[u8]) -> Vec<&[u8]> {
    let mut keys = Vec::new();
    let mut rest = cells;
    while let Some((size, cell)) = rest.split_first_chunk::<4>() {
        let size = i32::from_le_bytes(*size).unsigned_abs() as usize;
        if cell.starts_with(b"nk") {
            let len = cell.get(72..74).map_or(0, |len| usize::from(u16::from_le_bytes([len[0], len[1]])));
            keys.extend(cell.get(76..76 + len));
        }
        let Some(next) = rest.get(size.max(8)..) else { break };
        rest = next;
    }
    keys
}

/// Modules that the process of signed-in users has, and no other.
const SIGN_IN_MODULES: &[&str] = &["lsass.exe", "lsasrv.dll"];

/// A dump of a process: whether the names of its modules, in UTF-16, say that it is the one that keeps passwords.
pub(super) fn process_dump(value: &[u8]) -> Verdict {
    let small: Vec<u8> = value.to_ascii_lowercase();
    let is_one = SIGN_IN_MODULES.iter().any(|name| {
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        memchr::memmem::find(&small, &wide).is_some()
    });
    is_one.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn u32(number: usize) -> Vec<u8> {
        (number as u32).to_be_bytes().to_vec()
    }

    fn text(text: &str) -> Vec<u8> {
        [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
    }

    fn bytes(len: usize) -> Vec<u8> {
        [u32(len), vec![0x5a; len]].concat()
    }

    fn java(kinds: &[usize]) -> Vec<u8> {
        let entry = |kind: &usize| [u32(*kind), text("name"), vec![1; 8], text("X.509"), bytes(700)].concat();
        [vec![0xfe, 0xed, 0xfe, 0xed], u32(2), u32(kinds.len()), kinds.iter().flat_map(entry).collect()].concat()
    }

    fn bouncy(kinds: &[u8]) -> Vec<u8> {
        let entry = |kind: &u8| {
            let chain = [u32(1), text("X.509"), bytes(40)].concat();
            [vec![*kind], text("name"), vec![1; 8], chain, text("X.509"), bytes(700)].concat()
        };
        [u32(2), bytes(20), u32(1_500), kinds.iter().flat_map(entry).collect(), vec![0]].concat()
    }

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, 0x82][..], &(content.len() as u16).to_be_bytes(), content].concat()
    }

    /// A safe with bags of these kinds, or one under a password.
    fn safe(bags: &[u8]) -> Vec<u8> {
        let kind = |number: u8| der(6, &[PKCS7, &[number]].concat());
        if bags.is_empty() {
            return der(0x30, &[kind(6), der(0xa0, &[0x5a; 900])].concat());
        }
        let bag = |number: &u8| der(0x30, &[der(6, &[BAGS, &[*number]].concat()), der(0xa0, &[0x5a; 600])].concat());
        let bags = der(0x30, &bags.iter().flat_map(bag).collect::<Vec<u8>>());
        der(0x30, &[kind(1), der(0xa0, &der(4, &bags))].concat())
    }

    fn pfx(safes: &[Vec<u8>]) -> Vec<u8> {
        let octets = der(4, &der(0x30, &safes.concat()));
        let info = der(0x30, &[der(6, &[PKCS7, &[1]].concat()), der(0xa0, &octets)].concat());
        der(0x30, &[vec![2, 1, 3], info].concat())
    }

    fn hive(name: &str, keys: &[&str]) -> Vec<u8> {
        let mut bytes = [b"regf".to_vec(), vec![0; 44]].concat();
        bytes.extend(name.encode_utf16().flat_map(u16::to_le_bytes));
        bytes.resize(HIVE_HEAD_BYTES, 0);
        bytes.extend([b"hbin".to_vec(), vec![0; 28]].concat());
        for key in keys {
            let cell = [b"nk".to_vec(), vec![0; 70], (key.len() as u16).to_le_bytes().to_vec(), vec![0; 2]].concat();
            let cell = [cell, key.as_bytes().to_vec()].concat();
            bytes.extend((-(cell.len() as i32 + 4)).to_le_bytes());
            bytes.extend(cell);
        }
        bytes
    }

    fn dump(module: &str) -> Vec<u8> {
        let name: Vec<u8> = module.encode_utf16().flat_map(u16::to_le_bytes).collect();
        [b"MDMP\x93\xa7".to_vec(), vec![0; 600], name].concat()
    }

    #[test]
    fn containers_are_told_by_what_is_in_them() {
        use Verdict::{Invalid, NotApplicable, Valid};
        type Row = (&'static str, fn(&[u8]) -> Verdict, Vec<u8>, Verdict);
        let rows: Vec<Row> = vec![
            ("a key first", java_keystore, java(&[1, 2]), Valid),
            ("a key behind certificates", java_keystore, java(&[2, 2, 2, 1]), Valid),
            ("a secret key", java_keystore, java(&[2, 3]), Valid),
            ("certificates", java_keystore, java(&[2, 2]), Invalid),
            ("no entries", java_keystore, java(&[]), Invalid),
            ("an unknown kind", java_keystore, java(&[7]), Invalid),
            ("cut off", java_keystore, java(&[2, 2, 1])[..900].to_vec(), NotApplicable),
            ("nothing", java_keystore, Vec::new(), NotApplicable),
            ("a key", bouncy_keystore, bouncy(&[2]), Valid),
            ("a sealed key behind a certificate", bouncy_keystore, bouncy(&[1, 4]), Valid),
            ("certificates", bouncy_keystore, bouncy(&[1, 1]), Invalid),
            ("cut off", bouncy_keystore, bouncy(&[1, 1])[..700].to_vec(), NotApplicable),
            ("a key in a safe", pkcs12, pfx(&[safe(&[2])]), Valid),
            ("a key behind certificates", pkcs12, pfx(&[safe(&[]), safe(&[2])]), Valid),
            ("a key in the clear", pkcs12, pfx(&[safe(&[3, 1])]), Valid),
            ("certificates in the clear", pkcs12, pfx(&[safe(&[3, 3])]), Invalid),
            ("certificates under a password", pkcs12, pfx(&[safe(&[])]), Invalid),
            ("cut off in the clear", pkcs12, pfx(&[safe(&[3, 3, 3])])[..1_500].to_vec(), Invalid),
            ("cut off under a password", pkcs12, pfx(&[safe(&[]), safe(&[2])])[..700].to_vec(), NotApplicable),
            ("nothing", pkcs12, Vec::new(), NotApplicable),
            ("accounts, by name", registry_hive, hive("\\SystemRoot\\System32\\Config\\SAM", &[]), Valid),
            ("accounts, by keys", registry_hive, hive("", &["ROOT", "SAM", "Domains"]), Valid),
            ("secrets, by keys", registry_hive, hive("", &["Policy", "Secrets"]), Valid),
            ("the system, by keys", registry_hive, hive("x.hiv", &["ROOT", "ControlSet001", "Select"]), Valid),
            ("a user", registry_hive, hive("\\??\\C:\\Users\\ann\\ntuser.dat", &["ROOT", "Software"]), Invalid),
            ("nothing", registry_hive, Vec::new(), Invalid),
            ("the process that signs in", process_dump, dump("C:\\Windows\\System32\\LSASS.EXE"), Valid),
            ("another process", process_dump, dump("C:\\Windows\\notepad.exe"), Invalid),
        ];
        for (case, check, value, expected) in rows {
            assert_eq!(check(&value), expected, "{case}");
        }
    }
}
