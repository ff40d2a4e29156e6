//! Sound or chance? Eleven set bits turn up everywhere; frames that lead from one to the next do not.

use super::frame::{HEADER_BYTES, Header, Layer};

/// Headers in a row that settle the matter: by chance the second and third agree with the first once in 2^34.
const ENOUGH: usize = 3;

/// The longest frame of a free bit rate that is looked for: 640 kbit/s (the most LAME writes) at 8 kHz, padded.
const LONGEST_FREE: usize = 5761;

/// As many bytes from a header on as [`Chain::read`] looks at, at most.
pub const REACH: usize = ENOUGH * LONGEST_FREE + HEADER_BYTES;

/// Frames that follow from each other: the first at the beginning of the bytes, [`ENOUGH`] at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Chain {
    /// Of the first frame.
    pub header: Header,
    /// Headers seen, all in agreement with the first.
    pub headers: usize,
    /// Bytes to the end of the last whole frame: 0 where there is none.
    pub whole: usize,
    /// Bytes of the first frame, whether they are all there or not.
    pub first: usize,
    /// Bytes of an unpadded frame, where the bit rate is free.
    pub free: Option<usize>,
    /// The last whole frame ends where the bytes do.
    pub fills: bool,
}

/// Where a chain begins, which decides how much of it is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Where a frame should begin: at the start, behind a tag, behind another frame.
    Expected,
    /// Behind bytes that are no sound, in a stream that has been of this kind.
    Within(Header),
    /// Behind bytes that are no sound.
    Anywhere,
}

impl Chain {
    /// Follows the frames from the first byte on. `None` where no header stands there, or where it has a free bit rate
    /// and no second frame tells how long the first is.
    pub fn read(bytes: &[u8]) -> Option<Chain> {
        let header = Header::parse(bytes)?;
        match header.length() {
            Some(_) => Some(Chain::follow(bytes, header, None)),
            None => Chain::free(bytes, header),
        }
    }

    /// With a free bit rate a frame ends where the next one that agrees begins; a third confirms it, as far as the bytes
    /// go.
    fn free(bytes: &[u8], header: Header) -> Option<Chain> {
        if header.layer == Layer::I {
            return None;
        }
        // A frame that has its side information and no more.
        let shortest = HEADER_BYTES + header.side_bytes();
        let last = LONGEST_FREE.min(bytes.len().saturating_sub(HEADER_BYTES));
        let second = bytes.get(..last.saturating_add(1))?;
        let ends = memchr::memchr_iter(0xFF, second).filter(|end| *end >= shortest);
        ends.filter_map(|end| {
            let next = Header::parse(bytes.get(end..)?)?;
            (next.bitrate == 0 && next.agrees(&header)).then_some(end - header.padding())
        })
        .map(|base| Chain::follow(bytes, header, Some(base)))
        .find(|chain| chain.headers == ENOUGH || 2 * chain.first + HEADER_BYTES > bytes.len())
    }

    fn follow(bytes: &[u8], header: Header, free: Option<usize>) -> Chain {
        let mut chain =
            Chain { header, headers: 0, whole: 0, first: length(&header, free), free, fills: false };
        let mut at = 0;
        while chain.headers < ENOUGH
            && let Some(next) = bytes.get(at..).and_then(Header::parse)
            && next.agrees(&header)
            && (next.bitrate == 0) == free.is_some()
        {
            chain.headers += 1;
            at = at.saturating_add(length(&next, free));
            if at <= bytes.len() {
                chain.whole = at;
            }
        }
        chain.fills = chain.whole > 0 && chain.whole == bytes.len();
        chain
    }

    /// Whether this is sound. `ends`: the bytes that were read go to the end of the file, or of its sound.
    pub fn convinces(&self, place: Place, ends: bool) -> bool {
        let fills = self.fills && ends;
        match place {
            Place::Expected => self.headers >= 2 || fills,
            Place::Within(known) if known.agrees(&self.header) => self.headers >= 2,
            Place::Within(_) | Place::Anywhere => self.headers >= ENOUGH || (self.headers >= 2 && fills),
        }
    }
}

/// Bytes of a frame with this header.
pub fn length(header: &Header, free: Option<usize>) -> usize {
    let base = free.map(|base| base + header.padding());
    // One of the two is there: a free rate has a base.
    base.or(header.length()).unwrap_or(HEADER_BYTES)
}
