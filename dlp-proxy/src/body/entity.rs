//! One entity, that is a body or a part: peels its layers, then gives it to the format that it has.
//!
//! The declared type chooses first. Where it says nothing useful, the first bytes choose. A format that turns out to
//! be broken leaves the raw bytes to the inspector.

use super::coding::{self, Bounds, Coding, Decoded};
use super::multipart::{self, PartHead};
use super::unpacked::{self, Window};
use super::walk::{View, Walk};
use super::{Opaque, chunked, fields, form, git, joined, json, messages, same_name, xml};
use dlp_core::base::{Problem, ProblemClass};
use dlp_core::content::{Input, ReadSeek};
use http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use std::io::{self, BufReader, SeekFrom};

/// Bytes that are looked at to tell the format.
const SNIFF_BYTES: u64 = 4 * 1024;

/// A coding that nobody knows.
const UNNAMED: &str = "unnamed";

/// What the head of an entity says about it.
#[derive(Clone, Debug, Default)]
pub(super) struct Declared {
    /// Media type with its parameters.
    pub(super) content_type: String,
    /// Content codings, in the order in which they were applied.
    pub(super) codings: Vec<String>,
    /// `base64` or `quoted-printable`, of a part.
    pub(super) transfer_encoding: String,
    /// The body is framed as `aws-chunked`.
    pub(super) is_aws_chunked: bool,
    /// Length that the head gives for the body without that framing.
    pub(super) unframed_len_bytes: Option<u64>,
    /// Name for the inspector: the file's name where there is one.
    pub(super) name: String,
    /// Name of the form field, of a part that is no file.
    pub(super) field: Option<String>,
    /// Coding of messages that say they are compressed.
    pub(super) message_coding: String,
}

impl Declared {
    /// An entity of which nothing is known but a name.
    pub(super) fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// What the head of a request says about its body.
    pub(super) fn of_request(head: &HeaderMap) -> Self {
        let mut codings = Vec::new();
        for value in head.get_all(CONTENT_ENCODING) {
            let value = String::from_utf8_lossy(value.as_bytes());
            codings.extend(value.split(',').map(|token| token.trim().to_ascii_lowercase()));
        }
        let is_framed = |token: &String| token == "aws-chunked";
        let is_aws_chunked = codings.iter().any(is_framed) || chunked::is_declared(head);
        codings.retain(|token| !is_framed(token));
        let unframed_len_bytes = chunked::declared_len_bytes(head);
        let disposition = lossy(head, CONTENT_DISPOSITION);
        let name = multipart::file_names(&disposition).pop().unwrap_or_else(|| "body".to_owned());
        let content_type = lossy(head, CONTENT_TYPE);
        let is_text = messages::is_text_of_messages(&content_type.trim().to_ascii_lowercase());
        Self {
            transfer_encoding: if is_text { "base64".to_owned() } else { String::new() },
            message_coding: message_coding(head, &content_type),
            content_type,
            codings,
            is_aws_chunked,
            unframed_len_bytes,
            name,
            ..Self::default()
        }
    }

    /// What the head of a part says about it.
    pub(super) fn of_part(head: &PartHead) -> Self {
        let file_name = head.file_names.last();
        let coding = head.value("content-encoding").unwrap_or("");
        Self {
            content_type: head.value("content-type").unwrap_or("").to_owned(),
            codings: coding.split(',').map(|token| token.trim().to_ascii_lowercase()).collect(),
            transfer_encoding: head.value("content-transfer-encoding").unwrap_or("").trim().to_ascii_lowercase(),
            is_aws_chunked: false,
            unframed_len_bytes: None,
            name: file_name.or(head.name.as_ref()).cloned().unwrap_or_default(),
            field: if file_name.is_none() { head.name.clone() } else { None },
            message_coding: UNNAMED.to_owned(),
        }
    }

    /// Whether nothing has to be undone or taken apart before the content is inspected.
    pub(super) fn is_one_piece(&self, first: &[u8]) -> bool {
        let is_plain = |coding: &String| matches!(Coding::parse(coding), Ok(None));
        !self.is_aws_chunked
            && self.codings.iter().all(is_plain)
            && self.format(first) == Format::Whole
            && format_of_bytes(first) == Format::Whole
            && !first.starts_with(&coding::ZSTD_MAGIC)
            && !coding::looks_deflated(first)
    }

    /// Whether all of a short content is text in which nothing is packed.
    pub(super) fn is_text(&self, content: &[u8]) -> bool {
        self.transfer_encoding.is_empty() && is_texty(content) && self.is_one_piece(content)
    }

    /// The format by the declared type and the first bytes.
    fn format(&self, first: &[u8]) -> Format {
        let (said, sniffed) = (format_of_type(&self.media_type()), format_of_bytes(first));
        match said {
            Format::Whole => sniffed,
            // Command line tools send everything under this type unless they are told otherwise.
            Format::Form if sniffed == Format::Json => Format::Json,
            Format::Form if !is_texty(first) => Format::Whole,
            _ => said,
        }
    }

    /// The media type in lower case, without parameters.
    fn media_type(&self) -> String {
        self.content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
    }
}

/// How messages inside a body are compressed that say they are, by the field of their protocol. What that means without one
/// compression that is named is not known.
fn message_coding(head: &HeaderMap, content_type: &str) -> String {
    let is_connect = content_type.trim_start().to_ascii_lowercase().starts_with("application/connect");
    let field = if is_connect { "connect-content-encoding" } else { "grpc-encoding" };
    let named = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).trim().to_ascii_lowercase();
    let mut codings: Vec<String> = head.get_all(field).iter().map(named).collect();
    codings.dedup();
    match <[String; 1]>::try_from(codings) {
        Ok([coding]) if !coding.is_empty() && coding != "identity" => coding,
        _ => UNNAMED.to_owned(),
    }
}

fn lossy(head: &HeaderMap, name: http::HeaderName) -> String {
    head.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}

/// Walks one entity from its outermost layer on.
pub(super) fn walk_entity(walk: &mut Walk<'_>, declared: &Declared, body: &mut dyn ReadSeek) {
    if walk.is_over() {
        return;
    }
    if walk.is_too_deep() {
        let limit = u64::from(walk.setup.limits.layer_depth_max);
        walk.problem(Problem::limit(
            "layer_depth_max",
            limit,
            "Layers are nested too deeply; the rest was scanned raw.",
        ));
        return walk.examine_from_start(&declared.name, body, View::Plain);
    }
    if let Err(error) = unwrap_layers(walk, declared, body) {
        walk.unreadable(&error);
    }
}

fn unwrap_layers(walk: &mut Walk<'_>, declared: &Declared, body: &mut dyn ReadSeek) -> io::Result<()> {
    if matches!(declared.transfer_encoding.as_str(), "base64" | "quoted-printable") {
        return unwrap_transfer_encoding(walk, declared, body);
    }
    if declared.is_aws_chunked {
        return unwrap_chunks(walk, declared, body);
    }
    match declared.codings.split_last() {
        Some((outermost, inner)) => unwrap_coding(walk, declared, (outermost, inner), body),
        None => walk_format(walk, declared, body),
    }
}

fn bounds<'a>(walk: &Walk<'a>) -> Bounds<'a> {
    let limits = walk.setup.limits;
    let room_bytes = limits.decoded_bytes_max.saturating_sub(walk.decoded_bytes);
    Bounds { limits, room_bytes, cancel: walk.setup.cancel }
}

fn unwrap_transfer_encoding(walk: &mut Walk<'_>, declared: &Declared, body: &mut dyn ReadSeek) -> io::Result<()> {
    let decoded = multipart::decode_transfer(&declared.transfer_encoding, body, bounds(walk))?;
    let inner = Declared { transfer_encoding: String::new(), ..declared.clone() };
    let is_clean = decoded.problem.is_none();
    walk_decoded(walk, &inner, decoded)?;
    if !is_clean {
        walk.examine_from_start(&declared.name, body, View::Again);
    }
    Ok(())
}

/// Walks decoded bytes after reporting what went wrong with them.
fn walk_decoded(walk: &mut Walk<'_>, inner: &Declared, decoded: Decoded) -> io::Result<()> {
    walk.decoded_bytes += decoded.spool.len_bytes();
    if let Some(problem) = decoded.problem {
        walk.problem(problem);
    }
    walk_entity(walk, inner, &mut decoded.spool.into_reader()?);
    Ok(())
}

fn unwrap_chunks(walk: &mut Walk<'_>, declared: &Declared, body: &mut dyn ReadSeek) -> io::Result<()> {
    let unframed = chunked::unframe(body, bounds(walk))?;
    let inner = Declared { is_aws_chunked: false, ..declared.clone() };
    let (problem, consumed) = (chunk_problem(walk, declared, &unframed), unframed.trailer_start);
    let is_damaged = unframed.end == chunked::End::Damaged;
    if is_damaged && unframed.spool.len_bytes() == 0 {
        // The declaration lies: look at the bytes as if they were not framed.
        problem.into_iter().for_each(|problem| walk.problem(problem));
        walk_entity(walk, &inner, body);
        return Ok(());
    }
    walk_decoded(walk, &inner, Decoded { spool: unframed.spool, consumed, problem })?;
    if is_damaged {
        walk.examine_from_start(&declared.name, body, View::Again);
        return Ok(());
    }
    walk_rest(walk, "trailers", body, consumed)
}

fn chunk_problem(walk: &Walk<'_>, declared: &Declared, unframed: &chunked::Unframed) -> Option<Problem> {
    let is_other_len = declared.unframed_len_bytes.is_some_and(|len| len != unframed.spool.len_bytes());
    match unframed.end {
        chunked::End::Complete if is_other_len => {
            let message = "The chunks do not add up to the declared length; all of them were inspected.";
            Some(Problem::new(ProblemClass::Damaged, "aws_chunked_length", message))
        }
        chunked::End::Complete => None,
        chunked::End::Damaged => {
            let message = "The aws-chunked framing is broken; what could be read and the raw bytes were inspected.";
            Some(Problem::new(ProblemClass::Damaged, "aws_chunked", message))
        }
        chunked::End::Full => {
            let limit = walk.setup.limits.decoded_bytes_max;
            Some(Problem::limit("decoded_bytes_max", limit, "The body is larger than its bound."))
        }
    }
}

/// Inspects what stands behind a layer's last byte, as it is.
fn walk_rest(walk: &mut Walk<'_>, name: &str, body: &mut dyn ReadSeek, start: u64) -> io::Result<()> {
    let end = unpacked::len_of(body)?;
    // An empty line belongs to the framing.
    if end.saturating_sub(start) > 2 {
        let mut rest = Window::new(body, start, end);
        walk.within(name.to_owned(), |walk| walk.examine_from_start(name, &mut rest, View::Plain));
    }
    Ok(())
}

fn unwrap_coding(
    walk: &mut Walk<'_>,
    declared: &Declared,
    (outermost, inner): (&String, &[String]),
    body: &mut dyn ReadSeek,
) -> io::Result<()> {
    let limit = walk.setup.limits.coding_layers_max;
    if declared.codings.len() > limit {
        walk.opaque(Opaque::Coding);
        let message = "More content codings are declared than are decoded; the encoded bytes were scanned.";
        walk.problem(Problem::limit("coding_layers_max", limit as u64, message));
        return walk_format(walk, &Declared::named(&declared.name), body);
    }
    let below = Declared { codings: inner.to_vec(), ..declared.clone() };
    match Coding::parse(outermost) {
        Ok(None) => unwrap_layers(walk, &below, body),
        Ok(Some(coding)) => unwrap_known_coding(walk, &below, coding, body),
        Err(()) => {
            walk.opaque(Opaque::Coding);
            let message = "The content coding is unknown; the encoded bytes were scanned as they are.";
            walk.problem(Problem::new(ProblemClass::Unsupported, Opaque::Coding.as_str(), message));
            walk_format(walk, &Declared::named(&declared.name), body)
        }
    }
}

fn unwrap_known_coding(
    walk: &mut Walk<'_>,
    below: &Declared,
    coding: Coding,
    body: &mut dyn ReadSeek,
) -> io::Result<()> {
    if unpacked::len_of(body)? == 0 {
        return Ok(());
    }
    let mut decoded = coding::decode(coding, body, bounds(walk))?;
    let is_damaged = decoded.problem.as_ref().is_some_and(|problem| problem.class != ProblemClass::Limit);
    if decoded.spool.len_bytes() == 0 && is_damaged {
        // The declaration lies: look at the bytes as if nothing had been declared.
        if let Some(problem) = decoded.problem.take() {
            walk.problem(problem);
        }
        return walk_format(walk, &Declared { codings: Vec::new(), ..below.clone() }, body);
    }
    let (is_cut, consumed) = (decoded.problem.is_some(), decoded.consumed);
    walk_decoded(walk, below, decoded)?;
    if is_cut && !is_damaged {
        return Ok(());
    }
    if is_damaged {
        walk.examine_from_start(&below.name, body, View::Again);
        return Ok(());
    }
    if unpacked::len_of(body)? > consumed {
        let message = "Bytes follow the end of the content coding; they were inspected too.";
        walk.problem(Problem::new(ProblemClass::Ambiguous, "coding_trailing_bytes", message));
    }
    walk_rest(walk, "behind the coding", body, consumed)
}

/// A body format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Multipart,
    HttpMessage,
    Json,
    Xml,
    Form,
    GitPush,
    Messages,
    Whole,
}

/// Walks an entity without codings.
fn walk_format(walk: &mut Walk<'_>, declared: &Declared, body: &mut dyn ReadSeek) -> io::Result<()> {
    let first = unpacked::peek(body, SNIFF_BYTES)?;
    let said = format_of_type(&declared.media_type());
    let sniffed = format_of_bytes(&first);
    let chosen = declared.format(&first);
    if chosen == Format::Whole && first.starts_with(&coding::ZSTD_MAGIC) {
        return unwrap_sniffed_zstd(walk, declared, body);
    }
    if chosen == Format::Whole && coding::looks_deflated(&first) {
        walk_sniffed_deflate(walk, declared, body)?;
    }
    walk.scoped(|walk| {
        if walk_structure(walk, declared, (chosen, said == chosen), (&first, &mut *body)) {
            return;
        }
        if sniffed != chosen && sniffed != Format::Whole {
            walk_structure(walk, declared, (sniffed, false), (&first, &mut *body));
        }
        walk.examine_from_start(&declared.name, body, View::Again);
    });
    Ok(())
}

/// Walks the format that was chosen; `false` asks for a raw scan as well.
fn walk_structure(
    walk: &mut Walk<'_>,
    declared: &Declared,
    (format, is_declared): (Format, bool),
    (first, body): (&[u8], &mut dyn ReadSeek),
) -> bool {
    match format {
        Format::Multipart => multipart::walk_multipart(walk, &declared.content_type, first, body),
        Format::HttpMessage => multipart::walk_http_message(walk, body),
        Format::Json => {
            let end = fields::walk_fields(walk, body, json::open);
            if let Err(error) = same_name::walk_same_names(walk, body) {
                walk.unreadable(&error);
            }
            report_damage(walk, is_declared, "json_syntax", end)
        }
        Format::Xml => {
            let end = fields::walk_fields(walk, body, xml::open);
            report_damage(walk, is_declared, "xml_syntax", end)
        }
        Format::Form => {
            let end = fields::walk_fields(walk, body, form::open);
            report_damage(walk, is_declared, "form_syntax", end);
            if let Err(error) = walk_divided(walk, body) {
                walk.unreadable(&error);
            }
            // The undecoded bytes can hold what decoding destroys, a plus sign in a secret.
            false
        }
        Format::GitPush => git::walk_push(walk, body),
        Format::Messages => {
            messages::walk_messages(walk, declared, body);
            false
        }
        Format::Whole => {
            walk_whole(walk, declared, first, body);
            true
        }
    }
}

/// Values that a form has divided over several fields.
fn walk_divided(walk: &mut Walk<'_>, body: &mut dyn ReadSeek) -> io::Result<()> {
    body.seek(SeekFrom::Start(0))?;
    let fields = form::open(Box::new(BufReader::new(body)), walk.setup.limits);
    walk.within("fields, joined".to_owned(), |walk| joined::walk_joined_fields(walk, fields));
    Ok(())
}

/// Turns how the reading of fields ended into a problem, if it is one; `true` means nothing was left out.
fn report_damage(walk: &mut Walk<'_>, is_declared: bool, reason: &'static str, end: fields::FieldsEnd) -> bool {
    match end {
        fields::FieldsEnd::Complete => return true,
        fields::FieldsEnd::Limit(name, value) => {
            walk.problem(Problem::limit(
                name,
                value,
                "The structure is larger than its bound; the raw bytes were scanned.",
            ));
        }
        fields::FieldsEnd::Damaged if is_declared => {
            let message = "The body is not what its declared type says; the raw bytes were scanned.";
            walk.problem(Problem::new(ProblemClass::Damaged, reason, message));
        }
        fields::FieldsEnd::Damaged => {}
        fields::FieldsEnd::Unreadable(error) => walk.unreadable(&error),
    }
    false
}

fn unwrap_sniffed_zstd(walk: &mut Walk<'_>, declared: &Declared, body: &mut dyn ReadSeek) -> io::Result<()> {
    let below = Declared::named(declared.name.strip_suffix(".zst").unwrap_or(&declared.name));
    let mut result = Ok(());
    walk.within("zstd".to_owned(), |walk| result = unwrap_known_coding(walk, &below, Coding::Zstd, body));
    result
}

/// Bytes that nobody said are deflated, and that inflate to text. Chance may have made them so far, and the bytes as they
/// are count too: what goes wrong behind their beginning is no problem.
fn walk_sniffed_deflate(walk: &mut Walk<'_>, declared: &Declared, body: &mut dyn ReadSeek) -> io::Result<()> {
    let (below, end) = (Declared::named(&declared.name), unpacked::len_of(body)?);
    let mut start = 0;
    let streams_max = walk.setup.limits.deflated_streams_max;
    for _ in 0..streams_max {
        let mut rest = Window::new(body, start, end);
        let first = unpacked::peek(&mut rest, SNIFF_BYTES)?;
        let Some(at) = coding::deflated_at(&first).filter(|_| !walk.is_over()) else { return Ok(()) };
        start += at as u64;
        let mut decoded = coding::decode(Coding::Deflate, &mut Window::new(body, start, end), bounds(walk))?;
        let is_last = decoded.problem.is_some();
        decoded.problem = decoded.problem.filter(|problem| problem.class == ProblemClass::Limit);
        start += decoded.consumed;
        let mut result = Ok(());
        walk.within("deflate".to_owned(), |walk| result = walk_decoded(walk, &below, decoded));
        if result.is_err() || is_last {
            return result;
        }
    }
    let message = "More deflated streams follow each other than are read; the bytes were scanned as they are.";
    walk.problem(Problem::limit("deflated_streams_max", streams_max, message));
    Ok(())
}

/// A body without inner structure that is known here. Text fields of forms keep their name as context.
fn walk_whole(walk: &mut Walk<'_>, declared: &Declared, first: &[u8], body: &mut dyn ReadSeek) {
    let len_max = walk.setup.limits.field_bytes_max;
    let is_short = unpacked::len_of(body).is_ok_and(|len| len <= len_max);
    match &declared.field {
        Some(field) if is_short && is_texty(first) => {
            let Ok(value) = unpacked::peek(body, len_max) else {
                return walk.examine_from_start(&declared.name, body, View::Plain);
            };
            let (text, index) = fields::labelled(field, &value);
            walk.examine("", Input::Bytes(&text), View::Field(&index));
        }
        _ => walk.examine_from_start(&declared.name, body, View::Plain),
    }
}

/// Whether bytes look like text in an ASCII-compatible character set.
fn is_texty(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte >= b' ' || matches!(byte, b'\t' | b'\r' | b'\n'))
}

fn format_of_type(media_type: &str) -> Format {
    match media_type {
        "application/http" => Format::HttpMessage,
        "application/x-www-form-urlencoded" => Format::Form,
        "application/json" | "text/json" | "application/x-ndjson" | "application/jsonl" | "application/json-seq" => {
            Format::Json
        }
        "application/xml" | "text/xml" => Format::Xml,
        "application/x-git-receive-pack-request" => Format::GitPush,
        _ if messages::is_of_messages(media_type) => Format::Messages,
        _ if media_type.ends_with("+xml") => Format::Xml,
        _ if media_type.starts_with("multipart/") => Format::Multipart,
        _ if media_type.ends_with("+json") => Format::Json,
        _ => Format::Whole,
    }
}

fn format_of_bytes(first: &[u8]) -> Format {
    let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first).trim_ascii_start();
    if text.starts_with(b"--") && multipart::sniff_boundary(text).is_some() {
        return Format::Multipart;
    }
    if json::looks_like_json(text) {
        return Format::Json;
    }
    if text.starts_with(b"<?xml") {
        return Format::Xml;
    }
    if form::looks_like_form(first) {
        return Format::Form;
    }
    if git::looks_like_push(first) {
        return Format::GitPush;
    }
    Format::Whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_tell_the_format_where_the_type_does_not() {
        let rows: [(&[u8], Format); 13] = [
            (b"{\"a\":1}", Format::Json),
            (b"\xef\xbb\xbf [1,2]", Format::Json),
            (b"[section]\nkey=value", Format::Whole),
            (b"{ not json", Format::Whole),
            (b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--\r\n", Format::Multipart),
            (b"-- a comment\nselect 1;", Format::Whole),
            (b"a=1&b=%20x", Format::Form),
            (b"a=1", Format::Whole),
            (b"q=1&x y", Format::Whole),
            (b"<?xml version='1.0'?><a/>", Format::Xml),
            (b"PK\x03\x04", Format::Whole),
            (b"", Format::Whole),
            (b"plain text", Format::Whole),
        ];
        for (first, expected) in rows {
            assert_eq!(format_of_bytes(first), expected, "{:?}", String::from_utf8_lossy(first));
        }
    }
}
