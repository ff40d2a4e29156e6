//! What the first bytes begin.

use assetd::asset::{Foreign, Format};
use assetd::media::Sniffed::{self, Allowed};
use assetd::media::image::sniff;

use super::{FIXTURES, fixture, format_of};

#[track_caller]
fn assert_rows(rows: &[(&[u8], Option<Sniffed>)]) {
    for (head, expected) in rows {
        assert_eq!(sniff(head), *expected, "{}", head.escape_ascii());
    }
}

fn foreign(foreign: Foreign) -> Option<Sniffed> {
    Some(Sniffed::Foreign(foreign))
}

#[test]
fn each_fixture_is_of_the_format_it_is_named_after() {
    for (name, bytes) in FIXTURES {
        assert_eq!(sniff(&bytes[..bytes.len().min(4096)]), Some(Allowed(format_of(name))), "{name}");
    }
}

#[test]
fn an_allowed_picture_is_known_by_its_whole_signature() {
    assert_rows(&[
        (b"\xff\xd8\xff", Some(Allowed(Format::Jpg))),
        (b"\xff\xd8\xfe", None),
        (b"\x89PNG\r\n\x1a\n", Some(Allowed(Format::Png))),
        (b"\x89PNG\r\r\x1a\r\0\0\0\rIHDR", None),
        (b"\x89PNG", None),
        (b"GIF87a", Some(Allowed(Format::Gif))),
        (b"GIF89a", Some(Allowed(Format::Gif))),
        (b"GIF90a", None),
        (b"GIFT WRAPPING", None),
        (b"RIFF\x10\0\0\0WEBPVP8 ", Some(Allowed(Format::Webp))),
        (b"RIFX\x10\0\0\0WEBPVP8 ", None),
        (b"RIFF\x10\0\0\0WAVEfmt ", None),
    ]);
}

#[test]
fn bytes_before_a_picture_make_it_none() {
    for name in ["photo.jpg", "plain.png", "still.gif", "lossy.webp"] {
        assert_eq!(sniff(&[&[0; 3], &fixture(name)[..]].concat()), None, "{name}");
    }
}

#[test]
fn other_pictures_are_told_by_name() {
    let bmp = [b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".as_slice(), &[0; 40]].concat();
    let ico = b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0\x68\x04\0\0\x16\0\0\0\x28";
    let cur = b"\0\0\x02\0\x01\0\x10\x10\0\0\x05\0\x05\0\x68\x04\0\0\x16\0\0\0\x28";
    assert_rows(&[
        (&bmp, foreign(Foreign::Bmp)),
        (b"II*\0\x08\0\0\0\x10\0\0\0", foreign(Foreign::Tiff)),
        (b"MM\0*\0\0\0\x08\0\x10\0\0", foreign(Foreign::Tiff)),
        (b"II+\0\x08\0\0\0\x10\0\0\0", foreign(Foreign::Tiff)),
        (b"MM\0+\0\x08\0\0\0\0\0\0", foreign(Foreign::Tiff)),
        (b"II*\0\x10\0\0\0CR\x02\0", foreign(Foreign::Tiff)),
        (b"II\xbc\x01\x20\0\0\0", foreign(Foreign::Jxr)),
        (b"8BPS\0\x01\0\0\0\0\0\0\0\x03", foreign(Foreign::Psd)),
        (b"8BPS\0\x02\0\0\0\0\0\0\0\x03", foreign(Foreign::Psd)),
        (ico, foreign(Foreign::Ico)),
        (cur, foreign(Foreign::Ico)),
        (b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 ", foreign(Foreign::Jp2)),
        (b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjpx ", foreign(Foreign::Jp2)),
        (b"\xff\x4f\xff\x51\0\x2f", foreign(Foreign::Jp2)),
        (b"\xff\xd8\xff\xf7\0\x0b\x08\0\x10\0\x10\x01", foreign(Foreign::Jls)),
        (b"\xff\xd8\xff\xe8\0\x06SPIF\xff\xff\xf7\0\x0b", foreign(Foreign::Jls)),
        (b"\xff\xd8\xff\xe0\0\x04\xff\xf7\xff\xdb\0\x43", Some(Allowed(Format::Jpg))),
        (b"\xff\x0a\xfa\x1f", foreign(Foreign::Jxl)),
        (b"\0\0\0\x0cJXL \r\n\x87\n", foreign(Foreign::Jxl)),
    ]);
}

#[test]
fn iso_media_is_a_picture_by_its_brands() {
    assert_rows(&[
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", foreign(Foreign::Heic)),
        (b"\0\0\0\x18ftyphevc\0\0\0\0msf1hevc", foreign(Foreign::Heic)),
        (b"\0\0\0\x18ftypmsf1\0\0\0\0msf1hevc", foreign(Foreign::Heic)),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1miaf", foreign(Foreign::Heif)),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", foreign(Foreign::Avif)),
        (b"\0\0\0\x14ftypavif\0\0\0\0avif", foreign(Foreign::Avif)),
        (b"\0\0\0\x14ftypavis\0\0\0\0avis", foreign(Foreign::Avif)),
        (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", foreign(Foreign::CanonRaw)),
        // The brand behind the box's end is none of its brands.
        (b"\0\0\0\x14ftypmif1\0\0\0\0mif1heic", foreign(Foreign::Heif)),
        // Films and sounds, one of which is compatible with a picture.
        (b"\0\0\0\x14ftypisom\0\0\0\0isom", None),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", None),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42avif", None),
        (b"\0\0\0\x14ftypM4A \0\0\0\0M4A ", None),
        (b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypmjp2", None),
    ]);
}

#[test]
fn svg_is_known_behind_whatever_may_stand_before_its_root() {
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let utf16 = [b"\xff\xfe".to_vec(), wide("<?xml version='1.0'?><svg/>")].concat();
    assert_rows(&[
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", foreign(Foreign::Svg)),
        (b"\xef\xbb\xbf\n<?xml version='1.0'?>\n<!-- a > b --><svg>", foreign(Foreign::Svg)),
        (b"<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN'", foreign(Foreign::Svg)),
        (b"<!DOCTYPE x [<!ENTITY a '>'>]><svg:svg >", foreign(Foreign::Svg)),
        (&utf16, foreign(Foreign::Svg)),
        (b"<html><svg/></html>", None),
        (b"<!DOCTYPE html><svg/>", None),
        (b"<svgx/>", None),
        (b"<!-- never closed <svg>", None),
        (b"<?xml version='1.0'?><gpx/>", None),
    ]);
}

#[test]
fn what_only_resembles_a_picture_is_left_to_others() {
    assert_rows(&[
        (b"", None),
        (b"BM", None),
        (b"BMW is a maker of cars and motorcycles", None),
        // A box of 256 bytes.
        (b"\0\0\x01\0ftypisom\0\0\x02\0isomiso2avc1mp41", None),
        (b"\0\0\x01\xba\x44\0\x04\0\x04\x01\0\0\x03\xf8", None),
        (b"8BPX", None),
        (b"PK\x03\x04\x14\0", None),
        (b"%PDF-1.7", None),
        (b"ID3\x04\0\0", None),
        (b"\xff\xfb\x90\x64", None),
    ]);
}
