//! Two decoders of H.264 behind one face.

use crate::media::video::codec::sps::Sps;
use crate::media::video::colour::Codes;
use crate::media::video::planes::{Plane, Planes, Window};

/// A decoded picture as decoders give it.
pub struct Frame {
    width: u32,
    height: u32,
    chroma_height: u32,
    depth: u8,
    planes: [Vec<u8>; 3],
}

impl Frame {
    /// With what the parameter set that it was coded by says of its window and colours.
    pub fn into_planes(self, sequences: &[Sps], container: Option<Codes>) -> Option<Planes> {
        let size = (self.width, self.height);
        let whole = Window { left: 0, top: 0, width: self.width, height: self.height };
        let is_cropped = |sps: &&Sps| (sps.window.width, sps.window.height) == size;
        // The fast decoder crops on the right and below alone.
        let is_half_cropped = |sps: &&Sps| {
            (
                sps.window.left.saturating_add(sps.window.width),
                sps.window.top.saturating_add(sps.window.height),
            ) == size
        };
        let (window, sps) = match sequences.iter().find(is_cropped) {
            Some(sps) => (whole, Some(sps)),
            None => match sequences.iter().find(is_half_cropped) {
                Some(sps) => (sps.window, Some(sps)),
                None => (whole, sequences.first()),
            },
        };
        let [luma, u, v] = self.planes;
        let chroma = |samples| Plane { width: self.width / 2, height: self.chroma_height, samples };
        Some(Planes {
            luma: Plane { width: self.width, height: self.height, samples: luma },
            chroma: Some([chroma(u), chroma(v)]),
            alpha: None,
            depth: self.depth,
            window,
            colour: Codes::merged(sps.and_then(|sps| sps.colour), container),
        })
    }
}

/// A decoder of NAL units.
pub trait Decoder {
    /// Takes the units of one sample. Gives a picture as soon as it is whole, in the order of decoding; `None` where
    /// the decoder can't go on.
    fn feed(&mut self, nals: &[&[u8]]) -> Option<Option<Frame>>;

    /// The picture that was still under way.
    fn finish(&mut self) -> Option<Frame>;
}

/// `rusty_h264`: any error ends it, since what comes after would be drawn wrongly.
#[derive(Default)]
pub struct Fast(rusty_h264_decoder::Decoder);

impl Decoder for Fast {
    fn feed(&mut self, nals: &[&[u8]]) -> Option<Option<Frame>> {
        let mut stream = Vec::with_capacity(nals.iter().map(|nal| nal.len() + 4).sum());
        for nal in nals {
            stream.extend_from_slice(&[0, 0, 0, 1]);
            stream.extend_from_slice(nal);
        }
        let frame = self.0.decode(&stream).ok()?;
        let Some(frame) = frame else {
            return Some(None);
        };
        let (width, height) = (u32::try_from(frame.width).ok()?, u32::try_from(frame.height).ok()?);
        Some(Some(Frame {
            width,
            height,
            chroma_height: height / 2,
            depth: 8,
            planes: [frame.y, frame.u, frame.v],
        }))
    }

    fn finish(&mut self) -> Option<Frame> {
        None
    }
}

/// `rust_h264`: slices that it can't read are left out, as players do.
#[derive(Default)]
pub struct Thorough(rust_h264::decoder::Decoder);

impl Thorough {
    fn frame(frame: rust_h264::decoder::Frame) -> Frame {
        Frame {
            width: frame.width,
            height: frame.height,
            chroma_height: frame.chroma_height(),
            depth: frame.bit_depth,
            planes: [frame.y, frame.u, frame.v],
        }
    }
}

impl Decoder for Thorough {
    fn feed(&mut self, nals: &[&[u8]]) -> Option<Option<Frame>> {
        let mut stream = Vec::with_capacity(nals.iter().map(|nal| nal.len() + 4).sum());
        for nal in nals {
            stream.extend_from_slice(&u32::try_from(nal.len()).ok()?.to_be_bytes());
            stream.extend_from_slice(nal);
        }
        let mut shown = None;
        for nal in rust_h264::nal::parse_avcc(&stream, 4) {
            if let Ok(Some(frame)) = self.0.decode_nal(&nal) {
                shown = Some(Thorough::frame(frame));
            }
        }
        Some(shown)
    }

    fn finish(&mut self) -> Option<Frame> {
        self.0.flush().map(Thorough::frame)
    }
}
