//! A film opened: its movie box, the track that is shown, its size, its length.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::boxes::{Boxes, Extent, Reader};
use super::codec;
use super::entry::{Entry, read_entries};
use super::fragments::{self, Total};
pub use super::length::Length;
use super::length::length;
use super::movie::{Matrix, Movie, Track};
use super::samples::{self, Sample, Visit};
use crate::asset::{Facts, Flaw, whole_seconds};
use crate::media::picture::Orientation;
use crate::media::{Limits, Refusal};

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
        let totals = Totals::read(&movie, fragments, reader)?;
        let (track, first) = choose(&movie, &totals, reader)?;
        if first.start >= reader.all().end {
            return Err(Flaw::Truncated.into());
        }
        let entries = match track.tables.descriptions {
            Some(descriptions) => read_entries(reader, descriptions)?,
            None => Vec::new(),
        };
        let described = entries.get((first.description as usize).saturating_sub(1));
        let entry = described.or(entries.first()).ok_or(Flaw::BadStructure)?;
        let coded = codec::coded(entry);
        let width = pick(coded.width, track.width >> 16);
        let height = pick(coded.height, track.height >> 16);
        if width == 0 || height == 0 {
            return Err(Flaw::NoDimensions.into());
        }
        for (width, height) in [(width, height), (entry.width, entry.height)] {
            if u64::from(width) * u64::from(height) > limits.max_pixels {
                return Err(Refusal::TooManyPixels { width, height });
            }
        }
        let matrix = track.matrix.then(movie.matrix);
        let named = |aspect: Option<(u32, u32)>| aspect.map(|(across, down)| (across.into(), down.into()));
        let aspect = named(entry.pixel_aspect)
            .or_else(|| implied_aspect(track, matrix, &[(width, height), (entry.width, entry.height)]))
            .or(named(coded.pixel_aspect))
            .or(named(entry.stream_aspect));
        let length = length(&movie, &totals, reader)?;
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
        let mut place = None;
        for edit in &self.track.edits {
            let Some(media_start) = edit.media_start else {
                left = left.saturating_sub(edit.length);
                continue;
            };
            // Behind the last edit its last picture stays on.
            let within = if edit.lasts_on() { left } else { left.min(edit.length.saturating_sub(1)) };
            place = Some((signed(media_start), within));
            if edit.lasts_on() || left < edit.length {
                break;
            }
            left -= edit.length;
        }
        let Some((begin, within)) = place.filter(|_| self.movie.timescale > 0) else {
            return signed(time.in_ticks(self.track.timescale)).saturating_add(first.show_time);
        };
        let within = Length { ticks: within, per_second: self.movie.timescale };
        begin.saturating_add(signed(within.in_ticks(self.track.timescale)))
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
        None if fragments.length() > 0 => Err(Flaw::OnlySegment),
        // What would have told is behind the cut.
        None if is_cut => Err(Flaw::Truncated),
        None => Err(Flaw::NoMovie),
    }
}

/// What the tracks have, by their ids.
pub struct Totals {
    /// How long the samples last that the movie box lists, in ticks of the track. Read where there are fragments alone.
    listed: BTreeMap<u32, u64>,
    in_fragments: BTreeMap<u32, Total>,
}

impl Totals {
    fn read(movie: &Movie, fragments: Extent, reader: &mut Reader) -> Result<Totals, Flaw> {
        let mut listed = BTreeMap::new();
        if fragments.length() > 0 {
            for track in &movie.tracks {
                let duration = samples::total_duration(&track.tables, reader)?;
                listed.insert(track.id, duration.unwrap_or(0));
            }
        }
        let in_fragments = fragments::totals(&movie.defaults, &listed, fragments, reader)?;
        Ok(Totals { listed, in_fragments })
    }

    pub fn in_fragments(&self, track: &Track) -> Total {
        self.in_fragments.get(&track.id).copied().unwrap_or_default()
    }

    pub fn listed(&self, track: &Track) -> u64 {
        self.listed.get(&track.id).copied().unwrap_or(0)
    }
}

/// The first sample of a track: where it begins, and by which description, counted from 1.
#[derive(Clone, Copy)]
struct First {
    start: u64,
    description: u32,
}

/// The track that is shown, and its first sample: the first video track that is enabled, belongs to no other one, and
/// has samples; of those that fall short the one that does so least.
fn choose<'a>(movie: &'a Movie, totals: &Totals, reader: &mut Reader) -> Result<(&'a Track, First), Flaw> {
    let is_chapters = |track: &Track| {
        let mut named = movie.tracks.iter().flat_map(|other| &other.chapter_tracks);
        named.any(|id| *id == track.id)
    };
    let mut best: Option<((bool, bool, bool), &Track, First)> = None;
    let mut has_video = false;
    for track in movie.tracks.iter().filter(|track| track.is_video()) {
        let in_fragments = totals.in_fragments(track);
        let claim = samples::claim(&track.tables, reader)?;
        has_video = has_video || !is_chapters(track);
        let listed = claim.first_chunk.filter(|_| claim.samples > 0);
        let listed = listed.map(|start| First { start, description: claim.description });
        let in_first = in_fragments.first_start.filter(|_| in_fragments.samples > 0);
        let in_first = in_first.map(|start| First { start, description: in_fragments.description });
        let Some(first) = listed.or(in_first) else {
            continue;
        };
        // A single picture beside a film is its cover.
        let is_film = u64::from(claim.samples).saturating_add(in_fragments.samples) > 1;
        let rank = (!track.is_auxiliary, track.enabled, is_film);
        if !is_chapters(track) && best.is_none_or(|(other, ..)| rank > other) {
            best = Some((rank, track, first));
        }
    }
    match best {
        Some((_, track, first)) => Ok((track, first)),
        None if has_video => Err(Flaw::NoFrames),
        None if movie.tracks.iter().any(Track::is_sound) => Err(Flaw::OnlySound),
        None => Err(Flaw::NoVideoTrack),
    }
}

/// The coded size, or where it is missing the track's.
fn pick(coded: u32, track: u32) -> u32 {
    if coded > 0 { coded } else { track }
}

/// The width and height of a pixel, in any unit.
type Aspect = (u128, u128);

/// A width stretched by the shape of its pixels, rounded, halves up.
fn stretched(width: u32, aspect: Option<Aspect>) -> u32 {
    /// Pixels more drawn out than that are no camera's and no encoder's: the number is damaged.
    const MOST: u128 = 32;
    let Some((across, down)) = aspect else {
        return width;
    };
    if across == 0 || down == 0 || across > down.saturating_mul(MOST) || down > across.saturating_mul(MOST) {
        return width;
    }
    let doubled = (2 * u128::from(width) * across + down) / (2 * down);
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

/// The shape of a pixel where nothing names it, but the picture is stretched to the size in the track's header
/// (ISO/IEC 14496-12, 8.3.2.3) and then by the matrix, as QuickTime did before `pasp`. `coded` are the sizes that the
/// pictures may be meant to have, the true one first; a header that keeps the shape of either says nothing.
fn implied_aspect(track: &Track, matrix: Matrix, coded: &[(u32, u32)]) -> Option<Aspect> {
    let side = |p: i32, q: i32| u128::from(p.unsigned_abs().max(q.unsigned_abs()));
    let by_matrix = (side(matrix.a, matrix.b), side(matrix.c, matrix.d));
    // Less than a hundredth is rounding.
    let differ = by_matrix.0.abs_diff(by_matrix.1) * 100 > by_matrix.0.max(by_matrix.1);
    let by_matrix = Some(by_matrix).filter(|(across, down)| differ && *across > 0 && *down > 0);

    let shown = (u128::from(track.width), u128::from(track.height));
    let by_size = |(width, height): (u32, u32)| (shown.0 * u128::from(height), shown.1 * u128::from(width));
    let keeps_shape = |size| {
        let (across, down) = by_size(size);
        across == down
    };
    let by_header = coded
        .first()
        .copied()
        .map(by_size)
        .filter(|(across, down)| *across > 0 && *down > 0 && !coded.iter().copied().any(keeps_shape));
    match (by_header, by_matrix) {
        (Some((across, down)), Some((more_across, more_down))) => {
            Some((across * more_across, down * more_down))
        }
        (header, matrix) => header.or(matrix),
    }
}
