//! What the first bytes say of a sound.

use super::chain::{Chain, Place};
use super::frame::{Header, Layer};
use super::*;

/// What `infer` calls a type, where its word can be taken: those it tells by a magic of four bytes or more. It takes
/// any ID3 tag for MP3, and knows neither MPEG-2.5 nor MP3 with checksums.
const INFERRED: &[(&str, Sniffed)] = &[
    ("audio/x-wav", Sniffed::Allowed(Format::Wav)),
    ("audio/midi", Sniffed::Foreign(Foreign::Midi)),
    ("audio/m4a", Sniffed::Foreign(Foreign::M4a)),
    ("audio/ogg", Sniffed::Foreign(Foreign::Ogg)),
    ("audio/opus", Sniffed::Foreign(Foreign::Ogg)),
    ("audio/x-flac", Sniffed::Foreign(Foreign::Flac)),
    ("audio/amr", Sniffed::Foreign(Foreign::Amr)),
    ("audio/x-aiff", Sniffed::Foreign(Foreign::Aiff)),
    ("audio/x-ape", Sniffed::Foreign(Foreign::Ape)),
    ("audio/x-dsf", Sniffed::Foreign(Foreign::Dsf)),
];

/// What `infer` does not know, or does not see behind a tag: the bytes that a file begins with.
const MAGICS: &[(&[u8], Foreign)] = &[
    (b"fLaC", Foreign::Flac),
    (b"OggS", Foreign::Ogg),
    (b"ADIF", Foreign::Aac),
    (b"#!AMR", Foreign::Amr),
    (b"MThd\0\0\0\x06", Foreign::Midi),
    (b"MAC ", Foreign::Ape),
    (b"wvpk", Foreign::WavPack),
    (b"MPCK", Foreign::Musepack),
    (b"MP+\x07", Foreign::Musepack),
    (b"MP+\x17", Foreign::Musepack),
    (b".snd\0\0", Foreign::Au),
    (b"RIFX", Foreign::Rifx),
    (b"TTA1", Foreign::Tta),
    // The GUID "riff" of Sony's (later Sound Forge's) chunks with lengths of 64 bits.
    (b"riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\x00\x00", Foreign::W64),
    (b"caff\0\x01", Foreign::Caf),
    (b"DSD \x1C\0\0\0", Foreign::Dsf),
    (b"\x7F\xFE\x80\x01", Foreign::Dts),
    (b"\xFE\x7F\x01\x80", Foreign::Dts),
    (b"\x1F\xFF\xE8\x00", Foreign::Dts),
    (b"\xFF\x1F\x00\xE8", Foreign::Dts),
];

/// Bytes before the first frame that are neither a tag nor padding, and too short to be called text.
const SCRAP_BYTES: usize = 16;

/// The type of a sound by the first [`HEAD_BYTES`] of the file (fewer where it is shorter).
///
/// A tag that only goes with sound is taken for MP3 unless another type shows behind it; [`super::probe`] looks there where
/// the head does not reach. `None` where it is no sound.
pub fn sniff(head: &[u8]) -> Option<Sniffed> {
    let ends = head.len() < HEAD_BYTES;
    if let Some(length) = tags::length_before_sound(head) {
        let behind = behind_tags(head, length);
        let foreign = foreign(trim_zeros(behind), ends);
        return Some(foreign.map_or(Sniffed::Allowed(Format::Mp3), Sniffed::Foreign));
    }
    inferred(head)
        .or_else(|| is_wave(head).then_some(Sniffed::Allowed(Format::Wav)))
        .or_else(|| foreign(head, ends).map(Sniffed::Foreign))
        .or_else(|| is_mp3(head, ends).then_some(Sniffed::Allowed(Format::Mp3)))
        .or_else(|| adts::Frame::parse(head).map(|_| Sniffed::Foreign(Foreign::Aac)))
}

/// The sound that begins with the first byte, where it is not MP3 or WAV. `ends`: the bytes go to the end of the file.
pub fn foreign(bytes: &[u8], ends: bool) -> Option<Foreign> {
    let named = MAGICS.iter().find(|(magic, _)| bytes.starts_with(magic));
    let aiff = bytes.starts_with(b"FORM") && matches!(bytes.get(8..12), Some(b"AIFF" | b"AIFC"));
    named
        .map(|(_, foreign)| *foreign)
        .or(aiff.then_some(Foreign::Aiff))
        .or_else(|| adts::is_aac(bytes, ends).then_some(Foreign::Aac))
        .or_else(|| is_ac3(bytes).then_some(Foreign::Ac3))
        .or_else(|| is_layer_1_or_2(bytes, ends).then_some(Foreign::Mp2))
}

fn inferred(head: &[u8]) -> Option<Sniffed> {
    let found = infer::get(head)?.mime_type();
    let row = INFERRED.iter().find(|(name, _)| *name == found);
    row.map(|(_, sniffed)| *sniffed)
}

/// RF64 (EBU Tech 3306) and BW64 (ITU-R BS.2088): RIFF with lengths of 64 bits.
fn is_wave(head: &[u8]) -> bool {
    (head.starts_with(b"RF64") || head.starts_with(b"BW64")) && head.get(8..12) == Some(b"WAVE")
}

/// What is behind the tags in front; nothing where they reach beyond the head.
fn behind_tags(head: &[u8], first: u64) -> &[u8] {
    let mut length = Some(first);
    let mut behind = head;
    while let Some(bytes) = length {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        behind = behind.get(bytes..).unwrap_or_default();
        length = tags::length_before_sound(behind);
    }
    behind
}

/// Frames at the start or behind padding; or else behind what can be a damaged frame or the end of one, as in a recording
/// that was cut out of a stream: it begins with a header or is shorter than a frame, and is no text.
fn is_mp3(head: &[u8], ends: bool) -> bool {
    let padded = trim_zeros(head);
    if layer_3(padded, Place::Expected, ends).is_some() || is_short(padded, ends) {
        return true;
    }
    memchr::memchr_iter(0xFF, padded).any(|at| {
        let (scrap, frames) = padded.split_at_checked(at).unwrap_or_default();
        layer_3(frames, Place::Anywhere, ends)
            .is_some_and(|chain| scrap.len() < chain.first || Header::parse(padded).is_some())
            && !is_text(scrap)
    })
}

/// A file that ends within its first frame: MP3 by its header, and for [`super::probe`] to refuse.
fn is_short(bytes: &[u8], ends: bool) -> bool {
    let first = Header::parse(bytes).filter(|header| header.layer == Layer::III);
    ends && first.and_then(|header| header.length()).is_some_and(|length| bytes.len() < length)
}

fn is_layer_1_or_2(bytes: &[u8], ends: bool) -> bool {
    let chain = Chain::read(bytes).filter(|chain| chain.header.layer != Layer::III);
    chain.is_some_and(|chain| chain.convinces(Place::Expected, ends))
}

fn layer_3(bytes: &[u8], place: Place, ends: bool) -> Option<Chain> {
    let chain = Chain::read(bytes).filter(|chain| chain.header.layer == Layer::III)?;
    chain.convinces(place, ends).then_some(chain)
}

/// AC-3 and E-AC-3 (ATSC A/52, 5.4 and E.1.2): the sync word and no reserved value behind it.
fn is_ac3(bytes: &[u8]) -> bool {
    let Some(&[0x0B, 0x77, _, _, rates, version]) = bytes.first_chunk() else {
        return false;
    };
    match version >> 3 {
        0..=10 => rates >> 6 != 3 && rates & 63 < 38,
        11..=16 => true,
        _ => false,
    }
}

fn trim_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

/// Whether bytes before a frame are text, and so no part of a frame.
fn is_text(bytes: &[u8]) -> bool {
    let text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7E | 0x80..);
    bytes.len() >= SCRAP_BYTES && std::str::from_utf8(bytes).is_ok() && bytes.iter().all(text)
}
