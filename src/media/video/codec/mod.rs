//! Decoders of pictures. A codec is one file with one function; what none of them reads gives no picture.

mod h264;
mod sps;
mod still;

use super::boxes::Reader;
use super::entry::{Codec, Entry};
use super::planes::Planes;
use super::samples::Sample;
use crate::media::Limits;
use crate::media::picture::Picture;

/// Bytes of one sample, at most: a picture of 8K in ProRes has some 20 MiB.
const MAX_SAMPLE_BYTES: u32 = 32 << 20;

/// What the decoder's own words say of the size of its pictures, where they are better than the container's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Coded {
    pub width: u32,
    pub height: u32,
    /// Width and height of a pixel; both at least 1.
    pub pixel_aspect: Option<(u32, u32)>,
}

/// The size of the pictures of a sample description. The container's pixel aspect goes before the decoder's.
pub fn coded(entry: &Entry) -> Coded {
    let by_container = Coded { width: entry.width, height: entry.height, pixel_aspect: None };
    let coded = match entry.codec {
        Codec::H264 => h264::coded(entry).unwrap_or(by_container),
        Codec::Jpeg | Codec::Png | Codec::Other => by_container,
    };
    Coded { pixel_aspect: entry.pixel_aspect.or(coded.pixel_aspect), ..coded }
}

/// A decoded picture, not yet turned or shrunk.
pub enum Decoded {
    Planes(Planes),
    Picture(Picture),
}

/// Decodes the last of `samples`, which are in the order of decoding and reach back as far as they may be needed; or,
/// where that would take more than `supply` has, the nearest picture before it that stands alone.
pub fn decode(entry: &Entry, samples: &[Sample], supply: &mut Supply) -> Option<Decoded> {
    match entry.codec {
        Codec::H264 => h264::decode(entry, samples, supply).map(Decoded::Planes),
        Codec::Jpeg => still::decode(image::ImageFormat::Jpeg, samples, supply).map(Decoded::Picture),
        Codec::Png => still::decode(image::ImageFormat::Png, samples, supply).map(Decoded::Picture),
        Codec::Other => None,
    }
}

/// What decoding may use: the file, and so much of everything.
pub struct Supply<'a, 'b> {
    pub reader: &'a mut Reader<'b>,
    pub limits: Limits,
    /// Bytes of samples that may still be read.
    pub bytes_left: u64,
    /// Blocks of 16 × 16 pixels that may still be decoded.
    pub blocks_left: u64,
}

impl Supply<'_, '_> {
    /// The bytes of a sample; `None` where they are not all in the file, or too many.
    pub fn sample(&mut self, sample: &Sample) -> Option<Vec<u8>> {
        if sample.size > MAX_SAMPLE_BYTES {
            return None;
        }
        // Nothing is set aside for bytes that the file does not have.
        let end = sample.start.checked_add(sample.size.into())?;
        if end > self.reader.all().end {
            return None;
        }
        self.bytes_left = self.bytes_left.checked_sub(sample.size.into())?;
        let mut bytes = vec![0; sample.size as usize];
        self.reader.read(sample.start, &mut bytes).ok()?;
        Some(bytes)
    }
}
