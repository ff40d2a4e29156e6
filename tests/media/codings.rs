//! Films whose coded pictures are damaged, or far larger than their container says, through the front door.

use serde_json::Value;

use super::thumbnail;
use crate::support::boxes::body_of;
use crate::support::{Form, Server, sample};

/// Where each sample of a film begins and how long it is; of one without sound, whose samples follow each other.
fn samples(film: &[u8]) -> Vec<(usize, usize)> {
    let number = |at: usize| u32::from_be_bytes(film[at..at + 4].try_into().expect("four bytes")) as usize;
    let sizes = body_of(film, b"stsz");
    let mut start = number(body_of(film, b"stco") + 8);
    let mut samples = Vec::new();
    for index in 0..number(sizes + 8) {
        let size = if number(sizes + 4) > 0 { number(sizes + 4) } else { number(sizes + 12 + index * 4) };
        samples.push((start, size));
        start += size;
    }
    samples
}

/// The film with a sample that begins with these bytes, as far as they fit in.
fn with_sample(film: &[u8], index: usize, bytes: &[u8]) -> Vec<u8> {
    let (start, size) = samples(film)[index];
    let mut film = film.to_vec();
    let length = bytes.len().min(size);
    film[start..start + length].copy_from_slice(&bytes[..length]);
    film
}

/// Bits, the highest of each byte first.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn put(mut self, count: u32, number: u32) -> Bits {
        self.0.extend((0..count).rev().map(|bit| number >> bit & 1 == 1));
        self
    }

    /// `ue(v)` of H.264 and HEVC.
    fn unsigned(self, number: u32) -> Bits {
        let bits = (number + 1).ilog2();
        self.put(bits, 0).put(bits + 1, number + 1)
    }

    fn bytes(&self) -> Vec<u8> {
        let byte =
            |bits: &[bool]| (0..8).fold(0, |byte, at| byte << 1 | u8::from(bits.get(at) == Some(&true)));
        self.0.chunks(8).map(byte).collect()
    }
}

/// A unit of HEVC: a sequence parameter set for pictures of this size, with its length before it.
fn hevc(side: u32) -> Vec<u8> {
    let set = Bits::default().put(16, 0x4201).put(8, 1).put(32, 0x0160_0000).put(32, 0).put(32, 0x99);
    let set = set.unsigned(0).unsigned(1).unsigned(side).unsigned(side).put(1, 0).unsigned(0).unsigned(0);
    let set = set.unsigned(4).put(1, 1).unsigned(4).unsigned(0).unsigned(0).put(32, u32::MAX).bytes();
    [&u32::try_from(set.len()).expect("a small set").to_be_bytes(), set.as_slice()].concat()
}

/// Units of AV1: a sequence header for a still picture of this size, and the beginning of that.
fn av1(side: u32) -> Vec<u8> {
    let header = Bits::default().put(10, 0b00_0110_0000).put(8, 0xFF).put(16, side - 1).put(16, side - 1);
    let header = header.put(14, 0).put(1, 1).bytes();
    let length = u8::try_from(header.len()).expect("a small header");
    [&[0x12, 0, 0x0A, length], header.as_slice(), &[0x32, 8], &[0; 8]].concat()
}

/// A key frame of VP9, or one that hangs on others, of this size.
fn vp9(side: u32, is_key: bool) -> Vec<u8> {
    let frame = if is_key {
        Bits::default().put(8, 0x82).put(24, 0x49_83_42).put(4, 2)
    } else {
        Bits::default().put(8, 0x86).put(2, 0).put(8, 0xFF).put(12 + 3, 0)
    };
    frame.put(16, side - 1).put(16, side - 1).put(32, 0).bytes()
}

/// The layer of MPEG-4 for pictures of this size, and the beginning of one.
fn mpeg4(side: u32) -> Vec<u8> {
    let layer = Bits::default().put(32, 0x0120).put(9, 1).put(1, 0).put(4, 1).put(1, 0).put(2, 0).put(1, 1);
    let layer = layer.put(16, 10).put(1, 1).put(1, 0).put(1, 1).put(13, side).put(1, 1).put(13, side);
    let layer = layer.put(1, 1).put(7, 0b010_0011).put(2, 0).put(1, 1).bytes();
    [layer.as_slice(), &[0, 0, 1, 0xB6, 0, 0, 0, 0]].concat()
}

#[test]
fn films_whose_pictures_outgrow_their_container_are_answered_and_the_next_one_is_accepted() {
    let server = Server::start();
    let fixture = |name: &str| sample::fixture(&format!("video/{name}"));
    let mut films = Vec::new();
    for at in [0, 4] {
        for side in [4096, 8192, 16_000, 16_385, 65_536] {
            films.push((format!("HEVC {side} {at}"), with_sample(&fixture("hevc.mp4"), at, &hevc(side))));
            let deep = with_sample(&fixture("hevc422-10.mp4"), at, &hevc(side));
            films.push((format!("HEVC by the other decoder {side} {at}"), deep));
            films.push((format!("AV1 {side} {at}"), with_sample(&fixture("av1.mp4"), at, &av1(side))));
            for is_key in [true, false] {
                let film = with_sample(&fixture("vp9.mp4"), at, &vp9(side, is_key));
                films.push((format!("VP9 {side} {is_key} {at}"), film));
            }
        }
        for side in [4096, 8191] {
            films.push((format!("MPEG-4 {side} {at}"), with_sample(&fixture("mpeg4.mp4"), at, &mpeg4(side))));
        }
        let sequence = [0, 0, 1, 0xB3, 0xFF, 0xFF, 0xFF];
        films.push((format!("MPEG-2 {at}"), with_sample(&fixture("mpeg2.mov"), at, &sequence)));
        // 16CIF, and a size written out (H.263, 5.1.3).
        for format in [5, 7] {
            let h263 = fixture("h263.mov");
            let (start, _) = samples(&h263)[at];
            let head = [&h263[start..start + 4], &[h263[start + 4] & !0x1C | format << 2]].concat();
            films.push((format!("H.263 {format} {at}"), with_sample(&h263, at, &head)));
        }
    }
    // All of ProRes' samples, since each stands alone: the width and the height stand behind 16 bytes.
    for side in [4096_u16, 8192, 16_000, u16::MAX] {
        let mut film = fixture("prores.mov");
        for (start, _) in samples(&film) {
            film[start + 16..start + 20].copy_from_slice(&[side.to_be_bytes(), side.to_be_bytes()].concat());
        }
        films.push((format!("ProRes {side}"), film));
    }
    for (what, film) in films {
        let answer = server.user(7).post(&Form::of("a.mp4", &film));
        assert!(matches!(answer.status, 201 | 400), "{what}: {}", answer.status);
        if answer.status == 400 {
            assert!(answer.error().starts_with("Invalid "), "{what}: {}", answer.error());
        }
        let next = server.user(8).upload_bytes("b.mp4", &sample::film("film.mp4", sample::fresh()));
        assert_ne!(next.0["thumbnailUrl"], Value::Null, "behind {what}");
    }
}

#[test]
fn a_film_with_a_damaged_picture_before_the_one_that_is_shown_has_a_thumbnail() {
    let server = Server::start();
    for name in ["vp9.mp4", "av1.mp4", "hevc.mp4", "mpeg4.mp4", "h263.mov", "mpeg2.mov"] {
        let film = sample::fixture(&format!("video/{name}"));
        let (_, size) = samples(&film)[3];
        let asset = server.user(7).upload_bytes(name, &with_sample(&film, 3, &vec![0xFF; size])).0;
        let picture = thumbnail(&server, &asset);
        // The left half is white all the time; the right one is red before the damage, and not yet blue at 1 second.
        let (width, height) = picture.dimensions();
        let left = picture.get_pixel(width * 30 / 100, height * 3 / 4).0;
        assert!(left.iter().all(|level| *level > 200), "{name}: {left:?}");
        let right = picture.get_pixel(width * 3 / 4, height / 2).0;
        assert!(right[0].max(right[1]) > 180 && right[2] < 90, "{name}: {right:?}");
    }
}

#[test]
fn each_block_of_chroma_stands_where_it_was_coded() {
    let server = Server::start();
    let asset = server.user(7).upload_bytes("a.mov", &sample::fixture("video/prores-444.mov")).0;
    let picture = thumbnail(&server, &asset);
    let places = [(0, 0, [255, 0, 0]), (8, 0, [0, 255, 0]), (0, 8, [0, 0, 255]), (8, 8, [255, 255, 255])];
    for (left, top) in [(0, 0), (16, 0), (32, 16)] {
        for (right, down, colour) in places {
            let (x, y) = (left + right + 4, top + down + 4);
            let found = picture.get_pixel(x, y).0;
            let is_near = found.iter().zip(colour).all(|(found, wanted)| found.abs_diff(wanted) <= 30);
            assert!(is_near, "{found:?} at {x}, {y} and not {colour:?}");
        }
    }
}

#[test]
fn a_film_with_film_grain_is_drawn_with_it() {
    let server = Server::start();
    // More than one, since what would be wrong is how pictures are given back.
    for _ in 0..3 {
        let film = sample::fixture("video/av1-grain.mp4");
        let asset = server.user(7).upload_bytes("a.mp4", &film).0;
        let picture = thumbnail(&server, &asset);
        let (x, y) = (picture.width() * 3 / 4, picture.height() / 2);
        let [red, green, blue] = picture.get_pixel(x, y).0;
        assert!(green > 150 && red < 120 && blue < 120, "{red} {green} {blue}");
        // Without grain what is of one colour is flat.
        let column = (0..picture.height()).map(|y| picture.get_pixel(x, y).0[1]);
        assert!(column.clone().max() > column.min().map(|least| least + 8));
    }
}
