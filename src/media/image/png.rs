//! PNG, also animated (W3C Portable Network Graphics, third edition).

use std::io::{BufReader, SeekFrom};

use ::png::{ColorType, Decoder, Limits, Reader, Transformations};
use moxcms::ColorProfile;

use super::raster::{Raster, Shrinker};
use super::*;
use crate::media::picture::fit;

const SIGNATURE_BYTES: u64 = 8;
/// Behind the data of each chunk.
const CRC_BYTES: u64 = 4;
/// 5.3: a chunk's data is shorter than 2^31 bytes. 11.2.1: so is a side, in pixels.
const MAX_LENGTH: u32 = 0x7fff_ffff;
/// As many chunks as are walked through: one a row of a picture of the highest sides in use, and then some.
const MAX_CHUNKS: usize = 1 << 20;
/// As many bytes as the decoder may unpack of profiles and the like, and of one row.
const METADATA_MAX_BYTES: usize = 64 << 20;
/// The decoder keeps up to five rows of a picture in a buffer that doubles as it grows, and one as it gives it out.
const ROWS_HELD: u64 = 12;

/// Walks the chunks: the header first and sound, some data of the picture, the orientation wherever it stands.
pub fn shape(input: &mut Input) -> Result<Shape, Flaw> {
    input.skip(SIGNATURE_BYTES);
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

/// The picture row by row, so that its size does not matter; an interlaced one whole, within the budget. Of a cut off
/// file as much as there is.
pub fn draw(source: &mut dyn Source) -> Option<(Picture, Orientation)> {
    let Shape { width, height, orientation } = shape(&mut Input::open(source)?).ok()?;
    source.seek(SeekFrom::Start(0)).ok()?;
    let mut decoder = Decoder::new_with_limits(BufReader::new(source), Limits { bytes: METADATA_MAX_BYTES });
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    decoder.ignore_checksums(true);
    let mut reader = decoder.read_info().ok()?;
    let channels = reader.output_color_type().0.samples();
    if reader.info().raw_row_length() as u64 * ROWS_HELD > PIXEL_BUDGET_BYTES {
        return None;
    }
    let raster = if reader.info().interlaced {
        interlaced(&mut reader, width, height, channels)?
    } else {
        let mut shrinker = Shrinker::new(width, height, channels);
        for _ in 0..height {
            match reader.next_row() {
                Ok(Some(row)) => shrinker.push(row.data()),
                _ => break,
            }
        }
        shrinker.finish()?
    };
    let profile = profile(&reader);
    let (width, height) = fit(width, height);
    let picture = colour::picture(&raster.resize(width, height)?, profile.as_ref())?;
    Some((picture, orientation))
}

/// All passes into one buffer, then shrunk.
fn interlaced<R: std::io::BufRead + std::io::Seek>(
    reader: &mut Reader<R>,
    width: u32,
    height: u32,
    channels: usize,
) -> Option<Raster> {
    let bytes = u64::from(width) * u64::from(height) * channels as u64;
    if bytes > PIXEL_BUDGET_BYTES || reader.output_buffer_size()? as u64 != bytes {
        return None;
    }
    let missing = if channels.is_multiple_of(2) { 0 } else { 255 };
    let mut samples = vec![missing; bytes as usize];
    // What a cut off file has stands in the buffer all the same.
    let _ = reader.next_frame(&mut samples);
    let mut shrinker = Shrinker::new(width, height, channels);
    samples.chunks_exact(width as usize * channels).for_each(|row| shrinker.push(row));
    shrinker.finish()
}

/// The colours that the file states (4.3): ICC before sRGB before gamma and primaries; sRGB where it states none.
fn profile<R: std::io::BufRead + std::io::Seek>(reader: &Reader<R>) -> Option<ColorProfile> {
    /// What files of sRGB state, 1/2.2, and those who rounded it otherwise.
    const NEAR_SRGB: std::ops::Range<f32> = 0.44..0.47;
    /// From linear light to beyond any display; others are slips.
    const SENSIBLE: std::ops::RangeInclusive<f32> = 0.2..=1.0;
    let info = reader.info();
    if let Some(icc) = &info.icc_profile {
        return colour::profile(icc);
    }
    if info.srgb.is_some() || info.coding_independent_code_points.is_some() {
        return None;
    }
    let gamma = info.gama_chunk?.into_value();
    if NEAR_SRGB.contains(&gamma) || !SENSIBLE.contains(&gamma) {
        return None;
    }
    let is_grey = matches!(info.color_type, ColorType::Grayscale | ColorType::GrayscaleAlpha);
    Some(colour::with_gamma(1.0 / gamma, is_grey))
}
