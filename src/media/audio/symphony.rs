//! MP3 frames into samples. `symphonia` decodes them; it is given one frame after the other, found by our own walk,
//! since its own reader of files trips over junk, tags and cut ends.

use symphonia::core::audio::{Audio, GenericAudioBufferRef};
use symphonia::core::codecs::audio::well_known::CODEC_ID_MP3;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};

use super::frame::Header;
use super::repack::Repacker;

/// A decoder, and what it remembers between frames.
#[derive(Default)]
pub struct Decoder {
    /// It takes frames of one rate and of as many channels alone.
    inner: Option<(u32, bool, Box<dyn AudioDecoder>)>,
    repacker: Repacker,
    /// A frame that was cut, filled up: what it lacks its sound may not need.
    filled: Vec<u8>,
}

impl Decoder {
    /// Adds the mean of the channels of a frame to `out`, from −1 to 1. `false`, and nothing added, where it can't be
    /// decoded.
    pub fn decode(&mut self, header: &Header, frame: &[u8], out: &mut Vec<f32>) -> bool {
        let frame = match header.bitrate {
            0 => match self.repacker.repack(header, frame) {
                Some(frame) => frame,
                None => return false,
            },
            _ => match header.length() {
                Some(length) if frame.len() < length => {
                    self.filled.clear();
                    self.filled.extend_from_slice(frame);
                    self.filled.resize(length, 0);
                    &self.filled
                }
                _ => frame,
            },
        };
        match &self.inner {
            Some((rate, mono, _)) if (*rate, *mono) == (header.rate, header.mono) => {}
            _ => self.inner = make().map(|inner| (header.rate, header.mono, inner)),
        }
        let Some((_, _, inner)) = &mut self.inner else {
            return false;
        };
        let packet = PacketRef::new(0, Timestamp::new(0), Duration::new(header.samples().into()), frame);
        let Ok(GenericAudioBufferRef::F32(decoded)) = inner.decode_ref(&packet) else {
            return false;
        };
        match (decoded.plane(0), decoded.plane(1)) {
            (Some(left), Some(right)) => {
                out.extend(left.iter().zip(right).map(|(left, right)| (left + right) / 2.0));
            }
            (Some(only), None) => out.extend_from_slice(only),
            _ => return false,
        }
        true
    }
}

fn make() -> Option<Box<dyn AudioDecoder>> {
    let mut parameters = AudioCodecParameters::new();
    parameters.for_codec(CODEC_ID_MP3);
    let options = AudioDecoderOptions::default();
    symphonia::default::get_codecs().make_audio_decoder(&parameters, &options).ok()
}
