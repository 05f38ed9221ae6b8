//! Text in pictures is recognised where tesseract is installed, and the process that does it can do nothing else.

mod support;

use dlp_core::base::Limits;
use dlp_core::content::{Completeness, Kind, RiskyParser};
use dlp_sandbox::{SandboxedParser, Tesseract};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{Pdf, deflate, parser, read_kind, read_with};

/// Rows of pixels of the letters that are drawn here.
const LETTERS: [(char, [&str; 7]); 5] = [
    ('P', ["11110", "10001", "10001", "11110", "10000", "10000", "10000"]),
    ('E', ["11111", "10000", "10000", "11110", "10000", "10000", "11111"]),
    ('S', ["01111", "10000", "10000", "01110", "00001", "00001", "11110"]),
    ('L', ["10000", "10000", "10000", "10000", "10000", "10000", "11111"]),
    (' ', ["00000", "00000", "00000", "00000", "00000", "00000", "00000"]),
];

/// Width, height and brightness of each pixel.
fn drawing(text: &str) -> (usize, usize, Vec<u8>) {
    const SCALE: usize = 6;
    const MARGIN: usize = 30;
    let (width, height) = (text.len() * 6 * SCALE + 2 * MARGIN, 7 * SCALE + 2 * MARGIN);
    let mut pixels = vec![u8::MAX; width * height];
    for (index, letter) in text.chars().enumerate() {
        let (_, rows) = LETTERS.iter().find(|(known, _)| *known == letter).expect("a letter that is drawn here");
        for (row, bits) in rows.iter().enumerate() {
            for (column, _) in bits.char_indices().filter(|(_, bit)| *bit == '1') {
                for line in 0..SCALE {
                    let at = (MARGIN + row * SCALE + line) * width + MARGIN + (index * 6 + column) * SCALE;
                    pixels[at..at + SCALE].fill(0);
                }
            }
        }
    }
    (width, height, pixels)
}

fn portable(text: &str) -> Vec<u8> {
    let (width, height, pixels) = drawing(text);
    [format!("P5\n{width} {height}\n255\n").as_bytes(), &pixels].concat()
}

/// A parser that recognises text; nothing where the program is missing.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn reader() -> Option<SandboxedParser> {
    match Tesseract::find(std::env::var_os("PATH"), &["eng".to_owned()]) {
        Ok(tesseract) => Some(parser().with_ocr(tesseract)),
        Err(error) => {
            println!("SKIPPED: {error}; {}", error.advice());
            None
        }
    }
}

#[test]
fn letters_in_a_picture_become_text() {
    let Some(parser) = reader() else { return };
    let reader = parser.pictures().unwrap();
    let text = reader.read(&portable("PESEL SEE"), &Limits::inline()).unwrap();
    assert!(text.contains("PESEL"), "{text}");
    let reason = |picture: &[u8]| reader.read(picture, &Limits::inline()).unwrap_err().reason;
    assert_eq!(reason(b"\xFF\xD8\xFF no picture"), "ocr_format");
    assert_eq!(reason(b""), "ocr_format");
}

#[test]
fn pictures_of_pages_are_handed_out_once() {
    let Some(parser) = reader() else { return };
    let (width, height, pixels) = drawing("PESEL SEE");
    let mut pdf = Pdf::default();
    let about = format!("/Type /XObject /Subtype /Image /Width {width} /Height {height} /BitsPerComponent 8");
    let packed = format!("{about} /ColorSpace /DeviceGray /Filter /FlateDecode");
    let picture = pdf.stream(&packed, deflate(&pixels));
    let unknown = pdf.stream(&format!("{about} /ColorSpace /DeviceGray /Filter /JBIG2Decode"), b"??");
    for _ in 0..2 {
        pdf.page_with(&format!("/XObject << /P {picture} 0 R >>"), "q 300 0 0 50 50 700 cm /P Do Q", "");
    }
    let read = read_with(&parser, &pdf.build(), &Limits::inline());
    let (names, pictures): (Vec<_>, Vec<_>) = read.children.into_iter().unzip();
    assert_eq!((names, read.outcome.completeness), (vec!["picture@1".to_owned()], Completeness::Complete));
    assert!(pictures[0].starts_with(b"P5\n"));
    pdf.page_with(&format!("/XObject << /P {unknown} 0 R >>"), "/P Do", "");
    let read = read_with(&parser, &pdf.build(), &Limits::inline());
    assert_eq!((read.outcome.completeness, read.outcome.reason), (Completeness::Unsupported, "ocr_format"));
}

#[test]
fn nothing_is_handed_out_unless_wanted() {
    assert!(parser().pictures().is_none());
    let read = read_kind(&parser(), Kind::Png, b"\x89PNG", &Limits::inline());
    assert_eq!(read.outcome.reason, "no_parser");
}

/// A program under the name of tesseract that tries what it must not.
fn impostor(folder: &Path, port: u16) -> PathBuf {
    let program = folder.join("tesseract");
    let script = format!(
        "#!/bin/bash\n\
         [ \"$1\" = --list-langs ] && {{ echo 'List of available languages in \"{folder}\" (1):'; echo eng; exit; }}\n\
         echo run > {folder}/written\n\
         echo > /dev/tcp/127.0.0.1/{port}\n\
         /bin/cp /etc/hostname {folder}/copied\n",
        folder = folder.display()
    );
    std::fs::write(&program, script).expect("a script");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("an executable script");
    program
}

#[test]
fn what_recognises_text_can_neither_write_nor_connect() {
    let folder = std::env::temp_dir().join(format!("dlp-ocr-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let program = impostor(&folder, listener.local_addr().unwrap().port());
    let traces = || {
        let files = ["written", "copied"].map(|name| std::fs::remove_file(folder.join(name)).is_ok());
        (files, listener.accept().is_ok())
    };

    let tesseract = Tesseract::find(Some(folder.clone().into()), &[]).unwrap();
    let parser = parser().with_ocr(tesseract);
    let result = parser.pictures().unwrap().read(&portable("SEE"), &Limits::inline());
    let confined = traces();
    // Outside the sandbox the same program does all of it, so what is seen above is the sandbox.
    let mut command = Command::new(program);
    let free = command.stderr(Stdio::null()).status().is_ok().then(traces);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(confined, ([false, false], false), "{result:?}");
    assert_eq!(free, Some(([true, true], true)));
}

#[test]
fn time_is_bounded() {
    let Some(parser) = reader() else { return };
    let limits = Limits { ocr_time_max: std::time::Duration::ZERO, ..Limits::inline() };
    let problem = parser.pictures().unwrap().read(&portable("SEE"), &limits).unwrap_err();
    assert_eq!(problem.reason, "ocr_time_max");
}
