//! Files of each format, and what lies behind checksums, compression and headers: facts are of the format's kind and
//! within the limits; a thumbnail is a JPEG; peaks are bounded.

use std::io::Cursor;
use std::ops::Range;
use std::sync::OnceLock;

use assetd::asset::{Facts, Format, Kind};
use assetd::media::picture::{Orientation, Picture};
use assetd::media::{self, Limits};

use crate::seeds;

const LIMITS: Limits = Limits { max_pixels: 16_000_000 };

fn look(format: Format, data: &[u8]) {
    let mut source = Cursor::new(data);
    let Ok(facts) = media::probe(format, &mut source, &LIMITS) else { return };
    assert_eq!(facts.kind(), format.kind());
    match facts {
        Facts::Image { width, height } | Facts::Video { width, height, .. } => {
            assert!(width > 0 && height > 0)
        }
        Facts::Audio { duration } => assert!(duration > 0),
        Facts::Document { .. } => {}
    }
    if let Some(jpeg) = media::derive(format, &mut source, &LIMITS) {
        assert!(jpeg.starts_with(&[0xff, 0xd8]));
    }
    if let Some(peaks) = media::peaks(format, &mut source) {
        assert_eq!(facts.kind(), Kind::Audio);
        assert!(peaks.points().len() <= media::peaks::MAX_POINTS);
    }
}

pub fn jpeg(data: &[u8]) {
    look(Format::Jpg, data);
}

pub fn gif(data: &[u8]) {
    look(Format::Gif, data);
}

pub fn webp(data: &[u8]) {
    look(Format::Webp, data);
}

/// MP4 and QuickTime have one reader. AV1 has a [target of its own](av1).
pub fn film(data: &[u8]) {
    if !has_av1(data) {
        look(Format::Mp4, data);
    }
}

fn has_av1(film: &[u8]) -> bool {
    film.windows(4).any(|name| matches!(name, b"av01" | b"dav1"))
}

pub fn mp3(data: &[u8]) {
    look(Format::Mp3, data);
}

pub fn wav(data: &[u8]) {
    look(Format::Wav, data);
}

pub fn pdf(data: &[u8]) {
    look(Format::Pdf, data);
}

/// With right checksums, which hardly come by chance.
pub fn png(data: &[u8]) {
    let mut png = data.to_vec();
    let mut at = 8;
    // PNG, 5.3: length, type, data, checksum of type and data.
    while let Some((length, _)) = png.get(at..).and_then(<[u8]>::split_first_chunk::<4>) {
        let Some(end) = (at + 8).checked_add(u32::from_be_bytes(*length) as usize) else { break };
        let Some(checked) = png.get(at + 4..end) else { break };
        let check = crc32fast::hash(checked).to_be_bytes();
        let Some(place) = png.get_mut(end..end + 4) else { break };
        place.copy_from_slice(&check);
        at = end + 4;
    }
    look(Format::Png, &png);
}

/// A film of the fixtures, and where the bytes of its pictures and sounds lie.
struct Film {
    bytes: Vec<u8>,
    coded: Range<usize>,
}

/// Those in AV1, and all others.
fn films(in_av1: bool) -> &'static [Film] {
    static FILMS: OnceLock<[Vec<Film>; 2]> = OnceLock::new();
    let films = FILMS.get_or_init(|| {
        let films = seeds::films().into_iter();
        let films = films.filter_map(|bytes| coded(&bytes).map(|coded| Film { bytes, coded }));
        let (others, in_av1) = films.partition(|film| !has_av1(&film.bytes));
        [others, in_av1]
    });
    &films[usize::from(in_av1)]
}

/// The body of the first `mdat` box (ISO/IEC 14496-12, 8.1.1).
fn coded(film: &[u8]) -> Option<Range<usize>> {
    let kind = film.windows(4).position(|window| window == b"mdat")?;
    let size = film.get(kind.checked_sub(4)?..)?.first_chunk::<4>()?;
    let end = (kind - 4).checked_add(u32::from_be_bytes(*size) as usize)?.min(film.len());
    (kind + 4 < end).then_some(kind + 4..end)
}

/// The decoders of all codecs that the fixtures have, but AV1.
pub fn frames(data: &[u8]) {
    frames_of(films(false), data);
}

/// `rav1d` 1.1.0 on one thread unwraps nothing where a frame is damaged (`decode.rs`, `on_error` runs twice), and cannot
/// unwind out of its C interface: it ends the process, as it ends a worker. `fuzz/run` starts this target anew each time.
pub fn av1(data: &[u8]) {
    frames_of(films(true), data);
}

/// The first byte says in which film, the others stand in place of what is coded in it.
fn frames_of(films: &[Film], data: &[u8]) {
    let Some((number, coded)) = data.split_first() else { return };
    let film = &films[usize::from(*number) % films.len()];
    let mut bytes = film.bytes.clone();
    for (place, byte) in bytes[film.coded.clone()].iter_mut().zip(coded) {
        *place = *byte;
    }
    look(Format::Mp4, &bytes);
}

/// What is coded in each film, behind its number.
pub fn coded_frames() -> Vec<Vec<u8>> {
    coded_in(films(false))
}

pub fn coded_av1() -> Vec<Vec<u8>> {
    coded_in(films(true))
}

fn coded_in(films: &[Film]) -> Vec<Vec<u8>> {
    let films = films.iter().enumerate();
    films.map(|(number, film)| [&[number as u8], &film.bytes[film.coded.clone()]].concat()).collect()
}

/// The bytes as the content of a page, plain.
pub fn page(data: &[u8]) {
    let head = "%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n\
        2 0 obj\n<< /Type /Pages /Count 1 /Kids [3 0 R] >>\nendobj\n\
        3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents 4 0 R /Resources << \
        /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> \
        /ExtGState << /G1 << /ca 0.5 /BM /Multiply >> >> \
        /Shading << /S1 << /ShadingType 2 /ColorSpace /DeviceRGB /Coords [0 0 200 100] \
        /Function << /FunctionType 2 /N 1 /Domain [0 1] /C0 [1 0 0] /C1 [0 0 1] >> >> >> >> >>\nendobj\n";
    let stream = format!("4 0 obj\n<< /Length {} >>\nstream\n", data.len());
    let tail = b"\nendstream\nendobj\ntrailer\n<< /Size 5 /Root 1 0 R >>\n%%EOF\n";
    look(Format::Pdf, &[head.as_bytes(), stream.as_bytes(), data, tail].concat());
}

/// Pixels turned, shrunk and written: two bytes a side, one for the orientation, the others are the pixels, repeated.
pub fn picture(data: &[u8]) {
    /// So that a run takes milliseconds.
    const MAX_PIXELS: u32 = 1 << 20;
    let Some((&[a, b, c, d, orientation], colours)) = data.split_first_chunk::<5>() else { return };
    let (width, height) = (u32::from(u16::from_be_bytes([a, b])), u32::from(u16::from_be_bytes([c, d])));
    let bytes =
        width.checked_mul(height).filter(|pixels| *pixels <= MAX_PIXELS).map(|pixels| pixels as usize * 3);
    let Some(bytes) = bytes else { return };
    let colours = if colours.is_empty() { &[0x80] } else { colours };
    let pixels: Vec<u8> = colours.iter().copied().cycle().take(bytes).collect();
    let Some(picture) = Picture::new(width, height, pixels) else {
        assert_eq!(bytes, 0);
        return;
    };
    let orientation = Orientation::from_exif(orientation.into());
    let turned = picture.turn(orientation);
    let sides = if orientation.swaps_sides() { (height, width) } else { (width, height) };
    assert_eq!((turned.width(), turned.height()), sides);
    assert!(turned.thumbnail().expect("a thumbnail").starts_with(&[0xff, 0xd8, 0xff]));
}
