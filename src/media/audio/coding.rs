//! How the samples of a WAV file are coded, and how many there are in so many bytes.
//!
//! Source: the Multiple Channel Audio Data and WAVE Files paper, and `mmreg.h`, both of Microsoft.

use std::num::NonZeroU16;

use super::*;

/// What the `fmt ` chunk says, its contradictions resolved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SampleFormat {
    pub coding: Coding,
    /// Not 0.
    pub channels: u16,
    /// Samples of each channel per second; not 0.
    pub rate: u32,
    /// Bytes per second on average, as stated.
    byte_rate: u32,
    /// Bytes of a block.
    pub block: NonZeroU16,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coding {
    /// A block holds one sample of each channel, an integer or a number in floating point of so many bytes.
    Integer(u16),
    Float(u16),
    /// The same, logarithmic (ITU-T G.711).
    Law(Law),
    /// A block holds a header with the first samples of each channel, and the rest in few bits.
    Adpcm(Adpcm),
    /// A block holds so many samples.
    Blocks(u16),
    /// MPEG audio of layer III.
    Mp3,
    /// One whose blocks we can't tell: the `fact` chunk or the byte rate decide.
    Other,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Law {
    A,
    Mu,
}

/// Samples in few bits, each told by its difference from what was to be expected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Adpcm {
    /// Microsoft's, in 4 bits.
    Microsoft,
    /// Of the Interactive Multimedia Association, in 4 bits or 3.
    Ima { bits: u16 },
}

impl Adpcm {
    /// Bytes of the header, and the samples in it, of one channel.
    fn header(self) -> (u16, u16) {
        match self {
            Adpcm::Microsoft => (7, 2),
            Adpcm::Ima { .. } => (4, 1),
        }
    }

    /// Samples of each channel in a block of so many bytes.
    pub fn samples(self, channels: u16, bytes: u64) -> u64 {
        let (header, first) = self.header();
        let bits = match self {
            Adpcm::Microsoft => 4,
            Adpcm::Ima { bits } => bits,
        };
        match bytes.checked_sub(u64::from(header) * u64::from(channels)) {
            Some(coded) => coded * 8 / u64::from(bits) / u64::from(channels) + u64::from(first),
            None => 0,
        }
    }
}

const PCM: u16 = 0x0001;
const MS_ADPCM: u16 = 0x0002;
const IEEE_FLOAT: u16 = 0x0003;
const ALAW: u16 = 0x0006;
const MULAW: u16 = 0x0007;
const IMA_ADPCM: u16 = 0x0011;
const GSM610: u16 = 0x0031;
const MPEG_LAYER_3: u16 = 0x0055;
const EXTENSIBLE: u16 = 0xFFFE;

/// Other codings that players know, by the numbers of `mmreg.h`: ADPCM of Dialogic, Yamaha, Creative, DSP Group
/// and ITU-T (G.721 to G.729), speech coders, MP2, AAC, WMA, AC-3, DTS, ATRAC3, Vorbis, Opus, Speex, FLAC.
const OTHERS: &[u16] = &[
    0x0010, 0x0014, 0x0017, 0x0020, 0x0022, 0x0040, 0x0042, 0x0045, 0x0050, 0x0061, 0x0062, 0x0064, 0x0065,
    0x0069, 0x0083, 0x00FF, 0x0111, 0x0130, 0x0160, 0x0161, 0x0162, 0x0163, 0x0200, 0x0270, 0x028F, 0x0401,
    0x1500, 0x1501, 0x1600, 0x1602, 0x2000, 0x2001, 0x566F, 0x674F, 0x6750, 0x6751, 0x676F, 0x6770, 0x6771,
    0x704F, 0xA100, 0xA106, 0xA109, 0xF1AC,
];

/// The end of the GUIDs that begin with such a number.
const SUBTYPES: [[u8; 14]; 2] = [
    *b"\0\0\0\0\x10\0\x80\0\0\xAA\0\x38\x9B\x71",
    // Ambisonic B-format.
    *b"\0\0\x21\x07\xD3\x11\x86\x44\xC8\xC1\xCA\0\0\0",
];

impl SampleFormat {
    /// Reads the chunk's first 40 bytes (16 or 14 will do). Refused is what leaves no way to count: no channels, no rate,
    /// no block, a coding that no player knows.
    pub fn parse(chunk: &[u8]) -> Result<SampleFormat, Flaw> {
        let field = |at: usize| {
            let bytes = chunk.get(at..)?.first_chunk()?;
            Some(u16::from_le_bytes(*bytes))
        };
        let wide = |at: usize| Some(u32::from(field(at)?) | u32::from(field(at + 2)?) << 16);
        let read = || Some((field(0)?, field(2)?, wide(4)?, wide(8)?, field(12)?));
        let (tag, channels, rate, byte_rate, stated_block) = read().ok_or(Flaw::BadHeader)?;
        if channels == 0 || rate == 0 {
            return Err(Flaw::BadSampleFormat);
        }
        let tag = if tag == EXTENSIBLE { subtype(chunk) } else { Some(tag) };
        // The oldest form of the chunk ends before the bits, which the block then tells.
        let bits = field(14).unwrap_or((stated_block / channels).saturating_mul(8));
        let sample_bytes = sample_bytes(channels, stated_block, bits);
        let coding = match tag {
            Some(PCM) if (1..=8).contains(&sample_bytes) && bits > 0 => Coding::Integer(sample_bytes),
            Some(IEEE_FLOAT) if sample_bytes == 4 || sample_bytes == 8 => Coding::Float(sample_bytes),
            Some(ALAW) => Coding::Law(Law::A),
            Some(MULAW) => Coding::Law(Law::Mu),
            Some(MS_ADPCM) => Coding::adpcm(Adpcm::Microsoft, channels, stated_block)?,
            Some(IMA_ADPCM) => {
                Coding::adpcm(Adpcm::Ima { bits: if bits == 3 { 3 } else { 4 } }, channels, stated_block)?
            }
            Some(GSM610) => Coding::Blocks(field(18).filter(|samples| *samples > 0).unwrap_or(320)),
            Some(MPEG_LAYER_3) => Coding::Mp3,
            Some(other) if OTHERS.contains(&other) => Coding::Other,
            _ => return Err(Flaw::BadSampleFormat),
        };
        let block = match coding {
            Coding::Integer(bytes) | Coding::Float(bytes) => bytes.checked_mul(channels),
            Coding::Law(_) => Some(channels),
            Coding::Adpcm(_) | Coding::Blocks(_) => Some(stated_block),
            // Nothing is counted in these.
            Coding::Mp3 | Coding::Other => Some(1),
        };
        let block = block.and_then(NonZeroU16::new).ok_or(Flaw::BadSampleFormat)?;
        Ok(SampleFormat { coding, channels, rate, byte_rate, block })
    }

    /// How long `bytes` of it last. `fact`: samples of each channel by the chunk of that name, which is only needed (and
    /// only believed) where samples come in blocks, the last of which may be filled up. `None` for MP3, and where
    /// nothing tells.
    pub fn length(&self, bytes: u64, fact: Option<u64>) -> Option<Length> {
        let block = u64::from(self.block.get());
        let (blocks, rest) = (bytes / block, bytes % block);
        let full = match self.coding {
            Coding::Integer(_) | Coding::Float(_) | Coding::Law(_) => return Some(self.samples(blocks)),
            Coding::Adpcm(adpcm) => {
                let within = |bytes| adpcm.samples(self.channels, bytes);
                (blocks.saturating_mul(within(block)).saturating_add(within(rest)), within(block))
            }
            Coding::Blocks(samples) => {
                let samples = u64::from(samples);
                (blocks.saturating_mul(samples), samples)
            }
            Coding::Mp3 => return None,
            Coding::Other => return self.stated(bytes, fact),
        };
        let (there, a_block) = full;
        let filled_up = fact.filter(|fact| *fact <= there && there - fact < a_block);
        Some(self.samples(filled_up.unwrap_or(there)))
    }

    /// The length by `fact` where that can be true, else by the byte rate (which some encoders set to their target, or
    /// to anything).
    fn stated(&self, bytes: u64, fact: Option<u64>) -> Option<Length> {
        /// From eight bytes a sample, as none is coded in more, to 16 samples a bit, as in Opus at its lowest.
        const MOST_BYTES: u64 = 8;
        const MOST_SAMPLES: u64 = 16 * 8;
        let possible = fact.filter(|fact| {
            let samples = fact.saturating_mul(self.channels.into());
            samples >= bytes / MOST_BYTES && samples / MOST_SAMPLES <= bytes
        });
        match possible.filter(|fact| *fact > 0) {
            Some(fact) => Some(self.samples(fact)),
            None => (self.byte_rate > 0)
                .then(|| Length { ticks: bytes.into(), per_second: self.byte_rate.into() }),
        }
    }

    fn samples(&self, samples: u64) -> Length {
        Length { ticks: samples.into(), per_second: self.rate.into() }
    }
}

impl Coding {
    /// A block too short for its header is refused.
    fn adpcm(adpcm: Adpcm, channels: u16, block: u16) -> Result<Coding, Flaw> {
        match adpcm.header().0.checked_mul(channels) {
            Some(header) if header <= block => Ok(Coding::Adpcm(adpcm)),
            _ => Err(Flaw::BadSampleFormat),
        }
    }
}

/// The number that the GUID of an extensible format begins with; `None` for GUIDs of another family. Where the chunk ends
/// within the GUID, the number is taken at its word.
fn subtype(chunk: &[u8]) -> Option<u16> {
    let tag = chunk.get(24..)?.first_chunk()?;
    let known = chunk.get(26..40).is_none_or(|end| SUBTYPES.iter().any(|subtype| end == subtype));
    known.then_some(u16::from_le_bytes(*tag))
}

/// Bytes of one sample: a channel's share of a block, unless that cannot hold the stated bits.
fn sample_bytes(channels: u16, block: u16, bits: u16) -> u16 {
    let share = block / channels;
    let needed = bits.div_ceil(8);
    if block.is_multiple_of(channels) && share >= needed { share } else { needed }
}
