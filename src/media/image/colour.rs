//! From the colours of a file to opaque sRGB, once the picture is small.

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions, curve_from_gamma};

use super::raster::Raster;
use crate::media::picture::{Picture, fit};

/// The white of the page under transparent pixels.
const WHITE: u8 = 255;

/// An ICC profile, where the bytes are one; a broken profile is as good as none: sRGB.
pub fn profile(icc: &[u8]) -> Option<ColorProfile> {
    ColorProfile::new_from_slice(icc).ok()
}

/// The primaries of sRGB with a plain power for its curve.
pub fn with_gamma(gamma: f32, is_grey: bool) -> ColorProfile {
    if is_grey {
        return ColorProfile::new_gray_with_gamma(gamma);
    }
    let curve = Some(curve_from_gamma(gamma));
    let mut profile = ColorProfile::new_srgb();
    (profile.red_trc, profile.green_trc, profile.blue_trc) = (curve.clone(), curve.clone(), curve);
    // It names the curve of sRGB.
    profile.cicp = None;
    profile
}

/// A raster as opaque sRGB on white.
pub fn picture(raster: &Raster, profile: Option<&ColorProfile>) -> Option<Picture> {
    let samples = raster.samples();
    let (mut rgb, alpha) = match raster.channels() {
        1 => (grey(samples, profile), Vec::new()),
        2 => {
            let (grey_samples, alpha) = apart::<2, 1>(samples);
            (grey(&grey_samples, profile), alpha)
        }
        3 => (coloured(samples.to_vec(), profile), Vec::new()),
        _ => {
            let (rgb, alpha) = apart::<4, 3>(samples);
            (coloured(rgb, profile), alpha)
        }
    };
    for (pixel, alpha) in rgb.chunks_exact_mut(3).zip(&alpha) {
        for sample in pixel {
            let over = u32::from(*sample) * u32::from(*alpha) + u32::from(WHITE) * (255 - u32::from(*alpha));
            *sample = ((over + 127) / 255) as u8;
        }
    }
    Picture::new(raster.width(), raster.height(), rgb)
}

/// Colours and alpha of interleaved pixels, apart.
fn apart<const N: usize, const COLOURS: usize>(samples: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let pixels = samples.chunks_exact(N);
    let colours = pixels.clone().flat_map(|pixel| &pixel[..COLOURS]).copied().collect();
    (colours, pixels.map(|pixel| pixel[N - 1]).collect())
}

fn grey(samples: &[u8], profile: Option<&ColorProfile>) -> Vec<u8> {
    let plain = || samples.iter().flat_map(|sample| [*sample; 3]).collect();
    transformed(samples, Layout::Gray, DataColorSpace::Gray, profile).unwrap_or_else(plain)
}

fn coloured(rgb: Vec<u8>, profile: Option<&ColorProfile>) -> Vec<u8> {
    transformed(&rgb, Layout::Rgb, DataColorSpace::Rgb, profile).unwrap_or(rgb)
}

/// Pixels of four inks, 255 being none of an ink, as sRGB.
///
/// Without a profile an ink takes its part of the light, as browsers draw it.
pub fn inks(cmyk: &[u8], profile: Option<&ColorProfile>) -> Vec<u8> {
    // A profile counts ink, not light.
    let amounts: Vec<u8> = cmyk.iter().map(|light| 255 - light).collect();
    transformed(&amounts, Layout::Rgba, DataColorSpace::Cmyk, profile).unwrap_or_else(|| {
        let left = |ink: u8, black: u8| ((u32::from(ink) * u32::from(black) + 127) / 255) as u8;
        cmyk.chunks_exact(4)
            .flat_map(|pixel| [left(pixel[0], pixel[3]), left(pixel[1], pixel[3]), left(pixel[2], pixel[3])])
            .collect()
    })
}

/// `None` where there is no profile for this kind of colour, or it cannot be applied.
fn transformed(
    samples: &[u8],
    layout: Layout,
    space: DataColorSpace,
    profile: Option<&ColorProfile>,
) -> Option<Vec<u8>> {
    let profile = profile.filter(|profile| profile.color_space == space)?;
    let srgb = ColorProfile::new_srgb();
    let transform =
        profile.create_transform_8bit(layout, &srgb, Layout::Rgb, TransformOptions::default()).ok()?;
    let mut rgb = vec![0; samples.len() / layout.channels() * 3];
    transform.transform(samples, &mut rgb).ok()?;
    Some(rgb)
}

/// A frame at its place on a canvas, the whole as a thumbnail on white. All in pixels; the place is the frame's left
/// upper corner.
pub fn on_canvas(
    frame: Raster,
    (x, y): (u32, u32),
    (frame_width, frame_height): (u32, u32),
    canvas: (u32, u32),
    profile: Option<&ColorProfile>,
) -> Option<Picture> {
    let (width, height) = fit(canvas.0, canvas.1);
    // Where a length on the canvas ends on the thumbnail, to the nearest pixel.
    let scaled = |at: u32, side: u32, canvas: u32| {
        let (at, side, canvas) = (u64::from(at), u64::from(side), u64::from(canvas));
        ((at * side + canvas / 2) / canvas.max(1)).min(side) as u32
    };
    let left = scaled(x, width, canvas.0).min(width - 1);
    let top = scaled(y, height, canvas.1).min(height - 1);
    let right = scaled(x.saturating_add(frame_width), width, canvas.0).max(left + 1);
    let bottom = scaled(y.saturating_add(frame_height), height, canvas.1).max(top + 1);
    let (drawn_width, drawn_height) = (right - left, bottom - top);
    let drawn = picture(&frame.resize(drawn_width, drawn_height)?, profile)?;
    if (drawn_width, drawn_height) == (width, height) {
        return Some(drawn);
    }
    let mut rgb = vec![WHITE; width as usize * height as usize * 3];
    let rows = rgb.chunks_exact_mut(width as usize * 3).skip(top as usize);
    for (row, from) in rows.zip(drawn.rgb().chunks_exact(drawn_width as usize * 3)) {
        if let Some(place) = row.get_mut(left as usize * 3..right as usize * 3) {
            place.copy_from_slice(from);
        }
    }
    Picture::new(width, height, rgb)
}
