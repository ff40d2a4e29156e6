//! Sample descriptions: how the pictures of a track are coded (ISO/IEC 14496-12, 8.5.2 and 12.1).

use super::aspect;
use super::boxes::{BoxAt, Boxes, Extent, FourCc, Reader, u16_at, u32_at};
use super::colour::Codes;
use crate::asset::Flaw;

/// Descriptions of one track that are kept, at most; what is coded by a later one is not shown.
const MAX_ENTRIES: usize = 64;
/// A decoder's configuration, at most: parameter sets are some hundred bytes.
const MAX_CONFIGURATION: usize = 64 * 1024;
/// Bytes of a visual sample entry before its boxes.
const ENTRY_BYTES: usize = 78;

/// How pictures are coded, as far as it matters here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    H264,
    Hevc,
    Av1,
    Vp9,
    ProRes,
    /// MPEG-4 Part 2.
    Mpeg4,
    /// MPEG-1 and MPEG-2.
    Mpeg2,
    H263,
    Jpeg,
    Png,
    /// One that no decoder here reads.
    Other,
}

/// One sample description of a video track.
#[derive(Clone, Debug)]
pub struct Entry {
    pub codec: Codec,
    /// Pixels as coded, by the container's word; 0 where it has none.
    pub width: u32,
    pub height: u32,
    pub encrypted: bool,
    /// Width and height of a pixel; both at least 1.
    pub pixel_aspect: Option<(u32, u32)>,
    /// The same by the stream's own word, of codings whose decoder is not asked.
    pub stream_aspect: Option<(u32, u32)>,
    pub colour: Option<Codes>,
    /// What the decoder is told beforehand: the body of `avcC`, `hvcC`, `av1C` or `vpcC`, or the decoder specific
    /// information of `esds`; empty where there is none.
    pub configuration: Vec<u8>,
}

/// The descriptions in the body of `stsd`.
pub fn read_entries(reader: &mut Reader, stsd: Extent) -> Result<Vec<Entry>, Flaw> {
    let mut entries = Vec::new();
    let mut boxes = Boxes::within(stsd.behind(8));
    while let Some(entry) = boxes.next(reader)? {
        if entries.len() == MAX_ENTRIES {
            break;
        }
        entries.push(Entry::read(reader, entry)?);
    }
    Ok(entries)
}

impl Entry {
    fn read(reader: &mut Reader, description: BoxAt) -> Result<Entry, Flaw> {
        let bytes = reader.first_bytes(description.body, ENTRY_BYTES)?;
        let side = |at: usize| u32::from(u16_at(&bytes, at).unwrap_or(0));
        let size = (side(24), side(26));
        let mut entry = Entry {
            codec: by_name(description.kind),
            width: size.0,
            height: size.1,
            encrypted: matches!(&description.kind, b"encv" | b"drmi"),
            pixel_aspect: None,
            stream_aspect: aspect::of_stream(description.kind, size, &[]),
            colour: None,
            configuration: Vec::new(),
        };
        let mut boxes = Boxes::within(description.body.behind(ENTRY_BYTES as u64));
        while let Some(inner) = boxes.next(reader)? {
            match &inner.kind {
                kind if Some(*kind) == configuration(entry.codec) => {
                    entry.configuration = reader.first_bytes(inner.body, MAX_CONFIGURATION)?;
                }
                b"esds" => {
                    let bytes = reader.first_bytes(inner.body, MAX_CONFIGURATION)?;
                    entry.read_stream_descriptor(&bytes);
                    entry.stream_aspect = aspect::of_stream(description.kind, size, &bytes);
                }
                b"pasp" => {
                    let bytes = reader.first_bytes(inner.body, 8)?;
                    let aspect = u32_at(&bytes, 0).zip(u32_at(&bytes, 4));
                    entry.pixel_aspect = aspect.filter(|(across, down)| *across > 0 && *down > 0);
                }
                b"colr" => {
                    let codes = Codes::from_container(&reader.first_bytes(inner.body, 11)?);
                    entry.colour = entry.colour.or(codes);
                }
                _ => {}
            }
        }
        Ok(entry)
    }

    /// `esds` (ISO/IEC 14496-14, 5.6): `mp4v` stands for whatever the object type in it says (14496-1, table 5).
    fn read_stream_descriptor(&mut self, bytes: &[u8]) {
        let Some((object_type, specific)) = decoder_config(bytes) else {
            return;
        };
        if self.codec == Codec::Other {
            self.codec = match object_type {
                0x20 => Codec::Mpeg4,
                0x60..=0x65 | 0x6A => Codec::Mpeg2,
                0x6C => Codec::Jpeg,
                0x6D => Codec::Png,
                _ => Codec::Other,
            };
        }
        if matches!(self.codec, Codec::Mpeg4 | Codec::Mpeg2) {
            self.configuration = specific.unwrap_or_default().to_vec();
        }
    }
}

fn by_name(kind: FourCc) -> Codec {
    match &kind {
        // Dolby Vision's names stand for codings that every decoder reads, with notes for those that know more.
        b"avc1" | b"avc2" | b"avc3" | b"avc4" | b"dva1" | b"dvav" => Codec::H264,
        b"hvc1" | b"hev1" | b"hvc2" | b"hev2" | b"dvh1" | b"dvhe" => Codec::Hevc,
        b"av01" | b"dav1" => Codec::Av1,
        b"vp09" => Codec::Vp9,
        b"apco" | b"apcs" | b"apcn" | b"apch" | b"ap4h" | b"ap4x" => Codec::ProRes,
        b"s263" | b"h263" | b"H263" => Codec::H263,
        b"mp1v" | b"mp2v" | b"m1v " | b"m1v1" | b"m2v1" | b"mpg2" | b"mpeg" => Codec::Mpeg2,
        // IMX, HDV and XDCAM, by rate and size.
        [b'm', b'x', b'3' | b'4' | b'5', b'n' | b'p']
        | [b'h', b'd', b'v', _]
        | [b'x', b'd', b'v' | b'5', _] => Codec::Mpeg2,
        // Motion-JPEG A has two fields a sample, each a JPEG: the first alone is drawn, stretched.
        b"jpeg" | b"mjpa" | b"AVDJ" => Codec::Jpeg,
        b"png " => Codec::Png,
        _ => Codec::Other,
    }
}

/// The box that a codec's configuration is in.
fn configuration(codec: Codec) -> Option<FourCc> {
    match codec {
        Codec::H264 => Some(*b"avcC"),
        Codec::Hevc => Some(*b"hvcC"),
        Codec::Av1 => Some(*b"av1C"),
        Codec::Vp9 => Some(*b"vpcC"),
        Codec::ProRes
        | Codec::Mpeg4
        | Codec::Mpeg2
        | Codec::H263
        | Codec::Jpeg
        | Codec::Png
        | Codec::Other => None,
    }
}

/// The object type in an ES descriptor, and the decoder specific information (ISO/IEC 14496-1, 7.2.6.5 to 7.2.6.7).
fn decoder_config(bytes: &[u8]) -> Option<(u8, Option<&[u8]>)> {
    const ES: u8 = 3;
    const DECODER_CONFIG: u8 = 4;
    const SPECIFIC: u8 = 5;
    /// Object type, stream type, size of a buffer and two rates.
    const CONFIG_BYTES: usize = 13;
    let (tag, _, body) = descriptor(bytes.get(4..)?)?;
    if tag != ES {
        return None;
    }
    let flags = *body.get(2)?;
    let mut skip: usize = 3;
    skip += if flags & 0x80 != 0 { 2 } else { 0 };
    if flags & 0x40 != 0 {
        skip += 1 + usize::from(*body.get(skip)?);
    }
    skip += if flags & 0x20 != 0 { 2 } else { 0 };
    let (tag, _, body) = descriptor(body.get(skip..)?)?;
    if tag != DECODER_CONFIG {
        return None;
    }
    let specific = body.get(CONFIG_BYTES..).and_then(descriptor);
    let specific = specific.and_then(|(tag, length, body)| body.get(..length).filter(|_| tag == SPECIFIC));
    Some((*body.first()?, specific))
}

/// A descriptor's tag, its length, which is 1 to 4 bytes of 7 bits, and all that is behind it (14496-1, 8.3.3).
fn descriptor(bytes: &[u8]) -> Option<(u8, usize, &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let continued = rest.iter().take(4).take_while(|byte| **byte & 0x80 != 0).count();
    let (length, body) = rest.split_at_checked(continued + 1)?;
    let length = length.iter().fold(0, |length, byte| length << 7 | usize::from(byte & 0x7F));
    Some((*tag, length, body))
}
