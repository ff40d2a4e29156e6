use std::io::Cursor;

use assetd::asset::Format;
use assetd::media::video;
use image::RgbImage;

use super::facts::matrix;
use super::{LIMITS, fixture, patched, without};

const BLACK: [u8; 3] = [0, 0, 0];
const WHITE: [u8; 3] = [255, 255, 255];
const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];

fn thumbnail(film: &[u8]) -> Option<RgbImage> {
    let jpeg = video::derive(Format::Mp4, &mut Cursor::new(film), &LIMITS)?;
    let decoded = image::load_from_memory_with_format(&jpeg, image::ImageFormat::Jpeg);
    Some(decoded.expect("the thumbnail is a JPEG").into_rgb8())
}

/// Asserts the colour at a place, in parts of a hundred of the sides.
#[track_caller]
fn assert_colour(picture: &RgbImage, across: u32, down: u32, expected: [u8; 3], why: &str) {
    /// JPEG at the thumbnail's quality, and one code value of chroma, change flat colours by less.
    const TOLERANCE: u8 = 10;
    let pixel = picture.get_pixel(picture.width() * across / 100, picture.height() * down / 100);
    let is_near = pixel.0.iter().zip(expected).all(|(value, expected)| value.abs_diff(expected) <= TOLERANCE);
    assert!(is_near, "{why}: {:?} at {across}, {down} and not {expected:?}", pixel.0);
}

/// Asserts the scene of the fixtures: a black corner, white on the left, a colour on the right.
#[track_caller]
fn assert_scene(picture: &RgbImage, right: [u8; 3], why: &str) {
    assert_colour(picture, 4, 6, BLACK, why);
    assert_colour(picture, 30, 75, WHITE, why);
    assert_colour(picture, 75, 50, right, why);
}

#[test]
fn the_picture_at_1_second_is_shown_whatever_the_coding() {
    for (name, width, height) in [
        ("film.mp4", 96, 64),
        ("moov-last.mp4", 96, 64),
        ("film.mov", 96, 64),
        ("anamorphic.mp4", 128, 64),
        ("fragmented.mp4", 96, 64),
        ("bframes.mp4", 96, 64),
        ("leading.mp4", 96, 64),
        ("interlaced.mp4", 96, 64),
        ("high422-10.mp4", 96, 64),
        ("cropped-full-range.mp4", 90, 50),
        ("mjpeg.mov", 96, 64),
        ("hevc.mp4", 96, 64),
        ("hevc-leading.mp4", 96, 64),
        ("hevc444-12.mp4", 96, 64),
        ("hevc-rgb.mp4", 96, 64),
        ("av1.mp4", 90, 50),
        ("av1-10.mp4", 96, 64),
        ("vp9.mp4", 91, 51),
        ("vp9-444-10.mp4", 96, 64),
        ("prores.mov", 96, 64),
        ("mpeg4.mp4", 96, 64),
        ("mpeg4-advanced.mp4", 96, 64),
        ("h263.mov", 176, 144),
        ("hevc422-10.mp4", 96, 64),
        ("mpeg1.mp4", 96, 64),
        ("mpeg2.mov", 96, 64),
    ] {
        let picture = thumbnail(&fixture(name)).unwrap_or_else(|| panic!("{name} has no thumbnail"));
        assert_eq!(picture.dimensions(), (width, height), "{name}");
        assert_scene(&picture, GREEN, name);
    }
}

#[test]
fn of_a_film_no_longer_than_a_second_the_middle_is_shown() {
    let lasting = |milliseconds: u32| {
        let film = patched(&fixture("film.mp4"), b"mvhd", 16, &milliseconds.to_be_bytes());
        patched(&film, b"tkhd", 20, &milliseconds.to_be_bytes())
    };
    let at = |milliseconds| thumbnail(&lasting(milliseconds)).expect("a thumbnail");
    assert_scene(&at(800), RED, "0.4 s");
    assert_scene(&at(1000), RED, "0.5 s");
    assert_scene(&at(1001), GREEN, "1 s");
}

#[test]
fn edits_move_what_is_shown_at_1_second() {
    let film = fixture("film.mp4");
    let start =
        |ticks: i32| thumbnail(&patched(&film, b"elst", 12, &ticks.to_be_bytes())).expect("a thumbnail");
    // The media starts at 2,048 of 10,240 ticks a second, where decoding order begins.
    assert_scene(&start(2048 - 1024), RED, "a tenth of a second early");
    assert_scene(&start(2048), GREEN, "as made");
    assert_scene(&start(2048 + 5120), [0, 0, 255], "half a second late");
}

#[test]
fn behind_the_last_edit_its_last_picture_stays_on() {
    // Half a second from 0.8 s of the media on, which is red there and green at its end.
    let edit = [500_u32.to_be_bytes(), (2048_u32 + 8192).to_be_bytes()].concat();
    let film = patched(&fixture("film.mp4"), b"elst", 8, &edit);
    assert_scene(&thumbnail(&film).expect("a thumbnail"), GREEN, "the end of the edit");
}

#[test]
fn the_picture_stands_as_displayed() {
    let film = fixture("film.mp4");
    let turned = |turn: Vec<u8>| thumbnail(&patched(&film, b"tkhd", 40, &turn)).expect("a thumbnail");
    let half = turned(matrix(-1, 0, 0, -1));
    assert_colour(&half, 96, 94, BLACK, "half");
    assert_colour(&half, 25, 50, GREEN, "half");
    let clockwise = turned(matrix(0, 1, -1, 0));
    assert_eq!(clockwise.dimensions(), (64, 96));
    assert_colour(&clockwise, 94, 4, BLACK, "clockwise");
    assert_colour(&clockwise, 50, 75, GREEN, "clockwise");
    let back = turned(matrix(0, -1, 1, 0));
    assert_colour(&back, 6, 96, BLACK, "anticlockwise");
    assert_colour(&back, 50, 25, GREEN, "anticlockwise");
    let mirrored = turned(matrix(-1, 0, 0, 1));
    assert_colour(&mirrored, 96, 6, BLACK, "mirrored");
    assert_colour(&mirrored, 25, 50, GREEN, "mirrored");
    let made = thumbnail(&fixture("rotated.mp4")).expect("a thumbnail");
    assert_colour(&made, 94, 4, BLACK, "as made");
}

#[test]
fn a_picture_of_one_colour_makes_way_for_a_later_one() {
    let film = fixture("fade-in.mp4");
    assert_scene(&thumbnail(&film).expect("a thumbnail"), RED, "half of the film");
    let lasting = |milliseconds: u32| {
        let film = patched(&film, b"mvhd", 16, &milliseconds.to_be_bytes());
        patched(&film, b"tkhd", 20, &milliseconds.to_be_bytes())
    };
    let black = thumbnail(&lasting(1900)).expect("where there is no other it is shown");
    assert_colour(&black, 25, 75, BLACK, "black all through");
}

#[test]
fn thumbnails_are_480_pixels_at_most() {
    let film = patched(&fixture("film.mp4"), b"pasp", 0, &[0, 0, 0, 10, 0, 0, 0, 1]);
    assert_eq!(thumbnail(&film).expect("a thumbnail").dimensions(), (480, 32));
}

#[test]
fn wrong_marks_of_where_decoding_can_start_are_seen_through() {
    let film = fixture("film.mp4");
    let every_sample_marked = thumbnail(&without(&film, b"stss")).expect("a thumbnail");
    assert_scene(&every_sample_marked, GREEN, "every sample marked");
    let none_marked = thumbnail(&patched(&film, b"stss", 4, &[0; 4])).expect("a thumbnail");
    assert_scene(&none_marked, GREEN, "none marked");
}

#[test]
fn of_a_film_cut_off_before_1_second_the_last_whole_picture_is_shown() {
    let film = fixture("film.mp4");
    let media = super::body_of(&film, b"mdat");
    let picture = thumbnail(&film[..media + 800]).expect("a thumbnail");
    assert_colour(&picture, 30, 75, WHITE, "cut off");
    assert_colour(&picture, 75, 50, RED, "cut off");
}

#[test]
fn high_dynamic_range_comes_out_as_bright_as_on_a_screen() {
    // As coded it would be 148 in the first, 191 in the second. One code value of chroma is 16 of these.
    for name in ["pq.mp4", "hlg.mp4"] {
        let picture = thumbnail(&fixture(name)).expect("a thumbnail");
        let paper_white = picture.get_pixel(24, 32).0;
        assert!(paper_white.iter().all(|value| (205..=240).contains(value)), "{name}: {paper_white:?}");
        assert_colour(&picture, 75, 50, BLACK, name);
    }
}

#[test]
fn a_film_without_colours_is_grey() {
    let picture = thumbnail(&fixture("hevc-grey.mp4")).expect("a thumbnail");
    // The luma of green.
    assert_scene(&picture, [150, 150, 150], "grey");
}

#[test]
fn what_is_seen_through_stands_before_white() {
    let picture = thumbnail(&fixture("prores-alpha.mov")).expect("a thumbnail");
    assert_scene(&picture, [127, 255, 127], "half of the right side's light");
}

#[test]
fn what_no_decoder_reads_has_no_thumbnail() {
    assert!(thumbnail(&fixture("jpeg2000.mov")).is_none());
    assert!(thumbnail(&fixture("audio-only.mp4")).is_none());
    let film = fixture("film.mp4");
    assert!(thumbnail(&patched(&film, b"stsd", 12, b"encv")).is_none());
}

#[test]
fn a_picture_over_the_limit_is_not_decoded() {
    let limits = assetd::media::Limits { max_pixels: 1000 };
    let film = fixture("film.mp4");
    assert_eq!(video::derive(Format::Mp4, &mut Cursor::new(film), &limits), None);
}
