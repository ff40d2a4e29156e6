//! How long a film is: what the movie and its tracks say, held against what their samples add up to.

use std::cmp::Ordering;

use super::boxes::Reader;
use super::film::Totals;
use super::movie::{Movie, Track};
use super::samples;
use crate::asset::Flaw;

/// How much longer than its samples a header may say that something lasts: ticks are as long as a second, and the last
/// picture of some films has no length of its own. More is a lie.
const SLACK_S: u64 = 1;

/// A length in `ticks` of 1/`per_second` s, `per_second` at least 1. Lengths in different ticks compare exactly.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    pub ticks: u64,
    pub per_second: u32,
}

impl Length {
    /// `None` where it is unknown, or longer than anything that fits into a file: ten years.
    pub fn new(ticks: Option<u64>, per_second: u32) -> Option<Length> {
        const LONGEST_S: u64 = 10 * 366 * 24 * 3600;
        let ticks = ticks.filter(|ticks| *ticks > 0)?;
        (per_second > 0 && ticks / u64::from(per_second) <= LONGEST_S).then_some(Length { ticks, per_second })
    }

    /// Whether it is no longer than `most`, or by a little; anything is where that is not known.
    fn is_within(self, most: Option<Length>) -> bool {
        most.is_none_or(|most| {
            let slack = SLACK_S.saturating_mul(most.per_second.into());
            self <= Length { ticks: most.ticks.saturating_add(slack), ..most }
        })
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

/// The length of the film: the longest of what the movie and its tracks say, edits applied, as far as their samples bear
/// it out; `None` where nothing tells.
pub fn length(movie: &Movie, totals: &Totals, reader: &mut Reader) -> Result<Option<Length>, Flaw> {
    let content = || movie.tracks.iter().filter(|track| track.is_timed_content());
    if content().any(|track| totals.in_fragments(track).samples > 0) {
        return Ok(of_fragments(&content().collect::<Vec<_>>(), totals));
    }
    let mut longest = None;
    let mut borne_out = None;
    for track in content() {
        let (shown, most) = of_track(movie, track, reader)?;
        longest = longest.max(shown);
        borne_out = borne_out.max(most);
    }
    let of_movie = Length::new(movie.duration, movie.timescale).filter(|said| said.is_within(borne_out));
    Ok(longest.max(of_movie).or(Length::new(movie.fragments_duration, movie.timescale)))
}

/// The length of a film in fragments: from the first sample of any track to the end of the last one. What headers say
/// does not count: a piece of a longer film keeps them, and with them the length, of the whole.
fn of_fragments(tracks: &[&Track], totals: &Totals) -> Option<Length> {
    let positive = |ticks: i64| u64::try_from(ticks).unwrap_or(0);
    let has_samples = |track: &&&Track| totals.in_fragments(track).samples > 0 || totals.listed(track) > 0;
    let begin = |track: &Track| match totals.listed(track) {
        0 => positive(totals.in_fragments(track).first_time),
        _ => 0,
    };
    let begins = tracks.iter().filter(has_samples).filter(|track| track.timescale > 0);
    let first = begins.map(|track| Length { ticks: begin(track), per_second: track.timescale }).min();
    let of_track = |track: &Track| {
        let total = totals.in_fragments(track);
        let sum = totals.listed(track).saturating_add(total.duration);
        // Pictures are shown later than they are decoded, unless an edit takes the delay away again.
        let is_moved = track.edits.iter().any(|edit| edit.media_start.is_some_and(|start| start > 0));
        let end = if is_moved { total.decode_end } else { total.decode_end.max(total.show_end) };
        let begin = first.map_or(0, |first| first.in_ticks(track.timescale));
        let span = positive(end).saturating_sub(begin);
        Length::new(Some(span), track.timescale).max(Length::new(Some(sum), track.timescale))
    };
    tracks.iter().filter(has_samples).filter_map(|track| of_track(track)).max()
}

/// How long a track is shown, and how long it can be at most by its samples; `None` where it is not known.
///
/// The first counts of what the samples bear out: its header; its edits; else what the samples and edits come to.
fn of_track(
    movie: &Movie,
    track: &Track,
    reader: &mut Reader,
) -> Result<(Option<Length>, Option<Length>), Flaw> {
    let listed = samples::total_duration(&track.tables, reader)?.filter(|duration| *duration > 0);
    let media = Length::new(listed.or(track.duration), track.timescale);
    let edits = Edits::of(movie, track, media);
    let most = media.max(edits.borne_out);
    let header = Length::new(track.shown_duration, movie.timescale);
    let said = [header, edits.said].into_iter().flatten().find(|said| said.is_within(most));
    Ok((said.or(edits.borne_out).or(media), most))
}

/// What the edits of a track come to.
struct Edits {
    /// By their own word; `None` where there are none, or one lasts to the end of the media.
    said: Option<Length>,
    /// With each cut off where the media ends.
    borne_out: Option<Length>,
}

impl Edits {
    fn of(movie: &Movie, track: &Track, media: Option<Length>) -> Edits {
        let (mut said, mut borne_out) = (0_u64, 0_u64);
        for edit in &track.edits {
            let start = Length { ticks: edit.media_start.unwrap_or(0), per_second: track.timescale };
            let rest = media.map(|media| {
                let start = start.in_ticks(movie.timescale);
                media.in_ticks(movie.timescale).saturating_sub(start)
            });
            said = said.saturating_add(edit.length);
            borne_out = borne_out.saturating_add(match rest {
                Some(rest) if edit.lasts_on() => rest,
                Some(rest) if edit.is_plain && edit.media_start.is_some() => edit.length.min(rest),
                _ => edit.length,
            });
        }
        let is_open = track.edits.iter().any(|edit| edit.lasts_on());
        Edits {
            said: Length::new(Some(said), movie.timescale).filter(|_| !is_open),
            borne_out: Length::new(Some(borne_out), movie.timescale).filter(|_| media.is_some()),
        }
    }
}
