//! AV1 (its bitstream specification, in the binding of the Alliance for Open Media to ISO media).

mod dav1d;

use self::dav1d::Decoder;
use super::bits::Bits;
use super::{Cost, MAX_MEMORY, Supply, blocks, group};
use crate::media::video::entry::Entry;
use crate::media::video::planes::Planes;
use crate::media::video::samples::Sample;

const COST: Cost = Cost { block: 10_000, byte: 60 };

/// Types of units (6.2.2).
const SEQUENCE: u8 = 1;
const FRAME_HEADER: u8 = 3;
const FRAME: u8 = 6;

/// Decodes the last of `samples`, or where that takes too much the one that it would have started from.
pub fn decode(entry: &Entry, samples: &[Sample], supply: &mut Supply) -> Option<Planes> {
    let pixels = u64::from(entry.width) * u64::from(entry.height);
    let mut needed = group(samples, supply, is_key)?;
    if memory(entry) > MAX_MEMORY {
        needed = needed.get(..1)?;
    }
    let needed = supply.afford(needed, blocks(entry.width, entry.height), COST)?;
    // The container's size is what the whole film is refused by, and is at most what the decoder may find; a stream
    // that is somewhat larger than its container says is still decoded.
    let limit = pixels.saturating_mul(2).min(supply.limits.max_pixels);
    let mut decoder = Decoder::new(u32::try_from(limit).unwrap_or(u32::MAX))?;
    // Units of the configuration: the sequence header, where it does not come with each key frame.
    let _ = decoder.decode(entry.configuration.get(4..).unwrap_or_default());
    let mut shown = None;
    for sample in needed {
        let Some(bytes) = supply.sample(sample) else {
            break;
        };
        // One a unit is paid for; others may come with it, unseen.
        let more = frames(&bytes).saturating_sub(1).saturating_mul(blocks(entry.width, entry.height));
        if supply.work(COST.of(more, 0)).is_none() {
            break;
        }
        // Behind damage the last picture that was whole is shown.
        match decoder.decode(&bytes) {
            Ok(picture) => shown = picture.or(shown),
            Err(dav1d::Broken) => break,
        }
    }
    decoder.grained(shown?)?.planes(entry.colour)
}

/// Bytes that decoding whole groups of pictures may take: eight that are kept, the one under way and the one that is
/// handed out, and a third as much again for vectors and what else is kept of each.
fn memory(entry: &Entry) -> u64 {
    /// Flags of `av1C`: more than 8 bits, no chroma, chroma halved across and down.
    const DEEP: u8 = 0x40;
    const GREY: u8 = 0x10;
    const HALF_ACROSS: u8 = 0x08;
    const HALF_DOWN: u8 = 0x04;
    let flags = entry.configuration.get(2).copied().unwrap_or(HALF_ACROSS | HALF_DOWN);
    let halves = match (flags & GREY != 0, flags & HALF_ACROSS != 0, flags & HALF_DOWN != 0) {
        (true, _, _) => 2,
        (false, true, true) => 3,
        (false, true, false) => 4,
        _ => 6,
    };
    let bytes_a_sample = if flags & DEEP != 0 { 2 } else { 1 };
    blocks(entry.width, entry.height).saturating_mul(256 / 2 * halves * bytes_a_sample * 10 * 4 / 3)
}

/// Frames in a temporal unit.
fn frames(unit: &[u8]) -> u64 {
    let mut rest = unit;
    let mut frames = 0;
    while let Some((kind, _, behind)) = split(rest) {
        frames += u64::from(matches!(kind, FRAME | FRAME_HEADER));
        rest = behind;
    }
    frames
}

/// Whether a temporal unit begins with a key frame that is shown.
fn is_key(unit: &[u8]) -> bool {
    /// Units before the first frame that are looked at.
    const MAX_UNITS: usize = 16;
    let mut rest = unit;
    let mut is_still = false;
    for _ in 0..MAX_UNITS {
        let Some((kind, body, behind)) = split(rest) else {
            return false;
        };
        match kind {
            // `reduced_still_picture_header` stands behind three bits of profile and one of `still_picture`.
            SEQUENCE => is_still = body.first().is_some_and(|first| first & 0x08 != 0),
            FRAME | FRAME_HEADER => return is_still || is_key_header(body) == Some(true),
            _ => {}
        }
        rest = behind;
    }
    false
}

/// The beginning of `uncompressed_header` (5.9.2).
fn is_key_header(header: &[u8]) -> Option<bool> {
    const KEY: u32 = 0;
    let mut bits = Bits::new(header);
    let repeats = bits.flag()?;
    Some(!repeats && bits.take(2)? == KEY && bits.flag()?)
}

/// The type of the first unit, its body, as far as it is there, and what is behind it (5.3).
fn split(units: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    const EXTENSION: u8 = 0x04;
    const HAS_SIZE: u8 = 0x02;
    let (header, mut rest) = units.split_first()?;
    if header & EXTENSION != 0 {
        rest = rest.get(1..)?;
    }
    let mut size = rest.len();
    if header & HAS_SIZE != 0 {
        let bytes = 1 + rest.iter().take(7).take_while(|byte| **byte & 0x80 != 0).count();
        let (number, behind) = rest.split_at_checked(bytes)?;
        let number = number.iter().rev().fold(0_u64, |number, byte| number << 7 | u64::from(byte & 0x7F));
        size = usize::try_from(number).unwrap_or(usize::MAX);
        rest = behind;
    }
    let (body, behind) = rest.split_at(size.min(rest.len()));
    Some((header >> 3 & 0x0F, body, behind))
}
