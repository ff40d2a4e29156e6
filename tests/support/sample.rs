//! Small files to upload, no two alike unless asked for.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use image::{ImageFormat, Rgb, RgbImage};

/// The nine formats as API.md, 2 names them.
pub const FORMATS: [&str; 9] = ["jpg", "png", "gif", "webp", "mp4", "mov", "mp3", "wav", "pdf"];

/// A number that no other file of this run was made of.
pub fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A new file of the format that `name` ends in.
#[track_caller]
pub fn named(name: &str) -> Vec<u8> {
    match name.rsplit('.').next().unwrap_or("") {
        "jpg" | "jpeg" => jpg(fresh()),
        "png" => png(fresh()),
        "gif" => gif(fresh()),
        "webp" => webp(fresh()),
        "mp4" => film("film.mp4", fresh()),
        "mov" => film("film.mov", fresh()),
        "mp3" => mp3(fresh(), 40),
        "wav" => wav(fresh(), 8_000),
        "pdf" => pdf(fresh(), 1),
        other => panic!("no sample of {other}"),
    }
}

/// A file of tests/fixtures.
#[track_caller]
pub fn fixture(path: &str) -> Vec<u8> {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path);
    match fs::read(&whole) {
        Ok(bytes) => bytes,
        Err(error) => panic!("{}: {error}", whole.display()),
    }
}

/// Pixels that differ with the seed.
fn pixels(seed: u64, width: u32, height: u32) -> RgbImage {
    let seed = seed.to_le_bytes();
    RgbImage::from_fn(width, height, |x, y| {
        let at = |shift: u32| seed[((y * width + x + shift) % 8) as usize];
        Rgb([at(0), at(1), at(2)])
    })
}

fn encode(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("an encoded picture");
    bytes.into_inner()
}

/// 8 by 6 pixels, about 200 bytes.
pub fn png(seed: u64) -> Vec<u8> {
    png_of(seed, 8, 6)
}

pub fn png_of(seed: u64, width: u32, height: u32) -> Vec<u8> {
    encode(&pixels(seed, width, height), ImageFormat::Png)
}

/// A PNG of just `size` bytes: a text chunk holds what is left (PNG, 11.3.4.3).
#[track_caller]
pub fn png_of_size(seed: u64, size: usize) -> Vec<u8> {
    let mut png = png(seed);
    let end = png.split_off(png.len() - 12);
    let keyword = b"Comment\0";
    let filler =
        size.checked_sub(png.len() + end.len() + 12 + keyword.len()).expect("a size that a PNG can have");
    let mut text = keyword.to_vec();
    text.resize(keyword.len() + filler, b'x');
    png.extend_from_slice(&png_chunk(b"tEXt", &text));
    png.extend_from_slice(&end);
    assert_eq!(png.len(), size);
    png
}

/// A PNG whose header says these sizes, with image data that is far too short for them.
pub fn png_claiming(width: u32, height: u32) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend_from_slice(&[8, 2, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    png.extend_from_slice(&png_chunk(b"IHDR", &header));
    // An empty zlib stream.
    png.extend_from_slice(&png_chunk(b"IDAT", &[0x78, 0x9c, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01]));
    png.extend_from_slice(&png_chunk(b"IEND", b""));
    png
}

pub fn png_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = (data.len() as u32).to_be_bytes().to_vec();
    chunk.extend_from_slice(kind);
    chunk.extend_from_slice(data);
    let check = crc32(&chunk[4..]);
    chunk.extend_from_slice(&check.to_be_bytes());
    chunk
}

/// PNG, annex D.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| {
                if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 }
            },
        )
    })
}

pub fn jpg(seed: u64) -> Vec<u8> {
    let jpg = encode(&pixels(seed, 8, 6), ImageFormat::Jpeg);
    // A comment behind the start of image keeps two files apart whose pixels come out alike.
    let mut bytes = jpg[..2].to_vec();
    bytes.extend_from_slice(&[0xff, 0xfe, 0, 10]);
    bytes.extend_from_slice(&seed.to_be_bytes());
    bytes.extend_from_slice(&jpg[2..]);
    bytes
}

pub fn gif(seed: u64) -> Vec<u8> {
    let mut gif = encode(&pixels(seed, 8, 6), ImageFormat::Gif);
    assert_eq!(gif.pop(), Some(0x3b));
    gif.extend_from_slice(&[0x21, 0xfe, 8]);
    gif.extend_from_slice(&seed.to_be_bytes());
    gif.extend_from_slice(&[0, 0x3b]);
    gif
}

pub fn webp(seed: u64) -> Vec<u8> {
    encode(&pixels(seed, 8, 6), ImageFormat::WebP)
}

/// The fixture with a `free` box behind it (ISO/IEC 14496-12, 8.1.2).
pub fn film(fixture_name: &str, seed: u64) -> Vec<u8> {
    let mut film = fixture(&format!("video/{fixture_name}"));
    film.extend_from_slice(&[0, 0, 0, 16]);
    film.extend_from_slice(b"free");
    film.extend_from_slice(&seed.to_be_bytes());
    film
}

/// Silence: MPEG-1 layer III at 128 kbit/s and 44.1 kHz, mono, so many frames of 1152 samples, behind an ID3 tag.
pub fn mp3(seed: u64, frames: usize) -> Vec<u8> {
    const FRAME_BYTES: usize = 417;
    let text = format!("\0{seed:020}");
    let mut mp3 = b"ID3\x03\0\0\0\0\0\x1f".to_vec();
    mp3.extend_from_slice(b"TIT2\0\0\0\x15\0\0");
    mp3.extend_from_slice(text.as_bytes());
    assert_eq!(mp3.len(), 10 + 0x1f);
    for _ in 0..frames {
        let mut frame = vec![0xff, 0xfb, 0x90, 0xc0];
        frame.resize(FRAME_BYTES, 0);
        mp3.extend_from_slice(&frame);
    }
    mp3
}

/// PCM of 8 bits, mono, 8 kHz.
pub fn wav(seed: u64, samples: u32) -> Vec<u8> {
    let mut wav = b"RIFF".to_vec();
    wav.extend_from_slice(&(36 + samples).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend_from_slice(&8_000u32.to_le_bytes());
    wav.extend_from_slice(&8_000u32.to_le_bytes());
    wav.extend_from_slice(b"\x01\0\x08\0data");
    wav.extend_from_slice(&samples.to_le_bytes());
    let seed = seed.to_le_bytes();
    wav.extend((0..samples as usize).map(|index| seed[index % 8]));
    wav
}

/// So many pages of 200 by 100 points with a grey square each.
pub fn pdf(seed: u64, pages: usize) -> Vec<u8> {
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!(
            "<< /Type /Pages /Count {pages} /Kids [{}] >>",
            (0..pages).map(|page| format!("{} 0 R", 4 + page)).collect::<Vec<_>>().join(" ")
        ),
        "<< /Length 29 >>\nstream\n0.5 g 20 20 60 60 re f       \nendstream".to_owned(),
    ];
    for _ in 0..pages {
        objects.push(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents 3 0 R /Resources << >> >>"
                .to_owned(),
        );
    }
    let mut pdf = format!("%PDF-1.4\n% {seed}\n");
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (index, object) in objects.iter().enumerate() {
        table += &format!("{:010} 00000 n \n", pdf.len());
        pdf += &format!("{} 0 obj\n{object}\nendobj\n", index + 1);
    }
    let start = pdf.len();
    pdf += &format!(
        "{table}trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    );
    pdf.into_bytes()
}

/// Two by two pixels of a format that is not kept.
pub fn bmp(seed: u64) -> Vec<u8> {
    let mut bmp = b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x02\0\0\0\x02\0\0\0\x01\0\x18\0".to_vec();
    bmp.extend_from_slice(&[0; 24]);
    bmp.extend_from_slice(&seed.to_le_bytes());
    bmp.extend_from_slice(&[0; 8]);
    bmp
}

/// The first box of a phone's picture.
pub fn heic() -> Vec<u8> {
    let mut heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec();
    heic.extend_from_slice(b"\0\0\0\x10meta\0\0\0\0\0\0\0\0");
    heic
}

/// The start of no format.
pub fn nothing_known(seed: u64) -> Vec<u8> {
    let mut bytes = vec![0x01, 0x9c, 0x07, 0xee, 0x00, 0xd3, 0x11, 0x88];
    bytes.extend_from_slice(&seed.to_be_bytes());
    bytes.resize(600, 0x9b);
    bytes
}
