//! Two decoders of HEVC behind one face.

use oxideav_h265::picture::Plane as Component;
use oxideav_h265::sequence::SequenceDecoder;
use rust_h265::{DecodeLimits, PixelData};

use super::sps::Sps;
use crate::media::video::codec::MAX_MEMORY;
use crate::media::video::colour::Codes;
use crate::media::video::planes::{Plane, Planes};

/// A decoded picture as decoders give it: what is shown of it.
pub struct Frame {
    width: u32,
    height: u32,
    /// 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    chroma_format: u32,
    depth: u8,
    planes: [Vec<u8>; 3],
}

impl Frame {
    /// With what the parameter set that it was coded by says of its colours.
    pub fn into_planes(self, sequences: &[Sps], container: Option<Codes>) -> Planes {
        let (width, height) = (self.width, self.height);
        let own = sequences.iter().find(|sps| (sps.window.width, sps.window.height) == (width, height));
        let colour = own.or(sequences.first()).and_then(|sps| sps.usability.colour);
        let across = if self.chroma_format == 3 { width } else { width.div_ceil(2) };
        let down = if self.chroma_format == 1 { height.div_ceil(2) } else { height };
        let [luma, u, v] = self.planes;
        let chroma = |samples| Plane { width: across, height: down, samples };
        Planes::whole(
            Plane { width, height, samples: luma },
            (self.chroma_format > 0).then(|| [chroma(u), chroma(v)]),
            self.depth,
            Codes::merged(colour, container),
        )
    }
}

/// A decoder of NAL units, in the order of decoding. A unit that can't be read is left out, as players do.
pub trait Decoder {
    /// Takes a unit; gives a picture that is whole.
    fn feed(&mut self, nal: &[u8]) -> Option<Frame>;

    /// The picture that was still under way.
    fn finish(&mut self) -> Option<Frame>;
}

/// `rust_h265`: 4:2:0 and 4:4:4, three times as fast as the other.
pub struct Fast(rust_h265::Decoder);

impl Fast {
    /// One that refuses pictures of more pixels.
    pub fn new(max_pixels: u64) -> Fast {
        let limits = DecodeLimits { max_picture_pixels: max_pixels, max_picture_memory_bytes: MAX_MEMORY };
        Fast(rust_h265::Decoder::with_limits(limits))
    }

    fn frame(frame: rust_h265::Frame) -> Frame {
        Frame {
            width: frame.width,
            height: frame.height,
            chroma_format: frame.chroma_format_idc,
            depth: frame.bit_depth,
            planes: [frame.y, frame.u, frame.v].map(|plane| match plane {
                PixelData::U8(samples) => samples,
                PixelData::U16(samples) => samples.into_iter().flat_map(u16::to_le_bytes).collect(),
            }),
        }
    }
}

impl Decoder for Fast {
    fn feed(&mut self, nal: &[u8]) -> Option<Frame> {
        let nal = rust_h265::parse_nal(nal)?;
        self.0.decode_nal(&nal).ok().flatten().map(Fast::frame)
    }

    fn finish(&mut self) -> Option<Frame> {
        self.0.flush().map(Fast::frame)
    }
}

/// `oxideav-h265`: also grey and 4:2:2, as cameras write it.
#[derive(Default)]
pub struct Thorough(SequenceDecoder);

impl Thorough {
    fn newest(&mut self) -> Option<Frame> {
        let picture = self.0.take_decoded().pop()?.output_picture();
        let depth = picture.bit_depth_luma();
        let samples = |component| {
            let samples = picture.plane(component).iter();
            if depth > 8 {
                samples.flat_map(|sample| sample.to_le_bytes()).collect()
            } else {
                samples.map(|sample| *sample as u8).collect()
            }
        };
        Some(Frame {
            width: u32::try_from(picture.width_luma()).ok()?,
            height: u32::try_from(picture.height_luma()).ok()?,
            chroma_format: picture.chroma_array_type().into(),
            depth,
            planes: [Component::Luma, Component::Cb, Component::Cr].map(samples),
        })
    }
}

impl Decoder for Thorough {
    fn feed(&mut self, nal: &[u8]) -> Option<Frame> {
        let unit = [&[0, 0, 0, 1], nal].concat();
        let _ = self.0.push_annexb(&unit);
        self.newest()
    }

    fn finish(&mut self) -> Option<Frame> {
        let _ = self.0.flush();
        self.newest()
    }
}
