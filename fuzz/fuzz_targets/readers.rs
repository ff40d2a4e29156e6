//! Readers of foreign bytes: whatever comes, they answer, within bounds.

use std::convert::Infallible;
use std::io::Cursor;

use assetd::asset::{AssetId, Format, Kind, Name};
use assetd::catalog::codec;
use assetd::http::{form::Form, json, query::Query, range};
use assetd::media::{self, Limits, Sniffed};
use bytes::Bytes;
use futures_util::stream;

const LIMITS: Limits = Limits { max_pixels: 16_000_000 };

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

pub fn image(data: &[u8]) {
    look(data, Kind::Image);
}

pub fn video(data: &[u8]) {
    look(data, Kind::Video);
}

pub fn audio(data: &[u8]) {
    look(data, Kind::Audio);
}

pub fn document(data: &[u8]) {
    look(data, Kind::Document);
}

/// Facts are of the format's kind and within the limits; a thumbnail is a JPEG, peaks are bounded.
fn look(data: &[u8], kind: Kind) {
    let head = &data[..data.len().min(media::HEAD_BYTES)];
    let sniffed = match media::sniff(head) {
        Sniffed::Allowed(format) => Some(format),
        Sniffed::Foreign(_) | Sniffed::Unknown => None,
    };
    let formats = Format::ALL.into_iter().filter(|format| format.kind() == kind);
    for format in formats.filter(|format| sniffed.is_none_or(|sniffed| sniffed == *format)) {
        let mut source = Cursor::new(data);
        if let Ok(facts) = media::probe(format, &mut source, &LIMITS) {
            assert_eq!(facts.kind(), kind);
            if let Some(jpeg) = media::derive(format, &mut source, &LIMITS) {
                assert!(jpeg.starts_with(&[0xff, 0xd8]));
            }
            if let Some(peaks) = media::peaks(format, &mut source) {
                assert_eq!(kind, Kind::Audio);
                assert!(peaks.points().len() <= media::peaks::MAX_POINTS);
            }
        }
    }
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
