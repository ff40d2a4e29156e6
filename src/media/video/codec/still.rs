//! Films whose samples are pictures of their own: Motion JPEG and PNG.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use super::Supply;
use crate::media::picture::Picture;
use crate::media::video::samples::Sample;

/// Bytes of a decoded picture, at most: with the copy in 8-bit RGB that is made of it, half of what a worker may have.
const MAX_DECODED_BYTES: u64 = 128 << 20;

/// The last of `samples`.
pub fn decode(format: ImageFormat, samples: &[Sample], supply: &mut Supply) -> Option<Picture> {
    let bytes = supply.sample(samples.last()?)?;
    let decoder = ImageReader::with_format(Cursor::new(bytes), format).into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > supply.limits.max_pixels || decoder.total_bytes() > MAX_DECODED_BYTES {
        return None;
    }
    let rgb = DynamicImage::from_decoder(decoder).ok()?.into_rgb8();
    Picture::new(width, height, rgb.into_raw())
}
