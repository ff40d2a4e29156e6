//! The picture that stands for a film: which one, found, decoded, upright.
//!
//! 1. Choose moments: 1 second, or the middle of a shorter film; further on for the case that it is of one colour.
//! 2. Locate the sample that is shown then, and those it may hang on.
//! 3. Decode it, within bounds.
//! 4. Draw it as displayed, small.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use super::boxes::Reader;
use super::codec::{self, Decoded, Supply};
use super::film::{Film, Length};
use super::samples::Sample;
use crate::media::Limits;
use crate::media::picture::{Picture, fit};

/// Bytes of samples read for one thumbnail, at most.
const MAX_BYTES: u64 = 256 << 20;
/// What decoding for one thumbnail may take, in nanoseconds by the costs of the codecs: short of what a worker is given
/// for a picture, since what the costs leave out must fit too.
const MAX_WORK: u64 = 6_000_000_000;
/// Samples before the one that is shown that are looked back on, at most: 17 seconds at 60 pictures a second.
const MAX_BACK: usize = 1024;
/// Pictures that are decoded before others that are shown first, at most (H.264, A.3.1: the buffer holds 16).
const MAX_REORDER: u32 = 17;

/// The thumbnail as JPEG; `None` where no decoder here reads the film.
pub fn draw(reader: &mut Reader, limits: &Limits) -> Option<Vec<u8>> {
    let film = Film::open(reader, limits).ok()?;
    let mut supply = Supply { reader, limits: *limits, bytes_left: MAX_BYTES, work_left: MAX_WORK };
    let mut plain = None;
    for moment in moments(film.length) {
        let Some(picture) = picture(&film, moment, &mut supply) else {
            continue;
        };
        if !is_plain(&picture) {
            return picture.thumbnail();
        }
        plain = plain.or(Some(picture));
    }
    plain?.thumbnail()
}

/// When to look: 1 second, or the middle of a film that is no longer; then those of a tenth, a third and a half of
/// the film that come after it.
fn moments(length: Option<Length>) -> Vec<Length> {
    const SECOND: Length = Length { ticks: 1, per_second: 1 };
    let Some(length) = length else {
        return vec![SECOND];
    };
    let part = |of: u32| Length { ticks: length.ticks, per_second: length.per_second.saturating_mul(of) };
    if length <= SECOND {
        return vec![part(2)];
    }
    let mut moments = vec![SECOND];
    moments.extend([part(10), part(3), part(2)].into_iter().filter(|moment| *moment > SECOND));
    moments
}

/// What is shown at a moment, upright and small.
fn picture(film: &Film, moment: Length, supply: &mut Supply) -> Option<Picture> {
    let samples = locate(film, moment, supply.reader)?;
    // Counted from 1; some fragments say 0.
    let description = samples.last()?.description.max(1);
    let entry = film.entries.get(description as usize - 1)?;
    if entry.encrypted {
        return None;
    }
    let (width, height) = fit(film.width, film.height);
    let picture = match codec::decode(entry, &samples, supply)? {
        Decoded::Planes(planes) => planes.into_picture(width, height)?,
        Decoded::Picture(picture) => picture.resize(width, height)?,
    };
    Some(picture.turn(film.orientation))
}

/// The sample that is shown at a moment, last, and those before it in the order of decoding, of the same description.
fn locate(film: &Film, moment: Length, reader: &mut Reader) -> Option<Vec<Sample>> {
    let mut time = None;
    let mut recent: VecDeque<Sample> = VecDeque::new();
    let mut last_sync = None;
    // How many of the samples visited last come behind the best so far, and what decoding it could start from.
    let mut best: Option<(Sample, Option<Sample>)> = None;
    let mut behind = 0;
    let mut later = 0;
    let walked = film.walk(reader, &mut |sample| {
        let time = *time.get_or_insert_with(|| film.media_time(moment, &sample));
        if recent.len() == MAX_BACK {
            recent.pop_front();
        }
        recent.push_back(sample);
        behind += 1;
        if sample.is_sync {
            last_sync = Some(sample);
        }
        if sample.show_time > time && best.is_some() {
            later += 1;
            return if later > MAX_REORDER { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        }
        later = 0;
        // QuickTime stores nothing for a picture that repeats the one before.
        let is_better = best.is_none_or(|(best, _)| sample.show_time >= best.show_time);
        if sample.size > 0 && is_better {
            best = Some((sample, last_sync));
            behind = 0;
        }
        ControlFlow::Continue(())
    });
    // A table that is damaged further on is no reason not to show what was found.
    let _ = walked;
    let (best, sync) = best?;
    let kept = recent.len().saturating_sub(behind);
    let mut samples: Vec<Sample> = recent.into_iter().take(kept).collect();
    // Of a film that is cut off the last picture that is whole is shown.
    let end = reader.all().end;
    let is_whole = |sample: &Sample| sample.start.saturating_add(sample.size.into()) <= end;
    samples.retain(|sample| sample.description == best.description && sample.size > 0 && is_whole(sample));
    if !samples.iter().any(|sample| sample.is_sync) {
        // Its group of pictures is too long to decode: the beginning of it stands in.
        samples = vec![sync.unwrap_or(best)];
    }
    Some(samples)
}

/// Whether a picture is all of one colour, but for specks: a fade-in, a leader.
fn is_plain(picture: &Picture) -> bool {
    /// How far, of 255, a colour may be from the mean and still be the same; compression makes that much.
    const NEAR: u8 = 12;
    /// One pixel of so many may differ.
    const SPECKS: usize = 200;
    let pixels = picture.rgb().chunks_exact(3);
    let count = pixels.len().max(1) as u64;
    let mut sums = [0_u64; 3];
    for pixel in pixels.clone() {
        for (sum, value) in sums.iter_mut().zip(pixel) {
            *sum += u64::from(*value);
        }
    }
    let mean = sums.map(|sum| (sum / count) as u8);
    let differs = |pixel: &&[u8]| pixel.iter().zip(mean).any(|(value, mean)| value.abs_diff(mean) > NEAR);
    pixels.filter(differs).count() * SPECKS < picture.rgb().len() / 3
}
