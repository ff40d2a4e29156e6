//! AAC in ADTS frames (ISO/IEC 13818-7, 6.2): not kept by itself, but met behind tags and inside WAV.

use std::ops::Range;

use super::window::Window;
use super::*;

/// The header of a frame.
#[derive(Clone, Copy)]
pub struct Frame {
    /// What is the same in all frames of a stream.
    stream: [u8; 2],
    /// With its header.
    bytes: usize,
    /// Samples of each channel per second.
    rate: u32,
    /// Of 1024 samples each.
    blocks: u32,
}

/// Bytes of a header without its checksum.
const HEADER_BYTES: usize = 7;

const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// Frames in a row that settle that it is a stream of them.
const ENOUGH: u64 = 3;

impl Frame {
    pub fn parse(bytes: &[u8]) -> Option<Frame> {
        let &[sync, kind, coding, b3, b4, b5, b6] = bytes.first_chunk::<HEADER_BYTES>()?;
        let length = usize::from(b3 & 3) << 11 | usize::from(b4) << 3 | usize::from(b5 >> 5);
        let rate = *RATES.get(usize::from(coding >> 2 & 15))?;
        let valid = sync == 0xFF && kind & 0xF6 == 0xF0 && length > HEADER_BYTES;
        valid.then_some(Frame {
            stream: [kind & 0xFE, coding & 0xFD],
            bytes: length,
            rate,
            blocks: u32::from(b6 & 3) + 1,
        })
    }

    fn agrees(&self, other: &Frame) -> bool {
        self.stream == other.stream
    }
}

/// Whether this is a stream of them: two in a row that agree, or one that is the whole file.
pub fn is_aac(bytes: &[u8], ends: bool) -> bool {
    let Some(first) = Frame::parse(bytes) else {
        return false;
    };
    match bytes.get(first.bytes..).filter(|behind| !behind.is_empty()) {
        Some(behind) => Frame::parse(behind).is_some_and(|next| next.agrees(&first)),
        None => ends && first.bytes == bytes.len(),
    }
}

/// How long the frames last that follow each other from the start of `range` on; `None` where none stand there.
pub fn measure(source: &mut dyn Source, range: Range<u64>) -> Result<Option<Length>, Refusal> {
    let mut window = Window::new(source, range.end);
    let Some(first) = Frame::parse(window.bytes(range.start, HEADER_BYTES)?) else {
        return Ok(None);
    };
    let (mut at, mut frames, mut blocks) = (range.start, 0_u64, 0_u128);
    while let Some(next) = Frame::parse(window.bytes(at, HEADER_BYTES)?)
        && next.agrees(&first)
    {
        at += next.bytes as u64;
        frames += 1;
        blocks += u128::from(next.blocks);
    }
    const BLOCK_SAMPLES: u128 = 1024;
    let length = Length { ticks: blocks * BLOCK_SAMPLES, per_second: first.rate.into() };
    Ok((frames >= ENOUGH || at >= range.end).then_some(length))
}
