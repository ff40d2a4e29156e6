//! GIF (Graphics Interchange Format, version 89a).

use ::gif::{ColorOutput, DecodeOptions, MemoryLimit};

use super::input::le16;
use super::raster::{Line, Mosaic, Raster, Shrinker};
use super::*;

/// As many bytes that begin no block as are passed over: some writers leave zeros between blocks.
const MAX_STRAY_BYTES: usize = 64 << 10;
/// Bytes of a colour.
const COLOUR_BYTES: usize = 3;

/// What stands before the first frame's data, and where that is.
struct First {
    /// The logical screen, or, where the frame sticks out of it, as much as holds the frame.
    width: u32,
    height: u32,
    left: u16,
    top: u16,
    frame_width: u16,
    frame_height: u16,
    interlaced: bool,
    /// Its own or else the global one; none in some files.
    palette: Vec<u8>,
    /// The payload of the graphic control extension before it.
    control: Option<[u8; 4]>,
    code_size: u8,
}

/// The logical screen, and proof that there is a frame with data.
pub fn shape(input: &mut Input) -> Result<Shape, Flaw> {
    let First { width, height, .. } = first(input)?;
    Ok(Shape { width, height, orientation: Orientation::Upright })
}

/// Walks the blocks (clauses 17 to 26) to the first frame that has a size and data, and stops at its data.
fn first(input: &mut Input) -> Result<First, Flaw> {
    let header: [u8; 13] = input.array().ok_or(Flaw::Truncated)?;
    let [.., width_low, width_high, height_low, height_high, flags, _, _] = header;
    let (width, height) =
        (u16::from_le_bytes([width_low, width_high]), u16::from_le_bytes([height_low, height_high]));
    let global = palette(input, flags);
    let mut control = None;
    let mut stray = 0;
    // Each round reads at least one byte of the file.
    while let Some(introducer) = input.byte() {
        match introducer {
            b'!' => {
                const GRAPHIC_CONTROL: u8 = 0xf9;
                let label = input.byte().ok_or(Flaw::NoImageData)?;
                if label == GRAPHIC_CONTROL && input.buffered().first() == Some(&4) {
                    input.advance(1);
                    control = input.array();
                }
                skip_sub_blocks(input);
            }
            b',' => {
                let descriptor: [u8; 9] = input.array().ok_or(Flaw::NoImageData)?;
                let number = |at: usize| descriptor.get(at..).and_then(le16).unwrap_or(0);
                let (left, top, frame_width, frame_height) = (number(0), number(2), number(4), number(6));
                let local = palette(input, descriptor[8]);
                let code_size = input.byte().ok_or(Flaw::NoImageData)?;
                let has_data =
                    input.buffered().first().is_some_and(|length| *length > 0) && input.remaining() > 1;
                if frame_width == 0 || frame_height == 0 || !has_data {
                    skip_sub_blocks(input);
                    control = None;
                    continue;
                }
                return Ok(First {
                    width: u32::from(width).max(u32::from(left) + u32::from(frame_width)),
                    height: u32::from(height).max(u32::from(top) + u32::from(frame_height)),
                    left,
                    top,
                    frame_width,
                    frame_height,
                    interlaced: descriptor[8] & 0x40 != 0,
                    palette: if local.is_empty() { global } else { local },
                    control,
                    code_size,
                });
            }
            b';' => break,
            _ => {
                stray += 1;
                if stray > MAX_STRAY_BYTES {
                    return Err(Flaw::BadStructure);
                }
            }
        }
    }
    Err(Flaw::NoImageData)
}

/// The colour table that the flags announce (19 and 21); empty where there is none.
fn palette(input: &mut Input, flags: u8) -> Vec<u8> {
    match flags & 0x80 {
        0 => Vec::new(),
        _ => input.take(COLOUR_BYTES as u64 * (2 << (flags & 7))),
    }
}

/// To behind the empty sub-block that ends them (15), or to the file's end.
fn skip_sub_blocks(input: &mut Input) {
    while let Some(length @ 1..) = input.byte() {
        if !input.skip(u64::from(length)) {
            break;
        }
    }
}

/// The first frame at its place on the screen.
pub fn draw(source: &mut dyn Source) -> Option<(Picture, Orientation)> {
    let mut input = Input::open(source)?;
    let first = first(&mut input).ok()?;
    let frame = frame(&first, alone(&first, &mut input)?)?;
    let place = (u32::from(first.left), u32::from(first.top));
    let sides = (u32::from(first.frame_width), u32::from(first.frame_height));
    let picture = colour::on_canvas(frame, place, sides, (first.width, first.height), None)?;
    Some((picture, Orientation::Upright))
}

/// Decodes the frame line by line, so that its size does not matter; of a cut off file as much as there is.
fn frame(first: &First, alone: Vec<u8>) -> Option<Raster> {
    const CHANNELS: usize = 4;
    let (width, height) = (u32::from(first.frame_width), u32::from(first.frame_height));
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    // It bounds frames that are held whole; none is.
    options.set_memory_limit(MemoryLimit::Unlimited);
    let mut decoder = options.read_info(alone.as_slice()).ok()?;
    decoder.next_frame_info().ok()??;
    // Each line, and whether there may be another: one that is cut off is transparent where it ends.
    let mut is_more = true;
    let mut next = |line: &mut [u8]| {
        line.fill(0);
        if !is_more {
            return false;
        }
        is_more = matches!(decoder.fill_buffer(line), Ok(true));
        is_more || line.iter().any(|sample| *sample != 0)
    };
    let mut line = vec![0; width as usize * CHANNELS];
    if !first.interlaced {
        let mut shrinker = Shrinker::new(width, height, CHANNELS);
        for _ in 0..height {
            if !next(&mut line) {
                break;
            }
            shrinker.push(&line);
        }
        return shrinker.finish();
    }
    // Appendix E: the first line of each pass, and from one to the next.
    const PASSES: [(u32, usize); 4] = [(0, 8), (4, 8), (2, 4), (1, 2)];
    let mut mosaic = Mosaic::new(width, height, CHANNELS);
    for y in PASSES.into_iter().flat_map(|(top, step)| (top..height).step_by(step)) {
        if !next(&mut line) {
            break;
        }
        mosaic.push(Line { y, x: 0, step: 1 }, &line);
    }
    mosaic.finish()
}

/// The first frame as a GIF of its own, whose screen it fills: the decoder sees no other frame, no odd screen, no
/// stray bytes and always a palette.
fn alone(first: &First, input: &mut Input) -> Option<Vec<u8>> {
    // Without any palette the colours are anyone's guess: shades of grey.
    let grey = || (0..=255).flat_map(|shade| [shade; COLOUR_BYTES]).collect();
    let palette = if first.palette.len() < 2 * COLOUR_BYTES { grey() } else { first.palette.clone() };
    // The field holds the exponent less 1 of the number of colours, which is a power of two but for a cut off file.
    let exponent = (palette.len() / COLOUR_BYTES).next_power_of_two().trailing_zeros() as u8;
    let mut gif = b"GIF89a".to_vec();
    gif.extend(first.frame_width.to_le_bytes());
    gif.extend(first.frame_height.to_le_bytes());
    gif.extend([0x80 | exponent.saturating_sub(1), 0, 0]);
    gif.extend(&palette);
    gif.resize(13 + (COLOUR_BYTES << exponent), 0);
    if let Some(control) = first.control {
        gif.extend([b'!', 0xf9, 4]);
        gif.extend(control);
        gif.push(0);
    }
    gif.extend([b',', 0, 0, 0, 0]);
    gif.extend(first.frame_width.to_le_bytes());
    gif.extend(first.frame_height.to_le_bytes());
    gif.extend([if first.interlaced { 0x40 } else { 0 }, first.code_size]);
    while let Some(length @ 1..) = input.byte() {
        let data = input.take(u64::from(length));
        gif.push(data.len() as u8);
        gif.extend(&data);
        if gif.len() as u64 > FRAME_MAX_BYTES {
            return None;
        }
        if data.len() < usize::from(length) {
            break;
        }
    }
    gif.extend([0, b';']);
    Some(gif)
}
