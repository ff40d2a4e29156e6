//! Films: MP4 and QuickTime.
//!
//! The files of boxes are read by a bounded reader of our own, since those of others hang, panic or see no samples in
//! fragments. [`film`] gives the facts, [`thumbnail`] the picture; both stand on [`movie`] and on walks over
//! [`samples`] and [`fragments`], which keep nothing.

mod aspect;
mod boxes;
mod codec;
pub(in crate::media) mod colour;
mod entry;
mod film;
mod fragments;
mod length;
mod movie;
mod planes;
mod samples;
mod sniff;
mod thumbnail;

use super::{Limits, Refusal, Source};
use crate::asset::{Facts, Format};

pub use sniff::sniff;

/// Width and height as displayed, and the length; proves that there is a video track and that its first picture is
/// in the file. What comes behind, and what is cut off at the end of the media, is not looked at.
pub fn probe(_format: Format, source: &mut dyn Source, limits: &Limits) -> Result<Facts, Refusal> {
    let mut reader = boxes::Reader::new(source)?;
    film::Film::open(&mut reader, limits).map(|film| film.facts())
}

/// The thumbnail: the picture at 1 second, or in the middle of a shorter film; a later one where that is of one
/// colour. `None` for encrypted films and for codings that [`codec`] has no decoder for.
pub fn derive(_format: Format, source: &mut dyn Source, limits: &Limits) -> Option<Vec<u8>> {
    let mut reader = boxes::Reader::new(source).ok()?;
    thumbnail::draw(&mut reader, limits)
}
