//! Office Open XML built by hand, each part with its own marker.

use crate::support::*;
use dlp_core::base::{Cancel, Limits};
use dlp_core::content::{Completeness, Finding, Input, Kind, Role};
use dlp_core::inspect::{Collected, Inspector, Job};
use dlp_core::matching::{DetectorSet, Scratch};

const TYPES: (&str, &[u8]) = ("[Content_Types].xml", b"<Types/>");

fn docx(parts: &[(&str, &str)]) -> Vec<u8> {
    let parts = parts.iter().map(|(name, xml)| (*name, xml.as_bytes()));
    zip(&std::iter::once(TYPES).chain(parts).collect::<Vec<_>>())
}

fn document(body: &str) -> Vec<u8> {
    docx(&[("word/document.xml", &format!("<w:document xmlns:w='x'><w:body>{body}</w:body></w:document>"))])
}

#[test]
fn paragraphs_join_their_runs_and_nothing_else() {
    let rows = [
        ("<w:p><w:r><w:t>4405</w:t></w:r><w:r><w:t>1401458</w:t></w:r></w:p>", "44051401458"),
        ("<w:p><w:r><w:t>a</w:t></w:r></w:p><w:p><w:r><w:t>b</w:t></w:r></w:p>", "a\nb"),
        (
            "<w:tbl><w:tr><w:tc><w:t>a</w:t></w:tc><w:tc><w:t>b</w:t></w:tc></w:tr><w:tr><w:tc><w:t>c</w:t></w:tc></w:tr></w:tbl>",
            "a\tb\nc",
        ),
        (
            "<w:p><w:pPr><w:tabs><w:tab/></w:tabs></w:pPr><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r></w:p>",
            "a\tb\nc",
        ),
        ("<w:p><w:r><w:t>a</w:t><w:noBreakHyphen/><w:t>b</w:t><w:softHyphen/><w:t>c</w:t></w:r></w:p>", "a-bc"),
        ("<w:p><w:r><w:t>R&amp;D &lt;x&gt; &#380;&#xF3;&quot;&apos;</w:t></w:r></w:p>", "R&D <x> żó\"'"),
        (
            "<w:p><w:r><w:t>1</w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>h</w:t></w:r><w:r><w:t>2</w:t></w:r></w:p>",
            "12",
        ),
        ("<w:p><w:r><w:rPr><w:vanish w:val='0'/></w:rPr><w:t>shown</w:t></w:r></w:p>", "shown"),
        (
            "<w:p><w:r><w:t>1</w:t></w:r><w:del><w:r><w:delText>d</w:delText></w:r></w:del><w:r><w:t>2</w:t></w:r></w:p>",
            "12",
        ),
        ("<w:p><w:r><w:sym w:char='F034'/><w:t>4</w:t></w:r></w:p>", "44"),
        ("<w:p><w:r><w:t>un&undefined;known</w:t></w:r></w:p>", "un&undefined;known"),
    ];
    for (body, expected) in rows {
        let seen = walk("a.docx", &document(body));
        assert_eq!(seen.items[0].kind, Kind::Docx);
        assert_eq!(seen.role(Role::Body), expected, "{body}");
        assert_eq!(seen.completeness(), Completeness::Complete, "{body}");
    }
}

#[test]
fn cells_of_tables_stand_side_by_side() {
    let p = |text: &str| format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>");
    let row = |cells: &[String]| {
        format!("<w:tr>{}</w:tr>", cells.iter().map(|c| format!("<w:tc>{c}</w:tc>")).collect::<String>())
    };
    let table = |rows: &str| format!("<w:tbl>{rows}</w:tbl>");
    let rows = [
        (table(&row(&[p("a"), p("b"), p("c")])), "a\tb\tc"),
        (table(&(row(&[p("a"), p("b")]) + &row(&[p("c")]))) + &p("d"), "a\tb\nc\nd"),
        (table(&row(&[p("a") + &p("b"), p("c")])), "a\nb\tc"),
        (table(&row(&[p("a"), table(&row(&[p("b"), p("c")])), p("d")])), "a\tb\tc\td"),
    ];
    for (body, expected) in rows {
        assert_eq!(walk("a.docx", &document(&body)).role(Role::Body), expected, "{body}");
    }
}

#[test]
fn numbers_in_groups_are_found_over_neighbouring_cells() {
    let groups = ["4539", "1488", "0343", "6467"];
    let cells = |before: &str, after: &str| groups.map(|group| format!("{before}{group}{after}")).concat();
    let word = cells("<w:tc><w:p><w:r><w:t>", "</w:t></w:r></w:p></w:tc>");
    let word = format!("<w:p><w:r><w:t>card</w:t></w:r></w:p><w:tbl><w:tr>{word}</w:tr></w:tbl>");
    let sheet = cells("<c t='inlineStr'><is><t>", "</t></is></c>");
    let heading = "<row><c t='inlineStr'><is><t>card</t></is></c></row>";
    let book = docx(&[
        ("xl/workbook.xml", "<workbook/>"),
        ("xl/worksheets/sheet1.xml", &format!("<s>{heading}<row>{sheet}</row></s>")),
    ]);
    for (name, bytes) in [("a.docx", document(&word)), ("a.xlsx", book)] {
        let seen = walk(name, &bytes);
        assert!(seen.role(Role::Decoded).contains(&groups.concat()), "{name}: {seen:?}");
    }
}

#[test]
fn what_stands_in_no_element_is_read_beside_the_text() {
    let number = "44051401458";
    let kinds: [(&str, &str, &str, &str); 3] = [
        ("word/document.xml", "<w:document xmlns:w='x'><w:p><w:r><w:t>", "</w:t></w:r></w:p></w:document>", "a.docx"),
        ("xl/sharedStrings.xml", "<sst><si><t>", "</t></si></sst>", "a.xlsx"),
        (
            "ppt/slides/slide1.xml",
            "<p:sld xmlns:p='x' xmlns:a='y'><a:p><a:r><a:t>",
            "</a:t></a:r></a:p></p:sld>",
            "a.pptx",
        ),
    ];
    let main = |path: &str| match path {
        "xl/sharedStrings.xml" => vec![("xl/workbook.xml", "<workbook/>")],
        "ppt/slides/slide1.xml" => vec![("ppt/presentation.xml", "<presentation/>")],
        _ => vec![],
    };
    // Prolog, text, expected text, expected aside.
    let rows = [
        ("", "44051<!-- a note -->401458", number, " a note "),
        ("<!-- 44051401458 -->", "text", "text", number),
        ("<?app 44051401458?>", "text", "text", number),
        ("<!DOCTYPE x [<!ENTITY n '44051401458'>]>", "&n;", number, number),
        ("<!DOCTYPE x [<!ENTITY a '44051&b;'><!ENTITY b '401458'>]>", "&a;", number, "401458"),
        ("<!DOCTYPE x [<!ENTITY n '&#52;&#52;051401458'>]>", "text", "text", number),
    ];
    for (path, before, after, file) in kinds {
        for (prolog, text, expected, aside) in rows {
            let part = format!("<?xml version='1.0'?>{prolog}{before}{text}{after}");
            let seen = walk(file, &docx(&[main(path), vec![(path, part.as_str())]].concat()));
            let shown = [seen.role(Role::Body), seen.role(Role::Data)].join("\n");
            assert!(shown.contains(expected), "{file}: {prolog}{text}: {seen:?}");
            assert!(seen.role(Role::Data).contains(aside), "{file}: {prolog}{text}: {seen:?}");
            assert_eq!(seen.completeness(), Completeness::Complete, "{file}: {prolog}{text}");
        }
    }
}

#[test]
fn text_in_unknown_elements_is_read_beside_the_text() {
    let rows = [
        ("a.docx", "word/document.xml", "<d xmlns:w='x'>%<w:t>shown</w:t></d>", true),
        ("a.docx", "word/document.xml", "<d><x>44051&#52;01458</x><w:t xmlns:w='x'>shown</w:t></d>", true),
        ("a.xlsx", "xl/worksheets/sheet1.xml", "<s><x>%</x><row><c t='str'><v>shown</v></c></row></s>", true),
        ("a.xlsx", "xl/sharedStrings.xml", "<s>%<si><t>shown</t></si></s>", true),
        ("a.xlsx", "xl/workbook.xml", "<workbook>%<definedName name='shown'>1</definedName></workbook>", true),
        ("a.docx", "word/document.xml", "<d xmlns:w='x'><posOffset>%</posOffset><w:t>shown</w:t></d>", false),
    ];
    for (file, path, part, is_read) in rows {
        let part = part.replace('%', "44051401458");
        let main = ("xl/workbook.xml", "<workbook/>");
        let parts = if file == "a.xlsx" && path != main.0 { vec![main, (path, &*part)] } else { vec![(path, &*part)] };
        let seen = walk(file, &docx(&parts));
        assert!(seen.holds("shown"), "{part}: {seen:?}");
        assert_eq!(seen.role(Role::Data).contains("44051401458"), is_read, "{part}: {seen:?}");
    }
}

#[test]
fn attributes_that_say_something_are_read_once() {
    let sheet = "xl/worksheets/sheet1.xml";
    let rows = [
        ("a.docx", "word/document.xml", "<w:tbl xmlns:w='x'><w:tblCaption w:val='%'/></w:tbl>", Some(Role::Drawing)),
        ("a.docx", "word/document.xml", "<v:shape xmlns:v='x'><v:textpath string='%'/></v:shape>", Some(Role::Drawing)),
        ("a.docx", "word/document.xml", "<w:p xmlns:w='x'><w:bookmarkStart w:name='%'/></w:p>", Some(Role::Data)),
        ("a.docx", "word/comments.xml", "<w:comment xmlns:w='x' w:initials='%'/>", Some(Role::Comment)),
        ("a.docx", "docProps/app.xml", "<Properties><Link title='%'/></Properties>", Some(Role::Property)),
        ("a.xlsx", sheet, "<s><filters><filter val='%'/><filter val='%'/></filters></s>", Some(Role::Data)),
        ("a.xlsx", sheet, "<s><scenario comment='%'/></s>", Some(Role::Data)),
        ("a.xlsx", sheet, "<s><dataValidation promptTitle='%'/></s>", Some(Role::Form)),
        ("a.xlsx", sheet, "<s><hyperlink tooltip='%'/></s>", Some(Role::Link)),
        ("a.xlsx", "xl/workbook.xml", "<workbook><customWorkbookView name='%'/></workbook>", Some(Role::Data)),
        ("a.docx", "word/document.xml", "<w:p xmlns:w='x' w:rsidR='%'/>", None),
        ("a.docx", "word/document.xml", "<w:ind xmlns:w='x' w:left='%pt'/>", None),
    ];
    for (file, path, part, role) in rows {
        let value = if role.is_some() { "zażółć 44051401458" } else { "440514" };
        let part = part.replace('%', value);
        let main = if file == "a.xlsx" { ("xl/workbook.xml", "<workbook/>") } else { ("word/document.xml", "<d/>") };
        let parts = if path == main.0 { vec![(path, &*part)] } else { vec![main, (path, &*part)] };
        let seen = walk(file, &docx(&parts));
        let times = seen.text.values().map(|text| text.matches(value).count()).sum::<usize>();
        assert_eq!(times, usize::from(role.is_some()), "{part}: {seen:?}");
        assert!(role.is_none_or(|role| seen.role(role).contains(value)), "{part}: {seen:?}");
    }
}

#[test]
fn deleted_text_is_read_with_what_stood_around_it() {
    let (del, ins) = ("<w:del><w:r><w:delText>", "<w:ins><w:r><w:t>");
    let (end_del, end_ins) = ("</w:delText></w:r></w:del>", "</w:t></w:r></w:ins>");
    let (t, end_t) = ("<w:r><w:t>", "</w:t></w:r>");
    let rows = [
        (format!("{del}gone{end_del}"), "gone"),
        (format!("{t}PESEL 440{end_t}{del}514{end_del}{ins}999{end_ins}{t}01458 x{end_t}"), "PESEL 44051401458 x"),
        (format!("{t}1{end_t}{del}2{end_del}{t}3{end_t}{del}4{end_del}{t}5{end_t}"), "12345"),
        (format!("{del}44{end_del}{del}05{end_del}"), "4405"),
    ];
    for (paragraph, expected) in rows {
        let seen = walk("a.docx", &document(&format!("<w:p>{paragraph}</w:p><w:p><w:r><w:t>next</w:t></w:r></w:p>")));
        assert_eq!(seen.role(Role::Deleted).trim(), expected, "{paragraph}");
    }
}

#[test]
fn entities_that_cannot_be_put_in_their_place_are_problems() {
    let rows = [
        ("<!ENTITY n '<w:t>44051401458</w:t>'>", "xml_entity", true),
        ("<!ENTITY n '44051401458&n;'>", "xml_entity", true),
        ("<!ENTITY m '44051401458'>", "xml_entity", true),
        ("<!ENTITY n SYSTEM 'file:///44051401458'>", "xml_external_entity", true),
        ("<!ENTITY % p '<!ENTITY n \"44051401458\">'> %p;", "xml_entity", true),
    ];
    for (declaration, reason, found) in rows {
        let part = format!("<!DOCTYPE x [{declaration}]><w:document xmlns:w='x'><w:t>&n;</w:t></w:document>");
        let seen = walk("a.docx", &docx(&[("word/document.xml", &part)]));
        assert!(seen.reasons.contains(&reason), "{declaration}: {:?}", seen.reasons);
        assert_eq!(seen.holds("44051401458"), found, "{declaration}: {seen:?}");
    }
    let long = "x".repeat(60_000);
    let many = "&n;".repeat(100);
    let part = format!("<!DOCTYPE x [<!ENTITY n '{long}'>]><w:document xmlns:w='x'><w:t>{many}</w:t></w:document>");
    let seen = walk("a.docx", &docx(&[("word/document.xml", &part)]));
    assert!(seen.reasons.contains(&"xml_entity_bytes_max"), "{:?}", seen.reasons);
    assert!(seen.role(Role::Body).len() < 1_100_000);
}

#[test]
fn attributes_take_entities_too() {
    let part = "<!DOCTYPE x [<!ENTITY n '1401458'>]><w:document xmlns:w='x'><w:docPr descr='4405&n;'/></w:document>";
    let seen = walk("a.docx", &docx(&[("word/document.xml", part)]));
    assert_eq!(seen.role(Role::Drawing), "44051401458");
}

#[test]
fn parts_in_other_sets_are_transcoded() {
    let xml = "<?xml version='1.0'?><w:document xmlns:w='x'><w:p><w:t>Zażółć 44051401458</w:t></w:p></w:document>";
    let marked = format!("\u{feff}{xml}");
    let stated = xml.replace("?>", " encoding='Windows-1250'?>");
    let rows: Vec<(&str, Vec<u8>)> = vec![
        ("utf-16 le with mark", marked.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("utf-16 be with mark", marked.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("utf-16 le", xml.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("utf-32 le with mark", marked.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect()),
        ("utf-8 with mark", marked.clone().into_bytes()),
        ("windows-1250", encoding_rs::WINDOWS_1250.encode(&stated).0.into_owned()),
    ];
    for (case, part) in rows {
        let seen = walk("a.docx", &zip(&[TYPES, ("word/document.xml", &part)]));
        assert_eq!(seen.role(Role::Body), "Zażółć 44051401458", "{case}: {seen:?}");
        assert_eq!(seen.completeness(), Completeness::Complete, "{case}");
    }
}

#[test]
fn every_place_of_a_document_has_its_role() {
    let text = |marker: &str| format!("<w:x xmlns:w='x'><w:p><w:r><w:t>{marker}</w:t></w:r></w:p></w:x>");
    let body = "<w:document xmlns:w='x' xmlns:wp='y'><w:p>\
        <w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden-marker</w:t></w:r>\
        <w:del><w:r><w:delText>deleted-marker</w:delText></w:r></w:del>\
        <w:r><w:instrText>HYPERLINK field-marker</w:instrText></w:r>\
        <w:txbxContent><w:p><w:r><w:t>box-marker</w:t></w:r></w:p></w:txbxContent>\
        <wp:docPr descr='alt-marker'/></w:p></w:document>";
    let custom = "<Properties xmlns:vt='v'><property name='MSIP_Label_0_Name'><vt:lpwstr>Confidential</vt:lpwstr></property></Properties>";
    let rels = "<Relationships><Relationship Id='r1' Target='https://link-marker.example/' TargetMode='External'/></Relationships>";
    let embedded = document("<w:p><w:t>embedded-marker</w:t></w:p>");
    let bytes = zip(&[
        TYPES,
        ("word/document.xml", body.as_bytes()),
        ("word/header1.xml", text("header-marker").as_bytes()),
        ("word/footer2.xml", text("footer-marker").as_bytes()),
        ("word/footnotes.xml", text("note-marker").as_bytes()),
        ("word/comments.xml", text("comment-marker").as_bytes()),
        ("word/charts/chart1.xml", b"<c:chart xmlns:c='c'><c:pt><c:v>chart-marker</c:v></c:pt></c:chart>"),
        ("word/_rels/document.xml.rels", rels.as_bytes()),
        ("word/embeddings/inner.docx", &embedded),
        ("word/settings.xml", b"<w:settings xmlns:w='x'><w:docVar w:name='n' w:val='variable-marker'/></w:settings>"),
        ("customXml/item1.xml", b"<root><leaf>data-marker</leaf></root>"),
        ("docProps/core.xml", b"<cp xmlns:dc='d'><dc:creator>Jan &amp; Kowalski</dc:creator></cp>"),
        ("docProps/custom.xml", custom.as_bytes()),
        ("docMetadata/LabelInfo.xml", b"<labels><label id='{0}' siteId='{site-marker}'/></labels>"),
    ]);
    let rows = [
        (Role::Hidden, "hidden-marker"),
        (Role::Deleted, "deleted-marker"),
        (Role::Formula, "HYPERLINK field-marker"),
        (Role::Body, "box-marker"),
        (Role::Drawing, "alt-marker"),
        (Role::Header, "header-marker"),
        (Role::Footer, "footer-marker"),
        (Role::Note, "note-marker"),
        (Role::Comment, "comment-marker"),
        (Role::Drawing, "chart-marker"),
        (Role::Link, "https://link-marker.example/"),
        (Role::Body, "embedded-marker"),
        (Role::Data, "variable-marker"),
        (Role::Data, "data-marker"),
        (Role::Property, "creator: Jan & Kowalski"),
        (Role::Property, "MSIP_Label_0_Name: Confidential"),
        (Role::Property, "siteId: {site-marker}"),
    ];
    for seen in [walk("a.docx", &bytes), stream("a.docx", &bytes)] {
        for (role, expected) in rows {
            assert!(seen.role(role).contains(expected), "{expected} in {}: {:?}", role.as_str(), seen.role(role));
        }
        assert_eq!(seen.completeness(), Completeness::Complete, "{:?}", seen.reasons);
    }
}

#[test]
fn cells_bear_their_place() {
    let workbook = "<workbook xmlns:r='r'><sheets><sheet name='Płace' r:id='rId1'/>\
        <sheet name='Tajne' state='veryHidden' r:id='rId2'/></sheets>\
        <definedNames><definedName name='klucz'>\"name-marker\"</definedName></definedNames></workbook>";
    let rels = "<Relationships><Relationship Id='rId1' Target='worksheets/sheet1.xml'/>\
        <Relationship Id='rId2' Target='worksheets/sheet2.xml'/></Relationships>";
    let strings =
        "<sst><si><t>imię</t></si><si><r><t>Jan</t></r><r><t> Kowalski</t></r></si><si><t>orphan-marker</t></si></sst>";
    let sheet1 = "<worksheet><sheetData><row r='2'><c r='B2' t='s'><v>0</v></c><c t='s'><v>1</v></c>\
        <c r='E2'><f>SUM(formula-marker)</f><v>4.4051401458E10</v></c></row>\
        <row r='4'><c r='A4' s='1'><v>2070803628</v></c></row>\
        <row r='7'><c r='A7' t='inlineStr'><is><t>inline</t></is></c><c r='B7' t='s'><v>99</v></c></row></sheetData>\
        <headerFooter><oddHeader>&amp;Lheader-marker</oddHeader></headerFooter></worksheet>";
    let styles = "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='00000000000'/></numFmts>\
        <cellXfs><xf numFmtId='0'/><xf numFmtId='164'/></cellXfs></styleSheet>";
    let sheet2 = "<worksheet><sheetData><row><c t='str'><v>hidden-marker</v></c></row></sheetData></worksheet>";
    let comments = "<comments><commentList><comment ref='A1'><text><r><t>comment-</t></r><r><t>marker</t></r></text></comment></commentList></comments>";
    let bytes = docx(&[
        ("xl/worksheets/sheet1.xml", sheet1),
        ("xl/worksheets/sheet2.xml", sheet2),
        ("xl/sharedStrings.xml", strings),
        ("xl/styles.xml", styles),
        ("xl/comments1.xml", comments),
        ("xl/workbook.xml", workbook),
        ("xl/_rels/workbook.xml.rels", rels),
    ]);
    let seen = walk("a.xlsx", &bytes);
    let cell = |sheet: &str, row, column, text: &str| (sheet.to_owned(), row, column, text.to_owned());
    assert_eq!(
        seen.cells,
        [
            cell("Płace", 2, 2, "imię"),
            cell("Płace", 2, 3, "Jan Kowalski"),
            cell("Płace", 2, 5, "44051401458"),
            cell("Płace", 4, 1, "02070803628"),
            cell("Płace", 7, 1, "inline"),
            cell("Tajne", 1, 1, "hidden-marker"),
        ]
    );
    assert!(
        seen.role(Role::Body).contains("imię\tJan Kowalski\t44051401458\n02070803628\ninline"),
        "{}",
        seen.role(Role::Body)
    );
    let rows = [
        (Role::Hidden, "hidden-marker"),
        (Role::Hidden, "Tajne"),
        (Role::Formula, "SUM(formula-marker)"),
        (Role::Formula, "klucz: \"name-marker\""),
        (Role::Header, "header-marker"),
        (Role::Comment, "comment-marker"),
        (Role::Data, "orphan-marker"),
    ];
    for (role, expected) in rows {
        assert!(seen.role(role).contains(expected), "{expected} in {}", role.as_str());
    }
    assert!(!seen.role(Role::Data).contains("Kowalski"), "strings that a cell shows are not repeated");
}

#[test]
fn slides_bear_their_number() {
    let slide = |text: &str| format!("<p:sld xmlns:p='p' xmlns:a='a'><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:sld>");
    let hidden = "<p:sld xmlns:p='p' xmlns:a='a' show='0'><a:p><a:r><a:t>hidden-marker</a:t></a:r></a:p></p:sld>";
    let bytes = docx(&[
        ("ppt/slides/slide10.xml", &slide("ten")),
        ("ppt/slides/slide2.xml", &slide("two")),
        ("ppt/slides/slide3.xml", hidden),
        ("ppt/notesSlides/notesSlide2.xml", &slide("notes-marker")),
        ("ppt/slideMasters/slideMaster1.xml", &slide("layout-marker")),
        ("ppt/comments/comment1.xml", "<p:cm xmlns:p='p'><p:text>comment-marker</p:text></p:cm>"),
    ]);
    let seen = walk("a.pptx", &bytes);
    assert_eq!(seen.items[0].kind, Kind::Pptx);
    let pages: Vec<(u32, &str)> = seen.pages.iter().map(|(page, text)| (*page, text.as_str())).collect();
    assert_eq!(pages, [(2, "two"), (3, "hidden-marker"), (10, "ten"), (2, "notes-marker")]);
    let rows = [
        (Role::Hidden, "hidden-marker"),
        (Role::SpeakerNotes, "notes-marker"),
        (Role::Layout, "layout-marker"),
        (Role::Comment, "comment-marker"),
    ];
    for (role, expected) in rows {
        assert!(seen.role(role).contains(expected), "{expected} in {}", role.as_str());
    }
}

#[test]
fn broken_parts_are_read_on_without_their_tags() {
    let broken = "<w:document xmlns:w='x'><w:p><w:r><w:t>before</w:t></w:r></w:p><w:p <<< a='\"><w:t>4405</w:t><w:t>1401458</w:t>";
    let seen = walk("a.docx", &docx(&[("word/document.xml", broken), ("word/header1.xml", "<h><t>header</t></h>")]));
    assert!(seen.role(Role::Body).contains("before"));
    assert!(seen.holds("44051401458"), "{:?}", seen.text);
    assert!(seen.role(Role::Header).contains("header"), "other parts are still read");
    assert_eq!(seen.completeness(), Completeness::Damaged, "{:?}", seen.reasons);
}

#[test]
fn bytes_that_are_no_utf8_do_not_hide_a_part() {
    let mut part =
        b"<w:document xmlns:w='x'><w:p><w:t>before</w:t><w:t>\xff\xfe</w:t><w:t>behind-marker</w:t></w:p>".to_vec();
    part.extend_from_slice(b"<w:p><w:t>more</w:t></w:p></w:document>");
    let seen = walk("a.docx", &zip(&[TYPES, ("word/document.xml", &part)]));
    assert!(seen.holds("before") && seen.holds("behind-marker"), "{:?}", seen.text);
    assert_eq!(seen.completeness(), Completeness::Damaged);
}

#[test]
fn encrypted_office_documents_are_named() {
    let seen = walk("a.docx", &compound_file(&["Root Entry", "EncryptionInfo", "EncryptedPackage"]));
    assert_eq!((seen.items[0].kind, seen.completeness()), (Kind::Cfb, Completeness::Encrypted));
    let seen = walk("a.doc", &compound_file(&["Root Entry", "WordDocument", "EncryptionInfo"]));
    assert_eq!(seen.completeness(), Completeness::Unsupported, "one of the two streams is not enough");
}

/// A compound file of one header sector and one directory sector for each four names.
fn compound_file(names: &[&str]) -> Vec<u8> {
    let mut bytes = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    bytes.resize(512, 0);
    for name in names {
        let mut entry = [0_u8; 128];
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        entry[..wide.len()].copy_from_slice(&wide);
        entry[64] = wide.len() as u8 + 2;
        entry[66] = if *name == "Root Entry" { 5 } else { 2 };
        bytes.extend_from_slice(&entry);
    }
    bytes
}

#[test]
fn the_label_part_tells_labels_in_force() {
    const LABEL: &str = "11111111-2222-3333-4444-555555555555";
    const TENANT: &str = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
    let inspector = Inspector::new(DetectorSet::builtin().expect("built-in detectors"), Limits::inline());
    let rows = [
        (
            format!("<c:label id='{{{LABEL}}}' enabled='1' method='Privileged' siteId='{{{TENANT}}}' removed='0'/>"),
            true,
        ),
        (format!("<c:label siteId='{{{TENANT}}}' contentBits='8' enabled='true' id='{LABEL}'/>"), true),
        (format!("<c:label id='{{{LABEL}}}' enabled='0' method='' siteId='{{{TENANT}}}' removed='0'/>"), false),
        (format!("<c:label id='{{{TENANT}}}' enabled='1' method='' siteId='{{{TENANT}}}' removed='1'/>"), false),
        (String::new(), false),
    ];
    for (label, expected) in rows {
        let part = format!(
            "<c:labelList xmlns:c='http://schemas.microsoft.com/office/2020/mipLabelMetadata'>{label}</c:labelList>"
        );
        let bytes = zip(&[
            TYPES,
            ("word/document.xml", b"<w:document><w:body><w:p><w:r><w:t>Text</w:t></w:r></w:p></w:body></w:document>"),
            ("docMetadata/LabelInfo.xml", part.as_bytes()),
        ]);
        let mut collected = Collected::default();
        let job = Job { name: "a.docx", input: Input::Bytes(&bytes), cancel: &Cancel::default() };
        inspector.inspect(&mut Scratch::new(), job, &mut collected);
        let is_label = |finding: &Finding| inspector.detectors().detector(finding.detector).id == "label.microsoft.mip";
        assert_eq!(collected.findings.iter().any(is_label), expected, "{label}");
    }
}

#[test]
fn a_label_that_is_switched_off_leaves_a_name_that_counts_for_nothing() {
    let inspector = Inspector::new(DetectorSet::builtin().expect("built-in detectors"), Limits::inline());
    let label = "MSIP_Label_11111111-2222-3333-4444-555555555555";
    let rows = [("true", 2), ("True", 2), ("false", 0), ("False", 0)];
    for ((enabled, expected), is_reversed) in rows.into_iter().flat_map(|row| [(row, false), (row, true)]) {
        let property = |name: &str, value: &str| {
            format!("<property name='{label}_{name}'><vt:lpwstr>{value}</vt:lpwstr></property>")
        };
        let mut custom = [
            property("Enabled", enabled),
            property("SetDate", "2026-01-02T03:04:05Z"),
            property("Name", "Secret plans"),
        ];
        if is_reversed {
            custom.reverse();
        }
        let bytes = zip(&[
            TYPES,
            ("word/document.xml", b"<w:document><w:body><w:p><w:r><w:t>Text</w:t></w:r></w:p></w:body></w:document>"),
            ("docProps/custom.xml", format!("<Properties xmlns:vt='v'>{}</Properties>", custom.concat()).as_bytes()),
        ]);
        let mut collected = Collected::default();
        let job = Job { name: "a.docx", input: Input::Bytes(&bytes), cancel: &Cancel::default() };
        inspector.inspect(&mut Scratch::new(), job, &mut collected);
        let detector = |finding: &Finding| inspector.detectors().detector(finding.detector).id.clone();
        let labels = collected.findings.iter().filter(|finding| detector(finding).starts_with("label."));
        assert_eq!(labels.count(), expected, "{enabled} {is_reversed}");
    }
}

/// The detectors of labels that are shown for a document of these parts.
fn labels_of(inspector: &Inspector, parts: &[(&str, &[u8])]) -> Vec<String> {
    let body = b"<w:document><w:body><w:p><w:r><w:t>Text</w:t></w:r></w:p></w:body></w:document>".as_slice();
    let bytes = zip(&[&[TYPES, ("word/document.xml", body)], parts].concat());
    let mut collected = Collected::default();
    let job = Job { name: "a.docx", input: Input::Bytes(&bytes), cancel: &Cancel::default() };
    inspector.inspect(&mut Scratch::new(), job, &mut collected);
    let detectors =
        collected.findings.iter().map(|finding| inspector.detectors().detector(finding.detector).id.clone());
    let mut labels: Vec<_> =
        detectors.filter_map(|id| id.strip_prefix("label.microsoft.").map(str::to_owned)).collect();
    labels.sort();
    labels
}

#[test]
fn properties_of_a_tenant_count_where_the_label_part_has_no_word_on_it() {
    let inspector = Inspector::new(DetectorSet::builtin().expect("built-in detectors"), Limits::inline());
    let (label, tenant) = ("11111111-2222-3333-4444-555555555555", "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee");
    let property = |name: &str, value: &str| {
        format!("<property name='MSIP_Label_{label}_{name}'><vt:lpwstr>{value}</vt:lpwstr></property>")
    };
    let custom = [property("Enabled", "true"), property("SiteId", tenant), property("Name", "Secret plans")].concat();
    let custom = format!("<Properties xmlns:vt='v'>{custom}</Properties>");
    let element = |id: &str, site: &str, rest: &str| format!("<label id='{{{id}}}' siteId='{{{site}}}' {rest}/>");
    let rows = [
        (element(label, tenant, "enabled='1'"), vec!["mip", "mip", "mip-name"]),
        (element(tenant, tenant, "enabled='1' removed='1'"), vec![]),
        (element(label, tenant, "enabled='0'"), vec![]),
        (element("99999999-2222-3333-4444-555555555555", tenant, "enabled='1'"), vec!["mip"]),
        (element(label, "99999999-bbbb-cccc-dddd-eeeeeeeeeeee", "removed='1'"), vec!["mip", "mip-name"]),
        (String::new(), vec!["mip", "mip-name"]),
    ];
    for (element, expected) in rows {
        let part = format!("<labelList>{element}</labelList>");
        let parts = [("docMetadata/LabelInfo.xml", part.as_bytes()), ("docProps/custom.xml", custom.as_bytes())];
        assert_eq!(labels_of(&inspector, &parts), expected, "{element}");
    }
}

#[test]
fn markings_that_a_label_promises_are_missed() {
    let inspector = Inspector::new(DetectorSet::builtin().expect("built-in detectors"), Limits::inline());
    let label = "MSIP_Label_11111111-2222-3333-4444-555555555555";
    let custom = |bits: u32| {
        let property = |name: &str, value: &str| {
            format!("<property name='{label}_{name}'><vt:lpwstr>{value}</vt:lpwstr></property>")
        };
        let properties =
            [property("Enabled", "true"), property("ContentBits", &bits.to_string()), property("Name", "General")];
        format!("<Properties xmlns:vt='v'>{}</Properties>", properties.concat())
    };
    let margin = |text: &str| format!("<w:hdr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:hdr>");
    let rows = [
        (3, "General", "General", false),
        (3, "General", " ", true),
        (1, "General", " ", false),
        (2, "General", " ", true),
        (8, " ", " ", false),
    ];
    for (bits, header, footer, expected) in rows {
        let (custom, header, footer) = (custom(bits), margin(header), margin(footer));
        let parts = [
            ("docProps/custom.xml", custom.as_bytes()),
            ("word/header1.xml", header.as_bytes()),
            ("word/footer1.xml", footer.as_bytes()),
        ];
        let labels = labels_of(&inspector, &parts);
        assert_eq!(labels.contains(&"marking-stripped".to_owned()), expected, "{bits} {header} {footer}");
        assert!(labels.contains(&"mip-name-internal".to_owned()), "{labels:?}");
        assert!(!labels.contains(&"mip-name".to_owned()), "the general one says no more: {labels:?}");
    }
}

#[test]
fn days_in_sheets_are_dates() {
    let styles = "<styleSheet><numFmts><numFmt numFmtId='170' formatCode='d\\.mm\\.yyyy'/></numFmts>\
                  <cellXfs><xf numFmtId='0'/><xf numFmtId='14'/><xf numFmtId='170'/></cellXfs></styleSheet>";
    let sheet = "<worksheet><sheetData><row r='1'><c r='A1'><v>16571</v></c><c r='B1' s='1'><v>16571</v></c>\
                 <c r='C1' s='2'><v>16571.5</v></c></row></sheetData></worksheet>";
    for (date1904, day) in [("", "1945-05-14"), ("date1904='1'", "1949-05-15")] {
        let workbook = format!("<workbook><workbookPr {date1904}/></workbook>");
        let parts =
            [("xl/workbook.xml", workbook.as_str()), ("xl/styles.xml", styles), ("xl/worksheets/sheet1.xml", sheet)];
        let seen = walk("a.xlsx", &docx(&parts));
        let cells: Vec<&str> = seen.cells.iter().map(|(_, _, _, text)| text.as_str()).collect();
        assert_eq!(cells, ["16571", day, &format!("{day} 12:00:00")]);
    }
}

#[test]
fn workbooks_that_count_from_1904_say_the_rest_of_it_too() {
    let workbook = "<workbook><workbookPr date1904='true' codeName='44051401458'/></workbook>";
    assert!(walk("a.xlsx", &docx(&[("xl/workbook.xml", workbook)])).holds("44051401458"));
}

/// A record of a binary workbook.
fn record(id: u32, data: &[u8]) -> Vec<u8> {
    let seven_bits = |mut number: u32| {
        let mut bytes = vec![(number & 0x7F) as u8];
        while number > 0x7F {
            number >>= 7;
            *bytes.last_mut().expect("there is one") |= 0x80;
            bytes.push((number & 0x7F) as u8);
        }
        bytes
    };
    [seven_bits(id), seven_bits(data.len() as u32), data.to_vec()].concat()
}

fn long(number: u32) -> [u8; 4] {
    number.to_le_bytes()
}

/// A string of a binary workbook.
fn wide(text: &str) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    [long(units.len() as u32).to_vec(), units.into_iter().flat_map(u16::to_le_bytes).collect()].concat()
}

/// A binary workbook whose first sheet has these records.
fn xlsb(sheet: &[Vec<u8>]) -> Vec<u8> {
    let bundle = |state: u32, relation: &str, name: &str| {
        record(156, &[&long(state)[..], &long(1), &wide(relation), &wide(name)].concat())
    };
    let workbook =
        [bundle(0, "rId1", "Płace"), bundle(2, "rId2", "Ukryty"), record(39, &wide("name of a range"))].concat();
    let relations = "<Relationships><Relationship Id='rId1' Target='worksheets/sheet1.bin'/>\
                     <Relationship Id='rId2' Target='worksheets/sheet2.bin'/></Relationships>";
    let string = |text: &str| record(19, &[&[0][..], &wide(text)].concat());
    let strings = [string("shared żółw"), string("shown by no cell")].concat();
    let style = |format: u16| record(47, &[&[0, 0][..], &format.to_le_bytes(), &[0; 12]].concat());
    let format = record(44, &[&164_u16.to_le_bytes()[..], &wide("00000000000")].concat());
    let styles = [format, style(164), record(617, &[2, 0, 0, 0]), style(0), style(164), record(618, &[])].concat();
    let rectangle = [2, 2, 1, 1].map(long).concat();
    let remark = [record(635, &[&long(0)[..], &rectangle, &[0; 16]].concat())].concat();
    let comments = [record(632, &wide("Anna")), remark, record(637, &[&[0][..], &wide("remark")].concat())].concat();
    let hidden =
        [record(0, &row(0, false)), record(6, &[&cell(0, 0)[..], &wide("in a hidden sheet")].concat())].concat();
    let cache = [record(24, &wide("cached text")), record(21, &1_234_563_218_f64.to_le_bytes())].concat();
    zip(&[
        TYPES,
        ("xl/workbook.bin", &workbook),
        ("xl/_rels/workbook.bin.rels", relations.as_bytes()),
        ("xl/sharedStrings.bin", &strings),
        ("xl/styles.bin", &styles),
        ("xl/comments1.bin", &comments),
        ("xl/worksheets/sheet1.bin", &sheet.concat()),
        ("xl/worksheets/sheet2.bin", &hidden),
        ("xl/pivotCache/pivotCacheDefinition1.bin", &cache),
        ("xl/printerSettings/printerSettings1.bin", &wide("name of a printer")),
    ])
}

fn row(number: u32, is_hidden: bool) -> Vec<u8> {
    [&long(number)[..], &[0; 7], &[if is_hidden { 0x10 } else { 0 }], &[0; 5]].concat()
}

fn cell(column: u32, style: u32) -> Vec<u8> {
    [long(column), long(style)].concat()
}

#[test]
fn binary_workbooks_give_cells_comments_and_what_else_holds_text() {
    let number = 44_051_401_458_f64;
    let packed = |number: i32| long((number as u32) << 2 | 2);
    let sheet = [
        record(0, &row(0, false)),
        record(7, &[&cell(0, 0)[..], &long(0)].concat()),
        record(5, &[&cell(2, 0)[..], &number.to_le_bytes()].concat()),
        record(16, &[&long(0)[..], &2_270_803_628_f64.to_le_bytes()].concat()),
        record(0, &row(4, true)),
        record(2, &[&cell(1, 0)[..], &packed(123_456_789)].concat()),
        record(62, &[&cell(2, 0)[..], &[1], &wide("rich"), &[0; 8]].concat()),
        record(0, &row(5, false)),
        record(8, &[&cell(0, 0)[..], &wide("of a formula"), &wide("in the formula")].concat()),
        record(9, &[&cell(1, 1)[..], &2_070_803_628_f64.to_le_bytes(), &[0; 6]].concat()),
        record(494, &[&[1, 1, 1, 1].map(long).concat()[..], &wide("https://example.com/x")].concat()),
    ];
    let seen = walk("a.xlsb", &xlsb(&sheet));
    assert_eq!((seen.items[0].kind, seen.completeness()), (Kind::Xlsx, Completeness::Complete), "{:?}", seen.reasons);
    let expected = [
        ("", 3, 2, "remark"),
        ("Płace", 1, 1, "shared żółw"),
        ("Płace", 1, 3, "44051401458"),
        ("Płace", 1, 4, "2270803628"),
        ("Płace", 5, 2, "123456789"),
        ("Płace", 5, 3, "rich"),
        ("Płace", 6, 1, "of a formula"),
        ("Płace", 6, 2, "02070803628"),
        ("Ukryty", 1, 1, "in a hidden sheet"),
    ];
    let expected: Vec<_> =
        expected.map(|(sheet, row, column, text)| (sheet.to_owned(), row, column, text.to_owned())).into();
    let mut cells = seen.cells.clone();
    cells.sort();
    assert_eq!(cells, expected);
    assert_eq!(seen.role(Role::Hidden), "Ukryty\n123456789\trich\nin a hidden sheet");
    assert_eq!(seen.role(Role::Comment), "Anna\nremark");
    for text in
        ["shown by no cell", "name of a range", "in the formula", "https://example.com/x", "cached text", "1234563218"]
    {
        assert!(seen.holds(text), "{text}: {:?}", seen.text);
    }
    assert!(seen.holds("name of a printer"), "{:?}", seen.text);
}

#[test]
fn files_that_bear_names_of_binary_parts_are_opened() {
    let file = zip(&[("s.txt", b"inner-marker")]);
    let paths = ["worksheets/x.bin", "embeddings/sharedStrings.bin", "styles.bin", "comments1.bin", "pivotCache/x.bin"];
    for path in paths.map(|path| format!("xl/{path}")) {
        let part = (path.as_str(), file.as_slice());
        let is_opened = |members: &[(&str, &[u8])]| walk("a.xlsx", &zip(members)).holds("inner-marker");
        assert!(is_opened(&[TYPES, ("xl/workbook.xml", b"<workbook/>"), part]), "{path}");
        assert!(is_opened(&[TYPES, ("xl/workbook.bin", b""), part]), "{path} of a binary workbook");
    }
    let text = (("xl/worksheets/x.bin"), &b"44051401458"[..]);
    assert!(walk("a.xlsx", &zip(&[TYPES, ("xl/workbook.xml", b"<workbook/>"), text])).holds("44051401458"));
}

#[test]
fn texts_in_records_of_rows_are_read() {
    let row = record(0, &[&row(0, false)[..], &[0; 7], b"row-marker"].concat());
    assert!(walk("a.xlsb", &xlsb(&[row])).holds("row-marker"));
}

#[test]
fn broken_binary_workbooks_are_named_and_read_as_far_as_they_go() {
    let first = [record(0, &row(0, false)), record(6, &[&cell(0, 0)[..], &wide("first")].concat())].concat();
    let rows: [(&str, Vec<u8>, &str); 4] = [
        ("a record that is cut", vec![6, 100, 0, 0, 0, 0], "truncated"),
        ("a number that is cut", vec![0x86], "truncated"),
        (
            "a record beyond all bounds",
            [&[0x86, 1, 0xFF, 0xFF, 0xFF, 0x7F][..], b"behind-marker"].concat(),
            "bad_structure",
        ),
        ("strings that lie", record(6, &[&cell(1, 0)[..], &[0xFF; 4], b"behind-marker"].concat()), ""),
    ];
    for (case, tail, reason) in rows {
        let seen = walk("a.xlsb", &xlsb(&[first.clone(), tail.clone()]));
        assert!(seen.holds("first"), "{case}: {:?}", seen.text);
        assert_eq!(seen.outcome.map(|outcome| outcome.reason), Some(reason), "{case}");
        assert_eq!(seen.holds("behind-marker"), tail.ends_with(b"behind-marker"), "{case}: {:?}", seen.text);
    }
}
