//! Apple ProRes (SMPTE RDD 36): each sample is a picture of its own.

use oxideav_prores::decoder::{BitDepth, decode_packet_with_depth};
use oxideav_prores::frame::{ChromaFormat, parse_frame};

use super::{Cost, Supply, blocks};
use crate::media::video::colour::Codes;
use crate::media::video::entry::Entry;
use crate::media::video::planes::{Plane, Planes, Window};
use crate::media::video::samples::Sample;

/// Where the low byte of `bitstream_version` is, and the width, which the height is behind (5.1).
const VERSION_AT: usize = 11;
const WIDTH_AT: usize = 16;
/// Samples of luma in a side of a macroblock.
const SIDE: u32 = 16;
/// Bits of a sample as they are asked for; the coding itself has no depth.
const DEPTH: BitDepth = BitDepth::Ten;
const DEPTH_BITS: u8 = 10;
const COST: Cost = Cost { block: 10_000, byte: 40 };
/// Pixels of a picture, at most: with all four planes at two bytes, and what is made of them, they take half of what a
/// worker may have. 8K has 35 million.
const MAX_PIXELS: u64 = 36_000_000;

/// The last of `samples`.
pub fn decode(entry: &Entry, samples: &[Sample], supply: &mut Supply) -> Option<Planes> {
    let mut bytes = supply.sample(samples.last()?)?;
    if let Some(version) = bytes.get_mut(VERSION_AT) {
        // FFmpeg writes 0 also for what came with version 1: 4:4:4 and alpha (6.4).
        *version = (*version).max(1);
    }
    let (header, _) = parse_frame(&bytes).ok()?;
    let window = Window { left: 0, top: 0, width: header.width.into(), height: header.height.into() };
    if u64::from(window.width) * u64::from(window.height) > supply.limits.max_pixels.min(MAX_PIXELS) {
        return None;
    }
    supply.work(COST.of(blocks(window.width, window.height), bytes.len() as u64))?;
    // Asked for whole macroblocks, of each field, so that none is cut.
    let fields = if header.interlace_mode == 0 { 1 } else { 2 };
    let width = window.width.next_multiple_of(SIDE);
    let height = window.height.next_multiple_of(SIDE * fields);
    bytes.get_mut(WIDTH_AT..WIDTH_AT + 2)?.copy_from_slice(&u16::try_from(width).ok()?.to_be_bytes());
    bytes.get_mut(WIDTH_AT + 2..WIDTH_AT + 4)?.copy_from_slice(&u16::try_from(height).ok()?.to_be_bytes());
    let chroma = header.chroma_format;
    let frame = decode_packet_with_depth(&bytes, None, Some((DEPTH, chroma))).ok()?;
    let mut planes = frame.planes.into_iter();
    let mut plane = |width: u32| {
        let plane = planes.next()?;
        packed(&plane.data, plane.stride, width, height)
    };
    let luma = plane(width)?;
    let chroma = match chroma {
        ChromaFormat::Y422 => [plane(width / 2)?, plane(width / 2)?],
        ChromaFormat::Y444 => [swapped(plane(width)?, fields)?, swapped(plane(width)?, fields)?],
    };
    let alpha = if header.alpha_kind().is_some_and(|kind| kind.has_alpha()) { plane(width) } else { None };
    let own = Codes {
        primaries: header.color_primaries.into(),
        transfer: header.transfer_characteristic.into(),
        matrix: header.matrix_coefficients.into(),
        full_range: false,
    };
    Some(Planes {
        luma,
        chroma: Some(chroma),
        alpha,
        depth: DEPTH_BITS,
        window,
        colour: Codes { full_range: false, ..merged(entry.colour, own) },
    })
}

/// A plane of chroma in 4:4:4 with the second and the third block of each macroblock in each other's place: they come
/// column by column (RDD 36, 5.3), and this decoder (0.1.1) puts them row by row. `None` where the plane is not of
/// whole macroblocks.
fn swapped(mut plane: Plane, fields: u32) -> Option<Plane> {
    const BLOCK: usize = SIDE as usize / 2;
    const BLOCK_BYTES: usize = BLOCK * 2;
    let (row_bytes, fields) = (plane.width as usize * 2, fields as usize);
    for rows in plane.samples.chunks_exact_mut(row_bytes * SIDE as usize * fields) {
        let (upper, lower) = rows.split_at_mut_checked(row_bytes * BLOCK * fields)?;
        for (above, below) in upper.chunks_exact_mut(row_bytes).zip(lower.chunks_exact_mut(row_bytes)) {
            let (above, _) = above.as_chunks_mut::<BLOCK_BYTES>();
            let (below, _) = below.as_chunks_mut::<BLOCK_BYTES>();
            for (right, left) in above.iter_mut().skip(1).step_by(2).zip(below.iter_mut().step_by(2)) {
                std::mem::swap(right, left);
            }
        }
    }
    Some(plane)
}

/// What the container says of colours, and where it is silent the picture, whose header writes 0 for unknown too.
fn merged(container: Option<Codes>, own: Codes) -> Codes {
    let known = |code: u16| if code == 0 { 2 } else { code };
    let own = Codes {
        primaries: known(own.primaries),
        transfer: known(own.transfer),
        matrix: known(own.matrix),
        ..own
    };
    Codes::merged(container, Some(own))
}

/// The rows of a plane of two bytes a sample, without gaps.
fn packed(data: &[u8], stride: usize, width: u32, height: u32) -> Option<Plane> {
    let row = width as usize * 2;
    let mut samples = Vec::with_capacity(row * height as usize);
    for line in data.chunks(stride.max(1)).take(height as usize) {
        samples.extend_from_slice(line.get(..row)?);
    }
    (samples.len() == row * height as usize).then_some(Plane { width, height, samples })
}
