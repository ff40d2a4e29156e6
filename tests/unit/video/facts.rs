use std::io::Cursor;
use std::time::{Duration, Instant};

use assetd::asset::{Flaw, Format};
use assetd::media::{Limits, Refusal, video};

use super::{atom, body_of, facts, fixture, patched, probe, whole, with_movie, without};

fn broken(flaw: Flaw) -> Result<assetd::asset::Facts, Refusal> {
    Err(Refusal::Broken(flaw))
}

#[test]
fn fixtures_have_the_facts_that_they_were_made_with() {
    for (name, width, height, duration) in [
        ("film.mp4", 96, 64, 3),
        ("moov-last.mp4", 96, 64, 3),
        ("film.mov", 96, 64, 3),
        ("rotated.mp4", 64, 96, 3),
        ("anamorphic.mp4", 128, 64, 2),
        ("fragmented.mp4", 96, 64, 3),
        ("fade-in.mp4", 96, 64, 4),
        ("bframes.mp4", 96, 64, 3),
        ("interlaced.mp4", 96, 64, 2),
        ("high422-10.mp4", 96, 64, 2),
        ("cropped-full-range.mp4", 90, 50, 2),
        ("mjpeg.mov", 96, 64, 2),
        ("mpeg4.mp4", 96, 64, 2),
    ] {
        assert_eq!(probe(&fixture(name)), facts(width, height, duration), "{name}");
    }
}

/// Bytes of the matrix ((a, b), (c, d)) in `tkhd` and `mvhd`.
pub fn matrix(a: i32, b: i32, c: i32, d: i32) -> Vec<u8> {
    let words = [a << 16, b << 16, 0, c << 16, d << 16, 0];
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

#[test]
fn quarter_turns_and_mirrors_swap_sides_where_they_lie_down() {
    let film = fixture("film.mp4");
    for (turn, is_swapped) in [
        (matrix(1, 0, 0, 1), false),
        (matrix(-1, 0, 0, -1), false),
        (matrix(-1, 0, 0, 1), false),
        (matrix(0, 1, -1, 0), true),
        (matrix(0, -1, 1, 0), true),
        (matrix(0, 1, 1, 0), true),
        (matrix(0, 0, 0, 0), false),
    ] {
        let expected = if is_swapped { facts(64, 96, 3) } else { facts(96, 64, 3) };
        assert_eq!(probe(&patched(&film, b"tkhd", 40, &turn)), expected, "track: {turn:?}");
        assert_eq!(probe(&patched(&film, b"mvhd", 36, &turn)), expected, "movie: {turn:?}");
    }
    let both = patched(&film, b"tkhd", 40, &matrix(0, 1, -1, 0));
    let both = patched(&both, b"mvhd", 36, &matrix(0, 1, -1, 0));
    assert_eq!(probe(&both), facts(96, 64, 3), "two quarter turns are a half");
}

#[test]
fn the_pixel_aspect_stretches_the_width() {
    let film = fixture("film.mp4");
    let aspect = |across: u32, down: u32| [across.to_be_bytes(), down.to_be_bytes()].concat();
    for (across, down, width) in [
        (16, 11, 140),
        (1, 2, 48),
        (4_000_000_000, 3_000_000_000, 128),
        (1, 1, 96),
        (0, 0, 96),
        (3, 0, 96),
        (5000, 1, 96),
    ] {
        let film = patched(&film, b"pasp", 0, &aspect(across, down));
        assert_eq!(probe(&film), facts(width, 64, 3), "{across}:{down}");
    }
    let turned = patched(&fixture("anamorphic.mp4"), b"tkhd", 40, &matrix(0, 1, -1, 0));
    assert_eq!(probe(&turned), facts(64, 128, 2));
    // Without the container's word the stream's own is taken, and without that the matrix' scale.
    assert_eq!(probe(&without(&fixture("anamorphic.mp4"), b"pasp")), facts(128, 64, 2));
    let scaled = patched(&without(&fixture("mjpeg.mov"), b"pasp"), b"tkhd", 40, &matrix(2, 0, 0, 1));
    assert_eq!(probe(&scaled), facts(192, 64, 2));
}

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
        (1000, 4000, 100, 100, 4, "the track is longer than the movie says"),
        (UNKNOWN, 5000, 100, 100, 5, "the movie's is unknown"),
        (0, 5000, 100, 100, 5, "the movie's is unknown"),
        (1000, 0, 2000, 30_720_000, 2, "the edit list cuts the media"),
        (0, UNKNOWN, 2000, 30_720_000, 2, "the edit list cuts the media"),
        (0, 0, 0, 102_400, 10, "an edit without a length lasts to the end"),
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
        [&[1, 0, 0, 0], [0; 16].as_slice(), &1000_u32.to_be_bytes(), &7000_u64.to_be_bytes(), &[0; 80]]
            .concat();
    let movie = [atom(b"mvhd", &mvhd), whole(&film, b"trak")].concat();
    assert_eq!(probe(&with_movie(&film, &movie)), facts(96, 64, 7));
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
fn what_lacks_a_movie_a_video_track_or_pictures_is_refused() {
    let film = fixture("film.mp4");
    assert_eq!(probe(&fixture("audio-only.mp4")), broken(Flaw::NoVideoTrack));
    assert_eq!(probe(&without(&film, b"moov")), broken(Flaw::NoMovie));
    assert_eq!(probe(&film[..body_of(&film, b"ftyp") + 24]), broken(Flaw::NoMovie));
    assert_eq!(probe(b""), broken(Flaw::NoMovie));
    assert_eq!(probe(&without(&film, b"stsz")), broken(Flaw::NoFrames));
    assert_eq!(probe(&without(&film, b"stco")), broken(Flaw::NoFrames));
    assert_eq!(probe(&without(&film, b"stsd")), broken(Flaw::BadStructure));
    let no_size = patched(&without(&fixture("mjpeg.mov"), b"tkhd"), b"jpeg", 24, &[0; 4]);
    assert_eq!(probe(&no_size), broken(Flaw::NoDimensions));
    let cmov = with_movie(&fixture("moov-last.mp4"), &atom(b"cmov", &[0; 50]));
    assert_eq!(probe(&cmov), broken(Flaw::CompressedMovie));
}

#[test]
fn a_film_that_is_cut_off_is_taken_as_long_as_its_facts_and_first_picture_are_there() {
    let first = fixture("film.mp4");
    let media = body_of(&first, b"mdat");
    assert_eq!(probe(&first[..media + 600]), facts(96, 64, 3));
    assert_eq!(probe(&first[..media]), broken(Flaw::Truncated));
    assert_eq!(probe(&first[..body_of(&first, b"stsz")]), broken(Flaw::Truncated));
    let last = fixture("moov-last.mp4");
    assert_eq!(probe(&last[..last.len() - 1]), broken(Flaw::Truncated));
    assert_eq!(probe(&last[..body_of(&last, b"mdat") + 100]), broken(Flaw::Truncated));
    let scraps_behind = [last, b"<?php echo 1; ?>".to_vec(), vec![0; 300]].concat();
    assert_eq!(probe(&scraps_behind), facts(96, 64, 3));
}

#[test]
fn sizes_of_64_bits_and_sizes_to_the_end_are_read() {
    // `free` without a body and the header of `mdat` make room for one long header.
    let film = fixture("moov-last.mp4");
    let start = body_of(&film, b"mdat") - 16;
    let long =
        [b"\0\0\0\x01mdat".as_slice(), &(whole(&film, b"mdat").len() as u64 + 8).to_be_bytes()].concat();
    let mut of_64_bits = film.clone();
    of_64_bits[start..start + 16].copy_from_slice(&long);
    assert_eq!(probe(&of_64_bits), facts(96, 64, 3));
    let mut absurd = of_64_bits.clone();
    absurd[start + 8..start + 16].copy_from_slice(&u64::MAX.to_be_bytes());
    assert_eq!(probe(&absurd), broken(Flaw::Truncated));

    let film = fixture("film.mp4");
    let start = body_of(&film, b"mdat") - 8;
    let mut to_the_end = film;
    to_the_end[start..start + 4].copy_from_slice(&[0; 4]);
    assert_eq!(probe(&to_the_end), facts(96, 64, 3));
}

#[test]
fn pictures_over_the_limit_are_refused() {
    let film = fixture("film.mp4");
    let probe = |max_pixels| video::probe(Format::Mp4, &mut Cursor::new(&film), &Limits { max_pixels });
    assert_eq!(probe(96 * 64), facts(96, 64, 3));
    let refusal = Refusal::TooManyPixels { width: 96, height: 64 };
    assert_eq!(probe(96 * 64 - 1), Err(refusal));
}

/// A film of two tracks of JPEGs, of which the first is 48 pixels wide and has id 9.
fn two_tracks(change_first: impl Fn(Vec<u8>) -> Vec<u8>, into_second: &[u8]) -> Vec<u8> {
    let film = fixture("mjpeg.mov");
    let trak = whole(&film, b"trak");
    let first = patched(&trak, b"jpeg", 24, &48_u16.to_be_bytes());
    let first = patched(&first, b"tkhd", 12, &9_u32.to_be_bytes());
    let second = atom(b"trak", &[&trak[8..], into_second].concat());
    with_movie(&film, &[whole(&film, b"mvhd"), change_first(first), second].concat())
}

#[test]
fn of_several_video_tracks_the_first_that_is_shown_counts() {
    let disable = |trak: Vec<u8>| patched(&trak, b"tkhd", 3, &[2]);
    let one_picture = |trak: Vec<u8>| patched(&trak, b"stsz", 8, &1_u32.to_be_bytes());
    let empty = |trak: Vec<u8>| patched(&trak, b"stsz", 8, &0_u32.to_be_bytes());
    let chapters = atom(b"tref", &atom(b"chap", &9_u32.to_be_bytes()));
    assert_eq!(probe(&two_tracks(|trak| trak, b"")), facts(48, 64, 2));
    assert_eq!(probe(&two_tracks(disable, b"")), facts(96, 64, 2), "disabled");
    assert_eq!(probe(&two_tracks(one_picture, b"")), facts(96, 64, 2), "a cover");
    assert_eq!(probe(&two_tracks(empty, b"")), facts(96, 64, 2), "empty");
    assert_eq!(probe(&two_tracks(|trak| trak, &chapters)), facts(96, 64, 2), "chapters");
}

#[test]
fn claimed_counts_cost_neither_memory_nor_time() {
    let begin = Instant::now();
    let film = fixture("film.mp4");
    let most = u32::MAX.to_be_bytes();
    assert_eq!(probe(&patched(&film, b"stsz", 8, &most)), broken(Flaw::BadStructure));
    // All of one size: so many need no table.
    let alike = patched(&film, b"stsz", 4, &[[0, 0, 0, 1], most].concat());
    assert_eq!(probe(&alike), facts(96, 64, 3));
    let _ = video::derive(Format::Mp4, &mut Cursor::new(&alike), &super::LIMITS);
    for kind in [b"stts", b"ctts", b"stss", b"stsc", b"stco"] {
        let film = patched(&film, kind, 4, &most);
        assert_eq!(probe(&film), facts(96, 64, 3), "{}", kind.escape_ascii());
        let _ = video::derive(Format::Mp4, &mut Cursor::new(&film), &super::LIMITS);
    }
    assert_eq!(probe(&patched(&film, b"elst", 4, &most)), broken(Flaw::TooComplex));
    let fragmented = fixture("fragmented.mp4");
    assert_eq!(probe(&patched(&fragmented, b"trun", 4, &most)), broken(Flaw::BadStructure));
    let no_table = patched(&fragmented, b"trun", 0, &[[0; 4], most].concat());
    assert_eq!(probe(&no_table), broken(Flaw::TooComplex));
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

#[test]
fn neither_depth_nor_number_of_boxes_does_harm() {
    const DEPTH: usize = 10_000;
    let film = fixture("moov-last.mp4");
    let movie = whole(&film, b"moov")[8..].to_vec();
    for kind in [b"moov", b"trak", b"mdia", b"udta"] {
        let nested: Vec<u8> = (1..=DEPTH)
            .rev()
            .flat_map(|level| [&(level as u32 * 8).to_be_bytes(), kind.as_slice()].concat())
            .collect();
        let film = with_movie(&film, &[movie.clone(), nested].concat());
        assert_eq!(probe(&film), facts(96, 64, 3), "{}", kind.escape_ascii());
    }
    let many = atom(b"trak", &[]).repeat(300);
    let film = with_movie(&film, &[movie, many].concat());
    assert_eq!(probe(&film), broken(Flaw::TooComplex));
    let endless = atom(b"free", &[]).repeat(4_000_001);
    assert_eq!(probe(&endless), broken(Flaw::TooComplex));
}
