//! Files on their way out: headers, conditions, ranges (API.md, 5).

use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use bytes::Bytes;
use futures_util::stream;
use httpdate::HttpDate;
use warp::Reply;
use warp::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::conditional::{self, Outcome, Validators};
use super::disposition::{Disposition, content_disposition};
use super::error::refuse;
use super::range::{self, Ranged};
use super::reply::{Response, bytes_reply, empty_reply};
use super::request::Call;
use crate::asset::{Asset, Digest, Format, Kind};
use crate::error::Error;
use crate::store::Contents;

/// What all content security policies begin with, and what one adds.
macro_rules! policy {
    ($($more:literal)?) => {
        concat!(
            "default-src 'none'; img-src 'self'; media-src 'self'; object-src 'self'; style-src 'unsafe-inline'",
            $("; ", $more)?
        )
    };
}

/// Which of an asset's files.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Served {
    Original,
    Thumbnail,
    Waveform,
    WaveformPicture,
}

/// What a file is saved and announced as.
#[derive(Clone, Copy)]
struct Type {
    media_type: &'static str,
    extension: &'static str,
    policy: &'static str,
}

impl Served {
    fn type_of(self, asset: &Asset) -> Type {
        match self {
            Served::Original => asset.format.into(),
            Served::Thumbnail => Format::Jpg.into(),
            Served::Waveform => {
                Type { media_type: "application/json", extension: "json", policy: policy!("sandbox") }
            }
            Served::WaveformPicture => Format::Png.into(),
        }
    }
}

impl From<Format> for Type {
    fn from(format: Format) -> Type {
        Type { media_type: format.media_type(), extension: format.extension(), policy: policy(format.kind()) }
    }
}

/// Up to this a file goes out in one write with its headers; larger ones in pieces of this.
const CHUNK_BYTES: usize = 256 * 1024;

/// Under these nothing in a file can run as a page of this origin, or load anything; a picture, a player and the PDF viewer
/// still show in a tab of their own (`tests/browser`). Chromium's PDF viewer is blank under `sandbox`. Its player asks for
/// the file once more, which a page of no origin, as `sandbox` alone makes it, may not; scripts stay off.
fn policy(kind: Kind) -> &'static str {
    match kind {
        Kind::Image => policy!("sandbox"),
        Kind::Video | Kind::Audio => policy!("sandbox allow-same-origin"),
        Kind::Document => policy!(),
    }
}

/// Answers `GET` and `HEAD` for a file.
pub async fn reply(call: Call, asset: &Asset, contents: Contents, served: Served) -> Result<Response, Error> {
    let kind = served.type_of(asset);
    let etag = etag(&contents.sha256);
    let validators = Validators { etag: &etag, last_modified: asset.uploaded_at };
    let ranged = match conditional::weigh(&call.headers, &validators) {
        Outcome::NotModified => {
            let mut response = empty_reply(StatusCode::NOT_MODIFIED);
            describe(response.headers_mut(), &call, asset, kind, &contents, &etag)?;
            response.headers_mut().remove(header::CONTENT_TYPE);
            return Ok(response);
        }
        Outcome::PreconditionFailed => {
            return Ok(refuse(StatusCode::PRECONDITION_FAILED, "Precondition failed"));
        }
        Outcome::Proceed { ranged } => ranged,
    };
    // RFC 9110, 14.2: a range means something for GET alone.
    let mut ranges = call.headers.get_all(header::RANGE).iter();
    let range = match (ranges.next().map(HeaderValue::to_str), ranges.next()) {
        (Some(Ok(range)), None) if ranged && call.method == Method::GET => Some(range),
        _ => None,
    };
    let size = contents.size;
    let (status, first, length) = match range::parse(range, size) {
        Ranged::Whole => (StatusCode::OK, 0, size),
        Ranged::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Ranged::Unsatisfiable => {
            let mut response = refuse(StatusCode::RANGE_NOT_SATISFIABLE, "Range is outside the file");
            put(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{size}"))?;
            return Ok(response);
        }
    };
    let mut headers = HeaderMap::with_capacity(16);
    describe(&mut headers, &call, asset, kind, &contents, &etag)?;
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if status == StatusCode::PARTIAL_CONTENT {
        put(&mut headers, header::CONTENT_RANGE, &format!("bytes {first}-{}/{size}", first + length - 1))?;
    }
    let mut response = if call.method == Method::HEAD {
        empty_reply(status)
    } else if length <= CHUNK_BYTES as u64 {
        bytes_reply(contents.read(first, length as usize).await?)
    } else {
        warp::reply::stream(pieces(contents, first, length)).into_response()
    };
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// The 412 of a change or a delete whose preconditions on the file do not hold (RFC 9110, 13.1).
pub fn refused_by_condition(call: &Call, asset: &Asset) -> Option<Response> {
    let mut headers = call.headers.clone();
    // Means something for reading alone.
    headers.remove(header::IF_MODIFIED_SINCE);
    let etag = etag(&asset.sha256);
    match conditional::weigh(&headers, &Validators { etag: &etag, last_modified: asset.uploaded_at }) {
        Outcome::Proceed { .. } => None,
        Outcome::NotModified | Outcome::PreconditionFailed => {
            Some(refuse(StatusCode::PRECONDITION_FAILED, "Precondition failed"))
        }
    }
}

/// The strong entity tag of content with this digest.
fn etag(sha256: &Digest) -> String {
    format!("\"{}\"", hex(sha256))
}

/// The bytes of a file from `first` on, piece by piece. A fault in the middle breaks the connection off: the client sees
/// that it did not get all.
fn pieces(
    contents: Contents,
    first: u64,
    length: u64,
) -> impl stream::Stream<Item = Result<Bytes, Error>> + Send + Sync {
    stream::unfold((contents, first, length), |(contents, at, left)| async move {
        if left == 0 {
            return None;
        }
        let length = left.min(CHUNK_BYTES as u64);
        match contents.read(at, length as usize).await {
            Ok(piece) => Some((Ok(piece), (contents, at + length, left - length))),
            Err(error) => {
                tracing::error!(%error, "a file could not be read to its end");
                Some((Err(error), (contents, at, 0)))
            }
        }
    })
}

/// The headers that a 200, a 206 and a 304 have in common.
fn describe(
    headers: &mut HeaderMap,
    call: &Call,
    asset: &Asset,
    kind: Type,
    contents: &Contents,
    etag: &str,
) -> Result<(), Error> {
    let fixed = |headers: &mut HeaderMap, name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    let download = call.query()?.one("download").ok().flatten() == Some("1");
    let disposition = if download { Disposition::Attachment } else { Disposition::Inline };
    let modified = HttpDate::from(asset.uploaded_at.to_system());
    fixed(headers, header::CONTENT_TYPE, kind.media_type);
    put(headers, header::ETAG, etag)?;
    put(headers, header::LAST_MODIFIED, &modified.to_string())?;
    fixed(headers, header::ACCEPT_RANGES, "bytes");
    put(
        headers,
        HeaderName::from_static("repr-digest"),
        &format!("sha-256=:{}:", STANDARD.encode(contents.sha256)),
    )?;
    fixed(headers, header::CACHE_CONTROL, "private, no-cache");
    headers.insert(
        header::CONTENT_DISPOSITION,
        content_disposition(disposition, asset.name.as_str(), kind.extension),
    );
    fixed(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    fixed(headers, header::CONTENT_SECURITY_POLICY, kind.policy);
    fixed(headers, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    fixed(headers, header::REFERRER_POLICY, "no-referrer");
    Ok(())
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), Error> {
    headers.insert(name, HeaderValue::from_str(value).map_err(Error::fault)?);
    Ok(())
}

fn hex(digest: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    digest.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}
