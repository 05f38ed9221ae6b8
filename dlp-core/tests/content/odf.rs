//! OpenDocument: places, roles, hidden content, one file or many.

use crate::support::*;
use dlp_core::content::{Completeness, Kind, Role};

fn package(content: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let content = format!("<office:document-content xmlns:office='o'>{content}</office:document-content>");
    let mut parts: Vec<(&str, &[u8])> = vec![("mimetype", b"application/vnd.oasis.opendocument.text")];
    parts.extend(more.iter().map(|(name, text)| (*name, text.as_bytes())));
    parts.push(("content.xml", content.as_bytes()));
    zip(&parts)
}

fn flat(content: &str) -> Vec<u8> {
    format!("<?xml version='1.0'?>\n<office:document xmlns:office='o'>{content}</office:document>").into_bytes()
}

#[test]
fn every_place_has_its_role() {
    let hiding = "<style:style style:name='T1'><style:text-properties text:display='none'/></style:style>";
    let rows: Vec<(&str, Role, &str)> = vec![
        ("<text:p>one <text:span>4405</text:span>1401458</text:p>", Role::Body, "one 44051401458"),
        ("<text:p>a<text:s text:c='2'/>b<text:tab/>c<text:line-break/>d</text:p>", Role::Body, "a  b\tc\nd"),
        ("<text:p>a</text:p>\n  <text:h>b</text:h>", Role::Body, "a\nb"),
        (
            "<text:p>x<office:annotation><dc:creator>Jan</dc:creator><text:p>remark</text:p></office:annotation></text:p>",
            Role::Comment,
            "remark",
        ),
        (
            "<text:p>x<office:annotation><dc:creator>Jan</dc:creator><text:p>remark</text:p></office:annotation></text:p>",
            Role::Comment,
            "creator: Jan",
        ),
        (
            "<text:p>x<text:note><text:note-body><text:p>small</text:p></text:note-body></text:note>y</text:p>",
            Role::Note,
            "small",
        ),
        (
            "<text:tracked-changes><text:deletion><text:p>gone</text:p></text:deletion></text:tracked-changes>",
            Role::Deleted,
            "gone",
        ),
        ("<text:p><text:hidden-text text:string-value='secret'>x</text:hidden-text></text:p>", Role::Hidden, "secret"),
        ("<text:p><text:hidden-paragraph>secret</text:hidden-paragraph></text:p>", Role::Hidden, "secret"),
        (
            "<text:p>a<text:a xlink:href='https://example.com/x'>b</text:a></text:p>",
            Role::Link,
            "https://example.com/x",
        ),
        (
            "<draw:frame><svg:desc>described</svg:desc><draw:text-box><text:p>boxed</text:p></draw:text-box></draw:frame>",
            Role::Drawing,
            "described",
        ),
        ("<style:header><text:p>top</text:p></style:header>", Role::Header, "top"),
        ("<style:footer><text:p>bottom</text:p></style:footer>", Role::Footer, "bottom"),
        ("<text:p><text:span text:style-name='T1'>hidden</text:span></text:p>", Role::Hidden, "hidden"),
        ("<office:script>Rem code</office:script>", Role::Script, "Rem code"),
    ];
    for (content, role, expected) in rows {
        for bytes in [package(&format!("{hiding}{content}"), &[]), flat(&format!("{hiding}{content}"))] {
            let seen = walk("a", &bytes);
            assert_eq!((seen.items[0].kind, seen.completeness()), (Kind::OpenDocument, Completeness::Complete));
            assert!(seen.role(role).contains(expected), "{content}: {:?}", seen.text);
        }
    }
}

#[test]
fn attributes_and_shown_deletions_are_read() {
    let rows = [
        ("<text:section text:name='%'><text:p>a</text:p></text:section>", Role::Data),
        ("<table:filter-condition table:value='%'/>", Role::Form),
        ("<form:form form:command='%'/>", Role::Formula),
        (
            "<text:changed-region xml:id='c1'><text:deletion/></text:changed-region>             <text:p>x<text:change-start text:change-id='c1'/>%<text:change-end text:change-id='c1'/>y</text:p>",
            Role::Deleted,
        ),
        ("<style:text-properties fo:font-name='%'/>", Role::Raw),
    ];
    for (content, role) in rows {
        let seen = walk("a.odt", &package(&content.replace('%', "PESEL 44051401458"), &[]));
        let is_read = role != Role::Raw;
        assert_eq!(seen.holds("PESEL 44051401458"), is_read, "{content}: {seen:?}");
        assert!(!is_read || seen.role(role).contains("PESEL 44051401458"), "{content}: {seen:?}");
        assert!(role != Role::Deleted || seen.role(Role::Body).contains("xy"), "{seen:?}");
    }
}

#[test]
fn a_deletion_ends_at_its_own_end() {
    let region =
        |id: &str, kind: &str| format!("<text:changed-region xml:id='{id}'><text:{kind}/></text:changed-region>");
    let mark = |kind: &str, id: &str| format!("<text:change-{kind} text:change-id='{id}'/>");
    let (c1, c2) = (|kind: &str| mark(kind, "c1"), |kind: &str| mark(kind, "c2"));
    let text = format!("{}gone{}both{}too{}stays", c1("start"), c2("start"), c2("end"), c1("end"));
    for inner in ["insertion", "deletion"] {
        let regions = region("c1", "deletion") + &region("c2", inner);
        let seen = walk("a.odt", &package(&format!("{regions}<text:p>{text}</text:p>"), &[]));
        assert_eq!(seen.role(Role::Body).lines().next(), Some("stays"), "{inner}: {:?}", seen.text);
        let deleted = seen.role(Role::Deleted).replace('\n', "");
        assert_eq!(deleted.trim(), "gonebothtoo", "{inner}: {:?}", seen.text);
    }
}

#[test]
fn fields_of_forms_on_sheets_are_read() {
    let form = "<office:forms><form:form><form:text form:value='field 44051401458' form:current-value='typed 1234563218'/>\
        </form:form></office:forms>";
    let table = format!(
        "<office:body><office:spreadsheet><table:table table:name='A'>{form}<table:table-row>\
         <table:table-cell office:value='44051401459'><text:p>x</text:p></table:table-cell></table:table-row></table:table>\
         </office:spreadsheet></office:body>"
    );
    let seen = walk("a.ods", &package(&table, &[]));
    for text in ["field 44051401458", "typed 1234563218"] {
        assert!(seen.role(Role::Form).contains(text), "{text}: {:?}", seen.text);
    }
    let cell = |text: &str| ("A".to_owned(), 1, 1, text.to_owned());
    assert_eq!(seen.cells, [cell("x"), cell("44051401459")]);
}

#[test]
fn cells_bear_their_place_and_show_what_formats_cut() {
    let hiding = "<style:style style:name='ta2'><style:table-properties table:display='false'/></style:style>";
    let table = "<office:body><office:spreadsheet><table:table table:name='Płace'>\
        <table:table-row><table:table-cell><text:p>PESEL</text:p></table:table-cell>\
        <table:table-cell table:number-columns-repeated='3'/><table:table-cell><text:p>x</text:p></table:table-cell></table:table-row>\
        <table:table-row table:number-rows-repeated='10'><table:table-cell/></table:table-row>\
        <table:table-row><table:table-cell office:value='4.4051401458E+10'><text:p>4.4E+10</text:p></table:table-cell>\
        <table:table-cell office:value='44051401458'><text:p>44051401458</text:p></table:table-cell>\
        <table:table-cell><office:annotation><text:p>remark</text:p></office:annotation><text:p>y</text:p></table:table-cell></table:table-row>\
        <table:table-row table:visibility='collapse'><table:table-cell><text:p>row</text:p></table:table-cell></table:table-row>\
        </table:table><table:table table:name='B' table:style-name='ta2'><table:table-row><table:table-cell><text:p>sheet</text:p>\
        </table:table-cell></table:table-row></table:table></office:spreadsheet></office:body>";
    let seen = walk("a.ods", &package(&format!("{hiding}{table}"), &[]));
    let expected = [
        ("Płace", 1, 1, "PESEL"),
        ("Płace", 1, 5, "x"),
        ("Płace", 12, 1, "4.4E+10"),
        ("Płace", 12, 1, "44051401458"),
        ("Płace", 12, 2, "44051401458"),
        ("Płace", 12, 3, "y"),
        ("Płace", 13, 1, "row"),
        ("Płace", 12, 3, "remark"),
        ("B", 1, 1, "sheet"),
    ];
    let expected: Vec<_> =
        expected.map(|(sheet, row, column, text)| (sheet.to_owned(), row, column, text.to_owned())).into();
    assert_eq!(seen.cells, expected);
    let body = seen.role(Role::Body);
    assert!(body.starts_with("PESEL\tx\n4.4E+10\t44051401458\t44051401458\ty"), "{body}");
    assert_eq!(seen.role(Role::Hidden), "row\nsheet");
    assert!(seen.role(Role::FileName).contains("Płace"));
}

#[test]
fn slides_bear_their_number() {
    let hiding =
        "<style:style style:name='dp2'><style:drawing-page-properties presentation:visibility='hidden'/></style:style>";
    let pages = "<draw:page><text:p>first</text:p><presentation:notes><text:p>spoken</text:p></presentation:notes></draw:page>\
                 <draw:page draw:style-name='dp2'><text:p>second</text:p></draw:page>";
    let seen = walk("a.odp", &package(&format!("{hiding}{pages}"), &[]));
    let pages: Vec<(u32, &str)> = seen.pages.iter().map(|(page, text)| (*page, text.trim())).collect();
    assert_eq!(pages, [(1, "first"), (1, "spoken"), (2, "second")]);
    assert_eq!((seen.role(Role::SpeakerNotes).trim(), seen.role(Role::Hidden).trim()), ("spoken", "second"));
}

#[test]
fn properties_other_parts_and_files_inside_are_read() {
    let meta = "<office:meta><dc:title>The title</dc:title><meta:user-defined meta:name='Label'>secret</meta:user-defined></office:meta>";
    let styles = "<office:master-styles><style:header><text:p>top</text:p></style:header></office:master-styles>";
    let script = "<script:module>Sub Main</script:module>";
    let parts = [
        ("meta.xml", meta),
        ("styles.xml", styles),
        ("settings.xml", "<c>set text</c>"),
        ("Basic/Standard/Module1.xml", script),
        ("Object 1/content.xml", "<text:p>embedded text</text:p>"),
        ("files/note.txt", "file text"),
    ];
    let seen = walk("a.odt", &package("<text:p>body</text:p>", &parts));
    let properties = seen.role(Role::Property);
    assert!(properties.contains("title: The title") && properties.contains("Label: secret"), "{properties}");
    for (role, text) in
        [(Role::Header, "top"), (Role::Script, "Sub Main"), (Role::Data, "set text"), (Role::Body, "embedded text")]
    {
        assert!(seen.role(role).contains(text), "{text}: {:?}", seen.text);
    }
    assert!(seen.items.iter().any(|item| item.path == "a.odt/files/note.txt"));
    let seen = walk("a.fodt", &flat(&format!("{meta}<office:binary-data>\nZmlsZSB0\n ZXh0</office:binary-data>")));
    let properties = seen.role(Role::Property);
    assert!(properties.contains("title: The title") && properties.contains("Label: secret"), "{properties}");
    assert!(seen.items.iter().any(|item| item.path == "a.fodt/object") && seen.holds("file text"));
}

#[test]
fn broken_and_encrypted_parts_are_named() {
    let seen = walk("a.odt", &package("<text:p>body</text:p><!-- open", &[]));
    assert!(seen.holds("body"));
    assert_eq!(seen.completeness(), Completeness::Damaged);
    let manifest = "<manifest:manifest><manifest:encryption-data/></manifest:manifest>";
    let seen =
        walk("a.odt", &zip(&[("encrypted-package", b"\x01\x02"), ("META-INF/manifest.xml", manifest.as_bytes())]));
    assert_eq!(seen.completeness(), Completeness::Encrypted);
}
