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

    /// How far the picture reaches, in pixels of this raster.
    pub fn reach(&self) -> (f64, f64) {
        self.reach
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
            push_means(&mut self.samples, sums, pixels, weighted);
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

/// As [`Shrinker`], for rows that come in any order and pixels that come in any order within a row: interlaced pictures.
///
/// Holds the sums of all squares: at most 1,919 × 1,919 of up to 4 channels, 140 MB, whatever the picture's size.
pub struct Mosaic {
    width: u32,
    height: u32,
    channels: usize,
    /// The side of a square.
    factor: u32,
    columns: u32,
    rows: u32,
    sums: Vec<u64>,
    /// Pixels that came for each square.
    counts: Vec<u32>,
}

/// Which pixels of a picture a row holds: those of line `y` from column `x` on, each `step` columns behind the last.
#[derive(Clone, Copy)]
pub struct Line {
    pub y: u32,
    pub x: u32,
    pub step: u32,
}

impl Mosaic {
    /// For a picture of these sides, each at least 1, and 1 to 4 channels.
    pub fn new(width: u32, height: u32, channels: usize) -> Mosaic {
        let factor = (width.max(height) / (2 * THUMBNAIL_SIDE)).max(1);
        let (columns, rows) = (width.div_ceil(factor), height.div_ceil(factor));
        let squares = columns as usize * rows as usize;
        Mosaic {
            width,
            height,
            channels,
            factor,
            columns,
            rows,
            sums: vec![0; squares * channels],
            counts: vec![0; squares],
        }
    }

    /// Pixels of one line; those beyond its end are dropped.
    pub fn push(&mut self, line: Line, pixels: &[u8]) {
        if line.y >= self.height {
            return;
        }
        let first = (line.y / self.factor) as usize * self.columns as usize;
        let columns = (line.x..self.width).step_by(line.step.max(1) as usize);
        for (x, pixel) in columns.zip(pixels.chunks_exact(self.channels)) {
            let square = first + (x / self.factor) as usize;
            let sums = self.sums.get_mut(square * self.channels..(square + 1) * self.channels);
            let (Some(sums), Some(count)) = (sums, self.counts.get_mut(square)) else {
                return;
            };
            match self.channels {
                2 => add_weighted::<2>(pixel, sums),
                3 => add::<3>(pixel, sums),
                4 => add_weighted::<4>(pixel, sums),
                _ => add::<1>(pixel, sums),
            }
            *count += 1;
        }
    }

    /// The shrunk picture. A square of which no pixel came shows the one that an earlier pass of an interlaced picture
    /// has to its left and above; without one it is white, or transparent. `None` where no pixel came.
    pub fn finish(self) -> Option<Raster> {
        // Sides of the blocks that a pixel of an earlier pass stands for, less 1 (PNG, 8.1; GIF, appendix E).
        const BLOCKS: [u32; 4] = [0, 1, 3, 7];
        if self.counts.iter().all(|count| *count == 0) {
            return None;
        }
        let weighted = self.channels.is_multiple_of(2);
        let missing = if weighted { 0 } else { 255 };
        let mut samples = Vec::with_capacity(self.sums.len());
        for row in 0..self.rows {
            for column in 0..self.columns {
                let squares = BLOCKS.map(|block| {
                    (row & !block) as usize * self.columns as usize + (column & !block) as usize
                });
                let found = squares
                    .into_iter()
                    .find(|square| self.counts.get(*square).is_some_and(|count| *count > 0));
                let Some((sums, count)) = found.and_then(|square| {
                    let sums = self.sums.get(square * self.channels..(square + 1) * self.channels)?;
                    Some((sums, u64::from(*self.counts.get(square)?)))
                }) else {
                    samples.resize(samples.len() + self.channels, missing);
                    continue;
                };
                push_means(&mut samples, sums, count, weighted);
            }
        }
        let factor = f64::from(self.factor);
        let reach = (f64::from(self.width) / factor, f64::from(self.height) / factor);
        Some(Raster::new(self.columns, self.rows, self.channels, samples)?.reaching(reach.0, reach.1))
    }
}

/// The mean of so many pixels, of which `sums` are the sums.
fn push_means(samples: &mut Vec<u8>, sums: &[u64], pixels: u64, weighted: bool) {
    let mean = |sum: u64, count: u64| ((sum + count / 2) / count.max(1)).min(255) as u8;
    match sums.split_last() {
        Some((alpha, colours)) if weighted => {
            samples.extend(colours.iter().map(|sum| mean(*sum, *alpha)));
            samples.push(mean(*alpha, pixels));
        }
        _ => samples.extend(sums.iter().map(|sum| mean(*sum, pixels))),
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
