//! Readers of foreign bytes: whatever comes, they answer, within bounds.

use std::convert::Infallible;

use assetd::asset::{AssetId, Name, Time};
use assetd::auth::{self, Keys};
use assetd::catalog::codec;
use assetd::http::conditional::{self, Validators};
use assetd::http::disposition::{Disposition, content_disposition};
use assetd::http::{form::Form, json, query::Query, range};
use assetd::media;
use assetd::worker::wire::{FRAME_BYTES, Frame, Report, Request};
use bytes::Bytes;
use futures_util::stream;
use warp::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::seeds::{SECRET, USER};

/// The parts of a form do not depend on the pieces that it comes in.
pub fn form(data: &[u8]) {
    let Some((first, body)) = data.split_first() else { return };
    let whole = read_form(body, body.len().max(1));
    let pieces = read_form(body, usize::from(*first).max(1));
    assert_eq!(whole, pieces);
}

type Parts = Vec<(String, Option<String>, Vec<u8>)>;

/// The parts of the form, and whether it was read to its end.
fn read_form(body: &[u8], piece: usize) -> (Parts, bool) {
    let chunks: Vec<Result<Bytes, Infallible>> =
        body.chunks(piece).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    let read = async {
        let mut parts = Parts::new();
        let mut form = match Form::new(Some(b"multipart/form-data; boundary=b0undary"), stream::iter(chunks))
        {
            Ok(form) => form,
            Err(_) => return (parts, false),
        };
        loop {
            match form.next_part().await {
                Ok(Some(head)) => parts.push((head.name, head.file_name, Vec::new())),
                Ok(None) => return (parts, true),
                Err(_) => return (parts, false),
            }
            loop {
                match form.chunk().await {
                    Ok(Some(chunk)) => parts.last_mut().expect("a part").2.extend_from_slice(&chunk),
                    Ok(None) => break,
                    Err(_) => {
                        // How much of a part came before the end of a broken body is not promised.
                        parts.pop();
                        return (parts, false);
                    }
                }
            }
        }
    };
    crate::upload::block_on(read)
}

/// A display name keeps its rules, and what it keeps is kept when it is given again.
pub fn name(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for name in [Name::of_file(&text), Name::given(&text).ok().flatten()].into_iter().flatten() {
        let kept = name.as_str();
        assert!((1..=Name::MAX_BYTES).contains(&kept.len()));
        assert!(!kept.chars().any(char::is_control));
        assert_eq!(Name::given(kept), Ok(Some(name.clone())));
    }
    if let Some(name) = Name::of_file(&text) {
        assert!(!name.as_str().contains(['/', '\\']));
    }
}

/// Any bytes have a type, or none; and what is behind the head changes nothing.
pub fn sniff(data: &[u8]) {
    let head = &data[..data.len().min(media::HEAD_BYTES)];
    media::sniff(head);
}

/// A range that is honoured lies inside the file.
pub fn range(data: &[u8]) {
    let Some((length, header)) = data.split_first_chunk::<8>() else { return };
    let length = u64::from_le_bytes(*length);
    let header = std::str::from_utf8(header).ok();
    if let range::Ranged::Part { first, last } = range::parse(header, length) {
        assert!(first <= last && last < length);
    }
}

/// What was read and is written again reads the same.
pub fn query(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(query) = Query::parse(Some(text)) {
        let written = assetd::http::query::encode(query.pairs());
        let again = Query::parse(Some(&written)).expect("what was written can be read");
        assert!(query.pairs().eq(again.pairs()));
    }
}

pub fn change(data: &[u8]) {
    let _ = json::read_changes(data);
}

/// A record that decodes encodes to one that decodes to the same.
pub fn record(data: &[u8]) {
    if let Ok(asset) = codec::decode(AssetId::MIN, data) {
        let again = codec::encode(&asset).expect("a decoded record encodes");
        assert_eq!(codec::decode(AssetId::MIN, &again).ok(), Some(asset));
    }
}

/// What is read from a worker is written just so; nothing is both a request and a report.
pub fn wire(data: &[u8]) {
    let Some(frame) = data.first_chunk::<FRAME_BYTES>() else { return };
    let frame: &Frame = frame;
    let report = Report::from_frame(frame);
    let request = Request::from_frame(frame);
    assert!(report.is_none() || request.is_none());
    if let Some((sequence, report)) = report {
        assert_eq!(report.to_frame(sequence), *frame);
    }
    if let Some((sequence, request)) = request {
        assert_eq!(request.to_frame(sequence), *frame);
    }
}

/// No header makes a caller but of the user whose tokens there are; a line is a header.
pub fn token(data: &[u8]) {
    let keys = Keys::from_secret(SECRET, "sub".into()).expect("a key");
    if let Ok(caller) = auth::authenticate(&keys, data.split(|byte| *byte == b'\n')) {
        assert_eq!(caller.user().number(), USER);
        assert!(!caller.is_admin());
    }
}

/// Conditions and names in headers; a line is a header, whose first byte says which.
pub fn headers(data: &[u8]) {
    const NAMES: [HeaderName; 6] = [
        header::IF_MATCH,
        header::IF_NONE_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_UNMODIFIED_SINCE,
        header::IF_RANGE,
        header::RANGE,
    ];
    let mut headers = HeaderMap::new();
    // As many as a head may have.
    for line in data.split(|byte| *byte == b'\n').take(100) {
        let Some((first, rest)) = line.split_first() else { continue };
        if let Ok(value) = HeaderValue::from_bytes(rest) {
            headers.append(NAMES[usize::from(*first) % NAMES.len()].clone(), value);
        }
    }
    conditional::weigh(
        &headers,
        &Validators { etag: "\"a\"", last_modified: Time::from_unix(1_763_322_180) },
    );

    if let Some(name) = Name::of_file(&String::from_utf8_lossy(data)) {
        let value = content_disposition(Disposition::Inline, name.as_str(), "png");
        // Both names end in the extension, and stand in quotes that hold.
        let text = value.to_str().expect("text");
        assert!(text.starts_with("inline; filename=\"") && text.to_ascii_lowercase().ends_with(".png"));
    }
}
