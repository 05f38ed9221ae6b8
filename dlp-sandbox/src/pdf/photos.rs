//! What photographs say besides their pixels: comments, and the records of cameras and editors in front of the picture.

use super::structure::xml_values;

/// Segments of one photograph that are looked at. Cameras write a dozen, long records take several.
const SEGMENTS_MAX: usize = 256;
/// Letters in a row from which bytes of a record are a text.
const TEXT_MIN: usize = 5;

/// The texts of a photograph (JPEG), with names.
pub(super) fn texts(photo: &[u8]) -> Vec<(&'static str, String)> {
    const COMMENT: u8 = 0xFE;
    const CAMERA: u8 = 0xE1;
    const EDITOR: u8 = 0xED;
    let mut texts = Vec::new();
    for (mark, body) in segments(photo) {
        match mark {
            COMMENT => texts.push(("comment", String::from_utf8_lossy(body).trim_end_matches('\0').to_owned())),
            CAMERA if body.starts_with(b"Exif") => texts.push(("exif", runs(&body[4..]))),
            CAMERA => {
                let start = memchr::memchr(b'<', body).unwrap_or(body.len());
                let values = xml_values(&String::from_utf8_lossy(&body[start..])).into_iter();
                let lines: Vec<String> = values.map(|(name, value)| format!("{name}: {value}")).collect();
                texts.push(("xmp", lines.join("\n")));
            }
            EDITOR => texts.push(("iptc", runs(body))),
            _ => {}
        }
    }
    texts
}

/// Mark and body of the segments in front of the picture.
fn segments(photo: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = photo.strip_prefix(b"\xFF\xD8").unwrap_or_default();
    std::iter::from_fn(move || {
        /// From here on the pixels follow.
        const SCAN: u8 = 0xDA;
        let [0xFF, mark, high, low, ..] = *rest else { return None };
        let body = rest.get(4..2 + usize::from(u16::from_be_bytes([high, low])))?;
        rest = &rest[4 + body.len()..];
        (mark != SCAN).then_some((mark, body))
    })
    .take(SEGMENTS_MAX)
}

/// Runs of characters, a line each.
fn runs(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let runs = text.split(|c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER);
    runs.filter(|run| run.chars().count() >= TEXT_MIN).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::texts;

    #[test]
    fn segments_in_front_of_the_pixels_are_read() {
        let segment =
            |mark: u8, body: &[u8]| [&[0xFF, mark][..], &(body.len() as u16 + 2).to_be_bytes(), body].concat();
        let photo = [
            b"\xFF\xD8".to_vec(),
            segment(0xE0, b"JFIF\0"),
            segment(0xFE, b"a comment"),
            segment(0xE1, b"Exif\0\0II*\0\x08\0camera owner\0\x01\x02ab\0"),
            segment(0xE1, b"http://ns\0<x:xmpmeta><dc:title>a title</dc:title></x:xmpmeta>"),
            segment(0xED, b"Photoshop 3.0\08BIM\x04\x04\0\0caption"),
            segment(0xDA, b""),
            segment(0xFE, b"behind"),
        ]
        .concat();
        let texts = texts(&photo);
        let expected = [
            ("comment", "a comment"),
            ("exif", "camera owner"),
            ("xmp", "title: a title"),
            ("iptc", "Photoshop 3.0\ncaption"),
        ];
        assert_eq!(texts, expected.map(|(name, text)| (name, text.to_owned())));
        assert!(super::texts(&photo[..12]).is_empty());
        assert!(super::texts(b"").is_empty());
    }
}
