//! The frame some encoders put first: silent to a decoder, it tells of the others.
//!
//! What it says of their number is not believed (it goes stale when a file is cut or joined, and it lies); what it says
//! of the silence that the encoder added is what every player cuts off.

use super::frame::{HEADER_BYTES, Header};

/// A frame that holds no sound.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Info {
    /// Frames of sound when the file was written.
    frames: Option<u64>,
    /// Samples of silence before the sound and behind it, as the encoder states them.
    silence: Option<(u64, u64)>,
}

/// Samples by which a decoder lags (LAME's `DECDELAY` and one): at the start more, at the end less.
const DECODER_DELAY: u64 = 529;

impl Info {
    /// Looks for "Xing" or "Info" behind the side information, or "VBRI" 32 bytes behind the header.
    pub fn read(frame: &[u8], header: &Header) -> Option<Info> {
        let side = header.side_bytes();
        // With a checksum some encoders count its two bytes and some forget them.
        let checked = if header.crc { side + 2 } else { side };
        [side, checked]
            .iter()
            .find_map(|offset| Info::xing(frame.get(HEADER_BYTES + offset..)?))
            .or_else(|| Info::vbri(frame.get(HEADER_BYTES + 32..)?))
    }

    /// The word, flags, and by these: frames, bytes, 100 bytes of places, quality; then the encoder's own part.
    fn xing(bytes: &[u8]) -> Option<Info> {
        if !bytes.starts_with(b"Xing") && !bytes.starts_with(b"Info") {
            return None;
        }
        let Some(flags) = be32(bytes, 4) else {
            return Some(Info::default());
        };
        let frames = (flags & 1 != 0).then(|| be32(bytes, 8)).flatten().map(u64::from);
        let lengths = [4, 4, 100, 4].iter().enumerate();
        let fields: usize = lengths.map(|(bit, length)| length * (flags >> bit & 1) as usize).sum();
        let silence = bytes.get(8 + fields..).and_then(Info::silence);
        Some(Info { frames, silence })
    }

    /// LAME's tag: 21 bytes, the first nine the encoder's name, then twice twelve bits.
    fn silence(bytes: &[u8]) -> Option<(u64, u64)> {
        let known = [b"LAME", b"Lavc", b"Lavf"].iter().any(|name| bytes.starts_with(*name));
        let packed = be32(bytes, 20)? & 0xFF_FFFF;
        known.then_some((u64::from(packed >> 12), u64::from(packed & 0xFFF)))
    }

    /// Fraunhofer's: the word, version, delay, quality, bytes, frames.
    fn vbri(bytes: &[u8]) -> Option<Info> {
        bytes.starts_with(b"VBRI").then(|| Info { frames: be32(bytes, 14).map(u64::from), silence: None })
    }

    /// Samples that a decoder gives out before the sound begins.
    pub fn lead(&self) -> u64 {
        self.silence.map_or(0, |(before, _)| before + DECODER_DELAY)
    }

    /// How many samples of `frames` frames with `samples` each the encoder added around the sound. The ones behind it are
    /// only there as far as the file is whole.
    pub fn added(&self, frames: u64, samples: u64) -> u64 {
        let Some((_, behind)) = self.silence else {
            return 0;
        };
        let there = frames.saturating_mul(samples);
        let written = self.frames.unwrap_or(0).max(frames).saturating_mul(samples);
        let sound_end = written.saturating_sub(behind.saturating_sub(DECODER_DELAY));
        self.lead() + there.saturating_sub(sound_end)
    }
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(*bytes.first_chunk()?))
}
