//! Boxes of ISO/IEC 14496-12 (4.2), which QuickTime calls atoms: a file read at any place, one header at a time.
//!
//! Nothing here recurses and nothing is kept, so neither depth nor number of boxes costs memory.

use std::io::SeekFrom;

use crate::asset::Flaw;
use crate::media::Source;

/// Headers read of one file, at most. A day of film in fragments of one second has some 1.7 million.
const MAX_BOXES: u32 = 4_000_000;

/// Bytes fetched at once: a header and most of what is read behind it come with one call.
const BLOCK_BYTES: usize = 4096;

/// A type of box: four characters.
pub type FourCc = [u8; 4];

/// Bytes of the file from `start` up to, not including, `end`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extent {
    pub start: u64,
    pub end: u64,
}

impl Extent {
    /// Bytes in it.
    pub fn length(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// What is left of it behind the first `bytes`.
    pub fn behind(self, bytes: u64) -> Extent {
        Extent { start: self.start.saturating_add(bytes).min(self.end), end: self.end }
    }
}

/// A file, read at any place.
pub struct Reader<'a> {
    source: &'a mut dyn Source,
    length: u64,
    /// What was unpacked out of the file; it is read as if it stood behind its end.
    unpacked: Vec<u8>,
    block: Vec<u8>,
    block_start: u64,
    boxes_left: u32,
}

impl<'a> Reader<'a> {
    pub fn new(source: &'a mut dyn Source) -> Result<Reader<'a>, Flaw> {
        let length = source.seek(SeekFrom::End(0)).map_err(|_| Flaw::Truncated)?;
        Ok(Reader {
            source,
            length,
            unpacked: Vec::new(),
            block: Vec::new(),
            block_start: 0,
            boxes_left: MAX_BOXES,
        })
    }

    /// The whole file, without what was unpacked.
    pub fn all(&self) -> Extent {
        Extent { start: 0, end: self.length }
    }

    /// Puts `bytes` behind the file, once; gives where they are.
    pub fn append(&mut self, bytes: Vec<u8>) -> Option<Extent> {
        let end = self.length.checked_add(bytes.len() as u64)?;
        if !self.unpacked.is_empty() {
            return None;
        }
        self.unpacked = bytes;
        Some(Extent { start: self.length, end })
    }

    /// Fills `into` with the bytes at `start`; [`Flaw::Truncated`] where the file ends before.
    pub fn read(&mut self, start: u64, into: &mut [u8]) -> Result<(), Flaw> {
        if let Some(behind) = start.checked_sub(self.length) {
            let from = usize::try_from(behind).map_err(|_| Flaw::Truncated)?;
            let end = from.checked_add(into.len()).ok_or(Flaw::Truncated)?;
            into.copy_from_slice(self.unpacked.get(from..end).ok_or(Flaw::Truncated)?);
            return Ok(());
        }
        let end = start.checked_add(into.len() as u64).ok_or(Flaw::Truncated)?;
        if end > self.length {
            return Err(Flaw::Truncated);
        }
        if into.len() >= BLOCK_BYTES {
            return self.fetch(start, into);
        }
        if let Some(bytes) = self.cached(start, into.len()) {
            into.copy_from_slice(bytes);
            return Ok(());
        }
        let wanted = (self.length - start).min(BLOCK_BYTES as u64) as usize;
        let mut block = std::mem::take(&mut self.block);
        block.resize(wanted, 0);
        self.fetch(start, &mut block)?;
        (self.block, self.block_start) = (block, start);
        let bytes = self.cached(start, into.len()).ok_or(Flaw::Truncated)?;
        into.copy_from_slice(bytes);
        Ok(())
    }

    fn cached(&self, start: u64, length: usize) -> Option<&[u8]> {
        let from = usize::try_from(start.checked_sub(self.block_start)?).ok()?;
        self.block.get(from..from.checked_add(length)?)
    }

    fn fetch(&mut self, start: u64, into: &mut [u8]) -> Result<(), Flaw> {
        let read = self.source.seek(SeekFrom::Start(start)).and_then(|_| self.source.read_exact(into));
        read.map_err(|_| Flaw::Truncated)
    }

    /// The `N` bytes at `start`.
    pub fn array<const N: usize>(&mut self, start: u64) -> Result<[u8; N], Flaw> {
        let mut bytes = [0; N];
        self.read(start, &mut bytes)?;
        Ok(bytes)
    }

    /// The first bytes of an extent, as many as it has but `most` at most.
    pub fn first_bytes(&mut self, extent: Extent, most: usize) -> Result<Vec<u8>, Flaw> {
        let mut bytes = vec![0; extent.length().min(most as u64) as usize];
        self.read(extent.start, &mut bytes)?;
        Ok(bytes)
    }
}

/// One box: its type and where it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BoxAt {
    pub kind: FourCc,
    /// Where its header begins.
    pub start: u64,
    /// What is behind its header; ends where the box around it ends, also if it claims to be longer.
    pub body: Extent,
    /// Whether it claims to be longer than the box or file around it.
    pub cut: bool,
}

/// The boxes in an extent, one after the other.
pub struct Boxes {
    rest: Extent,
}

impl Boxes {
    pub fn within(extent: Extent) -> Boxes {
        Boxes { rest: extent }
    }

    /// The next box; `None` at the end, and where what follows cannot be a box (QuickTime ends some lists with
    /// four zero bytes, and files carry scraps behind their last box).
    pub fn next(&mut self, reader: &mut Reader) -> Result<Option<BoxAt>, Flaw> {
        const SHORT_HEADER: u64 = 8;
        const LONG_HEADER: u64 = 16;
        let left = self.rest.length();
        if left < SHORT_HEADER {
            return Ok(None);
        }
        reader.boxes_left = reader.boxes_left.checked_sub(1).ok_or(Flaw::TooComplex)?;
        let start = self.rest.start;
        let [s0, s1, s2, s3, kind @ ..] = reader.array::<8>(start)?;
        let (header, size) = match u32::from_be_bytes([s0, s1, s2, s3]) {
            0 => (SHORT_HEADER, left),
            1 if left < LONG_HEADER => return Ok(None),
            1 => (LONG_HEADER, u64::from_be_bytes(reader.array(start + SHORT_HEADER)?)),
            size => (SHORT_HEADER, u64::from(size)),
        };
        if size < header {
            return Ok(None);
        }
        let end = start + size.min(left);
        self.rest.start = end;
        Ok(Some(BoxAt { kind, start, body: Extent { start: start + header, end }, cut: size > left }))
    }
}

/// The big-endian integer at an index, as wide as the type; `None` beyond the end.
pub fn u16_at(bytes: &[u8], index: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(index..)?.first_chunk()?))
}

/// See [`u16_at`].
pub fn u32_at(bytes: &[u8], index: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(index..)?.first_chunk()?))
}

/// See [`u16_at`].
pub fn u64_at(bytes: &[u8], index: usize) -> Option<u64> {
    Some(u64::from_be_bytes(*bytes.get(index..)?.first_chunk()?))
}
