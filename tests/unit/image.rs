//! Unit tests: image.
//!
//! The fixtures show one scene: red and green above, blue and yellow below.

mod damage;
mod facts;
mod pictures;
mod sniffing;

use std::io::Cursor;

use assetd::asset::{Facts, Format};
use assetd::media::image::{derive, probe};
use assetd::media::{Limits, Refusal};

pub use crate::media::bytes::{segment, with_inserted};

pub const LIMITS: Limits = Limits { max_pixels: 256_000_000 };

pub const RED: [u8; 3] = [0xd0, 0x20, 0x20];
pub const GREEN: [u8; 3] = [0x20, 0xa0, 0x40];
pub const BLUE: [u8; 3] = [0x20, 0x40, 0xd0];
pub const YELLOW: [u8; 3] = [0xe0, 0xd0, 0x20];
pub const WHITE: [u8; 3] = [255; 3];
/// Left and right above, left and right below.
pub const SCENE: [[u8; 3]; 4] = [RED, GREEN, BLUE, YELLOW];

macro_rules! fixtures {
    ($($name:literal)*) => {
        /// Each fixture's name and bytes.
        pub const FIXTURES: &[(&str, &[u8])] =
            &[$(($name, include_bytes!(concat!("../fixtures/image/", $name)))),*];
    };
}

fixtures! {
    "photo.jpg" "progressive.jpg" "restart.jpg" "separate.jpg" "grey.jpg" "cmyk.jpg" "photo-orientation-6.jpg"
    "wide.jpg" "wide-progressive.jpg" "half.jpg" "half-progressive.jpg"
    "plain.png" "alpha.png" "grey16.png" "interlaced.png" "palette.png" "exif.png"
    "still.gif" "interlaced.gif" "animated.gif"
    "lossy.webp" "lossless-alpha.webp" "lossy-alpha.webp" "animated.webp" "exif.webp"
}

#[track_caller]
pub fn fixture(name: &str) -> Vec<u8> {
    let (_, bytes) = FIXTURES.iter().find(|(known, _)| *known == name).expect("a fixture");
    bytes.to_vec()
}

/// The format that a fixture's name speaks of.
#[track_caller]
pub fn format_of(name: &str) -> Format {
    let (_, extension) = name.rsplit_once('.').expect("an extension");
    Format::from_extension(extension).expect("an allowed extension")
}

pub fn facts(format: Format, bytes: &[u8]) -> Result<Facts, Refusal> {
    probe(format, &mut Cursor::new(bytes), &LIMITS)
}

/// Width and height as displayed.
#[track_caller]
pub fn sides(format: Format, bytes: &[u8]) -> (u32, u32) {
    match facts(format, bytes) {
        Ok(Facts::Image { width, height }) => (width, height),
        other => panic!("{other:?}"),
    }
}

/// The thumbnail, decoded by a decoder that is not ours.
pub fn thumbnail(format: Format, bytes: &[u8]) -> Option<image::RgbImage> {
    let jpeg = derive(format, &mut Cursor::new(bytes), &LIMITS)?;
    let picture = image::load_from_memory_with_format(&jpeg, image::ImageFormat::Jpeg);
    Some(picture.expect("the thumbnail is a JPEG").into_rgb8())
}

/// The colours in the middle of the four quarters.
pub fn quarters(picture: &image::RgbImage) -> [[u8; 3]; 4] {
    let (width, height) = picture.dimensions();
    [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(x, y)| picture.get_pixel(width * x / 4, height * y / 4).0)
}

#[track_caller]
pub fn assert_quarters(picture: &image::RgbImage, expected: [[u8; 3]; 4], what: &str) {
    let found = quarters(picture);
    let far = found.iter().flatten().zip(expected.iter().flatten()).any(|(a, b)| a.abs_diff(*b) > 14);
    assert!(!far, "{what}: {found:?} is not {expected:?}");
}

/// The scene as pixels of three bytes.
pub fn scene(width: u32, height: u32) -> Vec<u8> {
    let quarter = |x, y| usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2);
    (0..height).flat_map(|y| (0..width).flat_map(move |x| SCENE[quarter(x, y)])).collect()
}

/// A PNG chunk with its checksum.
pub fn png_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = (data.len() as u32).to_be_bytes().to_vec();
    chunk.extend(kind);
    chunk.extend(data);
    let step = |crc: u32| {
        if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 }
    };
    let crc =
        !chunk[4..].iter().fold(!0u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)));
    chunk.extend(crc.to_be_bytes());
    chunk
}

/// A PNG of which the header says this and the data is one chunk.
pub fn png(width: u32, height: u32, depth: u8, colour: u8, data: &[u8]) -> Vec<u8> {
    let mut header = width.to_be_bytes().to_vec();
    header.extend(height.to_be_bytes());
    header.extend([depth, colour, 0, 0, 0]);
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        png_chunk(b"IHDR", &header),
        png_chunk(b"IDAT", data),
        png_chunk(b"IEND", b""),
    ]
    .concat()
}

/// Where the frame of the still GIF begins.
#[track_caller]
pub fn frame_of(gif: &[u8]) -> usize {
    let descriptor = [b',', 0, 0, 0, 0, 96, 0, 60, 0];
    gif.windows(9).position(|window| window == descriptor).expect("a frame")
}

/// An Exif block that states this orientation, in either byte order.
pub fn exif(orientation: u16, big_endian: bool) -> Vec<u8> {
    let order = |values: &[u16]| -> Vec<u8> {
        let bytes = |value: &u16| {
            if big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
        };
        values.iter().flat_map(bytes).collect()
    };
    let long = |value: u16| if big_endian { [0, value] } else { [value, 0] };
    [
        if big_endian { b"MM\0*".to_vec() } else { b"II*\0".to_vec() },
        // Where the directory is, and that it has one entry: a tag, the type SHORT, one value.
        order(&long(8)),
        order(&[1, 0x0112, 3]),
        order(&long(1)),
        order(&[orientation, 0]),
        // No other directory.
        order(&long(0)),
    ]
    .concat()
}
