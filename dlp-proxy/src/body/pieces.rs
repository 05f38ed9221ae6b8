//! What concerns pieces of an upload that takes several requests: their content, and lists of them.

use super::coding::Bounds;
use super::fields::{Fields, FieldsEnd};
use super::{BodyLimits, chunked, json, xml};
use dlp_core::base::Cancel;
use dlp_core::content::ReadSeek;
use http::HeaderMap;
use std::io;

/// Bytes of a list of pieces. One of 50,000 blocks, the most that any service takes, has 5 MB.
pub(crate) const PART_LIST_BYTES_MAX: usize = 8 << 20;

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListForm {
    /// XML.
    Xml,
    /// JSON.
    Json,
}

/// The content of a piece without the framing of `aws-chunked`, which is the request's and not the upload's. None when the
/// body has none, or a broken one, and is the content itself.
///
/// # Errors
/// The body could not be read, or the spool not written.
pub(crate) fn unframed(
    head: &HeaderMap,
    body: &mut dyn ReadSeek,
    limits: &BodyLimits,
) -> io::Result<Option<Box<dyn ReadSeek + Send>>> {
    if !super::entity::Declared::of_request(head).is_aws_chunked {
        return Ok(None);
    }
    let bounds = Bounds { limits, room_bytes: limits.decoded_bytes_max, cancel: &Cancel::default() };
    let unframed = chunked::unframe(body, bounds)?;
    match unframed.end {
        chunked::End::Complete => Ok(Some(Box::new(unframed.spool.into_reader()?))),
        chunked::End::Damaged | chunked::End::Full => Ok(None),
    }
}

/// The values of fields with one of these names, in order; none when the text cannot be read to its end, or could be read
/// in another way by somebody else.
pub(crate) fn listed(text: &[u8], form: ListForm, names: &[String], limits: &BodyLimits) -> Option<Vec<String>> {
    let mut fields: Box<dyn Fields + '_> = match form {
        // Comments and sections can cut a value in two.
        ListForm::Xml if memchr::memmem::find(text, b"<!").is_some() => return None,
        ListForm::Xml => xml::open(Box::new(text), limits),
        ListForm::Json => json::open(Box::new(text), limits),
    };
    let mut values = Vec::new();
    loop {
        match fields.next_field() {
            Ok(Some(field)) => {
                let label = field.label.rsplit(':').next().unwrap_or_default();
                if !names.iter().any(|name| name == label) || field.path.contains('@') {
                    continue;
                }
                if !(field.is_first && field.is_last) {
                    return None;
                }
                let value = String::from_utf8(field.value).ok()?;
                values.extend(Some(value.trim().to_owned()).filter(|value| !value.is_empty()));
            }
            Ok(None) | Err(FieldsEnd::Complete) => return Some(values),
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_to_their_end_or_not_at_all() {
        use ListForm::{Json, Xml};
        let s3 = "<CompleteMultipartUpload xmlns=\"x\"><Part><PartNumber>1</PartNumber><ETag>a</ETag></Part>\
                  <Part><ETag>b</ETag><PartNumber> 3 </PartNumber></Part></CompleteMultipartUpload>";
        type Row = (&'static str, ListForm, &'static [&'static str], Option<&'static [&'static str]>);
        let rows: [Row; 9] = [
            (s3, Xml, &["PartNumber"], Some(&["1", "3"])),
            ("<a:L><a:PartNumber>7</a:PartNumber></a:L>", Xml, &["PartNumber"], Some(&["7"])),
            (
                "<L><Latest>AA==</Latest><Uncommitted>AB</Uncommitted></L>",
                Xml,
                &["Latest", "Uncommitted"],
                Some(&["AA==", "AB"]),
            ),
            ("<L><PartNumber>1<!-- -->2</PartNumber></L>", Xml, &["PartNumber"], None),
            ("<L><PartNumber>1</PartNumber>", Xml, &["PartNumber"], None),
            ("<L><PartNumber>&#49;2</PartNumber></L>", Xml, &["PartNumber"], Some(&["12"])),
            (r#"{"parts":[{"part_id":"x","offset":0},{"offset":8}]}"#, Json, &["offset"], Some(&["0", "8"])),
            (r#"{"parts":[{"offset":0},"#, Json, &["offset"], None),
            ("", Xml, &["PartNumber"], Some(&[])),
        ];
        for (text, form, names, expected) in rows {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let got = listed(text.as_bytes(), form, &names, &BodyLimits::default());
            let expected = expected.map(|values| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>());
            assert_eq!(got, expected, "{text}");
        }
    }
}
