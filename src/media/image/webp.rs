//! WebP (RFC 9649).

mod draw;

pub use draw::draw;

use super::input::{le16, le24};
use super::*;

/// As many chunks as are walked through: more than frames of an hour's animation.
const MAX_CHUNKS: usize = 1 << 18;

/// Part of the file, in bytes.
#[derive(Clone, Copy)]
struct Span {
    start: u64,
    length: u64,
}

/// One picture: the still one, or the first of an animation.
struct Frame {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    lossless: bool,
    /// The chunk `VP8 ` or `VP8L`.
    data: Span,
    /// The chunk `ALPH` before it.
    alpha: Option<Span>,
}

/// What the chunks say.
struct Contents {
    /// The canvas.
    width: u32,
    height: u32,
    frame: Frame,
    orientation: Orientation,
    icc: Option<Span>,
}

/// The canvas, and proof that the first frame's data is there whole: no decoder shows a WebP that is cut within it.
pub fn shape(input: &mut Input) -> Result<Shape, Flaw> {
    let Contents { width, height, orientation, .. } = contents(input)?;
    Ok(Shape { width, height, orientation })
}

/// Walks the chunks (2.3) to the file's end; what the RIFF header says of its length is not believed.
fn contents(input: &mut Input) -> Result<Contents, Flaw> {
    const RIFF_HEADER_BYTES: u64 = 12;
    if !input.skip(RIFF_HEADER_BYTES) {
        return Err(Flaw::Truncated);
    }
    let mut canvas = None;
    let mut frame = None;
    let mut alpha = None;
    let mut orientation = None;
    let mut icc = None;
    for _ in 0..MAX_CHUNKS {
        let Some((kind, span)) = chunk(input) else {
            break;
        };
        match &kind {
            b"VP8X" if canvas.is_none() => {
                // 2.7: flags, three reserved bytes, both sides less 1.
                let [_, _, _, _, sides @ ..] = input.array::<10>().ok_or(Flaw::Truncated)?;
                let [a, b, c, d, e, f] = sides;
                canvas = Some((le24([a, b, c]) + 1, le24([d, e, f]) + 1));
            }
            b"ALPH" if frame.is_none() => alpha = Some(span),
            b"VP8 " | b"VP8L" if frame.is_none() => {
                frame = Some(still(input, kind == *b"VP8L", span, alpha)?);
                if canvas.is_none() {
                    // The simple format (2.5, 2.6) has no metadata.
                    break;
                }
            }
            b"ANMF" if frame.is_none() => frame = Some(animated(input, span)?),
            b"ICCP" if icc.is_none() => icc = Some(span),
            b"EXIF" => {
                let exif = input.take(span.length.min(EXIF_MAX_BYTES));
                orientation = orientation.or_else(|| exif::orientation(&exif));
            }
            _ => {}
        }
        // Chunks are padded to an even length.
        if !input.seek(span.start.saturating_add(span.length).saturating_add(span.length & 1)) {
            break;
        }
    }
    let frame = frame.ok_or(Flaw::NoImageData)?;
    let (width, height) = canvas.unwrap_or((frame.width, frame.height));
    Ok(Contents { width, height, frame, orientation: orientation.unwrap_or(Orientation::Upright), icc })
}

/// The type of the next chunk, and where its data is.
fn chunk(input: &mut Input) -> Option<([u8; 4], Span)> {
    let [a, b, c, d, length @ ..] = input.array::<8>()?;
    let length = u64::from(u32::from_le_bytes(length));
    Some(([a, b, c, d], Span { start: input.position(), length }))
}

/// A frame that fills its canvas, of which the header is looked at as decoders do.
fn still(input: &mut Input, lossless: bool, data: Span, alpha: Option<Span>) -> Result<Frame, Flaw> {
    if data.length > input.remaining() {
        return Err(Flaw::Truncated);
    }
    let (width, height) = if lossless { lossless_sides(input)? } else { lossy_sides(input, data.length)? };
    Ok(Frame { left: 0, top: 0, width, height, lossless, data, alpha })
}

/// RFC 6386, 9.1: a key frame that is shown, whose first partition fits into the chunk.
fn lossy_sides(input: &mut Input, chunk_bytes: u64) -> Result<(u32, u32), Flaw> {
    let [a, b, c, 0x9d, 0x01, 0x2a, sides @ ..] = input.array::<10>().ok_or(Flaw::Truncated)? else {
        return Err(Flaw::BadHeader);
    };
    let tag = le24([a, b, c]);
    let (is_key, version, is_shown, partition_bytes) =
        (tag & 1 == 0, tag >> 1 & 7, tag >> 4 & 1 == 1, tag >> 5);
    if !is_key || version > 3 || !is_shown || u64::from(partition_bytes) >= chunk_bytes {
        return Err(Flaw::BadHeader);
    }
    // Fourteen bits each; the upper two are for scaling, which no decoder does.
    let side = |bytes: &[u8]| u32::from(le16(bytes).unwrap_or(0) & 0x3fff);
    let (width, height) = (side(&sides), side(&sides[2..]));
    if width == 0 || height == 0 {
        return Err(Flaw::NoDimensions);
    }
    Ok((width, height))
}

/// RFC 9649, 3.4: both sides less 1 in fourteen bits each, a bit for alpha, version 0.
fn lossless_sides(input: &mut Input) -> Result<(u32, u32), Flaw> {
    let [0x2f, bits @ ..] = input.array::<5>().ok_or(Flaw::Truncated)? else {
        return Err(Flaw::BadHeader);
    };
    let bits = u32::from_le_bytes(bits);
    if bits >> 29 != 0 {
        return Err(Flaw::BadHeader);
    }
    Ok(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
}

/// 2.7.1.1: place and sides, then chunks of its own.
fn animated(input: &mut Input, span: Span) -> Result<Frame, Flaw> {
    let [x0, x1, x2, y0, y1, y2, ..] = input.array::<16>().ok_or(Flaw::Truncated)?;
    let mut alpha = None;
    for _ in 0..MAX_CHUNKS {
        let Some((kind, data)) = chunk(input) else {
            return Err(Flaw::Truncated);
        };
        if data.start > span.start.saturating_add(span.length) {
            break;
        }
        match &kind {
            b"ALPH" => alpha = Some(data),
            b"VP8 " | b"VP8L" => {
                let frame = still(input, kind == *b"VP8L", data, alpha)?;
                return Ok(Frame { left: le24([x0, x1, x2]) * 2, top: le24([y0, y1, y2]) * 2, ..frame });
            }
            _ => {}
        }
        if !input.seek(data.start + data.length + (data.length & 1)) {
            break;
        }
    }
    Err(Flaw::NoImageData)
}
