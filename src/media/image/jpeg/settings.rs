//! What segments outside of scans set: tables, and what the colours mean.

use super::frame::Frame;
use super::huffman::{self, Table};
use super::*;
use crate::media::image::raster::Raster;

/// A profile's pieces are counted in a byte, from 1 (ICC.1, B.4).
const MAX_ICC_PIECES: usize = 255;

/// Tables and what else segments set (T.81, B.2.4).
#[derive(Default)]
pub struct Settings {
    pub steps: [Option<[u16; 64]>; 4],
    pub dc: [Option<Table>; 4],
    pub ac: [Option<Table>; 4],
    pub restart_interval: u16,
    is_jfif: bool,
    /// The colour transform of Adobe's segment.
    adobe: Option<u8>,
    /// Pieces of the ICC profile by their number.
    icc: Vec<(u8, Vec<u8>)>,
}

impl Settings {
    pub fn new() -> Settings {
        let (dc, ac) = huffman::suggested();
        Settings { dc, ac, ..Settings::default() }
    }

    /// A segment that is neither frame nor scan; what is broken in it is as if it were not there.
    pub fn read(&mut self, code: u8, input: &mut Input) {
        match code {
            marker::DQT => self.read_steps(&segment(input)).unwrap_or(()),
            marker::DHT => self.read_tables(&segment(input)).unwrap_or(()),
            marker::DRI => self.restart_interval = be16(&segment(input)).unwrap_or(0),
            marker::APP0 => self.is_jfif |= segment(input).starts_with(b"JFIF\0"),
            marker::APP2 => {
                let segment = segment(input);
                let known: usize = self.icc.iter().map(|(_, piece)| piece.len()).sum();
                if let Some([number, _, piece @ ..]) = segment.strip_prefix(b"ICC_PROFILE\0")
                    && self.icc.len() < MAX_ICC_PIECES
                    && (known + piece.len()) as u64 <= ICC_MAX_BYTES
                {
                    self.icc.push((*number, piece.to_vec()));
                }
            }
            marker::APP14 => {
                let segment = segment(input);
                if segment.starts_with(b"Adobe") {
                    self.adobe = segment.get(11).copied().or(self.adobe);
                }
            }
            _ => {
                let length = segment_length(input);
                input.skip(length);
            }
        }
    }

    /// B.2.4.1: tables of 64 steps, a byte or two each.
    fn read_steps(&mut self, mut payload: &[u8]) -> Option<()> {
        while let Some((kind, rest)) = payload.split_first() {
            let size = if kind >> 4 == 0 { 1 } else { 2 };
            let (bytes, behind) = rest.split_at_checked(64 * size)?;
            let mut steps = [0; 64];
            for (step, bytes) in steps.iter_mut().zip(bytes.chunks_exact(size)) {
                *step = be16(bytes).unwrap_or(u16::from(bytes[0]));
            }
            *self.steps.get_mut(usize::from(kind & 15))? = Some(steps);
            payload = behind;
        }
        Some(())
    }

    /// B.2.4.2: counts by length, then values.
    fn read_tables(&mut self, mut payload: &[u8]) -> Option<()> {
        while let Some((kind, rest)) = payload.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let count = counts.iter().map(|count| usize::from(*count)).sum();
            let (values, behind) = rest.split_at_checked(count)?;
            let tables = if kind >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            *tables.get_mut(usize::from(kind & 15))? = Some(Table::new(counts, values)?);
            payload = behind;
        }
        Some(())
    }

    /// The profile, where all its pieces are there.
    fn profile(&self) -> Option<colour::Space> {
        let mut pieces: Vec<_> = self.icc.iter().collect();
        pieces.sort_by_key(|(number, _)| *number);
        let icc: Vec<u8> = pieces.into_iter().flat_map(|(_, piece)| piece).copied().collect();
        colour::profile(&icc)
    }

    /// Planes as a picture, by the colours that the file states or is known to have.
    pub fn coloured(
        &self,
        frame: &Frame,
        planes: Vec<Vec<u8>>,
        (width, height): (u32, u32),
    ) -> Option<Picture> {
        let profile = self.profile();
        let mut pixels = vec![0; planes.len() * width as usize * height as usize];
        for (channel, plane) in planes.iter().enumerate() {
            for (pixel, sample) in pixels.chunks_exact_mut(planes.len()).zip(plane) {
                pixel[channel] = *sample;
            }
        }
        let ids: Vec<u8> = frame.components.iter().map(|component| component.id).collect();
        let is_luminance = match (&ids[..], self.adobe) {
            ([_, _, _], _) if self.is_jfif => true,
            ([_, _, _], Some(transform)) => transform != 0,
            ([b'R', b'G', b'B'], None) => false,
            ([_, _, _], None) => true,
            ([_, _, _, _], transform) => transform == Some(2),
            _ => false,
        };
        if is_luminance {
            pixels.chunks_exact_mut(planes.len()).for_each(to_rgb);
        }
        if planes.len() < 4 {
            let raster = Raster::new(width, height, planes.len(), pixels)?;
            return colour::picture(&raster, profile.as_ref());
        }
        // Ink is stored inverted, as Adobe's programs do and all readers expect. Luminance and two differences give
        // cyan, magenta and yellow as ink, not as light.
        if is_luminance {
            pixels.chunks_exact_mut(4).flat_map(|pixel| &mut pixel[..3]).for_each(|ink| *ink = 255 - *ink);
        }
        Picture::new(width, height, colour::inks(&pixels, profile.as_ref()))
    }
}

/// Luminance and two colour differences of a pixel to red, green and blue (T.871, 7).
fn to_rgb(pixel: &mut [u8]) {
    let [y, blue, red, ..] = pixel else {
        return;
    };
    let (luminance, from_blue, from_red) = (f32::from(*y), f32::from(*blue) - 128.0, f32::from(*red) - 128.0);
    // The conversions saturate.
    *y = (luminance + 1.402 * from_red + 0.5) as u8;
    *blue = (luminance - 0.344_136 * from_blue - 0.714_136 * from_red + 0.5) as u8;
    *red = (luminance + 1.772 * from_blue + 0.5) as u8;
}
