//! The peaks of a sound: it is decoded piece by piece, and only the peaks are kept.
//!
//! Their length agrees with the duration: both begin where the sound does, behind the silence that an encoder adds, and
//! what can't be decoded in between is passed over. A sound too long to be decoded in the time of a preview is decoded in
//! part, evenly over its length.

use super::coding::{Coding, SampleFormat};
use super::symphony::Decoder;
use super::*;
use crate::media::peaks::{Meter, Peaks};

/// Samples of each channel in a WAV file that are decoded, at most: 6 hours of a CD, in some seconds.
const MOST_SAMPLES: u64 = 1 << 30;

/// Frames of an MP3 that are decoded, at most: 87 minutes at 44.1 kHz, at some 25 µs each.
const MOST_FRAMES: u64 = 200_000;

/// Of an MP3 with more frames than that, so many in a row are looked at and then many more passed over.
const RUN_FRAMES: u64 = 64;

/// So many before them are decoded too, and not looked at: a frame may begin in up to 511 bytes before it, which are 21 of
/// the shortest, and overlaps with the one before.
const WARM_UP_FRAMES: u64 = 32;

/// Bytes that are read at once, about.
const PIECE_BYTES: usize = 256 << 10;

/// The peaks of a sound; `None` where it can't be decoded.
pub fn peaks(format: Format, source: &mut dyn Source) -> Option<Peaks> {
    if format != Format::Wav {
        let counted = mp3::count(source).ok()?;
        return of_frames(source, counted);
    }
    let found = wav::find(source).ok()?;
    match found.format.coding {
        Coding::Mp3 => {
            let counted = mp3::count_part(source, found.data).ok()?;
            of_frames(source, counted)
        }
        Coding::Integer(_) | Coding::Float(_) | Coding::Law(_) | Coding::Adpcm(_) => {
            of_blocks(source, &found)
        }
        Coding::Blocks(_) | Coding::Other => None,
    }
}

/// Of MP3 frames.
fn of_frames(source: &mut dyn Source, counted: mp3::Counted) -> Option<Peaks> {
    let mp3::Counted { length, range, first, frames, informed, lead } = counted;
    let samples = length.ticks * u128::from(first.rate) / u128::from(length.per_second);
    let mut meter = Meter::new(first.rate, u64::try_from(samples).ok()?.max(1), lead)?;
    // Of so many frames in a row only the first are looked at.
    let cycle = frames.div_ceil(MOST_FRAMES) * RUN_FRAMES;
    let mut decoder = Decoder::default();
    let mut decoded = Vec::new();
    let (mut index, mut tried, mut done) = (0_u64, 0_u64, 0_u64);
    let seen = mp3::visit(source, range, |header, frame| {
        let own = index == 0 && informed;
        // Where in its cycle.
        let place = index % cycle;
        index += 1;
        if own {
            return;
        }
        let samples = u64::from(header.samples());
        let looked_at = place < RUN_FRAMES;
        let warming_up = place + WARM_UP_FRAMES >= cycle;
        decoded.clear();
        if looked_at || warming_up {
            tried += 1;
            done += u64::from(decoder.decode(header, frame, &mut decoded));
        }
        if looked_at && !decoded.is_empty() {
            meter.take_at(header.rate, &decoded);
        } else {
            meter.advance_at(header.rate, samples);
        }
    });
    // A cut end is no reason; a sound most of which can't be decoded would look like silence.
    (seen.is_ok() && done > 0 && 2 * done >= tried).then(|| meter.finish()).flatten()
}

/// Of samples that stand one by one, or in blocks of equal length.
fn of_blocks(source: &mut dyn Source, found: &wav::Found) -> Option<Peaks> {
    let wav::Found { format, data, fact } = found;
    let length = format.length(data.end - data.start, *fact)?;
    let mut meter = Meter::new(format.rate, u64::try_from(length.ticks).ok()?, 0)?;
    let (block_bytes, block_samples) = block(format)?;
    let a_point = u64::from(meter.samples_per_point());
    // Where there are too many, the first of each point.
    let most = MOST_SAMPLES / meter.points() as u64;
    let mut piece = vec![0; PIECE_BYTES / block_bytes * block_bytes];
    let mut decoded = Vec::new();
    let mut block_index = 0;
    loop {
        let sample = block_index * block_samples;
        if sample % a_point >= most {
            block_index = (sample / a_point + 1).checked_mul(a_point)?.div_ceil(block_samples);
        }
        let at = data.start.checked_add(block_index.checked_mul(block_bytes as u64)?)?;
        let left = usize::try_from(data.end.saturating_sub(at)).unwrap_or(usize::MAX);
        let wanted = left.min(piece.len());
        let count = read_at(source, at, piece.get_mut(..wanted)?).ok()?;
        let bytes = piece.get(..count)?;
        if bytes.is_empty() {
            return meter.finish();
        }
        decoded.clear();
        if !mix(format, block_bytes, bytes, &mut decoded) {
            return None;
        }
        meter.seek(block_index * block_samples);
        meter.take(&decoded);
        block_index += (count / block_bytes).max(1) as u64;
    }
}

/// Bytes and samples of a block.
fn block(format: &SampleFormat) -> Option<(usize, u64)> {
    let bytes = format.block.get();
    let samples = match format.coding {
        Coding::Adpcm(adpcm) => adpcm.samples(format.channels, bytes.into()),
        _ => 1,
    };
    (samples > 0).then_some((bytes.into(), samples))
}

/// Adds the mean of the channels to `out`; `false` where the coding is not known.
fn mix(format: &SampleFormat, block_bytes: usize, bytes: &[u8], out: &mut Vec<f32>) -> bool {
    match format.coding {
        Coding::Adpcm(adpcm) => {
            bytes.chunks(block_bytes).all(|block| adpcm::mix(adpcm, format.channels, block, out))
        }
        _ => pcm::mix(format, bytes, out),
    }
}
