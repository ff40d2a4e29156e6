//! Thumbnails: upright, in sRGB, on white, at every scale.

use assetd::asset::Format;
use assetd::media::image::derive;
use assetd::media::picture::{Orientation, Picture, fit};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use moxcms::{ColorProfile, curve_from_gamma};

use super::*;

#[test]
fn each_coloured_fixture_shows_the_scene() {
    for (name, bytes) in FIXTURES {
        let expected = match *name {
            "photo-orientation-6.jpg" | "exif.png" | "exif.webp" => [BLUE, RED, YELLOW, GREEN],
            // Nothing over white, and half of green over white.
            "alpha.png" | "lossless-alpha.webp" | "lossy-alpha.webp" => {
                [WHITE, [0x8f, 0xcf, 0x9f], BLUE, YELLOW]
            }
            "grey.jpg" | "grey16.png" => continue,
            // Six pixels high, so that each is near an edge.
            "wide.jpg" | "wide-progressive.jpg" => continue,
            _ => SCENE,
        };
        assert_quarters(&thumbnail(format_of(name), bytes).expect(name), expected, name);
    }
}

#[test]
fn grey_pictures_keep_the_order_of_their_shades() {
    for name in ["grey.jpg", "grey16.png"] {
        let picture = thumbnail(format_of(name), &fixture(name)).expect(name);
        let [red, green, blue, yellow] = quarters(&picture);
        assert!(blue[0] <= red[0] + 8 && red[0] + 40 < green[0] && green[0] + 40 < yellow[0], "{name}");
        assert!([red, green, blue, yellow].iter().all(|pixel| pixel[0].abs_diff(pixel[2]) < 4), "{name}");
    }
}

#[test]
fn all_eight_orientations_stand_upright() {
    let jpeg = fixture("photo.jpg");
    let turned = [
        [RED, GREEN, BLUE, YELLOW],
        [GREEN, RED, YELLOW, BLUE],
        [YELLOW, BLUE, GREEN, RED],
        [BLUE, YELLOW, RED, GREEN],
        [RED, BLUE, GREEN, YELLOW],
        [BLUE, RED, YELLOW, GREEN],
        [YELLOW, GREEN, BLUE, RED],
        [GREEN, YELLOW, RED, BLUE],
    ];
    for (orientation, expected) in (1..).zip(turned) {
        let exif = [b"Exif\0\0", &exif(orientation, false)[..]].concat();
        let file = with_inserted(&jpeg, 2, &segment(0xe1, &exif));
        let picture = thumbnail(Format::Jpg, &file).expect("a thumbnail");
        assert_eq!(picture.dimensions(), if orientation < 5 { (480, 300) } else { (300, 480) });
        assert_quarters(&picture, expected, &format!("orientation {orientation}"));
    }
}

#[test]
fn turning_moves_each_pixel_where_exif_says() {
    // a b c
    // d e f
    let (a, b, c, d, e, f) = ([1; 3], [2; 3], [3; 3], [4; 3], [5; 3], [6; 3]);
    let rows = [
        (1, [a, b, c, d, e, f]),
        (2, [c, b, a, f, e, d]),
        (3, [f, e, d, c, b, a]),
        (4, [d, e, f, a, b, c]),
        (5, [a, d, b, e, c, f]),
        (6, [d, a, e, b, f, c]),
        (7, [f, c, e, b, d, a]),
        (8, [c, f, b, e, a, d]),
    ];
    for (orientation, expected) in rows {
        let picture = Picture::new(3, 2, [a, b, c, d, e, f].concat()).expect("a picture");
        let turned = picture.turn(Orientation::from_exif(orientation));
        assert_eq!(turned.rgb(), expected.concat(), "orientation {orientation}");
        assert_eq!((turned.width(), turned.height()), if orientation < 5 { (3, 2) } else { (2, 3) });
    }
}

/// A JPEG of the scene.
fn jpeg(width: u16, height: u16, set: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    set(&mut encoder);
    encoder.encode(&scene(width.into(), height.into()), width, height, ColorType::Rgb).expect("a JPEG");
    bytes
}

#[test]
fn jpegs_of_every_size_sampling_and_process_are_drawn_at_the_size_of_a_thumbnail() {
    let samplings = [
        SamplingFactor::F_1_1,
        SamplingFactor::F_2_1,
        SamplingFactor::F_1_2,
        SamplingFactor::F_2_2,
        SamplingFactor::F_4_1,
        SamplingFactor::F_4_2,
    ];
    // Sides at which the scale of decoding changes, odd ones, and long ones.
    for (width, height) in [(31, 17), (480, 301), (961, 600), (1923, 1201), (3850, 641), (150, 3900)] {
        for (index, sampling) in samplings.into_iter().enumerate() {
            let file = jpeg(width, height, |encoder| {
                encoder.set_sampling_factor(sampling);
                encoder.set_progressive(index % 2 == 1);
                encoder.set_restart_interval(if index % 3 == 1 { 5 } else { 0 });
            });
            let what = format!("{width} x {height}, {sampling:?}");
            let picture = thumbnail(Format::Jpg, &file).expect(&what);
            assert_eq!(picture.dimensions(), fit(width.into(), height.into()), "{what}");
            assert_quarters(&picture, SCENE, &what);
        }
    }
}

#[test]
fn one_picture_looks_the_same_however_its_scans_are_arranged() {
    let pairs = [
        ("photo.jpg", "progressive.jpg"),
        ("photo.jpg", "restart.jpg"),
        ("photo.jpg", "separate.jpg"),
        ("wide.jpg", "wide-progressive.jpg"),
        ("half.jpg", "half-progressive.jpg"),
    ];
    for (one, other) in pairs {
        let draw = |name: &str| derive(Format::Jpg, &mut Cursor::new(fixture(name)), &LIMITS);
        assert!(draw(one).is_some(), "{one}");
        assert_eq!(draw(one), draw(other), "{other}");
    }
}

#[test]
fn blocks_without_an_end_are_passed_over_as_they_are_drawn() {
    // Noise that leaves no coefficient at zero, so that no block ends before its last.
    let mut seed = 1u32;
    let mut noise = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    };
    let pixels: Vec<u8> = (0..3840 * 16).map(|_| noise()).collect();
    let drawn = [false, true].map(|is_progressive| {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 100);
        encoder.set_progressive(is_progressive);
        encoder.encode(&pixels, 3840, 16, ColorType::Luma).expect("a JPEG");
        derive(Format::Jpg, &mut Cursor::new(bytes), &LIMITS)
    });
    assert!(drawn[0].is_some());
    assert_eq!(drawn[0], drawn[1]);
}

#[test]
fn a_thumbnail_is_as_sharp_as_its_size_allows() {
    // Stripes three pixels wide: they show at half the size and vanish at a quarter.
    let pixels: Vec<u8> =
        (0..960 * 96u32).map(|index| if index % 960 / 3 % 2 == 0 { 0 } else { 255 }).collect();
    let mut bytes = Vec::new();
    Encoder::new(&mut bytes, 95).encode(&pixels, 960, 96, ColorType::Luma).expect("a JPEG");
    let picture = thumbnail(Format::Jpg, &bytes).expect("a thumbnail");
    let row: Vec<u8> = (100..300).map(|x| picture.get_pixel(x, 24).0[0]).collect();
    let (darkest, lightest) = (row.iter().min().expect("a pixel"), row.iter().max().expect("a pixel"));
    assert!(lightest - darkest > 120, "{darkest} to {lightest}");
}

#[test]
fn a_jpeg_without_huffman_tables_has_the_suggested_ones() {
    let whole = jpeg(64, 48, |_| {});
    let mut bare = whole.clone();
    // The encoder writes the tables of T.81, annex K.
    while let Some(at) = bare.windows(2).position(|pair| pair == [0xff, 0xc4]) {
        let length = usize::from(u16::from_be_bytes([bare[at + 2], bare[at + 3]]));
        bare.drain(at..at + 2 + length);
    }
    assert!(bare.len() < whole.len() - 400);
    let draw = |bytes: &[u8]| derive(Format::Jpg, &mut Cursor::new(bytes), &LIMITS);
    assert_eq!(draw(&bare), draw(&whole));
}

#[test]
fn a_sample_of_twelve_bits_is_a_sixteenth_of_one_of_eight() {
    let mut file = fixture("photo.jpg");
    let at = file.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a frame");
    (file[at + 1], file[at + 4]) = (0xc1, 12);
    let picture = thumbnail(Format::Jpg, &file).expect("a thumbnail");
    assert!(picture.iter().all(|sample| sample.abs_diff(128) < 24));
    let [red, ..] = quarters(&picture);
    assert!(red[0] > red[1] + 4, "{red:?}");
}

#[test]
fn a_jpeg_of_red_green_and_blue_is_not_taken_for_luminance() {
    // Adobe's segment says: no transform.
    let adobe = segment(0xee, b"Adobe\0\x64\0\0\0\0\0");
    let mut file = jpeg(64, 48, |encoder| encoder.set_sampling_factor(SamplingFactor::F_1_1));
    let start = file.windows(4).position(|bytes| bytes == b"JFIF").expect("JFIF") - 4;
    let length = usize::from(u16::from_be_bytes([file[start + 2], file[start + 3]]));
    file.splice(start..start + 2 + length, adobe);
    let picture = thumbnail(Format::Jpg, &file).expect("a thumbnail");
    // Luminance, and differences of blue and red, shown as colours.
    let as_stored = SCENE.map(|[red, green, blue]| {
        let [red, green, blue] = [red, green, blue].map(f64::from);
        let luminance = 0.299 * red + 0.587 * green + 0.114 * blue;
        let differences = [(blue - luminance) / 1.772, (red - luminance) / 1.402].map(|value| value + 128.0);
        [luminance, differences[0], differences[1]].map(|value| value.round() as u8)
    });
    assert_quarters(&picture, as_stored, "RGB");
}

#[test]
fn a_thumbnail_is_what_the_whole_picture_shrinks_to() {
    let bytes = fixture("photo.jpg");
    let whole = image::load_from_memory(&bytes).expect("a JPEG").into_rgb8();
    let shrunk =
        Picture::new(640, 400, whole.into_raw()).and_then(|whole| whole.resize(480, 300)).expect("a picture");
    let drawn = thumbnail(Format::Jpg, &bytes).expect("a thumbnail");
    let sum: u64 = drawn.iter().zip(shrunk.rgb()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    // The thumbnail is itself a JPEG.
    assert!(sum / 480 / 300 <= 3 * 4, "mean difference {}", sum / 480 / 300 / 3);
}

#[test]
fn inks_become_light() {
    // Full cyan, none of it, black, and half of magenta over all of yellow.
    let inks: [[u8; 4]; 4] = [[255, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 255], [0, 128, 255, 0]];
    let light = [[0, 255, 255], WHITE, [0, 0, 0], [255, 127, 0]];
    for kind in [ColorType::Cmyk, ColorType::CmykAsYcck] {
        let quarter = |x, y| usize::from(x >= 32) + 2 * usize::from(y >= 32);
        let pixels: Vec<u8> = (0..64).flat_map(|y| (0..64).flat_map(move |x| inks[quarter(x, y)])).collect();
        let mut bytes = Vec::new();
        Encoder::new(&mut bytes, 95).encode(&pixels, 64, 64, kind).expect("a JPEG");
        assert_quarters(&thumbnail(Format::Jpg, &bytes).expect("a thumbnail"), light, &format!("{kind:?}"));
    }
}

/// A profile of linear light with the primaries of sRGB, and what the scene's colours are in sRGB when read by it.
fn linear_profile() -> (Vec<u8>, [[u8; 3]; 4]) {
    let mut profile = ColorProfile::new_srgb();
    let curve = Some(curve_from_gamma(1.0));
    (profile.red_trc, profile.green_trc, profile.blue_trc) = (curve.clone(), curve.clone(), curve);
    profile.cicp = None;
    // IEC 61966-2-1, 5.2.
    let encoded = |sample: u8| {
        let light = f64::from(sample) / 255.0;
        let value = if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
        (value * 255.0).round() as u8
    };
    (profile.encode().expect("a profile"), SCENE.map(|colour| colour.map(encoded)))
}

#[test]
fn an_icc_profile_is_applied() {
    let (icc, expected) = linear_profile();
    let of_jpeg = with_inserted(
        &fixture("photo.jpg"),
        2,
        // In two pieces, the second first.
        &[(2, &icc[100..]), (1, &icc[..100])]
            .map(|(number, piece)| segment(0xe2, &[b"ICC_PROFILE\0", &[number, 2][..], piece].concat()))
            .concat(),
    );
    assert_quarters(&thumbnail(Format::Jpg, &of_jpeg).expect("a thumbnail"), expected, "JPEG");
    // A stored block of deflate, and its checksum.
    let length = icc.len() as u16;
    let (low, high) = icc.iter().fold((1u32, 0u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65521;
        (low, (high + low) % 65521)
    });
    let stored = [
        &[0x78, 0x01, 1][..],
        &length.to_le_bytes(),
        &(!length).to_le_bytes(),
        &icc,
        &(high << 16 | low).to_be_bytes(),
    ];
    let chunk = png_chunk(b"iCCP", &[b"linear\0\0", &stored.concat()[..]].concat());
    let of_png = with_inserted(&fixture("plain.png"), 33, &chunk);
    assert_quarters(&thumbnail(Format::Png, &of_png).expect("a thumbnail"), expected, "PNG");
    let mut of_webp = fixture("exif.webp");
    of_webp.extend(b"ICCP");
    of_webp.extend((icc.len() as u32).to_le_bytes());
    of_webp.extend(&icc);
    let [red, green, blue, yellow] = expected;
    assert_quarters(
        &thumbnail(Format::Webp, &of_webp).expect("a thumbnail"),
        [blue, red, yellow, green],
        "WebP",
    );
}

#[test]
fn a_broken_icc_profile_is_as_good_as_none() {
    let broken = segment(0xe2, &[b"ICC_PROFILE\0\x01\x01", &[7; 500][..]].concat());
    let file = with_inserted(&fixture("photo.jpg"), 2, &broken);
    assert_quarters(&thumbnail(Format::Jpg, &file).expect("a thumbnail"), SCENE, "JPEG");
}

#[test]
fn the_gamma_of_a_png_is_applied() {
    let (_, expected) = linear_profile();
    let file = with_inserted(&fixture("plain.png"), 33, &png_chunk(b"gAMA", &100_000u32.to_be_bytes()));
    assert_quarters(&thumbnail(Format::Png, &file).expect("a thumbnail"), expected, "linear");
    let file = with_inserted(&fixture("plain.png"), 33, &png_chunk(b"gAMA", &45_455u32.to_be_bytes()));
    assert_quarters(&thumbnail(Format::Png, &file).expect("a thumbnail"), SCENE, "that of sRGB");
}

#[test]
fn the_first_frame_is_drawn_at_its_place_on_the_canvas() {
    let gif = fixture("still.gif");
    let at = frame_of(&gif);
    let mut file = gif;
    file[6..8].copy_from_slice(&192u16.to_le_bytes());
    file[8..10].copy_from_slice(&120u16.to_le_bytes());
    file[at + 1] = 96;
    let picture = thumbnail(Format::Gif, &file).expect("a thumbnail");
    assert_eq!(picture.dimensions(), (192, 120));
    let [left, _, below_left, below_right] = quarters(&picture);
    assert_eq!([left, below_left, below_right], [WHITE; 3]);
    let upper_right = image::imageops::crop_imm(&picture, 96, 0, 96, 60).to_image();
    assert_quarters(&upper_right, SCENE, "the frame");
}

#[test]
fn a_png_of_eight_or_sixteen_bits_is_shrunk_while_it_is_read() {
    // Stripes of eight shades, each 300 pixels wide.
    for (depth, low_bytes) in [(png::BitDepth::Eight, 0), (png::BitDepth::Sixteen, 1)] {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 2400, 100);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(depth);
        let pixel = |x: u32| [vec![(x / 300) as u8 * 36], vec![0; low_bytes]].concat();
        let row: Vec<u8> = (0..2400).flat_map(pixel).collect();
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(&row.repeat(100)).expect("a PNG");
        writer.finish().expect("a PNG");
        let picture = thumbnail(Format::Png, &bytes).expect("a thumbnail");
        assert_eq!(picture.dimensions(), (480, 20));
        for stripe in 0..8u32 {
            let found = picture.get_pixel(stripe * 60 + 30, 10).0;
            let is_near = found.iter().all(|sample| sample.abs_diff(stripe as u8 * 36) <= 3);
            assert!(is_near, "{depth:?}, stripe {stripe}: {found:?}");
        }
    }
}

#[test]
fn transparent_pixels_do_not_colour_what_is_shrunk() {
    // Columns of opaque blue and of transparent red by turns, more of them than a thumbnail has.
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 4000, 8);
    encoder.set_color(png::ColorType::Rgba);
    let row = [[0, 0, 255, 255], [255, 0, 0, 0]].concat().repeat(2000);
    encoder.write_header().and_then(|mut writer| writer.write_image_data(&row.repeat(8))).expect("a PNG");
    let picture = thumbnail(Format::Png, &bytes).expect("a thumbnail");
    assert_eq!(picture.dimensions(), (480, 1));
    let [red, green, blue] = picture.get_pixel(240, 0).0;
    assert!(red.abs_diff(127) <= 4 && green.abs_diff(127) <= 4 && blue >= 250, "{red} {green} {blue}");
}

#[test]
fn nothing_is_enlarged_and_nothing_of_the_metadata_stays() {
    let small = thumbnail(Format::Png, &fixture("plain.png")).expect("a thumbnail");
    assert_eq!(small.dimensions(), (96, 60));
    let file = with_inserted(&fixture("photo-orientation-6.jpg"), 2, &segment(0xfe, b"secret comment"));
    let jpeg = derive(Format::Jpg, &mut Cursor::new(&file), &LIMITS).expect("a thumbnail");
    for trace in [&b"Exif"[..], b"secret", b"ICC_PROFILE", b"http://"] {
        assert!(!jpeg.windows(trace.len()).any(|window| window == trace), "{}", trace.escape_ascii());
    }
}

#[test]
fn a_picture_that_would_take_too_much_memory_has_no_thumbnail() {
    // One row of 250 million pixels; and as many in an animation's canvas, which take none.
    assert!(thumbnail(Format::Png, &png(250_000_000, 1, 16, 6, &[0; 64])).is_none());
    let mut canvas = fixture("animated.webp");
    let at = canvas.windows(4).position(|window| window == b"VP8X").expect("a canvas") + 12;
    canvas[at..at + 6].copy_from_slice(&[0xff, 0x3f, 0, 0xff, 0x3b, 0]);
    assert_eq!(sides(Format::Webp, &canvas), (16384, 15360));
    assert_eq!(thumbnail(Format::Webp, &canvas).expect("a thumbnail").dimensions(), (480, 450));
}
