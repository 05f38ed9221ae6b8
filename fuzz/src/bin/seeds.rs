//! Writes the seeds of the fuzz targets into `fuzz/corpus`: the files that the tests of the parsers build, those of real
//! programs that the tests carry, and a few lines for each format of text.
#![allow(dead_code, unused_imports, reason = "of the tests, only what builds files is used here")]

#[path = "../../../dlp-core/tests/content/data.rs"]
mod data;
#[path = "../../../dlp-core/tests/content/image.rs"]
mod image;
#[path = "../../../dlp-core/tests/content/iso.rs"]
mod iso;
#[path = "../../../dlp-core/tests/content/serial.rs"]
mod serial;
#[path = "../../../dlp-core/tests/content/sqlite.rs"]
mod sqlite;
#[path = "../../../dlp-core/tests/content/support.rs"]
mod support;
#[path = "../../../dlp-core/tests/content/wrapped.rs"]
mod wrapped;

use std::io::Read;
use std::path::Path;

/// Archives with what programs wrote.
const OFFICE: &[u8] = include_bytes!("../../../dlp-core/tests/content/fixtures/office.tar.xz");
const DATA: &[u8] = include_bytes!("../../../dlp-core/tests/content/fixtures/data.tar.xz");
const STREAMS: &[u8] = include_bytes!("../../../dlp-core/tests/content/fixtures/streams.tar.xz");

/// Name and content of the files in an archive.
fn unpacked(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(lzma_rust2::XzReader::new(archive, true));
    let mut files = Vec::new();
    for mut entry in archive.entries().expect("the archive is whole").flatten() {
        let name = entry.path().expect("a path").display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("the archive is whole");
        files.push((name, bytes));
    }
    files
}

/// Members of a ZIP archive.
fn members(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive)).expect("an archive");
    let mut found = Vec::new();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).expect("a member");
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).expect("a whole member");
        found.push((member.name().expect("a name").into_owned(), bytes));
    }
    found
}

/// Seeds behind each choice that a target makes by the first byte.
fn chosen(seeds: &[Vec<u8>], choices: u8) -> Vec<Vec<u8>> {
    seeds.iter().flat_map(|seed| (0..choices).map(|choice| [&[choice][..], seed].concat())).collect()
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn all() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let text: &[u8] = b"some text 44051401359";
    let office = unpacked(OFFICE);
    let ending = |endings: &[&str]| -> Vec<Vec<u8>> {
        let is_one = |name: &str| endings.iter().any(|ending| name.ends_with(ending));
        office.iter().filter(|(name, _)| is_one(name)).map(|(_, bytes)| bytes.clone()).collect()
    };
    let tables = unpacked(DATA);
    let data = |endings: &[&str]| -> Vec<Vec<u8>> {
        let chosen = tables.iter().filter(|(name, _)| endings.iter().any(|ending| name.ends_with(ending)));
        chosen.map(|(_, bytes)| bytes.clone()).collect()
    };
    let streams = unpacked(STREAMS).into_iter().map(|(_, bytes)| bytes);
    let packed: Vec<Vec<u8>> = streams.chain([support::gzip(text), support::bzip2(text), support::xz(text)]).collect();
    let parts: Vec<Vec<u8>> = ending(&[".odt", ".ods", ".odp"])
        .iter()
        .flat_map(|package| members(package))
        .filter(|(name, _)| name.ends_with(".xml"))
        .map(|(_, bytes)| bytes)
        .collect();
    let methods = [
        zip::CompressionMethod::Stored,
        zip::CompressionMethod::Deflated,
        zip::CompressionMethod::Bzip2,
        zip::CompressionMethod::Xz,
    ];
    let archives = methods.map(|method| support::zip_with(&[("a.txt", text), ("b/c", b"more")], method));
    let wrapped = wrapped::samples();
    let mails = texts(&[
        "From: a\nTo: b\nSubject: =?utf-8?q?a=C4=85?=\n\nbody=\n",
        "From: a\nTo: b\nContent-Type: multipart/mixed; boundary=b\n\npre\n--b\nContent-Transfer-Encoding: base64\n\n\
         UEsDBA==\n--b\nContent-Type: message/rfc822\n\nSubject: x\n\ninner\n--b--\nafter",
        "From a@b Thu Jan  1 00:00:00 1970\nFrom: a\nTo: b\n\none\n\nFrom a@b Thu Jan  1 00:00:00 1970\nFrom: a\n\ntwo\n",
    ]);
    let markup = texts(&[
        "<html><p title='x'>4405<b>1401&#52;58</b><!-- c --><script>s</script>%41 NDQwNTE0MDE0NTg=<td>a<td>b</html>",
        "<!DOCTYPE html><style>a{}</style><img alt=x src='data:text/plain;base64,NDQwNTE0MDE0NTg='><p style='display:none'>h",
    ]);
    let ooxml = texts(&[
        "<w:document xmlns:w='x'><w:p><w:r><w:t>4405</w:t></w:r><w:r><w:t>1401458</w:t></w:r></w:p><w:del/></w:document>",
        "<worksheet><sheetData><row r='1'><c r='A1' t='s'><v>0</v></c><c r='B1'><v>4.4E10</v></c></row></sheetData></worksheet>",
        "<sst><si><t>text</t></si><si><r><t>a</t></r><r><t>b</t></r></si></sst>",
        "<p:sld show='0'><a:p><a:r><a:t>slide</a:t></a:r></a:p></p:sld>",
    ]);
    let text_seeds = texts(&[
        "password = \"NDQwNTE0MDE0NTg=\" \\u0034\\x34 %34%34 &#52; =34=\r\n 34 34 30 35 +ADQANA-",
        "Zażółć gęślą jaźń 4\u{200b}4\u{200b}0 ４４０５ Ｐ\u{0430}ssword",
    ]);
    vec![
        ("zip", archives.into()),
        ("packed", packed),
        ("tar", vec![support::tar(&[("a.txt", text), ("b/c", b"more")])]),
        ("serial", serial::samples()),
        ("ooxml", chosen(&ooxml, 11)),
        ("odf", chosen(&[parts, ending(&[".fodt", ".fods", ".fodp"])].concat(), 5)),
        ("cfb", ending(&[".doc", ".xls", ".ppt"])),
        (
            "rtf",
            [ending(&[".rtf"]), texts(&["{\\rtf1\\ansi{\\f0\\fcharset238}\\u322?\\'b9{\\*\\objdata 504b0304}}"])]
                .concat(),
        ),
        ("mail", mails),
        ("html", markup),
        ("sqlite", vec![sqlite::sample()]),
        ("parquet", data(&[".parquet"])),
        ("avro", data(&[".avro"])),
        ("git", data(&[".pack", ".bundle"])),
        ("snappy", data(&[".sz"])),
        ("pst", vec![data::store(), data::large_store()]),
        ("plist", data(&[".plist"])),
        ("onenote", vec![data::notebook().0]),
        ("image", image::samples()),
        ("iso", vec![iso::sample()[32 * 1024..].to_vec()]),
        ("tnef", wrapped[..1].to_vec()),
        ("cms", wrapped[1..].to_vec()),
        ("text", text_seeds),
    ]
}

fn main() -> std::io::Result<()> {
    for (target, seeds) in all() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        std::fs::create_dir_all(&folder)?;
        for (index, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{index:02}")), seed)?;
        }
    }
    Ok(())
}
