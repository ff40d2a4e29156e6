//! The sequence parameter set of H.264: as much of it as says what a decoder will be asked for (ITU-T H.264, 7.3.2.1.1
//! and E.1.1).

use super::bits::{Bits, unescaped};
use super::usability::Usability;
use crate::media::video::colour::Codes;
use crate::media::video::planes::Window;

/// What a sequence of pictures is like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sps {
    /// 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format: u32,
    pub depth: u32,
    /// Whether residuals may be coded without loss, which is not decoded.
    pub bypass: bool,
    /// How the order of display is coded: 0, 1 or 2.
    pub order_type: u32,
    pub max_references: u32,
    /// Whether every picture is a whole frame, not a pair of fields.
    pub frames_only: bool,
    /// Pixels as coded, in whole macroblocks.
    pub width: u32,
    pub height: u32,
    /// What of them is shown.
    pub window: Window,
    pub pixel_aspect: Option<(u32, u32)>,
    pub colour: Option<Codes>,
}

impl Sps {
    /// Reads what is behind a NAL unit's header byte. `None` where it ends too early or is absurd.
    pub fn read(nal: &[u8]) -> Option<Sps> {
        /// What is read lies in the first bytes, even with twelve scaling lists.
        const MAX_BYTES: usize = 4096;
        let bytes = unescaped(nal.get(..MAX_BYTES).unwrap_or(nal));
        let mut bits = Bits::new(&bytes);
        let profile = bits.take(8)?;
        bits.take(16)?;
        bits.unsigned()?;
        let (mut chroma_format, mut depth, mut bypass) = (1, 8, false);
        if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
            chroma_format = bits.unsigned()?;
            if chroma_format == 3 {
                bits.flag()?;
            }
            let luma = bits.unsigned()?;
            let chroma = bits.unsigned()?;
            depth = 8_u32.checked_add(luma.max(chroma))?;
            bypass = bits.flag()?;
            if bits.flag()? {
                let lists = if chroma_format == 3 { 12 } else { 8 };
                for list in 0..lists {
                    skip_scaling_list(&mut bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
        bits.unsigned()?;
        let order_type = bits.unsigned()?;
        skip_order(&mut bits, order_type)?;
        let max_references = bits.unsigned()?;
        bits.flag()?;
        let width = side(bits.unsigned()?, 1)?;
        let map_units = bits.unsigned()?;
        let frames_only = bits.flag()?;
        let height = side(map_units, if frames_only { 1 } else { 2 })?;
        if !frames_only {
            bits.flag()?;
        }
        bits.flag()?;
        let window = read_window(&mut bits, (width, height), chroma_format, frames_only)?;
        let mut sps = Sps {
            chroma_format,
            depth,
            bypass,
            order_type,
            max_references,
            frames_only,
            width,
            height,
            window,
            pixel_aspect: None,
            colour: None,
        };
        if bits.flag() == Some(true) {
            let usability = Usability::read(&mut bits);
            sps.pixel_aspect = usability.pixel_aspect;
            sps.colour = usability.colour;
        }
        Some(sps)
    }

    /// Blocks of 16 × 16 pixels in a picture.
    pub fn blocks(&self) -> u64 {
        u64::from(self.width / 16) * u64::from(self.height / 16)
    }
}

/// A side in pixels, out of macroblocks less one, and how many of them make one of a frame.
fn side(less_one: u32, factor: u32) -> Option<u32> {
    less_one.checked_add(1)?.checked_mul(16)?.checked_mul(factor)
}

/// `frame_cropping_flag` and what follows it (7.4.2.1.1).
pub fn read_window(
    bits: &mut Bits,
    (width, height): (u32, u32),
    chroma_format: u32,
    frames_only: bool,
) -> Option<Window> {
    let mut window = Window { left: 0, top: 0, width, height };
    if bits.flag()? {
        let across = if matches!(chroma_format, 1 | 2) { 2 } else { 1 };
        let down = if chroma_format == 1 { 2 } else { 1 } * if frames_only { 1 } else { 2 };
        window.left = bits.unsigned()?.checked_mul(across)?;
        let right = bits.unsigned()?.checked_mul(across)?;
        window.top = bits.unsigned()?.checked_mul(down)?;
        let bottom = bits.unsigned()?.checked_mul(down)?;
        window.width = width.checked_sub(window.left)?.checked_sub(right)?;
        window.height = height.checked_sub(window.top)?.checked_sub(bottom)?;
    }
    (window.width > 0 && window.height > 0).then_some(window)
}

/// What stands for the order of display (7.3.2.1.1).
fn skip_order(bits: &mut Bits, order_type: u32) -> Option<()> {
    match order_type {
        0 => {
            bits.unsigned()?;
        }
        1 => {
            bits.flag()?;
            bits.unsigned()?;
            bits.unsigned()?;
            let cycle = bits.unsigned()?;
            if cycle > 255 {
                return None;
            }
            for _ in 0..cycle {
                bits.unsigned()?;
            }
        }
        _ => {}
    }
    Some(())
}

/// A scaling list of so many numbers (7.3.2.1.1.1).
fn skip_scaling_list(bits: &mut Bits, length: u32) -> Option<()> {
    if !bits.flag()? {
        return Some(());
    }
    let (mut last, mut next) = (8_i64, 8_i64);
    for _ in 0..length {
        if next != 0 {
            next = (last + bits.signed()?).rem_euclid(256);
        }
        last = if next == 0 { last } else { next };
    }
    Some(())
}
