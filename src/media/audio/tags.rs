//! Tags before, between and behind the frames: only their lengths matter here.

use std::ops::Range;

use super::*;

/// Tags behind the sound, at most: no program writes more than one of each of the five kinds.
const MOST_BEHIND: usize = 8;

/// ID3v1: "TAG" and fields of fixed length.
const ID3V1_BYTES: u64 = 128;

/// What some programs put before an ID3v1 tag: "TAG+" and longer fields.
const ENHANCED_BYTES: u64 = 227;

/// An APE tag's header, and its footer.
const APE_BYTES: u64 = 32;

/// Lyrics3 version 1 holds at most 5,100 bytes between its words.
const TAIL_BYTES: u64 = 5_200;

/// The length of a tag that begins with the first byte, as it states it: the file may be shorter.
pub fn length(bytes: &[u8]) -> Option<u64> {
    id3v2(bytes, b"ID3").or_else(|| ape_header(bytes)).or_else(|| {
        let enhanced = bytes.starts_with(b"TAG+").then_some(ENHANCED_BYTES);
        enhanced.or(bytes.starts_with(b"TAG").then_some(ID3V1_BYTES))
    })
}

/// The length of a tag that only goes with sound: ID3v2 or APE.
pub fn length_before_sound(bytes: &[u8]) -> Option<u64> {
    id3v2(bytes, b"ID3").or_else(|| ape_header(bytes))
}

/// Where the sound ends: before the tags behind it.
pub fn end_of_sound(source: &mut dyn Source, file: Range<u64>) -> Result<u64, Refusal> {
    let mut end = file.end;
    for _ in 0..MOST_BEHIND {
        let mut tail = [0; TAIL_BYTES as usize];
        let from = file.start.max(end.saturating_sub(TAIL_BYTES));
        let wanted = tail.get_mut(..end.saturating_sub(from) as usize);
        let count = read_at(source, from, wanted.unwrap_or_default())?;
        match begin_of_last(source, tail.get(..count).unwrap_or_default(), end)? {
            Some(begin) if (file.start..end).contains(&begin) => end = begin,
            _ => break,
        }
    }
    Ok(end)
}

/// Where the tag begins that ends at `end`, with the last byte of `tail`.
///
/// One that states its length is only believed where its begin stands there: a length that lies would hide the sound.
fn begin_of_last(source: &mut dyn Source, tail: &[u8], end: u64) -> Result<Option<u64>, Refusal> {
    for (length, word) in [(ID3V1_BYTES, "TAG"), (ENHANCED_BYTES, "TAG+")] {
        if last(tail, length).is_some_and(|bytes| bytes.starts_with(word.as_bytes())) {
            return Ok(end.checked_sub(length));
        }
    }
    if let Some(footer) = last(tail, APE_BYTES).filter(|footer| footer.starts_with(b"APETAGEX")) {
        let size = u64::from(le32(footer, 12).unwrap_or(0)).max(APE_BYTES);
        for length in [size.saturating_add(APE_BYTES), size] {
            let Some(begin) = end.checked_sub(length) else {
                continue;
            };
            let mut first = [0; 10];
            let count = read_at(source, begin, &mut first)?;
            if first.starts_with(b"APETAGEX") || (length == size && is_ape_item(first.get(..count))) {
                return Ok(Some(begin));
            }
        }
        // The footer at least is no sound.
        return Ok(end.checked_sub(APE_BYTES));
    }
    let stated = last(tail, 10)
        .and_then(|footer| id3v2(footer, b"3DI"))
        .map(|length| (length, "ID3"))
        .or_else(|| lyrics3(tail).map(|length| (length, "LYRICSBEGIN")));
    let Some((length, word)) = stated else {
        return Ok(None);
    };
    let mut first = [0; 11];
    let begin = end.checked_sub(length);
    if let Some(begin) = begin {
        read_at(source, begin, &mut first)?;
    }
    Ok(begin.filter(|_| first.starts_with(word.as_bytes())))
}

/// ID3v2.2 to 2.4, 3.1: the length has seven bits a byte and counts neither header nor footer, which is the header
/// again with "3DI" in place of "ID3".
fn id3v2(bytes: &[u8], word: &[u8; 3]) -> Option<u64> {
    let header: &[u8; 10] = bytes.first_chunk()?;
    let &[_, _, _, version, revision, flags, ref size @ ..] = header;
    let valid = header.starts_with(word)
        && (2..=4).contains(&version)
        && revision != 0xFF
        && size.iter().all(|byte| *byte < 0x80);
    let size = size.iter().fold(0, |size, byte| size << 7 | u64::from(*byte));
    let has_footer = word == b"3DI" || (version == 4 && flags & 0x10 != 0);
    valid.then_some(size + if has_footer { 20 } else { 10 })
}

/// APEv1 and v2: "APETAGEX", version, size (items and footer), number of items, flags.
fn ape_header(bytes: &[u8]) -> Option<u64> {
    let header: &[u8; APE_BYTES as usize] = bytes.first_chunk()?;
    if !header.starts_with(b"APETAGEX") {
        return None;
    }
    const IS_HEADER: u32 = 1 << 29;
    match le32(header, 20)? & IS_HEADER {
        0 => Some(APE_BYTES),
        _ => Some(APE_BYTES + u64::from(le32(header, 12)?)),
    }
}

/// An item of an APE tag without a header: the length of its value, flags of which three bits are used, a key
/// of two printable characters at least.
fn is_ape_item(bytes: Option<&[u8]>) -> bool {
    let Some(&[_, _, _, _, flags, 0, 0, 0, ref key @ ..]) = bytes else {
        return false;
    };
    flags < 8 && key.len() == 2 && key.iter().all(|byte| (0x20..0x7F).contains(byte))
}

/// The length of a Lyrics3 tag. Version 2: "LYRICSBEGIN", fields, the length of all that in six digits, "LYRICS200".
/// Version 1: text between "LYRICSBEGIN" and "LYRICSEND".
fn lyrics3(tail: &[u8]) -> Option<u64> {
    if tail.ends_with(b"LYRICSEND") {
        let begin = memchr::memmem::rfind(tail, b"LYRICSBEGIN")?;
        return Some((tail.len() - begin) as u64);
    }
    let end = last(tail, 15).filter(|end| end.ends_with(b"LYRICS200"))?;
    let digits = end.iter().take(6).map(|digit| char::from(*digit).to_digit(10));
    digits
        .into_iter()
        .try_fold(0, |length, digit| Some(length * 10 + u64::from(digit?)))
        .map(|length| length + 15)
}

fn last(bytes: &[u8], count: u64) -> Option<&[u8]> {
    bytes.get(bytes.len().checked_sub(usize::try_from(count).ok()?)?..)
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(*bytes.first_chunk()?))
}
