use std::io::Cursor;
use std::time::{Duration, Instant};

use assetd::asset::{Flaw, Format};
use assetd::media::{Limits, Refusal, video};

use super::{atom, body_of, facts, fixture, patched, probe, whole, with_movie, without};

pub fn broken(flaw: Flaw) -> Result<assetd::asset::Facts, Refusal> {
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

/// A width and a height as `tkhd` has them, in pixels.
fn size(width: f64, height: f64) -> Vec<u8> {
    [width, height].iter().flat_map(|side| ((side * 65536.0) as u32).to_be_bytes()).collect()
}

#[test]
fn without_a_pixel_aspect_the_size_in_the_track_header_stretches() {
    let with_aspect = fixture("film.mp4");
    let rows = [
        ((128.0, 64.0), 128, "wider"),
        ((96.0, 128.0), 48, "narrower"),
        ((192.0, 128.0), 96, "larger, of the same shape"),
        ((97.4, 64.0), 97, "by a little"),
        ((97.5, 64.0), 98, "halves up"),
        ((0.0, 0.0), 96, "unknown"),
        ((6000.0, 64.0), 96, "absurd"),
    ];
    for name in ["film.mp4", "mjpeg.mov", "mpeg4.mp4"] {
        let film = without(&fixture(name), b"pasp");
        let duration = if name == "film.mp4" { 3 } else { 2 };
        for ((width, height), expected, why) in rows {
            let film = patched(&film, b"tkhd", 76, &size(width, height));
            assert_eq!(probe(&film), facts(expected, 64, duration), "{name}: {why}");
        }
    }
    let named = patched(&with_aspect, b"tkhd", 76, &size(128.0, 64.0));
    assert_eq!(probe(&named), facts(96, 64, 3), "the aspect goes before");
    let film = without(&with_aspect, b"pasp");
    let turned = patched(&film, b"tkhd", 76, &size(128.0, 64.0));
    let turned = patched(&turned, b"tkhd", 40, &matrix(0, 1, -1, 0));
    assert_eq!(probe(&turned), facts(64, 128, 3), "stretched before it is turned");
    let both = patched(&film, b"tkhd", 76, &size(128.0, 64.0));
    let both = patched(&both, b"tkhd", 40, &matrix(3, 0, 0, 2));
    assert_eq!(probe(&both), facts(192, 64, 3), "stretched by the size and then by the matrix");
    // Whole blocks by the description, the true size by the stream: the header of either says nothing.
    let blocks = patched(&film, b"avc1", 0, b"avc1");
    let entry = blocks.windows(8).rposition(|window| &window[4..] == b"avc1").expect("an entry") + 8;
    let mut blocks = blocks;
    blocks[entry + 26..entry + 28].copy_from_slice(&72_u16.to_be_bytes());
    assert_eq!(probe(&blocks), facts(96, 64, 3));
    assert_eq!(probe(&patched(&blocks, b"tkhd", 76, &size(96.0, 72.0))), facts(96, 64, 3));
}

#[test]
fn what_lacks_a_movie_a_video_track_or_pictures_is_refused() {
    let film = fixture("film.mp4");
    assert_eq!(probe(&without(&film, b"moov")), broken(Flaw::NoMovie));
    assert_eq!(probe(&film[..body_of(&film, b"ftyp") + 24]), broken(Flaw::NoMovie));
    assert_eq!(probe(b""), broken(Flaw::NoMovie));
    assert_eq!(probe(&without(&film, b"stsz")), broken(Flaw::NoFrames));
    assert_eq!(probe(&without(&film, b"stco")), broken(Flaw::NoFrames));
    assert_eq!(probe(&without(&film, b"stsd")), broken(Flaw::BadStructure));
    let no_size = patched(&without(&fixture("mjpeg.mov"), b"tkhd"), b"jpeg", 24, &[0; 4]);
    assert_eq!(probe(&no_size), broken(Flaw::NoDimensions));
}

/// A film of which only sound is left, and one of no track that is seen or heard.
#[test]
fn what_has_sound_alone_is_told_from_what_has_nothing() {
    assert_eq!(probe(&fixture("audio-only.mp4")), broken(Flaw::OnlySound));
    let text = patched(&fixture("audio-only.mp4"), b"hdlr", 8, b"text");
    assert_eq!(probe(&text), broken(Flaw::NoVideoTrack));
}

/// `moov-last.mp4` with its movie box packed, and `change` applied to what is packed.
fn packed(method: &[u8; 4], change: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let film = fixture("moov-last.mp4");
    let movie = change(whole(&film, b"moov"));
    let bytes = miniz_oxide::deflate::compress_to_vec_zlib(&movie, 6);
    let size = u32::try_from(movie.len()).expect("a small movie");
    let data = atom(b"cmvd", &[&size.to_be_bytes(), bytes.as_slice()].concat());
    with_movie(&film, &atom(b"cmov", &[atom(b"dcom", method), data].concat()))
}

#[test]
fn a_packed_movie_box_is_read_within_a_bound() {
    let film = packed(b"zlib", |movie| movie);
    assert_eq!(probe(&film), facts(96, 64, 3));
    assert!(video::derive(Format::Mov, &mut Cursor::new(&film), &super::LIMITS).is_some());

    let unpackable = broken(Flaw::CompressedMovie);
    assert_eq!(probe(&packed(b"adec", |movie| movie)), unpackable, "a method that is not known");
    assert_eq!(probe(&packed(b"zlib", |movie| movie[4..].to_vec())), unpackable, "no movie box in it");
    assert_eq!(probe(&with_movie(&film, &atom(b"cmov", &[0; 50]))), unpackable, "nothing packed");
    let damaged = patched(&film, b"cmvd", 40, &[0xFF; 16]);
    assert_eq!(probe(&damaged), unpackable, "damaged");
    let bomb = packed(b"zlib", |movie| [movie, vec![0; 64 << 20]].concat());
    assert_eq!(probe(&bomb), unpackable, "64 MiB of nothing");
    let twice = packed(b"zlib", |_| atom(b"moov", &whole(&film, b"cmov")));
    assert_eq!(probe(&twice), unpackable, "packed twice");
    let samples_in_the_packed_movie = packed(b"zlib", |movie| {
        patched(&movie, b"stco", 8, &(fixture("moov-last.mp4").len() as u32).to_be_bytes())
    });
    assert_eq!(probe(&samples_in_the_packed_movie), broken(Flaw::Truncated));
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

#[test]
fn the_shape_of_pixels_in_older_streams_is_known() {
    let film = without(&fixture("mpeg4.mp4"), b"pasp");
    let layer = film.windows(4).position(|code| code == [0, 0, 1, 0x20]).expect("a layer") + 4;
    // Nothing but the aspect is read behind this: `aspect_ratio_info` with and without what may stand before it.
    let rows: [(u32, u32, &str); 6] = [
        (0b1 << 22 | 1 << 11, 96, "square"),
        (0b1 << 22 | 2 << 11, 105, "12:11"),
        (3 << 18, 87, "10:11"),
        (0b1 << 22 | 15 << 11 | 4 << 3, 96, "4:0"),
        (15 << 18 | 4 << 10 | 3 << 2, 128, "4:3"),
        (0b1 << 22 | 14 << 11, 96, "reserved"),
    ];
    for (bits, width, aspect) in rows {
        let mut film = film.clone();
        film[layer..layer + 4].copy_from_slice(&bits.to_be_bytes());
        film[layer + 4] = 0;
        assert_eq!(probe(&film), facts(width, 64, 2), "{aspect}");
    }
    let film = without(&fixture("mjpeg.mov"), b"pasp");
    for (width, height, shown) in [(176_u16, 144_u16, 192), (352, 288, 384), (320, 240, 320)] {
        let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
        let film = patched(&film, b"jpeg", 24, &size);
        let film = patched(&film, b"tkhd", 76, &self::size(width.into(), height.into()));
        let entry = body_of(&film, b"jpeg") - 4;
        let mut film = film;
        film[entry..entry + 4].copy_from_slice(b"s263");
        assert_eq!(probe(&film), facts(shown, height.into(), 2), "{width} x {height}");
    }
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
    for kind in [b"thmb", b"auxl", b"vdep"] {
        let reference = atom(b"tref", &atom(kind, &1_u32.to_be_bytes()));
        let belongs = |trak: Vec<u8>| atom(b"trak", &[&trak[8..], &reference].concat());
        assert_eq!(probe(&two_tracks(belongs, b"")), facts(96, 64, 2), "{}", kind.escape_ascii());
    }
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
