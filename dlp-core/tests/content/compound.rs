//! Compound files: documents of older Office versions, in files that the tests build.

use crate::support::*;
use dlp_core::base::{Cancel, Limits};
use dlp_core::content::{Completeness, Finding, Input, Kind, Role};
use dlp_core::inspect::{Collected, Inspector, Job};
use dlp_core::matching::{DetectorSet, Scratch};
use std::io::Read as _;

const SECTOR: usize = 512;
const END: u32 = 0xFFFF_FFFE;
const FREE: u32 = 0xFFFF_FFFF;

/// A compound file of these streams; a path with a slash puts a stream into a storage.
pub(crate) fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
    type Named<'n> = (String, Option<usize>, Option<&'n [u8]>);
    let mut names: Vec<Named<'_>> = vec![("Root Entry".to_owned(), None, None)];
    for (path, bytes) in streams {
        let mut parent = 0;
        let parts: Vec<&str> = path.split('/').collect();
        for (index, part) in parts.iter().enumerate() {
            let is_last = index + 1 == parts.len();
            let known = names.iter().position(|(name, at, _)| name == part && *at == Some(parent));
            parent = known.filter(|_| !is_last).unwrap_or_else(|| {
                names.push(((*part).to_owned(), Some(parent), is_last.then_some(*bytes)));
                names.len() - 1
            });
        }
    }
    let directory_sectors = names.len().div_ceil(4);
    let mut fat = vec![0xFFFF_FFFD_u32];
    let chain = |fat: &mut Vec<u32>, count: usize| {
        let start = fat.len() as u32;
        (0..count).for_each(|index| fat.push(if index + 1 == count { END } else { start + index as u32 + 1 }));
        if count == 0 { END } else { start }
    };
    chain(&mut fat, directory_sectors);
    let mut content = Vec::new();
    let mut directory = Vec::new();
    for (index, (name, parent, bytes)) in names.iter().enumerate() {
        let bytes = bytes.unwrap_or_default();
        let start = chain(&mut fat, bytes.len().div_ceil(SECTOR));
        content.extend_from_slice(bytes);
        content.resize(content.len().next_multiple_of(SECTOR), 0);
        let next = names.iter().skip(index + 1).position(|(_, other, _)| other == parent).map(|at| at + index + 1);
        let child = names.iter().position(|(_, parent, _)| *parent == Some(index));
        let is_storage = names.iter().any(|(_, parent, _)| *parent == Some(index));
        let number = |at: Option<usize>| at.map_or(FREE, |at| at as u32);
        let mut entry = [0_u8; 128];
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        entry[..wide.len()].copy_from_slice(&wide);
        entry[64] = wide.len() as u8 + 2;
        entry[66] = match index {
            0 => 5,
            _ if is_storage => 1,
            _ => 2,
        };
        let fields = [FREE, number(next.filter(|_| index > 0)), number(child)];
        for (at, field) in [68, 72, 76].iter().zip(fields) {
            entry[*at..at + 4].copy_from_slice(&field.to_le_bytes());
        }
        entry[116..120].copy_from_slice(&start.to_le_bytes());
        entry[120..124].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
        directory.extend_from_slice(&entry);
    }
    directory.resize(directory_sectors * SECTOR, 0);
    assert!(fat.len() <= SECTOR / 4, "one sector holds the table");
    fat.resize(SECTOR / 4, FREE);
    let mut header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    header.resize(SECTOR, 0);
    header[30] = 9;
    header[32] = 6;
    header[48..52].copy_from_slice(&1_u32.to_le_bytes());
    for at in [60, 68] {
        header[at..at + 4].copy_from_slice(&END.to_le_bytes());
    }
    header[76..SECTOR].fill(0xFF);
    header[76..80].fill(0);
    [header, fat.into_iter().flat_map(u32::to_le_bytes).collect(), directory, content].concat()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn labels_of_encrypted_documents_are_read() {
    let list = |removed: u8| {
        format!(
            "<clbl:labelList xmlns:clbl=\"http://schemas.microsoft.com/office/2020/mipLabelMetadata\"><clbl:label \
             siteId=\"{{22222222-2222-3333-4444-555555555555}}\" method=\"Privileged\" enabled=\"1\" \
             removed=\"{removed}\" id=\"{{11111111-2222-3333-4444-555555555555}}\" /></clbl:labelList>"
        )
    };
    let inspector = Inspector::new(DetectorSet::builtin().expect("built-in detectors"), Limits::inline());
    for (removed, expected) in [(0, true), (1, false)] {
        let part = list(removed);
        let file = compound(&[
            ("\u{6}DataSpaces/TransformInfo/LabelInfo", part.as_bytes()),
            ("EncryptedPackage", &[0x9D; 600]),
        ]);
        let mut collected = Collected::default();
        let job = Job { name: "a.docx", input: Input::Bytes(&file), cancel: &Cancel::default() };
        inspector.inspect(&mut Scratch::new(), job, &mut collected);
        let is_label = |finding: &Finding| inspector.detectors().detector(finding.detector).id == "label.microsoft.mip";
        assert_eq!(collected.findings.iter().any(is_label), expected, "{removed}");
        let seen = walk("a.docx", &file);
        assert!(seen.reasons.iter().any(|reason| reason.contains("ooxml_encrypted")), "{:?}", seen.reasons);
    }
}

#[test]
fn documents_of_a_real_program_are_read_in_every_place() {
    let seen = walk("office.tar.xz", include_bytes!("fixtures/office.tar.xz"));
    assert_eq!(seen.completeness(), Completeness::Complete, "{:?}", seen.reasons);
    let text = |file: &str, role: Role| {
        let is_of = |path: &str| path.split('/').any(|name| name == file);
        let texts = seen.text.iter().filter(|((path, held, _), _)| is_of(path) && *held == role.as_str());
        texts.map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n")
    };
    let document = "wbody Zażółć gęślą jaźń 44051401458";
    let mut rows = Vec::new();
    for file in ["a.doc", "a.rtf", "a.odt", "a.fodt"] {
        let cells = if file.contains(".o") || file.contains(".f") { "wcell00\nwcell01" } else { "wcell00\twcell01" };
        rows.extend([(file, Role::Body, document), (file, Role::Body, cells), (file, Role::Header, "wheader gęślą")]);
        rows.extend([(file, Role::Comment, "wcomment uwaga"), (file, Role::Property, "wtitle Zażółć")]);
        rows.push((file, if file == "a.doc" { Role::Header } else { Role::Footer }, "wfooter jaźń"));
        rows.push((file, if file == "a.doc" { Role::Body } else { Role::Hidden }, "whidden"));
    }
    for file in ["b.xls", "b.ods", "b.fods"] {
        rows.extend([
            (file, Role::Body, "wcell żółw"),
            (file, Role::Body, "44051401458"),
            (file, Role::Header, "wheader"),
        ]);
        rows.extend([
            (file, Role::Comment, "wcomment uwaga"),
            (file, Role::Footer, "wfooter"),
            (file, Role::Hidden, "whidden"),
        ]);
        rows.extend([(file, Role::FileName, "wsheet Płace"), (file, Role::Property, "wtitle")]);
    }
    for file in ["c.ppt", "c.odp", "c.fodp"] {
        rows.extend([(file, Role::Body, "wslide Zażółć"), (file, Role::Body, "wbody jaźń\nsecond")]);
        rows.extend([
            (file, Role::SpeakerNotes, "wnotes uwaga"),
            (file, Role::Property, "wtitle"),
            (file, Role::Hidden, "whidden"),
        ]);
    }
    for (file, role, expected) in rows {
        let found = text(file, role);
        assert!(found.contains(expected), "{file}, {role:?}: {expected} not in {found}");
    }
    let cell = |sheet: &str, row: u32, column: u32, text: &str| (sheet.to_owned(), row, column, text.to_owned());
    for expected in [
        cell("wsheet Płace", 2, 2, "wcell żółw"),
        cell("wsheet Płace", 4, 1, "44051401458"),
        cell("whiddensheet", 1, 1, "whidden"),
    ] {
        assert_eq!(seen.cells.iter().filter(|cell| **cell == expected).count(), 3, "{expected:?}");
    }
    // Pages of OpenDocument bear their titles as names, too.
    assert_eq!(seen.pages.iter().filter(|(page, text)| *page == 1 && text == "wslide Zażółć").count(), 5);
}

#[test]
fn encrypted_documents_are_named() {
    let mut fib = vec![0xEC, 0xA5];
    fib.resize(0x400, 0);
    let flagged = |flags: u16| {
        let mut fib = fib.clone();
        fib[0x0A..0x0C].copy_from_slice(&flags.to_le_bytes());
        fib
    };
    let workbook = |kind: u8| [&b"\x09\x08\x04\x00\x00\x06\x05\x00\x2f\x00\x04\x00"[..], &[kind, 0, 1, 0]].concat();
    let mut user = vec![0; 20];
    user[12..16].copy_from_slice(&0xF3D1_C4DF_u32.to_le_bytes());
    let rows: Vec<(Vec<u8>, Kind, &str)> = vec![
        (compound(&[("WordDocument", &flagged(0x0100)), ("0Table", b"")]), Kind::Doc, "cfb_rc4"),
        (compound(&[("WordDocument", &flagged(0x8100)), ("0Table", b"")]), Kind::Doc, "cfb_xor"),
        (compound(&[("Workbook", &workbook(0))]), Kind::Xls, "cfb_xor"),
        (compound(&[("Workbook", &workbook(1))]), Kind::Xls, "cfb_rc4"),
        (compound(&[("Current User", &user), ("PowerPoint Document", b"x")]), Kind::Ppt, "cfb_cryptoapi"),
        (compound(&[("EncryptionInfo", b"x"), ("EncryptedPackage", b"x")]), Kind::Cfb, "ooxml_encrypted"),
    ];
    for (bytes, kind, reason) in rows {
        let seen = walk("a", &bytes);
        assert_eq!((seen.items[0].kind, seen.outcome.map(|outcome| outcome.reason)), (kind, Some(reason)));
        assert_eq!(seen.completeness(), Completeness::Encrypted, "{reason}");
    }
}

#[test]
fn what_excel_opens_without_a_question_is_read() {
    let seen = walk("locked.tar.xz", include_bytes!("fixtures/locked.tar.xz"));
    let rows = [
        ("agile.xlsx", Kind::Cfb, "default_password"),
        ("standard.xlsx", Kind::Cfb, "default_password"),
        ("rc4.xls", Kind::Xls, "default_password"),
        ("cryptoapi-40.xls", Kind::Xls, "default_password"),
        ("cryptoapi-128.xls", Kind::Xls, "default_password"),
        ("crossed.xls", Kind::Xls, "default_password"),
        ("another.xlsx", Kind::Cfb, "ooxml_encrypted"),
    ];
    for (name, kind, reason) in rows {
        let path = format!("locked.tar.xz/locked.tar/{name}");
        let item =
            seen.items.iter().find(|item| item.path == path).unwrap_or_else(|| panic!("{name}: {:?}", seen.items));
        assert_eq!((item.kind, item.outcome.map(|outcome| outcome.reason)), (kind, Some(reason)), "{name}");
        let texts = seen.text.iter().filter(|((at, role, _), _)| at.starts_with(&path) && *role == Role::Body.as_str());
        let text: String = texts.map(|(_, text)| text.as_str()).collect();
        let is_read = text.contains("locked-marker") && text.contains("44051401458");
        assert_eq!(is_read, reason == "default_password", "{name}: {text}");
    }
}

/// A file of the archive of locked ones.
fn locked(name: &str) -> Vec<u8> {
    let mut tar = Vec::new();
    let packed = &include_bytes!("fixtures/locked.tar.xz")[..];
    lzma_rust2::XzReader::new(packed, false).read_to_end(&mut tar).expect("it is whole");
    let at = places(&tar, name.as_bytes())[0];
    let size = std::str::from_utf8(&tar[at + 124..at + 135]).expect("digits");
    let size = usize::from_str_radix(size, 8).expect("digits");
    tar[at + SECTOR..at + SECTOR + size].to_vec()
}

#[test]
fn a_length_that_lies_hides_nothing_of_a_package() {
    /// Where the length stands in the file.
    const LEN_AT: usize = 0x1400;
    let file = locked("agile.xlsx");
    let len = u64::from_le_bytes(file[LEN_AT..LEN_AT + 8].try_into().expect("eight bytes"));
    assert!(len < 10_000, "{len} is no length");
    let rows = [
        (len, ""),
        (0, "bad_structure"),
        (len - 100, "bad_structure"),
        (len + 100, "bad_structure"),
        (u64::MAX, "bad_structure"),
    ];
    for (stated, reason) in rows {
        let mut file = file.clone();
        file[LEN_AT..LEN_AT + 8].copy_from_slice(&stated.to_le_bytes());
        let seen = walk("a.xlsx", &file);
        assert!(reason.is_empty() || seen.reasons.contains(&reason), "{stated}: {:?}", seen.reasons);
        assert_eq!(seen.reasons == ["default_password"], reason.is_empty(), "{stated}: {:?}", seen.reasons);
        assert!(seen.holds("locked-marker") || stated == len - 100, "{stated}: {:?}", seen.items);
    }
}

#[test]
fn what_the_password_opens_into_nothing_stays_encrypted() {
    const CONTENT_AT: usize = 0x1408;
    let mut file = locked("agile.xlsx");
    file[CONTENT_AT] ^= 1;
    let seen = walk("a.xlsx", &file);
    assert_eq!(seen.outcome.map(|outcome| outcome.reason), Some("ooxml_encrypted"), "{:?}", seen.reasons);
}

#[test]
fn a_workbook_is_opened_once_however_many_passwords_it_names() {
    let record = |id: u16, data: &[u8]| [&id.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), data].concat();
    let begin = record(0x0809, &[0, 6, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    // The pattern of the fixed password, with the sum by which it is known.
    let password = record(0x002F, &[0, 0, 0, 0, 0x0A, 0x9A]);
    for (count, reason) in [(1, "default_password"), (2, "cfb_xor"), (3_000, "cfb_xor")] {
        let stream = [begin.clone(), password.repeat(count), record(0x000A, b"")].concat();
        let seen = walk("a.xls", &compound(&[("Workbook", &stream)]));
        assert_eq!(seen.outcome.map(|outcome| outcome.reason), Some(reason), "{count}: {:?}", seen.reasons);
    }
}

#[test]
fn rounds_of_passwords_are_bounded_for_the_whole_job() {
    let recipe = "saltValue='AAAAAAAAAAAAAAAAAAAAAA==' keyBits='256' cipherAlgorithm='AES' \
                  cipherChaining='ChainingModeCBC' hashAlgorithm='SHA512'";
    let code = "AAAAAAAAAAAAAAAAAAAAAA==";
    let xml = format!(
        "<encryption><keyData {recipe}/><p:encryptedKey spinCount='10' {recipe} encryptedVerifierHashInput='{code}' \
         encryptedVerifierHashValue='{code}' encryptedKeyValue='{code}'/>"
    );
    let info = [&[4, 0, 4, 0, 0x40, 0, 0, 0], xml.as_bytes()].concat();
    let file = compound(&[("EncryptionInfo", &info), ("EncryptedPackage", &[0xFF; 64])]);
    let archive = zip(&[("a.xlsx", &file), ("b.xlsx", &file), ("c.txt", b"last-marker")]);
    for (rounds, is_met) in [(20, false), (19, true)] {
        let small = dlp_core::base::Limits { password_rounds_max: rounds, ..limits() };
        let seen = walk_with("a.zip", &archive, &small, None);
        assert_eq!(seen.reasons.contains(&"password_rounds_max"), is_met, "{rounds}: {:?}", seen.reasons);
        assert_eq!(seen.outcome.map(|outcome| outcome.reason), Some("ooxml_encrypted"), "{rounds}");
        assert!(seen.holds("last-marker"), "the job goes on");
    }
}

#[test]
fn another_password_or_a_slow_one_is_not_tried_for_long() {
    let wide = |number: u32| number.to_le_bytes();
    let xml = |spins: u32| {
        let recipe = "saltValue='AAAAAAAAAAAAAAAAAAAAAA==' keyBits='256' cipherAlgorithm='AES' \
                      cipherChaining='ChainingModeCBC' hashAlgorithm='SHA512'";
        let code = "AAAAAAAAAAAAAAAAAAAAAA==";
        format!(
            "<encryption><keyData {recipe}/><keyEncryptors><p:encryptedKey spinCount='{spins}' {recipe} \
             encryptedVerifierHashInput='{code}' encryptedVerifierHashValue='{code}' encryptedKeyValue='{code}'/>"
        )
    };
    let agile = |xml: String| [&[4, 0, 4, 0, 0x40, 0, 0, 0], xml.as_bytes()].concat();
    let rows: [(&str, Vec<u8>); 6] = [
        ("another password", agile(xml(10))),
        ("too many rounds", agile(xml(u32::MAX))),
        ("no recipe", agile("<encryption/>".to_owned())),
        ("no XML", agile("<".to_owned())),
        ("lengths that lie", [&[2, 0, 2, 0, 0, 0, 0, 0][..], &wide(u32::MAX), &[0xFF; 90]].concat()),
        ("nothing", Vec::new()),
    ];
    for (case, info) in rows {
        for package in [&b"\xff\xff\xff\xff\xff\xff\xff\xffpackage-marker"[..], b""] {
            let seen = walk("a", &compound(&[("EncryptionInfo", &info), ("EncryptedPackage", package)]));
            assert_eq!(seen.outcome.map(|outcome| outcome.reason), Some("ooxml_encrypted"), "{case}");
            assert_eq!(seen.holds("package-marker"), !package.is_empty(), "{case}: its bytes are looked at");
        }
    }
}

#[test]
fn messages_give_their_properties_recipients_and_attachments() {
    let archive = zip(&[("in.txt", b"archived")]);
    let latin2 = encoding_rs::WINDOWS_1250.encode("żółw").0.into_owned();
    let mut fixed = vec![0; 32];
    fixed.extend([&0x3FFD_0003_u32.to_le_bytes()[..], &[0; 4], &1250_u32.to_le_bytes(), &[0; 4]].concat());
    let packed = [&[0; 8][..], b"MELA", &[0; 4], b"{\\rtf1 packed body}"].concat();
    let bytes = compound(&[
        ("__properties_version1.0", &fixed),
        ("__substg1.0_0037001F", &wide("The subject")),
        ("__substg1.0_1000001E", &latin2),
        ("__substg1.0_10090102", &packed),
        ("__substg1.0_10130102", b"<p>marked body</p>"),
        ("__recip_version1.0_#00000000/__substg1.0_3003001F", &wide("anna@example.com")),
        ("__attach_version1.0_#00000000/__substg1.0_3707001F", &wide("z.zip")),
        ("__attach_version1.0_#00000000/__substg1.0_37010102", &archive),
        ("__attach_version1.0_#00000001/__substg1.0_3701000D/__properties_version1.0", b"x"),
        ("__attach_version1.0_#00000001/__substg1.0_3701000D/__substg1.0_0037001F", &wide("Inner subject")),
    ]);
    let seen = walk("a.msg", &bytes);
    assert_eq!((seen.items[0].kind, seen.completeness()), (Kind::Msg, Completeness::Complete));
    let properties = seen.role(Role::Property);
    for text in ["subject: The subject", "address: anna@example.com", "subject: Inner subject", "file: z.zip"] {
        assert!(properties.contains(text), "{text}: {properties}");
    }
    for text in ["żółw", "packed body", "marked body", "archived"] {
        assert!(seen.holds(text), "{text}: {:?}", seen.text);
    }
    let paths: Vec<&str> = seen.items.iter().map(|item| item.path.as_str()).collect();
    for path in ["a.msg/z.zip/in.txt", "a.msg/__attach_version1.0_#00000001/__substg1.0_3701000D", "a.msg/body.rtf"] {
        assert!(paths.contains(&path), "{path}: {paths:?}");
    }
}

#[test]
fn presentations_know_slides_comments_and_old_edits() {
    let atom =
        |kind: u16, data: &[u8]| [&[0, 0][..], &kind.to_le_bytes(), &(data.len() as u32).to_le_bytes(), data].concat();
    let container = |kind: u16, data: &[u8]| {
        [&[0x0F, 0][..], &kind.to_le_bytes(), &(data.len() as u32).to_le_bytes(), data].concat()
    };
    let text = |text: &str| atom(0x0FA0, &wide(text));
    let mut hidden = vec![0; 16];
    hidden[10] = 4;
    let slides = [
        container(0x03EE, &text("first")),
        container(0x03EE, &[atom(0x03F9, &hidden), text("second")].concat()),
        container(0x03F0, &text("spoken")),
        container(0x03F8, &text("master")),
        container(0x2EE0, &atom(0x0FBA, &wide("remark"))),
        atom(0x0FA8, b"old edit"),
        atom(0x1011, &zip(&[("in.txt", b"archived")])),
        [&[0x0F, 0, 0xEE, 3][..], &u32::MAX.to_le_bytes(), &text("cut")].concat(),
    ];
    let deep = (0..5_000).fold(text("deep"), |inner, _| container(0x0FF5, &inner));
    let seen = walk(
        "a.ppt",
        &compound(&[
            ("Current User", b""),
            ("PowerPoint Document", &[slides.concat(), deep[deep.len() - 8_000..].to_vec()].concat()),
        ]),
    );
    assert_eq!(seen.items[0].kind, Kind::Ppt);
    let pages: Vec<(u32, &str)> = seen.pages.iter().map(|(page, text)| (*page, text.as_str())).collect();
    assert_eq!(&pages[..3], [(1, "first"), (2, "second"), (3, "cut")]);
    for (role, text) in [
        (Role::Hidden, "second"),
        (Role::SpeakerNotes, "spoken"),
        (Role::Layout, "master"),
        (Role::Comment, "remark"),
        (Role::Body, "old edit"),
    ] {
        assert!(seen.role(role).contains(text), "{text}: {:?}", seen.text);
    }
    assert!(seen.holds("archived") && seen.holds("deep"));
}

#[test]
fn files_macros_and_deleted_bytes_in_a_compound_file_are_read() {
    let counted = |bytes: &[u8]| [&(bytes.len() as u32).to_le_bytes()[..], bytes].concat();
    let packed = [b"\x02\0note.txt\0C:\\x\0", &[0, 0, 3, 0][..], &counted(b"C:\\t\0"), &counted(b"wrapped")].concat();
    let source = [&b"compiled\x01"[..], &[0x11, 0xB0, 0], b"Attribut", &[0], b"e secret"].concat();
    let mut bytes = compound(&[
        ("ObjectPool/_1/\u{1}Ole10Native", &counted(&packed)),
        ("Macros/VBA/Module1", &source),
        ("Unknown", b"some stream"),
    ]);
    bytes.extend_from_slice(b"deleted text");
    let seen = walk("a", &bytes);
    assert_eq!((seen.items[0].kind, seen.completeness()), (Kind::Cfb, Completeness::Complete));
    assert_eq!(seen.role(Role::Script), "Attribute secret");
    for text in ["wrapped", "some stream", "deleted text"] {
        assert!(seen.holds(text), "{text}: {:?}", seen.text);
    }
    assert!(seen.items.iter().any(|item| item.path == "a/note.txt"));
}

#[test]
fn a_cut_compound_file_says_so() {
    let whole = compound(&[("Data", &[&[b'x'; 1_000][..], b"44051401458"].concat())]);
    let seen = walk("a", &whole[..whole.len() - SECTOR]);
    assert_eq!(seen.reasons, ["truncated"]);
    assert_eq!(seen.completeness(), Completeness::Damaged);
    // Many writers leave the last sector as short as its content.
    let short = walk("a", &whole[..whole.len() - 13]);
    assert_eq!((short.completeness(), short.holds("44051401458")), (Completeness::Complete, true));
}

#[test]
fn bytes_that_no_stream_claims_are_read() {
    let mut slack = compound(&[("Data", b"short")]);
    let at = places(&slack, b"short")[0];
    slack[at + 100..at + 112].copy_from_slice(b"slack-marker");
    // The stream is said to be shorter than its chain.
    let mut chain = compound(&[("Data", &[&[b'x'; 700][..], b"chain-marker"].concat())]);
    let entry = places(&chain, &wide("Data"))[0];
    chain[entry + 120..entry + 124].copy_from_slice(&500_u32.to_le_bytes());
    // The entry that led to the stream is gone.
    let mut gone = compound(&[("Data", b"gone-marker"), ("Other", b"other")]);
    let entry = places(&gone, &wide("Data"))[0];
    gone[entry..entry + 68].fill(0);
    for (bytes, marker) in [(slack, "slack-marker"), (chain, "chain-marker"), (gone, "gone-marker")] {
        let seen = walk("a", &bytes);
        assert!(seen.holds(marker), "{marker}: {:?}", seen.text);
        assert_eq!(seen.completeness(), Completeness::Complete, "{marker}");
    }
}

#[test]
fn numbers_of_old_workbooks_are_shown_as_their_formats_say() {
    let record = |id: u16, data: &[u8]| [&id.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), data].concat();
    let short = |number: u16| number.to_le_bytes();
    let style = |format: u16| record(0x00E0, &[&short(0)[..], &short(format), &[0; 16]].concat());
    let code = |id: u16, code: &str| {
        record(0x041E, &[&short(id)[..], &short(code.len() as u16), &[0], code.as_bytes()].concat())
    };
    let number = |row: u16, style: u16, number: f64| {
        record(0x0203, &[&short(row)[..], &short(0), &short(style), &number.to_le_bytes()].concat())
    };
    let packed = |style: u16, number: u32| [&short(style)[..], &(number << 2 | 2).to_le_bytes()].concat();
    let many = record(0x00BD, &[&short(3)[..], &short(0), &packed(2, 44_000), &packed(0, 44_000), &short(1)].concat());
    for (mode, first_day) in [(0_u16, "2020-06-18"), (1, "2024-06-19")] {
        let workbook = [
            record(0x0809, &[&[0, 6, 5, 0][..], &[0; 12]].concat()),
            record(0x0022, &short(mode)),
            code(164, "00000000000"),
            code(165, "\"literal-marker\" 0"),
            style(0),
            style(164),
            style(14),
            number(0, 1, 2_070_803_628.0),
            number(1, 2, 44_000.0),
            number(2, 0, 44_000.0),
            many.clone(),
        ];
        let seen = walk("a.xls", &compound(&[("Workbook", &workbook.concat())]));
        let cells: Vec<&str> = seen.cells.iter().map(|(_, _, _, text)| text.as_str()).collect();
        assert_eq!(cells, ["02070803628", first_day, "44000", first_day, "44000"]);
        assert!(seen.holds("literal-marker"), "{:?}", seen.text);
    }
}

#[test]
fn ends_of_records_are_read() {
    let record = |id: u16, data: &[u8]| [&id.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), data].concat();
    let begin = [&[0, 6, 5, 0][..], &[0; 12], b"behind begin"].concat();
    let workbook = [
        record(0x0809, &begin),
        record(0x0203, &[&[0; 14][..], b"behind number"].concat()),
        record(0x0006, &[&[0; 20][..], &[18, 0, 0x17, 15, 0], b"text in formula"].concat()),
        record(0x0204, &[&[0, 0, 0, 0, 0, 0, 2, 0, 0][..], b"ok", b"behind label"].concat()),
        record(0x00D7, b"\0\0inside looks"),
    ];
    let seen = walk("a.xls", &compound(&[("Workbook", &workbook.concat())]));
    for marker in ["behind begin", "behind number", "behind label", "inside looks"] {
        assert!(seen.holds(marker), "{marker}: {:?}", seen.text);
    }
    let atom =
        |kind: u16, data: &[u8]| [&[0, 0], &kind.to_le_bytes()[..], &(data.len() as u32).to_le_bytes(), data].concat();
    let slides =
        [atom(0x0FFF, b"unknown atom"), atom(0x0FB7, &[&[0; 64][..], b"behind font"].concat()), b"tail".to_vec()];
    let seen = walk("a.ppt", &compound(&[("Current User", b""), ("PowerPoint Document", &slides.concat())]));
    for marker in ["unknown atom", "behind font", "tail"] {
        assert!(seen.holds(marker), "{marker}: {:?}", seen.text);
    }
}

#[test]
fn loops_and_lies_of_a_compound_file_end() {
    let fib = [0xEC, 0xA5].repeat(0x300);
    let good = compound(&[("WordDocument", &fib), ("1Table", &[7; 600]), ("Data", b"44051401458")]);
    for at in (0..good.len().min(3 * SECTOR)).step_by(4) {
        for value in [0_u32, 1, 2, 3, END, FREE, 0x7FFF_FFFF] {
            let mut bytes = good.clone();
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            let seen = walk("a.doc", &bytes);
            assert!(seen.items.len() < 50, "at {at}: {}", seen.items.len());
        }
    }
}

#[test]
fn presentations_that_are_read_whole_leave_nothing() {
    let text = wide("on a slide");
    let atom = [&[0, 0, 0xA0, 0x0F][..], &(text.len() as u32).to_le_bytes(), &text].concat();
    let slide = [&[0x0F, 0, 0xEE, 3][..], &(atom.len() as u32).to_le_bytes(), &atom].concat();
    let seen = walk("a.ppt", &compound(&[("Current User", b""), ("PowerPoint Document", &slide)]));
    assert!(seen.holds("on a slide"), "{:?}", seen.text);
    let rest: Vec<_> = seen.items.iter().filter(|item| item.path.ends_with("PowerPoint Document")).collect();
    assert!(rest.is_empty(), "{rest:?}");
}
