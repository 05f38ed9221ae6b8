//! Parts of Office documents: the first byte chooses the part.
#![no_main]

use dlp_fuzz::walk_part;
use libfuzzer_sys::fuzz_target;

const PARTS: [&str; 11] = [
    "word/document.xml",
    "word/styles.xml",
    "word/comments.xml",
    "xl/workbook.xml",
    "xl/sharedStrings.xml",
    "xl/worksheets/sheet1.xml",
    "ppt/slides/slide1.xml",
    "docProps/custom.xml",
    "word/_rels/document.xml.rels",
    "xl/vbaProject.bin",
    "docMetadata/LabelInfo.xml",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else { return };
    walk_part(&[("[Content_Types].xml", b"<Types/>")], PARTS[usize::from(*choice) % PARTS.len()], rest);
});
