//! Documents: what their first bytes say, how many pages they have, how the first one looks; and that no bytes
//! whatsoever take it down.

use std::io::Cursor;
use std::path::Path;

use assetd::asset::{Facts, Flaw, Foreign, Format};
use assetd::media::{Limits, Refusal, Sniffed, THUMBNAIL_SIDE, document};

use crate::support::pdf::{Pdf, row, stream};

const LIMITS: Limits = Limits { max_pixels: 256_000_000 };

const CATALOG: &str = "<</Type/Catalog/Pages 2 0 R>>";
const PAGE: &str = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]>>";

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/document").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The number of pages, or what is wrong.
fn pages(bytes: &[u8]) -> Result<Option<u32>, Flaw> {
    match document::probe(Format::Pdf, &mut Cursor::new(bytes), &LIMITS) {
        Ok(Facts::Document { page_count }) => Ok(page_count),
        Ok(facts) => panic!("a document with {facts:?}"),
        Err(Refusal::Broken(flaw)) => Err(flaw),
        Err(refusal) => panic!("a document with {refusal:?}"),
    }
}

/// One page, with a table.
fn small() -> Vec<u8> {
    one_page().table("/Size 4")
}

fn one_page() -> Pdf {
    Pdf::new().object(1, CATALOG).object(2, node("3 0 R", 1)).object(3, PAGE)
}

fn node(kids: &str, count: i64) -> String {
    format!("<</Type/Pages/Kids[{kids}]/Count {count}>>")
}

#[test]
fn documents_and_what_lies_beside_them_are_told_by_their_first_bytes() {
    let zip = |names: &[&str]| {
        let mut bytes = Vec::new();
        for name in names {
            let mut header = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0\x02\0\0\0\x02\0\0\0".to_vec();
            header.extend((name.len() as u16).to_le_bytes());
            header.extend([0, 0]);
            bytes.extend([&header[..], name.as_bytes(), b"\x03\0"].concat());
        }
        bytes
    };
    let stored = |content: &str| {
        let mut header = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0".to_vec();
        header.extend(b"mimetype");
        header.extend(content.as_bytes());
        header
    };
    let mut program = vec![0u8; 512];
    program[..2].copy_from_slice(b"MZ");
    program[0x3c] = 0x80;
    program[0x80..0x84].copy_from_slice(b"PE\0\0");
    let mut tar = vec![0u8; 512];
    tar[257..262].copy_from_slice(b"ustar");
    let cases: Vec<(&str, Vec<u8>, Foreign)> = vec![
        ("docx", zip(&["[Content_Types].xml", "_rels/.rels", "word/document.xml"]), Foreign::Docx),
        ("docx with word first", zip(&["word/styles.xml"]), Foreign::Docx),
        ("xlsx", zip(&["[Content_Types].xml", "xl/workbook.xml"]), Foreign::Xlsx),
        ("pptx", zip(&["ppt/presentation.xml", "[Content_Types].xml"]), Foreign::Pptx),
        ("odt", stored("application/vnd.oasis.opendocument.text"), Foreign::OpenDocument),
        ("ods", stored("application/vnd.oasis.opendocument.spreadsheet"), Foreign::OpenDocument),
        ("epub", stored("application/epub+zip"), Foreign::Epub),
        ("zip", zip(&["holiday/beach.jpg", "notes.txt"]), Foreign::Zip),
        ("empty zip", b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec(), Foreign::Zip),
        ("doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0".to_vec(), Foreign::OldOffice),
        ("ps", b"%!PS-Adobe-3.0\n%%Title: x\n".to_vec(), Foreign::PostScript),
        ("ps from a printer", b"\x04%!PS-Adobe-3.0\n".to_vec(), Foreign::PostScript),
        ("eps for dos", b"\xc5\xd0\xd3\xc6\x20\0\0\0\0\0\0\0".to_vec(), Foreign::PostScript),
        ("rtf", b"{\\rtf1\\ansi hello}".to_vec(), Foreign::Rtf),
        ("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec(), Foreign::Gzip),
        ("7z", b"7z\xbc\xaf\x27\x1c\0\x04".to_vec(), Foreign::SevenZip),
        ("rar 4", b"Rar!\x1a\x07\0\xcf".to_vec(), Foreign::Rar),
        ("rar 5", b"Rar!\x1a\x07\x01\0".to_vec(), Foreign::Rar),
        ("xz", b"\xfd7zXZ\0\0\x04".to_vec(), Foreign::Xz),
        ("bzip2", b"BZh91AY&SY\0\0".to_vec(), Foreign::Bzip2),
        ("zstd", b"\x28\xb5\x2f\xfd\x04\0".to_vec(), Foreign::Zstandard),
        ("tar", tar, Foreign::Tar),
        ("elf", [b"\x7fELF\x02\x01\x01".to_vec(), vec![0; 64]].concat(), Foreign::Executable),
        ("mach-o", b"\xcf\xfa\xed\xfe\x07\0\0\x01".to_vec(), Foreign::Executable),
        ("exe", program, Foreign::Executable),
        ("wasm", b"\0asm\x01\0\0\0".to_vec(), Foreign::Executable),
        ("swf", b"FWS\x0a\0\0\0\0".to_vec(), Foreign::Flash),
        ("swf in zlib", b"CWS\x0a\0\0\0\0".to_vec(), Foreign::Flash),
        ("html", b"\n <!DOCTYPE html>\n<p>Hi".to_vec(), Foreign::Html),
        ("html without a doctype", b"<HTML ><body>".to_vec(), Foreign::Html),
        ("html behind a mark", b"\xef\xbb\xbf<html >".to_vec(), Foreign::Html),
        ("xml", b"<?xml version=\"1.0\"?><a/>".to_vec(), Foreign::Xml),
        ("json object", b"{ \"v\": \"5.5\", \"layers\": [] }".to_vec(), Foreign::Json),
        ("json array", b"[\n  {\"a\": 1}\n]".to_vec(), Foreign::Json),
        ("shell", b"#!/bin/sh\nrm -rf x\n".to_vec(), Foreign::Script),
        ("php", b"<?php system('id'); ?>\xff\xfe".to_vec(), Foreign::Script),
        ("text", "Grüße, \tWelt\r\n".as_bytes().to_vec(), Foreign::Text),
        ("a letter that begins like a program", b"MZ sends his regards".to_vec(), Foreign::Text),
    ];
    for (name, bytes, foreign) in cases {
        assert_eq!(document::sniff(&bytes), Some(Sniffed::Foreign(foreign)), "{name}");
    }
}

#[test]
fn a_pdf_header_may_stand_anywhere_in_the_first_1024_bytes() {
    for (offset, found) in [(0, true), (3, true), (1019, true), (1020, false)] {
        let bytes = [vec![0u8; offset], b"%PDF-1.7\n\x80\x81".to_vec()].concat();
        let sniffed = document::sniff(&bytes);
        assert_eq!(sniffed == Some(Sniffed::Allowed(Format::Pdf)), found, "at {offset}");
    }
}

#[test]
fn a_sound_that_quotes_a_pdf_header_is_no_pdf() {
    for start in [&b"ID3\x04\0\0\0\0\x02\0"[..], b"RIFF\x24\0\0\0WAVE", b"\xff\xfb\x90\x64\0"] {
        assert_eq!(document::sniff(&[start, b"\0%PDF-1.4\0"].concat()), None, "{start:?}");
    }
}

#[test]
fn bytes_that_may_begin_a_sound_are_not_taken_for_text() {
    let cases: &[&[u8]] =
        &[b"", b"\0\0\0\0", b"ID3\x03\0\0\0\0\x01", b"words, and then \xff\xfb\x90", b"a\x1bb"];
    for bytes in cases {
        assert_eq!(document::sniff(bytes), None, "{bytes:?}");
    }
    // One that ends inside a character is text only where it is a full head.
    let cut = "é".repeat(3000);
    assert_eq!(document::sniff(&cut.as_bytes()[..4095]), None);
    let head = ["x", &cut].concat();
    assert_eq!(document::sniff(&head.as_bytes()[..4096]), Some(Sniffed::Foreign(Foreign::Text)));
}

#[test]
fn the_pages_of_every_kind_of_file_are_counted() {
    let cases = [
        ("report.pdf", Some(3)),
        ("linearised.pdf", Some(3)),
        ("objstm.pdf", Some(3)),
        ("broken-xref.pdf", Some(3)),
        ("incremental.pdf", Some(4)),
        ("rotated-cropped.pdf", Some(1)),
        ("encrypted-empty.pdf", Some(3)),
        ("encrypted-password.pdf", None),
    ];
    for (name, count) in cases {
        assert_eq!(pages(&fixture(name)), Ok(count), "{name}");
    }
}

#[test]
fn bytes_before_the_header_and_behind_the_end_do_no_harm() {
    for name in ["report.pdf", "linearised.pdf", "objstm.pdf", "encrypted-empty.pdf"] {
        let bytes = fixture(name);
        assert_eq!(pages(&[&[0; 1000], &bytes[..]].concat()), Ok(Some(3)), "{name} behind 1,000 bytes");
        let behind = [&bytes[..], b"<?php ?>", &[0; 100_000]].concat();
        assert_eq!(pages(&behind), Ok(Some(3)), "{name} before 100,000 bytes");
    }
}

#[test]
fn a_table_that_is_lost_or_wrong_is_rebuilt() {
    for name in ["report.pdf", "objstm.pdf", "rotated-cropped.pdf"] {
        let bytes = fixture(name);
        let count = pages(&bytes);
        let at = memchr::memmem::rfind(&bytes, b"startxref").expect("an end");
        assert_eq!(pages(&bytes[..at]), count, "{name} without startxref");
        let lost = [&bytes[..at], b"startxref\n12\n%%EOF"].concat();
        assert_eq!(pages(&lost), count, "{name} with startxref elsewhere");
    }
    for name in ["report.pdf", "objstm.pdf", "incremental.pdf"] {
        let bytes = fixture(name);
        let shifted = [&bytes[..15], b"          ", &bytes[15..]].concat();
        assert_eq!(pages(&shifted), pages(&bytes), "{name} with ten bytes more");
    }
}

#[test]
fn a_document_in_a_document_is_not_counted() {
    let inner = fixture("report.pdf");
    let bytes =
        one_page().object(4, stream("/Type/EmbeddedFile", &inner)).text("trailer <</Root 1 0 R>>").bytes;
    assert_eq!(pages(&bytes), Ok(Some(1)));
}

#[test]
fn a_hybrid_table_is_read_with_its_stream() {
    // Objects 2 and 3 are in the object stream 4, and free in the table.
    let members = format!("2 0 3 {} ", node("3 0 R", 1).len() + 1);
    let content = format!("{members}{} {PAGE}", node("3 0 R", 1));
    let mut pdf = Pdf::new()
        .object(1, CATALOG)
        .object(4, stream(&format!("/Type/ObjStm/N 2/First {}", members.len()), content.as_bytes()));
    let at = pdf.bytes.len();
    let rows = [row(2, 4, 0), row(2, 4, 1), row(1, pdf.offsets[1].1 as u32, 0)].concat();
    pdf = pdf.object(5, stream("/Type/XRef/Size 6/Index[2 3]/W[1 4 2]", &rows));
    let start = pdf.bytes.len();
    let table = format!(
        "xref\n0 4\n0000000000 65535 f \n{:010} 00000 n \n0000000000 00000 f \n0000000000 00000 f \n\
         trailer\n<</Root 1 0 R/Size 6/XRefStm {at}>>\nstartxref\n{start}\n%%EOF\n",
        pdf.offsets[0].1
    );
    assert_eq!(pages(&pdf.text(&table).bytes), Ok(Some(1)));
}

#[test]
fn a_deleted_page_is_not_counted() {
    let bytes = Pdf::new()
        .object(1, CATALOG)
        .object(2, node("3 0 R 4 0 R", 1))
        .object(3, PAGE)
        .object(4, PAGE)
        .table("/Size 5");
    let previous = memchr::memmem::rfind(&bytes, b"xref\n0").expect("a table");
    let update = format!(
        "xref\n4 1\n0000000000 00001 f \ntrailer\n<</Root 1 0 R/Size 5/Prev {previous}>>\nstartxref\n{}\n%%EOF\n",
        bytes.len()
    );
    assert_eq!(pages(&bytes), Ok(Some(2)), "there, whatever the count says");
    assert_eq!(pages(&[&bytes[..], update.as_bytes()].concat()), Ok(Some(1)), "gone, as the count says");
}

#[test]
fn the_count_of_a_tree_is_a_hint() {
    for count in [-1, 0, 1, 3, 1_000_000_000] {
        let bytes = Pdf::new()
            .object(1, CATALOG)
            .object(2, node("3 0 R 4 0 R", count))
            .object(3, PAGE)
            .object(4, PAGE)
            .table("");
        assert_eq!(pages(&bytes), Ok(Some(2)), "/Count {count}");
    }
}

#[test]
fn a_kid_that_is_gone_is_a_page_where_the_count_says_so() {
    for (kids, count, pages_counted) in [("3 0 R 9 0 R", 2, 2), ("3 0 R 9 0 R", 1, 1), ("3 0 R 9 0 R", 77, 1)]
    {
        let bytes = Pdf::new().object(1, CATALOG).object(2, node(kids, count)).object(3, PAGE).table("");
        assert_eq!(pages(&bytes), Ok(Some(pages_counted)), "{kids} /Count {count}");
    }
}

#[test]
fn a_page_that_is_named_twice_counts_twice() {
    let bytes = Pdf::new().object(1, CATALOG).object(2, node("3 0 R 3 0 R", 2)).object(3, PAGE).table("");
    assert_eq!(pages(&bytes), Ok(Some(2)));
}

#[test]
fn trees_that_bite_their_tail_end() {
    let own_kid = Pdf::new().object(1, CATALOG).object(2, node("2 0 R 3 0 R", 1)).object(3, PAGE).table("");
    assert_eq!(pages(&own_kid), Ok(Some(1)));
    let circle =
        Pdf::new().object(1, CATALOG).object(2, node("3 0 R", 0)).object(3, node("2 0 R", 0)).table("");
    assert_eq!(pages(&circle), Err(Flaw::NoPages));
    let kids_elsewhere = Pdf::new().object(1, CATALOG).object(2, "<</Type/Pages/Kids 2 0 R>>").table("");
    assert_eq!(pages(&kids_elsewhere), Err(Flaw::NoPages));
}

#[test]
fn a_tree_that_doubles_at_each_level_is_too_complex() {
    let mut pdf = Pdf::new().object(1, CATALOG);
    for number in 2..70 {
        let kid = format!("{0} 0 R {0} 0 R", number + 1);
        pdf = pdf.object(number, node(&kid, 2));
    }
    assert_eq!(pages(&pdf.object(70, PAGE).table("")), Err(Flaw::TooComplex));
}

#[test]
fn a_tree_that_is_a_list_is_too_complex_only_when_it_is_absurd() {
    let list = |length: u32| {
        let mut pdf = Pdf::new().object(1, CATALOG);
        for number in 2..2 + length {
            pdf = pdf.object(number, node(&format!("{} 0 R", number + 1), 1));
        }
        pages(&pdf.object(2 + length, PAGE).table(""))
    };
    assert_eq!(list(1000), Ok(Some(1)));
    assert_eq!(list(100_000), Err(Flaw::TooComplex));
}

#[test]
fn large_trees_are_counted_whatever_the_order_of_their_pages() {
    let kids: String = (3..20_003).rev().map(|number| format!("{number} 0 R ")).collect();
    let mut pdf = Pdf::new().object(1, CATALOG).object(2, node(&kids, 20_000));
    for number in 3..20_003 {
        pdf = pdf.object(number, PAGE);
    }
    assert_eq!(pages(&pdf.table("")), Ok(Some(20_000)));
}

#[test]
fn kids_that_stand_in_their_parent_are_counted_up_to_a_bound() {
    let tree = |kids: usize| {
        let bytes = Pdf::new().object(1, CATALOG).object(2, node(&"<<>>".repeat(kids), 1)).table("");
        pages(&bytes)
    };
    assert_eq!(tree(100_000), Ok(Some(100_000)));
    assert_eq!(tree(1_100_000), Err(Flaw::TooComplex));
}

#[test]
fn deep_nesting_is_a_flaw_and_no_overflow() {
    let deep = |open: &str, close: &str| [open.repeat(100_000), close.repeat(100_000)].concat();
    let page = format!("<</Type/Page/X {}>>", deep("[", "]"));
    let beside =
        Pdf::new().object(1, CATALOG).object(2, node("3 0 R 4 0 R", 1)).object(3, page).object(4, PAGE);
    assert_eq!(pages(&beside.table("")), Ok(Some(1)));
    for body in [deep("[", "]"), deep("<</Kids[", "]>>"), "(".repeat(100_000), "<".repeat(100_001)] {
        let bytes = Pdf::new().object(1, CATALOG).object(2, body).table("");
        assert_eq!(pages(&bytes), Err(Flaw::NoPages));
    }
    let trailer = one_page().table(&format!("/X {}", deep("[", "]")));
    assert_eq!(pages(&trailer), Ok(Some(1)), "the catalog stands in for a trailer that can't be read");
}

#[test]
fn tables_that_lead_in_circles_are_rebuilt() {
    let bytes = small();
    let table = memchr::memmem::rfind(&bytes, b"xref\n0").expect("a table");
    for key in ["Prev", "XRefStm"] {
        let text = format!("/{key} {table} ");
        assert_eq!(pages(&one_page().table(&text)), Ok(Some(1)), "{key}");
    }
    let mut long = bytes;
    let mut previous = table;
    for _ in 0..10_000 {
        let start = long.len();
        let section = format!("xref\n0 0\ntrailer\n<</Root 1 0 R/Prev {previous}>>\n");
        long.extend(section.as_bytes());
        previous = start;
    }
    long.extend(format!("startxref\n{previous}\n%%EOF\n").as_bytes());
    assert_eq!(pages(&long), Ok(Some(1)));
}

#[test]
fn numbers_beyond_all_bounds_are_only_numbers() {
    for number in ["4294967295", "9223372036854775807", "18446744073709551615", "99999999999999999999999"] {
        for key in ["Prev", "XRefStm", "Size", "Length"] {
            let bytes = one_page().table(&format!("/{key} {number}"));
            assert_eq!(pages(&bytes), Ok(Some(1)), "/{key} {number}");
        }
        let bytes = one_page().text(&format!("trailer<</Root 1 0 R>>\nstartxref\n{number}\n%%EOF")).bytes;
        assert_eq!(pages(&bytes), Ok(Some(1)), "startxref {number}");
        let bytes = one_page().text(&format!("xref\n0 {number}\ntrailer<</Root 1 0 R>>")).bytes;
        assert_eq!(pages(&bytes), Ok(Some(1)), "a section of {number}");
    }
}

/// `padding` bytes behind the page tree in an object stream, coded as runs, which shrinks them 64 times each time: the
/// run of 128 bytes of 129 is 129, 129.
fn padded_object_stream(padding: usize, times: usize) -> Vec<u8> {
    let run_length = |bytes: &[u8]| {
        let mut coded = Vec::new();
        let mut rest = bytes;
        while let Some(&byte) = rest.first() {
            let run = rest.iter().take(128).take_while(|other| **other == byte).count();
            match run {
                1 => coded.extend([0, byte]),
                _ => coded.extend([(257 - run) as u8, byte]),
            }
            rest = &rest[run..];
        }
        coded
    };
    let members = format!("2 0 3 {} ", node("3 0 R", 1).len() + 1);
    let mut bytes = format!("{members}{} {PAGE}", node("3 0 R", 1)).into_bytes();
    bytes.resize(bytes.len() + padding, 129);
    for _ in 0..times {
        bytes = run_length(&bytes);
    }
    let filters = "/RunLengthDecode".repeat(times);
    let dictionary = format!("/Type/ObjStm/N 2/First {}/Filter[{filters}]", members.len());
    let mut pdf = Pdf::new().object(1, CATALOG).object(4, stream(&dictionary, &bytes));
    // A second one, so that rebuilding meets it too.
    pdf = pdf.object(5, stream(&dictionary, &bytes));
    pdf.stream_table(6, &[(2, 4, 0), (3, 4, 1)])
}

#[test]
fn object_streams_are_unpacked_up_to_a_bound() {
    assert_eq!(pages(&padded_object_stream(1 << 20, 1)), Ok(Some(1)));
    assert_eq!(pages(&padded_object_stream(1 << 20, 2)), Ok(Some(1)));
    let bomb = padded_object_stream(1 << 26, 2);
    assert!(bomb.len() < 1 << 16, "64 MiB in {} bytes", bomb.len());
    assert_eq!(pages(&bomb), Err(Flaw::NoPages));
    assert_eq!(pages(&padded_object_stream(1 << 20, 5)), Err(Flaw::NoPages), "five filters");
}

#[test]
fn many_bombs_are_given_up_on() {
    // 1 MiB of runs of runs: 4 GiB each.
    let bomb = stream("/Type/ObjStm/N 1/First 10/Filter[/RL/RL]", &vec![129; 1 << 16]);
    let mut pdf = Pdf::new().object(1, CATALOG).object(2, node("3 0 R", 1));
    for number in 10..60 {
        pdf = pdf.object(number, &bomb);
    }
    assert_eq!(pages(&pdf.text("trailer <</Root 1 0 R>>").bytes), Err(Flaw::TooComplex));
}

#[test]
fn an_encryption_of_another_kind_leaves_the_count_open() {
    let encrypt = "/Encrypt<</Filter/Adobe.PubSec/V 4>>/ID[<00><00>]";
    assert_eq!(pages(&one_page().table(encrypt)), Ok(None));
    let nothing = "/Encrypt null";
    assert_eq!(pages(&one_page().table(nothing)), Ok(Some(1)));
}

#[test]
fn what_leads_to_no_page_is_refused_for_its_reason() {
    let empty = Pdf::new().object(1, CATALOG).object(2, node("", 0)).table("");
    let action = Pdf::new().object(1, CATALOG).object(2, "<</S/JavaScript/JS(x)>>").table("");
    let no_pages = Pdf::new().object(1, "<</Type/Catalog>>").table("");
    let report = fixture("report.pdf");
    let cases: [(&str, &[u8], Flaw); 8] = [
        ("no header", b"1 0 obj<<>>endobj", Flaw::BadHeader),
        ("nothing", b"", Flaw::BadHeader),
        ("the header alone", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", Flaw::NoTrailer),
        ("its second half lost", &report[..report.len() / 2], Flaw::NoTrailer),
        ("a catalog without pages", &no_pages, Flaw::NoTrailer),
        ("a tree without kids", &empty, Flaw::NoPages),
        ("an action for a tree", &action, Flaw::NoPages),
        ("text", b"%PDF-1.4 is what this letter is about", Flaw::NoTrailer),
    ];
    for (name, bytes, flaw) in cases {
        assert_eq!(pages(bytes), Err(flaw), "{name}");
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_answered() {
    for (name, step) in [("report.pdf", 1), ("objstm.pdf", 1), ("encrypted-empty.pdf", 61)] {
        let bytes = fixture(name);
        for end in (0..bytes.len()).step_by(step) {
            if let Ok(Some(count)) = pages(&bytes[..end]) {
                assert!(count <= 3, "{name} cut at {end} has {count} pages");
            }
            // Nothing is drawn of most; what is must be a picture.
            if end % 97 == 0 {
                assert!(
                    thumbnail(&bytes[..end]).is_none_or(|picture| picture.width() > 0),
                    "{name} at {end}"
                );
            }
        }
    }
}

#[test]
fn a_file_with_any_byte_changed_is_answered() {
    // Trying the password takes some milliseconds, so not every byte of that one.
    for (name, step) in [("objstm.pdf", 1), ("rotated-cropped.pdf", 1), ("encrypted-empty.pdf", 61)] {
        let mut bytes = fixture(name);
        let (mut tried, mut counted) = (0, 0);
        for at in (0..bytes.len()).step_by(step) {
            for flip in [0x01, 0x20, 0xff] {
                bytes[at] ^= flip;
                tried += 1;
                counted += usize::from(pages(&bytes).is_ok());
                bytes[at] ^= flip;
            }
        }
        assert!((tried / 3..tried).contains(&counted), "{name}: {counted} of {tried} still count");
    }
}

fn thumbnail(bytes: &[u8]) -> Option<image::RgbImage> {
    let jpeg = document::derive(Format::Pdf, &mut Cursor::new(bytes), &LIMITS)?;
    let picture = image::load_from_memory_with_format(&jpeg, image::ImageFormat::Jpeg).expect("a sound JPEG");
    Some(picture.into_rgb8())
}

/// That the pixel is near a colour: JPEG changes it a little.
#[track_caller]
fn assert_colour(picture: &image::RgbImage, at: (u32, u32), colour: [u8; 3]) {
    let found = picture.get_pixel(at.0, at.1).0;
    let near = found.iter().zip(colour).all(|(one, other)| one.abs_diff(other) < 24);
    assert!(near, "{found:?} for {colour:?} at {at:?}");
}

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];
const WHITE: [u8; 3] = [255, 255, 255];

#[test]
fn the_first_page_is_drawn_on_white_480_pixels_high() {
    for name in [
        "report.pdf",
        "linearised.pdf",
        "objstm.pdf",
        "incremental.pdf",
        "broken-xref.pdf",
        "encrypted-empty.pdf",
    ] {
        let picture = thumbnail(&fixture(name)).expect(name);
        assert_eq!((picture.width(), picture.height()), (340, THUMBNAIL_SIDE), "{name}");
        assert_colour(&picture, (170, 20), RED);
        assert_colour(&picture, (170, 470), WHITE);
        assert_colour(&picture, (5, 100), WHITE);
        let ink = picture.enumerate_pixels().filter(|(_, y, pixel)| *y > 80 && pixel.0[0] < 100).count();
        assert!(ink > 200, "{name}: {ink} dark pixels of text");
    }
}

#[test]
fn only_the_crop_box_is_drawn_and_turned() {
    let picture = thumbnail(&fixture("rotated-cropped.pdf")).expect("a thumbnail");
    assert_eq!((picture.width(), picture.height()), (240, 480));
    // Turned clockwise: what was left is on top, what was below is on the left.
    assert_colour(&picture, (150, 100), RED);
    assert_colour(&picture, (150, 380), BLUE);
    assert_colour(&picture, (20, 100), GREEN);
    assert_colour(&picture, (20, 380), GREEN);
}

#[test]
fn a_page_of_any_size_is_drawn_at_480_pixels() {
    for (bounds, sides) in [
        ("0 0 10 5", (480, 240)),
        ("0 0 14400 14400", (480, 480)),
        ("-50 -50 50 150", (240, 480)),
        ("0 0 100000 1", (480, 1)),
        ("100 100 0 0", (480, 480)),
    ] {
        let page = format!("<</Type/Page/Parent 2 0 R/MediaBox[{bounds}]>>");
        let bytes = Pdf::new().object(1, CATALOG).object(2, node("3 0 R", 1)).object(3, page).table("");
        let picture = thumbnail(&bytes).expect(bounds);
        assert_eq!((picture.width(), picture.height()), sides, "{bounds}");
        assert_colour(&picture, (0, 0), WHITE);
    }
}

#[test]
fn absurd_page_boxes_do_no_harm() {
    for bounds in ["0 0 1e38 1e38", "0 0 99999999999999999999 1", "0 0 0 0", "1 2 3", "null", "/A /B /C /D"] {
        let page = format!("<</Type/Page/Parent 2 0 R/MediaBox[{bounds}]>>");
        let bytes = Pdf::new().object(1, CATALOG).object(2, node("3 0 R", 1)).object(3, page).table("");
        assert!(
            thumbnail(&bytes).is_none_or(|picture| picture.width().max(picture.height()) == 480),
            "{bounds}"
        );
    }
}

#[test]
fn what_takes_a_password_or_has_no_page_is_not_drawn() {
    assert!(thumbnail(&fixture("encrypted-password.pdf")).is_none());
    assert!(thumbnail(b"%PDF-1.4\n").is_none());
    assert!(thumbnail(b"").is_none());
}
