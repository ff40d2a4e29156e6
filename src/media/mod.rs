//! Bytes → facts and pictures. Pure: no path, no clock, no threads to wait for; runs in the worker process.
//!
//! Each kind has the same three functions: `sniff` what the first bytes are, `probe` the facts and the structure,
//! `derive` the picture (for a sound `peaks`).

pub mod audio;
pub mod document;
pub mod image;
pub mod peaks;
pub mod picture;
pub mod video;

use std::io::{Read, Seek};

pub use peaks::Peaks;

use crate::asset::{Facts, Flaw, Foreign, Format, Kind};

/// The bytes of one file: bounded, seekable, not trusted.
pub trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

/// As many leading bytes as [`sniff`] looks at, at most.
pub const HEAD_BYTES: usize = 4096;

/// What the operator allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Width × height of a picture or of a film's frame, at most.
    pub max_pixels: u64,
}

/// What the first bytes say of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sniffed {
    Allowed(Format),
    Foreign(Foreign),
    Unknown,
}

/// Why a file is not taken, once its bytes were read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// It is of the format, and broken.
    Broken(Flaw),
    /// Looked at more closely, it is of another type (AAC behind an ID3 tag, say).
    Foreign(Foreign),
    /// Width and height as coded.
    TooManyPixels { width: u32, height: u32 },
}

impl From<Flaw> for Refusal {
    fn from(flaw: Flaw) -> Refusal {
        Refusal::Broken(flaw)
    }
}

/// The type of a file by its first [`HEAD_BYTES`] (fewer where the file is shorter).
pub fn sniff(head: &[u8]) -> Sniffed {
    image::sniff(head)
        .or_else(|| video::sniff(head))
        .or_else(|| document::sniff(head))
        .or_else(|| audio::sniff(head))
        .unwrap_or(Sniffed::Unknown)
}

/// The facts of a file of this format, its structure proven as far as they need it.
pub fn probe(format: Format, source: &mut dyn Source, limits: &Limits) -> Result<Facts, Refusal> {
    match format.kind() {
        Kind::Image => image::probe(format, source, limits),
        Kind::Video => video::probe(format, source, limits),
        Kind::Audio => audio::probe(format, source, limits),
        Kind::Document => document::probe(format, source, limits),
    }
}

/// The thumbnail of a file whose facts are known: a JPEG, longest side at most [`THUMBNAIL_SIDE`] pixels, upright.
/// `None` where none can be made; of a sound there are [`peaks`].
pub fn derive(format: Format, source: &mut dyn Source, limits: &Limits) -> Option<Vec<u8>> {
    match format.kind() {
        Kind::Image => image::derive(format, source, limits),
        Kind::Video => video::derive(format, source, limits),
        Kind::Audio => None,
        Kind::Document => document::derive(format, source, limits),
    }
}

/// What a worker's own program, its buffers and small jobs take, in bytes, those of a sound's peaks too: measured at 10 to
/// 16 MiB.
pub const BASE_WEIGHT_BYTES: u64 = 16 << 20;

/// The memory that [`probe`] is estimated to take, in bytes. Headers and tables are read through small windows; the
/// objects of a document are held.
pub fn probe_weight(format: Format, size_bytes: u64) -> u64 {
    match format.kind() {
        Kind::Image | Kind::Video | Kind::Audio => BASE_WEIGHT_BYTES,
        Kind::Document => size_bytes.saturating_mul(2).saturating_add(BASE_WEIGHT_BYTES),
    }
}

/// The memory that [`derive`] is estimated to take, in bytes. Bytes a pixel as measured on files of 24 and 60
/// megapixels (images: JPEG takes no more for them) and on 4K films that keep all the reference pictures their level allows.
pub fn derive_weight(format: Format, facts: Facts, size_bytes: u64) -> u64 {
    let pixels = |width: u32, height: u32| u64::from(width) * u64::from(height);
    let more = match facts {
        Facts::Image { width, height } => match format {
            // Read row by row; a third of it by interlaced ones.
            Format::Png | Format::Gif => pixels(width, height),
            // Held whole: 2 as planes, 6 where it is lossless, 7 with alpha, and the facts don't say which.
            Format::Webp => 7_u64.saturating_mul(pixels(width, height)),
            _ => 0,
        },
        Facts::Video { width, height, .. } => 32_u64.saturating_mul(pixels(width, height)),
        Facts::Audio { .. } => 0,
        // Fonts and images of the first page, unfolded.
        Facts::Document { .. } => size_bytes.saturating_mul(4).saturating_add(4 * BASE_WEIGHT_BYTES),
    };
    more.saturating_add(BASE_WEIGHT_BYTES)
}

/// The peaks of a sound whose facts are known. `None` where it cannot be decoded, and of what is no sound.
pub fn peaks(format: Format, source: &mut dyn Source) -> Option<Peaks> {
    match format.kind() {
        Kind::Audio => audio::peaks(format, source),
        Kind::Image | Kind::Video | Kind::Document => None,
    }
}

/// The longest side of a thumbnail, in pixels.
pub const THUMBNAIL_SIDE: u32 = 480;
