//! From a WebP's first frame to a picture of a thumbnail's size.
//!
//! A lossy frame is decoded to its planes, which are shrunk as they are: its colours at full size are never in memory.
//! The lossless coding refers back to the whole picture, so that is held, four bytes a pixel.

use image_webp::WebPDecoder;
use image_webp::vp8::Vp8Decoder;

use super::*;
use crate::media::image::raster::{Raster, Shrinker};
use crate::media::picture::fit;

/// The first frame at its place on the canvas.
pub fn draw(source: &mut dyn Source) -> Option<(Picture, Orientation)> {
    let mut input = Input::open(source)?;
    let Contents { width, height, frame, orientation, icc } = contents(&mut input).ok()?;
    let pixels = u64::from(frame.width) * u64::from(frame.height);
    // Planes of one and two halves, and what the decoder notes of each block; alpha is coded as a lossless picture, of
    // which one byte in four is kept.
    let bytes_a_pixel: u64 = match (frame.lossless, frame.alpha) {
        (true, _) => 4,
        (false, None) => 2,
        (false, Some(_)) => 7,
    };
    if pixels * bytes_a_pixel > PIXEL_BUDGET_BYTES
        || frame.data.length + frame.alpha.map_or(0, |alpha| alpha.length) > FRAME_MAX_BYTES
    {
        return None;
    }
    let icc = icc.filter(|icc| icc.length <= ICC_MAX_BYTES).map(|icc| copy(&mut input, icc));
    let space = icc.and_then(|icc| colour::profile(&icc));
    let data = copy(&mut input, frame.data);
    let raster = match (frame.lossless, frame.alpha) {
        (true, _) => lossless(data, frame.width, frame.height)?,
        (false, None) => Planes::decode(&data, &frame)?.shrunk()?,
        (false, Some(alpha)) => {
            let planes = Planes::decode(&data, &frame)?;
            let alpha = copy(&mut input, alpha);
            planes.shrunk_with(&alpha_plane(alpha, frame.width, frame.height)?)?
        }
    };
    let place = (frame.left, frame.top);
    let picture =
        colour::on_canvas(raster, place, (frame.width, frame.height), (width, height), space.as_ref())?;
    Some((picture, orientation))
}

/// Part of the file, which the caller has bounded.
fn copy(input: &mut Input, span: Span) -> Vec<u8> {
    input.seek(span.start);
    input.take(span.length)
}

/// Red, green, blue and alpha of a chunk `VP8L`, and whether alpha says anything.
fn decode_lossless(mut chunk: Vec<u8>, width: u32, height: u32) -> Option<(Vec<u8>, bool)> {
    /// RFC 9649, 3.4: the bit for alpha, in the last byte of the header.
    const HAS_ALPHA: u8 = 0x10;
    let flags = chunk.get_mut(4)?;
    let has_alpha = *flags & HAS_ALPHA != 0;
    // Without it the decoder makes a second copy of the picture.
    *flags |= HAS_ALPHA;
    let length = chunk.len() as u32;
    let mut webp = b"RIFF".to_vec();
    webp.extend((length.next_multiple_of(2) + 12).to_le_bytes());
    webp.extend(b"WEBPVP8L");
    webp.extend(length.to_le_bytes());
    webp.append(&mut chunk);
    webp.resize(webp.len().next_multiple_of(2), 0);
    let mut decoder = WebPDecoder::new(std::io::Cursor::new(webp)).ok()?;
    let bytes = width as usize * height as usize * 4;
    if decoder.dimensions() != (width, height) || decoder.output_buffer_size() != Some(bytes) {
        return None;
    }
    let mut samples = vec![0; bytes];
    decoder.read_image(&mut samples).ok()?;
    Some((samples, has_alpha))
}

fn lossless(chunk: Vec<u8>, width: u32, height: u32) -> Option<Raster> {
    let (mut samples, has_alpha) = decode_lossless(chunk, width, height)?;
    let mut shrinker = Shrinker::new(width, height, 4);
    for row in samples.chunks_exact_mut(width as usize * 4) {
        if !has_alpha {
            row.iter_mut().skip(3).step_by(4).for_each(|alpha| *alpha = 255);
        }
        shrinker.push(row);
    }
    shrinker.finish()
}

/// The alpha of a chunk `ALPH` (RFC 9649, 2.7.1.2), a byte a pixel.
fn alpha_plane(mut chunk: Vec<u8>, width: u32, height: u32) -> Option<Vec<u8>> {
    let (compression, filter) = (chunk.first()? & 3, chunk.first()? >> 2 & 3);
    let row = width as usize;
    let mut plane = match compression {
        0 => chunk.split_off(1),
        1 => {
            // A lossless picture without the header, whose green is the alpha: it gets one.
            let sides = (width - 1) | (height - 1) << 14;
            let [a, b, c, d] = sides.to_le_bytes();
            chunk.splice(0..1, [0x2f, a, b, c, d]);
            let (samples, _) = decode_lossless(chunk, width, height)?;
            samples.into_iter().skip(1).step_by(4).collect()
        }
        _ => return None,
    };
    plane.resize(row * height as usize, 0);
    // Each sample is what it differs by from what its neighbours foretell; the first row's from its left, the first
    // column's from above.
    for at in 1..plane.len() {
        let (x, y) = (at % row, at / row);
        let foretold = match (filter, x, y) {
            (0, _, _) => break,
            (_, _, 0) | (1, 1.., _) => plane[at - 1],
            (_, 0, _) | (2, _, _) => plane[at - row],
            _ => {
                let [left, above, corner] = [at - 1, at - row, at - row - 1].map(|at| i16::from(plane[at]));
                (left + above - corner).clamp(0, 255) as u8
            }
        };
        plane[at] = plane[at].wrapping_add(foretold);
    }
    Some(plane)
}

/// A decoded lossy frame: luma and two colour differences of half its sides.
struct Planes {
    width: u32,
    height: u32,
    /// Rows of whole blocks of 16, and of 8 in the differences.
    stride: usize,
    luma: Vec<u8>,
    blue: Vec<u8>,
    red: Vec<u8>,
}

impl Planes {
    fn decode(chunk: &[u8], frame: &Frame) -> Option<Planes> {
        const BLOCK: u32 = 16;
        let decoded = Vp8Decoder::decode_frame(chunk).ok()?;
        let (width, height) = (u32::from(decoded.width), u32::from(decoded.height));
        let stride = width.next_multiple_of(BLOCK) as usize;
        let rows = height.next_multiple_of(BLOCK) as usize;
        let is_whole = (width, height) == (frame.width, frame.height)
            && decoded.ybuf.len() >= stride * rows
            && decoded.ubuf.len() >= stride * rows / 4
            && decoded.vbuf.len() >= stride * rows / 4;
        is_whole.then_some(Planes {
            width,
            height,
            stride,
            luma: decoded.ybuf,
            blue: decoded.ubuf,
            red: decoded.vbuf,
        })
    }

    /// Each plane shrunk by itself, then put together.
    fn shrunk(self) -> Option<Raster> {
        let (width, height) = (self.width, self.height);
        let size = fit(width, height);
        let half = (width.div_ceil(2), height.div_ceil(2));
        let luma = shrunk_plane(self.luma, self.stride, (width, height), (width, height), size)?;
        // The last column and row of the differences may stand for one pixel instead of two.
        let blue = shrunk_plane(self.blue, self.stride / 2, half, (width, height), size)?;
        let red = shrunk_plane(self.red, self.stride / 2, half, (width, height), size)?;
        let differences = blue.samples().iter().zip(red.samples());
        let pixels = luma.samples().iter().zip(differences);
        let rgb = pixels.flat_map(|(luma, (blue, red))| to_rgb(*luma, *blue, *red)).collect();
        Raster::new(size.0, size.1, 3, rgb)
    }

    /// With alpha, which weighs the colours: row by row at full size.
    fn shrunk_with(self, alpha: &[u8]) -> Option<Raster> {
        let columns = self.width as usize;
        let mut shrinker = Shrinker::new(self.width, self.height, 4);
        let mut row = Vec::with_capacity(columns * 4);
        let rows = self.luma.chunks_exact(self.stride).zip(alpha.chunks_exact(columns));
        let (mut blue, mut red) = (Vec::new(), Vec::new());
        for (y, (luma, alpha)) in rows.enumerate().take(self.height as usize) {
            self.enlarged(&self.blue, y, &mut blue);
            self.enlarged(&self.red, y, &mut red);
            row.clear();
            let pixels = luma.iter().zip(alpha).zip(blue.iter().zip(&red));
            for ((luma, alpha), (blue, red)) in pixels {
                let [r, g, b] = to_rgb(*luma, *blue, *red);
                row.extend([r, g, b, *alpha]);
            }
            shrinker.push(&row);
        }
        shrinker.finish()
    }

    /// A row of differences at full size: each sample counts nine times, its neighbours towards the pixel three times and
    /// once, as libwebp does.
    fn enlarged(&self, plane: &[u8], y: usize, row: &mut Vec<u8>) {
        let (stride, columns) = (self.stride / 2, self.width.div_ceil(2) as usize);
        let last = self.height.div_ceil(2) as usize - 1;
        let near = y / 2;
        let far = if y.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(last) };
        let line = |at: usize| plane.get(at * stride..at * stride + columns).unwrap_or(&[]);
        let down: Vec<u32> = line(near)
            .iter()
            .zip(line(far))
            .map(|(near, far)| u32::from(*near) * 3 + u32::from(*far))
            .collect();
        row.clear();
        for x in 0..self.width as usize {
            let near = x / 2;
            let far = if x.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(columns - 1) };
            let of = |at: usize| down.get(at).copied().unwrap_or(0);
            row.push(((of(near) * 3 + of(far) + 8) / 16) as u8);
        }
    }
}

/// A plane of `sides`, of which the picture has `of` pixels, at `size`.
fn shrunk_plane(
    plane: Vec<u8>,
    stride: usize,
    sides: (u32, u32),
    of: (u32, u32),
    size: (u32, u32),
) -> Option<Raster> {
    let mut shrinker = Shrinker::new(sides.0, sides.1, 1);
    let rows = plane.chunks_exact(stride).take(sides.1 as usize);
    rows.for_each(|row| shrinker.push(row.get(..sides.0 as usize).unwrap_or(row)));
    let raster = shrinker.finish()?;
    let halved = |own: u32, of: u32| if own == of { f64::from(own) } else { f64::from(of) / 2.0 };
    let reach = raster.reach();
    let across = reach.0 * halved(sides.0, of.0) / f64::from(sides.0);
    let down = reach.1 * halved(sides.1, of.1) / f64::from(sides.1);
    raster.reaching(across, down).resize(size.0, size.1)
}

/// RFC 6386, 9.2: BT.601 with luma from 16 to 235 and differences from 16 to 240.
#[inline(always)]
fn to_rgb(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let luma = (i32::from(luma) - 16) * 19_077;
    let (blue, red) = (i32::from(blue) - 128, i32::from(red) - 128);
    // In parts of 2^14, to the nearest.
    let sample = |value: i32| ((value + (1 << 13)) >> 14).clamp(0, 255) as u8;
    [sample(luma + 26_149 * red), sample(luma - 6_419 * blue - 13_320 * red), sample(luma + 33_050 * blue)]
}
