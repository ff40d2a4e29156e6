//! The header of a frame of MPEG audio: 32 bits (ISO/IEC 11172-3, 2.4.1.3 and 2.4.2.3; 13818-3, 2.4.2.3).

/// MPEG-2.5 is Fraunhofer's extension to a quarter of the sampling rates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    Mpeg1,
    Mpeg2,
    Mpeg25,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layer {
    I,
    II,
    III,
}

/// A header that breaks no rule: no reserved version, layer, bit rate or sampling rate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    pub version: Version,
    pub layer: Layer,
    /// Samples per second.
    pub rate: u32,
    /// Kilobits per second; 0 is "free": any rate, the frames evenly long.
    pub bitrate: u32,
    /// One slot more: a byte, in layer I four.
    pub padded: bool,
    /// A checksum of two bytes stands behind the header.
    pub crc: bool,
    pub mono: bool,
}

/// Bytes of a header.
pub const HEADER_BYTES: usize = 4;

/// Kilobits per second of MPEG-1, by layer.
const BITRATES_1: [[u32; 15]; 3] = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
];

/// Kilobits per second of MPEG-2 and 2.5, by layer.
const BITRATES_2: [[u32; 15]; 3] = [
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

impl Header {
    /// Reads the first four bytes; `None` where they are no header, or fewer.
    pub fn parse(bytes: &[u8]) -> Option<Header> {
        let &[sync, kind, coding, mode] = bytes.first_chunk::<HEADER_BYTES>()?;
        if sync != 0xFF || kind & 0xE0 != 0xE0 {
            return None;
        }
        let version = match kind >> 3 & 3 {
            0 => Version::Mpeg25,
            2 => Version::Mpeg2,
            3 => Version::Mpeg1,
            _ => return None,
        };
        let layer = match kind >> 1 & 3 {
            1 => Layer::III,
            2 => Layer::II,
            3 => Layer::I,
            _ => return None,
        };
        let bitrates = match version {
            Version::Mpeg1 => &BITRATES_1,
            Version::Mpeg2 | Version::Mpeg25 => &BITRATES_2,
        };
        let bitrate = *bitrates.get(layer as usize)?.get(usize::from(coding >> 4))?;
        let rate = [44_100, 48_000, 32_000].get(usize::from(coding >> 2 & 3))? >> version as u32;
        Some(Header {
            version,
            layer,
            rate,
            bitrate,
            padded: coding & 2 != 0,
            crc: kind & 1 == 0,
            mono: mode >> 6 == 3,
        })
    }

    /// Samples of each channel in a frame.
    pub fn samples(&self) -> u32 {
        match (self.layer, self.version) {
            (Layer::I, _) => 384,
            (Layer::II, _) | (Layer::III, Version::Mpeg1) => 1152,
            (Layer::III, _) => 576,
        }
    }

    /// Bytes of the frame with its header; `None` where the bit rate is free.
    pub fn length(&self) -> Option<usize> {
        if self.bitrate == 0 {
            return None;
        }
        let bits = self.bitrate * 1000;
        let length = match self.layer {
            Layer::I => 12 * bits / self.rate * 4,
            Layer::II | Layer::III => self.samples() / 8 * bits / self.rate,
        };
        Some(length as usize + self.padding())
    }

    /// Bytes of the side information of layer III, behind header and checksum (ISO/IEC 11172-3, 2.4.1.7).
    pub fn side_bytes(&self) -> usize {
        match (self.version, self.mono) {
            (Version::Mpeg1, false) => 32,
            (Version::Mpeg1, true) | (_, false) => 17,
            (_, true) => 9,
        }
    }

    /// Bytes of padding in this frame.
    pub fn padding(&self) -> usize {
        match (self.padded, self.layer) {
            (false, _) => 0,
            (true, Layer::I) => 4,
            (true, _) => 1,
        }
    }

    /// Whether both can belong to one stream: bit rate and channel mode may change within it, these may not.
    pub fn agrees(&self, other: &Header) -> bool {
        (self.version, self.layer, self.rate) == (other.version, other.layer, other.rate)
    }
}
