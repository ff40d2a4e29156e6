//! MPEG-4 Part 2 (ISO/IEC 14496-2), Simple and Advanced Simple profile.

use oxideav_mpeg4video::{DecodeOptions, DecodedFrame, Mpeg4VideoDecoder};

use super::{Cost, Supply, blocks, group};
use crate::media::video::colour::Codes;
use crate::media::video::entry::Entry;
use crate::media::video::planes::{Plane, Planes, Window};
use crate::media::video::samples::Sample;

const COST: Cost = Cost { block: 22_000, byte: 90 };

/// Codings of pictures (table 6-20).
const INTRA: u8 = 0;
const BIDIRECTIONAL: u8 = 2;

/// Decodes the last of `samples`, or where that takes too much the one that it would have started from.
pub fn decode(entry: &Entry, samples: &[Sample], supply: &mut Supply) -> Option<Planes> {
    let needed = group(samples, supply, |head| codings(head).next() == Some(INTRA))?;
    let mut decoder = Mpeg4VideoDecoder::with_options(DecodeOptions::ecosystem());
    let mut size = None;
    if !entry.configuration.is_empty() {
        decoder.decode(&entry.configuration).ok()?;
    }
    if decoder.vol().is_none() {
        // The configuration may come with the pictures; then the size is known when the first is decoded.
        size = Some((entry.width, entry.height));
    }
    let size = decoder.vol().map(|vol| (u32::from(vol.width), u32::from(vol.height))).or(size)?;
    if u64::from(size.0) * u64::from(size.1) > supply.limits.max_pixels {
        return None;
    }
    let needed = supply.afford(needed, blocks(size.0, size.1), COST)?;
    let target = *needed.last()?;
    let mut shown = None;
    let mut keep = |frames: Vec<DecodedFrame>| {
        // In the order of display; the target's, or the last that was before it.
        for frame in frames {
            if frame.pts().is_none_or(|time| time <= target.show_time) {
                shown = Some(frame);
            }
        }
    };
    let mut left = needed.len();
    for sample in needed {
        left -= 1;
        let Some(bytes) = supply.sample(sample) else {
            break;
        };
        if left > 0 && codings(&bytes).eq([BIDIRECTIONAL]) {
            // Nothing is decoded from it.
            continue;
        }
        // Behind damage the last picture that was whole is shown.
        match decoder.decode_with_pts(&bytes, Some(sample.show_time)) {
            Ok(frames) => keep(frames),
            Err(_) => break,
        }
    }
    keep(decoder.flush());
    let vol = decoder.vol();
    let size = vol.map_or(size, |vol| (u32::from(vol.width), u32::from(vol.height)));
    into_planes(shown?, size, entry.colour)
}

/// How the pictures in a sample are coded, by their headers (6.2.5).
fn codings(sample: &[u8]) -> impl Iterator<Item = u8> {
    const PICTURE: [u8; 4] = [0, 0, 1, 0xB6];
    sample.windows(5).filter_map(|bytes| {
        let (code, coding) = bytes.split_first_chunk()?;
        (*code == PICTURE).then_some(coding.first()? >> 6)
    })
}

fn into_planes(frame: DecodedFrame, (width, height): (u32, u32), colour: Option<Codes>) -> Option<Planes> {
    let full = (u32::try_from(frame.width()).ok()?, u32::try_from(frame.height()).ok()?);
    let window = Window { left: 0, top: 0, width: width.min(full.0), height: height.min(full.1) };
    let chroma = |samples: &[u8]| Plane { width: full.0 / 2, height: full.1 / 2, samples: samples.to_vec() };
    Some(Planes {
        luma: Plane { width: full.0, height: full.1, samples: frame.luma_samples().to_vec() },
        chroma: Some([chroma(frame.cb_samples()), chroma(frame.cr_samples())]),
        alpha: None,
        depth: 8,
        window,
        colour: colour.unwrap_or(Codes::UNSPECIFIED),
    })
}
