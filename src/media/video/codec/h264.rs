//! H.264 (ITU-T H.264 in ISO/IEC 14496-15, 5): which samples have to be decoded for a picture, and by which of two
//! decoders. The fast one reads 8-bit progressive 4:2:0 alone, which is nearly all there is; the other takes the rest.

mod decoders;

use self::decoders::{Decoder, Fast, Thorough};
use super::bits::Bits;
use super::nal::Fresh;
use super::sps::Sps;
use super::{Coded, Cost, MAX_MEMORY, Supply, nal};
use crate::media::video::boxes::u16_at;
use crate::media::video::colour::Codes;
use crate::media::video::entry::Entry;
use crate::media::video::planes::Planes;
use crate::media::video::samples::Sample;

/// Types of NAL units (H.264, table 7-1).
const SLICE: u8 = 1;
const IDR_SLICE: u8 = 5;
const SPS: u8 = 7;
const PPS: u8 = 8;

const FAST: Cost = Cost { block: 3_000, byte: 80 };
const THOROUGH: Cost = Cost { block: 7_000, byte: 120 };

/// Sequence parameter sets that are remembered, at most: as many as can have numbers.
const MAX_SETS: usize = 32;

/// The size of the pictures, by the first parameter set that agrees with the container, else by the first.
pub fn coded(entry: &Entry) -> Option<Coded> {
    let sets = Configuration::read(entry)?.sequences();
    let agreeing =
        sets.iter().find(|sps| (sps.window.width, sps.window.height) == (entry.width, entry.height));
    let sps = agreeing.or(sets.first())?;
    Some(Coded { width: sps.window.width, height: sps.window.height, pixel_aspect: sps.pixel_aspect })
}

/// Decodes the last of `samples`, or where that takes too much the one that it would have started from.
pub fn decode(entry: &Entry, samples: &[Sample], supply: &mut Supply) -> Option<Planes> {
    let configuration = Configuration::read(entry)?;
    let mut sequences = configuration.sequences();
    let mut needed = nal::needed(samples, |sample| freshness(&configuration, sample, supply))?;
    learn(&mut sequences, &configuration, needed.first()?, supply)?;
    let is_fast = sequences.iter().all(is_for_fast);
    let blocks = sequences.iter().map(Sps::blocks).max()?;
    if sequences.iter().any(|sps| memory(sps) > MAX_MEMORY) {
        needed.truncate(1);
    }
    let mut job =
        Job { configuration: &configuration, sequences, samples: needed, blocks, colour: entry.colour };
    let planes = is_fast.then(|| job.run(&mut Fast::default(), FAST, supply)).flatten();
    planes.or_else(|| job.run(&mut Thorough::default(), THOROUGH, supply))
}

/// Bytes that decoding whole groups of pictures may take: 384 a block for the samples, nearly as much for vectors and
/// what else is kept of a reference, and some pictures under way.
fn memory(sps: &Sps) -> u64 {
    let bytes_a_sample = if sps.depth > 8 { 2 } else { 1 };
    let pictures = u64::from(sps.max_references.min(16)) + 3;
    sps.blocks().saturating_mul(384 * 7 / 4 * bytes_a_sample * pictures)
}

/// What the fast decoder reads rightly. It takes the third way to code the order of display for another.
fn is_for_fast(sps: &Sps) -> bool {
    sps.chroma_format == 1 && sps.depth == 8 && !sps.bypass && sps.order_type != 1
}

/// `avcC` (ISO/IEC 14496-15, 5.3.3.1).
struct Configuration<'a> {
    /// Bytes of the length before each NAL unit, 1 to 4.
    length_bytes: usize,
    /// Parameter sets, as NAL units.
    sets: Vec<&'a [u8]>,
}

impl<'a> Configuration<'a> {
    fn read(entry: &'a Entry) -> Option<Configuration<'a>> {
        let bytes = entry.configuration.as_slice();
        let length_bytes = usize::from(bytes.get(4)? & 3) + 1;
        let mut sets = Vec::new();
        let mut rest = bytes.get(5..)?;
        for mask in [0x1F, 0xFF] {
            // The names of some formats promise that sets come with the pictures; then even the counts may be missing.
            let Some((count, behind)) = rest.split_first() else {
                break;
            };
            rest = behind;
            for _ in 0..count & mask {
                let length = usize::from(u16_at(rest, 0)?);
                sets.push(rest.get(2..2 + length)?);
                rest = rest.get(2 + length..)?;
            }
        }
        Some(Configuration { length_bytes, sets })
    }

    fn sequences(&self) -> Vec<Sps> {
        let sets = self.sets.iter().filter(|nal| kind(nal) == Some(SPS));
        sets.filter_map(|nal| Sps::read(nal.get(1..)?)).collect()
    }

    /// The NAL units of a sample that a decoder needs.
    fn nals<'s>(&self, sample: &'s [u8]) -> Vec<&'s [u8]> {
        let mut nals = nal::split(sample, self.length_bytes);
        nals.retain(|nal| matches!(kind(nal), Some(SLICE | IDR_SLICE | SPS | PPS)));
        nals
    }
}

fn kind(nal: &[u8]) -> Option<u8> {
    nal.first().map(|header| header & 0x1F)
}

/// Whether other pictures are decoded from the one that this slice belongs to (`nal_ref_idc`).
fn is_reference(nal: &[u8]) -> bool {
    nal.first().is_some_and(|header| header & 0x60 != 0)
}

fn is_slice(nal: &[u8]) -> bool {
    matches!(kind(nal), Some(SLICE | IDR_SLICE))
}

/// Adds the parameter sets that come with a sample; `None` where a picture would be larger than allowed.
fn learn(
    sequences: &mut Vec<Sps>,
    configuration: &Configuration,
    sample: &Sample,
    supply: &mut Supply,
) -> Option<()> {
    let bytes = supply.sample(sample)?;
    learn_from(sequences, &configuration.nals(&bytes), supply.limits.max_pixels)
}

fn learn_from(sequences: &mut Vec<Sps>, nals: &[&[u8]], max_pixels: u64) -> Option<()> {
    for nal in nals.iter().filter(|nal| kind(nal) == Some(SPS)) {
        let sps = Sps::read(nal.get(1..)?)?;
        if !sequences.contains(&sps) && sequences.len() < MAX_SETS {
            sequences.push(sps);
        }
    }
    let is_allowed = |sps: &Sps| u64::from(sps.window.width) * u64::from(sps.window.height) <= max_pixels;
    sequences.iter().all(is_allowed).then_some(())
}

/// Looks at the first slice of a sample, without reading all of it.
fn freshness(configuration: &Configuration, sample: &Sample, supply: &mut Supply) -> Fresh {
    const I_SLICE: u32 = 2;
    let Some(slice) = nal::first(sample, configuration.length_bytes, supply, is_slice) else {
        return Fresh::No;
    };
    if kind(&slice) == Some(IDR_SLICE) {
        return Fresh::Whole;
    }
    let mut bits = Bits::new(slice.get(1..).unwrap_or_default());
    let slice_type = bits.unsigned().and_then(|_| bits.unsigned());
    let is_intra = slice_type.is_some_and(|number| number % 5 == I_SLICE);
    if is_intra { Fresh::Open } else { Fresh::No }
}

/// A picture to decode, and all it takes.
struct Job<'a> {
    configuration: &'a Configuration<'a>,
    sequences: Vec<Sps>,
    /// The last one is shown.
    samples: Vec<Sample>,
    blocks: u64,
    colour: Option<Codes>,
}

impl Job<'_> {
    fn run(&mut self, decoder: &mut dyn Decoder, cost: Cost, supply: &mut Supply) -> Option<Planes> {
        decoder.feed(&self.configuration.sets)?;
        let is_reached = supply.reaches(&self.samples, self.blocks, cost);
        let samples = if is_reached { self.samples.as_slice() } else { self.samples.get(..1)? };
        let mut shown = None;
        let mut left = samples.len();
        for sample in samples {
            left -= 1;
            let bytes = supply.sample(sample)?;
            let nals = self.configuration.nals(&bytes);
            learn_from(&mut self.sequences, &nals, supply.limits.max_pixels)?;
            let mut slices = nals.iter().filter(|nal| is_slice(nal));
            if left > 0 && !slices.any(|nal| is_reference(nal)) {
                // Nothing is decoded from it.
                continue;
            }
            supply.work(cost.of(self.blocks, sample.size.into()))?;
            shown = decoder.feed(&nals)?.or(shown);
        }
        let frame = decoder.finish().or(shown)?;
        frame.into_planes(&self.sequences, self.colour)
    }
}
