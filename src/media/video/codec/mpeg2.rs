//! MPEG-1 and MPEG-2 (ISO/IEC 11172-2, 13818-2), as cameras for television and old converters put them into MP4 and
//! QuickTime.

use oxideav_mpeg12video::decoder::frame_buffer_to_video_frame;
use oxideav_mpeg12video::video_sequence::decode_video_sequence;

use super::bits::Bits;
use super::{Cost, MAX_MEMORY, Supply, blocks, group};
use crate::media::video::colour::Codes;
use crate::media::video::entry::Entry;
use crate::media::video::planes::{Plane, Planes};
use crate::media::video::samples::Sample;

const COST: Cost = Cost { block: 8_000, byte: 600 };

/// Start codes of a sequence header and of a picture (13818-2, table 6-1), and codings of pictures (table 6-12).
const SEQUENCE: u8 = 0xB3;
const PICTURE: u8 = 0x00;
const INTRA: u32 = 1;
const BIDIRECTIONAL: u32 = 3;

/// Decodes the last of `samples`, or where that takes too much the one that it would have started from.
pub fn decode(entry: &Entry, samples: &[Sample], supply: &mut Supply) -> Option<Planes> {
    let group = group(samples, supply, |head| coding(head) == Some(INTRA))?;
    let (target, before) = group.split_last()?;
    let is_between = |sample, supply: &mut Supply| {
        supply.head(sample).and_then(|head| coding(&head)) == Some(BIDIRECTIONAL)
    };
    // Nothing is decoded from a picture that lies between others.
    let mut needed: Vec<Sample> =
        before.iter().filter(|sample| !is_between(sample, supply)).copied().collect();
    let is_late = is_between(target, supply);
    needed.push(*target);
    let first = supply.sample(needed.first()?)?;
    let mut stream = Vec::new();
    if behind(&first, SEQUENCE).is_none() {
        stream.extend_from_slice(&entry.configuration);
    }
    stream.extend_from_slice(&first);
    let (width, height) = size(&stream)?;
    if u64::from(width) * u64::from(height) > supply.limits.max_pixels {
        return None;
    }
    // All pictures of a run are handed out together: three bytes a pixel at most.
    let run = MAX_MEMORY / 2 / (blocks(width, height) * 256 * 3).max(1);
    let is_short = u64::try_from(needed.len()).is_ok_and(|count| count <= run);
    needed.truncate(if is_short { needed.len() } else { 1 });
    let needed = supply.afford(&needed, blocks(width, height), COST)?;
    let alone = stream.len();
    for sample in needed.iter().skip(1) {
        let Some(bytes) = supply.sample(sample) else {
            break;
        };
        stream.extend_from_slice(&bytes);
    }
    // Behind damage the first picture stands in.
    let frames = decode_video_sequence(&stream).ok().filter(|frames| !frames.is_empty());
    let mut frames = match frames {
        Some(frames) => frames,
        None => decode_video_sequence(stream.get(..alone)?).ok()?,
    };
    // In the order of display, where the last that others are decoded from stands behind one that lies between.
    let last = frames.pop()?;
    let shown = if is_late { frames.pop().unwrap_or(last) } else { last };
    let frame = shown.frame;
    let (across, down) = frame.visible_chroma_dims();
    let (across, down) = (u32::try_from(across).ok()?, u32::try_from(down).ok()?);
    let (width, height) = (u32::try_from(frame.width).ok()?, u32::try_from(frame.height).ok()?);
    let mut planes = frame_buffer_to_video_frame(&frame).planes.into_iter().map(|plane| plane.data);
    let (luma, u, v) = (planes.next()?, planes.next()?, planes.next()?);
    let chroma = |samples| Plane { width: across, height: down, samples };
    Some(Planes::whole(
        Plane { width, height, samples: luma },
        Some([chroma(u), chroma(v)]),
        8,
        entry.colour.unwrap_or(Codes::UNSPECIFIED),
    ))
}

/// What is behind the first start code of this value.
fn behind(stream: &[u8], code: u8) -> Option<&[u8]> {
    let at = stream.windows(4).position(|bytes| bytes == [0, 0, 1, code])?;
    stream.get(at + 4..)
}

/// How the first picture is coded: behind its number within the group, of ten bits.
fn coding(sample: &[u8]) -> Option<u32> {
    let mut bits = Bits::new(behind(sample, PICTURE)?);
    bits.take(10)?;
    bits.take(3)
}

/// The low twelve bits of each side; larger pictures than that the profiles do not have.
fn size(stream: &[u8]) -> Option<(u32, u32)> {
    let mut bits = Bits::new(behind(stream, SEQUENCE)?);
    let size = (bits.take(12)?, bits.take(12)?);
    (size.0 > 0 && size.1 > 0).then_some(size)
}
