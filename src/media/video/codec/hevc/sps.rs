//! The sequence parameter set of HEVC: as much of it as says what a decoder will be asked for (ITU-T H.265, 7.3.2.2).

use crate::media::video::codec::bits::{Bits, unescaped};
use crate::media::video::codec::sps::read_window;
use crate::media::video::codec::usability::Usability;
use crate::media::video::planes::Window;

/// What a sequence of pictures is like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sps {
    /// 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format: u32,
    pub depth: u32,
    /// Pictures that a decoder keeps, the one under way among them.
    pub max_pictures: u32,
    /// Pixels as coded.
    pub width: u32,
    pub height: u32,
    /// What of them is shown.
    pub window: Window,
    pub usability: Usability,
}

impl Sps {
    /// Reads what is behind a NAL unit's two header bytes. `None` where it ends too early or is absurd before the size
    /// is known.
    pub fn read(nal: &[u8]) -> Option<Sps> {
        /// What is read lies in the first bytes, even with all scaling lists and 64 sets of references.
        const MAX_BYTES: usize = 8192;
        let bytes = unescaped(nal.get(..MAX_BYTES).unwrap_or(nal));
        let mut bits = Bits::new(&bytes);
        bits.take(4)?;
        let sub_layers_less_one = bits.take(3)?;
        bits.flag()?;
        skip_profile(&mut bits, sub_layers_less_one)?;
        bits.unsigned()?;
        let chroma_format = bits.unsigned()?;
        if chroma_format == 3 {
            bits.flag()?;
        }
        let (width, height) = (bits.unsigned()?, bits.unsigned()?);
        // The conformance window (7.4.3.2.1); its steps are those of H.264 in frames.
        let window = read_window(&mut bits, (width, height), chroma_format, true)?;
        let luma = bits.unsigned()?;
        let chroma = bits.unsigned()?;
        let depth = 8_u32.checked_add(luma.max(chroma))?;
        let order_bits = bits.unsigned()?.checked_add(4)?;
        let first = if bits.flag()? { 0 } else { sub_layers_less_one };
        let mut max_pictures = 1;
        for _ in first..=sub_layers_less_one {
            max_pictures = bits.unsigned()?.saturating_add(1);
            bits.unsigned()?;
            bits.unsigned()?;
        }
        let mut sps = Sps {
            chroma_format,
            depth,
            max_pictures,
            width,
            height,
            window,
            usability: Usability::default(),
        };
        // What is missing or damaged from here on is as if it had not been given.
        if skip_tools(&mut bits, order_bits).is_some() && bits.flag() == Some(true) {
            sps.usability = Usability::read(&mut bits);
        }
        Some(sps)
    }

    /// Blocks of 16 × 16 pixels in a picture.
    pub fn blocks(&self) -> u64 {
        u64::from(self.width.div_ceil(16)) * u64::from(self.height.div_ceil(16))
    }
}

/// `profile_tier_level` (7.3.3).
fn skip_profile(bits: &mut Bits, sub_layers_less_one: u32) -> Option<()> {
    const PROFILE_BITS: u32 = 88;
    const LEVEL_BITS: u32 = 8;
    bits.skip(PROFILE_BITS + LEVEL_BITS)?;
    let mut present = Vec::new();
    for _ in 0..sub_layers_less_one {
        present.push((bits.flag()?, bits.flag()?));
    }
    if sub_layers_less_one > 0 {
        bits.skip(2 * (8 - sub_layers_less_one))?;
    }
    for (profile, level) in present {
        bits.skip(if profile { PROFILE_BITS } else { 0 } + if level { LEVEL_BITS } else { 0 })?;
    }
    Some(())
}

/// From the sizes of blocks to the flag that says whether usability information follows.
fn skip_tools(bits: &mut Bits, order_bits: u32) -> Option<()> {
    const MAX_SETS: u32 = 64;
    const MAX_LONG_TERM: u32 = 32;
    for _ in 0..6 {
        bits.unsigned()?;
    }
    if bits.flag()? && bits.flag()? {
        skip_scaling_lists(bits)?;
    }
    bits.skip(2)?;
    if bits.flag()? {
        bits.skip(8)?;
        bits.unsigned()?;
        bits.unsigned()?;
        bits.flag()?;
    }
    let sets = bits.unsigned()?;
    if sets > MAX_SETS {
        return None;
    }
    let mut pictures = 0;
    for set in 0..sets {
        pictures = skip_reference_set(bits, set > 0, pictures)?;
    }
    if bits.flag()? {
        let count = bits.unsigned()?;
        if count > MAX_LONG_TERM {
            return None;
        }
        bits.skip(count * (order_bits + 1))?;
    }
    bits.skip(2)
}

/// `scaling_list_data` (7.3.4).
fn skip_scaling_lists(bits: &mut Bits) -> Option<()> {
    for size in 0..4 {
        let lists = if size == 3 { 2 } else { 6 };
        for _ in 0..lists {
            if !bits.flag()? {
                bits.unsigned()?;
                continue;
            }
            if size > 1 {
                bits.signed()?;
            }
            for _ in 0..64.min(1 << (4 + 2 * size)) {
                bits.signed()?;
            }
        }
    }
    Some(())
}

/// `st_ref_pic_set` (7.3.7); gives how many pictures are in it, and takes how many are in the one before.
fn skip_reference_set(bits: &mut Bits, has_before: bool, before: u32) -> Option<u32> {
    const MAX_PICTURES: u32 = 16;
    if has_before && bits.flag()? {
        bits.flag()?;
        bits.unsigned()?;
        let mut pictures = 0;
        for _ in 0..=before {
            let used = bits.flag()?;
            if used || bits.flag()? {
                pictures += 1;
            }
        }
        return Some(pictures);
    }
    let (negative, positive) = (bits.unsigned()?, bits.unsigned()?);
    if negative > MAX_PICTURES || positive > MAX_PICTURES {
        return None;
    }
    for _ in 0..negative + positive {
        bits.unsigned()?;
        bits.flag()?;
    }
    Some(negative + positive)
}
