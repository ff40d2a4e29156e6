//! Width and height as displayed, and what is refused.

use std::cell::Cell;
use std::io::{Cursor, Read, Result as IoResult, Seek, SeekFrom};

use assetd::asset::{Facts, Flaw, Format};
use assetd::media::image::probe;
use assetd::media::{Limits, Refusal};

use super::*;

fn broken(flaw: Flaw) -> Result<Facts, Refusal> {
    Err(Refusal::Broken(flaw))
}

#[test]
fn each_fixture_has_the_sides_it_was_made_with() {
    for (name, bytes) in FIXTURES {
        let expected = match *name {
            "photo-orientation-6.jpg" => (400, 640),
            "exif.png" | "exif.webp" => (60, 96),
            "cmyk.jpg" => (96, 60),
            "wide.jpg" | "wide-progressive.jpg" => (3840, 48),
            "half.jpg" | "half-progressive.jpg" => (960, 48),
            name if name.ends_with(".jpg") || name == "lossy.webp" => (640, 400),
            _ => (96, 60),
        };
        assert_eq!(sides(format_of(name), bytes), expected, "{name}");
    }
}

#[test]
fn orientations_from_five_on_swap_the_sides_in_all_formats_that_have_them() {
    let jpeg = fixture("photo.jpg");
    let png = fixture("plain.png");
    for big_endian in [false, true] {
        for orientation in 0..=9 {
            let exif = exif(orientation, big_endian);
            let swapped = (5..=8).contains(&orientation);
            let of_jpeg = with_inserted(&jpeg, 2, &segment(0xe1, &[b"Exif\0\0", &exif[..]].concat()));
            let expected = if swapped { (400, 640) } else { (640, 400) };
            assert_eq!(sides(Format::Jpg, &of_jpeg), expected, "JPEG {orientation}");
            let expected = if swapped { (60, 96) } else { (96, 60) };
            let of_png = with_inserted(&png, 33, &png_chunk(b"eXIf", &exif));
            assert_eq!(sides(Format::Png, &of_png), expected, "PNG {orientation}");
            let of_webp = webp_with_exif(&exif);
            assert_eq!(sides(Format::Webp, &of_webp), expected, "WebP {orientation}");
        }
    }
}

/// The fixture with another Exif block, which is its last chunk.
fn webp_with_exif(exif: &[u8]) -> Vec<u8> {
    let mut webp = fixture("exif.webp");
    let at = webp.windows(4).position(|window| window == b"EXIF").expect("Exif");
    webp.truncate(at + 4);
    webp.extend((exif.len() as u32).to_le_bytes());
    webp.extend(exif);
    webp
}

#[test]
fn broken_exif_is_as_good_as_none() {
    let sound = exif(6, true);
    let jpeg = fixture("photo.jpg");
    for length in 0..sound.len() - 4 {
        // The entry that states it is whole from the 22nd byte on, whatever follows.
        let expected = if length >= 22 { (400, 640) } else { (640, 400) };
        let file = with_inserted(&jpeg, 2, &segment(0xe1, &[b"Exif\0\0", &sound[..length]].concat()));
        assert_eq!(sides(Format::Jpg, &file), expected, "{length} bytes");
    }
    let far = [b"Exif\0\0MM\0*\xff\xff\xff\xff".to_vec(), vec![0; 30]].concat();
    assert_eq!(sides(Format::Jpg, &with_inserted(&jpeg, 2, &segment(0xe1, &far))), (640, 400));
}

#[test]
fn a_jpeg_within_exif_is_not_the_picture() {
    let inner = fixture("cmyk.jpg");
    let file = with_inserted(&fixture("photo.jpg"), 2, &segment(0xe1, &[b"Exif\0\0", &inner[..]].concat()));
    assert_eq!(sides(Format::Jpg, &file), (640, 400));
}

#[test]
fn every_frame_header_of_jpeg_has_sides() {
    let jpeg = fixture("photo.jpg");
    let at = jpeg.windows(2).position(|window| window == [0xff, 0xc0]).expect("a frame");
    for code in 0xc0..=0xcf {
        let mut file = jpeg.clone();
        file[at + 1] = code;
        match code {
            0xc4 | 0xc8 | 0xcc => {
                assert_eq!(facts(Format::Jpg, &file), broken(Flaw::NoDimensions), "{code:x}")
            }
            _ => assert_eq!(sides(Format::Jpg, &file), (640, 400), "{code:x}"),
        }
    }
}

#[test]
fn what_stands_between_segments_of_a_jpeg_is_passed_over() {
    let jpeg = fixture("photo.jpg");
    let rows: [&[u8]; 5] =
        [b"stray bytes", &[0xff; 9], &[0xff, 0], &[0xff, 0xfe, 0, 0], &[0xff, 0x01, 0xff, 0xd3]];
    for inserted in rows {
        assert_eq!(sides(Format::Jpg, &with_inserted(&jpeg, 2, inserted)), (640, 400), "{inserted:?}");
    }
}

#[test]
fn a_jpeg_may_tell_its_height_behind_the_first_scan() {
    let mut file = fixture("photo.jpg");
    let at = file.windows(2).position(|window| window == [0xff, 0xc0]).expect("a frame");
    file[at + 5..at + 7].fill(0);
    assert_eq!(facts(Format::Jpg, &file), broken(Flaw::NoDimensions));
    let end = file.len() - 2;
    let file = with_inserted(&file, end, &segment(0xdc, &400u16.to_be_bytes()));
    assert_eq!(sides(Format::Jpg, &file), (640, 400));
    assert_quarters(&thumbnail(Format::Jpg, &file).expect("a thumbnail"), SCENE, "by DNL");
}

#[test]
fn a_jpeg_without_a_scan_is_no_picture() {
    let jpeg = fixture("photo.jpg");
    let at = jpeg.windows(2).position(|window| window == [0xff, 0xda]).expect("a scan");
    assert_eq!(facts(Format::Jpg, &jpeg[..at]), broken(Flaw::NoImageData));
    assert_eq!(facts(Format::Jpg, &jpeg[..at + 14]), broken(Flaw::NoImageData));
    assert_eq!(sides(Format::Jpg, &jpeg[..at + 15]), (640, 400));
    assert_eq!(facts(Format::Jpg, b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01"), broken(Flaw::NoDimensions));
}

#[test]
fn the_header_of_a_png_must_be_first_and_sound() {
    let sound = fixture("plain.png");
    for at in 8..33 {
        let mut file = sound.clone();
        file[at] ^= 1;
        assert!(matches!(facts(Format::Png, &file), Err(Refusal::Broken(_))), "byte {at}");
    }
    let rows = [
        (1, 1, 8, 2, true),
        (1, 1, 3, 0, false),
        (1, 1, 16, 3, false),
        (1, 1, 8, 5, false),
        (1, 1, 4, 6, false),
    ];
    for (width, height, depth, colour, is_allowed) in rows {
        let found = facts(Format::Png, &png(width, height, depth, colour, b"x"));
        assert_eq!(found.is_ok(), is_allowed, "depth {depth}, colour type {colour}");
    }
    for (width, height) in [(0, 1), (1, 0)] {
        assert_eq!(facts(Format::Png, &png(width, height, 8, 2, b"x")), broken(Flaw::NoDimensions));
    }
}

#[test]
fn a_png_without_data_is_no_picture() {
    assert_eq!(facts(Format::Png, &png(1, 1, 8, 2, b"")), broken(Flaw::NoImageData));
    assert_eq!(facts(Format::Png, &fixture("plain.png")[..33]), broken(Flaw::NoImageData));
    assert_eq!(facts(Format::Png, &fixture("plain.png")[..12]), broken(Flaw::Truncated));
}

#[test]
fn a_gif_is_as_large_as_its_screen_or_as_its_frame_where_that_sticks_out() {
    let gif = fixture("still.gif");
    let at = frame_of(&gif);
    // The screen, the frame's place, what is displayed.
    let rows: [([u16; 4], (u32, u32)); 5] = [
        ([96, 60, 0, 0], (96, 60)),
        ([200, 100, 0, 0], (200, 100)),
        ([0, 0, 0, 0], (96, 60)),
        ([50, 50, 0, 0], (96, 60)),
        ([96, 60, 10, 20], (106, 80)),
    ];
    for ([width, height, left, top], expected) in rows {
        let mut file = gif.clone();
        file[6..8].copy_from_slice(&width.to_le_bytes());
        file[8..10].copy_from_slice(&height.to_le_bytes());
        file[at + 1..at + 3].copy_from_slice(&left.to_le_bytes());
        file[at + 3..at + 5].copy_from_slice(&top.to_le_bytes());
        assert_eq!(sides(Format::Gif, &file), expected);
        assert!(thumbnail(Format::Gif, &file).is_some(), "{expected:?}");
    }
}

#[test]
fn a_gif_without_a_frame_that_has_data_is_no_picture() {
    let screen = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff";
    let frame = |width: u8, data: &[u8]| [b",\0\0\0\0", &[width, 0, 1, 0, 0, 2][..], data, b";"].concat();
    let rows: [(Vec<u8>, bool); 5] = [
        (b";".to_vec(), false),
        (frame(1, b"\0"), false),
        (frame(0, b"\x02\x44\x01\0"), false),
        (frame(1, b"\x02\x44\x01\0"), true),
        ([b"!\xfe\x03abc\0\0\0".to_vec(), frame(1, b"\x02\x44\x01\0")].concat(), true),
    ];
    for (blocks, is_picture) in rows {
        let found = facts(Format::Gif, &[screen.as_slice(), &blocks].concat());
        let expected =
            if is_picture { Ok(Facts::Image { width: 1, height: 1 }) } else { broken(Flaw::NoImageData) };
        assert_eq!(found, expected, "{}", blocks.escape_ascii());
    }
    assert_eq!(facts(Format::Gif, b"GIF89a\0\x01"), broken(Flaw::Truncated));
}

#[test]
fn a_webp_cut_within_its_picture_is_refused() {
    for name in ["lossy.webp", "lossless-alpha.webp", "lossy-alpha.webp"] {
        let webp = fixture(name);
        assert!(matches!(facts(Format::Webp, &webp[..webp.len() - 3]), Err(Refusal::Broken(_))), "{name}");
    }
    assert_eq!(facts(Format::Webp, b"RIFF\x04\0\0\0WEBP"), broken(Flaw::NoImageData));
}

#[test]
fn a_webp_without_a_sound_picture_header_is_refused() {
    // Behind the chunk's header at 20: the tag, the start code, the sides.
    for (at, byte) in [(20, 1), (23, 0), (24, 0), (25, 0)] {
        let mut lossy = fixture("lossy.webp");
        lossy[at] = byte;
        assert_eq!(facts(Format::Webp, &lossy), broken(Flaw::BadHeader), "byte {at}");
    }
    let mut lossy = fixture("lossy.webp");
    lossy[26..28].fill(0);
    assert_eq!(facts(Format::Webp, &lossy), broken(Flaw::NoDimensions));
    for (at, byte) in [(20, 0), (24, 0xff)] {
        let mut lossless = fixture("lossless-alpha.webp");
        lossless[at] = byte;
        assert_eq!(facts(Format::Webp, &lossless), broken(Flaw::BadHeader), "byte {at}");
    }
}

#[test]
fn more_pixels_than_allowed_are_refused_with_the_coded_sides() {
    let limits = Limits { max_pixels: 640 * 400 - 1 };
    let found = probe(Format::Jpg, &mut Cursor::new(fixture("photo-orientation-6.jpg")), &limits);
    assert_eq!(found, Err(Refusal::TooManyPixels { width: 640, height: 400 }));
    let limits = Limits { max_pixels: 640 * 400 };
    assert!(probe(Format::Jpg, &mut Cursor::new(fixture("photo.jpg")), &limits).is_ok());
    for (width, height) in [(50_000, 50_000), (0x7fff_ffff, 0x7fff_ffff), (16_001, 16_000)] {
        let bomb = png(width, height, 8, 6, &[0; 64]);
        assert_eq!(facts(Format::Png, &bomb), Err(Refusal::TooManyPixels { width, height }));
    }
}

/// A file of which the bytes that are read are counted.
struct Counted<'c>(Cursor<Vec<u8>>, &'c Cell<usize>);

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        let count = self.0.read(buffer)?;
        self.1.set(self.1.get() + count);
        Ok(count)
    }
}

impl Seek for Counted<'_> {
    fn seek(&mut self, to: SeekFrom) -> IoResult<u64> {
        self.0.seek(to)
    }
}

#[test]
fn the_facts_of_a_large_file_are_read_without_its_pixels() {
    let data = vec![0; 8 << 20];
    let large_png = png(4000, 4000, 8, 2, &data);
    let jpeg = fixture("photo.jpg");
    let large_jpeg = [&jpeg[..jpeg.len() - 2], &data].concat();
    for (format, file) in [(Format::Png, large_png), (Format::Jpg, large_jpeg)] {
        let read = Cell::new(0);
        assert!(probe(format, &mut Counted(Cursor::new(file), &read), &LIMITS).is_ok());
        assert!(read.get() <= 256 << 10, "{format:?}: {} bytes", read.get());
    }
}
