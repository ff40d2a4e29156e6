//! Samples on their way from a decoder to the size of a thumbnail, in whatever colours they have.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::media::THUMBNAIL_SIDE;

/// Samples of 8 bits, 1 to 4 a pixel, rows from the top without gaps. Two a pixel are grey and alpha, four are red,
/// green, blue and alpha, where alpha is not multiplied in.
pub struct Raster {
    width: u32,
    height: u32,
    channels: usize,
    samples: Vec<u8>,
    /// How far the picture reaches, in pixels of this raster: after shrinking by a whole number the last column and row
    /// may stand for fewer pixels than the others.
    reach: (f64, f64),
}

impl Raster {
    /// `None` where the samples are not just the pixels, or there is none.
    pub fn new(width: u32, height: u32, channels: usize, samples: Vec<u8>) -> Option<Raster> {
        let count = u64::from(width).checked_mul(u64::from(height))?.checked_mul(channels as u64)?;
        let whole = count > 0 && count == samples.len() as u64 && (1..=4).contains(&channels);
        whole.then_some(Raster {
            width,
            height,
            channels,
            samples,
            reach: (f64::from(width), f64::from(height)),
        })
    }

    /// The same, of which the picture takes only the part up to this column and row.
    pub fn reaching(mut self, width: f64, height: f64) -> Raster {
        let within = |reach: f64, side: u32| reach.clamp(f64::MIN_POSITIVE, f64::from(side));
        self.reach = (within(width, self.width), within(height, self.height));
        self
    }

    pub fn width(&self) -> u32 {
        self.width
    }

    pub fn height(&self) -> u32 {
        self.height
    }

    pub fn channels(&self) -> usize {
        self.channels
    }

    pub fn samples(&self) -> &[u8] {
        &self.samples
    }

    /// Drawn at `width` × `height`, each at least 1: shrunk by Lanczos' filter of three lobes, enlarged linearly, which
    /// does not ring.
    pub fn resize(self, width: u32, height: u32) -> Option<Raster> {
        let target_reach = (f64::from(width), f64::from(height));
        if (width, height) == (self.width, self.height) && self.reach == target_reach {
            return Some(self);
        }
        let kind = match self.channels {
            1 => PixelType::U8,
            2 => PixelType::U8x2,
            3 => PixelType::U8x3,
            _ => PixelType::U8x4,
        };
        let filter = if self.reach.0 > target_reach.0 || self.reach.1 > target_reach.1 {
            FilterType::Lanczos3
        } else {
            FilterType::Bilinear
        };
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter)).crop(
            0.0,
            0.0,
            self.reach.0,
            self.reach.1,
        );
        let source = ImageRef::new(self.width, self.height, &self.samples, kind).ok()?;
        let mut target = Image::new(width, height, kind);
        Resizer::new().resize(&source, &mut target, &options).ok()?;
        Raster::new(width, height, self.channels, target.into_vec())
    }
}

/// Takes the rows of a large picture one by one and keeps the mean of each square of pixels, so that no more is held
/// than a picture of twice a thumbnail's sides to four times them.
pub struct Shrinker {
    width: u32,
    height: u32,
    channels: usize,
    /// The side of a square.
    factor: u32,
    /// One sum a channel of each square in the current row of squares; colours are weighted by alpha.
    sums: Vec<u64>,
    /// Rows in `sums`.
    rows: u32,
    samples: Vec<u8>,
}

impl Shrinker {
    /// For a picture of these sides, each at least 1, and 1 to 4 channels.
    pub fn new(width: u32, height: u32, channels: usize) -> Shrinker {
        let factor = (width.max(height) / (2 * THUMBNAIL_SIDE)).max(1);
        let columns = width.div_ceil(factor) as usize;
        Shrinker {
            width,
            height,
            channels,
            factor,
            sums: vec![0; columns * channels],
            rows: 0,
            samples: Vec::new(),
        }
    }

    /// The next row from the top, `width` pixels; a shorter one is taken as far as it goes.
    pub fn push(&mut self, row: &[u8]) {
        if self.factor == 1 {
            self.samples.extend_from_slice(row);
            return;
        }
        let squares =
            row.chunks(self.factor as usize * self.channels).zip(self.sums.chunks_mut(self.channels));
        match self.channels {
            2 => squares.for_each(|(pixels, sums)| add_weighted::<2>(pixels, sums)),
            3 => squares.for_each(|(pixels, sums)| add::<3>(pixels, sums)),
            4 => squares.for_each(|(pixels, sums)| add_weighted::<4>(pixels, sums)),
            _ => squares.for_each(|(pixels, sums)| add::<1>(pixels, sums)),
        }
        self.rows += 1;
        if self.rows == self.factor {
            self.settle();
        }
    }

    /// Writes the means of a row of squares.
    fn settle(&mut self) {
        let (factor, width) = (u64::from(self.factor), u64::from(self.width));
        let weighted = self.channels.is_multiple_of(2);
        for (column, sums) in self.sums.chunks_mut(self.channels).enumerate() {
            let pixels = u64::from(self.rows) * factor.min(width - column as u64 * factor);
            let mean = |sum: u64, count: u64| ((sum + count / 2) / count.max(1)).min(255) as u8;
            match sums.split_last() {
                Some((alpha, colours)) if weighted => {
                    self.samples.extend(colours.iter().map(|sum| mean(*sum, *alpha)));
                    self.samples.push(mean(*alpha, pixels));
                }
                _ => self.samples.extend(sums.iter().map(|sum| mean(*sum, pixels))),
            }
            sums.fill(0);
        }
        self.rows = 0;
    }

    /// The shrunk picture. Rows that never came are white, or transparent; `None` where none came.
    pub fn finish(mut self) -> Option<Raster> {
        if self.rows > 0 {
            self.settle();
        }
        let (columns, rows) = (self.width.div_ceil(self.factor), self.height.div_ceil(self.factor));
        let whole = columns as usize * rows as usize * self.channels;
        if self.samples.is_empty() {
            return None;
        }
        let missing = if self.channels.is_multiple_of(2) { 0 } else { 255 };
        self.samples.resize(whole, missing);
        let factor = f64::from(self.factor);
        let reach = (f64::from(self.width) / factor, f64::from(self.height) / factor);
        Some(Raster::new(columns, rows, self.channels, self.samples)?.reaching(reach.0, reach.1))
    }
}

fn add<const N: usize>(pixels: &[u8], sums: &mut [u64]) {
    let mut total = [0; N];
    for pixel in pixels.chunks_exact(N) {
        for (total, sample) in total.iter_mut().zip(pixel) {
            *total += u64::from(*sample);
        }
    }
    for (sum, total) in sums.iter_mut().zip(total) {
        *sum += total;
    }
}

/// The last channel is alpha: it weighs the others, so that what cannot be seen does not colour what can.
fn add_weighted<const N: usize>(pixels: &[u8], sums: &mut [u64]) {
    let mut total = [0; N];
    for pixel in pixels.chunks_exact(N) {
        let alpha = u64::from(pixel[N - 1]);
        for (total, sample) in total.iter_mut().zip(&pixel[..N - 1]) {
            *total += u64::from(*sample) * alpha;
        }
        total[N - 1] += alpha;
    }
    for (sum, total) in sums.iter_mut().zip(total) {
        *sum += total;
    }
}
