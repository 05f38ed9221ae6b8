//! What is found in documents that are fine, locked, broken or opaque.

mod support;

use dlp_core::base::Limits;
use dlp_core::content::{Completeness, Flow, Join, Kind, Outcome, RiskyFrame, RiskyParser};
use pdf_extract::{Document, EncryptionState, EncryptionVersion, Object, Permissions, StringFormat};
use support::{FONTS, Pdf, Read, deflate, document, parser, read};

#[track_caller]
fn check(read: &Read, completeness: Completeness, reason: &str) {
    assert_eq!((read.outcome.completeness, read.outcome.reason), (completeness, reason), "{read:?}");
}

#[test]
fn pages_come_in_order_with_their_numbers() {
    let mut pdf = Pdf::default();
    pdf.page("Hello first page").page("and the \\(second\\) one");
    let read = read(&pdf.build());
    check(&read, Completeness::Complete, "");
    assert_eq!(read.at("body@1"), "Hello first page");
    assert_eq!(read.at("body@2"), "and the (second) one");
    assert_eq!(read.texts.len(), 2, "the byte scan adds nothing: {read:?}");
}

#[test]
fn words_are_put_together_by_their_place() {
    let table = [
        ("50 700 Td (4111 1111) Tj 0 -14 Td (next) Tj", "4111 1111\nnext"),
        // Each glyph on its own, as wide as it is: one word.
        ("1 0 0 1 50 700 Tm (4) Tj 1 0 0 1 56.672 700 Tm (1) Tj 1 0 0 1 63.344 700 Tm (1) Tj", "411"),
        ("1 0 0 1 50 700 Tm (one) Tj 1 0 0 1 80 700 Tm (two) Tj", "one two"),
        ("50 700 Td [(ker) 30 (ning) -600 (gap)] TJ", "kerning gap"),
        ("14 TL 50 700 Td (a) Tj (b) ' T* (c) Tj", "a\nb\nc"),
    ];
    for (operators, expected) in table {
        let mut pdf = Pdf::default();
        pdf.page_with(FONTS, &format!("BT /F1 12 Tf {operators} ET"), "");
        assert_eq!(read(&pdf.build()).at("body@1"), expected, "{operators}");
    }
}

#[test]
fn long_pages_come_in_pieces_without_gaps() {
    let long = "0123456789".repeat(60_000);
    let mut pdf = Pdf::default();
    pdf.page(&long);
    let mut all = String::new();
    let mut joins = Vec::new();
    let outcome = parser().parse(Kind::Pdf, &pdf.build(), &Limits::inline(), &mut |frame| {
        if let RiskyFrame::Text(segment) = frame {
            all.push_str(std::str::from_utf8(segment.text).unwrap());
            joins.push(segment.join);
        }
        Flow::Continue
    });
    assert_eq!((outcome, joins), (Outcome::COMPLETE, vec![Join::Line, Join::None, Join::None]));
    assert!(all == long);
}

#[test]
fn every_place_of_text_is_read() {
    let mut pdf = Pdf::default();
    let script = pdf.stream("", "app.alert('in script')");
    let note = pdf.object("<< /Type /Annot /Subtype /Text /Contents (in a comment) /Rect [0 0 9 9] >>");
    let look =
        pdf.stream(&format!("/Subtype /Form /BBox [0 0 9 9] /Resources << {FONTS} >>"), "BT /F1 9 Tf (as shown) Tj ET");
    let field = pdf.object(format!("<< /Subtype /Widget /FT /Tx /T (iban) /V (in a field) /AP << /N {look} 0 R >> >>"));
    let link = pdf.object("<< /Subtype /Link /A << /S /URI /URI (https://in-a-link.example) >> >>");
    pdf.page_with(FONTS, "BT /F1 12 Tf (in the page) Tj ET", &format!("/Annots [{note} 0 R {field} 0 R {link} 0 R]"));
    pdf.object(format!("<< /S /JavaScript /JS {script} 0 R >>"));
    pdf.object("<< /Title (in an outline) /Parent 9 0 R >>");
    pdf.object("<< /S /Figure /Alt (in a figure) >>");
    let info = pdf.object("<< /Author (in the properties) /Title <FEFF0041006200E9> >>");
    let xmp = "<x:xmpmeta><rdf:Description dc:Label='in metadata'/></x:xmpmeta>";
    let metadata = pdf.stream("/Type /Metadata /Subtype /XML", xmp);
    pdf.trailer(&format!("/Info {info} 0 R")).catalog(&format!("/Metadata {metadata} 0 R"));
    let read = read(&pdf.build());
    check(&read, Completeness::Complete, "");
    let table = [
        ("body@1", "in the page"),
        ("comment:contents@1", "in a comment"),
        ("form:field@1", "iban: in a field"),
        ("form@1", "as shown"),
        ("link:uri@1", "https://in-a-link.example"),
        ("script:javascript", "app.alert('in script')"),
        ("metadata:outline", "in an outline"),
        ("data:alternative-text", "in a figure"),
        ("metadata:Author", "Author: in the properties"),
        ("metadata:Title", "Title: Abé"),
        ("metadata:Label", "Label: in metadata"),
    ];
    for (place, expected) in table {
        assert_eq!(read.at(place), expected, "{place}: {read:?}");
    }
}

#[test]
fn embedded_files_become_children() {
    let mut pdf = Pdf::default();
    let file = pdf.stream("/Type /EmbeddedFile /Filter /FlateDecode", deflate(b"packed content"));
    pdf.object(format!("<< /Type /Filespec /F (plain.txt) /UF <FEFF00FC002E007400780074> /EF << /F {file} 0 R >> >>"));
    pdf.stream("/Type /EmbeddedFile", "without a name");
    pdf.page("see attachment");
    let read = read(&pdf.build());
    check(&read, Completeness::Complete, "");
    let expected = [("ü.txt".to_owned(), b"packed content".to_vec()), (String::new(), b"without a name".to_vec())];
    assert_eq!(read.children, expected);
}

#[test]
fn what_nothing_refers_to_is_read_too() {
    let mut pdf = Pdf::default();
    pdf.page("visible");
    pdf.stream("/Filter /FlateDecode", deflate(b"BT /F1 9 Tf (orphaned text) Tj ET"));
    let mut updated = pdf.build();
    updated.extend_from_slice(b"3 0 obj\n<< /Old (earlier revision) >>\nendobj\n");
    let read = read(&updated);
    assert!(read.has("visible") && read.at("raw").contains("orphaned text"), "{read:?}");
    assert!(read.at("raw").contains("earlier revision"), "{read:?}");
}

#[test]
fn broken_tables_are_rebuilt() {
    let whole = document("still readable");
    let (start, table) = (find(&whole, b"startxref"), find(&whole, b"xref\n"));
    let wrong_start = [&whole[..start], b"startxref\n7\n%%EOF\n"].concat();
    let no_table = whole[..table].to_vec();
    let no_end = whole[..start].to_vec();
    let shifted = [&b"%PDF-1.7\njunk that moves every offset\n"[..], &whole].concat();
    for (name, bytes) in
        [("wrong start", wrong_start), ("no table", no_table), ("no end", no_end), ("shifted", shifted)]
    {
        let read = read(&bytes);
        check(&read, Completeness::Damaged, "pdf_structure");
        assert_eq!(read.at("body@1"), "still readable", "{name}: {read:?}");
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> usize {
    haystack.windows(needle.len()).position(|window| window == needle).expect("it is there")
}

#[test]
fn ruins_give_what_they_have() {
    let whole = document("found in ruins");
    let end = find(&whole, b"endstream");
    for (name, bytes) in
        [("cut in the stream", &whole[..end]), ("no header", &whole[9..end]), ("nothing", b"%PDF-1.7\n")]
    {
        let read = read(bytes);
        assert_eq!(read.outcome.completeness, Completeness::Damaged, "{name}: {read:?}");
        assert_eq!(read.has("found in ruins"), name != "nothing", "{name}: {read:?}");
    }
}

/// A document encrypted with 128-bit RC4.
fn encrypted(user: &str, owner: &str) -> Vec<u8> {
    encrypt(&document("behind a password"), user, owner)
}

fn encrypt(plain: &[u8], user: &str, owner: &str) -> Vec<u8> {
    let mut document = Document::load_mem(plain).expect("a fresh document can be encrypted");
    let id = Object::String(vec![7; 16], StringFormat::Hexadecimal);
    document.trailer.set("ID", Object::Array(vec![id.clone(), id]));
    let version = EncryptionVersion::V2 {
        document: &document,
        owner_password: owner,
        user_password: user,
        key_length: 128,
        permissions: Permissions::all(),
    };
    let state = EncryptionState::try_from(version).expect("a fresh document can be encrypted");
    document.encrypt(&state).expect("a fresh document can be encrypted");
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).expect("a fresh document can be encrypted");
    bytes
}

#[test]
fn passwords_are_named() {
    let locked = read(&encrypted("user secret", "owner secret"));
    check(&locked, Completeness::Encrypted, "pdf_user_password");
    assert!(!locked.has("behind"), "{locked:?}");
    let open = read(&encrypted("", "owner secret"));
    check(&open, Completeness::Complete, "");
    assert_eq!(open.at("body@1"), "behind a password");
}

#[test]
fn every_object_of_an_opened_document_is_read() {
    let mut pdf = Pdf::default();
    pdf.page("text of the page");
    pdf.object("<< /Type /OCG /Name (name of a layer) /Other [[<< /Deep (far inside) >>]] >>");
    pdf.stream("/Kind /Orphan /Note (at a stream)", b"BT (words that no page shows) Tj ET");
    let read = read(&encrypt(&pdf.build(), "", "owner secret"));
    check(&read, Completeness::Complete, "");
    for words in ["text of the page", "name of a layer", "far inside", "at a stream", "words that no page shows"] {
        assert!(read.has(words), "{words}: {read:?}");
    }
    assert_eq!(read.texts.iter().filter(|(_, text)| text.contains("text of the page")).count(), 1, "{read:?}");
}

#[test]
fn open_properties_of_locked_documents_are_read() {
    let mut bytes = encrypted("user secret", "owner secret");
    bytes.extend_from_slice(b"<x:xmpmeta><rdf:Description dc:Label='left open'/></x:xmpmeta>");
    let read = read(&bytes);
    check(&read, Completeness::Encrypted, "pdf_user_password");
    assert_eq!(read.at("metadata:Label"), "Label: left open");
}

#[test]
fn other_encryption_is_named() {
    for (filter, reason) in [("Adobe.PubSec", "pdf_public_key"), ("Some.Server", "pdf_encryption")] {
        let mut pdf = Pdf::default();
        pdf.page("text");
        let encrypt = pdf.object(format!("<< /Filter /{filter} /V 4 >>"));
        pdf.trailer(&format!("/Encrypt {encrypt} 0 R /ID [<00><00>]"));
        check(&read(&pdf.build()), Completeness::Encrypted, reason);
    }
}

#[test]
fn unreadable_text_is_no_empty_page() {
    let mut pdf = Pdf::default();
    pdf.page("fine");
    pdf.riddle("", "");
    let read = read(&pdf.build());
    assert_eq!(read.outcome.completeness, Completeness::Damaged);
    assert!(read.reasons().contains(&"unreadable_text"), "{read:?}");
    assert_eq!(read.texts, [("body@1".to_owned(), "fine".to_owned())]);
}

#[test]
fn pictures_of_text_are_named() {
    let mut pdf = Pdf::default();
    let image = pdf.stream("/Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray", "x");
    pdf.page_with(&format!("/XObject << /I {image} 0 R >>"), "q 600 0 0 800 0 0 cm /I Do Q", "");
    check(&read(&pdf.build()), Completeness::Unsupported, "image_only");
    let mut empty = Pdf::default();
    empty.page_with("", "", "");
    check(&read(&empty.build()), Completeness::Complete, "");
}

#[test]
fn streams_that_cannot_be_read_are_named() {
    let show = |text: &str| format!("BT /F1 12 Tf 50 700 Td ({text}) Tj ET");
    let long: String = (0..4_000).map(|number| show(&format!("word {number}"))).collect();
    let packed = deflate(long.as_bytes());
    let torn = &packed[..packed.len() / 2];
    let hidden = show("hidden");
    let rows: [(&str, &[u8], Completeness, &str, &str); 8] = [
        ("/Filter /FlateDecode", &packed, Completeness::Complete, "", "word 3999"),
        ("/Filter /FlateDecode", torn, Completeness::Damaged, "pdf_stream", "word 99"),
        ("/Filter /FlateDecode", b"damaged from the start", Completeness::Damaged, "pdf_stream", ""),
        ("/Filter /Unheard", hidden.as_bytes(), Completeness::Unsupported, "pdf_filter", ""),
        ("/Filter [/FlateDecode /Unheard]", &packed, Completeness::Unsupported, "pdf_filter", ""),
        ("/Filter /BrotliDecode", hidden.as_bytes(), Completeness::Unsupported, "pdf_filter", ""),
        ("/Filter /DCTDecode", hidden.as_bytes(), Completeness::Unsupported, "pdf_filter", ""),
        ("/Filter 7", hidden.as_bytes(), Completeness::Unsupported, "pdf_filter", ""),
    ];
    for (dictionary, content, completeness, reason, text) in rows {
        let mut page = Pdf::default();
        let contents = page.stream(dictionary, content);
        page.page("fine").page_of(contents, FONTS, "");
        let mut form = Pdf::default();
        let resources = format!("/Subtype /Form /BBox [0 0 9 9] /Resources << {FONTS} >>");
        let drawn = form.stream(&format!("{resources} {dictionary}"), content);
        form.page("fine").page_with(&format!("/XObject << /X {drawn} 0 R >>"), "/X Do", "");
        for (place, pdf) in [("page", page), ("form", form)] {
            let read = read(&pdf.build());
            assert_eq!(
                (read.outcome.completeness, read.outcome.reason),
                (completeness, reason),
                "{place} {dictionary}: {:?}",
                read.problems
            );
            assert_eq!(read.at("body@1"), "fine", "{place} {dictionary}");
            assert!(read.at("body@2").contains(text), "{place} {dictionary}");
            let about_page = read.problems.iter().filter(|problem| problem.message.contains("age 2")).count();
            assert_eq!(about_page, usize::from(completeness != Completeness::Complete), "{:?}", read.problems);
        }
    }
}

#[test]
fn streams_that_no_page_draws_with_are_named_too() {
    for (dictionary, reason) in [("/Filter /Unheard", "pdf_filter"), ("/Filter /FlateDecode", "pdf_stream")] {
        let mut pdf = Pdf::default();
        pdf.page("fine").stream(dictionary, "no such data");
        let read = read(&pdf.build());
        assert_eq!(read.reasons(), [reason], "{dictionary}");
    }
    let mut pdf = Pdf::default();
    pdf.page("fine").stream("/Subtype /Image /Filter /Unheard", "no text in pictures");
    check(&read(&pdf.build()), Completeness::Complete, "");
}

#[test]
fn missing_descriptions_are_named() {
    for contents in ["99 0 R", "[99 0 R]", "(text)"] {
        let mut pdf = Pdf::default();
        pdf.page("fine");
        pdf.page_object(&format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents {contents} >>"));
        check(&read(&pdf.build()), Completeness::Damaged, "pdf_stream");
    }
}

#[test]
fn fonts_that_bring_their_encoding_are_read_by_it() {
    let mut pdf = Pdf::default();
    let program =
        "%!PS-AdobeFont-1.0\n/Encoding 256 array\ndup 1 /S put\ndup 2 /ffi put\ndup 3 /c put\nreadonly def\neexec";
    let program = pdf.stream("", program);
    let descriptor = pdf.object(format!("<< /Type /FontDescriptor /FontFile {program} 0 R >>"));
    let fonts = format!(
        "/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /ABCDEF+Own /FontDescriptor {descriptor} 0 R >> >>"
    );
    pdf.page_with(&fonts, "BT /F1 12 Tf <010203> Tj ET", "");
    assert_eq!(read(&pdf.build()).at("body@1"), "Sffic");
}

#[test]
fn words_broken_at_the_end_of_a_line_are_put_together() {
    let mut pdf = Pdf::default();
    pdf.page_with(FONTS, "BT /F1 12 Tf 14 TL 9 90 Td (strictly confi-) Tj T* (dential) Tj ET", "");
    let read = read(&pdf.build());
    assert_eq!(read.at("body@1"), "strictly confi-\ndential");
    assert_eq!(read.at("data@1"), "confidential");
}

#[test]
fn photographs_tell_more_than_their_pixels() {
    let comment = b"\xFF\xD8\xFF\xFE\x00\x12marker of photo\0\xFF\xDA\x00\x02pixels\xFF\xD9";
    let mut pdf = Pdf::default();
    let photo = "/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray";
    pdf.stream(&format!("{photo} /Filter /DCTDecode"), comment);
    pdf.page("text of the page");
    let read = read(&pdf.build());
    assert_eq!(read.at("metadata:comment"), "marker of photo", "{read:?}");
}
