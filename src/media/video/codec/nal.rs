//! Samples made of NAL units, each with its length before it (ISO/IEC 14496-15, 4.3.3).

use super::Supply;
use crate::media::video::samples::Sample;

/// NAL units of one sample, at most: a picture of 8K in slices of one row of macroblocks has 270.
const MAX_NALS: usize = 4096;

/// The units of a sample. What is behind a length that can't be is left out; the last one may be cut off by the end of
/// a damaged sample: the decoder sees what there is.
pub fn split(sample: &[u8], length_bytes: usize) -> Vec<&[u8]> {
    let mut nals = Vec::new();
    let mut rest = sample;
    while nals.len() < MAX_NALS
        && let Some((length, behind)) = rest.split_at_checked(length_bytes)
    {
        let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let (nal, next) = behind.split_at(length.min(behind.len()));
        nals.push(nal);
        rest = next;
    }
    nals
}

/// The first bytes of the first unit of a sample that `is_wanted`, without reading all of it.
pub fn first(
    sample: &Sample,
    length_bytes: usize,
    supply: &mut Supply,
    is_wanted: impl Fn(&[u8]) -> bool,
) -> Option<Vec<u8>> {
    /// The header and two numbers of at most 31 bits each, twice as long.
    const HEAD_BYTES: usize = 18;
    /// Parameter sets and messages before the first slice.
    const MAX_BEFORE: usize = 64;
    let end = sample.start.saturating_add(sample.size.into());
    let mut at = sample.start;
    for _ in 0..MAX_BEFORE {
        let mut head = [0; 4 + HEAD_BYTES];
        let available = end.saturating_sub(at).min(head.len() as u64) as usize;
        let head = head.get_mut(..available)?;
        supply.reader.read(at, head).ok()?;
        let (length, nal) = head.split_at_checked(length_bytes)?;
        if is_wanted(nal) {
            return Some(nal.to_vec());
        }
        let length = length.iter().fold(0, |length, byte| length << 8 | u64::from(*byte));
        at = at.saturating_add(length_bytes as u64).saturating_add(length);
    }
    None
}

/// How far a picture can be decoded without what comes before it.
pub enum Fresh {
    /// All before it is forgotten.
    Whole,
    /// It needs no other, but pictures shown before it may.
    Open,
    No,
}

/// Of `samples` those that the last one is decoded from, itself with them. They begin where `freshness` finds that decoding
/// can: the container's word is checked, since some mark every sample; where nothing holds up, its word is taken after all.
pub fn needed(samples: &[Sample], mut freshness: impl FnMut(&Sample) -> Fresh) -> Option<Vec<Sample>> {
    let target = samples.last()?;
    let marked = || samples.iter().enumerate().rev().filter(|(_, sample)| sample.is_sync);
    let checked = marked().find_map(|(index, sample)| match freshness(sample) {
        Fresh::Whole => Some((index, true)),
        Fresh::Open if sample.show_time <= target.show_time => Some((index, false)),
        Fresh::Open | Fresh::No => None,
    });
    let (index, is_whole) = checked.or_else(|| marked().next().map(|(index, _)| (index, false)))?;
    let mut needed = samples.get(index..)?.to_vec();
    let first = needed.first()?.show_time;
    if !is_whole && first <= target.show_time {
        // Pictures shown before one that is not a fresh start hang on what was before it.
        needed.retain(|sample| sample.show_time >= first);
    }
    Some(needed)
}
