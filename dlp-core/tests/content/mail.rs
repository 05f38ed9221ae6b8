//! Mail: parts, encodings, boundaries, mailboxes.

use crate::support::*;
use dlp_core::content::{Completeness, Extraction, Input, Kind, Relation, Role, extract};

const HEAD: &str = "From: Jan <jan@example.com>\r\nTo: Anna <anna@example.com>\r\nMIME-Version: 1.0\r\n";

fn mail(rest: &str) -> Vec<u8> {
    format!("{HEAD}{rest}").into_bytes()
}

fn base64(bytes: &[u8]) -> String {
    let code = data_encoding::BASE64_MIME.encode(bytes);
    code.trim_end().to_owned()
}

#[test]
fn bodies_are_decoded() {
    let body = "PESEL świadka: 44051401458";
    let quoted = "PESEL =C5=9Bwiadka: 4405=\r\n1401458";
    let latin2 = "PESEL =B6wiadka: 44051401458";
    let wide: Vec<u8> = body.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let rows: Vec<(&str, String)> = vec![
        ("plain", format!("\r\n{body}")),
        ("bare line feeds", format!("Subject: x\n\n{body}")),
        ("quoted", format!("Content-Transfer-Encoding: quoted-printable\r\n\r\n{quoted}")),
        ("capitals and a comment", format!("Content-Transfer-Encoding: QUOTED-PRINTABLE (x)\r\n\r\n{quoted}")),
        ("base64", format!("Content-Transfer-Encoding: base64\r\n\r\n{}", base64(body.as_bytes()))),
        ("base64 with junk", format!("Content-Transfer-Encoding: base64\r\n\r\n! {}", base64(body.as_bytes()))),
        (
            "latin 2",
            format!(
                "Content-Type: text/plain; charset=iso-8859-2\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{latin2}"
            ),
        ),
        (
            "set of windows that is called otherwise",
            format!(
                "Content-Type: text/plain; charset=\"utf-8\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
                base64(&encoding_rs::WINDOWS_1250.encode(&format!("{body}\r\nZażółć gęślą jaźń")).0)
            ),
        ),
        (
            "utf-16",
            format!(
                "Content-Type: text/plain; charset=utf-16be\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
                base64(&wide)
            ),
        ),
        ("one part", format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{body}\r\n--b--")),
        ("no last boundary", format!("Content-Type: multipart/mixed; boundary=\"b b\"\r\n\r\n--b b\r\n\r\n{body}")),
        ("missing boundary", format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{body}")),
        ("multipart without a boundary", format!("Content-Type: multipart/mixed\r\n\r\n{body}")),
    ];
    for (case, rest) in rows {
        let seen = walk("a.eml", &mail(&rest));
        assert_eq!(seen.items[0].kind, Kind::Mail, "{case}");
        assert!(seen.holds(body), "{case}: {:?}", seen.text);
        let expected = match case {
            "missing boundary" => Completeness::Damaged,
            _ => Completeness::Complete,
        };
        assert_eq!(seen.completeness(), expected, "{case}");
        assert!(seen.role(Role::Property).contains("jan@example.com"), "{case}");
    }
}

#[test]
fn headers_are_read_as_they_stand_and_decoded() {
    let rest = "Subject: =?utf-8?B?UEVTRUwgNDQwNTE0?=\r\n =?utf-8?Q?01458_=C5=BC?=\r\n\
                Content-Type: application/x; name*=utf-8''z%C5%BCy.bin\r\nContent-Disposition: attachment\r\n\r\nx";
    let seen = walk("a.eml", &mail(rest));
    let properties = seen.role(Role::Property);
    for expected in ["subject: PESEL 44051401458 ż", "content-type: zży.bin", "=?utf-8?B?UEVTRUwgNDQwNTE0?="] {
        assert!(properties.contains(expected), "{expected}: {properties}");
    }
}

#[test]
fn parts_are_found_where_they_are() {
    let archive = base64(&zip(&[("in.txt", b"archived")]));
    let inner = "Subject: inner\r\nFrom: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nforwarded\r\n--b--\r\n";
    let rest = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble text\r\n\
         --b\r\nContent-Type: multipart/alternative; boundary=\"bb\"\r\n\r\n\
         --bb\r\n\r\nplain body\r\n--bb\r\nContent-Type: text/html\r\n\r\n<p>marked body</p>\r\n--bb--\r\n\
         --b\r\nContent-Type: application/zip; name=z.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n{archive}\r\n\
         --b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n\
         --b\r\n\r\nbegin 644 old.txt\r\n#0V%T\r\n`\r\nend\r\n\
         --b--\r\nepilogue text",
        base64(inner.as_bytes())
    );
    let seen = walk("a.eml", &mail(&rest));
    let texts = ["preamble text", "plain body", "marked body", "archived", "forwarded", "Cat", "epilogue text"];
    for text in texts {
        assert!(seen.holds(text), "{text}: {:?}", seen.text);
    }
    for path in ["a.eml/part 1.2", "a.eml/z.zip/in.txt", "a.eml/part 3", "a.eml/old.txt"] {
        let item = seen.items.iter().find(|item| item.path == path);
        assert!(item.is_some(), "{path}: {:?}", seen.items);
    }
    let forwarded = seen.items.iter().find(|item| item.path == "a.eml/part 3");
    assert_eq!(forwarded.map(|item| (item.kind, item.relation)), Some((Kind::Mail, Relation::Attachment)));
    assert_eq!(seen.completeness(), Completeness::Complete);
}

#[test]
fn files_in_yenc_are_opened() {
    let code: Vec<u8> = zip(&[("in.txt", b"archived")])
        .iter()
        .map(|byte| byte.wrapping_add(42))
        .flat_map(|byte| match byte {
            0 | b'\n' | b'\r' | b'=' => vec![b'=', byte.wrapping_add(64)],
            byte => vec![byte],
        })
        .collect();
    let begin = "=ybegin line=128 size=9 name=an archive.zip\r\n";
    let alone = walk("a.yenc", &[begin.as_bytes(), &code, b"\r\n=yend size=9\r\n"].concat());
    assert!(alone.holds("archived"), "{:?}", alone.items);
    let head = mail(&format!("\r\nfirst\r\n{begin}"));
    let seen = walk("a.eml", &[&head[..], &code, b"\r\n=yend size=9\r\n"].concat());
    assert!(seen.items.iter().any(|item| item.path == "a.eml/an archive.zip/in.txt"), "{:?}", seen.items);
    assert!(seen.holds("archived") && seen.holds("first"));
    // What looks like the beginning of a file within another one is content of that.
    let many = mail(&format!("\r\n{}", "=ybegin line=9 size=9 name=n\r\n".repeat(99)));
    let seen = walk("a.eml", &many);
    assert_eq!(seen.items.iter().filter(|item| item.path == "a.eml/n").count(), 1, "{:?}", seen.items);
}

#[test]
fn contradictions_are_read_both_ways() {
    let number = "PESEL 44051401458";
    let rows: Vec<(&str, String)> = vec![
        (
            "two encodings",
            format!(
                "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
                base64(number.as_bytes())
            ),
        ),
        (
            "two boundaries",
            format!(
                "Content-Type: multipart/mixed; boundary=a; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--",
                base64(number.as_bytes())
            ),
        ),
        (
            "two kinds",
            format!(
                "Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--a--",
                base64(number.as_bytes())
            ),
        ),
    ];
    for (case, rest) in rows {
        let seen = walk("a.eml", &mail(&rest));
        assert!(seen.holds(number), "{case}: {:?}", seen.text);
        let expected = if case == "two kinds" { Completeness::Complete } else { Completeness::Ambiguous };
        assert_eq!(seen.completeness(), expected, "{case}");
    }
}

#[test]
fn bounds_of_a_message_are_named_and_the_rest_is_read() {
    let open = |n: usize| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n");
    let deep: String = (0..100).map(open).collect();
    let wide = "--b\r\n\r\n\r\n".repeat(11_000);
    let rows = [
        (format!("{deep}\r\n44051401458"), "mime_depth_max"),
        (format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{wide}--b\r\n\r\n44051401458"), "mime_parts_max"),
    ];
    for (rest, reason) in rows {
        let seen = walk("a.eml", &mail(&rest));
        assert_eq!(seen.reasons, [reason]);
        assert!(seen.holds("44051401458"), "{reason}");
        assert_eq!(seen.completeness(), Completeness::Partial);
    }
}

#[test]
fn a_false_character_set_hides_nothing() {
    let body = "PESEL swiadka: 44051401458";
    let rows = [
        ("iso-2022-kr", Completeness::Unsupported),
        ("hz-gb-2312", Completeness::Unsupported),
        ("utf-7", Completeness::Unsupported),
        ("utf-16", Completeness::Complete),
        ("utf-32be", Completeness::Complete),
        ("iso-2022-jp", Completeness::Complete),
        ("shift_jis", Completeness::Complete),
    ];
    for (charset, expected) in rows {
        let seen = walk("a.eml", &mail(&format!("Content-Type: text/plain; charset={charset}\r\n\r\n{body}")));
        assert!(seen.holds(body), "{charset}: {:?}", seen.text);
        assert_eq!(seen.completeness(), expected, "{charset}");
    }
}

#[test]
fn more_boundaries_than_the_bound_are_told() {
    let boundaries: String = (0..99).map(|number| format!("boundary=b{number};")).collect();
    let rest = format!("Content-Type: multipart/mixed; {boundaries}\r\n\r\n--b0\r\n\r\nPESEL 44051401458\r\n--b98--");
    let seen = walk("a.eml", &mail(&rest));
    assert!(seen.holds("PESEL 44051401458"));
    assert!(seen.reasons.contains(&"mime_boundaries_max"), "{:?}", seen.reasons);
}

#[test]
fn encrypted_parts_are_named() {
    let armor = format!("-----BEGIN PGP {}-----\r\n\r\nabc", "MESSAGE");
    let rest = format!(
        "Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\
         --b\r\nContent-Type: application/octet-stream\r\n\r\n{armor}\r\n--b--"
    );
    assert_eq!(walk("a.eml", &mail(&rest)).completeness(), Completeness::Encrypted);
}

#[test]
fn mailboxes_are_read_message_by_message() {
    let message = |n: usize| {
        format!(
            "From jan@example.com Mon Jan  1 12:00:0{} 2024\nFrom: a\nTo: b\n\nmessage body {n}\n>From quoted\n\n",
            n % 10
        )
    };
    let many: String = (0..5_000).map(message).collect();
    for (count, bytes) in [(3, (0..3).map(message).collect::<String>()), (5_000, many)] {
        for seen in [walk("a.mbox", bytes.as_bytes()), stream("a.mbox", bytes.as_bytes())] {
            assert_eq!((seen.items[0].kind, seen.items.len()), (Kind::Mailbox, count + 1));
            assert_eq!(seen.items[count].path, format!("a.mbox/message {count}"));
            assert!(seen.holds(&format!("message body {}\n", count - 1)));
            assert!(seen.role(Role::Property).contains("From jan@example.com"));
        }
    }
}

#[test]
fn messages_behind_their_length_are_read_with_what_follows() {
    let message = String::from_utf8(mail("\r\nbody")).expect("it is ASCII");
    let stored = format!("{}\n{message}<?xml version='1.0'?><plist>properties</plist>", message.len());
    let seen = walk("a.emlx", stored.as_bytes());
    assert_eq!(seen.items[0].kind, Kind::Mail);
    assert_eq!(seen.role(Role::Body).lines().next(), Some("body"));
    assert!(seen.holds("properties"));
}

#[test]
fn flowed_lines_are_put_together() {
    let rows = [
        ("delsp=yes", "number 44051 \r\n401458 end\r\nnext", true),
        ("delsp=Yes", "44051 \r\n401458", true),
        ("delsp=no", "44051 \r\n401458", false),
        ("delsp=yes", "44051\r\n401458", false),
        ("delsp=yes", "-- \r\n44051401", false),
    ];
    for (parameter, body, is_joined) in rows {
        let seen = walk("a.eml", &mail(&format!("Content-Type: text/plain; format=flowed; {parameter}\r\n\r\n{body}")));
        assert_eq!(
            seen.role(Role::Decoded).contains("44051401458"),
            is_joined,
            "{parameter} {body:?}: {:?}",
            seen.text
        );
        assert!(seen.role(Role::Body).contains(body), "{body:?}");
    }
}

#[test]
fn a_message_ends_when_it_is_told_to() {
    let parts = "--b\r\n\r\ntext\r\n".repeat(1_000);
    let bytes = mail(&format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{parts}"));
    let (limits, cancel) = (limits(), dlp_core::base::Cancel::default());
    cancel.trip();
    let extraction = Extraction { limits: &limits, cancel: &cancel, risky: None };
    let mut seen = Seen::default();
    let outcome = extract("a.eml", Input::Bytes(&bytes), extraction, &mut seen);
    assert_eq!(outcome.completeness, Completeness::Partial);
    assert_eq!(seen.role(Role::Body), "");
}
