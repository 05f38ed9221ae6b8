//! Documents that kill parsers cost themselves a typed outcome, and nobody else anything.

mod support;

use dlp_core::base::Limits;
use dlp_core::content::Completeness;
use std::time::Duration;
use support::{FONTS, Pdf, bomb, deflate, parser, read, read_with};

const MIB: u64 = 1024 * 1024;

#[test]
fn forms_that_draw_themselves_end() {
    let mut pdf = Pdf::default();
    let form = pdf.next();
    let resources = format!("/Resources << {FONTS} /XObject << /X {form} 0 R >> >>");
    pdf.stream(&format!("/Subtype /Form /BBox [0 0 9 9] {resources}"), "/X Do BT /F1 9 Tf (inside) Tj ET");
    let xobjects = format!("{FONTS} /XObject << /X {form} 0 R >>");
    pdf.page_with(&xobjects, "BT /F1 9 Tf (before) Tj ET /X Do BT /F1 9 Tf 0 -50 Td (after) Tj ET", "");
    pdf.page("next page");
    let read = read(&pdf.build());
    assert_eq!(read.outcome.completeness, Completeness::Partial, "{read:?}");
    for text in ["before", "inside", "after", "next page"] {
        assert!(read.has(text), "{text}: {read:?}");
    }
}

#[test]
fn fan_outs_end() {
    let mut pdf = Pdf::default();
    pdf.stream(&format!("/Subtype /Form /BBox [0 0 9 9] /Resources << {FONTS} >>"), "BT /F1 9 Tf (leaf) Tj ET");
    for _ in 0..10 {
        let below = pdf.next() - 1;
        let resources = format!("/Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X {below} 0 R >> >>");
        pdf.stream(&resources, "/X Do ".repeat(10));
    }
    let top = pdf.next() - 1;
    pdf.page_with(&format!("/XObject << /X {top} 0 R >>"), "/X Do", "");
    pdf.page("next page");
    let read = read(&pdf.build());
    assert_eq!(read.outcome.completeness, Completeness::Partial, "{read:?}");
    assert!(read.has("leaf") && read.has("next page"), "{read:?}");
}

#[test]
fn page_descriptions_do_not_unpack_without_end() {
    for filters in ["/FlateDecode", "[/FlateDecode /FlateDecode]"] {
        let mut pdf = Pdf::default();
        let once = bomb(b' ', 6);
        let packed = if filters.starts_with('[') { deflate(&once) } else { once };
        let contents = pdf.stream(&format!("/Filter {filters}"), packed);
        pdf.page("first page");
        pdf.page_of(contents, FONTS, "");
        pdf.page("last page");
        let limits = Limits { member_bytes_max: 4 * MIB, ..Limits::inline() };
        let read = read_with(&parser(), &pdf.build(), &limits);
        assert_eq!((read.outcome.completeness, read.outcome.reason), (Completeness::Partial, "member_bytes_max"));
        assert!(read.has("first page") && read.has("last page"), "{read:?}");
    }
}

/// Within the address space that an honest document takes, and 64 MiB more: no clock has a say.
#[test]
fn bombs_end_in_little_memory() {
    let space = |memory: u64| Limits { worker_memory_max: memory * MIB, ..Limits::inline() };
    let mut honest = Pdf::default();
    honest.page("text of the page");
    let honest = honest.build();
    let base = (1..32).map(|step| step * 16).find(|memory| {
        let read = read_with(&parser(), &honest, &space(*memory));
        read.outcome.completeness == Completeness::Complete && read.has("text of the page")
    });
    let base = base.expect("an honest document is read in half a gibibyte");
    let once = bomb(b' ', 80);
    let twice = deflate(&once);
    let thrice = deflate(&twice);
    // Its first block is stored, and holds what looks like the end of the stream.
    let quoted = [&[0x78, 1, 0, 17, 0, !17, 0xFF], &b"endstream endobj "[..], &once[2..]].concat();
    let rows = [
        ("/Filter /FlateDecode", once.clone()),
        ("/F#69lter /Fl#61teDecode", once.clone()),
        ("/Filter /FlateDecode", quoted),
        ("/Filter [/FlateDecode /FlateDecode]", twice),
        ("/Filter [/Fl /Fl /Fl]", thrice),
    ];
    for (filters, packed) in rows {
        for key in
            ["", "/Type /ObjStm /N 1 /First 4", "/Type /Obj#53tm /N 1 /First 4", "/Type /XRef /W [1 2 1] /Size 9"]
        {
            let mut pdf = Pdf::default();
            pdf.page("first page");
            let contents = pdf.stream(&format!("{key} {filters}"), packed.clone());
            if key.is_empty() {
                pdf.page_of(contents, FONTS, "");
            }
            pdf.page("last page");
            let read = read_with(&parser(), &pdf.build(), &space(base + 64));
            let outcome = (read.outcome.completeness, read.outcome.reason);
            assert_eq!(outcome, (Completeness::Partial, "member_bytes_max"), "{filters} {key}");
            assert!(read.has("first page") && read.has("last page"), "{filters} {key}: {read:?}");
        }
    }
}

/// Objects in streams that are small each, and of which there are many.
#[test]
fn packed_objects_are_no_more_than_the_document_pays_for() {
    let index: String = (0..400_000).map(|number| format!("{} {} ", 100 + number, 2 * number)).collect();
    let many = format!("{index}{}", "1 ".repeat(400_000));
    let many = (deflate(many.as_bytes()), format!("/N 400000 /First {}", index.len()), 1, "pdf_objects_max");
    let large = (bomb(b' ', 15), "/N 1 /First 4".to_owned(), 20, "pdf_object_bytes_max");
    for (packed, numbers, count, reason) in [many, large] {
        let mut pdf = Pdf::default();
        pdf.page("text of the page");
        for _ in 0..count {
            pdf.stream(&format!("/Type /ObjStm {numbers} /Filter /FlateDecode"), &packed);
        }
        let read = read_with(&parser(), &pdf.build(), &Limits::inline());
        let outcome = (read.outcome.completeness, read.outcome.reason);
        assert_eq!(outcome, (Completeness::Partial, reason), "{numbers}");
        assert_eq!(read.at("body@1"), "text of the page");
    }
}

#[test]
fn pages_that_share_a_long_description_end() {
    let mut pdf = Pdf::default();
    let contents = pdf.stream("/Filter /FlateDecode", bomb(b' ', 15));
    for _ in 0..10 {
        pdf.page_of(contents, FONTS, "");
    }
    pdf.page("last page");
    let read = read(&pdf.build());
    let outcome = (read.outcome.completeness, read.outcome.reason);
    assert_eq!(outcome, (Completeness::Partial, "pdf_described_bytes_max"));
    assert!(read.at("raw").contains("last page"), "{read:?}");
}

#[test]
fn pages_are_read_up_to_a_bound() {
    let mut pdf = Pdf::default();
    pdf.page("first page").page("second page").page("third page");
    let limits = Limits { pages_max: 2, ..Limits::inline() };
    let read = read_with(&parser(), &pdf.build(), &limits);
    assert_eq!((read.outcome.completeness, read.outcome.reason), (Completeness::Partial, "pages_max"));
    assert_eq!((read.at("body@2"), read.at("body@3")), ("second page".into(), String::new()));
    assert!(read.at("raw").contains("third page"), "{read:?}");
}

#[test]
fn packed_objects_do_not_unpack_without_end() {
    let mut pdf = Pdf::default();
    pdf.page("text of the page");
    pdf.stream("/Type /ObjStm /N 1 /First 4 /Filter [/FlateDecode /FlateDecode]", deflate(&bomb(b' ', 64)));
    let limits = Limits { member_bytes_max: 4 * MIB, ..Limits::inline() };
    let read = read_with(&parser(), &pdf.build(), &limits);
    assert_eq!((read.outcome.completeness, read.outcome.reason), (Completeness::Partial, "member_bytes_max"));
    assert_eq!(read.at("body@1"), "text of the page");
}

#[test]
fn the_loader_runs_out_of_memory_alone() {
    let mut pdf = Pdf::default();
    pdf.page("found by the scan");
    pdf.object(format!("[{}]", "0 ".repeat(4_000_000)));
    let limits = Limits { worker_memory_max: 256 * MIB, ..Limits::inline() };
    let read = read_with(&parser(), &pdf.build(), &limits);
    assert_eq!(read.outcome.completeness, Completeness::Partial, "{read:?}");
    assert_eq!(read.outcome.reason, "worker_memory_max", "{read:?}");
    assert!(read.at("raw").contains("found by the scan"), "{read:?}");
}

#[test]
fn nesting_costs_nothing() {
    let brackets = 100_000;
    let table = [
        ("unused array", format!("{}{}", "[".repeat(brackets), "]".repeat(brackets))),
        ("unused dictionary", format!("{}{}", "<</A".repeat(brackets), ">>".repeat(brackets))),
        ("unclosed", "[".repeat(brackets)),
        ("strings", format!("{}{}", "(".repeat(brackets), ")".repeat(brackets))),
    ];
    for (name, nested) in table {
        let mut pdf = Pdf::default();
        pdf.object(&nested);
        pdf.page_with(FONTS, &format!("BT /F1 9 Tf (before) Tj {nested} TJ (after) Tj ET"), "");
        pdf.page("other page");
        let read = read(&pdf.build());
        assert!(read.has("before") && read.has("other page"), "{name}: {:?} {:?}", read.outcome, read.problems);
    }
}

/// A page whose parent is itself: the engine follows it for ever when it looks for the size of the page.
fn engine_killer(pdf: &mut Pdf) {
    let page = pdf.riddle("", "");
    let text = format!("/Parent {page} 0 R");
    pdf.amend(page, "/Parent 2 0 R /MediaBox [0 0 600 800]", &text);
}

#[test]
fn a_crash_costs_one_page() {
    let mut pdf = Pdf::default();
    pdf.page("page before");
    engine_killer(&mut pdf);
    pdf.page("page behind");
    let read = read(&pdf.build());
    assert_eq!(read.outcome.completeness, Completeness::Damaged, "{read:?}");
    assert_eq!(read.reasons().first(), Some(&"engine_crash"), "{read:?}");
    assert_eq!((read.at("body@1"), read.at("body@3")), ("page before".into(), "page behind".into()), "{read:?}");
}

#[test]
fn crashes_without_end_are_given_up() {
    let mut pdf = Pdf::default();
    for _ in 0..20 {
        engine_killer(&mut pdf);
    }
    pdf.page("last page");
    let read = read(&pdf.build());
    assert_eq!(read.outcome.completeness, Completeness::Damaged);
    assert_eq!(read.reasons().iter().filter(|reason| **reason == "engine_crash").count(), 3, "{:?}", read.problems);
    assert!(read.at("raw").contains("last page"), "{read:?}");
}

/// Each use of the colour space unpacks its profile again.
fn slow_document() -> Vec<u8> {
    let mut pdf = Pdf::default();
    pdf.page("page before");
    let profile = pdf.stream("/N 3 /Alternate /DeviceRGB /Filter /FlateDecode", bomb(b' ', 15));
    let spaces = format!("/ColorSpace << /C [/ICCBased {profile} 0 R] >>");
    pdf.riddle(&spaces, &"/C cs ".repeat(5_000));
    pdf.page("page behind");
    pdf.build()
}

#[test]
fn processor_time_is_bounded() {
    let limits = Limits { worker_cpu_max: Duration::from_secs(1), ..Limits::inline() };
    let read = read_with(&parser(), &slow_document(), &limits);
    assert!(read.reasons().contains(&"worker_cpu_max"), "{read:?}");
    assert!(read.has("page before") && read.has("page behind"), "{read:?}");
}

#[test]
fn wall_time_is_bounded() {
    let limits = Limits { worker_wall_max: Duration::from_secs(3), ..Limits::inline() };
    let read = read_with(&parser(), &slow_document(), &limits);
    assert_eq!(
        (read.outcome.completeness, read.outcome.reason),
        (Completeness::Partial, "worker_wall_max"),
        "{read:?}"
    );
    assert!(read.has("page before"), "{read:?}");
}

#[test]
fn output_is_bounded() {
    let mut pdf = Pdf::default();
    pdf.page("short").page(&"long text ".repeat(100));
    let limits = Limits { worker_output_max: 100, ..Limits::inline() };
    let read = read_with(&parser(), &pdf.build(), &limits);
    assert_eq!(
        (read.outcome.completeness, read.outcome.reason),
        (Completeness::Partial, "worker_output_max"),
        "{read:?}"
    );
    assert_eq!(read.at("body@1"), "short");
}

#[test]
fn embedded_files_do_not_unpack_without_end() {
    let mut pdf = Pdf::default();
    pdf.page("text");
    pdf.stream("/Type /EmbeddedFile /Filter /FlateDecode", bomb(b' ', 3));
    let limits = Limits { held_bytes_max: 2 * MIB, ..Limits::inline() };
    let read = read_with(&parser(), &pdf.build(), &limits);
    assert_eq!((read.outcome.completeness, read.outcome.reason), (Completeness::Partial, "held_bytes_max"), "{read:?}");
    assert!(read.children.is_empty() && read.has("text"), "{read:?}");
}

#[test]
fn circles_in_the_page_tree_end() {
    let mut pdf = Pdf::default();
    pdf.page("text in a circle");
    let kids = String::from_utf8_lossy(&pdf.build()).into_owned();
    assert!(kids.contains("/Kids [4 0 R ]"));
    let circle = replace(&pdf.build(), b"/Kids [4 0 R ]", b"/Kids [2 0 R ]");
    let read = read(&circle);
    assert_ne!(read.outcome.completeness, Completeness::Complete, "{read:?}");
    assert!(read.has("text in a circle"), "{read:?}");
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from).expect("it is there");
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}
