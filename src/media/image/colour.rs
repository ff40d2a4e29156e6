//! From the colours of a file to opaque sRGB, once the picture is small.

use moxcms::{
    CicpProfile, ColorPrimaries, ColorProfile, DataColorSpace, Layout, TransferCharacteristics,
    TransformOptions, XyY, curve_from_gamma,
};

use super::raster::Raster;
use crate::media::picture::{Picture, fit};
use crate::media::video::colour::{Codes, Converter};

/// The white of the page under transparent pixels.
const WHITE: u8 = 255;

/// What the samples of a file stand for, where that is not sRGB.
pub enum Space {
    Profile(Box<ColorProfile>),
    /// High dynamic range: brought into the range of a screen as films are.
    HighRange(Converter),
}

/// An ICC profile, where the bytes are one; a broken profile is as good as none: sRGB.
pub fn profile(icc: &[u8]) -> Option<Space> {
    let profile = ColorProfile::new_from_slice(icc).ok()?;
    // ICC.1:2022, 9.2.17: what the tag `cicp` says stands before the curves, which cannot tell light beyond white.
    let high = profile
        .cicp
        .and_then(|codes| high_range(codes.color_primaries as u8, codes.transfer_characteristics as u8));
    Some(high.unwrap_or_else(|| Space::Profile(Box::new(profile))))
}

/// Colours by the numbers of ITU-T H.273 (8.1, 8.2); `None` where they mean sRGB or nothing.
pub fn by_codes(primaries: u8, transfer: u8) -> Option<Space> {
    /// Those of BT.709, which sRGB has too.
    const SRGB_PRIMARIES: u8 = 1;
    /// BT.709, BT.601, sRGB, and BT.2020 with 10 and 12 bits: screens show them alike, as they do films.
    const SCREEN: [u8; 5] = [1, 6, 13, 14, 15];
    if let Some(high) = high_range(primaries, transfer) {
        return Some(high);
    }
    let is_screen = SCREEN.contains(&transfer);
    if is_screen && primaries == SRGB_PRIMARIES {
        return None;
    }
    let transfer = if is_screen { 13 } else { transfer };
    let codes = CicpProfile {
        color_primaries: primaries.try_into().ok()?,
        transfer_characteristics: transfer.try_into().ok()?,
        matrix_coefficients: 0.try_into().ok()?,
        full_range: true,
    };
    let mut profile = ColorProfile::new_srgb();
    // Says nothing of whether it knew them; without curves the profile can't be applied, and sRGB is meant.
    profile.update_rgb_colorimetry_from_cicp(codes);
    Some(Space::Profile(Box::new(profile)))
}

fn high_range(primaries: u8, transfer: u8) -> Option<Space> {
    let is_high = matches!(
        TransferCharacteristics::try_from(transfer).ok()?,
        TransferCharacteristics::Smpte2084 | TransferCharacteristics::Hlg
    );
    // Red, green and blue as they are: matrix 0. Whole range.
    let codes = Codes { primaries: primaries.into(), transfer: transfer.into(), matrix: 0, full_range: true };
    is_high.then(|| Space::HighRange(Converter::new(codes, 8, 0)))
}

/// A plain power for the curve, and the primaries of sRGB or these, with their white.
pub fn with_gamma(gamma: Option<f32>, primaries: Option<(XyY, ColorPrimaries)>, is_grey: bool) -> Space {
    if let (true, Some(gamma)) = (is_grey, gamma) {
        return Space::Profile(Box::new(ColorProfile::new_gray_with_gamma(gamma)));
    }
    let mut profile = ColorProfile::new_srgb();
    if let Some((white, primaries)) = primaries {
        profile.update_rgb_colorimetry(white, primaries);
    }
    if let Some(gamma) = gamma {
        let curve = Some(curve_from_gamma(gamma));
        (profile.red_trc, profile.green_trc, profile.blue_trc) = (curve.clone(), curve.clone(), curve);
    }
    // It names the primaries and the curve of sRGB.
    profile.cicp = None;
    Space::Profile(Box::new(profile))
}

/// A raster as opaque sRGB on white.
pub fn picture(raster: &Raster, space: Option<&Space>) -> Option<Picture> {
    let samples = raster.samples();
    let (mut rgb, alpha) = match raster.channels() {
        1 => (grey(samples, space), Vec::new()),
        2 => {
            let (grey_samples, alpha) = apart::<2, 1>(samples);
            (grey(&grey_samples, space), alpha)
        }
        3 => (coloured(samples.to_vec(), space), Vec::new()),
        _ => {
            let (rgb, alpha) = apart::<4, 3>(samples);
            (coloured(rgb, space), alpha)
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

fn grey(samples: &[u8], space: Option<&Space>) -> Vec<u8> {
    let plain = || samples.iter().flat_map(|sample| [*sample; 3]).collect();
    transformed(samples, Layout::Gray, DataColorSpace::Gray, space).unwrap_or_else(plain)
}

fn coloured(rgb: Vec<u8>, space: Option<&Space>) -> Vec<u8> {
    transformed(&rgb, Layout::Rgb, DataColorSpace::Rgb, space).unwrap_or(rgb)
}

/// Pixels of four inks, 255 being none of an ink, as sRGB.
///
/// Without a profile an ink takes its part of the light, as browsers draw it.
pub fn inks(cmyk: &[u8], space: Option<&Space>) -> Vec<u8> {
    // A profile counts ink, not light.
    let amounts: Vec<u8> = cmyk.iter().map(|light| 255 - light).collect();
    transformed(&amounts, Layout::Rgba, DataColorSpace::Cmyk, space).unwrap_or_else(|| {
        let left = |ink: u8, black: u8| ((u32::from(ink) * u32::from(black) + 127) / 255) as u8;
        cmyk.chunks_exact(4)
            .flat_map(|pixel| [left(pixel[0], pixel[3]), left(pixel[1], pixel[3]), left(pixel[2], pixel[3])])
            .collect()
    })
}

/// `None` where nothing is said of this kind of colour, or it cannot be applied.
fn transformed(
    samples: &[u8],
    layout: Layout,
    kind: DataColorSpace,
    space: Option<&Space>,
) -> Option<Vec<u8>> {
    let profile = match space? {
        Space::Profile(profile) => profile,
        Space::HighRange(converter) if layout == Layout::Rgb => {
            let pixels = samples.as_chunks::<3>().0.iter();
            return Some(
                pixels
                    .flat_map(|pixel| converter.screen(pixel.map(|sample| f32::from(sample) / 255.0)))
                    .collect(),
            );
        }
        Space::HighRange(_) => return None,
    };
    if profile.color_space != kind {
        return None;
    }
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
    space: Option<&Space>,
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
    let drawn = picture(&frame.resize(drawn_width, drawn_height)?, space)?;
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
