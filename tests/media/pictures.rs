//! Rare kinds of pictures, through the front door: their facts, and what their thumbnails show.

use super::bytes::{deflate, find, header, png, segment, with_inserted, zlib};
use super::{decoded, quarters};
use crate::support::{Asset, Server, sample};

/// Types and payloads of chunks of a PNG.
type Chunks = Vec<(&'static [u8; 4], Vec<u8>)>;

const WIDTH: u32 = 96;
const HEIGHT: u32 = 60;

/// The scene of the fixtures.
fn scene(x: u32, y: u32) -> [u8; 3] {
    match (x < WIDTH / 2, y < HEIGHT / 2) {
        (true, true) => [208, 32, 32],
        (false, true) => [32, 160, 64],
        (true, false) => [32, 64, 208],
        (false, false) => [224, 208, 32],
    }
}

#[track_caller]
fn shown(server: &Server, name: &str, bytes: &[u8], sides: (u32, u32)) -> image::RgbImage {
    let asset: Asset = server.user(7).upload_bytes(name, bytes);
    assert_eq!(
        (asset.0["width"].as_u64(), asset.0["height"].as_u64()),
        (Some(sides.0.into()), Some(sides.1.into())),
        "{name}"
    );
    decoded(&server.user(7).get(&asset.sub("thumbnail")).expect(200).body)
}

/// Rows of filter 0.
fn rows(
    pixels: impl Fn(u32, u32) -> Vec<u8>,
    columns: impl Iterator<Item = u32> + Clone,
    lines: impl Iterator<Item = u32>,
) -> Vec<u8> {
    lines
        .flat_map(|y| [0].into_iter().chain(columns.clone().flat_map(|x| pixels(x, y)).collect::<Vec<_>>()))
        .collect()
}

fn plain(chunks: &[(&[u8; 4], Vec<u8>)], pixels: impl Fn(u32, u32) -> Vec<u8>) -> Vec<u8> {
    let data = zlib(&rows(pixels, 0..WIDTH, 0..HEIGHT));
    let head = [(b"IHDR", header(WIDTH, HEIGHT, 8, 2, false))];
    png(&[&head[..], chunks, &[(b"IDAT", data)]].concat())
}

#[test]
fn a_png_made_for_phones_is_a_picture_like_any_other() {
    let server = Server::start();
    // Blue before red, alpha multiplied in, deflate without zlib; the right half is half transparent.
    let pixels = |x: u32, y: u32| {
        let [red, green, blue] = scene(x, y);
        let alpha = if x < WIDTH / 2 { 255 } else { 128 };
        let by = |sample: u8| (u32::from(sample) * alpha / 255) as u8;
        vec![by(blue), by(green), by(red), alpha as u8]
    };
    let file = png(&[
        (b"CgBI", vec![0x50, 0, 0x20, 2]),
        (b"IHDR", header(WIDTH, HEIGHT, 8, 6, false)),
        (b"IDAT", deflate(&rows(pixels, 0..WIDTH, 0..HEIGHT))),
    ]);
    let picture = shown(&server, "phone.png", &file, (WIDTH, HEIGHT));
    for (x, y) in [(20, 15), (70, 15), (20, 45), (70, 45)] {
        let over = |sample: u8| if x < WIDTH / 2 { i32::from(sample) } else { (i32::from(sample) + 255) / 2 };
        let near = picture
            .get_pixel(x, y)
            .0
            .iter()
            .zip(scene(x, y))
            .all(|(found, wanted)| (i32::from(*found) - over(wanted)).abs() < 12);
        assert!(near, "{x}, {y}: {:?}", picture.get_pixel(x, y));
    }
}

#[test]
fn the_colours_that_a_png_states_are_brought_to_srgb() {
    let server = Server::start();
    let colour = |[red, green, blue]: [u8; 3]| move |_: u32, _: u32| vec![red, green, blue];
    let numbers =
        |numbers: [u32; 8]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>();
    let adobe = vec![
        (b"gAMA", 45_455_u32.to_be_bytes().to_vec()),
        (b"cHRM", numbers([31_270, 32_900, 64_000, 33_000, 21_000, 71_000, 15_000, 6_000])),
    ];
    let codes = |primaries: u8, transfer: u8| vec![(b"cICP", vec![primaries, transfer, 0, 1])];
    // By the matrices of Adobe RGB (1998) and Display P3 and the curve of sRGB; grey stays grey.
    let rows: [(Chunks, [u8; 3], [u8; 3]); 5] = [
        (adobe.clone(), [100, 150, 100], [67, 150, 97]),
        (adobe, [120, 120, 120], [120, 120, 120]),
        (codes(12, 13), [100, 150, 100], [83, 152, 95]),
        (codes(1, 13), [100, 150, 100], [100, 150, 100]),
        // Code points stand before the gamma.
        (
            [codes(1, 13), vec![(b"gAMA", 100_000_u32.to_be_bytes().to_vec())]].concat(),
            [100, 150, 100],
            [100, 150, 100],
        ),
    ];
    for (chunks, coded, expected) in rows {
        let picture = shown(&server, "a.png", &plain(&chunks, colour(coded)), (WIDTH, HEIGHT));
        let found = picture.get_pixel(40, 30).0;
        assert!(
            found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 4),
            "{chunks:?}: {found:?} is not {expected:?}"
        );
    }
}

#[test]
fn a_png_of_high_dynamic_range_is_brought_into_that_of_a_screen() {
    let server = Server::start();
    // PQ and HLG: the white of paper, 203 cd/m² (ITU-R BT.2408-7, table 1), and a tenth of its light.
    for (transfer, white, tenth) in [(16, 148, 86), (18, 191, 87)] {
        let of = |level: u8| {
            let chunks = [(b"cICP", vec![9, transfer, 0, 1])];
            let file = plain(&chunks, move |_, _| vec![level; 3]);
            shown(&server, "a.png", &file, (WIDTH, HEIGHT)).get_pixel(40, 30).0
        };
        let ([white, ..], [tenth, ..]) = (of(white), of(tenth));
        // On a screen a tenth of the light of white is 0.35 of its value; white leaves room for what is brighter.
        assert!((200..=250).contains(&white), "{transfer}: {white}");
        let part = f64::from(tenth) / f64::from(white);
        assert!((0.3..=0.48).contains(&part), "{transfer}: {tenth} of {white}");
    }
}

#[test]
fn an_interlaced_picture_that_is_cut_off_is_shown_coarser() {
    let server = Server::start();
    const PASSES: [[u32; 4]; 7] =
        [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];
    let data: Vec<u8> = PASSES
        .into_iter()
        .flat_map(|[x, y, across, down]| {
            rows(
                |x, y| scene(x, y).to_vec(),
                (x..WIDTH).step_by(across as usize),
                (y..HEIGHT).step_by(down as usize),
            )
        })
        .collect();
    let file = png(&[(b"IHDR", header(WIDTH, HEIGHT, 8, 2, true)), (b"IDAT", zlib(&data))]);
    let gif = sample::fixture("image/interlaced.gif");
    quarters(&shown(&server, "whole.png", &file, (WIDTH, HEIGHT)), "whole", false);
    quarters(&shown(&server, "cut.png", &file[..file.len() / 4], (WIDTH, HEIGHT)), "PNG", false);
    quarters(&shown(&server, "cut.gif", &gif[..gif.len() * 3 / 4], (WIDTH, HEIGHT)), "GIF", false);
}

#[test]
fn components_of_a_jpeg_may_share_one_name() {
    let server = Server::start();
    let mut file = sample::fixture("image/photo.jpg");
    let frame = find(&file, &[0xff, 0xc0]);
    let scan = find(&file, &[0xff, 0xda]);
    for part in 0..3 {
        file[frame + 10 + 3 * part] = 1;
        file[scan + 5 + 2 * part] = 1;
    }
    quarters(&shown(&server, "a.jpg", &file, (640, 400)), "one name", false);
}

#[test]
fn webp_of_odd_sides_with_and_without_alpha_shows_what_it_holds() {
    let server = Server::start();
    for name in ["odd.webp", "odd-alpha.webp"] {
        let picture = shown(&server, name, &sample::fixture(&format!("image/{name}")), (97, 61));
        quarters(&picture, name, false);
        // Transparent from the 90th column on.
        let edge = picture.get_pixel(95, 10).0;
        assert_eq!(edge.iter().all(|sample| *sample > 240), name == "odd-alpha.webp", "{name}: {edge:?}");
    }
}

#[test]
fn a_jpeg_ls_is_refused_by_its_name() {
    let server = Server::start();
    let file = [
        &b"\xff\xd8"[..],
        &segment(0xf7, &[8, 0, 16, 0, 16, 1, 1, 0x11, 0]),
        b"\xff\xda\0\x08\x01\x01\0\0\0\0data",
    ]
    .concat();
    let detail = "Invalid file type: image/jls. Export it as JPEG or PNG. Allowed: images (jpg, png, gif, webp), \
                  videos (mp4, mov), audio (mp3, wav), documents (pdf)";
    server.user(7).post(&crate::support::Form::of("a.jpg", &file)).expect(400).detail(detail);
    assert!(server.files().is_empty());
}

/// What is a picture and something else is kept and served as the picture, and what is not, is refused.
#[test]
fn polyglots_are_what_their_first_bytes_are() {
    let server = Server::start();
    let jar = b"PK\x03\x04\x14\0\0\0\0\0META-INF/MANIFEST.MFPK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let page = b"<html><script>alert(1)</script>";
    let jpg = sample::fixture("image/photo.jpg");
    let gif = sample::fixture("image/still.gif");
    let plain_png = sample::fixture("image/plain.png");
    let webp = sample::fixture("image/lossy.webp");
    let php = super::bytes::chunk(b"tEXt", b"a\0<?php system($_GET[0]); ?>");
    let rows: [(&str, &str, Vec<u8>); 7] = [
        ("gifar.gif", "image/gif", [&gif[..], jar].concat()),
        ("jar.jpg", "image/jpeg", [&jpg[..], jar].concat()),
        ("page.jpg", "image/jpeg", with_inserted(&jpg, 2, &segment(0xfe, page))),
        ("pdf.jpg", "image/jpeg", with_inserted(&jpg, 2, &segment(0xfe, b"%PDF-1.4\n1 0 obj<<>>endobj"))),
        ("php.png", "image/png", with_inserted(&plain_png, 33, &php)),
        ("page.png", "image/png", [&plain_png[..], page].concat()),
        ("page.webp", "image/webp", [&webp[..], page].concat()),
    ];
    for (name, media_type, bytes) in rows {
        let asset = server.user(7).upload_bytes(name, &bytes);
        let answer = server.user(7).get(&asset.path()).expect(200);
        assert_eq!(answer.header("content-type"), media_type, "{name}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{name}");
        assert_eq!(answer.body, bytes, "{name}");
    }
    for (name, bytes) in
        [("page.gif", [&page[..], &gif].concat()), ("script.png", [&b"#!/bin/sh\n"[..], &plain_png].concat())]
    {
        server.user(7).post(&crate::support::Form::of(name, &bytes)).expect(400);
    }
}
