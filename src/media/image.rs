//! Images: JPEG, PNG (also animated), GIF and WebP.
//!
//! The facts come from a walk over the file's own structure, which needs no pixel; the picture is decoded at the
//! scale of a thumbnail where the format allows it, and within [`PIXEL_BUDGET_BYTES`] where it does not.

mod colour;
mod exif;
mod gif;
mod input;
mod jpeg;
mod png;
mod raster;
mod sniff;
mod webp;

use super::picture::{Orientation, Picture};
use super::*;
use input::Input;

pub use sniff::sniff;

/// As many bytes of pixels as a decoder may hold at once, all its buffers together: the worker's address space is
/// 512 MiB, of which the program itself and the compressed bytes take their part.
const PIXEL_BUDGET_BYTES: u64 = 320 << 20;

/// As many compressed bytes of one frame as are copied out of a file for a decoder.
const FRAME_MAX_BYTES: u64 = 64 << 20;

/// As many bytes of Exif as are read. A JPEG holds 64 KiB at most; the orientation stands near the start elsewhere too.
const EXIF_MAX_BYTES: u64 = 256 << 10;

/// As many bytes of an ICC profile as are read. Profiles of printing presses have 0.5 to 3 MiB.
const ICC_MAX_BYTES: u64 = 4 << 20;

/// What a file says of its picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Shape {
    /// Pixels as coded.
    width: u32,
    height: u32,
    /// How the coded picture is turned to stand upright.
    orientation: Orientation,
}

/// Width and height as displayed. The structure is proven up to the first bytes of the picture's data: what is
/// missing behind them is missing in the picture, not in its facts.
pub fn probe(format: Format, source: &mut dyn Source, limits: &Limits) -> Result<Facts, Refusal> {
    let mut input = Input::open(source).ok_or(Flaw::Truncated)?;
    let shape = match format {
        Format::Jpg => jpeg::shape(&mut input)?,
        Format::Png => png::shape(&mut input)?,
        Format::Gif => gif::shape(&mut input)?,
        Format::Webp => webp::shape(&mut input)?,
        _ => return Err(Flaw::BadHeader.into()),
    };
    let Shape { width, height, orientation } = shape;
    if width == 0 || height == 0 {
        return Err(Flaw::NoDimensions.into());
    }
    // Both are below 2^32, so their product is below 2^64.
    if u64::from(width) * u64::from(height) > limits.max_pixels {
        return Err(Refusal::TooManyPixels { width, height });
    }
    let (width, height) = if orientation.swaps_sides() { (height, width) } else { (width, height) };
    Ok(Facts::Image { width, height })
}

/// The first frame as a thumbnail. `None` where it cannot be decoded within the budget.
pub fn derive(format: Format, source: &mut dyn Source, _limits: &Limits) -> Option<Vec<u8>> {
    let (picture, orientation) = match format {
        Format::Jpg => jpeg::draw(source)?,
        Format::Png => png::draw(source)?,
        Format::Gif => gif::draw(source)?,
        Format::Webp => webp::draw(source)?,
        _ => return None,
    };
    // Turned after shrinking, where it costs nothing.
    picture.turn(orientation).to_jpeg()
}
