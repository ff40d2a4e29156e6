//! What a file's first bytes say of documents, and of what else people keep beside them.

use infer::{app, archive, text};
use memchr::memmem;

use super::file::HEADER_WITHIN_BYTES;
use crate::asset::{Foreign, Format};
use crate::media::{HEAD_BYTES, Sniffed};

/// The type of a file that begins so, by its signature; text comes last, since it has none.
pub fn sniff(head: &[u8]) -> Option<Sniffed> {
    if is_pdf(head) {
        return Some(Sniffed::Allowed(Format::Pdf));
    }
    SIGNATURES
        .iter()
        .find(|(matches, _)| matches(head))
        .map(|(_, foreign)| *foreign)
        .or_else(|| zip(head))
        .or_else(|| written(head))
        .map(Sniffed::Foreign)
}

/// A PDF has its header anywhere in the first 1,024 bytes. Not in a sound, whose tag may hold any text.
fn is_pdf(head: &[u8]) -> bool {
    let near = &head[..head.len().min(HEADER_WITHIN_BYTES)];
    let sound = match head {
        [b'I', b'D', b'3', ..] | [b'R', b'I', b'F', b'F', ..] | [b'R', b'F', b'6', b'4', ..] => true,
        // The header of a frame of MPEG audio layer III (ISO/IEC 11172-3, 2.4.1.3).
        [0xff, second, ..] => second & 0xe6 == 0xe2,
        _ => false,
    };
    !sound && memmem::find(near, b"%PDF-").is_some()
}

type Matches = fn(&[u8]) -> bool;

/// `infer`'s where they are right. Its `is_exe` takes any `MZ`, `is_ps` any `%!`, `is_swf` misses LZMA, and it has no
/// EPS for DOS.
const SIGNATURES: &[(Matches, Foreign)] = &[
    (is_ole, Foreign::OldOffice),
    (is_indesign, Foreign::InDesign),
    (is_postscript, Foreign::PostScript),
    (archive::is_rtf, Foreign::Rtf),
    (archive::is_gz, Foreign::Gzip),
    (archive::is_7z, Foreign::SevenZip),
    (archive::is_rar, Foreign::Rar),
    (archive::is_xz, Foreign::Xz),
    (is_bzip2, Foreign::Bzip2),
    (is_zstandard, Foreign::Zstandard),
    (archive::is_tar, Foreign::Tar),
    (app::is_elf, Foreign::Executable),
    (app::is_mach, Foreign::Executable),
    (app::is_java, Foreign::Executable),
    (app::is_wasm, Foreign::Executable),
    (is_windows_executable, Foreign::Executable),
    (is_flash, Foreign::Flash),
];

/// A compound file ([MS-CFB], 2.2).
fn is_ole(head: &[u8]) -> bool {
    head.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1])
}

/// The GUID that begins the master page of an InDesign document (XMP Specification, part 3, 1.1.4).
fn is_indesign(head: &[u8]) -> bool {
    head.starts_with(b"\x06\x06\xed\xf5\xd8\x1d\x46\xe5\xbd\x31\xef\xe7\xfe\x74\xb7\x1d")
}

/// PostScript, perhaps behind a printer's end-of-file mark, or EPS in a DOS binary header (Adobe Technical Note 5002,
/// 5.2).
fn is_postscript(head: &[u8]) -> bool {
    let plain = head.strip_prefix(&[0x04]).unwrap_or(head);
    plain.starts_with(b"%!PS") || head.starts_with(&[0xc5, 0xd0, 0xd3, 0xc6])
}

/// The magic, the block size, then the mark of a block or of an empty file's end.
fn is_bzip2(head: &[u8]) -> bool {
    let marks: [&[u8]; 2] = [&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59], &[0x17, 0x72, 0x45, 0x38, 0x50, 0x90]];
    match head {
        [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..] => marks.iter().any(|mark| rest.starts_with(mark)),
        _ => false,
    }
}

/// RFC 8878, 3.1.1.
fn is_zstandard(head: &[u8]) -> bool {
    head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
}

/// A DOS header whose word at 0x3C leads to the header of a newer format, or out of the head.
fn is_windows_executable(head: &[u8]) -> bool {
    let Some(at) = head.strip_prefix(b"MZ").and_then(|rest| rest.get(0x3a..0x3e)) else {
        return false;
    };
    let at = at.iter().rev().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte));
    match head.get(at..) {
        Some(newer) => [b"PE", b"NE", b"LE", b"LX"].iter().any(|magic| newer.starts_with(*magic)),
        None => at < 1 << 20,
    }
}

/// Plain, zlib or LZMA (SWF File Format Specification 19, chapter 2), of a version that there was.
fn is_flash(head: &[u8]) -> bool {
    matches!(head, [b'F' | b'C' | b'Z', b'W', b'S', 1..=64, ..])
}

/// A zip archive (APPNOTE.TXT, 4.3.7), told by the names of the entries that the head shows.
fn zip(head: &[u8]) -> Option<Foreign> {
    /// The fixed part of a local file header.
    const HEADER_BYTES: usize = 30;
    if !archive::is_zip(head) {
        return None;
    }
    for at in memmem::find_iter(head, b"PK\x03\x04") {
        let Some(entry) = head.get(at..).and_then(|rest| rest.split_at_checked(HEADER_BYTES)) else {
            break;
        };
        let (header, rest) = entry;
        let length = |at: usize| usize::from(header[at]) | usize::from(header[at + 1]) << 8;
        let name = &rest[..rest.len().min(length(26))];
        let content = rest.get(length(26).saturating_add(length(28))..).unwrap_or(&[]);
        if name.starts_with(b"word/") {
            return Some(Foreign::Docx);
        }
        if name.starts_with(b"xl/") {
            return Some(Foreign::Xlsx);
        }
        if name.starts_with(b"ppt/") {
            return Some(Foreign::Pptx);
        }
        // Stored, not packed, and first (OpenDocument 1.3, part 2, 3.3; EPUB OCF 3.3, 4.3).
        if name == b"mimetype" && content.starts_with(b"application/epub+zip") {
            return Some(Foreign::Epub);
        }
        if name == b"mimetype" && content.starts_with(b"application/vnd.oasis.opendocument") {
            return Some(Foreign::OpenDocument);
        }
    }
    Some(Foreign::Zip)
}

/// What is written in words: markup, scripts, data and plain text, in UTF-8.
fn written(head: &[u8]) -> Option<Foreign> {
    let words = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let start = words.trim_ascii_start();
    if starts_with(start, b"<?php") || start.starts_with(b"<?=") {
        return Some(Foreign::Script);
    }
    if starts_with(start, b"<?xml") {
        return Some(Foreign::Xml);
    }
    if starts_with(start, b"<!doctype html") || text::is_html(start) {
        return Some(Foreign::Html);
    }
    if !is_text(head) {
        return None;
    }
    Some(match start {
        [b'#', b'!', ..] => Foreign::Script,
        [b'{', rest @ ..] if matches!(rest.trim_ascii_start().first(), Some(b'"' | b'}')) => Foreign::Json,
        [b'[', rest @ ..] if matches!(rest.trim_ascii_start().first(), Some(b'"' | b'{' | b'[')) => {
            Foreign::Json
        }
        _ => Foreign::Text,
    })
}

fn starts_with(bytes: &[u8], words: &[u8]) -> bool {
    bytes.get(..words.len()).is_some_and(|start| start.eq_ignore_ascii_case(words))
}

/// Whether all of the head is UTF-8 that a printer could take: sounds may begin with any bytes, but not with thousands
/// of these.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The head ends inside a character.
        Err(error) if error.error_len().is_none() && head.len() >= HEAD_BYTES => {
            match std::str::from_utf8(&head[..error.valid_up_to()]) {
                Ok(text) => text,
                Err(_) => return false,
            }
        }
        Err(_) => return false,
    };
    let printable = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\u{c}');
    !text.is_empty() && text.chars().all(printable)
}
