//! A decoded picture as planes of luma and chroma, on its way to pixels.

use fast_image_resize::images::{Image, ImageRef, TypedImage, TypedImageRef};
use fast_image_resize::pixels::U16;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::colour::{Codes, Converter};
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

/// Luma and two planes of chroma, which may be smaller.
pub struct Planes {
    pub luma: Plane,
    pub chroma: [Plane; 2],
    /// Bits of a sample, 8 to 15.
    pub depth: u8,
    /// What of it is shown, in samples of luma.
    pub window: Window,
    pub colour: Codes,
}

impl Planes {
    /// Drawn at `width` × `height`. Shrunk first, in each plane, and turned into colours then: the fewest pixels to convert.
    pub fn into_picture(self, width: u32, height: u32) -> Option<Picture> {
        let converter = Converter::new(self.colour, self.depth, self.window.height);
        let (full, window) = ((self.luma.width, self.luma.height), self.window);
        let draw = |plane: Plane| plane.draw(full, window, self.depth, width, height);
        let luma = draw(self.luma)?;
        let [u, v] = self.chroma.map(draw);
        let (u, v) = (u?, v?);
        let pixels = luma.iter().zip(u.iter().zip(v.iter()));
        let rgb = pixels.flat_map(|(y, (u, v))| converter.pixel(*y, *u, *v)).collect();
        Picture::new(width, height, rgb)
    }
}

impl Plane {
    /// The part of this plane that lies in `window` of a luma plane of `full` size, drawn at `width` × `height`.
    fn draw(self, full: (u32, u32), window: Window, depth: u8, width: u32, height: u32) -> Option<Vec<u16>> {
        let across = f64::from(self.width) / f64::from(full.0.max(1));
        let down = f64::from(self.height) / f64::from(full.1.max(1));
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).crop(
            f64::from(window.left) * across,
            f64::from(window.top) * down,
            f64::from(window.width) * across,
            f64::from(window.height) * down,
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
