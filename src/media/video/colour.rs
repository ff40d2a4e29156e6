//! From the colours of film to sRGB.
//!
//! Pictures in the usual range go through their matrix alone, as every player does. High dynamic range (PQ, HLG) is
//! brought into the range of a screen, wide primaries into those of sRGB.

use super::boxes::u16_at;

/// How colours are coded, by the numbers of ITU-T H.273 (8.1 to 8.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Codes {
    pub primaries: u16,
    pub transfer: u16,
    pub matrix: u16,
    /// Whether samples use all their values, not 16 to 235 (240) of each 256.
    pub full_range: bool,
}

impl Codes {
    /// Number 2 in each column.
    pub const UNSPECIFIED: Codes = Codes { primaries: 2, transfer: 2, matrix: 2, full_range: false };

    /// The body of `colr` (ISO/IEC 14496-12, 12.1.5; QuickTime's `nclc` has no range); `None` for ICC profiles.
    pub fn from_container(body: &[u8]) -> Option<Codes> {
        let kind = body.get(..4)?;
        if !matches!(kind, b"nclx" | b"nclc") {
            return None;
        }
        Some(Codes {
            primaries: u16_at(body, 4)?,
            transfer: u16_at(body, 6)?,
            matrix: u16_at(body, 8)?,
            full_range: kind == b"nclx" && body.get(10)? & 0x80 != 0,
        })
    }

    /// What the stream says of colours, and where it is silent the container.
    pub fn merged(stream: Option<Codes>, container: Option<Codes>) -> Codes {
        let container = container.unwrap_or(Codes::UNSPECIFIED);
        let Some(stream) = stream else {
            return container;
        };
        let pick = |stream: u16, container: u16| if stream == 2 { container } else { stream };
        Codes {
            primaries: pick(stream.primaries, container.primaries),
            transfer: pick(stream.transfer, container.transfer),
            matrix: pick(stream.matrix, container.matrix),
            full_range: stream.full_range,
        }
    }

    /// The weights of red and blue in luma. Where the matrix is not given it goes by the lines, as with players.
    fn weights(self, lines: u32) -> (f32, f32) {
        /// Standard definition has 576 lines at most.
        const STANDARD_LINES: u32 = 576;
        match self.matrix {
            1 => (0.2126, 0.0722),
            4 => (0.30, 0.11),
            5 | 6 => (0.299, 0.114),
            7 => (0.212, 0.087),
            9 | 10 => (0.2627, 0.0593),
            _ if self.primaries == 9 => (0.2627, 0.0593),
            _ if lines > STANDARD_LINES => (0.2126, 0.0722),
            _ => (0.299, 0.114),
        }
    }
}

/// Turns samples into sRGB.
pub struct Converter {
    luma: Scale,
    chroma: Scale,
    matrix: Matrix,
    light: Light,
}

/// The number of the matrix that leaves green, blue and red as they are.
pub const IDENTITY: u16 = 0;

/// How three samples stand for red, green and blue.
enum Matrix {
    /// What Cr adds to red, Cb and Cr to green, Cb to blue.
    Differences { red_v: f32, green_u: f32, green_v: f32, blue_u: f32 },
    /// They are green, blue and red themselves (matrix 0).
    Identity,
    /// Y, Cg and Co (matrix 8).
    GreenOrange,
}

/// A straight line from a sample's value.
struct Scale {
    offset: f32,
    factor: f32,
}

impl Scale {
    fn apply(&self, sample: f32) -> f32 {
        (sample - self.offset) * self.factor
    }
}

/// What has to be done to the light itself.
enum Light {
    /// Nothing: the coded values are those of a screen.
    AsIs,
    /// The transfer, and linear light of these primaries to sRGB's.
    Convert(Transfer, [[f32; 3]; 3]),
}

#[derive(Clone, Copy)]
enum Transfer {
    Screen,
    Pq,
    Hlg,
}

const UNIT: [[f32; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
/// BT.2020 to BT.709 (ITU-R BT.2087-0, 2.1, inverted).
const FROM_2020: [[f32; 3]; 3] =
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]];
/// P3 with the white of D65 (SMPTE EG 432-1) to BT.709.
const FROM_P3: [[f32; 3]; 3] = [[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]];

impl Converter {
    /// For samples of `depth` bits out of a picture of so many lines.
    pub fn new(codes: Codes, depth: u8, lines: u32) -> Converter {
        let unit = f32::from(1_u16 << depth.clamp(8, 15).saturating_sub(8));
        let (luma, chroma) = if codes.full_range {
            let most = 256.0 * unit - 1.0;
            (1.0 / most, 1.0 / most)
        } else {
            (1.0 / (219.0 * unit), 1.0 / (224.0 * unit))
        };
        let black = if codes.full_range { 0.0 } else { 16.0 * unit };
        let matrix = match codes.matrix {
            IDENTITY => Matrix::Identity,
            8 => Matrix::GreenOrange,
            _ => Matrix::of_weights(codes.weights(lines)),
        };
        let transfer = match codes.transfer {
            16 => Transfer::Pq,
            18 => Transfer::Hlg,
            _ => Transfer::Screen,
        };
        let to_srgb = match (codes.primaries, transfer) {
            (9, _) | (2, Transfer::Pq | Transfer::Hlg) => FROM_2020,
            (11 | 12, _) => FROM_P3,
            _ => UNIT,
        };
        let light = match transfer {
            Transfer::Screen if to_srgb == UNIT => Light::AsIs,
            transfer => Light::Convert(transfer, to_srgb),
        };
        Converter {
            luma: Scale { offset: black, factor: luma },
            chroma: Scale { offset: 128.0 * unit, factor: chroma },
            matrix,
            light,
        }
    }

    /// One pixel without chroma.
    pub fn grey(&self, y: u16) -> [u8; 3] {
        self.screen([self.luma.apply(y.into()); 3])
    }

    /// One pixel.
    pub fn pixel(&self, y: u16, u: u16, v: u16) -> [u8; 3] {
        let luma = self.luma.apply(y.into());
        let difference = |sample: u16| self.chroma.apply(sample.into());
        self.screen(match self.matrix {
            Matrix::Identity => [v, y, u].map(|sample| self.luma.apply(sample.into())),
            Matrix::GreenOrange => {
                let (green, orange) = (difference(u), difference(v));
                [luma - green + orange, luma + green, luma - green - orange]
            }
            Matrix::Differences { red_v, green_u, green_v, blue_u } => {
                let (u, v) = (difference(u), difference(v));
                [luma + red_v * v, luma - green_u * u - green_v * v, luma + blue_u * u]
            }
        })
    }

    /// Red, green and blue as coded, 0 to 1, in sRGB.
    pub fn screen(&self, rgb: [f32; 3]) -> [u8; 3] {
        let rgb = match &self.light {
            Light::AsIs => rgb,
            Light::Convert(transfer, matrix) => {
                let linear = transfer.to_linear(rgb.map(|value| value.clamp(0.0, 1.0)));
                let row = |[r, g, b]: [f32; 3]| r * linear[0] + g * linear[1] + b * linear[2];
                matrix.map(|weights| to_screen(row(weights).clamp(0.0, 1.0)))
            }
        };
        // The cast saturates.
        rgb.map(|value| (value * 255.0 + 0.5) as u8)
    }
}

impl Matrix {
    /// Of the weights of red and blue in luma (H.273, 8.3).
    fn of_weights((red, blue): (f32, f32)) -> Matrix {
        let green = 1.0 - red - blue;
        Matrix::Differences {
            red_v: 2.0 * (1.0 - red),
            green_u: 2.0 * (1.0 - blue) * blue / green,
            green_v: 2.0 * (1.0 - red) * red / green,
            blue_u: 2.0 * (1.0 - blue),
        }
    }
}

/// The luminance, in candela a square metre, of paper white in high dynamic range (ITU-R BT.2408-7, 2.1), which is
/// a screen's full white here; and of the brightest that films are commonly made for.
const WHITE: f32 = 203.0;
const PEAK: f32 = 1000.0;

impl Transfer {
    /// Linear light, 1 at a screen's full white.
    fn to_linear(self, rgb: [f32; 3]) -> [f32; 3] {
        match self {
            Transfer::Screen => rgb.map(from_screen),
            Transfer::Pq => tone_mapped(rgb.map(from_pq)),
            Transfer::Hlg => {
                let scene = rgb.map(from_hlg);
                let luminance = 0.2627 * scene[0] + 0.6780 * scene[1] + 0.0593 * scene[2];
                // The system gamma is 1.2 on a screen of 1000 cd/m² (ITU-R BT.2100-2, table 5).
                let gain = luminance.max(0.0).powf(0.2) * PEAK;
                tone_mapped(scene.map(|value| value * gain))
            }
        }
    }
}

/// ITU-R BT.2390-8, 5.4.1: below a knee light stays as it is, above it is bent so that [`PEAK`] comes out as
/// [`WHITE`]. All three colours are scaled alike, by the brightest, so that hues stay.
fn tone_mapped(light: [f32; 3]) -> [f32; 3] {
    let brightest = light[0].max(light[1]).max(light[2]);
    if brightest <= 0.0 {
        return [0.0; 3];
    }
    let peak = to_pq(PEAK);
    let most = to_pq(WHITE) / peak;
    let knee = 1.5 * most - 0.5;
    let value = (to_pq(brightest) / peak).min(1.0);
    let bent = if value < knee {
        value
    } else {
        let t = (value - knee) / (1.0 - knee);
        let (t2, t3) = (t * t, t * t * t);
        (2.0 * t3 - 3.0 * t2 + 1.0) * knee + (t3 - 2.0 * t2 + t) * (1.0 - knee) + (3.0 * t2 - 2.0 * t3) * most
    };
    let factor = from_pq(bent * peak) / brightest / WHITE;
    light.map(|value| value * factor)
}

/// The constants of PQ (ITU-R BT.2100-2, table 4).
const M1: f32 = 0.159_301_76;
const M2: f32 = 78.843_75;
const C1: f32 = 0.835_937_5;
const C2: f32 = 18.851_563;
const C3: f32 = 18.6875;

/// Candela a square metre.
fn from_pq(value: f32) -> f32 {
    let root = value.max(0.0).powf(1.0 / M2);
    10_000.0 * ((root - C1).max(0.0) / (C2 - C3 * root)).powf(1.0 / M1)
}

fn to_pq(light: f32) -> f32 {
    let root = (light / 10_000.0).max(0.0).powf(M1);
    ((C1 + C2 * root) / (1.0 + C3 * root)).powf(M2)
}

/// Scene light, 0 to 1 (ITU-R BT.2100-2, table 5).
fn from_hlg(value: f32) -> f32 {
    const A: f32 = 0.178_832_77;
    const B: f32 = 0.284_668_92;
    const C: f32 = 0.559_910_7;
    if value <= 0.5 { value * value / 3.0 } else { (((value - C) / A).exp() + B) / 12.0 }
}

/// sRGB (IEC 61966-2-1), which stands for what a screen makes of any film of the usual range.
fn from_screen(value: f32) -> f32 {
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

fn to_screen(light: f32) -> f32 {
    if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}
