//! VP9 (its bitstream specification, version 0.7, in the binding of WebM's project to ISO media).

use super::bits::Bits;
use super::{Cost, MAX_MEMORY, Supply, blocks, group};
use crate::media::video::colour::Codes;
use crate::media::video::entry::Entry;
use crate::media::video::planes::{Plane, Planes};
use crate::media::video::samples::Sample;

const COST: Cost = Cost { block: 5_000, byte: 130 };

/// Decodes the last of `samples`, or where that takes too much the one that it would have started from.
pub fn decode(entry: &Entry, samples: &[Sample], supply: &mut Supply) -> Option<Planes> {
    let mut needed = group(samples, supply, |head| Key::read(head).is_some())?;
    let first = supply.sample(needed.first()?)?;
    let key = Key::read(&first)?;
    if u64::from(key.width) * u64::from(key.height) > supply.limits.max_pixels {
        return None;
    }
    if key.memory((key.width, key.height)) > MAX_MEMORY {
        needed = needed.get(..1)?;
    }
    let paid = blocks(key.width, key.height);
    let mut largest = paid;
    let needed = supply.afford(needed, paid, COST)?;
    let mut decoder = rusty_vp9::Vp9Decoder::new();
    let mut shown = None;
    for sample in needed {
        let Some(bytes) = supply.sample(sample) else {
            break;
        };
        let frames = frames(&bytes);
        let sizes = frames.iter().filter_map(|frame| size(frame));
        // The decoder has no bounds of its own.
        if sizes.clone().any(|size| size != (key.width, key.height) && !key.is_within(size, supply)) {
            break;
        }
        largest = sizes.map(|(width, height)| blocks(width, height)).fold(largest, u64::max);
        let more = largest.saturating_mul(frames.len() as u64).saturating_sub(paid);
        // Behind damage the last picture that was whole is shown.
        if supply.work(COST.of(more, 0)).is_none() || decoder.push(&bytes, None).is_err() {
            break;
        }
        match newest(&mut decoder) {
            Ok(frame) => shown = frame.or(shown),
            Err(_) => break,
        }
    }
    let container = entry.colour.or(codes_of(&entry.configuration));
    into_planes(shown?, Codes::merged(Some(key.codes), container))
}

/// The last picture that is ready. A packet can hold several, of which one is shown.
fn newest(decoder: &mut rusty_vp9::Vp9Decoder) -> Result<Option<rusty_vp9::DecodedFrame>, rusty_vp9::Error> {
    let mut newest = None;
    // Of the frames in a packet the hidden ones answer as if nothing were left: 8 is the most of a superframe.
    let mut silent = 0;
    while silent < 8 {
        match decoder.next_frame() {
            Ok(frame) => newest = Some(frame),
            Err(rusty_vp9::Error::Again) => silent += 1,
            Err(error) => return Err(error),
        }
    }
    Ok(newest)
}

fn into_planes(frame: rusty_vp9::DecodedFrame, colour: Codes) -> Option<Planes> {
    let (width, height) = (frame.width, frame.height);
    let across = (width + frame.subsampling_x) >> frame.subsampling_x;
    let down = (height + frame.subsampling_y) >> frame.subsampling_y;
    let [luma, u, v] = <[Vec<u8>; 3]>::try_from(frame.planes).ok()?;
    let chroma = |samples| Plane { width: across, height: down, samples };
    let luma = Plane { width, height, samples: luma };
    Some(Planes::whole(luma, Some([chroma(u), chroma(v)]), u8::try_from(frame.bit_depth).ok()?, colour))
}

/// The frames of a sample: several where their sizes stand at its end (annex B), taken apart as the decoder does.
fn frames(sample: &[u8]) -> Vec<&[u8]> {
    let Some(index) = index(sample) else {
        return vec![sample];
    };
    let mut start = 0_usize;
    let mut frames = Vec::new();
    for size in index {
        let end = start.saturating_add(size);
        frames.extend(sample.get(start..end));
        start = end;
    }
    if frames.is_empty() { vec![sample] } else { frames }
}

/// The sizes of the frames of a superframe.
fn index(sample: &[u8]) -> Option<impl Iterator<Item = usize>> {
    let marker = *sample.last()?;
    let (count, bytes) = (usize::from(marker & 7) + 1, usize::from(marker >> 3 & 3) + 1);
    let index = sample.get(sample.len().checked_sub(2 + bytes * count)?..)?;
    let (first, sizes) = index.split_first()?;
    let number = |size: &[u8]| size.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte));
    (marker & 0xE0 == 0xC0 && *first == marker).then(|| sizes.chunks_exact(bytes).take(count).map(number))
}

/// The size that a frame has of its own; `None` for one that has the size of another, or shows another (6.2, 6.2.2.1).
fn size(frame: &[u8]) -> Option<(u32, u32)> {
    if let Some(key) = Key::read(frame) {
        return Some((key.width, key.height));
    }
    let mut bits = Bits::new(frame);
    bits.skip(2)?;
    let profile = u32::from(bits.flag()?) | u32::from(bits.flag()?) << 1;
    bits.skip(if profile == 3 { 1 } else { 0 })?;
    let (repeats, is_inter) = (bits.flag()?, bits.flag()?);
    let (is_shown, is_resilient) = (bits.flag()?, bits.flag()?);
    if repeats || !is_inter {
        return None;
    }
    let is_intra = !is_shown && bits.flag()?;
    bits.skip(if is_resilient { 0 } else { 2 })?;
    if is_intra {
        bits.skip(24)?;
        if profile > 0 {
            colours(&mut bits, profile)?;
        }
        bits.skip(8)?;
    } else {
        bits.skip(8 + 3 * 4)?;
        for _ in 0..3 {
            if bits.flag()? {
                return None;
            }
        }
    }
    Some((bits.take(16)? + 1, bits.take(16)? + 1))
}

/// `color_config` (6.2.1).
fn colours(bits: &mut Bits, profile: u32) -> Option<Codes> {
    const RGB: u32 = 7;
    bits.skip(if profile >= 2 { 1 } else { 0 })?;
    let space = bits.take(3)?;
    let mut codes = codes_of_space(space);
    if space == RGB {
        codes.full_range = true;
        bits.skip(if profile & 1 == 1 { 1 } else { 0 })?;
    } else {
        codes.full_range = bits.flag()?;
        bits.skip(if profile & 1 == 1 { 3 } else { 0 })?;
    }
    Some(codes)
}

/// What the header of a key frame says (6.2).
struct Key {
    width: u32,
    height: u32,
    is_deep: bool,
    codes: Codes,
}

impl Key {
    /// `None` for other frames.
    fn read(frame: &[u8]) -> Option<Key> {
        const MARKER: u32 = 2;
        const SYNC: u32 = 0x49_83_42;
        let mut bits = Bits::new(frame);
        if bits.take(2)? != MARKER {
            return None;
        }
        let profile = u32::from(bits.flag()?) | u32::from(bits.flag()?) << 1;
        if profile == 3 {
            bits.flag()?;
        }
        let (repeats, is_inter) = (bits.flag()?, bits.flag()?);
        bits.skip(2)?;
        if repeats || is_inter || bits.take(24)? != SYNC {
            return None;
        }
        let is_deep = profile >= 2;
        let codes = colours(&mut bits, profile)?;
        Some(Key { width: bits.take(16)? + 1, height: bits.take(16)? + 1, is_deep, codes })
    }

    /// Whether pictures of another size may come behind it.
    fn is_within(&self, (width, height): (u32, u32), supply: &Supply) -> bool {
        u64::from(width) * u64::from(height) <= supply.limits.max_pixels
            && self.memory((width, height)) <= MAX_MEMORY
    }

    /// Bytes that decoding whole groups of pictures may take: eight that are kept, the one under way and the one that
    /// is handed out. The decoder holds samples in two bytes each, whatever their depth.
    fn memory(&self, (width, height): (u32, u32)) -> u64 {
        let bytes_a_pixel = if self.is_deep { 6 } else { 4 };
        blocks(width, height).saturating_mul(256 * bytes_a_pixel * 10)
    }
}

/// `color_space` (7.2.2) in the numbers of H.273.
fn codes_of_space(space: u32) -> Codes {
    let (primaries, matrix) = match space {
        1 => (5, 5),
        2 => (1, 1),
        3 => (6, 6),
        4 => (7, 7),
        5 => (9, 9),
        7 => (1, 0),
        _ => (2, 2),
    };
    Codes { primaries, matrix, ..Codes::UNSPECIFIED }
}

/// The colours in `vpcC`.
fn codes_of(configuration: &[u8]) -> Option<Codes> {
    let [_, _, _, _, _, _, depth, primaries, transfer, matrix, ..] = configuration else {
        return None;
    };
    Some(Codes {
        primaries: (*primaries).into(),
        transfer: (*transfer).into(),
        matrix: (*matrix).into(),
        full_range: depth & 1 == 1,
    })
}
