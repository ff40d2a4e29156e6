//! Samples that stand in a file one by one, and the mean of a moment's channels.

use super::coding::{Coding, Law, SampleFormat};

/// Adds the mean of the channels of each whole block to `out`, from −1 to 1. `false` where samples don't stand one by one.
pub fn mix(format: &SampleFormat, bytes: &[u8], out: &mut Vec<f32>) -> bool {
    let channels = usize::from(format.channels);
    match format.coding {
        Coding::Integer(1) => mean(bytes, channels, out, |[a]| (f32::from(a) - 128.0) / 128.0),
        Coding::Integer(2) => {
            mean(bytes, channels, out, |bytes| f32::from(i16::from_le_bytes(bytes)) / 32_768.0)
        }
        Coding::Integer(3) => mean(bytes, channels, out, |[a, b, c]| integer([0, a, b, c])),
        Coding::Integer(4) => mean(bytes, channels, out, integer),
        // Of more than 32 bits the highest count.
        Coding::Integer(5) => mean(bytes, channels, out, |[_, a, b, c, d]| integer([a, b, c, d])),
        Coding::Integer(6) => mean(bytes, channels, out, |[_, _, a, b, c, d]| integer([a, b, c, d])),
        Coding::Integer(7) => mean(bytes, channels, out, |[_, _, _, a, b, c, d]| integer([a, b, c, d])),
        Coding::Integer(8) => mean(bytes, channels, out, |[_, _, _, _, a, b, c, d]| integer([a, b, c, d])),
        Coding::Float(4) => mean(bytes, channels, out, f32::from_le_bytes),
        Coding::Float(8) => mean(bytes, channels, out, |bytes| f64::from_le_bytes(bytes) as f32),
        Coding::Law(law) => {
            let table = table(law);
            mean(bytes, channels, out, |[a]| table.get(usize::from(a)).copied().unwrap_or_default());
        }
        _ => return false,
    }
    true
}

fn integer(bytes: [u8; 4]) -> f32 {
    i32::from_le_bytes(bytes) as f32 / -(i32::MIN as f32)
}

/// The usual numbers of channels have loops of their own, which take several samples at a time.
fn mean<const N: usize>(bytes: &[u8], channels: usize, out: &mut Vec<f32>, read: impl Fn([u8; N]) -> f32) {
    let (samples, _) = bytes.as_chunks::<N>();
    match channels {
        1 => out.extend(samples.iter().map(|sample| read(*sample))),
        2 => {
            let (pairs, _) = samples.as_chunks::<2>();
            out.extend(pairs.iter().map(|[left, right]| (read(*left) + read(*right)) / 2.0));
        }
        _ => {
            let blocks = samples.chunks_exact(channels.max(1));
            out.extend(blocks.map(|block| {
                let sum: f32 = block.iter().map(|sample| read(*sample)).sum();
                sum / channels as f32
            }));
        }
    }
}

/// What each byte stands for (ITU-T G.711, tables 1 and 2).
fn table(law: Law) -> [f32; 256] {
    let mut table = [0.0; 256];
    for (byte, sample) in (0_u8..=255).zip(&mut table) {
        let value = match law {
            Law::A => alaw(byte),
            Law::Mu => mulaw(byte),
        };
        *sample = f32::from(value) / 32_768.0;
    }
    table
}

/// A sign, three bits of exponent, four of mantissa; every other bit inverted.
fn alaw(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let mantissa = i16::from(byte & 15) << 4 | 8;
    let size = match byte >> 4 & 7 {
        0 => mantissa,
        exponent => (mantissa + 0x100) << (exponent - 1),
    };
    if byte & 0x80 != 0 { size } else { -size }
}

/// The same, but for an offset of 33 (here in 16 bits: 132), and all bits inverted.
fn mulaw(byte: u8) -> i16 {
    const OFFSET: i16 = 132;
    let byte = !byte;
    let size = ((i16::from(byte & 15) << 3 | OFFSET) << (byte >> 4 & 7)) - OFFSET;
    if byte & 0x80 != 0 { -size } else { size }
}
