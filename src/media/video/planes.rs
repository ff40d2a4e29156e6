//! A decoded picture as planes of luma and chroma, on its way to pixels.

use fast_image_resize::images::{Image, ImageRef, TypedImage, TypedImageRef};
use fast_image_resize::pixels::U16;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::colour::{Codes, Converter, IDENTITY};
use crate::media::picture::Picture;

/// A rectangle in a plane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

/// Samples without gaps, rows from the top; above 8 bits two bytes each, the low one first.
pub struct Plane {
    pub width: u32,
    pub height: u32,
    pub samples: Vec<u8>,
}

/// Luma, two planes of chroma, which may be smaller, and one that says how much is seen of each pixel.
pub struct Planes {
    pub luma: Plane,
    /// `None` for grey.
    pub chroma: Option<[Plane; 2]>,
    /// As large as luma, and of the whole range.
    pub alpha: Option<Plane>,
    /// Bits of a sample, 8 to 15.
    pub depth: u8,
    /// What of it is shown, in samples of luma.
    pub window: Window,
    pub colour: Codes,
}

impl Planes {
    /// Opaque, and shown as a whole.
    pub fn whole(luma: Plane, chroma: Option<[Plane; 2]>, depth: u8, colour: Codes) -> Planes {
        let window = Window { left: 0, top: 0, width: luma.width, height: luma.height };
        Planes { luma, chroma, alpha: None, depth, window, colour }
    }

    /// Drawn at `width` × `height`, on white. Shrunk first, in each plane, and turned into colours then: the fewest
    /// pixels to convert.
    pub fn into_picture(self, width: u32, height: u32) -> Option<Picture> {
        let mut colour = self.colour;
        let is_full = |chroma: &[Plane; 2]| chroma[0].width == self.luma.width;
        if colour.matrix == IDENTITY && !self.chroma.as_ref().is_some_and(is_full) {
            // Some encoders write 0 where they mean that they don't know.
            colour.matrix = Codes::UNSPECIFIED.matrix;
        }
        let converter = Converter::new(colour, self.depth, self.window.height);
        let (full, window) = ((self.luma.width, self.luma.height), self.window);
        let draw = |plane: Plane| plane.draw(full, window, self.depth, width, height);
        let luma = draw(self.luma)?;
        let mut rgb: Vec<u8> = match self.chroma.map(|chroma| chroma.map(draw)) {
            None => luma.iter().flat_map(|y| converter.grey(*y)).collect(),
            Some([u, v]) => {
                let (u, v) = (u?, v?);
                let pixels = luma.iter().zip(u.iter().zip(v.iter()));
                pixels.flat_map(|(y, (u, v))| converter.pixel(*y, *u, *v)).collect()
            }
        };
        if let Some(alpha) = self.alpha {
            let most = (1_u32 << self.depth) - 1;
            for (pixel, alpha) in rgb.chunks_exact_mut(3).zip(draw(alpha)?) {
                let alpha = u32::from(alpha).min(most);
                for value in pixel {
                    *value = ((u32::from(*value) * alpha + 255 * (most - alpha) + most / 2) / most) as u8;
                }
            }
        }
        Picture::new(width, height, rgb)
    }
}

impl Plane {
    /// The part of this plane that lies in `window` of a luma plane of `full` size, drawn at `width` × `height`.
    fn draw(self, full: (u32, u32), window: Window, depth: u8, width: u32, height: u32) -> Option<Vec<u16>> {
        // Of an odd number of samples chroma has half, rounded up.
        let ratio = |full: u32, own: u32| (full + own / 2).checked_div(own).unwrap_or(1).max(1);
        let (across, down) = (ratio(full.0, self.width), ratio(full.1, self.height));
        let scaled = |value: u32, ratio: u32| f64::from(value) / f64::from(ratio);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).crop(
            scaled(window.left, across),
            scaled(window.top, down),
            scaled(window.width, across),
            scaled(window.height, down),
        );
        let mut resizer = Resizer::new();
        if depth > 8 {
            let samples = self.samples.chunks_exact(2);
            let samples: Vec<U16> =
                samples.map(|pair| U16::new(u16::from_le_bytes([pair[0], pair[1]]))).collect();
            let source = TypedImageRef::new(self.width, self.height, &samples).ok()?;
            let mut target = TypedImage::new(width, height);
            resizer.resize_typed(&source, &mut target, &options).ok()?;
            // Overshoot stops at the depth, not at 16 bits.
            let most = (1 << depth) - 1;
            return Some(target.pixels().iter().map(|sample| sample.0.min(most)).collect());
        }
        let source = ImageRef::new(self.width, self.height, &self.samples, PixelType::U8).ok()?;
        let mut target = Image::new(width, height, PixelType::U8);
        resizer.resize(&source, &mut target, &options).ok()?;
        Some(target.buffer().iter().map(|sample| u16::from(*sample)).collect())
    }
}
