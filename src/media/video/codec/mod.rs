//! Decoders of pictures. A codec is one file with one function; what none of them reads gives no picture.

mod av1;
mod bits;
mod h263;
mod h264;
mod hevc;
mod mpeg2;
mod mpeg4;
mod nal;
mod prores;
mod sps;
mod still;
mod usability;
mod vp9;

use super::boxes::Reader;
use super::entry::{Codec, Entry};
use super::planes::Planes;
use super::samples::Sample;
use crate::media::Limits;
use crate::media::picture::Picture;

/// Bytes that decoded pictures may take, of the 512 MiB that a worker has.
const MAX_MEMORY: u64 = 400 << 20;

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
        Codec::Hevc => hevc::coded(entry).unwrap_or(by_container),
        Codec::Av1
        | Codec::Vp9
        | Codec::ProRes
        | Codec::Mpeg4
        | Codec::Mpeg2
        | Codec::H263
        | Codec::Jpeg
        | Codec::Png
        | Codec::Other => by_container,
    };
    Coded { pixel_aspect: entry.pixel_aspect.or(coded.pixel_aspect), ..coded }
}

/// A decoded picture, not yet turned or shrunk.
pub enum Decoded {
    Planes(Planes),
    Picture(Picture),
}

/// Blocks of 16 × 16 pixels in a picture.
fn blocks(width: u32, height: u32) -> u64 {
    u64::from(width.div_ceil(16)) * u64::from(height.div_ceil(16))
}

/// What a decoder takes, in nanoseconds on a server's core, measured on the hardest films that encoders make: fine
/// structure that turns for the blocks, noise at a high rate for the bytes.
#[derive(Clone, Copy)]
struct Cost {
    block: u64,
    byte: u64,
}

impl Cost {
    /// For a picture of so many blocks in so many bytes.
    fn of(self, blocks: u64, bytes: u64) -> u64 {
        self.block.saturating_mul(blocks).saturating_add(self.byte.saturating_mul(bytes))
    }
}

/// Decodes the last of `samples`, which are in the order of decoding and reach back as far as they may be needed; or,
/// where that would take more than `supply` has, the nearest picture before it that stands alone.
pub fn decode(entry: &Entry, samples: &[Sample], supply: &mut Supply) -> Option<Decoded> {
    match entry.codec {
        Codec::H264 => h264::decode(entry, samples, supply).map(Decoded::Planes),
        Codec::Hevc => hevc::decode(entry, samples, supply).map(Decoded::Planes),
        Codec::Av1 => av1::decode(entry, samples, supply).map(Decoded::Planes),
        Codec::Vp9 => vp9::decode(entry, samples, supply).map(Decoded::Planes),
        Codec::ProRes => prores::decode(entry, samples, supply).map(Decoded::Planes),
        Codec::Mpeg4 => mpeg4::decode(entry, samples, supply).map(Decoded::Planes),
        Codec::Mpeg2 => mpeg2::decode(entry, samples, supply).map(Decoded::Planes),
        Codec::H263 => h263::decode(entry, samples, supply).map(Decoded::Planes),
        Codec::Jpeg => still::decode(image::ImageFormat::Jpeg, samples, supply).map(Decoded::Picture),
        Codec::Png => still::decode(image::ImageFormat::Png, samples, supply).map(Decoded::Picture),
        Codec::Other => None,
    }
}

/// Of `samples` those from where decoding the last one has to start: the last that is marked and `is_fresh` by its
/// first bytes, since some containers mark every sample; where nothing holds up, the last that is marked. Those that
/// are shown later than the last one are no start for it.
fn group<'a>(
    samples: &'a [Sample],
    supply: &mut Supply,
    is_fresh: impl Fn(&[u8]) -> bool,
) -> Option<&'a [Sample]> {
    let target = samples.last()?;
    let marked = || samples.iter().enumerate().rev().filter(|(_, sample)| sample.is_sync);
    for (index, sample) in marked().filter(|(_, sample)| sample.show_time <= target.show_time) {
        if supply.head(sample).is_some_and(|head| is_fresh(&head)) {
            return samples.get(index..);
        }
    }
    samples.get(marked().next()?.0..)
}

/// What decoding may use: the file, and so much of everything.
pub struct Supply<'a, 'b> {
    pub reader: &'a mut Reader<'b>,
    pub limits: Limits,
    /// Bytes of samples that may still be read.
    pub bytes_left: u64,
    /// What decoding may still take, in nanoseconds by the costs of the codecs.
    pub work_left: u64,
}

impl Supply<'_, '_> {
    /// Cuts `samples`, pictures of so many blocks each, down to the first where decoding all would take more than there
    /// is; and counts them as done.
    fn afford<'s>(&mut self, samples: &'s [Sample], blocks: u64, cost: Cost) -> Option<&'s [Sample]> {
        let samples = if self.reaches(samples, blocks, cost) { samples } else { samples.get(..1)? };
        for sample in samples {
            self.work(cost.of(blocks, sample.size.into()))?;
        }
        Some(samples)
    }

    /// Whether `samples`, pictures of so many blocks each, can all be decoded.
    fn reaches(&self, samples: &[Sample], blocks: u64, cost: Cost) -> bool {
        let takes = samples.iter().map(|sample| cost.of(blocks, sample.size.into()));
        takes.fold(0, u64::saturating_add) <= self.work_left
    }

    /// Counts what is about to be done; `None` where that is more than may be.
    fn work(&mut self, takes: u64) -> Option<()> {
        self.work_left = self.work_left.checked_sub(takes)?;
        Some(())
    }

    /// The first bytes of a sample, in which headers lie.
    fn head(&mut self, sample: &Sample) -> Option<Vec<u8>> {
        const HEAD_BYTES: u32 = 256;
        let mut head = vec![0; HEAD_BYTES.min(sample.size) as usize];
        self.reader.read(sample.start, &mut head).ok()?;
        Some(head)
    }

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
