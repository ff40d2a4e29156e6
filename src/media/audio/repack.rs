//! Frames of a free bit rate, made into frames of the highest fixed one, which is all that `symphonia` takes.
//!
//! A frame's sound may begin in the frames before it, by as many bytes as its side information says (ISO/IEC 11172-3,
//! 2.4.1.7 and 2.4.3.4). What belongs to it is gathered, put right behind the side information, and the rest filled up.

use super::frame::{HEADER_BYTES, Header, Version};

/// As far as a frame's sound may reach back, and as many bytes of earlier frames are kept: nine bits.
const REACH_BYTES: usize = 511;

#[derive(Default)]
pub struct Repacker {
    /// The end of what stood behind the side information of the frames so far.
    earlier: Vec<u8>,
    frame: Vec<u8>,
}

impl Repacker {
    /// The same frame with a fixed bit rate; `None` where it is cut, begins in frames that are not there, or takes more
    /// bytes than any fixed rate gives it (as above 320 kbit/s it may).
    pub fn repack(&mut self, header: &Header, frame: &[u8]) -> Option<&[u8]> {
        let &[sync, kind, coding, mode] = frame.first_chunk()?;
        let skipped = HEADER_BYTES + if header.crc { 2 } else { 0 };
        let (side, main) = frame.get(skipped..)?.split_at_checked(header.side_bytes())?;
        let back = usize::try_from(bits(side, 0, reach_bits(header))?).ok()?;
        let needed = usize::try_from(sound_bits(header, side)?.div_ceil(8)).ok()?;

        let from = self.earlier.len().checked_sub(back);
        let sound: Option<Vec<u8>> = from.map(|from| {
            let earlier = self.earlier.get(from..).unwrap_or_default();
            earlier.iter().chain(main).copied().take(needed).collect()
        });
        self.earlier.extend_from_slice(main);
        let surplus = self.earlier.len().saturating_sub(REACH_BYTES);
        self.earlier.drain(..surplus);

        // No checksum, the highest bit rate, no padding; the sound begins in this frame.
        const HIGHEST: u8 = 14;
        const NO_CHECKSUM: u8 = 1;
        let head = [sync, kind | NO_CHECKSUM, HIGHEST << 4 | coding & 0x0D, mode];
        let length = Header::parse(&head)?.length()?;
        self.frame.clear();
        self.frame.extend_from_slice(&head);
        self.frame.extend_from_slice(side);
        let side = self.frame.get_mut(HEADER_BYTES..)?;
        match header.version {
            Version::Mpeg1 => {
                let [first, second, ..] = side else { return None };
                *first = 0;
                *second &= 0x7F;
            }
            Version::Mpeg2 | Version::Mpeg25 => *side.first_mut()? = 0,
        }
        self.frame.extend_from_slice(&sound?);
        if self.frame.len() > length {
            return None;
        }
        self.frame.resize(length, 0);
        Some(&self.frame)
    }
}

/// Bits that say how far the sound reaches back.
fn reach_bits(header: &Header) -> usize {
    if header.version == Version::Mpeg1 { 9 } else { 8 }
}

/// Bits of the frame's sound: each granule of each channel says, first of all, how many it takes.
fn sound_bits(header: &Header, side: &[u8]) -> Option<u32> {
    const LENGTH_BITS: usize = 12;
    // Behind the reach: private bits; for MPEG-1 four for each channel; so many for each granule of each channel.
    let (private, shared, each, granules) = match (header.version, header.mono) {
        (Version::Mpeg1, true) => (5, 4, 59, 2),
        (Version::Mpeg1, false) => (3, 8, 59, 4),
        (_, true) => (1, 0, 63, 1),
        (_, false) => (2, 0, 63, 2),
    };
    let first = reach_bits(header) + private + shared;
    (0..granules).map(|granule| bits(side, first + granule * each, LENGTH_BITS)).sum()
}

/// `count` bits (16 at most) from the bit `at` on.
fn bits(bytes: &[u8], at: usize, count: usize) -> Option<u32> {
    let mut word = [0; 4];
    let from = bytes.get(at / 8..)?;
    for (byte, place) in from.iter().zip(&mut word) {
        *place = *byte;
    }
    (at + count <= 8 * bytes.len()).then(|| u32::from_be_bytes(word) << (at % 8) >> (32 - count))
}
