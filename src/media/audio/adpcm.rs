//! Samples told by their differences: Microsoft's and the Interactive Multimedia Association's ADPCM, in 4 bits.
//!
//! Source: "New Multimedia Data Types and Data Techniques" (Microsoft, 1994), and "Recommended Practices for Enhancing
//! Digital Audio Compatibility in Multimedia Systems" (IMA, 1992).

use super::coding::Adpcm;

/// Adds the mean of the channels of one block to `out`, from −1 to 1; a block may be cut. `false` where it can't be read.
pub fn mix(adpcm: Adpcm, channels: u16, block: &[u8], out: &mut Vec<f32>) -> bool {
    let samples = adpcm.samples(channels, block.len() as u64);
    let from = out.len();
    out.resize(from.saturating_add(usize::try_from(samples).unwrap_or(0)), 0.0);
    let mean = out.get_mut(from..).unwrap_or_default();
    let channels = usize::from(channels);
    let share = 1.0 / (32_768.0 * channels as f32);
    // Adds a sample to what its neighbours of the other channels came to.
    let mut put = |index: usize, sample: i32| {
        if let Some(sum) = mean.get_mut(index) {
            *sum += sample as f32 * share;
        }
    };
    match adpcm {
        Adpcm::Ima { bits: 4 } => ima(channels, block, &mut put),
        Adpcm::Microsoft => microsoft(channels, block, &mut put),
        Adpcm::Ima { .. } => return false,
    }
    true
}

/// A header of four bytes for each channel: a sample, the index of a step, zero. Then four bytes of each channel in turn,
/// eight samples, the lower bits first.
fn ima(channels: usize, block: &[u8], put: &mut impl FnMut(usize, i32)) {
    let (heads, coded) = block.split_at_checked(4 * channels).unwrap_or_default();
    let (groups, _) = coded.as_chunks::<4>();
    for (channel, head) in heads.as_chunks::<4>().0.iter().enumerate() {
        let [low, high, step, _] = *head;
        let mut sample = i32::from(i16::from_le_bytes([low, high]));
        let mut step = usize::from(step).min(LAST_STEP);
        put(0, sample);
        for (turn, group) in groups.iter().skip(channel).step_by(channels).enumerate() {
            for (place, byte) in group.iter().enumerate() {
                for (half, code) in [byte & 15, byte >> 4].into_iter().enumerate() {
                    let size = STEPS.get(step).copied().unwrap_or_default();
                    let difference = ((2 * i32::from(code & 7) + 1) * size) >> 3;
                    let signed = if code & 8 != 0 { -difference } else { difference };
                    sample = (sample + signed).clamp(i16::MIN.into(), i16::MAX.into());
                    step = match code & 7 {
                        0..=3 => step.saturating_sub(1),
                        up => (step + 2 * usize::from(up) - 6).min(LAST_STEP),
                    };
                    put(1 + 8 * turn + 2 * place + half, sample);
                }
            }
        }
    }
}

/// The header: for each channel which pair of weights it takes; then for each its step; the second sample; the first.
/// The samples stand in turns, the higher bits first.
fn microsoft(channels: usize, block: &[u8], put: &mut impl FnMut(usize, i32)) {
    let (heads, coded) = block.split_at_checked(7 * channels).unwrap_or_default();
    for channel in 0..channels {
        let word = |at: usize| {
            let bytes = heads.get(channels + 2 * (at * channels + channel)..);
            bytes
                .and_then(|bytes| bytes.first_chunk())
                .map_or(0, |bytes| i32::from(i16::from_le_bytes(*bytes)))
        };
        let weights = heads.get(channel).and_then(|index| WEIGHTS.get(usize::from(*index)));
        let (first_weight, second_weight) = weights.copied().unwrap_or_default();
        let (mut step, mut last, mut before) = (word(0), word(1), word(2));
        put(0, before);
        put(1, last);
        // Of all codes in their order, every so many is this channel's.
        for (turn, place) in (channel..2 * coded.len()).step_by(channels).enumerate() {
            let byte = coded.get(place / 2).copied().unwrap_or_default();
            let code = if place % 2 == 0 { byte >> 4 } else { byte & 15 };
            let signed = if code >= 8 { i32::from(code) - 16 } else { i32::from(code) };
            let expected = (last * first_weight + before * second_weight) / 256;
            before = last;
            last =
                expected.saturating_add(signed.saturating_mul(step)).clamp(i16::MIN.into(), i16::MAX.into());
            let growth = GROWTH.get(usize::from(code)).copied().unwrap_or(256);
            step = (growth.saturating_mul(step) / 256).max(LEAST_STEP);
            put(2 + turn, last);
        }
    }
}

const LEAST_STEP: i32 = 16;

const GROWTH: [i32; 16] = [230, 230, 230, 230, 307, 409, 512, 614, 768, 614, 512, 409, 307, 230, 230, 230];

/// In 256ths: of the last sample, and of the one before it. Files bring the same seven along.
const WEIGHTS: [(i32, i32); 7] =
    [(256, 0), (512, -256), (0, 0), (192, 64), (240, 0), (460, -208), (392, -232)];

const LAST_STEP: usize = STEPS.len() - 1;

const STEPS: [i32; 89] = [
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88,
    97, 107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658,
    724, 796, 876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660,
    4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818,
    18500, 20350, 22385, 24623, 27086, 29794, 32767,
];
