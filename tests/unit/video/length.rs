//! How long films are: by their headers, their edits, their samples and their fragments, and whom of these to believe.

use assetd::asset::Flaw;

use super::facts::broken;
use super::{atom, body_of, facts, fixture, patched, probe, whole, with_movie, without};

/// `film.mp4` with these lengths in `mvhd`, `tkhd`, `elst` (in milliseconds) and `mdhd` (of 10,240 ticks a second).
fn lasting(movie: u32, track: u32, edit: u32, media: u32) -> Vec<u8> {
    let film = patched(&fixture("film.mp4"), b"mvhd", 16, &movie.to_be_bytes());
    let film = patched(&film, b"tkhd", 20, &track.to_be_bytes());
    let film = patched(&film, b"elst", 8, &edit.to_be_bytes());
    patched(&film, b"mdhd", 16, &media.to_be_bytes())
}

#[test]
fn the_length_is_the_longest_that_movie_and_tracks_say() {
    const UNKNOWN: u32 = u32::MAX;
    for (movie, track, edit, media, seconds, why) in [
        (2499, 100, 100, 100, 2, "less than half"),
        (2500, 100, 100, 100, 3, "halves up"),
        (1, 1, 1, 1, 1, "at least 1"),
        (1000, 3400, 100, 100, 3, "the track is longer than the movie says"),
        (UNKNOWN, 3500, 100, 100, 4, "the movie's is unknown"),
        (0, 3500, 100, 100, 4, "the movie's is unknown"),
        (1000, 0, 2000, 30_720_000, 2, "the edit list cuts the media"),
        (0, UNKNOWN, 2000, 30_720_000, 2, "the edit list cuts the media"),
        (0, 0, 0, 102_400, 3, "an edit without a length lasts to the end"),
        (0, 0, 0, 0, 3, "the samples tell"),
        (0, 0, 0, UNKNOWN, 3, "the samples tell"),
    ] {
        let film = lasting(movie, track, edit, media);
        assert_eq!(probe(&film), facts(96, 64, seconds), "{movie} {track} {edit} {media}: {why}");
    }
    let no_timescale = patched(&fixture("film.mp4"), b"mvhd", 12, &[0; 4]);
    assert_eq!(probe(&without(&no_timescale, b"elst")), facts(96, 64, 3));
    let no_header = without(&without(&fixture("film.mp4"), b"mvhd"), b"elst");
    assert_eq!(probe(&no_header), facts(96, 64, 3));
    let no_time_at_all = patched(&no_header, b"mdhd", 12, &[0; 8]);
    assert_eq!(probe(&no_time_at_all), facts(96, 64, 1));
}

#[test]
fn headers_of_64_bits_are_read() {
    let film = fixture("moov-last.mp4");
    let mvhd =
        [&[1, 0, 0, 0], [0; 16].as_slice(), &1000_u32.to_be_bytes(), &3500_u64.to_be_bytes(), &[0; 80]]
            .concat();
    let movie = [atom(b"mvhd", &mvhd), whole(&film, b"trak")].concat();
    assert_eq!(probe(&with_movie(&film, &movie)), facts(96, 64, 4));
}

#[test]
fn the_sum_of_fragments_goes_before_headers() {
    let film = fixture("fragmented.mp4");
    let whole_film = patched(&film, b"mvhd", 16, &19_000_000_u32.to_be_bytes());
    assert_eq!(probe(&whole_film), facts(96, 64, 3));
    let of_another_length = [film.clone(), whole(&film, b"moof")].concat();
    assert_eq!(probe(&of_another_length), facts(96, 64, 4), "ten more pictures");
    let cut_in_the_last_fragment = &film[..film.len() - 700];
    assert_eq!(probe(cut_in_the_last_fragment), facts(96, 64, 3));
    let no_fragments = &film[..body_of(&film, b"moof") - 8];
    assert_eq!(probe(no_fragments), broken(Flaw::NoFrames));
}

#[test]
fn what_the_samples_do_not_bear_out_is_not_believed() {
    // In each row one or more say 100 seconds; the samples last 3.
    const LIE: u32 = 100_000;
    const MEDIA_LIE: u32 = 1_024_000;
    for (movie, track, edit, media) in [
        (LIE, 3000, 3000, 30_720),
        (3000, LIE, 3000, 30_720),
        (3000, 3000, LIE, 30_720),
        (3000, 3000, 3000, MEDIA_LIE),
        (LIE, LIE, 3000, 30_720),
        (LIE, LIE, LIE, 30_720),
        (LIE, LIE, LIE, MEDIA_LIE),
        (LIE, 0, 0, MEDIA_LIE),
        (0, 0, LIE, MEDIA_LIE),
        (1000, 3000, 3000, 30_720),
    ] {
        let film = lasting(movie, track, edit, media);
        assert_eq!(probe(&film), facts(96, 64, 3), "{movie} {track} {edit} {media}");
    }
    // Where the samples say nothing, or not of all pictures, the headers are all there is.
    let silent = patched(&lasting(LIE, LIE, LIE, MEDIA_LIE), b"stts", 12, &[0; 4]);
    assert_eq!(probe(&silent), facts(96, 64, 100));
    let of_one_picture = patched(&lasting(LIE, LIE, LIE, MEDIA_LIE), b"stts", 8, &1_u32.to_be_bytes());
    assert_eq!(probe(&of_one_picture), facts(96, 64, 100));
    // What they say of more pictures than there are does not count.
    let of_too_many = patched(&lasting(0, 0, 0, 0), b"stts", 8, &u32::MAX.to_be_bytes());
    assert_eq!(probe(&of_too_many), facts(96, 64, 3));
}

/// Length in milliseconds, start in the media, rate as 16.16.
type Edit = (u32, i32, u32);

/// `moov-last.mp4` with these edits and no other lengths.
fn edited(edits: &[Edit]) -> Vec<u8> {
    let film = fixture("moov-last.mp4");
    let entries = edits.iter().flat_map(|(length, start, rate)| {
        [length.to_be_bytes(), start.to_be_bytes(), rate.to_be_bytes()].concat()
    });
    let head = [[0; 4], (edits.len() as u32).to_be_bytes()].concat();
    let list = atom(b"edts", &atom(b"elst", &head.into_iter().chain(entries).collect::<Vec<u8>>()));
    let trak = without(&patched(&whole(&film, b"trak"), b"tkhd", 20, &[0; 4]), b"edts");
    let trak = atom(b"trak", &[&trak[8..], &list].concat());
    let mvhd = patched(&whole(&film, b"mvhd"), b"mvhd", 16, &[0; 4]);
    with_movie(&film, &[mvhd, trak].concat())
}

#[test]
fn edits_delay_cut_repeat_and_dwell() {
    const PLAIN: u32 = 1 << 16;
    let rows: &[(&[Edit], u64, &str)] = &[
        (&[], 3, "no edits"),
        (&[(3000, 0, PLAIN)], 3, "the whole"),
        (&[(1400, 10_240, PLAIN)], 1, "a part"),
        (&[(2600, -1, PLAIN), (3000, 0, PLAIN)], 6, "shown later"),
        (&[(1000, 0, PLAIN), (1000, 20_480, PLAIN)], 2, "the middle left out"),
        (&[(3000, 0, PLAIN), (3000, 0, PLAIN), (3000, 0, PLAIN)], 9, "three times"),
        (&[(20_000, 0, 0)], 20, "one picture dwells"),
        (&[(12_000, 0, PLAIN / 4)], 12, "slow motion"),
        (&[(1500, 0, PLAIN * 2)], 2, "twice as fast"),
        (&[(0, 0, PLAIN)], 3, "to the end"),
        (&[(0, 10_240, PLAIN)], 2, "from one second to the end"),
        (&[(1000, -1, PLAIN), (0, 10_240, PLAIN)], 3, "later, and from one second to the end"),
        (&[(90_000, 0, PLAIN)], 3, "longer than the media"),
        (&[(3000, 900_000, PLAIN)], 3, "from behind the media"),
    ];
    for (edits, seconds, why) in rows {
        assert_eq!(probe(&edited(edits)), facts(96, 64, *seconds), "{why}");
    }
}

/// `fragmented.mp4` with the time of each fragment of each track from the `first`th on so many seconds later.
fn later(first: usize, seconds: u64) -> Vec<u8> {
    let mut film = fixture("fragmented.mp4");
    let places = |film: &[u8], kind: &[u8; 4]| -> Vec<usize> {
        (0..film.len() - 4).filter(|at| &film[*at..*at + 4] == kind).map(|at| at + 4).collect()
    };
    let word = |film: &[u8], at: usize| u32::from_be_bytes(film[at..at + 4].try_into().expect("four bytes"));
    let scales: Vec<u64> = places(&film, b"mdhd").iter().map(|at| word(&film, at + 12).into()).collect();
    let mut seen = vec![0; scales.len()];
    for (header, time) in places(&film, b"tfhd").into_iter().zip(places(&film, b"tfdt")) {
        let index = word(&film, header + 4) as usize - 1;
        seen[index] += 1;
        if seen[index] > first {
            assert_eq!(film[time], 1, "a time of 64 bits");
            let moved = u64::from(word(&film, time + 8)) + seconds * scales[index];
            film[time + 4..time + 12].copy_from_slice(&moved.to_be_bytes());
        }
    }
    film
}

#[test]
fn fragments_have_a_time_line_of_their_own() {
    assert_eq!(probe(&later(0, 0)), facts(96, 64, 3));
    assert_eq!(probe(&later(0, 3600)), facts(96, 64, 3), "a piece out of the middle of a film");
    assert_eq!(probe(&later(1, 60)), facts(96, 64, 63), "a gap behind the first fragment");
    assert_eq!(probe(&later(1, 1 << 31)), facts(96, 64, 3), "a gap of 68 years");
}

#[test]
fn sound_that_is_not_compressed_does_not_exhaust_the_budget_of_samples() {
    // Samples of one byte and one tick of 1/8000 s, as many as bytes behind them.
    const SAMPLES: u32 = 8_400_000;
    let header = [[0, 0x02, 0, 0x18], [0, 0, 0, 2], [0, 0, 0, 1], [0, 0, 0, 1]].concat();
    let run = [[0; 4], SAMPLES.to_be_bytes()].concat();
    let traf = atom(b"traf", &[atom(b"tfhd", &header), atom(b"trun", &run)].concat());
    let sound = [atom(b"moof", &traf), atom(b"mdat", &vec![0; SAMPLES as usize])].concat();
    assert_eq!(probe(&[fixture("fragmented.mp4"), sound].concat()), facts(96, 64, 1053));
}
