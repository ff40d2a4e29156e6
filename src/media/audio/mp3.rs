//! MPEG audio, layer III: its frames are walked and counted.
//!
//! 1. Find where frames begin: skip tags and padding, search on where that is neither (`find`).
//! 2. Count the frames that follow each other without a gap, as `mp3-metadata` lists them (`run`).
//! 3. Where they break off, go on with 1; at the end add up, less the encoder's own frame and silence (`counted`).
//!
//! Whoever decodes them then goes the same way again (`visit`).
//!
//! `mp3-metadata` reads slices and takes any header for a frame, also one in the midst of a picture, so it gets a piece at a
//! time that begins at a proven frame, and what it lists counts as far as it is without a gap. Free bit rates it can't
//! read: those we walk ourselves.

use std::ops::Range;

use mp3_metadata::Version as ListedVersion;

use super::chain::{Chain, Place, REACH};
use super::frame::{HEADER_BYTES, Header, Layer};
use super::info::Info;
use super::window::Window;
use super::*;

/// Sampling rates divide it, so that the seconds of any mixture of them add up exactly: the least common multiple
/// of the nine.
const PER_SECOND: u64 = 14_112_000;

/// Bytes that `mp3-metadata` gets at once, at most. It makes some 80 bytes of every frame, and the shortest have 24.
const PIECE_BYTES: usize = 128 << 10;

/// How much longer each piece may be than the one before: little is then read in vain where a run breaks off early.
const PIECE_GROWTH: usize = 4;

/// Bytes searched in one go for a frame.
const SEARCH_BYTES: usize = 128 << 10;

/// Free bit rates are looked for so many times in vain: a look costs up to [`REACH`] bytes, and files made to cost
/// time would offer one every four.
const FREE_TRIES: u32 = 10_000;

/// The frames of a file, or of a part of it.
pub struct Counted {
    pub length: Length,
    /// Where they stand.
    pub range: Range<u64>,
    /// Of the first.
    pub first: Header,
    /// How many there are, the encoder's own included.
    pub frames: u64,
    /// Whether the first one is the encoder's own.
    pub informed: bool,
    /// Samples that a decoder gives out before the sound, where the encoder says so.
    pub lead: u64,
}

/// Counts the frames of an MP3 file.
pub fn count(source: &mut dyn Source) -> Result<Counted, Refusal> {
    let file = 0..length_of(source)?;
    let end = tags::end_of_sound(source, file)?;
    let mut walk = Walk::new(Window::new(source, end));
    let start = walk.skip(0)?;
    // The first bytes said MP3 only because of the tag.
    if start > 0
        && let bytes = walk.window.bytes(start, REACH)?
        && let Some(foreign) = sniff::foreign(bytes, bytes.len() < REACH)
    {
        return Err(Refusal::Foreign(foreign));
    }
    let tagged_wav = is_wave(walk.window.bytes(start, WAVE_BYTES)?);
    match walk.walk(start) {
        Err(Refusal::Broken(Flaw::NoSoundFrames)) if start > 0 && tagged_wav => {
            Err(Refusal::Foreign(Foreign::TaggedWav))
        }
        counted => counted,
    }
}

/// Bytes by which a WAV file is told.
const WAVE_BYTES: usize = 12;

fn is_wave(bytes: &[u8]) -> bool {
    bytes.starts_with(b"RIFF") && bytes.ends_with(b"WAVE")
}

/// Counts the MP3 frames between two places of a file.
pub fn count_part(source: &mut dyn Source, range: Range<u64>) -> Result<Counted, Refusal> {
    Walk::new(Window::new(source, range.end)).walk(range.start)
}

/// Shows the frames that were counted, each with its header, one after the other. The last may be cut.
pub fn visit(
    source: &mut dyn Source,
    range: Range<u64>,
    mut see: impl FnMut(&Header, &[u8]),
) -> Result<(), Refusal> {
    let mut walk = Walk::new(Window::new(source, range.end));
    let mut at = range.start;
    while let Some((found, chain)) = walk.find(at)? {
        walk.stream = Some(chain.header);
        at = found;
        while let Some(next) = Header::parse(walk.window.bytes(at, HEADER_BYTES)?)
            && next.agrees(&chain.header)
            && (next.bitrate == 0) == chain.free.is_some()
        {
            let length = chain::length(&next, chain.free);
            see(&next, walk.window.bytes(at, length)?);
            at += length as u64;
        }
        // Always onwards.
        at = at.max(found + 1);
    }
    Ok(())
}

struct Walk<'a> {
    window: Window<'a>,
    /// Given to `mp3-metadata`.
    piece: Vec<u8>,
    first: Option<Header>,
    /// Of the frames counted last.
    stream: Option<Header>,
    free_tries: u32,
    frames: u64,
    /// Less than `frames` where the file ends within one.
    whole_frames: u64,
    /// In units of `1/PER_SECOND` s.
    ticks: u128,
    info: Option<(Info, Header)>,
}

impl<'a> Walk<'a> {
    fn new(window: Window<'a>) -> Walk<'a> {
        Walk {
            window,
            piece: Vec::new(),
            first: None,
            stream: None,
            free_tries: 0,
            frames: 0,
            whole_frames: 0,
            ticks: 0,
            info: None,
        }
    }

    fn walk(mut self, start: u64) -> Result<Counted, Refusal> {
        let mut at = start;
        while let Some((found, chain)) = self.find(at)? {
            if self.stream.is_none() {
                self.first = Some(chain.header);
                let first = self.window.bytes(found, chain.first)?;
                self.info = Info::read(first, &chain.header).map(|info| (info, chain.header));
            }
            self.stream = Some(chain.header);
            at = match chain.free {
                None => self.run(found, &chain)?,
                Some(base) => self.free_run(found, &chain, base)?,
            };
        }
        self.counted(start)
    }

    /// The first frame at `at` or behind it.
    fn find(&mut self, at: u64) -> Result<Option<(u64, Chain)>, Refusal> {
        let expected = self.skip(at)?;
        let searching = self.stream.map_or(Place::Anywhere, Place::Within);
        let mut from = expected;
        loop {
            let bytes = self.window.bytes(from, SEARCH_BYTES + REACH)?;
            let ends = bytes.len() < SEARCH_BYTES + REACH;
            let searched = if ends { bytes.len() } else { SEARCH_BYTES };
            for sync in memchr::memchr_iter(0xFF, bytes.get(..searched).unwrap_or_default()) {
                let here = from + sync as u64;
                let bytes = bytes.get(sync..).unwrap_or_default();
                let free = match Header::parse(bytes) {
                    Some(header) if header.layer == Layer::III => header.bitrate == 0,
                    _ => continue,
                };
                if free && self.free_tries == FREE_TRIES {
                    continue;
                }
                let place = if here == expected { Place::Expected } else { searching };
                match Chain::read(bytes) {
                    Some(chain) if chain.convinces(place, ends) => return Ok(Some((here, chain))),
                    _ => self.free_tries += u32::from(free),
                }
            }
            if ends {
                return Ok(None);
            }
            from += searched as u64;
        }
    }

    /// Behind the tags and the zero bytes at `at`.
    fn skip(&mut self, mut at: u64) -> Result<u64, Refusal> {
        loop {
            let end = self.window.end();
            let bytes = self.window.bytes(at, SEARCH_BYTES)?;
            if bytes.is_empty() {
                return Ok(at);
            }
            at += match tags::length(bytes) {
                // A tag that is longer than the file lies, or is cut: what there is of sound stands within it.
                Some(length) if length > end.saturating_sub(at) => return Ok(at),
                Some(length) => length,
                None => match bytes.iter().position(|byte| *byte != 0) {
                    Some(0) => return Ok(at),
                    Some(zeros) => zeros as u64,
                    None => bytes.len() as u64,
                },
            };
        }
    }

    /// Counts the frames from `start` on that follow each other; the place behind them.
    fn run(&mut self, start: u64, chain: &Chain) -> Result<u64, Refusal> {
        let mut at = start;
        let mut size = chain.whole;
        loop {
            let bytes = self.window.bytes(at, size)?;
            let (count, length) = list(&mut self.piece, bytes, &chain.header);
            let broken = length.saturating_add(HEADER_BYTES) <= bytes.len();
            at += length as u64;
            self.count(&chain.header, count, at);
            if broken || count == 0 {
                // Always onwards, whatever was listed.
                return Ok(at.max(start + 1));
            }
            size = size.saturating_mul(PIECE_GROWTH).min(PIECE_BYTES);
        }
    }

    /// The same for a free bit rate, whose frames are all `base` bytes long but for padding.
    fn free_run(&mut self, mut at: u64, chain: &Chain, base: usize) -> Result<u64, Refusal> {
        loop {
            match Header::parse(self.window.bytes(at, HEADER_BYTES)?) {
                Some(next) if next.agrees(&chain.header) && next.bitrate == 0 => {
                    at += chain::length(&next, Some(base)) as u64;
                    self.count(&next, 1, at);
                }
                _ => return Ok(at),
            }
        }
    }

    /// Counts frames of one kind, the last of which ends at `end`, as far as the file goes.
    fn count(&mut self, header: &Header, count: u64, end: u64) {
        let cut = u64::from(end > self.window.end());
        self.frames += count;
        self.whole_frames += count.saturating_sub(cut);
        self.ticks += u128::from(count) * ticks(header, header.samples().into());
    }

    /// All that was counted, less what the encoder added.
    fn counted(self, start: u64) -> Result<Counted, Refusal> {
        let silent = u64::from(self.info.is_some());
        let first = self.first.filter(|_| self.whole_frames > silent).ok_or(Flaw::NoSoundFrames)?;
        let added = self.info.map_or(0, |(info, header)| {
            let samples = u64::from(header.samples());
            ticks(&header, samples + info.added(self.frames - silent, samples))
        });
        Ok(Counted {
            length: Length { ticks: self.ticks.saturating_sub(added), per_second: PER_SECOND },
            range: start..self.window.end(),
            first,
            frames: self.frames,
            informed: self.info.is_some(),
            lead: self.info.map_or(0, |(info, _)| info.lead()),
        })
    }
}

fn ticks(header: &Header, samples: u64) -> u128 {
    u128::from(samples) * u128::from(PER_SECOND / u64::from(header.rate))
}

/// How many frames in agreement with `header` follow each other from the first byte on, and their bytes together: more
/// than there are where the last one is cut.
fn list(piece: &mut Vec<u8>, bytes: &[u8], header: &Header) -> (u64, usize) {
    piece.clear();
    // It finds fault with a lone frame at 0.
    piece.push(0);
    piece.extend_from_slice(bytes);
    let Ok(listed) = mp3_metadata::read_from_slice(piece) else {
        return (0, 0);
    };
    let (mut count, mut last, mut next) = (0, 0, 1);
    for frame in listed.frames {
        // A reserved version is given the rates of MPEG-2; the others tell by theirs.
        let agrees = frame.layer == mp3_metadata::Layer::Layer3
            && frame.version != ListedVersion::Reserved
            && u32::from(frame.sampling_freq) == header.rate;
        if frame.offset != next || !agrees {
            break;
        }
        count += 1;
        last = frame.offset.saturating_sub(1) as usize;
        next = frame.offset.saturating_add(frame.size);
    }
    // It makes the frame before an ID3v1 tag longer or shorter than it is.
    let last_length = bytes.get(last..).and_then(Header::parse).and_then(|header| header.length());
    match last_length {
        Some(length) if count > 0 => (count, last.saturating_add(length)),
        _ => (0, 0),
    }
}
