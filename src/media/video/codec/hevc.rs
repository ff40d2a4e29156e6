//! HEVC (ITU-T H.265 in ISO/IEC 14496-15, 8): which samples have to be decoded for a picture, and by which of two
//! decoders. Of films with two views (MV-HEVC) the base layer alone is looked at.

mod decoders;
mod sps;

use self::decoders::{Decoder, Fast, Thorough};
use self::sps::Sps;
use super::nal::Fresh;
use super::{Coded, Cost, MAX_MEMORY, Supply, nal};
use crate::media::video::boxes::u16_at;
use crate::media::video::entry::Entry;
use crate::media::video::planes::Planes;
use crate::media::video::samples::Sample;

/// Types of NAL units (H.265, table 7-1). Those below 32 are slices; of the first 16 the even ones are of pictures
/// that no other of the same temporal layer is decoded from.
const LAST_PLAIN: u8 = 15;
const FIRST_BROKEN_LINK: u8 = 16;
const LAST_IDR: u8 = 20;
const CRA: u8 = 21;
const VPS: u8 = 32;
const SPS: u8 = 33;
const PPS: u8 = 34;
const END_OF_SEQUENCE: u8 = 36;

/// Sequence parameter sets that are remembered, at most: as many as can have numbers.
const MAX_SETS: usize = 16;

const FAST: Cost = Cost { block: 5_000, byte: 80 };
const THOROUGH: Cost = Cost { block: 9_000, byte: 150 };

/// The size of the pictures, by the first parameter set that agrees with the container, else by the first.
pub fn coded(entry: &Entry) -> Option<Coded> {
    let sets = Configuration::read(entry)?.sequences();
    let agreeing =
        sets.iter().find(|sps| (sps.window.width, sps.window.height) == (entry.width, entry.height));
    let sps = agreeing.or(sets.first())?;
    Some(Coded {
        width: sps.window.width,
        height: sps.window.height,
        pixel_aspect: sps.usability.pixel_aspect,
    })
}

/// Decodes the last of `samples`, or where that takes too much the one that it would have started from.
pub fn decode(entry: &Entry, samples: &[Sample], supply: &mut Supply) -> Option<Planes> {
    let configuration = Configuration::read(entry)?;
    let mut sequences = configuration.sequences();
    let mut needed = nal::needed(samples, |sample| freshness(&configuration, sample, supply))?;
    let first = *needed.first()?;
    let bytes = supply.sample(&first)?;
    learn(&mut sequences, &configuration.nals(&bytes), supply.limits.max_pixels)?;
    let is_for_fast = sequences.iter().all(|sps| matches!(sps.chroma_format, 1 | 3) && sps.depth <= 12);
    let cost = if is_for_fast { FAST } else { THOROUGH };
    let mut blocks = sequences.iter().map(Sps::blocks).max()?;
    if sequences.iter().any(|sps| memory(sps) > MAX_MEMORY) || !supply.reaches(&needed, blocks, cost) {
        needed.truncate(1);
    }
    let layer = nal::first(needed.last()?, configuration.length_bytes, supply, is_slice)
        .map_or(0, |nal| temporal_layer(&nal));

    let mut decoder: Box<dyn Decoder> = if is_for_fast {
        Box::new(Fast::new(supply.limits.max_pixels))
    } else {
        Box::new(Thorough::default())
    };
    for set in &configuration.sets {
        decoder.feed(set);
    }
    let mut shown = None;
    let mut left = needed.len();
    for sample in &needed {
        left -= 1;
        let Some(bytes) = supply.sample(sample) else {
            break;
        };
        let nals = configuration.nals(&bytes);
        let known = sequences.len();
        // What comes too large behind the first picture leaves that one.
        if learn(&mut sequences, &nals, supply.limits.max_pixels).is_none()
            || sequences.iter().skip(known).any(|sps| memory(sps) > MAX_MEMORY)
        {
            break;
        }
        blocks = sequences.iter().skip(known).map(Sps::blocks).fold(blocks, u64::max);
        let is_spare = left > 0 && !nals.iter().any(|nal| is_slice(nal) && is_needed(nal, layer));
        if !is_spare && supply.work(cost.of(blocks, sample.size.into())).is_none() {
            break;
        }
        for nal in nals.iter().filter(|nal| !is_spare || !is_slice(nal)) {
            shown = decoder.feed(nal).or(shown);
        }
    }
    let frame = decoder.finish().or(shown)?;
    Some(frame.into_planes(&sequences, entry.colour))
}

/// Bytes that decoding whole groups of pictures may take: the samples, half as much again for vectors and what else is
/// kept of a reference, and some pictures under way.
fn memory(sps: &Sps) -> u64 {
    let halves = [2, 3, 4, 6].get(sps.chroma_format as usize).copied().unwrap_or(6);
    let bytes_a_sample = if sps.depth > 8 || matches!(sps.chroma_format, 0 | 2) { 2 } else { 1 };
    let pictures = u64::from(sps.max_pictures.min(16)) + 3;
    sps.blocks().saturating_mul(256 / 2 * halves * bytes_a_sample * pictures * 3 / 2)
}

/// `hvcC` (ISO/IEC 14496-15, 8.3.3.1).
struct Configuration<'a> {
    /// Bytes of the length before each NAL unit, 1 to 4.
    length_bytes: usize,
    /// Parameter sets, as NAL units.
    sets: Vec<&'a [u8]>,
}

impl<'a> Configuration<'a> {
    fn read(entry: &'a Entry) -> Option<Configuration<'a>> {
        let bytes = entry.configuration.as_slice();
        let length_bytes = usize::from(bytes.get(21)? & 3) + 1;
        let mut sets = Vec::new();
        let mut rest = bytes.get(23..)?;
        for _ in 0..*bytes.get(22)? {
            let count = u16_at(rest, 1)?;
            rest = rest.get(3..)?;
            for _ in 0..count {
                let length = usize::from(u16_at(rest, 0)?);
                let set = rest.get(2..2 + length)?;
                if matches!(kind(set), Some(VPS | SPS | PPS)) && is_base_layer(set) {
                    sets.push(set);
                }
                rest = rest.get(2 + length..)?;
            }
        }
        Some(Configuration { length_bytes, sets })
    }

    fn sequences(&self) -> Vec<Sps> {
        let sets = self.sets.iter().filter(|nal| kind(nal) == Some(SPS));
        sets.filter_map(|nal| Sps::read(nal.get(2..)?)).take(MAX_SETS).collect()
    }

    /// The NAL units of a sample that a decoder needs.
    fn nals<'s>(&self, sample: &'s [u8]) -> Vec<&'s [u8]> {
        let mut nals = nal::split(sample, self.length_bytes);
        let is_wanted = |nal: &&[u8]| {
            is_slice(nal)
                || matches!(kind(nal), Some(VPS | SPS | PPS | END_OF_SEQUENCE)) && is_base_layer(nal)
        };
        nals.retain(is_wanted);
        nals
    }
}

fn kind(nal: &[u8]) -> Option<u8> {
    nal.first().map(|header| header >> 1 & 0x3F)
}

fn is_base_layer(nal: &[u8]) -> bool {
    matches!(nal, [first, second, ..] if first & 1 == 0 && second >> 3 == 0)
}

fn is_slice(nal: &[u8]) -> bool {
    kind(nal).is_some_and(|kind| kind <= CRA) && is_base_layer(nal)
}

fn temporal_layer(nal: &[u8]) -> u8 {
    nal.get(1).map_or(0, |second| (second & 7).saturating_sub(1))
}

/// Whether a picture of a temporal layer may be decoded from the one that this slice belongs to (7.4.2.2).
fn is_needed(nal: &[u8], layer: u8) -> bool {
    let own = temporal_layer(nal);
    let is_spare = kind(nal).is_some_and(|kind| kind <= LAST_PLAIN && kind % 2 == 0);
    own < layer || own == layer && !is_spare
}

/// Remembers the parameter sets that come with a sample; `None` where a picture would be larger than allowed.
fn learn(sequences: &mut Vec<Sps>, nals: &[&[u8]], max_pixels: u64) -> Option<()> {
    for nal in nals.iter().filter(|nal| kind(nal) == Some(SPS)) {
        let sps = Sps::read(nal.get(2..)?)?;
        if !sequences.contains(&sps) && sequences.len() < MAX_SETS {
            sequences.push(sps);
        }
    }
    let is_allowed = |sps: &Sps| u64::from(sps.width) * u64::from(sps.height) <= max_pixels;
    sequences.iter().all(is_allowed).then_some(())
}

fn freshness(configuration: &Configuration, sample: &Sample, supply: &mut Supply) -> Fresh {
    let slice = nal::first(sample, configuration.length_bytes, supply, is_slice);
    match slice.as_deref().and_then(kind) {
        Some(FIRST_BROKEN_LINK..=LAST_IDR) => Fresh::Whole,
        Some(CRA) => Fresh::Open,
        _ => Fresh::No,
    }
}
