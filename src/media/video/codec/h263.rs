//! H.263 (ITU-T H.263), as old phones wrote it.

use oxideav_h263::picture::{DecodeOptions, SequenceState, YuvFrame, decode_sequence_step};

use super::{Cost, Supply, blocks, group};
use crate::media::video::colour::Codes;
use crate::media::video::entry::Entry;
use crate::media::video::planes::{Plane, Planes};
use crate::media::video::samples::Sample;

const COST: Cost = Cost { block: 10_000, byte: 400 };
/// The largest format (table 6): 16CIF.
const MAX_PIXELS: u64 = 1408 * 1152;

/// Decodes the last of `samples`, or where that takes too much the one that it would have started from.
pub fn decode(entry: &Entry, samples: &[Sample], supply: &mut Supply) -> Option<Planes> {
    let needed = group(samples, supply, |_| true)?;
    if u64::from(entry.width) * u64::from(entry.height) > supply.limits.max_pixels.min(MAX_PIXELS) {
        return None;
    }
    let needed = supply.afford(needed, blocks(entry.width, entry.height), COST)?;
    let mut state = SequenceState::default();
    let mut shown: Option<YuvFrame> = None;
    for sample in needed {
        let Some(bytes) = supply.sample(sample) else {
            break;
        };
        // Behind damage the last picture that was whole is shown.
        match decode_sequence_step(&bytes, shown.as_ref(), DecodeOptions::default(), &mut state) {
            Ok(frames) => shown = frames.into_iter().next_back().or(shown),
            Err(_) => break,
        }
    }
    let frame = shown?;
    let (width, height) = (u32::try_from(frame.luma_width).ok()?, u32::try_from(frame.luma_height).ok()?);
    let chroma = |samples| Plane { width: width / 2, height: height / 2, samples };
    Some(Planes::whole(
        Plane { width, height, samples: frame.y },
        Some([chroma(frame.cb), chroma(frame.cr)]),
        8,
        entry.colour.unwrap_or(Codes::UNSPECIFIED),
    ))
}
