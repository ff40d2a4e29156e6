//! WAV: chunks, of which `fmt ` says how samples are coded and `data` holds them (RIFF 1.0; EBU Tech 3306 for RF64).
//!
//! 1. Walk the chunks: what stands in `fmt `, where the samples really are (`find`).
//! 2. `hound` opens those of the plain codings, behind a header that says so, and reads the last one (`open`). It is not
//!    given the file's own header because it believes it: a rate of 0, an odd chunk, lengths of 0 and 2^32 − 1.
//! 3. The rest is arithmetic (`coding`), or a walk of frames of MP3 or AAC.

use std::io::{Read, SeekFrom};
use std::ops::Range;

use super::coding::{Coding, SampleFormat};
use super::*;

/// Chunks before the samples, at most: files have a dozen, and each costs a read.
const MOST_CHUNKS: usize = 10_000;

/// The length that a chunk states when it is not known, or stands in `ds64`.
const UNKNOWN: u64 = 0xFFFF_FFFF;

/// Chunks that files really have: an odd chunk without its padding byte is told by the one behind it.
const KNOWN: &[&[u8; 4]] = &[
    b"fmt ", b"data", b"fact", b"LIST", b"ds64", b"bext", b"iXML", b"id3 ", b"ID3 ", b"cue ", b"smpl",
    b"inst", b"JUNK", b"junk", b"PAD ", b"FLLR", b"PEAK", b"DISP", b"chna", b"axml", b"_PMX", b"minf",
    b"elm1", b"acid",
];

/// The parts of a file that matter.
pub struct Found {
    pub format: SampleFormat,
    /// Where the samples stand; not empty.
    pub data: Range<u64>,
    /// Samples of each channel, as stated.
    pub fact: Option<u64>,
}

/// The length of a WAV file's sound.
pub fn measure(source: &mut dyn Source) -> Result<Length, Refusal> {
    let found = find(source)?;
    let Found { format, data, fact } = &found;
    if format.coding == Coding::Mp3 {
        return Ok(mp3::count_part(source, data.clone())?.length);
    }
    // What says of itself how long it is: the byte rate of a variable rate is a guess.
    if format.coding == Coding::Other
        && let Some(length) = adts::measure(source, data.clone())?
    {
        return Ok(length);
    }
    if let Some(header) = plain_header(format, data) {
        return open(Mended { header, source, data: data.clone(), at: 0 });
    }
    let length = format.length(data.end - data.start, *fact).ok_or(Flaw::BadSampleFormat)?;
    match length.ticks {
        0 => Err(Flaw::NoSampleData.into()),
        _ => Ok(length),
    }
}

/// What a file holds, and where.
pub fn find(source: &mut dyn Source) -> Result<Found, Refusal> {
    let file_end = length_of(source)?;
    let (mut format, mut data, mut fact, mut long_size) = (None, None, None, None);
    let mut at = 12;
    for _ in 0..MOST_CHUNKS {
        if let (Some(format), Some(data)) = (format, &data) {
            return Ok(Found { format, data: Range::clone(data), fact });
        }
        let Some((id, size)) = chunk(source, at)? else {
            // The one that is missing.
            return Err(if format.is_none() { Flaw::BadHeader } else { Flaw::NoSampleData }.into());
        };
        let body = at + 8;
        let mut bytes = [0; 40];
        let short = usize::try_from(size).unwrap_or(usize::MAX).min(bytes.len());
        let mut size = size;
        match &id {
            b"data" => {
                size = samples_size(source, body, file_end, size, long_size)?;
                let range = body..body + size;
                data = data.or((!range.is_empty()).then_some(range));
            }
            b"fmt " | b"fact" | b"ds64" => {
                let wanted = bytes.get_mut(..short).unwrap_or_default();
                let count = read_at(source, body, wanted)?;
                let bytes = bytes.get(..count).unwrap_or_default();
                match &id {
                    b"fmt " if format.is_none() => format = Some(SampleFormat::parse(bytes)?),
                    b"fact" => fact = le(bytes, 0, 4).filter(|fact| *fact != UNKNOWN).or(fact),
                    b"ds64" => {
                        // Lengths of the file, of the samples, their number.
                        long_size = le(bytes, 8, 8);
                        fact = le(bytes, 16, 8);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        at = behind(source, body.saturating_add(size), size)?;
    }
    Err(Flaw::TooComplex.into())
}

/// The name and the length of the chunk at `at`.
fn chunk(source: &mut dyn Source, at: u64) -> Result<Option<([u8; 4], u64)>, Refusal> {
    let mut header = [0; 8];
    if read_at(source, at, &mut header)? < header.len() {
        return Ok(None);
    }
    let [a, b, c, d, size @ ..] = header;
    Ok(Some(([a, b, c, d], u32::from_le_bytes(size).into())))
}

/// Where the next chunk begins: an odd one is followed by a byte of padding, which some programs forget.
fn behind(source: &mut dyn Source, end: u64, size: u64) -> Result<u64, Refusal> {
    if size.is_multiple_of(2) {
        return Ok(end);
    }
    let mut bytes = [0; 5];
    let count = read_at(source, end, &mut bytes)?;
    let [_, padded @ ..] = &bytes;
    let unpadded = bytes.first_chunk().filter(|_| count >= 4);
    let known = |id| KNOWN.contains(&id);
    match unpadded {
        Some(id) if known(id) && !known(padded) => Ok(end),
        _ => Ok(end.saturating_add(1)),
    }
}

/// How many bytes of samples there really are. A length of 0 or of all ones is that of a program that could not go back to
/// fill it in: its samples go to the end of the file. So do those whose length leads beyond it.
fn samples_size(
    source: &mut dyn Source,
    body: u64,
    file_end: u64,
    stated: u64,
    long: Option<u64>,
) -> Result<u64, Refusal> {
    let left = file_end.saturating_sub(body);
    let stated = match long {
        Some(long) if stated == UNKNOWN => long,
        _ => stated,
    };
    if stated > 0 {
        return Ok(stated.min(left));
    }
    // Really empty where another chunk follows.
    let next = chunk(source, body)?;
    let follows = next.is_some_and(|(id, size)| {
        id.iter().all(|byte| (0x20..0x7F).contains(byte)) && size.saturating_add(8) <= left
    });
    Ok(if follows { 0 } else { left })
}

/// A header of 44 bytes for the samples, where `hound` knows their coding and can count them.
fn plain_header(format: &SampleFormat, data: &Range<u64>) -> Option<[u8; HEADER_BYTES]> {
    let (tag, sample_bytes) = match format.coding {
        Coding::Integer(bytes @ 1..=4) => (1_u16, bytes),
        Coding::Float(bytes @ 4) => (3, bytes),
        _ => return None,
    };
    let block = u64::from(format.block.get());
    let bytes = u32::try_from((data.end - data.start) / block * block).ok()?;
    let byte_rate = format.rate.checked_mul(format.block.get().into())?;
    let mut header = [0; HEADER_BYTES];
    let fields: [&[u8]; 13] = [
        b"RIFF",
        &bytes.checked_add(HEADER_BYTES as u32 - 8)?.to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16_u32.to_le_bytes(),
        &tag.to_le_bytes(),
        &format.channels.to_le_bytes(),
        &format.rate.to_le_bytes(),
        &byte_rate.to_le_bytes(),
        &format.block.get().to_le_bytes(),
        &(sample_bytes * 8).to_le_bytes(),
        b"data",
        &bytes.to_le_bytes(),
    ];
    for (place, byte) in header.iter_mut().zip(fields.concat()) {
        *place = byte;
    }
    Some(header)
}

/// Bytes of the header that `hound` is given.
const HEADER_BYTES: usize = 44;

/// Has `hound` count the samples, and read the last.
fn open(file: Mended<'_>) -> Result<Length, Refusal> {
    let mut reader = hound::WavReader::new(file).map_err(|_| Flaw::BadSampleFormat)?;
    let samples = reader.duration();
    let last = samples.checked_sub(1).ok_or(Flaw::NoSampleData)?;
    reader.seek(last).map_err(unreadable)?;
    let read = match reader.spec().sample_format {
        hound::SampleFormat::Int => reader.samples::<i32>().next().map(|sample| sample.is_ok()),
        hound::SampleFormat::Float => reader.samples::<f32>().next().map(|sample| sample.is_ok()),
    };
    if read != Some(true) {
        return Err(Flaw::Truncated.into());
    }
    Ok(Length { ticks: samples.into(), per_second: reader.spec().sample_rate.into() })
}

/// A WAV file in order: our header, then the samples of the file.
struct Mended<'a> {
    header: [u8; HEADER_BYTES],
    source: &'a mut dyn Source,
    data: Range<u64>,
    at: u64,
}

impl Read for Mended<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let skip = usize::try_from(self.at).unwrap_or(usize::MAX);
        let count = match self.header.get(skip..).filter(|rest| !rest.is_empty()) {
            Some(mut rest) => rest.read(buffer)?,
            None => {
                let at = self.data.start.saturating_add(self.at - HEADER_BYTES as u64);
                let left = usize::try_from(self.data.end.saturating_sub(at)).unwrap_or(usize::MAX);
                let wanted = buffer.len().min(left);
                self.source.seek(SeekFrom::Start(at))?;
                self.source.read(buffer.get_mut(..wanted).unwrap_or_default())?
            }
        };
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Mended<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let length = HEADER_BYTES as u64 + (self.data.end - self.data.start);
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => length.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// `count` bytes (8 at most) at `at`, the lowest first.
fn le(bytes: &[u8], at: usize, count: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(count)?)?.iter().rev();
    Some(bytes.fold(0, |number, byte| number << 8 | u64::from(*byte)))
}
