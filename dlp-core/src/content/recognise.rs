//! The kind of an input by its content: a table of signatures, then checks that need more than a prefix.

use super::walk::Item;
use super::{Input, Kind, ReadSeek, cms, html, image, mail, metafile, odf, packed, pdf, serial};
use crate::text;
use std::io::{Cursor, Read, SeekFrom};

/// Bytes that are looked at before anything is decided.
pub(super) const HEAD_BYTES: usize = 64 * 1024;
/// Bytes at the end in which a ZIP archive must have its directory: the record and the longest comment.
const TAIL_BYTES: u64 = 22 + 65_535;
/// Length of a tar header.
const TAR_HEADER_BYTES: usize = 512;

/// Signatures: offset, bytes, kind. Formats that are only named end as `unsupported`.
const SIGNATURES: &[(usize, &[u8], Kind)] = &[
    (0, b"PK\x03\x04", Kind::Zip),
    (0, b"PK\x05\x06", Kind::Zip),
    (0, b"PK\x07\x08PK\x03\x04", Kind::Zip),
    (0, b"PK00PK\x03\x04", Kind::Zip),
    (0, b"\x1f\x8b\x08", Kind::Gzip),
    (0, b"%PDF-", Kind::Pdf),
    (0, b"{\\rt", Kind::Rtf),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind::Cfb),
    (257, b"ustar", Kind::Tar),
    (0, b"\xfd7zXZ\0", Kind::Xz),
    (0, b"\x28\xb5\x2f\xfd", Kind::Zstd),
    (0, b"\x04\x22\x4d\x18", Kind::Lz4),
    (0, b"\x02\x21\x4c\x18", Kind::Lz4),
    (0, b"LZIP\x01", Kind::Lzip),
    (0, b"\x1f\x9d", Kind::Compress),
    (0, b"\x89LZO\0\r\n\x1a\n", Kind::Other("lzop")),
    (0, b"\xff\x06\0\0sNaPpY", Kind::Snappy),
    (0, b"7z\xbc\xaf\x27\x1c", Kind::SevenZip),
    (0, b"Rar!\x1a\x07", Kind::Rar),
    (0, b"MSCF\0\0\0\0", Kind::Cabinet),
    (0, b"!<arch>\n", Kind::Ar),
    (0, b"!<thin>\n", Kind::Ar),
    (0, b"\xed\xab\xee\xdb", Kind::Rpm),
    (0, b"WARC/1.", Kind::Warc),
    (0, b"WARC/0.", Kind::Warc),
    (32_769, b"CD001", Kind::Iso),
    (32_769, b"BEA01", Kind::Other("udf")),
    (0, b"hsqs", Kind::Other("squashfs")),
    (0, b"MSWIM\0\0\0", Kind::Other("wim")),
    (7, b"**ACE**", Kind::Other("ace")),
    (20, b"\xdc\xa7\xc4\xfd", Kind::Other("zoo")),
    (0, b"ALZ\x01", Kind::Other("alz")),
    (0, b"EGGA\0\x01", Kind::Other("egg")),
    (0, b"LRZI\0", Kind::Other("lrzip")),
    (0, b"7kSt\xa0\x31\x83\xd3", Kind::Other("zpaq")),
    (0, b"xar!\0\x1c", Kind::Other("xar")),
    (0, b"SZDD\x88\xf0\x27\x33", Kind::Other("ms-compress")),
    (0, b"KWAJ\x88\xf0\x27\xd1", Kind::Other("ms-compress")),
    (0, b"\xca\xfe\xd0\x0d", Kind::Other("pack200")),
    (0, b"QFI\xfb", Kind::Other("qcow")),
    (0, b"KDMV\x01\0\0\0", Kind::Other("vmdk")),
    (0, b"KDMV\x03\0\0\0", Kind::Other("vmdk")),
    (0, b"vhdxfile", Kind::Other("vhdx")),
    (0, b"EVF\x09\x0d\x0a\xff\0", Kind::Other("ewf")),
    (0, b"ITSF\x03\0\0\0", Kind::Other("chm")),
    (60, b"BOOKMOBI", Kind::Other("mobi")),
    (60, b"TEXtREAd", Kind::Other("palmdoc")),
    (0, b"AT&TFORM", Kind::Other("djvu")),
    (0, b"\xffWPC", Kind::Other("wordperfect")),
    (0, b"AC1015\0", Kind::Other("dwg")),
    (0, b"AC1018\0", Kind::Other("dwg")),
    (0, b"AC1021\0", Kind::Other("dwg")),
    (0, b"AC1024\0", Kind::Other("dwg")),
    (0, b"AC1027\0", Kind::Other("dwg")),
    (0, b"AC1032\0", Kind::Other("dwg")),
    (4, b"Standard Jet DB\0", Kind::Other("access")),
    (4, b"Standard ACE DB\0", Kind::Other("access")),
    (0, b"\x89HDF\r\n\x1a\n", Kind::Other("hdf5")),
    (0, b"SQLite format 3\0", Kind::Sqlite),
    (0, b"\xff\xd8\xff", Kind::Jpeg),
    (0, b"\x89PNG\r\n\x1a\n", Kind::Png),
    (0, b"GIF87a", Kind::Gif),
    (0, b"GIF89a", Kind::Gif),
    (0, b"II*\0", Kind::Tiff),
    (0, b"MM\0*", Kind::Tiff),
    (8, b"WEBPVP8", Kind::Webp),
    (0, b"bplist0", Kind::PropertyList),
    (0, b"PACK\0\0\0\x02", Kind::GitPack),
    (0, b"PACK\0\0\0\x03", Kind::GitPack),
    (0, b"# v2 git bundle\n", Kind::GitBundle),
    (0, b"# v3 git bundle\n", Kind::GitBundle),
    (0, b"PAR1", Kind::Parquet),
    // A file in yEnc without the message that it was posted in.
    (0, b"=ybegin ", Kind::Mail),
    (0, b"Obj\x01", Kind::Avro),
    (0, b"ARROW1\0\0", Kind::Other("arrow")),
    (0, b"FEA1\0\0\0\0", Kind::Other("feather")),
    (0, b"!BDN", Kind::Pst),
    (0, b"\x78\x9f\x3e\x22", Kind::Tnef),
    (0, b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", Kind::OneNote),
];

/// What the item is. A text's character set is kept in the item.
pub(super) fn kind(item: &mut Item<'_, '_>) -> Kind {
    let head = item.head;
    if let Some(kind) = by_signature(head) {
        return kind;
    }
    if metafile::is_metafile(head) {
        return Kind::Metafile;
    }
    if image::is_bitmap(head) {
        return Kind::Bmp;
    }
    if is_bzip2(head) {
        return Kind::Bzip2;
    }
    if is_lha(head) {
        return Kind::Other("lha");
    }
    if is_arj(head) {
        return Kind::Other("arj");
    }
    if is_orc(head) {
        return Kind::Other("orc");
    }
    if serial::is_cpio(head) {
        return Kind::Cpio;
    }
    if cms::is_cms(head) {
        return Kind::Cms;
    }
    if packed::is_lzma(head) {
        return Kind::Lzma;
    }
    if let Some(kind) = behind_skippable(head) {
        return kind;
    }
    if has_tar_checksum(head) {
        return Kind::Tar;
    }
    // A document of ASCII filters alone looks like text.
    if pdf::is_behind_prefix(head) {
        return Kind::Pdf;
    }
    if let Some(kind) = by_first_lines(head) {
        return kind;
    }
    item.charset = text::detect(head, item.whole);
    if item.charset.is_some() {
        return if html::is_markup(head) { Kind::Html } else { Kind::Text };
    }
    if memchr::memmem::find(&head[..head.len().min(pdf::HEAD_BYTES)], b"%PDF-").is_some() {
        return Kind::Pdf;
    }
    match has_zip_tail(&mut item.input) {
        true => Kind::Zip,
        // Nothing but the name tells brotli.
        false if item.name.to_ascii_lowercase().ends_with(".br") => Kind::Brotli,
        false => Kind::Binary,
    }
}

pub(super) fn by_signature(head: &[u8]) -> Option<Kind> {
    let mut asked = BY_FIRST_BYTE[usize::from(*head.first()?)];
    let signatures = std::iter::from_fn(|| {
        let index = (asked != 0).then(|| asked.trailing_zeros() as usize)?;
        asked &= asked - 1;
        Some(&SIGNATURES[index])
    });
    let stands = |at: usize, bytes: &[u8]| head.get(at) == bytes.first() && head[at..].starts_with(bytes);
    let mut found = signatures.filter(|(at, bytes, _)| stands(*at, bytes));
    found.find(|signature| !may_be_prose(head, signature)).map(|(_, _, kind)| *kind)
}

/// Whether a text may have a signature by chance, or by somebody who wants it to be passed over: one of letters alone, without
/// the small numbers beside it that each of these formats has.
fn may_be_prose(head: &[u8], (at, bytes, kind): &(usize, &[u8], Kind)) -> bool {
    const BESIDE_BYTES: usize = 32;
    if *kind == Kind::PropertyList {
        // Its small numbers may stand anywhere, at the latest behind its objects.
        return !head.iter().any(|byte| *byte < b'\t');
    }
    if !matches!(kind, Kind::Other(_)) || !bytes.iter().all(|byte| (b' '..=b'~').contains(byte)) {
        return false;
    }
    let end = head.len().min(at + bytes.len() + BESIDE_BYTES);
    !head[at.saturating_sub(BESIDE_BYTES)..end].iter().any(|byte| *byte < b'\t')
}

/// The signatures that do not stand at the beginning, one bit each.
const FARTHER_BEHIND: u128 = {
    let (mut set, mut index) = (0, 0);
    while index < SIGNATURES.len() {
        set |= ((SIGNATURES[index].0 > 0) as u128) << index;
        index += 1;
    }
    set
};

/// For each byte the signatures that something may have that begins with it, one bit each: every code in a text is
/// asked whether it is a file.
static BY_FIRST_BYTE: [u128; 256] = {
    let mut table = [FARTHER_BEHIND; 256];
    let mut index = 0;
    while index < SIGNATURES.len() {
        if SIGNATURES[index].0 == 0 {
            table[SIGNATURES[index].1[0] as usize] |= 1 << index;
        }
        index += 1;
    }
    table
};

/// Whether bytes are a file by their first bytes.
pub(super) fn has_signature(bytes: &[u8]) -> bool {
    by_signature(bytes).is_some() || serial::is_cpio(bytes) || cms::is_cms(bytes)
}

/// Whether bytes that begin with this one may have a signature at their beginning, those of cpio and CMS among them.
pub(super) fn may_have_signature(first: u8) -> bool {
    MAY_BE_FIRST[usize::from(first)]
}

/// Whether something that begins with a byte may have a signature there.
static MAY_BE_FIRST: [bool; 256] = {
    let (mut table, mut byte) = ([false; 256], 0);
    while byte < table.len() {
        table[byte] = BY_FIRST_BYTE[byte] != FARTHER_BEHIND || matches!(byte as u8, b'0' | 0x71 | 0xC7);
        byte += 1;
    }
    table
};

/// Formats of text without a signature.
fn by_first_lines(head: &[u8]) -> Option<Kind> {
    if mail::is_mailbox(head) {
        return Some(Kind::Mailbox);
    }
    if mail::is_message(head) {
        return Some(Kind::Mail);
    }
    if is_rtf_behind_blanks(head) {
        return Some(Kind::Rtf);
    }
    odf::is_flat(head).then_some(Kind::OpenDocument)
}

/// Word opens documents behind a byte order mark and blanks, too.
fn is_rtf_behind_blanks(head: &[u8]) -> bool {
    head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start().starts_with(b"{\\rt")
}

fn is_bzip2(head: &[u8]) -> bool {
    let level_and_block = head.strip_prefix(b"BZh").and_then(|rest| rest.split_first());
    level_and_block.is_some_and(|(level, rest)| level.is_ascii_digit() && rest.starts_with(b"1AY&SY"))
}

/// An archive of LHA: its method stands in front of the sizes, which have zeros.
fn is_lha(head: &[u8]) -> bool {
    let is_method = matches!(head.get(2..7), Some([b'-', b'l', b'h' | b'z', _, b'-']));
    is_method && head.get(7..15).is_some_and(|sizes| sizes.contains(&0))
}

/// An archive of ARJ: the head of the archive itself comes first, which is no longer than a name and a comment.
fn is_arj(head: &[u8]) -> bool {
    const HEAD_BYTES_MAX: u16 = 2_600;
    const OF_ARCHIVE: u8 = 2;
    match head {
        [0x60, 0xEA, low, high, (30..), _, _, _, _, _, OF_ARCHIVE, ..] => {
            (30..=HEAD_BYTES_MAX).contains(&u16::from_le_bytes([*low, *high]))
        }
        _ => false,
    }
}

/// Columns of ORC: its letters, and behind them what no text begins with.
fn is_orc(head: &[u8]) -> bool {
    const LOOKED_BYTES: usize = 16;
    let behind = head.strip_prefix(b"ORC").unwrap_or_default();
    behind.iter().take(LOOKED_BYTES).any(|byte| *byte < b'\t')
}

/// What stands behind frames to be skipped. Where that cannot be seen, zstd is tried, whose frames they are.
fn behind_skippable(head: &[u8]) -> Option<Kind> {
    let (mut rest, mut skipped) = (head, 0);
    while let Some(([0x50..=0x5F, 0x2A, 0x4D, 0x18, len @ ..], behind)) = rest.split_first_chunk::<8>() {
        skipped += 1;
        rest = match behind.get(u32::from_le_bytes(*len) as usize..) {
            Some(behind) if !behind.is_empty() => behind,
            _ => return Some(Kind::Zstd),
        };
    }
    by_signature(rest).filter(|kind| skipped > 0 && matches!(kind, Kind::Zstd | Kind::Lz4))
}

/// A tar header without signature: the sum of its bytes, the field of the sum counted as spaces.
fn has_tar_checksum(head: &[u8]) -> bool {
    let Some(header) = head.get(..TAR_HEADER_BYTES) else { return false };
    let field = &header[148..156];
    let digits: String = field.iter().map(|byte| char::from(*byte)).collect();
    let digits = digits.trim_matches(['\0', ' ']);
    let Ok(stated) = u32::from_str_radix(digits, 8) else { return false };
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    let own: u32 = field.iter().map(|byte| u32::from(*byte)).sum();
    header[0] != 0 && stated == sum - own + 8 * u32::from(b' ')
}

/// An archive behind something else: a self-extractor, or a file that is two things.
fn has_zip_tail(input: &mut Input<'_>) -> bool {
    match input {
        Input::Bytes(bytes) => tail_holds_directory(&mut Cursor::new(*bytes)),
        Input::Seekable(reader) => {
            let found = tail_holds_directory(*reader);
            reader.seek(SeekFrom::Start(0)).is_ok() && found
        }
        Input::Stream(_) => false,
    }
}

/// Whether the end of a file has the end record of an archive.
pub(super) fn tail_holds_directory(reader: &mut dyn ReadSeek) -> bool {
    let mut tail = Vec::new();
    let read = reader
        .seek(SeekFrom::End(0))
        .and_then(|len| reader.seek(SeekFrom::Start(len.saturating_sub(TAIL_BYTES))))
        .and_then(|_| reader.take(TAIL_BYTES).read_to_end(&mut tail));
    // Searching forward is what vectors are used for.
    read.is_ok() && memchr::memmem::find(&tail, b"PK\x05\x06").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_of_letters_are_none_in_texts() {
        let behind_name = |mark: &[u8]| [&[b'n'; 20][..], &[0; 40], mark, &[0; 20]].concat();
        let files: [(&[u8], &str); 6] = [
            (b"\x5a\xb3\x31\0\0\0\x10**ACE**\x14\x14\x02", "ace"),
            (b"vhdxfileM\0i\0c\0r\0", "vhdx"),
            (b"AT&TFORM\0\0\x1a\x2bDJVU", "djvu"),
            (b"hsqs\x07\0\0\0\x01\x02\x03\x60\0\0\x02\0", "squashfs"),
            (&behind_name(b"BOOKMOBI"), "mobi"),
            (&behind_name(b"TEXtREAd"), "palmdoc"),
        ];
        for (file, expected) in files {
            assert_eq!(by_signature(file), Some(Kind::Other(expected)), "{}", file.escape_ascii());
        }
        let line = "a line of sixty letters and more, with **ACE** far behind it: ";
        let texts = ["# Meet **ACE**, our tool", "vhdxfile = disk", "AT&TFORM of 2026", "hsqs: see below", &line[..60]];
        for text in texts {
            let text = [text.as_bytes(), b"BOOKMOBI TEXtREAd and a paragraph of text\r\n\twith lines"].concat();
            assert_eq!(by_signature(&text), None, "{}", text.escape_ascii());
        }
    }
}
