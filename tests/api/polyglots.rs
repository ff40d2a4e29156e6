//! Files that are two things at once are stored and served as what their bytes are first, so that nothing takes them for
//! the other. What a browser makes of them, `tests/browser` shows.

use crate::support::{Form, Server, sample};

const PAGE: &[u8] = b"<html><body><script>alert(1)</script></body></html>";

/// The end of an archive with one empty entry, which readers look for at the end of a file (APPNOTE, 4.3.16).
fn archive() -> Vec<u8> {
    let mut local = b"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0".to_vec();
    local.extend_from_slice(&[0; 12]);
    local.extend_from_slice(b"\x07\0\0\0A.class");
    let mut central = b"PK\x01\x02\x0a\0\x0a\0\0\0\0\0\0\0\0\0".to_vec();
    central.extend_from_slice(&[0; 12]);
    central.extend_from_slice(b"\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0A.class");
    let mut end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0".to_vec();
    end.extend_from_slice(&(central.len() as u32).to_le_bytes());
    end.extend_from_slice(&(local.len() as u32).to_le_bytes());
    end.extend_from_slice(&[0; 2]);
    [local, central, end].concat()
}

fn with_jpeg_comment(jpeg: &[u8], text: &[u8]) -> Vec<u8> {
    let length = (text.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], b"\xff\xfe", &length, text, &jpeg[2..]].concat()
}

fn with_png_text(png: &[u8], text: &[u8]) -> Vec<u8> {
    const HEADER_END: usize = 8 + 25;
    let chunk = sample::png_chunk(b"tEXt", &[b"Comment\0", text].concat());
    [&png[..HEADER_END], &chunk, &png[HEADER_END..]].concat()
}

fn with_free_box(film: &[u8], text: &[u8]) -> Vec<u8> {
    [film, &(text.len() as u32 + 8).to_be_bytes(), b"free", text].concat()
}

fn with_wav_list(wav: &[u8], text: &[u8]) -> Vec<u8> {
    let text = [b"INFOICMT", &(text.len() as u32).to_le_bytes()[..], text].concat();
    let padding = vec![0; text.len() % 2];
    let list = [b"LIST", &(text.len() as u32).to_le_bytes()[..], &text, &padding].concat();
    let size = (wav.len() - 8 + list.len()) as u32;
    [b"RIFF", &size.to_le_bytes()[..], &wav[8..], &list].concat()
}

/// ID3v2.3, 4.2: a title that is a page.
fn with_title(mp3: &[u8], text: &[u8]) -> Vec<u8> {
    let frame = [b"TIT2", &(text.len() as u32 + 1).to_be_bytes()[..], b"\0\0\0", text].concat();
    let size = frame.len();
    [b"ID3\x03\0\0\0\0", &[(size >> 7) as u8, (size & 127) as u8][..], &frame, mp3].concat()
}

/// A script that is a picture: the width opens a comment, a comment of GIF's closes it.
fn gif_script() -> Vec<u8> {
    let script = b"*/=1;alert(1);/*";
    let mut gif = b"GIF89a/*\x0a\0\x80\0\0\xff\0\0\0\0\xff\x21\xfe".to_vec();
    gif.push(script.len() as u8);
    gif.extend_from_slice(script);
    gif.extend_from_slice(b"\0\x2c\0\0\0\0\x02\0\x02\0\0\x02\x03\x44\x02\x05\0\x3b*/");
    gif
}

#[test]
fn a_file_that_is_two_is_served_as_the_one_that_was_told() {
    let server = Server::start();
    let of = |format: &str| sample::named(format);
    let rows: Vec<(&str, Vec<u8>, &str)> = vec![
        ("archive.pdf", [of("pdf"), archive()].concat(), "application/pdf"),
        ("page.pdf", [PAGE, b"\n", &of("pdf")].concat(), "application/pdf"),
        ("archive.gif", [of("gif"), archive()].concat(), "image/gif"),
        ("script.gif", gif_script(), "image/gif"),
        ("page.jpg", with_jpeg_comment(&of("jpg"), PAGE), "image/jpeg"),
        ("page-behind.jpg", [&of("jpg"), PAGE].concat(), "image/jpeg"),
        ("script.png", with_png_text(&of("png"), PAGE), "image/png"),
        ("page-behind.png", [&of("png"), PAGE].concat(), "image/png"),
        ("page.mp4", with_free_box(&of("mp4"), PAGE), "video/mp4"),
        ("page.wav", with_wav_list(&of("wav"), PAGE), "audio/wav"),
        ("page.mp3", with_title(&of("mp3"), PAGE), "audio/mpeg"),
    ];
    for (name, bytes, media_type) in rows {
        // As something that claims nothing, so that the bytes alone decide.
        let form = Form::new().file(name, Some("application/octet-stream"), &bytes);
        let asset = server.user(7).upload_form(&form);
        let answer = server.user(7).get(&asset.path()).expect(200);
        assert_eq!(answer.header("content-type"), media_type, "{name}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{name}");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none';"), "{name}: {policy}");
        assert_eq!(policy.contains("sandbox"), media_type != "application/pdf", "{name}: {policy}");
        assert!(answer.body == bytes, "{name}");
    }
}

#[test]
fn what_is_first_a_page_or_a_script_is_refused_whatever_it_is_called() {
    let server = Server::start();
    let svg: &[u8] = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
    for name in ["a.png", "a.jpg", "a.mp4", "a.mp3", "a.pdf", "a.html", "a.svg", "a"] {
        for bytes in [PAGE, svg, b"alert(1)//", b"#!/bin/sh\nexit\n", &archive()] {
            let form = Form::new().file(name, Some("application/octet-stream"), bytes);
            server.user(7).post(&form).expect(400);
        }
    }
    assert!(server.files().is_empty());
}
