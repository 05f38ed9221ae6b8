//! Messages that wrap documents: TNEF, CMS and saved web pages.

use crate::support::*;
use dlp_core::content::{Completeness, Kind, Relation, Role};

fn attribute(level: u8, kind: u16, number: u16, content: &[u8]) -> Vec<u8> {
    let sum = content.iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
    let head = [&[level][..], &number.to_le_bytes(), &kind.to_le_bytes(), &(content.len() as u32).to_le_bytes()];
    [head.concat(), content.to_vec(), sum.to_le_bytes().to_vec()].concat()
}

fn tnef(attributes: &[Vec<u8>]) -> Vec<u8> {
    [b"\x78\x9f\x3e\x22\x01\0".to_vec(), attributes.concat()].concat()
}

/// Properties with one value each, of a kind whose length stands in front.
fn properties(values: &[(u16, u16, &[u8])]) -> Vec<u8> {
    let mut bytes = (values.len() as u32).to_le_bytes().to_vec();
    for (number, kind, value) in values {
        bytes.extend([kind.to_le_bytes(), number.to_le_bytes()].concat());
        bytes.extend([1, value.len() as u32].map(u32::to_le_bytes).concat());
        bytes.extend_from_slice(value);
        bytes.resize(bytes.len() + value.len().next_multiple_of(4) - value.len(), 0);
    }
    bytes
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// A message of each kind.
pub(crate) fn samples() -> Vec<Vec<u8>> {
    let signed = {
        let inner = element(0x30, &[identifier(1), element(0xA0, &open(0x24, &element(4, b"content")))].concat());
        let signed = open(0x30, &[&[2, 1, 1][..], &open(0x31, b""), &inner].concat());
        element(0x30, &[identifier(2), element(0xA0, &signed)].concat())
    };
    vec![outlook(), signed]
}

fn outlook() -> Vec<u8> {
    let start = attribute(2, 6, 0x9002, &[0; 14]);
    let inner = tnef(&[attribute(1, 2, 0x800C, b"inner-marker")]);
    let object = [vec![7; 16], inner].concat();
    tnef(&[
        attribute(1, 6, 0x9007, &1250_u32.to_le_bytes()),
        attribute(1, 1, 0x8004, b"\xb3\xb9ka subject-marker\0"),
        attribute(1, 2, 0x800C, b"body-marker"),
        attribute(
            1,
            6,
            0x9003,
            &properties(&[(0x0E04, 0x1F, &wide("Anna to-marker")), (0x1013, 0x0102, b"<p>html-marker</p>")]),
        ),
        attribute(
            1,
            6,
            0x9004,
            &[1_u32.to_le_bytes().to_vec(), properties(&[(0x39FE, 0x1E, b"smtp-marker@example.org\0")])].concat(),
        ),
        attribute(1, 0, 0x8000, b"\x04\0\x10\0\x10\0\x10\0from-marker@example.org"),
        start.clone(),
        attribute(2, 1, 0x8010, b"SHORT~1.TXT\0"),
        attribute(2, 6, 0x800F, b"file-marker"),
        attribute(2, 6, 0x9005, &properties(&[(0x3707, 0x1F, &wide("long name.txt"))])),
        start,
        attribute(2, 6, 0x9005, &properties(&[(0x3001, 0x1F, &wide("message")), (0x3701, 0x0D, &object)])),
    ])
}

#[test]
fn packed_messages_of_outlook_are_read() {
    let message = outlook();
    let seen = walk("winmail.dat", &message);
    assert_eq!((seen.items[0].kind, seen.completeness()), (Kind::Tnef, Completeness::Complete), "{:?}", seen.reasons);
    for marker in [
        "łąka subject-marker",
        "body-marker",
        "to: Anna to-marker",
        "html-marker",
        "smtp-marker",
        "from-marker",
        "file-marker",
        "inner-marker",
    ] {
        assert!(seen.holds(marker), "{marker}: {:?}", seen.text);
    }
    let attached: Vec<&str> =
        seen.items.iter().filter(|item| item.relation == Relation::Attachment).map(|item| item.path.as_str()).collect();
    assert_eq!(attached, ["winmail.dat/long name.txt", "winmail.dat/message"]);
    let cut = walk("winmail.dat", &message[..message.len() - 5]);
    assert_eq!(cut.completeness(), Completeness::Damaged);
    assert!(cut.holds("inner-marker"), "{:?}", cut.text);
    let mut wrong = message;
    let at = places(&wrong, b"body-marker")[0];
    wrong[at] = b'B';
    assert_eq!(walk("winmail.dat", &wrong).reasons, ["crc"]);
}

/// An element with its length.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, 0x82][..], &(content.len() as u16).to_be_bytes(), content].concat()
}

/// An element whose end is marked.
fn open(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, 0x80][..], content, &[0, 0]].concat()
}

const PKCS7: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07";

fn identifier(kind: u8) -> Vec<u8> {
    [&[6, 9][..], PKCS7, &[kind]].concat()
}

#[test]
fn signed_documents_are_unwrapped() {
    let document = zip(&[("x.txt", b"document-marker")]);
    let certificate = element(0xA0, b"certificate-marker");
    let around = |element: fn(u8, &[u8]) -> Vec<u8>, octets: &[u8]| {
        let inner = element(0x30, &[identifier(1), element(0xA0, octets)].concat());
        let algorithms = element(0x31, &element(0x30, &[6, 1, 1]));
        let signed = element(0x30, &[&[2, 1, 1][..], &algorithms, &inner, &certificate].concat());
        element(0x30, &[identifier(2), element(0xA0, &signed)].concat())
    };
    let (first, second) = document.split_at(40);
    let pieces = [element(4, first), element(4, second)].concat();
    let rows = [
        ("whole", around(element, &element(4, &document))),
        ("in pieces of open length", around(open, &open(0x24, &pieces))),
        ("data alone", element(0x30, &[identifier(1), element(0xA0, &element(4, &document))].concat())),
    ];
    for (case, bytes) in rows {
        for seen in [walk("a.p7m", &bytes), stream("a.p7m", &bytes)] {
            assert_eq!((seen.items[0].kind, seen.items[1].kind), (Kind::Cms, Kind::Zip), "{case}");
            assert_eq!(seen.completeness(), Completeness::Complete, "{case}: {:?}", seen.reasons);
            assert!(seen.role(Role::Body).contains("document-marker"), "{case}");
            assert!(case == "data alone" || seen.role(Role::Raw).contains("certificate-marker"), "{case}");
        }
    }
    let armored =
        format!("-----BEGIN PKCS7-----\n{}\n-----END PKCS7-----\n", base64(&around(element, &element(4, &document))));
    assert!(walk("a.pem", armored.as_bytes()).holds("document-marker"));
    let detached = {
        let inner = element(0x30, &identifier(1));
        let signed = element(0x30, &[&[2, 1, 1][..], &element(0x31, b""), &inner, &certificate].concat());
        element(0x30, &[identifier(2), element(0xA0, &signed)].concat())
    };
    let seen = walk("a.p7s", &detached);
    assert_eq!((seen.items.len(), seen.completeness()), (1, Completeness::Complete));
    assert!(seen.role(Role::Raw).contains("certificate-marker"));
}

fn base64(bytes: &[u8]) -> String {
    data_encoding::BASE64.encode(bytes)
}

#[test]
fn envelopes_are_encrypted() {
    for kind in [3, 4, 6] {
        let envelope = element(0x30, &[identifier(kind), element(0xA0, &element(0x30, b"issuer-marker"))].concat());
        let seen = walk("a.p7m", &envelope);
        assert_eq!((seen.items[0].kind, seen.completeness()), (Kind::Cms, Completeness::Encrypted), "{kind}");
        assert!(seen.role(Role::Raw).contains("issuer-marker"));
        let mail = format!(
            "From: a@example.org\r\nSubject: x\r\nContent-Type: application/pkcs7-mime; name=smime.p7m\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{}\r\n",
            base64(&envelope)
        );
        assert_eq!(walk("a.eml", mail.as_bytes()).completeness(), Completeness::Encrypted, "{kind}");
    }
}

#[test]
fn saved_web_pages_are_read() {
    let page = "From: <Saved by a browser>\r\nSnapshot-Content-Location: https://example.org/\r\nSubject: page\r\n\
                MIME-Version: 1.0\r\nContent-Type: multipart/related; type=\"text/html\"; boundary=\"b\"\r\n\r\n\
                --b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
                <p>page-mar=\r\nker</p>\r\n--b\r\nContent-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n\
                /9j//gAWaW1hZ2UtY29tbWVudC1tYXJrZXL/2Q==\r\n--b--\r\n";
    let seen = walk("page.mhtml", page.as_bytes());
    assert!(seen.holds("page-marker") && seen.holds("comment: image-comment-marker"), "{:?}", seen.text);
    assert_eq!(seen.completeness(), Completeness::Complete, "{:?}", seen.reasons);
}

#[test]
fn recipients_end_at_a_broken_property() {
    // Read from any place, each number is a kind with many values, and how many these are.
    let mut content = 0x7FFF_1003_u32.to_le_bytes().repeat(200_000);
    content.extend_from_slice(b"secret-marker");
    let seen = walk("winmail.dat", &tnef(&[attribute(1, 6, 0x9004, &content)]));
    assert!(seen.holds("secret-marker"));
    assert_eq!(seen.items.len(), 2, "{:?}", seen.items);
}

#[test]
fn bytes_behind_a_compressed_content_are_read() {
    let octets = element(4, &[deflate(b"packed-marker"), b"behind-marker".to_vec()].concat());
    let compressed_data = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09";
    let named = [&[6, 11][..], compressed_data].concat();
    let inner = element(0x30, &[identifier(1), element(0xA0, &octets)].concat());
    let body = element(0x30, &[&[2, 1, 0][..], &element(0x30, &[6, 1, 1]), &inner].concat());
    let seen = walk("a.p7z", &element(0x30, &[named, element(0xA0, &body)].concat()));
    assert_eq!((seen.items[0].kind, seen.completeness()), (Kind::Cms, Completeness::Complete), "{:?}", seen.reasons);
    for marker in ["packed-marker", "behind-marker"] {
        assert!(seen.holds(marker), "{marker}: {:?}", seen.text);
    }
}

#[test]
fn short_values_and_wrong_encodings_of_packed_messages_are_read() {
    let message = tnef(&[
        attribute(1, 6, 0x9003, &properties(&[(0x3FFF, 0x0102, b"44051401359"), (0x0E04, 0x1F, b"bytes-marker")])),
        attribute(1, 1, 0x8004, &wide("wide-marker")),
        attribute(1, 6, 0x8FFF, b"short-value"),
    ]);
    let seen = walk("winmail.dat", &message);
    for marker in ["44051401359", "short-value", "wide-marker", "bytes-marker"] {
        assert!(seen.holds(marker), "{marker}: {:?}", seen.text);
    }
}
