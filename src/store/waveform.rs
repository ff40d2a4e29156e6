//! The waveform of a sound: as JSON, which is what is kept, and as a picture, drawn from that when it is asked for.
//!
//! Drawing takes about a millisecond, and so no second file has to be kept, synced and removed with the asset. What is
//! drawn are numbers that were checked when they came from the worker: no decoder is involved.

use serde::{Deserialize, Serialize};

use crate::worker::Peaks;

/// audiowaveform's JSON, version 2, its keys in their order: as wavesurfer.js and peaks.js read it.
#[derive(Serialize, Deserialize)]
struct Json {
    version: u32,
    channels: u32,
    sample_rate: u32,
    samples_per_pixel: u32,
    bits: u32,
    /// Points.
    length: usize,
    /// The lowest and the highest sample of each point, one after the other.
    data: Vec<i8>,
}

const VERSION: u32 = 2;

/// Peaks as JSON: at most some 40 KB.
pub(super) fn json(peaks: &Peaks) -> Vec<u8> {
    let json = Json {
        version: VERSION,
        channels: 1,
        sample_rate: peaks.rate(),
        samples_per_pixel: peaks.samples_per_point(),
        bits: 8,
        length: peaks.points().len(),
        data: peaks.points().iter().flatten().copied().collect(),
    };
    // Numbers always have a form in JSON.
    serde_json::to_vec(&json).unwrap_or_default()
}

/// Pixels of the picture, whatever the sound: room for one point a column, and the shape of a player's bar.
const WIDTH: usize = 1800;
const HEIGHT: usize = 280;

/// Red, green, blue of the wave: a blue that shows on white and on black. Around it the picture is transparent.
const COLOUR: [u8; 3] = [0x4A, 0x7E, 0xBB];

/// Shades of a pixel that the wave covers in part, in 4 bits: 0 is transparent, the last is all of the colour.
const SHADES: usize = 16;

/// The picture of peaks that were kept as JSON, a PNG; `None` where the JSON is not ours.
pub(super) fn picture(json: &[u8]) -> Option<Vec<u8>> {
    let json: Json = serde_json::from_slice(json).ok()?;
    let (points, rest) = json.data.as_chunks();
    if json.version != VERSION || points.len() != json.length || !rest.is_empty() {
        return None;
    }
    let peaks = Peaks::new(json.sample_rate, json.samples_per_pixel, points.to_vec())?;
    encode(&draw(peaks.points())).ok()
}

/// Rows of half bytes, the left pixel in the higher half.
fn draw(points: &[[i8; 2]]) -> Vec<u8> {
    const ROW_BYTES: usize = WIDTH.div_ceil(2);
    let mut pixels = vec![0; ROW_BYTES * HEIGHT];
    for column in 0..WIDTH {
        // The points that fall on this column, or the one that spreads over it.
        let first = column * points.len() / WIDTH;
        let last = ((column + 1) * points.len()).div_ceil(WIDTH).max(first + 1);
        let covered = points.get(first..last).unwrap_or_default();
        let low = covered.iter().map(|[low, _]| *low).min().unwrap_or(0);
        let high = covered.iter().map(|[_, high]| *high).max().unwrap_or(0);
        // From the upper edge down, in shades of a pixel; silence is a line.
        let unit = HEIGHT * SHADES;
        let top = (127 - i32::from(high)).unsigned_abs() as usize * unit / 256;
        let bottom = (128 - i32::from(low)).unsigned_abs() as usize * unit / 256;
        for row in top / SHADES..bottom.div_ceil(SHADES) {
            let covered = bottom.min((row + 1) * SHADES) - top.max(row * SHADES);
            let shade = covered.min(SHADES - 1) as u8;
            if let Some(pair) = pixels.get_mut(row * ROW_BYTES + column / 2) {
                *pair |= if column % 2 == 0 { shade << 4 } else { shade };
            }
        }
    }
    pixels
}

fn encode(pixels: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, WIDTH as u32, HEIGHT as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Four);
    encoder.set_palette(COLOUR.repeat(SHADES));
    encoder.set_trns((0..SHADES).map(|shade| (shade * 255 / (SHADES - 1)) as u8).collect::<Vec<u8>>());
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}
