//! The inverse transform at four sizes (T.81, A.3.3, and the same with fewer frequencies).

/// Where each coefficient of the zigzag sequence stands in its block, row × 8 + column (figure A.6).
#[rustfmt::skip]
const ZIGZAG: [u8; 64] = [
     0,  1,  8, 16,  9,  2,  3, 10, 17, 24, 32, 25, 18, 11,  4,  5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,  6,  7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// How many samples a side a block of 8 × 8 becomes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scale {
    Eighth,
    Quarter,
    Half,
    Full,
}

impl Scale {
    pub const ALL: [Scale; 4] = [Scale::Eighth, Scale::Quarter, Scale::Half, Scale::Full];

    pub fn side(self) -> usize {
        match self {
            Scale::Eighth => 1,
            Scale::Quarter => 2,
            Scale::Half => 4,
            Scale::Full => 8,
        }
    }

    /// How many coefficients of the zigzag sequence are needed: up to the last of the lowest `side` × `side`
    /// frequencies.
    pub fn coefficients(self) -> usize {
        match self {
            Scale::Eighth => 1,
            Scale::Quarter => 5,
            Scale::Half => 25,
            Scale::Full => 64,
        }
    }
}

/// The transform of one component.
pub struct Transform {
    scale: Scale,
    /// In zigzag order, times what brings samples of more than 8 bits to 8.
    steps: [f32; 64],
    /// `basis[sample][frequency]`. An 8-point transform of which only the lowest `side` frequencies are kept and drawn
    /// at `side` points has the same factor, a half, at every size.
    basis: [[f32; 8]; 8],
}

impl Transform {
    /// `steps` is the quantization table in zigzag order; `precision` the bits a sample, 8 or 12.
    pub fn new(scale: Scale, steps: &[u16; 64], precision: u8) -> Transform {
        let side = scale.side();
        let mut basis = [[0.0; 8]; 8];
        for (sample, row) in basis.iter_mut().enumerate().take(side) {
            for (frequency, value) in row.iter_mut().enumerate().take(side) {
                let angle =
                    (2 * sample + 1) as f64 * frequency as f64 * std::f64::consts::PI / (2 * side) as f64;
                let factor = if frequency == 0 { std::f64::consts::FRAC_1_SQRT_2 } else { 1.0 };
                *value = (0.5 * factor * angle.cos()) as f32;
            }
        }
        let to_8_bits = 1.0 / f32::from(1u16 << (precision - 8).min(8));
        Transform { scale, steps: steps.map(|step| f32::from(step) * to_8_bits), basis }
    }

    /// Writes a block's samples: its first row at the start of `target`, each `stride` behind the last.
    ///
    /// `coefficients` are quantized, in zigzag order, as many as [`Scale::coefficients`] or more.
    pub fn draw(&self, coefficients: &[i16], target: &mut [u8], stride: usize) {
        match self.scale {
            Scale::Eighth => self.draw_flat(coefficients, target, stride),
            _ if coefficients.iter().skip(1).all(|value| *value == 0) => {
                self.draw_flat(coefficients, target, stride)
            }
            Scale::Quarter => self.draw_sized::<2>(coefficients, target, stride),
            Scale::Half => self.draw_sized::<4>(coefficients, target, stride),
            Scale::Full => self.draw_sized::<8>(coefficients, target, stride),
        }
    }

    /// A block of which only the mean is known, or asked for.
    fn draw_flat(&self, coefficients: &[i16], target: &mut [u8], stride: usize) {
        let side = self.scale.side();
        let mean = coefficients.first().map_or(0.0, |value| f32::from(*value) * self.steps[0] / 8.0);
        for row in target.chunks_mut(stride.max(1)).take(side) {
            row.iter_mut().take(side).for_each(|place| *place = sample(mean));
        }
    }

    /// Rows first, then columns.
    fn draw_sized<const N: usize>(&self, coefficients: &[i16], target: &mut [u8], stride: usize) {
        let mut block = [[0.0f32; N]; N];
        for ((value, step), place) in coefficients.iter().zip(&self.steps).zip(&ZIGZAG) {
            let (row, column) = (usize::from(place / 8), usize::from(place % 8));
            if *value != 0 && row < N && column < N {
                block[row][column] = f32::from(*value) * step;
            }
        }
        let mut basis = [[0.0f32; N]; N];
        for (row, from) in basis.iter_mut().zip(&self.basis) {
            row.copy_from_slice(&from[..N]);
        }
        // `half[frequency down][sample across]`
        let mut half = [[0.0f32; N]; N];
        for (row, from) in half.iter_mut().zip(&block) {
            for (place, waves) in row.iter_mut().zip(&basis) {
                *place = waves.iter().zip(from).map(|(wave, value)| wave * value).sum();
            }
        }
        for (waves, row) in basis.iter().zip(target.chunks_mut(stride.max(1))) {
            let mut sums = [0.0f32; N];
            for (wave, from) in waves.iter().zip(&half) {
                for (sum, value) in sums.iter_mut().zip(from) {
                    *sum += wave * value;
                }
            }
            for (place, sum) in row.iter_mut().zip(sums) {
                *place = sample(sum);
            }
        }
    }
}

/// Shifted by half the range (A.3.1), to the nearest.
#[inline(always)]
fn sample(value: f32) -> u8 {
    // The conversion saturates.
    (value + 128.5) as u8
}
