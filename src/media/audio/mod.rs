//! Sounds: MP3 and WAV.
//!
//! `mp3-metadata` and `hound` do the counting, but are only given what we have found to be in order: both believe
//! what stands in a file, and files lie.

mod adpcm;
mod adts;
mod chain;
mod coding;
mod frame;
mod info;
mod mp3;
mod pcm;
mod repack;
mod sniff;
mod symphony;
mod tags;
mod wav;
mod waveform;
mod window;

pub use chain::{Chain, Place};
pub use frame::{Header, Layer, Version};
pub use sniff::sniff;
pub use waveform::peaks;

use std::io;

use super::*;
use crate::asset::whole_seconds;

/// The duration of a sound, and that its frames or samples are there (see [`length`]).
pub fn probe(format: Format, source: &mut dyn Source, _limits: &Limits) -> Result<Facts, Refusal> {
    let length = length(format, source)?;
    let duration = whole_seconds(length.ticks, length.per_second);
    Ok(Facts::Audio { duration })
}

/// How long a sound lasts, exactly.
///
/// One that was cut lasts as long as what is there of it. Refused is what has not one whole frame or sample, and what
/// turns out, behind a tag longer than the head, to be another type.
pub fn length(format: Format, source: &mut dyn Source) -> Result<Length, Refusal> {
    match format {
        Format::Wav => wav::measure(source),
        _ => Ok(mp3::count(source)?.length),
    }
}

/// How long a sound lasts, in units of `1/per_second` s.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Length {
    pub ticks: u128,
    /// Not 0.
    pub per_second: u64,
}

/// Reads up to `buffer.len()` bytes at `at`: fewer only where the file ends.
fn read_at(source: &mut dyn Source, at: u64, buffer: &mut [u8]) -> Result<usize, Refusal> {
    source.seek(io::SeekFrom::Start(at)).map_err(unreadable)?;
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
    Ok(filled)
}

/// The bytes of the file.
fn length_of(source: &mut dyn Source) -> Result<u64, Refusal> {
    source.seek(io::SeekFrom::End(0)).map_err(unreadable)
}

/// A file that can't be read to its end counts as one that ends there.
fn unreadable(_error: io::Error) -> Refusal {
    Flaw::Truncated.into()
}
