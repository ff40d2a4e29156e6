//! JPEG (ITU-T T.81) in its wrappings JFIF, Exif and Adobe's.
//!
//! The facts are read here. The picture is decoded by a reader of our own in the modules below, because a thumbnail
//! needs little of what a JPEG holds: at an eighth of the size the mean of each block of 8 × 8 is enough, so nothing of
//! the picture's full size is ever in memory, and a progressive file is no dearer than another.

mod bits;
mod draw;
mod frame;
mod huffman;
mod idct;
mod progressive;
mod scan;
mod settings;

pub use draw::draw;

use super::input::be16;
use super::*;
use frame::Frame;

/// Marker codes (T.81, table B.1), the byte behind 0xFF.
mod marker {
    pub const DHT: u8 = 0xc4;
    pub const RST0: u8 = 0xd0;
    pub const RST7: u8 = 0xd7;
    pub const SOI: u8 = 0xd8;
    pub const EOI: u8 = 0xd9;
    pub const SOS: u8 = 0xda;
    pub const DQT: u8 = 0xdb;
    pub const DNL: u8 = 0xdc;
    pub const DRI: u8 = 0xdd;
    pub const APP0: u8 = 0xe0;
    pub const APP1: u8 = 0xe1;
    pub const APP2: u8 = 0xe2;
    pub const APP14: u8 = 0xee;

    /// TEM, which has no place in a file, and codes that are reserved: they come of damage.
    pub fn is_meaningless(code: u8) -> bool {
        code < 0xc0
    }

    /// Frame headers: all of SOF0 to SOF15 that are none of DHT, JPG and DAC.
    pub fn is_frame(code: u8) -> bool {
        matches!(code, 0xc0..=0xcf) && !matches!(code, 0xc4 | 0xc8 | 0xcc)
    }
}

/// As many segments as are read before a scan: a picture of 50 MiB whose metadata fills 64 KiB each has 800.
const MAX_SEGMENTS: usize = 1 << 16;

/// Walks the segments to the first scan: a frame header and some coded data, the orientation out of Exif.
///
/// What stands between segments is passed over and a segment without a sensible length counts as empty, as in
/// libjpeg. A thumbnail within Exif is part of its segment and never looked at.
pub fn shape(input: &mut Input) -> Result<Shape, Flaw> {
    input.skip(2);
    let mut frame: Option<Frame> = None;
    let mut orientation = None;
    for _ in 0..MAX_SEGMENTS {
        let Some(code) = next_marker(input) else {
            break;
        };
        match code {
            marker::SOS => {
                let Some(Frame { width, height, .. }) = frame else {
                    return Err(Flaw::NoDimensions);
                };
                segment(input);
                if input.remaining() == 0 {
                    return Err(Flaw::NoImageData);
                }
                let height =
                    if height == 0 { number_of_lines(input).ok_or(Flaw::NoDimensions)? } else { height };
                return Ok(Shape {
                    width: u32::from(width),
                    height: u32::from(height),
                    orientation: orientation.unwrap_or(Orientation::Upright),
                });
            }
            // A second start belongs to a picture within a segment of wrong length: nothing behind it can be trusted.
            marker::SOI => return Err(Flaw::BadStructure),
            marker::EOI => break,
            marker::APP1 if orientation.is_none() => {
                let segment = segment(input);
                orientation = segment.starts_with(b"Exif\0").then(|| exif::orientation(&segment)).flatten();
            }
            code if marker::is_frame(code) => {
                let read = Frame::read(code, &segment(input)).ok_or(Flaw::BadHeader)?;
                frame = frame.or(Some(read));
            }
            code if has_segment(code) => {
                let length = segment_length(input);
                input.skip(length);
            }
            _ => {}
        }
    }
    Err(if frame.is_none() { Flaw::NoDimensions } else { Flaw::NoImageData })
}

/// To behind the next marker; `None` at the file's end. Whatever else stands before it is passed over.
fn next_marker(input: &mut Input) -> Option<u8> {
    loop {
        let ready = input.buffered();
        let length = ready.len();
        if length == 0 {
            return None;
        }
        match memchr::memchr(0xff, ready) {
            None => input.advance(length),
            Some(at) => {
                input.advance(at + 1);
                // Fill bytes (B.1.1.2).
                while input.buffered().first() == Some(&0xff) {
                    input.advance(1);
                }
                match input.byte()? {
                    // A stuffed byte of coded data (B.1.1.5).
                    0 => {}
                    code => return Some(code),
                }
            }
        }
    }
}

/// To behind the next marker that is no restart: past the rest of a scan.
fn next_marker_behind_scan(input: &mut Input) -> Option<u8> {
    loop {
        match next_marker(input)? {
            marker::RST0..=marker::RST7 => {}
            code if marker::is_meaningless(code) => {}
            code => return Some(code),
        }
    }
}

/// Whether a length follows the marker (table B.1).
fn has_segment(code: u8) -> bool {
    !marker::is_meaningless(code) && !matches!(code, marker::RST0..=marker::EOI)
}

/// What follows a segment's length, in bytes; 0 where the length does not even count itself.
fn segment_length(input: &mut Input) -> u64 {
    let length = input.array().map_or(0, u16::from_be_bytes);
    u64::from(length.saturating_sub(2))
}

/// A segment's payload, less at the file's end.
fn segment(input: &mut Input) -> Vec<u8> {
    let length = segment_length(input);
    input.take(length)
}

/// The height that a frame header of height 0 leaves to DNL, behind the first scan (B.2.5).
fn number_of_lines(input: &mut Input) -> Option<u16> {
    match next_marker_behind_scan(input)? {
        marker::DNL => be16(&segment(input)),
        _ => None,
    }
}
