//! A film opened: its movie box, the track that is shown, its size, its length.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use super::boxes::{Boxes, Extent, Reader};
use super::codec;
use super::entry::{Entry, read_entries};
use super::fragments::{self, Total};
use super::movie::{Matrix, Movie, Track};
use super::samples::{self, Sample, Visit};
use crate::asset::{Facts, Flaw, whole_seconds};
use crate::media::picture::Orientation;
use crate::media::{Limits, Refusal};

/// A length in `ticks` of 1/`per_second` s, `per_second` at least 1. Lengths in different ticks compare exactly.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    pub ticks: u64,
    pub per_second: u32,
}

impl Length {
    /// `None` where it is unknown, or longer than anything that fits into a file: ten years.
    fn new(ticks: Option<u64>, per_second: u32) -> Option<Length> {
        const LONGEST_S: u64 = 10 * 366 * 24 * 3600;
        let ticks = ticks.filter(|ticks| *ticks > 0)?;
        (per_second > 0 && ticks / u64::from(per_second) <= LONGEST_S).then_some(Length { ticks, per_second })
    }

    /// In other ticks, rounded down.
    pub fn in_ticks(self, per_second: u32) -> u64 {
        let ticks = u128::from(self.ticks) * u128::from(per_second) / u128::from(self.per_second.max(1));
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }
}

impl PartialEq for Length {
    fn eq(&self, other: &Length) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Length {}

impl PartialOrd for Length {
    fn partial_cmp(&self, other: &Length) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Length {
    fn cmp(&self, other: &Length) -> Ordering {
        let this = u128::from(self.ticks) * u128::from(other.per_second);
        this.cmp(&(u128::from(other.ticks) * u128::from(self.per_second)))
    }
}

/// A film whose structure holds up as far as its facts need it.
#[derive(Debug)]
pub struct Film {
    movie: Movie,
    /// The track that is shown.
    pub track: Track,
    /// Its sample descriptions; at least one.
    pub entries: Vec<Entry>,
    /// From the first fragment to the end of the file; empty where there is none.
    fragments: Extent,
    /// Pixels with the pixel aspect applied, before the picture is turned.
    pub width: u32,
    pub height: u32,
    pub orientation: Orientation,
    /// `None` where nothing in the file tells: a film of one picture, say.
    pub length: Option<Length>,
}

impl Film {
    /// Finds the movie box and proves what the facts need: a video track with a size, and its first picture in the file.
    pub fn open(reader: &mut Reader, limits: &Limits) -> Result<Film, Refusal> {
        let (movie, fragments) = find(reader)?;
        let movie = Movie::read(reader, movie)?;
        let totals = fragments::totals(&movie.defaults, fragments, reader)?;
        let total = |track: &Track| totals.get(&track.id).copied().unwrap_or_default();
        let (track, first_start) = choose(&movie, total, reader)?;
        if first_start >= reader.all().end {
            return Err(Flaw::Truncated.into());
        }
        let entries = match track.tables.descriptions {
            Some(descriptions) => read_entries(reader, descriptions)?,
            None => Vec::new(),
        };
        let entry = entries.first().ok_or(Flaw::BadStructure)?;
        let coded = codec::coded(entry);
        let width = pick(coded.width, track.width);
        let height = pick(coded.height, track.height);
        if width == 0 || height == 0 {
            return Err(Flaw::NoDimensions.into());
        }
        for (width, height) in [(width, height), (entry.width, entry.height)] {
            if u64::from(width) * u64::from(height) > limits.max_pixels {
                return Err(Refusal::TooManyPixels { width, height });
            }
        }
        let matrix = track.matrix.then(movie.matrix);
        let aspect = coded.pixel_aspect.or_else(|| aspect_of(matrix));
        let length = length(&movie, total, reader)?;
        Ok(Film {
            width: stretched(width, aspect),
            height,
            orientation: orientation(matrix),
            length,
            track: track.clone(),
            entries,
            fragments,
            movie,
        })
    }

    /// What the API tells of it.
    pub fn facts(&self) -> Facts {
        let (width, height) = if self.orientation.swaps_sides() {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        };
        // A picture that lasts no time is still to be seen.
        let duration =
            self.length.map_or(1, |length| whole_seconds(length.ticks.into(), length.per_second.into()));
        Facts::Video { width, height, duration }
    }

    /// Walks the samples of the track that is shown, in the order of decoding.
    pub fn walk(&self, reader: &mut Reader, visit: Visit) -> Result<(), Flaw> {
        let listed = samples::walk(&self.track.tables, reader, visit)?;
        if let ControlFlow::Continue(time) = listed {
            let defaults = &self.movie.defaults;
            let _ = fragments::walk(self.track.id, defaults, self.fragments, time, reader, visit)?;
        }
        Ok(())
    }

    /// When, in its own ticks, the track shows what is shown `time` after the beginning of the film. `first` is its
    /// first sample: without edits the film begins when that is shown.
    pub fn media_time(&self, time: Length, first: &Sample) -> i64 {
        let signed = |ticks: u64| i64::try_from(ticks).unwrap_or(i64::MAX);
        let mut left = time.in_ticks(self.movie.timescale);
        let mut begin = None;
        for edit in &self.track.edits {
            let Some(media_start) = edit.media_start else {
                left = left.saturating_sub(edit.length);
                continue;
            };
            begin = Some(signed(media_start));
            if edit.lasts_on() || left < edit.length {
                break;
            }
            left -= edit.length;
        }
        let Some(begin) = begin.filter(|_| self.movie.timescale > 0) else {
            return signed(time.in_ticks(self.track.timescale)).saturating_add(first.show_time);
        };
        let left = Length { ticks: left, per_second: self.movie.timescale };
        begin.saturating_add(signed(left.in_ticks(self.track.timescale)))
    }
}

/// The body of the first `moov`, and all from the first `moof` on.
fn find(reader: &mut Reader) -> Result<(Extent, Extent), Flaw> {
    let all = reader.all();
    let mut movie = None;
    let mut fragments = Extent { start: all.end, end: all.end };
    let mut is_cut = false;
    let mut boxes = Boxes::within(all);
    while let Some(outer) = boxes.next(reader)? {
        match &outer.kind {
            b"moov" if movie.is_none() => movie = Some(outer),
            b"moof" if fragments.length() == 0 => fragments.start = outer.start,
            _ => {}
        }
        is_cut |= outer.cut;
    }
    match movie {
        Some(movie) if movie.cut => Err(Flaw::Truncated),
        Some(movie) => Ok((movie.body, fragments)),
        // What would have told is behind the cut.
        None if is_cut => Err(Flaw::Truncated),
        None => Err(Flaw::NoMovie),
    }
}

/// The track that is shown, and where its first sample begins: the first video track that is enabled, is no other
/// track's chapters, and has samples; of those that fall short the one that does so least.
fn choose<'a>(
    movie: &'a Movie,
    total: impl Fn(&Track) -> Total,
    reader: &mut Reader,
) -> Result<(&'a Track, u64), Flaw> {
    let is_chapters = |track: &Track| {
        let mut named = movie.tracks.iter().flat_map(|other| &other.chapter_tracks);
        named.any(|id| *id == track.id)
    };
    let mut best: Option<((bool, bool), &Track, u64)> = None;
    let mut has_video = false;
    for track in movie.tracks.iter().filter(|track| track.is_video()) {
        let in_fragments = total(track);
        let claim = samples::claim(&track.tables, reader)?;
        let listed = claim.first_chunk.filter(|_| claim.samples > 0);
        has_video = has_video || !is_chapters(track);
        let Some(first_start) = listed.or(in_fragments.first_start.filter(|_| in_fragments.samples > 0))
        else {
            continue;
        };
        // A single picture beside a film is its cover.
        let is_film = u64::from(claim.samples).saturating_add(in_fragments.samples) > 1;
        let rank = (track.enabled, is_film);
        if !is_chapters(track) && best.is_none_or(|(other, ..)| rank > other) {
            best = Some((rank, track, first_start));
        }
    }
    match best {
        Some((_, track, first_start)) => Ok((track, first_start)),
        None if has_video => Err(Flaw::NoFrames),
        None => Err(Flaw::NoVideoTrack),
    }
}

/// The length of the film: the longest of what the movie and its tracks say, edits applied. Where fragments hold
/// samples their sum alone counts: a piece of a longer film keeps the headers, and with them the length, of the whole.
fn length(
    movie: &Movie,
    total: impl Fn(&Track) -> Total,
    reader: &mut Reader,
) -> Result<Option<Length>, Flaw> {
    let in_fragments = movie.tracks.iter().any(|track| total(track).samples > 0);
    let mut longest = None;
    for track in movie.tracks.iter().filter(|track| track.is_timed_content()) {
        let length = if in_fragments {
            let listed = samples::total_duration(&track.tables, reader)?;
            Length::new(Some(listed.saturating_add(total(track).duration)), track.timescale)
        } else {
            track_length(movie, track, reader)?
        };
        longest = longest.max(length);
    }
    if in_fragments {
        return Ok(longest);
    }
    let of_movie = Length::new(movie.duration, movie.timescale);
    let of_fragments = Length::new(movie.fragments_duration, movie.timescale);
    Ok(longest.max(of_movie).or(of_fragments))
}

/// The length of a track, by its header; else that of its edits; else that of its media, by its header or its samples.
fn track_length(movie: &Movie, track: &Track, reader: &mut Reader) -> Result<Option<Length>, Flaw> {
    let shown = Length::new(track.shown_duration, movie.timescale);
    if shown.is_some() {
        return Ok(shown);
    }
    let edited = track.edits.iter().filter(|edit| !edit.lasts_on());
    let edited = edited.fold(0_u64, |sum, edit| sum.saturating_add(edit.length));
    let rest = track.edits.last().filter(|edit| edit.lasts_on());
    if rest.is_none() && edited > 0 {
        return Ok(Length::new(Some(edited), movie.timescale));
    }
    let media = match track.duration {
        Some(duration) => duration,
        None => samples::total_duration(&track.tables, reader)?,
    };
    let media = media.saturating_sub(rest.and_then(|edit| edit.media_start).unwrap_or(0));
    Ok(Length::new(Some(media), track.timescale))
}

/// The coded size, or where it is missing the track's.
fn pick(coded: u32, track: u32) -> u32 {
    if coded > 0 { coded } else { track }
}

/// A width stretched by the shape of its pixels, rounded, halves up.
fn stretched(width: u32, aspect: Option<(u32, u32)>) -> u32 {
    /// Pixels more drawn out than that are no camera's and no encoder's: the number is damaged.
    const MOST: u64 = 32;
    let Some((across, down)) = aspect.map(|(across, down)| (u64::from(across), u64::from(down))) else {
        return width;
    };
    if across == 0 || down == 0 || across > down.saturating_mul(MOST) || down > across.saturating_mul(MOST) {
        return width;
    }
    let doubled = (2 * u128::from(width) * u128::from(across) + u128::from(down)) / u128::from(2 * down);
    u32::try_from(doubled).unwrap_or(width).max(1)
}

/// How the picture is turned, to the nearest quarter turn.
fn orientation(matrix: Matrix) -> Orientation {
    let Matrix { a, b, c, d } = matrix;
    let straight = u64::from(a.unsigned_abs()) + u64::from(d.unsigned_abs());
    let across = u64::from(b.unsigned_abs()) + u64::from(c.unsigned_abs());
    if straight >= across {
        match (a < 0, d < 0) {
            (false, false) => Orientation::Upright,
            (true, false) => Orientation::FlipHorizontal,
            (true, true) => Orientation::Rotate180,
            (false, true) => Orientation::FlipVertical,
        }
    } else {
        match (b < 0, c < 0) {
            (false, true) => Orientation::Rotate90,
            (true, false) => Orientation::Rotate270,
            (false, false) => Orientation::Transpose,
            (true, true) => Orientation::Transverse,
        }
    }
}

/// The shape of a pixel where the matrix alone stretches the picture, as QuickTime did before `pasp`. Less than a
/// hundredth is rounding.
fn aspect_of(matrix: Matrix) -> Option<(u32, u32)> {
    let side = |p: i32, q: i32| p.unsigned_abs().max(q.unsigned_abs());
    let (across, down) = (side(matrix.a, matrix.b), side(matrix.c, matrix.d));
    let differ = u64::from(across.abs_diff(down)) * 100 > u64::from(across.max(down));
    (differ && across > 0 && down > 0).then_some((across, down))
}
