//! Sample descriptions: how the pictures of a track are coded (ISO/IEC 14496-12, 8.5.2 and 12.1).

use super::aspect;
use super::boxes::{BoxAt, Boxes, Extent, FourCc, Reader, u16_at, u32_at};
use super::colour::Codes;
use crate::asset::Flaw;

/// Descriptions of one track that are kept, at most; what is coded by a later one is not shown.
const MAX_ENTRIES: usize = 64;
/// A decoder's configuration, at most: parameter sets are some hundred bytes.
const MAX_CONFIGURATION: usize = 64 * 1024;
/// Bytes of a stream's descriptor that are read: its headers come first.
const MAX_DESCRIPTOR: usize = 256;
/// Bytes of a visual sample entry before its boxes.
const ENTRY_BYTES: usize = 78;

/// How pictures are coded, as far as it matters here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    H264,
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
    /// The body of `avcC`; empty where there is none.
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
                b"avcC" => entry.configuration = reader.first_bytes(inner.body, MAX_CONFIGURATION)?,
                b"esds" => {
                    let bytes = reader.first_bytes(inner.body, MAX_DESCRIPTOR)?;
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
        if self.codec != Codec::Other {
            return;
        }
        self.codec = match object_type(bytes) {
            Some(0x6C) => Codec::Jpeg,
            Some(0x6D) => Codec::Png,
            _ => Codec::Other,
        };
    }
}

fn by_name(kind: FourCc) -> Codec {
    match &kind {
        // Dolby Vision's names stand for AVC that every decoder reads, with notes for those that know more.
        b"avc1" | b"avc2" | b"avc3" | b"avc4" | b"dva1" | b"dvav" => Codec::H264,
        // Motion-JPEG A has two fields a sample, each a JPEG: the first alone is drawn, stretched.
        b"jpeg" | b"mjpa" | b"AVDJ" => Codec::Jpeg,
        b"png " => Codec::Png,
        _ => Codec::Other,
    }
}

/// The object type in an ES descriptor (ISO/IEC 14496-1, 7.2.6.5 and 7.2.6.6).
fn object_type(bytes: &[u8]) -> Option<u8> {
    const ES: u8 = 3;
    const DECODER_CONFIG: u8 = 4;
    let (tag, body) = descriptor(bytes.get(4..)?)?;
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
    let (tag, body) = descriptor(body.get(skip..)?)?;
    (tag == DECODER_CONFIG).then(|| body.first().copied())?
}

/// A descriptor's tag and what is behind its length, which is 1 to 4 bytes of 7 bits (14496-1, 8.3.3).
fn descriptor(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let continued = rest.iter().take(4).take_while(|byte| **byte & 0x80 != 0).count();
    Some((*tag, rest.get(continued + 1..)?))
}
