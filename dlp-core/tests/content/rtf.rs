//! RTF: characters, destinations, objects.

use crate::support::*;
use dlp_core::content::{Completeness, Kind, Role};

#[test]
fn characters_are_decoded_in_the_set_of_their_font() {
    let fonts = "{\\fonttbl{\\f0\\fcharset0 A;}{\\f1\\fcharset238 B;}{\\f2\\fcharset128 C;}{\\f3\\cpg1251 D;}}";
    let rows: [(&str, &str); 24] = [
        ("plain", "plain"),
        ("two \\par lines", "two \nlines"),
        ("one 4405\r\n1401458 number", "one 44051401458 number"),
        ("split {\\b 4405}{\\i 1401458}", "split 44051401458"),
        ("cell\\cell cell\\cell\\row", "cell\tcell\t\n"),
        ("\\f1 za\\'bf\\'f3\\'b3\\'e6", "zażółć"),
        ("{\\f1\\'b9}\\'b9", "ą¹"),
        ("\\f1\\plain\\'b9", "¹"),
        ("\\f2\\'83\\'41 \\'83A", "ア ア"),
        ("\\f3\\'e4\\'e0", "да"),
        ("\\ansicpg1250\\'b9", "ą"),
        ("\\mac\\'8a", "ä"),
        ("z\\u243?\\u322?w", "zółw"),
        ("\\uc0 z\\u243\\u322 w", "zółw"),
        ("\\uc2 z\\u243\\'b9\\'b9w", "zów"),
        ("{\\uc0}\\u243?w", "ów"),
        ("\\u-10179?\\u-8704?", "😀"),
        ("\\u8212\\emdash x", "—x"),
        ("a\\~b\\_c\\-d", "a b-cd"),
        ("\\{a\\}\\\\", "{a}\\"),
        ("\\lquote x\\rquote \\bullet", "‘x’•"),
        ("{\\field{\\*\\fldinst{HYPERLINK \"x\"}}{\\fldrslt link}} text", "link text"),
        ("a{\\v hidden}{\\deleted gone}b", "ab"),
        ("a}b", "a"),
    ];
    for (body, expected) in rows {
        let seen = walk("a", format!("{{\\rtf1\\ansi{fonts}{body}}}").as_bytes());
        assert_eq!((seen.items[0].kind, seen.completeness()), (Kind::Rtf, Completeness::Complete), "{body}");
        assert_eq!(seen.role(Role::Body), if body == "a}b" { "a\nb}" } else { expected }, "{body}");
    }
}

#[test]
fn every_destination_has_its_role() {
    let rows: [(&str, Role, &str); 16] = [
        ("{\\header top}", Role::Header, "top"),
        ("{\\footerf bottom}", Role::Footer, "bottom"),
        ("x{\\footnote {\\b small} print}", Role::Note, "small print"),
        ("{\\*\\atnauthor Jan}{\\*\\annotation remark}", Role::Comment, "remark"),
        ("{\\info{\\title The title}{\\author Jan}}", Role::Property, "title: The title"),
        ("{\\info{\\doccomm remark}}", Role::Property, "comments: remark"),
        ("{\\*\\userprops{\\propname Label}\\proptype30{\\staticval secret}}", Role::Property, "Label: secret"),
        ("{\\field{\\*\\fldinst HYPERLINK \"http://x\"}{\\fldrslt y}}", Role::Formula, "HYPERLINK \"http://x\""),
        ("{\\v hidden}", Role::Hidden, "hidden"),
        ("{\\v0 shown}", Role::Body, "shown"),
        ("{\\deleted gone}", Role::Deleted, "gone"),
        ("{\\shp{\\*\\shpinst{\\shptxt in a box}}}", Role::Drawing, "in a box"),
        ("{\\*\\ffname field}", Role::Form, "field"),
        ("{\\*\\docvar {name}{value}}", Role::Data, "namevalue"),
        ("{\\*\\strange text}", Role::Data, "text"),
        ("\\uc40\\u65 long fallback text", Role::Hidden, "long fallback text"),
    ];
    for (body, role, expected) in rows {
        let seen = walk("a", format!("{{\\rtf1 {body}}}").as_bytes());
        assert!(seen.role(role).contains(expected), "{body}: {:?}", seen.text);
    }
}

#[test]
fn objects_are_walked() {
    let counted = |bytes: &[u8]| [&(bytes.len() as u32).to_le_bytes()[..], bytes].concat();
    let packed =
        [b"\x02\0note.txt\0C:\\x\0", &[0, 0, 3, 0][..], &counted(b"C:\\t\0"), &counted(b"wrapped text")].concat();
    let object =
        [&[1, 5, 0, 0, 2, 0, 0, 0][..], &counted(b"Package\0"), &counted(b""), &counted(b""), &counted(&packed)]
            .concat();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join("\n ");
    let archive = zip(&[("in.txt", b"archived text")]);
    let broken = hex(&object).replace("\n 6", "{\\b}\n6");
    let rows: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        ("package", format!("{{\\object{{\\*\\objdata {}}}}}", hex(&object)).into(), "a/note.txt", "wrapped text"),
        ("noise", format!("{{\\object{{\\*\\objdata {broken}}}}}").into(), "a/note.txt", "wrapped text"),
        ("datastore", format!("{{\\*\\datastore {}}}", hex(&archive)).into(), "a/object/in.txt", "archived text"),
        (
            "binary",
            [format!("{{\\pict\\bin{} ", archive.len()).as_bytes(), &archive, b"}"].concat(),
            "a/object/in.txt",
            "archived text",
        ),
        ("open", format!("{{\\*\\datastore {}", hex(&archive)).into(), "a/object/in.txt", "archived text"),
    ];
    for (case, body, path, text) in rows {
        let seen = walk("a", &[b"{\\rtf1 before", &body[..], b" behind}"].concat());
        assert!(seen.items.iter().any(|item| item.path == path), "{case}: {:?}", seen.items);
        assert!(seen.holds(text), "{case}");
        assert_eq!(case == "open", !seen.role(Role::Body).contains("behind"), "{case}");
    }
}

#[test]
fn deep_groups_end_at_their_bound_and_text_goes_on() {
    let seen = walk("a", format!("{{\\rtf1 {}44051401458{} end}}", "{".repeat(20_000), "}".repeat(20_000)).as_bytes());
    assert_eq!(seen.reasons, ["rtf_groups_max"]);
    assert_eq!(seen.role(Role::Body), "44051401458 end");
}

#[test]
fn binary_bytes_in_a_text_and_bytes_behind_the_end_are_read() {
    let seen = walk("a", b"{\\rtf1 a\\bin6 secretb}\n\0");
    assert_eq!((seen.role(Role::Body).as_str(), seen.role(Role::Raw).as_str()), ("ab", "secret"));
    let seen = walk("a", b"{\\rtf1 a} text behind");
    assert!(seen.holds(" text behind"));
}

#[test]
fn documents_behind_blanks_are_documents() {
    for front in ["", "\n", "\r\n  ", "\u{feff}", "\u{feff} \t"] {
        let seen = walk("a", format!("{front}{{\\rtf1 44051\\bin0 401458\\par}}").as_bytes());
        assert_eq!(seen.items[0].kind, Kind::Rtf, "{front:?}");
        assert!(seen.role(Role::Body).contains("44051401458"), "{front:?}: {:?}", seen.text);
    }
    assert_eq!(walk("a", b"see {\\rtf1 x}").items[0].kind, Kind::Text);
}
