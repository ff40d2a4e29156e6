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
    let image = DynamicImage::from_decoder(decoder).ok()?;
    if !image.color().has_alpha() {
        return Picture::new(width, height, image.into_rgb8().into_raw());
    }
    let rgba = image.into_rgba8();
    let rgb = rgba.pixels().flat_map(|pixel| on_white(pixel.0)).collect();
    Picture::new(width, height, rgb)
}

/// What is seen of a pixel before white.
fn on_white([red, green, blue, alpha]: [u8; 4]) -> [u8; 3] {
    let alpha = u32::from(alpha);
    [red, green, blue].map(|value| ((u32::from(value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8)
}
