//! Where the requests of one upload name the upload and the place of their piece.
//!
//! | `session`, `offset`, `number`, `part` | reads |
//! |---|---|
//! | `url` | host, path and query as they are |
//! | `address` | host and path as they are |
//! | `query:NAME` | a parameter |
//! | `path:NAME` | a named piece of the path template |
//! | `header:NAME` | a header that stands once |
//! | `header_json:NAME#/POINTER` | a value of the JSON in such a header |
//! | `content-range` | the first byte of `Content-Range` |

use super::request::Parsed;
use super::template::Template;
use http::header::CONTENT_RANGE;

/// A piece of an upload that takes several requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPart {
    /// What all requests of the upload have in common.
    pub key: String,
    /// Where the body belongs; none for a request that brings no piece, or of which that is not known.
    pub position: Option<Position>,
    /// What the piece is called, where pieces have names.
    pub name: Option<String>,
    /// Length of the whole upload, as the request states it.
    pub total_bytes: Option<u64>,
    /// Length of the piece, as the request states it.
    pub stated_len: Option<u64>,
    /// Whether the end of the upload shows: by a call, or by the length of the whole.
    pub tells_end: bool,
    /// Whether it ends by a call alone, so that pieces may come in any order until then.
    pub ends_by_call: bool,
    /// Whether the service is known by its host, so that nothing comes of pieces whose upload has not ended.
    pub is_listed: bool,
}

/// The place of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Position {
    /// Offset of its first byte.
    Offset(u64),
    /// Its number; the next piece has the next number.
    Number(u64),
}

/// How an endpoint names session and place.
#[derive(Clone, Debug)]
pub(super) struct SessionRule {
    session: Place,
    offset: Option<Place>,
    number: Option<Place>,
    part: Option<Place>,
}

/// The words of an endpoint about the upload that its requests belong to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SessionWords<'a> {
    pub(super) session: Option<&'a str>,
    pub(super) offset: Option<&'a str>,
    pub(super) number: Option<&'a str>,
    pub(super) part: Option<&'a str>,
}

#[derive(Clone, Debug)]
enum Place {
    Url,
    Address,
    ContentRange,
    Query(String),
    Path(String),
    Header(String),
    HeaderJson(String, String),
}

impl SessionRule {
    /// Reads the words of an endpoint, or says what is wrong with them.
    pub(super) fn new(words: SessionWords<'_>, paths: &[Template]) -> Result<Option<Self>, String> {
        let SessionWords { session, offset, number, part } = words;
        let Some(session) = session else {
            return match offset.or(number).or(part) {
                Some(_) => Err("expected `session` beside `offset`, `number` or `part`".to_owned()),
                None => Ok(None),
            };
        };
        if [offset, number, part].iter().flatten().count() > 1 {
            return Err("expected one of `offset`, `number` and `part`, found more".to_owned());
        }
        let place = |word: Option<&str>| word.map(|word| Place::new(word, paths)).transpose();
        let session = Place::new(session, paths)?;
        Ok(Some(Self { session, offset: place(offset)?, number: place(number)?, part: place(part)? }))
    }

    /// What a request says; none when it names no session.
    pub(super) fn read(&self, request: &Parsed<'_>, paths: &[Template]) -> Option<SessionPart> {
        let key = self.session.read(request, paths).filter(|key| !key.is_empty())?;
        let number = |place: &Option<Place>| place.as_ref()?.read(request, paths)?.trim().parse().ok();
        let position =
            number(&self.offset).map(Position::Offset).or_else(|| number(&self.number).map(Position::Number));
        let name = self.part.as_ref().and_then(|part| part.read(request, paths));
        let total_bytes = total_of_range(request);
        let stated_len = len_of_range(request);
        let (tells_end, ends_by_call, is_listed) = (false, false, false);
        Some(SessionPart { key, position, name, total_bytes, stated_len, tells_end, ends_by_call, is_listed })
    }

    /// Whether each piece says how long the whole is, so that the last one is known as such.
    pub(super) fn states_total(&self) -> bool {
        matches!(self.offset, Some(Place::ContentRange))
    }
}

impl Place {
    fn new(word: &str, paths: &[Template]) -> Result<Self, String> {
        Ok(match word.split_once(':') {
            None if word == "url" => Self::Url,
            None if word == "address" => Self::Address,
            None if word == "content-range" => Self::ContentRange,
            Some(("query", name)) => Self::Query(name.to_owned()),
            Some(("path", name)) if !paths.is_empty() && paths.iter().all(|path| path.has_capture(name)) => {
                Self::Path(name.to_owned())
            }
            Some(("path", name)) => return Err(format!("expected `{{{name}}}` in each `path` of the endpoint")),
            Some(("header", name)) => Self::Header(name.to_ascii_lowercase()),
            Some(("header_json", rest)) => match rest.split_once('#') {
                Some((name, pointer)) if pointer.starts_with('/') => {
                    Self::HeaderJson(name.to_ascii_lowercase(), pointer.to_owned())
                }
                _ => return Err(format!("expected `header_json:NAME#/POINTER`, found `{word}`")),
            },
            _ => {
                return Err(format!(
                    "expected `url`, `address`, `content-range`, `query:`, `path:`, `header:` or `header_json:`, found `{word}`"
                ));
            }
        })
    }

    fn read(&self, request: &Parsed<'_>, paths: &[Template]) -> Option<String> {
        match self {
            Self::Url => Some(url_of(request)),
            Self::Address => Some(format!("{}{}", request.host, request.path.text)),
            Self::ContentRange => first_of_range(request).map(|first| first.to_string()),
            Self::Query(name) => request.query_value(name).map(std::borrow::Cow::into_owned),
            Self::Path(name) => paths.iter().find_map(|path| path.capture(&request.path.text, name)).map(str::to_owned),
            Self::Header(name) => request.header(name).map(str::to_owned),
            Self::HeaderJson(name, pointer) => {
                let value: serde_json::Value = serde_json::from_str(request.header(name)?).ok()?;
                match value.pointer(pointer)? {
                    serde_json::Value::String(text) => Some(text.clone()),
                    serde_json::Value::Number(number) => Some(number.to_string()),
                    _ => None,
                }
            }
        }
    }
}

fn url_of(request: &Parsed<'_>) -> String {
    format!("{}{}?{}", request.host, request.path.text, request.query)
}

/// The key of a session that is named by an address which an answer gives, absolute or relative to the one asked.
pub(crate) fn key_of_address(host: &str, target: &str, location: &str) -> Option<String> {
    let after_scheme = location.split_once("://").map(|(_, rest)| rest);
    let (host, target) = match after_scheme {
        Some(rest) => rest.split_at(rest.find('/')?),
        None if location.starts_with('/') => (host, location),
        None => {
            let folder = target.split('?').next()?.rsplit_once('/')?.0;
            return key_of_address(host, target, &format!("{folder}/{location}"));
        }
    };
    let headers = http::HeaderMap::new();
    let head = super::RequestHead { method: "", host, target, headers: &headers, learnt: &[] };
    Some(url_of(&Parsed::new(&head)))
}

/// What a number of the query says about the place of a piece.
type PlaceOf = fn(u64) -> Position;

/// How libraries for uploads in pieces (resumable.js, flow.js, Dropzone, Fine Uploader, plupload) name upload and place in the
/// query.
const CHUNKERS: [(&str, &str, PlaceOf); 9] = [
    ("resumableIdentifier", "resumableChunkNumber", Position::Number),
    ("flowIdentifier", "flowChunkNumber", Position::Number),
    ("dzuuid", "dzchunkbyteoffset", Position::Offset),
    ("dzuuid", "dzchunkindex", Position::Number),
    ("qquuid", "qqpartbyteoffset", Position::Offset),
    ("qquuid", "qqpartindex", Position::Number),
    ("name", "chunk", Position::Number),
    ("name", "offset", Position::Offset),
    ("uploadId", "partNumber", Position::Number),
];

/// The session of a request whose application nobody describes, when it says by itself that it brings a piece.
pub(super) fn general(request: &Parsed<'_>) -> Option<SessionPart> {
    let from_offset = || request.header("upload-offset")?.trim().parse().ok();
    let by_head = || {
        let offset = first_of_range(request).or_else(from_offset)?;
        Some((url_of(request), Position::Offset(offset)))
    };
    // Other bodies with such a query are forms, whose pieces are inside, or ask for a page of a list.
    let is_bytes = request.header("content-type").is_none_or(|kind| kind.starts_with("application/octet-stream"));
    let by_query = || of_chunker(request).or_else(|| of_offset(request)).filter(|_| is_bytes);
    let (key, position) = by_head().or_else(by_query)?;
    let total_bytes = total_of_range(request);
    Some(SessionPart {
        key,
        position: Some(position),
        name: None,
        total_bytes,
        stated_len: len_of_range(request),
        tells_end: total_bytes.is_some(),
        ends_by_call: false,
        is_listed: false,
    })
}

fn of_chunker(request: &Parsed<'_>) -> Option<(String, Position)> {
    CHUNKERS.iter().find_map(|(upload, place, position)| {
        let upload = request.query_value(upload).filter(|upload| !upload.is_empty())?;
        let place = request.query_value(place)?.parse().ok()?;
        Some((format!("{}{}?{upload}", request.host, request.path.text), position(place)))
    })
}

/// A piece of what has no name but its address.
fn of_offset(request: &Parsed<'_>) -> Option<(String, Position)> {
    let offset = request.query_value("offset")?.parse().ok()?;
    Some((format!("{}{}", request.host, request.path.text), Position::Offset(offset)))
}

/// The length in `bytes 0-9/100` or `bytes */100`.
fn total_of_range(request: &Parsed<'_>) -> Option<u64> {
    request.header(CONTENT_RANGE.as_str())?.rsplit_once('/')?.1.trim().parse().ok()
}

fn first_of_range(request: &Parsed<'_>) -> Option<u64> {
    Some(range(request)?.0)
}

fn len_of_range(request: &Parsed<'_>) -> Option<u64> {
    let (first, last) = range(request)?;
    (last - first).checked_add(1)
}

/// The first and the last byte in `bytes 0-9/100` or `bytes 0-9/*`, in any case, and without the unit as some clients
/// send it.
fn range(request: &Parsed<'_>) -> Option<(u64, u64)> {
    let value = request.header(CONTENT_RANGE.as_str())?.trim().to_ascii_lowercase();
    let range = value.strip_prefix("bytes").unwrap_or(&value).trim_start_matches([' ', '=']);
    let (first, rest) = range.split_once('-')?;
    let last = rest.split('/').next()?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::super::template::Kind;
    use super::*;
    use crate::destination::RequestHead;
    use http::{HeaderMap, HeaderName};

    fn words([session, offset, number]: [Option<&str>; 3]) -> SessionWords<'_> {
        SessionWords { session, offset, number, part: None }
    }

    fn check(
        rule: [Option<&str>; 3],
        target: &str,
        fields: &[(&str, &str)],
        expected: Option<(&str, Option<Position>)>,
    ) {
        let paths = [Template::new(Kind::Path, "/up/{id}/{part}").unwrap()];
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        let head = RequestHead { method: "PUT", host: "a.example", target, headers: &headers, learnt: &[] };
        let request = Parsed::new(&head);
        let got = match SessionRule::new(words(rule), &paths).unwrap() {
            Some(rule) => rule.read(&request, &paths),
            None => general(&request),
        };
        let got = got.as_ref().map(|part| (part.key.as_str(), part.position));
        assert_eq!(got, expected, "{rule:?} {target} {fields:?}");
    }

    #[test]
    fn pieces_are_told_from_heads() {
        use Position::{Number, Offset};
        let s3 = [Some("query:uploadId"), None, Some("query:partNumber")];
        check(s3, "/k?partNumber=7&uploadId=a%2Bb", &[], Some(("a+b", Some(Number(7)))));
        check(s3, "/k?uploadId=ab", &[], Some(("ab", None)));
        check(s3, "/k?partNumber=x&uploadId=ab", &[], Some(("ab", None)));
        check(s3, "/k?uploadId=", &[], None);
        check([Some("path:id"), None, Some("path:part")], "/up/x/3", &[], Some(("x", Some(Number(3)))));
        let dropbox = [
            Some("header_json:Dropbox-API-Arg#/cursor/session_id"),
            Some("header_json:Dropbox-API-Arg#/cursor/offset"),
            None,
        ];
        let arg = r#"{"cursor":{"session_id":"s","offset":12}}"#;
        check(dropbox, "/", &[("dropbox-api-arg", arg)], Some(("s", Some(Offset(12)))));
        check(dropbox, "/", &[("dropbox-api-arg", "{}")], None);
        check(dropbox, "/", &[("dropbox-api-arg", arg), ("dropbox-api-arg", arg)], None);
        let range = [Some("url"), Some("content-range"), None];
        check(range, "/u?t=1", &[("content-range", "bytes 5-9/*")], Some(("a.example/u?t=1", Some(Offset(5)))));
        check(range, "/u", &[("content-range", "bytes */100")], Some(("a.example/u?", None)));
        check(range, "/u", &[("content-range", "bytes 9-5/10")], Some(("a.example/u?", None)));
        let none = [None; 3];
        check(none, "/u", &[("content-range", "Bytes 0-4/5")], Some(("a.example/u?", Some(Offset(0)))));
        check(none, "/u", &[("upload-offset", "77")], Some(("a.example/u?", Some(Offset(77)))));
        check(none, "/u?chunk=1&chunks=2&name=a%2Fb", &[], Some(("a.example/u?a/b", Some(Number(1)))));
        check(none, "/u?flowChunkNumber=3&flowIdentifier=x", &[], Some(("a.example/u?x", Some(Number(3)))));
        check(none, "/u?dzuuid=x&dzchunkindex=1&dzchunkbyteoffset=9", &[], Some(("a.example/u?x", Some(Offset(9)))));
        check(none, "/u?chunk=1", &[], None);
        let bytes = ("content-type", "application/octet-stream");
        check(none, "/u?offset=9", &[bytes], Some(("a.example/u", Some(Offset(9)))));
        check(none, "/u?offset=9", &[("content-type", "application/json")], None);
        check(none, "/u", &[], None);
    }

    #[test]
    fn mistakes_are_named() {
        let rows = [
            ([None, Some("content-range"), None], "expected `session`"),
            ([Some("url"), Some("content-range"), Some("query:n")], "found more"),
            ([Some("cookie:x"), None, None], "found `cookie:x`"),
            ([Some("path:other"), None, None], "`{other}`"),
            ([Some("header_json:x"), None, None], "header_json:NAME#/POINTER"),
        ];
        for (rule, expected) in rows {
            let paths = [Template::new(Kind::Path, "/up/{id}").unwrap()];
            let error = SessionRule::new(words(rule), &paths).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_length_of_the_whole_is_read() {
        let rows = [
            ("bytes 0-4/5", Some(5)),
            ("bytes 0-4/*", None),
            ("bytes */100", Some(100)),
            ("0-4/ 7", Some(7)),
            ("bytes 0-4", None),
            ("bytes 0-4/99999999999999999999", None),
        ];
        for (range, expected) in rows {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_RANGE, range.parse().unwrap());
            let head = RequestHead { method: "PUT", host: "a.example", target: "/", headers: &headers, learnt: &[] };
            assert_eq!(total_of_range(&Parsed::new(&head)), expected, "{range}");
        }
    }

    #[test]
    fn addresses_of_answers_are_keys() {
        let rows = [
            ("https://b.example:1080/files/1?t=2", Some("b.example/files/1?t=2")),
            ("/files/1", Some("a.example/files/1?")),
            ("1", Some("a.example/up/1?")),
            ("//b.example/files/1", Some("a.example//b.example/files/1?")),
            ("https://b.example", None),
        ];
        for (location, expected) in rows {
            assert_eq!(key_of_address("a.example", "/up/new?x=/y", location).as_deref(), expected, "{location}");
        }
    }
}
