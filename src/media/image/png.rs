//! PNG, also animated (W3C Portable Network Graphics, third edition).

use std::io::{BufRead, BufReader, Cursor, Seek, SeekFrom};

use ::png::{ColorType, Decoder, Limits, Reader, SourceChromaticities, Transformations};
use moxcms::{Chromaticity, ColorPrimaries, XyY};

use super::raster::{Line, Mosaic, Raster, Shrinker};
use super::*;
use crate::media::picture::fit;

const SIGNATURE_BYTES: u64 = 8;
/// Behind the data of each chunk.
const CRC_BYTES: u64 = 4;
/// 5.3: a chunk's data is shorter than 2^31 bytes. 11.2.1: so is a side, in pixels.
const MAX_LENGTH: u32 = 0x7fff_ffff;
/// As many chunks as are walked through: one a row of a picture of the highest sides in use, and then some.
const MAX_CHUNKS: usize = 1 << 20;
/// Length and type of the chunk that Apple's tools put before IHDR in pictures for phones, and its data and checksum.
/// They are no PNG as it is published: the data of the picture is deflate without the wrapping of zlib, blue comes
/// before red, and alpha is multiplied in.
const CGBI: [u8; 8] = *b"\0\0\0\x04CgBI";
const CGBI_REST_BYTES: u64 = 8;
/// As many bytes as the decoder may unpack of profiles and the like, and of one row.
const METADATA_MAX_BYTES: usize = 64 << 20;
/// The decoder keeps up to five rows of a picture in a buffer that doubles as it grows, and one as it gives it out.
const ROWS_HELD: u64 = 12;

/// As many rows as are decoded: each costs a tenth of a microsecond whatever its width, so that a picture of one column
/// and 250 million rows would take twenty seconds. Higher pictures have no thumbnail.
const MAX_ROWS: u32 = 1 << 24;

/// Walks the chunks: the header first and sound, some data of the picture, the orientation wherever it stands.
pub fn shape(input: &mut Input) -> Result<Shape, Flaw> {
    input.skip(SIGNATURE_BYTES);
    skip_cgbi(input);
    let (width, height) = header(input)?;
    let mut orientation = None;
    let mut has_data = false;
    for _ in 0..MAX_CHUNKS {
        let Some([a, b, c, d, kind @ ..]) = input.array::<8>() else {
            break;
        };
        let length = u32::from_be_bytes([a, b, c, d]);
        if length > MAX_LENGTH || !kind.iter().all(u8::is_ascii_alphabetic) {
            break;
        }
        let length = u64::from(length);
        match &kind {
            b"IDAT" => has_data |= length > 0 && input.remaining() > 0,
            b"eXIf" => {
                let exif = input.take(length.min(EXIF_MAX_BYTES));
                orientation = orientation.or_else(|| exif::orientation(&exif));
                if !input.skip(length.saturating_sub(EXIF_MAX_BYTES) + CRC_BYTES) {
                    break;
                }
                continue;
            }
            b"IEND" => break,
            _ => {}
        }
        if !input.skip(length + CRC_BYTES) {
            break;
        }
    }
    if !has_data {
        return Err(Flaw::NoImageData);
    }
    Ok(Shape { width, height, orientation: orientation.unwrap_or(Orientation::Upright) })
}

/// Passes over the chunk that marks a picture for phones; `false`, and nothing passed, where there is none.
fn skip_cgbi(input: &mut Input) -> bool {
    let start = input.position();
    let is_there = input.array() == Some(CGBI) && input.skip(CGBI_REST_BYTES);
    if !is_there {
        input.seek(start);
    }
    is_there
}

/// Width and height out of IHDR (11.2.1), whose checksum is looked at because decoders do so.
fn header(input: &mut Input) -> Result<(u32, u32), Flaw> {
    let chunk: [u8; 25] = input.array().ok_or(Flaw::Truncated)?;
    let [0, 0, 0, 13, b'I', b'H', b'D', b'R', a, b, c, d, e, f, g, h, depth, colour, 0, 0, 0 | 1, crc @ ..] =
        chunk
    else {
        return Err(Flaw::BadHeader);
    };
    if crc32(&chunk[4..21]) != u32::from_be_bytes(crc) {
        return Err(Flaw::BadHeader);
    }
    // Table 12: grey, true colour, palette, grey with alpha, true colour with alpha.
    let allowed = match colour {
        0 => matches!(depth, 1 | 2 | 4 | 8 | 16),
        3 => matches!(depth, 1 | 2 | 4 | 8),
        2 | 4 | 6 => matches!(depth, 8 | 16),
        _ => false,
    };
    let (width, height) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
    if !allowed || width > MAX_LENGTH || height > MAX_LENGTH {
        return Err(Flaw::BadHeader);
    }
    if width == 0 || height == 0 {
        return Err(Flaw::NoDimensions);
    }
    Ok((width, height))
}

/// The checksum of a chunk's type and data (annex D), bit by bit: for 17 bytes a table is not worth its room.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| {
        if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 }
    };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// The picture row by row, so that its size does not matter. Of a cut off file as much as there is.
pub fn draw(source: &mut dyn Source) -> Option<(Picture, Orientation)> {
    let mut input = Input::open(source)?;
    let shape = shape(&mut input).ok()?;
    input.seek(SIGNATURE_BYTES);
    let picture = if skip_cgbi(&mut input) {
        let plain = without_cgbi(&mut input)?;
        decode(Cursor::new(plain), shape, true)?
    } else {
        source.seek(SeekFrom::Start(0)).ok()?;
        decode(BufReader::new(source), shape, false)?
    };
    Some((picture, shape.orientation))
}

/// A picture for phones as a plain PNG: header, palette and data alone, the data in the wrapping of zlib (RFC 1950), of
/// which the checksum is not there.
fn without_cgbi(input: &mut Input) -> Option<Vec<u8>> {
    /// Deflate with a window of 32 KiB.
    const ZLIB_HEADER: [u8; 2] = [0x78, 0x01];
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut is_first = true;
    for _ in 0..MAX_CHUNKS {
        let Some([a, b, c, d, kind @ ..]) = input.array::<8>() else {
            break;
        };
        let length = u64::from(u32::from_be_bytes([a, b, c, d]));
        if png.len() as u64 + length > FRAME_MAX_BYTES {
            return None;
        }
        if !matches!(&kind, b"IHDR" | b"PLTE" | b"tRNS" | b"IDAT") {
            if kind == *b"IEND" || !input.skip(length + CRC_BYTES) {
                break;
            }
            continue;
        }
        let mut data = input.take(length);
        if kind == *b"IDAT" && is_first {
            data.splice(0..0, ZLIB_HEADER);
            is_first = false;
        }
        png.extend((data.len() as u32).to_be_bytes());
        png.extend(kind);
        png.append(&mut data);
        // Checksums are not looked at.
        png.extend([0; CRC_BYTES as usize]);
        input.skip(CRC_BYTES);
    }
    Some(png)
}

/// `for_phones`: blue before red, and alpha multiplied in.
fn decode(file: impl BufRead + Seek, shape: Shape, for_phones: bool) -> Option<Picture> {
    let Shape { width, height, .. } = shape;
    let mut decoder = Decoder::new_with_limits(file, Limits { bytes: METADATA_MAX_BYTES });
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    decoder.ignore_checksums(true);
    let mut reader = decoder.read_info().ok()?;
    let channels = reader.output_color_type().0.samples();
    if height > MAX_ROWS || reader.info().raw_row_length() as u64 * ROWS_HELD > PIXEL_BUDGET_BYTES {
        return None;
    }
    let raster = if reader.info().interlaced {
        interlaced(&mut reader, width, height, channels)?
    } else {
        let mut shrinker = Shrinker::new(width, height, channels);
        let mut plain = Vec::new();
        for _ in 0..height {
            match reader.next_row() {
                Ok(Some(row)) if for_phones => {
                    plain.clear();
                    plain.extend_from_slice(row.data());
                    plain.chunks_exact_mut(channels).for_each(as_published);
                    shrinker.push(&plain);
                }
                Ok(Some(row)) => shrinker.push(row.data()),
                _ => break,
            }
        }
        shrinker.finish()?
    };
    let space = space(&reader);
    let (width, height) = fit(width, height);
    colour::picture(&raster.resize(width, height)?, space.as_ref())
}

/// A pixel of a picture for phones as PNG has it.
fn as_published(pixel: &mut [u8]) {
    if let [blue, _, red, ..] = pixel {
        std::mem::swap(blue, red);
    }
    if let [colours @ .., alpha @ 1..=254] = pixel
        && colours.len() == 3
    {
        let alpha = u32::from(*alpha);
        colours.iter_mut().for_each(|sample| *sample = (u32::from(*sample) * 255 / alpha).min(255) as u8);
    }
}

/// The seven passes (8.1), each row to where it belongs.
fn interlaced<R: BufRead + Seek>(
    reader: &mut Reader<R>,
    width: u32,
    height: u32,
    channels: usize,
) -> Option<Raster> {
    /// First column and line, and from one to the next.
    const PASSES: [[u32; 4]; 7] =
        [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];
    let mut mosaic = Mosaic::new(width, height, channels);
    for [x, top, step, down] in PASSES {
        // A pass without a column has no rows (8.1).
        if x >= width {
            continue;
        }
        for y in (top..height).step_by(down as usize) {
            match reader.next_interlaced_row() {
                Ok(Some(row)) => mosaic.push(Line { y, x, step }, row.data()),
                _ => return mosaic.finish(),
            }
        }
    }
    mosaic.finish()
}

/// The colours that the file states (4.3): code points before ICC before sRGB before gamma and primaries; sRGB where it
/// states none.
fn space<R: BufRead + Seek>(reader: &Reader<R>) -> Option<colour::Space> {
    /// What files of sRGB state, 1/2.2, and those who rounded it otherwise.
    const NEAR_SRGB: std::ops::Range<f32> = 0.44..0.47;
    /// From linear light to beyond any display; others are slips.
    const SENSIBLE: std::ops::RangeInclusive<f32> = 0.2..=1.0;
    let info = reader.info();
    if let Some(codes) = info.coding_independent_code_points {
        return colour::by_codes(codes.color_primaries, codes.transfer_function);
    }
    if let Some(icc) = &info.icc_profile {
        return colour::profile(icc);
    }
    if info.srgb.is_some() {
        return None;
    }
    let is_other = |gamma: &f32| !NEAR_SRGB.contains(gamma) && SENSIBLE.contains(gamma);
    let gamma = info.gama_chunk.map(|gamma| gamma.into_value()).filter(is_other);
    let is_grey = matches!(info.color_type, ColorType::Grayscale | ColorType::GrayscaleAlpha);
    let primaries = info.chrm_chunk.as_ref().and_then(primaries).filter(|_| !is_grey);
    if gamma.is_none() && primaries.is_none() {
        return None;
    }
    Some(colour::with_gamma(gamma.map(f32::recip), primaries, is_grey))
}

/// White and primaries (11.3.2.1), where they can be and are not those of sRGB.
fn primaries(stated: &SourceChromaticities) -> Option<(XyY, ColorPrimaries)> {
    /// White, red, green, blue, x before y.
    const SRGB: [f32; 8] = [0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06];
    /// Of what nobody sees.
    const ROUNDING: f32 = 0.003;
    let SourceChromaticities { white, red, green, blue } = stated;
    let pairs = [white, red, green, blue].map(|(x, y)| [x.into_value(), y.into_value()]);
    let are_same = pairs.as_flattened().iter().zip(SRGB).all(|(own, srgb)| (own - srgb).abs() <= ROUNDING);
    // Inside the triangle of x, y and 1 - x - y, and no three on one line.
    let are_real = pairs.iter().all(|[x, y]| *x > 0.0 && *y > 0.0 && x + y < 1.0);
    let [[white_x, white_y], [rx, ry], [gx, gy], [bx, by]] = pairs;
    let area = ((gx - rx) * (by - ry) - (bx - rx) * (gy - ry)).abs();
    /// A tenth of that of sRGB.
    const LEAST_AREA: f32 = 0.02;
    if are_same || !are_real || area < LEAST_AREA {
        return None;
    }
    let white = XyY { x: white_x.into(), y: white_y.into(), yb: 1.0 };
    let of = |x, y| Chromaticity { x, y };
    Some((white, ColorPrimaries { red: of(rx, ry), green: of(gx, gy), blue: of(bx, by) }))
}
