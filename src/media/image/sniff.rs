//! Which picture the first bytes begin.

use crate::asset::{Foreign, Format};
use crate::media::Sniffed;

use super::input::{be16, le16};

/// `None` where the bytes begin no picture that is known: another kind may know them.
///
/// The crate `infer` is asked first. Its tests are short (it takes "BM" for a bitmap and three bytes for a GIF), so
/// what it says of these is held against more of the file; where it is silent or not believed, [`TABLE`] decides.
pub fn sniff(head: &[u8]) -> Option<Sniffed> {
    let told = match infer::get(head).map(|kind| kind.mime_type()) {
        Some("image/jpeg") if is_jpeg_ls(head) => Some(Sniffed::Foreign(Foreign::Jls)),
        Some("image/jpeg") => Some(Sniffed::Allowed(Format::Jpg)),
        Some("image/png") if is_png(head) => Some(Sniffed::Allowed(Format::Png)),
        Some("image/gif") if is_gif(head) => Some(Sniffed::Allowed(Format::Gif)),
        Some("image/webp") if is_webp(head) => Some(Sniffed::Allowed(Format::Webp)),
        Some("image/tiff" | "image/x-canon-cr2") => Some(Sniffed::Foreign(Foreign::Tiff)),
        Some("image/jxl") => Some(Sniffed::Foreign(Foreign::Jxl)),
        Some("image/vnd.ms-photo") => Some(Sniffed::Foreign(Foreign::Jxr)),
        _ => None,
    };
    told.or_else(|| {
        let (_, foreign) = TABLE.iter().find(|(is, _)| is(head))?;
        Some(Sniffed::Foreign(*foreign))
    })
    .or_else(|| brand(head).map(Sniffed::Foreign))
}

type Test = fn(&[u8]) -> bool;

/// Types that `infer` does not know, or knows too readily or too seldom.
const TABLE: &[(Test, Foreign)] = &[
    (is_bmp, Foreign::Bmp),
    (is_tiff, Foreign::Tiff),
    (is_psd, Foreign::Psd),
    (is_icon, Foreign::Ico),
    (is_jpeg_2000, Foreign::Jp2),
    (is_jpeg_xl, Foreign::Jxl),
    (is_svg, Foreign::Svg),
    // OpenEXR file layout, "magic number"; the version is 2 since there are files.
    (|head| head.starts_with(b"\x76\x2f\x31\x01\x02"), Foreign::Exr),
    (|head| head.starts_with(b"#?RADIANCE\n"), Foreign::Radiance),
    (|head| head.starts_with(b"gimp xcf "), Foreign::Xcf),
    (|head| head.starts_with(b"FUJIFILMCCD-RAW "), Foreign::FujiRaw),
];

/// ITU-T T.87, C.1.1: a JPEG whose frame header has the marker 0xF7, behind segments of the usual kind.
fn is_jpeg_ls(head: &[u8]) -> bool {
    const LS_FRAME: u8 = 0xf7;
    let mut rest = head.get(2..).unwrap_or_default();
    // Each round takes something off the front, so there are no more rounds than bytes.
    loop {
        match rest {
            [0xff, LS_FRAME, ..] => return true,
            // Fill bytes.
            [0xff, 0xff, ..] => rest = &rest[1..],
            // APP0 to APP15, a comment, LSE: what may stand before the frame.
            [0xff, 0xe0..=0xef | 0xfe | 0xf8, high, low, ..] => {
                let length = usize::from(u16::from_be_bytes([*high, *low])).max(2);
                rest = rest.get(2 + length..).unwrap_or_default();
            }
            _ => return false,
        }
    }
}

/// W3C PNG, 5.2. All eight bytes: the last four are there to show a file that was mangled as text.
fn is_png(head: &[u8]) -> bool {
    head.starts_with(b"\x89PNG\r\n\x1a\n")
}

/// GIF89a, 17. Other versions were never published.
fn is_gif(head: &[u8]) -> bool {
    head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a")
}

/// RFC 9649, 2.4.
fn is_webp(head: &[u8]) -> bool {
    head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP")
}

/// "BM" begins words too: the header behind it has a length that tells its version, and the pixels begin behind that.
fn is_bmp(head: &[u8]) -> bool {
    const HEADER_LENGTHS: [u16; 8] = [12, 16, 40, 52, 56, 64, 108, 124];
    head.starts_with(b"BM")
        && head.get(14..).and_then(le16).is_some_and(|length| HEADER_LENGTHS.contains(&length))
        && head.get(16..18) == Some(&[0, 0])
}

/// TIFF 6.0 and BigTIFF; the raw files of Olympus and Panasonic differ in the magic number alone.
fn is_tiff(head: &[u8]) -> bool {
    const MAGIC: [&[u8; 4]; 8] =
        [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"IIRO", b"IIRS", b"MMOR", b"IIU\0"];
    MAGIC.iter().any(|magic| head.starts_with(*magic))
}

/// Version 1, and 2 for large documents (PSB); six zero bytes follow.
fn is_psd(head: &[u8]) -> bool {
    matches!(head.get(..6), Some(b"8BPS\0\x01" | b"8BPS\0\x02"))
}

/// An icon (1) or a cursor (2): a list of pictures, the first of which lies behind the list. Four bytes alone would also
/// be the size of a box of 256 bytes, whose type would count as thousands of pictures.
fn is_icon(head: &[u8]) -> bool {
    const HEADER_BYTES: u32 = 6;
    const ENTRY_BYTES: u32 = 16;
    const MAX_ENTRIES: u16 = 256;
    let Some([0, 0, 1 | 2, 0]) = head.first_chunk() else {
        return false;
    };
    let count = head.get(4..).and_then(le16).unwrap_or(0);
    let offset = head.get(18..).and_then(|bytes| bytes.first_chunk()).map(|bytes| u32::from_le_bytes(*bytes));
    (1..=MAX_ENTRIES).contains(&count)
        && offset.is_some_and(|offset| offset >= HEADER_BYTES + ENTRY_BYTES * u32::from(count))
}

/// The signature box of JP2, JPX and JPM (ISO/IEC 15444-1, I.5.1), or a bare codestream (A.4). Motion JPEG 2000 has the
/// same box and is no picture.
fn is_jpeg_2000(head: &[u8]) -> bool {
    let boxed = head.starts_with(b"\0\0\0\x0cjP  \r\n\x87\n") && head.get(20..24) != Some(b"mjp2");
    boxed || head.starts_with(b"\xff\x4f\xff\x51")
}

/// ISO/IEC 18181-2, 9.1: the signature box. `infer` wants a byte more than it has.
fn is_jpeg_xl(head: &[u8]) -> bool {
    head.starts_with(b"\0\0\0\x0cJXL \r\n\x87\n")
}

/// The picture that an ISO base media file says to be, by its major brand (ISO/IEC 23008-12, clause 10; MIAF; AVIF, 6).
/// The two general brands of HEIF are told apart by the compatible ones. Other brands are films or sounds.
fn brand(head: &[u8]) -> Option<Foreign> {
    if head.get(4..8)? != b"ftyp" {
        return None;
    }
    match head.get(8..12)? {
        b"mif1" | b"msf1" | b"mif2" | b"miaf" | b"1pic" => {
            let end = u32::from_be_bytes(*head.first_chunk()?) as usize;
            let compatible = head.get(16..end.min(head.len())).unwrap_or(&[]);
            let told = compatible.chunks_exact(4).find_map(coding);
            Some(told.unwrap_or(Foreign::Heif))
        }
        b"crx " => Some(Foreign::CanonRaw),
        b"jpeg" | b"jpgs" | b"avci" | b"avcs" | b"vvic" | b"vvis" => Some(Foreign::Heif),
        major => coding(major),
    }
}

/// The brands of HEIF that name a coding people know by name.
fn coding(brand: &[u8]) -> Option<Foreign> {
    match brand {
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => Some(Foreign::Heic),
        b"avif" | b"avis" | b"avio" => Some(Foreign::Avif),
        _ => None,
    }
}

/// SVG 2: the root element is `svg`, behind a byte order mark, a declaration, comments and a document type.
fn is_svg(head: &[u8]) -> bool {
    match head {
        [0xff, 0xfe, rest @ ..] => svg_root(&narrow(rest, le16)),
        [0xfe, 0xff, rest @ ..] => svg_root(&narrow(rest, be16)),
        [0xef, 0xbb, 0xbf, rest @ ..] => svg_root(rest),
        _ => svg_root(head),
    }
}

/// UTF-16 as ASCII; what is none becomes a byte that no markup is made of.
fn narrow(bytes: &[u8], unit: fn(&[u8]) -> Option<u16>) -> Vec<u8> {
    bytes
        .chunks_exact(2)
        .map(|pair| unit(pair).and_then(|unit| u8::try_from(unit).ok()).unwrap_or(0xff))
        .collect()
}

fn svg_root(mut text: &[u8]) -> bool {
    // Each round takes something off the front, so there are no more rounds than bytes.
    loop {
        text = text.trim_ascii_start();
        let behind = if let Some(rest) = text.strip_prefix(b"<?") {
            behind(rest, b"?>")
        } else if let Some(rest) = text.strip_prefix(b"<!--") {
            behind(rest, b"-->")
        } else if let Some(rest) = text.strip_prefix(b"<!DOCTYPE") {
            let name = rest.trim_ascii_start();
            if is_name(name, b"svg") || is_name(name, b"html") {
                return is_name(name, b"svg");
            }
            match rest.iter().position(|byte| matches!(byte, b'>' | b'[')) {
                Some(at) if rest.get(at) == Some(&b'[') => {
                    behind(rest, b"]").and_then(|rest| behind(rest, b">"))
                }
                Some(at) => rest.get(at + 1..),
                None => None,
            }
        } else {
            return text.strip_prefix(b"<").is_some_and(|name| {
                let end =
                    name.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
                // A prefix stands for the namespace in some files of Inkscape: `<svg:svg`.
                let local = match name.get(end) {
                    Some(b':') => name.get(end + 1..).unwrap_or(&[]),
                    _ => name,
                };
                is_name(local, b"svg")
            });
        };
        match behind {
            Some(rest) => text = rest,
            None => return false,
        }
    }
}

/// Whether the text begins with just this name.
fn is_name(text: &[u8], name: &[u8]) -> bool {
    text.strip_prefix(name)
        .and_then(|rest| rest.first())
        .is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'))
}

/// What follows the first `end`.
fn behind<'t>(text: &'t [u8], end: &[u8]) -> Option<&'t [u8]> {
    let at = text.windows(end.len()).position(|window| window == end)?;
    text.get(at + end.len()..)
}
