//! What the first bytes say of a film.

use super::boxes::{FourCc, u32_at, u64_at};
use crate::asset::{Foreign, Format};
use crate::media::Sniffed;

/// The type of a film by its first bytes; `None` where they are those of no film known here. Sounds in an mp4 are
/// told from films by their brand alone (what has no brand of a sound and yet no picture, `probe` refuses).
pub fn sniff(head: &[u8]) -> Option<Sniffed> {
    movie(head).or_else(|| foreign(head).map(Sniffed::Foreign))
}

/// Files of boxes: by the brand of `ftyp` (ISO/IEC 14496-12, 4.3), else by what a QuickTime film without one, or
/// a piece of a fragmented film, begins with.
fn movie(head: &[u8]) -> Option<Sniffed> {
    /// A film has one or two boxes of filling before its first box that says something.
    const MAX_FILLING: usize = 8;
    let mut start = 0;
    let mut first = None;
    for _ in 0..MAX_FILLING {
        let Some((kind, end)) = header(head, start) else {
            // Between boxes the head may end; it may not go on with something else.
            return first.filter(|_| start.saturating_add(8) > head.len()).map(by_first_box);
        };
        if &kind == b"ftyp" {
            let is_long = u32_at(head, start) == Some(1);
            let brand = if is_long { start + 16 } else { start + 8 };
            return by_brand(head.get(brand..brand + 4).unwrap_or_default());
        }
        if &kind == b"moov" && !holds_movie(head, start, end) {
            return None;
        }
        if !is_filling(kind) {
            return Some(by_first_box(kind));
        }
        first = first.or(Some(kind));
        start = usize::try_from(end).unwrap_or(usize::MAX);
    }
    None
}

fn is_filling(kind: FourCc) -> bool {
    matches!(&kind, b"free" | b"skip" | b"wide" | b"junk" | b"pnot" | b"PICT")
}

/// What a segment of a fragmented film may begin with (ISO/IEC 14496-12, 8.16; 23009-1, 5.10.3.3).
fn is_of_segment(kind: &FourCc) -> bool {
    matches!(kind, b"moof" | b"styp" | b"sidx" | b"ssix" | b"prft" | b"emsg" | b"pdin")
}

/// Segments of a fragmented film are mp4's alone; everything else without a brand is older than brands.
fn by_first_box(kind: FourCc) -> Sniffed {
    match &kind {
        kind if is_of_segment(kind) => Sniffed::Allowed(Format::Mp4),
        _ => Sniffed::Allowed(Format::Mov),
    }
}

/// The type and the end of the box at an index, where it is one that a film may begin with and its size is sane.
fn header(head: &[u8], start: usize) -> Option<(FourCc, u64)> {
    let size = u32_at(head, start)?;
    let kind: FourCc = *head.get(start.checked_add(4)?..)?.first_chunk()?;
    let may_begin = is_filling(kind) || is_of_segment(&kind) || matches!(&kind, b"ftyp" | b"moov" | b"mdat");
    // Four printable characters are a text that happens to go on with the name of a box.
    let is_text = size.to_be_bytes().iter().all(|byte| (b' '..=b'~').contains(byte));
    if !may_begin || is_text {
        return None;
    }
    let size = match size {
        0 if &kind == b"mdat" => u64::MAX,
        1 => u64_at(head, start.checked_add(8)?).filter(|size| *size >= 16)?,
        size => u64::from(size),
    };
    (size >= 8).then_some((kind, size.saturating_add(start as u64)))
}

/// Whether the movie box from `start` to `end` begins with a box that belongs there: `moov` alone proves nothing.
fn holds_movie(head: &[u8], start: usize, end: u64) -> bool {
    let child = start + 8;
    let Some(size) = u32_at(head, child) else {
        return false;
    };
    let kind = head.get(child + 4..child + 8).unwrap_or_default();
    let belongs = matches!(
        kind,
        b"mvhd"
            | b"cmov"
            | b"rmra"
            | b"trak"
            | b"mvex"
            | b"iods"
            | b"udta"
            | b"meta"
            | b"prfl"
            | b"clip"
            | b"ctab"
            | b"free"
            | b"skip"
            | b"uuid"
            | b"pssh"
    );
    belongs && size >= 8 && (child as u64).saturating_add(u64::from(size)) <= end
}

/// The major brand alone decides: that QuickTime can read a file as well makes it no QuickTime film.
fn by_brand(brand: &[u8]) -> Option<Sniffed> {
    match brand {
        b"qt  " => Some(Sniffed::Allowed(Format::Mov)),
        // The fourth character is a blank by the book, and a zero byte in files of some taggers.
        [b'M', b'4', b'A' | b'B' | b'P', _] | b"F4A " | b"F4B " => Some(Sniffed::Foreign(Foreign::M4a)),
        // Still pictures and bursts of them (ISO/IEC 23008-12, annex B; AVIF 1.1, 8; Canon CR3): no films.
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" | b"mif1" | b"mif2"
        | b"msf1" | b"miaf" | b"avif" | b"avis" | b"avio" | b"avci" | b"avcs" | b"jpeg" | b"jpgs"
        | b"crx " | b"jp2 " | b"jpx " | b"jpm " | b"jxl " => None,
        _ => Some(Sniffed::Allowed(Format::Mp4)),
    }
}

/// Films that are not kept.
fn foreign(head: &[u8]) -> Option<Foreign> {
    /// ASF header object, as GUID bytes on the wire (Advanced Systems Format 1.20.03, 10.1).
    const ASF: &[u8] = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c";
    let starts = |with: &[u8]| head.starts_with(with);
    if starts(b"\x1a\x45\xdf\xa3") {
        return Some(by_doc_type(head));
    }
    if starts(b"RIFF") && matches!(head.get(8..12), Some(b"AVI " | b"AVIX")) {
        return Some(Foreign::Avi);
    }
    if starts(ASF) {
        return Some(if has_sound_alone(head) { Foreign::Wma } else { Foreign::Wmv });
    }
    if starts(b"FLV\x01") {
        return Some(Foreign::Flv);
    }
    // A pack header (ISO/IEC 13818-1, 2.5.3.3), or the sequence header of a bare MPEG-1 or MPEG-2 picture stream.
    if starts(b"\x00\x00\x01\xba") || starts(b"\x00\x00\x01\xb3") {
        return Some(Foreign::MpegPs);
    }
    // The first partition of an MXF file (SMPTE ST 377-1, 6.2), what professional cameras write.
    if starts(b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02") {
        return Some(Foreign::Mxf);
    }
    if starts(b"OggS") && holds_ogg_picture(head) {
        return Some(Foreign::OggVideo);
    }
    is_transport_stream(head).then_some(Foreign::MpegTs)
}

/// Whether one of an Ogg file's streams is a picture. The first pages of all streams come before everything else, each
/// with the name of its coding (RFC 3533, 4; Theora I specification, 6.2; "Ogg Dirac mapping"; OGM's older headers).
fn holds_ogg_picture(head: &[u8]) -> bool {
    const CODINGS: &[&[u8]] = &[b"\x80theora", b"BBCD\0", b"\x01video\0\0\0"];
    CODINGS.iter().any(|coding| memchr::memmem::find(head, coding).is_some())
}

/// Whether the streams that an ASF file's head describes are sounds (ASF specification, 10.4): told by the GUIDs of their
/// media types.
fn has_sound_alone(head: &[u8]) -> bool {
    const AUDIO: &[u8] = b"\x40\x9E\x69\xF8\x4D\x5B\xCF\x11\xA8\xFD\x00\x80\x5F\x5C\x44\x2B";
    const VIDEO: &[u8] = b"\xC0\xEF\x19\xBC\x4D\x5B\xCF\x11\xA8\xFD\x00\x80\x5F\x5C\x44\x2B";
    let holds = |guid| memchr::memmem::find(head, guid).is_some();
    holds(AUDIO) && !holds(VIDEO)
}

/// Matroska or WebM, by the DocType in the EBML header (RFC 8794, 11.2.4).
fn by_doc_type(head: &[u8]) -> Foreign {
    const DOC_TYPE: &[u8] = b"\x42\x82";
    /// The header has seven elements, all short.
    const HEADER_BYTES: usize = 64;
    let header = head.get(..HEADER_BYTES).unwrap_or(head);
    let at = header.windows(2).position(|id| id == DOC_TYPE);
    let rest = at.and_then(|at| header.get(at + 2..)).unwrap_or_default();
    // Behind the id a length, of as many bytes as its first byte has zeros at the beginning, and one (RFC 8794, 4).
    let length_bytes = rest.first().map_or(0, |first| first.leading_zeros() as usize + 1);
    match rest.get(length_bytes..) {
        Some(name) if name.starts_with(b"webm") => Foreign::Webm,
        _ => Foreign::Matroska,
    }
}

/// Packets of 188 bytes that begin with 0x47 (ISO/IEC 13818-1, 2.4.3.2), bare or, from disc recorders, with four
/// bytes of time before each.
fn is_transport_stream(head: &[u8]) -> bool {
    /// By chance one file in 16 million has as many sync bytes in their places.
    const MIN_PACKETS: usize = 4;
    let every = |first: usize, step: usize| {
        let mut syncs = head.iter().skip(first).step_by(step);
        syncs.len() >= MIN_PACKETS && syncs.all(|byte| *byte == 0x47)
    };
    every(0, 188) || every(4, 192)
}
